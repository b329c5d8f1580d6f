// Result<T>: a value or an Error, for everything that input, a peer, a disk or a person can get wrong.
//
// Errors   an Error says what to do next: code (stable, tests assert it), where (file:line:column, path, source:position),
//          message (for a person), retryable. Our own bugs are not Errors: use CHECK (base/check.h).
// Threads  plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/check.h"

namespace pandun {

// One table maps each code to its HTTP status, exit code and documentation: base/errors.cpp.
enum class Errc : std::uint8_t {
  kUsage,      // the caller's words are off
  kBadConfig,  // configuration or content is wrong
  kBadInput,   // input beyond what may be rejected record by record
  kTooOld,     // behind the watermark
  kTooLarge,   // over a stated bound
  kNotFound,
  kConflict,    // the thing changed since it was read, or exists already
  kNotAllowed,  // authenticated, but lacks the right
  kUnauthenticated,
  kRateLimited,
  kUnavailable,  // a peer, disk or file cannot be used now
  kIo,           // the operating system refused
  kCorrupt,      // stored bytes fail their checksum
  kUnsupported,
};

struct Error {
  Errc code{};
  std::string where;
  std::string message;
  bool retryable = false;

  // "where: message [code]", the one form shown to a person.
  std::string text() const;
};

struct ErrorCodeInfo {
  Errc code;
  std::string_view name;  // stable, snake_case; what APIs show
  int http_status;
  int exit_code;
  std::string_view advice_en;
  std::string_view advice_zh;
};
const ErrorCodeInfo& info(Errc code);

struct Ok {};

template <typename T = Ok>
class [[nodiscard]] Result {
 public:
  Result() requires std::is_same_v<T, Ok> : state_(Ok{}) {}
  Result(T value) : state_(std::move(value)) {}      // NOLINT(google-explicit-constructor)
  Result(Error error) : state_(std::move(error)) {}  // NOLINT(google-explicit-constructor)

  bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & { return checked(); }
  const T& value() const& { return const_cast<Result*>(this)->checked(); }
  T&& value() && { return std::move(checked()); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const Error& error() const& {
    CHECK(!ok());
    return std::get<1>(state_);
  }
  Error&& error() && {
    CHECK(!ok());
    return std::get<1>(std::move(state_));
  }

 private:
  T& checked() {
    if (!ok()) check_failed(__FILE__, __LINE__, "Result::value() on an error", std::get<1>(state_).text());
    return std::get<0>(state_);
  }
  std::variant<T, Error> state_;
};

inline Error error(Errc code, std::string where, std::string message, bool retryable = false) {
  return Error{code, std::move(where), std::move(message), retryable};
}

}  // namespace pandun

// TRY(expr): returns the Error of a Result early. TRY_ASSIGN(auto x, expr): and takes its value otherwise.
#define PANDUN_CONCAT_(a, b) a##b
#define PANDUN_CONCAT(a, b) PANDUN_CONCAT_(a, b)
// Names come from __COUNTER__, so that a TRY may stand in a lambda that is itself an argument of TRY.
#define TRY(expr) TRY_(expr, PANDUN_CONCAT(try_result_, __COUNTER__))
#define TRY_(expr, name)                                                \
  do {                                                                  \
    if (auto name = (expr); !name.ok()) return std::move(name).error(); \
  } while (false)
#define TRY_ASSIGN(target, expr) TRY_ASSIGN_(target, expr, PANDUN_CONCAT(try_result_, __COUNTER__))
#define TRY_ASSIGN_(target, expr, name)           \
  auto name = (expr);                             \
  if (!name.ok()) return std::move(name).error(); \
  target = std::move(name).value()
