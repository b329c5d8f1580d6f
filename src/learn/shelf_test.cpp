#include "learn/shelf.h"

#include <gmock/gmock.h>

#include "platform/random.h"

namespace pandun::learn {
namespace {

using platform::posix_files;

Model model(std::uint32_t batch) {
  Model out;
  out.name = "m";
  out.batch = batch;
  out.change_note = "note " + std::to_string(batch);
  out.inputs = {"a"};
  Tree leaf(1);
  leaf[0].value = static_cast<float>(batch);
  out.members = {{{leaf}}};
  out.origin.manifest = {"n", "p", "l", "u", "c", "d", "i"};
  return out;
}

class ShelfTest : public ::testing::Test {
 protected:
  ShelfTest() : directory_(::testing::TempDir() + "shelf-" + platform::random_hex(8)) {}
  Shelf shelf() { return {posix_files(), clock_, directory_}; }
  Result<ShelfEntry> move(std::uint32_t batch, ModelState to, const std::string& by = "li",
                          const std::string& second = "") {
    clock_.advance(std::chrono::seconds(1));
    return shelf().promote({batch, to, by, second, "because"});
  }
  void champion(std::uint32_t batch) {
    ASSERT_TRUE(move(batch, ModelState::kShadow).ok());
    const auto done = move(batch, ModelState::kChampion, "li", "wang");
    ASSERT_TRUE(done.ok()) << done.error().text();
  }
  void enter(std::uint32_t count) {
    for (std::uint32_t b = 1; b <= count; ++b) {
      Shelf s = shelf();
      ASSERT_TRUE(s.enter(model(b), "li").ok());
    }
  }
  ModelState state(std::uint32_t batch) {
    Shelf s = shelf();
    EXPECT_TRUE(s.load().ok());
    return s.list()[batch - 1].state;
  }
  platform::ManualClock clock_{WallMs{1'700'000'000'000}};
  std::string directory_;
};

TEST_F(ShelfTest, AChampionNeedsTheWayThroughTheShadowAndTwoPeople) {
  enter(1);
  EXPECT_EQ(move(1, ModelState::kChampion, "li", "wang").error().code, Errc::kConflict);
  ASSERT_TRUE(move(1, ModelState::kShadow).ok());
  EXPECT_EQ(move(1, ModelState::kChampion, "li", "").error().code, Errc::kNotAllowed);
  EXPECT_EQ(move(1, ModelState::kChampion, "", "wang").error().code, Errc::kNotAllowed);
  EXPECT_EQ(move(1, ModelState::kChampion, "li", "li").error().code, Errc::kNotAllowed);
  EXPECT_EQ(move(1, ModelState::kChampion, "li", " LI ").error().code, Errc::kNotAllowed);
  ASSERT_TRUE(move(1, ModelState::kChampion, "li", "wang").ok());
  EXPECT_EQ(state(1), ModelState::kChampion);
  EXPECT_EQ(move(1, ModelState::kRetired, "li", "").error().code, Errc::kNotAllowed);
  EXPECT_EQ(move(7, ModelState::kShadow).error().code, Errc::kNotFound);
}

TEST_F(ShelfTest, ANewChampionRetiresTheOldAndRollBackGoesOneStep) {
  enter(2);
  champion(1);
  champion(2);
  EXPECT_EQ(state(1), ModelState::kRetired);
  EXPECT_EQ(shelf().roll_back("li", "li", "").error().code, Errc::kNotAllowed);
  const auto back = shelf().roll_back("li", "wang", "false alarms");
  ASSERT_TRUE(back.ok()) << back.error().text();
  EXPECT_EQ(back->batch, 1U);
  EXPECT_EQ(state(1), ModelState::kChampion);
  EXPECT_EQ(state(2), ModelState::kRetired);
  EXPECT_EQ(shelf().roll_back("li", "wang", "").error().code, Errc::kConflict);
}

TEST_F(ShelfTest, DataWithoutAManifestStaysADraft) {
  Model undeclared = model(1);
  undeclared.origin.manifest.deidentification = " ";
  Shelf s = shelf();
  ASSERT_TRUE(s.enter(undeclared, "li").ok());
  const auto refused = move(1, ModelState::kShadow);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::kNotAllowed);
  EXPECT_NE(refused.error().message.find("deidentification"), std::string::npos);
}

TEST_F(ShelfTest, ASwappedModelIsSeen) {
  enter(1);
  ASSERT_TRUE(move(1, ModelState::kShadow).ok());
  Model other = model(1);
  other.change_note = "not what was entered";
  ASSERT_TRUE(
      platform::replace_file(posix_files(), directory_ + "/batch-000001/model.pandun", write_model(other)).ok());
  EXPECT_EQ(move(1, ModelState::kChampion, "li", "wang").error().code, Errc::kCorrupt);
}

TEST_F(ShelfTest, ARewrittenJournalIsSeen) {
  enter(2);
  champion(1);
  const std::string path = directory_ + "/journal.jsonl";
  const std::string journal = platform::read_file(posix_files(), path).value();
  const auto broken = [&](std::string text) {
    EXPECT_TRUE(platform::replace_file(posix_files(), path, text).ok());
    Shelf s = shelf();
    const auto loaded = s.load();
    return !loaded.ok() && loaded.error().code == Errc::kCorrupt;
  };
  std::string changed = journal;
  changed.replace(changed.find("wang"), 4, "zhao");
  EXPECT_TRUE(broken(changed));
  EXPECT_TRUE(broken(journal.substr(journal.find('\n') + 1)));               // the first entry gone
  EXPECT_TRUE(broken(journal.substr(0, journal.size() - 5)));                // cut
  EXPECT_TRUE(broken(journal + journal.substr(0, journal.find('\n') + 1)));  // repeated
  EXPECT_TRUE(broken("{}\n"));
  EXPECT_FALSE(broken(journal));
}

TEST_F(ShelfTest, BatchesAreNumberedInTurn) {
  enter(2);
  Shelf s = shelf();
  EXPECT_EQ(s.enter(model(7), "li").error().code, Errc::kConflict);
  ASSERT_TRUE(s.load().ok());
  EXPECT_EQ(s.next_batch(), 3U);
  EXPECT_EQ(s.list()[1].change_note, "note 2");
}

}  // namespace
}  // namespace pandun::learn
