// The rejects file: one JSON line a record that could not be used, {"source","position","reason","detail","excerpt"}.
//
// Safety   every excerpt and detail leaves with its digit runs masked: a broken record may still hold a telephone
// number. Bounds   at most `lines_max` lines are written; all are counted, and the last line says how many were left
// out.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/reject.h"
#include "platform/file_system.h"

namespace pandun::ingest {

// Each run of 5 or more digits keeps its first three and becomes "138********"; full-width digits count as digits.
// Bytes that are not printable UTF-8 become "\xHH". At most `bytes_max` bytes come out, cut at a character.
std::string mask_digits(std::string_view text, std::size_t bytes_max = 160);

std::string reject_line(const model::Reject& reject, std::string_view source_name);  // without line end

class RejectLog {
 public:
  explicit RejectLog(std::unique_ptr<platform::WritableFile> file, std::uint64_t lines_max = 1'000'000)
      : file_(std::move(file)), lines_max_(lines_max) {}

  Result<> add(const model::Reject& reject, std::string_view source_name);
  Result<> flush();   // what is buffered, to the file; no sync
  Result<> finish();  // flush, and the line that says what was left out

  std::uint64_t count() const { return count_; }
  std::uint64_t count(model::RejectReason reason) const { return by_reason_[static_cast<std::size_t>(reason)]; }

 private:
  std::unique_ptr<platform::WritableFile> file_;
  std::string buffer_;
  std::uint64_t lines_max_, count_ = 0;
  std::array<std::uint64_t, 32> by_reason_{};
};

}  // namespace pandun::ingest
