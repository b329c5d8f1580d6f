// Durable, acknowledged ingest through the local event log, beside the disk's own sequential write of as many bytes under the same
// sync policy, in the same run.
//   eventlog_bench DIRECTORY [EVENTS]      default 2,000,000
#include <fmt/format.h>

#include <cstdlib>

#include "bench/synthetic_calls.h"
#include "eventlog/local/local_log.h"
#include "platform/process.h"

namespace {

using namespace pandun;
constexpr std::size_t kBatch = 4096;

double seconds_since(std::chrono::nanoseconds start) {
  return std::chrono::duration<double>(platform::system_clock().steady() - start).count();
}

Result<double> append_all(const std::string& directory, std::uint64_t events) {
  auto& files = platform::posix_files();
  eventlog::LocalLogOptions options;
  options.directory = directory + "/log";
  TRY_ASSIGN(const auto log,
             eventlog::open_local_log(files, platform::system_clock(), platform::SealKey({1}), options));
  const auto start = platform::system_clock().steady();
  model::EventBatch batch;
  for (std::uint64_t i = 1; i <= events; ++i) {
    batch.events.push_back(bench::call(i, EventMs{1'767'571'200'000 + static_cast<std::int64_t>(i)},
                                       mix64(i) % 5'000'000, mix64(i + 1) % 5'000'000,
                                       static_cast<std::int32_t>(i % 300)));
    if (batch.events.size() == kBatch || i == events) {
      TRY(log->append(batch, {{"bench", std::to_string(i)}}));
      batch.events.clear();
    }
  }
  return seconds_since(start);
}

Result<double> write_raw(const std::string& directory, std::uint64_t bytes, std::uint64_t writes) {
  TRY_ASSIGN(const auto file, platform::posix_files().create(directory + "/raw"));
  std::string block(bytes / writes, '\0');
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<char>(mix64(i));
  const auto start = platform::system_clock().steady();
  for (std::uint64_t i = 0; i < writes; ++i) {
    TRY(file->append(block));
    TRY(file->sync());
  }
  return seconds_since(start);
}

Result<> run(const std::string& directory, std::uint64_t events) {
  auto& files = platform::posix_files();
  TRY(files.make_directories(directory));
  TRY_ASSIGN(const double log_s, append_all(directory, events));
  std::uint64_t bytes = 0;
  TRY_ASSIGN(const auto names, files.list(directory + "/log"));
  for (const std::string& name : names) {
    TRY_ASSIGN(const platform::FileInfo info, files.info(directory + "/log/" + name));
    bytes += info.size;
  }
  const std::uint64_t writes = (events + kBatch - 1) / kBatch;
  TRY_ASSIGN(const double raw_s, write_raw(directory, bytes, writes));
  const double mb = static_cast<double>(bytes) / 1e6;
  fmt::print(
      "{{\"events\":{},\"bytes\":{},\"log_s\":{:.3f},\"raw_s\":{:.3f},\"log_mb_s\":{:.1f},\"raw_mb_s\":{:.1f},"
      "\"ratio\":{:.3f},"
      "\"events_per_s\":{:.0f},\"batch\":{},\"bytes_per_event\":{:.1f}}}\n",
      events, bytes, log_s, raw_s, mb / log_s, mb / raw_s, raw_s / log_s, static_cast<double>(events) / log_s, kBatch,
      static_cast<double>(bytes) / static_cast<double>(events));
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: eventlog_bench DIRECTORY [EVENTS]\n");
    return 2;
  }
  const auto done = run(argv[1], argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2'000'000);
  if (!done.ok()) fmt::print(stderr, "{}\n", done.error().text());
  return done.ok() ? 0 : 6;
}
