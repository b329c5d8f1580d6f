// Spoofed caller: calls that show a number which cannot be the caller's.
//
// Method   facts of the numbering plan and of the trunk first (a home fixed, service or emergency number from abroad; a
//          number that cannot exist; a callee's own number), then two shapes of one number: at home and abroad within
//          minutes, and through many trunks at once.
// Shape    a trunk: 2 KiB and its distinct numbers. A fixed or service number with enough calls: 12 bytes a trunk. A home
//          mobile called from abroad: 80 bytes for 24 h.
// Source   docs/detectors/spoofed_caller.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "detect/calling_code.h"
#include "detect/detector.h"
#include "detect/features/number_activity.h"
#include "detect/state_io.h"
#include "detect/state_table.h"
#include "detectors/spoofed_caller/lines.h"

namespace pandun::detectors {
namespace spoofed_caller {

enum Role : std::uint8_t { kTrunk, kUnrouted, kCaller };

constexpr std::chrono::seconds kForgetLine = std::chrono::hours(24 * 7), kForgetTrunks = std::chrono::hours(24 * 30),
                               kForgetAbroad = std::chrono::hours(24);
constexpr double kLearnS = 24 * 3600;  // a number's trunks are only new once its usual ones could be known

using detect::LineKind;
bool never_abroad(LineKind kind) {
  return kind == LineKind::kFixed || kind == LineKind::kTollFree || kind == LineKind::kService ||
         kind == LineKind::kShort || kind == LineKind::kEmergency;
}
bool roams(LineKind kind) {
  return kind == LineKind::kMobile || kind == LineKind::kMobileVirtual || kind == LineKind::kIot;
}
std::uint32_t hash_of(model::NumberKey number) {
  return detect::peer_hash(mix64(number.bits()));
}

// Whether two numbers are plainly of two countries, without asking the plan. A service number is at home.
bool plainly_foreign(model::NumberKey caller, model::NumberKey callee) {
  const std::uint16_t from = detect::calling_code(caller), to = detect::calling_code(callee);
  return from != 0 && (to != 0 ? from != to : callee.kind() == model::NumberKind::kService);
}

struct Limits {
  double presented, impossible_callers, impossible_callees, self_callers, both_sides, trunks_1h, abroad_calls,
      abroad_share, strict;
};

struct LineEntry {
  std::unique_ptr<Line> line;
};
struct TrunksEntry {
  Trunks trunks;
  std::unique_ptr<detect::RecentContacts<8>> recent;
  std::uint32_t emitted_s = 0;
};
struct AbroadEntry {
  Abroad abroad;
  std::unique_ptr<detect::RecentContacts<8>> recent;
};

class SpoofedCaller final : public detect::Detector {
 public:
  explicit SpoofedCaller(const detect::Options& o)
      : limits_{o["presented_24h_min"], o["impossible_callers_min"], o["impossible_callees_min"],
                o["self_callers_min"],  o["both_sides_24h_min"],     o["trunks_1h_min"],
                o["abroad_calls_min"],  o["abroad_share_min"],       o["protected_factor"]} {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (!call.caller.known() || call.caller.kind() == model::NumberKind::kOpaque) return;
    const bool impossible = call.caller.kind() == model::NumberKind::kInvalid;
    if (!call.route.empty()) keys.push_back({model::EntityKind::kTrunk, kTrunk, model::key_of_text(call.route)});
    // An impossible number may be one caller's: it is counted by itself as well as on its trunk.
    if (impossible || (call.route.empty() && call.international))
      keys.push_back({model::EntityKind::kNumber, kUnrouted, model::key_of(call.caller)});
    if (!impossible && (call.international || !call.route.empty()))
      keys.push_back({model::EntityKind::kNumber, kCaller, model::key_of(call.caller)});
  }
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    if (key.role != kCaller) return lines_.prefetch(key.key, stage);
    trunks_.prefetch(model::NumberKey::from_bits(key.key.lo), stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override {
    const auto& call = event.as<model::Call>();
    if (key.role != kCaller) return on_line(event, call, key, context);
    if (call.international) return on_mobile(event, call, context);
    on_many_trunks(event, call, context);
  }
  void evict(EventMs watermark) override {
    lines_.evict(watermark);
    trunks_.evict(watermark);
    abroad_.evict(watermark);
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {lines_.size() + trunks_.size() + abroad_.size(),
            lines_.bytes() + lines_.size() * sizeof(Line) + trunks_.bytes() + trunks_.size() * 48 + abroad_.bytes(),
            lines_.evicted() + trunks_.evicted() + abroad_.evicted()};
  }

 private:
  void on_line(const model::Event& event, const model::Call& call, const detect::RoutedKey& key,
               detect::Context& context);
  void on_mobile(const model::Event& event, const model::Call& call, detect::Context& context);
  void on_many_trunks(const model::Event& event, const model::Call& call, detect::Context& context);
  bool crossed(Way way, Role role, const Line& line, bool abroad) const;
  void emit_line(Way way, Role role, const model::Call& call, const Line& line, bool abroad,
                 detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::EntityKey, LineEntry> lines_{kForgetLine};
  detect::StateTable<model::NumberKey, TrunksEntry> trunks_{kForgetTrunks};
  detect::StateTable<model::NumberKey, AbroadEntry> abroad_{kForgetAbroad};
};

// ---- a trunk, or a number that came without one ----

void SpoofedCaller::on_line(const model::Event& event, const model::Call& call, const detect::RoutedKey& key,
                            detect::Context& context) {
  const auto role = static_cast<Role>(key.role);
  const bool plain_home = !call.international && call.caller.kind() != model::NumberKind::kInvalid &&
                          !plainly_foreign(call.caller, call.callee);
  LineEntry* entry = lines_.find(key.key, event.watermark);
  // Most calls: from home to home, through a trunk that was never seen to bring any from abroad.
  if (plain_home && (entry == nullptr || entry->line == nullptr)) return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  const detect::NumberTraits callee = facts.traits(call.callee);
  if (!callee.home) return;  // outbound, transit, or nothing is known
  const detect::NumberTraits caller = facts.traits(call.caller);
  if (!caller.home && !caller.cannot_exist && role == kUnrouted) return;

  LineEntry& held = lines_.touch(key.key, event.watermark);
  if (held.line == nullptr) held.line = std::make_unique<Line>();
  Line& line = *held.line;
  const std::uint32_t time_s = detect::seconds32(event.time);
  line.advance(time_s);
  const bool learned = role == kTrunk && line.from_abroad(limits_.abroad_calls, limits_.abroad_share);
  if (!caller.home && !caller.cannot_exist) return line.foreign(time_s);
  if (!call.international && !caller.cannot_exist) line.home(time_s);

  const bool abroad = call.international || learned;
  Way way = kShown;
  if (caller.cannot_exist) {
    way = kImpossible;
  } else if (!abroad) {
    return;
  } else if (caller.kind == LineKind::kEmergency) {
    way = kEmergency;
  } else if (never_abroad(caller.kind)) {
    way = kShown;
  } else if (call.caller == call.callee) {
    way = kSelf;
  } else {
    return;
  }
  if (line.first_ms == 0) line.first_ms = event.time.ms;
  line.add(way, hash_of(call.caller), hash_of(call.callee), time_s);
  line.recent.add(role == kTrunk ? call.caller : call.callee, event);
  if (!crossed(way, role, line, abroad)) return;
  const double calls = line.calls(way);
  if (line.emitted[way] != 0 && calls < 2.0 * line.emitted[way]) return;
  line.emitted[way] = static_cast<std::uint32_t>(calls);
  emit_line(way, role, call, line, abroad, context);
}

bool SpoofedCaller::crossed(Way way, Role role, const Line& line, bool abroad) const {
  switch (way) {
    case kEmergency:
      return true;
    case kShown:  // one such call may have been forwarded abroad and back
      return line.calls(kShown) >= limits_.presented && line.callees() >= limits_.presented;
    case kImpossible:
      if (role == kUnrouted) return line.callees() >= limits_.impossible_callees;
      return line.callers(kImpossible) >= (abroad ? 1 : 4) * limits_.impossible_callers;
    default:  // a roaming person who listens to his own mailbox calls himself, too
      return role == kTrunk && line.callers(kSelf) >= limits_.self_callers;
  }
}

void SpoofedCaller::emit_line(Way way, Role role, const model::Call& call, const Line& line, bool abroad,
                              detect::Context& context) const {
  struct Words {
    double severity, confidence, calls_min;
    std::string_view en, zh;
  };
  const Words words =
      way == kEmergency ? Words{88, 0.9, 1, "emergency numbers shown by calls from abroad", "境外来话显示紧急号码"}
      : way == kShown ? Words{80, 0.9, limits_.presented, "home fixed or service numbers shown by calls from abroad",
                              "境外来话显示境内固话或服务号码"}
      : way == kImpossible ? Words{abroad ? 72.0 : 50.0, abroad ? 0.85 : 0.6,
                                   role == kTrunk ? limits_.impossible_callers : limits_.impossible_callees,
                                   "numbers that cannot exist", "主叫为不可能存在的号码"}
                           : Words{65, 0.7, limits_.self_callers, "people called from abroad by their own numbers",
                                   "境外来话冒用被叫本机号码"};
  const double calls = line.calls(way);
  const double excess = std::log2(std::max(1.0, calls / std::max(1.0, words.calls_min)));
  model::Signal signal;
  signal.entity =
      role == kTrunk ? model::Entity::text(model::EntityKind::kTrunk, call.route) : model::Entity::of(call.caller);
  signal.first = {line.first_ms};
  signal.last = {std::int64_t{line.newest_s()} * 1000};
  // A number without a trunk is not at fault: it is shown by somebody.
  const double blame = role == kTrunk || way == kImpossible ? 0 : 10;
  signal.severity = static_cast<std::uint8_t>(std::clamp(words.severity + 2 * excess - blame, 20.0, 95.0));
  signal.confidence = words.confidence;
  const std::string count = std::to_string(static_cast<int>(calls));
  signal.title.en = "Spoofed caller: " + std::string(words.en) + " (" + count + " calls in 24 h)";
  signal.title.zh = "改号呼叫：" + std::string(words.zh) + "（24 小时 " + count + " 次）";
  const double callers_min = way == kImpossible && role == kTrunk ? (abroad ? 1 : 4) * limits_.impossible_callers
                             : way == kSelf                       ? limits_.self_callers
                                                                  : 1;
  constexpr std::string_view kCalls[kWays] = {"presented_calls_24h", "emergency_calls_24h", "impossible_calls_24h",
                                              "self_calls_24h"};
  constexpr std::string_view kCallers[kWays] = {"presented_numbers_24h", "emergency_numbers_24h",
                                                "impossible_numbers_24h", "self_numbers_24h"};
  signal.evidence = {{std::string(kCalls[way]), calls, std::max(1.0, words.calls_min), "calls"},
                     {std::string(kCallers[way]), line.callers(way), callers_min, "numbers"},
                     {"called_numbers_24h", line.callees(), 0, "numbers"}};
  if (abroad) signal.evidence.push_back({"from_abroad", 1, 1, ""});
  signal.series_feature = "false_calls";
  signal.series = line.series(way);
  line.recent.show(signal);
  context.emit(std::move(signal));
}

// ---- a home mobile at both sides of the border ----

void SpoofedCaller::on_mobile(const model::Event& event, const model::Call& call, detect::Context& context) {
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->contacts_at_most() < 2) return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  const detect::NumberTraits caller = facts.traits(call.caller);
  if (!caller.home || !roams(caller.kind) || !facts.traits(call.callee).home) return;
  AbroadEntry& entry = abroad_.touch(call.caller, event.watermark);
  Abroad& abroad = entry.abroad;
  const std::uint32_t time_s = detect::seconds32(event.time), newest_s = detect::seconds32(activity->newest());
  abroad.called(time_s);
  const std::uint32_t mine = abroad.calls_since(detect::start_s(Window::k5m, newest_s));
  if (mine == abroad.times_s.size()) return;  // more of them than are remembered: what is left cannot be told
  const double at_home = activity->calls_out(Window::k5m) - mine;
  if (at_home < 1) return;
  abroad.clashed(time_s, hash_of(call.callee));
  if (entry.recent == nullptr) entry.recent = std::make_unique<detect::RecentContacts<8>>();
  entry.recent->add(call.callee, event);
  const std::string_view group = facts.protected_group(call.caller);
  const double wanted = std::min(limits_.both_sides * (group.empty() ? 1 : limits_.strict), 6.0);
  const std::uint32_t clashes = abroad.clashes_since(detect::start_s(Window::k24h, newest_s));
  if (clashes < wanted) return;
  if (abroad.emitted_s != 0 && time_s < abroad.emitted_s + 6 * 3600) return;
  abroad.emitted_s = time_s;

  model::Signal signal;
  signal.entity = model::Entity::of(call.caller);
  signal.first = signal.last = activity->newest();
  for (const Abroad::Clash& c : abroad.clashes)
    if (c.time_s != 0) signal.first = std::min(signal.first, EventMs{std::int64_t{c.time_s} * 1000});
  signal.severity = static_cast<std::uint8_t>(group.empty() ? 55 : 40);
  signal.confidence = group.empty() ? 0.5 : 0.4;
  signal.title.en = "Spoofed caller: a mobile number calls from home and from abroad within minutes";
  signal.title.zh = "改号呼叫：手机号码数分钟内既在境内又从境外主叫";
  signal.evidence = {{"both_sides_24h", static_cast<double>(clashes), wanted, "times"},
                     {"home_calls_5m", at_home, 1, "calls"},
                     {"from_abroad", 1, 1, ""}};
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.strict, "times stricter"});
  entry.recent->show(signal);
  context.emit(std::move(signal));
}

// ---- one fixed or service number through many trunks ----

void SpoofedCaller::on_many_trunks(const model::Event& event, const model::Call& call, detect::Context& context) {
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->fewer_than(limits_.trunks_1h, Window::k24h)) return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  const detect::NumberTraits caller = facts.traits(call.caller);
  if (!caller.home || !never_abroad(caller.kind)) return;
  TrunksEntry& entry = trunks_.touch(call.caller, event.watermark);
  const std::uint32_t time_s = detect::seconds32(event.time), newest_s = detect::seconds32(activity->newest());
  entry.trunks.add(static_cast<std::uint32_t>(hash64(call.route)), time_s);
  const Trunks::Use use = entry.trunks.use(newest_s);
  if (use.now * 2 < limits_.trunks_1h) return;
  if (entry.recent == nullptr) entry.recent = std::make_unique<detect::RecentContacts<8>>();
  entry.recent->add(call.callee, event);
  const std::string_view group = facts.protected_group(call.caller);
  const double wanted = limits_.trunks_1h * (group.empty() ? 1 : limits_.strict);
  if (use.now < wanted || use.fresh < wanted * 0.75 || activity->first_seen_age_s() < kLearnS) return;
  if (entry.emitted_s != 0 && time_s < entry.emitted_s + 6 * 3600) return;
  entry.emitted_s = time_s;

  model::Signal signal;
  signal.entity = model::Entity::of(call.caller);
  signal.first = {std::int64_t{detect::start_s(Window::k1h, newest_s)} * 1000};
  signal.last = activity->newest();
  signal.severity = static_cast<std::uint8_t>(group.empty() ? 45 : 30);
  signal.confidence = group.empty() ? 0.45 : 0.35;
  const std::string count = std::to_string(use.now);
  signal.title.en = "Spoofed caller: one number shown through " + count + " trunks within an hour, most new to it";
  signal.title.zh = "改号呼叫：同一号码一小时内经 " + count + " 条中继主叫，多数此前未用";
  signal.evidence = {{"trunks_1h", static_cast<double>(use.now), wanted, "trunks"},
                     {"new_trunks_1h", static_cast<double>(use.fresh), std::ceil(wanted * 0.75), "trunks"},
                     {"first_seen_age_s", activity->first_seen_age_s(), kLearnS, "s"}};
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.strict, "times stricter"});
  signal.peers.push_back(model::Entity::text(model::EntityKind::kTrunk, call.route));
  entry.recent->show(signal);
  context.emit(std::move(signal));
}

// ---- state ----

template <typename Recent>
void save_recent(detect::StateWriter& out, const Recent& recent) {
  out.u8(recent != nullptr ? 1 : 0);
  if (recent != nullptr) recent->save(out);
}
template <typename Recent>
void load_recent(detect::StateReader& in, std::unique_ptr<Recent>& recent) {
  if (in.u8() == 0) return;
  recent = std::make_unique<Recent>();
  recent->load(in);
}

void SpoofedCaller::save(detect::StateWriter& out) const {
  lines_.save(out, [](detect::StateWriter& w, const LineEntry& entry) {
    w.u8(entry.line != nullptr ? 1 : 0);
    if (entry.line != nullptr) entry.line->save(w);
  });
  trunks_.save(out, [](detect::StateWriter& w, const TrunksEntry& entry) {
    entry.trunks.save(w);
    save_recent(w, entry.recent);
    w.u32(entry.emitted_s);
  });
  abroad_.save(out, [](detect::StateWriter& w, const AbroadEntry& entry) {
    entry.abroad.save(w);
    save_recent(w, entry.recent);
  });
}

Result<> SpoofedCaller::load(detect::StateReader& in) {
  TRY(lines_.load(in, [](detect::StateReader& r, LineEntry& entry) {
    if (r.u8() == 0) return;
    entry.line = std::make_unique<Line>();
    entry.line->load(r);
  }));
  TRY(trunks_.load(in, [](detect::StateReader& r, TrunksEntry& entry) {
    entry.trunks.load(r);
    load_recent(r, entry.recent);
    entry.emitted_s = r.u32();
  }));
  return abroad_.load(in, [](detect::StateReader& r, AbroadEntry& entry) {
    entry.abroad.load(r);
    load_recent(r, entry.recent);
  });
}

}  // namespace spoofed_caller

std::unique_ptr<detect::Detector> make_spoofed_caller(const detect::Options& options) {
  return std::make_unique<spoofed_caller::SpoofedCaller>(options);
}

}  // namespace pandun::detectors
