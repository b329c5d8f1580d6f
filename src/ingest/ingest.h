// Ingest: raw events of the sources become normalised, ordered, positioned ones.
//
//   live    one Normaliser a reading thread → Ingest::add(lane, …) → batches with positions, ready for the log
//   replay  each file: Normaliser + its own Orderer (OrderedInput) → Merge → Positions
//
// Numbers  keys through the Numbering port; the *_text fields are cleared. A withheld caller is kept; a record without
// any
//          callee or recipient is the source's to reject.
// Names    see domains.h.
// Time     events later than `latest` are rejected kFutureTime, earlier than `earliest` kBadTime. In live use the
// server moves
//          `latest` to now + its allowed skew before each batch; in replay it states one bound for the run. The default
//          `earliest` is 2000-01-01: an older stamp is a clock that was never set. A feed with a clock of its own
//          states a base in its column map, or the caller states an earlier bound.
// Again    exact duplicates are let through unless `duplicate_window` is set: see duplicates.h.
// Threads  each object has one owner; Numbering is shared.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "ingest/domains.h"
#include "ingest/duplicates.h"
#include "ingest/merge.h"
#include "ingest/numbering.h"
#include "ingest/orderer.h"
#include "model/event.h"
#include "model/reject.h"

namespace pandun::ingest {

inline constexpr EventMs kYear2000{946'684'800'000};
inline constexpr EventMs kYear2100{4'102'444'800'000};

// What opaque and invalid numbers were called, for a replay that shows them in clear. Engine memory and the replay's
// own output only: see model/number.h.
class OpaqueBook {
 public:
  void add(model::NumberKey key, std::string_view text) { names_.try_emplace(key.bits(), text); }
  std::string_view find(model::NumberKey key) const;  // "" if never seen
  std::size_t size() const { return names_.size(); }

 private:
  std::unordered_map<std::uint64_t, std::string> names_;
};

struct NormaliserOptions {
  EventMs earliest = kYear2000;
  EventMs latest = kYear2100;
  std::chrono::milliseconds duplicate_window{0};  // 0 = off
  bool numbers_opaque = false;                    // a hint of the column map: numbers of this stream are hashes or ids
};

struct IngestCounts {
  std::uint64_t events = 0;  // passed on
  std::uint64_t rejected = 0;
  std::uint64_t duplicates = 0;  // dropped
  std::uint64_t opaque_numbers = 0, invalid_numbers = 0, withheld_numbers = 0;
};

class Normaliser {
 public:
  Normaliser(const Numbering& numbering, Domains domains, NormaliserOptions options, OpaqueBook* book = nullptr);

  // Normalises in place; events that cannot be used leave the batch and become rejects. New bytes go to an arena of the
  // batch.
  void run(model::EventBatch& batch, std::vector<model::Reject>& rejects);

  void set_latest(EventMs latest) { options_.latest = latest; }
  void set_numbers_opaque(bool opaque) {
    options_.numbers_opaque = opaque;
  }  // between batches: one normaliser, many streams
  const IngestCounts& counts() const { return counts_; }
  const Domains& domains() const { return domains_; }

 private:
  model::NumberKey number(std::string_view& text);
  void normalise(model::Event& event, model::Arena& arena);
  model::Reject refuse(const model::Event& event) const;

  const Numbering& numbering_;
  Domains domains_;
  NormaliserOptions options_;
  OpaqueBook* book_;
  IngestCounts counts_;
  DuplicateWindow duplicates_;
};

// Gives each event its position and the watermark. Starts after the log's last.
class Positions {
 public:
  explicit Positions(std::uint64_t last = 0, EventMs watermark = EventMs{INT64_MIN})
      : last_(last), watermark_(watermark) {}
  void assign(model::EventBatch& batch, std::size_t first = 0);  // events from index `first` on
  std::uint64_t last() const { return last_; }
  EventMs watermark() const { return watermark_; }

 private:
  std::uint64_t last_;
  EventMs watermark_;
};

// The live road: lanes in, positioned batches out.
class Ingest {
 public:
  Ingest(Normaliser normaliser, Positions positions);

  Orderer::Lane add_lane(std::chrono::milliseconds lateness) { return orderer_.add_lane(lateness); }
  // Appends to `out` what may leave now, with position and watermark.
  void add(Orderer::Lane lane, model::EventBatch batch, std::vector<model::Reject>& rejects, model::EventBatch& out);
  void set_idle(Orderer::Lane lane, bool idle, model::EventBatch& out);
  void advance(EventMs time, model::EventBatch& out);
  void flush(model::EventBatch& out);

  Normaliser& normaliser() { return normaliser_; }
  const IngestCounts& counts() const { return normaliser_.counts(); }
  const Orderer& orderer() const { return orderer_; }
  const Positions& positions() const { return positions_; }

 private:
  Normaliser normaliser_;
  Orderer orderer_;
  Positions positions_;
};

// One recorded stream for Merge: raw batches by `pull`, normalised by the shared normaliser, ordered by its own
// lateness. Rejects of both go to `rejects`. `late` is added to when the stream ends.
class OrderedInput : public MergeInput {
 public:
  // Appends raw events and rejects; false: no more will ever come.
  using PullRaw = std::function<Result<bool>(model::EventBatch&, std::vector<model::Reject>&)>;
  OrderedInput(PullRaw pull_raw, Normaliser& normaliser, std::chrono::milliseconds lateness,
               std::function<void(std::vector<model::Reject>&)> take_rejects, std::uint64_t& late,
               bool numbers_opaque = false);
  Result<bool> pull(model::EventBatch& out) override;

 private:
  PullRaw pull_raw_;
  Normaliser& normaliser_;
  Orderer orderer_;
  Orderer::Lane lane_;
  std::function<void(std::vector<model::Reject>&)> take_rejects_;
  std::uint64_t& late_;
  bool numbers_opaque_;
  std::vector<model::Reject> rejects_;
};

}  // namespace pandun::ingest
