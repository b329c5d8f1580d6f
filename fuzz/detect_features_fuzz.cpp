// Any bytes as saved state of devices, cells or dialling at pace: refused, or usable without a crash, for what was loaded must be
// counted on, answer every feature, give memory back and be written down again as something that loads. The first byte chooses.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "detect/features/catalog.h"
#include "detect/features/cell_activity_state.h"
#include "detect/features/device_activity_state.h"
#include "detect/features/dialling_state.h"
#include "detect/state_io.h"

namespace {

using namespace pandun;
using namespace pandun::detect;

const model::NumberKey kNumber = model::NumberKey::e164(8613800000001);
const model::EntityKey kDevice = device_key("860000000000001"), kCell = model::key_of_text("460-00-1-1");

EventMs time_at(std::uint32_t i) {
  return EventMs{1'772'416'800'000 + i * (i < 80 ? 20'000LL : 4'000'000LL)};
}
model::NumberKey peer(std::uint32_t i) {
  return model::NumberKey::e164(8613600000000 + i * 3);
}

template <typename Activity, typename View>
void ask(const View& view, double (*Feature::*of)(const Activity&)) {
  for (const Feature& f : features())
    if (f.*of != nullptr && (f.*of)(view) < -1) std::abort();
}

template <typename State>
void again(const State& state) {
  StateWriter out;
  state.save(out);
  StateReader in(out.bytes());
  State next;
  if (!next.load(in).ok()) std::abort();
}

void devices(StateReader& in) {
  DeviceActivities state;
  if (!state.load(in).ok()) return;
  for (std::uint32_t i = 0; i < 160; ++i) {
    state.update(kDevice, hash_of(kDevice),
                 {time_at(i), static_cast<DeviceKind>(i % 3), peer(i % 5), peer(i), model::Answered::kUnknown,
                  static_cast<std::int32_t>(i % 20) - 1, hash64(i % 2 == 0 ? "a" : "b"),
                  static_cast<std::int32_t>(i % 90) - 1, i % 7 == 0, i % 5 == 0},
                 time_at(i));
    if (i % 16 != 0) continue;
    const DeviceRecord* record = state.find(kDevice, hash_of(kDevice), time_at(i));
    if (record == nullptr) continue;
    const DeviceActivity view(state, *record);
    ask(view, &Feature::device);
    if (view.uses_series(Window::k24h).size() > 48 || view.uses_series(Window::k5m).size() > 30 ||
        view.uses_series(Window::k30d).size() > 5)
      std::abort();
  }
  again(state);
  for (int i = 0; i < 16; ++i) state.evict(EventMs{INT64_MAX});
}

void cells(StateReader& in) {
  CellActivities state;
  if (!state.load(in).ok()) return;
  for (std::uint32_t i = 0; i < 160; ++i) {
    state.update(kCell, hash_of(kCell),
                 {time_at(i), static_cast<CellContact::Counter>(i % 3), peer(i), i % 2 == 0 ? hash64("x") : 0,
                  i % 5 == 0, i % 7 == 0, model::Answered::kUnknown, static_cast<std::int32_t>(i % 40) - 1},
                 time_at(i));
    if (i % 16 != 0) continue;
    const CellActivity view(state, *state.find(kCell, hash_of(kCell), time_at(i)));
    ask(view, &Feature::cell);
    if (view.calls_series(Window::k24h).size() > 48 || view.messages_series(Window::k1h).size() > 60) std::abort();
  }
  again(state);
  for (int i = 0; i < 16; ++i) state.evict(EventMs{INT64_MAX});
}

void dialling(StateReader& in) {
  DiallingActivities state;
  if (!state.load(in).ok()) return;
  const std::uint64_t hash = hash_of(model::key_of(kNumber));
  for (std::uint32_t i = 0; i < 200; ++i) {
    model::Call call;
    call.caller = kNumber;
    call.callee = peer(i);
    call.ring_s = static_cast<std::int16_t>(static_cast<int>(i % 30) - 1);
    call.caller_device = i % 7 == 0 ? "x" : "y";
    call.caller_cell = i % 9 == 0 ? "a" : "b";
    state.update(kNumber, hash, call, time_at(i), time_at(i), i % 11 == 0,
                 {i % 5 != 0, static_cast<float>(i % 90), static_cast<float>(i)});
    state.hear(kNumber, hash, peer(i + 1), time_at(i), time_at(i));
    if (i % 16 != 0) continue;
    const DialRecord* record = state.find(kNumber, hash, time_at(i));
    ask(DiallingActivity(*record, time_at(i)), &Feature::dialling);
  }
  again(state);
  for (int i = 0; i < 16; ++i) state.evict(EventMs{INT64_MAX});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  StateReader in(std::string_view(reinterpret_cast<const char*>(data) + 1, size - 1));
  switch (data[0] % 3) {
    case 0:
      devices(in);
      break;
    case 1:
      cells(in);
      break;
    default:
      dialling(in);
  }
  return 0;
}
