#include "api/http/url.h"

#include <gtest/gtest.h>

namespace pandun::api::http {
namespace {

TEST(Target, SplitsAndDecodes) {
  const auto target = parse_target("/a%20b/%E7%A3%90?x=1&y=a+b%26c&&z");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a b/磐");
  ASSERT_EQ(target->query.size(), 3U);
  EXPECT_EQ(target->query[1].value, "a b&c");
  EXPECT_EQ(target->query[2].name, "z");
  EXPECT_EQ(parse_target("http://host:1/a?b=c")->path, "/a");
  EXPECT_EQ(parse_target("http://host?b=c")->path, "/");
  EXPECT_EQ(parse_target("/a#b")->path, "/a");
}

TEST(Target, RefusesWhateverCouldBeReadTwice) {
  for (const char* bad :
       {"",   "a",   "//..", "/..",  "/a/../b", "/a/./b", "/%2e%2e/x", "/.%2E", "/a%2Fb",  "/a\\b",   "/a%5Cb",
        "/%", "/%4", "/%zz", "/%00", "/%0a",    "/%7f",   "/%c0%af",   "/%ff",  "/?%00=1", "/?a=%zz", "http:///x"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
  EXPECT_TRUE(parse_target("/..."));
  EXPECT_TRUE(parse_target("/a..b/..c"));
}

TEST(Target, BoundsTheNumberOfParameters) {
  std::string many = "/?";
  for (std::size_t i = 0; i < kQueryItemsMax; ++i) many += "a=1&";
  EXPECT_TRUE(parse_target(many));
  EXPECT_FALSE(parse_target(many + "a=1"));
}

TEST(Utf8, KnowsOverlongFormsAndSurrogates) {
  EXPECT_TRUE(is_utf8("磐盾 ü 😀"));
  for (const char* bad : {"\xc0\x80", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xe7\xa3", "\x80"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
}

TEST(Request, ReadsCookiesAsTheyStand) {
  Request request;
  request.headers = {{"cookie", "a=1; pandun_session=abc; b=x=y"}};
  EXPECT_EQ(request.cookie("pandun_session"), "abc");
  EXPECT_EQ(request.cookie("b"), "x=y");
  EXPECT_EQ(request.cookie("session"), "");
}

}  // namespace
}  // namespace pandun::api::http
