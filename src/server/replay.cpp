#include "server/replay.h"

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <memory>
#include <optional>

#include "detectors/catalog.h"
#include "guard/json_writer.h"
#include "guard/number_tokens.h"
#include "ingest/ingest.h"
#include "ingest/rejects.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "platform/seal.h"
#include "server/detection.h"
#include "server/number_models.h"
#include "sources/kit/source.h"

namespace pandun::server {
namespace {

constexpr std::size_t kStreamsOpenMax = 200;  // beyond it a peeked file is closed and opened again at its turn

// Opaque numbers have no text in their key; a replay that shows identities in clear remembers what they were called.
class BookedIdentities final : public casework::Identities {
 public:
  BookedIdentities(const casework::Identities& plain, const ingest::OpaqueBook* book) : plain_(plain), book_(book) {}
  model::ShownEntity show(const model::Entity& entity, EventMs at) const override {
    model::ShownEntity shown = plain_.show(entity, at);
    if (book_ == nullptr || entity.kind != model::EntityKind::kNumber) return shown;
    if (const std::string_view text = book_->find(entity.number); !text.empty()) shown.value = text;
    return shown;
  }

 private:
  const casework::Identities& plain_;
  const ingest::OpaqueBook* book_;
};

// Folds signals into alerts, and writes each as it comes where that is asked for: an alert shows its widest picture, not when
// it was first raised.
class FoldingSink final : public detect::SignalSink {
 public:
  FoldingSink(casework::AlertFolder& folder, const casework::Identities& identities,
              std::unique_ptr<platform::WritableFile> lines)
      : folder_(folder), identities_(identities), lines_(std::move(lines)) {}
  void take(std::vector<model::Signal>&& signals, std::uint64_t /*done_position*/) override {
    for (const model::Signal& signal : signals) {
      folder_.add(signal);
      if (lines_ != nullptr) add_line(signal);
    }
    if (text_.size() > (1U << 20)) written_ = flush();
  }
  // The first error of any write.
  Result<> flush() {
    if (lines_ == nullptr || !written_.ok()) return std::move(written_);
    const std::string text = std::exchange(text_, {});
    return lines_->append(text);
  }

 private:
  void add_line(const model::Signal& signal) {
    const model::ShownEntity entity = identities_.show(signal.entity, signal.first);
    guard::JsonWriter json(text_);
    json.begin_object().field_integer("position", static_cast<std::int64_t>(signal.position));
    json.field("detector", signal.detector).field("kind", name(entity.kind)).field("entity", entity.value);
    json.field("first", rfc3339(signal.first)).field("last", rfc3339(signal.last));
    json.field_integer("severity", signal.severity).key("peers").begin_array();
    for (const model::Entity& peer : signal.peers) json.string(identities_.show(peer, signal.first).value);
    json.end_array().end_object();
    text_ += '\n';
  }
  casework::AlertFolder& folder_;
  const casework::Identities& identities_;
  std::unique_ptr<platform::WritableFile> lines_;
  std::string text_;
  Result<> written_;
};

// A recording may count from its own beginning (1970 on), as captures replayed through Zeek do; live records may not.
ingest::NormaliserOptions replay_times() {
  ingest::NormaliserOptions options;
  options.earliest = {0};
  return options;
}

// A file that is written aside and takes its name when everything is whole.
class Output {
 public:
  static Result<Output> create(platform::FileSystem& files, const std::string& directory, const char* name) {
    Output out(files, platform::join(directory, name));
    TRY_ASSIGN(out.file_, files.create(out.path_ + ".new"));
    return out;
  }
  Result<> write(std::string_view text) { return file_->append(text); }
  std::unique_ptr<platform::WritableFile> release() { return std::move(file_); }
  Result<> keep() {
    file_.reset();
    return files_->rename(path_ + ".new", path_);
  }

 private:
  Output(platform::FileSystem& files, std::string path) : files_(&files), path_(std::move(path)) {}
  platform::FileSystem* files_;
  std::string path_;
  std::unique_ptr<platform::WritableFile> file_;
};

class Replay {
 public:
  Replay(platform::FileSystem& files, const Settings& settings, const ReplayOptions& options)
      : files_(files), settings_(settings), options_(options) {}

  Result<ReplaySummary> run() {
    const auto started = platform::system_clock().steady();
    TRY(prepare());
    TRY(open_streams());
    TRY(drive(started));
    TRY(write_results());
    finish_summary(started);
    const std::string summary = summary_.to_json() + "\n";
    TRY(platform::replace_file(files_, platform::join(options_.out, "summary.json"), summary));
    return std::move(summary_);
  }

 private:
  Result<> prepare() {
    TRY_ASSIGN(content_, load_content(files_, settings_));
    TRY_ASSIGN(const platform::SealKey key, platform::load_or_create_key(files_, key_path()));
    tokens_ = std::make_unique<guard::NumberTokens>(key);
    notes_ = std::make_unique<PlanNotes>(content_->plan);
    plain_identities_ = std::make_unique<casework::TokenIdentities>(*tokens_, options_.identities, notes_.get());
    const bool clear = options_.identities == casework::IdentityForm::kClear;
    identities_ = std::make_unique<BookedIdentities>(*plain_identities_, clear ? &book_ : nullptr);
    lines_ = std::make_unique<NamedSourceLines>(names_);
    numbering_ = std::make_unique<PlanNumbering>(content_->plan,
                                                 static_cast<std::uint16_t>(settings_.integer("ingest.home_country")),
                                                 settings_.text("ingest.home_area"));
    TRY_ASSIGN(ingest::Domains domains, ingest::Domains::open());
    normaliser_ =
        std::make_unique<ingest::Normaliser>(*numbering_, std::move(domains), replay_times(), clear ? &book_ : nullptr);
    TRY(files_.make_directories(options_.out));
    TRY_ASSIGN(auto rejects, files_.create(platform::join(options_.out, "rejects.jsonl.new")));
    rejects_ = std::make_unique<ingest::RejectLog>(std::move(rejects));
    return prepare_engine();
  }

  std::string key_path() const {
    if (std::string set = settings_.text("guard.key_file"); !set.empty()) return set;
    return platform::join(platform::default_state_directory(), "keys/seal.key");
  }

  Result<> prepare_engine() {
    std::vector<std::string> lists;
    for (const std::string& input : options_.inputs)
      if (input.starts_with("intel:")) lists.push_back(input.substr(6));
    TRY_ASSIGN(auto matcher, read_indicators(files_, lists, *content_));
    indicators_ = std::make_unique<MatcherIndicators>(std::move(matcher));
    services_ = std::make_unique<WarningServices>(content_->services);
    numbers_ = std::make_unique<RegistryNumbers>(content_->plan, content_->groups,
                                                 static_cast<std::uint16_t>(settings_.integer("ingest.home_country")));

    cells_ = std::make_unique<RegistryCells>(content_->cells);

    detect::EngineConfig config;
    config.shards = options_.shards;
    config.numbers = number_options(settings_);
    TRY_ASSIGN(config.detectors, detector_parts(settings_));
    TRY_ASSIGN(config.rules, load_rules(files_, content_->directory));
    TRY_ASSIGN(models_, ShelfModels::open(files_, platform::system_clock(), settings_.text("models.directory"),
                                          settings_.text("models.threshold")));
    config.ports = {indicators_.get(), services_.get(), numbers_.get(), models_.get(), cells_.get()};
    if (!options_.features.empty()) {
      if (options_.shards != 1)
        return error(Errc::kUsage, "--features", "rows are written in the order of events: use --shards 1");
      TRY_ASSIGN(rows_, FeatureRows::create(files_, options_.features, *identities_,
                                            options_.identities == casework::IdentityForm::kClear));
      config.ports.models = rows_.get();
    }
    table_ = detector_table(config.detectors, config.rules.get());
    folder_ = std::make_unique<casework::AlertFolder>(table_, *identities_, *lines_);
    std::unique_ptr<platform::WritableFile> signals;
    if (!options_.signals.empty()) {
      TRY_ASSIGN(signals, files_.create(options_.signals));
    }
    sink_ = std::make_unique<FoldingSink>(*folder_, *identities_, std::move(signals));
    engine_ = std::make_unique<detect::Engine>(std::move(config), *sink_);
    return {};
  }

  struct Opened {
    std::unique_ptr<sources::Stream> stream;
    sources::Decoded peeked;
    sources::Input input;
    bool counted = false;
  };

  Result<> open_streams() {
    std::vector<ingest::MergeStream> merge;
    for (const std::string& text : options_.inputs) {
      if (text.starts_with("intel:")) continue;
      TRY_ASSIGN(sources::Input input, sources::parse_input(text));
      input.map_file = options_.map_file;
      TRY_ASSIGN(auto streams, sources::open_input(files_, input, names_));
      for (auto& stream : streams) TRY(add_stream(input, std::move(stream), merge));
    }
    merge_ = std::make_unique<ingest::Merge>(std::move(merge));
    return {};
  }

  // Reads far enough to know when the stream begins, so that the merge can open it at its turn.
  Result<> add_stream(const sources::Input& input, std::unique_ptr<sources::Stream> stream,
                      std::vector<ingest::MergeStream>& merge) {
    auto opened = std::make_shared<Opened>();
    opened->input = input;
    opened->stream = std::move(stream);
    ++summary_.files;
    while (opened->peeked.batch.events.empty() && !opened->peeked.end)
      TRY(opened->stream->next(options_.batch_events, opened->peeked));
    EventMs first{0};
    if (!opened->peeked.batch.events.empty()) {
      first = opened->peeked.batch.events.front().time;
      for (const model::Event& event : opened->peeked.batch.events) first = std::min(first, event.time);
    }
    const EventMs not_before = first - opened->stream->disorder();
    if (merge.size() >= kStreamsOpenMax && input.path != "-" && !opened->peeked.end) {
      opened->input.path = opened->stream->name();
      opened->peeked = {};
      opened->stream.reset();
    }
    merge.push_back({not_before, [this, opened] { return start(opened); }});
    return {};
  }

  Result<std::unique_ptr<ingest::MergeInput>> start(const std::shared_ptr<Opened>& opened) {
    if (opened->stream == nullptr) {
      TRY_ASSIGN(auto streams, sources::open_input(files_, opened->input, names_));
      if (streams.size() != 1) return error(Errc::kBadInput, opened->input.path, "changed while it was being replayed");
      opened->stream = std::move(streams.front());
    }
    auto pull = [this, opened](model::EventBatch& batch, std::vector<model::Reject>& rejects) -> Result<bool> {
      sources::Decoded decoded = std::move(opened->peeked);
      opened->peeked = {};
      if (decoded.batch.events.empty() && decoded.rejects.empty() && !decoded.end)
        TRY(opened->stream->next(options_.batch_events, decoded));
      batch = std::move(decoded.batch);
      rejects = std::move(decoded.rejects);
      if (decoded.end) count(*opened);
      return !decoded.end;
    };
    auto take = [this](std::vector<model::Reject>& rejects) {
      for (const model::Reject& reject : rejects)
        if (auto written = rejects_->add(reject, names_.name(reject.source)); !written.ok() && !failed_)
          failed_ = std::move(written).error();
      rejects.clear();
    };
    return std::unique_ptr<ingest::MergeInput>(
        std::make_unique<ingest::OrderedInput>(std::move(pull), *normaliser_, opened->stream->disorder(),
                                               std::move(take), summary_.late, opened->stream->numbers_opaque()));
  }

  void count(Opened& opened) {
    if (opened.counted) return;
    opened.counted = true;
    const sources::Counts& counts = opened.stream->counts();
    summary_.bytes += counts.bytes;
    for (const auto& [name, records] : counts.unread_by) summary_.unread[name] += records;
  }

  Result<> drive(std::chrono::nanoseconds started) {
    ingest::Positions positions;
    std::array<std::uint64_t, model::kEventKinds> kinds{};
    auto reported = started;
    while (true) {
      auto batch = std::make_shared<model::EventBatch>();
      TRY_ASSIGN(const bool more, merge_->next(options_.batch_events, *batch));
      positions.assign(*batch);
      for (const model::Event& event : batch->events) ++kinds[event.payload.index()];
      summary_.total += batch->events.size();
      engine_->process(std::shared_ptr<const model::EventBatch>(std::move(batch)));
      if (failed_) return *failed_;
      if (!more) break;
      if (const auto now = platform::system_clock().steady();
          options_.progress && now - reported > std::chrono::milliseconds(500)) {
        reported = now;
        options_.progress(summary_.total, std::chrono::duration<double>(now - started).count());
      }
    }
    engine_->drain();
    summary_.state_bytes = engine_->stats().state_bytes;
    engine_->finish();
    TRY(sink_->flush());
    if (rows_ != nullptr) TRY(rows_->finish());
    for (std::size_t kind = 0; kind < kinds.size(); ++kind)
      if (kinds[kind] != 0)
        summary_.events[std::string(model::name(static_cast<model::EventKind>(kind)))] = kinds[kind];
    return {};
  }

  Result<> write_results() {
    TRY_ASSIGN(Output alerts_file, Output::create(files_, options_.out, "alerts.jsonl"));
    TRY_ASSIGN(Output incidents_file, Output::create(files_, options_.out, "incidents.jsonl"));
    const std::vector<model::Alert> alerts = folder_->finish();
    std::string text;
    for (const model::Alert& alert : alerts) {
      ++summary_.alerts_by_detector[alert.detector];
      casework::append_json(text, alert);
      text += '\n';
      if (text.size() > (1U << 20)) {
        TRY(alerts_file.write(text));
        text.clear();
      }
    }
    TRY(alerts_file.write(text));
    text.clear();
    const std::vector<casework::Incident> incidents = casework::group_incidents(alerts, content_->grades, table_);
    for (const casework::Incident& incident : incidents) {
      casework::append_json(text, incident);
      text += '\n';
    }
    TRY(incidents_file.write(text));
    TRY(rejects_->finish());
    summary_.rejected = rejects_->count();
    rejects_.reset();
    TRY(alerts_file.keep());
    TRY(incidents_file.keep());
    TRY(files_.rename(platform::join(options_.out, "rejects.jsonl.new"),
                      platform::join(options_.out, "rejects.jsonl")));
    summary_.alerts = alerts.size();
    summary_.incidents = incidents.size();
    return {};
  }

  void finish_summary(std::chrono::nanoseconds started) {
    summary_.elapsed_s = std::chrono::duration<double>(platform::system_clock().steady() - started).count();
    summary_.events_per_s = summary_.elapsed_s > 0 ? static_cast<double>(summary_.total) / summary_.elapsed_s : 0;
    summary_.peak_rss_bytes = platform::peak_rss_bytes();
    summary_.shards = options_.shards;
    summary_.content_digest = content_->digest;
  }

  platform::FileSystem& files_;
  const Settings& settings_;
  const ReplayOptions& options_;
  ReplaySummary summary_;
  std::unique_ptr<Content> content_;
  std::unique_ptr<guard::NumberTokens> tokens_;
  std::unique_ptr<PlanNotes> notes_;
  std::unique_ptr<casework::TokenIdentities> plain_identities_;
  ingest::OpaqueBook book_;
  std::unique_ptr<BookedIdentities> identities_;
  sources::SourceNames names_;
  std::unique_ptr<NamedSourceLines> lines_;
  std::unique_ptr<PlanNumbering> numbering_;
  std::unique_ptr<ingest::Normaliser> normaliser_;
  std::unique_ptr<ingest::RejectLog> rejects_;
  std::unique_ptr<MatcherIndicators> indicators_;
  std::unique_ptr<WarningServices> services_;
  std::unique_ptr<RegistryNumbers> numbers_;
  std::unique_ptr<RegistryCells> cells_;
  std::unique_ptr<ShelfModels> models_;
  std::unique_ptr<FeatureRows> rows_;
  casework::DetectorTable table_;
  std::unique_ptr<casework::AlertFolder> folder_;
  std::unique_ptr<FoldingSink> sink_;
  std::unique_ptr<detect::Engine> engine_;
  std::unique_ptr<ingest::Merge> merge_;
  std::optional<Error> failed_;
};

}  // namespace

Result<ReplaySummary> replay(platform::FileSystem& files, const Settings& settings, const ReplayOptions& options) {
  return Replay(files, settings, options).run();
}

std::string ReplaySummary::to_json() const {
  std::string out;
  guard::JsonWriter json(out);
  const auto counts = [&json](std::string_view name, const std::map<std::string, std::uint64_t>& map) {
    json.key(name).begin_object();
    for (const auto& [key, count] : map) json.key(key).unsigned_integer(count);
    json.end_object();
  };
  json.begin_object();
  counts("events", events);
  json.key("rejected").unsigned_integer(rejected).key("late").unsigned_integer(late);
  json.key("alerts").unsigned_integer(alerts).key("incidents").unsigned_integer(incidents);
  json.key("elapsed_s")
      .number(std::round(elapsed_s * 1000) / 1000)
      .key("events_per_s")
      .number(std::round(events_per_s));
  json.key("peak_rss_bytes").unsigned_integer(peak_rss_bytes).key("shards").unsigned_integer(shards);
  json.field("content_digest", content_digest);
  counts("alerts_by_detector", alerts_by_detector);
  counts("unread", unread);
  json.key("files")
      .unsigned_integer(files)
      .key("bytes")
      .unsigned_integer(bytes)
      .key("state_bytes")
      .unsigned_integer(state_bytes);
  json.end_object();
  return out;
}

}  // namespace pandun::server
