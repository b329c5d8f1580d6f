// Any bytes as a fraud detector's saved state: refused, or usable without a crash, for what was loaded must carry on when
// calls come, give memory back and be written down again. The first byte chooses the detector.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <vector>

#include "detect/detector.h"
#include "detect/features/number_activity.h"
#include "detect/features/number_state.h"
#include "detect/state_io.h"
#include "detect/testing/case_ports.h"

namespace pandun::detectors {
#define STATE_OF(name)                       \
  const detect::DetectorSpec& name##_spec(); \
  std::unique_ptr<detect::Detector> make_##name(const detect::Options& options);
STATE_OF(spoofed_caller)
STATE_OF(one_ring)
STATE_OF(call_bombing)
STATE_OF(dormant_burst)
STATE_OF(new_number_burst)
STATE_OF(foreign_burst)
STATE_OF(premium_calls)
STATE_OF(sim_box)
STATE_OF(fake_base_station)
STATE_OF(risk_propagation)
STATE_OF(victim_at_risk)
#undef STATE_OF
}  // namespace pandun::detectors

namespace {

using namespace pandun;
using namespace pandun::detect;

const DetectorPart kParts[] = {
    {&detectors::spoofed_caller_spec, &detectors::make_spoofed_caller},
    {&detectors::one_ring_spec, &detectors::make_one_ring},
    {&detectors::call_bombing_spec, &detectors::make_call_bombing},
    {&detectors::dormant_burst_spec, &detectors::make_dormant_burst},
    {&detectors::new_number_burst_spec, &detectors::make_new_number_burst},
    {&detectors::foreign_burst_spec, &detectors::make_foreign_burst},
    {&detectors::premium_calls_spec, &detectors::make_premium_calls},
    {&detectors::sim_box_spec, &detectors::make_sim_box},
    {&detectors::fake_base_station_spec, &detectors::make_fake_base_station},
    {&detectors::risk_propagation_spec, &detectors::make_risk_propagation},
    {&detectors::victim_at_risk_spec, &detectors::make_victim_at_risk},
};

// One number's and one trunk's life: every routed key is shown with the features of its number.
class Stage final : public Context {
 public:
  Stage() : case_ports_(testing::Case{}), ports_(case_ports_.ports()), numbers_(NumberOptions{}) {}
  const Ports& ports() const override { return ports_; }
  const NumberActivity* number() const override { return view_.get(); }
  const HostActivity* host() const override { return nullptr; }
  void emit(model::Signal signal) override {
    if (signal.peers.size() > model::Signal::kPeersMax || signal.records.size() > model::Signal::kRecordsMax ||
        signal.series.size() > model::Signal::kSeriesMax || signal.severity > 100 || !(signal.confidence >= 0) ||
        signal.confidence > 1)
      std::abort();
  }
  void run(Detector& detector, const model::Event& event) {
    for (const bool out : {true, false}) {
      if (event.kind() != model::EventKind::kCall) break;
      const auto& call = event.as<model::Call>();
      const model::NumberKey self = out ? call.caller : call.callee;
      numbers_.update(self, hash_of(model::key_of(self)),
                      {event.time, out ? call.callee : call.caller, out, false, call.answered, call.duration_s, {}, {}},
                      event.watermark);
    }
    KeyList keys;
    detector.route(event, keys);
    for (const RoutedKey& key : keys) {
      view_.reset();
      if (key.kind == model::EntityKind::kNumber) {
        const model::NumberKey self = model::NumberKey::from_bits(key.key.lo);
        if (const NumberRecord* record = numbers_.find(self, hash_of(key.key), event.watermark); record != nullptr)
          view_ = std::make_unique<NumberActivity>(numbers_, *record, self);
      }
      detector.prefetch(key, 0);
      detector.prefetch(key, 1);
      detector.on_event(event, key, *this);
    }
  }

 private:
  testing::CasePorts case_ports_;
  Ports ports_;
  NumberActivities numbers_;
  std::unique_ptr<NumberActivity> view_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const DetectorPart& part = kParts[data[0] % std::size(kParts)];
  const auto detector = part.make(Options::defaults(part.spec()));
  StateReader in(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  if (!detector->load(in).ok()) return 0;
  Stage stage;
  const model::NumberKey number = model::NumberKey::e164(8617000000001), foreign = model::NumberKey::e164(442071230000);
  for (std::uint32_t i = 0; i < 120; ++i) {
    model::Event event;
    event.time = event.watermark = EventMs{1'772'416'800'000 + i * (i < 60 ? 20'000LL : 3'000'000LL)};
    event.position = event.record = i + 1;
    model::Call call;
    call.caller = i % 4 == 3 ? foreign : number;
    call.callee = i % 7 == 6 ? number : model::NumberKey::e164(8613600000000 + i);
    call.route = i % 2 == 0 ? "INTL-1" : "";
    call.international = i % 4 == 3 || i % 5 == 0;
    call.answered = i % 3 == 0 ? model::Answered::kUnknown : model::Answered::kNo;
    call.duration_s = i % 3 == 0 ? -1 : 0;
    if (i % 11 == 5) {  // talk abroad
      call.callee = model::NumberKey::e164(442079460000 + i);
      call.answered = model::Answered::kYes;
      call.duration_s = 400;
    }
    call.caller_device = i % 3 == 0 ? "M1" : "M2";
    call.caller_cell = "C1";
    event.payload = call;
    stage.run(*detector, event);
    model::Message message;
    message.sender = model::NumberKey::service("95588");
    message.recipient = call.callee;
    message.sender_cell = i % 2 == 0 ? "C1" : "C2";
    event.payload = message;
    stage.run(*detector, event);
    model::CellReport report;
    report.reporter = model::NumberKey::e164(8613800000000 + i % 9);
    report.cell = i % 3 == 0 ? "C1" : "C2";
    report.near_cell = "C3";
    report.oddity = static_cast<model::CellOddity>(i % 5);
    event.payload = report;
    stage.run(*detector, event);
    model::CallProgress progress;
    progress.caller = i % 2 == 0 ? foreign : number;
    progress.callee = model::NumberKey::e164(8613600000000 + i % 3);
    progress.since_s = static_cast<std::int32_t>(i % 13 == 0 ? 0x7fffffffU : i * 20);
    progress.stage = static_cast<model::CallStage>(i % 3);
    progress.international = i % 2 == 0;
    event.payload = progress;
    stage.run(*detector, event);
  }
  detector->evict(EventMs{INT64_MAX});
  StateWriter out;
  detector->save(out);
  (void)detector->size();
  return 0;
}
