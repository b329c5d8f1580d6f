// The order of reasons, and the safeguards that no input may break.
#include <gtest/gtest.h>

#include <filesystem>

#include "base/prng.h"
#include "decide/decider.h"
#include "decide/number_list.h"
#include "decide/record_ring.h"
#include "platform/random.h"

namespace pandun::decide {
namespace {

using model::NumberKey;

constexpr WallMs kNow{1'790'000'000'000};
constexpr WallMs kLater{kNow.ms + 86'400'000};
const NumberKey kMobile = NumberKey::e164(8613800138000), kOther = NumberKey::e164(8613900139000);
const NumberKey kFixed = NumberKey::e164(862151234567), kForeign = NumberKey::e164(442079460000);

Trunk trunk(std::string name, Direction direction, bool trusted = false) {
  Trunk out;
  out.name = std::move(name);
  out.direction = direction;
  out.trusted = trusted;
  return out;
}
SnapshotInput site() {
  SnapshotInput out;
  out.trunks = {trunk("own", Direction::kIntraNetwork, true), trunk("intl", Direction::kInternationalIn),
                trunk("inter", Direction::kInterNetwork)};
  out.emergency = {NumberKey::service("110")};
  out.redress_base = "https://appeal.example/";
  return out;
}
Question ask(NumberKey from = kMobile, NumberKey to = kOther, std::string_view route = "own") {
  Question out;
  out.from = from;
  out.to = to;
  out.route = route;
  out.at = kNow;
  return out;
}
Policy policy(Measured measure, std::uint32_t above) {
  Policy out;
  out.id = "p";
  out.enabled = true;
  out.measure = measure;
  out.above = above;
  return out;
}
Policy hold_policy(std::uint32_t above) {
  Policy out = policy(Measured::kCallerMinute, above);
  out.id = "hold";
  out.hold = true;
  out.hold_s = 60;
  out.holds_per_hour_max = 2;
  out.approved_by = {"a", "b"};
  out.expires_at = kLater;
  return out;
}
std::string_view reason(const Answer& answer) {
  return name(answer.reason);
}

class SomeRoam final : public RoamingPort {
 public:
  Roaming roaming(NumberKey number, WallMs) const override {
    if (number == kMobile) return Roaming::kAtHome;
    return number == kOther ? Roaming::kAbroad : Roaming::kUnknown;
  }
};

TEST(Judge, AnInternationalTrunkPresentsMobilesOnlyWhenTheyRoam) {
  const SomeRoam roam;
  Decider decider;
  SnapshotInput input = site();
  input.roaming = &roam;
  decider.publish(std::move(input));
  EXPECT_EQ(reason(decider.call(ask(kMobile, kFixed, "intl"))), "international_trunk_not_roaming");
  EXPECT_EQ(reason(decider.call(ask(kOther, kFixed, "intl"))), "clear");
  const NumberKey third = NumberKey::e164(8613700137000);
  EXPECT_EQ(reason(decider.call(ask(third, kFixed, "intl"))), "roaming_unknown");
  EXPECT_EQ(reason(decider.call(ask(kFixed, kMobile, "intl"))), "international_trunk_domestic_caller");
  EXPECT_EQ(reason(decider.call(ask(NumberKey::service("95588"), kMobile, "intl"))),
            "international_trunk_domestic_caller");
  EXPECT_EQ(reason(decider.call(ask(kMobile, kFixed, "own"))), "clear");
}

TEST(Judge, FormsThatNoCallerHasAreFacts) {
  Decider decider;
  SnapshotInput input = site();
  input.false_forms = {{"17951", Direction::kInternationalIn}};
  decider.publish(std::move(input));
  Question q = ask(kForeign, kOther, "intl");
  q.from_text =
      "17951"
      "442079460000";
  EXPECT_EQ(reason(decider.call(q)), "caller_form_impossible");
  q.route = "own";
  EXPECT_EQ(reason(decider.call(q)), "clear");
  q.from_text = "000-0000";
  EXPECT_EQ(reason(decider.call(q)), "number_cannot_exist");
  q.from_text = "0";
  EXPECT_EQ(reason(decider.call(q)), "clear");
}

TEST(Judge, OwnNumberIsAFactOnlyFromOutside) {
  Decider decider;
  decider.publish(site());
  EXPECT_EQ(reason(decider.call(ask(kMobile, kMobile, "inter"))), "own_number");
  EXPECT_EQ(reason(decider.call(ask(kMobile, kMobile, "own"))), "clear") << "voice mail";
  Question forwarded = ask(kMobile, kMobile, "inter");
  forwarded.diverted_by = kOther;
  EXPECT_EQ(reason(decider.call(forwarded)), "clear");
}

TEST(Judge, TheCalledPersonChooses) {
  Decider decider;
  SnapshotInput input = site();
  input.callee_choices = {{kOther, kNoCallsFromAbroad}};
  decider.publish(std::move(input));
  EXPECT_EQ(reason(decider.call(ask(kForeign, kOther))), "callee_blocks_abroad");
  EXPECT_EQ(reason(decider.message(ask(kForeign, kOther))), "clear");
  EXPECT_EQ(reason(decider.call(ask(kMobile, kOther))), "clear");
  EXPECT_EQ(reason(decider.call(ask(NumberKey(), kOther, "intl"))), "callee_blocks_abroad");
  Change change;
  change.callees = {{kOther, kNoMessagesFromAbroad, {kMobile}}};
  decider.change(std::move(change));
  EXPECT_EQ(reason(decider.call(ask(kForeign, kOther))), "clear");
  EXPECT_EQ(reason(decider.message(ask(kForeign, kOther))), "callee_blocks_abroad");
  EXPECT_EQ(reason(decider.call(ask(kMobile, kOther))), "blocked_by_callee");
}

TEST(Judge, TheNumberThatForwardedIsHeldToAccount) {
  Decider decider;
  SnapshotInput input = site();
  input.measures = {{kFixed, Verdict::kReject, kLater, "M-9"}};
  decider.publish(std::move(input));
  Question q = ask();
  q.diverted_by = kFixed;
  const Answer answer = decider.call(q);
  EXPECT_EQ(reason(answer), "diverting_measure_in_force");
  EXPECT_EQ(answer.redress_url.view(), "https://appeal.example/M-9");
}

const NumberKey kRescue = NumberKey::service("999"), kCityLine = NumberKey::e164(8643196110);
class Notes final : public NumberNotes {
 public:
  NumberNote note(NumberKey number) const override {
    if (number == kForeign) return {NumberSort::kForeign, "英国", "United Kingdom"};
    return {};
  }
  bool is_protected(NumberKey number) const override { return number == kFixed; }
  bool is_emergency(NumberKey number) const override { return number == kRescue || number == kCityLine; }
};

TEST(Judge, WhatThePlanKnowsToBeAnEmergencyNumberIsNeverTouchedEither) {
  const Notes notes;
  Decider decider;
  SnapshotInput input = site();
  input.notes = &notes;
  input.measures = {{kMobile, Verdict::kReject, kLater, "M-1"},
                    {kRescue, Verdict::kReject, kLater, "M-2"},
                    {kCityLine, Verdict::kReject, kLater, "M-3"}};
  decider.publish(std::move(input));
  for (const NumberKey number : {kRescue, kCityLine}) {
    EXPECT_EQ(reason(decider.call(ask(kMobile, number))), "emergency");
    EXPECT_EQ(reason(decider.call(ask(number, kOther))), "emergency");
    EXPECT_EQ(reason(decider.message(ask(kMobile, number))), "emergency");
    Question forwarded = ask(kOther, kFixed);
    forwarded.diverted_by = number;
    EXPECT_EQ(reason(decider.call(forwarded)), "clear");
  }
  EXPECT_EQ(reason(decider.call(ask(kMobile, kOther))), "measure_in_force");
}

TEST(Judge, ForeignCallsAreShownWithTheirCountryAndMarks) {
  const Notes notes;
  Decider decider;
  SnapshotInput input = site();
  input.notes = &notes;
  input.foreign_reminder = true;
  decider.publish(std::move(input));
  Answer answer = decider.call(ask(kForeign, kOther));
  EXPECT_EQ(reason(answer), "foreign_caller");
  EXPECT_EQ(answer.label_zh.view(), "英国");
  EXPECT_EQ(answer.label_en.view(), "United Kingdom");
  Change change;
  change.labels = {{kForeign, Label::kSuspectedFraud}, {kMobile, Label::kCourier}};
  decider.change(std::move(change));
  answer = decider.call(ask(kForeign, kOther));
  EXPECT_EQ(reason(answer), "labelled");
  EXPECT_EQ(answer.label_en.view(), "United Kingdom · suspected fraud");
  answer = decider.call(ask(kMobile, kOther));
  EXPECT_EQ(reason(answer), "clear");
  EXPECT_EQ(answer.label_zh.view(), "快递");
}

TEST(Judge, ScoresAlertsAndRatesOnlyWarnAndProtectedNumbersNotEvenThat) {
  const Notes notes;
  Decider decider;
  SnapshotInput input = site();
  input.notes = &notes;
  input.warn_on_alert = true;
  input.warn_at_score = 80;
  input.policies = {policy(Measured::kCallerMinute, 3)};
  decider.publish(std::move(input));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(reason(decider.call(ask())), "clear");
  EXPECT_EQ(reason(decider.call(ask())), "policy_warn");
  EXPECT_EQ(decider.call(ask()).measure.view(), "p");
  decider.publish_findings({{{kMobile, 100}, {kFixed, 100}, {kOther, 79}}, {}});
  const NumberKey quiet = NumberKey::e164(8613600136000);
  EXPECT_EQ(reason(decider.call(ask(kOther, quiet))), "clear");
  EXPECT_EQ(decider.call(ask(kOther, quiet)).score, 79);
  EXPECT_EQ(decider.call(ask(kFixed, quiet)).reason, Reason::kProtected);
  decider.publish_findings({{{quiet, 95}}, {kMobile}});
  EXPECT_EQ(reason(decider.call(ask(quiet, kOther))), "score");
  EXPECT_EQ(reason(decider.call(ask())), "alert_open");
}

TEST(Judge, AHoldIsBriefBoundedAndOnlyForThoseWhoCanBeBelieved) {
  Decider decider;
  SnapshotInput input = site();
  input.policies = {hold_policy(2)};
  decider.publish(std::move(input));
  for (int i = 0; i < 5; ++i) EXPECT_NE(reason(decider.call(ask(kMobile, kOther, "inter"))), "policy_hold");
  Answer held = decider.call(ask());
  EXPECT_EQ(reason(held), "policy_hold");
  EXPECT_EQ(held.measure.view(), "hold");
  EXPECT_EQ(held.redress_url.view(), "https://appeal.example/" + decision_id(held.id).str());
  Question later = ask();
  later.at = WallMs{kNow.ms + 59'000};
  EXPECT_EQ(reason(decider.call(later)), "policy_hold");
  later.at = WallMs{kNow.ms + 180'000};
  EXPECT_EQ(reason(decider.call(later)), "clear") << "calls made while held do not lengthen it";
  // Two holds an hour in all, whoever it is.
  const auto burst = [&](NumberKey from) {
    Answer last;
    for (int i = 0; i < 4; ++i) last = decider.call(ask(from));
    return last;
  };
  EXPECT_EQ(reason(burst(NumberKey::e164(8613600136000))), "policy_hold");
  EXPECT_EQ(reason(burst(NumberKey::e164(8613600136001))), "policy_warn") << "beyond the bound it only warns";
}

TEST(Judge, ARehearsalLeavesNoTrace) {
  Decider decider;
  SnapshotInput input = site();
  input.policies = {hold_policy(1)};
  decider.publish(std::move(input));
  Question q = ask();
  q.rehearsal = true;
  for (int i = 0; i < 9; ++i) EXPECT_EQ(decider.call(q).id, 0U);
  EXPECT_EQ(reason(decider.call(q)), "clear");
  DecisionRecord record;
  EXPECT_FALSE(decider.records().pop(record));
  const Decider::Figures none = decider.figures();
  EXPECT_EQ(none.by_verdict[0], 0U);
  EXPECT_EQ(none.by_reason[static_cast<std::size_t>(Reason::kClear)], 0U);
  decider.call(ask());
  EXPECT_EQ(decider.figures().by_verdict[0], 1U);
}

TEST(Judge, EveryAnswerIsRecordedWithWhatItRestedOn) {
  Decider decider({64, 64, 4, 77});
  decider.publish(site());
  const Answer answer = decider.message(ask(kForeign, kOther, "intl"));
  EXPECT_EQ(decision_id(answer.id).view().substr(0, 10), "d-6ab13b80") << "the second it was made in";
  EXPECT_EQ(decision_id(0x6ab13b800000004dU).view(), "d-6ab13b800000004d");
  EXPECT_EQ(parse_decision_id(decision_id(answer.id)), answer.id);
  EXPECT_FALSE(parse_decision_id("d-6ab13b80000000zz"));
  DecisionRecord record;
  ASSERT_TRUE(decider.records().pop(record));
  EXPECT_EQ(record.id, answer.id);
  EXPECT_EQ(record.from, kForeign);
  EXPECT_TRUE(record.message);
  EXPECT_EQ(record.trunk.view(), "intl");
  EXPECT_EQ(record.direction, Direction::kInternationalIn);
  EXPECT_EQ(record.snapshot, 1U);
  EXPECT_EQ(record.rates[2], 1);
  for (int i = 0; i < 10; ++i) decider.call(ask());
  EXPECT_EQ(decider.figures().records_dropped, 6U) << "a full ring drops and counts";
}

// Whatever comes: emergency numbers pass, and a rejection names a fact, an approval, the called person or an approved policy.
TEST(Judge, NoInputBreaksTheSafeguards) {
  const std::uint64_t seed = 7;
  Prng prng(seed);
  const auto some = [&]() -> NumberKey {
    switch (prng.below(8)) {
      case 0:
        return NumberKey();
      case 1:
        return NumberKey::service("110");
      case 2:
        return NumberKey::invalid("1");
      case 3:
        return NumberKey::opaque("x");
      case 4:
        return kForeign;
      case 5:
        return kFixed;
      default:
        return NumberKey::e164(8613800138000 + prng.below(20));
    }
  };
  for (int round = 0; round < 60; ++round) {
    Decider decider({64, 64, 64, 1});
    SnapshotInput input = site();
    for (int i = 0; i < 10; ++i) {
      input.measures.push_back({some(), static_cast<Verdict>(prng.below(3)), kLater, "M"});
      input.callee_blocks.push_back({some(), some()});
      input.callee_choices.push_back({some(), static_cast<std::uint8_t>(prng.below(4))});
      input.labels.push_back({some(), static_cast<Label>(prng.below(kLabels))});
      input.scores.push_back({some(), 100});
      input.alerted.push_back(some());
    }
    input.policies = {hold_policy(1), policy(Measured::kPairHour, 1)};
    input.warn_on_alert = input.foreign_reminder = true;
    input.warn_at_score = 1;
    const bool only_findings = round % 2 == 0;
    if (only_findings) {
      input.measures.clear();
      input.callee_blocks.clear();
      input.callee_choices.clear();
      input.policies.erase(input.policies.begin());
    }
    decider.publish(std::move(input));
    for (int i = 0; i < 400; ++i) {
      Question q = ask(some(), some(), std::array{"own", "intl", "inter", "none", ""}[prng.below(5)]);
      q.diverted_by = some();
      q.identity = static_cast<Identity>(prng.below(5));
      q.from_text = std::array{"000", "+86", "x", "", "17951"}[prng.below(5)];
      q.international = prng.below(2) == 0;
      const Answer answer = prng.below(2) == 0 ? decider.call(q) : decider.message(q);
      if (q.from == NumberKey::service("110") || q.to == NumberKey::service("110")) {
        ASSERT_EQ(answer.verdict, Verdict::kAllow) << "seed " << seed;
      }
      const Basis basis = info(answer.reason).basis;
      if (answer.verdict == Verdict::kReject) {
        ASSERT_TRUE(basis == Basis::kFact || basis == Basis::kMeasure || basis == Basis::kCallee ||
                    basis == Basis::kPolicy)
            << reason(answer) << " seed " << seed;
        ASSERT_TRUE(!only_findings || basis == Basis::kFact) << reason(answer) << " seed " << seed;
        ASSERT_FALSE(answer.redress_url.empty());
      }
    }
  }
}

}  // namespace
}  // namespace pandun::decide
