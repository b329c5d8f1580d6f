// One ring: very many short, unanswered calls to different people, so that they call back.
//
// Method   rings out by the engine's windows, call-backs by the other leg: who was rung and calls now. Calls that the
//          network failed rang nobody and excuse a dialler.
// Shape    nothing below half of the lowest threshold; then 0.7 KiB and 8 bytes a person rung, for 48 h.
// Source   docs/detectors/one_ring.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "detect/distinct.h"
#include "detect/outreach.h"
#include "detect/recent.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {

const detect::DetectorSpec& one_ring_spec();

namespace one_ring {

using detect::Window;

enum Role : std::uint8_t { kRinger, kCalledBack };
enum Counter : std::size_t { kRung, kFailed, kLongBacks, kCounters };

constexpr std::chrono::seconds kForget = std::chrono::hours(48);
constexpr std::int32_t kLongBackS = 60;

std::uint32_t hash_of(model::NumberKey number) {
  return detect::peer_hash(mix64(number.bits()));
}

// Q.850 causes after which no telephone rang: unallocated, no route, out of order, congestion and failures of the network.
bool never_rang(std::int16_t cause) {
  switch (cause) {
    case 1:
    case 2:
    case 3:
    case 20:
    case 22:
    case 27:
    case 28:
    case 34:
    case 38:
    case 41:
    case 42:
    case 44:
    case 47:
      return true;
    default:
      return false;
  }
}

struct Suspect {
  detect::WindowRings<kCounters, std::uint32_t, 3> rings;
  detect::DistinctWindows rung{Window::k24h};
  detect::RecentContacts<10> called, back;
  std::uint32_t emitted_rings = 0, emitted_backs = 0;  // of 24 h, when a signal was last made
  std::int64_t first_ms = 0;
};
struct Entry {
  std::unique_ptr<Suspect> suspect;
};

struct Limits {
  double rings, far_rings, silent_factor, backs, dispersion, conversation, failed, strict;
};

class OneRing final : public detect::Detector {
 public:
  explicit OneRing(const detect::Options& o)
      : limits_{o["rings_1h_min"],   o["far_rings_1h_min"], o["silent_factor"], o["backs_24h_min"],
                o["dispersion_min"], o["conversation_max"], o["failed_max"],    o["protected_factor"]} {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (call.caller.known()) keys.push_back({model::EntityKind::kNumber, kRinger, model::key_of(call.caller)});
    if (call.callee.known() && call.caller.known())
      keys.push_back({model::EntityKind::kNumber, kCalledBack, model::key_of(call.callee)});
  }
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    table_.prefetch(model::NumberKey::from_bits(key.key.lo), stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override {
    const auto& call = event.as<model::Call>();
    if (key.role == kRinger) {
      on_ring(event, call, context);
    } else {
      on_back(event, call, context);
    }
  }
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * sizeof(Suspect), table_.evicted()};
  }

 private:
  void on_ring(const model::Event& event, const model::Call& call, detect::Context& context);
  void on_back(const model::Event& event, const model::Call& call, detect::Context& context);
  void judge(model::NumberKey number, const detect::NumberActivity& activity, Suspect& suspect,
             detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, Entry> table_{kForget};
};

void OneRing::on_ring(const model::Event& event, const model::Call& call, detect::Context& context) {
  const detect::NumberActivity* activity = context.number();
  const double lowest = std::min(limits_.rings, limits_.far_rings);
  if (activity == nullptr || activity->fewer_than(lowest / 2, Window::k1h)) return;
  const detect::NumberTally& hour = activity->tally(Window::k1h);
  if ((hour.unanswered_out + hour.short_out) * 2 < lowest) return;
  Entry& entry = table_.touch(call.caller, event.watermark);
  if (entry.suspect == nullptr) entry.suspect = std::make_unique<Suspect>();
  Suspect& suspect = *entry.suspect;
  const std::uint32_t time_s = detect::seconds32(event.time);
  suspect.rings.advance(time_s);
  suspect.rung.advance(time_s);
  if (suspect.first_ms == 0) suspect.first_ms = event.time.ms;
  const bool failed = call.answered != model::Answered::kYes && never_rang(call.release_cause);
  suspect.rings.add(time_s, failed ? kFailed : kRung);
  suspect.rung.add(hash_of(call.callee), time_s);
  suspect.called.add(call.callee, event);
  judge(call.caller, *activity, suspect, context);
}

void OneRing::on_back(const model::Event& event, const model::Call& call, detect::Context& context) {
  Entry* entry = table_.find(call.callee, event.watermark);
  if (entry == nullptr || entry->suspect == nullptr) return;
  Suspect& suspect = *entry->suspect;
  const std::uint32_t time_s = detect::seconds32(event.time);
  suspect.rings.advance(time_s);
  suspect.rung.advance(time_s);
  if (!suspect.rung.contains_since(hash_of(call.caller), detect::start_s(Window::k24h, time_s))) return;
  table_.touch(call.callee, event.watermark);
  if (call.duration_s >= kLongBackS) suspect.rings.add(time_s, kLongBacks);
  suspect.back.add(call.caller, event);
  if (const detect::NumberActivity* activity = context.number(); activity != nullptr)
    judge(call.callee, *activity, suspect, context);
}

void OneRing::judge(model::NumberKey number, const detect::NumberActivity& activity, Suspect& suspect,
                    detect::Context& context) const {
  const detect::NumberTally& hour = activity.tally(Window::k1h);
  const detect::NumberTally& day = activity.tally(Window::k24h);
  const double rings = hour.unanswered_out + hour.short_out;
  const double backs = activity.return_calls_24h();
  const auto rings_24h = static_cast<std::uint32_t>(day.unanswered_out + day.short_out);
  const bool more_backs = backs >= std::max(limits_.backs, 2.0 * suspect.emitted_backs);
  if (suspect.emitted_rings != 0 && rings_24h < 2 * suspect.emitted_rings && !more_backs) return;

  const detect::NumberFacts& facts = *context.ports().numbers;
  const detect::NumberTraits traits = facts.traits(number);
  using detect::LineKind;
  // Where calling back costs most: other countries, satellites, numbers that are not there.
  const bool far =
      traits.cannot_exist || (traits.kind != LineKind::kUnknown && !traits.home) || traits.kind == LineKind::kSatellite;
  std::string_view group = facts.protected_group(number);
  if (group.empty() && !far && facts.emergency_or_service(number)) group = "service_number";
  const bool bitten = backs >= limits_.backs;
  if (!far && !bitten) return;  // rings alone, from a number at home, are a dialler's: burst_calling's matter
  const double wanted = (far ? limits_.far_rings : limits_.rings) * (bitten ? 1 : limits_.silent_factor) *
                        (group.empty() ? 1 : limits_.strict);
  // Call-backs go on when the ringing is over: the day counts, once it has been found.
  const bool found = suspect.emitted_rings != 0;
  if ((found ? rings_24h : rings) < wanted) return;
  const Window window = found ? Window::k24h : Window::k1h;
  const detect::Outreach out = detect::outreach(activity, window);
  const double failed = static_cast<double>(suspect.rings.total(Window::k24h, kFailed));
  const double failed_share =
      failed / std::max(1.0, failed + static_cast<double>(suspect.rings.total(Window::k24h, kRung)));
  if (!std::isfinite(out.conversation) || out.conversation > limits_.conversation ||
      out.dispersion < limits_.dispersion || failed_share > limits_.failed)
    return;
  suspect.emitted_rings = rings_24h;
  if (bitten) suspect.emitted_backs = static_cast<std::uint32_t>(backs);

  const double long_backs = static_cast<double>(suspect.rings.total(Window::k24h, kLongBacks));
  model::Signal signal;
  signal.entity = model::Entity::of(number);
  signal.first = {suspect.first_ms};
  signal.last = activity.newest();
  const double severity = 55 + 3 * std::log2(std::max(1.0, rings_24h / wanted)) + (far ? 10 : 0) +
                          3 * std::log2(1 + backs) + (long_backs > 0 ? (far ? 10 : 4) : 0) - (group.empty() ? 0 : 20);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 95.0));
  signal.confidence =
      std::clamp(0.55 + (far ? 0.1 : 0) + 0.05 * std::min(backs, 5.0) - (group.empty() ? 0 : 0.2), 0.3, 0.9);
  const std::string count = std::to_string(static_cast<int>(found ? rings_24h : rings));
  signal.title.en = "One-ring calls: " + count + " calls that rang and ended" +
                    (backs > 0 ? ", " + std::to_string(static_cast<int>(backs)) + " calls back" : "");
  signal.title.zh = "响一声：" + count + " 次短振铃呼叫" +
                    (backs > 0 ? "，已有 " + std::to_string(static_cast<int>(backs)) + " 次回拨" : "");
  const std::string at = window == Window::k24h ? "_24h" : "_1h";
  signal.evidence = {{"rings" + at, found ? rings_24h : rings, wanted, "calls"},
                     {"dispersion" + at, out.dispersion, limits_.dispersion, "ratio"},
                     {"conversation_ratio" + at, out.conversation, limits_.conversation, "ratio"}};
  if (backs > 0) signal.evidence.push_back({"backs_24h", backs, limits_.backs, "calls"});
  if (long_backs > 0) signal.evidence.push_back({"long_backs_24h", long_backs, 1, "calls"});
  if (far) signal.evidence.push_back({"costly_to_call_back", 1, 1, ""});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.strict, "times stricter"});
  signal.series_feature = "calls_out";
  signal.series = activity.calls_out_series(window);
  if (signal.series.size() > model::Signal::kSeriesMax) signal.series.resize(model::Signal::kSeriesMax);
  suspect.back.show(signal);
  suspect.called.show(signal);
  context.emit(std::move(signal));
}

void OneRing::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.suspect != nullptr ? 1 : 0);
    if (entry.suspect == nullptr) return;
    const Suspect& s = *entry.suspect;
    s.rings.save(w);
    s.rung.save(w);
    s.called.save(w);
    s.back.save(w);
    w.varint(s.emitted_rings);
    w.varint(s.emitted_backs);
    w.i64(s.first_ms);
  });
}

Result<> OneRing::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.suspect = std::make_unique<Suspect>();
    Suspect& s = *entry.suspect;
    s.rings.load(r);
    s.rung.load(r);
    s.called.load(r);
    s.back.load(r);
    s.emitted_rings = static_cast<std::uint32_t>(r.varint());
    s.emitted_backs = static_cast<std::uint32_t>(r.varint());
    s.first_ms = r.i64();
  });
}

}  // namespace one_ring

std::unique_ptr<detect::Detector> make_one_ring(const detect::Options& options) {
  return std::make_unique<one_ring::OneRing>(options);
}

}  // namespace pandun::detectors
