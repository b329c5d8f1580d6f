#include "api/http/static_files.h"

#include <fmt/format.h>

#include <array>

#include "base/hash.h"

namespace pandun::api::http {
namespace {

constexpr std::uint64_t kFileBytesMax = 32ULL << 20;
constexpr int kDepthMax = 8;

std::string_view extension(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos || (slash != std::string_view::npos && dot < slash)) return {};
  return path.substr(dot + 1);
}

std::string_view content_type(std::string_view path) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 14> kTypes{{
      {"html", "text/html; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"json", "application/json"},
      {"webmanifest", "application/manifest+json"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"ico", "image/x-icon"},
      {"webp", "image/webp"},
      {"woff2", "font/woff2"},
      {"woff", "font/woff"},
      {"txt", "text/plain; charset=utf-8"},
      {"map", "application/json"},
  }};
  const std::string_view wanted = extension(path);
  for (const auto& [end, type] : kTypes) {
    if (end == wanted) return type;
  }
  return "application/octet-stream";
}

// "index-DiwrgTda.js": a dash and at least eight letters, digits, - or _ before the extension, below assets/.
bool has_content_hash(std::string_view path) {
  if (!path.starts_with("/assets/")) return false;
  const std::string_view end = extension(path);
  const std::string_view stem = path.substr(0, path.size() - end.size() - 1);
  const std::size_t dash = stem.find('-');
  return !end.empty() && dash != std::string_view::npos && stem.size() - dash - 1 >= 8;
}

// A comma-separated list that contains `wanted`, not refused by q=0.
bool lists(std::string_view field, std::string_view wanted) {
  while (!field.empty()) {
    const std::size_t comma = field.find(',');
    std::string_view item = field.substr(0, comma);
    field = comma == std::string_view::npos ? std::string_view{} : field.substr(comma + 1);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    const std::size_t semicolon = item.find(';');
    std::string_view token = item.substr(0, semicolon);
    while (!token.empty() && token.back() == ' ') token.remove_suffix(1);
    if (token.starts_with("W/")) token.remove_prefix(2);
    if (token != wanted) continue;
    const std::string_view parameters =
        semicolon == std::string_view::npos ? std::string_view{} : item.substr(semicolon);
    return parameters.find("q=0") == std::string_view::npos || parameters.find("q=0.") != std::string_view::npos;
  }
  return false;
}

}  // namespace

StaticFiles::StaticFiles(platform::FileSystem& files, platform::Clock& clock, std::string directory)
    : files_(files), clock_(clock), directory_(std::move(directory)) {}

void StaticFiles::read_directory(const std::string& directory, const std::string& prefix, int depth, Site& out) const {
  const auto names = files_.list(directory);
  if (!names.ok()) return;
  for (const std::string& name : *names) {
    const std::string path = platform::join(directory, name);
    const auto info = files_.info(path);
    if (!info.ok() || name.starts_with('.')) continue;
    if (info->directory) {
      if (depth < kDepthMax) read_directory(path, prefix + name + "/", depth + 1, out);
      continue;
    }
    auto bytes = platform::read_file(files_, path, kFileBytesMax);
    if (!bytes.ok()) continue;
    const std::string url = prefix + name;
    File file;
    file.etag = fmt::format("{:016x}", hash64(*bytes));
    file.type = content_type(url);
    file.immutable = has_content_hash(url);
    file.plain = std::make_shared<const std::string>(std::move(*bytes));
    out.insert_or_assign(url, std::move(file));
  }
}

std::shared_ptr<const StaticFiles::Site> StaticFiles::read_all() const {
  auto all = std::make_shared<Site>();
  read_directory(directory_, "/", 0, *all);
  for (auto it = all->begin(); it != all->end();) {
    const std::string& url = it->first;
    const auto plain = url.ends_with(".gz") ? all->find(url.substr(0, url.size() - 3)) : all->end();
    if (plain == all->end()) {
      ++it;
      continue;
    }
    plain->second.gzip = it->second.plain;
    it = all->erase(it);
  }
  return all;
}

std::shared_ptr<const StaticFiles::Site> StaticFiles::site() {
  const std::scoped_lock lock(mutex_);
  const auto now = clock_.steady();
  if (site_ && now - looked_at_ < std::chrono::seconds(1)) return site_;
  looked_at_ = now;
  const auto info = directory_.empty() ? Result<platform::FileInfo>(error(Errc::kNotFound, "console_dir", "not set"))
                                       : files_.info(platform::join(directory_, "index.html"));
  const std::string stamp =
      info.ok() ? fmt::format("{}:{}:{}", info->inode, info->size, info->modified_ms) : std::string("absent");
  if (site_ && stamp == stamp_) return site_;
  stamp_ = stamp;
  site_ = info.ok() ? read_all() : std::make_shared<const Site>();
  return site_;
}

bool StaticFiles::empty() {
  return site()->empty();
}

Response StaticFiles::serve(const Request& request) {
  const auto all = site();
  auto it = all->find(request.path);
  if (it == all->end() && extension(request.path).empty()) it = all->find("/index.html");
  Response response;
  if (it == all->end()) {
    response.status = 404;
    return response;
  }
  const File& file = it->second;
  const bool gzip = file.gzip && lists(request.header("accept-encoding"), "gzip");
  const std::string etag = '"' + file.etag + (gzip ? "-gz\"" : "\"");
  response.with("ETag", etag)
      .with("Cache-Control", file.immutable ? "public, max-age=31536000, immutable" : "no-cache");
  if (file.gzip) response.with("Vary", "Accept-Encoding");
  const std::string_view known = request.header("if-none-match");
  if (!known.empty() && (known == "*" || lists(known, etag))) {
    response.status = 304;
    return response;
  }
  response.with("Content-Type", file.type);
  if (gzip) response.with("Content-Encoding", "gzip");
  response.shared_body = gzip ? file.gzip : file.plain;
  return response;
}

}  // namespace pandun::api::http
