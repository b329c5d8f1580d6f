// Any stream of bytes: how it is cut into reads must not change which messages are found in it, and memory stays bounded.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sip/stream_framer.h"

using pandun::sip::StreamFramer;

namespace {

std::string understood(std::string_view bytes, std::size_t step) {
  StreamFramer framer(4096);
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    framer.feed(bytes.substr(at, step));
    for (;;) {
      const StreamFramer::Found found = framer.next();
      if (found == StreamFramer::Found::kNeedMore) break;
      if (found == StreamFramer::Found::kBroken) return out + "broken";
      out += found == StreamFramer::Found::kPing ? std::string("ping\n") : std::string(framer.message()) + "\n";
    }
    if (framer.memory_bytes() > 8 * (4096 + step) + 64) std::abort();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 20000) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = 1 + data[0] % 31;
  const std::string whole = understood(bytes, 97), pieces = understood(bytes, step);
  // A head that never ends is found out when it is too long, which may be a read earlier or later.
  const std::string& shorter = whole.size() < pieces.size() ? whole : pieces;
  const std::string& longer = whole.size() < pieces.size() ? pieces : whole;
  const std::string common = shorter.ends_with("broken") ? shorter.substr(0, shorter.size() - 6) : shorter;
  if (!longer.starts_with(common)) std::abort();
  return 0;
}
