// Names and service numbers that message senders imitate: 95588, 10086, ICBC, 工商银行. Compared as they look, not as they are written.
//
// Shape    content/sms/sender_names.toml. A sender id imitates a name when their skeletons (UTS 39) are equal, or when a name of
//          letters stands inside it; one under a contract that registers the sender id does not.
// Errors   read(): kBadConfig with every fault as file:line.
// Threads  immutable once read; imitated() allocates and takes a few microseconds, so callers remember its answers.
// Source   Unicode UTS 39, by ICU's uspoof.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct USpoofChecker;

namespace pandun::sms {

class SenderNames {
 public:
  SenderNames();
  ~SenderNames();
  SenderNames(SenderNames&&) noexcept;
  SenderNames& operator=(SenderNames&&) noexcept;

  static Result<SenderNames> read(std::string_view text, const std::string& file);
  // The name that this sender id (UTF-8) passes for; "" if none.
  std::string_view imitated(std::string_view sender_id) const;
  std::size_t size() const { return names_.size(); }

 private:
  struct Skeletons {
    std::string written, small;
  };
  struct Name {
    std::string name;
    Skeletons skeletons;
    bool inside = false;  // also counts inside a longer sender id
  };
  Skeletons skeletons(std::string_view text) const;
  std::string skeleton(std::string_view text) const;

  USpoofChecker* checker_ = nullptr;
  std::vector<Name> names_;
};

}  // namespace pandun::sms
