// Port scan: one address trying many hosts on one port, or many ports of one host, and mostly getting no answer.
//
// Method   first contacts that fail are what tells a scanner from a client (Jung et al. 2004, "Fast Portscan Detection Using
//          Sequential Hypothesis Testing"). Only failures open a state; successes are then counted per port and per host.
// Shape    nothing for an address without failures; then 32 bytes a failed first contact (at most 128, 24 h) and 24 bytes a
//          port or host with failures (at most 16). A judged scanner gives its list back and keeps 64 bytes.
// Source   docs/detectors/port_scan.md.
#include <algorithm>
#include <bit>
#include <cmath>
#include <memory>
#include <vector>

#include "detect/detector.h"
#include "detect/features/host_activity.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace {

using detect::Window;

constexpr std::size_t kAttemptsMax = 128, kSlotsMax = 16;
constexpr std::int64_t kHorizonMs = 24 * 3600 * 1000LL, kBurstMs = 60 * 1000;
// ln((1 - 0.2) / (1 - 0.8)) and ln((1 - 0.01) / 0.01): the paper's step and upper threshold.
constexpr double kStep = 1.3862943611, kWalkMin = 4.5951198501;

enum class Contact : std::uint8_t { kIgnore, kAnswered, kFailed };
enum class Kind : std::uint8_t { kNone, kHorizontal, kVertical };

struct Attempt {
  model::IpAddress dst;
  std::uint32_t time_s = 0, record = 0, source = 0;
  std::uint16_t port = 0;
  std::uint8_t protocol = 0;
};

// Successes on a port (over hosts) or on a host (over ports), by linear counting on 64 bits (Whang et al. 1990).
struct Slot {
  std::uint64_t id = 0;
  std::uint64_t answered = 0;
  std::uint32_t used_s = 0;
};

struct Judged {
  Kind kind = Kind::kNone;
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
  double emitted = 0;  // distinct (host, port) pairs in 24 h when a signal was last made
  std::int64_t first_ms = 0;
};

struct Source {
  std::vector<Attempt> attempts;  // failed first contacts, oldest first
  std::vector<Slot> slots;
  Judged judged;
  std::size_t bytes() const {
    return sizeof(Source) + attempts.capacity() * sizeof(Attempt) + slots.capacity() * sizeof(Slot);
  }
};
struct Entry {
  std::unique_ptr<Source> source;
};

struct Limits {
  double hosts, web_hosts, ports, failed_share, burst_failed_share;
};

struct Finding {
  Kind kind = Kind::kNone;
  double failed = 0, threshold = 0, answered = 0, share = 0, share_min = 0;
  bool burst = false;
};

std::uint64_t port_id(std::uint16_t port, std::uint8_t protocol) {
  return mix64(0x100000000ULL | (std::uint64_t{protocol} << 16) | port);
}
std::uint64_t host_id(const model::IpAddress& ip) {
  return hash_of(ip);
}

bool is_web(std::uint16_t port) {
  return port == 80 || port == 443 || port == 8080 || port == 8443;
}
bool is_ping(const model::Flow& flow) {
  return flow.src_port == 0 || flow.src_port == 8 || flow.src_port == 13 || flow.src_port == 15 ||
         flow.src_port == 17 || flow.src_port == 128;
}

Contact by_packets(const model::Flow& flow) {
  if (flow.packets_in > 0 || flow.bytes_in > 0) return Contact::kAnswered;
  if (flow.packets_in == 0 || (flow.packets_in < 0 && flow.bytes_in == 0))
    return flow.packets_out <= 5 ? Contact::kFailed : Contact::kIgnore;
  return Contact::kIgnore;
}

// What a flow says about its source. Answers, half-seen connections and replies to somebody else's packets say nothing.
Contact contact_of(const model::Flow& flow) {
  if (flow.dst.is_multicast() || !flow.dst.known() || !flow.src.known() || flow.src == flow.dst)
    return Contact::kIgnore;
  if (flow.dst.is_v4() && (flow.dst.v4_bits() & 0xff) == 0xff && flow.src.is_private())
    return Contact::kIgnore;  // broadcast
  if (flow.protocol == 1 || flow.protocol == 58) return is_ping(flow) ? by_packets(flow) : Contact::kIgnore;
  if (flow.protocol != 6 && flow.protocol != 17) return Contact::kIgnore;
  // From a service's port to a client's: a late answer, or backscatter of a flood with forged sources.
  if (flow.src_port != 0 &&
      ((flow.src_port < 1024 && flow.dst_port >= 1024) || (flow.src_port < 10000 && flow.dst_port >= 32768)))
    return Contact::kIgnore;
  if (flow.protocol == 17 && flow.dst_port >= 33434 && flow.dst_port < 33600) return Contact::kIgnore;  // traceroute
  switch (flow.state) {
    case model::FlowState::kEstablished:
      return Contact::kAnswered;
    case model::FlowState::kRejected:
      return Contact::kFailed;
    case model::FlowState::kAttempted:
      return flow.protocol == 17 && flow.packets_out > 5 ? Contact::kIgnore : Contact::kFailed;
    case model::FlowState::kMidstream:
      return Contact::kIgnore;
    case model::FlowState::kUnknown:
      return by_packets(flow);
  }
  return Contact::kIgnore;
}

std::uint16_t port_of(const model::Flow& flow) {
  return flow.protocol == 6 || flow.protocol == 17 ? flow.dst_port : std::uint16_t{0};
}

bool is_icmp(std::uint8_t protocol) {
  return protocol == 1 || protocol == 58;
}
// The same /24 (IPv4) or /112 (IPv6).
bool near(const model::IpAddress& a, const model::IpAddress& b) {
  return a.hi == b.hi && (a.is_v4() ? (a.lo >> 8) == (b.lo >> 8) : (a.lo >> 16) == (b.lo >> 16));
}

double linear_count(std::uint64_t bits) {
  const int zero = std::popcount(~bits);
  return zero == 0 ? 300 : 64.0 * std::log(64.0 / zero);
}

class PortScan final : public detect::Detector {
 public:
  explicit PortScan(const detect::Options& o)
      : limits_{o["hosts_min"], o["web_hosts_min"], o["ports_min"], o["failed_share_min"], o["burst_failed_share_min"]},
        table_(std::chrono::hours(25)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kFlow) return;
    const auto& flow = event.as<model::Flow>();
    if (contact_of(flow) != Contact::kIgnore) keys.push_back({model::EntityKind::kIp, 0, model::key_of(flow.src)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    table_.evict(watermark, [this](Entry& entry) { release(entry); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override { return {table_.size(), table_.bytes() + heap_bytes_, table_.evicted()}; }

 private:
  void release(Entry& entry) {
    if (entry.source != nullptr) heap_bytes_ -= entry.source->bytes();
    entry.source.reset();
  }
  void answered(Source& source, const model::Flow& flow, std::uint32_t now_s) const;
  bool remember(Source& source, const model::Flow& flow, const model::Event& event) const;
  Finding judge(const Source& source, const model::Flow& flow) const;
  void emit(const model::Event& event, Source& source, const Finding& finding, detect::Context& context) const;
  void grow(const model::Event& event, Source& source, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::IpAddress, Entry> table_;
  std::uint64_t heap_bytes_ = 0;
};

void mark(std::vector<Slot>& slots, std::uint64_t id, std::uint64_t thing, std::uint32_t now_s) {
  for (Slot& slot : slots) {
    if (slot.id != id) continue;
    slot.answered |= 1ULL << (mix64(thing ^ id) & 63);
    slot.used_s = now_s;
    return;
  }
}
void open_slot(std::vector<Slot>& slots, std::uint64_t id, std::uint32_t now_s) {
  for (Slot& slot : slots) {
    if (slot.id != id) continue;
    slot.used_s = now_s;
    return;
  }
  if (slots.size() < kSlotsMax) {
    slots.push_back({id, 0, now_s});
    return;
  }
  *std::min_element(slots.begin(), slots.end(), [](const Slot& a, const Slot& b) { return a.used_s < b.used_s; }) = {
      id, 0, now_s};
}
double answered_of(const std::vector<Slot>& slots, std::uint64_t id) {
  for (const Slot& slot : slots)
    if (slot.id == id) return linear_count(slot.answered);
  return 0;
}

void PortScan::answered(Source& source, const model::Flow& flow, std::uint32_t now_s) const {
  mark(source.slots, port_id(port_of(flow), flow.protocol), host_id(flow.dst), now_s);
  mark(source.slots, host_id(flow.dst), mix64(port_of(flow)), now_s);
}

// False when this (host, port) has failed before: a retry is no new contact.
bool PortScan::remember(Source& source, const model::Flow& flow, const model::Event& event) const {
  const auto now_s = detect::seconds32(event.time);
  const std::uint16_t port = port_of(flow);
  auto& attempts = source.attempts;
  for (const Attempt& a : attempts)
    if (a.port == port && a.protocol == flow.protocol && a.dst == flow.dst) return false;
  std::erase_if(attempts, [&](const Attempt& a) { return std::int64_t{now_s} - a.time_s > kHorizonMs / 1000; });
  if (attempts.size() == kAttemptsMax) attempts.erase(attempts.begin());
  if (attempts.size() == attempts.capacity())
    attempts.reserve(std::max<std::size_t>(4, std::min(kAttemptsMax, attempts.size() * 2)));
  attempts.push_back({flow.dst, now_s, static_cast<std::uint32_t>(std::min<std::uint64_t>(event.record, 0xffffffffU)),
                      event.source, port, flow.protocol});
  open_slot(source.slots, port_id(port, flow.protocol), now_s);
  open_slot(source.slots, host_id(flow.dst), now_s);
  return true;
}

Finding PortScan::judge(const Source& source, const model::Flow& flow) const {
  const std::uint16_t port = port_of(flow);
  const std::uint32_t now_s = source.attempts.back().time_s;
  double hosts = 0, hosts_burst = 0, ports = 0;
  for (const Attempt& a : source.attempts) {
    if (a.protocol != flow.protocol) continue;
    // Feeds seldom say which ICMP message it was: errors go out to strangers everywhere, a sweep walks through a network.
    if (a.port == port && (!is_icmp(a.protocol) || near(a.dst, flow.dst))) {
      ++hosts;
      if (std::int64_t{now_s} - a.time_s <= kBurstMs / 1000) ++hosts_burst;
    }
    if (a.dst == flow.dst) ++ports;
  }
  const double hosts_answered = answered_of(source.slots, port_id(port, flow.protocol));
  const double ports_answered = answered_of(source.slots, host_id(flow.dst));
  const double hosts_min = is_web(port) ? limits_.web_hosts : limits_.hosts;
  const auto share = [](double failed, double ok) { return failed / (failed + ok); };
  const auto walk = [](double failed, double ok) { return (failed - ok) * kStep; };
  if (is_icmp(flow.protocol)) {  // pings are answered more often than not: half of hosts_min may be
    const double burst_share = share(hosts_burst, hosts_answered);
    if (hosts_burst * 2 < limits_.hosts || hosts_burst + hosts_answered < limits_.hosts ||
        burst_share < limits_.burst_failed_share)
      return {};
    return {Kind::kHorizontal,          hosts_burst, limits_.hosts / 2, hosts_answered, burst_share,
            limits_.burst_failed_share, true};
  }
  if (ports >= limits_.ports && share(ports, ports_answered) >= limits_.failed_share &&
      walk(ports, ports_answered) >= kWalkMin)
    return {Kind::kVertical,      ports, limits_.ports, ports_answered, share(ports, ports_answered),
            limits_.failed_share, false};
  if (hosts >= hosts_min && share(hosts, hosts_answered) >= limits_.failed_share &&
      walk(hosts, hosts_answered) >= kWalkMin)
    return {Kind::kHorizontal,    hosts, hosts_min, hosts_answered, share(hosts, hosts_answered),
            limits_.failed_share, false};
  if (hosts_burst >= limits_.hosts && share(hosts_burst, hosts_answered) >= limits_.burst_failed_share)
    return {Kind::kHorizontal,          hosts_burst, limits_.hosts, hosts_answered, share(hosts_burst, hosts_answered),
            limits_.burst_failed_share, true};
  return {};
}

void PortScan::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const auto& flow = event.as<model::Flow>();
  const Contact contact = contact_of(flow);
  if (contact == Contact::kAnswered) {
    if (Entry* known = table_.find(flow.src, event.watermark);
        known != nullptr && known->source != nullptr && known->source->judged.kind == Kind::kNone)
      answered(*known->source, flow, detect::seconds32(event.time));
    return;
  }
  Entry& entry = table_.touch_hash(flow.src, decltype(table_)::hash(flow.src), event.watermark, nullptr,
                                   [this](Entry& old) { release(old); });
  if (entry.source == nullptr) {
    entry.source = std::make_unique<Source>();
    heap_bytes_ += entry.source->bytes();
  }
  Source& source = *entry.source;
  if (source.judged.kind != Kind::kNone) return grow(event, source, context);
  heap_bytes_ -= source.bytes();
  if (remember(source, flow, event)) {
    const Finding finding = judge(source, flow);
    if (finding.kind != Kind::kNone) emit(event, source, finding, context);
  }
  heap_bytes_ += source.bytes();
}

std::string port_text(std::uint16_t port, std::uint8_t protocol) {
  if (protocol == 1 || protocol == 58) return "icmp";
  return std::to_string(port) + (protocol == 17 ? "/udp" : "/tcp");
}

void PortScan::emit(const model::Event& event, Source& source, const Finding& f, detect::Context& context) const {
  const auto& flow = event.as<model::Flow>();
  const bool vertical = f.kind == Kind::kVertical;
  const std::uint16_t port = port_of(flow);
  model::Signal signal;
  signal.entity = model::Entity::of(flow.src);
  signal.first = {std::int64_t{source.attempts.front().time_s} * 1000};
  signal.last = event.time;
  std::vector<const Attempt*> of_it;
  for (const Attempt& a : source.attempts)
    if (a.protocol == flow.protocol &&
        (vertical ? a.dst == flow.dst : a.port == port && (!is_icmp(a.protocol) || near(a.dst, flow.dst))))
      of_it.push_back(&a);
  const double seconds = std::max(1.0, static_cast<double>(of_it.back()->time_s - of_it.front()->time_s));
  const double severity =
      45 + (flow.src.is_private() ? 10 : 0) + (vertical ? 0 : 5) + (f.share >= 0.9 ? 5 : 0) - (f.burst ? 10 : 0);
  signal.severity = static_cast<std::uint8_t>(severity);
  signal.confidence = std::clamp(0.5 + 0.5 * (f.share - f.share_min) / (1 - f.share_min), 0.5, 0.95);
  const std::string count = std::to_string(static_cast<int>(f.failed)), target = flow.dst.text(),
                    service = port_text(port, flow.protocol);
  if (vertical) {
    signal.title.en = "Port scan: " + count + " closed ports tried on " + target;
    signal.title.zh = "端口扫描：对 " + target + " 试探了 " + count + " 个未开放端口";
    signal.evidence = {{"failed_ports_24h", f.failed, f.threshold, "ports"},
                       {"answered_ports_24h", f.answered, 0, "ports"}};
    signal.peers.push_back(model::Entity::of(flow.dst));
  } else {
    signal.title.en = "Network scan: " + count + " hosts tried on " + service + " without an answer";
    signal.title.zh = "网络扫描：在 " + service + " 上试探了 " + count + " 台无应答的主机";
    signal.evidence = {{f.burst ? "failed_hosts_1m" : "failed_hosts_24h", f.failed, f.threshold, "hosts"},
                       {"answered_hosts_24h", f.answered, 0, "hosts"}};
  }
  signal.evidence.push_back({"failed_share", f.share, f.share_min, "ratio"});
  if (!f.burst) signal.evidence.push_back({"trw_log_likelihood", (f.failed - f.answered) * kStep, kWalkMin, "nats"});
  signal.evidence.push_back({"seconds_between_tries", seconds / std::max(1.0, f.failed - 1), 0, "s"});
  // The count so far is what failed_hosts_24h was compared by; a burst's count is of its last minute alone.
  signal.series_feature = vertical ? "port" : f.burst ? "failed_hosts" : "failed_hosts_24h";
  for (std::size_t i = 0; i < of_it.size(); ++i) {
    const Attempt& a = *of_it[of_it.size() - 1 - i];
    if (!vertical && signal.peers.size() < model::Signal::kPeersMax) signal.peers.push_back(model::Entity::of(a.dst));
    if (signal.records.size() < model::Signal::kRecordsMax) signal.records.push_back({a.source, a.record});
  }
  const std::size_t from = of_it.size() - std::min(of_it.size(), model::Signal::kSeriesMax);
  for (std::size_t i = from; i < of_it.size(); ++i)
    signal.series.push_back({{std::int64_t{of_it[i]->time_s} * 1000},
                             vertical ? double{static_cast<double>(of_it[i]->port)} : static_cast<double>(i + 1)});
  source.judged = {f.kind, flow.protocol, port, 0, signal.first.ms};
  if (const detect::HostActivity* activity = context.host()) {
    source.judged.emitted = activity->distinct_dst_pairs(Window::k24h);
    signal.evidence.push_back({"distinct_dst_hosts_24h", activity->distinct_dst_hosts(Window::k24h), 0, "hosts"});
    signal.evidence.push_back({"distinct_dst_ports_24h", activity->distinct_dst_ports(Window::k24h), 0, "ports"});
  }
  source.judged.emitted = std::max(source.judged.emitted, f.failed);
  source.attempts = {};
  source.slots = {};
  std::stable_sort(signal.series.begin(), signal.series.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  context.emit(std::move(signal));
}

// A known scanner: said again when it has tried twice as many things.
void PortScan::grow(const model::Event& event, Source& source, detect::Context& context) const {
  const detect::HostActivity* activity = context.host();
  if (activity == nullptr || activity->contacts_at_most() < 2 * source.judged.emitted) return;
  const double pairs = activity->distinct_dst_pairs(Window::k24h);
  if (pairs < 2 * source.judged.emitted) return;
  const auto& flow = event.as<model::Flow>();
  const double hosts = activity->distinct_dst_hosts(Window::k24h), ports = activity->distinct_dst_ports(Window::k24h);
  model::Signal signal;
  signal.entity = model::Entity::of(flow.src);
  signal.first = {source.judged.first_ms};
  signal.last = event.time;
  const double severity = 50 + (flow.src.is_private() ? 10 : 0) + 4 * std::log10(std::max(10.0, pairs)) * 2 - 8;
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 50.0, 85.0));
  const double failed = activity->failed_ratio(Window::k24h);
  signal.confidence = std::clamp(std::isfinite(failed) ? 0.5 + 0.45 * failed : 0.6, 0.5, 0.95);
  const std::string h = std::to_string(static_cast<int>(hosts)), p = std::to_string(static_cast<int>(ports));
  signal.title.en = "Scan goes on: " + h + (h == "1" ? " host" : " hosts") + " and " + p +
                    (p == "1" ? " port" : " ports") + " within 24 h";
  signal.title.zh = "扫描持续：24 小时内涉及 " + h + " 台主机、" + p + " 个端口";
  signal.evidence = {{"distinct_dst_pairs_24h", pairs, 2 * source.judged.emitted, "pairs"},
                     {"distinct_dst_hosts_24h", hosts, 0, "hosts"},
                     {"distinct_dst_ports_24h", ports, 0, "ports"}};
  if (std::isfinite(failed)) signal.evidence.push_back({"failed_ratio_24h", failed, limits_.failed_share, "ratio"});
  signal.series_feature = "flows";
  signal.series = activity->flows_series(Window::k1h);
  if (signal.series.size() > model::Signal::kSeriesMax) signal.series.resize(model::Signal::kSeriesMax);
  signal.peers.push_back(model::Entity::of(flow.dst));
  signal.records.push_back({event.source, event.record});
  source.judged.emitted = pairs;
  context.emit(std::move(signal));
}

void PortScan::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.source != nullptr ? 1 : 0);
    if (entry.source == nullptr) return;
    const Source& s = *entry.source;
    w.varint(s.attempts.size());
    for (const Attempt& a : s.attempts) {
      w.key(model::key_of(a.dst));
      w.u32(a.time_s);
      w.u32(a.record);
      w.u32(a.source);
      w.u16(a.port);
      w.u8(a.protocol);
    }
    w.varint(s.slots.size());
    for (const Slot& slot : s.slots) {
      w.u64(slot.id);
      w.u64(slot.answered);
      w.u32(slot.used_s);
    }
    w.u8(static_cast<std::uint8_t>(s.judged.kind));
    w.u8(s.judged.protocol);
    w.u16(s.judged.port);
    w.f64(s.judged.emitted);
    w.i64(s.judged.first_ms);
  });
}

Result<> PortScan::load(detect::StateReader& in) {
  TRY(table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.source = std::make_unique<Source>();
    Source& s = *entry.source;
    const std::uint64_t attempts = r.varint();
    if (attempts > kAttemptsMax) return r.fail("more attempts than a source may have");
    s.attempts.reserve(std::bit_ceil(std::max<std::size_t>(4, attempts)));
    for (std::uint64_t i = 0; i < attempts && r.ok(); ++i) {
      Attempt a;
      const model::EntityKey dst = r.key();
      a.dst = {dst.hi, dst.lo};
      a.time_s = r.u32();
      a.record = r.u32();
      a.source = r.u32();
      a.port = r.u16();
      a.protocol = r.u8();
      s.attempts.push_back(a);
    }
    const std::uint64_t slots = r.varint();
    if (slots > kSlotsMax) return r.fail("more slots than a source may have");
    for (std::uint64_t i = 0; i < slots && r.ok(); ++i) {
      Slot slot;
      slot.id = r.u64();
      slot.answered = r.u64();
      slot.used_s = r.u32();
      s.slots.push_back(slot);
    }
    const std::uint8_t kind = r.u8();
    if (kind > static_cast<std::uint8_t>(Kind::kVertical)) return r.fail("unknown kind of scan");
    s.judged.kind = static_cast<Kind>(kind);
    s.judged.protocol = r.u8();
    s.judged.port = r.u16();
    s.judged.emitted = r.f64();
    s.judged.first_ms = r.i64();
  }));
  heap_bytes_ = 0;
  table_.for_each([this](const model::IpAddress&, const Entry& entry) {
    if (entry.source != nullptr) heap_bytes_ += entry.source->bytes();
  });
  return {};
}

}  // namespace

const detect::DetectorSpec& port_scan_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "port_scan",
      .title_en = "Port scan",
      .title_zh = "端口扫描",
      .finds_en =
          "An address that tries many hosts on one port, or many ports of one host, mostly without an answer; fast or "
          "slow.",
      .finds_zh = "在同一端口上试探大量主机，或对同一主机试探大量端口且多数无应答的地址，快慢均可。",
      .reads = {model::EventKind::kFlow},
      .entity = model::EntityKind::kIp,
      .topic = "scan",
      .techniques = {"T1046", "T1595.001"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"hosts_min", "hosts", 10, 3, 100, "different hosts without an answer on one port",
               "同一端口上无应答的不同主机数"},
              {"web_hosts_min", "hosts", 40, 3, 100, "the same for ports 80, 443, 8080 and 8443 when it is not a burst",
               "80、443、8080、8443 端口（非突发）的主机数"},
              {"ports_min", "ports", 10, 3, 100, "different closed ports of one host", "同一主机未开放的不同端口数"},
              {"failed_share_min", "ratio", 0.6, 0.1, 1, "failed share of the different hosts (ports)", "失败占比"},
              {"burst_failed_share_min", "ratio", 0.35, 0.1, 1, "the same when hosts_min fail within 60 s",
               "60 秒突发时的失败占比"},
          },
      .false_positives_en =
          "Asset inventories and vulnerability scanners of the owner; a monitoring system whose targets are down; a "
          "client "
          "whose network has just lost its way out.",
      .false_positives_zh = "本单位的资产盘点、漏洞扫描；监控系统的目标宕机；客户端所在网络出口中断。",
      .evidence =
          {
              {"failed_hosts_1m", "hosts that did not answer in 1 min", "1 分钟无应答的主机数", "hosts", "台",
               detect::Bound::kAtLeast},
              {"failed_hosts_24h", "hosts that did not answer in 24 h", "24 小时无应答的主机数", "hosts", "台",
               detect::Bound::kAtLeast},
              {"answered_hosts_24h", "hosts that answered in 24 h", "24 小时有应答的主机数", "hosts", "台"},
              {"failed_ports_24h", "closed ports tried in 24 h", "24 小时试探的未开放端口数", "ports", "个",
               detect::Bound::kAtLeast},
              {"answered_ports_24h", "open ports tried in 24 h", "24 小时试探的开放端口数", "ports", "个"},
              {"failed_share", "share of first contacts that failed", "首次联系失败占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"trw_log_likelihood", "evidence for a scan (log-likelihood)", "扫描可能性（对数似然）", "nats", "奈特",
               detect::Bound::kAtLeast},
              {"seconds_between_tries", "time between tries", "试探间隔", "s", "秒"},
              {"failed_hosts", "hosts that did not answer so far", "累计无应答的主机数", "hosts", "台"},
              {"port", "port tried", "试探的端口", "port", "端口"},
              {"flows", "flows started over time", "各时段发起的流数", "flows", "个"},
          },
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_port_scan(const detect::Options& options) {
  return std::make_unique<PortScan>(options);
}

}  // namespace pandun::detectors
