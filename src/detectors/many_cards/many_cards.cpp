// Many cards: one device that keeps taking further numbers, each used a little over days; or one holder for whom numbers keep
// being opened.
//
// Shape    a device that one or two numbers used within 30 days costs nothing here: the engine's device features know it. From
//          the third number on about 250 bytes and 24 for each number (64 at most), kept for 30 days after the last use. A holder costs 56 bytes and 16 for each opening of
//          30 days (64 at most).
// Source   docs/detectors/many_cards.md, with where each threshold comes from.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/features/device_activity.h"
#include "detect/small_state.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace many_cards {

constexpr std::size_t kCardsMax = 64;
constexpr std::uint32_t kDayS = 24 * 3600, kWindowS = 30 * kDayS;

// A device's key: 64 bits of its text, so that the first table stays small.
struct DeviceKey {
  std::uint64_t bits = 0;
  friend bool operator==(DeviceKey, DeviceKey) = default;
};
inline std::uint64_t state_hash(DeviceKey key) {
  return hash_of(model::EntityKey{0, key.bits});
}
inline void write_key(detect::StateWriter& out, DeviceKey key) {
  out.u64(key.bits);
}
inline void read_key(detect::StateReader& in, DeviceKey& key) {
  key.bits = in.u64();
}

struct Card {
  model::NumberKey number;
  std::uint32_t first_s = 0, last_s = 0;
  std::uint32_t uses = 0;
};

struct Device {
  std::vector<Card> cards;
  detect::FewDistinct<128> peers;
  detect::Said said;  // of the cards kept
  detect::LatestRecords<8> records;

  Card& card(model::NumberKey number, std::uint32_t now_s) {
    for (Card& c : cards)
      if (c.number == number) return c;
    // What was not used for 30 days is no longer in the picture.
    std::erase_if(cards, [now_s](const Card& c) { return now_s > c.last_s && now_s - c.last_s > kWindowS; });
    if (cards.size() < kCardsMax) {
      detect::grow(cards, 4, kCardsMax);
      cards.push_back({number, now_s, now_s, 0});
      return cards.back();
    }
    Card* least = &cards.front();
    for (Card& c : cards)
      if (c.last_s < least->last_s) least = &c;
    *least = {number, now_s, now_s, 0};
    return *least;
  }
  std::uint64_t bytes() const { return sizeof(*this) + cards.capacity() * sizeof(Card); }
  void save(detect::StateWriter& w) const {
    w.varint(cards.size());
    for (const Card& c : cards) {
      w.u64(c.number.bits());
      w.u32(c.first_s);
      w.u32(c.last_s);
      w.varint(c.uses);
    }
    peers.save(w);
    said.save(w);
    records.save(w);
  }
  void load(detect::StateReader& r) {
    const std::uint64_t size = r.varint();
    if (size > kCardsMax) return r.fail("more numbers than a device may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(cards, 4, kCardsMax);
      Card& c = cards.emplace_back();
      c.number = model::NumberKey::from_bits(r.u64());
      c.first_s = r.u32();
      c.last_s = r.u32();
      c.uses = static_cast<std::uint32_t>(r.varint());
    }
    peers.load(r);
    said.load(r);
    records.load(r);
  }
};

// What one holder token opened within 30 days.
struct Opened {
  model::NumberKey number;
  std::uint32_t at_s = 0;
  std::uint16_t agent = 0;  // hash, 0 = not told
  bool family = false;
};
static_assert(sizeof(Opened) == 16);

struct Holder {
  std::vector<Opened> opened;
  detect::Said said;  // of the openings that count
  std::uint64_t bytes() const { return opened.capacity() * sizeof(Opened); }
};

class ManyCards final : public detect::Detector {
 public:
  explicit ManyCards(const detect::Options& o)
      : limits_{o["cards_min"],     o["kept_hours_min"],   o["uses_per_day_max"],
                o["opened_7d_min"], o["protected_factor"], o["holder_openings_min"]},
        devices_(std::chrono::seconds(kWindowS)),
        holders_(std::chrono::seconds(kWindowS)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() == model::EventKind::kOpening) {
      const auto& opening = event.as<model::Opening>();
      if (!opening.holder.empty() && opening.number.known())
        keys.push_back({model::EntityKind::kApp, kHolder, model::key_of_text(opening.holder)});
      return;
    }
    const Use use = use_of(event);
    if (use.device.empty() || !use.number.known() || use.number.kind() == model::NumberKind::kService) return;
    keys.push_back({model::EntityKind::kDevice, 0, {0, hash64(use.device)}});
  }
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    if (key.role == kHolder) return holders_.prefetch(key.key, stage);
    devices_.prefetch({key.key.lo}, stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    devices_.evict(watermark, [this](std::unique_ptr<Device>& d) { drop(d); });
    holders_.evict(watermark, [this](Holder& h) { heap_bytes_ -= h.bytes(); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {devices_.size() + holders_.size(), devices_.bytes() + holders_.bytes() + heap_bytes_,
            devices_.evicted() + holders_.evicted()};
  }

 private:
  enum Role : std::uint8_t { kDevice, kHolder };
  static constexpr double kCardsFrom = 3;  // numbers on one device within 30 days
  struct Limits {
    double cards, kept_hours, uses_per_day, opened_7d, factor, openings;
  };
  struct Use {
    model::NumberKey number, peer;
    std::string_view device;
  };
  static Use use_of(const model::Event& event) {
    if (event.kind() == model::EventKind::kCall) {
      const auto& call = event.as<model::Call>();
      return {call.caller, call.callee, call.caller_device};
    }
    if (event.kind() == model::EventKind::kMessage) {
      const auto& message = event.as<model::Message>();
      return {message.sender, message.recipient, message.sender_device};
    }
    return {};
  }
  Device* device_of(DeviceKey key, EventMs watermark, const detect::Context& context);
  bool kept(const Card& card, std::uint32_t now_s, detect::Context& context) const;
  void judge(const model::Event& event, const Use& use, Device& device, detect::Context& context) const;
  void on_opening(const model::Event& event, const model::EntityKey& key, detect::Context& context);
  void judge_holder(const model::Event& event, Holder& holder, detect::Context& context) const;
  void drop(std::unique_ptr<Device>& device) {
    if (device != nullptr) heap_bytes_ -= device->bytes();
  }

  Limits limits_;
  detect::StateTable<DeviceKey, std::unique_ptr<Device>> devices_;
  detect::StateTable<model::EntityKey, Holder> holders_;
  std::uint64_t heap_bytes_ = 0;
};

// Null until a third number was used on it within 30 days.
Device* ManyCards::device_of(DeviceKey key, EventMs watermark, const detect::Context& context) {
  const detect::DeviceActivity* activity = context.device();
  if (activity == nullptr) return nullptr;
  const std::uint64_t hash = state_hash(key);
  if (devices_.find_hash(key, hash, watermark) == nullptr &&
      (activity->fewer_than(0, static_cast<std::uint32_t>(kCardsFrom)) ||
       activity->distinct_numbers_30d() < kCardsFrom))
    return nullptr;
  std::unique_ptr<Device>& device =
      devices_.touch_hash(key, hash, watermark, nullptr, [this](std::unique_ptr<Device>& d) { drop(d); });
  if (device == nullptr) {
    device = std::make_unique<Device>();
    heap_bytes_ += device->bytes();
  }
  return device.get();
}

void ManyCards::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  if (key.role == kHolder) return on_opening(event, key.key, context);
  const Use use = use_of(event);
  Device* device = device_of({key.key.lo}, event.watermark, context);
  if (device == nullptr) return;
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint64_t before = device->bytes();
  Card& card = device->card(use.number, now_s);
  ++card.uses;
  card.last_s = std::max(card.last_s, now_s);
  card.first_s = std::min(card.first_s, now_s);
  heap_bytes_ += device->bytes() - before;
  device->peers.add(detect::state_hash(use.peer));
  device->records.add(event);
  if (static_cast<double>(device->cards.size()) >= limits_.cards) judge(event, use, *device, context);
}

// A card is kept when it comes back after hours, and is used little. A shop's trial is over within minutes; a line in real use,
// or a box's, is used more. Machines' cards are made to sit in one device.
bool ManyCards::kept(const Card& card, std::uint32_t now_s, detect::Context& context) const {
  if (now_s > card.last_s && now_s - card.last_s > kWindowS) return false;
  const std::uint32_t held_s = card.last_s - card.first_s;
  if (card.uses < 2 || held_s < limits_.kept_hours * 3600) return false;
  const double days = std::max(1.0, static_cast<double>(held_s) / kDayS);
  if (card.uses / days > limits_.uses_per_day) return false;
  return context.ports().numbers->traits(card.number).kind != detect::LineKind::kIot;
}

void ManyCards::judge(const model::Event& event, const Use& use, Device& device, detect::Context& context) const {
  const std::uint32_t now_s = detect::seconds32(event.time);
  std::vector<const Card*> cards;
  std::size_t in_group = 0, opened_7d = 0;
  std::string_view group;
  for (const Card& c : device.cards) {
    if (!kept(c, now_s, context)) continue;
    cards.push_back(&c);
    if (now_s - c.first_s <= 7 * kDayS) ++opened_7d;
    const std::string_view found = context.ports().numbers->protected_group(c.number);
    if (found.empty()) continue;
    group = found;
    ++in_group;
  }
  if (in_group * 2 < cards.size()) group = {};
  const double factor = group.empty() ? 1 : limits_.factor;
  const double kept = static_cast<double>(cards.size()), wanted = limits_.cards * factor;
  if (kept < wanted || static_cast<double>(opened_7d) < limits_.opened_7d || !device.said.due(kept, now_s)) return;
  // A laboratory's cards all ring the same few test numbers.
  const double peers = device.peers.count();
  if (peers < kept) return;
  device.said.say(kept, now_s);

  std::sort(cards.begin(), cards.end(), [](const Card* a, const Card* b) {
    return a->first_s != b->first_s ? a->first_s < b->first_s : a->number < b->number;
  });
  model::Signal signal;
  signal.entity = model::Entity::text(model::EntityKind::kDevice, use.device);
  signal.first = {std::int64_t{cards.front()->first_s} * 1000};
  signal.last = event.time;
  const double excess = std::log2(kept / wanted);
  const bool fast = opened_7d * 2 >= cards.size();
  signal.severity =
      static_cast<std::uint8_t>(std::clamp(48 + 7 * excess + (fast ? 7 : 0) - (group.empty() ? 0 : 20), 20.0, 80.0));
  signal.confidence = std::clamp(0.5 + 0.1 * excess + (fast ? 0.1 : 0) - (group.empty() ? 0 : 0.2), 0.3, 0.85);
  const std::string n = std::to_string(cards.size()), o = std::to_string(opened_7d);
  signal.title.en = "Many cards: " + n + " numbers kept on one device, " + o + " of them new within 7 days";
  signal.title.zh = "一机多卡：同一终端轮换使用 " + n + " 个号码，近 7 天新增 " + o + " 个";
  std::uint64_t uses = 0;
  for (const Card* c : cards) uses += c->uses;
  signal.evidence = {{"cards_kept_30d", kept, wanted, "numbers"},
                     {"cards_opened_7d", static_cast<double>(opened_7d), limits_.opened_7d, "numbers"},
                     {"card_uses_mean", static_cast<double>(uses) / kept, 0, "times"},
                     {"card_peers", peers, kept, "numbers"}};
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  signal.series_feature = "cards_opened";
  for (std::size_t i = 0; i < cards.size(); ++i)
    signal.series.push_back({{std::int64_t{cards[i]->first_s} * 1000}, static_cast<double>(i + 1)});
  for (auto it = cards.rbegin(); it != cards.rend() && signal.peers.size() < model::Signal::kPeersMax; ++it)
    signal.peers.push_back(model::Entity::of((*it)->number));
  signal.records = device.records.latest();
  context.emit(std::move(signal));
}

// ---- by holder ----

void ManyCards::on_opening(const model::Event& event, const model::EntityKey& key, detect::Context& context) {
  const auto& opening = event.as<model::Opening>();
  // A company answers for its staff's and its machines' numbers by contract.
  if (opening.plan == "enterprise" || opening.plan == "iot") return;
  if (context.ports().numbers->traits(opening.number).kind == detect::LineKind::kIot) return;
  Holder& holder =
      holders_.touch_hash(key, hash_of(key), event.watermark, nullptr, [this](Holder& h) { heap_bytes_ -= h.bytes(); });
  const std::uint32_t now_s = detect::seconds32(event.time);
  const std::uint64_t before = holder.bytes();
  std::erase_if(holder.opened, [now_s](const Opened& o) { return now_s > o.at_s && now_s - o.at_s > kWindowS; });
  const bool again = std::any_of(holder.opened.begin(), holder.opened.end(),
                                 [&](const Opened& o) { return o.number == opening.number; });
  if (!again) {
    if (holder.opened.size() == kCardsMax) holder.opened.erase(holder.opened.begin());
    detect::grow(holder.opened, 2, kCardsMax);
    const std::uint64_t agent = opening.agent.empty() ? 0 : mix64(hash64(opening.agent)) >> 48 | 1U;
    holder.opened.push_back({opening.number, now_s, static_cast<std::uint16_t>(agent), opening.plan == "family"});
  }
  heap_bytes_ += holder.bytes() - before;
  if (!again && static_cast<double>(holder.opened.size()) >= limits_.openings) judge_holder(event, holder, context);
}

void ManyCards::judge_holder(const model::Event& event, Holder& holder, detect::Context& context) const {
  const std::uint32_t now_s = detect::seconds32(event.time);
  std::size_t opened = 0, families = 0, opened_7d = 0, in_group = 0;
  std::vector<std::uint16_t> agents;
  std::string_view group;
  for (const Opened& o : holder.opened) {
    // The numbers of one family plan are opened together, for the people of one household.
    if (o.family && families++ != 0) continue;
    ++opened;
    if (now_s <= o.at_s || now_s - o.at_s <= 7 * kDayS) ++opened_7d;
    if (o.agent != 0 && std::find(agents.begin(), agents.end(), o.agent) == agents.end()) agents.push_back(o.agent);
    const std::string_view found = context.ports().numbers->protected_group(o.number);
    if (found.empty()) continue;
    group = found;
    ++in_group;
  }
  if (in_group * 2 < opened) group = {};
  const double count = static_cast<double>(opened), wanted = limits_.openings * (group.empty() ? 1 : limits_.factor);
  if (count < wanted || static_cast<double>(opened_7d) < limits_.opened_7d || !holder.said.due(count, now_s)) return;
  holder.said.say(count, now_s);

  model::Signal signal;
  signal.entity = model::Entity::of(holder.opened.front().number);
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{holder.opened.front().at_s} * 1000)};
  signal.last = event.time;
  const double excess = std::log2(count / wanted);
  const bool spread = agents.size() >= 3;
  signal.severity =
      static_cast<std::uint8_t>(std::clamp(46 + 7 * excess + (spread ? 8 : 0) - (group.empty() ? 0 : 20), 20.0, 80.0));
  signal.confidence = std::clamp(0.5 + 0.1 * excess + (spread ? 0.1 : 0) - (group.empty() ? 0 : 0.2), 0.3, 0.85);
  const std::string n = std::to_string(opened), o = std::to_string(opened_7d);
  signal.title.en = "Many cards: " + n + " numbers opened for one holder within 30 days, " + o + " of them within 7";
  signal.title.zh = "一人多卡：同一持有人 30 天内开立 " + n + " 个号码，其中近 7 天 " + o + " 个";
  signal.evidence = {{"holder_openings_30d", count, wanted, "numbers"},
                     {"holder_openings_7d", static_cast<double>(opened_7d), limits_.opened_7d, "numbers"},
                     {"holder_agents", static_cast<double>(agents.size()), 0, "outlets"}};
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  signal.series_feature = "cards_opened";
  for (std::size_t i = 0; i < holder.opened.size(); ++i)
    signal.series.push_back({{std::int64_t{holder.opened[i].at_s} * 1000}, static_cast<double>(i + 1)});
  std::stable_sort(signal.series.begin(), signal.series.end(),
                   [](const auto& a, const auto& b) { return a.time < b.time; });
  for (auto it = holder.opened.rbegin(); it != holder.opened.rend(); ++it)
    if (it->number != signal.entity.number && signal.peers.size() < model::Signal::kPeersMax)
      signal.peers.push_back(model::Entity::of(it->number));
  context.emit(std::move(signal));
}

void ManyCards::save(detect::StateWriter& out) const {
  devices_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Device>& d) { d->save(w); });
  holders_.save(out, [](detect::StateWriter& w, const Holder& h) {
    h.said.save(w);
    w.varint(h.opened.size());
    for (const Opened& o : h.opened) {
      w.u64(o.number.bits());
      w.u32(o.at_s);
      w.u16(o.agent);
      w.u8(o.family ? 1 : 0);
    }
  });
}

Result<> ManyCards::load(detect::StateReader& in) {
  TRY(devices_.load(in, [](detect::StateReader& r, std::unique_ptr<Device>& d) {
    d = std::make_unique<Device>();
    d->load(r);
  }));
  TRY(holders_.load(in, [](detect::StateReader& r, Holder& h) {
    h.said.load(r);
    const std::uint64_t size = r.varint();
    if (size > kCardsMax) return r.fail("more openings than a holder may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      detect::grow(h.opened, 2, kCardsMax);
      Opened& o = h.opened.emplace_back();
      o.number = model::NumberKey::from_bits(r.u64());
      o.at_s = r.u32();
      o.agent = r.u16();
      o.family = r.u8() != 0;
    }
  }));
  heap_bytes_ = 0;
  holders_.for_each([this](const model::EntityKey&, const Holder& h) { heap_bytes_ += h.bytes(); });
  devices_.for_each([this](DeviceKey, const std::unique_ptr<Device>& d) { heap_bytes_ += d->bytes(); });
  return {};
}

}  // namespace many_cards

const detect::DetectorSpec& many_cards_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "many_cards",
      .title_en = "Many cards",
      .title_zh = "一机多卡",
      .finds_en =
          "A device on which further numbers keep appearing, each used a little over days, or a holder for whom "
          "numbers "
          "keep being opened: cards being raised for later use.",
      .finds_zh = "同一终端上不断出现新号码、每个号码在数日内少量使用，或同一持有人不断开立新号码：疑似囤卡养卡。",
      .reads = {model::EventKind::kCall, model::EventKind::kMessage, model::EventKind::kOpening},
      .entity = model::EntityKind::kDevice,
      .topic = "many_cards",
      .techniques = {"PF-009"},
      .episode_gap = std::chrono::hours(7 * 24),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"cards_min", "numbers", 5, 3, 64, "numbers kept on one device within 30 days",
               "30 天内同一终端上持续使用的号码数"},
              {"kept_hours_min", "h", 6, 1, 720, "time between a number's first and latest use on the device",
               "号码在该终端上首末次使用的间隔"},
              {"uses_per_day_max", "times", 10, 1, 1000, "calls and messages out a day; more is real use",
               "日均呼出与发送次数上限，超过视为实际使用"},
              {"opened_7d_min", "numbers", 2, 0, 64, "of them seen on the device for the first time within 7 days",
               "其中近 7 天首次出现的号码数"},
              {"protected_factor", "times", 3, 1, 100, "counts are multiplied by this for protected groups",
               "受保护群体的阈值倍数"},
              {"holder_openings_min", "numbers", 5, 2, 64,
               "numbers opened for one holder within 30 days; those of one family plan count once",
               "30 天内同一持有人开立的号码数（同一家庭套餐计为一个）"},
          },
      .false_positives_en =
          "A person who collects tariffs; a small company whose staff take turns on one handset; a laboratory that "
          "rings "
          "outside numbers. How many new numbers there are in a week, and whom they ring, tells.",
      .false_positives_zh =
          "更换套餐频繁的个人；多人轮用一部手机的小企业；拨打外部号码的测试实验室。可看一周新增号码数和联系对象。",
      .state_version = 3,
      .evidence =
          {
              {"cards_kept_30d", "numbers kept on the device within 30 days", "30 天内持续使用的号码数", "numbers",
               "个", detect::Bound::kAtLeast},
              {"cards_opened_7d", "of them new on the device within 7 days", "近 7 天新增号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"card_uses_mean", "calls and messages of each (mean)", "平均每号呼出与发送次数", "times", "次"},
              {"card_peers", "different numbers they contact", "联系的不同号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"holder_openings_30d", "numbers opened for one holder within 30 days", "30 天内同一持有人开立的号码数",
               "numbers", "个", detect::Bound::kAtLeast},
              {"holder_openings_7d", "of them within 7 days", "其中近 7 天开立数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"holder_agents", "outlets that opened them", "涉及的开卡网点数", "outlets", "个"},
              {"cards_opened", "numbers on the device over time", "终端上号码数随时间变化", "numbers", "个"},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
          },
      .wants_devices = true,
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_many_cards(const detect::Options& options) {
  return std::make_unique<many_cards::ManyCards>(options);
}

}  // namespace pandun::detectors
