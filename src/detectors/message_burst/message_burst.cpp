// Message burst: an ordinary number sending messages to very many different numbers, hardly any of whom write back.
//
// Shape    the windows are the engine's; a number has state here only once it has sent half of what is suspicious: 400 bytes.
// Source   docs/detectors/message_burst.md.
#include <algorithm>
#include <array>
#include <cmath>
#include <memory>

#include "detect/detector.h"
#include "detect/features/catalog.h"
#include "detect/features/number_activity.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace {

using detect::Window;

struct Limits {
  double messages_5m, messages_1h, messages_24h, dispersion, replies, factor;
  double fewest() const { return std::min({messages_5m, messages_1h, messages_24h}); }
};

struct Finding {
  Window window = Window::k1h;
  double messages = 0, threshold = 0, distinct = 0, dispersion = 0, replies = 0;
};

struct Contact {
  model::NumberKey recipient;
  std::uint64_t record = 0;
  std::uint32_t source = 0;
};

struct Suspect {
  std::array<Contact, 16> contacts{};
  std::uint32_t seen = 0;
  std::uint32_t emitted_24h = 0;  // messages in 24 h when a signal was last made; 0 = none yet
  std::int64_t first_ms = 0;
};
static_assert(sizeof(Suspect) == 400);
struct Entry {
  std::unique_ptr<Suspect> suspect;
};

class MessageBurst final : public detect::Detector {
 public:
  explicit MessageBurst(const detect::Options& o)
      : limits_{o["messages_5m_min"], o["messages_1h_min"], o["messages_24h_min"],
                o["dispersion_min"],  o["reply_share_max"], o["protected_factor"]},
        table_(std::chrono::hours(24)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kMessage) return;
    const auto& message = event.as<model::Message>();
    // Service numbers (106…, 95…, 12306) are application senders with a contract; their abuse is another matter.
    if (!message.sender.known() || message.sender.kind() == model::NumberKind::kService) return;
    keys.push_back({model::EntityKind::kNumber, 0, model::key_of(message.sender)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    table_.evict(watermark, [](Entry&) {});
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {table_.size(), table_.bytes() + table_.size() * sizeof(Suspect), table_.evicted()};
  }

 private:
  bool judge(const detect::NumberActivity& activity, Window window, double messages_min, Finding& out) const;
  void emit(const model::Message& message, const detect::NumberActivity& activity, const Finding& finding,
            std::string_view group, Suspect& suspect, detect::Context& context) const;

  Limits limits_;
  detect::StateTable<model::NumberKey, Entry> table_;
};

bool MessageBurst::judge(const detect::NumberActivity& activity, Window window, double messages_min,
                         Finding& out) const {
  const double messages = activity.messages_out(window);
  if (messages < messages_min) return false;
  out.window = window;
  out.messages = messages;
  out.threshold = messages_min;
  out.distinct = activity.distinct_recipients(window);
  out.dispersion = out.distinct / messages;
  // Long texts come as several records to one recipient: the count that matters is that of recipients.
  if (out.distinct < messages_min * limits_.dispersion || out.dispersion < limits_.dispersion / 2) return false;
  out.replies = activity.messages_in(Window::k24h) / std::max(1.0, activity.distinct_recipients(Window::k24h));
  return out.replies <= limits_.replies;
}

void MessageBurst::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const auto& message = event.as<model::Message>();
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->fewer_than(limits_.fewest() / 2, Window::k24h) ||
      (activity->fewer_than(limits_.messages_5m / 2, Window::k5m) &&
       activity->fewer_than(limits_.messages_1h / 2, Window::k1h) &&
       activity->fewer_than(limits_.messages_24h / 2, Window::k24h)))
    return;
  if (activity->messages_out(Window::k1h) * 2 < limits_.messages_1h &&
      activity->messages_out(Window::k5m) * 2 < limits_.messages_5m &&
      activity->messages_out(Window::k24h) * 2 < limits_.messages_24h)
    return;
  const detect::NumberFacts& facts = *context.ports().numbers;
  if (facts.emergency_or_service(message.sender)) return;
  Entry& entry = table_.touch(message.sender, event.watermark);
  if (entry.suspect == nullptr) entry.suspect = std::make_unique<Suspect>();
  Suspect& suspect = *entry.suspect;
  suspect.contacts[suspect.seen++ % suspect.contacts.size()] = {message.recipient, event.record, event.source};

  const double sent_24h = activity->messages_out(Window::k24h);
  if (suspect.emitted_24h != 0 && sent_24h < 2.0 * suspect.emitted_24h) return;
  std::string_view group = facts.protected_group(message.sender);
  // Aggregators abroad send one-time codes from ordinary-looking numbers.
  if (group.empty() && message.international) group = "international_sender";
  const double factor = group.empty() ? 1 : limits_.factor;
  Finding finding;
  if (!judge(*activity, Window::k5m, limits_.messages_5m * factor, finding) &&
      !judge(*activity, Window::k1h, limits_.messages_1h * factor, finding) &&
      !judge(*activity, Window::k24h, limits_.messages_24h * factor, finding))
    return;
  emit(message, *activity, finding, group, suspect, context);
  suspect.emitted_24h = static_cast<std::uint32_t>(sent_24h);
}

void MessageBurst::emit(const model::Message& message, const detect::NumberActivity& activity, const Finding& f,
                        std::string_view group, Suspect& suspect, detect::Context& context) const {
  const std::string window(detect::spec(f.window).name);
  if (suspect.first_ms == 0)
    suspect.first_ms = activity.newest().ms - std::int64_t{detect::spec(f.window).width_s()} * 1000;
  model::Signal signal;
  signal.entity = model::Entity::of(message.sender);
  signal.first = {suspect.first_ms};
  signal.last = activity.newest();
  const double excess = std::log2(std::max(1.0, f.messages / f.threshold));
  const bool fresh = activity.first_seen_age_s() < 7 * 86400.0;
  const double devices = activity.distinct_devices(Window::k24h);
  const double severity = 55 + 8 * excess + (fresh ? 5 : 0) + (devices > 1 ? 5 : 0) - (group.empty() ? 0 : 20);
  signal.severity = static_cast<std::uint8_t>(std::clamp(severity, 20.0, 90.0));
  signal.confidence = std::clamp(0.65 + 0.15 * (1 - f.replies / std::max(0.01, limits_.replies)) +
                                     0.1 * std::min(2.0, excess) - (group.empty() ? 0 : 0.2),
                                 0.3, 0.95);
  const std::string count = std::to_string(static_cast<int>(f.messages)),
                    distinct = std::to_string(static_cast<int>(f.distinct));
  const std::string span_en(detect::span_en(f.window)), span_zh(detect::span_zh(f.window));
  signal.title.en = "Message burst: " + count + " messages to " + distinct + " different numbers within " + span_en;
  signal.title.zh = "短信群发：" + span_zh + "内向 " + distinct + " 个不同号码发送 " + count + " 条短信";
  signal.evidence = {
      {"messages_out_" + window, f.messages, f.threshold, "messages"},
      {"distinct_recipients_" + window, f.distinct, std::ceil(f.threshold * limits_.dispersion), "numbers"},
      {"dispersion_" + window, f.dispersion, limits_.dispersion / 2, "ratio"},
      {"reply_share_24h", f.replies, limits_.replies, "ratio"}};
  if (devices > 0) signal.evidence.push_back({"distinct_devices_24h", devices, 1, "devices"});
  if (fresh) signal.evidence.push_back({"first_seen_age_s", activity.first_seen_age_s(), 7 * 86400.0, "s"});
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, limits_.factor, "times stricter"});
  signal.series_feature = "messages_out";
  signal.series = activity.messages_out_series(f.window);
  if (signal.series.size() > model::Signal::kSeriesMax) signal.series.resize(model::Signal::kSeriesMax);
  const std::size_t kept = std::min<std::size_t>(suspect.seen, suspect.contacts.size());
  for (std::size_t i = 0; i < kept; ++i) {
    const Contact& contact = suspect.contacts[(suspect.seen - 1 - i) % suspect.contacts.size()];
    if (contact.recipient.known()) signal.peers.push_back(model::Entity::of(contact.recipient));
    signal.records.push_back({contact.source, contact.record});
  }
  context.emit(std::move(signal));
}

void MessageBurst::save(detect::StateWriter& out) const {
  table_.save(out, [](detect::StateWriter& w, const Entry& entry) {
    w.u8(entry.suspect != nullptr ? 1 : 0);
    if (entry.suspect == nullptr) return;
    const Suspect& s = *entry.suspect;
    w.varint(s.seen);
    w.varint(s.emitted_24h);
    w.i64(s.first_ms);
    for (const Contact& contact : s.contacts) {
      w.u64(contact.recipient.bits());
      w.varint(contact.record);
      w.varint(contact.source);
    }
  });
}

Result<> MessageBurst::load(detect::StateReader& in) {
  return table_.load(in, [](detect::StateReader& r, Entry& entry) {
    if (r.u8() == 0) return;
    entry.suspect = std::make_unique<Suspect>();
    Suspect& s = *entry.suspect;
    s.seen = static_cast<std::uint32_t>(r.varint());
    s.emitted_24h = static_cast<std::uint32_t>(r.varint());
    s.first_ms = r.i64();
    for (Contact& contact : s.contacts) {
      contact.recipient = model::NumberKey::from_bits(r.u64());
      contact.record = r.varint();
      contact.source = static_cast<std::uint32_t>(r.varint());
    }
  });
}

}  // namespace

const detect::DetectorSpec& message_burst_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "message_burst",
      .title_en = "Message burst",
      .title_zh = "短信群发",
      .finds_en =
          "An ordinary number that sends messages to very many different numbers within a short time, with hardly any "
          "reply.",
      .finds_zh = "普通号码在短时间内向大量不同号码发送短信且几乎无人回复。",
      .reads = {model::EventKind::kMessage},
      .entity = model::EntityKind::kNumber,
      .topic = "message_burst",
      .techniques = {"PF-011"},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kStable,
      .options =
          {
              {"messages_5m_min", "messages", 50, 5, 10000, "messages out within 5 minutes", "5 分钟内发送条数"},
              {"messages_1h_min", "messages", 80, 5, 100000, "messages out within an hour", "1 小时内发送条数"},
              {"messages_24h_min", "messages", 300, 10, 1000000, "messages out within 24 hours", "24 小时内发送条数"},
              {"dispersion_min", "ratio", 0.8, 0, 1, "different recipients per message of the threshold",
               "不同接收号码数／阈值条数"},
              {"reply_share_max", "ratio", 0.1, 0, 10, "messages received within 24 h per different recipient",
               "24 小时内收到回复占比"},
              {"protected_factor", "times", 3, 1, 100,
               "counts are multiplied by this for protected groups and senders abroad",
               "受保护群体与境外发送方的阈值倍数"},
          },
      .false_positives_en =
          "A shop or a club that writes to all its members from an ordinary number; greetings sent to a whole address "
          "book at once before anybody has answered.",
      .false_positives_zh = "商户、社团用普通号码通知全部会员；节日一次性群发祝福且尚无人回复。",
      .evidence =
          {
              {"dispersion_5m", "different numbers per call or message in 5 min", "5 分钟不同号码占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"dispersion_1h", "different numbers per call or message in 1 h", "1 小时不同号码占比", "ratio", "比例",
               detect::Bound::kAtLeast},
              {"dispersion_24h", "different numbers per call or message in 24 h", "24 小时不同号码占比", "ratio",
               "比例", detect::Bound::kAtLeast},
              {"reply_share_24h", "messages received per recipient in 24 h", "24 小时回复占比", "ratio", "比例",
               detect::Bound::kAtMost},
              {"protected_group_international_sender", "sender abroad: higher thresholds apply",
               "境外发送方，按更高阈值判断", "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"messages_out", "messages sent over time", "各时段发送短信条数", "messages", "条"},
          },
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_message_burst(const detect::Options& options) {
  return std::make_unique<MessageBurst>(options);
}

}  // namespace pandun::detectors
