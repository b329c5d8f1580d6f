// What becomes of a lead that matched: an alert, evidence in a case; or, for people at risk, a warning and nothing to look at.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "exchange/desk_parts.h"
#include "guard/json_writer.h"
#include "guard/number_tokens.h"
#include "platform/random.h"

namespace pandun::exchange {

using guard::Actor;
using guard::Right;
using store::LeadRow;

namespace {

const casework::DetectorFacts& lead_facts() {
  static const casework::DetectorFacts kFacts{kLeadEpisode, {}};
  return kFacts;
}

model::LocalText title_of(std::string_view kind) {
  if (kind == kMuleAccount)
    return {"合作单位提示：涉诈账户的关联号码", "A partner names it as the telephone of a suspected account"};
  return {"合作单位提示：涉诈嫌疑号码", "A partner suspects this number of fraud"};
}

// A partner's word alone never weighs as much as what was seen here: 40 to 60, "medium".
std::uint8_t severity_of(double confidence) {
  return static_cast<std::uint8_t>(40 + static_cast<int>(std::clamp(confidence, 0.0, 1.0) * 19.0));
}

model::Signal signal_of(const LeadRow& lead, model::NumberKey number, std::int64_t serial) {
  model::Signal signal;
  signal.position = casework::kFindingPositions + static_cast<std::uint64_t>(serial);
  signal.detector = kLeadDetector;
  signal.entity = model::Entity::of(number);
  signal.first = signal.last = EventMs{lead.observed_at.ms};
  signal.severity = severity_of(lead.confidence);
  signal.confidence = lead.confidence;
  signal.topic = kLeadDetector;
  signal.title = title_of(lead.kind);
  signal.evidence = {{"lead_confidence", lead.confidence, 0, "ratio"}};
  return signal;
}

}  // namespace

Result<> add_evidence(const LeadParts& parts, store::Tx& tx, const std::string& case_id, const std::string& title,
                      const std::string& value) {
  FileDigest digest;
  digest.add(value);
  return tx.case_files().insert_evidence({0, "E-" + platform::random_hex(8), case_id, "lead", title, value,
                                          digest.hex(), "system:leads", parts.clock.wall()});
}

Result<bool> take_match(const LeadParts& parts, store::Tx& tx, const store::LeadPartnerRow& partner, LeadRow lead,
                        model::NumberKey number, std::vector<std::string>& new_alerts,
                        std::vector<std::string>& changed_cases) {
  lead.id = "L-" + platform::random_hex(8);
  lead.direction = "in";
  lead.state = "open";
  lead.at = parts.clock.wall();
  if (lead.kind == kVictimAtRisk) return tx.leads().insert_lead(lead);
  lead.shown = guard::mask_number(number);
  TRY_ASSIGN(const bool fresh, tx.leads().insert_lead(lead));
  if (!fresh) return false;
  TRY_ASSIGN(const std::int64_t serial, tx.values().add("leads.findings", 1));
  TRY_ASSIGN(const auto report, parts.desk.take_finding(tx, signal_of(lead, number, serial), lead_facts()));
  lead.alert_id = !report.new_alerts.empty() ? report.new_alerts.front() : report.changed_alerts.front();
  new_alerts.insert(new_alerts.end(), report.new_alerts.begin(), report.new_alerts.end());
  TRY_ASSIGN(const auto alert, std::as_const(tx).alerts().by_id(lead.alert_id));
  if (alert && !alert->case_id.empty()) {
    lead.case_id = alert->case_id;
    lead.state = "used";
    changed_cases.push_back(lead.case_id);
    TRY(add_evidence(parts, tx, lead.case_id, "合作单位线索 / lead from " + partner.name,
                     fmt::format("{} · {} · {} · {}", lead.id, lead.kind, lead.purpose, rfc3339(lead.observed_at))));
  }
  TRY(tx.leads().update_lead(lead));
  TRY(parts.audit.record(tx, Actor::system("leads"), "lead.match", "lead:" + lead.id,
                         {{"partner", partner.id},
                          {"lead_id", lead.lead_id},
                          {"purpose", lead.purpose},
                          {"alert", lead.alert_id},
                          {"case", lead.case_id}}));
  return true;
}

LeadView shown_lead(LeadRow row, const std::string& partner_name) {
  if (row.kind == kVictimAtRisk) {
    row.token.clear();
    row.shown.clear();
    row.alert_id.clear();
  }
  return {std::move(row), partner_name};
}

namespace {

Result<LeadRow> need_lead(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.leads().lead(id));
  if (!row) return error(Errc::kNotFound, "lead " + id.substr(0, 40), "there is no such lead");
  return std::move(*row);
}

// Safeguard 12: for the purpose it came with, while the agreement and the lead run, and for nothing else.
Result<> check_use(const LeadParts& parts, const store::View& view, const LeadRow& lead, const std::string& purpose) {
  TRY_ASSIGN(const auto partner, need_partner(view, lead.partner_id));
  if (purpose != lead.purpose)
    return error(Errc::kNotAllowed, "purpose",
                 fmt::format("this lead was given for '{}' and is used for nothing else", lead.purpose));
  TRY(need_active(parts, partner));
  if (lead.state == "withdrawn") return error(Errc::kNotAllowed, "lead " + lead.id, "its partner took it back");
  if (lead.expires_at <= parts.clock.wall()) return error(Errc::kNotAllowed, "lead " + lead.id, "it has expired");
  const Purpose* known = parts.purposes.find(purpose);
  if (known == nullptr || known->warns)
    return error(Errc::kNotAllowed, "purpose", "leads of this purpose are looked at by nobody");
  return {};
}

}  // namespace

Result<LeadView> LeadDesk::use(const Actor& actor, const std::string& id, const Use& wish) {
  TRY(guard::require(actor, Right::kLeadExchange));
  LeadView out;
  TRY(write_or_record(parts_, actor, "lead.use", "lead:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(LeadRow lead, need_lead(tx, id));
    if (lead.direction != "in") return error(Errc::kConflict, "lead " + id, "it is our own finding");
    TRY(check_use(parts_, tx, lead, wish.purpose));
    TRY_ASSIGN(const auto of_case, std::as_const(tx).cases().by_id(wish.case_id));
    if (!of_case) return error(Errc::kNotFound, "case_id", "there is no such case");
    if (of_case->done) return error(Errc::kConflict, "case_id", "the case is done");
    TRY_ASSIGN(const auto partner, need_partner(tx, lead.partner_id));
    TRY(add_evidence(parts_, tx, wish.case_id, "合作单位线索 / lead from " + partner.name,
                     fmt::format("{} · {} · {} · {}", lead.id, lead.kind, lead.purpose, rfc3339(lead.observed_at))));
    lead.case_id = wish.case_id;
    lead.state = "used";
    TRY(tx.leads().update_lead(lead));
    TRY(parts_.audit.record(tx, actor, "lead.use", "lead:" + id, {{"purpose", wish.purpose}, {"case", wish.case_id}}));
    out = shown_lead(std::move(lead), partner.name);
    return {};
  }));
  return out;
}

Result<LeadView> LeadDesk::feedback(const Actor& actor, const std::string& id, const Feedback& wish) {
  TRY(guard::require(actor, Right::kLeadExchange));
  if (wish.result != "confirmed" && wish.result != "false" && wish.result != "acted_on")
    return error(Errc::kUsage, "result", "confirmed, false or acted_on");
  const WallMs now = parts_.clock.wall();
  std::optional<std::int64_t> at = now.ms;
  if (!wish.at.empty()) at = parse_rfc3339(wish.at);
  if (!at || *at > now.ms + 300'000) return error(Errc::kUsage, "at", "a time like 2026-11-22T08:00:00Z, not to come");
  LeadView out;
  TRY(write_or_record(parts_, actor, "lead.feedback", "lead:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(LeadRow lead, need_lead(tx, id));
    if (lead.direction != "in")
      return error(Errc::kConflict, "lead " + id, "what became of it is the partner's to say");
    if (lead.kind == kVictimAtRisk)
      return error(Errc::kNotAllowed, "lead " + id, "leads about people at risk are only counted");
    lead.feedback = wish.result;
    lead.feedback_by = actor.person.empty() ? actor.name : actor.person;
    lead.feedback_at = WallMs{*at};
    TRY(tx.leads().update_lead(lead));
    TRY_ASSIGN(const auto partner, need_partner(tx, lead.partner_id));
    TRY(parts_.audit.record(tx, actor, "lead.feedback", "lead:" + id,
                            {{"result", wish.result}, {"partner", partner.id}}));
    out = shown_lead(std::move(lead), partner.name);
    return {};
  }));
  return out;
}

Result<casework::ViewPage<LeadView>> LeadDesk::leads(const store::LeadFilter& filter,
                                                     const store::PageRequest& page) const {
  casework::ViewPage<LeadView> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto partners, view.leads().partners());
    TRY_ASSIGN(auto rows, view.leads().leads(filter, page));
    for (LeadRow& row : rows.items) {
      const auto by = std::find_if(partners.begin(), partners.end(),
                                   [&](const auto& partner) { return partner.id == row.partner_id; });
      out.items.push_back(shown_lead(std::move(row), by == partners.end() ? std::string() : by->name));
    }
    out.next = rows.next;
    return {};
  }));
  return out;
}

std::string write_faults(const std::vector<Fault>& faults) {
  std::string out;
  guard::JsonWriter w(out);
  w.begin_array();
  for (const Fault& fault : faults)
    w.begin_object().field_integer("line", fault.line).field("code", fault.code).field("why", fault.why).end_object();
  w.end_array();
  return out;
}

std::vector<Fault> read_faults(const std::string& json) {
  std::vector<Fault> out;
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(json).get(list) != simdjson::SUCCESS) return out;
  for (const simdjson::dom::element item : list) {
    Fault fault;
    std::string_view code, why;
    if (item["line"].get(fault.line) == simdjson::SUCCESS && item["code"].get(code) == simdjson::SUCCESS &&
        item["why"].get(why) == simdjson::SUCCESS) {
      fault.code = code;
      fault.why = why;
      out.push_back(std::move(fault));
    }
  }
  return out;
}

// ---- by the software alone ----

namespace {

constexpr int kPurgePerWrite = 20'000, kSealedPerTick = 5'000, kWarnPerTick = 200;

LeadRow lead_of(const store::LeadWaitingRow& row, const std::string& token) {
  LeadRow lead;
  lead.partner_id = row.partner_id;
  lead.lead_id = row.lead_id;
  lead.kind = row.kind;
  lead.purpose = row.purpose;
  lead.file_id = row.file_id;
  lead.token = token;
  lead.confidence = row.confidence;
  lead.observed_at = row.observed_at;
  lead.expires_at = row.expires_at;
  return lead;
}

class Rematch {
 public:
  Rematch(const LeadParts& parts, LeadDesk::TickReport& report) : parts_(parts), report_(report) {}

  // Numbers sealed since the last time are asked of every partner's waiting hashes.
  Result<> run(store::Tx& tx) {
    TRY_ASSIGN(const std::int64_t after, std::as_const(tx).values().counter("leads.sealed_row"));
    TRY_ASSIGN(const auto sealed, std::as_const(tx).vault().walk_numbers(after, kSealedPerTick));
    if (sealed.empty()) return {};
    TRY(open_keys(tx));
    for (const store::SealedRow& row : sealed) TRY(ask(tx, row));
    return tx.values().put("leads.sealed_row", fmt::to_string(sealed.back().row));
  }

 private:
  struct Partner {
    store::LeadPartnerRow row;
    std::vector<OpenKey> keys;
  };

  Result<> open_keys(const store::View& view) {
    TRY_ASSIGN(const auto rows, view.leads().partners());
    for (const store::LeadPartnerRow& row : rows) {
      if (state_of(row, parts_.clock.wall()) != "active" || row.keep_unmatched_hours == 0) continue;
      TRY_ASSIGN(auto keys, good_keys(parts_, view, row.id));
      partners_.push_back({row, std::move(keys)});
    }
    return {};
  }

  Result<> ask(store::Tx& tx, const store::SealedRow& sealed) {
    const auto clear = parts_.vault.open_for_engine(sealed);
    if (!clear.ok()) return {};
    const model::NumberKey number = number_of(*clear);
    for (const Partner& partner : partners_) {
      for (const OpenKey& key : partner.keys) {
        const auto hash = hash_number(key.bytes, number);
        if (!hash) continue;
        const std::string bytes(reinterpret_cast<const char*>(hash->data()), hash->size());
        TRY_ASSIGN(const auto waiting, std::as_const(tx).leads().waiting_of(key.id, bytes));
        for (const store::LeadWaitingRow& row : waiting) {
          TRY_ASSIGN(const bool fresh, take_match(parts_, tx, partner.row, lead_of(row, sealed.token), number,
                                                  report_.new_alerts, report_.changed_cases));
          report_.matched += fresh ? 1 : 0;
          TRY(tx.leads().remove_waiting(row.row));
        }
      }
    }
    return {};
  }

  const LeadParts& parts_;
  LeadDesk::TickReport& report_;
  std::vector<Partner> partners_;
};

model::Signal warning_of(const LeadRow& lead, model::NumberKey number, WallMs now) {
  model::Signal signal;
  signal.position = casework::kFindingPositions;
  signal.detector = "victim_at_risk";
  signal.entity = model::Entity::of(number);
  signal.first = signal.last = EventMs{now.ms};  // it is news now
  signal.severity = severity_of(lead.confidence);
  signal.confidence = lead.confidence;
  signal.topic = "victim_at_risk";
  signal.title = {"合作单位提示：可能正被诈骗", "A partner says that this person may be at risk"};
  return signal;
}

}  // namespace

Result<LeadDesk::TickReport> LeadDesk::tick(const std::function<bool(const model::Signal&)>& warn) {
  TickReport report;
  const WallMs now = parts_.clock.wall();
  while (true) {
    std::int64_t gone = 0;
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      TRY_ASSIGN(gone, tx.leads().purge_waiting(now, kPurgePerWrite));
      if (gone == 0) return {};
      return parts_.audit.record(tx, Actor::system("leads"), "lead.forget", "leads",
                                 {{"hashes", fmt::to_string(gone)}});
    }));
    report.forgotten += gone;
    if (gone < kPurgePerWrite) break;
  }
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> { return Rematch(parts_, report).run(tx); }));

  std::vector<LeadRow> due;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(due, view.leads().warnings_due(now, kWarnPerTick));
    return {};
  }));
  for (LeadRow& lead : due) {
    bool sent = false;
    TRY(parts_.store.read([&](const store::View& view) -> Result<> {
      const auto clear = parts_.vault.open_for_engine(view, lead.token);
      sent = clear.ok() && warn(warning_of(lead, number_of(*clear), now));
      return {};
    }));
    if (!sent) continue;
    ++report.warned;
    // From here on nobody can say any more whom it was about.
    lead.token.clear();
    lead.state = "used";
    lead.warned_at = now;
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      TRY(tx.leads().update_lead(lead));
      return parts_.audit.record(tx, Actor::system("leads"), "lead.warn", "lead:" + lead.id);
    }));
  }
  return report;
}

}  // namespace pandun::exchange
