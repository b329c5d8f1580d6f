#include <algorithm>
#include <charconv>
#include <cstring>

#include "exchange/desk_parts.h"

namespace pandun::exchange {
namespace {

constexpr int kNumbersPerRead = 5000;

}  // namespace

model::NumberKey number_of(std::string_view text) {
  const bool international = text.starts_with('+');
  if (international) text.remove_prefix(1);
  std::uint64_t digits = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), digits);
  if (code != std::errc() || end != text.data() + text.size() || text.empty() || text.size() > 17) return {};
  return international ? model::NumberKey::e164(digits) : model::NumberKey::service(text);
}

Result<KnownNumbers> KnownNumbers::make(const LeadParts& parts, std::string_view pair_key) {
  KnownNumbers out;
  bool more = true;
  while (more) {
    TRY(parts.store.read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(const auto rows, view.vault().walk_numbers(out.last_row_, kNumbersPerRead));
      more = rows.size() == static_cast<std::size_t>(kNumbersPerRead);
      for (const store::SealedRow& row : rows) {
        out.last_row_ = row.row;
        const auto clear = parts.vault.open_for_engine(row);
        if (!clear.ok()) continue;  // a seal that does not open can match nothing; the vault's own pages tell of it
        const auto hash = hash_number(pair_key, number_of(*clear));
        if (!hash) continue;
        Entry entry{{}, row.row};
        std::copy_n(hash->begin(), entry.hash.size(), entry.hash.begin());
        out.list_.push_back(entry);
      }
      return {};
    }));
  }
  // A number has a token for each year it was seen in: the newest comes first.
  std::sort(out.list_.begin(), out.list_.end(), [](const Entry& a, const Entry& b) {
    const int order = std::memcmp(a.hash.data(), b.hash.data(), a.hash.size());
    return order != 0 ? order < 0 : a.row > b.row;
  });
  return out;
}

Result<std::optional<KnownNumbers::Found>> KnownNumbers::find(const LeadParts& parts, const store::View& view,
                                                              const NumberHash& hash) const {
  const auto before = [&](const Entry& entry, const NumberHash& wanted) {
    return std::memcmp(entry.hash.data(), wanted.data(), entry.hash.size()) < 0;
  };
  const auto at = std::lower_bound(list_.begin(), list_.end(), hash, before);
  if (at == list_.end() || std::memcmp(at->hash.data(), hash.data(), at->hash.size()) != 0)
    return std::optional<Found>();
  TRY_ASSIGN(const auto rows, view.vault().walk_numbers(at->row - 1, 1));
  if (rows.empty() || rows.front().row != at->row) return std::optional<Found>();
  TRY_ASSIGN(const std::string clear, parts.vault.open_for_engine(rows.front()));
  return std::optional<Found>({rows.front().token, number_of(clear)});
}

}  // namespace pandun::exchange
