// Any bytes as a table, an edge list, a manifest and a file of derived columns: every row is accounted for, nothing crashes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "learn/derived.h"
#include "learn/graph.h"
#include "learn/manifest.h"
#include "learn/table.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  if (size == 0) return 0;
  const unsigned kind = data[0] % 4;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (kind == 0) {
    (void)learn::read_manifest(text, "fuzz.toml");
    (void)learn::read_derived(text, "fuzz.toml", {"a", "b"});
    return 0;
  }
  if (kind == 1) {
    const auto edges = learn::read_edges(learn::CsvReader::over(text, "fuzz.csv"));
    if (!edges.ok()) return 0;
    std::vector<std::string> ids;
    for (const auto& [id, node] : edges->node_of) ids.push_back(id);
    ids.emplace_back("in no edge");
    const std::vector<std::uint8_t> labels(ids.size(), 1);
    std::vector<std::uint32_t> folds(ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) folds[i] = static_cast<std::uint32_t>(i % 3);
    const auto columns = learn::graph_features(*edges, ids, folds, {ids, labels, folds});
    for (const float value : columns) CHECK(!std::isinf(value));
    return 0;
  }
  learn::TableSpec spec;
  spec.label = "fraud";
  spec.label_required = kind == 2;
  spec.rejects_share_max = 1;
  if (kind == 3) {
    spec.features = {"a", "b"};
    spec.categories["b"] = {"x", "y"};
  }
  const auto table = learn::read_table(learn::CsvReader::over(text, "fuzz.csv"), spec);
  if (!table.ok()) return 0;
  CHECK(table->rows() + table->rejected == table->rows_read);
  CHECK(table->values.size() == table->rows() * table->width());
  CHECK(table->labels.empty() || table->labels.size() == table->rows());
  for (const float value : table->values) CHECK(!std::isinf(value));
  return 0;
}
