#include "sources/kit/rotation.h"

#include <algorithm>

#include "base/hash.h"

namespace pandun::sources {

HeadMark mark_of(std::string_view head) {
  return {head.size(), hash64(head)};
}

Result<std::string> read_head(platform::FileSystem& files, const std::string& path, std::uint64_t bytes) {
  TRY_ASSIGN(const auto file, platform::InputFile::open(files, path));
  std::string head(bytes, '\0');
  std::size_t have = 0;
  while (have < bytes) {
    TRY_ASSIGN(const std::size_t got, file->read(head.data() + have, bytes - have));
    if (got == 0) break;
    have += got;
  }
  head.resize(have);
  return head;
}

Result<bool> begins_with(platform::FileSystem& files, const std::string& path, const HeadMark& mark) {
  auto head = read_head(files, path, mark.bytes);
  if (!head && head.error().code == Errc::kNotFound) return false;
  if (!head) return std::move(head).error();
  return mark_of(*head) == mark;
}

bool is_rotated_name(std::string_view live, std::string_view candidate) {
  if (candidate.ends_with(".gz")) candidate.remove_suffix(3);
  const auto marks_rotation = [](std::string_view text) {
    return text.size() >= 2 && std::string_view(".-_").find(text[0]) != std::string_view::npos && text[1] >= '0' &&
           text[1] <= '9';
  };
  if (candidate.starts_with(live) && marks_rotation(candidate.substr(live.size()))) return true;
  const std::size_t dot = live.rfind('.');
  if (dot == std::string_view::npos || dot == 0) return false;
  const std::string_view stem = live.substr(0, dot), extension = live.substr(dot);
  return candidate.size() > live.size() && candidate.starts_with(stem) && candidate.ends_with(extension) &&
         marks_rotation(candidate.substr(stem.size()));
}

Result<std::vector<Sibling>> siblings(platform::FileSystem& files, const std::string& live_path) {
  const std::string folder = platform::directory_of(live_path), live = platform::name_of(live_path);
  TRY_ASSIGN(const auto names, files.list(folder));
  std::vector<Sibling> found;
  for (const std::string& name : names) {
    if (!is_rotated_name(live, name)) continue;
    std::string path = platform::join(folder, name);
    const auto info = files.info(path);
    if (!info || info->directory) continue;  // gone meanwhile
    found.push_back({std::move(path), info->modified_ms, info->inode});
  }
  std::stable_sort(found.begin(), found.end(),
                   [](const Sibling& a, const Sibling& b) { return a.modified_ms < b.modified_ms; });
  return found;
}

}  // namespace pandun::sources
