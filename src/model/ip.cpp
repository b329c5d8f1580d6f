#include "model/ip.h"

#include <arpa/inet.h>

#include <array>
#include <cstring>

namespace pandun::model {
namespace {

std::optional<std::uint32_t> parse_v4(std::string_view text) {
  std::uint32_t address = 0;
  std::size_t at = 0;
  for (int part = 0; part < 4; ++part) {
    std::uint32_t value = 0;
    const std::size_t first = at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9' && at - first < 4)
      value = value * 10 + static_cast<std::uint32_t>(text[at++] - '0');
    const std::size_t digits = at - first;
    if (digits == 0 || digits > 3 || value > 255 || (digits > 1 && text[first] == '0')) return std::nullopt;
    address = (address << 8) | value;
    if (part < 3) {
      if (at >= text.size() || text[at] != '.') return std::nullopt;
      ++at;
    }
  }
  if (at != text.size()) return std::nullopt;
  return address;
}

std::uint64_t load_be(const unsigned char* bytes) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = (value << 8) | bytes[i];
  return value;
}

}  // namespace

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  if (text.size() >= 7 && text.size() <= 15 && text.find(':') == std::string_view::npos) {
    const auto address = parse_v4(text);
    if (!address) return std::nullopt;
    return v4(*address);
  }
  if (text.size() < 2 || text.size() > 45) return std::nullopt;
  std::array<char, 46> zero_ended{};
  std::memcpy(zero_ended.data(), text.data(), text.size());
  std::array<unsigned char, 16> bytes{};
  if (std::strlen(zero_ended.data()) != text.size() || inet_pton(AF_INET6, zero_ended.data(), bytes.data()) != 1)
    return std::nullopt;
  return IpAddress{load_be(bytes.data()), load_be(bytes.data() + 8)};
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> out{};
  if (is_v4()) {
    const std::uint32_t big_endian = htonl(v4_bits());
    inet_ntop(AF_INET, &big_endian, out.data(), out.size());
  } else {
    std::array<unsigned char, 16> bytes{};
    for (unsigned i = 0; i < 8; ++i) {
      bytes[i] = static_cast<unsigned char>(hi >> (56 - 8 * i));
      bytes[i + 8] = static_cast<unsigned char>(lo >> (56 - 8 * i));
    }
    inet_ntop(AF_INET6, bytes.data(), out.data(), out.size());
  }
  return out.data();
}

}  // namespace pandun::model
