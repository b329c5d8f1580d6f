// Views as JSON, field by field as openapi.json describes them. A test holds every answer against that description.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform_port.h"
#include "casework/views.h"
#include "casework/workflow.h"
#include "guard/audit.h"
#include "guard/identity.h"
#include "guard/json_writer.h"
#include "guard/sessions.h"
#include "guard/vault.h"

namespace pandun::api {

using guard::JsonWriter;

// Pieces that several views share.
void write(JsonWriter& w, const model::ShownEntity& entity);
void write(JsonWriter& w, const casework::AlertSummary& alert);
void write(JsonWriter& w, const casework::IncidentSummary& incident);
void write(JsonWriter& w, const casework::CaseSummary& summary);
void write(JsonWriter& w, const casework::MeasureView& measure);
void write(JsonWriter& w, const casework::BatchNumber& number);
void write(JsonWriter& w, const casework::BatchSummary& batch);
void write(JsonWriter& w, const casework::BatchView& batch);
void write(JsonWriter& w, const casework::AppealView& appeal);
void write(JsonWriter& w, const casework::MeasureStory& story);
void write(JsonWriter& w, const SourceState& source);
void write(JsonWriter& w, const guard::User& user);
void write(JsonWriter& w, const store::GrantRow& grant, WallMs now);
void local(JsonWriter& w, std::string_view key, const model::LocalText& text);
void time_or_null(JsonWriter& w, std::string_view key, const std::optional<WallMs>& time);
void text_or_null(JsonWriter& w, std::string_view key, std::string_view text);  // empty: null
void write(JsonWriter& w, std::string_view key, const Counts& counts);
void write_engine(JsonWriter& w, const EngineState& engine);

template <typename T>
void write_list(JsonWriter& w, std::string_view key, const std::vector<T>& items) {
  w.key(key).begin_array();
  for (const T& item : items) write(w, item);
  w.end_array();
}

// {"items":[…],"next":"…"|null}; the caller may add fields before end_object().
template <typename T>
void begin_page(JsonWriter& w, const std::vector<T>& items, const std::optional<std::int64_t>& next) {
  w.begin_object();
  write_list(w, "items", items);
  w.key("next");
  if (next) {
    w.string(std::to_string(*next));
  } else {
    w.null();
  }
}

template <typename T>
std::string to_json(const T& value) {
  std::string out;
  JsonWriter w(out);
  write(w, value);
  return out;
}

// What the platform's catalogues say about names that alerts use.
struct AlertContext {
  std::map<std::string, LocalText, std::less<>> features;
  std::map<std::string, std::string, std::less<>> techniques;
  const DetectorEntry* detector = nullptr;
};
std::string alert_json(const casework::AlertView& alert, const AlertContext& context);
std::string incident_json(const casework::IncidentView& incident);
std::string case_json(const casework::CaseView& view);
std::string session_json(const guard::SessionInfo& session);
std::string live_stats_json(WallMs at, const EngineFigures& figures, std::uint64_t alerts_open);

}  // namespace pandun::api
