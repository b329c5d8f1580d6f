#include "decide/decider.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <map>
#include <set>
#include <vector>

#include "platform/thread.h"

namespace pandun::decide {
namespace {

using model::NumberKey;

const NumberKey kCaller = NumberKey::e164(8613800138000);
const NumberKey kCallee = NumberKey::e164(8613900139000);
constexpr WallMs kNow{1'700'000'000'000};
constexpr WallMs kLater{kNow.ms + 3'600'000};

Question ask(NumberKey from = kCaller, NumberKey to = kCallee) {
  return {from, to, {}, false, kNow};
}

void expect(const Answer& answer, Verdict verdict, Reason reason) {
  EXPECT_EQ(name(answer.verdict), name(verdict));
  EXPECT_EQ(name(answer.reason), name(reason));
}

TEST(Decider, AllowsEverythingBeforeTheFirstSnapshot) {
  const Decider decider;
  expect(decider.call(ask(NumberKey::invalid("000"))), Verdict::kAllow, Reason::kNoSnapshot);
}

TEST(Decider, AMeasureInForceDecidesAndNamesItself) {
  Decider decider;
  decider.publish({.measures = {{kCaller, Verdict::kReject, kLater, "M-1"}}, .redress_base = "https://a.example/"});
  const Answer answer = decider.call(ask());
  expect(answer, Verdict::kReject, Reason::kMeasureInForce);
  EXPECT_EQ(answer.measure.view(), "M-1");
  EXPECT_EQ(answer.redress_url.view(), "https://a.example/M-1");
  expect(decider.call(ask(kCallee, kCaller)), Verdict::kAllow, Reason::kClear);  // it binds the caller, not the called
}

TEST(Decider, AnExpiredMeasureDoesNotApplyAndALaterMilderOneDoes) {
  Decider decider;
  decider.publish(
      {.measures = {{kCaller, Verdict::kWarn, kLater, "M-warn"}, {kCaller, Verdict::kReject, kNow, "M-old"}}});
  const Answer answer = decider.call(ask());
  expect(answer, Verdict::kWarn, Reason::kMeasureInForce);
  EXPECT_EQ(answer.measure.view(), "M-warn");
}

TEST(Decider, OfTwoMeasuresTheStricterWinsInEitherOrder) {
  const MeasureEntry warn{kCaller, Verdict::kWarn, {kLater.ms + 1}, "M-w"};
  const MeasureEntry reject{kCaller, Verdict::kReject, kLater, "M-r"};
  for (const auto& list : {std::vector{warn, reject}, std::vector{reject, warn}}) {
    Decider decider;
    decider.publish({.measures = list});
    EXPECT_EQ(decider.message(ask()).measure.view(), "M-r");
  }
}

TEST(Decider, NeverTouchesEmergencyNumbers) {
  const NumberKey police = NumberKey::service("110");
  Decider decider;
  decider.publish({.measures = {{kCaller, Verdict::kReject, kLater, "M"}, {police, Verdict::kReject, kLater, "M2"}},
                   .emergency = {police},
                   .callee_blocks = {{kCallee, police}}});
  expect(decider.call(ask(kCaller, police)), Verdict::kAllow, Reason::kEmergency);
  expect(decider.call(ask(police, kCallee)), Verdict::kAllow, Reason::kEmergency);
  expect(decider.call(ask(NumberKey::invalid("0"), police)), Verdict::kAllow, Reason::kEmergency);
}

TEST(Decider, NeverTouchesAWithheldCallerUnlessTheCalleeBlocksThem) {
  Decider decider;
  decider.publish({.measures = {{NumberKey(), Verdict::kReject, kLater, "M"}}});
  expect(decider.call(ask(NumberKey())), Verdict::kAllow, Reason::kNumberWithheld);
  decider.publish({.callee_blocks = {{kCallee, NumberKey()}}});
  expect(decider.call(ask(NumberKey())), Verdict::kReject, Reason::kBlockedByCallee);
}

TEST(Decider, RejectsOnFacts) {
  Decider decider;
  decider.publish({.callee_blocks = {{kCallee, kCaller}}, .international_trunks = {"intl-2", "intl-1"}});
  expect(decider.call(ask(NumberKey::invalid("86999"))), Verdict::kReject, Reason::kNumberCannotExist);
  expect(decider.call(ask()), Verdict::kReject, Reason::kBlockedByCallee);
  Question fixed_line = ask(NumberKey::e164(862151234567));
  expect(decider.call(fixed_line), Verdict::kAllow, Reason::kClear);
  fixed_line.route = "intl-1";
  expect(decider.call(fixed_line), Verdict::kReject, Reason::kInternationalTrunkDomesticCaller);
  fixed_line.route = {};
  fixed_line.international = true;
  expect(decider.call(fixed_line), Verdict::kReject, Reason::kInternationalTrunkDomesticCaller);
}

TEST(Decider, ARoamingMobileAndAForeignNumberMayComeOverAnInternationalTrunk) {
  Decider decider;
  decider.publish({.international_trunks = {"intl-1"}});
  for (const std::uint64_t digits : {8613800138000ULL, 442079460000ULL, 861ULL * 10'000'000'000ULL, 85223456789ULL}) {
    Question question = ask(NumberKey::e164(digits));
    question.route = "intl-1";
    const Reason expected = digits == 8610'000'000'000ULL ? Reason::kInternationalTrunkDomesticCaller
                            : digits == 8613800138000ULL  ? Reason::kRoamingUnknown
                                                          : Reason::kClear;
    EXPECT_EQ(name(decider.call(question).reason), name(expected)) << digits;
  }
}

TEST(Decider, AnAlertNeverRejectsAndWarnsOnlyWhereSwitchedOn) {
  Decider decider;
  decider.publish({.alerted = {kCaller}});
  expect(decider.call(ask()), Verdict::kAllow, Reason::kClear);
  decider.publish({.alerted = {kCaller}, .warn_on_alert = true});
  expect(decider.call(ask()), Verdict::kWarn, Reason::kAlertOpen);
  decider.publish({.protected_ = {kCaller}, .alerted = {kCaller}, .warn_on_alert = true});
  expect(decider.call(ask()), Verdict::kAllow, Reason::kProtected);
}

TEST(Decider, FindsEachOfManyNumbers) {
  SnapshotInput input;
  for (std::uint64_t i = 0; i < 50'000; ++i) {
    input.measures.push_back({NumberKey::e164(8613000000000 + i * 7), Verdict::kReject, kLater, std::to_string(i)});
  }
  Decider decider;
  decider.publish(std::move(input));
  for (std::uint64_t i = 0; i < 350'000; ++i) {
    const Answer answer = decider.call(ask(NumberKey::e164(8613000000000 + i)));
    ASSERT_EQ(answer.measure.view(), i % 7 == 0 ? std::to_string(i / 7) : "") << i;
  }
  EXPECT_EQ(decider.figures().measures, 50'000U);
  EXPECT_EQ(decider.figures().by_verdict[2], 50'000U);
}

// A reader must never see a snapshot half replaced or already freed.
TEST(Decider, AnswersWhileSnapshotsAreReplaced) {
  Decider decider;
  decider.publish({.measures = {{kCaller, Verdict::kReject, kLater, "M-0"}}});
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> answers{0}, wrong{0};
  {
    std::vector<platform::Thread> readers;
    for (int r = 0; r < 3; ++r) {
      readers.push_back(platform::start_thread("reader", [&](const std::stop_token&) {
        while (!stop) {
          const Answer answer = decider.call(ask());
          if (!answer.measure.view().starts_with("M-") || answer.verdict != Verdict::kReject) ++wrong;
          ++answers;
        }
      }));
    }
    for (int i = 1; i <= 2000; ++i) {
      decider.publish({.measures = {{kCaller, Verdict::kReject, kLater, "M-" + std::to_string(i)}}});
    }
    while (answers < 1000) {
    }
    stop = true;
  }
  EXPECT_EQ(wrong, 0U);
  EXPECT_EQ(decider.call(ask()).measure.view(), "M-2000");
}

// More threads than there are stripes, all within one second.
TEST(Decider, NoTwoDecisionsHaveOneId) {
  constexpr std::size_t kThreads = 12, kEach = 500;
  Decider decider({64, 64, 4, 0xfffffff0});
  std::array<std::vector<std::uint64_t>, kThreads> ids;
  {
    std::vector<platform::Thread> threads;
    for (auto& own : ids)
      threads.push_back(platform::start_thread("asker", [&decider, &own](const std::stop_token&) {
        Question question;
        question.at = WallMs{1'790'000'000'000};
        for (std::size_t i = 0; i < kEach; ++i) own.push_back(decider.call(question).id);
      }));
  }
  std::set<std::uint64_t> all;
  for (const auto& own : ids) all.insert(own.begin(), own.end());
  EXPECT_EQ(all.size(), kThreads * kEach);
  EXPECT_EQ(*all.begin() >> 32, 1'790'000'000U);
  EXPECT_EQ(*all.rbegin() >> 32, 1'790'000'000U);
}

}  // namespace
}  // namespace pandun::decide
