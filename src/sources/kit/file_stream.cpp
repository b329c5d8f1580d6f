#include "sources/kit/file_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "sources/kit/record.h"

namespace pandun::sources {
namespace {

constexpr std::size_t kDoneKept = 8;          // finished files remembered, so that none is read twice
constexpr std::size_t kLinesMax = 64 * 1024;  // a batch of a log that gives no events ends too
constexpr std::string_view kStandardInput = "-";

std::optional<std::uint64_t> take_number(std::string_view& text, int base = 10) {
  while (text.starts_with(' ')) text.remove_prefix(1);
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

}  // namespace

struct FileStream::Mark {
  std::uint64_t inode = 0, offset = 0, record = 0;
  bool damaged = false;
  HeadMark head;
  std::vector<HeadMark> done;
  std::string_view state;

  static std::optional<Mark> parse(std::string_view text) {
    const std::size_t line_end = text.find('\n');
    if (!text.starts_with("v1 ") || line_end == std::string_view::npos) return std::nullopt;
    Mark mark;
    mark.state = text.substr(line_end + 1);
    std::string_view line = text.substr(3, line_end - 3);
    const auto inode = take_number(line), offset = take_number(line), record = take_number(line),
               flags = take_number(line);
    if (!inode || !offset || !record || !flags) return std::nullopt;
    std::vector<HeadMark> heads;
    while (!line.empty()) {
      const auto bytes = take_number(line), hash = take_number(line, 16);
      if (!bytes || !hash || *bytes > kHeadBytes) return std::nullopt;
      heads.push_back({*bytes, *hash});
    }
    if (heads.empty()) return std::nullopt;
    mark.inode = *inode;
    mark.offset = *offset;
    mark.record = *record;
    mark.damaged = (*flags & 1) != 0;
    mark.head = heads.front();
    mark.done.assign(heads.begin() + 1, heads.end());
    return mark;
  }
};

std::string FileStream::progress() const {
  const std::string_view head = std::string_view(reader_.head()).substr(0, safe_offset_);
  const HeadMark mark = mark_of(head);
  std::string out = fmt::format("v1 {} {} {} {} {} {:x}", inode_, safe_offset_, safe_record_, damaged_ ? 1 : 0,
                                mark.bytes, mark.hash);
  for (const HeadMark& done : done_) fmt::format_to(std::back_inserter(out), " {} {:x}", done.bytes, done.hash);
  out += '\n';
  out += decoder_->state();
  return out;
}

FileStream::FileStream(platform::FileSystem& files, FileStreamOptions options, std::unique_ptr<LineDecoder> decoder)
    : files_(files),
      options_(std::move(options)),
      decoder_(std::move(decoder)),
      reader_(options_.line_bytes_max, options_.block_bytes) {}

Result<std::unique_ptr<FileStream>> FileStream::open(platform::FileSystem& files, FileStreamOptions options,
                                                     std::unique_ptr<LineDecoder> decoder, std::string_view progress) {
  const std::string path = options.path;
  const bool must_be_there = !options.follow && path != kStandardInput;
  std::unique_ptr<FileStream> stream(new FileStream(files, std::move(options), std::move(decoder)));
  stream->last_progress_ = progress;
  if (must_be_there) {
    TRY_ASSIGN(const auto info, files.info(path));
    if (info.directory) return error(Errc::kBadInput, path, "is a directory");
  }
  return stream;
}

Result<> FileStream::start() {
  const auto mark = options_.path == kStandardInput ? std::nullopt : Mark::parse(last_progress_);
  if (mark) {
    done_ = mark->done;
    TRY(resume(*mark));
  } else {
    TRY(open_live());
  }
  started_ = true;
  return {};
}

Result<> FileStream::open_live() {
  const Next whole{options_.path, 0, 0, true};
  TRY_ASSIGN(const bool there, open_file(whole));
  if (!there && !options_.follow) return error(Errc::kNotFound, options_.path, "there is no such file");
  if (!there) {
    queue_.push_back(whole);
    waiting_ = true;
  }
  return {};
}

// Opens one file of the queue; false if it is not there, or shorter than where reading should go on.
Result<bool> FileStream::open_file(const Next& next) {
  std::unique_ptr<platform::InputFile> file;
  if (next.path == kStandardInput) {
    file = platform::InputFile::standard_input();
  } else {
    auto opened = platform::InputFile::open(files_, next.path);
    if (!opened && opened.error().code == Errc::kNotFound) return false;
    TRY_ASSIGN(file, std::move(opened));
  }
  TRY_ASSIGN(const auto info, file->info());
  if (info.directory) return error(Errc::kBadInput, next.path, "is a directory");
  std::string head;
  if (next.offset > 0) {
    TRY_ASSIGN(const bool reached, file->skip_to(next.offset));
    if (!reached) return false;
    TRY_ASSIGN(head, read_head(files_, next.path, std::min<std::uint64_t>(next.offset, kHeadBytes)));
  }
  reader_.attach(std::move(file), std::move(head));
  path_ = next.path;
  live_ = next.live;
  inode_ = info.inode;
  record_ = safe_record_ = next.record;
  safe_offset_ = next.offset;
  damaged_ = idle_ = waiting_ = false;
  return true;
}

Result<> FileStream::resume(const Mark& mark) {
  const Next here{options_.path, mark.offset, mark.record, true};
  const auto info = files_.info(options_.path);
  if (!info && info.error().code != Errc::kNotFound) return info.error();
  bool found = false;
  if (info.ok() && (info->inode == mark.inode || !options_.follow)) {
    TRY_ASSIGN(found, begins_with(files_, options_.path, mark.head));
    if (found) {
      TRY_ASSIGN(found, open_file(here));
    }
  }
  if (!found && options_.follow) {
    TRY_ASSIGN(found, resume_elsewhere(mark));
  }
  if (found) {
    damaged_ = mark.damaged;
    if (!decoder_->restore(mark.state))
      lost_ = "the stored header of this file is damaged; its records are read without it";
    return {};
  }
  if (options_.follow && mark.offset > 0)
    lost_ =
        fmt::format("the file that was read up to byte {} (record {}) is gone; what it held behind that was not read",
                    mark.offset, mark.record);
  return open_live();
}

// Where a file that stood under the live name is now.
Result<std::optional<Sibling>> FileStream::find_rotated(const HeadMark& head, std::uint64_t inode) {
  TRY_ASSIGN(const auto all, siblings(files_, options_.path));
  std::optional<Sibling> found;
  for (const Sibling& sibling : all) {
    TRY_ASSIGN(const std::string own, read_head(files_, sibling.path, kHeadBytes));
    const bool begins = head.bytes > 0 && mark_of(std::string_view(own).substr(0, head.bytes)) == head;
    const bool same_file = sibling.inode == inode && (begins || head.bytes == 0);
    // A short beginning, as a header alone, may fit several: the oldest that was not read.
    if (same_file || (begins && !found && !was_read(own))) found = sibling;
    if (same_file) break;
  }
  return found;
}

// The file was rotated while nobody read: its rest first, then what came after it, then the live one.
Result<bool> FileStream::resume_elsewhere(const Mark& mark) {
  TRY_ASSIGN(const auto found, find_rotated(mark.head, mark.inode));
  if (!found) return false;
  TRY_ASSIGN(const bool reached, open_file({found->path, mark.offset, mark.record, false}));
  if (!reached) return false;
  TRY(queue_newer(found->modified_ms, found->path));
  return true;
}

bool FileStream::was_read(std::string_view head) const {
  for (const HeadMark& done : done_) {
    const bool whole_file = done.bytes < kHeadBytes;
    if (whole_file ? mark_of(head) == done : mark_of(head.substr(0, done.bytes)) == done) return true;
  }
  return head.empty();
}

// Rotated files that were last written after `modified_ms` and were never read, then the live one.
Result<> FileStream::queue_newer(std::int64_t modified_ms, const std::string& not_this) {
  const auto live = files_.info(options_.path);
  const HeadMark mine = mark_of(reader_.head());
  TRY_ASSIGN(const auto all, siblings(files_, options_.path));
  for (const Sibling& sibling : all) {
    if (sibling.modified_ms < modified_ms || sibling.path == not_this || sibling.inode == inode_) continue;
    if (live.ok() && live->inode == sibling.inode) continue;
    TRY_ASSIGN(const std::string head, read_head(files_, sibling.path, kHeadBytes));
    const bool this_one = mine.bytes > 0 && mark_of(std::string_view(head).substr(0, mine.bytes)) == mine;
    if (!this_one && !was_read(head)) queue_.push_back({sibling.path, 0, 0, false});
  }
  queue_.push_back({options_.path, 0, 0, true});
  return {};
}

void FileStream::note_safe() {
  safe_offset_ = reader_.next_offset();
  safe_record_ = record_;
}

void FileStream::decode(const Line& line, DecodeSink& sink) {
  std::string_view text = line.text;
  if (line.maybe_nul && text.find('\0') != std::string_view::npos) {
    ++counts_.records;
    reject(sink, record_, model::RejectReason::kBinary, "the line holds NUL bytes: not a text file, or damaged", text);
    return;
  }
  if (line.maybe_not_ascii && !decoder_->wants_raw_text() && !valid_utf8(text)) {
    scratch_.clear();
    repair_utf8(text, scratch_);
    const std::size_t size = scratch_.size();
    scratch_.append(kLinePadding, '\0');
    text = std::string_view(scratch_).substr(0, size);
    ++counts_.repaired;
  }
  decoder_->line(text, record_, sink);
}

void FileStream::take(LineReader::Got got, const Line& line, DecodeSink& sink) {
  ++record_;
  if (got == LineReader::Got::kTooLong) {
    ++counts_.records;
    reject(sink, record_, model::RejectReason::kTooLong,
           fmt::format("longer than {} bytes, from byte {} on", options_.line_bytes_max, reader_.line_offset()),
           line.text);
  } else {
    decode(line, sink);
  }
  if (!decoder_->pending()) note_safe();
}

// What is left of the file being read: its last line without a line end, the record still open, the decoder's header.
void FileStream::finish_file(DecodeSink& sink) {
  Line line;
  if (reader_.file().damage().empty()) {
    const auto got = reader_.rest(line);
    if (got != LineReader::Got::kNothing) take(got, line, sink);
  } else if (!damaged_) {
    const auto got = reader_.rest(line);
    ++record_;
    ++counts_.records;
    reject(sink, record_, model::RejectReason::kTruncated, reader_.file().damage(),
           got == LineReader::Got::kNothing ? std::string_view() : line.text);
    damaged_ = true;
  }
  decoder_->end(sink);
  note_safe();
}

Result<FileStream::Step> FileStream::open_queued() {
  while (!queue_.empty()) {
    const Next next = queue_.front();
    TRY_ASSIGN(const bool there, open_file(next));
    waiting_ = !there && next.live;
    if (waiting_) return Step::kIdle;
    queue_.pop_front();
    if (there) return Step::kGoOn;
  }
  return Step::kEnd;
}

Result<FileStream::Step> FileStream::next_file(DecodeSink& sink) {
  finish_file(sink);
  if (!reader_.head().empty()) done_.push_back(mark_of(reader_.head()));
  if (done_.size() > kDoneKept) done_.erase(done_.begin());
  return open_queued();
}

// After a pause: is the live name still the file being read?
Result<FileStream::Step> FileStream::look_again(DecodeSink& sink) {
  idle_ = false;
  if (!live_) return Step::kGoOn;
  const auto info = files_.info(options_.path);
  if (!info && info.error().code == Errc::kNotFound) return Step::kGoOn;  // moved away, the next one not yet made
  if (!info) return info.error();
  TRY_ASSIGN(const auto mine, reader_.file().info());
  if (info->inode != inode_) {
    if (info->size == 0) return Step::kGoOn;  // the writer moves on only when it writes to the new file
    live_ = false;                            // drain what is left behind the old name first
    TRY(queue_newer(mine.modified_ms, path_));
    return Step::kGoOn;
  }
  const HeadMark head = mark_of(reader_.head());
  bool same = info->size >= reader_.file().offset();
  if (same) {
    TRY_ASSIGN(same, begins_with(files_, options_.path, head));
  }
  if (same) return Step::kGoOn;
  // Copied and truncated: what we had not read yet stands in the copy.
  TRY_ASSIGN(const auto copy, find_rotated(head, 0));
  const Next rest{copy ? copy->path : std::string(), safe_offset_, safe_record_, false};
  bool found = false;
  if (copy && head.bytes > 0) {
    TRY_ASSIGN(found, open_file(rest));
  }
  if (found) {
    TRY(queue_newer(copy->modified_ms, copy->path));
    return Step::kGoOn;
  }
  TRY(queue_newer(mine.modified_ms, {}));
  return next_file(sink);
}

// No whole line at present: the end, a pause, or another file.
Result<FileStream::Step> FileStream::at_end(DecodeSink& sink) {
  if (reader_.utf16()) {
    if (!damaged_) {
      ++counts_.records;
      reject(sink, ++record_, model::RejectReason::kEncoding,
             "the file is UTF-16; convert it first: iconv -f UTF-16 -t UTF-8", {});
      damaged_ = true;
    }
    return Step::kEnd;
  }
  if (!live_) {
    // The newest rotated file may still be written to until the live one has content.
    if (!queue_.empty() && queue_.front().live) {
      const auto live = files_.info(options_.path);
      idle_ = !live || live->size == 0;
      if (idle_) return Step::kIdle;
    }
    return next_file(sink);
  }
  const bool tail = options_.follow && options_.path != kStandardInput && !reader_.file().compressed() &&
                    reader_.file().damage().empty();
  if (!tail) {
    finish_file(sink);
    return Step::kEnd;
  }
  idle_ = true;
  return Step::kIdle;
}

Result<> FileStream::next(std::size_t events_max, Decoded& out) {
  if (!started_) TRY(start());
  auto arena = std::make_shared<model::Arena>(256 * 1024);
  out.batch.arenas.push_back(arena);  // before any event points into it, also when an error ends the batch early
  DecodeSink sink{&out.batch, arena.get(), &out.rejects, &counts_, options_.source};
  const std::size_t events_to = out.batch.events.size() + events_max, rejects_to = out.rejects.size() + events_max;
  if (!lost_.empty()) {
    ++counts_.records;
    reject(sink, 0, model::RejectReason::kTruncated, lost_, {});
    lost_.clear();
  }
  Step step = ended_ ? Step::kEnd : Step::kGoOn;
  if (!ended_ && waiting_) {
    TRY_ASSIGN(step, open_queued());
  } else if (!ended_ && idle_) {
    TRY_ASSIGN(step, look_again(sink));
  }
  Line line;
  for (std::size_t lines = 0; step == Step::kGoOn && lines < kLinesMax; ++lines) {
    if (out.batch.events.size() >= events_to || out.rejects.size() >= rejects_to) break;
    TRY_ASSIGN(const auto got, reader_.next(line));
    if (got != LineReader::Got::kNothing && !reader_.utf16()) {
      take(got, line, sink);
    } else {
      TRY_ASSIGN(step, at_end(sink));
    }
  }
  if (!ended_) {
    counts_.bytes = reader_.raw_bytes();
    last_progress_ = progress();
    ended_ = step == Step::kEnd;
    if (ended_) reader_ = LineReader();  // thousands of files may be open at once: give back the handle and the block
  }
  if (arena->bytes() == 0) out.batch.arenas.pop_back();
  out.progress = last_progress_;
  out.end = ended_;
  return {};
}

}  // namespace pandun::sources
