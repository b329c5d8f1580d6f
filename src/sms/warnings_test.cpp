#include "sms/warnings.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "platform/file_system.h"

namespace pandun::sms {
namespace {

TEST(Warnings, TheShippedOnesRenderInBothLanguagesWithMaskedFactsOnly) {
  const std::string text =
      platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/content/sms/warnings.toml").value();
  const Warnings warnings = Warnings::read(text, "warnings.toml").value();
  MaskedFacts facts;
  facts.number(model::NumberKey::e164(8613800138000))
      .time({1'700'000'000'000}, std::chrono::hours(8))
      .place("缅甸")
      .count(3);
  const std::string zh = warnings.render("suspected_call", Language::kChinese, facts);
  EXPECT_NE(zh.find("138****8000"), std::string::npos) << zh;
  EXPECT_NE(zh.find("06:13"), std::string::npos) << zh;
  EXPECT_EQ(zh.find("13800138000"), std::string::npos);
  for (const char* id : {"suspected_call", "foreign_call", "at_risk"})
    for (const Language language : {Language::kChinese, Language::kEnglish})
      EXPECT_FALSE(encode_message(warnings.render(id, language, facts), 1).pieces.empty()) << id;
  EXPECT_EQ(warnings.render("suspected_call", Language::kChinese, {}), "") << "a fact is missing";
  EXPECT_EQ(warnings.render("other", Language::kChinese, facts), "");
}

TEST(Warnings, AnUnknownPlaceOrALongTextIsAFault) {
  EXPECT_FALSE(Warnings::read("[[warning]]\nid=\"a\"\nzh=\"{name}\"\nen=\"b\"\n", "w").ok());
  EXPECT_FALSE(Warnings::read("[[warning]]\nid=\"a\"\nzh=\"{number\"\nen=\"b\"\n", "w").ok());
  EXPECT_FALSE(Warnings::read("[[warning]]\nid=\"a\"\nzh=\"x\"\nen=\"" + std::string(700, 'x') + "\"\n", "w").ok());
}

TEST(MaskedFacts, NothingClearAndNoLinkGetsIn) {
  MaskedFacts facts;
  facts.number(model::NumberKey::opaque("13800138000")).place("see http://x.top");
  EXPECT_EQ(facts.find("number"), "***");
  EXPECT_EQ(facts.find("place"), "");
  EXPECT_EQ(MaskedFacts().number(model::NumberKey::service("10086")).find("number"), "10086");
}

TEST(EncodeMessage, LongTextsAreCutWithAHeaderAndComeTogetherAgain) {
  EXPECT_EQ(encode_message(std::string(160, 'a'), 1).pieces.size(), 1U);
  const Encoded two = encode_message(std::string(161, 'a'), 9);
  ASSERT_EQ(two.pieces.size(), 2U);
  EXPECT_EQ(two.data_coding, 0);
  EXPECT_EQ(two.pieces[1].substr(0, 6), std::string("\5\0\3\x09\2\2", 6));
  EXPECT_EQ(two.pieces[0].substr(6) + two.pieces[1].substr(6), std::string(161, 'a'));
  std::string chinese;
  for (int i = 0; i < 71; ++i) chinese += "中";
  const Encoded wide = encode_message(chinese, 1);
  EXPECT_EQ(wide.data_coding, 8);
  ASSERT_EQ(wide.pieces.size(), 2U);
  for (const std::string& piece : wide.pieces) EXPECT_LE(piece.size(), 140U);
  EXPECT_EQ(encode_message("a@b", 1).data_coding, 8) << "@ has another code in the 7-bit alphabet";
}

TEST(EncodeMessage, AFlashMessageIsOfClassZeroInEitherAlphabet) {
  EXPECT_EQ(encode_message("call", 1, true).data_coding, 0x10);
  EXPECT_EQ(encode_message("提醒", 1, true).data_coding, 0x18);
  EXPECT_EQ(encode_message("提醒", 1, true).pieces, encode_message("提醒", 1).pieces);
}

TEST(WarningLimits, OncePerDayForOneThingAndThreeForAll) {
  WarningLimits limits({});
  using Answer = WarningLimits::Answer;
  const auto at = [](std::int64_t hours) {
    return WallMs{1'700'000'000'000 / 86'400'000 * 86'400'000 + hours * 3'600'000};
  };
  EXPECT_EQ(limits.take(1, 10, at(1)), Answer::kGo);
  EXPECT_EQ(limits.take(1, 10, at(2)), Answer::kTooSoon);
  EXPECT_EQ(limits.take(1, 11, at(2)), Answer::kGo);
  EXPECT_EQ(limits.take(1, 12, at(2)), Answer::kGo);
  EXPECT_EQ(limits.take(1, 13, at(2)), Answer::kTooMany);
  EXPECT_EQ(limits.take(2, 10, at(2)), Answer::kGo) << "another person";
  EXPECT_EQ(limits.take(1, 10, at(24)), Answer::kTooSoon) << "23 hours later";
  EXPECT_EQ(limits.take(1, 10, at(26)), Answer::kGo);
}

TEST(WarningLimits, NeverMorePeopleThanStated) {
  WarningRates rates;
  rates.people_max = 100;
  WarningLimits limits(rates);
  int full = 0;
  for (std::uint64_t person = 0; person < 500; ++person)
    full += limits.take(person, 1, {1'700'000'000'000}) == WarningLimits::Answer::kFull ? 1 : 0;
  EXPECT_EQ(full, 400);
  EXPECT_EQ(limits.take(900, 1, {1'700'000'000'000 + 3 * 86'400'000LL}), WarningLimits::Answer::kGo)
      << "days later there is room";
}

}  // namespace
}  // namespace pandun::sms
