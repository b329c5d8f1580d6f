#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& model_score_spec();
std::unique_ptr<detect::Detector> make_model_score(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&model_score_spec, &make_model_score}};

TEST(ModelScore, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/model_score/cases", "model_score", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
