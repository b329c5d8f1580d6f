// The route table: method, path, what the caller must be allowed, and the function that answers.
//
// Shape    the same table is compared with openapi.json in a test: every route is documented, every documented path routed.
// Threads  immutable once made.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/contract.h"
#include "api/http/message.h"
#include "guard/rights.h"
#include "guard/sessions.h"

namespace pandun::api {

struct Room;  // api/room.h: what handlers work with

// What the door asks for; the desks behind it check again what they must. Names are openapi.json's x-right.
enum class Door : std::uint8_t {
  kNone,
  kMetrics,  // loopback, or a bearer token that may read
  kSelf,     // anybody signed in, also while the password must be changed
  kRead,
  kTriage,
  kCaseWork,
  kVaultAsk,
  kVaultRead,
  kVaultDecide,
  kReadAudit,
  kReadArchive,
  kOperate,
  kManageUsers,
  kManageTokens,
  kIntelWrite,
  kLeads,
};
std::string_view name(Door door);
std::span<const guard::Right> rights_of(Door door);  // any one of them opens it; empty: the door asks for none
bool opens(Door door, const guard::Actor& actor);

// One request, checked: who asks, for what, with which words.
struct Call {
  const http::Request& request;
  guard::Actor actor;
  const guard::SessionInfo* session = nullptr;  // null for an API token or nobody
  std::string session_id;
  std::vector<std::string> path;  // values of {…}, in order
  Body body;

  std::optional<std::string_view> query(std::string_view name) const;
  std::string query_text(std::string_view name) const;
  std::int64_t query_integer(std::string_view name, std::int64_t fallback) const;
};

using Answer = Result<http::Response>;
using Action = Answer (*)(Room& room, const Call& call);

struct Route {
  http::Method method;
  std::string_view path;
  Door door;
  Action action;
  bool quick = false;  // answers within microseconds: may run on an io thread once the caller is known
};

class Router {
 public:
  explicit Router(std::vector<Route> routes);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;
  struct Match {
    const Route* route = nullptr;
    std::vector<std::string> values;
    std::string allow;  // "GET, POST" when the path exists but not with this method
  };
  Match match(http::Method method, std::string_view path) const;  // HEAD is matched as GET
  const std::vector<Route>& routes() const { return routes_; }

 private:
  static std::string_view trunk_of(std::string_view path);

  std::vector<Route> routes_;
  // A path is asked about twice in each request, and the table is long.
  std::unordered_map<std::string_view, std::vector<const Route*>> by_trunk_;
  std::vector<const Route*> anywhere_;  // those that may begin with anything
};

// Filled by one file each.
void add_session_routes(std::vector<Route>& routes);
void add_admin_routes(std::vector<Route>& routes);
void add_alert_routes(std::vector<Route>& routes);
void add_case_routes(std::vector<Route>& routes);
void add_measure_routes(std::vector<Route>& routes);
void add_vault_routes(std::vector<Route>& routes);
void add_catalogue_routes(std::vector<Route>& routes);
void add_system_routes(std::vector<Route>& routes);
void add_live_routes(std::vector<Route>& routes);
void add_intel_routes(std::vector<Route>& routes);
void add_decision_routes(std::vector<Route>& routes);
void add_call_routes(std::vector<Route>& routes);
void add_redress_routes(std::vector<Route>& routes);
void add_rule_routes(std::vector<Route>& routes);
void add_model_routes(std::vector<Route>& routes);
void add_lead_routes(std::vector<Route>& routes);
void add_card_routes(std::vector<Route>& routes);
std::vector<Route> all_routes();

}  // namespace pandun::api
