#include "platform/fault_files.h"

#include <gtest/gtest.h>

#include "platform/random.h"

namespace pandun::platform {
namespace {

class FaultFilesTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(posix_files().make_directories(directory_).ok()); }
  std::string path(const std::string& name) const { return join(directory_, name); }
  std::string content(const std::string& name) {
    auto text = read_file(posix_files(), path(name));
    return text.ok() ? *text : "(none)";
  }
  std::string directory_ = testing::TempDir() + "pandun_fault_" + random_hex(6);
  FaultFiles files_{posix_files()};
};

TEST_F(FaultFilesTest, FailsTheNthCallOnce) {
  auto file = files_.create(path("a"), 0640);
  files_.fail_at(FileOp::kAppend, 2);
  EXPECT_TRUE((*file)->append("1").ok());
  EXPECT_EQ((*file)->append("2").error().code, Errc::kIo);
  EXPECT_TRUE((*file)->append("3").ok());
  EXPECT_EQ(content("a"), "13");
  EXPECT_EQ(files_.count(FileOp::kAppend), 3U);
  files_.fail_at(FileOp::kAppend, 4, true);
  EXPECT_FALSE((*file)->append("4").ok());
  EXPECT_FALSE((*file)->append("5").ok());
  files_.heal();
  EXPECT_TRUE((*file)->append("6").ok());
}

TEST_F(FaultFilesTest, WritesShortAndFillsTheDisk) {
  auto file = files_.create(path("a"), 0640);
  files_.short_write_at(1, 2);
  EXPECT_FALSE((*file)->append("abcd").ok());
  EXPECT_EQ(content("a"), "ab");
  files_.disk_bytes(5);
  EXPECT_EQ(*files_.free_bytes(directory_), 3U);
  EXPECT_TRUE((*file)->append("cd").ok());
  const auto full = (*file)->append("ef");
  EXPECT_TRUE(full.error().retryable);
  EXPECT_EQ(content("a"), "abcde");
  EXPECT_TRUE((*file)->truncate(0).ok());
  EXPECT_TRUE((*file)->append("gh").ok());
}

TEST_F(FaultFilesTest, APowerCutUndoesWhatWasNotSynced) {
  auto file = files_.create(path("a"), 0640);
  ASSERT_TRUE((*file)->append("kept").ok());
  ASSERT_TRUE((*file)->sync().ok());
  ASSERT_TRUE(files_.sync_directory(directory_).ok());
  ASSERT_TRUE((*file)->append(" lost").ok());
  auto other = files_.create(path("b"), 0640);
  ASSERT_TRUE((*other)->append("synced, but its name was not").ok());
  ASSERT_TRUE((*other)->sync().ok());
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_EQ(content("a"), "kept");
  EXPECT_EQ(content("b"), "(none)");
  EXPECT_FALSE((*file)->append("x").ok());
}

TEST_F(FaultFilesTest, APowerCutUndoesRenamesAndRemovals) {
  ASSERT_TRUE(replace_file(files_, path("a"), "old").ok());
  {
    auto file = files_.create(path("a.new"), 0640);
    ASSERT_TRUE((*file)->append("new").ok());
    ASSERT_TRUE((*file)->sync().ok());
  }
  ASSERT_TRUE(files_.rename(path("a.new"), path("a")).ok());
  EXPECT_EQ(content("a"), "new");
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_EQ(content("a"), "old");
  EXPECT_EQ(content("a.new"), "(none)");
  ASSERT_TRUE(files_.remove(path("a")).ok());
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_EQ(content("a"), "old");
  ASSERT_TRUE(files_.remove(path("a")).ok());
  ASSERT_TRUE(files_.sync_directory(directory_).ok());
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_EQ(content("a"), "(none)");
}

TEST_F(FaultFilesTest, AFailedSyncLosesItsBytesForGood) {
  auto file = files_.create(path("a"), 0640);
  ASSERT_TRUE(files_.sync_directory(directory_).ok());
  ASSERT_TRUE((*file)->append("ab").ok());
  files_.fail_at(FileOp::kSync, 1);
  EXPECT_FALSE((*file)->sync().ok());
  ASSERT_TRUE((*file)->append("cd").ok());
  EXPECT_TRUE((*file)->sync().ok());
  EXPECT_EQ(content("a"), "abcd");
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_EQ(content("a"), std::string("\0\0cd", 4));
}

TEST_F(FaultFilesTest, NothingWorksAfterTheCutUntilThePowerIsBack) {
  auto file = files_.create(path("a"), 0640);
  ASSERT_TRUE(files_.sync_directory(directory_).ok());
  files_.power_cut_at(4);
  ASSERT_TRUE((*file)->append("ab").ok());
  ASSERT_TRUE((*file)->sync().ok());
  EXPECT_FALSE((*file)->append("cd").ok());
  EXPECT_FALSE(files_.create(path("b"), 0640).ok());
  EXPECT_EQ(files_.changes(), 6U);
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_EQ(content("a"), "ab");
  EXPECT_TRUE(files_.create(path("b"), 0640).ok());
}

TEST_F(FaultFilesTest, APowerCutMayKeepAnyPages) {
  std::string kept;
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    const std::string name = "p" + std::to_string(seed);
    auto file = files_.create(path(name), 0640);
    ASSERT_TRUE((*file)->append(std::string(100, 'd')).ok());
    ASSERT_TRUE((*file)->sync().ok());
    ASSERT_TRUE(files_.sync_directory(directory_).ok());
    ASSERT_TRUE((*file)->append(std::string(2000, 'u')).ok());
    ASSERT_TRUE(files_.power_cut_keeping(seed).ok());
    const std::string after = content(name);
    EXPECT_EQ(after.substr(0, 100), std::string(100, 'd'));
    EXPECT_LE(after.size(), 2100U);
    kept += after;
  }
  EXPECT_NE(kept.find('u'), std::string::npos);
  EXPECT_NE(kept.find('\0'), std::string::npos);
}

}  // namespace
}  // namespace pandun::platform
