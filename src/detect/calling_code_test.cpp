#include "detect/calling_code.h"

#include <gtest/gtest.h>

#include <string>

namespace pandun::detect {
namespace {

std::uint16_t code(std::uint64_t digits) {
  return calling_code(model::NumberKey::e164(digits));
}

TEST(CallingCode, OneTwoAndThreeDigits) {
  EXPECT_EQ(code(8613800138000), 86);
  EXPECT_EQ(code(12025550123), 1);
  EXPECT_EQ(code(74951234567), 7);
  EXPECT_EQ(code(85221234567), 852);
  EXPECT_EQ(code(2397123456), 239);
  EXPECT_EQ(code(390612345678), 39);
  EXPECT_EQ(code(999123456789012), 999);
  EXPECT_EQ(code(862), 86);
}

TEST(CallingCode, NothingWhereThereIsNone) {
  EXPECT_EQ(code(86), 0);
  EXPECT_EQ(code(852), 0);
  EXPECT_EQ(code(0), 0);
  EXPECT_EQ(calling_code(model::NumberKey::service("110")), 0);
  EXPECT_EQ(calling_code(model::NumberKey::opaque("8613800138000")), 0);
  EXPECT_EQ(calling_code(model::NumberKey()), 0);
}

// Any 60 bits can stand in a key that came from outside: no length may lead past the table.
TEST(CallingCode, IsTheFirstDigitsAtEveryLength) {
  for (std::uint64_t value = 100; value < (1ULL << 60) / 10; value = value * 10 + 3) {
    const std::string text = std::to_string(value);
    EXPECT_EQ(code(value), 1) << text;
    const std::string nines = std::string(text.size(), '9');
    EXPECT_EQ(code(std::stoull(nines)), text.size() > 3 ? 999 : 0) << nines;
  }
  EXPECT_EQ(code((1ULL << 60) - 1), 1);
}

}  // namespace
}  // namespace pandun::detect
