// The audit chain: every write is recorded in the transaction that does it; nobody can change or drop an entry unseen.
//
// Chain    hash = BLAKE2b-256(prev_hash (32 bytes) + canonical JSON of {seq, at, actor, action, object, detail}), in hex; the
//          first prev_hash is zeros; seq is 1, 2, 3 … without gaps.
// Anchors  for each day with entries, an Ed25519-signed statement "the chain stood at seq N with hash H", exported to
//          anchors/YYYY-MM-DD.json, to be given to an outside holder. Who holds an anchor can prove a later rewrite.
// Export   audit.jsonl (one entry a line) + anchors/ + public_key; verify_audit_export() needs nothing else.
// Threads  thread-safe; record() runs inside the caller's transaction.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "guard/rights.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "platform/seal.h"
#include "store/store.h"

namespace pandun::guard {

using AuditDetail = std::vector<std::pair<std::string, std::string>>;

struct AuditEntry {
  std::string actor, action, object;  // "li.wei", "case.open", "case:C-…"
  AuditDetail detail;                 // no clear number, no secret
};

struct VerifyReport {
  bool ok = true;
  std::int64_t entries = 0, first = 0, last = 0;  // seqs
  std::int64_t anchors = 0;
  std::optional<std::int64_t> broken_at;  // seq of the first entry that does not fit
  std::string reason;                     // why, in words; empty when ok
};

class Audit {
 public:
  // The signing key is derived from the site key.
  Audit(store::Store& store, const platform::Clock& clock, const platform::SealKey& site_key);

  Result<> record(store::Tx& tx, const AuditEntry& entry) const;
  Result<> record(store::Tx& tx, const Actor& actor, std::string_view action, std::string_view object,
                  AuditDetail detail = {}) const;
  Result<> record_alone(const AuditEntry& entry) const;  // in a transaction of its own: refusals, views
  Result<store::Page<store::AuditRow>> list(const store::AuditFilter& filter, const store::PageRequest& page) const;

  Result<VerifyReport> verify() const;  // the stored chain against itself and its anchors
  // Anchors every day that ended and has none yet, and writes their files below `directory`. How many were made.
  Result<int> anchor(platform::FileSystem& files, const std::string& directory) const;
  Result<> export_to(platform::FileSystem& files, const std::string& directory) const;
  std::string public_key() const;  // hex

 private:
  store::Store& store_;
  const platform::Clock& clock_;
  std::string secret_key_, public_key_;
};

// The public verifier: reads DIR/audit.jsonl and DIR/anchors/*.json. `trusted_key` (hex) is the one the outside holder
// was given; empty: the export's own, which proves only that the export is consistent with itself.
// Errors: kNotFound, kIo for files that cannot be read; everything else is in the report.
Result<VerifyReport> verify_audit_export(platform::FileSystem& files, const std::string& directory,
                                         const std::string& trusted_key = {});

// The text that is hashed, for those who write another verifier.
std::string canonical_audit_entry(const store::AuditRow& row);
std::string audit_hash(std::string_view prev_hash_hex, std::string_view canonical);
std::string canonical_detail(AuditDetail detail);  // a JSON object, keys sorted

}  // namespace pandun::guard
