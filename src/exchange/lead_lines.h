// A lead file, line by line: CSV with a header, or JSON lines with the same names.
//
// Format   lead_id,kind,hash,observed_at,confidence,purpose,expires_at[,key_id]; UTF-8, LF or CRLF, no quoting. Other columns are
//          ignored. A line of kind "withdrawn" takes an earlier lead back and needs its lead_id only.
// Errors   header: kBadInput names the missing column. A line: why it cannot be used, as a code and words; what a line holds is
//          never repeated, since it may be a number in the clear.
// Safety   reads bytes of strangers: no allocation beyond the line, no number is read that is not finite and in range.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "exchange/number_hash.h"
#include "platform/file_system.h"

namespace pandun::exchange {

inline constexpr std::size_t kLeadLineMax = 2048;
inline constexpr std::int64_t kLeadLinesMax = 5'000'000;

struct LeadLine {
  std::string lead_id, kind, purpose, key_id;
  NumberHash hash{};
  WallMs observed_at, expires_at;
  double confidence = 0;
};

// code: one of fields, lead_id, kind, hash, time, confidence, too_long, json; and those of the desk.
struct LineFault {
  std::string_view code;
  std::string why;
};

class LeadLineParser {
 public:
  LeadLineParser();
  ~LeadLineParser();
  LeadLineParser(const LeadLineParser&) = delete;
  LeadLineParser& operator=(const LeadLineParser&) = delete;

  // The first line that is not empty: a header, or already a line of JSON (then `is_lead` is true and it is to be parsed).
  Result<> begin(std::string_view first, bool& is_lead);
  // Nothing when `out` was filled.
  std::optional<LineFault> parse(std::string_view line, LeadLine& out);

 private:
  struct Json;
  std::optional<LineFault> split(std::string_view line);
  std::optional<LineFault> read_json(std::string_view line);
  std::unique_ptr<Json> json_;  // set when the file is JSON lines
  std::vector<int> columns_;    // which field a column is, -1: none
  std::vector<std::string> fields_;
};

// Lead ids name a record of the partner's, never a person: what could be a telephone number is refused.
bool usable_lead_id(std::string_view id);

// Lines of a file of any length in constant memory, from a byte offset on.
class LineReader {
 public:
  LineReader(const platform::ReadableFile& file, std::uint64_t offset, std::size_t line_max = kLeadLineMax);
  // False at the end. The text is good until the next call; \r and a mark at the file's start are gone.
  Result<bool> next(std::string_view& line, bool& too_long);
  std::uint64_t offset() const { return start_ + at_; }  // behind the line last given

 private:
  const platform::ReadableFile& file_;
  std::vector<char> buffer_;
  std::string line_;
  std::uint64_t start_;  // of the buffer in the file
  std::size_t at_ = 0, end_ = 0, line_max_;
};

}  // namespace pandun::exchange
