#include "eventlog/local/segment.h"

#include <charconv>

#include "platform/random.h"

namespace pandun::eventlog {
namespace {

constexpr std::string_view kPrefix = "segment-", kSuffix = ".log";
constexpr std::size_t kSequenceDigits = 10, kPositionDigits = 20;

std::string digits(std::uint64_t value, std::size_t width) {
  const std::string text = std::to_string(value);
  return std::string(text.size() < width ? width - text.size() : 0, '0') + text;
}

Result<> final(Result<> result) {
  if (result.ok()) return result;
  return error(Errc::kIo, result.error().where, result.error().message, false);
}

}  // namespace

bool parse_number(std::string_view text, std::uint64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

std::string segment_name(std::uint64_t sequence, std::uint64_t first_position) {
  return std::string(kPrefix) + digits(sequence, kSequenceDigits) + '-' + digits(first_position, kPositionDigits) +
         std::string(kSuffix);
}

bool parse_segment_name(std::string_view name, std::uint64_t& sequence, std::uint64_t& first_position) {
  if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) return false;
  name = name.substr(kPrefix.size(), name.size() - kPrefix.size() - kSuffix.size());
  const std::size_t dash = name.find('-');
  return dash == kSequenceDigits && name.size() == kSequenceDigits + 1 + kPositionDigits &&
         parse_number(name.substr(0, dash), sequence) && parse_number(name.substr(dash + 1), first_position);
}

Result<Segment> read_segment_header(platform::FileSystem& files, const std::string& path) {
  TRY_ASSIGN(const auto file, files.open_read(path));
  Segment out;
  out.path = path;
  out.header_bytes.resize(SegmentHeader::kBytes);
  TRY_ASSIGN(const std::size_t got, file->read_at(0, out.header_bytes.data(), SegmentHeader::kBytes));
  auto header = SegmentHeader::parse(std::string_view(out.header_bytes).substr(0, got));
  if (!header.ok()) return error(header.error().code, path + ":0", header.error().message);
  out.header = *header;
  TRY_ASSIGN(const auto info, file->info());
  out.limit = info.size;
  return out;
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::create(platform::FileSystem& files, platform::Clock& clock,
                                                             const platform::SealKey& key, const std::string& directory,
                                                             const Birth& birth) {
  Segment segment;
  SegmentHeader& h = segment.header;
  h.sequence = birth.sequence;
  h.first_position = birth.first_position;
  h.previous_bytes = birth.previous_bytes;
  h.watermark = birth.watermark;
  h.created_ms = clock.wall().ms;
  platform::random_bytes({reinterpret_cast<unsigned char*>(h.id.data()), h.id.size()});
  h.key_check = key_check(key, h.id);

  std::string snapshot;
  append_progress(snapshot, birth.progress);
  const auto bytes_of = [](const Outgoing& r) {
    return FrameHeader::kBytes + platform::kSealOverhead + r.clear.size();
  };
  const Outgoing first{snapshot, birth.first_position, 0, birth.watermark};
  h.born_bytes = SegmentHeader::kBytes + bytes_of(first);
  for (const Outgoing& record : birth.carried) h.born_bytes += bytes_of(record);
  segment.header_bytes = h.bytes();
  segment.path = platform::join(directory, segment_name(h.sequence, h.first_position));

  const std::string path = segment.path, aside = path + ".new";
  std::unique_ptr<SegmentWriter> out(new SegmentWriter(key, std::move(segment)));
  out->buffer_ = out->segment_.header_bytes;
  out->synced_ = h.born_bytes;
  out->frame(FrameKind::kSnapshot, first);
  for (const Outgoing& record : birth.carried) out->frame(FrameKind::kRecord, record);
  CHECK(out->buffer_.size() == out->segment_.header.born_bytes);
  auto file = files.create(aside);
  if (!file.ok()) return error(Errc::kIo, path, file.error().message, true);
  out->file_ = std::move(*file);
  if (auto written = out->file_->append(out->buffer_); !written.ok()) {
    (void)files.remove(aside);  // gives the space back; the next birth truncates it otherwise
    return error(Errc::kIo, path, written.error().message, true);
  }
  TRY(final(out->file_->sync()));
  TRY(final(files.rename(aside, path)));
  TRY(final(files.sync_directory(directory)));
  out->segment_.limit = out->buffer_.size();
  out->buffer_.clear();
  return out;
}

Result<std::unique_ptr<SegmentWriter>> SegmentWriter::resume(platform::FileSystem& files, const platform::SealKey& key,
                                                             Segment segment) {
  std::unique_ptr<SegmentWriter> out(new SegmentWriter(key, std::move(segment)));
  TRY_ASSIGN(out->file_, files.open_append(out->segment_.path));
  CHECK(out->untouched() && out->file_->size() == out->segment_.limit);
  out->synced_ = out->segment_.limit;
  return out;
}

void SegmentWriter::frame(FrameKind kind, const Outgoing& record) {
  FrameHeader header;
  header.kind = kind;
  header.first_position = record.first_position;
  header.watermark = record.watermark;
  header.events = record.events;
  header.synced = synced_;
  append_frame(buffer_, header, record.clear, key_, segment_.header_bytes, segment_.limit + buffer_.size());
}

std::unique_ptr<SegmentWriter::Failure> SegmentWriter::undo(Error why) {
  auto out = std::make_unique<Failure>();
  out->error = std::move(why);
  out->kept_nothing = file_->truncate(segment_.limit).ok();
  return out;
}

std::unique_ptr<SegmentWriter::Failure> SegmentWriter::append_group(std::span<const Outgoing> records, bool sync) {
  buffer_.clear();
  for (const Outgoing& record : records) frame(FrameKind::kRecord, record);
  if (auto written = file_->append(buffer_); !written.ok()) return undo(std::move(written).error());
  if (sync) {
    if (auto synced = file_->sync(); !synced.ok()) {
      auto out = std::make_unique<Failure>();
      out->error = std::move(synced).error();
      return out;
    }
    synced_ = segment_.limit + buffer_.size();
  }
  segment_.limit += buffer_.size();
  return {};
}

Result<> SegmentWriter::sync() {
  if (synced_ == segment_.limit) return {};
  TRY(file_->sync());
  synced_ = segment_.limit;
  return {};
}

void SegmentWriter::close_cleanly() {
  if (untouched() || !sync().ok()) return;
  buffer_.clear();
  frame(FrameKind::kEnd, {});
  // A failure here costs nothing that was promised: the next opening takes the longer way.
  if (file_->append(buffer_).ok()) (void)file_->sync();
}

}  // namespace pandun::eventlog
