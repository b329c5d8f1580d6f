#include "server/listen_address.h"

#include <fmt/format.h>

namespace pandun::server {

Result<ListenAddress> listen_address(std::string_view key, std::string_view text, std::string_view example) {
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) {
    std::string_view host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
    const std::string port(text.substr(colon + 1));
    const auto ip = model::IpAddress::parse(host);
    if (ip && !port.empty() && port.size() <= 5 && port.find_first_not_of("0123456789") == std::string::npos &&
        std::stoi(port) < 65536)
      return ListenAddress{std::string(host), *ip, static_cast<std::uint16_t>(std::stoi(port))};
  }
  return error(Errc::kBadConfig, std::string(key),
               fmt::format("\"{}\" is not ADDRESS:PORT, for example {}", text, example));
}

}  // namespace pandun::server
