// What subscribers chose (按需关闭, their own blocks) and how numbers are marked, kept across restarts.
//
// Shape    one sealed append-only file, rewritten when it holds four times more than is true now; all of it in memory.
// Errors   open(): kCorrupt when the file was damaged elsewhere than at its torn end: nothing is silently forgotten. set: kIo, and
//          then nothing has changed; kTooLarge beyond kBlockedMax numbers blocked by one callee.
// Threads  thread-safe.
// Safety   holds clear numbers: sealed on disk, never in logs.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "decide/desk.h"
#include "decide/sealed_frames.h"
#include "decide/snapshot_input.h"

namespace pandun::decide {

inline constexpr std::size_t kBlockedMax = 1000;

class SubscriberBook {
 public:
  static Result<std::unique_ptr<SubscriberBook>> open(platform::FileSystem& files, std::string path,
                                                      const platform::SealKey& key);

  Result<> set_callees(const std::vector<CalleeSettings>& settings);
  Result<> set_labels(const std::vector<NumberLabel>& labels);
  CalleeSettings callee(model::NumberKey number) const;
  Label label(model::NumberKey number) const;
  // All of it, for a snapshot.
  void fill(SnapshotInput& input) const;
  Desk::Totals totals() const;

 private:
  SubscriberBook(platform::FileSystem& files, std::string path, const platform::SealKey& key);
  void apply(const CalleeSettings& settings);
  void apply(const NumberLabel& label);
  Result<> replay();
  Result<> write(std::string_view payload, std::size_t items);
  Result<> rewrite();

  platform::FileSystem& files_;
  std::string path_;
  platform::SealKey key_;
  mutable std::mutex mutex_;
  std::optional<FrameWriter> writer_;
  std::unordered_map<std::uint64_t, CalleeSettings> callees_;
  std::unordered_map<std::uint64_t, Label> labels_;
  std::uint64_t stored_items_ = 0;
};

}  // namespace pandun::decide
