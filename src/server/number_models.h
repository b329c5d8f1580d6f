// Trained models over live features, as detection's port; and the port that writes the rows a model learns from.
//
// Threads  ShelfModels: immutable but for its counts; any shard. FeatureRows: one shard.
// Errors   open(): kBadConfig when a champion or shadow reads what is no feature of numbers, or lacks the threshold; whatever
//          learn::Shelf and learn::Scorer refuse: a model that is not the one that entered the shelf never scores.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
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

  std::string_view name() const override {
    return models_.empty() || !models_[0]->champion ? std::string_view{} : std::string_view(models_[0]->name);
  }
  std::span<const std::uint16_t> features() const override { return features_; }
  detect::ModelOpinion look(model::NumberKey number, const model::Event& event,
                            std::span<const float> row) const override;
  std::vector<detect::ModelReason> explain(std::span<const float> row, std::size_t top) const override;
  std::vector<ModelFigures> figures() const;

 private:
  struct Placed {
    std::string name;
    bool champion = false;
    std::shared_ptr<const learn::Scorer> scorer;
    double threshold = 2;
    std::vector<std::uint16_t> columns;  // where its inputs stand in a row
    mutable std::atomic<std::uint64_t> looked{0}, spoke{0}, spoke_alone{0};
  };
  Result<> place(const learn::ShelfEntry& entry, const std::string& content, const std::string& threshold);
  double score(const Placed& model, std::span<const float> row) const;

  std::vector<std::unique_ptr<Placed>> models_;  // the champion first
  std::vector<std::uint16_t> features_;
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
