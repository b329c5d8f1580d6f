// StateTable: one entity's state by its key, for millions of entities on one shard.
//
// Shape    256 sub-tables picked by the hash's top bits; each is open addressing in groups of 16 one-byte tags (Kulukundis,
//          "Designing a fast, efficient, cache-friendly hash table, step by step", CppCon 2017) and grows by half. A
//          growth moves one sub-table only: a few ms at 10 million entries, never a pause of seconds.
//          An entry is the key, 4 bytes of last touch and the state, at 58-87 % load (78-87 % from 900 entries a sub-table
//          on, which grow by an eighth; 88-94 % from 2,300 on, by a sixteenth) and one tag byte each.
// Idle     an entry is absent at a touch iff floor_s(watermark) - floor_s(watermark of its last touch) > idle_after. touch()
//          then hands out a new State. When evict() really gives the memory back can therefore change nothing.
// Life     references and pointers are valid until the next touch(), erase(), evict() or load().
// Prefetch stage 0 fetches the tags, stage 1 the entry; a few dozen keys ahead each stage hides a cache miss.
// Threads  one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/time.h"
#include "detect/fetch.h"
#include "detect/state_io.h"
#include "model/entity.h"

namespace pandun::detect {

inline std::uint64_t state_hash(const model::EntityKey& key) {
  return hash_of(key);
}
inline std::uint64_t state_hash(const model::IpAddress& ip) {
  return hash_of(ip);
}
inline std::uint64_t state_hash(model::NumberKey number) {
  return hash_of(model::key_of(number));
}
inline void write_key(StateWriter& out, const model::EntityKey& key) {
  out.key(key);
}
inline void write_key(StateWriter& out, const model::IpAddress& ip) {
  out.key(model::key_of(ip));
}
inline void write_key(StateWriter& out, model::NumberKey number) {
  out.u64(number.bits());
}
inline void read_key(StateReader& in, model::EntityKey& key) {
  key = in.key();
}
inline void read_key(StateReader& in, model::IpAddress& ip) {
  ip.hi = in.u64();
  ip.lo = in.u64();
}
inline void read_key(StateReader& in, model::NumberKey& number) {
  number = model::NumberKey::from_bits(in.u64());
}

// Whole seconds since 1970 in 32 bits (to 2106); what lies outside is clamped.
constexpr std::uint32_t seconds32(EventMs t) {
  return t.ms <= 0 ? 0U : t.ms >= 0xfffffffeLL * 1000 ? 0xfffffffeU : static_cast<std::uint32_t>(t.ms / 1000);
}

namespace table {
inline constexpr std::uint8_t kEmpty = 0x80, kGone = 0xfe;  // a full slot holds 7 bits of the hash
inline constexpr std::uint32_t kGroup = 16;

// Bit i set where tags[i] == wanted / where the slot holds no entry.
inline std::uint32_t match(const std::uint8_t* tags, std::uint8_t wanted) {
#if defined(__SSE2__)
  const __m128i group = _mm_load_si128(reinterpret_cast<const __m128i*>(tags));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(group, _mm_set1_epi8(static_cast<char>(wanted)))));
#else
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < kGroup; ++i) bits |= (tags[i] == wanted ? 1U : 0U) << i;
  return bits;
#endif
}
inline std::uint32_t match_free(const std::uint8_t* tags) {
#if defined(__SSE2__)
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_load_si128(reinterpret_cast<const __m128i*>(tags))));
#else
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < kGroup; ++i) bits |= static_cast<std::uint32_t>(tags[i] >> 7) << i;
  return bits;
#endif
}
}  // namespace table

template <typename Key, typename State>
class StateTable {
  static_assert(std::is_nothrow_move_constructible_v<State>);
  struct Entry {
    Key key;
    std::uint32_t touched_s;
    State state;
  };
  struct Part {
    std::uint8_t* tags = nullptr;  // groups * 16, 16-byte aligned
    Entry* entries = nullptr;
    std::uint32_t groups = 0, live = 0, gone = 0;
  };
  static constexpr unsigned kPartBits = 8;
  static constexpr std::uint32_t kLargePart = 64, kTightPart = 160;  // groups
  static constexpr std::size_t kParts = std::size_t{1} << kPartBits;

 public:
  explicit StateTable(std::chrono::seconds idle_after)
      : idle_s_(idle_after.count() >= 0xffffffffLL ? 0xffffffffU : static_cast<std::uint32_t>(idle_after.count())),
        parts_(kParts) {}
  StateTable(const StateTable&) = delete;
  StateTable& operator=(const StateTable&) = delete;
  ~StateTable() { clear(); }

  static std::uint64_t hash(const Key& key) { return state_hash(key); }
  void prefetch(const Key& key, unsigned stage = 0) const { prefetch_hash(hash(key), stage); }
  void prefetch_hash(std::uint64_t h, unsigned stage) const {
    const Part& part = parts_[h >> (64 - kPartBits)];
    if (part.groups == 0) return;
    const std::size_t base = first_group(part, h) * table::kGroup;
    if (stage == 0) {
      fetch_line(part.tags + base);
      return;
    }
    std::uint32_t hits = table::match(part.tags + base, tag_of(h));
    if (hits == 0) hits = table::match_free(part.tags + base);  // a new one will go there
    if (hits == 0) return;
    const char* entry = reinterpret_cast<const char*>(part.entries + base + static_cast<unsigned>(__builtin_ctz(hits)));
    fetch_line(entry);
    if constexpr (64 % sizeof(Entry) != 0) fetch_line(entry + sizeof(Entry) - 1);  // it may lie across two lines
  }

  // The state as it stands, idle or not, for a further stage of prefetching; null when absent.
  const State* peek_hash(const Key& key, std::uint64_t h) const {
    const Entry* found = find_entry(parts_[h >> (64 - kPartBits)], key, h);
    return found == nullptr ? nullptr : &found->state;
  }

  // Finds or makes. `fresh` tells that the state is new (never seen, or idle for too long); `release(State&)` is called on
  // a state that is dropped because it was idle.
  State& touch(const Key& key, EventMs watermark, bool* fresh = nullptr) {
    return touch_hash(key, hash(key), watermark, fresh, [](State&) {});
  }
  template <typename Release>
  State& touch_hash(const Key& key, std::uint64_t h, EventMs watermark, bool* fresh, Release release) {
    const std::uint32_t now = seconds32(watermark);
    Part& part = parts_[h >> (64 - kPartBits)];
    if (Entry* found = find_entry(part, key, h); found != nullptr) {
      const bool idle = is_idle(*found, now);
      if (idle) {
        release(found->state);
        found->state.~State();
        new (&found->state) State();
        ++idle_dropped_;
      }
      if (fresh != nullptr) *fresh = idle;
      if (now > found->touched_s || idle) found->touched_s = now;
      return found->state;
    }
    if (fresh != nullptr) *fresh = true;
    return insert(part, key, h, now, State())->state;
  }

  // Without touching: null when absent or idle at this watermark.
  State* find(const Key& key, EventMs watermark) { return find_hash(key, hash(key), watermark); }
  State* find_hash(const Key& key, std::uint64_t h, EventMs watermark) {
    Entry* found = find_entry(parts_[h >> (64 - kPartBits)], key, h);
    return found == nullptr || is_idle(*found, seconds32(watermark)) ? nullptr : &found->state;
  }

  bool erase(const Key& key) {
    const std::uint64_t h = hash(key);
    Part& part = parts_[h >> (64 - kPartBits)];
    Entry* found = find_entry(part, key, h);
    if (found == nullptr) return false;
    remove(part, static_cast<std::size_t>(found - part.entries));
    return true;
  }

  // Sweeps the next 1/16 of the table: drops what is idle, shrinks what became sparse.
  void evict(EventMs watermark) {
    evict(watermark, [](State&) {});
  }
  template <typename Release>
  void evict(EventMs watermark, Release release) {
    evict(watermark, release, [](State&) {});
  }
  // visit(State&) is called on what stays.
  template <typename Release, typename Visit>
  void evict(EventMs watermark, Release release, Visit visit) {
    const std::uint32_t now = seconds32(watermark);
    for (std::size_t i = 0; i < kParts / 16; ++i) sweep(parts_[sweep_at_++ % kParts], now, release, visit);
  }

  // f(const Key&, State&) for every entry, idle ones too.
  template <typename F>
  void for_each(F f) {
    for (Part& part : parts_)
      for (std::size_t i = 0; i < slots(part); ++i)
        if (part.tags[i] < table::kEmpty) f(part.entries[i].key, part.entries[i].state);
  }

  // write(StateWriter&, const State&); read(StateReader&, State&) adds to what is there. A key met twice is a fault.
  template <typename Write>
  void save(StateWriter& out, Write write) const {
    out.varint(size_);
    for (const Part& part : parts_) {
      for (std::size_t i = 0; i < slots(part); ++i) {
        if (part.tags[i] >= table::kEmpty) continue;
        write_key(out, part.entries[i].key);
        out.u32(part.entries[i].touched_s);
        write(out, part.entries[i].state);
      }
    }
  }
  template <typename Read>
  Result<> load(StateReader& in, Read read) {
    return load(in, read, [](State&) {});
  }
  template <typename Read, typename Release>
  Result<> load(StateReader& in, Read read, Release release) {
    const std::uint64_t count = in.varint();
    for (std::uint64_t i = 0; i < count && in.ok(); ++i) {
      Key key{};
      read_key(in, key);
      const std::uint32_t touched = in.u32();
      State state{};
      read(in, state);
      const std::uint64_t h = hash(key);
      if (!in.ok() || !in.owns(h)) {
        release(state);
        continue;
      }
      Part& part = parts_[h >> (64 - kPartBits)];
      if (find_entry(part, key, h) != nullptr) {
        release(state);
        in.fail("a key stands twice in a table");
        break;
      }
      insert(part, key, h, touched, std::move(state));
    }
    return in.status();
  }

  void clear() {
    for (Part& part : parts_) {
      for (std::size_t i = 0; i < slots(part); ++i)
        if (part.tags[i] < table::kEmpty) part.entries[i].~Entry();
      release_memory(part);
    }
    size_ = 0;
  }

  std::uint64_t size() const { return size_; }  // idle ones not yet swept included
  std::uint64_t evicted() const { return evicted_ + idle_dropped_; }
  std::uint64_t bytes() const { return bytes_ + kParts * sizeof(Part); }
  std::chrono::seconds idle_after() const { return std::chrono::seconds(idle_s_); }

 private:
  static std::size_t slots(const Part& part) { return std::size_t{part.groups} * table::kGroup; }
  static std::uint8_t tag_of(std::uint64_t h) { return static_cast<std::uint8_t>(h & 0x7f); }
  static std::size_t first_group(const Part& part, std::uint64_t h) {
    return static_cast<std::size_t>((((h >> 24) & 0xffffffffU) * part.groups) >> 32);
  }
  bool is_idle(const Entry& entry, std::uint32_t now) const {
    return now > entry.touched_s && now - entry.touched_s > idle_s_;
  }

  static Entry* find_entry(const Part& part, const Key& key, std::uint64_t h) {
    if (part.groups == 0) return nullptr;
    std::size_t group = first_group(part, h);
    for (std::uint32_t tried = 0; tried < part.groups; ++tried) {
      const std::size_t base = group * table::kGroup;
      for (std::uint32_t hits = table::match(part.tags + base, tag_of(h)); hits != 0; hits &= hits - 1) {
        Entry* entry = part.entries + base + static_cast<unsigned>(__builtin_ctz(hits));
        if (entry->key == key) return entry;
      }
      if (table::match(part.tags + base, table::kEmpty) != 0) return nullptr;
      group = group + 1 == part.groups ? 0 : group + 1;
    }
    return nullptr;
  }

  // The key is known to be absent.
  Entry* insert(Part& part, const Key& key, std::uint64_t h, std::uint32_t touched, State&& state) {
    if (crowded(part)) regrow(part);
    Entry* entry = place(part, h);
    new (entry) Entry{key, touched, std::move(state)};
    ++part.live;
    ++size_;
    return entry;
  }

  // Where memory counts for more than a look into a second group: from some 600,000 entries on.
  static bool crowded(const Part& part) {
    const std::size_t taken = std::size_t{part.live} + part.gone + 1;
    return part.groups < kTightPart ? taken * 8 > slots(part) * 7 : taken * 16 > slots(part) * 15;
  }

  static Entry* place(Part& part, std::uint64_t h) {
    for (std::size_t group = first_group(part, h);; group = group + 1 == part.groups ? 0 : group + 1) {
      const std::size_t base = group * table::kGroup;
      const std::uint32_t free = table::match_free(part.tags + base);
      if (free == 0) continue;
      const std::size_t slot = base + static_cast<unsigned>(__builtin_ctz(free));
      if (part.tags[slot] == table::kGone) --part.gone;
      part.tags[slot] = tag_of(h);
      return part.entries + slot;
    }
  }

  void remove(Part& part, std::size_t slot) {
    part.entries[slot].~Entry();
    const std::size_t base = slot / table::kGroup * table::kGroup;
    const bool never_full = table::match(part.tags + base, table::kEmpty) != 0;  // no search ever went past this group
    part.tags[slot] = never_full ? table::kEmpty : table::kGone;
    if (!never_full) ++part.gone;
    --part.live;
    --size_;
  }

  template <typename Release, typename Visit>
  void sweep(Part& part, std::uint32_t now, Release release, Visit visit) {
    if (part.live == 0) return;
    for (std::size_t i = 0; i < slots(part); ++i) {
      if (part.tags[i] >= table::kEmpty) continue;
      if (!is_idle(part.entries[i], now)) {
        visit(part.entries[i].state);
        continue;
      }
      release(part.entries[i].state);
      remove(part, i);
      ++evicted_;
    }
    if (part.live == 0) {
      release_memory(part);
    } else if (part.groups > 2 && std::size_t{part.live} * 4 < slots(part)) {
      rehash(part, part.groups / 2);
    }
  }

  void regrow(Part& part) {
    const std::size_t half = slots(part) / 2;
    if (part.groups != 0 && part.live < half) {
      rehash(part, part.groups);  // only the removed ones stood in the way
    } else {
      rehash(part, part.groups < 2            ? part.groups + 1
                   : part.groups < kLargePart ? part.groups + part.groups / 2
                   : part.groups < kTightPart ? part.groups + part.groups / 8
                                              : part.groups + part.groups / 16);
    }
  }

  void rehash(Part& part, std::uint32_t groups) {
    Part next;
    next.groups = groups;
    next.tags = static_cast<std::uint8_t*>(::operator new (slots(next), std::align_val_t{16}));
    std::memset(next.tags, table::kEmpty, slots(next));
    next.entries = static_cast<Entry*>(::operator new (slots(next) * sizeof(Entry), std::align_val_t{64}));
    bytes_ += slots(next) * (sizeof(Entry) + 1);
    for (std::size_t i = 0; i < slots(part); ++i) {
      if (part.tags[i] >= table::kEmpty) continue;
      Entry& old = part.entries[i];
      new (place(next, hash(old.key))) Entry(std::move(old));
      old.~Entry();
    }
    next.live = part.live;
    release_memory(part);
    part = next;
  }

  void release_memory(Part& part) {
    if (part.groups == 0) return;
    bytes_ -= slots(part) * (sizeof(Entry) + 1);
    ::operator delete (part.tags, std::align_val_t{16});
    ::operator delete (part.entries, std::align_val_t{64});
    part = Part{};
  }

  std::uint32_t idle_s_;
  std::vector<Part> parts_;
  std::uint64_t size_ = 0, bytes_ = 0, evicted_ = 0, idle_dropped_ = 0;
  std::size_t sweep_at_ = 0;
};

}  // namespace pandun::detect
