// The parts of the audit chain that a verifier shares with the writer: anchors, exported lines, and the check itself.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guard/audit.h"
#include "store/audit.h"

namespace pandun::guard {

struct Anchor {
  std::string day;
  std::int64_t last_seq = 0;
  std::string last_hash;
  std::string previous;    // BLAKE2b-256 of the anchor before, zeros for the first
  std::string public_key;  // hex
  std::string signature;   // hex, Ed25519 over the text without the signature
};

std::string hex_of(std::string_view bytes);
std::string anchor_text(const Anchor& anchor);  // one line of JSON, signature included
std::string anchor_digest(std::string_view text);
void sign_anchor(Anchor& anchor, const std::string& secret_key);
bool anchor_signed_by(const Anchor& anchor, const std::string& public_key_hex);
Result<Anchor> parse_anchor(std::string_view json, const std::string& where);

void append_audit_line(std::string& out, const store::AuditRow& row);
Result<store::AuditRow> parse_audit_line(std::string_view line, const std::string& where);

// Fed with every entry in order; keeps the first break.
class ChainChecker {
 public:
  ChainChecker(std::vector<Anchor> anchors, std::string public_key_hex);
  bool add(const store::AuditRow& row);  // false once broken: there is no need to go on
  VerifyReport finish();

 private:
  bool broken(std::int64_t seq, std::string reason);
  std::vector<Anchor> anchors_;
  std::string public_key_, last_hash_;
  std::size_t next_anchor_ = 0;
  VerifyReport report_;
};

}  // namespace pandun::guard
