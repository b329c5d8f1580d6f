// Lists of millions of tokens in and out: results of re-verification from carriers, measures for them. Streamed: a list of any
// length takes the same memory.
//
// Format   in: CSV "token,result", header optional, result passed, failed or no_answer; UTF-8, LF or CRLF.
//          out: CSV with a header, one measure about a number a line, tokens only.
// Errors   a line that cannot be used is counted and goes to `rejects` ("line,reason,token", the token only where there is one), never fatal; kIo, kNotAllowed end it:
//          what was taken until then stays taken, and a second run finds it known.
#pragma once

#include <cstdint>
#include <string>

#include "casework/case_desk.h"
#include "platform/file_system.h"

namespace pandun::casework {

struct CheckImport {
  std::uint64_t lines = 0, passed = 0, failed = 0, no_answer = 0, rejected = 0;
};
// `rejects` may be null: then they are only counted.
Result<CheckImport> import_checks(platform::FileSystem& files, CaseDesk& desk, const guard::Actor& actor,
                                  const std::string& path, platform::WritableFile* rejects);

struct MeasureList {
  std::string kind, state, batch{};  // empty: all
};
// How many were written.
Result<std::uint64_t> export_measures(const store::Store& store, const MeasureList& wish, platform::WritableFile& out);

}  // namespace pandun::casework
