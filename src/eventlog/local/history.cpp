#include "eventlog/local/history.h"

#include "eventlog/local/core.h"
#include "eventlog/local/segment_scan.h"

namespace pandun::eventlog {
namespace {

// Takes what is whole of the last segment: behind it stands what a writer is putting there just now.
Result<> measure_last(Core& core) {
  Segment& last = core.segments.back();
  core.last_position = last.header.first_position - 1;
  core.watermark = last.header.watermark;
  TRY_ASSIGN(const auto file, core.files.open_read(last.path));
  SegmentScan scan(*file, SegmentHeader::kBytes);
  Frame frame;
  std::uint64_t whole = SegmentHeader::kBytes;
  while (true) {
    TRY_ASSIGN(const auto step, scan.next(last.limit, frame));
    if (step == SegmentScan::Step::kEnd) break;
    if (step == SegmentScan::Step::kDamaged) {
      TRY(scan.resync(last.limit));
      continue;
    }
    whole = frame.end();
    if (frame.header.kind != FrameKind::kRecord || frame.header.events == 0) continue;
    core.last_position = std::max(core.last_position, frame.header.next_position() - 1);
    core.watermark = frame.header.watermark;
  }
  last.limit = whole;
  return {};
}

Result<> find_segments(Core& core) {
  TRY_ASSIGN(const auto names, core.files.list(core.options.directory));
  for (const std::string& name : names) {
    std::uint64_t sequence = 0, first = 0;
    if (!parse_segment_name(name, sequence, first)) continue;
    auto segment = read_segment_header(core.files, platform::join(core.options.directory, name));
    if (!segment.ok() && segment.error().code == Errc::kNotFound) continue;  // retired while we looked
    if (!segment.ok()) return std::move(segment).error();
    if (segment->header.key_check != key_check(core.key, segment->header.id))
      return error(Errc::kBadConfig, segment->path,
                   "was sealed with another key; give the key that this log was made with");
    core.segments.push_back(std::move(*segment));
  }
  if (core.segments.empty())
    return error(Errc::kNotFound, core.options.directory, "holds no event log: nothing was recorded here yet");
  for (std::size_t i = 0; i + 1 < core.segments.size(); ++i) {
    const SegmentHeader& behind = core.segments[i + 1].header;
    if (behind.sequence != core.segments[i].header.sequence + 1)
      return error(
          Errc::kCorrupt, core.options.directory,
          "segment " + std::to_string(core.segments[i].header.sequence + 1) + " is missing; restore it from a backup");
    core.segments[i].limit = std::min(core.segments[i].limit, behind.previous_bytes);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<LogHistory>> LogHistory::open(platform::FileSystem& files, platform::Clock& clock,
                                                     const platform::SealKey& key, const std::string& directory) {
  LocalLogOptions options;
  options.directory = directory;
  options.on_corruption = OnCorruption::kSkipAndCount;
  auto core = std::make_shared<Core>(files, clock, key, std::move(options));
  TRY(find_segments(*core));
  TRY(measure_last(*core));
  core->closed = true;  // readers end where it ends
  return std::unique_ptr<LogHistory>(new LogHistory(std::move(core)));
}

std::uint64_t LogHistory::first_position() const {
  return core_->segments.front().header.first_position;
}
std::uint64_t LogHistory::last_position() const {
  return core_->last_position;
}

EventMs LogHistory::watermark() const {
  return {core_->watermark};
}

std::uint64_t LogHistory::position_before(EventMs time) const {
  std::uint64_t position = first_position();
  for (const Segment& segment : core_->segments)
    if (segment.header.watermark < time.ms) position = segment.header.first_position;
  return position;
}

std::uint64_t LogHistory::lost_events() const {
  const std::scoped_lock lock(core_->mutex);
  return core_->stats.lost_events;
}

Result<std::unique_ptr<Reader>> LogHistory::read_from(std::uint64_t position) const {
  return make_reader(core_, position);
}

}  // namespace pandun::eventlog
