#include "platform/thread.h"

#include <pthread.h>
#include <sys/resource.h>

#include <condition_variable>
#include <mutex>

namespace pandun::platform {

Thread start_thread(std::string name, std::function<void(std::stop_token)> body) {
  return Thread([name = std::move(name), body = std::move(body)](const std::stop_token& stop) {
    pthread_setname_np(pthread_self(), name.substr(0, 15).c_str());
    body(stop);
  });
}

bool pause(std::stop_token stop, std::chrono::milliseconds time) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, time, [] { return false; });
  return !stop.stop_requested();
}

void give_way() {
  // On Linux a niceness belongs to the calling thread. Refused: it works on as it was.
  (void)setpriority(PRIO_PROCESS, 0, 10);
}

}  // namespace pandun::platform
