#include "detect/state_io.h"

namespace pandun::detect {

bool StateReader::refill() {
  if (ok_ && supply_ != nullptr) {
    Result<std::string> next = supply_->next();
    if (!next.ok()) {
      ok_ = false;
      error_ = next.error();
      return false;
    }
    block_ = std::move(next).value();
    view_ = block_;
    at_ = 0;
    if (!view_.empty()) return true;
  }
  fail("the state ends too early");
  return false;
}

std::uint64_t StateReader::varint() {
  std::uint64_t v = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint8_t byte = u8();
    v |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if ((byte & 0x80) == 0) return ok_ ? v : 0;
  }
  fail("a count is longer than 64 bits");
  return 0;
}

std::string StateReader::text(std::size_t bytes_max) {
  const std::uint64_t size = varint();
  if (size > bytes_max) {
    fail("a text is longer than its bound");
    return {};
  }
  std::string out;
  while (ok_ && out.size() < size) {
    if (at_ == view_.size() && !refill()) return {};
    const std::string_view piece = view_.substr(at_, size - out.size());
    out.append(piece);
    at_ += piece.size();
  }
  return out;
}

void StateReader::fail(std::string_view why) {
  if (ok_) error_ = error(Errc::kCorrupt, "state", std::string(why));
  ok_ = false;
  view_ = {};
  at_ = 0;
}

bool StateReader::owns(std::uint64_t hash) const {
  return owner_.shards <= 1 || shard_of(hash, owner_.shards) == owner_.shard;
}

}  // namespace pandun::detect
