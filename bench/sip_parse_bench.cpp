// Nanoseconds to read one INVITE (as sip_load sends it), alone: our reader, and where they are installed libosip2 and sofia-sip; beside them
// the least that a redirect can do, copying five fields. Each goes on until it knows who calls whom; messages differ, so that no branch is learnt
// by heart. Fastest and median of 15 rounds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "platform/clock.h"
#include "sip/message.h"
#ifdef PANDUN_SIP_ORACLES
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_parser.h>
#endif

namespace {

using namespace pandun;

constexpr std::size_t kMessages = 1000, kRounds = 15;

std::string invite(std::size_t i) {
  const std::string caller = fmt::format("+86138{:08}", i * 7919 % 100'000'000),
                    called = fmt::format("+86137{:08}", i * 104'729 % 100'000'000), id = fmt::format("{:08x}", i);
  constexpr std::string_view kSdp =
      "v=0\r\no=- 1616 1616 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"
      "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";
  return fmt::format(
      "INVITE sip:{1}@127.0.0.1:5060;user=phone SIP/2.0\r\nVia: SIP/2.0/UDP "
      "127.0.0.7:40123;branch=z9hG4bK-{2}4f2a9c01;rport\r\n"
      "Max-Forwards: 68\r\nFrom: \"{0}\" <sip:{0}@127.0.0.7;user=phone>;tag={2}4f2a9c01\r\nTo: "
      "<sip:{1}@127.0.0.1:5060;user=phone>\r\n"
      "Call-ID: {2}-4f2a9c01-4f2a9c@127.0.0.7\r\nCSeq: 1 INVITE\r\nContact: <sip:{0}@127.0.0.7:40123;transport=udp>\r\n"
      "P-Asserted-Identity: <sip:{0}@127.0.0.7;user=phone>\r\nP-Charging-Vector: "
      "icid-value=AS-127.0.0.1-1714550400{2};orig-ioi=home1.net\r\n"
      "Allow: INVITE,ACK,CANCEL,OPTIONS,BYE,UPDATE,PRACK,INFO,REFER,NOTIFY\r\nSupported: 100rel,timer,replaces\r\n"
      "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nUser-Agent: gw-trunk/1.0\r\nContent-Type: "
      "application/sdp\r\n"
      "Content-Length: {3}\r\n\r\n{4}",
      caller, called, id, kSdp.size(), kSdp);
}

// What each does with one message; bytes that depend on all it found, so that nothing is left out.
std::size_t ours(const std::string& bytes) {
  static sip::Message message;
  CHECK(!sip::parse(bytes, sip::Limits{}, message));
  sip::Address asserted;
  std::string_view rest;
  CHECK(sip::parse_address(message.value(sip::Name::kAssertedIdentity), asserted, &rest));
  return message.from.uri.user.size() + message.target.user.size() + asserted.uri.user.size();
}

std::size_t five_fields(const std::string& bytes) {
  static std::string out(4096, '\0');
  std::size_t used = 0;
  const std::string_view in = bytes;
  for (std::size_t at = in.find('\n') + 1; at < in.size();) {
    const std::size_t end = in.find('\n', at);
    if (end == std::string_view::npos || in[at] == '\r') break;
    const std::string_view line = in.substr(at, end + 1 - at);
    if (line.starts_with("Via:") || line.starts_with("From:") || line.starts_with("To:") ||
        line.starts_with("Call-ID:") || line.starts_with("CSeq:"))
      used += line.copy(out.data() + used, line.size());
    at = end + 1;
  }
  return used;
}

#ifdef PANDUN_SIP_ORACLES
std::size_t osip(const std::string& bytes) {
  osip_message_t* message = nullptr;
  osip_message_init(&message);
  CHECK(osip_message_parse(message, bytes.c_str(), bytes.size()) == 0);
  osip_header_t* header = nullptr;
  osip_message_header_get_byname(message, "p-asserted-identity", 0, &header);
  osip_from_t* asserted = nullptr;
  osip_from_init(&asserted);
  CHECK(header != nullptr && osip_from_parse(asserted, header->hvalue) == 0);
  const std::size_t out = std::string_view(message->from->url->username).size() +
                          std::string_view(message->req_uri->username).size() +
                          std::string_view(asserted->url->username).size();
  osip_from_free(asserted);
  osip_message_free(message);
  return out;
}

std::size_t sofia(const std::string& bytes) {
  msg_t* const message = msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<ssize_t>(bytes.size()));
  const sip_t* const sip = sip_object(message);
  CHECK(sip != nullptr && sip->sip_error == nullptr);
  // It knows this field only as text unless its class is extended, and then reads every field of every extension.
  const sip_p_asserted_identity_t* const asserted = sip_p_asserted_identity(sip);
  const std::size_t out = std::string_view(sip->sip_from->a_url->url_user).size() +
                          std::string_view(sip->sip_request->rq_url->url_user).size() +
                          (asserted == nullptr ? 0 : std::string_view(asserted->paid_url->url_user).size());
  msg_destroy(message);
  return out;
}
#endif

template <typename Read>
void measure(const char* name, Read read, const std::vector<std::string>& messages) {
  std::vector<double> ns;
  std::size_t found = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const auto began = platform::system_clock().steady();
    for (const std::string& one : messages) found += read(one);
    const auto took = platform::system_clock().steady() - began;
    ns.push_back(static_cast<double>(took.count()) / static_cast<double>(messages.size()));
  }
  CHECK(found != 0);
  std::sort(ns.begin(), ns.end());
  fmt::print(",\"{0}_ns\":{1:.0f},\"{0}_median_ns\":{2:.0f}", name, ns.front(), ns[ns.size() / 2]);
}

}  // namespace

int main() {
  std::vector<std::string> messages;
  for (std::size_t i = 0; i < kMessages; ++i) messages.push_back(invite(i));
  fmt::print("{{\"name\":\"sip_parse\",\"invite_bytes\":{}", messages.front().size());
  measure("ours", ours, messages);
  measure("five_fields", five_fields, messages);
#ifdef PANDUN_SIP_ORACLES
  osip_trace_initialize_func(END_TRACE_LEVEL, [](const char*, int, osip_trace_level_t, const char*, va_list) {});
  parser_init();
  measure("osip", osip, messages);
  measure("sofia", sofia, messages);
#endif
  fmt::print("}}\n");
  return 0;
}
