#include "ingest/merge.h"

#include <algorithm>

#include "ingest/orderer.h"

namespace pandun::ingest {

struct Merge::Head {
  std::unique_ptr<MergeInput> input;
  model::EventBatch batch;
  std::size_t at = 0;
  bool ended = false, given = false;  // given: this call's `out` keeps the batch's arenas alive

  const model::Event& event() const { return batch.events[at]; }
};

namespace {

// std::push_heap keeps the greatest in front; ours is the oldest.
constexpr auto kOlderFirst = [](const auto& a, const auto& b) { return before(b->event(), a->event()); };

}  // namespace

Merge::Merge(std::vector<MergeStream> streams) : waiting_(std::move(streams)) {
  std::stable_sort(waiting_.begin(), waiting_.end(),
                   [](const MergeStream& a, const MergeStream& b) { return a.not_before > b.not_before; });
}
Merge::~Merge() = default;

Result<bool> Merge::refill(Head& head) {
  head.batch.events.clear();
  head.batch.arenas.clear();
  head.at = 0;
  head.given = false;
  while (head.batch.events.empty()) {
    if (head.ended) return false;
    TRY_ASSIGN(const bool more, head.input->pull(head.batch));
    head.ended = !more;
  }
  return true;
}

void Merge::push(std::unique_ptr<Head> head) {
  heads_.push_back(std::move(head));
  std::push_heap(heads_.begin(), heads_.end(), kOlderFirst);
}

Result<> Merge::open_due() {
  while (!waiting_.empty() && (heads_.empty() || waiting_.back().not_before <= heads_.front()->event().time)) {
    const MergeStream stream = std::move(waiting_.back());
    waiting_.pop_back();
    auto head = std::make_unique<Head>();
    TRY_ASSIGN(head->input, stream.open());
    TRY_ASSIGN(const bool any, refill(*head));
    if (any) push(std::move(head));
  }
  return {};
}

Result<bool> Merge::next(std::size_t events_max, model::EventBatch& out) {
  const std::size_t enough = out.events.size() + events_max;
  for (const auto& head : heads_) head->given = false;
  bool any = false;
  while (out.events.size() < enough) {
    TRY(open_due());
    if (heads_.empty()) return any;
    std::pop_heap(heads_.begin(), heads_.end(), kOlderFirst);
    std::unique_ptr<Head> head = std::move(heads_.back());
    heads_.pop_back();
    if (!head->given) {
      head->given = true;
      out.arenas.insert(out.arenas.end(), head->batch.arenas.begin(), head->batch.arenas.end());
    }
    // As long as it stays the oldest, no heap is needed.
    const model::Event* rival = heads_.empty() ? nullptr : &heads_.front()->event();
    const std::size_t first = head->at;
    const std::size_t end = std::min(head->batch.events.size(), first + (enough - out.events.size()));
    do ++head->at;
    while (head->at < end && (rival == nullptr || !before(*rival, head->event())) &&
           (waiting_.empty() || head->event().time < waiting_.back().not_before));
    const auto from = head->batch.events.begin();
    out.events.insert(out.events.end(), from + static_cast<std::ptrdiff_t>(first),
                      from + static_cast<std::ptrdiff_t>(head->at));
    any = true;
    bool left = head->at < head->batch.events.size();
    if (!left) {
      TRY_ASSIGN(left, refill(*head));
    }
    if (left) push(std::move(head));
  }
  return true;
}

}  // namespace pandun::ingest
