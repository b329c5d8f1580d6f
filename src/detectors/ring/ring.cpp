// Ring: numbers of one place that dial strangers and belong together by device, by the people they call, or by their hours.
//
// Source   docs/detectors/ring.md, with where each threshold comes from.
#include "detectors/ring/ring.h"

#include <cmath>
#include <string>

#include "detect/detector.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace ring {

constexpr std::int32_t kShortTalkS = 10;

struct Limits {
  double members, calls, lost, dispersion, shared, strong_per_hour, overlap;
};

struct Links {
  int device = 0, callees = 0, rhythm = 0;
  int kinds() const { return (device > 0 ? 1 : 0) + (callees > 0 ? 1 : 0) + (rhythm > 0 ? 1 : 0); }
};

class Ring final : public detect::Detector {
 public:
  explicit Ring(const detect::Options& o)
      : limits_{o["members_min"],       o["calls_min"],          o["lost_share_min"],
                o["dispersion_min"],    o["shared_callees_min"], o["strong_calls_hour_min"],
                o["rhythm_overlap_min"]},
        cells_(std::chrono::hours(24)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall) return;
    const auto& call = event.as<model::Call>();
    if (!call.caller.known() || call.caller.kind() == model::NumberKind::kService || call.caller_cell.empty()) return;
    keys.push_back({model::EntityKind::kCell, 0, model::key_of_text(call.caller_cell)});
  }
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    if (stage < 2) return cells_.prefetch(key.key, stage);
    if (const Cell* cell = cells_.peek_hash(key.key, hash_of(key.key)); cell != nullptr) cell->prefetch();
  }
  unsigned prefetch_stages() const override { return 3; }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    cells_.evict(watermark, [this](Cell& c) { drop(c); });
  }
  void save(detect::StateWriter& out) const override {
    cells_.save(out, [](detect::StateWriter& w, const Cell& c) { c.save(w); });
  }
  Result<> load(detect::StateReader& in) override {
    TRY(cells_.load(in, [](detect::StateReader& r, Cell& c) { c.load(r); }));
    heap_bytes_ = 0;
    cells_.for_each([this](const model::EntityKey&, const Cell& c) { heap_bytes_ += c.heap_bytes(); });
    return {};
  }
  detect::StateSize size() const override { return {cells_.size(), cells_.bytes() + heap_bytes_, cells_.evicted()}; }

 private:
  bool dials_strangers(const Dialler& d, std::uint32_t now_s) const;
  bool strong(const Dialler& d) const;
  bool like_hours(const Dialler& a, const Dialler& b) const;
  void judge(const model::Event& event, Diallers& diallers, detect::Context& context) const;
  void emit(const model::Event& event, Diallers& diallers, const std::vector<const Dialler*>& members,
            const Links& links, detect::Context& context) const;
  void drop(const Cell& cell) { heap_bytes_ -= cell.heap_bytes(); }

  Limits limits_;
  detect::StateTable<model::EntityKey, Cell> cells_;
  std::uint64_t heap_bytes_ = 0;
};

void Ring::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  const auto& call = event.as<model::Call>();
  bool fresh = false;
  Cell& cell = cells_.touch_hash(key.key, hash_of(key.key), event.watermark, &fresh, [this](Cell& c) { drop(c); });
  const std::uint64_t before = fresh ? 0 : cell.heap_bytes();
  const std::uint32_t now_s = detect::seconds32(event.time);
  const bool lost = call.answered == model::Answered::kNo || (call.duration_s >= 0 && call.duration_s <= kShortTalkS);
  Caller* caller = cell.caller(call.caller, now_s);
  if (caller != nullptr) caller->count(lost, now_s);
  Dialler* dialler = cell.diallers == nullptr ? nullptr : cell.diallers->find(call.caller);
  // Followed from half of what makes a member on, at most 100 calls.
  if (dialler == nullptr && caller != nullptr && caller->calls >= std::min(100.0, limits_.calls / 2) &&
      caller->lost >= limits_.lost * caller->calls) {
    if (cell.diallers == nullptr) cell.diallers = std::make_unique<Diallers>();
    dialler = &cell.diallers->make(call.caller);
  }
  heap_bytes_ += cell.heap_bytes() - before;
  if (dialler == nullptr) return;
  Diallers& diallers = *cell.diallers;
  if (!call.caller_device.empty()) dialler->device = static_cast<std::uint32_t>(hash64(call.caller_device)) | 1U;
  dialler->add(call.callee, now_s, lost);
  diallers.records.add(event);
  // The group is worked out now and then, not at every call.
  if (dialler->calls % 10 == 0 && static_cast<double>(diallers.all.size()) >= limits_.members)
    judge(event, diallers, context);
}

bool Ring::dials_strangers(const Dialler& d, std::uint32_t now_s) const {
  return d.calls * 2 >= limits_.calls && now_s < d.last_s + kForgetS && d.lost >= limits_.lost * d.calls &&
         d.callees.count() >= limits_.dispersion * std::min<double>(d.calls, 256);
}
bool Ring::strong(const Dialler& d) const {
  const double hours = std::max(1.0, static_cast<double>(std::popcount(d.active)) * kSlotS / 3600.0);
  return d.calls >= limits_.calls && d.calls / hours >= limits_.strong_per_hour;
}
// At work in the same slots, at a pace within a factor of two.
bool Ring::like_hours(const Dialler& a, const Dialler& b) const {
  const std::uint32_t now = std::max(a.slot, b.slot);
  const std::uint64_t x = a.active_at(now), y = b.active_at(now);
  const int both = std::popcount(x & y), any = std::popcount(x | y);
  return both >= 3 && both >= limits_.overlap * any && a.calls <= 2 * b.calls && b.calls <= 2 * a.calls;
}

void Ring::judge(const model::Event& event, Diallers& diallers, detect::Context& context) const {
  const std::uint32_t now_s = detect::seconds32(event.time);
  const detect::NumberFacts& facts = *context.ports().numbers;
  std::vector<const Dialler*> all;
  for (const Dialler& d : diallers.all)
    if (dials_strangers(d, now_s) && facts.protected_group(d.number).empty() && !facts.emergency_or_service(d.number))
      all.push_back(&d);
  if (static_cast<double>(all.size()) < limits_.members) return;
  std::sort(all.begin(), all.end(), [](const Dialler* a, const Dialler* b) { return a->number < b->number; });

  Groups groups(all.size());
  std::vector<std::pair<std::size_t, Links>> links;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (std::size_t j = i + 1; j < all.size(); ++j) {
      Links link;
      link.device = all[i]->device != 0 && all[i]->device == all[j]->device ? 1 : 0;
      link.callees = all[i]->shared_callees(*all[j]) >= limits_.shared ? 1 : 0;
      // Hours alone join only those that dial like machines: colleagues have the same hours too.
      link.rhythm = strong(*all[i]) && strong(*all[j]) && like_hours(*all[i], *all[j]) ? 1 : 0;
      if (link.kinds() == 0) continue;
      groups.join(i, j);
      links.emplace_back(i, link);
    }
  }
  // The largest group; of equal ones that with the lowest number.
  std::vector<std::size_t> size(all.size());
  for (std::size_t i = 0; i < all.size(); ++i) ++size[groups.root(i)];
  const std::size_t root = static_cast<std::size_t>(std::max_element(size.begin(), size.end()) - size.begin());
  if (static_cast<double>(size[root]) < limits_.members || !diallers.said.due(static_cast<double>(size[root]), now_s))
    return;
  std::vector<const Dialler*> members;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (groups.root(i) == root) members.push_back(all[i]);
  Links total;
  for (const auto& [i, link] : links) {
    if (groups.root(i) != root) continue;
    total.device += link.device;
    total.callees += link.callees;
    total.rhythm += link.rhythm;
  }
  diallers.said.say(static_cast<double>(size[root]), now_s);
  emit(event, diallers, members, total, context);
}

void Ring::emit(const model::Event& event, Diallers& diallers, const std::vector<const Dialler*>& members,
                const Links& links, detect::Context& context) const {
  const auto& call = event.as<model::Call>();
  std::vector<const Dialler*> by_calls = members;
  std::stable_sort(by_calls.begin(), by_calls.end(),
                   [](const Dialler* a, const Dialler* b) { return a->calls > b->calls; });
  if (!diallers.lead.known() ||
      std::none_of(members.begin(), members.end(), [&](const Dialler* d) { return d->number == diallers.lead; }))
    diallers.lead = by_calls.front()->number;
  double calls = 0, lost = 0;
  std::uint32_t first_s = 0xffffffffU;
  for (const Dialler* d : members) {
    calls += d->calls;
    lost += d->lost;
    first_s = std::min(first_s, d->first_s);
  }
  const double n = static_cast<double>(members.size()), excess = std::log2(n / limits_.members);
  model::Signal signal;
  signal.entity = model::Entity::of(diallers.lead);
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{first_s} * 1000)};
  signal.last = event.time;
  signal.severity = static_cast<std::uint8_t>(std::clamp(58 + 5 * excess + 7 * (links.kinds() - 1), 20.0, 90.0));
  signal.confidence = std::clamp(0.5 + 0.05 * excess + 0.12 * (links.kinds() - 1), 0.3, 0.9);
  signal.title.en = "Ring: " + std::to_string(members.size()) + " numbers in one cell dial strangers together";
  signal.title.zh = "疑似团伙：同一小区 " + std::to_string(members.size()) + " 个号码协同拨打陌生号码";
  signal.evidence = {{"ring_members", n, limits_.members, "numbers"},
                     {"ring_calls", calls, limits_.members * limits_.calls / 2, "calls"},
                     {"ring_lost_share", lost / std::max(1.0, calls), limits_.lost, "ratio"}};
  if (links.device > 0) signal.evidence.push_back({"ring_links_device", static_cast<double>(links.device), 0, "pairs"});
  if (links.callees > 0)
    signal.evidence.push_back({"ring_links_callees", static_cast<double>(links.callees), 0, "pairs"});
  if (links.rhythm > 0) signal.evidence.push_back({"ring_links_rhythm", static_cast<double>(links.rhythm), 0, "pairs"});
  for (const Dialler* d : by_calls)
    if (d->number != diallers.lead && signal.peers.size() + 1 < model::Signal::kPeersMax)
      signal.peers.push_back(model::Entity::of(d->number));
  signal.peers.push_back(model::Entity::text(model::EntityKind::kCell, call.caller_cell));
  signal.records = diallers.records.latest();
  context.emit(std::move(signal));
}

void Cell::save(detect::StateWriter& w) const {
  w.varint(callers.size());
  for (const Caller& c : callers) {
    w.u32(c.hash);
    w.u16(c.minute);
    w.u8(c.calls);
    w.u8(c.lost);
  }
  w.u8(diallers != nullptr ? 1 : 0);
  if (diallers == nullptr) return;
  w.varint(diallers->all.size());
  for (const Dialler& d : diallers->all) {
    w.u64(d.number.bits());
    for (const std::uint32_t v : {d.device, d.first_s, d.last_s, d.calls, d.lost, d.day, d.slot}) w.u32(v);
    w.u64(d.active);
    d.callees.save(w);
    for (const std::uint32_t v : d.smallest) w.u32(v);
  }
  w.u64(diallers->lead.bits());
  diallers->said.save(w);
  diallers->records.save(w);
}

void Cell::load(detect::StateReader& r) {
  const std::uint64_t caller_count = r.varint();
  if (caller_count > kCallersMax) return r.fail("more callers than a cell may have");
  callers.reserve((caller_count + 3) / 4 * 4);
  for (std::uint64_t i = 0; i < caller_count && r.ok(); ++i) {
    Caller& c = callers.emplace_back();
    c.hash = r.u32();
    c.minute = r.u16();
    c.calls = r.u8();
    c.lost = r.u8();
  }
  if (r.u8() == 0) return;
  diallers = std::make_unique<Diallers>();
  const std::uint64_t dialler_count = r.varint();
  if (dialler_count > kDiallersMax) return r.fail("more diallers than a cell may have");
  for (std::uint64_t i = 0; i < dialler_count && r.ok(); ++i) {
    detect::grow(diallers->all, 2, kDiallersMax);
    Dialler& d = diallers->all.emplace_back();
    d.number = model::NumberKey::from_bits(r.u64());
    for (std::uint32_t* v : {&d.device, &d.first_s, &d.last_s, &d.calls, &d.lost, &d.day, &d.slot}) *v = r.u32();
    d.active = r.u64();
    d.callees.load(r);
    for (std::uint32_t& v : d.smallest) v = r.u32();
  }
  diallers->lead = model::NumberKey::from_bits(r.u64());
  diallers->said.load(r);
  diallers->records.load(r);
}

}  // namespace ring

const detect::DetectorSpec& ring_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "ring",
      .title_en = "Ring of diallers",
      .title_zh = "疑似诈骗团伙",
      .finds_en =
          "Numbers of one cell that dial strangers and belong together: they share devices, the people they call, or "
          "their "
          "hours to the minute.",
      .finds_zh = "同一小区内拨打陌生号码、共用终端或被叫或作息一致的一组号码：疑似团伙作案。",
      .reads = {model::EventKind::kCall},
      .entity = model::EntityKind::kNumber,
      .topic = "ring",
      .techniques = {"PF-014"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"members_min", "numbers", 3, 3, 16, "numbers that belong together", "成员号码数"},
              {"calls_min", "calls", 30, 10, 10000,
               "calls out in the day of those joined by hours; others need half of it",
               "按作息关联的成员当日外呼次数，其他成员减半"},
              {"lost_share_min", "ratio", 0.65, 0, 1, "share of their calls unanswered or of at most 10 s",
               "未接或不超过 10 秒的占比"},
              {"dispersion_min", "ratio", 0.7, 0, 1, "different callees per call", "离散度"},
              {"shared_callees_min", "hashes", 2, 1, 16,
               "of 16 smallest hashes of the callees that agree: 2 are some 12 % in common",
               "被叫最小哈希的一致个数（共 16 个）：2 个约为 12% 重合"},
              {"strong_calls_hour_min", "calls", 40, 10, 10000,
               "calls an hour from which on like hours alone join two numbers", "仅凭作息一致关联所需的每小时外呼次数"},
              {"rhythm_overlap_min", "ratio", 0.6, 0, 1, "share of ten-minute slots at work in common",
               "十分钟工作时段重合占比"},
          },
      .false_positives_en =
          "A telephone survey or collection office on mobile telephones, when few pick up. It can be registered as a "
          "protected group; its numbers live for years and take calls back.",
      .false_positives_zh = "使用手机且接通率低的调查、催收办公室。可登记为受保护群体；此类号码长期在用且接听回拨。",
      .state_version = 2,
      .evidence =
          {
              {"ring_members", "numbers that belong together", "成员号码数", "numbers", "个", detect::Bound::kAtLeast},
              {"ring_calls", "their calls today", "当日外呼次数合计", "calls", "次", detect::Bound::kAtLeast},
              {"ring_lost_share", "share unanswered or of at most 10 s", "未接或极短占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"ring_links_device", "pairs on one device", "共用终端的成员对数", "pairs", "对"},
              {"ring_links_callees", "pairs that call the same people", "被叫重合的成员对数", "pairs", "对"},
              {"ring_links_rhythm", "pairs with the same hours and pace", "作息与节奏一致的成员对数", "pairs", "对"},
          },
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_ring(const detect::Options& options) {
  return std::make_unique<ring::Ring>(options);
}

}  // namespace pandun::detectors
