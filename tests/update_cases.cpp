// Rewrites the expectations of golden cases with what the engine finds now: update_cases [DETECTOR…], all without a name.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "detect/testing/case_runner.h"
#include "detectors/catalog.h"

int main(int argc, char** argv) {
  using namespace pandun;
  const std::vector<std::string> wanted(argv + 1, argv + argc);
  int failed = 0;
  for (const detect::DetectorPart& part : detectors::catalog()) {
    const std::string name(part.spec().name);
    if (!wanted.empty() && std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
    const detect::DetectorPart parts[] = {part};
    const auto changed =
        detect::testing::update_cases(PANDUN_SOURCE_DIR "/src/detectors/" + name + "/cases", name, parts);
    if (changed.ok()) {
      fmt::print("{}: {} changed\n", name, *changed);
    } else {
      fmt::print(stderr, "{}: {}\n", name, changed.error().text());
      failed = 1;
    }
  }
  return failed;
}
