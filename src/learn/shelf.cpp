#include "learn/shelf.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>

#include "guard/json_writer.h"
#include "learn/digest.h"
#include "learn/manifest.h"
#include "platform/directory_lock.h"

namespace pandun::learn {
namespace {

constexpr std::uint64_t kJournalBytesMax = 64U << 20;
const std::string kFirstHash(64, '0');

bool allowed(ModelState from, ModelState to) {
  switch (from) {
    case ModelState::kDraft:
      return to == ModelState::kShadow || to == ModelState::kRetired;
    case ModelState::kShadow:
      return to == ModelState::kDraft || to == ModelState::kChampion || to == ModelState::kRetired;
    case ModelState::kChampion:
      return to == ModelState::kRetired;
    case ModelState::kRetired:
      break;
  }
  return false;
}

// Names are compared as people mean them: "Li.Wei " and "li.wei" are one person.
std::string person(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' && c != '\t') out.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c);
  return out;
}

Result<> two_people(const std::string& by, const std::string& approved_by) {
  if (person(by).empty()) return error(Errc::kNotAllowed, "--by", "somebody must answer for the change");
  if (person(approved_by).empty())
    return error(Errc::kNotAllowed, "--approved-by", "this change needs a second person");
  if (person(by) == person(approved_by))
    return error(Errc::kNotAllowed, "--approved-by",
                 "nobody approves what they proposed: two different people are needed");
  return {};
}

}  // namespace

std::string_view name(ModelState state) {
  switch (state) {
    case ModelState::kDraft:
      return "draft";
    case ModelState::kShadow:
      return "shadow";
    case ModelState::kChampion:
      return "champion";
    case ModelState::kRetired:
      break;
  }
  return "retired";
}

std::optional<ModelState> parse_model_state(std::string_view text) {
  for (const auto state : {ModelState::kDraft, ModelState::kShadow, ModelState::kChampion, ModelState::kRetired})
    if (name(state) == text) return state;
  return std::nullopt;
}

Shelf::Shelf(platform::FileSystem& files, const platform::Clock& clock, std::string directory)
    : files_(files), clock_(clock), directory_(std::move(directory)), last_hash_(kFirstHash) {}

std::string Shelf::path_of(std::uint32_t batch) const {
  return platform::join(platform::join(directory_, fmt::format("batch-{:06}", batch)), "model.pandun");
}

ShelfEntry* Shelf::find(std::uint32_t batch) {
  for (ShelfEntry& entry : entries_)
    if (entry.batch == batch) return &entry;
  return nullptr;
}

const ShelfEntry* Shelf::champion() const {
  for (const ShelfEntry& entry : entries_)
    if (entry.state == ModelState::kChampion) return &entry;
  return nullptr;
}

std::uint32_t Shelf::next_batch() const {
  return entries_.empty() ? 1 : entries_.back().batch + 1;
}

Result<> Shelf::load() {
  entries_.clear();
  champions_.clear();
  seq_ = 0;
  last_hash_ = kFirstHash;
  const std::string path = platform::join(directory_, "journal.jsonl");
  auto content = platform::read_file(files_, path, kJournalBytesMax);
  if (!content.ok()) {
    if (content.error().code == Errc::kNotFound) return {};
    return std::move(content).error();
  }
  simdjson::dom::parser parser;
  std::string_view rest = *content;
  for (std::uint64_t number = 1; !rest.empty(); ++number) {
    const auto broken = [&](const std::string& why) {
      return error(Errc::kCorrupt, path + ":" + std::to_string(number), "the journal of models does not fit: " + why);
    };
    const std::size_t end = rest.find('\n');
    if (end == std::string_view::npos) return broken("its last line is cut");
    const std::string text(rest.substr(0, end));
    rest.remove_prefix(end + 1);
    simdjson::dom::object from;
    Line line;
    std::string_view at, action, by, approved, note, model, digest, state, hash;
    std::uint64_t batch = 0;
    if (parser.parse(text).get(from) != simdjson::SUCCESS || from["seq"].get(line.seq) != simdjson::SUCCESS ||
        from["at"].get(at) != simdjson::SUCCESS || from["action"].get(action) != simdjson::SUCCESS ||
        from["batch"].get(batch) != simdjson::SUCCESS || from["state"].get(state) != simdjson::SUCCESS ||
        from["by"].get(by) != simdjson::SUCCESS || from["approved_by"].get(approved) != simdjson::SUCCESS ||
        from["note"].get(note) != simdjson::SUCCESS || from["model"].get(model) != simdjson::SUCCESS ||
        from["digest"].get(digest) != simdjson::SUCCESS || from["hash"].get(hash) != simdjson::SUCCESS)
      return broken("a line of another form");
    // The hash covers the line as it stands, up to the hash itself, and the hash before it.
    const std::size_t tail = text.rfind(",\"hash\":\"");
    if (tail == std::string::npos || digest_hex(last_hash_ + text.substr(0, tail)) != hash ||
        text.size() != tail + 9 + 64 + 2)
      return broken("an entry was changed, moved or removed");
    const auto known = parse_model_state(state);
    if (!known || batch == 0 || batch > 1'000'000'000 || line.seq != seq_ + 1)
      return broken("an odd state, batch or number");
    line.at = at, line.action = action, line.by = by, line.approved_by = approved, line.note = note;
    line.model_name = model, line.digest = digest;
    line.batch = static_cast<std::uint32_t>(batch);
    line.state = *known;
    TRY(apply(line));
    last_hash_ = hash;
  }
  return {};
}

// One line's effect on the states; load() and append() share it, so that memory and journal cannot part.
Result<> Shelf::apply(const Line& line) {
  if (line.action == "enter") {
    if (!entries_.empty() && line.batch <= entries_.back().batch)
      return error(Errc::kCorrupt, directory_, "batches out of order");
    entries_.push_back({line.batch, line.model_name, line.digest, line.note, path_of(line.batch), ModelState::kDraft,
                        line.at, line.at, line.by, line.approved_by});
  } else {
    ShelfEntry* entry = find(line.batch);
    if (entry == nullptr) return error(Errc::kCorrupt, directory_, "an unknown batch changes its state");
    if (line.state == ModelState::kChampion) {
      for (ShelfEntry& other : entries_)
        if (other.state == ModelState::kChampion) {
          other.state = ModelState::kRetired;
          other.changed = line.at;
        }
      // After a roll-back the one rolled back is forgotten: one step only, not a swing between two.
      if (line.action == "roll_back" && !champions_.empty()) champions_.pop_back();
      if (champions_.empty() || champions_.back() != line.batch) champions_.push_back(line.batch);
    }
    entry->state = line.state;
    entry->changed = line.at;
    entry->by = line.by;
    entry->approved_by = line.approved_by;
  }
  seq_ = line.seq;
  return {};
}

Result<> Shelf::append(Line line) {
  line.seq = seq_ + 1;
  line.at = rfc3339(clock_.wall());
  std::string text;
  guard::JsonWriter json(text);
  json.begin_object().key("seq").unsigned_integer(line.seq).field("at", line.at).field("action", line.action);
  json.key("batch").unsigned_integer(line.batch).field("state", name(line.state)).field("by", line.by);
  json.field("approved_by", line.approved_by).field("note", line.note).field("model", line.model_name);
  json.field("digest", line.digest).end_object();
  text.pop_back();  // the hash stands inside the object, last
  const std::string hash = digest_hex(last_hash_ + text);
  text += ",\"hash\":\"" + hash + "\"}\n";
  const std::string path = platform::join(directory_, "journal.jsonl");
  std::string content;
  if (seq_ > 0) {
    TRY_ASSIGN(content, platform::read_file(files_, path, kJournalBytesMax));
  }
  TRY(platform::replace_file(files_, path, content + text));
  TRY(apply(line));
  last_hash_ = hash;
  return {};
}

Result<ShelfEntry> Shelf::enter(const Model& model, const std::string& by) {
  TRY(files_.make_directories(directory_));
  TRY_ASSIGN(const auto lock, platform::DirectoryLock::take(directory_));
  TRY(load());
  if (model.batch != next_batch())
    return error(Errc::kConflict, directory_, fmt::format("batch {} is next, not {}", next_batch(), model.batch));
  const std::string content = write_model(model);
  TRY(read_model(content, path_of(model.batch)));  // what is kept can be read again
  TRY(files_.make_directories(platform::directory_of(path_of(model.batch))));
  TRY(platform::replace_file(files_, path_of(model.batch), content));
  Line line;
  line.action = "enter";
  line.batch = model.batch;
  line.by = by;
  line.note = model.change_note;
  line.model_name = model.name;
  line.digest = model_digest(content);
  TRY(append(std::move(line)));
  return entries_.back();
}

Result<ShelfEntry> Shelf::promote(const Change& change) {
  TRY_ASSIGN(const auto lock, platform::DirectoryLock::take(directory_));
  TRY(load());
  ShelfEntry* entry = find(change.batch);
  if (entry == nullptr) return error(Errc::kNotFound, directory_, fmt::format("there is no batch {}", change.batch));
  if (change.to == ModelState::kChampion || entry->state == ModelState::kChampion)
    TRY(two_people(change.by, change.approved_by));
  else if (person(change.by).empty())
    return error(Errc::kNotAllowed, "--by", "somebody must answer for the change");
  if (!allowed(entry->state, change.to))
    return error(Errc::kConflict, fmt::format("batch {}", change.batch),
                 fmt::format("a {} cannot become {}; the way is draft, shadow, champion, retired", name(entry->state),
                             name(change.to)));
  TRY_ASSIGN(const std::string bytes, content(*entry));
  TRY_ASSIGN(const Model model, read_model(bytes, entry->path));
  if (const std::string missing = missing_in(model.origin.manifest);
      change.to != ModelState::kRetired && !missing.empty())
    return error(Errc::kNotAllowed, entry->path,
                 "trained on data without a whole manifest, so it stays a draft; it lacks: " + missing);
  TRY(append({0,
              {},
              "promote",
              change.by,
              change.approved_by,
              change.note,
              entry->name,
              entry->digest,
              change.batch,
              change.to}));
  return *find(change.batch);
}

Result<ShelfEntry> Shelf::roll_back(const std::string& by, const std::string& approved_by, const std::string& note) {
  TRY_ASSIGN(const auto lock, platform::DirectoryLock::take(directory_));
  TRY(load());
  TRY(two_people(by, approved_by));
  if (champions_.size() < 2 || champion() == nullptr)
    return error(Errc::kConflict, directory_, "there is no former champion to go back to");
  const ShelfEntry* former = find(champions_[champions_.size() - 2]);
  CHECK(former != nullptr);
  const ShelfEntry to = *former;
  TRY(content(to));
  TRY(append({0, {}, "roll_back", by, approved_by, note, to.name, to.digest, to.batch, ModelState::kChampion}));
  return *find(to.batch);
}

Result<std::string> Shelf::content(const ShelfEntry& entry) const {
  TRY_ASSIGN(std::string bytes, platform::read_file(files_, entry.path, kModelBytesMax));
  TRY(read_model(bytes, entry.path));
  if (model_digest(bytes) != entry.digest)
    return error(Errc::kCorrupt, entry.path,
                 "this is not the model that was entered: its digest differs from the journal's");
  return bytes;
}

}  // namespace pandun::learn
