#include "detect/detector.h"

namespace pandun::detectors {

const detect::DetectorSpec& one_ring_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "one_ring",
      .title_en = "One-ring calls",
      .title_zh = "响一声",
      .finds_en =
          "A number that rings very many people for a moment so that they call back, above all from ranges where "
          "calling "
          "back is dear; it weighs more once they do.",
      .finds_zh = "短振铃后即挂断、诱使大量用户回拨的号码，境外与卫星号段更受关注；出现回拨后级别升高。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "one_ring",
      .techniques = {"PF-002"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"rings_1h_min", "calls", 40, 5, 100000,
               "calls out within an hour that nobody answered, or for at most 10 s",
               "1 小时内无人接听或接通不超过 10 秒的外呼次数"},
              {"far_rings_1h_min", "calls", 20, 3, 100000, "the same for foreign, satellite and impossible numbers",
               "境外、卫星及不存在号码的同一阈值"},
              {"silent_factor", "times", 2.5, 1, 100,
               "while too few call back the latter is multiplied by this, and home numbers are not judged",
               "回拨不足时境外类阈值的倍数；境内号码此时不判"},
              {"backs_24h_min", "calls", 2, 1, 10000, "calls back within 24 h from people it rang",
               "24 小时内被振铃者的回拨次数"},
              {"dispersion_min", "ratio", 0.9, 0, 1, "different callees per call", "离散度：不同被叫数／外呼次数"},
              {"conversation_max", "ratio", 0.1, 0, 1, "share of calls answered and longer than 10 s",
               "成话率：接通且超过 10 秒的占比"},
              {"failed_max", "ratio", 0.3, 0, 1, "share of calls that the network failed before any telephone rang",
               "网络失败、未曾振铃的占比上限"},
              {"protected_factor", "times", 3, 1, 100,
               "counts are multiplied by this for protected groups and service numbers",
               "受保护群体与服务号码的阈值倍数"},
          },
      .false_positives_en =
          "A reminder system whose line drops calls and that reports no cause; a person who rings many customers and "
          "is "
          "called back at once. They keep the number for years, and the talk after the call back is theirs.",
      .false_positives_zh = "线路不稳且不报释放原因的通知系统；逐一拨打客户并被立即回拨的个人。此类号码长期在用。",
      .evidence =
          {
              {"rings_1h", "calls that rang and ended in 1 h", "1 小时短振铃呼叫次数", "calls", "次", Bound::kAtLeast},
              {"rings_24h", "calls that rang and ended in 24 h", "24 小时短振铃呼叫次数", "calls", "次",
               Bound::kAtLeast},
              {"dispersion_1h", "different numbers per call or message in 1 h", "1 小时不同号码占比", "ratio", "比例",
               Bound::kAtLeast},
              {"dispersion_24h", "different numbers per call or message in 24 h", "24 小时不同号码占比", "ratio",
               "比例", Bound::kAtLeast},
              {"conversation_ratio_1h", "share of calls that became a conversation in 1 h", "1 小时成话率", "ratio",
               "比例"},
              {"conversation_ratio_24h", "share of calls that became a conversation in 24 h", "24 小时成话率", "ratio",
               "比例"},
              {"backs_24h", "calls back from people it rang in 24 h", "24 小时被振铃者回拨次数", "calls", "次"},
              {"long_backs_24h", "of these, of a minute or more", "其中一分钟以上的回拨次数", "calls", "次"},
              {"costly_to_call_back", "calling it back is dear or leads abroad", "回拨资费高或指向境外", "", ""},
              {"protected_group_service_number", "service number: higher thresholds apply", "服务号码，按更高阈值判断",
               "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"calls_out", "calls made over time", "各时段主叫次数", "calls", "次"},
          },
  };
  return kSpec;
}

}  // namespace pandun::detectors
