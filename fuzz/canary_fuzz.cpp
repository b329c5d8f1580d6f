// The canary: a planted bug. If the fuzzer cannot find it, a silent run of the other targets means nothing.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.size() >= 6 && text[0] == 'p' && text[1] == 'a' && text[2] == 'n' && text[3] == 'd' && text[4] == 'u' &&
      text[5] == 'n')
    std::abort();
  return 0;
}
