#include <gtest/gtest.h>

#include "detect/testing/case_runner.h"

namespace pandun::detectors {

const detect::DetectorSpec& port_scan_spec();
std::unique_ptr<detect::Detector> make_port_scan(const detect::Options& options);

namespace {

const detect::DetectorPart kParts[] = {{&port_scan_spec, &make_port_scan}};

TEST(PortScan, Cases) {
  const auto report =
      detect::testing::run_cases(PANDUN_SOURCE_DIR "/src/detectors/port_scan/cases", "port_scan", kParts);
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace pandun::detectors
