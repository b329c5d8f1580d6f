#include "detect/features/number_activity.h"

#include <algorithm>
#include <bit>
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
  if (all.empty() || all.front().time_s >= start) return all;
  std::size_t at = all.size();
  while (all[at - 1].time_s >= start) --at;
  return all.subspan(at);
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

void mark_busy(const BusyNumber& busy, Window w, NumberMarks& m) {
  const auto narrow = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0x7fffffffU));
  };
  if (busy.calls_in != nullptr) {
    const auto& counts = busy.calls_in->counts;
    m.answered_in += narrow(counts.total(w, BusyNumber::kInAnswered));
    m.unanswered_in += narrow(counts.total(w, BusyNumber::kInUnanswered));
    m.short_in += narrow(counts.total(w, BusyNumber::kInShort));
  }
  if (busy.marks == nullptr) return;
  m.night_out += narrow(busy.marks->total(w, BusyNumber::kNight));
  m.long_out += narrow(busy.marks->total(w, BusyNumber::kLong));
  m.abroad_out += narrow(busy.marks->total(w, BusyNumber::kAbroadOut));
  m.roaming_out += narrow(busy.marks->total(w, BusyNumber::kRoaming));
  m.abroad_in += narrow(busy.marks->total(w, BusyNumber::kAbroadIn));
}

// How many different ones: a set of twice as many slots as there can be, so that little is cleared for few.
class Counted {
 public:
  explicit Counted(std::size_t most) : mask_(static_cast<std::uint32_t>(std::bit_ceil(2 * most + 1)) - 1) {
    std::fill_n(slots_.begin(), mask_ + 1, std::uint16_t{0});
  }
  void add(std::uint16_t hash) {  // not 0
    std::uint32_t at = (hash * 0x9e37U >> 4) & mask_;
    while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & mask_;
    size_ += slots_[at] == 0 ? 1U : 0U;
    slots_[at] = hash;
  }
  std::size_t size() const { return size_; }

 private:
  std::array<std::uint16_t, std::bit_ceil(2 * kPackedContacts + 1)> slots_;
  std::uint32_t mask_;
  std::size_t size_ = 0;
};

// Adds hashes to a set that is empty before and after.
class Gathered {
 public:
  explicit Gathered(std::bitset<65536>& set) : set_(set) {}
  ~Gathered() {
    for (std::size_t i = 0; i < size_; ++i) set_.reset(members_[i]);
  }
  Gathered(const Gathered&) = delete;
  Gathered& operator=(const Gathered&) = delete;
  void add(std::uint16_t hash) {
    if (set_.test(hash)) return;
    set_.set(hash);
    members_[size_++] = hash;
  }
  std::span<const std::uint16_t> all() const { return {members_.data(), size_}; }
  bool has_of(std::uint16_t hash, unsigned bits) const {  // a History's hash, of one of so many bits
    for (std::uint32_t low = 0; low < 1U << (bits - History::kHashBits); ++low)
      if (set_.test((std::uint32_t{hash} << (bits - History::kHashBits)) + low)) return true;
    return false;
  }

 private:
  std::bitset<65536>& set_;
  std::array<std::uint16_t, kPackedContacts> members_;
  std::size_t size_ = 0;
};

}  // namespace

// Without branches: what kind of contact comes next cannot be foreseen.
void tally_contacts(std::span<const Contact> contacts, NumberTally& t) {
  constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
  constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);
  std::uint64_t talk = 0;
  for (const Contact& c : contacts) {
    const std::uint32_t call_out = c.is(Lane::kCallOut) ? 1U : 0U, call_in = c.is(Lane::kCallIn) ? 1U : 0U;
    const std::uint32_t answered = call_out & (c.answered == kYes ? 1U : 0U);
    t.calls_out += call_out;
    t.calls_in += call_in;
    t.messages_out += c.is(Lane::kMessageOut) ? 1U : 0U;
    t.messages_in += c.is(Lane::kMessageIn) ? 1U : 0U;
    t.returns += call_in & c.returned;
    t.answered_out += answered;
    t.unanswered_out += call_out & (c.answered == kNo ? 1U : 0U);
    t.short_out += answered & (c.talk_s <= kShortTalkS ? 1U : 0U);
    talk += (0U - answered) & c.talk_s;
  }
  t.talk_out_s += talk;
}

void mark_contacts(std::span<const Contact> contacts, NumberMarks& m) {
  constexpr auto kYes = static_cast<std::uint32_t>(model::Answered::kYes);
  constexpr auto kNo = static_cast<std::uint32_t>(model::Answered::kNo);
  for (const Contact& c : contacts) {
    const std::uint32_t out = c.outgoing() ? 1U : 0U, in = 1U - out;
    const std::uint32_t call_in = c.is(Lane::kCallIn) ? 1U : 0U, yes = c.answered == kYes ? 1U : 0U;
    m.night_out += out & c.night;
    m.abroad_out += out & c.abroad;
    m.abroad_in += in & c.abroad;
    m.roaming_out += out & c.roaming;
    m.long_out += out & yes & (c.talk_s > kLongTalkS ? 1U : 0U);
    m.answered_in += call_in & yes;
    m.unanswered_in += call_in & (c.answered == kNo ? 1U : 0U);
    m.short_in += call_in & yes & (c.talk_s <= kShortTalkS ? 1U : 0U);
  }
}

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

template <typename F>
void NumberActivity::each_recent(std::uint32_t start, F f) const {
  for (const Contact& c : inside(all_->contacts(*record_), start)) f(c);
}

const NumberTally& NumberActivity::tally(Window w) const {
  const auto i = static_cast<std::size_t>(w);
  if ((have_tally_ >> i & 1U) != 0) return tally_[i];
  have_tally_ |= 1U << i;
  NumberTally& t = tally_[i] = NumberTally{};
  tally_contacts(inside(all_->contacts(*record_), start_s(std::min(w, Window::k24h), record_->newest_s)), t);
  if (w >= Window::k7d)
    if (const History* before = all_->history(*record_); before != nullptr) before->tally(w, t);
  if (record_->form == NumberRecord::kBusy) tally_busy(all_->busy(*record_), w, t);
  return t;
}

const NumberMarks& NumberActivity::marks(Window w) const {
  const auto i = static_cast<std::size_t>(w);
  if ((have_marks_ >> i & 1U) != 0) return marks_[i];
  have_marks_ |= 1U << i;
  NumberMarks& m = marks_[i] = NumberMarks{};
  mark_contacts(inside(all_->contacts(*record_), start_s(std::min(w, Window::k24h), record_->newest_s)), m);
  if (w >= Window::k7d)
    if (const History* before = all_->history(*record_); before != nullptr) before->mark(w, m);
  if (record_->form == NumberRecord::kBusy) mark_busy(all_->busy(*record_), w, m);
  return m;
}

double NumberActivity::answered_ratio_in(Window w) const {
  const NumberMarks& m = marks(w);
  return ratio(m.answered_in, std::uint64_t{m.answered_in} + m.unanswered_in);
}
double NumberActivity::short_ratio_in(Window w) const {
  return ratio(marks(w).short_in, marks(w).answered_in);
}
double NumberActivity::long_ratio_out(Window w) const {
  return ratio(marks(w).long_out, tally(w).answered_out);
}
double NumberActivity::night_share(Window w) const {
  return ratio(marks(w).night_out, std::uint64_t{tally(w).calls_out} + tally(w).messages_out);
}
double NumberActivity::international_share_out(Window w) const {
  return ratio(marks(w).abroad_out, std::uint64_t{tally(w).calls_out} + tally(w).messages_out);
}
double NumberActivity::international_share_in(Window w) const {
  return ratio(marks(w).abroad_in, std::uint64_t{tally(w).calls_in} + tally(w).messages_in);
}
double NumberActivity::roaming_share_out(Window w) const {
  return ratio(marks(w).roaming_out, tally(w).calls_out);
}

bool NumberActivity::may_have_met(Lane lane, model::NumberKey peer) const {
  const std::uint32_t hash = peer_hash(hash_of(model::key_of(peer)));
  const std::uint16_t few = short_hash(hash);
  if (record_->form == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    const BusyNumber::Peers* peers = busy.peers(lane);
    if (busy.met_before(lane, few, 0)) return true;
    if (peers != nullptr && (!peers->short_time.exact() || peers->short_time.contains_since(hash, 0))) return true;
  }
  if (record_->form == NumberRecord::kBare) return false;
  for (const Contact& c : all_->contacts(*record_))
    if (c.is(lane) && c.peer == few) return true;
  const History* before = all_->history(*record_);
  return before != nullptr &&
         before->has_met(History::hash_of(few), static_cast<std::uint8_t>(1U << static_cast<unsigned>(lane)));
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
  if ((have_distinct_ >> bit & 1U) != 0) return distinct_[static_cast<std::size_t>(lane)][i];
  have_distinct_ |= 1U << bit;
  const std::uint32_t start = start_s(std::min(w, Window::k24h), record_->newest_s);
  const bool is_busy = record_->form == NumberRecord::kBusy;
  double& value = distinct_[static_cast<std::size_t>(lane)][i] = 0;
  const History* before = w >= Window::k7d ? all_->history(*record_) : nullptr;
  if (!is_busy && before == nullptr) {
    const std::span<const Contact> contacts = inside(all_->contacts(*record_), start);
    Counted peers(contacts.size());
    for (const Contact& c : contacts)
      if (c.is(lane) && c.peer != 0) peers.add(c.peer);
    return value = static_cast<double>(peers.size());
  }
  const BusyNumber::Peers* busy = is_busy ? all_->busy(*record_).peers(lane) : nullptr;
  Gathered recent(all_->scratch());
  if (is_busy) {
    // None of them was met again since, and each is there once.
    const std::uint32_t from = start_s(w, record_->newest_s);
    const BusyNumber& number = all_->busy(*record_);
    const std::vector<BusyNumber::Peer>& peers = number.before_peers;
    const bool all = peers.empty() || peers.front().time_s >= from;
    std::uint32_t met = all ? number.before_count[static_cast<std::size_t>(lane)] : 0;
    for (std::size_t n = all ? 0 : peers.size(); n-- > 0 && peers[n].time_s >= from;)
      met += peers[n].lane == lane ? 1U : 0U;
    value = met;
    if (before != nullptr)
      for (std::size_t n = peers.size(); n-- > 0 && peers[n].time_s >= from;)
        if (peers[n].lane == lane) recent.add(peers[n].hash);
  } else {
    each_recent(start, [&](const Contact& c) {
      if (c.is(lane) && c.peer != 0) recent.add(c.peer);
    });
    value = static_cast<double>(recent.all().size());
  }
  if (before != nullptr)
    before->each(met(lane), w, [&](std::uint16_t hash, std::uint32_t weight) {
      if (!recent.has_of(hash, 16) && (busy == nullptr || !busy->has_met(hash))) value += weight;
    });
  if (busy != nullptr) value += busy->count(w);
  return value;
}
double NumberActivity::distinct_callees(Window w) const {
  return distinct(Lane::kCallOut, w);
}
double NumberActivity::distinct_callers(Window w) const {
  return distinct(Lane::kCallIn, w);
}
double NumberActivity::distinct_recipients(Window w) const {
  return distinct(Lane::kMessageOut, w);
}
double NumberActivity::distinct_senders(Window w) const {
  return distinct(Lane::kMessageIn, w);
}

bool NumberActivity::exact() const {
  if (record_->form != NumberRecord::kBusy) return true;
  const BusyNumber& busy = all_->busy(*record_);
  for (const Lane lane : {Lane::kCallOut, Lane::kCallIn, Lane::kMessageOut, Lane::kMessageIn})
    if (const auto* peers = busy.peers(lane); peers != nullptr && !peers->short_time.exact()) return false;
  return true;
}

double NumberActivity::distinct_places(bool cell, Window w) const {
  const History* before = w >= Window::k7d ? all_->history(*record_) : nullptr;
  const double most = static_cast<double>(cell ? Places::kCellsMax : Places::kDevicesMax);
  if (before == nullptr && record_->form != NumberRecord::kBusy) {
    const std::span<const Contact> contacts =
        inside(all_->contacts(*record_), start_s(std::min(w, Window::k24h), record_->newest_s));
    Counted places(contacts.size());
    for (const Contact& c : contacts)
      if (const std::uint16_t place = cell ? c.cell : c.device; place != 0) places.add(place);
    return std::min(static_cast<double>(places.size()), most);
  }
  Gathered recent(all_->scratch());
  double seen = 0;
  if (record_->form == NumberRecord::kBusy) {
    if (const Places* places = all_->places(*record_); places != nullptr) {
      seen = static_cast<double>(places->count(cell, start_s(w, record_->newest_s)));
      if (before != nullptr) places->each(cell, [&](std::uint16_t place) { recent.add(place); });
    }
  } else {
    each_recent(start_s(std::min(w, Window::k24h), record_->newest_s), [&](const Contact& c) {
      if (const std::uint16_t place = cell ? c.cell : c.device; place != 0) recent.add(place);
    });
    seen = static_cast<double>(recent.all().size());
  }
  if (before != nullptr)
    before->each(cell ? Met::kCell : Met::kDevice, w, [&](std::uint16_t hash, std::uint32_t weight) {
      if (!recent.has_of(hash, kPlaceBits)) seen += weight;
    });
  return std::min(seen, most);
}
double NumberActivity::distinct_devices(Window w) const {
  return distinct_places(false, w);
}
double NumberActivity::distinct_cells(Window w) const {
  return distinct_places(true, w);
}

// Regions are hashed to 1..1023, so some fall together: corrected by linear counting (Whang et al. 1990).
double NumberActivity::regions_callee(Window w) const {
  std::bitset<1024> seen, at_all;
  if (record_->form == NumberRecord::kBusy) {
    const std::uint32_t start = start_s(w, record_->newest_s);
    const BusyNumber& busy = all_->busy(*record_);
    if (busy.region_last != nullptr)
      for (std::size_t r = 1; r < BusyNumber::kRegions; ++r) {
        seen[r] = (*busy.region_last)[r] > start;
        at_all[r] = (*busy.region_last)[r] != 0;
      }
  } else {
    each_recent(start_s(std::min(w, Window::k24h), record_->newest_s), [&](const Contact& c) {
      if (c.region != 0) seen[c.region] = true;
    });
    at_all = seen;
  }
  double hit = static_cast<double>(seen.count());
  if (const History* before = w >= Window::k7d ? all_->history(*record_) : nullptr; before != nullptr)
    before->each(Met::kRegion, w, [&](std::uint16_t region, std::uint32_t weight) {
      if (!at_all[region & 1023U]) hit += weight;
    });
  return std::round(-1023 * std::log1p(-std::min(hit, 1022.0) / 1023));
}

double NumberActivity::unmet_share(std::uint8_t lanes) const {
  if (record_->form == NumberRecord::kBusy) return kUnknown;
  const History* before = all_->history(*record_);
  const unsigned level = before == nullptr ? 0 : before->level(lanes);
  Gathered callees(all_->scratch());
  each_recent(start_s(Window::k24h, record_->newest_s), [&](const Contact& c) {
    if (c.is(Lane::kCallOut) && c.peer != 0) callees.add(c.peer);
  });
  std::uint64_t all = 0, unmet = 0;
  for (const std::uint16_t peer : callees.all()) {
    const std::uint16_t hash = History::hash_of(peer);
    if (!History::passes(hash, level)) continue;
    ++all;
    unmet += before == nullptr || !before->has_met(hash, lanes) ? 1U : 0U;
  }
  return ratio(unmet, all);
}
double NumberActivity::new_callee_share_24h() const {
  return unmet_share(1U << static_cast<unsigned>(Lane::kCallOut));
}
double NumberActivity::first_contact_share_24h() const {
  return unmet_share((1U << kLanes) - 1);
}

double NumberActivity::most_a_minute(Lane lane) const {
  std::array<std::uint32_t, 5> minutes{};
  const std::uint32_t now = record_->newest_s / 60;
  each_recent(now < 4 ? 0 : (now - 4) * 60, [&](const Contact& c) {
    if (c.is(lane)) ++minutes[now - c.time_s / 60];
  });
  if (record_->form == NumberRecord::kBusy) {
    const BusyNumber& busy = all_->busy(*record_);
    for (std::uint32_t back = 0; back < 5; ++back) {
      if (lane == Lane::kCallOut && busy.calls_out != nullptr)
        minutes[back] += busy.calls_out->counts.at(Window::k1h, back, BusyNumber::kCalls);
      if (lane == Lane::kMessageOut && busy.messages_out != nullptr)
        minutes[back] += busy.messages_out->counts.at(Window::k1h, back);
    }
  }
  return *std::max_element(minutes.begin(), minutes.end());
}
double NumberActivity::max_calls_per_minute_5m() const {
  return most_a_minute(Lane::kCallOut);
}
double NumberActivity::max_messages_per_minute_5m() const {
  return most_a_minute(Lane::kMessageOut);
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
  each_recent(start_s(std::min(w, Window::k24h), record_->newest_s), [&](const Contact& c) {
    if (c.is(lane)) points[steps - 1 - (head - c.time_s / ws.step_s)].value += 1;
  });
  if (const History* before = w >= Window::k7d ? all_->history(*record_) : nullptr; before != nullptr)
    before->each_step(w, [&](std::uint32_t from_s, std::uint32_t calls, std::uint32_t messages) {
      if (const std::uint32_t back = head - from_s / ws.step_s; back < steps)
        points[steps - 1 - back].value += lane == Lane::kMessageOut ? messages : calls;
    });
  if (record_->form != NumberRecord::kBusy) return points;
  const BusyNumber& busy = all_->busy(*record_);
  for (std::uint32_t i = 0; i < steps; ++i) {
    const std::uint32_t back = steps - 1 - i;
    if (lane == Lane::kMessageOut) {
      points[i].value += busy.messages_out == nullptr ? 0 : busy.messages_out->counts.at(w, back);
    } else {
      points[i].value += busy.calls_out == nullptr ? 0 : busy.calls_out->counts.at(w, back, BusyNumber::kCalls);
    }
  }
  return points;
}
std::vector<model::EvidencePoint> NumberActivity::calls_out_series(Window w) const {
  return series(Lane::kCallOut, w);
}
std::vector<model::EvidencePoint> NumberActivity::messages_out_series(Window w) const {
  return series(Lane::kMessageOut, w);
}

}  // namespace pandun::detect
