#include "sources/kit/record.h"

#include <gtest/gtest.h>

#include <random>

namespace pandun::sources {
namespace {

TEST(Excerpt, MasksRunsOfFiveDigitsAndUnprintableBytes) {
  EXPECT_EQ(excerpt_of("a 1234 b 12345 c 13800138000"), "a 1234 b 123** c 138********");
  EXPECT_EQ(excerpt_of("x\x01\ty\xff中"), "x. y.中");
  EXPECT_EQ(excerpt_of(std::string(100'000, 'a')).size(), kExcerptBytes);
  // A number cut by the excerpt's end is masked by its whole length.
  EXPECT_EQ(excerpt_of(std::string(156, 'a') + "13800138000"), std::string(156, 'a') + "138*");
}

TEST(Utf8, RepairKeepsGoodTextAndReplacesTheRest) {
  const auto repaired = [](std::string_view text) {
    std::string out;
    repair_utf8(text, out);
    return out;
  };
  EXPECT_EQ(repaired("中文 ok"), "中文 ok");
  EXPECT_EQ(repaired("a\xd6\xd0z"), "a\xef\xbf\xbd\xef\xbf\xbdz");
  EXPECT_TRUE(valid_utf8("plain ascii that is longer than eight"));
  for (const char* bad : {"\xc0\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe4\xb8", "\x80"})
    EXPECT_FALSE(valid_utf8(bad));
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    ASSERT_TRUE(valid_utf8(repaired(bytes)));
    ASSERT_TRUE(valid_utf8(cut_utf8(repaired(bytes), random() % 40)));
  }
}

}  // namespace
}  // namespace pandun::sources
