#include <fmt/format.h>

#include <algorithm>

#include "sources/kit/file_stream.h"
#include "sources/kit/source.h"

namespace pandun::sources {
namespace {

constexpr std::uint64_t kMapBytesMax = 1024 * 1024;
constexpr int kDepthMax = 32;  // of folders, so that a circle of links ends

std::string kinds() {
  std::string out;
  for (const SourcePart& part : catalog()) out.append(out.empty() ? "" : ", ").append(part.spec().kind);
  return out;
}

Result<const SourcePart*> part_of(std::string_view kind) {
  for (const SourcePart& part : catalog())
    if (part.spec().kind == kind) return &part;
  return error(Errc::kUsage, {}, fmt::format("unknown kind of input '{}'; there are {}", kind, kinds()));
}

// Rotated files of a followed directory belong to the tail of the file they were.
bool is_rotated_in(const std::vector<std::string>& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& live) { return live != name && is_rotated_name(live, name); });
}

Result<> collect(platform::FileSystem& files, const std::string& folder, const SourcePart& part, bool follow, int depth,
                 std::vector<std::string>& out) {
  if (depth > kDepthMax)
    return error(Errc::kBadInput, folder, fmt::format("folders nested more than {} deep", kDepthMax));
  TRY_ASSIGN(const auto names, files.list(folder));
  for (const std::string& name : names) {
    const std::string path = platform::join(folder, name);
    const auto info = files.info(path);
    if (!info) continue;  // gone meanwhile, or a dangling link
    if (info->directory) {
      TRY(collect(files, path, part, follow, depth + 1, out));
    } else if (part.takes_file(name) && !(follow && is_rotated_in(names, name))) {
      out.push_back(path);
    }
  }
  return {};
}

struct Opening {
  platform::FileSystem& files;
  const Input& input;
  const SourcePart& part;
  std::string map;
  SourceNames& names;
  const ProgressByName& progress;
};

// The first line, or as much of it as stands in the file's first bytes.
Result<std::string> first_line(platform::FileSystem& files, const std::string& path) {
  TRY_ASSIGN(std::string head, read_head(files, path, 64 * 1024));
  const std::size_t end = head.find('\n');
  std::string_view line = std::string_view(head).substr(0, end);
  if (line.starts_with("\xef\xbb\xbf")) line.remove_prefix(3);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line);
}

Result<std::unique_ptr<Stream>> open_one(const Opening& with, const std::string& path, bool sole) {
  const std::string file_name = platform::name_of(path);
  TRY_ASSIGN(auto decoder, with.part.open(with.input, file_name, with.map));
  if (sole && path != "-") {
    auto line = first_line(with.files, path);
    if (!line && !(with.input.follow && line.error().code == Errc::kNotFound)) return std::move(line).error();
    if (line && !line->empty() && line->find('\0') == std::string::npos && !line->starts_with("\xff\xfe") &&
        !line->starts_with("\xfe\xff")) {
      const auto fits = decoder->check_head(*line);
      if (!fits) return error(fits.error().code, path, fits.error().message);
    }
  }
  FileStreamOptions options;
  options.path = path;
  options.name = path == "-" ? with.input.kind + ":-" : path;
  options.source = with.names.id(options.name);
  options.follow = with.input.follow;
  options.disorder = with.part.disorder(file_name);
  const auto found = with.progress.find(options.name);
  TRY_ASSIGN(auto stream, FileStream::open(with.files, options, std::move(decoder),
                                           found == with.progress.end() ? std::string() : found->second));
  return std::unique_ptr<Stream>(std::move(stream));
}

}  // namespace

Result<Input> parse_input(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon + 1 == text.size())
    return error(Errc::kUsage, std::string(text),
                 fmt::format("an input is KIND:PATH, as calls:day.csv.gz; kinds are {}", kinds()));
  Input input;
  input.kind = text.substr(0, colon);
  input.path = text.substr(colon + 1);
  TRY(part_of(input.kind));
  while (input.path.size() > 1 && input.path.back() == '/') input.path.pop_back();
  return input;
}

Result<std::vector<std::string>> input_files(platform::FileSystem& files, const Input& input) {
  TRY_ASSIGN(const SourcePart* part, part_of(input.kind));
  std::vector<std::string> paths;
  if (input.path == "-") return std::vector<std::string>{input.path};
  const auto info = files.info(input.path);
  if (!info && !(input.follow && info.error().code == Errc::kNotFound)) return info.error();
  if (!info || !info->directory) return std::vector<std::string>{input.path};
  TRY(collect(files, input.path, *part, input.follow, 0, paths));
  if (paths.empty() && !input.follow)
    return error(Errc::kNotFound, input.path, fmt::format("no file of kind {} stands below this folder", input.kind));
  return paths;
}

Result<std::vector<std::unique_ptr<Stream>>> open_input(platform::FileSystem& files, const Input& input,
                                                        SourceNames& names, const ProgressByName& progress) {
  TRY_ASSIGN(const SourcePart* part, part_of(input.kind));
  Opening with{files, input, *part, {}, names, progress};
  if (!input.map_file.empty()) {
    if (!part->spec().takes_map)
      return error(Errc::kUsage, input.map_file,
                   fmt::format("a column map goes with calls and messages, not with {}", input.kind));
    TRY_ASSIGN(with.map, platform::read_file(files, input.map_file, kMapBytesMax));
  }
  TRY_ASSIGN(const auto paths, input_files(files, input));
  const bool sole = paths.size() == 1 && paths[0] == input.path;
  std::vector<std::unique_ptr<Stream>> streams;
  for (const std::string& path : paths) {
    TRY_ASSIGN(auto stream, open_one(with, path, sole));
    streams.push_back(std::move(stream));
  }
  return streams;
}

}  // namespace pandun::sources
