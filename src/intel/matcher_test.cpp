#include "intel/matcher.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "intel/canonical.h"
#include "intel/library.h"

namespace pandun::intel {
namespace {

using model::IpAddress;

std::shared_ptr<const IndicatorList> list(const std::string& list_name, std::string_view text, Facts facts = {}) {
  ReadOptions options;
  options.defaults = std::move(facts);
  ReadReport report;
  auto made = read_indicator_list(list_name, text, options, report);
  EXPECT_TRUE(made.ok());
  EXPECT_EQ(report.faulty(), 0u);
  return *made;
}
std::shared_ptr<const Matcher> matcher(std::string_view text) {
  return Matcher::build({list("feed", text)}, nullptr, {});
}
std::string found(const Hit* hit) {
  return hit == nullptr ? "-" : std::string(hit->indicator);
}
IpAddress ip(std::string_view text) {
  return *IpAddress::parse(text);
}

TEST(Matcher, TheSmallestRangeAnswers) {
  const auto m =
      matcher("203.0.0.0/16\n203.0.113.0/24\n203.0.113.7\n203.0.113.0-203.0.114.9\n2001:db8::/32\n2001:db8::5\n");
  EXPECT_EQ(found(m->address(ip("203.0.113.7"))), "203.0.113.7");
  EXPECT_EQ(found(m->address(ip("203.0.113.8"))), "203.0.113.0/24");
  EXPECT_EQ(found(m->address(ip("203.0.114.9"))), "203.0.113.0-203.0.114.9");
  EXPECT_EQ(found(m->address(ip("203.0.114.10"))), "203.0.0.0/16");
  EXPECT_EQ(found(m->address(ip("203.1.0.0"))), "-");
  EXPECT_EQ(found(m->address(ip("2001:db8::5"))), "2001:db8::5");
  EXPECT_EQ(found(m->address(ip("2001:db8::6"))), "2001:db8::/32");
  EXPECT_EQ(found(m->address(ip("2001:db9::"))), "-");
}

TEST(Matcher, DomainsMatchOnLabelBordersOnly) {
  const auto m = matcher("evil.example\nwww.worse.example\ngithub.io\nbad.github.io\n");
  EXPECT_EQ(found(m->domain("evil.example")), "evil.example");
  EXPECT_EQ(found(m->domain("a.b.evil.example")), "evil.example");
  EXPECT_EQ(found(m->domain("notevil.example")), "-");
  EXPECT_EQ(found(m->domain("worse.example")), "-");
  EXPECT_EQ(found(m->domain("")), "-");
  // A public suffix covers itself alone: everybody's pages are below it.
  EXPECT_EQ(found(m->domain("github.io")), "github.io");
  EXPECT_EQ(found(m->domain("someone.github.io")), "-");
  EXPECT_EQ(found(m->domain("x.bad.github.io")), "bad.github.io");
}

TEST(Matcher, UrlsByHostAndPath) {
  const auto m = matcher(
      "http://evil.example/kit/\nhttp://evil.example/login.php\nhttp://q.example/a?id=7\nhttp://root.example/\n");
  EXPECT_EQ(found(m->url("evil.example", "/kit/")), "evil.example/kit/");
  EXPECT_EQ(found(m->url("evil.example", "/kit/deep/er.php?x=1")), "evil.example/kit/");
  EXPECT_EQ(found(m->url("evil.example", "/kit")), "-");
  EXPECT_EQ(found(m->url("evil.example", "/login.php?session=1")), "evil.example/login.php");
  EXPECT_EQ(found(m->url("evil.example", "http://evil.example/login.php")), "evil.example/login.php");
  EXPECT_EQ(found(m->url("evil.example", "/login.phpx")), "-");
  EXPECT_EQ(found(m->url("q.example", "/a?id=7")), "q.example/a?id=7");
  EXPECT_EQ(found(m->url("q.example", "/a?id=8")), "-");
  EXPECT_EQ(found(m->url("q.example", "/a")), "-");
  EXPECT_EQ(found(m->url("root.example", "/")), "root.example/");
  EXPECT_EQ(found(m->url("root.example", "/other")), "-");
  EXPECT_EQ(found(m->url("evil.example", "")), "-");
}

TEST(Matcher, HashesOfThreeLengths) {
  const std::string sha256(64, 'a'), sha1(40, 'b'), md5(32, 'c');
  const auto m = matcher(sha256 + "\n" + sha1 + "\n" + md5 + "\n");
  EXPECT_EQ(found(m->hash(sha256)), sha256);
  EXPECT_EQ(found(m->hash(sha1)), sha1);
  EXPECT_EQ(found(m->hash(md5)), md5);
  EXPECT_EQ(found(m->hash(std::string(64, 'b'))), "-");
  EXPECT_EQ(found(m->hash("zz")), "-");
}

TEST(Matcher, TheStrongerListAnswersWhateverTheOrder) {
  Facts weak, strong;
  weak.severity = 30;
  strong.severity = 90;
  strong.topic = "c2";
  const auto a = list("a", "evil.example\n192.0.2.1\n", weak), b = list("b", "evil.example\n192.0.2.1\n", strong);
  for (const auto& m : {Matcher::build({a, b}, nullptr, {}), Matcher::build({b, a}, nullptr, {})}) {
    EXPECT_EQ(m->domain("evil.example")->list, "b");
    EXPECT_EQ(m->address(ip("192.0.2.1"))->topic, "c2");
    EXPECT_EQ(m->counts().merged, 2u);
    EXPECT_EQ(m->counts().live, 2u);
  }
  EXPECT_EQ(Matcher::build({a, b}, nullptr, {})->digest(), Matcher::build({b, a}, nullptr, {})->digest());
  EXPECT_NE(Matcher::build({a}, nullptr, {})->digest(), Matcher::build({b}, nullptr, {})->digest());
}

TEST(Matcher, LifetimesAreAskedOnlyWithAClock) {
  Facts facts;
  facts.valid_until = 1000;
  const auto one = list("feed", "evil.example\n", facts);
  EXPECT_EQ(Matcher::build({one}, nullptr, 999)->counts().live, 1u);
  const auto late = Matcher::build({one}, nullptr, 1000);
  EXPECT_TRUE(late->empty());
  EXPECT_EQ(late->counts().expired, 1u);
  EXPECT_FALSE(Matcher::build({one}, nullptr, {})->empty());
}

TEST(Matcher, HitsKeepTheirPlace) {
  const auto m = matcher("evil.example\n");
  const Hit* first = m->domain("evil.example");
  EXPECT_EQ(first, m->domain("www.evil.example"));
}

// Against a brute-force pass over the same rules.
TEST(Matcher, AddressesAgreeWithBruteForce) {
  std::mt19937 random(7);
  for (int round = 0; round < 20; ++round) {
    std::vector<AddressRange> rules;
    std::string text;
    for (int i = 0; i < 200; ++i) {
      const auto a = static_cast<std::uint32_t>(0x14000000U + random() % 4096);
      const auto b = static_cast<std::uint32_t>(a + random() % (1U << (random() % 9)));
      rules.push_back({IpAddress::v4(a), IpAddress::v4(b)});
      text += range_text(rules.back()) + "\n";
    }
    const auto m = matcher(text);
    for (std::uint32_t at = 0x13fffff0U; at < 0x14001210U; ++at) {
      const AddressRange* best = nullptr;
      const auto size = [](const AddressRange& r) { return r.last.lo - r.first.lo; };
      for (const AddressRange& rule : rules)
        if (rule.first <= IpAddress::v4(at) && IpAddress::v4(at) <= rule.last &&
            (best == nullptr || size(rule) < size(*best)))
          best = &rule;
      const Hit* hit = m->address(IpAddress::v4(at));
      ASSERT_EQ(hit == nullptr, best == nullptr) << "seed 7 round " << round;
      if (best != nullptr) {
        ASSERT_EQ(size(*parse_range(hit->indicator)), size(*best)) << hit->indicator;
      }
    }
  }
}

TEST(Matcher, ManyNamesAreAllFoundAndNoOthers) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "n" + std::to_string(i * 2) + ".example\n";
  const auto m = matcher(text);
  EXPECT_EQ(m->counts().live, 20000u);
  for (int i = 0; i < 40000; ++i)
    EXPECT_EQ(m->domain("n" + std::to_string(i) + ".example") != nullptr, i % 2 == 0) << i;
  EXPECT_LT(static_cast<double>(m->bytes()) / 20000, 40.0);
}

}  // namespace
}  // namespace pandun::intel
