// Trained models over live features, as detection's port; and the port that writes the rows a model learns from.
//
// Shape    ShelfModels sees each event with the models that held at its position. Changes of the shelf take effect while the platform runs:
//          look_again() enters them in a history ("POSITION ROLE:BATCH:DIGEST,… THRESHOLD" a line), so that a restart, which goes back
//          to a checkpoint, scores each event as it was scored the first time.
// Threads  ShelfModels: look() and explain() on any shard; keep() before, look_again() on the detect loop's thread. FeatureRows: one shard.
// Errors   open(): kBadConfig when a champion or shadow reads what is no feature of numbers, or lacks the threshold; whatever
//          learn::Shelf and learn::Scorer refuse: a model that is not the one that entered the shelf never scores.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "casework/alert_folder.h"
#include "detect/detector.h"
#include "learn/scorer.h"
#include "learn/shelf.h"
#include "platform/clock.h"
#include "platform/file_system.h"

namespace pandun::server {

// How one model did beside the champion since start.
struct ModelFigures {
  std::string name;  // "batch-000003"
  bool champion = false;
  std::uint64_t looked = 0, spoke = 0, spoke_alone = 0;  // alone: a shadow where the champion did not
};

class ShelfModels final : public detect::NumberModels {
 public:
  // A directory that is not there is an empty shelf: no rows are wanted.
  static Result<std::unique_ptr<ShelfModels>> open(platform::FileSystem& files, const platform::Clock& clock,
                                                   const std::string& directory, const std::string& threshold);
  // One model file as champion, whatever its state on a shelf: for looking back with it.
  static Result<std::unique_ptr<ShelfModels>> of_file(const std::string& content, const std::string& where,
                                                      const std::string& threshold);

  ShelfModels();
  // From now on the sets of models are remembered in the file, with the positions from which they hold; what the shelf says now is
  // entered at `next_position` if it is not the newest. A former set that is no longer on the shelf keeps silent, and is a note.
  Result<std::vector<std::string>> keep(const std::string& history_path, std::uint64_t next_position);
  // True: the shelf changed, and its models hold from `next_position` on, the first position not yet given to the engine.
  // Errors: what open() refuses; the models that hold stay.
  Result<bool> look_again(std::uint64_t next_position);

  std::string_view name() const override;
  // Every feature of a number, always in the same order: a row fits the models before a change and behind it.
  std::span<const std::uint16_t> features() const override {
    return wanted_.load(std::memory_order_relaxed) ? std::span<const std::uint16_t>(features_)
                                                   : std::span<const std::uint16_t>();
  }
  detect::ModelOpinion look(model::NumberKey number, const model::Event& event,
                            std::span<const float> row) const override;
  std::vector<detect::ModelReason> explain(std::span<const float> row, std::size_t top) const override;
  std::vector<detect::ModelReason> explain_at(const model::Event& event, std::span<const float> row,
                                              std::size_t top) const override;
  std::vector<ModelFigures> figures() const;  // of the newest set, since it holds

 private:
  struct Placed {
    std::string name;
    bool champion = false;
    std::shared_ptr<const learn::Scorer> scorer;
    double threshold = 2;
    std::vector<std::uint16_t> columns;  // where its inputs stand in a row
    mutable std::atomic<std::uint64_t> looked{0}, spoke{0}, spoke_alone{0};
  };
  struct Set {
    std::uint64_t from = 0;                             // holds from this position on
    std::string line;                                   // its entry in the history, without the position
    std::vector<std::shared_ptr<const Placed>> models;  // the champion first
  };
  using Sets = std::vector<std::shared_ptr<const Set>>;  // by position; never empty

  Result<std::shared_ptr<const Placed>> place(const learn::ShelfEntry& entry, const std::string& content,
                                              const std::string& threshold) const;
  Result<std::shared_ptr<Set>> read_shelf() const;
  Result<std::shared_ptr<Set>> former(std::uint64_t from, const std::string& line,
                                      std::vector<std::string>& notes) const;
  Result<> enter(std::shared_ptr<Set> set, std::uint64_t position);
  std::string signature() const;
  std::shared_ptr<const Set> at(std::uint64_t position) const;
  std::shared_ptr<const Set> newest() const;
  std::vector<detect::ModelReason> explain_with(const Set& set, std::span<const float> row, std::size_t top) const;
  void publish(Sets sets);

  platform::FileSystem* files_ = nullptr;
  const platform::Clock* clock_ = nullptr;
  std::string directory_, threshold_, history_path_, seen_;
  std::vector<std::uint16_t> features_;
  std::vector<std::string> lines_;  // of the history, oldest first
  std::atomic<bool> wanted_{false};
  mutable std::mutex mutex_;
  Sets sets_;
  std::set<std::string> names_;  // of every set that held: what name() gives stays
};

// `id,number,time,<every feature of a number>`, one line a look; ids count from 1; the number is its token, or itself where
// replay shows numbers clear.
class FeatureRows final : public detect::NumberModels {
 public:
  static Result<std::unique_ptr<FeatureRows>> create(platform::FileSystem& files, std::string path,
                                                     const casework::Identities& identities, bool clear);
  std::string_view name() const override { return {}; }
  std::span<const std::uint16_t> features() const override { return features_; }
  detect::ModelOpinion look(model::NumberKey number, const model::Event& event,
                            std::span<const float> row) const override;
  std::vector<detect::ModelReason> explain(std::span<const float>, std::size_t) const override { return {}; }
  Result<> finish();  // writes what is left and puts the file in place
  std::uint64_t rows() const { return rows_; }

 private:
  FeatureRows(platform::FileSystem& files, std::string path, const casework::Identities& identities, bool clear)
      : files_(files), path_(std::move(path)), identities_(identities), clear_(clear) {}
  platform::FileSystem& files_;
  std::string path_;
  const casework::Identities& identities_;
  bool clear_;
  std::unique_ptr<platform::WritableFile> file_;
  std::vector<std::uint16_t> features_;
  mutable std::string text_;
  mutable std::optional<Error> failed_;
  mutable std::uint64_t rows_ = 0;
};

}  // namespace pandun::server
