// What the gate may do with a business message that breaks its sender's contract.
//
// Rule     off by default: it warns and counts. To reject, two different people must have approved it, with a time and an expiry,
//          and even then one reason never suffices.
// Format   content/sms/policy.toml.
// Errors   parse(): kBadConfig, with what is missing.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace pandun::sms {

struct ContractPolicy {
  bool enforce = false;
  std::vector<std::string> approved_by;
  WallMs approved_at, expires_at;

  static Result<ContractPolicy> parse(std::string_view text, const std::string& file);
  bool enforces(WallMs now) const { return enforce && now >= approved_at && now < expires_at; }
};

}  // namespace pandun::sms
