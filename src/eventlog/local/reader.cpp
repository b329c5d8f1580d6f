// Reads from disk up to what is durable, then waits for more.
#include <algorithm>

#include "eventlog/local/core.h"
#include "eventlog/local/segment_scan.h"
#include "model/event_codec.h"

namespace pandun::eventlog {
namespace {

class LocalReader final : public Reader {
 public:
  LocalReader(std::shared_ptr<Core> core, std::uint64_t position) : core_(std::move(core)), position_(position) {}

  Result<bool> next(Record& out, std::chrono::milliseconds wait) override;

 private:
  enum class Place : std::uint8_t { kBeforeRecord, kSegmentEnd, kLogEnd };
  Place locate();
  bool wait_for_more(std::chrono::milliseconds wait);
  Result<> enter_segment();
  Result<Segment> choose_segment(bool& retired);
  Result<bool> read(Record& out);
  Result<bool> take(const Frame& frame, Record& out);
  Result<> lost(std::uint64_t offset, std::uint64_t bytes, std::uint64_t events, const std::string& what);
  Result<> gap(std::uint64_t found);
  Error too_old() const;

  std::shared_ptr<Core> core_;
  std::uint64_t position_;  // of the next event to hand out
  Segment segment_;
  std::unique_ptr<platform::ReadableFile> file_;
  std::optional<SegmentScan> scan_;      // none before the first segment
  std::optional<std::uint64_t> damage_;  // offset of damage whose events are not known yet
};

Result<bool> LocalReader::next(Record& out, std::chrono::milliseconds wait) {
  bool waited = false;
  while (true) {
    switch (locate()) {
      case Place::kBeforeRecord: {
        TRY_ASSIGN(const bool handed_out, read(out));
        if (handed_out) return true;
        break;
      }
      case Place::kSegmentEnd:
        TRY(enter_segment());
        break;
      case Place::kLogEnd:
        if (waited || !wait_for_more(wait)) return false;
        waited = true;
        break;
    }
  }
}

LocalReader::Place LocalReader::locate() {
  if (!scan_) return Place::kSegmentEnd;
  const std::scoped_lock lock(core_->mutex);
  const auto& segments = core_->segments;
  // A segment that retention has taken is read on to the end that was known.
  for (auto it = segments.rbegin(); it != segments.rend(); ++it)
    if (it->header.sequence == segment_.header.sequence) segment_.limit = it->limit;
  if (scan_->offset() < segment_.limit) return Place::kBeforeRecord;
  return segments.back().header.sequence == segment_.header.sequence ? Place::kLogEnd : Place::kSegmentEnd;
}

bool LocalReader::wait_for_more(std::chrono::milliseconds wait) {
  std::unique_lock lock(core_->mutex);
  const auto more = [&] {
    const Segment& last = core_->segments.back();
    return last.header.sequence != segment_.header.sequence || scan_->offset() < last.limit;
  };
  core_->published.wait_for(lock, wait, [&] { return core_->closed || more(); });
  return more();
}

Error LocalReader::too_old() const {
  return error(Errc::kTooOld, core_->options.directory,
               "position " + std::to_string(position_) + " was taken by retention");
}

// The one behind the current; at the start, the one that holds position_.
Result<Segment> LocalReader::choose_segment(bool& retired) {
  const std::scoped_lock lock(core_->mutex);
  const auto& segments = core_->segments;
  retired = position_ < segments.front().header.first_position;
  if (scan_) {
    for (const Segment& segment : segments)
      if (segment.header.sequence > segment_.header.sequence) return segment;
  }
  const auto behind = std::find_if(segments.begin(), segments.end(),
                                   [&](const Segment& segment) { return segment.header.first_position > position_; });
  return behind == segments.begin() ? segments.front() : *std::prev(behind);
}

Result<> LocalReader::enter_segment() {
  bool retired = false;
  TRY_ASSIGN(Segment target, choose_segment(retired));
  if (retired) return too_old();
  if (position_ < target.header.first_position) TRY(gap(target.header.first_position));
  auto file = core_->files.open_read(target.path);
  if (!file.ok()) return file.error().code == Errc::kNotFound ? too_old() : std::move(file).error();
  scan_.reset();
  damage_.reset();
  segment_ = std::move(target);
  file_ = std::move(*file);
  scan_.emplace(*file_, SegmentHeader::kBytes);
  return {};
}

// kStop: the error. kSkipAndCount: counted.
Result<> LocalReader::lost(std::uint64_t offset, std::uint64_t bytes, std::uint64_t events, const std::string& what) {
  if (!core_->skipping())
    return error(Errc::kCorrupt, segment_.path + ":" + std::to_string(offset),
                 what + "; restore this file from a backup, or open with on_corruption = \"skip_and_count\"");
  core_->count_lost(segment_.header.sequence,
                    {platform::name_of(segment_.path), offset, bytes, events == 0 ? 0 : position_, events});
  return {};
}

Result<> LocalReader::gap(std::uint64_t found) {
  TRY(lost(damage_.value_or(scan_ ? scan_->offset() : 0), 0, found - position_,
           "events " + std::to_string(position_) + " to " + std::to_string(found - 1) + " are missing"));
  damage_.reset();
  position_ = found;
  return {};
}

Result<bool> LocalReader::read(Record& out) {
  Frame frame;
  TRY_ASSIGN(const auto step, scan_->next(segment_.limit, frame));
  if (step == SegmentScan::Step::kFrame) return take(frame, out);
  const std::uint64_t at = scan_->offset();
  TRY(lost(at, 0, 0, "the record there fails its checksum"));
  TRY(scan_->resync(segment_.limit));
  if (!damage_) damage_ = at;
  return false;
}

Result<bool> LocalReader::take(const Frame& frame, Record& out) {
  const FrameHeader& header = frame.header;
  if (header.kind != FrameKind::kRecord || header.next_position() <= position_) return false;
  if (header.first_position > position_) TRY(gap(header.first_position));

  auto opened = open_frame(header, frame.sealed, core_->key, segment_.header_bytes, frame.offset);
  std::string_view clear = opened.ok() ? std::string_view(*opened) : std::string_view();
  auto progress = take_progress(clear);
  if (opened.ok() && progress.ok() && model::decode(clear, out.batch).ok() &&
      out.batch.events.size() == header.events && out.batch.events.front().position == header.first_position) {
    auto& events = out.batch.events;
    events.erase(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(position_ - header.first_position));
    out.first_position = position_;
    out.last_position = header.next_position() - 1;
    out.progress = std::move(*progress);
    position_ = header.next_position();
    return true;
  }
  TRY(lost(frame.offset, header.frame_bytes(), header.next_position() - position_,
           "the record there was changed or moved"));
  position_ = header.next_position();
  return false;
}

}  // namespace

Result<std::unique_ptr<Reader>> make_reader(std::shared_ptr<Core> core, std::uint64_t position) {
  {
    const std::scoped_lock lock(core->mutex);
    const std::uint64_t first = core->segments.front().header.first_position;
    if (position == 0) position = first;
    if (position < first)
      return error(
          Errc::kTooOld, core->options.directory,
          "position " + std::to_string(position) + " was taken by retention; the oldest is " + std::to_string(first));
    if (position > core->last_position + 1)
      return error(
          Errc::kUsage, core->options.directory,
          "position " + std::to_string(position) + " is beyond the newest, " + std::to_string(core->last_position));
  }
  return std::unique_ptr<Reader>(std::make_unique<LocalReader>(std::move(core), position));
}

}  // namespace pandun::eventlog
