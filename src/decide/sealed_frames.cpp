#include "decide/sealed_frames.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

#include "base/hash.h"

namespace pandun::decide {
namespace {

constexpr std::uint32_t kMagic = 0x31464450;  // "PDF1"

std::uint64_t check_of(const FrameHead& head) {
  return hash64({reinterpret_cast<const char*>(&head), offsetof(FrameHead, check)}, kMagic);
}

std::string context_of(const std::string& name, const FrameHead& head) {
  return fmt::format("{}:{}:{}:{}:{}", name, head.sequence, head.first, head.last, head.count);
}

Result<std::size_t> read_all(const platform::ReadableFile& file, std::uint64_t at, char* out, std::size_t bytes) {
  std::size_t done = 0;
  while (done < bytes) {
    TRY_ASSIGN(const std::size_t got, file.read_at(at + done, out + done, bytes - done));
    if (got == 0) break;
    done += got;
  }
  return done;
}

}  // namespace

Result<FrameReader> FrameReader::open(platform::FileSystem& files, const std::string& path,
                                      const platform::SealKey& key, std::string name) {
  FrameReader out(key, std::move(name));
  TRY_ASSIGN(out.file_, files.open_read(path));
  TRY_ASSIGN(const platform::FileInfo info, out.file_->info());
  out.size_ = info.size;
  return out;
}

Result<std::optional<FrameHead>> FrameReader::next() {
  if (size_ - end_ < sizeof(FrameHead)) return std::optional<FrameHead>();
  FrameHead head;
  TRY_ASSIGN(const std::size_t got, read_all(*file_, end_, reinterpret_cast<char*>(&head), sizeof head));
  if (got < sizeof head) return std::optional<FrameHead>();
  if (head.magic != kMagic || head.check != check_of(head) || head.bytes > kFrameBytesMax || head.sequence != sequence_)
    return error(Errc::kCorrupt, name_, fmt::format("frame {} at byte {} is damaged", sequence_, end_));
  if (size_ - end_ - sizeof head < head.bytes) return std::optional<FrameHead>();
  head_ = head;
  payload_at_ = end_ + sizeof head;
  end_ = payload_at_ + head.bytes;
  ++sequence_;
  return std::optional<FrameHead>(head);
}

Result<std::string> FrameReader::payload() const {
  std::string sealed(head_.bytes, '\0');
  TRY_ASSIGN(const std::size_t got, read_all(*file_, payload_at_, sealed.data(), sealed.size()));
  if (got < sealed.size()) return error(Errc::kCorrupt, name_, "the file became shorter");
  return key_.open(sealed, context_of(name_, head_));
}

Result<bool> FrameReader::frames_follow() const {
  std::string rest(std::min<std::uint64_t>(size_ - end_, 2ULL * kFrameBytesMax), '\0');
  TRY_ASSIGN(const std::size_t got, read_all(*file_, end_, rest.data(), rest.size()));
  for (std::size_t at = 1; at + sizeof(FrameHead) <= got; ++at) {
    FrameHead head;
    std::memcpy(&head, rest.data() + at, sizeof head);
    if (head.magic == kMagic && head.check == check_of(head)) return true;
  }
  return false;
}

Result<FrameWriter> FrameWriter::open(platform::FileSystem& files, const std::string& path,
                                      const platform::SealKey& key, std::string name) {
  FrameWriter out(key, name);
  std::uint64_t end = 0;
  auto reader = FrameReader::open(files, path, key, std::move(name));
  const bool fresh = !reader.ok() && reader.error().code == Errc::kNotFound;
  if (!reader.ok() && !fresh) return std::move(reader).error();
  while (!fresh) {
    auto head = reader->next();
    if (!head.ok()) {
      if (head.error().code != Errc::kCorrupt) return std::move(head).error();
      TRY_ASSIGN(const bool follow, reader->frames_follow());
      if (follow) return std::move(head).error();
    }
    if (!head.ok() || !*head) break;
  }
  if (!fresh) {
    end = reader->end();
    out.sequence_ = reader->sequence();
    // The last frame may have its head on the disk and not all of its body.
    if (out.sequence_ > 0 && !reader->payload().ok()) {
      end = reader->begin();
      --out.sequence_;
    }
  }
  TRY_ASSIGN(out.file_, files.open_append(path, 0600));
  if (out.file_->size() > end) TRY(out.file_->truncate(end));
  if (fresh) TRY(files.sync_directory(platform::directory_of(path)));
  return out;
}

Result<> FrameWriter::append(std::string_view payload, std::uint32_t first, std::uint32_t last, std::uint32_t count) {
  FrameHead head{kMagic, 0, first, last, count, sequence_, 0};
  if (payload.size() + platform::kSealOverhead > kFrameBytesMax)
    return error(Errc::kTooLarge, name_, "more than 64 MiB at once");
  head.bytes = static_cast<std::uint32_t>(payload.size() + platform::kSealOverhead);
  head.check = check_of(head);
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  key_.seal_into(bytes, payload, context_of(name_, head));
  TRY(file_->append(bytes));
  ++sequence_;
  return {};
}

std::uint64_t FrameParse::number() {
  std::uint64_t out = 0;
  for (unsigned shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    out |= std::uint64_t{byte & 0x7FU} << shift;
    if (byte < 0x80) return out;
  }
  failed_ = true;
  rest_ = {};
  return 0;
}

std::string_view FrameParse::text() {
  const std::uint64_t size = number();
  if (size > rest_.size()) {
    failed_ = true;
    rest_ = {};
    return {};
  }
  const std::string_view out = rest_.substr(0, size);
  rest_.remove_prefix(size);
  return out;
}

}  // namespace pandun::decide
