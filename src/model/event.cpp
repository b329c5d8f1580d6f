#include "model/event.h"

#include <array>
#include <type_traits>

namespace pandun::model {

static_assert(std::is_trivially_copyable_v<Event>);
static_assert(std::variant_size_v<Payload> == kEventKinds);

std::string_view name(EventKind kind) {
  constexpr std::array<std::string_view, kEventKinds> kNames{"call",     "message", "flow",        "dns",
                                                             "http",     "tls",     "file",        "login",
                                                             "sighting", "opening", "cell_report", "call_progress"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view name(CellOddity oddity) {
  constexpr std::array<std::string_view, 5> kNames{"unknown_cell", "lac_jump", "forced_2g", "strong_signal",
                                                   "message_from_it"};
  return kNames[static_cast<std::size_t>(oddity)];
}

std::string_view name(CallStage stage) {
  constexpr std::array<std::string_view, 3> kNames{"answered", "lasts", "ended"};
  return kNames[static_cast<std::size_t>(stage)];
}

}  // namespace pandun::model
