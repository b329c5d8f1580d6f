#include "api/http/workers.h"

namespace pandun::api::http {

Workers::Workers(unsigned threads, std::size_t queue_max) : queue_(queue_max, WhenFull::kShed) {
  for (unsigned i = 0; i < threads; ++i) {
    threads_.push_back(platform::start_thread("api-work-" + std::to_string(i), [this](const std::stop_token&) {
      while (auto job = queue_.pop()) (*job)();
    }));
  }
}

void Workers::stop() {
  queue_.close();
  threads_.clear();
}

bool Workers::submit(std::function<void()> job) {
  return queue_.push(std::move(job));
}

}  // namespace pandun::api::http
