#include "sources/kit/scan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace pandun::sources {
namespace {

TEST(Scan, FindsEverySeparatorOfAnyLine) {
  std::mt19937_64 random(11);
  for (int round = 0; round < 500; ++round) {
    std::string line(random() % 300, 'x');
    for (char& c : line) c = "x\ty"[random() % 3];
    const std::string padded = line + std::string(64, '\t');
    std::vector<std::uint32_t> ends(line.size() + 1), expected;
    for (std::size_t i = 0; i < line.size(); ++i)
      if (line[i] == '\t') expected.push_back(static_cast<std::uint32_t>(i));
    const auto found = find_separators(std::string_view(padded).substr(0, line.size()), '\t', ends.data(), ends.size());
    ASSERT_EQ(found, expected.size());
    ends.resize(found);
    ASSERT_EQ(ends, expected);
  }
}

TEST(Scan, Thousandths) {
  const auto parsed = [](std::string_view text) {
    std::int64_t value = -1;
    return parse_thousandths(text, value) ? value : -1;
  };
  EXPECT_EQ(parsed("1713484795.943239"), 1713484795943);
  EXPECT_EQ(parsed("0"), 0);
  EXPECT_EQ(parsed("12.5"), 12500);
  EXPECT_EQ(parsed("12.0009"), 12000);
  EXPECT_EQ(parsed("1e-06"), 0);
  EXPECT_EQ(parsed("1.5e3"), 1'500'000);
  EXPECT_EQ(parsed("999999999999999.999"), 999'999'999'999'999'999);
  for (const char* bad :
       {"", ".5", "5.", "-1", "1x", "1.2.3", "1e", "e5", "1e400", "9999999999999999", " 1", "0x10", "nan", "inf"})
    EXPECT_EQ(parsed(bad), -1) << bad;
}

TEST(Scan, AddressesAreThoseOfTheModel) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    const auto size = random() % 20;
    for (std::uint64_t k = 0; k < size; ++k) text += "0123456789..:af"[random() % 15];
    ASSERT_EQ(parse_ip(text), model::IpAddress::parse(text)) << text;
  }
  for (const char* text : {"0.0.0.0", "255.255.255.255", "1.2.3", "01.2.3.4", "1.2.3.4.5", "256.1.1.1", "::", "1::2",
                           "2601:19e:8200:91e0::1ec7", "::ffff:1.2.3.4", ""})
    EXPECT_EQ(parse_ip(text), model::IpAddress::parse(text)) << text;
}

}  // namespace
}  // namespace pandun::sources
