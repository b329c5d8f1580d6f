#include "decide/call_endings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "decide/record_ring.h"

namespace pandun::decide {
namespace {

using model::NumberKey;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const NumberKey kFraud = NumberKey::e164(8613700137777), kPerson = NumberKey::e164(8613900139000),
                kOther = NumberKey::e164(8613800138000), kHospital = NumberKey::e164(862588880000),
                kPolice = NumberKey::service("110");
constexpr WallMs kNow{1'790'000'000'000};
constexpr WallMs kLater{kNow.ms + 3'600'000};
constexpr std::int64_t kMinute = 60'000;

model::Event report(std::string_view call, NumberKey caller = kFraud, NumberKey callee = kPerson,
                    model::CallStage stage = model::CallStage::kAnswered, std::int64_t at = kNow.ms,
                    std::int32_t since_s = 0) {
  model::Event event;
  event.time = {at};
  model::CallProgress progress;
  progress.caller = caller;
  progress.callee = callee;
  progress.call = call;
  progress.route = "inter-1";
  progress.stage = stage;
  progress.since_s = since_s;
  event.payload = progress;
  return event;
}

model::Event record(NumberKey caller, NumberKey callee, std::int64_t at, std::int32_t duration_s) {
  model::Event event;
  event.time = {at};
  model::Call call;
  call.caller = caller;
  call.callee = callee;
  call.duration_s = duration_s;
  event.payload = call;
  return event;
}

SnapshotInput with_measure(Verdict verdict = Verdict::kReject) {
  SnapshotInput input;
  input.measures = {{kFraud, verdict, kLater, "M-1"}};
  input.emergency = {kPolice};
  input.protected_ = {kHospital};
  return input;
}

struct Endings : ::testing::Test {
  Decider decider;
  CallEndings endings{decider, 100, kNow};
  void take(const model::Event& event, WallMs now = kNow) { endings.take({&event, 1}, now); }
  void approve(SnapshotInput input = with_measure()) {
    decider.publish(std::move(input));
    endings.look_at(std::array{kFraud}, kNow);
  }
  std::vector<std::string> open(std::uint64_t after = 0, std::string_view prefix = {}, WallMs now = kNow) {
    std::vector<std::string> out;
    for (const CallEnding& ending : endings.after(after, prefix, 100, now).items) out.push_back(ending.call);
    return out;
  }
  std::uint64_t outcomes(EndingOutcome outcome) const {
    return endings.figures().outcomes[static_cast<std::size_t>(outcome)];
  }
};

TEST_F(Endings, AnApprovedMeasureReachesTheCallsThatLast) {
  decider.publish({});
  take(report("a"));
  take(report("b", kFraud, kOther));
  take(report("c", kOther, kFraud));  // to the number, not from it
  EXPECT_THAT(open(), IsEmpty());
  approve();
  EXPECT_THAT(open(), ::testing::UnorderedElementsAre("a", "b"));
  const CallEndings::Page page = endings.after(0, {}, 100, kNow);
  EXPECT_EQ(page.items[0].measure, "M-1");
  EXPECT_EQ(page.items[0].route, "inter-1");
  EXPECT_EQ(page.items[0].reason, Reason::kMeasureInForce);
  EXPECT_THAT(open(page.next), IsEmpty());
  approve();  // looked at again: offered once
  EXPECT_EQ(endings.figures().offered, 2U);
}

TEST_F(Endings, EachIsWrittenDownAsAnEnding) {
  approve();
  take(report("a"));
  DecisionRecord written;
  ASSERT_TRUE(decider.records().pop(written));
  EXPECT_TRUE(written.ending);
  EXPECT_EQ(written.measure.view(), "M-1");
  EXPECT_EQ(written.id, endings.after(0, {}, 1, kNow).items.at(0).decision);
  EXPECT_FALSE(decider.records().pop(written));  // asking for them writes nothing
  EXPECT_EQ(decider.figures().by_verdict[2], 0U) << "an ending is no decision about a call that is set up";
}

// What cannot be written down is not done; it is done when it can.
TEST(CallEndings, NothingIsOfferedWithoutItsRecord) {
  Decider decider(DeciderLimits{64, 64, 2, 1});
  decider.publish(with_measure());
  CallEndings endings(decider, 100, kNow);
  const model::Event events[] = {report("a"), report("b"), report("c")};
  endings.take(events, kNow);
  EXPECT_EQ(endings.figures().offered, 2U);
  endings.age(kNow);
  EXPECT_EQ(endings.figures().offered, 2U);
  DecisionRecord written;
  while (decider.records().pop(written)) {
  }
  endings.age(kNow);
  EXPECT_EQ(endings.figures().offered, 3U);
}

// Only what two people approved ends a call that was answered, and no call to whom it must not touch.
TEST_F(Endings, NothingElseEndsACall) {
  SnapshotInput input = with_measure(Verdict::kWarn);
  input.alerted = {kFraud};
  input.scores = {{kFraud, 100}};
  input.warn_on_alert = true;
  input.warn_at_score = 1;
  input.labels = {{kFraud, Label::kSuspectedFraud}};
  input.callee_blocks = {{kPerson, kFraud}};
  approve(std::move(input));
  take(report("a"));
  take(report("impossible", NumberKey::invalid("000")));
  take(report("own", kPerson, kPerson));
  EXPECT_THAT(open(), IsEmpty());
  approve(with_measure());
  EXPECT_THAT(open(), ElementsAre("a"));
  take(report("police", kFraud, kPolice));
  take(report("hospital", kFraud, kHospital));
  take(report("withheld", NumberKey(), kPerson));
  EXPECT_THAT(open(), ElementsAre("a"));
}

// A fact or choice that decides before the measure at set-up does not hide it here.
TEST_F(Endings, AMeasureCountsBehindAChoiceToo) {
  SnapshotInput input = with_measure();
  input.callee_blocks = {{kPerson, kFraud}};
  take(report("a"));
  approve(std::move(input));
  EXPECT_THAT(open(), ElementsAre("a"));
}

TEST_F(Endings, ALiftedOrExpiredMeasureWithdrawsThem) {
  take(report("a"));
  approve();
  EXPECT_THAT(open(), ElementsAre("a"));
  decider.publish({});
  EXPECT_THAT(open(), IsEmpty());
  EXPECT_EQ(outcomes(EndingOutcome::kWithdrawn), 1U);
  take(report("b"));
  approve();
  EXPECT_THAT(open(0, {}, {kLater.ms + 1}), IsEmpty());
  EXPECT_EQ(outcomes(EndingOutcome::kWithdrawn), 2U);
}

TEST_F(Endings, ReceiptsReportsAndRecordsCloseThem) {
  const auto person = [](char call) { return NumberKey::e164(8613900139000U + static_cast<unsigned char>(call)); };
  for (const std::string call : {"a", "b", "c", "d"}) take(report(call, kFraud, person(call[0])));
  approve();
  EXPECT_EQ(open().size(), 4U);
  EXPECT_EQ(
      endings.note(std::array{EndingReceipt{"a", EndingOutcome::kEnded}, EndingReceipt{"a", EndingOutcome::kEnded},
                              EndingReceipt{"nobody", EndingOutcome::kEnded}}),
      1U);
  take(report("b", kFraud, person('b'), model::CallStage::kEnded));
  take(record(kFraud, person('c'), kNow.ms - 5000, 30));
  take(record(kFraud, person('d'), kNow.ms - kMinute * 30, 60));  // an earlier call of the two
  EXPECT_THAT(open(), ElementsAre("d"));
  EXPECT_EQ(outcomes(EndingOutcome::kEnded), 1U);
  EXPECT_EQ(outcomes(EndingOutcome::kAlreadyOver), 2U);
  endings.age({kNow.ms + 11 * kMinute});
  EXPECT_EQ(outcomes(EndingOutcome::kExpired), 1U);
  EXPECT_EQ(endings.figures().open, 0U);
}

TEST_F(Endings, CursorsGrowOverARestartAndPrefixesPartSwitches) {
  approve();
  take(report("sw1/1"));
  const std::uint64_t before = endings.after(0, {}, 100, kNow).next;
  CallEndings next(decider, 100, {kNow.ms + 1000});
  const model::Event later[] = {report("sw1/2"), report("sw2/1", kFraud, kOther)};
  next.take(later, kNow);
  EXPECT_EQ(next.after(before, {}, 100, kNow).items.size(), 2U);
  EXPECT_EQ(next.after(0, "sw2/", 100, kNow).items.size(), 1U);
  EXPECT_EQ(next.after(UINT64_MAX, {}, 100, kNow).items.size(), 2U) << "a cursor of nobody's begins anew";
  EXPECT_EQ(next.after(0, {}, 1, kNow).items.size(), 1U);
}

TEST(CallsInProgress, EndWithAgeAndOneTooManyPushesTheQuietestOut) {
  CallsInProgress calls(3);
  const auto tell = [&](const char* call, std::int64_t at, model::CallStage stage = model::CallStage::kAnswered) {
    const model::Event event = report(call, kFraud, kPerson, stage, at);
    return calls.report(event.as<model::CallProgress>(), event.time, {at});
  };
  const auto told = [&](const char* call) { return calls.find(call) != nullptr; };
  tell("a", kNow.ms);
  tell("b", kNow.ms + 1);
  tell("c", kNow.ms + 2);
  tell("a", kNow.ms + 3, model::CallStage::kLasts);
  tell("d", kNow.ms + 4);
  EXPECT_TRUE(told("a") && !told("b") && told("c") && told("d"));
  EXPECT_EQ(calls.pushed_out(), 1U);
  calls.age({kNow.ms + 11 * kMinute});
  EXPECT_FALSE(told("a")) << "it was said to last, and then nothing more";
  EXPECT_TRUE(told("c"));
  calls.age({kNow.ms + 241 * kMinute});
  EXPECT_EQ(calls.size(), 0U);
  EXPECT_EQ(calls.aged(), 3U);
  for (const std::int64_t at : {INT64_MAX, INT64_MIN}) {  // a clock that is out of its mind
    const model::Event mad = report("mad", kFraud, kPerson, model::CallStage::kAnswered, at);
    EXPECT_EQ(calls.report(mad.as<model::CallProgress>(), mad.time, kNow), nullptr);
    tell("sane", kNow.ms);
    const model::Event over = record(kFraud, kPerson, at, INT32_MAX);
    calls.end_by_record(over.as<model::Call>(), over.time, [](const OngoingCall&) { ADD_FAILURE(); });
  }
  const model::Event old = report("old", kFraud, kPerson, model::CallStage::kLasts, kNow.ms);
  EXPECT_EQ(calls.report(old.as<model::CallProgress>(), old.time, {kNow.ms + 20 * kMinute}), nullptr);
}

// Against a plain map: whatever comes in whatever order, the same calls are there, by token and by caller.
TEST(CallsInProgress, AgreesWithAPlainMap) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937_64 random(seed);
    CallsInProgress calls(1000);
    std::map<std::string, std::pair<NumberKey, NumberKey>> plain;
    for (int step = 0; step < 3000; ++step) {
      const std::string call = "c" + std::to_string(random() % 60);
      const NumberKey caller = random() % 8 == 0 ? NumberKey() : NumberKey::e164(8613700000000 + random() % 5);
      const NumberKey callee = NumberKey::e164(8613900000000 + random() % 4);
      const auto stage = static_cast<model::CallStage>(random() % 3);
      if (random() % 4 == 0) {
        const model::Event over = record(caller, callee, kNow.ms - 10'000, 60);
        calls.end_by_record(over.as<model::Call>(), over.time, [](const OngoingCall&) {});
        std::erase_if(plain,
                      [&](const auto& each) { return caller.known() && each.second == std::pair(caller, callee); });
      } else {
        const model::Event event = report(call, caller, callee, stage);
        calls.report(event.as<model::CallProgress>(), event.time, kNow);
        if (stage == model::CallStage::kEnded)
          plain.erase(call);
        else
          plain[call] = {caller, callee};
      }
      ASSERT_EQ(calls.size(), plain.size());
    }
    std::size_t by_caller = 0, known = 0;
    for (std::uint64_t i = 0; i < 5; ++i)
      calls.for_each_of(NumberKey::e164(8613700000000 + i), [&](const OngoingCall& call) {
        ++by_caller;
        EXPECT_EQ(plain.at(std::string(call.call)), std::pair(call.caller, call.callee));
      });
    for (const auto& [call, ends] : plain) known += ends.first.known() ? 1U : 0U;
    EXPECT_EQ(by_caller, known);
  }
}

}  // namespace
}  // namespace pandun::decide
