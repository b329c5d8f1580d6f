#include "detect/detector.h"

namespace pandun::detectors {

const detect::DetectorSpec& call_bombing_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "call_bombing",
      .title_en = "Call bombing",
      .title_zh = "呼死你",
      .finds_en =
          "A number that very many different callers ring within "
          "minutes, with hardly a conversation: somebody is kept "
          "from his telephone. The alert is about the victim; the "
          "callers stand beside it.",
      .finds_zh =
          "数分钟内被大量不同号码集中呼叫、几乎没有通话的被叫：用户电话"
          "被骚扰占用。告警对象是受害用户，主叫号码列为关联。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "call_bombing",
      .techniques = {"PF-003"},
      .episode_gap = std::chrono::hours(6),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"callers_5m_min", "numbers", 25, 5, 100000, "different callers within 5 minutes", "5 分钟内不同主叫数"},
              {"callers_1h_min", "numbers", 90, 10, 1000000, "different callers within an hour", "1 小时内不同主叫数"},
              {"conversation_max", "ratio", 0.2, 0, 1, "share of calls answered and longer than 10 s",
               "接通且超过 10 秒的占比"},
              {"redial_max", "calls", 1.8, 1, 100,
               "calls per caller above which a public line counts as popular, "
               "not as bombed",
               "公开号码 1 小时人均呼叫次数超过该值视为热线拥挤"},
              {"odd_share_min", "ratio", 0.3, 0, 1,
               "share of foreign, withheld or impossible callers that "
               "overrides the former",
               "境外、隐藏或不存在主叫的占比，达到后不作热线论"},
              {"surge_min", "times", 8, 1, 1000, "calls against the number's own mean of the last 7 days",
               "相对自身 7 天均值的倍数"},
              {"public_factor", "times", 4, 1, 100, "thresholds of fixed, toll-free, service and short numbers",
               "固话、400、服务与短号码的阈值倍数"},
              {"protected_factor", "times", 3, 1, 100, "and of protected groups and service numbers",
               "受保护群体与服务号码的阈值倍数"},
          },
      .false_positives_en =
          "A mobile number that was published (a lost child's parent, a flat "
          "to let); a first radio show; a sale on an "
          "ordinary fixed line. Whoever is rung so often is helped by a call "
          "from the carrier in every case.",
      .false_positives_zh =
          "被公开的个人手机号（寻人、租房）；首次使用的电台热线；普通固话上的抢"
          "购。无论何种情形，运营商联系被叫都有益。",
      .evidence =
          {
              {"talked_share_5m", "share of calls to it that became a conversation in 5 min", "5 分钟来话成话率",
               "ratio", "比例", Bound::kAtMost},
              {"talked_share_1h", "share of calls to it that became a conversation in 1 h", "1 小时来话成话率", "ratio",
               "比例", Bound::kAtMost},
              {"calls_per_caller_5m", "calls per caller in 5 min", "5 分钟每主叫呼叫次数", "calls", "次"},
              {"calls_per_caller_1h", "calls per caller in 1 h", "1 小时每主叫呼叫次数", "calls", "次"},
              {"odd_callers_share_5m", "share of foreign, withheld or impossible callers in 5 min",
               "5 分钟境外、隐藏或不存在主叫的占比", "ratio", "比例"},
              {"odd_callers_share_1h", "share of foreign, withheld or impossible callers in 1 h",
               "1 小时境外、隐藏或不存在主叫的占比", "ratio", "比例"},
              {"protected_group_service_number", "service number: higher thresholds apply", "服务号码，按更高阈值判断",
               "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"calls_in", "calls received over time", "各时段被叫次数", "calls", "次"},
          },
  };
  return kSpec;
}

}  // namespace pandun::detectors
