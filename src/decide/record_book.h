// Every decision, written down so that it can be explained: a file a day, sealed, with tokens and masks instead of numbers.
//
// Shape    DIR/2026-11-22.pdr (day in UTC), about 150 bytes a decision, frames of at most 128: a frame is sealed and written
//          at one go, and whoever waits for the processor waits no longer than that. A damaged file is left alone and the
//          day goes on in 2026-11-22-2.pdr.
// Errors   add(), append(), flush(): kIo, what was not written yet is then lost and counted; the next frame opens anew.
//          find(): kNotFound when no file of its day holds it (retention may have removed the day).
// Threads  one owner; find() and retain() from any thread beside it.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decide/desk.h"
#include "decide/record.h"
#include "decide/sealed_frames.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::decide {

// What a number may be called outside of memory; `server` asks guard. Both empty for what is withheld.
class Pseudonyms {
 public:
  struct Shown {
    std::string_view token, mask;  // until the next show()
  };
  virtual ~Pseudonyms() = default;
  virtual Shown show(model::NumberKey number, WallMs at) = 0;
};

class RecordBook {
 public:
  static constexpr std::uint32_t kFrameRecords = 128;
  RecordBook(platform::FileSystem& files, std::string directory, const platform::SealKey& key, Pseudonyms& names);

  // Into the open frame, which is written when it is full, when another day begins, or by flush().
  Result<> add(const DecisionRecord& record);
  Result<> flush();
  Result<> append(std::span<const DecisionRecord> records);  // all of them added and flushed
  Result<> sync();
  Result<Explanation> find(std::uint64_t id) const;
  // Removes whole days: older than `days`, then the oldest while all together are bigger than `bytes_max`. Today's stays.
  Result<> retain(WallMs now, std::int64_t days, std::uint64_t bytes_max) const;

  std::uint32_t frame_room() const { return kFrameRecords - frame_count_; }  // 0: the next add() writes first
  std::uint32_t frame_count() const { return frame_count_; }
  std::string path() const {
    return writer_ ? path_ : std::string();
  }                                   // of the file that is written to; empty: none yet
  void reopen() { writer_.reset(); }  // after a failed sync of it
  std::uint64_t written() const { return written_; }
  std::uint64_t lost() const { return lost_; }

 private:
  Result<> open_for(const std::string& day);

  platform::FileSystem& files_;
  std::string directory_;
  platform::SealKey key_;
  Pseudonyms& names_;
  std::string day_, path_;
  std::optional<FrameWriter> writer_;
  FrameText frame_;
  std::uint32_t frame_first_ = 0, frame_last_ = 0, frame_count_ = 0;  // seconds; records
  std::atomic<std::uint64_t> written_{0}, lost_{0};                   // read beside the owner too
};

}  // namespace pandun::decide
