// The vault: clear values of numbers and devices, sealed, kept only because a signal concerns them (safeguards 3 and 5).
//
// Seal     XChaCha20-Poly1305 under a key derived from the site key, bound to the token: a sealed value cannot be moved.
// Grant    asked by one person, decided by another in another role; with a case, a ground that allows unmasking, a scope (tokens
//          of that case, fields), 1 to 60 minutes and a reason. Refusals are kept. Only the asker sees values, only inside
//          the minutes; each view is counted, audited and carries a watermark.
// Notice   approval schedules the data subject's notice (`notice_days` later) unless a ground for delay is recorded.
// Errors   kNotAllowed, kNotFound, kConflict (decided already), kUsage, kCorrupt (a seal that does not open).
// Threads  thread-safe.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "guard/audit.h"
#include "guard/law_library.h"
#include "guard/number_tokens.h"
#include "guard/rights.h"
#include "platform/clock.h"
#include "platform/seal.h"
#include "store/store.h"

namespace pandun::guard {

struct GrantWish {
  std::string case_id, ground_id, reason;
  std::vector<std::string> tokens, fields;
  int minutes = 0;
  std::string notice_delay_ground;  // optional: id of the ground for telling the subject later
};

struct VaultValue {
  std::string token, kind, value;
};
struct VaultValues {
  std::string watermark;  // "li.wei · PD-2026-000001 · 2026-11-22T06:00:00Z · G-…"
  std::vector<VaultValue> values;
};

class Vault {
 public:
  Vault(store::Store& store, const Audit& audit, const platform::Clock& clock, const platform::SealKey& site_key,
        const LawLibrary& laws, std::chrono::days notice_after = std::chrono::days(30))
      : store_(store),
        audit_(audit),
        clock_(clock),
        seal_key_(site_key.derive("vault")),
        laws_(laws),
        notice_after_(notice_after) {}

  // Inside the transaction that folds the signal. Not personal or no token: nothing happens.
  Result<> keep(store::Tx& tx, const model::Entity& entity, const std::string& token,
                const std::string& alert_id) const;

  Result<store::GrantRow> ask(const Actor& actor, const GrantWish& wish);
  Result<store::GrantRow> approve(const Actor& actor, const std::string& grant_id, const std::string& reason);
  Result<store::GrantRow> refuse(const Actor& actor, const std::string& grant_id, const std::string& reason);
  Result<VaultValues> values(const Actor& actor, const std::string& grant_id);
  Result<std::vector<store::GrantRow>> grants(const Actor& actor, const std::string& case_id) const;

  // For the engine's own memory only (measures in force → the decider's snapshot): never for a screen, file or log.
  Result<std::string> open_for_engine(const store::View& view, const std::string& token) const;
  Result<std::string> open_for_engine(const store::SealedRow& row) const {
    return seal_key_.open(row.sealed, row.token);
  }

 private:
  Result<store::GrantRow> decide(const Actor& actor, const std::string& grant_id, const std::string& reason,
                                 bool approve);
  Result<> refuse_and_record(const Actor& actor, std::string_view action, const std::string& object, Error why) const;
  store::Store& store_;
  const Audit& audit_;
  const platform::Clock& clock_;
  platform::SealKey seal_key_;
  const LawLibrary& laws_;
  std::chrono::days notice_after_;
};

// asked, approved, refused as stored; "expired" once the minutes are over.
std::string grant_state(const store::GrantRow& grant, WallMs now);

}  // namespace pandun::guard
