#include "guard/number_tokens.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace pandun::guard {
namespace {

// ITU-T E.164 list of assigned country codes: zones 1 and 7 have one digit, these have two, all others three.
constexpr std::array<int, 43> kTwoDigitCodes{20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46,
                                             47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63,
                                             64, 65, 66, 81, 82, 84, 86, 90, 91, 92, 93, 94, 95};

constexpr std::size_t kHiddenMin = 6, kHeadMax = 3, kTailMax = 2;

std::size_t country_code_length(std::string_view digits) {
  if (digits.empty()) return 0;
  if (digits[0] == '1' || digits[0] == '7') return 1;
  if (digits.size() < 2) return digits.size();
  const int two = (digits[0] - '0') * 10 + (digits[1] - '0');
  const bool known = two == 98 || std::find(kTwoDigitCodes.begin(), kTwoDigitCodes.end(), two) != kTwoDigitCodes.end();
  return known ? 2 : std::min<std::size_t>(3, digits.size());
}

// A short text in place: every decision that is written down has two masks.
struct Mask {
  std::array<char, NumberTokens::Year::kMaskMax> bytes{};
  std::size_t size = 0;
  void put(std::string_view text) {
    const std::size_t fits = std::min(text.size(), bytes.size() - size);
    std::copy_n(text.begin(), fits, bytes.begin() + static_cast<std::ptrdiff_t>(size));
    size += fits;
  }
  void stars(std::size_t count) { put(std::string_view("************************").substr(0, count)); }
};

Mask masked(std::string_view prefix, std::string_view secret) {
  const std::size_t shown = secret.size() > kHiddenMin ? secret.size() - kHiddenMin : 0;
  const std::size_t tail = std::min(kTailMax, shown > kHeadMax ? shown - kHeadMax : 0);
  const std::size_t head = std::min(kHeadMax, shown - tail);
  Mask out;
  out.put(prefix);
  out.put(secret.substr(0, head));
  out.stars(secret.size() - head - tail);
  out.put(secret.substr(secret.size() - tail));
  return out;
}

Mask mask_of(model::NumberKind kind, std::string_view text) {
  constexpr std::size_t kServiceShown = 8;
  Mask out;
  switch (kind) {
    case model::NumberKind::kE164: {
      const std::size_t code = country_code_length(text.substr(1));
      return masked(text.substr(0, 1 + code), text.substr(1 + code));
    }
    case model::NumberKind::kService:
      out.put(text.substr(0, kServiceShown));
      if (text.size() > kServiceShown) out.stars(text.size() - kServiceShown);
      return out;
    case model::NumberKind::kWithheld:
      out.put("withheld");
      return out;
    case model::NumberKind::kOpaque:
      out.put("hashed");
      return out;
    case model::NumberKind::kInvalid:
      break;
  }
  out.put("invalid");
  return out;
}

}  // namespace

int year_of(EventMs at) {
  constexpr std::int64_t kOffset = 8LL * 3600 * 1000, kDay = 86'400'000;
  const std::int64_t local = at.ms + kOffset;
  const std::int64_t days = local >= 0 ? local / kDay : (local - kDay + 1) / kDay;
  int year = static_cast<int>(1970 + days / 366);
  while (days_from_civil(year + 1, 1, 1) <= days) ++year;
  while (days_from_civil(year, 1, 1) > days) --year;
  return year;
}

NumberTokens::Year NumberTokens::of_year(int year) const {
  return {site_key_.derive(fmt::format("token:number:{}", year)), year};
}

void NumberTokens::Year::write(std::string_view text, std::span<char, kBytes> out) const {
  const int short_year = year_ % 100;
  out[0] = 'n';
  out[1] = static_cast<char>('0' + short_year / 10);
  out[2] = static_cast<char>('0' + short_year % 10);
  out[3] = '-';
  digest_.hex(text, out.subspan<4>());
}

void NumberTokens::Year::show(model::NumberKey number, Shown& out) const {
  const std::string text = number.text();
  write(text, out.token);
  const Mask mask = mask_of(number.kind(), text);
  out.mask = mask.bytes;
  out.mask_size = mask.size;
}

std::string NumberTokens::number(model::NumberKey number, int year) const {
  if (!number.known()) return {};
  std::string out(Year::kBytes, '\0');
  of_year(year).write(number.text(), std::span<char, Year::kBytes>(out.data(), Year::kBytes));
  return out;
}

std::string NumberTokens::device(std::string_view device, int year) const {
  if (device.empty()) return {};
  const platform::SealKey key = site_key_.derive(fmt::format("token:device:{}", year));
  return fmt::format("d{:02}-{}", year % 100, platform::keyed_hash_hex(key, device));
}

std::string NumberTokens::of(const model::Entity& entity, int year) const {
  if (entity.kind == model::EntityKind::kNumber) {
    if (entity.number.known()) return number(entity.number, year);
    return entity.value.empty() ? std::string() : number(model::NumberKey::opaque(entity.value), year);
  }
  return entity.kind == model::EntityKind::kDevice ? device(entity.value, year) : std::string();
}

bool is_number_token(std::string_view text) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (text.size() != NumberTokens::Year::kBytes || text[0] != 'n' || !digit(text[1]) || !digit(text[2]) ||
      text[3] != '-')
    return false;
  const std::string_view hex = text.substr(4);
  return std::all_of(hex.begin(), hex.end(), [&](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
}

std::string mask_number(model::NumberKey number) {
  const Mask mask = mask_of(number.kind(), number.text());
  return {mask.bytes.data(), mask.size};
}

// An IMEI's first eight digits are the type allocation code, shared by every device of the model (3GPP TS 23.003, 6.2).
std::string mask_device(std::string_view device) {
  constexpr std::size_t kTypeCode = 8;
  const bool imei = device.size() >= 14 && device.size() <= 16 &&
                    std::all_of(device.begin(), device.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!imei) return "device";
  return std::string(device.substr(0, kTypeCode)) + std::string(device.size() - kTypeCode, '*');
}

}  // namespace pandun::guard
