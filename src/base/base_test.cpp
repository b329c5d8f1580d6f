#include <gtest/gtest.h>

#include "base/hash.h"
#include "base/result.h"
#include "base/time.h"

namespace pandun {
namespace {

TEST(Time, WritesAndReadsRfc3339) {
  EXPECT_EQ(rfc3339(EventMs{0}), "1970-01-01T00:00:00Z");
  EXPECT_EQ(rfc3339(EventMs{1713484795943}), "2024-04-18T23:59:55.943Z");
  EXPECT_EQ(parse_rfc3339("2024-04-18T23:59:55.943Z"), 1713484795943);
  EXPECT_EQ(parse_rfc3339("2024-04-19 07:59:55.943+08:00"), 1713484795943);
  EXPECT_EQ(parse_rfc3339(rfc3339(-1)), -1);
}

TEST(Time, RefusesWhatItWouldHaveToGuess) {
  for (const char* text : {"2024-04-18T23:59:55", "2024-02-30T00:00:00Z", "2024-04-18", "", "2024-04-18T25:00:00Z",
                           "2024-04-18T23:59:55.Z", "2024-04-18T23:59:55+0800"})
    EXPECT_FALSE(parse_rfc3339(text).has_value()) << text;
}

TEST(Hash, Crc32cOfTheStandardCheckString) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}  // RFC 3720 B.4

TEST(Result, CarriesErrorsEarly) {
  const auto half = [](int n) -> Result<int> {
    if (n % 2 != 0) return error(Errc::kBadInput, "n", "odd");
    return n / 2;
  };
  const auto quarter = [&](int n) -> Result<int> {
    TRY_ASSIGN(const int h, half(n));
    return half(h);
  };
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().code, Errc::kBadInput);
}

TEST(Errors, EveryCodeHasItsRow) {
  for (int code = 0; code <= static_cast<int>(Errc::kUnsupported); ++code)
    EXPECT_FALSE(info(static_cast<Errc>(code)).advice_zh.empty());
}

}  // namespace
}  // namespace pandun
