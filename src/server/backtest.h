// Back-test: what a rule, a detector's options or a model would have said about the installation's own past.
//
// Reads    the event log's segments as they stand (eventlog/local/history.h), beside a running platform or without one, in an
//          engine of its own: nothing live is touched. The archive is not read: its rows carry no group, and its pseudonyms
//          end with the year.
// Range    [from, to) of event time; windows are filled by a warm-up in front of it. A rule is asked from `from` on, so that
//          what it said in the warm-up silences nothing. Detectors run through the warm-up, their signals count from `from`.
// People   each entity once, at its first hit. Groups are asked of protected_groups.toml as it is now.
// Bounds   Limits::people_max and memory_bytes end the run with kTooLarge: a result is whole or is none.
// Errors   kBadConfig (rule, option, model), kUsage (range), kNotFound (no log), kTooLarge, kUnavailable (cancelled), log errors.
// Threads  run() on one thread, at its own pace; nothing is shared.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "model/alert.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "server/content.h"
#include "server/rule_text.h"
#include "server/settings.h"
#include "store/store.h"

namespace pandun::server {

struct BacktestPlan {
  // One of the three.
  std::vector<RuleText> rules;
  std::string detector;
  std::vector<std::pair<std::string, double>> options;  // instead of those in force
  std::string model_file;

  std::optional<EventMs> from,
      to;  // without: the newest seven days of the log, behind a warm-up as far as there is one
  std::chrono::hours warm_up{24 * 7};
};

struct BacktestLimits {
  std::uint64_t memory_bytes = 4ULL << 30;  // of the engine's state
  std::uint64_t people_max = 500'000;       // of each rule
};

struct BacktestProgress {
  std::uint64_t events = 0;  // read so far
  double share = 0;          // 0 to 1
  bool warming_up = true;
};

// What stands in the report beside names: "hospital", its titles, and people.
struct BacktestGroup {
  std::string id;  // of protected_groups.toml; "service_line" for service numbers in no group; "" for everybody else
  model::LocalText title;
  std::uint64_t people = 0, added = 0, removed = 0;  // against the version in force
};
struct BacktestDay {
  std::int64_t start_ms = 0;  // UTC
  std::uint64_t people = 0, fresh = 0,
                in_force = 0;  // spoken about that day; for the first time; by the version in force
};
struct BacktestOverlap {
  std::string rule;
  model::LocalText title;
  bool shadow = false;
  std::uint64_t people = 0, both = 0;
};
struct BacktestSample {
  model::ShownEntity entity;
  std::string group;
  EventMs first_hit;
  std::vector<model::Evidence> evidence;
};
struct BacktestSpread {
  std::uint64_t people = 0;
  double median = 0, p90 = 0, max = 0;
};
// From the installation's own records; of `checked` people (all, or a fixed share of very many).
struct BacktestKnown {
  std::uint64_t checked = 0, alerted = 0, in_case = 0, confirmed = 0;
  std::uint64_t dismissed = 0, lifted = 0,
                verified = 0;            // false alarms: dismissed; measure lifted; re-verification passed
  std::uint64_t earlier = 0, later = 0;  // than the first alert of another detector
  BacktestSpread lead_minutes;           // how much earlier, where earlier
  std::vector<std::pair<std::string, std::uint64_t>> found_by;
};

struct BacktestSubject {
  std::string kind;  // rule, detector, model
  std::string id, digest, entity_kind;
  model::LocalText title;
  std::uint64_t people = 0, signals = 0;
  bool in_force = false;  // there is a version in force to compare with
  std::string in_force_digest;
  std::uint64_t in_force_people = 0, added = 0, removed = 0;
  std::vector<BacktestDay> days;
  std::vector<BacktestGroup> groups;  // every group, those with nobody too
  std::vector<BacktestOverlap> overlaps;
  BacktestKnown known;
  BacktestSpread acts_before,
      minutes_before;  // calls, messages or flows of the 24 h before the first hit; time since the first
  std::vector<BacktestSample> samples;  // by chance, fixed by the entity; none for what is only counted
};

struct BacktestReport {
  std::string id;  // "B-" + 16 hex of what was asked and of what it was asked of
  std::vector<BacktestSubject> subjects;
  EventMs from, to, warm_from;
  std::uint64_t first_position = 0, last_position = 0, events = 0, lost_events = 0;
  double elapsed_s = 0;
  std::string content_digest, version, by;
  WallMs finished_at;
  bool short_warm_up = false;  // the log does not reach back far enough: windows and ages begin with it
  bool records_known = false;  // the records store was asked
  std::string to_json() const;
};

struct BacktestRoom {
  platform::FileSystem& files;
  platform::Clock& clock;
  const Settings& settings;
  const Content& content;
  std::string data;  // data directory
  const platform::SealKey& key;
  const store::Store* store;  // null: nothing is said of cases and alerts
};

using OnBacktest = std::function<void(const BacktestProgress&)>;
Result<BacktestReport> run_backtest(const BacktestRoom& room, const BacktestPlan& plan, const BacktestLimits& limits,
                                    const OnBacktest& progress, std::stop_token stop);

// "sim_box": "devices_max=3" → {name, value}; kUsage names the form.
Result<std::pair<std::string, double>> parse_option(const std::string& text);

}  // namespace pandun::server
