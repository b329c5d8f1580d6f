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

std::string masked(std::string_view prefix, std::string_view secret) {
  const std::size_t shown = secret.size() > kHiddenMin ? secret.size() - kHiddenMin : 0;
  const std::size_t tail = std::min(kTailMax, shown > kHeadMax ? shown - kHeadMax : 0);
  const std::size_t head = std::min(kHeadMax, shown - tail);
  std::string out(prefix);
  out.append(secret.substr(0, head));
  out.append(secret.size() - head - tail, '*');
  out.append(secret.substr(secret.size() - tail));
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

void NumberTokens::Year::write(model::NumberKey number, std::span<char, kBytes> out) const {
  const int short_year = year_ % 100;
  out[0] = 'n';
  out[1] = static_cast<char>('0' + short_year / 10);
  out[2] = static_cast<char>('0' + short_year % 10);
  out[3] = '-';
  platform::keyed_hash_hex(key_, number.text(), out.subspan<4>());
}

std::string NumberTokens::number(model::NumberKey number, int year) const {
  if (!number.known()) return {};
  std::string out(Year::kBytes, '\0');
  of_year(year).write(number, std::span<char, Year::kBytes>(out.data(), Year::kBytes));
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

std::string mask_number(model::NumberKey number) {
  const std::string text = number.text();
  switch (number.kind()) {
    case model::NumberKind::kE164: {
      const std::size_t code = country_code_length(std::string_view(text).substr(1));
      return masked(std::string_view(text).substr(0, 1 + code), std::string_view(text).substr(1 + code));
    }
    case model::NumberKind::kService:
      return text.size() <= 8 ? text : text.substr(0, 8) + std::string(text.size() - 8, '*');
    case model::NumberKind::kWithheld:
      return "withheld";
    case model::NumberKind::kOpaque:
      return "hashed";
    case model::NumberKind::kInvalid:
      return "invalid";
  }
  return "invalid";
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
