#include "detect/detector.h"

namespace pandun::detectors {

const detect::DetectorSpec& foreign_burst_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "foreign_burst",
      .title_en = "Surge of calls from abroad",
      .title_zh = "境外来话突增",
      .finds_en =
          "Calls from one country through one trunk far above what is "
          "usual at this hour of the day, to very many people "
          "or into one region, with few conversations.",
      .finds_zh =
          "经同一中继、来自同一国家或地区的来话远超该时段自身基线，呼向"
          "大量不同被叫或某一地区，且成话少。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kTrunk,
      .topic = "foreign_burst",
      .techniques = {"PF-006"},
      .episode_gap = std::chrono::hours(12),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"calls_1h_min", "calls", 60, 10, 1000000, "calls from one country within an hour, whatever is usual",
               "1 小时内来自同一国家的来话次数下限"},
              {"region_calls_1h_min", "calls", 30, 5, 1000000, "the same into one region (area code of fixed lines)",
               "呼向同一地区（固话区号）的次数下限"},
              {"surge_min", "times", 4, 1.5, 1000, "times the usual calls of this hour", "相对同时段基线的倍数"},
              {"dispersion_min", "ratio", 0.7, 0, 1, "different callees per call", "离散度：不同被叫数／来话次数"},
              {"conversation_max", "ratio", 0.4, 0, 1, "share of calls answered and longer than 10 s",
               "成话率：接通且超过 10 秒的占比"},
              {"region_share_min", "ratio", 0.5, 0.1, 1, "share of the hour's calls that go into the region",
               "该地区占本小时来话的比例"},
          },
      .false_positives_en =
          "A new carrier's test calls; a call centre abroad that serves home "
          "customers and reaches few; a trunk that takes "
          "another's load after a failure: it has no yesterday and its calls "
          "are talked through.",
      .false_positives_zh =
          "新开中继的测试呼叫；服务境内客户而接通少的境外呼叫"
          "中心；故障切换后承接他路流量的中继。",
      .evidence =
          {
              {"foreign_calls_1h", "calls from this country in 1 h", "1 小时来自该国家或地区的来话", "calls", "次"},
              {"usual_calls_1h", "usual at this hour of the day", "该时段通常次数", "calls", "次"},
              {"called_numbers_1h", "numbers called by them in 1 h", "1 小时被叫号码数", "numbers", "个",
               Bound::kAtLeast},
              {"calling_numbers_1h", "numbers that called in 1 h", "1 小时主叫号码数", "numbers", "个"},
              {"conversation_ratio_1h", "share of calls that became a conversation in 1 h", "1 小时成话率", "ratio",
               "比例"},
              {"region_calls_1h", "of these, calls into one region in 1 h", "其中 1 小时呼向同一地区次数", "calls",
               "次", Bound::kAtLeast},
              {"region_share_1h", "share of calls into the region", "呼向该地区的占比", "ratio", "比例",
               Bound::kAtLeast},
              {"no_yesterday", "seen for less than two days: compared with little", "观察不足两天，基线尚未成形", "",
               ""},
              {"foreign_calls", "calls from this country over time", "各时段来话次数", "calls", "次"},
          },
  };
  return kSpec;
}

}  // namespace pandun::detectors
