// The name somebody probably meant.
#pragma once

#include <span>
#include <string_view>

namespace pandun::detect {

// Smallest edit distance, at most a third of the longer name; empty when nothing is that close.
std::string_view nearest(std::string_view name, std::span<const std::string_view> candidates);

}  // namespace pandun::detect
