// Any sequence of events over two lanes: nothing is lost, nothing that is not late is out of order, and batches change nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <tuple>
#include <vector>

#include "ingest/orderer.h"

using namespace pandun;

namespace {

void expect(bool holds) {
  if (!holds) std::abort();
}

struct Step {
  std::size_t lane = 0;
  std::int64_t ms = 0;
};

std::vector<model::Event> run(const std::vector<Step>& steps, bool one_by_one) {
  ingest::Orderer orderer;
  orderer.add_lane(std::chrono::seconds(2));
  orderer.add_lane(std::chrono::seconds(60));
  model::EventBatch out, batch;
  for (std::size_t i = 0; i < steps.size(); ++i) {
    model::Event event;
    event.time = {steps[i].ms};
    event.source = static_cast<std::uint32_t>(steps[i].lane);
    event.record = i;
    batch.events.push_back(event);
    if (one_by_one || i + 1 == steps.size() || steps[i + 1].lane != steps[i].lane) {
      orderer.add(steps[i].lane, std::move(batch), out);
      batch = {};
    }
  }
  orderer.flush(out);
  expect(orderer.held() == 0 && orderer.held_batches() == 0);
  return std::move(out.events);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<Step> steps;
  std::int64_t ms = 0;
  for (std::size_t i = 0; i + 1 < size; i += 2) {
    const std::int64_t scale = (data[i] & 0x70) == 0x70 ? 3'600'000 : 97;
    ms += (static_cast<std::int64_t>(data[i + 1]) - 100) * scale;
    steps.push_back({data[i] & 1U, ms});
  }
  if (steps.empty()) return 0;
  const std::vector<model::Event> whole = run(steps, false), single = run(steps, true);
  expect(whole.size() == steps.size() && single.size() == steps.size());
  const model::Event* last = nullptr;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    expect(whole[i].record == single[i].record && whole[i].late == single[i].late);
    if (whole[i].late) continue;
    expect(last == nullptr || std::tuple(last->time, last->source, last->record) <
                                  std::tuple(whole[i].time, whole[i].source, whole[i].record));
    last = &whole[i];
  }
  return 0;
}
