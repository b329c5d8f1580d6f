// Trunks as data: where a call comes from, and how far its caller's number can be believed. Read from
// content/decide/trunks.toml or the site's own file.
//
// Format   [[trunk]] name, direction = "international_in" | "inter_network" | "intra_network", and if wanted title, trusted,
//          country, area, strip, add. [[false_form]] prefix, direction = [...].
// Errors   parse_trunks(): kBadConfig with every fault as file:line:column.
// Threads  plain values.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pandun::decide {

enum class Direction : std::uint8_t { kUnknown, kInternationalIn, kInterNetwork, kIntraNetwork };
std::string_view name(Direction direction);  // "unknown", "international_in", "inter_network", "intra_network"

struct Trunk {
  std::string name{}, title{};
  Direction direction = Direction::kUnknown;
  bool trusted = false;        // the neighbour screens its callers: P-Asserted-Identity counts, holds may apply
  std::uint16_t country = 0;   // national forms on it belong to this calling code; 0: the site's
  std::string area{};          // and local forms to this area code, without 0
  std::string strip{}, add{};  // dialling prefix that is cut, then what is put in front, before a number is read
};

// Digits that no caller can begin with on trunks of that direction: IP-dialling and carrier-selection prefixes.
struct FalseForm {
  std::string prefix{};
  Direction direction = Direction::kInternationalIn;
};

struct TrunkPlan {
  std::vector<Trunk> trunks{};
  std::vector<FalseForm> false_forms{};
};
Result<TrunkPlan> parse_trunks(std::string_view file, std::string_view toml);

// The digits as the numbering plan should read them: `strip` cut once when it is there, `add` put in front if it was or if
// nothing is to be cut. Forms with + stay as they are.
std::string apply_dial_plan(const Trunk& trunk, std::string_view text);

}  // namespace pandun::decide
