#include "api/schema.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <cmath>

#include "base/time.h"
#include "guard/content_reader.h"

namespace pandun::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kFaultsMax = 20;

void add(std::vector<Fault>& faults, const std::string& where, std::string message) {
  if (faults.size() < kFaultsMax) faults.push_back({where.empty() ? "/" : where, std::move(message)});
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

// RFC 6901 3: ~ and / inside a key.
std::string pointer(const std::string& where, std::string_view key) {
  std::string out = where + "/";
  for (const char c : key.substr(0, 100)) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

bool in_class(std::string_view body, char c) {
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (i + 2 < body.size() && body[i + 1] == '-') {
      if (c >= body[i] && c <= body[i + 2]) return true;
      i += 2;
    } else if (body[i] == c) {
      return true;
    }
  }
  return false;
}

std::optional<std::size_t> size_of(const json::value& value) {
  if (!value.is_int64() || value.get_int64() < 0) return std::nullopt;
  return static_cast<std::size_t>(value.get_int64());
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  if (!pattern.starts_with('^') || !pattern.ends_with('$')) return false;
  pattern = pattern.substr(1, pattern.size() - 2);
  while (!pattern.empty()) {
    std::string_view body = pattern.substr(0, 1);
    std::size_t used = 1;
    if (pattern.front() == '[') {
      const std::size_t end = pattern.find(']');
      if (end == std::string_view::npos) return false;
      body = pattern.substr(1, end - 1);
      used = end + 1;
    }
    pattern.remove_prefix(used);
    const char repeat = pattern.empty() ? '1' : pattern.front();
    std::size_t least = 1;
    std::size_t most = 1;
    if (repeat == '*' || repeat == '+') {
      pattern.remove_prefix(1);
      least = repeat == '+' ? 1 : 0;
      most = text.size();
    }
    std::size_t taken = 0;
    while (taken < most && taken < text.size() && in_class(body, text[taken])) ++taken;
    if (taken < least) return false;
    text.remove_prefix(taken);
  }
  return text.empty();
}

// ---- reading a schema ----

Result<std::unique_ptr<Schema>> Schema::parse(const json::value& text, const Named& all, const std::string& where) {
  if (!text.is_object()) return error(Errc::kBadConfig, where, "a schema must be an object");
  auto out = std::make_unique<Schema>();
  out->all_ = &all;
  TRY(out->read(text.get_object(), where));
  return out;
}

Result<> Schema::read(const json::object& text, const std::string& where) {
  for (const auto& [word, value] : text) TRY(read_word(word, value, where + "/" + std::string(word)));
  anything_ = ref_.empty() && one_of_.empty() && types_ == 0;
  return {};
}

Result<> Schema::read_types(const json::value& value, const std::string& where) {
  static const std::map<std::string_view, unsigned> kTypes{
      {"null", kNull},     {"boolean", kBoolean}, {"integer", kInteger}, {"number", kNumber | kInteger},
      {"string", kString}, {"array", kArray},     {"object", kObject}};
  const auto one = [&](const json::value& name) -> Result<> {
    const auto it = name.is_string() ? kTypes.find(std::string_view(name.get_string())) : kTypes.end();
    if (it == kTypes.end()) return error(Errc::kBadConfig, where, "not a JSON type");
    types_ |= it->second;
    return {};
  };
  if (!value.is_array()) return one(value);
  for (const json::value& name : value.get_array()) TRY(one(name));
  return {};
}

Result<> Schema::read_word(std::string_view word, const json::value& value, const std::string& where) {
  const auto bad = [&] { return error(Errc::kBadConfig, where, "this schema word has a value of the wrong kind"); };
  if (word == "title" || word == "description" || word == "examples" || word == "default") return {};
  if (word == "type") return read_types(value, where);
  if (word == "$ref") {
    constexpr std::string_view kHome = "#/components/schemas/";
    if (!value.is_string() || !std::string_view(value.get_string()).starts_with(kHome)) return bad();
    ref_ = std::string(std::string_view(value.get_string()).substr(kHome.size()));
    return {};
  }
  if (word == "properties") {
    if (!value.is_object()) return bad();
    for (const auto& [name, schema] : value.get_object()) {
      TRY_ASSIGN(properties_[std::string(name)], parse(schema, *all_, where + "/" + std::string(name)));
    }
    return {};
  }
  if (word == "items") {
    TRY_ASSIGN(items_, parse(value, *all_, where));
    return {};
  }
  if (word == "additionalProperties") {
    if (value.is_bool()) return value.get_bool() ? Result<>(bad()) : Result<>();  // objects are closed anyway
    TRY_ASSIGN(additional_, parse(value, *all_, where));
    return {};
  }
  if (word == "oneOf") {
    if (!value.is_array()) return bad();
    for (const json::value& one : value.get_array()) {
      one_of_.emplace_back();
      TRY_ASSIGN(one_of_.back(), parse(one, *all_, where));
    }
    return {};
  }
  if (word == "required" || word == "enum") {
    if (!value.is_array()) return bad();
    for (const json::value& one : value.get_array()) {
      if (one.is_string()) (word == "enum" ? enum_ : required_).emplace_back(std::string_view(one.get_string()));
    }
    return {};
  }
  if (word == "minimum" || word == "maximum") {
    if (!value.is_number()) return bad();
    (word == "minimum" ? minimum_ : maximum_) = value.to_number<double>();
    return {};
  }
  if (word == "pattern") {
    if (!value.is_string()) return bad();
    pattern_ = std::string(std::string_view(value.get_string()));
    return {};
  }
  if (word == "format") {
    if (!value.is_string() || value.get_string() != "date-time") return bad();
    date_time_ = true;
    return {};
  }
  if (word == "uniqueItems") {
    unique_ = value.is_bool() && value.get_bool();
    return {};
  }
  const std::map<std::string_view, std::optional<std::size_t>*> sizes{{"minLength", &min_length_},
                                                                      {"maxLength", &max_length_},
                                                                      {"minItems", &min_items_},
                                                                      {"maxItems", &max_items_},
                                                                      {"maxProperties", &max_properties_}};
  const auto size = sizes.find(word);
  if (size == sizes.end()) return error(Errc::kBadConfig, where, "this schema word is not enforced here");
  *size->second = size_of(value);
  return *size->second ? Result<>() : Result<>(bad());
}

const Schema& Schema::target() const {
  const Schema* schema = this;
  while (!schema->ref_.empty()) {
    const auto it = all_->find(schema->ref_);
    CHECK_MSG(it != all_->end(), schema->ref_);
    schema = it->second.get();
  }
  return *schema;
}

// ---- checking a value ----

bool Schema::type_fits(const json::value& value) const {
  switch (value.kind()) {
    case json::kind::null:
      return (types_ & kNull) != 0;
    case json::kind::bool_:
      return (types_ & kBoolean) != 0;
    case json::kind::int64:
      return (types_ & kInteger) != 0;
    case json::kind::uint64:
      return (types_ & kNumber) != 0;  // beyond int64: no integer of ours
    case json::kind::double_:
      return (types_ & kNumber) != 0;
    case json::kind::string:
      return (types_ & kString) != 0;
    case json::kind::array:
      return (types_ & kArray) != 0;
    case json::kind::object:
      return (types_ & kObject) != 0;
  }
  return false;
}

std::string Schema::type_words() const {
  std::string out;
  const auto say = [&](unsigned bit, std::string_view words) {
    if ((types_ & bit) == 0 || (bit == kInteger && (types_ & kNumber) != 0)) return;
    out += out.empty() ? "" : " or ";
    out += words;
  };
  say(kString, "text");
  say(kInteger, "a whole number");
  say(kNumber, "a number");
  say(kBoolean, "true or false");
  say(kArray, "a list");
  say(kObject, "an object");
  say(kNull, "null");
  return out;
}

void Schema::check(const json::value& value, const std::string& where, std::vector<Fault>& faults) const {
  const Schema& s = target();
  if (&s != this) return s.check(value, where, faults);
  if (anything_) return;
  if (!one_of_.empty()) {
    std::vector<Fault> first;
    for (const auto& one : one_of_) {
      std::vector<Fault> found;
      one->check(value, where, found);
      if (found.empty()) return;
      if (first.empty()) first = std::move(found);
    }
    for (Fault& fault : first) add(faults, fault.where, std::move(fault.message));
    return;
  }
  if (!type_fits(value)) return add(faults, where, "must be " + type_words());
  if (value.is_string()) return check_string(value.get_string(), where, faults);
  if (value.is_number()) return check_number(value.to_number<double>(), where, faults);
  if (value.is_array()) return check_array(value.get_array(), where, faults);
  if (value.is_object()) check_object(value.get_object(), where, faults);
}

void Schema::check_enum(std::string_view text, const std::string& where, std::vector<Fault>& faults) const {
  if (enum_.empty() || std::find(enum_.begin(), enum_.end(), text) != enum_.end()) return;
  add(faults, where, fmt::format("must be one of {}", fmt::join(enum_, ", ")));
}

void Schema::check_string(std::string_view text, const std::string& where, std::vector<Fault>& faults) const {
  check_enum(text, where, faults);
  const std::size_t length = characters(text);
  if (min_length_ && length < *min_length_) {
    add(faults, where, length == 0 ? "must not be empty" : fmt::format("needs at least {} characters", *min_length_));
  }
  if (max_length_ && length > *max_length_)
    add(faults, where, fmt::format("takes at most {} characters", *max_length_));
  if (text.find('\0') != std::string_view::npos) add(faults, where, "must not contain a NUL character");
  if (!pattern_.empty() && !text.empty() && !matches(pattern_, text)) {
    add(faults, where, "must have the form " + pattern_);
  }
  if (date_time_ && !parse_rfc3339(text))
    add(faults, where, "must be a time such as 2026-07-01T08:00:00Z (RFC 3339, with zone)");
}

void Schema::check_number(double value, const std::string& where, std::vector<Fault>& faults) const {
  if (minimum_ && value < *minimum_) add(faults, where, fmt::format("must be at least {}", *minimum_));
  if (maximum_ && value > *maximum_) add(faults, where, fmt::format("must be at most {}", *maximum_));
}

void Schema::check_array(const json::array& list, const std::string& where, std::vector<Fault>& faults) const {
  if (min_items_ && list.size() < *min_items_) add(faults, where, fmt::format("needs at least {} items", *min_items_));
  if (max_items_ && list.size() > *max_items_)
    return add(faults, where, fmt::format("takes at most {} items", *max_items_));
  for (std::size_t i = 0; i < list.size() && faults.size() < kFaultsMax; ++i) {
    const std::string at = fmt::format("{}/{}", where, i);
    if (items_) items_->check(list[i], at, faults);
    if (unique_ && std::find(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(i), list[i]) !=
                       list.begin() + static_cast<std::ptrdiff_t>(i)) {
      add(faults, at, "stands in the list twice");
    }
  }
}

void Schema::check_object(const json::object& object, const std::string& where, std::vector<Fault>& faults) const {
  for (const std::string& name : required_) {
    if (!object.contains(name)) add(faults, pointer(where, name), "is needed");
  }
  if (max_properties_ && object.size() > *max_properties_) {
    return add(faults, where, fmt::format("takes at most {} keys", *max_properties_));
  }
  for (const auto& [key, value] : object) {
    if (faults.size() >= kFaultsMax) return;
    const std::string_view name = key;
    const std::string at = pointer(where, name);
    const auto known = properties_.find(name);
    if (known != properties_.end()) {
      known->second->check(value, at, faults);
    } else if (additional_) {
      additional_->check(value, at, faults);
    } else {
      std::vector<std::string_view> names;
      for (const auto& [property, schema] : properties_) names.push_back(property);
      const std::string_view near = guard::nearest(name.substr(0, 64), names);
      add(faults, at,
          near.empty() ? "is not a known key" : fmt::format("is not a known key; did you mean '{}'?", near));
    }
  }
}

void Schema::check_text(std::string_view text, const std::string& where, std::vector<Fault>& faults) const {
  const Schema& s = target();
  if ((s.types_ & kString) != 0) return s.check_string(text, where, faults);
  if ((s.types_ & kBoolean) != 0) {
    if (text != "true" && text != "false") add(faults, where, "must be true or false");
    return;
  }
  std::int64_t whole = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), whole);
  if (ec != std::errc() || end != text.data() + text.size()) return add(faults, where, "must be " + s.type_words());
  s.check_number(static_cast<double>(whole), where, faults);
}

}  // namespace pandun::api
