// Any bytes as a SIP message: never a crash, every span inside the bytes, and the fields of a good message mean what they say.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string_view>

#include "sip/caller.h"
#include "sip/message.h"

using namespace pandun::sip;

namespace {

void must(bool good) {
  if (!good) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto message = std::make_unique<Message>();
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const Fault fault = parse(bytes, Limits{}, *message);
  const auto inside = [&](std::string_view span) {
    return span.empty() || (span.data() >= bytes.data() && span.data() + span.size() <= bytes.data() + bytes.size());
  };
  must(message->field_count <= Limits{}.headers);
  for (std::size_t i = 0; i < message->field_count; ++i) {
    must(inside(message->fields[i].line) && inside(message->fields[i].value));
    must(message->fields[i].value.size() <= message->fields[i].line.size());
  }
  must(inside(message->body) && inside(message->from.uri.text) && inside(message->via.text));
  if (fault || message->response) return 0;
  must(message->find(Name::kVia) != nullptr && message->find(Name::kFrom) != nullptr &&
       message->find(Name::kTo) != nullptr && message->find(Name::kCallId) != nullptr);
  must(message->target.scheme != Scheme::kOther && message->via_count > 0);
  for (const Via* via : {&message->via}) must(!via->host.empty() && !via->transport.empty());
  for (const bool trusted : {false, true}) {
    Trunk trunk;
    trunk.trusted = trusted;
    Parties parties;
    read_parties(*message, trunk, parties);
    if (parties.caller.number)
      for (const char c : parties.caller.view()) must((c >= '0' && c <= '9') || c == '+' || c == '*' || c == '#');
    if (!trusted) must(parties.source == CallerFrom::kFrom || parties.source == CallerFrom::kWithheld);
  }
  return 0;
}
