#include "decide/record_writer.h"

#include <algorithm>

#include "platform/thread.h"

namespace pandun::decide {
namespace {

constexpr std::size_t kShortTurn = 32;
constexpr std::uint64_t kUnaskedTurn = 512;
constexpr std::uint64_t kDrainTurn = 64;
// A short look soon is for doors that do not ask; after a turn that was asked for the next will be too.
constexpr std::chrono::milliseconds kLookSoon{1}, kLook{10};
constexpr std::chrono::milliseconds kFlushEvery{50}, kSyncEvery{1000};

}  // namespace

void RecordWriter::note(const Result<>& done) {
  if (!done.ok()) parts_.fault(done.error());
}

std::size_t RecordWriter::take(std::uint64_t most) {
  Result<> done;
  std::size_t taken = 0;
  const auto add = [&](const DecisionRecord& record) { done = parts_.book.add(record); };
  while (taken < most && done.ok() && parts_.ring.take(add)) ++taken;
  note(done);
  return taken;
}

void RecordWriter::turn(std::size_t asked) {
  const std::scoped_lock lock(mutex_);
  const bool is_short = asked != 0 && asked <= kShortTurn;
  const auto now = parts_.clock.steady();
  if (parts_.book.frame_room() == 0 || now - flushed_ >= kFlushEvery) {
    flushed_ = now;
    note(parts_.book.flush());
    if (is_short) return;
  }
  // A short turn ends with its frame, which is written in the next.
  take(is_short ? std::min<std::uint64_t>(asked, parts_.book.frame_room()) : asked == 0 ? kUnaskedTurn : asked);
}

void RecordWriter::drain() {
  // Turn by turn, so that the thread whose work it is may go on beside; what comes meanwhile is not waited for.
  std::uint64_t left = ~std::uint64_t{0};
  while (left != 0) {
    const std::scoped_lock lock(mutex_);
    left = std::min(left, parts_.ring.waiting());
    const std::size_t taken = take(std::min(left, kDrainTurn));
    left = taken == 0 ? 0 : left - taken;
    if (left == 0) note(parts_.book.flush());
  }
}

void RecordWriter::sync() {
  const std::scoped_lock own(sync_mutex_);
  std::string path;
  {
    const std::scoped_lock lock(mutex_);
    path = parts_.book.path();
  }
  if (path.empty()) return;
  if (path != synced_path_ || synced_ == nullptr) {
    // Through a file object of its own, kept open: the kernel tells each open file of a failed write once.
    auto opened = parts_.files.open_append(path, 0600);
    if (!opened.ok()) return parts_.fault(opened.error());
    synced_ = std::move(*opened);
    synced_path_ = std::move(path);
  }
  if (auto done = synced_->sync(); !done.ok()) {
    parts_.fault(done.error());
    synced_.reset();
    const std::scoped_lock lock(mutex_);
    parts_.book.reopen();
  }
}

void RecordWriter::run(const std::stop_token& stop) {
  std::chrono::milliseconds rest = kLook;
  while (!stop.stop_requested()) {
    const std::size_t asked = parts_.ring.wait(rest);
    rest = asked == 0 && parts_.ring.waiting() != 0 ? kLookSoon : kLook;
    turn(asked);
  }
}

void RecordWriter::run_sync(const std::stop_token& stop) {
  while (platform::pause(stop, kSyncEvery)) sync();
}

}  // namespace pandun::decide
