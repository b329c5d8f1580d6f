#include "guard/vault.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "platform/random.h"

namespace pandun::guard {
namespace {

constexpr std::size_t kTokensMax = 50;
constexpr std::size_t kReasonMin = 4, kReasonMax = 2000;

Result<> good_reason(const std::string& reason) {
  if (reason.size() >= kReasonMin && reason.size() <= kReasonMax) return {};
  return error(Errc::kUsage, "reason", fmt::format("{} to {} bytes", kReasonMin, kReasonMax));
}

Result<store::GrantRow> need_grant(const store::View& view, const std::string& id) {
  TRY_ASSIGN(auto row, view.vault().grant(id));
  if (!row) return error(Errc::kNotFound, "grant " + id, "there is no such grant");
  return std::move(*row);
}

// The scope may only hold what the case is about.
Result<> check_scope(const store::View& view, const GrantWish& wish) {
  TRY_ASSIGN(const auto entities, view.cases().entities(wish.case_id));
  for (const std::string& token : wish.tokens) {
    const bool of_case = std::any_of(entities.begin(), entities.end(),
                                     [&](const store::CaseEntityRow& row) { return row.key == token; });
    if (!of_case)
      return error(Errc::kNotAllowed, "scope.tokens", fmt::format("{} is not of this case", token.substr(0, 40)));
    TRY_ASSIGN(const auto sealed, view.vault().sealed(token));
    if (!sealed)
      return error(Errc::kNotFound, "scope.tokens", fmt::format("the vault holds nothing for {}", token.substr(0, 40)));
  }
  return {};
}

}  // namespace

std::string grant_state(const store::GrantRow& grant, WallMs now) {
  if (grant.state == "approved" && grant.expires_at && *grant.expires_at <= now) return "expired";
  return grant.state;
}

Result<> Vault::keep(store::Tx& tx, const model::Entity& entity, const std::string& token,
                     const std::string& alert_id) const {
  if (!is_personal(entity.kind) || token.empty() || entity.value.empty()) return {};
  TRY_ASSIGN(const auto known, std::as_const(tx).vault().sealed(token));
  if (known) return {};
  return tx.vault().keep(
      {token, std::string(name(entity.kind)), seal_key_.seal(entity.value, token), alert_id, clock_.wall()});
}

// A refusal is an answer that must be kept: it is audited although nothing else is written.
Result<> Vault::refuse_and_record(const Actor& actor, std::string_view action, const std::string& object,
                                  Error why) const {
  TRY(audit_.record_alone({actor.name, std::string(action), object, {{"reason", why.message}}}));
  return why;
}

Result<store::GrantRow> Vault::ask(const Actor& actor, const GrantWish& wish) {
  if (Result<> right = require(actor, Right::kVaultAsk); !right.ok()) {
    TRY(refuse_and_record(actor, "vault.ask.refused", "case:" + wish.case_id, std::move(right).error()));
  }
  TRY(good_reason(wish.reason));
  if (wish.minutes < 1 || wish.minutes > 60) return error(Errc::kUsage, "minutes", "1 to 60");
  if (wish.tokens.empty() || wish.tokens.size() > kTokensMax) {
    return error(Errc::kUsage, "scope.tokens", fmt::format("1 to {} tokens", kTokensMax));
  }
  if (wish.fields != std::vector<std::string>{"number"} && wish.fields != std::vector<std::string>{"device"} &&
      wish.fields != std::vector<std::string>{"number", "device"}) {
    return error(Errc::kUsage, "scope.fields", "'number', 'device' or both in this order");
  }
  const Ground* ground = laws_.ground(wish.ground_id);
  if (ground == nullptr || !ground->vault) {
    return error(Errc::kUsage, "ground_id", "name a ground from the law library that allows unmasking");
  }
  if (!wish.notice_delay_ground.empty() && laws_.ground(wish.notice_delay_ground) == nullptr) {
    return error(Errc::kUsage, "notice_delay_ground", "not in the law library");
  }
  store::GrantRow row;
  row.id = "G-" + platform::random_hex(8);
  row.case_id = wish.case_id;
  row.ground_id = wish.ground_id;
  row.reason = wish.reason;
  row.state = "asked";
  const std::set<std::string> unique(wish.tokens.begin(), wish.tokens.end());
  row.tokens.assign(unique.begin(), unique.end());
  row.fields = wish.fields;
  row.minutes = wish.minutes;
  row.notice_delay_ground = wish.notice_delay_ground;
  row.asked_by = actor.person;
  row.asked_role = name(Role::kAnalyst);
  row.asked_at = clock_.wall();
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const auto of_case, std::as_const(tx).cases().by_id(wish.case_id));
    if (!of_case) return error(Errc::kNotFound, "case " + wish.case_id, "there is no such case");
    TRY(check_scope(tx, wish));
    TRY(tx.vault().insert_grant(row));
    return audit_.record(tx, actor, "vault.ask", "grant:" + row.id,
                         {{"case", of_case->number},
                          {"ground", row.ground_id},
                          {"tokens", fmt::format("{}", fmt::join(row.tokens, ","))},
                          {"minutes", fmt::to_string(row.minutes)},
                          {"reason", row.reason}});
  }));
  return row;
}

Result<store::GrantRow> Vault::decide(const Actor& actor, const std::string& grant_id, const std::string& reason,
                                      bool approve) {
  const std::string object = "grant:" + grant_id;
  if (Result<> right = require(actor, Right::kVaultDecide); !right.ok()) {
    TRY(refuse_and_record(actor, "vault.decide.refused", object, std::move(right).error()));
  }
  TRY(good_reason(reason));
  store::GrantRow row;
  Result<> done = store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(row, need_grant(tx, grant_id));
    if (row.state != "asked") return error(Errc::kConflict, object, "it is decided already");
    if (row.asked_by == actor.person) {
      return error(Errc::kNotAllowed, object, "the one who asked cannot decide: a second person is needed");
    }
    row.state = approve ? "approved" : "refused";
    row.decided_by = actor.person;
    row.decided_role = name(Role::kApprover);
    row.decision_reason = reason;
    row.decided_at = clock_.wall();
    if (approve) {
      row.expires_at = WallMs{row.decided_at->ms + row.minutes * 60'000LL};
      if (row.notice_delay_ground.empty()) {
        row.notice_due_at = WallMs{row.decided_at->ms + std::chrono::milliseconds(notice_after_).count()};
      }
    }
    TRY(tx.vault().update_grant(row));
    AuditDetail detail{{"asked_by", row.asked_by}, {"reason", reason}};
    if (row.notice_due_at) detail.emplace_back("notice_due_at", rfc3339(*row.notice_due_at));
    if (!row.notice_delay_ground.empty()) detail.emplace_back("notice_delay_ground", row.notice_delay_ground);
    return audit_.record(tx, actor, approve ? "vault.approve" : "vault.refuse", object, std::move(detail));
  });
  if (!done.ok() && done.error().code == Errc::kNotAllowed) {
    TRY(refuse_and_record(actor, "vault.decide.refused", object, std::move(done).error()));
  }
  TRY(std::move(done));
  return row;
}

Result<store::GrantRow> Vault::approve(const Actor& actor, const std::string& grant_id, const std::string& reason) {
  return decide(actor, grant_id, reason, true);
}
Result<store::GrantRow> Vault::refuse(const Actor& actor, const std::string& grant_id, const std::string& reason) {
  return decide(actor, grant_id, reason, false);
}

Result<VaultValues> Vault::values(const Actor& actor, const std::string& grant_id) {
  const std::string object = "grant:" + grant_id;
  VaultValues out;
  Result<> done = store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(store::GrantRow row, need_grant(tx, grant_id));
    const WallMs now = clock_.wall();
    const auto no = [&](std::string_view why) { return error(Errc::kNotAllowed, object, std::string(why)); };
    if (!allows(actor, Right::kVaultAsk) || row.asked_by != actor.person) return no("only the one who asked may look");
    if (row.state != "approved") return no("the grant is not approved");
    if (!row.expires_at || *row.expires_at <= now) return no("the minutes of the grant are over");
    TRY_ASSIGN(const auto of_case, std::as_const(tx).cases().by_id(row.case_id));
    for (const std::string& token : row.tokens) {
      TRY_ASSIGN(const auto sealed, std::as_const(tx).vault().sealed(token));
      if (!sealed || std::find(row.fields.begin(), row.fields.end(), sealed->kind) == row.fields.end()) continue;
      TRY_ASSIGN(std::string clear, seal_key_.open(sealed->sealed, token));
      out.values.push_back({token, sealed->kind, std::move(clear)});
    }
    ++row.views;
    TRY(tx.vault().update_grant(row));
    out.watermark = fmt::format("{} · {} · {} · {} · #{}", actor.person, of_case ? of_case->number : row.case_id,
                                rfc3339(now), row.id, row.views);
    return audit_.record(tx, actor, "vault.view", object,
                         {{"tokens", fmt::format("{}", fmt::join(row.tokens, ","))}, {"watermark", out.watermark}});
  });
  if (!done.ok() && done.error().code == Errc::kNotAllowed) {
    TRY(refuse_and_record(actor, "vault.view.refused", object, std::move(done).error()));
  }
  TRY(std::move(done));
  return out;
}

Result<std::vector<store::GrantRow>> Vault::grants(const Actor& actor, const std::string& case_id) const {
  if (!allows(actor, Right::kVaultAsk) && !allows(actor, Right::kVaultDecide) && !allows(actor, Right::kAuditRead)) {
    return error(Errc::kNotAllowed, actor.name, "grants are seen by analysts, approvers and auditors");
  }
  std::vector<store::GrantRow> out;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, view.vault().grants(case_id));
    return {};
  }));
  return out;
}

Result<std::string> Vault::open_for_engine(const store::View& view, const std::string& token) const {
  TRY_ASSIGN(const auto sealed, view.vault().sealed(token));
  if (!sealed) return error(Errc::kNotFound, "vault", "nothing is sealed for this token");
  return seal_key_.open(sealed->sealed, token);
}

}  // namespace pandun::guard
