// What the API shows beyond casework: engine figures, sources, catalogues, the archive, indicator lists.
// `server` implements it; the API never reaches into an engine.
//
// Errors   a catalogue or figure always answers from memory; archive_events and the intel calls return kNotFound,
// kConflict,
//          kBadInput, kUnavailable, kIo as the engine behind them says.
// Threads  every call may come from any worker at once; catalogues and figures must not block on the event stream.
// Safety   nothing here may carry a clear number: entities are ShownEntity, fields are masked by the implementer.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/alert.h"
#include "model/number.h"

namespace pandun::api {

using model::LocalText;
using Counts = std::map<std::string, std::uint64_t>;

struct SourceState {
  std::string name, kind;
  std::string state;  // running, waiting, ended, failed
  std::uint64_t records = 0, rejected = 0;
  std::optional<EventMs> last_event;
  std::string message;  // why it failed
};

struct EngineState {
  std::optional<EventMs> watermark;
  std::uint64_t lag_events = 0, shards = 0, state_bytes = 0;
  std::optional<WallMs> checkpoint_at;
  std::uint64_t log_first = 0, log_last = 0;
};

// Cheap: asked once a second for the stream and at every overview.
struct EngineFigures {
  double events_per_s = 0;
  std::uint64_t events_total = 0, late = 0, rejected = 0;
  Counts by_kind;  // "call": n
  EngineState engine;
};

// Counts per step, oldest first; both vectors have the same length.
struct RateSeries {
  std::uint64_t step_s = 60;
  WallMs start;
  std::vector<double> events, alerts;
};

struct OptionEntry {
  std::string name, unit;
  double value = 0, fallback = 0, min = 0, max = 0;
  LocalText doc;
};
struct DetectorEntry {
  std::string name;
  LocalText title, finds, false_positives;
  std::vector<std::string> reads;  // event kinds
  std::string entity, topic;
  std::vector<std::string> techniques;
  std::string maturity;  // experimental, stable
  bool enabled = true;
  std::vector<OptionEntry> options;
  std::uint64_t keys = 0, bytes = 0, evicted = 0;
  std::string ground;  // of a rule shown as a detector
};
struct SourceKindEntry {
  std::string kind;
  LocalText title, reads;
  std::vector<std::string> gives;
  bool takes_map = false;
};
struct RuleEntry {
  std::string id;
  LocalText title;
  std::string topic;
  unsigned severity = 0;
  bool enabled = true;
  std::string when;  // the expression as written
  LocalText message;
  std::string ground, place;  // place: "file:line"
};
struct TopicEntry {
  std::string id;
  LocalText title;
  std::string category;
  LocalText about;
};
struct TechniqueEntry {
  std::string id, name;
};
// The library of fraud topics (涉诈专题库): slots, and the techniques that link them to detectors.
struct FraudTechniqueEntry {
  std::string id, stage;
  LocalText title, about;
  std::vector<std::string> detectors;
};
struct FraudTopicEntry {
  struct Stage {
    std::string stage;
    LocalText text;
  };
  std::int64_t number = 0, revision = 0;
  std::string id;
  bool documented = false;
  LocalText title, about, advice;
  std::vector<Stage> stages;
  std::vector<LocalText> signs;
  std::vector<std::string> techniques;
  std::uint64_t indicators = 0;  // of the library's lists that are about it
  std::vector<std::string> intel_lists;
};
struct FraudLibraryEntry {
  std::int64_t version = 0;
  std::string revised;
  std::vector<FraudTopicEntry> topics;
  std::vector<FraudTechniqueEntry> techniques;
};
struct FeatureEntry {
  std::string name;
  LocalText title;
};

struct QueueState {
  std::string name;
  std::uint64_t size = 0, capacity = 0;
  std::string policy;  // block, shed
  std::uint64_t shed = 0;
};
struct FaultEntry {
  WallMs at;
  std::string where, message;
};
// Sections are shown as they are: numbers stay numbers.
struct Figure {
  std::string name;
  std::string text;  // used when `number` is empty
  std::optional<double> number;
};
struct SystemState {
  std::string version, content_digest;
  std::uint64_t uptime_s = 0, rss_bytes = 0;
  std::vector<Figure> store, eventlog, engine;
  std::vector<QueueState> queues;
  std::vector<FaultEntry> faults;  // newest first, at most 100
};

struct ArchiveQuery {
  std::string kind;    // empty: all
  std::string entity;  // token, address or domain
  std::optional<EventMs> from, to;
  std::size_t limit = 100;
};
struct ArchiveEvent {
  EventMs time;
  std::string kind;
  std::uint64_t position = 0;
  std::string source;
  std::vector<model::ShownEntity> entities;
  std::vector<std::pair<std::string, std::string>> fields;
};
struct ArchiveAnswer {
  std::vector<ArchiveEvent> events;
  bool truncated = false;
};

struct IntelListEntry {
  std::string name, topic, format;  // plain, csv
  std::uint64_t entries = 0;
  unsigned severity = 0;
  double confidence = 0;
  std::string added_by;
  WallMs added_at;
  std::optional<WallMs> expires_at;
  Counts by_type;  // "domain": n
};
struct NewIntelList {
  std::string name, topic, format, content;
  unsigned severity = 0;
  double confidence = 0;
  unsigned expires_in_days = 0;
  std::string added_by;
};
struct IntelReject {
  std::uint64_t line = 0;
  std::string reason, excerpt;
};
struct IntelImport {
  IntelListEntry list;
  std::uint64_t accepted = 0, rejected = 0;
  std::vector<IntelReject> rejects;  // the first 100
};

// One sample for /metrics. Names follow Prometheus: pandun_<what>_<unit>[_total].
enum class MetricKind { kCounter, kGauge };
struct Metric {
  std::string name, help;
  MetricKind kind = MetricKind::kGauge;
  std::vector<std::pair<std::string, std::string>> labels;
  double value = 0;
};

class Platform {
 public:
  virtual ~Platform() = default;

  virtual EngineFigures figures() const = 0;
  virtual RateSeries rates(unsigned hours) const = 0;  // 1..168
  virtual std::vector<SourceState> sources() const = 0;
  virtual SystemState system() const = 0;
  virtual std::vector<Metric> metrics() const = 0;
  // What is still missing before the platform can do its work; empty means ready.
  virtual std::vector<std::string> waiting_for() const = 0;

  virtual std::vector<DetectorEntry> detectors() const = 0;
  virtual std::vector<SourceKindEntry> source_kinds() const = 0;
  virtual std::vector<RuleEntry> rules() const = 0;
  virtual std::vector<TopicEntry> topics() const = 0;
  virtual std::vector<TechniqueEntry> techniques() const = 0;
  virtual FraudLibraryEntry fraud_library() const = 0;
  virtual std::vector<FeatureEntry> features() const = 0;  // titles of the names that evidence uses

  virtual Result<ArchiveAnswer> archive_events(const ArchiveQuery& query) const = 0;

  virtual std::vector<IntelListEntry> intel_lists() const = 0;
  virtual Result<IntelImport> add_intel_list(const NewIntelList& list) = 0;
  virtual Result<> delete_intel_list(std::string_view name) = 0;

  // Reads a number as ingest does, by the numbering plan: the same text gives the same key everywhere.
  virtual model::NumberKey read_number(std::string_view text) const = 0;

  // The signed card (JWS) that tells a rejected caller whom to ask (RFC 8688); kNotFound: there is none of that id.
  virtual Result<std::string> redress_card(std::string_view id) const;
};

inline Result<std::string> Platform::redress_card(std::string_view) const {
  return error(Errc::kNotFound, "card", "there is no card under this address");
}

}  // namespace pandun::api
