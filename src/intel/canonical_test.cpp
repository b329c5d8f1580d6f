#include "intel/canonical.h"

#include <gtest/gtest.h>

#include <random>

namespace pandun::intel {
namespace {

std::string form(std::string_view text, std::optional<IndicatorType> type = {}) {
  const auto one = canonical(refang(text), type);
  if (!one) return "error: " + one.error().message;
  return std::string(name(one->type)) + " " + one->value;
}

TEST(Canonical, WrittenFormsOfOneThingMeet) {
  EXPECT_EQ(form("1.2.3[.]4"), "ip 1.2.3.4");
  EXPECT_EQ(form("1.2.3.4:8080"), "ip 1.2.3.4");
  EXPECT_EQ(form("[2001:DB8::1]:443"), "ip 2001:db8::1");
  EXPECT_EQ(form("192.0.2.77/24"), "network 192.0.2.0/24");
  EXPECT_EQ(form("192.0.2.1/32"), "ip 192.0.2.1");
  EXPECT_EQ(form("192.0.2.0-192.0.2.255"), "network 192.0.2.0/24");
  EXPECT_EQ(form("192.0.2.3-192.0.2.9"), "network 192.0.2.3-192.0.2.9");
  EXPECT_EQ(form("2001:db8:ffff::/48"), "network 2001:db8:ffff::/48");
  EXPECT_EQ(form("Evil[.]Example."), "domain evil.example");
  EXPECT_EQ(form("*.evil.example"), "domain evil.example");
  EXPECT_EQ(form("evil(dot)example"), "domain evil.example");
  EXPECT_EQ(form("b\xc3\xbc"
                 "cher.example"),
            "domain xn--bcher-kva.example");
  EXPECT_EQ(form("hxxps://Evil[.]example:8443/A/b.php?x=1#top"), "url evil.example/A/b.php?x=1");
  EXPECT_EQ(form("hxxp[://]u:p@1.2.3.4"), "url 1.2.3.4/");
  EXPECT_EQ(form("http://evil.example?x=1"), "url evil.example/?x=1");
  EXPECT_EQ(form("evil.example/kit/"), "url evil.example/kit/");
  EXPECT_EQ(form("D41D8CD98F00B204E9800998ECF8427E"), "file_hash d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(form("Someone[at]Evil.Example"), "mail someone@evil.example");
  EXPECT_EQ(form("7F:5C:0D:54:A8:13:BA:9B:87:A9:14:20:CA:2C:3D:E5:E7:94:8F:09", IndicatorType::kCertificate),
            "certificate 7f5c0d54a813ba9b87a91420ca2c3de5e7948f09");
  EXPECT_EQ(form("com.topspy.system", IndicatorType::kPackage), "package com.topspy.system");
}

TEST(Canonical, WhatIsNoIndicatorIsRefused) {
  for (const char* text : {"", "word", "two words", "1.2.3", "1.2.3.256", "1.2.3.4:99999", "a..b", "-a.example",
                           "a.123", "javascript://x.example/", "deadbeef", "http://", "http:///x", "x@", "::1::2",
                           "1.2.3.4/33", "192.0.2.9-192.0.2.3", "192.0.2.1-2001:db8::1"})
    EXPECT_EQ(form(text).substr(0, 6), "error:") << text << " gave " << form(text);
}

TEST(Canonical, NetworksThatHoldTooMuchAreTooLarge) {
  EXPECT_EQ(canonical("0.0.0.0/0").error().code, Errc::kTooLarge);
  EXPECT_EQ(canonical("10.0.0.0/7").error().code, Errc::kTooLarge);
  EXPECT_TRUE(canonical("11.0.0.0/8").ok());
  EXPECT_EQ(canonical("2000::/3").error().code, Errc::kTooLarge);
  EXPECT_TRUE(canonical("2001:db8::/32").ok());
}

TEST(Canonical, RulesOnContentOrPeopleAreNoTypes) {
  for (const char* word : {"keyword", "Topic_Rule", "regex", "person", "image", "opinion"}) {
    EXPECT_FALSE(parse_type(word)) << word;
    EXPECT_TRUE(is_refused_type(word)) << word;
  }
}

TEST(Canonical, PublicSuffixes) {
  EXPECT_TRUE(is_public_suffix("com"));
  EXPECT_TRUE(is_public_suffix("co.uk"));
  EXPECT_TRUE(is_public_suffix("github.io"));
  EXPECT_FALSE(is_public_suffix("evil.github.io"));
  EXPECT_FALSE(is_public_suffix("example.com"));
}

// Whatever comes in, what comes out is stable: the canonical form of a canonical form is itself.
TEST(Canonical, IsIdempotentOnNoise) {
  std::mt19937 random(20260302);
  const std::string_view alphabet = "abz019.-:/[]()@%?#*_ \\hxtp\xc3\xbc";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (auto n = random() % 24; n > 0; --n) text.push_back(alphabet[random() % alphabet.size()]);
    const auto once = canonical(refang(text));
    if (!once) continue;
    const auto twice = canonical(once->value, once->type);
    ASSERT_TRUE(twice.ok()) << text << " -> " << once->value << ": " << twice.error().message;
    EXPECT_EQ(twice->value, once->value) << text;
  }
}

}  // namespace
}  // namespace pandun::intel
