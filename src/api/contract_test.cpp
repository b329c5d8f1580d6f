#include "api/contract.h"

#include <gtest/gtest.h>

#include <set>
#include <sstream>

#include "api/problem.h"
#include "api/router.h"
#include "api/schema.h"
#include "platform/file_system.h"

namespace pandun::api {
namespace {

std::unique_ptr<Contract> own_contract() {
  auto contract = Contract::parse(kOpenApiText);
  EXPECT_TRUE(contract.ok()) << contract.error().text();
  return std::move(*contract);
}

class ContractTest : public ::testing::Test {
 protected:
  // "where: message" of each fault.
  std::vector<std::string> faults_of(http::Method method, std::string_view path, const std::string& body) {
    const Operation* operation = contract_->find(method, path);
    std::vector<Fault> faults;
    contract_->read_body(*operation, body, faults);
    std::vector<std::string> out;
    for (const Fault& fault : faults) out.push_back(fault.where + ": " + fault.message);
    return out;
  }
  std::vector<std::string> new_user(const std::string& body) {
    return faults_of(http::Method::kPost, "/api/v1/users", body);
  }
  std::vector<std::string> query_faults(std::string_view path, std::vector<http::QueryItem> query) {
    std::vector<Fault> faults;
    contract_->check_query(*contract_->find(http::Method::kGet, path), query, faults);
    std::vector<std::string> out;
    for (const Fault& fault : faults) out.push_back(fault.where + ": " + fault.message);
    return out;
  }
  std::unique_ptr<Contract> contract_ = own_contract();
};

using List = std::vector<std::string>;

// Every route is described with the same right, and every described path has a route.
TEST_F(ContractTest, RoutesAndDescriptionAgree) {
  std::set<std::string> routed, described;
  for (const Route& route : all_routes()) {
    routed.insert(std::string(http::name(route.method)) + " " + std::string(route.path) + " " +
                  std::string(name(route.door)));
  }
  for (const Operation& operation : contract_->operations()) {
    described.insert(std::string(http::name(operation.method)) + " " + operation.path + " " + operation.right);
  }
  EXPECT_EQ(routed, described);
}

// docs/api.md names every family of paths, and none that is not there.
TEST_F(ContractTest, ItsPageNamesEveryFamilyOfPaths) {
  const auto page = platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/docs/api.md");
  ASSERT_TRUE(page.ok());
  const std::size_t begin = page->find("## What there is"), end = page->find("\n## ", begin + 1);
  ASSERT_NE(end, std::string::npos);
  std::set<std::string> written, described;
  std::istringstream lines(page->substr(begin, end - begin));
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("| `/")) continue;
    // Of a row only the first cell: the others may name paths in passing.
    const std::string cell = line.substr(0, line.find('|', 1));
    for (std::size_t at = 0; (at = cell.find("`/", at)) != std::string::npos; ++at)
      written.insert(cell.substr(at + 2, cell.find_first_of("/`", at + 2) - at - 2));
  }
  for (const Operation& operation : contract_->operations()) {
    const std::string_view path = operation.path;
    const std::string_view rest = path.substr(path.starts_with("/api/v1/") ? 8 : 1);
    described.emplace(rest.substr(0, rest.find('/')));
  }
  EXPECT_EQ(written, described);
}

// Where no body is taken none is too large: that it came at all is what is wrong.
TEST_F(ContractTest, SaysWhatABodyIsAnsweredWith) {
  const auto described = [&](const Operation& operation, int status) {
    std::vector<Fault> faults;
    contract_->check_answer(operation, status, problem(status, "a body", 1).body, faults);
    return faults.empty();
  };
  for (const Operation& operation : contract_->operations()) {
    EXPECT_TRUE(described(operation, 400)) << operation.id;
    EXPECT_EQ(described(operation, 413), operation.has_body) << operation.id;
  }
}

TEST_F(ContractTest, OperationIdsAreUnique) {
  std::set<std::string> ids;
  for (const Operation& operation : contract_->operations())
    EXPECT_TRUE(ids.insert(operation.id).second) << operation.id;
}

TEST_F(ContractTest, TakesAGoodBody) {
  EXPECT_EQ(new_user(R"({"username":"li.na","display_name":"李娜","roles":["analyst","viewer"]})"), List{});
}

TEST_F(ContractTest, SaysAllFaultsAtOnceAndNamesTheNearestKey) {
  EXPECT_EQ(new_user(R"({"usernam":"x","roles":["analist","viewer","viewer"],"password":7})"),
            (List{"/username: is needed", "/display_name: is needed",
                  "/usernam: is not a known key; did you mean 'username'?",
                  "/roles/0: must be one of admin, analyst, approver, senior_approver, auditor, viewer",
                  "/roles/2: stands in the list twice", "/password: must be text"}));
}

TEST_F(ContractTest, ChecksLengthsFormsAndBounds) {
  EXPECT_EQ(new_user(R"({"username":"Li Na","display_name":"","roles":[]})"),
            (List{"/username: must have the form ^[a-z0-9][a-z0-9._-]*$", "/display_name: must not be empty",
                  "/roles: needs at least 1 items"}));
  const std::string token = R"({"name":"t","roles":["viewer"],"expires_in_days":)";
  EXPECT_EQ(faults_of(http::Method::kPost, "/api/v1/tokens", token + "0}"),
            List{"/expires_in_days: must be at least 1"});
  EXPECT_EQ(faults_of(http::Method::kPost, "/api/v1/tokens", token + "1.5}"),
            List{"/expires_in_days: must be a whole number"});
  EXPECT_EQ(faults_of(http::Method::kPost, "/api/v1/tokens", token + "1e400}").size(), 1U);
  EXPECT_EQ(faults_of(http::Method::kPost, "/api/v1/tokens", token + "\"9\"}"),
            List{"/expires_in_days: must be a whole number"});
}

TEST_F(ContractTest, RefusesWhatIsNotOneJsonObject) {
  for (const char* bad :
       {"", "{", "[]", "null", "1", "{}{}", "{\"username\":\"\xff\"}", "{'username':1}", "\xef\xbb\xbf{}"}) {
    EXPECT_FALSE(new_user(bad).empty()) << bad;
  }
  EXPECT_FALSE(new_user(std::string(100'000, '[')).empty());
  EXPECT_FALSE(new_user(R"({"username":"a","display_name":"a\u0000b","roles":["viewer"]})").empty());
}

TEST_F(ContractTest, AFloodOfFaultsIsCut) {
  std::string body = "{";
  for (int i = 0; i < 5000; ++i) body += "\"k" + std::to_string(i) + "\":1,";
  body += "\"z\":1}";
  EXPECT_LE(new_user(body).size(), 20U);
}

TEST_F(ContractTest, NestedAndFreeFormObjects) {
  const std::string path = "/api/v1/cases/{id}/actions/{action}";
  EXPECT_EQ(faults_of(http::Method::kPost, path, R"({"version":1,"fields":{"any":"thing"}})"), List{});
  EXPECT_EQ(faults_of(http::Method::kPost, path, R"({"version":1,"fields":{"a/b~":1}})"),
            List{"/fields/a~1b~0: must be text"});
  EXPECT_EQ(
      faults_of(
          http::Method::kPost, "/api/v1/vault/grants",
          R"({"case_id":"c","ground_id":"g","scope":{"tokens":["t"],"field":["number"]},"minutes":61,"reason":"r"})"),
      (List{"/scope/fields: is needed", "/scope/field: is not a known key; did you mean 'fields'?",
            "/minutes: must be at most 60"}));
  EXPECT_EQ(faults_of(http::Method::kPatch, "/api/v1/cases/{id}", R"({"version":1,"assignee":null})"), List{});
}

TEST_F(ContractTest, ChecksQueryParameters) {
  EXPECT_EQ(query_faults("/api/v1/alerts", {{"limit", "50"}, {"state", "open"}, {"from", "2026-07-01T00:00:00+08:00"}}),
            List{});
  EXPECT_EQ(query_faults("/api/v1/alerts",
                         {{"limit", "0"}, {"stat", "open"}, {"state", "shut"}, {"limit", "x"}, {"from", "now"}}),
            (List{"?limit: must be at least 1", "?stat: is not a known parameter; did you mean 'state'?",
                  "?state: must be one of open, in_case, dismissed", "?limit: is given twice",
                  "?limit: must be a whole number",
                  "?from: must be a time such as 2026-07-01T08:00:00Z (RFC 3339, with zone)"}));
  EXPECT_EQ(query_faults("/api/v1/archive/events", {}), List{"?entity: is needed"});
  EXPECT_EQ(query_faults("/api/v1/cases", {{"overdue", "yes"}}), List{"?overdue: must be true or false"});
}

TEST(Contract, ADescriptionWithAWordThatIsNotEnforcedIsRefused) {
  const auto bad = Contract::parse(R"({"paths":{},"components":{"schemas":{"A":{"type":"string","minLenght":1}}}})");
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::kBadConfig);
  EXPECT_NE(bad.error().where.find("minLenght"), std::string::npos);
}

TEST(Pattern, MatchesClassesAndRepeats) {
  const std::string_view name = "^[a-z0-9][a-z0-9._-]*$";
  for (const char* good : {"a", "li.na", "0-9_a"}) EXPECT_TRUE(matches(name, good)) << good;
  for (const char* bad : {"", "-a", "A", "a b", "a\n"}) EXPECT_FALSE(matches(name, bad)) << bad;
}

}  // namespace
}  // namespace pandun::api
