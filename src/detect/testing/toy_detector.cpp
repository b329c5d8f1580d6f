#include "detect/testing/toy_detector.h"

#include "detect/features/number_activity.h"
#include "detect/state_table.h"

namespace pandun::detect::testing {
namespace {

struct Seen {
  std::uint32_t calls = 0;
  EventMs first;
};

class Toy final : public Detector {
 public:
  explicit Toy(const Options& options) : calls_min_(options["calls_min"]), table_(std::chrono::hours(2)) {}

  void route(const model::Event& event, KeyList& keys) const override {
    const auto& call = event.as<model::Call>();
    if (call.caller.known()) keys.push_back({model::EntityKind::kNumber, 0, model::key_of(call.caller)});
  }
  void prefetch(const RoutedKey& key, unsigned stage) const override { table_.prefetch(key.key, stage); }

  void on_event(const model::Event& event, const RoutedKey& key, Context& context) override {
    bool fresh = false;
    Seen& seen = table_.touch(key.key, event.watermark, &fresh);
    if (fresh) seen.first = event.time;
    ++seen.calls;
    if (seen.calls < calls_min_) return;
    const NumberActivity& number = *context.number();
    model::Signal signal;
    signal.entity = model::Entity::of(number.number());
    signal.peers.push_back(model::Entity::of(event.as<model::Call>().callee));
    signal.first = seen.first;
    signal.last = event.time;
    signal.severity = 60;
    signal.confidence = 0.5;
    signal.evidence = {{"calls", static_cast<double>(seen.calls), calls_min_, "calls"},
                       {"distinct_callees_1h", number.distinct_callees(Window::k1h), 0, "numbers"}};
    signal.series = number.calls_out_series(Window::k5m);
    signal.series_feature = "calls_out";
    context.emit(std::move(signal));
  }

  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(StateWriter& out) const override {
    table_.save(out, [](StateWriter& o, const Seen& seen) {
      o.varint(seen.calls);
      o.i64(seen.first.ms);
    });
  }
  Result<> load(StateReader& in) override {
    return table_.load(in, [](StateReader& i, Seen& seen) {
      seen.calls = static_cast<std::uint32_t>(i.varint());
      seen.first.ms = i.i64();
    });
  }
  StateSize size() const override { return {table_.size(), table_.bytes(), table_.evicted()}; }

 private:
  double calls_min_;
  StateTable<model::EntityKey, Seen> table_;
};

}  // namespace

const DetectorSpec& toy_spec() {
  static const DetectorSpec kSpec = [] {
    DetectorSpec spec{};
    spec.name = "toy";
    spec.title_en = "many calls";
    spec.title_zh = "呼叫频繁";
    spec.reads = {model::EventKind::kCall};
    spec.entity = model::EntityKind::kNumber;
    spec.topic = "toy";
    spec.episode_gap = std::chrono::minutes(30);
    spec.options = {{"calls_min", "calls", 5, 1, 1000, "calls before it speaks", "触发所需呼叫次数"}};
    return spec;
  }();
  return kSpec;
}

std::unique_ptr<Detector> make_toy(const Options& options) {
  return std::make_unique<Toy>(options);
}

}  // namespace pandun::detect::testing
