#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& message_campaign_spec();
std::unique_ptr<detect::Detector> make_message_campaign(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&message_campaign_spec, &make_message_campaign}};

TEST(MessageCampaign, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/message_campaign/cases", "message_campaign", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
