#include "sources/zeek/json.h"

#include <set>
#include <utility>
#include <vector>

#include "sources/kit/json_text.h"

namespace pandun::sources::zeek {
namespace {

namespace od = simdjson::ondemand;
constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING, kKeysMax = 256;
constexpr std::size_t kKeyBytes = kPadding - 2;  // a longer key could be compared past the padding
constexpr int kUnused = -1, kPath = -2;
constexpr char kJoin = '\x1f';  // between a JSON array's members

struct Expected {
  std::string key;
  int slot = kUnused;
};

}  // namespace

struct JsonRows::State {
  od::parser parser;
  const LogType* type = nullptr;
  std::vector<Expected> expected;  // by position in the object
  std::set<std::string, std::less<>> extra_seen;
  std::size_t extra_new = 0;
  std::vector<std::string> joined;  // arrays of the present row
  std::size_t joined_used = 0;

  int slot_of(od::field& field, std::size_t position, bool& good);
  bool value_of(od::value value, std::string_view& out);
  bool join(od::array array, std::string_view& out);
};

int JsonRows::State::slot_of(od::field& field, std::size_t position, bool& good) {
  const char* raw = field.key().raw();
  if (position < expected.size()) {
    const std::string& key = expected[position].key;
    if (key_is(raw, key)) return expected[position].slot;
  }
  std::string_view key;
  good = field.unescaped_key().get(key) == simdjson::SUCCESS;
  if (!good) return kUnused;
  const int slot = key == "_path" ? kPath : type ? type->slot_of(key) : kUnused;
  if (type && slot == kUnused && !type->knows(key) && extra_seen.size() < kKeysMax && extra_seen.emplace(key).second)
    ++extra_new;
  // Only a plain key may be expected: an escaped one does not compare byte by byte.
  if (position < kKeysMax && key.size() <= kKeyBytes && key_is(raw, key)) {
    if (expected.size() <= position) expected.resize(position + 1);
    expected[position] = {std::string(key), slot};
  }
  return slot;
}

bool JsonRows::State::join(od::array array, std::string_view& out) {
  if (joined_used == joined.size()) joined.emplace_back();
  std::string& text = joined[joined_used++];
  text.clear();
  for (auto item : array) {
    od::value member;
    std::string_view member_text;
    if (std::move(item).get(member) != simdjson::SUCCESS || !value_of(member, member_text)) return false;
    if (!text.empty()) text += kJoin;
    text += member_text;
  }
  out = text;
  return true;
}

// Any value as Zeek's text would have it; null is an unset field.
bool JsonRows::State::value_of(od::value value, std::string_view& out) {
  if (!value.raw_json_token().starts_with('[')) return scalar_of(value, out);
  od::array array;
  return joined_used < kSlots && value.get_array().get(array) == simdjson::SUCCESS && join(array, out);
}

JsonRows::JsonRows() : state_(std::make_unique<State>()) {
  state_->joined.reserve(kSlots);
}
JsonRows::~JsonRows() = default;

std::size_t JsonRows::take_extra() {
  return std::exchange(state_->extra_new, 0);
}

JsonRows::Got JsonRows::read(std::string_view line, const LogType* type, std::string_view type_name, Row& row) {
  State& s = *state_;
  if (s.type != type) {
    s.type = type;
    s.expected.clear();
  }
  s.joined_used = 0;
  row.at.fill({});
  row.escaped = false;
  row.set_separator = kJoin;
  od::document document;
  od::object object;
  if (s.parser.iterate(line.data(), line.size(), line.size() + kPadding).get(document) != simdjson::SUCCESS)
    return Got::kBad;
  if (document.get_object().get(object) != simdjson::SUCCESS) return Got::kBad;
  std::size_t position = 0;
  for (auto item : object) {
    od::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return Got::kBad;
    bool good = true;
    const int slot = s.slot_of(field, position++, good);
    if (!good) return Got::kBad;
    if (slot == kUnused) continue;
    if (slot == kPath) {
      std::string_view path;
      if (!string_of(field.value(), path)) return Got::kBad;
      if (path == type_name) continue;
      path_ = path;
      return Got::kOtherLog;
    }
    if (!s.value_of(field.value(), row.at[static_cast<std::size_t>(slot)])) return Got::kBad;
  }
  return at_end(document) ? Got::kRow : Got::kBad;
}

}  // namespace pandun::sources::zeek
