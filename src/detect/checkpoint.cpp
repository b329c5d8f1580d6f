#include "detect/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/hash.h"

namespace pandun::detect {
namespace {

constexpr std::string_view kPrefix = "checkpoint-", kManifest = ".manifest";
constexpr std::size_t kBlockMax = 4 * StateWriter::kBlockBytes;
constexpr std::size_t kHeader = 8;
constexpr char kBegin = 'B', kData = 'D', kEnd = 'E', kLast = 'L';

std::string context_of(const Manifest& m, std::size_t part) {
  return fmt::format("checkpoint/{}/{}/", m.generation, part);
}

void put32(std::string& out, std::uint32_t v) {
  for (int i = 0; i < 4; ++i) out.push_back(static_cast<char>((v >> (8 * i)) & 0xff));
}
std::uint32_t take32(const char* bytes) {
  std::uint32_t v = 0;
  for (int i = 0; i < 4; ++i) v |= static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i])) << (8 * i);
  return v;
}

template <typename T>
bool number(std::string_view text, T& out, int base = 10) {
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return fault == std::errc() && end == text.data() + text.size();
}

std::uint64_t generation_of(std::string_view file) {
  std::uint64_t generation = 0;
  if (!file.starts_with(kPrefix)) return 0;
  file.remove_prefix(kPrefix.size());
  return number(file.substr(0, file.find('.')), generation) ? generation : 0;
}

// One line of a manifest at a time, each "name value".
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  bool take(std::string_view name, std::string_view& value) {
    const std::size_t end = text_.find('\n');
    if (end == std::string_view::npos) return false;
    const std::string_view line = text_.substr(0, end);
    if (!line.starts_with(name) || line.size() <= name.size() || line[name.size()] != ' ') return false;
    value = line.substr(name.size() + 1);
    text_.remove_prefix(end + 1);
    return true;
  }
  template <typename T>
  bool take_number(std::string_view name, T& out) {
    std::string_view value;
    return take(name, value) && number(value, out);
  }
  bool done() const { return text_.empty(); }

 private:
  std::string_view text_;
};

bool parse_part(std::string_view value, PartInfo& part) {
  const std::size_t a = value.find(' '), b = value.find(' ', a == std::string_view::npos ? a : a + 1);
  return b != std::string_view::npos && number(value.substr(0, a), part.bytes) &&
         number(value.substr(a + 1, b - a - 1), part.blocks) && number(value.substr(b + 1), part.checksum, 16);
}

}  // namespace

std::string Manifest::name() const {
  return fmt::format("{}{:010}", kPrefix, generation);
}
std::string Manifest::part_name(std::size_t part) const {
  return fmt::format("{}.part-{}", name(), part);
}

std::string Manifest::text() const {
  std::string out = fmt::format(
      "format {}\ngeneration {}\nposition {}\nwatermark_ms {}\nrules {}\nsealed {}\nparts {}\n", kFormat, generation,
      position, watermark_ms, rules_digest.empty() ? "-" : rules_digest, sealed ? 1 : 0, parts.size());
  for (const PartInfo& p : parts) out += fmt::format("part {} {} {:08x}\n", p.bytes, p.blocks, p.checksum);
  return out + fmt::format("crc32c {:08x}\n", crc32c(out));
}

Result<Manifest> Manifest::parse(std::string_view text, const std::string& where) {
  const Error corrupt = error(Errc::kCorrupt, where, "the checkpoint's manifest is torn or changed");
  const std::size_t tail = text.rfind("crc32c ");
  std::uint32_t stored = 0;
  if (tail == std::string_view::npos || text.size() - tail != 16 || text.back() != '\n') return corrupt;
  if (!number(text.substr(tail + 7, 8), stored, 16) || stored != crc32c(text.substr(0, tail))) return corrupt;
  Lines lines(text.substr(0, tail));
  Manifest m;
  std::uint32_t format = 0, sealed = 0;
  std::uint64_t parts = 0;
  std::string_view digest;
  if (!lines.take_number("format", format)) return corrupt;
  if (format != kFormat)
    return error(Errc::kUnsupported, where, fmt::format("checkpoint format {} is not {}", format, kFormat));
  if (!lines.take_number("generation", m.generation) || !lines.take_number("position", m.position) ||
      !lines.take_number("watermark_ms", m.watermark_ms) || !lines.take("rules", digest) ||
      !lines.take_number("sealed", sealed) || !lines.take_number("parts", parts) || parts == 0 || parts > 4096)
    return corrupt;
  m.rules_digest = digest == "-" ? "" : std::string(digest);
  m.sealed = sealed != 0;
  for (std::uint64_t i = 0; i < parts; ++i) {
    std::string_view value;
    PartInfo part;
    if (!lines.take("part", value) || !parse_part(value, part)) return corrupt;
    m.parts.push_back(part);
  }
  if (!lines.done() || m.text() != text) return corrupt;  // one manifest has one spelling
  return m;
}

Result<std::vector<Manifest>> list_checkpoints(const CheckpointPlace& place, std::vector<std::string>& refused) {
  Result<std::vector<std::string>> names = place.files.list(place.directory);
  if (!names.ok()) {
    if (names.error().code == Errc::kNotFound) return std::vector<Manifest>{};
    return names.error();
  }
  std::vector<Manifest> out;
  for (const std::string& name : names.value()) {
    if (generation_of(name) == 0 || !name.ends_with(kManifest)) continue;
    const std::string path = platform::join(place.directory, name);
    Result<std::string> text = platform::read_file(place.files, path, 1 << 20);
    Result<Manifest> manifest = text.ok() ? Manifest::parse(text.value(), path) : Result<Manifest>(text.error());
    if (manifest.ok() && manifest->generation != generation_of(name))
      manifest = error(Errc::kCorrupt, path, "the manifest belongs to another checkpoint");
    if (manifest.ok()) {
      out.push_back(std::move(manifest).value());
    } else {
      refused.push_back(manifest.error().text());
    }
  }
  std::sort(out.begin(), out.end(), [](const Manifest& a, const Manifest& b) { return a.generation > b.generation; });
  return out;
}

Result<std::uint64_t> next_generation(const CheckpointPlace& place) {
  TRY_ASSIGN(const std::vector<std::string> names, place.files.list(place.directory));
  std::uint64_t newest = 0;
  for (const std::string& name : names) newest = std::max(newest, generation_of(name));
  return newest + 1;
}

Result<> commit_checkpoint(const CheckpointPlace& place, const Manifest& manifest) {
  TRY(place.files.sync_directory(place.directory));  // the parts' names first
  return platform::replace_file(place.files, platform::join(place.directory, manifest.name() + std::string(kManifest)),
                                manifest.text());
}

void prune_checkpoints(const CheckpointPlace& place, std::size_t keep) {
  Result<std::vector<std::string>> names = place.files.list(place.directory);
  if (!names.ok()) return;
  std::vector<std::uint64_t> complete;
  for (const std::string& name : names.value())
    if (name.ends_with(kManifest) && generation_of(name) != 0) complete.push_back(generation_of(name));
  std::sort(complete.rbegin(), complete.rend());
  if (complete.size() > keep) complete.resize(keep);
  const auto kept = [&](const std::string& name) {
    return std::find(complete.begin(), complete.end(), generation_of(name)) != complete.end();
  };
  // Manifests go first, so that a crash in between leaves parts without a manifest, never the reverse.
  for (const bool manifests : {true, false})
    for (const std::string& name : names.value())
      if (generation_of(name) != 0 && name.ends_with(kManifest) == manifests && !kept(name))
        if (const Result<> removed = place.files.remove(platform::join(place.directory, name)); !removed.ok()) continue;
}

// ---- parts ----

PartWriter::PartWriter(const CheckpointPlace& place, const Manifest& manifest, std::size_t part)
    : place_(place), context_(context_of(manifest, part)) {
  Result<std::unique_ptr<platform::WritableFile>> file =
      place.files.create(platform::join(place.directory, manifest.part_name(part)), 0600);
  if (file.ok()) {
    file_ = std::move(file).value();
  } else {
    status_ = file.error();
  }
}
PartWriter::~PartWriter() = default;

void PartWriter::block(char kind, std::string_view bytes) {
  if (!status_.ok()) return;
  std::string clear(1, kind);
  clear.append(bytes);
  const std::string payload =
      place_.key != nullptr ? place_.key->seal(clear, context_ + fmt::to_string(info_.blocks)) : std::move(clear);
  std::string header;
  put32(header, static_cast<std::uint32_t>(payload.size()));
  put32(header, crc32c(payload));
  status_ = file_->append(header);
  if (status_.ok()) status_ = file_->append(payload);
  info_.checksum = crc32c(payload, crc32c(header, info_.checksum));
  info_.bytes += header.size() + payload.size();
  ++info_.blocks;
}

void PartWriter::begin(std::string_view name, std::uint32_t version) {
  StateWriter head;
  head.u32(version);
  head.text(name);
  block(kBegin, head.bytes());
}
void PartWriter::take(std::string_view bytes) {
  for (std::size_t at = 0; at < bytes.size(); at += StateWriter::kBlockBytes)
    block(kData, bytes.substr(at, StateWriter::kBlockBytes));
}
void PartWriter::end() {
  block(kEnd, {});
}

Result<PartInfo> PartWriter::close() {
  block(kLast, {});
  if (status_.ok()) status_ = file_->sync();
  if (!status_.ok()) return status_.error();
  return info_;
}

Result<std::unique_ptr<PartReader>> PartReader::open(const CheckpointPlace& place, const Manifest& manifest,
                                                     std::size_t part) {
  std::unique_ptr<PartReader> reader(new PartReader);
  reader->path_ = platform::join(place.directory, manifest.part_name(part));
  if (manifest.sealed && place.key == nullptr)
    return error(Errc::kCorrupt, reader->path_, "the checkpoint is sealed and no key was given");
  reader->key_ = manifest.sealed ? place.key : nullptr;
  reader->expected_ = manifest.parts[part];
  reader->context_ = context_of(manifest, part);
  TRY_ASSIGN(reader->file_, place.files.open_read(reader->path_));
  TRY_ASSIGN(const platform::FileInfo info, reader->file_->info());
  if (info.size != reader->expected_.bytes)
    return error(Errc::kCorrupt, reader->path_,
                 fmt::format("has {} bytes, its manifest says {}", info.size, reader->expected_.bytes));
  return reader;
}

Result<PartReader::Block> PartReader::block() {
  const auto corrupt = [&](std::string_view why) {
    return error(Errc::kCorrupt, fmt::format("{}:{}", path_, at_), std::string(why));
  };
  const auto read = [&](std::string& out, std::size_t bytes) -> Result<bool> {
    out.resize(bytes);
    std::size_t got = 0;
    while (got < bytes) {
      TRY_ASSIGN(const std::size_t n, file_->read_at(at_ + got, out.data() + got, bytes - got));
      if (n == 0) return false;
      got += n;
    }
    at_ += bytes;
    return true;
  };
  std::string header, payload;
  TRY_ASSIGN(bool whole, read(header, kHeader));
  if (!whole) return corrupt("the part ends within a block");
  const std::uint32_t bytes = take32(header.data());
  if (bytes == 0 || bytes > kBlockMax) return corrupt("a block's size is not possible");
  TRY_ASSIGN(whole, read(payload, bytes));
  if (!whole) return corrupt("the part ends within a block");
  if (crc32c(payload) != take32(header.data() + 4)) return corrupt("a block's checksum does not fit");
  checksum_ = crc32c(payload, crc32c(header, checksum_));
  if (key_ != nullptr) {
    TRY_ASSIGN(payload, key_->open(payload, context_ + fmt::to_string(blocks_)));
    if (payload.empty()) return corrupt("a block is empty");
  }
  ++blocks_;
  return Block{payload[0], payload.substr(1)};
}

Result<PartReader::Section> PartReader::next_section() {
  while (in_section_) {
    TRY_ASSIGN(const std::string skipped, next());
    if (skipped.empty()) break;
  }
  TRY_ASSIGN(const Block head, block());
  if (head.kind == kLast) {
    if (at_ != expected_.bytes || blocks_ != expected_.blocks || checksum_ != expected_.checksum)
      return error(Errc::kCorrupt, path_, "the part is not the one its manifest describes");
    return Section{};
  }
  StateReader in(head.bytes);
  Section section;
  section.version = in.u32();
  section.name = in.text(256);
  if (head.kind != kBegin || !in.ok() || section.name.empty())
    return error(Errc::kCorrupt, path_, "a section does not begin where it should");
  in_section_ = true;
  return section;
}

Result<std::string> PartReader::next() {
  if (!in_section_) return std::string();
  TRY_ASSIGN(Block data, block());
  if (data.kind == kEnd) {
    in_section_ = false;
    return std::string();
  }
  if (data.kind != kData || data.bytes.empty()) return error(Errc::kCorrupt, path_, "a section is cut short");
  return std::move(data.bytes);
}

}  // namespace pandun::detect
