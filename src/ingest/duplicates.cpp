#include "ingest/duplicates.h"

#include <array>
#include <cstring>
#include <string>
#include <type_traits>

namespace pandun::ingest {
namespace {

// Every field of a payload, in order, as bytes: strings with their length in front, so that no two records run together.
class Bytes {
 public:
  void add(std::string_view text) {
    add(text.size());
    bytes_.append(text);
  }
  template <typename T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void add(T value) {
    std::array<char, sizeof(T)> raw{};
    std::memcpy(raw.data(), &value, sizeof(T));
    bytes_.append(raw.data(), raw.size());
  }
  void add(model::NumberKey number) { add(number.bits()); }
  void add(const model::IpAddress& ip) {
    add(ip.hi);
    add(ip.lo);
  }
  template <typename... T>
  void all(const T&... values) {
    (add(values), ...);
  }
  const std::string& text() const { return bytes_; }

 private:
  std::string bytes_;
};

void put(Bytes& out, const model::Call& e) {
  out.all(e.caller_text, e.callee_text, e.caller, e.callee, e.caller_device, e.caller_cell, e.callee_cell, e.route,
          e.duration_s, e.release_cause, e.answered, e.international, e.roaming, e.ring_s, e.callee_device);
}
void put(Bytes& out, const model::Message& e) {
  out.all(e.sender_text, e.recipient_text, e.sender, e.recipient, e.sender_device, e.sender_cell, e.route, e.segments,
          e.international, e.template_hash, e.link_domain);
}
void put(Bytes& out, const model::Flow& e) {
  out.all(e.src, e.dst, e.src_port, e.dst_port, e.protocol, e.state, e.bytes_out, e.bytes_in, e.packets_out,
          e.packets_in, e.duration_ms, e.service);
}
void put(Bytes& out, const model::Dns& e) {
  out.all(e.client, e.server, e.query, e.answers, e.qtype, e.rcode);
}
void put(Bytes& out, const model::Http& e) {
  out.all(e.client, e.server, e.server_port, e.status, e.method, e.host, e.uri, e.user_agent, e.bytes_out, e.bytes_in);
}
void put(Bytes& out, const model::Tls& e) {
  out.all(e.client, e.server, e.server_port, e.established, e.sni, e.ja3, e.ja3s, e.certificate_sha1);
}
void put(Bytes& out, const model::File& e) {
  out.all(e.client, e.server, e.sha256, e.sha1, e.md5, e.mime, e.name, e.bytes);
}
void put(Bytes& out, const model::Login& e) {
  out.all(e.client, e.server, e.server_port, e.succeeded, e.attempts, e.service);
}
void put(Bytes& out, const model::Opening& e) {
  out.all(e.number_text, e.number, e.holder, e.agent, e.plan);
}
void put(Bytes& out, const model::CellReport& e) {
  out.all(e.reporter_text, e.sender_text, e.reporter, e.sender, e.cell, e.near_cell, e.oddity);
}
void put(Bytes& out, const model::CallProgress& e) {
  out.all(e.caller_text, e.callee_text, e.caller, e.callee, e.call, e.route, e.since_s, e.stage, e.international);
}
void put(Bytes& out, const model::Sighting& e) {
  out.all(e.client, e.server, e.server_port, e.severity, e.name, e.category, e.message);
}

}  // namespace

Hash128 record_hash(const model::Event& event) {
  Bytes bytes;
  bytes.all(event.payload.index(), event.time.ms, event.source);
  std::visit([&](const auto& payload) { put(bytes, payload); }, event.payload);
  return hash128(bytes.text());
}

bool DuplicateWindow::seen(const model::Event& event) {
  if (window_ms_ <= 0) return false;
  newest_ms_ = std::max(newest_ms_, event.time.ms);
  while (!order_.empty() && order_.front().ms < newest_ms_ - window_ms_) {
    known_.erase(order_.front().hash);
    order_.pop_front();
  }
  const Hash128 hash = record_hash(event);
  if (!known_.insert(hash).second) return true;
  order_.push_back({event.time.ms, hash});
  return false;
}

}  // namespace pandun::ingest
