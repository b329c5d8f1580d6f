// One proposal for many numbers: each keeps a measure of its own, and every rule holds for each of them.
#include <gtest/gtest.h>

#include "casework/testing/ring.h"

namespace pandun::casework {
namespace {

using namespace testing;

std::int64_t count_of(const BatchView& batch, const std::string& state) {
  for (const auto& [name, n] : batch.summary.counts)
    if (name == state) return n;
  return 0;
}

TEST(Batch, TakesInTheRingAndNobodyItCalled) {
  RingDesk t(4);
  // Who was called by a member, and who is in danger, are no suspects.
  t.ingest(call_signal(2, kStart.ms + 1000, model::NumberKey::e164(kMember)));
  model::Signal victim = call_signal(3, kStart.ms + 2000, model::NumberKey::e164(kMember + 1));
  victim.detector = "victim_at_risk";
  t.ingest(victim);
  const auto numbers = must(t.desk->case_numbers(t.opened.summary.id));
  ASSERT_EQ(numbers.size(), 5U);
  EXPECT_EQ(numbers[0].entity.token,
            t.tokens.number(model::NumberKey::e164(kMember), 2026));  // two alerts: the riskiest
  EXPECT_GT(numbers[0].risk, numbers[1].risk);
  for (const BatchNumber& number : numbers) {
    EXPECT_NE(number.entity.value.find('*'), std::string::npos);
    EXPECT_GE(number.risk, 35);
    EXPECT_LE(number.risk, 100);
  }
}

TEST(Batch, OneProposalGivesEachNumberAMeasureOfItsOwn) {
  RingDesk t(4);
  const BatchView batch = t.propose();
  EXPECT_EQ(batch.summary.members, 5);
  EXPECT_EQ(batch.summary.state, "proposed");
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "measure_proposed");
  EXPECT_TRUE(t.active().empty());
  const BatchView done = must(t.desk->approve_batch(t.approver, batch.summary.id, {}, "同意"));
  EXPECT_EQ(done.summary.state, "approved");
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "approved");
  std::set<std::string> tokens;
  for (const ActiveMeasure& measure : must(t.desk->active_measures())) {
    EXPECT_TRUE(measure.number.known());
    tokens.insert(measure.token);
  }
  EXPECT_EQ(tokens.size(), 5U);
  const BatchView ordered = must(t.desk->order_batch(t.analyst, batch.summary.id));
  EXPECT_EQ(count_of(ordered, "ordered"), 5);
  EXPECT_EQ(must(t.desk->due_orders()).size(), 5U);
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "ordered");
}

TEST(Batch, NobodyApprovesTheirOwn) {
  RingDesk t;
  const BatchView batch = must(t.desk->propose_batch(t.both, t.opened.summary.id, t.terms()));
  EXPECT_EQ(t.desk->approve_batch(t.both, batch.summary.id, {}, "").error().code, Errc::kNotAllowed);
  EXPECT_EQ(t.desk->refuse_batch(t.both, batch.summary.id, "算了").error().code, Errc::kNotAllowed);
  guard::Actor robot = t.both;
  robot.token = true;
  EXPECT_EQ(t.desk->approve_batch(robot, batch.summary.id, {}, "").error().code, Errc::kNotAllowed);
  robot.person = "zhang.min";  // made by another approver: a program decides nothing all the same
  EXPECT_EQ(t.desk->approve_batch(robot, batch.summary.id, {}, "").error().code, Errc::kNotAllowed);
  EXPECT_EQ(t.desk->approve_batch(guard::Actor::system("clock"), batch.summary.id, {}, "").error().code,
            Errc::kNotAllowed);
  EXPECT_TRUE(t.active().empty());
  EXPECT_FALSE(must(t.desk->batch(t.both, batch.summary.id)).may_approve);
  EXPECT_EQ(must(t.audit->list({"", "measures.approve.refused", ""}, {})).items.size(), 1U);
  // The case's own steps are no way round it.
  EXPECT_EQ(t.act(t.approver, t.opened, "approve").error().code, Errc::kConflict);
  EXPECT_TRUE(t.active().empty());
}

TEST(Batch, ExceptedNumbersAreRefusedWithAReason) {
  RingDesk t;
  const BatchView batch = t.propose();
  const std::string one = t.members(batch)[1].id;
  EXPECT_EQ(t.desk->approve_batch(t.approver, batch.summary.id, {one}, "").error().code, Errc::kUsage);
  EXPECT_EQ(t.desk->approve_batch(t.approver, batch.summary.id, {"M-none"}, "x").error().code, Errc::kUsage);
  const BatchView done = must(t.desk->approve_batch(t.approver, batch.summary.id, {one}, "登记的回访专线"));
  EXPECT_EQ(done.summary.state, "approved");
  EXPECT_EQ(count_of(done, "approved"), 4);
  EXPECT_EQ(t.state_of(one), "refused");
  EXPECT_FALSE(t.active().contains(one));
  EXPECT_EQ(t.desk->approve_batch(t.approver2, batch.summary.id, {}, "").error().code, Errc::kConflict);
}

TEST(Batch, RefusedWholeLeavesTheCaseWhereItWas) {
  RingDesk t;
  const BatchView batch = t.propose();
  EXPECT_EQ(must(t.desk->refuse_batch(t.approver, batch.summary.id, "证据不足")).summary.state, "refused");
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "confirmed");
  EXPECT_TRUE(t.active().empty());
}

TEST(Batch, ProtectedNumberNeedsTheStricterThresholdAndTwoPeople) {
  const std::string hospital = "+8613700000002";
  {
    RingDesk t(4, {}, hospital);  // known by the ring's alert alone: 0.8 x 64
    const BatchView batch = t.propose();
    EXPECT_EQ(batch.summary.members, 4);
    ASSERT_EQ(batch.left_out.size(), 1U);
    EXPECT_EQ(batch.left_out[0].entity.token, t.tokens.number(model::NumberKey::e164(kMember + 2), 2026));
  }
  RingDesk t(4, {}, hospital);
  model::Signal burst = call_signal(2, kStart.ms + 1000, model::NumberKey::e164(kMember + 2));
  burst.severity = 95;
  burst.confidence = 0.9;
  const std::string alert = t.ingest(burst);
  // It is in the ring's case once it is a subject there; a case of its own starts the same way.
  const CaseView other = must(t.desk->open_case(t.analyst, {{alert}, "", ""}));
  must(t.act(t.analyst, other, "confirm", {{"finding", "x"}}));
  const BatchView batch = must(t.desk->propose_batch(t.analyst, other.summary.id, t.terms()));
  EXPECT_EQ(batch.protected_members, 1);
  const BatchView half = must(t.desk->approve_batch(t.approver, batch.summary.id, {}, ""));
  EXPECT_EQ(half.summary.state, "proposed");
  EXPECT_TRUE(t.active().empty());
  EXPECT_EQ(t.desk->approve_batch(t.approver, batch.summary.id, {}, "").error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(t.desk->approve_batch(t.approver2, batch.summary.id, {}, "")).summary.state, "approved");
  EXPECT_EQ(t.active().size(), 1U);
}

TEST(Batch, SmallestMeasureFirstForEveryNumber) {
  RingDesk t;
  EXPECT_EQ(t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms("suspend")).error().where, "skip_reason");
  const BatchView asked = t.ordered("reverify");
  // After a re-verification, limiting is the next step; suspending still skips one.
  EXPECT_EQ(t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms("suspend")).error().where, "skip_reason");
  EXPECT_EQ(must(t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms("limit"))).summary.members, 5);
  // While that waits, nothing more can be proposed about the same numbers.
  EXPECT_EQ(t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms("limit")).error().code, Errc::kConflict);
}

TEST(Batch, APlainApproverMayRefuseWhatOnlyASeniorOneMayApprove) {
  RingDesk t;
  NewBatch wish = t.terms("suspend");
  wish.terms.skip_reason = "已多次提醒无效";
  const BatchView batch = must(t.desk->propose_batch(t.analyst, t.opened.summary.id, wish));
  const std::string id = batch.summary.id;
  EXPECT_FALSE(batch.may_refuse);  // who proposed it
  const BatchView seen = must(t.desk->batch(t.approver, id));
  EXPECT_FALSE(seen.may_approve);
  EXPECT_TRUE(seen.may_refuse);
  EXPECT_NE(seen.why_not->en.find("you may refuse it"), std::string::npos);
  EXPECT_FALSE(must(t.desk->batch(t.viewer, id)).may_refuse);
  const BatchView refused = must(t.desk->refuse_batch(t.approver, id, "证据不足"));
  EXPECT_EQ(refused.summary.state, "refused");
  EXPECT_FALSE(refused.may_refuse);
}

TEST(Batch, WhatIsRefusedAtTheDoor) {
  RingDesk t;
  const auto propose = [&](auto change) {
    NewBatch wish = t.terms();
    change(wish);
    return t.desk->propose_batch(t.analyst, t.opened.summary.id, wish).error();
  };
  EXPECT_EQ(propose([](auto& w) { w.terms.category = "rumour"; }).where, "category");
  EXPECT_EQ(propose([](auto& w) { w.terms.kind = "arrest"; }).code, Errc::kUsage);
  EXPECT_EQ(propose([](auto& w) { w.terms.kind = "take_down"; }).code, Errc::kUsage);  // not about numbers
  EXPECT_EQ(propose([](auto& w) { w.terms.ground = "csl-incident"; }).code, Errc::kUsage);
  EXPECT_EQ(propose([](auto& w) { w.terms.notice = ""; }).code, Errc::kUsage);
  EXPECT_EQ(propose([](auto& w) { w.terms.appeal_channel = ""; }).code, Errc::kUsage);
  EXPECT_EQ(propose([](auto& w) { w.terms.expires_at = "2099-01-01T00:00:00Z"; }).code, Errc::kUsage);
  EXPECT_EQ(propose([](auto& w) { w.terms.expires_at = ""; }).code, Errc::kUsage);
  EXPECT_EQ(propose([](auto& w) { w.tokens = {"n26-not-of-this-case"}; }).code, Errc::kUsage);
  EXPECT_EQ(t.desk->propose_batch(t.approver, t.opened.summary.id, t.terms()).error().code, Errc::kNotAllowed);
  EXPECT_EQ(t.desk->propose_batch(t.analyst, "C-none", t.terms()).error().code, Errc::kNotFound);
  const CaseView unconfirmed = t.open(t.ingest(call_signal(9, kStart.ms, model::NumberKey::e164(kCaller + 9))));
  EXPECT_EQ(t.desk->propose_batch(t.analyst, unconfirmed.summary.id, t.terms()).error().code, Errc::kConflict);
  EXPECT_TRUE(must(t.desk->batches("", "", {})).items.empty());
}

TEST(Batch, UnapprovedLapses) {
  RingDesk t;
  const BatchView batch = t.propose();
  t.clock.advance(std::chrono::hours(25));
  must(t.desk->tick());
  EXPECT_EQ(must(t.desk->batch(t.approver, batch.summary.id)).summary.state, "lapsed");
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "confirmed");
  EXPECT_EQ(t.desk->approve_batch(t.approver, batch.summary.id, {}, "").error().code, Errc::kConflict);
  EXPECT_TRUE(t.active().empty());
}

// ---- re-verification ----

TEST(Checks, PassedIsLiftedAtOnceAndFailedStands) {
  RingDesk t;
  const auto members = t.members(t.ordered());
  const std::vector<CheckResult> results{{members[0].id, "", "passed"},    {"", members[1].entity.token, "failed"},
                                         {members[2].id, "", "no_answer"}, {"M-none", "", "passed"},
                                         {"", "n26-unknown", "failed"},    {members[3].id, "", "maybe"}};
  const CheckReport report = must(t.desk->record_checks(t.analyst, results));
  EXPECT_EQ(report.passed, 1U);
  EXPECT_EQ(report.failed, 1U);
  EXPECT_EQ(report.no_answer, 1U);
  ASSERT_EQ(report.refused.size(), 3U);
  EXPECT_EQ(report.refused[0].index, 3U);
  EXPECT_EQ(t.state_of(members[0].id), "lifted");
  EXPECT_FALSE(t.active().contains(members[0].id));
  EXPECT_TRUE(t.active().contains(members[1].id));
  bool lifted = false;
  for (const auto& order : must(t.desk->due_orders()))
    lifted = lifted || order.id == "O-" + members[0].id.substr(2) + "-lift";
  EXPECT_TRUE(lifted);
  EXPECT_EQ(t.desk->record_checks(t.viewer, results).error().code, Errc::kNotAllowed);
}

TEST(Checks, SilenceIsNoGuilt) {
  RingDesk t;
  const auto members = t.members(t.ordered());
  must(t.desk->record_checks(
      t.analyst, std::vector<CheckResult>{{members[0].id, "", "failed"}, {members[1].id, "", "no_answer"}}));
  t.clock.advance(std::chrono::hours(24 * 15 + 1));
  must(t.desk->tick());
  EXPECT_EQ(t.state_of(members[0].id), "ordered");  // failed: stands until its end
  for (std::size_t i = 1; i < members.size(); ++i) EXPECT_EQ(t.state_of(members[i].id), "lapsed") << i;
  EXPECT_EQ(t.active(), std::set<std::string>{members[0].id});
}

TEST(Checks, WhoPassedIsNotProposedForAsIfNothingHadBeen) {
  RingDesk t(1);
  const auto members = t.members(t.ordered());
  std::vector<CheckResult> passed;
  for (const MeasureView& member : members) passed.push_back({member.id, "", "passed"});
  must(t.desk->record_checks(t.analyst, passed));
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "lifted");  // nobody is limited any more
  EXPECT_EQ(t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms("limit")).error().code, Errc::kConflict);
}

// ---- nothing but masks and tokens ----

TEST(Batch, ViewsCarryNoClearNumber) {
  RingDesk t;
  const BatchView batch = t.ordered();
  std::string all;
  for (const MeasureView& member : t.members(batch)) all += member.entity.value + member.risk_basis + member.scope;
  for (const auto& order : must(t.desk->due_orders())) all += order.doc;
  for (const auto& row : must(t.audit->list({}, {0, 500, false})).items) all += row.detail + row.object;
  EXPECT_EQ(all.find("1370000000"), std::string::npos);
}

// ---- killed anywhere: all of it or nothing ----

TEST(Kill, BatchAndAppealAreAllOrNothing) {
  struct Fault {
    std::uint64_t seen = 0, fail_at = 0;
  };
  const auto fault = std::make_shared<Fault>();
  store::SqliteOptions options;
  options.fault = [fault](std::uint64_t) { return ++fault->seen == fault->fail_at; };
  RingDesk t(2, options);
  const auto state = [&] {
    std::string out;
    must_ok(t.store->read([&](const store::View& view) -> Result<> {
      for (const auto& row : must(view.audit().list({}, {0, 500, false})).items) out += row.hash;
      for (const auto& row : must(view.measures().of_case(t.opened.summary.id)))
        out += row.id + row.state + row.approved_by;
      for (const auto& row : must(view.batches().list("", "", {0, 500, false})).items) out += row.id + row.state;
      for (const auto& row : must(view.appeals().list("", "", {0, 500, false})).items) out += row.id + row.state;
      for (const auto& row : must(view.orders().of_case(t.opened.summary.id))) out += row.id;
      for (const auto& row : must(view.case_files().history(t.opened.summary.id))) out += row.action;
      return {};
    }));
    return out + must(t.desk->case_summary(t.opened.summary.id)).state;
  };
  const auto until_done = [&](const char* what, auto work) {
    for (std::uint64_t n = 1; n < 500; ++n) {
      const std::string before = state();
      *fault = {0, n};
      const bool ok = work();
      const bool fired = fault->seen >= n;
      *fault = {};
      if (!fired) {
        EXPECT_TRUE(ok) << what;
        EXPECT_GT(n, 5U) << what;
        return;
      }
      EXPECT_FALSE(ok) << what << " at " << n;
      ASSERT_EQ(state(), before) << what << " left something behind at statement " << n;
    }
    ADD_FAILURE() << what << " never got through";
  };
  std::string batch, appeal;
  until_done("propose", [&] {
    auto made = t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms());
    if (made.ok()) batch = made->summary.id;
    return made.ok();
  });
  until_done("approve", [&] { return t.desk->approve_batch(t.approver, batch, {}, "").ok(); });
  until_done("order", [&] { return t.desk->order_batch(t.analyst, batch).ok(); });
  const std::string measure = must(t.desk->batch_members(batch, {0, 10, false})).items.at(1).id;
  until_done("appeal", [&] {
    auto made = t.desk->record_appeal(t.analyst, {measure, "", "", "冤枉", "12321"});
    if (made.ok()) appeal = made->id;
    return made.ok();
  });
  until_done("uphold", [&] { return t.desk->decide_appeal(t.both, appeal, {"upheld", "属实", "已恢复", ""}).ok(); });
  EXPECT_EQ(t.state_of(measure), "lifted");
  EXPECT_TRUE(must(t.audit->verify()).ok);
}

// What the history says of a batch is in no language, so that the console can say it in the reader's.
TEST(Batch, TheHistoryNamesTheKindAsAField) {
  RingDesk t;
  const BatchView batch = t.approved();
  std::string notes;
  for (const auto& entry : must(t.desk->case_view(t.viewer, t.opened.summary.id)).history) notes += entry.note + "\n";
  EXPECT_NE(notes.find(batch.summary.id + " × 5\nkind: reverify\n"), std::string::npos) << notes;
  EXPECT_NE(notes.find(batch.summary.id + ": 5/5\n"), std::string::npos) << notes;
}

}  // namespace
}  // namespace pandun::casework
