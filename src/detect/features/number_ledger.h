// What a number did before its last few contacts, in few bytes: contacts of the last hour, then counts by half-hour, by day
// and by 6 days, each step with the peers that were last met in it.
//
// Shape    A contact lives in exactly one place, and moves on whole steps: it is listed while the 1 h window can hold it, then
//          counted in its half-hour for 24 h, in its day for 7 d, in its 6 days for 30 d. A peer stands, by lane, in the step
//          it was last met in: as 16 bits of its hash for 24 h, then 14. A day (6 days) of more than kDayPeers (kSpanPeers)
//          peers in a lane keeps a 1 in 2^level sample of them, by hash (Gibbons, "Distinct sampling", VLDB 2001).
//          Unpacked it is a fixed structure of a few kilobytes, of which a shard has a handful; packed about 100 bytes.
// Exact    counts, always. Peers, devices, cells, regions of 24 h up to their hashes; peers of 7 d and 30 d beyond the bounds
//          within kRelativeError (1 sigma).
// Errors   unpack() is false for bytes that pack() cannot have written in a way that would lead astray.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "detect/features/contact.h"
#include "detect/features/number_activity.h"
#include "detect/window.h"

namespace pandun::detect {

inline constexpr std::uint32_t kShortTalkS = 10, kTalkMaxS = (1U << 14) - 1;

class Ledger {
 public:
  static constexpr std::size_t kRecents = 48, kThings = 640, kPackedMax = 1536;
  static constexpr std::size_t kDayPeers = 32, kSpanPeers = 64;  // a lane; more are sampled
  static constexpr double kRelativeError = 0.12;
  enum Kind : std::uint8_t { kCallOut, kCallIn, kMessageOut, kMessageIn, kDevice, kCell, kRegion };

  std::uint32_t clock_s() const { return clock_s_; }
  std::span<const Contact> recents() const { return {recents_.data(), recent_count_}; }
  bool empty() const { return recent_count_ == 0 && cell_count_ == 0; }
  // Contacts in it, at its clock.
  std::uint32_t contacts(Window w) const;

  void clear();
  void advance(std::uint32_t now_s);
  // The clock must not be behind the contact. False: no room; the number is busier than this is for, and nothing changed.
  bool add(const Contact& contact);

  // Of a window at `now_s`, which may be ahead of the clock.
  void tally(Window w, std::uint32_t now_s, NumberTally& sum) const;
  std::uint32_t night_24h(std::uint32_t now_s, std::chrono::seconds local_offset) const;
  // step(back, calls_out, messages_out) of each step of the window that holds anything; recents are not among them.
  template <typename F>
  void each_step(Window w, std::uint32_t now_s, F f) const {
    const WindowSpec& ws = spec(w);
    const std::uint32_t start = start_s(w, now_s), head = now_s / ws.step_s;
    for (std::size_t i = 0; i < cell_count_; ++i)
      if (inside(cells_[i], w, start))
        f(head - start_of(cells_[i]) / ws.step_s, cells_[i].n[kCallOut], cells_[i].n[kMessageOut]);
  }
  // f(16 bits of hash, mask of those that count, how many things it stands for)
  template <typename F>
  void each_thing(Kind kind, Window w, std::uint32_t now_s, F f) const {
    const std::uint32_t start = start_s(w, now_s);
    std::size_t at = 0;
    for (std::size_t i = 0; i < cell_count_; ++i) {
      const std::uint32_t key = key_of(cells_[i].tier, cells_[i].step, kind);
      while (at < thing_count_ && things_[at].key < key) ++at;
      if (!inside(cells_[i], w, start)) continue;
      const auto weight = kind <= kMessageIn ? 1U << cells_[i].level[kind] : 1U;
      for (; at < thing_count_ && things_[at].key == key; ++at) f(things_[at].hash, mask(kind, cells_[i].tier), weight);
    }
  }
  // f(kind, hash, first second of its half-hour) of the devices, cells and regions of 24 h; recents are not among them.
  template <typename F>
  void each_place(F f) const {
    for (std::size_t i = 0; i < thing_count_; ++i) {
      const std::uint32_t key = things_[i].key;
      if (kind_in(key) >= kDevice && tier_in(key) == kHours)
        f(static_cast<Kind>(kind_in(key)), things_[i].hash, step_in(key) * step_s(kHours));
    }
  }
  bool called_since(std::uint32_t peer, std::uint32_t since_s) const;
  bool sampled() const;

  // Bytes written; 0 when they do not fit. `out` needs 8 bytes more.
  std::size_t pack(std::uint8_t* out, std::size_t room) const;
  // `in` must be readable for 8 bytes more.
  bool unpack(const std::uint8_t* in, std::size_t bytes);

 private:
  enum Tier : std::uint8_t { kHours, kDays, kSpans, kGone };
  enum Count : std::size_t { kAnswered = 4, kUnanswered, kShort, kReturns, kTalk, kCounts };
  using Counts = std::array<std::uint32_t, kCounts>;
  struct Cell {
    std::uint32_t step;
    Tier tier;
    std::array<std::uint8_t, 4> level;
    Counts n;  // the first four by lane
  };
  struct Thing {
    std::uint32_t key;  // tier, then newest first, then kind
    std::uint16_t hash;
  };
  static constexpr std::array<Window, 3> kTierWindow{Window::k24h, Window::k7d, Window::k30d};
  static constexpr std::size_t kCells = 48 + 7 + 5;
  static constexpr std::uint32_t kStepMax = (1U << 22) - 1;
  static std::uint32_t step_s(Tier tier) { return spec(kTierWindow[tier]).step_s; }
  static std::uint32_t start_of(const Cell& cell) { return cell.step * step_s(cell.tier); }
  static bool inside(const Cell& cell, Window w, std::uint32_t start) {
    return kTierWindow[cell.tier] <= w && start_of(cell) >= start;
  }
  static std::uint32_t key_of(Tier tier, std::uint32_t step, unsigned kind) {
    return std::uint32_t{tier} << 25 | (kStepMax - step) << 3 | kind;
  }
  static Tier tier_in(std::uint32_t key) { return static_cast<Tier>(key >> 25); }
  static std::uint32_t step_in(std::uint32_t key) { return kStepMax - ((key >> 3) & kStepMax); }
  static unsigned kind_in(std::uint32_t key) { return key & 7; }
  static std::uint16_t mask(unsigned kind, Tier tier) {
    return kind <= kMessageIn && tier != kHours ? std::uint16_t{0xfffc} : std::uint16_t{0xffff};
  }
  static bool passes(std::uint16_t hash, unsigned level) { return ((hash >> 2) & ((1U << level) - 1)) == 0; }
  static std::size_t peers_most(Tier tier) { return tier == kDays ? kDayPeers : kSpanPeers; }

  Tier tier_of(std::uint32_t time_s) const;
  Cell* open(Tier tier, std::uint32_t step);
  bool count(const Contact& contact);
  void touch(unsigned kind, std::uint16_t hash, Cell& cell);
  void sample(Cell& cell, unsigned lane);
  static void merge(Counts& into, const Counts& from);
  void settle();
  void erase_thing(std::size_t at);
  void pack_cell(class BitWriter& out, const Cell& cell, std::size_t& thing) const;
  bool unpack_cell(class BitReader& in, Cell& cell);

  std::uint32_t clock_s_ = 0;
  std::size_t recent_count_ = 0, cell_count_ = 0, thing_count_ = 0;
  std::array<Contact, kRecents> recents_;  // oldest first
  std::array<Cell, kCells> cells_;         // hours, days, spans; each newest first
  std::array<Thing, kThings> things_;
};

}  // namespace pandun::detect
