// Victim at risk: a person who is being talked to at length by somebody suspicious, so that they can be warned in time.
//
// Method   two looks. At the person: long talk with a caller of doubtful origin who was never in contact before, then a burst of
//          messages from banks and short codes, or silence towards everybody else. At a caller that behaves like a dialler:
//          with whom it talks long, and again. Reports of calls in progress are talk as records are, only sooner: a call that
//          is told of while it lasts is not counted again when its record comes.
// Safety   it ends in a warning at most. Only counts are kept, for 48 hours; nobody needs to look for it to work.
// Source   docs/detectors/victim_at_risk.md, with where each threshold comes from.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/features/number_activity.h"
#include "detect/small_state.h"
#include "detect/state_table.h"
#include "detectors/victim_at_risk/talk.h"

namespace pandun::detectors {
namespace {

using detect::LineKind;
using detect::Window;

constexpr std::int32_t kTalkS = 60, kLongTalkS = 300;  // below, a call concerns nobody here
constexpr std::uint32_t kHourS = 3600, kDayS = 24 * kHourS;
constexpr std::uint32_t kReportsS = 150;  // after a report a call is taken to last still
constexpr std::size_t kListenersMax = 16;

// What one person's present contact with a doubtful caller has come to. Below the first contact's talk time it is a call that
// is told of and still lasts: it says nothing yet.
struct Watch {
  model::NumberKey caller;
  std::uint32_t first_s = 0, last_s = 0;  // of the contacts
  std::uint32_t talk_s = 0, bank_first_s = 0;
  std::uint16_t contacts = 0, bank_messages = 0;  // the latter since bank_first_s
  std::uint32_t told_caller = 0;                  // whom the talk is with
  Talk talk{};                                    // the latest that was reported; none: its record came
  detect::Said said;                              // of the picture's weight
};

// Callers from afar that the person knows: called first by the person, or in contact for days.
struct Acquaintances {
  std::array<std::uint32_t, 6> hashes{};
  std::uint32_t next = 0;
  bool holds(std::uint32_t hash) const { return std::find(hashes.begin(), hashes.end(), hash) != hashes.end(); }
  void add(std::uint32_t hash) {
    if (!holds(hash)) hashes[next++ % hashes.size()] = hash;
  }
};

// Somebody with whom a suspicious caller talked at length.
struct Listener {
  model::NumberKey person;
  std::uint32_t first_s = 0, last_s = 0, talk_s = 0;
  std::uint16_t contacts = 0;
  bool said = false;
  Talk talk{};  // the latest, by reports or record
};

using Listeners = std::vector<Listener>;

std::uint32_t short_hash(model::NumberKey number) {
  return static_cast<std::uint32_t>(detect::state_hash(number) >> 32) | 1U;
}

class VictimAtRisk final : public detect::Detector {
 public:
  explicit VictimAtRisk(const detect::Options& o)
      : limits_{o["first_talk_s_min"],      o["total_talk_s_min"],       o["contacts_min"],
                o["bank_messages_min"],     o["bank_hours_max"],         o["usual_calls_min"],
                o["suspect_calls_24h_min"], o["suspect_dispersion_min"], o["suspect_conversation_max"],
                o["one_talk_s_min"]},
        watches_(std::chrono::hours(48)),
        known_(std::chrono::hours(60 * 24)),
        suspects_(std::chrono::hours(48)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override;
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    const model::NumberKey number = model::NumberKey::from_bits(key.key.lo);
    if (key.role == kSuspectCalls || key.role == kSuspectIsCalled || key.role == kSuspectStillTalks)
      return suspects_.prefetch(number, stage);
    watches_.prefetch(number, stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    watches_.evict(watermark);
    known_.evict(watermark);
    suspects_.evict(watermark, [this](Listeners& l) { heap_bytes_ -= l.capacity() * sizeof(Listener); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {watches_.size() + known_.size() + suspects_.size(),
            watches_.bytes() + known_.bytes() + suspects_.bytes() + heap_bytes_,
            watches_.evicted() + known_.evicted() + suspects_.evicted()};
  }

 private:
  enum Role : std::uint8_t {
    kSuspectCalls,
    kSuspectIsCalled,
    kPersonIsCalled,
    kPersonCallsAbroad,
    kPersonIsWrittenTo,
    kSuspectStillTalks,
    kPersonIsStillTalkedTo
  };
  struct Limits {
    double first_talk, total_talk, contacts, bank, bank_hours, usual_calls, suspect_calls, suspect_dispersion,
        suspect_conversation, one_talk;
  };
  bool doubtful(model::NumberKey caller, bool international, detect::Context& context) const;
  bool is_contact(const Watch* watch) const { return watch != nullptr && watch->talk_s >= limits_.first_talk; }
  void lengthen(const model::Event& event, model::NumberKey person, Watch& watch, std::uint32_t end_s, bool lasts,
                detect::Context& context);
  void person_is_still_talked_to(const model::Event& event, detect::Context& context);
  void suspect_still_talks(const model::Event& event, detect::Context& context);
  Listeners* listeners_of(const model::Event& event, model::NumberKey suspect, bool may_begin,
                          detect::Context& context);
  Listener* listener(Listeners& listeners, model::NumberKey person, bool may_begin, std::uint32_t first_s);
  void judge(const model::Event& event, model::NumberKey suspect, Listener& listener, bool lasts,
             detect::Context& context) const;
  bool suspicious(const detect::NumberActivity& activity, model::NumberKey number, detect::Context& context) const;
  void person_is_called(const model::Event& event, detect::Context& context);
  void person_calls_abroad(const model::Event& event, detect::Context& context);
  void person_is_written_to(const model::Event& event, detect::Context& context);
  void suspect_talks(const model::Event& event, bool calls, detect::Context& context);
  void judge(const model::Event& event, model::NumberKey person, Watch& watch, bool lasts,
             detect::Context& context) const;
  static void emit(const model::Event& event, model::NumberKey person, model::NumberKey caller, std::uint32_t first_s,
                   double severity, double confidence, std::vector<model::Evidence> evidence, detect::Context& context);

  Limits limits_;
  detect::StateTable<model::NumberKey, Watch> watches_;
  detect::StateTable<model::NumberKey, Acquaintances> known_;
  detect::StateTable<model::NumberKey, Listeners> suspects_;
  std::uint64_t heap_bytes_ = 0;
};

bool is_service(model::NumberKey number) {
  return number.kind() == model::NumberKind::kService;
}

void VictimAtRisk::route(const model::Event& event, detect::KeyList& keys) const {
  const auto push = [&keys](Role role, model::NumberKey number) {
    keys.push_back({model::EntityKind::kNumber, role, model::key_of(number)});
  };
  if (event.kind() == model::EventKind::kMessage) {
    const auto& message = event.as<model::Message>();
    if (is_service(message.sender) && message.recipient.known()) push(kPersonIsWrittenTo, message.recipient);
    return;
  }
  if (event.kind() == model::EventKind::kCallProgress) {
    const auto& told = event.as<model::CallProgress>();
    if (told.since_s < kTalkS || !told.callee.known() || is_service(told.caller) || is_service(told.callee)) return;
    if (told.caller.known()) push(kSuspectStillTalks, told.caller);
    const bool far = told.international || !told.caller.known() || told.caller.kind() == model::NumberKind::kInvalid;
    if (far || told.since_s >= kLongTalkS) push(kPersonIsStillTalkedTo, told.callee);
    return;
  }
  if (event.kind() != model::EventKind::kCall) return;
  const auto& call = event.as<model::Call>();
  if (call.duration_s < kTalkS || call.answered == model::Answered::kNo || !call.callee.known()) return;
  if (is_service(call.caller) || is_service(call.callee)) return;
  if (call.caller.known()) push(kSuspectCalls, call.caller);
  push(kSuspectIsCalled, call.callee);
  const bool far = call.international || !call.caller.known() || call.caller.kind() == model::NumberKind::kInvalid;
  if (far || call.duration_s >= kLongTalkS) push(kPersonIsCalled, call.callee);
  if (call.international && call.caller.known()) push(kPersonCallsAbroad, call.caller);
}

void VictimAtRisk::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  switch (key.role) {
    case kPersonIsWrittenTo:
      return person_is_written_to(event, context);
    case kPersonIsCalled:
      return person_is_called(event, context);
    case kPersonCallsAbroad:
      return person_calls_abroad(event, context);
    case kPersonIsStillTalkedTo:
      return person_is_still_talked_to(event, context);
    case kSuspectStillTalks:
      return suspect_still_talks(event, context);
    default:
      return suspect_talks(event, key.role == kSuspectCalls, context);
  }
}

// ---- at the person ----

bool VictimAtRisk::doubtful(model::NumberKey caller, bool international, detect::Context& context) const {
  const detect::NumberFacts& facts = *context.ports().numbers;
  if (!facts.protected_group(caller).empty() || facts.emergency_or_service(caller)) return false;
  if (international || !caller.known() || caller.kind() == model::NumberKind::kInvalid) return true;
  const detect::NumberTraits traits = facts.traits(caller);
  return traits.cannot_exist || traits.kind == LineKind::kMobileVirtual;
}

void VictimAtRisk::person_is_called(const model::Event& event, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const std::uint32_t now_s = detect::seconds32(event.time), caller = short_hash(call.caller);
  Watch* watch = watches_.find(call.callee, event.watermark);
  // A ring hands its victims on from number to number: another caller within the day belongs to the same picture.
  const std::uint32_t end_s = now_s + static_cast<std::uint32_t>(std::min(call.duration_s, 86400));
  if (watch != nullptr && watch->talk.told && watch->told_caller == caller && watch->talk.is(now_s, end_s)) {
    lengthen(event, call.callee, *watch, end_s, false, context);
    watch->talk = {};
    return;
  }
  const bool live = is_contact(watch) && now_s <= watch->last_s + kDayS;
  if (!live && call.duration_s < limits_.first_talk) return;
  if (!doubtful(call.caller, call.international, context)) return;
  if (!live || watch->caller != call.caller) {
    const Acquaintances* known = known_.find(call.callee, event.watermark);
    if (known != nullptr && known->holds(caller)) return;
  }
  watch = &watches_.touch(call.callee, event.watermark);
  if (!live) {
    // Whoever comes back after days is an acquaintance, and a contact that came to nothing is remembered as one.
    known_.touch(call.callee, event.watermark).add(caller);
    *watch = {};
    watch->caller = call.caller;
    watch->first_s = now_s;
  }
  watch->last_s = std::max(watch->last_s, now_s + static_cast<std::uint32_t>(call.duration_s));
  watch->talk_s += static_cast<std::uint32_t>(std::min(call.duration_s, 86400));
  if (watch->contacts < 0xffff) ++watch->contacts;
  judge(event, call.callee, *watch, false, context);
}

void VictimAtRisk::person_is_still_talked_to(const model::Event& event, detect::Context& context) {
  const auto& told = event.as<model::CallProgress>();
  const std::uint32_t now_s = detect::seconds32(event.time), caller = short_hash(told.caller);
  const std::uint32_t begin_s = now_s - std::min({now_s, static_cast<std::uint32_t>(told.since_s), kDayS});
  Watch* watch = watches_.find(told.callee, event.watermark);
  if (watch == nullptr || !watch->talk.told || watch->told_caller != caller || !watch->talk.is(begin_s, now_s)) {
    const bool live = is_contact(watch) && now_s <= watch->last_s + kDayS;
    if (live && begin_s < watch->last_s) return;  // its record is here already, or somebody else is talked to
    if (!doubtful(told.caller, told.international, context)) return;
    if (!live || watch->caller != told.caller) {
      const Acquaintances* known = known_.find(told.callee, event.watermark);
      if (known != nullptr && known->holds(caller)) return;
    }
    watch = &watches_.touch(told.callee, event.watermark);
    if (!live) {
      *watch = {};
      watch->caller = told.caller;
      watch->first_s = begin_s;
    }
    if (watch->contacts < 0xffff) ++watch->contacts;
    watch->told_caller = caller;
    watch->talk = {begin_s, begin_s, true};
  }
  lengthen(event, told.callee, *watch, now_s, told.stage != model::CallStage::kEnded, context);
}

// By what is new of the talk; whoever has talked long enough is remembered as known, as after a record.
void VictimAtRisk::lengthen(const model::Event& event, model::NumberKey person, Watch& watch, std::uint32_t end_s,
                            bool lasts, detect::Context& context) {
  const bool before = is_contact(&watch);
  watch.talk_s += watch.talk.grow(end_s);
  watch.last_s = std::max(watch.last_s, end_s);
  if (!before && is_contact(&watch)) known_.touch(person, event.watermark).add(watch.told_caller);
  judge(event, person, watch, lasts, context);
}

void VictimAtRisk::person_calls_abroad(const model::Event& event, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  Watch* watch = watches_.find(call.caller, event.watermark);
  if (!is_contact(watch) || watch->caller != call.callee) {
    known_.touch(call.caller, event.watermark).add(short_hash(call.callee));
    return;
  }
  watch->last_s = std::max(watch->last_s, detect::seconds32(event.time) + static_cast<std::uint32_t>(call.duration_s));
  watch->talk_s += static_cast<std::uint32_t>(std::min(call.duration_s, 86400));
  if (watch->contacts < 0xffff) ++watch->contacts;
  judge(event, call.caller, *watch, false, context);
}

void VictimAtRisk::person_is_written_to(const model::Event& event, detect::Context& context) {
  const auto& message = event.as<model::Message>();
  Watch* watch = watches_.find(message.recipient, event.watermark);
  if (watch == nullptr) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  if (now_s < watch->first_s || now_s > watch->last_s + limits_.bank_hours * kHourS) return;
  if (now_s > watch->bank_first_s + limits_.bank_hours * kHourS) {
    watch->bank_messages = 0;
    watch->bank_first_s = now_s;
  }
  if (watch->bank_messages < 0xffff) ++watch->bank_messages;
  judge(event, message.recipient, *watch, watch->talk.told && now_s <= watch->talk.end_s + kReportsS, context);
}

void VictimAtRisk::judge(const model::Event& event, model::NumberKey person, Watch& watch, bool lasts,
                         detect::Context& context) const {
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || watch.talk_s < limits_.total_talk) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  // What the person gets anyway in as long a time is no burst. Who was first seen yesterday has had a day to get it in, not a
  // week.
  const std::uint32_t newest_s = detect::seconds32(activity->newest());
  // Whole days: 6 to 7.
  const double week_h = std::max(48.0, (newest_s - detect::start_s(Window::k7d, newest_s)) / double{kHourS});
  const double seen_h = std::clamp(activity->first_seen_age_s() / kHourS, 12.0, week_h);
  const double usual =
      std::max(0.0, activity->messages_in(Window::k7d) - watch.bank_messages) / seen_h * limits_.bank_hours;
  const double bank_wanted = std::round(limits_.bank + 3 * usual);
  const bool bank = watch.bank_messages >= bank_wanted;
  bool silent = false;
  double usual_calls = 0, others = 0;
  if (watch.contacts >= limits_.contacts && now_s > watch.first_s + kDayS) {
    const double day = activity->calls_in(Window::k24h) + activity->calls_out(Window::k24h);
    usual_calls = (activity->calls_in(Window::k7d) + activity->calls_out(Window::k7d) - day) / (week_h / 24 - 1);
    others = std::max(0.0, day - (watch.contacts - (watch.talk.told ? 1 : 0)));  // no record of that one yet
    silent = usual_calls >= limits_.usual_calls && others < 1;
  }
  if (!bank && !silent) return;
  const bool repeated = watch.contacts >= limits_.contacts;
  if (!repeated && watch.talk_s < limits_.total_talk * 1.5) return;
  const double weight = 1 + (bank ? 1 : 0) + (silent ? 1 : 0) + (repeated ? 1 : 0);
  // Once, and once more when the picture grows: a warning repeated is one nobody reads.
  if (watch.said.level != 0 && weight <= watch.said.level) return;
  watch.said.say(weight, now_s);
  std::vector<model::Evidence> evidence = {
      {"risk_talk_s", static_cast<double>(watch.talk_s), limits_.total_talk, "s"},
      {"risk_contacts", static_cast<double>(watch.contacts), repeated ? limits_.contacts : 1, "calls"}};
  if (bank)
    evidence.push_back({"risk_bank_messages", static_cast<double>(watch.bank_messages), bank_wanted, "messages"});
  if (silent) evidence.push_back({"risk_usual_calls_day", usual_calls, limits_.usual_calls, "calls"});
  evidence.push_back({"risk_caller_doubtful", 1, 1, ""});
  if (lasts) evidence.push_back({"risk_call_lasts", 1, 1, ""});
  emit(event, person, watch.caller, watch.first_s, 42 + 6 * (weight - 2), 0.5 + 0.07 * (weight - 2),
       std::move(evidence), context);
}

// ---- at the suspicious caller ----

bool VictimAtRisk::suspicious(const detect::NumberActivity& activity, model::NumberKey number,
                              detect::Context& context) const {
  if (activity.contacts_at_most() < limits_.suspect_calls) return false;
  const double calls = activity.calls_out(Window::k24h);
  if (calls < limits_.suspect_calls || activity.out_share(Window::k24h) < 0.9) return false;
  const double callees = activity.distinct_callees(Window::k24h);
  if (callees < limits_.suspect_dispersion * calls || activity.return_calls_24h() > 0.08 * callees) return false;
  const detect::NumberTally& tally = activity.tally(Window::k24h);
  const double known = tally.answered_out + tally.unanswered_out;
  if (known <= 0 || (tally.answered_out - tally.short_out) / known > limits_.suspect_conversation) return false;
  const detect::NumberFacts& facts = *context.ports().numbers;
  return facts.protected_group(number).empty() && !facts.emergency_or_service(number);
}

// Null: it is no suspicious caller, and need not be followed.
Listeners* VictimAtRisk::listeners_of(const model::Event& event, model::NumberKey suspect, bool may_begin,
                                      detect::Context& context) {
  Listeners* const listeners = suspects_.find(suspect, event.watermark);
  if (!may_begin) return listeners;
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || !suspicious(*activity, suspect, context)) return nullptr;
  return &suspects_.touch_hash(suspect, detect::state_hash(suspect), event.watermark, nullptr,
                               [this](Listeners& l) { heap_bytes_ -= l.capacity() * sizeof(Listener); });
}

Listener* VictimAtRisk::listener(Listeners& listeners, model::NumberKey person, bool may_begin, std::uint32_t first_s) {
  auto it = std::find_if(listeners.begin(), listeners.end(), [&](const Listener& l) { return l.person == person; });
  if (it != listeners.end()) return &*it;
  if (!may_begin) return nullptr;
  if (listeners.size() < kListenersMax) {
    const std::size_t before = listeners.capacity();
    detect::grow(listeners, 2, kListenersMax);
    listeners.emplace_back();
    heap_bytes_ += (listeners.capacity() - before) * sizeof(Listener);
    it = listeners.end() - 1;
  } else {
    it = std::min_element(listeners.begin(), listeners.end(),
                          [](const Listener& a, const Listener& b) { return a.last_s < b.last_s; });
    *it = {};
  }
  it->person = person;
  it->first_s = first_s;
  return &*it;
}

void VictimAtRisk::suspect_talks(const model::Event& event, bool calls, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const model::NumberKey suspect = calls ? call.caller : call.callee, person = calls ? call.callee : call.caller;
  if (!person.known() || is_service(person)) return;
  const bool may_begin = calls && call.duration_s >= kLongTalkS;
  Listeners* const listeners = listeners_of(event, suspect, may_begin, context);
  if (listeners == nullptr) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  Listener* const one = listener(*listeners, person, may_begin, now_s);
  if (one == nullptr) return;
  const auto talk_s = static_cast<std::uint32_t>(std::min(call.duration_s, 86400));
  one->last_s = std::max(one->last_s, now_s);
  if (calls && one->talk.told && one->talk.is(now_s, now_s + talk_s)) {
    one->talk_s += one->talk.grow(now_s + talk_s);
    one->talk.told = false;
  } else {
    one->talk_s += talk_s;
    if (one->contacts < 0xffff) ++one->contacts;
    one->talk = {now_s, now_s + talk_s, false};
  }
  judge(event, suspect, *one, false, context);
}

void VictimAtRisk::suspect_still_talks(const model::Event& event, detect::Context& context) {
  const auto& told = event.as<model::CallProgress>();
  const bool may_begin = told.since_s >= kLongTalkS;
  Listeners* const listeners = listeners_of(event, told.caller, may_begin, context);
  if (listeners == nullptr) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint32_t begin_s = now_s - std::min({now_s, static_cast<std::uint32_t>(told.since_s), kDayS});
  Listener* const one = listener(*listeners, told.callee, may_begin, begin_s);
  if (one == nullptr) return;
  if (!one->talk.is(begin_s, now_s)) {
    if (one->contacts < 0xffff) ++one->contacts;
    one->talk = {begin_s, begin_s, true};
  }
  one->last_s = std::max(one->last_s, now_s);
  one->talk_s += one->talk.grow(now_s);
  judge(event, told.caller, *one, told.stage != model::CallStage::kEnded, context);
}

void VictimAtRisk::judge(const model::Event& event, model::NumberKey suspect, Listener& listener, bool lasts,
                         detect::Context& context) const {
  const bool repeated = listener.contacts >= limits_.contacts && listener.talk_s >= limits_.first_talk;
  if (listener.said || (!repeated && listener.talk_s < limits_.one_talk)) return;
  listener.said = true;
  std::vector<model::Evidence> evidence = {
      {"risk_talk_s", static_cast<double>(listener.talk_s), repeated ? limits_.first_talk : limits_.one_talk, "s"},
      {"risk_contacts", static_cast<double>(listener.contacts), repeated ? limits_.contacts : 1, "calls"},
      {"risk_caller_dials_many", 1, 1, ""}};
  if (lasts) evidence.push_back({"risk_call_lasts", 1, 1, ""});
  emit(event, listener.person, suspect, listener.first_s, repeated ? 48 : 42, repeated ? 0.6 : 0.5, std::move(evidence),
       context);
}

// A warning at most: the weight stays below what any measure asks for, and the words say what is to be done for the person.
void VictimAtRisk::emit(const model::Event& event, model::NumberKey person, model::NumberKey caller,
                        std::uint32_t first_s, double severity, double confidence,
                        std::vector<model::Evidence> evidence, detect::Context& context) {
  model::Signal signal;
  signal.entity = model::Entity::of(person);
  if (caller.known()) signal.peers.push_back(model::Entity::of(caller));
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{first_s} * 1000)};
  signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 60.0));
  signal.confidence = std::clamp(confidence, 0.3, 0.75);
  signal.title.en = "Warn and protect: this person may be talked into a fraud right now";
  signal.title.zh = "劝阻提醒：该用户可能正在遭遇诈骗，请及时提醒保护";
  signal.evidence = std::move(evidence);
  context.emit(std::move(signal));
}

void VictimAtRisk::save(detect::StateWriter& out) const {
  watches_.save(out, [](detect::StateWriter& w, const Watch& watch) {
    w.u64(watch.caller.bits());
    for (const std::uint32_t v : {watch.first_s, watch.last_s, watch.talk_s, watch.bank_first_s}) w.u32(v);
    w.u16(watch.contacts);
    w.u16(watch.bank_messages);
    watch.said.save(w);
    w.u32(watch.told_caller);
    watch.talk.save(w);
  });
  known_.save(out, [](detect::StateWriter& w, const Acquaintances& a) {
    for (const std::uint32_t hash : a.hashes) w.u32(hash);
    w.u32(a.next);
  });
  suspects_.save(out, [](detect::StateWriter& w, const Listeners& listeners) {
    w.varint(listeners.size());
    for (const Listener& l : listeners) {
      w.u64(l.person.bits());
      for (const std::uint32_t v : {l.first_s, l.last_s, l.talk_s}) w.u32(v);
      w.u16(l.contacts);
      w.u8(l.said ? 1 : 0);
      l.talk.save(w);
    }
  });
}

Result<> VictimAtRisk::load(detect::StateReader& in) {
  TRY(watches_.load(in, [](detect::StateReader& r, Watch& watch) {
    watch.caller = model::NumberKey::from_bits(r.u64());
    for (std::uint32_t* v : {&watch.first_s, &watch.last_s, &watch.talk_s, &watch.bank_first_s}) *v = r.u32();
    watch.contacts = r.u16();
    watch.bank_messages = r.u16();
    watch.said.load(r);
    watch.told_caller = r.u32();
    watch.talk.load(r);
  }));
  TRY(known_.load(in, [](detect::StateReader& r, Acquaintances& a) {
    for (std::uint32_t& hash : a.hashes) hash = r.u32();
    a.next = r.u32();
  }));
  TRY(suspects_.load(in, [](detect::StateReader& r, Listeners& listeners) {
    const std::uint64_t size = r.varint();
    if (size > kListenersMax) return r.fail("more listeners than a caller may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(listeners, 2, kListenersMax);
      Listener& l = listeners.emplace_back();
      l.person = model::NumberKey::from_bits(r.u64());
      for (std::uint32_t* v : {&l.first_s, &l.last_s, &l.talk_s}) *v = r.u32();
      l.contacts = r.u16();
      l.said = r.u8() != 0;
      l.talk.load(r);
    }
  }));
  heap_bytes_ = 0;
  suspects_.for_each([this](model::NumberKey, const Listeners& l) { heap_bytes_ += l.capacity() * sizeof(Listener); });
  return {};
}

}  // namespace

const detect::DetectorSpec& victim_at_risk_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "victim_at_risk",
      .title_en = "Person at risk of fraud",
      .title_zh = "潜在受害人预警",
      .finds_en =
          "A person who is being talked to at length by a suspicious caller, then hears from banks and short codes or "
          "from "
          "nobody else: to be warned and protected.",
      .finds_zh = "与可疑来电长时间通话、随后密集收到银行与短信端口消息或与他人失去联系的用户：仅用于提醒保护。",
      .reads = {model::EventKind::kCall, model::EventKind::kMessage, model::EventKind::kCallProgress},
      .entity = model::EntityKind::kNumber,
      .topic = "victim_at_risk",
      .techniques = {"PF-016"},
      .episode_gap = std::chrono::hours(48),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"first_talk_s_min", "s", 600, 300, 7200, "talk time of the first contact", "首次通话时长"},
              {"total_talk_s_min", "s", 1200, 300, 36000,
               "talk time of all contacts; once and a half of it for a single one",
               "累计通话时长，仅一次通话时为其 1.5 倍"},
              {"contacts_min", "calls", 2, 2, 20, "contacts that count as repeated", "视为反复联系的通话次数"},
              {"bank_messages_min", "messages", 3, 1, 100,
               "messages from service numbers in a burst, beyond three times what the person gets anyway",
               "短时间内收到的服务号码短信数（另加平常量的三倍）"},
              {"bank_hours_max", "h", 2, 1, 24, "for how long after the latest contact they count",
               "最近一次联系后的计入时长"},
              {"usual_calls_min", "calls", 3, 1, 100,
               "calls a day that the person usually has, for silence to mean something",
               "判断失联所需的平时日均通话次数"},
              {"suspect_calls_24h_min", "calls", 30, 10, 10000, "calls out of a caller that dials many",
               "可疑主叫 24 小时外呼次数"},
              {"suspect_dispersion_min", "ratio", 0.8, 0, 1, "its different callees per call", "可疑主叫离散度"},
              {"suspect_conversation_max", "ratio", 0.35, 0, 1, "share of its calls answered and longer than 10 s",
               "可疑主叫成话率上限"},
              {"one_talk_s_min", "s", 1800, 600, 36000, "talk time with such a caller that suffices alone",
               "与其单独累计通话时长"},
          },
      .false_positives_en =
          "The first long call with a relative or firm abroad on a day of bank business; an insurance seller who rings "
          "many "
          "and talks long with the few who listen. The cost is one needless warning.",
      .false_positives_zh =
          "与境外亲友或企业首次长谈且当日恰有银行业务；广泛外呼而与少数客户长谈的保险销售。代价是一次多余的提醒。",
      .state_version = 2,
      .evidence =
          {
              {"risk_talk_s", "talk time with the caller", "与该来电累计通话时长", "s", "秒", detect::Bound::kAtLeast},
              {"risk_contacts", "calls with the caller", "与该来电通话次数", "calls", "次", detect::Bound::kAtLeast},
              {"risk_bank_messages", "messages from banks and short codes meanwhile", "期间收到银行与端口短信数",
               "messages", "条", detect::Bound::kAtLeast},
              {"risk_usual_calls_day", "calls a day as a rule, none with others since",
               "平时日均通话次数（其后未与他人通话）", "calls", "次", detect::Bound::kAtLeast},
              {"risk_caller_doubtful", "caller from abroad, withheld, virtual operator's or impossible",
               "来电为境外、隐藏、虚拟运营商或不存在的号码", "", ""},
              {"risk_call_lasts", "the call still lasts", "通话仍在进行", "", ""},
              {"risk_caller_dials_many", "the caller dials many strangers and hardly anybody talks",
               "该主叫大量拨打陌生号码且成话少", "", ""},
          },
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_victim_at_risk(const detect::Options& options) {
  return std::make_unique<VictimAtRisk>(options);
}

}  // namespace pandun::detectors
