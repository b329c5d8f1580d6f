#include "decide/call_endings.h"

#include <algorithm>
#include <utility>

namespace pandun::decide {
namespace {

constexpr std::size_t kOpenMax = 16'384;
constexpr std::int64_t kOfferedMs = 10 * 60'000;

}  // namespace

std::string_view name(EndingOutcome outcome) {
  constexpr std::array<std::string_view, kEndingOutcomes> kNames{"ended", "already_over", "failed", "withdrawn",
                                                                 "expired"};
  return kNames[static_cast<std::size_t>(outcome)];
}

// A thousand endings a millisecond from the start on: cursors grow over restarts, and fit into a JSON number.
CallEndings::CallEndings(const Decider& decider, std::size_t calls_most, WallMs now)
    : decider_(decider),
      calls_(calls_most),
      cursor_(static_cast<std::uint64_t>(std::max<std::int64_t>(now.ms, 0)) * 1000) {}

Question CallEndings::question_of(const OngoingCall& call, WallMs now) {
  Question question;
  question.from = call.caller;
  question.to = call.callee;
  question.route = call.route;
  question.at = now;
  return question;
}

void CallEndings::take(std::span<const model::Event> events, WallMs now) {
  // Most sites send no reports, and most batches hold none: then a look at each event's kind is all.
  const bool any = any_.load(std::memory_order_relaxed);
  const auto concerns = [any](const model::Event& event) {
    return event.kind() == model::EventKind::kCallProgress || (any && event.kind() == model::EventKind::kCall);
  };
  const auto first = std::find_if(events.begin(), events.end(), concerns);
  if (first == events.end()) return;
  const std::scoped_lock lock(mutex_);
  for (auto event = first; event != events.end(); ++event) {
    if (event->kind() == model::EventKind::kCall) {
      calls_.end_by_record(event->as<model::Call>(), event->time, [&](const OngoingCall& call) { close(call); });
      continue;
    }
    if (event->kind() != model::EventKind::kCallProgress) continue;
    ++figures_.reports;
    const auto& report = event->as<model::CallProgress>();
    if (report.stage == model::CallStage::kEnded)
      if (const OngoingCall* const over = calls_.find(report.call)) close(*over);
    if (OngoingCall* const call = calls_.report(report, event->time, now)) look_at(*call, now);
  }
  any_.store(calls_.size() != 0, std::memory_order_relaxed);
}

void CallEndings::look_at(std::span<const model::NumberKey> callers, WallMs now) {
  if (!any_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  for (const model::NumberKey caller : callers)
    calls_.for_each_of(caller, [&](OngoingCall& call) { look_at(call, now); });
}

void CallEndings::look_at_all(WallMs now) {
  if (!any_.load(std::memory_order_relaxed)) return;
  const std::scoped_lock lock(mutex_);
  calls_.for_each([&](OngoingCall& call) { look_at(call, now); });
}

void CallEndings::look_at(OngoingCall& call, WallMs now) {
  if (call.offered) return;
  const Answer answer = decider_.end_call(question_of(call, now));
  if (answer.verdict != Verdict::kReject) return;
  if (answer.id == 0) {
    unwritten_ = true;
    return;
  }
  call.offered = true;
  trim(now);
  Open& open = endings_.emplace_back();
  open.ending = {++cursor_,     answer.id, std::string(call.call), call.route.str(), answer.measure.str(),
                 answer.reason, now};
  open.question = question_of(call, now);
  open.question.route = open.ending.route;
  ++figures_.offered;
}

void CallEndings::age(WallMs now) {
  const std::scoped_lock lock(mutex_);
  calls_.age(now);
  any_.store(calls_.size() != 0, std::memory_order_relaxed);
  if (std::exchange(unwritten_, false)) calls_.for_each([&](OngoingCall& call) { look_at(call, now); });
  while (!endings_.empty() && endings_.front().ending.offered.ms < now.ms - kOfferedMs) trim(now);
}

// Makes room: the oldest go when they are done, too old, or one too many.
void CallEndings::trim(WallMs now) {
  while (!endings_.empty() && (endings_.front().done || endings_.size() >= kOpenMax ||
                               endings_.front().ending.offered.ms < now.ms - kOfferedMs)) {
    if (!endings_.front().done) close(endings_.front(), EndingOutcome::kExpired);
    endings_.pop_front();
  }
}

CallEndings::Page CallEndings::after(std::uint64_t cursor, std::string_view call_prefix, std::size_t most, WallMs now) {
  const std::scoped_lock lock(mutex_);
  if (cursor > cursor_) cursor = 0;
  Page out;
  out.next = cursor;
  auto at = std::upper_bound(endings_.begin(), endings_.end(), cursor,
                             [](std::uint64_t value, const Open& open) { return value < open.ending.cursor; });
  for (; at != endings_.end() && out.items.size() < most; ++at) {
    out.next = at->ending.cursor;
    if (at->done || !at->ending.call.starts_with(call_prefix)) continue;
    at->question.at = now;
    if (!decider_.ends_call(at->question)) {
      close(*at, EndingOutcome::kWithdrawn);
      continue;
    }
    out.items.push_back(at->ending);
  }
  return out;
}

void CallEndings::close(Open& open, EndingOutcome outcome) {
  open.done = true;
  ++figures_.outcomes[static_cast<std::size_t>(outcome)];
}

void CallEndings::close(const OngoingCall& over) {
  if (!over.offered) return;
  for (Open& open : endings_)
    if (!open.done && open.ending.call == over.call) close(open, EndingOutcome::kAlreadyOver);
}

std::size_t CallEndings::note(std::span<const EndingReceipt> receipts) {
  const std::scoped_lock lock(mutex_);
  std::size_t known = 0;
  for (const EndingReceipt& receipt : receipts) {
    const auto open = std::find_if(endings_.begin(), endings_.end(),
                                   [&](const Open& each) { return !each.done && each.ending.call == receipt.call; });
    if (open == endings_.end()) continue;
    close(*open, receipt.outcome);
    ++known;
  }
  return known;
}

CallEndings::Figures CallEndings::figures() const {
  const std::scoped_lock lock(mutex_);
  Figures out = figures_;
  out.in_progress = calls_.size();
  out.pushed_out = calls_.pushed_out();
  out.aged = calls_.aged();
  out.open = static_cast<std::uint64_t>(
      std::count_if(endings_.begin(), endings_.end(), [](const Open& o) { return !o.done; }));
  return out;
}

}  // namespace pandun::decide
