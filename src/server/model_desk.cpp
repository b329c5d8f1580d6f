#include "server/model_desk.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pandun::server {
namespace {

using guard::Right;

constexpr std::string_view kForm = "pandun-model-proposal 1";
constexpr std::int64_t kLapsesMs = 24LL * 3600 * 1000;

std::string batch_name(std::uint32_t batch) {
  return fmt::format("batch-{:06}", batch);
}

// The next line of `rest`, without its end.
std::string_view line_of(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}
template <typename Number>
bool read_number(std::string_view text, Number& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size();
}

std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\n' || c == '\r'; }, ' ');
  return text;
}

Result<> a_person(const guard::Actor& actor, std::string_view what) {
  if (!actor.token && !actor.person.empty()) return {};
  return error(Errc::kNotAllowed, actor.name, fmt::format("{} is a person's act, never an API token's", what));
}

}  // namespace

Result<std::optional<ModelDesk::Waiting>> ModelDesk::waiting() const {
  auto text = platform::read_file(parts_.files, parts_.proposal, 64 << 10);
  if (!text.ok()) {
    if (text.error().code == Errc::kNotFound) return std::optional<Waiting>();
    return std::move(text).error();
  }
  std::string_view rest = *text;
  Waiting out;
  const bool good = line_of(rest) == kForm && [&] {
    out.said.action = line_of(rest);
    if (!read_number(line_of(rest), out.said.batch)) return false;
    out.person = line_of(rest);
    out.said.by = line_of(rest);
    if (!read_number(line_of(rest), out.said.at.ms)) return false;
    out.said.reason = line_of(rest);
    return !out.person.empty();
  }();
  if (!good) return error(Errc::kCorrupt, parts_.proposal, "is no proposal about a model; remove it and propose again");
  out.said.lapses = WallMs{out.said.at.ms + kLapsesMs};
  if (parts_.clock.wall().ms >= out.said.lapses.ms) return std::optional<Waiting>();
  return std::optional<Waiting>(std::move(out));
}

Result<api::ModelShelf> ModelDesk::seen() const {
  learn::Shelf shelf(parts_.files, parts_.clock, parts_.shelf);
  TRY(shelf.load());
  const std::vector<ModelFigures> figures = parts_.figures();
  api::ModelShelf out;
  for (const learn::ShelfEntry& entry : shelf.list()) {
    api::ModelEntry model{entry.batch,
                          entry.name,
                          entry.digest,
                          entry.change_note,
                          std::string(name(entry.state)),
                          entry.entered,
                          entry.changed,
                          entry.by,
                          entry.approved_by,
                          0,
                          0,
                          0};
    for (const ModelFigures& one : figures) {
      if (one.name != batch_name(entry.batch)) continue;
      model.looked = one.looked;
      model.spoke = one.spoke;
      model.spoke_alone = one.spoke_alone;
    }
    out.items.push_back(std::move(model));
  }
  std::reverse(out.items.begin(), out.items.end());
  TRY_ASSIGN(const auto proposal, waiting());
  if (proposal) out.waiting = proposal->said;
  return out;
}

Result<> ModelDesk::note(const guard::Actor& actor, std::string_view what, const std::string& action,
                         std::uint32_t batch, const std::string& reason) const {
  return parts_.audit.record_alone(
      {actor.name, "model." + std::string(what), "model:" + batch_name(batch), {{"step", action}, {"reason", reason}}});
}

Result<api::ModelShelf> ModelDesk::shelf() const {
  const std::scoped_lock lock(mutex_);
  return seen();
}

Result<api::ModelShelf> ModelDesk::to_shadow(const guard::Actor& actor, std::uint32_t batch,
                                             const std::string& reason) {
  TRY(guard::require(actor, Right::kIntelWrite));
  TRY(a_person(actor, "running a model in shadow"));
  const std::scoped_lock lock(mutex_);
  learn::Shelf shelf(parts_.files, parts_.clock, parts_.shelf);
  TRY(shelf.load());
  for (const learn::ShelfEntry& entry : shelf.list())
    if (entry.batch == batch && entry.state != learn::ModelState::kDraft)
      return error(Errc::kConflict, batch_name(batch), fmt::format("it is no draft but {}", name(entry.state)));
  TRY(shelf.promote({batch, learn::ModelState::kShadow, actor.person, {}, one_line(reason)}));
  TRY(note(actor, "shadow", "shadow", batch, reason));
  return seen();
}

Result<api::ModelShelf> ModelDesk::propose(const guard::Actor& actor, const std::string& action, std::uint32_t batch,
                                           const std::string& reason) {
  TRY(guard::require(actor, Right::kIntelWrite));
  TRY(a_person(actor, "proposing a champion"));
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(const auto before, waiting());
  if (before)
    return error(Errc::kConflict, "proposal",
                 "another proposal waits: " + before->said.action + " by " + before->said.by);
  learn::Shelf shelf(parts_.files, parts_.clock, parts_.shelf);
  TRY(shelf.load());
  const learn::ModelState from = action == "champion" ? learn::ModelState::kShadow : learn::ModelState::kChampion;
  if (action == "roll_back" && shelf.champion() != nullptr) batch = shelf.champion()->batch;
  const auto models = shelf.list();
  const auto model = std::find_if(models.begin(), models.end(), [&](const auto& one) { return one.batch == batch; });
  if (model == models.end()) return error(Errc::kNotFound, "batch", "there is no such batch on the shelf");
  if (model->state != from)
    return error(Errc::kConflict, batch_name(batch),
                 fmt::format("it is {}; {} is proposed of a {}", name(model->state), action, name(from)));
  TRY(platform::replace_file(parts_.files, parts_.proposal,
                             fmt::format("{}\n{}\n{}\n{}\n{}\n{}\n{}\n", kForm, action, batch, one_line(actor.person),
                                         one_line(actor.name), parts_.clock.wall().ms, one_line(reason))));
  TRY(note(actor, "propose", action, batch, reason));
  return seen();
}

Result<> ModelDesk::carry_out(const guard::Actor& actor, const Waiting& proposal, const std::string& reason) {
  learn::Shelf shelf(parts_.files, parts_.clock, parts_.shelf);
  TRY(shelf.load());
  if (proposal.said.action == "roll_back") {
    // What was proposed is to leave this champion: of another nobody said anything.
    if (shelf.champion() == nullptr || shelf.champion()->batch != proposal.said.batch)
      return error(Errc::kConflict, batch_name(proposal.said.batch), "it is not the champion any more");
    TRY(shelf.roll_back(proposal.person, actor.person, one_line(reason)));
    return {};
  }
  const auto to = proposal.said.action == "retire" ? learn::ModelState::kRetired : learn::ModelState::kChampion;
  TRY(shelf.promote({proposal.said.batch, to, proposal.person, actor.person, one_line(reason)}));
  return {};
}

Result<api::ModelShelf> ModelDesk::decide(const guard::Actor& actor, bool approve, const std::string& reason) {
  TRY(guard::require(actor, Right::kMeasureApprove));
  TRY(a_person(actor, "deciding about a model"));
  const std::scoped_lock lock(mutex_);
  TRY_ASSIGN(const auto proposal, waiting());
  if (!proposal) return error(Errc::kNotFound, "proposal", "no proposal waits, or it has lapsed");
  if (actor.person == proposal->person) {
    TRY(note(actor, "decide.refused", proposal->said.action, proposal->said.batch, "their own proposal"));
    return error(Errc::kNotAllowed, "proposal", "nobody decides about what they proposed: another person is needed");
  }
  if (approve) TRY(carry_out(actor, *proposal, reason));
  TRY(parts_.files.remove(parts_.proposal));
  TRY(note(actor, approve ? "approve" : "refuse", proposal->said.action, proposal->said.batch, reason));
  return seen();
}

}  // namespace pandun::server
