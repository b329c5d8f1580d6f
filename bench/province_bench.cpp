// The whole engine on a slice of a province: all detectors and rules, numbers, devices and cells; what each part of its state
// takes for a number, the processor time an event costs, and what was said of a province in which nobody defrauds.
//   province_bench CONTENT NUMBERS DAYS [EVENTS_PER_NUMBER_AND_DAY [LISTED_MOST]]
// CONTENT is the directory of the shipped content; default 250,000 numbers, 1 day, 20 events, 1 in 1,000 listed
//
// The slice is bench/province_slice.h's. Everybody has a telephone of his own, one in fifty shares one; a cell serves 200 numbers;
// services send by short numbers without device and cell; one number in a thousand is opened each day. Busy from 512 contacts.
#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <string>

#include "bench/province_slice.h"
#include "detectors/catalog.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "server/content.h"
#include "server/detection.h"

namespace {

using namespace pandun;
using bench::Dice;
using bench::Happening;
using bench::kStart;

class Count final : public detect::SignalSink {
 public:
  void take(std::vector<model::Signal>&& signals, std::uint64_t) override {
    for (const model::Signal& s : signals) ++by_detector_[std::string(s.detector)];
  }
  std::map<std::string, std::uint64_t> by_detector_;
};

template <std::size_t N>
using Names = std::vector<std::array<char, N>>;

template <std::size_t N>
Names<N> make_names(std::uint32_t count, const char* form) {
  Names<N> out(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::string text = fmt::format(fmt::runtime(form), i);
    std::copy_n(text.begin(), std::min(text.size(), N), out[i].begin());
  }
  return out;
}

template <std::size_t N>
std::string_view view(const std::array<char, N>& name) {
  return {name.data(), N};
}

// Turns happenings into events as ingest hands them on.
class Events {
 public:
  Events(std::uint32_t numbers, std::uint32_t services)
      : numbers_(numbers),
        devices_(make_names<15>(numbers, "3569380{:08}")),
        cells_(make_names<13>(std::max(64U, numbers / 200), "460-00-{:06x}")) {
    for (std::uint32_t i = 0; i < services; ++i)
      services_.push_back(model::NumberKey::service(fmt::format("1069{:06}", i)));
  }

  void add(model::EventBatch& batch, const Happening& h, EventMs time, Dice& dice) {
    model::Event event;
    event.time = event.watermark = time;
    event.position = event.record = ++position_;
    if (h.message) {
      model::Message m;
      m.sender = key(h.from);
      m.recipient = key(h.to);
      if (h.from < numbers_) {
        m.sender_device = device(h.from);
        m.sender_cell = cell(h.from_cell);
      }
      event.payload = m;
    } else {
      model::Call c;
      c.caller = key(h.from);
      c.callee = key(h.to);
      c.caller_device = device(h.from);
      c.callee_device = device(h.to);
      c.caller_cell = cell(h.from_cell);
      c.callee_cell = cell(h.to_cell);
      c.duration_s = h.talk_s;
      c.answered = h.talk_s > 0 ? model::Answered::kYes : model::Answered::kNo;
      c.release_cause = static_cast<std::int16_t>(h.talk_s > 0 ? 16 : 19);
      c.ring_s = static_cast<std::int16_t>(5 + dice.below(25));
      event.payload = c;
    }
    batch.events.push_back(event);
  }
  void add_opening(model::EventBatch& batch, EventMs time, Dice& dice) {
    model::Event event;
    event.time = event.watermark = time;
    event.position = event.record = ++position_;
    model::Opening o;
    const std::uint32_t who = dice.below(numbers_);
    o.number = key(who);
    o.holder = view(devices_[who]);  // any text of its own will do for the register's token
    o.plan = "family";
    event.payload = o;
    batch.events.push_back(event);
  }

 private:
  model::NumberKey key(std::uint32_t i) const {
    return i < numbers_ ? model::NumberKey::e164(8613000000000ULL + i * 97ULL) : services_[i - numbers_];
  }
  std::string_view device(std::uint32_t i) const { return view(devices_[i % 50 == 49 ? i - 1 : i]); }
  std::string_view cell(std::uint16_t i) const { return view(cells_[mix64(i) % cells_.size()]); }
  std::uint32_t numbers_;
  std::uint64_t position_ = 0;
  Names<15> devices_;
  Names<13> cells_;
  std::vector<model::NumberKey> services_;
};

struct World {
  std::unique_ptr<server::Content> content;
  std::unique_ptr<server::RegistryNumbers> numbers;
  detect::EngineConfig config;
};

Result<World> make_world(const std::string& content, std::uint64_t listed_most) {
  World world;
  platform::FileSystem& files = platform::posix_files();
  const server::LoadedSettings loaded =
      server::load_settings(files, {"", {{"content.directory", content}}, false}, detectors::catalog());
  TRY_ASSIGN(world.content, server::load_content(files, loaded.settings));
  world.numbers = std::make_unique<server::RegistryNumbers>(
      world.content->plan, world.content->groups,
      static_cast<std::uint16_t>(loaded.settings.integer("ingest.home_country")));
  TRY_ASSIGN(world.config.detectors, server::detector_parts(loaded.settings));
  TRY_ASSIGN(world.config.rules, server::load_rules(files, world.content->directory));
  world.config.ports.numbers = world.numbers.get();
  world.config.numbers.listed_most = listed_most;
  world.config.numbers.busy_from = 512;
  return world;
}

void print_result(const detect::EngineStats& stats, const Count& sink, std::uint32_t numbers, std::uint32_t days,
                  double ns, std::uint64_t rss) {
  std::string parts, signals;
  for (const detect::PartStats& part : stats.parts)
    if (part.state.bytes != 0)
      parts += fmt::format("{}{{\"name\":\"{}\",\"keys\":{},\"bytes\":{}}}", parts.empty() ? "" : ",", part.name,
                           part.state.keys, part.state.bytes);
  for (const auto& [name, count] : sink.by_detector_)
    signals += fmt::format("{}\"{}\":{}", signals.empty() ? "" : ",", name, count);
  fmt::print(
      "{{\"numbers\":{},\"days\":{},\"events\":{},\"ns_per_event\":{:.0f},\"state_bytes\":{},\"rss_bytes\":{},"
      "\"parts\":[{}],\"signals\":{{{}}}}}\n",
      numbers, days, stats.events, ns, stats.state_bytes, rss, parts, signals);
}

}  // namespace

int main(int argc, char** argv) {
  const auto numbers = static_cast<std::uint32_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 250'000);
  const auto days = static_cast<std::uint32_t>(argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 1);
  const double each = argc > 4 ? std::strtod(argv[4], nullptr) : 20;
  auto world =
      make_world(argc > 1 ? argv[1] : "content", argc > 5 ? std::strtoull(argv[5], nullptr, 10) : numbers / 1000);
  if (!world.ok()) {
    fmt::print(stderr, "{}\n", world.error().text());
    return 3;
  }
  const bench::Province province(numbers, 0);
  Events events(numbers, province.services());
  model::EventBatch batch;
  batch.events.reserve(8192);
  const std::uint64_t rss_before = platform::rss_bytes();
  Count sink;
  detect::Engine engine(std::move(world->config), sink);
  Dice dice(7);
  std::uint64_t counted_ms = 0, counted = 0;
  const auto flush = [&] {
    const std::uint64_t started = platform::cpu_time_ms();
    engine.process(batch);
    counted_ms += platform::cpu_time_ms() - started;
    counted += batch.events.size();
    batch.events.clear();
  };
  for (std::uint32_t day = 0; day < days; ++day) {
    for (std::uint32_t hour = 0; hour < 24; ++hour) {
      const std::uint64_t in_hour = bench::events_in_hour(numbers, each, day, hour);
      const EventMs start{(kStart + day * 86400LL + hour * 3600LL) * 1000};
      for (std::uint64_t i = 0; i < in_hour; ++i) {
        const EventMs time = start + std::chrono::milliseconds(i * 3'600'000 / in_hour);
        events.add(batch, province.next(dice, hour), time, dice);
        if (i % 20'000 == 0) events.add_opening(batch, time, dice);
        if (batch.events.size() >= 8190) flush();
      }
    }
    flush();
    fmt::print(stderr, "day {:2}: {:.1f} bytes a number, resident {:.1f}, {:.0f} ns an event\n", day + 1,
               static_cast<double>(engine.stats().state_bytes) / numbers,
               static_cast<double>(platform::rss_bytes() - rss_before) / numbers,
               static_cast<double>(counted_ms) * 1e6 / static_cast<double>(counted));
  }
  print_result(engine.stats(), sink, numbers, days,
               static_cast<double>(counted_ms) * 1e6 / static_cast<double>(counted),
               platform::rss_bytes() - rss_before);
  return 0;
}
