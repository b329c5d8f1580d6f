#include "detect/features/seen_things.h"

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace pandun::detect {
namespace {

constexpr double kPrints = 65536;

// The smallest prints of those met so far: below which threshold one is kept.
class Best {
 public:
  Best() {
    places_.fill(kNone);
    places_[0] = kLeast;
  }
  std::uint32_t threshold() const {  // 65,536 until there are so many
    return size_ < SeenThings::kBest ? 65536U : static_cast<std::uint32_t>(places_[SeenThings::kBest] - kLeast);
  }
  // Not one that is there; the largest gives way. What stands at a place then is told by it and the one before: eight at a time.
  void push(std::uint16_t print) {
    size_ += size_ < SeenThings::kBest ? 1U : 0U;
    const auto own = static_cast<std::int16_t>(print + kLeast);
#if defined(__SSE2__)
    const __m128i pushed = _mm_set1_epi16(own);
    __m128i next[kPlaces / 8];
    for (std::size_t i = 0; i < kPlaces / 8; ++i) {
      const auto* at = reinterpret_cast<const __m128i*>(places_.data() + 8 * i);
      const auto* after = reinterpret_cast<const __m128i*>(places_.data() + 8 * i + 1);
      next[i] = _mm_min_epi16(_mm_loadu_si128(after), _mm_max_epi16(_mm_loadu_si128(at), pushed));
    }
    std::memcpy(places_.data() + 1, next, sizeof(next));
#else
    for (std::size_t i = kPlaces; i > 0; --i) places_[i] = std::min(places_[i], std::max(places_[i - 1], own));
#endif
  }

 private:
  // Prints begin there: processors order eight signed ones at once.
  static constexpr std::int16_t kLeast = std::numeric_limits<std::int16_t>::min();
  static constexpr std::int16_t kNone = std::numeric_limits<std::int16_t>::max();
  static constexpr std::size_t kPlaces = 32;
  static_assert(kPlaces >= SeenThings::kBest);
  std::array<std::int16_t, kPlaces + 1> places_;  // ascending, behind one that is below all
  std::size_t size_ = 0;
};

}  // namespace

template <Window kHeld>
std::size_t SeenThingsOf<kHeld>::find(std::uint16_t print) const {
  const std::uint16_t* all = prints();
#if defined(__SSE2__)
  static_assert(kGrowth % 8 == 0);
  const __m128i wanted = _mm_set1_epi16(static_cast<short>(print));
  for (std::size_t at = 0; at < size_; at += 8) {
    const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i*>(all + at));
    const auto hits = static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi16(eight, wanted)));
    if (hits == 0) continue;
    const std::size_t found = at + static_cast<std::size_t>(std::countr_zero(hits)) / 2;
    return std::min<std::size_t>(found, size_);
  }
  return size_;
#else
  return static_cast<std::size_t>(std::find(all, all + size_, print) - all);
#endif
}

template <Window kHeld>
void SeenThingsOf<kHeld>::add(std::uint16_t print, std::uint32_t time_s) {
  if (time_s < oldest()) return;
  const std::uint8_t code = code_of(time_s, now_s_);
  const std::uint32_t second = second_of(code, now_s_);
  std::size_t gap = find(print);
  if (gap == size_) {
    if (size_ == room_) make_room();
    gap = size_++;
  } else if (second_of(when()[gap], now_s_) >= second) {
    return;
  } else {  // it is met again: those after it move down
    const std::size_t after = size_ - gap - 1U;
    std::memmove(prints() + gap, prints() + gap + 1, after * 2);
    std::memmove(when() + gap, when() + gap + 1, after);
    gap = size_ - 1U;
  }
  for (; gap > 0 && second_of(when()[gap - 1], now_s_) > second; --gap) {  // late ones
    prints()[gap] = prints()[gap - 1];
    when()[gap] = when()[gap - 1];
  }
  prints()[gap] = print;
  when()[gap] = code;
}

// f(index, how many it stands for) of those that count, newest first, while it returns true. Others are passed over: when they are
// really dropped can change nothing.
template <Window kHeld>
template <typename F>
void SeenThingsOf<kHeld>::each_member(F f) const {
  Best best;
  for (std::size_t i = size_; i-- > 0;) {
    const std::uint16_t print = prints()[i];
    const std::uint32_t threshold = best.threshold();
    if (print >= threshold) continue;
    if (!f(i, kPrints / threshold)) return;
    best.push(print);
  }
}

template <Window kHeld>
double SeenThingsOf<kHeld>::count(Window w) const {
  const std::uint32_t start = start_s(std::clamp(w, Window::k1h, kHeld), now_s_);
  double prints_met = 0;
  each_member([&](std::size_t i, double stands_for) {
    if (second_of(when()[i], now_s_) < start) return false;
    prints_met += stands_for;
    return true;
  });
  // Of so many things some share a print.
  return std::round(-kPrints * std::log1p(-std::min(prints_met, kPrints - 1) / kPrints));
}

template <Window kHeld>
void SeenThingsOf<kHeld>::prune() {
  if (size_ <= kBest) return;
  std::size_t end = size_;  // those that stay, at the end for now
  each_member([&](std::size_t i, double) {
    --end;
    prints()[end] = prints()[i];
    when()[end] = when()[i];
    return true;
  });
  size_ = static_cast<std::uint16_t>(size_ - end);
  std::memmove(prints(), prints() + end, std::size_t{size_} * 2);
  std::memmove(when(), when() + end, size_);
}

template <Window kHeld>
void SeenThingsOf<kHeld>::settle(std::uint32_t before_s) {
  std::uint16_t stay = 0;
  for (std::size_t i = 0; i < size_; ++i) {
    const std::uint32_t second = second_of(when()[i], before_s);
    if (second < oldest()) continue;
    prints()[stay] = prints()[i];
    when()[stay++] = code_of(second, now_s_);
  }
  size_ = stay;
  prune();
  if (size_ + 3 * kGrowth <= room_) resize(static_cast<std::uint16_t>((size_ + 2 * kGrowth - 1) / kGrowth * kGrowth));
}

template <Window kHeld>
void SeenThingsOf<kHeld>::make_room() {
  prune();
  if (size_ + kGrowth / 2 <= room_) return;
  if (room_ < kMost) return resize(static_cast<std::uint16_t>(room_ + kGrowth));
  constexpr std::uint16_t kGone = 64;  // the oldest
  size_ = static_cast<std::uint16_t>(size_ - kGone);
  std::memmove(prints(), prints() + kGone, std::size_t{size_} * 2);
  std::memmove(when(), when() + kGone, size_);
}

template <Window kHeld>
void SeenThingsOf<kHeld>::resize(std::uint16_t room) {
  auto next = std::make_unique<std::uint8_t[]>(std::size_t{room} * 3);
  if (size_ != 0) {
    std::memcpy(next.get(), prints(), std::size_t{size_} * 2);
    std::memcpy(next.get() + std::size_t{room} * 2, when(), size_);
  }
  block_ = std::move(next);
  room_ = room;
}

template <Window kHeld>
void SeenThingsOf<kHeld>::save(StateWriter& out) const {
  out.u32(now_s_);
  out.u16(room_);
  out.u16(size_);
  for (std::size_t i = 0; i < size_; ++i) {
    out.u16(prints()[i]);
    out.u8(when()[i]);
  }
}

template <Window kHeld>
void SeenThingsOf<kHeld>::load(StateReader& in) {
  *this = SeenThingsOf();
  now_s_ = in.u32();
  const std::uint16_t room = in.u16(), size = in.u16();
  if (room > kMost || room % kGrowth != 0 || size > room)
    return in.fail("a set of seen things is larger than its bound");
  if (room != 0) resize(room);
  std::uint32_t before = 0;
  for (; size_ < size && in.ok(); ++size_) {
    const std::uint16_t print = in.u16();
    const std::uint8_t code = in.u8();
    const std::uint32_t second = second_of(code, now_s_);
    if (second > now_s_ || second < std::max(before, oldest()) || code_of(second, now_s_) != code)
      return in.fail("a last-seen time cannot be");
    if (find(print) != size_) return in.fail("a seen thing stands twice in its set");
    before = second;
    prints()[size_] = print;
    when()[size_] = code;
  }
}

template class SeenThingsOf<Window::k24h>;
template class SeenThingsOf<Window::k30d>;

}  // namespace pandun::detect
