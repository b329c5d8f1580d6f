#include "sms/session.h"

#include <utility>

namespace pandun::sms {
namespace {

constexpr std::uint32_t kAnswerBit = 0x80000000;  // SMPP 5.1.2.1; CMPP numbers its answers alike

bool waits_for_window(Kind kind) {
  return kind != Kind::kLinkTest && kind != Kind::kUnbind && kind != Kind::kBind;
}

}  // namespace

Session::Session(const Codec& codec, Verdicts& verdicts, LinkCounters& counters, const SessionOptions& options,
                 Moment now)
    : codec_(&codec), verdicts_(verdicts), counters_(counters), options_(options), now_(now), started_(now.steady) {
  for (SideState& side : sides_) side.heard = now.steady;
}

bool Session::reads(Side side) const {
  const SideState& mine = sides_[index(side)];
  return !mine.closing && !mine.stuck && sides_[index(other(side))].out.size() < options_.out_bytes_max &&
         mine.out.size() < options_.out_bytes_max;
}

void Session::on_bytes(Side from, std::string_view bytes, Moment now) {
  now_ = now;
  SideState& side = at(from);
  if (side.closing) return;
  side.heard = now.steady;
  side.probing = false;
  count(from == Side::kEsme ? counters_.bytes_from_esme : counters_.bytes_from_smsc, bytes.size());
  if (side.in.empty()) {
    const std::size_t used = consume(from, bytes);
    if (!side.closing) side.in.assign(bytes.substr(used));
  } else {
    side.in.append(bytes);
    side.in.erase(0, consume(from, side.in));
  }
  resume();
}

// A side that was stuck goes on as soon as there is room for its parked requests again.
void Session::resume() {
  for (bool moved = true; moved;) {
    moved = false;
    for (const Side side : {Side::kEsme, Side::kSmsc}) {
      SideState& mine = at(side);
      if (!mine.stuck || mine.parked_bytes >= options_.parked_bytes_max) continue;
      mine.stuck = false;
      const std::size_t used = consume(side, mine.in);
      mine.in.erase(0, used);
      moved = moved || used != 0;
    }
  }
}

std::size_t Session::consume(Side from, std::string_view bytes) {
  std::size_t used = 0;
  SideState& side = at(from);
  while (!side.closing) {
    const std::string_view rest = bytes.substr(used);
    const Framing framing = codec_->framing(rest);
    if (framing.bad) {
      count(counters_.bad_streams);
      codec_->bad_length(side.out);
      gone(from);
      break;
    }
    if (framing.size == 0 || framing.size > rest.size()) break;
    if (side.parked_bytes >= options_.parked_bytes_max) {
      side.stuck = true;
      break;
    }
    on_frame(from, codec_->read(rest.substr(0, framing.size)));
    used += framing.size;
  }
  return side.closing ? bytes.size() : used;
}

void Session::on_frame(Side from, const Frame& frame) {
  if (frame.kind == Kind::kAnswer || frame.kind == Kind::kRefused) return on_answer(from, frame);
  if (frame.kind == Kind::kNotice) {
    if (!at(other(from)).closing) at(other(from)).out.append(frame.bytes);
    return;
  }
  on_request(from, frame);
}

void Session::on_answer(Side from, const Frame& frame) {
  SideState& side = at(from);
  const auto found = side.waiting.find(frame.sequence);
  if (found == side.waiting.end() ||
      (frame.kind != Kind::kRefused && (frame.command & ~kAnswerBit) != found->second.command))
    return count(counters_.strays);
  const Waiting waiting = std::move(found->second);
  side.waiting.erase(found);
  if (waiting.windowed) --side.windowed;
  if (waiting.own) {
    if (waiting.kind == Kind::kUnbind && (from == Side::kSmsc || at(Side::kSmsc).closing)) close_all(Refusal::kTimeout);
    return end_when_quiet();
  }
  if (from == Side::kSmsc && (waiting.kind == Kind::kSubmit || waiting.kind == Kind::kMessage))
    count(frame.status == 0 ? counters_.acknowledged : counters_.refused_by_smsc);
  if (waiting.kind == Kind::kBind && frame.status == 0 && frame.kind == Kind::kAnswer) {
    bound_ = true;
    account_ = waiting.request;
    count(counters_.binds_accepted);
  }
  SideState& asker = at(other(from));
  if (!asker.closing) {
    const std::size_t start = asker.out.size();
    if (waiting.refused.empty()) {
      asker.out.append(frame.bytes);
    } else {
      scratch_.assign(frame.bytes);
      codec_->add_refused(codec_->read(waiting.request), waiting.refused, scratch_);
      asker.out.append(scratch_);
    }
    codec_->set_sequence(asker.out.data() + start, waiting.origin);
  }
  if (waiting.kind == Kind::kUnbind) return close_all(Refusal::kUpstreamLost);
  unpark(other(from));
  end_when_quiet();
}

void Session::on_request(Side from, const Frame& frame) {
  const Side to = other(from);
  if (frame.kind == Kind::kLinkTest && (!dials_ || at(to).closing))
    return codec_->answer_link_test(frame, at(from).out);
  if (frame.kind == Kind::kUnbind) return on_unbind(from, frame);
  if (!may_pass(from, frame)) return;
  if (frame.kind == Kind::kBind) {
    codec_ = &codec_->for_bind(frame);
    dials_ = true;
    count(counters_.binds);
    return forward(from, frame, Waiting{.request = std::string(codec_->account(frame))});
  }
  if (waits_for_window(frame.kind) && (!at(from).parked.empty() || window_full(to))) return park(from, frame);
  carry(from, frame);
}

bool Session::may_pass(Side from, const Frame& frame) {
  if (at(other(from)).closing) {
    refuse(from, frame, Refusal::kUpstreamLost);
  } else if (frame.kind == Kind::kBind && from == Side::kSmsc) {
    refuse(from, frame, Refusal::kNotBound);
  } else if (frame.kind != Kind::kBind && frame.kind != Kind::kLinkTest && !bound_) {
    refuse(from, frame, Refusal::kNotBound);
  } else if (draining_ && frame.kind != Kind::kLinkTest) {
    count(counters_.throttled);
    refuse(from, frame, Refusal::kThrottled);
  } else {
    return true;
  }
  return false;
}

void Session::on_unbind(Side from, const Frame& frame) {
  const Side to = other(from);
  if (bound_ && !draining_ && !at(to).closing) {
    if (!std::exchange(ending_, true)) closing_since_ = now_.steady;
    return forward(from, frame, {});
  }
  codec_->answer_unbind(frame, at(from).out);
  if (!draining_) close_all(Refusal::kUpstreamLost);
}

bool Session::window_full(Side towards) const {
  return sides_[index(towards)].windowed >= options_.window;
}

void Session::park(Side from, const Frame& frame) {
  SideState& side = at(from);
  count(counters_.parked);
  side.parked_bytes += frame.bytes.size();
  side.parked.emplace_back(frame.bytes);
}

void Session::unpark(Side from) {
  SideState& side = at(from);
  while (!side.parked.empty() && !window_full(other(from))) {
    const std::string request = std::move(side.parked.front());
    side.parked.pop_front();
    side.parked_bytes -= request.size();
    carry(from, codec_->read(request));
  }
}

void Session::carry(Side from, const Frame& frame) {
  switch (frame.kind) {
    case Kind::kSubmit:
    case Kind::kDeliver:
    case Kind::kMessage:
    case Kind::kReplace:
      return judge(from, frame);
    default:
      return forward(from, frame, {});
  }
}

void Session::judge(Side from, const Frame& frame) {
  if (!codec_->message(frame, message_)) {
    count(counters_.malformed);
    return refuse(from, frame, Refusal::kMalformed);
  }
  if (message_.receipt) {
    count(counters_.receipts);
    return forward(from, frame, {});
  }
  const bool submitted = from == Side::kEsme;
  count(submitted ? counters_.submitted : counters_.delivered);
  if (message_.silent) count(counters_.silent);
  if (message_.port_addressed) count(counters_.port_addressed);
  Ruling ruling = submitted ? verdicts_.submitted(*codec_, frame, message_, account_, now_.wall)
                            : verdicts_.delivered(message_, now_.wall);
  Waiting waiting;
  if (!ruling.refused.empty()) {
    if (codec_->without_recipients(frame, ruling.refused, scratch_)) {
      waiting.request.assign(frame.bytes);
      waiting.refused = std::move(ruling.refused);
    } else {
      ruling.verdict = decide::Verdict::kReject;  // the protocol has one answer for all recipients
    }
  }
  if (ruling.verdict == decide::Verdict::kReject) {
    count(submitted ? counters_.rejected : counters_.delivered_rejected);
    return refuse(from, frame, Refusal::kVerdict);
  }
  if (submitted) count(ruling.verdict == decide::Verdict::kWarn ? counters_.warned : counters_.passed);
  if (waiting.refused.empty()) return forward(from, frame, std::move(waiting));
  Frame fewer = codec_->read(scratch_);
  forward(from, fewer, std::move(waiting));
}

void Session::forward(Side from, const Frame& frame, Waiting waiting) {
  SideState& to = at(other(from));
  const std::uint32_t sequence = fresh_sequence(other(from));
  waiting.origin = frame.sequence;
  waiting.command = frame.command;
  waiting.kind = frame.kind;
  waiting.since = now_.steady;
  waiting.windowed = waits_for_window(frame.kind);
  if (waiting.windowed) ++to.windowed;
  const std::size_t start = to.out.size();
  to.out.append(frame.bytes);
  codec_->set_sequence(to.out.data() + start, sequence);
  to.waiting.emplace(sequence, std::move(waiting));
}

std::uint32_t Session::fresh_sequence(Side towards) {
  SideState& side = at(towards);
  for (;;) {
    const std::uint32_t sequence = side.next_sequence;
    side.next_sequence = sequence >= codec_->sequence_max() ? 1 : sequence + 1;
    if (!side.waiting.contains(sequence)) return sequence;
  }
}

void Session::refuse(Side asker, const Frame& request, Refusal why) {
  if (!at(asker).closing) codec_->refuse(request, why, at(asker).out);
}

void Session::fail(Side asker, const Waiting& waiting, Refusal why) {
  if (waiting.own || waiting.kind == Kind::kLinkTest || waiting.kind == Kind::kUnbind) return;
  count(why == Refusal::kTimeout ? counters_.timeouts : counters_.lost_requests);
  Frame request;
  request.kind = waiting.kind;
  request.command = waiting.command;
  request.sequence = waiting.origin;
  refuse(asker, request, why);
}

void Session::fail_waiting(Side answerer, Refusal why) {
  SideState& side = at(answerer);
  for (const auto& [sequence, waiting] : side.waiting) fail(other(answerer), waiting, why);
  side.waiting.clear();
  side.windowed = 0;
  SideState& asker = at(other(answerer));
  for (const std::string& request : asker.parked) {
    count(counters_.lost_requests);
    refuse(other(answerer), codec_->read(request), why);
  }
  asker.parked.clear();
  asker.parked_bytes = 0;
  asker.stuck = false;
}

// A side can no longer be spoken with. What stands in its `out` is still offered to the socket.
void Session::gone(Side side) {
  if (at(side).closing) return;
  at(side).closing = true;
  at(side).in.clear();
  at(side).stuck = false;
  at(side).parked.clear();
  at(side).parked_bytes = 0;
  fail_waiting(side, Refusal::kUpstreamLost);
  const Side left = other(side);
  if (at(left).closing) return;
  if (side == Side::kSmsc || !bound_) {
    at(left).closing = true;
    at(left).in.clear();
    return;
  }
  ending_ = true;
  closing_since_ = now_.steady;
  ask_unbind(left);  // its answers to what it has already been asked come first
}

void Session::on_lost(Side side, Moment now) {
  now_ = now;
  at(side).out.clear();
  if (side == Side::kSmsc && !at(side).closing && !ending_)
    count(bound_ ? counters_.upstream_lost : counters_.upstream_failed);
  gone(side);
  at(side).out.clear();
}

void Session::close_all(Refusal why) {
  for (const Side side : {Side::kEsme, Side::kSmsc}) fail_waiting(side, why);
  for (SideState& side : sides_) {
    side.closing = true;
    side.in.clear();
  }
}

void Session::own(Side towards, Kind kind, std::uint32_t sequence) {
  Waiting waiting;
  waiting.own = true;
  waiting.kind = kind;
  waiting.since = now_.steady;
  std::string& out = at(towards).out;
  const std::size_t start = out.size();
  if (kind == Kind::kUnbind)
    codec_->unbind(sequence, out);
  else
    codec_->link_test(sequence, out);
  waiting.command = codec_->read(std::string_view(out).substr(start)).command;
  at(towards).waiting.emplace(sequence, std::move(waiting));
}

void Session::ask_unbind(Side side) {
  own(side, Kind::kUnbind, fresh_sequence(side));
}

void Session::drain(Moment now) {
  now_ = now;
  if (draining_ || ended()) return;
  draining_ = true;
  if (!ending_) closing_since_ = now.steady;
  ending_ = true;
  if (!bound_ || at(Side::kEsme).closing || at(Side::kSmsc).closing) return close_all(Refusal::kUpstreamLost);
  ask_unbind(Side::kEsme);
  end_when_quiet();
}

// While draining: once everything is answered, the SMSC is left too.
void Session::end_when_quiet() {
  if (!draining_ || left_smsc_ || at(Side::kSmsc).closing || at(Side::kEsme).closing) return;
  for (const SideState& side : sides_)
    if (side.windowed != 0 || !side.parked.empty()) return;
  left_smsc_ = true;
  ask_unbind(Side::kSmsc);
}

void Session::tick(Moment now) {
  now_ = now;
  if (!bound_ && now.steady - started_ > options_.bind_within) close_all(Refusal::kTimeout);
  const auto within = draining_ ? options_.drain_within : options_.close_within;
  if (ending_ && now.steady - closing_since_ > within) close_all(Refusal::kTimeout);
  for (const Side side : {Side::kEsme, Side::kSmsc}) {
    if (at(side).closing) continue;
    expire(side);
    probe(side);
  }
  resume();
}

void Session::expire(Side side) {
  SideState& mine = at(side);
  bool freed = false;
  for (auto it = mine.waiting.begin(); it != mine.waiting.end();) {
    if (now_.steady - it->second.since <= options_.answer_within) {
      ++it;
      continue;
    }
    fail(other(side), it->second, Refusal::kTimeout);
    if (it->second.windowed) --mine.windowed;
    it = mine.waiting.erase(it);
    freed = true;
  }
  if (freed) unpark(other(side));
}

void Session::probe(Side side) {
  SideState& mine = at(side);
  if (!bound_ || ending_ || options_.probe_after.count() == 0) return;
  const Nanoseconds silent = now_.steady - mine.heard;
  if (mine.probing && silent > options_.probe_after + options_.probe_within) return on_lost(side, now_);
  if (mine.probing || silent <= options_.probe_after) return;
  mine.probing = true;
  own(side, Kind::kLinkTest, fresh_sequence(side));
}

}  // namespace pandun::sms
