// Call bombing: one number rung by very many callers within minutes, hardly a
// conversation among them.
//
// Method   distinct callers by the engine's windows; how the calls end is
// counted here, for suspects alone. Numbers that the
//          public is meant to call need more, and redialling speaks for a
//          popular line.
// Shape    nothing below half of the lowest threshold; then 1.1 KiB for 24 h.
// Source   docs/detectors/call_bombing.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "detect/features/catalog.h"
#include "detect/features/number_activity.h"
#include "detect/recent.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace call_bombing {

using detect::Window;

enum Counter : std::size_t { kEnded, kTalked, kOdd, kCounters };

constexpr std::chrono::seconds kForget = std::chrono::hours(24);
constexpr std::int32_t kTalkS = 10;
constexpr std::uint32_t kPopularS = 1200;

struct Victim {
  detect::WindowRings<kCounters, std::uint32_t, 3> rings;
  detect::RecentContacts<16> callers;
  std::uint32_t emitted_24h = 0;  // calls in 24 h when a signal was last made; 0 = none yet
  std::int64_t first_ms = 0;
  std::uint32_t began_s = 0;  // of this state
};
struct Entry {
  std::unique_ptr<Victim> victim;
};

struct Limits {
  double callers_5m, callers_1h, conversation, redial, odd, surge, public_factor, strict;
};
struct Finding {
  Window window = Window::k5m;
  double calls = 0, callers = 0, wanted = 0, conversation = 0, redial = 0, odd = 0;
};

class CallBombing final : public detect::Detector {
 public:
  explicit CallBombing(const detect::Options& o)
      : limits_{o["callers_5m_min"], o["callers_1h_min"], o["conversation_max"], o["redial_max"],
                o["odd_share_min"],  o["surge_min"],      o["public_factor"],    o["protected_factor"]} {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (call.callee.known() && call.callee != call.caller)
      keys.push_back({model::EntityKind::kNumber, 0, model::key_of(call.callee)});
  }
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    table_.prefetch(model::NumberKey::from_bits(key.key.lo), stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * sizeof(Victim), table_.evicted()};
  }

 private:
  bool judge(const detect::NumberActivity& activity, const Victim& victim, Window window, double wanted, bool popular,
             Finding& out) const;
  void emit(const model::Call& call, const detect::NumberActivity& activity, const Finding& finding,
            std::string_view group, const Victim& victim, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, Entry> table_{kForget};
};

void CallBombing::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || (activity->fewer_than(limits_.callers_5m / 2, Window::k5m) &&
                              activity->fewer_than(limits_.callers_1h / 2, Window::k1h)))
    return;
  if (activity->calls_in(Window::k5m) * 2 < limits_.callers_5m &&
      activity->calls_in(Window::k1h) * 2 < limits_.callers_1h)
    return;
  Entry& entry = table_.touch(call.callee, event.watermark);
  if (entry.victim == nullptr) entry.victim = std::make_unique<Victim>();
  Victim& victim = *entry.victim;
  const std::uint32_t time_s = detect::seconds32(event.time);
  if (victim.began_s == 0) victim.began_s = time_s;
  victim.rings.advance(time_s);
  if (call.answered != model::Answered::kUnknown || call.duration_s >= 0) victim.rings.add(time_s, kEnded);
  if (call.answered != model::Answered::kNo && call.duration_s > kTalkS) victim.rings.add(time_s, kTalked);
  victim.callers.add(call.caller, event);
  const detect::NumberFacts& facts = *context.ports().numbers;
  // A withheld, impossible or foreign caller: none of those who redial a
  // popular line at home.
  const detect::NumberTraits caller = facts.traits(call.caller);
  if (!call.caller.known() || call.international || caller.cannot_exist || (caller.country_code != 0 && !caller.home))
    victim.rings.add(time_s, kOdd);

  const double calls_24h = activity->calls_in(Window::k24h);
  if (victim.emitted_24h != 0 && calls_24h < 2.0 * victim.emitted_24h) return;
  // The engine's windows are asked first: most suspects are just busy.
  if (activity->distinct_callers(Window::k5m) < limits_.callers_5m &&
      activity->distinct_callers(Window::k1h) < limits_.callers_1h)
    return;
  using detect::LineKind;
  const LineKind kind = facts.traits(call.callee).kind;
  const bool hotline = kind == LineKind::kService || kind == LineKind::kTollFree || kind == LineKind::kShort ||
                       kind == LineKind::kEmergency || facts.emergency_or_service(call.callee);
  const bool popular = hotline || kind == LineKind::kFixed;
  std::string_view group = facts.protected_group(call.callee);
  if (group.empty() && hotline) group = "service_number";
  const double factor = (group.empty() ? 1 : limits_.strict) * (popular ? limits_.public_factor : 1);
  Finding finding;
  if (!judge(*activity, victim, Window::k5m, limits_.callers_5m * factor, popular, finding) &&
      !judge(*activity, victim, Window::k1h, limits_.callers_1h * factor, popular, finding))
    return;
  if (victim.first_ms == 0)
    victim.first_ms = activity->newest().ms - std::int64_t{detect::spec(finding.window).width_s()} * 1000;
  emit(call, *activity, finding, group, victim, context);
  victim.emitted_24h = static_cast<std::uint32_t>(calls_24h);
}

bool CallBombing::judge(const detect::NumberActivity& activity, const Victim& victim, Window window, double wanted,
                        bool popular, Finding& out) const {
  out.window = window;
  out.calls = activity.calls_in(window);
  out.callers = activity.distinct_callers(window);
  out.wanted = wanted;
  if (out.callers < wanted) return false;
  const auto ended = static_cast<double>(victim.rings.total(window, kEnded));
  if (ended * 2 < out.calls * 0.5) return false;  // suspects are counted from half of the threshold on
  out.conversation = static_cast<double>(victim.rings.total(window, kTalked)) / std::max(1.0, ended);
  if (out.conversation > limits_.conversation) return false;
  out.redial = out.calls / std::max(1.0, out.callers);
  out.odd = std::min(1.0, static_cast<double>(victim.rings.total(window, kOdd)) / std::max(1.0, out.calls));
  // A radio show, a ticket sale, a lottery: many people at home, most of them
  // again and again.
  const std::uint32_t lasted_s =
      detect::seconds32(activity.newest()) - std::min(victim.began_s, detect::seconds32(activity.newest()));
  if (popular && out.odd < limits_.odd &&
      (window == Window::k5m || lasted_s < kPopularS || out.redial > limits_.redial))
    return false;
  // A number that is always rung by many is rung by many now.
  const double hours = window == Window::k5m ? 1.0 / 12 : 1.0;
  const std::uint32_t now_s = detect::seconds32(activity.newest());
  const double before_h = std::max(1.0, (now_s - detect::start_s(Window::k7d, now_s)) / 3600.0 - 1);  // 6 to 7 days
  const double usual = (activity.calls_in(Window::k7d) - activity.calls_in(Window::k1h)) / before_h * hours;
  return out.calls >= limits_.surge * usual;
}

void CallBombing::emit(const model::Call& call, const detect::NumberActivity& activity, const Finding& f,
                       std::string_view group, const Victim& victim, detect::Context& context) const {
  const std::string at = "_" + std::string(detect::spec(f.window).name);
  model::Signal signal;
  signal.entity = model::Entity::of(call.callee);
  signal.first = {victim.first_ms};
  signal.last = activity.newest();
  const double excess = std::log2(std::max(1.0, f.callers / f.wanted));
  const double severity = 60 + 8 * excess + (f.odd >= limits_.odd ? 8 : 0) - (group.empty() ? 0 : 10);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 90.0));
  signal.confidence =
      std::clamp(0.55 + 0.2 * (1 - f.conversation / std::max(0.01, limits_.conversation)) +
                     0.1 * std::min(1.0, excess) + (f.odd >= limits_.odd ? 0.1 : 0) - (group.empty() ? 0 : 0.1),
                 0.3, 0.95);
  const std::string span_en(detect::span_en(f.window)), span_zh(detect::span_zh(f.window));
  const std::string callers = std::to_string(static_cast<int>(f.callers));
  const std::string calls = std::to_string(static_cast<int>(f.calls));
  signal.title.en = "Victim of call bombing: rung " + calls + " times by " + callers + " numbers within " + span_en;
  signal.title.zh = "疑似被“呼死你”骚扰的用户：" + span_zh + "内被 " + callers + " 个号码呼叫 " + calls + " 次";
  signal.evidence = {{"distinct_callers" + at, f.callers, f.wanted, "numbers"},
                     {"calls_in" + at, f.calls, f.wanted, "calls"},
                     {"talked_share" + at, f.conversation, limits_.conversation, "ratio"},
                     {"calls_per_caller" + at, f.redial, 0, "calls"}};
  if (f.odd > 0) signal.evidence.push_back({"odd_callers_share" + at, f.odd, limits_.odd, "ratio"});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.strict, "times stricter"});
  signal.series_feature = "calls_in";
  const detect::WindowSpec& w = detect::spec(f.window);
  const std::uint32_t head = detect::seconds32(activity.newest()) / w.step_s;
  for (std::uint32_t back = std::min(w.steps - 1, head) + 1; back-- > 0;)
    signal.series.push_back({EventMs{std::int64_t{head - back} * w.step_s * 1000},
                             static_cast<double>(victim.rings.at(f.window, back, kEnded))});
  victim.callers.show(signal);
  context.emit(std::move(signal));
}

void CallBombing::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.victim != nullptr ? 1 : 0);
    if (entry.victim == nullptr) return;
    const Victim& v = *entry.victim;
    v.rings.save(w);
    v.callers.save(w);
    w.varint(v.emitted_24h);
    w.i64(v.first_ms);
    w.u32(v.began_s);
  });
}

Result<> CallBombing::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.victim = std::make_unique<Victim>();
    Victim& v = *entry.victim;
    v.rings.load(r);
    v.callers.load(r);
    v.emitted_24h = static_cast<std::uint32_t>(r.varint());
    v.first_ms = r.i64();
    v.began_s = r.u32();
  });
}

}  // namespace call_bombing

std::unique_ptr<detect::Detector> make_call_bombing(const detect::Options& options) {
  return std::make_unique<call_bombing::CallBombing>(options);
}

}  // namespace pandun::detectors
