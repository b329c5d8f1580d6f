// The matcher: an immutable snapshot of the live indicators, asked by every shard for every event.
//
// Shape    addresses in sorted, disjoint ranges (12 B each for IPv4); texts and hashes in one hash table of 8 B slots
//          before a text arena. bytes() is exact. About 36 B a domain of average length.
// Rules    address  the smallest listed range that holds it
//          domain   the name itself, or the nearest listed parent; a public suffix matches itself alone
//          url      host + path exactly; a listed path ending in "/" (not the root) covers what is below it; a listed query
//                   must be equal, without one any query matches; scheme and port are not compared
//          the same indicator in several lists: the one with the largest severity x confidence answers
// Life     hold it by shared_ptr<const Matcher>; what it returns lives as long as it does.
// Threads  any number of readers, no locks.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "intel/indicator.h"
#include "model/ip.h"

namespace pandun::intel {

class IndicatorList;
class WarningLists;

struct Hit {
  std::string_view indicator, list, topic;
  std::uint8_t severity = 0;
  double confidence = 0;  // 0-1
  Marking marking = Marking::kAmber;
  IndicatorType type = IndicatorType::kIp;
};

using HitId = std::uint64_t;  // 0 = no hit; good for this snapshot only

struct MatcherCounts {
  std::uint64_t live = 0, merged = 0, expired = 0, suppressed = 0;
  std::array<std::uint64_t, kIndicatorTypes> by_type{};
  std::map<std::string, std::uint64_t, std::less<>> suppressed_by;  // warning list -> indicators
};

class Matcher {
 public:
  // `at`: leave out what is not valid at that wall time (ms); without it, lifetimes are not asked (replay of old records).
  static std::shared_ptr<const Matcher> build(const std::vector<std::shared_ptr<const IndicatorList>>& lists,
                                              const WarningLists* warnings, std::optional<std::int64_t> at);
  ~Matcher();
  Matcher(const Matcher&) = delete;
  Matcher& operator=(const Matcher&) = delete;

  bool empty() const { return counts_.live == 0; }
  const Hit* address(const model::IpAddress& ip) const { return hit(find_address(ip)); }
  const Hit* domain(std::string_view normalised) const { return hit(find_domain(normalised)); }
  const Hit* url(std::string_view host, std::string_view uri) const { return hit(find_url(host, uri)); }
  const Hit* hash(std::string_view lower_hex) const { return hit(find_hash(lower_hex)); }
  const Hit* exact(IndicatorType type, std::string_view value) const { return hit(find_exact(type, value)); }

  // The same questions, answered by an id: for an adapter that keeps its own records (hit_cache.h).
  HitId find_address(const model::IpAddress& ip) const;
  HitId find_domain(std::string_view normalised) const;
  HitId find_url(std::string_view host, std::string_view uri) const;
  HitId find_hash(std::string_view lower_hex) const;  // file hashes and certificates
  HitId find_exact(IndicatorType type, std::string_view value) const;
  const Hit* hit(HitId id) const;  // nullptr for 0

  const MatcherCounts& counts() const { return counts_; }
  std::size_t bytes() const;
  std::string digest() const;  // hex; equal for equal content, whatever the order of lists

  struct Parts;

 private:
  explicit Matcher(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
  MatcherCounts counts_;
};

}  // namespace pandun::intel
