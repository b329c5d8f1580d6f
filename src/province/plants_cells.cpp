// Odd cells that telephones see: a station of which the carrier's records hold nothing, and the operator's own that look like one.
#include <algorithm>

#include "province/callers.h"

namespace pandun::province {
namespace {

// As in the field: what it sends never touches the carrier's network. Only telephones that it caught tell of it afterwards.
class UnseenBaseStation : public Plant {
 public:
  UnseenBaseStation(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed),
        first_ms_(start),
        end_ms_(start + 30 * kMinute),
        gap_ms_(1'800 / strength),
        place_(random_.below(world.people.cells())),
        cell_(cell_text(72'000 + random_.below(2'000))) {}

  void act(World& world) override {
    if (next_ms_ == first_ms_)
      world.truth(next_ms_, "fraud", "cell", cell_, "unseen_base_station", first_ms_, end_ms_,
                  "a false station that only telephones saw");
    const std::string near = cell_text((place_ + random_.below(3)) % world.people.cells());
    world.sighting(next_ms_, victim(world, random_).number, cell_, near, {.30, .30, .20, .10}, "95588");
    next_ms_ += 1 + static_cast<std::int64_t>(random_.exponential() * gap_ms_);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  std::int64_t first_ms_, end_ms_;
  double gap_ms_;
  std::uint64_t place_;
  std::string cell_;
};

// A cell that telephones do not know, and people call from it: after works, at an event, where the power is out.
class NewCell : public Plant {
 public:
  NewCell(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed),
        what_(kWhat[random_.below(kWhat.size())]),
        strength_(strength),
        place_(random_.below(world.people.cells())),
        cell_(cell_text(74'000 + random_.below(2'000))) {
    first_ms_ = next_ms_ = in_hours(start, 8, 20, random_);
    end_ms_ = first_ms_ + what_.hours * kHour;
  }

  void act(World& world) override {
    if (next_ms_ == first_ms_)
      world.truth(next_ms_, "benign", "cell", cell_, what_.pattern, first_ms_, end_ms_,
                  "the operator's own cell that telephones do not know");
    if (random_.chance(what_.people / (what_.people + what_.calls))) {
      const std::string near = cell_text((place_ + random_.below(3)) % world.people.cells());
      world.sighting(next_ms_, victim(world, random_).number, cell_, near, what_.odd);
    } else {
      call(world);
    }
    const double gap_ms =
        static_cast<double>(what_.hours * kHour) / ((what_.people + what_.calls) * strength_) * random_.exponential();
    next_ms_ += 1 + static_cast<std::int64_t>(gap_ms);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  struct What {
    std::string_view pattern;
    std::int64_t hours;
    double people, calls;  // who comes near it for the first time, and calls from it, in these hours
    Oddities odd;
  };
  // Each person near it makes a call every four hours, every two at an event and where something has happened.
  static constexpr std::array<What, 3> kWhat{{{"new_cell", 10, 250, 625, {0, .12, .03, .60}},
                                              {"event_cell", 4, 2'000, 4'000, {0, .35, 0, .45}},
                                              {"emergency_cell", 6, 500, 1'500, {0, .30, .30, .30}}}};

  void call(World& world) {
    std::string caller, callee, device, callee_device;
    const std::uint32_t who = world.people.anyone(random_), to = world.people.contact(who, random_);
    world.people.append_number(caller, who);
    world.people.append_device(device, who);
    world.people.append_number(callee, to);
    world.people.append_device(callee_device, to);
    CallRow row{caller, callee, device, cell_, {}, "local", 0, 19, false, callee_device};
    const Profile& people = profile(Role::kResident);
    if (random_.chance(people.answered)) {
      row.duration_s = static_cast<std::int32_t>(
          std::clamp(random_.log_normal(people.duration_median_s, people.duration_sigma), 1.0, 7200.0));
      row.cause = 16;
    }
    world.call(next_ms_, row);
  }

  What what_;
  double strength_;
  std::uint64_t place_;
  std::string cell_;
  std::int64_t first_ms_ = 0, end_ms_ = 0;
};

}  // namespace

std::unique_ptr<Plant> cell_plant(PlantKind kind, const World& world, std::int64_t start, double strength,
                                  std::uint64_t seed) {
  switch (kind) {
    case PlantKind::kUnseenBaseStation:
      return std::make_unique<UnseenBaseStation>(world, start, strength, seed);
    case PlantKind::kNewCell:
      return std::make_unique<NewCell>(world, start, strength, seed);
    default:
      return trunk_plant(kind, world, start, strength, seed);
  }
}

}  // namespace pandun::province
