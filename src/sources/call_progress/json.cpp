#include "sources/call_progress/json.h"

#include <utility>

#include "sources/kit/json_text.h"

namespace pandun::sources::call_progress {
namespace {

namespace od = simdjson::ondemand;
constexpr std::array<std::string_view, kColumns> kKeys{"time",   "call",    "state", "caller",
                                                       "callee", "since_s", "route", "kind"};

}  // namespace

struct JsonReader::State {
  od::parser parser;
};

JsonReader::JsonReader() : state_(std::make_unique<State>()) {}
JsonReader::~JsonReader() = default;

bool JsonReader::read(std::string_view line, Values& out) {
  out.fill({});
  od::document document;
  od::object object;
  if (state_->parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document) !=
          simdjson::SUCCESS ||
      document.get_object().get(object) != simdjson::SUCCESS)
    return false;
  for (auto member : object) {
    od::field field;
    if (std::move(member).get(field) != simdjson::SUCCESS) return false;
    for (std::size_t i = 0; i < kKeys.size(); ++i) {
      if (!key_is(field.key().raw(), kKeys[i])) continue;
      if (!scalar_of(field.value(), out[i])) return false;
      break;
    }
  }
  return at_end(document);
}

}  // namespace pandun::sources::call_progress
