// Makes a full record of a hit once, the first time it is seen, and gives the same pointer ever after.
//
// Why      a matcher keeps some 30 bytes an indicator; the text a caller wants to show is made only for what was hit.
// Threads  get() from any thread, lock-free; nodes live as long as the cache.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/hash.h"

namespace pandun::intel {

template <typename T>
class HitCache {
 public:
  explicit HitCache(std::size_t buckets) : buckets_(buckets == 0 ? 1 : buckets) {}
  HitCache(const HitCache&) = delete;
  HitCache& operator=(const HitCache&) = delete;
  ~HitCache() {
    for (auto& bucket : buckets_) {
      const Node* node = bucket.load(std::memory_order_relaxed);
      while (node != nullptr) {
        const std::unique_ptr<const Node> gone(node);
        node = node->next;
      }
    }
  }

  template <typename Make>
  const T* get(std::uint64_t id, Make&& make) const {
    auto& bucket = buckets_[mix64(id) % buckets_.size()];
    const Node* head = bucket.load(std::memory_order_acquire);
    if (const T* found = find(head, id)) return found;
    auto node = std::make_unique<Node>(id, make());
    while (true) {
      node->next = head;
      if (bucket.compare_exchange_weak(head, node.get(), std::memory_order_acq_rel)) return &node.release()->value;
      if (const T* found = find(head, id)) return found;  // another thread was first
    }
  }

 private:
  struct Node {
    Node(std::uint64_t node_id, T node_value) : id(node_id), value(std::move(node_value)) {}
    std::uint64_t id;
    T value;
    const Node* next = nullptr;
  };
  static const T* find(const Node* node, std::uint64_t id) {
    for (; node != nullptr; node = node->next)
      if (node->id == id) return &node->value;
    return nullptr;
  }
  mutable std::vector<std::atomic<const Node*>> buckets_;
};

}  // namespace pandun::intel
