// Premium-rate abuse (IRSF): a number that talks abroad for hours, into few ranges of numbers or several calls at once, because
// every minute pays somebody.
//
// Method   calls abroad that were answered, of 24 h, kept one by one: how many go on at the same time, and how many go to
//          few blocks of 10,000 numbers. A person has one or two calls at a time and rings the same few numbers.
// Shape    nothing below half of the thresholds; then 24 bytes a call abroad, at most 512, for 24 h.
// Source   docs/detectors/premium_calls.md.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "detect/calling_code.h"
#include "detect/detector.h"
#include "detect/features/number_activity.h"
#include "detect/small_state.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace {

using detect::LineKind;
using detect::Window;

constexpr std::uint32_t kDayS = 24 * 3600;
constexpr std::size_t kCallsMax = 512;
constexpr std::size_t kPeers = 8;
constexpr std::uint32_t kLongestS = kDayS;
constexpr std::size_t kRanges = 3;       // an abuser's list has few; customers lie in many
constexpr double kShareOfSeveral = 0.8;  // of the calls abroad, where it takes more than one range
constexpr double kShareOfHour = 0.7;     // of the latest hour's calls, where the day was an exchange's own

struct FarCall {
  std::uint32_t start_s = 0, talk_s = 0;
  model::NumberKey callee;
  std::uint64_t block() const { return callee.value() / 10'000; }
};
struct Suspect {
  std::vector<FarCall> calls;  // by arrival; the oldest leave first
  detect::Said said;           // of the minutes
  detect::LatestRecords<8> records;
};
struct Finding {
  double calls = 0, minutes = 0, share = 0, at_once = 0, block_calls = 0, block_numbers = 0, ranges = 0, hour_share = 0;
  bool together = false, few_ranges = false;
};

// The most calls that go on at one moment.
double most_at_once(const std::vector<FarCall>& calls) {
  std::vector<std::pair<std::uint64_t, int>> steps;
  steps.reserve(calls.size() * 2);
  for (const FarCall& call : calls) {
    steps.emplace_back(call.start_s, 1);
    steps.emplace_back(std::uint64_t{call.start_s} + call.talk_s, -1);
  }
  std::sort(steps.begin(), steps.end());  // at one second, what ends goes before what begins
  int now = 0, most = 0;
  for (const auto& [at, step] : steps) most = std::max(most, now += step);
  return most;
}

class PremiumCalls final : public detect::Detector {
 public:
  explicit PremiumCalls(const detect::Options& o)
      : limits_{o["calls_24h_min"],   o["minutes_24h_min"], o["share_min"],       o["at_once_min"],
                o["block_calls_min"], o["block_share_min"], o["protected_factor"]},
        table_(std::chrono::hours(24)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (call.duration_s <= 0 || call.answered == model::Answered::kNo) return;
    // By digits alone: nearly every call stays at home, and costs nothing more.
    const std::uint16_t from = detect::calling_code(call.caller), to = detect::calling_code(call.callee);
    if (from != 0 && to != 0 && from != to) keys.push_back({model::EntityKind::kNumber, 0, model::key_of(call.caller)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * (sizeof(Suspect) + 32 * sizeof(FarCall)), table_.evicted()};
  }

 private:
  struct Limits {
    double calls, minutes, share, at_once, block_calls, block_share, factor;
  };
  Finding judge(const Suspect& suspect, const detect::NumberActivity& activity, double factor) const;
  void emit(const model::Event& event, model::NumberKey number, const Finding& finding, std::string_view group,
            const Suspect& suspect, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, std::unique_ptr<Suspect>> table_;
};

bool is_far(const detect::NumberTraits& traits) {
  return traits.kind == LineKind::kInternational && !traits.home;
}

void PremiumCalls::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const detect::NumberActivity* activity = context.number();
  // Who calls a few times a day is not looked at, whomever: most people are told apart here.
  if (activity == nullptr || activity->fewer_than(limits_.calls / 2, Window::k24h)) return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  const auto& call = event.as<model::Call>();
  if (!is_far(facts.traits(call.callee)) || is_far(facts.traits(call.caller))) return;

  std::unique_ptr<Suspect>& held = table_.touch(call.caller, event.watermark);
  if (held == nullptr) held = std::make_unique<Suspect>();
  Suspect& suspect = *held;
  const std::uint32_t now_s = detect::seconds32(event.time);
  std::erase_if(suspect.calls, [now_s](const FarCall& one) { return one.start_s + kDayS < now_s; });
  if (suspect.calls.size() == kCallsMax) suspect.calls.erase(suspect.calls.begin());
  const auto talk_s = static_cast<std::uint32_t>(std::clamp<std::int64_t>(call.duration_s, 1, kLongestS));
  suspect.calls.push_back({now_s, talk_s, call.callee});
  suspect.records.add(event);

  const std::string_view group = facts.protected_group(call.caller);
  const double factor = group.empty() ? 1 : limits_.factor;
  if (static_cast<double>(suspect.calls.size()) < limits_.calls * factor) return;
  const Finding finding = judge(suspect, *activity, factor);
  if ((!finding.together && !finding.few_ranges) || !suspect.said.due(finding.minutes, now_s)) return;
  suspect.said.say(finding.minutes, now_s);
  emit(event, call.caller, finding, group, suspect, context);
}

Finding PremiumCalls::judge(const Suspect& suspect, const detect::NumberActivity& activity, double factor) const {
  Finding f;
  f.calls = static_cast<double>(suspect.calls.size());
  double talk_s = 0;
  std::vector<model::NumberKey> callees;
  callees.reserve(suspect.calls.size());
  for (const FarCall& call : suspect.calls) {
    talk_s += call.talk_s;
    callees.push_back(call.callee);
  }
  f.minutes = talk_s / 60;
  f.share = std::min(1.0, f.calls / std::max(1.0, activity.calls_out(Window::k24h)));
  if (f.minutes < limits_.minutes * factor) return f;
  f.at_once = most_at_once(suspect.calls);
  std::sort(callees.begin(), callees.end(), [](auto a, auto b) { return a.value() < b.value(); });
  std::vector<std::pair<double, double>> ranges;  // calls and numbers of each with three numbers or more
  for (std::size_t i = 0; i < callees.size();) {
    const std::uint64_t block = callees[i].value() / 10'000;
    double calls = 0, numbers = 0;
    for (const std::size_t first = i; i < callees.size() && callees[i].value() / 10'000 == block; ++i) {
      calls += 1;
      if (i == first || callees[i] != callees[i - 1]) numbers += 1;
    }
    if (numbers > 2) ranges.emplace_back(calls, numbers);
  }
  std::sort(ranges.rbegin(), ranges.rend());
  ranges.resize(std::min(ranges.size(), kRanges));
  double share = limits_.block_share;
  for (const auto& [calls, numbers] : ranges) {
    f.block_calls += calls, f.block_numbers += numbers, ++f.ranges;
    if (f.block_calls >= share * f.calls) break;
    share = std::max(limits_.block_share, kShareOfSeveral);
  }
  f.together = f.at_once >= limits_.at_once;
  f.few_ranges = f.block_calls >= limits_.block_calls * factor && f.block_calls >= share * f.calls;
  if (f.share >= limits_.share) return f;
  // What a company calls by day does not hide what its exchange is made to call by night.
  const std::uint32_t hour_ago = suspect.calls.back().start_s - std::min(suspect.calls.back().start_s, 3600U);
  const auto latest = static_cast<double>(std::count_if(suspect.calls.begin(), suspect.calls.end(),
                                                        [hour_ago](const FarCall& c) { return c.start_s > hour_ago; }));
  f.hour_share = std::min(1.0, latest / std::max(1.0, activity.calls_out(Window::k1h)));
  if (!f.together || latest < limits_.block_calls * factor || f.hour_share < kShareOfHour) f.few_ranges = false;
  f.together = f.few_ranges;
  return f;
}

void PremiumCalls::emit(const model::Event& event, model::NumberKey number, const Finding& f, std::string_view group,
                        const Suspect& suspect, detect::Context& context) const {
  model::Signal signal;
  signal.entity = model::Entity::of(number);
  signal.last = event.time;
  signal.first = {std::int64_t{suspect.calls.front().start_s} * 1000};
  const double factor = group.empty() ? 1 : limits_.factor;
  const double excess = std::max(0.0, std::log2(f.minutes / limits_.minutes));
  const bool both = f.together && f.few_ranges;
  signal.severity =
      static_cast<std::uint8_t>(std::clamp(58 + 5 * excess + (both ? 7 : 0) - (group.empty() ? 0 : 20), 20.0, 85.0));
  signal.confidence = std::clamp(0.55 + 0.05 * excess + (both ? 0.1 : 0) - (group.empty() ? 0 : 0.2), 0.3, 0.85);
  const std::string minutes = std::to_string(static_cast<int>(f.minutes));
  if (f.together) {
    const std::string at_once = std::to_string(static_cast<int>(f.at_once));
    signal.title.en = "Premium-rate abuse: " + minutes + " min abroad within 24 h, " + at_once + " calls at once";
    signal.title.zh = "疑似国际高额话务盗打：24 小时境外通话 " + minutes + " 分钟，最多 " + at_once + " 路同时进行";
  } else {
    const std::string ranges = std::to_string(static_cast<int>(f.ranges));
    signal.title.en = "Premium-rate abuse: " + minutes + " min abroad within 24 h, mostly into " +
                      (f.ranges > 1 ? ranges + " ranges of numbers" : "one range of numbers");
    signal.title.zh = "疑似国际高额话务盗打：24 小时境外通话 " + minutes + " 分钟，集中于" +
                      (f.ranges > 1 ? " " + ranges + " 个境外号段" : "同一境外号段");
  }
  signal.evidence = {{"far_calls_24h", f.calls, limits_.calls * factor, "calls"},
                     {"far_minutes_24h", f.minutes, limits_.minutes * factor, "min"},
                     {"far_share_24h", f.share, f.hour_share > 0 ? 0 : limits_.share, "ratio"},
                     {"far_at_once", f.at_once, f.together ? limits_.at_once : 0, "calls"}};
  if (f.hour_share > 0) signal.evidence.push_back({"far_share_1h", f.hour_share, kShareOfHour, "ratio"});
  if (f.few_ranges) {
    signal.evidence.push_back({"far_block_calls_24h", f.block_calls, limits_.block_calls * factor, "calls"});
    signal.evidence.push_back({"far_block_numbers_24h", f.block_numbers, 0, "numbers"});
  }
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  for (auto call = suspect.calls.rbegin(); call != suspect.calls.rend() && signal.peers.size() < kPeers; ++call) {
    const model::Entity peer = model::Entity::of(call->callee);
    if (std::find(signal.peers.begin(), signal.peers.end(), peer) == signal.peers.end()) signal.peers.push_back(peer);
  }
  signal.records = suspect.records.latest();
  context.emit(std::move(signal));
}

void PremiumCalls::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Suspect>& s) {
    w.varint(s->calls.size());
    for (const FarCall& call : s->calls) {
      w.u32(call.start_s);
      w.u32(call.talk_s);
      w.u64(call.callee.bits());
    }
    s->said.save(w);
    s->records.save(w);
  });
}

Result<> PremiumCalls::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, std::unique_ptr<Suspect>& s) {
    s = std::make_unique<Suspect>();
    const std::uint64_t calls = r.varint();
    for (std::uint64_t i = 0; i < calls && i < kCallsMax && r.ok(); ++i) {
      FarCall call;
      call.start_s = r.u32();
      call.talk_s = std::min(r.u32(), kLongestS);
      call.callee = model::NumberKey::from_bits(r.u64());
      s->calls.push_back(call);
    }
    s->said.load(r);
    s->records.load(r);
  });
}

}  // namespace

const detect::DetectorSpec& premium_calls_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "premium_calls",
      .title_en = "Premium-rate abuse",
      .title_zh = "国际高额话务盗打",
      .finds_en =
          "A number that talks abroad for hours, into few ranges of numbers or several calls at once: a taken-over "
          "line "
          "or a card bought for it, because each minute pays somebody.",
      .finds_zh = "短期内大量境外通话，集中于少数境外号段或多路同时进行的号码：线路被盗用或专门购卡套取国际话费分成。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "premium_calls",
      .techniques = {"PF-021"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"calls_24h_min", "calls", 12, 2, 500, "answered calls abroad within 24 hours",
               "24 小时内接通的境外呼叫次数"},
              {"minutes_24h_min", "min", 60, 1, 10000, "talk time of these", "其通话总分钟数"},
              {"share_min", "ratio", 0.5, 0, 1,
               "share of these of all its calls in 24 hours, or 0.7 of the latest hour's with both of what follows",
               "其占 24 小时全部主叫的比例；以下两项同时成立时，占最近一小时的 0.7 亦可"},
              {"at_once_min", "calls", 3, 2, 100, "of these at the same time; a person holds one and takes another",
               "同时进行的路数（个人保持一路、接听一路为 2）"},
              {"block_calls_min", "calls", 6, 2, 500, "calls to one block of 10,000 numbers, three or more of it",
               "呼向同一万号段（至少 3 个号码）的次数"},
              {"block_share_min", "ratio", 0.5, 0, 1,
               "share of the calls abroad that go there; at least 0.8 where it takes two or three blocks",
               "其占境外呼叫的比例；需两三个号段合计时至少 0.8"},
              {"protected_factor", "times", 3, 1, 100, "counts are multiplied by this for protected groups",
               "受保护群体的阈值倍数"},
          },
      .false_positives_en =
          "An office abroad whose extensions lie in one range; an interpreter's or a help line that bridges several "
          "calls "
          "abroad. Ask the holder first: the number is as often the victim as the abuser.",
      .false_positives_zh =
          "境外分支机构分机号集中于同一号段；口译、救援热线同时接续多路境外通话。该号码可能是受害方，应先联系机主核实"
          "。",
      .evidence =
          {
              {"far_calls_24h", "answered calls abroad in 24 h", "24 小时接通的境外呼叫次数", "calls", "次",
               detect::Bound::kAtLeast},
              {"far_minutes_24h", "minutes abroad in 24 h", "24 小时境外通话分钟数", "min", "分钟",
               detect::Bound::kAtLeast},
              {"far_share_24h", "share of its calls that go abroad", "境外呼叫占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"far_share_1h", "share of the latest hour's calls that go abroad", "最近一小时境外呼叫占比", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"far_at_once", "calls abroad at the same time", "同时进行的境外通话路数", "calls", "路",
               detect::Bound::kAtLeast},
              {"far_block_calls_24h", "calls to few ranges of numbers abroad in 24 h", "24 小时呼向少数境外号段的次数",
               "calls", "次", detect::Bound::kAtLeast},
              {"far_block_numbers_24h", "different numbers of these ranges in 24 h", "这些号段内不同号码数", "numbers",
               "个"},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
          },
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_premium_calls(const detect::Options& options) {
  return std::make_unique<PremiumCalls>(options);
}

}  // namespace pandun::detectors
