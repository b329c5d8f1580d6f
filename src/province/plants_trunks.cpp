// Mobile numbers behind a leased line: a relay whose cards are worn out one after another, and companies that look like one.
#include <algorithm>
#include <utility>

#include "province/callers.h"

namespace pandun::province {
namespace {

std::string trunk_name(Prng& random) {
  std::string out = "line-";
  append_number(out, random.between(1'000, 9'999));
  return out;
}

// A gateway behind a leased line. On each of its channels one card is used until the gateway changes it (by time on line, calls made
// or failed: the settings of such gateways); records name neither telephone nor cell.
class TrunkRelay : public Callers {
 public:
  TrunkRelay(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "trunk_relay", "one of the cards used in turn behind a trunk"),
        gap_ms_(60'000 / strength),
        trunk_(trunk_name(random_)) {
    first_ms_ = in_hours(start, 8, 14, random_);
    end_ms_ = first_ms_ + 8 * kHour;
    for (std::uint64_t channel = random_.between(3, 8); channel > 0; --channel) {
      for (std::int64_t at = first_ms_; at < end_ms_;) {
        const std::int64_t change =
            at + 30 * kMinute + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(kHour)));
        add(Population::outsider(some_segment(random_), random_), {}, at, std::min(change, end_ms_));
        at = change + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(2 * kMinute)));
      }
    }
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    if (!std::exchange(told_, true))
      world.truth(caller.next_ms, "fraud", "trunk", trunk_, "trunk_relay", first_ms_, end_ms_,
                  "a leased line behind which cards are used in turn");
    const Person callee = victim(world, random_);
    CallRow row{caller.number, callee.number, {}, {}, {}, trunk_, 0, 19, false, callee.device};
    if (random_.chance(.45)) {
      row.duration_s = static_cast<std::int32_t>(std::clamp(random_.log_normal(60, .9), 1.0, 3600.0));
      row.cause = 16;
    }
    world.call(caller.next_ms, row);
    return static_cast<std::int64_t>(row.duration_s) * 1000 +
           static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
  std::string trunk_;
  std::int64_t first_ms_ = 0, end_ms_ = 0;
  bool told_ = false;
};

// An exchange whose staff show their company mobiles or desk lines and are called back, or a call centre that shows one of its
// mobile numbers at each call. Both for a day.
class CompanyTrunk : public Plant {
 public:
  CompanyTrunk(std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed),
        centre_(random_.chance(.5)),
        hours_(profile(centre_ ? Role::kCallCentre : Role::kEnterprise)),
        first_ms_(start),
        end_ms_(start + kDay),
        trunk_(trunk_name(random_)) {
    per_day_ = (centre_ ? 15 * hours_.calls_per_day : 60 * 15) * strength;  // 15 seats; 60 desks
    const std::uint64_t mobiles = centre_ ? 12 : 30, desks = centre_ ? 0 : 30;
    for (std::uint64_t n = 0; n < mobiles; ++n) numbers_.push_back(Population::outsider("139", random_));
    for (std::uint64_t n = 0, first = random_.between(60'000'000, 69'999'000); n < desks; ++n) {
      numbers_.push_back("+86571");
      append_number(numbers_.back(), first + n);
    }
  }

  void act(World& world) override {
    if (next_ms_ == first_ms_) {
      const std::string_view pattern = centre_ ? "call_centre_trunk" : "company_trunk";
      world.truth(next_ms_, "benign", "trunk", trunk_, pattern, first_ms_, end_ms_, "a company's leased line");
      for (const std::string& number : numbers_)
        world.truth(next_ms_, "benign", "number", number, pattern, first_ms_, end_ms_, "shown on a company's line");
    } else {
      call(world);
    }
    next_ms_ = std::max(next_ms_ + 1, advance(hours_, per_day_, next_ms_, random_.exponential()));
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  void call(World& world) {
    const std::string& number = numbers_[random_.below(numbers_.size())];
    const Person other = victim(world, random_);
    const bool incoming = !centre_ && random_.chance(.35);
    CallRow row{number, other.number, {}, {}, {}, trunk_, 0, 19, false, other.device};
    if (incoming) row = {other.number, number, other.device, {}, {}, trunk_, 0, 19, false, {}};
    if (random_.chance(hours_.answered)) {
      row.duration_s = static_cast<std::int32_t>(
          std::clamp(random_.log_normal(hours_.duration_median_s, hours_.duration_sigma), 1.0, 7200.0));
      row.cause = 16;
    }
    world.call(next_ms_, row);
  }

  bool centre_;
  const Profile& hours_;
  std::int64_t first_ms_, end_ms_;
  double per_day_ = 0;
  std::string trunk_;
  std::vector<std::string> numbers_;
};

}  // namespace

std::unique_ptr<Plant> trunk_plant(PlantKind kind, const World& world, std::int64_t start, double strength,
                                   std::uint64_t seed) {
  switch (kind) {
    case PlantKind::kTrunkRelay:
      return std::make_unique<TrunkRelay>(start, strength, seed);
    case PlantKind::kCompanyTrunk:
      return std::make_unique<CompanyTrunk>(start, strength, seed);
    default:
      return abroad_plant(kind, world, start, strength, seed);
  }
}

}  // namespace pandun::province
