#include "server/intake.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "platform/thread.h"

namespace pandun::server {
namespace {

constexpr std::chrono::milliseconds kIdlePause{100};  // between two looks at files that gave nothing
constexpr std::chrono::seconds kIdleAfter{3};         // a stream silent for so long no longer holds the others back
constexpr std::chrono::seconds kLookForFiles{10};     // how often directories are looked through for new files
constexpr std::chrono::seconds kRetryAfter{5};

// The same record read twice gives the same fingerprint; ids of sources are stable, positions are not part of it.
std::uint64_t fingerprint(const model::Event& event) {
  return combine64(combine64(event.record, static_cast<std::uint64_t>(event.time.ms)), event.payload.index());
}

// "SCAN_FROM|the source's own words": where in the log to look for events of chunks behind the progress.
struct Progress {
  std::uint64_t scan_from = 0;
  std::string source;
};
Progress parse_progress(const std::string& text) {
  Progress out;
  const std::size_t bar = text.find('|');
  if (bar == std::string::npos) return out;
  std::from_chars(text.data(), text.data() + bar, out.scan_from);
  out.source = text.substr(bar + 1);
  return out;
}

}  // namespace

Intake::Intake(platform::FileSystem& files, platform::Clock& clock, eventlog::Log& log,
               const ingest::Numbering& numbering, IntakeOptions options)
    : files_(files),
      clock_(clock),
      log_(log),
      options_(std::move(options)),
      numbering_(numbering),
      positions_(log.last_position(), log.last_position() == 0 ? EventMs{INT64_MIN} : log.watermark()) {}

Intake::~Intake() = default;

Result<> Intake::open() {
  TRY_ASSIGN(ingest::Domains domains, ingest::Domains::open());
  normaliser_.emplace(numbering_, std::move(domains), ingest::NormaliserOptions{});
  TRY_ASSIGN(auto rejects, files_.open_append(options_.rejects_file));
  rejects_ = std::make_unique<ingest::RejectLog>(std::move(rejects));
  TRY(restore_names());
  TRY(look_back());
  open_inputs();
  if (options_.pushed) {
    TRY_ASSIGN(auto stream, options_.pushed(names_, resume_));
    TRY(store_names());
    add_lane(std::move(stream), {});
    lanes_.back()->figures.kind = "call_progress";
    lanes_.back()->last_data -= kIdleAfter;  // most sites push nothing: nobody waits for it
  }
  publish();
  return {};
}

Result<> Intake::restore_names() {
  const auto text = platform::read_file(files_, options_.names_file, 256U << 20);
  if (!text.ok()) {
    if (text.error().code == Errc::kNotFound) return {};
    return text.error();
  }
  for (std::size_t at = 0; at < text->size();) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    names_.id(std::string_view(*text).substr(at, end - at));
    at = end + 1;
  }
  names_stored_ = names_.size();
  publish_names();
  return {};
}

Result<> Intake::store_names() {
  if (names_.size() == names_stored_) return {};
  std::string text;
  for (std::uint32_t id = 0; id < names_.size(); ++id) text.append(names_.name(id)).append("\n");
  TRY(platform::replace_file(files_, options_.names_file, text));
  names_stored_ = names_.size();
  publish_names();
  return {};
}

Result<> Intake::look_back() {
  std::map<std::string, std::uint64_t, std::less<>>& from = look_back_from_;
  std::uint64_t first = UINT64_MAX;
  for (const eventlog::SourceProgress& stored : log_.progress()) {
    Progress progress = parse_progress(stored.progress);
    resume_[stored.source] = progress.source;
    if (progress.scan_from == 0) continue;
    from[stored.source] = progress.scan_from;
    first = std::min(first, progress.scan_from);
  }
  if (from.empty() || first > log_.last_position()) return {};
  TRY_ASSIGN(const auto reader, log_.read_from(std::max(first, log_.first_position())));
  eventlog::Record record;
  std::uint64_t position = 0;
  while (position < log_.last_position()) {
    TRY_ASSIGN(const bool more, reader->next(record, std::chrono::milliseconds(0)));
    if (!more) break;
    position = std::max(position + 1, record.last_position);
    for (const model::Event& event : record.batch.events) {
      const auto found = from.find(names_.name(event.source));
      if (found != from.end() && event.position >= found->second) ++in_log_[found->first][fingerprint(event)];
    }
  }
  return {};
}

void Intake::open_inputs() {
  for (const sources::Input& input : options_.inputs)
    if (auto opened = open_new_files(input); !opened.ok()) {
      StreamFigures failed{input.path, input.kind, "failed", opened.error().text(), 0, 0, {}};
      std::erase_if(running_.streams, [&](const StreamFigures& known) { return known.name == failed.name; });
      running_.streams.push_back(std::move(failed));
    }
}

Result<> Intake::open_new_files(const sources::Input& input) {
  TRY_ASSIGN(const auto paths, sources::input_files(files_, input));
  for (const std::string& path : paths) {
    if (open_paths_.contains(path)) continue;
    sources::Input one = input;
    one.path = path;
    TRY_ASSIGN(auto streams, sources::open_input(files_, one, names_, resume_));
    TRY(store_names());
    for (auto& stream : streams) add_lane(std::move(stream), one);
    open_paths_.insert(path);
    std::erase_if(running_.streams,
                  [&](const StreamFigures& known) { return known.name == input.path && known.state == "failed"; });
  }
  return {};
}

void Intake::add_lane(std::unique_ptr<sources::Stream> stream, const sources::Input& input) {
  auto lane = std::make_unique<Lane>();
  lane->input = input;
  lane->lane = orderer_.add_lane(stream->disorder());
  lane->figures = {stream->name(), input.kind, "waiting", {}, 0, 0, {}};
  lane->last_data = clock_.steady();
  if (const auto known = in_log_.find(stream->name()); known != in_log_.end()) lane->skip = std::move(known->second);
  if (const auto known = resume_.find(stream->name()); known != resume_.end()) lane->progress = known->second;
  if (const auto known = look_back_from_.find(stream->name()); known != look_back_from_.end())
    lane->look_back_from = known->second;
  lane->stream = std::move(stream);
  lanes_.push_back(std::move(lane));
}

// True: some of the batch stood in the log already.
bool Intake::drop_known(Lane& lane, model::EventBatch& batch) {
  if (lane.skip.empty()) return false;
  return 0 != std::erase_if(batch.events, [&](const model::Event& event) {
           const auto found = lane.skip.find(fingerprint(event));
           if (found == lane.skip.end()) return false;
           if (--found->second == 0) lane.skip.erase(found);
           ++running_.skipped_again;
           return true;
         });
}

// Reads one chunk into the orderer. True: the stream gave something.
bool Intake::read(Lane& lane) {
  if (lane.ended || clock_.steady() < lane.retry_at) return false;
  sources::Decoded decoded;
  if (auto got = lane.stream->next(options_.batch_events, decoded); !got.ok()) {
    lane.figures.state = "failed";
    lane.figures.message = got.error().text();
    lane.retry_at = clock_.steady() + kRetryAfter;
    return false;
  }
  lane.figures.records = lane.stream->counts().records;
  lane.figures.rejected = lane.stream->counts().rejected;
  const bool gave = !decoded.batch.events.empty() || !decoded.rejects.empty();
  if (gave || decoded.end) {
    lane.figures.state = decoded.end ? "ended" : "running";
    lane.figures.message.clear();
    lane.last_data = clock_.steady();
  }
  normaliser_->set_latest({clock_.wall().ms + options_.future_skew.count()});
  normaliser_->set_numbers_opaque(lane.stream->numbers_opaque());
  normaliser_->run(decoded.batch, decoded.rejects);
  note_rejects(decoded.rejects);
  const bool partly_known = drop_known(lane, decoded.batch);
  if (options_.watch && !decoded.batch.events.empty()) options_.watch(decoded.batch.events);

  const std::uint64_t id = next_chunk_++;
  chunks_[id] = {partly_known ? lane.look_back_from : 0, decoded.batch.events.size(), decoded.progress};
  lane.chunks.push_back(id);
  for (model::Event& event : decoded.batch.events) event.position = id;  // until it gets its place in the log
  if (!decoded.batch.events.empty()) lane.figures.last_event = decoded.batch.events.back().time;
  model::EventBatch out;
  if (lane.idle) {
    orderer_.set_idle(lane.lane, false, out);
    lane.idle = false;
  }
  orderer_.add(lane.lane, std::move(decoded.batch), out);
  lane.ended = decoded.end;
  if (lane.ended) orderer_.close(lane.lane, out);
  pending_.events.insert(pending_.events.end(), out.events.begin(), out.events.end());
  pending_.arenas.insert(pending_.arenas.end(), out.arenas.begin(), out.arenas.end());
  return gave;
}

void Intake::note_rejects(std::vector<model::Reject>& rejects) {
  for (const model::Reject& reject : rejects)
    if (auto kept = rejects_->add(reject, names_.name(reject.source)); !kept.ok())
      running_.log_fault = kept.error().text();
  running_.rejected += rejects.size();
  rejects.clear();
}

// Once the events stand in the log, their chunks need them no more, and progress may pass whole chunks.
void Intake::settle(const model::EventBatch& out) {
  for (std::size_t i = 0; i < out.events.size(); ++i) {
    Chunk& chunk = chunks_[tags_[i]];
    if (chunk.first_position == 0) chunk.first_position = out.events[i].position;
    --chunk.waiting;
    ++running_.by_kind[out.events[i].payload.index()];
  }
  running_.events += out.events.size();
}

std::vector<eventlog::SourceProgress> Intake::changed_progress() {
  std::vector<eventlog::SourceProgress> out;
  for (const auto& lane : lanes_) {
    bool moved = false;
    while (!lane->chunks.empty() && chunks_[lane->chunks.front()].waiting == 0) {
      const std::uint64_t id = lane->chunks.front();
      moved = moved || chunks_[id].progress != lane->progress;
      lane->progress = std::move(chunks_[id].progress);
      chunks_.erase(id);
      lane->chunks.pop_front();
    }
    std::uint64_t scan_from = positions_.last() + 1;
    bool partly =
        false;  // events behind the progress stand in the log: it must say so before they do, or a crash doubles them
    for (const std::uint64_t id : lane->chunks)
      if (const std::uint64_t first = chunks_[id].first_position; first != 0) {
        scan_from = std::min(scan_from, first);
        partly = true;
      }
    if (!moved && !partly) continue;
    std::string text = fmt::format("{}|{}", scan_from, lane->progress);
    if (text == lane->stored) continue;
    lane->stored = text;
    out.push_back({lane->stream->name(), std::move(text)});
  }
  return out;
}

Result<> Intake::deliver(model::EventBatch& out, std::stop_token stop) {
  tags_.clear();
  for (const model::Event& event : out.events) tags_.push_back(event.position);
  positions_.assign(out);
  settle(out);
  const std::vector<eventlog::SourceProgress> progress = changed_progress();
  if (out.events.empty() && progress.empty()) return {};
  TRY(rejects_->flush());
  while (true) {
    auto appended = log_.append(out, progress);
    if (appended.ok()) {
      running_.log_fault.clear();
      break;
    }
    running_.log_fault = appended.error().text();
    publish();
    if (!appended.error().retryable || !platform::pause(stop, std::chrono::seconds(1)))
      return std::move(appended).error();
  }
  out = {};
  if (!progress.empty())
    for (const auto& lane : lanes_) lane->stream->stored(lane->progress);
  return {};
}

void Intake::run(std::stop_token stop) {
  auto look_again = clock_.steady() + kLookForFiles;
  while (!stop.stop_requested()) {
    bool any = false;
    for (std::size_t i = 0; i < lanes_.size() && !stop.stop_requested(); ++i) {
      any = read(*lanes_[i]) || any;
      if (pending_.events.size() >= options_.batch_events * 4)
        if (auto delivered = deliver(pending_, stop); !delivered.ok()) return publish();
    }
    for (const auto& lane : lanes_)
      if (!lane->idle && clock_.steady() - lane->last_data > kIdleAfter) {
        lane->idle = true;
        if (lane->figures.state == "running") lane->figures.state = "waiting";
        orderer_.set_idle(lane->lane, true, pending_);
      }
    const bool quiet =
        std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->idle || lane->ended; });
    if (quiet && orderer_.held() != 0) orderer_.flush(pending_);  // nobody is left to wait for
    if (auto delivered = deliver(pending_, stop); !delivered.ok()) return publish();
    publish();
    if (clock_.steady() > look_again) {
      open_inputs();
      look_again = clock_.steady() + kLookForFiles;
    }
    if (!any) platform::pause(stop, kIdlePause);
  }
  // What is held for ordering is not flushed: its progress was never stored, so the next start reads it again, in order.
  publish();
}

void Intake::publish() {
  running_.late = orderer_.late();
  running_.held = orderer_.held();
  IntakeFigures now = running_;
  for (const auto& lane : lanes_)  // one that is pushed is nobody's concern before something was
    if (!lane->input.path.empty() || lane->figures.records != 0) now.streams.push_back(lane->figures);
  const std::scoped_lock lock(mutex_);
  published_ = std::move(now);
}

void Intake::publish_names() {
  const std::scoped_lock lock(mutex_);
  for (auto id = static_cast<std::uint32_t>(published_names_.size()); id < names_.size(); ++id)
    published_names_.emplace_back(names_.name(id));
}

std::string Intake::source_name(std::uint32_t id) const {
  const std::scoped_lock lock(mutex_);
  return id < published_names_.size() ? published_names_[id] : std::string();
}

IntakeFigures Intake::figures() const {
  const std::scoped_lock lock(mutex_);
  return published_;
}

}  // namespace pandun::server
