#include "api/live_hub.h"

#include <gtest/gtest.h>

#include "platform/thread.h"

namespace pandun::api {
namespace {

casework::AlertSummary alert(std::int64_t seq) {
  casework::AlertSummary out;
  out.id = "A-" + std::to_string(seq);
  out.seq = seq;
  return out;
}

std::string taken(LiveStream& stream) {
  std::string out;
  stream.take(out);
  return out;
}

TEST(LiveHub, EverybodyGetsEveryEventOnce) {
  LiveHub hub;
  const auto a = hub.watch({"u1", "s1"}, WallMs{1000});
  hub.alert(alert(5));
  const auto b = hub.watch({"u2", "s2"}, WallMs{1000});
  hub.alert(alert(6));
  const std::string events = taken(*a);
  EXPECT_TRUE(events.starts_with("id: 5\nevent: alert\ndata: {\"id\":\"A-5\""));
  EXPECT_NE(events.find("id: 6\n"), std::string::npos);
  EXPECT_EQ(taken(*b).find("A-5"), std::string::npos);
  EXPECT_EQ(taken(*a), "");
  EXPECT_EQ(hub.watchers(), 2U);
}

TEST(LiveHub, TheIdNeverGoesBack) {
  LiveHub hub;
  const auto stream = hub.watch({"u", "s"}, WallMs{1000});
  hub.alert(alert(9));
  hub.alert(alert(4));  // an older alert changed
  const std::string events = taken(*stream);
  EXPECT_EQ(events.find("id: 4\n"), std::string::npos);
  EXPECT_NE(events.find("id: 9\nevent: alert\ndata: {\"id\":\"A-4\""), std::string::npos);
}

TEST(LiveHub, AWatcherThatLagsIsDroppedAndTheOthersAreNot) {
  LiveHub hub(2000);
  const auto slow = hub.watch({"u", "s"}, WallMs{1000});
  const auto quick = hub.watch({"u", "s"}, WallMs{1000});
  std::size_t seen = 0;
  for (std::int64_t i = 1; i <= 100; ++i) {
    hub.alert(alert(i));
    seen += taken(*quick).find("event: alert") != std::string::npos ? 1U : 0U;
  }
  EXPECT_EQ(seen, 100U);
  EXPECT_TRUE(slow->overflowed());
  EXPECT_FALSE(quick->overflowed());
  EXPECT_EQ(hub.overflows(), 1U);
}

TEST(LiveHub, StreamsEndWithTheirOwnerOrTheirTime) {
  LiveHub hub;
  const auto by_user = hub.watch({"u1", "s1"}, WallMs{9000});
  const auto by_session = hub.watch({"u2", "s2"}, WallMs{9000});
  const auto by_time = hub.watch({"u3", "s3"}, WallMs{1000});
  const auto open = [](LiveStream& stream) {
    std::string out;
    return stream.take(out) == http::ByteStream::State::kOpen;
  };
  hub.end_streams_of("u1");
  hub.end_streams_of("s2");
  EXPECT_FALSE(open(*by_user));
  EXPECT_FALSE(open(*by_session));
  EXPECT_TRUE(open(*by_time));
  hub.stats(WallMs{1000}, {}, 3);
  EXPECT_FALSE(open(*by_time));
}

TEST(LiveHub, WakesTheConnectionUntilDetached) {
  LiveHub hub;
  const auto stream = hub.watch({"u", "s"}, WallMs{1000});
  int woken = 0;
  stream->attach([&] { ++woken; });
  hub.alert(alert(1));
  EXPECT_EQ(woken, 1);
  stream->detach();
  hub.alert(alert(2));
  EXPECT_EQ(woken, 1);
}

TEST(LiveHub, PublishesFromManyThreads) {
  LiveHub hub(10 << 20);
  const auto stream = hub.watch({"u", "s"}, WallMs{1000});
  {
    std::vector<platform::Thread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.push_back(platform::start_thread("publisher", [&, t](const std::stop_token&) {
        for (int i = 1; i <= 200; ++i) hub.alert(alert(t * 1000 + i));
      }));
    }
  }
  const std::string events = taken(*stream);
  std::size_t count = 0;
  for (std::size_t at = events.find("event: "); at != std::string::npos; at = events.find("event: ", at + 1)) ++count;
  EXPECT_EQ(count, 800U);
  EXPECT_EQ(hub.events(), 800U);
}

}  // namespace
}  // namespace pandun::api
