#include "api/api.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/http/server.h"
#include "api/testing/raw_client.h"
#include "api/testing/stack.h"
#include "decide/desk.h"

namespace pandun::api {
namespace {

using http::Method;
using http::Response;
using testing::Who;

class ApiTest : public testing::Stack {
 protected:
  std::string good_sign_in(const std::string& name, const std::string& password) {
    return fmt::format(R"({{"username":"{}","password":"{}"}})", name, password);
  }
  bool audited(const std::string& action) {
    const auto page = audit_->list({.actor = "", .action = action, .object = ""}, {});
    return page.ok() && !page->items.empty();
  }
};

// ---- sessions ----

TEST_F(ApiTest, SignsInWithAStrictCookieAndOutAgain) {
  Who& anna = analyst();
  EXPECT_EQ(get(anna, "/api/v1/session").status, 200);
  EXPECT_EQ(field(get(anna, "/api/v1/session").body, "username"), "an.na");
  const Response again = post({}, "/api/v1/session", good_sign_in("an.na", "wrong wrong wrong"));
  EXPECT_EQ(again.status, 401);
  EXPECT_EQ(field(again.body, "code"), "unauthenticated");
  EXPECT_EQ(ask(anna, Method::kDelete, "/api/v1/session").status, 204);
  EXPECT_EQ(get(anna, "/api/v1/session").status, 401);
}

TEST_F(ApiTest, TheCookieIsForThisSiteOnlyAndSecureWhereTlsIs) {
  analyst();
  for (const bool secure : {false, true}) {
    build({.console_dir = "", .secure_cookie = secure});
    const Response in = post({}, "/api/v1/session", good_sign_in("an.na", "other-words-entirely"));
    const Response plain =
        in.status == 200 ? in : post({}, "/api/v1/session", good_sign_in("an.na", "plenty-of-words-here"));
    ASSERT_EQ(plain.status, 200) << plain.body;
    const std::string cookie = header(plain, "Set-Cookie");
    EXPECT_NE(cookie.find("HttpOnly; SameSite=Strict"), std::string::npos) << cookie;
    EXPECT_EQ(cookie.find("Secure") != std::string::npos, secure) << cookie;
  }
}

TEST_F(ApiTest, AFirstPasswordMustBeChangedBeforeAnythingElse) {
  Response made = post(admin(), "/api/v1/users", R"({"username":"new.one","display_name":"New","roles":["analyst"]})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string first = field(made.body, "initial_password");
  ASSERT_FALSE(first.empty());
  const Response in = post({}, "/api/v1/session", good_sign_in("new.one", first));
  ASSERT_EQ(in.status, 200);
  EXPECT_NE(in.body.find("\"must_change_password\":true"), std::string::npos);
  const std::string cookie = header(in, "Set-Cookie");
  const Who fresh{cookie.substr(0, cookie.find(';')), field(in.body, "csrf_token"), ""};
  EXPECT_EQ(get(fresh, "/api/v1/session").status, 200);
  EXPECT_EQ(get(fresh, "/api/v1/alerts").status, 403);
  EXPECT_EQ(
      post(fresh, "/api/v1/session/password", fmt::format(R"({{"old_password":"{}","new_password":"short"}})", first))
          .status,
      400);
  EXPECT_EQ(post(fresh, "/api/v1/session/password",
                 fmt::format(R"({{"old_password":"{}","new_password":"long enough now"}})", first))
                .status,
            204);
  EXPECT_EQ(get(fresh, "/api/v1/alerts").status, 200);
}

TEST_F(ApiTest, GuessingPasswordsIsSlowedDown) {
  analyst();
  Response last;
  for (int i = 0; i < 10 && last.status != 429; ++i)
    last = post({}, "/api/v1/session", good_sign_in("an.na", "guess guess"));
  EXPECT_EQ(last.status, 429);
  EXPECT_GE(std::stoi(header(last, "Retry-After")), 1);
}

TEST_F(ApiTest, UnsafeMethodsNeedTheCsrfTokenOfTheSession) {
  const std::string id = raise(1);
  Who& anna = analyst();
  const std::string target = "/api/v1/alerts/" + id + "/dismiss";
  EXPECT_EQ(post({anna.cookie, "", ""}, target, R"({"reason":"x"})").status, 403);
  EXPECT_EQ(post({anna.cookie, approver().csrf, ""}, target, R"({"reason":"x"})").status, 403);
  EXPECT_EQ(post(anna, target, R"({"reason":"a call centre"})").status, 200);
}

TEST_F(ApiTest, DisablingAUserEndsTheirSessionsAtOnce) {
  Who& anna = analyst();
  EXPECT_EQ(get(anna, "/api/v1/alerts").status, 200);
  const std::string users = get(admin(), "/api/v1/users").body;
  const std::size_t at = users.find("\"username\":\"an.na\"");
  const std::size_t id_at = users.rfind("\"id\":\"", at);
  const std::string id = field(users.substr(id_at), "id");
  auto stream = live_.watch({id, "s"}, WallMs{clock_.wall().ms + 1000});
  EXPECT_EQ(ask(admin(), Method::kPatch, "/api/v1/users/" + id, R"({"disabled":true})").status, 200);
  EXPECT_EQ(get(anna, "/api/v1/alerts").status, 401);
  std::string out;
  EXPECT_EQ(stream->take(out), http::ByteStream::State::kEnded);
}

TEST_F(ApiTest, TokensWorkWithoutCookieUntilRevoked) {
  const Response made = post(user("mixed", {"admin", "analyst"}), "/api/v1/tokens",
                             R"({"name":"switch","roles":["analyst"],"expires_in_days":1})");
  ASSERT_EQ(made.status, 201) << made.body;
  const Who token{"", "", field(made.body, "token")};
  EXPECT_EQ(get(token, "/api/v1/alerts").status, 200);
  EXPECT_EQ(get(token, "/api/v1/session").status, 200);
  EXPECT_EQ(post(token, "/api/v1/alerts/" + raise(2) + "/dismiss", R"({"reason":"by a program"})").status, 200);
  EXPECT_EQ(get(token, "/api/v1/users").status, 403);
  EXPECT_EQ(post(token, "/api/v1/vault/grants", R"({})").status, 403);  // people only
  EXPECT_EQ(get({"", "", "pdt_" + std::string(64, '0')}, "/api/v1/alerts").status, 401);
  const std::string id = field(made.body, "id");
  EXPECT_EQ(ask(user("mixed", {}), Method::kDelete, "/api/v1/tokens/" + id).status, 204);
  EXPECT_EQ(get(token, "/api/v1/alerts").status, 401);
}

// ---- who may what: written out here, so that a change of the table shows ----

TEST_F(ApiTest, RightsOfEveryRouteForEveryRole) {
  const std::map<std::string_view, std::string_view> allowed{{"self", "admin analyst approver auditor viewer"},
                                                             {"read", "admin analyst approver auditor viewer"},
                                                             {"metrics", "admin analyst approver auditor viewer"},
                                                             {"operate", "admin analyst approver auditor viewer"},
                                                             {"triage", "analyst"},
                                                             {"case_work", "analyst approver"},
                                                             {"vault_ask", "analyst"},
                                                             {"vault_read", "admin analyst approver auditor"},
                                                             {"vault_decide", "approver"},
                                                             {"read_audit", "admin auditor"},
                                                             {"read_archive", "analyst approver"},
                                                             {"manage_users", "admin"},
                                                             {"manage_tokens", "admin"},
                                                             {"intel_write", "analyst"},
                                                             {"leads", "analyst approver"}};
  build({.console_dir = "", .per_address = {100000, 100000}, .per_user = {}});
  for (const Operation& operation : api_->contract().operations()) {
    std::string target = operation.path;
    for (std::size_t at = target.find('{'); at != std::string::npos; at = target.find('{')) {
      target.replace(at, target.find('}') - at + 1, "none");
    }
    if (operation.id == "sign_out" || operation.id == "change_password") continue;
    const std::string body = operation.has_body ? "{\"x\":1}" : "";
    const int nobody = ask({}, operation.method, target, body).status;
    if (operation.right == "none") {
      EXPECT_NE(nobody, 401) << operation.id;
      continue;
    }
    EXPECT_EQ(nobody, 401) << operation.id;
    ASSERT_TRUE(allowed.contains(operation.right)) << operation.right;
    for (const char* role : {"admin", "analyst", "approver", "senior_approver", "auditor", "viewer"}) {
      const int status = ask(user(std::string("one.") + role, {role}), operation.method, target, body).status;
      // A senior approver may all that an approver may.
      const std::string_view stands_for = std::string_view(role) == "senior_approver" ? "approver" : role;
      const bool may = allowed.at(operation.right).find(stands_for) != std::string_view::npos;
      if (may) {
        EXPECT_TRUE(status != 401 && (status != 403 || operation.right == "case_work" || operation.right == "leads"))
            << operation.id << " " << role << " " << status;
      } else {
        EXPECT_EQ(status, 403) << operation.id << " " << role;
      }
    }
  }
}

// ---- alerts, cases, measures ----

TEST_F(ApiTest, AlertsListFilterPageAndShowWhy) {
  std::vector<std::string> ids;
  for (unsigned i = 0; i < 5; ++i) ids.push_back(raise(100 + i, 50 + i * 10));
  Who& viewer = user("vi.ew", {"viewer"});
  Response page = get(viewer, "/api/v1/alerts?limit=2");
  EXPECT_EQ(field(page.body, "id"), ids[4]);
  EXPECT_NE(page.body.find("\"total_open\":5"), std::string::npos);
  std::size_t seen = 2;
  for (std::string next = field(page.body, "next"); !next.empty(); next = field(page.body, "next")) {
    page = get(viewer, "/api/v1/alerts?limit=2&cursor=" + next);
    for (std::size_t at = page.body.find("\"seq\""); at != std::string::npos; at = page.body.find("\"seq\"", at + 1))
      ++seen;
  }
  EXPECT_EQ(seen, 5U);
  EXPECT_EQ(field(get(viewer, "/api/v1/alerts?order=oldest").body, "id"), ids[0]);
  EXPECT_EQ(field(get(viewer, "/api/v1/alerts?severity_min=90").body, "id"), ids[4]);
  EXPECT_EQ(field(get(viewer, "/api/v1/alerts?detector=none").body, "id"), "");
  EXPECT_EQ(get(viewer, "/api/v1/alerts?cursor=abc").status, 400);
  EXPECT_EQ(get(viewer, "/api/v1/alerts?cursor=-1").status, 400);
  EXPECT_EQ(get(viewer, "/api/v1/alerts?order=sideways").status, 400);
  const Response detail = get(viewer, "/api/v1/alerts/" + ids[0]);
  EXPECT_NE(detail.body.find("Calls in an hour"), std::string::npos);
  EXPECT_NE(detail.body.find("couriers"), std::string::npos);
  EXPECT_NE(detail.body.find("calls.csv:42"), std::string::npos);
  EXPECT_EQ(get(viewer, "/api/v1/alerts/A-none").status, 404);
  EXPECT_EQ(get(viewer, "/api/v1/overview?hours=2").status, 200);
  EXPECT_EQ(get(viewer, "/api/v1/incidents").status, 200);
}

TEST_F(ApiTest, DismissAndReopenAreToldToWatchers) {
  const std::string id = raise(7);
  auto watcher = live_.watch({"x", "y"}, WallMs{clock_.wall().ms + 1000});
  EXPECT_EQ(field(post(analyst(), "/api/v1/alerts/" + id + "/dismiss", R"({"reason":"call centre"})").body, "state"),
            "dismissed");
  EXPECT_EQ(field(post(analyst(), "/api/v1/alerts/" + id + "/reopen", R"({"reason":"not after all"})").body, "state"),
            "open");
  EXPECT_EQ(post(analyst(), "/api/v1/alerts/" + id + "/dismiss", R"({"reason":""})").status, 400);
  std::string events;
  watcher->take(events);
  EXPECT_NE(events.find("event: alert\ndata: {\"id\":\"" + id), std::string::npos);
  EXPECT_NE(events.find("\"state\":\"dismissed\""), std::string::npos);
}

TEST_F(ApiTest, ACaseIsFiledUnderAFraudTopicThatThereIs) {
  const Response opened = post(analyst(), "/api/v1/cases", fmt::format(R"({{"alert_ids":["{}"]}})", raise(9, 90)));
  ASSERT_EQ(opened.status, 201) << opened.body;
  const std::string at = "/api/v1/cases/" + field(opened.body, "id");
  const auto file = [&](std::string_view topic) {
    const std::size_t here = opened.body.find("\"version\":");
    return ask(analyst(), Method::kPatch, at,
               fmt::format(R"({{"version":{},"topic":"{}"}})", std::stoi(opened.body.substr(here + 10)), topic));
  };
  const Response unknown = file("keyword_list");
  EXPECT_EQ(unknown.status, 400);
  EXPECT_NE(unknown.body.find("/topic"), std::string::npos) << unknown.body;
  const Response filed = file("fake_loan");
  ASSERT_EQ(filed.status, 200) << filed.body;
  EXPECT_NE(filed.body.find(R"("topic":"fake_loan")"), std::string::npos);
  EXPECT_NE(get(analyst(), "/api/v1/cases?topic=fake_loan").body.find(field(opened.body, "id")), std::string::npos);
  EXPECT_EQ(get(analyst(), "/api/v1/cases?topic=other").body.find(field(opened.body, "id")), std::string::npos);
  const std::string library = get(user("vi.ew", {"viewer"}), "/api/v1/fraud-topics").body;
  EXPECT_NE(library.find(R"("detectors":["burst_calling"],"indicators":2,"intel_lists":["loans"],"cases":{"open":1,)"),
            std::string::npos)
      << library;
}

TEST_F(ApiTest, ACaseGoesFromAlertToApprovedMeasureByTwoPeople) {
  const std::string alert = raise(9, 90);
  Response opened = post(analyst(), "/api/v1/cases", fmt::format(R"({{"alert_ids":["{}"]}})", alert));
  ASSERT_EQ(opened.status, 201) << opened.body;
  const std::string at = "/api/v1/cases/" + field(opened.body, "id");
  const auto version = [&](const Response& r) {
    const std::size_t here = r.body.find("\"version\":");
    return std::stoi(r.body.substr(here + 10));
  };
  const auto act = [&](const Who& who, const std::string& action, int v, const std::string& fields) {
    return post(who, at + "/actions/" + action, fmt::format(R"({{"version":{},"fields":{{{}}}}})", v, fields));
  };
  Response now = act(analyst(), "confirm", version(opened), R"("finding":"240 calls an hour")");
  ASSERT_EQ(now.status, 200) << now.body;
  const Response unfilled = act(analyst(), "propose_measure", version(now), R"("kind":"warn")");
  EXPECT_EQ(unfilled.status, 400);
  EXPECT_TRUE(field(unfilled.body, "where").starts_with("/fields/")) << unfilled.body;
  EXPECT_EQ(act(analyst(), "propose_measure", version(opened), "").status, 409);  // read before the change
  const std::string wish = R"("kind":"warn","category":"fraud","ground":"afl-11","scope":"this number",)"
                           R"("reason":"burst","expires_at":"2026-06-20T00:00:00Z")";
  const int before = version(now);
  now = act(analyst(), "propose_measure", before, wish);
  ASSERT_EQ(now.status, 200) << now.body;
  EXPECT_EQ(act(analyst(), "approve", version(now), "").status, 403);
  now = act(approver(), "approve", version(now), R"("opinion":"agreed")");
  ASSERT_EQ(now.status, 200) << now.body;
  EXPECT_EQ(field(now.body.substr(now.body.find("\"measures\"")), "approved_by"), "ap.ollo");
  EXPECT_EQ(post(analyst(), at + "/notes", R"({"text":"called the carrier"})").status, 201);
  EXPECT_EQ(post(analyst(), at + "/evidence", R"({"kind":"text","title":"reply","value":"number re-verified"})").status,
            201);
  now = get(analyst(), at);
  EXPECT_EQ(
      ask(analyst(), Method::kPatch, at, fmt::format(R"({{"version":{},"assignee":"an.na"}})", version(now))).status,
      200);
  EXPECT_EQ(get(user("vi.ew", {"viewer"}), "/api/v1/cases?overdue=false").status, 200);
  EXPECT_TRUE(audited("case.open"));
  EXPECT_EQ(post(analyst(), "/api/v1/cases", "{\"title\":\"of nothing\"}").status, 400);
  EXPECT_NE(get(user("aud", {"auditor"}), "/api/v1/audit/verify").body.find("\"ok\":true"), std::string::npos);
  EXPECT_EQ(get(user("aud", {"auditor"}), "/api/v1/audit?limit=5").status, 200);
}

TEST_F(ApiTest, TheVaultNeedsTwoPeopleAndShowsOnlyTheAsker) {
  const std::string alert = raise(11, 90);
  const std::string token = field(get(analyst(), "/api/v1/alerts/" + alert).body, "token");
  const std::string case_id =
      field(post(analyst(), "/api/v1/cases", fmt::format(R"({{"alert_ids":["{}"]}})", alert)).body, "id");
  const Response asked = post(
      analyst(), "/api/v1/vault/grants",
      fmt::format(R"({{"case_id":"{}","ground_id":"afl-34-dissuade","scope":{{"tokens":["{}"],"fields":["number"]}},)"
                  R"("minutes":10,"reason":"warn the callees"}})",
                  case_id, token));
  ASSERT_EQ(asked.status, 201) << asked.body;
  const std::string at = "/api/v1/vault/grants/" + field(asked.body, "id");
  EXPECT_NE(get(analyst(), at + "/values").status, 200);
  EXPECT_EQ(post(analyst(), at + "/approve", R"({"reason":"mine"})").status, 403);
  const Response approved = post(approver(), at + "/approve", R"({"reason":"the callees must be warned"})");
  ASSERT_EQ(approved.status, 200) << approved.body;
  const Response values = get(analyst(), at + "/values");
  ASSERT_EQ(values.status, 200) << values.body;
  EXPECT_EQ(field(values.body, "value"), "+8613800138011");
  EXPECT_NE(values.body.find("an.na"), std::string::npos);
  EXPECT_EQ(get(user("an.other", {"analyst"}), at + "/values").status, 403);
  clock_.advance(std::chrono::minutes(11));
  EXPECT_NE(get(analyst(), at + "/values").status, 200);
  EXPECT_EQ(get(analyst(), "/api/v1/vault/grants?case_id=" + case_id).status, 200);
}

// ---- the rest ----

TEST_F(ApiTest, CataloguesAnswerAsDescribed) {
  for (const char* path : {"detectors", "sources", "rules", "topics", "fraud-topics", "workflows", "grounds",
                           "measure-kinds", "system", "intel/lists", "openapi.json"}) {
    EXPECT_EQ(get(user("vi.ew", {"viewer"}), std::string("/api/v1/") + path).status, 200) << path;
  }
  const Response openapi = get({}, "/api/v1/openapi.json");
  EXPECT_EQ(*openapi.shared_body, kOpenApiText);
  const Response again =
      ask({}, Method::kGet, "/api/v1/openapi.json", "", {{"if-none-match", header(openapi, "ETag")}});
  EXPECT_EQ(again.status, 304);
}

TEST_F(ApiTest, ArchiveQueriesAreRecordedAndNeverTakeAClearNumber) {
  EXPECT_EQ(get(analyst(), "/api/v1/archive/events?entity=evil.example&limit=10").status, 200);
  EXPECT_TRUE(audited("archive.query"));
  const Response refused = get(analyst(), "/api/v1/archive/events?entity=%2B86%20139-0013-9000");
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(get(analyst(), "/api/v1/archive/events?entity=10.1.2.3").status, 200);
  EXPECT_EQ(get(analyst(), "/api/v1/archive/events?entity=down.example").status, 503);
  EXPECT_EQ(get(analyst(), "/api/v1/archive/events").status, 400);
}

TEST_F(ApiTest, IntelListsComeAndGo) {
  const std::string list =
      R"({"name":"c2","topic":"botnet_control","format":"plain","content":"evil.example\n","severity":70,)"
      R"("confidence":0.8,"expires_in_days":30})";
  const Response made = post(analyst(), "/api/v1/intel/lists", list);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(field(made.body, "added_by"), "an.na");
  EXPECT_TRUE(audited("intel.import"));
  EXPECT_EQ(ask(analyst(), Method::kDelete, "/api/v1/intel/lists/c2").status, 204);
  EXPECT_EQ(ask(analyst(), Method::kDelete, "/api/v1/intel/lists/c2").status, 404);
}

TEST_F(ApiTest, DecidesCallsAndMessages) {
  Who& sw = user("switch", {"viewer"});
  const std::string call = R"({"caller":"+8613900139000","callee":"+8613900139001"})";
  EXPECT_EQ(field(post(sw, "/api/v1/decisions/call", call).body, "reason"), "no_snapshot");
  decider_.publish({.measures = {{model::NumberKey::e164(8613900139000), decide::Verdict::kReject,
                                  WallMs{clock_.wall().ms + 1000}, "M-1"}},
                    .redress_base = "https://appeal.example/"});
  const Response answer = post(sw, "/api/v1/decisions/call", call);
  EXPECT_EQ(field(answer.body, "verdict"), "reject");
  EXPECT_EQ(field(answer.body, "redress_url"), "https://appeal.example/M-1");
  EXPECT_EQ(field(post(sw, "/api/v1/decisions/message", R"({"sender":"+8613900139000","recipient":"10086"})").body,
                  "measure"),
            "M-1");
  clock_.advance(std::chrono::seconds(2));
  EXPECT_EQ(field(post(sw, "/api/v1/decisions/call", call).body, "verdict"), "allow");
  EXPECT_EQ(post(sw, "/api/v1/decisions/call", R"({"caller":"x"})").status, 400);
  // Once the caller is known, the answer needs no worker.
  http::Request head;
  head.method = Method::kPost;
  head.path = "/api/v1/decisions/call";
  head.headers = {{"cookie", sw.cookie}, {"content-type", "application/json"}, {"content-length", "9"}};
  head.peer = "192.0.2.10";
  EXPECT_TRUE(api_->plan(head).on_io_thread);
  head.headers[0].value = "pandun_session=unknown";
  EXPECT_FALSE(api_->plan(head).on_io_thread);
}

class CallsDesk final : public decide::Desk {
 public:
  Result<decide::Explanation> explain(std::uint64_t) override { return error(Errc::kNotFound, "decision", ""); }
  Result<decide::CalleeSettings> callee(model::NumberKey) override { return decide::CalleeSettings{}; }
  Result<> set_callees(const std::vector<decide::CalleeSettings>&, std::string_view) override { return {}; }
  Result<> set_labels(const std::vector<decide::NumberLabel>&, std::string_view) override { return {}; }
  Result<decide::Label> label(model::NumberKey) override { return decide::Label::kNone; }
  Totals totals() override { return {}; }
  Result<> report_calls(const std::vector<decide::CallReport>& all) override {
    reports = all;
    return {};
  }
  decide::CallEndings::Page endings(std::uint64_t cursor, std::string_view prefix, std::size_t) override {
    asked = std::to_string(cursor) + " " + std::string(prefix);
    return {{{8, 5, "sw1/2", "inter-1", "M-1", decide::Reason::kMeasureInForce, WallMs{1'790'000'000'000}}}, 8};
  }
  Result<std::size_t> note_endings(const std::vector<decide::EndingReceipt>& all, std::string_view) override {
    receipts = all;
    return all.size() - 1;
  }
  std::vector<decide::CallReport> reports;
  std::vector<decide::EndingReceipt> receipts;
  std::string asked;
};

TEST_F(ApiTest, TakesReportsOfCallsAndNamesThoseToBeEnded) {
  const std::string path = "/api/v1/decisions/calls";
  const std::string report = R"({"reports":[{"call":"sw1/2","state":"answered","caller":"","callee":"+8613900139001"},)"
                             R"({"call":"sw1/3","state":"lasts","caller":"+8613900139000","callee":"110","since_s":61,)"
                             R"("route":"inter-1","international":true}]})";
  EXPECT_EQ(post(analyst(), path, report).status, 503);  // nobody sits at the desk yet
  CallsDesk desk;
  decider_.set_desk(&desk);
  EXPECT_EQ(post(user("vi.ew", {"viewer"}), path, report).status, 403);
  const Response taken = post(analyst(), path, report);
  ASSERT_EQ(taken.status, 200) << taken.body;
  ASSERT_EQ(desk.reports.size(), 2U);
  EXPECT_EQ(desk.reports[0].since_s, 0);
  EXPECT_EQ(desk.reports[0].stage, model::CallStage::kAnswered);
  EXPECT_EQ(desk.reports[0].told.ms, clock_.wall().ms);
  EXPECT_EQ(desk.reports[1].since_s, 61);
  EXPECT_EQ(desk.reports[1].route, "inter-1");
  EXPECT_TRUE(desk.reports[1].international);
  desk.reports.clear();
  for (const char* wrong : {R"({"call":"a b","state":"lasts","caller":"","callee":"1"})",
                            R"({"call":"a","state":"rings","caller":"","callee":"1"})",
                            R"({"call":"a","state":"lasts","caller":"","callee":"1","since_s":-1})",
                            R"({"call":"a","state":"lasts","caller":"","callee":"1","time":"2001-01-01T00:00:00Z"})"})
    EXPECT_GE(post(analyst(), path, R"({"reports":[)" + std::string(wrong) + "]}").status, 400) << wrong;
  EXPECT_EQ(post(analyst(), path, R"({"reports":[]})").status, 400);
  EXPECT_TRUE(desk.reports.empty());

  const Response endings = get(user("switch", {"viewer"}), path + "/endings?after=7&prefix=sw1%2F");
  ASSERT_EQ(endings.status, 200) << endings.body;
  EXPECT_EQ(desk.asked, "7 sw1/");
  EXPECT_NE(endings.body.find(R"("call":"sw1/2")"), std::string::npos);
  EXPECT_NE(endings.body.find(R"("decision_id":"d-0000000000000005")"), std::string::npos);
  EXPECT_NE(endings.body.find(R"("next":8)"), std::string::npos);
  EXPECT_EQ(get(analyst(), path + "/endings?after=-1").status, 400);

  const Response noted =
      post(analyst(), path + "/endings/receipts",
           R"({"receipts":[{"call":"sw1/2","outcome":"already_over"},{"call":"x","outcome":"failed"}]})");
  EXPECT_EQ(noted.body, R"({"count":1})");
  ASSERT_EQ(desk.receipts.size(), 2U);
  EXPECT_EQ(desk.receipts[0].outcome, decide::EndingOutcome::kAlreadyOver);
  EXPECT_EQ(post(analyst(), path + "/endings/receipts", R"({"receipts":[{"call":"a","outcome":"withdrawn"}]})").status,
            400);
  decider_.set_desk(nullptr);
}

TEST_F(ApiTest, LimitsRequestsByUserAndByAddress) {
  build({.console_dir = "", .per_address = {1000, 1000}, .per_user = {1, 3}});
  Who& v = user("vi.ew", {"viewer"});
  Response last;
  for (int i = 0; i < 5; ++i) last = get(v, "/api/v1/topics");
  EXPECT_EQ(last.status, 429);
  EXPECT_EQ(header(last, "Retry-After"), "1");
  EXPECT_EQ(post(v, "/api/v1/decisions/call", R"({"caller":"1","callee":"2"})").status,
            200);  // switches are not slowed
  build({.console_dir = "", .per_address = {1, 2}});
  for (int i = 0; i < 3; ++i) last = get({}, "/healthz");
  EXPECT_EQ(last.status, 429);
}

TEST_F(ApiTest, PathsMethodsAndMediaTypes) {
  EXPECT_EQ(get({}, "/api/v1/nothing").status, 404);
  const Response wrong = ask(analyst(), Method::kPut, "/api/v1/alerts/x");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(header(wrong, "Allow"), "GET, HEAD, OPTIONS");
  EXPECT_EQ(ask({}, Method::kOptions, "/api/v1/session").status, 204);
  EXPECT_EQ(ask({}, Method::kHead, "/healthz").status, 200);
  EXPECT_EQ(post({}, "/", "{}").status, 405);
  http::Request request;
  request.method = Method::kPost;
  request.path = "/api/v1/session";
  EXPECT_EQ(api_->plan(request).refuse->status, 411);
  request.headers = {{"content-length", "2"}, {"content-type", "text/plain"}};
  EXPECT_EQ(api_->plan(request).refuse->status, 415);
  request.headers[1].value = "Application/JSON; charset=utf-8";
  EXPECT_FALSE(api_->plan(request).refuse);
  EXPECT_EQ(get(analyst(), "/api/v1/topics?x=1").status, 400);
}

TEST_F(ApiTest, ABodyWhereNoneIsTakenIsTheRequestsFaultAndSaysSo) {
  http::ServerOptions options;
  options.port = 0;
  auto server = http::Server::start(options, *api_, platform::system_clock(), platform::posix_files());
  ASSERT_TRUE(server.ok()) << server.error().text();
  api_->attach(**server);
  const auto ask = [&](const char* method, const char* path) {
    return testing::RawClient((*server)->port()).ask(method, path, "Content-Type: application/json\r\n", "{}");
  };
  for (const auto& [method, path] : {std::pair{"GET", "/healthz"}, {"DELETE", "/api/v1/session"}}) {
    const auto refused = ask(method, path);
    EXPECT_EQ(refused.status, 400) << path;
    EXPECT_EQ(field(refused.body, "code"), "usage");
    EXPECT_EQ(field(refused.body, "detail"), "this path takes no body: send the request without one");
    EXPECT_EQ(refused.body.find("Split"), std::string::npos);
  }
  EXPECT_EQ(ask("POST", "/api/v1/nothing").status, 404);
  EXPECT_EQ(ask("POST", "/healthz").status, 405);
  EXPECT_EQ(ask("POST", "/index.html").status, 405);
  api_->detach();
}

TEST_F(ApiTest, MetricsAreForThisMachineOrATokenHolder) {
  const auto from = [&](bool loopback, std::vector<http::Header> headers) {
    http::Request request;
    request.path = "/metrics";
    request.peer = loopback ? "127.0.0.1" : "192.0.2.1";
    request.peer_is_loopback = loopback;
    request.headers = std::move(headers);
    return api_->handle(request);
  };
  const Response local = from(true, {{"host", "127.0.0.1:8480"}});
  EXPECT_EQ(local.status, 200);
  EXPECT_NE(local.body.find("pandun_events_total{kind=\"call\"} 900000\n"), std::string::npos);
  EXPECT_NE(local.body.find("# TYPE pandun_decisions_total counter\n"), std::string::npos);
  EXPECT_EQ(from(false, {{"host", "127.0.0.1"}}).status, 401);
  EXPECT_EQ(from(true, {{"host", "evil.example"}}).status, 401);  // a page in a browser on this machine
  EXPECT_EQ(from(true, {{"host", "localhost"}, {"x-forwarded-for", "203.0.113.1"}}).status, 401);
  EXPECT_EQ(from(false, {{"host", "h"}, {"cookie", analyst().cookie}}).status, 200);
}

TEST_F(ApiTest, BehindAProxyTheClientIsWhoTheProxySaw) {
  build({.console_dir = "", .per_address = {1, 1}, .trust_forwarded_for = true});
  const auto from = [&](const std::string& peer, const std::string& forwarded) {
    http::Request request;
    request.path = "/healthz";
    request.peer = peer;
    request.peer_is_loopback = peer == "127.0.0.1";
    request.headers = {{"x-forwarded-for", forwarded}};
    return api_->plan(request).refuse.has_value();
  };
  EXPECT_FALSE(from("127.0.0.1", "6.6.6.6, 203.0.113.1"));
  EXPECT_TRUE(from("127.0.0.1", "7.7.7.7, 203.0.113.1"));  // the first entries are the client's own words
  EXPECT_FALSE(from("127.0.0.1", "203.0.113.2"));
  EXPECT_FALSE(from("198.51.100.1", "203.0.113.2"));  // not the proxy: its word counts for nothing
  EXPECT_TRUE(from("198.51.100.1", "203.0.113.9"));
}

TEST_F(ApiTest, ReadinessFollowsThePlatform) {
  EXPECT_EQ(get({}, "/readyz").status, 200);
  platform_.waiting = {"recovery"};
  const Response waiting = get({}, "/readyz");
  EXPECT_EQ(waiting.status, 503);
  EXPECT_NE(waiting.body.find("recovery"), std::string::npos);
  platform_.waiting.clear();
  api_->drain();
  EXPECT_EQ(field(get({}, "/readyz").body, "status"), "draining");
  EXPECT_EQ(get({}, "/healthz").status, 200);
}

TEST_F(ApiTest, AlertsArriveOverTheWireUntilTheUserSignsOut) {
  http::ServerOptions options;
  options.port = 0;
  auto server = http::Server::start(options, *api_, platform::system_clock(), platform::posix_files());
  ASSERT_TRUE(server.ok()) << server.error().text();
  api_->attach(**server);
  testing::RawClient client((*server)->port());
  client.send("GET /api/v1/stream HTTP/1.1\r\nHost: localhost\r\nCookie: " + analyst().cookie + "\r\n\r\n");
  EXPECT_NE(client.read_until("retry: 2000\n\n").find("text/event-stream"), std::string::npos);
  const auto summary = desk_->alert_summary(raise(31));
  ASSERT_TRUE(summary.ok());
  live_.alert(*summary);
  EXPECT_NE(client.read_until("\n\n").find("event: alert\ndata: {\"id\":\"" + summary->id), std::string::npos);
  testing::RawClient other((*server)->port());
  const std::string headers = "Cookie: " + analyst().cookie + "\r\nX-CSRF-Token: " + analyst().csrf + "\r\n";
  EXPECT_EQ(other.ask("DELETE", "/api/v1/session", headers).status, 204);
  EXPECT_EQ(other.ask("GET", "/api/v1/alerts", headers).status, 401);
  EXPECT_TRUE(client.at_end());
  EXPECT_NE(get(admin(), "/api/v1/system").body.find("\"requests\":3"), std::string::npos);
  api_->detach();
}

TEST_F(ApiTest, AStreamReplaysWhatWasMissed) {
  raise(20);
  const std::string second = raise(21), third = raise(22);
  const std::string page = get(analyst(), "/api/v1/alerts?order=oldest&limit=1").body;
  const std::string first_seq =
      page.substr(page.find("\"seq\":") + 6, page.find(",", page.find("\"seq\":")) - page.find("\"seq\":") - 6);
  const Response stream = ask(analyst(), Method::kGet, "/api/v1/stream", "", {{"last-event-id", first_seq}});
  ASSERT_EQ(stream.status, 200);
  ASSERT_NE(stream.stream, nullptr);
  EXPECT_NE(stream.body.find(second), std::string::npos);
  EXPECT_LT(stream.body.find(second), stream.body.find(third));
  EXPECT_EQ(stream.body.find("id: " + first_seq + "\n"), std::string::npos);
  EXPECT_EQ(ask(analyst(), Method::kGet, "/api/v1/stream", "", {{"last-event-id", "rubbish"}}).status, 200);
}

}  // namespace
}  // namespace pandun::api
