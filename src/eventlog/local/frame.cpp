#include "eventlog/local/frame.h"

#include <bit>
#include <cstring>

#include "base/hash.h"

namespace pandun::eventlog {
namespace {

static_assert(std::endian::native == std::endian::little, "segment files are little-endian");

constexpr std::string_view kSegmentMagic = "PANDUNLG";
constexpr std::uint32_t kFormat = 1;
constexpr std::string_view kFrameMagic = "PLF";  // and the kind

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof value);
}
template <typename T>
T take(std::string_view& in) {
  T value{};
  std::memcpy(&value, in.data(), sizeof value);
  in.remove_prefix(sizeof value);
  return value;
}

std::string front(const FrameHeader& h) {
  std::string out(kFrameMagic);
  out.reserve(FrameHeader::kBytes);
  out.push_back(static_cast<char>(h.kind));
  put(out, h.sealed_bytes);
  put(out, h.first_position);
  put(out, h.watermark);
  put(out, h.synced);
  put(out, h.events);
  return out;
}

std::string context_of(std::string_view front, std::string_view segment, std::uint64_t offset) {
  std::string out;
  out.reserve(segment.size() + front.size() + sizeof offset);
  out.append(segment).append(front);
  put(out, offset);
  return out;
}

}  // namespace

std::string SegmentHeader::bytes() const {
  std::string out(kSegmentMagic);
  put(out, kFormat);
  put(out, static_cast<std::uint32_t>(kBytes));
  put(out, sequence);
  put(out, first_position);
  put(out, previous_bytes);
  put(out, born_bytes);
  put(out, watermark);
  put(out, created_ms);
  out.append(id.data(), id.size()).append(key_check.data(), key_check.size());
  out.resize(kBytes - sizeof(std::uint32_t), '\0');
  put(out, crc32c(out));
  return out;
}

Result<SegmentHeader> SegmentHeader::parse(std::string_view bytes) {
  if (bytes.size() < kBytes || bytes.substr(0, kSegmentMagic.size()) != kSegmentMagic)
    return error(Errc::kCorrupt, "", "is not a segment of the event log");
  std::string_view tail = bytes.substr(kBytes - sizeof(std::uint32_t));
  if (take<std::uint32_t>(tail) != crc32c(bytes.substr(0, kBytes - sizeof(std::uint32_t))))
    return error(Errc::kCorrupt, "", "its header fails its checksum");
  bytes.remove_prefix(kSegmentMagic.size());
  if (const auto format = take<std::uint32_t>(bytes); format != kFormat)
    return error(Errc::kUnsupported, "", "format " + std::to_string(format) + " is newer than this program");
  take<std::uint32_t>(bytes);
  SegmentHeader h;
  h.sequence = take<std::uint64_t>(bytes);
  h.first_position = take<std::uint64_t>(bytes);
  h.previous_bytes = take<std::uint64_t>(bytes);
  h.born_bytes = take<std::uint64_t>(bytes);
  h.watermark = take<std::int64_t>(bytes);
  h.created_ms = take<std::int64_t>(bytes);
  h.id = take<SegmentId>(bytes);
  h.key_check = take<std::array<char, 8>>(bytes);
  return h;
}

std::array<char, 8> key_check(const platform::SealKey& key, const SegmentId& id) {
  const std::string hash = platform::keyed_hash_hex(key, {id.data(), id.size()});
  std::array<char, 8> out{};
  std::memcpy(out.data(), hash.data(), out.size());
  return out;
}

Result<FrameHeader> FrameHeader::parse(std::string_view bytes) {
  if (bytes.size() < kBytes || bytes.substr(0, kFrameMagic.size()) != kFrameMagic)
    return error(Errc::kCorrupt, "", "no frame begins here");
  std::string_view tail = bytes.substr(kBytes - sizeof(std::uint32_t), sizeof(std::uint32_t));
  if (take<std::uint32_t>(tail) != crc32c(bytes.substr(0, kBytes - sizeof(std::uint32_t))))
    return error(Errc::kCorrupt, "", "the frame's header fails its checksum");
  bytes.remove_prefix(kFrameMagic.size());
  FrameHeader h;
  h.kind = static_cast<FrameKind>(take<std::uint8_t>(bytes));
  h.sealed_bytes = take<std::uint32_t>(bytes);
  h.first_position = take<std::uint64_t>(bytes);
  h.watermark = take<std::int64_t>(bytes);
  h.synced = take<std::uint64_t>(bytes);
  h.events = take<std::uint32_t>(bytes);
  h.payload_crc = take<std::uint32_t>(bytes);
  return h;
}

void append_frame(std::string& out, FrameHeader header, std::string_view clear, const platform::SealKey& key,
                  std::string_view segment, std::uint64_t offset) {
  header.sealed_bytes = static_cast<std::uint32_t>(clear.size() + platform::kSealOverhead);
  std::string head = front(header);
  const std::string context = context_of(head, segment, offset);
  const std::size_t at = out.size();
  out.append(FrameHeader::kBytes, '\0');
  key.seal_into(out, clear, context);
  put(head, crc32c(std::string_view(out).substr(at + FrameHeader::kBytes)));
  put(head, crc32c(head));
  std::memcpy(out.data() + at, head.data(), FrameHeader::kBytes);
}

Result<std::string> open_frame(const FrameHeader& header, std::string_view sealed, const platform::SealKey& key,
                               std::string_view segment, std::uint64_t offset) {
  return key.open(sealed, context_of(front(header), segment, offset));
}

void append_progress(std::string& out, const std::vector<SourceProgress>& progress) {
  put(out, static_cast<std::uint32_t>(progress.size()));
  for (const SourceProgress& p : progress) {
    for (const std::string* text : {&p.source, &p.progress}) {
      put(out, static_cast<std::uint32_t>(text->size()));
      out.append(*text);
    }
  }
}

Result<std::vector<SourceProgress>> take_progress(std::string_view& clear) {
  const Error cut_off = error(Errc::kCorrupt, "", "its progress is cut off");
  const auto string = [&](std::string& out) {
    if (clear.size() < sizeof(std::uint32_t)) return false;
    const auto size = take<std::uint32_t>(clear);
    if (clear.size() < size) return false;
    out.assign(clear.substr(0, size));
    clear.remove_prefix(size);
    return true;
  };
  if (clear.size() < sizeof(std::uint32_t)) return cut_off;
  std::vector<SourceProgress> out;
  for (auto left = take<std::uint32_t>(clear); left != 0; --left) {
    SourceProgress p;
    if (!string(p.source) || !string(p.progress)) return cut_off;
    out.push_back(std::move(p));
  }
  return out;
}

}  // namespace pandun::eventlog
