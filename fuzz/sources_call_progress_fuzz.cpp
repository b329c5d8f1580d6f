#include "sources_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return pandun::sources::fuzzing::run("call_progress", "call_progress.jsonl",
                                       {reinterpret_cast<const char*>(data), size});
}
