// The trunks that a finding's calls took: what tells where to look next.
//
// Shape    24 bytes, and 40 for each of up to 4 trunks; when a fifth comes, the one used least gives way. A name above 64
//          bytes is not kept.
// Threads  plain value.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/state_io.h"
#include "model/signal.h"

namespace pandun::detectors::sim_box {

class Routes {
 public:
  static constexpr std::size_t kMost = 4, kNameMost = 64;

  void add(std::string_view name) {
    if (name.empty() || name.size() > kNameMost) return;
    for (Route& r : routes_) {
      if (r.name != name) continue;
      if (r.calls < 0xffffffffU) ++r.calls;
      return;
    }
    if (routes_.size() == kMost) {
      *std::min_element(routes_.begin(), routes_.end(),
                        [](const Route& a, const Route& b) { return a.calls < b.calls; }) = {std::string(name), 1};
      return;
    }
    if (routes_.size() == routes_.capacity()) routes_.reserve(routes_.empty() ? 1 : kMost);
    routes_.push_back({std::string(name), 1});
  }

  // As the signal's last peers, the most used first: one for certain, the others where there is room.
  void show(model::Signal& signal) const {
    if (routes_.empty()) return;
    std::vector<const Route*> order;
    double calls = 0;
    for (const Route& r : routes_) {
      order.push_back(&r);
      calls += r.calls;
    }
    std::sort(order.begin(), order.end(), [](const Route* a, const Route* b) {
      return a->calls != b->calls ? a->calls > b->calls : a->name < b->name;
    });
    signal.evidence.push_back({"trunk_share", order.front()->calls / calls, 0, "ratio"});
    if (signal.peers.size() >= model::Signal::kPeersMax) signal.peers.resize(model::Signal::kPeersMax - 1);
    for (const Route* r : order)
      if (signal.peers.size() < model::Signal::kPeersMax)
        signal.peers.push_back(model::Entity::text(model::EntityKind::kTrunk, r->name));
  }

  // Of the heap.
  std::uint64_t bytes() const {
    std::uint64_t sum = routes_.capacity() * sizeof(Route);
    for (const Route& r : routes_)
      if (r.name.capacity() > std::string().capacity()) sum += r.name.capacity() + 1;
    return sum;
  }
  void save(detect::StateWriter& out) const {
    out.varint(routes_.size());
    for (const Route& r : routes_) {
      out.text(r.name);
      out.varint(r.calls);
    }
  }
  void load(detect::StateReader& in) {
    routes_.clear();
    const std::uint64_t size = in.varint();
    if (size > kMost) return in.fail("more trunks than a finding names");
    for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
      std::string name(in.text());
      const auto calls = static_cast<std::uint32_t>(in.varint());
      if (name.empty() || name.size() > kNameMost || calls == 0) return in.fail("a trunk without a name or calls");
      if (routes_.size() == routes_.capacity()) routes_.reserve(routes_.empty() ? 1 : kMost);
      routes_.push_back({std::move(name), calls});
    }
  }

 private:
  struct Route {
    std::string name;
    std::uint32_t calls = 0;
  };
  std::vector<Route> routes_;
};

}  // namespace pandun::detectors::sim_box
