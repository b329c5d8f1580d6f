#include "server/backtest_tally.h"

#include <algorithm>

namespace pandun::server {
namespace {

std::int64_t day_of(EventMs time) {
  return time.ms >= 0 ? time.ms / kDayMs : (time.ms - kDayMs + 1) / kDayMs;
}

}  // namespace

GroupBook::GroupBook(const registry::ProtectedGroups& groups, const RegistryNumbers& numbers)
    : groups_(groups), numbers_(numbers) {}

std::uint16_t GroupBook::of(const model::Entity& entity) const {
  if (entity.kind != model::EntityKind::kNumber) return kNone;
  if (const registry::ProtectedGroup* group = groups_.find(entity.number); group != nullptr)
    return static_cast<std::uint16_t>(group - groups_.groups().data());
  return numbers_.emergency_or_service(entity.number) ? kService : kNone;
}

std::string_view GroupBook::id(std::uint16_t group) const {
  if (group == kNone) return {};
  if (group == kService) return "service_line";
  return groups_.groups()[group].id;
}

TallyKey tally_key(const model::Entity& entity) {
  if (entity.kind == model::EntityKind::kNumber) return {entity.kind, model::key_of(entity.number)};
  if (entity.kind == model::EntityKind::kIp)
    if (const auto ip = model::IpAddress::parse(entity.value)) return {entity.kind, model::key_of(*ip)};
  return {entity.kind, model::key_of_text(entity.value)};
}

void Tally::add(const model::Signal& signal) {
  ++signals_;
  const TallyKey key = tally_key(signal.entity);
  const auto [it, fresh] = people_.try_emplace(key);
  Person& person = it->second;
  const std::int64_t day = day_of(signal.last);
  if (fresh) {
    person.entity = signal.entity;
    person.first_hit = signal.last;
    person.group = groups_->of(signal.entity);
    ++days_[day].fresh;
    const Example one{hash64(model::name(key.kind)) ^ TallyHash{}(key), key, signal.evidence};
    keep_example(examples_, kExamples, one);
    if (person.group != GroupBook::kNone) keep_example(of_group_[person.group], kExamplesOfGroup, one);
  }
  ++person.signals;
  if (person.last_day == day) return;
  person.last_day = day;
  ++days_[day].people;
}

// The smallest ranks: a choice that favours nobody and is the same in every run.
void Tally::keep_example(std::vector<Example>& kept, std::size_t most, const Example& one) {
  const auto at = std::upper_bound(kept.begin(), kept.end(), one.rank,
                                   [](std::uint64_t rank, const Example& e) { return rank < e.rank; });
  if (static_cast<std::size_t>(at - kept.begin()) >= most) return;
  kept.insert(at, one);
  if (kept.size() > most) kept.pop_back();
}

std::vector<const Tally::Example*> Tally::examples() const {
  std::vector<const Example*> out;
  for (const Example& one : examples_) out.push_back(&one);
  for (const auto& [group, kept] : of_group_)
    for (const Example& one : kept)
      if (std::none_of(out.begin(), out.end(), [&](const Example* had) { return had->key == one.key; }))
        out.push_back(&one);
  return out;
}

}  // namespace pandun::server
