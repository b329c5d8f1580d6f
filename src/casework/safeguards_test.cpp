// Tries to break what must hold: masks, the vault, second persons, no automatic decision, the audit chain.
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>
#include <iterator>
#include <random>

#include "casework/testing/desk.h"

namespace pandun::casework {
namespace {

using namespace testing;

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// As somebody with the disk would: straight into the file, past every rule of ours.
void tamper(const Desk& desk, const std::string& sql) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(desk.directory.file("pandun.db").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(
                db, ("DROP TRIGGER IF EXISTS audit_no_update; DROP TRIGGER IF EXISTS audit_no_delete;" + sql).c_str(),
                nullptr, nullptr, nullptr),
            SQLITE_OK)
      << sqlite3_errmsg(db);
  sqlite3_close(db);
}

CaseView proposed(Desk& desk, const guard::Actor& by) {
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(by, opened, "confirm", {{"finding", "x"}}));
  must(desk.act(by, opened, "propose_measure", desk.warn()));
  return opened;
}

// ---- 3, 4: identities ----

TEST(Safeguards, NoClearNumberStandsInAnyFileOfTheStore) {
  Desk desk;
  const CaseView opened = proposed(desk, desk.analyst);
  must(desk.act(desk.approver, opened, "approve"));
  must(desk.act(desk.analyst, opened, "order"));
  must(desk.desk->add_note(desk.analyst, opened.summary.id, "x"));
  const std::string bits = [] {
    const std::uint64_t value = model::NumberKey::e164(kCaller).bits();
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  }();
  int files = 0, tokens = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(desk.directory.path())) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const std::string bytes = bytes_of(entry.path().string());
    for (const std::string& clear :
         {std::string("13800138000"), std::string("8613800138000"), std::string("13911112223"), bits}) {
      EXPECT_EQ(bytes.find(clear), std::string::npos) << entry.path();
    }
    tokens += bytes.find("n26-") != std::string::npos ? 1 : 0;
  }
  EXPECT_GE(tokens, 1);  // so the search does see what stands there
  EXPECT_GE(files, 1);
}

TEST(Safeguards, OnlyNumbersThatASignalConcernsAreSealed) {
  Desk desk;
  desk.ingest(call_signal(1));
  must_ok(desk.store->read([&](const store::View& view) -> Result<> {
    EXPECT_EQ(must(view.vault().sealed_count()), 2);  // the caller and the one peer named
    EXPECT_FALSE(must(view.vault().sealed(desk.tokens.number(model::NumberKey::e164(kCallee + 2), 2026))));
    return {};
  }));
}

// ---- 6: which measure needs whom ----

TEST(Safeguards, SuspendingAndClosingNeedASeniorApprover) {
  for (const std::string kind : {"suspend", "close"}) {
    Desk desk;
    const guard::Actor senior = person("gao.yuan", {guard::Role::kSenior});
    const CaseView opened = desk.open(desk.ingest(call_signal(1)));
    must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
    auto fields = desk.warn();
    fields["kind"] = kind;
    fields["notice"] = "告知";
    fields["appeal_channel"] = "10000";
    fields["skip_reason"] = "正在行骗";
    must(desk.act(desk.analyst, opened, "propose_measure", fields));
    // The page says so before anybody tries: who it waits for, and what the approver may still do.
    for (const ActionView& action : must(desk.desk->case_view(desk.approver, opened.summary.id)).actions) {
      EXPECT_EQ(action.allowed, action.id != "approve") << action.id;
      if (action.id != "approve") continue;
      EXPECT_EQ(action.needs_role, "senior_approver");
      EXPECT_NE(action.why_not->en.find("senior approver"), std::string::npos) << action.why_not->en;
    }
    const MeasureView waiting = must(desk.desk->case_view(desk.approver, opened.summary.id)).measures.front();
    EXPECT_TRUE(waiting.lapse_at && *waiting.lapse_at <= waiting.expires_at);
    for (const ActionView& action : must(desk.desk->case_view(senior, opened.summary.id)).actions)
      EXPECT_TRUE(action.allowed) << action.id;
    const auto refused = desk.act(desk.approver, opened, "approve");
    EXPECT_EQ(refused.error().code, Errc::kNotAllowed) << kind;
    EXPECT_NE(refused.error().message.find("senior_approver"), std::string::npos) << refused.error().message;
    EXPECT_TRUE(must(desk.desk->active_measures()).empty());
    const auto recorded = must(desk.audit->list({desk.approver.name, "", ""}, {}));
    EXPECT_FALSE(recorded.items.empty());
    EXPECT_EQ(must(desk.act(senior, opened, "approve")).summary.state, "approved") << kind;
    EXPECT_EQ(must(desk.desk->active_measures()).size(), 1U);
  }
}

TEST(Safeguards, ASeniorApproverIsNoSecondPersonToThemselves) {
  Desk desk;
  const guard::Actor both = person("gao.yuan", {guard::Role::kAnalyst, guard::Role::kSenior});
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(both, opened, "confirm", {{"finding", "x"}}));
  must(desk.act(both, opened, "propose_measure", desk.warn()));
  EXPECT_EQ(desk.act(both, opened, "approve").error().where, "second_person");
}

TEST(Safeguards, ALabelIsAMeasureLikeAnyOther) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
  auto fields = desk.warn();
  fields["kind"] = "label";
  must(desk.act(desk.analyst, opened, "propose_measure", fields));
  EXPECT_TRUE(must(desk.desk->active_measures()).empty());  // nobody is marked before the second person
  must(desk.act(desk.approver, opened, "approve"));
  ASSERT_EQ(must(desk.desk->active_measures()).size(), 1U);
  EXPECT_EQ(must(desk.desk->active_measures()).front().kind, "label");
  desk.clock.advance(std::chrono::hours(24 * 6));
  must(desk.desk->tick());
  EXPECT_TRUE(must(desk.desk->active_measures()).empty());
}

// ---- 5: the vault ----

struct VaultCase {
  Desk desk;
  CaseView opened = desk.open(desk.ingest(call_signal(1)));
  std::string token = desk.tokens.number(model::NumberKey::e164(kCaller), 2026);
  guard::GrantWish wish{opened.summary.id, "afl-34-dissuade", "劝阻潜在被害人", {token}, {"number"}, 10, ""};
};

TEST(Safeguards, VaultOpensForTwoPeopleForMinutesAndCountsEveryLook) {
  VaultCase t;
  const auto grant = must(t.desk.vault->ask(t.desk.analyst, t.wish));
  EXPECT_EQ(t.desk.vault->values(t.desk.analyst, grant.id).error().code, Errc::kNotAllowed);
  const auto approved = must(t.desk.vault->approve(t.desk.approver, grant.id, "同意"));
  ASSERT_TRUE(approved.notice_due_at);
  EXPECT_EQ(approved.notice_due_at->ms, kStart.ms + 30LL * 86'400'000);
  const auto values = must(t.desk.vault->values(t.desk.analyst, grant.id));
  ASSERT_EQ(values.values.size(), 1U);
  EXPECT_EQ(values.values[0].value, "+8613800138000");
  EXPECT_NE(values.watermark.find("li.wei"), std::string::npos);
  EXPECT_NE(values.watermark.find("PD-2026-000001"), std::string::npos);
  // Nobody else, not even who approved.
  EXPECT_EQ(t.desk.vault->values(t.desk.approver, grant.id).error().code, Errc::kNotAllowed);
  EXPECT_EQ(t.desk.vault->values(t.desk.both, grant.id).error().code, Errc::kNotAllowed);
  t.desk.clock.advance(std::chrono::minutes(10));
  EXPECT_EQ(t.desk.vault->values(t.desk.analyst, grant.id).error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(t.desk.vault->grants(t.desk.auditor, "")).at(0).views, 1);
  EXPECT_EQ(must(t.desk.audit->list({"", "vault.view", ""}, {})).items.size(), 1U);
  EXPECT_EQ(must(t.desk.audit->list({"", "vault.view.refused", ""}, {})).items.size(), 4U);
}

TEST(Safeguards, VaultCannotBeOpenedAlone) {
  VaultCase t;
  const auto grant = must(t.desk.vault->ask(t.desk.both, t.wish));
  EXPECT_EQ(t.desk.vault->approve(t.desk.both, grant.id, "自己同意").error().code, Errc::kNotAllowed);
  EXPECT_EQ(t.desk.vault->approve(t.desk.analyst, grant.id, "没有权限").error().code, Errc::kNotAllowed);
  guard::Actor robot = person("li.wei", {guard::Role::kAnalyst, guard::Role::kApprover});
  robot.token = true;
  EXPECT_EQ(t.desk.vault->ask(robot, t.wish).error().code, Errc::kNotAllowed);
  EXPECT_EQ(t.desk.vault->approve(robot, grant.id, "程序同意").error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(t.desk.vault->grants(t.desk.auditor, "")).at(0).state, "asked");
}

TEST(Safeguards, VaultNeedsCaseGroundScopeMinutesAndReason) {
  VaultCase t;
  const auto ask = [&](auto change) {
    guard::GrantWish wish = t.wish;
    change(wish);
    return t.desk.vault->ask(t.desk.analyst, wish).error().code;
  };
  EXPECT_EQ(ask([](auto& w) { w.case_id = "C-none"; }), Errc::kNotFound);
  EXPECT_EQ(ask([](auto& w) { w.ground_id = "afl-11"; }), Errc::kUsage);  // a ground for measures, not for unmasking
  EXPECT_EQ(ask([](auto& w) { w.minutes = 61; }), Errc::kUsage);
  EXPECT_EQ(ask([](auto& w) { w.minutes = 0; }), Errc::kUsage);
  EXPECT_EQ(ask([](auto& w) { w.reason = ""; }), Errc::kUsage);
  EXPECT_EQ(ask([](auto& w) { w.tokens = {}; }), Errc::kUsage);
  EXPECT_EQ(ask([](auto& w) { w.fields = {"everything"}; }), Errc::kUsage);
  // Another case's number is out of scope, sealed or not.
  t.desk.ingest(call_signal(2, kStart.ms, model::NumberKey::e164(kCaller + 77)));
  EXPECT_EQ(ask([&](auto& w) { w.tokens = {t.desk.tokens.number(model::NumberKey::e164(kCaller + 77), 2026)}; }),
            Errc::kNotAllowed);
}

TEST(Safeguards, VaultRefusalIsKeptAndFinal) {
  VaultCase t;
  const auto grant = must(t.desk.vault->ask(t.desk.analyst, t.wish));
  must(t.desk.vault->refuse(t.desk.approver, grant.id, "理由不足"));
  EXPECT_EQ(t.desk.vault->approve(t.desk.approver2, grant.id, "改主意").error().code, Errc::kConflict);
  EXPECT_EQ(t.desk.vault->values(t.desk.analyst, grant.id).error().code, Errc::kNotAllowed);
  const auto kept = must(t.desk.vault->grants(t.desk.auditor, t.opened.summary.id)).at(0);
  EXPECT_EQ(kept.state, "refused");
  EXPECT_EQ(kept.decision_reason, "理由不足");
  EXPECT_EQ(t.desk.vault->grants(t.desk.viewer, "").error().code, Errc::kNotAllowed);
}

TEST(Safeguards, SealedValueMovedToAnotherTokenDoesNotOpen) {
  VaultCase t;
  const std::string peer = t.desk.tokens.number(model::NumberKey::e164(kCallee + 1), 2026);
  tamper(t.desk, "UPDATE vault_values SET sealed = (SELECT sealed FROM vault_values WHERE token = '" + peer +
                     "') WHERE token = '" + t.token + "'");
  const auto grant = must(t.desk.vault->ask(t.desk.analyst, t.wish));
  must(t.desk.vault->approve(t.desk.approver, grant.id, "同意"));
  EXPECT_EQ(t.desk.vault->values(t.desk.analyst, grant.id).error().code, Errc::kCorrupt);
}

// ---- 6, 9, 13: measures ----

TEST(Safeguards, NobodyApprovesTheirOwnMeasure) {
  Desk desk;
  const CaseView opened = proposed(desk, desk.both);
  EXPECT_EQ(desk.act(desk.both, opened, "approve").error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(desk.desk->case_summary(opened.summary.id)).state, "measure_proposed");
  // Not through a token of theirs either, whatever roles it carries.
  guard::Actor robot = desk.both;
  robot.name = "token:nightly";
  robot.token = true;
  EXPECT_EQ(desk.act(robot, opened, "approve").error().code, Errc::kNotAllowed);
  robot.person = "zhang.min";
  EXPECT_EQ(desk.act(robot, opened, "approve").error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(desk.audit->list({"", "case.approve.refused", ""}, {})).items.size(), 3U);
  // And past the program, in the file, the schema itself refuses.
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(desk.directory.file("pandun.db").c_str(), &db), SQLITE_OK);
  EXPECT_EQ(sqlite3_exec(db, "UPDATE measures SET approved_by = proposed_by", nullptr, nullptr, nullptr),
            SQLITE_CONSTRAINT);
  sqlite3_close(db);
  EXPECT_EQ(must(desk.act(desk.approver, opened, "approve")).summary.state, "approved");
}

TEST(Safeguards, ProtectedGroupNeedsTwoApprovers) {
  Desk desk;
  desk.groups.protect = "+8613800138000";
  const CaseView opened = proposed(desk, desk.analyst);
  EXPECT_EQ(must(desk.act(desk.approver, opened, "approve")).summary.state, "measure_proposed");
  EXPECT_TRUE(must(desk.desk->active_measures()).empty());
  EXPECT_EQ(desk.act(desk.approver, opened, "approve").error().code, Errc::kNotAllowed);
  const CaseView done = must(desk.act(desk.approver2, opened, "approve"));
  EXPECT_EQ(done.summary.state, "approved");
  EXPECT_EQ(done.protected_group, "hospital");
}

TEST(Safeguards, CategoryOutsideTheClosedListIsRefusedAndCounted) {
  Desk desk;
  const CaseView opened = desk.open(desk.ingest(call_signal(1)));
  must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
  for (const char* category : {"rumour", "", "fraud "}) {
    auto fields = desk.warn();
    fields["category"] = category;
    const auto refused = desk.act(desk.analyst, opened, "propose_measure", fields);
    EXPECT_FALSE(refused.ok());
  }
  must_ok(desk.store->read([&](const store::View& view) -> Result<> {
    EXPECT_EQ(must(view.values().counter("refused.category")), 2);  // an empty one is a missing field
    EXPECT_TRUE(must(view.measures().of_case(opened.summary.id)).empty());
    return {};
  }));
}

// ---- 7: no automatic final decision ----

TEST(Safeguards, TimeAndSignalsAloneNeverMakeAMeasure) {
  Desk desk;
  const std::string alert = desk.ingest(call_signal(1));
  desk.open(alert);
  for (int day = 0; day < 60; ++day) {
    desk.clock.advance(std::chrono::hours(24));
    auto signal = call_signal(static_cast<std::uint64_t>(day) + 2, desk.clock.wall().ms);
    signal.severity = 100;
    signal.confidence = 1;
    desk.ingest(signal);
    must(desk.desk->tick());
  }
  EXPECT_TRUE(must(desk.desk->active_measures()).empty());
  EXPECT_TRUE(must(desk.desk->due_orders()).empty());
  must_ok(desk.store->read([&](const store::View& view) -> Result<> {
    EXPECT_EQ(must(view.measures().count_state("approved")), 0);
    EXPECT_EQ(must(view.measures().count_state("proposed")), 0);
    return {};
  }));
  const guard::Actor system = guard::Actor::system("clock");
  EXPECT_FALSE(guard::allows(system, guard::Right::kMeasureApprove));
  EXPECT_FALSE(guard::allows(system, guard::Right::kTriage));
}

// ---- 10: the audit chain ----

struct Chain {
  Desk desk;
  Chain() {
    for (std::uint64_t i = 1; i <= 6; ++i) {
      desk.ingest(call_signal(i, desk.clock.wall().ms, model::NumberKey::e164(kCaller + i)));
      desk.clock.advance(std::chrono::hours(12));
    }
    anchored = must(desk.audit->anchor(platform::posix_files(), desk.directory.file("anchors")));
    EXPECT_TRUE(must(desk.audit->verify()).ok);
  }
  int anchored = 0;
};

TEST(Safeguards, ChangedEntryIsFound) {
  Chain t;
  tamper(t.desk, "UPDATE audit SET actor = 'somebody.else' WHERE seq = 3");
  const auto report = must(t.desk.audit->verify());
  EXPECT_FALSE(report.ok);
  EXPECT_EQ(report.broken_at, 3);
}

TEST(Safeguards, MissingAndSwappedEntriesAreFound) {
  {
    Chain t;
    tamper(t.desk, "DELETE FROM audit WHERE seq = 2");
    EXPECT_EQ(must(t.desk.audit->verify()).broken_at, 2);
  }
  Chain t;
  tamper(t.desk,
         "UPDATE audit SET seq = 99 WHERE seq = 4; UPDATE audit SET seq = 4 WHERE seq = 5; UPDATE audit SET seq = 5 "
         "WHERE seq = 99");
  EXPECT_EQ(must(t.desk.audit->verify()).broken_at, 4);
}

TEST(Safeguards, CutTailIsFoundByTheAnchors) {
  Chain t;
  EXPECT_EQ(t.anchored, 3);  // 23, 24 and 25 November ended
  tamper(t.desk, "DELETE FROM audit WHERE seq >= 5");
  const auto report = must(t.desk.audit->verify());
  EXPECT_FALSE(report.ok);
  EXPECT_NE(report.reason.find("cut off"), std::string::npos) << report.reason;
}

// The strongest attacker: rewrites everything with right hashes. Only the anchors, held outside, tell.
TEST(Safeguards, WhollyRewrittenChainIsFoundByTheAnchors) {
  Chain t;
  const std::string out = t.desk.directory.file("export");
  must_ok(t.desk.audit->export_to(platform::posix_files(), out));
  ASSERT_TRUE(must(guard::verify_audit_export(platform::posix_files(), out, t.desk.audit->public_key())).ok);
  std::ifstream in(out + "/audit.jsonl");
  std::string all, line, prev(64, '0');
  while (std::getline(in, line)) {
    const std::size_t tail = line.find(",\"prev_hash\":");
    std::string entry = line.substr(0, tail) + "}";
    if (const std::size_t at = entry.find("system:folding"); at != std::string::npos)
      entry.replace(at, 14, "system:forging");
    const std::string hash = guard::audit_hash(prev, entry);
    entry.pop_back();
    all += entry + ",\"prev_hash\":\"" + prev + "\",\"hash\":\"" + hash + "\"}\n";
    prev = hash;
  }
  std::ofstream(out + "/audit.jsonl") << all;
  const auto report = must(guard::verify_audit_export(platform::posix_files(), out, t.desk.audit->public_key()));
  EXPECT_FALSE(report.ok);
  EXPECT_NE(report.reason.find("rewritten"), std::string::npos) << report.reason;
}

TEST(Safeguards, ExportIsCheckedWithoutTheDatabase) {
  Chain t;
  const std::string out = t.desk.directory.file("export");
  must_ok(t.desk.audit->export_to(platform::posix_files(), out));
  const auto verify = [&](const std::string& key = "") {
    return must(guard::verify_audit_export(platform::posix_files(), out, key));
  };
  EXPECT_TRUE(verify().ok);
  EXPECT_EQ(verify().entries, must(t.desk.audit->verify()).entries);
  EXPECT_EQ(verify().anchors, 3);
  EXPECT_FALSE(verify(std::string(64, 'a')).ok);  // somebody else's key
  std::filesystem::remove(out + "/anchors/2026-11-24.json");
  EXPECT_NE(verify().reason.find("an anchor is missing"), std::string::npos);
  std::ofstream(out + "/audit.jsonl", std::ios::app) << "not json\n";
  EXPECT_FALSE(verify().ok);
}

// ---- any sequence of people and actions ----

TEST(Safeguards, RandomPeopleDoingRandomThingsTakeOnlyLegalSteps) {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    std::mt19937 random(seed);
    Desk desk;
    const std::vector<guard::Actor> people{desk.analyst, desk.approver, desk.approver2,
                                           desk.both,    desk.viewer,   desk.auditor};
    const Workflow& workflow = shipped_content().workflow;
    const CaseView opened = desk.open(desk.ingest(call_signal(1)));
    std::uint64_t position = 1;
    int steps = 0;
    for (int i = 0; i < 120; ++i) {
      const auto before = must(desk.desk->case_summary(opened.summary.id));
      // Two times of three something that is a step from here, so that walks get far; else anything.
      std::size_t pick = random() % workflow.actions().size();
      for (int tries = random() % 3 == 0 ? 0 : 200; tries > 0; --tries) {
        if (Workflow::is_step(before.state, workflow.actions()[pick])) break;
        pick = random() % workflow.actions().size();
      }
      const WorkflowAction& action = workflow.actions()[pick];
      const guard::Actor& actor = people[random() % people.size()];
      std::map<std::string, std::string> fields;
      for (const WorkflowField& field : action.fields) fields[field.name] = "理由充分";
      if (action.effect == Effect::kProposeMeasure) {
        for (auto& [key, value] : desk.warn()) fields[key] = value;
      }
      const auto done = desk.act(actor, opened, action.id, fields);
      const auto after = must(desk.desk->case_summary(opened.summary.id));
      if (done.ok()) {
        ++steps;
        EXPECT_TRUE(Workflow::is_step(before.state, action))
            << "seed " << seed << ": " << before.state << " " << action.id;
        EXPECT_TRUE(guard::allows(actor, action.right)) << "seed " << seed;
        EXPECT_EQ(after.version, before.version + 1);
      } else {
        EXPECT_EQ(after.version, before.version) << "seed " << seed << ": " << done.error().text();
        EXPECT_EQ(after.state, before.state);
      }
      if (random() % 12 == 0) desk.clock.advance(std::chrono::hours(random() % 40));
      if (random() % 8 == 0) must(desk.desk->tick());
      if (random() % 15 == 0) {
        ++position;
        desk.ingest(call_signal(position, desk.clock.wall().ms));
      }
    }
    EXPECT_GT(steps, 15) << "seed " << seed;
    must_ok(desk.store->read([&](const store::View& view) -> Result<> {
      for (const store::MeasureRow& measure : must(view.measures().of_case(opened.summary.id))) {
        for (const std::string& name : measure.approvals) EXPECT_NE(name, measure.proposed_by) << "seed " << seed;
        if (!measure.approved_by.empty()) {
          EXPECT_GE(static_cast<std::int64_t>(measure.approvals.size()), measure.approvals_needed);
        }
      }
      return {};
    }));
    const auto report = must(desk.audit->verify());
    EXPECT_TRUE(report.ok) << "seed " << seed << ": " << report.reason;
  }
}

// ---- killed anywhere ----

// Fails the n-th statement of one action, for every n: afterwards either nothing of it is there or all of it.
TEST(Kill, EveryStatementOfEveryActionIsAllOrNothing) {
  struct Fault {
    std::uint64_t seen = 0, fail_at = 0;
  };
  const auto fault = std::make_shared<Fault>();
  store::SqliteOptions options;
  options.fault = [fault](std::uint64_t) { return ++fault->seen == fault->fail_at; };
  Desk desk(options);
  const auto state = [&] {
    std::string out;
    must_ok(desk.store->read([&](const store::View& view) -> Result<> {
      for (const auto& row : must(view.audit().list({}, {0, 500, false})).items) out += row.hash;
      for (const auto& row : must(view.alerts().list({}, {0, 500, false})).items)
        out += row.id + row.state + row.case_id + std::to_string(row.signals);
      for (const auto& row : must(view.cases().list({}, {0, 500, false})).items) {
        out += row.id + row.state + std::to_string(row.version);
        for (const auto& entry : must(view.case_files().history(row.id))) out += entry.action;
        for (const auto& measure : must(view.measures().of_case(row.id))) out += measure.state;
        for (const auto& order : must(view.orders().of_case(row.id))) out += order.id + order.state;
      }
      out += std::to_string(must(view.consumers().position("detect")));
      return {};
    }));
    return out;
  };
  // Tries with the 1st, 2nd, 3rd… statement failing until one try gets through.
  const auto until_done = [&](const char* what, auto work) {
    int failures = 0;
    for (std::uint64_t n = 1; n < 500; ++n) {
      const std::string before = state();
      *fault = {0, n};
      const bool ok = work();
      const bool fired = fault->seen >= n;
      *fault = {};
      if (!fired) {
        EXPECT_TRUE(ok) << what;
        EXPECT_GT(failures, 3) << what;
        return;
      }
      EXPECT_FALSE(ok) << what << " went through although statement " << n << " failed";
      EXPECT_EQ(state(), before) << what << " left something behind at statement " << n;
      ++failures;
    }
    ADD_FAILURE() << what << " never got through";
  };
  const auto signal = call_signal(1);
  until_done("ingest", [&] { return desk.desk->ingest_signals({&signal, 1}, "detect", 1).ok(); });
  const std::string alert = must(desk.desk->alerts({})).items.at(0).id;
  std::string id;
  until_done("open", [&] {
    auto opened = desk.desk->open_case(desk.analyst, {{alert}, "", "x"});
    if (opened.ok()) id = opened->summary.id;
    return opened.ok();
  });
  const auto act = [&](const guard::Actor& actor, const std::string& action,
                       const std::map<std::string, std::string>& fields) {
    until_done(action.c_str(), [&] {
      const auto now = desk.desk->case_summary(id);
      return desk.desk->perform(actor, id, action, {now->version, fields, ""}).ok();
    });
  };
  act(desk.analyst, "confirm", {{"finding", "x"}});
  act(desk.analyst, "propose_measure", desk.warn());
  act(desk.approver, "approve", {});
  act(desk.analyst, "order", {});
  until_done("receipt", [&] {
    if (const auto due = desk.desk->due_orders(); due.ok() && !due->empty()) {
      if (!desk.desk->order_sent(due->front().id).ok()) return false;
    }
    return true;
  });
  until_done("receipt", [&] {
    const auto view = desk.desk->case_view(desk.analyst, id);
    return desk.desk->order_receipt(view->measures.at(0).orders.at(0).id, "done", "ok", "digest-1", kStart).ok();
  });
  EXPECT_EQ(must(desk.desk->case_summary(id)).state, "acknowledged");
  const auto report = must(desk.audit->verify());
  EXPECT_TRUE(report.ok) << report.reason;
}

}  // namespace
}  // namespace pandun::casework
