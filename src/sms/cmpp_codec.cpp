#include "sms/cmpp_codec.h"

#include "sms/bytes.h"
#include "sms/contracts.h"
#include "sms/user_data_header.h"

namespace pandun::sms {
namespace {

using namespace cmpp;

// Where the fields of submit and deliver stand; versions differ in the size of some.
struct Layout {
  std::uint8_t protocol_id = 0, format = 0;
  Part part;
  bool udhi = false, report = false;
  std::string_view content;
};

bool read_submit(const Frame& frame, bool version3, Message& message, Layout& layout) {
  Reader reader(frame.bytes, kHeaderBytes);
  reader.take(8);  // Msg_Id
  layout.part.total = reader.u8();
  layout.part.number = reader.u8();
  reader.take(2 + 10 + 1);              // Registered_Delivery, Msg_level, Service_Id, Fee_UserType
  reader.take(version3 ? 32 + 1 : 21);  // Fee_terminal_Id, Fee_terminal_type
  layout.protocol_id = reader.u8();
  layout.udhi = (reader.u8() & 1) != 0;
  layout.format = reader.u8();
  reader.take(6 + 2 + 6 + 17 + 17);  // Msg_src, FeeType, FeeCode, Valid_Time, At_Time
  message.sender.digits = reader.padded(21);
  const unsigned count = reader.u8();
  for (unsigned i = 0; i < count && reader.ok(); ++i)
    message.recipients.push_back({0, 0, reader.padded(version3 ? 32 : 21)});
  if (version3) reader.u8();  // Dest_terminal_type
  layout.content = reader.take(reader.u8());
  reader.take(version3 ? 20 : 8);  // LinkID, or Reserve
  return reader.ok() && reader.done() && count != 0;
}

bool read_deliver(const Frame& frame, bool version3, Message& message, Layout& layout) {
  Reader reader(frame.bytes, kHeaderBytes);
  reader.take(8);
  message.recipients.push_back({0, 0, reader.padded(21)});  // Dest_Id: the service provider
  reader.take(10);
  layout.protocol_id = reader.u8();
  layout.udhi = (reader.u8() & 1) != 0;
  layout.format = reader.u8();
  message.sender.digits = reader.padded(version3 ? 32 : 21);
  if (version3) reader.u8();
  layout.report = reader.u8() != 0;
  layout.content = reader.take(reader.u8());
  reader.take(version3 ? 20 : 8);
  return reader.ok() && reader.done();
}

bool read_layout(const Frame& frame, bool version3, Message& message, Layout& layout) {
  message.recipients.clear();
  message.sender = {};
  message.lists = false;
  return frame.command == kSubmit ? read_submit(frame, version3, message, layout)
                                  : read_deliver(frame, version3, message, layout);
}

Alphabet alphabet(std::uint8_t format) {
  switch (format) {
    case 0:
      return Alphabet::kAscii;
    case 8:
    case 24:
      return Alphabet::kUcs2;
    case 15:
      return Alphabet::kGbk;
    case 3:
    case 4:
      return Alphabet::kBinary;
    default:
      return Alphabet::kOther;
  }
}

Kind kind_of(std::uint32_t command) {
  switch (command) {
    case kConnect:
      return Kind::kBind;
    case kTerminate:
      return Kind::kUnbind;
    case kSubmit:
      return Kind::kSubmit;
    case kDeliver:
      return Kind::kDeliver;
    case kActiveTest:
      return Kind::kLinkTest;
    default:
      return (command & kAnswerBit) != 0 ? Kind::kAnswer : Kind::kOther;
  }
}

// Where an answer says how it went: 4 bytes in version 3, 1 in version 2; nowhere in the others.
std::uint32_t result_of(std::uint32_t command, std::string_view frame, bool version3) {
  std::size_t at = kHeaderBytes;
  if (command == (kSubmit | kAnswerBit) || command == (kDeliver | kAnswerBit))
    at += 8;
  else if (command != (kConnect | kAnswerBit))
    return kOk;
  Reader reader(frame, at);
  if (!version3) {
    const std::uint8_t result = reader.u8();
    return reader.ok() ? result : kStructureError;
  }
  const std::string_view four = reader.take(4);
  return four.empty() ? kStructureError : u32_at(four, 0);
}

}  // namespace

void write_cmpp_header(std::string& out, std::uint32_t body_bytes, std::uint32_t command, std::uint32_t sequence) {
  Writer(out).u32(body_bytes + static_cast<std::uint32_t>(kHeaderBytes)).u32(command).u32(sequence);
}

CmppCodec::CmppCodec(CmppOptions options)
    : options_(options), third_(std::shared_ptr<const CmppCodec>(new CmppCodec(options, true))) {}

const Codec& CmppCodec::for_bind(const Frame& bind) const {
  // Version stands after Source_Addr and AuthenticatorSource: 0x20, 0x21 or 0x30.
  Reader reader(bind.bytes, kHeaderBytes + 6 + 16);
  return third_ != nullptr && reader.u8() >= 0x30 ? *third_ : *this;
}

Framing CmppCodec::framing(std::string_view bytes) const {
  if (bytes.size() < 4) return {};
  const std::uint32_t size = u32_at(bytes, 0);
  if (size < kHeaderBytes || size > kFrameBytesMax) return {0, true};
  return {size, false};
}

Frame CmppCodec::read(std::string_view frame) const {
  Frame out;
  out.bytes = frame;
  out.command = u32_at(frame, 4);
  out.sequence = u32_at(frame, 8);
  out.kind = kind_of(out.command);
  if (out.kind == Kind::kAnswer) out.status = result_of(out.command, frame, version3_);
  return out;
}

bool CmppCodec::message(const Frame& frame, Message& out) const {
  Layout layout;
  if (!read_layout(frame, version3_, out, layout)) return false;
  out.receipt = layout.report;
  out.silent = layout.protocol_id == 0x40;
  out.port_addressed = false;
  if (layout.udhi && !layout.report) {
    const UserDataHeader header = read_user_data_header(layout.content);
    if (header.size == 0) return false;
    out.port_addressed = header.ports;
  }
  return true;
}

bool CmppCodec::text(const Frame& frame, const Contract&, Body& out) const {
  Message message;
  Layout layout;
  if (!read_layout(frame, version3_, message, layout)) return false;
  out.alphabet = alphabet(layout.format);
  out.part = {};
  std::string_view octets = layout.content;
  if (layout.udhi) {
    const UserDataHeader header = read_user_data_header(octets);
    if (header.size == 0) return false;
    octets.remove_prefix(header.size);
    out.part = header.part;
  } else if (layout.part.number >= 1 && layout.part.number <= layout.part.total) {
    out.part = layout.part;  // Pk_total and Pk_number: pieces without a reference
  }
  out.fill(octets);
  return true;
}

std::string_view CmppCodec::account(const Frame& bind) const {
  Reader reader(bind.bytes, kHeaderBytes);
  return reader.padded(6);
}

void CmppCodec::set_sequence(char* frame, std::uint32_t sequence) const {
  put_u32(frame + 8, sequence);
}

void CmppCodec::refuse(const Frame& request, Refusal why, std::string& out) const {
  if (request.kind == Kind::kAnswer || request.kind == Kind::kRefused || request.kind == Kind::kNotice) return;
  std::uint32_t result = kOther;
  switch (why) {
    case Refusal::kVerdict:
      result = options_.reject_result;
      break;
    case Refusal::kThrottled:
      result = kFlowControl;
      break;
    case Refusal::kMalformed:
      result = kStructureError;
      break;
    case Refusal::kNotBound:
      result = kCommandError;
      break;
    case Refusal::kUpstreamLost:
    case Refusal::kTimeout:
      // A connect's 5 is "other errors"; a submit's 9 likewise.
      result = request.kind == Kind::kBind ? 5 : kOther;
      break;
  }
  std::string body;
  Writer writer(body);
  const auto put_result = [&] {
    if (version3_)
      writer.u32(result);
    else
      writer.u8(static_cast<std::uint8_t>(result));
  };
  switch (request.kind) {
    case Kind::kBind:
      put_result();
      writer.padded("", 16).u8(version3_ ? 0x30 : 0x20);
      break;
    case Kind::kSubmit:
      writer.padded("", 8);
      put_result();
      break;
    case Kind::kDeliver:
      writer.padded(request.bytes.size() >= kHeaderBytes + 8 ? request.bytes.substr(kHeaderBytes, 8) : "", 8);
      put_result();
      break;
    default:
      if (request.command == kCancel) version3_ ? writer.u32(1) : writer.u8(1);  // Success_Id: failed
      break;
  }
  write_cmpp_header(out, static_cast<std::uint32_t>(body.size()), request.command | kAnswerBit, request.sequence);
  out.append(body);
}

void CmppCodec::link_test(std::uint32_t sequence, std::string& out) const {
  write_cmpp_header(out, 0, kActiveTest, sequence);
}
void CmppCodec::answer_link_test(const Frame& test, std::string& out) const {
  write_cmpp_header(out, 1, kActiveTest | kAnswerBit, test.sequence);
  out.push_back('\0');
}
void CmppCodec::unbind(std::uint32_t sequence, std::string& out) const {
  write_cmpp_header(out, 0, kTerminate, sequence);
}
void CmppCodec::answer_unbind(const Frame& unbind, std::string& out) const {
  write_cmpp_header(out, 0, kTerminate | kAnswerBit, unbind.sequence);
}
void CmppCodec::bad_length(std::string&) const {}  // the protocol has no word for it: the connection closes

}  // namespace pandun::sms
