#include "detect/state_table.h"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <unordered_map>

namespace pandun::detect {
namespace {

using model::EntityKey;
constexpr std::chrono::seconds kIdle{100};

EntityKey key(std::uint64_t n) {
  return {n * 7, n};
}
EventMs at(std::int64_t seconds) {
  return {seconds * 1000};
}

struct Touched {
  std::uint64_t value = 0;
  std::int64_t last = 0;
};

// The table against a map that forgets nothing but by the idle rule; eviction at random moments must not show.
void compare_with_map(std::uint64_t seed, std::uint64_t keys, int steps) {
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937_64 random(seed);
  StateTable<EntityKey, std::uint64_t> table(kIdle);
  std::unordered_map<std::uint64_t, Touched> model;
  std::int64_t now = 1000;
  for (int i = 0; i < steps; ++i) {
    const std::uint64_t n = random() % keys;
    now += static_cast<std::int64_t>(random() % 100 < 95 ? random() % 2 : random() % 150);
    const auto it = model.find(n);
    const bool known = it != model.end() && now - it->second.last <= kIdle.count();
    switch (random() % 10) {
      case 0: {
        const std::uint64_t* found = table.find(key(n), at(now));
        ASSERT_EQ(found != nullptr, known);
        if (known) {
          ASSERT_EQ(*found, it->second.value);
        }
        break;
      }
      case 1: {
        const bool erased = table.erase(key(n));  // an idle one may or may not have been swept
        ASSERT_TRUE(erased || !known);
        model.erase(n);
        break;
      }
      case 2:
        table.evict(at(now));
        break;
      default: {
        bool fresh = false;
        std::uint64_t& state = table.touch(key(n), at(now), &fresh);
        ASSERT_EQ(fresh, !known);
        ASSERT_EQ(state, known ? it->second.value : 0);
        state = random();
        model[n] = {state, now};
      }
    }
  }
}

TEST(StateTable, BehavesAsAMapWithTheIdleRule) {
  for (std::uint64_t seed = 1; seed <= 6; ++seed) compare_with_map(seed, seed < 4 ? 50 : 5000, 40000);
}

TEST(StateTable, IdleIsCountedInWholeSecondsOfTheWatermark) {
  StateTable<EntityKey, int> table(kIdle);
  table.touch(key(1), EventMs{1'000'900}) = 5;
  bool fresh = true;
  EXPECT_EQ(table.touch(key(1), EventMs{1'100'000}, &fresh), 5);
  EXPECT_FALSE(fresh);
  EXPECT_EQ(table.find(key(1), EventMs{1'201'000}), nullptr);
  EXPECT_EQ(table.touch(key(1), EventMs{1'201'000}, &fresh), 0);
  EXPECT_TRUE(fresh);
  EXPECT_EQ(table.evicted(), 1U);
}

TEST(StateTable, EvictionGivesTheMemoryBack) {
  StateTable<EntityKey, std::array<char, 64>> table(kIdle);
  for (std::uint64_t n = 0; n < 50000; ++n) table.touch(key(n), at(0));
  const std::uint64_t full = table.bytes();
  table.touch(key(1), at(200));
  for (int i = 0; i < 16; ++i) table.evict(at(200));
  EXPECT_EQ(table.size(), 1U);
  EXPECT_EQ(table.evicted(), 50000U);  // the touched one was dropped at its touch
  EXPECT_LT(table.bytes(), full / 100);
}

TEST(StateTable, StatesThatOwnThingsAreDestroyedOnce) {
  const auto alive = std::make_shared<int>(0);
  {
    StateTable<EntityKey, std::shared_ptr<int>> table(kIdle);
    for (std::uint64_t n = 0; n < 1000; ++n) table.touch(key(n), at(0)) = alive;
    EXPECT_EQ(alive.use_count(), 1001);
    table.touch(key(5), at(500));
    EXPECT_EQ(alive.use_count(), 1000);
    for (int i = 0; i < 16; ++i) table.evict(at(500));
    EXPECT_EQ(alive.use_count(), 1);
    table.touch(key(7), at(500)) = alive;
  }
  EXPECT_EQ(alive.use_count(), 1);
}

void write_state(StateWriter& out, std::uint64_t state) {
  out.varint(state);
}
void read_state(StateReader& in, std::uint64_t& state) {
  state = in.varint();
}

TEST(StateTable, SavedAndLoadedItGoesOnAsBefore) {
  StateTable<EntityKey, std::uint64_t> table(kIdle), copy(kIdle);
  for (std::uint64_t n = 0; n < 3000; ++n) table.touch(key(n), at(static_cast<std::int64_t>(n % 300))) = n * n;
  StateWriter out;
  table.save(out, write_state);
  StateReader in(out.bytes());
  ASSERT_TRUE(copy.load(in, read_state).ok());
  for (std::uint64_t n = 0; n < 3100; ++n) {
    const std::uint64_t* a = table.find(key(n), at(250));
    const std::uint64_t* b = copy.find(key(n), at(250));
    ASSERT_EQ(a != nullptr, b != nullptr) << n;
    if (a != nullptr) {
      ASSERT_EQ(*a, *b);
    }
  }
}

class OneBlock final : public StateReader::Supply {
 public:
  explicit OneBlock(std::string bytes) : bytes_(std::move(bytes)) {}
  Result<std::string> next() override { return std::exchange(bytes_, {}); }

 private:
  std::string bytes_;
};

TEST(StateTable, EveryKeyHasOneOwnerWhenTheNumberOfShardsChanges) {
  StateTable<EntityKey, std::uint64_t> table(kIdle);
  for (std::uint64_t n = 0; n < 2000; ++n) table.touch(key(n), at(0)) = n;
  StateWriter out;
  table.save(out, write_state);
  std::uint64_t total = 0;
  for (std::uint32_t shard = 0; shard < 3; ++shard) {
    StateTable<EntityKey, std::uint64_t> part(kIdle);
    OneBlock supply(out.bytes());
    StateReader in(supply, {shard, 3});
    ASSERT_TRUE(part.load(in, read_state).ok());
    part.for_each([&](const EntityKey& k, std::uint64_t&) { EXPECT_EQ(shard_of(hash_of(k), 3), shard); });
    EXPECT_GT(part.size(), 500U);
    total += part.size();
  }
  EXPECT_EQ(total, 2000U);
}

TEST(StateTable, DamagedStateIsAnErrorAtEveryLength) {
  StateTable<EntityKey, std::uint64_t> table(kIdle);
  for (std::uint64_t n = 0; n < 20; ++n) table.touch(key(n), at(0)) = n;
  StateWriter out;
  table.save(out, write_state);
  for (std::size_t size = 0; size < out.bytes().size(); ++size) {
    StateTable<EntityKey, std::uint64_t> copy(kIdle);
    StateReader in(std::string_view(out.bytes()).substr(0, size));
    EXPECT_EQ(copy.load(in, read_state).error().code, Errc::kCorrupt);
  }
}

}  // namespace
}  // namespace pandun::detect
