#include "learn/splits.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "base/prng.h"

namespace pandun::learn {
namespace {

Error too_few(const std::string& what, std::uint32_t folds) {
  return error(Errc::kBadInput, "split", what + "; " + std::to_string(folds) + " folds need at least as many");
}

void shuffle(std::vector<std::uint32_t>& list, Prng& random) {
  for (std::size_t i = list.size(); i > 1; --i) std::swap(list[i - 1], list[random.below(i)]);
}

struct Group {
  std::uint64_t tie = 0;
  std::vector<std::uint32_t> rows;
  std::uint64_t positives = 0;
};

}  // namespace

std::vector<std::uint32_t> Split::training(std::uint32_t held) const {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < fold.size(); ++i)
    if (kind == SplitKind::kTime ? fold[i] < held : fold[i] != held) rows.push_back(i);
  return rows;
}

std::vector<std::uint32_t> Split::rows_of(std::uint32_t held) const {
  std::vector<std::uint32_t> rows;
  for (std::uint32_t i = 0; i < fold.size(); ++i)
    if (fold[i] == held) rows.push_back(i);
  return rows;
}

Result<Split> split_stratified(std::span<const std::uint8_t> labels, std::uint32_t folds, std::uint64_t seed) {
  Split out{SplitKind::kStratified, folds, std::vector<std::uint32_t>(labels.size())};
  Prng random(seed);
  for (const std::uint8_t label : {std::uint8_t{1}, std::uint8_t{0}}) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < labels.size(); ++i)
      if (labels[i] == label) rows.push_back(i);
    if (rows.size() < folds)
      return too_few("only " + std::to_string(rows.size()) + " rows have label " + std::to_string(label), folds);
    shuffle(rows, random);
    // The second class goes round the other way, so that the folds' sizes stay even.
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto turn = static_cast<std::uint32_t>(i % folds);
      out.fold[rows[i]] = label != 0 ? turn : folds - 1 - turn;
    }
  }
  return out;
}

Result<Split> split_grouped(std::span<const std::uint8_t> labels, std::span<const std::string> groups,
                            std::uint32_t folds, std::uint64_t seed) {
  Prng random(seed);
  std::unordered_map<std::string_view, std::size_t> known;
  std::vector<Group> all;
  for (std::uint32_t i = 0; i < labels.size(); ++i) {
    const auto [at, fresh] = known.emplace(groups[i], all.size());
    if (fresh) all.push_back({random.next(), {}, 0});
    all[at->second].rows.push_back(i);
    all[at->second].positives += labels[i];
  }
  if (all.size() < folds) return too_few("only " + std::to_string(all.size()) + " groups", folds);
  std::sort(all.begin(), all.end(), [](const Group& a, const Group& b) {
    return a.rows.size() != b.rows.size() ? a.rows.size() > b.rows.size() : a.tie < b.tie;
  });
  Split out{SplitKind::kGrouped, folds, std::vector<std::uint32_t>(labels.size())};
  const double positives = static_cast<double>(std::count(labels.begin(), labels.end(), std::uint8_t{1}));
  const double rows = static_cast<double>(labels.size());
  std::vector<double> load(folds, 0.0);
  for (const Group& group : all) {
    const auto lightest = static_cast<std::uint32_t>(std::min_element(load.begin(), load.end()) - load.begin());
    for (const std::uint32_t row : group.rows) out.fold[row] = lightest;
    load[lightest] += static_cast<double>(group.rows.size()) / rows +
                      (positives > 0 ? static_cast<double>(group.positives) / positives : 0);
  }
  return out;
}

Result<Split> split_by_time(std::span<const std::uint8_t> labels, std::span<const std::int64_t> times,
                            std::uint32_t folds) {
  std::vector<std::uint32_t> order(labels.size());
  std::iota(order.begin(), order.end(), 0U);
  std::stable_sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) { return times[a] < times[b]; });
  Split out{SplitKind::kTime, folds, std::vector<std::uint32_t>(labels.size())};
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto even = static_cast<std::uint32_t>(i * folds / order.size());
    const bool same = i > 0 && times[order[i]] == times[order[i - 1]];
    out.fold[order[i]] = same ? out.fold[order[i - 1]] : even;
  }
  for (std::uint32_t f = 0; f < folds; ++f) {
    std::uint64_t of_class[2] = {0, 0};
    for (std::size_t i = 0; i < labels.size(); ++i)
      if (out.fold[i] == f) ++of_class[labels[i] != 0 ? 1 : 0];
    if (of_class[0] == 0 || of_class[1] == 0)
      return error(Errc::kBadInput, "split",
                   "the period " + std::to_string(f + 1) + " of " + std::to_string(folds) +
                       " lacks one of the classes; take fewer folds");
  }
  return out;
}

Result<HoldOut> split_hold_out(std::span<const std::uint8_t> labels, double train, double validation,
                               std::uint64_t seed) {
  HoldOut out;
  Prng random(seed);
  for (std::uint8_t label = 0; label < 2; ++label) {
    std::vector<std::uint32_t> rows;
    for (std::uint32_t i = 0; i < labels.size(); ++i)
      if (labels[i] == label) rows.push_back(i);
    for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
    const double count = static_cast<double>(rows.size());
    const auto first = static_cast<std::size_t>(train * count + 0.5),
               second = static_cast<std::size_t>((train + validation) * count + 0.5);
    if (first < 10 || second < first + 2 || second + 2 > rows.size())
      return error(
          Errc::kBadInput, "split",
          "a part gets too few of the " + std::to_string(rows.size()) + " rows of label " + std::to_string(label));
    for (std::size_t i = 0; i < rows.size(); ++i)
      (i < first ? out.train : i < second ? out.validation : out.test).push_back(rows[i]);
  }
  for (auto* part : {&out.train, &out.validation, &out.test}) std::sort(part->begin(), part->end());
  return out;
}

}  // namespace pandun::learn
