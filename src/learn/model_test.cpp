#include "learn/model.h"

#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "base/prng.h"
#include "learn/digest.h"
#include "learn/scorer.h"

namespace pandun::learn {
namespace {

using ::testing::HasSubstr;

Model small() {
  Model model;
  model.name = "small";
  model.inputs = {"a", "b"};
  model.derived = {{"a_per_b", DerivedKind::kRatio, 0, 1}};
  model.categories["b"] = {"x", "y"};
  Tree tree(5);
  tree[0] = {false, 0, 0.1F, true, 1, 0, 10};
  tree[1] = {true, 0, 0, false, 0, -1.25F, 4};
  tree[2] = {false, 2, 3.5F, false, 3, 0, 6};
  tree[3] = {true, 0, 0, false, 0, 0.3333333F, 5};
  tree[4] = {true, 0, 0, false, 0, 2, 1};
  model.members = {{{tree, tree}}, {{tree}}};
  model.thresholds = {{"balanced", 0.4, 0.9, 0.8, 0.01}};
  model.metrics["auc"] = 0.97;
  model.origin.seed = 18'000'000'000'000'000'000ULL;
  return model;
}

std::string resealed(std::string body) {
  return "pandun-model 1 " + digest_hex(body) + " " + std::to_string(body.size()) + "\n" + body;
}

TEST(ModelFile, WhatIsWrittenIsReadAgainToTheByte) {
  const std::string written = write_model(small());
  const auto read = read_model(written, "m");
  ASSERT_TRUE(read.ok()) << read.error().text();
  EXPECT_EQ(write_model(*read), written);
  EXPECT_EQ(read->members[0].trees[1][3].value, 0.3333333F);
  EXPECT_EQ(read->origin.seed, 18'000'000'000'000'000'000ULL);
}

TEST(ModelFile, EveryFloatSurvives) {
  Prng random(7);
  Model model = small();
  for (int i = 0; i < 200; ++i) {
    const float value =
        static_cast<float>(std::ldexp(random.uniform() * 2 - 1, static_cast<int>(random.below(40)) - 22));
    model.members[0].trees[0][0].threshold = value;
    model.members[0].trees[0][4].value = std::fabs(value) < 1e6F ? value : 0;
    const auto read = read_model(write_model(model), "m");
    ASSERT_TRUE(read.ok());
    ASSERT_EQ(read->members[0].trees[0][0].threshold, value);
  }
}

TEST(ModelFile, NumbersAtTheEdgesAreWrittenAsTheyAreRead) {
  const std::string body = write_model(small()).substr(write_model(small()).find('\n') + 1);
  const std::size_t at = body.find("3.5");
  ASSERT_NE(at, std::string::npos);
  for (const char* number : {"-0.0", "-1e-60", "-4e-46", "1e-45", "3e38", "-3e38", "2.9999999e38"}) {
    const auto read = read_model(resealed(std::string(body).replace(at, 3, number)), "m");
    ASSERT_TRUE(read.ok()) << number << ": " << read.error().text();
    const std::string written = write_model(*read);
    const auto again = read_model(written, "m");
    ASSERT_TRUE(again.ok()) << number << ": " << again.error().text();
    EXPECT_EQ(write_model(*again), written) << number;
  }
  for (const char* number : {"3.01e38", "-3.2e38", "1e300", "-1e39"})
    EXPECT_FALSE(read_model(resealed(std::string(body).replace(at, 3, number)), "m").ok()) << number;
}

TEST(ModelFile, AChangedByteIsSeen) {
  std::string written = write_model(small());
  written[written.size() / 2] ^= 1;
  EXPECT_EQ(read_model(written, "m").error().code, Errc::kCorrupt);
  written.pop_back();
  EXPECT_EQ(read_model(written, "m").error().code, Errc::kCorrupt);
  EXPECT_EQ(read_model("PK\x03\x04", "m").error().code, Errc::kBadInput);
  EXPECT_EQ(read_model("pandun-model 2 00 0\n", "m").error().code, Errc::kUnsupported);
  EXPECT_EQ(read_model("", "m").error().code, Errc::kBadInput);
}

// A stranger can seal what they like: the digest proves nothing about sense, so the body is checked by itself.
TEST(ModelFile, AStrangersModelIsRefused) {
  const std::string whole = write_model(small());
  const std::string body = whole.substr(whole.find('\n') + 1);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = body;
    const auto at = changed.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    changed.replace(at, from.size(), to);
    return read_model(resealed(changed), "m");
  };
  const std::string split = "\"split\":[1,-1,4,-1,-1]", left = "\"left\":[1,0,3,0,0]";
  for (const auto& [from, to, words] : std::initializer_list<std::tuple<std::string, std::string, std::string>>{
           {left, "\"left\":[0,0,3,0,0]", "stand before it"},
           {left, "\"left\":[3,0,3,0,0]", "shares a child"},
           {left, "\"left\":[1,0,4,0,0]", "outside the tree"},
           {left, "\"left\":[1,0,4000000000,0,0]", "out of range"},
           {left, "\"left\":[1,0,-3,0,0]", "out of range"},
           {left, "\"left\":[1,0,3,0]", "differ in length"},
           {split, "\"split\":[1,-1,12,-1,-1]", "column that does not exist"},
           {split, "\"split\":[1,-1,-1,-1,-1]", "nothing leads to"},
           {split, "\"split\":[1,-1,-7,-1,-1]", "out of range"},
           {split, "\"split\":[1,-1,1e99,-1,-1]", "differ in length or kind"},
           {"-1.25", "1e300", "outside"},
           {"-1.25", "2e6", "over 1e6"},
           {"\"cover\":[10", "\"cover\":[-1", "cover"},
           {"\"inputs\":[\"a\",\"b\"]", "\"inputs\":[\"a\",\"a\"]", "stands twice"},
           {"\"inputs\":[\"a\",\"b\"]", "\"inputs\":\"a\"", "inputs"},
           {"\"a\":0,\"b\":1}", "\"a\":0,\"b\":9}", "does not exist"},
           {"\"kind\":\"ratio\"", "\"kind\":\"shell\"", "not known"},
           {"\"probability\":0.4", "\"probability\":7", "outside 0..1"},
           {"\"base_margin\":0", "\"base_margin\":1e30", "base margin"},
           {"\"members\":[", "\"membres\":[", "members"}}) {
    const auto read = with(from, to);
    ASSERT_FALSE(read.ok()) << to;
    EXPECT_THAT(read.error().message, HasSubstr(words)) << to;
  }
}

TEST(ModelFile, DepthIsBounded) {
  Model model = small();
  Tree chain;
  for (std::uint32_t i = 0; i < 40; ++i) {
    chain.push_back({false, 0, 0, false, i * 2 + 1, 0, 1});
    if (i > 0) chain.insert(chain.end() - 1, TreeNode{true, 0, 0, false, 0, 0, 1});
  }
  chain.push_back({true, 0, 0, false, 0, 0, 1});
  chain.push_back({true, 0, 0, false, 0, 0, 1});
  model.members = {{{chain}}};
  const auto checked = check_model(model, "m");
  ASSERT_FALSE(checked.ok());
  EXPECT_EQ(checked.error().code, Errc::kTooLarge) << checked.error().text();
}

TEST(Scorer, HonoursMissingValuesTiesAndDerivedColumns) {
  Model model = small();
  model.members = {{{model.members[1].trees[0]}}};
  const auto scorer = Scorer::build(model);
  ASSERT_TRUE(scorer.ok());
  const float kMissing = std::numeric_limits<float>::quiet_NaN(), kInf = std::numeric_limits<float>::infinity();
  const auto at = [&](float a, float b) { return (*scorer)->margin(std::vector<float>{a, b}); };
  EXPECT_FLOAT_EQ(at(0.05F, 1), -1.25F);
  EXPECT_FLOAT_EQ(at(kMissing, 1), -1.25F);  // missing goes left at the root
  EXPECT_FLOAT_EQ(at(kInf, 1), -1.25F);      // an infinity counts as missing
  EXPECT_FLOAT_EQ(at(0.1F, 1), 0.3333333F);  // equal to the threshold goes right; 0.1 / 1 < 3.5
  EXPECT_FLOAT_EQ(at(7, 2), 2);              // 3.5 is not below 3.5
  EXPECT_FLOAT_EQ(at(7, 0), 2);              // the ratio is missing, which goes right there
}

TEST(Calibration, RisesAndStaysWithinItsEnds) {
  Calibration isotonic;
  isotonic.kind = Calibration::Kind::kIsotonic;
  isotonic.points = {{-1, 0.1}, {1, 0.5}, {2, 0.9}};
  EXPECT_DOUBLE_EQ(isotonic.probability(-9), 0.1);
  EXPECT_DOUBLE_EQ(isotonic.probability(0), 0.3);
  EXPECT_DOUBLE_EQ(isotonic.probability(1), 0.5);
  EXPECT_DOUBLE_EQ(isotonic.probability(50), 0.9);
}

}  // namespace
}  // namespace pandun::learn
