// Appeals: independent review, time on the person's side, lifting at once and followed to every carrier.
#include <gtest/gtest.h>

#include <random>

#include "casework/testing/ring.h"

namespace pandun::casework {
namespace {

using namespace testing;

struct Appealed : RingDesk {
  Appealed() : RingDesk(3) {
    batch = ordered();
    measure = members(batch)[1].id;
    appeal = must(desk->record_appeal(analyst, {measure, "", "d-0000000000000001", "我是修理铺", "12321"}));
  }
  BatchView batch;
  std::string measure;
  AppealView appeal;
};

const AppealDecision kUphold{"upheld", "核查属实", "误伤，功能已恢复", ""};

TEST(Appeal, IsAboutOneNumberAndStartsItsClock) {
  Appealed t;
  EXPECT_EQ(t.appeal.state, "open");
  EXPECT_EQ(t.appeal.decision_id, "d-0000000000000001");
  EXPECT_FALSE(t.appeal.late);
  EXPECT_GT(t.appeal.due_at.ms - t.appeal.received_at.ms, 30LL * 86'400'000);  // 30 working days
  EXPECT_EQ(t.state_of(t.measure), "appealed");
  EXPECT_TRUE(t.active().contains(t.measure));  // an appeal alone lifts nothing
  EXPECT_EQ(t.desk->record_appeal(t.analyst, {t.measure, "", "", "再来", ""}).error().code, Errc::kConflict);
  EXPECT_EQ(t.desk->record_appeal(t.analyst, {"", "n26-none", "", "谁", ""}).error().code, Errc::kNotFound);
  EXPECT_EQ(t.desk->record_appeal(t.analyst, {"", "", "", "谁", ""}).error().code, Errc::kUsage);
  EXPECT_EQ(t.desk->record_appeal(t.viewer, {t.measure, "", "", "x", ""}).error().code, Errc::kNotAllowed);
  // By token: the newest measure that stands.
  const auto other = t.members(t.batch)[2];
  EXPECT_EQ(must(t.desk->record_appeal(t.analyst, {"", other.entity.token, "", "也不是我", ""})).measure_id, other.id);
  EXPECT_EQ(must(t.desk->case_summary(t.opened.summary.id)).state, "ordered");  // the others' case goes on
}

TEST(Appeal, ReviewerIsNeitherProposerNorApproverNorRecorder) {
  RingDesk t(2);
  const BatchView batch = must(t.desk->propose_batch(t.both, t.opened.summary.id, t.terms()));
  must(t.desk->approve_batch(t.approver, batch.summary.id, {}, ""));
  const std::string measure = t.members(batch)[0].id;
  const guard::Actor clerk = person("he.ping", {guard::Role::kAnalyst, guard::Role::kApprover});
  const std::string id = must(t.desk->record_appeal(clerk, {measure, "", "", "冤枉", ""})).id;
  for (const char* outcome : {"upheld", "rejected"}) {
    const AppealDecision decision{outcome, "理由", "补救", ""};
    EXPECT_EQ(t.desk->decide_appeal(t.both, id, decision).error().code, Errc::kNotAllowed);      // proposed it
    EXPECT_EQ(t.desk->decide_appeal(t.approver, id, decision).error().code, Errc::kNotAllowed);  // approved it
    EXPECT_EQ(t.desk->decide_appeal(clerk, id, decision).error().code, Errc::kNotAllowed);       // recorded it
    EXPECT_EQ(t.desk->decide_appeal(t.analyst, id, decision).error().code, Errc::kNotAllowed);   // no such right
    guard::Actor robot = t.approver2;
    robot.token = true;
    EXPECT_EQ(t.desk->decide_appeal(robot, id, decision).error().code, Errc::kNotAllowed);
  }
  EXPECT_EQ(t.state_of(measure), "appealed");
  EXPECT_GE(must(t.audit->list({"", "appeal.upheld.refused", ""}, {})).items.size(), 3U);
  EXPECT_EQ(must(t.desk->decide_appeal(t.approver2, id, kUphold)).reviewer, "chen.jie");
}

TEST(Appeal, UpheldLiftsThatNumberAtOnceAndNoOther) {
  Appealed t;
  const auto before = t.active();
  EXPECT_EQ(t.desk->decide_appeal(t.approver2, t.appeal.id, {"upheld", "属实", "", ""}).error().where, "repair");
  const AppealView done = must(t.desk->decide_appeal(t.approver2, t.appeal.id, kUphold));
  EXPECT_EQ(done.state, "upheld");
  EXPECT_EQ(done.measure_state, "lifted");
  EXPECT_EQ(done.repair, kUphold.repair);
  auto after = before;
  after.erase(t.measure);
  EXPECT_EQ(t.active(), after);
  EXPECT_TRUE(done.lift_ordered);
  EXPECT_EQ(t.desk->decide_appeal(t.approver2, t.appeal.id, kUphold).error().code, Errc::kConflict);
  std::vector<std::string> actions;
  for (const auto& row : must(t.audit->list({"", "", "measure:" + t.measure}, {0, 50, false})).items)
    actions.push_back(row.action);
  EXPECT_EQ(actions, (std::vector<std::string>{"measure.propose", "measure.approve", "measure.order", "appeal.record",
                                               "measure.lift", "appeal.upheld"}));
}

TEST(Appeal, WhoWasHeardIsNotTakenInAgainWithTheRest) {
  Appealed t;
  must(t.desk->decide_appeal(t.approver2, t.appeal.id, kUphold));
  const BatchView next = must(t.desk->propose_batch(t.analyst, t.opened.summary.id, t.terms("limit")));
  EXPECT_EQ(next.summary.members, 3);  // of four
  ASSERT_EQ(next.left_out.size(), 1U);
  EXPECT_EQ(next.left_out[0].entity.token, t.appeal.entity.token);
}

TEST(Appeal, LiftingIsFollowedToEveryCarrier) {
  Appealed t;
  const auto deliver = [&] {
    for (const auto& order : must(t.desk->due_orders())) must_ok(t.desk->order_sent(order.id));
  };
  const std::string apply = "O-" + t.measure.substr(2) + "-apply", lift = "O-" + t.measure.substr(2) + "-lift";
  deliver();
  must(t.desk->order_receipt(apply, "acknowledged", "", "d1", kStart, "carrier-a"));
  must(t.desk->order_receipt(apply, "done", "", "d2", kStart, "carrier-b"));
  EXPECT_EQ(t.state_of(t.measure), "appealed");  // a receipt does not end an appeal
  must(t.desk->decide_appeal(t.approver2, t.appeal.id, kUphold));
  deliver();
  must(t.desk->order_receipt(lift, "done", "", "d3", kStart, "carrier-a"));
  EXPECT_FALSE(must(t.desk->appeal(t.analyst, t.appeal.id)).lift_verified);
  must(t.desk->order_receipt(lift, "done", "", "d4", kStart, "carrier-b"));
  const AppealView done = must(t.desk->appeal(t.analyst, t.appeal.id));
  EXPECT_TRUE(done.lift_verified);
  EXPECT_EQ(done.carriers.size(), 2U);
}

TEST(Appeal, RejectedGoesOnAndPartlyEndsEarlier) {
  Appealed t;
  EXPECT_EQ(must(t.desk->decide_appeal(t.approver2, t.appeal.id, {"rejected", "证据充分", "", ""})).measure_state,
            "ordered");
  const std::string again = must(t.desk->record_appeal(t.analyst, {t.measure, "", "", "新证据", ""})).id;
  const auto decide = [&](const std::string& end) {
    return t.desk->decide_appeal(t.approver2, again, {"partly", "部分属实", "缩短", end});
  };
  EXPECT_EQ(decide("").error().where, "expires_at");
  EXPECT_EQ(decide(rfc3339(kStart.ms + 86'400'000LL * 60)).error().where, "expires_at");  // later than it was
  EXPECT_EQ(must(decide(rfc3339(kStart.ms + 86'400'000LL))).measure_state, "ordered");
  t.clock.advance(std::chrono::hours(25));
  must(t.desk->tick());
  EXPECT_EQ(t.state_of(t.measure), "lapsed");
  EXPECT_FALSE(t.active().contains(t.measure));
}

TEST(Appeal, NotAnsweredInTimeCountsForThePerson) {
  RingDesk t(2);
  NewBatch wish = t.terms("warn");
  wish.terms.expires_at = rfc3339(kStart.ms + 86'400'000LL * 89);
  const BatchView batch = must(t.desk->propose_batch(t.analyst, t.opened.summary.id, wish));
  must(t.desk->approve_batch(t.approver, batch.summary.id, {}, ""));
  must(t.desk->order_batch(t.analyst, batch.summary.id));
  const std::string measure = t.members(batch)[0].id;
  const AppealView appeal = must(t.desk->record_appeal(t.analyst, {measure, "", "", "冤枉", ""}));
  t.clock.advance(std::chrono::milliseconds(appeal.due_at.ms - kStart.ms - 1000));
  must(t.desk->tick());
  EXPECT_EQ(t.state_of(measure), "appealed");
  t.clock.advance(std::chrono::seconds(2));
  must(t.desk->tick());
  EXPECT_EQ(t.state_of(measure), "lifted");
  const AppealView lapsed = must(t.desk->appeal(t.analyst, appeal.id));
  EXPECT_EQ(lapsed.state, "lapsed");
  EXPECT_TRUE(lapsed.reviewer.empty());
  EXPECT_EQ(t.active().size(), 2U);
  EXPECT_EQ(must(t.desk->decide_appeal(t.approver2, appeal.id, {"rejected", "晚了", "", ""}).ok() ? Result<int>(1)
                                                                                                  : Result<int>(0)),
            0);
}

TEST(Appeal, OfTheCasesOwnMeasureMovesTheCase) {
  Desk t;
  const CaseView opened = t.open(t.ingest(call_signal(1)));
  must(t.act(t.analyst, opened, "confirm", {{"finding", "x"}}));
  must(t.act(t.analyst, opened, "propose_measure", t.warn()));
  const std::string measure = must(t.act(t.approver, opened, "approve")).measures.at(0).id;
  const std::string id = must(t.desk->record_appeal(t.analyst, {measure, "", "", "冤枉", ""})).id;
  EXPECT_EQ(must(t.desk->case_summary(opened.summary.id)).state, "appealed");
  must(t.desk->decide_appeal(t.approver2, id, kUphold));
  EXPECT_EQ(must(t.desk->case_summary(opened.summary.id)).state, "lifted");
  EXPECT_TRUE(must(t.desk->active_measures()).empty());
}

TEST(Appeal, RecordedInTheCaseStandsAtTheDeskToo) {
  Desk t;
  const CaseView opened = t.open(t.ingest(call_signal(1)));
  must(t.act(t.analyst, opened, "confirm", {{"finding", "x"}}));
  must(t.act(t.analyst, opened, "propose_measure", t.warn()));
  must(t.act(t.approver, opened, "approve"));
  must(t.act(t.analyst, opened, "appeal", {{"claim", "冤枉"}}));
  EXPECT_EQ(must(t.desk->appeals(t.analyst, "open", "", {})).items.size(), 1U);
  EXPECT_EQ(t.act(t.approver, opened, "uphold_appeal", {{"reason", "属实"}}).error().code, Errc::kNotAllowed);
  must(t.act(t.approver2, opened, "uphold_appeal", {{"reason", "属实"}}));
  const AppealView appeal = must(t.desk->appeals(t.analyst, "", "", {})).items.at(0);
  EXPECT_EQ(appeal.state, "upheld");
  EXPECT_EQ(appeal.reviewer, "chen.jie");
}

// ---- anybody doing anything: what must hold, holds ----

TEST(Safeguards, RandomPeopleAtTheBatchAndAppealDesks) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    RingDesk t(3, {}, seed % 2 == 0 ? "+8613700000000" : "");
    const std::vector<guard::Actor> people{t.analyst, t.approver, t.approver2, t.both, t.viewer};
    const auto anybody = [&] { return people[random() % people.size()]; };
    const std::vector<std::string> kinds{"warn", "reverify", "limit", "suspend"};
    int done = 0;
    for (int i = 0; i < 150; ++i) {
      const auto batches = must(t.desk->batches("", "", {0, 50, true})).items;
      const std::string batch = batches.empty() ? "B-none" : batches[random() % batches.size()].id;
      const auto members =
          batches.empty() ? std::vector<MeasureView>() : must(t.desk->batch_members(batch, {0, 50, false})).items;
      const std::string measure = members.empty() ? "M-none" : members[random() % members.size()].id;
      const auto appeals = must(t.desk->appeals(t.viewer, "open", "", {})).items;
      const std::string appeal = appeals.empty() ? "P-none" : appeals[random() % appeals.size()].id;
      bool ok = false;
      switch (random() % 8) {
        case 0:
          ok = t.desk
                   ->propose_batch(anybody(), t.opened.summary.id,
                                   t.terms(kinds[random() % 4], random() % 2 ? "情况紧急" : ""))
                   .ok();
          break;
        case 1:
        case 2:
          ok = t.desk
                   ->approve_batch(anybody(), batch,
                                   random() % 4 == 0 ? std::vector<std::string>{measure} : std::vector<std::string>{},
                                   "x")
                   .ok();
          break;
        case 3:
          ok = t.desk->order_batch(anybody(), batch).ok();
          break;
        case 4:
          ok = t.desk->record_appeal(anybody(), {measure, "", "", "冤枉", ""}).ok();
          break;
        case 5:
          ok =
              t.desk->decide_appeal(anybody(), appeal, {random() % 2 ? "upheld" : "rejected", "理由", "补救", ""}).ok();
          break;
        case 6: {
          const std::vector<CheckResult> one{{measure, "", random() % 2 ? "passed" : "failed"}};
          ok = t.desk->record_checks(anybody(), one).ok();
          break;
        }
        default:
          t.clock.advance(std::chrono::hours(random() % 30));
          must(t.desk->tick());
      }
      done += ok ? 1 : 0;
    }
    EXPECT_GT(done, 10) << "seed " << seed;
    must_ok(t.store->read([&](const store::View& view) -> Result<> {
      std::map<std::string, store::MeasureRow> by_id;
      for (const store::MeasureRow& row : must(view.measures().of_case(t.opened.summary.id))) {
        by_id[row.id] = row;
        for (const std::string& name : row.approvals) EXPECT_NE(name, row.proposed_by) << "seed " << seed;
        const bool stands = row.state != "proposed" && row.state != "refused" && row.state != "lapsed";
        if (stands) {
          EXPECT_GE(static_cast<std::int64_t>(row.approvals.size()), row.approvals_needed)
              << "seed " << seed << row.state;
        }
        EXPECT_EQ(row.approvals_needed, row.protected_group.empty() ? 1 : 2);
      }
      for (const store::AppealRow& row : must(view.appeals().list("", "", {0, 500, true})).items) {
        const store::MeasureRow& measure = by_id.at(row.measure_id);
        if (row.reviewer.empty()) continue;
        EXPECT_NE(row.reviewer, measure.proposed_by) << "seed " << seed;
        EXPECT_NE(row.reviewer, measure.approved_by) << "seed " << seed;
      }
      return {};
    }));
    EXPECT_TRUE(must(t.audit->verify()).ok) << "seed " << seed;
  }
}

}  // namespace
}  // namespace pandun::casework
