// Risk propagation: numbers that share a device with burst calling, or keep in short touch with a burst caller at its work.
//
// Method   a seed is a number, or a device, that dials many strangers with whom hardly anybody talks, or one that is suspected
//          already; its score is 1 and halves with time. The risk passed on is the score, times a share for each hop (one or
//          two), times the strength of the link.
// Safety   severity is at most 39: nothing may follow from company alone. Who was rung first is never named: company.h.
// Source   docs/detectors/risk_propagation.md, with where each threshold comes from.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/features/device_activity.h"
#include "detect/features/number_activity.h"
#include "detect/outreach.h"
#include "detect/slab.h"
#include "detect/small_state.h"
#include "detect/state_table.h"
#include "detectors/risk_propagation/company.h"

namespace pandun::detectors {
namespace risk_propagation {

using detect::Window;

constexpr std::int32_t kTouchS = 120, kShortTalkS = 10;
constexpr std::size_t kMembersMax = 16;
constexpr double kSeverityMax = 39;
constexpr double kSuspectedWork = 0.5;      // of the pace of a number at work
constexpr std::uint32_t kRelayS = 15 * 60;  // between a call with a suspected number and one that is in step with it
constexpr double kRelayShare = 0.6;         // of a contact's calls; by chance a third fall so

// A province has so many devices in honest use that some of them lose 13 calls of 20 every hour.
constexpr double kSigmas = 1.64;

// A device's key: 64 bits of its text, so that the first table stays small.
struct DeviceKey {
  std::uint64_t bits = 0;
  friend bool operator==(DeviceKey, DeviceKey) = default;
};
inline std::uint64_t state_hash(DeviceKey key) {
  return hash_of(model::EntityKey{0, key.bits});
}
inline void write_key(detect::StateWriter& out, DeviceKey key) {
  out.u64(key.bits);
}
inline void read_key(detect::StateReader& in, DeviceKey& key) {
  key.bits = in.u64();
}

// A device's calls since conversations last had the upper hand, while pauses are shorter than two hours (Page, "Continuous
// inspection schemes", 1954): 12 bytes, for the devices whose latest calls were lost, not for every device there is.
struct Trace {
  std::array<std::uint32_t, 2> callees{};
  std::uint16_t calls = 0, lost = 0;
  void add(std::uint64_t callee_hash, bool was_lost) {
    callees[(callee_hash >> 25) & 1] |= 1U << ((callee_hash >> 20) & 31);
    if (calls == 0xffff) {
      calls /= 2;
      lost /= 2;
    }
    ++calls;
    if (was_lost) ++lost;
  }
  double distinct() const {
    const double free = std::max(0.5, 64.0 - std::popcount(callees[0]) - std::popcount(callees[1]));
    return std::round(-64.0 * std::log(free / 64.0));
  }
};

// The same of up to four calls, in four bytes: as many bits of a trace as there are calls. Longer ones stand in a pool.
class Start {
 public:
  static constexpr std::uint16_t kCallsMax = 4;
  bool is_long() const { return (bits_ & kLong) != 0; }
  std::uint32_t handle() const { return bits_ & ~kLong; }
  static Start of_long(std::uint32_t handle) { return Start(kLong | handle); }
  static bool fits(const Trace& t) {
    const int set = std::popcount(t.callees[0]) + std::popcount(t.callees[1]);
    return t.calls > 0 && t.calls <= kCallsMax && t.lost <= t.calls && set > 0 && set <= t.calls;
  }
  static Start of(const Trace& t) {
    std::uint32_t bits = t.calls | std::uint32_t{t.lost} << 3, at = 6, callee = 0;
    for (std::uint64_t set = t.callees[0] | std::uint64_t{t.callees[1]} << 32; set != 0; set &= set - 1) {
      callee = static_cast<std::uint32_t>(std::countr_zero(set));
      bits |= callee << at;
      at += 6;
    }
    for (; at < 30; at += 6) bits |= callee << at;  // who was called twice
    return Start(bits);
  }
  Trace trace() const {
    Trace t;
    t.calls = bits_ & 7;
    t.lost = bits_ >> 3 & 7;
    for (std::uint32_t at = 6; t.calls != 0 && at < 30; at += 6) {
      const std::uint32_t bit = bits_ >> at & 63;
      t.callees[bit / 32] |= 1U << (bit % 32);
    }
    return t;
  }
  Start() = default;

 private:
  static constexpr std::uint32_t kLong = 1U << 31;
  explicit Start(std::uint32_t bits) : bits_(bits) {}
  std::uint32_t bits_ = 0;
};

class Traces {
 public:
  Trace read(Start s) const { return s.is_long() ? *pool_.at(0, s.handle()) : s.trace(); }
  void write(Start& s, const Trace& t) {
    if (s.is_long()) {
      *pool_.at(0, s.handle()) = t;
    } else if (Start::fits(t)) {
      s = Start::of(t);
    } else {
      s = Start::of_long(pool_.take(0));
      *pool_.at(0, s.handle()) = t;
    }
  }
  void drop(Start s) {
    if (s.is_long()) pool_.give_back(0, s.handle());
  }
  std::uint64_t bytes() const { return pool_.bytes(); }

 private:
  detect::SlabPool<Trace, 1, 1> pool_;
};

struct Member {
  model::NumberKey number;
  detect::FewDistinct<64> callees;
  std::uint32_t last_s = 0;
  std::uint16_t calls = 0, lost = 0, turns = 0;
  detect::Said said;  // of the risk
};

struct Device {
  Score score;
  model::NumberKey last;
  std::vector<Member> members;
  detect::LatestRecords<8> records;

  Member& member(model::NumberKey number) {
    for (Member& m : members)
      if (m.number == number) return m;
    if (members.size() < kMembersMax) {
      detect::grow(members, 2, kMembersMax);
      members.emplace_back().number = number;
      return members.back();
    }
    auto least = std::min_element(members.begin(), members.end(),
                                  [](const Member& a, const Member& b) { return a.last_s < b.last_s; });
    *least = {};
    least->number = number;
    return *least;
  }
  std::uint64_t bytes() const { return sizeof(*this) + members.capacity() * sizeof(Member); }
};

class RiskPropagation final : public detect::Detector {
 public:
  explicit RiskPropagation(const detect::Options& o)
      : limits_{o["seed_calls_1h_min"],  o["device_calls_min"], o["dispersion_min"],  o["conversation_max"],
                o["half_life_h"] * 3600, o["hop_share"],        o["risk_min"],        o["turns_min"],
                o["contacts_min"],       o["suspects_min"],     o["own_callees_min"], o["relays_min"],
                o["suspicions"]},
        starts_(std::chrono::hours(2)),
        devices_(std::chrono::hours(24 * 14)),
        seeds_(std::chrono::hours(24 * 14)),
        company_(std::chrono::hours(24 * 7)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override;
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    if (key.role == kDevice) return starts_.prefetch({key.key.lo}, stage);
    seeds_.prefetch(model::NumberKey::from_bits(key.key.lo), stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override {
    if (key.role == kDevice) return on_device(event, {key.key.lo}, context);
    on_contact(event, key.role == kCaller, context);
  }
  void evict(EventMs watermark) override {
    for (int part = 0; part < 4; ++part)
      starts_.evict(watermark,
                    [this](Start& start) { traces_.drop(start); });  // short-lived: all of them once in 40 minutes
    devices_.evict(watermark, [this](std::unique_ptr<Device>& d) { drop(d); });
    seeds_.evict(watermark, [this](std::unique_ptr<Seed>& s) { drop(s); });
    company_.evict(watermark, [this](Company& c) { heap_bytes_ -= c.heap_bytes(); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {starts_.size() + devices_.size() + seeds_.size() + company_.size(),
            starts_.bytes() + traces_.bytes() + devices_.bytes() + seeds_.bytes() + company_.bytes() + heap_bytes_,
            starts_.evicted() + devices_.evicted() + seeds_.evicted() + company_.evicted()};
  }

 private:
  enum Role : std::uint8_t { kDevice, kCaller, kCallee };
  struct Limits {
    double seed_calls, device_calls, dispersion, conversation, half_life_s, hop, risk, turns, contacts, suspects,
        own_callees, relays, suspicions;
  };
  // Only where the site wants it: what casework knows is not in the log, so a replay finds otherwise.
  bool suspected(const detect::Context& context, model::NumberKey number) const {
    return limits_.suspicions > 0 && context.ports().numbers->suspected(number);
  }
  // Counts the call on its device; whether that is a seed now.
  bool bursts(const model::Call& call, DeviceKey key, std::uint64_t hash, EventMs watermark);
  void on_device(const model::Event& event, DeviceKey key, detect::Context& context);
  void judge_member(const model::Event& event, Device& device, Member& member, detect::Context& context) const;
  void on_contact(const model::Event& event, bool calls, detect::Context& context);
  void on_seed(const model::Event& event, bool calls, const detect::NumberActivity& activity, detect::Context& context);
  void judge_contact(const model::Event& event, Seed& seed, Contact& contact, model::NumberKey own,
                     detect::Context& context) const;
  void on_company(const model::Event& event, bool calls, detect::Context& context);
  void judge_own(const model::Event& event, Circle& circle, model::NumberKey own, detect::Context& context) const;
  void judge_second(const model::Event& event, Circle& circle, Contact& contact, model::NumberKey own,
                    detect::Context& context) const;
  // What its suspects pass on to a number: each on its own could, so they count together. `sure`: those with contacts enough.
  struct Passed {
    double share = 0, touches = 0, hours = 0;
    std::vector<model::NumberKey> sure;
  };
  Passed passed_on(const Circle& circle, std::uint32_t now_s) const;
  bool bursting(const detect::NumberActivity& activity, double of_calls) const;
  // Whether so much risk is to be said of a number now; it is then taken as said.
  bool speaks(detect::Said& said, model::NumberKey about, double risk, std::uint32_t now_s,
              detect::Context& context) const;
  // A finding with all but its peers and what follows the risk as evidence.
  model::Signal finding(const model::Event& event, model::NumberKey about, double risk, double confidence,
                        model::LocalText title, const detect::LatestRecords<8>& records) const;
  static void emit(model::Signal signal, std::initializer_list<model::Evidence> evidence, detect::Context& context) {
    signal.evidence.insert(signal.evidence.end(), evidence);
    context.emit(std::move(signal));
  }
  static bool is_protected(model::NumberKey number, detect::Context& context) {
    const detect::NumberFacts& facts = *context.ports().numbers;
    return !facts.protected_group(number).empty() || facts.emergency_or_service(number);
  }
  template <typename T>
  void drop(std::unique_ptr<T>& state) {
    if (state != nullptr) heap_bytes_ -= state->bytes();
  }

  Limits limits_;
  detect::StateTable<DeviceKey, Start> starts_;
  Traces traces_;
  detect::StateTable<DeviceKey, std::unique_ptr<Device>> devices_;
  detect::StateTable<model::NumberKey, std::unique_ptr<Seed>> seeds_;
  detect::StateTable<model::NumberKey, Company> company_;
  std::uint64_t heap_bytes_ = 0;
};

bool was_lost(const model::Call& call) {
  return call.answered == model::Answered::kNo || (call.duration_s >= 0 && call.duration_s <= kShortTalkS);
}

void RiskPropagation::route(const model::Event& event, detect::KeyList& keys) const {
  if (event.kind() != model::EventKind::kCall) return;
  const auto& call = event.as<model::Call>();
  if (!call.caller.known() || !call.callee.known() || call.caller.kind() == model::NumberKind::kService ||
      call.callee.kind() == model::NumberKind::kService)
    return;
  if (!call.caller_device.empty())
    keys.push_back({model::EntityKind::kDevice, kDevice, {0, hash64(call.caller_device)}});
  if (call.answered == model::Answered::kNo || call.duration_s < 1) return;
  keys.push_back({model::EntityKind::kNumber, kCaller, model::key_of(call.caller)});
  keys.push_back({model::EntityKind::kNumber, kCallee, model::key_of(call.callee)});
}

// ---- what is said ----

bool RiskPropagation::speaks(detect::Said& said, model::NumberKey about, double risk, std::uint32_t now_s,
                             detect::Context& context) const {
  if (risk < limits_.risk || !said.due(risk, now_s) || is_protected(about, context) || suspected(context, about))
    return false;
  said.say(risk, now_s);
  return true;
}

model::Signal RiskPropagation::finding(const model::Event& event, model::NumberKey about, double risk,
                                       double confidence, model::LocalText title,
                                       const detect::LatestRecords<8>& records) const {
  model::Signal signal;
  signal.entity = model::Entity::of(about);
  signal.first = signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(std::clamp(risk * 0.8, 5.0, kSeverityMax));
  signal.confidence = confidence;
  signal.title = std::move(title);
  signal.evidence = {{"risk_passed_on", risk, limits_.risk, "points"}};
  signal.records = records.latest();
  return signal;
}

// ---- over a device ----

bool RiskPropagation::bursts(const model::Call& call, DeviceKey key, std::uint64_t hash, EventMs watermark) {
  const bool lost = was_lost(call);
  // Nearly every call ends here or at the erase() below.
  Start* held = starts_.find_hash(key, hash, watermark);
  if (!lost && held == nullptr) return false;
  const auto release = [this](Start& start) { traces_.drop(start); };
  Start& start = starts_.touch_hash(key, hash, watermark, nullptr, release);
  Trace trace = traces_.read(start);
  trace.add(detect::state_hash(call.callee), lost);
  const double calls = trace.calls, talked = calls - trace.lost;
  if (talked > limits_.conversation * calls) {
    release(start);
    starts_.erase(key);
    return false;
  }
  traces_.write(start, trace);
  return calls >= limits_.device_calls && detect::surely_below(talked / calls, calls, limits_.conversation, kSigmas) &&
         trace.distinct() >= limits_.dispersion * std::min<double>(calls, 48);
}

void RiskPropagation::on_device(const model::Event& event, DeviceKey key, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint64_t h = state_hash(key);
  const bool lost = was_lost(call), burst = bursts(call, key, h, event.watermark);
  // A suspected number's telephone is a seed once another number is on it too.
  const bool suspect = !burst && suspected(context, call.caller);
  const detect::DeviceActivity* use = suspect ? context.device() : nullptr;
  const bool seed = burst || (use != nullptr && !use->fewer_than(0, 2));
  // The second table is looked into only for devices with a history.
  if (!seed && devices_.size() == 0) return;
  std::unique_ptr<Device>* held = devices_.find_hash(key, h, event.watermark);
  if (held == nullptr && !seed) return;
  held = &devices_.touch_hash(key, h, event.watermark, nullptr, [this](std::unique_ptr<Device>& d) { drop(d); });
  if (*held == nullptr) {
    *held = std::make_unique<Device>();
    heap_bytes_ += (*held)->bytes();
  }
  Device& device = **held;
  if (seed) device.score.at_s = std::max(device.score.at_s, now_s);
  const std::uint64_t before = device.bytes();
  Member& member = device.member(call.caller);
  heap_bytes_ += device.bytes() - before;
  if (device.last.known() && device.last != call.caller && member.turns < 0xffff) ++member.turns;
  device.last = call.caller;
  member.last_s = std::max(member.last_s, now_s);
  if (member.calls < 0xffff) ++member.calls;
  if (lost && member.lost < 0xffff) ++member.lost;
  member.callees.add(detect::state_hash(call.callee));
  device.records.add(event);
  judge_member(event, device, member, context);
}

// A member that takes turns on the device and calls strangers too. A family that shares a handset calls its own people; a later
// owner takes no turns.
void RiskPropagation::judge_member(const model::Event& event, Device& device, Member& member,
                                   detect::Context& context) const {
  if (member.turns < limits_.turns || member.calls < 5) return;
  const bool is_seed = member.lost >= (1 - limits_.conversation) * member.calls;  // others' to say
  if (is_seed || member.callees.count() < limits_.dispersion * std::min<double>(member.calls, 48)) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  const double score = device.score.at(now_s, limits_.half_life_s);
  const double link = std::min(1.0, member.turns / (2 * limits_.turns));
  const double risk = 100 * score * limits_.hop * link;
  if (!speaks(member.said, member.number, risk, now_s, context)) return;

  model::Signal signal = finding(event, member.number, risk, 0.4,
                                 {"与高频外呼或可疑号码轮换使用同一终端",
                                  "Shares a device with burst calling or a suspected number, taking turns with it"},
                                 device.records);
  signal.peers.push_back(model::Entity::text(model::EntityKind::kDevice, event.as<model::Call>().caller_device));
  for (const Member& other : device.members)
    if (other.number != member.number && signal.peers.size() < model::Signal::kPeersMax)
      signal.peers.push_back(model::Entity::of(other.number));
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{device.score.at_s} * 1000)};
  emit(std::move(signal),
       {{"risk_score_left", score, 0, "ratio"},
        {"risk_turns", static_cast<double>(member.turns), limits_.turns, "times"},
        {"risk_callees", member.callees.count(), 0, "numbers"}},
       context);
}

// ---- over contacts ----

bool RiskPropagation::bursting(const detect::NumberActivity& activity, double of_calls) const {
  const double calls = activity.calls_out(Window::k1h);
  if (calls < limits_.seed_calls * of_calls || activity.out_share(Window::k1h) < 0.8) return false;
  if (activity.distinct_callees(Window::k1h) < limits_.dispersion * calls) return false;
  const detect::NumberTally& tally = activity.tally(Window::k1h);
  const double known = tally.answered_out + tally.unanswered_out;
  return known > 0 && (tally.answered_out - tally.short_out) / known <= limits_.conversation;
}

void RiskPropagation::on_contact(const model::Event& event, bool calls, detect::Context& context) {
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr) return;
  if (activity->contacts_at_most() >= limits_.seed_calls * kSuspectedWork) on_seed(event, calls, *activity, context);
  on_company(event, calls, context);
}

// ---- a number at work, and who rings it ----

void RiskPropagation::on_seed(const model::Event& event, bool calls, const detect::NumberActivity& activity,
                              detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const model::NumberKey own = calls ? call.caller : call.callee, peer = calls ? call.callee : call.caller;
  // Only what happens while the number is at work: a family's calls come at other hours, and last. Of one that is suspected
  // half the pace will do.
  if (!bursting(activity, kSuspectedWork)) return;
  if (!bursting(activity, 1) && !suspected(context, own)) return;
  if (is_protected(own, context)) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  std::unique_ptr<Seed>& held = seeds_.touch_hash(own, detect::state_hash(own), event.watermark, nullptr,
                                                  [this](std::unique_ptr<Seed>& s) { drop(s); });
  if (held == nullptr) {
    held = std::make_unique<Seed>();
    heap_bytes_ += held->bytes();
  }
  Seed& seed = *held;
  seed.score.at_s = std::max(seed.score.at_s, now_s);
  Contact* contact = find_contact(seed.contacts, peer);
  if (contact == nullptr) {
    // Followed is who rings without having been rung.
    if (calls || activity.may_have_met(detect::Lane::kCallOut, peer)) return;
    const std::uint64_t before = seed.bytes();
    contact = &add_contact(seed.contacts, kContactsMax, peer);
    heap_bytes_ += seed.bytes() - before;
  }
  if (call.duration_s > kTouchS) contact->talked = true;
  if (contact->talked) return;
  contact->touch(calls, false, now_s);
  seed.records.add(event);
  judge_contact(event, seed, *contact, own, context);
}

void RiskPropagation::judge_contact(const model::Event& event, Seed& seed, Contact& contact, model::NumberKey own,
                                    detect::Context& context) const {
  const std::uint32_t now_s = detect::seconds32(event.time);
  const double touches = contact.touches();
  if (touches < limits_.contacts || contact.hours < 2 || contact.received < 2 || contact.made < 1) return;
  const double score = seed.score.at(now_s, limits_.half_life_s);
  const double risk = 100 * score * limits_.hop * std::min(1.0, touches / (2 * limits_.contacts));
  if (!speaks(contact.said, contact.number, risk, now_s, context)) return;

  model::Signal signal = finding(
      event, contact.number, risk, 0.35,
      {"在高频外呼号码作业期间与其频繁短时互通", "Keeps in short touch, both ways, with a burst caller while it works"},
      seed.records);
  signal.peers.push_back(model::Entity::of(own));
  emit(std::move(signal),
       {{"risk_score_left", score, 0, "ratio"},
        {"risk_touches", touches, limits_.contacts, "calls"},
        {"risk_touch_hours", static_cast<double>(contact.hours), 2, "h"}},
       context);
}

// ---- a number that rings suspected ones, and who is in step with it ----

void RiskPropagation::on_company(const model::Event& event, bool calls, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const model::NumberKey own = calls ? call.caller : call.callee, peer = calls ? call.callee : call.caller;
  const bool suspect = suspected(context, peer);
  if (!suspect && company_.size() == 0) return;
  Company* company = company_.find(own, event.watermark);
  if (!suspect && (company == nullptr || company->circle == nullptr)) return;
  company = &company_.touch_hash(own, detect::state_hash(own), event.watermark, nullptr,
                                 [this](Company& c) { heap_bytes_ -= c.heap_bytes(); });
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint64_t before = company->heap_bytes();
  Contact* contact = company->circle == nullptr
                         ? nullptr
                         : find_contact(suspect ? company->circle->suspects : company->circle->others, peer);
  if (contact == nullptr && suspect) {
    // Whom a suspected number rang first is a victim, whatever follows.
    if (!calls && !company->approached_by(peer)) company->approached(peer);
    if (!calls || company->approached_by(peer) || context.number()->may_have_met(detect::Lane::kCallIn, peer)) return;
    if (company->circle == nullptr) company->circle = std::make_unique<Circle>();
    contact = &add_contact(company->circle->suspects, kSuspectsMax, peer);
  } else if (contact == nullptr) {
    // Likewise: whom this number rings may be anybody.
    if (calls || context.number()->may_have_met(detect::Lane::kCallOut, peer)) return;
    contact = &add_contact(company->circle->others, kContactsMax, peer);
  }
  heap_bytes_ += company->heap_bytes() - before;
  if (call.duration_s > kTouchS) contact->talked = true;
  if (contact->talked) return;
  Circle& circle = *company->circle;
  const bool relay = circle.touch_s != 0 && (now_s < circle.touch_s || now_s - circle.touch_s <= kRelayS);
  circle.records.add(event);
  if (suspect) {
    contact->touch(calls, relay, now_s);
    circle.touch_s = std::max(circle.touch_s, now_s);
    return judge_own(event, circle, own, context);
  }
  contact->touch(calls, relay, now_s);
  if (contact->relays >= limits_.relays) judge_second(event, circle, *contact, own, context);
}

RiskPropagation::Passed RiskPropagation::passed_on(const Circle& circle, std::uint32_t now_s) const {
  Passed out;
  double none = 1;
  for (const Contact& c : circle.suspects) {
    if (c.talked || c.touches() < limits_.contacts || c.hours < 2 || c.made < 1 || c.received < 1) continue;
    const double score = Score{c.last_s}.at(now_s, limits_.half_life_s);
    none *= 1 - score * limits_.hop * std::min(1.0, c.touches() / (2 * limits_.contacts));
    out.touches += c.touches();
    out.hours = std::max<double>(out.hours, c.hours);
    out.sure.push_back(c.number);
  }
  out.share = 1 - none;
  return out;
}

void RiskPropagation::judge_own(const model::Event& event, Circle& circle, model::NumberKey own,
                                detect::Context& context) const {
  const std::uint32_t now_s = detect::seconds32(event.time);
  const Passed passed = passed_on(circle, now_s);
  const double suspects = static_cast<double>(passed.sure.size()), risk = 100 * passed.share;
  if (suspects < limits_.suspects || risk < limits_.risk || !circle.said.due(risk, now_s)) return;
  // It does calls of its own: people who only answer, or only ring back, are not at work.
  const double callees = context.number()->distinct_callees(Window::k24h);
  if (callees < limits_.own_callees + suspects) return;
  if (!speaks(circle.said, own, risk, now_s, context)) return;

  model::Signal signal = finding(event, own, risk, 0.4,
                                 {"主动与多个可疑号码频繁短时互通",
                                  "Keeps in short touch, both ways, with several suspected numbers that it rang first"},
                                 circle.records);
  for (const model::NumberKey suspect : passed.sure) signal.peers.push_back(model::Entity::of(suspect));
  emit(std::move(signal),
       {{"risk_suspects", suspects, limits_.suspects, "numbers"},
        {"risk_touches", passed.touches, limits_.contacts * limits_.suspects, "calls"},
        {"risk_touch_hours", passed.hours, 2, "h"},
        {"distinct_callees_24h", callees, limits_.own_callees + suspects, "numbers"}},
       context);
}

// The second hop: who rings such a number, and is rung, within minutes of its calls with the suspects. A family's calls fall
// when they fall.
void RiskPropagation::judge_second(const model::Event& event, Circle& circle, Contact& contact, model::NumberKey own,
                                   detect::Context& context) const {
  const std::uint32_t now_s = detect::seconds32(event.time);
  const double touches = contact.touches(), relays = contact.relays;
  if (contact.hours < 3 || contact.made < 2 || contact.received < 0.4 * touches || relays < kRelayShare * touches)
    return;
  const Passed passed = passed_on(circle, now_s);
  const double suspects = static_cast<double>(passed.sure.size());
  if (suspects < limits_.suspects) return;
  const double risk = 100 * passed.share * limits_.hop * std::min(1.0, relays / (1.5 * limits_.relays));
  if (!speaks(contact.said, contact.number, risk, now_s, context)) return;

  model::Signal signal = finding(event, contact.number, risk, 0.3,
                                 {"与关联多个可疑号码的号码同步互通（第二跳）",
                                  "In step with a number that keeps company with suspected ones (second hop)"},
                                 circle.records);
  signal.peers.push_back(model::Entity::of(own));
  for (const model::NumberKey suspect : passed.sure) signal.peers.push_back(model::Entity::of(suspect));
  emit(std::move(signal),
       {{"risk_score_left", passed.share, 0, "ratio"},
        {"risk_relays", relays, limits_.relays, "calls"},
        {"risk_relay_share", relays / touches, kRelayShare, "ratio"},
        {"risk_suspects", suspects, limits_.suspects, "numbers"}},
       context);
}

void RiskPropagation::save(detect::StateWriter& out) const {
  starts_.save(out, [this](detect::StateWriter& w, Start start) {
    const Trace t = traces_.read(start);
    for (const std::uint32_t word : t.callees) w.u32(word);
    w.u16(t.calls);
    w.u16(t.lost);
  });
  devices_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Device>& d) {
    w.u32(d->score.at_s);
    w.u64(d->last.bits());
    w.varint(d->members.size());
    for (const Member& m : d->members) {
      w.u64(m.number.bits());
      m.callees.save(w);
      w.u32(m.last_s);
      for (const std::uint16_t v : {m.calls, m.lost, m.turns}) w.u16(v);
      m.said.save(w);
    }
    d->records.save(w);
  });
  seeds_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Seed>& s) { s->save(w); });
  company_.save(out, [](detect::StateWriter& w, const Company& c) { c.save(w); });
}

Result<> RiskPropagation::load(detect::StateReader& in) {
  const auto read_trace = [this](detect::StateReader& r, Start& start) {
    Trace t;
    for (std::uint32_t& word : t.callees) word = r.u32();
    t.calls = r.u16();
    t.lost = r.u16();
    if (t.lost > t.calls) return r.fail("more calls of a device lost than made");
    traces_.write(start, t);
  };
  TRY(starts_.load(in, read_trace, [this](Start& start) { traces_.drop(start); }));
  TRY(devices_.load(in, [](detect::StateReader& r, std::unique_ptr<Device>& d) {
    d = std::make_unique<Device>();
    d->score.at_s = r.u32();
    d->last = model::NumberKey::from_bits(r.u64());
    const std::uint64_t size = r.varint();
    if (size > kMembersMax) return r.fail("more members than a device may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(d->members, 2, kMembersMax);
      Member& m = d->members.emplace_back();
      m.number = model::NumberKey::from_bits(r.u64());
      m.callees.load(r);
      m.last_s = r.u32();
      for (std::uint16_t* v : {&m.calls, &m.lost, &m.turns}) *v = r.u16();
      m.said.load(r);
    }
    d->records.load(r);
  }));
  TRY(seeds_.load(in, [](detect::StateReader& r, std::unique_ptr<Seed>& s) {
    s = std::make_unique<Seed>();
    s->load(r);
  }));
  TRY(company_.load(in, [](detect::StateReader& r, Company& c) { c.load(r); }));
  heap_bytes_ = 0;
  devices_.for_each([this](DeviceKey, const std::unique_ptr<Device>& d) { heap_bytes_ += d->bytes(); });
  seeds_.for_each([this](model::NumberKey, const std::unique_ptr<Seed>& s) { heap_bytes_ += s->bytes(); });
  company_.for_each([this](model::NumberKey, const Company& c) { heap_bytes_ += c.heap_bytes(); });
  return {};
}

}  // namespace risk_propagation

const detect::DetectorSpec& risk_propagation_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "risk_propagation",
      .title_en = "Risk by company",
      .title_zh = "关联风险",
      .finds_en =
          "A number that takes turns on one device with a burst caller or a suspected number, keeps in short touch "
          "with "
          "one while it works or with several, or is in step with one that does: a pointer for looking, never a ground "
          "by itself.",
      .finds_zh =
          "与高频外呼或可疑号码轮换使用同一终端，在其作业期间频繁短时互通，主动与多个可疑号码互通，或与此类号码同步往来"
          "的"
          "号码：仅作线索，不单独作为处置依据。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "risk_propagation",
      .techniques = {"PF-014"},
      .episode_gap = std::chrono::hours(72),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"seed_calls_1h_min", "calls", 40, 10, 10000, "calls out within an hour that make a number a seed",
               "1 小时外呼次数，达到即为风险源号码"},
              {"device_calls_min", "calls", 20, 5, 10000,
               "calls out of a device without a two-hour pause that make it a seed",
               "终端连续外呼次数，达到即为风险源终端"},
              {"dispersion_min", "ratio", 0.7, 0, 1, "different callees per call", "离散度"},
              {"conversation_max", "ratio", 0.35, 0, 1, "share of calls answered and longer than 10 s", "成话率上限"},
              {"half_life_h", "h", 72, 1, 336, "time in which a seed's score halves", "风险分值减半时长"},
              {"hop_share", "ratio", 0.5, 0, 1, "share of the score that passes over each hop", "每跳传递比例"},
              {"risk_min", "points", 20, 1, 100, "risk from which on it is said", "提示的最低风险分"},
              {"turns_min", "times", 3, 2, 1000, "times the number took over the device from another",
               "接替他号使用该终端的次数"},
              {"contacts_min", "calls", 4, 3, 1000, "short calls with the seed, both ways, in two or more hours",
               "与风险源双向短时通话次数（至少跨两个小时段）"},
              {"suspects_min", "numbers", 2, 2, 8, "suspected numbers with which a number is in touch",
               "与之互通的可疑号码数"},
              {"own_callees_min", "numbers", 5, 0, 1000, "others whom such a number calls within 24 h",
               "该号码 24 小时内另外呼叫的不同号码数"},
              {"relays_min", "calls", 6, 3, 1000,
               "calls of a second hop within minutes of calls with suspected numbers",
               "第二跳号码在其与可疑号码通话前后数分钟内的通话次数"},
              {"suspicions", "", 0, 0, 1,
               "1: numbers with an open alert count as suspected, which a replay of the records cannot know; 0: none "
               "does",
               "1：有未结告警的号码视为可疑（重放时不可知）；0：不采用"},
          },
      .false_positives_en =
          "A colleague who organises honest surveys from the same office; a repair shop's handset on a busy day. It is "
          "company, "
          "not conduct: look at what the number does itself.",
      .false_positives_zh =
          "同一办公室组织合法调查的同事；维修店繁忙日的测试机。这是关联而非行为，应核实号码自身情况。",
      .state_version = 2,
      .evidence =
          {
              {"risk_passed_on", "risk passed on", "传递的风险分", "points", "分", detect::Bound::kAtLeast},
              {"risk_score_left", "what is left of the seed's score", "风险源剩余分值", "ratio", "比例"},
              {"risk_turns", "times it took over the device", "接替使用终端次数", "times", "次",
               detect::Bound::kAtLeast},
              {"risk_callees", "different numbers called on the device", "在该终端拨打的不同号码数", "numbers", "个"},
              {"risk_touches", "short calls with the seed", "与风险源短时通话次数", "calls", "次",
               detect::Bound::kAtLeast},
              {"risk_touch_hours", "hours in which they fell", "涉及小时数", "h", "小时", detect::Bound::kAtLeast},
              {"risk_suspects", "suspected numbers it is in touch with", "互通的可疑号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"risk_relays", "calls within 15 min after one with a suspected number",
               "与可疑号码通话后 15 分钟内的通话次数", "calls", "次", detect::Bound::kAtLeast},
              {"risk_relay_share", "their share of all calls between the two", "占双方通话比例", "ratio", "比例",
               detect::Bound::kAtLeast},
          },
      .wants_devices = true,
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_risk_propagation(const detect::Options& options) {
  return std::make_unique<risk_propagation::RiskPropagation>(options);
}

}  // namespace pandun::detectors
