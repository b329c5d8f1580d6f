#include "ingest/rejects.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace pandun::ingest {
namespace {

constexpr std::size_t kRun = 5;     // digits in one piece that are masked
constexpr std::size_t kJoined = 7;  // digits in pieces with single spaces, hyphens or brackets between
constexpr std::size_t kShown = 3;
constexpr std::size_t kFlushAt = 64 * 1024;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
std::uint8_t byte(char c) {
  return static_cast<std::uint8_t>(c);
}

// Length of the UTF-8 sequence at `at`, 0 if it is not well formed (RFC 3629).
std::size_t utf8_length(std::string_view text, std::size_t at) {
  const std::uint8_t lead = byte(text[at]);
  std::size_t length = 0;
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf)
    length = 2;
  else if (lead >= 0xe0 && lead <= 0xef)
    length = 3;
  else if (lead >= 0xf0 && lead <= 0xf4)
    length = 4;
  else
    return 0;
  if (at + length > text.size()) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(text[at + i]) & 0xc0) != 0x80) return 0;
  const std::uint8_t second = byte(text[at + 1]);
  if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) ||
      (lead == 0xf4 && second > 0x8f))
    return 0;
  return length;
}

// Printable UTF-8 with full-width digits made plain; control and broken bytes as \xHH.
std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 3 && byte(text[i]) == 0xef && byte(text[i + 1]) == 0xbc && byte(text[i + 2]) >= 0x90 &&
        byte(text[i + 2]) <= 0x99) {
      out.push_back(static_cast<char>('0' + (byte(text[i + 2]) - 0x90)));
    } else if (length == 0 || (length == 1 && (byte(text[i]) < 0x20 || byte(text[i]) == 0x7f)) ||
               (length == 2 && byte(text[i]) == 0xc2 && byte(text[i + 1]) < 0xa0)) {
      for (std::size_t k = 0; k < std::max<std::size_t>(length, 1); ++k)
        fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte(text[i + k]));
    } else {
      out.append(text.substr(i, length));
    }
    i += std::max<std::size_t>(length, 1);
  }
  return out;
}

// "2024-04-19": a date is not an identity, and shows where the record stood.
bool is_date(std::string_view text, std::size_t at) {
  if (at + 10 > text.size() || text[at + 4] != '-' || text[at + 7] != '-') return false;
  for (const std::size_t i : {0U, 1U, 2U, 3U, 5U, 6U, 8U, 9U})
    if (!is_digit(text[at + i])) return false;
  return text.substr(at, 2) == "19" || text.substr(at, 2) == "20";
}

// A telephone number as people write it: pieces of digits with single spaces, hyphens or brackets between.
struct Piece {
  std::size_t end = 0, digits = 0, longest = 0;
};
Piece piece_at(std::string_view text, std::size_t at) {
  Piece piece;
  std::size_t run = 0;
  for (std::size_t i = at; i < text.size();) {
    if (is_digit(text[i])) {
      ++piece.digits;
      piece.longest = std::max(piece.longest, ++run);
      piece.end = ++i;
    } else if ((text[i] == '-' || text[i] == ' ' || text[i] == ')' || text[i] == '(') && i + 1 < text.size() &&
               is_digit(text[i + 1]) && !is_date(text, i + 1)) {
      run = 0;
      ++i;
    } else {
      break;
    }
  }
  return piece;
}

}  // namespace

std::string mask_digits(std::string_view raw, std::size_t bytes_max) {
  std::string text = printable(raw.substr(0, 4 * bytes_max));
  for (std::size_t i = 0; i < text.size();) {
    if (!is_digit(text[i])) {
      ++i;
    } else if ((i == 0 || !is_digit(text[i - 1])) && is_date(text, i) &&
               (i + 10 == text.size() || !is_digit(text[i + 10]))) {
      i += 10;
    } else {
      const Piece piece = piece_at(text, i);
      if (piece.longest >= kRun || piece.digits >= kJoined) {
        std::size_t shown = 0;
        for (std::size_t k = i; k < piece.end; ++k)
          if (is_digit(text[k]) && ++shown > kShown) text[k] = '*';
      }
      i = piece.end;
    }
  }
  if (text.size() > bytes_max) {
    std::size_t cut = bytes_max;
    while (cut > 0 && (byte(text[cut]) & 0xc0) == 0x80) --cut;
    text.resize(cut);
  }
  return text;
}

namespace {

void append_json(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  out.push_back('"');
}

}  // namespace

std::string reject_line(const model::Reject& reject, std::string_view source_name) {
  std::string out = R"({"source":)";
  append_json(out, printable(source_name));
  fmt::format_to(std::back_inserter(out), R"(,"position":{},"reason":"{}","detail":)", reject.record,
                 model::name(reject.reason));
  append_json(out, mask_digits(reject.detail, 400));
  out += R"(,"excerpt":)";
  append_json(out, mask_digits(reject.excerpt));
  out.push_back('}');
  return out;
}

Result<> RejectLog::add(const model::Reject& reject, std::string_view source_name) {
  ++by_reason_[static_cast<std::size_t>(reject.reason)];
  if (++count_ > lines_max_) return {};
  buffer_ += reject_line(reject, source_name);
  buffer_.push_back('\n');
  if (buffer_.size() >= kFlushAt) return flush();
  return {};
}

Result<> RejectLog::flush() {
  if (buffer_.empty()) return {};
  TRY(file_->append(buffer_));
  buffer_.clear();
  return {};
}

Result<> RejectLog::finish() {
  if (count_ > lines_max_)
    buffer_ += fmt::format(
        R"({{"source":"","position":0,"reason":"left_out","detail":"{} more rejects were counted but not written","excerpt":""}})"
        "\n",
        count_ - lines_max_);
  return flush();
}

}  // namespace pandun::ingest
