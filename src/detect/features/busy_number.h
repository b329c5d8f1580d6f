// A number with more contacts than a list holds: counters by step and sets of peers.
//
// Threads  one owner.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "detect/distinct.h"
#include "detect/features/contact.h"
#include "detect/features/contact_pack.h"
#include "detect/features/number_activity.h"
#include "detect/features/number_history.h"
#include "detect/peer_sample.h"
#include "detect/state_io.h"
#include "detect/window.h"

namespace pandun::detect {

// Devices and cells a busy number was seen with in the last 30 d: hashes and last-seen times.
class Places {
 public:
  struct Seen {
    std::uint32_t last_s;
    std::uint16_t hash;
    bool cell;
  };
  static constexpr std::size_t kDevicesMax = 64, kCellsMax = 256;
  void add(bool cell, std::uint16_t hash, std::uint32_t time_s, std::uint32_t newest_s);
  std::size_t count(bool cell, std::uint32_t start_s) const;  // seen since
  template <typename F>
  void each(bool cell, F f) const {
    for (const Seen& seen : seen_)
      if (seen.cell == cell) f(seen.hash);
  }
  std::span<const Seen> all() const { return seen_; }
  std::uint64_t bytes() const { return sizeof(*this) + seen_.capacity() * sizeof(Seen); }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  std::vector<Seen> seen_;
};

struct BusyNumber {
  enum OutCounter : std::size_t { kCalls, kAnswered, kUnanswered, kShort, kTalk, kOutCounters };
  enum InCounter : std::size_t { kInCalls, kInReturns, kInAnswered, kInUnanswered, kInShort, kInCounters };
  enum MarkCounter : std::size_t { kNight, kLong, kAbroadOut, kRoaming, kAbroadIn, kMarkCounters };
  static constexpr std::size_t kRegions = 1024;
  // Whom it met since it is busy, by a History's hash, so that nobody is counted twice.
  using Met = std::array<std::uint64_t, (1U << History::kHashBits) / 64>;
  struct Peers {
    DistinctWindows short_time;  // 5 min to 24 h
    PeerSample long_time;        // 7 d, 30 d
    std::unique_ptr<Met> met;    // only while there is a history of before
    void advance(std::uint32_t now_s);
    void add(std::uint32_t peer, std::uint32_t time_s);
    double count(Window w) const { return w <= Window::k24h ? short_time.count(w) : long_time.count(w); }
    bool has_met(std::uint16_t hash) const { return met != nullptr && ((*met)[hash / 64] >> (hash % 64) & 1U) != 0; }
    std::uint64_t bytes() const;
    void save(StateWriter& out) const;
    void load(StateReader& in, bool with_met);
  };
  struct CallsOut {
    WindowRings<kOutCounters> counts;
    Peers peers;
  };
  struct CallsIn {
    WindowRings<kInCounters> counts;
    Peers peers;
  };
  struct Messages {
    WindowRings<1> counts;
    Peers peers;
  };
  std::unique_ptr<CallsOut> calls_out;
  std::unique_ptr<CallsIn> calls_in;
  std::unique_ptr<Messages> messages_out, messages_in;
  std::unique_ptr<Places> places;
  std::unique_ptr<WindowRings<kMarkCounters>> marks;                 // from the first that there is on
  std::unique_ptr<std::array<std::uint32_t, kRegions>> region_last;  // last second + 1 each region was called in
  std::uint32_t clock_s = 0;                                         // the rings stand here
  // Of what was before it became busy, until that is 30 d old: the packed history, and whom it met in the last 24 h before
  // and not since (the rings hold their counts).
  struct Peer {
    std::uint32_t time_s;
    std::uint16_t hash;
    Lane lane;
  };
  std::vector<std::uint8_t> before;  // with room to read behind its end
  std::vector<Peer> before_peers;    // by time
  using Slots = std::bitset<1U << 14>;
  std::array<std::uint32_t, kLanes> before_count{};
  std::unique_ptr<Slots> before_slots;  // of before_peers: most others are told from them by one look
  std::uint32_t before_s = 0;
  // Once it is quiet, its contacts are listed beside; when the list covers the 24 h, the number leaves here.
  bool listing = false;
  std::uint32_t listing_from_s = 0;
  std::vector<Contact> list;

  bool met_before(Lane lane, std::uint16_t hash, std::uint32_t start) const;  // and not since
  std::uint64_t total(Window w) const;
  NumberTally counted(Window w, std::uint32_t back) const;  // in the step so many before the current one
  NumberMarks marked(Window w, std::uint32_t back) const;
  // From the contacts of 24 h that a number had until now.
  void begin(std::span<const Contact> contacts, std::uint32_t now_s);
  bool has_before() const { return !before.empty() || !before_peers.empty(); }
  void forget_before();
  void advance(std::uint32_t now_s);
  void add(const Contact& contact, std::uint32_t peer);
  Peers* peers(Lane lane) const;
  std::uint64_t bytes() const;
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  template <typename LanePtr>
  auto& open(LanePtr& lane);
  Peers& count(const Contact& contact);
  void mark(const Contact& contact);
  static std::size_t slot(Lane lane, std::uint16_t hash) {
    return (hash >> 2U) ^ static_cast<std::size_t>(lane) << 12U;
  }
  void index_before();
  void meet_again(Lane lane, std::uint16_t hash);
  void see_region(std::uint32_t region, std::uint32_t time_s);
};

}  // namespace pandun::detect
