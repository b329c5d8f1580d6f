// IoT card misuse: a machine's number that behaves like a person: calls or writes to many mobiles, or goes from device to device.
//
// Shape    the windows are the engine's; the numbering plan says which numbers are machines'. State only for those that have
//          done half of what is suspicious: 330 bytes for 48 h.
// Source   docs/detectors/iot_card_misuse.md, with where each threshold comes from.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "detect/features/number_activity.h"
#include "detect/small_state.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace {

using detect::LineKind;
using detect::Window;

constexpr std::uint32_t kDayS = 24 * 3600;
constexpr std::size_t kPeers = 8;

struct Suspect {
  detect::SpanClock clock;              // days
  detect::TwoSpansDistinct<256> cells;  // of the latest 24 to 48 h
  detect::TwoSpans<std::uint32_t> contacts, mobiles;
  std::array<model::NumberKey, kPeers> peers{};
  std::uint32_t peers_seen = 0;
  detect::Said said;  // of the findings' weight
  detect::LatestRecords<8> records;

  void advance(std::uint32_t time_s) {
    clock.advance(time_s, kDayS, [this](bool adjacent) {
      cells.turn(adjacent);
      contacts.turn(adjacent);
      mobiles.turn(adjacent);
    });
  }
};

struct Finding {
  double peers = 0, dispersion = 0, devices = 0, cells = 0, mobile_share = 0;
  bool person = false, passed_round = false, roaming = false;
  double weight() const { return (person ? peers : 0) + (passed_round ? 10 * devices : 0) + (roaming ? cells : 0); }
};

class IotCardMisuse final : public detect::Detector {
 public:
  explicit IotCardMisuse(const detect::Options& o)
      : limits_{o["peers_24h_min"],   o["dispersion_min"], o["mobile_share_min"],
                o["devices_24h_min"], o["cells_48h_min"],  o["protected_factor"]},
        table_(std::chrono::hours(48)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    model::NumberKey number;
    if (event.kind() == model::EventKind::kCall) number = event.as<model::Call>().caller;
    if (event.kind() == model::EventKind::kMessage) number = event.as<model::Message>().sender;
    if (number.kind() == model::NumberKind::kE164)
      keys.push_back({model::EntityKind::kNumber, 0, model::key_of(number)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * sizeof(Suspect), table_.evicted()};
  }

 private:
  struct Limits {
    double peers, dispersion, mobile_share, devices, cells, factor;
  };
  struct Use {
    model::NumberKey number, peer;
    std::string_view cell;
  };
  bool looks_odd(const detect::NumberActivity& activity) const;
  Finding judge(const detect::NumberActivity& activity, const Suspect& suspect, double factor) const;
  void emit(const model::Event& event, const detect::NumberActivity& activity, const Finding& finding,
            std::string_view group, const Suspect& suspect, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, std::unique_ptr<Suspect>> table_;
};

double peers_24h(const detect::NumberActivity& activity) {
  return activity.distinct_callees(Window::k24h) + activity.distinct_recipients(Window::k24h);
}

bool IotCardMisuse::looks_odd(const detect::NumberActivity& activity) const {
  return activity.distinct_devices(Window::k24h) >= limits_.devices || peers_24h(activity) * 2 >= limits_.peers ||
         activity.distinct_cells(Window::k24h) * 2 >= limits_.cells;
}

void IotCardMisuse::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const detect::NumberActivity* activity = context.number();
  // Three devices need three contacts.
  if (activity == nullptr || activity->contacts_at_most() < std::min(limits_.devices, limits_.peers / 2)) return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  Use use;
  if (event.kind() == model::EventKind::kCall) {
    const auto& call = event.as<model::Call>();
    use = {call.caller, call.callee, call.caller_cell};
  } else {
    const auto& message = event.as<model::Message>();
    use = {message.sender, message.recipient, message.sender_cell};
  }
  if (facts.traits(use.number).kind != LineKind::kIot || !looks_odd(*activity)) return;

  std::unique_ptr<Suspect>& held = table_.touch(use.number, event.watermark);
  if (held == nullptr) held = std::make_unique<Suspect>();
  Suspect& suspect = *held;
  const std::uint32_t now_s = detect::seconds32(event.time);
  suspect.advance(now_s);
  suspect.contacts.add();
  const LineKind peer = facts.traits(use.peer).kind;
  if (peer == LineKind::kMobile || peer == LineKind::kMobileVirtual || peer == LineKind::kInternational)
    suspect.mobiles.add();
  if (!use.cell.empty()) suspect.cells.add(mix64(hash64(use.cell)));
  if (std::find(suspect.peers.begin(), suspect.peers.end(), use.peer) == suspect.peers.end())
    suspect.peers[suspect.peers_seen++ % kPeers] = use.peer;
  suspect.records.add(event);

  const std::string_view group = facts.protected_group(use.number);
  const Finding finding = judge(*activity, suspect, group.empty() ? 1 : limits_.factor);
  if (finding.weight() <= 0 || !suspect.said.due(finding.weight(), now_s)) return;
  suspect.said.say(finding.weight(), now_s);
  emit(event, *activity, finding, group, suspect, context);
}

Finding IotCardMisuse::judge(const detect::NumberActivity& activity, const Suspect& suspect, double factor) const {
  Finding f;
  const double contacts = activity.calls_out(Window::k24h) + activity.messages_out(Window::k24h);
  f.peers = peers_24h(activity);
  f.dispersion = f.peers / std::max(1.0, contacts);
  f.devices = activity.distinct_devices(Window::k24h);
  f.cells = suspect.cells.count();
  f.mobile_share = static_cast<double>(suspect.mobiles.sum()) / std::max(1U, suspect.contacts.sum());
  const bool people = f.mobile_share >= limits_.mobile_share;
  f.person = people && f.dispersion >= limits_.dispersion && f.peers >= limits_.peers * factor;
  f.passed_round = f.devices >= limits_.devices * factor;
  // A vehicle's card crosses many cells as it should: movement tells only of a card that also contacts people.
  f.roaming = people && f.peers * 2 >= limits_.peers * factor && f.cells >= limits_.cells * factor;
  return f;
}

void IotCardMisuse::emit(const model::Event& event, const detect::NumberActivity& activity, const Finding& f,
                         std::string_view group, const Suspect& suspect, detect::Context& context) const {
  model::Signal signal;
  signal.entity = model::Entity::of(activity.number());
  signal.last = event.time;
  signal.first = {event.time.ms - std::int64_t{kDayS} * 1000};
  const int reasons = (f.person ? 1 : 0) + (f.passed_round ? 1 : 0) + (f.roaming ? 1 : 0);
  const double excess = f.person ? std::log2(f.peers / limits_.peers) : 0;
  const double severity = (f.person ? 60 : 52) + 8 * (reasons - 1) + 5 * excess - (group.empty() ? 0 : 20);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 90.0));
  signal.confidence = std::clamp(0.6 + 0.1 * (reasons - 1) + 0.05 * excess - (group.empty() ? 0 : 0.2), 0.3, 0.9);
  const std::string peers = std::to_string(static_cast<int>(f.peers)),
                    devices = std::to_string(static_cast<int>(f.devices)),
                    cells = std::to_string(static_cast<int>(f.cells));
  if (f.person) {
    signal.title.en = "IoT card misuse: a machine's number contacted " + peers + " different numbers within 24 h";
    signal.title.zh = "物联网卡异常：24 小时内联系 " + peers + " 个不同号码";
  } else if (f.passed_round) {
    signal.title.en = "IoT card misuse: a machine's number in " + devices + " devices within 24 h";
    signal.title.zh = "物联网卡异常：24 小时内出现在 " + devices + " 台终端";
  } else {
    signal.title.en = "IoT card misuse: a machine's number contacts people and was in " + cells + " cells within 48 h";
    signal.title.zh = "物联网卡异常：48 小时内出现在 " + cells + " 个小区并联系个人";
  }
  const double factor = group.empty() ? 1 : limits_.factor;
  signal.evidence = {{"iot_peers_24h", f.peers, limits_.peers * factor, "numbers"},
                     {"iot_mobile_share", f.mobile_share, limits_.mobile_share, "ratio"},
                     {"dispersion_24h", f.dispersion, f.person ? limits_.dispersion : 0, "ratio"}};
  if (!f.person && !f.roaming) signal.evidence.clear();
  if (f.roaming && !f.person) signal.evidence.front().threshold /= 2;
  if (f.devices > 0)
    signal.evidence.push_back({"distinct_devices_24h", f.devices, limits_.devices * factor, "devices"});
  if (f.cells > 0) signal.evidence.push_back({"iot_cells_48h", f.cells, limits_.cells * factor, "cells"});
  const double talk = activity.talk_s_mean_out(Window::k24h);
  if (std::isfinite(talk)) signal.evidence.push_back({"talk_s_mean_out_24h", talk, 0, "s"});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  for (const model::NumberKey peer : suspect.peers)
    if (peer.known()) signal.peers.push_back(model::Entity::of(peer));
  signal.records = suspect.records.latest();
  context.emit(std::move(signal));
}

void IotCardMisuse::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const std::unique_ptr<Suspect>& s) {
    w.u32(s->clock.span);
    s->cells.save(w);
    s->contacts.save(w);
    s->mobiles.save(w);
    for (const model::NumberKey peer : s->peers) w.u64(peer.bits());
    w.u32(s->peers_seen);
    s->said.save(w);
    s->records.save(w);
  });
}

Result<> IotCardMisuse::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, std::unique_ptr<Suspect>& s) {
    s = std::make_unique<Suspect>();
    s->clock.span = r.u32();
    s->cells.load(r);
    s->contacts.load(r);
    s->mobiles.load(r);
    for (model::NumberKey& peer : s->peers) peer = model::NumberKey::from_bits(r.u64());
    s->peers_seen = r.u32();
    s->said.load(r);
    s->records.load(r);
  });
}

}  // namespace

const detect::DetectorSpec& iot_card_misuse_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "iot_card_misuse",
      .title_en = "IoT card misuse",
      .title_zh = "物联网卡异常使用",
      .finds_en = "A machine's number (IoT card) that calls or writes to many people, or goes from device to device.",
      .finds_zh = "物联网卡像个人一样拨打、发送给大量手机号码，或在多台终端间更换。",
      .reads = {model::EventKind::kCall, model::EventKind::kMessage},
      .entity = model::EntityKind::kNumber,
      .topic = "iot_card_misuse",
      .techniques = {"PF-010"},
      .episode_gap = std::chrono::hours(48),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"peers_24h_min", "numbers", 10, 3, 10000, "different numbers called or written to within 24 hours",
               "24 小时内呼叫或发送的不同号码数"},
              {"dispersion_min", "ratio", 0.5, 0, 1, "different numbers per call or message",
               "离散度：不同号码数／呼叫与发送次数"},
              {"mobile_share_min", "ratio", 0.5, 0, 1, "share of contacts with mobile or foreign numbers",
               "对端为手机或境外号码的占比"},
              {"devices_24h_min", "devices", 3, 2, 64, "devices within 24 hours; a replaced module makes two",
               "24 小时内使用的终端数，更换模组为 2 台"},
              {"cells_48h_min", "cells", 40, 2, 250,
               "cells within 24 to 48 hours, for cards that also contact half as many people",
               "24 至 48 小时内出现的小区数（须同时联系半数以上的个人）"},
              {"protected_factor", "times", 3, 1, 100, "counts are multiplied by this for protected groups",
               "受保护群体的阈值倍数"},
          },
      .false_positives_en =
          "Alarm systems that write to every resident of a building; a tracker's card moved through a workshop's test "
          "devices. The card's contract names its function and device.",
      .false_positives_zh =
          "向整栋住户发送告警的报警系统；在维修车间多台设备间测试的定位终端卡。可核对该卡约定的用途与绑定终端。",
      .evidence =
          {
              {"iot_peers_24h", "different numbers called or written to in 24 h", "24 小时内呼叫或发送的不同号码数",
               "numbers", "个", detect::Bound::kAtLeast},
              {"iot_mobile_share", "share of contacts with mobile or foreign numbers", "对端为手机或境外号码的占比",
               "ratio", "比例", detect::Bound::kAtLeast},
              {"iot_cells_48h", "cells it was in within 48 h", "48 小时出现的小区数", "cells", "个"},
              {"dispersion_24h", "different numbers per call or message in 24 h", "24 小时不同号码占比", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
          },
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_iot_card_misuse(const detect::Options& options) {
  return std::make_unique<IotCardMisuse>(options);
}

}  // namespace pandun::detectors
