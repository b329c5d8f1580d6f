// The actions there are: one line for each folder beside this file.
#include "actions/kit/action.h"

// clang-format off
#define ACTION(name)                        \
  {                                         \
    extern ActionPart name##_action();      \
    parts.push_back(name##_action());       \
  }
// clang-format on

namespace pandun::actions {

static std::vector<ActionPart> all() {
  std::vector<ActionPart> parts;
  ACTION(outbox)
  return parts;
}

const std::vector<ActionPart>& catalog() {
  static const std::vector<ActionPart> parts = all();
  return parts;
}

}  // namespace pandun::actions
