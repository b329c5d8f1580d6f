#include "server/number_models.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "base/time.h"
#include "detect/features/catalog.h"

namespace pandun::server {
namespace {

constexpr std::size_t kRowsBytes = 1U << 20;
constexpr std::size_t kHistoryBytesMax = 1U << 20;
constexpr std::size_t kHistoryLines = 256;  // kept; the log behind a checkpoint is minutes long
constexpr std::size_t kSetsLoaded = 8;

// "champion:3:<digest>,shadow:4:<digest> fpr_0_1pct", or "- fpr_0_1pct" while nothing stands there.
std::string line_of(const std::vector<learn::ShelfEntry>& entries, const std::string& threshold) {
  std::string out;
  for (const learn::ShelfEntry& entry : entries)
    out += fmt::format("{}{}:{}:{}", out.empty() ? "" : ",", learn::name(entry.state), entry.batch, entry.digest);
  return (out.empty() ? "-" : out) + " " + threshold;
}

// The champion first, then the shadows by batch.
std::vector<learn::ShelfEntry> speakers(const learn::Shelf& shelf) {
  std::vector<learn::ShelfEntry> out = shelf.list();
  std::erase_if(out, [](const learn::ShelfEntry& e) {
    return e.state != learn::ModelState::kChampion && e.state != learn::ModelState::kShadow;
  });
  std::stable_sort(out.begin(), out.end(), [](const learn::ShelfEntry& a, const learn::ShelfEntry& b) {
    return (a.state == learn::ModelState::kChampion) > (b.state == learn::ModelState::kChampion);
  });
  return out;
}

// The entries that a line of the history names; nullopt for a line of another form. Only state, batch and digest are filled.
std::optional<std::vector<learn::ShelfEntry>> entries_of(std::string_view models) {
  std::vector<learn::ShelfEntry> out;
  if (models == "-") return out;
  while (!models.empty()) {
    const std::size_t end = std::min(models.find(','), models.size());
    const std::string_view one = models.substr(0, end);
    models.remove_prefix(std::min(end + 1, models.size()));
    const std::size_t first = one.find(':'),
                      second = one.find(':', first == std::string_view::npos ? first : first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) return std::nullopt;
    learn::ShelfEntry entry;
    const auto state = learn::parse_model_state(one.substr(0, first));
    if (!state || std::from_chars(one.data() + first + 1, one.data() + second, entry.batch).ptr != one.data() + second)
      return std::nullopt;
    entry.state = *state;
    entry.digest = one.substr(second + 1);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

ShelfModels::ShelfModels() {
  for (const detect::Feature& feature : detect::features())
    if (feature.entity == model::EntityKind::kNumber) features_.push_back(feature.id);
  sets_.push_back(std::make_shared<Set>());
}

Result<std::unique_ptr<ShelfModels>> ShelfModels::open(platform::FileSystem& files, const platform::Clock& clock,
                                                       const std::string& directory, const std::string& threshold) {
  auto out = std::make_unique<ShelfModels>();
  out->files_ = &files;
  out->clock_ = &clock;
  out->directory_ = directory;
  out->threshold_ = threshold;
  out->seen_ = out->signature();
  TRY_ASSIGN(auto set, out->read_shelf());
  out->publish({std::move(set)});
  return out;
}

Result<std::unique_ptr<ShelfModels>> ShelfModels::of_file(const std::string& content, const std::string& where,
                                                          const std::string& threshold) {
  auto out = std::make_unique<ShelfModels>();
  learn::ShelfEntry entry;
  entry.path = where;
  entry.state = learn::ModelState::kChampion;
  auto set = std::make_shared<Set>();
  TRY_ASSIGN(auto placed, out->place(entry, content, threshold));
  set->models.push_back(std::move(placed));
  out->publish({std::move(set)});
  return out;
}

// Size, time and place of the journal: cheap to ask every few seconds.
std::string ShelfModels::signature() const {
  if (directory_.empty()) return {};
  const auto info = files_->info(platform::join(directory_, "journal.jsonl"));
  return info.ok() ? fmt::format("{}:{}:{}", info->size, info->modified_ms, info->inode) : std::string();
}

Result<std::shared_ptr<ShelfModels::Set>> ShelfModels::read_shelf() const {
  auto set = std::make_shared<Set>();
  set->line = line_of({}, threshold_);
  if (directory_.empty() || !files_->info(directory_).ok()) return set;
  learn::Shelf shelf(*files_, *clock_, directory_);
  TRY(shelf.load());
  const std::vector<learn::ShelfEntry> entries = speakers(shelf);
  set->line = line_of(entries, threshold_);
  for (const learn::ShelfEntry& entry : entries) {
    TRY_ASSIGN(const std::string content, shelf.content(entry));
    TRY_ASSIGN(auto placed, place(entry, content, threshold_));
    set->models.push_back(std::move(placed));
  }
  return set;
}

Result<std::shared_ptr<ShelfModels::Set>> ShelfModels::former(std::uint64_t from, const std::string& line,
                                                              std::vector<std::string>& notes) const {
  auto set = std::make_shared<Set>();
  set->from = from;
  set->line = line;
  const std::size_t space = line.find(' ');
  auto entries = space == std::string::npos ? std::nullopt : entries_of(std::string_view(line).substr(0, space));
  if (!entries)
    return error(Errc::kCorrupt, history_path_, fmt::format("\"{}\" is not ROLE:BATCH:DIGEST,… THRESHOLD", line));
  learn::Shelf shelf(*files_, *clock_, directory_);
  if (!entries->empty()) TRY(shelf.load());
  const std::vector<learn::ShelfEntry> known = shelf.list();
  for (learn::ShelfEntry& entry : *entries) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const learn::ShelfEntry& e) {
      return e.batch == entry.batch && e.digest == entry.digest;
    });
    if (same != known.end()) entry.path = same->path;
    const auto content = same == known.end() ? Result<std::string>(error(Errc::kNotFound, directory_, "not there"))
                                             : shelf.content(entry);
    auto placed = content.ok() ? place(entry, *content, line.substr(space + 1))
                               : Result<std::shared_ptr<const Placed>>(content.error());
    if (placed.ok())
      set->models.push_back(std::move(*placed));
    else
      notes.push_back(
          fmt::format("batch-{:06} held from position {} on and cannot be read now ({}): events from there "
                      "on that are seen again are not scored by it",
                      entry.batch, from, placed.error().text()));
  }
  return set;
}

Result<std::vector<std::string>> ShelfModels::keep(const std::string& history_path, std::uint64_t next_position) {
  history_path_ = history_path;
  std::vector<std::string> notes;
  auto history = platform::read_file(*files_, history_path_, kHistoryBytesMax);
  if (!history.ok() && history.error().code != Errc::kNotFound) return history.error();
  const std::string text = history.ok() ? *history : std::string();
  std::vector<std::uint64_t> positions;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size()), space = text.find(' ', at);
    std::uint64_t position = 0;
    if (space >= end || std::from_chars(text.data() + at, text.data() + space, position).ptr != text.data() + space)
      return error(Errc::kCorrupt, history_path_,
                   fmt::format("\"{}\" is not POSITION MODELS THRESHOLD", text.substr(at, end - at)));
    positions.push_back(position);
    lines_.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const auto present = newest();
  Sets sets;
  for (std::size_t i = lines_.size() - std::min(lines_.size(), kSetsLoaded); i < lines_.size(); ++i) {
    const std::string line = lines_[i].substr(lines_[i].find(' ') + 1);
    auto set = std::make_shared<Set>();
    if (line == present->line) {
      set->models = present->models;
      set->line = line;
    } else {
      TRY_ASSIGN(set, former(positions[i], line, notes));
    }
    set->from = sets.empty() ? 0 : positions[i];
    sets.push_back(std::move(set));
  }
  const bool known = !sets.empty() && sets.back()->line == present->line;
  if (!sets.empty()) publish(std::move(sets));
  if (known) return notes;
  auto set = std::make_shared<Set>();
  set->line = present->line;
  set->models = present->models;
  TRY(enter(std::move(set), lines_.empty() ? 0 : next_position));
  return notes;
}

// Written down before it holds.
Result<> ShelfModels::enter(std::shared_ptr<Set> set, std::uint64_t position) {
  set->from = position;
  std::vector<std::string> lines = lines_;
  lines.push_back(fmt::format("{} {}", position, set->line));
  if (lines.size() > kHistoryLines) lines.erase(lines.begin(), lines.end() - kHistoryLines);
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  TRY(platform::replace_file(*files_, history_path_, text));
  const bool first = lines_.empty();
  lines_ = std::move(lines);
  Sets sets;
  if (!first) {
    const std::scoped_lock lock(mutex_);
    sets = sets_;
  }
  while (sets.size() >= kSetsLoaded) sets.erase(sets.begin());
  sets.push_back(std::move(set));
  publish(std::move(sets));
  return {};
}

Result<bool> ShelfModels::look_again(std::uint64_t next_position) {
  if (history_path_.empty()) return false;
  std::string now = signature();
  if (now == seen_) return false;
  TRY_ASSIGN(auto set, read_shelf());
  if (set->line != newest()->line) {
    TRY(enter(std::move(set), next_position));
    seen_ = std::move(now);
    return true;
  }
  seen_ = std::move(now);
  return false;
}

void ShelfModels::publish(Sets sets) {
  const bool any = std::any_of(sets.begin(), sets.end(), [](const auto& set) { return !set->models.empty(); });
  {
    const std::scoped_lock lock(mutex_);
    for (const auto& set : sets)
      for (const auto& model : set->models) names_.insert(model->name);
    sets_ = std::move(sets);
  }
  wanted_.store(any, std::memory_order_relaxed);
}

std::shared_ptr<const ShelfModels::Set> ShelfModels::at(std::uint64_t position) const {
  const std::scoped_lock lock(mutex_);
  for (std::size_t i = sets_.size(); i > 1; --i)
    if (sets_[i - 1]->from <= position) return sets_[i - 1];
  return sets_.front();
}

std::shared_ptr<const ShelfModels::Set> ShelfModels::newest() const {
  const std::scoped_lock lock(mutex_);
  return sets_.back();
}

std::string_view ShelfModels::name() const {
  const std::scoped_lock lock(mutex_);
  const Set& set = *sets_.back();
  return set.models.empty() || !set.models[0]->champion ? std::string_view{}
                                                        : std::string_view(*names_.find(set.models[0]->name));
}

Result<std::shared_ptr<const ShelfModels::Placed>> ShelfModels::place(const learn::ShelfEntry& entry,
                                                                      const std::string& content,
                                                                      const std::string& threshold) const {
  auto placed = std::make_shared<Placed>();
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
    const auto found = std::find(features_.begin(), features_.end(), feature->id);
    CHECK(found != features_.end());
    placed->columns.push_back(static_cast<std::uint16_t>(found - features_.begin()));
  }
  return std::shared_ptr<const Placed>(std::move(placed));
}

namespace {

double score_of(const learn::Scorer& scorer, std::span<const std::uint16_t> columns, std::span<const float> row) {
  std::array<float, 512> own;
  CHECK(columns.size() <= own.size());  // no model reads a feature twice, and there are not so many
  for (std::size_t i = 0; i < columns.size(); ++i) own[i] = row[columns[i]];
  return scorer.score({own.data(), columns.size()});
}

}  // namespace

detect::ModelOpinion ShelfModels::look(model::NumberKey, const model::Event& event, std::span<const float> row) const {
  const auto set = at(event.position);
  detect::ModelOpinion champion;
  bool spoke = false;
  for (const auto& model : set->models) {
    const double probability = score_of(*model->scorer, model->columns, row);
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

std::vector<detect::ModelReason> ShelfModels::explain_with(const Set& set, std::span<const float> row,
                                                           std::size_t top) const {
  std::vector<detect::ModelReason> out;
  if (set.models.empty() || !set.models[0]->champion) return out;
  const Placed& model = *set.models[0];
  std::vector<float> own;
  for (const std::uint16_t column : model.columns) own.push_back(row[column]);
  for (const learn::Contribution& c : model.scorer->explain(own, top).contributions) {
    // The catalogue's own name outlives the model.
    const detect::Feature* feature =
        detect::find_feature(model::EntityKind::kNumber, model.scorer->feature_name(c.feature));
    if (feature != nullptr) out.push_back({feature->name, static_cast<double>(c.value), c.margin});
  }
  return out;
}

std::vector<detect::ModelReason> ShelfModels::explain(std::span<const float> row, std::size_t top) const {
  return explain_with(*newest(), row, top);
}

std::vector<detect::ModelReason> ShelfModels::explain_at(const model::Event& event, std::span<const float> row,
                                                         std::size_t top) const {
  return explain_with(*at(event.position), row, top);
}

std::vector<ModelFigures> ShelfModels::figures() const {
  std::vector<ModelFigures> out;
  for (const auto& m : newest()->models)
    out.push_back({m->name, m->champion, m->looked.load(), m->spoke.load(), m->spoke_alone.load()});
  return out;
}

Result<std::unique_ptr<FeatureRows>> FeatureRows::create(platform::FileSystem& files, std::string path,
                                                         const casework::Identities& identities, bool clear) {
  std::unique_ptr<FeatureRows> out(new FeatureRows(files, std::move(path), identities, clear));
  TRY_ASSIGN(out->file_, files.create(out->path_ + ".new"));
  out->text_ = "id,number,time";
  for (const detect::Feature& feature : detect::features()) {
    if (feature.entity != model::EntityKind::kNumber) continue;
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
