#include "sms/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <set>

#include "base/prng.h"
#include "sms/bytes.h"
#include "sms/smpp_codec.h"

namespace pandun::sms {
namespace {

using namespace std::chrono_literals;

std::string pdu(std::uint32_t command, std::uint32_t sequence, std::string_view body = {}, std::uint32_t status = 0) {
  std::string out;
  write_smpp_header(out, static_cast<std::uint32_t>(body.size()), command, status, sequence);
  return out.append(body);
}

std::string bind_body(std::string_view account) {
  std::string out;
  Writer(out).text(account).text("secret").text("").u8(0x34).u8(0).u8(0).text("");
  return out;
}

std::string submit_body(std::string_view from, std::string_view to, std::string_view text = "hello") {
  std::string out;
  Writer w(out);
  w.text("").u8(1).u8(1).text(from).u8(1).u8(1).text(to).u8(0).u8(0).u8(0).text("").text("").u8(1).u8(0).u8(0).u8(0);
  w.u8(static_cast<std::uint8_t>(text.size())).bytes(text);
  return out;
}

struct Seen {
  std::uint32_t command, status, sequence;
  std::string body;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> frames(std::string bytes) {
  const SmppCodec codec;
  std::vector<Seen> out;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const Framing framing = codec.framing(rest);
    if (framing.bad || framing.size == 0 || framing.size > rest.size()) {
      ADD_FAILURE() << "not a whole frame: " << rest.size() << " bytes";
      break;
    }
    const Frame frame = codec.read(rest.substr(0, framing.size));
    out.push_back({frame.command, frame.status, frame.sequence, std::string(frame.bytes.substr(16))});
    rest.remove_prefix(framing.size);
  }
  return out;
}

// Rejects recipients that end in 0, warns about those that end in 1.
class ByLastDigit final : public Verdicts {
 public:
  Ruling submitted(const Codec&, const Frame&, const Message& message, std::string_view account, WallMs) override {
    accounts.insert(std::string(account));
    Ruling out;
    for (std::size_t i = 0; i < message.recipients.size(); ++i) {
      const char last = message.recipients[i].digits.empty() ? ' ' : message.recipients[i].digits.back();
      if (last == '0') out.refused.push_back(i);
      if (last == '1') out.verdict = decide::Verdict::kWarn;
    }
    if (out.refused.size() == message.recipients.size()) {
      out.refused.clear();
      out.verdict = decide::Verdict::kReject;
    }
    return out;
  }
  Ruling delivered(const Message& message, WallMs) override {
    const bool reject = !message.sender.digits.empty() && message.sender.digits.back() == '0';
    return {reject ? decide::Verdict::kReject : decide::Verdict::kAllow};
  }
  std::set<std::string> accounts;
};

class SessionTest : public testing::Test {
 protected:
  std::vector<Seen> esme(std::string_view bytes) {
    session->on_bytes(Side::kEsme, bytes, now);
    return taken(Side::kSmsc);
  }
  std::vector<Seen> smsc(std::string_view bytes) {
    session->on_bytes(Side::kSmsc, bytes, now);
    return taken(Side::kEsme);
  }
  std::vector<Seen> taken(Side side) { return frames(std::exchange(session->out(side), {})); }
  void begin() { session.emplace(codec, verdicts, counters, options, now); }
  void bind(std::string_view account = "bank") {
    begin();
    const auto asked = esme(pdu(smpp::kBindTransceiver, 7, bind_body(account)));
    ASSERT_EQ(asked.size(), 1U);
    const auto answered =
        smsc(pdu(smpp::kBindTransceiver | smpp::kAnswerBit, asked[0].sequence, std::string("smsc\0", 5)));
    ASSERT_EQ(answered.size(), 1U);
    ASSERT_EQ(answered[0].sequence, 7U);
    ASSERT_TRUE(session->bound());
  }
  void after(std::chrono::milliseconds time) {
    now.steady += time;
    session->tick(now);
  }

  SmppCodec codec;
  ByLastDigit verdicts;
  LinkCounters counters;
  SessionOptions options;
  Moment now{1s, {1'700'000'000'000}};
  std::optional<Session> session;
};

TEST_F(SessionTest, AMessagePassesUnchangedAndItsAnswerComesBackUnderTheEsmesOwnNumber) {
  bind();
  const std::string body = submit_body("106900001", "8613800138002");
  const auto asked = esme(pdu(smpp::kSubmit, 4711, body));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].command, smpp::kSubmit);
  EXPECT_EQ(asked[0].body, body);
  EXPECT_TRUE(taken(Side::kEsme).empty()) << "nothing is acknowledged before the SMSC did";
  const std::string id("msg-1\0", 6);
  const auto answered = smsc(pdu(smpp::kSubmit | smpp::kAnswerBit, asked[0].sequence, id));
  ASSERT_EQ(answered.size(), 1U);
  EXPECT_EQ(answered[0], (Seen{smpp::kSubmit | smpp::kAnswerBit, 0, 4711, id}));
  EXPECT_EQ(counters.acknowledged.load(), 1U);
  EXPECT_EQ(verdicts.accounts, std::set<std::string>{"bank"});
}

TEST_F(SessionTest, ARejectedMessageNeverReachesTheSmsc) {
  bind();
  EXPECT_TRUE(esme(pdu(smpp::kSubmit, 8, submit_body("1069", "8613800138000"))).empty());
  EXPECT_EQ(taken(Side::kEsme), (std::vector<Seen>{{smpp::kSubmit | smpp::kAnswerBit, smpp::kSubmitFailed, 8, ""}}));
  EXPECT_EQ(counters.rejected.load(), 1U);
}

TEST_F(SessionTest, AWarnedMessagePassesAndIsCounted) {
  bind();
  EXPECT_EQ(esme(pdu(smpp::kSubmit, 8, submit_body("1069", "8613800138001"))).size(), 1U);
  EXPECT_EQ(counters.warned.load(), 1U);
  EXPECT_EQ(counters.passed.load(), 0U);
}

TEST_F(SessionTest, ALostSmscIsToldForEveryRequestThatItHadNotAnswered) {
  bind();
  const auto asked = esme(pdu(smpp::kSubmit, 1, submit_body("1069", "8613800138002")) +
                          pdu(smpp::kSubmit, 2, submit_body("1069", "8613800138003")));
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(smsc(pdu(smpp::kSubmit | smpp::kAnswerBit, asked[1].sequence, std::string("x\0", 2))).size(), 1U);
  session->on_lost(Side::kSmsc, now);
  EXPECT_EQ(taken(Side::kEsme), (std::vector<Seen>{{smpp::kSubmit | smpp::kAnswerBit, smpp::kSystemError, 1, ""}}));
  EXPECT_TRUE(session->closes(Side::kEsme));
  EXPECT_EQ(counters.lost_requests.load(), 1U);
  EXPECT_EQ(counters.upstream_lost.load(), 1U);
}

TEST_F(SessionTest, ABindThatCannotBeCarriedFails) {
  begin();
  esme(pdu(smpp::kBindTransmitter, 3, bind_body("bank")));
  EXPECT_TRUE(session->dials());
  session->on_lost(Side::kSmsc, now);
  EXPECT_EQ(taken(Side::kEsme),
            (std::vector<Seen>{{smpp::kBindTransmitter | smpp::kAnswerBit, smpp::kBindFailed, 3, ""}}));
  EXPECT_EQ(counters.upstream_failed.load(), 1U);
}

TEST_F(SessionTest, NothingButABindPassesBeforeTheSmscAcceptedIt) {
  begin();
  EXPECT_TRUE(esme(pdu(smpp::kSubmit, 5, submit_body("1069", "8613800138002"))).empty());
  EXPECT_EQ(taken(Side::kEsme),
            (std::vector<Seen>{{smpp::kSubmit | smpp::kAnswerBit, smpp::kInvalidBindStatus, 5, ""}}));
  EXPECT_FALSE(session->dials());
}

TEST_F(SessionTest, DeliveryReceiptsAreNeitherJudgedNorCounted) {
  bind();
  std::string receipt = submit_body("8613800138000", "1069", "id:1 stat:DELIVRD");
  receipt[1 + 2 + 14 + 2 + 5] = 0x04;  // esm_class
  const auto passed = smsc(pdu(smpp::kDeliver, 90, receipt));
  ASSERT_EQ(passed.size(), 1U);
  EXPECT_EQ(passed[0].body, receipt);
  EXPECT_EQ(counters.receipts.load(), 1U);
  EXPECT_EQ(counters.delivered.load(), 0U);
  // The same without the mark is a message from a person, and this sender is rejected.
  EXPECT_TRUE(smsc(pdu(smpp::kDeliver, 91, submit_body("8613800138000", "1069"))).empty());
  EXPECT_EQ(taken(Side::kSmsc),
            (std::vector<Seen>{{smpp::kDeliver | smpp::kAnswerBit, smpp::kReceiverRejects, 91, ""}}));
}

TEST_F(SessionTest, BeyondTheWindowRequestsWaitAndAreCarriedInOrder) {
  options.window = 2;
  bind();
  std::string all;
  for (std::uint32_t i = 1; i <= 5; ++i)
    all += pdu(smpp::kSubmit, i, submit_body("1069", "861380013800" + std::to_string(i + 1)));
  const auto first = esme(all);
  ASSERT_EQ(first.size(), 2U);
  EXPECT_EQ(counters.parked.load(), 3U);
  // A link test overtakes.
  EXPECT_EQ(esme(pdu(smpp::kEnquireLink, 99)).size(), 1U);
  session->on_bytes(Side::kSmsc, pdu(smpp::kSubmit | smpp::kAnswerBit, first[1].sequence, std::string("b\0", 2)), now);
  const auto next = taken(Side::kSmsc);
  ASSERT_EQ(next.size(), 1U);
  EXPECT_EQ(next[0].body, submit_body("1069", "8613800138004"));
}

TEST_F(SessionTest, ASideThatFillsItsParkingIsNotReadOnUntilThereIsRoom) {
  options.window = 1;
  options.parked_bytes_max = 200;
  bind();
  std::string all;
  for (std::uint32_t i = 1; i <= 20; ++i) all += pdu(smpp::kSubmit, i, submit_body("1069", "8613800138002"));
  auto asked = esme(all);
  EXPECT_FALSE(session->reads(Side::kEsme));
  std::vector<std::uint32_t> answered;
  while (answered.size() < 20 && !asked.empty()) {
    session->on_bytes(Side::kSmsc, pdu(smpp::kSubmit | smpp::kAnswerBit, asked[0].sequence, std::string("b\0", 2)),
                      now);
    for (const Seen& seen : taken(Side::kEsme)) answered.push_back(seen.sequence);
    asked = taken(Side::kSmsc);
  }
  std::vector<std::uint32_t> expected(20);
  for (std::uint32_t i = 0; i < 20; ++i) expected[i] = i + 1;
  EXPECT_EQ(answered, expected);
  EXPECT_TRUE(session->reads(Side::kEsme));
}

TEST_F(SessionTest, AnAnswerThatNeverComesIsAnErrorAndALateOneIsDropped) {
  options.probe_after = 0ms;
  bind();
  const auto asked = esme(pdu(smpp::kSubmit, 6, submit_body("1069", "8613800138002")));
  after(61s);
  const auto told = taken(Side::kEsme);
  ASSERT_FALSE(told.empty());
  EXPECT_EQ(told[0], (Seen{smpp::kSubmit | smpp::kAnswerBit, smpp::kSystemError, 6, ""}));
  EXPECT_EQ(counters.timeouts.load(), 1U);
  EXPECT_TRUE(smsc(pdu(smpp::kSubmit | smpp::kAnswerBit, asked[0].sequence, std::string("b\0", 2))).empty());
  EXPECT_EQ(counters.strays.load(), 1U);
}

TEST_F(SessionTest, ASilentSideIsProbedAndThenGivenUp) {
  bind();
  after(31s);
  const auto probe = taken(Side::kSmsc);
  ASSERT_EQ(probe.size(), 1U);
  EXPECT_EQ(probe[0].command, smpp::kEnquireLink);
  EXPECT_EQ(taken(Side::kEsme).size(), 1U);
  smsc(pdu(smpp::kEnquireLink | smpp::kAnswerBit, probe[0].sequence));
  after(20s);
  EXPECT_TRUE(session->closes(Side::kEsme)) << "it did not answer";
  EXPECT_FALSE(session->closes(Side::kSmsc)) << "it is unbound first";
  const auto unbind = taken(Side::kSmsc);
  ASSERT_EQ(unbind.size(), 1U);
  EXPECT_EQ(unbind[0].command, smpp::kUnbind);
  smsc(pdu(smpp::kUnbind | smpp::kAnswerBit, unbind[0].sequence));
  EXPECT_TRUE(session->ended());
}

TEST_F(SessionTest, AnUnbindPassesAndBothSidesCloseAfterItsAnswer) {
  bind();
  const auto asked = esme(pdu(smpp::kUnbind, 44));
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(smsc(pdu(smpp::kUnbind | smpp::kAnswerBit, asked[0].sequence)),
            (std::vector<Seen>{{smpp::kUnbind | smpp::kAnswerBit, 0, 44, ""}}));
  EXPECT_TRUE(session->ended());
}

TEST_F(SessionTest, ADrainAnswersWhatWasAskedAndTakesNothingNew) {
  bind();
  const auto asked = esme(pdu(smpp::kSubmit, 1, submit_body("1069", "8613800138002")));
  session->drain(now);
  const auto goodbye = taken(Side::kEsme);
  ASSERT_EQ(goodbye.size(), 1U);
  EXPECT_EQ(goodbye[0].command, smpp::kUnbind);
  EXPECT_TRUE(esme(pdu(smpp::kSubmit, 2, submit_body("1069", "8613800138002"))).empty());
  EXPECT_EQ(taken(Side::kEsme), (std::vector<Seen>{{smpp::kSubmit | smpp::kAnswerBit, smpp::kThrottled, 2, ""}}));
  session->on_bytes(Side::kSmsc, pdu(smpp::kSubmit | smpp::kAnswerBit, asked[0].sequence, std::string("b\0", 2)), now);
  EXPECT_EQ(taken(Side::kEsme).size(), 1U);
  const auto unbind = taken(Side::kSmsc);
  ASSERT_EQ(unbind.size(), 1U);
  EXPECT_EQ(unbind[0].command, smpp::kUnbind);
  smsc(pdu(smpp::kUnbind | smpp::kAnswerBit, unbind[0].sequence));
  EXPECT_TRUE(session->ended());
}

TEST_F(SessionTest, ADrainDoesNotWaitForPeersThatSayNothing) {
  bind();
  const auto asked = esme(pdu(smpp::kSubmit, 1, submit_body("1069", "8613800138002")));
  ASSERT_EQ(asked.size(), 1U);
  session->drain(now);
  taken(Side::kEsme);
  now.steady += std::chrono::milliseconds(1'100);
  session->tick(now);
  EXPECT_FALSE(session->ended());
  now.steady += std::chrono::milliseconds(200);
  session->tick(now);
  EXPECT_TRUE(session->ended());
  EXPECT_EQ(taken(Side::kEsme).size(), 1U) << "what was not answered is told as failed";
}

TEST_F(SessionTest, ALengthThatNoFrameHasEndsTheStreamWithANack) {
  for (const std::uint32_t length : {0U, 15U, 65'537U, 0xffffffffU}) {
    bind();
    std::string bytes;
    Writer(bytes).u32(length).u32(smpp::kSubmit).u32(0).u32(1);
    session->on_bytes(Side::kEsme, bytes, now);
    const auto told = taken(Side::kEsme);
    ASSERT_EQ(told.size(), 1U) << length;
    EXPECT_EQ(told[0].command, smpp::kGenericNack);
    EXPECT_EQ(told[0].status, smpp::kInvalidCommandLength);
    EXPECT_TRUE(session->closes(Side::kEsme));
  }
}

TEST_F(SessionTest, AMessageWhoseFieldsCannotBeReadIsAnsweredWithAnError) {
  bind();
  EXPECT_TRUE(esme(pdu(smpp::kSubmit, 3, std::string(60, 'x'))).empty());
  EXPECT_EQ(taken(Side::kEsme),
            (std::vector<Seen>{{smpp::kSubmit | smpp::kAnswerBit, smpp::kInvalidCommandLength, 3, ""}}));
  EXPECT_EQ(counters.malformed.load(), 1U);
}

TEST_F(SessionTest, OfManyRecipientsOnlyTheRejectedOnesAreLeftOutAndNamedInTheAnswer) {
  bind();
  std::string body;
  Writer w(body);
  w.text("").u8(1).u8(1).text("1069").u8(4);
  for (const char* to : {"8613800138002", "8613800138000"}) w.u8(1).u8(1).u8(1).text(to);
  w.u8(2).text("staff");
  w.u8(1).u8(1).u8(1).text("8613800138010");
  const std::size_t rest = body.size();
  w.u8(0).u8(0).u8(0).text("").text("").u8(0).u8(0).u8(0).u8(0).u8(2).bytes("hi");
  const auto asked = esme(pdu(smpp::kSubmitMulti, 12, body));
  ASSERT_EQ(asked.size(), 1U);
  std::string fewer;
  Writer f(fewer);
  f.text("").u8(1).u8(1).text("1069").u8(2).u8(1).u8(1).u8(1).text("8613800138002").u8(2).text("staff");
  EXPECT_EQ(asked[0].body, fewer + body.substr(rest));
  const auto told = smsc(pdu(smpp::kSubmitMulti | smpp::kAnswerBit, asked[0].sequence, std::string("id\0\0", 4)));
  ASSERT_EQ(told.size(), 1U);
  std::string expected;
  Writer e(expected);
  e.text("id").u8(2);
  for (const char* to : {"8613800138000", "8613800138010"}) e.u8(1).u8(1).text(to).u32(smpp::kSubmitFailed);
  EXPECT_EQ(told[0].body, expected);
  EXPECT_EQ(told[0].sequence, 12U);
}

// Whatever the pieces, orders and losses: every request gets exactly one answer, success only if the SMSC said so, never for
// a rejected one.
TEST_F(SessionTest, EveryRequestIsAnsweredOnceAndNeverMoreKindlyThanTheSmscDid) {
  for (std::uint64_t seed = 1; seed <= 60 && !HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng random(seed);
    options.window = random.between(1, 12);
    options.parked_bytes_max = random.between(100, 2000);
    bind();
    std::string to_send, smsc_to_send;
    std::map<std::uint32_t, bool> rejected, succeeded;  // by the ESME's number
    std::map<std::uint32_t, std::uint32_t> got;
    constexpr std::uint32_t kTotal = 200;
    for (std::uint32_t i = 1000; i < 1000 + kTotal; ++i) {
      const std::uint64_t last = random.below(10);
      rejected[i] = last == 0;
      to_send += pdu(smpp::kSubmit, i, submit_body("1069", "861380013800" + std::to_string(last), std::to_string(i)));
    }
    std::vector<Seen> waiting;  // at the SMSC
    const auto take_answers = [&] {
      for (const Seen& seen : taken(Side::kEsme)) {
        ++got[seen.sequence];
        EXPECT_EQ(seen.command, smpp::kSubmit | smpp::kAnswerBit);
        if (seen.status == 0) {
          EXPECT_TRUE(succeeded.contains(seen.sequence));
          EXPECT_FALSE(rejected[seen.sequence]);
        }
      }
    };
    const auto feed = [&](Side side, std::string& bytes, std::uint64_t most) {
      if (bytes.empty() || !session->reads(side)) return;
      const std::size_t size = std::min<std::size_t>(random.between(1, most), bytes.size());
      session->on_bytes(side, bytes.substr(0, size), now);
      bytes.erase(0, size);
    };
    const bool loses = random.chance(0.3);
    const std::uint64_t lost_at = random.between(20, 500);
    for (std::uint64_t step = 0; step < 100'000 && got.size() < kTotal; ++step) {
      if (loses && step == lost_at) {
        session->on_lost(Side::kSmsc, now);
        take_answers();
        EXPECT_TRUE(session->closes(Side::kEsme));
        break;
      }
      feed(Side::kEsme, to_send, 150);
      for (Seen& seen : taken(Side::kSmsc)) waiting.push_back(std::move(seen));
      EXPECT_LE(waiting.size(), options.window);
      if (!waiting.empty() && random.chance(0.5)) {
        const std::size_t which = random.below(waiting.size());
        const bool good = random.chance(0.8);
        const std::string text = waiting[which].body.substr(waiting[which].body.size() - 4);
        if (good) succeeded[static_cast<std::uint32_t>(std::stoul(text))] = true;
        smsc_to_send += pdu(smpp::kSubmit | smpp::kAnswerBit, waiting[which].sequence,
                            good ? std::string("i\0", 2) : std::string(), good ? 0 : 0x14);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(which));
      }
      feed(Side::kSmsc, smsc_to_send, 60);
      take_answers();
    }
    for (const auto& [sequence, times] : got) EXPECT_EQ(times, 1U) << sequence;
    EXPECT_TRUE(loses || got.size() == kTotal) << got.size();
  }
}

}  // namespace
}  // namespace pandun::sms
