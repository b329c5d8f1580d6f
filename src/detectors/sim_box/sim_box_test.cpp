#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& sim_box_spec();
std::unique_ptr<detect::Detector> make_sim_box(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&sim_box_spec, &make_sim_box}};

TEST(SimBox, Cases) {
  const auto report = detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/sim_box/cases", "sim_box", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

// 333 records of ten SIMs that an operator published with a SIM-box study, five of them labelled fraud. None of the five shares
// a device, keeps to a cell or calls many within these three days: nothing may be said of any of the ten, and every record
// must be understood. (How many SIM boxes are found cannot be told from ten SIMs.)
TEST(SimBox, TheOperatorsSampleIsReadAndNothingIsMadeUp) {
  const char* root = std::getenv("PANDUN_TEST_DATA");
  if (root == nullptr) GTEST_SKIP() << "PANDUN_TEST_DATA is not set: it names the folder of real recordings";
  const std::string path = std::string(root) + "/fraud/simbox_cdr_sample/TEST_DATASET.CSV";
  std::ifstream in(path);
  if (!in) GTEST_SKIP() << path << " is not there";

  detect::testing::Case c;
  auto arena = std::make_shared<model::Arena>();
  std::string line;
  std::getline(in, line);  // the header
  std::size_t rows = 0;
  while (std::getline(in, line)) {
    ++rows;
    std::vector<std::string> f;
    std::stringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) f.push_back(field);
    ASSERT_GE(f.size(), 12U) << line;
    if (f[4] != "11") continue;  // messages
    std::tm tm{};
    ASSERT_EQ(std::sscanf(f[2].c_str(), "%d-%d-%d %d:%d:%d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
                          &tm.tm_min, &tm.tm_sec),
              6)
        << line;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    model::Event event;
    event.time = {std::int64_t{timegm(&tm)} * 1000};
    event.record = rows;
    model::Call call;
    const model::NumberKey own = model::NumberKey::opaque(f[6]), other = model::NumberKey::opaque(f[7]);
    const bool outgoing = f[1] == "0";
    call.caller = outgoing ? own : other;
    call.callee = outgoing ? other : own;
    call.duration_s = static_cast<std::int32_t>(std::lround(std::atof(f[3].c_str())));
    (outgoing ? call.caller_cell : call.callee_cell) = arena->copy(f[8]);
    if (outgoing) call.caller_device = arena->copy(f[9]);
    event.payload = call;
    c.events.events.push_back(event);
  }
  EXPECT_EQ(rows, 333U);
  c.events.arenas.push_back(arena);
  auto& events = c.events.events;
  std::stable_sort(events.begin(), events.end(), [](const auto& a, const auto& b) { return a.time < b.time; });
  for (std::size_t i = 0; i < events.size(); ++i) {
    events[i].position = i + 1;
    events[i].watermark = events[i].time;
  }
  for (const auto& weather : detect::testing::weathers()) {
    const auto outcome = detect::testing::run(c, "sim_box", kParts, weather);
    EXPECT_EQ(outcome.failure, "");
    for (const model::Signal& signal : outcome.signals) ADD_FAILURE() << detect::testing::signal_text(signal);
  }
}

}  // namespace
}  // namespace pandun::detectors
