// Ports for one proposal about up to millions of numbers, given as a list of tokens. They act at the carriers, by lists, and are
// never part of the decider's snapshot.
//
// Listed   the measure about one number of the list is the list's terms and its place there: `Measures` finds it by id and
//          token like any other, and the first update of it makes it a row of its own. Once the list is `done` they exist.
// Runs     while a list is read its lines are kept as sorted runs (1, 2 …); run 0 is the list itself, in order of token,
//          each number once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "store/page.h"

namespace pandun::store {

struct CardBatchRow {
  std::int64_t seq = 0;
  std::string id, case_id, kind, category, ground_id, scope, reason, skip_reason, notice, appeal_channel;
  std::string state;  // reading, loaded, proposed, approved (the measures are about to stand), done, refused, lapsed
  std::string loaded_by, proposed_by, refused_reason, name, digest;
  std::vector<std::string> approvals;
  std::int64_t lines = 0, members = 0, duplicate = 0, faulty = 0, set_aside = 0;
  std::string groups;        // JSON: {"hospital": 3, "unknown": 7}: who was set aside, by protected group
  std::int64_t offset = 0;   // bytes of the list taken so far
  std::int64_t created = 0;  // measures made so far
  std::string cursor;        // of lists whose measures were made one by one: the last token
  WallMs proposed_at, expires_at, lapse_at;
  std::optional<WallMs> decided_at, done_at, check_due;
  std::string rest_state = "approved";  // of the measures that have no row of their own: approved, lapsed
  std::optional<WallMs> rest_ended_at;
};

// Lines in order, each between two '\n'.
struct CardChunk {
  std::int64_t first = 0, members = 0;  // number of its first line within the run, from 1
  std::string first_token, tokens;
};

inline constexpr std::int64_t kCardsPerChunk = 100;  // of run 0

// One number of a list, in order of its place. `own_row`: seq of its measure's own row; 0 while it stands in the list alone.
struct CardMember {
  std::int64_t place = 0, own_row = 0;
  std::string_view token;
};

class CardBatches {
 public:
  virtual ~CardBatches() = default;
  virtual Result<std::optional<CardBatchRow>> by_id(const std::string& id) const = 0;
  virtual Result<std::optional<CardBatchRow>> of_digest(const std::string& case_id,
                                                        const std::string& digest) const = 0;
  virtual Result<Page<CardBatchRow>> list(const std::string& state, const PageRequest& page) const = 0;
  virtual Result<std::vector<std::pair<std::string, std::int64_t>>> counts(
      const std::string& id) const = 0;  // measures by state
  virtual Result<> insert(const CardBatchRow& row) = 0;
  virtual Result<> update(const CardBatchRow& row) = 0;

  // The first chunk of the run that begins behind place `after`.
  virtual Result<std::optional<CardChunk>> chunk(std::int64_t batch_seq, std::int64_t run,
                                                 std::int64_t after) const = 0;
  virtual Result<std::int64_t> runs(std::int64_t batch_seq) const = 0;  // the highest; 0: none
  // At most `chunks` chunks of the list behind `after`; each token is good during the call only. The last place, 0: no more.
  virtual Result<std::int64_t> members(const CardBatchRow& row, std::int64_t after, int chunks,
                                       const std::function<void(const CardMember&)>& each) const = 0;
  virtual Result<> add_chunk(std::int64_t batch_seq, std::int64_t run, const CardChunk& chunk) = 0;
  virtual Result<> drop_list(std::int64_t batch_seq) = 0;  // run 0, to be merged anew
  // What nobody needs: lists that were refused or lapsed, runs of lists that were read. How many chunks went.
  virtual Result<std::int64_t> drop_items(int limit) = 0;
  // Ends what is over or whose check came to nothing: a list's listed measures at once, at most `limit` of those with a row of
  // their own; how many, by batch.
  virtual Result<std::vector<std::pair<std::string, std::int64_t>>> lapse_due(WallMs now, int limit) = 0;
};

}  // namespace pandun::store
