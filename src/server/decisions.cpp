#include "server/decisions.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <unordered_map>
#include <unordered_set>

#include "base/hash.h"
#include "base/toml.h"
#include "decide/record_book.h"
#include "decide/record_writer.h"
#include "decide/subscriber_book.h"
#include "platform/random.h"
#include "platform/urgency.h"
#include "server/decision_findings.h"
#include "server/decision_lists.h"

namespace pandun::server {
namespace {

constexpr std::chrono::milliseconds kDecisionTick{50};
constexpr int kTicksPerLook = 4;                   // measures, findings
constexpr int kTicksPerLists = 4;                  // five times a second: a list that changes counts within one
constexpr int kTicksPerAge = 200;                  // calls in progress that nobody reports any more
constexpr int kTicksPerRetain = 6000;              // five minutes; findings are read anew, so that old scores end
constexpr std::size_t kRecordsWaiting = 1U << 18;  // a disk may take a second to sync
constexpr std::string_view kActor = "system:decide";

using MeasureMap = std::unordered_map<std::uint64_t, std::vector<decide::MeasureEntry>>;
using LabelledSet = std::unordered_set<std::uint64_t>;
constexpr std::string_view kLabelKind = "label";  // the kind of measure that marks the caller for the called person

bool same(const std::vector<decide::MeasureEntry>& a, const std::vector<decide::MeasureEntry>& b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].measure != b[i].measure || a[i].verdict != b[i].verdict || a[i].expires != b[i].expires) return false;
  return true;
}

// What casework says a measure does, as a switch can do it.
decide::Verdict verdict_of(std::string_view kind) {
  for (const std::string_view stops : {"suspend", "close", "block", "limit"})
    if (kind == stops) return decide::Verdict::kReject;
  return decide::Verdict::kWarn;
}

class PlanReader final : public decide::NumberReader {
 public:
  explicit PlanReader(const ingest::Numbering& numbering) : numbering_(numbering) {}
  model::NumberKey read(std::string_view text) const override { return numbering_.parse(text, false); }

 private:
  const ingest::Numbering& numbering_;
};

class PlanNumbers final : public decide::NumberNotes {
 public:
  PlanNumbers(const registry::NumberingPlan& plan, const registry::ProtectedGroups& groups, std::uint16_t home)
      : plan_(plan), groups_(groups), home_(home) {}
  // The site's own list: asked for behind area codes, where the plan keeps each city's apart. Before the first question.
  void set_emergency(std::vector<model::NumberKey> numbers) { emergency_ = std::move(numbers); }
  decide::NumberNote note(model::NumberKey number) const override {
    const registry::PhoneFacts facts = plan_.facts(number);
    decide::NumberNote out{sort(facts), {}, {}};
    if (out.sort == decide::NumberSort::kForeign) {
      out.place_zh = facts.country_zh;
      out.place_en = facts.country_en;
    }
    return out;
  }
  bool is_protected(model::NumberKey number) const override { return groups_.find(number) != nullptr; }
  bool is_emergency(model::NumberKey number) const override {
    const registry::PhoneFacts facts = plan_.facts(number);
    if (facts.kind == registry::NumberClass::kEmergency) return true;
    if (facts.kind != registry::NumberClass::kService || facts.area_code.empty()) return false;
    const std::string text = number.text();  // "+8643196110"
    const std::string_view local = std::string_view(text).substr(3 + facts.area_code.size());
    return std::find(emergency_.begin(), emergency_.end(), model::NumberKey::service(local)) != emergency_.end();
  }

 private:
  decide::NumberSort sort(const registry::PhoneFacts& facts) const {
    using enum registry::NumberClass;
    switch (facts.kind) {
      case kMobile:
      case kMobileVirtual:
      case kIot:
      case kSatellite:
        return decide::NumberSort::kDomesticMobile;
      case kFixed:
        return decide::NumberSort::kDomesticFixed;
      case kTollFree:
      case kService:
      case kShort:
      case kEmergency:
        return decide::NumberSort::kDomesticService;
      case kInternational:
        return facts.country_code == home_ ? decide::NumberSort::kUnknown : decide::NumberSort::kForeign;
      default:
        return decide::NumberSort::kUnknown;
    }
  }
  const registry::NumberingPlan& plan_;
  const registry::ProtectedGroups& groups_;
  std::uint16_t home_;
  std::vector<model::NumberKey> emergency_;
};

class TokenNames final : public decide::Pseudonyms {
 public:
  explicit TokenNames(const guard::NumberTokens& tokens)
      : tokens_(tokens), year_(guard::year_of(EventMs{0})), of_year_(tokens.of_year(year_)) {}
  Shown show(model::NumberKey number, WallMs at) override {
    if (!number.known()) return {};
    if (const std::int64_t hour = at.ms / 3'600'000; hour != hour_) {  // years begin at +08:00
      hour_ = hour;
      set_year(guard::year_of(EventMs{at.ms}));
    }
    of_year_.show(number, shown_);
    return {{shown_.token.data(), shown_.token.size()}, {shown_.mask.data(), shown_.mask_size}};
  }

 private:
  void set_year(int year) {
    if (year == year_) return;
    year_ = year;
    of_year_ = tokens_.of_year(year);
  }
  const guard::NumberTokens& tokens_;
  int year_;
  guard::NumberTokens::Year of_year_;
  guard::NumberTokens::Year::Shown shown_;
  std::int64_t hour_ = -1;
};

Result<std::string> read_content(const DecisionParts& parts, std::string_view setting, const char* shipped,
                                 std::string& path) {
  path = setting.empty() ? std::string() : parts.settings.text(setting);
  if (path.empty()) path = platform::join(parts.content.directory, shipped);
  return platform::read_file(parts.files, path, 16U << 20);
}

Result<std::vector<model::NumberKey>> read_emergency(const DecisionParts& parts) {
  std::string path;
  TRY_ASSIGN(const std::string text, read_content(parts, {}, "decide/emergency.toml", path));
  toml::table root;
  if (const auto bad = read_toml(text, path, root))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", path, bad->line, bad->column), bad->message);
  const toml::array* numbers = root["numbers"].as_array();
  if (numbers == nullptr || numbers->empty()) return error(Errc::kBadConfig, path, "numbers = [\"110\", …] is missing");
  std::vector<model::NumberKey> out;
  for (const toml::node& item : *numbers) {
    const model::NumberKey number = parts.content.plan.parse(item.value_or(std::string()), {});
    if (number.kind() != model::NumberKind::kService && number.kind() != model::NumberKind::kE164)
      return error(Errc::kBadConfig,
                   fmt::format("{}:{}:{}", path, item.source().begin.line, item.source().begin.column),
                   "is not a telephone number");
    out.push_back(number);
  }
  return out;
}

}  // namespace

decide::DeciderLimits decider_limits(const Settings& settings) {
  decide::DeciderLimits out;
  out.callers = static_cast<std::uint64_t>(settings.integer("decide.rate_numbers"));
  out.pairs = out.callers;
  out.records = kRecordsWaiting;
  std::array<unsigned char, 4> random{};
  platform::random_bytes(random);
  out.first_id = 0;
  for (const unsigned char byte : random) out.first_id = out.first_id << 8 | byte;
  return out;
}

struct DecisionRoom::Rooms {
  explicit Rooms(DecisionParts p)
      : parts(std::move(p)),
        reader(parts.numbering),
        notes(parts.content.plan, parts.content.groups,
              static_cast<std::uint16_t>(parts.settings.integer("ingest.home_country"))),
        names(parts.tokens),
        records(parts.files, platform::join(parts.data, "decisions"), parts.key, names),
        writer({parts.decider.records(), records, parts.files, parts.clock,
                [this](const Error& e) {
                  parts.note_fault("decision records", fmt::format("{}; {} lost so far", e.text(), records.lost()));
                }}),
        lists(parts.files, lists_directory(), parts.key.derive("decide:lists"), reader),
        findings(parts.store, parts.vault, parts.clock) {}

  std::string lists_directory() const {
    const std::string set = parts.settings.text("decide.lists");
    return set.empty() ? platform::join(parts.data, "decide/lists") : set;
  }
  Result<> open();
  Result<> read_content();
  Result<> record_approvals();
  Result<bool> read_measures(MeasureMap& out, LabelledSet& marked);
  void publish_all();
  void look_at_measures();
  void look_at_lists(bool compile);
  void look_at_findings(bool all);
  void write_records(const std::stop_token& stop);
  void retain();

  DecisionParts parts;
  PlanReader reader;
  PlanNumbers notes;
  TokenNames names;
  std::unique_ptr<decide::SubscriberBook> book;
  decide::SnapshotInput fixed;  // what only a restart changes
  MeasureMap measures;
  LabelledSet labelled;  // by an approved measure; with choices_mutex
  std::int64_t audit_seen = -1;
  std::mutex choices_mutex;  // so that a whole snapshot never goes out with choices older than a change before it
  decide::RecordBook records;
  decide::RecordWriter writer;
  DecisionLists lists;
  DecisionFindings findings;
};

Result<> DecisionRoom::Rooms::read_content() {
  std::string path;
  TRY_ASSIGN(const std::string trunks, server::read_content(parts, "decide.trunks", "decide/trunks.toml", path));
  TRY_ASSIGN(decide::TrunkPlan plan, decide::parse_trunks(path, trunks));
  TRY_ASSIGN(const std::string policies, server::read_content(parts, "decide.policies", "decide/policies.toml", path));
  TRY_ASSIGN(fixed.policies, decide::parse_policies(path, policies));
  fixed.trunks = std::move(plan.trunks);
  fixed.false_forms = std::move(plan.false_forms);
  TRY_ASSIGN(fixed.emergency, read_emergency(parts));
  const Settings& settings = parts.settings;
  fixed.home_country_code = static_cast<std::uint64_t>(settings.integer("ingest.home_country"));
  fixed.redress_base = settings.text("decide.redress_url");
  if (!fixed.redress_base.empty() && !fixed.redress_base.starts_with("https://"))
    return error(Errc::kBadConfig, "decide.redress_url", "takes an https:// address; an id is appended");
  if (fixed.redress_base.size() > 120) return error(Errc::kBadConfig, "decide.redress_url", "is longer than 120 bytes");
  notes.set_emergency(fixed.emergency);
  fixed.notes = &notes;
  fixed.foreign_reminder = settings.flag("decide.foreign_reminder");
  fixed.warn_roaming_unknown = settings.flag("decide.warn_roaming_unknown");
  fixed.warn_on_alert = settings.flag("decide.warn_on_alert");
  fixed.warn_at_score = static_cast<std::uint8_t>(settings.integer("decide.warn_at_score"));
  return {};
}

// Who let software reject stands in the chain before it does.
Result<> DecisionRoom::Rooms::record_approvals() {
  for (const decide::Policy& policy : fixed.policies) {
    if (!policy.enabled || !policy.hold) continue;
    std::string people;
    for (const std::string& name : policy.approved_by) people += (people.empty() ? "" : ", ") + name;
    TRY(parts.audit.record_alone({std::string(kActor),
                                  "decide.policy_in_force",
                                  "policy:" + policy.id,
                                  {{"approved_by", people},
                                   {"approved_at", rfc3339(policy.approved_at)},
                                   {"expires_at", rfc3339(policy.expires_at)},
                                   {"hold_s", std::to_string(policy.hold_s)}}}));
  }
  return {};
}

Result<> DecisionRoom::Rooms::open() {
  TRY(read_content());
  TRY(parts.files.make_directories(platform::join(parts.data, "decisions")));
  TRY(parts.files.make_directories(platform::join(parts.data, "decide")));
  TRY(parts.files.make_directories(lists_directory()));
  TRY_ASSIGN(
      book, decide::SubscriberBook::open(parts.files, platform::join(parts.data, "decide/subscribers.log"), parts.key));
  TRY(record_approvals());
  if (lists.refresh(false)) look_at_lists(false);
  auto read = read_measures(measures, labelled);
  if (!read.ok()) parts.note_fault("decisions", read.error().text());
  publish_all();
  return {};
}

// False when nothing can have changed since the last time: every change of a measure stands in the audit chain.
Result<bool> DecisionRoom::Rooms::read_measures(MeasureMap& out, LabelledSet& marked) {
  std::int64_t last = 0;
  TRY(parts.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto row, view.audit().last());
    if (row) last = row->seq;
    return {};
  }));
  if (last == audit_seen) return false;
  TRY_ASSIGN(const std::vector<casework::ActiveMeasure> active, parts.desk.active_measures());
  for (const casework::ActiveMeasure& measure : active) {
    if (measure.entity_kind != model::EntityKind::kNumber || !measure.number.known()) continue;
    out[measure.number.bits()].push_back({measure.number, verdict_of(measure.kind), measure.expires_at, measure.id});
    if (measure.kind == kLabelKind) marked.insert(measure.number.bits());
  }
  audit_seen = last;
  return true;
}

void DecisionRoom::Rooms::publish_all() {
  decide::SnapshotInput input = fixed;
  for (const auto& [number, entries] : measures)
    input.measures.insert(input.measures.end(), entries.begin(), entries.end());
  input.lists = lists.lists();
  decide::Findings found = findings.findings();
  input.alerted = std::move(found.alerted);
  input.scores = std::move(found.scores);
  const std::scoped_lock lock(choices_mutex);
  book->fill(input);
  for (const std::uint64_t number : labelled)  // behind what the carrier entered: what people approved counts
    input.labels.push_back({model::NumberKey::from_bits(number), decide::Label::kSuspectedFraud});
  parts.decider.publish(std::move(input));
}

void DecisionRoom::Rooms::look_at_measures() {
  MeasureMap now;
  LabelledSet marked;
  const auto read = read_measures(now, marked);
  if (!read.ok()) return parts.note_fault("decisions", read.error().text());
  if (!*read) return;
  decide::Change change;
  std::vector<model::NumberKey> stricter;  // who may have calls in progress that are to be ended
  for (const auto& [number, entries] : now) {
    const auto before = measures.find(number);
    if (before != measures.end() && same(before->second, entries)) continue;
    change.measures.push_back({model::NumberKey::from_bits(number), entries});
    stricter.push_back(model::NumberKey::from_bits(number));
  }
  for (const auto& [number, entries] : measures)
    if (!now.contains(number)) change.measures.push_back({model::NumberKey::from_bits(number), {}});
  measures = std::move(now);
  std::unique_lock lock(choices_mutex);
  for (const std::uint64_t number : marked)
    if (!labelled.contains(number))
      change.labels.push_back({model::NumberKey::from_bits(number), decide::Label::kSuspectedFraud});
  for (const std::uint64_t number : labelled)
    if (!marked.contains(number)) {
      const auto key = model::NumberKey::from_bits(number);
      change.labels.push_back({key, book->label(key)});
    }
  labelled = std::move(marked);
  parts.decider.change(std::move(change));
  lock.unlock();
  parts.calls.look_at(stricter, parts.clock.wall());
}

void DecisionRoom::Rooms::look_at_lists(bool compile) {
  const bool changed = lists.refresh(compile);
  for (const Error& fault : lists.faults()) parts.note_fault("decision lists", fault.text());
  if (!changed) return;
  for (const auto& list : lists.lists()) {
    std::string people;
    for (const std::string& name : list->manifest().approved_by) people += (people.empty() ? "" : ", ") + name;
    auto recorded = parts.audit.record_alone({std::string(kActor),
                                              "decide.list_in_force",
                                              "list:" + list->manifest().name,
                                              {{"kind", std::string(decide::name(list->kind()))},
                                               {"entries", std::to_string(list->entries())},
                                               {"approved_by", people},
                                               {"ground", list->manifest().ground},
                                               {"expires_at", rfc3339(list->manifest().expires_at)}}});
    if (!recorded.ok()) parts.note_fault("decision lists", recorded.error().text());
  }
  publish_all();
  parts.calls.look_at_all(parts.clock.wall());
}

void DecisionRoom::Rooms::look_at_findings(bool all) {
  const auto changed = all ? findings.reload() : findings.look();
  if (!changed.ok()) return parts.note_fault("decisions", changed.error().text());
  if (!*changed) return;
  const decide::Findings found = findings.findings();
  parts.decider.publish_findings(found);
  if (parts.tell_findings) parts.tell_findings(found);
}

// A thread of its own: while a list is compiled decisions are made, and their records must not wait for it.
void DecisionRoom::Rooms::write_records(const std::stop_token& stop) {
  // Beside real-time doors it would never come to its turn; before them it takes short ones.
  if (const auto realtime = parts.settings.integer("decide.sip.realtime"); realtime != 0) {
    auto urgent = platform::make_urgent({static_cast<int>(realtime) + 1, {}});
    if (!urgent.ok()) parts.note_fault("decision records", urgent.error().text());
  }
  writer.run(stop);
}

void DecisionRoom::Rooms::retain() {
  auto done = records.retain(parts.clock.wall(), parts.settings.integer("decide.records_days"),
                             static_cast<std::uint64_t>(parts.settings.integer("decide.records_bytes")));
  if (!done.ok()) parts.note_fault("decision records", done.error().text());
}

DecisionRoom::DecisionRoom(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}

Result<std::unique_ptr<DecisionRoom>> DecisionRoom::open(DecisionParts parts) {
  auto rooms = std::make_unique<Rooms>(std::move(parts));
  TRY(rooms->open());
  std::unique_ptr<DecisionRoom> room(new DecisionRoom(std::move(rooms)));
  room->rooms_->parts.decider.set_desk(room.get());
  return room;
}

DecisionRoom::~DecisionRoom() {
  rooms_->parts.decider.set_desk(nullptr);
  rooms_->writer.drain();
  rooms_->writer.sync();
}

void DecisionRoom::run(std::stop_token stop) {
  rooms_->retain();
  const platform::Thread records =
      platform::start_thread("records", [this](const std::stop_token& end) { rooms_->write_records(end); });
  const platform::Thread sync =
      platform::start_thread("records sync", [this](const std::stop_token& end) { rooms_->writer.run_sync(end); });
  rooms_->look_at_lists(true);
  rooms_->look_at_findings(true);
  for (int ticks = 1; platform::pause(stop, kDecisionTick); ++ticks) {
    if (ticks % kTicksPerLook == 0) {
      rooms_->look_at_measures();
      rooms_->look_at_findings(ticks % kTicksPerRetain == 0);
    }
    if (ticks % kTicksPerLists == 0) rooms_->look_at_lists(true);
    if (ticks % kTicksPerAge == 0) rooms_->parts.calls.age(rooms_->parts.clock.wall());
    if (ticks % kTicksPerRetain == 0) rooms_->retain();
  }
}

void DecisionRoom::note_alerts(const std::vector<std::string>& alerts) {
  rooms_->findings.note(alerts);
}

Result<decide::Explanation> DecisionRoom::explain(std::uint64_t id) {
  rooms_->writer.drain();
  return rooms_->records.find(id);
}

Result<decide::CalleeSettings> DecisionRoom::callee(model::NumberKey callee) {
  return rooms_->book->callee(callee);
}
Result<decide::Label> DecisionRoom::label(model::NumberKey number) {
  return rooms_->book->label(number);
}
decide::Desk::Totals DecisionRoom::totals() {
  return rooms_->book->totals();
}

Result<> DecisionRoom::report_calls(const std::vector<decide::CallReport>& reports) {
  return rooms_->parts.reports.add(reports);
}

decide::CallEndings::Page DecisionRoom::endings(std::uint64_t cursor, std::string_view call_prefix, std::size_t most) {
  return rooms_->parts.calls.after(cursor, call_prefix, most, rooms_->parts.clock.wall());
}

Result<std::size_t> DecisionRoom::note_endings(const std::vector<decide::EndingReceipt>& receipts,
                                               std::string_view by) {
  std::array<std::size_t, decide::kEndingOutcomes> counts{};
  for (const decide::EndingReceipt& receipt : receipts) ++counts[static_cast<std::size_t>(receipt.outcome)];
  const std::size_t known = rooms_->parts.calls.note(receipts);
  std::vector<std::pair<std::string, std::string>> details{{"known", std::to_string(known)}};
  for (std::size_t i = 0; i < counts.size(); ++i)
    if (counts[i] != 0)
      details.emplace_back(decide::name(static_cast<decide::EndingOutcome>(i)), std::to_string(counts[i]));
  TRY(rooms_->parts.audit.record_alone({std::string(by), "decide.call_endings", "calls", std::move(details)}));
  return known;
}

Result<> DecisionRoom::set_callees(const std::vector<decide::CalleeSettings>& settings, std::string_view by) {
  decide::Change change;
  for (const decide::CalleeSettings& item : settings)
    change.callees.push_back({item.callee, item.choices, item.blocked});
  {
    const std::scoped_lock lock(rooms_->choices_mutex);
    TRY(rooms_->book->set_callees(settings));
    rooms_->parts.decider.change(std::move(change));
  }
  return rooms_->parts.audit.record_alone(
      {std::string(by), "decide.choices", "subscribers", {{"count", std::to_string(settings.size())}}});
}

Result<> DecisionRoom::set_labels(const std::vector<decide::NumberLabel>& labels, std::string_view by) {
  decide::Change change;
  change.labels = labels;
  {
    const std::scoped_lock lock(rooms_->choices_mutex);
    TRY(rooms_->book->set_labels(labels));
    for (decide::NumberLabel& item : change.labels)
      if (rooms_->labelled.contains(item.number.bits())) item.label = decide::Label::kSuspectedFraud;
    rooms_->parts.decider.change(std::move(change));
  }
  return rooms_->parts.audit.record_alone(
      {std::string(by),
       "decide.labels",
       "numbers",
       {{"count", std::to_string(labels.size())},
        {"label", labels.empty() ? std::string() : std::string(decide::info(labels[0].label).name)}}});
}

}  // namespace pandun::server
