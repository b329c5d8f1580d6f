// Who may ask, and how each of them wants to be answered: trunks with their peers' addresses, as data.
//
// Format   content/decide/sip_trunks.toml explains it by example; docs/sip.md says which form suits which switch.
// Errors   load(): every fault at once, as file:line:column.
// Threads  immutable once loaded.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decide/trunk.h"
#include "model/ip.h"

namespace pandun::sip {

enum class Allow : std::uint8_t { kRedirect, kServiceUnavailable, kNotFound, kProxy };
enum class Reject : std::uint8_t { kDecline, kNetworkBlocked, kRejected, kForbidden, kNotFound, kUnavailable, kBusy };
using decide::Direction;
enum class IdentityCheck : std::uint8_t { kOff, kCheck, kRequire };

struct Hop {
  model::IpAddress address{};
  std::uint16_t port = 5060;
  std::string text{};  // "10.0.0.1:5060", as it stands in a URI
};

// The first rule whose prefix and length fit is used, once.
struct DialRule {
  std::string prefix{};
  std::uint8_t length_min = 0, length_max = 32;  // digits of the whole number, '+' not counted
  std::uint8_t strip = 0;
  std::string add{};
};

struct Trunk {
  std::string name{};
  Direction direction = Direction::kUnknown;
  bool trusted = false;  // its P-Asserted-Identity, Remote-Party-ID and verstat are believed
  Allow allow = Allow::kRedirect;
  Reject reject = Reject::kDecline;              // for measures and analyses
  Reject reject_fact = Reject::kDecline;         // for facts and the callee's own blocks: 603+ is not meant for them
  Hop next{};                                    // where an allowed call goes; 302 and proxy need it
  IdentityCheck identity = IdentityCheck::kOff;  // whether signatures of callers are verified, and asked for
  bool reply_to_source_port = false;             // answer to the port the request came from, whatever Via says
  std::uint16_t country = 0;                     // national forms belong to it; 0: the site's
  std::string area{};                            // local forms belong to it, without 0
  std::vector<DialRule> dial{};
  std::uint64_t rate = 0, burst = 0;  // requests a second; 0: no limit
  std::string redress_url{}, redress_tel{}, redress_email{}, jcard_url{};
  char blocked_at[4] = "LN";  // RFC 8606's location in 603+
};

class Trunks {
 public:
  static Result<Trunks> load(std::string_view file, std::string_view toml);

  const Trunk* find(const model::IpAddress& peer) const;  // the longest prefix wins; null for strangers
  const Trunk* named(std::string_view name) const;
  bool is_next_hop(const model::IpAddress& address) const;  // of a trunk that is proxied for: it may send answers
  const std::vector<Trunk>& all() const { return trunks_; }
  bool any_proxy() const { return !next_hops_.empty(); }
  bool any_identity() const;

 private:
  struct Net {
    model::IpAddress base{};
    std::uint16_t trunk = 0;
  };
  struct Width {
    unsigned bits = 0;
    std::vector<Net> nets{};  // sorted
  };
  std::vector<Trunk> trunks_;
  std::vector<Width> widths_;  // the longest first
  std::vector<model::IpAddress> next_hops_;
  friend class TrunksReader;
};

// A ready number text for the numbering plan: rules applied to digits, '+' kept.
std::string_view apply(const Trunk& trunk, std::string_view number, std::string& room);

}  // namespace pandun::sip
