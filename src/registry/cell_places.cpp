#include "registry/cell_places.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/hash.h"
#include "registry/csv.h"

namespace pandun::registry {
namespace {

constexpr std::string_view kHeader = "cell,latitude,longitude";

bool degrees(std::string_view text, float bound, float& out) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out);
  return fault == std::errc() && end == text.data() + text.size() && std::fabs(out) <= bound;  // false for NaN
}

}  // namespace

Result<CellPlaces> CellPlaces::load(platform::FileSystem& files, const std::string& path) {
  const auto info = files.info(path);
  if (!info.ok()) {
    if (info.error().code == Errc::kNotFound) return CellPlaces();
    return info.error();
  }
  TRY_ASSIGN(const std::string text, platform::read_file(files, path, kBytesMax));
  return parse(text, path);
}

// By hand, not through read_csv(): a carrier has millions of cells.
Result<CellPlaces> CellPlaces::parse(std::string_view text, const std::string& where) {
  CellPlaces out;
  Faults faults;
  bool header = false;
  for (std::size_t line = 1; !text.empty(); ++line) {
    std::string_view row = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(row.size() + 1, text.size()));
    if (row.ends_with('\r')) row.remove_suffix(1);
    if (row.empty() || row.front() == '#') continue;
    if (!header) {
      header = true;
      if (row != kHeader) faults.add(where, line, "the first line must be " + std::string(kHeader));
      continue;
    }
    const std::size_t first = row.find(','), second = first == row.npos ? first : row.find(',', first + 1);
    Cell cell{};
    if (second == row.npos || first == 0 || first > 64) {
      faults.add(where, line, "expected a cell of 1 to 64 bytes, its latitude and its longitude");
    } else if (!degrees(row.substr(first + 1, second - first - 1), 90, cell.place.latitude) ||
               !degrees(row.substr(second + 1), 180, cell.place.longitude)) {
      faults.add(where, line, "latitude and longitude are degrees, within -90 to 90 and -180 to 180");
    } else if (out.cells_.size() == kCellsMax) {
      return error(Errc::kTooLarge, where + ":" + std::to_string(line), "more than 4,000,000 cells");
    } else {
      cell.hash = hash64(row.substr(0, first));
      out.cells_.push_back(cell);
    }
  }
  if (faults.any()) return error(Errc::kBadConfig, where, faults.text());
  std::sort(out.cells_.begin(), out.cells_.end(), [](const Cell& a, const Cell& b) { return a.hash < b.hash; });
  const auto twice = std::adjacent_find(out.cells_.begin(), out.cells_.end(),
                                        [](const Cell& a, const Cell& b) { return a.hash == b.hash; });
  if (twice != out.cells_.end())
    return error(Errc::kBadConfig, where,
                 "a cell stands there twice, at latitude " + std::to_string(twice->place.latitude) + " and " +
                     std::to_string((twice + 1)->place.latitude));
  return out;
}

std::optional<CellPlaces::Place> CellPlaces::find(std::string_view cell) const {
  if (cells_.empty() || cell.empty()) return std::nullopt;
  const std::uint64_t hash = hash64(cell);
  const auto at = std::lower_bound(cells_.begin(), cells_.end(), hash,
                                   [](const Cell& c, std::uint64_t wanted) { return c.hash < wanted; });
  if (at == cells_.end() || at->hash != hash) return std::nullopt;
  return at->place;
}

}  // namespace pandun::registry
