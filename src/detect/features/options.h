// What a site may set about features. Everything else about them is fixed, because detectors and models rely on it.
#pragma once

#include <chrono>
#include <cstdint>

namespace pandun::detect {

struct NumberOptions {
  // A number silent for longer is forgotten: its first-seen time too. Long enough for the 90 days of a sleeping card.
  std::chrono::seconds idle_after = std::chrono::hours(24 * 120);
  // Local time is UTC plus this, for "night" (22:00 to 06:00). A multiple of 30 minutes.
  std::chrono::seconds local_offset = std::chrono::hours(8);
  // So many numbers keep their contacts of 24 h in a plain list (16 bytes each); the others, touched longest ago, packed.
  // In all shards together. Changes memory and speed alone.
  std::uint64_t listed_most = 1'000'000;
  // From this contact of 24 h on a number is counted by counters, not by a list: 16 to 512. Early is fast, late holds more
  // numbers in the same memory. Sets how peers of 7 d and 30 d are sampled, so all shards agree on it.
  std::uint32_t busy_from = 128;
};

struct HostOptions {
  std::chrono::seconds idle_after = std::chrono::hours(24 * 14);
};

}  // namespace pandun::detect
