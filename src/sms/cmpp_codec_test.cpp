#include "sms/cmpp_codec.h"

#include <gtest/gtest.h>

#include <optional>

#include "sms/bytes.h"
#include "sms/session.h"

namespace pandun::sms {
namespace {

using namespace std::chrono_literals;

std::string frame(std::uint32_t command, std::uint32_t sequence, std::string_view body = {}) {
  std::string out;
  write_cmpp_header(out, static_cast<std::uint32_t>(body.size()), command, sequence);
  return out.append(body);
}
std::string connect_body(std::uint8_t version) {
  std::string out;
  Writer(out).padded("901234", 6).padded("sixteen bytes of", 16).u8(version).u32(1122000000);
  return out;
}
std::string submit_body(bool version3, std::initializer_list<const char*> to, std::string_view content = "hi") {
  std::string out;
  Writer w(out);
  w.padded("", 8).u8(1).u8(1).u8(1).u8(0).padded("SVC", 10).u8(0).padded("", version3 ? 32 : 21);
  if (version3) w.u8(0);
  w.u8(0)
      .u8(0)
      .u8(0)
      .padded("901234", 6)
      .padded("01", 2)
      .padded("0", 6)
      .padded("", 17)
      .padded("", 17)
      .padded("106900001", 21);
  w.u8(static_cast<std::uint8_t>(to.size()));
  for (const char* number : to) w.padded(number, version3 ? 32 : 21);
  if (version3) w.u8(0);
  w.u8(static_cast<std::uint8_t>(content.size())).bytes(content).padded("", version3 ? 20 : 8);
  return out;
}
std::string deliver_body(bool version3, bool report) {
  std::string out;
  Writer w(out);
  w.bytes("MSGIDMSG")
      .padded("106900001", 21)
      .padded("SVC", 10)
      .u8(0)
      .u8(0)
      .u8(0)
      .padded("13800138000", version3 ? 32 : 21);
  if (version3) w.u8(0);
  w.u8(report ? 1 : 0).u8(2).bytes("hi").padded("", version3 ? 20 : 8);
  return out;
}

class Rejecting final : public Verdicts {
 public:
  Ruling submitted(const Codec&, const Frame&, const Message& message, std::string_view, WallMs) override {
    Ruling out;
    for (std::size_t i = 0; i < message.recipients.size(); ++i)
      if (message.recipients[i].digits == rejected) out.refused.push_back(i);
    if (out.refused.size() == message.recipients.size()) return {decide::Verdict::kReject};
    return out;
  }
  Ruling delivered(const Message&, WallMs) override { return {decide::Verdict::kReject}; }
  std::string rejected = "none";
};

class CmppSession : public testing::TestWithParam<std::uint8_t> {
 protected:
  bool third() const { return GetParam() == 0x30; }
  void bind() {
    session.emplace(codec, verdicts, counters, options, now);
    session->on_bytes(Side::kEsme, frame(cmpp::kConnect, 5, connect_body(GetParam())), now);
    const std::string asked = std::exchange(session->out(Side::kSmsc), {});
    EXPECT_EQ(asked.substr(12), connect_body(GetParam())) << "the authenticator passes as it is";
    std::string body;
    Writer w(body);
    if (third())
      w.u32(0);
    else
      w.u8(0);
    w.padded("answer", 16).u8(GetParam());
    session->on_bytes(Side::kSmsc, frame(cmpp::kConnect | cmpp::kAnswerBit, u32_at(asked, 8), body), now);
    EXPECT_EQ(std::exchange(session->out(Side::kEsme), {}), frame(cmpp::kConnect | cmpp::kAnswerBit, 5, body));
    ASSERT_TRUE(session->bound());
  }
  std::string result(std::uint32_t value, std::string_view id = std::string_view("\0\0\0\0\0\0\0\0", 8)) const {
    std::string out(id);
    if (third())
      Writer(out).u32(value);
    else
      Writer(out).u8(static_cast<std::uint8_t>(value));
    return out;
  }
  std::string esme(const std::string& bytes) {
    session->on_bytes(Side::kEsme, bytes, now);
    return std::exchange(session->out(Side::kSmsc), {});
  }
  std::string told() { return std::exchange(session->out(Side::kEsme), {}); }

  CmppCodec codec;
  Rejecting verdicts;
  LinkCounters counters;
  SessionOptions options;
  Moment now{1s, {1}};
  std::optional<Session> session;
};

TEST_P(CmppSession, AMessagePassesUnchangedAndItsAnswerComesBack) {
  bind();
  const std::string body = submit_body(third(), {"13800138000"});
  const std::string asked = esme(frame(cmpp::kSubmit, 77, body));
  ASSERT_GE(asked.size(), 12U);
  EXPECT_EQ(asked.substr(12), body);
  session->on_bytes(Side::kSmsc, frame(cmpp::kSubmit | cmpp::kAnswerBit, u32_at(asked, 8), result(0, "MSGID000")), now);
  EXPECT_EQ(told(), frame(cmpp::kSubmit | cmpp::kAnswerBit, 77, result(0, "MSGID000")));
  EXPECT_EQ(counters.acknowledged.load(), 1U);
}

TEST_P(CmppSession, ARejectedRecipientRejectsTheMessageBecauseOneAnswerSpeaksForAll) {
  bind();
  verdicts.rejected = "13900139000";
  EXPECT_EQ(esme(frame(cmpp::kSubmit, 78, submit_body(third(), {"13800138000", "13900139000"}))), "");
  EXPECT_EQ(told(), frame(cmpp::kSubmit | cmpp::kAnswerBit, 78, result(cmpp::kOther)));
}

TEST_P(CmppSession, StatusReportsPassAndMessagesAreJudged) {
  bind();
  session->on_bytes(Side::kSmsc, frame(cmpp::kDeliver, 1, deliver_body(third(), true)), now);
  EXPECT_EQ(told().substr(12), deliver_body(third(), true));
  session->on_bytes(Side::kSmsc, frame(cmpp::kDeliver, 2, deliver_body(third(), false)), now);
  EXPECT_EQ(told(), "");
  EXPECT_EQ(std::exchange(session->out(Side::kSmsc), {}),
            frame(cmpp::kDeliver | cmpp::kAnswerBit, 2, result(cmpp::kOther, "MSGIDMSG")));
  EXPECT_EQ(counters.receipts.load(), 1U);
  EXPECT_EQ(counters.delivered_rejected.load(), 1U);
}

TEST_P(CmppSession, ALostGatewayIsToldForEveryMessage) {
  bind();
  esme(frame(cmpp::kSubmit, 5, submit_body(third(), {"13800138000"})));
  session->on_lost(Side::kSmsc, now);
  EXPECT_EQ(told(), frame(cmpp::kSubmit | cmpp::kAnswerBit, 5, result(cmpp::kOther)));
}

TEST_P(CmppSession, TheWindowHolds) {
  options.window = 16;
  bind();
  std::string all;
  for (std::uint32_t i = 0; i < 40; ++i) all += frame(cmpp::kSubmit, i, submit_body(third(), {"13800138000"}));
  const std::string asked = esme(all);
  EXPECT_EQ(asked.size(), all.size() / 40 * 16);
  EXPECT_EQ(counters.parked.load(), 24U);
}

TEST_P(CmppSession, FieldsThatDoNotFillTheFrameAreAnError) {
  bind();
  std::string body = submit_body(third(), {"13800138000"});
  body.push_back('x');
  EXPECT_EQ(esme(frame(cmpp::kSubmit, 6, body)), "");
  EXPECT_EQ(told(), frame(cmpp::kSubmit | cmpp::kAnswerBit, 6, result(cmpp::kStructureError)));
  EXPECT_EQ(esme(frame(cmpp::kSubmit, 7, submit_body(!third(), {"13800138000"}))), "") << "the other version's form";
}

TEST_P(CmppSession, ActiveTestsAndTerminatePass) {
  bind();
  const std::string test = esme(frame(cmpp::kActiveTest, 9));
  session->on_bytes(Side::kSmsc, frame(cmpp::kActiveTest | cmpp::kAnswerBit, u32_at(test, 8), std::string(1, '\0')),
                    now);
  EXPECT_EQ(told(), frame(cmpp::kActiveTest | cmpp::kAnswerBit, 9, std::string(1, '\0')));
  const std::string end = esme(frame(cmpp::kTerminate, 10));
  session->on_bytes(Side::kSmsc, frame(cmpp::kTerminate | cmpp::kAnswerBit, u32_at(end, 8)), now);
  EXPECT_EQ(told(), frame(cmpp::kTerminate | cmpp::kAnswerBit, 10));
  EXPECT_TRUE(session->ended());
}

INSTANTIATE_TEST_SUITE_P(Versions, CmppSession, testing::Values(std::uint8_t{0x20}, std::uint8_t{0x30}));

}  // namespace
}  // namespace pandun::sms
