#include "sip/responder.h"

#include <gtest/gtest.h>

#include <set>

#include "sip/test_rig.h"

namespace pandun::sip {
namespace {

using model::NumberKey;

const NumberKey kCaller = NumberKey::e164(8613800138000);

std::string trunk(std::string_view more) {
  return "[[trunk]]\nname = \"t\"\npeers = [\"192.0.2.0/24\"]\ntrusted = true\nnext_hop = \"198.51.100.7:5062\"\n" +
         std::string(more);
}

TEST(Responder, AllowIsARedirectToTheNextHop) {
  Rig rig;
  rig.reject({});
  const Reply reply = rig.send(Invite{}.text());
  EXPECT_EQ(reply.status_line(), "SIP/2.0 302 Moved Temporarily");
  EXPECT_EQ(reply.header("Contact"), "<sip:+8613900139000@198.51.100.7:5062;verdict=allow;user=phone>");
  EXPECT_EQ(reply.header("X-Pandun-Verdict"), "allow");
  EXPECT_EQ(reply.header("X-Pandun-Reason"), "clear");
  EXPECT_EQ(reply.header("Call-ID"), "c1@x");
  EXPECT_EQ(reply.header("CSeq"), "1 INVITE");
  EXPECT_EQ(reply.header("From"), "<sip:+8613800138000@192.0.2.1>;tag=f1");
  EXPECT_TRUE(reply.header("To").starts_with("<sip:+8613900139000@198.51.100.1>;tag=pd"));
  EXPECT_FALSE(reply.has("Expires"));
}

TEST(Responder, AMeasureInForceIsDeclined) {
  Rig rig;
  rig.reject({kCaller});
  const Reply reply = rig.send(Invite{}.text());
  EXPECT_EQ(reply.status_line(), "SIP/2.0 603 Decline");
  EXPECT_EQ(reply.header("X-Pandun-Reason"), "measure_in_force");
  EXPECT_TRUE(reply.header("X-Pandun-Decision").starts_with("d-"));
}

TEST(Responder, AWarningIsAllowedWithItsVerdict) {
  Rig rig;
  rig.reject({kCaller}, decide::Verdict::kWarn);
  const Reply reply = rig.send(Invite{}.text());
  EXPECT_EQ(reply.status(), 302);
  EXPECT_TRUE(reply.header("Contact").find(";verdict=warn") != std::string::npos);
  EXPECT_EQ(reply.header("X-Pandun-Verdict"), "warn");
}

TEST(Responder, AllowFormsOfATrunk) {
  for (const auto& [form, status] : {std::pair{"302", 302}, {"503", 503}, {"404", 404}}) {
    Rig rig(trunk(std::string("allow = \"") + form + "\"\n"));
    const Reply reply = rig.send(Invite{}.text());
    EXPECT_EQ(reply.status(), status);
    EXPECT_FALSE(reply.has("Retry-After")) << "a 503 that lets a call pass must not take us out of service";
  }
}

TEST(Responder, RejectFormsOfATrunk) {
  for (const auto& [form, line] : {std::pair{"603", "603 Decline"},
                                   {"403", "403 Forbidden"},
                                   {"404", "404 Not Found"},
                                   {"480", "480 Temporarily Unavailable"},
                                   {"486", "486 Busy Here"}}) {
    Rig rig(trunk(std::string("reject = \"") + form + "\"\n"));
    rig.reject({kCaller});
    EXPECT_EQ(rig.send(Invite{}.text()).status_line(), std::string("SIP/2.0 ") + line);
  }
}

TEST(Responder, NetworkBlockedSaysWhomToAskAndUnderWhichId) {
  Rig rig(
      trunk("reject = \"603+\"\nredress_url = \"https://redress.example/a\"\nredress_tel = \"+861000\"\n"
            "blocked_at = \"RLN\"\n"));
  rig.reject({kCaller});
  const Reply reply = rig.send(Invite{}.text());
  EXPECT_EQ(reply.status_line(), "SIP/2.0 603 Network Blocked");
  const std::string id = reply.header("X-Pandun-Decision");
  EXPECT_EQ(reply.header("Reason"),
            "SIP;cause=603;text=\"v=analytics1;url=https://redress.example/a;tel=+861000;id=" + id + "\";location=RLN");
}

TEST(Responder, FactsAreDeclinedInTheirOwnForm) {
  Rig rig(trunk("reject = \"603+\"\nredress_url = \"https://r.example\"\nreject_fact = \"404\"\n"));
  rig.reject({});
  Invite invite;
  invite.from = "<sip:+12345678901234567890@192.0.2.1>;tag=f1";  // longer than any number can be
  EXPECT_EQ(rig.send(invite.text()).status(), 404);
}

TEST(Responder, RejectedPointsToItsCardOnlyWhereThePathKnowsIt) {
  const std::string toml = trunk("reject = \"608\"\njcard_url = \"https://r.example/redress/jcard/t\"\n");
  Rig rig(toml);
  rig.reject({kCaller});
  Invite invite;
  EXPECT_EQ(rig.send(invite.text()).status(), 603);
  invite.more = "Feature-Caps: *;+sip.608\r\n";
  invite.call_id = "c2@x";
  const Reply reply = rig.send(invite.text());
  EXPECT_EQ(reply.status_line(), "SIP/2.0 608 Rejected");
  EXPECT_EQ(reply.header("Call-Info"), "<https://r.example/redress/jcard/t>;purpose=jwscard");
}

TEST(Responder, StrangersAreNotAnswered) {
  Rig rig;
  EXPECT_EQ(rig.send(Invite{}.text(), "203.0.113.9").departure.bytes, 0U);
  EXPECT_EQ(rig.figures.of(Count::kStrangers), 1U);
  EXPECT_EQ(rig.figures.of(Count::kInvites), 0U);
}

TEST(Responder, ARepeatedInviteGetsTheSameBytesAndIsCountedOnce) {
  Rig rig;
  rig.reject({kCaller});
  const Reply first = rig.send(Invite{}.text());
  rig.now.wall.ms += 500;
  const Reply again = rig.send(Invite{}.text());
  EXPECT_EQ(first.text, again.text);
  EXPECT_EQ(rig.figures.of(Count::kRejected), 1U);
  EXPECT_EQ(rig.figures.of(Count::kRepeated), 1U);
}

// The words of a repeated answer are asked for again; what was decided is counted once, at the door and in the decision room.
TEST(Responder, TheDecisionRoomCountsARepeatedCallOnce) {
  Rig rig;
  rig.reject({kCaller});
  for (int i = 0; i < 7; ++i) rig.send(Invite{}.text());
  const decide::Decider::Figures figures = rig.decider.figures();
  EXPECT_EQ(figures.by_verdict[static_cast<std::size_t>(decide::Verdict::kReject)], 1U);
  EXPECT_EQ(figures.by_reason[static_cast<std::size_t>(decide::Reason::kMeasureInForce)], 1U);
}

// A hold may hit only whom the trunk vouches for: over any other the number may be another person's.
TEST(Responder, AHoldAppliesOverATrustedTrunkOnly) {
  for (const bool trusted : {true, false}) {
    std::string toml = trunk("");
    if (!trusted) toml.replace(toml.find("true"), 4, "false");
    Rig rig(toml);
    decide::SnapshotInput input;
    decide::Policy hold;
    hold.id = "burst";
    hold.enabled = hold.hold = true;
    hold.measure = decide::Measured::kCallerMinute;
    hold.above = 3;
    hold.hold_s = 60;
    hold.holds_per_hour_max = 10;
    hold.approved_by = {"a", "b"};
    hold.expires_at = WallMs{4'000'000'000'000};
    input.policies.push_back(hold);
    rig.decider.publish(std::move(input));
    Reply last;
    for (int i = 0; i < 6; ++i) {
      Invite invite;
      invite.call_id = "c" + std::to_string(i);
      last = rig.send(invite.text());
    }
    EXPECT_EQ(last.header("X-Pandun-Reason"), trusted ? "policy_hold" : "policy_warn");
    EXPECT_EQ(last.status(), trusted ? 603 : 302);
  }
}

TEST(Responder, ALiftedMeasureDoesNotChangeACallThatWasAnswered) {
  Rig rig;
  rig.reject({kCaller});
  EXPECT_EQ(rig.send(Invite{}.text()).status(), 603);
  rig.reject({});
  EXPECT_EQ(rig.send(Invite{}.text()).status(), 603);
  Invite next;
  next.call_id = "c2@x";
  EXPECT_EQ(rig.send(next.text()).status(), 302) << "the next call sees it at once";
  rig.now.wall.ms += 33'000;
  EXPECT_EQ(rig.send(Invite{}.text()).status(), 302) << "32 seconds later it is a new call";
}

TEST(Responder, AForkOfTheSameCallIsNotCountedAgain) {
  Rig rig;
  rig.send(Invite{}.text());
  Invite fork;
  fork.branch = "z9hG4bKother";
  EXPECT_EQ(rig.send(fork.text()).status(), 302);
  EXPECT_EQ(rig.figures.of(Count::kRepeated), 1U);
}

TEST(Responder, AnotherCallerUnderTheSameCallIsAnotherQuestion) {
  Rig rig;
  rig.reject({kCaller});
  Invite clean;
  clean.from = "<sip:+8613700137000@192.0.2.1>;tag=f1";
  EXPECT_EQ(rig.send(clean.text()).status(), 302);
  EXPECT_EQ(rig.send(Invite{}.text()).status(), 603) << "an allowed call must not lend its answer";
}

TEST(Responder, ToTagIsStableUnguessableAndDiffersByCall) {
  Rig rig, other;
  Invite second;
  second.call_id = "c2@x";
  const std::string tag = rig.send(Invite{}.text()).header("To");
  EXPECT_EQ(tag, rig.send(Invite{}.text()).header("To"));
  EXPECT_NE(tag, rig.send(second.text()).header("To"));
  EXPECT_EQ(tag, other.send(Invite{}.text()).header("To")) << "the same secret, the same tag";
}

TEST(Responder, CancelIsKnownOrNot) {
  Rig rig;
  Invite cancel;
  cancel.method = "CANCEL";
  cancel.cseq = "1 CANCEL";
  EXPECT_EQ(rig.send(cancel.text()).status(), 481);
  rig.send(Invite{}.text());
  EXPECT_EQ(rig.send(cancel.text()).status(), 200);
}

TEST(Responder, MethodsOutsideACall) {
  for (const auto& [method, status] : {std::pair{"ACK", 0},
                                       {"BYE", 481},
                                       {"PRACK", 481},
                                       {"UPDATE", 481},
                                       {"INFO", 481},
                                       {"REGISTER", 405},
                                       {"SUBSCRIBE", 405},
                                       {"PUBLISH", 405},
                                       {"FROBNICATE", 501},
                                       {"OPTIONS", 200},
                                       {"MESSAGE", 302}}) {
    Rig rig;
    Invite request;
    request.method = method;
    request.cseq = std::string("1 ") + method;
    EXPECT_EQ(rig.send(request.text()).status(), status) << method;
  }
}

TEST(Responder, ResponsesAndNoiseAreNotAnswered) {
  Rig rig;
  EXPECT_EQ(rig.send("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 192.0.2.1\r\n\r\n").departure.bytes, 0U);
  EXPECT_EQ(rig.send("\r\n\r\n").departure.bytes, 0U);
  EXPECT_EQ(rig.send(std::string_view("\0\0\0\0", 4)).departure.bytes, 0U);
  EXPECT_EQ(rig.send("").departure.bytes, 0U);
  EXPECT_EQ(rig.send("GET / HTTP/1.1\r\n\r\n").departure.bytes, 0U);
}

TEST(Responder, DrainingTurnsSwitchesAwayAndStillAnswersCalls) {
  Rig rig;
  rig.responder->drain();
  Invite options;
  options.method = "OPTIONS";
  options.cseq = "1 OPTIONS";
  const Reply reply = rig.send(options.text());
  EXPECT_EQ(reply.status(), 503);
  EXPECT_FALSE(reply.header("Retry-After").empty());
  EXPECT_EQ(rig.send(Invite{}.text()).status(), 302);
}

TEST(Responder, WhereTheAnswerGoes) {
  Rig rig(trunk(""));
  Invite invite;
  Reply reply = rig.send(invite.text(), "192.0.2.1", 40000);
  EXPECT_EQ(reply.departure.port, 5060) << "the port that Via names";
  EXPECT_FALSE(reply.has("received"));
  invite.via = "SIP/2.0/UDP 192.0.2.1:5070";
  EXPECT_EQ(rig.send(invite.text(), "192.0.2.1", 40000).departure.port, 5070);
  invite.via = "SIP/2.0/UDP 192.0.2.1:5070;rport";
  reply = rig.send(invite.text(), "192.0.2.1", 40000);
  EXPECT_EQ(reply.departure.port, 40000);
  EXPECT_EQ(reply.header("Via"), "SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bK1;received=192.0.2.1;rport=40000");
  invite.via = "SIP/2.0/UDP switch.example;received=203.0.113.1;maddr=203.0.113.2";
  reply = rig.send(invite.text(), "192.0.2.1", 40000);
  EXPECT_EQ(reply.departure.to, ip("192.0.2.1")) << "never where the request says";
  EXPECT_EQ(reply.header("Via"), "SIP/2.0/UDP switch.example;maddr=203.0.113.2;branch=z9hG4bK1;received=192.0.2.1");
}

TEST(Responder, OverTheTrunksRateIsSaidWhereItCannotMeanAllow) {
  Rig rig(trunk("rate = 10\nburst = 2\n"));
  Invite invite;
  std::vector<int> statuses;
  for (int i = 0; i < 4; ++i) {
    invite.call_id = "c" + std::to_string(i);
    statuses.push_back(rig.send(invite.text()).status());
  }
  EXPECT_EQ(statuses, (std::vector<int>{302, 302, 503, 503}));
  rig.now.steady += std::chrono::milliseconds(100);
  invite.call_id = "later";
  EXPECT_EQ(rig.send(invite.text()).status(), 302);
  Rig silent(trunk("rate = 1\nburst = 1\nallow = \"503\"\n"));
  silent.send(Invite{}.text());
  EXPECT_EQ(silent.send(invite.text()).departure.bytes, 0U);
}

TEST(Responder, WhatWaitedTooLongIsLeftToItsRepetition) {
  Rig rig;
  rig.age = std::chrono::milliseconds(101);
  EXPECT_EQ(rig.send(Invite{}.text()).departure.bytes, 0U);
  EXPECT_EQ(rig.figures.of(Count::kLate), 1U);
}

TEST(Responder, UnwantedIsConsumedNeverSent) {
  Rig rig;
  Invite bye;
  bye.method = "BYE";
  bye.cseq = "2 BYE";
  bye.more = "Reason: SIP;cause=607;text=\"Unwanted\"\r\n";
  EXPECT_EQ(rig.send(bye.text()).status(), 481);
  EXPECT_EQ(rig.figures.of(Count::kUnwanted), 1U);
}

TEST(Responder, WhatWasReadAheadGetsTheSameAnswer) {
  Rig one, ahead;
  one.reject({model::NumberKey::opaque("x")});
  ahead.reject({model::NumberKey::opaque("x")});
  std::vector<std::string> batch;
  for (int i = 0; i < 9; ++i) {
    Invite invite;
    invite.call_id = "ahead" + std::to_string(i / 2);  // each second repeats the one before
    if (i == 3) invite.method = "OPTIONS", invite.cseq = "1 OPTIONS";
    if (i == 5) invite.cseq = "bad";
    batch.push_back(i == 6 ? "SIP/2.0 200 OK\r\n\r\n" : i == 7 ? "\r\n\r\n" : invite.text());
  }
  const auto arrival = [&](std::size_t i) {
    return Arrival{batch[i], ip(i == 8 ? "203.0.113.9" : "192.0.2.1"), 5999, Transport::kUdp, {}};
  };
  constexpr std::size_t kLead = Responder::kAhead - 1;
  for (std::size_t i = 0; i < kLead; ++i) ahead.responder->read_ahead(arrival(i), i);
  std::vector<char> room(8192);
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i + kLead < batch.size()) ahead.responder->read_ahead(arrival(i + kLead), i + kLead);
    const Departure out = ahead.responder->answer(arrival(i), ahead.now, room, i);
    const Reply plain = one.send(batch[i], i == 8 ? "203.0.113.9" : "192.0.2.1");
    EXPECT_EQ(std::string(room.data(), out.bytes), plain.text) << i;
  }
  for (std::size_t i = 0; i < kCounts; ++i)
    EXPECT_EQ(ahead.figures.of(static_cast<Count>(i)), one.figures.of(static_cast<Count>(i))) << kCountNames[i];
}

TEST(Responder, AnAnswerIsNeverMuchLargerThanItsQuestion) {
  Rig rig(trunk("reject = \"603+\"\nredress_url = \"https://redress.example/a\"\n"));
  rig.reject({kCaller});
  const std::string request = Invite{}.text();
  EXPECT_LT(rig.send(request).text.size(), request.size() + 600);
}

const char* const kProxyTrunks =
    "[[trunk]]\nname = \"isc\"\npeers = [\"192.0.2.0/24\"]\ntrusted = true\nallow = \"proxy\"\n"
    "next_hop = \"192.0.2.50:5060\"\n";
ResponderOptions proxy_options() {
  ResponderOptions options;
  options.self = {ip("198.51.100.1"), 5060, "198.51.100.1:5060"};
  return options;
}

TEST(Proxy, AnAllowedCallGoesBackByItsRoute) {
  Rig rig(kProxyTrunks, proxy_options());
  Invite invite;
  invite.more = "Route: <sip:198.51.100.1:5060;lr>, <sip:odi-77@192.0.2.9:5066;lr>\r\nX-Pandun-Verdict: forged\r\n";
  invite.body = "v=0\r\n";
  const Reply reply = rig.send(invite.text());
  EXPECT_TRUE(reply.text.starts_with("INVITE sip:+8613900139000@198.51.100.1;user=phone SIP/2.0\r\n"));
  EXPECT_EQ(reply.departure.to, ip("192.0.2.9"));
  EXPECT_EQ(reply.departure.port, 5066);
  EXPECT_EQ(reply.header("Route"), "<sip:odi-77@192.0.2.9:5066;lr>");
  EXPECT_EQ(reply.header("Max-Forwards"), "69");
  EXPECT_EQ(reply.header("X-Pandun-Verdict"), "allow");
  EXPECT_FALSE(reply.has("forged"));
  EXPECT_TRUE(reply.header("Via").starts_with("SIP/2.0/UDP 198.51.100.1:5060;branch=z9hG4bKpd"));
  EXPECT_TRUE(reply.text.ends_with("\r\n\r\nv=0\r\n"));
  EXPECT_EQ(reply.text, rig.send(invite.text()).text) << "a repetition takes the same branch";
}

TEST(Proxy, AnAnswerFindsItsWayBackAndAForgedOneDoesNot) {
  Rig rig(kProxyTrunks, proxy_options());
  const Reply sent = rig.send(Invite{}.text());
  const auto vias = [&] {
    const std::size_t begin = sent.text.find("\r\nVia: ") + 2;
    const std::size_t second = sent.text.find("Via: ", begin + 5);
    return sent.text.substr(begin, sent.text.find("\r\n", second) + 2 - begin);
  }();
  const std::string tail = "From: <sip:a@b>;tag=f1\r\nTo: <sip:c@d>;tag=x\r\nCall-ID: c1@x\r\nCSeq: 1 INVITE\r\n\r\n";
  const Reply back = rig.send("SIP/2.0 607 Unwanted\r\n" + vias + tail, "192.0.2.50");
  EXPECT_EQ(back.status_line(), "SIP/2.0 607 Unwanted");
  EXPECT_EQ(back.departure.to, ip("192.0.2.1"));
  EXPECT_EQ(back.departure.port, 5060);
  EXPECT_TRUE(back.header("Via").starts_with("SIP/2.0/UDP 192.0.2.1:5060"));
  EXPECT_EQ(rig.figures.of(Count::kUnwanted), 1U);
  EXPECT_EQ(rig.send("SIP/2.0 200 OK\r\n" + vias + tail, "192.0.2.50", 5999, Transport::kTcp).departure.bytes, 0U)
      << "a stream leads back to its sender alone";
  std::string forged = vias;
  forged[forged.find("z9hG4bKpd") + 9] ^= 1;
  EXPECT_EQ(rig.send("SIP/2.0 200 OK\r\n" + forged + tail, "192.0.2.50").departure.bytes, 0U);
}

TEST(Proxy, CancelAndAckFollowAnAllowedCallOnly) {
  Rig rig(kProxyTrunks, proxy_options());
  rig.reject({kCaller});
  Invite invite, clean;
  clean.from = "<sip:+8613700137000@192.0.2.1>;tag=f1";
  clean.call_id = "c2@x";
  EXPECT_EQ(rig.send(invite.text()).status(), 603);
  const std::string branch = rig.send(clean.text()).header("Via");
  for (const char* method : {"CANCEL", "ACK"}) {
    for (Invite* one : {&invite, &clean}) {
      Invite follow = *one;
      follow.method = method;
      follow.cseq = std::string("1 ") + method;
      const Reply reply = rig.send(follow.text());
      if (one == &clean) {
        EXPECT_EQ(reply.header("Via"), branch);
      } else {
        EXPECT_EQ(reply.status(), follow.method == "ACK" ? 0 : 200);
        EXPECT_FALSE(reply.text.starts_with("ACK"));
      }
    }
  }
}

TEST(Proxy, HopsAndLoopsEnd) {
  Rig rig(kProxyTrunks, proxy_options());
  Invite invite;
  std::string spent = invite.text();
  spent.replace(spent.find("Max-Forwards: 70"), 16, "Max-Forwards: 0");
  EXPECT_EQ(rig.send(spent).status(), 483);
  Invite loop;
  loop.call_id = "c9";
  loop.via = "SIP/2.0/UDP 198.51.100.1:5060";
  loop.branch = "z9hG4bKpd0000";
  EXPECT_EQ(rig.send(loop.text()).status(), 482);
}

}  // namespace
}  // namespace pandun::sip
