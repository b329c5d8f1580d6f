#include "server/detection.h"

#include <gtest/gtest.h>

#include "detectors/catalog.h"
#include "platform/file_system.h"

namespace pandun::server {
namespace {

double record_began(std::vector<std::pair<std::string, std::string>> flags, std::int64_t began_s) {
  const LoadedSettings loaded =
      load_settings(platform::posix_files(), {{}, std::move(flags), false}, detectors::catalog());
  EXPECT_TRUE(loaded.faults.empty());
  auto parts = detector_parts(loaded.settings);
  EXPECT_TRUE(parts.ok());
  EXPECT_TRUE(set_record_began(*parts, loaded.settings, began_s).ok());
  for (const auto& part : *parts)
    if (part.part.spec().name == "new_number_burst") {
      EXPECT_EQ(part.options["settle_h"], 72) << "the other options stay";
      return part.options["record_began_s"];
    }
  return -1;
}

TEST(RecordBegan, IsToldToTheDetectorThatAsks) {
  EXPECT_EQ(record_began({}, 1'790'000'000), 1'790'000'000);
}

TEST(RecordBegan, GivesWayToTheSettingsEvenWhenTheyNameTheDefault) {
  EXPECT_EQ(record_began({{"detectors.new_number_burst.record_began_s", "1700000000"}}, 1'790'000'000), 1'700'000'000);
  EXPECT_EQ(record_began({{"detectors.new_number_burst.record_began_s", "0"}}, 1'790'000'000), 0);
}

}  // namespace
}  // namespace pandun::server
