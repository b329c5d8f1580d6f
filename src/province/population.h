// Who lives in the province: roles, numbers, devices, cells and circles, all computed from the seed and an index, so that a
// million people need no memory.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/prng.h"

namespace pandun::province {

inline constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;  // milliseconds

enum class Role : std::uint8_t {
  kResident,
  kElderly,
  kCourier,
  kDriver,
  kEnterprise,
  kCallCentre,
  kHospital,
  kSchool,
  kMachine,
};
inline constexpr std::size_t kRoles = 9;
std::string_view name(Role role);

struct Profile {
  double share;  // of all numbers
  double calls_per_day, messages_per_day;
  double answered;  // share of calls that are
  double duration_median_s, duration_sigma;
  double weekend;                // weekend rate against weekday rate
  std::array<double, 24> hours;  // local time; mean 1 after Curve
};
const Profile& profile(Role role);

// Moves a time on by `amount` units of a process of `per_day` units a day that follows a role's hours: exact, without rejection.
std::int64_t advance(const Profile& profile, double per_day, std::int64_t ms, double amount);

class Population {
 public:
  Population(std::uint32_t numbers, std::uint64_t seed);

  std::uint32_t size() const { return size_; }
  Role role(std::uint32_t i) const;
  std::uint32_t first(Role role) const { return first_[static_cast<std::size_t>(role)]; }
  std::uint32_t count(Role role) const { return first_[static_cast<std::size_t>(role) + 1] - first(role); }
  std::uint32_t cells() const { return cells_; }  // those of the operators: ids below
  bool fixed_line(std::uint32_t i) const { return role(i) >= Role::kEnterprise && role(i) <= Role::kSchool; }

  void append_number(std::string& out, std::uint32_t i) const;
  void append_device(std::string& out, std::uint32_t i) const;  // nothing for a fixed line
  void append_cell(std::string& out, std::uint32_t i, std::int64_t ms, Prng& random) const;

  // A number called by `i` (a resident or elder): family, friends by rank, rarely a stranger. Never `i` itself.
  std::uint32_t contact(std::uint32_t i, Prng& random) const;
  std::uint32_t anyone(Prng& random) const;  // a resident or elder
  std::uint32_t one_of(Role role, Prng& random) const {
    return first(role) + static_cast<std::uint32_t>(random.below(count(role)));
  }
  std::uint32_t circle_size(std::uint32_t i) const;
  std::uint32_t friend_of(std::uint32_t i,
                          std::uint32_t rank) const;  // an involution: friend_of(friend_of(i, r), r) == i

  // A number of nobody in the population, for planted callers: segment of three digits behind +86.
  static std::string outsider(std::string_view segment, Prng& random);

 private:
  std::uint32_t permute(std::uint32_t i) const;
  std::uint32_t unpermute(std::uint32_t i) const;

  std::uint32_t size_, people_ = 0, cells_ = 0;
  std::uint64_t seed_;
  unsigned half_bits_ = 1;
  std::array<std::uint32_t, kRoles + 1> first_{};
};

void append_imei(std::string& out, std::uint64_t hash);
void append_cell_id(std::string& out, std::uint64_t cell);

}  // namespace pandun::province
