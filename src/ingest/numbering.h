// The port through which ingest asks what a string of digits is. server plugs registry's plan in.
//
// Threads  called from every thread that normalises; must be immutable.
#pragma once

#include <string_view>

#include "model/number.h"

namespace pandun::ingest {

class Numbering {
 public:
  virtual ~Numbering() = default;
  virtual model::NumberKey parse(std::string_view text, bool opaque) const = 0;
};

}  // namespace pandun::ingest
