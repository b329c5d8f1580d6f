// The stream of one file: its lines through a decoder, its progress, and, when followed, its life through rotation.
//
// Progress "v1 inode offset record flags head…": a restart goes on at the same byte of the same file, wherever rotation
//          has moved it, and then reads the files that came after it. A file that is gone is said in a reject.
// Standard input cannot be read twice: its progress is only told, never used.
// Threads  one owner.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sources/kit/line_reader.h"
#include "sources/kit/rotation.h"
#include "sources/kit/source.h"

namespace pandun::sources {

struct FileStreamOptions {
  std::string path;  // "-" is standard input
  std::string name;  // as shown
  std::uint32_t source = 0;
  bool follow = false;
  std::chrono::milliseconds disorder{0};
  std::size_t line_bytes_max = kLineBytesMax;
  std::size_t block_bytes = 256 * 1024;  // what a processor's own cache holds
};

class FileStream final : public Stream {
 public:
  // `progress` as next() gave it, or "". The file is opened by the first next(), so that thousands may wait their turn; a
  // file that is to be followed may come later.
  static Result<std::unique_ptr<FileStream>> open(platform::FileSystem& files, FileStreamOptions options,
                                                  std::unique_ptr<LineDecoder> decoder, std::string_view progress);

  const std::string& name() const override { return options_.name; }
  std::uint32_t source() const override { return options_.source; }
  std::chrono::milliseconds disorder() const override { return options_.disorder; }
  bool numbers_opaque() const override { return decoder_->numbers_opaque(); }
  Result<> next(std::size_t events_max, Decoded& out) override;
  const Counts& counts() const override { return counts_; }

 private:
  FileStream(platform::FileSystem& files, FileStreamOptions options, std::unique_ptr<LineDecoder> decoder);

  struct Mark;
  struct Next {
    std::string path;
    std::uint64_t offset = 0, record = 0;
    bool live = false;
  };
  enum class Step { kGoOn, kIdle, kEnd };

  Result<> start();
  Result<> open_live();
  Result<> resume(const Mark& mark);
  Result<bool> resume_elsewhere(const Mark& mark);
  Result<bool> open_file(const Next& next);
  Result<Step> open_queued();
  Result<std::optional<Sibling>> find_rotated(const HeadMark& head, std::uint64_t inode);
  Result<> queue_newer(std::int64_t modified_ms, const std::string& not_this);
  Result<Step> at_end(DecodeSink& sink);
  Result<Step> next_file(DecodeSink& sink);
  Result<Step> look_again(DecodeSink& sink);
  bool was_read(std::string_view head) const;
  void take(LineReader::Got got, const Line& line, DecodeSink& sink);
  void decode(const Line& line, DecodeSink& sink);
  void finish_file(DecodeSink& sink);
  void note_safe();
  std::string progress() const;

  platform::FileSystem& files_;
  FileStreamOptions options_;
  std::unique_ptr<LineDecoder> decoder_;
  LineReader reader_;
  Counts counts_;
  std::deque<Next> queue_;      // files still to be read before the live one
  std::vector<HeadMark> done_;  // files read to their end, newest last
  std::string path_;            // of the file being read
  std::uint64_t inode_ = 0, record_ = 0;
  std::uint64_t safe_offset_ = 0, safe_record_ = 0;
  bool live_ = false, idle_ = false, waiting_ = false, damaged_ = false, ended_ = false, started_ = false;
  std::string lost_;  // said in a reject with the next batch
  std::string scratch_, last_progress_;
};

}  // namespace pandun::sources
