// What sim_box keeps of a cell: the numbers that are busiest there.
//
// Units    seconds since 1970. Counts are those of the latest 6 to 12 hours.
// Shape    90 bytes, and 42 for each of up to 24 numbers; 16 for each pair of two that talked at the same time, and 200 once
//          a number makes as many calls as a cohort's. Different callees of a number by 64 bits: within 5 % up to 20, 10 % up to 64
//          (1 sigma).
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "detect/fetch.h"
#include "detect/small_state.h"
#include "detectors/sim_box/routes.h"
#include "model/number.h"

namespace pandun::detectors::sim_box {

inline constexpr std::uint32_t kCellSpanS = 6 * 3600;
inline constexpr std::size_t kSeatsMax = 24, kPairsMax = 8;

inline constexpr double kCalleesTold = 64;  // of more callees only that they are many
using Callees = detect::TwoSpansDistinct<64>;

struct Seat {
  detect::TwoSpans<> calls;
  detect::TwoSpans<std::uint8_t> calls_in;
};
// The latest call.
struct Talk {
  std::uint32_t start_s = 0;
  std::uint16_t length_s = 0;  // 0: it was no conversation
  std::uint16_t peer = 0;      // hash, of the latest conversation
};
static_assert(sizeof(Seat) == 6 && sizeof(Talk) == 8 && sizeof(Callees) == 16);

// Two numbers whose conversations in the cell begin and end together.
struct MirrorPair {
  std::uint8_t a = 0, b = 0;  // their places, the lower one first
  std::uint16_t hits = 0;
  std::uint32_t last_s = 0;
  detect::Said said;  // of the hits
};

class Cell {
 public:
  // What few cells need.
  struct Findings {
    detect::Said said;  // of the numbers in the cohort
    detect::LatestRecords<8> records;
    Routes routes;
  };

  void advance(std::uint32_t time_s);
  // Its place; -1 when the cell is full of busier numbers.
  int seat(model::NumberKey number, bool may_displace, std::uint32_t now_s);
  std::size_t size() const { return size_; }
  model::NumberKey number(std::size_t place) const { return numbers()[place]; }
  Seat& at(std::size_t place) { return seats()[place]; }
  const Seat& at(std::size_t place) const { return seats()[place]; }
  Talk& talk(std::size_t place) { return talks()[place]; }
  const Talk& talk(std::size_t place) const { return talks()[place]; }
  std::uint32_t& device(std::size_t place) { return devices()[place]; }  // hash, 0 = not known
  std::uint32_t device(std::size_t place) const { return devices()[place]; }
  void add_callee(std::size_t place, std::uint64_t mixed_hash) { callees()[place].add(mixed_hash); }
  double callees(std::size_t place) const { return callees()[place].count(); }  // how many different
  Findings& findings();
  // Forgotten when either gives up its place.
  MirrorPair& pair(std::size_t one, std::size_t other);
  std::uint64_t heap_bytes() const;
  void prefetch() const {  // where seat() looks first
    for (std::size_t at = 0; at < room_ * sizeof(model::NumberKey); at += 64) detect::fetch_line(block_.get() + at);
  }

  void save(detect::StateWriter& w) const;
  void load(detect::StateReader& r);

 private:
  static constexpr std::size_t kTalksAt = sizeof(model::NumberKey) + sizeof(Callees),
                               kDevicesAt = kTalksAt + sizeof(Talk), kSeatsAt = kDevicesAt + sizeof(std::uint32_t),
                               kSeatBytes = kSeatsAt + sizeof(Seat);
  template <typename T>
  T* part(std::size_t at) const {
    return reinterpret_cast<T*>(block_.get() + room_ * at);
  }
  model::NumberKey* numbers() const { return part<model::NumberKey>(0); }
  Callees* callees() const { return part<Callees>(sizeof(model::NumberKey)); }
  Talk* talks() const { return part<Talk>(kTalksAt); }
  std::uint32_t* devices() const { return part<std::uint32_t>(kDevicesAt); }
  Seat* seats() const { return part<Seat>(kSeatsAt); }
  std::size_t add_seat(model::NumberKey number);

  std::uint32_t span_ = 0;
  std::uint8_t size_ = 0, room_ = 0;
  std::unique_ptr<std::byte[]>
      block_;  // numbers, callees, talks, devices, seats: looking for one touches little memory
  std::unique_ptr<Findings> findings_;
  std::vector<MirrorPair> pairs_;
  detect::FewDistinct<256> seen_;  // callers of this span that found no place
};

}  // namespace pandun::detectors::sim_box
