#include "platform/fault_files.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/hash.h"

namespace pandun::platform {
namespace {

constexpr std::size_t kOps = 8;
constexpr std::size_t kPage = 512;

// One file, whatever names it has: what programs see, and what the disk would show after a power cut.
struct Node {
  std::string current, durable;
  unsigned mode = 0640;
  std::vector<std::pair<std::size_t, std::size_t>> dropped;  // [from, to) of `current` that a failed sync has lost
};
using NodePtr = std::shared_ptr<Node>;

void make_durable(Node& node) {
  node.durable = node.current;
  for (const auto& [from, to] : node.dropped)
    for (std::size_t i = from; i < std::min(to, node.durable.size()); ++i) node.durable[i] = '\0';
}

// Of the pages that differ, a random half reached the disk; the file's length is somewhere between both.
std::string torn(const Node& node, std::uint64_t seed) {
  std::string out = node.durable;
  const std::size_t longest = std::max(node.current.size(), node.durable.size());
  const std::size_t shortest = std::min(node.current.size(), node.durable.size());
  out.resize(shortest + mix64(seed) % (longest - shortest + 1), '\0');
  for (std::size_t page = 0; page < out.size(); page += kPage) {
    if ((combine64(seed, page) & 1) == 0) continue;
    for (std::size_t i = page; i < std::min({page + kPage, out.size(), node.current.size()}); ++i)
      out[i] = node.current[i];
  }
  return out;
}

}  // namespace

struct FaultFiles::State {
  explicit State(FileSystem& files) : real(files) {}

  FileSystem& real;
  mutable std::mutex mutex;
  std::array<std::uint64_t, kOps> counts{};
  std::array<std::uint64_t, kOps> fail_from{};  // 0 = never
  std::array<bool, kOps> fail_forever{};
  std::map<std::uint64_t, std::size_t> short_writes;
  std::uint64_t disk_limit = ~0ULL;
  std::uint64_t changes = 0, cut_after = ~0ULL;
  std::uint64_t epoch = 0;                       // power cuts so far; older file objects are dead
  std::map<std::string, NodePtr> live, durable;  // names → files: now, and after a power cut

  // Counts the call; an error when it is one that has to fail.
  Result<> enter(FileOp op, const std::string& path) {
    const auto i = static_cast<std::size_t>(op);
    ++counts[i];
    if (op != FileOp::kRead && ++changes > cut_after) return error(Errc::kIo, path, "the power is cut");
    if (fail_from[i] == 0) return {};
    if (counts[i] == fail_from[i] || (fail_forever[i] && counts[i] > fail_from[i]))
      return error(Errc::kIo, path, "made to fail");
    return {};
  }
  Result<> alive(std::uint64_t file_epoch, const std::string& path) const {
    if (file_epoch != epoch) return error(Errc::kIo, path, "was open when the power was cut");
    return {};
  }
  std::uint64_t used() const {
    std::uint64_t bytes = 0;
    std::set<const Node*> seen;
    for (const auto& [path, node] : live)
      if (seen.insert(node.get()).second) bytes += node->current.size();
    return bytes;
  }
  // A file that was there before is durable as it stands.
  Result<NodePtr> adopt(const std::string& path) {
    if (const auto it = live.find(path); it != live.end()) return it->second;
    auto content = read_file(real, path);
    if (!content.ok()) {
      if (content.error().code == Errc::kNotFound) return NodePtr{};
      return std::move(content).error();
    }
    TRY_ASSIGN(const FileInfo file, real.info(path));
    auto node = std::make_shared<Node>();
    node->current = node->durable = std::move(*content);
    node->mode = file.mode;
    live[path] = durable[path] = node;
    return node;
  }
  NodePtr birth(const std::string& path, unsigned mode) {
    auto node = std::make_shared<Node>();
    node->mode = mode;
    live[path] = node;
    return node;
  }
  Result<> cut(const std::uint64_t* seed);
};

Result<> FaultFiles::State::cut(const std::uint64_t* seed) {
  ++epoch;
  cut_after = ~0ULL;
  std::set<std::string> names;
  for (const auto& [path, node] : live) names.insert(path);
  for (const auto& [path, node] : durable) names.insert(path);
  std::uint64_t salt = seed == nullptr ? 0 : *seed;
  std::set<Node*> settled;
  for (const std::string& path : names) {
    const auto kept = durable.find(path);
    if (live.count(path) != 0) TRY(real.remove(path));
    if (kept == durable.end()) continue;
    Node& node = *kept->second;
    if (settled.insert(&node).second) {
      if (seed != nullptr) node.durable = torn(node, ++salt);
      node.current = node.durable;
      node.dropped.clear();
    }
    TRY_ASSIGN(const auto file, real.create(path, node.mode));
    TRY(file->append(node.current));
  }
  live = durable;
  return {};
}

namespace {

class FaultWritable final : public WritableFile {
 public:
  FaultWritable(FaultFiles::State& state, NodePtr node, std::unique_ptr<WritableFile> real, std::string path)
      : state_(state), node_(std::move(node)), real_(std::move(real)), path_(std::move(path)), epoch_(state.epoch) {}

  Result<> append(std::string_view bytes) override {
    const std::scoped_lock lock(state_.mutex);
    TRY(state_.alive(epoch_, path_));
    TRY(state_.enter(FileOp::kAppend, path_));
    if (const auto it = state_.short_writes.find(state_.counts[static_cast<std::size_t>(FileOp::kAppend)]);
        it != state_.short_writes.end()) {
      TRY(write(bytes.substr(0, it->second)));
      return error(Errc::kIo, path_, "made to write short");
    }
    const std::uint64_t used = state_.used();
    const std::uint64_t room = state_.disk_limit > used ? state_.disk_limit - used : 0;
    if (bytes.size() <= room) return write(bytes);
    TRY(write(bytes.substr(0, room)));
    return error(Errc::kIo, path_, "write: No space left on device", true);
  }
  Result<> sync() override {
    const std::scoped_lock lock(state_.mutex);
    TRY(state_.alive(epoch_, path_));
    if (auto entered = state_.enter(FileOp::kSync, path_); !entered.ok()) {
      if (node_->current.size() > node_->durable.size())
        node_->dropped.emplace_back(node_->durable.size(), node_->current.size());
      return entered;
    }
    make_durable(*node_);
    return {};
  }
  Result<> truncate(std::uint64_t size) override {
    const std::scoped_lock lock(state_.mutex);
    TRY(state_.alive(epoch_, path_));
    TRY(state_.enter(FileOp::kTruncate, path_));
    TRY(real_->truncate(size));
    node_->current.resize(size, '\0');
    for (auto& range : node_->dropped) range.second = std::min<std::size_t>(range.second, size);
    return {};
  }
  std::uint64_t size() const override {
    const std::scoped_lock lock(state_.mutex);
    return node_->current.size();
  }

 private:
  Result<> write(std::string_view bytes) {
    TRY(real_->append(bytes));
    node_->current.append(bytes);
    return {};
  }
  FaultFiles::State& state_;
  NodePtr node_;
  std::unique_ptr<WritableFile> real_;
  std::string path_;
  std::uint64_t epoch_;
};

class FaultReadable final : public ReadableFile {
 public:
  FaultReadable(FaultFiles::State& state, std::unique_ptr<ReadableFile> real, std::string path)
      : state_(state), real_(std::move(real)), path_(std::move(path)), epoch_(state.epoch) {}

  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
    {
      const std::scoped_lock lock(state_.mutex);
      TRY(state_.alive(epoch_, path_));
      TRY(state_.enter(FileOp::kRead, path_));
    }
    return real_->read_at(offset, out, bytes);
  }
  Result<FileInfo> info() const override { return real_->info(); }

 private:
  FaultFiles::State& state_;
  std::unique_ptr<ReadableFile> real_;
  std::string path_;
  std::uint64_t epoch_;
};

}  // namespace

FaultFiles::FaultFiles(FileSystem& real) : state_(std::make_unique<State>(real)) {}
FaultFiles::~FaultFiles() = default;

void FaultFiles::fail_at(FileOp op, std::uint64_t n, bool forever) {
  const std::scoped_lock lock(state_->mutex);
  state_->fail_from[static_cast<std::size_t>(op)] = n;
  state_->fail_forever[static_cast<std::size_t>(op)] = forever;
}
void FaultFiles::short_write_at(std::uint64_t n, std::size_t bytes) {
  const std::scoped_lock lock(state_->mutex);
  state_->short_writes[n] = bytes;
}
void FaultFiles::disk_bytes(std::uint64_t limit) {
  const std::scoped_lock lock(state_->mutex);
  state_->disk_limit = limit;
}
void FaultFiles::heal() {
  const std::scoped_lock lock(state_->mutex);
  state_->fail_from = {};
  state_->fail_forever = {};
  state_->short_writes.clear();
  state_->disk_limit = ~0ULL;
}
std::uint64_t FaultFiles::count(FileOp op) const {
  const std::scoped_lock lock(state_->mutex);
  return state_->counts[static_cast<std::size_t>(op)];
}
std::uint64_t FaultFiles::changes() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->changes;
}
void FaultFiles::power_cut_at(std::uint64_t n) {
  const std::scoped_lock lock(state_->mutex);
  state_->cut_after = n;
}
Result<> FaultFiles::power_cut() {
  const std::scoped_lock lock(state_->mutex);
  return state_->cut(nullptr);
}
Result<> FaultFiles::power_cut_keeping(std::uint64_t seed) {
  const std::scoped_lock lock(state_->mutex);
  return state_->cut(&seed);
}

Result<std::unique_ptr<WritableFile>> FaultFiles::open_append(const std::string& path, unsigned mode) {
  const std::scoped_lock lock(state_->mutex);
  TRY_ASSIGN(NodePtr node, state_->adopt(path));
  if (node == nullptr) {
    TRY(state_->enter(FileOp::kCreate, path));
  }
  TRY_ASSIGN(auto real, state_->real.open_append(path, mode));
  if (node == nullptr) node = state_->birth(path, mode);
  return std::unique_ptr<WritableFile>(std::make_unique<FaultWritable>(*state_, node, std::move(real), path));
}

Result<std::unique_ptr<WritableFile>> FaultFiles::create(const std::string& path, unsigned mode) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->enter(FileOp::kCreate, path));
  TRY_ASSIGN(NodePtr node, state_->adopt(path));
  TRY_ASSIGN(auto real, state_->real.create(path, mode));
  if (node == nullptr) node = state_->birth(path, mode);
  node->current.clear();
  node->dropped.clear();
  return std::unique_ptr<WritableFile>(std::make_unique<FaultWritable>(*state_, node, std::move(real), path));
}

Result<std::unique_ptr<ReadableFile>> FaultFiles::open_read(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  TRY_ASSIGN(auto real, state_->real.open_read(path));
  return std::unique_ptr<ReadableFile>(std::make_unique<FaultReadable>(*state_, std::move(real), path));
}

Result<FileInfo> FaultFiles::info(const std::string& path) {
  return state_->real.info(path);
}
Result<std::vector<std::string>> FaultFiles::list(const std::string& directory) {
  return state_->real.list(directory);
}
Result<> FaultFiles::make_directories(const std::string& path) {
  return state_->real.make_directories(path);
}

Result<> FaultFiles::rename(const std::string& from, const std::string& to) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->enter(FileOp::kRename, from));
  TRY_ASSIGN(const NodePtr node, state_->adopt(from));
  TRY(state_->adopt(to));
  TRY(state_->real.rename(from, to));
  if (node == nullptr) return {};  // a directory
  state_->live.erase(from);
  state_->live[to] = node;
  return {};
}

Result<> FaultFiles::remove(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->enter(FileOp::kRemove, path));
  if (auto node = state_->adopt(path); !node.ok() && node.error().code != Errc::kIo) return std::move(node).error();
  TRY(state_->real.remove(path));
  state_->live.erase(path);
  return {};
}

Result<> FaultFiles::sync_directory(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  TRY(state_->enter(FileOp::kSyncDirectory, path));
  std::erase_if(state_->durable, [&](const auto& entry) { return directory_of(entry.first) == path; });
  for (const auto& [name, node] : state_->live)
    if (directory_of(name) == path) state_->durable[name] = node;
  return {};
}

Result<std::uint64_t> FaultFiles::free_bytes(const std::string& path) {
  const std::scoped_lock lock(state_->mutex);
  if (state_->disk_limit == ~0ULL) return state_->real.free_bytes(path);
  const std::uint64_t used = state_->used();
  return state_->disk_limit > used ? state_->disk_limit - used : 0;
}

}  // namespace pandun::platform
