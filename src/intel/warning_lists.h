// What is publicly known to be harmless: time, update, push and name servers, content networks, popular names.
//
// Two uses  known service   what an address or name is for; keeps look-alikes quiet before any scoring
//           warning         an indicator that is itself a known service, or wide enough to hold one, is kept in the library
//                           but does not match, and is counted under the list that stopped it
// Form      content/known_services.toml ([[service]] name, category, note, domains, exact, networks); MISP warning list JSON
//           of the types cidr, hostname and string. Regex and substring lists are refused.
// Errors    kBadConfig with file:line:column, all faults of a file at once.
// Threads   filled by one owner, then shared as const.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intel/indicator.h"
#include "model/ip.h"

namespace pandun::intel {

// The order is detect::KnownService's. kPopular: a widely used name that says nothing about its purpose.
enum class ServiceCategory : std::uint8_t { kNone, kTime, kUpdate, kCdn, kDnsResolver, kPush, kMonitoring, kPopular };
std::string_view name(
    ServiceCategory category);  // "time", "update", "cdn", "dns_resolver", "push", "monitoring", "popular"

struct WarningCounts {
  std::uint64_t lists = 0, domains = 0, networks = 0, refused = 0, skipped = 0;
};

class WarningLists {
 public:
  WarningLists();
  ~WarningLists();
  WarningLists(WarningLists&&) noexcept;
  WarningLists& operator=(WarningLists&&) noexcept;

  Result<> add_known_services(std::string_view toml, const std::string& file_name);
  // `subdomains`: a listed host also covers the names below it (for lists of a provider's own names, not for rankings).
  Result<> add_misp(std::string_view json, const std::string& file_name, bool subdomains = false);

  ServiceCategory address(const model::IpAddress& ip) const;
  ServiceCategory domain(std::string_view normalised) const;  // itself or a parent that covers its subdomains

  // The list that stops this indicator, "" if none. `value` is canonical.
  std::string_view stops(IndicatorType type, std::string_view value) const;

  const WarningCounts& counts() const;

 private:
  struct Parts;
  std::string_view stops_host(std::string_view host) const;
  std::unique_ptr<Parts> parts_;
};

}  // namespace pandun::intel
