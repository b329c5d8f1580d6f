// Batches and appeals through the door: every answer is held against openapi.json by the stack itself.
#include <fmt/format.h>

#include "api/testing/stack.h"

namespace pandun::api::testing {
namespace {

class MeasuresApi : public Stack {
 protected:
  // A confirmed case about three numbers.
  std::string open_case() {
    const std::string alerts = fmt::format(R"("{}","{}","{}")", raise(1, 90), raise(2, 80), raise(3, 70));
    const std::string made = post(analyst(), "/api/v1/cases", fmt::format(R"({{"alert_ids":[{}]}})", alerts)).body;
    const std::string id = field(made, "id");
    EXPECT_EQ(
        post(analyst(), "/api/v1/cases/" + id + "/actions/confirm", R"({"version":2,"fields":{"finding":"one gang"}})")
            .status,
        200);
    return id;
  }
  static std::string wish(const std::string& more = {}) {
    return R"({"kind":"reverify","category":"fraud","ground":"afl-11","scope":"these numbers","reason":"one gang",)"
           R"("expires_at":"2026-06-20T00:00:00Z","notice":"please re-verify","appeal_channel":"12321")" +
           more + "}";
  }
  // The id that follows "measure_id"-like places: of the n-th member.
  std::vector<std::string> members(const std::string& batch) {
    const std::string text = get(analyst(), "/api/v1/batch-measures/" + batch + "/members").body;
    std::vector<std::string> out;
    for (std::size_t at = text.find("{\"id\":\"M-"); at != std::string::npos; at = text.find("{\"id\":\"M-", at + 1))
      out.push_back(text.substr(at + 7, 18));
    return out;
  }
};

TEST_F(MeasuresApi, OneProposalManyNumbersTwoPeople) {
  const std::string id = open_case();
  const http::Response numbers = get(user("vi.ew", {"viewer"}), "/api/v1/cases/" + id + "/numbers");
  EXPECT_EQ(numbers.status, 200) << numbers.body;
  EXPECT_NE(numbers.body.find("\"grade\":\"high\""), std::string::npos) << numbers.body;
  const std::string at = "/api/v1/cases/" + id + "/batch-measures";
  EXPECT_EQ(post(analyst(), at, R"({"kind":"reverify"})").status, 400);
  EXPECT_EQ(post(analyst(), at, wish(R"(,"tokens":["n26-of-nobody"])")).status, 400);
  EXPECT_EQ(post(approver(), at, wish()).status, 403);
  const http::Response made = post(analyst(), at, wish());
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string batch = "/api/v1/batch-measures/" + field(made.body, "id");
  EXPECT_EQ(post(analyst(), batch + "/approve", "{}").status, 403);
  const auto each = members(field(made.body, "id"));
  ASSERT_EQ(each.size(), 3U);
  EXPECT_EQ(post(approver(), batch + "/approve", fmt::format(R"({{"except":["{}"]}})", each[2])).status, 400);
  const http::Response approved =
      post(approver(), batch + "/approve", fmt::format(R"({{"except":["{}"],"reason":"known firm"}})", each[2]));
  ASSERT_EQ(approved.status, 200) << approved.body;
  EXPECT_NE(approved.body.find("\"approved\":2"), std::string::npos) << approved.body;
  EXPECT_EQ(post(analyst(), batch + "/order", "").status, 200);
  EXPECT_EQ(post(analyst(), batch + "/order", "").status, 409);
  EXPECT_EQ(get(analyst(), "/api/v1/batch-measures?state=approved&limit=1").status, 200);
  EXPECT_EQ(get(analyst(), batch).status, 200);
  EXPECT_EQ(get(analyst(), "/api/v1/batch-measures/B-none").status, 404);
  EXPECT_EQ(get(analyst(), "/api/v1/cases/" + id).status, 200);
  const http::Response checked =
      post(analyst(), "/api/v1/measure-checks",
           fmt::format(R"({{"measures":{{"{}":"passed","{}":"failed"}}}})", each[0], each[2]));
  ASSERT_EQ(checked.status, 200) << checked.body;
  EXPECT_NE(checked.body.find("\"passed\":1"), std::string::npos);
  EXPECT_NE(checked.body.find("\"refused\":[{\"name\":\"" + each[2]), std::string::npos) << checked.body;
}

TEST_F(MeasuresApi, AnAppealIsDecidedByNeitherProposerNorApprover) {
  const std::string id = open_case();
  const std::string batch = field(post(analyst(), "/api/v1/cases/" + id + "/batch-measures", wish()).body, "id");
  ASSERT_EQ(post(approver(), "/api/v1/batch-measures/" + batch + "/approve", "{}").status, 200);
  const std::string measure = members(batch)[0];
  EXPECT_EQ(post(analyst(), "/api/v1/appeals", R"({"claim":"not me"})").status, 400);
  EXPECT_EQ(post(analyst(), "/api/v1/appeals", R"({"claim":"not me","decision_id":"d-0000000000000001"})").status, 404);
  const http::Response made = post(analyst(), "/api/v1/appeals",
                                   fmt::format(R"({{"measure_id":"{}","claim":"not me","channel":"12321"}})", measure));
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string at = "/api/v1/appeals/" + field(made.body, "id");
  const std::string uphold = R"({"outcome":"upheld","reason":"true","repair":"as before"})";
  EXPECT_EQ(post(analyst(), at + "/decide", uphold).status, 403);
  EXPECT_EQ(post(approver(), at + "/decide", uphold).status, 403);
  Who& other = user("in.dep", {"approver"});
  EXPECT_EQ(post(other, at + "/decide", R"({"outcome":"upheld","reason":"true"})").status, 400);
  const http::Response done = post(other, at + "/decide", uphold);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(field(done.body, "state"), "upheld");
  EXPECT_EQ(field(done.body, "measure_state"), "lifted");
  EXPECT_EQ(get(analyst(), at).status, 200);
  EXPECT_EQ(get(analyst(), "/api/v1/appeals?state=upheld&order=oldest").status, 200);
  EXPECT_EQ(get(analyst(), "/api/v1/appeals?state=whatever").status, 400);
  const http::Response story = get(analyst(), "/api/v1/measures/" + measure);
  EXPECT_EQ(story.status, 200) << story.body;
  EXPECT_NE(story.body.find("appeal.upheld"), std::string::npos);
}

}  // namespace
}  // namespace pandun::api::testing
