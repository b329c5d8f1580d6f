// Zeek's ASCII form: a head of # lines, then rows. The head is compiled into a plan, so that a row touches only the columns
// that are used.
//
// Threads  one owner.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sources/zeek/logs.h"

namespace pandun::sources::zeek {

class TsvHead {
 public:
  // A line that begins with '#'. True when it completes the plan (#fields).
  bool line(std::string_view text);
  bool ready() const { return ready_; }
  bool supported() const { return separator_length_ == 1; }
  std::string_view path() const { return path_; }
  const std::string& lines() const { return lines_; }  // to be given again after a restart

  // Chooses the columns that the log type uses.
  void plan(const LogType& type);
  std::size_t extra() const { return extra_; }

  // Fills `row`. False: the number of columns differs; `found` says it.
  bool split(std::string_view text, Row& row, std::size_t& found);
  std::size_t columns() const { return fields_.size(); }

 private:
  struct Use {
    std::uint32_t column, slot;
  };
  std::string_view value_of(std::string_view text) const;

  char separator_ = '\t', set_separator_ = ',';
  std::size_t separator_length_ = 1, extra_ = 0;
  std::string unset_ = "-", empty_ = "(empty)", path_, lines_;
  std::vector<std::string> fields_;
  std::vector<Use> uses_;
  std::vector<std::uint32_t> ends_;
  bool ready_ = false;
};

}  // namespace pandun::sources::zeek
