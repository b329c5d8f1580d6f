#include "intel/warning_lists.h"

#include <gtest/gtest.h>

#include "intel/library.h"
#include "platform/file_system.h"

namespace pandun::intel {
namespace {

constexpr std::string_view kServices = R"(
version = 1
[[service]]
name = "ntp_pool"
category = "time"
domains = ["pool.ntp.example"]
networks = ["198.51.100.0/24"]
[[service]]
name = "cdn"
category = "cdn"
exact = ["edge.cdn.example"]
)";

WarningLists services() {
  WarningLists lists;
  EXPECT_TRUE(lists.add_known_services(kServices, "known.toml").ok());
  return lists;
}

TEST(WarningLists, KnownServicesByNameAndAddress) {
  const WarningLists lists = services();
  EXPECT_EQ(lists.domain("2.cn.pool.ntp.example"), ServiceCategory::kTime);
  EXPECT_EQ(lists.domain("ntp.example"), ServiceCategory::kNone);
  EXPECT_EQ(lists.domain("edge.cdn.example"), ServiceCategory::kCdn);
  EXPECT_EQ(lists.domain("customer.edge.cdn.example"), ServiceCategory::kNone);
  EXPECT_EQ(lists.address(*model::IpAddress::parse("198.51.100.9")), ServiceCategory::kTime);
  EXPECT_EQ(lists.address(*model::IpAddress::parse("198.51.101.9")), ServiceCategory::kNone);
}

TEST(WarningLists, StopsWhatIsOrHoldsAKnownService) {
  const WarningLists lists = services();
  EXPECT_EQ(lists.stops(IndicatorType::kDomain, "pool.ntp.example"), "ntp_pool");
  EXPECT_EQ(lists.stops(IndicatorType::kDomain, "a.pool.ntp.example"), "ntp_pool");
  EXPECT_EQ(lists.stops(IndicatorType::kDomain, "ntp.example"), "ntp_pool");  // its parent would hold it
  EXPECT_EQ(lists.stops(IndicatorType::kDomain, "customer.edge.cdn.example"), "");
  EXPECT_EQ(lists.stops(IndicatorType::kIp, "198.51.100.3"), "ntp_pool");
  EXPECT_EQ(lists.stops(IndicatorType::kNetwork, "198.51.0.0/16"), "ntp_pool");
  EXPECT_EQ(lists.stops(IndicatorType::kNetwork, "198.52.0.0/16"), "");
  EXPECT_EQ(lists.stops(IndicatorType::kIp, "192.168.1.1"), "special_addresses");
  EXPECT_EQ(lists.stops(IndicatorType::kUrl, "edge.cdn.example/"), "cdn");
  EXPECT_EQ(lists.stops(IndicatorType::kUrl, "edge.cdn.example/evil.exe"), "");
}

TEST(WarningLists, SuppressedIndicatorsAreCountedByList) {
  const WarningLists lists = services();
  ReadReport report;
  const auto list = *read_indicator_list("feed", "pool.ntp.example\nevil.example\n10.1.1.1\n", {}, report);
  const auto matcher = Matcher::build({list}, &lists, {});
  EXPECT_EQ(matcher->counts().suppressed, 2u);
  EXPECT_EQ(matcher->counts().suppressed_by.at("ntp_pool"), 1u);
  EXPECT_EQ(matcher->domain("pool.ntp.example"), nullptr);
  EXPECT_NE(matcher->domain("evil.example"), nullptr);
}

TEST(WarningLists, EveryFaultOfAFileIsNamedWithItsLine) {
  WarningLists lists;
  const auto result = lists.add_known_services(
      "[[service]]\nname = \"x\"\ncategory = \"colour\"\ndomains = [\"not a name\"]\nfoo = 1\n", "f.toml");
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().code, Errc::kBadConfig);
  EXPECT_NE(result.error().message.find("f.toml:1"), std::string::npos);
  EXPECT_NE(result.error().message.find("f.toml:4"), std::string::npos);
  EXPECT_NE(result.error().message.find("f.toml:5"), std::string::npos);
  EXPECT_EQ(lists.counts().lists, 0u);
}

TEST(WarningLists, MispListsOfThreeKinds) {
  WarningLists lists;
  EXPECT_TRUE(lists.add_misp(R"({"name":"nets","type":"cidr","list":["192.0.2.0/24","oops!"]})", "a").ok());
  EXPECT_TRUE(lists.add_misp(R"({"name":"top","type":"hostname","list":["popular.example"]})", "b").ok());
  EXPECT_EQ(lists.add_misp(R"({"name":"re","type":"regex","list":[".*"]})", "c").error().code, Errc::kUnsupported);
  EXPECT_EQ(lists.add_misp("[1,2", "d").error().code, Errc::kBadConfig);
  EXPECT_EQ(lists.stops(IndicatorType::kIp, "192.0.2.9"), "nets");
  EXPECT_EQ(lists.stops(IndicatorType::kDomain, "popular.example"), "top");
  EXPECT_EQ(lists.stops(IndicatorType::kDomain, "evil.popular.example"), "");
  EXPECT_EQ(lists.counts().skipped, 1u);
}

TEST(WarningLists, ShippedContentLoads) {
  const auto text = platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/content/known_services.toml");
  ASSERT_TRUE(text.ok());
  WarningLists lists;
  const auto loaded = lists.add_known_services(*text, "known_services.toml");
  ASSERT_TRUE(loaded.ok()) << loaded.error().text();
  EXPECT_EQ(lists.domain("0.cn.pool.ntp.org"), ServiceCategory::kTime);
  EXPECT_EQ(lists.domain("fe3.delivery.mp.microsoft.com"), ServiceCategory::kUpdate);
  EXPECT_EQ(lists.address(*model::IpAddress::parse("223.5.5.5")), ServiceCategory::kDnsResolver);
  EXPECT_EQ(lists.domain("example.com"), ServiceCategory::kNone);
}

}  // namespace
}  // namespace pandun::intel
