#include "detectors/catalog.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>

#include "detect/features/catalog.h"
#include "detect/testing/case_runner.h"

namespace pandun::detectors {
namespace {

namespace fs = std::filesystem;

bool names(const detect::EvidenceSpec& spec, std::string_view name) {
  if (!spec.name.ends_with('*')) return spec.name == name;
  const std::string_view stem = spec.name.substr(0, spec.name.size() - 1);
  return name.size() > stem.size() && name.starts_with(stem);
}

bool in_feature_catalog(std::string_view name) {
  const auto all = detect::features();
  return std::any_of(all.begin(), all.end(), [name](const detect::Feature& f) { return f.name == name; });
}

// What every golden case of every detector says, by detector.
std::map<std::string, std::set<std::string>> spoken() {
  std::map<std::string, std::set<std::string>> out;
  for (const detect::DetectorPart& part : catalog()) {
    const std::string own(part.spec().name);
    for (const auto& file : fs::directory_iterator(fs::path(PANDUN_SOURCE_DIR "/src/detectors") / own / "cases")) {
      std::ifstream in(file.path());
      const std::string text((std::istreambuf_iterator<char>(in)), {});
      auto parsed = detect::testing::parse_case(text, file.path().string());
      EXPECT_TRUE(parsed.ok()) << file.path();
      if (!parsed.ok()) continue;
      const auto outcome = detect::testing::run(*parsed, own, {&part, 1}, detect::testing::weathers().front());
      EXPECT_EQ(outcome.failure, "");
      for (const model::Signal& signal : outcome.signals) {
        for (const model::Evidence& item : signal.evidence) out[own].insert(item.feature);
        if (!signal.series_feature.empty()) out[own].insert(signal.series_feature);
      }
    }
  }
  return out;
}

TEST(DetectorCatalog, EveryNameInASignalHasATitle) {
  const auto all = spoken();
  ASSERT_EQ(all.size(), catalog().size()) << "a detector's cases say nothing";
  for (const detect::DetectorPart& part : catalog()) {
    const auto& spec = part.spec();
    for (const std::string& name : all.at(std::string(spec.name))) {
      const bool own = std::any_of(spec.evidence.begin(), spec.evidence.end(),
                                   [&](const detect::EvidenceSpec& e) { return names(e, name); });
      EXPECT_TRUE(own || in_feature_catalog(name)) << spec.name << " gives no title for " << name;
    }
  }
}

TEST(DetectorCatalog, ANameMeansTheSameEverywhere) {
  std::map<std::string_view, const detect::EvidenceSpec*> known;
  for (const detect::DetectorPart& part : catalog()) {
    for (const detect::EvidenceSpec& e : part.spec().evidence) {
      EXPECT_FALSE(e.title_en.empty() || e.title_zh.empty()) << e.name;
      EXPECT_EQ(e.unit_en.empty(), e.unit_zh.empty()) << e.name;
      EXPECT_FALSE(in_feature_catalog(e.name)) << e.name << " has its words in the feature catalogue";
      const auto [it, fresh] = known.try_emplace(e.name, &e);
      if (fresh) continue;
      EXPECT_EQ(it->second->title_en, e.title_en) << e.name;
      EXPECT_EQ(it->second->title_zh, e.title_zh) << e.name;
      EXPECT_EQ(it->second->bound, e.bound) << e.name;
    }
  }
}

// The plot draws an item's threshold where the series bears its name: then the series must end at the item's value.
TEST(DetectorCatalog, ASeriesNamedAsEvidenceEndsAtItsValue) {
  const auto part =
      std::find_if(catalog().begin(), catalog().end(), [](const auto& p) { return p.spec().name == "port_scan"; });
  ASSERT_NE(part, catalog().end());
  int compared = 0;
  for (const auto& file : fs::directory_iterator(PANDUN_SOURCE_DIR "/src/detectors/port_scan/cases")) {
    std::ifstream in(file.path());
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    auto parsed = detect::testing::parse_case(text, file.path().string());
    ASSERT_TRUE(parsed.ok());
    const auto outcome = detect::testing::run(*parsed, "port_scan", {&*part, 1}, detect::testing::weathers().front());
    for (const model::Signal& signal : outcome.signals)
      for (const model::Evidence& item : signal.evidence)
        if (item.feature == signal.series_feature) {
          ASSERT_FALSE(signal.series.empty());
          EXPECT_EQ(signal.series.back().value, item.value) << file.path();
          ++compared;
        }
  }
  EXPECT_GT(compared, 0);
}

}  // namespace
}  // namespace pandun::detectors
