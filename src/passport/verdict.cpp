#include "passport/verdict.h"

#include <algorithm>

namespace pandun::passport {
namespace {

struct Row {
  std::string_view name;
  Outcome outcome;
};
constexpr std::array<Row, kWhys> kTable{{
    {"absent", Outcome::kNone},
    {"unsupported", Outcome::kNone},
    {"good", Outcome::kPassed},
    {"malformed", Outcome::kFailed},
    {"bad_info", Outcome::kFailed},
    {"stale", Outcome::kFailed},
    {"other_caller", Outcome::kFailed},
    {"other_callee", Outcome::kFailed},
    {"certificate", Outcome::kFailed},
    {"signature", Outcome::kFailed},
    {"no_certificate", Outcome::kNotChecked},
    {"retargeted", Outcome::kNotChecked},
    {"busy", Outcome::kNotChecked},
    {"late", Outcome::kNotChecked},
}};

}  // namespace

Outcome Verdict::outcome() const {
  return kTable[static_cast<std::size_t>(why)].outcome;
}
std::string_view Verdict::origid_text() const {
  return {origid.data(), static_cast<std::size_t>(std::find(origid.begin(), origid.end(), '\0') - origid.begin())};
}
std::string_view name(Why why) {
  return kTable[static_cast<std::size_t>(why)].name;
}
std::string_view verstat(Outcome outcome) {
  switch (outcome) {
    case Outcome::kPassed:
      return "TN-Validation-Passed";
    case Outcome::kFailed:
      return "TN-Validation-Failed";
    default:
      return "No-TN-Validation";
  }
}

}  // namespace pandun::passport
