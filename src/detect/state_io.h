// How state is written down and read back: little-endian, varint counts, one stream of bytes.
//
// Shape    StateWriter gathers bytes; with a drain it hands them on in blocks of about 256 KiB, so that a big table never
//          stands twice in memory. StateReader is its mirror.
// Errors   a reader never throws and never runs past the end: after the first fault it returns zeros and ok() is false.
//          Loops over a count must test ok(), and must not reserve more than a count read from outside allows.
// Shards   owns(hash) is false for keys of other shards when state written by another number of shards is being read:
//          load() then sees every part in turn, adds what it owns and drops the rest. StateTable does this by itself.
// Threads  one owner.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/entity.h"

namespace pandun::detect {

class StateWriter {
 public:
  class Drain {
   public:
    virtual ~Drain() = default;
    virtual void take(std::string_view bytes) = 0;
  };
  static constexpr std::size_t kBlockBytes = 256 * 1024;

  StateWriter() = default;
  explicit StateWriter(Drain& drain) : drain_(&drain) {}

  void u8(std::uint8_t v) { buffer_.push_back(static_cast<char>(v)); }
  void u16(std::uint16_t v) { fixed(v); }
  void u32(std::uint32_t v) { fixed(v); }
  void u64(std::uint64_t v) {
    fixed(v);
    if (drain_ != nullptr && buffer_.size() >= kBlockBytes) flush();
  }
  void i64(std::int64_t v) { u64(static_cast<std::uint64_t>(v)); }
  void f64(double v) { u64(std::bit_cast<std::uint64_t>(v)); }
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      u8(static_cast<std::uint8_t>(v | 0x80));
      v >>= 7;
    }
    u8(static_cast<std::uint8_t>(v));
    if (drain_ != nullptr && buffer_.size() >= kBlockBytes) flush();
  }
  void text(std::string_view v) {
    varint(v.size());
    buffer_.append(v);
  }
  void key(const model::EntityKey& k) {
    u64(k.hi);
    u64(k.lo);
  }

  // What has not been drained: everything, without a drain.
  const std::string& bytes() const { return buffer_; }
  void flush() {
    if (drain_ == nullptr || buffer_.empty()) return;
    drain_->take(buffer_);
    buffer_.clear();
  }

 private:
  template <typename T>
  void fixed(T v) {
    char raw[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i) raw[i] = static_cast<char>((v >> (8 * i)) & 0xff);
    buffer_.append(raw, sizeof(T));
  }
  std::string buffer_;
  Drain* drain_ = nullptr;
};

class StateReader {
 public:
  class Supply {
   public:
    virtual ~Supply() = default;
    virtual Result<std::string> next() = 0;  // the next block; empty at the end
  };
  // Which of `shards` shards is loading; 1 of 1 owns everything.
  struct Owner {
    std::uint32_t shard, shards;
  };

  explicit StateReader(std::string_view bytes) : view_(bytes) {}
  explicit StateReader(Supply& supply, Owner owner = {0, 1}) : supply_(&supply), owner_(owner) {}
  StateReader(const StateReader&) = delete;
  StateReader& operator=(const StateReader&) = delete;

  std::uint8_t u8() {
    if (at_ == view_.size() && !refill()) return 0;
    return static_cast<std::uint8_t>(view_[at_++]);
  }
  std::uint16_t u16() { return fixed<std::uint16_t>(); }
  std::uint32_t u32() { return fixed<std::uint32_t>(); }
  std::uint64_t u64() { return fixed<std::uint64_t>(); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  double f64() { return std::bit_cast<double>(u64()); }
  std::uint64_t varint();
  std::string text(std::size_t bytes_max = 1 << 20);
  model::EntityKey key() {
    const std::uint64_t hi = u64();
    return {hi, u64()};
  }

  bool ok() const { return ok_; }
  Result<> status() const { return ok_ ? Result<>() : Result<>(error_); }
  void fail(std::string_view why);  // for values that cannot be: the first fault wins
  bool owns(std::uint64_t hash) const;

 private:
  template <typename T>
  T fixed() {
    T v = 0;
    if (view_.size() - at_ >= sizeof(T)) {
      for (std::size_t i = 0; i < sizeof(T); ++i)
        v = static_cast<T>(v | static_cast<T>(static_cast<T>(static_cast<unsigned char>(view_[at_ + i])) << (8 * i)));
      at_ += sizeof(T);
      return v;
    }
    for (std::size_t i = 0; i < sizeof(T); ++i) v = static_cast<T>(v | static_cast<T>(static_cast<T>(u8()) << (8 * i)));
    return ok_ ? v : T{0};
  }
  bool refill();

  std::string block_;
  std::string_view view_;
  std::size_t at_ = 0;
  Supply* supply_ = nullptr;
  Owner owner_{0, 1};
  bool ok_ = true;
  Error error_;
};

// The shard that owns a key: part of the checkpoint's contract. Uses bits that StateTable does not.
constexpr std::uint32_t shard_of(std::uint64_t hash, std::uint32_t shards) {
  return static_cast<std::uint32_t>((((hash >> 8) & 0xffff) * shards) >> 16);
}

}  // namespace pandun::detect
