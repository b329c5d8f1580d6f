// What happens now, to everybody who watches: alerts, cases and figures as server-sent events.
//
// Shape    an event is written once and shared by all watchers; each has a queue bounded in bytes. A watcher that lags
//          behind it is dropped and counted, never waited for. `id:` is the largest alert seq so far. After a replay an
//          alert may come twice, the newer state last.
// Threads  thread-safe; publishing never blocks on a watcher.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "api/platform_port.h"
#include "casework/views.h"

namespace pandun::api {

class LiveStream;

struct StreamOwner {
  std::string user_id, session;  // session: its hash; empty for an API token
};

class LiveHub {
 public:
  explicit LiveHub(std::size_t watcher_bytes_max = 256 * 1024) : watcher_bytes_max_(watcher_bytes_max) {}
  ~LiveHub();
  LiveHub(const LiveHub&) = delete;
  LiveHub& operator=(const LiveHub&) = delete;

  // ---- fed by server, and by the API itself when a person changes something ----
  void alert(const casework::AlertSummary& alert);
  void changed(const casework::CaseSummary& changed_case);
  void stats(WallMs at, const EngineFigures& figures, std::uint64_t alerts_open);  // about once a second

  // ---- for the stream's route ----
  // Collects events from now on. Ends with its owner: at `until` (looked at by stats()) or by end_streams_of().
  std::shared_ptr<LiveStream> watch(StreamOwner owner, WallMs until);
  void end_streams_of(std::string_view user_or_session);
  void end_all();

  std::size_t watchers() const;
  std::uint64_t events() const { return events_.load(std::memory_order_relaxed); }
  std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }

 private:
  friend class LiveStream;
  void publish(std::string_view event, std::int64_t alert_seq, std::string_view data);
  std::vector<std::shared_ptr<LiveStream>> live_streams() const;

  const std::size_t watcher_bytes_max_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<LiveStream>> streams_;
  std::int64_t newest_alert_ = 0;
  std::atomic<std::uint64_t> events_{0}, overflows_{0};
};

// One watcher's queue.
class LiveStream final : public http::ByteStream {
 public:
  LiveStream(LiveHub& hub, StreamOwner owner, WallMs until, std::size_t bytes_max)
      : hub_(hub), owner_(std::move(owner)), until_(until), bytes_max_(bytes_max) {}
  void attach(std::function<void()> wake) override;
  void detach() override;
  State take(std::string& out) override;
  bool overflowed() const override { return overflowed_.load(std::memory_order_relaxed); }
  void quiet(std::string& out) override;

 private:
  friend class LiveHub;
  void push(const std::shared_ptr<const std::string>& text);
  void end();

  LiveHub& hub_;
  const StreamOwner owner_;
  const WallMs until_;
  const std::size_t bytes_max_;
  std::mutex mutex_;
  std::function<void()> wake_;
  std::vector<std::shared_ptr<const std::string>> waiting_;
  std::size_t bytes_ = 0;
  bool ended_ = false;
  std::atomic<bool> overflowed_{false};
};

// One event in the form of the HTML standard's "server-sent events" (9.2). `id` 0: none.
void append_event(std::string& out, std::string_view event, std::int64_t id, std::string_view data);

}  // namespace pandun::api
