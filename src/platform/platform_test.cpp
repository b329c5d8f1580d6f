#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>

#include "platform/clock.h"
#include "platform/directory_lock.h"
#include "platform/file_system.h"
#include "platform/keyed_digest.h"
#include "platform/process.h"
#include "platform/random.h"
#include "platform/seal.h"
#include "platform/thread.h"

namespace pandun::platform {
namespace {

std::string fresh_directory() {
  std::string path = testing::TempDir() + "pandun_platform_" + random_hex(6);
  std::filesystem::create_directories(path);
  return path;
}

TEST(Files, ReplaceIsWholeOrOld) {
  const std::string path = fresh_directory() + "/a";
  ASSERT_TRUE(replace_file(posix_files(), path, "one").ok());
  ASSERT_TRUE(replace_file(posix_files(), path, "two").ok());
  EXPECT_EQ(*read_file(posix_files(), path), "two");
  EXPECT_EQ(posix_files().list(directory_of(path))->size(), 1U);
}

TEST(Files, AppendSurvivesReopenAndAbsenceIsNotFound) {
  const std::string path = fresh_directory() + "/log";
  {
    auto file = posix_files().open_append(path);
    ASSERT_TRUE((*file)->append("abc").ok());
  }
  auto again = posix_files().open_append(path);
  ASSERT_TRUE((*again)->append("def").ok());
  EXPECT_EQ((*again)->size(), 6U);
  EXPECT_EQ(*read_file(posix_files(), path), "abcdef");
  EXPECT_EQ(read_file(posix_files(), path + ".none").error().code, Errc::kNotFound);
  EXPECT_EQ(read_file(posix_files(), path, 3).error().code, Errc::kTooLarge);
}

TEST(Seal, OpensOnlyWithItsKeyAndContext) {
  const SealKey key({1, 2, 3});
  const std::string sealed = key.seal("+8613800138000", "segment 1");
  EXPECT_EQ(sealed.find("138001"), std::string::npos);
  EXPECT_EQ(*key.open(sealed, "segment 1"), "+8613800138000");
  EXPECT_EQ(key.open(sealed, "segment 2").error().code, Errc::kCorrupt);
  EXPECT_EQ(key.derive("other").open(sealed, "segment 1").error().code, Errc::kCorrupt);
  for (std::size_t i = 0; i < sealed.size(); ++i) {
    std::string bad = sealed;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(key.open(bad, "segment 1").ok()) << i;
    EXPECT_FALSE(key.open(sealed.substr(0, i), "segment 1").ok()) << i;
  }
}

TEST(KeyedDigest, SaysWhatTheHashSays) {
  for (unsigned char k = 0; k < 3; ++k) {
    const SealKey key({k, 2, 3, 254});
    const KeyedDigest digest(key);
    std::string text;
    for (std::size_t size = 0; size <= 300; ++size) {
      std::array<char, 32> hex{};
      digest.hex(text, hex);
      EXPECT_EQ(std::string(hex.begin(), hex.end()), keyed_hash_hex(key, text)) << size;
      text.push_back(static_cast<char>(size * 37 + k));
    }
  }
}

TEST(Seal, KeyFileIsMadeOnceAndKeptPrivate) {
  const std::string path = fresh_directory() + "/keys/seal.key";
  const auto first = load_or_create_key(posix_files(), path);
  ASSERT_TRUE(first.ok());
  EXPECT_EQ(posix_files().info(path)->mode, 0600U);
  EXPECT_EQ(load_or_create_key(posix_files(), path)->bytes(), first->bytes());
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(load_or_create_key(posix_files(), path).error().code, Errc::kNotAllowed);
}

TEST(DirectoryLock, IsHeldByOneAndFreedAtItsEnd) {
  const std::string path = fresh_directory();
  {
    const auto first = DirectoryLock::take(path);
    ASSERT_TRUE(first.ok());
    const auto second = DirectoryLock::take(path);
    ASSERT_FALSE(second.ok());
    EXPECT_EQ(second.error().code, Errc::kUnavailable);
    EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
  }
  EXPECT_TRUE(DirectoryLock::take(path).ok());
}

TEST(Thread, PauseEndsWhenAskedToStop) {
  bool went_on = true;
  Thread thread = start_thread("pause", [&](std::stop_token stop) { went_on = pause(stop, std::chrono::hours(1)); });
  thread.request_stop();
  thread.join();
  EXPECT_FALSE(went_on);
}

// A freed block goes back to the system although something small came behind it.
TEST(Process, LargeBlocksLeaveNoHoles) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
  GTEST_SKIP() << "the sanitizer has an allocator of its own";
#endif
#endif

  map_blocks_from(1U << 20);
  constexpr std::size_t kBytes = 16U << 20;
  const std::uint64_t before = rss_bytes();
  std::vector<std::unique_ptr<char[]>> small;
  for (int round = 0; round < 4; ++round) {
    auto block = std::make_unique<char[]>(kBytes);
    std::memset(block.get(), 1, kBytes);
    EXPECT_GT(rss_bytes(), before + kBytes / 2);
    for (int i = 0; i < 1000; ++i) small.push_back(std::make_unique<char[]>(500));
  }
  EXPECT_LT(rss_bytes(), before + kBytes / 2);
}

}  // namespace
}  // namespace pandun::platform
