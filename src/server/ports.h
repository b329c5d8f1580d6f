// Where rooms that may not include one another meet: each port an engine declares, answered by the engine that knows.
//
// Threads  all const and safe for any reader. What they refer to must outlive them.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "casework/identities.h"
#include "detect/detector.h"
#include "ingest/numbering.h"
#include "intel/hit_cache.h"
#include "intel/matcher.h"
#include "intel/warning_lists.h"
#include "registry/cell_places.h"
#include "registry/numbering_plan.h"
#include "registry/protected_groups.h"
#include "sources/kit/source.h"

namespace pandun::server {

// ingest asks the numbering plan.
class PlanNumbering final : public ingest::Numbering {
 public:
  PlanNumbering(const registry::NumberingPlan& plan, std::uint16_t home_country, std::string home_area)
      : plan_(plan), home_country_(home_country), home_area_(std::move(home_area)) {}
  model::NumberKey parse(std::string_view text, bool opaque) const override {
    return plan_.parse(text, {home_country_, home_area_, opaque});
  }

 private:
  const registry::NumberingPlan& plan_;
  std::uint16_t home_country_;
  std::string home_area_;
};

// detect asks the indicator library.
class MatcherIndicators final : public detect::IndicatorMatch {
 public:
  explicit MatcherIndicators(std::shared_ptr<const intel::Matcher> matcher)
      : matcher_(std::move(matcher)), hits_(4096) {}
  bool empty() const override { return matcher_->empty(); }
  const detect::IndicatorHit* address(const model::IpAddress& ip) const override {
    return hit(matcher_->find_address(ip));
  }
  const detect::IndicatorHit* domain(std::string_view name) const override { return hit(matcher_->find_domain(name)); }
  const detect::IndicatorHit* url(std::string_view host, std::string_view uri) const override {
    return hit(matcher_->find_url(host, uri));
  }
  const detect::IndicatorHit* hash(std::string_view lower_hex) const override {
    return hit(matcher_->find_hash(lower_hex));
  }

 private:
  const detect::IndicatorHit* hit(intel::HitId id) const;
  std::shared_ptr<const intel::Matcher> matcher_;
  intel::HitCache<detect::IndicatorHit> hits_;
};

// detect asks what is publicly known of a name or address.
class WarningServices final : public detect::KnownServices {
 public:
  explicit WarningServices(const intel::WarningLists& lists) : lists_(lists) {}
  detect::KnownService address(const model::IpAddress& ip) const override { return known(lists_.address(ip)); }
  detect::KnownService domain(std::string_view name) const override { return known(lists_.domain(name)); }

 private:
  static detect::KnownService known(intel::ServiceCategory category);
  const intel::WarningLists& lists_;
};

// detect asks whether a number is protected.
class RegistryNumbers final : public detect::NumberFacts {
 public:
  RegistryNumbers(const registry::NumberingPlan& plan, const registry::ProtectedGroups& groups,
                  std::uint16_t home_country = 86);
  std::string_view protected_group(model::NumberKey number) const override { return groups_.protected_group(number); }
  bool emergency_or_service(model::NumberKey number) const override;
  detect::NumberTraits traits(model::NumberKey number) const override;
  // Those that suspect() said last: numbers with an open alert that nobody has dismissed. Replays know of none.
  bool suspected(model::NumberKey number) const override;
  void suspect(std::vector<model::NumberKey> numbers);

 private:
  const registry::NumberingPlan& plan_;
  const registry::ProtectedGroups& groups_;
  std::uint16_t home_country_;
  // Of China's 11-digit numbers that begin with 1, nearly all there are, by their first five digits.
  static constexpr std::uint64_t kMobileFirst = 86'10000'000000, kMobileBlock = 1'000000;
  static constexpr std::size_t kMobileBlocks = 10'000;
  detect::NumberTraits work_out(model::NumberKey number) const;
  std::vector<detect::NumberTraits> mobiles_;
  std::vector<bool> told_;
  // Whoever is suspected has its bit here; nearly all who are not, have not, and are told so without the lock.
  static constexpr std::size_t kSuspectWords = 4096;
  static std::size_t suspect_bit(model::NumberKey number);
  std::array<std::atomic<std::uint64_t>, kSuspectWords> suspect_bits_{};
  mutable std::mutex suspects_mutex_;
  std::shared_ptr<const std::vector<model::NumberKey>> suspects_;  // sorted; under the mutex
};

// detect asks where a cell stands.
class RegistryCells final : public detect::CellPlaces {
 public:
  explicit RegistryCells(const registry::CellPlaces& cells) : cells_(cells) {}
  detect::CellPlace place(std::string_view cell) const override {
    const auto found = cells_.find(cell);
    return found ? detect::CellPlace{true, found->latitude, found->longitude} : detect::CellPlace{};
  }

 private:
  const registry::CellPlaces& cells_;
};

// casework asks what may be said of a number beside its mask.
class PlanNotes final : public casework::NumberNotes {
 public:
  explicit PlanNotes(const registry::NumberingPlan& plan) : plan_(plan) {}
  std::string note(model::NumberKey number) const override;

 private:
  const registry::NumberingPlan& plan_;
};

// casework asks how a record is named.
class NamedSourceLines final : public casework::SourceLines {
 public:
  explicit NamedSourceLines(const sources::SourceNames& names) : names_(names) {}
  std::string line(const model::SourceRef& record) const override;

 private:
  const sources::SourceNames& names_;
};

}  // namespace pandun::server
