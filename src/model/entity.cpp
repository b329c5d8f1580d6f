#include "model/entity.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

namespace pandun::model {

std::string_view name(EntityKind kind) {
  constexpr std::array<std::string_view, kEntityKinds> kNames{"number", "device", "cell", "ip",    "host_pair",
                                                              "domain", "url",    "hash", "trunk", "app"};
  return kNames[static_cast<std::size_t>(kind)];
}

EntityKey key_of_text(std::string_view text) {
  const Hash128 h = hash128(text);
  return {h.hi, h.lo};
}

EntityKey key_of_pair(const IpAddress& src, const IpAddress& dst, std::uint16_t port, std::uint8_t protocol) {
  std::array<char, 35> bytes{};
  std::memcpy(bytes.data(), &src, 16);
  std::memcpy(bytes.data() + 16, &dst, 16);
  std::memcpy(bytes.data() + 32, &port, 2);
  bytes[34] = static_cast<char>(protocol);
  return key_of_text({bytes.data(), bytes.size()});
}

Entity Entity::of(NumberKey number) {
  return {EntityKind::kNumber, number.text(), number};
}
Entity Entity::of(const IpAddress& ip) {
  return {EntityKind::kIp, ip.text(), {}};
}

Entity Entity::pair(const IpAddress& src, const IpAddress& dst, std::uint16_t port, std::uint8_t protocol) {
  const std::string proto = protocol == 6                     ? "tcp"
                            : protocol == 17                  ? "udp"
                            : protocol == 1 || protocol == 58 ? "icmp"
                                                              : fmt::to_string(protocol);
  const auto bracketed = [](const IpAddress& ip) { return ip.is_v4() ? ip.text() : "[" + ip.text() + "]"; };
  return {EntityKind::kHostPair, fmt::format("{}>{}:{}/{}", src.text(), bracketed(dst), port, proto), {}};
}

Entity Entity::text(EntityKind kind, std::string_view value) {
  return {kind, std::string(value), {}};
}

}  // namespace pandun::model
