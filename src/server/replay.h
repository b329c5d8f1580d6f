// Replay: recorded input through the same engine as the live platform, without the log. What `pandun replay` does.
//
// Output   alerts.jsonl, incidents.jsonl, rejects.jsonl, summary.json in `out`, as docs/replay.md says; alerts and incidents are
//          byte-identical for the same input, content and configuration, whatever `shards` and `batch_events` are. All
//          four are written aside and renamed at the end: an interrupted replay leaves the old result or none.
// Errors   kUsage (unknown kind), kNotFound, kBadConfig, kBadInput (a file of another kind), kIo.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/result.h"
#include "casework/identities.h"
#include "server/content.h"
#include "server/settings.h"

namespace pandun::server {

struct ReplayOptions {
  std::vector<std::string> inputs;  // "KIND:PATH", also "intel:PATH"
  std::string map_file;             // column map for CSV kinds
  std::string out;
  casework::IdentityForm identities = casework::IdentityForm::kMasked;
  std::string signals;   // also write each signal as it was made, before folding, here: when a thing was first seen
  std::string features;  // also write the rows that a model would be shown, here; needs shards = 1; empty: no
  std::uint32_t shards = 1;
  std::size_t batch_events = 4096;
  std::function<void(std::uint64_t events, double seconds)> progress;  // about twice a second; may be empty
};

struct ReplaySummary {
  std::map<std::string, std::uint64_t> events;  // by kind
  std::map<std::string, std::uint64_t> unread;  // records of log types that Pandun does not use
  std::uint64_t total = 0, rejected = 0, late = 0, alerts = 0, incidents = 0, bytes = 0, files = 0, state_bytes = 0;
  std::map<std::string, std::uint64_t> alerts_by_detector;
  double elapsed_s = 0, events_per_s = 0;
  std::uint64_t peak_rss_bytes = 0;
  std::uint32_t shards = 1;
  std::string content_digest;
  std::string to_json() const;
};

Result<ReplaySummary> replay(platform::FileSystem& files, const Settings& settings, const ReplayOptions& options);

}  // namespace pandun::server
