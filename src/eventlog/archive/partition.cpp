#include "eventlog/archive/partition.h"

#include <algorithm>
#include <charconv>

#include "eventlog/archive/archive.h"
#include "eventlog/archive/duckdb_api.h"

namespace pandun::eventlog {
namespace {

constexpr std::string_view kDayPrefix = "day=", kPartPrefix = "part-", kPartSuffix = ".parquet";
constexpr std::size_t kDigits = 20;

std::string digits(std::uint64_t value) {
  const std::string text = std::to_string(value);
  return std::string(text.size() < kDigits ? kDigits - text.size() : 0, '0') + text;
}

bool number(std::string_view text, std::uint64_t& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc{} && end == text.data() + text.size();
}

bool parse_part(std::string_view name, Part& out) {
  if (!name.starts_with(kPartPrefix) || !name.ends_with(kPartSuffix)) return false;
  name = name.substr(kPartPrefix.size(), name.size() - kPartPrefix.size() - kPartSuffix.size());
  return name.size() == 2 * kDigits + 1 && name[kDigits] == '-' && number(name.substr(0, kDigits), out.first) &&
         number(name.substr(kDigits + 1), out.last);
}

}  // namespace

std::int64_t day_of(EventMs time) {
  const std::int64_t day = time.ms / kDayMs - (time.ms % kDayMs < 0 ? 1 : 0);
  return std::clamp(day, days_from_civil(1, 1, 1), days_from_civil(9999, 12, 31));
}

std::string partition_directory(const std::string& archive, model::EventKind kind, std::int64_t day) {
  return platform::join(
      archive, std::string(model::name(kind)) + "/" + std::string(kDayPrefix) + rfc3339(day * kDayMs).substr(0, 10));
}

std::string part_name(std::uint64_t first, std::uint64_t last) {
  return std::string(kPartPrefix) + digits(first) + '-' + digits(last) + std::string(kPartSuffix);
}

Result<std::vector<Part>> list_parts(platform::FileSystem& files, const std::string& directory, bool tidy) {
  std::vector<Part> all;
  auto names = files.list(directory);
  if (!names.ok()) {
    if (names.error().code == Errc::kNotFound) return all;
    return std::move(names).error();
  }
  for (const std::string& name : *names) {
    Part part;
    part.path = platform::join(directory, name);
    if (parse_part(name, part)) {
      all.push_back(std::move(part));
    } else if (tidy && name.ends_with(".new")) {
      TRY(files.remove(part.path));
    }
  }
  // A larger part stands in front of those within it.
  std::sort(all.begin(), all.end(),
            [](const Part& a, const Part& b) { return a.first != b.first ? a.first < b.first : a.last > b.last; });
  std::vector<Part> out;
  for (Part& part : all) {
    if (out.empty() || part.last > out.back().last) {
      out.push_back(std::move(part));
    } else if (tidy) {
      TRY(files.remove(part.path));
    }
  }
  return out;
}

std::string sql_parts(const std::vector<Part>& parts) {
  std::string sql = "read_parquet([";
  for (const Part& part : parts) sql += (&part == &parts.front() ? "" : ", ") + sql_text(part.path);
  return sql + "], union_by_name = true, hive_partitioning = false)";
}

Result<std::vector<std::int64_t>> list_days(platform::FileSystem& files, const std::string& archive,
                                            model::EventKind kind) {
  std::vector<std::int64_t> out;
  auto names = files.list(platform::join(archive, std::string(model::name(kind))));
  if (!names.ok()) {
    if (names.error().code == Errc::kNotFound) return out;
    return std::move(names).error();
  }
  for (const std::string& name : *names) {
    if (!name.starts_with(kDayPrefix)) continue;
    const auto ms = parse_rfc3339(name.substr(kDayPrefix.size()) + "T00:00:00Z");
    if (ms) out.push_back(*ms / kDayMs);
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<std::uint64_t> retire_archive_days(platform::FileSystem& files, const std::string& directory, EventMs before) {
  std::uint64_t retired = 0;
  for (std::size_t kind = 0; kind < model::kEventKinds; ++kind) {
    const auto event_kind = static_cast<model::EventKind>(kind);
    TRY_ASSIGN(const auto days, list_days(files, directory, event_kind));
    for (const std::int64_t day : days) {
      if ((day + 1) * kDayMs > before.ms) break;
      const std::string folder = partition_directory(directory, event_kind, day);
      TRY_ASSIGN(const auto names, files.list(folder));
      for (const std::string& name : names) TRY(files.remove(platform::join(folder, name)));
      TRY(files.remove(folder));
      ++retired;
    }
  }
  return retired;
}

}  // namespace pandun::eventlog
