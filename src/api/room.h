// What the handlers work with: the desks behind the door, references all, owned by server.
#pragma once

#include <atomic>
#include <memory>

#include "api/live_hub.h"
#include "api/models_port.h"
#include "api/principals.h"
#include "api/problem.h"
#include "api/router.h"
#include "api/rules_port.h"
#include "casework/card_batches.h"
#include "casework/case_desk.h"
#include "decide/decider.h"
#include "exchange/lead_desk.h"
#include "guard/audit.h"
#include "guard/identity.h"
#include "guard/sessions.h"
#include "guard/vault.h"

namespace pandun::api {

namespace http {
class Server;
}

// All of it must outlive the Api.
struct ApiParts {
  casework::CaseDesk& desk;
  guard::Identity& identity;
  guard::SessionDesk& sessions;
  const guard::Audit& audit;
  guard::Vault& vault;
  const decide::Decider& decider;
  Platform& platform;
  LiveHub& live;
  platform::Clock& clock;
  platform::FileSystem& files;
  exchange::LeadDesk* leads = nullptr;  // null: not loaded
  RulesPort* rules = nullptr;           // null: no rule desk
  casework::CardDesk* cards = nullptr;  // null: not loaded
  ModelsPort* models = nullptr;         // null: no shelf
};

struct Room {
  ApiParts parts;
  Principals& principals;
  std::atomic<const http::Server*> server{nullptr};  // for its figures; null before start and after stop
  std::atomic<bool> draining{false};
  std::atomic<std::uint64_t> rate_limited{0};
  bool secure_cookie = false;
  std::shared_ptr<const std::string> openapi = nullptr;
  std::string openapi_etag{};
};

}  // namespace pandun::api
