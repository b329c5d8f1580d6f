// One proposal about up to five million numbers, given as a list of tokens (断卡批次): loaded, proposed by a person, approved by
// another; from then on there is a measure for each number.
//
// List     CSV "token" or "token,protected_group", header optional; lines that cannot be used are counted and handed to `fault`.
//          A group is a word of at most 40 bytes in UTF-8; beyond 200 different ones the rest is counted as "other".
//          A number that stands there several times is taken once, and set aside when any of its lines names a group.
//          The same list for the same case is taken once; an interrupted loading goes on where it stopped.
// Groups   numbers of protected groups, as the list or the sealed number itself says, are set aside and counted by group. Where
//          neither says anything the number counts as "unknown": it may be asked to re-verify and be warned, nothing more.
// Measures act at the carriers, by the exported list; each has its appeal, re-verification and end like any other.
// Errors   kNotAllowed, kNotFound, kConflict, kUsage, kTooLarge, kIo / kUnavailable.
// Threads  thread-safe; one loading at a time.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "casework/case_desk.h"
#include "platform/file_system.h"

namespace pandun::casework {

inline constexpr std::int64_t kCardLinesMax = 5'000'000;

struct CardBatchView {
  store::CardBatchRow row;
  std::string case_number;
  LocalText title;                                           // of the kind
  std::vector<std::pair<std::string, std::int64_t>> groups;  // set aside, by protected group; "unknown" is taken in
  std::vector<std::pair<std::string, std::int64_t>> counts;  // measures by state; only where asked for
  bool may_propose = false, may_approve = false, may_refuse = false;  // refusing asks no higher role than an approver's
  std::optional<LocalText> why_not;                                   // why the asker may not approve
};

struct CardHooks {
  std::function<void(std::int64_t lines, std::uint64_t bytes, std::uint64_t bytes_total)> progress{};
  std::function<Result<>(std::int64_t line, std::string_view why)> fault{};
  std::int64_t lines_max = kCardLinesMax;  // without the header
  // How much one write takes: what an interrupted loading reads again at most, and what a merge holds in memory.
  std::size_t lines_per_run = 50'000, merged_per_write = 20'000;
};

struct CardWork {
  std::int64_t made = 0, lapsed = 0;
  bool more = false;              // there is work left: come again soon
  std::vector<std::string> done;  // batches that were finished
};

class CardDesk {
 public:
  explicit CardDesk(const DeskParts& parts) : parts_(parts) {}

  Result<CardBatchView> load(const guard::Actor& actor, const std::string& case_id, const std::string& name,
                             const platform::ReadableFile& list, const CardHooks& hooks = {});
  Result<CardBatchView> propose(const guard::Actor& actor, const std::string& id, const MeasureTerms& terms);
  Result<CardBatchView> approve(const guard::Actor& actor, const std::string& id);
  Result<CardBatchView> refuse(const guard::Actor& actor, const std::string& id, const std::string& reason);
  Result<CardBatchView> batch(const guard::Actor& actor, const std::string& id) const;
  Result<ViewPage<CardBatchView>> batches(const guard::Actor& actor, const std::string& state,
                                          const store::PageRequest& page) const;
  // By the software alone, in short transactions of its own, for about `budget`: makes what was approved, ends what is over.
  Result<CardWork> work(std::chrono::milliseconds budget);

 private:
  DeskParts parts_;
};

}  // namespace pandun::casework
