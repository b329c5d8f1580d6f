#include "detect/checkpoint.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "detect/engine.h"
#include "detect/testing/case_runner.h"
#include "detect/testing/memory_files.h"
#include "detect/testing/random_events.h"
#include "detect/testing/toy_detector.h"
#include "platform/fault_files.h"
#include "platform/seal.h"

namespace pandun::detect::testing {
namespace {

class Collector final : public SignalSink {
 public:
  void take(std::vector<model::Signal>&& signals, std::uint64_t) override {
    for (model::Signal& s : signals) lines.push_back(signal_text(s));
  }
  std::vector<std::string> lines;
};

const DetectorSpec& newer_toy_spec() {
  static const DetectorSpec kSpec = [] {
    DetectorSpec spec = toy_spec();
    spec.state_version = 2;
    return spec;
  }();
  return kSpec;
}

EngineConfig config(std::uint32_t shards = 1, DetectorPart part = toy_part()) {
  EngineConfig out;
  out.shards = shards;
  out.detectors.push_back({part, Options::defaults(toy_spec())});
  return out;
}
const platform::SealKey kKey({7});

class Checkpoints : public ::testing::Test {
 protected:
  Checkpoints() : events_(random_events({.seed = 3, .events = 400, .numbers = 20, .hosts = 5})) {}

  model::EventBatch part(std::size_t begin, std::size_t end) const {
    model::EventBatch out;
    out.arenas = events_.arenas;
    out.events.assign(events_.events.begin() + static_cast<std::ptrdiff_t>(begin),
                      events_.events.begin() + static_cast<std::ptrdiff_t>(end));
    return out;
  }
  // Checkpoints at 200 and 300 of a run with `shards` shards.
  void save_two(platform::FileSystem& files, std::uint32_t shards = 1, const platform::SealKey* key = &kKey) {
    Collector sink;
    Engine engine(config(shards), sink);
    engine.process(part(0, 200));
    ASSERT_TRUE(engine.save(files, dir_, key).ok());
    engine.process(part(200, 300));
    ASSERT_TRUE(engine.save(files, dir_, key).ok());
  }
  LoadReport load(platform::FileSystem& files, const platform::SealKey* key = &kKey, DetectorPart p = toy_part()) {
    Collector sink;
    Engine engine(config(1, p), sink);
    Result<LoadReport> report = engine.load(files, dir_, key);
    EXPECT_TRUE(report.ok());
    return report.ok() ? report.value() : LoadReport{};
  }
  // Whatever was loaded: from there on everything is found as in a run that never stopped.
  void expect_goes_on(platform::FileSystem& files, std::uint64_t position) {
    Collector whole, rest;
    Engine all(config(), whole), later(config(), rest);
    all.process(events_);
    const Result<LoadReport> report = later.load(files, dir_, &kKey);
    ASSERT_TRUE(report.ok());
    ASSERT_EQ(report->position, position);
    later.process(part(position, events_.events.size()));
    std::vector<std::string> expected;
    for (const std::string& line : whole.lines)
      if (std::stoull(line) > position) expected.push_back(line);
    EXPECT_EQ(rest.lines, expected);
  }

  std::string dir_ = "state";
  model::EventBatch events_;
};

TEST_F(Checkpoints, TheNewestIsUsedAndTwoAreKept) {
  MemoryFiles files;
  save_two(files);
  Collector sink;
  Engine engine(config(), sink);
  ASSERT_EQ(engine.load(files, dir_, &kKey)->position, 300U);
  engine.process(part(300, 400));
  ASSERT_TRUE(engine.save(files, dir_, &kKey).ok());
  EXPECT_EQ(files.list(dir_).value(),
            (std::vector<std::string>{"checkpoint-0000000002.manifest", "checkpoint-0000000002.part-0",
                                      "checkpoint-0000000003.manifest", "checkpoint-0000000003.part-0"}));
  EXPECT_EQ(load(files).name, "checkpoint-0000000003");
}

TEST_F(Checkpoints, NothingThereIsABeginning) {
  MemoryFiles files;
  const LoadReport report = load(files);
  EXPECT_EQ(report.position, 0U);
  EXPECT_TRUE(report.refused.empty());
}

TEST_F(Checkpoints, TornAnywhereFallsBackToTheOneBefore) {
  MemoryFiles files;
  save_two(files);
  for (const std::string name : {"checkpoint-0000000002.part-0", "checkpoint-0000000002.manifest"}) {
    const std::string path = dir_ + "/" + name, whole = files.content(path);
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 200);
    for (std::size_t size = 0; size < whole.size(); size += size < 100 || size + 100 > whole.size() ? 1 : step) {
      files.set_content(path, whole.substr(0, size));
      const LoadReport report = load(files);
      ASSERT_EQ(report.position, 200U) << name << " cut at " << size;
      ASSERT_EQ(report.refused.size(), 1U);
    }
    files.set_content(path, whole);
  }
  ASSERT_EQ(load(files).position, 300U);
}

TEST_F(Checkpoints, AFlippedBitAnywhereFallsBack) {
  for (const platform::SealKey* key : {&kKey, static_cast<const platform::SealKey*>(nullptr)}) {
    MemoryFiles files;
    save_two(files, 1, key);
    for (const std::string name : {"checkpoint-0000000002.part-0", "checkpoint-0000000002.manifest"}) {
      const std::string path = dir_ + "/" + name, whole = files.content(path);
      for (std::size_t at = 0; at < whole.size(); at += at < 200 ? 1 : 1 + whole.size() / 150) {
        std::string flipped = whole;
        flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 8)));
        files.set_content(path, flipped);
        ASSERT_EQ(load(files, key).position, 200U) << name << " at " << at;
      }
      files.set_content(path, whole);
    }
  }
}

TEST_F(Checkpoints, PartsOfOtherCheckpointsAndOtherKeysAreRefused) {
  MemoryFiles files;
  save_two(files, 1);
  const std::string first = dir_ + "/checkpoint-0000000001.part-0", second = dir_ + "/checkpoint-0000000002.part-0";
  const std::string whole = files.content(second);
  files.set_content(second, files.content(first));
  EXPECT_EQ(load(files).position, 200U);
  files.set_content(second, whole);
  const platform::SealKey other({8});
  const LoadReport report = load(files, &other);
  EXPECT_EQ(report.position, 0U);
  EXPECT_EQ(report.refused.size(), 2U);
  EXPECT_EQ(load(files, nullptr).position, 0U);
}

TEST_F(Checkpoints, NoClearNumberStandsOnDisk) {
  MemoryFiles sealed, open;
  save_two(sealed);
  save_two(open, 1, nullptr);
  std::string bits;
  const std::uint64_t number = events_.events[0].kind() == model::EventKind::kCall
                                   ? events_.events[0].as<model::Call>().caller.bits()
                                   : model::NumberKey::e164(8613800000000).bits();
  for (int i = 0; i < 8; ++i) bits.push_back(static_cast<char>((number >> (8 * i)) & 0xff));
  EXPECT_NE(open.content(dir_ + "/checkpoint-0000000002.part-0").find(bits), std::string::npos);
  EXPECT_EQ(sealed.content(dir_ + "/checkpoint-0000000002.part-0").find(bits), std::string::npos);
}

TEST_F(Checkpoints, ADetectorWhoseStateChangedStartsEmptyAndTheReportSaysSo) {
  MemoryFiles files;
  save_two(files);
  const LoadReport report = load(files, &kKey, {&newer_toy_spec, &make_toy});
  EXPECT_EQ(report.position, 300U);
  ASSERT_EQ(report.started_empty.size(), 1U);
  EXPECT_EQ(report.started_empty[0], "detector toy: its state has version 1, this engine has 2");
}

// A real directory with a fault at the n-th operation of every kind: the save fails or not, but what is on disk afterwards
// is always the old checkpoint or the new one, also when the power goes at that moment.
TEST_F(Checkpoints, AnyFailedOperationLeavesAUsableCheckpoint) {
  using platform::FileOp;
  const std::string root = ::testing::TempDir() + "/pandun_checkpoint_faults";
  std::size_t failed = 0, saved = 0;
  for (const FileOp op :
       {FileOp::kCreate, FileOp::kAppend, FileOp::kSync, FileOp::kRename, FileOp::kSyncDirectory, FileOp::kRemove}) {
    for (std::uint64_t n = 1; n <= 6; ++n) {
      for (const bool cut : {false, true}) {
        std::filesystem::remove_all(root);
        dir_ = root + "/state";
        platform::FaultFiles files(platform::posix_files());
        Collector sink;
        Engine engine(config(2), sink);
        engine.process(part(0, 200));
        ASSERT_TRUE(engine.save(files, dir_, &kKey).ok());
        engine.process(part(200, 300));
        files.fail_at(op, files.count(op) + n);
        const bool ok = engine.save(files, dir_, &kKey).ok();
        files.heal();
        if (cut) {
          ASSERT_TRUE(files.power_cut().ok());
        }
        ok ? ++saved : ++failed;
        const std::uint64_t position = load(files).position;
        SCOPED_TRACE(fmt::format("operation {} number {} cut {}", static_cast<int>(op), n, cut));
        if (ok) {
          ASSERT_EQ(position, 300U);
        }
        ASSERT_TRUE(position == 200 || position == 300) << position;
        expect_goes_on(files, position);
        if (cut) continue;
        ASSERT_TRUE(engine.save(files, dir_, &kKey).ok()) << "the next save must work again";
        ASSERT_EQ(load(files).position, 300U);
      }
    }
  }
  std::filesystem::remove_all(root);
  EXPECT_GT(failed, 20U);
  EXPECT_GT(saved, 5U);
}

TEST(Manifest, IsReadBackAsWritten) {
  Manifest m;
  m.generation = 12;
  m.position = 345;
  m.watermark_ms = 99;
  m.rules_digest = "abc";
  m.sealed = true;
  m.parts = {{100, 3, 0xdeadbeef}, {7, 1, 1}};
  const Result<Manifest> back = Manifest::parse(m.text(), "m");
  ASSERT_TRUE(back.ok());
  EXPECT_EQ(back->text(), m.text());
  std::string other = m.text();
  other.replace(other.find("format 1"), 8, "format 2");
  other.resize(other.find("crc32c "));
  other += fmt::format("crc32c {:08x}\n", crc32c(other));
  EXPECT_EQ(Manifest::parse(other, "m").error().code, Errc::kUnsupported);
}

}  // namespace
}  // namespace pandun::detect::testing
