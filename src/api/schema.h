// JSON Schema, the part that our own description uses. Only contract.cpp includes this file.
//
// Words    type, properties, required, additionalProperties, items, enum, oneOf, minimum, maximum, minLength, maxLength,
//          pattern (^, classes, literals, * and +, $), format date-time, minItems, maxItems, uniqueItems, maxProperties, $ref.
//          title, description, examples and default say nothing about validity. Any other word is refused at load.
#pragma once

#include <boost/json/value.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/contract.h"

namespace pandun::api {

class Schema {
 public:
  // `all` resolves "#/components/schemas/X"; it must outlive this and be filled before check() is called.
  using Named = std::map<std::string, std::unique_ptr<Schema>, std::less<>>;
  static Result<std::unique_ptr<Schema>> parse(const boost::json::value& text, const Named& all,
                                               const std::string& where);

  void check(const boost::json::value& value, const std::string& where, std::vector<Fault>& faults) const;
  // A query parameter: its text is read as the type says.
  void check_text(std::string_view text, const std::string& where, std::vector<Fault>& faults) const;

 private:
  enum Type : unsigned { kNull = 1, kBoolean = 2, kInteger = 4, kNumber = 8, kString = 16, kArray = 32, kObject = 64 };

  Result<> read(const boost::json::object& text, const std::string& where);
  Result<> read_word(std::string_view word, const boost::json::value& value, const std::string& where);
  Result<> read_types(const boost::json::value& value, const std::string& where);
  const Schema& target() const;  // itself, or what $ref names
  bool type_fits(const boost::json::value& value) const;
  std::string type_words() const;
  void check_string(std::string_view text, const std::string& where, std::vector<Fault>& faults) const;
  void check_number(double value, const std::string& where, std::vector<Fault>& faults) const;
  void check_array(const boost::json::array& list, const std::string& where, std::vector<Fault>& faults) const;
  void check_object(const boost::json::object& object, const std::string& where, std::vector<Fault>& faults) const;
  void check_enum(std::string_view text, const std::string& where, std::vector<Fault>& faults) const;

  const Named* all_ = nullptr;
  std::string ref_;
  unsigned types_ = 0;
  std::map<std::string, std::unique_ptr<Schema>, std::less<>> properties_;
  std::vector<std::string> required_, enum_;
  std::unique_ptr<Schema> additional_, items_;
  std::vector<std::unique_ptr<Schema>> one_of_;
  std::optional<double> minimum_, maximum_;
  std::optional<std::size_t> min_length_, max_length_, min_items_, max_items_, max_properties_;
  std::string pattern_;
  bool date_time_ = false, unique_ = false, anything_ = false;
};

// One pass, no backtracking: enough for "^[a-z0-9][a-z0-9._-]*$".
bool matches(std::string_view pattern, std::string_view text);

}  // namespace pandun::api
