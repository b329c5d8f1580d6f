#include "model/event_codec.h"

#include <gtest/gtest.h>

#include <random>

namespace pandun::model {
namespace {

// Every field from a seed: small, large, negative, empty and long values all occur.
class Maker {
 public:
  explicit Maker(std::uint64_t seed) : random_(seed), arena_(std::make_shared<Arena>()) {}

  EventBatch batch(std::size_t events) {
    EventBatch out;
    const std::uint64_t first = 1 + integer<std::uint64_t>() % 1'000'000;
    for (std::size_t i = 0; i < events; ++i) {
      Event e;
      e.time.ms = integer<std::int64_t>();
      e.watermark.ms = integer<std::int64_t>();
      e.position = first + i;
      e.record = integer<std::uint64_t>();
      e.source = integer<std::uint32_t>();
      e.late = flag();
      fill<0>(e, random_() % kEventKinds);
      out.events.push_back(e);
    }
    out.arenas.push_back(arena_);
    return out;
  }

 private:
  template <typename T>
  T integer() {
    const unsigned shift = static_cast<unsigned>(random_() % 64);
    const std::uint64_t v = random_() >> shift;
    return static_cast<T>(flag() ? v : ~v);
  }
  bool flag() { return (random_() & 1) != 0; }
  std::string_view text() {
    const std::size_t size = random_() % 8 == 0 ? random_() % 20'000 : random_() % 20;
    std::string s(size, ' ');
    for (char& c : s) c = static_cast<char>(random_());
    return arena_->copy(s);
  }
  IpAddress ip() {
    switch (random_() % 3) {
      case 0:
        return {};
      case 1:
        return IpAddress::v4(static_cast<std::uint32_t>(random_()));
      default:
        return {random_(), random_()};
    }
  }
  NumberKey number() { return NumberKey::from_bits(flag() ? random_() : 0); }
  Answered answered() { return static_cast<Answered>(random_() % 3); }
  std::uint16_t port() { return static_cast<std::uint16_t>(random_()); }
  std::string_view suffix_of(std::string_view whole) {
    return flag() ? whole.substr(whole.size() - whole.size() / 2) : flag() ? text() : std::string_view();
  }

  void set(Call& c) {
    c = {{},
         {},
         number(),
         number(),
         text(),
         text(),
         text(),
         text(),
         integer<std::int32_t>(),
         integer<std::int16_t>(),
         answered(),
         flag(),
         flag(),
         integer<std::int16_t>(),
         text()};
  }
  void set(CellReport& c) { c = {{}, {}, number(), number(), text(), text(), static_cast<CellOddity>(random_() % 5)}; }
  void set(CallProgress& c) {
    c = {{},    {}, number(), number(), text(), text(), integer<std::int32_t>(), static_cast<CallStage>(random_() % 3),
         flag()};
  }
  void set(Opening& o) { o = {{}, number(), text(), text(), text()}; }
  void set(Message& m) {
    m = {{}, {}, number(), number(), text(), text(), text(), integer<std::int32_t>(), flag(), text(), text()};
  }
  void set(Flow& f) {
    f = {ip(),
         ip(),
         port(),
         port(),
         static_cast<std::uint8_t>(random_()),
         static_cast<FlowState>(random_() % 5),
         integer<std::int64_t>(),
         integer<std::int64_t>(),
         integer<std::int32_t>(),
         integer<std::int32_t>(),
         integer<std::int64_t>(),
         text()};
  }
  void set(Dns& d) {
    d = {ip(), ip(), text(), {}, text(), port(), integer<std::int16_t>()};
    d.registrable = suffix_of(d.query);
  }
  void set(Http& h) {
    h = {ip(),
         ip(),
         port(),
         port(),
         text(),
         text(),
         text(),
         text(),
         {},
         integer<std::int64_t>(),
         integer<std::int64_t>()};
    h.registrable = suffix_of(h.host);
  }
  void set(Tls& t) {
    t = {ip(), ip(), port(), flag(), text(), {}, text(), text(), text()};
    t.registrable = suffix_of(t.sni);
  }
  void set(File& f) { f = {ip(), ip(), text(), text(), text(), text(), text(), integer<std::int64_t>()}; }
  void set(Login& l) { l = {ip(), ip(), port(), answered(), integer<std::int32_t>(), text()}; }
  void set(Sighting& s) { s = {ip(), ip(), port(), integer<std::int16_t>(), text(), text(), text()}; }

  template <std::size_t I>
  void fill(Event& e, std::size_t kind) {
    if constexpr (I < kEventKinds) {
      if (kind == I) return set(e.payload.emplace<I>());
      fill<I + 1>(e, kind);
    }
  }
  std::mt19937_64 random_;
  std::shared_ptr<Arena> arena_;
};

auto fields(const Call& c) {
  return std::tuple(c.caller, c.callee, c.caller_device, c.caller_cell, c.callee_cell, c.route, c.duration_s,
                    c.release_cause, c.answered, c.international, c.roaming, c.ring_s, c.callee_device);
}
auto fields(const Message& m) {
  return std::tuple(m.sender, m.recipient, m.sender_device, m.sender_cell, m.route, m.segments, m.international,
                    m.template_hash, m.link_domain);
}
auto fields(const Opening& o) {
  return std::tuple(o.number, o.holder, o.agent, o.plan);
}
auto fields(const CallProgress& c) {
  return std::tuple(c.caller, c.callee, c.call, c.route, c.since_s, c.stage, c.international);
}
auto fields(const CellReport& c) {
  return std::tuple(c.reporter, c.sender, c.cell, c.near_cell, c.oddity);
}
auto fields(const Flow& f) {
  return std::tuple(f.src, f.dst, f.src_port, f.dst_port, f.protocol, f.state, f.bytes_out, f.bytes_in, f.packets_out,
                    f.packets_in, f.duration_ms, f.service);
}
auto fields(const Dns& d) {
  return std::tuple(d.client, d.server, d.query, d.registrable, d.answers, d.qtype, d.rcode);
}
auto fields(const Http& h) {
  return std::tuple(h.client, h.server, h.server_port, h.status, h.method, h.host, h.uri, h.user_agent, h.registrable,
                    h.bytes_out, h.bytes_in);
}
auto fields(const Tls& t) {
  return std::tuple(t.client, t.server, t.server_port, t.established, t.sni, t.registrable, t.ja3, t.ja3s,
                    t.certificate_sha1);
}
auto fields(const File& f) {
  return std::tuple(f.client, f.server, f.sha256, f.sha1, f.md5, f.mime, f.name, f.bytes);
}
auto fields(const Login& l) {
  return std::tuple(l.client, l.server, l.server_port, l.succeeded, l.attempts, l.service);
}
auto fields(const Sighting& s) {
  return std::tuple(s.client, s.server, s.server_port, s.severity, s.name, s.category, s.message);
}

bool same(const Event& a, const Event& b) {
  if (std::tuple(a.time, a.watermark, a.position, a.record, a.source, a.late, a.kind()) !=
      std::tuple(b.time, b.watermark, b.position, b.record, b.source, b.late, b.kind()))
    return false;
  return std::visit(
      [&](const auto& payload) { return fields(payload) == fields(b.as<std::decay_t<decltype(payload)>>()); },
      a.payload);
}

TEST(EventCodec, RoundTripsEveryKindAndValue) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    const EventBatch in = Maker(seed).batch(seed % 40);
    std::string bytes = "in front";
    encode(in, bytes);
    EventBatch out;
    const auto decoded = decode(std::string_view(bytes).substr(8), out);
    ASSERT_TRUE(decoded.ok()) << "seed " << seed << ": " << decoded.error().text();
    ASSERT_EQ(out.events.size(), in.events.size());
    for (std::size_t i = 0; i < in.events.size(); ++i)
      ASSERT_TRUE(same(in.events[i], out.events[i])) << "seed " << seed << " event " << i;
  }
}

TEST(EventCodec, EveryTruncationIsAnError) {
  std::string bytes;
  encode(Maker(7).batch(30), bytes);
  EventBatch out;
  for (std::size_t size = 0; size < bytes.size(); size += bytes.size() / 700 + 1)
    EXPECT_EQ(decode(std::string_view(bytes).substr(0, size), out).error().code, Errc::kCorrupt) << size;
  EXPECT_EQ(decode(bytes + "x", out).error().code, Errc::kCorrupt);
  EXPECT_TRUE(out.events.empty());
}

TEST(EventCodec, FlippedBytesNeverCrash) {
  std::string bytes;
  encode(Maker(8).batch(12), bytes);
  EventBatch out;
  for (std::size_t i = 0; i < bytes.size(); i += bytes.size() / 3000 + 1)
    for (const unsigned mask : {0x01U, 0x80U, 0xffU}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(static_cast<unsigned char>(changed[i]) ^ mask);
      if (decode(changed, out).ok()) {
        std::string again;
        encode(out, again);  // whatever came out must be a batch
      }
    }
}

TEST(EventCodec, SkipsFieldsThatANewerWriterAppended) {
  EventBatch in;
  in.events.resize(2);
  in.events[0].position = 5;
  in.events[1].position = 6;
  in.events[0].payload = Login{{}, {}, 22, Answered::kYes, 3, "ssh"};
  in.events[1].payload = Login{{}, {}, 23, Answered::kNo, 1, "telnet"};
  std::string bytes;
  encode(in, bytes);
  // The first event's payload ends with "ssh"; its length stands in two bytes in front of it.
  const std::size_t end = bytes.find("ssh") + 3;
  const std::size_t payload =
      1 + 2 + 1 + 1 + 1 + 3;  // address forms, port, succeeded, attempts, service's length, service
  const std::size_t length = end - payload - 2;
  ASSERT_EQ(static_cast<unsigned char>(bytes[length]), payload | 0x80U);
  bytes[length] = static_cast<char>((payload + 4) | 0x80U);
  bytes.insert(end, "\x01\x02\x03\x04");
  EventBatch out;
  ASSERT_TRUE(decode(bytes, out).ok());
  EXPECT_TRUE(same(in.events[0], out.events[0]));
  EXPECT_TRUE(same(in.events[1], out.events[1]));
}

TEST(EventCodec, NamesANewerFormatAndKind) {
  EventBatch in, out;
  in.events.resize(1);
  std::string bytes;
  encode(in, bytes);
  std::string newer = bytes;
  newer[0] = 2;
  EXPECT_EQ(decode(newer, out).error().code, Errc::kUnsupported);
  newer = bytes;
  newer[3] = static_cast<char>(kEventKinds << 1);
  EXPECT_EQ(decode(newer, out).error().code, Errc::kUnsupported);
}

TEST(EventCodec, AStatedCountCannotMakeItAllocate) {
  const std::string bytes("\x01\xff\xff\xff\xff\xff\xff\xff\x7f\x01", 10);
  EventBatch out;
  EXPECT_EQ(decode(bytes, out).error().code, Errc::kCorrupt);
  EXPECT_LT(out.events.capacity(), 10U);
}

}  // namespace
}  // namespace pandun::model
