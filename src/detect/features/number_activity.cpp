#include "detect/features/number_activity.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <limits>

#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? kUnknown : static_cast<double>(part) / static_cast<double>(whole);
}

// The contacts inside the window: the list is in time order.
std::span<const Contact> inside(std::span<const Contact> all, std::uint32_t start) {
  std::size_t at = all.size();
  while (at > 0 && all[at - 1].time_s >= start) --at;
  return all.subspan(at);
}

// Without branches: what kind of contact comes next cannot be foreseen.
void tally_list(std::span<const Contact> contacts, NumberTally& t) {
  constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
  constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);
  std::uint32_t talk = 0;  // at most Ledger::kRecents * kTalkMaxS
  for (const Contact& c : contacts) {
    const std::uint32_t message = c.message, out = c.outgoing;
    const std::uint32_t call_out = out & (message ^ 1U), call_in = (out | message) ^ 1U;
    const std::uint32_t answered = call_out & (c.answered == kYes ? 1U : 0U);
    t.calls_out += call_out;
    t.calls_in += call_in;
    t.messages_out += message & out;
    t.messages_in += message & (out ^ 1U);
    t.returns += call_in & c.returned;
    t.answered_out += answered;
    t.unanswered_out += call_out & (c.answered == kNo ? 1U : 0U);
    t.short_out += answered & (c.talk_s <= kShortTalkS ? 1U : 0U);
    talk += (0U - answered) & c.talk_s;
  }
  t.talk_out_s += talk;
}

void tally_busy(const BusyNumber& busy, Window w, NumberTally& t) {
  const auto narrow = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0x7fffffffU));
  };
  if (busy.calls_out != nullptr) {
    const auto& counts = busy.calls_out->counts;
    t.calls_out += narrow(counts.total(w, BusyNumber::kCalls));
    t.answered_out += narrow(counts.total(w, BusyNumber::kAnswered));
    t.unanswered_out += narrow(counts.total(w, BusyNumber::kUnanswered));
    t.short_out += narrow(counts.total(w, BusyNumber::kShort));
    t.talk_out_s += counts.total(w, BusyNumber::kTalk);
  }
  if (busy.calls_in != nullptr) {
    t.calls_in += narrow(busy.calls_in->counts.total(w, 0));
    t.returns += narrow(busy.calls_in->counts.total(w, 1));
  }
  if (busy.messages_out != nullptr) t.messages_out += narrow(busy.messages_out->counts.total(w));
  if (busy.messages_in != nullptr) t.messages_in += narrow(busy.messages_in->counts.total(w));
}

// The different peers of the contacts that a ledger does not stand for: few, in no order.
struct PeerSet {
  static constexpr std::size_t kMost = 72;
  static_assert(kMost >= kListedContacts && kMost >= Ledger::kRecents + kLedgerContacts);
  std::array<std::uint32_t, kMost> peers;
  std::size_t size = 0;
  std::array<std::uint64_t, 4> seen{};  // by the highest 8 bits: most that are not there are told apart by one look
  void add(std::uint32_t peer) {
    std::uint64_t& word = seen[peer >> 30];
    const std::uint64_t bit = std::uint64_t{1} << (peer >> 24 & 63);
    if ((word & bit) != 0 && std::find(peers.begin(), peers.begin() + size, peer) != peers.begin() + size) return;
    word |= bit;
    if (size < kMost) peers[size++] = peer;
  }
  bool has(std::uint16_t hash, std::uint16_t mask) const {
    if ((seen[hash >> 14] >> (hash >> 8 & 63) & 1U) == 0) return false;
    return std::any_of(peers.begin(), peers.begin() + size,
                       [&](std::uint32_t peer) { return ((peer >> 16 ^ hash) & mask) == 0; });
  }
};

Ledger::Kind kind_of(std::uint8_t lane) {
  return static_cast<Ledger::Kind>(lane);
}

}  // namespace

EventMs NumberActivity::newest() const {
  return EventMs{static_cast<std::int64_t>(record_->newest_s) * 1000};
}

std::uint32_t NumberActivity::contacts_at_most() const {
  return all_->contacts_at_most(*record_);
}

bool NumberActivity::fewer_than(double n, Window w) const {
  if (!(n >= 1)) return false;
  return all_->fewer_than(*record_, n > 1e9 ? 1'000'000'000U : static_cast<std::uint32_t>(std::ceil(n)), w);
}

std::span<const Contact> NumberActivity::contacts() const {
  return all_->contacts(*record_, inline_);
}

const Ledger* NumberActivity::ledger() const {
  return all_->ledger(*record_);
}

template <typename F>
void NumberActivity::each_recent(std::uint32_t start, F f) const {
  for (const Contact& c : inside(contacts(), start)) f(c);
  if (const Ledger* packed = all_->ledger_recents(*record_); packed != nullptr)
    for (const Contact& c : inside(packed->recents(), start)) f(c);
}

const NumberTally& NumberActivity::tally(Window w) const {
  const auto i = static_cast<std::size_t>(w);
  if ((have_tally_ >> i & 1U) != 0) return tally_[i];
  have_tally_ |= 1U << i;
  NumberTally& t = tally_[i] = NumberTally{};
  const std::uint32_t start = start_s(w, record_->newest_s);
  tally_list(inside(contacts(), start), t);
  if (const Ledger* packed = w <= Window::k1h ? all_->ledger_recents(*record_) : ledger(); packed != nullptr) {
    tally_list(inside(packed->recents(), start), t);
    packed->tally(w, record_->newest_s, t);
  }
  if (record_->tier == NumberRecord::kBusy) tally_busy(all_->busy(*record_), w, t);
  return t;
}

double NumberActivity::answered_ratio_out(Window w) const {
  const NumberTally& t = tally(w);
  return ratio(t.answered_out, std::uint64_t{t.answered_out} + t.unanswered_out);
}
double NumberActivity::short_ratio_out(Window w) const {
  return ratio(tally(w).short_out, tally(w).answered_out);
}
double NumberActivity::talk_s_mean_out(Window w) const {
  return ratio(tally(w).talk_out_s, tally(w).answered_out);
}
double NumberActivity::out_share(Window w) const {
  const NumberTally& t = tally(w);
  return ratio(t.calls_out, std::uint64_t{t.calls_out} + t.calls_in);
}
double NumberActivity::repeat_ratio_out(Window w) const {
  const double calls = calls_out(w);
  return calls == 0 ? kUnknown : std::max(0.0, 1 - distinct_callees(w) / calls);
}

double NumberActivity::distinct(Lane lane, Window w) const {
  const auto i = static_cast<std::size_t>(w);
  const std::size_t bit = static_cast<std::size_t>(lane) * kWindows + i;
  if ((have_distinct_ >> bit & 1U) != 0) return distinct_[lane][i];
  have_distinct_ |= 1U << bit;
  const std::uint32_t start = start_s(w, record_->newest_s);
  const bool message = lane == kMessageOut || lane == kMessageIn, outgoing = lane == kCallOut || lane == kMessageOut;
  const BusyNumber::Peers* busy =
      record_->tier == NumberRecord::kBusy ? all_->busy(*record_).peers(kind_of(lane)) : nullptr;
  PeerSet recent;
  each_recent(start, [&](const Contact& c) {
    if ((c.message == 1) == message && (c.outgoing == 1) == outgoing) recent.add(c.peer);
  });
  double value = 0;
  if (const Ledger* packed = ledger(); packed != nullptr && w >= Window::k24h) {
    packed->each_thing(kind_of(lane), w, record_->newest_s,
                       [&](std::uint16_t hash, std::uint16_t mask, std::uint32_t weight) {
                         if (recent.has(hash, mask) || (busy != nullptr && busy->has_met(hash, mask))) return;
                         value += weight;
                       });
  }
  if (busy != nullptr) {
    value += busy->count(w);
    const bool known = w <= Window::k24h && busy->short_time.exact();
    for (std::size_t p = 0; p < recent.size; ++p) {
      const std::uint32_t peer = recent.peers[p];
      value += (known ? busy->short_time.contains_since(peer, start) : busy->has_met(peer >> 16, 0xffff)) ? 0 : 1;
    }
  } else {
    value += static_cast<double>(recent.size);
  }
  distinct_[lane][i] = value;
  return value;
}
double NumberActivity::distinct_callees(Window w) const {
  return distinct(kCallOut, w);
}
double NumberActivity::distinct_callers(Window w) const {
  return distinct(kCallIn, w);
}
double NumberActivity::distinct_recipients(Window w) const {
  return distinct(kMessageOut, w);
}
double NumberActivity::distinct_senders(Window w) const {
  return distinct(kMessageIn, w);
}

bool NumberActivity::exact() const {
  if (record_->tier != NumberRecord::kBusy) return true;
  const BusyNumber& busy = all_->busy(*record_);
  for (const Lane lane : {kCallOut, kCallIn, kMessageOut, kMessageIn})
    if (const auto* peers = busy.peers(kind_of(lane)); peers != nullptr && !peers->short_time.exact()) return false;
  return true;
}

double NumberActivity::distinct_places(bool cell) const {
  if (record_->tier == NumberRecord::kBusy) {
    const Places* seen = all_->places(*record_);
    return seen == nullptr ? 0 : static_cast<double>(seen->count(cell, record_->newest_s));
  }
  const std::uint32_t start = start_s(Window::k24h, record_->newest_s);
  PeerSet recent;
  each_recent(start, [&](const Contact& c) {
    if (const std::uint32_t place = cell ? c.cell : c.device; place != 0) recent.add(place << 16);
  });
  auto found = static_cast<double>(recent.size);
  if (const Ledger* packed = ledger(); packed != nullptr)
    packed->each_thing(
        cell ? Ledger::kCell : Ledger::kDevice, Window::k24h, record_->newest_s,
        [&](std::uint16_t hash, std::uint16_t mask, std::uint32_t) { found += recent.has(hash, mask) ? 0 : 1; });
  return std::min<double>(found, cell ? Places::kCellsMax : Places::kDevicesMax);
}
double NumberActivity::distinct_devices_24h() const {
  return distinct_places(false);
}
double NumberActivity::distinct_cells_24h() const {
  return distinct_places(true);
}

// Regions are hashed to 1..1023, so some fall together: corrected by linear counting (Whang et al. 1990).
double NumberActivity::regions_callee_24h() const {
  std::bitset<1024> seen;
  const std::uint32_t start = start_s(Window::k24h, record_->newest_s);
  if (record_->tier == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    const std::uint32_t first_step = start / spec(Window::k24h).step_s;
    if (busy.region_step != nullptr)
      for (std::size_t r = 1; r < BusyNumber::kRegions; ++r) seen[r] = (*busy.region_step)[r] > first_step;
  } else {
    each_recent(start, [&](const Contact& c) {
      if (c.region != 0) seen[c.region] = true;
    });
    if (const Ledger* packed = ledger(); packed != nullptr)
      packed->each_thing(Ledger::kRegion, Window::k24h, record_->newest_s,
                         [&](std::uint16_t region, std::uint16_t, std::uint32_t) { seen[region & 1023U] = true; });
  }
  const double hit = std::min<double>(static_cast<double>(seen.count()), 1022);
  return std::round(-1023 * std::log1p(-hit / 1023));
}

double NumberActivity::night_share_24h() const {
  const auto offset = all_->options().local_offset;
  const NumberTally& t = tally(Window::k24h);
  const std::uint64_t out = std::uint64_t{t.calls_out} + t.messages_out;
  std::uint64_t night = 0;
  each_recent(start_s(Window::k24h, record_->newest_s),
              [&](const Contact& c) { night += c.outgoing == 1 && is_night(c.time_s, offset) ? 1U : 0U; });
  if (const Ledger* packed = ledger(); packed != nullptr) night += packed->night_24h(record_->newest_s, offset);
  if (record_->tier == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    constexpr WindowSpec day = spec(Window::k24h);
    const std::uint32_t head = record_->newest_s / day.step_s;
    for (std::uint32_t back = 0; back < day.steps && back <= head; ++back) {
      if (!is_night((head - back) * day.step_s, offset)) continue;
      if (busy.calls_out != nullptr) night += busy.calls_out->counts.at(Window::k24h, back, BusyNumber::kCalls);
      if (busy.messages_out != nullptr) night += busy.messages_out->counts.at(Window::k24h, back);
    }
  }
  return ratio(night, out);
}

double NumberActivity::max_calls_per_minute_5m() const {
  std::array<std::uint32_t, 5> minutes{};
  const std::uint32_t now = record_->newest_s / 60;
  each_recent(now < 4 ? 0 : (now - 4) * 60, [&](const Contact& c) {
    if (c.outgoing == 1 && c.message == 0) ++minutes[now - c.time_s / 60];
  });
  if (record_->tier == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    if (busy.calls_out != nullptr)
      for (std::uint32_t back = 0; back < 5; ++back)
        minutes[back] += busy.calls_out->counts.at(Window::k1h, back, BusyNumber::kCalls);
  }
  return *std::max_element(minutes.begin(), minutes.end());
}

double NumberActivity::first_seen_age_s() const {
  return record_->newest_s - record_->first_s;
}

double NumberActivity::idle_before_s() const {
  if (record_->silence_h == 0) return 0;
  const std::uint32_t awake_h = (record_->newest_s / 3600 - record_->woke_h) & 0xfff;
  return awake_h > 7 * 24 ? 0 : record_->silence_h * 3600.0;
}

std::vector<model::EvidencePoint> NumberActivity::series(Lane lane, Window w) const {
  const WindowSpec& ws = spec(w);
  const std::uint32_t head = record_->newest_s / ws.step_s;
  const std::uint32_t steps = std::min(ws.steps, head + 1);
  std::vector<model::EvidencePoint> points(steps);
  for (std::uint32_t i = 0; i < steps; ++i)
    points[i].time = EventMs{static_cast<std::int64_t>(head + 1 - steps + i) * ws.step_s * 1000};
  each_recent(start_s(w, record_->newest_s), [&](const Contact& c) {
    if (c.outgoing == 1 && (c.message == 1) == (lane == kMessageOut))
      points[steps - 1 - (head - c.time_s / ws.step_s)].value += 1;
  });
  if (const Ledger* packed = ledger(); packed != nullptr)
    packed->each_step(w, record_->newest_s, [&](std::uint32_t back, std::uint32_t calls, std::uint32_t messages) {
      points[steps - 1 - back].value += lane == kMessageOut ? messages : calls;
    });
  if (record_->tier != NumberRecord::kBusy) return points;
  const BusyNumber& busy = all_->busy(*record_);
  for (std::uint32_t i = 0; i < steps; ++i) {
    const std::uint32_t back = steps - 1 - i;
    if (lane == kMessageOut) {
      points[i].value += busy.messages_out == nullptr ? 0 : busy.messages_out->counts.at(w, back);
    } else {
      points[i].value += busy.calls_out == nullptr ? 0 : busy.calls_out->counts.at(w, back, BusyNumber::kCalls);
    }
  }
  return points;
}
std::vector<model::EvidencePoint> NumberActivity::calls_out_series(Window w) const {
  return series(kCallOut, w);
}
std::vector<model::EvidencePoint> NumberActivity::messages_out_series(Window w) const {
  return series(kMessageOut, w);
}

}  // namespace pandun::detect
