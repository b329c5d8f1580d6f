// Takes decisions from their ring and writes them down, in turns so short that a call beside them on the same processor waits
// some tens of microseconds at most.
//
// Turns    as many decisions made ready as a door asked for when it had a moment; if it asked for few, a full frame is sealed
//          and written in a turn of its own. Nobody asked: it looks by itself, and takes more.
// Durable  50 ms after a decision it stands in the file, a second later on the disk. The system call that makes it durable is a
//          thread's of its own: it may last as long as the disk likes, and no decision waits for it.
// Errors   told to `fault`; what was lost is counted in the book. Decisions go on.
// Threads  run() and run_sync() by one thread each; drain() from any, also beside them. The book is the writer's meanwhile, but
//          for find() and retain().
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "decide/record_book.h"
#include "decide/record_ring.h"
#include "platform/clock.h"

namespace pandun::decide {

class RecordWriter {
 public:
  struct Parts {
    RecordRing& ring;
    RecordBook& book;
    platform::FileSystem& files;
    platform::Clock& clock;
    std::function<void(const Error&)> fault;
  };
  explicit RecordWriter(Parts parts) : parts_(std::move(parts)) {}

  void run(const std::stop_token& stop);
  void run_sync(const std::stop_token& stop);

  void turn(std::size_t asked);  // 0: nobody asked
  void sync();                   // makes durable what was written before the call
  // Everything decided before the call stands in the file afterwards, if the disk takes it.
  void drain();

 private:
  std::size_t take(std::uint64_t most);  // under mutex_, as note()
  void note(const Result<>& done);

  Parts parts_;
  std::mutex mutex_;  // the book and the ring's end; held for one turn at most
  std::chrono::nanoseconds flushed_{0};

  std::mutex sync_mutex_;  // what follows; held while the disk works
  std::unique_ptr<platform::WritableFile> synced_;
  std::string synced_path_;
};

}  // namespace pandun::decide
