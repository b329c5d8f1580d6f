// One Suricata EVE record as text by slot, before anything is judged.
//
// Source   Suricata 4 to 8 user guide, "Eve JSON Format"; DNS in the forms of versions 1, 2 and 3.
// Threads  one owner.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace pandun::sources::eve {

enum Slot : std::size_t {
  kTimestamp,
  kType,
  kSrcIp,
  kSrcPort,
  kDestIp,
  kDestPort,
  kProto,
  kAppProto,
  kDirection,
  kPktsOut,
  kPktsIn,
  kBytesOut,
  kBytesIn,
  kStart,
  kEnd,
  kFlowState,
  kFlagsOut,
  kFlagsIn,
  kTcpState,
  kSignature,
  kCategory,
  kSeverity,
  kGid,
  kSid,
  kRev,
  kAction,
  kDnsType,
  kRrname,
  kRrtype,
  kRcode,
  kRdata,
  kAnswers,
  kHostname,
  kUrl,
  kAgent,
  kMethod,
  kStatus,
  kLength,
  kContentType,
  kSni,
  kFingerprint,
  kJa3,
  kJa3s,
  kFileName,
  kFileSize,
  kMd5,
  kSha1,
  kSha256,
  kMagic,
  kSlots
};
using Record = std::array<std::string_view, kSlots>;

class RecordReader {
 public:
  RecordReader();
  ~RecordReader();
  // False: not one whole JSON object. Objects that the record's event_type does not need are passed over.
  bool read(std::string_view line, Record& out);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pandun::sources::eve
