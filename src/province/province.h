// The province simulator: a seeded province of people, machines and attackers, as the records that carriers and probes
// would write.
//
// Same     seed and configuration give the same bytes, whatever the step; the distributions and their sources:
// docs/simulator.md. Order    each feed's lines are in event-time order (an unanswered or answered call stands at its
// start, a flow at its start). Memory   some 60 bytes a number and the current slice of minutes; never the whole day.
// Truth    what was planted is known from the start; truth lines are given when the planted thing first shows itself.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/file_system.h"
#include "province/scenario.h"

namespace pandun::province {

enum class Feed : std::uint8_t { kCalls, kMessages, kConn, kDns, kHttp, kSsl, kTruth, kOpenings, kCellReports };
inline constexpr std::size_t kFeeds = 9;
std::string_view file_name(Feed feed);  // "calls.csv", "messages.csv", "conn.log", …, "truth.jsonl"
std::string_view source_kind(
    Feed feed);  // "calls", "messages", "openings", "cell_reports", "zeek"; "" for truth: for an INPUT "KIND:PATH"

struct Config {
  std::uint64_t seed = 1;
  std::uint32_t numbers = 20'000;
  EventMs start{1'767'571'200'000};  // 2026-01-05T00:00:00Z, 08:00 on a Monday in China
  double hours = 24;  // plants are spread over these; a live feed goes on with the population and new plants
  Scenario scenario;
};

class LineSink {
 public:
  virtual ~LineSink() = default;
  // Whole lines, each with its line end.
  virtual void lines(Feed feed, std::string_view text) = 0;
};

class Province {
 public:
  explicit Province(const Config& config);
  ~Province();
  Province(Province&&) noexcept;
  Province& operator=(Province&&) noexcept;

  // The lines that must open a file of this feed (CSV header, Zeek's #separator … #types).
  std::string header(Feed feed) const;
  // Everything with now() <= event time < until, in order; then now() == until. `until` may be any step.
  void next(EventMs until, LineSink& sink);
  EventMs now() const;

  struct Counts {
    std::uint64_t calls = 0, messages = 0, conn = 0, dns = 0, http = 0, ssl = 0, planted = 0, openings = 0,
                  cell_reports = 0;
  };
  const Counts& counts() const;
  std::string describe() const;  // province.toml: what was made

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// `simulate`: writes calls.csv, messages.csv, openings.csv, cell_reports.csv, conn.log, dns.log, http.log, ssl.log, truth.jsonl
// and province.toml into `directory` (made if needed). `progress` (may be empty) hears the share done, 0..1. kIo.
Result<Province::Counts> write_files(platform::FileSystem& files, const std::string& directory, const Config& config,
                                     const std::function<void(double)>& progress);

// The live feed: appends what happened since the last call to DIR/<file name>, which the sources tail. A new file opens
// with its header; a file of an earlier run is gone on with. Pace: the caller decides how far event time moves.
class LiveFeed {
 public:
  static Result<std::unique_ptr<LiveFeed>> open(platform::FileSystem& files, const std::string& directory,
                                                const Config& config);
  virtual ~LiveFeed() = default;
  // Call it about once a second of wall time with `until` = start + elapsed × speed-up.
  virtual Result<> run_until(EventMs until) = 0;
  virtual EventMs now() const = 0;
  virtual const Province::Counts& counts() const = 0;
};

}  // namespace pandun::province
