#include "intel/library.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <utility>

#include "base/hash.h"
#include "intel/canonical.h"
#include "intel/text.h"

namespace pandun::intel {
namespace {

constexpr std::string_view kMagic = "pandun-intel 1";
constexpr std::string_view kSuffix = ".indicators";
constexpr std::string_view kFooter = "crc32c ";

bool name_ok(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '_' || c == '-';
  });
}

std::string one_line(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c == '\t' || c == '\n' || c == '\r') c = ' ';
  return out;
}

std::uint64_t hash_of_facts(const Facts& facts) {
  std::uint64_t h = combine64(hash64(facts.topic), hash64(facts.source));
  h = combine64(h, static_cast<std::uint64_t>(facts.valid_from));
  h = combine64(h, static_cast<std::uint64_t>(facts.valid_until));
  return combine64(h, (std::uint64_t{facts.severity} << 16) | (std::uint64_t{facts.confidence} << 8) |
                          static_cast<std::uint64_t>(facts.marking));
}

std::string checksum_line(std::string_view body) {
  char line[32];
  std::snprintf(line, sizeof line, "crc32c %08x\n", crc32c(body));
  return line;
}

// "F<tab>severity<tab>confidence<tab>marking<tab>from<tab>until<tab>topic<tab>source"
std::optional<Facts> parse_facts(std::string_view line) {
  std::vector<std::string_view> f;
  split(line, '\t', [&](std::string_view part) { f.push_back(part); });
  if (f.size() != 8) return std::nullopt;
  const auto severity = parse_integer<unsigned>(f[1]), confidence = parse_integer<unsigned>(f[2]);
  const auto marking = parse_marking(f[3]);
  const auto from = parse_integer<std::int64_t>(f[4]), until = parse_integer<std::int64_t>(f[5]);
  if (!severity || !confidence || !marking || !from || !until || *severity > 100 || *confidence > 100)
    return std::nullopt;
  return Facts{static_cast<std::uint8_t>(*severity),
               static_cast<std::uint8_t>(*confidence),
               *marking,
               *from,
               *until,
               std::string(f[6]),
               std::string(f[7])};
}

}  // namespace

std::size_t IndicatorList::bytes() const {
  return text_.capacity() + rows_.capacity() * sizeof(Row) + facts_.capacity() * sizeof(Facts) +
         facts_by_hash_.capacity() * 4;
}

Result<> IndicatorList::add(IndicatorType type, std::string_view value, const Facts& facts) {
  if (rows_.size() >= (1U << 28) || text_.size() + value.size() > 0xffffffffULL || value.size() > 0xffff)
    return error(Errc::kTooLarge, name_, "a list holds at most 2^28 rows and 4 GiB of text");
  if (facts_.size() * 2 >= facts_by_hash_.size()) {
    facts_by_hash_.assign(std::max<std::size_t>(16, facts_by_hash_.size() * 2), 0);
    for (std::uint32_t i = 0; i < facts_.size(); ++i) {
      std::size_t slot = hash_of_facts(facts_[i]) % facts_by_hash_.size();
      while (facts_by_hash_[slot] != 0) slot = (slot + 1) % facts_by_hash_.size();
      facts_by_hash_[slot] = i + 1;
    }
  }
  std::uint32_t index = rows_.empty() ? 0 : rows_.back().facts;
  if (rows_.empty() || facts_[index] != facts) {  // most rows share their neighbour's facts
    std::size_t slot = hash_of_facts(facts) % facts_by_hash_.size();
    while (facts_by_hash_[slot] != 0 && facts_[facts_by_hash_[slot] - 1] != facts)
      slot = (slot + 1) % facts_by_hash_.size();
    if (facts_by_hash_[slot] == 0) {
      facts_.push_back(facts);
      facts_by_hash_[slot] = static_cast<std::uint32_t>(facts_.size());
    }
    index = facts_by_hash_[slot] - 1;
  }
  rows_.push_back({static_cast<std::uint32_t>(text_.size()), index, static_cast<std::uint16_t>(value.size()), type});
  text_.append(value);
  return {};
}

void IndicatorList::sort_and_dedup(std::uint64_t& duplicates) {
  const auto by_value = [this](const Row& a, const Row& b) {
    return a.type != b.type ? a.type < b.type : value(a) < value(b);
  };
  std::stable_sort(rows_.begin(), rows_.end(), by_value);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (kept > 0 && !by_value(rows_[kept - 1], rows_[i])) {
      rows_[kept - 1] = rows_[i];  // the later line wins
      ++duplicates;
    } else {
      rows_[kept++] = rows_[i];
    }
  }
  rows_.resize(kept);
  rows_.shrink_to_fit();
  text_.shrink_to_fit();
}

std::string IndicatorList::save() const {
  std::string out;
  out.reserve(text_.size() + rows_.size() * 8 + 256);
  out.append(kMagic).append("\t").append(name_).append("\n");
  for (const Facts& facts : facts_) {
    out.append("F\t").append(std::to_string(facts.severity)).append("\t").append(std::to_string(facts.confidence));
    out.append("\t").append(pandun::intel::name(facts.marking)).append("\t").append(std::to_string(facts.valid_from));
    out.append("\t").append(std::to_string(facts.valid_until)).append("\t").append(one_line(facts.topic));
    out.append("\t").append(one_line(facts.source)).append("\n");
  }
  for (const Row& row : rows_) {
    char number[12];
    const auto end = std::to_chars(number, number + sizeof number, row.facts).ptr;
    out.push_back(static_cast<char>('a' + static_cast<int>(row.type)));
    out.append("\t").append(number, end).append("\t").append(value(row)).append("\n");
  }
  return out + checksum_line(out);
}

Result<IndicatorList> IndicatorList::load(std::string_view content, const std::string& where) {
  const std::size_t footer = content.rfind(kFooter);
  if (footer == std::string_view::npos || (footer > 0 && content[footer - 1] != '\n') ||
      content.substr(footer) != checksum_line(content.substr(0, footer)))
    return error(Errc::kCorrupt, where, "the checksum in the last line does not fit; import the list again");
  const Error broken = error(Errc::kCorrupt, where, "not an indicator list of this version; import the list again");
  std::string_view body = content.substr(0, footer);
  const std::size_t head_end = body.find('\n');
  if (head_end == std::string_view::npos || body.substr(0, kMagic.size()) != kMagic || body.size() <= kMagic.size() + 1)
    return broken;
  IndicatorList list{std::string(body.substr(kMagic.size() + 1, head_end - kMagic.size() - 1))};
  if (!name_ok(list.name_)) return broken;
  body.remove_prefix(head_end + 1);
  list.text_.reserve(body.size());
  std::vector<Facts> facts;
  while (!body.empty()) {
    const std::size_t end = body.find('\n');
    if (end == std::string_view::npos) return broken;
    const std::string_view line = body.substr(0, end);
    body.remove_prefix(end + 1);
    if (line.substr(0, 2) == "F\t") {
      auto one = parse_facts(line);
      if (!one) return broken;
      facts.push_back(std::move(*one));
      continue;
    }
    const std::size_t tab = line.find('\t', 2);
    if (line.size() < 4 || line[1] != '\t' || tab == std::string_view::npos || line[0] < 'a' ||
        line[0] >= static_cast<char>('a' + static_cast<int>(kIndicatorTypes)))
      return broken;
    const auto index = parse_integer<std::uint32_t>(line.substr(2, tab - 2));
    if (!index || *index >= facts.size()) return broken;
    TRY(list.add(static_cast<IndicatorType>(line[0] - 'a'), line.substr(tab + 1), facts[*index]));
  }
  return list;
}

Library::Library(platform::FileSystem& files, std::string directory)
    : files_(files), directory_(std::move(directory)) {}

Result<> Library::load() {
  lists_.clear();
  faults_.clear();
  TRY(files_.make_directories(directory_));
  TRY_ASSIGN(const std::vector<std::string> names, files_.list(directory_));
  for (const std::string& file : names) {
    if (file.size() <= kSuffix.size() || std::string_view(file).substr(file.size() - kSuffix.size()) != kSuffix)
      continue;
    const std::string path = platform::join(directory_, file);
    auto content = platform::read_file(files_, path, 4ULL << 30);
    if (!content) {
      faults_.push_back(std::move(content).error());
      continue;
    }
    auto list = IndicatorList::load(*content, path);
    if (!list)
      faults_.push_back(std::move(list).error());
    else
      lists_.push_back(std::make_shared<const IndicatorList>(*std::move(list)));
  }
  std::sort(lists_.begin(), lists_.end(), [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return {};
}

Result<ReadReport> Library::import(const std::string& list_name, std::string_view text, const ReadOptions& options) {
  ReadReport report;
  TRY_ASSIGN(std::shared_ptr<const IndicatorList> list, read_indicator_list(list_name, text, options, report));
  TRY(files_.make_directories(directory_));
  TRY(platform::replace_file(files_, platform::join(directory_, list_name + std::string(kSuffix)), list->save()));
  std::erase_if(lists_, [&](const auto& old) { return old->name() == list_name; });
  lists_.push_back(std::move(list));
  std::sort(lists_.begin(), lists_.end(), [](const auto& a, const auto& b) { return a->name() < b->name(); });
  return report;
}

Result<> Library::remove(const std::string& list_name) {
  if (find(list_name) == nullptr) return error(Errc::kNotFound, list_name, "no indicator list of that name");
  TRY(files_.remove(platform::join(directory_, list_name + std::string(kSuffix))));
  TRY(files_.sync_directory(directory_));
  std::erase_if(lists_, [&](const auto& old) { return old->name() == list_name; });
  return {};
}

const IndicatorList* Library::find(std::string_view list_name) const {
  for (const auto& list : lists_)
    if (list->name() == list_name) return list.get();
  return nullptr;
}

std::vector<ListInfo> Library::lists() const {
  std::vector<ListInfo> out;
  for (const auto& list : lists_) {
    ListInfo info;
    info.name = list->name();
    info.indicators = list->rows().size();
    info.bytes = list->bytes();
    bool endless = false, any = false;
    for (const IndicatorList::Row& row : list->rows()) {
      const Facts& facts = list->facts(row);
      ++info.by_type[static_cast<std::size_t>(row.type)];
      if (!any) info.source = facts.source;
      info.marking = any ? std::max(info.marking, facts.marking) : facts.marking;
      endless = endless || facts.valid_until == 0;
      info.valid_until_min = any ? std::min(info.valid_until_min, facts.valid_until) : facts.valid_until;
      info.valid_until_max = std::max(info.valid_until_max, facts.valid_until);
      any = true;
    }
    if (endless) info.valid_until_max = 0;
    out.push_back(std::move(info));
  }
  return out;
}

std::shared_ptr<const Matcher> Library::matcher(const WarningLists* warnings, std::optional<std::int64_t> at) const {
  return Matcher::build(lists_, warnings, at);
}

Result<std::shared_ptr<const IndicatorList>> read_indicator_list(const std::string& list_name, std::string_view text,
                                                                 const ReadOptions& options, ReadReport& report) {
  if (!name_ok(list_name)) return error(Errc::kUsage, list_name, "a list's name is 1 to 64 of a-z, 0-9, _ and -");
  IndicatorList list(list_name);
  std::optional<Error> full;
  report = read_list(text, options, [&](Indicator&& one) {
    if (full) return false;
    if (auto added = list.add(one.type, one.value, one.facts); !added.ok()) full = std::move(added).error();
    return !full.has_value();
  });
  if (full) return *std::move(full);
  std::uint64_t duplicates = 0;
  list.sort_and_dedup(duplicates);
  report.duplicates += duplicates;
  report.read -= std::min(duplicates, report.read);
  report.by_type = {};
  for (const IndicatorList::Row& row : list.rows()) ++report.by_type[static_cast<std::size_t>(row.type)];
  return std::make_shared<const IndicatorList>(std::move(list));
}

}  // namespace pandun::intel
