#include "api/contract.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "api/schema.h"
#include "guard/content_reader.h"

namespace pandun::api {
namespace {

namespace json = boost::json;

constexpr std::size_t kBodyBytesMax = 1 << 20;

std::optional<http::Method> method_of(std::string_view word) {
  if (word == "get") return http::Method::kGet;
  if (word == "post") return http::Method::kPost;
  if (word == "put") return http::Method::kPut;
  if (word == "patch") return http::Method::kPatch;
  if (word == "delete") return http::Method::kDelete;
  return std::nullopt;
}

const json::value* at(const json::value& value, std::initializer_list<std::string_view> keys) {
  const json::value* here = &value;
  for (const std::string_view key : keys) {
    if (!here->is_object()) return nullptr;
    here = here->get_object().if_contains(key);
    if (here == nullptr) return nullptr;
  }
  return here;
}

std::string text_at(const json::value& value, std::initializer_list<std::string_view> keys) {
  const json::value* found = at(value, keys);
  return found != nullptr && found->is_string() ? std::string(std::string_view(found->get_string())) : std::string();
}

Result<json::value> parse_json(std::string_view text, const std::string& where) {
  json::error_code ec;
  json::parse_options options;
  options.max_depth = 64;
  json::value value = json::parse(text, ec, {}, options);
  if (ec) return error(Errc::kBadInput, where, "not JSON: " + ec.message());
  return value;
}

}  // namespace

// ---- bodies ----

struct Body::Value {
  json::value json;
};

namespace {
const json::value* member(const Body::Value* value, std::string_view key) {
  if (value == nullptr || !value->json.is_object()) return nullptr;
  return value->json.get_object().if_contains(key);
}
}  // namespace

Body::Body() = default;
Body::Body(std::shared_ptr<const Value> value) : value_(std::move(value)) {}

bool Body::has(std::string_view key) const {
  return member(value_.get(), key) != nullptr;
}

bool Body::is_null(std::string_view key) const {
  const json::value* found = member(value_.get(), key);
  return found != nullptr && found->is_null();
}

std::string Body::text(std::string_view key) const {
  const json::value* found = member(value_.get(), key);
  return found != nullptr && found->is_string() ? std::string(std::string_view(found->get_string())) : std::string();
}

std::int64_t Body::integer(std::string_view key, std::int64_t fallback) const {
  const json::value* found = member(value_.get(), key);
  return found != nullptr && found->is_int64() ? found->get_int64() : fallback;
}

double Body::number(std::string_view key, double fallback) const {
  const json::value* found = member(value_.get(), key);
  return found != nullptr && found->is_number() ? found->to_number<double>() : fallback;
}

bool Body::boolean(std::string_view key, bool fallback) const {
  const json::value* found = member(value_.get(), key);
  return found != nullptr && found->is_bool() ? found->get_bool() : fallback;
}

std::vector<std::string> Body::texts(std::string_view key) const {
  std::vector<std::string> out;
  const json::value* found = member(value_.get(), key);
  if (found == nullptr || !found->is_array()) return out;
  for (const json::value& item : found->get_array()) {
    if (item.is_string()) out.emplace_back(std::string_view(item.get_string()));
  }
  return out;
}

std::map<std::string, std::string> Body::text_map(std::string_view key) const {
  std::map<std::string, std::string> out;
  const json::value* found = member(value_.get(), key);
  if (found == nullptr || !found->is_object()) return out;
  for (const auto& [name, value] : found->get_object()) {
    if (value.is_string()) out.emplace(std::string_view(name), std::string_view(value.get_string()));
  }
  return out;
}

Body Body::object(std::string_view key) const {
  const json::value* found = member(value_.get(), key);
  if (found == nullptr || !found->is_object()) return {};
  return Body(std::make_shared<const Value>(Value{*found}));
}

std::vector<Body> Body::objects(std::string_view key) const {
  std::vector<Body> out;
  const json::value* found = member(value_.get(), key);
  if (found == nullptr || !found->is_array()) return out;
  for (const json::value& item : found->get_array())
    if (item.is_object()) out.push_back(Body(std::make_shared<const Value>(Value{item})));
  return out;
}

// ---- the contract ----

struct Contract::Schemas {
  struct Parts {
    std::map<std::string, std::unique_ptr<Schema>, std::less<>> query;
    std::vector<std::string> required_query;
    const Schema* body = nullptr;
    std::map<int, const Schema*> answers;  // null: an answer without JSON
  };
  Schema::Named named;
  std::vector<Parts> parts;  // as operations_
  std::vector<std::unique_ptr<Schema>> owned;
  json::value document;

  Result<> read_parameters(const json::value& operation, const std::string& where, Parts& out);
  Result<> read_answers(const json::value& operation, const std::string& where, Parts& out);
  Result<> read_body(const json::value& operation, const std::string& where, Operation& op, Parts& out);
  Result<const Schema*> own(const json::value& schema, const std::string& where);
  const json::value& resolve(const json::value& value) const;
};

Contract::Contract() : schemas_(std::make_unique<Schemas>()) {}
Contract::~Contract() = default;

// Follows "#/components/…/X".
const json::value& Contract::Schemas::resolve(const json::value& value) const {
  const std::string ref = text_at(value, {"$ref"});
  if (ref.empty()) return value;
  json::error_code ec;
  const json::value* found = document.find_pointer(std::string_view(ref).substr(1), ec);
  return found != nullptr ? *found : value;
}

Result<const Schema*> Contract::Schemas::own(const json::value& schema, const std::string& where) {
  TRY_ASSIGN(auto parsed, Schema::parse(schema, named, where));
  owned.push_back(std::move(parsed));
  return owned.back().get();
}

Result<> Contract::Schemas::read_parameters(const json::value& operation, const std::string& where, Parts& out) {
  const json::value* list = at(operation, {"parameters"});
  if (list == nullptr || !list->is_array()) return {};
  for (const json::value& item : list->get_array()) {
    const json::value& parameter = resolve(item);
    if (text_at(parameter, {"in"}) != "query") continue;
    const std::string name = text_at(parameter, {"name"});
    const json::value* schema = at(parameter, {"schema"});
    if (schema == nullptr) return error(Errc::kBadConfig, where + " " + name, "a parameter needs a schema");
    TRY_ASSIGN(out.query[name], Schema::parse(*schema, named, where + "?" + name));
    const json::value* required = at(parameter, {"required"});
    if (required != nullptr && required->is_bool() && required->get_bool()) out.required_query.push_back(name);
  }
  return {};
}

Result<> Contract::Schemas::read_body(const json::value& operation, const std::string& where, Operation& op,
                                      Parts& out) {
  const json::value* schema = at(operation, {"requestBody", "content", "application/json", "schema"});
  if (schema == nullptr) return {};
  TRY_ASSIGN(out.body, own(*schema, where + " body"));
  op.has_body = true;
  const json::value* most = at(operation, {"x-body-bytes-max"});
  op.body_bytes_max = most != nullptr && most->is_int64() ? static_cast<std::size_t>(most->get_int64()) : kBodyBytesMax;
  return {};
}

Result<> Contract::Schemas::read_answers(const json::value& operation, const std::string& where, Parts& out) {
  const json::value* answers = at(operation, {"responses"});
  if (answers == nullptr || !answers->is_object()) return error(Errc::kBadConfig, where, "needs responses");
  for (const auto& [status, item] : answers->get_object()) {
    const json::value& answer = resolve(item);
    const int code = std::atoi(std::string(status).c_str());
    out.answers[code] = nullptr;
    for (const std::string_view type : {"application/json", "application/problem+json"}) {
      const json::value* schema = at(answer, {"content", type, "schema"});
      if (schema == nullptr) continue;
      TRY_ASSIGN(out.answers[code], own(*schema, where + " " + std::string(status)));
    }
  }
  return {};
}

Result<std::unique_ptr<Contract>> Contract::parse(std::string_view openapi) {
  std::unique_ptr<Contract> out(new Contract());
  Schemas& s = *out->schemas_;
  TRY_ASSIGN(s.document, parse_json(openapi, "openapi.json"));
  const json::value* schemas = at(s.document, {"components", "schemas"});
  const json::value* paths = at(s.document, {"paths"});
  if (schemas == nullptr || !schemas->is_object() || paths == nullptr || !paths->is_object()) {
    return error(Errc::kBadConfig, "openapi.json", "needs paths and components/schemas");
  }
  for (const auto& [name, schema] : schemas->get_object()) {
    TRY_ASSIGN(s.named[std::string(name)], Schema::parse(schema, s.named, "openapi.json#" + std::string(name)));
  }
  for (const auto& [path, methods] : paths->get_object()) {
    if (!methods.is_object()) continue;
    for (const auto& [word, operation] : methods.get_object()) {
      const auto method = method_of(word);
      if (!method) continue;
      const std::string where = fmt::format("{} {}", http::name(*method), std::string_view(path));
      Operation op{
          *method, std::string(path), text_at(operation, {"operationId"}), text_at(operation, {"x-right"}), false, 0};
      Schemas::Parts parts;
      TRY(s.read_parameters(operation, where, parts));
      TRY(s.read_body(operation, where, op, parts));
      TRY(s.read_answers(operation, where, parts));
      out->operations_.push_back(std::move(op));
      s.parts.push_back(std::move(parts));
    }
  }
  return out;
}

const Operation* Contract::find(http::Method method, std::string_view path) const {
  for (const Operation& operation : operations_) {
    if (operation.method == method && operation.path == path) return &operation;
  }
  return nullptr;
}

void Contract::check_query(const Operation& operation, const std::vector<http::QueryItem>& query,
                           std::vector<Fault>& faults) const {
  const Schemas::Parts& parts = schemas_->parts[static_cast<std::size_t>(&operation - operations_.data())];
  std::vector<std::string_view> seen;
  for (const http::QueryItem& item : query) {
    const std::string where = "?" + item.name.substr(0, 100);
    const auto known = parts.query.find(item.name);
    if (known == parts.query.end()) {
      std::vector<std::string_view> names;
      for (const auto& [name, schema] : parts.query) names.push_back(name);
      const std::string_view near = guard::nearest(std::string_view(item.name).substr(0, 64), names);
      faults.push_back({where, near.empty() ? "is not a known parameter"
                                            : fmt::format("is not a known parameter; did you mean '{}'?", near)});
      continue;
    }
    if (std::find(seen.begin(), seen.end(), item.name) != seen.end()) faults.push_back({where, "is given twice"});
    seen.push_back(item.name);
    known->second->check_text(item.value, where, faults);
  }
  for (const std::string& name : parts.required_query) {
    if (std::find(seen.begin(), seen.end(), name) == seen.end()) faults.push_back({"?" + name, "is needed"});
  }
}

std::optional<Body> Contract::read_body(const Operation& operation, const std::string& text,
                                        std::vector<Fault>& faults) const {
  const Schemas::Parts& parts = schemas_->parts[static_cast<std::size_t>(&operation - operations_.data())];
  CHECK(parts.body != nullptr);
  auto value = parse_json(text, "body");
  if (!value.ok()) {
    faults.push_back({"/", value.error().message});
    return std::nullopt;
  }
  parts.body->check(*value, "", faults);
  if (!faults.empty()) return std::nullopt;
  return Body(std::make_shared<const Body::Value>(Body::Value{std::move(*value)}));
}

void Contract::check_answer(const Operation& operation, int status, const std::string& text,
                            std::vector<Fault>& faults) const {
  const Schemas::Parts& parts = schemas_->parts[static_cast<std::size_t>(&operation - operations_.data())];
  const auto answer = parts.answers.find(status);
  if (answer == parts.answers.end()) {
    faults.push_back({"/", fmt::format("status {} is not documented for {}", status, operation.id)});
    return;
  }
  if (answer->second == nullptr) return;
  auto value = parse_json(text, "answer");
  if (!value.ok()) {
    faults.push_back({"/", value.error().message});
    return;
  }
  answer->second->check(*value, "", faults);
}

}  // namespace pandun::api
