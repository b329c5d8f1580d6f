// A checkpoint on disk: all state of all shards beside the position it belongs to.
//
// Shape    checkpoint-0000000007.part-0 … one file a shard: blocks of {bytes u32, crc32c u32, payload}, the payload sealed with
//          "checkpoint/7/0/<block>" as context when there is a key. Then checkpoint-0000000007.manifest, written aside and
//          renamed: position, shards, rules digest and each part's size, blocks and checksum. A checkpoint exists once
//          its manifest does; the newest two are kept.
// Errors   write: kIo, kUnavailable; what was kept before stays usable. read: kCorrupt for anything torn, flipped, missing,
//          moved or sealed with another key; kUnsupported for another format.
// Threads  parts of one checkpoint may be written and read by different threads at the same time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "detect/state_io.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::detect {

struct PartInfo {
  std::uint64_t bytes = 0, blocks = 0;
  std::uint32_t checksum = 0;  // crc32c of the whole file
};

struct Manifest {
  static constexpr std::uint32_t kFormat = 1;
  std::uint64_t generation = 0, position = 0, watermark_ms = 0;
  std::string rules_digest;
  bool sealed = false;
  std::vector<PartInfo> parts;

  std::string name() const;  // "checkpoint-0000000007"
  std::string part_name(std::size_t part) const;
  std::string text() const;
  static Result<Manifest> parse(std::string_view text, const std::string& where);
};

// Where a checkpoint lives and what opens it.
struct CheckpointPlace {
  platform::FileSystem& files;
  std::string directory;
  const platform::SealKey* key;
};

// Newest first; those whose manifest cannot be read are left out, with the reason in `refused`.
Result<std::vector<Manifest>> list_checkpoints(const CheckpointPlace& place, std::vector<std::string>& refused);
Result<std::uint64_t> next_generation(const CheckpointPlace& place);
Result<> commit_checkpoint(const CheckpointPlace& place, const Manifest& manifest);
// Removes everything but the newest `keep` checkpoints; failures are of no consequence.
void prune_checkpoints(const CheckpointPlace& place, std::size_t keep);

// Writes one part, section by section.
class PartWriter final : public StateWriter::Drain {
 public:
  PartWriter(const CheckpointPlace& place, const Manifest& manifest, std::size_t part);
  ~PartWriter() override;
  template <typename Save>
  void section(std::string_view name, std::uint32_t version, Save save) {
    begin(name, version);
    StateWriter out(*this);
    save(out);
    out.flush();
    end();
  }
  Result<PartInfo> close();  // durable

  void take(std::string_view bytes) override;

 private:
  void begin(std::string_view name, std::uint32_t version);
  void end();
  void block(char kind, std::string_view bytes);

  const CheckpointPlace& place_;
  std::string context_;
  std::unique_ptr<platform::WritableFile> file_;
  Result<> status_;
  PartInfo info_;
};

// Reads one part, section by section.
class PartReader final : public StateReader::Supply {
 public:
  static Result<std::unique_ptr<PartReader>> open(const CheckpointPlace& place, const Manifest& manifest,
                                                  std::size_t part);

  struct Section {
    std::string name;
    std::uint32_t version = 0;
  };
  // The next section; what is left of the one before is skipped. An empty name at the end of an intact part.
  Result<Section> next_section();
  Result<std::string> next() override;

 private:
  struct Block {
    char kind = 0;
    std::string bytes;
  };
  PartReader() = default;
  Result<Block> block();

  std::unique_ptr<platform::ReadableFile> file_;
  const platform::SealKey* key_ = nullptr;
  PartInfo expected_;
  std::string path_, context_;
  std::uint64_t at_ = 0, blocks_ = 0;
  std::uint32_t checksum_ = 0;
  bool in_section_ = false;
};

}  // namespace pandun::detect
