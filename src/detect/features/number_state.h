// How a number's recent behaviour is stored; what it means is in number_activity.h.
//
// Shape    NumberRecord is 20 bytes so that key, last touch and record fill half a 64-byte line of the table. Beside it stands
//            bare    nothing, or
//            listed  a list of the contacts of 24 h, and a packed history of the 30 d before (number_history.h), or
//            packed  the same, the list packed too (contact_pack.h), or
//            busy    a BusyNumber: counters by step, and the packed history of the time before.
//          Listed and packed are two stores of the same thing, and no feature can tell them apart: the numbers touched last
//          are listed, up to NumberOptions::listed_most, the others packed. Contacts that left the 24 h may stay in the list
//          until there is a reason to move them; they count as if they stood in the history. A number is busy from its
//          NumberOptions::busy_from-th contact in 24 h on, by its own events alone.
// Safety   peers are hashes; the number itself is the table's key and never leaves the engine but sealed.
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "detect/block_pool.h"
#include "detect/features/busy_number.h"
#include "detect/features/contact.h"
#include "detect/features/contact_pack.h"
#include "detect/features/number_activity.h"
#include "detect/features/number_history.h"
#include "detect/features/options.h"
#include "detect/features/regions.h"
#include "detect/slab.h"
#include "detect/state_table.h"

namespace pandun::detect {

inline constexpr std::uint32_t kSilenceS = 24 * 3600;

struct NumberRecord {
  enum Form : std::uint8_t { kBare, kListed, kPacked, kBusy };
  std::uint32_t first_s = 0, newest_s = 0;
  std::uint16_t silence_h = 0;    // the latest silence, 0 = none
  std::uint16_t woke_h : 12 = 0;  // hour in which it ended, modulo 4096
  std::uint16_t form : 2 = kBare;
  std::uint16_t again : 1 = 0;  // listed: touched since it was queued to be packed
  std::uint16_t unused : 1 = 0;
  std::uint32_t block = 0;  // busy: its handle
  std::uint16_t size = 0;   // listed: contacts
  std::uint8_t size_class = 0;
  std::uint8_t history_contacts = 0;  // listed: as in its header
};
static_assert(sizeof(NumberRecord) == 20 && alignof(NumberRecord) == 4);

// In front of a list's contacts.
struct ListHeader {
  std::uint32_t history;        // block
  std::uint16_t history_bytes;  // 0 = none
  std::uint8_t history_class;
  std::uint8_t history_contacts;  // an upper bound, coded
  std::uint64_t unused;
};
static_assert(sizeof(ListHeader) == sizeof(Contact));

// One contact as an event tells it, from the number's own side.
struct NumberContact {
  EventMs time;
  model::NumberKey peer;
  bool outgoing = false, message = false;
  model::Answered answered = model::Answered::kUnknown;
  std::int32_t talk_s = -1;
  std::string_view device, cell;
  bool international = false, roaming = false;  // the feed says so; roaming: of the number itself
};

class NumberActivities {
 public:
  explicit NumberActivities(const NumberOptions& options) : options_(options), table_(options.idle_after) {}

  void prefetch(std::uint64_t hash, unsigned stage) const { table_.prefetch_hash(hash, stage); }
  // After stages 0 and 1: what counting a contact will touch beyond the table.
  void prefetch_more(model::NumberKey number, std::uint64_t hash) const;
  void update(model::NumberKey number, std::uint64_t hash, const NumberContact& contact, EventMs watermark);
  // Null when the number is not known or idle. Valid until the next update(). Never packed: it is unpacked for that.
  const NumberRecord* find(model::NumberKey number, std::uint64_t hash, EventMs watermark);

  // As it stands; for counting bytes alone.
  const NumberRecord* peek(model::NumberKey number, std::uint64_t hash) const { return table_.peek_hash(number, hash); }

  void evict(EventMs watermark);
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);

  std::uint64_t size() const { return table_.size(); }
  std::uint64_t evicted() const { return table_.evicted(); }
  std::uint64_t too_old() const { return too_old_; }
  std::uint64_t bytes() const;
  std::uint64_t listed() const { return listed_; }
  std::uint64_t packed() const { return packed_; }
  std::uint64_t busy() const { return busy_.live(); }
  // Of what bytes() says: blocks in use, blocks' room taken from the system, and busy numbers.
  struct Memory {
    std::uint64_t table, blocks_used, blocks, busy;
  };
  Memory memory() const;
  // What a number takes beside its line in the table.
  std::uint64_t bytes_of(const NumberRecord& record) const;

  // For views; of records that find() gave or update() made.
  const NumberOptions& options() const { return options_; }
  // In time order, some older than 24 h; none of a busy number. Valid until the next update().
  std::span<const Contact> contacts(const NumberRecord& record) const;
  // What left the 24 h at the number's own clock; null when there is nothing. Of a busy number, what had left them when it
  // became so. Valid until three more were asked for, or the next update().
  const History* history(const NumberRecord& record) const;
  // Fewer than n contacts of any kind in the window, for certain; of a busy number always false. One look.
  bool fewer_than(const NumberRecord& record, std::uint32_t n, Window w) const;
  std::uint32_t contacts_at_most(const NumberRecord& record) const;
  const BusyNumber& busy(const NumberRecord& record) const { return busy_.at(record.block); }
  const Places* places(const NumberRecord& record) const {
    return record.form != NumberRecord::kBusy ? nullptr : busy(record).places.get();
  }
  // A set of 16-bit hashes for one question: who uses it leaves it empty.
  std::bitset<65536>& scratch() const { return *scratch_; }

 private:
  struct HistoryView {
    std::uint64_t of = 0;  // block + 1, or 2^33 + handle of a busy number; 0 = nothing
    History history;
  };
  struct Unpacked {  // what a packed block holds
    std::span<const std::uint8_t> history;
    std::size_t size = 0;
    std::array<Contact, kPackedContacts> contacts;
  };

  void add_listed(NumberRecord& record, const Contact& contact, std::uint32_t peer);
  void add_late(NumberRecord& record, const Contact& contact);
  void add_busy(NumberRecord& record, const Contact& contact, std::uint32_t peer);
  static void see_places(BusyNumber& busy, const Contact& contact, std::uint32_t newest_s);
  bool called_before(const NumberRecord& record, std::uint16_t peer16, std::uint32_t peer) const;

  bool unpack(std::span<const std::uint8_t> bytes, std::uint32_t now_s, Unpacked& out) const;
  std::size_t pack(std::span<const Contact> contacts, std::span<const std::uint8_t> history,
                   std::uint8_t history_contacts,
                   std::uint32_t now_s) const;  // into pack_room_
  void list_packed(NumberRecord& record);
  void pack_listed(NumberRecord& record);
  void pack_oldest();
  void new_list(NumberRecord& record, std::span<const Contact> contacts, const ListHeader& header);
  // Room for so many more contacts than there are. Where memory is short, little; where it is not, lists seldom move.
  std::size_t spare_room(std::size_t size) const {
    if (packed_ != 0 || size < 3) return std::max<std::size_t>(3, size / 8);
    return std::max<std::size_t>(6, size);
  }
  void resize_list(NumberRecord& record, std::size_t room);
  std::size_t expired(const NumberRecord& record) const;
  // Moves what left the 24 h into the history.
  void fold(NumberRecord& record);
  void fold(std::span<const Contact> contacts, std::uint32_t now_s, History& into) const;
  bool read_history(const NumberRecord& record, History& out) const;
  void store_history(NumberRecord& record, const History& history);

  void make_busy(NumberRecord& record);
  void leave_busy(NumberRecord& record);
  static void meet_places(const BusyNumber& busy, std::span<const Contact> contacts, History& history);
  void release(NumberRecord& record);
  void move_blocks(NumberRecord& record);
  void move_block(std::uint32_t& block, unsigned size_class);
  void forget_views(const NumberRecord& record) const;

  std::uint8_t* bytes_at(const NumberRecord& record) const { return blocks_.at(record.block, record.size_class); }
  ListHeader& header(const NumberRecord& record) const { return *reinterpret_cast<ListHeader*>(bytes_at(record)); }
  Contact* list(const NumberRecord& record) const { return reinterpret_cast<Contact*>(bytes_at(record)) + 1; }
  static std::size_t room_of(const NumberRecord& record) {
    return BlockPool::size_of(record.size_class) / sizeof(Contact) - 1;
  }
  void save_record(StateWriter& out, const NumberRecord& record) const;
  void load_record(StateReader& in, NumberRecord& record);

  NumberOptions options_;
  StateTable<model::NumberKey, NumberRecord> table_;
  BlockPool blocks_;
  ObjectPool<BusyNumber> busy_;
  std::deque<model::NumberKey> queue_;  // listed ones, the first to be packed in front; some may be gone
  std::uint64_t listed_ = 0, packed_ = 0, too_old_ = 0;
  std::uint32_t sweeps_ = 0;
  mutable std::array<HistoryView, 4> histories_;
  mutable std::size_t next_history_ = 0;
  mutable bool any_view_ = false;
  mutable std::array<std::uint8_t, 12 * 1024> pack_room_;
  std::unique_ptr<std::bitset<65536>> scratch_ = std::make_unique<std::bitset<65536>>();
};

}  // namespace pandun::detect
