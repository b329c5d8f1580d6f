// Ports for the audit chain and its anchors, and for small settings, counters and consumer positions.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace pandun::store {

struct AuditRow {
  std::int64_t seq = 0;  // 1, 2, 3 … without gaps
  WallMs at;
  std::string actor, action, object;
  std::string detail;  // canonical JSON object
  std::string prev_hash, hash;
};

struct AuditFilter {
  std::string actor, action, object;
};

struct AnchorRow {
  std::string day;  // "2026-11-22", the day whose end the anchor fixes
  std::int64_t last_seq = 0;
  std::string doc;  // the signed anchor as exported
};

class AuditRows {
 public:
  virtual ~AuditRows() = default;
  virtual Result<std::optional<AuditRow>> last() const = 0;
  virtual Result<Page<AuditRow>> list(const AuditFilter& filter, const PageRequest& page) const = 0;
  // In order of seq, from `from_seq` on; stops when `each` returns false.
  virtual Result<> walk(std::int64_t from_seq, const std::function<bool(const AuditRow&)>& each) const = 0;
  virtual Result<std::optional<AuditRow>> last_before(WallMs at) const = 0;
  virtual Result<std::vector<AnchorRow>> anchors() const = 0;  // by day
  virtual Result<> append(const AuditRow& row) = 0;
  virtual Result<> insert_anchor(const AnchorRow& row) = 0;
};

class KeyValues {
 public:
  virtual ~KeyValues() = default;
  virtual Result<std::optional<std::string>> find(const std::string& key) const = 0;
  virtual Result<std::int64_t> counter(const std::string& key) const = 0;  // 0 when never counted
  virtual Result<> put(const std::string& key, const std::string& value) = 0;
  virtual Result<std::int64_t> add(const std::string& key, std::int64_t by) = 0;  // the new count
};

class Consumers {
 public:
  virtual ~Consumers() = default;
  virtual Result<std::uint64_t> position(const std::string& consumer) const = 0;      // 0 when never set
  virtual Result<> advance(const std::string& consumer, std::uint64_t position) = 0;  // never backwards: kConflict
};

}  // namespace pandun::store
