#include <fmt/format.h>

#include <cmath>
#include <cstdio>

#include "cli/commands.h"
#include "guard/json_writer.h"
#include "learn/derived.h"
#include "learn/manifest.h"
#include "learn/scorer.h"
#include "learn/trainer.h"
#include "platform/clock.h"
#include "platform/process.h"

namespace pandun::cli {
namespace {

double seconds() {
  return std::chrono::duration<double>(platform::system_clock().steady()).count();
}

learn::TableSpec table_spec(const Arguments& arguments) {
  learn::TableSpec spec;
  spec.id = arguments.text("--id");
  spec.label = arguments.text("--label");
  spec.categorical = arguments.many("--categorical");
  spec.ignore = arguments.many("--ignore");
  return spec;
}

Result<learn::Training> trained(const Arguments& arguments) {
  platform::FileSystem& files = platform::posix_files();
  learn::TrainOptions options;
  TRY_ASSIGN(const std::string manifest, platform::read_file(files, arguments.text("--manifest"), 1U << 20));
  TRY_ASSIGN(options.manifest, learn::read_manifest(manifest, arguments.text("--manifest")));
  learn::TableSpec spec = table_spec(arguments);
  TRY_ASSIGN(const learn::Table table, learn::read_table(files, arguments.rest().front(), spec));
  options.label = spec.label;
  options.seed = static_cast<std::uint64_t>(arguments.integer("--seed"));
  options.folds = static_cast<std::uint32_t>(arguments.integer("--folds"));
  return learn::train(table, nullptr, options, seconds);
}

int run_train(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto training = trained(arguments);
  if (!training.ok()) return fail(training.error(), json);
  platform::FileSystem& files = platform::posix_files();
  const std::string out = arguments.text("--out");
  if (const auto made = files.make_directories(out); !made.ok()) return fail(made.error(), json);
  const std::string path = platform::join(out, "model.pandun");
  if (const auto kept = platform::replace_file(files, path, learn::write_model(training->model)); !kept.ok())
    return fail(kept.error(), json);
  fmt::print("AUC {:.4f}  macro-F1 {:.4f}  {:.1f} s + {:.1f} s\n", training->model.metrics["auc"],
             training->model.metrics["macro_f1"], training->seconds_folds, training->seconds_model);
  return 0;
}

Result<std::shared_ptr<const learn::Scorer>> load_model(const std::string& path) {
  TRY_ASSIGN(const std::string content, platform::read_file(platform::posix_files(), path, learn::kModelBytesMax));
  return learn::Scorer::load(content, path);
}

int run_score(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto scorer = load_model(arguments.rest()[0]);
  if (!scorer.ok()) return fail(scorer.error(), json);
  learn::TableSpec spec = table_spec(arguments);
  spec.features = (*scorer)->features();
  spec.categories = (*scorer)->model().categories;
  spec.label_required = false;
  const auto table = learn::read_table(platform::posix_files(), arguments.rest()[1], spec);
  if (!table.ok()) return fail(table.error(), json);
  std::string out = "id,score\n";
  std::vector<float> margins(table->rows());
  (*scorer)->margins(table->values, margins);
  for (std::size_t i = 0; i < table->rows(); ++i)
    out += fmt::format("{},{:.9g}\n", table->ids[i], (*scorer)->probability(static_cast<double>(margins[i])));
  const auto kept = platform::replace_file(platform::posix_files(), arguments.text("--out"), out);
  return kept.ok() ? 0 : fail(kept.error(), json);
}

constexpr Flag kId{"--id", "COLUMN", "column of ids; never a feature", FlagKind::kText, "id"};
constexpr Flag kLabel{"--label", "COLUMN", "column of labels, 0 or 1; never a feature", FlagKind::kText, "fraud"};
constexpr Flag kCategorical{"--categorical", "COLUMN", "columns of words", FlagKind::kMany};
constexpr Flag kIgnore{"--ignore", "COLUMN", "columns to leave out", FlagKind::kMany};

}  // namespace

const Command kLearnTrain{"learn train",
                          "train a model on a table and judge it by cross-validation",
                          {kId,
                           kLabel,
                           kCategorical,
                           kIgnore,
                           {"--manifest", "FILE", "the data set's manifest (TOML)", FlagKind::kText, "", true},
                           {"--folds", "N", "folds of the cross-validation", FlagKind::kInteger, "5"},
                           {"--seed", "N", "the same seed gives the same model", FlagKind::kInteger, "1"},
                           {"--out", "DIR", "where the model is written", FlagKind::kText, "", true},
                           kJson},
                          "TABLE",
                          "CSV with a header line, plain or .gz",
                          1,
                          1,
                          run_train};
const Command kLearnScore{
    "learn score",
    "score a table with a model",
    {kId, kLabel, {"--out", "FILE", "where scores are written", FlagKind::kText, "", true}, kJson},
    "MODEL TABLE",
    "the model file, then the table",
    2,
    2,
    run_score};

}  // namespace pandun::cli
