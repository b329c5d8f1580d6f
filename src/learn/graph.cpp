#include "learn/graph.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "learn/digest.h"

namespace pandun::learn {
namespace {

constexpr std::uint64_t kEdgesMax = 200'000'000;
constexpr double kPriorWeight = 2;  // a share over few neighbours leans towards the base rate
// A hub's neighbours are sampled evenly past this many: the share over 256 is within 3 % of the whole.
constexpr std::size_t kSecondHopMax = 256;

struct Share {
  double hits = 0, weight = 0;
};

}  // namespace

Result<EdgeList> read_edges(CsvReader reader) {
  EdgeList out;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> ties;
  std::vector<Cell> cells;
  TRY_ASSIGN(const bool header, reader.next(cells));
  if (!header || cells.size() < 2)
    return error(Errc::kBadInput, reader.path() + ":1", "an edge list needs a header line and two id columns");
  Digest digest;
  const auto node = [&](std::string_view id) {
    return out.node_of.emplace(std::string(id), static_cast<std::uint32_t>(out.node_of.size())).first->second;
  };
  for (;;) {
    TRY_ASSIGN(const bool more, reader.next(cells));
    if (!more) break;
    ++out.lines;
    const std::string here = reader.path() + ":" + std::to_string(reader.line());
    if (cells.size() < 2) return error(Errc::kBadInput, here, "an edge needs two ids");
    if (cells[0].text.empty() || cells[1].text.empty() || cells[0].text.size() > 256 || cells[1].text.size() > 256)
      return error(Errc::kBadInput, here, "an id is empty or over 256 bytes");
    if (ties.size() >= kEdgesMax) return error(Errc::kTooLarge, here, "over 200 million edges");
    digest.add(cells[0].text).add(",").add(cells[1].text).add("\n");
    const std::uint32_t a = node(cells[0].text), b = node(cells[1].text);
    if (a == b)
      ++out.loops;
    else
      ties.emplace_back(std::min(a, b), std::max(a, b));
  }
  std::sort(ties.begin(), ties.end());
  const auto end = std::unique(ties.begin(), ties.end());
  out.doubles = static_cast<std::uint64_t>(ties.end() - end);
  ties.erase(end, ties.end());
  out.starts.assign(out.node_of.size() + 1, 0);
  for (const auto& [a, b] : ties) ++out.starts[a + 1], ++out.starts[b + 1];
  for (std::size_t i = 1; i < out.starts.size(); ++i) out.starts[i] += out.starts[i - 1];
  std::vector<std::uint64_t> at(out.starts.begin(), out.starts.end() - 1);
  out.neighbours.resize(ties.size() * 2);
  for (const auto& [a, b] : ties) {
    out.neighbours[at[a]++] = b;
    out.neighbours[at[b]++] = a;
  }
  out.digest = digest.hex();
  return out;
}

const std::vector<std::string>& graph_columns() {
  static const std::vector<std::string> kNames{
      "graph.degree",      "graph.neighbour_degree_mean", "graph.neighbour_degree_max", "graph.known_neighbours",
      "graph.fraud_share", "graph.fraud_share_weighted",  "graph.fraud_share_2"};
  return kNames;
}

std::vector<float> graph_features(const EdgeList& edges, std::span<const std::string> ids,
                                  std::span<const std::uint32_t> own_fold, const KnownLabels& known) {
  struct Seen {
    std::int8_t label = -1;
    std::uint32_t fold = kHidden;
  };
  std::vector<Seen> seen(edges.nodes());
  double positives = 0, count = 0;
  for (std::size_t i = 0; i < known.ids.size(); ++i) {
    if (known.folds[i] == kHidden) continue;
    positives += known.labels[i];
    count += 1;
    if (const auto at = edges.node_of.find(known.ids[i]); at != edges.node_of.end())
      seen[at->second] = {static_cast<std::int8_t>(known.labels[i]), known.folds[i]};
  }
  const double base = count > 0 ? positives / count : 0.5;
  constexpr float kMissing = std::numeric_limits<float>::quiet_NaN();
  const auto smoothed = [&](const Share& share) {
    return share.weight > 0 ? static_cast<float>((share.hits + kPriorWeight * base) / (share.weight + kPriorWeight))
                            : kMissing;
  };
  const std::size_t width = graph_columns().size();
  std::vector<float> out(ids.size() * width, kMissing);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    float* row = out.data() + i * width;
    const auto at = edges.node_of.find(ids[i]);
    if (at == edges.node_of.end()) {
      row[0] = row[3] = 0;
      continue;
    }
    const std::uint32_t self = at->second;
    const auto usable = [&](std::uint32_t node) {
      return node != self && seen[node].label >= 0 && (own_fold[i] == kHidden || seen[node].fold != own_fold[i]);
    };
    const auto near = edges.of(self);
    double degree_sum = 0, degree_max = 0;
    Share plain, weighted, second;
    for (const std::uint32_t neighbour : near) {
      const auto next = edges.of(neighbour);
      const double degree = static_cast<double>(next.size());
      degree_sum += degree;
      degree_max = std::max(degree_max, degree);
      if (usable(neighbour)) {
        const double weight = 1 / std::log(1.0 + degree + 1e-9);
        plain.hits += seen[neighbour].label, plain.weight += 1;
        weighted.hits += weight * seen[neighbour].label, weighted.weight += weight;
      }
      const std::size_t stride = next.size() / kSecondHopMax + 1;
      for (std::size_t j = 0; j < next.size(); j += stride)
        if (usable(next[j])) second.hits += seen[next[j]].label / degree, second.weight += 1 / degree;
    }
    row[0] = static_cast<float>(near.size());
    row[1] = static_cast<float>(degree_sum / static_cast<double>(near.size()));
    row[2] = static_cast<float>(degree_max);
    row[3] = static_cast<float>(plain.weight);
    row[4] = smoothed(plain);
    row[5] = smoothed(weighted);
    row[6] = smoothed(second);
  }
  return out;
}

}  // namespace pandun::learn
