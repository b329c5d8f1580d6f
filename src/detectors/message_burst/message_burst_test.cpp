#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& message_burst_spec();
std::unique_ptr<detect::Detector> make_message_burst(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&message_burst_spec, &make_message_burst}};

TEST(MessageBurst, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/message_burst/cases", "message_burst", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
