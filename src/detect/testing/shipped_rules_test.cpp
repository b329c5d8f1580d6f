#include <gtest/gtest.h>

#include <set>

#include "detect/features/catalog.h"
#include "detect/rules/rule_files.h"
#include "detect/testing/case_runner.h"
#include "platform/file_system.h"

namespace pandun::detect::testing {
namespace {

std::shared_ptr<const RuleSet> shipped() {
  const Result<std::vector<RuleSource>> files =
      read_rule_files(platform::posix_files(), PANDUN_SOURCE_DIR "/content/rules");
  EXPECT_TRUE(files.ok());
  if (!files.ok()) return nullptr;
  // Those that wait for a site's own data are tried too.
  std::vector<RuleSource> all = files.value();
  for (RuleSource& file : all)
    for (std::size_t at = 0; (at = file.text.find("enabled = false", at)) != std::string::npos;)
      file.text.replace(at, 15, "enabled = true");
  const RuleCompilation compiled = RuleSet::compile(all);
  for (const RuleFault& f : compiled.faults) ADD_FAILURE() << f.text();
  return compiled.rules;
}

TEST(ShippedRules, FindWhatTheyAreForInEveryWeatherAndNotItsLookAlike) {
  const std::shared_ptr<const RuleSet> rules = shipped();
  ASSERT_NE(rules, nullptr);
  const Report report = run_cases(PANDUN_SOURCE_DIR "/src/detect/testing/rule_cases", "", {}, rules);
  EXPECT_TRUE(report.passed()) << report.text();
}

TEST(ShippedRules, EveryLiveRuleHasACase) {
  const std::shared_ptr<const RuleSet> rules = shipped();
  ASSERT_NE(rules, nullptr);
  const auto names = platform::posix_files().list(PANDUN_SOURCE_DIR "/src/detect/testing/rule_cases");
  ASSERT_TRUE(names.ok());
  const std::set<std::string> cases(names->begin(), names->end());
  for (const Rule& rule : rules->rules())
    if (!rule.shadow) {
      EXPECT_TRUE(cases.contains(rule.id + ".case")) << rule.id;
    }
}

// What a rule names beside features stands in other content files: a slip there would show only on the console.
TEST(ShippedRules, TopicsGroundsAndTechniquesExist) {
  const auto content = [](const char* path) {
    return platform::read_file(platform::posix_files(), std::string(PANDUN_SOURCE_DIR "/content/") + path).value();
  };
  const std::string topics = content("topics.toml"), grounds = content("grounds/standard.toml"),
                    techniques = content("techniques.toml");
  const std::shared_ptr<const RuleSet> rules = shipped();
  ASSERT_NE(rules, nullptr);
  const auto has = [](const std::string& text, const std::string& id) {
    return text.find("id = \"" + id + "\"") != std::string::npos;
  };
  for (const Rule& rule : rules->rules()) {
    EXPECT_TRUE(has(topics, rule.topic)) << rule.id << ": " << rule.topic;
    EXPECT_TRUE(has(grounds, rule.ground)) << rule.id << ": " << rule.ground;
    for (const std::string& t : rule.techniques) EXPECT_TRUE(has(techniques, t)) << rule.id << ": " << t;
  }
}

TEST(RulesPage, HasEveryFeatureAsTheCatalogueSaysIt) {
  const std::string page = platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/docs/rules.md").value();
  for (const Feature& f : features()) {
    const std::string row = "| `" + f.name + "` | " + std::string(f.unit) + " | " + std::string(name(f.exactness)) +
                            " | " + f.doc_en + " |";
    EXPECT_NE(page.find(row), std::string::npos) << "docs/rules.md lacks or misstates: " << row;
  }
}

}  // namespace
}  // namespace pandun::detect::testing
