// Protected groups (safeguard 9): numbers whose limiting hurts people who depend on them. Stricter thresholds apply.
//
// Format   content/protected_groups.toml: [[group]] with id, title = {zh, en}, and any of numbers = ["+86…"], prefixes
// =
//          ["+86571…"], classes = ["emergency"] (names of NumberClass), services = ["120"].
// Errors   load(): every fault at once, as file:line; an unknown key or class is a fault.
// Threads  immutable once loaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "model/number.h"
#include "platform/file_system.h"
#include "registry/numbering_plan.h"

namespace pandun::registry {

struct ProtectedGroup {
  std::string id, title_zh, title_en;
};

class ProtectedGroups {
 public:
  // `plan` must outlive this.
  static Result<ProtectedGroups> load(platform::FileSystem& files, const std::string& path, const NumberingPlan& plan);
  static Result<ProtectedGroups> parse(std::string_view name, std::string_view toml, const NumberingPlan& plan);

  const ProtectedGroup* find(model::NumberKey number) const;        // null: in none; the first group listed wins
  std::string_view protected_group(model::NumberKey number) const;  // its id, "" if none
  const std::vector<ProtectedGroup>& groups() const { return groups_; }

 private:
  struct Prefix {
    std::uint64_t value = 0;  // leading digits of the E.164 form
    int digits = 0;
    std::uint16_t group = 0;
  };
  std::vector<ProtectedGroup> groups_;
  std::unordered_map<std::uint64_t, std::uint16_t> numbers_;
  std::vector<Prefix> prefixes_;
  std::vector<std::pair<NumberClass, std::uint16_t>> classes_;
  const NumberingPlan* plan_ = nullptr;
};

}  // namespace pandun::registry
