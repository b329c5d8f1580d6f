#include "platform/input_file.h"

#include <fmt/format.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace pandun::platform {
namespace {

constexpr std::size_t kRawBlock = 256 * 1024;

// Raw bytes in order, from a file or from standard input.
class RawBytes {
 public:
  explicit RawBytes(std::unique_ptr<ReadableFile> file) : file_(std::move(file)) {}

  Result<std::size_t> read(char* out, std::size_t room) {
    if (file_) {
      TRY_ASSIGN(const std::size_t got, file_->read_at(position_, out, room));
      position_ += got;
      return got;
    }
    for (;;) {
      const ssize_t got = ::read(STDIN_FILENO, out, room);
      if (got >= 0) {
        position_ += static_cast<std::uint64_t>(got);
        return static_cast<std::size_t>(got);
      }
      if (errno != EINTR) return error(Errc::kIo, "standard input", std::strerror(errno));
    }
  }
  bool seekable() const { return file_ != nullptr; }
  void seek(std::uint64_t position) { position_ = position; }
  std::uint64_t position() const { return position_; }
  Result<FileInfo> info() const {
    if (!file_) return FileInfo{};
    return file_->info();
  }

 private:
  std::unique_ptr<ReadableFile> file_;
  std::uint64_t position_ = 0;
};

bool is_gzip(const char* bytes, std::size_t size) {
  return size >= 2 && static_cast<unsigned char>(bytes[0]) == 0x1f && static_cast<unsigned char>(bytes[1]) == 0x8b;
}

}  // namespace

struct InputFile::State {
  explicit State(RawBytes bytes) : raw(std::move(bytes)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (gzip) inflateEnd(&zip);
  }

  Result<std::size_t> fill();  // tops up `block` when it is used up
  Result<> look();             // the first bytes decide: gzip or not
  Result<std::size_t> read_plain(char* out, std::size_t room);
  Result<std::size_t> read_gzip(char* out, std::size_t room);
  bool next_member();
  void damaged(std::string_view what);

  RawBytes raw;
  bool named_gz = false, looked = false, gzip = false, in_member = false, finished = false;
  z_stream zip{};
  std::vector<char> block;
  std::size_t at = 0, end = 0;  // unread part of `block`
  std::uint64_t offset = 0;
  std::string damage;
};

Result<std::size_t> InputFile::State::fill() {
  if (at < end) return end - at;
  if (block.empty()) block.resize(kRawBlock);
  at = end = 0;
  TRY_ASSIGN(end, raw.read(block.data(), block.size()));
  return end;
}

Result<> InputFile::State::look() {
  // Two bytes are needed; a pipe may give them one by one.
  while (end - at < 2) {
    if (block.empty()) block.resize(kRawBlock);
    TRY_ASSIGN(const std::size_t got, raw.read(block.data() + end, block.size() - end));
    if (got == 0) break;
    end += got;
  }
  if (end == at && raw.seekable() && !named_gz) return {};  // still empty: look again when it has grown
  const bool may_be_gzip = end > at && static_cast<unsigned char>(block[at]) == 0x1f;
  if (end - at == 1 && may_be_gzip && raw.seekable() && !named_gz) {  // let a growing file decide later
    raw.seek(raw.position() - 1);
    at = end = 0;
    return {};
  }
  looked = true;
  gzip = is_gzip(block.data() + at, end - at);
  if (gzip) {
    if (inflateInit2(&zip, 15 + 16) != Z_OK) return error(Errc::kIo, "zlib", "cannot start inflating");
    in_member = true;
  } else if (named_gz) {
    finished = true;
    damage = end == at ? "an empty file is no gzip file" : "the name ends in .gz but the content is not gzip";
  }
  return {};
}

Result<std::size_t> InputFile::State::read_plain(char* out, std::size_t room) {
  std::size_t got = std::min(room, end - at);
  if (got > 0) {
    std::memcpy(out, block.data() + at, got);
    at += got;
  } else {
    TRY_ASSIGN(got, raw.read(out, room));
  }
  offset += got;
  return got;
}

void InputFile::State::damaged(std::string_view what) {
  finished = true;
  damage = fmt::format("{} near compressed byte {}", what, raw.position() - (end - at));
}

// After a member's end: another member, zero padding, the end, or rubbish. True if another member begins.
bool InputFile::State::next_member() {
  while (at < end && block[at] == 0) ++at;
  if (at == end) return false;
  if (end - at >= 2 && !is_gzip(block.data() + at, end - at)) {
    damaged("bytes that are not gzip stand behind a gzip member,");
    return false;
  }
  inflateReset(&zip);
  in_member = true;
  return true;
}

Result<std::size_t> InputFile::State::read_gzip(char* out, std::size_t room) {
  zip.next_out = reinterpret_cast<Bytef*>(out);
  zip.avail_out = static_cast<uInt>(std::min<std::size_t>(room, 1U << 30));
  const uInt wanted = zip.avail_out;
  while (!finished && zip.avail_out == wanted) {
    TRY_ASSIGN(const std::size_t have, fill());
    if (have == 0) {
      if (in_member) damaged("the gzip stream is cut short,");
      finished = true;
      break;
    }
    if (!in_member && !next_member()) continue;
    zip.next_in = reinterpret_cast<Bytef*>(block.data() + at);
    zip.avail_in = static_cast<uInt>(end - at);
    const int code = inflate(&zip, Z_NO_FLUSH);
    at = end - zip.avail_in;
    if (code == Z_STREAM_END) {
      in_member = false;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      damaged(zip.msg ? fmt::format("the gzip stream is corrupt ({})", zip.msg) : "the gzip stream is corrupt");
    }
  }
  const std::size_t got = wanted - zip.avail_out;
  offset += got;
  return got;
}

InputFile::InputFile(std::unique_ptr<State> state) : state_(std::move(state)) {}
InputFile::~InputFile() = default;

Result<std::unique_ptr<InputFile>> InputFile::open(FileSystem& files, const std::string& path) {
  TRY_ASSIGN(auto file, files.open_read(path));
  auto state = std::make_unique<State>(RawBytes(std::move(file)));
  state->named_gz = path.ends_with(".gz");
  return std::unique_ptr<InputFile>(new InputFile(std::move(state)));
}

std::unique_ptr<InputFile> InputFile::standard_input() {
  return std::unique_ptr<InputFile>(new InputFile(std::make_unique<State>(RawBytes(nullptr))));
}

Result<std::size_t> InputFile::read(char* out, std::size_t room) {
  if (!state_->looked) {
    TRY(state_->look());
    if (!state_->looked) return std::size_t{0};
  }
  if (state_->finished || room == 0) return std::size_t{0};
  return state_->gzip ? state_->read_gzip(out, room) : state_->read_plain(out, room);
}

Result<bool> InputFile::skip_to(std::uint64_t offset) {
  if (!state_->looked) TRY(state_->look());
  if (!state_->gzip && state_->raw.seekable()) {
    TRY_ASSIGN(const FileInfo file, state_->raw.info());
    if (file.size < offset) return false;
    state_->raw.seek(offset);
    state_->at = state_->end = 0;
    state_->offset = offset;
    return true;
  }
  std::vector<char> scrap(64 * 1024);
  while (state_->offset < offset) {
    TRY_ASSIGN(const std::size_t got,
               read(scrap.data(), std::min<std::uint64_t>(scrap.size(), offset - state_->offset)));
    if (got == 0) return false;
  }
  return state_->offset == offset;
}

bool InputFile::compressed() const {
  return state_->gzip;
}
const std::string& InputFile::damage() const {
  return state_->damage;
}
std::uint64_t InputFile::offset() const {
  return state_->offset;
}
std::uint64_t InputFile::raw_bytes() const {
  return state_->raw.position();
}
Result<FileInfo> InputFile::info() const {
  return state_->raw.info();
}

}  // namespace pandun::platform
