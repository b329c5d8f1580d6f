// Opening a log. Only the last segment is read; of the others, their headers.
//
// What proves that bytes had been on the disk: the segment's birth, a later frame that says so, or a consumer's commit.
// Damage in front of that is corruption; behind it, a tail that nobody was told of. Whole records of that tail are carried
// into a new segment and synced there, because what the disk really holds of them cannot be known.
#include <algorithm>

#include "eventlog/local/core.h"
#include "eventlog/local/segment_scan.h"

namespace pandun::eventlog {
namespace {

std::string place(const Segment& segment, std::uint64_t offset) {
  return segment.path + ":" + std::to_string(offset);
}

Error damaged(const Segment& segment, std::uint64_t offset, const std::string& what) {
  return error(
      Errc::kCorrupt, place(segment, offset),
      what + "; restore this file from a backup, or open with on_corruption = \"skip_and_count\" to go on without it");
}

// The last segment's tail, judged without its key.
struct Tail {
  std::uint64_t proven = 0;  // on the disk for certain up to here
  std::uint64_t torn = 0;    // frames are whole up to here, except where corruption stands in front of `proven`
  std::uint64_t size = 0;
};

Result<Tail> judge_tail(const platform::ReadableFile& file, const Segment& segment) {
  Tail out;
  out.size = segment.limit;
  out.proven = std::min(segment.header.born_bytes, out.size);
  std::vector<std::uint64_t> bad;
  SegmentScan scan(file, SegmentHeader::kBytes);
  Frame frame;
  while (true) {
    TRY_ASSIGN(const auto step, scan.next(out.size, frame));
    if (step == SegmentScan::Step::kEnd) break;
    if (step == SegmentScan::Step::kDamaged) {
      bad.push_back(scan.offset());
      TRY(scan.resync(out.size));
      continue;
    }
    if (frame.header.synced <= frame.offset) out.proven = std::max(out.proven, frame.header.synced);
  }
  const auto first_torn = std::lower_bound(bad.begin(), bad.end(), out.proven);
  out.torn = first_torn == bad.end() ? out.size : *first_torn;
  return out;
}

class Recovery {
 public:
  explicit Recovery(Core& core) : core_(core) {}

  Result<> run() {
    TRY(core_.files.make_directories(core_.options.directory));
    TRY(find_segments());
    TRY(find_consumers());
    if (core_.segments.empty()) return first_segment();
    next_ = core_.segments.back().header.first_position;
    core_.watermark = core_.segments.back().header.watermark;
    TRY(read_last());
    return start_writing();
  }

 private:
  Result<> find_segments();
  Result<> take_header(const std::string& path, std::uint64_t sequence, std::uint64_t first_position);
  Result<> chain();
  Result<> find_consumers();
  Result<> first_segment();
  Result<> read_last();
  Result<bool> apply(const Segment& segment, std::uint64_t limit, std::uint64_t carry_from);
  Result<> take_frame(const Segment& segment, const Frame& frame, std::uint64_t carry_from);
  Result<> earlier_progress();
  Result<> lost_tail(const Segment& segment);
  Result<> start_writing();
  // kStop: the error. kSkipAndCount: counted.
  Result<> loss(const Segment& segment, LostRange range, const std::string& what);

  Core& core_;
  std::uint64_t last_sequence_ = 0, committed_ = 0;
  std::uint64_t next_ = 1;               // position
  std::uint64_t beyond_unread_ = 0;      // positions that a segment with a damaged header may have used
  std::optional<std::uint64_t> damage_;  // offset of damage whose events are not counted yet
  Tail tail_;
  std::vector<std::string> carried_clear_;
  std::vector<Outgoing> carried_;
  std::int64_t proven_watermark_ = 0;
};

Result<> Recovery::loss(const Segment& segment, LostRange range, const std::string& what) {
  if (!core_.skipping()) return damaged(segment, range.offset, what);
  range.segment = platform::name_of(segment.path);
  core_.count_lost(segment.header.sequence, std::move(range));
  return {};
}

Result<> Recovery::find_segments() {
  TRY_ASSIGN(const auto names, core_.files.list(core_.options.directory));
  for (const std::string& name : names) {
    const std::string path = platform::join(core_.options.directory, name);
    std::uint64_t sequence = 0, first = 0;
    if (name.starts_with("segment-") && name.ends_with(".new")) (void)core_.files.remove(path);  // never got its name
    if (!parse_segment_name(name, sequence, first)) continue;
    last_sequence_ = std::max(last_sequence_, sequence);
    TRY(take_header(path, sequence, first));
  }
  return chain();
}

Result<> Recovery::take_header(const std::string& path, std::uint64_t sequence, std::uint64_t first_position) {
  auto segment = read_segment_header(core_.files, path);
  if (segment.ok() && (segment->header.sequence != sequence || segment->header.first_position != first_position))
    segment = error(Errc::kCorrupt, path + ":0", "its name does not fit its header");
  if (!segment.ok()) {
    if (segment.error().code != Errc::kCorrupt || !core_.skipping()) return std::move(segment).error();
    Segment unread;
    unread.path = path;
    unread.header.sequence = sequence;
    TRY_ASSIGN(const auto file, core_.files.open_read(path));
    TRY_ASSIGN(const auto info, file->info());
    SegmentScan scan(*file, 0);
    Frame frame;
    beyond_unread_ = std::max(beyond_unread_, first_position);
    while (scan.offset() < info.size) {
      TRY_ASSIGN(const auto step, scan.next(info.size, frame));
      if (step == SegmentScan::Step::kFrame) beyond_unread_ = std::max(beyond_unread_, frame.header.next_position());
      if (step == SegmentScan::Step::kDamaged) TRY(scan.resync(info.size));
    }
    return loss(unread, {{}, 0, info.size, first_position, 0}, segment.error().message);
  }
  if (segment->header.key_check != key_check(core_.key, segment->header.id))
    return error(Errc::kBadConfig, path, "was sealed with another key; give the key that this log was made with");
  core_.segments.push_back(std::move(*segment));
  return {};
}

// Each segment says how much of the one before it counts.
Result<> Recovery::chain() {
  for (std::size_t i = 0; i + 1 < core_.segments.size(); ++i) {
    Segment& segment = core_.segments[i];
    const SegmentHeader& behind = core_.segments[i + 1].header;
    if (behind.sequence != segment.header.sequence + 1) {
      if (!core_.skipping())
        return error(
            Errc::kCorrupt, core_.options.directory,
            "segment " + std::to_string(segment.header.sequence + 1) + " is missing; restore it from a backup");
      continue;  // readers meet the gap and count it
    }
    if (segment.limit < behind.previous_bytes) {
      if (!core_.skipping()) return damaged(segment, segment.limit, "the file ends before its last record");
      continue;
    }
    segment.limit = behind.previous_bytes;
  }
  return {};
}

Result<> Recovery::find_consumers() {
  auto consumers = read_consumers(core_.files, core_.consumers_path());
  if (!consumers.ok()) {
    if (consumers.error().code != Errc::kCorrupt || !core_.skipping()) return std::move(consumers).error();
    consumers = Consumers{};
  }
  core_.consumers = std::move(*consumers);
  for (const auto& [name, position] : core_.consumers) committed_ = std::max(committed_, position);
  for (const std::string& name : core_.options.consumers) {
    if (!consumer_name_ok(name)) return error(Errc::kBadConfig, name, "is no name for a consumer (a-z, 0-9, '_', '-')");
    core_.consumers.try_emplace(name, 0);
  }
  return {};
}

Result<> Recovery::first_segment() {
  if (committed_ != 0 && !core_.skipping())
    return error(Errc::kCorrupt, core_.options.directory,
                 "has no segments, yet consumers have taken events up to " + std::to_string(committed_) +
                     "; restore the directory from a backup");
  next_ = std::max(committed_ + 1, beyond_unread_);
  TRY(core_.files.sync_directory(platform::directory_of(core_.options.directory)));
  return start_writing();
}

Result<> Recovery::take_frame(const Segment& segment, const Frame& frame, std::uint64_t carry_from) {
  auto opened = open_frame(frame.header, frame.sealed, core_.key, segment.header_bytes, frame.offset);
  const LostRange range{{}, frame.offset, frame.header.frame_bytes(), frame.header.first_position, frame.header.events};
  if (!opened.ok()) return loss(segment, range, "the record there was changed or moved");
  std::string_view clear = *opened;
  if (frame.header.kind == FrameKind::kEnd) return {};
  auto sources = take_progress(clear);
  if (!sources.ok()) return loss(segment, range, sources.error().message);
  for (SourceProgress& p : *sources) core_.progress[p.source] = std::move(p.progress);
  if (frame.header.kind != FrameKind::kRecord) return {};
  if (&segment != &core_.segments.back()) return {};
  if (frame.header.first_position != next_ && !core_.skipping())
    return damaged(
        segment, frame.offset,
        "expected position " + std::to_string(next_) + ", found " + std::to_string(frame.header.first_position));
  if (frame.header.first_position > next_ && damage_)
    core_.count_lost(segment.header.sequence, {{}, *damage_, 0, next_, frame.header.first_position - next_});
  damage_.reset();
  next_ = std::max(next_, frame.header.next_position());
  core_.watermark = frame.header.watermark;
  if (frame.offset < carry_from) {
    proven_watermark_ = core_.watermark;
    return {};
  }
  carried_clear_.push_back(std::move(*opened));
  carried_.push_back({{}, frame.header.first_position, frame.header.events, frame.header.watermark});
  return {};
}

// Takes progress (and, of the last segment, positions) from its frames. False: its snapshot is damaged.
Result<bool> Recovery::apply(const Segment& segment, std::uint64_t limit, std::uint64_t carry_from) {
  TRY_ASSIGN(const auto file, core_.files.open_read(segment.path));
  SegmentScan scan(*file, SegmentHeader::kBytes);
  Frame frame;
  bool snapshot = false;
  while (scan.offset() < limit) {
    TRY_ASSIGN(const auto step, scan.next(limit, frame));
    if (step == SegmentScan::Step::kDamaged) {
      const std::uint64_t at = scan.offset();
      TRY(scan.resync(limit));
      TRY(loss(segment, {{}, at, scan.offset() - at, 0, 0}, "the record there fails its checksum"));
      if (!damage_) damage_ = at;
      continue;
    }
    if (frame.header.kind == FrameKind::kSnapshot) snapshot = true;
    TRY(take_frame(segment, frame, carry_from));
  }
  return snapshot;
}

// When the last segment's snapshot is damaged: progress since the newest one that is whole.
Result<> Recovery::earlier_progress() {
  std::size_t from = core_.segments.size() - 1;
  while (from > 0) {
    const Segment& segment = core_.segments[--from];
    TRY_ASSIGN(const bool snapshot, apply(segment, segment.limit, ~0ULL));
    if (snapshot) break;
  }
  for (++from; from + 1 < core_.segments.size(); ++from)
    TRY(apply(core_.segments[from], core_.segments[from].limit, ~0ULL));
  return {};
}

Result<> Recovery::read_last() {
  const Segment& last = core_.segments.back();
  {
    TRY_ASSIGN(const auto file, core_.files.open_read(last.path));
    TRY_ASSIGN(tail_, judge_tail(*file, last));
  }
  if (last.limit < last.header.born_bytes)
    TRY(loss(last, {{}, last.limit, 0, 0, 0}, "the file ends before what it was made with"));
  proven_watermark_ = core_.watermark;
  TRY_ASSIGN(const bool snapshot, apply(last, tail_.torn, tail_.proven));
  if (!snapshot) {
    // Older progress first, then this segment's once more on top of it.
    const std::map<std::string, std::string> newer = std::move(core_.progress);
    core_.progress.clear();
    TRY(earlier_progress());
    for (const auto& [source, text] : newer) core_.progress[source] = text;
  }
  core_.stats.repaired_bytes = tail_.size - tail_.torn;
  return lost_tail(last);
}

// Consumers have taken what is no longer there: it had been acknowledged, so it is no torn tail.
Result<> Recovery::lost_tail(const Segment& segment) {
  const std::uint64_t had = std::max(committed_ + 1, beyond_unread_);
  if (had <= next_) return {};
  TRY(loss(segment, {{}, tail_.torn, tail_.size - tail_.torn, next_, had - next_},
           "records up to position " + std::to_string(had - 1) + " had been taken by a consumer, and are gone"));
  next_ = had;
  return {};
}

Result<> Recovery::start_writing() {
  core_.last_position = next_ - 1;
  core_.staged_next = next_;
  const std::vector<SourceProgress> progress = core_.progress_list();
  if (!core_.segments.empty()) {
    Segment& last = core_.segments.back();
    const bool untouched = tail_.size == last.header.born_bytes && last.header.sequence == last_sequence_;
    if (untouched && carried_.empty() && last.header.first_position <= next_) {
      TRY_ASSIGN(core_.writer, SegmentWriter::resume(core_.files, core_.key, last));
      return {};
    }
    last.limit = tail_.proven;
  }
  for (std::size_t i = 0; i < carried_.size(); ++i) carried_[i].clear = carried_clear_[i];
  const std::uint64_t first = carried_.empty() ? next_ : carried_.front().first_position;
  TRY_ASSIGN(core_.writer,
             SegmentWriter::create(core_.files, core_.clock, core_.key, core_.options.directory,
                                   {last_sequence_ + 1, first, tail_.proven,
                                    carried_.empty() ? core_.watermark : proven_watermark_, progress, carried_}));
  core_.segments.push_back(core_.writer->segment());
  return {};
}

}  // namespace

Result<> recover(Core& core) {
  return Recovery(core).run();
}

}  // namespace pandun::eventlog
