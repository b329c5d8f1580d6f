#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "cli/commands.h"
#include "guard/json_writer.h"
#include "learn/derived.h"
#include "learn/evaluation.h"
#include "learn/manifest.h"
#include "learn/report.h"
#include "learn/scorer.h"
#include "learn/shelf.h"
#include "learn/trainer.h"
#include "platform/clock.h"
#include "platform/process.h"

namespace pandun::cli {
namespace {

using platform::join;
using platform::posix_files;

double seconds() {
  return std::chrono::duration<double>(platform::system_clock().steady()).count();
}

Result<std::int64_t> whole(const Arguments& arguments, std::string_view flag, std::int64_t low, std::int64_t high) {
  const std::int64_t value = arguments.integer(flag);
  if (value < low || value > high)
    return error(Errc::kUsage, std::string(flag), fmt::format("takes {} to {}", low, high));
  return value;
}

learn::TableSpec table_spec(const Arguments& arguments) {
  learn::TableSpec spec;
  spec.id = arguments.text("--id");
  spec.label = arguments.text("--label");
  spec.group = arguments.text("--group");
  spec.time = arguments.text("--time");
  spec.first_event = arguments.text("--first-event");
  spec.weight_group = arguments.text("--protected");
  spec.categorical = arguments.many("--categorical");
  spec.ignore = arguments.many("--ignore");
  return spec;
}

void tell_rejects(const learn::Table& table) {
  if (table.rejected == 0) return;
  fmt::print(stderr, "{} of {} rows were left out:\n", table.rejected, table.rows_read);
  for (std::size_t i = 0; i < std::min<std::size_t>(table.faults.size(), 20); ++i)
    fmt::print(stderr, "  {}:{}:{}: {}\n", table.path, table.faults[i].line, table.faults[i].column,
               table.faults[i].message);
}

// A model file, a batch directory, or a shelf: then its champion, or its newest batch while there is none.
Result<std::string> model_path(const std::string& given) {
  const auto about = posix_files().info(given);
  if (!about.ok()) return about.error();
  if (!about->directory) return given;
  if (posix_files().info(join(given, "model.pandun")).ok()) return join(given, "model.pandun");
  learn::Shelf shelf(posix_files(), platform::system_clock(), given);
  TRY(shelf.load());
  if (const learn::ShelfEntry* champion = shelf.champion()) return champion->path;
  if (shelf.list().empty()) return error(Errc::kNotFound, given, "holds no model");
  return shelf.list().back().path;
}

Result<std::shared_ptr<const learn::Scorer>> load_model(const std::string& given) {
  TRY_ASSIGN(const std::string path, model_path(given));
  TRY_ASSIGN(const std::string content, platform::read_file(posix_files(), path, learn::kModelBytesMax));
  return learn::Scorer::load(content, path);
}

Result<learn::EdgeList> edges_of(const Arguments& arguments) {
  TRY_ASSIGN(learn::CsvReader reader, learn::CsvReader::open(posix_files(), arguments.text("--edges")));
  return learn::read_edges(std::move(reader));
}

bool is_graph_column(const std::string& column) {
  const auto& names = learn::graph_columns();
  return std::find(names.begin(), names.end(), column) != names.end();
}

// A table as the model wants it; graph columns come from --edges and the labels of --known.
Result<learn::Table> table_for(const learn::Model& model, const std::string& path, const Arguments& arguments,
                               bool labelled) {
  learn::TableSpec spec = table_spec(arguments);
  spec.label_required = labelled;
  spec.categories = model.categories;
  bool graph = false;
  for (const std::string& column : model.inputs) {
    if (is_graph_column(column))
      graph = true;
    else
      spec.features.push_back(column);
  }
  TRY_ASSIGN(learn::Table table, learn::read_table(posix_files(), path, spec));
  if (!table.missing_columns.empty())
    return error(Errc::kBadInput, path + ":1",
                 fmt::format("the model reads {} columns that the table lacks, the first: '{}'",
                             table.missing_columns.size(), table.missing_columns.front()));
  tell_rejects(table);
  if (!graph) return table;
  if (arguments.text("--edges").empty() || arguments.text("--known").empty())
    return error(Errc::kUsage, "--edges",
                 "this model reads the graph: give --edges FILE and --known TABLE (its labels)");
  TRY_ASSIGN(const learn::EdgeList edges, edges_of(arguments));
  learn::TableSpec known_spec;
  known_spec.id = spec.id;
  known_spec.label = spec.label;
  known_spec.features = {spec.label};  // ids and labels only
  known_spec.categories[spec.label] = {};
  TRY_ASSIGN(const learn::Table known, learn::read_table(posix_files(), arguments.text("--known"), known_spec));
  const std::vector<std::uint32_t> seen(known.rows(), 0), all(table.rows(), learn::kHidden);
  table.append_features(learn::graph_columns(),
                        learn::graph_features(edges, table.ids, all, {known.ids, known.labels, seen}));
  return table;
}

struct Trained {
  learn::Table table;
  learn::Training training;
  learn::Evaluation evaluation;
  std::optional<learn::RepeatedEvaluation> repeats;
  learn::LabelNoise noise;
  learn::ShelfEntry entry;
};

Result<learn::DataManifest> manifest_of(const Arguments& arguments) {
  std::string path = arguments.text("--manifest");
  if (path.empty()) {
    path = arguments.rest().front() + ".manifest.toml";
    if (!posix_files().info(path).ok()) {
      fmt::print(stderr,
                 "pandun: no manifest (--manifest FILE, or {}): this model can be tried, but never leaves the state "
                 "draft. See docs/learn.md.\n",
                 path);
      return learn::DataManifest{};
    }
  }
  TRY_ASSIGN(const std::string content, platform::read_file(posix_files(), path, 1U << 20));
  return learn::read_manifest(content, path);
}

Result<learn::TrainOptions> train_options(const Arguments& arguments) {
  learn::TrainOptions options;
  options.label = arguments.text("--label");
  options.name = arguments.text("--name");
  options.change_note = arguments.text("--note");
  const bool grouped = arguments.has("--group"), timed = arguments.has("--time");
  if (grouped && timed && !arguments.has("--first-event"))
    return error(Errc::kUsage, "--time", "either --group or --time decides the folds, not both");
  options.split = grouped ? learn::SplitKind::kGrouped
                  : timed ? learn::SplitKind::kTime
                          : learn::SplitKind::kStratified;
  options.split_column = grouped ? arguments.text("--group") : arguments.text("--time");
  TRY_ASSIGN(const auto folds, whole(arguments, "--folds", 2, 50));
  TRY_ASSIGN(const auto inner, whole(arguments, "--inner-folds", 2, 20));
  TRY_ASSIGN(const auto bags, whole(arguments, "--bags", 1, 50));
  TRY_ASSIGN(const auto seed, whole(arguments, "--seed", 0, std::numeric_limits<std::int64_t>::max()));
  TRY_ASSIGN(const auto rounds, whole(arguments, "--rounds", 1, 5000));
  TRY_ASSIGN(const auto depth, whole(arguments, "--depth", 1, 16));
  options.folds = static_cast<std::uint32_t>(folds);
  options.inner_folds = static_cast<std::uint32_t>(inner);
  options.bags = static_cast<std::uint32_t>(bags);
  options.seed = static_cast<std::uint64_t>(seed);
  options.boost.rounds_max = static_cast<std::uint32_t>(rounds);
  options.boost.depth_max = static_cast<std::uint32_t>(depth);
  options.boost.eta = arguments.number("--eta");
  options.boost.column_share = arguments.number("--column-share");
  if (!(options.boost.column_share > 0 && options.boost.column_share <= 1))
    return error(Errc::kUsage, "--column-share", "takes more than 0, at most 1");
  TRY_ASSIGN(const auto forest, whole(arguments, "--forest", 0, 500));
  options.forest.trees = static_cast<std::uint32_t>(forest);
  options.search = arguments.has("--search");
  TRY_ASSIGN(const auto repeats, whole(arguments, "--repeats", 1, 50));
  options.repeats = static_cast<std::uint32_t>(repeats);
  if (const std::string held = arguments.text("--hold-out"); !held.empty()) {
    const std::size_t comma = held.find(',');
    const auto train = learn::parse_number(std::string_view(held).substr(0, comma)),
               check = learn::parse_number(comma == std::string::npos ? std::string_view()
                                                                      : std::string_view(held).substr(comma + 1));
    if (train.fault != nullptr || check.fault != nullptr || !(train.value > 0))
      return error(Errc::kUsage, "--hold-out", "takes TRAIN,VALIDATION, such as 0.6,0.2");
    options.hold_train = static_cast<double>(train.value);
    options.hold_validation = static_cast<double>(check.value);
  }
  options.balance_classes = arguments.has("--balance");
  options.evaluate = !arguments.has("--no-folds");
  const std::string calibration = arguments.text("--calibration");
  if (calibration == "isotonic")
    options.calibration = learn::CalibrationChoice::kIsotonic;
  else if (calibration == "none")
    options.calibration = learn::CalibrationChoice::kNone;
  else if (calibration != "platt")
    return error(Errc::kUsage, "--calibration", "is platt, isotonic or none");
  return options;
}

Result<Trained> train(const Arguments& arguments) {
  Trained out;
  TRY_ASSIGN(learn::TrainOptions options, train_options(arguments));
  TRY_ASSIGN(options.manifest, manifest_of(arguments));
  TRY_ASSIGN(out.table, learn::read_table(posix_files(), arguments.rest().front(), table_spec(arguments)));
  tell_rejects(out.table);
  std::optional<learn::EdgeList> edges;
  std::vector<std::string> inputs = out.table.features;
  if (arguments.has("--edges")) {
    TRY_ASSIGN(edges, edges_of(arguments));
    inputs.insert(inputs.end(), learn::graph_columns().begin(), learn::graph_columns().end());
  }
  if (const std::string derived = arguments.text("--derived"); !derived.empty()) {
    TRY_ASSIGN(const std::string content, platform::read_file(posix_files(), derived, 1U << 20));
    TRY_ASSIGN(options.derived, learn::read_derived(content, derived, inputs));
  }
  learn::Shelf shelf(posix_files(), platform::system_clock(), arguments.text("--out"));
  TRY(shelf.load());
  options.batch = shelf.next_batch();
  const bool terminal = platform::stderr_is_terminal();
  learn::Progress progress;
  if (terminal)
    progress = [](double share) {
      fmt::print(stderr, "\r{:>5.1f} % ", share * 100);
      std::fflush(stderr);
    };
  auto training = learn::train(out.table, edges ? &*edges : nullptr, options, seconds, progress);
  if (terminal) fmt::print(stderr, "\r{:12}\r", "");
  if (!training.ok()) return std::move(training).error();
  out.training = std::move(*training);
  const learn::Training& t = out.training;
  if (!t.folds.empty()) {
    std::vector<std::string> protected_groups;
    if (!out.table.protected_groups.empty())
      for (const std::uint32_t row : t.judged_rows) protected_groups.push_back(out.table.protected_groups[row]);
    out.evaluation = learn::evaluate({.probabilities = t.probabilities,
                                      .labels = t.labels,
                                      .called = t.called,
                                      .protected_groups = protected_groups,
                                      .entities = {},
                                      .times = {},
                                      .first_events = {},
                                      .calls = {},
                                      .seed = options.seed});
    if (t.repeats.size() > 1) out.repeats = learn::evaluate_repeats(t.repeats, options.seed);
    out.noise = learn::label_noise(t.probabilities, t.labels, t.judged_rows);
  }
  TRY_ASSIGN(out.entry, shelf.enter(t.model, arguments.text("--by")));
  return out;
}

std::string quoted(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out.append(c == '"' ? "\"\"" : std::string(1, c));
  return out + "\"";
}

// metrics.json, report.html, out_of_fold.csv and label_doubts.csv beside the model.
Result<> write_papers(const Trained& done) {
  const std::string home = platform::directory_of(done.entry.path);
  const learn::Training& t = done.training;
  if (t.folds.empty()) return {};
  learn::ReportInput report;
  report.model = &t.model;
  report.evaluation = &done.evaluation;
  report.training = &t;
  report.noise = &done.noise;
  report.repeats = done.repeats ? &*done.repeats : nullptr;
  report.table = &done.table;
  report.title = fmt::format("{} · batch {}", t.model.name, t.model.batch);
  report.made_at = rfc3339(platform::system_clock().wall());
  TRY(platform::replace_file(posix_files(), join(home, "report.html"), learn::html_report(report)));
  TRY(platform::replace_file(posix_files(), join(home, "metrics.json"),
                             learn::evaluation_json(done.evaluation) + "\n"));
  std::string rows = "id,label,score,called\n", doubts = "id,label,score\n";
  for (std::size_t i = 0; i < t.judged_rows.size(); ++i)
    rows += fmt::format("{},{},{:.9g},{}\n", quoted(done.table.ids[t.judged_rows[i]]), t.labels[i], t.probabilities[i],
                        t.called[i] ? 1 : 0);
  for (const learn::LabelDoubt& doubt : done.noise.rows)
    doubts += fmt::format("{},{},{:.9g}\n", quoted(done.table.ids[doubt.row]), doubt.label, doubt.probability);
  TRY(platform::replace_file(posix_files(), join(home, "out_of_fold.csv"), rows));
  return platform::replace_file(posix_files(), join(home, "label_doubts.csv"), doubts);
}

void print_evaluation(const learn::Evaluation& e) {
  const auto line = [](const char* what, const learn::Interval& i) {
    fmt::print("  {:<28} {:.4f}  [{:.4f}, {:.4f}]\n", what, i.value, i.low, i.high);
  };
  fmt::print("{} rows, {} of label 1; 95 % intervals\n", e.rows, e.positives);
  line("ROC-AUC", e.auc);
  line("average precision", e.average_precision);
  line("macro-F1", e.macro_f1);
  line("G-mean", e.g_mean);
  line("recall at 1 % FPR", e.recall_fpr_1pct);
  line("recall at 0.1 % FPR", e.recall_fpr_0_1pct);
  line("recall at 95 % precision", e.recall_precision_95);
  for (const learn::BaseRateFigure& b : e.base_rates)
    fmt::print("  precision where 1 in {:<6.0f}  {:.4f} at 1 % FPR, {:.4f} at 0.1 %\n", b.one_in, b.at_fpr_1pct,
               b.at_fpr_0_1pct);
  fmt::print("  Brier {:.4f}, calibration error {:.4f}\n", e.calibration.brier, e.calibration.expected_error);
  for (const learn::GroupFigure& g : e.groups)
    fmt::print("  group {:<20} false positives {:.4f} [{:.4f}, {:.4f}] of {} rows\n", g.group,
               g.false_positive_rate.value, g.false_positive_rate.low, g.false_positive_rate.high, g.rows);
  if (e.delay)
    fmt::print("  delay: {} of {} found, median {:.1f} min, {:.0f} calls\n", e.delay->detected, e.delay->entities,
               e.delay->minutes_median, e.delay->calls_median);
}

void print_repeats(const learn::RepeatedEvaluation& repeats) {
  fmt::print("{} judgings of {} rows: mean ± spread between them [95 % over users]\n", repeats.judgings, repeats.rows);
  for (const learn::RepeatedFigure& f : repeats.figures)
    fmt::print("  {:<28} {:.4f} ± {:.4f}  [{:.4f}, {:.4f}]\n", f.name, f.mean, f.spread, f.low, f.high);
}

int run_learn_train(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto done = train(arguments);
  if (!done.ok()) return fail(done.error(), json);
  if (const auto kept = write_papers(*done); !kept.ok()) return fail(kept.error(), json);
  const learn::Training& t = done->training;
  double auc = 0, macro_f1 = 0;
  for (const learn::FoldResult& f : t.folds) {
    auc += f.auc / static_cast<double>(t.folds.size());
    macro_f1 += f.confusion.macro_f1() / static_cast<double>(t.folds.size());
  }
  if (json) {
    std::string out;
    guard::JsonWriter writer(out);
    writer.begin_object().field("model", done->entry.path).field("digest", done->entry.digest);
    writer.key("batch").unsigned_integer(done->entry.batch).field("state", learn::name(done->entry.state));
    writer.key("rows").unsigned_integer(done->table.rows()).key("rejected").unsigned_integer(done->table.rejected);
    writer.key("columns").unsigned_integer(t.model.width()).key("trees").unsigned_integer(t.model.trees());
    writer.key("seconds_folds").number(t.seconds_folds).key("seconds_model").number(t.seconds_model);
    writer.key("folds").begin_array();
    for (const learn::FoldResult& f : t.folds)
      writer.begin_object().key("auc").number(f.auc).key("macro_f1").number(f.confusion.macro_f1()).end_object();
    writer.end_array();
    if (!t.folds.empty()) {
      writer.key("mean_auc").number(auc).key("mean_macro_f1").number(macro_f1);
      writer.key("evaluation").raw(learn::evaluation_json(done->evaluation));
      if (done->repeats) writer.key("repeats").raw(learn::repeats_json(*done->repeats));
    }
    writer.field("manifest_lacks", learn::missing_in(t.model.origin.manifest));
    writer.end_object();
    fmt::print("{}\n", out);
    return 0;
  }
  if (!t.folds.empty()) {
    print_evaluation(done->evaluation);
    fmt::print("  mean of {} folds: AUC {:.4f}, macro-F1 {:.4f}\n", t.folds.size(), auc, macro_f1);
    fmt::print("  {} labels in doubt\n", done->noise.rows.size());
    if (done->repeats) print_repeats(*done->repeats);
  }
  fmt::print("batch {}: {} trees over {} columns in {:.1f} s (folds {:.1f} s): {}\n", done->entry.batch,
             t.model.trees(), t.model.width(), t.seconds_model, t.seconds_folds, done->entry.path);
  return 0;
}

struct Moved {
  std::vector<learn::Drift> features;
  std::optional<learn::Drift> score;
  double called_then = 0, called_now = 0;  // shares of rows at the threshold
};

double share_of(const std::vector<bool>& called) {
  return called.empty()
             ? 0
             : static_cast<double>(std::count(called.begin(), called.end(), true)) / static_cast<double>(called.size());
}

std::string evaluated_json(const learn::Scorer& scorer, const std::optional<learn::Evaluation>& result,
                           const Moved& moved) {
  std::string out = result ? learn::evaluation_json(*result) : "{";
  if (result) {
    out.pop_back();
    out += ",";
  }
  out += "\"digest\":\"" + scorer.digest() + "\",\"drift\":";
  guard::JsonWriter writer(out);
  const auto one = [&](const learn::Drift& d) {
    writer.begin_object().field("feature", d.feature).key("psi").number(d.psi).key("ks").number(d.ks);
    writer.key("missing_then").number(d.missing_then).key("missing_now").number(d.missing_now).end_object();
  };
  writer.begin_array();
  for (const learn::Drift& d : moved.features) one(d);
  writer.end_array();
  if (!moved.score) return out + "}";
  out += ",\"score_drift\":";
  guard::JsonWriter score(out);
  score.begin_object().key("psi").number(moved.score->psi).key("ks").number(moved.score->ks);
  score.key("called_then").number(moved.called_then).key("called_now").number(moved.called_now).end_object();
  return out + "}";
}

void print_moved(const learn::Table& table, const Moved& moved) {
  if (!moved.score) return;
  fmt::print("  drift of the score: PSI {:.3f}, KS {:.3f}; called {:.4f} of rows then, {:.4f} of {} now\n",
             moved.score->psi, moved.score->ks, moved.called_then, moved.called_now, table.rows());
  for (std::size_t i = 0; i < std::min<std::size_t>(10, moved.features.size()); ++i)
    fmt::print("  drift {:<30} PSI {:.3f}  KS {:.3f}\n", moved.features[i].feature, moved.features[i].psi,
               moved.features[i].ks);
}

Result<std::string> evaluated(const Arguments& arguments, bool json) {
  TRY_ASSIGN(const auto scorer, load_model(arguments.rest()[0]));
  const learn::Model& model = scorer->model();
  const std::string reference = arguments.text("--reference");
  TRY_ASSIGN(const learn::Table table, table_for(model, arguments.rest()[1], arguments, reference.empty()));
  const std::string chosen = arguments.text("--threshold");
  const learn::Threshold* threshold = model.threshold(chosen);
  if (threshold == nullptr) {
    std::string known;
    for (const learn::Threshold& t : model.thresholds) known += " " + t.name;
    return error(Errc::kUsage, "--threshold", "the model has no threshold '" + chosen + "'; it has:" + known);
  }
  std::vector<float> margins(table.rows());
  scorer->margins(table.values, margins);
  std::vector<double> probabilities;
  std::vector<bool> called;
  for (const float margin : margins) {
    probabilities.push_back(scorer->probability(static_cast<double>(margin)));
    called.push_back(probabilities.back() >= threshold->probability);
  }
  std::vector<float> calls;
  if (const std::string column = arguments.text("--calls"); !column.empty()) {
    const auto at = table.feature(column);
    if (!at) return error(Errc::kUsage, "--calls", "the model reads no column '" + column + "'");
    for (std::size_t r = 0; r < table.rows(); ++r) calls.push_back(table.row(r)[*at]);
  }
  std::optional<learn::Evaluation> result;
  if (!table.labels.empty())
    result = learn::evaluate({.probabilities = probabilities,
                              .labels = table.labels,
                              .called = called,
                              .protected_groups = table.protected_groups,
                              .entities = table.groups,
                              .times = table.times,
                              .first_events = table.first_events,
                              .calls = calls,
                              .seed = 1});
  Moved moved;
  moved.called_now = share_of(called);
  if (!reference.empty()) {
    TRY_ASSIGN(const learn::Table then, table_for(model, reference, arguments, false));
    moved.features = learn::drift(then, table);
    std::vector<float> margins_then(then.rows());
    scorer->margins(then.values, margins_then);
    moved.score = learn::score_drift(margins_then, margins);
    std::vector<bool> called_then;
    called_then.reserve(margins_then.size());
    for (const float margin : margins_then)
      called_then.push_back(scorer->probability(static_cast<double>(margin)) >= threshold->probability);
    moved.called_then = share_of(called_then);
  }
  if (const std::string path = arguments.text("--report"); !path.empty()) {
    if (!result) return error(Errc::kUsage, "--report", "needs a table with labels; without them only drift is told");
    std::vector<learn::Drift> shown = moved.features;
    if (moved.score) shown.insert(shown.begin(), *moved.score);
    learn::ReportInput report;
    report.model = &model;
    report.evaluation = &*result;
    report.drift = shown.empty() ? nullptr : &shown;
    report.title = fmt::format("{} · batch {} · {}", model.name, model.batch, platform::name_of(table.path));
    report.made_at = rfc3339(platform::system_clock().wall());
    TRY(platform::replace_file(posix_files(), path, learn::html_report(report)));
  }
  if (json) return evaluated_json(*scorer, result, moved);
  if (result) print_evaluation(*result);
  print_moved(table, moved);
  return std::string();
}

int run_learn_evaluate(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto out = evaluated(arguments, json);
  if (!out.ok()) return fail(out.error(), json);
  if (json) fmt::print("{}\n", *out);
  return 0;
}

struct ScoredTable {
  std::uint64_t rows = 0, called = 0;
  double us_per_row = 0;
};

Result<ScoredTable> scored(const Arguments& arguments) {
  TRY_ASSIGN(const auto reasons, whole(arguments, "--reasons", 0, 20));
  TRY_ASSIGN(const auto scorer, load_model(arguments.rest()[0]));
  TRY_ASSIGN(const learn::Table table, table_for(scorer->model(), arguments.rest()[1], arguments, false));
  std::vector<float> margins(table.rows());
  const double start = seconds();
  scorer->margins(table.values, margins);
  ScoredTable done;
  done.rows = table.rows();
  done.us_per_row = (seconds() - start) * 1e6 / static_cast<double>(table.rows());
  const learn::Threshold* balanced = scorer->model().threshold("balanced");
  const double cut = balanced != nullptr ? balanced->probability : 0.5;
  std::string out = reasons > 0 ? "id,score,called,reasons\n" : "id,score,called\n";
  const bool terminal = platform::stderr_is_terminal();
  for (std::size_t i = 0; i < table.rows(); ++i) {
    const double score = scorer->probability(static_cast<double>(margins[i]));
    const bool called = score >= cut;
    done.called += called ? 1 : 0;
    out += fmt::format("{},{:.9g},{}", quoted(table.ids[i]), score, called ? 1 : 0);
    if (reasons > 0) {
      std::string why;
      const learn::Explanation parts = scorer->explain(
          std::span(table.values).subspan(i * table.width(), table.width()), static_cast<std::size_t>(reasons));
      for (const learn::Contribution& part : parts.contributions) {
        why += why.empty() ? "" : "; ";
        why += std::string(scorer->feature_name(part.feature));
        why += std::isnan(part.value) ? " missing" : fmt::format("={:.6g}", part.value);
        why += fmt::format(" ({:+.3f})", part.margin);
      }
      out += "," + quoted(why);
      if (terminal && i % 256 == 0) {
        fmt::print(stderr, "\r{:>5.1f} % ", static_cast<double>(i) * 100 / static_cast<double>(table.rows()));
        std::fflush(stderr);
      }
    }
    out.push_back('\n');
  }
  if (terminal) fmt::print(stderr, "\r{:12}\r", "");
  TRY(platform::replace_file(posix_files(), arguments.text("--out"), out));
  return done;
}

int run_learn_score(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto done = scored(arguments);
  if (!done.ok()) return fail(done.error(), json);
  if (json)
    fmt::print("{{\"rows\":{},\"called\":{},\"us_per_row\":{:.3f}}}\n", done->rows, done->called, done->us_per_row);
  else
    fmt::print("{} rows scored, {} called at the balanced threshold; {:.2f} µs a row; written to {}\n", done->rows,
               done->called, done->us_per_row, arguments.text("--out"));
  return 0;
}

void print_entry(const learn::ShelfEntry& entry, bool json) {
  if (!json) {
    fmt::print("{:>6}  {:<9} {:<20} {}  {}  by {}{}  {}\n", entry.batch, learn::name(entry.state), entry.name,
               entry.changed, entry.digest.substr(0, 12), entry.by.empty() ? "-" : entry.by,
               entry.approved_by.empty() ? "" : " and " + entry.approved_by, entry.change_note);
    return;
  }
  std::string out;
  guard::JsonWriter(out)
      .begin_object()
      .key("batch")
      .unsigned_integer(entry.batch)
      .field("state", learn::name(entry.state))
      .field("name", entry.name)
      .field("digest", entry.digest)
      .field("change_note", entry.change_note)
      .field("path", entry.path)
      .field("entered", entry.entered)
      .field("changed", entry.changed)
      .field("by", entry.by)
      .field("approved_by", entry.approved_by)
      .end_object();
  fmt::print("{}\n", out);
}

int run_learn_list(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  learn::Shelf shelf(posix_files(), platform::system_clock(), arguments.rest().front());
  if (const auto about = posix_files().info(arguments.rest().front()); !about.ok()) return fail(about.error(), json);
  if (const auto loaded = shelf.load(); !loaded.ok()) return fail(loaded.error(), json);
  for (const learn::ShelfEntry& entry : shelf.list()) print_entry(entry, json);
  return 0;
}

// DIR/batch-000007, the model file in it, or DIR with --batch.
Result<std::pair<std::string, std::uint32_t>> shelf_place(const Arguments& arguments) {
  std::string given = arguments.rest().front();
  while (given.size() > 1 && given.back() == '/') given.pop_back();
  if (arguments.has("--batch")) {
    TRY_ASSIGN(const auto batch, whole(arguments, "--batch", 1, 1'000'000'000));
    return std::pair{given, static_cast<std::uint32_t>(batch)};
  }
  if (platform::name_of(given) == "model.pandun") given = platform::directory_of(given);
  const std::string directory = platform::name_of(given);
  std::uint32_t batch = 0;
  if (directory.starts_with("batch-"))
    for (const char c : directory.substr(6)) {
      if (c < '0' || c > '9' || batch > 99'999'999) return error(Errc::kUsage, given, "names no batch");
      batch = batch * 10 + static_cast<std::uint32_t>(c - '0');
    }
  if (batch == 0) return error(Errc::kUsage, given, "give a batch's directory or model, or the shelf with --batch N");
  return std::pair{platform::directory_of(given), batch};
}

int run_learn_promote(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const std::string by = arguments.text("--by"), second = arguments.text("--approved-by"),
                    note = arguments.text("--note");
  if (arguments.has("--roll-back")) {
    learn::Shelf shelf(posix_files(), platform::system_clock(), arguments.rest().front());
    const auto entry = shelf.roll_back(by, second, note);
    if (!entry.ok()) return fail(entry.error(), json);
    print_entry(*entry, json);
    return 0;
  }
  const auto state = learn::parse_model_state(arguments.text("--to"));
  if (!state)
    return fail(error(Errc::kUsage, "--to", "is draft, shadow, champion or retired (or give --roll-back)"), json);
  const auto place = shelf_place(arguments);
  if (!place.ok()) return fail(place.error(), json);
  learn::Shelf shelf(posix_files(), platform::system_clock(), place->first);
  const auto entry = shelf.promote({place->second, *state, by, second, note});
  if (!entry.ok()) return fail(entry.error(), json);
  print_entry(*entry, json);
  return 0;
}

constexpr Flag kId{"--id", "COLUMN", "column of ids; never a feature", FlagKind::kText, "id"};
constexpr Flag kLabel{"--label", "COLUMN", "column of labels, 0 or 1; never a feature", FlagKind::kText, "fraud"};
constexpr Flag kCategorical{"--categorical", "COLUMN", "columns of words", FlagKind::kMany};
constexpr Flag kIgnore{"--ignore", "COLUMN", "columns to leave out", FlagKind::kMany};
constexpr Flag kEdges{"--edges", "FILE", "edge list (CSV of two id columns, plain or .gz): adds graph columns"};
constexpr Flag kKnown{"--known", "TABLE", "labelled table whose labels the graph columns may use"};
constexpr Flag kProtected{"--protected", "COLUMN", "false positives are shown for each of its groups; never a feature"};
constexpr Flag kTime{"--time", "COLUMN", "column of times (RFC 3339 or Unix)"};
constexpr Flag kBy{"--by", "NAME", "who does it"};
constexpr Flag kNote{"--note", "TEXT", "change note, kept with the batch"};

}  // namespace

const Command kLearnTrain{
    "learn train",
    "train a model on a table and judge it by cross-validation",
    {kId,
     kLabel,
     {"--out", "DIR", "shelf of models; the new one becomes its next batch, a draft", FlagKind::kText, "", true},
     {"--manifest", "FILE", "the data set's manifest (TOML) [TABLE.manifest.toml]"},
     kEdges,
     kCategorical,
     kIgnore,
     {"--derived", "FILE", "derived columns (TOML); see content/learn/"},
     {"--group", "COLUMN", "rows of one group stand in one fold"},
     kProtected,
     {"--time", "COLUMN", "folds by time: each is judged by models of earlier ones"},
     {"--folds", "N", "folds of the cross-validation", FlagKind::kInteger, "5"},
     {"--no-folds", "", "make the model only, without judging it", FlagKind::kSwitch},
     {"--inner-folds", "N", "folds inside the training rows: early stopping, threshold, calibration",
      FlagKind::kInteger, "10"},
     {"--repeats", "N", "judge so often over other folds: mean, spread and intervals over rows", FlagKind::kInteger,
      "1"},
     {"--hold-out", "TRAIN,VALIDATION",
      "judge on the rest of one split, not by folds: the shares of rows, such as 0.6,0.2"},
     {"--bags", "N", "repetitions of the inner folds with other seeds", FlagKind::kInteger, "1"},
     {"--seed", "N", "the same seed gives the same file", FlagKind::kInteger, "1"},
     {"--balance", "", "weigh the rarer class up", FlagKind::kSwitch},
     {"--calibration", "KIND", "platt, isotonic or none", FlagKind::kText, "platt"},
     {"--rounds", "N", "most trees of a member", FlagKind::kInteger, "1200"},
     {"--eta", "X", "learning rate", FlagKind::kNumber, "0.05"},
     {"--depth", "N", "most splits above a leaf", FlagKind::kInteger, "4"},
     {"--column-share", "X", "columns that each tree may use", FlagKind::kNumber, "0.4"},
     {"--forest", "N", "random trees beside each member's boosted ones, weighed by rows it has not seen; 0 = none",
      FlagKind::kInteger, "0"},
     {"--search", "", "choose the settings from a small grid by inner folds, anew for each judged fold",
      FlagKind::kSwitch},
     {"--name", "TEXT", "name of the model", FlagKind::kText, "model"},
     kNote,
     kBy,
     kJson},
    "TABLE",
    "CSV with a header line, plain or .gz",
    1,
    1,
    run_learn_train};
const Command kLearnEvaluate{
    "learn evaluate",
    "judge a model on a labelled table, or tell how far a table has moved from another",
    {kId,
     kLabel,
     kEdges,
     kKnown,
     {"--threshold", "NAME", "which of the model's thresholds calls", FlagKind::kText, "balanced"},
     kProtected,
     {"--group", "COLUMN", "entity of a row, when rows are moments of entities"},
     kTime,
     {"--first-event", "COLUMN", "time of an entity's first event; with --time: detection delay"},
     {"--calls", "COLUMN", "feature that counts calls up to the row, for the delay in calls"},
     {"--reference", "TABLE",
      "shows how far each column and the score have moved from this one; the other may lack labels"},
     {"--report", "FILE", "writes a page (HTML)"},
     kJson},
    "MODEL TABLE",
    "a model file, a batch's directory or a shelf (its champion); then the table",
    2,
    2,
    run_learn_evaluate};
const Command kLearnScore{
    "learn score",
    "score a table with a model",
    {kId,
     kLabel,
     kEdges,
     kKnown,
     {"--out", "FILE", "CSV: id,score,called,reasons", FlagKind::kText, "", true},
     {"--reasons", "N", "columns that moved the score most; 0 = none, faster", FlagKind::kInteger, "3"},
     kJson},
    "MODEL TABLE",
    "a model file, a batch's directory or a shelf (its champion); then the table",
    2,
    2,
    run_learn_score};
const Command kLearnList{"learn list",  "show a shelf's models and their states", {kJson}, "DIR", "the shelf", 1, 1,
                         run_learn_list};
const Command kLearnPromote{"learn promote",
                            "move a model to another state; champion needs two people",
                            {{"--to", "STATE", "draft, shadow, champion or retired"},
                             {"--roll-back", "", "make the former champion champion again", FlagKind::kSwitch},
                             {"--batch", "N", "which batch, when a shelf is given", FlagKind::kInteger},
                             kBy,
                             {"--approved-by", "NAME", "the second person"},
                             kNote,
                             kJson},
                            "MODEL",
                            "a batch's directory or model file, or a shelf",
                            1,
                            1,
                            run_learn_promote};

}  // namespace pandun::cli
