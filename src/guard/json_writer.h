// Writes JSON that is the same byte for byte whenever the same calls are made: no spaces, fields in call order.
//
// Shape    numbers: shortest form that reads back as the same double; NaN and infinities become null.
//          strings: bytes that are not UTF-8 become U+FFFD, so the output always parses.
// Errors   none; an unbalanced object is our bug.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace pandun::guard {

class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& string(std::string_view text);
  JsonWriter& integer(std::int64_t value);
  JsonWriter& unsigned_integer(std::uint64_t value);
  JsonWriter& number(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);  // already JSON

  JsonWriter& field(std::string_view name, std::string_view text) { return key(name).string(text); }
  JsonWriter& field_integer(std::string_view name, std::int64_t value) { return key(name).integer(value); }
  JsonWriter& strings(std::string_view name, const std::vector<std::string>& list);
  JsonWriter& local(std::string_view name, std::string_view zh, std::string_view en);

 private:
  void separate();
  std::string& out_;
  std::vector<bool> has_items_;
  bool after_key_ = false;
};

void append_json_string(std::string& out, std::string_view text);

}  // namespace pandun::guard
