// Addresses of both families -> a value: IPv4 in 4-byte keys, IPv6 in 16.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "intel/canonical.h"
#include "intel/range_map.h"
#include "model/ip.h"

namespace pandun::intel {

class AddressMap {
 public:
  void add(const AddressRange& range, std::uint32_t value);  // value >= 1; the smallest range wins
  void finish();                                             // once, before the first find()
  std::uint32_t find(const model::IpAddress& ip) const;      // 0 = none
  std::size_t bytes() const { return v4_.bytes() + v6_.bytes(); }

 private:
  struct Next4 {
    std::uint32_t operator()(std::uint32_t key) const { return key + 1; }
  };
  struct Next6 {
    model::IpAddress operator()(const model::IpAddress& key) const {
      return {key.hi + (key.lo == ~0ULL ? 1 : 0), key.lo + 1};
    }
  };
  using Map4 = RangeMap<std::uint32_t, Next4>;
  using Map6 = RangeMap<model::IpAddress, Next6>;
  std::vector<Map4::Range> pending4_;
  std::vector<Map6::Range> pending6_;
  Map4 v4_;
  Map6 v6_;
};

}  // namespace pandun::intel
