#include "detect/features/host_state.h"

#include <algorithm>

namespace pandun::detect {
namespace {

std::uint32_t thing_hash(const model::IpAddress& ip) {
  return peer_hash(hash_of(ip));
}
std::uint32_t capped(std::int64_t bytes) {
  return bytes <= 0 ? 0U : static_cast<std::uint32_t>(std::min<std::int64_t>(bytes, 0xffffffffLL));
}

}  // namespace

std::uint32_t port_thing(std::uint16_t port) {
  return peer_hash(mix64(0x706f7274ULL << 32 | port));
}
std::uint32_t pair_thing(std::uint32_t host, std::uint16_t port) {
  return peer_hash(mix64((std::uint64_t{host} << 16 | port) + 0x9e3779b97f4a7c15ULL));
}

HostContact contact_of(const model::Flow& flow, EventMs time) {
  const bool failed = flow.state == model::FlowState::kAttempted || flow.state == model::FlowState::kRejected;
  const std::uint8_t outcome = flow.state == model::FlowState::kEstablished ? 1 : failed ? 2 : 0;
  return {seconds32(time),
          thing_hash(flow.dst),
          capped(flow.bytes_out),
          capped(flow.bytes_in),
          flow.dst_port,
          HostContact::kFlow,
          outcome};
}

HostContact contact_of(const model::Dns& dns, EventMs time) {
  constexpr std::int16_t kNxdomain = 3;  // RFC 1035 4.1.1
  const std::uint8_t outcome = dns.rcode < 0 ? 0 : dns.rcode == kNxdomain ? 2 : 1;
  return {seconds32(time), peer_hash(mix64(hash64(dns.query))), 0, 0, 0, HostContact::kDns, outcome};
}

HostContact contact_of(const model::Login& login, EventMs time) {
  const std::uint8_t outcome = login.succeeded == model::Answered::kNo    ? 2
                               : login.succeeded == model::Answered::kYes ? 1
                                                                          : 0;
  const auto attempts = static_cast<std::uint16_t>(std::clamp(login.attempts, 1, 0xffff));
  return {seconds32(time), thing_hash(login.server), 0, 0, attempts, HostContact::kLogin, outcome};
}

// ---- busy hosts ----

BusyHost::Flows& BusyHost::open_flows() {
  if (flows == nullptr) {
    flows = std::make_unique<Flows>();
    flows->counts.advance(clock_s);
  }
  return *flows;
}
BusyHost::Others& BusyHost::open_others() {
  if (others == nullptr) {
    others = std::make_unique<Others>();
    others->counts.advance(clock_s);
  }
  return *others;
}

void BusyHost::advance(std::uint32_t now_s) {
  if (now_s <= clock_s) return;
  const bool moved = now_s / kWindowSpecs[0].step_s != clock_s / kWindowSpecs[0].step_s;
  clock_s = now_s;
  if (!moved) return;
  if (flows != nullptr) {
    flows->counts.advance(now_s);
    flows->hosts.advance(now_s);
    flows->ports.advance(now_s);
    flows->pairs.advance(now_s);
  }
  if (others != nullptr) {
    others->counts.advance(now_s);
    if (others->nxdomains != nullptr) others->nxdomains->advance(now_s);
  }
}

void BusyHost::add(const HostContact& c) {
  const bool good = c.outcome == 1, bad = c.outcome == 2;
  const auto see = [this, &c](DistinctWindows& things, std::uint32_t thing) {
    things.advance(clock_s);
    things.add(thing, c.time_s);
  };
  if (c.kind == HostContact::kFlow) {
    Flows& f = open_flows();
    f.counts.add_all(c.time_s, {1, good ? 1U : 0U, bad ? 1U : 0U, c.bytes_out, c.bytes_in});
    see(f.hosts, c.thing);
    see(f.ports, port_thing(c.port));
    see(f.pairs, pair_thing(c.thing, c.port));
  } else if (c.kind == HostContact::kDns) {
    Others& o = open_others();
    o.counts.add_all(c.time_s, {1, good || bad ? 1U : 0U, bad ? 1U : 0U, 0, 0});
    if (!bad) return;
    if (o.nxdomains == nullptr) o.nxdomains = std::make_unique<DistinctWindows>(Window::k24h);
    see(*o.nxdomains, c.thing);
  } else {
    open_others().counts.add_all(c.time_s, {0, 0, 0, c.port, bad ? c.port : 0U});
  }
}

std::uint64_t BusyHost::bytes() const {
  std::uint64_t total = sizeof(*this);
  if (flows != nullptr)
    total += sizeof(flows->counts) + flows->hosts.bytes() + flows->ports.bytes() + flows->pairs.bytes();
  if (others != nullptr) total += sizeof(*others) + (others->nxdomains != nullptr ? others->nxdomains->bytes() : 0);
  return total;
}

void BusyHost::save(StateWriter& out) const {
  const bool nxdomains = others != nullptr && others->nxdomains != nullptr;
  out.u32(clock_s);
  out.u8(
      static_cast<std::uint8_t>((flows != nullptr ? 1U : 0U) | (others != nullptr ? 2U : 0U) | (nxdomains ? 4U : 0U)));
  if (flows != nullptr) {
    flows->counts.save(out);
    flows->hosts.save(out);
    flows->ports.save(out);
    flows->pairs.save(out);
  }
  if (others != nullptr) others->counts.save(out);
  if (nxdomains) others->nxdomains->save(out);
}

void BusyHost::load(StateReader& in) {
  clock_s = in.u32();
  const std::uint8_t parts = in.u8();
  if ((parts & 1U) != 0) {
    flows = std::make_unique<Flows>();
    flows->counts.load(in);
    flows->hosts.load(in);
    flows->ports.load(in);
    flows->pairs.load(in);
  }
  if ((parts & 2U) != 0) {
    others = std::make_unique<Others>();
    others->counts.load(in);
    if ((parts & 4U) != 0) {
      others->nxdomains = std::make_unique<DistinctWindows>(Window::k24h);
      others->nxdomains->load(in);
    }
  }
}

// ---- all hosts of a shard ----

void HostActivities::prefetch(const model::IpAddress& host, std::uint64_t hash, const HostContact& contact,
                              unsigned stage) const {
  const HostRecord* record = table_.peek_hash(host, hash);
  if (record == nullptr) return;
  if (!record->busy) {
    if (stage == 2) fetch_line(lists_.at(record->size_class, record->handle) + record->size);
    return;
  }
  const BusyHost& busy = busy_.at(record->handle);
  if (stage == 2) return fetch_line(&busy);
  if (contact.kind == HostContact::kFlow && busy.flows != nullptr) {
    const BusyHost::Flows& flows = *busy.flows;
    if (stage == 3) {
      flows.counts.prefetch();
      const char* sets = reinterpret_cast<const char*>(&flows.hosts);
      for (std::size_t at = 0; at < 3 * sizeof(DistinctWindows); at += 64) fetch_line(sets + at);
    } else {
      flows.counts.prefetch_advance(contact.time_s);
      flows.hosts.prefetch(contact.thing);
      flows.ports.prefetch(port_thing(contact.port));
      flows.pairs.prefetch(pair_thing(contact.thing, contact.port));
    }
  } else if (contact.kind != HostContact::kFlow && busy.others != nullptr) {
    if (stage == 3) busy.others->counts.prefetch();
  }
}

void HostActivities::update(const model::IpAddress& host, std::uint64_t hash, HostContact contact, EventMs watermark) {
  bool fresh = false;
  HostRecord& record = table_.touch_hash(host, hash, watermark, &fresh, [this](HostRecord& old) { release(old); });
  const std::uint32_t t = contact.time_s;
  if (fresh) {
    record.first_s = record.newest_s = t;
    record.handle = lists_.take(0);
  }
  record.newest_s = std::max(record.newest_s, t);
  record.first_s = std::min(record.first_s, t);
  if (t < start_s(Window::k24h, record.newest_s)) {
    ++too_old_;
    return;
  }
  if (!record.busy) return add_listed(record, contact);
  BusyHost& busy = busy_.at(record.handle);
  busy.advance(record.newest_s);
  busy.add(contact);
}

void HostActivities::add_listed(HostRecord& record, const HostContact& contact) {
  HostContact* block = lists_.at(record.size_class, record.handle);
  if (record.size == Pool::capacity(record.size_class)) {
    const std::uint32_t oldest = start_s(Window::k24h, record.newest_s);
    std::uint16_t gone = 0;
    while (gone < record.size && block[gone].time_s < oldest) ++gone;
    std::copy(block + gone, block + record.size, block);
    record.size = static_cast<std::uint16_t>(record.size - gone);
    if (record.size == kHostContacts) {
      make_busy(record);
      return busy_.at(record.handle).add(contact);
    }
    if (gone == 0) {
      const std::uint32_t next = lists_.take(record.size_class + 1U);
      HostContact* wider = lists_.at(record.size_class + 1U, next);
      std::copy_n(block, record.size, wider);
      lists_.give_back(record.size_class, record.handle);
      ++record.size_class;
      record.handle = next;
      block = wider;
    }
  }
  std::size_t at = record.size++;
  for (; at > 0 && block[at - 1].time_s > contact.time_s; --at) block[at] = block[at - 1];
  block[at] = contact;
}

void HostActivities::make_busy(HostRecord& record) {
  const std::uint32_t handle = busy_.take();
  BusyHost& busy = busy_.at(handle);
  busy.clock_s = record.newest_s;
  for (const HostContact& c : contacts(record)) busy.add(c);
  lists_.give_back(record.size_class, record.handle);
  record.busy = true;
  record.handle = handle;
  record.size = 0;
}

void HostActivities::release(HostRecord& record) {
  if (record.busy) {
    busy_.give_back(record.handle);
  } else {
    lists_.give_back(record.size_class, record.handle);
  }
}

void HostActivities::evict(EventMs watermark) {
  table_.evict(watermark, [this](HostRecord& old) { release(old); });
}

std::uint64_t HostActivities::bytes() const {
  std::uint64_t total = table_.bytes() + lists_.bytes();
  busy_.for_each([&](const BusyHost& b) { total += b.bytes() + sizeof(void*); });
  return total;
}

void HostActivities::save_record(StateWriter& out, const HostRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u8(record.busy ? 1 : 0);
  if (record.busy) return busy(record).save(out);
  out.varint(record.size);
  for (const HostContact& c : contacts(record)) {
    out.u32(c.time_s);
    out.u32(c.thing);
    out.varint(c.bytes_out);
    out.varint(c.bytes_in);
    out.u16(c.port);
    out.u8(static_cast<std::uint8_t>(c.kind | c.outcome << 4));
  }
}

void HostActivities::load_record(StateReader& in, HostRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  record.busy = in.u8() != 0;
  if (record.busy) {
    record.handle = busy_.take();
    return busy_.at(record.handle).load(in);
  }
  const std::uint64_t size = in.varint();
  if (size > kHostContacts) {
    in.fail("a host's contact list is over its bound");
  } else {
    while (Pool::capacity(record.size_class) < size) ++record.size_class;
  }
  record.handle = lists_.take(record.size_class);
  HostContact* block = lists_.at(record.size_class, record.handle);
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    HostContact c{};
    c.time_s = in.u32();
    c.thing = in.u32();
    c.bytes_out = static_cast<std::uint32_t>(in.varint());
    c.bytes_in = static_cast<std::uint32_t>(in.varint());
    c.port = in.u16();
    const std::uint8_t bits = in.u8();
    if ((bits & 15U) > HostContact::kLogin) in.fail("a host's contact is of an unknown kind");
    c.kind = static_cast<HostContact::Kind>(bits & 15U);
    c.outcome = bits >> 4;
    if (c.time_s > record.newest_s || (i > 0 && c.time_s < block[i - 1].time_s))
      in.fail("a host's contact list is out of order");
    block[i] = c;
    record.size = static_cast<std::uint16_t>(i + 1);
  }
}

void HostActivities::save(StateWriter& out) const {
  out.u64(too_old_);
  table_.save(out, [this](StateWriter& o, const HostRecord& record) { save_record(o, record); });
}

Result<> HostActivities::load(StateReader& in) {
  const std::uint64_t too_old = in.u64();
  TRY(table_.load(
      in, [this](StateReader& i, HostRecord& record) { load_record(i, record); },
      [this](HostRecord& r) { release(r); }));
  too_old_ += too_old;
  return {};
}

}  // namespace pandun::detect
