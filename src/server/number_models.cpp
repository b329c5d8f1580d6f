#include "server/number_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/time.h"
#include "detect/features/catalog.h"

namespace pandun::server {
namespace {

constexpr std::size_t kRowsBytes = 1U << 20;

}  // namespace

Result<std::unique_ptr<ShelfModels>> ShelfModels::open(platform::FileSystem& files, const platform::Clock& clock,
                                                       const std::string& directory, const std::string& threshold) {
  auto out = std::make_unique<ShelfModels>();
  if (directory.empty() || !files.info(directory).ok()) return out;
  learn::Shelf shelf(files, clock, directory);
  TRY(shelf.load());
  std::vector<learn::ShelfEntry> entries = shelf.list();
  std::erase_if(entries, [](const learn::ShelfEntry& e) {
    return e.state != learn::ModelState::kChampion && e.state != learn::ModelState::kShadow;
  });
  std::stable_sort(entries.begin(), entries.end(), [](const learn::ShelfEntry& a, const learn::ShelfEntry& b) {
    return (a.state == learn::ModelState::kChampion) > (b.state == learn::ModelState::kChampion);
  });
  for (const learn::ShelfEntry& entry : entries) {
    TRY_ASSIGN(const std::string content, shelf.content(entry));
    TRY(out->place(entry, content, threshold));
  }
  return out;
}

Result<> ShelfModels::place(const learn::ShelfEntry& entry, const std::string& content, const std::string& threshold) {
  auto placed = std::make_unique<Placed>();
  placed->name = fmt::format("batch-{:06}", entry.batch);
  placed->champion = entry.state == learn::ModelState::kChampion;
  TRY_ASSIGN(placed->scorer, learn::Scorer::load(content, entry.path));
  const learn::Threshold* cut = placed->scorer->model().threshold(threshold);
  if (cut == nullptr)
    return error(Errc::kBadConfig, entry.path,
                 fmt::format("the model has no threshold \"{}\"; set models.threshold to one of its own", threshold));
  placed->threshold = cut->probability;
  for (const std::string& input : placed->scorer->features()) {
    const detect::Feature* feature = detect::find_feature(model::EntityKind::kNumber, input);
    if (feature == nullptr)
      return error(
          Errc::kBadConfig, entry.path,
          fmt::format("the model reads \"{}\", which is no feature of numbers (pandun list features); only models of "
                      "live features may be shadow or champion of the platform",
                      input));
    auto at = std::find(features_.begin(), features_.end(), feature->id);
    if (at == features_.end()) at = features_.insert(at, feature->id);
    placed->columns.push_back(static_cast<std::uint16_t>(at - features_.begin()));
  }
  models_.push_back(std::move(placed));
  return {};
}

double ShelfModels::score(const Placed& model, std::span<const float> row) const {
  std::array<float, 512> own;
  CHECK(model.columns.size() <= own.size());  // no model reads a feature twice, and there are not so many
  for (std::size_t i = 0; i < model.columns.size(); ++i) own[i] = row[model.columns[i]];
  return model.scorer->score({own.data(), model.columns.size()});
}

detect::ModelOpinion ShelfModels::look(model::NumberKey, const model::Event&, std::span<const float> row) const {
  detect::ModelOpinion champion;
  bool spoke = false;
  for (const auto& model : models_) {
    const double probability = score(*model, row);
    const bool speaks = probability >= model->threshold;
    model->looked.fetch_add(1, std::memory_order_relaxed);
    if (speaks) model->spoke.fetch_add(1, std::memory_order_relaxed);
    if (model->champion) {
      champion = {probability, model->threshold};
      spoke = speaks;
    } else if (speaks && !spoke) {
      model->spoke_alone.fetch_add(1, std::memory_order_relaxed);
    }
  }
  return champion;
}

std::vector<detect::ModelReason> ShelfModels::explain(std::span<const float> row, std::size_t top) const {
  std::vector<detect::ModelReason> out;
  if (models_.empty() || !models_[0]->champion) return out;
  const Placed& model = *models_[0];
  std::vector<float> own;
  for (const std::uint16_t column : model.columns) own.push_back(row[column]);
  for (const learn::Contribution& c : model.scorer->explain(own, top).contributions)
    out.push_back({model.scorer->feature_name(c.feature), static_cast<double>(c.value), c.margin});
  return out;
}

std::vector<ModelFigures> ShelfModels::figures() const {
  std::vector<ModelFigures> out;
  for (const auto& m : models_)
    out.push_back({m->name, m->champion, m->looked.load(), m->spoke.load(), m->spoke_alone.load()});
  return out;
}

Result<std::unique_ptr<FeatureRows>> FeatureRows::create(platform::FileSystem& files, std::string path,
                                                         const casework::Identities& identities, bool clear) {
  std::unique_ptr<FeatureRows> out(new FeatureRows(files, std::move(path), identities, clear));
  TRY_ASSIGN(out->file_, files.create(out->path_ + ".new"));
  out->text_ = "id,number,time";
  for (const detect::Feature& feature : detect::features()) {
    if (feature.number == nullptr) continue;
    out->features_.push_back(feature.id);
    out->text_ += ',' + feature.name;
  }
  out->text_ += '\n';
  return out;
}

detect::ModelOpinion FeatureRows::look(model::NumberKey number, const model::Event& event,
                                       std::span<const float> row) const {
  if (failed_) return {};
  const model::ShownEntity who = identities_.show(model::Entity::of(number), event.time);
  text_ += fmt::format("{},", ++rows_);
  text_ += clear_ && who.value.find_first_of(",\"\r\n") == std::string::npos ? who.value : who.token;
  text_ += ',' + rfc3339(event.time.ms);
  for (const float value : row) {
    text_ += ',';
    if (!std::isnan(value)) fmt::format_to(std::back_inserter(text_), "{}", value);
  }
  text_ += '\n';
  if (text_.size() < kRowsBytes) return {};
  if (auto written = file_->append(text_); !written.ok()) failed_ = written.error();
  text_.clear();
  return {};
}

Result<> FeatureRows::finish() {
  if (failed_) return *failed_;
  TRY(file_->append(text_));
  text_.clear();
  file_.reset();
  return files_.rename(path_ + ".new", path_);
}

}  // namespace pandun::server
