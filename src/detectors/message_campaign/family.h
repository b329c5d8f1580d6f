// The writers of one family and what each wrote to how many, in the half hour that is running and the one before.
//
// Shape    up to kWritersMax writers: 8 bytes each for one or two messages, 32 from the third on; who wrote nothing in either
//          half hour is forgotten. Both forms tell the same: recipients by one bit of 64 each, messages, the latest one's time.
//          Writers of one or two messages are told apart by 32 bits of hash.
// Threads  plain values.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

#include "detect/small_state.h"
#include "detect/state_table.h"
#include "model/number.h"

namespace pandun::detectors::message_campaign {

constexpr std::uint32_t kSpanS = 30 * 60;
constexpr std::size_t kWritersMax = 32;

// Up to 255 things in a row of their own, with hardly more room than they need; a pointer while there are none.
template <typename T>
class Row {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= 8);

 public:
  T* begin() { return at(); }
  T* end() { return at() + size(); }
  const T* begin() const { return at(); }
  const T* end() const { return at() + size(); }
  std::size_t size() const { return block_ == nullptr ? 0 : static_cast<std::size_t>(block_[0]); }
  std::uint64_t bytes() const { return block_ == nullptr ? 0 : kHead + room() * sizeof(T); }
  T& add(const T& value) {
    const std::size_t n = size();
    if (n == room()) move_to(n + std::max<std::size_t>(2, n / 2));
    set_size(n + 1);
    return at()[n] = value;
  }
  void erase(T* from) {  // up to the end
    if (block_ == nullptr) return;
    set_size(static_cast<std::size_t>(from - at()));
    if (size() * 2 <= room()) move_to(size());
  }
  void erase_one(T* which) {
    std::copy(which + 1, end(), which);
    erase(end() - 1);
  }

 private:
  static constexpr std::size_t kHead = 8;  // size and room, one byte each
  std::size_t room() const { return block_ == nullptr ? 0 : static_cast<std::size_t>(block_[1]); }
  T* at() const { return block_ == nullptr ? nullptr : reinterpret_cast<T*>(block_.get() + kHead); }
  void set_size(std::size_t n) { block_[0] = static_cast<std::byte>(n); }
  void move_to(std::size_t room) {
    const std::size_t n = size();
    std::unique_ptr<std::byte[]> next;
    if (room != 0) {
      next = std::make_unique<std::byte[]>(kHead + room * sizeof(T));
      next[1] = static_cast<std::byte>(room);
      if (n != 0) std::copy_n(at(), n, reinterpret_cast<T*>(next.get() + kHead));
    }
    block_ = std::move(next);
    if (block_ != nullptr) set_size(n);
  }
  std::unique_ptr<std::byte[]> block_;
};

struct Writer {
  model::NumberKey number;
  detect::TwoSpansDistinct<64> recipients;
  detect::TwoSpans<> messages;
  std::uint32_t last_s = 0;
};
static_assert(sizeof(Writer) == 32);

// A writer of one or two messages: all that a Writer would know of them.
struct Beginner {
  static constexpr std::uint8_t kUsed = 0x80, kNow = 0x40, kBit = 0x3f;  // kBit: the recipient's, of 64
  std::uint32_t who = 0;
  std::uint16_t last = 0;  // seconds since the span before began
  std::array<std::uint8_t, 2> messages{};

  static std::uint32_t hash(model::NumberKey number) {
    return static_cast<std::uint32_t>(detect::state_hash(number) >> 16);
  }
  std::uint32_t sum() const { return (messages[0] != 0 ? 1U : 0U) + (messages[1] != 0 ? 1U : 0U); }
  void add(std::uint64_t recipient_hash) {
    messages[messages[0] == 0 ? 0 : 1] = static_cast<std::uint8_t>(kUsed | kNow | ((recipient_hash >> 20) & kBit));
  }
  void turn(bool adjacent) {
    for (std::uint8_t& m : messages)
      m = adjacent && (m & kNow) != 0 ? static_cast<std::uint8_t>(m & ~unsigned{kNow}) : std::uint8_t{0};
    if (messages[0] == 0) std::swap(messages[0], messages[1]);
    last = last > kSpanS ? static_cast<std::uint16_t>(last - kSpanS) : std::uint16_t{0};
  }
  Writer grown(model::NumberKey number, std::uint32_t span) const {
    Writer w;
    w.number = number;
    w.last_s = (span - 1) * kSpanS + last;
    for (const std::uint8_t m : messages) {
      if (m == 0) continue;
      const bool now = (m & kNow) != 0;
      (now ? w.recipients.now : w.recipients.before).add(std::uint64_t{m & unsigned{kBit}} << 20);
      ++(now ? w.messages.now : w.messages.before);
    }
    return w;
  }
};
static_assert(sizeof(Beginner) == 8);

// Kept once a family has three busy writers.
struct Spread {
  detect::TwoSpansDistinct<1024> recipients, pairs;  // pairs of writer and recipient
  detect::TwoSpans<std::uint32_t> messages, replies;
  std::uint32_t first_s = 0;
  model::NumberKey lead;  // the busiest writer when first said: the campaign goes by its name
  detect::Said said;      // of recipients
  detect::LatestRecords<16> records;
};

struct Family {
  Row<Beginner> beginners;
  Row<Writer> writers;
  std::unique_ptr<Spread> spread;
  detect::SpanClock clock;

  std::size_t size() const { return beginners.size() + writers.size(); }
  void advance(std::uint32_t time_s) {
    clock.advance(time_s, kSpanS, [this](bool adjacent) {
      for (Beginner& w : beginners) w.turn(adjacent);
      beginners.erase(
          std::remove_if(beginners.begin(), beginners.end(), [](const Beginner& w) { return w.sum() == 0; }));
      for (Writer& w : writers) {
        w.recipients.turn(adjacent);
        w.messages.turn(adjacent);
      }
      writers.erase(
          std::remove_if(writers.begin(), writers.end(), [](const Writer& w) { return w.messages.sum() == 0; }));
      if (spread == nullptr) return;
      spread->recipients.turn(adjacent);
      spread->pairs.turn(adjacent);
      spread->messages.turn(adjacent);
      spread->replies.turn(adjacent);
    });
  }
  Writer* find(model::NumberKey number) {
    const auto it = std::find_if(writers.begin(), writers.end(), [&](const Writer& w) { return w.number == number; });
    return it == writers.end() ? nullptr : it;
  }
  Beginner* find_beginner(model::NumberKey number) {
    const std::uint32_t who = Beginner::hash(number);
    const auto it = std::find_if(beginners.begin(), beginners.end(), [who](const Beginner& w) { return w.who == who; });
    return it == beginners.end() ? nullptr : it;
  }
  bool has(model::NumberKey number) { return find(number) != nullptr || find_beginner(number) != nullptr; }

  // Counts a message; how many the sender has now, 0 when all places are taken by busier ones.
  std::uint32_t add(model::NumberKey number, std::uint64_t recipient_hash, std::uint32_t now_s) {
    Writer* writer = find(number);
    if (writer == nullptr) {
      Beginner* beginner = find_beginner(number);
      if (beginner == nullptr) {
        if (size() >= kWritersMax && !drop_least()) return 0;
        beginner = &beginners.add({Beginner::hash(number), 0, {}});
      }
      if (beginner->sum() < beginner->messages.size()) {
        beginner->add(recipient_hash);
        const std::uint32_t since = clock.span == 0 ? 0 : (clock.span - 1) * kSpanS;
        const std::uint32_t last = now_s > since ? std::min(now_s - since, 2 * kSpanS - 1) : 0;
        beginner->last = std::max(beginner->last, static_cast<std::uint16_t>(last));
        return beginner->sum();
      }
      writer = &writers.add(beginner->grown(number, std::max(1U, clock.span)));
      beginners.erase_one(beginner);
    }
    writer->messages.add();
    writer->recipients.add(recipient_hash);
    writer->last_s = std::max(writer->last_s, now_s);
    return writer->messages.sum();
  }
  // Who wrote least, of these the one that wrote first. False when everybody wrote more than twice.
  bool drop_least() {
    Beginner* least = std::min_element(beginners.begin(), beginners.end(), [](const Beginner& a, const Beginner& b) {
      return a.sum() != b.sum() ? a.sum() < b.sum() : a.last < b.last;
    });
    Writer* fewest = std::min_element(writers.begin(), writers.end(), [](const Writer& a, const Writer& b) {
      return a.messages.sum() != b.messages.sum() ? a.messages.sum() < b.messages.sum() : a.last_s < b.last_s;
    });
    const bool beginner =
        least != beginners.end() && (fewest == writers.end() || least->sum() <= fewest->messages.sum());
    if (beginner) {
      beginners.erase_one(least);
    } else {
      if (fewest == writers.end() || fewest->messages.sum() > 2) return false;
      writers.erase_one(fewest);
    }
    return true;
  }
  template <typename F>
  void each_sum(F f) const {
    for (const Beginner& w : beginners) f(w.sum());
    for (const Writer& w : writers) f(w.messages.sum());
  }
  std::uint64_t bytes() const { return beginners.bytes() + writers.bytes() + (spread == nullptr ? 0 : sizeof(Spread)); }
};

}  // namespace pandun::detectors::message_campaign
