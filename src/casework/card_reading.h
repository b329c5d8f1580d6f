// How a list of cards is read: sorted run by sorted run, then merged, so that five million lines need a few MB of memory and
// every write goes to one place. Inside casework only.
#pragma once

#include <map>
#include <string>

#include "casework/card_batches.h"

namespace pandun::casework {

inline constexpr std::string_view kUnknownGroup = "unknown";  // nobody can say whether the number is protected

using Groups = std::map<std::string, std::int64_t>;
Groups read_groups(const std::string& json);

// Tells a list from another, so that a second loading is known: no secret and no proof. `size` is the bytes read.
Result<std::string> digest_of_list(const platform::ReadableFile& list, std::uint64_t& size);

// Reads on where `row` stands and merges. `row` is left with its counts; its state is the caller's. Lists with too many
// lines end as refused: kTooLarge.
Result<> read_cards(const DeskParts& parts, const CardHooks& hooks, const platform::ReadableFile& list,
                    std::uint64_t size, store::CardBatchRow& row);

}  // namespace pandun::casework
