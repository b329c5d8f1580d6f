#include "sources/zeek/logs.h"

#include <fmt/format.h>

#include <algorithm>

#include "sources/kit/scan.h"

namespace pandun::sources::zeek {
namespace {

using model::RejectReason;

constexpr std::size_t kTextMax = 4096, kMessageMax = 256;

// Every log with a connection has these five first.
enum Common : std::size_t { kTs, kOrigHost, kOrigPort, kRespHost, kRespPort, kFirstOwn };

bool wrong(Fault& fault, RejectReason reason, std::string_view what) {
  fault = {reason, std::string(what)};
  return false;
}

// Fields of one row, with the first fault found.
class Reader {
 public:
  Reader(const Row& row, const LogType& log, Fault& fault) : row_(row), log_(log), fault_(fault) {}

  bool good() const { return good_; }
  std::string_view raw(std::size_t slot) const { return row_.at[slot]; }

  model::IpAddress address(std::size_t slot) {
    const std::string_view text = row_.at[slot];
    if (text.empty()) return {};
    const auto ip = parse_ip(text);
    if (!ip) fail(RejectReason::kBadAddress, slot, "is not an IP address");
    return ip.value_or(model::IpAddress{});
  }
  model::IpAddress needed_address(std::size_t slot) {
    if (row_.at[slot].empty()) {
      fail(RejectReason::kMissingField, slot, "is missing");
      return {};
    }
    return address(slot);
  }
  template <typename Number>
  Number number(std::size_t slot, Number unset, std::int64_t most) {
    const std::string_view text = row_.at[slot];
    if (text.empty()) return unset;
    std::int64_t value = 0;
    if (!parse_digits(text, value) || value > most) {
      // Some JSON writers give counts a fraction of zero: "719.0".
      if (!text.ends_with(".0") || !parse_digits(text.substr(0, text.size() - 2), value) || value > most) {
        fail(RejectReason::kBadValue, slot, "is not a whole number in its range");
        return unset;
      }
    }
    return static_cast<Number>(value);
  }
  std::uint16_t port(std::size_t slot) { return number<std::uint16_t>(slot, 0, 65535); }
  std::int64_t bytes(std::size_t slot) { return number<std::int64_t>(slot, -1, INT64_MAX); }
  std::int64_t milliseconds(std::size_t slot) {
    const std::string_view text = row_.at[slot];
    std::int64_t value = -1;
    // Zeek writes a negative interval when packets came out of order: as good as none.
    if (!text.empty() && text[0] == '-') return 0;
    if (!text.empty() && !parse_thousandths(text, value))
      fail(RejectReason::kBadValue, slot, "is not a number of seconds");
    return value;
  }
  // "T"/"F" or "true"/"false"
  model::Answered truth(std::size_t slot) {
    const std::string_view text = row_.at[slot];
    if (text.empty()) return model::Answered::kUnknown;
    if (text == "T" || text == "true") return model::Answered::kYes;
    if (text == "F" || text == "false") return model::Answered::kNo;
    fail(RejectReason::kBadValue, slot, "is neither true nor false");
    return model::Answered::kUnknown;
  }
  std::string_view text(std::size_t slot, DecodeSink& sink, std::size_t bytes_max = kTextMax) {
    return keep(row_.at[slot], sink, bytes_max);
  }
  std::string_view first_of(std::size_t slot) const {
    const std::string_view set = row_.at[slot];
    return set.substr(0, set.find(row_.set_separator));
  }
  std::string_view lower_hex(std::string_view hex, DecodeSink& sink) {
    if (hex.empty()) return {};
    char* out = sink.arena->allocate(hex.size());
    std::transform(hex.begin(), hex.end(), out,
                   [](char c) { return c >= 'A' && c <= 'F' ? static_cast<char>(c + 32) : c; });
    return {out, hex.size()};
  }
  // A vector's members with one space between.
  std::string_view joined(std::size_t slot, DecodeSink& sink) {
    const std::string_view set = keep(row_.at[slot], sink, kTextMax);
    if (set.find(row_.set_separator) == std::string_view::npos) return set;
    char* out = sink.arena->allocate(set.size());
    std::replace_copy(set.begin(), set.end(), out, row_.set_separator, ' ');
    return {out, set.size()};
  }

 private:
  void fail(RejectReason reason, std::size_t slot, std::string_view what) {
    if (good_) fault_ = {reason, fmt::format("{} {}", log_.slots[slot], what)};
    good_ = false;
  }
  static int hex(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  }
  // \xHH becomes its byte, but control characters stay escaped; "\\" becomes one backslash.
  static void unescape(std::string_view text, std::string& out) {
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '\\' || i + 1 == text.size()) {
        out += text[i];
      } else if (text[i + 1] == '\\') {
        out += text[++i];
      } else if (text[i + 1] == 'x' && i + 3 < text.size() && hex(text[i + 2]) >= 2 && hex(text[i + 3]) >= 0) {
        out += static_cast<char>(hex(text[i + 2]) * 16 + hex(text[i + 3]));
        i += 3;
      } else {
        out += text[i];
      }
    }
  }
  std::string_view keep(std::string_view text, DecodeSink& sink, std::size_t bytes_max) {
    if (!row_.escaped || text.find('\\') == std::string_view::npos) return sink.arena->copy(cut_utf8(text, bytes_max));
    std::string plain, clean;
    unescape(text, plain);
    if (valid_utf8(plain)) return sink.arena->copy(cut_utf8(plain, bytes_max));
    repair_utf8(plain, clean);
    return sink.arena->copy(cut_utf8(clean, bytes_max));
  }

  const Row& row_;
  const LogType& log_;
  Fault& fault_;
  bool good_ = true;
};

// The names that fill a conn.log need no copy.
std::string_view service_name(std::string_view text, DecodeSink& sink) {
  constexpr std::array<std::string_view, 16> kKnown{"dns",  "http", "ssl",      "ssh",     "ntp", "quic",
                                                    "dhcp", "smtp", "ssl,http", "krb_tcp", "ftp", "rdp",
                                                    "sip",  "snmp", "irc",      "ssl,quic"};
  if (text.empty()) return {};
  for (const std::string_view known : kKnown)
    if (text == known) return known;
  return sink.arena->copy(cut_utf8(text, 64));
}

std::uint8_t protocol_number(std::string_view name, const model::IpAddress& src) {
  if (name == "tcp") return 6;
  if (name == "udp") return 17;
  if (name == "icmp") return src.is_v4() ? 1 : 58;
  return name == "sctp" ? 132 : 0;
}

// "S0" and its kin as one integer, so that the state of every connection is one switch.
constexpr std::uint64_t word(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) value = (value << 8) | static_cast<unsigned char>(c);
  return value;
}

model::FlowState flow_state(std::string_view text, bool data) {
  using enum model::FlowState;
  if (text.size() > 8) return kUnknown;
  switch (word(text)) {
    case word("S0"):      // SYN, no answer
    case word("SH"):      // SYN and FIN, no answer
    case word("SHR"):     // only the far side seen
    case word("RSTOS0"):  // SYN, then the near side reset without an answer
      return kAttempted;
    case word("REJ"):
    case word("RSTRH"):  // SYN-ACK and reset from the far side, no SYN seen
      return kRejected;
    case word("RSTO"):
    case word("RSTR"):
      return data ? kEstablished : kRejected;
    case word("S1"):
    case word("S2"):
    case word("S3"):
    case word("SF"):
      return kEstablished;
    case word("OTH"):
      return kMidstream;
    default:
      return kUnknown;
  }
}

bool build_conn(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_dns(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_http(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_ssl(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_files(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_x509(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_notice(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);
bool build_ssh(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);

enum Log : std::size_t { kConn, kDns, kHttp, kSsl, kFiles, kX509, kNotice, kSsh };

// clang-format off
std::vector<LogType> make_log_types() {
  return {
    {"conn", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto", "service", "duration", "orig_bytes", "resp_bytes",
              "conn_state", "orig_pkts", "resp_pkts"},
     {"uid", "local_orig", "local_resp", "missed_bytes", "history", "orig_ip_bytes", "resp_ip_bytes", "tunnel_parents", "vlan",
      "inner_vlan", "orig_l2_addr", "resp_l2_addr", "ip_proto", "failed_service"}, build_conn},
    {"dns", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "query", "qtype", "rcode", "answers"},
     {"uid", "proto", "trans_id", "rtt", "qclass", "qclass_name", "qtype_name", "rcode_name", "AA", "TC", "RD", "RA", "Z", "TTLs",
      "rejected", "total_answers", "total_replies", "saw_query", "saw_reply", "opcode", "opcode_name"}, build_dns},
    {"http", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "method", "host", "uri", "user_agent", "request_body_len",
              "response_body_len", "status_code"},
     {"uid", "trans_depth", "referrer", "version", "status_msg", "info_code", "info_msg", "filename", "tags", "username", "password",
      "proxied", "orig_fuids", "orig_filenames", "orig_mime_types", "resp_fuids", "resp_filenames", "resp_mime_types", "origin"},
     build_http},
    {"ssl", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "server_name", "ja3", "ja3s", "established", "cert_chain_fps"},
     {"uid", "version", "cipher", "curve", "resumed", "last_alert", "next_protocol", "ssl_history", "cert_chain_fuids",
      "client_cert_chain_fuids", "client_cert_chain_fps", "subject", "issuer", "client_subject", "client_issuer", "sni_matches_cert",
      "validation_status", "session_id", "issuer_subject", "not_valid_before", "not_valid_after", "client_issuer_subject",
      "cert_hash", "client_subject"}, build_ssl},
    {"files", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "tx_hosts", "rx_hosts", "is_orig", "mime_type", "filename",
               "seen_bytes", "total_bytes", "md5", "sha1", "sha256"},
     {"fuid", "uid", "conn_uids", "source", "depth", "analyzers", "duration", "local_orig", "missing_bytes", "overflow_bytes",
      "timedout", "parent_fuid", "extracted", "extracted_cutoff", "extracted_size"}, build_files},
    {"x509", {"ts", "fingerprint", "certificate.subject"},
     {"id", "certificate.*", "san.*", "basic_constraints.*", "host_cert", "client_cert"}, build_x509},
    {"notice", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "note", "msg", "sub", "src", "dst", "p"},
     {"uid", "fuid", "file_mime_type", "file_desc", "proto", "n", "peer_descr", "peer_name", "actions", "email_dest",
      "email_body_sections", "email_delay_tokens", "identifier", "suppress_for", "dropped", "remote_location.*"}, build_notice},
    {"ssh", {"ts", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "auth_success", "auth_attempts", "status"},
     {"uid", "version", "direction", "client", "server", "cipher_alg", "mac_alg", "compression_alg", "kex_alg", "host_key_alg",
      "host_key", "host_key_fingerprint", "remote_location.*", "resp_size", "inferred"}, build_ssh},
  };
}
// clang-format on

bool build_conn(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t {
    kProto = kFirstOwn,
    kService,
    kDuration,
    kOrigBytes,
    kRespBytes,
    kState,
    kOrigPkts,
    kRespPkts
  };
  Reader read(row, log_types()[kConn], fault);
  auto& flow = add_event<model::Flow>(sink, record, time);
  flow.src = read.needed_address(kOrigHost);
  flow.dst = read.needed_address(kRespHost);
  flow.src_port = read.port(kOrigPort);
  flow.dst_port = read.port(kRespPort);
  flow.protocol = protocol_number(read.raw(kProto), flow.src);
  // Zeek keeps ICMP's type and code where ports stand.
  if (flow.protocol == 1 || flow.protocol == 58) flow.src_port = flow.dst_port = 0;
  flow.bytes_out = read.bytes(kOrigBytes);
  flow.bytes_in = read.bytes(kRespBytes);
  flow.packets_out = read.number<std::int32_t>(kOrigPkts, -1, INT32_MAX);
  flow.packets_in = read.number<std::int32_t>(kRespPkts, -1, INT32_MAX);
  flow.duration_ms = read.milliseconds(kDuration);
  flow.state = flow_state(read.raw(kState), flow.bytes_out > 0 || flow.bytes_in > 0);
  if (!read.good()) {
    sink.batch->events.pop_back();
    return false;
  }
  flow.service = service_name(read.raw(kService), sink);
  return true;
}

bool build_dns(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kQuery = kFirstOwn, kQtype, kRcode, kAnswers };
  Reader read(row, log_types()[kDns], fault);
  auto& dns = add_event<model::Dns>(sink, record, time);
  dns.client = read.needed_address(kOrigHost);
  dns.server = read.needed_address(kRespHost);
  dns.qtype = read.number<std::uint16_t>(kQtype, 0, 65535);
  dns.rcode = read.number<std::int16_t>(kRcode, -1, 4095);
  read.port(kRespPort);
  if (!read.good()) {
    sink.batch->events.pop_back();
    return false;
  }
  dns.query = read.text(kQuery, sink);
  dns.answers = read.joined(kAnswers, sink);
  return true;
}

bool build_http(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kMethod = kFirstOwn, kHost, kUri, kAgent, kRequest, kResponse, kStatus };
  Reader read(row, log_types()[kHttp], fault);
  auto& http = add_event<model::Http>(sink, record, time);
  http.client = read.needed_address(kOrigHost);
  http.server = read.needed_address(kRespHost);
  http.server_port = read.port(kRespPort);
  http.status = read.number<std::uint16_t>(kStatus, 0, 65535);
  http.bytes_out = read.bytes(kRequest);
  http.bytes_in = read.bytes(kResponse);
  if (!read.good()) {
    sink.batch->events.pop_back();
    return false;
  }
  http.method = read.text(kMethod, sink, 64);
  http.host = read.text(kHost, sink, 1024);
  http.uri = read.text(kUri, sink);
  http.user_agent = read.text(kAgent, sink, 1024);
  return true;
}

bool build_ssl(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kName = kFirstOwn, kJa3, kJa3s, kEstablished, kFingerprints };
  Reader read(row, log_types()[kSsl], fault);
  auto& tls = add_event<model::Tls>(sink, record, time);
  tls.client = read.needed_address(kOrigHost);
  tls.server = read.needed_address(kRespHost);
  tls.server_port = read.port(kRespPort);
  tls.established = read.truth(kEstablished) == model::Answered::kYes;
  if (!read.good()) {
    sink.batch->events.pop_back();
    return false;
  }
  tls.sni = read.text(kName, sink, 1024);
  tls.ja3 = read.text(kJa3, sink, 64);
  tls.ja3s = read.text(kJa3s, sink, 64);
  tls.certificate_sha1 = read.lower_hex(read.first_of(kFingerprints).substr(0, 128), sink);
  return true;
}

bool build_files(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kTx = kFirstOwn, kRx, kIsOrig, kMime, kName, kSeen, kTotal, kMd5, kSha1, kSha256 };
  Reader read(row, log_types()[kFiles], fault);
  auto& file = add_event<model::File>(sink, record, time);
  const auto first_address = [&](std::size_t slot) {
    return parse_ip(read.first_of(slot)).value_or(model::IpAddress{});
  };
  file.server = first_address(kTx);
  file.client = first_address(kRx);
  if (read.raw(kTx).empty() && read.raw(kRx).empty()) {  // Zeek 6 and later name the connection instead
    const bool from_orig = read.truth(kIsOrig) == model::Answered::kYes;
    file.server = read.address(from_orig ? kOrigHost : kRespHost);
    file.client = read.address(from_orig ? kRespHost : kOrigHost);
  }
  const std::int64_t total = read.bytes(kTotal), seen = read.bytes(kSeen);
  file.bytes = total >= 0 ? total : seen;
  if (!read.good()) {
    sink.batch->events.pop_back();
    return false;
  }
  file.sha256 = read.lower_hex(read.raw(kSha256).substr(0, 64), sink);
  file.sha1 = read.lower_hex(read.raw(kSha1).substr(0, 40), sink);
  file.md5 = read.lower_hex(read.raw(kMd5).substr(0, 32), sink);
  file.mime = read.text(kMime, sink, 128);
  file.name = read.text(kName, sink, 1024);
  return true;
}

// A certificate is a file that was seen: its fingerprint is the hash of its bytes (SHA-256 unless the site chose SHA-1).
bool build_x509(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kFingerprint = 1, kSubject };
  Reader read(row, log_types()[kX509], fault);
  auto& file = add_event<model::File>(sink, record, time);
  const std::string_view hash = read.lower_hex(read.raw(kFingerprint).substr(0, 64), sink);
  (hash.size() == 40 ? file.sha1 : file.sha256) = hash;
  file.mime = "application/x-x509-cert";
  file.name = read.text(kSubject, sink, 1024);
  return true;
}

bool build_notice(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kNote = kFirstOwn, kMsg, kSub, kSrc, kDst, kPort };
  const auto either = [&](std::size_t first, std::size_t second) { return row.at[first].empty() ? second : first; };
  if (row.at[kNote].empty()) return wrong(fault, RejectReason::kMissingField, "note is missing");
  Reader read(row, log_types()[kNotice], fault);
  auto& seen = add_event<model::Sighting>(sink, record, time);
  seen.client = read.address(either(kOrigHost, kSrc));
  seen.server = read.address(either(kRespHost, kDst));
  seen.server_port = read.port(either(kRespPort, kPort));
  if (!read.good()) {
    sink.batch->events.pop_back();
    return false;
  }
  seen.name = read.text(kNote, sink, 128);
  seen.category = "zeek_notice";
  seen.message = read.text(kMsg, sink, kMessageMax);
  return true;
}

bool build_ssh(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) {
  enum Slot : std::size_t { kSuccess = kFirstOwn, kAttempts, kStatus };
  Reader read(row, log_types()[kSsh], fault);
  auto& login = add_event<model::Login>(sink, record, time);
  login.client = read.needed_address(kOrigHost);
  login.server = read.needed_address(kRespHost);
  login.server_port = read.port(kRespPort);
  login.succeeded = read.truth(kSuccess);
  if (read.raw(kStatus) == "success") login.succeeded = model::Answered::kYes;  // before Zeek 2.5
  if (read.raw(kStatus) == "failure") login.succeeded = model::Answered::kNo;
  login.attempts = read.number<std::int32_t>(kAttempts, 1, INT32_MAX);
  login.service = "ssh";
  if (read.good()) return true;
  sink.batch->events.pop_back();
  return false;
}

}  // namespace

int LogType::slot_of(std::string_view column) const {
  const auto found = std::find(slots.begin(), slots.end(), column);
  return found == slots.end() ? -1 : static_cast<int>(found - slots.begin());
}

bool LogType::knows(std::string_view column) const {
  if (slot_of(column) >= 0 || column == "_path" || column == "_write_ts") return true;
  if (column.starts_with("id.orig_") || column.starts_with("id.resp_")) return true;
  return std::any_of(also.begin(), also.end(), [&](std::string_view own) {
    return own.ends_with('*') ? column.starts_with(own.substr(0, own.size() - 1)) : column == own;
  });
}

const std::vector<LogType>& log_types() {
  static const std::vector<LogType> types = make_log_types();
  return types;
}

const LogType* log_type(std::string_view name) {
  for (const LogType& type : log_types())
    if (type.name == name) return &type;
  return nullptr;
}

}  // namespace pandun::sources::zeek
