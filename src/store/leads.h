// Ports for leads exchanged with banks and police: partners, the keys of each pair, files and their receipts, leads that matched,
// findings handed out. Hashes of numbers stand here only while they wait, and only until the partner's own deadline.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace pandun::store {

struct LeadPartnerRow {
  std::int64_t seq = 0;
  std::string id, name, kind;                                      // bank, police, carrier
  std::string purposes;                                            // JSON: [{"purpose","ground"}]
  std::string state;                                               // proposed, active, refused, ended
  std::string created_by, decided_by, decision_reason, agreement;  // agreement: number of the written one
  std::int64_t keep_unmatched_hours = 0;
  WallMs created_at, expires_at;
  std::optional<WallMs> decided_at, ended_at;
};

struct LeadKeyRow {
  std::int64_t seq = 0;
  std::string id, partner_id, sealed, created_by, revealed_by;
  WallMs created_at;
  std::optional<WallMs> valid_until;  // set by the key that followed it
  std::optional<WallMs> revealed_at;
};

struct LeadFileRow {
  std::int64_t seq = 0;
  std::string id, partner_id, direction;     // in, out, feedback_in, feedback_out
  std::string name, digest, purpose, state;  // reading, done, stopped
  std::string created_by, reason;            // why it stopped
  std::int64_t lines = 0, accepted = 0, matched = 0, waiting = 0, duplicate = 0, unknown_purpose = 0, expired = 0,
               faulty = 0, withdrawn = 0;
  std::int64_t offset = 0;  // bytes taken so far: where an interrupted reading goes on
  std::string faults;       // JSON: [{"line","why"}], the first of them
  WallMs at;
  std::optional<WallMs> ended_at;
};

// A partner's lead about a number that is known here, or ("out") a finding of ours that a partner was given.
struct LeadRow {
  std::int64_t seq = 0;
  std::string id, partner_id, direction, lead_id, kind, purpose, file_id;
  std::string token, shown;  // the number as it may be shown
  std::string alert_id, case_id, measure_id;
  std::string state;                  // open, used, withdrawn
  std::string feedback, feedback_by;  // "", confirmed, false, acted_on
  double confidence = 0;
  WallMs observed_at, expires_at, at;
  std::optional<WallMs> feedback_at, warned_at;
};

// An unmatched hash, until `purge_at`.
struct LeadWaitingRow {
  std::int64_t row = 0;
  std::string partner_id, key_id, lead_id, hash, kind, purpose, file_id;
  double confidence = 0;
  WallMs observed_at, expires_at, purge_at;
};

struct LeadFilter {
  std::string partner_id, direction, state, purpose, case_id;
};

struct LeadFigures {
  std::int64_t files = 0, lines = 0, accepted = 0, matched = 0, waiting = 0, confirmed = 0, refuted = 0, acted_on = 0;
  std::int64_t given = 0, given_confirmed = 0, given_refuted = 0, given_acted_on = 0;
};

class Leads {
 public:
  virtual ~Leads() = default;
  virtual Result<std::optional<LeadPartnerRow>> partner(const std::string& id) const = 0;
  virtual Result<std::vector<LeadPartnerRow>> partners() const = 0;                       // oldest first, at most 500
  virtual Result<std::vector<LeadKeyRow>> keys(const std::string& partner_id) const = 0;  // oldest first
  virtual Result<std::optional<LeadFileRow>> file(const std::string& id) const = 0;
  virtual Result<std::optional<LeadFileRow>> file_of_digest(const std::string& partner_id, const std::string& direction,
                                                            const std::string& digest) const = 0;
  virtual Result<Page<LeadFileRow>> files(const std::string& partner_id, const PageRequest& page) const = 0;
  virtual Result<std::optional<LeadRow>> lead(const std::string& id) const = 0;
  virtual Result<std::optional<LeadRow>> lead_of(const std::string& partner_id, const std::string& direction,
                                                 const std::string& lead_id) const = 0;
  virtual Result<Page<LeadRow>> leads(const LeadFilter& filter, const PageRequest& page) const = 0;
  virtual Result<std::vector<LeadRow>> warnings_due(WallMs now, int limit) const = 0;  // people at risk, not warned yet
  virtual Result<std::vector<LeadWaitingRow>> waiting_of(const std::string& key_id, const std::string& hash) const = 0;
  virtual Result<LeadFigures> figures(const std::string& partner_id) const = 0;

  virtual Result<> insert_partner(const LeadPartnerRow& row) = 0;
  virtual Result<> update_partner(const LeadPartnerRow& row) = 0;
  virtual Result<> insert_key(const LeadKeyRow& row) = 0;
  virtual Result<> update_key(const LeadKeyRow& row) = 0;  // valid_until, revealed
  virtual Result<> insert_file(const LeadFileRow& row) = 0;
  virtual Result<> update_file(const LeadFileRow& row) = 0;
  virtual Result<bool> insert_lead(const LeadRow& row) = 0;  // false: this partner's lead id is known
  virtual Result<> update_lead(const LeadRow& row) = 0;      // alert, case, state, feedback, warned
  // False: the partner sent this lead id before. Ids, unlike hashes, name nobody.
  virtual Result<bool> note_seen(const std::string& partner_id, std::uint64_t lead_digest, WallMs at) = 0;
  virtual Result<> insert_waiting(const LeadWaitingRow& row) = 0;
  virtual Result<> remove_waiting(std::int64_t row) = 0;
  virtual Result<std::int64_t> purge_waiting(WallMs now, int limit) = 0;                         // how many went
  virtual Result<std::int64_t> forget_waiting(const std::string& partner_id) = 0;                // all of a partner's
  virtual Result<> drop_waiting(const std::string& partner_id, const std::string& lead_id) = 0;  // withdrawn
};

}  // namespace pandun::store
