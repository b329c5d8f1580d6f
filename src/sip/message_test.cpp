#include "sip/message.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "sip/siphash.h"
#include "sip/test_rig.h"

namespace pandun::sip {
namespace {

struct Read {
  explicit Read(std::string text) : bytes(std::move(text)), message(std::make_unique<Message>()) {
    fault = parse(bytes, limits, *message);
  }
  Limits limits{};
  std::string bytes;
  std::unique_ptr<Message> message;
  Fault fault{};
};

std::string with(std::string text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

TEST(Message, ReadsWhatADecisionNeeds) {
  const Read read(Invite{}.text());
  ASSERT_FALSE(read.fault) << read.fault.reason;
  const Message& m = *read.message;
  EXPECT_EQ(m.method, Method::kInvite);
  EXPECT_EQ(m.target.user, "+8613900139000");
  EXPECT_EQ(m.from.uri.user, "+8613800138000");
  EXPECT_EQ(m.from.tag, "f1");
  EXPECT_EQ(m.via.branch, "z9hG4bK1");
  EXPECT_EQ(m.via.port, 5060);
  EXPECT_EQ(m.cseq, 1U);
  EXPECT_EQ(m.value(Name::kCallId), "c1@x");
}

TEST(Message, CompactFormsCaseAndFoldingAreTheSameMessage) {
  const Read read(
      "INVITE sip:a@b SIP/2.0\r\nv: SIP / 2.0 / UDP\r\n h ;branch = z9hG4bKx\r\nF:\r\n\t\"A, \\\" <B>\"<sip:x@y> ; "
      "TAG=1\r\n"
      "t: sip:a@b\r\nI :c\r\ncSEQ: 4294967295\r\n INVITE\r\nL: 0\r\n\r\n");
  ASSERT_FALSE(read.fault) << read.fault.reason;
  EXPECT_EQ(read.message->via.branch, "z9hG4bKx");
  EXPECT_EQ(read.message->from.uri.user, "x");
  EXPECT_EQ(read.message->from.tag, "1");
  EXPECT_EQ(read.message->cseq, 4294967295U);
}

TEST(Message, TwoReadersMustNotSeeTwoCallers) {
  const std::string good = Invite{}.text();
  const auto status = [](const std::string& text) { return Read(text).fault.status; };
  EXPECT_EQ(status(with(good, "Call-ID:", "From: <sip:+8610@h>;tag=2\r\nCall-ID:")), 400);
  EXPECT_EQ(status(with(good, "Call-ID:", "f: <sip:+8610@h>;tag=2\r\nCall-ID:")), 400);
  EXPECT_EQ(status(with(good, "<sip:+8613800138000@192.0.2.1>;tag=f1", "<sip:a@h>;tag=1, <sip:b@h>;tag=2")), 400);
  EXPECT_EQ(status(with(good, "<sip:+8613800138000@192.0.2.1>", "<sip:a@evil@h>")), 400);
  EXPECT_EQ(status(with(good, ";tag=f1", ";tag=f1;tag=f2")), 400);
  EXPECT_EQ(status(with(good, "Call-ID:", "X: 1\nFrom: <sip:+8610@h>;tag=2\r\nCall-ID:")), 400) << "a bare LF";
  EXPECT_EQ(status(with(good, "Call-ID:", "X: 1\rFrom: <sip:+8610@h>;tag=2\r\nCall-ID:")), 400) << "a bare CR";
  EXPECT_EQ(status(with(good, "<sip:+8613800138000@192.0.2.1>;tag=f1", "\"x <sip:a@h>;tag=1")), 400);
  EXPECT_EQ(status(with(good, "Content-Length: 0", "Content-Length: 0\r\nl: 0")), 400);
}

TEST(Message, EachRuleHasItsAnswer) {
  const std::string good = Invite{}.text();
  const auto status = [&](std::string_view what, std::string_view by) {
    return Read(with(good, what, by)).fault.status;
  };
  EXPECT_EQ(status("SIP/2.0\r\n", "SIP/7.0\r\n"), 505);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "http://x/"), 416);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "<sip:a@b>"), 400);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "sip:a@b; lr"), 400);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", " sip:a@b"), 400);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "sip:a@b?Route=x"), 400);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "sip:2001:db8::10"), 400);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "sip:a%4@b"), 400);
  EXPECT_EQ(status("sip:+8613900139000@198.51.100.1;user=phone", "tel:+86-139"), 0);
  EXPECT_EQ(status("Max-Forwards: 70", "Max-Forwards: 256"), 400);
  EXPECT_EQ(status("Max-Forwards: 70", "Max-Forwards: 0"), 0);
  EXPECT_EQ(status("Max-Forwards: 70\r\n", ""), 0);
  EXPECT_EQ(status("CSeq: 1 INVITE", "CSeq: 4294967296 INVITE"), 400);
  EXPECT_EQ(status("CSeq: 1 INVITE", "CSeq: 1 BYE"), 400);
  EXPECT_EQ(status("CSeq: 1 INVITE", "CSeq: INVITE"), 400);
  EXPECT_EQ(status("Content-Length: 0", "Content-Length: -1"), 400);
  EXPECT_EQ(status("Content-Length: 0", "Content-Length: 9999"), 400);
  EXPECT_EQ(status("Content-Length: 0\r\n\r\n", "Content-Length: 0\r\n\r\ntrailing"), 0);
  EXPECT_EQ(status("Call-ID: c1@x\r\n", ""), 400);
  EXPECT_EQ(status("Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1", "Via: SIP/2.0/UDP 192.0.2.15;;,;,,"), 400);
  EXPECT_EQ(status(";branch=z9hG4bK1", ";branch=z9hG4bK"), 400);
  EXPECT_EQ(status("<sip:+8613800138000@192.0.2.1>;tag=f1", "Bell, A <sip:a@b>;tag=1"), 400);
  EXPECT_EQ(status("<sip:+8613800138000@192.0.2.1>;tag=f1", "\"W\" < sip:a@b >;tag=1"), 400);
  EXPECT_EQ(status("\r\n\r\n", "\r\n"), 400);
  EXPECT_EQ(Read(with(with(good, "INVITE sip", "FROB sip"), "CSeq: 1 INVITE", "CSeq: 1 INVITE")).fault.status, 501);
}

TEST(Message, LimitsAreAnsweredNotCut) {
  Invite invite;
  for (int i = 0; i < 130; ++i) invite.more += "X-" + std::to_string(i) + ": y\r\n";
  EXPECT_EQ(Read(invite.text()).fault.status, 400);
  invite.more.clear();
  for (int i = 0; i < 71; ++i) invite.more += "Via: SIP/2.0/UDP h\r\n";
  EXPECT_EQ(Read(invite.text()).fault.status, 400);
  invite.more.clear();
  invite.target = "sip:" + std::string(2000, '1') + "@h";
  EXPECT_EQ(Read(invite.text()).fault.status, 414);
  invite.target = "sip:1@h";
  for (int i = 0; i < 11; ++i) invite.more += "Identity: a..b;info=<https://x>\r\n";
  EXPECT_EQ(Read(invite.text()).fault.status, 400);
}

// Any byte of a good message changed, removed or doubled: an answer or silence, and spans that lie inside the message.
TEST(Message, AnyChangedByteIsReadSafely) {
  const std::uint64_t seed = 7;
  Prng random(seed);
  Invite invite;
  invite.more =
      "P-Asserted-Identity: \"A\" <sip:+8613800138000@h;user=phone>, tel:+8613800138000\r\nDiversion: <tel:+8610>\r\n";
  invite.body = "v=0\r\n";
  const std::string good = invite.text();
  auto message = std::make_unique<Message>();
  Rig rig;
  for (int i = 0; i < 20000; ++i) {
    std::string text = good;
    for (std::uint64_t n = random.below(4) + 1; n > 0; --n) {
      const std::size_t at = random.below(text.size());
      switch (random.below(3)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, 1 + random.below(8));
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(20)));
      }
      if (text.empty()) text = "x";
    }
    parse(text, Limits{}, *message);
    for (std::size_t f = 0; f < message->field_count; ++f) {
      ASSERT_GE(message->fields[f].line.data(), text.data()) << "seed " << seed << " round " << i;
      ASSERT_LE(message->fields[f].line.end(), text.data() + text.size()) << "seed " << seed << " round " << i;
    }
    const Reply reply = rig.send(text);
    ASSERT_LE(reply.text.size(), text.size() + 1000) << "seed " << seed << " round " << i;
  }
}

TEST(SipHash, FollowsThePaper) {
  SipHash a({1, 2}), b({1, 2}), c({1, 3});
  EXPECT_EQ(a.add("ab").add("c").value(), b.add("ab").add("c").value());
  EXPECT_NE(SipHash({1, 2}).add("ab").add("c").value(), SipHash({1, 2}).add("a").add("bc").value());
  EXPECT_NE(SipHash({1, 2}).add("abc").value(), c.add("abc").value());
  // Appendix A's table, length 1: the single byte 00, which is what an empty span adds.
  SipHash hash({0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL});
  EXPECT_EQ(hash.add("").value(), 0x74f839c593dc67fdULL);
}

}  // namespace
}  // namespace pandun::sip
