#include "server/people_warnings.h"

#include "sms/notifier.h"

namespace pandun::server {
namespace {

constexpr std::string_view kAtRisk = "victim_at_risk", kBombed = "call_bombing";
constexpr std::chrono::minutes kZone{480};  // warnings name the hour as people here read it

}  // namespace

bool only_counted(std::string_view detector) {
  return detector == kAtRisk;
}
bool warns_people(std::string_view detector) {
  return detector == kAtRisk || detector == kBombed;
}

Result<std::unique_ptr<PeopleWarnings>> PeopleWarnings::make(const Settings& settings, platform::Clock& clock) {
  const std::string language = settings.text("decide.notify.language");
  if (language != "zh" && language != "en")
    return error(Errc::kBadConfig, "decide.notify.language", "takes zh or en, not \"" + language + "\"");
  return std::unique_ptr<PeopleWarnings>(
      new PeopleWarnings(language == "zh" ? sms::Language::kChinese : sms::Language::kEnglish,
                         std::chrono::minutes(settings.integer("decide.notify.within_min")), clock));
}

void PeopleWarnings::begun(const model::Signal& signal) {
  if (!warns_people(signal.detector) || signal.entity.kind != model::EntityKind::kNumber) return;
  (signal.detector == kAtRisk ? at_risk_ : bombed_).fetch_add(1, std::memory_order_relaxed);
  const std::int64_t age = clock_.wall().ms - signal.last.ms;
  if (age > within_.count() || age < -within_.count()) {
    too_old_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (notifier_ != nullptr) warn(signal);
}

void PeopleWarnings::warn(const model::Signal& signal) {
  sms::MaskedFacts facts;
  facts.time(WallMs{signal.last.ms}, kZone);
  if (signal.detector == kBombed) {
    notifier_->warn(signal.entity.number, "call_bombing", language_, facts);
    return;
  }
  const bool known = !signal.peers.empty() && signal.peers[0].kind == model::EntityKind::kNumber &&
                     signal.peers[0].number.kind() == model::NumberKind::kE164;
  if (known) facts.number(signal.peers[0].number);
  facts.count(1);
  notifier_->warn(signal.entity.number, known ? "suspected_call" : "at_risk", language_, facts);
}

void PeopleWarnings::add_metrics(std::vector<api::Metric>& out) const {
  const auto add = [&out](const char* name, const char* help, const std::atomic<std::uint64_t>& count,
                          std::vector<std::pair<std::string, std::string>> labels = {}) {
    out.push_back({name, help, api::MetricKind::kCounter, std::move(labels),
                   static_cast<double>(count.load(std::memory_order_relaxed))});
  };
  constexpr const char* kHelp =
      "people found in need of a warning since the start; nothing else is kept of those at risk";
  add("pandun_people_in_need_total", kHelp, at_risk_, {{"of", std::string(kAtRisk)}});
  add("pandun_people_in_need_total", kHelp, bombed_, {{"of", std::string(kBombed)}});
  add("pandun_people_in_need_too_late_total", "of them, seen too late to warn", too_old_);
}

}  // namespace pandun::server
