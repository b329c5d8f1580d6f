#include "api/http/parser.h"

#include <algorithm>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <optional>

#include "api/http/url.h"

namespace pandun::api::http {
namespace {

namespace beast = boost::beast;
namespace bhttp = boost::beast::http;

constexpr std::size_t kTargetBytesMax = std::size_t{8} << 10;
constexpr std::size_t kHeadersMax = 100;

Method method_of(bhttp::verb verb) {
  switch (verb) {
    case bhttp::verb::get:
      return Method::kGet;
    case bhttp::verb::head:
      return Method::kHead;
    case bhttp::verb::post:
      return Method::kPost;
    case bhttp::verb::put:
      return Method::kPut;
    case bhttp::verb::patch:
      return Method::kPatch;
    case bhttp::verb::delete_:
      return Method::kDelete;
    case bhttp::verb::options:
      return Method::kOptions;
    default:
      return Method::kOther;
  }
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

struct RequestParser::State {
  explicit State(std::size_t header_bytes_max) {
    parser.header_limit(static_cast<std::uint32_t>(header_bytes_max));
    parser.body_limit(boost::none);  // known only when the head is
  }
  bhttp::request_parser<bhttp::string_body> parser;
  Request request;
  bool started = false, head_said = false, has_body = false, wants_continue = false;
  std::uint64_t content_length = 0;
  std::size_t body_max = 0;
  int status = 0;
  std::string detail;

  Status fail(int code, std::string words) {
    status = code;
    detail = std::move(words);
    return Status::kError;
  }
  // No smaller body would do where none is taken.
  Status fail_body() {
    if (body_max == 0) return fail(400, "this path takes no body: send the request without one");
    return fail(413, "the body is larger than this path accepts");
  }
  Status fail(const beast::error_code& ec, std::string_view bytes);
  Status head();
  std::optional<Status> framing();
  Status body(std::string_view bytes, std::size_t& consumed);
};

RequestParser::RequestParser(std::size_t header_bytes_max) : state_(std::make_unique<State>(header_bytes_max)) {}
RequestParser::~RequestParser() = default;
RequestParser::RequestParser(RequestParser&&) noexcept = default;
RequestParser& RequestParser::operator=(RequestParser&&) noexcept = default;

RequestParser::Status RequestParser::State::fail(const beast::error_code& ec, std::string_view bytes) {
  if (ec == bhttp::error::header_limit) return fail(431, "the request line and header fields are too large");
  if (ec == bhttp::error::body_limit) return fail_body();
  if (ec == bhttp::error::bad_version) {
    const std::string_view line = bytes.substr(0, bytes.find('\r'));
    if (line.find(" HTTP/") != std::string_view::npos) return fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  return fail(400, "not an HTTP/1.1 request: " + ec.message());
}

// Two readers must never disagree about where a request ends: anything doubtful is refused.
std::optional<RequestParser::Status> RequestParser::State::framing() {
  const auto& message = parser.get();
  const auto lengths = message.count(bhttp::field::content_length);
  const auto encodings = message.count(bhttp::field::transfer_encoding);
  if (lengths > 1 || encodings > 1 || (lengths > 0 && encodings > 0)) {
    return fail(400, "the length of the body is stated twice");
  }
  if (encodings > 0 && (!parser.chunked() || lower(message[bhttp::field::transfer_encoding]) != "chunked")) {
    return fail(501, "the only transfer encoding spoken here is chunked");
  }
  if (encodings > 0 && message.version() == 10) return fail(400, "HTTP/1.0 has no transfer encodings");
  content_length = parser.content_length_remaining().value_or(0);
  has_body = encodings > 0 || content_length > 0;
  const auto hosts = message.count(bhttp::field::host);
  if (hosts > 1 || (hosts == 0 && message.version() == 11)) return fail(400, "exactly one Host field is needed");
  return std::nullopt;
}

RequestParser::Status RequestParser::State::head() {
  const auto& message = parser.get();
  if (message.version() != 10 && message.version() != 11) {
    return fail(505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  }
  if (const auto bad = framing()) return *bad;
  const std::string_view target = message.target();
  if (target.size() > kTargetBytesMax) return fail(414, "the target is longer than 8 KiB");
  request.method = method_of(message.method());
  if (request.method == Method::kOther) return fail(501, "the method is not spoken here");
  if (request.method == Method::kOptions && target == "*") {
    request.path = "*";
  } else {
    auto parsed = parse_target(target);
    if (!parsed) return fail(400, "the target cannot be read as a path and a query");
    request.path = std::move(parsed->path);
    request.query = std::move(parsed->query);
  }
  for (const auto& field : message) {
    if (request.headers.size() >= kHeadersMax) return fail(431, "more than 100 header fields");
    request.headers.push_back({lower(field.name_string()), std::string(std::string_view(field.value()))});
  }
  const std::string_view expect = request.header("expect");
  if (!expect.empty()) {
    if (lower(expect) != "100-continue") return fail(417, "the only expectation met here is 100-continue");
    wants_continue = has_body && message.version() == 11;
  }
  head_said = true;
  return Status::kHead;
}

RequestParser::Status RequestParser::State::body(std::string_view bytes, std::size_t& consumed) {
  if (content_length > body_max) return fail_body();
  while (!parser.is_done()) {
    if (consumed == bytes.size()) return Status::kNeedMore;
    // A body whose only chunk is the last one: Beast, once it has seen that chunk's size, takes it for granted that it is asked
    // with five bytes at least, which is what every such end comes to.
    if (parser.chunked() && bytes[consumed] == '0' && bytes.size() - consumed < 5) return Status::kNeedMore;
    beast::error_code ec;
    const std::size_t used = parser.put(boost::asio::buffer(bytes.data() + consumed, bytes.size() - consumed), ec);
    consumed += used;
    if (ec == bhttp::error::need_more) return Status::kNeedMore;
    if (ec) return fail(ec, bytes);
    if (used == 0 && !parser.is_done()) return Status::kNeedMore;
  }
  request.body = std::move(parser.get().body());
  return Status::kDone;
}

RequestParser::Status RequestParser::feed(std::string_view bytes, std::size_t& consumed) {
  State& s = *state_;
  consumed = 0;
  if (!s.started) {
    // RFC 9112 2.2: a server ignores at least one empty line before the request line.
    while (consumed + 1 < bytes.size() && bytes[consumed] == '\r' && bytes[consumed + 1] == '\n') consumed += 2;
    constexpr std::size_t kEmptyLinesMax = 4;
    if (consumed / 2 > kEmptyLinesMax) return s.fail(400, "empty lines where a request should be");
    bytes.remove_prefix(consumed);
    if (bytes.empty() || bytes == "\r") return Status::kNeedMore;
    s.started = true;
  }
  std::size_t used = 0;
  if (!s.head_said) {
    beast::error_code ec;
    used = s.parser.put(boost::asio::buffer(bytes.data(), bytes.size()), ec);
    consumed += used;
    if (ec == bhttp::error::need_more) return Status::kNeedMore;
    if (ec) return s.fail(ec, bytes);
    if (!s.parser.is_header_done()) return Status::kNeedMore;
    const Status status = s.head();
    if (status == Status::kHead) s.parser.eager(true);
    return status;
  }
  const Status status = s.body(bytes, used);
  consumed += used;
  return status;
}

void RequestParser::body_bytes_max(std::size_t bytes) {
  state_->body_max = bytes;
  state_->parser.body_limit(bytes);
}

Request& RequestParser::request() {
  return state_->request;
}
bool RequestParser::started() const {
  return state_->started;
}
bool RequestParser::has_body() const {
  return state_->has_body;
}
std::size_t RequestParser::body_bytes_at_most(std::size_t most) const {
  if (!state_->has_body) return 0;
  if (state_->parser.chunked()) return most;
  return static_cast<std::size_t>(std::min<std::uint64_t>(state_->content_length, most));
}
bool RequestParser::wants_continue() const {
  return state_->wants_continue;
}
bool RequestParser::keep_alive() const {
  return state_->parser.keep_alive();
}
int RequestParser::status() const {
  return state_->status;
}
const std::string& RequestParser::detail() const {
  return state_->detail;
}

}  // namespace pandun::api::http
