// The shelf of models: numbered batches in a directory, their states, and a journal that nobody can rewrite unseen.
//
// Shape    DIR/batch-000001/model.pandun …; DIR/journal.jsonl, one entry a line, each with the BLAKE2b-256 of the one before and of
//          itself. States are what the journal says; the files hold none.
// States   draft -> shadow -> champion -> retired; draft and shadow may be retired too; a shadow may go back to draft. One champion at most:
//          a new one retires the old. roll_back() makes the former champion champion again and retires the present one: one step, and
//          only while its file is unchanged.
// People   leaving draft for shadow takes one person; to champion, from champion and roll-back take two different ones.
// Errors   kNotAllowed for one person alone or the same twice; kConflict for a step that the states do not allow; kCorrupt for a broken
//          journal or a model whose digest is not the one that entered; kNotFound.
// Threads  one writer at a time, by the directory's lock; readers see whole lines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "learn/model.h"
#include "platform/clock.h"
#include "platform/file_system.h"

namespace pandun::learn {

enum class ModelState : std::uint8_t { kDraft, kShadow, kChampion, kRetired };
std::string_view name(ModelState state);
std::optional<ModelState> parse_model_state(std::string_view text);

struct ShelfEntry {
  std::uint32_t batch = 0;
  std::string name, digest, change_note, path;
  ModelState state = ModelState::kDraft;
  std::string entered, changed;  // RFC 3339
  std::string by, approved_by;   // of the last change
};

struct Change {
  std::uint32_t batch = 0;
  ModelState to{};
  std::string by, approved_by, note;
};

class Shelf {
 public:
  Shelf(platform::FileSystem& files, const platform::Clock& clock, std::string directory);

  // Reads and verifies the journal. A directory without one is an empty shelf.
  Result<> load();
  std::vector<ShelfEntry> list() const { return entries_; }  // by batch
  std::uint32_t next_batch() const;
  // Writes the model (its batch must be next_batch()) and enters it as a draft.
  Result<ShelfEntry> enter(const Model& model, const std::string& by);
  Result<ShelfEntry> promote(const Change& change);
  Result<ShelfEntry> roll_back(const std::string& by, const std::string& approved_by, const std::string& note);
  // The champion's or a shadow's file content, checked against the journal.
  Result<std::string> content(const ShelfEntry& entry) const;
  const ShelfEntry* champion() const;

 private:
  struct Line {
    std::uint64_t seq = 0;
    std::string at, action, by, approved_by, note, model_name, digest;
    std::uint32_t batch = 0;
    ModelState state{};
  };
  Result<> apply(const Line& line);
  Result<> append(Line line);
  ShelfEntry* find(std::uint32_t batch);
  std::string path_of(std::uint32_t batch) const;

  platform::FileSystem& files_;
  const platform::Clock& clock_;
  std::string directory_;
  std::vector<ShelfEntry> entries_;
  std::vector<std::uint32_t> champions_;  // in the order they came, for the roll-back
  std::uint64_t seq_ = 0;
  std::string last_hash_;
};

}  // namespace pandun::learn
