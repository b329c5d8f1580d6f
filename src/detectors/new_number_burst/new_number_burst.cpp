// New number burst: a number first seen days ago that calls very many
// strangers.
//
// Shape    the number's age and the windows are the engine's. A number has state from half of the callees on, once the rest
//          of its picture is near too: 0.4 KiB for 7 days. It serves a signal's peers and records alone.
// Source   docs/detectors/new_number_burst.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "detect/outreach.h"
#include "detect/recent.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace new_number_burst {

using detect::Window;

constexpr std::chrono::seconds kForget = std::chrono::hours(24 * 7);
// A thousand riders on one day: the least lucky of them talks in every
// fifth call.
constexpr double kSigmas = 1.64;
// How far from a limit a number may be and still be remembered.
constexpr double kNearShare = 0.8, kNearTimes = 2, kNearReturns = 3;

struct Suspect {
  detect::RecentContacts<16> called;
  std::uint32_t emitted = 0;  // callees of 24 h when a signal was last made; 0 = none yet
  std::int64_t first_ms = 0;
};
struct Entry {
  std::unique_ptr<Suspect> suspect;
};

struct Limits {
  double age_s, callees, dispersion, conversation, out_share, returns, fixed, strict, began_s, settle_s;
};

class NewNumberBurst final : public detect::Detector {
 public:
  explicit NewNumberBurst(const detect::Options& o)
      : limits_{o["age_h_max"] * 3600, o["callees_24h_min"],  o["dispersion_min"], o["conversation_max"],
                o["out_share_min"],    o["return_share_max"], o["fixed_factor"],   o["protected_factor"],
                o["record_began_s"],   o["settle_h"] * 3600} {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (call.caller.known()) keys.push_back({model::EntityKind::kNumber, 0, model::key_of(call.caller)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * sizeof(Suspect), table_.evicted()};
  }

 private:
  // People who call many are called back and talked to: nothing need be kept of them, however young the record.
  bool near(const detect::Outreach& out) const {
    return out.dispersion >= kNearShare * limits_.dispersion && out.out_share >= kNearShare * limits_.out_share &&
           out.return_share <= kNearReturns * limits_.returns &&
           (!std::isfinite(out.conversation) || out.conversation <= kNearTimes * limits_.conversation);
  }
  void emit(const detect::NumberActivity& activity, const detect::Outreach& out, double wanted, std::string_view group,
            model::NumberKey number, const Suspect& suspect, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, Entry> table_{kForget};
};

void NewNumberBurst::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->fewer_than(limits_.callees / 2, Window::k24h)) return;
  const double age_s = activity->first_seen_age_s();
  if (age_s > limits_.age_s) return;
  // While the record itself is young every number is: who is first seen then
  // may be as old as the telephone.
  const double first_s = static_cast<double>(detect::seconds32(activity->newest())) - age_s;
  if (first_s >= limits_.began_s && first_s < limits_.began_s + limits_.settle_s) return;
  const double callees = activity->distinct_callees(Window::k24h);
  if (callees * 2 < limits_.callees) return;
  const detect::Outreach out = detect::outreach(*activity, Window::k24h);
  if (!near(out) && table_.find(call.caller, event.watermark) == nullptr) return;
  Entry& entry = table_.touch(call.caller, event.watermark);
  if (entry.suspect == nullptr) entry.suspect = std::make_unique<Suspect>();
  Suspect& suspect = *entry.suspect;
  if (suspect.first_ms == 0) suspect.first_ms = event.time.ms;
  suspect.called.add(call.callee, event);
  if (suspect.emitted != 0 && callees < 2.0 * suspect.emitted) return;

  const detect::NumberFacts& facts = *context.ports().numbers;
  std::string_view group = facts.protected_group(call.caller);
  if (group.empty() && facts.emergency_or_service(call.caller)) group = "service_number";
  const detect::LineKind kind = facts.traits(call.caller).kind;
  const bool fixed = kind == detect::LineKind::kFixed || kind == detect::LineKind::kTollFree;
  const double wanted = limits_.callees * (!group.empty() ? limits_.strict
                                           : fixed        ? limits_.fixed
                                                          : 1);  // a new exchange greets its town
  if (out.distinct < wanted || out.dispersion < limits_.dispersion || out.out_share < limits_.out_share ||
      out.return_share > limits_.returns || !detect::few_talk(out, limits_.conversation, out.distinct, wanted))
    return;
  if (std::isfinite(out.conversation) &&
      !detect::surely_below(out.conversation, out.known, limits_.conversation, kSigmas))
    return;
  suspect.emitted = static_cast<std::uint32_t>(out.distinct);
  emit(*activity, out, wanted, group, call.caller, suspect, context);
}

void NewNumberBurst::emit(const detect::NumberActivity& activity, const detect::Outreach& out, double wanted,
                          std::string_view group, model::NumberKey number, const Suspect& suspect,
                          detect::Context& context) const {
  const double age_s = activity.first_seen_age_s();
  const bool first_day = age_s < 24 * 3600.0;
  const double excess = std::log2(std::max(1.0, out.distinct / wanted));
  const bool devices = activity.distinct_devices(Window::k24h) >= 2;  // a card in a rack
  model::Signal signal;
  signal.entity = model::Entity::of(number);
  signal.first = {suspect.first_ms};
  signal.last = activity.newest();
  signal.severity = static_cast<std::uint8_t>(
      std::clamp(60 + 6 * excess + (first_day ? 5 : 0) + (devices ? 6 : 0) - (group.empty() ? 0 : 20), 20.0, 90.0));
  signal.confidence = std::clamp(0.6 + 0.1 * std::min(1.5, excess) + (first_day ? 0.05 : 0) -
                                     (std::isfinite(out.conversation) ? 0 : 0.1) - (group.empty() ? 0 : 0.2),
                                 0.3, 0.9);
  const std::string hours = std::to_string(static_cast<int>(std::ceil(age_s / 3600)));
  const std::string count = std::to_string(static_cast<int>(out.distinct));
  signal.title.en = "New number bursts: first seen " + hours + " h ago, " + count + " different numbers called in 24 h";
  signal.title.zh = "新号突发：首次出现 " + hours + " 小时内，24 小时拨打 " + count + " 个不同号码";
  signal.evidence = {{"first_seen_age_s", age_s, limits_.age_s, "s"},
                     {"distinct_callees_24h", out.distinct, wanted, "numbers"},
                     {"dispersion_24h", out.dispersion, limits_.dispersion, "ratio"},
                     {"out_share_24h", out.out_share, limits_.out_share, "ratio"},
                     {"return_share_24h", out.return_share, limits_.returns, "ratio"}};
  if (std::isfinite(out.conversation))
    signal.evidence.push_back({"conversation_ratio_24h", out.conversation, limits_.conversation, "ratio"});
  if (devices)
    signal.evidence.push_back({"distinct_devices_24h", activity.distinct_devices(Window::k24h), 2, "devices"});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.strict, "times stricter"});
  signal.series_feature = "calls_out";
  signal.series = activity.calls_out_series(Window::k24h);
  suspect.called.show(signal);
  context.emit(std::move(signal));
}

void NewNumberBurst::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.suspect != nullptr ? 1 : 0);
    if (entry.suspect == nullptr) return;
    entry.suspect->called.save(w);
    w.varint(entry.suspect->emitted);
    w.i64(entry.suspect->first_ms);
  });
}

Result<> NewNumberBurst::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.suspect = std::make_unique<Suspect>();
    entry.suspect->called.load(r);
    entry.suspect->emitted = static_cast<std::uint32_t>(r.varint());
    entry.suspect->first_ms = r.i64();
  });
}

}  // namespace new_number_burst

const detect::DetectorSpec& new_number_burst_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "new_number_burst",
      .title_en = "New number bursts",
      .title_zh = "新号突发",
      .finds_en =
          "A number first seen within days that calls very many "
          "different people, few of whom talk or call back.",
      .finds_zh = "首次出现数日内即拨打大量不同号码、成话与回拨都少的号码。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "new_number_burst",
      .techniques = {"PF-005"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"age_h_max", "h", 72, 1, 2160, "hours since the number was first seen", "号码首次出现至今的小时数上限"},
              {"callees_24h_min", "numbers", 30, 5, 100000, "different numbers called within 24 hours",
               "24 小时内拨打的不同号码数"},
              {"dispersion_min", "ratio", 0.85, 0, 1, "different callees per call", "离散度：不同被叫数／外呼次数"},
              {"conversation_max", "ratio", 0.2, 0, 1, "share of calls answered and longer than 10 s",
               "成话率：接通且超过 10 秒的占比"},
              {"out_share_min", "ratio", 0.9, 0, 1, "share of the number's calls that it makes itself", "主叫占比"},
              {"return_share_max", "ratio", 0.05, 0, 1, "calls back per different callee within 24 h",
               "24 小时内回拨占比"},
              {"fixed_factor", "times", 3, 1, 100, "counts are multiplied by this for fixed and toll-free lines",
               "固话与 400 号码的阈值倍数"},
              {"record_began_s", "s", 0, 0, 4000000000,
               "when the installation's record began, in seconds since 1970; 0 "
               "= long ago",
               "本系统记录起始时间（Unix 秒），0 表示早已开始"},
              {"settle_h", "h", 72, 0, 8760, "numbers first seen within so many hours of it count as old",
               "起始后该小时数内首次出现的号码视为旧号"},
              {"protected_factor", "times", 3, 1, 100,
               "counts are multiplied by this for protected groups and service "
               "numbers",
               "受保护群体与服务号码的阈值倍数"},
          },
      .false_positives_en =
          "The first days of the record, in which every number is new "
          "(record_began_s); a new employee who rings a list of "
          "customers in vain; a number ported or re-issued, with a life "
          "elsewhere.",
      .false_positives_zh =
          "记录刚开始的几天内所有号码都像新号（见 "
          "record_began_"
          "s）；新员工按名单联系客户而接通少；携入或再分配的号码。",
      .evidence =
          {
              {"dispersion_24h", "different numbers per call or message in 24 h", "24 小时不同号码占比", "ratio",
               "比例", Bound::kAtLeast},
              {"conversation_ratio_24h", "share of calls that became a conversation in 24 h", "24 小时成话率", "ratio",
               "比例"},
              {"return_share_24h", "calls back per number called in 24 h", "24 小时回拨占比", "ratio", "比例",
               Bound::kAtMost},
              {"protected_group_service_number", "service number: higher thresholds apply", "服务号码，按更高阈值判断",
               "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"calls_out", "calls made over time", "各时段主叫次数", "calls", "次"},
          },
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_new_number_burst(const detect::Options& options) {
  return std::make_unique<new_number_burst::NewNumberBurst>(options);
}

}  // namespace pandun::detectors
