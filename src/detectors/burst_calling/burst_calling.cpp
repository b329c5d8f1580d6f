// Burst calling: many different numbers called in a short time, few conversations, almost nobody calling back.
//
// Shape    the windows are the engine's (detect/features/number_activity.h); here a number has state only once it has made
//          half of what is suspicious: 16 contacts and a few counters, 400 bytes.
// Source   docs/detectors/burst_calling.md, with where each threshold comes from.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "detect/detector.h"
#include "detect/features/catalog.h"
#include "detect/features/number_activity.h"
#include "detect/outreach.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace {

using detect::Window;

struct Limits {
  double calls_5m, calls_1h, calls_24h, dispersion, conversation, out_share, returns, strict;
  double fewest() const { return std::min({calls_5m, calls_1h, calls_24h}); }
};

// One look at a number, over the window that tells most.
struct Finding {
  Window window = Window::k1h;
  double calls = 0, threshold = 0, distinct = 0, dispersion = 0, conversation = 0, out_share = 0, return_share = 0;
};

struct Contact {
  model::NumberKey callee;
  std::uint64_t record = 0;
  std::uint32_t source = 0;
};

struct Suspect {
  std::array<Contact, 16> contacts{};
  std::uint32_t seen = 0;         // contacts kept so far; the ring's place
  std::uint32_t emitted_24h = 0;  // calls in 24 h when a signal was last made; 0 = none yet
  std::int64_t first_ms = 0;      // when the first signal's window began
};
static_assert(sizeof(Suspect) == 400);
struct Entry {
  std::unique_ptr<Suspect> suspect;
};

constexpr std::chrono::seconds kForget = std::chrono::hours(24);
constexpr double kSigmas = 3;  // many lines of many centres are looked at many times a day

class BurstCalling final : public detect::Detector {
 public:
  explicit BurstCalling(const detect::Options& o)
      : limits_{o["calls_5m_min"],     o["calls_1h_min"],  o["calls_24h_min"],    o["dispersion_min"],
                o["conversation_max"], o["out_share_min"], o["return_share_max"], o["protected_factor"]},
        table_(kForget) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (call.caller.known()) keys.push_back({model::EntityKind::kNumber, 0, model::key_of(call.caller)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    table_.evict(watermark, [](Entry&) {});
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * sizeof(Suspect), table_.evicted()};
  }

 private:
  // False when nothing is wrong; `factor` raises the counts for protected groups and service numbers.
  bool judge(const detect::NumberActivity& activity, double factor, Finding& best) const;
  bool judge(const detect::NumberActivity& activity, Window window, double calls_min, Finding& out) const;
  void emit(const model::Call& call, const detect::NumberActivity& activity, const Finding& finding,
            std::string_view group, Suspect& suspect, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, Entry> table_;
};

bool BurstCalling::judge(const detect::NumberActivity& activity, Window window, double calls_min, Finding& out) const {
  const detect::NumberTally& tally = activity.tally(window);
  const double calls = tally.calls_out;
  if (calls < calls_min) return false;
  out.window = window;
  out.calls = calls;
  out.threshold = calls_min;
  out.distinct = activity.distinct_callees(window);
  out.dispersion = out.distinct / calls;
  out.out_share = activity.out_share(window);
  out.return_share = activity.return_calls_24h() / std::max(1.0, activity.distinct_callees(Window::k24h));
  const double known = tally.answered_out + tally.unanswered_out;
  out.conversation = known > 0 ? (tally.answered_out - tally.short_out) / known : std::nan("");
  if (out.dispersion < limits_.dispersion || out.out_share < limits_.out_share || out.return_share > limits_.returns)
    return false;
  // A feed that does not say whether calls were answered must show twice the calls.
  if (known < calls / 2) return calls >= 2 * calls_min;
  return detect::surely_below(out.conversation, known, limits_.conversation, kSigmas);
}

bool BurstCalling::judge(const detect::NumberActivity& activity, double factor, Finding& best) const {
  return judge(activity, Window::k5m, limits_.calls_5m * factor, best) ||
         judge(activity, Window::k1h, limits_.calls_1h * factor, best) ||
         judge(activity, Window::k24h, limits_.calls_24h * factor, best);
}

void BurstCalling::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->fewer_than(limits_.fewest() / 2, Window::k24h) ||
      (activity->fewer_than(limits_.calls_5m / 2, Window::k5m) &&
       activity->fewer_than(limits_.calls_1h / 2, Window::k1h) &&
       activity->fewer_than(limits_.calls_24h / 2, Window::k24h)))
    return;
  if (activity->calls_out(Window::k1h) * 2 < limits_.calls_1h &&
      activity->calls_out(Window::k5m) * 2 < limits_.calls_5m &&
      activity->calls_out(Window::k24h) * 2 < limits_.calls_24h)
    return;
  Entry& entry = table_.touch(call.caller, event.watermark);
  if (entry.suspect == nullptr) entry.suspect = std::make_unique<Suspect>();
  Suspect& suspect = *entry.suspect;
  suspect.contacts[suspect.seen++ % suspect.contacts.size()] = {call.callee, event.record, event.source};

  const double calls_24h = activity->calls_out(Window::k24h);
  if (suspect.emitted_24h != 0 && calls_24h < 2.0 * suspect.emitted_24h) return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  std::string_view group = facts.protected_group(call.caller);
  if (group.empty() && (call.caller.kind() == model::NumberKind::kService || facts.emergency_or_service(call.caller)))
    group = "service_number";
  Finding finding;
  if (!judge(*activity, group.empty() ? 1.0 : limits_.strict, finding)) return;
  emit(call, *activity, finding, group, suspect, context);
  suspect.emitted_24h = static_cast<std::uint32_t>(calls_24h);
}

void BurstCalling::emit(const model::Call& call, const detect::NumberActivity& activity, const Finding& f,
                        std::string_view group, Suspect& suspect, detect::Context& context) const {
  const std::string window(detect::spec(f.window).name);
  const std::int64_t newest = activity.newest().ms;
  const std::int64_t begin = newest - std::int64_t{detect::spec(f.window).width_s()} * 1000;
  if (suspect.first_ms == 0) suspect.first_ms = begin;

  model::Signal signal;
  signal.entity = model::Entity::of(call.caller);
  signal.first = {suspect.first_ms};
  signal.last = activity.newest();
  const double excess = std::log2(std::max(1.0, f.calls / f.threshold));
  const bool silent = std::isfinite(f.conversation) && f.conversation <= limits_.conversation / 3;
  const bool fresh = activity.first_seen_age_s() < 7 * 86400.0;
  const double severity = 55 + 8 * excess + (silent ? 10 : 0) + (fresh ? 5 : 0) - (group.empty() ? 0 : 20);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 90.0));
  const double engaged = std::isfinite(f.conversation) ? f.conversation / limits_.conversation : 1.0;
  signal.confidence =
      std::clamp(0.6 + 0.2 * (1 - engaged) + 0.1 * std::min(2.0, excess) - (group.empty() ? 0 : 0.2), 0.3, 0.95);
  const std::string span_en(detect::span_en(f.window)), span_zh(detect::span_zh(f.window));
  signal.title.en = "Burst calling: " + std::to_string(static_cast<int>(f.calls)) + " calls to " +
                    std::to_string(static_cast<int>(f.distinct)) + " different numbers within " + span_en;
  signal.title.zh = "高频外呼：" + span_zh + "内拨打 " + std::to_string(static_cast<int>(f.distinct)) +
                    " 个不同号码共 " + std::to_string(static_cast<int>(f.calls)) + " 次";
  signal.evidence = {{"calls_out_" + window, f.calls, f.threshold, "calls"},
                     {"distinct_callees_" + window, f.distinct, std::ceil(f.threshold * limits_.dispersion), "numbers"},
                     {"dispersion_" + window, f.dispersion, limits_.dispersion, "ratio"}};
  if (std::isfinite(f.conversation)) {
    signal.evidence.push_back({"conversation_ratio_" + window, f.conversation, limits_.conversation, "ratio"});
    const double answered = activity.answered_ratio_out(f.window), talk = activity.talk_s_mean_out(f.window);
    if (std::isfinite(answered)) signal.evidence.push_back({"answered_ratio_out_" + window, answered, 0, "ratio"});
    if (std::isfinite(talk)) signal.evidence.push_back({"talk_s_mean_out_" + window, talk, 0, "s"});
  }
  signal.evidence.push_back({"return_share_24h", f.return_share, limits_.returns, "ratio"});
  signal.evidence.push_back({"out_share_" + window, f.out_share, limits_.out_share, "ratio"});
  if (fresh) signal.evidence.push_back({"first_seen_age_s", activity.first_seen_age_s(), 7 * 86400.0, "s"});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.strict, "times stricter"});
  signal.series_feature = "calls_out";
  signal.series = activity.calls_out_series(f.window);
  if (signal.series.size() > model::Signal::kSeriesMax) signal.series.resize(model::Signal::kSeriesMax);
  const std::size_t kept = std::min<std::size_t>(suspect.seen, suspect.contacts.size());
  for (std::size_t i = 0; i < kept; ++i) {
    const Contact& contact = suspect.contacts[(suspect.seen - 1 - i) % suspect.contacts.size()];
    if (contact.callee.known()) signal.peers.push_back(model::Entity::of(contact.callee));
    signal.records.push_back({contact.source, contact.record});
  }
  context.emit(std::move(signal));
}

void BurstCalling::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.suspect != nullptr ? 1 : 0);
    if (entry.suspect == nullptr) return;
    const Suspect& s = *entry.suspect;
    w.varint(s.seen);
    w.varint(s.emitted_24h);
    w.i64(s.first_ms);
    for (const Contact& contact : s.contacts) {
      w.u64(contact.callee.bits());
      w.varint(contact.record);
      w.varint(contact.source);
    }
  });
}

Result<> BurstCalling::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.suspect = std::make_unique<Suspect>();
    Suspect& s = *entry.suspect;
    s.seen = static_cast<std::uint32_t>(r.varint());
    s.emitted_24h = static_cast<std::uint32_t>(r.varint());
    s.first_ms = r.i64();
    for (Contact& contact : s.contacts) {
      contact.callee = model::NumberKey::from_bits(r.u64());
      contact.record = r.varint();
      contact.source = static_cast<std::uint32_t>(r.varint());
    }
  });
}

}  // namespace

const detect::DetectorSpec& burst_calling_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "burst_calling",
      .title_en = "Burst calling",
      .title_zh = "高频外呼",
      .finds_en =
          "A number that calls many different numbers within a short time, with few conversations and almost no calls "
          "back.",
      .finds_zh = "短时间内拨打大量不同号码、成话少、几乎无人回拨的号码。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "burst_call",
      .techniques = {"PF-007"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"calls_5m_min", "calls", 25, 5, 10000, "calls out within 5 minutes", "5 分钟内外呼次数"},
              {"calls_1h_min", "calls", 60, 5, 100000, "calls out within an hour", "1 小时内外呼次数"},
              {"calls_24h_min", "calls", 250, 10, 1000000, "calls out within 24 hours", "24 小时内外呼次数"},
              {"dispersion_min", "ratio", 0.8, 0, 1, "different callees per call", "离散度：不同被叫数／外呼次数"},
              {"conversation_max", "ratio", 0.35, 0, 1, "share of calls answered and longer than 10 s",
               "成话率：接通且超过 10 秒的占比"},
              {"out_share_min", "ratio", 0.85, 0, 1, "share of the number's calls that it makes itself", "主叫占比"},
              {"return_share_max", "ratio", 0.08, 0, 1, "calls back per different callee within 24 h",
               "24 小时内回拨占比"},
              {"protected_factor", "times", 3, 1, 100,
               "counts are multiplied by this for protected groups and service numbers",
               "受保护群体与服务号码的阈值倍数"},
          },
      .false_positives_en =
          "Telephone surveys and legal collection on ordinary numbers; a school or clinic that rings everybody in one "
          "evening when few pick up. They answer call-backs and keep the number for years.",
      .false_positives_zh =
          "使用普通号码的电话调查、合法催收；学校或诊所晚间逐一通知而接通率低。此类号码长期在用且接听回拨。",
      .evidence =
          {
              {"dispersion_5m", "different numbers per call or message in 5 min", "5 分钟不同号码占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"conversation_ratio_5m", "share of calls that became a conversation in 5 min", "5 分钟成话率", "ratio",
               "比例"},
              {"dispersion_1h", "different numbers per call or message in 1 h", "1 小时不同号码占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"conversation_ratio_1h", "share of calls that became a conversation in 1 h", "1 小时成话率", "ratio",
               "比例"},
              {"dispersion_24h", "different numbers per call or message in 24 h", "24 小时不同号码占比", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"conversation_ratio_24h", "share of calls that became a conversation in 24 h", "24 小时成话率", "ratio",
               "比例"},
              {"return_share_24h", "calls back per number called in 24 h", "24 小时回拨占比", "ratio", "比例",
               detect::Bound::kAtMost},
              {"protected_group_service_number", "service number: higher thresholds apply", "服务号码，按更高阈值判断",
               "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"calls_out", "calls made over time", "各时段主叫次数", "calls", "次"},
          },
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_burst_calling(const detect::Options& options) {
  return std::make_unique<BurstCalling>(options);
}

}  // namespace pandun::detectors
