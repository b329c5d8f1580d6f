#include "server/feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "platform/thread.h"

namespace pandun::server {
namespace {

constexpr std::chrono::hours kHeadStart{12};
constexpr std::int64_t kHourMs = 3'600'000;

// The same province every time this data directory is started: its first event time is kept.
Result<EventMs> kept_start(platform::FileSystem& files, platform::Clock& clock, const std::string& path) {
  const auto text = platform::read_file(files, path, 64);
  EventMs start;
  if (text.ok() && std::from_chars(text->data(), text->data() + text->size(), start.ms).ec == std::errc()) return start;
  start.ms = clock.wall().ms / kHourMs * kHourMs - std::chrono::milliseconds(kHeadStart).count();
  TRY(platform::replace_file(files, path, fmt::format("{}\n", start.ms)));
  return start;
}

}  // namespace

Result<std::unique_ptr<Feed>> Feed::open(platform::FileSystem& files, platform::Clock& clock,
                                         const std::string& directory, const province::Config& config, double speed) {
  TRY(files.make_directories(directory));
  province::Config kept = config;
  TRY_ASSIGN(kept.start, kept_start(files, clock, platform::join(directory, "start")));
  TRY_ASSIGN(auto feed, province::LiveFeed::open(files, directory, kept));
  return std::unique_ptr<Feed>(new Feed(clock, directory, std::move(feed), speed));
}

std::vector<sources::Input> Feed::inputs() const {
  std::vector<sources::Input> out;
  for (std::size_t i = 0; i < province::kFeeds; ++i) {
    const auto feed = static_cast<province::Feed>(i);
    const std::string_view kind = province::source_kind(feed);
    if (kind.empty()) continue;
    out.push_back({std::string(kind), platform::join(directory_, std::string(province::file_name(feed))), {}, true});
  }
  return out;
}

Result<> Feed::run(std::stop_token stop) {
  const EventMs from = feed_->now();
  const auto began = clock_.steady();
  while (!stop.stop_requested()) {
    const double elapsed_ms = std::chrono::duration<double, std::milli>(clock_.steady() - began).count() * speed_;
    const std::int64_t until = std::min(from.ms + static_cast<std::int64_t>(elapsed_ms), clock_.wall().ms);
    if (until > feed_->now().ms) TRY(feed_->run_until({until}));
    platform::pause(stop, std::chrono::milliseconds(250));
  }
  return {};
}

}  // namespace pandun::server
