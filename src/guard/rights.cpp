#include "guard/rights.h"

#include <fmt/format.h>

#include <array>

#include "base/check.h"

namespace pandun::guard {
namespace {

struct RoleName {
  Role role;
  std::string_view name;
};
constexpr std::array<RoleName, 6> kRoles{{{Role::kAdmin, "admin"},
                                          {Role::kAnalyst, "analyst"},
                                          {Role::kApprover, "approver"},
                                          {Role::kAuditor, "auditor"},
                                          {Role::kViewer, "viewer"},
                                          {Role::kSenior, "senior_approver"}}};
constexpr std::array<Role, 6> kAllRoles{Role::kAdmin,   Role::kAnalyst, Role::kApprover,
                                        Role::kAuditor, Role::kViewer,  Role::kSenior};
constexpr RoleSet kEverybody{Role::kAdmin,   Role::kAnalyst, Role::kApprover,
                             Role::kAuditor, Role::kViewer,  Role::kSenior};
// A senior approver may all that an approver may, and alone approves what a kind of measure reserves (content/grounds/).
constexpr RoleSet kApprovers{Role::kApprover, Role::kSenior};

// In the order of the enumeration. Administration gives no right over cases, measures or the vault.
constexpr std::array<RightInfo, 17> kRights{{
    {Right::kRead, "read", kEverybody, false},
    {Right::kTriage, "triage", RoleSet{Role::kAnalyst}, false},
    {Right::kMeasurePropose, "measure.propose", RoleSet{Role::kAnalyst}, true},
    {Right::kMeasureApprove, "measure.approve", kApprovers, true},
    {Right::kMeasureOrder, "measure.order", RoleSet{Role::kAnalyst, Role::kApprover, Role::kSenior}, true},
    {Right::kAppealDecide, "appeal.decide", kApprovers, true},
    {Right::kVaultAsk, "vault.ask", RoleSet{Role::kAnalyst}, true},
    {Right::kVaultDecide, "vault.decide", kApprovers, true},
    {Right::kArchiveRead, "archive.read", RoleSet{Role::kAnalyst, Role::kApprover, Role::kSenior}, false},
    {Right::kIntelWrite, "intel.write", RoleSet{Role::kAnalyst}, false},
    {Right::kAuditRead, "audit.read", RoleSet{Role::kAuditor, Role::kAdmin}, false},
    {Right::kUserManage, "user.manage", RoleSet{Role::kAdmin}, true},
    {Right::kTokenManage, "token.manage", RoleSet{Role::kAdmin}, true},
    {Right::kSystemRead, "system.read", kEverybody, false},
    {Right::kLeadExchange, "lead.exchange", RoleSet{Role::kAnalyst}, false},
    {Right::kLeadPropose, "lead.propose", RoleSet{Role::kAnalyst}, true},
    {Right::kLeadDecide, "lead.decide", kApprovers, true},
}};

}  // namespace

std::string_view name(Role role) {
  return kRoles[static_cast<std::size_t>(role)].name;
}

std::optional<Role> parse_role(std::string_view text) {
  for (const RoleName& entry : kRoles) {
    if (entry.name == text) return entry.role;
  }
  return std::nullopt;
}

std::span<const Role> all_roles() {
  return kAllRoles;
}

std::vector<std::string> RoleSet::names() const {
  std::vector<std::string> out;
  for (const Role role : kAllRoles) {
    if (has(role)) out.emplace_back(name(role));
  }
  return out;
}

Result<RoleSet> parse_roles(const std::vector<std::string>& names) {
  RoleSet out;
  for (const std::string& text : names) {
    const std::optional<Role> role = parse_role(text);
    if (!role) {
      return error(
          Errc::kUsage, "roles",
          fmt::format("'{}' is not a role; there are admin, analyst, approver, senior_approver, auditor, viewer",
                      text));
    }
    out.add(*role);
  }
  if (out.empty()) return error(Errc::kUsage, "roles", "at least one role is needed");
  return out;
}

std::span<const RightInfo> rights() {
  return kRights;
}

const RightInfo& info(Right right) {
  const RightInfo& entry = kRights[static_cast<std::size_t>(right)];
  CHECK(entry.right == right);
  return entry;
}

std::optional<Right> parse_right(std::string_view text) {
  for (const RightInfo& entry : kRights) {
    if (entry.name == text) return entry.right;
  }
  return std::nullopt;
}

Actor Actor::system(std::string_view part) {
  Actor actor;
  actor.name = "system:" + std::string(part);
  return actor;
}

bool allows(const Actor& actor, Right right) {
  const RightInfo& entry = info(right);
  if (entry.person_only && (actor.token || actor.person.empty())) return false;
  return actor.roles.meets(entry.roles);
}

Result<> require(const Actor& actor, Right right) {
  if (allows(actor, right)) return {};
  const RightInfo& entry = info(right);
  if (entry.person_only && actor.token) {
    return error(Errc::kNotAllowed, actor.name,
                 fmt::format("'{}' is for people; an API token never has it", entry.name));
  }
  return error(Errc::kNotAllowed, actor.name,
               fmt::format("'{}' needs the role {}", entry.name, fmt::join(entry.roles.names(), " or ")));
}

}  // namespace pandun::guard
