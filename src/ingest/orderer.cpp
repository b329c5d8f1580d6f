#include "ingest/orderer.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace pandun::ingest {
namespace {

constexpr std::size_t kRingMax = 8192;  // seconds; more than two hours of lateness goes through the map

std::int64_t second_of(EventMs time) {
  return time.ms >= 0 ? time.ms / 1000 : -((-time.ms + 999) / 1000);
}

}  // namespace

bool before(const model::Event& a, const model::Event& b) {
  if (a.time != b.time) return a.time < b.time;
  if (a.source != b.source) return a.source < b.source;
  return a.record < b.record;
}

Orderer::Lane Orderer::add_lane(std::chrono::milliseconds lateness) {
  CHECK(lateness.count() >= 0);
  LaneState lane;
  lane.lateness_s = (lateness.count() + 999) / 1000;
  lanes_.push_back(lane);
  return lanes_.size() - 1;
}

void Orderer::add(Lane lane_index, model::EventBatch batch, model::EventBatch& out) {
  CHECK(lane_index < lanes_.size());
  if (batch.events.empty()) return;
  ++call_;
  LaneState& lane = lanes_[lane_index];
  lane.idle = false;
  const std::size_t n = batch.events.size();
  CHECK(n < UINT32_MAX);
  kept_.push_back({std::move(batch), n + 1, 0});  // one more, so that it lives to the end of this call
  const auto kept = std::prev(kept_.end());
  const std::vector<model::Event>& events = kept->batch.events;

  for (std::size_t i = 0; i < n;) {
    const std::int64_t second = second_of(events[i].time);
    if (second > lane.newest_s) {
      lane.newest_s = second;
      move_frontier(frontier_of_lanes(), out);
    }
    if (second < frontier_s_) {
      keep_alive(*kept, out);
      out.events.push_back(events[i++]);
      out.events.back().late = true;
      ++late_;
      release(kept, 1);
      continue;
    }
    std::size_t end = i + 1;
    const std::int64_t last_ms = second * 1000 + 999;
    while (end < n && events[end].time.ms <= last_ms && !before(events[end], events[end - 1])) ++end;
    hold({kept, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(end - i)}, second);
    i = end;
  }
  release(kept, 1);
}

void Orderer::set_idle(Lane lane, bool idle, model::EventBatch& out) {
  CHECK(lane < lanes_.size());
  ++call_;
  lanes_[lane].idle = idle;
  move_frontier(frontier_of_lanes(), out);
}

void Orderer::advance(EventMs time, model::EventBatch& out) {
  ++call_;
  move_frontier(second_of(time), out);
}

void Orderer::flush(model::EventBatch& out) {
  ++call_;
  std::int64_t newest = kNone;
  for (const LaneState& lane : lanes_) newest = std::max(newest, lane.newest_s);
  if (newest == kNone) return;
  move_frontier(newest, out);  // not past it: an equal second may still come, and is not late
  emit_until(newest + 1, out);
}

std::int64_t Orderer::frontier_of_lanes() const {
  std::int64_t frontier = kNone;
  bool any = false;
  for (const LaneState& lane : lanes_) {
    if (lane.idle) continue;
    if (lane.newest_s == kNone) return kNone;
    const std::int64_t own = lane.newest_s - lane.lateness_s;
    frontier = any ? std::min(frontier, own) : own;
    any = true;
  }
  return frontier;
}

Orderer::Bucket& Orderer::bucket(std::int64_t second) {
  if (frontier_s_ == kNone || second - frontier_s_ >= static_cast<std::int64_t>(kRingMax)) return far_[second];
  if (second - frontier_s_ >= static_cast<std::int64_t>(ring_.size())) grow_ring(second);
  return ring_[static_cast<std::size_t>(second) & (ring_.size() - 1)];
}

void Orderer::grow_ring(std::int64_t second) {
  std::size_t size = std::max<std::size_t>(ring_.size() * 2, 64);
  while (static_cast<std::int64_t>(size) <= second - frontier_s_) size *= 2;
  std::vector<Bucket> grown(size);
  for (std::size_t i = 0; i < ring_.size(); ++i) {
    const auto at = static_cast<std::size_t>(frontier_s_ + static_cast<std::int64_t>(i));
    std::swap(grown[at & (size - 1)], ring_[at & (ring_.size() - 1)]);
  }
  ring_.swap(grown);
}

void Orderer::hold(Run run, std::int64_t second) {
  Bucket& home = bucket(second);
  if (!home.runs.empty() && home.sorted) {
    const Run& last = home.runs.back();
    home.sorted = !before(run.kept->batch.events[run.first], last.kept->batch.events[last.first + last.count - 1]);
  }
  home.runs.push_back(run);
  held_ += run.count;
}

void Orderer::move_frontier(std::int64_t second, model::EventBatch& out) {
  if (second == kNone || second <= frontier_s_) return;
  if (held_ != 0) emit_until(second, out);
  frontier_s_ = second;
  const std::int64_t ring_end = frontier_s_ + static_cast<std::int64_t>(kRingMax);
  while (!far_.empty() && far_.begin()->first < ring_end) {
    const auto node = far_.extract(far_.begin());
    std::swap(bucket(node.key()), node.mapped());
  }
}

// The caller moves frontier_s_ afterwards, or leaves the emptied buckets standing.
void Orderer::emit_until(std::int64_t second, model::EventBatch& out) {
  if (frontier_s_ != kNone) {
    const std::int64_t end = std::min(second, frontier_s_ + static_cast<std::int64_t>(ring_.size()));
    for (std::int64_t s = frontier_s_; s < end && held_ != 0; ++s) {
      Bucket& due = ring_[static_cast<std::size_t>(s) & (ring_.size() - 1)];
      if (!due.runs.empty()) emit(due, out);
    }
  }
  while (!far_.empty() && far_.begin()->first < second) {
    emit(far_.begin()->second, out);
    far_.erase(far_.begin());
  }
}

void Orderer::emit(Bucket& due, model::EventBatch& out) {
  if (due.sorted) {
    for (const Run& run : due.runs) {
      keep_alive(*run.kept, out);
      const auto first = run.kept->batch.events.begin() + run.first;
      out.events.insert(out.events.end(), first, first + run.count);
      held_ -= run.count;
      release(run.kept, run.count);
    }
  } else {
    emit_sorted(due, out);
  }
  due.runs.clear();
  due.sorted = true;
}

// Places by millisecond first (one pass to count, one to place), then settles equal milliseconds.
void Orderer::emit_sorted(Bucket& due, model::EventBatch& out) {
  std::array<std::uint32_t, 1001> start{};
  keys_.clear();
  for (const Run& run : due.runs) {
    keep_alive(*run.kept, out);
    for (std::uint32_t i = 0; i < run.count; ++i) {
      const model::Event& event = run.kept->batch.events[run.first + i];
      const auto ms = static_cast<std::uint64_t>(event.time.ms - second_of(event.time) * 1000);
      keys_.push_back({(ms << 32) | event.source, event.record, &run, run.first + i});
      ++start[ms + 1];
    }
  }
  for (std::size_t ms = 1; ms < start.size(); ++ms) start[ms] += start[ms - 1];
  placed_.resize(keys_.size());
  auto next = start;
  for (const Key& key : keys_) placed_[next[key.ms_source >> 32]++] = key;
  for (std::size_t ms = 0; ms < 1000; ++ms)
    if (start[ms + 1] - start[ms] > 1)
      std::stable_sort(placed_.begin() + start[ms], placed_.begin() + start[ms + 1], [](const Key& a, const Key& b) {
        return a.ms_source != b.ms_source ? a.ms_source < b.ms_source : a.record < b.record;
      });
  for (const Key& key : placed_) out.events.push_back(key.run->kept->batch.events[key.index]);
  held_ -= placed_.size();
  for (const Run& run : due.runs) release(run.kept, run.count);
}

void Orderer::release(std::list<Kept>::iterator kept, std::size_t events) {
  CHECK(kept->waiting >= events);
  kept->waiting -= events;
  if (kept->waiting == 0) kept_.erase(kept);
}

void Orderer::keep_alive(Kept& kept, model::EventBatch& out) const {
  if (kept.given_to == call_) return;
  kept.given_to = call_;
  out.arenas.insert(out.arenas.end(), kept.batch.arenas.begin(), kept.batch.arenas.end());
}

}  // namespace pandun::ingest
