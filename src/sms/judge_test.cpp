#include "sms/judge.h"

#include <gtest/gtest.h>

#include <set>

#include "sms/bytes.h"
#include "sms/smpp_codec.h"

namespace pandun::sms {
namespace {

const platform::SealKey& judge_key() {
  static const platform::SealKey kKey{std::array<unsigned char, 32>{9}};
  return kKey;
}

constexpr std::string_view kSenders = R"(
[[sender]]
id = "bank"
contract = "A2P-1"
accounts = ["bank1"]
sender_ids = ["10691234"]
domains = ["t.cn"]
rate_per_minute = 50
[[sender.template]]
id = "code"
kind = "verification"
text = "Your code is {digits:6}"
[[sender.template]]
id = "bill"
text = "Your bill is {amount}, see {url}"
)";
constexpr std::string_view kNames = "names = [\"95588\", \"10086\", \"ICBC\", \"工商银行\"]";
constexpr std::string_view kEnforced =
    "enforce = true\napproved_by = [\"a\", \"b\"]\napproved_at = \"2023-01-01T00:00:00Z\"\nexpires_at = "
    "\"2033-01-01T00:00:00Z\"\n";

class AnyDigits final : public NumberReader {
 public:
  model::NumberKey read(std::string_view text) const override {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::uint64_t digits = 0;
    for (const char c : text) {
      if (c < '0' || c > '9') return model::NumberKey::opaque(text);
      digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return text.size() > 8 ? model::NumberKey::e164(digits) : model::NumberKey::service(text);
  }
};

class Listed final : public LinkIndicators {
 public:
  bool listed(std::string_view domain) const override { return domains.contains(std::string(domain)); }
  std::set<std::string> domains;
};

class JudgeTest : public testing::Test {
 protected:
  void begin(std::string_view policy = "") {
    judge = std::make_unique<Judge>(
        Judge::Parts{decider, digits, listed, judge_key()},
        Judge::Content{ContractBook::read(kSenders, "t", judge_key()).value(), SenderNames::read(kNames, "n").value(),
                       ContractPolicy::parse(policy, "p").value()});
  }
  decide::Verdict submit(std::string_view from, std::string_view text, std::string_view account = "bank1",
                         std::string_view to = "8613800138000") {
    std::string frame;
    std::string body;
    Writer w(body);
    w.text("")
        .u8(from.find_first_not_of("0123456789") == std::string_view::npos ? 0 : kTonAlphanumeric)
        .u8(0)
        .text(from);
    w.u8(1).u8(1).text(to).u8(0).u8(0).u8(0).text("").text("").u8(0).u8(0).u8(1).u8(0);
    w.u8(static_cast<std::uint8_t>(text.size())).bytes(text);
    write_smpp_header(frame, static_cast<std::uint32_t>(body.size()), smpp::kSubmit, 0, 1);
    frame += body;
    const Frame read = codec.read(frame);
    Message message;
    EXPECT_TRUE(codec.message(read, message));
    return judge->submitted(codec, read, message, account, {1'700'000'000'000}).verdict;
  }
  void measure(std::uint64_t number) {
    decide::SnapshotInput input;
    input.measures.push_back({model::NumberKey::e164(number), decide::Verdict::kReject, {1'900'000'000'000}, "m-1"});
    decider.publish(std::move(input));
  }

  SmppCodec codec;
  decide::Decider decider;
  AnyDigits digits;
  Listed listed;
  std::unique_ptr<Judge> judge;
};

using enum decide::Verdict;

TEST_F(JudgeTest, ARegisteredTextPassesAndAnotherIsWarnedAbout) {
  begin();
  EXPECT_EQ(submit("10691234", "Your bill is 12.50, see t.cn/a"), kAllow);
  EXPECT_EQ(submit("10691234", "Transfer your savings now"), kWarn);
  EXPECT_EQ(judge->figures().breaches[0], 1U);
}

TEST_F(JudgeTest, WithoutAContractTheTextIsNotRead) {
  begin();
  listed.domains = {"evil.top"};
  EXPECT_EQ(submit("10691234", "Transfer your savings now: evil.top", "other"), kAllow);
  EXPECT_EQ(judge->figures().texts_compared, 0U);
}

TEST_F(JudgeTest, ATextInTwoPlacesIsNotTakenForTheOneThatIsRegistered) {
  begin();
  std::string frame, body;
  Writer w(body);
  w.text("")
      .u8(0)
      .u8(0)
      .text("10691234")
      .u8(1)
      .u8(1)
      .text("8613800138000")
      .u8(0)
      .u8(0)
      .u8(0)
      .text("")
      .text("")
      .u8(0)
      .u8(0)
      .u8(1)
      .u8(0);
  w.u8(19).bytes("Your code is 123456").u16(0x0424).u16(8).bytes("transfer");
  write_smpp_header(frame, static_cast<std::uint32_t>(body.size()), smpp::kSubmit, 0, 1);
  frame += body;
  Message message;
  ASSERT_TRUE(codec.message(codec.read(frame), message));
  EXPECT_EQ(judge->submitted(codec, codec.read(frame), message, "bank1", {1}).verdict, kWarn);
  EXPECT_EQ(judge->figures().breaches[static_cast<std::size_t>(Breach::kUnreadableText)], 1U);
}

TEST_F(JudgeTest, OneReasonNeverRejectsAndTwoOnlyUnderAnApprovedPolicy) {
  listed.domains = {"evil.top"};
  begin();
  EXPECT_EQ(submit("10691234", "Transfer now: http://evil.top"), kWarn);
  EXPECT_EQ(judge->figures().would_reject, 1U);
  begin(kEnforced);
  EXPECT_EQ(submit("10691234", "Transfer your savings now"), kWarn) << "one ground";
  EXPECT_EQ(submit("10691234", "Transfer now: http://other.top"), kWarn) << "template and link are one ground";
  EXPECT_EQ(submit("10691234", "Transfer now: http://evil.top"), kReject) << "text, and a listed link";
  EXPECT_EQ(submit("95588", "Transfer your savings now"), kReject) << "text, and another's sender id";
}

TEST_F(JudgeTest, APolicyThatIsOverWarnsOnly) {
  listed.domains = {"evil.top"};
  begin(
      "enforce = true\napproved_by = [\"a\", \"b\"]\napproved_at = \"2020-01-01T00:00:00Z\"\nexpires_at = "
      "\"2021-01-01T00:00:00Z\"\n");
  EXPECT_EQ(submit("10691234", "Transfer now: http://evil.top"), kWarn);
}

TEST_F(JudgeTest, EnforcingNeedsTwoPeopleAndAnExpiry) {
  EXPECT_FALSE(ContractPolicy::parse("enforce = true", "p").ok());
  EXPECT_FALSE(
      ContractPolicy::parse("enforce = true\napproved_by = [\"a\", \"a\"]\napproved_at = \"2020-01-01T00:00:00Z\"\n"
                            "expires_at = \"2021-01-01T00:00:00Z\"\n",
                            "p")
          .ok());
  EXPECT_FALSE(
      ContractPolicy::parse("enforce = true\napproved_by = [\"a\", \"b\"]\napproved_at = \"2020-01-01T00:00:00Z\"", "p")
          .ok());
  EXPECT_FALSE(ContractPolicy::parse("enforced = true", "p").ok());
}

TEST_F(JudgeTest, AMeasureRejectsAndAVerificationCodePassesAllTheSame) {
  measure(8613800138000);
  begin();
  decide::SnapshotInput input;
  input.callee_blocks.push_back({model::NumberKey::e164(8613800138000), model::NumberKey::service("10691234")});
  decider.publish(std::move(input));
  EXPECT_EQ(submit("10691234", "Your bill is 12.50, see t.cn/a"), kReject);
  EXPECT_EQ(submit("10691234", "Your code is 123456"), kAllow);
  EXPECT_EQ(judge->figures().verification_kept, 1U);
  EXPECT_EQ(submit("1069123", "Your code is 123456"), kWarn) << "from a sender id that is not its own";
}

TEST_F(JudgeTest, AnImitatedNameIsWarnedAboutWhoeverSends) {
  begin(kEnforced);
  for (const char* name :
       {"95588", "955B8", "lCBC", "1OO86", "ICBC-Bank", "工商银行", "\xd0\x86\xd0\xa1\xd0\x92\xd0\xa1"})
    EXPECT_EQ(submit(name, "hello", "other"), std::string_view(name) == "955B8" ? kAllow : kWarn) << name;
  EXPECT_EQ(submit("Flowers", "hello", "other"), kAllow);
}

TEST_F(JudgeTest, MoreThanTheRegisteredRateIsWarnedAbout) {
  begin();
  for (int i = 0; i < 50; ++i) EXPECT_EQ(submit("10691234", "Your bill is 1, see t.cn/a"), kAllow);
  EXPECT_EQ(submit("10691234", "Your bill is 1, see t.cn/a"), kWarn);
}

TEST(SenderWatch, CountsAMinuteAndEstimatesRecipients) {
  SenderWatch watch;
  SenderRate rate;
  for (std::uint64_t i = 0; i < 400; ++i) rate = watch.note(7, hash64(std::to_string(i)), {60'000});
  EXPECT_EQ(rate.this_minute, 400U);
  EXPECT_NEAR(static_cast<double>(rate.recipients), 400, 60);
  EXPECT_EQ(watch.note(7, 1, {120'000}).this_minute, 1U);
}

}  // namespace
}  // namespace pandun::sms
