#include "intel/library.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "platform/fault_files.h"

namespace pandun::intel {
namespace {

class LibraryTest : public ::testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("pandun_intel_" + std::to_string(::testing::UnitTest::GetInstance()->random_seed()) +
                  ::testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::string dir() const { return directory_.string(); }
  std::filesystem::path directory_;
};

TEST_F(LibraryTest, WhatWasImportedIsThereAfterARestart) {
  ReadOptions options;
  options.defaults.topic = "c2";
  options.defaults.source = "a\tfeed";
  {
    Library library(platform::posix_files(), dir());
    ASSERT_TRUE(library.load().ok());
    const auto report = library.import("feed", "evil.example\nevil.example\n192.0.2.1\n", options);
    ASSERT_TRUE(report.ok());
    EXPECT_EQ(report->read, 2u);
    EXPECT_EQ(report->duplicates, 1u);
  }
  Library library(platform::posix_files(), dir());
  ASSERT_TRUE(library.load().ok());
  ASSERT_EQ(library.lists().size(), 1u);
  EXPECT_EQ(library.lists()[0].indicators, 2u);
  EXPECT_EQ(library.lists()[0].source, "a feed");
  EXPECT_EQ(library.matcher(nullptr, {})->domain("evil.example")->topic, "c2");
  ASSERT_TRUE(library.import("feed", "other.example\n", options).ok());  // replaces
  EXPECT_EQ(library.lists()[0].indicators, 1u);
  ASSERT_TRUE(library.remove("feed").ok());
  EXPECT_EQ(library.remove("feed").error().code, Errc::kNotFound);
  EXPECT_TRUE(library.lists().empty());
}

TEST_F(LibraryTest, AnAlteredFileIsNamedAndTheOthersLoad) {
  Library library(platform::posix_files(), dir());
  ASSERT_TRUE(library.import("good", "evil.example\n", {}).ok());
  ASSERT_TRUE(library.import("torn", "bad.example\n", {}).ok());
  const std::string path = platform::join(dir(), "torn.indicators");
  std::string content = *platform::read_file(platform::posix_files(), path);
  for (const std::size_t cut : {content.size() - 1, content.size() / 2, std::size_t{3}, std::size_t{0}}) {
    ASSERT_TRUE(platform::replace_file(platform::posix_files(), path, content.substr(0, cut)).ok());
    ASSERT_TRUE(library.load().ok());
    EXPECT_EQ(library.lists().size(), 1u);
    ASSERT_EQ(library.faults().size(), 1u);
    EXPECT_EQ(library.faults()[0].code, Errc::kCorrupt);
    EXPECT_NE(library.faults()[0].where.find("torn.indicators"), std::string::npos);
  }
}

TEST_F(LibraryTest, AFailedWriteLeavesTheOldList) {
  platform::FaultFiles files(platform::posix_files());
  Library library(files, dir());
  ASSERT_TRUE(library.import("feed", "old.example\n", {}).ok());
  for (const platform::FileOp op : {platform::FileOp::kAppend, platform::FileOp::kSync, platform::FileOp::kRename}) {
    files.fail_at(op, files.count(op) + 1);
    EXPECT_FALSE(library.import("feed", "new.example\n", {}).ok());
    EXPECT_NE(library.matcher(nullptr, {})->domain("old.example"), nullptr);
    Library again(platform::posix_files(), dir());
    ASSERT_TRUE(again.load().ok());
    EXPECT_TRUE(again.faults().empty());
    EXPECT_NE(again.matcher(nullptr, {})->domain("old.example"), nullptr);
    files.heal();
  }
}

TEST_F(LibraryTest, NamesCannotLeaveTheDirectory) {
  Library library(platform::posix_files(), dir());
  for (const char* name : {"", "../x", "a/b", "A", "with space"})
    EXPECT_EQ(library.import(name, "evil.example\n", {}).error().code, Errc::kUsage) << name;
}

// Other people's lists, when they are at hand.
TEST_F(LibraryTest, RealLists) {
  const char* data = std::getenv("PANDUN_TEST_DATA");
  if (data == nullptr) GTEST_SKIP() << "PANDUN_TEST_DATA is not set: real indicator lists are not read";
  const std::string intel = std::string(data) + "/netsec/intel/";
  const auto text = [&](const std::string& file) {
    return *platform::read_file(platform::posix_files(), intel + file);
  };
  if (!platform::posix_files().info(intel + "ipsum/ipsum.txt").ok())
    GTEST_SKIP() << intel << " holds no ipsum/ipsum.txt";
  Library library(platform::posix_files(), dir());
  struct Want {
    std::string name, file;
    std::uint64_t least, faults_most;
  };
  for (const Want& want : {Want{"ipsum", "ipsum/ipsum.txt", 100'000, 0}, Want{"c2", "c2_tracker/data/all.txt", 500, 0},
                           Want{"openphish", "phish_openphish/feed.txt", 290, 3},
                           Want{"stalkerware", "mobile_stalkerware/generated/network.csv", 300, 5},
                           Want{"stalkerware_hosts", "mobile_stalkerware/generated/hosts", 300, 5},
                           Want{"stalkerware_samples", "mobile_stalkerware/samples.csv", 1000, 60}}) {
    const auto report = library.import(want.name, text(want.file), {});
    ASSERT_TRUE(report.ok());
    EXPECT_GE(report->read, want.least) << want.name;
    EXPECT_LE(report->faulty(), want.faults_most)
        << want.name << ": " << (report->faults.empty() ? "" : report->faults[0].detail);
    std::printf("%s: %lu read, %lu duplicates, %lu faults\n", want.name.c_str(), report->read, report->duplicates,
                report->faulty());
  }
  WarningLists warnings;
  const std::string lists = intel + "misp_warninglists/lists";
  const std::vector<std::string> warning_names = *platform::posix_files().list(lists);
  for (const std::string& name : warning_names) {
    const auto added =
        warnings.add_misp(*platform::read_file(platform::posix_files(), lists + "/" + name + "/list.json"), name);
    EXPECT_TRUE(added.ok() || added.error().code == Errc::kUnsupported) << added.error().text();
  }
  const auto plain = library.matcher(nullptr, {}), warned = library.matcher(&warnings, {});
  std::printf("live %lu, suppressed %lu, bytes %zu (%.1f each)\n", plain->counts().live, warned->counts().suppressed,
              plain->bytes(), static_cast<double>(plain->bytes()) / static_cast<double>(plain->counts().live));
  EXPECT_GT(warned->counts().suppressed, 0u);
  std::uint64_t false_hits = 0, warned_hits = 0, names = 0;
  for (const char* file : {"opendns_toplists/opendns-top-domains.txt", "opendns_toplists/opendns-random-domains.txt"}) {
    read_list(text(file), {}, [&](Indicator&& one) {
      ++names;
      if (plain->domain(one.value) != nullptr) ++false_hits;
      if (warned->domain(one.value) != nullptr) ++warned_hits;
      return true;
    });
  }
  std::printf("benign names %lu: %lu hits, %lu after warning lists\n", names, false_hits, warned_hits);
  EXPECT_LE(warned_hits, names / 2000);  // < 0.05 %
}

}  // namespace
}  // namespace pandun::intel
