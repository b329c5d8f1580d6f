#include <fmt/format.h>

#include "actions/kit/action.h"
#include "cli/commands.h"
#include "detect/features/catalog.h"
#include "detectors/catalog.h"
#include "guard/json_writer.h"
#include "sources/kit/source.h"

namespace pandun::cli {
namespace {

struct Row {
  std::string name, en, zh;
};

std::vector<Row> rows_of(const std::string& what) {
  std::vector<Row> rows;
  const auto add = [&rows](std::string_view name, std::string_view en, std::string_view zh) {
    rows.push_back({std::string(name), std::string(en), std::string(zh)});
  };
  if (what == "sources")
    for (const sources::SourcePart& part : sources::catalog())
      add(part.spec().kind, part.spec().reads_en, part.spec().reads_zh);
  if (what == "detectors")
    for (const detect::DetectorPart& part : detectors::catalog())
      add(part.spec().name, part.spec().finds_en, part.spec().finds_zh);
  if (what == "actions")
    for (const actions::ActionPart& part : actions::catalog())
      add(part.spec().name, part.spec().does_en, part.spec().does_zh);
  if (what == "features")
    for (const detect::Feature& feature : detect::features())
      add(feature.name, fmt::format("{} [{}, {}]", feature.doc_en, feature.unit, detect::name(feature.exactness)),
          feature.doc_zh);
  return rows;
}

int run_list(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const std::string what = arguments.rest().front();
  if (what != "sources" && what != "detectors" && what != "actions" && what != "features")
    return fail(error(Errc::kUsage, what, "list takes sources, detectors, actions or features"), json);
  for (const Row& row : rows_of(what)) {
    if (json) {
      std::string out;
      guard::JsonWriter(out).begin_object().field("name", row.name).local("about", row.zh, row.en).end_object();
      fmt::print("{}\n", out);
    } else {
      fmt::print("{:<24} {}\n{:<24} {}\n", row.name, row.en, "", row.zh);
    }
  }
  return 0;
}

}  // namespace

const Command kListParts{"list",
                         "show the parts: sources, detectors, actions, features",
                         {kJson},
                         "WHAT",
                         "sources, detectors, actions or features",
                         1,
                         1,
                         run_list};

}  // namespace pandun::cli
