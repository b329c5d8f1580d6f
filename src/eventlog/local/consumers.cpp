#include "eventlog/local/consumers.h"

#include <algorithm>

#include "base/hash.h"
#include "eventlog/local/segment.h"

namespace pandun::eventlog {
namespace {

constexpr std::string_view kTitle = "pandun eventlog consumers 1\n";
constexpr std::string_view kSum = "crc32c ";

}  // namespace

bool consumer_name_ok(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

Result<Consumers> read_consumers(platform::FileSystem& files, const std::string& path) {
  auto content = platform::read_file(files, path, 1U << 20);
  if (!content.ok()) {
    if (content.error().code == Errc::kNotFound) return Consumers{};
    return std::move(content).error();
  }
  std::string_view text = *content;
  const Error damaged = error(Errc::kCorrupt, path, "the consumers file is damaged; restore it, or open with skipping");
  const std::size_t sum = text.rfind(kSum);
  std::uint64_t stated = 0;
  if (!text.starts_with(kTitle) || sum == std::string_view::npos || !text.ends_with('\n') ||
      !parse_number(text.substr(sum + kSum.size(), text.size() - sum - kSum.size() - 1), stated) ||
      stated != crc32c(text.substr(0, sum)))
    return damaged;
  Consumers out;
  text = text.substr(kTitle.size(), sum - kTitle.size());
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t space = line.find(' ');
    std::uint64_t position = 0;
    if (space == std::string_view::npos || !parse_number(line.substr(space + 1), position)) return damaged;
    out[std::string(line.substr(0, space))] = position;
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return out;
}

Result<> write_consumers(platform::FileSystem& files, const std::string& path, const Consumers& consumers) {
  std::string text(kTitle);
  for (const auto& [name, position] : consumers) text += name + ' ' + std::to_string(position) + '\n';
  text += std::string(kSum) + std::to_string(crc32c(text)) + '\n';
  return platform::replace_file(files, path, text);
}

}  // namespace pandun::eventlog
