// Who agreed to be warned, as a list in a file: numbers, one a line; # begins a comment.
//
// Rule     whoever withdraws is not warned from the next look on, at most ten seconds after the file changed. A list that
//          cannot be read is nobody's consent: nobody is warned until it can be read again, and that is counted.
// Errors   open(): kBadConfig with the line; the file system's.
// Threads  thread-safe.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_set>

#include "platform/clock.h"
#include "platform/file_system.h"
#include "sms/judge.h"
#include "sms/notifier.h"

namespace pandun::sms {

class ListedConsent final : public Consent {
 public:
  // An empty path: nobody agreed.
  static Result<std::unique_ptr<ListedConsent>> open(platform::FileSystem& files, std::string path,
                                                     const NumberReader& numbers, platform::Clock& clock);
  bool may_warn(model::NumberKey person) const override;

  std::size_t people() const;
  std::uint64_t unreadable() const { return unreadable_; }  // looks at which it could not be read

 private:
  using People = std::unordered_set<std::uint64_t>;
  ListedConsent(platform::FileSystem& files, std::string path, const NumberReader& numbers, platform::Clock& clock)
      : files_(files), path_(std::move(path)), numbers_(numbers), clock_(clock) {}
  Result<People> read() const;
  void look() const;  // under mutex_

  platform::FileSystem& files_;
  std::string path_;
  const NumberReader& numbers_;
  platform::Clock& clock_;
  mutable std::mutex mutex_;
  // Under mutex_.
  mutable People people_;
  mutable platform::FileInfo seen_{};
  mutable std::chrono::nanoseconds looked_{0};
  mutable bool good_ = false;
  mutable std::atomic<std::uint64_t> unreadable_{0};
};

}  // namespace pandun::sms
