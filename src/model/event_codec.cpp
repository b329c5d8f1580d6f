#include "model/event_codec.h"

#include <bit>
#include <cstring>
#include <limits>

namespace pandun::model {
namespace {

static_assert(std::endian::native == std::endian::little, "fixed-width fields are stored little-endian");

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kVarintMax = 10;
constexpr std::size_t kHeaderMax = 1 + kVarintMax * 2;
// Of one event without its strings' bytes: kind, flags, length, 4 deltas, and the largest payload's fixed part.
constexpr std::size_t kEventFixedMax = 256;
constexpr std::size_t kEventMin =
    7;  // kind and flags, length, time, watermark, record, source, at least one payload byte

constexpr std::uint64_t zigzag(std::int64_t v) {
  return (static_cast<std::uint64_t>(v) << 1) ^ static_cast<std::uint64_t>(v >> 63);
}
constexpr std::int64_t unzigzag(std::uint64_t v) {
  return static_cast<std::int64_t>((v >> 1) ^ (~(v & 1) + 1));
}
// Differences wrap, so that any two times round-trip.
constexpr std::int64_t minus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}
constexpr std::int64_t plus(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b));
}

// Writes into space that the caller has measured beforehand.
class Writer {
 public:
  explicit Writer(char* at) : at_(at) {}
  char* at() const { return at_; }

  void byte(std::uint8_t v) { *at_++ = static_cast<char>(v); }
  void fixed(std::uint64_t v, std::size_t bytes) {
    std::memcpy(at_, &v, bytes);
    at_ += bytes;
  }
  void varint(std::uint64_t v) {
    while (v >= 0x80) {
      byte(static_cast<std::uint8_t>(v | 0x80));
      v >>= 7;
    }
    byte(static_cast<std::uint8_t>(v));
  }
  void svarint(std::int64_t v) { varint(zigzag(v)); }
  void string(std::string_view text) {
    varint(text.size());
    raw(text);
  }
  void number(NumberKey key) { fixed(key.bits(), 8); }

  // One byte says the form of both addresses: 0 unknown, 1 IPv4, 2 IPv6.
  void addresses(const IpAddress& a, const IpAddress& b) {
    const unsigned fa = form(a), fb = form(b);
    byte(static_cast<std::uint8_t>(fa | (fb << 2)));
    address(a, fa);
    address(b, fb);
  }
  // `suffix` usually is the end of `whole`: then only its length is written.
  void suffix(std::string_view suffix, std::string_view whole) {
    const bool shared = whole.ends_with(suffix);
    varint((static_cast<std::uint64_t>(suffix.size()) << 1) | (shared ? 1 : 0));
    if (!shared) raw(suffix);
  }
  // A varint over exactly `width` bytes, for lengths that are known only afterwards.
  static void padded(char* at, std::uint64_t v, std::size_t width) {
    for (std::size_t i = 0; i + 1 < width; ++i, v >>= 7) at[i] = static_cast<char>((v & 0x7f) | 0x80);
    at[width - 1] = static_cast<char>(v & 0x7f);
  }
  void skip(std::size_t bytes) { at_ += bytes; }

 private:
  static unsigned form(const IpAddress& ip) { return ip.is_v4() ? 1 : ip.known() ? 2 : 0; }
  void address(const IpAddress& ip, unsigned form) {
    if (form == 1) fixed(ip.v4_bits(), 4);
    if (form == 2) {
      fixed(ip.hi, 8);
      fixed(ip.lo, 8);
    }
  }
  void raw(std::string_view text) {
    if (!text.empty()) std::memcpy(at_, text.data(), text.size());
    at_ += text.size();
  }
  char* at_;
};

// Reads within [at, end). The first fault sticks: everything after it reads as zero, and ok() says so once.
class Reader {
 public:
  Reader(const char* at, const char* end) : at_(at), end_(end) {}
  bool ok() const { return ok_; }
  void fail() {
    ok_ = false;
    at_ = end_;
  }
  const char* at() const { return at_; }
  std::size_t left() const { return static_cast<std::size_t>(end_ - at_); }

  std::uint8_t byte() {
    if (at_ == end_) {
      fail();
      return 0;
    }
    return static_cast<std::uint8_t>(*at_++);
  }
  std::uint64_t fixed(std::size_t bytes) {
    if (left() < bytes) {
      fail();
      return 0;
    }
    std::uint64_t v = 0;
    std::memcpy(&v, at_, bytes);
    at_ += bytes;
    return v;
  }
  std::uint64_t varint() {
    std::uint64_t v = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const std::uint8_t b = byte();
      v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
      if (b < 0x80) {
        if (shift == 63 && b > 1) fail();
        return v;
      }
    }
    fail();
    return 0;
  }
  std::int64_t svarint() { return unzigzag(varint()); }
  template <typename T>
  T narrow() {  // a signed field of a narrower type
    const std::int64_t v = svarint();
    if (v < std::numeric_limits<T>::min() || v > std::numeric_limits<T>::max()) fail();
    return static_cast<T>(v);
  }
  std::uint16_t u16() { return static_cast<std::uint16_t>(fixed(2)); }
  template <typename E>
  E enumerator(E last) {
    const std::uint8_t v = byte();
    if (v > static_cast<std::uint8_t>(last)) fail();
    return ok_ ? static_cast<E>(v) : E{};
  }
  bool boolean() { return byte() != 0; }
  std::string_view string() { return take(varint()); }
  NumberKey number() { return NumberKey::from_bits(fixed(8)); }

  void addresses(IpAddress& a, IpAddress& b) {
    const std::uint8_t forms = byte();
    a = address(forms & 3U);
    b = address((forms >> 2) & 3U);
  }
  std::string_view suffix(std::string_view whole) {
    const std::uint64_t v = varint();
    if ((v & 1) == 0) return take(v >> 1);
    const std::uint64_t size = v >> 1;
    if (size > whole.size()) {
      fail();
      return {};
    }
    return whole.substr(whole.size() - size);
  }
  std::string_view take(std::uint64_t bytes) {
    if (bytes > left()) {
      fail();
      return {};
    }
    const std::string_view out(at_, bytes);
    at_ += bytes;
    return out;
  }

 private:
  IpAddress address(unsigned form) {
    if (form == 1) return IpAddress::v4(static_cast<std::uint32_t>(fixed(4)));
    if (form == 0) return {};
    if (form == 3) fail();
    const std::uint64_t hi = fixed(8);
    return {hi, fixed(8)};
  }
  const char* at_;
  const char* end_;
  bool ok_ = true;
};

// ---- one pair a kind; fields are only ever appended ----

void put(Writer& w, const Call& c) {
  w.number(c.caller);
  w.number(c.callee);
  w.byte(static_cast<std::uint8_t>(static_cast<unsigned>(c.answered) | (c.international ? 4U : 0U) |
                                   (c.roaming ? 8U : 0U)));
  w.svarint(c.duration_s);
  w.svarint(c.release_cause);
  w.string(c.caller_device);
  w.string(c.caller_cell);
  w.string(c.callee_cell);
  w.string(c.route);
  if (c.ring_s == -1 && c.callee_device.empty()) return;  // most feeds do not say
  w.svarint(c.ring_s);
  w.string(c.callee_device);
}
void take(Reader& r, Call& c) {
  c.caller = r.number();
  c.callee = r.number();
  const std::uint8_t bits = r.byte();
  if ((bits & 3U) > static_cast<unsigned>(Answered::kYes)) r.fail();
  c.answered = static_cast<Answered>(bits & 3U);
  c.international = (bits & 4U) != 0;
  c.roaming = (bits & 8U) != 0;
  c.duration_s = r.narrow<std::int32_t>();
  c.release_cause = r.narrow<std::int16_t>();
  c.caller_device = r.string();
  c.caller_cell = r.string();
  c.callee_cell = r.string();
  c.route = r.string();
  if (r.left() == 0) return;  // written before there was more
  c.ring_s = r.narrow<std::int16_t>();
  c.callee_device = r.string();
}

void put(Writer& w, const Message& m) {
  w.number(m.sender);
  w.number(m.recipient);
  w.byte(m.international ? 1 : 0);
  w.svarint(m.segments);
  w.string(m.sender_device);
  w.string(m.sender_cell);
  w.string(m.route);
  if (m.template_hash.empty() && m.link_domain.empty()) return;
  w.string(m.template_hash);
  w.string(m.link_domain);
}
void take(Reader& r, Message& m) {
  m.sender = r.number();
  m.recipient = r.number();
  m.international = r.boolean();
  m.segments = r.narrow<std::int32_t>();
  m.sender_device = r.string();
  m.sender_cell = r.string();
  m.route = r.string();
  if (r.left() == 0) return;
  m.template_hash = r.string();
  m.link_domain = r.string();
}

void put(Writer& w, const Flow& f) {
  w.addresses(f.src, f.dst);
  w.fixed(f.src_port, 2);
  w.fixed(f.dst_port, 2);
  w.byte(f.protocol);
  w.byte(static_cast<std::uint8_t>(f.state));
  w.svarint(f.bytes_out);
  w.svarint(f.bytes_in);
  w.svarint(f.packets_out);
  w.svarint(f.packets_in);
  w.svarint(f.duration_ms);
  w.string(f.service);
}
void take(Reader& r, Flow& f) {
  r.addresses(f.src, f.dst);
  f.src_port = r.u16();
  f.dst_port = r.u16();
  f.protocol = r.byte();
  f.state = r.enumerator(FlowState::kMidstream);
  f.bytes_out = r.svarint();
  f.bytes_in = r.svarint();
  f.packets_out = r.narrow<std::int32_t>();
  f.packets_in = r.narrow<std::int32_t>();
  f.duration_ms = r.svarint();
  f.service = r.string();
}

void put(Writer& w, const Dns& d) {
  w.addresses(d.client, d.server);
  w.fixed(d.qtype, 2);
  w.svarint(d.rcode);
  w.string(d.query);
  w.suffix(d.registrable, d.query);
  w.string(d.answers);
}
void take(Reader& r, Dns& d) {
  r.addresses(d.client, d.server);
  d.qtype = r.u16();
  d.rcode = r.narrow<std::int16_t>();
  d.query = r.string();
  d.registrable = r.suffix(d.query);
  d.answers = r.string();
}

void put(Writer& w, const Http& h) {
  w.addresses(h.client, h.server);
  w.fixed(h.server_port, 2);
  w.fixed(h.status, 2);
  w.svarint(h.bytes_out);
  w.svarint(h.bytes_in);
  w.string(h.method);
  w.string(h.host);
  w.suffix(h.registrable, h.host);
  w.string(h.uri);
  w.string(h.user_agent);
}
void take(Reader& r, Http& h) {
  r.addresses(h.client, h.server);
  h.server_port = r.u16();
  h.status = r.u16();
  h.bytes_out = r.svarint();
  h.bytes_in = r.svarint();
  h.method = r.string();
  h.host = r.string();
  h.registrable = r.suffix(h.host);
  h.uri = r.string();
  h.user_agent = r.string();
}

void put(Writer& w, const Tls& t) {
  w.addresses(t.client, t.server);
  w.fixed(t.server_port, 2);
  w.byte(t.established ? 1 : 0);
  w.string(t.sni);
  w.suffix(t.registrable, t.sni);
  w.string(t.ja3);
  w.string(t.ja3s);
  w.string(t.certificate_sha1);
}
void take(Reader& r, Tls& t) {
  r.addresses(t.client, t.server);
  t.server_port = r.u16();
  t.established = r.boolean();
  t.sni = r.string();
  t.registrable = r.suffix(t.sni);
  t.ja3 = r.string();
  t.ja3s = r.string();
  t.certificate_sha1 = r.string();
}

void put(Writer& w, const File& f) {
  w.addresses(f.client, f.server);
  w.svarint(f.bytes);
  w.string(f.sha256);
  w.string(f.sha1);
  w.string(f.md5);
  w.string(f.mime);
  w.string(f.name);
}
void take(Reader& r, File& f) {
  r.addresses(f.client, f.server);
  f.bytes = r.svarint();
  f.sha256 = r.string();
  f.sha1 = r.string();
  f.md5 = r.string();
  f.mime = r.string();
  f.name = r.string();
}

void put(Writer& w, const Login& l) {
  w.addresses(l.client, l.server);
  w.fixed(l.server_port, 2);
  w.byte(static_cast<std::uint8_t>(l.succeeded));
  w.svarint(l.attempts);
  w.string(l.service);
}
void take(Reader& r, Login& l) {
  r.addresses(l.client, l.server);
  l.server_port = r.u16();
  l.succeeded = r.enumerator(Answered::kYes);
  l.attempts = r.narrow<std::int32_t>();
  l.service = r.string();
}

void put(Writer& w, const Sighting& s) {
  w.addresses(s.client, s.server);
  w.fixed(s.server_port, 2);
  w.svarint(s.severity);
  w.string(s.name);
  w.string(s.category);
  w.string(s.message);
}
void take(Reader& r, Sighting& s) {
  r.addresses(s.client, s.server);
  s.server_port = r.u16();
  s.severity = r.narrow<std::int16_t>();
  s.name = r.string();
  s.category = r.string();
  s.message = r.string();
}

void put(Writer& w, const Opening& o) {
  w.number(o.number);
  w.string(o.holder);
  w.string(o.agent);
  w.string(o.plan);
}
void take(Reader& r, Opening& o) {
  o.number = r.number();
  o.holder = r.string();
  o.agent = r.string();
  o.plan = r.string();
}

void put(Writer& w, const CellReport& c) {
  w.number(c.reporter);
  w.number(c.sender);
  w.byte(static_cast<std::uint8_t>(c.oddity));
  w.string(c.cell);
  w.string(c.near_cell);
}
void take(Reader& r, CellReport& c) {
  c.reporter = r.number();
  c.sender = r.number();
  c.oddity = r.enumerator(CellOddity::kMessageFromIt);
  c.cell = r.string();
  c.near_cell = r.string();
}

void put(Writer& w, const CallProgress& c) {
  w.number(c.caller);
  w.number(c.callee);
  w.svarint(c.since_s);
  w.byte(static_cast<std::uint8_t>(c.stage));
  w.byte(c.international ? 1 : 0);
  w.string(c.call);
  w.string(c.route);
}
void take(Reader& r, CallProgress& c) {
  c.caller = r.number();
  c.callee = r.number();
  c.since_s = r.narrow<std::int32_t>();
  c.stage = r.enumerator(CallStage::kEnded);
  c.international = r.boolean();
  c.call = r.string();
  c.route = r.string();
}

std::size_t text_bytes(const Call& c) {
  return c.caller_device.size() + c.caller_cell.size() + c.callee_cell.size() + c.route.size() + c.callee_device.size();
}
std::size_t text_bytes(const Message& m) {
  return m.sender_device.size() + m.sender_cell.size() + m.route.size() + m.template_hash.size() + m.link_domain.size();
}
std::size_t text_bytes(const Flow& f) {
  return f.service.size();
}
std::size_t text_bytes(const Dns& d) {
  return d.query.size() + d.registrable.size() + d.answers.size();
}
std::size_t text_bytes(const Http& h) {
  return h.method.size() + h.host.size() + h.registrable.size() + h.uri.size() + h.user_agent.size();
}
std::size_t text_bytes(const Tls& t) {
  return t.sni.size() + t.registrable.size() + t.ja3.size() + t.ja3s.size() + t.certificate_sha1.size();
}
std::size_t text_bytes(const File& f) {
  return f.sha256.size() + f.sha1.size() + f.md5.size() + f.mime.size() + f.name.size();
}
std::size_t text_bytes(const Login& l) {
  return l.service.size();
}
std::size_t text_bytes(const Sighting& s) {
  return s.name.size() + s.category.size() + s.message.size();
}

std::size_t text_bytes(const Opening& o) {
  return o.holder.size() + o.agent.size() + o.plan.size();
}

std::size_t text_bytes(const CellReport& c) {
  return c.cell.size() + c.near_cell.size();
}

std::size_t text_bytes(const CallProgress& c) {
  return c.call.size() + c.route.size();
}

std::size_t text_bytes(const Event& event) {
  return std::visit([](const auto& payload) { return text_bytes(payload); }, event.payload);
}

// The event before, from which times and record numbers are told as differences.
struct Previous {
  std::int64_t time = 0, watermark = 0;
  std::uint64_t record = 0;
};

void put(Writer& w, const Event& event, Previous& before) {
  w.byte(static_cast<std::uint8_t>((static_cast<unsigned>(event.payload.index()) << 1) | (event.late ? 1U : 0U)));
  w.svarint(minus(event.time.ms, before.time));
  w.svarint(minus(event.watermark.ms, before.watermark));
  w.svarint(static_cast<std::int64_t>(event.record - before.record));
  w.varint(event.source);
  before = {event.time.ms, event.watermark.ms, event.record};

  const std::size_t bound = kEventFixedMax + text_bytes(event);
  const std::size_t width = bound < (1U << 14) ? 2 : 5;
  char* length = w.at();
  w.skip(width);
  std::visit([&](const auto& payload) { put(w, payload); }, event.payload);
  Writer::padded(length, static_cast<std::uint64_t>(w.at() - length) - width, width);
}

template <std::size_t I = 0>
void take_payload(Reader& r, std::size_t kind, Payload& payload) {
  if constexpr (I < kEventKinds) {
    if (kind == I) return take(r, payload.emplace<I>());
    take_payload<I + 1>(r, kind, payload);
  }
}

Error corrupt(std::size_t event, const char* what) {
  return error(Errc::kCorrupt, "event " + std::to_string(event) + " of its batch", what);
}

Result<> take(Reader& r, Event& event, Previous& before, std::size_t index) {
  const std::uint8_t head = r.byte();
  const std::size_t kind = head >> 1;
  event.late = (head & 1U) != 0;
  event.time.ms = before.time = plus(before.time, r.svarint());
  event.watermark.ms = before.watermark = plus(before.watermark, r.svarint());
  event.record = before.record = before.record + static_cast<std::uint64_t>(r.svarint());
  const std::uint64_t source = r.varint();
  event.source = static_cast<std::uint32_t>(source);
  const std::string_view bytes = r.take(r.varint());
  if (!r.ok() || source > 0xffffffffU) return corrupt(index, "cut off or out of range");
  if (kind >= kEventKinds)
    return error(Errc::kUnsupported, "event " + std::to_string(index) + " of its batch",
                 "kind " + std::to_string(kind) + " is not known to this version");
  Reader payload(bytes.data(), bytes.data() + bytes.size());
  take_payload(payload, kind, event.payload);
  if (!payload.ok()) return corrupt(index, "its payload is cut off or out of range");
  return {};  // what a newer writer appended stays unread
}

}  // namespace

void encode(const EventBatch& batch, std::string& out) {
  std::size_t bound = kHeaderMax;
  for (const Event& event : batch.events) bound += kEventFixedMax + text_bytes(event);
  const std::size_t start = out.size();
  out.resize(start + bound);
  Writer w(out.data() + start);
  w.byte(kVersion);
  w.varint(batch.events.size());
  w.varint(batch.events.empty() ? 0 : batch.events.front().position);
  Previous before;
  for (const Event& event : batch.events) put(w, event, before);
  out.resize(static_cast<std::size_t>(w.at() - out.data()));
}

Result<> decode(std::string_view bytes, EventBatch& out) {
  out.events.clear();
  out.arenas.clear();
  if (bytes.empty()) return error(Errc::kCorrupt, "event batch", "is empty");
  if (static_cast<std::uint8_t>(bytes[0]) != kVersion)
    return error(Errc::kUnsupported, "event batch", "format " + std::to_string(static_cast<std::uint8_t>(bytes[0])));

  // The strings stay where they are, inside one copy of the whole.
  auto arena = std::make_shared<Arena>(64);
  const std::string_view copy = arena->copy(bytes);
  Reader r(copy.data() + 1, copy.data() + copy.size());
  const std::uint64_t count = r.varint();
  const std::uint64_t first = r.varint();
  if (!r.ok() || count > r.left() / kEventMin)
    return error(Errc::kCorrupt, "event batch", "states more events than it holds");

  out.events.resize(count);
  out.arenas.push_back(std::move(arena));
  Previous before;
  for (std::size_t i = 0; i < count; ++i) {
    if (auto taken = take(r, out.events[i], before, i); !taken.ok()) {
      out.events.clear();
      return taken;
    }
    out.events[i].position = first + i;
  }
  if (r.left() != 0) {
    out.events.clear();
    return error(Errc::kCorrupt, "event batch", "bytes follow its last event");
  }
  return {};
}

}  // namespace pandun::model
