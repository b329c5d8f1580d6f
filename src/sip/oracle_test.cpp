// Two other readers, libosip2 and sofia-sip, on the same bytes: where both accept a message and agree who calls whom, ours must agree or refuse.
// Test-only; Debian's libosip2-dev and libsofia-sip-ua-dev.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "sip/test_rig.h"

#ifdef PANDUN_SIP_ORACLES
#include <osipparser2/osip_parser.h>
#include <osipparser2/osip_port.h>
#include <sofia-sip/msg_parser.h>
#include <sofia-sip/sip.h>
#include <sofia-sip/sip_extra.h>
#include <sofia-sip/sip_parser.h>
#endif

namespace pandun::sip {
namespace {

#ifdef PANDUN_SIP_ORACLES

std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

struct Users {
  bool accepted = false;
  std::string from{}, to{}, target{}, asserted{};
  friend bool operator==(const Users&, const Users&) = default;
};
std::ostream& operator<<(std::ostream& out, const Users& u) {
  return out << u.accepted << " from=" << u.from << " to=" << u.to << " target=" << u.target
             << " asserted=" << u.asserted;
}

std::string or_empty(const char* text) {
  return text == nullptr ? std::string() : decoded(text);
}

Users osip_reads(const std::string& bytes) {
  Users out;
  osip_message_t* message = nullptr;
  osip_message_init(&message);
  if (osip_message_parse(message, bytes.c_str(), bytes.size()) == 0 && message->from != nullptr &&
      message->to != nullptr && message->from->url != nullptr && message->to->url != nullptr &&
      message->req_uri != nullptr) {
    out = {true, or_empty(message->from->url->username), or_empty(message->to->url->username),
           or_empty(message->req_uri->username)};
    osip_header_t* header = nullptr;
    osip_message_header_get_byname(message, "p-asserted-identity", 0, &header);
    if (header != nullptr && header->hvalue != nullptr) {
      osip_from_t* asserted = nullptr;
      osip_from_init(&asserted);
      if (osip_from_parse(asserted, header->hvalue) == 0 && asserted->url != nullptr)
        out.asserted = or_empty(asserted->url->username);
      osip_from_free(asserted);
    }
  }
  osip_message_free(message);
  return out;
}

Users sofia_reads(const std::string& bytes) {
  Users out;
  msg_t* const message = msg_make(sip_default_mclass(), 0, bytes.data(), static_cast<ssize_t>(bytes.size()));
  if (message == nullptr) return out;
  const sip_t* const sip = sip_object(message);
  if (sip != nullptr && sip->sip_error == nullptr && sip->sip_from != nullptr && sip->sip_to != nullptr &&
      sip->sip_request != nullptr) {
    out = {true, or_empty(sip->sip_from->a_url->url_user), or_empty(sip->sip_to->a_url->url_user),
           or_empty(sip->sip_request->rq_url->url_user)};
    const sip_p_asserted_identity_t* const asserted = sip_p_asserted_identity(sip);
    if (asserted != nullptr) out.asserted = or_empty(asserted->paid_url->url_user);
  }
  msg_destroy(message);
  return out;
}

Users ours(const std::string& bytes, Message& message) {
  Users out;
  if (parse(bytes, Limits{}, message)) return out;
  out = {true, decoded(message.from.uri.user), decoded(message.to.uri.user), decoded(message.target.user)};
  if (const Field* const field = message.find(Name::kAssertedIdentity)) {
    Address asserted;
    std::string_view rest;
    if (parse_address(field->value, asserted, &rest)) out.asserted = decoded(asserted.uri.user);
  }
  return out;
}

// Pieces that readers are known to read in different ways; no random bytes, which are the fuzzer's and not for old libraries.
constexpr std::string_view kAddresses[] = {
    "<sip:+8613800138000@h.example>",
    "\"x\" <sip:+8613800138001@h.example;user=phone>",
    "sip:+8613800138002@h.example",
    "\"<sip:victim@h.example>\" <sip:+8613800138003@h.example>",
    "\"a \\\" <sip:victim@h.example>\" <sip:+8613800138004@h.example>",
    "Name Of <sip:%2B8613800138005@h.example>",
    "\"a, b\"<sip:+8613800138006:secret@h.example:5070;transport=udp>",
    "<sip:+8613800138007;npdi;rn=+8610@h.example;user=phone>",
    "<sip:victim@h.example@evil.example>",
    "<sips:+8613800138008@[2001:db8::1]:5061>",
    "<sip:h.example>",
    "<sip:a%40b@h.example>",
    "victim <sip:+8613800138009@h.example> ",
    "<sip:x;par=u%40example.net@h.example>",
    "<sip:+86138@h.example>;other=\"<sip:victim@h>\"",
};
constexpr std::string_view kNames[][4] = {{"From", "f", "FROM ", "from\t"}, {"To", "t", "TO", "To "}};
constexpr std::string_view kGaps[] = {" ", "", "\r\n ", "\t", " \r\n\t "};

TEST(Oracles, WhereTwoReadersAgreeOursAgreesOrRefuses) {
  osip_trace_initialize_func(END_TRACE_LEVEL, [](const char*, int, osip_trace_level_t, const char*, va_list) {});
  parser_init();
  const std::uint64_t seed = 11;
  Prng random(seed);
  const auto pick = [&](const auto& list) { return std::string(list[random.below(std::size(list))]); };
  auto message = std::make_unique<Message>();
  int compared = 0, refused = 0;
  for (int i = 0; i < 4000; ++i) {
    std::vector<std::string> lines{pick(kNames[0]) + ":" + pick(kGaps) + pick(kAddresses) + ";tag=1\r\n",
                                   pick(kNames[1]) + ":" + pick(kGaps) + pick(kAddresses) + "\r\n",
                                   "Via:" + pick(kGaps) + "SIP/2.0/UDP h.example;branch=z9hG4bK1\r\n",
                                   "Call-ID: 1@h\r\n",
                                   "CSeq:" + pick(kGaps) + "1 INVITE\r\n",
                                   "Max-Forwards: 70\r\n",
                                   "Content-Length: 0\r\n"};
    if (random.chance(0.6)) lines.push_back("P-Asserted-Identity:" + pick(kGaps) + pick(kAddresses) + "\r\n");
    if (random.chance(0.2)) lines.push_back("X-From: <sip:victim@h>\r\n From: <sip:victim@h>;tag=9\r\n");
    if (random.chance(0.1)) lines.push_back("From: <sip:victim@h>;tag=8\r\n");
    for (std::size_t k = lines.size(); k > 1; --k) std::swap(lines[k - 1], lines[random.below(k)]);
    std::string uri = pick(kAddresses);
    const std::size_t open = uri.rfind("<sip"), close = uri.find('>', open == std::string::npos ? 0 : open);
    if (open != std::string::npos && close != std::string::npos) uri = uri.substr(open + 1, close - open - 1);
    std::string text = "INVITE " + uri + " SIP/2.0\r\n";
    for (const std::string& line : lines) text += line;
    text += "\r\n";

    const Users osip = osip_reads(text), sofia = sofia_reads(text), mine = ours(text, *message);
    if (!osip.accepted || osip != sofia) continue;
    if (!mine.accepted) {
      ++refused;
      continue;
    }
    ++compared;
    ASSERT_EQ(mine, osip) << "seed " << seed << " round " << i << "\n" << text;
  }
  EXPECT_GT(compared, 500) << "refused " << refused;
}

#else
TEST(Oracles, WhereTwoReadersAgreeOursAgreesOrRefuses) {
  GTEST_SKIP() << "libosip2-dev and libsofia-sip-ua-dev are not installed: no other reader to compare with";
}
#endif

}  // namespace
}  // namespace pandun::sip
