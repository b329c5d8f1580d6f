#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>

#include "detect/features/number_state.h"
#include "detect/rules/rule_set.h"
#include "detect/rules/syntax.h"

namespace pandun::detect {
namespace {

constexpr auto kNumberEntity = model::EntityKind::kNumber;

std::string tokens(std::string_view text) {
  std::vector<ExpressionFault> faults;
  const std::string out = dump(tokenize(text, faults));
  EXPECT_TRUE(faults.empty());
  return out;
}
std::string tree(std::string_view text) {
  std::vector<ExpressionFault> faults;
  const Tree t = parse(text, kNumberEntity, faults);
  EXPECT_TRUE(faults.empty()) << (faults.empty() ? "" : faults[0].message);
  return dump(t);
}
std::string plan(std::string_view text, model::EntityKind entity = kNumberEntity) {
  std::vector<ExpressionFault> faults;
  const Tree t = parse(text, entity, faults);
  EXPECT_TRUE(faults.empty()) << (faults.empty() ? "" : faults[0].message);
  return Program::compile(t).dump();
}
std::string faults_of(std::string_view text, model::EntityKind entity = kNumberEntity) {
  std::vector<ExpressionFault> faults;
  parse(text, entity, faults);
  std::string out;
  for (const ExpressionFault& f : faults) out += fmt::format("{} {}: {}; {}\n", f.offset, f.code, f.message, f.advice);
  return out;
}

TEST(RuleTokens, AreCutWithTheirOffsets) {
  EXPECT_EQ(tokens("calls_out_1h >= 1.5e2 and protected_group in (\"courier\", 'taxi')"),
            "0 name calls_out_1h\n13 operator >=\n16 number 1.5e2\n22 name and\n26 name protected_group\n42 name "
            "in\n45 operator (\n46 text courier\n"
            "55 operator ,\n57 text taxi\n63 operator )\n64 end \n");
}

TEST(RuleTree, BindsAsExpected) {
  EXPECT_EQ(tree("calls_out_1h >= 100 and answered_ratio_out_1h < 0.2 or not calls_in_1h > 1 + 2 * 3"),
            "(or (and (>= calls_out_1h 100) (< answered_ratio_out_1h 0.2)) (not (> calls_in_1h (+ 1 (* 2 3)))))");
  EXPECT_EQ(tree("(calls_out_1h - calls_in_1h) / max(calls_in_1h, 1) > -2"),
            "(> (/ (- calls_out_1h calls_in_1h) (max calls_in_1h 1)) (- 2))");
  EXPECT_EQ(tree("not not emergency_or_service"), "emergency_or_service");
  EXPECT_EQ(tree("protected_group not in ('courier')"), "(not-in protected_group \"courier\")");
}

ContactsBound bound(std::string_view text) {
  std::vector<ExpressionFault> faults;
  const Tree t = parse(text, kNumberEntity, faults);
  return Program::compile(t).contacts_bound();
}

TEST(RulePlan, KnowsHowManyContactsMustComeAndWhoMakesThem) {
  const ContactsBound both = bound("calls_out_24h >= 60 and calls_in_1h > 9 and out_share_24h > 0.9");
  EXPECT_EQ(both.least, 60U);
  EXPECT_EQ(both.window, Window::k24h);
  EXPECT_TRUE(both.outgoing);
  const ContactsBound either = bound("calls_out_24h >= 60 or calls_in_7d > 9");
  EXPECT_EQ(either.least, 10U);
  EXPECT_EQ(either.window, Window::k7d);
  EXPECT_FALSE(either.outgoing);  // a call in may complete it
  EXPECT_FALSE(bound("calls_out_24h >= 0 and calls_in_1h > 9").outgoing);
  EXPECT_FALSE(bound("calls_out_24h <= 3 and calls_in_1h > 9").outgoing);
}

TEST(RulePlan, RunsTheCheapestTestFirst) {
  EXPECT_EQ(plan("regions_callee_24h > 5 and protected_group == 'courier' and calls_out_1h >= 100"),
            "0 test calls_out_1h >= 100\n1 skip_if_false to 5\n2 test regions_callee_24h > 5\n3 skip_if_false to 5\n4 "
            "text protected_group in \"courier\"\n"
            "cost 23, contacts at least 100 in 1h, outgoing\n");
  EXPECT_EQ(plan("20 * 3 < calls_out_1h or distinct_callees_1h / calls_out_1h > 0.5"),
            "0 test calls_out_1h > 60\n1 skip_if_true to 7\n2 feature distinct_callees_1h\n3 feature calls_out_1h\n4 "
            "divide\n5 number 0.5\n6 compare >\n"
            "cost 9, contacts at least 0 in 30d\n");
  EXPECT_EQ(plan("known_service not in ('cdn') and not is_private and flows_1h > 3", model::EntityKind::kIp),
            "0 test flows_1h > 3\n1 skip_if_false to 6\n2 text known_service not in \"cdn\"\n3 skip_if_false to 6\n4 "
            "fact is_private\n5 not\n"
            "cost 26, contacts at least 4 in 1h\n");
}

TEST(RulePlan, KnowsHowMuchADeviceOrCellMustHaveBeenTold) {
  EXPECT_TRUE(plan("device_distinct_numbers_24h >= 5 and device_calls_out_24h > 19", model::EntityKind::kDevice)
                  .ends_with("contacts at least 20 in 24h, numbers at least 5\n"));
  EXPECT_TRUE(plan("device_new_numbers_7d > 3 or device_calls_out_24h > 19", model::EntityKind::kDevice)
                  .ends_with("contacts at least 0 in 30d\n"));
  const auto bound = [](std::string_view expression) {
    std::vector<ExpressionFault> faults;
    const Tree tree = parse(expression, model::EntityKind::kCell, faults);
    EXPECT_TRUE(faults.empty());
    return Program::compile(tree).contacts_bound();
  };
  EXPECT_EQ(bound("cell_messages_1h >= 200 and cell_message_rise_1h > 3").kinds, kMessageSent);
  EXPECT_EQ(bound("cell_messages_1h >= 200 or cell_calls_out_1h >= 900").kinds, kMessageSent | kCallMade);
  EXPECT_EQ(bound("cell_messages_1h >= 200 and cell_distinct_numbers_24h >= 300").kinds, kAnyContact);
}

TEST(RuleFaults, SayWhereWhatAndWhatToDo) {
  EXPECT_EQ(faults_of("calls_out_1hr >= 100"),
            "0 unknown_feature: a rule about a number knows no 'calls_out_1hr'; did you mean 'calls_out_1h'?\n");
  EXPECT_EQ(
      faults_of("flows_1h > 1"),
      "0 unknown_feature: a rule about a number knows no 'flows_1h'; that one belongs to rules with entity = \"ip\"\n");
  EXPECT_EQ(faults_of("calls_out_1h = 3"), "13 unknown_character: '=' has no meaning here; compare with ==\n");
  EXPECT_EQ(faults_of("calls_out_1h"),
            "0 type_mismatch: the rule must be a condition, this is a number; compare it with something\n");
  EXPECT_EQ(faults_of("calls_out_1h and calls_in_1h > 1"),
            "0 type_mismatch: 'and' needs a condition, this is a number; compare it with something\n");
  EXPECT_EQ(faults_of("protected_group > 3"),
            "16 type_mismatch: '>' compares a text with a number; compare like with like\n");
  EXPECT_EQ(faults_of("1 < calls_out_1h < 3"),
            "17 chained_comparison: comparisons cannot be chained; write a < b and b < c\n");
  EXPECT_EQ(faults_of("calls_out_1h > 20%"),
            "15 bad_number: '20%' is not a number; write times in seconds, shares as 0.2, without units\n");
  EXPECT_EQ(faults_of("calls_out_1h >"),
            "14 expected: the expression ends too early; a feature, a number or a parenthesis belongs here\n");
  EXPECT_EQ(faults_of("(calls_out_1h > 1"), "17 expected: a parenthesis is not closed; close the one at offset 0\n");
  EXPECT_EQ(faults_of("avg(calls_out_1h, 2) > 1"),
            "0 unknown_function: there is no function 'avg'; the functions are min and max\n");
  EXPECT_EQ(faults_of("min(calls_out_1h) > 1"),
            "0 arguments: 'min' needs at least two arguments; give it another, or leave it out\n");
  EXPECT_EQ(faults_of("protected_group == \"taxi"), "19 open_text: this text has no closing quote; close it with \"\n");
  EXPECT_EQ(faults_of("   "), "3 empty: the expression is empty; say when the rule fires, as in calls_out_1h >= 100\n");
  EXPECT_EQ(faults_of("callz_out_1h > 1 and answerd_ratio_out_1h < 1 and 'x' + 1 > 2"),
            "0 unknown_feature: a rule about a number knows no 'callz_out_1h'; did you mean 'calls_out_1h'?\n"
            "21 unknown_feature: a rule about a number knows no 'answerd_ratio_out_1h'; did you mean "
            "'answered_ratio_out_1h'?\n"
            "50 type_mismatch: '+' needs a number, this is a text; use a feature or a number here\n");
  EXPECT_NE(faults_of(std::string(300, '(') + "1").find("too_deep"), std::string::npos);
  std::string nested = "calls_out_1h > ";
  for (int i = 0; i < 200; ++i) nested += "max(1,";
  EXPECT_NE(faults_of(nested).find("too_deep"), std::string::npos);
  EXPECT_NE(faults_of(std::string(5000, ' ')).find("too_long"), std::string::npos);
}

// ---- what a plan answers, against a walk over its tree ----

class Facts final : public NumberFacts {
 public:
  std::string_view protected_group(model::NumberKey) const override { return "courier"; }
  bool emergency_or_service(model::NumberKey) const override { return false; }
};

class Tried : public testing::Test {
 protected:
  Tried() {
    for (int i = 0; i < 30; ++i)
      numbers_.update(number_, hash_,
                      {EventMs{i * 20000},
                       model::NumberKey::e164(8613900000000U + static_cast<unsigned>(i % 20)),
                       i % 3 != 0,
                       false,
                       i % 2 == 0 ? model::Answered::kYes : model::Answered::kNo,
                       i,
                       {},
                       {}},
                      EventMs{i * 20000});
  }
  NumberActivity activity() { return {numbers_, *numbers_.find(number_, hash_, EventMs{600000}), number_}; }
  model::NumberKey number_ = model::NumberKey::e164(8613800000001);
  std::uint64_t hash_ = hash_of(model::key_of(number_));
  NumberActivities numbers_{NumberOptions{}};
  Facts facts_;
  Ports ports_{nullptr, nullptr, &facts_};
};

double walk(const Tree& t, std::uint32_t i, const RuleSubject& s) {
  const Node& n = t.nodes[i];
  const auto child = [&](std::size_t c) { return walk(t, n.children[c], s); };
  switch (n.kind) {
    case NodeKind::kNumber:
    case NodeKind::kBoolean:
      return n.number;
    case NodeKind::kFeature:
      return s.value(*n.feature);
    case NodeKind::kNegate:
      return -child(0);
    case NodeKind::kNot:
      return child(0) == 0;
    case NodeKind::kAdd:
      return child(0) + child(1);
    case NodeKind::kSubtract:
      return child(0) - child(1);
    case NodeKind::kMultiply:
      return child(0) * child(1);
    case NodeKind::kDivide:
      return child(1) == 0 ? std::nan("") : child(0) / child(1);
    case NodeKind::kMin:
      return std::min(child(0), child(1));
    case NodeKind::kMax:
      return std::max(child(0), child(1));
    case NodeKind::kEqual:
      return child(0) == child(1);
    case NodeKind::kNotEqual:
      return child(0) < child(1) || child(0) > child(1);
    case NodeKind::kLess:
      return child(0) < child(1);
    case NodeKind::kLessEqual:
      return child(0) <= child(1);
    case NodeKind::kGreater:
      return child(0) > child(1);
    case NodeKind::kGreaterEqual:
      return child(0) >= child(1);
    case NodeKind::kAnd: {
      bool all = true;
      for (std::size_t c = 0; c < n.children.size(); ++c) all = (child(c) != 0) && all;
      return all;
    }
    case NodeKind::kOr: {
      bool any = false;
      for (std::size_t c = 0; c < n.children.size(); ++c) any = (child(c) != 0) || any;
      return any;
    }
    default:
      return std::nan("");
  }
}

std::string random_number(std::mt19937_64& r, int depth);
std::string random_condition(std::mt19937_64& r, int depth) {
  constexpr const char* kSigns[] = {"<", "<=", ">", ">=", "==", "!="};
  if (depth > 0 && r() % 3 != 0) {
    if (r() % 4 == 0) return "not (" + random_condition(r, depth - 1) + ")";
    std::string out = "(" + random_condition(r, depth - 1);
    const char* word = r() % 2 == 0 ? " and " : " or ";
    for (std::uint64_t i = 0; i < 1 + r() % 3; ++i) out += word + random_condition(r, depth - 1);
    return out + ")";
  }
  return random_number(r, depth) + " " + kSigns[r() % 6] + " " + random_number(r, depth);
}
std::string random_number(std::mt19937_64& r, int depth) {
  constexpr const char* kFeatures[] = {"calls_out_1h",         "calls_in_5m",     "answered_ratio_out_24h",
                                       "distinct_callees_7d",  "messages_out_1h", "short_ratio_out_5m",
                                       "answered_ratio_out_5m"};
  if (depth > 0 && r() % 2 == 0) {
    constexpr const char* kSigns[] = {" + ", " - ", " * ", " / "};
    if (r() % 4 == 0) return (r() % 2 == 0 ? "min(" : "max(") + random_number(r, depth - 1) + ", 3)";
    return "(" + random_number(r, depth - 1) + kSigns[r() % 4] + random_number(r, depth - 1) + ")";
  }
  return r() % 3 == 0 ? fmt::to_string(r() % 20) : kFeatures[r() % 7];
}

TEST_F(Tried, APlanAnswersAsItsTreeDoes) {
  std::mt19937_64 random(7);
  const NumberActivity activity = this->activity();
  const RuleSubject subject{&activity, nullptr, &ports_};
  int held = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string text = random_condition(random, 4);
    std::vector<ExpressionFault> faults;
    const Tree t = parse(text, kNumberEntity, faults);
    if (text.size() > 4096) continue;
    ASSERT_TRUE(faults.empty()) << text << "\n" << faults[0].message;
    const Program program = Program::compile(t);
    const bool holds = program.holds(subject);
    ASSERT_EQ(holds, walk(t, t.root, subject) != 0) << text << "\n" << program.dump();
    if (holds) {
      ASSERT_FALSE(activity.fewer_than(program.contacts_bound().least, program.contacts_bound().window)) << text;
    }
    held += holds;
  }
  EXPECT_GT(held, 300);
}

TEST_F(Tried, NotKnownMakesEveryComparisonFalse) {
  const NumberActivity activity = this->activity();
  const RuleSubject subject{&activity, nullptr, &ports_};
  const auto holds = [&](std::string_view text) {
    std::vector<ExpressionFault> faults;
    const Tree t = parse(text, kNumberEntity, faults);
    EXPECT_TRUE(faults.empty());
    return Program::compile(t).holds(subject);
  };
  EXPECT_FALSE(holds("calls_out_1h / messages_out_1h > 0"));
  EXPECT_FALSE(holds("calls_out_1h / messages_out_1h <= 0"));
  EXPECT_FALSE(holds("calls_out_1h / messages_out_1h != 1"));
  EXPECT_TRUE(holds("protected_group in ('taxi', 'courier')"));
  EXPECT_FALSE(holds("protected_group != 'courier'"));
  EXPECT_TRUE(holds("'courier' == protected_group"));
}

TEST_F(Tried, EvidenceIsWhatHeldInTheOrderWritten) {
  std::vector<ExpressionFault> faults;
  const Tree t = parse("(calls_in_1h > 1000 or calls_out_1h >= 10) and distinct_callees_1h > 0.5 * calls_out_1h",
                       kNumberEntity, faults);
  const NumberActivity activity = this->activity();
  const RuleSubject subject{&activity, nullptr, &ports_};
  const Program program = Program::compile(t);
  ASSERT_TRUE(program.holds(subject));
  const auto evidence = program.evidence(subject);
  ASSERT_EQ(evidence.size(), 2U);
  EXPECT_EQ(evidence[0], (model::Evidence{"calls_out_1h", 20, 10, "calls"}));
  EXPECT_EQ(evidence[1].feature, "distinct_callees_1h");
  EXPECT_EQ(evidence[1].threshold, 10);
}

// ---- files ----

std::string rule(std::string_view id, std::string_view when, std::string_view more = "") {
  return fmt::format(
      "[[rule]]\nid = \"{}\"\nentity = \"number\"\nwhen = \"{}\"\nseverity = 60\nconfidence = 0.7\ntopic = \"t\"\n"
      "title = {{ zh = \"题\", en = \"title\" }}\nmessage = {{ zh = \"话\", en = \"message\" }}\nground = \"art. "
      "14\"\n{}\n",
      id, when, more);
}
RuleCompilation compile(std::vector<RuleSource> sources) {
  return RuleSet::compile(sources);
}
std::string faults_text(const RuleCompilation& c) {
  std::string out;
  for (const RuleFault& f : c.faults) out += f.text() + "\n";
  return out;
}

TEST(RuleFiles, AGoodSetCompiles) {
  const RuleCompilation c = compile(
      {{"a.toml", rule("b_rule", "calls_out_1h > 10", "cooldown = \"10m\"\nstate = \"shadow\"")},
       {"b.toml", rule("a_rule", "distinct_callees_1h > 30") + rule("off", "calls_in_1h > 3", "enabled = false")}});
  ASSERT_EQ(faults_text(c), "");
  ASSERT_EQ(c.rules->rules().size(), 2U);
  EXPECT_EQ(c.rules->rules()[0].id, "a_rule");
  EXPECT_TRUE(c.rules->rules()[1].shadow);
  EXPECT_EQ(c.rules->rules()[1].cooldown, std::chrono::minutes(10));
  EXPECT_EQ(c.rules->disabled(), 1U);
  EXPECT_EQ(c.rules->numbers()[0]->id, "b_rule");  // cheaper
  EXPECT_EQ(c.rules->contacts_min_numbers(), 11U);
  EXPECT_EQ(c.rules->find("off"), nullptr);
  const RuleCompilation other = compile({{"a.toml", rule("a_rule", "distinct_callees_1h > 31")}});
  EXPECT_NE(other.rules->digest(), c.rules->digest());
}

TEST(RuleFiles, AllFaultsOfAllFilesAreToldAtOnce) {
  const std::string bad = rule("One", "calls_out_1h > 10 and calls_out_2h > 1", "cooldwn = \"3h\"") +
                          rule("two", "calls_out_1h >= ", "severity2 = 1");
  const RuleCompilation c = compile({{"z.toml", "[[rule]\n"}, {"b.toml", bad}, {"a.toml", "[rules]\nx = 1\n"}});
  EXPECT_EQ(c.rules, nullptr);
  EXPECT_EQ(
      faults_text(c),
      "a.toml:1:2: a rule file has no 'rules' [unknown_key]; begin each rule with [[rule]]\n"
      "b.toml:2:6: 'One' is not an id [bad_id]; use small letters, digits and _, beginning with a letter\n"
      "b.toml:4:31: a rule about a number knows no 'calls_out_2h' [unknown_feature]; did you mean 'calls_out_1h'?\n"
      "b.toml:11:1: a rule has no 'cooldwn' [unknown_key]; did you mean 'cooldown'?\n"
      "b.toml:15:25: the expression ends too early [expected]; a feature, a number or a parenthesis belongs here\n"
      "b.toml:22:1: a rule has no 'severity2' [unknown_key]; did you mean 'severity'?\n" +
          faults_text(c).substr(faults_text(c).find("z.toml")));
  EXPECT_NE(faults_text(c).find("z.toml:1:"), std::string::npos);
  EXPECT_NE(faults_text(c).find("[bad_toml]"), std::string::npos);
}

TEST(RuleFiles, AFaultInALongExpressionHasItsOwnLine) {
  std::string text = rule("one", "X");
  text.replace(text.find("\"X\""), 3, "\"\"\"\n  calls_out_1h >= 100\n  and \\\n     callz_in_1h < 3\n\"\"\"");
  const RuleCompilation c = compile({{"a.toml", text}});
  EXPECT_EQ(
      faults_text(c),
      "a.toml:7:6: a rule about a number knows no 'callz_in_1h' [unknown_feature]; did you mean 'calls_in_1h'?\n");
}

TEST(RuleFiles, MissingAndWrongValuesAreTold) {
  const RuleCompilation c =
      compile({{"a.toml",
                "[[rule]]\nid = \"x\"\nentity = \"person\"\nwhen = 3\nseverity = 101\nconfidence = \"high\"\ntopic = "
                "\"\"\ntitle = { en = \"t\", fr = \"t\" }\n"
                "message = \"m\"\ncooldown = \"3 weeks\"\nenabled = 1\nstate = \"on\"\ntechniques = [1]\n"}});
  const std::string text = faults_text(c);
  for (const char* part :
       {"a.toml:1:1: the rule has no 'ground' [missing_key]",
        "a.toml:3:10: rules cannot be about 'person' [unknown_entity]", "a.toml:4:8: 'when' must be a text",
        "a.toml:5:12: severity = 101 is outside 0 … 100 [out_of_bounds]", "a.toml:6:14: 'confidence' must be a number",
        "a.toml:7:9: 'topic' is empty", "'title.zh' is missing", "'title' has no 'fr'",
        "'message' must be a table with zh and en", "'3 weeks' is not a duration [bad_duration]",
        "'enabled' must be true or false", "'on' is not a state", "'techniques' must be a list of texts"})
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
}

TEST(RuleFiles, OnlyStringsAndCommentsMayBeOtherThanAscii) {
  const RuleCompilation c = compile({{"a.toml", "# 注释 ok\n" + rule("one", "calls_out_1h > 1") + "级别 = 3\n"}});
  EXPECT_EQ(faults_text(c).substr(0, 75),
            "a.toml:13:1: only strings and comments may hold other than ASCII characters");
  EXPECT_NE(faults_text(compile({{"a.toml",
                                  "x = 1\nis_priv\xEF\xBB\x87"
                                  "ate = 1\n"}}))
                .find("a.toml:2:8: only strings"),
            std::string::npos);
}

TEST(RuleFiles, AnIdStandsOnce) {
  const RuleCompilation c =
      compile({{"a.toml", rule("same", "calls_out_1h > 1")}, {"b.toml", rule("same", "calls_out_1h > 2")}});
  EXPECT_EQ(faults_text(c),
            "b.toml:1:1: 'same' is also the id of the rule at a.toml:1 [duplicate_id]; give one of them another id\n");
}

TEST(Catalogue, NamesAreWholeAndTold) {
  std::set<std::string> names;
  for (const Feature& f : features()) {
    EXPECT_TRUE(names.insert(f.name).second) << f.name;
    EXPECT_EQ((f.number != nullptr) + (f.host != nullptr) + (f.dialling != nullptr) + (f.device != nullptr) +
                  (f.cell != nullptr),
              1)
        << f.name;
    EXPECT_EQ(f.entity == model::EntityKind::kNumber, f.number != nullptr || f.dialling != nullptr) << f.name;
    EXPECT_FALSE(f.doc_en.empty() || f.doc_zh.empty() || f.unit.empty()) << f.name;
    EXPECT_EQ(find_feature(f.entity, f.name), &f);
    EXPECT_EQ(&features()[f.id], &f);
  }
  for (const char* name : {"calls_out_5m",           "calls_out_7d",       "distinct_callees_1h",
                           "answered_ratio_out_24h", "return_calls_24h",   "repeat_ratio_out_24h",
                           "first_seen_age_s",       "idle_before_s",      "distinct_devices_24h",
                           "night_share_24h",        "regions_callee_24h", "max_calls_per_minute_5m",
                           "talk_s_mean_out_1h",     "flows_5m",           "distinct_dst_hosts_1h",
                           "distinct_dst_pairs_24h", "failed_ratio_1h",    "bytes_out_1h",
                           "dns_queries_1h",         "nxdomain_ratio_1h",  "distinct_nxdomains_1h",
                           "logins_failed_1h"})
    EXPECT_TRUE(names.contains(name)) << name;
}

}  // namespace
}  // namespace pandun::detect
