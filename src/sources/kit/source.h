// The source kit: a source knows one format and nothing else. It turns bytes into model events, in batches.
//
// Input    "KIND:PATH" as in docs/inputs.md. A path is a file, a directory (every file of that kind below it), or "-" (stdin).
//          `.gz` is read as it is. With follow, a growing file is tailed through rotation and truncation.
// Progress is where the stream stands after the batch, in the source's own words (inode + offset + record…): stored with
//          the batch in the event log, given back to open() after a restart, so that nothing is read twice or skipped.
// Errors   a bad record becomes a Reject and the stream goes on. next() fails only when the stream itself cannot go on.
// Threads  a stream has one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/event.h"
#include "model/reject.h"
#include "platform/file_system.h"

namespace pandun::sources {

// Gives every file or feed its number; rejects and alerts name it by this.
class SourceNames {
 public:
  std::uint32_t id(std::string_view name);        // the same name, the same id
  std::string_view name(std::uint32_t id) const;  // "" for an id never given
  std::size_t size() const { return names_.size(); }

 private:
  std::vector<std::string> names_;
  std::map<std::string, std::uint32_t, std::less<>> ids_;
};

struct Input {
  std::string kind;      // "calls", "messages", "zeek", "eve"
  std::string path;      // "-" is standard input
  std::string map_file;  // column map (TOML) for CSV kinds; empty = canonical header
  bool follow = false;   // tail: end of file is not the end
};
Result<Input> parse_input(std::string_view text);  // "calls:day.csv.gz"; kUsage names the kinds there are

struct Counts {
  std::uint64_t records = 0;  // records seen, good or bad
  std::uint64_t bytes = 0;    // as read from the file, before decompression
  std::uint64_t unread = 0;   // records of a known log type that Pandun does not use, by name in `unread_by`
  std::uint64_t rejected = 0;
  std::uint64_t extra_columns = 0;  // distinct columns or keys of the file that its format does not know
  std::uint64_t repaired = 0;       // records used although their text was not UTF-8: bad bytes became U+FFFD
  std::map<std::string, std::uint64_t> unread_by;
};

struct Decoded {
  model::EventBatch batch;
  std::vector<model::Reject> rejects;
  std::string progress;  // opaque; see above
  bool end = false;      // no more will ever come
};

class Stream {
 public:
  virtual ~Stream() = default;
  virtual const std::string& name() const = 0;  // shown: "conn.log", path as the user gave it
  virtual std::uint32_t source() const = 0;
  // How far records of this kind of file may stand behind each other in event time: ingest's lateness for it.
  virtual std::chrono::milliseconds disorder() const = 0;
  // The column map says that numbers of this stream are hashes or ids, whatever they look like.
  virtual bool numbers_opaque() const { return false; }
  // Appends up to about `events_max` events. Empty and not end: nothing new yet (follow).
  virtual Result<> next(std::size_t events_max, Decoded& out) = 0;
  virtual const Counts& counts() const = 0;
  // Everything up to this progress is durable elsewhere: what the stream keeps of it may go.
  virtual void stored(std::string_view) {}
};

// The last durable progress of each stream, by its name.
using ProgressByName = std::map<std::string, std::string, std::less<>>;

// One stream per file; a directory gives one for each file of that kind below it, in name order. Kinds come from the
// catalogue. A directory that is followed leaves rotated files ("conn.log.1") to the tail of the file they were.
// kNotFound, kUsage (unknown kind), kBadConfig (column map, with every fault), kBadInput (header is of another kind;
// within a directory such a file becomes one reject instead).
Result<std::vector<std::unique_ptr<Stream>>> open_input(platform::FileSystem& files, const Input& input,
                                                        SourceNames& names, const ProgressByName& progress = {});
// The files that open_input would open, for a follower that looks for new ones now and then.
Result<std::vector<std::string>> input_files(platform::FileSystem& files, const Input& input);

// ---- what a source's folder registers ----

struct DecodeSink {
  model::EventBatch* batch;
  model::Arena* arena;  // owned by the batch
  std::vector<model::Reject>* rejects;
  Counts* counts;
  std::uint32_t source;
};

// Decodes lines (without line end). One instance per file: it learns the header, the time form, the log type.
class LineDecoder {
 public:
  virtual ~LineDecoder() = default;
  // Called for every line in order; `record` is its 1-based number. Counts what it sees: for each data record one of an
  // event, a reject (both kit/record.h) or `unread`. The text is UTF-8 without NUL
  // (see wants_raw_text).
  // The line has at least 64 readable bytes behind it.
  virtual void line(std::string_view text, std::uint64_t record, DecodeSink& sink) = 0;
  // The input ended, or the file that was tailed gave way to another: say what is still open, forget the header.
  virtual void end(DecodeSink&) {}
  // True in the middle of a record that spans lines: progress stays before it.
  virtual bool pending() const { return false; }
  // Whether the first line fits this kind at all. kBadInput: what was expected, what was found, which kind it may be.
  virtual Result<> check_head(std::string_view) const { return {}; }
  virtual bool numbers_opaque() const { return false; }
  // The file's text is of another encoding: lines come as they stand, and the decoder turns them into UTF-8.
  virtual bool wants_raw_text() const { return false; }
  // What must be carried over a restart in mid-file (header, time form); "" if nothing.
  virtual std::string state() const { return {}; }
  virtual Result<> restore(std::string_view) { return {}; }  // kCorrupt: it starts without
};

struct SourceSpec {
  std::string_view kind;  // "zeek"
  std::string_view title_en, title_zh;
  std::string_view reads_en, reads_zh;  // formats, number forms and time zones, stated
  std::vector<model::EventKind> gives;
  bool takes_map = false;
};

struct SourcePart {
  const SourceSpec& (*spec)();
  bool (*takes_file)(std::string_view name);  // by file name, when a directory is given
  std::chrono::milliseconds (*disorder)(std::string_view name);
  Result<std::unique_ptr<LineDecoder>> (*open)(const Input& input, std::string_view file_name,
                                               std::string_view map_toml);
};
const std::vector<SourcePart>& catalog();

}  // namespace pandun::sources
