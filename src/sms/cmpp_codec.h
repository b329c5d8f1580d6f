// CMPP 2.0 and 3.0 (China Mobile Point to Point) for the session engine. The version is what the service provider's connect says;
// its authenticator (an MD5 over the shared secret) passes through unseen.
//
// Source   CMPP 2.0 and 3.0: sections 7.3 (header), 7.4.1 connect, 7.4.2 terminate, 7.4.3 submit, 7.4.5 deliver, 7.4.7 active test
//          (numbering of 3.0). Fields are known from the published tables and from peers, not from a sealed copy.
#pragma once

#include <memory>
#include <string>

#include "sms/codec.h"

namespace pandun::sms {

namespace cmpp {
inline constexpr std::uint32_t kAnswerBit = 0x80000000, kConnect = 1, kTerminate = 2, kSubmit = 4, kDeliver = 5,
                               kQuery = 6, kCancel = 7, kActiveTest = 8;
inline constexpr std::uint32_t kOk = 0, kStructureError = 1, kCommandError = 2, kFlowControl = 8, kOther = 9;
inline constexpr std::size_t kHeaderBytes = 12, kFrameBytesMax = 65536;
}  // namespace cmpp

struct CmppOptions {
  std::uint8_t reject_result = cmpp::kOther;  // Result of a rejected message
};

class CmppCodec final : public Codec {
 public:
  explicit CmppCodec(CmppOptions options = {});

  std::string_view name() const override { return "cmpp"; }
  Framing framing(std::string_view bytes) const override;
  Frame read(std::string_view frame) const override;
  bool message(const Frame& frame, Message& out) const override;
  bool text(const Frame& frame, const Contract& contract, Body& out) const override;
  std::string_view account(const Frame& bind) const override;
  void set_sequence(char* frame, std::uint32_t sequence) const override;
  void refuse(const Frame& request, Refusal why, std::string& out) const override;
  bool without_recipients(const Frame&, const std::vector<std::size_t>&, std::string&) const override { return false; }
  void add_refused(const Frame&, const std::vector<std::size_t>&, std::string&) const override {}
  void link_test(std::uint32_t sequence, std::string& out) const override;
  void answer_link_test(const Frame& test, std::string& out) const override;
  void unbind(std::uint32_t sequence, std::string& out) const override;
  void answer_unbind(const Frame& unbind, std::string& out) const override;
  void bad_length(std::string& out) const override;
  std::uint32_t sequence_max() const override { return 0xfffffffe; }
  const Codec& for_bind(const Frame& bind) const override;

 private:
  CmppCodec(CmppOptions options, bool version3) : options_(options), version3_(version3) {}

  CmppOptions options_;
  bool version3_ = false;
  std::shared_ptr<const CmppCodec> third_;  // of the codec that links name: its twin for version 3
};

void write_cmpp_header(std::string& out, std::uint32_t body_bytes, std::uint32_t command, std::uint32_t sequence);

}  // namespace pandun::sms
