#include "intel/address_map.h"

namespace pandun::intel {

using model::IpAddress;

void AddressMap::add(const AddressRange& range, std::uint32_t value) {
  if (range.first.is_v4())
    pending4_.push_back({range.first.v4_bits(), range.last.v4_bits(), value});
  else
    pending6_.push_back({range.first, range.last, value});
}

void AddressMap::finish() {
  v4_ = Map4::build(pending4_, ~0U, [](std::uint32_t first, std::uint32_t last) { return last - first; });
  v6_ = Map6::build(pending6_, IpAddress{~0ULL, ~0ULL}, [](const IpAddress& first, const IpAddress& last) {
    return std::pair(last.hi - first.hi - (last.lo < first.lo ? 1 : 0), last.lo - first.lo);
  });
  pending4_ = {};
  pending6_ = {};
}

std::uint32_t AddressMap::find(const IpAddress& ip) const {
  return ip.is_v4() ? v4_.find(ip.v4_bits()) : v6_.find(ip);
}

}  // namespace pandun::intel
