// What the parts of the lead desk share. Inside exchange only.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "exchange/lead_desk.h"

namespace pandun::exchange {

inline constexpr std::int64_t kHourMs = 3'600'000, kDayMs = 24 * kHourMs;
inline constexpr std::size_t kFaultsKept = 1000;  // of one file, in and out

Result<store::LeadPartnerRow> need_partner(const store::View& view, const std::string& id);
std::string state_of(const store::LeadPartnerRow& row, WallMs now);
// kNotAllowed unless the partner is active now.
Result<> need_active(const LeadParts& parts, const store::LeadPartnerRow& row);
std::vector<AgreedPurpose> read_purposes(const std::string& json);
const AgreedPurpose* agreed(const std::vector<AgreedPurpose>& list, std::string_view purpose);

platform::SealKey key_sealer(const LeadParts& parts);
// Keys that are good now, the newest last, opened.
struct OpenKey {
  std::string id, bytes;
};
Result<std::vector<OpenKey>> good_keys(const LeadParts& parts, const store::View& view, const std::string& partner_id);

model::NumberKey number_of(std::string_view text);  // of a sealed value

// What was refused is recorded although nothing of it was done.
template <typename Work>
Result<> write_or_record(const LeadParts& parts, const guard::Actor& actor, const std::string& action,
                         const std::string& object, Work&& work) {
  Result<> done = parts.store.write(work);
  if (done.ok() || done.error().code != Errc::kNotAllowed) return done;
  TRY(parts.audit.record_alone({actor.name, action + ".refused", object, {{"reason", done.error().message}}}));
  return done;
}

// A lead that matched: kept, alert raised, evidence added to the case it joined. False: its id was known.
Result<bool> take_match(const LeadParts& parts, store::Tx& tx, const store::LeadPartnerRow& partner,
                        store::LeadRow lead, model::NumberKey number, std::vector<std::string>& new_alerts,
                        std::vector<std::string>& changed_cases);
Result<> add_evidence(const LeadParts& parts, store::Tx& tx, const std::string& case_id, const std::string& title,
                      const std::string& value);

// Numbers known here, by their hash under one key.
class KnownNumbers {
 public:
  static Result<KnownNumbers> make(const LeadParts& parts, std::string_view pair_key);
  struct Found {
    std::string token;
    model::NumberKey number;
  };
  Result<std::optional<Found>> find(const LeadParts& parts, const store::View& view, const NumberHash& hash) const;
  std::size_t size() const { return list_.size(); }
  std::int64_t last_row() const { return last_row_; }

 private:
  struct Entry {
    std::array<unsigned char, 16> hash;
    std::int64_t row;
  };
  std::vector<Entry> list_;
  std::int64_t last_row_ = 0;
};

std::string write_faults(const std::vector<Fault>& faults);
std::vector<Fault> read_faults(const std::string& json);
LeadView shown_lead(store::LeadRow row, const std::string& partner_name);

}  // namespace pandun::exchange
