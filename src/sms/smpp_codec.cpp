#include "sms/smpp_codec.h"

#include "sms/bytes.h"
#include "sms/contracts.h"
#include "sms/user_data_header.h"

namespace pandun::sms {
namespace {

using namespace smpp;

constexpr std::size_t kAddressMax = 65;  // 4.7.1; submit_sm says 21, and switches are known to send more
constexpr std::uint8_t kUdhIndicator = 0x40, kMessageTypeMask = 0x3c;
constexpr std::uint8_t kDistributionList = 2;
constexpr std::uint16_t kTagSourcePort = 0x020a, kTagDestinationPort = 0x020b, kTagSarReference = 0x020c,
                        kTagSarTotal = 0x020e, kTagSarNumber = 0x020f, kTagMessagePayload = 0x0424;

// Where things stand in a frame that carries a message. Views point into the frame.
struct Layout {
  std::uint8_t esm_class = 0, protocol_id = 0, data_coding = 0;
  std::string_view user_data;  // short_message, or message_payload when that is there
  Part sar;
  bool ports = false, doubled = false;  // doubled: a text in both places; switches differ in which they send
  std::size_t destinations_at = 0, destinations_end = 0;  // submit_multi: number_of_dests … its last one
};

Address address(Reader& reader) {
  Address out;
  out.ton = reader.u8();
  out.npi = reader.u8();
  out.digits = reader.text(kAddressMax);
  return out;
}

void read_destinations(Reader& reader, Message& message) {
  const unsigned count = reader.u8();
  for (unsigned i = 0; i < count && reader.ok(); ++i) {
    if (reader.u8() == kDistributionList) {
      message.lists = true;
      reader.text(kAddressMax);
    } else {
      message.recipients.push_back(address(reader));
    }
  }
}

void read_options(Reader& reader, Layout& layout) {
  while (reader.ok() && !reader.done()) {
    const std::uint16_t tag = reader.u16();
    const std::string_view value = reader.take(reader.u16());
    if (!reader.ok()) return;
    Reader field(value);
    switch (tag) {
      case kTagMessagePayload:
        layout.doubled = !layout.user_data.empty() && !value.empty();
        if (layout.user_data.empty()) layout.user_data = value;
        break;
      case kTagSarReference:
        layout.sar.reference = field.u16();
        break;
      case kTagSarTotal:
        layout.sar.total = field.u8();
        break;
      case kTagSarNumber:
        layout.sar.number = field.u8();
        break;
      case kTagSourcePort:
      case kTagDestinationPort:
        layout.ports = true;
        break;
      default:
        break;
    }
  }
}

// submit_sm, submit_multi, deliver_sm (4.4, 4.5, 4.6), data_sm (4.7), replace_sm (4.10).
bool read_layout(const Frame& frame, Message& message, Layout& layout) {
  message.recipients.clear();
  message.lists = false;
  Reader reader(frame.bytes, kHeaderBytes);
  reader.text(frame.command == kReplace ? kAddressMax : 6);  // message_id or service_type
  message.sender = address(reader);
  if (frame.command == kSubmitMulti) {
    layout.destinations_at = reader.at();
    read_destinations(reader, message);
    layout.destinations_end = reader.at();
  } else if (frame.command != kReplace) {
    message.recipients.push_back(address(reader));
  }
  if (frame.command == kReplace) {
    reader.text(17), reader.text(17), reader.u8(), reader.u8();
    layout.user_data = reader.take(reader.u8());
  } else {
    layout.esm_class = reader.u8();
    if (frame.command == kData) {
      reader.u8();
      layout.data_coding = reader.u8();
    } else {
      layout.protocol_id = reader.u8();
      reader.u8(), reader.text(17), reader.text(17), reader.u8(), reader.u8();
      layout.data_coding = reader.u8();
      reader.u8();
      layout.user_data = reader.take(reader.u8());
    }
  }
  read_options(reader, layout);
  return reader.ok();
}

// 5.2.19, and the groups of GSM 03.38 that it points to.
Alphabet alphabet(std::uint8_t coding) {
  if ((coding & 0xf0) == 0xf0) return (coding & 0x04) != 0 ? Alphabet::kBinary : Alphabet::kGsm7;
  if (coding >= 0x10 && coding < 0x40) {
    constexpr Alphabet kGeneral[] = {Alphabet::kGsm7, Alphabet::kBinary, Alphabet::kUcs2, Alphabet::kOther};
    return (coding & 0x20) != 0 ? Alphabet::kOther : kGeneral[coding >> 2 & 3];
  }
  switch (coding) {
    case 0:
      return Alphabet::kGsm7;
    case 1:
      return Alphabet::kAscii;
    case 3:
      return Alphabet::kLatin1;
    case 2:
    case 4:
      return Alphabet::kBinary;
    case 8:
      return Alphabet::kUcs2;
    default:
      return Alphabet::kOther;
  }
}

Kind kind_of(std::uint32_t command) {
  switch (command) {
    case kGenericNack:
      return Kind::kRefused;
    case kBindReceiver:
    case kBindTransmitter:
    case kBindTransceiver:
      return Kind::kBind;
    case kSubmit:
    case kSubmitMulti:
      return Kind::kSubmit;
    case kDeliver:
      return Kind::kDeliver;
    case kData:
      return Kind::kMessage;
    case kReplace:
      return Kind::kReplace;
    case kUnbind:
      return Kind::kUnbind;
    case kEnquireLink:
      return Kind::kLinkTest;
    case kOutbind:
    case kAlertNotification:
      return Kind::kNotice;
    default:
      return (command & kAnswerBit) != 0 ? Kind::kAnswer : Kind::kOther;
  }
}

}  // namespace

void write_smpp_header(std::string& out, std::uint32_t body_bytes, std::uint32_t command, std::uint32_t status,
                       std::uint32_t sequence) {
  Writer(out).u32(body_bytes + static_cast<std::uint32_t>(kHeaderBytes)).u32(command).u32(status).u32(sequence);
}

Framing SmppCodec::framing(std::string_view bytes) const {
  if (bytes.size() < 4) return {};
  const std::uint32_t size = u32_at(bytes, 0);
  if (size < kHeaderBytes || size > kFrameBytesMax) return {0, true};
  return {size, false};
}

Frame SmppCodec::read(std::string_view frame) const {
  Frame out;
  out.bytes = frame;
  out.command = u32_at(frame, 4);
  out.status = u32_at(frame, 8);
  out.sequence = u32_at(frame, 12);
  out.kind = kind_of(out.command);
  return out;
}

bool SmppCodec::message(const Frame& frame, Message& out) const {
  Layout layout;
  if (!read_layout(frame, out, layout)) return false;
  // 5.2.12: default messages are 0; 0x04 a delivery receipt, 0x08 and 0x10 acknowledgements, 0x18 abort, 0x20 notification.
  out.receipt =
      frame.kind != Kind::kSubmit && frame.kind != Kind::kReplace && (layout.esm_class & kMessageTypeMask) != 0;
  out.silent = layout.protocol_id == 0x40;
  out.port_addressed = layout.ports;
  if ((layout.esm_class & kUdhIndicator) != 0) {
    const UserDataHeader header = read_user_data_header(layout.user_data);
    if (header.size == 0) return false;
    out.port_addressed = out.port_addressed || header.ports;
  }
  return true;
}

bool SmppCodec::text(const Frame& frame, const Contract& contract, Body& out) const {
  Message message;
  Layout layout;
  if (!read_layout(frame, message, layout)) return false;
  out.alphabet = layout.doubled ? Alphabet::kOther : alphabet(layout.data_coding);
  if (out.alphabet == Alphabet::kGsm7 && contract.packed_gsm7()) out.alphabet = Alphabet::kGsm7Packed;
  out.part = {};
  std::string_view octets = layout.user_data;
  if ((layout.esm_class & kUdhIndicator) != 0) {
    const UserDataHeader header = read_user_data_header(octets);
    if (header.size == 0) return false;
    octets.remove_prefix(header.size);
    out.part = header.part;
  } else if (layout.sar.number >= 1 && layout.sar.number <= layout.sar.total) {
    out.part = layout.sar;
  }
  out.fill(octets);
  return true;
}

std::string_view SmppCodec::account(const Frame& bind) const {
  Reader reader(bind.bytes, kHeaderBytes);
  return reader.text(16);
}

void SmppCodec::set_sequence(char* frame, std::uint32_t sequence) const {
  put_u32(frame + 12, sequence);
}

void SmppCodec::refuse(const Frame& request, Refusal why, std::string& out) const {
  if (request.kind == Kind::kNotice || request.kind == Kind::kAnswer || request.kind == Kind::kRefused) return;
  const bool to_smsc = request.kind == Kind::kDeliver;
  std::uint32_t status = kSystemError;
  switch (why) {
    case Refusal::kVerdict:
      status = to_smsc ? kReceiverRejects : options_.reject_status;
      break;
    case Refusal::kUpstreamLost:
    case Refusal::kTimeout:
      status = to_smsc ? kReceiverTemporary : request.kind == Kind::kBind ? kBindFailed : kSystemError;
      break;
    case Refusal::kThrottled:
      status = to_smsc ? kReceiverTemporary : kThrottled;
      break;
    case Refusal::kNotBound:
      status = kInvalidBindStatus;
      break;
    case Refusal::kMalformed:
      status = kInvalidCommandLength;
      break;
  }
  write_smpp_header(out, 0, request.command | kAnswerBit, status, request.sequence);
}

bool SmppCodec::without_recipients(const Frame& submit, const std::vector<std::size_t>& places,
                                   std::string& out) const {
  if (submit.command != kSubmitMulti) return false;
  Message message;
  Layout layout;
  if (!read_layout(submit, message, layout)) return false;
  out.assign(submit.bytes.substr(0, layout.destinations_at));
  out.push_back('\0');
  Reader reader(submit.bytes, layout.destinations_at);
  const unsigned count = reader.u8();
  std::size_t place = 0, next = 0;
  unsigned kept = 0;
  for (unsigned i = 0; i < count; ++i) {
    const std::size_t from = reader.at();
    const bool list = reader.u8() == kDistributionList;
    if (list)
      reader.text(kAddressMax);
    else
      address(reader);
    const bool drop = !list && next < places.size() && places[next] == place;
    if (drop) ++next;
    if (!list) ++place;
    if (drop) continue;
    ++kept;
    out.append(submit.bytes.substr(from, reader.at() - from));
  }
  out[layout.destinations_at] = static_cast<char>(kept);
  out.append(submit.bytes.substr(layout.destinations_end));
  put_u32(out.data(), static_cast<std::uint32_t>(out.size()));
  return kept != 0;
}

// submit_multi_resp (4.5.2): message_id, no_unsuccess, and for each ton, npi, address, error.
void SmppCodec::add_refused(const Frame& submit, const std::vector<std::size_t>& places, std::string& answer) const {
  Message message;
  Layout layout;
  if (!read_layout(submit, message, layout)) return;
  Reader reader(answer, kHeaderBytes);
  reader.text(kAddressMax);
  const std::size_t count_at = reader.at();
  const unsigned before = reader.u8();
  if (!reader.ok() || before + places.size() > 255)
    return;  // an error's answer has no body: it speaks for all recipients
  Writer writer(answer);
  for (const std::size_t place : places) {
    const Address& refused = message.recipients[place];
    writer.u8(refused.ton).u8(refused.npi).text(refused.digits).u32(options_.reject_status);
  }
  answer[count_at] = static_cast<char>(before + places.size());
  put_u32(answer.data(), static_cast<std::uint32_t>(answer.size()));
}

void SmppCodec::link_test(std::uint32_t sequence, std::string& out) const {
  write_smpp_header(out, 0, kEnquireLink, 0, sequence);
}
void SmppCodec::answer_link_test(const Frame& test, std::string& out) const {
  write_smpp_header(out, 0, kEnquireLink | kAnswerBit, 0, test.sequence);
}
void SmppCodec::unbind(std::uint32_t sequence, std::string& out) const {
  write_smpp_header(out, 0, kUnbind, 0, sequence);
}
void SmppCodec::answer_unbind(const Frame& unbind, std::string& out) const {
  write_smpp_header(out, 0, kUnbind | kAnswerBit, 0, unbind.sequence);
}
void SmppCodec::bad_length(std::string& out) const {
  write_smpp_header(out, 0, kGenericNack, kInvalidCommandLength, 0);
}

}  // namespace pandun::sms
