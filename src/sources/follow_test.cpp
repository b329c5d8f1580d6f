// A tail through every kind of rotation, killed and started anew between every two batches: each line once, in order.
#include <gmock/gmock.h>

#include <random>

#include "sources/testing_input.h"

namespace pandun::sources {
namespace {

using ::testing::HasSubstr;
using testing::MemoryFiles;

std::string row(int number) {
  return fmt::format("{},c{},d\n", 1713484800 + number, number);
}
const std::string kHead = "time,caller,callee\n";

// A reader that may be killed: only its progress lives on.
class Tail {
 public:
  Tail(MemoryFiles& files, bool die, std::size_t batch = 3) : files_(files), die_(die), batch_(batch) {}

  void poll() {
    for (int quiet = 0; quiet < 2;) {
      if (!stream_) open();
      Decoded out;
      const auto result = stream_->next(batch_, out);
      ASSERT_TRUE(result.ok()) << result.error().text();
      ASSERT_FALSE(out.end);
      quiet = out.batch.events.empty() && out.rejects.empty() ? quiet + 1 : 0;
      for (const auto& event : out.batch.events) callers.push_back(std::string(event.as<model::Call>().caller_text));
      for (const auto& reject : out.rejects) rejects.push_back(std::string(name(reject.reason)) + " " + reject.detail);
      progress_["d/calls.csv"] = out.progress;
      if (die_) stream_.reset();
    }
  }
  void kill() { stream_.reset(); }

  std::vector<std::string> callers, rejects;

 private:
  void open() {
    SourceNames names;
    auto opened = open_input(files_, {"calls", "d/calls.csv", "", true}, names, progress_);
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    stream_ = std::move(opened->front());
  }
  MemoryFiles& files_;
  bool die_;
  std::size_t batch_;
  ProgressByName progress_;
  std::unique_ptr<Stream> stream_;
};

std::vector<std::string> callers_up_to(int count) {
  std::vector<std::string> out;
  for (int i = 0; i < count; ++i) out.push_back("c" + std::to_string(i));
  return out;
}

class Follow : public ::testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(WithAndWithoutKills, Follow, ::testing::Bool());

TEST_P(Follow, AGrowingFileAndAHalfWrittenLine) {
  MemoryFiles files;
  Tail tail(files, GetParam());
  tail.poll();  // not there yet
  files.append("d/calls.csv", kHead + row(0) + row(1).substr(0, 9));
  tail.poll();
  EXPECT_EQ(tail.callers, callers_up_to(1));
  files.append("d/calls.csv", row(1).substr(9) + row(2));
  tail.poll();
  EXPECT_EQ(tail.callers, callers_up_to(3));
  EXPECT_TRUE(tail.rejects.empty());
}

TEST_P(Follow, RenameAndCreate) {
  MemoryFiles files;
  Tail tail(files, GetParam());
  files.append("d/calls.csv", kHead + row(0) + row(1));
  tail.poll();
  files.append("d/calls.csv", row(2));
  files.move("d/calls.csv", "d/calls.csv.1");
  tail.poll();
  files.append("d/calls.csv.1", row(3));  // the writer has not moved on yet
  files.append("d/calls.csv", "");
  tail.poll();
  files.append("d/calls.csv.1", row(4));
  files.append("d/calls.csv", kHead + row(5));
  tail.poll();
  files.append("d/calls.csv", row(6));
  tail.poll();
  EXPECT_EQ(tail.callers, callers_up_to(7));
  EXPECT_TRUE(tail.rejects.empty());
}

TEST_P(Follow, CopyAndTruncate) {
  MemoryFiles files;
  Tail tail(files, GetParam());
  files.append("d/calls.csv", kHead + row(0) + row(1));
  tail.poll();
  files.append("d/calls.csv", row(2));
  files.copy_truncate("d/calls.csv", "d/calls.csv.1");
  files.append("d/calls.csv", kHead + row(3));
  tail.poll();
  // Truncated and grown past where we were before anybody looked.
  files.append("d/calls.csv", row(4));
  files.move("d/calls.csv.1", "d/calls.csv.2");
  files.copy_truncate("d/calls.csv", "d/calls.csv.1");
  for (int i = 5; i < 12; ++i) files.append("d/calls.csv", (i == 5 ? kHead : "") + row(i));
  tail.poll();
  EXPECT_EQ(tail.callers, callers_up_to(12));
  EXPECT_TRUE(tail.rejects.empty());
}

TEST_P(Follow, SeveralRotationsBetweenTwoLooksAndCompression) {
  MemoryFiles files;
  Tail tail(files, GetParam());
  files.append("d/calls.csv", kHead + row(0) + row(1));
  tail.poll();
  tail.kill();
  int next = 2;
  for (int rotation = 0; rotation < 3; ++rotation) {
    files.append("d/calls.csv", row(next++));
    if (files.has("d/calls.csv.2")) files.move("d/calls.csv.2", "d/calls.csv.3");
    if (files.has("d/calls.csv.1")) files.move("d/calls.csv.1", "d/calls.csv.2");
    files.move("d/calls.csv", "d/calls.csv.1");
    files.append("d/calls.csv", kHead + row(next++));
  }
  // The oldest, which we were in the middle of, is compressed: another file altogether, but it begins the same.
  const std::string oldest = files.bytes("d/calls.csv.3"), newer = files.bytes("d/calls.csv.2"),
                    newest = files.bytes("d/calls.csv.1"), live = files.bytes("d/calls.csv");
  for (const char* path : {"d/calls.csv.3", "d/calls.csv.2", "d/calls.csv.1", "d/calls.csv"}) files.erase(path);
  files.write("d/calls.csv.3.gz", testing::gzip(oldest));
  files.write("d/calls.csv.2", newer);
  files.write("d/calls.csv.1", newest);
  files.write("d/calls.csv", live);
  tail.poll();
  EXPECT_EQ(tail.callers, callers_up_to(next));
  EXPECT_TRUE(tail.rejects.empty());
}

TEST(FollowLost, AFileThatIsGoneIsSaid) {
  MemoryFiles files;
  Tail tail(files, true);
  files.append("d/calls.csv", kHead + row(0) + row(1));
  tail.poll();
  files.erase("d/calls.csv");
  files.write("d/calls.csv", kHead + row(2));
  tail.poll();
  EXPECT_EQ(tail.callers, callers_up_to(3));
  ASSERT_EQ(tail.rejects.size(), 1U);
  EXPECT_THAT(tail.rejects[0], HasSubstr("truncated the file that was read up to byte"));
}

TEST(FollowProperty, AnyRunOfWritesRotationsAndKillsGivesEachLineOnce) {
  for (unsigned seed = 0; seed < 150; ++seed) {
    std::mt19937_64 random(seed);
    MemoryFiles files;
    Tail tail(files, false, 1 + random() % 5);
    int next = 0, rotated = 0;
    // Rotated away before the first start is not ours; and a header alone does not tell two files apart.
    files.append("d/calls.csv", kHead + row(next++));
    tail.poll();
    for (int step = 0; step < 40; ++step) {
      switch (random() % 8) {
        case 0:
          tail.poll();
          break;
        case 1:
          tail.kill();
          break;
        case 2:
          if (next % 4 != 0) break;
          files.move("d/calls.csv", fmt::format("d/calls.csv.{:03}", ++rotated));
          files.append("d/calls.csv", kHead + row(next++));
          break;
        case 3:
          if (next % 4 != 1) break;
          files.copy_truncate("d/calls.csv", fmt::format("d/calls.csv.{:03}", ++rotated));
          files.append("d/calls.csv", kHead + row(next++));
          tail.poll();
          break;
        default:
          files.append("d/calls.csv", row(next++));
      }
    }
    tail.poll();
    ASSERT_EQ(tail.callers, callers_up_to(next)) << "seed " << seed;
    ASSERT_TRUE(tail.rejects.empty()) << "seed " << seed << ": " << tail.rejects[0];
  }
}

}  // namespace
}  // namespace pandun::sources
