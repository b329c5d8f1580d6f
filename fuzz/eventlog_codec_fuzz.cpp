// Any bytes as an event batch: never a crash, and whatever decodes must encode and decode to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "model/event_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  model::EventBatch batch;
  if (!model::decode({reinterpret_cast<const char*>(data), size}, batch).ok()) return 0;
  std::string once, twice;
  model::encode(batch, once);
  model::EventBatch again;
  if (!model::decode(once, again).ok()) std::abort();
  model::encode(again, twice);
  if (once != twice || again.events.size() != batch.events.size()) std::abort();
  return 0;
}
