// Identity verification beside the road of the calls: a few threads, a bounded queue, the verdicts of the last minute.
//
// Bounds   memory is fixed when made; when the queue is full a call is "busy", when the budget is over "late": never more than
//          the budget is waited, whatever is sent. What nobody waits for any more is not computed, so that a flood of forgeries
//          leaves the next call its turn.
// Keys     a keyed hash over headers and parties, so that nobody outside can make two calls share a verdict. Freshness is
//          looked at anew for each call.
// Reload   once a minute the certificates' directory is looked at; a changed one that is whole replaces the old. A broken one is
//          counted and the old stays.
// Errors   start(): kBadConfig of the certificates.
// Threads  check() and figures() from any.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/bounded_queue.h"
#include "passport/verify.h"
#include "platform/clock.h"
#include "platform/short_hash.h"
#include "platform/thread.h"

namespace pandun::passport {

struct VerifierOptions {
  unsigned threads = 1;
  std::size_t waiting_max = 256;           // calls in the queue; each holds its headers, at most 80 KB
  std::size_t remembered = 1U << 15;       // verdicts; 80 bytes each
  std::chrono::microseconds budget{1000};  // from when the door took the call from its socket
};

struct Asked {
  std::vector<std::string> headers{};
  Call call{};
};

class Verifier {
 public:
  static Result<std::unique_ptr<Verifier>> start(const VerifierOptions& options, platform::FileSystem& files,
                                                 std::string directory, platform::Clock& clock,
                                                 platform::ShortHashKey key);
  ~Verifier();
  Verifier(const Verifier&) = delete;
  Verifier& operator=(const Verifier&) = delete;

  // `arrived` by the clock's steady time: the budget runs from there.
  Verdict check(const Asked& asked, WallMs now, std::chrono::nanoseconds arrived);

  struct Figures {
    std::array<std::uint64_t, kWhys> by_why{};
    std::array<std::uint64_t, 4> by_attest{};  // of the good ones
    std::uint64_t verified = 0;                // signatures looked at by the threads
    std::uint64_t remembered = 0;              // answered from the verdicts of the last minute
    std::uint64_t certificates = 0, untrusted = 0, reloads = 0, reload_failures = 0;
  };
  Figures figures() const;
  std::string untrusted_report() const { return certificates()->report(); }
  // Looks at the directory now; true if it was taken over.
  Result<bool> reload();

 private:
  struct Slot {
    std::uint64_t key = 0;  // 0: never used
    std::int64_t second = 0;
    bool ready = false;
    Verdict verdict{};
  };
  struct Job {
    std::uint64_t key = 0;
    Asked asked{};
    WallMs now{};
    std::chrono::nanoseconds until{};
  };
  static constexpr std::size_t kWays = 4;

  Verifier(const VerifierOptions& options, platform::FileSystem& files, std::string directory, platform::Clock& clock,
           platform::ShortHashKey key);
  void work();
  void watch(std::stop_token stop);
  std::uint64_t key_of(const Asked& asked) const;
  Slot* find(std::uint64_t key);                        // under mutex_
  void forget(std::uint64_t key);                       // under mutex_; unless it is ready
  Slot& place(std::uint64_t key, std::int64_t second);  // under mutex_
  Verdict counted(Verdict verdict, WallMs now, bool remembered);
  std::shared_ptr<const Certificates> certificates() const;
  std::string fingerprint() const;

  VerifierOptions options_;
  platform::FileSystem& files_;
  std::string directory_;
  platform::Clock& clock_;
  platform::ShortHashKey key_;
  mutable std::mutex certificates_mutex_;
  std::shared_ptr<const Certificates> certificates_;
  std::string fingerprint_;
  BoundedQueue<Job> queue_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::vector<Slot> slots_;  // under mutex_
  std::array<std::atomic<std::uint64_t>, kWhys> by_why_{};
  std::array<std::atomic<std::uint64_t>, 4> by_attest_{};
  std::atomic<std::uint64_t> verified_{0}, remembered_{0}, reloads_{0}, reload_failures_{0};
  std::vector<platform::Thread> threads_;
};

}  // namespace pandun::passport
