// The sources there are: one line for each folder beside this file.
#include "sources/kit/source.h"

// clang-format off
#define SOURCE(kind)                        \
  {                                         \
    extern SourcePart kind##_source();      \
    parts.push_back(kind##_source());       \
  }
// clang-format on

namespace pandun::sources {

static std::vector<SourcePart> all() {
  std::vector<SourcePart> parts;
  SOURCE(calls)
  SOURCE(messages)
  SOURCE(openings)
  SOURCE(cell_reports)
  SOURCE(call_progress)
  SOURCE(zeek)
  SOURCE(eve)
  return parts;
}

const std::vector<SourcePart>& catalog() {
  static const std::vector<SourcePart> parts = all();
  return parts;
}

}  // namespace pandun::sources
