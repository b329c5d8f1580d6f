// Fake base station: one sender writes to many within minutes from a cell in which nobody else calls or writes; or several
// telephones report a cell that is not as the network's are.
//
// Shape    110 bytes a cell, for 24 h; 320 more from the third message of one sender on that makes up most of its messages. A
//          quarter of the callers, picked by their number's hash, is enough to tell that a cell is alive. Reports: sightings.h.
// Source   docs/detectors/fake_base_station.md, with where each threshold comes from.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "detect/features/cell_activity.h"
#include "detect/small_state.h"
#include "detect/state_table.h"
#include "detectors/fake_base_station/sightings.h"

namespace pandun::detectors {
namespace {

using detect::LineKind;
using fake_base_station::Sightings;

constexpr std::uint32_t kSpanS = 12 * 3600, kQuietS = 15 * 60;
// Of a cell in use: calls that show it is one, what of its messages must be the storm's, and how much larger that must be.
constexpr double kCellCalls = 10, kStormShare = 0.8, kInUseFactor = 1.5;
// Reports: of a storm that they bear out; of a storm that bears them out; from how long on they are not one train's passengers.
constexpr double kStormReporters = 2, kAgreeingMessages = 10;
constexpr std::uint32_t kSpreadS = 5 * 60;
constexpr double kOddShare =
    0.3;  // of the reporters: a cell built yesterday is new to all of them, and to hardly one odd
constexpr std::uint64_t kSampled = 4;  // one caller in so many
constexpr std::uint16_t kRecipientBits = 1024;
using Recipients = detect::FewDistinct<kRecipientBits>;

// What the cell's most frequent sender does, from its first message on until it is silent or outnumbered: kept from its third
// message on, for most never send as many.
struct Storm {
  std::uint32_t messages = 0, with_device = 0, several_segments = 0;
  std::uint32_t reported = 0, registered = 0;  // by recipients as fraud; as a contract sender's template
  Recipients recipients;
  detect::Said said;  // of the recipients
  detect::LatestRecords<8> records;
};

// What a message adds to a storm, for the first of them.
struct Early {
  std::uint16_t recipient = 0;  // its bit among the recipients
  bool with_device : 1, several_segments : 1, reported : 1, registered : 1;
};
constexpr std::uint8_t kEarlyMost = 2;

struct Cell {
  detect::SpanClock clock;
  std::uint32_t first_s = 0;
  std::int32_t lead = 0;             // how far the storm's sender is ahead of all others (Boyer and Moore)
  detect::TwoSpans<> others;         // calls and messages of others, in 12 to 24 h
  detect::TwoSpansDistinct<64> who;  // how many others
  model::NumberKey sender;           // the storm's
  std::uint32_t storm_first_s = 0, storm_last_s = 0;
  std::array<Early, kEarlyMost> early{};
  std::uint8_t early_size = 0;
  std::unique_ptr<Storm> storm;

  std::uint32_t storm_messages() const { return storm != nullptr ? storm->messages : early_size; }
};

class FakeBaseStation final : public detect::Detector {
 public:
  explicit FakeBaseStation(const detect::Options& o)
      : limits_{o["recipients_min"], o["minutes_max"],  o["others_max"],       o["plain_sender_factor"],
                o["rise_min"],       o["reported_min"], o["protected_factor"], o["reporters_min"]},
        cells_(std::chrono::hours(24)),
        sightings_(std::chrono::hours(2)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override;
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override { cells_.prefetch(key.key, stage); }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    cells_.evict(watermark, [this](Cell& c) { drop(c); });
    sightings_.evict(watermark, [this](std::unique_ptr<Sightings>& s) { drop(s); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {cells_.size() + sightings_.size(),
            cells_.bytes() + storms_ * sizeof(Storm) + sightings_.bytes() + sightings_bytes_,
            cells_.evicted() + sightings_.evicted()};
  }

 private:
  enum Role : std::uint8_t { kMessage, kCall, kSeen, kBeside };
  struct Limits {
    double recipients, minutes, others, plain, rise, reported, factor, reporters;
  };
  static void see_other(Cell& cell, model::NumberKey number) {
    cell.others.add();
    cell.who.add(detect::state_hash(number));
  }
  void count(const model::Event& event, Cell& cell);
  static void add(Storm& storm, const Early& message);
  void judge(const model::Event& event, const detect::RoutedKey& key, Cell& cell, detect::Context& context);
  void look_at_report(const model::Event& event, const detect::RoutedKey& key, detect::Context& context);
  void judge_seen(const model::Event& event, const detect::RoutedKey& key, Sightings& seen, detect::Context& context);
  void judge_beside(const model::Event& event, Sightings& seen, detect::Context& context) const;
  void drop(std::unique_ptr<Sightings>& sightings) {
    if (sightings != nullptr) sightings_bytes_ -= sightings->bytes();
  }
  void drop(Cell& cell) {
    if (cell.storm != nullptr) --storms_;
    cell.storm.reset();
  }

  Limits limits_;
  detect::StateTable<model::EntityKey, Cell> cells_;
  detect::StateTable<model::EntityKey, std::unique_ptr<Sightings>> sightings_;
  std::uint64_t storms_ = 0, sightings_bytes_ = 0;
};

void FakeBaseStation::route(const model::Event& event, detect::KeyList& keys) const {
  if (event.kind() == model::EventKind::kMessage) {
    const auto& message = event.as<model::Message>();
    if (message.sender.known() && !message.sender_cell.empty())
      keys.push_back({model::EntityKind::kCell, kMessage, model::key_of_text(message.sender_cell)});
  } else if (event.kind() == model::EventKind::kCall) {
    const auto& call = event.as<model::Call>();
    if (call.caller.known() && !call.caller_cell.empty() && (detect::state_hash(call.caller) >> 33) % kSampled == 0)
      keys.push_back({model::EntityKind::kCell, kCall, model::key_of_text(call.caller_cell)});
  } else if (event.kind() == model::EventKind::kCellReport) {
    const auto& report = event.as<model::CellReport>();
    if (!report.reporter.known() || report.cell.empty()) return;
    keys.push_back({model::EntityKind::kCell, kSeen, model::key_of_text(report.cell)});
    if (!report.near_cell.empty() && report.near_cell != report.cell)
      keys.push_back({model::EntityKind::kCell, kBeside, model::key_of_text(report.near_cell)});
  }
}

void FakeBaseStation::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  if (key.role == kSeen || key.role == kBeside) return look_at_report(event, key, context);
  Cell& cell = cells_.touch_hash(key.key, hash_of(key.key), event.watermark, nullptr, [this](Cell& c) { drop(c); });
  const std::uint32_t now_s = detect::seconds32(event.time);
  cell.clock.advance(now_s, kSpanS, [&cell](bool adjacent) {
    cell.others.turn(adjacent);
    cell.who.turn(adjacent);
  });
  if (cell.first_s == 0) cell.first_s = now_s;
  if (key.role == kCall) return see_other(cell, event.as<model::Call>().caller);
  count(event, cell);
  if (cell.storm != nullptr && cell.sender == event.as<model::Message>().sender) judge(event, key, cell, context);
}

void FakeBaseStation::add(Storm& storm, const Early& message) {
  ++storm.messages;
  storm.with_device += message.with_device ? 1U : 0U;
  storm.several_segments += message.several_segments ? 1U : 0U;
  storm.registered += message.registered ? 1U : 0U;
  storm.reported += message.reported ? 1U : 0U;
  storm.recipients.add_bit(message.recipient);
}

void FakeBaseStation::count(const model::Event& event, Cell& cell) {
  const auto& message = event.as<model::Message>();
  const std::uint32_t now_s = detect::seconds32(event.time), before = cell.storm_messages();
  const bool over = before != 0 && now_s > cell.storm_last_s && now_s - cell.storm_last_s > kQuietS;
  const bool other = before != 0 && cell.sender != message.sender;
  if (before == 0 || over || (other && cell.lead <= 0)) {
    if (other) {  // the one before becomes one of the others
      cell.others.add(static_cast<std::uint16_t>(std::min<std::uint32_t>(before, 1000)));
      cell.who.add(detect::state_hash(cell.sender));
    }
    drop(cell);
    cell.early_size = 0;
    cell.sender = message.sender;
    cell.storm_first_s = now_s;
    cell.storm_last_s = 0;
    cell.lead = 0;
  }
  if (cell.sender != message.sender) {
    --cell.lead;
    return see_other(cell, message.sender);
  }
  ++cell.lead;
  cell.storm_last_s = std::max(cell.storm_last_s, now_s);
  Early early{};
  early.recipient = static_cast<std::uint16_t>(Recipients::bit_of(detect::state_hash(message.recipient)));
  early.with_device = !message.sender_device.empty();
  early.several_segments = message.segments > 1;
  early.registered = message.template_hash.starts_with("registered:");
  early.reported = !early.registered && !message.template_hash.empty();
  if (cell.storm == nullptr) {
    if (cell.early_size < kEarlyMost) {
      cell.early[cell.early_size++] = early;
      return;
    }
    cell.storm = std::make_unique<Storm>();
    ++storms_;
    for (const Early& first : cell.early) add(*cell.storm, first);
  }
  add(*cell.storm, early);
  cell.storm->records.add(event);
}

void FakeBaseStation::judge(const model::Event& event, const detect::RoutedKey& key, Cell& cell,
                            detect::Context& context) {
  const auto& message = event.as<model::Message>();
  Storm& storm = *cell.storm;
  const std::uint32_t now_s = detect::seconds32(event.time);
  if (storm.messages < limits_.recipients) return;
  const double recipients = storm.recipients.count();
  if (recipients < limits_.recipients || !storm.said.due(recipients, now_s)) return;
  const double minutes = (cell.storm_last_s - std::min(cell.storm_first_s, cell.storm_last_s)) / 60.0;
  // A pace, not a sum: what lasts longer must have reached more.
  if (recipients * limits_.minutes < limits_.recipients * minutes) return;
  const double others = cell.others.sum() + 2 * cell.who.count();
  const bool in_use = others > std::max(limits_.others, 0.03 * recipients);

  const detect::NumberFacts& facts = *context.ports().numbers;
  const LineKind kind = facts.traits(message.sender).kind;
  // Service numbers and message ports write from the carrier's message centre, never over the air.
  const bool service = message.sender.kind() == model::NumberKind::kService || kind == LineKind::kService ||
                       kind == LineKind::kShort || kind == LineKind::kTollFree || kind == LineKind::kEmergency ||
                       message.sender.kind() == model::NumberKind::kInvalid;
  const bool no_device = storm.with_device == 0;
  std::string_view group = facts.protected_group(message.sender);
  // The very numbers that are imitated are protected ones; only those that warn the public are let go first.
  if (group == "service") group = {};
  double factor = group.empty() ? 1 : limits_.factor;
  double calls = 0, rise = 0, share = 0;
  if (in_use) {  // a copy of a real cell's identity
    const detect::CellActivity* all = context.cell();
    if (!service || !no_device || all == nullptr) return;
    calls = all->calls(detect::Window::k24h);
    rise = all->message_rise(detect::Window::k1h);
    share = std::min(1.0, storm.messages / std::max(1.0, all->messages(detect::Window::k1h)));
    if (storm.reported < limits_.reported || storm.registered != 0) return;
    if (calls < kCellCalls || !(rise >= limits_.rise) || share < kStormShare) return;
    factor *= kInUseFactor;
  }
  if (!service) {
    if (!no_device) return;
    factor *= limits_.plain;
  }
  if (recipients < limits_.recipients * factor) return;
  storm.said.say(recipients, now_s);
  const std::unique_ptr<Sightings>* seen = sightings_.find(key.key, event.watermark);
  const double reporters = seen == nullptr || *seen == nullptr ? 0 : (*seen)->reporters(now_s);
  const bool reported = reporters >= kStormReporters;

  model::Signal signal;
  signal.entity = model::Entity::text(model::EntityKind::kCell, message.sender_cell);
  signal.first = {std::int64_t{cell.storm_first_s} * 1000};
  signal.last = event.time;
  const double excess = std::log2(recipients / (limits_.recipients * factor));
  const double severity = 65 + 6 * excess + (service ? 8 : 0) + (no_device ? 4 : 0) - (in_use ? 8 : 0) +
                          (reported ? 6 : 0) - (group.empty() ? 0 : 20);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 90.0));
  signal.confidence = std::clamp(0.6 + 0.05 * excess + (service ? 0.1 : 0) + (no_device ? 0.05 : 0) -
                                     (in_use ? 0.1 : 0) + (reported ? 0.1 : 0) - (group.empty() ? 0 : 0.2),
                                 0.3, 0.9);
  const std::string n = std::to_string(static_cast<int>(recipients)),
                    m = std::to_string(static_cast<int>(std::ceil(minutes)));
  signal.title.en = "Fake base station: one sender wrote to " + n + " people within " + m +
                    (in_use ? " min in the name of a cell in use" : " min from a cell where nobody else is");
  signal.title.zh = "疑似伪基站：同一发送方 " + m + " 分钟内" + (in_use ? "冒用在用小区" : "从无其他用户的小区") +
                    "向 " + n + " 人发送短信";
  signal.evidence = {{"storm_recipients", recipients, limits_.recipients * factor, "numbers"},
                     {"storm_messages", static_cast<double>(storm.messages), 0, "messages"},
                     {"storm_minutes", minutes, limits_.minutes * recipients / limits_.recipients, "min"},
                     {"cell_others_24h", others, in_use ? 0 : std::max(limits_.others, 0.03 * recipients), "contacts"},
                     {"cell_age_s", static_cast<double>(now_s - std::min(now_s, cell.first_s)), 0, "s"},
                     {"storm_long_share", static_cast<double>(storm.several_segments) / storm.messages, 0, "ratio"}};
  if (in_use) {
    signal.evidence.push_back({"storm_reported", static_cast<double>(storm.reported), limits_.reported, "messages"});
    signal.evidence.push_back({"cell_calls_24h", calls, kCellCalls, "calls"});
    signal.evidence.push_back({"cell_message_rise_1h", rise, limits_.rise, "times"});
    signal.evidence.push_back({"storm_share_1h", share, kStormShare, "ratio"});
  }
  if (reported) signal.evidence.push_back({"sighting_reporters", reporters, kStormReporters, "telephones"});
  if (service) signal.evidence.push_back({"storm_service_sender", 1, 1, ""});
  if (no_device) signal.evidence.push_back({"storm_no_device", 1, 1, ""});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  signal.peers.push_back(model::Entity::of(message.sender));
  signal.records = storm.records.latest();
  context.emit(std::move(signal));
}

// ---- what telephones report ----

void FakeBaseStation::look_at_report(const model::Event& event, const detect::RoutedKey& key,
                                     detect::Context& context) {
  std::unique_ptr<Sightings>& held = sightings_.touch_hash(key.key, hash_of(key.key), event.watermark, nullptr,
                                                           [this](std::unique_ptr<Sightings>& s) { drop(s); });
  if (held == nullptr) {
    held = std::make_unique<Sightings>();
    sightings_bytes_ += held->bytes();
  }
  const std::uint64_t before = held->bytes();
  held->add(event.as<model::CellReport>(), key.role == kBeside, detect::seconds32(event.time));
  held->records.add(event);
  sightings_bytes_ += held->bytes() - before;
  if (key.role == kSeen) return judge_seen(event, key, *held, context);
  judge_beside(event, *held, context);
}

void FakeBaseStation::judge_seen(const model::Event& event, const detect::RoutedKey& key, Sightings& seen,
                                 detect::Context& context) {
  const auto& report = event.as<model::CellReport>();
  const std::uint32_t now_s = detect::seconds32(event.time);
  const Sightings::Sum sum = seen.sum(false);
  if (sum.reporters < limits_.reporters || !seen.said.due(sum.reporters, now_s)) return;
  const detect::CellActivity* all = context.cell();
  const double calls = all == nullptr ? 0 : all->calls(detect::Window::k24h);
  // The network knows the cell: that it is new to an app, or that telephones fall to 2G in it, says nothing.
  const bool in_use = calls >= kCellCalls;
  const double odd_min = std::max(2.0, std::ceil(kOddShare * sum.reporters)),
               messages_min = in_use ? std::ceil(0.6 * limits_.reporters) : 0;
  if (sum.odd < odd_min || sum.messages < messages_min) return;
  // Passengers of one train see it at once, and are gone.
  if (sum.spread_s < kSpreadS && sum.messages < 2) return;
  seen.said.say(sum.reporters, now_s);

  const Cell* cell = cells_.find(key.key, event.watermark);
  const bool storm = cell != nullptr && cell->storm_messages() >= kAgreeingMessages &&
                     (now_s < cell->storm_last_s || now_s - cell->storm_last_s <= fake_base_station::kSightingsS);
  const double excess = std::log2(sum.reporters / limits_.reporters);
  const bool messages = sum.messages >= 2;
  model::Signal signal;
  signal.entity = model::Entity::text(model::EntityKind::kCell, report.cell);
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{sum.first_s} * 1000)};
  signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(
      std::clamp(52 + 5 * excess + (messages ? 10 : 0) + (storm ? 8 : 0) - (in_use ? 6 : 0), 20.0, 85.0));
  signal.confidence =
      std::clamp(0.45 + 0.05 * excess + (messages ? 0.1 : 0) + (storm ? 0.15 : 0) - (in_use ? 0.05 : 0), 0.3, 0.8);
  const std::string n = std::to_string(static_cast<int>(sum.reporters));
  signal.title.en = "Fake base station: " + n + " telephones reported " +
                    (in_use ? "messages under the identity of a cell in use" : "a cell that is not the network's");
  signal.title.zh =
      "疑似伪基站：" + n + (in_use ? " 部终端上报在用小区身份下的异常短信" : " 部终端上报非本网的异常小区");
  signal.evidence = {{"sighting_reporters", sum.reporters, limits_.reporters, "telephones"},
                     {"sighting_odd", sum.odd, odd_min, "telephones"},
                     {"sighting_messages", sum.messages, messages_min, "telephones"},
                     {"sighting_minutes", sum.spread_s / 60.0, messages ? 0 : kSpreadS / 60.0, "min"},
                     {"cell_calls_24h", calls, 0, "calls"}};
  if (storm)
    signal.evidence.push_back(
        {"storm_messages", static_cast<double>(cell->storm_messages()), kAgreeingMessages, "messages"});
  if (!report.near_cell.empty())
    signal.peers.push_back(model::Entity::text(model::EntityKind::kCell, report.near_cell));
  if (seen.sender().known()) signal.peers.push_back(model::Entity::of(seen.sender()));
  signal.records = seen.records.latest();
  context.emit(std::move(signal));
}

// One that changes its identity every few minutes: no cell is seen by many, but all of them beside the same one.
void FakeBaseStation::judge_beside(const model::Event& event, Sightings& seen, detect::Context& context) const {
  const auto& report = event.as<model::CellReport>();
  const std::uint32_t now_s = detect::seconds32(event.time);
  const Sightings::Sum sum = seen.sum(true);
  if (sum.reporters < limits_.reporters || !seen.said_beside.due(sum.reporters, now_s)) return;
  const double odd_min = std::max(2.0, std::ceil(sum.reporters / 2));
  if (sum.jumps < odd_min || sum.cells < 2 || sum.most_of_one >= limits_.reporters) return;
  if (sum.spread_s < kSpreadS && sum.messages < 2) return;
  seen.said_beside.say(sum.reporters, now_s);

  const double excess = std::log2(sum.reporters / limits_.reporters);
  const bool messages = sum.messages >= 2;
  model::Signal signal;
  signal.entity = model::Entity::text(model::EntityKind::kCell, report.near_cell);
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{sum.first_s} * 1000)};
  signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(std::clamp(46 + 5 * excess + (messages ? 10 : 0), 20.0, 80.0));
  signal.confidence = std::clamp(0.4 + 0.05 * excess + (messages ? 0.1 : 0), 0.3, 0.7);
  const std::string n = std::to_string(static_cast<int>(sum.reporters)),
                    c = std::to_string(static_cast<int>(sum.cells));
  signal.title.en = "Fake base station: " + n + " telephones reported " + c + " odd cells beside this one";
  signal.title.zh = "疑似伪基站：" + n + " 部终端在该小区附近上报 " + c + " 个异常小区";
  signal.evidence = {{"sighting_reporters", sum.reporters, limits_.reporters, "telephones"},
                     {"sighting_odd", sum.jumps, odd_min, "telephones"},
                     {"sighting_cells", sum.cells, 2, "cells"},
                     {"sighting_messages", sum.messages, 0, "telephones"},
                     {"sighting_minutes", sum.spread_s / 60.0, messages ? 0 : kSpreadS / 60.0, "min"}};
  signal.peers.push_back(model::Entity::text(model::EntityKind::kCell, report.cell));
  if (seen.sender().known()) signal.peers.push_back(model::Entity::of(seen.sender()));
  signal.records = seen.records.latest();
  context.emit(std::move(signal));
}

// ---- state ----

void FakeBaseStation::save(detect::StateWriter& out) const {
  cells_.save(out, [](detect::StateWriter& w, const Cell& c) {
    w.u32(c.clock.span);
    w.u32(c.first_s);
    w.u32(static_cast<std::uint32_t>(c.lead));
    c.others.save(w);
    c.who.save(w);
    w.u64(c.sender.bits());
    w.u32(c.storm_first_s);
    w.u32(c.storm_last_s);
    w.u8(c.early_size);
    for (const Early& e : c.early) {
      w.u16(e.recipient);
      w.u8(static_cast<std::uint8_t>((e.with_device ? 1U : 0U) | (e.several_segments ? 2U : 0U) |
                                     (e.reported ? 4U : 0U) | (e.registered ? 8U : 0U)));
    }
    w.u8(c.storm != nullptr ? 1 : 0);
    if (c.storm == nullptr) return;
    const Storm& s = *c.storm;
    for (const std::uint32_t v : {s.messages, s.with_device, s.several_segments, s.reported, s.registered}) w.u32(v);
    s.recipients.save(w);
    s.said.save(w);
    s.records.save(w);
  });
  sightings_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Sightings>& s) { s->save(w); });
}

Result<> FakeBaseStation::load(detect::StateReader& in) {
  TRY(cells_.load(in, [](detect::StateReader& r, Cell& c) {
    c.clock.span = r.u32();
    c.first_s = r.u32();
    c.lead = static_cast<std::int32_t>(r.u32());
    c.others.load(r);
    c.who.load(r);
    c.sender = model::NumberKey::from_bits(r.u64());
    c.storm_first_s = r.u32();
    c.storm_last_s = r.u32();
    c.early_size = r.u8();
    if (c.early_size > kEarlyMost) return r.fail("more early messages than a storm may have");
    for (Early& e : c.early) {
      e.recipient = r.u16() % kRecipientBits;
      const std::uint8_t bits = r.u8();
      e.with_device = (bits & 1U) != 0;
      e.several_segments = (bits & 2U) != 0;
      e.reported = (bits & 4U) != 0;
      e.registered = (bits & 8U) != 0;
    }
    if (r.u8() == 0) return;
    c.storm = std::make_unique<Storm>();
    Storm& s = *c.storm;
    for (std::uint32_t* v : {&s.messages, &s.with_device, &s.several_segments, &s.reported, &s.registered})
      *v = r.u32();
    s.recipients.load(r);
    s.said.load(r);
    s.records.load(r);
  }));
  TRY(sightings_.load(in, [](detect::StateReader& r, std::unique_ptr<Sightings>& s) {
    s = std::make_unique<Sightings>();
    s->load(r);
  }));
  sightings_bytes_ = 0;
  sightings_.for_each(
      [this](const model::EntityKey&, const std::unique_ptr<Sightings>& s) { sightings_bytes_ += s->bytes(); });
  storms_ = 0;
  cells_.for_each([this](const model::EntityKey&, const Cell& c) { storms_ += c.storm != nullptr ? 1U : 0U; });
  return {};
}

}  // namespace

const detect::DetectorSpec& fake_base_station_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "fake_base_station",
      .title_en = "Fake base station",
      .title_zh = "疑似伪基站",
      .finds_en =
          "A cell from which one sender writes to many people within minutes while nobody else calls or writes there, "
          "or a cell in use in whose name a service number suddenly writes, or one that several telephones report as "
          "not the network's.",

      .finds_zh =
          "某小区内同一发送方在数分钟内向大量号码发送短信，而无其他用户通话或发送；或在用小区突然出现以服务号码名义的大"
          "量"
          "短信；或多部终端上报为非本网的异常小区：疑似伪基站。",
      .reads = {model::EventKind::kCall, model::EventKind::kMessage, model::EventKind::kCellReport},
      .entity = model::EntityKind::kCell,
      .topic = "fake_base_station",
      .techniques = {"PF-012"},
      .episode_gap = std::chrono::hours(2),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"recipients_min", "numbers", 40, 10, 700, "different recipients of one sender in the cell",
               "小区内同一发送方的不同接收号码数"},
              {"minutes_max", "min", 20, 1, 1440,
               "time within which that many are reached; ten times as many may take ten times it",
               "达到该数量所用的时长上限，数量加倍则时长加倍"},
              {"others_max", "contacts", 4, 0, 1000,
               "calls and messages of others seen in the cell, plus twice their number; a quarter of the callers is "
               "looked at",
               "小区内其他用户的通话与短信次数加其人数的两倍上限，抽查四分之一主叫"},
              {"plain_sender_factor", "times", 3, 1, 100,
               "recipients are multiplied by this where the sender is an ordinary number",
               "发送方为普通号码时的阈值倍数"},
              {"rise_min", "times", 4, 1, 24,
               "of a cell in use: messages of the last hour over the mean hour of the day, where a service number "
               "writes",
               "在用小区：最近 1 小时短信条数与最近 24 小时每小时平均之比（发送方为服务号码时）"},
              {"reported_min", "messages", 2, 1, 1000,
               "of a cell in use: messages that their recipients reported; a public warning is not",
               "在用小区：被接收人举报的短信条数（公共预警短信不会被举报）"},
              {"reporters_min", "telephones", 5, 3, 64,
               "different telephones that report the cell, or odd cells beside it, within 1 h",
               "1 小时内上报该小区或其附近异常小区的不同终端数"},
              {"protected_factor", "times", 3, 1, 100, "recipients are multiplied by this for protected groups",
               "受保护群体的阈值倍数"},
          },
      .false_positives_en =
          "A feed that writes the message centre's name where the cell should stand; a test transmitter; one person "
          "writing "
          "to a whole address book from a cell that was opened today. Field measurement tells.",
      .false_positives_zh =
          "将短信中心名称写入小区字段的数据源；测试发射机；从当天新开小区向整个通讯录群发的个人。以现场测向核实。",
      .state_version = 4,
      .evidence =
          {
              {"storm_recipients", "different recipients of the storm", "短信接收号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"storm_messages", "messages of the storm", "短信条数", "messages", "条"},
              {"storm_minutes", "time the storm lasted", "持续时长", "min", "分钟", detect::Bound::kAtMost},
              {"storm_long_share", "share of messages of several parts", "长短信占比", "ratio", "比例"},
              {"storm_service_sender", "a service number, which never writes over the air",
               "发送方为服务号码，正常不经空口发出", "", ""},
              {"storm_no_device", "no device is named for the sender", "发送方无终端信息", "", ""},
              {"cell_others_24h", "calls and messages of others in the cell", "小区内其他用户活动", "contacts", "次"},
              {"storm_reported", "messages that their recipients reported", "被举报的短信条数", "messages", "条",
               detect::Bound::kAtLeast},
              {"storm_share_1h", "share of the cell's messages of the last hour", "占小区最近 1 小时短信的比例",
               "ratio", "比例", detect::Bound::kAtLeast},
              {"sighting_reporters", "telephones that reported it within 1 h", "1 小时内上报的终端数", "telephones",
               "部", detect::Bound::kAtLeast},
              {"sighting_odd", "of these, with a jump of area code, a fall to 2G or a message from it",
               "其中上报位置区突变、被迫降至 2G 或收到其短信的终端数", "telephones", "部", detect::Bound::kAtLeast},
              {"sighting_messages", "of these, with a message from it", "其中收到其短信的终端数", "telephones", "部",
               detect::Bound::kAtLeast},
              {"sighting_minutes", "from the first to the last telephone's report", "首末终端上报间隔", "min", "分钟",
               detect::Bound::kAtLeast},
              {"sighting_cells", "odd cells reported beside this one", "附近上报的异常小区数", "cells", "个",
               detect::Bound::kAtLeast},
              {"cell_age_s", "time since the cell was first seen", "小区首次出现至今", "s", "秒"},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
          },
      .wants_cells = true,
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_fake_base_station(const detect::Options& options) {
  return std::make_unique<FakeBaseStation>(options);
}

}  // namespace pandun::detectors
