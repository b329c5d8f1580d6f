// The shelf of trained models, and the way of one to being champion.
#include "api/json.h"
#include "api/models_port.h"
#include "api/room.h"

namespace pandun::api {
namespace {

Answer answer(const Result<ModelShelf>& made) {
  if (!made.ok()) return made.error();
  std::string out;
  JsonWriter w(out);
  w.begin_object().key("items").begin_array();
  for (const ModelEntry& model : made->items) {
    w.begin_object().field_integer("batch", model.batch).field("name", model.name).field("digest", model.digest);
    w.field("change_note", model.change_note).field("state", model.state).field("entered", model.entered);
    w.field("changed", model.changed).field("by", model.by);
    text_or_null(w, "approved_by", model.approved_by);
    w.key("looked").unsigned_integer(model.looked).key("spoke").unsigned_integer(model.spoke);
    w.key("spoke_alone").unsigned_integer(model.spoke_alone).end_object();
  }
  w.end_array().key("waiting");
  if (made->waiting) {
    const ModelProposal& proposal = *made->waiting;
    w.begin_object().field("action", proposal.action).field_integer("batch", proposal.batch).field("by", proposal.by);
    w.field("reason", proposal.reason).field("at", rfc3339(proposal.at));
    w.field("lapses_at", rfc3339(proposal.lapses)).end_object();
  } else {
    w.null();
  }
  w.end_object();
  return json_answer(std::move(out));
}

Result<ModelsPort*> desk_of(Room& room) {
  if (room.parts.models == nullptr) return error(Errc::kUnavailable, "models", "there is no shelf of models here");
  return room.parts.models;
}

Result<std::uint32_t> batch_in(const Call& call) {
  const std::int64_t batch = call.body.integer("batch");
  if (batch < 0 || batch > 1'000'000'000) return error(Errc::kUsage, "/batch", "is no number of a batch");
  return static_cast<std::uint32_t>(batch);
}

Answer shelf(Room& room, const Call&) {
  TRY_ASSIGN(ModelsPort * desk, desk_of(room));
  return answer(desk->shelf());
}

Answer to_shadow(Room& room, const Call& call) {
  TRY_ASSIGN(ModelsPort * desk, desk_of(room));
  TRY_ASSIGN(const std::uint32_t batch, batch_in(call));
  return answer(desk->to_shadow(call.actor, batch, call.body.text("reason")));
}

Answer propose(Room& room, const Call& call) {
  TRY_ASSIGN(ModelsPort * desk, desk_of(room));
  TRY_ASSIGN(const std::uint32_t batch, batch_in(call));
  return answer(desk->propose(call.actor, call.body.text("action"), batch, call.body.text("reason")));
}

Answer approve(Room& room, const Call& call) {
  TRY_ASSIGN(ModelsPort * desk, desk_of(room));
  return answer(desk->decide(call.actor, true, call.body.text("reason")));
}

Answer refuse(Room& room, const Call& call) {
  TRY_ASSIGN(ModelsPort * desk, desk_of(room));
  return answer(desk->decide(call.actor, false, call.body.text("reason")));
}

}  // namespace

void add_model_routes(std::vector<Route>& routes) {
  using http::Method;
  routes.push_back({Method::kGet, "/api/v1/models", Door::kRead, shelf});
  routes.push_back({Method::kPost, "/api/v1/models/shadow", Door::kIntelWrite, to_shadow});
  routes.push_back({Method::kPost, "/api/v1/models/proposal", Door::kIntelWrite, propose});
  routes.push_back({Method::kPost, "/api/v1/models/proposal/approve", Door::kCaseWork, approve});
  routes.push_back({Method::kPost, "/api/v1/models/proposal/refuse", Door::kCaseWork, refuse});
}

}  // namespace pandun::api
