// The calls that switches say are being talked in just now: by the switch's token, and by who called.
//
// Ends     with a report of the end, with the call's record, or by age: ten minutes after a report that it lasted, four hours
//          after one that it was answered and nothing since.
// Memory   about 350 bytes a call, none before the first report; at most `most` calls, of which the one heard of least
//          recently goes first and is counted.
// Threads  one owner at a time.
// Safety   holds clear numbers: memory only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/time.h"
#include "decide/fixed_text.h"
#include "model/event.h"

namespace pandun::decide {

struct OngoingCall {
  std::string_view call;  // the table's own
  model::NumberKey caller, callee;
  FixedText<31> route;
  EventMs answered, heard;
  bool lasts = false;    // reported again after the answer
  bool offered = false;  // to be ended
};

class CallsInProgress {
 public:
  explicit CallsInProgress(std::size_t most) : most_(most < 1 ? 1 : most) {}

  // The call as it stands now; null when the report ended it, or tells of what is over by age.
  OngoingCall* report(const model::CallProgress& report, EventMs told, WallMs now);
  const OngoingCall* find(std::string_view call) const;
  // A call's record: the same two numbers, and an answer within the time that it spans.
  template <typename Use>
  void end_by_record(const model::Call& record, EventMs begin, Use&& ended) {
    for (Node* node = first_of(record.caller); node != nullptr;) {
      Node* const next = node->next_of_caller;
      if (is_of(node->call, record, begin)) {
        ended(std::as_const(node->call));
        ++by_record_;
        erase(node);
      }
      node = next;
    }
  }
  void age(WallMs now);

  template <typename Use>
  void for_each_of(model::NumberKey caller, Use&& use) {
    for (Node* node = first_of(caller); node != nullptr; node = node->next_of_caller) use(node->call);
  }
  template <typename Use>
  void for_each(Use&& use) {
    for (Node* node = newest_; node != nullptr; node = node->older) use(node->call);
  }

  std::size_t size() const { return calls_.size(); }
  std::uint64_t pushed_out() const { return pushed_out_; }
  std::uint64_t aged() const { return aged_; }
  std::uint64_t by_record() const { return by_record_; }

 private:
  struct Node {
    OngoingCall call;
    const std::string* key = nullptr;
    Node *newer = nullptr, *older = nullptr, *next_of_caller = nullptr, *before_of_caller = nullptr;
  };
  static bool is_of(const OngoingCall& call, const model::Call& record, EventMs begin);
  Node* first_of(model::NumberKey caller) const;
  void to_front(Node* node);
  void unlink(Node* node);
  void join_caller(Node* node);
  void leave_caller(Node* node);
  void erase(Node* node);

  const std::size_t most_;
  std::unordered_map<std::string, Node> calls_;
  std::unordered_map<std::uint64_t, Node*> callers_;
  Node *newest_ = nullptr, *oldest_ = nullptr;  // by when they were heard of
  std::uint64_t pushed_out_ = 0, aged_ = 0, by_record_ = 0;
};

}  // namespace pandun::decide
