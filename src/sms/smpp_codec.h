// SMPP 3.4 (and what of 5.0 keeps its form) for the session engine.
//
// Source   SMPP v3.4 issue 1.2: sections 3.2 (header), 4 (PDUs), 5.1.3 (error codes), 5.2 and 5.3 (fields).
#pragma once

#include <string>

#include "sms/codec.h"

namespace pandun::sms {

namespace smpp {
inline constexpr std::uint32_t kAnswerBit = 0x80000000, kGenericNack = 0x80000000, kBindReceiver = 1,
                               kBindTransmitter = 2, kQuery = 3, kSubmit = 4, kDeliver = 5, kUnbind = 6, kReplace = 7,
                               kCancel = 8, kBindTransceiver = 9, kOutbind = 0x0b, kEnquireLink = 0x15,
                               kSubmitMulti = 0x21, kAlertNotification = 0x102, kData = 0x103;
inline constexpr std::uint32_t kOk = 0, kInvalidCommandLength = 2, kInvalidBindStatus = 4, kSystemError = 8,
                               kInvalidDestination = 0x0b, kBindFailed = 0x0d, kSubmitFailed = 0x45, kThrottled = 0x58,
                               kReceiverTemporary = 0x64, kReceiverRejects = 0x66;
inline constexpr std::size_t kHeaderBytes = 16, kFrameBytesMax = 65536;
}  // namespace smpp

struct SmppOptions {
  std::uint32_t reject_status = smpp::kSubmitFailed;  // what an ESME is told when a message is rejected
};

class SmppCodec final : public Codec {
 public:
  explicit SmppCodec(SmppOptions options = {}) : options_(options) {}

  std::string_view name() const override { return "smpp"; }
  Framing framing(std::string_view bytes) const override;
  Frame read(std::string_view frame) const override;
  bool message(const Frame& frame, Message& out) const override;
  bool text(const Frame& frame, const Contract& contract, Body& out) const override;
  std::string_view account(const Frame& bind) const override;
  void set_sequence(char* frame, std::uint32_t sequence) const override;
  void refuse(const Frame& request, Refusal why, std::string& out) const override;
  bool without_recipients(const Frame& submit, const std::vector<std::size_t>& places, std::string& out) const override;
  void add_refused(const Frame& submit, const std::vector<std::size_t>& places, std::string& answer) const override;
  void link_test(std::uint32_t sequence, std::string& out) const override;
  void answer_link_test(const Frame& test, std::string& out) const override;
  void unbind(std::uint32_t sequence, std::string& out) const override;
  void answer_unbind(const Frame& unbind, std::string& out) const override;
  void bad_length(std::string& out) const override;
  std::uint32_t sequence_max() const override { return 0x7fffffff; }
  const Codec& for_bind(const Frame&) const override { return *this; }

 private:
  SmppOptions options_;
};

// A header alone, for codecs, clients and tests.
void write_smpp_header(std::string& out, std::uint32_t body_bytes, std::uint32_t command, std::uint32_t status,
                       std::uint32_t sequence);

}  // namespace pandun::sms
