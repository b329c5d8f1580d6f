#include "detect/features/host_activity.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <set>
#include <string>

#include "detect/features/host_state.h"

namespace pandun::detect {
namespace {

const model::IpAddress kHost = model::IpAddress::v4(0x0a000001);
const std::uint64_t kHash = hash_of(kHost);
constexpr std::uint32_t kStart = 1'772'416'800;

struct Told {
  HostContact contact;
  std::uint32_t dst, port;
};

Told random_contact(std::mt19937_64& random, std::uint32_t time, std::uint32_t spread) {
  const EventMs at{time * 1000LL};
  const auto dst = static_cast<std::uint32_t>(random() % spread);
  const auto port = static_cast<std::uint16_t>(random() % 50);
  const std::uint64_t kind = random() % 10;
  if (kind < 6) {
    model::Flow f;
    f.src = kHost;
    f.dst = model::IpAddress::v4(0xc0000000 + dst);
    f.dst_port = port;
    f.state = static_cast<model::FlowState>(random() % 5);
    f.bytes_out = static_cast<std::int64_t>(random() % 1000) - 1;
    f.bytes_in = static_cast<std::int64_t>(random() % 6'000'000'000);
    return {contact_of(f, at), dst, port};
  }
  if (kind < 9) {
    const std::string name = "n" + std::to_string(dst) + ".example";
    model::Dns d;
    d.client = kHost;
    d.query = name;
    d.rcode = static_cast<std::int16_t>(static_cast<int>(random() % 5) - 1);
    return {contact_of(d, at), dst, 0};
  }
  model::Login l;
  l.client = kHost;
  l.succeeded = static_cast<model::Answered>(random() % 3);
  l.attempts = static_cast<std::int32_t>(random() % 4);
  return {contact_of(l, at), dst, 0};
}

double ratio(double part, double whole) {
  return part / whole;
}

void compare(const HostActivity& h, const std::vector<Told>& all, std::uint32_t newest) {
  for (const Window w : {Window::k5m, Window::k1h, Window::k24h}) {
    double flows = 0, ok = 0, failed = 0, out = 0, in = 0, queries = 0, answered = 0, nx = 0, logins = 0;
    std::set<std::uint32_t> hosts, ports, names;
    std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
    for (const Told& t : all) {
      const HostContact& c = t.contact;
      if (c.time_s < start_s(w, newest)) continue;
      if (c.kind == HostContact::kFlow) {
        ++flows;
        ok += c.outcome == 1;
        failed += c.outcome == 2;
        out += c.bytes_out;
        in += c.bytes_in;
        hosts.insert(t.dst);
        ports.insert(t.port);
        pairs.insert({t.dst, t.port});
      } else if (c.kind == HostContact::kDns) {
        ++queries;
        answered += c.outcome != 0;
        nx += c.outcome == 2;
        if (c.outcome == 2) names.insert(t.dst);
      } else {
        logins += c.outcome == 2 ? c.port : 0;
      }
    }
    ASSERT_EQ(h.flows(w), flows);
    ASSERT_EQ(h.failed_flows(w), failed);
    ASSERT_EQ(h.bytes_out(w), out);
    ASSERT_EQ(h.bytes_in(w), in);
    ASSERT_EQ(h.dns_queries(w), queries);
    ASSERT_EQ(h.logins_failed(w), logins);
    ASSERT_EQ(h.distinct_dst_hosts(w), hosts.size());
    ASSERT_EQ(h.distinct_dst_ports(w), ports.size());
    ASSERT_EQ(h.distinct_dst_pairs(w), pairs.size());
    ASSERT_EQ(h.distinct_nxdomains(w), names.size());
    if (ok + failed > 0) {
      ASSERT_DOUBLE_EQ(h.failed_ratio(w), ratio(failed, ok + failed));
    }
    if (ok + failed == 0) {
      ASSERT_TRUE(std::isnan(h.failed_ratio(w)));
    }
    if (answered > 0) {
      ASSERT_DOUBLE_EQ(h.nxdomain_ratio(w), ratio(nx, answered));
    }
    double series = 0;
    for (const model::EvidencePoint& p : h.flows_series(w)) series += p.value;
    ASSERT_EQ(series, flows);
  }
}

TEST(HostActivity, EveryFeatureEqualsABruteForcePass) {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    auto hosts = std::make_unique<HostActivities>(HostOptions{});
    std::vector<Told> all;
    std::uint32_t clock = kStart, gap = 10;
    bool was_quiet = false, was_busy = false;
    for (int i = 0; i < 2500; ++i) {
      if (i % 250 == 0) gap = i % 500 == 0 ? 3000 : 12;
      std::uint32_t time = clock;
      if (random() % 20 == 0) {
        time -= static_cast<std::uint32_t>(random() % 100000);
      } else {
        time = clock += static_cast<std::uint32_t>(random() % gap);
      }
      const Told t = random_contact(random, time, seed % 2 == 0 ? 30 : 4000);
      hosts->update(kHost, kHash, t.contact, EventMs{clock * 1000LL});
      if (time >= start_s(Window::k24h, clock)) all.push_back(t);
      if (random() % 200 == 0) {  // a restart
        StateWriter out;
        hosts->save(out);
        auto loaded = std::make_unique<HostActivities>(HostOptions{});
        StateReader in(out.bytes());
        ASSERT_TRUE(loaded->load(in).ok());
        hosts = std::move(loaded);
      }
      const HostRecord* record = hosts->find(kHost, kHash, EventMs{clock * 1000LL});
      ASSERT_NE(record, nullptr);
      (record->busy ? was_busy : was_quiet) = true;
      if (i % 7 != 0 && i > 100) continue;
      compare(HostActivity(*hosts, *record, kHost), all, clock);
      if (HasFatalFailure()) {
        ADD_FAILURE() << "at event " << i << (record->busy ? ", busy" : ", listed");
        return;
      }
    }
    EXPECT_TRUE(was_quiet && was_busy);
    EXPECT_GT(hosts->too_old(), 0U);
  }
}

}  // namespace
}  // namespace pandun::detect
