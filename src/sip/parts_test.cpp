// The small parts: URIs, numbers, callers, trunks, the memory of recent calls, rates and framing.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "sip/caller.h"
#include "sip/recent_calls.h"
#include "sip/stream_framer.h"
#include "sip/test_rig.h"
#include "sip/token_bucket.h"

namespace pandun::sip {
namespace {

std::string number(std::string_view uri_text, bool expect_number = true) {
  Uri uri;
  EXPECT_TRUE(parse_uri(uri_text, uri)) << uri_text;
  NumberText text;
  text.read(uri);
  EXPECT_EQ(text.number, expect_number) << uri_text;
  return std::string(text.view());
}

TEST(Number, IsReadFromEveryForm) {
  EXPECT_EQ(number("sip:+8613800138000@h;user=phone"), "+8613800138000");
  EXPECT_EQ(number("sip:%2B8613800138000@h"), "+8613800138000");
  EXPECT_EQ(number("tel:+86-138-0013-8000"), "+8613800138000");
  EXPECT_EQ(number("tel:13800138000;phone-context=+86"), "+8613800138000");
  EXPECT_EQ(number("tel:13800138000;phone-context=example.com"), "13800138000");
  EXPECT_EQ(number("sip:+8613800138000;npdi;rn=+8610@h;user=phone"), "+8613800138000");
  EXPECT_EQ(number("sip:13800138000;phone-context=+86@h;user=phone"), "+8613800138000");
  EXPECT_EQ(number("sip:(0571)8888-8888@h"), "057188888888");
  EXPECT_EQ(number("sip:*21#@h"), "*21#");
  EXPECT_EQ(number("sip:alice@h", false), "alice");
  EXPECT_EQ(number("sip:+86x138@h", false), "+86x138");
}

TEST(Number, AnEscapedNulDoesNotShortenIt) {
  EXPECT_EQ(number("sip:+8610%0013800138000@h", false), std::string("+8610\0"
                                                                    "13800138000",
                                                                    17));
}

TEST(Number, WhatIsTooLongIsNoNumberRatherThanAShorterOne) {
  number("sip:" + std::string(200, '1') + "@h", false);
}

struct Asked {
  Asked(std::string from, std::string more, bool trusted) {
    Invite invite;
    invite.from = std::move(from);
    invite.more = std::move(more);
    bytes = invite.text();
    EXPECT_FALSE(parse(bytes, Limits{}, *message));
    Trunk trunk;
    trunk.trusted = trusted;
    read_parties(*message, trunk, parties);
  }
  std::string bytes;
  std::unique_ptr<Message> message = std::make_unique<Message>();
  Parties parties;
};

TEST(Caller, AssertedIsBelievedFromATrustedTrunkOnly) {
  const std::string from = "<sip:+8613700000000@h>;tag=1", more = "P-Asserted-Identity: <sip:+8613800138000@h>\r\n";
  const Asked trusted(from, more, true), stranger(from, more, false);
  EXPECT_EQ(trusted.parties.caller.view(), "+8613800138000");
  EXPECT_EQ(trusted.parties.source, CallerFrom::kAsserted);
  EXPECT_TRUE(trusted.parties.asserted_differs);
  EXPECT_EQ(stranger.parties.caller.view(), "+8613700000000");
  EXPECT_EQ(stranger.parties.source, CallerFrom::kFrom);
}

TEST(Caller, PrivacyHidesNothingFromTheDecision) {
  const Asked asked("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag=1",
                    "P-Asserted-Identity: \"x\" <sip:a@b>, <tel:+8613800138000>\r\nPrivacy: id\r\n", true);
  EXPECT_EQ(asked.parties.caller.view(), "+8613800138000") << "a number is better than a name";
  EXPECT_TRUE(asked.parties.privacy);
  const Asked bare("<sip:anonymous@anonymous.invalid>;tag=1", "", true);
  EXPECT_EQ(bare.parties.source, CallerFrom::kWithheld);
  const Asked legacy("<sip:anonymous@anonymous.invalid>;tag=1", "Remote-Party-ID: <sip:+8610@h>;privacy=full\r\n",
                     true);
  EXPECT_EQ(legacy.parties.caller.view(), "+8610");
}

TEST(Caller, TheCalleeIsTheRequestUri) {
  const Asked asked("<sip:+8610@h>;tag=1", "", true);
  EXPECT_EQ(asked.parties.callee.view(), "+8613900139000");
}

TEST(Caller, ForwardingIsSeen) {
  const Asked diversion("<sip:+8610@h>;tag=1", "Diversion: <tel:+8622>;reason=no-answer, <tel:+8621>\r\n", true);
  EXPECT_EQ(diversion.parties.diversions, 2);
  EXPECT_EQ(diversion.parties.diverted_by.view(), "+8622") << "the first is the last forwarder";
  const Asked history("<sip:+8610@h>;tag=1",
                      "History-Info: <sip:+8621@h>;index=1, <sip:+8622@h?Reason=SIP%3Bcause%3D302>;index=1.1\r\n"
                      "History-Info: <sip:+8623@h>;index=1.1.1\r\n",
                      true);
  EXPECT_EQ(history.parties.diversions, 2);
  EXPECT_EQ(history.parties.diverted_by.view(), "+8622");
}

TEST(Caller, VerstatOfATrustedNeighbourIsRead) {
  const std::string pai = "P-Asserted-Identity: <sip:+8610;verstat=TN-Validation-Failed@h;user=phone>\r\n";
  EXPECT_EQ(Asked("<sip:+8610@h>;tag=1", pai, true).parties.verstat, Verstat::kFailed);
  EXPECT_EQ(Asked("<sip:+8610@h;verstat=TN-Validation-Passed>;tag=1", "", true).parties.verstat, Verstat::kPassed);
  EXPECT_EQ(Asked("<sip:+8610@h;verstat=TN-Validation-Passed>;tag=1", "", false).parties.verstat, Verstat::kNone);
}

TEST(Trunks, TheLongestPrefixWins) {
  const auto trunks = Trunks::load("t",
                                   "[[trunk]]\nname=\"a\"\npeers=[\"10.0.0.0/8\",\"2001:db8::/32\"]\nallow=\"404\"\n"
                                   "[[trunk]]\nname=\"b\"\npeers=[\"10.1.2.3\",\"10.1.0.0/16\"]\nallow=\"404\"\n");
  ASSERT_TRUE(trunks.ok()) << trunks.error().text();
  EXPECT_EQ(trunks->find(ip("10.9.9.9"))->name, "a");
  EXPECT_EQ(trunks->find(ip("10.1.9.9"))->name, "b");
  EXPECT_EQ(trunks->find(ip("2001:db8:1::1"))->name, "a");
  EXPECT_EQ(trunks->find(ip("11.0.0.1")), nullptr);
}

TEST(Trunks, EveryFaultIsNamedWithItsPlace) {
  const auto trunks =
      Trunks::load("t.toml",
                   "[[trunk]]\nname = \"a\"\npeers = [\"10.0.0.0/33\"]\nallow = \"200\"\nrejct = \"603\"\n"
                   "[[trunk]]\nname = \"b\"\npeers = [\"10.0.0.1\"]\nreject = \"603+\"\nallow = \"404\"\n"
                   "[[trunk]]\nname = \"b\"\npeers = [\"10.0.0.1\"]\nreject = \"608\"\n");
  ASSERT_FALSE(trunks.ok());
  const std::string text = trunks.error().text();
  for (const char* what : {"t.toml:3:10", "t.toml:4:9", "t.toml:5:9", "603+ needs", "608 needs",
                           "a second trunk is named b", "another trunk has this peer", "need next_hop"})
    EXPECT_NE(text.find(what), std::string::npos) << what << " in\n" << text;
  EXPECT_FALSE(Trunks::load("t", "[[trunk]]\nname=\"a\\r\\nX: y\"\npeers=[\"::1\"]\nallow=\"404\"\n").ok())
      << "nothing of a setting may end a header";
  EXPECT_FALSE(Trunks::load("t", "x = [").ok());
}

TEST(Trunks, DialRulesAreAppliedOnce) {
  const auto trunks = Trunks::load("t",
                                   "[[trunk]]\nname=\"a\"\npeers=[\"::1\"]\nallow=\"404\"\ndial = [{prefix=\"17951\", "
                                   "strip=5}, {prefix=\"00\", strip=2, "
                                   "add=\"+\"}, {prefix=\"1\", length_min=11, length_max=11, add=\"+86\"}]\n");
  ASSERT_TRUE(trunks.ok()) << trunks.error().text();
  const Trunk& trunk = trunks->all().front();
  std::string room;
  EXPECT_EQ(apply(trunk, "1795113800138000", room), "13800138000");
  EXPECT_EQ(apply(trunk, "008613800138000", room), "+8613800138000");
  EXPECT_EQ(apply(trunk, "13800138000", room), "+8613800138000");
  EXPECT_EQ(apply(trunk, "10086", room), "10086");
  EXPECT_EQ(apply(trunk, "+8613800138000", room), "+8613800138000");
}

TEST(RecentCalls, LiveFor32SecondsAlsoAcrossTheCountersWrap) {
  for (const std::uint32_t start : {100U, 65530U, 4'000'000'000U}) {
    RecentCalls calls(1024);
    calls.add(5, 9, start, {77, 2, 3});
    ASSERT_NE(calls.find(5, 9, start + 31), nullptr);
    EXPECT_EQ(calls.find(5, 9, start + 31)->decision, 77U);
    EXPECT_EQ(calls.find(5, 8, start), nullptr);
    EXPECT_NE(calls.find(5, RecentCalls::kAnyCaller, start), nullptr);
    EXPECT_EQ(calls.find(5, 9, start + 32), nullptr);
  }
}

TEST(RecentCalls, AFloodForgetsTheOldestAndTakesNoMemory) {
  RecentCalls calls(4096);
  const std::size_t before = calls.memory_bytes();
  Prng random(3);
  for (std::uint32_t i = 0; i < 200'000; ++i) calls.add(random.next(), 1, i / 10'000, {i, 0, 0});
  EXPECT_EQ(calls.memory_bytes(), before);
  EXPECT_GT(calls.forgotten(), 100'000U);
  calls.add(42, 1, 20, {1, 0, 0});
  EXPECT_NE(calls.find(42, 1, 20), nullptr);
}

TEST(TokenBuckets, HoldARateBeyond32Bits) {
  TokenBuckets buckets(1);
  std::chrono::nanoseconds now{1'000'000'000};
  std::uint64_t taken = 0;
  for (int i = 0; i < 10'000; ++i, now += std::chrono::microseconds(1))
    for (int k = 0; k < 10; ++k) taken += buckets.take(0, 5'000'000'000ULL, 8, now) ? 1U : 0U;
  EXPECT_EQ(taken, 80'000U) << "the burst of 8 is full again after each microsecond";
}

std::string understood(std::string_view bytes, std::size_t step) {
  StreamFramer framer(4096);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    framer.feed(bytes.substr(at, step));
    for (;;) {
      const auto found = framer.next();
      if (found == StreamFramer::Found::kNeedMore) break;
      if (found == StreamFramer::Found::kBroken) return out + "broken";
      out += found == StreamFramer::Found::kPing ? "ping " : "[" + std::to_string(framer.message().size()) + "] ";
    }
  }
  return out;
}

TEST(StreamFramer, CutsMessagesHoweverTheyArrive) {
  Invite with_body;
  with_body.body = "v=0\r\n\r\nx";
  const std::string one = with_body.text(), two = Invite{}.text();
  const std::string stream = "\r\n\r\n" + one + "\r\n" + two + "\r\n\r\n" + two;
  const std::string expected = "ping [" + std::to_string(one.size()) + "] [" + std::to_string(two.size()) + "] ping [" +
                               std::to_string(two.size()) + "] ";
  for (const std::size_t step : {std::size_t{1}, std::size_t{3}, std::size_t{64}, stream.size()})
    EXPECT_EQ(understood(stream, step), expected) << "in pieces of " << step;
}

TEST(StreamFramer, WhatCannotBeFramedIsBroken) {
  const std::string good = Invite{}.text();
  const auto without = [&](std::string_view what, std::string_view by) {
    std::string text = good;
    return text.replace(text.find(what), what.size(), by);
  };
  EXPECT_EQ(understood(without("Content-Length: 0\r\n", ""), 7), "broken");
  EXPECT_EQ(understood(without("Content-Length: 0", "Content-Length: 0\r\nl: 5"), 7), "broken");
  EXPECT_EQ(understood(without("Content-Length: 0", "Content-Length: 99999999999"), 7), "broken");
  EXPECT_EQ(understood("GET / HTTP/1.1\r\n\r\n", 5), "broken");
  EXPECT_EQ(understood(std::string(5000, 'a'), 100), "broken") << "a head without end";
}

}  // namespace
}  // namespace pandun::sip
