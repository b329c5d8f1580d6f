// Where the carriers' cells stand: content/cells.csv, "cell,latitude,longitude" (WGS 84 degrees), cells as records name them.
//
// Errors   load(): every fault at once, as file:line; a file that is not there is a register of nothing. At most 4,000,000.
// Memory   16 bytes a cell.
// Threads  immutable once loaded.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/file_system.h"

namespace pandun::registry {

class CellPlaces {
 public:
  struct Place {
    float latitude, longitude;
  };
  static constexpr std::size_t kCellsMax = 4'000'000;
  static constexpr std::uint64_t kBytesMax = 512U << 20;

  static Result<CellPlaces> load(platform::FileSystem& files, const std::string& path);
  static Result<CellPlaces> parse(std::string_view text, const std::string& where);
  std::optional<Place> find(std::string_view cell) const;
  std::size_t size() const { return cells_.size(); }

 private:
  struct Cell {
    std::uint64_t hash;
    Place place;
  };
  std::vector<Cell> cells_;  // by hash
};

}  // namespace pandun::registry
