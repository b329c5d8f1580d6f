#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "passport/testing.h"
#include "passport/token.h"
#include "passport/verifier.h"
#include "platform/random.h"

namespace pandun::passport {
namespace {

using testing::CertificateWish;
using testing::Issuer;
using testing::KeyPair;
using testing::sign_token;

constexpr WallMs kNow{1'700'000'000'000};
constexpr const char* kX5u = "https://cert.example.org/passport.cer";

// A directory of certificates as an operator keeps it.
class Shelf {
 public:
  Shelf() : directory_(::testing::TempDir() + "passport-" + platform::random_hex(8)) {
    EXPECT_TRUE(files_.make_directories(directory_).ok());
  }
  ~Shelf() {
    const auto names = files_.list(directory_);
    for (const std::string& name : *names) EXPECT_TRUE(files_.remove(platform::join(directory_, name)).ok());
  }
  void put(const std::string& name, const std::string& text) {
    EXPECT_TRUE(platform::replace_file(files_, platform::join(directory_, name), text).ok());
  }
  Result<std::shared_ptr<const Certificates>> load(WallMs now = kNow) {
    return Certificates::load(files_, directory_, now);
  }
  const std::string& directory() const { return directory_; }

 private:
  platform::FileSystem& files_ = platform::posix_files();
  std::string directory_;
};

std::string index_of(const std::string& more = {}) {
  return "roots = [\"root.pem\"]\n" + more + "[[certificate]]\nx5u = \"" + kX5u + "\"\nfile = \"signer.pem\"\n";
}

struct Site {
  explicit Site(CertificateWish wish = {}) {
    shelf.put("root.pem", testing::pem(issuer.root.get()));
    shelf.put("signer.pem", issuer.issue(signer, wish));
    shelf.put("index.toml", index_of());
    auto loaded = shelf.load();
    EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().text());
    certificates = *loaded;
  }
  std::string shaken(const std::string& claims = {}) const {
    return sign_token(signer, header("shaken"), claims.empty() ? kClaims : claims) + ";info=<" + kX5u +
           ">;alg=ES256;ppt=shaken";
  }
  static std::string header(const std::string& ppt) {
    return R"({"alg":"ES256",)" + (ppt.empty() ? "" : "\"ppt\":\"" + ppt + "\",") + R"("typ":"passport","x5u":")" +
           kX5u + "\"}";
  }
  Verdict check(std::vector<std::string> headers, WallMs now = kNow) const {
    return verify(headers, call, *certificates, now);
  }
  static constexpr const char* kClaims =
      R"({"attest":"A","dest":{"tn":["8613900139000"]},"iat":1700000000,"orig":{"tn":"8613800138000"},"origid":"123e4567-e89b-12d3-a456-426655440000"})";
  Issuer issuer;
  KeyPair signer;
  Shelf shelf;
  std::shared_ptr<const Certificates> certificates;
  Call call{{"8613800138000", ""}, {"8613900139000", ""}, {"8613900139000", ""}, 0};
};

// The token of the working group's drafts, which RFC 8224 section 4 shows in its compact form (with four characters lost), and
// the public key of RFC 8225 appendix A.2, which does verify it.
constexpr std::string_view kRfcHeader =
    "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9jZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9";
const std::string kDraftToken =
    std::string(kRfcHeader) +
    ".eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6IjE0NDMyMDgzNDUiLCJvcmlnIjp7InRuIjoiMTIxNTU1NTEyM"
    "TIi"
    "fX0.rq3pjT1hoRwakEGjHCnWSwUnshd0-zJ6F1VOgFWSjHBr8Qjpjlk-cpFYpFYsojNCpTzO3QfPOlckGaS6hEck7w";
const std::string kRfcToken = std::string(kRfcHeader) +
                              ".eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI6MTQ3MTM3NTQxOCwib3JpZyI"
                              "6eyJ0biI6IjEyMTU1NTUxMjEyIn19"
                              ".VLBCIVDCaeK6M4hLJb6SHQvacAQVvoiiEOWQ_iUkqk79UD81fHQ0E1b3_GluIkba7UWYRM47ZbNFdOJquE35cw";
constexpr std::string_view kRfcPublicKey =
    "-----BEGIN PUBLIC KEY-----\n"
    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE8HNbQd/TmvCKwPKHkMF9fScavGeH\n"
    "78YTU8qLS8I5HLHSSmlATLcslQMhNC/OhlWBYC626nIlo7XeebYS7Sb37g==\n"
    "-----END PUBLIC KEY-----\n";
const std::string kRfcInfo = ";info=<https://cert.example.org/passport.cer>;alg=ES256";

// The RFC's key in a certificate of ours: only the authority's half of a key is needed to certify it.
struct RfcSite : Site {
  RfcSite() {
    BIO* const bio = BIO_new_mem_buf(kRfcPublicKey.data(), static_cast<int>(kRfcPublicKey.size()));
    KeyPair rfc;
    rfc.key.reset(PEM_read_bio_PUBKEY(bio, nullptr, nullptr, nullptr), EVP_PKEY_free);
    BIO_free(bio);
    shelf.put("signer.pem", issuer.issue(rfc, {"rfc", false, -400'000'000, 86400, 1'700'000'000, {}, 9}));
    shelf.put("root.pem",
              testing::pem(testing::make_certificate(issuer.root_key, issuer.root_key, nullptr,
                                                     {"root", true, -500'000'000, 86400, 1'700'000'000, {}, 1})
                               .get()));
    issuer.authority = testing::make_certificate(issuer.key, issuer.root_key, issuer.root.get(),
                                                 {"authority", true, -500'000'000, 86400, 1'700'000'000, {}, 2});
    shelf.put("signer.pem", issuer.issue(rfc, {"rfc", false, -400'000'000, 86400, 1'700'000'000, {}, 9}));
    certificates = *shelf.load();
    call = {{"12155551212", ""}, {"", "sip:alice@example.com"}, {"", "sip:alice@example.com"}, 0};
  }
};

TEST(Rfc8225, TheWorkingGroupsTokenVerifiesUnderTheRfcsKey) {
  const RfcSite site;
  EXPECT_EQ(site.certificates->report(), "");
  const Verdict verdict = site.check({kDraftToken + kRfcInfo}, WallMs{1'443'208'350'000});
  EXPECT_EQ(name(verdict.why), "good");
  std::string forged = kDraftToken + kRfcInfo;
  forged[forged.find(".rq3pj") + 5] = 'k';
  EXPECT_EQ(name(site.check({forged}, WallMs{1'443'208'350'000}).why), "signature");
  EXPECT_EQ(name(site.check({kDraftToken + kRfcInfo}, WallMs{1'443'208'350'000 + 60'000}).why), "stale");
}

// RFC 8225's own token was signed with neither of the keys that its appendix prints. It is read, and it does not verify.
TEST(Rfc8225, TheTokenAsPublishedIsReadAndDoesNotVerify) {
  Header header;
  Token token;
  const std::string text = kRfcToken + kRfcInfo;
  ASSERT_TRUE(parse_header(text, header));
  ASSERT_EQ(read_token(header, token), Why::kGood);
  EXPECT_EQ(token.issued_at, 1'471'375'418);
  EXPECT_EQ(token.from.number, "12155551212");
  EXPECT_THAT(token.to_uris, ::testing::ElementsAre("sip:alice@example.com"));
  EXPECT_EQ(name(RfcSite().check({kRfcToken + kRfcInfo}, WallMs{1'471'375'418'000}).why), "signature");
}

TEST(Rfc8225, ACompactTokenIsRebuiltToTheBytesThatWereSigned) {
  Header header;
  Token token;
  const std::string text = ".." + kRfcToken.substr(kRfcToken.rfind('.') + 1) + kRfcInfo;
  ASSERT_TRUE(parse_header(text, header));
  ASSERT_TRUE(header.compact);
  ASSERT_EQ(rebuild_token(header, {"12155551212", ""}, {"", "sip:alice@example.com"},
                          sip_date("Tue, 16 Aug 2016 19:23:38 GMT"), token),
            Why::kGood);
  EXPECT_EQ(token.signed_text, kRfcToken.substr(0, kRfcToken.rfind('.')));
}

TEST(Rfc8588, TheExampleIsReadWithItsTimeAsText) {
  const std::string text =
      base64url(R"({"alg":"ES256","typ":"passport","ppt":"shaken","x5u":"https://cert.example.org/passport.cer"})") +
      "." +
      base64url(
          R"({"attest":"A","dest":{"tn":["12155550131"]},"iat":"1443208345","orig":{"tn":"12155550121"},"origid":"123e4567-e89b-12d3-a456-426655440000"})") +
      "." + base64url(std::string(64, 'x')) + ";info=<https://cert.example.org/passport.cer>;ppt=\"shaken\"";
  Header header;
  Token token;
  ASSERT_TRUE(parse_header(text, header));
  ASSERT_EQ(read_token(header, token), Why::kGood);
  EXPECT_EQ(token.kind, Kind::kShaken);
  EXPECT_EQ(token.attest, Attest::kA);
  EXPECT_EQ(token.origid, "123e4567-e89b-12d3-a456-426655440000");
  EXPECT_EQ(token.issued_at, 1'443'208'345);
}

TEST(Verify, PassesWithItsAttestation) {
  const Site site;
  const Verdict verdict = site.check({site.shaken()});
  EXPECT_EQ(name(verdict.why), "good");
  EXPECT_EQ(verdict.attest, Attest::kA);
  EXPECT_EQ(verdict.origid_text(), "123e4567-e89b-12d3-a456-426655440000");
  EXPECT_EQ(verstat(verdict.outcome()), "TN-Validation-Passed");
  EXPECT_EQ(name(site.check({}).why), "absent");
}

TEST(Verify, NamesWhatIsWrong) {
  Site site;
  const std::string good = site.shaken();
  EXPECT_EQ(name(site.check({good}, WallMs{kNow.ms + 61'000}).why), "stale");
  EXPECT_EQ(name(site.check({good}, WallMs{kNow.ms - 61'000}).why), "stale");
  EXPECT_EQ(name(site.check({good.substr(0, good.find(';')) + ";info=<https://x.example/c>"}).why), "bad_info");
  EXPECT_EQ(name(site.check({good.substr(0, good.find(';'))}).why), "bad_info");
  EXPECT_EQ(name(site.check({"nonsense"}).why), "malformed");
  EXPECT_EQ(
      name(site.check({sign_token(KeyPair(), Site::header("shaken"), Site::kClaims) + ";info=<" + kX5u + ">"}).why),
      "signature");
  EXPECT_EQ(
      name(site.check({sign_token(site.signer, Site::header("rph"), Site::kClaims) + ";info=<" + kX5u + ">"}).why),
      "unsupported");
  site.call.caller.number = "8613800138001";
  EXPECT_EQ(name(site.check({good}).why), "other_caller");
  site.call.caller.number = "8613800138000";
  site.call.called.number = "8613900139001";
  EXPECT_EQ(name(site.check({good}).why), "retargeted");
  site.call.to.number = "8613900139001";
  EXPECT_EQ(name(site.check({good}).why), "other_callee");
}

TEST(Verify, TakesTheHeaderThatSaysMost) {
  const Site site;
  EXPECT_EQ(name(site.check({"nonsense", site.shaken()}).why), "good");
  EXPECT_EQ(name(site.check({site.shaken(), "nonsense"}).why), "good");
}

TEST(Verify, KeysThatStandTwiceAreRefused) {
  const Site site;
  const std::string twice =
      R"({"attest":"A","dest":{"tn":["8613900139000"]},"iat":1700000000,"orig":{"tn":"8613800138000"},"orig":{"tn":"110"},"origid":"x"})";
  EXPECT_EQ(name(site.check({site.shaken(twice)}).why), "malformed");
}

TEST(Verify, FollowsVerifiedDiversions) {
  Site site;
  site.call.called.number = "8613700137000";
  const auto div = [&](const std::string& to, const std::string& by, const KeyPair& key) {
    return sign_token(key, Site::header("div"),
                      R"({"dest":{"tn":[")" + to + R"("]},"div":{"tn":")" + by +
                          R"("},"iat":1700000000,"orig":{"tn":"8613800138000"}})") +
           ";info=<" + kX5u + ">;ppt=div";
  };
  EXPECT_EQ(name(site.check({site.shaken()}).why), "retargeted");
  const Verdict once = site.check({site.shaken(), div("8613700137000", "8613900139000", site.signer)});
  EXPECT_EQ(name(once.why), "good");
  EXPECT_EQ(once.diversions, 1);
  const Verdict twice = site.check({div("8613700137000", "8613600136000", site.signer), site.shaken(),
                                    div("8613600136000", "8613900139000", site.signer)});
  EXPECT_EQ(name(twice.why), "good");
  EXPECT_EQ(twice.diversions, 2);
  EXPECT_EQ(name(site.check({site.shaken(), div("8613700137000", "8613900139000", KeyPair())}).why), "signature");
  // A ring of diversions ends.
  EXPECT_EQ(name(site.check({site.shaken(), div("8613700137000", "8613700137000", site.signer)}).why), "retargeted");
  EXPECT_EQ(name(site.check({div("8613700137000", "8613900139000", site.signer)}).why), "unsupported");
}

TEST(Certificates, WhatIsNotTrustedFailsAndSaysWhy) {
  Site site;
  const auto with = [&](const std::string& signer_pem) {
    site.shelf.put("signer.pem", signer_pem);
    site.certificates = *site.shelf.load();
    return std::string(name(site.check({site.shaken()}).why)) + " " + site.certificates->report();
  };
  EXPECT_THAT(with(site.issuer.issue(site.signer, {})), ::testing::StartsWith("good"));
  EXPECT_THAT(with(Issuer().issue(site.signer, {})), ::testing::HasSubstr("unable to get"));
  EXPECT_THAT(with(site.issuer.issue(site.signer, {"late", false, -864000, -60})), ::testing::HasSubstr("expired"));
  EXPECT_THAT(with(site.issuer.issue(site.signer, {"early", false, 600, 6000})), ::testing::HasSubstr("not yet"));
  EXPECT_THAT(with(site.issuer.issue(site.signer, {"ca", true})), ::testing::HasSubstr("not meant for"));
  EXPECT_THAT(with(site.issuer.issue(KeyPair("P-384"), {})), ::testing::HasSubstr("not P-256"));
  EXPECT_THAT(with("nothing"), ::testing::HasSubstr("holds no certificate"));
}

TEST(Certificates, DatesAreLookedAtAtEveryUse) {
  const Site site({"brief", false, -60, 30});
  EXPECT_EQ(name(site.check({site.shaken()}).why), "good");
  EXPECT_EQ(name(site.check({site.shaken()}, WallMs{kNow.ms + 31'000}).why), "certificate");
}

TEST(Certificates, RevokedOnesFail) {
  Site site;
  site.shelf.put("index.toml", index_of("revoked = [\"a.crl\"]\n"));
  site.shelf.put("a.crl", site.issuer.revoke(8));
  site.certificates = *site.shelf.load();
  EXPECT_EQ(name(site.check({site.shaken()}).why), "good") << site.certificates->report();
  site.shelf.put("a.crl", site.issuer.revoke(7));
  site.certificates = *site.shelf.load();
  EXPECT_EQ(name(site.check({site.shaken()}).why), "certificate");
  EXPECT_THAT(site.certificates->report(), ::testing::HasSubstr("revoked"));
}

// TNAuthList: [0] { IA5String "1234" } · [1] { SEQUENCE { IA5String "8613800138", INTEGER n } } · [2] { IA5String "86138…" }
std::string der(char tag, const std::string& value) {
  return std::string{tag, static_cast<char>(value.size())} + value;
}
TEST(Certificates, TheNumbersThatACertificateNamesAreItsReach) {
  const auto judged = [](const std::string& list) {
    const Site site({"numbers", false, -60, 600, 1'700'000'000, der('\x30', list), 7});
    const Verdict verdict = site.check({site.shaken()});
    return std::string(name(verdict.why)) + (verdict.number_covered ? "+" : "");
  };
  EXPECT_EQ(judged(der('\xa0', der('\x16', "1234"))), "good");
  EXPECT_EQ(judged(der('\xa2', der('\x16', "8613800138000"))), "good+");
  EXPECT_EQ(judged(der('\xa2', der('\x16', "8613800138001"))), "certificate");
  const auto range = [&](const std::string& first, const std::string& count) {
    return der('\xa1', der('\x30', der('\x16', first) + der('\x02', count)));
  };
  EXPECT_EQ(judged(range("8613800137990", "\x0b")), "good+");
  EXPECT_EQ(judged(range("8613800137990", "\x0a")), "certificate");
  EXPECT_EQ(judged(range("9999999999999", "\x02")), "certificate") << "a range cannot grow a digit";
  EXPECT_EQ(judged("\x16"), "certificate");
}

TEST(Certificates, TheIndexNamesEveryFault) {
  Shelf shelf;
  EXPECT_FALSE(shelf.load().ok());
  shelf.put("index.toml",
            "roots = [\"none.pem\", \"../x\"]\nother = 1\n[[certificate]]\nx5u = \"http://a\"\nfile = \"b\"\n");
  const auto loaded = shelf.load();
  ASSERT_FALSE(loaded.ok());
  for (const char* fault : {":1:10:", ":1:22:", ":2:", ":3:", "https://"})
    EXPECT_THAT(loaded.error().text(), ::testing::HasSubstr(fault));
}

TEST(Token, ReadsHeaderParametersStrictly) {
  Header header;
  EXPECT_TRUE(parse_header(" a.b.c ; INFO = <https://x;y> ;alg=es256; ppt=\"shaken\";x=1", header));
  EXPECT_EQ(header.info, "https://x;y");
  EXPECT_EQ(header.ppt, "shaken");
  EXPECT_TRUE(parse_header("a.b.c;flag;info=<https://x>;end", header));
  EXPECT_EQ(header.info, "https://x");
  for (const char* bad :
       {"", ";info=<a>", "a.b.c;info", "a.b.c;info=<a", "a.b.c;info=<a>b", "a.b.c;ppt=a;ppt=b", "a.b.c;alg="})
    EXPECT_FALSE(parse_header(bad, header)) << bad;
}

TEST(Token, ReadsDatesOfSipAlone) {
  EXPECT_EQ(sip_date("Tue, 16 Aug 2016 19:23:38 GMT"), 1'471'375'418);
  EXPECT_EQ(sip_date("Thu, 29 Feb 2024 00:00:00 GMT"), 1'709'164'800);
  EXPECT_EQ(sip_date("Thu, 01 Jan 1970 00:00:01 GMT"), 1);
  for (const char* bad :
       {"", "Tue, 16 Aug 2016 19:23:38 CST", "Tue, 16 Aux 2016 19:23:38 GMT", "Tue, 1x Aug 2016 19:23:38 GMT",
        "Tue, 16 Aug 2016 25:23:38 GMT", "Tue, 00 Aug 2016 19:23:38 GMT"})
    EXPECT_EQ(sip_date(bad), 0) << bad;
}

struct Pool : Site {
  explicit Pool(VerifierOptions options = {}) {
    options.budget = std::chrono::seconds(5);  // real time: a slow machine is not "late"
    auto started = Verifier::start(options, platform::posix_files(), shelf.directory(), clock, {});
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().text());
    verifier = std::move(started).value();
  }
  Verdict ask(const std::string& header) { return verifier->check({{header}, call}, clock.wall(), clock.steady()); }
  platform::ManualClock clock{kNow};
  std::unique_ptr<Verifier> verifier;
};

TEST(Verifier, RemembersAVerdictAndLooksAtItsAge) {
  Pool pool;
  const std::string header = pool.shaken();
  EXPECT_EQ(name(pool.ask(header).why), "good");
  EXPECT_EQ(name(pool.ask(header).why), "good");
  EXPECT_EQ(pool.verifier->figures().verified, 1U);
  EXPECT_EQ(pool.verifier->figures().remembered, 1U);
  EXPECT_EQ(pool.verifier->figures().by_attest[1], 2U);
  pool.clock.advance(std::chrono::seconds(61));
  EXPECT_EQ(name(pool.ask(header).why), "stale");
}

TEST(Verifier, AnotherCallWithTheSameHeaderIsAnotherQuestion) {
  Pool pool;
  const std::string header = pool.shaken();
  EXPECT_EQ(name(pool.ask(header).why), "good");
  pool.call.caller.number = "8613800138009";
  EXPECT_EQ(name(pool.ask(header).why), "other_caller");
}

TEST(Verifier, WaitsForNobodyWhenTheBudgetIsOver) {
  Pool pool;
  const Asked asked{{pool.shaken()}, pool.call};
  const Verdict late = pool.verifier->check(asked, kNow, pool.clock.steady() - std::chrono::seconds(5));
  EXPECT_EQ(name(late.why), "late");
  EXPECT_EQ(verstat(late.outcome()), "No-TN-Validation");
  EXPECT_EQ(pool.verifier->figures().verified, 0U) << "nobody waits for it";
  EXPECT_EQ(name(pool.ask(pool.shaken()).why), "good");
}

// Three seconds pass between any two looks at it.
class LeapingClock final : public platform::Clock {
 public:
  WallMs wall() const override { return kNow; }
  std::chrono::nanoseconds steady() const override { return std::chrono::seconds(3 * ++looks_); }

 private:
  mutable std::atomic<std::int64_t> looks_{0};
};

TEST(Verifier, WhatNobodyWaitsForAnyMoreIsNotComputed) {
  const Site site;
  LeapingClock clock;
  VerifierOptions options;
  options.budget = std::chrono::seconds(5);
  const auto verifier = *Verifier::start(options, platform::posix_files(), site.shelf.directory(), clock, {});
  for (int i = 0; i < 20; ++i)
    EXPECT_EQ(name(verifier->check({{site.shaken()}, site.call}, kNow, clock.steady()).why), "late");
  EXPECT_EQ(verifier->figures().verified, 0U);
}

TEST(Verifier, AFullQueueIsBusyAndForgetsTheCall) {
  VerifierOptions options;
  options.waiting_max = 0;
  Pool pool(options);
  EXPECT_EQ(name(pool.ask(pool.shaken()).why), "busy");
  EXPECT_EQ(name(pool.ask(pool.shaken()).why), "busy");
}

TEST(Verifier, TakesOverChangedCertificatesAndKeepsTheOldWhenTheNewAreBroken) {
  Pool pool;
  const std::string header = pool.shaken();
  EXPECT_EQ(name(pool.ask(header).why), "good");
  EXPECT_FALSE(*pool.verifier->reload());
  pool.shelf.put("index.toml", "broken = [");
  EXPECT_FALSE(pool.verifier->reload().ok());
  EXPECT_EQ(name(pool.ask(header).why), "good");
  pool.shelf.put("signer.pem", Issuer().issue(pool.signer, {}));
  pool.shelf.put("index.toml", index_of());
  EXPECT_TRUE(*pool.verifier->reload());
  EXPECT_EQ(name(pool.ask(header).why), "certificate");
  EXPECT_EQ(pool.verifier->figures().reload_failures, 1U);
  EXPECT_EQ(pool.verifier->figures().untrusted, 1U);
}

TEST(Base64Url, RoundTripsAndHasOneTextForOneValue) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(*from_base64url(base64url(bytes)), bytes);
    bytes += static_cast<char>(i * 37);
  }
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("foob"), "Zm9vYg");
  EXPECT_FALSE(from_base64url("Zh").ok());
  EXPECT_FALSE(from_base64url("Zg==").ok());
  EXPECT_FALSE(from_base64url("Z").ok());
}

}  // namespace
}  // namespace pandun::passport
