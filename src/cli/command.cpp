#include "cli/command.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>

#include "guard/json_writer.h"

namespace pandun::cli {

std::string Arguments::text(std::string_view flag) const {
  const auto found = values_.find(flag);
  return found == values_.end() || found->second.empty() ? std::string() : found->second.back();
}

std::int64_t Arguments::integer(std::string_view flag) const {
  const std::string value = text(flag);
  std::int64_t out = 0;
  std::from_chars(value.data(), value.data() + value.size(), out);
  return out;
}

double Arguments::number(std::string_view flag) const {
  const std::string value = text(flag);
  double out = 0;
  std::from_chars(value.data(), value.data() + value.size(), out);
  return out;
}

const std::vector<std::string>& Arguments::many(std::string_view flag) const {
  static const std::vector<std::string> kNone;
  const auto found = values_.find(flag);
  return found == values_.end() ? kNone : found->second;
}

int fail(const Error& error, bool json) {
  const ErrorCodeInfo& code = info(error.code);
  if (json) {
    std::string out;
    guard::JsonWriter(out)
        .begin_object()
        .field("code", code.name)
        .field("where", error.where)
        .field("message", error.message)
        .field("advice", code.advice_en)
        .end_object();
    fmt::print(stderr, "{}\n", out);
  } else {
    fmt::print(stderr, "pandun: {}\n  {}\n", error.text(), code.advice_en);
  }
  return code.exit_code;
}

}  // namespace pandun::cli
