#include "decide/snapshot.h"

#include <algorithm>
#include <array>
#include <tuple>
#include <unordered_map>

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

void clean(std::vector<MeasureEntry>& measures) {
  std::erase_if(measures, [](const MeasureEntry& m) { return !m.number.known() || m.verdict == Verdict::kAllow; });
  std::sort(measures.begin(), measures.end(), before);
}

std::size_t table_size(std::size_t numbers) {
  std::size_t size = 16;
  while (size < numbers * 2) size *= 2;
  return size;
}

bool by_number(const std::shared_ptr<const Patch>& a, const std::shared_ptr<const Patch>& b) {
  return a->number < b->number;
}

constexpr std::array<LabelInfo, kLabels> kLabelTable{{
    {"none", "", "", false},
    {"suspected_fraud", "疑似诈骗", "suspected fraud", true},
    {"harassment", "骚扰电话", "nuisance calls", true},
    {"telemarketing", "广告推销", "telemarketing", false},
    {"agency", "房产中介", "agency", false},
    {"courier", "快递", "courier", false},
    {"delivery", "外卖送餐", "delivery", false},
    {"taxi", "出租车", "taxi", false},
    {"customer_service", "客服热线", "customer service", false},
    {"public_service", "公共服务", "public service", false},
}};

// By the shape of the digits alone, for when nobody knows the numbering plan better.
NumberSort sort_by_digits(model::NumberKey number, std::uint64_t home) {
  if (number.kind() == model::NumberKind::kService) return NumberSort::kDomesticService;
  if (number.kind() != model::NumberKind::kE164) return NumberSort::kUnknown;
  static constexpr auto kPowers = [] {
    std::array<std::uint64_t, 19> out{1};
    for (std::size_t i = 1; i < out.size(); ++i) out[i] = out[i - 1] * 10;
    return out;
  }();
  std::size_t digits = 1, home_digits = 1;
  while (digits < 18 && number.value() >= kPowers[digits]) ++digits;
  while (home_digits < 18 && home >= kPowers[home_digits]) ++home_digits;
  if (digits <= home_digits || number.value() / kPowers[digits - home_digits] != home) return NumberSort::kForeign;
  const std::uint64_t rest = number.value() % kPowers[digits - home_digits];
  // Mobile numbers of the home plan are eleven digits beginning with 13-19 (YD/T numbering plan, prefix 1).
  const bool mobile = rest >= 13'000'000'000ULL && rest <= 19'999'999'999ULL;
  return mobile ? NumberSort::kDomesticMobile : NumberSort::kDomesticFixed;
}

}  // namespace

const LabelInfo& info(Label label) {
  return kLabelTable[static_cast<std::size_t>(label)];
}
std::optional<Label> parse_label(std::string_view name) {
  for (std::size_t i = 0; i < kLabels; ++i) {
    if (kLabelTable[i].name == name) return static_cast<Label>(i);
  }
  return std::nullopt;
}

Base::Base(SnapshotInput input) : input_(std::move(input)) {
  clean(input_.measures);
  std::sort(input_.callee_blocks.begin(), input_.callee_blocks.end(), before_block);
  for (const std::string& name : input_.international_trunks) {
    Trunk trunk;
    trunk.name = name;
    trunk.direction = Direction::kInternationalIn;
    input_.trunks.push_back(std::move(trunk));
  }
  input_.international_trunks.clear();
  std::stable_sort(input_.trunks.begin(), input_.trunks.end(),
                   [](const Trunk& a, const Trunk& b) { return a.name < b.name; });
  if (input_.policies.size() > kPoliciesMax) input_.policies.resize(kPoliciesMax);
  slots_.resize(table_size(input_.measures.size() + input_.emergency.size() + input_.protected_.size() +
                           input_.callee_blocks.size() + input_.callee_choices.size() + input_.labels.size()));
  mask_ = slots_.size() - 1;
  for (std::size_t i = input_.measures.size(); i-- > 0;) {
    Slot& slot = slot_for(input_.measures[i].number.bits());
    slot.measures = static_cast<std::uint32_t>(i + 1);
    if (slot.flags >> 24 < 255) slot.flags += 1U << 24;
  }
  const auto flag = [&](model::NumberKey number, std::uint32_t bits) {
    if (number.known()) slot_for(number.bits()).flags |= bits;
  };
  for (const model::NumberKey number : input_.emergency) flag(number, kEmergencyFlag);
  for (const model::NumberKey number : input_.protected_) flag(number, kProtectedFlag);
  for (const CalleeBlock& block : input_.callee_blocks) flag(block.callee, kBlocksFlag);
  for (const CalleeChoice& choice : input_.callee_choices) flag(choice.callee, std::uint32_t{choice.choices} << 8);
  for (const NumberLabel& mark : input_.labels) {
    if (mark.number.known() && static_cast<std::size_t>(mark.label) < kLabels) {
      Slot& slot = slot_for(mark.number.bits());
      slot.flags = (slot.flags & ~0x00FF0000U) | static_cast<std::uint32_t>(mark.label) << 16;
    }
  }
}

Base::Slot& Base::slot_for(std::uint64_t number) {
  std::size_t at = mix64(number) & mask_;
  while (slots_[at].number != 0 && slots_[at].number != number) at = (at + 1) & mask_;
  if (slots_[at].number == 0) ++numbers_;
  slots_[at].number = number;
  return slots_[at];
}

const Base::Slot& Base::slot(model::NumberKey number) const {
  static constexpr Slot kNothing;
  if (!number.known()) return kNothing;
  std::size_t at = mix64(number.bits()) & mask_;
  while (slots_[at].number != 0 && slots_[at].number != number.bits()) at = (at + 1) & mask_;
  return slots_[at];
}

void Base::prefetch(model::NumberKey number) const {
  __builtin_prefetch(&slots_[mix64(number.bits()) & mask_]);
}

Known Base::find(model::NumberKey number) const {
  const Slot& found = slot(number);
  Known known;
  known.flags = found.flags & 0xFF;
  known.choices = static_cast<std::uint8_t>(found.flags >> 8 & 0xFF);
  known.label = static_cast<Label>(found.flags >> 16 & 0xFF);
  if (found.measures != 0) {
    known.measures = &input_.measures[found.measures - 1];
    known.measure_count = found.flags >> 24;  // of more than 255 the mildest are left out
  }
  return known;
}

bool Base::blocks(model::NumberKey callee, model::NumberKey caller) const {
  return std::binary_search(input_.callee_blocks.begin(), input_.callee_blocks.end(), CalleeBlock{callee, caller},
                            before_block);
}

const Trunk* Base::trunk(std::string_view name) const {
  const auto found = std::lower_bound(input_.trunks.begin(), input_.trunks.end(), name,
                                      [](const Trunk& trunk, std::string_view wanted) { return trunk.name < wanted; });
  return found != input_.trunks.end() && found->name == name ? &*found : nullptr;
}

FindingTable::FindingTable(const Findings& findings) {
  slots_.resize(table_size(findings.scores.size() + findings.alerted.size()));
  mask_ = slots_.size() - 1;
  for (const NumberScore& risk : findings.scores) {
    if (!risk.number.known()) continue;
    std::uint64_t& slot = at(risk.number);
    slot = (slot & ~127ULL) | std::max<std::uint64_t>(slot & 127, std::min<std::uint8_t>(risk.score, 100));
  }
  for (const model::NumberKey number : findings.alerted) {
    if (number.known()) at(number) |= 128;
  }
}

std::uint64_t& FindingTable::at(model::NumberKey number) {
  const std::uint64_t hash = mix64(number.bits());
  std::size_t place = hash & mask_;
  while (slots_[place] != 0 && ((slots_[place] ^ hash) & ~255ULL) != 0) place = (place + 1) & mask_;
  slots_[place] = (hash & ~255ULL) | (slots_[place] & 255);
  return slots_[place];
}

FindingTable::Finding FindingTable::find(model::NumberKey number) const {
  if (!number.known()) return {};
  const std::uint64_t hash = mix64(number.bits());
  std::size_t place = hash & mask_;
  while (slots_[place] != 0 && ((slots_[place] ^ hash) & ~255ULL) != 0) place = (place + 1) & mask_;
  return {static_cast<std::uint8_t>(slots_[place] & 127), (slots_[place] & 128) != 0};
}

Snapshot::Snapshot(std::shared_ptr<const Base> base, std::shared_ptr<const FindingTable> findings, Patches patches,
                   std::uint64_t version)
    : base_(std::move(base)), findings_(std::move(findings)), patches_(std::move(patches)), version_(version) {
  if (patches_.empty()) return;
  slots_.resize(table_size(patches_.size()));
  mask_ = slots_.size() - 1;
  for (std::size_t i = 0; i < patches_.size(); ++i) {
    std::size_t at = mix64(patches_[i]->number.bits()) & mask_;
    while (slots_[at] != 0) at = (at + 1) & mask_;
    slots_[at] = static_cast<std::uint32_t>(i + 1);
  }
}

const Patch* Snapshot::patch(model::NumberKey number) const {
  if (patches_.empty() || !number.known()) return nullptr;
  for (std::size_t at = mix64(number.bits()) & mask_; slots_[at] != 0; at = (at + 1) & mask_) {
    const Patch& candidate = *patches_[slots_[at] - 1];
    if (candidate.number == number) return &candidate;
  }
  return nullptr;
}

Known Snapshot::find(model::NumberKey number) const {
  Known known = base_->find(number);
  const Patch* over = patch(number);
  if (over == nullptr) return known;
  if (over->has_measures) {
    known.measures = over->measures.data();
    known.measure_count = over->measures.size();
  }
  if (over->has_callee) {
    known.choices = over->choices;
    known.blocked = &over->blocked;
    known.flags = over->blocked.empty() ? known.flags & ~std::uint32_t{kBlocksFlag} : known.flags | kBlocksFlag;
  }
  if (over->has_label) known.label = over->label;
  return known;
}

bool Snapshot::blocks(const Known& callee_known, model::NumberKey callee, model::NumberKey caller) const {
  if ((callee_known.flags & kBlocksFlag) == 0) return false;
  if (callee_known.blocked != nullptr)
    return std::binary_search(callee_known.blocked->begin(), callee_known.blocked->end(), caller);
  return base_->blocks(callee, caller);
}

const MeasureEntry* Snapshot::measure(const Known& known, WallMs at) {
  for (std::size_t i = 0; i < known.measure_count; ++i) {
    if (at < known.measures[i].expires) return &known.measures[i];
  }
  return nullptr;
}

bool Snapshot::foreign(model::NumberKey number) const {
  return sort_by_digits(number, settings().home_country_code) == NumberSort::kForeign;
}

NumberNote Snapshot::note(model::NumberKey number) const {
  NumberNote note;
  if (settings().notes != nullptr) note = settings().notes->note(number);
  if (note.sort == NumberSort::kUnknown) note.sort = sort_by_digits(number, settings().home_country_code);
  return note;
}

Patches merge(const Patches& before_change, Change change) {
  std::unordered_map<std::uint64_t, std::shared_ptr<Patch>> fresh;
  const auto patch = [&](model::NumberKey number) -> Patch& {
    std::shared_ptr<Patch>& slot = fresh[number.bits()];
    if (slot == nullptr) {
      const auto old = std::lower_bound(before_change.begin(), before_change.end(), number,
                                        [](const auto& p, model::NumberKey wanted) { return p->number < wanted; });
      const bool known = old != before_change.end() && (*old)->number == number;
      slot = known ? std::make_shared<Patch>(**old) : std::make_shared<Patch>();
      slot->number = number;
    }
    return *slot;
  };
  for (Change::Measures& item : change.measures) {
    if (!item.number.known()) continue;
    for (MeasureEntry& entry : item.entries) entry.number = item.number;
    clean(item.entries);
    Patch& target = patch(item.number);
    target.has_measures = true;
    target.measures = std::move(item.entries);
  }
  for (Change::Callee& item : change.callees) {
    if (!item.callee.known()) continue;
    std::sort(item.blocked.begin(), item.blocked.end());
    Patch& target = patch(item.callee);
    target.has_callee = true;
    target.choices = item.choices;
    target.blocked = std::move(item.blocked);
  }
  for (const NumberLabel& item : change.labels) {
    if (!item.number.known() || static_cast<std::size_t>(item.label) >= kLabels) continue;
    Patch& target = patch(item.number);
    target.has_label = true;
    target.label = item.label;
  }
  Patches out;
  out.reserve(before_change.size() + fresh.size());
  for (const auto& old : before_change) {
    if (!fresh.contains(old->number.bits())) out.push_back(old);
  }
  for (auto& [bits, made] : fresh) out.push_back(std::move(made));
  std::sort(out.begin(), out.end(), by_number);
  return out;
}

SnapshotInput flatten(const Base& base, const Patches& patches) {
  SnapshotInput out = base.input();
  const auto patched = [&](model::NumberKey number) -> const Patch* {
    const auto found = std::lower_bound(patches.begin(), patches.end(), number,
                                        [](const auto& p, model::NumberKey wanted) { return p->number < wanted; });
    return found != patches.end() && (*found)->number == number ? found->get() : nullptr;
  };
  const auto replaced = [&](model::NumberKey number, bool Patch::*kind) {
    const Patch* patch = patched(number);
    return patch != nullptr && patch->*kind;
  };
  std::erase_if(out.measures, [&](const MeasureEntry& m) { return replaced(m.number, &Patch::has_measures); });
  std::erase_if(out.callee_blocks, [&](const CalleeBlock& b) { return replaced(b.callee, &Patch::has_callee); });
  std::erase_if(out.callee_choices, [&](const CalleeChoice& c) { return replaced(c.callee, &Patch::has_callee); });
  std::erase_if(out.labels, [&](const NumberLabel& l) { return replaced(l.number, &Patch::has_label); });
  for (const auto& patch : patches) {
    if (patch->has_measures) out.measures.insert(out.measures.end(), patch->measures.begin(), patch->measures.end());
    if (patch->has_callee) {
      if (patch->choices != 0) out.callee_choices.push_back({patch->number, patch->choices});
      for (const model::NumberKey caller : patch->blocked) out.callee_blocks.push_back({patch->number, caller});
    }
    if (patch->has_label && patch->label != Label::kNone) out.labels.push_back({patch->number, patch->label});
  }
  return out;
}

}  // namespace pandun::decide
