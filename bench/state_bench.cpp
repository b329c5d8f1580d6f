// Bytes of engine state for each quiet and each busy number, peak memory with N numbers alive, and nanoseconds an event.
//   state_bench [NUMBERS]     default 10,000,000
#include <fmt/format.h>

#include <cstdlib>

#include "bench/synthetic_calls.h"
#include "detectors/catalog.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "server/detection.h"

namespace {

using namespace pandun;

class Count final : public detect::SignalSink {
 public:
  void take(std::vector<model::Signal>&& signals, std::uint64_t) override { signals_ += signals.size(); }
  std::uint64_t signals_ = 0;
};

detect::EngineConfig config(const std::vector<detect::EngineConfig::Part>& parts) {
  detect::EngineConfig out;
  out.detectors = parts;
  return out;
}

// Every number calls one other and is called by one other: `per_number` contacts each way, spread over a day.
double run_quiet(detect::Engine& engine, std::uint64_t numbers, std::uint64_t rounds) {
  const auto started = platform::system_clock().steady();
  model::EventBatch batch;
  std::uint64_t position = 0;
  const EventMs start{1'767'571'200'000};
  const std::uint64_t events = numbers * rounds;
  for (std::uint64_t i = 0; i < events; ++i) {
    const EventMs time = start + std::chrono::milliseconds(i * 86'400'000 / events);
    const std::uint64_t caller = mix64(i) % numbers;
    batch.events.push_back(
        bench::call(++position, time, caller, mix64(caller + 7) % numbers, static_cast<std::int32_t>(i % 90)));
    if (batch.events.size() == 4096 || i + 1 == events) {
      engine.process(batch);
      batch.events.clear();
    }
  }
  return static_cast<double>((platform::system_clock().steady() - started).count()) / static_cast<double>(events);
}

double bytes_per_busy(const std::vector<detect::EngineConfig::Part>& parts, std::uint64_t numbers,
                      std::uint64_t calls) {
  Count sink;
  detect::Engine engine(config(parts), sink);
  model::EventBatch batch;
  std::uint64_t position = 0;
  for (std::uint64_t i = 0; i < calls; ++i) {
    for (std::uint64_t n = 0; n < numbers; ++n)
      batch.events.push_back(
          bench::call(++position, EventMs{1'767'571'200'000 + static_cast<std::int64_t>(i * 86'400'000 / calls)}, n,
                      1'000'000 + i % 50, 40));  // the same fifty callees: their own state is shared by all
    engine.process(batch);
    batch.events.clear();
  }
  return static_cast<double>(engine.stats().state_bytes) / static_cast<double>(numbers);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t numbers = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  const server::LoadedSettings loaded =
      server::load_settings(platform::posix_files(), {"", {}, false}, detectors::catalog());
  auto parts = server::detector_parts(loaded.settings);
  if (!parts.ok()) {
    fmt::print(stderr, "{}\n", parts.error().text());
    return 3;
  }
  const double busy = bytes_per_busy(*parts, 2000, 1000);
  const std::uint64_t before = platform::rss_bytes();
  Count sink;
  detect::Engine engine(config(*parts), sink);
  const double ns = run_quiet(engine, numbers, 2);
  const detect::EngineStats stats = engine.stats();
  fmt::print(
      "{{\"numbers\":{},\"events\":{},\"ns_per_event\":{:.0f},\"state_bytes\":{},\"bytes_per_quiet_number\":{:.1f},"
      "\"bytes_per_busy_number\":{:.0f},\"rss_bytes\":{},\"peak_rss_bytes\":{},\"quiet\":{},\"listed\":{},\"busy\":{}}}"
      "\n",
      numbers, numbers * 2, ns, stats.state_bytes,
      static_cast<double>(stats.state_bytes) / static_cast<double>(numbers), busy, platform::rss_bytes() - before,
      platform::peak_rss_bytes(), stats.quiet_numbers, stats.listed_numbers, stats.busy_numbers);
  return 0;
}
