#include "api/json.h"
#include "api/room.h"

namespace pandun::api {
namespace {

void write_intel_list(JsonWriter& w, const IntelListEntry& list) {
  w.begin_object().field("name", list.name).field("topic", list.topic).field("format", list.format);
  w.key("entries").unsigned_integer(list.entries).field_integer("severity", list.severity);
  w.key("confidence").number(list.confidence).field("added_by", list.added_by);
  w.field("added_at", rfc3339(list.added_at));
  time_or_null(w, "expires_at", list.expires_at);
  write(w, "by_type", list.by_type);
  w.end_object();
}

Answer lists(Room& room, const Call&) {
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const IntelListEntry& list : room.parts.platform.intel_lists()) write_intel_list(w, list);
  w.end_array().end_object();
  return json_answer(std::move(out));
}

Answer add(Room& room, const Call& call) {
  NewIntelList wish;
  wish.name = call.body.text("name");
  wish.topic = call.body.text("topic");
  wish.format = call.body.text("format");
  wish.content = call.body.text("content");
  wish.severity = static_cast<unsigned>(call.body.integer("severity"));
  wish.confidence = call.body.number("confidence");
  wish.expires_in_days = static_cast<unsigned>(call.body.integer("expires_in_days"));
  wish.added_by = call.actor.name;
  TRY_ASSIGN(const IntelImport import, room.parts.platform.add_intel_list(wish));
  TRY(room.parts.audit.record_alone({call.actor.name,
                                     "intel.import",
                                     "list:" + wish.name,
                                     {{"accepted", std::to_string(import.accepted)},
                                      {"rejected", std::to_string(import.rejected)},
                                      {"topic", wish.topic}}}));
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("list");
  write_intel_list(w, import.list);
  w.key("accepted").unsigned_integer(import.accepted).key("rejected").unsigned_integer(import.rejected);
  w.key("rejects").begin_array();
  for (const IntelReject& reject : import.rejects) {
    w.begin_object().key("line").unsigned_integer(reject.line).field("reason", reject.reason);
    w.field("excerpt", reject.excerpt).end_object();
  }
  w.end_array().end_object();
  return json_answer(std::move(out), 201);
}

Answer remove(Room& room, const Call& call) {
  TRY(room.parts.platform.delete_intel_list(call.path[0]));
  TRY(room.parts.audit.record_alone({call.actor.name, "intel.withdraw", "list:" + call.path[0], {}}));
  http::Response response;
  response.status = 204;
  return response;
}

}  // namespace

void add_intel_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/intel/lists", Door::kRead, lists});
  routes.push_back({Method::kPost, "/api/v1/intel/lists", Door::kIntelWrite, add});
  routes.push_back({Method::kDelete, "/api/v1/intel/lists/{name}", Door::kIntelWrite, remove});
}

}  // namespace pandun::api
