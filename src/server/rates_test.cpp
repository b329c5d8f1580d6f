#include "server/rates.h"

#include <gtest/gtest.h>

#include <numeric>

namespace pandun::server {
namespace {

constexpr std::int64_t kStart = 1'767'571'200'000;

TEST(Rates, CountsWhatCameBetweenTicks) {
  Rates rates;
  for (int second = 0; second <= 120; ++second)
    rates.tick({kStart + second * 1000}, 5000 + static_cast<std::uint64_t>(second) * 50, second >= 60 ? 3 : 1);
  EXPECT_NEAR(rates.events_per_s(), 50, 1e-9);
  const api::RateSeries series = rates.series(1, {kStart + 120'000});
  ASSERT_EQ(series.events.size(), series.alerts.size());
  EXPECT_NEAR(std::accumulate(series.events.begin(), series.events.end(), 0.0) * static_cast<double>(series.step_s),
              120 * 50, 1e-6);
  EXPECT_NEAR(std::accumulate(series.alerts.begin(), series.alerts.end(), 0.0), 2, 1e-9);
}

TEST(Rates, ARestartDoesNotCountBackwards) {
  Rates rates;
  rates.tick({kStart}, 1000, 10);
  rates.tick({kStart + 1000}, 5, 0);
  const api::RateSeries series = rates.series(24, {kStart + 1000});
  EXPECT_EQ(std::accumulate(series.events.begin(), series.events.end(), 0.0), 0);
}

TEST(Rates, AWeekFitsIntoThePicture) {
  Rates rates;
  const api::RateSeries series = rates.series(168, {kStart});
  EXPECT_LE(series.events.size(), 360U);
  EXPECT_GE(series.step_s * series.events.size(), 167U * 3600);
}

}  // namespace
}  // namespace pandun::server
