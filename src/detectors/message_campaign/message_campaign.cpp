// Message campaign: several senders of one family write the same kind of message, each to a share of one long list.
//
// Method   by headers only. A family is a number block with a route and a number of parts, or a cell with a number of parts. Its
//          busiest writers are followed; a campaign is enough of them at a like pace, whose recipients hardly overlap and
//          hardly answer. Where reported samples name a template or a link's domain, all who send it are a family too.
// Shape    8 bytes for each of up to 32 writers of a family, 32 from their third message on, kept for 30 to 60 minutes; 900
//          more once three of them are busy. Writers of less are told apart by 32 bits of hash.
// Source   docs/detectors/message_campaign.md, with where each threshold comes from.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/small_state.h"
#include "detect/state_table.h"
#include "detectors/message_campaign/family.h"

namespace pandun::detectors {
namespace message_campaign {

// A family's key: 64 bits of what makes it.
struct FamilyKey {
  std::uint64_t bits = 0;
  friend bool operator==(FamilyKey, FamilyKey) = default;
};
inline std::uint64_t state_hash(FamilyKey key) {
  return hash_of(model::EntityKey{0, key.bits});
}
inline void write_key(detect::StateWriter& out, FamilyKey key) {
  out.u64(key.bits);
}
inline void read_key(detect::StateReader& in, FamilyKey& key) {
  key.bits = in.u64();
}
model::EntityKey routed(std::uint64_t what, std::uint64_t of) {
  return {0, combine64(what, of)};
}

class MessageCampaign final : public detect::Detector {
 public:
  explicit MessageCampaign(const detect::Options& o)
      : limits_{o["senders_min"],    o["fanout_min"],        o["recipients_min"],
                o["overlap_max"],    o["reply_share_max"],   o["cell_factor"],
                o["foreign_factor"], o["sample_fanout_min"], o["sample_recipients_min"]},
        families_(std::chrono::hours(2)) {}

  void route(const model::Event& event, detect::KeyList& keys) const override;
  void prefetch(const detect::RoutedKey& key, unsigned stage) const override {
    families_.prefetch({key.key.lo}, stage);
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override {
    families_.evict(watermark, [this](Family& f) { drop(f); });
  }
  void save(detect::StateWriter& out) const override;
  Result<> load(detect::StateReader& in) override;
  detect::StateSize size() const override {
    return {families_.size(), families_.bytes() + heap_bytes_, families_.evicted()};
  }

 private:
  enum Role : std::uint8_t { kBlock, kCell, kReply, kTemplate, kLink };
  struct Limits {
    double senders, fanout, recipients, overlap, replies, cell_factor, foreign_factor, sample_fanout, sample_recipients;
  };
  double fanout_of(std::uint8_t role) const {
    return role == kTemplate || role == kLink ? limits_.sample_fanout : limits_.fanout;
  }
  void judge(const model::Event& event, std::uint8_t role, Family& family, detect::Context& context) const;
  void drop(Family& family) {
    heap_bytes_ -= family.bytes();
    family = {};
  }

  Limits limits_;
  detect::StateTable<FamilyKey, Family> families_;
  std::uint64_t heap_bytes_ = 0;
};

// The block of 10,000 numbers, the way the message came and its parts.
model::EntityKey block_key(model::NumberKey number, const model::Message& message) {
  return routed(combine64(number.value() / 10'000, 0x626c6f636bULL),
                combine64(hash64(message.route), static_cast<std::uint64_t>(std::max(0, message.segments))));
}

// A template of the carrier's register belongs to a sender under contract; every other comes from a reported sample.
bool is_registered(const model::Message& message) {
  return message.template_hash.starts_with("registered:");
}

void MessageCampaign::route(const model::Event& event, detect::KeyList& keys) const {
  if (event.kind() != model::EventKind::kMessage) return;
  const auto& message = event.as<model::Message>();
  // Application senders have contracts and templates of their own.
  if (!message.sender.known() || message.sender.kind() == model::NumberKind::kService) return;
  if (message.sender.kind() == model::NumberKind::kE164)
    keys.push_back({model::EntityKind::kTrunk, kBlock, block_key(message.sender, message)});
  if (!message.sender_cell.empty())
    keys.push_back({model::EntityKind::kCell, kCell,
                    routed(hash64(message.sender_cell),
                           combine64(0x63656c6cULL, static_cast<std::uint64_t>(std::max(0, message.segments))))});
  if (!is_registered(message)) {
    if (!message.template_hash.empty())
      keys.push_back({model::EntityKind::kHash, kTemplate, routed(hash64(message.template_hash), 0x74656d706cULL)});
    if (!message.link_domain.empty())
      keys.push_back({model::EntityKind::kDomain, kLink, routed(hash64(message.link_domain), 0x6c696e6bULL)});
  }
  // An answer comes as one part, whatever it answers: it is shown to the families of one and of two parts.
  if (message.recipient.kind() == model::NumberKind::kE164) {
    model::Message as_sent = message;
    for (const std::int32_t parts : {1, 2}) {
      as_sent.segments = parts;
      keys.push_back({model::EntityKind::kTrunk, kReply, block_key(message.recipient, as_sent)});
    }
  }
}

void MessageCampaign::on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) {
  const auto& message = event.as<model::Message>();
  const std::uint32_t now_s = detect::seconds32(event.time);
  const FamilyKey of{key.key.lo};
  if (key.role == kReply) {
    Family* family = families_.find(of, event.watermark);
    if (family == nullptr || family->spread == nullptr) return;
    const std::uint64_t before = family->bytes();
    family->advance(now_s);
    heap_bytes_ += family->bytes() - before;
    if (family->has(message.recipient)) family->spread->replies.add();
    return;
  }
  Family& family = families_.touch_hash(of, state_hash(of), event.watermark, nullptr, [this](Family& f) { drop(f); });
  const std::uint64_t before = family.bytes();
  family.advance(now_s);
  const std::uint32_t written = family.add(message.sender, detect::state_hash(message.recipient), now_s);
  if (family.spread == nullptr && written * 3 >= fanout_of(key.role)) {
    int busy = 0;
    family.each_sum([&](std::uint32_t sum) { busy += sum * 3 >= fanout_of(key.role) ? 1 : 0; });
    if (busy >= 3) {
      family.spread = std::make_unique<Spread>();
      family.spread->first_s = now_s;
    }
  }
  heap_bytes_ += family.bytes() - before;
  if (written == 0 || family.spread == nullptr) return;
  Spread& spread = *family.spread;
  spread.messages.add();
  spread.recipients.add(detect::state_hash(message.recipient));
  spread.pairs.add(combine64(message.sender.bits(), message.recipient.bits()));
  spread.records.add(event);
  if (written >= fanout_of(key.role)) judge(event, key.role, family, context);
}

void MessageCampaign::judge(const model::Event& event, std::uint8_t role, Family& family,
                            detect::Context& context) const {
  const bool cell = role == kCell, sample = role == kTemplate || role == kLink;
  const auto& message = event.as<model::Message>();
  Spread& spread = *family.spread;
  const std::uint32_t now_s = detect::seconds32(event.time);
  const double factor = message.international ? limits_.foreign_factor : 1;
  const double wanted = limits_.senders * factor * (cell ? limits_.cell_factor : 1),
               recipients_wanted = (sample ? limits_.sample_recipients : limits_.recipients) * factor;
  const double recipients = spread.recipients.count();
  if (static_cast<double>(family.size()) < wanted || recipients < recipients_wanted ||
      !spread.said.due(recipients, now_s))
    return;
  const double pairs = std::max(1.0, spread.pairs.count()), overlap = std::max(0.0, 1 - recipients / pairs);
  const double replies = spread.replies.sum() / std::max(1.0, recipients);
  if (overlap > limits_.overlap || replies > limits_.replies) return;
  std::vector<const Writer*> members;
  for (const Writer& w : family.writers)
    if (w.recipients.count() >= fanout_of(role)) members.push_back(&w);
  if (static_cast<double>(members.size()) < wanted) return;
  std::sort(members.begin(), members.end(), [](const Writer* a, const Writer* b) {
    return a->messages.sum() != b->messages.sum() ? a->messages.sum() > b->messages.sum() : a->number < b->number;
  });
  // A like rhythm: within a factor of 2.5 of the median.
  const double median = members[members.size() / 2]->messages.sum();
  std::erase_if(members, [median](const Writer* w) {
    return w->messages.sum() > 2.5 * median || w->messages.sum() * 2.5 < median;
  });
  const detect::NumberFacts& facts = *context.ports().numbers;
  std::erase_if(members, [&facts](const Writer* w) {
    return !facts.protected_group(w->number).empty() || facts.emergency_or_service(w->number);
  });
  const double senders = static_cast<double>(members.size());
  if (senders < wanted) return;
  // Everybody links to what everybody knows.
  if (role == kLink && context.ports().services->domain(message.link_domain) != detect::KnownService::kNone) return;
  spread.said.say(recipients, now_s);
  if (!spread.lead.known()) spread.lead = members.front()->number;

  model::Signal signal;
  signal.entity = model::Entity::of(spread.lead);
  signal.first = {std::min<std::int64_t>(event.time.ms, std::int64_t{spread.first_s} * 1000)};
  signal.last = event.time;
  const double excess = std::log2(senders / wanted) + std::log2(recipients / recipients_wanted);
  signal.severity =
      static_cast<std::uint8_t>(std::clamp(56 + 4 * excess - (cell ? 6 : 0) + (sample ? 6 : 0), 20.0, 85.0));
  signal.confidence = std::clamp(
      0.6 + 0.05 * excess + 0.1 * (1 - replies / std::max(0.01, limits_.replies)) - (cell ? 0.1 : 0), 0.3, 0.9);
  const std::string n = std::to_string(members.size()), r = std::to_string(static_cast<int>(recipients));
  signal.title.en = "Message campaign: " + n + " senders " + (sample ? "of one reported sample" : "of one family") +
                    " wrote to " + r + " people within an hour";
  signal.title.zh = (sample ? "短信群发团伙：同一举报样本由 " : "短信群发团伙：同一号段或小区 ") + n +
                    " 个号码一小时内向 " + r + " 人发送" + (sample ? "" : "同类短信");
  signal.evidence = {{"campaign_senders", senders, wanted, "numbers"},
                     {"campaign_recipients", recipients, recipients_wanted, "numbers"},
                     {"campaign_fanout_median", median, fanout_of(role), "messages"},
                     {"campaign_overlap", overlap, limits_.overlap, "ratio"},
                     {"campaign_reply_share", replies, limits_.replies, "ratio"},
                     {"campaign_segments", static_cast<double>(message.segments), 0, "parts"},
                     {role == kTemplate ? "campaign_one_template"
                      : role == kLink   ? "campaign_one_link"
                      : cell            ? "campaign_one_cell"
                                        : "campaign_one_block",
                      1, 1, ""}};
  if (message.international)
    signal.evidence.push_back({"protected_group_international_sender", 1, limits_.foreign_factor, "times stricter"});
  for (const Writer* w : members)
    if (w->number != spread.lead && signal.peers.size() < model::Signal::kPeersMax)
      signal.peers.push_back(model::Entity::of(w->number));
  signal.records = spread.records.latest();
  context.emit(std::move(signal));
}

void MessageCampaign::save(detect::StateWriter& out) const {
  families_.save(out, [](detect::StateWriter& w, const Family& f) {
    w.u32(f.clock.span);
    w.varint(f.beginners.size());
    for (const Beginner& b : f.beginners) {
      w.u32(b.who);
      w.u16(b.last);
      for (const std::uint8_t m : b.messages) w.u8(m);
    }
    w.varint(f.writers.size());
    for (const Writer& writer : f.writers) {
      w.u64(writer.number.bits());
      writer.recipients.save(w);
      writer.messages.save(w);
      w.u32(writer.last_s);
    }
    w.u8(f.spread != nullptr ? 1 : 0);
    if (f.spread == nullptr) return;
    const Spread& s = *f.spread;
    s.recipients.save(w);
    s.pairs.save(w);
    s.messages.save(w);
    s.replies.save(w);
    w.u32(s.first_s);
    w.u64(s.lead.bits());
    s.said.save(w);
    s.records.save(w);
  });
}

Result<> MessageCampaign::load(detect::StateReader& in) {
  TRY(families_.load(in, [](detect::StateReader& r, Family& f) {
    f.clock.span = r.u32();
    const std::uint64_t few = r.varint();
    if (few > kWritersMax) return r.fail("more writers than a family may have");
    for (std::uint64_t i = 0; i < few && r.ok(); ++i) {
      Beginner b;
      b.who = r.u32();
      b.last = r.u16();
      for (std::uint8_t& m : b.messages) m = r.u8();
      if (b.messages[0] < Beginner::kUsed || (b.messages[1] != 0 && b.messages[1] < Beginner::kUsed))
        return r.fail("a writer without a message");
      f.beginners.add(b);
    }
    const std::uint64_t size = r.varint();
    if (size > kWritersMax - f.beginners.size()) return r.fail("more writers than a family may have");
    for (std::uint64_t i = 0; i < size && r.ok(); ++i) {
      Writer& writer = f.writers.add({});
      writer.number = model::NumberKey::from_bits(r.u64());
      writer.recipients.load(r);
      writer.messages.load(r);
      writer.last_s = r.u32();
    }
    if (r.u8() == 0) return;
    f.spread = std::make_unique<Spread>();
    Spread& s = *f.spread;
    s.recipients.load(r);
    s.pairs.load(r);
    s.messages.load(r);
    s.replies.load(r);
    s.first_s = r.u32();
    s.lead = model::NumberKey::from_bits(r.u64());
    s.said.load(r);
    s.records.load(r);
  }));
  heap_bytes_ = 0;
  families_.for_each([this](FamilyKey, const Family& f) { heap_bytes_ += f.bytes(); });
  return {};
}

}  // namespace message_campaign

const detect::DetectorSpec& message_campaign_spec() {
  static const detect::DetectorSpec kSpec = {
      .name = "message_campaign",
      .title_en = "Message campaign",
      .title_zh = "短信群发团伙",
      .finds_en =
          "Several senders of one number block or one cell that write the same kind of message at a like pace, each to "
          "other "
          "people, hardly any of whom answer.",
      .finds_zh = "同一号段或同一小区的多个号码，以相近节奏向各不相同的对象发送同类短信、几乎无人回复。",
      .reads = {model::EventKind::kMessage},
      .entity = model::EntityKind::kNumber,
      .topic = "message_campaign",
      .techniques = {"PF-013"},
      .episode_gap = std::chrono::hours(12),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"senders_min", "numbers", 5, 3, 10, "senders of one family", "同一号段的发送号码数"},
              {"fanout_min", "numbers", 15, 5, 60, "different recipients of each within half an hour to an hour",
               "每个号码半小时至一小时的不同接收号码数"},
              {"recipients_min", "numbers", 100, 20, 1000, "different recipients of all together",
               "合计不同接收号码数"},
              {"overlap_max", "ratio", 0.3, 0, 1, "share of recipients that several of them wrote to",
               "接收号码重合占比"},
              {"reply_share_max", "ratio", 0.1, 0, 1, "answers per recipient", "回复占比"},
              {"cell_factor", "times", 2, 1, 3, "senders are multiplied by this where only the cell joins them",
               "仅小区相同时发送号码数的倍数"},
              {"foreign_factor", "times", 3, 1, 3, "senders and recipients are multiplied by this for senders abroad",
               "境外发送方的阈值倍数"},
              {"sample_fanout_min", "numbers", 5, 3, 60,
               "different recipients of each where a reported template or link joins the senders",
               "以举报样本模板或链接归并时，每个号码的不同接收号码数"},
              {"sample_recipients_min", "numbers", 40, 10, 1000,
               "different recipients of all together where a reported template or link joins them",
               "以举报样本模板或链接归并时，合计不同接收号码数"},
          },
      .false_positives_en =
          "A company whose sales people write to their customers at the same hour from numbers bought together; "
          "greetings on "
          "the eve of a festival in one crowded cell. Answers come within the hour.",
      .false_positives_zh = "批量办卡企业的销售人员同时联系客户；节日前夕同一小区的祝福短信。通常一小时内即有回复。",
      .state_version = 2,
      .evidence =
          {
              {"campaign_senders", "senders at a like pace", "节奏相近的发送号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"campaign_recipients", "different recipients together", "合计不同接收号码数", "numbers", "个",
               detect::Bound::kAtLeast},
              {"campaign_fanout_median", "messages of each within an hour (median)", "每号一小时发送条数中位数",
               "messages", "条", detect::Bound::kAtLeast},
              {"campaign_overlap", "share of recipients in common", "接收号码重合占比", "ratio", "比例",
               detect::Bound::kAtMost},
              {"campaign_reply_share", "answers per recipient", "回复占比", "ratio", "比例", detect::Bound::kAtMost},
              {"campaign_segments", "parts of each message", "每条短信的分段数", "parts", "段"},
              {"campaign_one_block", "all senders are of one number block", "发送号码同属一个号段", "", ""},
              {"campaign_one_cell", "all senders are in one cell", "发送号码同在一个小区", "", ""},
              {"campaign_one_template", "all send the template of a reported sample", "发送内容均匹配同一举报样本模板",
               "", ""},
              {"campaign_one_link", "all send a link to one reported domain", "发送内容均含同一被举报域名链接", "", ""},
              {"protected_group_international_sender", "sender abroad: higher thresholds apply",
               "境外发送方，按更高阈值判断", "", ""},
          },
  };
  return kSpec;
}

std::unique_ptr<detect::Detector> make_message_campaign(const detect::Options& options) {
  return std::make_unique<message_campaign::MessageCampaign>(options);
}

}  // namespace pandun::detectors
