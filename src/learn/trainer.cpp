#include "learn/trainer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/prng.h"
#include "learn/calibration.h"
#include "learn/derived.h"
#include "learn/scorer.h"

namespace pandun::learn {
namespace {

constexpr std::size_t kImportanceRows = 200;
constexpr double kForestGain = 2e-4;       // of log-loss for each row; less does not pay for its trees
constexpr std::uint32_t kSearchFolds = 5;  // inner folds that choose settings

// The rows one recipe works on: features as trees see them, labels, groups.
struct Material {
  std::size_t width = 0;
  std::vector<float> values;
  std::vector<float> labels;
};

// What the training rows alone gave.
struct Recipe {
  std::vector<Member> members;
  std::vector<double> margins;  // of the training rows, by the inner models that had not seen them
  std::uint32_t trees = 0;
  BoostParameters boost;
  std::string settings = "given";
  double forest_share = 0;
};

struct Settings {
  const char* name;
  BoostParameters boost;
};

// The search's fixed grid around what was given.
std::vector<Settings> grid_around(const BoostParameters& given) {
  std::vector<Settings> out{{"given", given}};
  out.push_back({"shallower", given});
  out.back().boost.depth_max = std::max(1U, given.depth_max - 1);
  out.push_back({"deeper", given});
  out.back().boost.depth_max = std::min(16U, given.depth_max + 2);
  out.back().boost.child_weight_min = given.child_weight_min * 2.5;
  out.back().boost.lambda = given.lambda * 2.5;
  out.push_back({"fewer columns", given});
  out.back().boost.column_share = given.column_share / 2;
  out.push_back({"smoother", given});
  out.back().boost.child_weight_min = given.child_weight_min * 5;
  out.back().boost.lambda = given.lambda * 5;
  return out;
}

double loss_of(float margin, float label) {
  const double m = static_cast<double>(margin) * (label > 0.5F ? 1 : -1);
  return m > 0 ? std::log1p(std::exp(-m)) : -m + std::log1p(std::exp(m));
}

class Trainer {
 public:
  Trainer(const Table& table, const EdgeList* edges, const TrainOptions& options,
          const std::function<double()>& seconds, const Progress& progress)
      : table_(table), edges_(edges), options_(options), seconds_(seconds), progress_(progress) {}

  Result<Training> run() {
    TRY(check_options());
    inputs_ = table_.features;
    if (edges_ != nullptr) inputs_.insert(inputs_.end(), graph_columns().begin(), graph_columns().end());
    const std::uint32_t judged = hold_out() ? 1 : options_.folds - (options_.split == SplitKind::kTime ? 1 : 0);
    steps_total_ = (options_.evaluate ? judged * options_.repeats + 1 : 1) * options_.inner_folds * options_.bags;
    if (options_.evaluate) {
      const double start = seconds_();
      for (std::uint32_t repeat = 0; repeat < options_.repeats; ++repeat) {
        const std::uint64_t seed = repeat == 0 ? options_.seed : combine64(options_.seed, 0x5eedULL + repeat);
        out_.repeats.emplace_back();
        TRY(hold_out() ? judge_held(seed) : judge_folds(seed));
      }
      const Judged& first = out_.repeats.front();
      out_.judged_rows = first.rows;
      out_.probabilities = first.probabilities;
      out_.labels = first.labels;
      out_.called = first.called;
      out_.seconds_folds = seconds_() - start;
    }
    const double start = seconds_();
    TRY(make_model());
    out_.seconds_model = seconds_() - start;
    weigh_columns();
    return std::move(out_);
  }

 private:
  Result<> check_options() const {
    const auto bad = [](const char* flag, const char* message) { return error(Errc::kUsage, flag, message); };
    if (options_.folds < 2 || options_.folds > 50) return bad("--folds", "takes 2 to 50");
    if (options_.inner_folds < 2 || options_.inner_folds > 20) return bad("--inner-folds", "takes 2 to 20");
    if (options_.repeats < 1 || options_.repeats > 50) return bad("--repeats", "takes 1 to 50");
    if (hold_out()) {
      if (!(options_.hold_train > 0 && options_.hold_validation > 0 &&
            options_.hold_train + options_.hold_validation < 1))
        return bad("--hold-out", "takes two shares above 0 that leave something to judge, such as 0.6,0.2");
      if (options_.split != SplitKind::kStratified)
        return bad("--hold-out", "cannot be combined with --group or --time");
    }
    if (options_.bags < 1 || options_.bags * options_.inner_folds > kModelMembersMax)
      return bad("--bags", "takes at least 1; bags times inner folds at most 256");
    const BoostParameters& b = options_.boost;
    if (b.rounds_max < 1 || b.rounds_max > 5000) return bad("--rounds", "takes 1 to 5,000");
    if (!(b.eta > 0 && b.eta <= 1)) return bad("--eta", "takes more than 0, at most 1");
    if (b.depth_max < 1 || b.depth_max > 16) return bad("--depth", "takes 1 to 16");
    if (table_.labels.size() != table_.rows()) return error(Errc::kBadInput, table_.path, "the table has no labels");
    const std::size_t positives = table_.positives();
    if (positives < 10 || table_.rows() - positives < 10)
      return error(Errc::kBadInput, table_.path,
                   "training needs at least 10 rows of each class; there are " + std::to_string(positives) +
                       " of 1 and " + std::to_string(table_.rows() - positives) + " of 0");
    return {};
  }

  bool hold_out() const { return options_.hold_train != 0 || options_.hold_validation != 0; }

  Result<Split> split_rows(const std::vector<std::uint32_t>& rows, std::uint32_t folds, std::uint64_t seed,
                           bool inner) const {
    std::vector<std::uint8_t> labels;
    for (const std::uint32_t r : rows) labels.push_back(table_.labels[r]);
    if (options_.split == SplitKind::kGrouped) {
      std::vector<std::string> groups;
      for (const std::uint32_t r : rows) groups.push_back(table_.groups[r]);
      return split_grouped(labels, groups, folds, seed);
    }
    if (options_.split == SplitKind::kTime && !inner) {
      std::vector<std::int64_t> times;
      for (const std::uint32_t r : rows) times.push_back(table_.times[r]);
      return split_by_time(labels, times, folds);
    }
    return split_stratified(labels, folds, seed);
  }

  // Rows as trees see them. Labels of rows outside `train` are hidden from the graph; a training row does not see its own inner fold.
  Material prepare(const std::vector<std::uint32_t>& rows, const std::vector<std::uint32_t>& fold_of_row) const {
    Material out;
    out.width = inputs_.size() + options_.derived.size();
    std::vector<float> graph;
    if (edges_ != nullptr) {
      std::vector<std::string> ids;
      std::vector<std::uint32_t> own;
      for (const std::uint32_t r : rows) ids.push_back(table_.ids[r]), own.push_back(fold_of_row[r]);
      graph = graph_features(*edges_, ids, own, {table_.ids, table_.labels, fold_of_row});
    }
    const std::size_t tied = edges_ != nullptr ? graph_columns().size() : 0;
    out.values.resize(rows.size() * out.width);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      float* to = out.values.data() + i * out.width;
      std::copy_n(table_.row(rows[i]), table_.width(), to);
      std::copy_n(graph.data() + i * tied, tied, to + table_.width());
      derive(options_.derived, to, inputs_.size(), to + inputs_.size());
      out.labels.push_back(table_.labels[rows[i]]);
    }
    return out;
  }

  static Material pick(const Material& from, const std::vector<std::uint32_t>& places) {
    Material out;
    out.width = from.width;
    out.values.resize(places.size() * from.width);
    for (std::size_t i = 0; i < places.size(); ++i) {
      std::copy_n(from.values.data() + places[i] * from.width, from.width, out.values.data() + i * from.width);
      out.labels.push_back(from.labels[places[i]]);
    }
    return out;
  }

  Result<Recipe> recipe(const std::vector<std::uint32_t>& train, std::uint64_t seed) {
    Recipe out;
    out.margins.assign(train.size(), 0.0);
    out.boost = options_.boost;
    std::vector<std::vector<Tree>> forests;
    std::vector<double> forest(train.size(), 0.0);
    bool planting = options_.forest.trees > 0;
    for (std::uint32_t bag = 0; bag < options_.bags; ++bag) {
      TRY_ASSIGN(const Split inner, split_rows(train, options_.inner_folds, combine64(seed, bag), true));
      std::vector<std::uint32_t> fold_of_row(table_.rows(), kHidden);
      for (std::size_t i = 0; i < train.size(); ++i) fold_of_row[train[i]] = inner.fold[i];
      const Material all = prepare(train, fold_of_row);
      if (options_.search && bag == 0) TRY(search(all, inner, seed, out));
      for (std::uint32_t held = 0; held < inner.folds; ++held) {
        const std::vector<std::uint32_t> held_places = inner.rows_of(held);
        const Material fit = pick(all, inner.training(held)), check = pick(all, held_places);
        BoostParameters boost_with = out.boost;
        boost_with.seed = combine64(seed, bag * 1000 + held);
        if (options_.balance_classes) boost_with.positive_weight = class_weight(fit.labels);
        const Rows fit_rows{fit.values, fit.width, fit.labels, {}},
            check_rows{check.values, check.width, check.labels, {}};
        TRY_ASSIGN(Boosted boosted, boost(fit_rows, check_rows, boost_with));
        const double part = 1.0 / static_cast<double>(options_.bags);
        for (std::size_t i = 0; i < held_places.size(); ++i)
          out.margins[held_places[i]] += static_cast<double>(boosted.validation_margins[i]) * part;
        if (boosted.validation_loss < boost_with.loss_enough && out.members.empty()) planting = false;
        if (planting) {
          ForestParameters forest_with = options_.forest;
          forest_with.seed = combine64(boost_with.seed, 0xf0);
          forest_with.positive_weight = boost_with.positive_weight;
          forests.push_back(grow_forest(fit_rows, forest_with));
          const std::vector<double> beside = forest_margins(forests.back(), check_rows);
          for (std::size_t i = 0; i < held_places.size(); ++i) forest[held_places[i]] += beside[i] * part;
        }
        out.trees += boosted.best_round;
        out.members.push_back(std::move(boosted.member));
        if (progress_) progress_(static_cast<double>(++steps_done_) / static_cast<double>(steps_total_));
      }
    }
    if (planting) plant(forests, forest, labels_of(train), out);
    return out;
  }

  // Puts each member's forest behind its booster, at the weight that serves the rows they have not seen.
  static void plant(std::vector<std::vector<Tree>>& forests, const std::vector<double>& margins,
                    const std::vector<std::uint8_t>& labels, Recipe& out) {
    out.forest_share = fit_share(out.margins, margins, labels, kForestGain);
    if (out.forest_share == 0) return;
    for (std::size_t i = 0; i < margins.size(); ++i) out.margins[i] += out.forest_share * margins[i];
    for (std::size_t m = 0; m < forests.size(); ++m)
      for (Tree& tree : forests[m]) {
        for (TreeNode& node : tree)
          if (node.leaf) node.value *= static_cast<float>(out.forest_share);
        out.members[m].trees.push_back(std::move(tree));
        ++out.trees;
      }
  }

  // The settings with the least loss on inner folds; what was given stays unless another is better by more than a standard error.
  Result<> search(const Material& all, const Split& inner, std::uint64_t seed, Recipe& out) const {
    const std::vector<Settings> grid = grid_around(options_.boost);
    std::vector<std::vector<double>> losses(grid.size());
    for (std::uint32_t held = 0; held < std::min(kSearchFolds, inner.folds); ++held) {
      const Material fit = pick(all, inner.training(held)), check = pick(all, inner.rows_of(held));
      for (std::size_t g = 0; g < grid.size(); ++g) {
        BoostParameters boost_with = grid[g].boost;
        boost_with.seed = combine64(seed, held);
        if (options_.balance_classes) boost_with.positive_weight = class_weight(fit.labels);
        TRY_ASSIGN(const Boosted boosted, boost({fit.values, fit.width, fit.labels, {}},
                                                {check.values, check.width, check.labels, {}}, boost_with));
        for (std::size_t i = 0; i < check.labels.size(); ++i)
          losses[g].push_back(loss_of(boosted.validation_margins[i], check.labels[i]));
      }
    }
    double best = 0;
    for (std::size_t g = 1; g < grid.size(); ++g) {
      double sum = 0, squares = 0;
      const double rows = static_cast<double>(losses[g].size());
      for (std::size_t i = 0; i < losses[g].size(); ++i) {
        const double gained = losses[0][i] - losses[g][i];
        sum += gained;
        squares += gained * gained;
      }
      const double mean = sum / rows, error = std::sqrt(std::max(0.0, squares / rows - mean * mean) / rows);
      if (mean <= error || mean <= best) continue;
      best = mean;
      out.boost = grid[g].boost;
      out.settings = grid[g].name;
    }
    return {};
  }

  static double class_weight(const std::vector<float>& labels) {
    double positives = 0;
    for (const float y : labels) positives += static_cast<double>(y);
    return positives > 0 ? (static_cast<double>(labels.size()) - positives) / positives : 1;
  }

  Calibration calibrate(const std::vector<double>& margins, const std::vector<std::uint8_t>& labels) const {
    switch (options_.calibration) {
      case CalibrationChoice::kPlatt:
        return fit_platt(margins, labels);
      case CalibrationChoice::kIsotonic:
        return fit_isotonic(margins, labels);
      case CalibrationChoice::kNone:
        break;
    }
    return {};
  }

  std::vector<std::uint8_t> labels_of(const std::vector<std::uint32_t>& rows) const {
    std::vector<std::uint8_t> out;
    for (const std::uint32_t r : rows) out.push_back(table_.labels[r]);
    return out;
  }

  Model shell() const {
    Model model;
    model.name = options_.name;
    model.inputs = inputs_;
    model.derived = options_.derived;
    model.categories = table_.categories;
    return model;
  }

  Result<> judge_folds(std::uint64_t seed) {
    std::vector<std::uint32_t> every(table_.rows());
    for (std::uint32_t i = 0; i < every.size(); ++i) every[i] = i;
    TRY_ASSIGN(const Split outer, split_rows(every, options_.folds, seed, false));
    for (std::uint32_t held = outer.first_judged(); held < outer.folds; ++held) {
      const auto train = outer.training(held);
      TRY_ASSIGN(Recipe made, recipe(train, combine64(seed, held + 1)));
      const std::vector<double> margins = std::move(made.margins);
      TRY(judge_rows(std::move(made), train, margins, labels_of(train), outer.rows_of(held), held));
    }
    return {};
  }

  Result<> judge_held(std::uint64_t seed) {
    TRY_ASSIGN(const HoldOut parts, split_hold_out(table_.labels, options_.hold_train, options_.hold_validation, seed));
    TRY_ASSIGN(Recipe made, recipe(parts.train, combine64(seed, 1)));
    Model model = shell();
    model.members = made.members;
    TRY_ASSIGN(const auto scorer, Scorer::build(std::move(model), "held"));
    const std::vector<float> margins = margins_of(*scorer, parts.validation, parts.train);
    return judge_rows(std::move(made), parts.train, {margins.begin(), margins.end()}, labels_of(parts.validation),
                      parts.test, 0);
  }

  // Threshold and calibration come from `margins` and `labels`, which hold nothing of the rows to be judged.
  Result<> judge_rows(Recipe made, const std::vector<std::uint32_t>& train, const std::vector<double>& margins,
                      const std::vector<std::uint8_t>& labels, const std::vector<std::uint32_t>& test,
                      std::uint32_t fold) {
    Model model = shell();
    model.members = std::move(made.members);
    model.calibration = calibrate(margins, labels);
    const double cut = balanced_cut(margins, labels, options_.seed);
    TRY_ASSIGN(const auto scorer, Scorer::build(std::move(model), "fold"));
    keep_fold(fold, test, margins_of(*scorer, test, train), cut, *scorer, made);
    return {};
  }

  // Of rows whose labels are hidden, as are all others but those of `train`.
  std::vector<float> margins_of(const Scorer& scorer, const std::vector<std::uint32_t>& rows,
                                const std::vector<std::uint32_t>& train) const {
    std::vector<std::uint32_t> fold_of_row(table_.rows(), kHidden);
    for (const std::uint32_t r : train) fold_of_row[r] = 0;
    std::vector<float> out(rows.size());
    scorer.margins(inputs_of(rows, fold_of_row), out);
    return out;
  }

  // The model's inputs (no derived columns: the scorer works those out) of rows whose labels are hidden.
  std::vector<float> inputs_of(const std::vector<std::uint32_t>& rows,
                               const std::vector<std::uint32_t>& fold_of_row) const {
    const Material wide = prepare(rows, fold_of_row);
    std::vector<float> out(rows.size() * inputs_.size());
    for (std::size_t i = 0; i < rows.size(); ++i)
      std::copy_n(wide.values.data() + i * wide.width, inputs_.size(), out.data() + i * inputs_.size());
    return out;
  }

  void keep_fold(std::uint32_t held, const std::vector<std::uint32_t>& test, const std::vector<float>& margins,
                 double cut, const Scorer& scorer, const Recipe& made) {
    const std::vector<std::uint8_t> labels = labels_of(test);
    const std::vector<double> scores(margins.begin(), margins.end());
    const Curve points = curve({scores, labels});
    FoldResult fold;
    fold.fold = held;
    fold.rows = test.size();
    fold.positives = points.positives;
    fold.auc = roc_auc(points);
    fold.average_precision = average_precision(points);
    fold.cut = scorer.probability(cut);
    fold.confusion = confusion({scores, labels}, cut);
    fold.trees = made.trees;
    fold.settings = made.settings;
    fold.forest_share = made.forest_share;
    if (out_.repeats.size() == 1) out_.folds.push_back(fold);
    Judged& judged = out_.repeats.back();
    for (std::size_t i = 0; i < test.size(); ++i) {
      judged.rows.push_back(test[i]);
      judged.fold_of.push_back(held);
      judged.labels.push_back(labels[i]);
      judged.called.push_back(scores[i] >= cut);
      judged.probabilities.push_back(scorer.probability(scores[i]));
      judged.margins.push_back(scores[i]);
    }
  }

  // From fitted probabilities; where no rising line fits the margins, from the labels.
  static double balanced_cut(const std::vector<double>& margins, const std::vector<std::uint8_t>& labels,
                             std::uint64_t seed) {
    const Calibration fitted = fit_platt(margins, labels);
    if (fitted.kind != Calibration::Kind::kPlatt) return steady_cut(margins, labels, seed);
    std::vector<double> probabilities;
    for (const double margin : margins) probabilities.push_back(fitted.probability(margin));
    return expected_macro_f1_cut(margins, probabilities);
  }

  // The best cut of one sample jumps about; the median over seeded resamples does not.
  static double steady_cut(const std::vector<double>& margins, const std::vector<std::uint8_t>& labels,
                           std::uint64_t seed) {
    Prng random(combine64(seed, 77));
    std::vector<double> cuts, scores(margins.size());
    std::vector<std::uint8_t> classes(margins.size());
    for (int sample = 0; sample < 41; ++sample) {
      for (std::size_t i = 0; i < margins.size(); ++i) {
        const std::size_t pick = random.below(margins.size());
        scores[i] = margins[pick];
        classes[i] = labels[pick];
      }
      cuts.push_back(best_macro_f1_cut(curve({scores, classes})));
    }
    std::nth_element(cuts.begin(), cuts.begin() + 20, cuts.end());
    return cuts[20];
  }

  Result<> make_model() {
    std::vector<std::uint32_t> every(table_.rows());
    for (std::uint32_t i = 0; i < every.size(); ++i) every[i] = i;
    TRY_ASSIGN(Recipe made, recipe(every, combine64(options_.seed, 0)));
    // Thresholds and calibration from whole ensembles where there were outer folds, else from the inner models.
    const std::vector<double>& margins = options_.evaluate ? out_.repeats.front().margins : made.margins;
    const std::vector<std::uint8_t> labels = options_.evaluate ? out_.labels : labels_of(every);
    Model model = shell();
    model.members = std::move(made.members);
    model.batch = options_.batch;
    model.change_note = options_.change_note;
    model.calibration = calibrate(margins, labels);
    set_thresholds(model, margins, labels);
    out_.settings = made.settings;
    out_.forest_share = made.forest_share;
    set_origin(model, made.boost);
    if (options_.evaluate) set_metrics(model);
    TRY(check_model(model, "the trained model"));
    out_.model = std::move(model);
    return {};
  }

  void set_thresholds(Model& model, const std::vector<double>& margins, const std::vector<std::uint8_t>& labels) const {
    const Scored scored{margins, labels};
    const Curve points = curve(scored);
    const auto add = [&](const char* name, double cut) {
      if (!std::isfinite(cut)) return;  // nothing keeps the promise on these rows
      const Confusion c = confusion(scored, cut);
      const auto value = [](double x) { return std::isfinite(x) ? x : 0.0; };
      model.thresholds.push_back({name, model.calibration.probability(cut), value(c.recall()), value(c.precision()),
                                  value(c.false_positive_rate())});
    };
    add("balanced", balanced_cut(margins, labels, options_.seed));
    add("fpr_1pct", recall_at_fpr(points, 0.01).cut);
    add("fpr_0_1pct", recall_at_fpr(points, 0.001).cut);
    add("precision_95", recall_at_precision(points, 0.95).cut);
    add("precision_99", recall_at_precision(points, 0.99).cut);
  }

  void set_origin(Model& model, const BoostParameters& boost_with) const {
    ModelOrigin& origin = model.origin;
    origin.manifest = options_.manifest;
    origin.table_digest = table_.digest;
    if (edges_ != nullptr) origin.edges_digest = edges_->digest;
    origin.label = options_.label;
    origin.rows = table_.rows();
    origin.positives = table_.positives();
    origin.seed = options_.seed;
    origin.split = options_.split == SplitKind::kGrouped ? "grouped by " + options_.split_column
                   : options_.split == SplitKind::kTime  ? "by time of " + options_.split_column
                                                         : "stratified";
    for (const auto& [key, value] : boost_with.shown())
      if (key != "seed") origin.parameters[key] = value;
    origin.parameters["folds"] = std::to_string(options_.folds);
    origin.parameters["inner_folds"] = std::to_string(options_.inner_folds);
    if (options_.repeats > 1) origin.parameters["repeats"] = std::to_string(options_.repeats);
    if (hold_out()) {
      origin.parameters["hold_train"] = std::to_string(options_.hold_train);
      origin.parameters["hold_validation"] = std::to_string(options_.hold_validation);
    }
    if (options_.forest.trees > 0) {
      origin.parameters["forest_trees"] = std::to_string(options_.forest.trees);
      origin.parameters["forest_share"] = fmt::format("{}", out_.forest_share);
    }
    if (options_.search) origin.parameters["search"] = out_.settings;
    origin.parameters["bags"] = std::to_string(options_.bags);
    origin.parameters["balance_classes"] = options_.balance_classes ? "true" : "false";
    origin.trainer = trainer_version();
  }

  void set_metrics(Model& model) const {
    const Curve points = curve({out_.probabilities, out_.labels});
    double macro_f1 = 0, auc = 0;
    Confusion all;
    for (const FoldResult& fold : out_.folds) {
      macro_f1 += fold.confusion.macro_f1() / static_cast<double>(out_.folds.size());
      auc += fold.auc / static_cast<double>(out_.folds.size());
      all.tp += fold.confusion.tp, all.fp += fold.confusion.fp;
      all.fn += fold.confusion.fn, all.tn += fold.confusion.tn;
    }
    const CalibrationFigures calibrated = calibration_of({out_.probabilities, out_.labels});
    model.metrics = {{"auc", auc},
                     {"macro_f1", macro_f1},
                     {"auc_pooled", roc_auc(points)},
                     {"average_precision", average_precision(points)},
                     {"macro_recall", all.macro_recall()},
                     {"g_mean", all.g_mean()},
                     {"accuracy", all.accuracy()},
                     {"recall_at_fpr_1pct", recall_at_fpr(points, 0.01).recall},
                     {"recall_at_fpr_0_1pct", recall_at_fpr(points, 0.001).recall},
                     {"recall_at_precision_95", recall_at_precision(points, 0.95).recall},
                     {"recall_at_precision_99", recall_at_precision(points, 0.99).recall},
                     {"brier", calibrated.brier},
                     {"calibration_error", calibrated.expected_error}};
  }

  void weigh_columns() {
    const auto scorer = Scorer::build(out_.model, "the trained model");
    CHECK(scorer.ok());
    std::vector<std::uint32_t> rows;
    const std::size_t stride = std::max<std::size_t>(1, table_.rows() / kImportanceRows);
    for (std::uint32_t r = 0; r < table_.rows(); r += static_cast<std::uint32_t>(stride)) rows.push_back(r);
    std::vector<std::uint32_t> fold_of_row(table_.rows());
    for (std::uint32_t r = 0; r < fold_of_row.size(); ++r) fold_of_row[r] = r;  // no row sees its own label
    const std::vector<float> values = inputs_of(rows, fold_of_row);
    out_.importance.assign(out_.model.width(), 0.0);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const Explanation why = (*scorer)->explain(std::span(values).subspan(i * inputs_.size(), inputs_.size()));
      for (const Contribution& part : why.contributions)
        out_.importance[part.feature] += std::fabs(part.margin) / static_cast<double>(rows.size());
    }
  }

  const Table& table_;
  const EdgeList* edges_;
  const TrainOptions& options_;
  const std::function<double()>& seconds_;
  const Progress& progress_;
  std::vector<std::string> inputs_;
  std::uint32_t steps_done_ = 0, steps_total_ = 1;
  Training out_;
};

}  // namespace

Result<Training> train(const Table& table, const EdgeList* edges, const TrainOptions& options,
                       const std::function<double()>& seconds, const Progress& progress) {
  return Trainer(table, edges, options, seconds, progress).run();
}

}  // namespace pandun::learn
