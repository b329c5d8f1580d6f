#include "exchange/lead_desk.h"

#include <gtest/gtest.h>

#include <random>

#include "exchange/testing/house.h"

namespace pandun::exchange {
namespace {

using namespace testing;
using casework::testing::call_signal;
using casework::testing::kCallee;
using casework::testing::kCaller;
using casework::testing::person;

// RFC 4231, test case 2, and a number as docs/leads.md gives it.
TEST(NumberHash, IsHmacSha256OfTheE164Form) {
  EXPECT_EQ(to_hex(keyed_hash("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(to_hex(*hash_number("k", model::NumberKey::e164(8613800138000))),
            to_hex(keyed_hash("k", "+8613800138000")));
  EXPECT_FALSE(hash_number("k", model::NumberKey::opaque("abc")));
  EXPECT_FALSE(hash_number("k", {}));
  EXPECT_EQ(parse_hash(std::string(64, 'g')), std::nullopt);
  EXPECT_EQ(parse_hash(std::string(63, 'a')), std::nullopt);
}

TEST(LeadDesk, APartnerNeedsASecondPersonAndAGround) {
  LeadHouse house;
  NewPartner wish = house.bank_wish();
  wish.purposes = {{"fraud_number_check", "afl-34-dissuade"}};
  EXPECT_EQ(house.leads->propose_partner(house.analyst, wish).error().where, "purposes");
  wish.purposes = {{"marketing", "afl-11"}};
  EXPECT_EQ(house.leads->propose_partner(house.analyst, wish).error().where, "purposes");
  EXPECT_EQ(house.leads->propose_partner(house.approver, house.bank_wish()).error().code, Errc::kNotAllowed);

  const std::string id = must(house.leads->propose_partner(house.both, house.bank_wish())).row.id;
  EXPECT_EQ(house.leads->decide_partner(house.both, id, true, "好").error().where, "second_person");
  EXPECT_EQ(house.audited("lead.partner_decide.refused").items.size(), 1U);
  house.partner = id;
  EXPECT_EQ(house.import(LeadHouse::header()).error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(house.leads->decide_partner(house.approver, id, true, "好")).row.state, "active");
}

TEST(LeadDesk, AKeyIsShownOnceAndAudited) {
  LeadHouse house;
  house.agree();
  EXPECT_EQ(house.pair_key.size(), kPairKeyBytes);
  EXPECT_EQ(house.leads->reveal_key(house.approver2, house.partner, house.key_id).error().code, Errc::kNotAllowed);
  EXPECT_EQ(house.leads->reveal_key(house.analyst, house.partner, house.key_id).error().code, Errc::kNotAllowed);
  EXPECT_EQ(house.audited("lead.key_reveal").items.size(), 1U);
  EXPECT_EQ(house.audited("lead.key_reveal.refused").items.size(), 1U);
}

TEST(LeadDesk, AMatchRaisesAnAlertAndNothingElse) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));  // the caller is known from here on
  const FileView file =
      must(house.import(LeadHouse::header() + house.line("b-1", kCaller) + house.line("b-2", 8613511112222)));
  EXPECT_EQ(file.row.state, "done");
  EXPECT_EQ(file.row.lines, 2);
  EXPECT_EQ(file.row.accepted, 2);
  EXPECT_EQ(file.row.matched, 1);
  EXPECT_EQ(file.row.waiting, 0);
  ASSERT_EQ(file.new_alerts.size(), 1U);
  const auto alert = must(house.desk->alert(file.new_alerts.front()));
  EXPECT_EQ(alert.summary.detector, kLeadDetector);
  EXPECT_EQ(alert.summary.entity.value, "+86138******00");
  EXPECT_EQ(alert.summary.severity_band, "medium");
  EXPECT_TRUE(must(house.desk->active_measures()).empty());

  const auto leads = must(house.leads->leads({}, {}));
  ASSERT_EQ(leads.items.size(), 1U);
  EXPECT_EQ(leads.items[0].row.lead_id, "b-1");
  EXPECT_EQ(leads.items[0].row.shown, "+86138******00");
  EXPECT_EQ(leads.items[0].partner_name, "江苏某银行");
  EXPECT_EQ(house.audited("lead.import").items.size(), 1U);
}

TEST(LeadDesk, ALeadAboutARunningCaseIsEvidenceOfItAndNoRelapse) {
  LeadHouse house;
  house.agree();
  const auto opened = house.open(house.ingest(call_signal(1)));
  const FileView file = must(house.import(LeadHouse::header() + house.line("b-1", kCaller)));
  EXPECT_EQ(file.changed_cases, std::vector<std::string>{opened.summary.id});
  const auto view = must(house.desk->case_view(house.analyst, opened.summary.id));
  ASSERT_EQ(view.evidence.size(), 1U);
  EXPECT_EQ(view.evidence[0].kind, "lead");
  EXPECT_EQ(view.alerts.size(), 2U);
  EXPECT_EQ(view.summary.state, opened.summary.state);
  EXPECT_EQ(must(house.leads->leads({}, {})).items[0].row.case_id, opened.summary.id);
  // The stream goes on from where it stood.
  EXPECT_NE(house.ingest(call_signal(2)), "");
}

TEST(LeadDesk, EachLineThatCannotBeUsedIsNamedAndNothingOfItIsRepeated) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  const std::string good = house.line("b-1", kCaller);
  const std::string text =
      LeadHouse::header() +                                                  // 1
      house.line("b-2", kCaller, "suspected_fraud", "mule_account_check") +  // 2 not agreed
      house.line("b-3", kCaller, "victim_at_risk") +                         // 3 kind
      "b-4,suspected_fraud,13800138000,2026-11-22T00:00:00Z,0.5,fraud_number_check,2026-12-22T00:00:00Z\n" +
      "13800138000,suspected_fraud," + house.hash(kCaller) +
      ",2026-11-22T00:00:00Z,0.5,fraud_number_check,2026-12-22T00:00:00Z\n" + "b-5,suspected_fraud," +
      house.hash(kCaller) + ",2026-11-22T00:00:00Z,0.5,fraud_number_check,2026-11-22T00:00:00Z\n" +  // 6 expired
      "b-6,suspected_fraud," + house.hash(kCaller) +
      ",2026-11-22T00:00:00Z,nan,fraud_number_check,2026-12-22T00:00:00Z\n" +  // 7
      "too,few\n" + std::string(5000, 'x') + "\n" + good + "\r\n" + good;
  std::vector<std::int64_t> told;
  ImportHooks hooks;
  hooks.fault = [&](const Fault& fault) {
    told.push_back(fault.line);
    return Result<>();
  };
  const FileView file = must(house.import(text, hooks));
  EXPECT_EQ(file.row.unknown_purpose, 1);
  EXPECT_EQ(file.row.expired, 1);
  EXPECT_EQ(file.row.faulty, 6);
  EXPECT_EQ(file.row.accepted, 1);
  EXPECT_EQ(file.row.duplicate, 1);
  EXPECT_EQ(told, (std::vector<std::int64_t>{2, 3, 4, 5, 6, 7, 8, 9}));
  for (const Fault& fault : file.faults) EXPECT_EQ(fault.why.find("13800138000"), std::string::npos) << fault.why;
}

TEST(LeadDesk, TheSameFileOrLeadAgainChangesNothing) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  const std::string text = LeadHouse::header() + house.line("b-1", kCaller);
  const FileView first = must(house.import(text));
  const FileView again = must(house.import(text));
  EXPECT_TRUE(again.repeat);
  EXPECT_EQ(again.row.id, first.row.id);
  EXPECT_TRUE(again.new_alerts.empty());
  const FileView other = must(house.import(text + house.line("b-9", 8613511112222)));
  EXPECT_EQ(other.row.duplicate, 1);
  EXPECT_EQ(other.row.accepted, 1);
  EXPECT_EQ(must(house.leads->leads({}, {})).items.size(), 1U);
}

TEST(LeadDesk, JsonLinesSayTheSame) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  const std::string text = fmt::format(
      R"({{"lead_id":"j-1","kind":"suspected_fraud","hash":"{}","observed_at":"2026-11-22T00:00:00Z","confidence":0.7,"purpose":"fraud_number_check","expires_at":"2026-12-22T00:00:00Z","note":"x"}})"
      "\nnot json\n{{\"lead_id\":7}}\n",
      house.hash(kCaller));
  const FileView file = must(house.import(text));
  EXPECT_EQ(file.row.matched, 1);
  EXPECT_EQ(file.row.faulty, 2);
  EXPECT_EQ(file.faults[0].line, 2);
}

TEST(LeadDesk, AnUnmatchedHashIsForgottenAtOnceOrAtItsTime) {
  LeadHouse house;
  house.agree();
  must(house.import(LeadHouse::header() + house.line("b-1", kCaller)));
  EXPECT_EQ(must(house.leads->partner(house.analyst, house.partner)).figures.waiting, 0);

  LeadHouse keeping;
  keeping.keep_hours = 48;
  keeping.agree();
  must(keeping.import(LeadHouse::header() + keeping.line("b-1", kCaller) + keeping.line("b-2", 8613511112222)));
  EXPECT_EQ(must(keeping.leads->partner(keeping.analyst, keeping.partner)).figures.waiting, 2);
  keeping.ingest(call_signal(1));  // now it is known
  const auto tick = must(keeping.leads->tick([](const model::Signal&) { return false; }));
  EXPECT_EQ(tick.matched, 1);
  EXPECT_EQ(tick.new_alerts.size(), 1U);
  EXPECT_EQ(must(keeping.leads->partner(keeping.analyst, keeping.partner)).figures.waiting, 1);
  keeping.clock.advance(std::chrono::hours(48));
  EXPECT_EQ(must(keeping.leads->tick([](const model::Signal&) { return false; })).forgotten, 1);
  EXPECT_EQ(must(keeping.leads->partner(keeping.analyst, keeping.partner)).figures.waiting, 0);
}

TEST(LeadDesk, ALeadIsUsedForItsPurposeAndNoOther) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  must(house.import(LeadHouse::header() + house.line("b-1", kCaller)));
  const std::string lead = must(house.leads->leads({}, {})).items[0].row.id;
  auto other = call_signal(2);
  other.entity = model::Entity::of(model::NumberKey::e164(8613711112222));
  const auto opened = house.open(house.ingest(other));
  const auto refused = house.leads->use(house.analyst, lead, {"victim_warning", opened.summary.id});
  EXPECT_EQ(refused.error().code, Errc::kNotAllowed);
  EXPECT_EQ(refused.error().where, "purpose");
  EXPECT_EQ(house.audited("lead.use.refused").items.size(), 1U);
  EXPECT_EQ(must(house.leads->use(house.analyst, lead, {"fraud_number_check", opened.summary.id})).row.state, "used");

  house.clock.advance(std::chrono::hours(24 * 31));
  EXPECT_EQ(house.leads->use(house.analyst, lead, {"fraud_number_check", opened.summary.id}).error().code,
            Errc::kNotAllowed);
}

TEST(LeadDesk, PeopleAtRiskAreWarnedAndShownToNobody) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  const FileView file =
      must(house.import(LeadHouse::header() + house.line("v-1", kCallee + 1, "victim_at_risk", "victim_warning")));
  EXPECT_EQ(file.row.matched, 1);
  EXPECT_TRUE(file.new_alerts.empty());
  auto shown = must(house.leads->leads({}, {})).items[0];
  EXPECT_EQ(shown.row.token, "");
  EXPECT_EQ(shown.row.shown, "");
  EXPECT_EQ(house.leads->feedback(house.analyst, shown.row.id, {"confirmed", ""}).error().code, Errc::kNotAllowed);
  EXPECT_EQ(must(house.leads->tick([](const model::Signal&) { return false; })).warned, 0);
  std::vector<std::uint64_t> warned;
  const auto warn = [&](const model::Signal& signal) {
    warned.push_back(signal.entity.number.value());
    return true;
  };
  EXPECT_EQ(must(house.leads->tick(warn)).warned, 1);
  EXPECT_EQ(warned, std::vector<std::uint64_t>{kCallee + 1});
  EXPECT_EQ(must(house.leads->tick(warn)).warned, 0);
  must_ok(house.store->read([&](const store::View& view) -> Result<> {
    EXPECT_EQ(must(view.leads().lead(shown.row.id))->token, "");  // nobody can say any more whom it was about
    return {};
  }));
}

TEST(LeadDesk, ANewKeyAndTheOldOneBothMatchWhileTheyOverlap) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  const PartnerView rotated = must(house.leads->rotate_key(house.analyst, house.partner, 10));
  ASSERT_EQ(rotated.keys.size(), 2U);
  const std::string second =
      LeadHouse::bytes_of(must(house.leads->reveal_key(house.approver, house.partner, rotated.keys[1].id)));
  const std::string head = "lead_id,kind,hash,observed_at,confidence,purpose,expires_at,key_id\n";
  const auto keyed = [&](const std::string& id, const std::string& key, const std::string& hash) {
    return fmt::format("{},suspected_fraud,{},2026-11-22T00:00:00Z,0.5,fraud_number_check,2027-01-22T00:00:00Z,{}\n",
                       id, hash, key);
  };
  const FileView both = must(house.import(head + keyed("k-1", house.key_id, house.hash(kCaller)) +
                                          keyed("k-2", rotated.keys[1].id, house.hash(kCaller, second)) +
                                          keyed("k-3", "", house.hash(kCaller, second))));
  EXPECT_EQ(both.row.matched, 3);
  house.clock.advance(std::chrono::hours(24 * 10));
  const FileView late = must(house.import(head + keyed("k-4", house.key_id, house.hash(kCaller))));
  EXPECT_EQ(late.row.faulty, 1);
  EXPECT_EQ(late.faults[0].code, "key_id");
}

TEST(LeadDesk, FindingsAreGivenForAPurposeAndTakenBackWhenLifted) {
  LeadHouse house;
  house.agree();
  const auto opened = house.open(house.ingest(call_signal(1)));
  must(house.act(house.analyst, opened, "confirm", {{"finding", "x"}}));
  must(house.act(house.analyst, opened, "propose_measure", house.warn()));
  const auto given = [&](const std::string& purpose) {
    MemoryOutput out(1U << 20);
    auto file = house.leads->export_findings(house.analyst, house.partner, purpose, out);
    return file.ok() ? Result<std::string>(out.take()) : Result<std::string>(file.error());
  };
  EXPECT_EQ(given("victim_warning").error().code, Errc::kNotAllowed);
  EXPECT_EQ(given("mule_account_check").error().code, Errc::kNotAllowed);
  EXPECT_EQ(house.audited("lead.export.refused").items.size(), 2U);
  EXPECT_EQ(must(given("fraud_number_check")).find(house.hash(kCaller)), std::string::npos);  // not approved yet
  must(house.act(house.approver, opened, "approve"));
  const std::string text = must(given("fraud_number_check"));
  EXPECT_NE(text.find(house.hash(kCaller)), std::string::npos);
  EXPECT_EQ(text.find("13800138000"), std::string::npos);
  EXPECT_EQ(must(given("fraud_number_check")).find(house.hash(kCaller)), std::string::npos);  // once

  const std::string measure = must(house.leads->leads({"", "out", "", "", ""}, {})).items[0].row.lead_id;
  const auto told = must(house.leads->import_feedback(
      house.analyst, house.partner, "f.csv",
      MemoryInput("lead_id,result,at\n" + measure +
                  ",false,2026-11-22T00:00:00Z\nM-0,confirmed,2026-11-22T00:00:00Z\nx\n")));
  EXPECT_EQ(told.taken, 1);
  EXPECT_EQ(told.faulty, 2);
  EXPECT_EQ(must(house.desk->case_view(house.analyst, opened.summary.id)).evidence.size(), 1U);
  EXPECT_EQ(must(house.leads->partner(house.analyst, house.partner)).figures.given_refuted, 1);

  house.clock.advance(std::chrono::hours(24 * 6));  // it ends
  must(house.desk->tick());
  EXPECT_NE(must(given("fraud_number_check")).find(measure + ",withdrawn"), std::string::npos);
}

TEST(LeadDesk, WhatAPartnerTakesBackIsMarkedAndNoLongerUsed) {
  LeadHouse house;
  house.agree();
  const auto opened = house.open(house.ingest(call_signal(1)));
  must(house.import(LeadHouse::header() + house.line("b-1", kCaller)));
  const FileView file = must(house.import(LeadHouse::header() + "b-1,withdrawn,,,,,\n"));
  EXPECT_EQ(file.row.withdrawn, 1);
  const auto lead = must(house.leads->leads({}, {})).items[0];
  EXPECT_EQ(lead.row.state, "withdrawn");
  EXPECT_EQ(house.leads->use(house.analyst, lead.row.id, {"fraud_number_check", opened.summary.id}).error().code,
            Errc::kNotAllowed);
  EXPECT_EQ(must(house.desk->case_view(house.analyst, opened.summary.id)).evidence.size(), 2U);
}

TEST(LeadDesk, OurWordAboutTheirLeadsGoesBackAndCounts) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  must(house.import(LeadHouse::header() + house.line("b-1", kCaller)));
  const std::string lead = must(house.leads->leads({}, {})).items[0].row.id;
  must(house.leads->feedback(house.analyst, lead, {"false", "2026-11-22T00:00:00Z"}));
  EXPECT_EQ(house.leads->feedback(house.analyst, lead, {"maybe", ""}).error().code, Errc::kUsage);
  EXPECT_EQ(house.leads->feedback(house.viewer, lead, {"false", ""}).error().code, Errc::kNotAllowed);
  MemoryOutput out(1U << 20);
  EXPECT_EQ(must(house.leads->export_feedback(house.analyst, house.partner, out)), 1);
  EXPECT_EQ(out.take(), "lead_id,result,at\nb-1,false,2026-11-22T00:00:00Z\n");
  EXPECT_EQ(must(house.leads->partner(house.analyst, house.partner)).figures.refuted, 1);
}

TEST(LeadDesk, AnEndedPartnerIsForgotten) {
  LeadHouse house;
  house.keep_hours = 48;
  house.agree();
  must(house.import(LeadHouse::header() + house.line("b-1", kCaller)));
  EXPECT_EQ(must(house.leads->end_partner(house.approver, house.partner, "协议到期")).figures.waiting, 0);
  EXPECT_EQ(house.import(LeadHouse::header() + house.line("b-2", kCaller)).error().code, Errc::kNotAllowed);
  EXPECT_EQ(house.audited("lead.import.refused").items.size(), 1U);
}

// Stopped at the n-th statement of the store, for many n: going on gives what one uninterrupted import gives.
TEST(LeadDesk, AnInterruptedImportGoesOnWhereItStopped) {
  std::string text;
  LeadHouse house;
  house.keep_hours = 24;
  house.agree();
  house.ingest(call_signal(1));
  for (int i = 0; i < 6000; ++i)
    text += i % 1000 == 7 ? "bad\n"
                          : house.line("b-" + std::to_string(i),
                                       i == 5500 ? kCaller : 8613000000000ULL + static_cast<unsigned>(i));
  text = LeadHouse::header() + text;
  int seen = 0;
  ImportHooks hooks;
  hooks.fault = [&](const Fault&) -> Result<> {
    return ++seen == 4 ? Result<>(error(Errc::kIo, "rejects", "disk full")) : Result<>();
  };
  EXPECT_FALSE(house.import(text, hooks).ok());
  const auto stopped = must(house.leads->files(house.partner, {})).items[0];
  EXPECT_EQ(stopped.state, "reading");
  EXPECT_GT(stopped.accepted, 0);
  house.reopen();  // another process
  const FileView file = must(house.import(text));
  EXPECT_EQ(file.row.id, stopped.id);
  EXPECT_EQ(file.row.lines, 6000);
  EXPECT_EQ(file.row.faulty, 6);
  EXPECT_EQ(file.row.accepted, 5994);
  EXPECT_EQ(file.row.matched, 1);
  EXPECT_EQ(file.row.duplicate, 0);
  EXPECT_EQ(must(house.leads->partner(house.analyst, house.partner)).figures.waiting, 5993);
}

TEST(LeadDesk, AFileWithoutItsColumnsIsRefusedWhole) {
  LeadHouse house;
  house.agree();
  EXPECT_EQ(house.import("lead_id,kind\nx,y\n").error().code, Errc::kBadInput);
  EXPECT_EQ(house.import("").error().code, Errc::kBadInput);
  EXPECT_EQ(must(house.leads->files(house.partner, {})).items[0].state, "stopped");
}

TEST(LeadDesk, NoHashAndNoKeyStandsClearInTheStore) {
  LeadHouse house;
  house.agree();
  house.ingest(call_signal(1));
  must(house.import(LeadHouse::header() + house.line("b-1", kCaller) + house.line("b-2", 8613511112222)));
  const auto raw = parse_hash(house.hash(8613511112222));
  const std::string unmatched(reinterpret_cast<const char*>(raw->data()), raw->size());
  for (const char* name : {"pandun.db", "pandun.db-wal"}) {
    const auto bytes = platform::read_file(platform::posix_files(), house.directory.file(name));
    if (!bytes.ok()) continue;
    for (const std::string& secret : {house.pair_key, unmatched, std::string("13511112222"), house.hash(kCaller)})
      EXPECT_EQ(bytes->find(secret), std::string::npos) << name;
  }
}

// Bytes of any kind: a fault or a lead, never anything else.
TEST(LeadLines, AnyBytesAreALeadOrAFault) {
  std::mt19937 random(7);
  const std::string pattern =
      "b-1,suspected_fraud," + std::string(64, 'a') + ",2026-11-22T00:00:00Z,0.5,p,2026-12-22T00:00:00Z";
  LeadLineParser parser;
  bool is_lead = true;
  must_ok(parser.begin("lead_id,kind,hash,observed_at,confidence,purpose,expires_at", is_lead));
  EXPECT_FALSE(is_lead);
  LeadLine lead;
  EXPECT_FALSE(parser.parse(pattern, lead));
  for (int i = 0; i < 20'000; ++i) {
    std::string line = pattern;
    for (int n = 0; n < 3; ++n) line[random() % line.size()] = static_cast<char>(random());
    const auto fault = parser.parse(line, lead);
    EXPECT_TRUE(fault || (lead.confidence >= 0 && lead.confidence <= 1)) << line;
  }
  EXPECT_FALSE(usable_lead_id("13800138000"));
  EXPECT_FALSE(usable_lead_id("+8613800138000"));
  EXPECT_FALSE(usable_lead_id("138-0013-8000"));
  EXPECT_TRUE(usable_lead_id("B20261122-000001"));
}

}  // namespace
}  // namespace pandun::exchange
