#include "detectors/sim_box/trunk.h"

#include <algorithm>

namespace pandun::detectors::sim_box {

void Trunk::advance(std::uint32_t now_s) {
  clock_.advance(now_s, kTrunkSpanS, [this](bool adjacent) {
    calls_.turn(adjacent);
    abroad_.turn(adjacent);
    callers_.turn(adjacent);
    ordinary_ = callers_.before.count() > kOrdinaryCallers;
    if (ordinary_) near_.reset();
    if (near_ == nullptr) return;
    near_->callees.turn(adjacent);
    for (TrunkNumber& n : near_->numbers) {
      n.calls.turn(adjacent);
      n.heard.turn(adjacent);
      n.callees.turn(adjacent);
    }
    std::erase_if(near_->numbers, [](const TrunkNumber& n) { return n.calls.sum() == 0; });
  });
}

bool Trunk::add_caller(std::uint64_t mixed_hash) {
  calls_.add();
  // Counted now and then: a trunk of that many callers has had as many calls.
  if (callers_.now.add(mixed_hash) && !ordinary_ && ++looked_ % 64 == 0 && callers_.now.count() > kOrdinaryCallers) {
    ordinary_ = true;
    near_.reset();
  }
  return !ordinary_;
}

void Trunk::hear(model::NumberKey callee) {
  if (near_ == nullptr) return;
  for (TrunkNumber& n : near_->numbers)
    if (n.number == callee) return n.heard.add();
}

TrunkNumber& Trunk::call(model::NumberKey caller, model::NumberKey callee, std::uint32_t now_s) {
  if (near_ == nullptr) near_ = std::make_unique<Near>();
  std::vector<TrunkNumber>& numbers = near_->numbers;
  auto at = std::find_if(numbers.begin(), numbers.end(), [&](const TrunkNumber& n) { return n.number == caller; });
  if (at == numbers.end()) {
    if (numbers.size() < kTrunkNumbersMax) {
      detect::grow(numbers, 4, kTrunkNumbersMax);
      at = numbers.insert(numbers.end(), TrunkNumber{});
    } else {  // who was silent longest gives way
      at = std::min_element(numbers.begin(), numbers.end(),
                            [](const TrunkNumber& a, const TrunkNumber& b) { return a.last_s < b.last_s; });
      *at = {};
    }
    at->number = caller;
    at->first_s = now_s;
  }
  at->first_s = std::min(at->first_s, now_s);
  at->last_s = std::max(at->last_s, now_s);
  at->calls.add();
  at->callees.add(detect::state_hash(callee));
  near_->callees.add(detect::state_hash(callee));
  return *at;
}

std::uint64_t Trunk::bytes() const {
  return sizeof(Trunk) + (near_ == nullptr ? 0 : sizeof(Near) + near_->numbers.capacity() * sizeof(TrunkNumber));
}

void Trunk::save(detect::StateWriter& out) const {
  out.u32(clock_.span);
  calls_.save(out);
  abroad_.save(out);
  callers_.save(out);
  out.u32(looked_);
  out.u8(static_cast<std::uint8_t>((ordinary_ ? 1U : 0U) | (near_ != nullptr ? 2U : 0U)));
  if (near_ == nullptr) return;
  out.varint(near_->numbers.size());
  for (const TrunkNumber& n : near_->numbers) {
    out.u64(n.number.bits());
    out.u32(n.first_s);
    out.u32(n.last_s);
    n.calls.save(out);
    n.heard.save(out);
    n.callees.save(out);
  }
  near_->callees.save(out);
  near_->said.save(out);
  near_->records.save(out);
}

void Trunk::load(detect::StateReader& in) {
  clock_.span = in.u32();
  calls_.load(in);
  abroad_.load(in);
  callers_.load(in);
  looked_ = in.u32();
  const std::uint8_t bits = in.u8();
  ordinary_ = (bits & 1U) != 0;
  if ((bits & 2U) == 0) return;
  if (ordinary_) return in.fail("an ordinary trunk of which numbers are kept");
  near_ = std::make_unique<Near>();
  const std::uint64_t size = in.varint();
  if (size > kTrunkNumbersMax) return in.fail("more numbers than a trunk may have");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    detect::grow(near_->numbers, 4, kTrunkNumbersMax);
    TrunkNumber& n = near_->numbers.emplace_back();
    n.number = model::NumberKey::from_bits(in.u64());
    n.first_s = in.u32();
    n.last_s = in.u32();
    n.calls.load(in);
    n.heard.load(in);
    n.callees.load(in);
  }
  near_->callees.load(in);
  near_->said.load(in);
  near_->records.load(in);
}

}  // namespace pandun::detectors::sim_box
