// What must survive: decisions written down, subscribers' choices, compiled lists.
#include <gtest/gtest.h>

#include <algorithm>

#include "decide/decider.h"
#include "decide/number_list.h"
#include "decide/record_book.h"
#include "decide/subscriber_book.h"
#include "platform/fault_files.h"
#include "platform/random.h"

namespace pandun::decide {
namespace {

using model::NumberKey;

constexpr std::int64_t kDay = 86'400'000;
constexpr WallMs kNow{1'790'000'000'000};  // 2026-09-21T14:13:20Z
const NumberKey kCaller = NumberKey::e164(8613800138000), kCallee = NumberKey::e164(8613900139000);

class Names final : public Pseudonyms {
 public:
  Shown show(NumberKey number, WallMs) override {
    if (!number.known()) return {};
    token_ = "token-" + std::to_string(number.bits() % 1000);
    return {token_, "mask"};
  }

 private:
  std::string token_;
};

class Reader final : public NumberReader {
 public:
  NumberKey read(std::string_view text) const override {
    if (text.empty() || text.find_first_not_of("0123456789+") != std::string_view::npos)
      return NumberKey::invalid(text);
    std::uint64_t digits = 0;
    for (const char c : text.substr(text.front() == '+' ? 1 : 0)) digits = digits * 10 + static_cast<unsigned>(c - '0');
    return NumberKey::e164(digits);
  }
};

class Books : public ::testing::Test {
 protected:
  Books() { EXPECT_TRUE(files_.make_directories(directory_).ok()); }
  std::string path(const std::string& name) const { return platform::join(directory_, name); }
  std::string bytes_of(const std::string& name) {
    auto read = platform::read_file(files_, path(name));
    return read.ok() ? *read : std::string();
  }
  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(platform::replace_file(files_, path(name), text).ok());
  }
  DecisionRecord record(std::uint64_t low, std::int64_t ms = kNow.ms) {
    DecisionRecord out;
    out.id = static_cast<std::uint64_t>(ms / 1000) << 32 | low;
    out.at = WallMs{ms};
    out.from = kCaller;
    out.to = kCallee;
    out.verdict = Verdict::kReject;
    out.reason = Reason::kMeasureInForce;
    out.measure = "M-20260921-1";
    out.trunk = "intl-1";
    out.rates = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    out.snapshot = 12;
    out.score = 50;
    return out;
  }

  const std::string directory_ = ::testing::TempDir() + "pandun_books_" + platform::random_hex(6);
  platform::FaultFiles files_{platform::posix_files()};
  const platform::SealKey key_{{1, 2, 3}};
  Names names_;
  Reader reader_;
};

TEST_F(Books, ADecisionIsExplainedAfterARestartAndTheFileShowsNoNumber) {
  std::vector<DecisionRecord> records;
  for (std::uint64_t i = 0; i < 5000; ++i) records.push_back(record(i, kNow.ms + static_cast<std::int64_t>(i)));
  {
    RecordBook book(files_, directory_, key_, names_);
    ASSERT_TRUE(book.append(records).ok());
    ASSERT_TRUE(book.append({records.data(), 1}).ok());
  }
  RecordBook book(files_, directory_, key_, names_);
  const auto found = book.find(records[4711].id);
  ASSERT_TRUE(found.ok()) << found.error().text();
  EXPECT_EQ(found->id, decision_id(records[4711].id).str());
  EXPECT_EQ(found->at, records[4711].at);
  EXPECT_EQ(found->verdict, Verdict::kReject);
  EXPECT_EQ(found->reason, Reason::kMeasureInForce);
  EXPECT_EQ(found->measure, "M-20260921-1");
  EXPECT_EQ(found->trunk, "intl-1");
  EXPECT_EQ(found->from.token, "token-" + std::to_string(kCaller.bits() % 1000));
  EXPECT_EQ(found->rates, (std::vector<std::uint32_t>{1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(found->snapshot, 12U);
  EXPECT_EQ(book.find(records[0].id ^ (1ULL << 40)).error().code, Errc::kNotFound);
  const std::string bytes = bytes_of("2026-09-21.pdr");
  EXPECT_GT(bytes.size(), 100'000U);
  for (const char* clear : {"13800138000", "M-20260921-1", "token-", "mask"})
    EXPECT_EQ(bytes.find(clear), std::string::npos) << clear;
}

TEST_F(Books, ATornRecordIsCutAndADamagedFileLeftAlone) {
  {
    RecordBook book(files_, directory_, key_, names_);
    ASSERT_TRUE(book.append(std::vector{record(1)}).ok());
    ASSERT_TRUE(book.append(std::vector{record(2)}).ok());
  }
  std::string bytes = bytes_of("2026-09-21.pdr");
  write("2026-09-21.pdr", bytes.substr(0, bytes.size() - 7));
  {
    RecordBook book(files_, directory_, key_, names_);
    ASSERT_TRUE(book.append(std::vector{record(3)}).ok());
    EXPECT_TRUE(book.find(record(1).id).ok());
    EXPECT_EQ(book.find(record(2).id).error().code, Errc::kNotFound);
    EXPECT_TRUE(book.find(record(3).id).ok());
  }
  bytes = bytes_of("2026-09-21.pdr");
  bytes[9] = static_cast<char>(bytes[9] ^ 1);  // the head of the first frame
  write("2026-09-21.pdr", bytes);
  RecordBook book(files_, directory_, key_, names_);
  ASSERT_TRUE(book.append(std::vector{record(4)}).ok());
  EXPECT_TRUE(book.find(record(4).id).ok()) << "the day goes on in a second file";
  EXPECT_EQ(book.find(record(3).id).error().code, Errc::kCorrupt);
  EXPECT_EQ(bytes_of("2026-09-21.pdr"), bytes);
}

TEST_F(Books, ARecordThatWasChangedIsNotBelieved) {
  RecordBook book(files_, directory_, key_, names_);
  ASSERT_TRUE(book.append(std::vector{record(1)}).ok());
  std::string bytes = bytes_of("2026-09-21.pdr");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write("2026-09-21.pdr", bytes);
  EXPECT_EQ(book.find(record(1).id).error().code, Errc::kCorrupt);
}

TEST_F(Books, WhatWasAddedIsWrittenByFlushAndDaysDoNotMix) {
  RecordBook book(files_, directory_, key_, names_);
  ASSERT_TRUE(book.add(record(1)).ok());
  EXPECT_EQ(book.written(), 0U);
  ASSERT_TRUE(book.add(record(2, kNow.ms + kDay)).ok()) << "another day: the frame before it is written";
  EXPECT_EQ(book.written(), 1U);
  ASSERT_TRUE(book.flush().ok());
  ASSERT_TRUE(book.flush().ok());
  EXPECT_EQ(book.written(), 2U);
  EXPECT_TRUE(book.find(record(1).id).ok());
  EXPECT_TRUE(book.find(record(2, kNow.ms + kDay).id).ok());
}

TEST_F(Books, AFullDiskLosesRecordsCountsThemAndGoesOn) {
  RecordBook book(files_, directory_, key_, names_);
  ASSERT_TRUE(book.append(std::vector{record(1)}).ok());
  files_.fail_at(platform::FileOp::kAppend, files_.count(platform::FileOp::kAppend) + 1);
  EXPECT_FALSE(book.append(std::vector{record(2), record(3)}).ok());
  EXPECT_EQ(book.lost(), 2U);
  ASSERT_TRUE(book.append(std::vector{record(4)}).ok());
  EXPECT_TRUE(book.find(record(1).id).ok());
  EXPECT_TRUE(book.find(record(4).id).ok());
}

TEST_F(Books, OldDaysGoByAgeAndBySize) {
  RecordBook book(files_, directory_, key_, names_);
  for (std::int64_t day = 10; day >= 0; --day)
    ASSERT_TRUE(book.append(std::vector{record(1, kNow.ms - day * kDay)}).ok());
  ASSERT_TRUE(book.retain(kNow, 5, 1U << 20).ok());
  EXPECT_EQ(files_.list(directory_).value().size(), 6U);
  ASSERT_TRUE(book.retain(kNow, 5, 1).ok());
  EXPECT_EQ(files_.list(directory_).value(), std::vector<std::string>{"2026-09-21.pdr"});
}

TEST_F(Books, ChoicesSurviveARestartAndAPowerCut) {
  for (std::uint64_t cut = 1; cut < 30; ++cut) {
    const std::string file = path("subscribers-" + std::to_string(cut));
    std::vector<NumberKey> acknowledged;
    files_.power_cut_at(files_.changes() + cut);
    if (auto book = SubscriberBook::open(files_, file, key_); book.ok()) {
      for (std::uint64_t i = 0; i < 10; ++i) {
        const NumberKey callee = NumberKey::e164(8613900000000 + i);
        if ((*book)->set_callees({{callee, kNoCallsFromAbroad, {kCaller}}}).ok()) acknowledged.push_back(callee);
      }
    }
    ASSERT_TRUE(files_.power_cut_keeping(cut).ok());
    auto book = SubscriberBook::open(files_, file, key_);
    ASSERT_TRUE(book.ok()) << "cut " << cut << ": " << book.error().text();
    for (const NumberKey callee : acknowledged) {
      EXPECT_EQ((*book)->callee(callee).choices, kNoCallsFromAbroad) << "cut " << cut;
      EXPECT_EQ((*book)->callee(callee).blocked, std::vector{kCaller});
    }
  }
}

TEST_F(Books, ChoicesAndLabelsCanBeTakenBackAndTheFileIsRewritten) {
  auto book = SubscriberBook::open(files_, path("s"), key_);
  ASSERT_TRUE(book.ok());
  std::vector<CalleeSettings> many;
  for (std::uint64_t i = 0; i < 3000; ++i) many.push_back({NumberKey::e164(8613900000000 + i), kNoCallsFromAbroad, {}});
  std::uint64_t largest = 0;
  for (int round = 0; round < 5; ++round) {
    ASSERT_TRUE((*book)->set_callees(many).ok());
    largest = std::max<std::uint64_t>(largest, bytes_of("s").size());
  }
  EXPECT_LT(bytes_of("s").size(), largest);
  ASSERT_TRUE((*book)->set_labels({{kCaller, Label::kCourier}, {kCallee, Label::kTaxi}}).ok());
  ASSERT_TRUE((*book)->set_labels({{kCallee, Label::kNone}}).ok());
  for (CalleeSettings& one : many) one.choices = 0;
  many.pop_back();
  ASSERT_TRUE((*book)->set_callees(many).ok());
  const auto again = SubscriberBook::open(files_, path("s"), key_);
  ASSERT_TRUE(again.ok()) << again.error().text();
  EXPECT_EQ((*again)->totals().callees, 1U);
  EXPECT_EQ((*again)->label(kCaller), Label::kCourier);
  EXPECT_EQ((*again)->label(kCallee), Label::kNone);
  SnapshotInput input;
  (*again)->fill(input);
  EXPECT_EQ(input.callee_choices.size(), 1U);
  EXPECT_EQ((*book)->set_callees({{kCallee, 0, std::vector<NumberKey>(kBlockedMax + 1, kCaller)}}).error().code,
            Errc::kTooLarge);
}

ListManifest manifest(ListKind kind) {
  ListManifest out;
  out.name = "list";
  out.kind = kind;
  out.expires_at = WallMs{kNow.ms + kDay};
  return out;
}

TEST_F(Books, AListIsCompiledMappedAndKnowsItsNumbersOnly) {
  std::string csv = "number,expires\n";
  for (int i = 0; i < 20'000; ++i) csv += std::to_string(8613000000000 + i * 3) + ",\n";
  csv += "8615000000000,2026-09-21T14:13:21Z\nnonsense,\n8613000000000,\n8615000000001,soon\n";
  write("l.csv", csv);
  const auto compiled = compile_list(files_, path("l.csv"), path("l.list"), key_, reader_);
  ASSERT_TRUE(compiled.ok()) << compiled.error().text();
  EXPECT_EQ(compiled->entries, 20'001U);
  EXPECT_EQ(compiled->repeats, 1U);
  EXPECT_EQ(compiled->rejected, 2U);
  EXPECT_EQ(compiled->rejects[0].line, 20'003U);
  const auto list = NumberList::open(path("l.list"), manifest(ListKind::kReject), key_);
  ASSERT_TRUE(list.ok()) << list.error().text();
  for (std::uint64_t i = 0; i < 60'000; ++i) {
    const NumberList::Hit hit = (*list)->find(NumberKey::e164(8613000000000 + i), kNow);
    ASSERT_EQ(hit.found, i % 3 == 0) << i;
    ASSERT_EQ(hit.row, hit.found ? i / 3 + 2 : 0);
  }
  EXPECT_TRUE((*list)->find(NumberKey::e164(8615000000000), kNow).found);
  EXPECT_FALSE((*list)->find(NumberKey::e164(8615000000000), WallMs{kNow.ms + 2000}).found) << "its entry expired";
  EXPECT_FALSE((*list)->find(NumberKey::e164(8613000000000), WallMs{kNow.ms + kDay}).found) << "the list expired";
  EXPECT_FALSE((*list)->find(NumberKey(), kNow).found);
  const std::uint64_t clear = NumberKey::e164(8613000000000).bits();
  EXPECT_EQ(bytes_of("l.list").find({reinterpret_cast<const char*>(&clear), 8}), std::string::npos);
}

TEST_F(Books, AListFromElsewhereIsRefused) {
  write("l.csv", "8613000000000\n8613000000001\n");
  ASSERT_TRUE(compile_list(files_, path("l.csv"), path("l.list"), key_, reader_).ok());
  const auto code = [&](const platform::SealKey& key) {
    const auto list = NumberList::open(path("l.list"), manifest(ListKind::kWarn), key);
    return list.ok() ? Errc::kUsage : list.error().code;
  };
  EXPECT_EQ(code(key_), Errc::kUsage);
  EXPECT_EQ(code(platform::SealKey({9})), Errc::kCorrupt);
  const std::string good = bytes_of("l.list");
  for (std::size_t at = 0; at < good.size(); at += at < 64 ? 1 : 97) {
    if (at >= 48 && at < 64) continue;  // reserved
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 0x40);
    write("l.list", bad);
    EXPECT_NE(code(key_), Errc::kUsage) << at;
  }
  for (const std::size_t size : {std::size_t{0}, std::size_t{63}, good.size() - 1}) {
    write("l.list", good.substr(0, size));
    EXPECT_NE(code(key_), Errc::kUsage) << size;
  }
  write("l.csv", "a\nb\n");
  EXPECT_EQ(compile_list(files_, path("l.csv"), path("l.list"), key_, reader_).error().code, Errc::kBadInput);
}

TEST_F(Books, ListsDecideByTheirKind) {
  write("l.csv", "8613800138000\n");
  ASSERT_TRUE(compile_list(files_, path("l.csv"), path("l.list"), key_, reader_).ok());
  const auto reason_with = [&](ListKind kind) {
    SnapshotInput input;
    auto list = NumberList::open(path("l.list"), manifest(kind), key_);
    EXPECT_TRUE(list.ok());
    input.lists.push_back(std::move(*list));
    input.warn_on_alert = true;
    input.alerted = {kCaller};
    Decider decider;
    decider.publish(std::move(input));
    Question q;
    q.from = kCaller;
    q.to = kCallee;
    q.at = kNow;
    q.direction = kind == ListKind::kRoaming ? Direction::kInternationalIn : Direction::kUnknown;
    const Answer answer = decider.call(q);
    return std::string(name(answer.reason)) + " " + answer.measure.str();
  };
  EXPECT_EQ(reason_with(ListKind::kReject), "list_entry list:1");
  EXPECT_EQ(reason_with(ListKind::kWarn), "list_entry list:1");
  EXPECT_EQ(reason_with(ListKind::kDoNotOriginate), "do_not_originate list:1");
  EXPECT_EQ(reason_with(ListKind::kProtected), "protected ");
  EXPECT_EQ(reason_with(ListKind::kRoaming), "alert_open ");
}

TEST_F(Books, AListReachesWhoeverForwardedTheCall) {
  write("l.csv", "8613800138000\n");
  ASSERT_TRUE(compile_list(files_, path("l.csv"), path("l.list"), key_, reader_).ok());
  const auto answered = [&](ListKind kind, bool emergency) {
    SnapshotInput input;
    auto list = NumberList::open(path("l.list"), manifest(kind), key_);
    EXPECT_TRUE(list.ok());
    input.lists.push_back(std::move(*list));
    if (emergency) input.emergency = {kCaller};
    Decider decider;
    decider.publish(std::move(input));
    Question q;
    q.from = model::NumberKey::e164(8613700137000);
    q.to = kCallee;
    q.diverted_by = kCaller;
    q.at = kNow;
    const Answer answer = decider.call(q);
    return std::string(name(answer.verdict)) + " " + std::string(name(answer.reason)) + " " + answer.measure.str();
  };
  EXPECT_EQ(answered(ListKind::kReject, false), "reject diverting_measure_in_force list:1");
  EXPECT_EQ(answered(ListKind::kWarn, false), "warn diverting_measure_in_force list:1");
  EXPECT_EQ(answered(ListKind::kReject, true), "allow clear ");
}

TEST(ListManifest, ARejectingListNeedsTwoPeopleAGroundAndAnEnd) {
  const std::string good =
      "kind = \"reject\"\ntitle_zh = \"a\"\ntitle_en = \"b\"\nground = \"反诈法 14\"\napproved_by = [\"x\", \"y\"]\n"
      "approved_at = \"2026-01-01T00:00:00Z\"\nexpires_at = \"2026-12-31T00:00:00Z\"\n";
  EXPECT_TRUE(parse_list_manifest("l.toml", good).ok());
  for (const auto& [what, instead] : {std::pair{"\"x\", \"y\"", "\"x\", \"x\""},
                                      {"ground =", "grund ="},
                                      {"2026-12-31", "2025-12-31"},
                                      {"\"reject\"", "\"opinion\""}}) {
    std::string bad = good;
    bad.replace(bad.find(what), std::string_view(what).size(), instead);
    EXPECT_FALSE(parse_list_manifest("l.toml", bad).ok()) << instead;
  }
}

}  // namespace
}  // namespace pandun::decide
