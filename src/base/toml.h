// toml++ in one mode for the whole program: with the library's own compiled parser and its exceptions, which end in read_toml().
// Two modes in one program are two incompatible classes of the same name; include this, never <toml++/toml.h>.
//
// Errors   read_toml(): nothing when `out` was filled, else the first fault of syntax with its place.
#pragma once

#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pandun {

struct TomlFault {
  std::uint32_t line = 0, column = 0;
  std::string message;
};
std::optional<TomlFault> read_toml(std::string_view text, std::string_view file, toml::table& out);

}  // namespace pandun
