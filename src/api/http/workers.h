// The small pool that runs handlers which may wait for a disk or for argon2, so that io threads never do.
//
// Shape    bounded queue; submit() sheds when it is full or stopped (the caller answers 503).
// Threads  submit() from any thread. stop() finishes what was accepted, then joins.
#pragma once

#include <functional>
#include <vector>

#include "base/bounded_queue.h"
#include "platform/thread.h"

namespace pandun::api::http {

class Workers {
 public:
  Workers(unsigned threads, std::size_t queue_max);
  ~Workers() { stop(); }
  void stop();
  bool submit(std::function<void()> job);
  std::size_t waiting() const { return queue_.size(); }
  std::uint64_t shed() const { return queue_.shed(); }

 private:
  BoundedQueue<std::function<void()>> queue_;
  std::vector<platform::Thread> threads_;
};

}  // namespace pandun::api::http
