#include "sources/kit/csv_source.h"

#include <algorithm>
#include <array>
#include <string>

#include "sources/kit/scan.h"

namespace pandun::sources {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return out;
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return text.size() <= 24 && std::find(words.begin(), words.end(), lower(text)) != words.end();
}

}  // namespace

std::string_view base_name(std::string_view file_name) {
  if (file_name.ends_with(".gz")) file_name.remove_suffix(3);
  std::size_t digits = 0;
  while (digits < file_name.size() && is_digit(file_name[file_name.size() - 1 - digits])) ++digits;
  if (digits > 0 && digits < file_name.size() && file_name[file_name.size() - 1 - digits] == '.')
    file_name.remove_suffix(digits + 1);
  return file_name;
}

bool is_csv_name(std::string_view file_name) {
  return lower(base_name(file_name)).ends_with(".csv");
}

bool name_has(std::string_view file_name, std::initializer_list<std::string_view> words) {
  const std::string name = lower(file_name);
  return std::any_of(words.begin(), words.end(), [&](auto word) { return name.find(word) != std::string::npos; });
}

Result<ColumnMap> column_map(const Input& input, std::string_view toml,
                             const std::vector<std::string_view>& canonical) {
  if (input.map_file.empty() && toml.empty()) return ColumnMap{};
  return ColumnMap::parse(toml, input.map_file, input.kind, canonical);
}

bool csv_answered(std::string_view text, model::Answered& answered) {
  if (text.empty()) return true;
  if (is_one_of(text, {"true", "1", "yes", "y", "t"})) {
    answered = model::Answered::kYes;
  } else if (is_one_of(text, {"false", "0", "no", "n", "f"})) {
    answered = model::Answered::kNo;
  } else {
    return false;
  }
  return true;
}

bool csv_international(std::string_view kind) {
  return is_one_of(kind, {"international", "intl", "i", "international_roaming", "roaming_international"});
}

bool csv_roaming(std::string_view kind) {
  return kind.size() >= 7 && is_one_of(kind, {"roaming", "international_roaming", "roaming_international"});
}

bool csv_token(std::string_view text, std::size_t most) {
  return !text.empty() && text.size() <= most && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           std::string_view("-_.:+/=@").find(c) != std::string_view::npos;
  });
}

bool looks_like_identity_number(std::string_view text) {
  if (text.size() != 15 && text.size() != 18) return false;
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  return std::all_of(text.begin(), text.end() - 1, digit) &&
         (digit(text.back()) || text.back() == 'X' || text.back() == 'x');
}

bool csv_host(std::string_view text) {
  return !text.empty() && text.size() <= 253 && std::all_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) > 0x20 && std::string_view("/:?#@\\,;").find(c) == std::string_view::npos;
  });
}

}  // namespace pandun::sources
