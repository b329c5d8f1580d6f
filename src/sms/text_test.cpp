#include "sms/text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <type_traits>

#include "base/prng.h"
#include "platform/seal.h"

namespace pandun::sms {
namespace {

using namespace std::chrono_literals;

// A text can be carried and destroyed, and nothing else can be done with it.
static_assert(!std::is_copy_constructible_v<SecretText> && !std::is_copy_constructible_v<Body>);
static_assert(!std::is_convertible_v<SecretText, std::string> && !std::is_convertible_v<Body, std::string>);
static_assert(!std::is_constructible_v<std::string, SecretText> &&
              !std::is_constructible_v<std::string_view, SecretText>);
static_assert(!std::is_default_constructible_v<Contract>, "only the book makes contracts");

const platform::SealKey& text_key() {
  static const platform::SealKey kKey{std::array<unsigned char, 32>{1, 2, 3}};
  return kKey;
}

constexpr std::string_view kTextSenders = R"(
[[sender]]
id = "bank"
contract = "A2P-1"
accounts = ["bank1"]
sender_ids = ["10691234", "106955*"]
domains = ["bank.example", "t.cn"]
[[sender.template]]
id = "code"
kind = "verification"
text = "【示例银行】您的验证码是{digits:4-8}，{digits:1-2}分钟内有效。"
[[sender.template]]
id = "bill"
text = "Dear {name}, your bill of {amount} is due on {date}. See {url}"
[[sender.template]]
id = "long"
text = "{text:1-20}先生，您好：您的包裹已到{text:1-300}，请凭取件码{digits:6}领取。"
)";

class TextTest : public testing::Test {
 protected:
  TextTest() : book_(ContractBook::read(kTextSenders, "t.toml", text_key()).value()), contract_(*book_.find("bank1")) {}

  static std::string utf16(std::u16string_view text) {
    std::string out;
    for (const char16_t c : text) {
      out.push_back(static_cast<char>(c >> 8));
      out.push_back(static_cast<char>(c & 0xff));
    }
    return out;
  }
  Finding ucs2(std::u16string_view text, Part part = {}) { return octets(utf16(text), Alphabet::kUcs2, part); }
  Finding octets(std::string_view bytes, Alphabet alphabet, Part part = {}) {
    Body body;
    body.alphabet = alphabet;
    body.part = part;
    body.fill(bytes);
    return reader_.read(contract_, std::move(body), conversation_, assembly_, now_);
  }

  ContractBook book_;
  const Contract& contract_;
  TextReader reader_{text_key()};
  Assembly assembly_{1 << 20, 5min};
  Hash128 conversation_{1, 2};
  std::chrono::nanoseconds now_{1s};
};

TEST_F(TextTest, ARegisteredCodeIsFoundWhateverItsDigits) {
  const Finding one = ucs2(u"【示例银行】您的验证码是123456，5分钟内有效。");
  EXPECT_EQ(one.match, Match::kVerification);
  EXPECT_EQ(ucs2(u"【示例银行】您的验证码是9876，10分钟内有效。").template_hash, one.template_hash);
  EXPECT_TRUE(one.domain.empty());
}

TEST_F(TextTest, SpacesWidthsInvisibleAndLookAlikeCharactersMakeNoDifference) {
  EXPECT_EQ(ucs2(u"【示例银行】 您的验\u200b证码是１２３４５６, 5 分钟内有效。").match, Match::kVerification);
  EXPECT_EQ(octets("Dear Smith, your b\x69ll of 1,200.50 is due on 2026-12-01. See t.cn", Alphabet::kGsm7).match,
            Match::kRegistered);
  EXPECT_EQ(ucs2(u"Dеar Smith, your bill оf 12 is due on 2026-12-01. See https://t.cn/abc").match, Match::kRegistered)
      << "Cyrillic e and o";
}

TEST_F(TextTest, OtherWordsAreUnregisteredAndDigitsDoNotChangeTheirHash) {
  const Finding one = ucs2(u"您的账户异常，请致电13800138000处理");
  EXPECT_EQ(one.match, Match::kUnregistered);
  EXPECT_EQ(ucs2(u"您的账户异常，请致电 13900139000 处理").template_hash, one.template_hash);
  EXPECT_NE(ucs2(u"您的账户正常，请致电13800138000处理").template_hash, one.template_hash);
  EXPECT_EQ(ucs2(u"【示例银行】您的验证码是123456789，5分钟内有效。").match, Match::kUnregistered) << "nine digits";
  EXPECT_EQ(ucs2(u"【示例银行】您的验证码是123456，5分钟内有效。请转账").match, Match::kUnregistered)
      << "more behind it";
}

TEST_F(TextTest, LinksLeaveOnlyTheirDomainAndForeignOnesSpeakAgainstTheMessage) {
  const Finding own =
      octets("Dear Smith, your bill of 5 is due on 1/2. See https://pay.bank.example/x?id=1", Alphabet::kGsm7);
  EXPECT_EQ(own.match, Match::kRegistered);
  EXPECT_FALSE(own.foreign_link);
  EXPECT_EQ(own.domain.text(), "pay.bank.example");
  const Finding other = octets("Dear Smith, your bill of 5 is due on 1/2. See bank-example.top/x", Alphabet::kGsm7);
  EXPECT_EQ(other.match, Match::kRegistered);
  EXPECT_TRUE(other.foreign_link);
  EXPECT_EQ(other.domain.text(), "bank-example.top");
  EXPECT_EQ(ucs2(u"点击ａｂｃ。ｃｎ/x领取").domain.text(), "abc.cn") << "full width, ideographic stop";
  EXPECT_EQ(ucs2(u"点击http://1.2.3.4:8080/a领取").domain.text(), "1.2.3.4");
  EXPECT_TRUE(ucs2(u"点击http://例子.测试/x领取").foreign_link) << "a name that is not ASCII is never registered";
  EXPECT_TRUE(ucs2(u"版本3.2.1于2026.12.01发布").domain.empty());
  EXPECT_TRUE(octets("write to me@bank.cn", Alphabet::kAscii).domain.empty());
}

TEST_F(TextTest, PiecesOfALongMessageAreJoinedInAnyOrderAndJudgedOnlyAsFarAsTheyGo) {
  const std::u16string text =
      u"张三先生，您好：您的包裹已到" + std::u16string(80, u'长') + u"站，请凭取件码123456领取。";
  std::vector<std::u16string> pieces;
  for (std::size_t i = 0; i < text.size(); i += 30) pieces.push_back(text.substr(i, 30));
  const auto total = static_cast<std::uint8_t>(pieces.size());
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Prng random(seed);
    std::vector<std::uint8_t> order;
    for (std::uint8_t i = 0; i < total; ++i) order.push_back(i);
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i)]);
    for (std::size_t i = 0; i < order.size(); ++i) {
      const Finding finding =
          ucs2(pieces[order[i]], {static_cast<std::uint32_t>(seed), total, static_cast<std::uint8_t>(order[i] + 1)});
      EXPECT_EQ(finding.match, i + 1 < order.size() ? Match::kIncomplete : Match::kRegistered);
    }
    EXPECT_EQ(assembly_.messages(), 0U);
    EXPECT_EQ(assembly_.bytes(), 0U);
  }
}

TEST_F(TextTest, APieceThatFitsNothingCondemnsTheRest) {
  EXPECT_EQ(ucs2(u"张三先生，您好：您的包裹", {7, 3, 1}).match, Match::kIncomplete);
  EXPECT_EQ(ucs2(u"涉嫌洗钱，请配合调查", {7, 3, 2}).match, Match::kUnregistered);
  EXPECT_EQ(ucs2(u"否则拘留", {7, 3, 3}).match, Match::kUnregistered);
  EXPECT_EQ(assembly_.messages(), 0U);
}

TEST_F(TextTest, ALinkCutInTwoIsNotTakenForAnother) {
  EXPECT_FALSE(octets("Dear Smith, your bill of 5 is due on 1/2. See https://bank.exa", Alphabet::kGsm7, {9, 2, 1})
                   .foreign_link);
  const Finding whole = octets("mple/bill", Alphabet::kGsm7, {9, 2, 2});
  EXPECT_EQ(whole.match, Match::kRegistered);
  EXPECT_EQ(whole.domain.text(), "bank.example");
}

TEST_F(TextTest, HalvesOfACharacterMeetAcrossPieces) {
  EXPECT_EQ(ucs2(u"\xd842", {3, 2, 1}).match, Match::kIncomplete);
  EXPECT_EQ(
      octets(utf16(u"\xdfb7先生，您好：您的包裹已到站，请凭取件码123456领取。"), Alphabet::kUcs2, {3, 2, 2}).match,
      Match::kRegistered);
}

TEST_F(TextTest, PiecesThatNeverMeetAreForgottenInTimeAndBounds) {
  for (std::uint32_t i = 0; i < 20'000; ++i) ucs2(u"张三先生", {i, 30, 1});
  EXPECT_LE(assembly_.bytes(), std::size_t{1} << 20);
  EXPECT_GT(assembly_.messages(), 0U);
  assembly_.expire(now_ + 6min);
  EXPECT_EQ(assembly_.messages(), 0U);
  EXPECT_EQ(assembly_.bytes(), 0U);
}

TEST_F(TextTest, MorePiecesThanAnyPhoneSendsAreNotJoined) {
  EXPECT_EQ(ucs2(u"张三先生", {1, 33, 1}).match, Match::kUnreadable);
  EXPECT_EQ(assembly_.messages(), 0U);
}

TEST_F(TextTest, PiecesWithOneReferenceFromDifferentConversationsStayApart) {
  ucs2(u"张三先生，您好：您的包裹已到站，", {5, 2, 1});
  conversation_ = {3, 4};
  EXPECT_EQ(ucs2(u"请凭取件码123456领取。", {5, 2, 2}).match, Match::kIncomplete);
}

TEST_F(TextTest, EveryAlphabetGivesTheSameText) {
  const std::string plain = "Dear Smith, your bill of 5 is due on 1/2. See t.cn";
  std::string packed;
  unsigned carried = 0, bits = 0;
  for (const char c : plain) {
    carried |= static_cast<unsigned>(c) << bits;
    for (bits += 7; bits >= 8; bits -= 8, carried >>= 8) packed.push_back(static_cast<char>(carried & 0xff));
  }
  if (bits > 0) packed.push_back(static_cast<char>(carried & 0xff));
  std::u16string wide(plain.begin(), plain.end());
  for (const Alphabet alphabet : {Alphabet::kGsm7, Alphabet::kAscii, Alphabet::kLatin1, Alphabet::kGbk})
    EXPECT_EQ(octets(plain, alphabet).match, Match::kRegistered) << static_cast<int>(alphabet);
  EXPECT_EQ(octets(packed, Alphabet::kGsm7Packed).match, Match::kRegistered);
  EXPECT_EQ(ucs2(wide).match, Match::kRegistered);
  // GB 18030 of 您的验证码
  const std::string gbk =
      "\xa1\xbe\xca\xbe\xc0\xfd\xd2\xf8\xd0\xd0\xa1\xbf\xc4\xfa\xb5\xc4\xd1\xe9\xd6\xa4\xc2\xeb\xca\xc7"
      "1234\xa3\xac"
      "5\xb7\xd6\xd6\xd3\xc4\xda\xd3\xd0\xd0\xa7\xa1\xa3";
  EXPECT_EQ(octets(gbk, Alphabet::kGbk).match, Match::kVerification);
  EXPECT_EQ(octets(gbk, Alphabet::kBinary).match, Match::kUnreadable);
}

TEST(ContractBook, RegisteredSendersAndDomainsAreHeldExactly) {
  const ContractBook book = ContractBook::read(kTextSenders, "t.toml", text_key()).value();
  const Contract& bank = *book.find("bank1");
  EXPECT_EQ(book.find("bank2"), nullptr);
  EXPECT_TRUE(bank.owns("10691234"));
  EXPECT_FALSE(bank.owns("106912345"));
  EXPECT_TRUE(bank.owns("10695501"));
  EXPECT_TRUE(bank.registered_domain("a.bank.example"));
  EXPECT_FALSE(bank.registered_domain("evilbank.example"));
  EXPECT_FALSE(bank.registered_domain("bank.example.top"));
}

TEST(ContractBook, EveryFaultIsToldWithItsLine) {
  const auto bad = ContractBook::read(
      "[[sender]]\nid = \"x\"\naccounts = [\"a\"]\n[[sender.template]]\nid = \"t\"\ntext = \"{word}ab\"\n"
      "[[sender]]\nid = \"x\"\ncontract = \"c\"\naccounts = [\"a\"]\nspeed = 3\n",
      "t.toml", text_key());
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::kBadConfig);
  for (const char* words : {"t.toml:1:1: contract is missing", "{word} is not a place", "speed is not a key",
                            "id x stands twice", "account a has two contracts"})
    EXPECT_THAT(bad.error().message, testing::HasSubstr(words));
  EXPECT_FALSE(Pattern::compile("{text}").ok()) << "it would fit anything";
  EXPECT_FALSE(Pattern::compile("ab{digits:9-2}").ok());
  EXPECT_FALSE(Pattern::compile("ab{digits").ok());
}

// Nothing that was read stands in memory afterwards: the last allocation of a text's size is handed out again, wiped.
TEST(SecretText, IsWiped) {
  WipingAllocator<char32_t> allocator;
  char32_t* memory = allocator.allocate(64);
  for (int i = 0; i < 64; ++i) memory[i] = U'密';
  wipe(memory, 64 * sizeof(char32_t));
  for (int i = 0; i < 64; ++i) EXPECT_EQ(memory[i], 0U);
  allocator.deallocate(memory, 64);
}

}  // namespace
}  // namespace pandun::sms
