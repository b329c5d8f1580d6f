#include "sms/sender_watch.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "base/hash.h"

namespace pandun::sms {
namespace {
constexpr std::int64_t kMinuteMs = 60'000, kWindowMs = 600'000;
constexpr double kBits = 512;
}  // namespace

SenderWatch::SenderWatch(std::size_t senders_max) : slots_(std::bit_ceil(senders_max < kWays ? kWays : senders_max)) {}

SenderWatch::Slot& SenderWatch::slot(std::uint64_t sender) {
  Slot* const set = &slots_[mix64(sender) & (slots_.size() - kWays)];  // of kWays neighbours
  Slot* oldest = set;
  for (std::size_t i = 0; i < kWays; ++i) {
    if (set[i].sender == sender) return set[i];
    if (set[i].last < oldest->last) oldest = set + i;
  }
  *oldest = {};
  oldest->sender = sender;
  return *oldest;
}

SenderRate SenderWatch::note(std::uint64_t sender, std::uint64_t recipient, WallMs now) {
  Slot& mine = slot(sender == 0 ? 1 : sender);
  mine.last = now.ms;
  if (mine.minute != now.ms / kMinuteMs) {
    mine.minute = now.ms / kMinuteMs;
    mine.count = 0;
  }
  if (mine.window != now.ms / kWindowMs) {
    mine.window = now.ms / kWindowMs;
    mine.seen = {};
  }
  ++mine.count;
  const std::uint64_t bit = mix64(recipient) & 511;
  mine.seen[bit >> 6] |= 1ULL << (bit & 63);
  int ones = 0;
  for (const std::uint64_t word : mine.seen) ones += std::popcount(word);
  const double empty = std::max(1.0, kBits - ones);
  return {mine.count, static_cast<std::uint64_t>(std::lround(-kBits * std::log(empty / kBits)))};
}

}  // namespace pandun::sms
