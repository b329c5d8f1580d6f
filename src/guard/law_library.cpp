#include "guard/law_library.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "guard/content_reader.h"
#include "model/entity.h"

namespace pandun::guard {
namespace {

// Safeguard 13: a category is one of these and nothing else, whatever a content file says.
constexpr std::array<std::string_view, 8> kCategories{
    "phishing",         "malware",           "botnet_control", "fraud", "network_attack", "leaked_personal_data",
    "exposed_weakness", "false_registration"};

template <typename T>
void refuse_repeats(const std::vector<T>& list, const std::string& id, const ContentNode& node, Faults& faults) {
  for (const T& other : list) {
    if (other.id == id) faults.add(node, fmt::format("'{}' is given twice", id));
  }
}

template <typename T>
const T* find_in(const std::vector<T>& list, std::string_view id) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const T& item) { return item.id == id; });
  return it == list.end() ? nullptr : &*it;
}

MeasureKind read_kind(const ContentNode& node, Faults& faults) {
  faults.only(node, {"id", "zh", "en", "rank", "days_max", "entities", "limits_person", "approver"});
  MeasureKind kind;
  kind.id = faults.text(node, "id");
  kind.title = faults.local(node);
  kind.rank = static_cast<int>(faults.integer(node, "rank", 0, 1, 100));
  if (kind.rank == 0) faults.add(node, "'rank' is missing: 1 is the smallest measure");
  kind.days_max = static_cast<int>(faults.integer(node, "days_max", 0, 1, 3660));
  if (kind.days_max == 0) faults.add(node, "'days_max' is missing: every measure ends");
  kind.entities = faults.texts(node, "entities", true);
  for (const std::string& entity : kind.entities) {
    bool known = false;
    for (std::size_t i = 0; i < model::kEntityKinds; ++i) known |= name(static_cast<model::EntityKind>(i)) == entity;
    if (!known) faults.add(node, fmt::format("'{}' is not a kind of entity", entity));
  }
  kind.limits_person = faults.boolean(node, "limits_person", false);
  if (const std::string approver = faults.text(node, "approver", false); !approver.empty()) {
    kind.approver = parse_role(approver);
    const bool may = kind.approver && RoleSet{*kind.approver}.meets(info(Right::kMeasureApprove).roles);
    if (!may) faults.add(node, fmt::format("'{}' is no role that approves measures", approver));
  }
  return kind;
}

Ground read_ground(const ContentNode& node, Faults& faults) {
  faults.only(node, {"id", "law", "version", "article", "text", "measures", "vault", "certainty"});
  Ground ground;
  ground.id = faults.text(node, "id");
  ground.law = faults.local(node, "law");
  ground.version = faults.text(node, "version");
  ground.article = faults.text(node, "article");
  ground.text = faults.local(node, "text");
  ground.measures = faults.texts(node, "measures");
  ground.vault = faults.boolean(node, "vault", false);
  ground.certainty = faults.text(node, "certainty");
  constexpr std::string_view kMarks = "PTCRM";
  if (ground.certainty.size() != 1 || kMarks.find(ground.certainty[0]) == std::string_view::npos) {
    faults.add(node, "'certainty' must be P, T, C, R or M");
  }
  return ground;
}

}  // namespace

Result<LawLibrary> LawLibrary::parse(std::string_view toml, const std::string& file) {
  TRY_ASSIGN(const ContentNode root, parse_content(toml, file));
  Faults faults(file);
  faults.only(root, {"version", "measure_kind", "category", "ground"});
  LawLibrary library;
  for (const ContentNode& node : faults.tables(root, "measure_kind")) {
    MeasureKind kind = read_kind(node, faults);
    refuse_repeats(library.kinds_, kind.id, node, faults);
    library.kinds_.push_back(std::move(kind));
  }
  for (const ContentNode& node : faults.tables(root, "category")) {
    faults.only(node, {"id", "zh", "en"});
    Category category{faults.text(node, "id"), faults.local(node)};
    if (std::find(kCategories.begin(), kCategories.end(), category.id) == kCategories.end()) {
      faults.add(node, fmt::format("'{}' is not a disposal category; the list is closed", category.id));
    }
    refuse_repeats(library.categories_, category.id, node, faults);
    library.categories_.push_back(std::move(category));
  }
  for (const ContentNode& node : faults.tables(root, "ground")) {
    Ground ground = read_ground(node, faults);
    refuse_repeats(library.grounds_, ground.id, node, faults);
    for (const std::string& kind : ground.measures) {
      if (library.kind(kind) == nullptr) faults.add(node, fmt::format("'{}' is not a kind of measure", kind));
    }
    library.grounds_.push_back(std::move(ground));
  }
  TRY(faults.result());
  std::stable_sort(library.kinds_.begin(), library.kinds_.end(),
                   [](const MeasureKind& a, const MeasureKind& b) { return a.rank < b.rank; });
  return library;
}

const Ground* LawLibrary::ground(std::string_view id) const {
  return find_in(grounds_, id);
}
const MeasureKind* LawLibrary::kind(std::string_view id) const {
  return find_in(kinds_, id);
}
const Category* LawLibrary::category(std::string_view id) const {
  return find_in(categories_, id);
}

}  // namespace pandun::guard
