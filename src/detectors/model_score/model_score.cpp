// Model score: what the champion model thinks of a number, asked whenever its calls and messages of a day have doubled.
//
// Safety   a score is no fact and no proof: the signal asks for a look or a re-verification, and weighs at most 65.
// Shape    no state for numbers that nothing was said about; the row of features is worked out only when it is asked for.
//          Source docs/detectors/model_score.md.
#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "detect/detector.h"
#include "detect/features/catalog.h"
#include "detect/features/number_activity.h"
#include "detect/state_io.h"
#include "detect/state_table.h"

namespace pandun::detectors {
namespace model_score {

using detect::Window;

constexpr std::chrono::seconds kForget = std::chrono::hours(24);
constexpr std::size_t kReasons = 6;
constexpr double kSeverityLeast = 35, kSeverityMost = 65;

struct Said {
  std::uint32_t contacts = 0;  // of 24 h when it was last spoken about; 0 = never
};

model::NumberKey actor(const model::Event& event) {
  return event.kind() == model::EventKind::kCall ? event.as<model::Call>().caller : event.as<model::Message>().sender;
}

class ModelScore final : public detect::Detector {
 public:
  explicit ModelScore(const detect::Options& o)
      : first_(static_cast<std::uint64_t>(o["contacts_first"])), protected_min_(o["protected_score_min"]) {}

  void route(const model::Event& event, detect::KeyList& keys) const override {
    if (event.kind() != model::EventKind::kCall && event.kind() != model::EventKind::kMessage) return;
    if (const model::NumberKey who = actor(event); who.known())
      keys.push_back({model::EntityKind::kNumber, 0, model::key_of(who)});
  }
  void on_event(const model::Event& event, const detect::RoutedKey& key, detect::Context& context) override;
  void evict(EventMs watermark) override { table_.evict(watermark); }
  void save(detect::StateWriter& out) const override {
    table_.save(out, [](detect::StateWriter& w, const Said& said) { w.varint(said.contacts); });
  }
  Result<> load(detect::StateReader& in) override {
    return table_.load(
        in, [](detect::StateReader& r, Said& said) { said.contacts = static_cast<std::uint32_t>(r.varint()); });
  }
  detect::StateSize size() const override { return {table_.size(), table_.bytes(), table_.evicted()}; }

 private:
  // 10, 20, 40, 80 …: each step up is one event, so none can be jumped over.
  bool due(std::uint64_t contacts) const {
    if (contacts < first_ || contacts % first_ != 0) return false;
    const std::uint64_t times = contacts / first_;
    return (times & (times - 1)) == 0;
  }
  void emit(const model::Event& event, model::NumberKey number, const detect::NumberActivity& activity,
            const detect::ModelOpinion& opinion, double wanted, std::string_view group, detect::Context& context) const;

  std::uint64_t first_;
  double protected_min_;
  std::vector<float> row_;
  detect::StateTable<model::NumberKey, Said> table_{kForget};
};

void ModelScore::on_event(const model::Event& event, const detect::RoutedKey&, detect::Context& context) {
  const detect::NumberModels& models = *context.ports().models;
  if (models.features().empty()) return;
  const detect::NumberActivity* activity = context.number();
  if (activity == nullptr || activity->fewer_than(static_cast<double>(first_), Window::k24h)) return;
  const detect::NumberTally& day = activity->tally(Window::k24h);
  const std::uint64_t contacts = std::uint64_t{day.calls_out} + day.messages_out;
  if (!due(contacts)) return;

  const std::span<const detect::Feature> catalog = detect::features();
  row_.clear();
  for (const std::uint16_t id : models.features())
    row_.push_back(static_cast<float>(catalog[id].of(*activity, context.dialling())));
  const model::NumberKey number = actor(event);
  const detect::ModelOpinion opinion = models.look(number, event, row_);
  if (!(opinion.score >= opinion.threshold)) return;

  const detect::NumberFacts& facts = *context.ports().numbers;
  std::string_view group = facts.protected_group(number);
  if (group.empty() && facts.emergency_or_service(number)) group = "service_number";
  const double wanted = group.empty() ? opinion.threshold : std::max(opinion.threshold, protected_min_);
  if (opinion.score < wanted) return;
  Said& said = table_.touch(number, event.watermark);
  if (contacts < 2 * std::uint64_t{said.contacts}) return;
  said.contacts = static_cast<std::uint32_t>(contacts);
  emit(event, number, *activity, opinion, wanted, group, context);
}

void ModelScore::emit(const model::Event& event, model::NumberKey number, const detect::NumberActivity& activity,
                      const detect::ModelOpinion& opinion, double wanted, std::string_view group,
                      detect::Context& context) const {
  const detect::NumberModels& models = *context.ports().models;
  model::Signal signal;
  signal.entity = model::Entity::of(number);
  signal.first = signal.last = activity.newest();
  const double above = (opinion.score - wanted) / std::max(1e-9, 1 - wanted);
  signal.severity = static_cast<std::uint8_t>(std::clamp(
      kSeverityLeast + (kSeverityMost - kSeverityLeast) * above - (group.empty() ? 0 : 15), 20.0, kSeverityMost));
  signal.confidence = std::clamp(opinion.score, 0.3, 0.9);
  const std::string percent = std::to_string(static_cast<int>(std::floor(opinion.score * 100)));
  signal.title.en = "Model score: behaves like fraud numbers, " + percent + " of 100";
  signal.title.zh = "模型评分：行为与涉诈号码相似，" + percent + " 分（满分 100）";
  signal.evidence = {{"model_score", opinion.score, wanted, "probability"}};
  for (const detect::ModelReason& reason : models.explain_at(event, row_, kReasons)) {
    if (reason.margin <= 0 || !std::isfinite(reason.value)) continue;
    const detect::Feature* feature = detect::find_feature(model::EntityKind::kNumber, reason.feature);
    if (feature != nullptr) signal.evidence.push_back({feature->name, reason.value, 0, std::string(feature->unit)});
  }
  if (!group.empty())
    signal.evidence.push_back({"protected_group_" + std::string(group), 1, protected_min_, "probability"});
  const bool writes = activity.messages_out(Window::k24h) > activity.calls_out(Window::k24h);
  signal.series_feature = writes ? "messages_out" : "calls_out";
  signal.series = writes ? activity.messages_out_series(Window::k24h) : activity.calls_out_series(Window::k24h);
  context.emit(std::move(signal));
}

}  // namespace model_score

const detect::DetectorSpec& model_score_spec() {
  using detect::Bound;
  static const detect::DetectorSpec kSpec = {
      .name = "model_score",
      .title_en = "Model score",
      .title_zh = "模型评分",
      .finds_en = "A number whose calls and messages look to the champion model like those of fraud numbers.",
      .finds_zh = "冠军模型判断其呼叫与短信行为与涉诈号码相似的号码。",
      .reads = {model::EventKind::kCall, model::EventKind::kMessage},
      .entity = model::EntityKind::kNumber,
      .topic = "model_score",
      .techniques = {},
      .episode_gap = std::chrono::hours(24),
      .maturity = detect::Maturity::kExperimental,
      .options =
          {
              {"contacts_first", "contacts", 10, 2, 1000,
               "calls and messages made in 24 h at the first look; later ones at twice as many each",
               "24 小时内主叫与发送达到该数时首次评分，此后每翻倍评分一次"},
              {"protected_score_min", "probability", 0.98, 0.5, 1,
               "score from which protected groups and service numbers are spoken about",
               "受保护群体与服务号码的最低评分"},
          },
      .false_positives_en =
          "Whatever was rare in the data that the model learnt from. A score alone proves nothing: compare "
          "the reasons with what the number is for.",
      .false_positives_zh = "训练数据中少见的正常用途。评分本身不是证据：请对照各项理由与该号码的用途。",
      .evidence =
          {
              {"model_score", "probability by the champion model", "冠军模型给出的概率", "probability", "概率",
               Bound::kAtLeast},
              {"protected_group_service_number", "service number: higher thresholds apply", "服务号码，按更高阈值判断",
               "", ""},
              {"protected_group_*", "protected group (*): higher thresholds apply", "受保护群体（*），按更高阈值判断",
               "", ""},
              {"calls_out", "calls made over time", "各时段主叫次数", "calls", "次"},
              {"messages_out", "messages sent over time", "各时段发送短信条数", "messages", "条"},
          },
      .wants_dialling = true,
  };
  return kSpec;
}
std::unique_ptr<detect::Detector> make_model_score(const detect::Options& options) {
  return std::make_unique<model_score::ModelScore>(options);
}

}  // namespace pandun::detectors
