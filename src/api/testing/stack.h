// The API over real desks on a real store in a temporary directory, asked without sockets. Every answer is held against
// openapi.json, and no answer may carry the clear number of a signal, save the vault's.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "api/api.h"
#include "api/testing/fake_platform.h"
#include "casework/identities.h"
#include "decide/decider.h"
#include "guard/number_tokens.h"
#include "platform/clock.h"

namespace pandun::api::testing {

inline constexpr std::string_view kClearDigits = "13800138";  // part of every number that raise() uses

struct Who {
  std::string cookie, csrf, bearer;
};

class Stack : public ::testing::Test {
 protected:
  Stack();
  ~Stack() override;

  // Raises one alert of burst_calling about +86 13800138xyz; the alert's id.
  std::string raise(unsigned last_digits, unsigned severity = 75);

  // A signed-in user with these roles; made once for each name, password changed already.
  Who& user(const std::string& name, const std::vector<std::string>& roles);
  Who& admin() { return user("boss", {"admin"}); }
  Who& analyst() { return user("an.na", {"analyst"}); }
  Who& approver() { return user("ap.ollo", {"approver"}); }

  http::Response ask(const Who& who, http::Method method, const std::string& target, const std::string& body = {},
                     std::vector<http::Header> headers = {});
  http::Response get(const Who& who, const std::string& target) { return ask(who, http::Method::kGet, target); }
  http::Response post(const Who& who, const std::string& target, const std::string& body) {
    return ask(who, http::Method::kPost, target, body);
  }
  static std::string header(const http::Response& response, std::string_view name);
  // The text of a field, by the first occurrence of "name":"…".
  static std::string field(const std::string& json, const std::string& name);
  static std::string text_of(const http::Response& response) {
    return response.shared_body ? *response.shared_body : response.body;
  }

  void build(ApiOptions options);

  platform::ManualClock clock_{WallMs{1'780'000'000'000}};
  std::string directory_;
  std::unique_ptr<store::Store> store_;
  platform::SealKey key_;
  std::unique_ptr<guard::Audit> audit_;
  std::unique_ptr<casework::CaseworkContent> content_;
  std::unique_ptr<guard::Vault> vault_;
  guard::NumberTokens tokens_{key_};
  casework::TokenIdentities identities_{tokens_, casework::IdentityForm::kMasked};
  casework::DetectorTable detectors_;
  std::unique_ptr<casework::SourceLines> lines_;
  std::unique_ptr<casework::CaseDesk> desk_;
  std::unique_ptr<guard::Identity> identity_;
  std::unique_ptr<guard::SessionDesk> sessions_;
  decide::Decider decider_;
  FakePlatform platform_;
  LiveHub live_;
  std::unique_ptr<Api> api_;

 private:
  std::map<std::string, Who> users_;
  guard::Actor root_;
  std::uint64_t position_ = 0;
  std::uint64_t next_id_ = 0;
};

}  // namespace pandun::api::testing
