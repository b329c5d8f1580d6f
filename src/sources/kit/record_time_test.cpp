#include "sources/kit/record_time.h"

#include <gtest/gtest.h>

#include <random>

namespace pandun::sources {
namespace {

std::string read(RecordTime& time, std::string_view text) {
  EventMs out;
  model::RejectReason reason{};
  return time.read(text, out, reason) ? rfc3339(out) : std::string(name(reason));
}

TEST(RecordTime, Rfc3339AgreesWithTheBase) {
  std::mt19937_64 random(9);
  RecordTime time = RecordTime::stated(TimeForm::kRfc3339);
  for (int i = 0; i < 5000; ++i) {
    std::string text = rfc3339(static_cast<std::int64_t>(random() % 4'102'444'800'000));
    if (i % 3 == 1) text.replace(text.size() - 1, 1, "+05:30");
    if (i % 7 == 1) text[random() % text.size()] = "0159-:TZ."[random() % 9];
    const auto expected = parse_rfc3339(text);
    if (expected) {
      ASSERT_EQ(read(time, text), rfc3339(*expected)) << text;
    } else {
      ASSERT_EQ(read(time, text).find('T'), std::string::npos) << text;
    }
  }
  EXPECT_EQ(read(time, "1999-12-31T23:59:59Z"), "1999-12-31T23:59:59Z");
}

TEST(RecordTime, ColonlessOffsetsOnlyWhereAllowed) {
  RecordTime strict = RecordTime::stated(TimeForm::kRfc3339),
             loose = RecordTime::stated(TimeForm::kRfc3339).loose_offset();
  EXPECT_EQ(read(strict, "2021-06-06T15:59:46.457984+0200"), "bad_time");
  EXPECT_EQ(read(loose, "2021-06-06T15:59:46.457984+0200"), "2021-06-06T13:59:46.457Z");
}

TEST(RecordTime, SecondsAndMillisecondsAreToldApart) {
  RecordTime seconds, millis;
  EXPECT_EQ(read(seconds, "1713484800.25"), "2024-04-19T00:00:00.250Z");
  EXPECT_EQ(read(seconds, "1713484800000"), "time_form");
  EXPECT_EQ(read(millis, "1713484800250"), "2024-04-19T00:00:00.250Z");
  EXPECT_EQ(read(millis, "1713484800"), "time_form");
  EXPECT_EQ(read(millis, "2024-04-19T00:00:00Z"), "time_form");
  EXPECT_EQ(read(millis, "soon"), "bad_time");
}

TEST(RecordTime, ABadFirstTimeDecidesNothing) {
  RecordTime time;
  EXPECT_EQ(read(time, "2024-04-19 00:00:00"), "bad_time");
  EXPECT_EQ(time.form(), TimeForm::kUnset);
  EXPECT_EQ(read(time, "2024-04-19 00:00:00Z"), "2024-04-19T00:00:00Z");
}

TEST(RecordTime, Patterns) {
  const auto with = [](std::string_view pattern, std::string_view text, std::int64_t offset = 480) {
    RecordTime time = RecordTime::pattern(TimePattern::parse(pattern).value(), offset);
    return read(time, text);
  };
  EXPECT_EQ(with("%Y-%m-%d %H:%M:%S", "2024-04-19 08:00:01"), "2024-04-19T00:00:01Z");
  EXPECT_EQ(with("%Y%m%d%H%M%S", "20240419080001"), "2024-04-19T00:00:01Z");
  EXPECT_EQ(with("%d/%m/%y %H:%M:%S.%L", "19/04/24 08:00:01.5"), "2024-04-19T00:00:01.500Z");
  EXPECT_EQ(with("%Y-%m-%dT%H:%M:%S%z", "2024-04-19T08:00:01+0800", 0), "2024-04-19T00:00:01Z");
  EXPECT_EQ(with("%Y-%m-%d %H:%M:%S", "2024-04-19 08:00"), "bad_time");
  EXPECT_EQ(with("%Y-%m-%d %H:%M:%S", "2024-13-19 08:00:01"), "bad_time");
  EXPECT_EQ(with("%Y-%m-%d %H:%M:%S", "2024-04-19T08:00:01Z"), "time_form");
  EXPECT_FALSE(TimePattern::parse("%H:%M").ok());
  EXPECT_FALSE(TimePattern::parse("%Y-%m-%d %H:%M %q").ok());
  EXPECT_FALSE(TimePattern::parse("%Y-%m-%d %H:%M %d").ok());
  EXPECT_FALSE(TimePattern::parse("%Y%").ok());
}

TEST(RecordTime, ABaseMovesRelativeSeconds) {
  RecordTime time = RecordTime::stated(TimeForm::kUnixSeconds, *parse_rfc3339("2012-01-01T00:00:00Z"));
  EXPECT_EQ(read(time, "184"), "2012-01-01T00:03:04Z");
}

}  // namespace
}  // namespace pandun::sources
