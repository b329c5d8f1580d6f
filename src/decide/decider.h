// May this call go through? Answered from an immutable snapshot, in well under a microsecond, without a lock.
//
// Rule     a call is rejected only because of an approved measure in force or a fact (a number that cannot exist, an
//          international trunk that presents a domestic fixed line, a caller on the callee's own block). Scores and open
//          alerts warn at most (safeguard 7). Emergency numbers and withheld callers are never touched.
// Fails    open: without a snapshot, or with a measure past its expiry, the call is allowed, and the reason says so.
// Threads  call() and message() from any thread; publish() from one at a time.
// Safety   a snapshot holds clear number keys and stays in memory; answers carry ids, never numbers.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "decide/snapshot_cell.h"
#include "model/number.h"

namespace pandun::decide {

enum class Verdict : std::uint8_t { kAllow, kWarn, kReject };
std::string_view name(Verdict verdict);  // "allow", "warn", "reject"

// Names are the API's: clear, no_snapshot, number_withheld, emergency, protected, measure_in_force, number_cannot_exist,
// international_trunk_domestic_caller, blocked_by_callee, alert_open.
enum class Reason : std::uint8_t {
  kClear,
  kNoSnapshot,
  kNumberWithheld,
  kEmergency,
  kProtected,
  kMeasureInForce,
  kNumberCannotExist,
  kInternationalTrunkDomesticCaller,
  kBlockedByCallee,
  kAlertOpen,
};
inline constexpr std::size_t kReasons = 10;
std::string_view name(Reason reason);

// An approved measure in force, for one number.
struct MeasureEntry {
  model::NumberKey number;
  Verdict verdict = Verdict::kWarn;  // what the measure orders: warn or reject
  WallMs expires;                    // from here on it does not apply
  std::string measure;               // its id, told to the switch and to the appeal desk
};

struct CalleeBlock {
  model::NumberKey callee, caller;
};

// What `server` builds from casework and content. Order does not matter; of two measures for one number the stricter wins.
struct SnapshotInput {
  std::vector<MeasureEntry> measures{};
  std::vector<model::NumberKey> emergency{};  // 110, 119, 120, 122, 12110… : neither caller nor callee is ever touched
  std::vector<model::NumberKey> protected_{};  // hospitals, couriers…: never warned about because of a mere alert
  std::vector<model::NumberKey> alerted{};     // with an open alert; used only if warn_on_alert
  std::vector<CalleeBlock> callee_blocks{};
  std::vector<std::string> international_trunks{};
  std::uint64_t home_country_code = 86;
  bool warn_on_alert = false;
  std::string redress_base{};  // "https://…/appeal/"; the measure's id is appended
};

struct Question {
  model::NumberKey from, to;
  std::string_view route;
  bool international = false;  // the trunk itself says so
  WallMs at;
};

struct Answer {
  Verdict verdict = Verdict::kAllow;
  Reason reason = Reason::kClear;
  std::string measure, redress_url;  // empty unless a measure decided
};

class Snapshot;  // decide/snapshot.h

class Decider {
 public:
  Decider();
  ~Decider();
  void publish(SnapshotInput input);

  Answer call(const Question& question) const { return decide(question); }
  Answer message(const Question& question) const { return decide(question); }

  struct Figures {
    std::uint64_t by_verdict[3] = {0, 0, 0};
    std::uint64_t by_reason[kReasons] = {};
    std::uint64_t measures = 0, snapshots = 0;
  };
  Figures figures() const;

 private:
  Answer decide(const Question& question) const;

  SnapshotCell<Snapshot> snapshot_;
  mutable std::atomic<std::uint64_t> by_verdict_[3] = {};
  mutable std::atomic<std::uint64_t> by_reason_[kReasons] = {};
  std::atomic<std::uint64_t> measures_{0}, snapshots_{0};
};

}  // namespace pandun::decide
