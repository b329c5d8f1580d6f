#include "detect/features/dialling_state.h"

#include <algorithm>

#include "detect/calling_code.h"
#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

std::uint16_t place_hash(std::string_view text) {  // never 0: that stands for "not known"
  return text.empty() ? std::uint16_t{0}
                      : static_cast<std::uint16_t>(std::max<std::uint64_t>(1, mix64(hash64(text)) >> 48));
}

std::uint32_t who(model::NumberKey number) {
  return peer_hash(hash_of(model::key_of(number)));
}

}  // namespace

void DialRecord::add(const DialCall& call) {
  const std::uint32_t oldest = start_s(Window::k24h, newest_s);
  if (!calls.empty() && calls.front().time_s < oldest)
    std::erase_if(calls, [oldest](const DialCall& c) { return c.time_s < oldest; });
  if (calls.size() == calls.capacity())
    calls.reserve(std::min(kCallsMax + 1, std::max<std::size_t>(8, calls.size() * 2)));
  calls.push_back(call);
  for (std::size_t at = calls.size() - 1; at > 0 && calls[at - 1].time_s > calls[at].time_s; --at)
    std::swap(calls[at - 1], calls[at]);
  if (calls.size() > kCallsMax) calls.erase(calls.begin());
}

void DialRecord::change_device(std::uint16_t device, std::uint32_t time_s) {
  if (device == 0) return;
  const bool changed = last_device != 0 && last_device != device;
  last_device = device;
  if (!changed) return;
  const std::uint32_t oldest = start_s(Window::k7d, newest_s);
  std::erase_if(changes, [oldest](std::uint32_t t) { return t < oldest; });
  if (changes.size() == kChangesMax) changes.erase(std::min_element(changes.begin(), changes.end()));
  changes.push_back(time_s);
}

void DialRecord::save(StateWriter& out) const {
  out.u32(newest_s);
  out.u32(heard_s);
  out.u16(last_device);
  out.varint(calls.size());
  for (const DialCall& c : calls) {
    for (const std::uint32_t v : {c.time_s, c.callee, c.tail}) out.u32(v);
    for (const std::uint16_t v : {static_cast<std::uint16_t>(c.ring_s), c.region, c.cell}) out.u16(v);
    out.u8(c.flags);
  }
  out.varint(changes.size());
  for (const std::uint32_t t : changes) out.u32(t);
  called.save(out);
  heard.save(out);
}

void DialRecord::load(StateReader& in) {
  newest_s = in.u32();
  heard_s = in.u32();
  last_device = in.u16();
  const std::uint64_t size = in.varint();
  if (size > kCallsMax) return in.fail("more calls than a dialling record holds");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    DialCall c{};
    for (std::uint32_t* v : {&c.time_s, &c.callee, &c.tail}) *v = in.u32();
    c.ring_s = static_cast<std::int16_t>(in.u16());
    c.region = in.u16();
    c.cell = in.u16();
    c.flags = in.u8();
    if (c.time_s > newest_s || (!calls.empty() && c.time_s < calls.back().time_s))
      return in.fail("a dialling record is out of order");
    calls.push_back(c);
  }
  const std::uint64_t times = in.varint();
  if (times > kChangesMax) return in.fail("more device changes than a dialling record holds");
  for (std::uint64_t i = 0; i < times && in.ok(); ++i) changes.push_back(in.u32());
  called.load(in);
  heard.load(in);
}

void DiallingActivities::update(model::NumberKey number, std::uint64_t hash, const model::Call& call, EventMs time,
                                EventMs watermark, bool suspect) {
  std::unique_ptr<DialRecord>& held =
      table_.touch_hash(number, hash, watermark, nullptr, [this](std::unique_ptr<DialRecord>& r) { drop(r); });
  if (held == nullptr) {
    held = std::make_unique<DialRecord>();
    heap_bytes_ += held->bytes();
  }
  DialRecord& record = *held;
  const std::uint32_t time_s = seconds32(time);
  record.newest_s = std::max(record.newest_s, time_s);
  if (time_s < start_s(Window::k24h, record.newest_s)) return;
  const std::uint64_t before = record.bytes();
  record.called.advance(record.newest_s);
  record.heard_s = std::max(record.heard_s, record.newest_s);
  record.heard.advance(record.heard_s);

  DialCall c{};
  c.time_s = time_s;
  c.callee = who(call.callee);
  c.ring_s = std::max<std::int16_t>(-1, call.ring_s);
  c.region = static_cast<std::uint16_t>(region_of(call.callee));
  c.cell = place_hash(call.caller_cell);
  const bool e164 = call.callee.kind() == model::NumberKind::kE164;
  if (e164) c.tail = static_cast<std::uint32_t>(call.callee.value());
  const std::uint16_t own = calling_code(number), other = calling_code(call.callee);
  const bool abroad = call.international || (own != 0 && other != 0 && own != other);
  const std::uint32_t week = start_s(Window::k7d, record.newest_s);
  const bool fresh = !record.called.contains_since(c.callee, week);
  const bool first = fresh && !record.heard.contains_since(c.callee, start_s(Window::k7d, record.heard_s));
  c.flags = static_cast<std::uint8_t>((e164 ? DialCall::kE164 : 0) | (abroad ? DialCall::kInternational : 0) |
                                      (call.roaming ? DialCall::kRoaming : 0) | (fresh ? DialCall::kNew : 0) |
                                      (first ? DialCall::kFirst : 0) | (suspect ? DialCall::kSuspect : 0));
  record.called.add(c.callee, time_s);
  record.change_device(place_hash(call.caller_device), time_s);
  record.add(c);
  heap_bytes_ += record.bytes() - before;
}

void DiallingActivities::hear(model::NumberKey number, std::uint64_t hash, model::NumberKey from, EventMs time,
                              EventMs watermark) {
  if (!from.known() || table_.size() == 0) return;
  std::unique_ptr<DialRecord>* held = table_.find_hash(number, hash, watermark);
  if (held == nullptr || *held == nullptr) return;
  DialRecord& record = **held;
  const std::uint32_t time_s = seconds32(time);
  const std::uint64_t before = record.heard.bytes();
  record.heard_s = std::max(record.heard_s, time_s);
  record.heard.advance(record.heard_s);
  record.heard.add(who(from), time_s);
  heap_bytes_ += record.heard.bytes() - before;
}

void DiallingActivities::save(StateWriter& out) const {
  table_.save(out, [](StateWriter& o, const std::unique_ptr<DialRecord>& record) { record->save(o); });
}

Result<> DiallingActivities::load(StateReader& in) {
  TRY(table_.load(in, [](StateReader& i, std::unique_ptr<DialRecord>& record) {
    record = std::make_unique<DialRecord>();
    record->load(i);
  }));
  heap_bytes_ = 0;
  table_.for_each([this](model::NumberKey, const std::unique_ptr<DialRecord>& r) { heap_bytes_ += r->bytes(); });
  return {};
}

}  // namespace pandun::detect
