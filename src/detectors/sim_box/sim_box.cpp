// SIM box (GOIP): many numbers behind few devices at one place that never moves, calling out only.
//
// Method   looks, each on one key: a number that changes devices without moving; a device on which many numbers take
//          turns; a cell in which several numbers only call out at a like pace; two numbers of a cell whose conversations
//          begin and end together (two telephones and an audio cable); a trunk on which numbers relieve one another.
// Source   docs/detectors/sim_box.md, with where each threshold comes from.
#include "detectors/sim_box/sim_box.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "detect/features/device_activity.h"
#include "detect/features/number_activity.h"

namespace pandun::detectors::sim_box {
namespace {

using detect::Window;

constexpr std::uint32_t kMirrorTalkS = 30, kMirrorSlackS = 15;
constexpr std::uint32_t kTurnsFrom = 3;  // numbers on one device within 24 h
constexpr double kRoundDispersion = 0.8;

std::uint16_t short_hash(model::NumberKey number) {
  return static_cast<std::uint16_t>(detect::state_hash(number) >> 48);
}

model::Signal signal_of(const model::Event& event, std::uint32_t first_s, double severity, double confidence) {
  model::Signal signal;
  signal.last = event.time;
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{first_s} * 1000)};
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 90.0));
  signal.confidence = std::clamp(confidence, 0.3, 0.9);
  return signal;
}

}  // namespace

SimBox::SimBox(const detect::Options& o)
    : limits_{o["calls_24h_min"],     o["devices_min"],      o["cells_max"],          o["out_share_min"],
              o["dispersion_min"],    o["return_share_max"], o["device_numbers_min"], o["number_calls_min"],
              o["cohort_min"],        o["cohort_calls_min"], o["mirrored_calls_min"], o["protected_factor"],
              o["trunk_numbers_min"], o["trunk_calls_min"]},
      numbers_(std::chrono::hours(24)),
      devices_(std::chrono::hours(24)),
      cells_(std::chrono::hours(24)),
      trunks_(std::chrono::hours(24)) {}

void SimBox::route(const model::Event& event, detect::KeyList& keys) const {
  if (event.kind() != model::EventKind::kCall) return;
  const auto& call = event.as<model::Call>();
  if (call.caller.known() && call.caller.kind() != model::NumberKind::kService) {
    keys.push_back({model::EntityKind::kNumber, kCaller, model::key_of(call.caller)});
    if (!call.caller_device.empty())
      keys.push_back({model::EntityKind::kDevice, kDevice, {0, hash64(call.caller_device)}});
    if (!call.caller_cell.empty())
      keys.push_back({model::EntityKind::kCell, kCallerCell, model::key_of_text(call.caller_cell)});
  }
  if (!call.callee_device.empty())
    keys.push_back({model::EntityKind::kDevice, kCalleeDevice, {0, hash64(call.callee_device)}});
  if (call.callee.known() && !call.callee_cell.empty())
    keys.push_back({model::EntityKind::kCell, kCalleeCell, model::key_of_text(call.callee_cell)});
  if (!call.route.empty()) keys.push_back({model::EntityKind::kTrunk, kTrunk, model::key_of_text(call.route)});
}

void SimBox::prefetch(const detect::RoutedKey& key, unsigned stage) const {
  if (key.role == kCallerCell || key.role == kCalleeCell) {
    if (stage < 2) return cells_.prefetch(key.key, stage);
    if (const Cell* cell = cells_.peek_hash(key.key, hash_of(key.key)); cell != nullptr) cell->prefetch();
  } else if (key.role == kTrunk && stage < 2) {
    trunks_.prefetch(key.key, stage);
  }
}

void SimBox::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  switch (key.role) {
    case kCaller:
      return look_at_number(event, context);
    case kDevice:
      return look_at_device(event, {key.key.lo}, context);
    case kCalleeDevice:
      return hear_device(event, {key.key.lo}, context);
    case kTrunk:
      return look_at_trunk(event, key, context);
    default:
      return look_at_cell(event, key, context);
  }
}

std::string_view SimBox::group_of(model::NumberKey number, detect::Context& context) {
  const detect::NumberFacts& facts = *context.ports().numbers;
  const std::string_view group = facts.protected_group(number);
  return group.empty() && facts.emergency_or_service(number) ? std::string_view("service_number") : group;
}

void SimBox::look_at_number(const model::Event& event, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->fewer_than(limits_.calls_24h, Window::k24h)) return;
  const double devices = activity->distinct_devices(Window::k24h);
  if (devices < limits_.devices) return;
  const double cells = activity->distinct_cells(Window::k24h);
  if (cells < 1 || cells > limits_.cells) return;
  const double calls = activity->calls_out(Window::k24h);
  if (calls < limits_.calls_24h || activity->out_share(Window::k24h) < limits_.out_share) return;
  const double callees = activity->distinct_callees(Window::k24h), dispersion = callees / calls;
  const double returns = activity->return_calls_24h() / std::max(1.0, callees);
  if (dispersion < limits_.dispersion || returns > limits_.returns) return;

  NumberMark& mark = numbers_.touch_hash(call.caller, detect::state_hash(call.caller), event.watermark, nullptr,
                                         [this](NumberMark& m) { drop(m); });
  mark.records.add(event);
  const std::uint64_t before = mark.routes.bytes();
  mark.routes.add(call.route);
  heap_bytes_ += mark.routes.bytes() - before;
  const std::uint32_t now_s = detect::seconds32(event.time);
  if (!mark.said.due(calls, now_s)) return;
  const std::string_view group = group_of(call.caller, context);
  const double factor = group.empty() ? 1 : limits_.factor;
  if (calls < limits_.calls_24h * factor || devices < limits_.devices * factor) return;
  mark.said.say(calls, now_s);

  const bool fresh = activity->first_seen_age_s() < 7 * 86400.0;
  const double extra = std::log2(devices / limits_.devices) + std::log2(calls / limits_.calls_24h);
  model::Signal signal = signal_of(event, now_s - 86400U, 62 + 4 * extra + (fresh ? 5 : 0) - (group.empty() ? 0 : 20),
                                   0.65 + 0.05 * extra + (cells <= 1 ? 0.05 : 0) - (group.empty() ? 0 : 0.2));
  signal.entity = model::Entity::of(call.caller);
  const std::string n = std::to_string(static_cast<int>(calls)), d = std::to_string(static_cast<int>(devices));
  signal.title.en = "SIM box: " + n + " calls out from " + d + " devices within 24 h, without moving";
  signal.title.zh = "疑似 GOIP：24 小时内在 " + d + " 台终端上外呼 " + n + " 次，位置不动";
  signal.evidence = {{"distinct_devices_24h", devices, limits_.devices * factor, "devices"},
                     {"distinct_cells_24h", cells, limits_.cells, "cells"},
                     {"calls_out_24h", calls, limits_.calls_24h * factor, "calls"},
                     {"out_share_24h", activity->out_share(Window::k24h), limits_.out_share, "ratio"},
                     {"dispersion_24h", dispersion, limits_.dispersion, "ratio"},
                     {"return_share_24h", returns, limits_.returns, "ratio"}};
  if (fresh) signal.evidence.push_back({"first_seen_age_s", activity->first_seen_age_s(), 7 * 86400.0, "s"});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  signal.series_feature = "calls_out";
  signal.series = activity->calls_out_series(Window::k24h);
  signal.peers.push_back(model::Entity::text(model::EntityKind::kDevice, call.caller_device));
  if (!call.caller_cell.empty())
    signal.peers.push_back(model::Entity::text(model::EntityKind::kCell, call.caller_cell));
  if (signal.peers.front().value.empty()) signal.peers.erase(signal.peers.begin());
  mark.routes.show(signal);
  signal.records = mark.records.latest();
  context.emit(std::move(signal));
}

void SimBox::look_at_device(const model::Event& event, DeviceKey key, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::DeviceActivity* use = context.device();
  // A telephone with one or two cards needs nothing here.
  if (use == nullptr || use->fewer_than(0, kTurnsFrom) || use->distinct_numbers(Window::k24h) < kTurnsFrom) return;
  std::unique_ptr<Device>& held = devices_.touch_hash(key, state_hash(key), event.watermark, nullptr,
                                                      [this](std::unique_ptr<Device>& d) { drop(d); });
  if (held == nullptr) {
    held = std::make_unique<Device>();
    heap_bytes_ += held->bytes();
  }
  Device& device = *held;
  const std::uint32_t now_s = detect::seconds32(event.time);
  if (device.first_s == 0) device.first_s = now_s;
  device.advance(now_s);
  const std::uint64_t before = device.bytes();
  DeviceNumber& seat = device.seat(call.caller);
  device.routes.add(call.route);
  heap_bytes_ += device.bytes() - before;
  seat.calls.add();
  seat.last_s = std::max(seat.last_s, now_s);
  device.calls.add();
  if (device.last.known() && device.last != call.caller) device.switches.add();
  device.last = call.caller;
  device.callees.add(detect::state_hash(call.callee));
  if (!call.caller_cell.empty()) device.cells.add(mix64(hash64(call.caller_cell)));
  device.records.add(event);
  if (static_cast<double>(device.numbers.size()) >= limits_.device_numbers) judge_device(event, device, *use, context);
}

// A box receives nothing; a company's gateway does. Told only by feeds that name the callee's device.
void SimBox::hear_device(const model::Event& event, DeviceKey key, const detect::Context& context) {
  const detect::DeviceActivity* use = context.device();
  if (use == nullptr || use->fewer_than(0, kTurnsFrom)) return;
  std::unique_ptr<Device>* held = devices_.find(key, event.watermark);
  if (held == nullptr || *held == nullptr) return;
  (*held)->advance(detect::seconds32(event.time));
  (*held)->calls_in.add();
}

// Within an hour, twice as many numbers as take turns over a day, hardly one of them twice yet: cards that go round the slots of
// a box at random. A shop tries a few an hour, and rings itself; many telephones of one made-up identity are everywhere.
bool SimBox::goes_round(const detect::DeviceActivity& use) const {
  const double numbers = use.distinct_numbers(Window::k1h), calls = use.calls_out(Window::k1h);
  if (numbers < 2 * limits_.device_numbers || calls < 3 * limits_.device_numbers) return false;
  const double cells = use.distinct_cells(Window::k24h), in = use.calls_in(Window::k24h);
  return use.distinct_callees(Window::k1h) >= calls * std::max(limits_.dispersion, kRoundDispersion) && cells >= 1 &&
         cells <= limits_.cells && in <= (use.calls_out(Window::k24h) + in) * (1 - limits_.out_share);
}

void SimBox::judge_device(const model::Event& event, Device& device, const detect::DeviceActivity& use,
                          detect::Context& context) const {
  std::vector<const DeviceNumber*> used;
  for (const DeviceNumber& n : device.numbers)
    if (n.calls.sum() >= limits_.number_calls) used.push_back(&n);
  std::vector<model::Evidence> evidence = turns(device, used, detect::seconds32(event.time));
  double least = limits_.device_numbers;
  if (evidence.empty()) {
    least *= 2;
    const double numbers = use.distinct_numbers(Window::k1h);
    if (numbers < least || !device.said.due(numbers, detect::seconds32(event.time)) || !goes_round(use)) return;
    used.clear();
    for (const DeviceNumber& n : device.numbers)
      if (n.calls.sum() > 0) used.push_back(&n);
    const double calls = use.calls_out(Window::k1h);
    evidence = {{"device_distinct_numbers_1h", numbers, least, "numbers"},
                {"device_calls_out_1h", calls, 3 * limits_.device_numbers, "calls"},
                {"device_dispersion", use.distinct_callees(Window::k1h) / calls,
                 std::max(limits_.dispersion, kRoundDispersion), "ratio"},
                {"device_cells", use.distinct_cells(Window::k24h), limits_.cells, "cells"}};
  }
  name_device(event, device, used, std::move(evidence), least, context);
}

// What shows that the numbers in use take turns; empty when they do not.
std::vector<model::Evidence> SimBox::turns(const Device& device, const std::vector<const DeviceNumber*>& used,
                                           std::uint32_t now_s) const {
  const double numbers = static_cast<double>(used.size());
  if (numbers < limits_.device_numbers || !device.said.due(numbers, now_s)) return {};
  const double calls = device.calls.sum(), switches = device.switches.sum(), cells = device.cells.count();
  if (device.calls_in.sum() > (calls + device.calls_in.sum()) * (1 - limits_.out_share)) return {};
  // 256 bits cannot tell more than that many callees apart.
  const double callees = device.callees.count(), dispersion = callees / std::min(calls, 256.0);
  if (dispersion < limits_.dispersion || switches < 2 * numbers || cells > limits_.cells) return {};
  std::vector<model::Evidence> out = {{"device_numbers", numbers, limits_.device_numbers, "numbers"},
                                      {"device_calls", calls, limits_.device_numbers * limits_.number_calls, "calls"},
                                      {"device_switches", switches, 2 * numbers, "times"},
                                      {"device_dispersion", dispersion, limits_.dispersion, "ratio"}};
  if (cells > 0) out.push_back({"device_cells", cells, limits_.cells, "cells"});
  return out;
}

// The first piece of evidence is how many numbers there are.
void SimBox::name_device(const model::Event& event, Device& device, std::vector<const DeviceNumber*>& used,
                         std::vector<model::Evidence> evidence, double least, detect::Context& context) const {
  const auto& call = event.as<model::Call>();
  std::size_t in_group = 0;
  std::string_view group;
  for (const DeviceNumber* n : used) {
    const std::string_view found = group_of(n->number, context);
    if (found.empty()) continue;
    group = found;
    ++in_group;
  }
  if (in_group * 2 < used.size()) group = {};
  const double numbers = evidence.front().value, factor = group.empty() ? 1 : limits_.factor;
  if (numbers < least * factor) return;
  evidence.front().threshold = least * factor;
  device.said.say(numbers, detect::seconds32(event.time));

  const double excess = std::log2(numbers / (least * factor));
  const auto cells =
      std::find_if(evidence.begin(), evidence.end(), [](const auto& e) { return e.feature == "device_cells"; });
  const bool still = cells != evidence.end() && cells->value == 1;
  model::Signal signal = signal_of(event, device.first_s, 65 + 6 * excess - (group.empty() ? 0 : 20),
                                   0.7 + 0.05 * excess + (still ? 0.05 : 0) - (group.empty() ? 0 : 0.2));
  signal.entity = model::Entity::text(model::EntityKind::kDevice, call.caller_device);
  const std::string n = std::to_string(static_cast<int>(numbers)),
                    c = std::to_string(static_cast<int>(evidence[1].value));
  signal.title.en = "SIM box: " + n + " numbers take turns on one device, " + c + " calls out";
  signal.title.zh = "疑似 GOIP：" + n + " 个号码在同一终端上轮换外呼 " + c + " 次";
  signal.evidence = std::move(evidence);
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  std::sort(used.begin(), used.end(), [](const DeviceNumber* a, const DeviceNumber* b) {
    return a->calls.sum() != b->calls.sum() ? a->calls.sum() > b->calls.sum() : a->number < b->number;
  });
  for (std::size_t i = 0; i < std::min(used.size(), model::Signal::kPeersMax); ++i)
    signal.peers.push_back(model::Entity::of(used[i]->number));
  device.routes.show(signal);
  signal.records = device.records.latest();
  context.emit(std::move(signal));
}

void SimBox::look_at_cell(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const bool outgoing = key.role == kCallerCell;
  const model::NumberKey number = outgoing ? call.caller : call.callee;
  Cell& cell = cells_.touch_hash(key.key, hash_of(key.key), event.watermark, nullptr, [this](Cell& c) { drop(c); });
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint64_t before = cell.heap_bytes();
  cell.advance(now_s);
  const int place = cell.seat(number, outgoing, now_s);
  if (place >= 0) count_in_seat(event, key, cell, static_cast<std::size_t>(place), context);
  heap_bytes_ += cell.heap_bytes() - before;
}

void SimBox::count_in_seat(const model::Event& event, const detect::RoutedKey& key, Cell& cell, std::size_t place,
                           detect::Context& context) const {
  const auto& call = event.as<model::Call>();
  const bool outgoing = key.role == kCallerCell;
  const model::NumberKey peer = outgoing ? call.callee : call.caller;
  const std::uint32_t now_s = detect::seconds32(event.time);
  Seat& seat = cell.at(place);
  Talk& talk = cell.talk(place);
  if (outgoing) {
    seat.calls.add();
    cell.add_callee(place, detect::state_hash(peer));
    if (!call.caller_device.empty()) cell.device(place) = static_cast<std::uint32_t>(hash64(call.caller_device)) | 1U;
  } else {
    seat.calls_in.add();
  }
  if (call.answered != model::Answered::kNo && call.duration_s >= static_cast<std::int32_t>(kMirrorTalkS)) {
    const Talk latest{now_s, static_cast<std::uint16_t>(std::min(call.duration_s, 0xffff)), short_hash(peer)};
    find_mirror(event, key, cell, place, latest, context);
    talk = latest;
  } else if (talk.start_s < now_s) {
    talk.start_s = now_s;
    talk.length_s = 0;
  }
  if (outgoing && seat.calls.sum() >= limits_.cohort_calls) {
    cell.findings().records.add(event);
    cell.findings().routes.add(call.route);
    // The cohort is worked out now and then, not at every call.
    if (seat.calls.sum() % 4 == 0) judge_cohort(event, cell, context);
  }
}

void SimBox::judge_cohort(const model::Event& event, Cell& cell, detect::Context& context) const {
  const auto& call = event.as<model::Call>();
  struct Member {
    model::NumberKey number;
    std::uint32_t calls, device;
  };
  std::vector<Member> members;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const Seat& s = cell.at(i);
    const double calls = s.calls.sum();
    if (calls < limits_.cohort_calls || s.calls_in.sum() > calls * (1 - limits_.out_share)) continue;
    if (cell.callees(i) < limits_.dispersion * std::min(calls, kCalleesTold)) continue;
    members.push_back({cell.number(i), s.calls.sum(), cell.device(i)});
  }
  if (static_cast<double>(members.size()) < limits_.cohort) return;
  std::sort(members.begin(), members.end(), [](const Member& a, const Member& b) {
    return a.calls != b.calls ? a.calls < b.calls : a.number < b.number;
  });
  // A like pace: within a factor of two of the median.
  const std::uint32_t median = members[members.size() / 2].calls;
  std::erase_if(members, [median](const Member& m) { return m.calls * 2 < median || m.calls > median * 2; });
  std::erase_if(members, [&](const Member& m) { return !group_of(m.number, context).empty(); });
  std::vector<std::uint32_t> devices;
  for (const Member& m : members)
    if (m.device != 0) devices.push_back(m.device);
  const std::size_t with_device = devices.size();
  std::sort(devices.begin(), devices.end());
  devices.erase(std::unique(devices.begin(), devices.end()), devices.end());
  const bool shared = devices.size() < with_device;
  const double numbers = static_cast<double>(members.size());
  // Each on a telephone of its own is what an office full of callers looks like too: twice as many are asked for.
  const std::uint32_t now_s = detect::seconds32(event.time);
  const double wanted = limits_.cohort * (shared ? 1 : 2);
  if (numbers < wanted || !cell.findings().said.due(numbers, now_s)) return;
  cell.findings().said.say(numbers, now_s);

  const double excess = std::log2(numbers / wanted);
  model::Signal signal =
      signal_of(event, now_s - kCellSpanS, (shared ? 60 : 45) + 8 * excess, (shared ? 0.6 : 0.45) + 0.1 * excess);
  signal.entity = model::Entity::text(model::EntityKind::kCell, call.caller_cell);
  const std::string n = std::to_string(members.size());
  signal.title.en = "SIM box: " + n + " numbers in one cell only call out, at a like pace, always to others";
  signal.title.zh = "疑似 GOIP：同一小区 " + n + " 个号码只呼出不呼入，节奏相近，被叫各不相同";
  signal.evidence = {{"cohort_numbers", numbers, wanted, "numbers"},
                     {"cohort_calls_median", static_cast<double>(median), limits_.cohort_calls, "calls"}};
  if (with_device > 0) signal.evidence.push_back({"cohort_devices", static_cast<double>(devices.size()), 0, "devices"});
  for (auto it = members.rbegin(); it != members.rend() && signal.peers.size() < model::Signal::kPeersMax; ++it)
    signal.peers.push_back(model::Entity::of(it->number));
  cell.findings().routes.show(signal);
  signal.records = cell.findings().records.latest();
  context.emit(std::move(signal));
}

void SimBox::find_mirror(const model::Event& event, const detect::RoutedKey& key, Cell& cell, std::size_t place,
                         const Talk& latest, detect::Context& context) const {
  const auto& call = event.as<model::Call>();
  const auto near = [](std::uint32_t a, std::uint32_t b) { return (a > b ? a - b : b - a) <= kMirrorSlackS; };
  const Seat& seat = cell.at(place);
  const std::uint32_t now_s = latest.start_s, end_s = now_s + latest.length_s;
  const std::uint16_t own = short_hash(cell.number(place));
  for (std::size_t i = 0; i < cell.size(); ++i) {
    const Talk& talk = cell.talk(i);
    if (i == place || talk.length_s == 0) continue;
    if (!near(talk.start_s, now_s) || !near(talk.start_s + talk.length_s, end_s)) continue;
    const Seat& other = cell.at(i);
    // The same peer: both in one conference. Each other: one call.
    if (talk.peer == latest.peer || talk.peer == own || latest.peer == short_hash(cell.number(i))) continue;
    MirrorPair& pair = cell.pair(place, i);
    if (pair.hits < 0xffff) ++pair.hits;
    pair.last_s = now_s;
    const std::uint32_t least =
        std::min(seat.calls.sum() + seat.calls_in.sum(), other.calls.sum() + other.calls_in.sum());
    if (pair.hits < limits_.mirrored || pair.hits < 0.6 * least || !pair.said.due(pair.hits, now_s)) continue;
    const std::size_t front = cell.callees(place) >= cell.callees(i) ? place : i, back = front == place ? i : place;
    const double callees = cell.callees(front), calls = cell.at(front).calls.sum();
    if (callees < limits_.dispersion * std::min(calls, kCalleesTold) ||
        callees < limits_.mirrored * limits_.dispersion || calls < limits_.mirrored)
      continue;
    const std::string_view group = group_of(cell.number(front), context);
    if (!group.empty() && pair.hits < limits_.mirrored * limits_.factor) continue;
    pair.said.say(pair.hits, now_s);
    model::Signal signal = signal_of(event, now_s - kCellSpanS, 60 + 5 * std::log2(pair.hits / limits_.mirrored), 0.6);
    signal.entity = model::Entity::of(cell.number(front));
    signal.peers = {
        model::Entity::of(cell.number(back)),
        model::Entity::text(model::EntityKind::kCell, key.role == kCallerCell ? call.caller_cell : call.callee_cell)};
    const std::string n = std::to_string(pair.hits);
    signal.title.en = "Simple SIM box: " + n + " conversations of two numbers in one cell begin and end together";
    signal.title.zh = "疑似简易 GOIP（手机加音频线）：同一小区两个号码有 " + n + " 次通话同时开始、同时结束";
    signal.evidence = {
        {"mirrored_calls", static_cast<double>(pair.hits), limits_.mirrored, "calls"},
        {"mirrored_share", std::min(1.0, pair.hits / std::max(1.0, static_cast<double>(least))), 0.6, "ratio"},
        {"mirrored_callees", callees, limits_.mirrored * limits_.dispersion, "numbers"}};
    if (!group.empty())
      signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
    context.emit(std::move(signal));
  }
}

void SimBox::drop(NumberMark& mark) {
  heap_bytes_ -= mark.routes.bytes();
}
void SimBox::drop(std::unique_ptr<Device>& device) {
  if (device != nullptr) heap_bytes_ -= device->bytes();
}
void SimBox::drop(Cell& cell) {
  heap_bytes_ -= cell.heap_bytes();
}
void SimBox::drop(std::unique_ptr<Trunk>& trunk) {
  if (trunk != nullptr) heap_bytes_ -= trunk->bytes();
}

void SimBox::evict(EventMs watermark) {
  numbers_.evict(watermark, [this](NumberMark& m) { drop(m); });
  devices_.evict(watermark, [this](std::unique_ptr<Device>& d) { drop(d); });
  cells_.evict(watermark, [this](Cell& c) { drop(c); });
  trunks_.evict(watermark, [this](std::unique_ptr<Trunk>& t) { drop(t); });
}

void SimBox::save(detect::StateWriter& out) const {
  numbers_.save(out, [](detect::StateWriter& w, const NumberMark& m) {
    m.said.save(w);
    m.records.save(w);
    m.routes.save(w);
  });
  devices_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Device>& d) { d->save(w); });
  cells_.save(out, [](detect::StateWriter& w, const Cell& c) { c.save(w); });
  trunks_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Trunk>& t) { t->save(w); });
}

Result<> SimBox::load(detect::StateReader& in) {
  TRY(numbers_.load(in, [](detect::StateReader& r, NumberMark& m) {
    m.said.load(r);
    m.records.load(r);
    m.routes.load(r);
  }));
  TRY(devices_.load(in, [](detect::StateReader& r, std::unique_ptr<Device>& d) {
    d = std::make_unique<Device>();
    d->load(r);
  }));
  TRY(cells_.load(in, [](detect::StateReader& r, Cell& c) { c.load(r); }));
  TRY(trunks_.load(in, [](detect::StateReader& r, std::unique_ptr<Trunk>& t) {
    t = std::make_unique<Trunk>();
    t->load(r);
  }));
  heap_bytes_ = 0;
  numbers_.for_each([this](model::NumberKey, const NumberMark& m) { heap_bytes_ += m.routes.bytes(); });
  devices_.for_each([this](DeviceKey, const std::unique_ptr<Device>& d) { heap_bytes_ += d->bytes(); });
  trunks_.for_each([this](const model::EntityKey&, const std::unique_ptr<Trunk>& t) { heap_bytes_ += t->bytes(); });
  cells_.for_each([this](const model::EntityKey&, const Cell& c) { heap_bytes_ += c.heap_bytes(); });
  return {};
}

detect::StateSize SimBox::size() const {
  return {numbers_.size() + devices_.size() + cells_.size() + trunks_.size(),
          numbers_.bytes() + devices_.bytes() + cells_.bytes() + trunks_.bytes() + heap_bytes_,
          numbers_.evicted() + devices_.evicted() + cells_.evicted() + trunks_.evicted()};
}

}  // namespace pandun::detectors::sim_box
