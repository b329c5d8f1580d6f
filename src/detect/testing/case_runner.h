// Runs golden cases through the real engine in every weather, and says how the alerts differ.
//
// In a detector's test (TEST_DEPS detect_testing in src/detectors/CMakeLists.txt):
//
//   #include "detect/testing/case_runner.h"
//   TEST(PortScan, Cases) {
//     const DetectorPart parts[] = {{&spec, &make}};
//     const auto report = testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/port_scan/cases", "port_scan", parts);
//     EXPECT_TRUE(report.passed()) << report.text();
//   }
//
// Weathers "calm" (one batch, one shard) · "single" (batch of 1) · "restart" (checkpoint, new engine, load, after every
//          event of a short case; at about 40 places of a long one) · "shards2" · "shards5" · "shuffled" (events displaced
//          by up to 2 s, so that some come late).
// Alerts   signals of one detector about one entity whose gap is at most the detector's episode_gap are one alert: highest
//          severity, evidence of the last signal that has it. calm, single, restart, shards2 and shards5 must also give the same
//          signals in every field; "shuffled" only the same alerts.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "detect/testing/case_file.h"

namespace pandun::detect {
class RuleSet;
}

namespace pandun::detect::testing {

struct Weather {
  std::string_view name;
  std::uint32_t shards = 1;
  std::size_t batch = 0;  // 0: everything at once
  bool restart = false;
  std::int64_t shuffle_ms = 0;
};
std::span<const Weather> weathers();

struct FoundAlert {
  std::string detector;
  model::EntityKind kind{};
  std::string entity;
  int severity = 0;
  std::uint64_t first_position = 0;
  std::vector<std::string> evidence;
};

struct Outcome {
  std::vector<model::Signal> signals;
  std::vector<FoundAlert> alerts;  // by first position, then detector and entity
  std::string failure;             // why it could not run: bad option, failed checkpoint; empty if it ran
};
// `own`: the detector whose options unnamed `config:` lines set.
Outcome run(const Case& c, std::string_view own, std::span<const DetectorPart> parts, const Weather& weather,
            std::shared_ptr<const RuleSet> rules = nullptr);

std::string difference(const Case& c, const Outcome& outcome);  // empty: as expected
std::string expected_text(const Outcome& outcome);              // the lines after ----, as --update writes them
std::string signal_text(const model::Signal& signal);           // every field, one line

struct Report {
  std::size_t cases = 0, runs = 0;
  std::vector<std::string> faults;
  bool passed() const { return faults.empty() && cases != 0; }
  std::string text() const;
};
// Every *.case of the directory, in every weather.
Report run_cases(const std::string& directory, std::string_view own, std::span<const DetectorPart> parts,
                 std::shared_ptr<const RuleSet> rules = nullptr);
// Writes what calm weather gives into the files whose expectation differs; returns how many were changed.
Result<std::size_t> update_cases(const std::string& directory, std::string_view own,
                                 std::span<const DetectorPart> parts, std::shared_ptr<const RuleSet> rules = nullptr);

}  // namespace pandun::detect::testing
