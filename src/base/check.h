// CHECK: our own bugs. On in release; stops the process with context, and a restart is safe because the log replays.
#pragma once

#include <string_view>

namespace pandun {
[[noreturn]] void check_failed(const char* file, int line, const char* expression, std::string_view context = {});
}  // namespace pandun

#define CHECK(expression)                                      \
  do {                                                         \
    if (!(expression)) [[unlikely]]                            \
      ::pandun::check_failed(__FILE__, __LINE__, #expression); \
  } while (false)
#define CHECK_MSG(expression, context)                                    \
  do {                                                                    \
    if (!(expression)) [[unlikely]]                                       \
      ::pandun::check_failed(__FILE__, __LINE__, #expression, (context)); \
  } while (false)
