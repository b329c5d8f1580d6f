#include "learn/graph.h"

#include <gmock/gmock.h>

#include <cmath>

#include "learn/derived.h"
#include "learn/manifest.h"

namespace pandun::learn {
namespace {

using ::testing::HasSubstr;

TEST(Graph, CountsNeighboursOnceAndDropsLoops) {
  const auto edges = read_edges(CsvReader::over("a,b\nx,y\ny,x\nx,x\nx,z\n", "e.csv"));
  ASSERT_TRUE(edges.ok());
  EXPECT_EQ(edges->nodes(), 3U);
  EXPECT_EQ(edges->doubles, 1U);
  EXPECT_EQ(edges->loops, 1U);
  EXPECT_EQ(edges->of(edges->node_of.at("x")).size(), 2U);
  for (const char* bad : {"", "a\n", "a,b\nx\n", "a,b\nx,\n"})
    EXPECT_FALSE(read_edges(CsvReader::over(bad, "e.csv")).ok()) << bad;
}

// A row's label features must not change when its own label, or one of its own fold, does.
TEST(Graph, OwnLabelAndOwnFoldAreNeverRead) {
  const auto edges = read_edges(CsvReader::over("a,b\nx,y\nx,z\ny,z\nz,w\nw,x\n", "e.csv"));
  const std::vector<std::string> ids{"x", "y", "z", "w", "lonely"};
  const std::vector<std::uint32_t> folds{0, 0, 1, 2, 1};
  const auto features = [&](std::vector<std::uint8_t> labels) {
    return graph_features(*edges, ids, folds, {ids, labels, folds});
  };
  const std::size_t width = graph_columns().size();
  const auto base = features({0, 0, 1, 1, 0}), flipped = features({1, 1, 1, 1, 0});
  for (std::size_t c = 0; c < 4; ++c)
    for (const std::size_t row : {0U, 1U}) EXPECT_EQ(base[row * width + c], flipped[row * width + c]);
  // x sees z (1) and w (1) only: smoothed with the base rate of 0.4 and weight 2.
  EXPECT_FLOAT_EQ(base[4], (2 + 2 * 0.4F) / 4);
  EXPECT_FLOAT_EQ(base[3], 2);
  EXPECT_TRUE(std::isnan(base[4 * width + 4]));  // without a neighbour: missing, not zero
  EXPECT_FLOAT_EQ(base[4 * width], 0);
}

TEST(Graph, HiddenLabelsStayHidden) {
  const auto edges = read_edges(CsvReader::over("a,b\nx,y\n", "e.csv"));
  const std::vector<std::string> ids{"x", "y"};
  const std::vector<std::uint8_t> labels{0, 1};
  const std::vector<std::uint32_t> folds{0, kHidden};
  const auto out = graph_features(*edges, ids, folds, {ids, labels, folds});
  EXPECT_FLOAT_EQ(out[3], 0);
  EXPECT_TRUE(std::isnan(out[4]));
}

TEST(Derived, ReadsAndComputes) {
  const std::vector<std::string> inputs{"calls", "callees"};
  const auto list = read_derived(
      "[[derived]]\nname='spread'\nkind='ratio'\na='callees'\nb='calls'\n[[derived]]\nname='holes'\nkind='missing_"
      "count'\n",
      "d.toml", inputs);
  ASSERT_TRUE(list.ok()) << list.error().text();
  const float row[] = {4, 3}, holes[] = {0, std::nanf("")};
  float out[2];
  derive(*list, row, 2, out);
  EXPECT_FLOAT_EQ(out[0], 0.75F);
  EXPECT_FLOAT_EQ(out[1], 0);
  derive(*list, holes, 2, out);
  EXPECT_TRUE(std::isnan(out[0]));
  EXPECT_FLOAT_EQ(out[1], 1);
  const auto bad = read_derived("[[derived]]\nname='x'\nkind='ratio'\na='calls'\nb='nope'\n", "d.toml", inputs);
  ASSERT_FALSE(bad.ok());
  EXPECT_THAT(bad.error().where, HasSubstr("d.toml:1"));
  for (const char* text :
       {"", "[[derived]]\nkind='ratio'\n", "[[derived]]\nname='calls'\nkind='sum'\n",
        "[[derived]]\nname='x'\nkind='shell'\n", "[[derived]]\nname='x'\nkind='sum'\na='calls'\nb='calls'\nc=1\n",
        "derived=[1]\n", "x = \"\x01\"\n"})
    EXPECT_FALSE(read_derived(text, "d.toml", inputs).ok()) << text;
}

TEST(Manifest, NamesAllThatIsMissing) {
  const auto bad = read_manifest("name = 'x'\npurpose = ' '\n", "m.toml");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::kBadConfig);
  for (const char* key : {"provenance", "licence", "purpose", "consent", "deidentification", "impact_assessment"})
    EXPECT_THAT(bad.error().message, HasSubstr(key));
  EXPECT_FALSE(read_manifest("name = 1\n", "m.toml").ok());
  EXPECT_THAT(read_manifest("name = 'x'\nlicense = 'y'\n", "m.toml").error().where, HasSubstr("m.toml:2"));
}

}  // namespace
}  // namespace pandun::learn
