#include "detectors/message_campaign/family.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>

namespace pandun::detectors::message_campaign {
namespace {

model::NumberKey number(std::uint64_t i) {
  return model::NumberKey::e164(8613800000000 + i);
}

// Everything of everybody, in the plain form.
struct Plain {
  detect::SpanClock clock;
  std::map<std::uint64_t, Writer> writers;
  void advance(std::uint32_t now_s) {
    clock.advance(now_s, kSpanS, [this](bool adjacent) {
      for (auto& [i, w] : writers) {
        w.recipients.turn(adjacent);
        w.messages.turn(adjacent);
      }
      std::erase_if(writers, [](const auto& w) { return w.second.messages.sum() == 0; });
    });
  }
  void add(std::uint64_t i, std::uint64_t recipient_hash, std::uint32_t now_s) {
    Writer& w = writers[i];
    w.messages.add();
    w.recipients.add(recipient_hash);
    w.last_s = std::max(w.last_s, now_s);
  }
};

TEST(Family, TellsTheSameInBothForms) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    Family family;
    Plain plain;
    std::uint32_t now_s = 1'772'416'800;
    for (int i = 0; i < 4000; ++i) {
      now_s += static_cast<std::uint32_t>(random() % (i % 800 < 700 ? 60 : 1500));
      const std::uint64_t who = random() % (1 + random() % kWritersMax);  // never more than there are places
      const std::uint64_t recipient = detect::state_hash(number(1'000'000 + random() % 400));
      family.advance(now_s);
      plain.advance(now_s);
      const std::uint32_t late = random() % 10 == 0 ? now_s - static_cast<std::uint32_t>(random() % 3000) : now_s;
      plain.add(who, recipient, late);
      ASSERT_EQ(family.add(number(who), recipient, late), plain.writers[who].messages.sum());
      ASSERT_EQ(family.size(), plain.writers.size());
      for (const Writer& w : family.writers) {
        const Writer& same = plain.writers.at(w.number.value() - 8613800000000);
        ASSERT_EQ(w.recipients.count(), same.recipients.count());
        ASSERT_EQ(w.messages.now, same.messages.now);
        ASSERT_EQ(w.messages.before, same.messages.before);
      }
      for (const auto& [n, w] : plain.writers) {
        ASSERT_TRUE(family.has(number(n)));
        if (const Beginner* b = family.find_beginner(number(n)); b != nullptr) {
          ASSERT_EQ(b->sum(), w.messages.sum());
        }
      }
      ASSERT_LE(family.bytes(), family.beginners.size() * 32 + family.writers.size() * 128 + 16 + 64 + 16);
    }
  }
}

// All places taken: who wrote least and first goes, and those who wrote often stay whoever comes.
TEST(Family, KeepsTheBusiest) {
  Family family;
  std::uint32_t now_s = 1'772'416'800;
  family.advance(now_s);
  for (std::uint64_t who = 0; who < 10; ++who)
    for (std::uint64_t m = 0; m < 5; ++m) family.add(number(who), mix64(m), now_s);
  for (std::uint64_t who = 10; who < 1000; ++who) ASSERT_EQ(family.add(number(who), mix64(who), ++now_s), 1U);
  EXPECT_EQ(family.size(), kWritersMax);
  for (std::uint64_t who = 0; who < 10; ++who) EXPECT_TRUE(family.has(number(who)));
  for (std::uint64_t who = 978; who < 1000; ++who) EXPECT_TRUE(family.has(number(who)));
  for (std::uint64_t who = 978; who < 1000; ++who)
    for (std::uint64_t m = 0; m < 5; ++m) family.add(number(who), mix64(m), now_s);
  EXPECT_EQ(family.add(number(5000), 1, now_s), 0U);
}

}  // namespace
}  // namespace pandun::detectors::message_campaign
