// Any bytes as a golden case: faults with their line, never a crash; events come out in order.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "detect/testing/case_file.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto parsed = pandun::detect::testing::parse_case(text, "f.case", 2000);
  if (!parsed.ok()) {
    if (parsed.error().message.find("f.case:") == std::string::npos) std::abort();
    return 0;
  }
  std::uint64_t position = 0;
  for (const pandun::model::Event& event : parsed->events.events)
    if (event.position != ++position || event.watermark < event.time) std::abort();
  return 0;
}
