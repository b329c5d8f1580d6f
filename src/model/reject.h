// A record that cannot be used: where it stood and why. The stream goes on; the record is never lost silently.
//
// Safety   `excerpt` has every run of 5 or more digits masked (ingest/rejects.h does it for all), because a broken record
//          may still hold a telephone number.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace pandun::model {

// Stable codes, shown in rejects.jsonl and on the console; tests assert them.
enum class RejectReason : std::uint8_t {
  kFieldCount,
  kBadTime,
  kTimeForm,
  kFutureTime,
  kMissingField,
  kBadNumber,
  kBadAddress,
  kBadJson,
  kTooLong,
  kBinary,
  kEncoding,
  kUnknownRecord,
  kTruncated,
  kBadValue,
};
std::string_view name(RejectReason reason);  // "field_count", "bad_time", …

struct Reject {
  std::uint32_t source = 0;
  std::uint64_t record = 0;  // 1-based line or record number
  RejectReason reason{};
  std::string detail;   // for a person: which field, what was expected
  std::string excerpt;  // at most 160 bytes, printable, masked
};

}  // namespace pandun::model
