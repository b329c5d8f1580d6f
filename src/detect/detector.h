// The detector kit: all that a detector's folder needs to include.
//
// A detector is a pure function of the events it is shown and of its own state: it sees no clock, no file, no other
// detector. Same events in the same order, same signals. That is what lets every case be replayed.
//
// Sharding   route() names the entities an event concerns; the engine calls on_event() once for each, on the shard that
//            owns the key. State is kept per key only, so the number of shards cannot change what is found.
// Idleness   state whose key was not touched for `idle_after` of watermark time must count as absent: StateTable does it at
//            the touch, so that when memory is really given back changes nothing.
// Threads    one instance per shard, owned by that shard's thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/entity.h"
#include "model/event.h"
#include "model/signal.h"

namespace pandun::detect {

class NumberActivity;  // detect/features/number_activity.h: a number's windows and counts, one definition for all
class HostActivity;    // detect/features/host_activity.h: the same for an address
class DeviceActivity;  // device_activity.h, cell_activity.h, dialling_activity.h
class CellActivity;
class DiallingActivity;
class StateWriter;  // detect/state_io.h
class StateReader;

enum class Maturity : std::uint8_t { kExperimental, kStable };

struct OptionSpec {
  std::string_view name;  // "calls_1h_min"
  std::string_view unit;  // "calls", "s", "ratio"
  double fallback, min, max;
  std::string_view doc_en, doc_zh;
};

// What duty officers read instead of a name that a detector gives its evidence or its series. Names of the feature
// catalogue have their words there.
enum class Bound : std::uint8_t { kUnsaid, kAtLeast, kAtMost };
struct EvidenceSpec {
  std::string_view name;  // "contacts"; "list_*" stands for every name that begins so, and * in its titles for the rest
  std::string_view title_en, title_zh;
  std::string_view unit_en, unit_zh;  // both empty: no quantity, its title says it all
  Bound bound = Bound::kUnsaid;       // how the value stands to the threshold whenever the detector speaks
};

struct DetectorSpec {
  std::string_view name;  // folder name
  std::string_view title_en, title_zh;
  std::string_view finds_en, finds_zh;  // one sentence
  std::vector<model::EventKind> reads;
  model::EntityKind entity;                  // what its alerts are about
  std::string_view topic;                    // id in content/topics.toml
  std::vector<std::string_view> techniques;  // ATT&CK ids
  std::chrono::seconds episode_gap;          // quiet time after which a new alert begins
  Maturity maturity = Maturity::kStable;
  std::vector<OptionSpec> options;
  std::string_view false_positives_en, false_positives_zh;
  std::uint32_t state_version =
      1;  // raise when save() changes its form: older state is dropped, and the report says so
  std::vector<EvidenceSpec> evidence{};  // every name in its signals that the feature catalogue lacks
  // Asks Context::device(), cell() or dialling(): the engine keeps their features only while a detector or rule wants them.
  bool wants_devices = false, wants_cells = false, wants_dialling = false;
};

// Option values, checked against the spec's bounds before any detector is made.
class Options {
 public:
  static Options defaults(const DetectorSpec& spec);
  // Every fault of the table at once: unknown name (with the nearest), out of bounds.
  static Result<Options> parse(const DetectorSpec& spec, std::span<const std::pair<std::string, double>> values);
  double operator[](std::string_view name) const;  // CHECKs that the spec has it
 private:
  std::vector<std::pair<std::string_view, double>> values_;
};

// ---- ports: declared here, plugged by server; immutable snapshots, safe to read from every shard ----

struct IndicatorHit {
  std::string_view indicator;  // as listed: "203.0.113.0/24", "evil.example", a hash
  std::string_view list;       // which list it came from
  std::string_view topic;      // what the list says it is: "c2", "phishing", "malware"…; may be empty
  std::uint8_t severity = 0;   // 0-100
  double confidence = 0;       // 0-1
};

class IndicatorMatch {
 public:
  virtual ~IndicatorMatch() = default;
  virtual bool empty() const = 0;
  virtual const IndicatorHit* address(const model::IpAddress& ip) const = 0;  // exact or the longest CIDR
  virtual const IndicatorHit* domain(std::string_view normalised) const = 0;  // itself or a parent that is listed
  virtual const IndicatorHit* url(std::string_view host, std::string_view uri) const = 0;
  virtual const IndicatorHit* hash(std::string_view lower_hex) const = 0;
};

// What is publicly known of an address or name before any scoring: keeps look-alikes (CDN, NTP, update servers) quiet.
enum class KnownService : std::uint8_t { kNone, kTime, kUpdate, kCdn, kDnsResolver, kPush, kMonitoring };
class KnownServices {
 public:
  virtual ~KnownServices() = default;
  virtual KnownService address(const model::IpAddress& ip) const = 0;
  virtual KnownService domain(std::string_view normalised) const = 0;
};

// What the numbering plan says of a number: its line, its country, its place. Not who holds it or where it is now.
enum class LineKind : std::uint8_t {
  kUnknown,  // withheld, opaque, or no plan is plugged
  kMobile,
  kMobileVirtual,
  kIot,
  kSatellite,
  kFixed,
  kTollFree,
  kService,
  kShort,
  kEmergency,
  kInternational,  // of another country, whatever its line is there
  kInvalid,
};
struct NumberTraits {
  LineKind kind = LineKind::kUnknown;
  std::uint16_t country_code = 0;  // E.164 calling code; 0 = not known
  std::uint16_t region = 0;        // home fixed lines: the area code without 0 (571); 0 = not known, as for mobiles
  bool home = false;               // of the country that the installation serves
  bool cannot_exist = false;       // impossible length, unallocated area, segment or calling code
};

// Protected groups (safeguard 9): stricter thresholds. Empty when the number is in none.
class NumberFacts {
 public:
  virtual ~NumberFacts() = default;
  virtual std::string_view protected_group(model::NumberKey number) const = 0;  // "hospital", "courier", "emergency"…
  virtual bool emergency_or_service(model::NumberKey number) const = 0;
  virtual NumberTraits traits(model::NumberKey /*number*/) const { return {}; }  // a table look-up: some 50 ns
  // Presently known or held to be fraud: listed, or with a finding in force that nobody has lifted.
  virtual bool suspected(model::NumberKey /*number*/) const { return false; }
};

// What a trained model thinks of one number at one moment.
struct ModelOpinion {
  double score = 0;      // calibrated probability of fraud, 0 to 1
  double threshold = 2;  // it speaks at or above this; above 1: never
};
struct ModelReason {
  std::string_view feature;  // of the catalogue
  double value = 0;          // NaN: not known
  double margin = 0;         // what it added to the log-odds; + towards fraud
};
// Trained models over the feature catalogue: a champion that speaks, shadows that are only counted.
class NumberModels {
 public:
  virtual ~NumberModels() = default;
  virtual std::string_view name() const = 0;  // of the champion; empty when there is none
  // Ids in the feature catalogue, in the order of a row. Empty: no rows are wanted.
  virtual std::span<const std::uint16_t> features() const = 0;
  virtual ModelOpinion look(model::NumberKey number, const model::Event& event, std::span<const float> row) const = 0;
  // The champion's `top` largest reasons, largest first.
  virtual std::vector<ModelReason> explain(std::span<const float> row, std::size_t top) const = 0;
  // By the champion that held at the event, where champions change while events pass.
  virtual std::vector<ModelReason> explain_at(const model::Event& /*event*/, std::span<const float> row,
                                              std::size_t top) const {
    return explain(row, top);
  }
};

// Where a cell stands, by the carrier's register of cells: WGS 84 degrees. Known of few sites' feeds.
struct CellPlace {
  bool known = false;
  float latitude = 0, longitude = 0;
};
class CellPlaces {
 public:
  virtual ~CellPlaces() = default;
  virtual CellPlace place(std::string_view cell) const = 0;  // as records name it
};

struct Ports {
  const IndicatorMatch* indicators;  // never null: the engine plugs an empty one
  const KnownServices* services;
  const NumberFacts* numbers;
  const NumberModels* models = nullptr;  // likewise
  const CellPlaces* cells = nullptr;     // likewise
};

// ---- what a detector is given ----

struct RoutedKey {
  model::EntityKind kind;
  std::uint8_t role = 0;  // the detector's own meaning: which side of the event this key is
  model::EntityKey key;
};
using KeyList = std::vector<RoutedKey>;  // reused between calls: append only

class Context {
 public:
  virtual ~Context() = default;
  virtual const Ports& ports() const = 0;
  // The shared features of this call's key, this event already counted; null when the key is of another kind.
  virtual const NumberActivity* number() const = 0;
  virtual const HostActivity* host() const = 0;
  // Of a key device_key(…) or key_of_text(cell), where the spec says it wants them.
  virtual const DeviceActivity* device() const { return nullptr; }
  virtual const CellActivity* cell() const { return nullptr; }
  // Of a number's key: null while it has not dialled at pace.
  virtual const DiallingActivity* dialling() const { return nullptr; }
  // position, detector, topic, title and techniques are filled from event and spec where left empty.
  virtual void emit(model::Signal signal) = 0;
};

struct StateSize {
  std::uint64_t keys = 0, bytes = 0, evicted = 0;
};

class Detector {
 public:
  virtual ~Detector() = default;
  virtual void route(const model::Event& event, KeyList& keys) const = 0;  // pure
  // Called for keys that on_event() will get a few dozen events later, with stage 0 and then 1: StateTable::prefetch. With
  // three stages also with 2, for what the table's entry points to: StateTable::peek_hash.
  virtual void prefetch(const RoutedKey& /*key*/, unsigned /*stage*/) const {}
  virtual unsigned prefetch_stages() const { return 2; }
  // The same for detectors whose keys need more of the event than its routed key.
  virtual void prefetch_event(const model::Event& /*event*/, const RoutedKey& key, unsigned stage) const {
    prefetch(key, stage);
  }
  virtual void on_event(const model::Event& event, const RoutedKey& key, Context& context) = 0;
  // Gives back memory of keys idle behind the watermark; must not change what will be found.
  virtual void evict(EventMs watermark) = 0;
  virtual void save(StateWriter& out) const = 0;
  virtual Result<> load(StateReader& in) = 0;
  virtual StateSize size() const = 0;
};

// One line of the garden's catalogue.
struct DetectorPart {
  const DetectorSpec& (*spec)();
  std::unique_ptr<Detector> (*make)(const Options& options);
};

}  // namespace pandun::detect
