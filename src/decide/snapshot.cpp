#include "decide/snapshot.h"

#include <algorithm>
#include <tuple>

#include "base/hash.h"

namespace pandun::decide {
namespace {

// Strictest first within a number, then the one that lasts longest, then by id: the answer never depends on input order.
bool before(const MeasureEntry& a, const MeasureEntry& b) {
  return std::make_tuple(a.number.bits(), -static_cast<int>(a.verdict), -a.expires.ms, std::string_view(a.measure)) <
         std::make_tuple(b.number.bits(), -static_cast<int>(b.verdict), -b.expires.ms, std::string_view(b.measure));
}

bool before_block(const CalleeBlock& a, const CalleeBlock& b) {
  return std::make_pair(a.callee, a.caller) < std::make_pair(b.callee, b.caller);
}

std::size_t table_size(std::size_t numbers) {
  std::size_t size = 16;
  while (size < numbers * 2) size *= 2;
  return size;
}

}  // namespace

Snapshot::Snapshot(SnapshotInput input) : input_(std::move(input)) {
  std::erase_if(input_.measures,
                [](const MeasureEntry& m) { return !m.number.known() || m.verdict == Verdict::kAllow; });
  std::sort(input_.measures.begin(), input_.measures.end(), before);
  std::sort(input_.callee_blocks.begin(), input_.callee_blocks.end(), before_block);
  std::sort(input_.international_trunks.begin(), input_.international_trunks.end());
  const std::size_t numbers = input_.measures.size() + input_.emergency.size() + input_.protected_.size() +
                              input_.alerted.size() + input_.callee_blocks.size();
  slots_.resize(table_size(numbers));
  mask_ = slots_.size() - 1;
  for (std::size_t i = input_.measures.size(); i-- > 0;) {
    slot_for(input_.measures[i].number.bits()).measures = static_cast<std::uint32_t>(i + 1);
  }
  const auto flag = [&](const std::vector<model::NumberKey>& list, Flag bit) {
    for (const model::NumberKey number : list) {
      if (number.known()) slot_for(number.bits()).flags |= bit;
    }
  };
  flag(input_.emergency, kEmergencyFlag);
  flag(input_.protected_, kProtectedFlag);
  flag(input_.alerted, kAlertedFlag);
  for (const CalleeBlock& block : input_.callee_blocks) {
    if (block.callee.known()) slot_for(block.callee.bits()).flags |= kBlocksFlag;
  }
}

Snapshot::Slot& Snapshot::slot_for(std::uint64_t number) {
  std::size_t at = mix64(number) & mask_;
  while (slots_[at].number != 0 && slots_[at].number != number) at = (at + 1) & mask_;
  slots_[at].number = number;
  return slots_[at];
}

const Snapshot::Slot& Snapshot::find(model::NumberKey number) const {
  static constexpr Slot kNothing;
  if (!number.known()) return kNothing;
  std::size_t at = mix64(number.bits()) & mask_;
  while (slots_[at].number != 0 && slots_[at].number != number.bits()) at = (at + 1) & mask_;
  return slots_[at];
}

const MeasureEntry* Snapshot::measure(const Slot& slot, WallMs at) const {
  if (slot.measures == 0) return nullptr;
  for (std::size_t i = slot.measures - 1; i < input_.measures.size(); ++i) {
    const MeasureEntry& entry = input_.measures[i];
    if (entry.number.bits() != slot.number) return nullptr;
    if (at < entry.expires) return &entry;
  }
  return nullptr;
}

bool Snapshot::blocks(model::NumberKey callee, model::NumberKey caller) const {
  return std::binary_search(input_.callee_blocks.begin(), input_.callee_blocks.end(), CalleeBlock{callee, caller},
                            before_block);
}

bool Snapshot::international(std::string_view trunk) const {
  return std::binary_search(input_.international_trunks.begin(), input_.international_trunks.end(), trunk,
                            std::less<>());
}

bool Snapshot::domestic_fixed_line(model::NumberKey number) const {
  if (number.kind() == model::NumberKind::kService) return true;
  if (number.kind() != model::NumberKind::kE164) return false;
  std::uint64_t rest = number.value();
  std::uint64_t scale = 1;
  while (rest / scale / 10 >= input_.home_country_code) scale *= 10;
  if (rest / scale != input_.home_country_code) return false;
  rest %= scale;
  // Mobile numbers of the home plan are eleven digits beginning with 13-19 (YD/T numbering plan, prefix 1).
  const bool mobile = rest >= 13'000'000'000ULL && rest <= 19'999'999'999ULL;
  return !mobile;
}

}  // namespace pandun::decide
