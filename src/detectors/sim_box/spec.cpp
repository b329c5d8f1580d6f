#include "detectors/sim_box/sim_box.h"

namespace pandun::detectors {

const detect::DetectorSpec& sim_box_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "sim_box",
      .title_en = "SIM box",
      .title_zh = "疑似 GOIP",
      .finds_en =
          "Many numbers behind few devices at one place, or relieving one another on one trunk, that only call out: a "
          "SIM box, or two telephones and an audio cable.",
      .finds_zh =
          "大量号码集中在少数终端上、位置不动，或在同一中继上先后接替，只呼出不呼入：猫池（GOIP）或手机加音频线的简易 "
          "GOIP。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kDevice,
      .topic = "sim_box",
      .techniques = {"PF-008", "PF-020"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"calls_24h_min", "calls", 20, 5, 10000, "calls out of one number within 24 hours",
               "单号 24 小时外呼次数"},
              {"devices_min", "devices", 3, 2, 64, "devices that one number uses within 24 hours",
               "单号 24 小时使用的终端数"},
              {"cells_max", "cells", 2, 1, 64, "cells in which a number or device is seen; more is movement",
               "出现的小区数上限，超过视为移动"},
              {"out_share_min", "ratio", 0.95, 0, 1, "share of a number's calls that it makes itself", "主叫占比"},
              {"dispersion_min", "ratio", 0.7, 0, 1, "different callees per call", "离散度：不同被叫数／外呼次数"},
              {"return_share_max", "ratio", 0.05, 0, 1, "calls back per different callee within 24 h",
               "24 小时内回拨占比"},
              {"device_numbers_min", "numbers", 5, 3, 32, "numbers that take turns on one device",
               "同一终端上轮换的号码数"},
              {"number_calls_min", "calls", 3, 2, 1000, "calls a number must make on the device to count",
               "号码在该终端上计入所需的外呼次数"},
              {"cohort_min", "numbers", 6, 3, 24, "numbers of one cell that only call out, at a like pace",
               "同一小区只呼出、节奏相近的号码数"},
              {"cohort_calls_min", "calls", 20, 5, 10000, "calls out of each of them within 6 to 12 hours",
               "其中每个号码 6 至 12 小时外呼次数"},
              {"mirrored_calls_min", "calls", 5, 3, 100,
               "conversations of two numbers in one cell that begin and end together",
               "同一小区两个号码同时开始、同时结束的通话次数"},
              {"trunk_numbers_min", "numbers", 12, 4, 64,
               "home mobile numbers that relieve one another on a trunk within 12 to 24 hours",
               "12 至 24 小时内同一中继上先后接替主叫的境内手机号码数"},
              {"trunk_calls_min", "calls", 8, 4, 1000, "calls out of each of them through the trunk",
               "其中每个号码经该中继外呼次数"},
              {"protected_factor", "times", 3, 1, 100,
               "counts are multiplied by this for protected groups and service numbers",
               "受保护群体与服务号码的阈值倍数"},
          },
      .false_positives_en =
          "A company's GSM gateway with several SIMs of its own; callers of one office on mobile phones; a laboratory "
          "that "
          "tests handsets. They are registered as such, receive calls too, and their numbers live for years.",
      .false_positives_zh =
          "企业自用的多卡语音网关；同一办公室使用手机的外呼人员；终端测试实验室。此类用户可登记核实，也接听来电，号码长"
          "期在用。",
      .state_version = 6,
      .evidence =
          {
              {"device_numbers", "numbers taking turns on the device", "终端上轮换的号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"device_calls", "calls out on the device", "终端外呼次数", "calls", "次", detect::Bound::kAtLeast},
              {"device_switches", "changes from one number to another", "号码切换次数", "times", "次",
               detect::Bound::kAtLeast},
              {"device_dispersion", "different numbers called per call on the device", "终端被叫离散度", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"device_cells", "cells the device was in", "终端出现的小区数", "cells", "个", detect::Bound::kAtMost},
              {"cohort_numbers", "numbers in the cell that only call out at a like pace",
               "小区内只呼出且节奏相近的号码数", "numbers", "个", detect::Bound::kAtLeast},
              {"cohort_calls_median", "calls out of each of them (median)", "其外呼次数中位数", "calls", "次",
               detect::Bound::kAtLeast},
              {"cohort_devices", "devices they share", "其共用的终端数", "devices", "台"},
              {"mirrored_calls", "conversations that begin and end together", "同时开始并同时结束的通话次数", "calls",
               "次", detect::Bound::kAtLeast},
              {"mirrored_share", "share of the quieter number's calls", "占通话较少一方的比例", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"mirrored_callees", "different numbers called", "不同被叫数", "numbers", "个", detect::Bound::kAtLeast},
              {"trunk_numbers", "home mobile numbers that relieve one another on the trunk",
               "中继上先后接替主叫的境内手机号码数", "numbers", "个", detect::Bound::kAtLeast},
              {"trunk_calls_median", "calls out of each of them (median)", "其外呼次数中位数", "calls", "次",
               detect::Bound::kAtLeast},
              {"trunk_numbers_at_once", "of these, in use at one time on average", "平均同时在用的号码数", "numbers",
               "个", detect::Bound::kAtMost},
              {"trunk_calls_share", "their share of all calls through the trunk", "占该中继全部通话的比例", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"trunk_dispersion", "different numbers called per call of theirs", "其被叫离散度", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"trunk_heard", "calls towards them through the trunk", "经该中继呼入这些号码的次数", "calls", "次",
               detect::Bound::kAtMost},
              {"trunk_share", "share of the calls through the trunk named first", "首个中继所占通话比例", "ratio",
               "比例"},
              {"dispersion_24h", "different numbers per call or message in 24 h", "24 小时不同号码占比", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"return_share_24h", "calls back per number called in 24 h", "24 小时回拨占比", "ratio", "比例",
               detect::Bound::kAtMost},
              {"protected_group_service_number", "service number: higher thresholds apply", "服务号码，按更高阈值判断",
               "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"calls_out", "calls made over time", "各时段主叫次数", "calls", "次"},
          },
      .wants_devices = true,
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_sim_box(const detect::Options& options) {
  return std::make_unique<sim_box::SimBox>(options);
}

}  // namespace pandun::detectors
