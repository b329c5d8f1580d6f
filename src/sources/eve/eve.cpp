// Suricata's EVE JSON: one record a line. docs/inputs.md says which event types are read and how.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sources/eve/record.h"
#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"
#include "sources/kit/record_time.h"
#include "sources/kit/scan.h"

namespace pandun::sources {
namespace {

using namespace eve;
using model::RejectReason;

constexpr std::size_t kTextMax = 4096;

const SourceSpec& spec() {
  using enum model::EventKind;
  static const SourceSpec value{
      "eve",
      "Suricata EVE JSON",
      "Suricata EVE JSON",
      "Suricata's EVE JSON lines, plain or .gz: flow, alert, dns (versions 1, 2, 3), http, tls, fileinfo; every other "
      "event_type is "
      "counted by name and not used. Times: ISO 8601 with an offset, also without a colon (+0800).",
      "Suricata 的 EVE JSON 行，可为 .gz：flow、alert、dns（版本 1、2、3）、http、tls、fileinfo；其他 event_type "
      "仅按名称计数。"
      "时间：带时区偏移的 ISO 8601，偏移可不带冒号（+0800）。",
      {kFlow, kDns, kHttp, kTls, kFile, kSighting},
      false};
  return value;
}

struct Fault {
  RejectReason reason{};
  std::string detail;
};

// Fields of one record, with the first fault found.
class Reader {
 public:
  Reader(const Record& record, DecodeSink& sink) : record_(record), sink_(sink) {}

  bool good() const { return good_; }
  Fault take_fault() { return std::move(fault_); }
  std::string_view raw(Slot slot) const { return record_[slot]; }

  model::IpAddress address(Slot slot, std::string_view name) {
    if (record_[slot].empty()) fail(RejectReason::kMissingField, name, "is missing");
    const auto ip = parse_ip(record_[slot]);
    if (!ip) fail(RejectReason::kBadAddress, name, "is not an IP address");
    return ip.value_or(model::IpAddress{});
  }
  template <typename Number>
  Number number(Slot slot, std::string_view name, Number unset, std::int64_t most) {
    std::int64_t value = 0;
    if (record_[slot].empty()) return unset;
    if (!parse_digits(record_[slot], value) || value > most)
      fail(RejectReason::kBadValue, name, "is not a whole number in its range");
    return value > most ? unset : static_cast<Number>(value);
  }
  std::uint16_t port(Slot slot, std::string_view name) { return number<std::uint16_t>(slot, name, 0, 65535); }
  std::string_view text(Slot slot, std::size_t bytes_max = kTextMax) {
    return sink_.arena->copy(cut_utf8(record_[slot], bytes_max));
  }
  // Hashes and fingerprints: lower case, without colons.
  std::string_view hex(Slot slot) {
    const std::string_view in = record_[slot].substr(0, 192);
    if (in.empty()) return {};
    char* out = sink_.arena->allocate(in.size());
    std::size_t size = 0;
    for (const char c : in)
      if (c != ':') out[size++] = c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c;
    return {out, size};
  }

 private:
  void fail(RejectReason reason, std::string_view name, std::string_view what) {
    if (good_) fault_ = {reason, fmt::format("{} {}", name, what)};
    good_ = false;
  }
  const Record& record_;
  DecodeSink& sink_;
  Fault fault_;
  bool good_ = true;
};

std::uint8_t protocol_number(std::string_view name) {
  if (name == "TCP") return 6;
  if (name == "UDP") return 17;
  if (name == "ICMP") return 1;
  if (name == "IPv6-ICMP" || name == "ICMPv6") return 58;
  return name == "SCTP" ? 132 : 0;
}

unsigned tcp_flags(std::string_view hex) {
  unsigned value = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
  return value;
}

model::FlowState flow_state(const Record& r, std::int32_t packets_in) {
  constexpr unsigned kRst = 0x04, kPsh = 0x08;
  const unsigned both = tcp_flags(r[kFlagsOut]) | tcp_flags(r[kFlagsIn]);
  if (r[kProto] == "TCP" && (both & kRst) != 0 && (both & kPsh) == 0 && packets_in != 0)
    return model::FlowState::kRejected;
  if (packets_in == 0) return model::FlowState::kAttempted;
  if (r[kFlowState].empty() && packets_in < 0) return model::FlowState::kUnknown;
  return model::FlowState::kEstablished;
}

struct Name {
  std::string_view text;
  int value;
};
// IANA DNS parameters: resource record types and rcodes by the names Suricata writes.
constexpr std::array<Name, 34> kTypes{
    {{"A", 1},      {"NS", 2},     {"MD", 3},     {"MF", 4},      {"CNAME", 5},  {"SOA", 6},    {"MB", 7},
     {"MG", 8},     {"MR", 9},     {"NULL", 10},  {"WKS", 11},    {"PTR", 12},   {"HINFO", 13}, {"MINFO", 14},
     {"MX", 15},    {"TXT", 16},   {"RP", 17},    {"AFSDB", 18},  {"SIG", 24},   {"KEY", 25},   {"AAAA", 28},
     {"LOC", 29},   {"SRV", 33},   {"NAPTR", 35}, {"CERT", 37},   {"DNAME", 39}, {"OPT", 41},   {"DS", 43},
     {"SSHFP", 44}, {"RRSIG", 46}, {"NSEC", 47},  {"DNSKEY", 48}, {"NSEC3", 50}, {"TLSA", 52}}};
constexpr std::array<Name, 9> kTypesMore{{{"NSEC3PARAM", 51},
                                          {"CDS", 59},
                                          {"SVCB", 64},
                                          {"HTTPS", 65},
                                          {"SPF", 99},
                                          {"AXFR", 252},
                                          {"ANY", 255},
                                          {"ALL", 255},
                                          {"CAA", 257}}};
constexpr std::array<Name, 11> kRcodes{{{"NOERROR", 0},
                                        {"FORMERR", 1},
                                        {"SERVFAIL", 2},
                                        {"NXDOMAIN", 3},
                                        {"NOTIMP", 4},
                                        {"REFUSED", 5},
                                        {"YXDOMAIN", 6},
                                        {"YXRRSET", 7},
                                        {"NXRRSET", 8},
                                        {"NOTAUTH", 9},
                                        {"NOTZONE", 10}}};

template <typename Table>
int value_of(const Table& table, std::string_view text, int otherwise) {
  for (const Name& name : table)
    if (name.text == text) return name.value;
  return otherwise;
}

int digits_or(std::string_view text, int otherwise) {
  std::int64_t value = 0;
  return parse_digits(text, value) && value <= 65535 ? static_cast<int>(value) : otherwise;
}

std::uint16_t qtype_of(std::string_view text) {
  if (text.starts_with("TYPE")) text.remove_prefix(4);
  return static_cast<std::uint16_t>(value_of(kTypes, text, value_of(kTypesMore, text, digits_or(text, 0))));
}

class EveDecoder final : public LineDecoder {
 public:
  void line(std::string_view text, std::uint64_t record, DecodeSink& sink) override {
    if (text.find_first_not_of(" \t") == std::string_view::npos) return;
    ++sink.counts->records;
    if (text[0] != '{' || !reader_.read(text, fields_)) {
      reject(sink, record, RejectReason::kBadJson, "not one whole JSON object", text);
      return;
    }
    const std::string_view type = fields_[kType];
    if (type.empty()) {
      reject(sink, record, RejectReason::kUnknownRecord, "event_type is missing: not a Suricata EVE record", text);
      return;
    }
    const auto build = builder(type);
    if (!build) return unread(sink, type);
    Fault fault;
    EventMs time;
    if (fields_[kTimestamp].empty()) {
      fault = {RejectReason::kMissingField, "timestamp is missing"};
    } else if (!time_.read(fields_[kTimestamp], time, fault.reason)) {
      fault.detail = "timestamp: " + time_.why(fault.reason);
    } else {
      Reader read(fields_, sink);
      const std::size_t before = sink.batch->events.size();
      (this->*build)(read, record, time, sink);
      if (read.good()) return;
      sink.batch->events.resize(before);
      fault = read.take_fault();
    }
    reject(sink, record, fault.reason, std::move(fault.detail), text);
  }

  Result<> check_head(std::string_view first_line) const override {
    const auto has = [&](std::string_view key) { return first_line.find(key) != std::string_view::npos; };
    if (first_line.starts_with("#separator") || first_line.starts_with("#fields") || has("\"id.orig_h\"") ||
        has("\"_path\""))
      return error(Errc::kBadInput, {}, "this is a Zeek log; give it as zeek:PATH");
    return {};
  }

 private:
  using Builder = void (EveDecoder::*)(Reader&, std::uint64_t, EventMs, DecodeSink&);
  static Builder builder(std::string_view type) {
    if (type == "flow") return &EveDecoder::flow;
    if (type == "dns") return &EveDecoder::dns;
    if (type == "alert") return &EveDecoder::alert;
    if (type == "http") return &EveDecoder::http;
    if (type == "tls") return &EveDecoder::tls;
    if (type == "fileinfo") return &EveDecoder::fileinfo;
    return nullptr;
  }

  // A flow's event time is its start, as in a Zeek conn.log; the record itself is written at its end.
  void flow(Reader& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
    EventMs start = time, end = time;
    RejectReason reason{};
    const bool spans = time_.read(read.raw(kStart), start, reason) && time_.read(read.raw(kEnd), end, reason);
    auto& flow = add_event<model::Flow>(sink, record, spans ? start : time);
    flow.src = read.address(kSrcIp, "src_ip");
    flow.dst = read.address(kDestIp, "dest_ip");
    flow.src_port = read.port(kSrcPort, "src_port");
    flow.dst_port = read.port(kDestPort, "dest_port");
    flow.protocol = protocol_number(read.raw(kProto));
    flow.bytes_out = read.number<std::int64_t>(kBytesOut, "flow.bytes_toserver", -1, INT64_MAX);
    flow.bytes_in = read.number<std::int64_t>(kBytesIn, "flow.bytes_toclient", -1, INT64_MAX);
    flow.packets_out = read.number<std::int32_t>(kPktsOut, "flow.pkts_toserver", -1, INT32_MAX);
    flow.packets_in = read.number<std::int32_t>(kPktsIn, "flow.pkts_toclient", -1, INT32_MAX);
    if (spans) flow.duration_ms = std::max<std::int64_t>(0, (end - start).count());
    flow.state = flow_state(fields_, flow.packets_in);
    if (read.raw(kAppProto) != "failed") flow.service = read.text(kAppProto, 64);
  }

  void dns(Reader& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
    auto& dns = add_event<model::Dns>(sink, record, time);
    dns.client = read.address(kSrcIp, "src_ip");
    dns.server = read.address(kDestIp, "dest_ip");
    const std::uint16_t from = read.port(kSrcPort, "src_port"), to = read.port(kDestPort, "dest_port");
    const std::string_view type = read.raw(kDnsType);
    const bool answer = type == "answer" || type == "response";
    // Suricata 4 to 6 write an answer from the server's side, 7 and later from the client's.
    if (answer && from == 53 && to != 53) std::swap(dns.client, dns.server);
    dns.query = read.text(kRrname, 1024);
    dns.qtype = qtype_of(read.raw(kRrtype));
    if (!answer) return;
    dns.rcode = static_cast<std::int16_t>(value_of(kRcodes, read.raw(kRcode), digits_or(read.raw(kRcode), -1)));
    dns.answers = read.text(read.raw(kAnswers).empty() ? kRdata : kAnswers);
  }

  void alert(Reader& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
    auto& seen = add_event<model::Sighting>(sink, record, time);
    const bool to_client = read.raw(kDirection) == "to_client";  // the packet that matched went from server to client
    seen.client = read.address(to_client ? kDestIp : kSrcIp, to_client ? "dest_ip" : "src_ip");
    seen.server = read.address(to_client ? kSrcIp : kDestIp, to_client ? "src_ip" : "dest_ip");
    seen.server_port = read.port(to_client ? kSrcPort : kDestPort, to_client ? "src_port" : "dest_port");
    seen.severity = read.number<std::int16_t>(kSeverity, "alert.severity", -1, 255);
    seen.name = read.text(kSignature, 256);
    seen.category = read.text(kCategory, 128);
    seen.message = sink.arena->copy(
        cut_utf8(fmt::format("{}:{}:{} {}", read.raw(kGid), read.raw(kSid), read.raw(kRev), read.raw(kAction)), 256));
  }

  void http(Reader& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
    auto& http = add_event<model::Http>(sink, record, time);
    http.client = read.address(kSrcIp, "src_ip");
    http.server = read.address(kDestIp, "dest_ip");
    http.server_port = read.port(kDestPort, "dest_port");
    http.status = read.number<std::uint16_t>(kStatus, "http.status", 0, 65535);
    http.bytes_in = read.number<std::int64_t>(kLength, "http.length", -1, INT64_MAX);
    http.method = read.text(kMethod, 64);
    http.host = read.text(kHostname, 1024);
    http.uri = read.text(kUrl);
    http.user_agent = read.text(kAgent, 1024);
  }

  void tls(Reader& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
    auto& tls = add_event<model::Tls>(sink, record, time);
    tls.client = read.address(kSrcIp, "src_ip");
    tls.server = read.address(kDestIp, "dest_ip");
    tls.server_port = read.port(kDestPort, "dest_port");
    tls.established = true;  // Suricata writes the record once the handshake was seen
    tls.sni = read.text(kSni, 1024);
    tls.ja3 = read.text(kJa3, 64);
    tls.ja3s = read.text(kJa3s, 64);
    tls.certificate_sha1 = read.hex(kFingerprint);
  }

  void fileinfo(Reader& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
    auto& file = add_event<model::File>(sink, record, time);
    file.server = read.address(kSrcIp, "src_ip");  // the record runs the way the file went
    file.client = read.address(kDestIp, "dest_ip");
    file.sha256 = read.hex(kSha256);
    file.sha1 = read.hex(kSha1);
    file.md5 = read.hex(kMd5);
    file.mime = read.text(read.raw(kContentType).empty() ? kMagic : kContentType, 128);
    file.name = read.text(kFileName, 1024);
    file.bytes = read.number<std::int64_t>(kFileSize, "fileinfo.size", -1, INT64_MAX);
  }

  RecordReader reader_;
  Record fields_{};
  RecordTime time_ = RecordTime::stated(TimeForm::kRfc3339).loose_offset();
};

bool takes_file(std::string_view name) {
  name = base_name(name);
  const bool json =
      name.ends_with(".json") || name.ends_with(".ndjson") || name.ends_with(".jsonl") || name.ends_with(".log");
  return json && name_has(name, {"eve", "suricata"}) && name != "suricata.log";
}

// Flows stand at their start and are written when they end or time out.
std::chrono::milliseconds disorder(std::string_view) {
  return std::chrono::seconds(300);
}

Result<std::unique_ptr<LineDecoder>> open(const Input&, std::string_view, std::string_view) {
  return std::unique_ptr<LineDecoder>(std::make_unique<EveDecoder>());
}

}  // namespace

SourcePart eve_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
