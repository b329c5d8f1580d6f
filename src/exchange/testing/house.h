// A lead desk over a temporary store, with a bank as partner: for tests only.
#pragma once

#include <fmt/format.h>

#include <string>

#include "casework/testing/desk.h"
#include "exchange/lead_desk.h"
#include "exchange/memory_file.h"

namespace pandun::exchange::testing {

using casework::testing::kStart;
using casework::testing::must;
using casework::testing::must_ok;

inline const Purposes& shipped_purposes() {
  static const Purposes kPurposes = [] {
    const std::string file = std::string(PANDUN_SOURCE_DIR) + "/content/leads/purposes.toml";
    const std::string text = must(platform::read_file(platform::posix_files(), file));
    return must(Purposes::parse(text, file, casework::testing::shipped_content().laws));
  }();
  return kPurposes;
}

inline int from_hex(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

struct LeadHouse : casework::testing::Desk {
  LeadHouse() { reopen(); }
  void reopen() {
    leads = std::make_unique<LeadDesk>(LeadParts{*store, *audit, *vault, clock, key,
                                                 casework::testing::shipped_content().laws, shipped_purposes(), *desk,
                                                 identities});
  }
  NewPartner bank_wish() const {
    return {"江苏某银行",
            "bank",
            "协议 2026-17",
            rfc3339(clock.wall().ms + 365LL * 86'400'000),
            {{"fraud_number_check", "afl-11"}, {"victim_warning", "afl-34-dissuade"}},
            keep_hours};
  }
  // Proposed by the analyst, accepted by the approver; its key revealed.
  void agree() {
    partner = must(leads->propose_partner(analyst, bank_wish())).row.id;
    const PartnerView active = must(leads->decide_partner(approver, partner, true, "协议已核对"));
    key_id = active.keys.back().id;
    pair_key = bytes_of(must(leads->reveal_key(approver, partner, key_id)));
  }
  static std::string bytes_of(const std::string& hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
      out.push_back(static_cast<char>(from_hex(hex[i]) * 16 + from_hex(hex[i + 1])));
    return out;
  }
  std::string hash(std::uint64_t number, const std::string& with = {}) const {
    return to_hex(*hash_number(with.empty() ? pair_key : with, model::NumberKey::e164(number)));
  }
  std::string line(const std::string& id, std::uint64_t number, const std::string& kind = "suspected_fraud",
                   const std::string& purpose = "fraud_number_check") const {
    return fmt::format("{},{},{},{},0.9,{},{}\n", id, kind, hash(number), rfc3339(clock.wall().ms - 3'600'000), purpose,
                       rfc3339(clock.wall().ms + 30LL * 86'400'000));
  }
  static std::string header() { return "lead_id,kind,hash,observed_at,confidence,purpose,expires_at\n"; }
  Result<FileView> import(const std::string& text, const ImportHooks& hooks = {}) {
    return leads->import(analyst, partner, "day.csv", MemoryInput(text), hooks);
  }
  store::Page<store::AuditRow> audited(const std::string& action) const {
    return must(audit->list({"", action, ""}, {}));
  }

  std::int64_t keep_hours = 0;
  std::string partner, key_id, pair_key;
  std::unique_ptr<LeadDesk> leads;
};

}  // namespace pandun::exchange::testing
