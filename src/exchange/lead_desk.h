// Leads exchanged with banks and police: both sides compare keyed hashes of numbers, and only what both know is talked about.
//
// Partner   proposed by one person, accepted by another; with purposes, a ground for each, and an end. Nothing is exchanged before.
// Purpose   a lead is used for the purpose it came with. Any other use is refused and recorded, at every door below.
// Matching  against the numbers sealed in the vault because a signal concerned them. A hash that matches none is forgotten, or
//           waits at most the partner's `keep_unmatched_hours`; it never leaves the store in any form.
// Outcome   a match raises an alert, which joins a running case about the number as evidence. It never makes or changes a
//           measure. Leads about people at risk raise none: the person is warned, nobody is shown who it is.
// Once      a file is known by its digest, a lead by its id: a second import changes nothing. An interrupted import goes on where
//           it stopped.
// Errors    kNotAllowed, kNotFound, kConflict, kUsage, kBadInput (a header), kTooLarge, kIo / kUnavailable.
// Threads   thread-safe; one import at a time.
#pragma once

#include <chrono>
#include <functional>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "casework/case_desk.h"
#include "exchange/lead_lines.h"
#include "exchange/purposes.h"
#include "guard/audit.h"
#include "guard/vault.h"
#include "platform/clock.h"
#include "platform/seal.h"
#include "store/store.h"

namespace pandun::exchange {

inline constexpr std::string_view kLeadDetector = "shared_lead";  // what alerts made of leads are named
inline constexpr std::chrono::hours kLeadEpisode{24 * 30};

struct LeadParts {
  store::Store& store;
  const guard::Audit& audit;
  const guard::Vault& vault;
  const platform::Clock& clock;
  const platform::SealKey& site_key;
  const guard::LawLibrary& laws;
  const Purposes& purposes;
  const casework::CaseDesk& desk;
  const casework::Identities& identities;
};

struct AgreedPurpose {
  std::string purpose, ground;
};
struct NewPartner {
  std::string name, kind, agreement, expires_at;
  std::vector<AgreedPurpose> purposes;
  std::int64_t keep_unmatched_hours = 0;
};
struct KeyView {
  std::string id, created_by, revealed_by;
  WallMs created_at;
  std::optional<WallMs> valid_until, revealed_at;
};
struct PartnerView {
  store::LeadPartnerRow row;  // `state` as it is now: "expired" once its end has come
  std::vector<AgreedPurpose> purposes;
  std::vector<KeyView> keys;
  store::LeadFigures figures;
  bool may_decide = false;
};
struct Fault {
  std::int64_t line = 0;
  std::string code, why;
};
struct FileView {
  store::LeadFileRow row;
  std::vector<Fault> faults;  // the first of them
  bool repeat = false;        // this very file was taken before: its receipt of then
  std::vector<std::string> new_alerts, changed_cases;
};
struct LeadView {
  store::LeadRow row;  // of people at risk: without token, mask or alert
  std::string partner_name;
};
struct Use {
  std::string purpose, case_id;
};
struct Feedback {
  std::string result;  // confirmed, false, acted_on
  std::string at;      // RFC 3339; empty: now
};
struct FeedbackReport {
  std::int64_t lines = 0, taken = 0, unchanged = 0, faulty = 0;
  std::vector<Fault> faults;
};

struct ImportHooks {
  std::function<void(std::int64_t lines, std::uint64_t bytes, std::uint64_t bytes_total)> progress{};
  std::function<Result<>(const Fault&)> fault{};  // every one, also those beyond the receipt's
};

class LeadDesk {
 public:
  explicit LeadDesk(const LeadParts& parts) : parts_(parts) {}

  // ---- partners and keys ----
  Result<PartnerView> propose_partner(const guard::Actor& actor, const NewPartner& wish);
  Result<PartnerView> decide_partner(const guard::Actor& actor, const std::string& id, bool accept,
                                     const std::string& reason);
  Result<PartnerView> end_partner(const guard::Actor& actor, const std::string& id, const std::string& reason);
  // The key before stays good for `overlap_days` more.
  Result<PartnerView> rotate_key(const guard::Actor& actor, const std::string& id, std::int64_t overlap_days);
  // In hex, to be carried to the partner; once and never again.
  Result<std::string> reveal_key(const guard::Actor& actor, const std::string& id, const std::string& key_id);
  Result<PartnerView> partner(const guard::Actor& actor, const std::string& id) const;
  Result<std::vector<PartnerView>> partners(const guard::Actor& actor) const;
  const Purposes& purposes() const { return parts_.purposes; }

  // ---- files ----
  Result<FileView> import(const guard::Actor& actor, const std::string& partner_id, const std::string& name,
                          const platform::ReadableFile& file, const ImportHooks& hooks = {});
  // Our confirmed findings, those that were given and lifted since as "withdrawn". How many lines.
  Result<FileView> export_findings(const guard::Actor& actor, const std::string& partner_id, const std::string& purpose,
                                   platform::WritableFile& out);
  Result<FileView> file(const std::string& id) const;
  Result<store::Page<store::LeadFileRow>> files(const std::string& partner_id, const store::PageRequest& page) const;

  // ---- leads that matched, and findings given ----
  Result<casework::ViewPage<LeadView>> leads(const store::LeadFilter& filter, const store::PageRequest& page) const;
  // The lead becomes evidence of a case, for the purpose it came with.
  Result<LeadView> use(const guard::Actor& actor, const std::string& id, const Use& wish);
  Result<LeadView> feedback(const guard::Actor& actor, const std::string& id, const Feedback& wish);
  // lead_id,result,at a line: a partner's word about our findings.
  Result<FeedbackReport> import_feedback(const guard::Actor& actor, const std::string& partner_id,
                                         const std::string& name, const platform::ReadableFile& file);
  // The same about theirs. How many lines.
  Result<std::int64_t> export_feedback(const guard::Actor& actor, const std::string& partner_id,
                                       platform::WritableFile& out);

  // ---- by the software alone: forgets what waited too long, matches what became known since, warns people ----
  struct TickReport {
    std::int64_t forgotten = 0, matched = 0, warned = 0;
    std::vector<std::string> new_alerts, changed_cases;
  };
  // `warn` gets each number of a person at risk once; false: warnings are switched off.
  Result<TickReport> tick(const std::function<bool(const model::Signal&)>& warn);

 private:
  LeadParts parts_;
  std::mutex import_mutex_;
};

}  // namespace pandun::exchange
