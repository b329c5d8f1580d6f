// How a number's recent behaviour is stored; what it means is in number_activity.h.
//
// Shape    NumberRecord is 52 bytes so that key, last touch and record fill one 64-byte line of the table. It holds up to
//          3 contacts in short form (one device and one cell between them), or points at a list of whole ones, or at a
//          BusyNumber. Inline and list are two stores of the same thing: which one is used can change at any time without
//          changing any feature. Becoming busy, and leaving it, depends on the number's own events alone.
// Safety   peers are 32-bit hashes; the number itself is the table's key and never leaves the engine but sealed.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "detect/distinct.h"
#include "detect/features/contact.h"
#include "detect/features/number_activity.h"
#include "detect/features/options.h"
#include "detect/slab.h"
#include "detect/state_table.h"

namespace pandun::detect {

inline constexpr std::uint32_t kListedContacts = 128, kQuietContacts = 64;
inline constexpr std::uint32_t kSilenceS = 24 * 3600, kShortTalkS = 10, kTalkMaxS = (1U << 14) - 1;

struct NumberRecord {
  enum Tier : std::uint8_t { kInline, kListed, kBusy };
  struct Listed {
    std::uint32_t block;
    std::uint32_t places;  // of a busy one: handle + 1, 0 = none
    std::uint32_t busy;    // handle, for kBusy
    std::uint16_t size;
    std::uint8_t size_class;
  };
  std::uint32_t first_s = 0, newest_s = 0;
  std::uint16_t silence_h = 0;    // the latest silence, 0 = none
  std::uint16_t woke_h : 12 = 0;  // hour in which it ended, modulo 4096
  std::uint16_t size : 2 = 0;     // contacts inline
  std::uint16_t tier : 2 = kInline;
  std::uint16_t device = 0, cell = 0;  // of the inline contacts that have one
  union {
    ShortContact contacts[kInlineContacts];
    Listed listed;
  };
  NumberRecord() : contacts{} {}
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
  struct CallsOut {
    WindowRings<kOutCounters> counts;
    DistinctWindows callees;
    std::array<std::uint32_t, 1024> region_step{};  // last half-hour + 1 each region was called in
  };
  struct CallsIn {
    WindowRings<2> counts;  // calls, returns
    DistinctWindows callers;
  };
  struct Messages {
    WindowRings<1> counts;
    DistinctWindows peers;
  };
  std::unique_ptr<CallsOut> calls_out;
  std::unique_ptr<CallsIn> calls_in;
  std::unique_ptr<Messages> messages_out, messages_in;
  std::uint32_t clock_s = 0;  // the rings stand here
  // Once it is quiet enough, contacts are listed again; when the list covers the longest window, the number leaves here.
  bool listing = false;
  std::uint32_t listing_from_s = 0;
  std::vector<Contact> list;

  std::uint64_t total_7d() const;
  void advance(std::uint32_t now_s);
  void add(const Contact& contact);
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
  std::uint64_t busy() const { return busy_.live(); }

  // For views.
  const NumberOptions& options() const { return options_; }
  using Inline = InlineContacts;
  // In time order; not for busy ones. Inline contacts are written out whole into `room`.
  std::span<const Contact> contacts(const NumberRecord& record, Inline& room) const;
  // Fewer than n contacts of any kind at or after `start`; of a busy number always false. One look.
  bool fewer_than(const NumberRecord& record, std::uint32_t n, std::uint32_t start) const;
  const BusyNumber& busy(const NumberRecord& record) const { return busy_.at(record.listed.busy); }
  const Places* places(const NumberRecord& record) const {
    return record.tier != NumberRecord::kBusy || record.listed.places == 0 ? nullptr
                                                                           : &places_.at(record.listed.places - 1);
  }

 private:
  using Pool = SlabPool<Contact, 5>;
  static_assert(Pool::kCapacityMax == kListedContacts);

  void add_inline(NumberRecord& record, const Contact& contact);
  void add_listed(NumberRecord& record, const Contact& contact);
  void add_busy(NumberRecord& record, const Contact& contact);
  void see_places(NumberRecord& record, const Contact& contact);
  bool called_before(const NumberRecord& record, std::uint32_t peer) const;
  void list_inline(NumberRecord& record);
  void shrink(NumberRecord& record);
  void purge(NumberRecord& record);
  void make_busy(NumberRecord& record);
  void leave_busy(NumberRecord& record);
  void set_list(NumberRecord& record, std::span<const Contact> contacts);
  void release(NumberRecord& record);
  void save_record(StateWriter& out, const NumberRecord& record) const;
  void load_record(StateReader& in, NumberRecord& record);

  NumberOptions options_;
  StateTable<model::NumberKey, NumberRecord> table_;
  Pool lists_;
  ObjectPool<Places> places_;
  ObjectPool<BusyNumber> busy_;
  std::uint64_t listed_ = 0, too_old_ = 0;
};

// The region a number stands for, from its own digits: the 7-digit block of a Chinese mobile number, the area code of a
// fixed one, the country code abroad. 1..1023, hashed; 0 when the number does not tell.
std::uint32_t region_of(model::NumberKey number);
bool is_night(std::uint32_t time_s, std::chrono::seconds local_offset);

}  // namespace pandun::detect
