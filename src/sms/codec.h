// What the session engine needs to know of a protocol between an ESME (a service provider) and an SMSC: SMPP and CMPP each are one
// Codec. Frames pass as the bytes that came, with another sequence number at most.
//
// Safety   message() reads who writes to whom and never the text. text() reads it, and asks for a Contract: a value that only
//          contracts.h can make, from a business sender's entry in the content.
// Threads  a codec is immutable; views point into the frame.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sms/body.h"

namespace pandun::sms {

class Contract;

enum class Kind : std::uint8_t {
  kBind,
  kSubmit,   // ESME → SMSC: carries a message
  kDeliver,  // SMSC → ESME: a message, or a delivery receipt
  kMessage,  // either way (SMPP's data_sm)
  kReplace,  // another text for a message that waits (SMPP's replace_sm)
  kLinkTest,
  kUnbind,
  kOther,    // any other request: passes as it is
  kNotice,   // passes as it is and has no answer (outbind, alert_notification)
  kAnswer,   // to any of the above
  kRefused,  // an answer that names no command (generic_nack)
};

struct Frame {
  Kind kind = Kind::kOther;
  std::uint32_t command = 0, sequence = 0;
  std::uint32_t status = 0;  // of an answer; 0 = done
  std::string_view bytes;
};

struct Address {
  std::uint8_t ton = 0, npi = 0;  // type of number, numbering plan (SMPP 5.2.5, 5.2.6); CMPP has neither
  std::string_view digits;
};
inline constexpr std::uint8_t kTonInternational = 1, kTonAlphanumeric = 5;

// Who writes to whom, and how; never what.
struct Message {
  Address sender;
  std::vector<Address> recipients;
  bool receipt = false;         // a delivery receipt or another report about a message: passes and is not counted
  bool silent = false;          // protocol id 0x40, "short message type 0": shown to nobody (3GPP TS 23.040 9.2.3.9)
  bool port_addressed = false;  // UDH with application ports: for a program, not for a person
  bool lists = false;           // also to distribution lists that only the SMSC can read
};

// Why the gate itself answers a request with an error. Each codec has its own code for each.
enum class Refusal : std::uint8_t {
  kVerdict,       // rejected by decision
  kUpstreamLost,  // the far side went away before it answered
  kTimeout,       // the far side did not answer in time
  kThrottled,     // try again later: draining or too much at once
  kNotBound,
  kMalformed,
};
inline constexpr std::size_t kRefusals = 6;

struct Framing {
  std::size_t size = 0;  // of the first frame; 0: not all of its length field is here yet
  bool bad = false;      // a length that no frame can have: the stream cannot be read on
};

class Codec {
 public:
  virtual ~Codec() = default;
  virtual std::string_view name() const = 0;  // "smpp", "cmpp"
  virtual Framing framing(std::string_view bytes) const = 0;
  virtual Frame read(std::string_view frame) const = 0;  // of exactly the framing's size

  // False when a field that decisions rest on cannot be read. `out` is overwritten.
  virtual bool message(const Frame& frame, Message& out) const = 0;
  virtual bool text(const Frame& frame, const Contract& contract, Body& out) const = 0;
  virtual std::string_view account(const Frame& bind) const = 0;  // "" when it cannot be read

  virtual void set_sequence(char* frame, std::uint32_t sequence) const = 0;
  // The answer to `request` with an error; nothing for kinds that have no answer.
  virtual void refuse(const Frame& request, Refusal why, std::string& out) const = 0;
  // The frame without the recipients at these places (ascending), or false when the protocol cannot answer for single ones.
  virtual bool without_recipients(const Frame& submit, const std::vector<std::size_t>& places,
                                  std::string& out) const = 0;
  // To the far side's answer: that these recipients (addresses as in the request, frame `submit`) were refused.
  virtual void add_refused(const Frame& submit, const std::vector<std::size_t>& places, std::string& answer) const = 0;
  virtual void link_test(std::uint32_t sequence, std::string& out) const = 0;
  virtual void answer_link_test(const Frame& test, std::string& out) const = 0;
  virtual void unbind(std::uint32_t sequence, std::string& out) const = 0;
  virtual void answer_unbind(const Frame& unbind, std::string& out) const = 0;
  // To a stream that cannot be read on.
  virtual void bad_length(std::string& out) const = 0;
  virtual std::uint32_t sequence_max() const = 0;
  // The codec for a conversation that begins with this bind: versions of a protocol differ in their fields.
  virtual const Codec& for_bind(const Frame& bind) const = 0;
};

}  // namespace pandun::sms
