// What the CSV sources' folders share besides decoding: which files are theirs, and how a map is read.
#pragma once

#include <string_view>
#include <vector>

#include "sources/kit/column_map.h"
#include "sources/kit/source.h"

namespace pandun::sources {

// "day.csv", "day.csv.gz", "day.csv.3": a name whose extension is `.csv`, in any case.
bool is_csv_name(std::string_view file_name);
// Whether any of the words stands in the name, in any case.
bool name_has(std::string_view file_name, std::initializer_list<std::string_view> words);
// ".gz" and a rotation's ".3" taken off.
std::string_view base_name(std::string_view file_name);

// The canonical form when `toml` is empty.
Result<ColumnMap> column_map(const Input& input, std::string_view toml, const std::vector<std::string_view>& canonical);

// true/false, yes/no, y/n, t/f, 1/0 in any case; empty leaves it unknown. False for anything else.
bool csv_answered(std::string_view text, model::Answered& answered);
bool csv_international(std::string_view kind);
bool csv_roaming(std::string_view kind);
// A hash, token or id as a machine writes one: 1 to `most` ASCII letters, digits and - _ . : + / = @. Never a sentence, never a
// word in another script.
bool csv_token(std::string_view text, std::size_t most);
// A resident identity number: 15 or 18 digits, the last of which may be X (GB 11643). A device's or card's identity has 15 too.
bool looks_like_identity_number(std::string_view text);
// A host name alone, at most 253 characters: no scheme, no path.
bool csv_host(std::string_view text);

}  // namespace pandun::sources
