#include "registry/cell_places.h"

#include <gmock/gmock.h>

namespace pandun::registry {
namespace {

using ::testing::HasSubstr;

TEST(CellPlaces, KnowsWhereItsCellsStand) {
  const auto places = CellPlaces::parse(
      "# of one carrier\ncell,latitude,longitude\n460-00-1-2,30.25,120.17\r\nb,-33.5,-70.6\n", "cells.csv");
  ASSERT_TRUE(places.ok()) << places.error().text();
  EXPECT_EQ(places->size(), 2U);
  ASSERT_TRUE(places->find("460-00-1-2").has_value());
  EXPECT_FLOAT_EQ(places->find("460-00-1-2")->latitude, 30.25F);
  EXPECT_FLOAT_EQ(places->find("b")->longitude, -70.6F);
  EXPECT_FALSE(places->find("c").has_value());
  EXPECT_FALSE(places->find("").has_value());
}

TEST(CellPlaces, SaysWhatIsWrongAndWhere) {
  const auto fault = [](std::string_view text) {
    const auto places = CellPlaces::parse(text, "cells.csv");
    return places.ok() ? std::string("accepted") : places.error().text();
  };
  EXPECT_THAT(fault("a,1,2\n"), HasSubstr("cells.csv:1: the first line must be cell,latitude,longitude"));
  const std::string many = fault("cell,latitude,longitude\na,91,2\nb,1\nc,1,2x\n,1,2\nd,nan,2\n");
  for (const char* line : {":2: ", ":3: ", ":4: ", ":5: ", ":6: "}) EXPECT_THAT(many, HasSubstr(line));
  EXPECT_THAT(fault("cell,latitude,longitude\na,1,2\na,3,4\n"), HasSubstr("twice"));
}

}  // namespace
}  // namespace pandun::registry
