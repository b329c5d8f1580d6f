#include "eventlog/local/history.h"

#include "eventlog/local/local_log.h"
#include "eventlog/testing/ledger.h"

namespace pandun::eventlog {
namespace {

using testing::Ledger;
using testing::TempDirectory;
using testing::test_key;
using namespace std::chrono_literals;

class HistoryTest : public ::testing::Test {
 protected:
  HistoryTest() {
    options_.directory = home_.path() + "/log";
    options_.segment_bytes = 4096;
  }
  std::unique_ptr<LocalLog> log() {
    auto log = open_local_log(platform::posix_files(), clock_, test_key(), options_);
    EXPECT_TRUE(log.ok());
    return std::move(*log);
  }
  Result<std::unique_ptr<LogHistory>> history() {
    return LogHistory::open(platform::posix_files(), clock_, test_key(), options_.directory);
  }
  static std::uint64_t count(const LogHistory& history, std::uint64_t from) {
    auto reader = history.read_from(from);
    EXPECT_TRUE(reader.ok());
    std::uint64_t events = 0, next = from;
    Record record;
    while (true) {
      auto more = (*reader)->next(record, 0ms);
      EXPECT_TRUE(more.ok()) << more.error().text();
      if (!more.ok() || !*more) return events;
      for (const model::Event& event : record.batch.events) EXPECT_EQ(event.position, next++);
      events += record.batch.events.size();
    }
  }

  TempDirectory home_;
  platform::ManualClock clock_{WallMs{1'000'000}};
  LocalLogOptions options_;
};

TEST_F(HistoryTest, ReadsBesideTheWriterWhatStoodThere) {
  auto writer = log();
  Ledger ledger;
  for (std::size_t i = 1; i <= 40; ++i) ASSERT_TRUE(ledger.append(*writer, i % 7 + 1));
  const std::uint64_t then = ledger.acknowledged;
  auto past = history();
  ASSERT_TRUE(past.ok()) << past.error().text();
  for (std::size_t i = 1; i <= 40; ++i) ASSERT_TRUE(ledger.append(*writer, i % 7 + 1));
  EXPECT_EQ((*past)->first_position(), 1U);
  EXPECT_EQ((*past)->last_position(), then);
  EXPECT_EQ((*past)->watermark().ms, static_cast<std::int64_t>(1000 * then));
  EXPECT_EQ(count(**past, 1), then);
  EXPECT_EQ((*past)->lost_events(), 0U);
  ledger.verify(*writer);  // the reader left nothing behind
}

TEST_F(HistoryTest, FindsWhereATimeBegins) {
  auto writer = log();
  Ledger ledger;
  for (std::size_t i = 1; i <= 60; ++i) ASSERT_TRUE(ledger.append(*writer, 5));
  auto past = history();
  ASSERT_TRUE(past.ok());
  EXPECT_EQ((*past)->position_before({0}), 1U);
  const std::uint64_t position = (*past)->position_before({200'000});  // event n is at n seconds
  EXPECT_GT(position, 1U);
  EXPECT_LE(position, 200U);
  EXPECT_EQ(count(**past, position), ledger.acknowledged - position + 1);
}

TEST_F(HistoryTest, ATornTailIsNotThereYet) {
  Ledger ledger;
  {
    auto writer = log();
    for (std::size_t i = 1; i <= 5; ++i) ASSERT_TRUE(ledger.append(*writer, 4));
  }
  auto& files = platform::posix_files();
  std::string last;
  const auto names = files.list(options_.directory);
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names)
    if (name.starts_with("segment-")) last = platform::join(options_.directory, name);
  {
    auto file = files.open_append(last);
    ASSERT_TRUE(file.ok());
    ASSERT_TRUE((*file)->append("PLFR and half of what belongs to it").ok());
  }
  auto past = history();
  ASSERT_TRUE(past.ok()) << past.error().text();
  EXPECT_EQ(count(**past, 1), ledger.acknowledged);
  EXPECT_EQ((*past)->lost_events(), 0U);
}

TEST_F(HistoryTest, SaysWhatIsMissing) {
  EXPECT_FALSE(history().ok());
  Ledger ledger;
  {
    auto writer = log();
    for (std::size_t i = 1; i <= 60; ++i) ASSERT_TRUE(ledger.append(*writer, 5));
  }
  auto& files = platform::posix_files();
  std::vector<std::string> segments;
  const auto names = files.list(options_.directory);
  ASSERT_TRUE(names.ok());
  for (const std::string& name : *names)
    if (name.starts_with("segment-")) segments.push_back(platform::join(options_.directory, name));
  ASSERT_GT(segments.size(), 3U);
  ASSERT_TRUE(files.remove(segments[1]).ok());
  const auto torn = history();
  ASSERT_FALSE(torn.ok());
  EXPECT_EQ(torn.error().code, Errc::kCorrupt);
  ASSERT_TRUE(files.remove(segments[0]).ok());  // retention took both
  const auto past = history();
  ASSERT_TRUE(past.ok());
  EXPECT_EQ((*past)->read_from(1).error().code, Errc::kTooOld);
}

}  // namespace
}  // namespace pandun::eventlog
