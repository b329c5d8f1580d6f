// Who is tied to whom: columns from an edge list, without leaking a row's own label.
//
// Shape    CSV with a header and two id columns, plain or .gz; undirected, doubles and loops dropped and counted; ids that are in no table
//          still count as neighbours. Columns: graph.degree, graph.neighbour_degree_mean, graph.neighbour_degree_max,
//          graph.known_neighbours, graph.fraud_share (smoothed towards the base rate), graph.fraud_share_weighted (by 1 / log of degree),
//          graph.fraud_share_2 (neighbours of neighbours).
// Leaks    labels of a row's own fold are never looked at for it, and a way back to the row itself is not walked: with two-hop shares a
//          training row would otherwise read its own label.
// Errors   kBadInput with path:line:column; kTooLarge past 200 million edges.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "learn/csv.h"

namespace pandun::learn {

struct EdgeList {
  std::unordered_map<std::string, std::uint32_t> node_of;
  std::vector<std::uint64_t> starts;      // of each node's neighbours; one more than nodes
  std::vector<std::uint32_t> neighbours;  // sorted by node
  std::uint64_t lines = 0, loops = 0, doubles = 0;
  std::string digest;

  std::size_t nodes() const { return starts.empty() ? 0 : starts.size() - 1; }
  std::span<const std::uint32_t> of(std::uint32_t node) const {
    return std::span(neighbours).subspan(starts[node], starts[node + 1] - starts[node]);
  }
};

Result<EdgeList> read_edges(CsvReader reader);

// Label and fold of each known row; what must not be seen has fold kHidden.
inline constexpr std::uint32_t kHidden = 0xFFFFFFFF;
struct KnownLabels {
  std::span<const std::string> ids;
  std::span<const std::uint8_t> labels;
  std::span<const std::uint32_t> folds;
};

const std::vector<std::string>& graph_columns();
// Row-major columns for `ids`; `own_fold[i]` is the fold whose labels row i must not see (kHidden: it may see all that is not hidden).
std::vector<float> graph_features(const EdgeList& edges, std::span<const std::string> ids,
                                  std::span<const std::uint32_t> own_fold, const KnownLabels& known);

}  // namespace pandun::learn
