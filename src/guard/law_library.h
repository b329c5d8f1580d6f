// The law library: grounds that a measure or an unmasking may name, kinds of measure from smallest to largest, and the
// closed list of disposal categories (safeguard 13). Content, not code: content/grounds/*.toml.
//
// Errors   parse: kBadConfig with every fault as file:line:column.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "guard/rights.h"
#include "model/signal.h"

namespace pandun::guard {

struct Ground {
  std::string id;
  model::LocalText law;
  std::string version, article;
  model::LocalText text;
  std::vector<std::string> measures;  // kinds it can carry
  bool vault = false;                 // may an unmasking rest on it
  std::string certainty;              // P, T, C, R or M, as docs/casework.md explains; M is shown as unverified
};

struct MeasureKind {
  std::string id;
  model::LocalText title;
  int rank = 0;                       // 1 = the smallest
  int days_max = 0;                   // longest expiry
  std::vector<std::string> entities;  // kinds of entity it can be about
  bool limits_person = false;         // needs notice and appeal channel
  std::optional<Role> approver;       // only this role may approve it; none: whoever has measure.approve
};

struct Category {
  std::string id;
  model::LocalText title;
};

class LawLibrary {
 public:
  static Result<LawLibrary> parse(std::string_view toml, const std::string& file);
  const Ground* ground(std::string_view id) const;
  const MeasureKind* kind(std::string_view id) const;
  const Category* category(std::string_view id) const;
  const std::vector<Ground>& grounds() const { return grounds_; }
  const std::vector<MeasureKind>& kinds() const { return kinds_; }  // by rank
  const std::vector<Category>& categories() const { return categories_; }

 private:
  std::vector<Ground> grounds_;
  std::vector<MeasureKind> kinds_;
  std::vector<Category> categories_;
};

}  // namespace pandun::guard
