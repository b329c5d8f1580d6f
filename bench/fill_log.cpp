// Puts N events behind the checkpoint of a data directory that no server uses now: what a `kill -9` long after the last checkpoint leaves.
//   fill_log DATA_DIRECTORY EVENTS
#include <fmt/format.h>

#include <cstdlib>

#include "bench/synthetic_calls.h"
#include "eventlog/local/local_log.h"
#include "server/data_layout.h"

namespace {

using namespace pandun;

Result<> run(const std::string& data, std::uint64_t events) {
  auto& files = platform::posix_files();
  TRY_ASSIGN(const platform::SealKey key, platform::load_or_create_key(files, server::key_path(data)));
  eventlog::LocalLogOptions options;
  options.directory = server::log_directory(data);
  options.sync = eventlog::SyncPolicy::kNever;
  TRY_ASSIGN(const auto log,
             eventlog::open_local_log(files, platform::system_clock(), key.derive("eventlog"), options));
  const std::uint64_t first = log->last_position();
  model::EventBatch batch;
  for (std::uint64_t i = 1; i <= events; ++i) {
    batch.events.push_back(
        bench::call(first + i, EventMs{1'767'571'200'000 + static_cast<std::int64_t>(i * 86'400'000 / events)},
                    mix64(i) % 2'000'000, mix64(mix64(i) % 2'000'000) % 2'000'000, static_cast<std::int32_t>(i % 300)));
    if (batch.events.size() == 4096 || i == events) {
      TRY(log->append(batch, {}));
      batch.events.clear();
    }
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: fill_log DATA_DIRECTORY EVENTS\n");
    return 2;
  }
  const auto done = run(argv[1], std::strtoull(argv[2], nullptr, 10));
  if (!done.ok()) fmt::print(stderr, "{}\n", done.error().text());
  return done.ok() ? 0 : 6;
}
