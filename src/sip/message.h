// One SIP message as spans into its datagram: read once, front to back, without allocation.
//
// Shape    fields are kept in the order of the message, so that Via can be copied and a message passed on unchanged.
// Strict   whatever two readers could read in two ways is a fault with the answer that RFC 3261 asks for. What is merely
//          unusual (folding, compact forms, unknown headers, white space before the colon) is read.
// Errors   parse() returns the first fault in reading order; the fields that were found are there for the answer.
// Threads  plain values. The datagram must outlive them.
// Source   RFC 3261 sections 7, 8.1.1, 8.2, 20, 25; RFC 4475; RFC 5118.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "sip/uri.h"

namespace pandun::sip {

enum class Method : std::uint8_t {
  kInvite,
  kAck,
  kCancel,
  kBye,
  kOptions,
  kMessage,
  kRegister,
  kPrack,
  kUpdate,
  kInfo,
  kSubscribe,
  kNotify,
  kRefer,
  kPublish,
  kUnknown,
};

enum class Name : std::uint8_t {
  kVia,
  kFrom,
  kTo,
  kCallId,
  kCSeq,
  kMaxForwards,
  kContentLength,
  kRoute,
  kRequire,
  kProxyRequire,
  kTimestamp,
  kAssertedIdentity,
  kPreferredIdentity,
  kRemotePartyId,
  kPrivacy,
  kDiversion,
  kHistoryInfo,
  kIdentity,
  kReason,
  kFeatureCaps,
  kContact,
  kOther,
};
inline constexpr std::size_t kNames = static_cast<std::size_t>(Name::kOther) + 1;

struct Field {
  Name name = Name::kOther;
  std::string_view value;  // without the white space around it; folds inside
  std::string_view line;   // all of it, line ends included
};

struct Via {
  std::string_view text;  // from "SIP" to its last parameter
  std::string_view transport, host, params;
  std::string_view sent_by;  // host[:port] as written
  std::string_view branch;   // "" if none
  std::uint16_t port = 0;    // 0: none written
  bool rport = false;
};

struct Address {
  std::string_view display;  // quotes included
  std::string_view tag;
  Uri uri{};
};

struct Limits {
  std::uint32_t message_bytes = 65535;
  std::uint16_t headers = 128;
  std::uint16_t vias = 70;
  std::uint16_t identities = 10;
  std::uint32_t uri_bytes = 1024;
  std::uint32_t identity_bytes = 8192;
};
inline constexpr std::size_t kFieldsMax = 256;  // Limits::headers cannot be set above it

struct Fault {
  std::uint16_t status = 0;  // 0: none
  const char* reason = "";   // the words of the status line
  bool silent = false;       // nothing that could be answered: noise, keep-alive, a response
  explicit operator bool() const { return status != 0 || silent; }
};

// What is cleared before each reading; the fields themselves are only overwritten.
struct MessageHead {
  std::string_view bytes{}, method_text{}, target_text{}, body{};
  std::string_view status_line_rest{};  // responses: after "SIP/2.0 "
  Method method = Method::kUnknown;
  bool response = false;
  std::uint16_t status = 0;  // responses

  Uri target{};
  Via via{};  // the topmost
  Address from{}, to{};
  std::uint32_t cseq = 0;
  std::uint16_t max_forwards = 70;
  std::uint16_t via_count = 0;

  std::uint16_t field_count = 0;
  std::uint16_t vias_end = 0;                 // index + 1 of the last Via field
  std::array<std::uint16_t, kNames> first{};  // index + 1 of the first field of that name; 0: none
};

extern const MessageHead kNothingRead;  // copied before each reading: faster than to be made anew

struct Message : MessageHead {  // large: one for each reader, used again and again
  std::array<Field, kFieldsMax> fields{};

  const Field* find(Name name) const {
    const std::uint16_t at = first[static_cast<std::size_t>(name)];
    return at == 0 ? nullptr : &fields[at - 1U];
  }
  std::string_view value(Name name) const {
    const Field* const field = find(name);
    return field == nullptr ? std::string_view() : field->value;
  }
};

Fault parse(std::string_view bytes, const Limits& limits, Message& out);

// name-addr or addr-spec with header parameters; `rest` receives what follows a comma. False when it is neither.
bool parse_address(std::string_view value, Address& out, std::string_view* rest = nullptr);
// The first value of a Via header; `rest` receives what follows its comma, "" if nothing.
bool parse_via(std::string_view value, Via& out, std::string_view& rest);

Method method_of(std::string_view text);

}  // namespace pandun::sip
