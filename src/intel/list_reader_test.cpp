#include "intel/list_reader.h"

#include <gtest/gtest.h>

#include "intel/library.h"

namespace pandun::intel {
namespace {

struct Read {
  ReadReport report;
  std::vector<Indicator> got;
  std::uint64_t faults(ListFault fault) const { return report.by_fault[static_cast<std::size_t>(fault)]; }
};
Read read(std::string_view text, ReadOptions options = {}) {
  Read out;
  out.report = read_list(text, options, [&](Indicator&& one) {
    out.got.push_back(std::move(one));
    return true;
  });
  return out;
}

TEST(ListReader, PlainListWithCommentsAndFaults) {
  const Read r = read(
      "# a feed\r\n\n1.2.3[.]4\t10\r\nevil.example # seen yesterday\nhxxp://bad.example/x\n192.0.2.0/24\n"
      "free speech\nword\n0.0.0.0/0\n203.0.113.1 - 203.0.113.5\n");
  ASSERT_EQ(r.got.size(), 5u);
  EXPECT_EQ(r.got[0].value, "1.2.3.4");
  EXPECT_EQ(r.got[0].facts.confidence, 95);  // ten lists agree
  EXPECT_EQ(r.got[1].value, "evil.example");
  EXPECT_EQ(r.got[4].value, "203.0.113.1-203.0.113.5");
  EXPECT_EQ(r.faults(ListFault::kExtraText), 1u);
  EXPECT_EQ(r.faults(ListFault::kNotAnIndicator), 1u);
  EXPECT_EQ(r.faults(ListFault::kTooBroad), 1u);
  ASSERT_EQ(r.report.faults.size(), 3u);
  EXPECT_EQ(r.report.faults[0].line, 7u);
  EXPECT_EQ(r.report.lines, 10u);
  EXPECT_EQ(r.report.comments, 2u);
}

TEST(ListReader, HostsFile) {
  const Read r = read("127.0.0.1 localhost\n0.0.0.0 evil.example other.example # two\n0.0.0.0\tbad.example\n");
  ASSERT_EQ(r.got.size(), 3u);
  EXPECT_EQ(r.got[1].value, "other.example");
  EXPECT_EQ(r.report.faulty(), 0u);
}

TEST(ListReader, CsvColumnsByName) {
  ReadOptions options;
  options.now = 1'700'000'000'000;
  const Read r = read(
      "type,indicator,confidence,severity,threat_type,valid_until,source,tlp,comment\n"
      "domain,evil.example,0.8,high,C2,2030-01-01,\"Somebody, Inc.\",TLP:RED,x\n"
      "ip-dst,192.0.2.1,low,,,,,,\n"
      "domain,old.example,,,,2001-01-01,,,\n"
      "keyword,freedom,,,,,,,\n"
      "colour,red,,,,,,,\n"
      "domain,evil.example,2.5,,,,,,\n"
      "domain,short\n",
      options);
  ASSERT_EQ(r.got.size(), 2u);
  const Facts& f = r.got[0].facts;
  EXPECT_EQ(f.confidence, 80);
  EXPECT_EQ(f.severity, 85);
  EXPECT_EQ(f.topic, "c2");
  EXPECT_EQ(f.valid_until, 1'893'456'000'000);
  EXPECT_EQ(f.source, "Somebody, Inc.");
  EXPECT_EQ(f.marking, Marking::kRed);
  EXPECT_EQ(r.got[1].facts.confidence, 30);
  EXPECT_EQ(r.faults(ListFault::kExpired), 1u);
  EXPECT_EQ(r.faults(ListFault::kRefusedType), 1u);
  EXPECT_EQ(r.faults(ListFault::kUnknownType), 1u);
  EXPECT_EQ(r.faults(ListFault::kBadField), 1u);
  EXPECT_EQ(r.faults(ListFault::kBadCsv), 1u);
  EXPECT_EQ(r.report.extra_columns, 1u);
}

TEST(ListReader, OneColumnPerType) {
  const Read r = read(
      "SHA256,Package Name,Certificate,Version,App\n"
      "2f3bc9ebe8c249f0416f5b0367f34b4b8f6aaa7d351dc5b4912fe2558491b6b7,com.topspy,"
      "7F5C0D54A813BA9B87A91420CA2C3DE5E7948F09,9,1TopSpy\n");
  ASSERT_EQ(r.got.size(), 3u);
  EXPECT_EQ(r.got[0].type, IndicatorType::kFileHash);
  EXPECT_EQ(r.got[1].type, IndicatorType::kPackage);
  EXPECT_EQ(r.got[2].type, IndicatorType::kCertificate);
}

TEST(ListReader, NumbersAreHeldAsTokensOnly) {
  const std::string_view text = "type,indicator\nphone,+86 138 0013 8000\n";
  const Read refused = read(text);
  EXPECT_TRUE(refused.got.empty());
  EXPECT_EQ(refused.faults(ListFault::kNumberNeedsToken), 1u);
  for (const LineFault& fault : refused.report.faults) EXPECT_EQ(fault.detail.find("138"), std::string::npos);
  ReadOptions options;
  options.number_token = [](std::string_view number) { return "t:" + std::to_string(number.size()); };
  const Read held = read(text, options);
  ASSERT_EQ(held.got.size(), 1u);
  EXPECT_EQ(held.got[0].value, "t:14");
}

TEST(ListReader, LifetimesStartAtImport) {
  ReadOptions options;
  options.now = 1000;
  options.lifetime_ms = 500;
  EXPECT_EQ(read("evil.example\n", options).got.at(0).facts.valid_until, 1500);
}

TEST(ListReader, BinaryAndEndlessLinesAreFaultsNotCrashes) {
  const Read r = read(std::string("a\0b\n", 4) + std::string(100'000, 'x') + "\n\xff\xfe\xfd\nlast.example");
  EXPECT_EQ(r.faults(ListFault::kBinary), 1u);
  EXPECT_EQ(r.faults(ListFault::kTooLong), 1u);
  ASSERT_EQ(r.got.size(), 1u);
  EXPECT_EQ(r.report.lines, 4u);
}

}  // namespace
}  // namespace pandun::intel
