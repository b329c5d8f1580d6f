// A snapshot with its overlay answers as a plain map would, whatever was published and changed in whatever order.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "base/prng.h"
#include "decide/decider.h"
#include "decide/policy.h"
#include "platform/file_system.h"

namespace pandun::decide {
namespace {

using model::NumberKey;
constexpr WallMs kNow{1'790'000'000'000};

NumberKey some(Prng& prng) {
  return NumberKey::e164(8613000000000 + prng.below(400));
}

struct Model {
  std::map<NumberKey, std::vector<MeasureEntry>> measures;
  std::map<NumberKey, std::set<NumberKey>> blocked;

  // The id that decides, or what else does.
  std::string answer(NumberKey from, NumberKey to) const {
    if (const auto it = blocked.find(to); it != blocked.end() && it->second.contains(from)) return "blocked_by_callee";
    const MeasureEntry* best = nullptr;
    const auto it = measures.find(from);
    for (std::size_t i = 0; it != measures.end() && i < it->second.size(); ++i) {
      const MeasureEntry& m = it->second[i];
      if (m.verdict == Verdict::kAllow || m.expires <= kNow) continue;
      if (best == nullptr || m.verdict > best->verdict ||
          (m.verdict == best->verdict &&
           (m.expires > best->expires || (m.expires == best->expires && m.measure < best->measure))))
        best = &m;
    }
    return best == nullptr ? "clear" : best->measure;
  }
};

MeasureEntry entry(Prng& prng, NumberKey number) {
  return {number, static_cast<Verdict>(prng.below(3)), WallMs{kNow.ms - 5 + static_cast<std::int64_t>(prng.below(20))},
          "M-" + std::to_string(prng.below(100'000))};
}

TEST(SnapshotProperty, ChangesAndRebuildsEqualBruteForce) {
  const std::uint64_t seed = 11;
  Prng prng(seed);
  for (int round = 0; round < 10; ++round) {
    Decider decider({64, 64, 64, 1});
    Model model;
    SnapshotInput input;
    for (int i = 0; i < 300; ++i) {
      const MeasureEntry made = entry(prng, some(prng));
      model.measures[made.number].push_back(made);
      input.measures.push_back(made);
      const NumberKey callee = some(prng), caller = some(prng);
      model.blocked[callee].insert(caller);
      input.callee_blocks.push_back({callee, caller});
    }
    decider.publish(std::move(input));
    for (int step = 0; step < 30; ++step) {
      Change change;
      for (std::uint64_t i = 0, n = 1 + prng.below(5); i < n; ++i) {
        const NumberKey number = some(prng);
        if (std::any_of(change.measures.begin(), change.measures.end(),
                        [&](const auto& m) { return m.number == number; }))
          continue;
        std::vector<MeasureEntry> entries;
        for (std::uint64_t k = prng.below(3); k > 0; --k) entries.push_back(entry(prng, number));
        model.measures[number] = entries;
        change.measures.push_back({number, entries});
      }
      const NumberKey callee = some(prng);
      const std::vector<NumberKey> blocked{some(prng), some(prng)};
      model.blocked[callee] = {blocked.begin(), blocked.end()};
      change.callees.push_back({callee, 0, blocked});
      decider.change(std::move(change));
      for (int i = 0; i < 200; ++i) {
        Question q;
        q.from = some(prng);
        q.to = some(prng);
        q.at = kNow;
        const Answer answer = decider.call(q);
        const std::string said = answer.measure.empty() ? std::string(name(answer.reason)) : answer.measure.str();
        ASSERT_EQ(said, model.answer(q.from, q.to)) << "seed " << seed << " round " << round << " step " << step;
      }
    }
  }
}

TEST(SnapshotProperty, ALongOverlayIsWorkedIntoTheBase) {
  Decider decider;
  decider.publish({});
  std::uint64_t largest = 0;
  for (std::uint64_t i = 0; i < 3000; ++i) {
    Change change;
    const NumberKey number = NumberKey::e164(8613000000000 + i);
    change.measures.push_back({number, {{number, Verdict::kReject, WallMs{kNow.ms + 1}, std::to_string(i)}}});
    if (i % 2 == 1) change.measures.push_back({NumberKey::e164(8613000000000 + i - 1), {}});
    decider.change(std::move(change));
    largest = std::max(largest, decider.figures().overlay);
  }
  EXPECT_LE(largest, 1026U);
  EXPECT_GT(decider.figures().measures, 400U);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    Question q;
    q.from = NumberKey::e164(8613000000000 + i);
    q.to = NumberKey::e164(8613900000000);
    q.at = kNow;
    ASSERT_EQ(decider.call(q).measure.view(), i % 2 == 1 ? std::to_string(i) : "") << i;
  }
}

TEST(FixedText, CutsAtAWholeCharacter) {
  FixedText<7> text("疑似诈骗");
  EXPECT_EQ(text.view(), "疑似");
  text.append("ab");
  EXPECT_EQ(text.view(), "疑似a");
}

std::string content(const char* name) {
  auto text = platform::read_file(platform::posix_files(), std::string(PANDUN_SOURCE_DIR "/content/decide/") + name);
  return text.ok() ? *text : std::string();
}

TEST(Content, ShippedPoliciesAreSoundAndAllOff) {
  const auto policies = parse_policies("policies.toml", content("policies.toml"));
  ASSERT_TRUE(policies.ok()) << policies.error().text();
  EXPECT_FALSE(policies->empty());
  for (const Policy& policy : *policies) EXPECT_FALSE(policy.enabled) << policy.id;
  const auto trunks = parse_trunks("trunks.toml", content("trunks.toml"));
  ASSERT_TRUE(trunks.ok()) << trunks.error().text();
  EXPECT_EQ(trunks->trunks.size(), 3U);
}

TEST(Content, AHoldSwitchedOnWithoutTwoPeopleIsRefused) {
  std::string text = content("policies.toml");
  text.replace(text.rfind("enabled = false"), 15, "enabled = true");
  const auto alone = parse_policies("p.toml", text);
  ASSERT_FALSE(alone.ok());
  EXPECT_NE(alone.error().message.find("two different people"), std::string::npos) << alone.error().message;
  const auto with = [&](const std::string& people) {
    std::string whole = text;
    whole.replace(whole.rfind("approved_by = []"), 16,
                  "approved_by = [" + people +
                      "]\napproved_at = \"2026-01-01T00:00:00+08:00\"\nexpires_at = \"2026-06-30T00:00:00+08:00\"");
    return parse_policies("p.toml", whole).ok();
  };
  EXPECT_TRUE(with(R"("li.wei", "wang.fang")"));
  EXPECT_FALSE(with(R"("li.wei", "li.wei")"));
  EXPECT_FALSE(with(R"("li.wei", "")"));
}

TEST(Content, FaultsNameTheirPlaces) {
  const auto bad = parse_trunks(
      "t.toml", "[[trunk]]\nname = \"a\"\ndirection = \"up\"\ntruste = true\n[[false_form]]\nprefix = \"x\"\n");
  ASSERT_FALSE(bad.ok());
  for (const char* part :
       {"t.toml:3:13: direction \"up\"", "t.toml:4:10: \"truste\" is not known", "t.toml:5:1: prefix"})
    EXPECT_NE(bad.error().message.find(part), std::string::npos) << part << " in\n" << bad.error().message;
}

TEST(Trunk, DialPlanStripsThenAdds) {
  Trunk trunk;
  trunk.strip = "9";
  trunk.add = "0";
  EXPECT_EQ(apply_dial_plan(trunk, "95718888"), "05718888");
  EXPECT_EQ(apply_dial_plan(trunk, "5718888"), "5718888");
  EXPECT_EQ(apply_dial_plan(trunk, "+86571"), "+86571");
  trunk.strip = "";
  EXPECT_EQ(apply_dial_plan(trunk, "571"), "0571");
}

}  // namespace
}  // namespace pandun::decide
