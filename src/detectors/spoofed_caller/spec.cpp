#include "detect/detector.h"

namespace pandun::detectors {

const detect::DetectorSpec& spoofed_caller_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "spoofed_caller",
      .title_en = "Spoofed caller",
      .title_zh = "改号呼叫",
      .finds_en =
          "Calls that show a number which cannot be the caller's: a home fixed, service or emergency number from "
          "abroad, a number that cannot exist, the callee's own, one number at both sides of the border or through "
          "many trunks at once.",
      .finds_zh =
          "显示不可能属于主叫的号码：境外来话显示境内固话、服务或紧急号码，不可能存在的号码，被叫本机号码，"
          "同一号码同时在境内外主叫，或同时经多条中继主叫。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kTrunk,
      .topic = "spoofed_caller",
      .techniques = {"PF-001"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"presented_24h_min", "calls", 3, 1, 100000,
               "calls from abroad that show home fixed or service numbers, to as many callees, within 24 h",
               "24 小时内境外来话显示境内固话或服务号码的次数（被叫数同）"},
              {"impossible_callers_min", "numbers", 5, 1, 100000,
               "different impossible numbers on one trunk within 24 h; four times as many on a home trunk",
               "24 小时内同一中继上不可能存在的不同主叫号码数（境内中继为四倍）"},
              {"impossible_callees_min", "numbers", 3, 1, 100000, "numbers called by one impossible number within 24 h",
               "24 小时内同一不可能存在的号码呼叫的不同号码数"},
              {"self_callers_min", "numbers", 3, 2, 100000,
               "people called by their own number through one trunk from abroad within 24 h",
               "24 小时内同一中继上被本机号码呼叫的人数"},
              {"both_sides_24h_min", "times", 3, 2, 6,
               "calls from abroad within 5 minutes of a call from home, to different callees",
               "24 小时内境内外主叫相隔不超过 5 分钟的次数"},
              {"trunks_1h_min", "trunks", 8, 3, 32, "trunks that one fixed or service number came through in 1 h",
               "1 小时内同一固话或服务号码经过的中继数"},
              {"abroad_calls_min", "calls", 20, 1, 1000000,
               "calls with foreign callers in 24 h before a trunk counts as one from abroad",
               "24 小时内境外主叫达到该次数后视为国际来话中继"},
              {"abroad_share_min", "ratio", 0.7, 0.5, 1, "their share among its calls to home numbers",
               "境外主叫在该中继来话中的占比"},
              {"protected_factor", "times", 2, 1, 100,
               "thresholds about one mobile or one number's trunks are multiplied by this for protected groups",
               "受保护群体的号码类阈值倍数"},
          },
      .false_positives_en =
          "A trunk that is marked international but carries home calls; an exchange of a company that sends its "
          "extensions; calls forwarded abroad and back; people who cross a land border every day.",
      .false_positives_zh =
          "误标为国际的境内中继；企业交换机发送分机号；经境外呼叫转移返回的通话；每日往返陆路口岸者。",
      .evidence =
          {
              {"presented_calls_24h", "calls from abroad that show home fixed or service numbers in 24 h",
               "24 小时境外来话显示境内固话或服务号码次数", "calls", "次", Bound::kAtLeast},
              {"presented_numbers_24h", "home fixed or service numbers shown in 24 h",
               "24 小时被冒用的固话或服务号码数", "numbers", "个"},
              {"emergency_calls_24h", "calls from abroad that show emergency numbers in 24 h",
               "24 小时境外来话显示紧急号码次数", "calls", "次", Bound::kAtLeast},
              {"emergency_numbers_24h", "emergency numbers shown in 24 h", "24 小时被冒用的紧急号码数", "numbers",
               "个"},
              {"impossible_calls_24h", "calls from numbers that cannot exist in 24 h",
               "24 小时不可能存在号码的主叫次数", "calls", "次"},
              {"impossible_numbers_24h", "different impossible numbers in 24 h", "24 小时不可能存在的不同号码数",
               "numbers", "个"},
              {"self_calls_24h", "calls from abroad that show the callee's own number in 24 h",
               "24 小时境外来话显示被叫本机号码次数", "calls", "次"},
              {"self_numbers_24h", "people called by their own number in 24 h", "24 小时被本机号码呼叫的人数",
               "numbers", "人"},
              {"called_numbers_24h", "numbers called by them in 24 h", "24 小时被叫号码数", "numbers", "个"},
              {"from_abroad", "the calls came from abroad", "来自境外", "", ""},
              {"both_sides_24h", "times it called from abroad within 5 min of a call from home in 24 h",
               "24 小时境内外主叫相隔不超过 5 分钟的次数", "times", "次", Bound::kAtLeast},
              {"home_calls_5m", "calls from home in the same 5 min", "同一 5 分钟内境内主叫次数", "calls", "次",
               Bound::kAtLeast},
              {"trunks_1h", "trunks it came through in 1 h", "1 小时经过的中继数", "trunks", "条", Bound::kAtLeast},
              {"new_trunks_1h", "of these, trunks it did not use before", "其中此前未用的中继数", "trunks", "条",
               Bound::kAtLeast},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"false_calls", "calls with a false caller over time", "各时段改号呼叫次数", "calls", "次"},
          },
  };
  return kSpec;
}

}  // namespace pandun::detectors
