// The desks over the stored records, with nothing that detects or decides: for commands that work beside a running platform.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "casework/case_desk.h"
#include "casework/identities.h"
#include "cli/command.h"
#include "exchange/lead_desk.h"
#include "guard/audit.h"
#include "guard/identity.h"
#include "guard/vault.h"
#include "platform/seal.h"
#include "server/content.h"
#include "server/settings.h"

namespace pandun::cli {

class NoLines final : public casework::SourceLines {
 public:
  std::string line(const model::SourceRef&) const override { return {}; }
};

class StoredGroups final : public casework::ProtectedGroups {
 public:
  explicit StoredGroups(const registry::ProtectedGroups& groups) : groups_(groups) {}
  std::string group(const model::Entity& entity) const override {
    return entity.kind == model::EntityKind::kNumber ? std::string(groups_.protected_group(entity.number))
                                                     : std::string();
  }

 private:
  const registry::ProtectedGroups& groups_;
};

struct Office {
  explicit Office(server::Settings s) : settings(std::move(s)) {}
  Result<> open();
  // Who acts is told by an API token, so that the audit names them.
  Result<guard::Actor> actor(const std::string& token_file) const;
  casework::DeskParts desk_parts() const;

  server::Settings settings;
  std::unique_ptr<server::Content> knowledge;
  std::optional<platform::SealKey> key;
  std::unique_ptr<casework::CaseworkContent> content;
  std::unique_ptr<exchange::Purposes> purposes;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<guard::Audit> audit;
  std::unique_ptr<guard::Identity> identity;
  std::unique_ptr<guard::Vault> vault;
  std::unique_ptr<guard::NumberTokens> tokens;
  std::unique_ptr<casework::TokenIdentities> identities;
  std::unique_ptr<StoredGroups> groups;
  casework::DetectorTable table;
  NoLines lines;
  std::unique_ptr<casework::CaseDesk> desk;
  std::unique_ptr<exchange::LeadDesk> leads;
};

// --config, --data
Result<std::unique_ptr<Office>> open_office(const Arguments& arguments);

inline constexpr Flag kOfficeToken{"--token-file",  "FILE", "holds an API token of an analyst: whose act it is",
                                   FlagKind::kText, "",     true};
inline constexpr Flag kOfficeData{"--data", "DIR", "the platform's data directory"};

}  // namespace pandun::cli
