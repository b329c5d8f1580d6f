// Zeek's JSON form: one flat object a line, keys mostly in the same order. The order is learned, so that a key costs one
// comparison.
//
// Bounds   a line's first 256 keys are looked at.
// Threads  one owner.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "sources/zeek/logs.h"

namespace pandun::sources::zeek {

class JsonRows {
 public:
  JsonRows();
  ~JsonRows();

  enum class Got { kRow, kOtherLog, kBad };
  // Reads a line of the log `type` (nullptr: only its _path is looked for). kOtherLog: its _path names another log, see
  // path(). Views in `row` point into the line or into this object, until the next call.
  Got read(std::string_view line, const LogType* type, std::string_view type_name, Row& row);
  std::string_view path() const { return path_; }
  std::size_t take_extra();  // keys that Zeek does not write, not counted before

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::string path_;
};

}  // namespace pandun::sources::zeek
