// Ports for the vault: sealed values by token, and the grants that two people make. Nothing clear passes through here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace pandun::store {

struct SealedRow {
  std::string token, kind, sealed, alert_id;
  WallMs sealed_at;
  std::int64_t row = 0;  // its place in the table; given when read
};

struct GrantRow {
  std::int64_t seq = 0;
  std::string id, case_id, ground_id, reason, state;  // asked, approved, refused
  std::vector<std::string> tokens, fields;
  int minutes = 0;
  std::string asked_by, asked_role, decided_by, decided_role, decision_reason;
  WallMs asked_at;
  std::optional<WallMs> decided_at, expires_at;
  std::optional<WallMs> notice_due_at;  // when the data subject is to be told
  std::string notice_delay_ground;      // recorded ground for telling later; empty: none
  std::int64_t views = 0;
};

class VaultRows {
 public:
  virtual ~VaultRows() = default;
  virtual Result<std::optional<SealedRow>> sealed(const std::string& token) const = 0;
  virtual Result<std::vector<SealedRow>> sealed_from(const std::string& token,
                                                     int limit) const = 0;  // in order of token, from this one on
  virtual Result<std::int64_t> sealed_count() const = 0;
  virtual Result<std::vector<SealedRow>> walk_numbers(
      std::int64_t after, int limit) const = 0;  // sealed numbers in order of `row`, behind `after`
  virtual Result<std::optional<GrantRow>> grant(const std::string& id) const = 0;
  virtual Result<std::vector<GrantRow>> grants(
      const std::string& case_id) const = 0;        // "" = all; newest first, at most 500
  virtual Result<> keep(const SealedRow& row) = 0;  // the first one kept stays
  virtual Result<> insert_grant(const GrantRow& row) = 0;
  virtual Result<> update_grant(const GrantRow& row) = 0;
};

}  // namespace pandun::store
