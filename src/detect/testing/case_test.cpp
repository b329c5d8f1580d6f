#include <gtest/gtest.h>

#include "detect/testing/case_ports.h"
#include "detect/testing/case_runner.h"
#include "detect/testing/event_line.h"
#include "detect/testing/toy_detector.h"

namespace pandun::detect::testing {
namespace {

TEST(Cases, RunInEveryWeather) {
  const DetectorPart parts[] = {toy_part()};
  const Report report = run_cases(PANDUN_SOURCE_DIR "/src/detect/testing/cases", "toy", parts);
  EXPECT_TRUE(report.passed()) << report.text();
  EXPECT_EQ(report.runs, report.cases * weathers().size());
}

constexpr std::string_view kHead = "why: test\n";

Case parsed(std::string_view body) {
  Result<Case> c = parse_case(std::string(kHead) + std::string(body), "t.case");
  EXPECT_TRUE(c.ok()) << (c.ok() ? "" : c.error().message);
  return c.ok() ? std::move(c).value() : Case{};
}
std::string faults(std::string_view text) {
  const Result<Case> c = parse_case(text, "t.case");
  return c.ok() ? "" : c.error().message;
}

TEST(CaseFile, AlertsThatDifferAreNamed) {
  const Case c = parsed("repeat 6 every 1s : call +8613800000001 -> +8613900000001\n----\nnone\n");
  const DetectorPart parts[] = {toy_part()};
  const Outcome outcome = run(c, "toy", parts, weathers()[0]);
  EXPECT_EQ(outcome.signals.size(), 2U);
  EXPECT_NE(difference(c, outcome).find("found:   toy number +8613800000001 severity 60..69"), std::string::npos);
  EXPECT_EQ(expected_text(outcome), "toy number +8613800000001 severity 60..69 evidence calls,distinct_callees_1h\n");
}

TEST(CaseFile, TraitsAreStatedOrPlain) {
  const Case c =
      parsed("traits: +39069* fixed cc=39 region=6 cannot_exist\ntraits: +8613800000009 iot cc=86 home\n----\nnone\n");
  const CasePorts ports(c);
  const NumberFacts& facts = *ports.ports().numbers;
  const auto of = [&](std::string_view number) { return facts.traits(parse_number(number)); };
  EXPECT_EQ(of("+39069123").region, 6);
  EXPECT_TRUE(of("+39069123").cannot_exist);
  EXPECT_EQ(of("+3902123456").kind, LineKind::kInternational);
  EXPECT_EQ(of("+3902123456").country_code, 39);
  EXPECT_EQ(of("+8613800000009").kind, LineKind::kIot);
  EXPECT_EQ(of("+8613800000001").kind, LineKind::kMobile);
  EXPECT_TRUE(of("+8613800000001").home);
  EXPECT_EQ(of("+862512345678").region, 25);
  EXPECT_EQ(of("+8657112345678").kind, LineKind::kFixed);
  EXPECT_EQ(of("110").kind, LineKind::kEmergency);
  EXPECT_EQ(of("95588").kind, LineKind::kService);
  EXPECT_EQ(of("10086").kind, LineKind::kShort);
  EXPECT_TRUE(of("?00000").cannot_exist);
  EXPECT_EQ(of("-").kind, LineKind::kUnknown);
  EXPECT_NE(faults("why: x\ntraits: +861 mobil\n----\nnone\n").find("t.case:2: traits: 'mobil' is not"),
            std::string::npos);
  EXPECT_NE(faults("why: x\ntraits: +861 cc=70000\n----\nnone\n").find("'cc=70000'"), std::string::npos);
}

TEST(CaseFile, TimesAndRepeats) {
  const Case c = parsed(
      "start: 2026-03-02T00:00:00Z\n+10s call +861 -> +862\ncall +863 -> +864\n@5s call +865 -> +866\n+1m repeat 3 "
      "every 2s : msg +86{i*2+1} -> "
      "+87{i:03}\n----\nnone\n");
  ASSERT_EQ(c.events.events.size(), 6U);
  const std::int64_t start = c.events.events[0].time.ms - 5000;
  EXPECT_EQ(rfc3339(start), "2026-03-02T00:00:00Z");
  EXPECT_EQ(c.events.events[1].time.ms - start, 10000);
  EXPECT_EQ(c.events.events[2].time.ms - start, 10000);
  EXPECT_EQ(c.events.events[3].time.ms - start, 65000);
  EXPECT_EQ(c.events.events[5].time.ms - start, 69000);
  EXPECT_EQ(c.events.events[5].as<model::Message>().sender.text(), "+865");
  EXPECT_EQ(c.events.events[5].as<model::Message>().recipient.text(), "+87002");
  EXPECT_EQ(c.events.events[5].position, 6U);
}

TEST(CaseFile, EveryFaultIsReportedWithItsLine) {
  const std::string text =
      faults("why: x\n+3q call +861 -> +862\nfly +861 -> +862\ncall +861 -> +862 dur=x\nconfig: a\n----\nmaybe\n");
  for (const char* part : {"t.case:2:", "t.case:3: 'fly'", "t.case:4: dur=x", "t.case:5:", "t.case:7:"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  EXPECT_NE(faults("call +861 -> +862\n").find("does not say why"), std::string::npos);
}

TEST(CaseFile, NumbersBeyondTheirRangeAreFaults) {
  for (const char* severity : {"1.38e+10", "60..5e48", "nan", "-inf..60", "-1"})
    EXPECT_NE(faults("why: x\n----\ntoy number +861 severity " + std::string(severity) + "\n").find("from 0 to 100"),
              std::string::npos)
        << severity;
  EXPECT_NE(faults("why: x\nrepeat 5 every 30000000000h jitter nan% : call +861 -> +862\n----\nnone\n"), "");
  EXPECT_NE(faults("why: x\nrepeat 200000 every 1000000d : call +861 -> +862\n----\nnone\n").find("year 10000"),
            std::string::npos);
}

TEST(CaseFile, UnknownOptionsAreFaultsOfTheRun) {
  const Case c = parsed("config: calls_mni = 3\n----\nnone\n");
  const DetectorPart parts[] = {toy_part()};
  EXPECT_NE(run(c, "toy", parts, weathers()[0]).failure.find("did you mean 'calls_min'"), std::string::npos);
}

TEST(EventLine, ReadsEveryKind) {
  model::Arena arena;
  const auto flow =
      parse_event_line("flow [2001:db8::1]:5 -> 192.0.2.1:53/udp attempted out=10 in=0 service=dns", arena);
  ASSERT_TRUE(flow.ok()) << flow.error().message;
  EXPECT_EQ(flow->as<model::Flow>().protocol, 17);
  EXPECT_EQ(flow->as<model::Flow>().dst_port, 53);
  EXPECT_EQ(flow->as<model::Flow>().state, model::FlowState::kAttempted);
  const auto dns =
      parse_event_line("dns 10.0.0.1 -> 10.0.0.53 query=a.b.example rcode=3 answers=1.1.1.1,2.2.2.2", arena);
  ASSERT_TRUE(dns.ok());
  EXPECT_EQ(dns->as<model::Dns>().registrable, "b.example");
  EXPECT_EQ(dns->as<model::Dns>().answers, "1.1.1.1 2.2.2.2");
  const auto call = parse_event_line("call - -> 110 unanswered", arena);
  ASSERT_TRUE(call.ok());
  EXPECT_FALSE(call->as<model::Call>().caller.known());
  EXPECT_EQ(call->as<model::Call>().callee.kind(), model::NumberKind::kService);
  for (const char* line : {"http 10.0.0.1 -> 192.0.2.1:80 GET host=a.example uri=/x status=200 agent=curl out=1 in=2",
                           "tls 10.0.0.1 -> 192.0.2.1:443 established sni=a.example ja3=x ja3s=y cert=z",
                           "file 10.0.0.1 <- 192.0.2.1 sha256=aa mime=b/c name=d bytes=10",
                           "login 10.0.0.1 -> 192.0.2.1:22 failed attempts=3",
                           "sighting 10.0.0.1 -> 192.0.2.1:80 name=Scan::Port severity=1 category=c message=m"})
    EXPECT_TRUE(parse_event_line(line, arena).ok()) << line;
  EXPECT_FALSE(parse_event_line("flow 10.0.0.1 -> nowhere", arena).ok());
  EXPECT_FALSE(parse_event_line("call +861 -> +862 extra", arena).ok());
}

}  // namespace
}  // namespace pandun::detect::testing
