#include "server/listen_address.h"

#include <gtest/gtest.h>

namespace pandun::server {
namespace {

TEST(ListenAddresses, AreReadWithTheirPort) {
  const auto four = listen_address("k", "127.0.0.1:8480", "e");
  ASSERT_TRUE(four.ok());
  EXPECT_EQ(four->host, "127.0.0.1");
  EXPECT_EQ(four->port, 8480);
  const auto six = listen_address("k", "[::1]:65535", "e");
  ASSERT_TRUE(six.ok());
  EXPECT_EQ(six->host, "::1");
  EXPECT_EQ(six->ip, *model::IpAddress::parse("::1"));
  EXPECT_EQ(six->port, 65535);
}

TEST(ListenAddresses, WhatIsNoneIsRefusedWithAnExample) {
  for (const char* text : {"", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:999999", "127.0.0.1:-1",
                           "host:80", ":80", "127.0.0.1:80a"}) {
    const auto read = listen_address("server.listen", text, "127.0.0.1:1");
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.error().code, Errc::kBadConfig);
    EXPECT_EQ(read.error().where, "server.listen");
    EXPECT_NE(read.error().message.find("for example 127.0.0.1:1"), std::string::npos) << read.error().message;
  }
}

}  // namespace
}  // namespace pandun::server
