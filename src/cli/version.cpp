#include <fmt/format.h>

#include "cli/commands.h"
#include "server/version.h"

namespace pandun::cli {
namespace {

int run_version(const Arguments& arguments) {
  if (arguments.has("--json"))
    fmt::print("{{\"name\":\"pandun\",\"version\":\"{}\"}}\n", server::kVersion);
  else
    fmt::print("pandun {}\n", server::kVersion);
  return 0;
}

}  // namespace

const Command kVersion{"version", "print the version", {kJson}, "", "", 0, 0, run_version};

}  // namespace pandun::cli
