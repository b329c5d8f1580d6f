#include "sources/zeek/tsv.h"

#include "sources/kit/scan.h"

namespace pandun::sources::zeek {
namespace {

// "\x09" and the like; other text stands for itself.
std::string unescaped(std::string_view text) {
  const auto hex = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '\\' && i + 3 < text.size() && text[i + 1] == 'x' && hex(text[i + 2]) >= 0 && hex(text[i + 3]) >= 0;
    out += escape ? static_cast<char>(hex(text[i + 2]) * 16 + hex(text[i + 3])) : text[i];
    if (escape) i += 3;
  }
  return out;
}

}  // namespace

// What follows the key of "#key<separator>value"; #separator itself is followed by a space, in hand-made files by a tab.
std::string_view TsvHead::value_of(std::string_view text) const {
  const std::size_t at = text.find_first_of(std::string_view(" \t")), own = text.find(separator_);
  const std::size_t cut = std::min(at, own);
  return cut == std::string_view::npos ? std::string_view() : text.substr(cut + 1);
}

bool TsvHead::line(std::string_view text) {
  constexpr std::size_t kLinesMax = 64 * 1024;
  const auto is = [&](std::string_view key) {
    return text.starts_with(key) && (text.size() == key.size() || text[key.size()] == separator_ ||
                                     text[key.size()] == ' ' || text[key.size()] == '\t');
  };
  if (is("#separator")) {
    *this = TsvHead();  // a new log begins, perhaps joined to another
    const std::string separator = unescaped(value_of(text));
    separator_length_ = separator.size();
    if (supported()) separator_ = separator[0];
  } else if (is("#set_separator")) {
    const std::string separator = unescaped(value_of(text));
    set_separator_ = separator.empty() ? ',' : separator[0];
  } else if (is("#empty_field")) {
    empty_ = unescaped(value_of(text));
  } else if (is("#unset_field")) {
    unset_ = unescaped(value_of(text));
  } else if (is("#path")) {
    path_ = value_of(text);
  } else if (is("#fields")) {
    fields_.clear();
    std::string_view rest = value_of(text);
    for (std::size_t end = 0; end != std::string_view::npos; rest.remove_prefix(std::min(end, rest.size() - 1) + 1)) {
      end = rest.find(separator_);
      fields_.emplace_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
    }
    ready_ = true;
  } else {
    return false;  // #types, #open, #close and remarks
  }
  if (lines_.size() + text.size() < kLinesMax) lines_.append(text).append("\n");
  return ready_ && is("#fields");
}

void TsvHead::plan(const LogType& type) {
  uses_.clear();
  extra_ = 0;
  ends_.assign(fields_.size(), 0);
  for (std::size_t i = 0; i < fields_.size(); ++i) {
    const int slot = type.slot_of(fields_[i]);
    if (slot >= 0) uses_.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(slot)});
    if (!type.knows(fields_[i])) ++extra_;
  }
}

bool TsvHead::split(std::string_view text, Row& row, std::size_t& found) {
  const std::size_t last = fields_.size() - 1;
  const std::size_t separators = find_separators(text, separator_, ends_.data(), last);
  found = separators + 1;
  if (separators != last) return false;
  ends_[last] = static_cast<std::uint32_t>(text.size());
  row.set_separator = set_separator_;
  const bool one = unset_.size() == 1;
  const char unset = one ? unset_[0] : '\0', empty = empty_.empty() ? '\0' : empty_[0];
  for (const Use use : uses_) {
    const std::uint32_t from = use.column == 0 ? 0 : ends_[use.column - 1] + 1;
    std::string_view value(text.data() + from, ends_[use.column] - from);
    if (one ? value.size() == 1 && value[0] == unset : value == unset_) value = {};
    if (!value.empty() && value[0] == empty && value == empty_) value = {};
    row.at[use.slot] = value;
  }
  return true;
}

}  // namespace pandun::sources::zeek
