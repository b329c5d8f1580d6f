#include "decide/number_list.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <set>

#include "base/hash.h"
#include "decide/table_reader.h"

namespace pandun::decide {
namespace {

constexpr std::array<std::string_view, 5> kKinds{"reject", "warn", "do_not_originate", "roaming", "protected"};
constexpr std::array<char, 8> kMagic{'P', 'N', 'D', 'L', 'I', 'S', 'T', '1'};
constexpr std::uint64_t kEntriesMax = 1ULL << 31;
constexpr std::uint64_t kCsvBytesMax = 4ULL << 30;
// The kernel copies as much as it is told to before somebody else on the processor, be it a door in real time, has a turn.
constexpr std::size_t kPieceBytes = 64U << 10;
constexpr std::uint64_t kSyncBytes = 2U << 20;  // as it settles as much as was synced at once
constexpr std::size_t kAhead = 16;              // entries whose places are on their way from memory

struct Slot {
  std::uint64_t hash = 0;     // 0: empty
  std::uint32_t expires = 0;  // Unix seconds; 0: with the list
  std::uint32_t row = 0;
};
static_assert(sizeof(Slot) == 16);

struct Header {
  std::array<char, 8> magic = kMagic;
  std::uint64_t slots = 0, entries = 0, checksum = 0;  // of the slots
  std::uint64_t key_check = 0;                         // hash of nothing under the key: tells a wrong key at once
  std::uint64_t own_check = 0;                         // of the fields above
  std::array<std::uint64_t, 2> reserved{};
};
static_assert(sizeof(Header) == 64);

std::uint64_t checksum_of(const Header& header) {
  return hash64({reinterpret_cast<const char*>(&header), offsetof(Header, own_check)}, 1);
}

std::uint64_t hash_of(const platform::ShortHashKey& key, model::NumberKey number) {
  const std::uint64_t bits = number.bits();
  const std::uint64_t hash = platform::short_hash(key, {reinterpret_cast<const char*>(&bits), sizeof bits});
  return hash == 0 ? 1 : hash;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '"'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view field(std::string_view line, std::size_t index) {
  for (; index > 0; --index) {
    const std::size_t comma = line.find(',');
    if (comma == std::string_view::npos) return {};
    line.remove_prefix(comma + 1);
  }
  return trimmed(line.substr(0, line.find(',')));
}

struct Columns {
  std::size_t number = 0, expires = 0;
  bool header = false, has_expires = false;
};
Columns columns_of(std::string_view first) {
  Columns out;
  for (std::size_t i = 0; i <= static_cast<std::size_t>(std::count(first.begin(), first.end(), ',')); ++i) {
    if (field(first, i) == "number") {
      out.number = i;
      out.header = true;
    }
    if (field(first, i) == "expires") {
      out.expires = i;
      out.has_expires = true;
    }
  }
  return out;
}

// Fills a table that doubles as it must; the row of the first of equal numbers stays, and the later expiry.
class Table {
 public:
  Table() : slots_(1024) {}
  bool add(const Slot& fresh) {
    if ((entries_ + 1) * 3 > slots_.size() * 2) grow();
    Slot& slot = place(fresh.hash);
    if (slot.hash == fresh.hash) {
      slot.expires = slot.expires == 0 || fresh.expires == 0 ? 0 : std::max(slot.expires, fresh.expires);
      return false;
    }
    slot = fresh;
    ++entries_;
    return true;
  }
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(&slots_[hash & (slots_.size() - 1)], 1); }
  void reserve(std::uint64_t entries) {
    while (slots_.size() * 2 < entries * 3) grow();
  }
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(slots_.data()), slots_.size() * sizeof(Slot)};
  }
  std::uint64_t size() const { return slots_.size(); }
  std::uint64_t entries() const { return entries_; }

 private:
  Slot& place(std::uint64_t hash) {
    std::size_t at = hash & (slots_.size() - 1);
    while (slots_[at].hash != 0 && slots_[at].hash != hash) at = (at + 1) & (slots_.size() - 1);
    return slots_[at];
  }
  void grow() {
    std::vector<Slot> old(slots_.size() * 2);
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.hash != 0) place(slot.hash) = slot;
    }
  }
  std::vector<Slot> slots_;
  std::uint64_t entries_ = 0;
};

Result<> write_list(platform::FileSystem& files, const std::string& out, const Table& table,
                    const platform::ShortHashKey& key) {
  Header header;
  header.slots = table.size();
  header.entries = table.entries();
  header.checksum = hash64(table.bytes());
  header.key_check = platform::short_hash(key, {});
  header.own_check = checksum_of(header);
  const std::string aside = out + ".new";
  TRY_ASSIGN(auto file, files.create(aside, 0600));
  TRY(file->append({reinterpret_cast<const char*>(&header), sizeof header}));
  std::uint64_t synced = 0;
  for (std::string_view rest = table.bytes(); !rest.empty(); rest.remove_prefix(std::min(rest.size(), kPieceBytes))) {
    TRY(file->append(rest.substr(0, kPieceBytes)));
    if (file->size() - synced >= kSyncBytes) {
      TRY(file->sync());
      synced = file->size();
    }
  }
  TRY(file->sync());
  file.reset();
  TRY(files.rename(aside, out));
  return files.sync_directory(platform::directory_of(out));
}

Result<std::string> read_csv(platform::FileSystem& files, const std::string& path) {
  TRY_ASSIGN(const auto file, files.open_read(path));
  TRY_ASSIGN(const platform::FileInfo info, file->info());
  if (info.size > kCsvBytesMax)
    return error(Errc::kTooLarge, path, fmt::format("is larger than {} bytes", kCsvBytesMax));
  std::string out(info.size, '\0');
  std::size_t done = 0;
  while (done < out.size()) {
    TRY_ASSIGN(const std::size_t got, file->read_at(done, out.data() + done, std::min(out.size() - done, kPieceBytes)));
    if (got == 0) break;
    done += got;
  }
  out.resize(done);
  return out;
}

}  // namespace

std::string_view name(ListKind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

Result<ListManifest> parse_list_manifest(std::string_view file, std::string_view text) {
  toml::table root;
  Faults faults(file);
  if (const auto bad = read_toml(text, file, root)) {
    faults.add(bad->line, bad->column, bad->message);
    return faults.error();
  }
  TableReader in(root, faults);
  ListManifest out;
  const auto parse_kind = [](std::string_view word) -> std::optional<ListKind> {
    const auto found = std::find(kKinds.begin(), kKinds.end(), word);
    if (found == kKinds.end()) return std::nullopt;
    return static_cast<ListKind>(found - kKinds.begin());
  };
  out.kind = in.word<ListKind>("kind", ListKind::kWarn, parse_kind,
                               "reject, warn, do_not_originate, roaming, protected", true);
  out.title_zh = in.text("title_zh", true);
  out.title_en = in.text("title_en", true);
  const bool rejects = out.kind == ListKind::kReject || out.kind == ListKind::kDoNotOriginate;
  out.ground = in.text("ground", rejects);
  out.approved_by = in.texts("approved_by");
  out.approved_at = in.time("approved_at", rejects);
  out.expires_at = in.time("expires_at", true);
  const std::set<std::string> people(out.approved_by.begin(), out.approved_by.end());
  if (rejects && (people.size() < 2 || people.contains(std::string())))
    in.fault("a list that rejects needs approved_by: two different people");
  if (rejects && out.approved_at >= out.expires_at) in.fault("expires_at must be later than approved_at");
  in.done();
  if (faults.any()) return faults.error();
  return out;
}

Result<ListCompiled> compile_list(platform::FileSystem& files, const std::string& csv, const std::string& out,
                                  const platform::SealKey& key, const NumberReader& reader) {
  TRY_ASSIGN(const std::string text, read_csv(files, csv));
  const platform::ShortHashKey hash_key = platform::short_hash_key(key, "decide:list");
  ListCompiled report;
  Table table;
  table.reserve(std::min<std::uint64_t>(text.size() / 12, kEntriesMax));
  Columns columns;
  const auto reject = [&](std::uint64_t line, std::string reason) {
    ++report.rejected;
    if (report.rejects.size() < 20) report.rejects.push_back({line, std::move(reason)});
  };
  std::array<Slot, kAhead> ahead;
  std::uint64_t line = 0, seen = 0;
  for (std::size_t begin = text.starts_with("\xEF\xBB\xBF") ? 3 : 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view row = trimmed(std::string_view(text).substr(begin, end - begin));
    begin = end + 1;
    if (++line == 1) {
      columns = columns_of(row);
      if (columns.header) continue;
    }
    if (row.empty() || row.front() == '#') continue;
    if (line > UINT32_MAX || table.entries() >= kEntriesMax)
      return error(Errc::kTooLarge, csv, "more than 2,147,483,648 lines");
    const std::string_view number_text = field(row, columns.number);
    const model::NumberKey number = reader.read(number_text);
    if (number.kind() == model::NumberKind::kInvalid || number.kind() == model::NumberKind::kWithheld) {
      reject(line, "no number");
      continue;
    }
    Slot slot{hash_of(hash_key, number), 0, static_cast<std::uint32_t>(line)};
    if (const std::string_view expires = columns.has_expires ? field(row, columns.expires) : std::string_view();
        !expires.empty()) {
      const auto ms = parse_rfc3339(expires);
      if (!ms || *ms < 1000 || *ms / 1000 > UINT32_MAX) {
        reject(line, "expires is not an RFC 3339 time between 1970 and 2106");
        continue;
      }
      slot.expires = static_cast<std::uint32_t>(*ms / 1000);
    }
    table.prefetch(slot.hash);
    Slot& oldest = ahead[seen++ % kAhead];
    if (seen > kAhead && !table.add(oldest)) ++report.repeats;
    oldest = slot;
  }
  for (std::uint64_t i = seen - std::min<std::uint64_t>(seen, kAhead); i < seen; ++i)
    if (!table.add(ahead[i % kAhead])) ++report.repeats;
  if (table.entries() == 0 && report.rejected > 0)
    return error(Errc::kBadInput, csv, fmt::format("none of its {} lines holds a number", line));
  report.entries = table.entries();
  TRY(write_list(files, out, table, hash_key));
  return report;
}

NumberList::NumberList(platform::MappedFile file, ListManifest manifest, const platform::ShortHashKey& key)
    : file_(std::move(file)), manifest_(std::move(manifest)), key_(key) {}

Result<std::unique_ptr<const NumberList>> NumberList::open(const std::string& path, ListManifest manifest,
                                                           const platform::SealKey& key) {
  TRY_ASSIGN(platform::MappedFile file, platform::MappedFile::map(path));
  const std::string_view bytes = file.bytes();
  Header header;
  const auto corrupt = [&](std::string why) { return error(Errc::kCorrupt, path, std::move(why)); };
  if (bytes.size() < sizeof header) return corrupt("shorter than its header");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return error(Errc::kUnsupported, path, "no list of this version; compile it again");
  if (header.own_check != checksum_of(header)) return corrupt("its header is damaged");
  if (header.slots < 2 || !std::has_single_bit(header.slots) || header.entries >= header.slots ||
      header.slots > (bytes.size() - sizeof header) / sizeof(Slot) ||
      bytes.size() != sizeof header + header.slots * sizeof(Slot))
    return corrupt("its size does not fit its header");
  const platform::ShortHashKey hash_key = platform::short_hash_key(key, "decide:list");
  if (header.key_check != platform::short_hash(hash_key, {}))
    return corrupt("made under another key; compile it again");
  if (header.checksum != hash64(bytes.substr(sizeof header))) return corrupt("its slots fail their checksum");
  std::unique_ptr<NumberList> list(new NumberList(std::move(file), std::move(manifest), hash_key));
  list->slots_ = list->file_.bytes().data() + sizeof header;
  list->mask_ = header.slots - 1;
  list->entries_ = header.entries;
  return std::unique_ptr<const NumberList>(std::move(list));
}

std::uint64_t NumberList::hash(model::NumberKey number) const {
  return hash_of(key_, number);
}

NumberList::Hit NumberList::find(model::NumberKey number, WallMs at) const {
  return number.known() ? find_hash(hash(number), at) : Hit{};
}

NumberList::Hit NumberList::find_hash(std::uint64_t hash, WallMs at) const {
  if (!in_force(at)) return {};
  std::uint64_t place = hash & mask_;
  // A checksum says that the file is as it was written; the bound keeps a table without an empty slot from turning forever.
  for (std::uint64_t probes = 0; probes <= mask_; ++probes, place = (place + 1) & mask_) {
    Slot slot;
    std::memcpy(&slot, slots_ + place * sizeof(Slot), sizeof slot);
    if (slot.hash == 0) return {};
    if (slot.hash != hash) continue;
    if (slot.expires != 0 && at.ms / 1000 >= std::int64_t{slot.expires}) return {};
    return {true, slot.row};
  }
  return {};
}

}  // namespace pandun::decide
