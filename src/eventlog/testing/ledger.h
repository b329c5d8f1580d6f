// For tests of the log: batches whose every event tells which attempt wrote it, and a ledger of what was acknowledged.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "eventlog/local/local_log.h"
#include "platform/random.h"

namespace pandun::eventlog::testing {

inline platform::SealKey test_key() {
  return platform::SealKey({1, 2, 3});
}

class TempDirectory {
 public:
  TempDirectory() { std::filesystem::create_directories(path_); }
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory() { std::filesystem::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  // In memory where there is such a place: the tests model the disk themselves, and open thousands of logs.
  static std::string base() { return std::filesystem::is_directory("/dev/shm") ? "/dev/shm/" : ::testing::TempDir(); }
  std::string path_ = base() + "pandun_eventlog_" + platform::random_hex(6);
};

inline model::EventBatch make_batch(std::uint64_t first, std::size_t events, std::uint32_t attempt) {
  auto arena = std::make_shared<model::Arena>();
  model::EventBatch batch;
  for (std::size_t i = 0; i < events; ++i) {
    model::Event e;
    e.position = first + i;
    e.time.ms = e.watermark.ms = static_cast<std::int64_t>(1000 * (first + i));
    e.record = e.position * 7;
    e.source = attempt;
    model::Call call;
    call.caller = model::NumberKey::e164(8613800000000ULL + e.position);
    call.route = arena->copy("route-" + std::to_string(e.position));
    e.payload = call;
    batch.events.push_back(e);
  }
  batch.arenas.push_back(std::move(arena));
  return batch;
}

inline void expect_true_event(const model::Event& e) {
  ASSERT_EQ(e.kind(), model::EventKind::kCall);
  ASSERT_EQ(e.record, e.position * 7);
  ASSERT_EQ(e.as<model::Call>().route, "route-" + std::to_string(e.position));
  ASSERT_EQ(e.as<model::Call>().caller, model::NumberKey::e164(8613800000000ULL + e.position));
}

struct Attempt {
  std::uint64_t first = 0;
  std::size_t events = 0;
  bool acknowledged = false;
};

// What one writer tried, and what it was told.
struct Ledger {
  std::vector<Attempt> attempts;   // by number
  std::uint64_t acknowledged = 0;  // position
  Error last_error;

  bool append(LocalLog& log, std::size_t events) {
    const auto number = static_cast<std::uint32_t>(attempts.size());
    attempts.push_back({acknowledged + 1, events, false});
    auto done = log.append(make_batch(acknowledged + 1, events, number), {{"source", std::to_string(number)}});
    if (!done.ok()) {
      last_error = done.error();
      return false;
    }
    attempts.back().acknowledged = true;
    acknowledged += events;
    return true;
  }

  // Everything acknowledged is there once and in order; what else is there is whole attempts behind it.
  void verify(LocalLog& log, std::uint64_t from = 1) {
    ASSERT_GE(log.last_position(), acknowledged);
    auto reader = log.read_from(from);
    ASSERT_TRUE(reader.ok()) << reader.error().text();
    std::uint64_t expected = from;
    std::map<std::uint32_t, std::size_t> seen;
    std::uint32_t newest = 0;
    Record record;
    while (true) {
      const auto more = (*reader)->next(record, std::chrono::milliseconds(0));
      ASSERT_TRUE(more.ok()) << more.error().text();
      if (!*more) break;
      ASSERT_EQ(record.first_position, expected);
      for (const model::Event& e : record.batch.events) {
        ASSERT_EQ(e.position, expected++);
        expect_true_event(e);
        ASSERT_LT(e.source, attempts.size());
        const Attempt& attempt = attempts[e.source];
        ASSERT_TRUE(e.position >= attempt.first && e.position < attempt.first + attempt.events);
        if (e.position <= acknowledged) {
          ASSERT_TRUE(attempt.acknowledged);
        }
        ++seen[e.source];
        newest = e.source;
      }
      ASSERT_EQ(record.last_position, expected - 1);
    }
    ASSERT_EQ(expected, log.last_position() + 1);
    if (from == 1) {
      for (const auto& [number, events] : seen) ASSERT_EQ(events, attempts[number].events) << "half an attempt";
    }
    if (!seen.empty()) {
      ASSERT_EQ(log.progress().size(), 1U);
      ASSERT_EQ(log.progress()[0].progress, std::to_string(newest));
    }
    acknowledged = log.last_position();  // what was found is kept from now on
    for (const auto& [number, events] : seen) attempts[number].acknowledged = true;
  }
};

}  // namespace pandun::eventlog::testing
