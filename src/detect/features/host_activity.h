// An address's recent behaviour as the side that starts things: the one definition of its features.
//
// Units    counts, ratios 0-1, bytes. Windows are detect/window.h's without 7 d (it answers as 24 h) and end at the host's own
//          newest event. A ratio without a denominator is NaN: "not known", and no comparison with it holds.
// Events   flows: Flow by source. dns: Dns by client. logins: Login by client. Failed flow: attempted or rejected; the ratio's
//          denominator leaves out flows whose state is not known or mid-stream. Ports are numbers, whatever the protocol.
// Shape    a list of up to 64 contacts of 20 bytes; then counters by step and DistinctWindows. Counts are exact; distinct
//          counts are exact up to 8,192 things in 7 d (exact() tells), then within 3.3 % (1 sigma). Bytes of one flow are
//          counted up to 4 GiB.
// Late     as for numbers.
// Life     a HostActivity is a view for one call of on_event(); it memoises what was asked.
// Threads  one owner.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "detect/window.h"
#include "model/event.h"
#include "model/ip.h"
#include "model/signal.h"

namespace pandun::detect {

struct HostRecord;  // features/host_state.h
class HostActivities;

struct HostTally {
  std::uint32_t flows, flows_ok, flows_failed;
  std::uint32_t dns_queries, dns_answered, nxdomains;  // answered: with any rcode
  std::uint32_t logins, logins_failed;                 // attempts
  std::uint64_t bytes_out, bytes_in;
};

class HostActivity {
 public:
  HostActivity(const HostActivities& all, const HostRecord& record, model::IpAddress host)
      : all_(&all), record_(&record), host_(host) {}

  const model::IpAddress& host() const { return host_; }
  EventMs newest() const;
  std::uint32_t contacts_at_most() const;  // an upper bound of every count below, at no cost (logins: per record)

  const HostTally& tally(Window w) const;
  double flows(Window w) const { return tally(w).flows; }
  double failed_flows(Window w) const { return tally(w).flows_failed; }
  double failed_ratio(Window w) const;
  double bytes_out(Window w) const { return static_cast<double>(tally(w).bytes_out); }
  double bytes_in(Window w) const { return static_cast<double>(tally(w).bytes_in); }
  double dns_queries(Window w) const { return tally(w).dns_queries; }
  double nxdomain_ratio(Window w) const;
  double logins_failed(Window w) const { return tally(w).logins_failed; }

  double distinct_dst_hosts(Window w) const;
  double distinct_dst_ports(Window w) const;
  double distinct_dst_pairs(Window w) const;  // (host, port)
  double distinct_nxdomains(Window w) const;  // names that do not exist
  bool exact() const;                         // the four above
  double first_seen_age_s() const;

  std::vector<model::EvidencePoint> flows_series(Window w) const;  // per step, zeros included, oldest first

 private:
  enum Things : std::uint8_t { kHosts, kPorts, kPairs, kNxdomains };
  friend class HostActivities;
  double distinct(Things things, Window w) const;

  const HostActivities* all_;
  const HostRecord* record_;
  model::IpAddress host_;
  mutable std::array<HostTally, kWindows> tally_;
  mutable std::array<std::array<double, kWindows>, 4> distinct_;
  mutable std::uint32_t have_tally_ = 0, have_distinct_ = 0;
};

}  // namespace pandun::detect
