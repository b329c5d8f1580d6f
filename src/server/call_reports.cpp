#include "server/call_reports.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pandun::server {
namespace {

constexpr std::string_view kSuffix = ".frames", kStreamName = "call_progress:api";

std::string file_name(std::uint32_t file) {
  return fmt::format("{:08}{}", file, kSuffix);
}

struct Place {
  std::uint32_t file = 0, frames = 0;
};
Place parse_place(std::string_view text) {
  Place out;
  const auto [colon, code] = std::from_chars(text.data(), text.data() + text.size(), out.file);
  if (code != std::errc() || colon == text.data() + text.size() || *colon != ':') return {};
  if (std::from_chars(colon + 1, text.data() + text.size(), out.frames).ec != std::errc()) return {};
  return out;
}

}  // namespace

std::string encode_call_reports(const std::vector<decide::CallReport>& reports) {
  decide::FrameText out;
  out.number(reports.size());
  for (const decide::CallReport& report : reports) {
    out.number(static_cast<std::uint64_t>(report.told.ms));
    out.number(static_cast<std::uint64_t>(static_cast<std::int64_t>(report.since_s) + 1));
    out.number(static_cast<std::uint64_t>(report.stage));
    out.number(report.international ? 1 : 0);
    for (const std::string* text : {&report.call, &report.caller, &report.callee, &report.route}) out.text(*text);
  }
  return std::string(out.bytes());
}

bool decode_call_reports(std::string_view bytes, std::vector<decide::CallReport>& out) {
  decide::FrameParse in(bytes);
  const std::uint64_t count = in.number();
  if (count > CallReports::kReportsMax) return false;
  const std::size_t before = out.size();
  for (std::uint64_t i = 0; i < count && !in.failed(); ++i) {
    decide::CallReport& report = out.emplace_back();
    report.told.ms = static_cast<std::int64_t>(in.number());
    const std::uint64_t since = in.number(), stage = in.number();
    report.since_s = since > INT32_MAX ? -1 : static_cast<std::int32_t>(static_cast<std::int64_t>(since) - 1);
    report.stage = static_cast<model::CallStage>(std::min<std::uint64_t>(stage, 2));
    report.international = in.number() != 0;
    for (std::string* text : {&report.call, &report.caller, &report.callee, &report.route}) *text = in.text();
  }
  if (!in.failed() && in.empty()) return true;
  out.resize(before);
  return false;
}

class CallReportStream final : public sources::Stream {
 public:
  CallReportStream(CallReports& reports, std::uint32_t source, std::string progress)
      : reports_(reports), source_(source), progress_(std::move(progress)) {}

  const std::string& name() const override { return name_; }
  std::uint32_t source() const override { return source_; }
  std::chrono::milliseconds disorder() const override { return std::chrono::seconds(10); }
  const sources::Counts& counts() const override { return counts_; }
  void stored(std::string_view progress) override { reports_.forget_before(parse_place(progress).file); }

  Result<> next(std::size_t events_max, sources::Decoded& out) override {
    while (out.batch.events.size() < events_max) {
      const auto frame = reports_.take();
      if (!frame) break;
      scratch_.clear();
      if (!decode_call_reports(frame->payload, scratch_)) ++counts_.unread;
      auto arena = std::make_shared<model::Arena>(std::max<std::size_t>(64, frame->payload.size()));
      std::uint64_t record = (std::uint64_t{frame->file} << 40) + (std::uint64_t{frame->number} << 10);
      for (const decide::CallReport& report : scratch_) add(report, ++record, *arena, out.batch);
      if (!scratch_.empty()) out.batch.arenas.push_back(std::move(arena));
      counts_.records += scratch_.size();
      counts_.bytes += frame->payload.size();
      progress_ = fmt::format("{}:{}", frame->file, frame->number);
    }
    out.progress = progress_;
    return {};
  }

 private:
  void add(const decide::CallReport& report, std::uint64_t record, model::Arena& arena,
           model::EventBatch& batch) const {
    model::Event& event = batch.events.emplace_back();
    event.time = report.told;
    event.source = source_;
    event.record = record;
    model::CallProgress progress;
    progress.caller_text = arena.copy(report.caller);
    progress.callee_text = arena.copy(report.callee);
    progress.call = arena.copy(report.call);
    progress.route = arena.copy(report.route);
    progress.since_s = report.since_s;
    progress.stage = report.stage;
    progress.international = report.international;
    event.payload = progress;
  }

  CallReports& reports_;
  const std::string name_{kStreamName};
  const std::uint32_t source_;
  std::string progress_;
  sources::Counts counts_;
  std::vector<decide::CallReport> scratch_;
};

CallReports::CallReports(platform::FileSystem& files, std::string directory, const platform::SealKey& key,
                         std::function<void(const Error&)> fault)
    : files_(files), directory_(std::move(directory)), key_(key.derive("call reports")), fault_(std::move(fault)) {}
CallReports::~CallReports() = default;

std::string CallReports::path(std::uint32_t file) const {
  return platform::join(directory_, file_name(file));
}

Result<std::unique_ptr<sources::Stream>> CallReports::open(sources::SourceNames& names,
                                                           const sources::ProgressByName& progress) {
  const auto known = progress.find(kStreamName);
  const std::string from = known == progress.end() ? std::string() : known->second;
  const Place place = parse_place(from);
  const std::scoped_lock lock(mutex_);
  file_ = place.file;
  if (files_.info(directory_).ok()) {
    TRY_ASSIGN(const auto found, files_.list(directory_));
    for (const std::string& name : found) {
      std::uint32_t file = 0;
      const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), file);
      if (code != std::errc() || std::string_view(end, name.data() + name.size()) != kSuffix) continue;
      if (file < place.file) {
        TRY(files_.remove(path(file)));
        continue;
      }
      if (auto read = read_file(file, file == place.file ? place.frames : 0); !read.ok()) fault_(read.error());
      file_ = std::max(file_, file);
    }
  }
  oldest_ = std::max(place.file, 1U);
  return std::unique_ptr<sources::Stream>(new CallReportStream(*this, names.id(kStreamName), from));
}

Result<> CallReports::read_file(std::uint32_t file, std::uint32_t behind) {
  TRY_ASSIGN(auto reader, decide::FrameReader::open(files_, path(file), key_, file_name(file)));
  for (std::uint32_t number = 1;; ++number) {
    TRY_ASSIGN(const auto head, reader.next());
    if (!head) return {};
    if (number <= behind) continue;
    TRY_ASSIGN(std::string payload, reader.payload());
    waiting_ += payload.size();
    frames_.push_back({file, number, std::move(payload)});
  }
}

Result<> CallReports::add(const std::vector<decide::CallReport>& reports) {
  std::string payload = encode_call_reports(reports);
  const std::scoped_lock lock(mutex_);
  if (waiting_ > kWaitingMax)
    return error(Errc::kUnavailable, "calls", "too many reports wait to be read; try again in a minute", true);
  if (!writer_ || writer_->size() > kFileMax) {
    writer_.reset();
    TRY(files_.make_directories(directory_));
    TRY_ASSIGN(auto writer, decide::FrameWriter::open(files_, path(file_ + 1), key_, file_name(file_ + 1)));
    ++file_;
    frame_ = 0;
    writer_.emplace(std::move(writer));
    TRY(files_.sync_directory(directory_));
  }
  auto done = writer_->append(payload, 0, 0, static_cast<std::uint32_t>(reports.size()));
  if (done.ok()) done = writer_->sync();
  if (!done.ok()) {
    writer_.reset();  // the next request begins another file
    return done;
  }
  waiting_ += payload.size();
  frames_.push_back({file_, ++frame_, std::move(payload)});
  return {};
}

std::optional<CallReports::Frame> CallReports::take() {
  const std::scoped_lock lock(mutex_);
  if (frames_.empty()) return std::nullopt;
  std::optional<Frame> out(std::move(frames_.front()));
  frames_.pop_front();
  waiting_ -= out->payload.size();
  return out;
}

void CallReports::forget_before(std::uint32_t file) {
  const std::scoped_lock lock(mutex_);
  for (; oldest_ < file; ++oldest_)
    if (auto gone = files_.remove(path(oldest_)); !gone.ok() && gone.error().code != Errc::kNotFound)
      fault_(gone.error());
}

std::uint64_t CallReports::waiting_bytes() const {
  const std::scoped_lock lock(mutex_);
  return waiting_;
}

}  // namespace pandun::server
