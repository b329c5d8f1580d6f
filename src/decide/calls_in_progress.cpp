#include "decide/calls_in_progress.h"

#include <algorithm>

namespace pandun::decide {
namespace {

constexpr std::int64_t kSilentMs = 10 * 60'000, kAnsweredOnlyMs = 4 * 3'600'000;
constexpr std::int64_t kSlackMs = 60'000;  // between a switch's clock and the record's
constexpr std::int64_t kDayMs = 86'400'000, kSinceMaxMs = 7 * kDayMs;

std::int64_t kept_ms(bool lasts) {
  return lasts ? kSilentMs : kAnsweredOnlyMs;
}

}  // namespace

OngoingCall* CallsInProgress::report(const model::CallProgress& report, EventMs told, WallMs now) {
  const auto found = calls_.find(std::string(report.call));
  Node* node = found == calls_.end() ? nullptr : &found->second;
  if (report.stage == model::CallStage::kEnded) {
    if (node != nullptr) erase(node);
    return nullptr;
  }
  const bool lasts = report.stage == model::CallStage::kLasts;
  if (told.ms < now.ms - kept_ms(lasts)) return nullptr;  // an old file is read
  if (told.ms > now.ms + kDayMs) return nullptr;          // a clock that is out
  // The token was used before for another call.
  if (node != nullptr && (node->call.caller != report.caller || node->call.callee != report.callee)) {
    erase(node);
    node = nullptr;
  }
  if (node == nullptr) {
    if (calls_.size() >= most_) {
      ++pushed_out_;
      erase(oldest_);
    }
    const auto made = calls_.try_emplace(std::string(report.call)).first;
    node = &made->second;
    node->key = &made->first;
    node->call.call = made->first;
    node->call.caller = report.caller;
    node->call.callee = report.callee;
    node->call.answered = told;
    join_caller(node);
  } else {
    unlink(node);
  }
  to_front(node);
  node->call.route = report.route;
  node->call.heard = std::max(node->call.heard, told);
  node->call.lasts = node->call.lasts || lasts;
  const std::int64_t since_ms = std::min(std::int64_t{std::max(report.since_s, 0)} * 1000, kSinceMaxMs);
  node->call.answered.ms = std::min(node->call.answered.ms, told.ms - since_ms);
  return &node->call;
}

const OngoingCall* CallsInProgress::find(std::string_view call) const {
  const auto found = calls_.find(std::string(call));
  return found == calls_.end() ? nullptr : &found->second.call;
}

bool CallsInProgress::is_of(const OngoingCall& call, const model::Call& record, EventMs begin) {
  if (call.callee != record.callee || record.duration_s < 0) return false;
  if (begin.ms > call.heard.ms + kDayMs || begin.ms < call.answered.ms - kSinceMaxMs - kDayMs) return false;
  const std::int64_t end = begin.ms + std::min(std::int64_t{record.duration_s} * 1000, kSinceMaxMs);
  return call.answered.ms >= begin.ms - kSlackMs && call.answered.ms <= end + kSlackMs &&
         call.heard.ms <= end + kSlackMs;
}

// From the end that was heard of least recently; of what was only answered the ages differ, so all behind it wait their turn.
void CallsInProgress::age(WallMs now) {
  for (Node* node = oldest_; node != nullptr && node->call.heard.ms < now.ms - kSilentMs;) {
    Node* const newer = node->newer;
    if (node->call.heard.ms < now.ms - kept_ms(node->call.lasts)) {
      ++aged_;
      erase(node);
    }
    node = newer;
  }
}

CallsInProgress::Node* CallsInProgress::first_of(model::NumberKey caller) const {
  const auto found = callers_.find(caller.bits());
  return found == callers_.end() ? nullptr : found->second;
}

void CallsInProgress::to_front(Node* node) {
  node->newer = nullptr;
  node->older = newest_;
  (newest_ != nullptr ? newest_->newer : oldest_) = node;
  newest_ = node;
}

void CallsInProgress::unlink(Node* node) {
  (node->newer != nullptr ? node->newer->older : newest_) = node->older;
  (node->older != nullptr ? node->older->newer : oldest_) = node->newer;
}

void CallsInProgress::join_caller(Node* node) {
  if (!node->call.caller.known()) return;  // all who withhold their number are not one number
  Node*& first = callers_[node->call.caller.bits()];
  node->next_of_caller = first;
  if (first != nullptr) first->before_of_caller = node;
  first = node;
}

void CallsInProgress::leave_caller(Node* node) {
  if (!node->call.caller.known()) return;
  if (node->next_of_caller != nullptr) node->next_of_caller->before_of_caller = node->before_of_caller;
  if (node->before_of_caller != nullptr) {
    node->before_of_caller->next_of_caller = node->next_of_caller;
  } else if (node->next_of_caller != nullptr) {
    callers_[node->call.caller.bits()] = node->next_of_caller;
  } else {
    callers_.erase(node->call.caller.bits());
  }
}

void CallsInProgress::erase(Node* node) {
  unlink(node);
  leave_caller(node);
  calls_.erase(calls_.find(*node->key));
}

}  // namespace pandun::decide
