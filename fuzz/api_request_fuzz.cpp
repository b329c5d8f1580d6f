// Any bytes as HTTP requests: never a crash, and how the bytes are cut into reads must not change what is understood. Only when
// a request is refused may differ: a head may be seen to be wrong before its end has come, or only then.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "api/http/parser.h"
#include "api/http/url.h"

namespace {

using pandun::api::http::RequestParser;

// What was understood of the first requests, as text.
std::string understood(std::string_view bytes, std::size_t step) {
  std::string out, in;
  RequestParser parser(16 * 1024);
  std::size_t given = 0;
  for (;;) {
    std::size_t consumed = 0;
    const RequestParser::Status status = parser.feed(in, consumed);
    if (consumed > in.size()) std::abort();
    in.erase(0, consumed);
    switch (status) {
      case RequestParser::Status::kNeedMore:
        if (given == bytes.size()) return out;
        in.append(bytes.substr(given, step));
        given = std::min(bytes.size(), given + step);
        break;
      case RequestParser::Status::kHead:
        parser.body_bytes_max(4096);
        out += "head " + parser.request().path + "\n";
        if (parser.request().path.find("/../") != std::string::npos) std::abort();
        if (!pandun::api::http::is_utf8(parser.request().path)) std::abort();
        break;
      case RequestParser::Status::kDone:
        if (parser.request().body.size() > 4096) std::abort();
        out += "body " + parser.request().body + "\n";
        parser = RequestParser(16 * 1024);
        break;
      case RequestParser::Status::kError:
        return out;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = 1 + data[0] % 7;
  if (understood(bytes, bytes.size() + 1) != understood(bytes, step)) std::abort();
  return 0;
}
