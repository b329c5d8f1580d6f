// Dormant burst: a number silent for months wakes and calls very many
// strangers.
//
// Shape    the silence and the windows are the engine's; a suspect has state
// from half of the threshold on: 0.4 KiB for 7 days. Source
// docs/detectors/dormant_burst.md.
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
namespace dormant_burst {

using detect::Window;

constexpr std::chrono::seconds kForget = std::chrono::hours(24 * 7);
constexpr double kLong = 2160 * 3600.0;  // 90 days: what the carriers call a sleeping card

struct Suspect {
  detect::RecentContacts<16> called;
  std::uint32_t emitted = 0;  // callees of 24 h when a signal was last made; 0 = none yet
  std::int64_t first_ms = 0;
};
struct Entry {
  std::unique_ptr<Suspect> suspect;
};

struct Limits {
  double idle_s, callees, dispersion, conversation, out_share, returns, strict;
};

class DormantBurst final : public detect::Detector {
 public:
  explicit DormantBurst(const detect::Options& o)
      : limits_{o["idle_h_min"] * 3600, o["callees_24h_min"],  o["dispersion_min"],  o["conversation_max"],
                o["out_share_min"],     o["return_share_max"], o["protected_factor"]} {}

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
  void emit(const detect::NumberActivity& activity, const detect::Outreach& out, double wanted, std::string_view group,
            model::NumberKey number, const Suspect& suspect, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, Entry> table_{kForget};
};

void DormantBurst::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->idle_before_s() < limits_.idle_s ||
      activity->fewer_than(limits_.callees / 2, Window::k24h))
    return;
  const double callees = activity->distinct_callees(Window::k24h);
  if (callees * 2 < limits_.callees) return;
  Entry& entry = table_.touch(call.caller, event.watermark);
  if (entry.suspect == nullptr) entry.suspect = std::make_unique<Suspect>();
  Suspect& suspect = *entry.suspect;
  if (suspect.first_ms == 0) suspect.first_ms = event.time.ms;
  suspect.called.add(call.callee, event);
  if (suspect.emitted != 0 && callees < 2.0 * suspect.emitted) return;

  const detect::NumberFacts& facts = *context.ports().numbers;
  std::string_view group = facts.protected_group(call.caller);
  if (group.empty() && facts.emergency_or_service(call.caller)) group = "service_number";
  const double wanted = limits_.callees * (group.empty() ? 1 : limits_.strict);
  const detect::Outreach out = detect::outreach(*activity, Window::k24h);
  if (out.distinct < wanted || out.dispersion < limits_.dispersion || out.out_share < limits_.out_share ||
      out.return_share > limits_.returns || !detect::few_talk(out, limits_.conversation, out.distinct, wanted))
    return;
  suspect.emitted = static_cast<std::uint32_t>(out.distinct);
  emit(*activity, out, wanted, group, call.caller, suspect, context);
}

void DormantBurst::emit(const detect::NumberActivity& activity, const detect::Outreach& out, double wanted,
                        std::string_view group, model::NumberKey number, const Suspect& suspect,
                        detect::Context& context) const {
  const double idle_s = activity.idle_before_s();
  const double excess = std::log2(std::max(1.0, out.distinct / wanted));
  const bool devices = activity.distinct_devices(Window::k24h) >= 2;  // woken in a rack, not in a drawer
  model::Signal signal;
  signal.entity = model::Entity::of(number);
  signal.first = {suspect.first_ms};
  signal.last = activity.newest();
  signal.severity = static_cast<std::uint8_t>(std::clamp(
      60 + 6 * excess + (idle_s >= kLong ? 8 : 0) + (devices ? 6 : 0) - (group.empty() ? 0 : 20), 20.0, 90.0));
  signal.confidence = std::clamp(0.6 + 0.1 * std::min(1.5, excess) + (idle_s >= kLong ? 0.1 : 0) -
                                     (std::isfinite(out.conversation) ? 0 : 0.1) - (group.empty() ? 0 : 0.2),
                                 0.3, 0.9);
  const std::string days = std::to_string(static_cast<int>(idle_s / 86400));
  const std::string count = std::to_string(static_cast<int>(out.distinct));
  signal.title.en =
      "Dormant number bursts: silent for " + days + " days, then " + count + " different numbers called in 24 h";
  signal.title.zh = "睡眠卡突发：静默 " + days + " 天后 24 小时内拨打 " + count + " 个不同号码";
  signal.evidence = {{"idle_before_s", idle_s, limits_.idle_s, "s"},
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

void DormantBurst::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.suspect != nullptr ? 1 : 0);
    if (entry.suspect == nullptr) return;
    entry.suspect->called.save(w);
    w.varint(entry.suspect->emitted);
    w.i64(entry.suspect->first_ms);
  });
}

Result<> DormantBurst::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.suspect = std::make_unique<Suspect>();
    entry.suspect->called.load(r);
    entry.suspect->emitted = static_cast<std::uint32_t>(r.varint());
    entry.suspect->first_ms = r.i64();
  });
}

}  // namespace dormant_burst

const detect::DetectorSpec& dormant_burst_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "dormant_burst",
      .title_en = "Dormant number bursts",
      .title_zh = "睡眠卡突发",
      .finds_en =
          "A number silent for months that wakes and calls very many "
          "different people, few of whom talk or call back.",
      .finds_zh = "长期静默后重新启用、立即拨打大量不同号码且成话与回拨都少的号码。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "dormant_burst",
      .techniques = {"PF-004"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"idle_h_min", "h", 720, 24, 2880,
               "hours of silence before it woke; sleeping cards are 2,160 h "
               "(90 days)",
               "启用前静默小时数（睡眠卡口径为 2160 小时即 90 天）"},
              {"callees_24h_min", "numbers", 20, 5, 100000, "different numbers called within 24 hours",
               "24 小时内拨打的不同号码数"},
              {"dispersion_min", "ratio", 0.8, 0, 1, "different callees per call", "离散度：不同被叫数／外呼次数"},
              {"conversation_max", "ratio", 0.25, 0, 1, "share of calls answered and longer than 10 s",
               "成话率：接通且超过 10 秒的占比"},
              {"out_share_min", "ratio", 0.85, 0, 1, "share of the number's calls that it makes itself", "主叫占比"},
              {"return_share_max", "ratio", 0.08, 0, 1, "calls back per different callee within 24 h",
               "24 小时内回拨占比"},
              {"protected_factor", "times", 3, 1, 100,
               "counts are multiplied by this for protected groups and service "
               "numbers",
               "受保护群体与服务号码的阈值倍数"},
          },
      .false_positives_en =
          "A seasonal business that rings last year's customers in vain; a "
          "long-term patient or sailor who tells everybody "
          "that he is back. Their callees are those of before the silence.",
      .false_positives_zh =
          "旺季前逐一联系老客户而接通少的季节性商户；长期住院或出海归来逐一报平"
          "安者。被叫多为静默前的老联系人。",
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
std::unique_ptr<detect::Detector> make_dormant_burst(const detect::Options& options) {
  return std::make_unique<dormant_burst::DormantBurst>(options);
}

}  // namespace pandun::detectors
