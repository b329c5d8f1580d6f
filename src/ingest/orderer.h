// Orderer: event-time order within a stated lateness.
//
// Order    whole seconds of event time leave together, sorted by (time, source, record), as soon as no lane that is
// still
//          delivering may hold anything as old: the frontier is the least, over the lanes that are not idle, of that
//          lane's largest time minus its lateness, and never goes back. An event behind the frontier leaves at once,
//          with late = true. What leaves, and in which order, depends on the sequence of (lane, event) alone, never on
//          the batches.
// Lanes    one for each stream that is ordered by itself. A lane that has said nothing yet holds the frontier back; one
//          that has been set idle or was closed does not.
// Memory   batches are kept whole until their last event left; nothing is copied before that.
// Threads  one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <vector>

#include "base/time.h"
#include "model/event.h"

namespace pandun::ingest {

// The order of events everywhere: time, then source, then record.
bool before(const model::Event& a, const model::Event& b);

class Orderer {
 public:
  using Lane = std::size_t;

  Lane add_lane(std::chrono::milliseconds lateness);
  // A caught-up tail: until its next event it does not hold the others back.
  void set_idle(Lane lane, bool idle, model::EventBatch& out);
  void close(Lane lane, model::EventBatch& out) { set_idle(lane, true, out); }

  // Takes the batch and appends to `out` what may leave. `out` keeps alive what its events point at.
  void add(Lane lane, model::EventBatch batch, model::EventBatch& out);
  // Lets everything older than `time` leave, whoever may still come: a quiet live feed is not held back for ever.
  void advance(EventMs time, model::EventBatch& out);
  // Lets everything leave; the frontier stays where the newest event put it.
  void flush(model::EventBatch& out);

  std::uint64_t late() const { return late_; }
  std::uint64_t held() const { return held_; }  // events waiting
  std::size_t held_batches() const { return kept_.size(); }

 private:
  static constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::min();
  struct LaneState {
    std::int64_t lateness_s = 0, newest_s = kNone;
    bool idle = false;
  };
  struct Kept {
    model::EventBatch batch;
    std::size_t waiting = 0;     // events that have not left
    std::uint64_t given_to = 0;  // the last call whose `out` holds its arenas
  };
  // A range of one kept batch whose events are in order and share a second.
  struct Run {
    std::list<Kept>::iterator kept;
    std::uint32_t first = 0, count = 0;
  };
  struct Bucket {
    std::vector<Run> runs;
    bool sorted = true;  // the runs, one after the other, are in order
  };
  struct Key {  // order within a second
    std::uint64_t ms_source = 0, record = 0;
    const Run* run = nullptr;
    std::uint32_t index = 0;
  };

  std::int64_t frontier_of_lanes() const;
  Bucket& bucket(std::int64_t second);
  void grow_ring(std::int64_t second);
  void hold(Run run, std::int64_t second);
  void move_frontier(std::int64_t second, model::EventBatch& out);
  void emit_until(std::int64_t second, model::EventBatch& out);
  void emit(Bucket& bucket, model::EventBatch& out);
  void emit_sorted(Bucket& bucket, model::EventBatch& out);
  void release(std::list<Kept>::iterator kept, std::size_t events);
  void keep_alive(Kept& kept, model::EventBatch& out) const;

  std::vector<LaneState> lanes_;
  std::vector<Bucket> ring_;            // the seconds from frontier_s_ on, at second & (size - 1); a power of two
  std::map<std::int64_t, Bucket> far_;  // seconds beyond the ring, and all of them while there is no frontier
  std::list<Kept> kept_;
  std::int64_t frontier_s_ = kNone;  // seconds below this have left
  std::uint64_t late_ = 0, held_ = 0, call_ = 0;
  std::vector<Key> keys_, placed_;  // scratch
};

}  // namespace pandun::ingest
