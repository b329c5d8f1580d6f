// How a number's recent behaviour is stored; what it means is in number_activity.h.
//
// Shape    NumberRecord is 52 bytes so that key, last touch and record fill one 64-byte line of the table. It holds
//            inline  up to 3 contacts in short form (one device and one cell between them), or
//            listed  a list of up to 32 whole ones, or
//            ledger  the last 2 contacts, and what was before them packed (number_ledger.h), or
//            busy    a BusyNumber: counters by step, and the packed ledger of the time before.
//          Inline and list are two stores of the same thing. Which form a number has depends on its own events alone, never on
//          when memory is given back or on a restart.
// Safety   peers are 32-bit hashes; the number itself is the table's key and never leaves the engine but sealed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "detect/block_pool.h"
#include "detect/distinct.h"
#include "detect/features/contact.h"
#include "detect/features/number_activity.h"
#include "detect/features/number_ledger.h"
#include "detect/features/options.h"
#include "detect/peer_sample.h"
#include "detect/slab.h"
#include "detect/state_table.h"

namespace pandun::detect {

inline constexpr std::uint32_t kListedContacts = 32, kLedgerContacts = 2;
inline constexpr std::uint32_t kQuietContacts = 64;  // of 7 d: a busy number with no more begins to leave that form
inline constexpr std::uint32_t kSilenceS = 24 * 3600;

struct NumberRecord {
  enum Tier : std::uint8_t { kInline, kListed, kLedger, kBusy };
  struct Inline {
    std::uint16_t device, cell;  // of the contacts that have one
    ShortContact contacts[kInlineContacts];
  };
  struct Listed {
    std::uint32_t block;
    std::uint16_t size;
    std::uint8_t size_class;
  };
  struct Ledgered {
    Contact contacts[kLedgerContacts];
    std::uint32_t block;
    std::uint8_t size_class;
    std::uint8_t in_1h, in_24h, in_30d;  // upper bounds of what the packed part holds, coded
  };
  struct Busy {
    std::uint32_t handle;
    std::uint32_t places;  // handle + 1, 0 = none
  };
  std::uint32_t first_s = 0, newest_s = 0;
  std::uint16_t silence_h = 0;    // the latest silence, 0 = none
  std::uint16_t woke_h : 12 = 0;  // hour in which it ended, modulo 4096
  std::uint16_t size : 2 = 0;     // contacts in the record itself
  std::uint16_t tier : 2 = kInline;
  union {
    Inline in;
    Listed listed;
    Ledgered ledger;
    Busy busy;
  };
  NumberRecord() : in{} {}
};
static_assert(sizeof(NumberRecord) == 52 && alignof(NumberRecord) == 4);

// Devices or cells a busy number was lately seen with: 16-bit hashes and last-seen times.
class Places {
 public:
  struct Seen {
    std::uint32_t last_s;
    std::uint16_t hash;
    bool cell;
  };
  static constexpr std::size_t kDevicesMax = 64, kCellsMax = 256;
  void add(bool cell, std::uint16_t hash, std::uint32_t time_s, std::uint32_t newest_s);
  std::size_t count(bool cell, std::uint32_t newest_s) const;
  std::uint64_t bytes() const { return sizeof(*this) + seen_.capacity() * sizeof(Seen); }
  void save(StateWriter& out) const;
  void load(StateReader& in);

 private:
  std::vector<Seen> seen_;
};

struct BusyNumber {
  enum OutCounter : std::size_t { kCalls, kAnswered, kUnanswered, kShort, kTalk, kOutCounters };
  static constexpr std::size_t kRegions = 1024;
  // Who of the time before was met again since: by 14 bits of hash, so that nobody is counted twice.
  using Met = std::array<std::uint64_t, (1U << 14) / 64>;
  struct Peers {
    DistinctWindows short_time;  // 5 min to 24 h
    PeerSample long_time;        // 7 d, 30 d
    std::unique_ptr<Met> met;    // only while there is a `before`
    void advance(std::uint32_t now_s);
    void add(std::uint32_t peer, std::uint32_t time_s);
    double count(Window w) const { return w <= Window::k24h ? short_time.count(w) : long_time.count(w); }
    bool has_met(std::uint32_t hash16, std::uint32_t mask) const {  // 14 bits of it, or 12
      return met != nullptr && ((*met)[hash16 >> 8] >> (hash16 >> 2 & 63) & (mask == 0xfff0 ? 15U : 1U)) != 0;
    }
    std::uint64_t bytes() const;
    void save(StateWriter& out) const;
    void load(StateReader& in, bool with_met);
  };
  struct CallsOut {
    WindowRings<kOutCounters> counts;
    Peers peers;
  };
  struct CallsIn {
    WindowRings<2> counts;  // calls, returns
    Peers peers;
  };
  struct Messages {
    WindowRings<1> counts;
    Peers peers;
  };
  std::unique_ptr<CallsOut> calls_out;
  std::unique_ptr<CallsIn> calls_in;
  std::unique_ptr<Messages> messages_out, messages_in;
  std::unique_ptr<std::array<std::uint32_t, kRegions>> region_step;  // last half-hour + 1 each region was called in
  std::uint32_t clock_s = 0;                                         // the rings stand here
  // What was before it became busy, packed, until it is 30 d old. What comes late into that time is counted there.
  std::vector<std::uint8_t> before;
  std::uint32_t before_s = 0;
  // Once it is quiet enough, a new ledger is kept beside; when that covers the longest window, the number leaves here.
  std::vector<std::uint8_t> next;
  std::uint32_t next_from_s = 0;

  std::uint64_t total(Window w) const;
  void advance(std::uint32_t now_s);
  void add(const Contact& contact);
  void see_region(std::uint32_t region, std::uint32_t time_s);
  Peers* peers(Ledger::Kind lane) const;
  std::uint64_t bytes() const;
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

// One contact as an event tells it, from the number's own side.
struct NumberContact {
  EventMs time;
  model::NumberKey peer;
  bool outgoing = false, message = false;
  model::Answered answered = model::Answered::kUnknown;
  std::int32_t talk_s = -1;
  std::string_view device, cell;
};

class NumberActivities {
 public:
  explicit NumberActivities(const NumberOptions& options) : options_(options), table_(options.idle_after) {}

  void prefetch(std::uint64_t hash, unsigned stage) const { table_.prefetch_hash(hash, stage); }
  // After stages 0 and 1: what counting a contact will touch beyond the table.
  void prefetch_more(model::NumberKey number, std::uint64_t hash) const;
  void update(model::NumberKey number, std::uint64_t hash, const NumberContact& contact, EventMs watermark);
  // Null when the number is not known or idle. Valid until the next update().
  const NumberRecord* find(model::NumberKey number, std::uint64_t hash, EventMs watermark) {
    return table_.find_hash(number, hash, watermark);
  }

  void evict(EventMs watermark);
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);

  std::uint64_t size() const { return table_.size(); }
  std::uint64_t evicted() const { return table_.evicted(); }
  std::uint64_t too_old() const { return too_old_; }
  std::uint64_t bytes() const;
  std::uint64_t listed() const { return listed_; }
  std::uint64_t ledgers() const { return ledgers_; }
  std::uint64_t busy() const { return busy_.live(); }
  // Of what bytes() says: blocks in use, blocks' room taken from the system, and busy numbers.
  struct Memory {
    std::uint64_t table, blocks_used, blocks, busy;
  };
  Memory memory() const;
  // What a number takes beside its line in the table.
  std::uint64_t bytes_of(const NumberRecord& record) const;

  // For views.
  const NumberOptions& options() const { return options_; }
  using Room = InlineContacts;
  // Whole contacts outside the ledger, in time order; none of a busy number. Inline ones are written out into `room`.
  std::span<const Contact> contacts(const NumberRecord& record, Room& room) const;
  // The packed part of a number in ledger form, or of a busy one's time before; null when there is none. Valid until three
  // more were asked for, or the next update().
  const Ledger* ledger(const NumberRecord& record) const;
  // The same, but only its clock and recents are sure to be there: less to unpack.
  const Ledger* ledger_recents(const NumberRecord& record) const;
  // Fewer than n contacts of any kind in the window, for certain; of a busy number always false. One look.
  bool fewer_than(const NumberRecord& record, std::uint32_t n, Window w) const;
  std::uint32_t contacts_at_most(const NumberRecord& record) const;
  const BusyNumber& busy(const NumberRecord& record) const { return busy_.at(record.busy.handle); }
  const Places* places(const NumberRecord& record) const {
    return record.tier != NumberRecord::kBusy || record.busy.places == 0 ? nullptr
                                                                         : &places_.at(record.busy.places - 1);
  }

 private:
  struct Unpacked {
    std::uint64_t of = 0;  // block + 1, or 2^32 + handle of a busy number; 0 = nothing
    bool whole = false;    // or its recents alone
    Ledger ledger;
  };

  void add_inline(NumberRecord& record, const Contact& contact);
  void add_listed(NumberRecord& record, const Contact& contact);
  void add_ledger(NumberRecord& record, const Contact& contact);
  void add_busy(NumberRecord& record, const Contact& contact);
  void see_places(NumberRecord& record, const Contact& contact);
  bool called_before(const NumberRecord& record, std::uint32_t peer) const;
  void list_inline(NumberRecord& record);
  void shrink(NumberRecord& record);
  void purge(NumberRecord& record);
  void make_ledger(NumberRecord& record);
  bool store_ledger(NumberRecord& record, Unpacked& unpacked, bool fresh);
  void make_busy(NumberRecord& record);
  void keep_next(NumberRecord& record, const Contact& contact, bool new_step);
  bool count_late(NumberRecord& record, const Contact& contact);
  void age_before(NumberRecord& record);
  void leave_busy(NumberRecord& record);
  void set_list(NumberRecord& record, std::span<const Contact> contacts);
  void release(NumberRecord& record);
  void move_block(NumberRecord& record);
  Unpacked& unpacked(std::uint64_t of) const;
  void forget_unpacked(std::uint64_t of);
  Ledger& ledger_of(const NumberRecord& record, bool whole = true) const;
  Contact* list(const NumberRecord& record) const {
    return reinterpret_cast<Contact*>(blocks_.at(record.listed.block));
  }
  void save_record(StateWriter& out, const NumberRecord& record) const;
  void load_record(StateReader& in, NumberRecord& record);
  void load_ledger(StateReader& in, NumberRecord& record);

  NumberOptions options_;
  StateTable<model::NumberKey, NumberRecord> table_;
  BlockPool blocks_;
  ObjectPool<Places> places_;
  ObjectPool<BusyNumber> busy_;
  mutable std::array<Unpacked, 4> unpacked_;
  mutable std::size_t next_unpacked_ = 0;
  std::uint64_t listed_ = 0, ledgers_ = 0, too_old_ = 0;
  std::uint32_t sweeps_ = 0;
};

// The region a number stands for, from its own digits: the 7-digit block of a Chinese mobile number, the area code of a
// fixed one, the country code abroad. 1..1023, hashed; 0 when the number does not tell.
std::uint32_t region_of(model::NumberKey number);
bool is_night(std::uint32_t time_s, std::chrono::seconds local_offset);

}  // namespace pandun::detect
