// ADDRESS:PORT of a setting; an IPv6 address stands in brackets.
//
// Errors   kBadConfig at `key`, with `example`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/ip.h"

namespace pandun::server {

struct ListenAddress {
  std::string host;  // without brackets
  model::IpAddress ip{};
  std::uint16_t port = 0;
};

Result<ListenAddress> listen_address(std::string_view key, std::string_view text, std::string_view example);

}  // namespace pandun::server
