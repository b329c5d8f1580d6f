#include "detect/features/host_activity.h"

#include <algorithm>
#include <limits>

#include "detect/features/host_state.h"

namespace pandun::detect {
namespace {

constexpr double kUnknown = std::numeric_limits<double>::quiet_NaN();

double ratio(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? kUnknown : static_cast<double>(part) / static_cast<double>(whole);
}

constexpr Window held(Window w) {
  return std::min(w, Window::k24h);
}

std::span<const HostContact> inside(std::span<const HostContact> all, std::uint32_t start) {
  std::size_t at = all.size();
  while (at > 0 && all[at - 1].time_s >= start) --at;
  return all.subspan(at);
}

HostTally tally_list(std::span<const HostContact> contacts) {
  HostTally t{};
  for (const HostContact& c : contacts) {
    const bool good = c.outcome == 1, bad = c.outcome == 2;
    if (c.kind == HostContact::kFlow) {
      ++t.flows;
      t.flows_ok += good ? 1U : 0U;
      t.flows_failed += bad ? 1U : 0U;
      t.bytes_out += c.bytes_out;
      t.bytes_in += c.bytes_in;
    } else if (c.kind == HostContact::kDns) {
      ++t.dns_queries;
      t.dns_answered += good || bad ? 1U : 0U;
      t.nxdomains += bad ? 1U : 0U;
    } else {
      t.logins += c.port;
      t.logins_failed += bad ? c.port : 0U;
    }
  }
  return t;
}

HostTally tally_busy(const BusyHost& busy, Window w) {
  const auto narrow = [](std::uint64_t n) {
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(n, 0xffffffffU));
  };
  HostTally t{};
  if (busy.flows != nullptr) {
    using Flows = BusyHost::Flows;
    const auto& counts = busy.flows->counts;
    t.flows = narrow(counts.total(w, Flows::kFlows));
    t.flows_ok = narrow(counts.total(w, Flows::kOk));
    t.flows_failed = narrow(counts.total(w, Flows::kFailed));
    t.bytes_out = counts.total(w, Flows::kBytesOut);
    t.bytes_in = counts.total(w, Flows::kBytesIn);
  }
  if (busy.others != nullptr) {
    using Others = BusyHost::Others;
    const auto& counts = busy.others->counts;
    t.dns_queries = narrow(counts.total(w, Others::kQueries));
    t.dns_answered = narrow(counts.total(w, Others::kAnswered));
    t.nxdomains = narrow(counts.total(w, Others::kNxdomains));
    t.logins = narrow(counts.total(w, Others::kLogins));
    t.logins_failed = narrow(counts.total(w, Others::kLoginsFailed));
  }
  return t;
}

}  // namespace

EventMs HostActivity::newest() const {
  return EventMs{static_cast<std::int64_t>(record_->newest_s) * 1000};
}

std::uint32_t HostActivity::contacts_at_most() const {
  return record_->busy ? std::numeric_limits<std::uint32_t>::max() : record_->size;
}

const HostTally& HostActivity::tally(Window w) const {
  w = held(w);
  const auto i = static_cast<std::size_t>(w);
  if ((have_tally_ >> i & 1U) == 0) {
    have_tally_ |= 1U << i;
    tally_[i] = record_->busy ? tally_busy(all_->busy(*record_), w)
                              : tally_list(inside(all_->contacts(*record_), start_s(w, record_->newest_s)));
  }
  return tally_[i];
}

double HostActivity::failed_ratio(Window w) const {
  const HostTally& t = tally(w);
  return ratio(t.flows_failed, std::uint64_t{t.flows_failed} + t.flows_ok);
}
double HostActivity::nxdomain_ratio(Window w) const {
  return ratio(tally(w).nxdomains, tally(w).dns_answered);
}

double HostActivity::distinct(Things things, Window w) const {
  w = held(w);
  const auto i = static_cast<std::size_t>(w);
  const std::size_t bit = static_cast<std::size_t>(things) * kWindows + i;
  double& value = distinct_[things][i];
  if ((have_distinct_ >> bit & 1U) != 0) return value;
  have_distinct_ |= 1U << bit;
  if (record_->busy) {
    const BusyHost& busy = all_->busy(*record_);
    if (things == kNxdomains)
      return value = busy.others == nullptr || busy.others->nxdomains == nullptr ? 0 : busy.others->nxdomains->count(w);
    if (busy.flows == nullptr) return value = 0;
    const BusyHost::Flows& flows = *busy.flows;
    return value = (things == kHosts ? flows.hosts : things == kPorts ? flows.ports : flows.pairs).count(w);
  }
  std::array<std::uint32_t, kHostContacts> seen;
  std::size_t size = 0;
  for (const HostContact& c : inside(all_->contacts(*record_), start_s(w, record_->newest_s))) {
    if (things == kNxdomains ? c.kind != HostContact::kDns || c.outcome != 2 : c.kind != HostContact::kFlow) continue;
    seen[size++] = things == kPorts ? port_thing(c.port) : things == kPairs ? pair_thing(c.thing, c.port) : c.thing;
  }
  std::sort(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(size));
  return value = static_cast<double>(std::unique(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(size)) -
                                     seen.begin());
}
double HostActivity::distinct_dst_hosts(Window w) const {
  return distinct(kHosts, w);
}
double HostActivity::distinct_dst_ports(Window w) const {
  return distinct(kPorts, w);
}
double HostActivity::distinct_dst_pairs(Window w) const {
  return distinct(kPairs, w);
}
double HostActivity::distinct_nxdomains(Window w) const {
  return distinct(kNxdomains, w);
}

bool HostActivity::exact() const {
  if (!record_->busy) return true;
  const BusyHost& busy = all_->busy(*record_);
  return (busy.flows == nullptr ||
          (busy.flows->hosts.exact() && busy.flows->ports.exact() && busy.flows->pairs.exact())) &&
         (busy.others == nullptr || busy.others->nxdomains == nullptr || busy.others->nxdomains->exact());
}

double HostActivity::first_seen_age_s() const {
  return record_->newest_s - record_->first_s;
}

std::vector<model::EvidencePoint> HostActivity::flows_series(Window w) const {
  w = held(w);
  const WindowSpec& ws = spec(w);
  const std::uint32_t head = record_->newest_s / ws.step_s;
  const std::uint32_t steps = std::min(ws.steps, head + 1);
  std::vector<model::EvidencePoint> points(steps);
  for (std::uint32_t i = 0; i < steps; ++i) {
    points[i].time = EventMs{static_cast<std::int64_t>(head + 1 - steps + i) * ws.step_s * 1000};
    if (record_->busy && all_->busy(*record_).flows != nullptr)
      points[i].value =
          static_cast<double>(all_->busy(*record_).flows->counts.at(w, steps - 1 - i, BusyHost::Flows::kFlows));
  }
  if (record_->busy) return points;
  for (const HostContact& c : inside(all_->contacts(*record_), start_s(w, record_->newest_s)))
    if (c.kind == HostContact::kFlow) points[steps - 1 - (head - c.time_s / ws.step_s)].value += 1;
  return points;
}

}  // namespace pandun::detect
