#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& many_cards_spec();
std::unique_ptr<detect::Detector> make_many_cards(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&many_cards_spec, &make_many_cards}};

TEST(ManyCards, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/many_cards/cases", "many_cards", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
