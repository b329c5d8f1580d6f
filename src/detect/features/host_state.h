// How an address's recent behaviour is stored; what it means is in host_activity.h.
//
// Shape    every host has a list of 20-byte contacts in a pool; one with more than kHostContacts in 24 h gets a BusyHost, and
//          keeps it until the host is idle. Which of the two is used depends on the host's own events alone.
// Threads  one owner.
#pragma once

#include <memory>
#include <span>

#include "detect/distinct.h"
#include "detect/features/host_activity.h"
#include "detect/features/options.h"
#include "detect/slab.h"
#include "detect/state_table.h"

namespace pandun::detect {

struct HostContact {
  enum Kind : std::uint8_t { kFlow, kDns, kLogin };
  std::uint32_t time_s;
  std::uint32_t thing;  // destination address, or queried name, hashed
  std::uint32_t bytes_out, bytes_in;
  std::uint16_t port;  // logins: attempts
  Kind kind;
  std::uint8_t outcome;  // flow: 1 ok 2 failed; dns: 1 answered 2 does not exist; login: 2 failed; 0 not known
};
static_assert(sizeof(HostContact) == 20);

inline constexpr std::uint32_t kHostContacts = 64;

struct HostRecord {
  std::uint32_t first_s = 0, newest_s = 0;
  std::uint32_t handle = 0;
  std::uint16_t size = 0;
  std::uint8_t size_class = 0;
  bool busy = false;
};

struct BusyHost {
  struct Flows {
    enum Counter : std::size_t { kFlows, kOk, kFailed, kBytesOut, kBytesIn, kCounters };
    WindowRings<kCounters, std::uint64_t, 3> counts;
    DistinctWindows hosts{Window::k24h}, ports{Window::k24h}, pairs{Window::k24h};
  };
  struct Others {
    enum Counter : std::size_t { kQueries, kAnswered, kNxdomains, kLogins, kLoginsFailed, kCounters };
    WindowRings<kCounters, std::uint32_t, 3> counts;
    std::unique_ptr<DistinctWindows> nxdomains;
  };
  std::unique_ptr<Flows> flows;
  std::unique_ptr<Others> others;
  std::uint32_t clock_s = 0;

  Flows& open_flows();
  Others& open_others();
  void advance(std::uint32_t now_s);
  void add(const HostContact& contact);
  std::uint64_t bytes() const;
  void save(StateWriter& out) const;
  void load(StateReader& in);
};

class HostActivities {
 public:
  explicit HostActivities(const HostOptions& options) : table_(options.idle_after) {}

  void prefetch(std::uint64_t hash, unsigned stage) const { table_.prefetch_hash(hash, stage); }
  // After stages 0 and 1, stages 2 to 4: what counting this contact will touch beyond the table, one pointer a stage.
  void prefetch(const model::IpAddress& host, std::uint64_t hash, const HostContact& contact, unsigned stage) const;
  void update(const model::IpAddress& host, std::uint64_t hash, HostContact contact, EventMs watermark);
  const HostRecord* find(const model::IpAddress& host, std::uint64_t hash, EventMs watermark) {
    return table_.find_hash(host, hash, watermark);
  }

  void evict(EventMs watermark);
  void save(StateWriter& out) const;
  Result<> load(StateReader& in);

  std::uint64_t size() const { return table_.size(); }
  std::uint64_t evicted() const { return table_.evicted(); }
  std::uint64_t too_old() const { return too_old_; }
  std::uint64_t bytes() const;

  std::span<const HostContact> contacts(const HostRecord& record) const {
    return {lists_.at(record.size_class, record.handle), record.size};
  }
  const BusyHost& busy(const HostRecord& record) const { return busy_.at(record.handle); }

 private:
  using Pool = SlabPool<HostContact, 5, 4>;
  static_assert(Pool::kCapacityMax == kHostContacts);

  void add_listed(HostRecord& record, const HostContact& contact);
  void make_busy(HostRecord& record);
  void release(HostRecord& record);
  void save_record(StateWriter& out, const HostRecord& record) const;
  void load_record(StateReader& in, HostRecord& record);

  StateTable<model::IpAddress, HostRecord> table_;
  Pool lists_;
  ObjectPool<BusyHost> busy_;
  std::uint64_t too_old_ = 0;
};

// Contacts as events tell them.
HostContact contact_of(const model::Flow& flow, EventMs time);
HostContact contact_of(const model::Dns& dns, EventMs time);
HostContact contact_of(const model::Login& login, EventMs time);
std::uint32_t port_thing(std::uint16_t port);  // what `ports` and `pairs` count
std::uint32_t pair_thing(std::uint32_t host, std::uint16_t port);

}  // namespace pandun::detect
