// Merge: recorded streams, each in order by itself, become one in event-time order. For replay.
//
// Order    (time, source, record); an event that is late in its own stream leaves when its turn in that stream comes.
// Opening  a stream is opened when the merge reaches its `not_before`, and dropped at its end: thousands of files are
// fine as
//          long as few overlap.
// Errors   the first error of any stream ends the merge.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "base/result.h"
#include "model/event.h"

namespace pandun::ingest {

class MergeInput {
 public:
  virtual ~MergeInput() = default;
  // Appends the next events in order. Appending nothing is fine while it returns true; false: no more will ever come.
  virtual Result<bool> pull(model::EventBatch& out) = 0;
};

struct MergeStream {
  EventMs not_before;  // nothing of it is older, bar late ones; the first event's time less the disorder
  std::function<Result<std::unique_ptr<MergeInput>>()> open;
};

class Merge {
 public:
  explicit Merge(std::vector<MergeStream> streams);
  ~Merge();

  // Appends at least one event and about `events_max`; false once there are no more.
  Result<bool> next(std::size_t events_max, model::EventBatch& out);
  std::size_t open_now() const { return heads_.size(); }

 private:
  struct Head;
  Result<> open_due();
  Result<bool> refill(Head& head);
  void push(std::unique_ptr<Head> head);

  std::vector<MergeStream> waiting_;          // latest first, so that the next is at the back
  std::vector<std::unique_ptr<Head>> heads_;  // binary heap, oldest first
};

}  // namespace pandun::ingest
