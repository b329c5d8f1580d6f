// Partners and the keys of each pair.
#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "exchange/desk_parts.h"
#include "guard/json_writer.h"
#include "platform/random.h"

namespace pandun::exchange {

using guard::Actor;
using guard::Right;
using store::LeadKeyRow;
using store::LeadPartnerRow;

namespace {

constexpr std::int64_t kPartnerDaysMax = 3 * 366, kOverlapDaysMax = 90, kKeepHoursMax = 720;
constexpr std::size_t kTextMax = 400;

Error wrong(std::string_view where, std::string why) {
  return error(Errc::kUsage, std::string(where), std::move(why));
}

std::string write_purposes(const std::vector<AgreedPurpose>& list) {
  std::string out;
  guard::JsonWriter w(out);
  w.begin_array();
  for (const AgreedPurpose& item : list)
    w.begin_object().field("purpose", item.purpose).field("ground", item.ground).end_object();
  w.end_array();
  return out;
}

Result<> check_purposes(const LeadParts& parts, const std::vector<AgreedPurpose>& list) {
  if (list.empty()) return wrong("purposes", "at least one purpose is agreed");
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Purpose* purpose = parts.purposes.find(list[i].purpose);
    if (purpose == nullptr) return wrong("purposes", fmt::format("'{}' is no purpose", list[i].purpose.substr(0, 60)));
    if (!contains(purpose->grounds, list[i].ground))
      return wrong("purposes", fmt::format("'{}' is no ground for '{}'; there are {}", list[i].ground.substr(0, 60),
                                           purpose->id, fmt::join(purpose->grounds, ", ")));
    for (std::size_t j = 0; j < i; ++j)
      if (list[j].purpose == list[i].purpose) return wrong("purposes", fmt::format("'{}' twice", purpose->id));
  }
  return {};
}

Result<LeadPartnerRow> checked_partner(const LeadParts& parts, const Actor& actor, const NewPartner& wish) {
  if (wish.name.empty() || wish.name.size() > kTextMax) return wrong("name", "between 1 and 400 bytes");
  if (wish.kind != "bank" && wish.kind != "police" && wish.kind != "carrier")
    return wrong("kind", "bank, police or carrier");
  if (wish.agreement.empty() || wish.agreement.size() > kTextMax)
    return wrong("agreement", "the number or title of the written agreement or request this rests on");
  if (wish.keep_unmatched_hours < 0 || wish.keep_unmatched_hours > kKeepHoursMax)
    return wrong("keep_unmatched_hours", fmt::format("between 0 (forgotten at once) and {}", kKeepHoursMax));
  const WallMs now = parts.clock.wall();
  const auto end = parse_rfc3339(wish.expires_at);
  if (!end || *end <= now.ms || *end > now.ms + kPartnerDaysMax * kDayMs)
    return wrong("expires_at", "a time like 2027-12-01T00:00:00Z, in the future and at most three years from now");
  TRY(check_purposes(parts, wish.purposes));
  LeadPartnerRow row;
  row.id = "P-" + platform::random_hex(6);
  row.name = wish.name;
  row.kind = wish.kind;
  row.purposes = write_purposes(wish.purposes);
  row.state = "proposed";
  row.created_by = actor.person;
  row.agreement = wish.agreement;
  row.keep_unmatched_hours = wish.keep_unmatched_hours;
  row.created_at = now;
  row.expires_at = WallMs{*end};
  return row;
}

Result<> make_key(const LeadParts& parts, store::Tx& tx, const Actor& actor, const std::string& partner_id) {
  std::array<unsigned char, kPairKeyBytes> bytes{};
  platform::random_bytes(bytes);
  LeadKeyRow key;
  key.id = "K-" + platform::random_hex(6);
  key.partner_id = partner_id;
  key.sealed = key_sealer(parts).seal({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, key.id);
  key.created_by = actor.person;
  key.created_at = parts.clock.wall();
  TRY(tx.leads().insert_key(key));
  return parts.audit.record(tx, actor, "lead.key_make", "partner:" + partner_id, {{"key", key.id}});
}

Result<PartnerView> view_of(const LeadParts& parts, const store::View& view, const Actor& actor,
                            const std::string& id) {
  PartnerView out;
  TRY_ASSIGN(out.row, need_partner(view, id));
  out.row.state = state_of(out.row, parts.clock.wall());
  out.purposes = read_purposes(out.row.purposes);
  TRY_ASSIGN(const auto keys, view.leads().keys(id));
  for (const LeadKeyRow& key : keys)
    out.keys.push_back({key.id, key.created_by, key.revealed_by, key.created_at, key.valid_until, key.revealed_at});
  TRY_ASSIGN(out.figures, view.leads().figures(id));
  out.may_decide =
      out.row.state == "proposed" && guard::allows(actor, Right::kLeadDecide) && actor.person != out.row.created_by;
  return out;
}

}  // namespace

Result<LeadPartnerRow> need_partner(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.leads().partner(id));
  if (!row) return error(Errc::kNotFound, "partner " + id.substr(0, 40), "there is no such partner");
  return std::move(*row);
}

std::string state_of(const LeadPartnerRow& row, WallMs now) {
  return row.state == "active" && row.expires_at <= now ? "expired" : row.state;
}

Result<> need_active(const LeadParts& parts, const LeadPartnerRow& row) {
  const std::string state = state_of(row, parts.clock.wall());
  if (state == "active") return {};
  return error(Errc::kNotAllowed, "partner " + row.id,
               fmt::format("nothing is exchanged with a partner that is '{}'", state));
}

std::vector<AgreedPurpose> read_purposes(const std::string& json) {
  std::vector<AgreedPurpose> out;
  simdjson::dom::parser parser;
  simdjson::dom::array list;
  if (parser.parse(json).get(list) != simdjson::SUCCESS) return out;
  for (const simdjson::dom::element item : list) {
    std::string_view purpose, ground;
    if (item["purpose"].get(purpose) == simdjson::SUCCESS && item["ground"].get(ground) == simdjson::SUCCESS)
      out.push_back({std::string(purpose), std::string(ground)});
  }
  return out;
}

const AgreedPurpose* agreed(const std::vector<AgreedPurpose>& list, std::string_view purpose) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.purpose == purpose; });
  return it == list.end() ? nullptr : &*it;
}

platform::SealKey key_sealer(const LeadParts& parts) {
  return parts.site_key.derive("lead-keys");
}

Result<std::vector<OpenKey>> good_keys(const LeadParts& parts, const store::View& view, const std::string& partner_id) {
  TRY_ASSIGN(const auto rows, view.leads().keys(partner_id));
  const platform::SealKey sealer = key_sealer(parts);
  std::vector<OpenKey> out;
  for (const LeadKeyRow& row : rows) {
    if (row.valid_until && *row.valid_until <= parts.clock.wall()) continue;
    TRY_ASSIGN(std::string bytes, sealer.open(row.sealed, row.id));
    out.push_back({row.id, std::move(bytes)});
  }
  return out;
}

Result<PartnerView> LeadDesk::propose_partner(const Actor& actor, const NewPartner& wish) {
  TRY(guard::require(actor, Right::kLeadPropose));
  PartnerView out;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const LeadPartnerRow row, checked_partner(parts_, actor, wish));
    TRY_ASSIGN(const auto others, std::as_const(tx).leads().partners());
    const bool taken = std::any_of(others.begin(), others.end(), [&](const auto& one) { return one.name == row.name; });
    if (taken) return error(Errc::kConflict, "name", "there is a partner of that name");
    TRY(tx.leads().insert_partner(row));
    TRY(parts_.audit.record(tx, actor, "lead.partner_propose", "partner:" + row.id,
                            {{"name", row.name}, {"kind", row.kind}, {"purposes", row.purposes}}));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, row.id));
    return {};
  }));
  return out;
}

Result<PartnerView> LeadDesk::decide_partner(const Actor& actor, const std::string& id, bool accept,
                                             const std::string& reason) {
  TRY(guard::require(actor, Right::kLeadDecide));
  if (reason.empty() || reason.size() > kTextMax) return wrong("reason", "between 1 and 400 bytes");
  PartnerView out;
  TRY(write_or_record(parts_, actor, "lead.partner_decide", "partner:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(LeadPartnerRow row, need_partner(tx, id));
    if (row.state != "proposed") return error(Errc::kConflict, "partner " + id, "it is '" + row.state + "' already");
    if (actor.person.empty() || actor.person == row.created_by)
      return error(Errc::kNotAllowed, "second_person", "who proposed a partner cannot decide on it");
    row.state = accept ? "active" : "refused";
    row.decided_by = actor.person;
    row.decision_reason = reason;
    row.decided_at = parts_.clock.wall();
    TRY(tx.leads().update_partner(row));
    TRY(parts_.audit.record(tx, actor, accept ? "lead.partner_accept" : "lead.partner_refuse", "partner:" + id,
                            {{"reason", reason}}));
    if (accept) TRY(make_key(parts_, tx, actor, id));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, id));
    return {};
  }));
  return out;
}

Result<PartnerView> LeadDesk::end_partner(const Actor& actor, const std::string& id, const std::string& reason) {
  TRY(guard::require(actor, Right::kLeadDecide));
  if (reason.empty() || reason.size() > kTextMax) return wrong("reason", "between 1 and 400 bytes");
  PartnerView out;
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(LeadPartnerRow row, need_partner(tx, id));
    if (row.state != "active") return error(Errc::kConflict, "partner " + id, "it is '" + row.state + "'");
    row.state = "ended";
    row.ended_at = parts_.clock.wall();
    TRY(tx.leads().update_partner(row));
    TRY_ASSIGN(const auto keys, std::as_const(tx).leads().keys(id));
    for (LeadKeyRow key : keys) {
      key.valid_until = row.ended_at;
      TRY(tx.leads().update_key(key));
    }
    TRY_ASSIGN(const std::int64_t gone, tx.leads().forget_waiting(id));
    TRY(parts_.audit.record(tx, actor, "lead.partner_end", "partner:" + id,
                            {{"reason", reason}, {"forgotten", fmt::to_string(gone)}}));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, id));
    return {};
  }));
  return out;
}

Result<PartnerView> LeadDesk::rotate_key(const Actor& actor, const std::string& id, std::int64_t overlap_days) {
  TRY(guard::require(actor, Right::kLeadPropose));
  if (overlap_days < 0 || overlap_days > kOverlapDaysMax)
    return wrong("overlap_days", fmt::format("between 0 and {}", kOverlapDaysMax));
  PartnerView out;
  TRY(write_or_record(parts_, actor, "lead.key_rotate", "partner:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const LeadPartnerRow row, need_partner(tx, id));
    TRY(need_active(parts_, row));
    const WallMs until{parts_.clock.wall().ms + overlap_days * kDayMs};
    TRY_ASSIGN(const auto keys, std::as_const(tx).leads().keys(id));
    for (LeadKeyRow key : keys) {
      if (key.valid_until && *key.valid_until <= until) continue;
      key.valid_until = until;
      TRY(tx.leads().update_key(key));
    }
    TRY(make_key(parts_, tx, actor, id));
    TRY_ASSIGN(out, view_of(parts_, tx, actor, id));
    return {};
  }));
  return out;
}

Result<std::string> LeadDesk::reveal_key(const Actor& actor, const std::string& id, const std::string& key_id) {
  TRY(guard::require(actor, Right::kLeadDecide));
  std::string out;
  TRY(write_or_record(parts_, actor, "lead.key_reveal", "partner:" + id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const LeadPartnerRow row, need_partner(tx, id));
    TRY(need_active(parts_, row));
    TRY_ASSIGN(const auto keys, std::as_const(tx).leads().keys(id));
    const auto key = std::find_if(keys.begin(), keys.end(), [&](const auto& one) { return one.id == key_id; });
    if (key == keys.end()) return error(Errc::kNotFound, "key " + key_id.substr(0, 40), "the partner has no such key");
    if (key->revealed_at)
      return error(
          Errc::kNotAllowed, "key " + key_id,
          fmt::format("{} had it shown before; a key is shown once: change it for a new one", key->revealed_by));
    LeadKeyRow shown = *key;
    shown.revealed_by = actor.person;
    shown.revealed_at = parts_.clock.wall();
    TRY(tx.leads().update_key(shown));
    TRY_ASSIGN(const std::string bytes, key_sealer(parts_).open(shown.sealed, shown.id));
    NumberHash copy{};
    if (bytes.size() != copy.size()) return error(Errc::kCorrupt, "key " + key_id, "the sealed key has another size");
    std::copy(bytes.begin(), bytes.end(), copy.begin());
    out = to_hex(copy);
    return parts_.audit.record(tx, actor, "lead.key_reveal", "partner:" + id, {{"key", key_id}});
  }));
  return out;
}

Result<PartnerView> LeadDesk::partner(const Actor& actor, const std::string& id) const {
  PartnerView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, view_of(parts_, view, actor, id));
    return {};
  }));
  return out;
}

Result<std::vector<PartnerView>> LeadDesk::partners(const Actor& actor) const {
  std::vector<PartnerView> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto rows, view.leads().partners());
    for (const LeadPartnerRow& row : rows) {
      TRY_ASSIGN(PartnerView one, view_of(parts_, view, actor, row.id));
      out.push_back(std::move(one));
    }
    return {};
  }));
  return out;
}

}  // namespace pandun::exchange
