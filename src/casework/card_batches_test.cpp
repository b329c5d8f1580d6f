#include "casework/card_batches.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <set>

#include "base/hash.h"
#include "casework/check_lists.h"
#include "casework/testing/desk.h"
#include "platform/process.h"

namespace pandun::casework {
namespace {

using namespace testing;

constexpr std::chrono::milliseconds kAll{3'600'000};

struct CardHouse : Desk {
  explicit CardHouse(store::SqliteOptions options = {}) : Desk(std::move(options)) {
    reopen();
    opened = open(ingest(call_signal(1)));
    must(act(analyst, opened, "confirm", {{"finding", "x"}}));
  }
  void reopen() {
    cards = std::make_unique<CardDesk>(
        DeskParts{*store, *audit, *vault, clock, shipped_content(), detectors, identities, lines, &groups});
  }
  static std::string token(int i) { return fmt::format("n26-{:032x}", i); }
  std::string own(std::uint64_t number) const { return tokens.number(model::NumberKey::e164(number), 2026); }
  Result<CardBatchView> load(const std::string& text, const CardHooks& hooks = {}) {
    const std::string path = directory.file("cards.csv");
    std::ofstream(path) << text;
    const auto list = must(platform::posix_files().open_read(path));
    return cards->load(analyst, opened.summary.id, "cards.csv", *list, hooks);
  }
  MeasureTerms terms(const std::string& kind) const {
    return {kind,
            "fraud",
            "afl-11",
            "全部功能",
            "断卡行动高风险卡",
            kind == "reverify" ? "" : "已多次提醒",
            rfc3339(clock.wall().ms + 20LL * 86'400'000),
            "请持身份证件到营业厅重新核验",
            "10000"};
  }
  std::uint64_t exported(const std::string& batch, const std::string& state) {
    auto out = must(platform::posix_files().create(directory.file("out.csv")));
    return must(export_measures(*store, {"", state, batch}, *out));
  }

  CaseView opened;
  std::unique_ptr<CardDesk> cards;
};

TEST(CardBatches, AListBecomesAMeasureForEachNumberOnceAnotherPersonApproved) {
  CardHouse house;
  std::string text = "token\n";
  for (int i = 0; i < 25'000; ++i) text += CardHouse::token(i) + "\n";
  text += CardHouse::token(7) + "\n13800138000\n";
  std::vector<std::int64_t> faults;
  CardHooks hooks;
  hooks.fault = [&](std::int64_t line, std::string_view why) {
    EXPECT_EQ(why.find("138"), std::string_view::npos);
    faults.push_back(line);
    return Result<>();
  };
  const CardBatchView loaded = must(house.load(text, hooks));
  EXPECT_EQ(loaded.row.state, "loaded");
  EXPECT_EQ(loaded.row.members, 25'000);
  EXPECT_EQ(loaded.row.duplicate, 1);
  EXPECT_EQ(faults, std::vector<std::int64_t>{25'003});
  EXPECT_EQ(must(house.load(text)).row.id, loaded.row.id);  // the same list again is the same batch

  const std::string id = loaded.row.id;
  EXPECT_EQ(must(house.cards->propose(house.both, id, house.terms("reverify"))).row.state, "proposed");
  EXPECT_EQ(house.cards->approve(house.both, id).error().where, "second_person");
  EXPECT_EQ(house.cards->approve(house.analyst, id).error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(house.cards->work(kAll)).made, 0);  // nothing before the second person
  EXPECT_EQ(must(house.cards->approve(house.approver, id)).row.state, "approved");

  // Begun anew, it makes each measure once.
  std::int64_t made = 0;
  for (int i = 0; i < 3; ++i) {
    house.reopen();
    made += must(house.cards->work(std::chrono::milliseconds(0))).made;
  }
  const CardBatchView done = must(house.cards->batch(house.viewer, id));
  EXPECT_EQ(done.row.state, "done");
  EXPECT_EQ(done.row.created, 25'000);
  EXPECT_EQ(made, 25'000);
  EXPECT_EQ(done.counts, (std::vector<std::pair<std::string, std::int64_t>>{{"approved", 25'000}}));
  EXPECT_EQ(house.exported(id, "approved"), 25'000U);
  EXPECT_TRUE(must(house.desk->active_measures()).empty());  // they act at the carriers
  EXPECT_TRUE(must(house.desk->case_view(house.viewer, house.opened.summary.id)).measures.empty());
  EXPECT_TRUE(must(house.audit->verify()).ok);
}

TEST(CardBatches, EachOfThemIsCheckedAppealedAndEndsLikeAnyMeasure) {
  CardHouse house;
  const CardBatchView loaded = must(house.load(CardHouse::token(1) + "\n" + CardHouse::token(2) + "\n" +
                                               CardHouse::token(3) + "\n" + CardHouse::token(4) + "\n"));
  const std::string id = loaded.row.id;
  must(house.cards->propose(house.analyst, id, house.terms("reverify")));
  must(house.cards->approve(house.approver, id));
  must(house.cards->work(kAll));
  const CheckResult results[] = {{"", CardHouse::token(1), "passed"}, {"", CardHouse::token(2), "failed"}};
  const CheckReport report = must(house.desk->record_checks(house.analyst, results));
  EXPECT_EQ(report.passed, 1U);
  EXPECT_EQ(report.failed, 1U);
  NewAppeal appeal;
  appeal.token = CardHouse::token(3);
  appeal.claim = "本人使用";
  appeal.channel = "10000";
  const AppealView open = must(house.desk->record_appeal(house.analyst, appeal));
  EXPECT_EQ(must(house.desk->measure(house.viewer, open.measure_id)).measure.reason, "断卡行动高风险卡");
  must(house.desk->decide_appeal(house.approver2, open.id, {"upheld", "核实为本人", "误列入批次，已移出", ""}));
  house.clock.advance(std::chrono::hours(24 * 16));  // no result within its time: silence is no guilt
  must(house.cards->work(kAll));
  const auto counts = must(house.cards->batch(house.viewer, id)).counts;
  EXPECT_EQ(counts, (std::vector<std::pair<std::string, std::int64_t>>{{"approved", 1}, {"lapsed", 1}, {"lifted", 2}}));
}

TEST(CardBatches, ProtectedNumbersAreSetAsideAndTheUnknownAreOnlyAsked) {
  CardHouse house;
  house.groups.protect = "+8613800138000";  // sealed here, so that we know it ourselves
  const CardBatchView loaded =
      must(house.load(fmt::format("token,protected_group\n{}\n{},courier\n{},none\n{}\n", house.own(kCaller),
                                  CardHouse::token(1), CardHouse::token(2), CardHouse::token(3))));
  EXPECT_EQ(loaded.row.set_aside, 2);
  EXPECT_EQ(loaded.row.members, 2);
  EXPECT_EQ(loaded.groups,
            (std::vector<std::pair<std::string, std::int64_t>>{{"courier", 1}, {"hospital", 1}, {"unknown", 1}}));
  const auto refused = house.cards->propose(house.analyst, loaded.row.id, house.terms("limit"));
  EXPECT_EQ(refused.error().code, Errc::kNotAllowed);
  EXPECT_EQ(refused.error().where, "protected_group");
  EXPECT_TRUE(house.cards->propose(house.analyst, loaded.row.id, house.terms("reverify")).ok());
}

TEST(CardBatches, SuspendingAListIsASeniorApprovers) {
  CardHouse house;
  const CardBatchView loaded = must(house.load(CardHouse::token(1) + ",none\n"));
  must(house.cards->propose(house.analyst, loaded.row.id, house.terms("suspend")));
  EXPECT_EQ(house.cards->approve(house.approver, loaded.row.id).error().where, "approver");
  const CardBatchView seen = must(house.cards->batch(house.approver, loaded.row.id));
  EXPECT_FALSE(seen.may_approve);
  EXPECT_TRUE(seen.may_refuse);  // a plain approver cannot take it on, but can end it
  EXPECT_FALSE(must(house.cards->batch(house.analyst, loaded.row.id)).may_refuse);
  const guard::Actor senior = person("gao.yuan", {guard::Role::kSenior});
  EXPECT_EQ(must(house.cards->approve(senior, loaded.row.id)).row.state, "approved");
}

TEST(CardBatches, WhatIsNotApprovedInTimeLapsesAndIsForgotten) {
  CardHouse house;
  const CardBatchView loaded = must(house.load(CardHouse::token(1) + "\n"));
  must(house.cards->propose(house.analyst, loaded.row.id, house.terms("reverify")));
  house.clock.advance(std::chrono::hours(25));
  EXPECT_EQ(house.cards->approve(house.approver, loaded.row.id).error().code, Errc::kConflict);
  must(house.cards->work(kAll));
  EXPECT_EQ(must(house.cards->batch(house.viewer, loaded.row.id)).row.state, "lapsed");
  EXPECT_NE(must(house.load(CardHouse::token(1) + "\n")).row.id, loaded.row.id);
}

TEST(CardBatches, AMeasureStandsInItsListUntilSomethingHappensToIt) {
  CardHouse house;
  std::string text;
  for (int i = 1; i <= 450; ++i) text += CardHouse::token(i * 2) + "\n";
  const std::string id = must(house.load(text)).row.id;
  must(house.cards->propose(house.analyst, id, house.terms("reverify")));
  must(house.cards->approve(house.approver, id));
  const std::string third = "M-" + id.substr(2) + "-0000203";
  EXPECT_EQ(house.desk->measure(house.viewer, third).error().code, Errc::kNotFound);  // approved, not made yet
  must(house.cards->work(kAll));
  const auto rows = [&] {
    std::int64_t last = 0;
    must(house.store->read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(last, view.measures().last_row());
      return {};
    }));
    return last;
  };
  EXPECT_EQ(rows(), 0);
  const MeasureStory story = must(house.desk->measure(house.viewer, third));
  EXPECT_EQ(story.measure.entity.token, CardHouse::token(406));
  EXPECT_EQ(story.measure.state, "approved");
  EXPECT_EQ(story.measure.notice, "请持身份证件到营业厅重新核验");
  for (const std::string wrong : {"0000000", "0000451", "203", "00000203", "-1", "x"})
    EXPECT_EQ(house.desk->measure(house.viewer, "M-" + id.substr(2) + "-" + wrong).error().code, Errc::kNotFound);
  NewAppeal appeal;
  appeal.token = CardHouse::token(407);  // between two of the list
  appeal.claim = "本人使用";
  EXPECT_EQ(house.desk->record_appeal(house.analyst, appeal).error().code, Errc::kNotFound);
  appeal.token = CardHouse::token(406);
  EXPECT_EQ(must(house.desk->record_appeal(house.analyst, appeal)).measure_id, third);
  EXPECT_EQ(rows(), 1);
  EXPECT_EQ(must(house.desk->measure(house.viewer, third)).measure.state, "appealed");
  EXPECT_EQ(must(house.cards->batch(house.viewer, id)).counts,
            (std::vector<std::pair<std::string, std::int64_t>>{{"appealed", 1}, {"approved", 449}}));
  EXPECT_EQ(house.exported(id, ""), 450U);
  EXPECT_EQ(house.exported(id, "appealed"), 1U);
  EXPECT_EQ(house.exported(id, "approved"), 449U);
  // Whoever walks over every measure meets each once.
  std::set<std::string> met;
  std::int64_t after = 0;
  for (std::size_t got = 7; got == 7;) {
    must(house.store->read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(const auto some, view.measures().walk(after, 7));
      got = some.size();
      for (const store::MeasureRow& row : some) {
        EXPECT_GT(row.seq, after);
        after = row.seq;
        EXPECT_TRUE(met.insert(row.id).second) << row.id;
      }
      return {};
    }));
  }
  EXPECT_EQ(met.size(), 450U);
}

TEST(CardBatches, ANumberStandsInItsListOnceAndIsSetAsideWhenAnyLineSaysSo) {
  CardHouse house;
  std::string text;
  for (int i = 0; i < 3; ++i)
    text += CardHouse::token(1) + "\n" + CardHouse::token(2) + (i == 1 ? ",courier\n" : ",none\n");
  const CardBatchView loaded = must(house.load(text));
  EXPECT_EQ(loaded.row.members, 1);
  EXPECT_EQ(loaded.row.set_aside, 1);
  EXPECT_EQ(loaded.row.duplicate, 4);
  EXPECT_EQ(loaded.groups, (std::vector<std::pair<std::string, std::int64_t>>{{"courier", 1}, {"unknown", 1}}));
}

// Numbers in the clear, however written and in whichever column, are no part of a list: not in the store, the audit or a fault.
TEST(CardBatches, ANumberInTheClearIsNoTokenAndNoGroup) {
  CardHouse house;
  CardHooks hooks;
  std::string why;
  hooks.fault = [&](std::int64_t line, std::string_view text) {
    why += fmt::format("{} {}\n", line, text);
    return Result<>();
  };
  const std::string wrong[] = {"138-0013-8000",
                               "86-13800138000,none",
                               "a-13800138000",
                               "n26-13800138000",
                               "N26-" + std::string(32, '0'),
                               CardHouse::token(2) + "0",
                               CardHouse::token(2) + ",13800138000",
                               CardHouse::token(2) + ",138 0013 8000",
                               CardHouse::token(2) + ",\xff\xfe",
                               CardHouse::token(2) + ",a\x01"};
  std::string text = CardHouse::token(1) + ",医院\n";
  for (const std::string& line : wrong) text += line + "\n";
  const CardBatchView loaded = must(house.load(text, hooks));
  EXPECT_EQ(loaded.row.faulty, static_cast<std::int64_t>(std::size(wrong))) << why;
  EXPECT_EQ(loaded.row.members, 0);
  EXPECT_EQ(loaded.groups, (std::vector<std::pair<std::string, std::int64_t>>{{"医院", 1}}));
  EXPECT_EQ(why.find("138"), std::string::npos);
}

TEST(CardBatches, ListsOfManyGroupsAreCountedInAFew) {
  CardHouse house;
  std::string text;
  const auto letters = [](int i) {
    return std::string{static_cast<char>('a' + i / 26), static_cast<char>('a' + i % 26)};
  };
  for (int i = 0; i < 500; ++i) text += CardHouse::token(i) + ",g" + letters(i) + "\n";
  text += CardHouse::token(500) + "\n";
  const CardBatchView loaded = must(house.load(text));
  EXPECT_EQ(loaded.row.set_aside, 500);
  EXPECT_EQ(loaded.groups.size(), 202U);  // with "other", and who is in none that anybody knows
  std::int64_t counted = 0, other = 0, unknown = 0;
  for (const auto& [name, n] : loaded.groups) {
    counted += n;
    other += name == "other" ? n : 0;
    unknown += name == "unknown" ? n : 0;
  }
  EXPECT_EQ(counted, 501);
  EXPECT_EQ(other, 300);
  EXPECT_EQ(unknown, 1);
}

TEST(CardBatches, AnInterruptedLoadingGoesOn) {
  CardHouse house;
  std::string text;
  for (int i = 0; i < 120'000; ++i)
    text += i == 110'000 ? "bad\n" : CardHouse::token(i % 2 == 0 ? i : 120'000 - i) + "\n";
  CardHooks hooks;
  hooks.fault = [](std::int64_t, std::string_view) -> Result<> { return error(Errc::kIo, "rejects", "disk full"); };
  EXPECT_FALSE(house.load(text, hooks).ok());
  house.reopen();
  std::int64_t first = 0;
  hooks.fault = {};
  hooks.progress = [&](std::int64_t lines, std::uint64_t, std::uint64_t) { first = first == 0 ? lines : first; };
  const CardBatchView loaded = must(house.load(text + CardHouse::token(1) + "\n" + CardHouse::token(3) + "\n", hooks));
  EXPECT_EQ(first, 50'000);  // another list: from its beginning
  first = 0;
  EXPECT_EQ(must(house.load(text, hooks)).row.lines, 120'000);
  EXPECT_EQ(first, 0);  // what was read of it was not read again
  EXPECT_EQ(loaded.row.lines, 120'002);
  EXPECT_EQ(loaded.row.members, 119'999);
  EXPECT_EQ(loaded.row.duplicate, 2);
  EXPECT_EQ(loaded.row.faulty, 1);
}

TEST(CardBatches, AHeaderIsNoNumberOfAListAsLongAsItMayBe) {
  CardHouse house;
  CardHooks hooks;
  hooks.lines_max = 3;
  std::string text = "token\n";
  for (int i = 0; i < 3; ++i) text += CardHouse::token(i) + "\n";
  EXPECT_EQ(must(house.load(text, hooks)).row.members, 3);
  text += CardHouse::token(3) + "\n";
  EXPECT_EQ(house.load(text, hooks).error().code, Errc::kTooLarge);
  const auto rows = must(house.cards->batches(house.viewer, "", {}));
  EXPECT_EQ(rows.items.front().row.state, "refused");  // and nothing waits for the rest of it
}

// Whichever write fails, the next loading makes the list whole: nothing twice, nothing lost.
TEST(CardBatches, ALoadingThatFailsAnywhereIsMadeWhole) {
  std::string text;
  for (int i = 0; i < 52'000; ++i) text += CardHouse::token(i * 7919 % 50'000) + (i % 1000 == 0 ? ",courier\n" : "\n");
  for (const std::uint64_t at : {20U, 110U, 180U, 630U}) {
    std::uint64_t fail = 0, asked = 0;
    store::SqliteOptions options;
    options.fault = [&](std::uint64_t) { return ++asked == fail; };
    CardHouse house(std::move(options));
    asked = 0;
    fail = at;
    const auto broken = house.load(text);
    fail = 0;
    EXPECT_FALSE(broken.ok()) << "statement " << at << " of " << asked;
    house.reopen();
    const CardBatchView loaded = must(house.load(text));
    EXPECT_EQ(loaded.row.lines, 52'000);
    EXPECT_EQ(loaded.row.set_aside, 50);
    EXPECT_EQ(loaded.row.members, 49'950);
    EXPECT_EQ(loaded.row.duplicate, 2'000);
    std::string before;
    std::int64_t place = 0;
    must(house.store->read([&](const store::View& view) -> Result<> {
      std::int64_t last = 0;
      do {
        TRY_ASSIGN(last, view.card_batches().members(loaded.row, place, 3, [&](const store::CardMember& member) {
          EXPECT_EQ(member.place, ++place);
          EXPECT_LT(before, member.token);
          before = member.token;
        }));
      } while (last > 0);
      return {};
    }));
    EXPECT_EQ(place, 49'950);
  }
}

// PANDUN_LARGE=5000000: that many, with the time each part takes and what memory it needs.
TEST(CardBatches, FiveMillion) {
  const char* large = std::getenv("PANDUN_LARGE");  // NOLINT(concurrency-mt-unsafe)
  if (large == nullptr) GTEST_SKIP() << "PANDUN_LARGE=5000000 runs it: a minute and about 1 GB of disk";
  const int many = std::atoi(large);
  ASSERT_GE(many, 1);
  CardHouse house;
  const std::string path = house.directory.file("five.csv");
  {
    std::ofstream out(path);
    for (int i = 0; i < many; ++i) out << fmt::format("n26-{:016x}{:016x}\n", mix64(static_cast<std::uint64_t>(i)), i);
  }
  const auto& clock = platform::system_clock();
  const auto start = clock.steady();
  const auto seconds = [&](std::chrono::nanoseconds from) {
    return std::chrono::duration<double>(clock.steady() - from).count();
  };
  const auto list = must(platform::posix_files().open_read(path));
  const CardBatchView loaded = must(house.cards->load(house.analyst, house.opened.summary.id, "five", *list));
  EXPECT_EQ(loaded.row.members, many);
  fmt::print("loaded      {:>8.1f} s\n", seconds(start));
  must(house.cards->propose(house.analyst, loaded.row.id, house.terms("reverify")));
  must(house.cards->approve(house.approver, loaded.row.id));
  const auto making = clock.steady();
  std::int64_t made = 0;
  while (must(house.cards->batch(house.viewer, loaded.row.id)).row.state != "done")
    made += must(house.cards->work(kAll)).made;
  EXPECT_EQ(made, many);
  fmt::print("made        {:>8.1f} s\n", seconds(making));
  const auto writing = clock.steady();
  EXPECT_EQ(house.exported(loaded.row.id, "approved"), static_cast<std::uint64_t>(many));
  fmt::print("exported    {:>8.1f} s\nmemory peak {:>8.1f} MB\nstore       {:>8.1f} MB\n", seconds(writing),
             static_cast<double>(platform::peak_rss_bytes()) / 1e6,
             static_cast<double>(house.store->status().bytes) / 1e6);
}

}  // namespace
}  // namespace pandun::casework
