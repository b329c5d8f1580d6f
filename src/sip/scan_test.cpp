// What looks at many bytes together must say what a look at one after another says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>

#include "base/prng.h"
#include "platform/short_hash.h"
#include "sip/line_ends.h"
#include "sip/siphash.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace pandun::sip {
namespace {

// Of few different bytes, so that what is looked for comes often and at every place.
std::string text_of(Prng& random, std::size_t size, std::string_view bytes) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += bytes[random.next() % bytes.size()];
  return out;
}

TEST(Scan, FindsEveryLineEnd) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Prng random(seed);
    // Its own memory, exactly as long: a sanitizer sees a look behind it.
    const std::string text =
        text_of(random, random.next() % 300, seed % 2 == 0 ? "ab:\r\n" : "abcdefghijklmnopqrstuvwxyz \xff\r\n");
    const std::unique_ptr<char[]> bytes(new char[text.size()]);
    std::copy(text.begin(), text.end(), bytes.get());
    const char *at = bytes.get(), *const end = at + text.size();
    LineEnds ends(at, end);
    for (std::size_t from = 0; from <= text.size();) {
      const std::size_t wanted = std::min(text.find_first_of("\r\n", from), text.size());
      ASSERT_EQ(ends.next(at + from), at + wanted) << "seed " << seed << " from " << from;
      from = wanted + 1 + random.next() % 3 * (random.next() % 90);
    }
  }
}

TEST(Scan, FindsTheFirstOfAKind) {
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Prng random(seed);
    const std::string text = text_of(random, random.next() % 80, "abcdefghijklmnopqrstuvwxyz:\x7f\x80\xff !");
    const std::unique_ptr<char[]> bytes(new char[text.size()]);
    std::copy(text.begin(), text.end(), bytes.get());
    const char *const begin = bytes.get(), *const end = begin + text.size();
    const char *colon = begin, *low = begin, *other = begin;
    while (colon != end && *colon != ':') ++colon;
    while (low != end && static_cast<unsigned char>(*low) > ' ') ++low;
    while (other != end && is(*other, kTokenChar)) ++other;
    EXPECT_EQ(next_of(begin, end, ':'), colon) << "seed " << seed;
    EXPECT_EQ(next_at_most(begin, end, ' '), low) << "seed " << seed;
    EXPECT_EQ(skip_class(begin, end, kTokenChar), other) << "seed " << seed;
  }
}

TEST(Scan, SipHashIsTheLibrarysWhereverItIsCut) {
  const HashKey key{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};
  platform::ShortHashKey same;
  std::memcpy(same.data(), &key, sizeof key);
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    Prng random(seed);
    SipHash hash(key);
    std::string whole;
    for (std::uint64_t spans = random.next() % 5; spans != 0; --spans) {
      if (random.next() % 4 == 0) {
        const std::uint64_t value = random.next();
        hash.add(value);
        whole.append(reinterpret_cast<const char*>(&value), 8);
      } else {
        const std::string span = text_of(random, random.next() % 40, "\x01 z\xff");
        hash.add(span);
        whole += span;
      }
      whole += '\0';
    }
    ASSERT_EQ(hash.value(), platform::short_hash(same, whole)) << "seed " << seed;
  }
}

TEST(Scan, AUriStopsWhereItsPartsDo) {
  const auto whole = [](std::string_view text) {
    Uri uri;
    if (!parse_uri(text, uri)) return std::string("no");
    return std::string(uri.user) + "|" + std::string(uri.host) + "|" + std::to_string(uri.port) + "|" +
           std::string(uri.params) + "|" + std::string(uri.headers);
  };
  EXPECT_EQ(whole("sip:a;b=c@h:5060;x=%41=y,;?q=1"), "no");  // a name must follow the last ';'
  EXPECT_EQ(whole("sip:a;b=c?d@h:5060;x=%41=y,;z?q=1&r=2"), "a;b=c?d|h|5060|x=%41=y,;z|q=1&r=2");
  EXPECT_EQ(whole("SIP:a:secret@h"), "a|h|0||");
  EXPECT_EQ(whole("sip:a:@h"), "a|h|0||");
  EXPECT_EQ(whole("sip:h:5060;x"), "|h|5060|x|");
  EXPECT_EQ(whole("sip:[::1]:5060?x"), "|[::1]|5060||x");
  for (const char* bad : {"sip:@h", "sip::a@h", "sip:a:b:c@h", "sip:a b@h", "sip:a%4@h", "sip:a@b@h", "sip:h;x@y:z",
                          "sip:h:", "sip:h:65536", "sip:h:0", "sip:h;", "sip:h;=x", "sip:h;x=%4", "sip:h;x?", "sip:h?",
                          "sip:h?%", "sip:", "sip:a@"})
    EXPECT_EQ(whole(bad), "no") << bad;
  EXPECT_EQ(whole("tel:+1;a=b?c;d"), "+1||0|a=b?c;d|");
  EXPECT_EQ(whole("tel:+1;a?=b"), "no");
}

}  // namespace
}  // namespace pandun::sip
