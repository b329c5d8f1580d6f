#include "learn/table.h"

#include <gmock/gmock.h>

#include <cmath>

#include "base/prng.h"

namespace pandun::learn {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TableSpec labelled() {
  TableSpec spec;
  spec.label = "fraud";
  return spec;
}

Result<Table> read(const std::string& text, TableSpec spec = labelled()) {
  return read_table(CsvReader::over(text, "t.csv"), spec);
}

TEST(Table, ReadsIdsLabelsAndMissingCells) {
  const auto table = read("id,a,b,fraud\nx,1.5,,1\ny,-2e3,7,0\r\n");
  ASSERT_TRUE(table.ok()) << table.error().text();
  EXPECT_THAT(table->ids, ElementsAre("x", "y"));
  EXPECT_THAT(table->labels, ElementsAre(1, 0));
  EXPECT_THAT(table->features, ElementsAre("a", "b"));
  EXPECT_FLOAT_EQ(table->values[0], 1.5F);
  EXPECT_TRUE(std::isnan(table->values[1]));
  EXPECT_FLOAT_EQ(table->values[2], -2000);
  EXPECT_EQ(table->missing_cells, 1U);
}

TEST(Table, QuotedCellsMayHoldCommasQuotesAndLines) {
  const auto table = read("\xEF\xBB\xBFid,\"a,b\",fraud\n\"x\"\"y\nz\",3,1\n\"w\",4,0\n");
  ASSERT_TRUE(table.ok()) << table.error().text();
  EXPECT_THAT(table->ids, ElementsAre("x\"y\nz", "w"));
  EXPECT_THAT(table->features, ElementsAre("a,b"));
}

// Every row but the first is faulty in its own way: each is named, counted and left out when the share allows it.
TEST(Table, BadRowsAreCountedWithTheirPlace) {
  TableSpec spec = labelled();
  spec.rejects_share_max = 1;
  const auto table = read(
      "id,a,b,fraud\nok,1,2,1\nragged,1,2\ninf,inf,2,0\nhuge,1e308,2,0\nlong,1e400,2,0\nnan,1,nan,0\n,1,2,0\n"
      "ok,3,4,0\nlab,1,2,maybe\nnolab,1,2,\nwords,1,abc,0\n",
      spec);
  ASSERT_TRUE(table.ok()) << table.error().text();
  EXPECT_THAT(table->ids, ElementsAre("ok"));
  EXPECT_EQ(table->rejected, 10U);
  ASSERT_EQ(table->faults.size(), 10U);
  EXPECT_THAT(table->faults[0].message, HasSubstr("3 cells where the header has 4"));
  EXPECT_EQ(table->faults[1].line, 4U);
  EXPECT_EQ(table->faults[1].column, 5U);
  EXPECT_THAT(table->faults[1].message, HasSubstr("not finite"));
  EXPECT_THAT(table->faults[2].message, HasSubstr("3.4e38"));
  EXPECT_THAT(table->faults[3].message, HasSubstr("out of range"));
  EXPECT_THAT(table->faults[6].message, HasSubstr("stands twice"));
  EXPECT_THAT(table->faults[7].message, HasSubstr("neither 0 nor 1"));
}

TEST(Table, TooManyBadRowsEndTheReading) {
  const auto table = read("id,a,fraud\nx,1,1\ny,1e308,0\n");
  ASSERT_FALSE(table.ok());
  EXPECT_EQ(table.error().code, Errc::kBadInput);
  EXPECT_EQ(table.error().where, "t.csv:3:3");
}

TEST(Table, HeaderFaultsNameTheColumn) {
  for (const auto& [text, words] : {std::pair{"id,a,a,fraud\nx,1,2,1\n", "stands twice"},
                                    {"id,,fraud\nx,1,1\n", "without a name"},
                                    {"id,a,fruad\nx,1,1\n", "is it 'fruad'?"},
                                    {"id,fraud\nx,1\n", "no feature"},
                                    {"", "empty"},
                                    {"id,a,fraud\n", "no row"}}) {
    const auto table = read(text);
    ASSERT_FALSE(table.ok()) << text;
    EXPECT_THAT(table.error().message, HasSubstr(words));
  }
}

TEST(Table, BrokenQuotesAndNulBytesEndTheReading) {
  for (const std::string& text : {std::string("id,a,fraud\nx,\"1,1\n"), std::string("id,a,fraud\nx,1\"2,1\n"),
                                  std::string("id,a,fraud\nx,\"1\"2,1\n"), std::string("id,a,fraud\nx,\0,1\n", 17)}) {
    const auto table = read(text);
    ASSERT_FALSE(table.ok());
    EXPECT_EQ(table.error().code, Errc::kBadInput);
    EXPECT_THAT(table.error().where, HasSubstr("t.csv:2"));
  }
  EXPECT_FALSE(read("id,a,fraud\nx," + std::string(2U << 20, '1') + ",1\n").ok());
}

TEST(Table, WordyColumnsAreRefusedUnlessDeclared) {
  const std::string text = "id,city,a,fraud\n1,cd,1,0\n2,cd,1,1\n3,mianyang,1,0\n4,,1,1\n";
  const auto refused = read(text);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().where, "t.csv:2:3");
  EXPECT_THAT(refused.error().message, HasSubstr("--categorical"));
  TableSpec spec = labelled();
  spec.categorical = {"city"};
  const auto table = read(text, spec);
  ASSERT_TRUE(table.ok()) << table.error().text();
  EXPECT_THAT(table->categories.at("city"), ElementsAre("cd", "mianyang"));
  EXPECT_FLOAT_EQ(table->row(2)[0], 1);
  EXPECT_TRUE(std::isnan(table->row(3)[0]));
  // A model's codes stay what they were; a new word is a missing value.
  spec.categories = table->categories;
  const auto later = read("id,city,a,fraud\n9,guangyuan,1,0\n8,mianyang,1,1\n", spec);
  ASSERT_TRUE(later.ok());
  EXPECT_TRUE(std::isnan(later->row(0)[0]));
  EXPECT_FLOAT_EQ(later->row(1)[0], 1);
  EXPECT_EQ(later->unknown_categories, 1U);
}

TEST(Table, AModelsColumnsComeInItsOrder) {
  TableSpec spec;
  spec.features = {"b", "a", "c"};
  const auto table = read("id,a,extra,b\nx,1,9,2\n", spec);
  ASSERT_TRUE(table.ok());
  EXPECT_FLOAT_EQ(table->row(0)[0], 2);
  EXPECT_FLOAT_EQ(table->row(0)[1], 1);
  EXPECT_TRUE(std::isnan(table->row(0)[2]));
  EXPECT_THAT(table->missing_columns, ElementsAre("c"));
  EXPECT_THAT(table->ignored_columns, ElementsAre("extra"));
}

TEST(Table, MomentsAreUnixOrRfc3339) {
  EXPECT_EQ(parse_moment("1700000000"), 1'700'000'000'000);
  EXPECT_EQ(parse_moment("1700000000123"), 1'700'000'000'123);
  EXPECT_EQ(parse_moment("2023-11-14T22:13:20Z"), 1'700'000'000'000);
  for (const char* text : {"", "yesterday", "1e300", "nan", "2023-11-14"}) EXPECT_FALSE(parse_moment(text)) << text;
}

TEST(Table, AnyBytesGiveATableOrAnError) {
  const std::uint64_t seed = 20240131;
  SCOPED_TRACE(seed);
  Prng random(seed);
  const std::string alphabet = "id,fraud\n\r\"01.5e-+ \xEF\xBB\xBFnaif\t";
  for (int round = 0; round < 3000; ++round) {
    std::string text = random.chance(0.7) ? "id,a,fraud\n" : "";
    for (std::uint64_t i = random.below(60); i > 0; --i) text.push_back(alphabet[random.below(alphabet.size())]);
    TableSpec spec = labelled();
    spec.rejects_share_max = 1;
    const auto table = read(text, spec);
    if (!table.ok()) continue;
    EXPECT_EQ(table->rows() + table->rejected, table->rows_read);
    EXPECT_EQ(table->values.size(), table->rows() * table->width());
  }
}

}  // namespace
}  // namespace pandun::learn
