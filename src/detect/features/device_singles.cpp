#include "detect/features/device_singles.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "detect/fetch.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pandun::detect {
namespace {

constexpr std::uint32_t kEmpty = 0, kGone = 0xffffffff;
constexpr std::uint32_t kYoung = 2048;  // half-hours: first uses less long ago are told exactly
constexpr std::uint32_t kOldestDays = 2000;

// Bit i set where ids[i] == wanted.
std::uint32_t match(const std::uint32_t* ids, std::uint32_t wanted) {
#if defined(__SSE2__)
  const __m128i w = _mm_set1_epi32(static_cast<int>(wanted));
  const auto equal = [&](unsigned i) {
    return _mm_cmpeq_epi32(_mm_load_si128(reinterpret_cast<const __m128i*>(ids + i)), w);
  };
  const __m128i low = _mm_packs_epi32(equal(0), equal(4)), high = _mm_packs_epi32(equal(8), equal(12));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(_mm_packs_epi16(low, high)));
#else
  std::uint32_t bits = 0;
  for (std::uint32_t i = 0; i < 16; ++i) bits |= (ids[i] == wanted ? 1U : 0U) << i;
  return bits;
#endif
}

}  // namespace

DeviceSingles::~DeviceSingles() {
  for (Part& part : parts_) free(part);
}

// Bits that choose the shard are among them: devices that share an id share the shard, however many there are.
std::uint32_t DeviceSingles::id_of(std::uint64_t hash) {
  return std::clamp(static_cast<std::uint32_t>(hash >> 8), kEmpty + 1, kGone - 1);
}
std::uint32_t DeviceSingles::first_group(const Part& part, std::uint32_t id) {
  return static_cast<std::uint32_t>(std::uint64_t{id * 0x9e3779b1U} * part.groups >> 32);
}

DeviceSingles::Packed DeviceSingles::pack(const Single& s) {
  std::uint32_t first = s.first % kYoung;
  if (s.last - s.first >= kYoung) {
    const std::uint32_t last_day = s.last / kDaySteps;
    first = kYoung | std::max(s.first / kDaySteps, last_day - std::min(last_day, kOldestDays)) % kYoung;
  }
  const std::uint64_t bits =
      s.number | s.kind << kNumberBits | std::uint64_t{s.last & 4095U} << 24 | std::uint64_t{first} << 36;
  Packed out;
  std::memcpy(out.words, &bits, sizeof(out));
  return out;
}

DeviceSingles::Single DeviceSingles::unpack(const Part& part, std::size_t at) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, part.values[at].words, sizeof(Packed));
  Single s;
  s.number = bits & kNumberMask;
  s.kind = static_cast<std::uint32_t>(bits >> kNumberBits) & 3U;
  // Wrapping around 2^32 is harmless: it is a multiple of 4,096.
  const std::uint32_t from = part.swept - kBehind;
  s.last = from + ((static_cast<std::uint32_t>(bits >> 24) - from) & 4095U);
  const auto first = static_cast<std::uint32_t>(bits >> 36);
  if ((first & kYoung) == 0) {
    s.first = s.last - ((s.last - first) & (kYoung - 1));
  } else {
    const std::uint32_t last_day = s.last / kDaySteps;
    s.first = (last_day - ((last_day - first) & (kYoung - 1))) * kDaySteps;
  }
  return s;
}

std::size_t DeviceSingles::slot_of(const Part& part, std::uint32_t id) {
  if (part.groups == 0) return 0;
  std::uint32_t group = first_group(part, id);
  for (std::uint32_t tried = 0; tried < part.groups; ++tried) {
    const std::size_t base = std::size_t{group} * kGroup;
    if (const std::uint32_t hit = match(part.ids + base, id); hit != 0)
      return base + static_cast<unsigned>(__builtin_ctz(hit));
    if (match(part.ids + base, kEmpty) != 0) break;
    group = group + 1 == part.groups ? 0 : group + 1;
  }
  return slots(part);
}

bool DeviceSingles::prefetch(std::uint64_t hash, unsigned stage) const {
  const Part& part = parts_[hash >> 56];
  if (part.groups == 0) return false;
  const std::uint32_t id = id_of(hash);
  if (stage == 0) {
    fetch_line(part.ids + std::size_t{first_group(part, id)} * kGroup);
    return false;
  }
  const std::size_t at = slot_of(part, id);
  if (at == slots(part)) return false;
  fetch_line(part.values + at);
  return true;
}

DeviceSingles::Found DeviceSingles::find(std::uint64_t hash, std::uint32_t now) {
  Part& part = parts_[hash >> 56];
  if (now > part.swept + kSweepAfter) sweep(part, now);
  const std::size_t at = slot_of(part, id_of(hash));
  if (at == slots(part)) return {};
  const Single single = unpack(part, at);
  if (idle(single, now)) {
    remove(part, at);
    ++evicted_;
    return {};
  }
  return {single, &part, at};
}

void DeviceSingles::change(const Found& found, const Single& single) {
  Single s = single;
  s.last = std::min(s.last, found.part->swept + kAhead);
  s.first = std::min(s.first, s.last);
  found.part->values[found.at] = pack(s);
}

void DeviceSingles::put(std::uint64_t hash, std::uint32_t now, const Single& single) {
  if (const Found found = find(hash, now)) return change(found, single);
  Part& part = parts_[hash >> 56];
  if (!idle(single, std::max(now, part.swept))) insert(part, id_of(hash), single);
}

// It is known to be absent, and not to be idle at the part's sweep.
void DeviceSingles::insert(Part& part, std::uint32_t id, Single single) {
  if (part.live == 0 && part.swept == 0) part.swept = single.last;
  if ((std::size_t{part.live} + part.gone + 1) * 16 > slots(part) * 15) {
    const bool tombs = part.groups != 0 && std::size_t{part.gone} * 16 >= slots(part);
    rehash(part, tombs              ? part.groups
                 : part.groups < 16 ? part.groups + part.groups / 2 + (part.groups < 2 ? 1 : 0)
                                    : part.groups + part.groups / 16);
  }
  const std::size_t at = place(part, id);
  if (part.ids[at] == kGone) --part.gone;
  part.ids[at] = id;
  ++part.live;
  ++size_;
  change({{}, &part, at}, single);
}

std::size_t DeviceSingles::place(const Part& part, std::uint32_t id) {
  for (std::uint32_t group = first_group(part, id);; group = group + 1 == part.groups ? 0 : group + 1) {
    const std::size_t base = std::size_t{group} * kGroup;
    const std::uint32_t room = match(part.ids + base, kEmpty) | match(part.ids + base, kGone);
    if (room != 0) return base + static_cast<unsigned>(__builtin_ctz(room));
  }
}

void DeviceSingles::remove(Part& part, std::size_t at) {
  const bool never_full = match(part.ids + at / kGroup * kGroup, kEmpty) != 0;  // no search went past this group
  part.ids[at] = never_full ? kEmpty : kGone;
  if (!never_full) ++part.gone;
  --part.live;
  --size_;
}

void DeviceSingles::evict(std::uint32_t now) {
  for (std::size_t i = 0; i < kParts / 16; ++i) sweep(parts_[sweep_at_++ % kParts], now);
}

void DeviceSingles::sweep(Part& part, std::uint32_t now) {
  if (now <= part.swept) return;
  for (std::size_t at = 0; at < slots(part); ++at) {
    if (part.ids[at] == kEmpty || part.ids[at] == kGone || !idle(unpack(part, at), now)) continue;
    remove(part, at);
    ++evicted_;
  }
  part.swept = now;  // what is left was used within kIdleSteps before it
  if (part.live == 0) return free(part);
  const auto fitting = static_cast<std::uint32_t>(std::uint64_t{part.live} * 10 / 9 / kGroup + 1);
  if (std::size_t{part.live} * 4 < slots(part) * 3 && fitting < part.groups) rehash(part, fitting);
}

void DeviceSingles::rehash(Part& part, std::uint32_t groups) {
  Part next;
  next.groups = groups;
  next.live = part.live;
  next.swept = part.swept;
  next.ids = static_cast<std::uint32_t*>(::operator new (slots(next) * sizeof(std::uint32_t), std::align_val_t{64}));
  next.values = static_cast<Packed*>(::operator new (slots(next) * sizeof(Packed), std::align_val_t{64}));
  std::memset(next.ids, 0, slots(next) * sizeof(std::uint32_t));
  std::memset(static_cast<void*>(next.values), 0, slots(next) * sizeof(Packed));
  bytes_ += slots(next) * (sizeof(std::uint32_t) + sizeof(Packed));
  for (std::size_t at = 0; at < slots(part); ++at) {
    if (part.ids[at] == kEmpty || part.ids[at] == kGone) continue;
    const std::size_t to = place(next, part.ids[at]);
    next.ids[to] = part.ids[at];
    next.values[to] = part.values[at];
  }
  free(part);
  part = next;
}

void DeviceSingles::free(Part& part) {
  const std::uint32_t swept = part.swept;
  if (part.groups != 0) {
    bytes_ -= slots(part) * (sizeof(std::uint32_t) + sizeof(Packed));
    ::operator delete (part.ids, std::align_val_t{64});
    ::operator delete (part.values, std::align_val_t{64});
  }
  part = Part{};
  part.swept = swept;
}

void DeviceSingles::save(StateWriter& out) const {
  for (const Part& part : parts_) {
    out.varint(part.swept);
    out.varint(part.live);
    for (std::size_t at = 0; at < slots(part); ++at) {
      if (part.ids[at] == kEmpty || part.ids[at] == kGone) continue;
      const Single single = unpack(part, at);
      out.u32(part.ids[at]);
      out.varint(single.number | single.kind << kNumberBits);
      out.varint(single.last - (part.swept - std::min(part.swept, kBehind)));
      out.varint(single.last - single.first);
    }
  }
}

void DeviceSingles::load(StateReader& in) {
  for (Part& part : parts_) {
    const auto swept = static_cast<std::uint32_t>(std::min<std::uint64_t>(in.varint(), kStepMax + 1ULL));
    if (swept > kStepMax) return in.fail("devices were swept after the end of time");
    sweep(part, swept);
    const std::uint64_t live = in.varint();
    for (std::uint64_t i = 0; i < live && in.ok(); ++i) {
      const std::uint32_t id = in.u32();
      const std::uint64_t number = in.varint(), last = in.varint(), age = in.varint();
      Single single;
      single.number = number & kNumberMask;
      single.kind = static_cast<std::uint32_t>(number >> kNumberBits) & 3U;
      single.last = static_cast<std::uint32_t>(std::min<std::uint64_t>(last, kBehind + kAhead)) +
                    (swept - std::min(swept, kBehind));
      if (id == kEmpty || id == kGone || single.number == 0 || number >> 24 != 0 || last > kBehind + kAhead ||
          age > single.last)
        return in.fail("a device of one number is not possible");
      single.first = single.last - static_cast<std::uint32_t>(age);
      // What another shard swept later knows that the watermark has passed it.
      if (!in.ok() || !in.owns(std::uint64_t{id} << 8) || idle(single, part.swept)) continue;
      if (slot_of(part, id) != slots(part)) return in.fail("a device of one number stands twice");
      insert(part, id, single);
    }
  }
}

}  // namespace pandun::detect
