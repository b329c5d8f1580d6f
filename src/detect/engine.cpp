#include "detect/engine.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <tuple>

#include "base/bounded_queue.h"
#include "detect/checkpoint.h"
#include "detect/shard.h"
#include "platform/thread.h"

namespace pandun::detect {
namespace {

class NoIndicators final : public IndicatorMatch {
 public:
  bool empty() const override { return true; }
  const IndicatorHit* address(const model::IpAddress&) const override { return nullptr; }
  const IndicatorHit* domain(std::string_view) const override { return nullptr; }
  const IndicatorHit* url(std::string_view, std::string_view) const override { return nullptr; }
  const IndicatorHit* hash(std::string_view) const override { return nullptr; }
};
class NoServices final : public KnownServices {
 public:
  KnownService address(const model::IpAddress&) const override { return KnownService::kNone; }
  KnownService domain(std::string_view) const override { return KnownService::kNone; }
};
class NoFacts final : public NumberFacts {
 public:
  std::string_view protected_group(model::NumberKey) const override { return {}; }
  bool emergency_or_service(model::NumberKey) const override { return false; }
};
class NoModels final : public NumberModels {
 public:
  std::string_view name() const override { return {}; }
  std::span<const std::uint16_t> features() const override { return {}; }
  ModelOpinion look(model::NumberKey, const model::Event&, std::span<const float>) const override { return {}; }
  std::vector<ModelReason> explain(std::span<const float>, std::size_t) const override { return {}; }
};
class NoCells final : public CellPlaces {
 public:
  CellPlace place(std::string_view) const override { return {}; }
};

// A slice of a batch on its way through every shard; finished when `left` is zero.
struct Chunk {
  std::shared_ptr<const model::EventBatch> batch;
  std::span<const model::Event> events;
  std::shared_ptr<const RuleSet> rules;
  std::vector<std::vector<WorkItem>> work;      // by shard
  std::vector<std::vector<FoundSignal>> found;  // by shard
  std::uint32_t left = 0;                       // guarded by Done::mutex
};

struct Done {
  std::mutex mutex;
  std::condition_variable changed;
};

// What a shard's thread takes from its queue: a chunk, or something else to do with the shard.
struct Order {
  std::shared_ptr<Chunk> chunk;
  std::function<void(Shard&)> task;
};

bool before(const FoundSignal& a, const FoundSignal& b) {
  return std::tie(a.signal.position, a.signal.detector, a.signal.entity.kind, a.signal.entity.value, a.ordinal) <
         std::tie(b.signal.position, b.signal.detector, b.signal.entity.kind, b.signal.entity.value, b.ordinal);
}

}  // namespace

struct Engine::Impl {
  struct Worker {
    Worker(const EngineConfig& config, std::size_t queue) : shard(config), orders(queue, WhenFull::kBlock) {}
    Shard shard;
    BoundedQueue<Order> orders;
    platform::Thread thread;
  };

  Impl(EngineConfig c, SignalSink& s) : config(std::move(c)), sink(s) {
    CHECK(config.shards >= 1 && config.shards <= 256);
    fill_ports(config.ports);
    routing_detectors = make_detectors(config);
    router = std::make_unique<Router>(config, routing_detectors);
    rules = config.rules;
    router->use(rules.get());
    kept_rules.push_back(rules);
    make_workers();
  }
  ~Impl() { stop(); }

  void fill_ports(Ports& ports) const {
    if (ports.indicators == nullptr) ports.indicators = &no_indicators;
    if (ports.services == nullptr) ports.services = &no_services;
    if (ports.numbers == nullptr) ports.numbers = &no_facts;
    if (ports.models == nullptr) ports.models = &no_models;
    if (ports.cells == nullptr) ports.cells = &no_cells;
  }

  void make_workers() {
    workers.clear();
    for (std::uint32_t i = 0; i < config.shards; ++i)
      workers.push_back(std::make_unique<Worker>(config, config.chunks_in_flight + 1));
    if (config.shards == 1) return;
    for (std::uint32_t i = 0; i < config.shards; ++i) {
      Worker& worker = *workers[i];
      worker.thread =
          platform::start_thread(fmt::format("shard-{}", i), [this, i, &worker](std::stop_token) { work(i, worker); });
    }
  }

  void stop() {
    for (const auto& worker : workers) worker->orders.close();
    for (const auto& worker : workers)
      if (worker->thread.joinable()) worker->thread.join();
  }

  // A shard's thread.
  void work(std::uint32_t index, Worker& worker) {
    while (std::optional<Order> order = worker.orders.pop()) {
      if (order->task) {
        order->task(worker.shard);
        continue;
      }
      Chunk& chunk = *order->chunk;
      if (chunk.rules != worker.shard.rules()) worker.shard.use(chunk.rules);
      worker.shard.run(chunk.events, chunk.work[index], chunk.found[index]);
      const std::scoped_lock lock(done.mutex);
      if (--chunk.left == 0) done.changed.notify_all();
    }
  }

  void process(const std::shared_ptr<const model::EventBatch>& batch, std::span<const model::Event> events) {
    while (!events.empty()) {
      while (!pending_rules.empty() && pending_rules.front().first <= events.front().position) {
        rules = std::move(pending_rules.front().second);
        router->use(rules.get());
        pending_rules.pop_front();
      }
      std::size_t size = std::min(events.size(), config.chunk_events);
      if (!pending_rules.empty()) {
        const std::uint64_t until = pending_rules.front().first;
        size = static_cast<std::size_t>(std::find_if(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(size),
                                                     [until](const model::Event& e) { return e.position >= until; }) -
                                        events.begin());
      }
      run(batch, events.first(size));
      events = events.subspan(size);
    }
  }

  void run(const std::shared_ptr<const model::EventBatch>& batch, std::span<const model::Event> events) {
    CHECK_MSG(events.front().position > position, "events must come in position order, each once");
    watermark_ms = std::max(watermark_ms, events.back().watermark.ms);
    events_in += events.size();
    auto chunk = spare != nullptr ? std::move(spare) : std::make_shared<Chunk>();
    chunk->batch = batch;
    chunk->events = events;
    chunk->rules = rules;
    chunk->work.resize(config.shards);
    chunk->found.resize(config.shards);
    for (std::uint32_t i = 0; i < events.size(); ++i) {
      CHECK_MSG(events[i].position > position, "events must come in position order, each once");
      position = events[i].position;
      router->route(events[i], i, chunk->work);
    }
    if (config.shards == 1) {
      Shard& shard = workers[0]->shard;
      if (rules != shard.rules()) shard.use(rules);
      shard.run(events, chunk->work[0], chunk->found[0]);
      hand_on(*chunk);
      recycle(std::move(chunk));
      return;
    }
    chunk->left = config.shards;
    in_flight.push_back(chunk);
    for (const auto& worker : workers) worker->orders.push(Order{chunk, {}});
    collect(config.chunks_in_flight);
  }

  // Hands on finished chunks in order, waiting while more than `most` are in flight.
  void collect(std::size_t most) {
    while (!in_flight.empty()) {
      {
        std::unique_lock lock(done.mutex);
        if (in_flight.front()->left != 0) {
          if (in_flight.size() <= most) return;
          ++queue_waits;
          done.changed.wait(lock, [&] { return in_flight.front()->left == 0; });
        }
      }
      const std::shared_ptr<Chunk> chunk = std::move(in_flight.front());
      in_flight.pop_front();
      hand_on(*chunk);
    }
  }

  void hand_on(Chunk& chunk) {
    std::vector<FoundSignal> all = std::move(chunk.found[0]);
    for (std::size_t i = 1; i < chunk.found.size(); ++i)
      all.insert(all.end(), std::make_move_iterator(chunk.found[i].begin()),
                 std::make_move_iterator(chunk.found[i].end()));
    std::stable_sort(all.begin(), all.end(), before);
    std::vector<model::Signal> live, shadow;
    for (FoundSignal& f : all) (f.shadow ? shadow : live).push_back(std::move(f.signal));
    signals_out += live.size();
    if (!shadow.empty()) sink.take_shadow(std::move(shadow));
    sink.take(std::move(live), chunk.events.back().position);
  }

  void recycle(std::shared_ptr<Chunk> chunk) {
    chunk->batch.reset();
    chunk->rules.reset();
    for (auto& w : chunk->work) w.clear();
    for (auto& f : chunk->found) f.clear();
    spare = std::move(chunk);
  }

  // Runs `task` on every shard at once, each on its own thread; returns when all are through.
  void on_every_shard(const std::function<void(std::uint32_t, Shard&)>& task) {
    if (config.shards == 1) return task(0, workers[0]->shard);
    std::uint32_t left = config.shards;
    for (std::uint32_t i = 0; i < config.shards; ++i) {
      workers[i]->orders.push(Order{nullptr, [&, i](Shard& shard) {
                                      task(i, shard);
                                      const std::scoped_lock lock(done.mutex);
                                      if (--left == 0) done.changed.notify_all();
                                    }});
    }
    std::unique_lock lock(done.mutex);
    done.changed.wait(lock, [&] { return left == 0; });
  }

  Result<SaveReport> save(const CheckpointPlace& place);
  Result<LoadReport> load(const CheckpointPlace& place);
  Result<std::vector<std::string>> load_one(const CheckpointPlace& place, const Manifest& manifest);

  EngineConfig config;
  SignalSink& sink;
  NoIndicators no_indicators;
  NoServices no_services;
  NoFacts no_facts;
  NoModels no_models;
  NoCells no_cells;
  std::vector<std::unique_ptr<Detector>> routing_detectors;
  std::unique_ptr<Router> router;
  std::shared_ptr<const RuleSet> rules;
  std::vector<std::shared_ptr<const RuleSet>> kept_rules;  // signals point at their ids
  std::deque<std::pair<std::uint64_t, std::shared_ptr<const RuleSet>>> pending_rules;
  std::vector<std::unique_ptr<Worker>> workers;
  Done done;
  std::deque<std::shared_ptr<Chunk>> in_flight;
  std::shared_ptr<Chunk> spare;
  std::uint64_t position = 0, events_in = 0, signals_out = 0, queue_waits = 0;
  std::int64_t watermark_ms = 0;
  bool finished = false;
};

// ---- checkpoints ----

Result<SaveReport> Engine::Impl::save(const CheckpointPlace& place) {
  TRY(place.files.make_directories(place.directory));
  Manifest manifest;
  TRY_ASSIGN(manifest.generation, next_generation(place));
  manifest.position = position;
  manifest.watermark_ms = static_cast<std::uint64_t>(std::max<std::int64_t>(watermark_ms, 0));
  manifest.rules_digest = rules == nullptr ? "" : rules->digest();
  manifest.sealed = place.key != nullptr;
  manifest.parts.resize(config.shards);
  std::vector<Result<>> status(config.shards);
  on_every_shard([&](std::uint32_t i, Shard& shard) {
    PartWriter writer(place, manifest, i);
    const std::vector<Shard::Section> sections = shard.sections();
    for (std::size_t s = 0; s < sections.size(); ++s)
      writer.section(sections[s].name, sections[s].version, [&](StateWriter& out) { shard.save(s, out); });
    Result<PartInfo> info = writer.close();
    if (info.ok()) {
      manifest.parts[i] = info.value();
    } else {
      status[i] = info.error();
    }
  });
  SaveReport report{manifest.name(), position, 0};
  for (std::uint32_t i = 0; i < config.shards; ++i) {
    TRY(std::move(status[i]));
    report.bytes += manifest.parts[i].bytes;
  }
  TRY(commit_checkpoint(place, manifest));
  prune_checkpoints(place, 2);
  return report;
}

// Every shard reads the parts that may hold its keys: its own, or all when their number has changed.
Result<std::vector<std::string>> Engine::Impl::load_one(const CheckpointPlace& place, const Manifest& manifest) {
  std::vector<Result<>> status(config.shards);
  std::vector<std::vector<std::string>> empties(config.shards);
  const auto shards = static_cast<std::uint32_t>(config.shards);
  const bool same = manifest.parts.size() == shards;
  on_every_shard([&](std::uint32_t i, Shard& shard) {
    const auto load_part = [&](std::size_t part) -> Result<> {
      TRY_ASSIGN(const std::unique_ptr<PartReader> reader, PartReader::open(place, manifest, part));
      const std::vector<Shard::Section> known = shard.sections();
      while (true) {
        TRY_ASSIGN(const PartReader::Section section, reader->next_section());
        if (section.name.empty()) return {};
        const auto it = std::find_if(known.begin(), known.end(), [&](const auto& k) { return k.name == section.name; });
        const auto index = static_cast<std::size_t>(it - known.begin());
        if (it == known.end()) {
          empties[i].push_back(fmt::format("{}: not part of this engine, its state was dropped", section.name));
        } else if (it->version != section.version) {
          empties[i].push_back(fmt::format("{}: its state has version {}, this engine has {}", section.name,
                                           section.version, it->version));
        } else {
          StateReader in(*reader, {i, same ? 1 : shards});
          if (const Result<> loaded = shard.load(index, in); !loaded.ok()) return loaded.error();
        }
      }
    };
    for (std::size_t part = same ? i : 0; part < (same ? i + 1U : manifest.parts.size()); ++part)
      if (status[i].ok()) status[i] = load_part(part);
  });
  for (Result<>& s : status) TRY(std::move(s));
  return empties.front();
}

Result<LoadReport> Engine::Impl::load(const CheckpointPlace& place) {
  CHECK_MSG(position == 0, "load() needs a new engine");
  LoadReport report;
  TRY_ASSIGN(const std::vector<Manifest> manifests, list_checkpoints(place, report.refused));
  for (const Manifest& manifest : manifests) {
    Result<std::vector<std::string>> loaded = load_one(place, manifest);
    if (loaded.ok()) {
      report.started_empty = std::move(loaded).value();
      const std::string digest = rules == nullptr ? "" : rules->digest();
      if (manifest.rules_digest != digest) report.rules_changed = true;
      report.position = position = manifest.position;
      report.name = manifest.name();
      watermark_ms = static_cast<std::int64_t>(manifest.watermark_ms);
      return report;
    }
    report.refused.push_back(fmt::format("{}: {}", manifest.name(), loaded.error().text()));
    on_every_shard([](std::uint32_t, Shard& shard) {
      for (std::size_t s = 0; s < shard.sections().size(); ++s) shard.reset(s);
    });
  }
  return report;
}

// ---- Engine ----

Engine::Engine(EngineConfig config, SignalSink& sink) : impl_(std::make_unique<Impl>(std::move(config), sink)) {}
Engine::~Engine() = default;

void Engine::process(const model::EventBatch& batch) {
  if (impl_->config.shards == 1) return impl_->process(nullptr, batch.events);
  process(std::make_shared<const model::EventBatch>(batch));
}
void Engine::process(std::shared_ptr<const model::EventBatch> batch) {
  CHECK(!impl_->finished);
  impl_->process(batch, batch->events);
}
void Engine::drain() {
  impl_->collect(0);
}
void Engine::finish() {
  drain();
  impl_->finished = true;
  impl_->stop();
}

void Engine::set_rules(std::shared_ptr<const RuleSet> rules, std::uint64_t from_position) {
  auto& pending = impl_->pending_rules;
  CHECK_MSG(pending.empty() || from_position == 0 || pending.back().first <= from_position,
            "rule changes must not go back in position");
  const std::uint64_t from = std::max(from_position, impl_->position + 1);
  if (from_position == 0) pending.clear();
  impl_->kept_rules.push_back(rules);
  pending.emplace_back(from, std::move(rules));
}

void Engine::set_ports(Ports ports) {
  drain();
  impl_->fill_ports(ports);
  impl_->config.ports = ports;
  impl_->on_every_shard([&](std::uint32_t, Shard& shard) { shard.use(ports); });
}

std::uint64_t Engine::position() const {
  return impl_->position;
}

EngineStats Engine::stats() {
  EngineStats stats;
  stats.queue_chunks = impl_->in_flight.size();
  drain();
  stats.position = impl_->position;
  stats.events = impl_->events_in;
  stats.signals = impl_->signals_out;
  stats.queue_waits = impl_->queue_waits;
  for (const auto& worker : impl_->workers) worker->shard.add_to(stats);
  return stats;
}

Result<SaveReport> Engine::save(platform::FileSystem& files, const std::string& directory,
                                const platform::SealKey* key) {
  drain();
  return impl_->save(CheckpointPlace{files, directory, key});
}
Result<LoadReport> Engine::load(platform::FileSystem& files, const std::string& directory,
                                const platform::SealKey* key) {
  return impl_->load(CheckpointPlace{files, directory, key});
}

}  // namespace pandun::detect
