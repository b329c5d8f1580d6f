// Foreign burst: calls from one country, through one trunk, far above what is
// usual at this hour, into one region or to very many people who do not talk.
//
// Method   country code by region counts against a moving limit (CN109510903B),
// the limit by hour of the day; a festival and
//          a morning in another time zone are answered and talked through, a
//          dialler's calls are not.
// Shape    one state for each (trunk, calling code), or for each calling code
// where the record names no trunk: 3 KiB, 8 bytes
//          for each caller and callee of the hour, 64 for each region. Some
//          thousands of them.
// Source   docs/detectors/foreign_burst.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "detect/calling_code.h"
#include "detect/detector.h"
#include "detect/state_io.h"
#include "detect/state_table.h"
#include "detectors/foreign_burst/baseline.h"

namespace pandun::detectors {
namespace foreign_burst {

constexpr std::chrono::seconds kForget = std::chrono::hours(24 * 30);
constexpr std::int32_t kTalkS = 10;

std::uint32_t hash_of(model::NumberKey number) {
  return detect::peer_hash(mix64(number.bits()));
}

struct Entry {
  std::unique_ptr<Origin> origin;
};
struct Limits {
  double calls, region_calls, factor, dispersion, conversation, region_share;
};

class ForeignBurst final : public detect::Detector {
 public:
  explicit ForeignBurst(const detect::Options& o)
      : limits_{o["calls_1h_min"],   o["region_calls_1h_min"], o["surge_min"],
                o["dispersion_min"], o["conversation_max"],    o["region_share_min"]} {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    const std::uint16_t code = detect::calling_code(call.caller);
    // Opaque and withheld callers have no country; most calls stay within one,
    // and the plan is not seen here.
    if (code == 0 || code == detect::calling_code(call.callee)) return;
    model::EntityKey key = model::key_of_text(call.route);
    key.lo = combine64(key.lo, code);
    keys.push_back({model::EntityKind::kTrunk, 0, key});
  }
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override { table_.prefetch(key.key, stage); }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override {
    table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
      w.u8(entry.origin != nullptr ? 1 : 0);
      if (entry.origin != nullptr) entry.origin->save(w);
    });
  }
  Result<> load(detect::StateReader& in) override {
    return table_.load(in, [](detect::StateReader& r, Entry& entry) {
      if (r.u8() == 0) return;
      entry.origin = std::make_unique<Origin>();
      entry.origin->load(r);
    });
  }
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * 2 * sizeof(Origin), table_.evicted()};
  }

 private:
  void emit(const model::Call& call, std::uint16_t code, const Origin& origin, const Region* region, double wanted,
            double conversation, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::EntityKey, Entry> table_{kForget};
};

void ForeignBurst::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  const detect::NumberFacts& facts = *context.ports().numbers;
  const detect::NumberTraits callee = facts.traits(call.callee);
  if (!callee.home) return;
  const detect::NumberTraits caller = facts.traits(call.caller);
  if (caller.home) return;
  Entry& entry = table_.touch(key.key, event.watermark);
  if (entry.origin == nullptr) entry.origin = std::make_unique<Origin>();
  Origin& origin = *entry.origin;
  const std::uint32_t time_s = detect::seconds32(event.time);
  origin.advance(time_s, limits_.calls / 2, 2);
  const bool ended = call.answered != model::Answered::kUnknown || call.duration_s >= 0;
  const bool talked = call.answered != model::Answered::kNo && call.duration_s > kTalkS;
  origin.add(time_s, hash_of(call.caller), hash_of(call.callee), ended, talked);
  Region* region = origin.into(callee.region, time_s);
  origin.callers_seen.add(call.caller, event);

  const double calls = origin.calls();
  if (calls < std::min(limits_.calls, limits_.region_calls)) return;
  // Within six hours of a signal only a doubling is news.
  if (origin.emitted_s != 0 && time_s < origin.emitted_s + 6 * kHourS && calls < 2.0 * origin.emitted_calls) return;
  const double usual = origin.usual();
  const double surge = limits_.factor * usual + 4 * std::sqrt(usual);
  double wanted = std::max(limits_.calls, surge);
  bool found = calls >= wanted;
  const Region* shown = nullptr;
  if (region != nullptr) {
    const auto into = static_cast<double>(region->hour.total());
    const double mean = region->mean;
    const double region_wanted = std::max(limits_.region_calls, limits_.factor * mean + 4 * std::sqrt(mean));
    if (into >= region_wanted && into >= limits_.region_share * calls) {
      shown = region;
      if (!found) wanted = region_wanted;
      found = true;
    }
  }
  if (!found || origin.callees() < limits_.dispersion * calls) return;
  const double ended_calls = origin.ended();
  if (ended_calls * 2 < calls && calls < 2 * wanted) return;  // a feed without outcomes must show twice as many
  const double conversation = ended_calls * 2 < calls ? std::nan("") : origin.talked() / ended_calls;
  // Without a yesterday the limit means little: then nearly nobody may talk.
  if (std::isfinite(conversation) && conversation > limits_.conversation * (origin.learned() ? 1 : 0.5)) return;
  emit(call, caller.country_code != 0 ? caller.country_code : detect::calling_code(call.caller), origin, shown, wanted,
       conversation, context);
  origin.emitted_s = time_s;
  origin.emitted_calls = static_cast<std::uint32_t>(calls);
}

void ForeignBurst::emit(const model::Call& call, std::uint16_t code, const Origin& origin, const Region* region,
                        double wanted, double conversation, detect::Context& context) const {
  const std::string origin_name = "+" + std::to_string(code);
  const double calls = origin.calls();
  const auto into = region == nullptr ? 0.0 : static_cast<double>(region->hour.total());
  const double excess = std::log2(std::max(1.0, (region != nullptr && calls < wanted ? into : calls) / wanted));
  model::Signal signal;
  signal.entity = model::Entity::text(model::EntityKind::kTrunk, call.route.empty() ? origin_name : call.route);
  signal.first = {(std::int64_t{origin.newest_s()} - kHourS) * 1000};
  signal.last = {std::int64_t{origin.newest_s()} * 1000};
  signal.severity = static_cast<std::uint8_t>(
      std::clamp(58 + 7 * excess + (region != nullptr ? 5 : 0) - (origin.learned() ? 0 : 8), 20.0, 90.0));
  const double engaged = std::isfinite(conversation) ? conversation / std::max(0.01, limits_.conversation) : 1;
  signal.confidence =
      std::clamp(0.55 + 0.2 * (1 - engaged) + 0.1 * std::min(1.5, excess) - (origin.learned() ? 0 : 0.15), 0.3, 0.9);
  const std::string count = std::to_string(static_cast<int>(calls));
  signal.title.en = "Surge of calls from abroad: " + count + " calls from " + origin_name + " within an hour";
  signal.title.zh = "境外来话突增：1 小时内来自 " + origin_name + " 的呼叫 " + count + " 次";
  if (region != nullptr) {
    const std::string area = "0" + std::to_string(region->id), share = std::to_string(static_cast<int>(into));
    signal.title.en += ", " + share + " of them into area " + area;
    signal.title.zh += "，其中 " + share + " 次呼向区号 " + area;
  }
  signal.evidence = {{"foreign_calls_1h", calls, region != nullptr && calls < wanted ? 0 : wanted, "calls"},
                     {"usual_calls_1h", origin.usual(), 0, "calls"},
                     {"called_numbers_1h", origin.callees(), std::ceil(limits_.dispersion * calls), "numbers"},
                     {"calling_numbers_1h", origin.callers(), 0, "numbers"}};
  if (std::isfinite(conversation))
    signal.evidence.push_back({"conversation_ratio_1h", conversation, limits_.conversation, "ratio"});
  if (region != nullptr) {
    signal.evidence.push_back({"region_calls_1h", into, limits_.region_calls, "calls"});
    signal.evidence.push_back({"region_share_1h", into / std::max(1.0, calls), limits_.region_share, "ratio"});
  }
  if (!origin.learned()) signal.evidence.push_back({"no_yesterday", 1, 1, ""});
  signal.series_feature = "foreign_calls";
  signal.series = origin.series();
  origin.callers_seen.show(signal);
  context.emit(std::move(signal));
}

}  // namespace foreign_burst

std::unique_ptr<detect::Detector> make_foreign_burst(const detect::Options& options) {
  return std::make_unique<foreign_burst::ForeignBurst>(options);
}

}  // namespace pandun::detectors
