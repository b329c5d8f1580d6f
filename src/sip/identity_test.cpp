#include <gtest/gtest.h>

#include "passport/testing.h"
#include "passport/verifier.h"
#include "platform/random.h"
#include "sip/test_rig.h"

namespace pandun::sip {
namespace {

using passport::testing::Issuer;
using passport::testing::KeyPair;

constexpr const char* kX5u = "https://cert.example/s.pem";

// A switch whose trunk looks at signatures, and a signer that it trusts.
class SipIdentity : public ::testing::Test {
 protected:
  void open(const std::string& identity, std::chrono::microseconds budget = std::chrono::seconds(5)) {
    put("root.pem", passport::testing::pem(issuer_.root.get()));
    put("s.pem", issuer_.issue(signer_, {}));
    put("index.toml",
        std::string("roots = [\"root.pem\"]\n[[certificate]]\nx5u = \"") + kX5u + "\"\nfile = \"s.pem\"\n");
    passport::VerifierOptions options;
    options.budget = budget;
    auto started = passport::Verifier::start(options, files_, directory_, clock_, {});
    ASSERT_TRUE(started.ok()) << started.error().text();
    verifier_ = std::move(started).value();
    ResponderOptions responder;
    responder.verifier = verifier_.get();
    rig_ = std::make_unique<Rig>(std::string(Rig::kTrunk) + "identity = \"" + identity + "\"\n", responder);
    rig_->now.steady = clock_.steady();
    decide::SnapshotInput input;
    input.emergency.push_back(model::NumberKey::service("110"));
    rig_->decider.publish(std::move(input));
  }
  void TearDown() override {
    verifier_.reset();
    for (const char* name : {"root.pem", "s.pem", "index.toml"})
      EXPECT_TRUE(files_.remove(platform::join(directory_, name)).ok());
  }
  void put(const std::string& name, const std::string& text) {
    ASSERT_TRUE(files_.make_directories(directory_).ok());
    ASSERT_TRUE(platform::replace_file(files_, platform::join(directory_, name), text).ok());
  }
  std::string signed_by(const KeyPair& key, const std::string& attest = "A", std::int64_t iat = 1'700'000'000,
                        const std::string& orig = "8613800138000", const std::string& dest = "8613900139000") {
    return "Identity: " +
           passport::testing::sign_token(
               key, std::string(R"({"alg":"ES256","ppt":"shaken","typ":"passport","x5u":")") + kX5u + "\"}",
               R"({"attest":")" + attest + R"(","dest":{"tn":[")" + dest + R"("]},"iat":)" + std::to_string(iat) +
                   R"(,"orig":{"tn":")" + orig + R"("},"origid":"123e4567-e89b-12d3-a456-426655440000"})") +
           ";info=<" + kX5u + ">;alg=ES256;ppt=shaken\r\n";
  }
  Reply call(const std::string& more, const std::string& target = "sip:+8613900139000@198.51.100.1;user=phone") {
    Invite invite;
    invite.more = more;
    invite.target = target;
    invite.call_id = "c" + std::to_string(++calls_) + "@x";
    return rig_->send(invite.text());
  }

  platform::FileSystem& files_ = platform::posix_files();
  std::string directory_ = ::testing::TempDir() + "sip-identity-" + platform::random_hex(8);
  platform::ManualClock clock_{WallMs{1'700'000'000'000}};
  Issuer issuer_;
  KeyPair signer_;
  std::unique_ptr<passport::Verifier> verifier_;
  std::unique_ptr<Rig> rig_;
  int calls_ = 0;
};

TEST_F(SipIdentity, AGoodSignatureIsSaidWithItsAttestation) {
  open("check");
  for (const char* attest : {"A", "B", "C"}) {
    const Reply reply = call(signed_by(signer_, attest));
    EXPECT_EQ(reply.status(), 302);
    EXPECT_EQ(reply.header("X-Pandun-Identity"), std::string("TN-Validation-Passed;why=good;attest=") + attest);
    EXPECT_EQ(reply.header("X-Pandun-Verdict"), "allow");
  }
  EXPECT_EQ(verifier_->figures().by_attest[3], 1U);
}

TEST_F(SipIdentity, AWrongSignatureWarnsAndNeverMore) {
  open("check");
  Reply reply = call(signed_by(KeyPair()));
  EXPECT_EQ(reply.status(), 302);
  EXPECT_EQ(reply.header("X-Pandun-Verdict"), "warn");
  EXPECT_EQ(reply.header("X-Pandun-Reason"), "identity_failed");
  EXPECT_EQ(reply.header("X-Pandun-Identity"), "TN-Validation-Failed;why=signature;attest=A");
  reply = call(signed_by(signer_, "A", 1'600'000'000));
  EXPECT_EQ(reply.header("X-Pandun-Identity"), "TN-Validation-Failed;why=stale;attest=A");
  reply = call(signed_by(signer_, "A", 1'700'000'000, "8613800138111"));
  EXPECT_EQ(reply.header("X-Pandun-Identity"), "TN-Validation-Failed;why=other_caller;attest=A") << "cut and pasted";
  reply = call("");
  EXPECT_EQ(reply.header("X-Pandun-Verdict"), "allow");
  EXPECT_EQ(reply.header("X-Pandun-Identity"), "No-TN-Validation;why=absent");
}

TEST_F(SipIdentity, ARepeatedCallGetsTheSameBytesAndIsNotVerifiedAgain) {
  open("check");
  Invite invite;
  invite.more = signed_by(signer_);
  const std::string first = rig_->send(invite.text()).text;
  EXPECT_EQ(rig_->send(invite.text()).text, first);
  const auto figures = verifier_->figures();
  EXPECT_EQ(figures.verified + figures.remembered, 1U);
}

TEST_F(SipIdentity, WhatIsRequiredIsRefusedByItsOwnCode) {
  open("require");
  EXPECT_EQ(call(signed_by(signer_)).status(), 302);
  EXPECT_EQ(call("").status_line(), "SIP/2.0 428 Use Identity Header");
  EXPECT_EQ(call(signed_by(KeyPair())).status_line(), "SIP/2.0 438 Invalid Identity Header");
  EXPECT_EQ(call("Identity: x\r\n").status_line(), "SIP/2.0 438 Invalid Identity Header");
  EXPECT_EQ(call(signed_by(signer_, "A", 1'600'000'000)).status_line(), "SIP/2.0 403 Stale Date");
  std::string other = signed_by(signer_);
  other.replace(other.find("info=<https://cert"), 18, "info=<https://othr");
  EXPECT_EQ(call(other).status_line(), "SIP/2.0 436 Bad Identity Info");
  const Reply refused = call("");
  EXPECT_EQ(refused.header("X-Pandun-Reason"), "identity_required");
  EXPECT_NE(refused.header("X-Pandun-Decision"), "") << "the appeal desk finds it";
}

TEST_F(SipIdentity, EmergencyCallsAreNeverRefusedForTheirSignature) {
  open("require");
  const Reply reply = call(signed_by(KeyPair()), "sip:110@198.51.100.1;user=phone");
  EXPECT_EQ(reply.status(), 302);
  EXPECT_EQ(reply.header("X-Pandun-Reason"), "emergency");
}

TEST_F(SipIdentity, WhatIsNotReadyInTimePassesAndSaysSo) {
  open("require", std::chrono::microseconds(0));
  const Reply reply = call(signed_by(KeyPair()));
  EXPECT_EQ(reply.header("X-Pandun-Identity"), "No-TN-Validation;why=late");
  EXPECT_EQ(reply.status(), 302);
  EXPECT_EQ(reply.header("X-Pandun-Verdict"), "allow");
}

TEST_F(SipIdentity, AVerstatOfATrustedNeighbourStandsWhereThereIsNoHeader) {
  open("require");
  Invite invite;
  invite.from = "<sip:+8613800138000@192.0.2.1;user=phone;verstat=TN-Validation-Passed>;tag=f1";
  invite.more = "P-Asserted-Identity: <sip:+8613800138000;verstat=TN-Validation-Passed@192.0.2.1;user=phone>\r\n";
  EXPECT_EQ(rig_->send(invite.text()).status(), 302);
}

TEST(Trunks, KnowWhichOfThemLookAtSignatures) {
  EXPECT_FALSE(Rig().trunks->any_identity());
  EXPECT_TRUE(Rig(std::string(Rig::kTrunk) + "identity = \"check\"\n").trunks->any_identity());
  EXPECT_FALSE(Trunks::load("t", std::string(Rig::kTrunk) + "identity = \"maybe\"\n").ok());
}

}  // namespace
}  // namespace pandun::sip
