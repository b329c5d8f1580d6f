#include "intel/matcher.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "base/check.h"
#include "base/hash.h"
#include "intel/address_map.h"
#include "intel/canonical.h"
#include "intel/hit_cache.h"
#include "intel/library.h"
#include "intel/text.h"
#include "intel/text_table.h"
#include "intel/warning_lists.h"

namespace pandun::intel {
namespace {

using model::IpAddress;

enum Space : std::uint8_t { kDomains = 1, kUrls, kHashes, kMails, kNumbers, kPackages };
constexpr std::uint8_t kItselfOnly = 1, kBelowToo = 2;

constexpr std::uint64_t kTextHit = 1ULL << 60, kV4Hit = 2ULL << 60, kV6Hit = 3ULL << 60;
constexpr std::size_t kLabelsMax = 10, kPathPartsMax = 32;

Space space_of(IndicatorType type) {
  switch (type) {
    case IndicatorType::kDomain:
      return kDomains;
    case IndicatorType::kUrl:
      return kUrls;
    case IndicatorType::kMail:
      return kMails;
    case IndicatorType::kNumber:
      return kNumbers;
    case IndicatorType::kPackage:
      return kPackages;
    default:
      return kHashes;
  }
}

// Hex to bytes: half the room. False if it is not hex of a hash's length.
bool pack_hash(std::string_view hex, std::string& out) {
  if (hex.size() != 32 && hex.size() != 40 && hex.size() != 64) return false;
  out.clear();
  for (std::size_t i = 0; i < hex.size(); i += 2) {
    unsigned byte = 0;
    const auto [end, fault] = std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    if (fault != std::errc{} || end != hex.data() + i + 2) return false;
    out.push_back(static_cast<char>(byte));
  }
  return true;
}
std::string unpack_hash(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
    hex.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
  }
  return hex;
}

// What many indicators share, as a hit shows it.
struct Shared {
  std::string list, topic;
  std::uint8_t severity = 0, confidence = 0;
  Marking marking = Marking::kAmber;
  IndicatorType type = IndicatorType::kIp;
  unsigned weight() const { return unsigned{severity} * confidence; }
  friend auto operator<=>(const Shared&, const Shared&) = default;
};
// The stronger of two statements about one indicator; a total order, so that the order of lists is nothing.
bool stronger(const Shared& a, const Shared& b) {
  return std::tuple(b.weight(), a) < std::tuple(a.weight(), b);
}

struct Rule4 {
  std::uint32_t first, last, shared;
};
struct Rule6 {
  IpAddress first, last;
  std::uint32_t shared;
};

}  // namespace

struct Matcher::Parts {
  struct Made {
    std::string indicator;
    Hit hit;
  };
  TextTable texts;
  AddressMap addresses;
  std::vector<Rule4> rules4;
  std::vector<Rule6> rules6;
  std::vector<Shared> shared;
  MatcherCounts counts;
  std::uint64_t digest_hi = 0, digest_lo = 0;
  std::unique_ptr<HitCache<std::unique_ptr<const Made>>> made;

  void take(const IndicatorList& list, const WarningLists* warnings, std::optional<std::int64_t> at);
  void put(IndicatorType type, std::string_view value, std::uint32_t shared_index);
  void put_address(std::string_view value, std::uint32_t shared_index);
  void put_text(IndicatorType type, std::string_view value, std::uint32_t shared_index);
  template <typename Rule>
  void settle(std::vector<Rule>& rules);
  void finish();
  Made make(HitId id) const;
};

void Matcher::Parts::take(const IndicatorList& list, const WarningLists* warnings, std::optional<std::int64_t> at) {
  std::map<std::tuple<const Facts*, IndicatorType>, std::uint32_t> known;
  const std::uint64_t name_hash = hash64(list.name());
  for (const IndicatorList::Row& row : list.rows()) {
    const Facts& facts = list.facts(row);
    // Sums of hashes do not depend on the order.
    const Hash128 value_hash = hash128(list.value(row), combine64(name_hash, static_cast<std::uint64_t>(row.type)));
    digest_hi += mix64(value_hash.hi);
    digest_lo += combine64(value_hash.lo, (std::uint64_t{facts.severity} << 8) | facts.confidence);
    if (at && ((facts.valid_until != 0 && facts.valid_until <= *at) || facts.valid_from > *at)) {
      ++counts.expired;
      continue;
    }
    const std::string_view value = list.value(row);
    if (warnings != nullptr) {
      if (const std::string_view by = warnings->stops(row.type, value); !by.empty()) {
        ++counts.suppressed;
        auto found = counts.suppressed_by.find(by);
        if (found == counts.suppressed_by.end()) found = counts.suppressed_by.emplace(by, 0).first;
        ++found->second;
        continue;
      }
    }
    const auto [found, fresh] = known.try_emplace({&facts, row.type}, static_cast<std::uint32_t>(shared.size()));
    if (fresh) shared.push_back({list.name(), facts.topic, facts.severity, facts.confidence, facts.marking, row.type});
    put(row.type, value, found->second);
  }
}

void Matcher::Parts::put(IndicatorType type, std::string_view value, std::uint32_t shared_index) {
  if (type == IndicatorType::kIp || type == IndicatorType::kNetwork)
    put_address(value, shared_index);
  else
    put_text(type, value, shared_index);
}

void Matcher::Parts::put_address(std::string_view value, std::uint32_t shared_index) {
  const auto range = parse_range(value);
  if (!range) return;  // a list file checks this when it is read
  if (range->first.is_v4())
    rules4.push_back({range->first.v4_bits(), range->last.v4_bits(), shared_index});
  else
    rules6.push_back({range->first, range->last, shared_index});
}

void Matcher::Parts::put_text(IndicatorType type, std::string_view value, std::uint32_t shared_index) {
  const Space space = space_of(type);
  std::uint8_t flags = 0;
  std::string packed;
  if (space == kDomains && is_public_suffix(std::string(value))) flags = kItselfOnly;
  if (space == kUrls && value.back() == '/' && value.find('/') + 1 < value.size()) flags = kBelowToo;
  if (space == kHashes) {
    if (!pack_hash(value, packed)) return;
    value = packed;
  }
  if (texts.add(space, value, shared_index, flags)) {
    ++counts.live;
    ++counts.by_type[static_cast<std::size_t>(type)];
    return;
  }
  ++counts.merged;
  const TextTable::Record there = *texts.find(space, value);
  if (stronger(shared[shared_index], shared[there.value])) texts.set_value(there.at, shared_index);
}

// Of equal ranges the strongest stays.
template <typename Rule>
void Matcher::Parts::settle(std::vector<Rule>& rules) {
  std::sort(rules.begin(), rules.end(), [&](const Rule& a, const Rule& b) {
    if (a.first != b.first) return a.first < b.first;
    if (a.last != b.last) return a.last < b.last;
    return stronger(shared[a.shared], shared[b.shared]);
  });
  const auto end = std::unique(rules.begin(), rules.end(),
                               [](const Rule& a, const Rule& b) { return a.first == b.first && a.last == b.last; });
  counts.merged += static_cast<std::uint64_t>(rules.end() - end);
  rules.erase(end, rules.end());
  rules.shrink_to_fit();
  for (const Rule& rule : rules) {
    ++counts.live;
    ++counts.by_type[static_cast<std::size_t>(rule.first == rule.last ? IndicatorType::kIp : IndicatorType::kNetwork)];
  }
}

void Matcher::Parts::finish() {
  settle(rules4);
  settle(rules6);
  for (std::uint32_t i = 0; i < rules4.size(); ++i)
    addresses.add({IpAddress::v4(rules4[i].first), IpAddress::v4(rules4[i].last)}, i + 1);
  for (std::uint32_t i = 0; i < rules6.size(); ++i) addresses.add({rules6[i].first, rules6[i].last}, i + 1);
  addresses.finish();
  made = std::make_unique<HitCache<std::unique_ptr<const Made>>>(std::max<std::size_t>(64, counts.live / 64));
}

Matcher::Parts::Made Matcher::Parts::make(HitId id) const {
  Made out;
  std::uint32_t index = 0;
  const auto low = static_cast<std::uint32_t>(id);
  if ((id >> 60) == (kTextHit >> 60)) {
    const TextTable::Record record = texts.at(low);
    index = record.value;
    out.indicator = record.space == kHashes ? unpack_hash(record.text) : std::string(record.text);
  } else if ((id >> 60) == (kV4Hit >> 60)) {
    const Rule4& rule = rules4[low - 1];
    index = rule.shared;
    out.indicator = range_text({IpAddress::v4(rule.first), IpAddress::v4(rule.last)});
  } else {
    const Rule6& rule = rules6[low - 1];
    index = rule.shared;
    out.indicator = range_text({rule.first, rule.last});
  }
  const Shared& facts = shared[index];
  out.hit = {{}, facts.list, facts.topic, facts.severity, facts.confidence / 100.0, facts.marking, facts.type};
  return out;
}

Matcher::Matcher(std::unique_ptr<Parts> parts) : parts_(std::move(parts)), counts_(parts_->counts) {}
Matcher::~Matcher() = default;

std::shared_ptr<const Matcher> Matcher::build(const std::vector<std::shared_ptr<const IndicatorList>>& lists,
                                              const WarningLists* warnings, std::optional<std::int64_t> at) {
  auto parts = std::make_unique<Parts>();
  std::size_t texts = 0, text_bytes = 0;
  for (const auto& list : lists) {
    for (const IndicatorList::Row& row : list->rows()) {
      if (row.type == IndicatorType::kIp || row.type == IndicatorType::kNetwork) continue;
      ++texts;
      text_bytes += space_of(row.type) == kHashes ? row.length / 2U : row.length;
    }
  }
  parts->texts.reserve(texts, text_bytes);
  for (const auto& list : lists) parts->take(*list, warnings, at);
  parts->finish();
  return std::shared_ptr<const Matcher>(new Matcher(std::move(parts)));
}

HitId Matcher::find_address(const IpAddress& ip) const {
  const std::uint32_t rule = parts_->addresses.find(ip);
  if (rule == 0) return 0;
  return (ip.is_v4() ? kV4Hit : kV6Hit) | rule;
}

HitId Matcher::find_domain(std::string_view normalised) const {
  std::string_view at = normalised;
  // A name has at most 127 labels; what is listed has few, so only the last ten are asked for, and the whole name.
  std::size_t dots = static_cast<std::size_t>(std::count(at.begin(), at.end(), '.'));
  for (bool whole = true; !at.empty(); whole = false) {
    if (whole || dots < kLabelsMax) {
      const auto record = parts_->texts.find(kDomains, at);
      if (record && (whole || (record->flags & kItselfOnly) == 0)) return kTextHit | record->at;
    }
    const std::size_t dot = at.find('.');
    if (dot == std::string_view::npos) break;
    at.remove_prefix(dot + 1);
    --dots;
  }
  return 0;
}

HitId Matcher::find_url(std::string_view host, std::string_view uri) const {
  if (parts_->counts.by_type[static_cast<std::size_t>(IndicatorType::kUrl)] == 0) return 0;
  if (const std::size_t scheme = uri.find("://");
      scheme != std::string_view::npos && scheme < 6) {  // a proxy's absolute form
    const std::size_t path = uri.find('/', scheme + 3);
    uri = path == std::string_view::npos ? "/" : uri.substr(path);
  }
  uri = uri.substr(0, std::min<std::size_t>(uri.find('#'), 2000));
  if (uri.empty() || uri.front() != '/') return 0;
  std::string key(host.substr(0, 255));
  const std::size_t path_at = key.size();
  key.append(uri);
  if (const auto record = parts_->texts.find(kUrls, key)) return kTextHit | record->at;
  if (const std::size_t query = key.find('?', path_at); query != std::string::npos) {
    key.resize(query);
    if (const auto record = parts_->texts.find(kUrls, key)) return kTextHit | record->at;
  }
  const std::string_view whole = key;
  std::size_t slash = whole.rfind('/');
  for (std::size_t parts = 0; slash > path_at && slash != std::string_view::npos && parts < kPathPartsMax; ++parts) {
    const auto record = parts_->texts.find(kUrls, whole.substr(0, slash + 1));
    if (record && (record->flags & kBelowToo) != 0) return kTextHit | record->at;
    slash = whole.rfind('/', slash - 1);
  }
  return 0;
}

HitId Matcher::find_hash(std::string_view lower_hex) const {
  std::string packed;
  if (!pack_hash(lower_hex, packed)) return 0;
  const auto record = parts_->texts.find(kHashes, packed);
  return record ? kTextHit | record->at : 0;
}

HitId Matcher::find_exact(IndicatorType type, std::string_view value) const {
  if (type == IndicatorType::kIp || type == IndicatorType::kNetwork) {
    const auto ip = IpAddress::parse(value);
    return ip ? find_address(*ip) : 0;
  }
  if (space_of(type) == kHashes) return find_hash(value);
  const auto record = parts_->texts.find(space_of(type), value);
  return record ? kTextHit | record->at : 0;
}

const Hit* Matcher::hit(HitId id) const {
  if (id == 0) return nullptr;
  const auto* made = parts_->made->get(id, [&] {
    auto fresh = std::make_unique<Parts::Made>(parts_->make(id));
    fresh->hit.indicator = fresh->indicator;
    return std::unique_ptr<const Parts::Made>(std::move(fresh));
  });
  return &(*made)->hit;
}

std::size_t Matcher::bytes() const {
  return parts_->texts.bytes() + parts_->addresses.bytes() + parts_->rules4.capacity() * sizeof(Rule4) +
         parts_->rules6.capacity() * sizeof(Rule6) + parts_->shared.capacity() * sizeof(Shared);
}

std::string Matcher::digest() const {
  std::string bytes;
  for (const std::uint64_t half : {parts_->digest_hi, parts_->digest_lo})
    for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>((half >> shift) & 0xff));
  return unpack_hash(bytes);
}

}  // namespace pandun::intel
