// Any bytes as a stored list or a warning list: refused or read, never a crash.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "intel/library.h"
#include "intel/warning_lists.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = intel::IndicatorList::load(text, "fuzz");
  if (list.ok()) static_cast<void>(list->save());
  intel::WarningLists warnings;
  static_cast<void>(warnings.add_misp(text, "fuzz"));
  static_cast<void>(warnings.add_known_services(text, "fuzz"));
  static_cast<void>(warnings.domain("www.example.com"));
  static_cast<void>(warnings.stops(intel::IndicatorType::kIp, "192.0.2.1"));
  return 0;
}
