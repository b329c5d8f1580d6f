#include "detect/testing/memory_files.h"

#include <algorithm>
#include <cstring>

namespace pandun::detect::testing {

class MemoryFiles::Writer final : public platform::WritableFile {
 public:
  explicit Writer(Bytes bytes) : bytes_(std::move(bytes)) {}
  Result<> append(std::string_view bytes) override {
    bytes_->append(bytes);
    return {};
  }
  Result<> sync() override { return {}; }
  Result<> truncate(std::uint64_t size) override {
    bytes_->resize(size);
    return {};
  }
  std::uint64_t size() const override { return bytes_->size(); }

 private:
  Bytes bytes_;
};

class MemoryFiles::Reader final : public platform::ReadableFile {
 public:
  explicit Reader(Bytes bytes) : bytes_(std::move(bytes)) {}
  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
    if (offset >= bytes_->size()) return std::size_t{0};
    const std::size_t n = std::min<std::size_t>(bytes, bytes_->size() - offset);
    std::memcpy(out, bytes_->data() + offset, n);
    return n;
  }
  Result<platform::FileInfo> info() const override {
    platform::FileInfo out;
    out.size = bytes_->size();
    return out;
  }

 private:
  Bytes bytes_;
};

MemoryFiles::Bytes MemoryFiles::find(const std::string& path) const {
  const std::scoped_lock lock(mutex_);
  const auto it = files_.find(path);
  return it == files_.end() ? nullptr : it->second;
}

Result<std::unique_ptr<platform::WritableFile>> MemoryFiles::open_append(const std::string& path, unsigned) {
  const std::scoped_lock lock(mutex_);
  Bytes& bytes = files_[path];
  if (bytes == nullptr) bytes = std::make_shared<std::string>();
  return std::unique_ptr<platform::WritableFile>(std::make_unique<Writer>(bytes));
}
Result<std::unique_ptr<platform::WritableFile>> MemoryFiles::create(const std::string& path, unsigned) {
  const std::scoped_lock lock(mutex_);
  Bytes bytes = std::make_shared<std::string>();
  files_[path] = bytes;
  return std::unique_ptr<platform::WritableFile>(std::make_unique<Writer>(std::move(bytes)));
}
Result<std::unique_ptr<platform::ReadableFile>> MemoryFiles::open_read(const std::string& path) {
  const Bytes bytes = find(path);
  if (bytes == nullptr) return error(Errc::kNotFound, path, "no such file");
  return std::unique_ptr<platform::ReadableFile>(std::make_unique<Reader>(bytes));
}
Result<platform::FileInfo> MemoryFiles::info(const std::string& path) {
  const Bytes bytes = find(path);
  if (bytes == nullptr) return error(Errc::kNotFound, path, "no such file");
  return Reader(bytes).info();
}
Result<std::vector<std::string>> MemoryFiles::list(const std::string& directory) {
  const std::scoped_lock lock(mutex_);
  const std::string prefix = directory + "/";
  std::vector<std::string> out;
  for (const auto& [path, bytes] : files_)
    if (path.starts_with(prefix)) out.push_back(path.substr(prefix.size()));
  return out;
}
Result<> MemoryFiles::make_directories(const std::string&) {
  return {};
}
Result<> MemoryFiles::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(mutex_);
  const auto it = files_.find(from);
  if (it == files_.end()) return error(Errc::kNotFound, from, "no such file");
  files_[to] = it->second;
  files_.erase(from);
  return {};
}
Result<> MemoryFiles::remove(const std::string& path) {
  const std::scoped_lock lock(mutex_);
  if (files_.erase(path) == 0) return error(Errc::kNotFound, path, "no such file");
  return {};
}
Result<> MemoryFiles::sync_directory(const std::string&) {
  return {};
}
Result<std::uint64_t> MemoryFiles::free_bytes(const std::string&) {
  return std::uint64_t{1} << 40;
}

std::string MemoryFiles::content(const std::string& path) const {
  const Bytes bytes = find(path);
  return bytes == nullptr ? std::string() : *bytes;
}
void MemoryFiles::set_content(const std::string& path, std::string content) {
  const std::scoped_lock lock(mutex_);
  files_[path] = std::make_shared<std::string>(std::move(content));
}

}  // namespace pandun::detect::testing
