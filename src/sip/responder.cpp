#include "sip/responder.h"

#include <algorithm>

#include "base/hash.h"
#include "sip/text.h"

namespace pandun::sip {
namespace {

constexpr std::string_view kAllowLine = "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, MESSAGE\r\n";

bool in_dialog(Method method) {
  switch (method) {
    case Method::kBye:
    case Method::kPrack:
    case Method::kUpdate:
    case Method::kInfo:
    case Method::kNotify:
    case Method::kRefer:
      return true;
    default:
      return false;
  }
}

}  // namespace

Responder::Responder(ResponderOptions options, std::shared_ptr<const Trunks> trunks, const decide::Decider& decider,
                     const Numbering& numbering, Figures& figures)
    : options_(std::move(options)),
      trunks_(std::move(trunks)),
      decider_(decider),
      numbering_(numbering),
      figures_(figures),
      recent_(options_.calls_remembered),
      buckets_(trunks_->all().size()),
      ahead_(std::make_unique<std::array<Ahead, kAhead>>()) {}

void Responder::replace_trunks(std::shared_ptr<const Trunks> trunks) {
  trunks_ = std::move(trunks);
  for (Ahead& ahead : *ahead_) ahead.taken = false;  // their trunks are gone
  buckets_ = TokenBuckets(trunks_->all().size());
}

Departure Responder::answer(const Arrival& in, const Now& now, std::span<char> room) {
  return respond(in, now, room, nullptr);
}

Departure Responder::answer(const Arrival& in, const Now& now, std::span<char> room, std::size_t place) {
  Ahead& ahead = (*ahead_)[place % kAhead];
  const Departure out = respond(in, now, room, ahead.taken ? &ahead : nullptr);
  ahead.taken = false;
  return out;
}

void Responder::read_ahead(const Arrival& in, std::size_t place) {
  Ahead& ahead = (*ahead_)[place % kAhead];
  ahead.trunk = trunks_->find(in.peer);
  ahead.taken = ahead.trunk != nullptr && in.age <= options_.queue_age_max && !in.bytes.starts_with("SIP/");
  if (!ahead.taken) return;
  ahead.reading.asks = false;
  ahead.reading.fault = parse(in.bytes, options_.limits, ahead.message);
  const Method method = ahead.message.method;
  if (ahead.reading.fault || (method != Method::kInvite && method != Method::kMessage)) return;
  read(*ahead.trunk, ahead.message, ahead.reading);
  decider_.prefetch(ahead.reading.from, ahead.reading.to);
}

Departure Responder::respond(const Arrival& in, const Now& now, std::span<char> room, Ahead* ahead) {
  figures_.add(Count::kReceived);
  const Trunk* const trunk = ahead != nullptr ? ahead->trunk : trunks_->find(in.peer);
  if (trunk == nullptr && !trunks_->is_next_hop(in.peer)) {
    figures_.add(Count::kStrangers);
    return {};
  }
  if (in.bytes.starts_with("SIP/")) return on_response(in, room);
  if (trunk == nullptr) {
    figures_.add(Count::kStrangers);
    return {};
  }
  if (in.age > options_.queue_age_max) {
    figures_.add(Count::kLate);
    return {};
  }
  const Departure out = on_request(in, now, *trunk, room, ahead);
  if (out.bytes != 0) figures_.add(Count::kAnswered);
  return out;
}

Departure Responder::on_request(const Arrival& in, const Now& now, const Trunk& trunk, std::span<char> room,
                                Ahead* ahead) {
  identity_ = 0;
  if (ahead != nullptr) {
    message_ = &ahead->message;
    reading_ = &ahead->reading;
  } else {
    message_ = &own_message_;
    reading_ = &own_reading_;
    reading_->asks = false;
    reading_->fault = parse(in.bytes, options_.limits, own_message_);
  }
  if (!reading_->asks) reading_->call_key = 0;
  const Fault fault = reading_->fault;
  if (fault.silent || message_->response) {
    figures_.add(Count::kNoise);
    return {};
  }
  Writer out(room);
  if (message_->method == Method::kAck) {
    // An ACK is never answered. One of a call that was passed on follows it.
    if (fault || trunk.allow != Allow::kProxy) return {};
    const Recalled* const before =
        recent_.find(call_key(), RecentCalls::kAnyCaller, static_cast<std::uint32_t>(now.wall.ms / 1000));
    if (before != nullptr && before->verdict == static_cast<std::uint8_t>(decide::Verdict::kReject)) return {};
    return pass_on(in, trunk, nullptr, out);
  }
  if (fault) {
    figures_.add(Count::kMalformed);
    return plain(in, trunk, fault.status, fault.reason, {}, out);
  }
  const auto index = static_cast<std::size_t>(&trunk - trunks_->all().data());
  const std::uint64_t share = trunk.rate == 0 ? 0 : std::max<std::uint64_t>(trunk.rate / options_.threads, 1);
  if (!buckets_.take(index, share, std::max<std::uint64_t>(trunk.burst / options_.threads, 1), now.steady)) {
    figures_.add(Count::kLimited);
    if (trunk.allow == Allow::kServiceUnavailable) return {};  // there a 503 would let the call pass
    return plain(in, trunk, 503, "Service Unavailable", "Retry-After: 1\r\n", out);
  }
  const bool proxied = trunk.allow == Allow::kProxy;
  switch (message_->method) {
    case Method::kInvite:
    case Method::kMessage:
      // Also with a To-tag: there are no dialogs here that it could belong to (RFC 3261 section 12.2.2 leaves it to us).
      return on_invite(in, now, trunk, out);
    case Method::kCancel:
      return on_cancel(in, now, trunk, out);
    case Method::kOptions:
      return on_options(in, trunk, out);
    case Method::kUnknown:
      if (proxied) break;
      figures_.add(Count::kMalformed);
      return plain(in, trunk, 501, "Not Implemented", kAllowLine, out);
    default:
      break;
  }
  if (message_->method == Method::kBye) note_feedback(trunk);
  if (proxied) return pass_on(in, trunk, nullptr, out);
  if (!message_->to.tag.empty() || in_dialog(message_->method))
    return plain(in, trunk, 481, "Call/Transaction Does Not Exist", {}, out);
  return plain(in, trunk, 405, "Method Not Allowed", kAllowLine, out);
}

// A called person's "unwanted" comes back in the Reason of BYE and CANCEL (RFC 8197 section 4); it is counted, never answered with.
void Responder::note_feedback(const Trunk&) {
  const std::string_view reason = message_->value(Name::kReason);
  if (reason.size() >= 3 && same_word(reason.substr(0, 3), "sip") && reason.find("cause=607") != std::string_view::npos)
    figures_.add(Count::kUnwanted);
}

std::uint64_t Responder::call_key(const Message& message) const {
  return SipHash(options_.key)
      .add(message.value(Name::kCallId))
      .add(message.from.tag)
      .add(message.target_text)
      .add(message.cseq)
      .value();
}

std::uint64_t Responder::to_tag() const {
  // The key of the call holds Call-ID, From-tag and CSeq already.
  const std::uint64_t call = reading_->call_key == 0 ? call_key() : reading_->call_key;
  return SipHash(options_.key).add(call).add(message_->via.branch).add(message_->via.sent_by).value();
}

void Responder::read(const Trunk& trunk, const Message& message, Reading& out) {
  out.asks = true;
  out.call_key = call_key(message);
  recent_.prefetch(out.call_key);
  read_parties(message, trunk, out.parties);
  const auto number = [&](const NumberText& text) {
    if (text.view().empty()) return model::NumberKey();
    if (!text.number) return model::NumberKey::opaque(text.view());
    return numbering_.parse(apply(trunk, text.view(), dialled_), trunk.country, trunk.area);
  };
  const Parties& parties = out.parties;
  out.from = parties.source == CallerFrom::kWithheld ? model::NumberKey() : number(parties.caller);
  out.to = number(parties.callee);
  out.diverted_by = parties.diversions != 0 ? number(parties.diverted_by) : model::NumberKey();
}

Responder::Judgement Responder::judge(const Now& now, const Trunk& trunk, bool message) {
  if (!reading_->asks) read(trunk, *message_, *reading_);
  const Parties& parties = reading_->parties;
  decide::Question question;
  question.from = reading_->from;
  question.to = reading_->to;
  question.route = trunk.name;
  question.international = trunk.direction == Direction::kInternationalIn;
  question.at = now.wall;
  question.from_text = parties.caller.view();
  question.diverted_by = reading_->diverted_by;
  question.diversions = parties.diversions;
  question.direction = trunk.direction;
  question.trusted = trunk.trusted;
  question.identity = parties.verstat == Verstat::kPassed   ? decide::Identity::kFullA
                      : parties.verstat == Verstat::kFailed ? decide::Identity::kFailed
                                                            : decide::Identity::kNone;

  const auto second = static_cast<std::uint32_t>(now.wall.ms / 1000);
  const std::uint32_t caller = static_cast<std::uint32_t>(mix64(question.from.bits())) | 1U;
  Judgement out;
  if (const Recalled* const before = recent_.find(reading_->call_key, caller, second)) {
    out.repeated = true;
    identity_ = before->identity;
    if (identity_ != 0) apply_identity(trunk, question);
    question.rehearsal = true;  // only for the words: what was decided stands in the memory
    const decide::Answer again = message ? decider_.message(question) : decider_.call(question);
    out.answer.verdict = static_cast<decide::Verdict>(before->verdict);
    out.answer.reason = static_cast<decide::Reason>(before->reason);
    out.answer.id = before->decision;
    if (again.verdict == out.answer.verdict && again.reason == out.answer.reason) {
      const std::uint64_t id = out.answer.id;
      out.answer = again;
      out.answer.id = id;
    }
    return out;
  }
  if (trunk.identity != IdentityCheck::kOff && !message) {
    check_identity(now, trunk, parties, question);
    apply_identity(trunk, question);
  }
  out.answer = message ? decider_.message(question) : decider_.call(question);
  const std::uint64_t forgotten = recent_.forgotten();
  recent_.add(reading_->call_key, caller, second,
              {out.answer.id, static_cast<std::uint8_t>(out.answer.verdict),
               static_cast<std::uint8_t>(out.answer.reason), identity_});
  if (recent_.forgotten() != forgotten) figures_.add(Count::kForgotten);
  return out;
}

Departure Responder::on_invite(const Arrival& in, const Now& now, const Trunk& trunk, Writer& out) {
  const Judgement judgement = judge(now, trunk, message_->method == Method::kMessage);
  figures_.add(Count::kInvites);
  if (judgement.repeated) {
    figures_.add(Count::kRepeated);
  } else {
    figures_.add(judgement.answer.verdict == decide::Verdict::kReject ? Count::kRejected
                 : judgement.answer.verdict == decide::Verdict::kWarn ? Count::kWarned
                                                                      : Count::kAllowed);
  }
  if (judgement.answer.verdict == decide::Verdict::kReject) return rejected(in, trunk, judgement.answer, out);
  return allowed(in, trunk, judgement.answer, out);
}

Departure Responder::on_cancel(const Arrival& in, const Now& now, const Trunk& trunk, Writer& out) {
  note_feedback(trunk);
  const Recalled* const before =
      recent_.find(call_key(), RecentCalls::kAnyCaller, static_cast<std::uint32_t>(now.wall.ms / 1000));
  const bool rejected_before =
      before != nullptr && before->verdict == static_cast<std::uint8_t>(decide::Verdict::kReject);
  if (trunk.allow == Allow::kProxy && !rejected_before) return pass_on(in, trunk, nullptr, out);
  if (before != nullptr) return plain(in, trunk, 200, "OK", {}, out);
  return plain(in, trunk, 481, "Call/Transaction Does Not Exist", {}, out);
}

Departure Responder::on_options(const Arrival& in, const Trunk& trunk, Writer& out) {
  if (const Field* const require = message_->find(Name::kRequire)) {
    begin(in, 420, "Bad Extension", out);
    out.put("Unsupported: ").put(require->value).put("\r\n");
    return finish(in, trunk, out);
  }
  if (draining_) return plain(in, trunk, 503, "Service Unavailable", "Retry-After: 60\r\n", out);
  begin(in, 200, "OK", out);
  out.put(kAllowLine).put("Accept: application/sdp\r\nAccept-Encoding: identity\r\nSupported:\r\n");
  return finish(in, trunk, out);
}

}  // namespace pandun::sip
