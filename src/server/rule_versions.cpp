#include "server/rule_versions.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <charconv>

#include "guard/json_writer.h"

namespace pandun::server {
namespace {

constexpr const char* kCount = "rule_versions";
constexpr std::size_t kReasonMax = 2000, kVersionsMax = 5000;
namespace dom = simdjson::dom;
using Entry = RuleVersions::Entry;

std::string key_of(std::int64_t n) {
  return "rule_version." + std::to_string(n);
}
std::string id_of(std::int64_t n) {
  return fmt::format("V-{:06}", n);
}
std::int64_t number_of(const std::string& id) {
  std::int64_t n = 0;
  if (!id.starts_with("V-")) return 0;
  const auto [end, code] = std::from_chars(id.data() + 2, id.data() + id.size(), n);
  return code == std::errc() && end == id.data() + id.size() ? n : 0;
}

std::string written(const Entry& v) {
  std::string out;
  guard::JsonWriter w(out);
  w.begin_object().field("id", v.id).field("rule", v.rule).field("state", v.state);
  w.local("title", v.title.zh, v.title.en).field("entity", v.entity).field("digest", v.digest);
  w.field("text", v.text).field("note", v.note).field("author", v.author);
  w.field_integer("created_ms", v.created_at.ms).field_integer("changed_ms", v.changed_at.ms);
  w.field("proposed_by", v.proposed_by).field("back_test", v.back_test).field("approved_by", v.approved_by);
  w.field("replaces", v.replaces).key("steps").begin_array();
  for (const api::RuleStepEntry& step : v.steps) {
    w.begin_object().field_integer("at_ms", step.at.ms).field("by", step.by).field("action", step.action);
    w.field("note", step.note).end_object();
  }
  w.end_array().end_object();
  return out;
}

std::string text(const dom::element& element, std::string_view key) {
  std::string_view value;
  return element[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}
WallMs time(const dom::element& element, std::string_view key) {
  std::int64_t value = 0;
  return {element[key].get(value) == simdjson::SUCCESS ? value : 0};
}

Result<Entry> read(const std::string& kept, const std::string& key) {
  dom::parser parser;
  dom::element root;
  Entry v;
  if (parser.parse(kept).get(root) == simdjson::SUCCESS) {
    v.id = text(root, "id");
    v.rule = text(root, "rule");
    v.state = text(root, "state");
    dom::element title;
    if (root["title"].get(title) == simdjson::SUCCESS) v.title = {text(title, "zh"), text(title, "en")};
    v.entity = text(root, "entity");
    v.digest = text(root, "digest");
    v.text = text(root, "text");
    v.note = text(root, "note");
    v.author = text(root, "author");
    v.created_at = time(root, "created_ms");
    v.changed_at = time(root, "changed_ms");
    v.proposed_by = text(root, "proposed_by");
    v.back_test = text(root, "back_test");
    v.approved_by = text(root, "approved_by");
    v.replaces = text(root, "replaces");
    dom::array steps;
    if (root["steps"].get(steps) == simdjson::SUCCESS)
      for (const dom::element step : steps)
        v.steps.push_back({time(step, "at_ms"), text(step, "by"), text(step, "action"), text(step, "note")});
  }
  if (v.id.empty() || v.rule.empty() || v.state.empty())
    return error(Errc::kCorrupt, key, "does not read; restore the records from a backup");
  return v;
}

Result<std::vector<Entry>> read_all(const store::View& view) {
  std::vector<Entry> out;
  TRY_ASSIGN(const std::int64_t count, view.values().counter(kCount));
  for (std::int64_t n = 1; n <= count; ++n) {
    TRY_ASSIGN(const auto kept, view.values().find(key_of(n)));
    if (!kept) return error(Errc::kCorrupt, key_of(n), "is missing; restore the records from a backup");
    TRY_ASSIGN(Entry one, read(*kept, key_of(n)));
    out.push_back(std::move(one));
  }
  return out;
}

Entry* find_in(std::vector<Entry>& all, const std::string& id) {
  const auto it = std::find_if(all.begin(), all.end(), [&](const Entry& v) { return v.id == id; });
  return it == all.end() ? nullptr : &*it;
}
Entry* live_of(std::vector<Entry>& all, const std::string& rule) {
  const auto it =
      std::find_if(all.begin(), all.end(), [&](const Entry& v) { return v.rule == rule && v.state == "live"; });
  return it == all.end() ? nullptr : &*it;
}

Error unknown(const std::string& id) {
  return error(Errc::kNotFound, id, "there is no such version of a rule");
}

Result<> expect(const Entry& version, std::string_view state, std::string_view otherwise) {
  if (version.state == state) return {};
  return error(Errc::kConflict, version.id, fmt::format("is {}, not {}: {}", version.state, state, otherwise));
}

}  // namespace

const api::BacktestEntry* RuleVersions::newest_of(const std::vector<api::BacktestEntry>& tests,
                                                  std::string_view digest) {
  const auto it = std::find_if(tests.begin(), tests.end(), [&](const api::BacktestEntry& test) {
    return test.kind == "rule" && test.digest == digest;
  });
  return it == tests.end() ? nullptr : &*it;
}

bool RuleVersions::fresh(const api::BacktestEntry& test) const {
  return clock_.wall().ms - test.finished_at.ms <= std::chrono::duration_cast<std::chrono::milliseconds>(age_).count();
}

Result<std::vector<Entry>> RuleVersions::list() const {
  return kept_rule_versions(store_);
}

Result<Entry> RuleVersions::find(const std::string& id) const {
  std::optional<Entry> out;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto kept, view.values().find(key_of(number_of(id))));
    if (kept) {
      TRY_ASSIGN(out, read(*kept, id));
    }
    return {};
  }));
  if (!out || out->id != id) return unknown(id);
  return std::move(*out);
}

Result<> RuleVersions::record(store::Tx& tx, const guard::Actor& actor, Entry& version, std::string_view action,
                              const std::string& note) const {
  version.changed_at = clock_.wall();
  version.steps.push_back({version.changed_at, actor.name, std::string(action), note});
  TRY(tx.values().put(key_of(number_of(version.id)), written(version)));
  return audit_.record(tx, actor, fmt::format("rule.{}", action), "rule:" + version.rule,
                       {{"version", version.id},
                        {"digest", version.digest},
                        {"state", version.state},
                        {"back_test", version.back_test},
                        {"note", note}});
}

Result<Entry> RuleVersions::add(const guard::Actor& actor, Entry draft) const {
  TRY(guard::require(actor, guard::Right::kIntelWrite));
  if (draft.note.empty()) return error(Errc::kUsage, "note", "say what changes and why: a version needs a change note");
  if (draft.note.size() > kReasonMax) return error(Errc::kUsage, "note", "is longer than 2000 bytes");
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const std::int64_t n, tx.values().add(kCount, 1));
    if (n > static_cast<std::int64_t>(kVersionsMax))
      return error(Errc::kTooLarge, "rule versions", "5000 versions are kept at most");
    draft.id = id_of(n);
    draft.state = "draft";
    draft.author = actor.person.empty() ? actor.name : actor.person;
    draft.created_at = clock_.wall();
    return record(tx, actor, draft, "draft", draft.note);
  }));
  return draft;
}

Result<> RuleVersions::propose(const guard::Actor& actor, Entry& version, const api::RuleStepWish& wish,
                               const std::vector<api::BacktestEntry>& tests) const {
  if (actor.token || actor.person.empty())
    return error(Errc::kNotAllowed, actor.name, "putting a rule live is proposed by a person, never by an API token");
  TRY(expect(version, "shadow", "let it run in shadow first"));
  const api::BacktestEntry* test = newest_of(tests, version.digest);
  if (!wish.back_test.empty())
    for (const api::BacktestEntry& each : tests)
      if (each.id == wish.back_test && each.digest == version.digest) test = &each;
  if (test == nullptr || (!wish.back_test.empty() && test->id != wish.back_test))
    return error(
        Errc::kConflict, version.id,
        wish.back_test.empty()
            ? std::string("no back-test of exactly this text is kept: run one, then propose again")
            : fmt::format("{} is no back-test of exactly this text: run one, then propose again", wish.back_test));
  if (!fresh(*test))
    return error(Errc::kConflict, version.id,
                 fmt::format("its back-test {} is older than {} hours (rules.back_test_age_h): run it again, then "
                             "propose again",
                             test->id, age_.count()));
  version.proposed_by = actor.person;
  version.back_test = test->id;
  return {};
}

Result<> RuleVersions::approve(const guard::Actor& actor, Entry& version, const api::RuleStepWish& wish,
                               const std::vector<api::BacktestEntry>& tests, std::vector<Entry>& all) const {
  TRY(guard::require(actor, guard::Right::kMeasureApprove));
  if (version.proposed_by.empty())
    return error(Errc::kConflict, version.id, "nobody has proposed it: an analyst proposes, a second person approves");
  TRY(expect(version, "shadow", "only a version in shadow goes live"));
  if (actor.person == version.proposed_by || actor.person == version.author)
    return error(Errc::kNotAllowed, actor.person,
                 "nobody approves what they wrote or proposed: a second person is needed");
  const auto test = std::find_if(tests.begin(), tests.end(), [&](const api::BacktestEntry& each) {
    return each.id == version.back_test && each.digest == version.digest;
  });
  if (test == tests.end() || !fresh(*test))
    return error(Errc::kConflict, version.id,
                 fmt::format("its back-test {} is gone or older than {} hours (rules.back_test_age_h): refuse, let it "
                             "run again, and propose anew",
                             version.back_test, age_.count()));
  if (wish.back_test != test->id || wish.people != test->people)
    return error(
        Errc::kConflict, version.id,
        fmt::format("the proposal rests on back-test {}: read it, and name it with the count it shows", test->id));
  version.approved_by = actor.person;
  version.state = "live";
  version.replaces = "content";
  if (Entry* before = live_of(all, version.rule); before != nullptr && before->id != version.id)
    version.replaces = before->id;
  return {};
}

Result<Entry> RuleVersions::step(const guard::Actor& actor, const std::string& id, std::string_view action,
                                 const api::RuleStepWish& wish) const {
  if (wish.reason.empty() || wish.reason.size() > kReasonMax)
    return error(Errc::kUsage, "reason", "say why, in at most 2000 bytes");
  if (action != "approve" && action != "refuse") TRY(guard::require(actor, guard::Right::kIntelWrite));
  TRY_ASSIGN(const auto tests, shelf_.list());
  std::optional<Entry> out;
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto all, read_all(tx));
    Entry* version = find_in(all, id);
    if (version == nullptr) return unknown(id);
    if (action == "shadow") {
      TRY(expect(*version, "draft", "it has been there already"));
      version->state = "shadow";
    } else if (action == "propose") {
      TRY(propose(actor, *version, wish, tests));
    } else if (action == "approve") {
      TRY(approve(actor, *version, wish, tests, all));
      if (Entry* before = find_in(all, version->replaces); before != nullptr) {
        before->state = "retired";
        TRY(record(tx, actor, *before, "replaced", "by " + version->id));
      }
    } else if (action == "refuse") {
      TRY(guard::require(actor, guard::Right::kMeasureApprove));
      if (version->proposed_by.empty() || version->state != "shadow")
        return error(Errc::kConflict, version->id, "there is no open proposal to refuse");
      version->proposed_by.clear();
      version->back_test.clear();
    } else if (action == "retire") {
      if (version->state == "retired" || version->state == "live")
        return error(Errc::kConflict, version->id,
                     version->state == "live" ? "is live: roll the rule back instead" : "is retired already");
      version->state = "retired";
      version->proposed_by.clear();
    } else {
      return error(Errc::kNotFound, std::string(action), "is no step: shadow, propose, approve, refuse, retire");
    }
    TRY(record(tx, actor, *version, action, wish.reason));
    out = *version;
    return {};
  }));
  return std::move(*out);
}

Result<Entry> RuleVersions::roll_back(const guard::Actor& actor, const std::string& rule,
                                      const std::string& reason) const {
  // What it ends is the newer rule's effect: one person is enough, and either kind may see that it must stop.
  if (!guard::allows(actor, guard::Right::kMeasureApprove)) TRY(guard::require(actor, guard::Right::kIntelWrite));
  if (actor.token) return error(Errc::kNotAllowed, actor.name, "a rule is rolled back by a person");
  if (reason.empty() || reason.size() > kReasonMax)
    return error(Errc::kUsage, "reason", "say why, in at most 2000 bytes");
  std::optional<Entry> out;
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto all, read_all(tx));
    Entry* live = live_of(all, rule);
    if (live == nullptr)
      return error(Errc::kConflict, rule,
                   "has no live version of the desk's: what the content's files say is changed in those files");
    Entry* before = find_in(all, live->replaces);
    live->state = "retired";
    TRY(record(tx, actor, *live, "roll_back", reason));
    out = *live;
    if (before == nullptr) return {};
    before->state = "live";
    TRY(record(tx, actor, *before, "live_again", "instead of " + live->id + ": " + reason));
    out = *before;
    return {};
  }));
  return std::move(*out);
}

Result<std::vector<Entry>> kept_rule_versions(const store::Store& store) {
  std::vector<Entry> out;
  TRY(store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, read_all(view));
    return {};
  }));
  return out;
}

}  // namespace pandun::server
