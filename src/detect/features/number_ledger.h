// What a number did before its last few contacts, in few bytes: contacts of the last hour, then counts by half-hour, by day
// and by 6 days, each step with the peers that were last met in it.
//
// Shape    A contact lives in exactly one place, and moves on whole steps: it is listed while the 1 h window can hold it, then
//          counted in its half-hour for 24 h, in its day for 7 d, in its 6 days for 30 d. A peer stands, by lane, in the step
//          it was last met in: as 16 bits of its hash for 24 h, then 12. A day of more than kDayPeers peers in a lane keeps a
//          1 in 2^level sample of them, by hash (Gibbons, "Distinct sampling", VLDB 2001); 6 days keep 1 in 4 or less, at
//          most kSpanPeers.
//          Unpacked it is a fixed structure of a few kilobytes, of which a shard has a handful; packed 100 to 300 bytes.
// Exact    counts, always. Peers, devices, cells, regions of 24 h up to their hashes; peers of 7 d beyond the bound within
//          kRelativeError; of 30 d within kSpanRelativeError for 20 peers and more spread over the days (1 sigma): n last
//          met over a week ago are told to sqrt(3 n), 8 and more in one 6 days to 40 %.
// Errors   unpack() is false for bytes that pack() cannot have written in a way that would lead astray.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "detect/bits.h"
#include "detect/features/contact.h"
#include "detect/features/number_activity.h"
#include "detect/window.h"

namespace pandun::detect {

inline constexpr std::uint32_t kShortTalkS = 10, kTalkMaxS = (1U << 14) - 1;

class Ledger {
 public:
  static constexpr std::size_t kRecents = 64, kThings = 1024, kPackedMax = 2048;
  static constexpr std::size_t kDayPeers = 32, kSpanPeers = 8;  // a lane; more are sampled
  static constexpr double kRelativeError = 0.12, kSpanRelativeError = 0.25;
  enum Kind : std::uint8_t { kCallOut, kCallIn, kMessageOut, kMessageIn, kDevice, kCell, kRegion };

  std::uint32_t clock_s() const { return clock_s_; }
  std::span<const Contact> recents() const { return {recents_.data(), recent_count_}; }
  bool empty() const { return recent_count_ == 0 && cell_count_ == 0; }
  // Contacts in it, at its clock, by window.
  std::array<std::uint32_t, kWindows> contacts() const;

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
      while (at < thing_count_ && keys_[at] < key) ++at;
      if (!inside(cells_[i], w, start)) continue;
      const auto weight = kind <= kMessageIn ? 1U << cells_[i].level[kind] : 1U;
      for (; at < thing_count_ && keys_[at] == key; ++at) f(hash_of(at), mask(kind, cells_[i].tier), weight);
    }
  }
  // f(kind, hash, first second of its half-hour) of the devices, cells and regions of 24 h; recents are not among them.
  template <typename F>
  void each_place(F f) const {
    for (std::size_t i = 0; i < thing_count_; ++i) {
      const std::uint32_t key = keys_[i];
      if (kind_in(key) >= kDevice && tier_in(key) == kHours)
        f(static_cast<Kind>(kind_in(key)), hash_of(i), step_in(key) * step_s(kHours));
    }
  }
  bool called_since(std::uint32_t peer, std::uint32_t since_s) const;

  // Bytes written; 0 when they do not fit. `out` needs 8 bytes more.
  std::size_t pack(std::uint8_t* out, std::size_t room) const;
  // `in` must be readable for 8 bytes more.
  bool unpack(const std::uint8_t* in, std::size_t bytes) {
    BitReader reader(in, bytes);
    return unpack_recents(reader) && unpack_steps(reader);
  }
  // The clock and recents() alone: nothing is known of what is over an hour old.
  bool unpack_recents(const std::uint8_t* in, std::size_t bytes) {
    BitReader reader(in, bytes);
    return unpack_recents(reader);
  }

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
    return kind <= kMessageIn && tier != kHours ? std::uint16_t{0xfff0} : std::uint16_t{0xffff};
  }
  static bool passes(std::uint16_t hash, unsigned level) { return ((hash >> 4) & ((1U << level) - 1)) == 0; }
  // Of who was last met over a week ago 1 in 4 is kept from the start.
  static std::uint8_t least_level(Tier tier) { return tier == kSpans ? 2 : 0; }
  static std::size_t peers_most(Tier tier) { return tier == kDays ? kDayPeers : kSpanPeers; }

  Tier tier_of(std::uint32_t time_s) const;
  Cell* open(Tier tier, std::uint32_t step);
  bool count(const Contact& contact);
  void touch(unsigned kind, std::uint16_t hash, Cell& cell);
  void sample(Cell& cell, unsigned lane);
  std::uint16_t hash_of(std::size_t at) const { return static_cast<std::uint16_t>(tags_[at] & 0xffffU); }
  static std::uint32_t tag_of(unsigned kind, std::uint32_t hash) { return kind << 16 | hash; }
  std::size_t first_of(std::uint32_t key) const;
  std::size_t find_tag(std::uint32_t tag, std::uint32_t bits, std::size_t from, std::size_t end) const;
  static void merge(Counts& into, const Counts& from);
  void move_things(std::span<const Cell> moved);
  void settle();
  void pack_cell(BitWriter& out, const Cell& cell, std::size_t& thing) const;
  bool unpack_recents(BitReader& in);
  bool unpack_steps(BitReader& in);
  bool unpack_cell(BitReader& in, Cell& cell);

  std::uint32_t clock_s_ = 0;
  std::size_t recent_count_ = 0, cell_count_ = 0, thing_count_ = 0;
  std::array<Contact, kRecents> recents_;  // oldest first
  std::array<Cell, kCells> cells_;         // hours, days, spans; each newest first
  // Things: in order of their keys; a tag is the kind and the hash.
  std::array<std::uint32_t, kThings> keys_, tags_;
};

}  // namespace pandun::detect
