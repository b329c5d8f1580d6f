#include "registry/numbering_plan.h"

#include <gtest/gtest.h>

#include <random>

#include "registry/protected_groups.h"

namespace pandun::registry {
namespace {

using model::NumberKind;

const NumberingPlan& plan() {
  static const NumberingPlan loaded =
      std::move(NumberingPlan::load(platform::posix_files(), std::string(PANDUN_SOURCE_DIR) + "/content/numbering"))
          .value();
  return loaded;
}
std::string text(std::string_view number, const NumberContext& context = {}) {
  return plan().parse(number, context).text();
}
NumberKind kind(std::string_view number) {
  return plan().parse(number).kind();
}
PhoneFacts facts(std::string_view number) {
  return plan().facts(plan().parse(number));
}

TEST(NumberingPlan, EveryFormOfAMobileNumberIsOneKey) {
  for (const char* form :
       {"13800138000", "+8613800138000", "008613800138000", "8613800138000", "+86 138-0013-8000", "013800138000",
        "(+86) 138 0013 8000", "+86 (0)138 0013 8000", "tel:+86-138-0013-8000;ext=1", "TEL:13800138000",
        "sip:+8613800138000@ims.example", "1795113800138000", "１３８００１３８０００", "＋86 13800138000",
        " 13800138000 ", "\"13800138000\"", "13800138000.0", "138.0013.8000"})
    EXPECT_EQ(text(form), "+8613800138000") << form;
}

TEST(NumberingPlan, FixedNumbersWithAndWithoutTrunkZero) {
  for (const char* form : {"0571-8888 8888", "(0571)88888888", "+8657188888888", "57188888888", "8657188888888",
                           "+86 0571 88888888", "17909057188888888"})
    EXPECT_EQ(text(form), "+8657188888888") << form;
  EXPECT_EQ(text("010-62345678"), "+861062345678");
  EXPECT_EQ(text("+861062345678"), "+861062345678");
  EXPECT_EQ(kind("010-6234567"), NumberKind::kInvalid);  // seven digits have not existed in Beijing since 1996
  EXPECT_EQ(text("0571-96345"), "+8657196345");
  EXPECT_EQ(text("010-10086"), "10086");
}

TEST(NumberingPlan, ServiceNumbersAreOneKeyFromAnywhere) {
  for (const char* form : {"10086", "+8610086", "008610086", "10086 "}) EXPECT_EQ(text(form), "10086") << form;
  EXPECT_EQ(text("110"), "110");
  EXPECT_EQ(text("95588"), "95588");
  EXPECT_EQ(text("+86 400-123-4567"), "4001234567");
  EXPECT_EQ(text("1069012345678901"), "1069012345678901");
  EXPECT_EQ(text("10690123456789012345"), "10690123456789012");  // the holder's extension is cut
  EXPECT_EQ(text("1062345678"), "1062345678");                   // bare: a message port, not Beijing without its 0
  EXPECT_EQ(facts("110").kind, NumberClass::kEmergency);
  EXPECT_EQ(facts("96110").service_zh, "反诈预警劝阻专线");
  EXPECT_EQ(facts("4001234567").kind, NumberClass::kTollFree);
  EXPECT_EQ(facts("106901234567").kind, NumberClass::kService);
}

TEST(NumberingPlan, AnEmergencyNumberBehindAnAreaCodeIsThatEmergencyNumber) {
  for (const char* form : {"0431110", "0431-110", "+86431110", "0086 431 110", "010110", "+8610110", "+86 010 110",
                           "sip:+86571110@ims.example"})
    EXPECT_EQ(text(form), "110") << form;
  EXPECT_EQ(text("021120"), "120");
  EXPECT_EQ(text("0571 12110"), "12110");
  EXPECT_EQ(text("010999"), "999");
  EXPECT_EQ(facts("0755119").kind, NumberClass::kEmergency);
  // Bare digits have no area code, and other short numbers stay what they were.
  EXPECT_EQ(kind("431110"), NumberKind::kInvalid);
  EXPECT_EQ(text("10110"), "10110");
  EXPECT_EQ(text("0571-12345"), "+8657112345");
  EXPECT_EQ(text("0571-96110"), "+8657196110");
  EXPECT_EQ(kind("0999110"), NumberKind::kService);  // 999 is Yining's area code too
  EXPECT_EQ(kind("0431111"), NumberKind::kInvalid);
}

TEST(NumberingPlan, LocalNumbersNeedTheirArea) {
  EXPECT_EQ(kind("88888888"), NumberKind::kOpaque);
  NumberContext context;
  context.home_area = "571";
  EXPECT_EQ(text("88888888", context), "+8657188888888");
  EXPECT_EQ(text("8888-8888", context), "+8657188888888");
}

TEST(NumberingPlan, ForeignNumbers) {
  EXPECT_EQ(text("+1 415 555 0123"), "+14155550123");
  EXPECT_EQ(text("14155550123"), "+14155550123");    // no home segment 141 of eleven digits
  EXPECT_EQ(text("15105550123"), "+8615105550123");  // the home plan wins
  EXPECT_EQ(text("0085261234567"), "+85261234567");
  EXPECT_EQ(text("447911123456"), "+447911123456");
  EXPECT_EQ(facts("+85261234567").country, "HK");
  EXPECT_EQ(facts("+12425550123").country_en, "Bahamas");
  EXPECT_EQ(facts("+77011234567").country, "KZ");
  EXPECT_EQ(facts("+441481123456").country, "GG");
  EXPECT_EQ(facts("+85261234567").kind, NumberClass::kInternational);
}

TEST(NumberingPlan, WhatCannotBeANumberIsInvalidAndWhatIsNoNumberIsOpaque) {
  for (const char* digits :
       {"+999123456789", "+2101234567", "0", "00", "12", "123456789012345678901", "+1 123 456 7890", "05711234567",
        "+86 1", "000000000000", "+8611800138000", "13800138", "+4912345678901234567"})
    EXPECT_EQ(kind(digits), NumberKind::kInvalid) << digits;
  for (const char* other : {"a3f5c1d2e4", "user-17", "5f4dcc3b5aa765d61d8327deb882cf99", "ALIPAY", "#31#13800138000",
                            "*2013800138000", "+", "138x0138000", "中国移动", "\xff\xfe"})
    EXPECT_EQ(kind(other), NumberKind::kOpaque) << other;
  for (const char* none : {"", " ", "-", "anonymous", "Unknown", "PRIVATE", "未知号码", "null", "tel:anonymous",
                           "sip:anonymous@x", "(empty)"})
    EXPECT_EQ(kind(none), NumberKind::kWithheld) << none;
  EXPECT_EQ(plan().parse("+999 123-456789"), plan().parse("+999123456789"));  // one invalid number, one key
}

TEST(NumberingPlan, TheOpaqueHintWins) {
  NumberContext context;
  context.opaque = true;
  EXPECT_EQ(plan().parse("13800138000", context).kind(), NumberKind::kOpaque);
  EXPECT_EQ(plan().parse("17", context), model::NumberKey::opaque("17"));
  EXPECT_EQ(plan().parse("", context).kind(), NumberKind::kWithheld);
}

TEST(NumberingPlan, AnotherHomeCountry) {
  NumberContext context;
  context.home_country = 45;
  EXPECT_EQ(text("32123456", context), "+4532123456");
  EXPECT_EQ(text("+8613800138000", context), "+8613800138000");
  EXPECT_EQ(plan().parse("110", context).kind(), NumberKind::kInvalid);
}

TEST(NumberingPlan, FactsOfChina) {
  EXPECT_EQ(facts("13800138000").kind, NumberClass::kMobile);
  EXPECT_EQ(facts("13800138000").carrier, "mobile");
  EXPECT_EQ(facts("17012345678").kind, NumberClass::kMobileVirtual);
  EXPECT_EQ(facts("17031234567").carrier, "mobile");
  EXPECT_EQ(facts("19212345678").carrier, "broadnet");
  EXPECT_EQ(facts("13491234567").kind, NumberClass::kSatellite);
  EXPECT_EQ(facts("17401234567").carrier, "telecom");
  EXPECT_EQ(facts("17461234567").kind, NumberClass::kSatellite);
  EXPECT_EQ(facts("1440123456789").kind, NumberClass::kIot);
  EXPECT_EQ(text("1440123456789"), "+861440123456789");
  EXPECT_TRUE(facts("1064812345678").unverified);
  const PhoneFacts fixed = facts("0571-88888888");
  EXPECT_EQ(fixed.kind, NumberClass::kFixed);
  EXPECT_EQ(fixed.area_code, "571");
  EXPECT_EQ(fixed.province_code, "33");
  EXPECT_EQ(fixed.region_zh, "杭州市");
  EXPECT_EQ(fixed.province_en, "Zhejiang");
  EXPECT_EQ(facts("+999123456789").kind, NumberClass::kInvalid);
}

TEST(NumberingPlan, ContentIsWhole) {
  EXPECT_GE(plan().countries(), 240U);
  EXPECT_GE(plan().areas(), 320U);
}

TEST(NumberingPlan, FaultsNameFileAndLine) {
  const auto bad = NumberingPlan::compile(
      {"c.csv", "prefix,code,iso,name_zh,name_en,min,max,mark\n86,86,CN,中国,China,3,13,\n86,86,CN,a,b,3,2,\n"},
      {"a.csv", "area,province\n"}, {"s.csv", "# nothing\n"},
      {"v.csv", "prefix,min,max,kind,name_zh,name_en,mark\n1x,1,2,short,,,\n110,3,3,police,,,maybe\n"});
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::kBadConfig);
  for (const char* where : {"c.csv:3: 86 stands in line 2", "a.csv:1: the header must be",
                            "s.csv:1: the file has no header", "v.csv:2: \"1x\"", "v.csv:3: kind \"police\""})
    EXPECT_NE(bad.error().message.find(where), std::string::npos) << where << "\n" << bad.error().message;
}

// Whatever comes in, a key comes out, the same each time, and its own text parses to itself.
TEST(NumberingPlan, AnyTextParsesAndCanonicalTextIsAFixedPoint) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string alphabet = "0011223344556678 9+-().abcXYZ*#;:@/\t\"\xef\xbc\x91\xe5";
  for (int i = 0; i < 200'000; ++i) {
    std::string input;
    for (std::size_t n = random() % 24; n > 0; --n) input += alphabet[random() % alphabet.size()];
    const auto key = plan().parse(input);
    ASSERT_EQ(key, plan().parse(input)) << input;
    (void)plan().facts(key);
    if (key.kind() == NumberKind::kE164 || key.kind() == NumberKind::kService) {
      ASSERT_EQ(plan().parse(key.text()), key) << input << " -> " << key.text();
    }
  }
}

// The example numbers of another plan: every country's example is a number of that country here, too.
TEST(NumberingPlan, AgreesWithLibphonenumbersExamples) {
  const char* data = std::getenv("PANDUN_TEST_DATA");
  const std::string path = std::string(data == nullptr ? "" : data) + "/fraud/numbering_plan/PhoneNumberMetadata.xml";
  if (data == nullptr || !platform::posix_files().info(path).ok())
    GTEST_SKIP() << "needs PANDUN_TEST_DATA with fraud/numbering_plan/PhoneNumberMetadata.xml";
  const std::string xml = std::move(platform::read_file(platform::posix_files(), path)).value();
  std::size_t at = 0, examples = 0;
  std::string id, code;
  while ((at = xml.find('<', at)) != std::string::npos) {
    const std::string_view rest = std::string_view(xml).substr(at + 1);
    const auto attribute = [&](std::string_view name) {
      const std::size_t from = rest.find(std::string(name) + "=\"") + name.size() + 2;
      return std::string(rest.substr(from, rest.find('"', from) - from));
    };
    if (rest.starts_with("territory ")) {
      id = attribute("id");
      code = attribute("countryCode");
    } else if (rest.starts_with("exampleNumber>")) {
      const std::string number = "+" + code + std::string(rest.substr(14, rest.find('<') - 14));
      ++at;
      // Canada's seven-digit 310 numbers cannot be called from abroad; no Beijing subscriber begins with 1.
      if (number == "+13101234" || number == "+861012345678") continue;
      const PhoneFacts found = facts(number);
      ++examples;
      EXPECT_NE(found.kind, NumberClass::kInvalid) << id << " " << number;
      EXPECT_EQ(found.country_code, std::stoi(code)) << number;
    }
    ++at;
  }
  EXPECT_GT(examples, 1000U);
}

TEST(NumberingPlan, AgreesWithPlacesAndCarriersOfAnotherPlan) {
  const char* data = std::getenv("PANDUN_TEST_DATA");
  const std::string folder = std::string(data == nullptr ? "" : data) + "/fraud/numbering_plan/";
  if (data == nullptr || !platform::posix_files().info(folder + "geocoding_zh_86.txt").ok())
    GTEST_SKIP() << "needs PANDUN_TEST_DATA with fraud/numbering_plan/geocoding_zh_86.txt";
  const std::string places =
      std::move(platform::read_file(platform::posix_files(), folder + "geocoding_zh_86.txt")).value();
  std::size_t compared = 0, mobile = 0, mobile_known = 0;
  for (std::size_t at = 0; at < places.size(); at = places.find('\n', at) + 1) {
    const std::string_view line = std::string_view(places).substr(at, places.find('\n', at) - at);
    const std::size_t bar = line.find('|');
    if (line.starts_with("#") || bar == std::string_view::npos) {
      if (places.find('\n', at) == std::string::npos) break;
      continue;
    }
    const std::string prefix(line.substr(2, bar - 2));
    const std::string_view place = line.substr(bar + 1);
    if (prefix[0] == '1' && prefix.size() > 5) {
      ++mobile;
      const NumberClass found = facts(prefix + std::string(11 - prefix.size(), '1')).kind;
      mobile_known +=
          found == NumberClass::kMobile || found == NumberClass::kMobileVirtual || found == NumberClass::kSatellite;
    } else if (prefix == "10" || prefix[0] == '2' || (prefix.size() == 3 && prefix[0] != '1')) {
      if (prefix == "807") continue;  // a county code that no current plan shows
      ++compared;
      EXPECT_EQ(facts("0" + prefix + "88888888").province_zh.substr(0, 6), place.substr(0, 6)) << prefix;
    }
  }
  EXPECT_GT(compared, 300U);
  EXPECT_GT(static_cast<double>(mobile_known), 0.999 * static_cast<double>(mobile))
      << mobile - mobile_known << " of " << mobile;
}

TEST(ProtectedGroups, ShippedOnesCoverEmergencyAndService) {
  const auto groups = ProtectedGroups::load(platform::posix_files(),
                                            std::string(PANDUN_SOURCE_DIR) + "/content/protected_groups.toml", plan());
  ASSERT_TRUE(groups.ok()) << groups.error().text();
  EXPECT_EQ(groups->protected_group(plan().parse("120")), "emergency");
  EXPECT_EQ(groups->protected_group(plan().parse("12345")), "public_service");
  EXPECT_EQ(groups->protected_group(plan().parse("95588")), "service");
  EXPECT_EQ(groups->protected_group(plan().parse("13800138000")), "");
  EXPECT_EQ(groups->protected_group({}), "");
}

TEST(ProtectedGroups, NumbersPrefixesAndTheirOrder) {
  const auto groups = ProtectedGroups::parse("g.toml", R"(
[[group]]
id = "hospital"
title = {zh = "医院", en = "Hospitals"}
numbers = ["0571-87000000"]
prefixes = ["+865718888"]
[[group]]
id = "courier"
title = {zh = "快递", en = "Couriers"}
prefixes = ["+86571"]
)",
                                             plan());
  ASSERT_TRUE(groups.ok()) << groups.error().text();
  EXPECT_EQ(groups->protected_group(plan().parse("+8657187000000")), "hospital");
  EXPECT_EQ(groups->protected_group(plan().parse("0571 88881234")), "hospital");
  EXPECT_EQ(groups->protected_group(plan().parse("0571 87000001")), "courier");
  EXPECT_EQ(groups->find(plan().parse("0572 8700000")), nullptr);
}

TEST(ProtectedGroups, EveryFaultIsNamed) {
  const auto groups = ProtectedGroups::parse("g.toml", R"([[group]]
id = "a"
title = {zh = "甲", en = "A"}
numbers = ["12x", 7]
clases = ["mobile"]
[[group]]
id = "a"
classes = ["phones"]
prefixes = ["0571"]
[other]
)",
                                             plan());
  ASSERT_FALSE(groups.ok());
  for (const char* fault : {"g.toml:4: \"12x\" is not", "g.toml:4: numbers holds", "\"clases\"", "needs id",
                            "stands here twice", "\"phones\"", "\"0571\"", "\"other\""})
    EXPECT_NE(groups.error().message.find(fault), std::string::npos) << fault << "\n" << groups.error().message;
  EXPECT_EQ(ProtectedGroups::parse("g.toml", "[[group", plan()).error().where, "g.toml:1:8");
}

}  // namespace
}  // namespace pandun::registry
