#include "server/ports.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pandun::server {

const detect::IndicatorHit* MatcherIndicators::hit(intel::HitId id) const {
  if (id == 0) return nullptr;
  return hits_.get(id, [&] {
    const intel::Hit* found = matcher_->hit(id);
    return detect::IndicatorHit{found->indicator, found->list, found->topic, found->severity, found->confidence};
  });
}

detect::KnownService WarningServices::known(intel::ServiceCategory category) {
  switch (category) {
    case intel::ServiceCategory::kTime:
      return detect::KnownService::kTime;
    case intel::ServiceCategory::kUpdate:
      return detect::KnownService::kUpdate;
    case intel::ServiceCategory::kCdn:
      return detect::KnownService::kCdn;
    case intel::ServiceCategory::kDnsResolver:
      return detect::KnownService::kDnsResolver;
    case intel::ServiceCategory::kPush:
      return detect::KnownService::kPush;
    case intel::ServiceCategory::kMonitoring:
      return detect::KnownService::kMonitoring;
    // A popular name says nothing about its purpose, so it silences no detector; it only stops indicators.
    case intel::ServiceCategory::kPopular:
    case intel::ServiceCategory::kNone:
      break;
  }
  return detect::KnownService::kNone;
}

bool RegistryNumbers::emergency_or_service(model::NumberKey number) const {
  using registry::NumberClass;
  switch (plan_.facts(number).kind) {
    case NumberClass::kTollFree:
    case NumberClass::kService:
    case NumberClass::kShort:
    case NumberClass::kEmergency:
      return true;
    default:
      return false;
  }
}

std::size_t RegistryNumbers::suspect_bit(model::NumberKey number) {
  return mix64(number.bits()) % (kSuspectWords * 64);
}

bool RegistryNumbers::suspected(model::NumberKey number) const {
  const std::size_t bit = suspect_bit(number);
  if ((suspect_bits_[bit / 64].load(std::memory_order_relaxed) >> (bit % 64) & 1U) == 0) return false;
  std::shared_ptr<const std::vector<model::NumberKey>> suspects;
  {
    const std::scoped_lock lock(suspects_mutex_);
    suspects = suspects_;
  }
  return suspects != nullptr && std::binary_search(suspects->begin(), suspects->end(), number);
}

void RegistryNumbers::suspect(std::vector<model::NumberKey> numbers) {
  std::sort(numbers.begin(), numbers.end());
  auto sorted = std::make_shared<const std::vector<model::NumberKey>>(std::move(numbers));
  std::vector<std::uint64_t> bits(kSuspectWords, 0);
  for (const model::NumberKey number : *sorted)
    bits[suspect_bit(number) / 64] |= std::uint64_t{1} << (suspect_bit(number) % 64);
  const std::scoped_lock lock(suspects_mutex_);
  for (std::size_t i = 0; i < kSuspectWords; ++i) suspect_bits_[i].store(bits[i], std::memory_order_relaxed);
  suspects_ = std::move(sorted);
}

RegistryNumbers::RegistryNumbers(const registry::NumberingPlan& plan, const registry::ProtectedGroups& groups,
                                 std::uint16_t home_country)
    : plan_(plan), groups_(groups), home_country_(home_country), mobiles_(kMobileBlocks), told_(kMobileBlocks) {
  for (std::size_t block = 0; block < kMobileBlocks; ++block) {
    told_[block] = plan_.told_by_five(static_cast<std::uint32_t>(10'000 + block));
    if (told_[block]) mobiles_[block] = work_out(model::NumberKey::e164(kMobileFirst + block * kMobileBlock));
  }
}

detect::NumberTraits RegistryNumbers::traits(model::NumberKey number) const {
  const std::uint64_t block = (number.value() - kMobileFirst) / kMobileBlock;  // wraps below the first
  if (number.kind() == model::NumberKind::kE164 && block < kMobileBlocks && told_[block]) return mobiles_[block];
  return work_out(number);
}

detect::NumberTraits RegistryNumbers::work_out(model::NumberKey number) const {
  // In the order of registry::NumberClass.
  constexpr std::array<detect::LineKind, 13> kKinds{
      detect::LineKind::kMobile,        detect::LineKind::kMobileVirtual, detect::LineKind::kIot,
      detect::LineKind::kSatellite,     detect::LineKind::kFixed,         detect::LineKind::kTollFree,
      detect::LineKind::kService,       detect::LineKind::kShort,         detect::LineKind::kEmergency,
      detect::LineKind::kInternational, detect::LineKind::kUnknown,       detect::LineKind::kInvalid,
      detect::LineKind::kUnknown};
  const registry::PhoneFacts facts = plan_.facts(number);
  detect::NumberTraits out;
  out.kind = kKinds[static_cast<std::size_t>(facts.kind)];
  out.country_code = facts.country_code;
  out.home = facts.country_code != 0 && facts.country_code == home_country_;
  for (const char digit : facts.area_code) out.region = static_cast<std::uint16_t>(out.region * 10 + (digit - '0'));
  const bool e164 = number.kind() == model::NumberKind::kE164;
  // The plan calls what stands in no rule of the home country fixed, without an area.
  const bool nowhere =
      e164 && (facts.country_code == 0 || (facts.kind == registry::NumberClass::kFixed && facts.area_code.empty()));
  out.cannot_exist = facts.kind == registry::NumberClass::kInvalid || nowhere;
  if (out.cannot_exist) out.kind = detect::LineKind::kInvalid;
  return out;
}

std::string PlanNotes::note(model::NumberKey number) const {
  const registry::PhoneFacts facts = plan_.facts(number);
  std::string out;
  const auto add = [&out](std::string_view part) {
    if (part.empty()) return;
    if (!out.empty()) out += " · ";
    out += part;
  };
  if (facts.country_code != 0 && facts.country != "CN")
    add(facts.country_zh.empty() ? facts.country_en : facts.country_zh);
  add(facts.province_zh);
  if (facts.region_zh != facts.province_zh) add(facts.region_zh);
  add(facts.service_zh);
  add(facts.carrier);
  add(registry::name(facts.kind));
  return out;
}

std::string NamedSourceLines::line(const model::SourceRef& record) const {
  const std::string_view name = names_.name(record.source);
  return name.empty() ? std::string() : fmt::format("{}:{}", name, record.record);
}

}  // namespace pandun::server
