// Any datagram at the whole decision server: an answer or silence, the same for a repetition, never 607, never much larger than
// the question, and nothing that the sender wrote ends a header of ours.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "sip/responder.h"

using namespace pandun;
using namespace pandun::sip;

namespace {

void must(bool good) {
  if (!good) std::abort();
}

class Digits final : public Numbering {
 public:
  model::NumberKey parse(std::string_view text, std::uint16_t, std::string_view) const override {
    return model::NumberKey::opaque(text);
  }
};

constexpr const char* kTrunks =
    "[[trunk]]\nname=\"a\"\npeers=[\"192.0.2.0\"]\ntrusted=true\nnext_hop=\"198.51.100.7:5062\"\n"
    "dial=[{prefix=\"00\",strip=2,add=\"+\"},{prefix=\"0\",strip=9,add=\"+86\"}]\n"
    "[[trunk]]\nname=\"b\"\npeers=[\"192.0.2.1\"]\nallow=\"503\"\nreject=\"603+\"\nredress_url=\"https://r.example\"\n"
    "[[trunk]]\nname=\"c\"\npeers=[\"192.0.2.2\"]\nallow=\"proxy\"\nnext_hop=\"192.0.2.3:5060\"\n"
    "[[trunk]]\nname=\"d\"\npeers=[\"192.0.2.3\"]\nallow=\"404\"\nreject=\"608\"\njcard_url=\"https://r.example/c\"\n";

struct Rig {
  Rig() {
    decide::SnapshotInput input;
    for (const char* caller : {"+8613800138000", "alice", "caller"})
      input.measures.push_back(
          {model::NumberKey::opaque(caller), decide::Verdict::kReject, WallMs{4'000'000'000'000}, "m"});
    decider.publish(std::move(input));
    ResponderOptions options;
    options.key = {1, 2};
    options.calls_remembered = 1024;
    options.self = {model::IpAddress::v4(0xc6336401), 5060, "198.51.100.1:5060"};
    auto trunks = Trunks::load("t", kTrunks);
    must(trunks.ok());
    responder = std::make_unique<Responder>(options, std::make_shared<const Trunks>(std::move(trunks).value()), decider,
                                            numbering, figures);
  }
  decide::Decider decider;
  Digits numbering;
  Figures figures;
  std::unique_ptr<Responder> responder;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Rig rig;
  static std::int64_t ms = 1'700'000'000'000;
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  ms += data[0] >> 4;
  const Now now{WallMs{ms}, std::chrono::milliseconds(ms)};
  const model::IpAddress peer = model::IpAddress::v4(0xc0000200U + data[0] % 4U);
  std::vector<char> room(size + 2048), again(size + 2048);
  for (const Transport transport : {Transport::kUdp, Transport::kTcp}) {
    const Arrival in{bytes, peer, 5070, transport, {}};
    // As in a batch: read, and another one before it is answered.
    const bool batch = (data[0] & 4) != 0;
    if (batch) {
      rig.responder->read_ahead(in, data[0]);
      rig.responder->read_ahead({bytes.substr(0, size / 2), peer, 5070, transport, {}}, data[0] + 1U);
    }
    const Departure first =
        batch ? rig.responder->answer(in, now, room, data[0]) : rig.responder->answer(in, now, room);
    const Departure second = rig.responder->answer(in, now, again);
    const std::string_view text(room.data(), first.bytes);
    must(first.bytes <= size + 1500);
    // A CANCEL or a call may be known only to the first; the bytes of a repeated call are the same.
    if (bytes.starts_with("INVITE ")) must(text == std::string_view(again.data(), second.bytes));
    if (text.empty()) continue;
    if (!text.starts_with("SIP/2.0 ")) continue;  // passed on
    must(!bytes.starts_with("SIP/") ? !text.starts_with("SIP/2.0 607") && !text.starts_with("SIP/2.0 1") : true);
    if (!bytes.starts_with("SIP/")) must(text.ends_with("\r\nContent-Length: 0\r\n\r\n"));
    // What is answered on a stream goes back on it; what comes back from a next hop goes where its Via says.
    must(transport == Transport::kUdp || bytes.starts_with("SIP/") || (first.to == peer && first.port == 5070));
  }
  return 0;
}
