#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& iot_card_misuse_spec();
std::unique_ptr<detect::Detector> make_iot_card_misuse(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&iot_card_misuse_spec, &make_iot_card_misuse}};

TEST(IotCardMisuse, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/iot_card_misuse/cases", "iot_card_misuse", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
