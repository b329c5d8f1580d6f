// For tests: one file in memory through the real road, from KIND:PATH to events.
#pragma once

#include <string>

#include "sources/kit/testing.h"

namespace pandun::sources::testing {

inline Seen decode(const std::string& kind, const std::string& file_name, const std::string& content,
                   const std::string& map = {}) {
  MemoryFiles files;
  files.write("in/" + file_name, content);
  if (!map.empty()) files.write("map.toml", map);
  SourceNames names;
  Input input{kind, "in/" + file_name, map.empty() ? "" : "map.toml", false};
  auto streams = open_input(files, input, names);
  if (!streams) {
    Seen failed;
    failed.details.push_back(streams.error().text());
    return failed;
  }
  return drain(*streams->front());
}

}  // namespace pandun::sources::testing
