// Long and many calls abroad: lines that are made to earn by the minute, and people who have reason to talk abroad.
#include <algorithm>
#include <set>

#include "province/callers.h"

namespace pandun::province {
namespace {

// Codes that reports on shared revenue name again and again, and satellite networks; each with the digits that follow.
struct Far {
  std::string_view head;
  unsigned digits;
};
constexpr std::array<Far, 8> kDear{{{"+25261", 7},
                                    {"+53799", 5},
                                    {"+88213", 7},
                                    {"+8816", 8},
                                    {"+22464", 7},
                                    {"+67773", 5},
                                    {"+2217", 8},
                                    {"+960789", 4}}};
constexpr std::array<Far, 10> kTrade{{{"+1212", 7},
                                      {"+49211", 7},
                                      {"+3902", 8},
                                      {"+4420", 8},
                                      {"+9714", 7},
                                      {"+5511", 8},
                                      {"+9122", 8},
                                      {"+8490", 7},
                                      {"+6221", 8},
                                      {"+815", 9}}};

// A company's line that was broken into is none of an export desk's.
std::uint32_t line_of(const World& world, bool desk, Prng& random) {
  for (;;) {
    const std::uint32_t who = world.people.one_of(Role::kEnterprise, random);
    if ((who % 2 == 0) == desk || world.people.count(Role::kEnterprise) < 2) return who;
  }
}

std::string far_number(const Far& far, Prng& random) {
  std::uint64_t least = 1;
  for (unsigned i = 1; i < far.digits; ++i) least *= 10;
  std::string out(far.head);
  append_number(out, random.between(least, least * 10 - 1));
  return out;
}

// Minutes abroad are made on purpose, for a share of their price: through an exchange that was broken into, at night, or on cards
// bought for it, several calls at once on each (multiparty).
class PremiumAbuse : public Plant {
 public:
  PremiumAbuse(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed), exchange_(random_.chance(.5)) {
    first_ms_ = exchange_ ? in_hours(start, 21, 24, random_) : start;
    end_ms_ = first_ms_ + (exchange_ ? 8 : 5) * kHour;
    for (std::uint64_t n = random_.between(1, 3); n > 0; --n) {
      std::string range = far_number(kDear[random_.below(kDear.size())], random_);
      range.resize(range.size() - 3);  // a thousand numbers
      ranges_.push_back(std::move(range));
    }
    const auto lines = [&](std::uint64_t least, std::uint64_t most) {
      const double wanted = static_cast<double>(random_.between(least, most)) * strength;
      return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(wanted + .5));
    };
    if (exchange_) {
      who_ = line_of(world, false, random_);
      std::string number;
      world.people.append_number(number, who_);
      for (std::uint64_t n = lines(8, 24); n > 0; --n) channels_.push_back({number, {}, soon()});
    } else {
      cell_ = cell_text(58'000 + random_.below(2'000));
      for (std::uint64_t cards = random_.between(3, 6); cards > 0; --cards) {
        const std::string number = Population::outsider(some_segment(random_), random_),
                          device = device_text(random_.next());
        for (std::uint64_t n = lines(3, 5); n > 0; --n) channels_.push_back({number, device, soon()});
      }
    }
    business_ms_ = exchange_ ? start : kNever;
    next_ms_ = std::min(business_ms_, earliest()->next_ms);
  }

  void act(World& world) override {
    const auto channel = earliest();
    if (business_ms_ <= channel->next_ms) {  // the company's own calls go on
      world.social_call(business_ms_, who_, world.people.anyone(random_), random_);
      business_ms_ = advance(profile(Role::kEnterprise), kBusinessPerDay, business_ms_ + 1, random_.exponential());
    } else {
      call_abroad(world, *channel);
    }
    const std::int64_t far_ms = earliest()->next_ms;
    next_ms_ = far_ms == kNever ? kNever : std::min(business_ms_, far_ms);
  }

 private:
  static constexpr double kBusinessPerDay = 60;
  struct Channel {
    std::string number, device;
    std::int64_t next_ms = 0;
  };
  std::int64_t soon() {
    return first_ms_ + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(10 * kMinute)));
  }
  std::vector<Channel>::iterator earliest() {
    return std::min_element(channels_.begin(), channels_.end(),
                            [](const Channel& a, const Channel& b) { return a.next_ms < b.next_ms; });
  }
  void call_abroad(World& world, Channel& channel) {
    if (told_.insert(channel.number).second)
      world.truth(channel.next_ms, "fraud", "number", channel.number, "premium_abuse", channel.next_ms, end_ms_,
                  exchange_ ? "an exchange that was broken into: minutes abroad for a share of the price"
                            : "a card bought for minutes abroad");
    std::string callee = ranges_[random_.below(ranges_.size())];
    for (int digit = 0; digit < 3; ++digit) callee.push_back(static_cast<char>('0' + random_.below(10)));
    CallRow row{channel.number, callee, channel.device, cell_, {}, "igw-1", 0, 31, true};
    if (random_.chance(.9)) {
      row.duration_s = static_cast<std::int32_t>(std::clamp(random_.log_normal(600, .9), 5.0, 4 * 3600.0));
      row.cause = 16;
    }
    world.call(channel.next_ms, row);
    channel.next_ms +=
        std::int64_t{row.duration_s} * 1000 + 5'000 + static_cast<std::int64_t>(random_.exponential() * 20'000);
    if (channel.next_ms >= end_ms_) channel.next_ms = kNever;
  }

  bool exchange_;
  std::int64_t first_ms_ = 0, end_ms_ = 0, business_ms_ = kNever;
  std::uint32_t who_ = 0;
  std::string cell_;
  std::vector<std::string> ranges_;
  std::vector<Channel> channels_;
  std::set<std::string> told_;
};

// People with reason to talk abroad, each at its own time; and a number that a whole audience rings.
class CallsAbroad : public Plant {
 public:
  CallsAbroad(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed), what_(static_cast<What>(random_.below(4))), strength_(strength) {
    const bool evening = what_ == What::kVote, desk = what_ == What::kDesk;
    first_ms_ = evening ? in_hours(start, 20, 22, random_) : desk ? in_hours(start, 15, 20, random_) : start;
    next_ms_ = first_ms_;
    constexpr std::array<std::int64_t, 4> kHours{20, 30, 7, 2};
    constexpr std::array<double, 4> kActs{6, 48, 100, 600};  // of all of them, in these hours
    const auto w = static_cast<std::size_t>(what_);
    end_ms_ = first_ms_ + kHours[w] * kHour;
    gap_ms_ = static_cast<double>(kHours[w] * kHour) / (kActs[w] * strength_);
    if (what_ == What::kFamily || what_ == What::kCrew) {
      for (std::uint64_t n = what_ == What::kCrew ? 8 : 1; n > 0; --n) who_.push_back(world.people.anyone(random_));
      far_.push_back(far_number(kTrade[random_.below(kTrade.size())], random_));  // the family's other half; the hotel
    } else if (desk) {  // four lines of a house, and thirty customers
      for (int n = 0; n < 4; ++n) who_.push_back(line_of(world, true, random_));
      for (int n = 0; n < 30; ++n) far_.push_back(far_number(kTrade[random_.below(kTrade.size())], random_));
    } else {
      far_.emplace_back("12590");
      append_number(far_.back(), random_.between(1'000, 9'999));
    }
    std::sort(who_.begin(), who_.end());
    who_.erase(std::unique(who_.begin(), who_.end()), who_.end());
    free_ms_.resize(who_.size());
  }

  void act(World& world) override {
    if (next_ms_ == first_ms_) tell(world);
    if (what_ == What::kVote) {
      world.call_to(next_ms_, world.people.anyone(random_), far_[0], talk(9, .4), false, random_);
    } else if (const std::size_t i = random_.below(who_.size()); free_ms_[i] <= next_ms_) {  // one call at a time
      const std::int32_t talked = what_ == What::kFamily ? talk(1500, .6)
                                  : what_ == What::kCrew ? (random_.chance(.75) ? talk(150, 1) : 0)
                                  : random_.chance(.55)  ? talk(240, .9)
                                                         : 0;
      free_ms_[i] = next_ms_ + 30'000 + std::int64_t{talked} * 1000;
      if (what_ == What::kCrew)
        from_abroad(world, who_[i], talked);
      else
        world.call_to(next_ms_, who_[i], far_[random_.below(far_.size())], talked, true, random_);
    }
    next_ms_ += 1 + static_cast<std::int64_t>(random_.exponential() * gap_ms_);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  enum class What : std::uint8_t { kFamily, kCrew, kDesk, kVote };

  std::int32_t talk(double median_s, double sigma) {
    return static_cast<std::int32_t>(std::clamp(random_.log_normal(median_s, sigma), 2.0, 7200.0));
  }
  void tell(World& world) {
    constexpr std::array<std::string_view, 4> kPatterns{"family_abroad", "flight_crew", "export_desk", "televoting"};
    const std::string_view pattern = kPatterns[static_cast<std::size_t>(what_)];
    if (what_ == What::kVote)
      return world.truth(next_ms_, "benign", "number", far_[0], pattern, first_ms_, end_ms_, "rung by an audience");
    for (const std::uint32_t who : who_) {
      std::string number;
      world.people.append_number(number, who);
      world.truth(next_ms_, "benign", "number", number, pattern, first_ms_, end_ms_, "has reason to talk abroad");
    }
  }
  // Home, or to the hotel where the others are.
  void from_abroad(World& world, std::uint32_t who, std::int32_t talked) {
    std::string number, device, callee;
    world.people.append_number(number, who);
    world.people.append_device(device, who);
    if (random_.chance(.7))
      world.people.append_number(callee, world.people.contact(who, random_));
    else
      callee = far_[0];
    CallRow row{number, callee, device, {}, {}, "igw-1", talked, talked > 0 ? 16 : 19, true};
    row.roaming = true;
    world.call(next_ms_, row);
  }

  What what_;
  double strength_, gap_ms_ = 0;
  std::int64_t first_ms_ = 0, end_ms_ = 0;
  std::vector<std::uint32_t> who_;
  std::vector<std::int64_t> free_ms_;  // when each may call again
  std::vector<std::string> far_;
};

}  // namespace

std::unique_ptr<Plant> abroad_plant(PlantKind kind, const World& world, std::int64_t start, double strength,
                                    std::uint64_t seed) {
  switch (kind) {
    case PlantKind::kPremiumAbuse:
      return std::make_unique<PremiumAbuse>(world, start, strength, seed);
    case PlantKind::kCallsAbroad:
      return std::make_unique<CallsAbroad>(world, start, strength, seed);
    default:
      return nullptr;
  }
}

}  // namespace pandun::province
