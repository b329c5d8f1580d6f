#include "server/number_models.h"

#include <gmock/gmock.h>

#include "detect/features/catalog.h"
#include "platform/random.h"

namespace pandun::server {
namespace {

using learn::ModelState;
using platform::posix_files;
using ::testing::HasSubstr;
using ::testing::SizeIs;

// One leaf: a model that says the same of every row.
learn::Model saying(std::uint32_t batch, float margin) {
  learn::Model out;
  out.name = "m";
  out.batch = batch;
  out.change_note = "note";
  out.inputs = {"calls_out_24h"};
  learn::Tree leaf(1);
  leaf[0].value = margin;
  out.members = {{{leaf}}};
  out.thresholds = {{"fpr_0_1pct", 0.5, 1, 1, 0}};
  out.origin.manifest = {"n", "p", "l", "u", "c", "d", "i"};
  return out;
}

class NumberModelsTest : public ::testing::Test {
 protected:
  NumberModelsTest() : home_(::testing::TempDir() + "models-" + platform::random_hex(8)) {
    EXPECT_TRUE(posix_files().make_directories(home_).ok());
  }
  std::string shelf_path() const { return home_ + "/shelf"; }
  std::string history() const { return home_ + "/history"; }
  learn::Shelf shelf() { return {posix_files(), clock_, shelf_path()}; }
  void enter(std::uint32_t batch, float margin) {
    ASSERT_TRUE(posix_files().make_directories(shelf_path()).ok());
    ASSERT_TRUE(shelf().enter(saying(batch, margin), "li").ok());
  }
  void champion(std::uint32_t batch) {
    ASSERT_TRUE(shelf().promote({batch, ModelState::kShadow, "li", "", ""}).ok());
    ASSERT_TRUE(shelf().promote({batch, ModelState::kChampion, "li", "wang", ""}).ok());
  }
  std::unique_ptr<ShelfModels> opened(std::uint64_t next_position, std::size_t notes = 0) {
    auto out = ShelfModels::open(posix_files(), clock_, shelf_path(), "fpr_0_1pct");
    EXPECT_TRUE(out.ok()) << out.error().text();
    const auto kept = (*out)->keep(history(), next_position);
    EXPECT_TRUE(kept.ok()) << kept.error().text();
    EXPECT_THAT(*kept, SizeIs(notes));
    return std::move(*out);
  }
  static double score(const ShelfModels& models, std::uint64_t position) {
    model::Event event;
    event.position = position;
    const std::vector<float> row(models.features().size(), 1.0F);
    return models.look({}, event, row).score;
  }
  std::string history_text() {
    auto text = platform::read_file(posix_files(), history());
    return text.ok() ? *text : "";
  }

  platform::ManualClock clock_{WallMs{1'700'000'000'000}};
  std::string home_;
};

TEST_F(NumberModelsTest, AnEmptyShelfWantsNoRowsUntilAModelIsPutThere) {
  auto models = opened(1);
  EXPECT_TRUE(models->features().empty());
  EXPECT_EQ(models->name(), "");
  enter(1, 2);
  EXPECT_FALSE(models->look_again(10).value()) << "a draft changes nothing";
  champion(1);
  EXPECT_TRUE(models->look_again(100).value());
  EXPECT_EQ(models->name(), "batch-000001");
  EXPECT_FALSE(models->features().empty());
  EXPECT_EQ(score(*models, 99), 0) << "no champion held there";
  EXPECT_GT(score(*models, 100), 0.8);
}

TEST_F(NumberModelsTest, EachEventIsScoredByWhatHeldAtItsPositionAlsoAfterARestart) {
  enter(1, 2);
  champion(1);
  enter(2, -2);
  auto models = opened(1);
  EXPECT_FALSE(models->look_again(50).value()) << "nothing changed";
  champion(2);
  EXPECT_TRUE(models->look_again(200).value());
  ASSERT_TRUE(shelf().roll_back("li", "wang", "worse").ok());
  EXPECT_TRUE(models->look_again(300).value());
  const auto check = [](const ShelfModels& m) {
    EXPECT_GT(score(m, 199), 0.8);
    EXPECT_LT(score(m, 200), 0.2);
    EXPECT_LT(score(m, 299), 0.2);
    EXPECT_GT(score(m, 300), 0.8);
  };
  check(*models);
  const std::string before = history_text();
  auto again = opened(500);
  check(*again);
  EXPECT_EQ(history_text(), before) << "a restart alone enters nothing";
  EXPECT_EQ(again->name(), "batch-000001");
}

TEST_F(NumberModelsTest, WhatChangedWhileItStoodStillHoldsFromTheNextPosition) {
  enter(1, 2);
  champion(1);
  opened(1);
  enter(2, -2);
  champion(2);
  auto models = opened(700);
  EXPECT_GT(score(*models, 699), 0.8) << "events that are seen again after a crash";
  EXPECT_LT(score(*models, 700), 0.2);
}

TEST_F(NumberModelsTest, ABadModelLeavesTheOldOneInForceAndIsTold) {
  enter(1, 2);
  champion(1);
  auto models = opened(1);
  enter(2, -2);
  champion(2);
  const std::string path = shelf_path() + "/batch-000002/model.pandun";
  ASSERT_TRUE(platform::replace_file(posix_files(), path, "pandun-model 1 0 0\n").ok());
  EXPECT_FALSE(models->look_again(10).ok());
  EXPECT_GT(score(*models, 1'000), 0.8);
  EXPECT_EQ(models->name(), "batch-000001");
}

TEST_F(NumberModelsTest, AFormerModelThatIsGoneKeepsSilentAndIsANote) {
  enter(1, 2);
  champion(1);
  enter(2, 3);
  auto models = opened(1);
  champion(2);
  ASSERT_TRUE(models->look_again(40).value());
  ASSERT_TRUE(posix_files().remove(shelf_path() + "/batch-000001/model.pandun").ok());
  auto again = opened(60, 1);
  EXPECT_EQ(score(*again, 39), 0);
  EXPECT_GT(score(*again, 40), 0.9);
}

TEST_F(NumberModelsTest, ADamagedHistoryIsRefused) {
  ASSERT_TRUE(platform::replace_file(posix_files(), history(), "12 champion\n").ok());
  auto models = ShelfModels::open(posix_files(), clock_, shelf_path(), "fpr_0_1pct");
  ASSERT_TRUE(models.ok());
  EXPECT_EQ((*models)->keep(history(), 1).error().code, Errc::kCorrupt);
}

TEST_F(NumberModelsTest, ReasonsComeFromTheModelThatHeld) {
  learn::Model model = saying(1, 2);
  model.members[0].trees[0] = {
      {false, 0, 5, true, 1, 0, 10}, {true, 0, 0, false, 0, -1, 5}, {true, 0, 0, false, 0, 1, 5}};
  ASSERT_TRUE(posix_files().make_directories(shelf_path()).ok());
  ASSERT_TRUE(shelf().enter(model, "li").ok());
  champion(1);
  auto models = opened(1);
  enter(2, 2);
  champion(2);
  ASSERT_TRUE(models->look_again(10).value());
  std::vector<float> row(models->features().size(), 9.0F);
  model::Event event;
  event.position = 9;
  const auto reasons = models->explain_at(event, row, 3);
  ASSERT_THAT(reasons, SizeIs(1));
  EXPECT_EQ(reasons[0].feature, "calls_out_24h");
  EXPECT_NEAR(reasons[0].margin, 1, 1e-6);
  event.position = 10;
  EXPECT_TRUE(models->explain_at(event, row, 3).empty()) << "one leaf has no reasons";
}

}  // namespace
}  // namespace pandun::server
