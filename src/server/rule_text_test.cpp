#include "server/rule_text.h"

#include <gtest/gtest.h>

#include "platform/file_system.h"
#include "server/rule_book.h"
#include "server/shipped_rules.h"

namespace pandun::server {
namespace {

std::string rule(const std::string& when, const std::string& more = "", const std::string& id = "strangers") {
  return "# a note\n[[rule]]\nid = \"" + id + "\"\nentity = \"number\"\nwhen = \"\"\"\n" + when +
         "\n\"\"\"\nseverity = 60\nconfidence = 0.6\ntopic = \"burst_call\"\ntitle = { zh = \"甲\", en = \"A\" }\n"
         "message = { zh = \"乙 \\\"引号\\\"\", en = \"B\" }\nground = \"afl-11\"\n" +
         more;
}

std::vector<RuleText> split(const std::string& text) {
  auto out = split_rules(text, "site.toml");
  EXPECT_TRUE(out.ok()) << out.error().text();
  return out.ok() ? std::move(*out) : std::vector<RuleText>();
}

TEST(RuleText, DigestIsOfWhatTheRuleSaysAndNotOfItsState) {
  const std::string digest = split(rule("calls_out_24h >= 60")).at(0).digest;
  EXPECT_EQ(split(rule("calls_out_24h >= 60", "state = \"shadow\"\n")).at(0).digest, digest);
  EXPECT_EQ(split(rule("calls_out_24h >= 60", "enabled = false\n# changed a comment\n")).at(0).digest, digest);
  EXPECT_NE(split(rule("calls_out_24h >= 61")).at(0).digest, digest);
  EXPECT_NE(split(rule("calls_out_24h >= 60", "cooldown = \"30m\"\n")).at(0).digest, digest);
}

TEST(RuleText, StatesAreReadAndWrittenAgain) {
  const auto rules = split(rule("calls_out_24h >= 60") + rule("calls_out_1h >= 9", "state = \"shadow\"\n", "other"));
  ASSERT_EQ(rules.size(), 2U);
  EXPECT_TRUE(rules[0].live);
  EXPECT_FALSE(rules[1].live);
  EXPECT_EQ(rules[1].id, "other");
  const auto again = split(rules[0].as_file("shadow", "strangers__v7"));
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].id, "strangers__v7");
  EXPECT_FALSE(again[0].live);
  EXPECT_EQ(split(rules[0].as_file("live")).at(0).digest, rules[0].digest);
}

TEST(RuleText, FaultsSayWhere) {
  const auto bad = split_rules(rule("calls_out_25h >= 60"), "site.toml");
  ASSERT_FALSE(bad.ok());
  EXPECT_NE(bad.error().message.find("site.toml:6:1"), std::string::npos) << bad.error().message;
}

TEST(RuleText, TheDesksRulesStandInsteadOfTheContents) {
  const std::vector<detect::RuleSource> sources{
      {"content/rules/a.toml", rule("calls_out_24h >= 60") + rule("calls_out_1h >= 9", "", "other"), false},
      {"managed-strangers.toml", rule("calls_out_24h >= 90"), true}};
  const auto set = compile_rules(sources, "rules");
  ASSERT_TRUE(set.ok()) << set.error().text();
  ASSERT_EQ((*set)->rules().size(), 2U);
  EXPECT_NE((*set)->find("strangers")->when_text.find("90"), std::string::npos);
}

TEST(RuleText, ShippedRulesAreKnownByTheirText) {
  const auto shipped = shipped_rule_digests();
  ASSERT_TRUE(shipped.ok()) << shipped.error().text();
  const auto rules = rules_in_force(platform::posix_files(), PANDUN_SOURCE_DIR "/content", "/nowhere");
  ASSERT_TRUE(rules.ok()) << rules.error().text();
  ASSERT_FALSE(rules->empty());
  for (const RuleText& each : *rules) EXPECT_EQ(shipped->count(each.digest), 1U) << each.id;
}

}  // namespace
}  // namespace pandun::server
