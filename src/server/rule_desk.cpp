#include "server/rule_desk.h"

#include <fmt/format.h>

#include <algorithm>

#include "platform/thread.h"
#include "server/rule_book.h"
#include "server/shipped_rules.h"

namespace pandun::server {
namespace {

constexpr std::size_t kTextMax = 64U << 10;
constexpr std::string_view kMark = "__v";

std::string shadow_name(const api::RuleVersionEntry& version) {
  return version.rule + std::string(kMark) + version.id.substr(version.id.find_first_not_of("V-0"));
}

Result<RuleText> one_rule(const std::string& text, const std::string& name) {
  TRY_ASSIGN(auto rules, split_rules(text, name));
  if (rules.size() != 1) return error(Errc::kBadInput, name, "a version is one rule: give exactly one [[rule]]");
  return std::move(rules.front());
}

}  // namespace

RuleDesk::RuleDesk(RuleDeskParts parts)
    : parts_(std::move(parts)),
      shelf_(parts_.store, parts_.audit),
      versions_(parts_.store, parts_.audit, parts_.room.clock, shelf_,
                std::chrono::hours(parts_.room.settings.integer("rules.back_test_age_h"))) {
  limits_.memory_bytes = static_cast<std::uint64_t>(parts_.room.settings.integer("backtest.memory_mb")) << 20;
  limits_.people_max = static_cast<std::uint64_t>(parts_.room.settings.integer("backtest.people_max"));
}

Result<> RuleDesk::publish() {
  const std::scoped_lock lock(publishing_);
  auto& files = parts_.room.files;
  const std::string directory = managed_rules_directory(parts_.room.data);
  TRY(files.make_directories(directory));
  std::map<std::string, std::string> wanted;
  TRY_ASSIGN(const auto all, versions_.list());
  for (const api::RuleVersionEntry& version : all) {
    if (version.state != "live" && version.state != "shadow") continue;
    TRY_ASSIGN(const RuleText text, one_rule(version.text, version.id));
    const bool live = version.state == "live";
    const std::string name = live ? version.rule : shadow_name(version);
    wanted[fmt::format("{}{}.toml", kManagedPrefix, name)] = text.as_file(version.state, name);
  }
  TRY_ASSIGN(const auto present, files.list(directory));
  for (const std::string& name : present)
    if (name.starts_with(kManagedPrefix) && wanted.find(name) == wanted.end())
      TRY(files.remove(platform::join(directory, name)));
  for (const auto& [name, text] : wanted) {
    const std::string path = platform::join(directory, name);
    const auto had = platform::read_file(files, path, 1U << 20);
    if (!had.ok() || *had != text) TRY(platform::replace_file(files, path, text));
  }
  return {};
}

Result<RuleText> RuleDesk::check_text(const std::string& text) const {
  if (text.size() > kTextMax) return error(Errc::kTooLarge, "/text", "a rule has at most 64 KiB");
  auto rule = one_rule(text, "text");
  if (!rule.ok()) return error(Errc::kBadInput, "/text", rule.error().message);
  if (rule->id.find(kMark) != std::string::npos || rule->id.starts_with("backtest_candidate_") || rule->id.size() > 48)
    return error(Errc::kBadInput, "/text",
                 fmt::format("{}: ids have at most 48 letters, hold no {} and do not begin with backtest_candidate_",
                             rule->id, kMark));
  const std::vector<detect::RuleSource> source{{"text", rule->as_file("live")}};
  TRY_ASSIGN(const auto set, compile_rules(source, "/text"));
  const detect::Rule& compiled = set->rules().front();
  const auto& topics = parts_.catalogues.topics;
  if (std::none_of(topics.begin(), topics.end(), [&](const api::TopicEntry& t) { return t.id == compiled.topic; }))
    return error(Errc::kBadInput, "/text",
                 fmt::format("there is no topic {}; see content/topics.toml", compiled.topic));
  if (parts_.laws.ground(compiled.ground) == nullptr)
    return error(Errc::kBadInput, "/text", fmt::format("there is no ground {}; see content/grounds", compiled.ground));
  return rule;
}

Result<api::RuleVersionEntry> RuleDesk::told(api::RuleVersionEntry version) const {
  TRY_ASSIGN(const auto tests, shelf_.list());
  if (const api::BacktestEntry* test = RuleVersions::newest_of(tests, version.digest); test != nullptr) {
    version.newest_back_test = *test;
    version.newest_back_test->fresh = versions_.fresh(*test);
  }
  if (version.state == "shadow" && parts_.shadow_signals)
    version.shadow_signals = parts_.shadow_signals(shadow_name(version));
  return version;
}

Result<std::vector<api::RuleVersionEntry>> RuleDesk::versions() const {
  TRY_ASSIGN(auto all, versions_.list());
  TRY_ASSIGN(const auto tests, shelf_.list());
  std::reverse(all.begin(), all.end());
  for (api::RuleVersionEntry& version : all) {
    if (const api::BacktestEntry* test = RuleVersions::newest_of(tests, version.digest); test != nullptr) {
      version.newest_back_test = *test;
      version.newest_back_test->fresh = versions_.fresh(*test);
    }
    if (version.state == "shadow" && parts_.shadow_signals)
      version.shadow_signals = parts_.shadow_signals(shadow_name(version));
  }
  return all;
}

Result<api::RuleVersionEntry> RuleDesk::version(const std::string& id) const {
  TRY_ASSIGN(auto found, versions_.find(id));
  return told(std::move(found));
}

Result<api::RuleVersionEntry> RuleDesk::add_version(const guard::Actor& actor, const std::string& text,
                                                    const std::string& note) {
  TRY_ASSIGN(const RuleText rule, check_text(text));
  const std::vector<detect::RuleSource> source{{"text", rule.as_file("live")}};
  TRY_ASSIGN(const auto set, compile_rules(source, "/text"));
  api::RuleVersionEntry draft;
  draft.rule = rule.id;
  draft.title = set->rules().front().title;
  draft.entity = model::name(set->rules().front().entity);
  draft.digest = rule.digest;
  draft.text = text;
  draft.note = note;
  TRY_ASSIGN(auto made, versions_.add(actor, std::move(draft)));
  return told(std::move(made));
}

Result<api::RuleVersionEntry> RuleDesk::step(const guard::Actor& actor, const std::string& id, std::string_view action,
                                             const api::RuleStepWish& wish) {
  TRY_ASSIGN(auto changed, versions_.step(actor, id, action, wish));
  TRY(publish());
  return told(std::move(changed));
}

Result<api::RuleVersionEntry> RuleDesk::roll_back(const guard::Actor& actor, const std::string& rule,
                                                  const std::string& reason) {
  TRY_ASSIGN(auto changed, versions_.roll_back(actor, rule, reason));
  TRY(publish());
  return told(std::move(changed));
}

std::vector<api::BacktestJob> RuleDesk::jobs() const {
  const std::scoped_lock lock(mutex_);
  std::vector<api::BacktestJob> out;
  for (auto it = jobs_.rbegin(); it != jobs_.rend(); ++it) out.push_back((*it)->shown);
  return out;
}

Result<std::vector<api::BacktestEntry>> RuleDesk::back_tests() const {
  TRY_ASSIGN(auto tests, shelf_.list());
  for (api::BacktestEntry& test : tests) test.fresh = versions_.fresh(test);
  return tests;
}

Result<api::BacktestJob> RuleDesk::start(const guard::Actor& actor, const api::BacktestWish& wish) {
  TRY(guard::require(actor, guard::Right::kIntelWrite));
  if (wish.version.empty() == wish.detector.empty())
    return error(Errc::kUsage, "/version", "give the version of a rule, or a detector: one of them");
  auto job = std::make_shared<Job>();
  job->plan.from = wish.from;
  job->plan.to = wish.to;
  job->plan.warm_up = std::chrono::hours(wish.warm_up_h);
  if (!wish.version.empty()) {
    TRY_ASSIGN(const auto version, versions_.find(wish.version));
    TRY_ASSIGN(auto rule, one_rule(version.text, version.id));
    job->plan.rules.push_back(std::move(rule));
    job->shown.kind = "rule";
    job->shown.subject = version.rule;
    job->shown.version = version.id;
  } else {
    job->plan.detector = wish.detector;
    for (const std::string& text : wish.options) {
      TRY_ASSIGN(auto option, parse_option(text));
      job->plan.options.push_back(std::move(option));
    }
    job->shown.kind = "detector";
    job->shown.subject = wish.detector;
  }
  job->shown.by = actor.name;
  job->shown.state = "waiting";
  job->shown.asked_at = parts_.room.clock.wall();
  const std::scoped_lock lock(mutex_);
  const auto waiting =
      std::count_if(jobs_.begin(), jobs_.end(), [](const auto& each) { return each->shown.state == "waiting"; });
  if (static_cast<std::size_t>(waiting) >= kWaitingMax)
    return error(Errc::kRateLimited, "back-tests", "eight wait already: cancel one, or wait until one is done", true);
  job->shown.id = fmt::format("J-{}", next_job_++);
  jobs_.push_back(job);
  while (jobs_.size() > kShown && jobs_.front()->shown.state != "waiting" && jobs_.front()->shown.state != "running")
    jobs_.pop_front();
  wake_.notify_all();
  return job->shown;
}

Result<> RuleDesk::cancel(const guard::Actor& actor, const std::string& id) {
  TRY(guard::require(actor, guard::Right::kIntelWrite));
  {
    const std::scoped_lock lock(mutex_);
    const auto it = std::find_if(jobs_.begin(), jobs_.end(), [&](const auto& job) { return job->shown.id == id; });
    if (it == jobs_.end()) return error(Errc::kNotFound, id, "there is no such back-test at work");
    Job& job = **it;
    if (job.shown.state != "waiting" && job.shown.state != "running")
      return error(Errc::kConflict, id, fmt::format("is {} already", job.shown.state));
    job.stop.request_stop();
    if (job.shown.state == "waiting") job.shown.state = "cancelled";
  }
  return parts_.audit.record_alone({actor.name, "rule.back_test_cancel", "job:" + id, {}});
}

void RuleDesk::finish(const std::shared_ptr<Job>& job, const Result<BacktestReport>& report) {
  std::string problem;
  if (report.ok()) {
    if (auto kept = shelf_.keep(*report); !kept.ok()) problem = kept.error().text();
  } else {
    problem = report.error().text();
  }
  const std::scoped_lock lock(mutex_);
  api::BacktestJob& shown = job->shown;
  shown.state = problem.empty() ? "done" : job->stop.stop_requested() ? "cancelled" : "failed";
  if (problem.empty()) {
    shown.back_test = report->id;
    shown.share = 1;
    shown.events = report->events;
  } else if (shown.state == "failed") {
    shown.problem = std::move(problem);
  }
}

void RuleDesk::run(std::stop_token stop) {
  platform::give_way();
  while (!stop.stop_requested()) {
    std::shared_ptr<Job> job;
    {
      std::unique_lock lock(mutex_);
      const auto next = [this] {
        return std::find_if(jobs_.begin(), jobs_.end(),
                            [](const auto& each) { return each->shown.state == "waiting"; });
      };
      if (!wake_.wait(lock, stop, [&] { return next() != jobs_.end(); })) return;
      job = *next();
      job->shown.state = "running";
    }
    const std::stop_callback over(stop, [&job] { job->stop.request_stop(); });
    const auto progress = [this, &job](const BacktestProgress& now) {
      const std::scoped_lock lock(mutex_);
      job->shown.share = now.share;
      job->shown.events = now.events;
    };
    auto report = run_backtest(parts_.room, job->plan, limits_, progress, job->stop.get_token());
    if (report.ok()) report->by = job->shown.by;
    finish(job, report);
  }
}

Result<std::vector<std::string>> untested_rules(platform::FileSystem& files, const std::string& content_directory,
                                                const std::string& data, const store::Store* store) {
  TRY_ASSIGN(const auto rules, rules_in_force(files, content_directory, data));
  TRY_ASSIGN(const auto shipped, shipped_rule_digests());
  std::set<std::string, std::less<>> tested;
  if (store != nullptr) {
    TRY_ASSIGN(const auto tests, kept_back_tests(*store));
    for (const api::BacktestEntry& test : tests) tested.insert(test.digest);
  }
  std::vector<std::string> out;
  for (const RuleText& rule : rules)
    if (rule.live && shipped.count(rule.digest) == 0 && tested.count(rule.digest) == 0 &&
        !platform::name_of(rule.file).starts_with(kManagedPrefix))
      out.push_back(fmt::format("{}:{}: {}", rule.file, rule.line, rule.id));
  return out;
}

}  // namespace pandun::server
