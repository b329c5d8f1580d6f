#include "api/http/head_writer.h"

#include <fmt/format.h>

#include <array>

namespace pandun::api::http {
namespace {

constexpr std::string_view kEveryAnswer =
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Frame-Options: DENY\r\n"
    "Cross-Origin-Opener-Policy: same-origin\r\n"
    "Cross-Origin-Resource-Policy: same-origin\r\n"
    "Permissions-Policy: camera=(), geolocation=(), microphone=()\r\n"
    "Content-Security-Policy: default-src 'self'; img-src 'self' data:; style-src-attr 'unsafe-inline'; object-src "
    "'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n";
constexpr std::string_view kHsts = "Strict-Transport-Security: max-age=31536000\r\n";

bool safe_value(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7f) return false;
  }
  return true;
}

std::size_t body_size(const Response& response) {
  return response.shared_body ? response.shared_body->size() : response.body.size();
}

}  // namespace

bool bodiless(int status) {
  return status < 200 || status == 204 || status == 304;
}

void write_head(const Response& response, const HeadContext& context, std::string& out) {
  out.reserve(out.size() + 1024);
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\nDate: {}\r\nX-Request-Id: {:016x}\r\n", response.status,
                 reason_phrase(response.status), context.date, context.request_id);
  bool has_cache_control = false;
  for (const Header& header : response.headers) {
    if (!safe_value(header.value)) continue;  // a header that could split the answer is never sent
    has_cache_control = has_cache_control || header.name == "Cache-Control";
    out.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  if (!has_cache_control) out.append("Cache-Control: no-store\r\n");
  out.append(kEveryAnswer);
  if (context.tls) out.append(kHsts);
  if (response.stream == nullptr && !bodiless(response.status)) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", body_size(response));
  }
  out.append(context.keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
}

std::string imf_fixdate(WallMs time) {
  static constexpr std::array<std::string_view, 7> kDays{"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
  static constexpr std::array<std::string_view, 12> kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                            "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::string iso = rfc3339(time.ms / 1000 * 1000);  // 2024-04-19T00:00:01Z
  const std::int64_t days = time.ms / 86'400'000;
  const auto month = static_cast<std::size_t>((iso[5] - '0') * 10 + (iso[6] - '0') - 1);
  return fmt::format("{}, {} {} {} {} GMT", kDays[static_cast<std::size_t>(((days % 7) + 7) % 7)], iso.substr(8, 2),
                     kMonths[month], iso.substr(0, 4), iso.substr(11, 8));
}

}  // namespace pandun::api::http
