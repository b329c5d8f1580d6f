#include "detect/features/catalog.h"

#include <fmt/format.h>

#include <array>
#include <vector>

#include "base/check.h"
#include "detect/nearest.h"

namespace pandun::detect {
namespace {

using Number = NumberActivity;
using Host = HostActivity;
using Dialling = DiallingActivity;
using Device = DeviceActivity;
using Cell = CellActivity;

template <double (Number::*F)(Window) const, Window W>
double of_number(const Number& a) {
  return (a.*F)(W);
}
template <double (Host::*F)(Window) const, Window W>
double of_host(const Host& a) {
  return (a.*F)(W);
}
template <typename Activity, double (Activity::*F)(Window) const, Window W>
double in_window(const Activity& a) {
  return (a.*F)(W);
}
template <typename Activity, double (Activity::*F)() const>
double plain(const Activity& a) {
  return (a.*F)();
}
template <double (Number::*F)() const>
double plain_number(const Number& a) {
  return (a.*F)();
}
template <double (Host::*F)() const>
double plain_host(const Host& a) {
  return (a.*F)();
}

constexpr std::array<std::string_view, kWindows> kSpanEn{"5 minutes", "hour", "24 hours", "7 days", "30 days"};
constexpr std::array<std::string_view, kWindows> kSpanZh{"5 分钟", "1 小时", "24 小时", "7 天", "30 天"};

constexpr std::array<std::string_view, kWindows> kShortEn{"5 min", "1 h", "24 h", "7 d", "30 d"};

// A family's short title; " in 1 h" follows, "1 小时" goes before. Singles have their window in it.
struct Title {
  std::string_view stem, en, zh;
};
constexpr Title kTitles[] = {
    {"calls_out", "calls made", "主叫次数"},
    {"calls_in", "calls received", "被叫次数"},
    {"messages_out", "messages sent", "发送短信条数"},
    {"messages_in", "messages received", "接收短信条数"},
    {"unanswered_out", "calls made that nobody answered", "主叫未接通次数"},
    {"distinct_callees", "different numbers called", "主叫的不同号码数"},
    {"distinct_callers", "different numbers that called it", "来电的不同号码数"},
    {"distinct_recipients", "different numbers it sent messages to", "发送短信的不同号码数"},
    {"distinct_senders", "different numbers that sent it messages", "收到短信的不同号码数"},
    {"answered_ratio_out", "share of calls made that were answered", "主叫接通率"},
    {"short_ratio_out", "share of answered calls of at most 10 s", "接通后不超过 10 秒的比例"},
    {"talk_s_mean_out", "mean talk time of answered calls", "主叫平均通话时长"},
    {"out_share", "share of its calls that it made itself", "主叫占比"},
    {"repeat_ratio_out", "share of repeated calls", "重复呼叫比例"},
    {"return_calls_24h", "calls back in 24 h", "24 小时回拨次数"},
    {"return_calls", "calls back", "回拨次数"},
    {"distinct_devices_24h", "devices used in 24 h", "24 小时使用的终端数"},
    {"distinct_cells_24h", "cells it was in within 24 h", "24 小时出现的小区数"},
    {"regions_callee_24h", "regions called in 24 h", "24 小时被叫归属地数"},
    {"night_share_24h", "share of calls and messages at night in 24 h", "24 小时夜间呼叫与发送比例"},
    {"distinct_devices", "devices used", "使用的终端数"},
    {"distinct_cells", "cells it was in", "出现的小区数"},
    {"regions_callee", "regions called", "被叫归属地数"},
    {"night_share", "share of calls and messages at night", "夜间呼叫与发送比例"},
    {"long_ratio_out", "share of answered calls over 5 min", "接通后超过 5 分钟的比例"},
    {"unanswered_in", "calls received but not answered", "未接来电次数"},
    {"answered_ratio_in", "share of calls received that were answered", "来电接听率"},
    {"short_ratio_in", "share of answered calls received of at most 10 s", "来电接听后不超过 10 秒的比例"},
    {"international_share_out", "share of calls and messages abroad", "国际呼叫与发送比例"},
    {"international_share_in", "share of calls and messages from abroad", "境外来话来信比例"},
    {"roaming_share_out", "share of calls made while abroad", "境外漫游主叫比例"},
    {"new_callee_share_24h", "share of new callees in 24 h", "24 小时新被叫比例"},
    {"first_contact_share_24h", "share of first contacts in 24 h", "24 小时首次联系比例"},
    {"max_messages_per_minute_5m", "most messages in a minute within 5 min", "5 分钟内单分钟最多发送条数"},
    {"max_calls_per_minute_5m", "most calls in a minute within 5 min", "5 分钟内单分钟最多主叫次数"},
    {"first_seen_age_s", "time since the number was first seen", "号码首次出现至今"},
    {"idle_before_s", "silence before it woke", "此前静默时长"},
    {"flows", "flows started", "发起的流数"},
    {"failed_flows", "failed flows", "失败的流数"},
    {"failed_ratio", "share of failed flows", "流失败比例"},
    {"distinct_dst_hosts", "different hosts contacted", "访问的不同主机数"},
    {"distinct_dst_ports", "different ports contacted", "访问的不同端口数"},
    {"distinct_dst_pairs", "different pairs of host and port contacted", "访问的不同主机端口对数"},
    {"bytes_out", "bytes sent", "上行字节数"},
    {"bytes_in", "bytes received", "下行字节数"},
    {"dns_queries", "names looked up", "域名查询次数"},
    {"nxdomain_ratio", "share of look-ups for names that do not exist", "查询不存在域名的比例"},
    {"distinct_nxdomains", "different names looked up that do not exist", "查询的不同不存在域名数"},
    {"logins_failed", "failed log-ins", "登录失败次数"},
    {"host_first_seen_age_s", "time since the address was first seen", "地址首次出现至今"},
    {"dial_calls", "calls made at pace", "连拨次数"},
    {"dial_ring_s_mean", "mean ring time at pace", "连拨平均振铃时长"},
    {"dial_ring_s_spread", "spread of ring times at pace", "连拨振铃时长离散程度"},
    {"dial_ring_short_share", "share rung for at most 5 s at pace", "连拨振铃不超过 5 秒的比例"},
    {"dial_sequential_share", "share of neighbouring numbers at pace", "连拨相邻号码比例"},
    {"dial_sequential_run", "longest run of neighbouring numbers", "最长相邻号码连拨数"},
    {"dial_gap_cv_1h", "irregularity of its rhythm within 1 h", "1 小时拨号节奏变异系数"},
    {"dial_new_callee_share", "share to numbers not called before", "连拨中新被叫比例"},
    {"dial_first_contact_share", "share of first contacts at pace", "连拨中首次联系比例"},
    {"dial_dispersion", "different callees per call at pace", "连拨离散度"},
    {"dial_callee_entropy", "evenness over callees at pace", "连拨被叫均匀度"},
    {"dial_region_entropy", "entropy of callees' regions at pace", "连拨被叫归属地熵"},
    {"dial_international_share", "share of calls abroad at pace", "连拨国际呼叫比例"},
    {"dial_roaming_share_24h", "share made while abroad in 24 h", "24 小时连拨漫游比例"},
    {"dial_distinct_cells_1h", "cells it dialled from in 1 h", "1 小时连拨所在小区数"},
    {"dial_top_cell_share_24h", "share dialled from one cell in 24 h", "24 小时连拨最常小区占比"},
    {"dial_device_changes_7d", "changes of device while dialling in 7 d", "7 天连拨换机次数"},
    {"dial_suspect_calls_24h", "calls to suspected numbers in 24 h", "24 小时连拨可疑号码次数"},
    {"dial_suspect_share_24h", "share of calls to suspected numbers in 24 h", "24 小时连拨可疑号码比例"},
    {"dial_impossible_moves_24h", "moves faster than anybody travels in 24 h", "24 小时连拨中不可能的移动次数"},
    {"device_calls_out", "calls made on the device", "终端主叫次数"},
    {"device_calls_in", "calls received on the device", "终端被叫次数"},
    {"device_messages_out", "messages sent from the device", "终端发送短信条数"},
    {"device_out_share", "share of the device's calls that it made", "终端主叫占比"},
    {"device_answered_ratio", "share of the device's calls answered", "终端主叫接通率"},
    {"device_short_ratio", "share of its answered calls of at most 10 s", "终端接通后不超过 10 秒的比例"},
    {"device_unanswered", "calls made on the device that nobody answered", "终端主叫未接通次数"},
    {"device_unanswered_ratio", "share of its calls that nobody answered", "终端主叫未接通率"},
    {"device_talk_s_mean", "mean talk time on the device", "终端主叫平均通话时长"},
    {"device_talk_s_spread_24h", "spread of talk times on the device in 24 h", "24 小时终端通话时长离散程度"},
    {"device_ring_s_mean", "mean ring time of the device's calls", "终端主叫平均振铃时长"},
    {"device_ring_s_spread_24h", "spread of the device's ring times in 24 h", "24 小时终端振铃时长离散程度"},
    {"device_return_calls", "calls back to the device", "终端回拨次数"},
    {"device_night_share", "share of the device's use at night", "终端夜间呼叫与发送比例"},
    {"device_international_share", "share of the device's use abroad", "终端国际呼叫与发送比例"},
    {"device_roaming_share", "share of its calls made while abroad", "终端漫游主叫比例"},
    {"device_gap_cv_1h", "irregularity of the device's rhythm in 1 h", "1 小时终端拨号节奏变异系数"},
    {"device_dispersion", "different callees per call on the device", "终端主叫离散度"},
    {"device_regions_callee_24h", "regions called on the device in 24 h", "24 小时终端被叫归属地数"},
    {"device_idle_before_s", "the device's silence before it woke", "终端此前静默时长"},
    {"device_distinct_callees", "different numbers called on the device", "终端主叫的不同号码数"},
    {"device_switches", "times another number took the device over", "终端换号使用次数"},
    {"device_moves", "times the device was in another cell", "终端换小区次数"},
    {"device_distinct_numbers", "different numbers on the device", "终端上的不同号码数"},
    {"device_new_numbers", "numbers new on the device", "终端上新出现的号码数"},
    {"device_distinct_numbers_30d", "different numbers on the device in 30 d", "30 天终端上的不同号码数"},
    {"device_new_numbers_30d", "numbers new on the device in 30 d", "30 天终端上新出现的号码数"},
    {"device_distinct_cells", "different cells the device was in", "终端出现的不同小区数"},
    {"device_first_seen_age_s", "time since the device was first seen", "终端首次出现至今"},
    {"cell_calls", "calls made or received in the cell", "小区通话次数"},
    {"cell_calls_out", "calls made in the cell", "小区主叫次数"},
    {"cell_messages", "messages sent from the cell", "小区发送短信条数"},
    {"cell_international", "calls and messages abroad in the cell", "小区国际通话与短信数"},
    {"cell_answered_ratio", "share of calls made in the cell answered", "小区主叫接通率"},
    {"cell_unanswered_ratio", "share of calls made in it nobody answered", "小区主叫未接通率"},
    {"cell_short_ratio", "share of the cell's answered calls of at most 10 s", "小区接通后不超过 10 秒的比例"},
    {"cell_talk_s_mean", "mean talk time in the cell", "小区平均通话时长"},
    {"cell_roaming_share", "share of calls made in it while abroad", "小区漫游主叫比例"},
    {"cell_night_share_24h", "share of the cell's traffic at night in 24 h", "24 小时小区夜间话务比例"},
    {"cell_idle_before_s", "the cell's silence before it woke", "小区此前静默时长"},
    {"cell_distinct_numbers", "different numbers in the cell", "小区内不同号码数"},
    {"cell_distinct_devices", "different devices in the cell", "小区内不同终端数"},
    {"cell_new_numbers", "numbers new in the cell", "小区内新出现的号码数"},
    {"cell_new_number_share", "share of numbers new in the cell", "小区内新号码比例"},
    {"cell_message_rise", "messages in the cell, times the usual", "小区短信相对平时倍数"},
    {"cell_first_seen_age_s", "time since the cell was first seen", "小区首次出现至今"},
};
const Title& title_of(std::string_view stem) {
  for (const Title& title : kTitles)
    if (title.stem == stem) return title;
  CHECK(false);  // the family above has no line
  return kTitles[0];
}

// What the features of one family share. {en} and {zh} stand for the window's span.
struct Family {
  std::string_view stem, unit, doc_en, doc_zh;
  Exactness exactness = Exactness::kExact;
  std::uint8_t cost = 2;
  bool bounded = false, outgoing = false;
  std::uint8_t kinds = kAnyContact;
  bool by_numbers = false;
  Exactness in(Window w) const {
    return exactness == Exactness::kSketch && w >= Window::k7d ? Exactness::kSample : exactness;
  }
};

class Builder {
 public:
  template <double (Number::*F)(Window) const, Window... W>
  void number(const Family& family) {
    (add(family, model::EntityKind::kNumber, W, &of_number<F, W>, nullptr), ...);
  }
  template <double (Host::*F)(Window) const, Window... W>
  void host(const Family& family) {
    (add(family, model::EntityKind::kIp, W, nullptr, &of_host<F, W>), ...);
  }
  template <double (Dialling::*F)(Window) const, Window... W>
  void dialling(const Family& family) {
    ((windowed(family, model::EntityKind::kNumber, W).dialling = &in_window<Dialling, F, W>), ...);
  }
  template <double (Device::*F)(Window) const, Window... W>
  void device(const Family& family) {
    ((windowed(family, model::EntityKind::kDevice, W).device = &in_window<Device, F, W>), ...);
  }
  template <double (Cell::*F)(Window) const, Window... W>
  void cell(const Family& family) {
    ((windowed(family, model::EntityKind::kCell, W).cell = &in_window<Cell, F, W>), ...);
  }
  Feature& one(const Family& family, model::EntityKind entity, std::optional<Window> w) {
    Feature& feature = push(family, entity, std::string(family.stem));
    feature.window = w;
    feature.title_en = title_of(family.stem).en;
    feature.title_zh = title_of(family.stem).zh;
    feature.doc_en = family.doc_en;
    feature.doc_zh = family.doc_zh;
    return feature;
  }
  // A family of one whose name already says its window.
  void single(const Family& family, std::optional<Window> w, double (*f)(const Number&)) {
    Feature& feature = push(family, model::EntityKind::kNumber, std::string(family.stem));
    feature.window = w;
    feature.number = f;
    feature.title_en = title_of(family.stem).en;
    feature.title_zh = title_of(family.stem).zh;
    feature.doc_en = family.doc_en;
    feature.doc_zh = family.doc_zh;
  }
  void single(const Family& family, std::optional<Window> w, double (*f)(const Host&)) {
    Feature& feature = push(family, model::EntityKind::kIp, std::string(family.stem));
    feature.window = w;
    feature.host = f;
    feature.title_en = title_of(family.stem).en;
    feature.title_zh = title_of(family.stem).zh;
    feature.doc_en = family.doc_en;
    feature.doc_zh = family.doc_zh;
  }
  std::vector<Feature> take() { return std::move(all_); }

 private:
  void add(const Family& family, model::EntityKind entity, Window w, double (*n)(const Number&),
           double (*h)(const Host&)) {
    Feature& feature = windowed(family, entity, w);
    feature.number = n;
    feature.host = h;
  }
  Feature& windowed(const Family& family, model::EntityKind entity, Window w) {
    const auto i = static_cast<std::size_t>(w);
    Feature& feature = push(family, entity, fmt::format("{}_{}", family.stem, spec(w).name));
    feature.window = w;
    feature.exactness = family.in(w);
    feature.title_en = fmt::format("{} in {}", title_of(family.stem).en, kShortEn[i]);
    feature.title_zh = fmt::format("{}{}", kSpanZh[i], title_of(family.stem).zh);
    feature.doc_en = fmt::format(fmt::runtime(family.doc_en), fmt::arg("en", kSpanEn[i]));
    feature.doc_zh = fmt::format(fmt::runtime(family.doc_zh), fmt::arg("zh", kSpanZh[i]));
    return feature;
  }
  Feature& push(const Family& family, model::EntityKind entity, std::string name) {
    Feature feature;
    feature.id = static_cast<std::uint16_t>(all_.size());
    feature.name = std::move(name);
    feature.unit = family.unit;
    feature.entity = entity;
    feature.exactness = family.exactness;
    feature.cost = family.cost;
    feature.bounded_by_contacts = family.bounded;
    feature.outgoing = family.outgoing;
    feature.kinds = family.kinds;
    feature.bounded_by_numbers = family.by_numbers;
    return all_.emplace_back(std::move(feature));
  }
  std::vector<Feature> all_;
};

constexpr Window k5m = Window::k5m, k1h = Window::k1h, k24h = Window::k24h, k7d = Window::k7d, k30d = Window::k30d;
constexpr Exactness kExact = Exactness::kExact, kSketch = Exactness::kSketch, kEstimate = Exactness::kEstimate;

void number_counts(Builder& b) {
  b.number<&Number::calls_out, k5m, k1h, k24h, k7d, k30d>(
      {"calls_out", "calls", "calls made in the last {en}", "最近 {zh}主叫次数", kExact, 2, true, true});
  b.number<&Number::calls_in, k5m, k1h, k24h, k7d, k30d>(
      {"calls_in", "calls", "calls received in the last {en}", "最近 {zh}被叫次数", kExact, 2, true});
  b.number<&Number::messages_out, k5m, k1h, k24h, k7d, k30d>(
      {"messages_out", "messages", "messages sent in the last {en}", "最近 {zh}发送短信条数", kExact, 2, true, true});
  b.number<&Number::messages_in, k5m, k1h, k24h, k7d, k30d>(
      {"messages_in", "messages", "messages received in the last {en}", "最近 {zh}接收短信条数", kExact, 2, true});
  b.number<&Number::unanswered_out, k5m, k1h, k24h, k7d, k30d>({"unanswered_out", "calls",
                                                                "calls made in the last {en} that nobody answered",
                                                                "最近 {zh}主叫未接通次数", kExact, 2, true, true});
  b.number<&Number::distinct_callees, k5m, k1h, k24h, k7d, k30d>({"distinct_callees", "numbers",
                                                                  "different numbers called in the last {en}",
                                                                  "最近 {zh}主叫的不同号码数", kSketch, 5, true, true});
  b.number<&Number::distinct_callers, k5m, k1h, k24h, k7d, k30d>({"distinct_callers", "numbers",
                                                                  "different numbers that called it in the last {en}",
                                                                  "最近 {zh}来电的不同号码数", kSketch, 5, true});
  b.number<&Number::distinct_recipients, k5m, k1h, k24h, k7d, k30d>(
      {"distinct_recipients", "numbers", "different numbers it sent messages to in the last {en}",
       "最近 {zh}发送短信的不同号码数", kSketch, 5, true, true});
  b.number<&Number::distinct_senders, k5m, k1h, k24h, k7d, k30d>(
      {"distinct_senders", "numbers", "different numbers that sent it messages in the last {en}",
       "最近 {zh}收到短信的不同号码数", kSketch, 5, true});
}

void number_ratios(Builder& b) {
  b.number<&Number::answered_ratio_out, k5m, k1h, k24h, k7d, k30d>(
      {"answered_ratio_out", "ratio",
       "share of the calls made in the last {en} that were answered; not known without calls whose outcome is known",
       "最近 {zh}主叫接通率（无已知结果的呼叫时未知）"});
  b.number<&Number::short_ratio_out, k5m, k1h, k24h, k7d, k30d>(
      {"short_ratio_out", "ratio",
       "share of the answered calls made in the last {en} with at most 10 s of talk; not known without answered calls",
       "最近 {zh}主叫接通中通话不超过 10 秒的比例（无接通时未知）"});
  b.number<&Number::talk_s_mean_out, k5m, k1h, k24h>(
      {"talk_s_mean_out", "s",
       "mean talk time of the answered calls made in the last {en}; not known without answered calls",
       "最近 {zh}主叫接通的平均通话时长（无接通时未知）"});
  b.number<&Number::talk_s_mean_out, k7d, k30d>(
      {"talk_s_mean_out", "s",
       "mean talk time of the answered calls made in the last {en}, within 8 s: those of more than 24 h ago in steps "
       "of "
       "16 s; not known without answered calls",
       "最近 {zh}主叫接通的平均通话时长，误差不超过 8 秒（24 小时以前的按 16 秒计；无接通时未知）", kEstimate});
  b.number<&Number::out_share, k5m, k1h, k24h, k7d, k30d>(
      {"out_share", "ratio", "calls made as a share of all calls in the last {en}; not known without calls",
       "最近 {zh}主叫占比（无通话时未知）"});
  b.number<&Number::repeat_ratio_out, k5m, k1h, k24h, k7d, k30d>(
      {"repeat_ratio_out", "ratio",
       "1 - different numbers called / calls made in the last {en}: near 0 when everybody is a stranger; not known "
       "without calls",
       "最近 {zh}重复呼叫比例：1 - 不同被叫数 / 主叫次数，接近 0 表示全是陌生人（无主叫时未知）", kSketch, 6});
}

void number_returns(Builder& b) {
  b.number<&Number::return_calls, k5m, k1h, k7d, k30d>(
      {"return_calls", "calls",
       "calls received in the last {en} from numbers it had called within the 24 hours before; see return_calls_24h",
       "最近 {zh}内由其此前 24 小时内呼叫过的号码打回的次数（参见 return_calls_24h）", kEstimate, 2, true});
}

// What came after the first list of features; ids stand in the order of building.
void number_places(Builder& b) {
  b.number<&Number::distinct_devices, k5m, k1h>(
      {"distinct_devices", "devices",
       "different devices it called or sent from in the last {en}, at most 64; see distinct_devices_24h",
       "最近 {zh}使用的不同终端数（上限 64，参见 distinct_devices_24h）", kEstimate, 3, true});
  b.number<&Number::distinct_devices, k7d, k30d>(
      {"distinct_devices", "devices",
       "different devices it called or sent from in the last {en}, at most 64; those of more than 24 h ago told apart "
       "by 10 bits of hash, and sampled beyond 8 of 7 d and 6 before",
       "最近 {zh}使用的不同终端数（上限 64；24 小时以前的为抽样估计）", kEstimate, 20, true});
  b.number<&Number::distinct_cells, k5m, k1h>(
      {"distinct_cells", "cells",
       "different cells it was in when calling or called in the last {en}, at most 256; see distinct_cells_24h",
       "最近 {zh}出现的不同小区数（上限 256，参见 distinct_cells_24h）", kEstimate, 4, true});
  b.number<&Number::distinct_cells, k7d, k30d>({"distinct_cells", "cells",
                                                "different cells it was in when calling or called in the last {en}, at "
                                                "most 256; those of more than 24 h ago told apart by 10 bits of hash, "
                                                "and sampled beyond 8 of 7 d and 4 before, within about 40 %",
                                                "最近 {zh}出现的不同小区数（上限 256；24 小时以前的为抽样估计）",
                                                kEstimate, 20, true});
  b.number<&Number::regions_callee, k5m, k1h>(
      {"regions_callee", "regions",
       "different regions it called in the last {en}, told from the callees' prefixes; see regions_callee_24h",
       "最近 {zh}被叫号码的不同归属段数（参见 regions_callee_24h）", kEstimate, 9});
  b.number<&Number::regions_callee, k7d, k30d>({"regions_callee", "regions",
                                                "different regions it called in the last {en}; of more than 24 h ago a "
                                                "sample of 4 of 7 d and 2 before: within about 60 % beyond these",
                                                "最近 {zh}被叫号码的不同归属段数（24 小时以前的为抽样估计）", kEstimate,
                                                20});
}

void number_marks(Builder& b) {
  b.number<&Number::night_share, k5m, k1h, k7d, k30d>(
      {"night_share", "ratio",
       "share of the calls and messages out in the last {en} that fell between 22:00 and 06:00 local; not known "
       "without "
       "any",
       "最近 {zh}主叫与发送中处于 22:00-06:00 的比例（无主叫和发送时未知）", kExact, 7});
  b.number<&Number::long_ratio_out, k5m, k1h, k24h, k7d, k30d>(
      {"long_ratio_out", "ratio",
       "share of the answered calls made in the last {en} with over 5 minutes of talk; not known without answered "
       "calls",
       "最近 {zh}接通的主叫中通话超过 5 分钟的比例（无接通时未知）", kExact, 7});
  b.number<&Number::unanswered_in, k5m, k1h, k24h, k7d, k30d>({"unanswered_in", "calls",
                                                               "calls received in the last {en} that it did not answer",
                                                               "最近 {zh}未接听的来电次数", kExact, 6, true});
  b.number<&Number::answered_ratio_in, k5m, k1h, k24h, k7d, k30d>(
      {"answered_ratio_in", "ratio",
       "share of the calls received in the last {en} that it answered; not known without calls whose outcome is known",
       "最近 {zh}来电接听率（结果均未知时未知）", kExact, 7});
  b.number<&Number::short_ratio_in, k5m, k1h, k24h, k7d, k30d>(
      {"short_ratio_in", "ratio",
       "share of the answered calls received in the last {en} with at most 10 s of talk; not known without answered "
       "calls",
       "最近 {zh}已接听来电中通话不超过 10 秒的比例（无接听时未知）", kExact, 7});
  b.number<&Number::international_share_out, k5m, k1h, k24h, k7d, k30d>(
      {"international_share_out", "ratio",
       "share of the calls and messages out in the last {en} that the feed calls international or that go to another "
       "country code; not known without any",
       "最近 {zh}主叫与发送中国际业务的比例（无主叫和发送时未知）", kExact, 7});
  b.number<&Number::international_share_in, k5m, k1h, k24h, k7d, k30d>(
      {"international_share_in", "ratio",
       "share of the calls and messages received in the last {en} that the feed calls international or that come from "
       "another country code; not known without any",
       "最近 {zh}来电与来信中来自境外的比例（无来电和来信时未知）", kExact, 7});
  b.number<&Number::roaming_share_out, k5m, k1h, k24h, k7d, k30d>(
      {"roaming_share_out", "ratio",
       "share of the calls made in the last {en} that the feed calls roaming; not known without calls made",
       "最近 {zh}主叫中境外漫游的比例（无主叫时未知）", kExact, 7});
  b.single(
      {"new_callee_share_24h", "ratio",
       "share of the different numbers called in the last 24 hours that it had not called in the 30 days before these; "
       "by 10 bits of hash, of numbers that met more than are kept by a sample; not known of a number that is counted "
       "busy (dial_new_callee_share says it of those that dial at pace) or without calls made",
       "最近 24 小时主叫的不同号码中，此前 30 天未曾呼叫过的比例（繁忙号码及无主叫时未知）", kEstimate, 25},
      k24h, &plain_number<&Number::new_callee_share_24h>);
  b.single({"first_contact_share_24h", "ratio",
            "share of the different numbers called in the last 24 hours with which it had neither calls nor messages, "
            "either "
            "way, in the 30 days before these; as new_callee_share_24h",
            "最近 24 小时主叫的不同号码中，此前 30 天从无往来的比例（同 new_callee_share_24h）", kEstimate, 25},
           k24h, &plain_number<&Number::first_contact_share_24h>);
  b.single({"max_messages_per_minute_5m", "messages", "most messages sent in one of the last 5 whole minutes",
            "最近 5 个整分钟中单分钟最多发送条数", kExact, 3, true, true},
           k5m, &plain_number<&Number::max_messages_per_minute_5m>);
}

void dialling_moves(Builder& b) {
  Feature& feature = b.one({"dial_impossible_moves_24h", "times",
                            "calls at pace in the last 24 hours made farther from the place of the call at pace before "
                            "than anybody travels in "
                            "between: over 1,000 km/h, beyond 30 km and a minute; places are those of "
                            "content/cells.csv; not known of a number "
                            "none of whose cells stands there",
                            "最近 24 小时连拨中与前一次位置相距超出可能移动距离的次数（扣除 30 公里和 1 分钟后超过 "
                            "1000 公里/小时；小区位置取自 "
                            "content/cells.csv，位置均未知时未知）",
                            kExact, 5},
                           model::EntityKind::kNumber, k24h);
  feature.dialling = &plain<Dialling, &Dialling::impossible_moves_24h>;
}

void number_singles(Builder& b) {
  b.single({"return_calls_24h", "calls",
            "calls received in the last 24 hours from numbers it had called within the 24 hours before; exact but for "
            "hashes of 16 bits; a lower bound once it calls more than 8,192 numbers in 24 hours",
            "最近 24 小时内由其此前 24 小时内呼叫过的号码打回的次数", kEstimate, 2, true},
           k24h, &plain_number<&Number::return_calls_24h>);
  b.single({"distinct_devices_24h", "devices",
            "different devices it called or sent from in the last 24 hours, at most 64; two share a 12-bit hash once "
            "in 4,095",
            "最近 24 小时使用的不同终端数（上限 64）", kEstimate, 3, true},
           k24h, &of_number<&Number::distinct_devices, k24h>);
  b.single({"distinct_cells_24h", "cells",
            "different cells it was in when calling or called in the last 24 hours, at most 256; two share a 12-bit "
            "hash once in 4,095",
            "最近 24 小时出现的不同小区数（上限 256）", kEstimate, 4, true},
           k24h, &of_number<&Number::distinct_cells, k24h>);
  b.single(
      {"regions_callee_24h", "regions",
       "different regions it called in the last 24 hours, told from the callees' prefixes (7-digit block, area code, "
       "country code); within about 3 % below 300",
       "最近 24 小时被叫号码的不同归属段数（按号段、区号、国家码）", kEstimate, 9},
      k24h, &of_number<&Number::regions_callee, k24h>);
  b.single({"night_share_24h", "ratio",
            "share of the calls and messages out in the last 24 hours that fell between 22:00 and 06:00 local; not "
            "known without any",
            "最近 24 小时主叫与发送中处于 22:00-06:00 的比例（无主叫和发送时未知）", kExact, 7},
           k24h, &of_number<&Number::night_share, k24h>);
  b.single({"max_calls_per_minute_5m", "calls", "most calls made in one of the last 5 whole minutes",
            "最近 5 个整分钟中单分钟最多主叫次数", kExact, 3, true, true},
           k5m, &plain_number<&Number::max_calls_per_minute_5m>);
  b.single({"first_seen_age_s", "s", "time since the number was first seen; it is forgotten after 120 silent days",
            "号码首次出现至今的时间（静默 120 天后遗忘）", kExact, 1},
           std::nullopt, &plain_number<&Number::first_seen_age_s>);
  b.single({"idle_before_s", "s",
            "its latest silence of 24 hours or more, in whole hours, for 7 days after it ended; else 0",
            "最近一次 24 小时以上静默的时长（整小时，结束后 7 天内有效，否则为 0）", kExact, 1},
           std::nullopt, &plain_number<&Number::idle_before_s>);
}

void host_features(Builder& b) {
  b.host<&Host::flows, k5m, k1h, k24h>(
      {"flows", "flows", "flows it started in the last {en}", "最近 {zh}发起的流数", kExact, 2, true});
  b.host<&Host::failed_flows, k5m, k1h, k24h>({"failed_flows", "flows",
                                               "flows it started in the last {en} that were refused or never answered",
                                               "最近 {zh}发起但被拒绝或无应答的流数", kExact, 2, true});
  b.host<&Host::failed_ratio, k5m, k1h, k24h>(
      {"failed_ratio", "ratio",
       "share of the flows it started in the last {en} that failed; not known without flows whose outcome is known",
       "最近 {zh}发起的流失败比例（无已知结果时未知）"});
  b.host<&Host::distinct_dst_hosts, k5m, k1h, k24h>({"distinct_dst_hosts", "hosts",
                                                     "different addresses it started flows to in the last {en}",
                                                     "最近 {zh}访问的不同目的地址数", kSketch, 5, true});
  b.host<&Host::distinct_dst_ports, k5m, k1h, k24h>({"distinct_dst_ports", "ports",
                                                     "different destination ports of its flows in the last {en}",
                                                     "最近 {zh}访问的不同目的端口数", kSketch, 5, true});
  b.host<&Host::distinct_dst_pairs, k5m, k1h, k24h>(
      {"distinct_dst_pairs", "pairs", "different pairs of address and port of its flows in the last {en}",
       "最近 {zh}访问的不同（地址，端口）对数", kSketch, 5, true});
  b.host<&Host::bytes_out, k1h, k24h>({"bytes_out", "bytes",
                                       "payload bytes it sent in flows it started in the last {en}",
                                       "最近 {zh}发起的流上行字节数"});
  b.host<&Host::bytes_in, k1h, k24h>({"bytes_in", "bytes",
                                      "payload bytes it received in flows it started in the last {en}",
                                      "最近 {zh}发起的流下行字节数"});
  b.host<&Host::dns_queries, k5m, k1h, k24h>(
      {"dns_queries", "queries", "names it looked up in the last {en}", "最近 {zh}的 DNS 查询数", kExact, 2, true});
  b.host<&Host::nxdomain_ratio, k1h, k24h>(
      {"nxdomain_ratio", "ratio",
       "share of its answered look-ups in the last {en} whose name does not exist; not known without answers",
       "最近 {zh}有应答的 DNS 查询中域名不存在的比例（无应答时未知）"});
  b.host<&Host::distinct_nxdomains, k1h, k24h>({"distinct_nxdomains", "names",
                                                "different names it looked up in the last {en} that do not exist",
                                                "最近 {zh}查询的不同的不存在域名数", kSketch, 5, true});
  b.host<&Host::logins_failed, k5m, k1h, k24h>(
      {"logins_failed", "attempts", "failed log-in attempts it made in the last {en}", "最近 {zh}登录失败次数"});
  b.single({"host_first_seen_age_s", "s", "time since the address was first seen; it is forgotten after 14 silent days",
            "地址首次出现至今的时间（静默 14 天后遗忘）", kExact, 1},
           std::nullopt, &plain_host<&Host::first_seen_age_s>);
}

// Of a number that dials at pace; unbounded by its contacts, as nothing is known of others.
void dialling_features(Builder& b) {
  using D = Dialling;
  const auto single = [&b](const Family& family, std::optional<Window> w, double (*f)(const D&)) {
    b.one(family, model::EntityKind::kNumber, w).dialling = f;
  };
  b.dialling<&D::calls, k1h, k24h>(
      {"dial_calls", "calls",
       "calls made at pace in the last {en}, at most 128; not known for a number that never dials at pace",
       "最近 {zh}连拨次数（上限 128；从不连拨的号码未知）", kExact, 4, true, true});
  b.dialling<&D::ring_s_mean, k1h, k24h>(
      {"dial_ring_s_mean", "s",
       "mean ring time of the calls at pace in the last {en}, of each at most 254 s; not known where none is told",
       "最近 {zh}连拨平均振铃时长（话单无振铃时长时未知）", kExact, 9});
  b.dialling<&D::ring_s_spread, k1h, k24h>(
      {"dial_ring_s_spread", "s",
       "standard deviation of the ring times of the calls at pace in the last {en}; not known where none is told",
       "最近 {zh}连拨振铃时长标准差（话单无振铃时长时未知）", kExact, 9});
  b.dialling<&D::ring_short_share, k1h, k24h>(
      {"dial_ring_short_share", "ratio",
       "share of the calls at pace in the last {en} that rang for at most 5 s; not known where no ring time is told",
       "最近 {zh}连拨中振铃不超过 5 秒的比例（话单无振铃时长时未知）", kExact, 8});
  b.dialling<&D::sequential_share, k1h, k24h>(
      {"dial_sequential_share", "ratio",
       "share of the calls at pace in the last {en} whose callee is 1 to 10 away from one of the 4 callees before",
       "最近 {zh}连拨中被叫与此前 4 个被叫号码相差 1 至 10 的比例", kExact, 9});
  b.dialling<&D::sequential_run, k1h, k24h>(
      {"dial_sequential_run", "calls",
       "most calls at pace in a row in the last {en} of which each is 1 to 10 away from one of the 4 before",
       "最近 {zh}连续拨打相邻号码的最多次数", kExact, 9});
  single({"dial_gap_cv_1h", "ratio",
          "standard deviation over mean of the gaps between the calls at pace in the last hour: near 0 for a machine; "
          "not known below 5 calls",
          "最近 1 小时连拨间隔的变异系数，接近 0 表示机器节奏（少于 5 次时未知）", kExact, 9},
         k1h, &plain<D, &D::gap_cv_1h>);
  b.dialling<&D::new_callee_share, k1h, k24h>(
      {"dial_new_callee_share", "ratio",
       "share of the calls at pace in the last {en} to numbers not called at pace within the 7 days before; once it "
       "has called 8,192 in 7 days all of them count as new again",
       "最近 {zh}连拨中此前 7 天未连拨过的被叫比例（7 天内超过 8192 个号码后重新计起）", kEstimate, 8});
  b.dialling<&D::first_contact_share, k1h, k24h>(
      {"dial_first_contact_share", "ratio",
       "share of the calls at pace in the last {en} to numbers neither called at pace nor heard from within the 7 days "
       "before",
       "最近 {zh}连拨中此前 7 天既未连拨过、也未来电来信的被叫比例", kEstimate, 8});
  b.dialling<&D::dispersion, k1h, k24h>({"dial_dispersion", "ratio",
                                         "different callees per call at pace in the last {en}",
                                         "最近 {zh}连拨中不同被叫数与次数之比", kExact, 9});
  b.dialling<&D::callee_entropy, k1h, k24h>(
      {"dial_callee_entropy", "ratio",
       "entropy of the callees of the calls at pace in the last {en}, as a share of what all different ones would "
       "have; not known below 2 calls",
       "最近 {zh}连拨被叫的熵与全部不同时之比（少于 2 次时未知）", kExact, 9});
  b.dialling<&D::region_entropy, k1h, k24h>(
      {"dial_region_entropy", "bits",
       "entropy of the regions that the callees' prefixes tell, over the calls at pace in the last {en}",
       "最近 {zh}连拨被叫归属段（号段、区号、国家码）的熵", kEstimate, 9});
  b.dialling<&D::international_share, k1h, k24h>(
      {"dial_international_share", "ratio",
       "share of the calls at pace in the last {en} that the feed calls international or that go to another country "
       "code",
       "最近 {zh}连拨中国际呼叫的比例（话单标记，或被叫国家码不同）", kExact, 8});
  single(
      {"dial_roaming_share_24h", "ratio", "share of the calls at pace in the last 24 hours that the feed calls roaming",
       "最近 24 小时连拨中话单标记为漫游的比例", kExact, 8},
      k24h, &plain<D, &D::roaming_share_24h>);
  single({"dial_distinct_cells_1h", "cells",
          "different cells of the calls at pace in the last hour; two share a 16-bit hash once in 65,535",
          "最近 1 小时连拨所在的不同小区数", kEstimate, 8},
         k1h, &plain<D, &D::distinct_cells_1h>);
  single({"dial_top_cell_share_24h", "ratio",
          "share of the calls at pace in the last 24 hours made in the cell it was in most: 1 when it never moves; not "
          "known where no cell is told",
          "最近 24 小时连拨中最常所在小区的占比，1 表示不移动（话单无小区时未知）", kEstimate, 9},
         k24h, &plain<D, &D::top_cell_share_24h>);
  single({"dial_device_changes_7d", "times",
          "calls at pace in the last 7 days made on another device than the call at pace before, at most 64",
          "最近 7 天连拨中与前一次终端不同的次数（上限 64）", kEstimate, 5},
         k7d, &plain<D, &D::device_changes_7d>);
  single({"dial_suspect_calls_24h", "calls",
          "calls at pace in the last 24 hours to numbers that were suspected at the time",
          "最近 24 小时连拨中呼叫当时已被怀疑号码的次数", kExact, 8},
         k24h, &plain<D, &D::suspect_calls_24h>);
  single({"dial_suspect_share_24h", "ratio",
          "share of the calls at pace in the last 24 hours to numbers that were suspected at the time",
          "最近 24 小时连拨中呼叫当时已被怀疑号码的比例", kExact, 8},
         k24h, &plain<D, &D::suspect_share_24h>);
}

void device_features(Builder& b) {
  using D = Device;
  const auto single = [&b](const Family& family, std::optional<Window> w, double (*f)(const D&)) {
    b.one(family, model::EntityKind::kDevice, w).device = f;
  };
  b.device<&D::calls_out, k5m, k1h, k24h>({"device_calls_out", "calls", "calls made on the device in the last {en}",
                                           "最近 {zh}终端主叫次数", kExact, 2, true, false, kCallMade});
  b.device<&D::calls_out, k7d, k30d>(
      {"device_calls_out", "calls", "calls made on the device in the last {en}", "最近 {zh}终端主叫次数"});
  b.device<&D::calls_in, k5m, k1h, k24h>(
      {"device_calls_in", "calls",
       "calls received on the device in the last {en}, where the feed names the callee's device",
       "最近 {zh}终端被叫次数（需话单含被叫终端）", kExact, 2, true, false, kCallTaken});
  b.device<&D::calls_in, k7d, k30d>(
      {"device_calls_in", "calls",
       "calls received on the device in the last {en}, where the feed names the callee's device",
       "最近 {zh}终端被叫次数（需话单含被叫终端）"});
  b.device<&D::messages_out, k5m, k1h, k24h>({"device_messages_out", "messages",
                                              "messages sent from the device in the last {en}",
                                              "最近 {zh}终端发送短信条数", kExact, 2, true, false, kMessageSent});
  b.device<&D::messages_out, k7d, k30d>({"device_messages_out", "messages",
                                         "messages sent from the device in the last {en}",
                                         "最近 {zh}终端发送短信条数"});
  b.device<&D::unanswered, k5m, k1h, k24h>({"device_unanswered", "calls",
                                            "calls made on the device in the last {en} that nobody answered",
                                            "最近 {zh}终端主叫未接通次数", kExact, 2, true, false, kCallMade});
  b.device<&D::unanswered, k7d, k30d>({"device_unanswered", "calls",
                                       "calls made on the device in the last {en} that nobody answered",
                                       "最近 {zh}终端主叫未接通次数"});
  b.device<&D::out_share, k1h, k24h, k7d, k30d>(
      {"device_out_share", "ratio",
       "calls made as a share of all calls on the device in the last {en}: always 1 where the feed does not name the "
       "callee's device; not known without calls",
       "最近 {zh}终端主叫占比（话单无被叫终端时恒为 1，无通话时未知）"});
  b.device<&D::answered_ratio, k5m, k1h, k24h, k7d, k30d>(
      {"device_answered_ratio", "ratio",
       "share of the calls made on the device in the last {en} that were answered; not known without calls whose "
       "outcome is known",
       "最近 {zh}终端主叫接通率（无已知结果的呼叫时未知）"});
  b.device<&D::unanswered_ratio, k5m, k1h, k24h, k7d, k30d>(
      {"device_unanswered_ratio", "ratio",
       "share of the calls made on the device in the last {en} that nobody answered; not known without calls whose "
       "outcome is known",
       "最近 {zh}终端主叫未接通率（无已知结果的呼叫时未知）"});
  b.device<&D::short_ratio, k5m, k1h, k24h, k7d, k30d>(
      {"device_short_ratio", "ratio",
       "share of the answered calls made on the device in the last {en} with at most 10 s of talk; not known without "
       "answered calls",
       "最近 {zh}终端主叫接通中通话不超过 10 秒的比例（无接通时未知）"});
  b.device<&D::talk_s_mean, k5m, k1h, k24h, k7d, k30d>(
      {"device_talk_s_mean", "s",
       "mean talk time of the answered calls made on the device in the last {en}, of each within 1/64 and at most "
       "16,383 s; not known without answered calls",
       "最近 {zh}终端主叫接通的平均通话时长（每次误差不超过 1/64，最多计 16383 秒，无接通时未知）", kEstimate});
  single({"device_talk_s_spread_24h", "s",
          "standard deviation of the talk times of the answered calls made on the device in the last 24 hours; not "
          "known without answered calls",
          "最近 24 小时终端主叫接通的通话时长标准差（无接通时未知）", kEstimate, 4},
         k24h, &plain<D, &D::talk_s_spread_24h>);
  b.device<&D::ring_s_mean, k5m, k1h, k24h>(
      {"device_ring_s_mean", "s",
       "mean ring time of the calls made on the device in the last {en}, of each at most 62 s; not known where none "
       "is told",
       "最近 {zh}终端主叫平均振铃时长（每次最多计 62 秒，话单无振铃时长时未知）", kExact, 4});
  single({"device_ring_s_spread_24h", "s",
          "standard deviation of the ring times of the calls made on the device in the last 24 hours; not known where "
          "none is told",
          "最近 24 小时终端主叫振铃时长标准差（话单无振铃时长时未知）", kExact, 4},
         k24h, &plain<D, &D::ring_s_spread_24h>);
  b.device<&D::return_calls, k1h, k24h>(
      {"device_return_calls", "calls",
       "calls received on the device in the last {en} from numbers called on it within the 24 hours before, where the "
       "feed names the callee's device; a lower bound once it calls more than 8,192 numbers in 24 hours",
       "最近 {zh}内由此前 24 小时内在该终端上被呼叫过的号码打回的次数（需话单含被叫终端）", kEstimate, 2, true, false,
       kCallTaken});
  b.device<&D::return_calls, k7d, k30d>(
      {"device_return_calls", "calls",
       "calls received on the device in the last {en} from numbers called on it within the 24 hours before; see "
       "device_return_calls_24h",
       "最近 {zh}内由此前 24 小时内在该终端上被呼叫过的号码打回的次数（参见 device_return_calls_24h）", kEstimate});
  b.device<&D::night_share, k24h, k7d, k30d>(
      {"device_night_share", "ratio",
       "share of the calls made and messages sent on the device in the last {en} that fell between 22:00 and 06:00 "
       "local; not known without any",
       "最近 {zh}终端主叫与发送中处于 22:00-06:00 的比例（无主叫和发送时未知）", kExact, 4});
  b.device<&D::international_share, k1h, k24h, k7d, k30d>(
      {"device_international_share", "ratio",
       "share of the calls made and messages sent on the device in the last {en} that the feed calls international or "
       "that go to another country code; not known without any",
       "最近 {zh}终端主叫与发送中国际业务的比例（话单标记，或对方国家码不同；无主叫和发送时未知）"});
  b.device<&D::roaming_share, k1h, k24h, k7d, k30d>(
      {"device_roaming_share", "ratio",
       "share of the calls made on the device in the last {en} that the feed calls roaming; not known without calls "
       "made",
       "最近 {zh}终端主叫中话单标记为漫游的比例（无主叫时未知）"});
  single({"device_gap_cv_1h", "ratio",
          "standard deviation over mean of the gaps between the calls made on the device in the last hour, of the "
          "latest 128: near 0 for a machine; not known below 5 calls",
          "最近 1 小时终端主叫间隔的变异系数（最近 128 次），接近 0 表示机器节奏（少于 5 次时未知）", kExact, 5},
         k1h, &plain<D, &D::gap_cv_1h>);
  b.device<&D::distinct_callees, k5m, k1h, k24h>({"device_distinct_callees", "numbers",
                                                  "different numbers called on the device in the last {en}",
                                                  "最近 {zh}终端主叫的不同号码数", kSketch, 5, true, false, kCallMade});
  b.device<&D::distinct_callees, k7d, k30d>(
      {"device_distinct_callees", "numbers",
       "different numbers called on the device in the last {en}: exact up to 16 callees a day of 7 d and 6 days "
       "before, then a sample, within 40 % of one such day and 15 % of a week of them (1 sigma)",
       "最近 {zh}终端主叫的不同号码数（每日、每 6 日不超过 16 个时精确，此外为抽样：单日误差约 40%，一周约 15%）",
       kEstimate, 5});
  b.device<&D::dispersion, k1h, k24h>(
      {"device_dispersion", "ratio",
       "different numbers called per call made on the device in the last {en}: near 1 when everybody is called once; "
       "not known without calls",
       "最近 {zh}终端主叫的不同号码数与次数之比，接近 1 表示每人只呼一次（无主叫时未知）", kSketch, 6});
  b.device<&D::dispersion, k7d, k30d>(
      {"device_dispersion", "ratio",
       "different numbers called per call made on the device in the last {en}, as exact as device_distinct_callees; "
       "not known without calls",
       "最近 {zh}终端主叫的不同号码数与次数之比，精度同 device_distinct_callees（无主叫时未知）", kEstimate, 6});
  single({"device_regions_callee_24h", "regions",
          "different regions called on the device in the last 24 hours, told from the callees' prefixes; within about "
          "3 % below 300",
          "最近 24 小时终端主叫号码的不同归属段数（按号段、区号、国家码）", kEstimate, 9},
         k24h, &plain<D, &D::regions_callee_24h>);
  b.device<&D::switches, k5m, k1h, k24h>({"device_switches", "times",
                                          "uses in the last {en} by another number than the use before",
                                          "最近 {zh}终端换号使用次数", kExact, 2, true});
  b.device<&D::switches, k7d, k30d>({"device_switches", "times",
                                     "uses in the last {en} by another number than the use before",
                                     "最近 {zh}终端换号使用次数"});
  b.device<&D::moves, k5m, k1h, k24h>({"device_moves", "times",
                                       "uses in the last {en} in another cell than the last use with a cell",
                                       "最近 {zh}终端换小区次数", kExact, 2, true});
  b.device<&D::moves, k7d, k30d>({"device_moves", "times",
                                  "uses in the last {en} in another cell than the last use with a cell",
                                  "最近 {zh}终端换小区次数"});
  b.device<&D::distinct_numbers, k5m, k1h, k24h, k7d>(
      {"device_distinct_numbers", "numbers", "different numbers used on the device in the last {en}, at most 64",
       "最近 {zh}终端上使用的不同号码数（上限 64）", kExact, 3, false, false, kAnyContact, true});
  b.device<&D::new_numbers, k1h, k24h, k7d>(
      {"device_new_numbers", "numbers",
       "numbers first used on the device in the last {en}, its very first included, at most 64; a number is forgotten "
       "30 days after its last use",
       "最近 {zh}终端上首次使用的号码数（含终端的第一个号码，上限 64，停用 30 天后遗忘）", kExact, 3, false, false,
       kAnyContact, true});
  single(
      {"device_distinct_numbers_30d", "numbers", "different numbers used on the device in the last 30 days, at most 64",
       "最近 30 天终端上使用的不同号码数（上限 64）", kExact, 3, false, false, kAnyContact, true},
      k30d, &plain<D, &D::distinct_numbers_30d>);
  single(
      {"device_new_numbers_30d", "numbers",
       "numbers first used on the device in the last 30 days, its very first included, at most 64",
       "最近 30 天终端上首次使用的号码数（含终端的第一个号码，上限 64）", kExact, 3, false, false, kAnyContact, true},
      k30d, &plain<D, &D::new_numbers_30d>);
  b.device<&D::distinct_cells, k5m, k1h, k24h, k7d, k30d>(
      {"device_distinct_cells", "cells", "different cells the device was used in within the last {en}, at most 64",
       "最近 {zh}终端出现的不同小区数（上限 64）", kExact, 3});
  single({"device_idle_before_s", "s",
          "the device's latest silence of 24 hours or more, in whole hours, for 7 days after it ended; else 0",
          "终端最近一次 24 小时以上静默的时长（整小时，结束后 7 天内有效，否则为 0）", kExact, 1},
         std::nullopt, &plain<D, &D::idle_before_s>);
  single({"device_first_seen_age_s", "s", "time since the device was first seen; it is forgotten after 30 silent days",
          "终端首次出现至今的时间（静默 30 天后遗忘）", kExact, 1},
         std::nullopt, &plain<D, &D::first_seen_age_s>);
}

void cell_features(Builder& b) {
  using C = Cell;
  b.cell<&C::calls, k5m, k1h, k24h>({"cell_calls", "calls", "calls made or received in the cell in the last {en}",
                                     "最近 {zh}小区内主被叫通话次数", kExact, 2, true, false, kCallMade | kCallTaken});
  b.cell<&C::calls, k7d, k30d>({"cell_calls", "calls", "calls made or received in the cell in the last {en}",
                                "最近 {zh}小区内主被叫通话次数", kExact, 5});
  b.cell<&C::calls_out, k5m, k1h, k24h>({"cell_calls_out", "calls", "calls made in the cell in the last {en}",
                                         "最近 {zh}小区内主叫次数", kExact, 2, true, false, kCallMade});
  b.cell<&C::calls_out, k7d, k30d>(
      {"cell_calls_out", "calls", "calls made in the cell in the last {en}", "最近 {zh}小区内主叫次数", kExact, 5});
  b.cell<&C::messages, k5m, k1h, k24h>({"cell_messages", "messages", "messages sent from the cell in the last {en}",
                                        "最近 {zh}小区内发送短信条数", kExact, 2, true, false, kMessageSent});
  b.cell<&C::messages, k7d, k30d>({"cell_messages", "messages", "messages sent from the cell in the last {en}",
                                   "最近 {zh}小区内发送短信条数", kExact, 5});
  b.cell<&C::international, k5m, k1h, k24h>(
      {"cell_international", "calls",
       "calls and messages in the cell in the last {en} that the feed calls international",
       "最近 {zh}小区内话单标记为国际的通话与短信数", kExact, 2, true});
  b.cell<&C::international, k7d, k30d>(
      {"cell_international", "calls",
       "calls and messages in the cell in the last {en} that the feed calls international",
       "最近 {zh}小区内话单标记为国际的通话与短信数", kExact, 5});
  b.cell<&C::answered_ratio, k1h, k24h, k7d, k30d>(
      {"cell_answered_ratio", "ratio",
       "share of the calls made in the cell in the last {en} that were answered; not known without calls whose outcome "
       "is known",
       "最近 {zh}小区内主叫接通率（无已知结果的呼叫时未知）", kExact, 5});
  b.cell<&C::unanswered_ratio, k1h, k24h, k7d, k30d>(
      {"cell_unanswered_ratio", "ratio",
       "share of the calls made in the cell in the last {en} that nobody answered; not known without calls whose "
       "outcome is known",
       "最近 {zh}小区内主叫未接通率（无已知结果的呼叫时未知）", kExact, 5});
  b.cell<&C::short_ratio, k1h, k24h, k7d, k30d>(
      {"cell_short_ratio", "ratio",
       "share of the answered calls made in the cell in the last {en} with at most 10 s of talk; not known without "
       "answered calls",
       "最近 {zh}小区内主叫接通中通话不超过 10 秒的比例（无接通时未知）", kExact, 5});
  b.cell<&C::talk_s_mean, k24h, k7d, k30d>(
      {"cell_talk_s_mean", "s",
       "mean talk time of the answered calls made in the cell in the last {en}, of each within 1/64 and at most 16,383 "
       "s; not known without answered calls",
       "最近 {zh}小区内主叫接通的平均通话时长（每次误差不超过 1/64，最多计 16383 秒，无接通时未知）", kEstimate, 5});
  b.cell<&C::roaming_share, k24h, k7d, k30d>(
      {"cell_roaming_share", "ratio",
       "share of the calls made in the cell in the last {en} that the feed calls roaming; not known without calls made",
       "最近 {zh}小区内主叫中话单标记为漫游的比例（无主叫时未知）", kExact, 5});
  b.one(
       {"cell_night_share_24h", "ratio",
        "share of the calls and messages in the cell in the last 24 hours that fell between 22:00 and 06:00 local; not "
        "known without any",
        "最近 24 小时小区内通话与短信中处于 22:00-06:00 的比例（无通话和短信时未知）", kExact, 6},
       model::EntityKind::kCell, k24h)
      .cell = &plain<C, &C::night_share_24h>;
  b.cell<&C::distinct_numbers, k1h, k24h>({"cell_distinct_numbers", "numbers",
                                           "different numbers that called, were called or sent in the cell in the last "
                                           "{en}; beyond 28 within 14 % (1 sigma)",
                                           "最近 {zh}小区内通话或发送短信的不同号码数（超过 28 时误差约 14%）",
                                           kEstimate, 5, true});
  b.cell<&C::distinct_numbers, k7d, k30d>(
      {"cell_distinct_numbers", "numbers",
       "different numbers that called, were called or sent in the cell in the last {en}, at most 65,536; beyond 28 "
       "within 14 % (1 sigma)",
       "最近 {zh}小区内通话或发送短信的不同号码数（上限 65536，超过 28 时误差约 14%）", kEstimate, 8});
  b.cell<&C::distinct_devices, k1h, k24h>(
      {"cell_distinct_devices", "devices",
       "different devices used in the cell in the last {en}; beyond 28 within 14 % (1 "
       "sigma)",
       "最近 {zh}小区内使用的不同终端数（超过 28 时误差约 14%）", kEstimate, 5, true});
  b.cell<&C::new_numbers, k5m, k1h, k24h>(
      {"cell_new_numbers", "numbers",
       "numbers that appeared in the last {en} and were not in the cell in this or the previous span of 7 days; too "
       "few by up to 10 %; of a cell with more than 384 numbers in 7 days judged by a share of them, for 2,000 one in "
       "4 to "
       "8",
       "最近 {zh}小区内出现、且本期与上期 7 天内未出现过的号码数（最多少计 10%；7 天内号码超过 384 "
       "个的小区按抽样判断，2000 个号码时抽查四分之一至八分之一）",
       kEstimate, 2, true});
  b.cell<&C::new_number_share, k1h, k24h>(
      {"cell_new_number_share", "ratio",
       "those as a share of the different numbers in the cell in the last {en}; not known without numbers",
       "最近 {zh}小区内新号码占不同号码的比例（无号码时未知）", kEstimate, 6});
  b.cell<&C::message_rise, k5m, k1h>({"cell_message_rise", "times",
                                      "messages sent from the cell in the last {en} over the mean of spans as long "
                                      "within the last 24 hours; not known "
                                      "without messages",
                                      "最近 {zh}小区内短信条数与最近 24 小时同长时段平均值之比（无短信时未知）", kExact,
                                      4});
  b.cell<&C::message_rise, k24h>(
      {"cell_message_rise", "times",
       "messages sent from the cell in the last {en} over the mean of spans as long within the last 7 days; not known "
       "without messages",
       "最近 {zh}小区内短信条数与最近 7 天同长时段平均值之比（无短信时未知）", kExact, 6});
  b.cell<&C::message_rise, k7d>(
      {"cell_message_rise", "times",
       "messages sent from the cell in the last {en} over the mean of spans as long within the last 30 days; not known "
       "without messages",
       "最近 {zh}小区内短信条数与最近 30 天同长时段平均值之比（无短信时未知）", kExact, 6});
  b.one({"cell_idle_before_s", "s",
         "the cell's latest silence of 24 hours or more, in whole hours, for 7 days after it ended; else 0",
         "小区最近一次 24 小时以上静默的时长（整小时，结束后 7 天内有效，否则为 0）", kExact, 1},
        model::EntityKind::kCell, std::nullopt)
      .cell = &plain<C, &C::idle_before_s>;
  b.one({"cell_first_seen_age_s", "s", "time since the cell was first seen; it is forgotten after 14 silent days",
         "小区首次出现至今的时间（静默 14 天后遗忘）", kExact, 1},
        model::EntityKind::kCell, std::nullopt)
      .cell = &plain<C, &C::first_seen_age_s>;
}

const std::vector<Feature>& catalog() {
  static const std::vector<Feature> kAll = [] {
    Builder builder;
    number_counts(builder);
    number_ratios(builder);
    number_singles(builder);
    host_features(builder);
    number_returns(builder);
    number_places(builder);
    number_marks(builder);
    dialling_moves(builder);
    dialling_features(builder);
    device_features(builder);
    cell_features(builder);
    return builder.take();
  }();
  return kAll;
}

}  // namespace

std::string_view name(Exactness exactness) {
  constexpr std::array<std::string_view, 4> kNames{"exact", "exact, then sketch", "estimate", "exact, then sample"};
  return kNames[static_cast<std::size_t>(exactness)];
}

std::string_view span_en(Window w) {
  return kShortEn[static_cast<std::size_t>(w)];
}

std::string_view span_zh(Window w) {
  return kSpanZh[static_cast<std::size_t>(w)];
}

std::span<const Feature> features() {
  return catalog();
}

const Feature* find_feature(model::EntityKind entity, std::string_view name) {
  for (const Feature& f : catalog())
    if (f.entity == entity && f.name == name) return &f;
  return nullptr;
}

std::string_view nearest_feature(model::EntityKind entity, std::string_view name) {
  std::vector<std::string_view> names;
  for (const Feature& f : catalog())
    if (f.entity == entity) names.push_back(f.name);
  return nearest(name, names);
}

}  // namespace pandun::detect
