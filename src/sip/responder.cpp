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
    message_.take(ahead->message);
    reading_ = &ahead->reading;
  } else {
    reading_ = &own_reading_;
    reading_->asks = false;
    reading_->fault = parse(in.bytes, options_.limits, message_);
  }
  if (!reading_->asks) reading_->call_key = 0;
  const Fault fault = reading_->fault;
  if (fault.silent || message_.response) {
    figures_.add(Count::kNoise);
    return {};
  }
  Writer out(room);
  if (message_.method == Method::kAck) {
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
  switch (message_.method) {
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
  if (message_.method == Method::kBye) note_feedback(trunk);
  if (proxied) return pass_on(in, trunk, nullptr, out);
  if (!message_.to.tag.empty() || in_dialog(message_.method))
    return plain(in, trunk, 481, "Call/Transaction Does Not Exist", {}, out);
  return plain(in, trunk, 405, "Method Not Allowed", kAllowLine, out);
}

// A called person's "unwanted" comes back in the Reason of BYE and CANCEL (RFC 8197 section 4); it is counted, never answered with.
void Responder::note_feedback(const Trunk&) {
  const std::string_view reason = message_.value(Name::kReason);
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
  return SipHash(options_.key).add(call).add(message_.via.branch).add(message_.via.sent_by).value();
}

void Responder::read(const Trunk& trunk, Message& message, Reading& out) {
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
  if (!reading_->asks) read(trunk, message_, *reading_);
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
  const Judgement judgement = judge(now, trunk, message_.method == Method::kMessage);
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

void Responder::verdict_headers(const decide::Answer& answer, Writer& out) const {
  out.put("X-Pandun-Verdict: ").put(decide::name(answer.verdict)).put("\r\nX-Pandun-Reason: ");
  out.put(decide::name(answer.reason)).put("\r\n");
  if (identity_ != 0) identity_header(out);
  if (answer.id != 0) out.put("X-Pandun-Decision: ").put(decide::decision_id(answer.id).view()).put("\r\n");
  if (answer.score != 0) out.put("X-Pandun-Score: ").put(std::uint64_t{answer.score}).put("\r\n");
  const std::string_view label = answer.label_zh.empty() ? answer.label_en.view() : answer.label_zh.view();
  if (!label.empty()) out.put("X-Pandun-Label: ").put(label).put("\r\n");
}

Departure Responder::allowed(const Arrival& in, const Trunk& trunk, const decide::Answer& answer, Writer& out) {
  if (trunk.allow == Allow::kProxy) return pass_on(in, trunk, &answer, out);
  switch (trunk.allow) {
    case Allow::kServiceUnavailable:
      begin(in, 503, "Service Unavailable", out);
      break;
    case Allow::kNotFound:
      begin(in, 404, "Not Found", out);
      break;
    default: {
      // Never the Request-URI itself (section 8.3): another host, and the verdict as a parameter.
      begin(in, 302, "Moved Temporarily", out);
      out.put("Contact: <sip:");
      std::string_view user = message_.target.user;
      if (!user.empty()) out.put(user).put("@");
      out.put(trunk.next.text).put(";verdict=").put(decide::name(answer.verdict));
      bool found = false;
      if (message_.target.scheme == Scheme::kTel || parameter(message_.target.params, "user", found) == "phone")
        out.put(";user=phone");
      out.put(">\r\n");
    }
  }
  verdict_headers(answer, out);
  return finish(in, trunk, out);
}

Departure Responder::rejected(const Arrival& in, const Trunk& trunk, const decide::Answer& answer, Writer& out) {
  if (answer.reason == decide::Reason::kIdentityRequired) {
    identity_refusal(in, out);
    verdict_headers(answer, out);
    return finish(in, trunk, out);
  }
  const decide::Basis basis = decide::info(answer.reason).basis;
  const bool fact = basis == decide::Basis::kFact || basis == decide::Basis::kCallee;
  Reject form = fact ? trunk.reject_fact : trunk.reject;
  // Who sends 608 on to a caller's side that does not know it must play an announcement (RFC 8688 section 3.2): we cannot.
  if (form == Reject::kRejected && message_.value(Name::kFeatureCaps).find("sip.608") == std::string_view::npos) {
    const bool plus = !trunk.redress_url.empty() || !trunk.redress_tel.empty() || !trunk.redress_email.empty();
    form = plus && !fact ? Reject::kNetworkBlocked : Reject::kDecline;
  }
  switch (form) {
    case Reject::kDecline:
      begin(in, 603, "Decline", out);
      break;
    case Reject::kNetworkBlocked:
      begin(in, 603, "Network Blocked", out);
      out.put("Reason: SIP;cause=603;text=\"v=analytics1");
      if (!trunk.redress_url.empty()) out.put(";url=").put(trunk.redress_url);
      if (!trunk.redress_tel.empty()) out.put(";tel=").put(trunk.redress_tel);
      if (!trunk.redress_email.empty()) out.put(";email=").put(trunk.redress_email);
      if (answer.id != 0) out.put(";id=").put(decide::decision_id(answer.id).view());
      out.put("\";location=").put(trunk.blocked_at).put("\r\n");
      break;
    case Reject::kRejected:
      begin(in, 608, "Rejected", out);
      out.put("Call-Info: <").put(trunk.jcard_url).put(">;purpose=jwscard\r\n");
      break;
    case Reject::kForbidden:
      begin(in, 403, "Forbidden", out);
      break;
    case Reject::kNotFound:
      begin(in, 404, "Not Found", out);
      break;
    case Reject::kUnavailable:
      begin(in, 480, "Temporarily Unavailable", out);
      break;
    case Reject::kBusy:
      begin(in, 486, "Busy Here", out);
      break;
  }
  verdict_headers(answer, out);
  return finish(in, trunk, out);
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
  if (const Field* const require = message_.find(Name::kRequire)) {
    begin(in, 420, "Bad Extension", out);
    out.put("Unsupported: ").put(require->value).put("\r\n");
    return finish(in, trunk, out);
  }
  if (draining_) return plain(in, trunk, 503, "Service Unavailable", "Retry-After: 60\r\n", out);
  begin(in, 200, "OK", out);
  out.put(kAllowLine).put("Accept: application/sdp\r\nAccept-Encoding: identity\r\nSupported:\r\n");
  return finish(in, trunk, out);
}

Departure Responder::plain(const Arrival& in, const Trunk& trunk, std::uint16_t status, std::string_view reason,
                           std::string_view more, Writer& out) {
  begin(in, status, reason, out);
  out.put(more);
  return finish(in, trunk, out);
}

void Responder::begin(const Arrival& in, std::uint16_t status, std::string_view reason, Writer& out) {
  out.put("SIP/2.0 ").put(std::uint64_t{status}).put(" ").put(reason).put("\r\n");
  const std::uint16_t first_via = message_.first[static_cast<std::size_t>(Name::kVia)];
  for (std::size_t i = first_via; i != 0 && i <= message_.field_count; ++i) {
    const Field& field = message_.fields[i - 1];
    if (field.name != Name::kVia) continue;
    out.put("Via: ");
    if (i == first_via && message_.via_count != 0) {
      top_via(in, out);
      const char* const behind = message_.via.text.data() + message_.via.text.size();
      out.put(field.value.substr(static_cast<std::size_t>(behind - field.value.data())));
    } else {
      out.put(field.value);
    }
    out.put("\r\n");
  }
  if (const Field* const from = message_.find(Name::kFrom)) out.put("From: ").put(from->value).put("\r\n");
  if (const Field* const to = message_.find(Name::kTo)) {
    out.put("To: ").put(to->value);
    if (message_.to.tag.empty()) out.put(";tag=pd").hex(to_tag());
    out.put("\r\n");
  }
  if (const Field* const id = message_.find(Name::kCallId)) out.put("Call-ID: ").put(id->value).put("\r\n");
  if (const Field* const cseq = message_.find(Name::kCSeq)) out.put("CSeq: ").put(cseq->value).put("\r\n");
}

// `received` is where it came from, whoever wrote what there before; `rport` the port (RFC 3261 section 18.2.1, RFC 3581).
void Responder::top_via(const Arrival& in, Writer& out, bool with_port) const {
  const Via& via = message_.via;
  const char* const begin = via.text.data();
  const char* const behind = via.sent_by.data() + via.sent_by.size();
  out.put({begin, static_cast<std::size_t>(behind - begin)});
  Cursor cursor({behind, static_cast<std::size_t>(via.text.data() + via.text.size() - behind)});
  bool had_received = false;
  while (cursor.take_spaced(';')) {
    const char* const from = cursor.at();
    const std::string_view name = cursor.take_while(kTokenChar);
    if (cursor.take_spaced('=') && cursor.take_quoted().empty())
      while (!cursor.done() && cursor.peek() != ';' && !is(cursor.peek(), kSpaceChar)) cursor.take(cursor.peek());
    if (same_word(name, "received")) {
      had_received = true;
    } else if (!same_word(name, "rport")) {
      out.put(";").put({from, static_cast<std::size_t>(cursor.at() - from)});
    }
  }
  std::string_view host = via.host;
  if (host.size() > 2 && host.front() == '[') host = host.substr(1, host.size() - 2);
  const auto written = model::IpAddress::parse(host);
  const bool same = written && *written == in.peer;
  if (same && (via.rport || with_port))
    out.put(";received=").put(host);
  else if (!same || had_received)
    out.put(";received=").put(in.peer.text());
  if (via.rport || with_port) out.put(";rport=").put(std::uint64_t{in.port});
}

Departure Responder::finish(const Arrival& in, const Trunk& trunk, Writer& out) {
  out.put("Content-Length: 0\r\n\r\n");
  if (!out.whole()) {
    figures_.add(Count::kTooLong);
    return {};
  }
  Departure departure{out.size(), in.peer, in.port};
  if (in.transport == Transport::kUdp && !trunk.reply_to_source_port && message_.via_count != 0 && !message_.via.rport)
    departure.port = message_.via.port == 0 ? std::uint16_t{5060} : message_.via.port;
  return departure;
}

}  // namespace pandun::sip
