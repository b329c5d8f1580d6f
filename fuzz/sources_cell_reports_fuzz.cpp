#include "sources_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return pandun::sources::fuzzing::run("cell_reports", "cell_reports.jsonl",
                                       {reinterpret_cast<const char*>(data), size});
}
