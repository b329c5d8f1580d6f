// Devices that one number alone uses: which number, since when and until when. Nearly every telephone is one of these.
//
// Shape    10 bytes an entry at 75 to 94 % load: 40 bits of the device's hash, 22 of the number's, the half-hours of first
//          and last use and what the last one was. 256 sub-tables of groups of 16 ids; the large ones grow by a sixteenth.
// Errors   two devices share an entry once in 2^40 / (devices) new devices: 1 in 11,000 at 100,000,000. Such a pair is in one
//          shard whatever the number of shards. A first use 42 days and more before the last is known to the day, and at
//          most 2,000 days back.
// Idle     absent when more than 30 days, in half-hours, lie between the last use and the watermark, whether or not it was swept.
// Life     a Found is valid until the next call that is not const.
// Threads  one owner.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "detect/state_io.h"

namespace pandun::detect {

class DeviceSingles {
  struct Packed {
    std::uint16_t words[3];
  };
  struct Part {
    std::uint32_t* ids = nullptr;
    Packed* values = nullptr;
    std::uint32_t groups = 0, live = 0, gone = 0;
    std::uint32_t swept = 0;  // the half-hour at which nothing idle was left; last uses are told from it
  };

 public:
  static constexpr std::uint32_t kStepS = 1800, kDaySteps = 48, kIdleSteps = 30 * kDaySteps,
                                 kStepMax = 0xffffffffU / kStepS - 4096;
  static constexpr unsigned kNumberBits = 22;
  static constexpr std::uint32_t kNumberMask = (1U << kNumberBits) - 1, kNoKind = 3;
  static std::uint32_t step_of(std::uint32_t time_s) { return std::min(time_s / kStepS, kStepMax); }
  struct Single {
    std::uint32_t number = 0;           // kNumberBits of hash, never 0
    std::uint32_t first = 0, last = 0;  // half-hours since 1970
    std::uint32_t kind = kNoKind;       // of the last use, DeviceKind
  };
  struct Found {
    Single single;
    Part* part = nullptr;  // null: absent
    std::size_t at = 0;
    explicit operator bool() const { return part != nullptr; }
  };

  DeviceSingles() : parts_(kParts) {}
  DeviceSingles(const DeviceSingles&) = delete;
  DeviceSingles& operator=(const DeviceSingles&) = delete;
  ~DeviceSingles();

  bool prefetch(std::uint64_t hash, unsigned stage) const;  // at stage 1: is it here, idle or not?
  Found find(std::uint64_t hash, std::uint32_t now);        // `now`: half-hour of the watermark
  void change(const Found& found, const Single& single);
  void put(std::uint64_t hash, std::uint32_t now, const Single& single);  // in place of what is there
  void erase(const Found& found) { remove(*found.part, found.at); }
  void evict(std::uint32_t now);  // the next 1/16

  void save(StateWriter& out) const;
  void load(StateReader& in);  // adds to what is there

  std::uint64_t size() const { return size_; }
  std::uint64_t evicted() const { return evicted_; }
  std::uint64_t bytes() const { return bytes_ + kParts * sizeof(Part); }

 private:
  static constexpr std::size_t kParts = 256;
  static constexpr std::uint32_t kGroup = 16;
  // 12 bits tell last uses from kBehind half-hours before the sweep to kAhead after it.
  static constexpr std::uint32_t kBehind = kIdleSteps + 60, kSweepAfter = 2000, kAhead = 4095 - kBehind;

  static std::size_t slots(const Part& part) { return std::size_t{part.groups} * kGroup; }
  static std::uint32_t id_of(std::uint64_t hash);
  static std::uint32_t first_group(const Part& part, std::uint32_t id);
  static bool idle(const Single& single, std::uint32_t now) {
    return now > single.last && now - single.last > kIdleSteps;
  }
  static Packed pack(const Single& single);
  static Single unpack(const Part& part, std::size_t at);
  static std::size_t place(const Part& part, std::uint32_t id);
  static std::size_t slot_of(const Part& part, std::uint32_t id);  // slots(part) when it is not there
  void insert(Part& part, std::uint32_t id, Single single);
  void remove(Part& part, std::size_t at);
  void sweep(Part& part, std::uint32_t now);
  void rehash(Part& part, std::uint32_t groups);
  void free(Part& part);

  std::vector<Part> parts_;
  std::uint64_t size_ = 0, bytes_ = 0, evicted_ = 0;
  std::size_t sweep_at_ = 0;
};

}  // namespace pandun::detect
