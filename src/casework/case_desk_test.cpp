#include "casework/case_desk.h"

#include <gtest/gtest.h>

#include "casework/testing/desk.h"

namespace pandun::casework {
namespace {

using namespace testing;

CaseView to_approved(Desk& desk, const CaseView& opened, const guard::Actor& by) {
  must(desk.act(desk.analyst, opened, "confirm", {{"finding", "属实"}}));
  must(desk.act(desk.analyst, opened, "propose_measure", desk.warn()));
  return must(desk.act(by, opened, "approve"));
}

CaseView to_ordered(Desk& desk, const CaseView& opened) {
  to_approved(desk, opened, desk.approver);
  return must(desk.act(desk.analyst, opened, "order"));
}

TEST(CaseDesk, WalksACaseToItsVerifiedEnd) {
  Desk desk;
  const std::string alert = desk.ingest(call_signal(1));
  const CaseView opened = desk.open(alert);
  EXPECT_EQ(opened.summary.number, "PD-2026-000001");
  EXPECT_EQ(opened.summary.state, "found");
  EXPECT_EQ(opened.clocks.size(), 1U);
  EXPECT_EQ(opened.summary.due_at->ms, kStart.ms + 4 * 3'600'000);
  EXPECT_EQ(must(desk.desk->alert_summary(alert)).state, "in_case");

  const CaseView ordered = to_ordered(desk, opened);
  EXPECT_EQ(ordered.summary.state, "ordered");
  ASSERT_EQ(ordered.measures.size(), 1U);
  EXPECT_EQ(ordered.measures[0].approved_by, "zhang.min");
  EXPECT_EQ(ordered.measures[0].orders.at(0).state, "pending");
  const auto acknowledged = must(desk.act(desk.analyst, opened, "acknowledge", {{"receipt", "已处理"}}));
  ASSERT_TRUE(acknowledged.verify_until);
  must(desk.act(desk.analyst, opened, "verify", {{"how", "七日未见"}}));
  const CaseView closed = must(desk.act(desk.analyst, opened, "close", {{"summary", "办结"}}));
  EXPECT_EQ(closed.summary.state, "closed");
  EXPECT_FALSE(closed.summary.due_at);
  for (const ClockView& clock : closed.clocks) EXPECT_EQ(clock.state, "met");
  EXPECT_EQ(must(desk.desk->incident(must(desk.desk->alert_summary(alert)).incident_id)).summary.alerts, 1);
  EXPECT_EQ(closed.history.front().action, "open");
  EXPECT_EQ(closed.history.back().to, "closed");
  EXPECT_TRUE(must(desk.audit->verify()).ok);
}

TEST(CaseDesk, ItsTitleIsTheAlertsInBothLanguagesOrWhatAPersonWrote) {
  Desk house;
  const auto open = [&](std::uint64_t position, const std::string& title) {
    const std::string alert =
        house.ingest(call_signal(position, kStart.ms, model::NumberKey::e164(kCaller + position)));
    return must(house.desk->open_case(house.analyst, {{alert}, "", title})).summary;
  };
  EXPECT_EQ(open(1, "").title, (LocalText{"高频外呼", "Burst calling"}));
  EXPECT_EQ(open(2, "Burst calling").title, (LocalText{"高频外呼", "Burst calling"}));  // as an English screen names it
  const CaseSummary own = open(3, "西宁群呼");
  EXPECT_EQ(own.title, (LocalText{"西宁群呼", "西宁群呼"}));
  const CaseView changed =
      must(house.desk->patch_case(house.analyst, own.id, {own.version, std::nullopt, "Xining calls"}));
  EXPECT_EQ(changed.summary.title, (LocalText{"Xining calls", "Xining calls"}));
}

TEST(CaseDesk, SaysWhyAnActionIsNotAllowed) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(desk.both, opened, "confirm", {{"finding", "x"}}));
  must(desk.act(desk.both, opened, "propose_measure", desk.warn()));
  const CaseView seen = must(desk.desk->case_view(desk.both, opened.summary.id));
  ASSERT_FALSE(seen.actions.empty());
  EXPECT_FALSE(seen.actions[0].allowed);
  EXPECT_NE(seen.actions[0].why_not->en.find("second person"), std::string::npos);
  EXPECT_TRUE(must(desk.desk->case_view(desk.approver, opened.summary.id)).actions[0].allowed);
  EXPECT_NE(must(desk.desk->case_view(desk.viewer, opened.summary.id)).actions[0].why_not->en.find("approver"),
            std::string::npos);
}

TEST(CaseDesk, ConflictsWhenSomebodyWasFaster) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.desk->patch_case(desk.analyst, opened.summary.id, {opened.summary.version, std::nullopt, "新标题"}));
  const auto late =
      desk.desk->perform(desk.analyst, opened.summary.id, "confirm", {opened.summary.version, {{"finding", "x"}}, ""});
  EXPECT_EQ(late.error().code, Errc::kConflict);
  EXPECT_EQ(desk.desk->patch_case(desk.analyst, opened.summary.id, {opened.summary.version, "li.wei", std::nullopt})
                .error()
                .code,
            Errc::kConflict);
}

TEST(CaseDesk, ChecksFieldsAndProportion) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  EXPECT_EQ(desk.act(desk.analyst, opened, "confirm").error().where, "finding");
  must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
  const auto propose = [&](std::map<std::string, std::string> change) {
    auto fields = desk.warn();
    for (auto& [key, value] : change) fields[key] = value;
    return desk.act(desk.analyst, opened, "propose_measure", fields);
  };
  EXPECT_EQ(propose({{"kind", "banish"}}).error().where, "kind");
  EXPECT_EQ(propose({{"kind", "take_down"}}).error().where, "kind");        // not about a number
  EXPECT_EQ(propose({{"ground", "afl-26-lead"}}).error().where, "ground");  // carries no measure
  EXPECT_EQ(propose({{"expires_at", rfc3339(desk.clock.wall().ms - 1)}}).error().where, "expires_at");
  EXPECT_EQ(propose({{"expires_at", rfc3339(desk.clock.wall().ms + 400LL * 86'400'000)}}).error().where, "expires_at");
  EXPECT_EQ(propose({{"expires_at", "tomorrow"}}).error().where, "expires_at");
  EXPECT_EQ(propose({{"colour", "red"}}).error().where, "colour");
  EXPECT_EQ(propose({{"kind", "suspend"}}).error().where, "notice");
  EXPECT_EQ(propose({{"kind", "suspend"}, {"notice", "n"}, {"appeal_channel", "a"}}).error().where, "skip_reason");
  EXPECT_TRUE(
      propose({{"kind", "suspend"}, {"notice", "n"}, {"appeal_channel", "a"}, {"skip_reason", "正在行骗"}}).ok());
}

TEST(CaseDesk, UnapprovedProposalLapsesInThePersonsFavour) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
  must(desk.act(desk.analyst, opened, "propose_measure", desk.warn()));
  EXPECT_EQ(must(desk.desk->tick()).measures_lapsed, 0);
  desk.clock.advance(std::chrono::hours(24));
  EXPECT_EQ(desk.act(desk.approver, opened, "approve").error().code, Errc::kConflict);
  EXPECT_EQ(must(desk.desk->tick()).measures_lapsed, 1);
  const CaseView after = must(desk.desk->case_view(desk.analyst, opened.summary.id));
  EXPECT_EQ(after.summary.state, "confirmed");
  EXPECT_EQ(after.measures[0].state, "lapsed");
  EXPECT_EQ(must(desk.desk->tick()).measures_lapsed, 0);
}

TEST(CaseDesk, ExpiredMeasureEndsAndItsLiftingIsOrdered) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  to_ordered(desk, opened);
  ASSERT_EQ(must(desk.desk->active_measures()).size(), 1U);
  EXPECT_EQ(must(desk.desk->active_measures())[0].number, model::NumberKey::e164(kCaller));
  desk.clock.advance(std::chrono::hours(24 * 6));
  EXPECT_TRUE(must(desk.desk->active_measures()).empty());
  must(desk.desk->tick());
  const CaseView after = must(desk.desk->case_view(desk.analyst, opened.summary.id));
  EXPECT_EQ(after.measures[0].state, "lapsed");
  ASSERT_EQ(after.measures[0].orders.size(), 2U);
  EXPECT_EQ(after.measures[0].orders[1].verb, "lift");
}

TEST(CaseDesk, QuietVerifiesAndASightingReopens) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  to_ordered(desk, opened);
  must(desk.act(desk.analyst, opened, "acknowledge", {{"receipt", "ok"}}));
  desk.clock.advance(std::chrono::hours(24 * 3));
  // Seen again during the period: it starts anew, and the alert joins the case.
  const std::string again = desk.ingest(call_signal(2, desk.clock.wall().ms));
  EXPECT_EQ(must(desk.desk->alert_summary(again)).case_id, opened.summary.id);
  desk.clock.advance(std::chrono::hours(24 * 5));
  EXPECT_EQ(must(desk.desk->tick()).cases_verified, 0);
  desk.clock.advance(std::chrono::hours(24 * 3));
  EXPECT_EQ(must(desk.desk->tick()).cases_verified, 1);
  EXPECT_EQ(must(desk.desk->case_summary(opened.summary.id)).state, "verified");
  must(desk.act(desk.analyst, opened, "close", {{"summary", "x"}}));
  // An old position is no relapse; a later one is.
  EXPECT_EQ(must(desk.desk->ingest_signals({}, "detect", 2)).signals, 0U);
  desk.ingest(call_signal(3, desk.clock.wall().ms));
  const CaseView relapsed = must(desk.desk->case_view(desk.analyst, opened.summary.id));
  EXPECT_EQ(relapsed.summary.state, "found");
  EXPECT_EQ(relapsed.history.back().action, "relapse");
  EXPECT_EQ(relapsed.alerts.size(), 3U);
}

TEST(CaseDesk, UnansweredAppealIsUpheld) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
  auto fields = desk.warn();
  fields["expires_at"] = rfc3339(desk.clock.wall().ms + 86'400'000LL * 80);
  must(desk.act(desk.analyst, opened, "propose_measure", fields));
  must(desk.act(desk.approver, opened, "approve"));
  must(desk.act(desk.analyst, opened, "order"));
  must(desk.act(desk.analyst, opened, "appeal", {{"claim", "我是快递员"}}));
  EXPECT_EQ(must(desk.desk->active_measures()).size(), 1U);
  EXPECT_EQ(desk.act(desk.approver, opened, "reject_appeal", {{"reason", "x"}}).error().code, Errc::kNotAllowed);
  desk.clock.advance(std::chrono::hours(24 * 60));
  must(desk.desk->tick());
  const CaseView after = must(desk.desk->case_view(desk.analyst, opened.summary.id));
  EXPECT_EQ(after.summary.state, "lifted");
  EXPECT_EQ(after.measures[0].state, "lifted");
  EXPECT_EQ(after.measures[0].orders.back().verb, "lift");
  EXPECT_TRUE(must(desk.desk->active_measures()).empty());
}

TEST(CaseDesk, RejectedAppealGoesBackWhereItStood) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  to_ordered(desk, opened);
  must(desk.act(desk.analyst, opened, "appeal", {{"claim", "x"}}));
  const CaseView back = must(desk.act(desk.approver2, opened, "reject_appeal", {{"reason", "证据充分"}}));
  EXPECT_EQ(back.summary.state, "ordered");
  EXPECT_EQ(back.measures[0].state, "ordered");
}

TEST(CaseDesk, AReplayedBatchChangesNothing) {
  Desk desk;
  const std::vector<model::Signal> batch{call_signal(1), call_signal(2, kStart.ms + 60'000),
                                         call_signal(3, kStart.ms + 120'000)};
  const auto first = must(desk.desk->ingest_signals(batch, "detect", 3));
  EXPECT_EQ(first.new_alerts.size(), 1U);
  const auto audit_before = must(desk.audit->list({}, {})).items.size();
  const auto again = must(desk.desk->ingest_signals(batch, "detect", 3));
  EXPECT_EQ(again.skipped, 3U);
  EXPECT_TRUE(again.changed_alerts.empty());
  EXPECT_EQ(must(desk.desk->alert_summary(first.new_alerts[0])).signals, 3);
  EXPECT_EQ(must(desk.audit->list({}, {})).items.size(), audit_before);
  // A batch that overlaps is taken from where the store stands.
  const auto overlap = must(desk.desk->ingest_signals(
      std::vector<model::Signal>{batch[2], call_signal(4, kStart.ms + 180'000)}, "detect", 4));
  EXPECT_EQ(overlap.skipped, 1U);
  EXPECT_EQ(must(desk.desk->alert_summary(first.new_alerts[0])).signals, 4);
}

// Serving folds as replay does, however the stream is cut.
TEST(CaseDesk, FoldsAsReplayDoes) {
  std::vector<model::Signal> signals;
  for (std::uint64_t i = 1; i <= 40; ++i) {
    signals.push_back(call_signal(i, kStart.ms + static_cast<std::int64_t>(i * i) * 150'000,
                                  model::NumberKey::e164(kCaller + i % 3)));
  }
  for (const std::size_t step : {1UL, 7UL, 40UL}) {
    Desk desk;
    AlertFolder folder(desk.detectors, desk.identities, desk.lines);
    for (const auto& signal : signals) folder.add(signal);
    for (std::size_t i = 0; i < signals.size(); i += step) {
      const std::size_t n = std::min(step, signals.size() - i);
      must(desk.desk->ingest_signals({&signals[i], n}, "detect", signals[i + n - 1].position));
    }
    for (const model::Alert& alert : folder.finish()) {
      const AlertView stored = must(desk.desk->alert(alert.id));
      EXPECT_EQ(stored.summary.signals, alert.signals);
      EXPECT_EQ(stored.summary.last.ms, alert.last.ms);
      EXPECT_EQ(stored.peers, alert.peers);
      EXPECT_EQ(stored.source_lines, alert.source_lines);
    }
  }
}

TEST(CaseDesk, NewYearDoesNotSplitAnEpisode) {
  Desk desk;
  const std::int64_t eve = *parse_rfc3339("2026-12-31T23:50:00+08:00");
  const std::string first = desk.ingest(call_signal(1, eve));
  EXPECT_EQ(desk.ingest(call_signal(2, eve + 20 * 60'000)), first);
  EXPECT_EQ(must(desk.desk->alert_summary(first)).signals, 2);
}

TEST(CaseDesk, AlertsFilterPageAndSearchInChinese) {
  Desk desk;
  for (std::uint64_t i = 1; i <= 5; ++i) desk.ingest(call_signal(i, kStart.ms, model::NumberKey::e164(kCaller + i)));
  CaseDesk::AlertQuery query;
  query.page.limit = 2;
  query.q = "外呼";
  AlertPage page = must(desk.desk->alerts(query));
  EXPECT_EQ(page.items.size(), 2U);
  EXPECT_EQ(page.total_open, 5);
  std::vector<std::int64_t> seqs;
  while (true) {
    for (const AlertSummary& item : page.items) seqs.push_back(item.seq);
    if (!page.next) break;
    query.page.cursor = *page.next;
    page = must(desk.desk->alerts(query));
  }
  EXPECT_EQ(seqs, (std::vector<std::int64_t>{5, 4, 3, 2, 1}));
  query = {};
  query.q = "呼";
  EXPECT_EQ(must(desk.desk->alerts(query)).items.size(), 5U);
  query.q = "BURST";
  EXPECT_EQ(must(desk.desk->alerts(query)).items.size(), 5U);
  query.q = "诈骗";
  EXPECT_TRUE(must(desk.desk->alerts(query)).items.empty());
  query = {};
  query.severity_min = 71;
  EXPECT_TRUE(must(desk.desk->alerts(query)).items.empty());
}

TEST(CaseDesk, DismissesAndReopensAlerts) {
  Desk desk;
  const std::string alert = desk.ingest(call_signal(1));
  EXPECT_EQ(desk.desk->dismiss_alert(desk.viewer, alert, "误报").error().code, Errc::kNotAllowed);
  EXPECT_EQ(desk.desk->dismiss_alert(desk.analyst, alert, "").error().code, Errc::kUsage);
  EXPECT_EQ(must(desk.desk->dismiss_alert(desk.analyst, alert, "误报")).state, "dismissed");
  EXPECT_EQ(desk.desk->dismiss_alert(desk.analyst, alert, "误报").error().code, Errc::kConflict);
  EXPECT_EQ(must(desk.desk->reopen_alert(desk.analyst, alert, "再看")).state, "open");
  EXPECT_EQ(desk.desk->dismiss_alert(desk.analyst, "A-none", "x").error().code, Errc::kNotFound);
}

TEST(CaseDesk, IncidentsMergeWhenAnAlertTiesThem) {
  Desk desk;
  auto a = call_signal(1), b = call_signal(2, kStart.ms, model::NumberKey::e164(kCaller + 1)),
       c = call_signal(3, kStart.ms, model::NumberKey::e164(kCaller + 2));
  a.peers = {model::Entity::of(model::NumberKey::e164(kCallee))};
  b.peers = {model::Entity::of(model::NumberKey::e164(kCallee + 50))};
  c.peers = {a.peers[0], b.peers[0]};
  desk.ingest(a);
  desk.ingest(b);
  EXPECT_EQ(must(desk.desk->incidents("", "", {})).items.size(), 2U);
  desk.ingest(c);
  const auto incidents = must(desk.desk->incidents("", "", {})).items;
  ASSERT_EQ(incidents.size(), 1U);
  EXPECT_EQ(incidents[0].alerts, 3);
  EXPECT_EQ(incidents[0].entities, 3);
  const CaseView opened = must(desk.desk->open_case(desk.analyst, {{}, incidents[0].id, ""}));
  EXPECT_EQ(opened.alerts.size(), 3U);
  EXPECT_EQ(must(desk.desk->incident(incidents[0].id)).summary.case_id, opened.summary.id);
  EXPECT_EQ(desk.desk->open_case(desk.analyst, {{}, incidents[0].id, ""}).error().code, Errc::kConflict);
}

TEST(CaseDesk, ACaseIsFiledUnderATopicAndCountedThere) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  const CaseView filed = must(desk.desk->patch_case(
      desk.analyst, opened.summary.id, {opened.summary.version, std::nullopt, std::nullopt, "fake_support"}));
  EXPECT_EQ(filed.topic, "fake_support");
  EXPECT_EQ(filed.alerts.at(0).topic, opened.topic) << "the alert keeps what its detector found";
  CaseDesk::CaseQuery query;
  query.topic = "fake_support";
  EXPECT_EQ(must(desk.desk->cases(query)).items.size(), 1U);
  query.topic = opened.topic;
  EXPECT_TRUE(must(desk.desk->cases(query)).items.empty());
  const auto counts = must(desk.desk->cases_by_topic());
  EXPECT_EQ(counts.at("fake_support").open, 1);
  EXPECT_EQ(counts.at("fake_support").done, 0);
  EXPECT_EQ(counts.count(opened.topic), 0U);
}

TEST(CaseDesk, OverviewCounts) {
  Desk desk;
  const std::string alert = desk.ingest(call_signal(1));
  desk.ingest(call_signal(2, kStart.ms, model::NumberKey::e164(kCaller + 9)));
  desk.open(alert);
  desk.clock.advance(std::chrono::hours(5));
  must(desk.desk->tick());
  const CaseworkOverview view = must(desk.desk->overview(24));
  EXPECT_EQ(view.alerts_open, 1);
  EXPECT_EQ(view.alerts_24h, 2);
  EXPECT_EQ(view.cases_open, 1);
  EXPECT_EQ(view.cases_overdue, 1);
  EXPECT_EQ(view.by_detector.at(0).count, 2);
  EXPECT_EQ(view.by_severity.at(1).count, 2);
  std::int64_t total = 0;
  for (const std::int64_t n : view.alerts_per_step) total += n;
  EXPECT_EQ(total, 2);
  EXPECT_EQ(view.recent_alerts.size(), 2U);
  EXPECT_EQ(view.overdue_cases.size(), 1U);
  EXPECT_TRUE(view.overdue_cases[0].overdue);
}

TEST(CaseDesk, NotesAndEvidenceAreKept) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.desk->add_note(desk.analyst, opened.summary.id, "已电话核实"));
  const auto item = must(desk.desk->add_evidence(desk.analyst, opened.summary.id, {"screenshot_hash", "截图", "abc"}));
  EXPECT_EQ(item.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(desk.desk->add_note(desk.viewer, opened.summary.id, "x").error().code, Errc::kNotAllowed);
  EXPECT_EQ(desk.desk->add_note(desk.analyst, "C-none", "x").error().code, Errc::kNotFound);
  const CaseView seen = must(desk.desk->case_view(desk.analyst, opened.summary.id));
  EXPECT_EQ(seen.notes.at(0).text, "已电话核实");
  EXPECT_EQ(seen.evidence.at(0).id, item.id);
}

}  // namespace
}  // namespace pandun::casework
