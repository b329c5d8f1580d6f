// Telephone abuse beside the calling gangs: a number rung day and night, a machine's card in a telephone, senders that share a list.
#include <algorithm>

#include "province/callers.h"

namespace pandun::province {
namespace {

// A platform rings one person from very many numbers, shown or real, and hangs up (呼死你). The entity is the victim.
class CallBombing : public Plant {
 public:
  CallBombing(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed), first_ms_(start), end_ms_(start + 40 * kMinute), gap_ms_(4'000 / strength) {
    const std::uint32_t who = world.people.anyone(random_);
    world.people.append_number(victim_, who);
    world.people.append_device(device_, who);
    for (int n = 0; n < 400; ++n) callers_.push_back(Population::outsider(some_segment(random_), random_));
  }
  void act(World& world) override {
    if (next_ms_ == first_ms_)
      world.truth(next_ms_, "fraud", "number", victim_, "call_bombing", first_ms_, end_ms_,
                  "the victim: rung without end by very many numbers");
    const bool answered = random_.chance(.06);
    world.call(next_ms_, {callers_[random_.below(callers_.size())],
                          victim_,
                          {},
                          {},
                          {},
                          "tandem-1",
                          answered ? static_cast<std::int32_t>(random_.between(1, 6)) : 0,
                          answered ? 16 : 17,
                          false,
                          device_});
    next_ms_ += 1 + static_cast<std::int64_t>(random_.exponential() * gap_ms_);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  std::int64_t first_ms_, end_ms_;
  double gap_ms_;
  std::string victim_, device_;
  std::vector<std::string> callers_;
};

// The card of a meter, put into a telephone: it rings people, one every few minutes.
class IotMisuse : public Callers {
 public:
  IotMisuse(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "iot_misuse", "a machine's card that calls people"), gap_ms_(420'000 / strength) {
    cell_ = cell_text(52'000 + random_.below(3'000));
    for (std::uint64_t n = random_.between(1, 4); n > 0; --n) {
      std::string number = "+861440";
      append_number(number, random_.between(100'000'000, 999'999'999));
      add(number, device_text(random_.next()), start, start + 5 * kHour);
    }
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const Person callee = victim(world, random_);
    CallRow row{caller.number, callee.number, caller.device, cell_, {}, "local", 0, 19, false, callee.device};
    if (random_.chance(.45)) {
      row.duration_s = static_cast<std::int32_t>(std::clamp(random_.log_normal(60, .8), 1.0, 3600.0));
      row.cause = 16;
    }
    world.call(caller.next_ms, row);
    return static_cast<std::int64_t>(row.duration_s) * 1000 +
           static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
  std::string cell_;
};

// Numbers of one block share a list, each below what is noticed of a single sender (模板短信引流).
class MessageCampaign : public Callers {
 public:
  MessageCampaign(std::int64_t start, double strength, std::uint64_t seed)
      : Callers(start, seed, "message_campaign", "one of several senders of a block that share a list"),
        gap_ms_(90'000 / strength),
        text_(token_text("", seed)) {
    const std::string block = "+86" + some_segment(random_) + std::to_string(random_.between(9'000, 9'999));
    const std::uint64_t first = random_.between(1'000, 8'000);
    for (std::uint64_t n = random_.between(8, 14); n > 0; --n)
      add(block + std::to_string(first + n * 3), device_text(random_.next()), start, start + 80 * kMinute);
  }

 private:
  std::int64_t caller_act(World& world, Caller& caller) override {
    const std::string recipient = victim(world, random_).number;
    MessageRow row{caller.number, recipient, caller.device, {}, "local", 2, false};
    world.sample(caller.next_ms, row, text_, .1);
    return static_cast<std::int64_t>(random_.exponential() * gap_ms_);
  }
  double gap_ms_;
  std::string text_;  // what all of them send
};

// One holder has card after card opened, at one outlet after the other, and keeps them alive in one telephone (囤卡、养卡).
class ManyCards : public Plant {
 public:
  ManyCards(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : Plant(start, seed),
        gap_ms_(2.5 * kHour / strength),
        holder_(token_text("holder:", seed)),
        device_(device_text(mix64(seed + 1))),
        cell_(cell_text(mix64(seed + 2) % world.people.cells())),
        first_ms_(start),
        end_ms_(start + 40 * kHour) {
    wanted_ = random_.between(6, 10);
  }
  void act(World& world) override {
    if (next_ms_ == first_ms_)
      world.truth(next_ms_, "fraud", "device", device_, "many_cards", first_ms_, end_ms_,
                  "the telephone in which one holder's cards are kept alive");
    if (cards_.size() < wanted_) {
      cards_.push_back(Population::outsider("198", random_));
      std::string agent = "outlet-";
      append_number(agent, 100 + random_.below(300));
      world.opening(next_ms_, {cards_.back(), holder_, agent, {}});
      world.truth(next_ms_, "fraud", "number", cards_.back(), "many_cards", next_ms_, end_ms_,
                  "one of the cards that one holder had opened");
    }
    // The newest and one of the others are used a little.
    for (const std::string& card : {cards_.back(), cards_[random_.below(cards_.size())]}) {
      const Person callee = victim(world, random_);
      CallRow row{card, callee.number, device_, cell_, {}, "local", 0, 19, false, callee.device};
      if (random_.chance(.7)) {
        row.duration_s = static_cast<std::int32_t>(std::clamp(random_.log_normal(25, .6), 1.0, 600.0));
        row.cause = 16;
      }
      world.call(std::min(next_ms_ + static_cast<std::int64_t>(random_.below(20'000)), world.slice.to() - 1), row);
    }
    next_ms_ += kMinute + static_cast<std::int64_t>((.5 + random_.uniform()) * gap_ms_);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }

 private:
  double gap_ms_;
  std::string holder_, device_, cell_;
  std::int64_t first_ms_, end_ms_;
  std::uint64_t wanted_ = 0;
  std::vector<std::string> cards_;
};

}  // namespace

std::unique_ptr<Plant> nuisance_plant(PlantKind kind, const World& world, std::int64_t start, double strength,
                                      std::uint64_t seed) {
  switch (kind) {
    case PlantKind::kCallBombing:
      return std::make_unique<CallBombing>(world, start, strength, seed);
    case PlantKind::kIotMisuse:
      return std::make_unique<IotMisuse>(start, strength, seed);
    case PlantKind::kMessageCampaign:
      return std::make_unique<MessageCampaign>(start, strength, seed);
    case PlantKind::kManyCards:
      return std::make_unique<ManyCards>(world, start, strength, seed);
    default:
      return cell_plant(kind, world, start, strength, seed);
  }
}

}  // namespace pandun::province
