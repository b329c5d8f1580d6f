#include "ingest/domains.h"

#include <idn2.h>
#include <libpsl.h>

#include <array>
#include <cstring>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "model/ip.h"

namespace pandun::ingest {
namespace {

constexpr std::size_t kNameMax = 253;  // RFC 1035 3.1, without the root's dot
constexpr std::size_t kSets = 1 << 14, kWays = 4;
constexpr std::size_t kCachedMax = 54;

struct PslDeleter {
  void operator()(psl_ctx_t* context) const { psl_free(context); }  // leaves the built-in list alone
};

struct Slot {
  std::uint8_t size = 0, registrable = 0;
  std::array<char, kCachedMax> text{};
};
static_assert(sizeof(Slot) == 56);

struct Look {
  bool upper = false, high = false;
};

Look look(std::string_view raw) {
  std::uint64_t upper = 0, high = 0;
  std::size_t i = 0;
  constexpr std::uint64_t kTop = 0x8080808080808080ULL;
  constexpr std::uint64_t kOnes = 0x0101010101010101ULL;
  for (; i + 8 <= raw.size(); i += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, raw.data() + i, 8);
    high |= word & kTop;
    const std::uint64_t low = word & ~kTop;  // per byte: top bit set where >= 'A', and where > 'Z'
    upper |= (low + kOnes * (128 - 'A')) & ~(low + kOnes * (127 - 'Z')) & kTop;
  }
  for (; i < raw.size(); ++i) {
    const auto c = static_cast<unsigned char>(raw[i]);
    high |= c & 0x80U;
    upper |= c >= 'A' && c <= 'Z' ? 1U : 0U;
  }
  return {upper != 0, high != 0};
}

void lower(char* text, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i)
    if (text[i] >= 'A' && text[i] <= 'Z') text[i] = static_cast<char>(text[i] + ('a' - 'A'));
}

// A sequence of labels of 1 to 63 bytes, none of them a control character or a space.
bool well_formed(std::string_view name) {
  std::size_t label = 0;
  for (const char c : name) {
    if (c == '.') {
      if (label == 0) return false;
      label = 0;
      continue;
    }
    if (static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || ++label > 63) return false;
  }
  return label != 0;
}

bool last_label_is_numeric(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  const std::string_view last = dot == std::string_view::npos ? name : name.substr(dot + 1);
  return last.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

struct Domains::Tables {
  std::unique_ptr<psl_ctx_t, PslDeleter> loaded;
  const psl_ctx_t* list = nullptr;
  std::vector<std::array<std::uint64_t, kWays>> tags = std::vector<std::array<std::uint64_t, kWays>>(kSets);
  std::vector<Slot> slots = std::vector<Slot>(kSets * kWays);
  std::size_t victim = 0;  // the way that is given up next, whatever the set
};

Result<Domains> Domains::open(const std::string& psl_file) {
  auto tables = std::make_unique<Tables>();
  if (psl_file.empty()) {
    tables->list = psl_builtin();
    if (tables->list == nullptr)
      return error(Errc::kUnavailable, "libpsl", "was built without a public suffix list; name a file of your own");
  } else {
    tables->loaded.reset(psl_load_file(psl_file.c_str()));
    tables->list = tables->loaded.get();
    if (tables->list == nullptr)
      return error(Errc::kBadConfig, psl_file, "is not a readable public suffix list (https://publicsuffix.org/list/)");
    if (psl_suffix_count(tables->list) == 0)
      return error(Errc::kBadConfig, psl_file, "holds no public suffix; is it another file?");
  }
  return Domains(std::move(tables));
}

Domains::Domains(std::unique_ptr<Tables> tables) : tables_(std::move(tables)) {}
Domains::~Domains() = default;
Domains::Domains(Domains&&) noexcept = default;
Domains& Domains::operator=(Domains&&) noexcept = default;

NormalName Domains::name(std::string_view raw, model::Arena& arena) {
  if (!raw.empty() && raw.back() == '.') raw.remove_suffix(1);
  if (raw.empty()) return {};
  const Look seen = look(raw);
  if (!seen.upper && !seen.high) [[likely]]
    return look_up(raw);
  if (!seen.high) {
    char* bytes = arena.allocate(raw.size());
    std::memcpy(bytes, raw.data(), raw.size());
    lower(bytes, raw.size());
    return look_up({bytes, raw.size()});
  }
  return international(raw, arena);
}

NormalName Domains::international(std::string_view raw, model::Arena& arena) {
  const std::string zero_ended(raw.substr(0, 4 * kNameMax));
  char* ascii = nullptr;
  const int rc = raw.size() > 4 * kNameMax || zero_ended.find('\0') != std::string::npos
                     ? IDN2_TOO_BIG_DOMAIN
                     : idn2_to_ascii_8z(zero_ended.c_str(), &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  if (rc != IDN2_OK) {
    ++bad_names_;
    char* bytes = arena.allocate(raw.size());
    std::memcpy(bytes, raw.data(), raw.size());
    lower(bytes, raw.size());
    return {{bytes, raw.size()}, {}};
  }
  std::string_view mapped(ascii);
  if (!mapped.empty() && mapped.back() == '.') mapped.remove_suffix(1);  // an ideographic full stop at the end
  const std::string_view kept = arena.copy(mapped);
  idn2_free(ascii);
  return look_up(kept);
}

NormalName Domains::look_up(std::string_view name) {
  if (name.size() > kCachedMax) return {name, registrable(name)};
  Tables& t = *tables_;
  const std::uint64_t hash = hash64(name);
  const std::size_t set = hash & (kSets - 1);
  std::array<std::uint64_t, kWays>& tags = t.tags[set];
  for (std::size_t way = 0; way < kWays; ++way) {
    const Slot& slot = t.slots[set * kWays + way];
    if (tags[way] == hash && slot.size == name.size() && std::memcmp(slot.text.data(), name.data(), name.size()) == 0)
      return {name, name.substr(name.size() - slot.registrable)};
  }
  const std::uint64_t bad_before = bad_names_;
  const std::string_view found = registrable(name);
  if (bad_names_ != bad_before) return {name, {}};  // not cached, so that each one is counted
  std::size_t way = t.victim++ % kWays;
  for (std::size_t i = 0; i < kWays; ++i)
    if (t.slots[set * kWays + i].size == 0) way = i;
  Slot& slot = t.slots[set * kWays + way];
  tags[way] = hash;
  slot.size = static_cast<std::uint8_t>(name.size());
  slot.registrable = static_cast<std::uint8_t>(found.size());
  std::memcpy(slot.text.data(), name.data(), name.size());
  return {name, found};
}

std::string_view Domains::registrable(std::string_view name) {
  if (name.size() > kNameMax || !well_formed(name)) {
    ++bad_names_;
    return {};
  }
  if (last_label_is_numeric(name)) return {};
  std::array<char, kNameMax + 1> zero_ended{};
  std::memcpy(zero_ended.data(), name.data(), name.size());
  const char* found = psl_registrable_domain(tables_->list, zero_ended.data());
  if (found == nullptr) return {};
  const auto at = static_cast<std::size_t>(found - zero_ended.data());
  CHECK(at < name.size());
  return name.substr(at);
}

NormalName Domains::host(std::string_view raw, model::Arena& arena) {
  if (!raw.empty() && raw.front() == '[') {
    const std::size_t close = raw.find(']');
    if (close == std::string_view::npos) {
      ++bad_names_;
      return {raw, {}};
    }
    const std::string_view inside = raw.substr(1, close - 1);
    if (const auto ip = model::IpAddress::parse(inside)) return {arena.copy(ip->text()), {}};
    ++bad_names_;
    return {inside, {}};
  }
  const std::size_t colon = raw.find(':');
  if (colon != std::string_view::npos) {
    if (raw.find(':', colon + 1) != std::string_view::npos) {  // two colons and no bracket: an address, or nonsense
      if (const auto ip = model::IpAddress::parse(raw)) return {arena.copy(ip->text()), {}};
      ++bad_names_;
      return {raw, {}};
    }
    raw = raw.substr(0, colon);
  }
  return name(raw, arena);
}

}  // namespace pandun::ingest
