#include <gtest/gtest.h>
#include <sodium.h>

#include <boost/json.hpp>
#include <fstream>

#include "actions/kit/courier.h"
#include "casework/testing/desk.h"

namespace pandun::actions {
ActionPart outbox_action();

namespace {

using namespace casework::testing;
using casework::CaseView;

struct Post {
  Desk desk;
  ActionEnvironment environment{platform::posix_files(), desk.directory.path(), desk.key};
  Courier courier{*desk.desk, desk.clock, {outbox_action()}, environment};
  CaseView opened;
  std::string order;
  Post() {
    opened = desk.open(desk.ingest(call_signal(1)));
    must(desk.act(desk.analyst, opened, "confirm", {{"finding", "x"}}));
    must(desk.act(desk.analyst, opened, "propose_measure", desk.warn()));
    must(desk.act(desk.approver, opened, "approve"));
    order = must(desk.act(desk.analyst, opened, "order")).measures.at(0).orders.at(0).id;
  }
  CaseView view() { return must(desk.desk->case_view(desk.analyst, opened.summary.id)); }
  void answer(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(desk.directory.file("inbox"));
    std::ofstream(desk.directory.file("inbox/" + name)) << text;
  }
  std::string receipt(const std::string& state) const {
    return R"({"order":")" + order + R"(","state":")" + state + R"(","at":"2026-11-23T02:00:00Z","detail":"已处理"})";
  }
};

TEST(Outbox, WritesASignedOrderOnce) {
  Post post;
  EXPECT_EQ(must(post.courier.run_once()).sent, 1);
  EXPECT_EQ(must(post.courier.run_once()).sent, 0);
  const std::string path = post.desk.directory.file("outbox/" + post.order + ".json");
  const std::string text = must(platform::read_file(platform::posix_files(), path));
  const auto file = boost::json::parse(text).as_object();
  const std::string payload(file.at("payload").as_string());
  EXPECT_EQ(payload.find("13800138000"), std::string::npos);
  const auto bytes = [&](const char* field, std::size_t n) {
    std::string out(n, '\0');
    const auto& hex = file.at(field).as_string();
    sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), n, hex.data(), hex.size(), nullptr, nullptr, nullptr);
    return out;
  };
  const std::string signature = bytes("signature", 64), key = bytes("public_key", 32);
  const auto good = [&](const std::string& body) {
    return crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                       reinterpret_cast<const unsigned char*>(body.data()), body.size(),
                                       reinterpret_cast<const unsigned char*>(key.data())) == 0;
  };
  EXPECT_TRUE(good(payload));
  EXPECT_FALSE(good(payload + " "));
  EXPECT_EQ(boost::json::parse(payload).as_object().at("ground").as_object().at("article").as_string(), "11");
  EXPECT_EQ(post.view().measures[0].orders[0].state, "sent");
}

TEST(Outbox, ReceiptMovesTheCaseOnceHoweverOftenItComes) {
  Post post;
  post.answer("early.json", post.receipt("acknowledged"));
  const auto first = must(post.courier.run_once());
  EXPECT_EQ(first.sent, 1);
  EXPECT_EQ(first.receipts, 1);
  EXPECT_EQ(post.view().summary.state, "acknowledged");
  EXPECT_EQ(post.view().measures[0].state, "in_force");
  const auto version = post.view().summary.version;
  post.answer("again.json", post.receipt("acknowledged"));
  must(post.courier.run_once());
  EXPECT_EQ(post.view().summary.version, version);
  post.answer("done.json", post.receipt("done"));
  must(post.courier.run_once());
  EXPECT_EQ(post.view().measures[0].orders[0].state, "done");
  EXPECT_TRUE(std::filesystem::exists(post.desk.directory.file("inbox/done/done.json")));
}

TEST(Outbox, UnusableReceiptsAreSetAsideWithTheReason) {
  Post post;
  post.answer("a.json", "{");
  post.answer("b.json", R"({"order":"O-none","state":"done"})");
  post.answer("c.json", R"({"order":"x"})");
  post.answer("d.json", std::string(100'000, 'x'));
  post.answer("e.json", R"({"order":")" + post.order + R"(","state":"exploded"})");
  EXPECT_EQ(must(post.courier.run_once()).rejected, 5);
  for (const char* name : {"a", "b", "c", "d", "e"}) {
    EXPECT_TRUE(std::filesystem::exists(post.desk.directory.file(std::string("inbox/bad/") + name + ".json.why")))
        << name;
  }
  EXPECT_EQ(post.view().summary.state, "ordered");
}

TEST(Outbox, FailedDeliveryIsStateAndTriedAgainLater) {
  Post post;
  std::ofstream(post.desk.directory.file("outbox")) << "a file where the folder should be";
  EXPECT_EQ(must(post.courier.run_once()).not_sent, 1);
  const auto order = post.view().measures[0].orders[0];
  EXPECT_EQ(order.state, "pending");
  EXPECT_EQ(order.attempts, 1);
  EXPECT_FALSE(order.last_error.empty());
  EXPECT_EQ(must(post.courier.run_once()).not_sent, 0);  // not yet
  std::filesystem::remove(post.desk.directory.file("outbox"));
  post.desk.clock.advance(std::chrono::seconds(5));
  EXPECT_EQ(must(post.courier.run_once()).sent, 1);
}

TEST(Outbox, FailureReceiptIsShownAndChangesNoState) {
  Post post;
  must(post.courier.run_once());
  post.answer("f.json", post.receipt("failed"));
  must(post.courier.run_once());
  EXPECT_EQ(post.view().summary.state, "ordered");
  EXPECT_EQ(post.view().measures[0].orders[0].state, "failed");
  EXPECT_EQ(post.view().history.back().action, "order_failed");
}

}  // namespace
}  // namespace pandun::actions
