// Indicator sighting: something the indicator library lists was seen in traffic.
//
// Shape    nothing for a host that met no indicator; then 16 bytes an indicator met, at most 64, and the host's own count.
// Few      a signal at the 1st, 10th, 100th… sighting of one indicator by one host: a resolver or a mail gateway that asks for
//          everybody repeats itself without end.
// Source   docs/detectors/indicator_sighting.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace {

constexpr std::size_t kMetMax = 64, kAnswersMax = 8;

struct Met {
  std::uint64_t indicator = 0;  // hash of its text and of where it was seen
  std::uint32_t count = 0, next = 0;
};
struct Host {
  std::vector<Met> met;
  std::uint32_t beyond = 0;  // sightings of further indicators once the list was full
};
struct Entry {
  std::unique_ptr<Host> host;
};

// One thing in an event that may be listed, and how the event met it.
struct Sighted {
  const detect::IndicatorHit* hit = nullptr;
  std::string_view where_en, where_zh;  // "asked for the name", "查询域名"
  model::EntityKind kind{};
  double weight = 1;              // of severity and confidence
  bool source_is_listed = false;  // the listed side came to us
};

model::IpAddress subject(const model::Event& event) {
  switch (event.kind()) {
    case model::EventKind::kFlow:
      return event.as<model::Flow>().src;
    case model::EventKind::kDns:
      return event.as<model::Dns>().client;
    case model::EventKind::kHttp:
      return event.as<model::Http>().client;
    case model::EventKind::kTls:
      return event.as<model::Tls>().client;
    case model::EventKind::kFile:
      return event.as<model::File>().client;
    default:
      return {};
  }
}

class IndicatorSighting final : public detect::Detector {
 public:
  explicit IndicatorSighting(const detect::Options& o)
      : confidence_min_(o["confidence_min"]), inbound_(o["inbound"] > 0.5), table_(std::chrono::hours(7 * 24)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    const model::IpAddress host = subject(event);
    if (host.known()) keys.push_back({model::EntityKind::kIp, 0, model::key_of(host)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    table_.evict(watermark, [this](Entry& entry) { release(entry); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override { return {table_.size(), table_.bytes() + heap_bytes_, table_.evicted()}; }

 private:
  static std::uint64_t bytes(const Host& host) { return sizeof(Host) + host.met.capacity() * sizeof(Met); }
  void release(Entry& entry) {
    if (entry.host != nullptr) heap_bytes_ -= bytes(*entry.host);
    entry.host.reset();
  }
  void look(const model::Event& event, const detect::IndicatorMatch& listed, std::vector<Sighted>& out) const;
  void sighted(const model::Event& event, const Sighted& one, detect::Context& context);
  void emit(const model::Event& event, const Sighted& one, std::uint32_t count, detect::Context& context) const;

  double confidence_min_;
  bool inbound_;
  detect::StateTable<model::IpAddress, Entry> table_;
  std::vector<Sighted> found_;  // reused
  std::uint64_t heap_bytes_ = 0;
};

void look_at_flow(const model::Flow& flow, const detect::IndicatorMatch& listed, bool inbound,
                  std::vector<Sighted>& out) {
  const bool spoke = flow.state == model::FlowState::kEstablished || flow.bytes_in > 0;
  if (const auto* hit = listed.address(flow.dst))
    out.push_back({hit, spoke ? "spoke with" : "tried to reach", spoke ? "与其通信" : "尝试连接",
                   model::EntityKind::kIp, spoke ? 1.0 : 0.8, false});
  // Listed scanners knock on every door all day: only the one that was answered is worth a word.
  if (inbound && spoke)
    if (const auto* hit = listed.address(flow.src))
      out.push_back({hit, "was answered by", "得到应答", model::EntityKind::kIp, 0.7, true});
}

void look_at_dns(const model::Dns& dns, const detect::IndicatorMatch& listed, std::vector<Sighted>& out) {
  if (const auto* hit = listed.domain(dns.query))
    out.push_back(
        {hit, "asked for the name", "查询域名", model::EntityKind::kDomain, dns.rcode == 3 ? 0.7 : 0.9, false});
  std::string_view answers = dns.answers;
  for (std::size_t i = 0; i < kAnswersMax && !answers.empty(); ++i) {
    const std::size_t end = std::min(answers.find(' '), answers.size());
    const std::string_view answer = answers.substr(0, end);
    answers.remove_prefix(std::min(end + 1, answers.size()));
    if (const auto ip = model::IpAddress::parse(answer)) {
      if (const auto* hit = listed.address(*ip))
        out.push_back({hit, "was given the address", "解析到地址", model::EntityKind::kIp, 0.7, false});
    } else if (const auto* hit = listed.domain(answer)) {
      out.push_back({hit, "was given the name", "解析到别名", model::EntityKind::kDomain, 0.8, false});
    }
  }
}

void IndicatorSighting::look(const model::Event& event, const detect::IndicatorMatch& listed,
                             std::vector<Sighted>& out) const {
  switch (event.kind()) {
    case model::EventKind::kFlow:
      return look_at_flow(event.as<model::Flow>(), listed, inbound_, out);
    case model::EventKind::kDns:
      return look_at_dns(event.as<model::Dns>(), listed, out);
    case model::EventKind::kHttp: {
      const auto& http = event.as<model::Http>();
      if (const auto* hit = listed.url(http.host, http.uri))
        out.push_back({hit, "fetched", "访问网址", model::EntityKind::kUrl, 1, false});
      else if (const auto* by_name = listed.domain(http.host))
        out.push_back({by_name, "visited", "访问网站", model::EntityKind::kDomain, 1, false});
      return;
    }
    case model::EventKind::kTls: {
      const auto& tls = event.as<model::Tls>();
      if (const auto* hit = listed.domain(tls.sni))
        out.push_back({hit, "visited", "访问网站", model::EntityKind::kDomain, tls.established ? 1 : 0.9, false});
      if (!tls.certificate_sha1.empty())
        if (const auto* hit = listed.hash(tls.certificate_sha1))
          out.push_back({hit, "was shown the certificate", "收到证书", model::EntityKind::kHash, 1, false});
      return;
    }
    case model::EventKind::kFile: {
      const auto& file = event.as<model::File>();
      for (const std::string_view hash : {file.sha256, file.sha1, file.md5}) {
        if (hash.empty()) continue;
        const auto* hit = listed.hash(hash);
        if (hit == nullptr) continue;
        out.push_back({hit, "received the file", "收到文件", model::EntityKind::kHash, 1, false});
        return;  // one file, one word
      }
      return;
    }
    default:
      return;
  }
}

void IndicatorSighting::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const detect::IndicatorMatch& listed = *context.ports().indicators;
  if (listed.empty()) return;
  found_.clear();
  look(event, listed, found_);
  for (const Sighted& one : found_)
    if (one.hit->confidence >= confidence_min_) sighted(event, one, context);
}

void IndicatorSighting::sighted(const model::Event& event, const Sighted& one, detect::Context& context) {
  const model::IpAddress host = subject(event);
  Entry& entry = table_.touch_hash(host, decltype(table_)::hash(host), event.watermark, nullptr,
                                   [this](Entry& old) { release(old); });
  if (entry.host == nullptr) {
    entry.host = std::make_unique<Host>();
    heap_bytes_ += bytes(*entry.host);
  }
  Host& state = *entry.host;
  const std::uint64_t id = combine64(hash64(one.hit->indicator), hash64(one.where_en));
  auto met = std::find_if(state.met.begin(), state.met.end(), [id](const Met& m) { return m.indicator == id; });
  if (met == state.met.end()) {
    if (state.met.size() == kMetMax) {  // a resolver for thousands: its alert stands already
      ++state.beyond;
      return;
    }
    heap_bytes_ -= bytes(state);
    state.met.push_back({id, 0, 1});
    heap_bytes_ += bytes(state);
    met = state.met.end() - 1;
  }
  if (met->count < 0xffffffffU) ++met->count;
  if (met->count < met->next) return;
  met->next = met->next > 100'000'000 ? 0xffffffffU : met->next * 10;
  emit(event, one, met->count, context);
}

void IndicatorSighting::emit(const model::Event& event, const Sighted& one, std::uint32_t count,
                             detect::Context& context) const {
  const detect::IndicatorHit& hit = *one.hit;
  const model::IpAddress host = subject(event);
  model::Signal signal;
  signal.entity = model::Entity::of(host);
  signal.first = signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(
      std::clamp(hit.severity * one.weight + 2 * std::log10(static_cast<double>(count)), 5.0, 95.0));
  signal.confidence = std::clamp(hit.confidence * one.weight, 0.05, 0.95);
  signal.topic = hit.topic;
  const std::string what(hit.indicator), where_en(one.where_en), where_zh(one.where_zh), list(hit.list),
      topic(hit.topic);
  if (one.source_is_listed) {
    const std::string ours = event.as<model::Flow>().dst.text();
    signal.title.en = "Listed address " + host.text() + " " + where_en + " " + ours;
    signal.title.zh = "情报所列地址 " + host.text() + " 连入 " + ours + " 并" + where_zh;
    signal.peers.push_back(model::Entity::of(event.as<model::Flow>().dst));
  } else {
    signal.title.en = host.text() + " " + where_en + " " + what + (topic.empty() ? "" : " (" + topic + ")");
    signal.title.zh = host.text() + " " + where_zh + " " + what + (topic.empty() ? "" : "（" + topic + "）");
  }
  signal.peers.push_back(model::Entity::text(one.kind, what));
  if (event.kind() == model::EventKind::kFlow && !one.source_is_listed) {
    const model::IpAddress dst = event.as<model::Flow>().dst;
    if (dst.text() != what) signal.peers.push_back(model::Entity::of(dst));
  }
  signal.evidence = {{"sightings", static_cast<double>(count), 1, "times"},
                     {"indicator_severity", static_cast<double>(hit.severity), 0, "of 100"},
                     {"indicator_confidence", hit.confidence, confidence_min_, "ratio"},
                     {"list_" + list, 1, 1, "list"}};
  signal.records.push_back({event.source, event.record});
  context.emit(std::move(signal));
}

void IndicatorSighting::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.host != nullptr ? 1 : 0);
    if (entry.host == nullptr) return;
    w.varint(entry.host->met.size());
    for (const Met& met : entry.host->met) {
      w.u64(met.indicator);
      w.varint(met.count);
      w.varint(met.next);
    }
    w.varint(entry.host->beyond);
  });
}

Result<> IndicatorSighting::load(detect::StateReader& in) {
  TRY(table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.host = std::make_unique<Host>();
    const std::uint64_t size = r.varint();
    if (size > kMetMax) return r.fail("more indicators than a host may have met");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      Met met;
      met.indicator = r.u64();
      met.count = static_cast<std::uint32_t>(r.varint());
      met.next = static_cast<std::uint32_t>(r.varint());
      entry.host->met.push_back(met);
    }
    entry.host->beyond = static_cast<std::uint32_t>(r.varint());
  }));
  heap_bytes_ = 0;
  table_.for_each([this](const model::IpAddress&, const Entry& entry) {
    if (entry.host != nullptr) heap_bytes_ += bytes(*entry.host);
  });
  return {};
}

}  // namespace

const detect::DetectorSpec& indicator_sighting_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "indicator_sighting",
      .title_en = "Indicator sighting",
      .title_zh = "情报命中",
      .finds_en = "An address, network, domain, URL, file or certificate of the indicator library seen in traffic.",
      .finds_zh = "流量中出现情报库所列的地址、网段、域名、网址、文件或证书。",
      .reads = {model::EventKind::kFlow, model::EventKind::kDns, model::EventKind::kHttp, model::EventKind::kTls,
                model::EventKind::kFile},
      .entity = model::EntityKind::kIp,
      .topic = "indicator",
      .techniques = {},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"confidence_min", "ratio", 0.3, 0, 1, "indicators below this confidence are not spoken of",
               "低于此置信度的情报不告警"},
              {"inbound", "switch", 1, 0, 1, "1: also listed addresses that came in and were answered",
               "1：外来的所列地址得到应答时也告警"},
          },
      .false_positives_en =
          "Stale indicators on shared hosting or re-used addresses; security staff and scanners that look names up; a "
          "resolver "
          "asking for its clients. Look at the list, its age and whether data flowed.",
      .false_positives_zh =
          "情报过期而地址被他人使用、共享主机；安全人员与扫描器的查询；解析服务器代客户查询。应看名单来源、时效以及是否"
          "有数据往来。",
      .evidence =
          {
              {"sightings", "times seen", "命中次数", "times", "次", detect::Bound::kAtLeast},
              {"indicator_severity", "severity of the indicator (of 100)", "情报严重度（满分 100）", "points", "分"},
              {"indicator_confidence", "confidence of the indicator", "情报置信度", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"list_*", "listed by *", "列入名单 *", "", ""},
          },
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_indicator_sighting(const detect::Options& options) {
  return std::make_unique<IndicatorSighting>(options);
}

}  // namespace pandun::detectors
