// The trunk's look: through one trunk home mobile numbers call out one after another, each for a while, and are not called.
//
// What a gateway behind a leased line leaves where records name neither device nor cell: its cards are worn out in turn. People
// who share a trunk (a company's mobile extensions, a small operator) are there side by side, all day, and are called back.
#include <algorithm>
#include <cmath>
#include <string>

#include "detect/calling_code.h"
#include "detectors/sim_box/sim_box.h"

namespace pandun::detectors::sim_box {
namespace {

constexpr double kAtOnce = 0.2;        // of the numbers, in use at one time on average: people of one shift come to 0.7
constexpr double kShareOfCalls = 0.5;  // of all calls through the trunk
constexpr double kOwnDispersion =
    0.8;  // of each number: a call forwarded, or a rented number for one order, has one callee
constexpr std::uint32_t kSpanLeastS = 3600, kStintMostS = 2 * 3600;  // people's shifts are longer

bool crosses_a_border(const model::Call& call) {
  const std::uint16_t from = detect::calling_code(call.caller), to = detect::calling_code(call.callee);
  return call.international || (from != 0 && to != 0 && from != to);
}

}  // namespace

void SimBox::look_at_trunk(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  std::unique_ptr<Trunk>& held = trunks_.touch_hash(key.key, hash_of(key.key), event.watermark, nullptr,
                                                    [this](std::unique_ptr<Trunk>& t) { drop(t); });
  if (held == nullptr) {
    held = std::make_unique<Trunk>();
    heap_bytes_ += held->bytes();
  }
  Trunk& trunk = *held;
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint64_t before = trunk.bytes();
  trunk.advance(now_s);
  if (call.roaming || crosses_a_border(call)) {
    trunk.add_abroad();
  } else if (trunk.add_caller(detect::state_hash(call.caller))) {
    trunk.hear(call.callee);
    const detect::NumberTraits caller = context.ports().numbers->traits(call.caller);
    const bool mobile = caller.kind == detect::LineKind::kMobile || caller.kind == detect::LineKind::kMobileVirtual;
    if (mobile && caller.home) {
      const TrunkNumber& number = trunk.call(call.caller, call.callee, now_s);
      trunk.records().add(event);
      const std::uint32_t calls = number.calls.sum();
      if (calls >= limits_.trunk_calls && calls % 4 == 0) judge_trunk(event, trunk, context);
    }
  }
  heap_bytes_ += trunk.bytes() - before;
}

void SimBox::judge_trunk(const model::Event& event, Trunk& trunk, detect::Context& context) const {
  std::vector<const TrunkNumber*> used;
  double calls = 0, heard = 0, stints_s = 0;
  std::uint32_t first_s = 0xffffffffU, last_s = 0;
  for (const TrunkNumber& n : trunk.numbers()) {
    const double own = n.calls.sum();
    if (own < limits_.trunk_calls || n.callees.count() < kOwnDispersion * std::min(own, kCalleesTold)) continue;
    if (n.last_s - n.first_s > kStintMostS || !group_of(n.number, context).empty()) continue;
    used.push_back(&n);
    calls += own;
    heard += n.heard.sum();
    stints_s += n.last_s - n.first_s + 60.0;
    first_s = std::min(first_s, n.first_s);
    last_s = std::max(last_s, n.last_s);
  }
  const double numbers = static_cast<double>(used.size());
  const std::uint32_t now_s = detect::seconds32(event.time);
  if (numbers < limits_.trunk_numbers || !trunk.said().due(numbers, now_s)) return;
  if (last_s - first_s < kSpanLeastS || heard > (calls + heard) * (1 - limits_.out_share)) return;
  const double at_once = stints_s / (last_s - first_s), share = calls / (trunk.calls() + trunk.abroad());
  if (at_once > kAtOnce * numbers || share < kShareOfCalls) return;
  const double dispersion = std::min(1.0, trunk.callees() / std::min(calls, 4000.0));
  if (dispersion < limits_.dispersion) return;
  trunk.said().say(numbers, now_s);

  std::sort(used.begin(), used.end(), [](const TrunkNumber* a, const TrunkNumber* b) {
    return a->calls.sum() != b->calls.sum() ? a->calls.sum() > b->calls.sum() : a->number < b->number;
  });
  const double excess = std::log2(numbers / limits_.trunk_numbers);
  model::Signal signal;
  signal.entity = model::Entity::text(model::EntityKind::kTrunk, event.as<model::Call>().route);
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{first_s} * 1000)};
  signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(std::clamp(52 + 6 * excess, 20.0, 80.0));
  signal.confidence = std::clamp(0.45 + 0.05 * excess, 0.3, 0.7);
  const std::string n = std::to_string(used.size());
  signal.title.en = "SIM box behind a trunk: " + n + " mobile numbers relieve one another on it and only call out";
  signal.title.zh = "疑似中继后接 GOIP：" + n + " 个手机号码在同一中继上先后接替，只呼出不呼入";
  signal.evidence = {
      {"trunk_numbers", numbers, limits_.trunk_numbers, "numbers"},
      {"trunk_calls_median", static_cast<double>(used[used.size() / 2]->calls.sum()), limits_.trunk_calls, "calls"},
      {"trunk_numbers_at_once", at_once, kAtOnce * numbers, "numbers"},
      {"trunk_calls_share", share, kShareOfCalls, "ratio"},
      {"trunk_dispersion", dispersion, limits_.dispersion, "ratio"},
      {"trunk_heard", heard, std::floor((calls + heard) * (1 - limits_.out_share)), "calls"}};
  for (std::size_t i = 0; i < std::min(used.size(), model::Signal::kPeersMax); ++i)
    signal.peers.push_back(model::Entity::of(used[i]->number));
  signal.records = trunk.records().latest();
  context.emit(std::move(signal));
}

}  // namespace pandun::detectors::sim_box
