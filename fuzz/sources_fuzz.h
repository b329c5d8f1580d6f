// What every source's fuzz target does: the input through the real stream, in one go and in small pieces with a restart between
// any two batches, and the books must balance both times.
#pragma once

#include <cstdint>
#include <string>

#include "base/check.h"
#include "sources/kit/file_stream.h"
#include "sources/kit/testing.h"

namespace pandun::sources::fuzzing {

struct Sum {
  std::uint64_t events = 0, rejects = 0, unread = 0;
  friend bool operator==(const Sum&, const Sum&) = default;
};

inline std::unique_ptr<FileStream> open(testing::MemoryFiles& files, const SourcePart& part, const std::string& path,
                                        const std::string& map, std::string_view progress, std::size_t block) {
  FileStreamOptions options;
  options.path = options.name = path;
  options.block_bytes = block;
  options.line_bytes_max = 4096;
  auto decoder = part.open({std::string(part.spec().kind), path, map.empty() ? "" : "map.toml", false}, path, map);
  if (!decoder) return nullptr;
  return FileStream::open(files, options, std::move(*decoder), progress).value();
}

inline void look_at(const Decoded& out) {
  for (const auto& event : out.batch.events) CHECK(!testing::text_of(event).empty());
  for (const auto& reject : out.rejects) CHECK(reject.excerpt.size() <= 160);
}

inline int run(std::string_view kind, const std::string& name, std::string_view bytes, const std::string& map = {}) {
  const SourcePart* part = nullptr;
  for (const SourcePart& one : catalog())
    if (one.spec().kind == kind) part = &one;
  CHECK(part != nullptr);
  testing::MemoryFiles files;
  files.write(name, std::string(bytes));

  auto stream = open(files, *part, name, map, "", 1 << 16);
  if (!stream) return 0;
  Sum whole, pieces;
  Decoded out;
  while (!out.end) {
    out = {};
    CHECK(stream->next(1000, out).ok());
    look_at(out);
    whole.events += out.batch.events.size();
    whole.rejects += out.rejects.size();
  }
  whole.unread = stream->counts().unread;
  CHECK(stream->counts().records == whole.events + whole.rejects + whole.unread);
  CHECK(stream->counts().rejected == whole.rejects);

  out = {};
  std::string progress;
  for (int rounds = 0; !out.end && rounds < 200; ++rounds) {
    out = {};
    stream = open(files, *part, name, map, progress, 100);
    CHECK(stream->next(3, out).ok());
    look_at(out);
    pieces.events += out.batch.events.size();
    pieces.rejects += out.rejects.size();
    pieces.unread += stream->counts().unread;
    progress = out.progress;
  }
  if (out.end) CHECK(pieces.events == whole.events);
  return 0;
}

}  // namespace pandun::sources::fuzzing
