#pragma once

#include <string_view>

namespace pandun::server {
inline constexpr std::string_view kVersion = "0.1.0";
}  // namespace pandun::server
