#include "casework/check_lists.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>

#include "casework/testing/ring.h"

namespace pandun::casework {
namespace {

using namespace testing;

struct Lists : RingDesk {
  Lists() : RingDesk(4) { rows = members(ordered()); }
  CheckImport import(const std::string& text) {
    std::ofstream(directory.file("in.csv")) << text;
    auto rejects = must(platform::posix_files().create(directory.file("rejects.csv")));
    return must(import_checks(platform::posix_files(), *desk, analyst, directory.file("in.csv"), rejects.get()));
  }
  std::string rejects() const {
    std::ifstream in(directory.file("rejects.csv"));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<MeasureView> rows;
};

TEST(CheckLists, TakesResultsByTokenAndSaysWhatItCouldNotUse) {
  Lists t;
  const auto token = [&](std::size_t i) { return t.rows[i].entity.token; };
  const CheckImport report = t.import(
      "\xEF\xBB\xBFtoken,result\r\n" + token(0) + ",passed\r\n" + token(1) + ",failed\n\n" + token(2) + ",no_answer\n" +
      token(3) + ",perhaps\n+8613700000004,passed\nn26-ffffffffffffffffffffffffffffffff,passed\nnothing\n" +
      std::string(5000, 'a') + ",passed\n" + token(0) + ",passed");
  EXPECT_EQ(report.passed, 1U);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.no_answer, 1U);
  EXPECT_EQ(report.rejected, 6U);
  EXPECT_EQ(report.lines, 11U);
  EXPECT_EQ(t.state_of(t.rows[0].id), "lifted");
  EXPECT_NE(t.rejects().find("6,\"the result is passed, failed or no_answer\",\"" + token(3)), std::string::npos);
  EXPECT_EQ(t.rejects().find("1370000"), std::string::npos);  // a number in the clear is not repeated
  EXPECT_NE(t.rejects().find("10,\"the line is too long\""), std::string::npos);
}

TEST(CheckLists, RepeatsNoNumberInTheClearHoweverItIsWritten) {
  Lists t;
  const CheckImport report =
      t.import("13800138000\n13800138000,passed\n138-0013-8000,failed\n" + t.rows[0].entity.token + "\n");
  EXPECT_EQ(report.rejected, 4U);
  EXPECT_EQ(t.rejects().find("138"), std::string::npos) << t.rejects();
  EXPECT_NE(t.rejects().find("4,\"token,result is needed\",\"" + t.rows[0].entity.token), std::string::npos);
}

TEST(CheckLists, LongListsNeedNoMemoryOfTheirOwn) {
  Lists t;
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += fmt::format("n26-{:032x},passed\n", i);
  text += t.rows[4].entity.token + ",passed\n";
  const CheckImport report = t.import(text);
  EXPECT_EQ(report.lines, 20'001U);
  EXPECT_EQ(report.rejected, 20'000U);
  EXPECT_EQ(report.passed, 1U);
}

TEST(CheckLists, OnlyWhoMayTriageImports) {
  Lists t;
  std::ofstream(t.directory.file("in.csv")) << "x\n";
  EXPECT_EQ(import_checks(platform::posix_files(), *t.desk, t.viewer, t.directory.file("in.csv"), nullptr).error().code,
            Errc::kNotAllowed);
}

TEST(CheckLists, ExportHoldsTokensAndNoNumber) {
  Lists t;
  auto out = must(platform::posix_files().create(t.directory.file("out.csv")));
  EXPECT_EQ(must(export_measures(*t.store, {"reverify", "ordered"}, *out)), 5U);
  EXPECT_EQ(must(export_measures(*t.store, {"block", ""}, *out)), 0U);
  std::ifstream in(t.directory.file("out.csv"));
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  for (const MeasureView& row : t.rows) EXPECT_NE(text.find(row.entity.token + "," + row.id), std::string::npos);
  EXPECT_EQ(text.find("1370000"), std::string::npos);
  EXPECT_EQ(text.find("****"), std::string::npos);
}

}  // namespace
}  // namespace pandun::casework
