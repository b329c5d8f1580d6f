#include "casework/words.h"

#include <gtest/gtest.h>

#include <cmath>

namespace pandun::casework {
namespace {

class Words final : public FeatureWords {
 public:
  FeatureWord word(std::string_view feature) const override {
    using Bound = FeatureWord::Bound;
    if (feature == "contacts") return {{"联系次数", "contacts"}, {"次", "contacts"}, false, Bound::kAtLeast};
    if (feature == "interval_median_s") return {{"典型间隔", "typical interval"}, {}, false, Bound::kAtLeast};
    if (feature == "interval_share") return {{"等间隔占比", "share of like intervals"}, {}, false, Bound::kAtLeast};
    if (feature == "regular_sources")
      return {{"同节奏主机数", "sources at a beat"}, {"台", "hosts"}, false, Bound::kAtMost};
    if (feature == "bytes_out_1h") return {{"上行", "sent in 1 h"}, {"字节", "bytes"}};
    if (feature == "list_feed") return {{"列入名单 feed", "listed by feed"}, {}, true};
    return {};
  }
};

model::Alert alert_of(std::vector<model::Evidence> evidence) {
  model::Alert alert;
  alert.title = {"疑似回连", "Beacon"};
  alert.signals = 1;
  alert.evidence = std::move(evidence);
  return alert;
}

TEST(Why, IsAPlainSentenceInBothLanguages) {
  const Words words;
  const auto why = why_of(alert_of({{"contacts", 80, 20, "contacts"},
                                    {"size_share", 0.9, 0, "ratio"},
                                    {"trw_log_likelihood", 12.4, 4.6, "nats"},
                                    {"interval_median_s", 301, 8, "s"},
                                    {"interval_share", 0.917, 0.7, "ratio"},
                                    {"regular_sources", 1, 25, "hosts"}}),
                          &words);
  EXPECT_EQ(why.zh,
            "疑似回连。依据：联系次数 80 次（至少 20 次）；典型间隔 5 分钟（至少 8 秒）；等间隔占比 91.7%（至少 70%）；"
            "同节奏主机数 1 台（至多 25 台）。");
  EXPECT_EQ(
      why.en,
      "Beacon. Grounds: contacts: 80 (at least 20); typical interval: 5 min (at least 8 s); share of like intervals: "
      "91.7 % (at least 70 %); sources at a beat: 1 hosts (at most 25 hosts).");
}

TEST(Why, SaysThresholdWhereTheSideIsNotKnown) {
  const auto why = why_of(alert_of({{"calls_1h", 120, 60, "calls"}}), nullptr);
  EXPECT_EQ(why.zh, "疑似回连。依据：calls_1h 120 calls（阈值 60 calls）。");
  EXPECT_EQ(why.en, "Beacon. Grounds: calls_1h: 120 calls (threshold 60 calls).");
}

TEST(Why, TakesFourItemsAtMostAndKeepsAStatement) {
  const Words words;
  const model::Evidence contacts{"contacts", 80, 20, "contacts"};
  const auto why =
      why_of(alert_of({contacts, contacts, contacts, contacts, contacts, {"list_feed", 1, 1, "list"}}), &words);
  EXPECT_EQ(
      why.en,
      "Beacon. Grounds: contacts: 80 (at least 20); contacts: 80 (at least 20); contacts: 80 (at least 20); listed by "
      "feed.");
}

TEST(Why, SaysHowOftenItWasReported) {
  model::Alert alert = alert_of({});
  alert.signals = 3;
  EXPECT_EQ(why_of(alert, nullptr).zh, "疑似回连。期间共报告 3 次。");
  EXPECT_EQ(why_of(alert, nullptr).en, "Beacon. Reported 3 times so far.");
}

TEST(Why, BearsAnyNumber) {
  const Words words;
  const auto said = [&](double value, const std::string& unit) {
    return why_of(alert_of({{"bytes_out_1h", value, 1, unit}}), &words).en;
  };
  EXPECT_NE(said(6.0888e72, "calls").find("6.09e+72"), std::string::npos);
  EXPECT_NE(said(std::nan(""), "ratio").find("unknown"), std::string::npos);
  EXPECT_NE(said(-1.0 / 0.0, "s").find("unknown"), std::string::npos);
  EXPECT_NE(said(2.5e6, "bytes").find("2.5 MB"), std::string::npos);
  EXPECT_NE(said(86400, "s").find("24 h"), std::string::npos);
  EXPECT_NE(said(7 * 86400, "s").find("7 d"), std::string::npos);
  EXPECT_NE(said(0.001, "calls").find("0.001"), std::string::npos);
}

}  // namespace
}  // namespace pandun::casework
