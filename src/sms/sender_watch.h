// How much each sender id sends and to how many: of headers only.
//
// Shape    a table of fixed size, 104 bytes a sender; where it is full, the sender that was quiet longest goes. A minute's count is exact;
//          the number of different recipients within ten minutes is estimated from 512 bits (about 5 % up to 1,000, a floor of
//          about 3,000 beyond). Source: Whang et al. 1990, linear counting.
// Units    wall time in ms.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"

namespace pandun::sms {

struct SenderRate {
  std::uint64_t this_minute = 0;
  std::uint64_t recipients = 0;  // different ones within ten minutes
};

class SenderWatch {
 public:
  explicit SenderWatch(std::size_t senders_max = 4096);
  SenderRate note(std::uint64_t sender, std::uint64_t recipient, WallMs now);  // hashes

 private:
  static constexpr std::size_t kWays = 4;
  struct Slot {
    std::uint64_t sender = 0;
    std::int64_t minute = 0, window = 0, last = 0;
    std::uint64_t count = 0;
    std::array<std::uint64_t, 8> seen{};
  };
  Slot& slot(std::uint64_t sender);
  std::vector<Slot> slots_;
};

}  // namespace pandun::sms
