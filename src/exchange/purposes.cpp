#include "exchange/purposes.h"

#include <fmt/format.h>

#include <algorithm>

#include "guard/content_reader.h"

namespace pandun::exchange {

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

Result<Purposes> Purposes::parse(std::string_view toml, const std::string& file, const guard::LawLibrary& laws) {
  TRY_ASSIGN(const guard::ContentNode root, guard::parse_content(toml, file));
  guard::Faults faults(file);
  faults.only(root, {"version", "purpose"});
  Purposes out;
  for (const guard::ContentNode& node : faults.tables(root, "purpose")) {
    faults.only(node, {"id", "zh", "en", "grounds", "kinds", "use", "give"});
    Purpose purpose;
    purpose.id = faults.text(node, "id");
    purpose.title = faults.local(node);
    purpose.grounds = faults.texts(node, "grounds", true);
    purpose.kinds = faults.texts(node, "kinds", true);
    purpose.given = faults.boolean(node, "give", false);
    const std::string use = faults.text(node, "use");
    purpose.warns = use == "warn";
    if (use != "warn" && use != "alert") faults.add(node, "use is alert or warn");
    for (const std::string& ground : purpose.grounds) {
      if (laws.ground(ground) == nullptr) faults.add(node, fmt::format("'{}' is not in the law library", ground));
    }
    for (const std::string& kind : purpose.kinds) {
      if (kind != kSuspectedFraud && kind != kMuleAccount && kind != kVictimAtRisk) {
        faults.add(node, fmt::format("'{}' is no kind of lead: suspected_fraud, mule_account, victim_at_risk", kind));
      }
      // Whoever is at risk is warned and never made the subject of an alert.
      if ((kind == kVictimAtRisk) != purpose.warns) {
        faults.add(node, "victim_at_risk goes with use = \"warn\", and nothing else does");
      }
    }
    if (out.find(purpose.id) != nullptr) faults.add(node, fmt::format("'{}' stands here twice", purpose.id));
    out.list_.push_back(std::move(purpose));
  }
  TRY(faults.result());
  return out;
}

const Purpose* Purposes::find(std::string_view id) const {
  for (const Purpose& purpose : list_) {
    if (purpose.id == id) return &purpose;
  }
  return nullptr;
}

}  // namespace pandun::exchange
