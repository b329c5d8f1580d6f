#include <algorithm>
#include <array>
#include <map>

#include "eventlog/archive/archive.h"
#include "eventlog/archive/partition.h"
#include "eventlog/archive/row_stage.h"

namespace pandun::eventlog {
namespace {

class DuckWriter final : public ArchiveWriter {
 public:
  DuckWriter(platform::FileSystem& files, Tokenizer& tokenizer, ArchiveOptions options,
             std::unique_ptr<DuckConnection> duck)
      : files_(files), options_(std::move(options)), duck_(std::move(duck)), tokens_(tokenizer) {}

  Result<> write(const Record& record) override;
  Result<> flush() override;
  Result<std::uint64_t> merge_days(EventMs before) override;
  std::uint64_t durable_position() const override { return durable_; }
  ArchiveStats stats() const override { return stats_; }

 private:
  struct Partition {
    std::vector<Part> parts;
    std::uint64_t newest = 0;
    void add(Part part) {
      newest = std::max(newest, part.last);
      parts.push_back(std::move(part));
    }
    bool is_there(std::uint64_t position) const {
      return position <= newest && std::any_of(parts.begin(), parts.end(), [&](const Part& part) {
               return part.first <= position && position <= part.last;
             });
    }
  };
  Result<Partition*> partition(model::EventKind kind, std::int64_t day);
  Result<> stage(const model::Event& event);
  Result<> write_part(model::EventKind kind, std::int64_t day, RowStage& rows);
  Result<> copy_durably(const std::string& select, const std::string& path);
  Result<> merge(const std::string& folder, const std::vector<Part>& parts);
  Result<> broken(Result<> result);

  platform::FileSystem& files_;
  ArchiveOptions options_;
  std::unique_ptr<DuckConnection> duck_;
  TokenCache tokens_;
  std::array<std::unique_ptr<RowStage>, model::kEventKinds> stages_;
  std::map<std::pair<model::EventKind, std::int64_t>, Partition> partitions_;
  std::uint64_t first_ = 0, last_ = 0;  // positions staged since the last whole flush
  std::set<std::string> unsynced_;      // directories with names that a power cut would still undo
  std::uint64_t durable_ = 0;
  std::size_t rows_ = 0;
  std::optional<Error> broken_;
  ArchiveStats stats_;
};

// Staging that failed half-way cannot be told apart from staging that worked: only a new writer can go on.
Result<> DuckWriter::broken(Result<> result) {
  if (result.ok()) return result;
  broken_ = error(result.error().code, result.error().where,
                  result.error().message + "; open the archive again and go on behind its durable position");
  return *broken_;
}

Result<DuckWriter::Partition*> DuckWriter::partition(model::EventKind kind, std::int64_t day) {
  const auto [it, fresh] = partitions_.try_emplace({kind, day});
  if (!fresh) return &it->second;
  auto parts = list_parts(files_, partition_directory(options_.directory, kind, day), true);
  if (!parts.ok()) {
    partitions_.erase(it);
    return std::move(parts).error();
  }
  for (Part& part : *parts) it->second.add(std::move(part));
  return &it->second;
}

Result<> DuckWriter::write(const Record& record) {
  if (broken_) return *broken_;
  if (rows_ >= options_.rows_per_part) TRY(flush());
  for (const model::Event& event : record.batch.events)
    if (event.position > last_) TRY(stage(event));
  return {};
}

Result<> DuckWriter::stage(const model::Event& event) {
  const std::int64_t day = day_of(event.time);
  TRY_ASSIGN(const Partition* const home, partition(event.kind(), day));
  if (home->is_there(event.position)) {
    ++stats_.rows_already_there;
  } else {
    auto& rows = stages_[static_cast<std::size_t>(event.kind())];
    if (rows == nullptr) rows = std::make_unique<RowStage>(*duck_, event.kind(), tokens_);
    TRY(broken(rows->stage(event, day)));
    ++rows_;
  }
  if (first_ == 0) first_ = event.position;
  last_ = event.position;
  return {};
}

Result<> DuckWriter::flush() {
  if (broken_) return *broken_;
  if (first_ == 0) return {};
  for (std::size_t kind = 0; kind < stages_.size(); ++kind) {
    if (stages_[kind] == nullptr || stages_[kind]->rows() == 0) continue;
    TRY(broken(stages_[kind]->settle()));
    const std::set<std::int64_t> days = stages_[kind]->days();
    for (const std::int64_t day : days) TRY(write_part(static_cast<model::EventKind>(kind), day, *stages_[kind]));
  }
  while (!unsynced_.empty()) {
    TRY(files_.sync_directory(*unsynced_.rbegin()));
    unsynced_.erase(std::prev(unsynced_.end()));
  }
  durable_ = last_;
  first_ = 0;
  rows_ = 0;
  // Days long past are looked up again when they come back.
  if (partitions_.size() > 4096) partitions_.clear();
  return {};
}

Result<> DuckWriter::copy_durably(const std::string& select, const std::string& path) {
  const std::string aside = path + ".new";
  TRY(duck_->run("COPY (" + select + ") TO " + sql_text(aside) + " (FORMAT parquet, COMPRESSION zstd)"));
  {
    TRY_ASSIGN(const auto file, files_.open_append(aside));
    TRY(file->sync());
    stats_.bytes += file->size();
  }
  return files_.rename(aside, path);
}

Result<> DuckWriter::write_part(model::EventKind kind, std::int64_t day, RowStage& rows) {
  const std::string folder = partition_directory(options_.directory, kind, day);
  TRY_ASSIGN(Partition* const home, partition(kind, day));
  // Parts of one partition never overlap: what an interrupted flush has written already is not named again.
  const std::uint64_t first = std::max(first_, home->newest + 1);
  const std::string path = platform::join(folder, part_name(first, last_));
  TRY(files_.make_directories(folder));
  TRY(copy_durably(rows.select(day), path));
  // From here on the part is there for every reader; its name is durable once flush() has synced these.
  for (std::string at = folder; at.size() >= options_.directory.size(); at = platform::directory_of(at))
    unsynced_.insert(at);
  home->add({first, last_, path});
  ++stats_.parts;
  const std::size_t before = rows.rows();
  TRY(broken(rows.forget(day)));
  if (rows.rows() == 0) stats_.rows += before;
  return {};
}

// Between the rename and the removals all rows stand twice on the disk; list_parts() leaves out parts within a larger one.
Result<> DuckWriter::merge(const std::string& folder, const std::vector<Part>& parts) {
  std::uint64_t first = ~0ULL, last = 0;
  for (const Part& part : parts) {
    first = std::min(first, part.first);
    last = std::max(last, part.last);
  }
  TRY(copy_durably("SELECT * FROM " + sql_parts(parts), platform::join(folder, part_name(first, last))));
  TRY(files_.sync_directory(folder));
  for (const Part& part : parts) TRY(files_.remove(part.path));
  return files_.sync_directory(folder);
}

Result<std::uint64_t> DuckWriter::merge_days(EventMs before) {
  std::uint64_t merged = 0;
  for (std::size_t i = 0; i < model::kEventKinds; ++i) {
    const auto kind = static_cast<model::EventKind>(i);
    TRY_ASSIGN(const auto days, list_days(files_, options_.directory, kind));
    for (const std::int64_t day : days) {
      if ((day + 1) * kDayMs > before.ms) break;
      const std::string folder = partition_directory(options_.directory, kind, day);
      TRY_ASSIGN(const auto parts, list_parts(files_, folder, true));
      if (parts.size() < 2) continue;
      partitions_.erase({kind, day});
      TRY(merge(folder, parts));
      ++merged;
    }
  }
  return merged;
}

}  // namespace

Result<std::unique_ptr<ArchiveWriter>> open_archive_writer(platform::FileSystem& files, Tokenizer& tokenizer,
                                                           ArchiveOptions options) {
  if (options.directory.empty() || options.rows_per_part == 0)
    return error(Errc::kBadConfig, "archive", "needs a directory, and at least one row a part");
  while (options.directory.size() > 1 && options.directory.back() == '/') options.directory.pop_back();
  TRY_ASSIGN(auto api, load_duckdb(options.duckdb_library));
  TRY(files.make_directories(options.directory));
  TRY_ASSIGN(auto duck, DuckConnection::open(std::move(api), options.directory, options.memory_mb));
  return std::unique_ptr<ArchiveWriter>(
      std::make_unique<DuckWriter>(files, tokenizer, std::move(options), std::move(duck)));
}

}  // namespace pandun::eventlog
