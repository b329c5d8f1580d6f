#include "api/metrics.h"

#include <gtest/gtest.h>

#include <limits>

namespace pandun::api {
namespace {

TEST(PrometheusText, GathersByNameEscapesAndKeepsTheFirstOfTwins) {
  EXPECT_EQ(
      prometheus_text({{"b_total", "b", MetricKind::kCounter, {{"kind", "x\"\\\n"}}, 1.5},
                       {"a", "line\nbreak", MetricKind::kGauge, {}, 12345678901234.0},
                       {"b_total", "b", MetricKind::kCounter, {{"kind", "y"}, {"z", ""}}, 2},
                       {"b_total", "b", MetricKind::kCounter, {{"kind", "y"}, {"z", ""}}, 3}}),
      "# HELP a line\\nbreak\n# TYPE a gauge\na 12345678901234\n"
      "# HELP b_total b\n# TYPE b_total counter\nb_total{kind=\"x\\\"\\\\\\n\"} 1.5\nb_total{kind=\"y\",z=\"\"} 2\n");
  EXPECT_NE(
      prometheus_text({{"n", "", MetricKind::kGauge, {}, std::numeric_limits<double>::infinity()}}).find("n +Inf\n"),
      std::string::npos);
  EXPECT_EQ(prometheus_text({}), "");
}

}  // namespace
}  // namespace pandun::api
