// Short turns, and what they promise: nothing that fits is lost, and what was written becomes durable.
#include "decide/record_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <vector>

#include "decide/decider.h"
#include "platform/fault_files.h"
#include "platform/random.h"
#include "platform/thread.h"

namespace pandun::decide {
namespace {

using namespace std::chrono_literals;

constexpr WallMs kNow{1'790'000'000'000};  // 2026-09-21T14:13:20Z

class Names final : public Pseudonyms {
 public:
  Shown show(model::NumberKey number, WallMs) override { return number.known() ? Shown{"token", "mask"} : Shown{}; }
};

class Writer : public ::testing::Test {
 protected:
  Writer() { EXPECT_TRUE(files_.make_directories(directory_).ok()); }
  void push(std::uint64_t count) {
    for (; count != 0; --count) {
      DecisionRecord record;
      record.id = static_cast<std::uint64_t>(kNow.ms / 1000) << 32 | ++last_;
      record.at = kNow;
      EXPECT_TRUE(ring_.push(record));
    }
  }
  bool stands(std::uint64_t i) const { return book_.find(static_cast<std::uint64_t>(kNow.ms / 1000) << 32 | i).ok(); }

  const std::string directory_ = ::testing::TempDir() + "pandun_writer_" + platform::random_hex(6);
  platform::FaultFiles files_{platform::posix_files()};
  platform::ManualClock clock_{kNow};
  Names names_;
  RecordBook book_{files_, directory_, platform::SealKey{{1, 2, 3}}, names_};
  RecordRing ring_{4096};
  std::vector<std::string> faults_;
  RecordWriter writer_{{ring_, book_, files_, clock_, [this](const Error& e) { faults_.push_back(e.text()); }}};
  std::uint64_t last_ = 0;
};

TEST_F(Writer, AShortTurnTakesWhatWasAskedForOrWritesOneFrame) {
  writer_.turn(16);  // the first look at the clock
  push(200);
  for (std::uint64_t turn = 1; turn <= 8; ++turn) {
    writer_.turn(16);
    EXPECT_EQ(ring_.waiting(), 200 - 16 * turn);
    EXPECT_EQ(book_.written(), 0U);
  }
  writer_.turn(16);
  EXPECT_EQ(ring_.waiting(), 72U) << "this turn wrote";
  EXPECT_EQ(book_.written(), 128U);
  writer_.turn(16);
  EXPECT_EQ(ring_.waiting(), 56U);
  clock_.advance(50ms);
  writer_.turn(16);
  EXPECT_EQ(book_.written(), 144U) << "after 50 ms what there is, even if it fills no frame";
  EXPECT_TRUE(stands(144));
  EXPECT_FALSE(stands(145));
  writer_.drain();
  EXPECT_TRUE(stands(200));
}

TEST_F(Writer, AShortTurnEndsWithItsFrameAndALongOneTakesAllItWasAskedFor) {
  writer_.turn(16);
  push(420);
  for (int i = 0; i < 4; ++i) writer_.turn(30);
  writer_.turn(30);
  EXPECT_EQ(ring_.waiting(), 292U) << "8 were room for";
  EXPECT_EQ(book_.written(), 0U);
  writer_.turn(128);
  EXPECT_EQ(ring_.waiting(), 164U);
  EXPECT_EQ(book_.written(), 128U);
  writer_.turn(512);
  EXPECT_EQ(ring_.waiting(), 0U);
  EXPECT_EQ(book_.written(), 384U);
}

TEST_F(Writer, WhatWasWrittenIsDurableAfterSyncAndSurvivesAPowerCut) {
  push(100);
  writer_.drain();
  writer_.sync();
  push(100);
  writer_.drain();
  ASSERT_TRUE(files_.power_cut().ok());
  EXPECT_TRUE(stands(100));
  EXPECT_FALSE(stands(101));
  EXPECT_TRUE(faults_.empty());
}

TEST_F(Writer, AFailedSyncIsToldAndTheFileOpenedAnew) {
  push(10);
  writer_.drain();
  writer_.sync();
  push(10);
  writer_.drain();
  files_.fail_at(platform::FileOp::kSync, files_.count(platform::FileOp::kSync) + 1);
  writer_.sync();
  EXPECT_EQ(faults_.size(), 1U);
  EXPECT_TRUE(book_.path().empty());
  push(10);
  writer_.drain();
  writer_.sync();
  EXPECT_EQ(faults_.size(), 1U);
  EXPECT_TRUE(stands(10));
  EXPECT_TRUE(stands(30));
}

TEST_F(Writer, ADiskThatTakesNothingLosesThemCountedAndGoesOn) {
  files_.fail_at(platform::FileOp::kAppend, files_.count(platform::FileOp::kAppend) + 1);
  push(10);
  writer_.drain();
  EXPECT_EQ(faults_.size(), 1U);
  EXPECT_EQ(book_.lost(), 10U);
  push(10);
  writer_.drain();
  EXPECT_TRUE(stands(20));
}

// Whether doors ask or not, and while others drain for a look and the disk syncs: every record stands in the file.
TEST(WriterThreads, NothingIsLostBesideDrainsAndSyncs) {
  const std::string directory = ::testing::TempDir() + "pandun_writer_" + platform::random_hex(6);
  ASSERT_TRUE(platform::posix_files().make_directories(directory).ok());
  Names names;
  RecordBook book(platform::posix_files(), directory, platform::SealKey{{1}}, names);
  DeciderLimits limits;
  limits.records = 1U << 16;
  Decider decider(limits);
  std::atomic<int> faults{0};
  RecordWriter writer(
      {decider.records(), book, platform::posix_files(), platform::system_clock(), [&](const Error&) { ++faults; }});
  constexpr std::uint64_t kCalls = 20'000;
  {
    const auto turns = platform::start_thread("records", [&](const std::stop_token& stop) { writer.run(stop); });
    const auto others = platform::start_thread("others", [&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        writer.drain();
        writer.sync();
      }
    });
    Question q;
    q.from = model::NumberKey::e164(8613800138000);
    q.to = model::NumberKey::e164(8613900139000);
    q.at = kNow;
    for (std::uint64_t i = 0; i < kCalls; ++i) {
      decider.call(q);
      if (i % 3 == 0) decider.offer_turn(16);
      if (i % 5000 == 0) platform::pause({}, 15ms);  // nobody asks
    }
  }
  writer.drain();
  EXPECT_EQ(decider.figures().records_dropped, 0U);
  EXPECT_EQ(book.written(), kCalls);
  EXPECT_EQ(book.lost(), 0U);
  EXPECT_EQ(faults, 0);
}

TEST(WriterThreads, AWriterThatNobodyAsksWritesWithinATenth) {
  const std::string directory = ::testing::TempDir() + "pandun_writer_" + platform::random_hex(6);
  ASSERT_TRUE(platform::posix_files().make_directories(directory).ok());
  Names names;
  RecordBook book(platform::posix_files(), directory, platform::SealKey{{1}}, names);
  RecordRing ring(64);
  RecordWriter writer({ring, book, platform::posix_files(), platform::system_clock(), [](const Error&) {}});
  const auto turns = platform::start_thread("records", [&](const std::stop_token& stop) { writer.run(stop); });
  DecisionRecord record;
  record.id = static_cast<std::uint64_t>(kNow.ms / 1000) << 32 | 1;
  ASSERT_TRUE(ring.push(record));
  for (int i = 0; i < 500 && !book.find(record.id).ok(); ++i) platform::pause({}, 10ms);
  EXPECT_TRUE(book.find(record.id).ok());
}

}  // namespace
}  // namespace pandun::decide
