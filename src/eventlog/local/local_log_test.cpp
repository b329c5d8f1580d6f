#include "eventlog/local/local_log.h"

#include <atomic>
#include <mutex>
#include <thread>

#include "eventlog/testing/ledger.h"
#include "platform/fault_files.h"

namespace pandun::eventlog {
namespace {

using testing::Ledger;
using testing::make_batch;
using testing::TempDirectory;
using testing::test_key;
using namespace std::chrono_literals;

class LocalLogTest : public ::testing::Test {
 protected:
  LocalLogTest() {
    options_.directory = home_.path() + "/log";
    options_.segment_bytes = 4096;
    options_.gap_wait = 100ms;
  }
  std::unique_ptr<LocalLog> open() {
    auto log = open_local_log(files_, clock_, test_key(), options_);
    EXPECT_TRUE(log.ok()) << log.error().text();
    return log.ok() ? std::move(*log) : nullptr;
  }
  Errc open_error() {
    auto log = open_local_log(files_, clock_, test_key(), options_);
    EXPECT_FALSE(log.ok());
    return log.ok() ? Errc::kUsage : log.error().code;
  }
  std::vector<std::string> segment_files() {
    std::vector<std::string> out;
    const auto names = files_.list(options_.directory);
    for (const std::string& name : *names)
      if (name.starts_with("segment-")) out.push_back(platform::join(options_.directory, name));
    return out;
  }

  TempDirectory home_;
  platform::FaultFiles files_{platform::posix_files()};
  platform::ManualClock clock_{WallMs{1'000'000}};
  LocalLogOptions options_;
};

TEST_F(LocalLogTest, AppendsReadsAndComesBack) {
  Ledger ledger;
  {
    auto log = open();
    EXPECT_EQ(log->first_position(), 0U);
    EXPECT_EQ(log->last_position(), 0U);
    for (std::size_t i = 1; i <= 40; ++i) ASSERT_TRUE(ledger.append(*log, i % 7 + 1));
    EXPECT_GT(log->stats().segments, 2U);
    ledger.verify(*log);
  }
  auto log = open();
  EXPECT_EQ(log->first_position(), 1U);
  EXPECT_EQ(log->last_position(), ledger.acknowledged);
  EXPECT_EQ(log->watermark().ms, static_cast<std::int64_t>(1000 * ledger.acknowledged));
  EXPECT_EQ(log->stats().repaired_bytes, 0U);
  ledger.verify(*log);
  ASSERT_TRUE(ledger.append(*log, 3));
  ledger.verify(*log);
}

TEST_F(LocalLogTest, NoClearNumberStandsOnTheDisk) {
  Ledger ledger;
  auto log = open();
  ASSERT_TRUE(ledger.append(*log, 20));
  const std::uint64_t bits = model::NumberKey::e164(8613800000001ULL).bits();
  const std::string binary(reinterpret_cast<const char*>(&bits), sizeof bits);
  for (const std::string& path : segment_files()) {
    const std::string content = *platform::read_file(files_, path);
    EXPECT_EQ(content.find(binary), std::string::npos);
    EXPECT_EQ(content.find("route-"), std::string::npos);
    EXPECT_EQ(content.find("source"), std::string::npos);
  }
}

TEST_F(LocalLogTest, ReadsFromAnyPosition) {
  Ledger ledger;
  auto log = open();
  for (std::size_t i = 0; i < 30; ++i) ASSERT_TRUE(ledger.append(*log, i % 5 + 1));
  for (std::uint64_t position = 1; position <= ledger.acknowledged + 1; ++position) ledger.verify(*log, position);
  EXPECT_EQ(log->read_from(ledger.acknowledged + 2).error().code, Errc::kUsage);
}

TEST_F(LocalLogTest, ReaderSeesLiveAppendsAndTheEnd) {
  auto log = open();
  Ledger ledger;
  auto reader = std::move(*log->read_from(1));
  Record record;
  EXPECT_FALSE(*reader->next(record, 1ms));
  std::thread writer([&] { EXPECT_TRUE(ledger.append(*log, 2)); });
  EXPECT_TRUE(*reader->next(record, 10s));
  EXPECT_EQ(record.last_position, 2U);
  writer.join();
  std::thread closer([&] { log.reset(); });
  EXPECT_FALSE(*reader->next(record, 10s));
  closer.join();
}

TEST_F(LocalLogTest, RefusesPositionsThatDoNotFollow) {
  auto log = open();
  ASSERT_TRUE(log->append(make_batch(1, 5, 0), {}).ok());
  EXPECT_EQ(log->append(make_batch(1, 5, 0), {}).error().code, Errc::kConflict);
  EXPECT_EQ(log->append(make_batch(7, 1, 0), {}).error().code, Errc::kConflict);
  auto batch = make_batch(6, 3, 0);
  batch.events[1].position = 9;
  EXPECT_EQ(log->append(batch, {}).error().code, Errc::kUsage);
  ASSERT_TRUE(log->append(make_batch(6, 1, 0), {}).ok());
  EXPECT_EQ(log->last_position(), 6U);
}

TEST_F(LocalLogTest, RefusesABatchOverItsBound) {
  options_.record_bytes_max = 4096;
  auto log = open();
  EXPECT_EQ(log->append(make_batch(1, 1000, 0), {}).error().code, Errc::kTooLarge);
  EXPECT_TRUE(log->append(make_batch(1, 10, 0), {}).ok());
}

TEST_F(LocalLogTest, ProgressAloneIsDurableAndNotShownToReaders) {
  {
    auto log = open();
    ASSERT_TRUE(log->append({}, {{"a", "1"}, {"b", "2"}}).ok());
    ASSERT_TRUE(log->append(make_batch(1, 1, 0), {{"a", "3"}}).ok());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(log->append({}, {{"c", std::to_string(i)}}).ok());
    EXPECT_GT(log->stats().segments, 2U);
    ASSERT_TRUE(log->append({}, {}).ok());
  }
  auto log = open();
  const auto progress = log->progress();
  ASSERT_EQ(progress.size(), 3U);
  EXPECT_EQ(progress[0].progress, "3");
  EXPECT_EQ(progress[1].progress, "2");
  EXPECT_EQ(progress[2].progress, "199");
  EXPECT_EQ(log->watermark().ms, 1000);
  auto reader = std::move(*log->read_from(1));
  Record record;
  EXPECT_TRUE(*reader->next(record, 0ms));
  EXPECT_EQ(record.batch.events.size(), 1U);
  EXPECT_FALSE(*reader->next(record, 0ms));
}

TEST_F(LocalLogTest, AnotherKeyIsNamedAsSuch) {
  { open(); }
  auto log = open_local_log(files_, clock_, platform::SealKey({9}), options_);
  EXPECT_EQ(log.error().code, Errc::kBadConfig);
  options_.on_corruption = OnCorruption::kSkipAndCount;
  log = open_local_log(files_, clock_, platform::SealKey({9}), options_);
  EXPECT_EQ(log.error().code, Errc::kBadConfig);
}

// ---- consumers and retention ----

TEST_F(LocalLogTest, CommitsAreDurable) {
  Ledger ledger;
  {
    auto log = open();
    ASSERT_TRUE(ledger.append(*log, 10));
    EXPECT_TRUE(log->commit("detect", 4).ok());
    EXPECT_TRUE(log->commit("archive", 2).ok());
    EXPECT_EQ(log->commit("detect", 11).error().code, Errc::kUsage);
    EXPECT_EQ(log->commit("No Name", 1).error().code, Errc::kUsage);
    ASSERT_TRUE(files_.power_cut().ok());
  }
  auto log = open();
  EXPECT_EQ(log->committed("detect"), 4U);
  EXPECT_EQ(log->committed("archive"), 2U);
  EXPECT_EQ(log->committed("other"), 0U);
}

TEST_F(LocalLogTest, RetentionBySizeWaitsForTheSlowestConsumer) {
  options_.retention_bytes = 3 * 4096;
  options_.consumers = {"detect", "archive"};
  Ledger ledger;
  auto log = open();
  for (std::size_t i = 0; i < 100; ++i) ASSERT_TRUE(ledger.append(*log, 4));
  EXPECT_EQ(log->first_position(), 1U);
  EXPECT_GT(log->stats().held_segments, 1U);
  ASSERT_TRUE(log->commit("detect", 400).ok());
  ASSERT_TRUE(log->commit("archive", 100).ok());
  auto slow = std::move(*log->read_from(1));
  ASSERT_TRUE(log->enforce_retention().ok());
  const std::uint64_t first = log->first_position();
  EXPECT_GT(first, 50U);
  EXPECT_LE(first, 101U);
  Record record;
  EXPECT_EQ(slow->next(record, 0ms).error().code, Errc::kTooOld);
  EXPECT_EQ(log->read_from(1).error().code, Errc::kTooOld);
  ASSERT_TRUE(log->commit("archive", 400).ok());
  ASSERT_TRUE(log->enforce_retention().ok());
  EXPECT_LE(log->stats().bytes, options_.retention_bytes);
  EXPECT_EQ(log->stats().held_segments, 0U);
  EXPECT_EQ(log->stats().forced_events, 0U);
  EXPECT_EQ(log->stats().retired_events, log->first_position() - 1);
  const std::uint64_t kept = log->first_position();
  log.reset();
  log = open();
  EXPECT_EQ(log->first_position(), kept);
  ledger.verify(*log, kept);
}

TEST_F(LocalLogTest, ForcedRetentionCountsWhatItTook) {
  options_.retention_bytes = 2 * 4096;
  options_.retention_forced = true;
  options_.consumers = {"detect"};
  Ledger ledger;
  auto log = open();
  for (std::size_t i = 0; i < 100; ++i) ASSERT_TRUE(ledger.append(*log, 4));
  EXPECT_GT(log->first_position(), 1U);
  EXPECT_EQ(log->stats().forced_events, log->first_position() - 1);
}

TEST_F(LocalLogTest, RetentionByAge) {
  options_.retention_age = 1h;
  Ledger ledger;
  auto log = open();
  for (std::size_t i = 0; i < 30; ++i) ASSERT_TRUE(ledger.append(*log, 4));
  clock_.advance(30min);
  const std::uint64_t half = ledger.acknowledged;
  for (std::size_t i = 0; i < 30; ++i) ASSERT_TRUE(ledger.append(*log, 4));
  EXPECT_EQ(log->first_position(), 1U);
  clock_.advance(40min);
  ASSERT_TRUE(log->enforce_retention().ok());
  EXPECT_GT(log->first_position(), 1U);
  EXPECT_LE(log->first_position(), half + 1);  // what is younger stays
  ledger.verify(*log, log->first_position());
}

// ---- many writers ----

TEST_F(LocalLogTest, ManyAppendersOneReader) {
  options_.gap_wait = 30s;
  auto log = open();
  constexpr std::uint64_t kBatches = 200, kThreads = 4;
  std::atomic<std::uint64_t> ticket{0};
  std::atomic<bool> failed{false};
  std::vector<std::thread> writers;
  for (std::uint64_t t = 0; t < kThreads; ++t)
    writers.emplace_back([&] {
      for (std::uint64_t i = ticket++; i < kBatches; i = ticket++)
        if (!log->append(make_batch(1 + i * 3, 3, static_cast<std::uint32_t>(i)), {{"s", std::to_string(i)}}).ok())
          failed = true;
    });
  std::uint64_t expected = 1;
  {
    auto reader = std::move(*log->read_from(1));
    Record record;
    while (expected <= kBatches * 3 && !failed) {
      const auto more = reader->next(record, 5s);
      ASSERT_TRUE(more.ok()) << more.error().text();
      if (!*more) break;
      for (const auto& e : record.batch.events) {
        ASSERT_EQ(e.position, expected++);
        testing::expect_true_event(e);
      }
    }
  }
  for (auto& writer : writers) writer.join();
  EXPECT_FALSE(failed);
  EXPECT_EQ(expected, kBatches * 3 + 1);
  EXPECT_LE(log->stats().groups, kBatches);
  EXPECT_EQ(log->progress()[0].progress, std::to_string(kBatches - 1));
}

TEST_F(LocalLogTest, CommitAndRetentionBesideAppends) {
  options_.retention_bytes = 2 * 4096;
  auto log = open();
  std::thread committer([&] {
    while (log->last_position() < 300) {
      EXPECT_TRUE(log->commit("detect", log->last_position()).ok());
      EXPECT_TRUE(log->enforce_retention().ok());
      (void)log->stats();
    }
  });
  Ledger ledger;
  for (int i = 0; i < 100; ++i) EXPECT_TRUE(ledger.append(*log, 3));
  committer.join();
  ledger.verify(*log, log->first_position());
}

}  // namespace
}  // namespace pandun::eventlog
