// A model as data: what it reads, its trees, how its margin becomes a probability, where it came from and how well it did.
//
// Shape    inputs: the columns it reads, in order. derived: columns worked out from earlier ones. Trees see inputs, then derived. Members
//          are boosters of one ensemble; the margin is the mean of their margins, each base_margin + the sum of its leaves in tree
//          order, in single precision, exactly as XGBoost adds them.
// File     "pandun-model 1 <BLAKE2b-256 of the body> <bytes>\n", then one JSON object. write_model() of the same model gives the same bytes.
// Errors   read_model(): kBadInput for a foreign or malformed file, kCorrupt for a digest that does not fit, kUnsupported for another
//          version, kTooLarge past a bound. What it returns is safe to walk: bounded, acyclic, finite, indices in range.
// Threads  a plain value.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace pandun::learn {

inline constexpr std::size_t kModelBytesMax = 256U << 20;
inline constexpr std::size_t kModelTreesMax = 20'000;
inline constexpr std::size_t kModelNodesMax = 8'000'000;
inline constexpr std::size_t kModelDepthMax = 24;
inline constexpr std::size_t kModelFeaturesMax = 8'192;
inline constexpr std::size_t kModelMembersMax = 256;
inline constexpr float kModelFloatMax = 3e38F;  // of a threshold or a cover

// Node 0 is the root. An inner node's children stand at left and left + 1, behind it.
struct TreeNode {
  bool leaf = true;
  std::uint32_t feature = 0;
  float threshold = 0;        // value < threshold goes left
  bool missing_left = false;  // where a missing value goes
  std::uint32_t left = 0;
  float value = 0;  // of a leaf
  float cover = 0;  // sum of the training rows' hessians, for explanations
};
using Tree = std::vector<TreeNode>;

struct Member {
  std::vector<Tree> trees;
};

enum class DerivedKind : std::uint8_t { kRatio, kDifference, kSum, kMissingCount };
std::string_view name(DerivedKind kind);
std::optional<DerivedKind> parse_derived_kind(std::string_view text);

// A column worked out from inputs. kRatio: a / b, missing when b is 0 or either is missing. kMissingCount: over all inputs, a and b unused.
struct Derived {
  std::string name;
  DerivedKind kind{};
  std::uint32_t a = 0, b = 0;
};

// Margin -> probability. Platt: 1 / (1 + exp(-(slope * margin + offset))). Isotonic: a rising step line through its points, straight between.
struct Calibration {
  enum class Kind : std::uint8_t { kNone, kPlatt, kIsotonic };
  Kind kind = Kind::kNone;
  double slope = 1, offset = 0;
  std::vector<std::pair<double, double>> points;  // margin, probability; both rising
  double probability(double margin) const;
};

// A cut on the probability and what it promised on rows that the trees had not seen.
struct Threshold {
  std::string name;  // "balanced", "fpr_1pct", "fpr_0_1pct", "precision_95"
  double probability = 0.5;
  double recall = 0, precision = 0, false_positive_rate = 0;
};

// Where the training data came from and why it may be used (safeguards on models): all of it is required before training.
struct DataManifest {
  std::string name, provenance, licence, purpose, consent, deidentification, impact_assessment;
};

struct ModelOrigin {
  DataManifest manifest;
  std::string table_digest;  // BLAKE2b-256, hex
  std::string edges_digest;  // empty: no graph
  std::string label;
  std::uint64_t rows = 0, positives = 0;
  std::uint64_t seed = 0;
  std::string split;  // "stratified", "grouped by …", "by time …"
  std::map<std::string, std::string> parameters;
  std::string trainer;  // "xgboost 1.7.4"
};

struct Model {
  std::string name;
  std::uint32_t batch = 1;
  std::string change_note;
  std::vector<std::string> inputs;
  std::vector<Derived> derived;
  std::map<std::string, std::vector<std::string>, std::less<>> categories;
  float base_margin = 0;
  std::vector<Member> members;
  Calibration calibration;
  std::vector<Threshold> thresholds;
  std::map<std::string, double> metrics;  // out of fold
  ModelOrigin origin;

  std::size_t width() const { return inputs.size() + derived.size(); }  // what trees index
  std::size_t trees() const;
  std::size_t nodes() const;
  std::string_view feature_name(std::size_t index) const {
    return index < inputs.size() ? inputs[index] : derived[index - inputs.size()].name;
  }
  const Threshold* threshold(std::string_view threshold_name) const;
};

// Every rule a model must keep before anything walks it; read_model() and Scorer call it.
Result<> check_model(const Model& model, const std::string& where);

std::string write_model(const Model& model);
Result<Model> read_model(std::string_view content, const std::string& where);
// The digest in the first line: how journals and alerts name this very model.
std::string model_digest(std::string_view content);

}  // namespace pandun::learn
