// Who may do what: a table of rights and roles, and the actor that every write names.
//
// Safety   a right marked `person_only` is never given to an API token: decisions are people's.
//          `person` is the human behind an actor (for a token: who made it). "A second person" compares persons.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pandun::guard {

enum class Role : std::uint8_t { kAdmin, kAnalyst, kApprover, kAuditor, kViewer, kSenior };
std::string_view name(Role role);
std::optional<Role> parse_role(std::string_view text);
std::span<const Role> all_roles();

class RoleSet {
 public:
  constexpr RoleSet() = default;
  constexpr RoleSet(std::initializer_list<Role> roles) {
    for (const Role role : roles) add(role);
  }
  constexpr void add(Role role) { bits_ = static_cast<std::uint8_t>(bits_ | (1U << static_cast<unsigned>(role))); }
  constexpr bool has(Role role) const { return (bits_ >> static_cast<unsigned>(role) & 1U) != 0; }
  constexpr bool meets(RoleSet other) const { return (bits_ & other.bits_) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  std::vector<std::string> names() const;
  friend constexpr bool operator==(RoleSet, RoleSet) = default;

 private:
  std::uint8_t bits_ = 0;
};
// kUsage names the roles there are.
Result<RoleSet> parse_roles(const std::vector<std::string>& names);

enum class Right : std::uint8_t {
  kRead,    // alerts, incidents, cases, catalogues
  kTriage,  // dismiss and reopen alerts, open and work cases
  kMeasurePropose,
  kMeasureApprove,  // approve, refuse, lift
  kMeasureOrder,
  kAppealDecide,
  kVaultAsk,
  kVaultDecide,
  kArchiveRead,
  kIntelWrite,
  kAuditRead,
  kUserManage,
  kTokenManage,
  kSystemRead,
  kLeadExchange,  // take leads in and give them out, feedback, use a lead
  kLeadPropose,   // propose a partner, rotate its key
  kLeadDecide,    // accept, refuse or end a partner; hand out its key
};

struct RightInfo {
  Right right;
  std::string_view name;  // "measure.approve": what workflows and the API say
  RoleSet roles;
  bool person_only;
};
std::span<const RightInfo> rights();
const RightInfo& info(Right right);
std::optional<Right> parse_right(std::string_view text);

struct Actor {
  std::string name;    // "li.wei", "token:nightly", "system:clock"
  std::string person;  // "li.wei"; who made the token; empty for the system itself
  std::string user_id;
  std::string address;
  RoleSet roles;
  bool token = false;
  static Actor system(std::string_view part);  // acts by rule, not by decision; has no rights of a person
};

bool allows(const Actor& actor, Right right);
// kNotAllowed names the right and the roles that have it.
Result<> require(const Actor& actor, Right right);

}  // namespace pandun::guard
