// What switches tell over HTTP of calls in progress, on its way into the intake: written down before it is answered, read by
// the intake like any stream, gone once the event log has it.
//
// Shape    DATA/decide/call_reports/00000001.frames: sealed, one frame for each request. Progress is "file:frames".
// Errors   add(): kUnavailable (retryable) while kWaitingMax bytes wait, kIo. open(): kIo. What is damaged is skipped and told.
// Threads  add() from any thread, the stream by the intake's.
// Safety   holds clear numbers: sealed on disk, and not for long.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "decide/desk.h"
#include "decide/sealed_frames.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "sources/kit/source.h"

namespace pandun::server {

class CallReports {
 public:
  static constexpr std::size_t kReportsMax = 1000;  // in one request
  static constexpr std::uint64_t kWaitingMax = 64U << 20, kFileMax = 8U << 20;

  CallReports(platform::FileSystem& files, std::string directory, const platform::SealKey& key,
              std::function<void(const Error&)> fault);
  ~CallReports();

  Result<> add(const std::vector<decide::CallReport>& reports);
  // The stream of them, from behind `progress` on. Once.
  Result<std::unique_ptr<sources::Stream>> open(sources::SourceNames& names, const sources::ProgressByName& progress);
  std::uint64_t waiting_bytes() const;

 private:
  friend class CallReportStream;
  struct Frame {
    std::uint32_t file = 0, number = 0;  // both from 1 on
    std::string payload;
  };
  std::string path(std::uint32_t file) const;
  Result<> read_file(std::uint32_t file, std::uint32_t behind);
  std::optional<Frame> take();
  void forget_before(std::uint32_t file);

  platform::FileSystem& files_;
  const std::string directory_;
  const platform::SealKey key_;
  const std::function<void(const Error&)> fault_;
  mutable std::mutex mutex_;
  std::optional<decide::FrameWriter> writer_;
  std::deque<Frame> frames_;
  std::uint64_t waiting_ = 0;
  std::uint32_t oldest_ = 1, file_ = 0, frame_ = 0;  // of what was written last
};

// One request's reports as bytes and back; nothing is added when the bytes are not whole.
std::string encode_call_reports(const std::vector<decide::CallReport>& reports);
bool decode_call_reports(std::string_view bytes, std::vector<decide::CallReport>& out);

}  // namespace pandun::server
