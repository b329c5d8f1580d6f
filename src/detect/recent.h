// What a suspect's alert shows: the last N contacts, whom they concerned and which records say so.
//
// Shape    24 bytes a contact, in the state of suspects only; newest first when shown, each peer once.
// Threads  plain value.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "detect/state_io.h"
#include "model/event.h"
#include "model/signal.h"

namespace pandun::detect {

template <std::size_t N>
class RecentContacts {
  static_assert(N > 0 && N <= model::Signal::kPeersMax && N <= model::Signal::kRecordsMax);

 public:
  void add(model::NumberKey peer, const model::Event& event) {
    contacts_[next_] = {peer, event.record, event.source};
    next_ = static_cast<std::uint32_t>((next_ + 1) % N);
    kept_ = std::min<std::uint32_t>(kept_ + 1, N);
  }

  // Appends to the signal's peers and records, within their bounds.
  void show(model::Signal& signal) const {
    for (std::uint32_t i = 0; i < kept_; ++i) {
      const Contact& c = contacts_[(next_ + N - 1 - i) % N];
      const bool known = !c.peer.known() || std::any_of(signal.peers.begin(), signal.peers.end(),
                                                        [&](const model::Entity& e) { return e.number == c.peer; });
      if (!known && signal.peers.size() < model::Signal::kPeersMax) signal.peers.push_back(model::Entity::of(c.peer));
      if (signal.records.size() < model::Signal::kRecordsMax) signal.records.push_back({c.source, c.record});
    }
  }

  void save(StateWriter& out) const {
    out.varint(kept_);
    for (std::uint32_t i = kept_; i > 0; --i) {  // oldest first, so that load() can add them
      const Contact& c = contacts_[(next_ + N - i) % N];
      out.u64(c.peer.bits());
      out.varint(c.record);
      out.varint(c.source);
    }
  }
  void load(StateReader& in) {
    *this = RecentContacts();
    const std::uint64_t kept = in.varint();
    if (kept > N) return in.fail("more recent contacts than there is room for");
    for (std::uint64_t i = 0; i < kept && in.ok(); ++i) {
      Contact& c = contacts_[i];
      c.peer = model::NumberKey::from_bits(in.u64());
      c.record = in.varint();
      c.source = static_cast<std::uint32_t>(in.varint());
    }
    kept_ = static_cast<std::uint32_t>(kept);
    next_ = static_cast<std::uint32_t>(kept % N);
  }

 private:
  struct Contact {
    model::NumberKey peer;
    std::uint64_t record = 0;
    std::uint32_t source = 0;
  };
  std::array<Contact, N> contacts_{};
  std::uint32_t next_ = 0, kept_ = 0;
};

}  // namespace pandun::detect
