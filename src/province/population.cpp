#include "province/population.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/hash.h"
#include "province/slice.h"

namespace pandun::province {
namespace {

constexpr std::int64_t kZoneMs = 8 * kHour;  // China has one zone and no summer time

constexpr std::array<double, 24> kTwoHumps{.10,  .05, .03, .03, .04,  .12, .45,  .95, 1.4, 1.75, 1.85, 1.6,
                                           1.25, 1.1, 1.3, 1.5, 1.55, 1.6, 1.75, 1.8, 1.6, 1.1,  .6,   .25};
constexpr std::array<double, 24> kMornings{.02, .01, .01, .01, .03, .3,  1.2, 2.0, 2.3, 2.4, 2.2, 1.6,
                                           .8,  .6,  1.1, 1.5, 1.5, 1.3, 1.2, 1.3, .9,  .3,  .1,  .04};
constexpr std::array<double, 24> kDelivery{0,   0,   0,   0,   0,   0,   .1,  .6,  1.5, 2.3, 2.4, 2.3,
                                           1.9, 1.7, 2.0, 2.1, 2.1, 1.9, 1.5, 1.0, .5,  .1,  0,   0};
constexpr std::array<double, 24> kDriving{.5,  .3,  .2,  .15, .2,  .5,  1.0, 1.6, 1.6, 1.3, 1.1, 1.1,
                                          1.1, 1.0, 1.0, 1.1, 1.3, 1.6, 1.6, 1.4, 1.3, 1.3, 1.1, .8};
constexpr std::array<double, 24> kOffice{0,  0,   0,   0,   0,   0,   0,  .2, 1.8, 3.2, 3.3, 2.6,
                                         .9, 1.0, 2.7, 3.0, 2.8, 1.9, .4, .1, .05, 0,   0,   0};
constexpr std::array<double, 24> kCentre{0,   0,   0,   0,   0,   0,   0,   0,  .8, 2.9, 3.0, 2.7,
                                         1.1, 1.6, 2.7, 2.8, 2.7, 2.2, 1.0, .5, 0,  0,   0,   0};
constexpr std::array<double, 24> kClinic{.3, .2,  .2,  .2,  .3,  .4,  .8, 1.6, 2.4, 2.4, 2.2, 1.7,
                                         .9, 1.0, 1.9, 2.0, 1.7, 1.2, .8, .6,  .5,  .4,  .3,  .3};
constexpr std::array<double, 24> kLessons{0,   0,   0,   0,   0,   0,   .2,  2.2, 2.4, 1.6, 1.3, 1.3,
                                          1.0, 1.0, 1.4, 2.2, 3.4, 3.2, 1.4, .8,  .4,  .1,  0,   0};
constexpr std::array<double, 24> kAlways{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};

// share, calls/day, messages/day, answered, median s, sigma, weekend, hours. Sources and assumptions: docs/simulator.md.
const std::array<Profile, kRoles> kProfiles{{
    {.757, 3.6, .7, .74, 40, 1.15, .92, kTwoHumps},
    {.110, 1.3, .1, .80, 55, 1.10, 1.0, kMornings},
    {.010, 75, 3, .66, 17, .75, .85, kDelivery},
    {.006, 26, 1, .80, 19, .70, 1.1, kDriving},
    {.045, 7, 0, .72, 65, 1.05, .2, kOffice},
    {.0006, 420, 0, .42, 38, 1.00, .35, kCentre},
    {.0004, 95, 0, .76, 52, .90, .6, kClinic},
    {.001, 22, 0, .72, 60, .90, .1, kLessons},
    {.070, 0, 0, 0, 0, 0, 1, kAlways},
}};

// Operators' shares of the segments are in the list's make-up: Mobile about half, Telecom and Unicom a quarter each (assumption).
constexpr std::array<std::string_view, 40> kSegments{
    "134", "135", "136", "137", "138", "139", "147", "150", "151", "152", "157", "158", "159", "178",
    "182", "183", "187", "188", "198", "195", "133", "153", "173", "177", "180", "181", "189", "199",
    "191", "130", "131", "132", "155", "156", "176", "185", "186", "166", "170", "165"};
constexpr std::array<std::string_view, 11> kAreas{"571", "574", "577", "575", "576", "579",
                                                  "573", "572", "570", "578", "580"};
constexpr std::uint64_t kOutside = 90'000'000;  // the population's last eight digits stay below, outsiders' do not

std::uint64_t keyed(std::uint64_t seed, std::uint64_t what, std::uint64_t i) {
  return combine64(combine64(seed, what), i);
}

void append_padded(std::string& out, std::uint64_t value, unsigned digits) {
  std::uint64_t unit = 1;
  for (unsigned i = 1; i < digits; ++i) unit *= 10;
  for (; unit != 0; unit /= 10) out.push_back(static_cast<char>('0' + value / unit % 10));
}

}  // namespace

std::string_view name(Role role) {
  constexpr std::array<std::string_view, kRoles> kNames{"resident",    "elderly",  "courier", "driver", "enterprise",
                                                        "call_centre", "hospital", "school",  "machine"};
  return kNames[static_cast<std::size_t>(role)];
}

const Profile& profile(Role role) {
  return kProfiles[static_cast<std::size_t>(role)];
}

std::int64_t advance(const Profile& profile, double per_day, std::int64_t ms, double amount) {
  for (;;) {
    const std::int64_t local = ms + kZoneMs;
    const auto hour = static_cast<std::size_t>(local % kDay / kHour);
    const std::int64_t day = local / kDay;  // 1970-01-01 was a Thursday
    const bool weekend = (day + 3) % 7 >= 5;
    const double rate = per_day / static_cast<double>(kDay) * profile.hours[hour] * (weekend ? profile.weekend : 1.0);
    const std::int64_t left = kHour - local % kHour;
    const double here = rate * static_cast<double>(left);
    if (amount < here) return ms + static_cast<std::int64_t>(amount / rate);
    amount -= here;
    ms += left;
  }
}

Population::Population(std::uint32_t numbers, std::uint64_t seed) : size_(numbers), seed_(seed) {
  CHECK(numbers >= 100);
  std::uint32_t used = 0;
  std::array<std::uint32_t, kRoles> counts{};
  for (std::size_t r = 1; r < kRoles; ++r) {
    counts[r] = std::max(1U, static_cast<std::uint32_t>(kProfiles[r].share * numbers));
    used += counts[r];
  }
  counts[0] = numbers - used;
  for (std::size_t r = 0; r < kRoles; ++r) first_[r + 1] = first_[r] + counts[r];
  people_ = counts[0] + counts[1];
  cells_ = std::max(16U, numbers / 250);
  while ((1ULL << (2 * half_bits_)) < people_) ++half_bits_;
}

Role Population::role(std::uint32_t i) const {
  std::size_t r = 0;
  while (i >= first_[r + 1]) ++r;
  return static_cast<Role>(r);
}

void Population::append_number(std::string& out, std::uint32_t i) const {
  const std::uint64_t offset = keyed(seed_, 1, 0) % kOutside;
  if (role(i) == Role::kMachine) {
    out += "+861440";
    append_padded(out, (i * 7919ULL + offset) % 1'000'000'000ULL, 9);
  } else if (fixed_line(i)) {
    out += "+86";
    out += kAreas[keyed(seed_, 2, i / 40) % kAreas.size()];  // an enterprise's lines stand together
    append_padded(out, 81'000'000 + i % 8'000'000, 8);
  } else {
    out += "+86";
    out += kSegments[i % kSegments.size()];
    append_padded(out, (i / kSegments.size() * 7919ULL + offset) % kOutside, 8);
  }
}

std::string Population::outsider(std::string_view segment, Prng& random) {
  std::string out = "+86";
  out += segment;
  append_padded(out, kOutside + random.below(10'000'000), 8);
  return out;
}

void append_imei(std::string& out, std::uint64_t hash) {
  const std::size_t first = out.size();
  out += "86";
  append_padded(out, hash % 1'000'000'000'000ULL, 12);
  unsigned sum = 0;  // Luhn, 3GPP TS 23.003 annex B
  for (std::size_t i = 0; i < 14; ++i) {
    unsigned digit = static_cast<unsigned>(out[first + i] - '0') << (i % 2);
    sum += digit > 9 ? digit - 9 : digit;
  }
  out.push_back(static_cast<char>('0' + (10 - sum % 10) % 10));
}

void append_cell_id(std::string& out, std::uint64_t cell) {
  out += "460-00-";
  province::append_number(out, 5700 + cell / 64);
  out.push_back('-');
  province::append_number(out, cell);
}

void Population::append_device(std::string& out, std::uint32_t i) const {
  if (!fixed_line(i)) append_imei(out, keyed(seed_, 3, i));
}

void Population::append_cell(std::string& out, std::uint32_t i, std::int64_t ms, Prng& random) const {
  if (fixed_line(i)) return;
  std::uint64_t cell = keyed(seed_, 4, i / 4) % cells_;  // a household shares its home cell
  const Role who = role(i);
  const std::int64_t hour = (ms + kZoneMs) % kDay / kHour;
  if (who == Role::kCourier)
    cell = (cell + random.below(9)) % cells_;
  else if (who == Role::kDriver)
    cell = random.below(cells_);
  else if (who == Role::kResident && hour >= 9 && hour < 18 && random.chance(.7))
    cell = keyed(seed_, 5, i) % cells_;
  else if (who == Role::kResident && random.chance(.08))
    cell = random.below(cells_);
  append_cell_id(out, cell);
}

std::uint32_t Population::anyone(Prng& random) const {
  return static_cast<std::uint32_t>(random.below(people_));
}

// Circle sizes are heavy-tailed: Pareto with exponent 1.6 over a least of 6, at most 400.
std::uint32_t Population::circle_size(std::uint32_t i) const {
  const double u = static_cast<double>(keyed(seed_, 6, i) >> 11) * 0x1.0p-53;
  const double size = 6.0 * std::pow(1.0 - u, -1.0 / 1.6);
  return static_cast<std::uint32_t>(std::min(size, role(i) == Role::kElderly ? 25.0 : 400.0));
}

// A Feistel permutation of [0, 4^half_bits) walked until it lands inside (cycle walking).
std::uint32_t Population::permute(std::uint32_t i) const {
  const std::uint32_t mask = (1U << half_bits_) - 1;
  do {
    std::uint32_t left = i >> half_bits_, right = i & mask;
    for (std::uint64_t round = 0; round < 4; ++round) {
      const std::uint32_t mixed = left ^ (static_cast<std::uint32_t>(mix64(seed_ + round * 0x51ed270b + right)) & mask);
      left = right;
      right = mixed;
    }
    i = (left << half_bits_) | right;
  } while (i >= people_);
  return i;
}

std::uint32_t Population::unpermute(std::uint32_t i) const {
  const std::uint32_t mask = (1U << half_bits_) - 1;
  do {
    std::uint32_t left = i >> half_bits_, right = i & mask;
    for (std::uint64_t round = 4; round-- > 0;) {
      const std::uint32_t mixed = right ^ (static_cast<std::uint32_t>(mix64(seed_ + round * 0x51ed270b + left)) & mask);
      right = left;
      left = mixed;
    }
    i = (left << half_bits_) | right;
  } while (i >= people_);
  return i;
}

std::uint32_t Population::friend_of(std::uint32_t i, std::uint32_t rank) const {
  const std::uint32_t mirror = static_cast<std::uint32_t>(keyed(seed_, 7, rank) % people_);
  const std::uint32_t place = permute(i);
  return unpermute(mirror >= place ? mirror - place : mirror + people_ - place);
}

std::uint32_t Population::contact(std::uint32_t i, Prng& random) const {
  std::uint32_t who = i;
  if (random.chance(.22)) {
    who = i ^ static_cast<std::uint32_t>(random.between(1, 3));  // the household of four
  } else if (random.chance(.97)) {
    // Zipf with exponent 1 over the circle: log-uniform ranks.
    const double size = static_cast<double>(circle_size(i));
    const auto rank = static_cast<std::uint32_t>(std::exp(random.uniform() * std::log(size + 1.0))) - 1;
    who = friend_of(i, rank);
  } else {
    who = anyone(random);
  }
  return who == i || who >= people_ ? (i + 1) % people_ : who;
}

}  // namespace pandun::province
