// Whom one rule (or detector) spoke about: each entity once, by day and group. Half of a back-test.
//
// Threads  one owner.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/entity.h"
#include "model/signal.h"
#include "registry/protected_groups.h"
#include "server/ports.h"

namespace pandun::server {

inline constexpr std::int64_t kDayMs = 86'400'000;

// Which group an entity counts under.
class GroupBook {
 public:
  static constexpr std::uint16_t kService = 0xfffe, kNone = 0xffff;
  GroupBook(const registry::ProtectedGroups& groups, const RegistryNumbers& numbers);
  std::uint16_t of(const model::Entity& entity) const;
  const std::vector<registry::ProtectedGroup>& groups() const { return groups_.groups(); }
  std::string_view id(std::uint16_t group) const;

 private:
  const registry::ProtectedGroups& groups_;
  const RegistryNumbers& numbers_;
};

struct TallyKey {
  model::EntityKind kind{};
  model::EntityKey key;
  friend bool operator==(const TallyKey&, const TallyKey&) = default;
};
struct TallyHash {
  std::size_t operator()(const TallyKey& key) const {
    return static_cast<std::size_t>(combine64(model::hash_of(key.key), static_cast<std::uint64_t>(key.kind)));
  }
};
TallyKey tally_key(const model::Entity& entity);

class Tally {
 public:
  struct Person {
    model::Entity entity;
    EventMs first_hit;
    std::int64_t last_day = INT64_MIN;
    std::uint32_t signals = 0;
    std::uint16_t group = GroupBook::kNone;
  };
  struct Day {
    std::uint64_t people = 0, fresh = 0;
  };
  struct Example {
    std::uint64_t rank = 0;
    TallyKey key;
    std::vector<model::Evidence> evidence;
  };
  static constexpr std::size_t kExamples = 24, kExamplesOfGroup = 4;

  explicit Tally(const GroupBook& groups) : groups_(&groups) {}
  void add(const model::Signal& signal);

  std::uint64_t signals() const { return signals_; }
  const std::unordered_map<TallyKey, Person, TallyHash>& people() const { return people_; }
  const std::map<std::int64_t, Day>& days() const { return days_; }  // by days since 1970, UTC
  std::vector<const Example*> examples() const;                      // everybody's first, then of each group

 private:
  void keep_example(std::vector<Example>& kept, std::size_t most, const Example& one);

  const GroupBook* groups_;
  std::uint64_t signals_ = 0;
  std::unordered_map<TallyKey, Person, TallyHash> people_;
  std::map<std::int64_t, Day> days_;
  std::vector<Example> examples_;
  std::map<std::uint16_t, std::vector<Example>> of_group_;
};

}  // namespace pandun::server
