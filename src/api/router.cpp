#include "api/router.h"

#include <array>
#include <charconv>

namespace pandun::api {
namespace {

using guard::Right;

struct DoorInfo {
  std::string_view name;
  std::vector<Right> rights;
};

const DoorInfo& info_of(Door door) {
  static const std::array<DoorInfo, 16> kDoors{{
      {"none", {}},
      {"metrics", {}},
      {"self", {}},
      {"read", {Right::kRead}},
      {"triage", {Right::kTriage}},
      {"case_work",
       {Right::kTriage, Right::kMeasurePropose, Right::kMeasureApprove, Right::kMeasureOrder, Right::kAppealDecide}},
      {"vault_ask", {Right::kVaultAsk}},
      {"vault_read", {Right::kVaultAsk, Right::kVaultDecide, Right::kAuditRead}},
      {"vault_decide", {Right::kVaultDecide}},
      {"read_audit", {Right::kAuditRead}},
      {"read_archive", {Right::kArchiveRead}},
      {"operate", {Right::kSystemRead}},
      {"manage_users", {Right::kUserManage}},
      {"manage_tokens", {Right::kTokenManage}},
      {"intel_write", {Right::kIntelWrite}},
      {"leads", {Right::kLeadExchange, Right::kLeadPropose, Right::kLeadDecide}},
  }};
  return kDoors[static_cast<std::size_t>(door)];
}

// Takes the next segment off `path`; both begin with '/'.
std::string_view next_segment(std::string_view& path) {
  path.remove_prefix(1);
  const std::size_t end = path.find('/');
  const std::string_view segment = path.substr(0, end);
  path = end == std::string_view::npos ? std::string_view{} : path.substr(end);
  return segment;
}

bool fits(std::string_view pattern, std::string_view path, std::vector<std::string>& values) {
  values.clear();
  while (!pattern.empty() && !path.empty()) {
    const std::string_view wanted = next_segment(pattern);
    const std::string_view given = next_segment(path);
    if (wanted.starts_with('{')) {
      if (given.empty() || given.size() > 64) return false;
      values.emplace_back(given);
    } else if (wanted != given) {
      return false;
    }
  }
  return pattern.empty() && path.empty();
}

}  // namespace

std::string_view name(Door door) {
  return info_of(door).name;
}
std::span<const Right> rights_of(Door door) {
  return info_of(door).rights;
}

bool opens(Door door, const guard::Actor& actor) {
  if (door == Door::kNone || door == Door::kSelf || door == Door::kMetrics) return true;
  for (const Right right : rights_of(door)) {
    if (guard::allows(actor, right)) return true;
  }
  return false;
}

std::optional<std::string_view> Call::query(std::string_view wanted) const {
  for (const http::QueryItem& item : request.query) {
    if (item.name == wanted) return item.value;
  }
  return std::nullopt;
}

std::string Call::query_text(std::string_view wanted) const {
  return std::string(query(wanted).value_or(""));
}

std::int64_t Call::query_integer(std::string_view wanted, std::int64_t fallback) const {
  const auto text = query(wanted);
  std::int64_t value = fallback;
  if (text) std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

// "/api/v1/decisions" of "/api/v1/decisions/call": enough to leave a few routes to look at.
std::string_view Router::trunk_of(std::string_view path) {
  std::size_t end = 0;
  for (int segment = 0; segment < 3 && end != std::string_view::npos; ++segment) end = path.find('/', end + 1);
  return path.substr(0, end);
}

Router::Router(std::vector<Route> routes) : routes_(std::move(routes)) {
  const auto fixed = [](const Route& route) { return trunk_of(route.path).find('{') == std::string_view::npos; };
  for (const Route& route : routes_)
    if (fixed(route)) by_trunk_.try_emplace(trunk_of(route.path));
  for (const Route& route : routes_) {  // in order: the first that fits is taken
    if (!fixed(route)) anywhere_.push_back(&route);
    for (auto& [trunk, some] : by_trunk_)
      if (!fixed(route) || trunk == trunk_of(route.path)) some.push_back(&route);
  }
}

Router::Match Router::match(http::Method method, std::string_view path) const {
  Match out;
  const http::Method wanted = method == http::Method::kHead ? http::Method::kGet : method;
  if (!path.starts_with('/')) return out;
  std::vector<std::string> values;
  const auto found = by_trunk_.find(trunk_of(path));
  for (const Route* const route : found == by_trunk_.end() ? anywhere_ : found->second) {
    if (!fits(route->path, path, values)) continue;
    if (route->method == wanted) {
      out.route = route;
      out.values = std::move(values);
      return out;
    }
    if (!out.allow.empty()) out.allow += ", ";
    out.allow += http::name(route->method);
    if (route->method == http::Method::kGet) out.allow += ", HEAD";
  }
  return out;
}

std::vector<Route> all_routes() {
  std::vector<Route> routes;
  add_session_routes(routes);
  add_admin_routes(routes);
  add_alert_routes(routes);
  add_case_routes(routes);
  add_measure_routes(routes);
  add_vault_routes(routes);
  add_catalogue_routes(routes);
  add_system_routes(routes);
  add_live_routes(routes);
  add_intel_routes(routes);
  add_decision_routes(routes);
  add_call_routes(routes);
  add_redress_routes(routes);
  add_rule_routes(routes);
  add_model_routes(routes);
  add_lead_routes(routes);
  add_card_routes(routes);
  return routes;
}

}  // namespace pandun::api
