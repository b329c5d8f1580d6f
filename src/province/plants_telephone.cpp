#include <algorithm>
#include <array>

#include "province/callers.h"

namespace pandun::province {
namespace {

// > 100 calls an hour, most unanswered or ended within ten seconds, all different callees (湖北移动 2016, fraud.md D).
class FraudRing : public Callers {
 public:
  FraudRing(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "fraud_ring", "burst caller: many callees, few answers, short"),
        gap_ms_(13'000 / strength) {
    cell_ = cell_text(50'000 + random_.below(9'000));
    for (std::uint64_t n = random_.between(3, 6); n > 0; --n) {
      const std::int64_t first =
          start + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(10 * kMinute)));
      add(Population::outsider(some_segment(random_), random_), device_text(random_.next()), first,
          first + kHour + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(kHour + kHour / 2))));
    }
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const Person callee = victim(world, random_);
    CallRow row{caller.number, callee.number, caller.device, cell_, {}, "local", 0, 19, false, callee.device};
    if (random_.chance(.22)) {
      row.duration_s = static_cast<std::int32_t>(
          std::clamp(random_.chance(.04) ? random_.log_normal(900, .5) : random_.log_normal(8, .6), 1.0, 3600.0));
      row.cause = 16;
    } else if (random_.chance(.15)) {
      row.cause = random_.chance(.5) ? 21 : 1;
    }
    if (row.cause == 19) row.ring_s = few_rings(world, caller.next_ms, caller.number, callee.number);
    world.call(caller.next_ms, row);
    return static_cast<std::int64_t>(row.duration_s) * 1000 +
           static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
  std::string cell_;
};

// Many SIMs behind few devices at one place that never moves, calling out only (Murynets et al. 2014; fraud.md C).
class SimBox : public Callers {
 public:
  SimBox(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "sim_box", "one of many SIMs in few devices in one cell"), gap_ms_(240'000 / strength) {
    cell_ = cell_text(60'000 + random_.below(4'000));
    for (std::uint64_t n = random_.between(4, 8); n > 0; --n) devices_.push_back(device_text(random_.next()));
    for (std::uint64_t n = random_.between(24, 64); n > 0; --n) {
      const std::int64_t first =
          start + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(20 * kMinute)));
      add(Population::outsider(some_segment(random_), random_), {}, first, first + 6 * kHour);
    }
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const std::string& device = devices_[random_.below(devices_.size())];
    if (std::find(told_.begin(), told_.end(), device) == told_.end()) {
      told_.push_back(device);
      world.truth(caller.next_ms, "fraud", "device", device, "sim_box", caller.next_ms, caller.end_ms,
                  "device shared by many SIMs");
    }
    const Person callee = victim(world, random_);
    CallRow row{caller.number, callee.number, device, cell_, {}, "local", 0, 19, false, callee.device};
    if (random_.chance(.48)) {
      row.duration_s = static_cast<std::int32_t>(std::clamp(random_.log_normal(70, .9), 1.0, 3600.0));
      row.cause = 16;
    }
    world.call(caller.next_ms, row);
    return static_cast<std::int64_t>(row.duration_s) * 1000 +
           static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
  std::string cell_;
  std::vector<std::string> devices_, told_;
};

// Foreign numbers ring once and hang up; some people call back, dearly.
class Wangiri : public Callers {
 public:
  Wangiri(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "wangiri", "rings once from abroad and waits for the call back"),
        gap_ms_(5'000 / strength) {
    constexpr std::array<std::string_view, 6> kHot{"+25261", "+88213", "+24206", "+67773", "+53799", "+22464"};
    const std::string head(kHot[random_.below(kHot.size())]);
    for (std::uint64_t n = random_.between(2, 5); n > 0; --n) {
      std::string number = head;
      append_number(number, random_.between(100'000, 999'999));
      if (head == "+67773") number.pop_back();
      if (head == "+24206" || head == "+22464") number.push_back('4');
      const std::int64_t first =
          start + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(5 * kMinute)));
      add(number, {}, first,
          first + 30 * kMinute + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(30 * kMinute))));
    }
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const std::uint32_t who = world.people.anyone(random_);
    std::string callee, device;
    world.people.append_number(callee, who);
    world.people.append_device(device, who);
    const bool answered = random_.chance(.02);
    const auto ring = static_cast<std::int32_t>(world.beside(caller.next_ms, caller.number, callee).between(1, 3));
    world.call(caller.next_ms,
               {caller.number, callee, {}, {}, {}, "igw-1", answered ? 1 : 0, answered ? 16 : 19, true, device, ring});
    if (!answered && random_.chance(.04))
      world.promise({caller.next_ms + 20'000 + static_cast<std::int64_t>(random_.exponential() * 600'000), who, 0,
                     caller.number});
    return 1000 + static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
};

class MessageBurst : public Callers {
 public:
  MessageBurst(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "message_burst", "hundreds of messages to different people within minutes"),
        gap_ms_(2'400 / strength) {
    cell_ = cell_text(55'000 + random_.below(4'000));
    add(Population::outsider(some_segment(random_), random_), device_text(random_.next()), start,
        start + 10 * kMinute + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(10 * kMinute))));
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const std::string recipient = victim(world, random_).number;
    MessageRow row{caller.number, recipient, caller.device, cell_, "local", random_.chance(.6) ? 2 : 1, false};
    world.sample(caller.next_ms, row, cell_, .02);
    return static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
  std::string cell_;
};

// A cell that no operator runs sends in a service number's name to whoever passes. What a carrier sees of it in its own records is an
// assumption: here, messages whose cell is none of its own, or one whose identity was copied, where people call and write as ever.
class FakeBaseStation : public Plant {
 public:
  FakeBaseStation(const World& world, bool copied, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed), first_ms_(start), gap_ms_(1'800 / strength), copied_(copied) {
    constexpr std::array<std::string_view, 3> kClaimed{"95588", "10086", "95533"};
    claimed_ = kClaimed[random_.below(kClaimed.size())];
    cell_ = cell_text(70'000 + random_.below(2'000));
    place_ = mix64(seed + 1) % world.people.cells();
    if (copied_) cell_ = cell_text(place_);
    end_ms_ = start + 30 * kMinute;
  }
  void act(World& world) override {
    if (next_ms_ == first_ms_)
      world.truth(next_ms_, "fraud", "cell", cell_, copied_ ? "copied_base_station" : "fake_base_station", first_ms_,
                  end_ms_,
                  copied_ ? "messages in a service number's name beside a real cell's own"
                          : "unknown cell, messages in a service number's name");
    const std::string recipient = victim(world, random_).number;
    MessageRow row{claimed_, recipient, {}, cell_, "unknown", 2, false};
    world.sample(next_ms_, row, cell_, .03);
    // A copied identity is no unknown cell.
    const Oddities odd = copied_ ? Oddities{.40, 0, .35, 0} : Oddities{.30, .30, .20, .10};
    const std::uint64_t beside = 1 + static_cast<std::uint64_t>(next_ms_) % 3;
    world.sighting(next_ms_, recipient, cell_, cell_text((place_ + beside) % world.people.cells()), odd, claimed_);
    next_ms_ += 1 + static_cast<std::int64_t>(random_.exponential() * gap_ms_);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  std::int64_t first_ms_, end_ms_ = 0;
  double gap_ms_;
  bool copied_;
  std::uint64_t place_;
  std::string claimed_, cell_;
};

// An international trunk presents domestic callers: police, courts, banks.
class SpoofedTrunk : public Callers {
 public:
  SpoofedTrunk(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "spoofed_trunk", "domestic caller presented by an international trunk"),
        gap_ms_(22'000 / strength) {
    constexpr std::array<std::string_view, 4> kAreas{"10", "21", "20", "27"};
    for (std::uint64_t n = random_.between(1, 3); n > 0; --n) {
      std::string number = "+86";
      number += kAreas[random_.below(kAreas.size())];
      append_number(number, random_.between(60'000'000, 69'999'999));
      add(number, {}, start, start + 90 * kMinute);
    }
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const Person callee = victim(world, random_);
    CallRow row{caller.number, callee.number, {}, {}, {}, "igw-2", 0, 19, true, callee.device};
    if (random_.chance(.35)) {
      row.duration_s = static_cast<std::int32_t>(
          std::clamp(random_.chance(.1) ? random_.log_normal(1200, .6) : random_.log_normal(12, .7), 1.0, 7200.0));
      row.cause = 16;
    }
    world.call(caller.next_ms, row);
    return static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
};

}  // namespace

std::unique_ptr<Plant> telephone_plant(PlantKind kind, const World& world, std::int64_t start, double strength,
                                       std::uint64_t seed) {
  switch (kind) {
    case PlantKind::kFraudRing:
      return std::make_unique<FraudRing>(start, strength, seed);
    case PlantKind::kSimBox:
      return std::make_unique<SimBox>(start, strength, seed);
    case PlantKind::kWangiri:
      return std::make_unique<Wangiri>(start, strength, seed);
    case PlantKind::kMessageBurst:
      return std::make_unique<MessageBurst>(start, strength, seed);
    case PlantKind::kFakeBaseStation:
    case PlantKind::kCopiedBaseStation:
      return std::make_unique<FakeBaseStation>(world, kind == PlantKind::kCopiedBaseStation, start, strength, seed);
    case PlantKind::kSpoofedTrunk:
      return std::make_unique<SpoofedTrunk>(start, strength, seed);
    default:
      return nuisance_plant(kind, world, start, strength, seed);
  }
}

}  // namespace pandun::province
