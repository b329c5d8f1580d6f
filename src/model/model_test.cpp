#include <gtest/gtest.h>

#include "model/arena.h"
#include "model/entity.h"
#include "model/event.h"
#include "model/ip.h"
#include "model/number.h"
#include "model/reject.h"

namespace pandun::model {
namespace {

TEST(NumberKey, KeepsKindAndCanonicalText) {
  EXPECT_EQ(NumberKey::e164(8613800138000).text(), "+8613800138000");
  EXPECT_EQ(NumberKey::service("010").text(), "010");
  EXPECT_EQ(NumberKey().text(), "");
  EXPECT_FALSE(NumberKey().known());
  EXPECT_EQ(NumberKey::opaque("a1b2").kind(), NumberKind::kOpaque);
  EXPECT_NE(NumberKey::opaque("a1b2"), NumberKey::invalid("a1b2"));
  EXPECT_EQ(NumberKey::from_bits(NumberKey::e164(1).bits()), NumberKey::e164(1));
}

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text : {"192.0.2.1", "0.0.0.0", "255.255.255.255", "2001:db8::1", "::1", "fe80::1"}) {
    const auto ip = IpAddress::parse(text);
    ASSERT_TRUE(ip.has_value()) << text;
    EXPECT_EQ(ip->text(), text);
  }
  EXPECT_EQ(IpAddress::parse("::ffff:192.0.2.1"), IpAddress::parse("192.0.2.1"));
}

TEST(IpAddress, RefusesEverythingElse) {
  for (const char* text : {"", "1.2.3", "1.2.3.4.5", "1.2.3.256", "01.2.3.4", "1.2.3.4 ", "example.cn", "fe80::1%eth0",
                           "12345", ":::", "1.2.3.4:80", "1..2.3"})
    EXPECT_FALSE(IpAddress::parse(text).has_value()) << text;
}

TEST(IpAddress, KnowsPrivateAndMulticast) {
  for (const char* text :
       {"10.1.2.3", "172.16.0.1", "192.168.9.9", "100.64.0.1", "127.0.0.1", "169.254.1.1", "fd00::1", "fe80::2", "::1"})
    EXPECT_TRUE(IpAddress::parse(text)->is_private()) << text;
  for (const char* text : {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2001:db8::1"})
    EXPECT_FALSE(IpAddress::parse(text)->is_private()) << text;
  EXPECT_TRUE(IpAddress::parse("ff02::fb")->is_multicast());
  EXPECT_TRUE(IpAddress::parse("224.0.0.251")->is_multicast());
}

TEST(Arena, StringsStayWhereTheyAre) {
  Arena arena(64);
  std::vector<std::string_view> kept;
  for (int i = 0; i < 500; ++i) kept.push_back(arena.copy("value " + std::to_string(i)));
  const std::string large(1000, 'x');
  EXPECT_EQ(arena.copy(large), large);
  for (int i = 0; i < 500; ++i) EXPECT_EQ(kept[static_cast<std::size_t>(i)], "value " + std::to_string(i));
}

TEST(Entity, PairsNameTheirService) {
  const auto a = *IpAddress::parse("192.0.2.1"), b = *IpAddress::parse("2001:db8::1");
  EXPECT_EQ(Entity::pair(a, b, 443, 6).value, "192.0.2.1>[2001:db8::1]:443/tcp");
  EXPECT_NE(key_of_pair(a, b, 443, 6), key_of_pair(b, a, 443, 6));
  EXPECT_EQ(name(Entity::of(NumberKey::e164(861)).kind), "number");
}

}  // namespace
}  // namespace pandun::model
