// The ports a case asks for: its indicator, service, protected, traits and model lines as immutable snapshots.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "detect/detector.h"
#include "detect/testing/case_file.h"

namespace pandun::detect::testing {

class CasePorts {
 public:
  explicit CasePorts(const Case& c);
  ~CasePorts();
  CasePorts(const CasePorts&) = delete;
  CasePorts& operator=(const CasePorts&) = delete;
  Ports ports() const;

 private:
  class Indicators;
  class Services;
  class Facts;
  class Models;
  class Cells;
  std::unique_ptr<Indicators> indicators_;
  std::unique_ptr<Services> services_;
  std::unique_ptr<Facts> facts_;
  std::unique_ptr<Models> models_;
  std::unique_ptr<Cells> cells_;
};

}  // namespace pandun::detect::testing
