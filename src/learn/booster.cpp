#include "learn/booster.h"

#include <fmt/format.h>
#include <simdjson.h>
#include <xgboost/c_api.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace pandun::learn {
namespace {

Result<> done(int code, const char* step) {
  if (code == 0) return {};
  return error(Errc::kUnavailable, step, std::string("the trainer refused: ") + XGBGetLastError());
}

class Matrix {
 public:
  static Result<Matrix> make(std::span<const float> values, std::size_t width, std::span<const float> labels = {},
                             std::span<const float> weights = {}) {
    CHECK(width > 0 && values.size() % width == 0);
    Matrix matrix;
    TRY(done(XGDMatrixCreateFromMat(values.data(), values.size() / width, width,
                                    std::numeric_limits<float>::quiet_NaN(), &matrix.handle_),
             "rows"));
    if (!labels.empty())
      TRY(done(XGDMatrixSetFloatInfo(matrix.handle_, "label", labels.data(), labels.size()), "labels"));
    if (!weights.empty())
      TRY(done(XGDMatrixSetFloatInfo(matrix.handle_, "weight", weights.data(), weights.size()), "weights"));
    return matrix;
  }
  Matrix() = default;
  Matrix(Matrix&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Matrix& operator=(Matrix&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Matrix() {
    if (handle_ != nullptr) XGDMatrixFree(handle_);
  }
  DMatrixHandle handle() const { return handle_; }

 private:
  DMatrixHandle handle_ = nullptr;
};

struct Handle {
  BoosterHandle value = nullptr;
  ~Handle() {
    if (value != nullptr) XGBoosterFree(value);
  }
};

Result<> configure(BoosterHandle booster, const BoostParameters& p) {
  for (const auto& [key, value] : p.shown())
    if (key != "rounds_max" && key != "patience" && key != "gain_min" && key != "loss_enough")
      TRY(done(XGBoosterSetParam(booster, key.c_str(), value.c_str()), key.c_str()));
  for (const auto& [key, value] : {std::pair{"objective", "binary:logistic"},
                                   {"nthread", "1"},
                                   {"base_score", "0.5"},
                                   {"verbosity", "0"},
                                   {"disable_default_eval_metric", "1"}})
    TRY(done(XGBoosterSetParam(booster, key, value), key));
  return {};
}

Result<std::vector<float>> predict(BoosterHandle booster, DMatrixHandle rows, int type, bool training = false) {
  const std::string config = fmt::format(
      R"({{"type":{},"training":{},"iteration_begin":0,"iteration_end":0,"strict_shape":false}})", type, training);
  const bst_ulong* shape = nullptr;
  bst_ulong dimensions = 0;
  const float* values = nullptr;
  TRY(done(XGBoosterPredictFromDMatrix(booster, rows, config.c_str(), &shape, &dimensions, &values), "predict"));
  bst_ulong count = dimensions == 0 ? 0 : 1;
  for (bst_ulong i = 0; i < dimensions; ++i) count *= shape[i];
  return std::vector<float>(values, values + count);
}

double log_loss(std::span<const float> margins, std::span<const float> labels, std::span<const float> weights) {
  double sum = 0, total = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const double m = static_cast<double>(margins[i]) * (labels[i] > 0.5F ? 1 : -1);
    const double weight = weights.empty() ? 1.0 : static_cast<double>(weights[i]);
    sum += weight * (m > 0 ? std::log1p(std::exp(-m)) : -m + std::log1p(std::exp(m)));
    total += weight;
  }
  return sum / total;
}

// XGBoost's tree arrays, renumbered in breadth-first order so that siblings stand side by side.
class TreeReader {
 public:
  Result<Member> read(BoosterHandle booster, std::size_t most) {
    bst_ulong length = 0;
    const char* bytes = nullptr;
    TRY(done(XGBoosterSaveModelToBuffer(booster, R"({"format":"json"})", &length, &bytes), "save"));
    simdjson::dom::parser parser;
    simdjson::dom::element root;
    simdjson::dom::array trees;
    if (parser.parse(bytes, length).get(root) != simdjson::SUCCESS ||
        root.at_pointer("/learner/gradient_booster/model/trees").get(trees) != simdjson::SUCCESS)
      return error(Errc::kUnavailable, "trainer", "its model has an unknown form");
    Member member;
    for (const simdjson::dom::element tree : trees) {
      if (member.trees.size() == most) break;
      TRY_ASSIGN(Tree made, read_tree(tree));
      member.trees.push_back(std::move(made));
    }
    return member;
  }

 private:
  template <typename T>
  static Result<std::vector<T>> list(simdjson::dom::element tree, const char* key) {
    simdjson::dom::array items;
    if (tree[key].get(items) != simdjson::SUCCESS)
      return error(Errc::kUnavailable, "trainer", std::string("a tree lacks ") + key);
    std::vector<T> out;
    for (const simdjson::dom::element item : items) {
      double number = 0;
      bool flag = false;
      if (item.get(number) == simdjson::SUCCESS)
        out.push_back(static_cast<T>(number));
      else if (item.get(flag) == simdjson::SUCCESS)
        out.push_back(static_cast<T>(flag ? 1 : 0));
      else
        return error(Errc::kUnavailable, "trainer", std::string("a tree holds an odd ") + key);
    }
    return out;
  }

  static Result<Tree> read_tree(simdjson::dom::element tree) {
    TRY_ASSIGN(const auto left, list<std::int64_t>(tree, "left_children"));
    TRY_ASSIGN(const auto right, list<std::int64_t>(tree, "right_children"));
    TRY_ASSIGN(const auto feature, list<std::uint32_t>(tree, "split_indices"));
    TRY_ASSIGN(const auto condition, list<float>(tree, "split_conditions"));
    TRY_ASSIGN(const auto missing_left, list<std::uint8_t>(tree, "default_left"));
    TRY_ASSIGN(const auto cover, list<float>(tree, "sum_hessian"));
    Tree out;
    std::vector<std::size_t> order{0};
    for (std::size_t i = 0; i < order.size(); ++i) {
      const std::size_t from = order[i];
      if (from >= left.size() || order.size() > left.size() * 2)
        return error(Errc::kUnavailable, "trainer", "a tree points outside itself");
      TreeNode node;
      node.cover = cover[from];
      node.leaf = left[from] < 0;
      if (node.leaf) {
        node.value = condition[from];
      } else {
        node.threshold = condition[from];
        node.feature = feature[from];
        node.missing_left = missing_left[from] != 0;
        node.left = static_cast<std::uint32_t>(order.size());
        order.push_back(static_cast<std::size_t>(left[from]));
        order.push_back(static_cast<std::size_t>(right[from]));
      }
      out.push_back(node);
    }
    return out;
  }
};

}  // namespace

std::vector<std::pair<std::string, std::string>> BoostParameters::shown() const {
  return {{"tree_method", "hist"},
          {"rounds_max", std::to_string(rounds_max)},
          {"patience", std::to_string(patience)},
          {"gain_min", fmt::format("{}", gain_min)},
          {"loss_enough", fmt::format("{}", loss_enough)},
          {"eta", fmt::format("{}", eta)},
          {"max_depth", std::to_string(depth_max)},
          {"subsample", fmt::format("{}", subsample)},
          {"colsample_bytree", fmt::format("{}", column_share)},
          {"colsample_bynode", fmt::format("{}", column_share_node)},
          {"min_child_weight", fmt::format("{}", child_weight_min)},
          {"reg_lambda", fmt::format("{}", lambda)},
          {"reg_alpha", fmt::format("{}", alpha)},
          {"gamma", fmt::format("{}", gamma)},
          {"scale_pos_weight", fmt::format("{}", positive_weight)},
          {"max_bin", std::to_string(bins)},
          {"seed", std::to_string(seed & 0x7fffffff)}};
}

Result<Boosted> boost(const Rows& train, const Rows& validation, const BoostParameters& parameters, float base_margin) {
  TRY_ASSIGN(Matrix rows, Matrix::make(train.values, train.width, train.labels, train.weights));
  Matrix held;
  const bool early = validation.count() > 0;
  if (early) {
    TRY_ASSIGN(held, Matrix::make(validation.values, train.width, validation.labels, validation.weights));
  }
  CHECK(base_margin == 0);
  Handle booster;
  const DMatrixHandle cached[] = {rows.handle(), early ? held.handle() : rows.handle()};
  TRY(done(XGBoosterCreate(cached, early ? 2 : 1, &booster.value), "create"));
  TRY(configure(booster.value, parameters));
  Boosted out;
  out.validation_loss = std::numeric_limits<double>::infinity();
  std::uint32_t round = 0;
  for (; round < parameters.rounds_max; ++round) {
    TRY(done(XGBoosterUpdateOneIter(booster.value, static_cast<int>(round), rows.handle()), "train"));
    if (!early) continue;
    TRY_ASSIGN(std::vector<float> margins, predict(booster.value, held.handle(), 1));
    const double loss = log_loss(margins, validation.labels, validation.weights);
    if (loss < out.validation_loss - parameters.gain_min) {
      out.validation_loss = loss;
      out.best_round = round + 1;
      out.validation_margins = std::move(margins);
      if (loss < parameters.loss_enough) break;
    } else if (round + 1 >= out.best_round + parameters.patience) {
      break;
    }
  }
  if (!early) out.best_round = round;
  TRY_ASSIGN(out.member, TreeReader().read(booster.value, out.best_round));
  return out;
}

std::string trainer_version() {
  int major = 0, minor = 0, patch = 0;
  XGBoostVersion(&major, &minor, &patch);
  return fmt::format("xgboost {}.{}.{}", major, minor, patch);
}

Result<std::unique_ptr<Oracle>> Oracle::train(const Rows& train, const BoostParameters& parameters) {
  TRY_ASSIGN(Matrix rows, Matrix::make(train.values, train.width, train.labels, train.weights));
  auto booster = std::make_unique<Handle>();
  const DMatrixHandle cached[] = {rows.handle()};
  TRY(done(XGBoosterCreate(cached, 1, &booster->value), "create"));
  TRY(configure(booster->value, parameters));
  for (std::uint32_t round = 0; round < parameters.rounds_max; ++round)
    TRY(done(XGBoosterUpdateOneIter(booster->value, static_cast<int>(round), rows.handle()), "train"));
  return std::unique_ptr<Oracle>(new Oracle(std::exchange(booster->value, nullptr)));
}

Oracle::~Oracle() {
  XGBoosterFree(handle_);
}

Result<std::vector<float>> Oracle::margins(std::span<const float> values, std::size_t width) const {
  TRY_ASSIGN(const Matrix rows, Matrix::make(values, width));
  return predict(handle_, rows.handle(), 1);
}

Result<std::vector<float>> Oracle::contributions(std::span<const float> values, std::size_t width) const {
  TRY_ASSIGN(const Matrix rows, Matrix::make(values, width));
  return predict(handle_, rows.handle(), 2);
}

Result<Member> Oracle::member() const {
  return TreeReader().read(handle_, kModelTreesMax);
}

}  // namespace pandun::learn
