// Ports for one proposal about up to millions of numbers, given as a list of tokens. Its measures are rows of `measures` whose
// texts stand in the batch; they act at the carriers, by lists, and are never part of the decider's snapshot.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace pandun::store {

struct CardBatchRow {
  std::int64_t seq = 0;
  std::string id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice, appeal_channel;
  std::string state;  // reading, loaded, proposed, approved (measures are being made), done, refused, lapsed
  std::string loaded_by, proposed_by, refused_reason, name, digest;
  std::vector<std::string> approvals;
  std::int64_t lines = 0, members = 0, duplicate = 0, faulty = 0, set_aside = 0;
  std::string groups;        // JSON: {"hospital": 3, "unknown": 7}: who was set aside, by protected group
  std::int64_t offset = 0;   // bytes of the list taken so far
  std::int64_t created = 0;  // measures made so far
  std::string cursor;        // the last token a measure was made for
  WallMs proposed_at, expires_at, lapse_at;
  std::optional<WallMs> decided_at, done_at;
};

class CardBatches {
 public:
  virtual ~CardBatches() = default;
  virtual Result<std::optional<CardBatchRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::optional<CardBatchRow>> of_digest(const std::string& case_id,
                                                        const std::string& digest) const = 0;
  virtual Result<Page<CardBatchRow>> list(const std::string& state, const PageRequest& page) const = 0;
  virtual Result<std::vector<std::pair<std::string, std::int64_t>>> counts(
      const std::string& id) const = 0;  // by state
  virtual Result<> insert(const CardBatchRow& row) = 0;
  virtual Result<> update(const CardBatchRow& row) = 0;
  virtual Result<bool> add_item(std::int64_t batch_seq,
                                const std::string& token) = 0;  // false: it stands there already
  // The next `limit` measures, in order of token; 0 when all are made. `row` is brought up to date, not written.
  virtual Result<std::int64_t> make_measures(CardBatchRow& row, WallMs now, std::optional<WallMs> check_due,
                                             int limit) = 0;
  virtual Result<std::int64_t> drop_items(int limit) = 0;  // of batches that were refused or lapsed; how many went
  // Ends at most `limit` whose time is over or whose check came to nothing; how many, by batch.
  virtual Result<std::vector<std::pair<std::string, std::int64_t>>> lapse_due(WallMs now, int limit) = 0;
};

}  // namespace pandun::store
