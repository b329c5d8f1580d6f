// Every operation fails once, the power is cut after every operation, every byte is torn or flipped: what was acknowledged
// is read back once and in order, or the damage is named.
#include "eventlog/testing/ledger.h"
#include "platform/fault_files.h"

namespace pandun::eventlog {
namespace {

using platform::FaultFiles;
using platform::FileOp;
using testing::Ledger;
using testing::TempDirectory;
using testing::test_key;
using namespace std::chrono_literals;

// A fresh directory, disk and clock for each fault.
struct World {
  explicit World(bool retention = false) {
    options.directory = home.path() + "/log";
    options.segment_bytes = 4096;
    options.gap_wait = 0ms;
    if (retention) options.retention_bytes = 4096;
  }
  Result<std::unique_ptr<LocalLog>> open() { return open_local_log(files, clock, test_key(), options); }

  TempDirectory home;
  FaultFiles files{platform::posix_files()};
  platform::ManualClock clock{WallMs{1'000'000}};
  LocalLogOptions options;
  Ledger ledger;
  std::uint64_t committed = 0;
};

// The script: until the first error. Many small batches, a few commits, some rotations.
bool play(World& world, LocalLog& log, std::size_t batches = 48) {
  for (std::size_t i = 0; i < batches; ++i) {
    if (!world.ledger.append(log, i % 4 + 1)) return false;
    if (i % 6 == 5) {
      if (auto done = log.commit("detect", world.ledger.acknowledged); !done.ok()) {
        world.ledger.last_error = done.error();
        return false;
      }
      world.committed = world.ledger.acknowledged;
    }
  }
  return true;
}

void open_and_verify(World& world, const std::string& what) {
  SCOPED_TRACE(what);
  auto log = world.open();
  ASSERT_TRUE(log.ok()) << log.error().text();
  ASSERT_GE((*log)->committed("detect"), world.committed);
  world.ledger.verify(**log, (*log)->first_position() <= 1 ? 1 : (*log)->first_position());
}

// After a fault: open, verify, go on, power cut, verify again.
void recover_and_go_on(World& world, const std::string& what) {
  world.files.heal();
  open_and_verify(world, what);
  if (::testing::Test::HasFatalFailure()) return;
  {
    auto log = world.open();
    ASSERT_TRUE(log.ok()) << what << ": " << log.error().text();
    ASSERT_TRUE(play(world, **log, 10)) << what << ": " << world.ledger.last_error.text();
    ASSERT_TRUE(world.files.power_cut().ok());
  }
  open_and_verify(world, what + ", second life");
}

struct Case {
  FileOp op;
  const char* name;
};
class FailNth : public ::testing::TestWithParam<Case> {};

std::uint64_t calls_of(FileOp op) {
  World world(true);
  {
    auto log = world.open();
    EXPECT_TRUE(play(world, **log));
  }
  return world.files.count(op);
}

// aftermath: 0 the process is killed, 1 the power is cut, 2 the same and random pages survive.
void fail_nth(FileOp op, std::uint64_t n, bool forever, int aftermath) {
  World world(true);
  const std::string what =
      "call " + std::to_string(n) + (forever ? " and later" : "") + ", aftermath " + std::to_string(aftermath);
  world.files.fail_at(op, n, forever);
  {
    auto log = world.open();
    if (log.ok()) play(world, **log);
    const auto cut = aftermath == 0   ? Result<>()
                     : aftermath == 1 ? world.files.power_cut()
                                      : world.files.power_cut_keeping(n * 31);
    ASSERT_TRUE(cut.ok());
  }
  recover_and_go_on(world, what);
}

TEST_P(FailNth, NothingAcknowledgedIsLost) {
  const std::uint64_t calls = calls_of(GetParam().op);
  ASSERT_GT(calls, 0U);
  for (std::uint64_t n = 1; n <= calls; ++n)
    for (const int aftermath : {0, 1, 2}) {
      fail_nth(GetParam().op, n, n % 2 == 0, aftermath);
      if (HasFatalFailure()) return;
    }
}

INSTANTIATE_TEST_SUITE_P(Operations, FailNth,
                         ::testing::Values(Case{FileOp::kAppend, "append"}, Case{FileOp::kSync, "sync"},
                                           Case{FileOp::kCreate, "create"}, Case{FileOp::kRename, "rename"},
                                           Case{FileOp::kSyncDirectory, "sync_directory"},
                                           Case{FileOp::kRemove, "remove"}),
                         [](const auto& test) { return std::string(test.param.name); });

TEST(PowerCut, AfterEveryOperation) {
  std::uint64_t changes = 0;
  {
    World world(true);
    {
      auto log = world.open();
      ASSERT_TRUE(play(world, **log));
    }
    changes = world.files.changes();
  }
  for (std::uint64_t n = 0; n <= changes; ++n)
    for (const bool keep : {false, true}) {
      World world(true);
      world.files.power_cut_at(n);
      {
        auto log = world.open();
        if (log.ok()) play(world, **log);
        ASSERT_TRUE((keep ? world.files.power_cut_keeping(n) : world.files.power_cut()).ok());
      }
      recover_and_go_on(world, "cut after " + std::to_string(n) + (keep ? ", some pages kept" : ""));
      if (HasFatalFailure()) return;
    }
}

// The opening itself is cut, again and again.
TEST(PowerCut, DuringRecovery) {
  for (std::uint64_t n = 0; n < 12; ++n) {
    World world;
    {
      auto log = world.open();
      ASSERT_TRUE(play(world, **log, 7));
      ASSERT_TRUE(world.files.power_cut_keeping(n + 1).ok());
    }
    for (std::uint64_t again = 0; again < 4; ++again) {
      world.files.power_cut_at(world.files.changes() + n);
      { auto log = world.open(); }
      ASSERT_TRUE(world.files.power_cut_keeping(n + again).ok());
    }
    recover_and_go_on(world, "cut " + std::to_string(n) + " operations into the opening");
    if (HasFatalFailure()) return;
  }
}

TEST(Faults, AFailedSyncRefusesAppendsUntilReopened) {
  World world;
  {
    auto log = world.open();
    ASSERT_TRUE(world.ledger.append(**log, 3));
    world.files.fail_at(FileOp::kSync, world.files.count(FileOp::kSync) + 1);
    ASSERT_FALSE(world.ledger.append(**log, 3));
    EXPECT_EQ(world.ledger.last_error.code, Errc::kIo);
    EXPECT_FALSE(world.ledger.last_error.retryable);
    ASSERT_FALSE(world.ledger.append(**log, 3));
    EXPECT_TRUE((*log)->stats().refusing);
    EXPECT_EQ((*log)->last_position(), 3U);
    Record record;
    auto reader = std::move(*(*log)->read_from(1));
    EXPECT_TRUE(*reader->next(record, 0ms));
    EXPECT_FALSE(*reader->next(record, 0ms));  // what may not be on the disk is not shown
  }
  recover_and_go_on(world, "after a failed sync");
}

TEST(Faults, AShortWriteIsUndoneAndMayBeTriedAgain) {
  for (std::size_t bytes = 0; bytes < 400; bytes += 13) {
    World world;
    auto log = world.open();
    ASSERT_TRUE(world.ledger.append(**log, 3));
    world.files.short_write_at(world.files.count(FileOp::kAppend) + 1, bytes);
    ASSERT_FALSE(world.ledger.append(**log, 3));
    EXPECT_TRUE(world.ledger.last_error.retryable);
    ASSERT_TRUE(world.ledger.append(**log, 3));
    world.ledger.verify(**log);
    ASSERT_TRUE(world.files.power_cut_keeping(bytes).ok());
    (*log).reset();
    recover_and_go_on(world, "short write of " + std::to_string(bytes));
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Faults, WithoutTruncateAShortWriteRefuses) {
  World world;
  auto log = world.open();
  ASSERT_TRUE(world.ledger.append(**log, 3));
  world.files.short_write_at(world.files.count(FileOp::kAppend) + 1, 50);
  world.files.fail_at(FileOp::kTruncate, 1);
  ASSERT_FALSE(world.ledger.append(**log, 3));
  EXPECT_FALSE(world.ledger.last_error.retryable);
  ASSERT_FALSE(world.ledger.append(**log, 3));
  (*log).reset();
  recover_and_go_on(world, "torn, and not undone");
}

TEST(Faults, AFullDiskKeepsNothingHalf) {
  for (std::uint64_t limit = 600; limit < 9000; limit += 97) {
    World world;
    {
      auto log = world.open();
      ASSERT_TRUE(log.ok());
      world.files.disk_bytes(limit);
      play(world, **log);
      ASSERT_EQ(world.ledger.last_error.code, Errc::kIo) << limit;
      ASSERT_TRUE(world.ledger.last_error.retryable) << limit << ": " << world.ledger.last_error.text();
      world.files.heal();
      ASSERT_TRUE(play(world, **log, 12)) << world.ledger.last_error.text();
      world.ledger.verify(**log);
      ASSERT_TRUE(world.files.power_cut().ok());
    }
    recover_and_go_on(world, "disk of " + std::to_string(limit));
    if (::testing::Test::HasFatalFailure()) return;
  }
}

TEST(Faults, WithoutSyncAKillStillLosesNothing) {
  World world;
  world.options.sync = SyncPolicy::kNever;
  auto log = world.open();
  ASSERT_TRUE(play(world, **log));
  EXPECT_LT(world.files.count(FileOp::kSync), 40U);
  // As kill -9 leaves it: nothing is closed.
  world.files.power_cut_at(world.files.changes());
  (*log).reset();
  world.files.power_cut_at(~0ULL);
  open_and_verify(world, "killed");
}

TEST(Faults, WithoutSyncAPowerCutKeepsWhatWasCommitted) {
  for (std::size_t batches = 1; batches < 40; ++batches) {
    World world;
    world.options.sync = SyncPolicy::kNever;
    auto log = world.open();
    ASSERT_TRUE(play(world, **log, batches));
    ASSERT_TRUE(world.files.power_cut().ok());
    (*log).reset();
    auto again = world.open();
    ASSERT_TRUE(again.ok()) << again.error().text();
    ASSERT_GE((*again)->last_position(), world.committed);
  }
}

// ---- damage ----

using Image = std::map<std::string, std::string>;

Image take_image(const std::string& directory) {
  Image out;
  for (const auto& entry : std::filesystem::directory_iterator(directory))
    out[entry.path().filename()] = *platform::read_file(platform::posix_files(), entry.path());
  return out;
}
void put_image(const std::string& directory, const Image& image) {
  std::filesystem::remove_all(directory);
  std::filesystem::create_directories(directory);
  for (const auto& [name, content] : image)
    ASSERT_TRUE((*platform::posix_files().create(directory + "/" + name))->append(content).ok());
}

// A world whose directory holds `image`, on a disk that does not know it yet.
struct Copy : World {
  explicit Copy(const Image& image, const Ledger& of) {
    put_image(options.directory, image);
    ledger = of;
  }
};

TEST(Damage, TornAtEveryByteOfTheLastRecord) {
  World world;
  auto log = world.open();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(world.ledger.append(**log, 2));
  const Ledger before = world.ledger;
  const Image earlier = take_image(world.options.directory);
  ASSERT_TRUE(world.ledger.append(**log, 2));
  Image image = take_image(world.options.directory);
  const std::string name = image.begin()->first;
  const std::string whole = image[name];
  const std::size_t start = earlier.at(name).size();
  ASSERT_EQ(image.size(), 1U);
  ASSERT_GT(whole.size(), start + 100);
  for (std::size_t size = start; size <= whole.size(); ++size) {
    SCOPED_TRACE(size);
    image[name] = whole.substr(0, size);
    Copy copy(image, size == whole.size() ? world.ledger : before);
    {
      auto reopened = copy.open();
      ASSERT_TRUE(reopened.ok()) << reopened.error().text();
      EXPECT_EQ((*reopened)->stats().repaired_bytes, size == whole.size() ? 0 : size - start);
      EXPECT_EQ((*reopened)->last_position(), size == whole.size() ? 8U : 6U);
      copy.ledger.verify(**reopened);
      ASSERT_TRUE(copy.ledger.append(**reopened, 1));
    }
    open_and_verify(copy, "again");
    if (::testing::Test::HasFatalFailure()) return;
  }
}

// Opens and reads all. True if every event was there and true; false if kCorrupt was said. Anything else fails the test.
bool reads_whole(World& world, std::uint64_t events) {
  auto log = world.open();
  if (!log.ok()) {
    EXPECT_EQ(log.error().code, Errc::kCorrupt) << log.error().text();
    EXPECT_NE(log.error().where.find(world.options.directory), std::string::npos);
    return false;
  }
  EXPECT_EQ((*log)->last_position(), events);
  auto reader = (*log)->read_from(1);
  if (!reader.ok()) return false;
  Record record;
  std::uint64_t expected = 1;
  while (true) {
    const auto more = (*reader)->next(record, 0ms);
    if (!more.ok()) {
      EXPECT_EQ(more.error().code, Errc::kCorrupt) << more.error().text();
      EXPECT_NE(more.error().where.find("segment-"), std::string::npos);
      return false;
    }
    if (!*more) break;
    for (const auto& e : record.batch.events) {
      EXPECT_EQ(e.position, expected++);
      testing::expect_true_event(e);
    }
  }
  EXPECT_EQ(expected, events + 1);
  return true;
}

struct Closed {
  Closed() {
    {
      auto log = world.open();
      EXPECT_TRUE(play(world, **log, 24));
    }
    image = take_image(world.options.directory);
  }
  World world;
  Image image;
};

TEST(Damage, EveryFlippedByteIsNamed) {
  Closed closed;
  ASSERT_GE(closed.image.size(), 3U);
  std::size_t harmless = 0, flips = 0;
  for (const auto& [name, content] : closed.image)
    for (std::size_t i = 0; i < content.size(); i += 11) {
      SCOPED_TRACE(name + " byte " + std::to_string(i));
      Image image = closed.image;
      image[name][i] = static_cast<char>(static_cast<unsigned char>(content[i]) ^ (1U << (i % 8)));
      Copy copy(image, closed.world.ledger);
      ++flips;
      if (reads_whole(copy, closed.world.ledger.acknowledged)) ++harmless;
      if (::testing::Test::HasFailure()) return;
    }
  // Only the frame of the clean close holds nothing that anybody was promised.
  EXPECT_LE(harmless, 84 / 11 + 1U) << "of " << flips;
}

TEST(Damage, SkippingGoesOnAndCountsWhatIsMissing) {
  Closed closed;
  for (const auto& [name, content] : closed.image) {
    if (!name.starts_with("segment-")) continue;
    for (std::size_t i = 0; i < content.size(); i += 37) {
      SCOPED_TRACE(name + " byte " + std::to_string(i));
      Image image = closed.image;
      image[name][i] = static_cast<char>(~static_cast<unsigned char>(content[i]));
      Copy copy(image, closed.world.ledger);
      copy.options.on_corruption = OnCorruption::kSkipAndCount;
      auto log = copy.open();
      ASSERT_TRUE(log.ok()) << log.error().text();
      ASSERT_GE((*log)->last_position(), closed.world.ledger.acknowledged);
      const std::uint64_t next = (*log)->last_position() + 1;
      ASSERT_TRUE((*log)->append(testing::make_batch(next, 2, 0), {}).ok());
      auto reader = std::move(*(*log)->read_from(0));
      Record record;
      std::uint64_t seen = 0, last = (*log)->first_position() - 1;
      while (true) {
        const auto more = reader->next(record, 0ms);
        ASSERT_TRUE(more.ok()) << more.error().text();
        if (!*more) break;
        for (const auto& e : record.batch.events) {
          ASSERT_GT(e.position, last);
          last = e.position;
          testing::expect_true_event(e);
          ++seen;
        }
      }
      EXPECT_EQ(last, next + 1);
      EXPECT_EQ(seen + (*log)->stats().lost_events + (*log)->first_position() - 1, last);
      if (HasFailure()) return;
    }
  }
}

TEST(Damage, AMissingSegmentIsNamed) {
  Closed closed;
  auto middle = std::next(closed.image.begin(), 2);
  ASSERT_TRUE(middle->first.starts_with("segment-"));
  closed.image.erase(middle);
  Copy copy(closed.image, closed.world.ledger);
  EXPECT_FALSE(reads_whole(copy, closed.world.ledger.acknowledged));
}

TEST(Damage, AllSegmentsMissingIsNoFreshStart) {
  Closed closed;
  std::erase_if(closed.image, [](const auto& file) { return file.first.starts_with("segment-"); });
  Copy copy(closed.image, closed.world.ledger);
  EXPECT_EQ(copy.open().error().code, Errc::kCorrupt);
}

// Records that a consumer took had been acknowledged: their absence is damage, not a torn tail.
TEST(Damage, ATailThatWasTakenIsNotCutOffSilently) {
  World world;
  auto log = world.open();
  ASSERT_TRUE(world.ledger.append(**log, 2));
  ASSERT_TRUE(world.ledger.append(**log, 2));
  ASSERT_TRUE((*log)->commit("detect", 4).ok());
  Image image = take_image(world.options.directory);
  for (auto& [name, content] : image)
    if (name.starts_with("segment-")) content.back() = static_cast<char>(~content.back());
  Copy copy(image, world.ledger);
  EXPECT_EQ(copy.open().error().code, Errc::kCorrupt);
  copy.options.on_corruption = OnCorruption::kSkipAndCount;
  auto skipping = copy.open();
  ASSERT_TRUE(skipping.ok());
  EXPECT_EQ((*skipping)->stats().lost_events, 2U);
  EXPECT_EQ((*skipping)->last_position(), 4U);
}

TEST(Damage, AFrameCannotBeMovedOrRepeated) {
  World world;
  world.options.segment_bytes = 1 << 20;
  {
    auto log = world.open();
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(world.ledger.append(**log, 2));
  }
  const Image image = take_image(world.options.directory);
  const std::string name = image.begin()->first;
  const std::string& content = image.begin()->second;
  std::vector<std::size_t> frames;
  for (std::size_t at = content.find("PLFR"); at != std::string::npos; at = content.find("PLFR", at + 1))
    frames.push_back(at);
  ASSERT_EQ(frames.size(), 4U);
  const std::size_t size = frames[1] - frames[0];
  ASSERT_EQ(frames[2] - frames[1], size);
  Image swapped = image;
  swapped[name].replace(frames[1], size, content.substr(frames[2], size));
  swapped[name].replace(frames[2], size, content.substr(frames[1], size));
  Copy one(swapped, world.ledger);
  EXPECT_FALSE(reads_whole(one, 8));
  Image repeated = image;
  repeated[name].replace(frames[2], size, content.substr(frames[1], size));
  Copy two(repeated, world.ledger);
  EXPECT_FALSE(reads_whole(two, 8));
}

}  // namespace
}  // namespace pandun::eventlog
