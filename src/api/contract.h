// The OpenAPI file at work: requests are checked against the very text that is served and that clients are made from.
//
// Errors   parse(): kBadConfig when the text uses a schema word this reader does not enforce, so that nothing documented is
//          silently unchecked. Requests: every fault at once, each with a JSON pointer or ?parameter.
// Shape    objects are closed: a key that `properties` does not name is a fault that names the nearest one, unless
//          `additionalProperties` is a schema.
// Threads  immutable once parsed.
// Source   OpenAPI 3.1.0; JSON Schema 2020-12, the words listed in schema.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/message.h"
#include "base/result.h"

namespace pandun::api {

struct Fault {
  std::string where, message;
};

// A checked JSON body. Getters may be called only for what the schema allows; absent and null read as empty.
class Body {
 public:
  struct Value;
  Body();
  explicit Body(std::shared_ptr<const Value> value);
  bool has(std::string_view key) const;
  bool is_null(std::string_view key) const;
  std::string text(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t fallback = 0) const;
  double number(std::string_view key, double fallback = 0) const;
  bool boolean(std::string_view key, bool fallback = false) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::map<std::string, std::string> text_map(std::string_view key) const;
  Body object(std::string_view key) const;
  std::vector<Body> objects(std::string_view key) const;

 private:
  std::shared_ptr<const Value> value_;
};

struct Operation {
  http::Method method = http::Method::kGet;
  std::string path;  // "/api/v1/alerts/{id}"
  std::string id, right;
  bool has_body = false;
  std::size_t body_bytes_max = 0;
};

class Contract {
 public:
  static Result<std::unique_ptr<Contract>> parse(std::string_view openapi);
  ~Contract();

  const std::vector<Operation>& operations() const { return operations_; }
  const Operation* find(http::Method method, std::string_view path) const;

  void check_query(const Operation& operation, const std::vector<http::QueryItem>& query,
                   std::vector<Fault>& faults) const;
  // Null when there are faults.
  std::optional<Body> read_body(const Operation& operation, const std::string& text, std::vector<Fault>& faults) const;
  // Is this what the operation promises to answer? For tests.
  void check_answer(const Operation& operation, int status, const std::string& text, std::vector<Fault>& faults) const;

 private:
  struct Schemas;
  Contract();
  std::unique_ptr<Schemas> schemas_;
  std::vector<Operation> operations_;
};

// The text itself, embedded at build time.
extern const std::string_view kOpenApiText;

}  // namespace pandun::api
