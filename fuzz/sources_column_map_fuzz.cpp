// A column map that is accepted must also work: on records that it renames and on records that it does not.
#include "sources_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using pandun::sources::fuzzing::run;
  const std::string map(reinterpret_cast<const char*>(data), size);
  const std::string calls =
      "time,caller,callee,duration_s,timestamp,duration\n1713484800,a,b,-1,184,-1\n2024-04-19 "
      "08:00:00,\"a\nb\",c,1,5,7\n";
  run("calls", "calls.csv", calls, map.empty() ? " " : map);
  return run("messages", "sms.csv", "time,sender,recipient,timestamp\n1,a,b,3\n", map.empty() ? " " : map);
}
