// Beacon: one host contacting one outside service again and again at a steady beat.
//
// Method   burst-collapsed contact times, share of intervals within 35 % of their median, share of like sizes; RITA's idea
//          without its need for hours of history. Prevalence and known services are asked before any score.
// Shape    everything stands on the shard of the service (address, port, protocol), so that how many hosts share a rhythm is
//          known where it is needed. A first contact is 48 bytes; a second adds 200; then 4 bytes a contact, at most 64.
// Source   docs/detectors/beacon.md.
#include "detectors/beacon/contacts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <utility>

#include "detect/detector.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace beacon {

constexpr std::int64_t kBurstMs = 5000;     // contacts closer than this are one
constexpr std::int64_t kRetryMs = 60000;    // and one connection's retries
constexpr double kMedianMinS = 8;           // below it, bursts and polling cannot be told apart
constexpr double kInboundSpanS = 2 * 3600;  // what comes from outside must last
constexpr std::size_t kRegularAt = 12;      // contacts after which a pair may count towards prevalence
constexpr std::size_t kRecords = 8;

// A pair's key that lies on its service's shard: detect::shard_of() reads bits 8-23 of the hash, which are the service's.
struct PairKey {
  std::uint64_t hi = 0, lo = 0;
  friend bool operator==(const PairKey&, const PairKey&) = default;
};
constexpr std::uint64_t kShardBits = 0xffff00;
inline std::uint64_t state_hash(const PairKey& key) {
  return (combine64(key.hi, key.lo) & ~kShardBits) | (key.hi & kShardBits);
}
inline void write_key(detect::StateWriter& out, const PairKey& key) {
  out.u64(key.hi);
  out.u64(key.lo);
}
inline void read_key(detect::StateReader& in, PairKey& key) {
  key.hi = in.u64();
  key.lo = in.u64();
}
PairKey pair_key(const model::EntityKey& service, const model::IpAddress& src) {
  const std::uint64_t who = hash_of(src);
  return {(combine64(service.hi, who) & ~kShardBits) | (hash_of(service) & kShardBits), combine64(who, service.lo)};
}

// What a pair has once it was met twice.
struct Track {
  Contacts contacts;
  std::uint32_t total = 0, next_signal = 0;
  std::array<model::SourceRef, kRecords> records{};
  std::string name;  // the last server name it asked for
  std::size_t bytes() const { return sizeof(Track) + contacts.bytes() + (name.size() > 15 ? name.capacity() : 0); }
};
struct Pair {
  std::int64_t last_ms = 0;
  std::unique_ptr<Track> track;
  std::uint16_t src_port = 0;           // of the last contact
  bool known = false, unknown = false;  // it asked for names of known services / for others
  bool regular = false;                 // counted in Service::regular
};
static_assert(sizeof(Pair) == 24 && sizeof(Track) == 200);
struct Service {
  std::uint32_t regular = 0;  // pairs that keep a rhythm
  std::uint32_t inside = 0;   // different private addresses that came
};

struct Limits {
  double contacts, score, regular_max, inside_max, cdn_score;
};

// Talkers by nature: name, time and neighbour services, and the log-in ports whose guessing is another topic.
bool is_background(std::uint16_t port, std::uint8_t protocol) {
  switch (port) {
    case 53:
    case 67:
    case 68:
    case 123:
    case 137:
    case 138:
    case 161:
    case 162:
    case 514:
    case 546:
    case 547:
    case 853:
    case 1900:
    case 3478:
    case 3702:
    case 5353:
    case 5355:
    case 17500:
      return true;
    default:
      return protocol != 6 && protocol != 17;
  }
}
bool is_login(std::uint16_t port) {
  return port == 21 || port == 22 || port == 23 || port == 2222 || port == 3389 || port == 5900;
}

bool answered(const model::Flow& flow) {
  if (flow.state == model::FlowState::kEstablished) return flow.bytes_in != 0 || flow.packets_in > 0;
  return flow.state == model::FlowState::kUnknown && (flow.bytes_in > 0 || flow.packets_in > 0);
}

bool concerns(const model::Flow& flow) {
  if (is_background(flow.dst_port, flow.protocol) || !flow.src.known() || !flow.dst.known()) return false;
  if (flow.dst.is_private() || flow.dst.is_multicast()) return false;
  // A half-seen connection is no new contact; a service port as origin means that the sides are swapped.
  if (flow.state == model::FlowState::kMidstream ||
      (flow.src_port != 0 && flow.src_port < 1024 && flow.dst_port >= 1024))
    return false;
  if (flow.src.is_private()) return true;
  return !is_login(flow.dst_port);
}

class Beacon final : public detect::Detector {
 public:
  explicit Beacon(const detect::Options& o)
      : limits_{o["contacts_min"], o["score_min"], o["regular_sources_max"], o["inside_sources_max"],
                o["cdn_score_min"]},
        services_(std::chrono::hours(72)),
        pairs_(std::chrono::hours(48)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override;
  void prefetch_event(const model::Event& event, const detect::RoutedKey& key, unsigned stage) const override {
    services_.prefetch(key.key, stage);
    if (event.kind() == model::EventKind::kFlow) pairs_.prefetch(pair_key(key.key, event.as<model::Flow>().src), stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    services_.evict(watermark);
    pairs_.evict(watermark, [this](Pair& pair) { release(pair); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {pairs_.size(), services_.bytes() + pairs_.bytes() + heap_bytes_, pairs_.evicted()};
  }

 private:
  void release(Pair& pair) {
    if (pair.track != nullptr) heap_bytes_ -= pair.track->bytes();
    pair.track.reset();
  }
  void name(const model::EntityKey& key, const model::IpAddress& client, std::string_view host, EventMs watermark,
            const detect::Ports& ports);
  void flow(const model::Event& event, const model::EntityKey& key, detect::Context& context);
  void judge(const model::Event& event, Service& service, Pair& pair, detect::Context& context);
  void emit(const model::Event& event, const Service& service, const Pair& pair, const Rhythm& rhythm, double score,
            double score_min, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::EntityKey, Service> services_;
  detect::StateTable<PairKey, Pair> pairs_;
  std::uint64_t heap_bytes_ = 0;
};

model::EntityKey service_key(const model::IpAddress& dst, std::uint16_t port, std::uint8_t protocol) {
  return model::key_of_pair({}, dst, port, protocol);
}

void Beacon::route(const model::Event& event, detect::KeyList& keys) const {
  const auto push = [&keys](const model::IpAddress& server, std::uint16_t port, std::uint8_t protocol) {
    keys.push_back({model::EntityKind::kHostPair, 0, service_key(server, port, protocol)});
  };
  if (event.kind() == model::EventKind::kFlow) {
    const auto& flow = event.as<model::Flow>();
    if (concerns(flow)) push(flow.dst, flow.dst_port, flow.protocol);
  } else if (event.kind() == model::EventKind::kTls) {
    const auto& tls = event.as<model::Tls>();
    if (!tls.sni.empty() && !tls.server.is_private()) push(tls.server, tls.server_port, 6);
  } else if (event.kind() == model::EventKind::kHttp) {
    const auto& http = event.as<model::Http>();
    if (!http.host.empty() && !http.server.is_private()) push(http.server, http.server_port, 6);
  }
}

void Beacon::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  if (event.kind() == model::EventKind::kFlow) return flow(event, key.key, context);
  if (event.kind() == model::EventKind::kTls) {
    const auto& tls = event.as<model::Tls>();
    return name(key.key, tls.client, tls.sni, event.watermark, context.ports());
  }
  const auto& http = event.as<model::Http>();
  name(key.key, http.client, http.host, event.watermark, context.ports());
}

void Beacon::name(const model::EntityKey& key, const model::IpAddress& client, std::string_view host, EventMs watermark,
                  const detect::Ports& ports) {
  Pair* pair = pairs_.find(pair_key(key, client), watermark);
  if (pair == nullptr) return;
  const detect::KnownService known = ports.services->domain(host);
  if (known == detect::KnownService::kNone || known == detect::KnownService::kCdn)
    pair->unknown = true;
  else
    pair->known = true;
  if (pair->track == nullptr || pair->track->name == host) return;
  heap_bytes_ -= pair->track->bytes();
  pair->track->name = host.substr(0, 253);
  heap_bytes_ += pair->track->bytes();
}

void Beacon::flow(const model::Event& event, const model::EntityKey& key, detect::Context& context) {
  const auto& flow = event.as<model::Flow>();
  const PairKey pair_at = pair_key(key, flow.src);
  // From outside, a contact that our side did not answer opens nothing: scanners would fill the table.
  if (!flow.src.is_private() && !answered(flow) && pairs_.find(pair_at, event.watermark) == nullptr) return;
  Service& service = services_.touch(key, event.watermark);
  bool fresh = false;
  Pair& pair =
      pairs_.touch_hash(pair_at, state_hash(pair_at), event.watermark, &fresh, [this](Pair& old) { release(old); });
  if (fresh) {
    pair.last_ms = event.time.ms;
    pair.src_port = flow.src_port;
    if (flow.src.is_private() && service.inside < 0xffffffffU) ++service.inside;
    return;
  }
  const std::int64_t step = event.time.ms - pair.last_ms;
  // Of the same burst, or late, or the same connection tried again (a retransmitted SYN keeps its port).
  const bool again = step <= kRetryMs && flow.src_port != 0 && flow.src_port == pair.src_port;
  if (step <= kBurstMs || again) {
    if (!again) pair.last_ms = std::max(pair.last_ms, event.time.ms);
    return;
  }
  pair.last_ms = event.time.ms;
  pair.src_port = flow.src_port;
  if (service.inside > limits_.inside_max || service.regular > limits_.regular_max)
    return;  // popular: nothing more is kept
  if (pair.track == nullptr) {
    pair.track = std::make_unique<Track>();
    pair.track->next_signal = static_cast<std::uint32_t>(limits_.contacts);
    heap_bytes_ += pair.track->bytes();
  }
  Track& track = *pair.track;
  heap_bytes_ -= track.bytes();
  track.contacts.add(step, flow.bytes_out, answered(flow));
  heap_bytes_ += track.bytes();
  track.records[track.total++ % kRecords] = {event.source, event.record};
  if (track.contacts.size() >= kRegularAt) judge(event, service, pair, context);
}

void Beacon::judge(const model::Event& event, Service& service, Pair& pair, detect::Context& context) {
  const auto& flow = event.as<model::Flow>();
  Track& track = *pair.track;
  if (pair.regular && track.total < track.next_signal) return;
  const Rhythm rhythm = track.contacts.rhythm();
  if (rhythm.median_s < kMedianMinS || rhythm.interval_share < 0.7) return;
  const bool from_outside = !flow.src.is_private();
  if (from_outside && (rhythm.answered_share < 0.9 || rhythm.interval_share < 0.85 || rhythm.span_s < kInboundSpanS))
    return;
  if (!pair.regular) {
    pair.regular = true;
    ++service.regular;
  }
  if (track.total < track.next_signal || service.regular > limits_.regular_max) return;
  if (pair.known && !pair.unknown) return;
  const detect::KnownService known = context.ports().services->address(flow.dst);
  if (known != detect::KnownService::kNone && known != detect::KnownService::kCdn) return;
  const double score_min = known == detect::KnownService::kCdn ? limits_.cdn_score : limits_.score;
  const double score = 0.6 * rhythm.interval_share + 0.4 * rhythm.size_share;
  if (score < score_min) return;
  emit(event, service, pair, rhythm, score, score_min, context);
  track.next_signal = track.total * 2;
}

model::LocalText interval_text(double seconds) {
  const auto whole = static_cast<long>(seconds + 0.5);
  const auto text = [](long n, const char* zh, const char* en) {
    return model::LocalText{std::to_string(n) + zh, std::to_string(n) + en};
  };
  if (whole < 120) return text(whole, " 秒", " s");
  if (whole < 7200) return text((whole + 30) / 60, " 分钟", " min");
  return text((whole + 1800) / 3600, " 小时", " h");
}

void Beacon::emit(const model::Event& event, const Service& service, const Pair& pair, const Rhythm& r, double score,
                  double score_min, detect::Context& context) const {
  const auto& flow = event.as<model::Flow>();
  const Track& track = *pair.track;
  model::Signal signal;
  signal.entity = model::Entity::pair(flow.src, flow.dst, flow.dst_port, flow.protocol);
  signal.last = event.time;
  signal.first = {event.time.ms - static_cast<std::int64_t>(r.span_s * 1000)};
  const bool dead = r.answered_share < 0.1;
  const double severity =
      60 + 20 * (score - score_min) / std::max(0.01, 1 - score_min) + (flow.src.is_private() ? 5 : 0) - (dead ? 10 : 0);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 40.0, 90.0));
  signal.confidence = std::clamp(score - 0.15 - 0.1 * std::log2(1.0 + service.regular / 4.0), 0.3, 0.9);
  const std::string server = flow.dst.text() + ":" + std::to_string(flow.dst_port);
  const model::LocalText every = interval_text(r.median_s);
  signal.title.en = "Beacon: " + flow.src.text() + " contacts " + server + " about every " + every.en +
                    (dead ? ", never answered" : "");
  signal.title.zh =
      "疑似回连：" + flow.src.text() + " 约每 " + every.zh + " 联系 " + server + (dead ? "，从未应答" : "");
  signal.evidence = {{"contacts", static_cast<double>(track.total), limits_.contacts, "contacts"},
                     {"interval_median_s", r.median_s, kMedianMinS, "s"},
                     {"interval_share", r.interval_share, flow.src.is_private() ? 0.7 : 0.85, "ratio"},
                     {"size_share", r.size_share, 0, "ratio"},
                     {"score", score, score_min, "ratio"},
                     {"answered_share", r.answered_share, flow.src.is_private() ? 0 : 0.9, "ratio"},
                     {"regular_sources", static_cast<double>(service.regular), limits_.regular_max, "hosts"},
                     {"observed_s", r.span_s, flow.src.is_private() ? 0 : kInboundSpanS, "s"}};
  signal.peers.push_back(model::Entity::of(flow.dst));
  signal.peers.push_back(model::Entity::of(flow.src));
  if (!track.name.empty()) signal.peers.push_back(model::Entity::text(model::EntityKind::kDomain, track.name));
  signal.series_feature = "interval_s";
  std::int64_t at = signal.first.ms;
  bool first = true;
  track.contacts.for_each([&](std::int64_t step_ms, bool) {
    if (!first) {
      at += step_ms;
      signal.series.push_back({{at}, static_cast<double>(step_ms) / 1000});
    }
    first = false;
  });
  for (std::size_t i = 0; i < std::min<std::size_t>(track.total, kRecords); ++i)
    signal.records.push_back(track.records[(track.total - 1 - i) % kRecords]);
  context.emit(std::move(signal));
}

void Beacon::save(detect::StateWriter& out) const {
  services_.save(out, [](detect::StateWriter& w, const Service& s) {
    w.varint(s.regular);
    w.varint(s.inside);
  });
  pairs_.save(out, [](detect::StateWriter& w, const Pair& p) {
    w.i64(p.last_ms);
    w.u16(p.src_port);
    w.u8(static_cast<std::uint8_t>((p.track != nullptr ? 1 : 0) | (p.known ? 2 : 0) | (p.unknown ? 4 : 0) |
                                   (p.regular ? 8 : 0)));
    if (p.track == nullptr) return;
    const Track& t = *p.track;
    w.varint(t.contacts.raw().size());
    for (const std::uint32_t packed : t.contacts.raw()) w.u32(packed);
    w.u8(t.contacts.oldest());
    w.varint(t.total);
    w.varint(t.next_signal);
    for (const model::SourceRef& record : t.records) {
      w.varint(record.source);
      w.varint(record.record);
    }
    w.text(t.name);
  });
}

Result<> Beacon::load(detect::StateReader& in) {
  TRY(services_.load(in, [](detect::StateReader& r, Service& s) {
    s.regular = static_cast<std::uint32_t>(r.varint());
    s.inside = static_cast<std::uint32_t>(r.varint());
  }));
  TRY(pairs_.load(in, [](detect::StateReader& r, Pair& p) {
    p.last_ms = r.i64();
    p.src_port = r.u16();
    const std::uint8_t flags = r.u8();
    p.known = (flags & 2) != 0;
    p.unknown = (flags & 4) != 0;
    p.regular = (flags & 8) != 0;
    if ((flags & 1) == 0) return;
    p.track = std::make_unique<Track>();
    Track& t = *p.track;
    const std::uint64_t size = r.varint();
    if (size > kContactsMax) return r.fail("more contacts than a pair may have");
    std::vector<std::uint32_t> ring;
    for (std::size_t room = 4; size > 0 && ring.capacity() < size; room *= 2)
      if (room >= size) ring.reserve(room);
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) ring.push_back(r.u32());
    t.contacts.restore(std::move(ring), r.u8());
    t.total = static_cast<std::uint32_t>(r.varint());
    t.next_signal = static_cast<std::uint32_t>(r.varint());
    for (model::SourceRef& record : t.records) {
      record.source = static_cast<std::uint32_t>(r.varint());
      record.record = r.varint();
    }
    t.name = r.text(253);
  }));
  heap_bytes_ = 0;
  pairs_.for_each([this](const PairKey&, const Pair& pair) {
    if (pair.track != nullptr) heap_bytes_ += pair.track->bytes();
  });
  return {};
}

}  // namespace beacon

const detect::DetectorSpec& beacon_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "beacon",
      .title_en = "Beacon",
      .title_zh = "木马回连",
      .finds_en =
          "A host that contacts one outside service again and again at a steady beat, as a controlled host reports to "
          "its controller.",
      .finds_zh = "以固定节奏反复联系同一外部服务的主机，如受控端向控制端报到。",
      .reads = {model::EventKind::kFlow, model::EventKind::kTls, model::EventKind::kHttp},
      .entity = model::EntityKind::kHostPair,
      .topic = "c2_beacon",
      .techniques = {"T1071", "T1571", "T1573"},
      .episode_gap = std::chrono::hours(72),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"contacts_min", "contacts", 20, 12, 64, "contacts before anything is said", "判定前的最少联系次数"},
              {"score_min", "ratio", 0.85, 0.5, 1, "0.6 x share of like intervals + 0.4 x share of like sizes",
               "得分：0.6×等间隔占比＋0.4×等大小占比"},
              {"cdn_score_min", "ratio", 0.95, 0.5, 1, "the same for addresses shared by many sites",
               "内容分发网络地址的得分"},
              {"regular_sources_max", "hosts", 25, 1, 100000,
               "hosts that keep a rhythm with the service; above it, it is popular",
               "与该服务保持节奏的主机数上限，超过视为公共服务"},
              {"inside_sources_max", "hosts", 100, 1, 1000000,
               "private addresses that came to the service; above it, it is popular", "联系该服务的内网地址数上限"},
          },
      .false_positives_en =
          "Update, licence, push and telemetry clients of small vendors; uptime monitors; a browser tab that polls. "
          "The server "
          "name, the owner of the address and how many hosts share the rhythm tell.",
      .false_positives_zh =
          "小厂商的更新、授权、推送、遥测客户端；可用性监测；轮询的网页。可看服务器名称、地址归属和共有此节奏的主机数"
          "。",
      .evidence =
          {
              {"contacts", "contacts seen", "联系次数", "contacts", "次", detect::Bound::kAtLeast},
              {"interval_median_s", "typical time between contacts", "联系间隔中位数", "s", "秒",
               detect::Bound::kAtLeast},
              {"interval_share", "share of like intervals", "等间隔占比", "ratio", "比例", detect::Bound::kAtLeast},
              {"size_share", "share of like sizes", "等大小占比", "ratio", "比例"},
              {"score", "regularity", "规律性得分", "ratio", "比例", detect::Bound::kAtLeast},
              {"answered_share", "share of contacts that were answered", "得到应答的占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"regular_sources", "hosts that keep a rhythm with the service", "与该服务保持节奏的主机数", "hosts",
               "台", detect::Bound::kAtMost},
              {"observed_s", "time observed", "观察时长", "s", "秒", detect::Bound::kAtLeast},
              {"interval_s", "time between contacts", "联系间隔", "s", "秒"},
          },
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_beacon(const detect::Options& options) {
  return std::make_unique<beacon::Beacon>(options);
}

}  // namespace pandun::detectors
