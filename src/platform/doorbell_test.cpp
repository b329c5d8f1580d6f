#include "platform/doorbell.h"

#include <gtest/gtest.h>

#include "platform/clock.h"
#include "platform/thread.h"

namespace pandun::platform {
namespace {

using namespace std::chrono_literals;

TEST(Doorbell, ARingBeforeTheWaitIsKeptOnce) {
  Doorbell bell;
  bell.ring();
  bell.ring();
  EXPECT_TRUE(bell.wait(10s));
  EXPECT_FALSE(bell.wait(1ms));
}

TEST(Doorbell, ASleeperIsWokenAndNoRingIsForgotten) {
  Doorbell to, back;
  const auto began = system_clock().steady();
  const Thread other = start_thread("other", [&](const std::stop_token&) {
    for (int i = 0; i < 2000; ++i) {
      while (!to.wait(10s)) {
      }
      back.ring();
    }
  });
  for (int i = 0; i < 2000; ++i) {
    to.ring();
    while (!back.wait(10s)) {
    }
  }
  EXPECT_LT(system_clock().steady() - began, 9s);  // one forgotten ring costs ten
}

}  // namespace
}  // namespace pandun::platform
