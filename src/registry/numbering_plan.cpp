#include "registry/numbering_plan.h"

#include <array>
#include <cstring>

#include "registry/plan_tables.h"

namespace pandun::registry {
namespace {

using model::NumberKey;
using Tables = NumberingPlan::Tables;

constexpr std::uint16_t kChina = 86;
constexpr std::size_t kDigitsMax = 32;  // more cannot be a number; the rest only feeds the hash
constexpr std::size_t kE164Max = 15;
constexpr std::size_t kServiceKept = 17;  // NumberKey::service; what follows is the port holder's own extension
constexpr std::size_t kPlusless = 10;     // fewer digits are never read as an E.164 number without its plus

// Which forms a national number came in: bare, behind the trunk 0, or behind +86.
enum class Form : std::uint8_t { kBare, kTrunk, kInternational };

std::uint64_t value_of(std::string_view digits, std::uint64_t value = 0) {
  for (const char c : digits) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value;
}

bool begins(const Rule& rule, std::string_view national) {
  return rule.digits <= Tables::kRuleDigits || national.substr(0, rule.digits) == rule.prefix_text;
}

// What stands behind an area code: a subscriber, or a short number of that city. Two-digit areas have eight digits throughout.
bool local_part_fits(std::string_view local, std::size_t area_digits) {
  if (local.size() == 8 || (local.size() == 7 && area_digits == 3)) return local[0] >= '2' && local[0] <= '8';
  if (local.size() > 6) return false;
  return local.substr(0, 2) == "96" || local.substr(0, 2) == "12" || local.substr(0, 2) == "95" ||
         local.substr(0, 3) == "100";
}

const Rule* find_rule(const Tables& t, std::string_view national, Form form) {
  const Rule* service = nullptr;
  for (const std::uint16_t* at = t.chain(national); *at != kNoRow; ++at) {
    const Rule& rule = t.rules[*at];
    if (national.size() < rule.min || national.size() > rule.max || !begins(rule, national)) continue;
    switch (rule.kind) {
      case RuleKind::kArea:
        if (local_part_fits(national.substr(rule.digits), rule.digits)) return &rule;
        break;
      case RuleKind::kEmergency:
      case RuleKind::kShort:
      case RuleKind::kService:
      case RuleKind::kTollFree:
        // +86 10 6234 5678 is Beijing, although a message port may begin like that: a full area form wins.
        if (form == Form::kTrunk) break;
        if (form == Form::kBare) return &rule;
        if (service == nullptr) service = &rule;
        break;
      case RuleKind::kMobile:
      case RuleKind::kMobileVirtual:
      case RuleKind::kIot:
      case RuleKind::kSatellite:
      case RuleKind::kDialPrefix:
        return &rule;
    }
  }
  return service;
}

NumberKey invalid(std::string_view digits) {
  return NumberKey::invalid(digits);
}

bool is_service(RuleKind kind) {
  return kind == RuleKind::kEmergency || kind == RuleKind::kShort || kind == RuleKind::kService ||
         kind == RuleKind::kTollFree;
}

// 0431 110 and +86 10 12110 reach that city's emergency services, and are how their calls are shown elsewhere.
bool is_emergency(const Tables& t, std::string_view local) {
  const Rule* rule = local.size() < 3 || local.size() > 6 ? nullptr : find_rule(t, local, Form::kBare);
  return rule != nullptr && rule->kind == RuleKind::kEmergency;
}

// The emergency number behind an area code; empty when there is none. Bare digits are never read so: 10110 is a carrier's.
std::string_view emergency_of_a_city(const Tables& t, std::string_view national, Form form) {
  if (form == Form::kBare || national.size() > Tables::kRuleDigits + 5) return {};
  for (const std::uint16_t* at = t.chain(national); *at != kNoRow; ++at) {
    const Rule& rule = t.rules[*at];
    if (rule.kind != RuleKind::kArea || national.size() < rule.digits || !begins(rule, national)) continue;
    if (is_emergency(t, national.substr(rule.digits))) return national.substr(rule.digits);
  }
  return {};
}

// Withheld when the number is not one of China's plan.
NumberKey parse_china(const Tables& t, std::string_view national, Form form, bool inner = false) {
  if (form == Form::kInternational && !national.empty() && national[0] == '0') national.remove_prefix(1);  // +86 0571…
  if (national.size() < 3 || national[0] == '0') return {};
  if (const std::string_view local = emergency_of_a_city(t, national, form); !local.empty())
    return NumberKey::service(local);
  const Rule* rule = find_rule(t, national, form);
  if (rule == nullptr) return {};
  if (rule->kind == RuleKind::kDialPrefix) {
    if (inner) return {};
    std::string_view rest = national.substr(rule->digits);
    const Form rest_form = rest[0] == '0' ? Form::kTrunk : Form::kBare;
    if (rest_form == Form::kTrunk) rest.remove_prefix(1);
    return parse_china(t, rest, rest_form, true);
  }
  if (is_service(rule->kind)) return NumberKey::service(national.substr(0, kServiceKept));
  if (rule->kind == RuleKind::kArea) {
    const std::string_view local = national.substr(rule->digits);
    if (local.size() < 7 && (local[0] == '1' || local.substr(0, 2) == "95") && local.substr(0, 2) != "12")
      return NumberKey::service(local);  // 010-10086 is 10086
  }
  return NumberKey::e164(value_of(national, kChina));
}

bool north_american_form(std::string_view national) {
  return national[0] >= '2' && national[3] >= '2';
}

// Withheld when no country has such a number.
NumberKey parse_international(const Tables& t, std::string_view digits) {
  const CountryRow* row = t.country(digits);
  if (row == nullptr || digits.size() <= row->code_digits) return {};
  const std::string_view national = digits.substr(row->code_digits);
  if (row->code == kChina) return parse_china(t, national, Form::kInternational);
  if (digits.size() > kE164Max || national.size() < row->min || national.size() > row->max) return {};
  if (row->code == 1 && !north_american_form(national)) return {};
  return NumberKey::e164(value_of(digits));
}

NumberKey parse_foreign_home(const Tables& t, std::string_view digits, const NumberContext& context) {
  const CountryRow* home = t.home_row(context.home_country);
  const std::string_view national = digits[0] == '0' ? digits.substr(1) : digits;
  if (home != nullptr && national.size() >= home->min && national.size() <= home->max &&
      national.size() + home->code_digits <= kE164Max)
    return NumberKey::e164(value_of(national, home->code));
  return digits[0] != '0' && digits.size() >= kPlusless ? parse_international(t, digits) : NumberKey{};
}

NumberKey parse_digits(const Tables& t, std::string_view digits, bool plus, const NumberContext& context) {
  if (plus) {
    const NumberKey key = parse_international(t, digits);
    return key.known() ? key : invalid(digits);
  }
  if (digits.size() > 2 && digits[0] == '0' && digits[1] == '0') {
    const NumberKey key = parse_international(t, digits.substr(2));
    return key.known() ? key : invalid(digits);
  }
  NumberKey key;
  if (context.home_country != kChina) {
    key = parse_foreign_home(t, digits, context);
    return key.known() ? key : invalid(digits);
  }
  if (digits[0] == '0') {
    key = parse_china(t, digits.substr(1), Form::kTrunk);
    return key.known() ? key : invalid(digits);
  }
  key = parse_china(t, digits, Form::kBare);
  if (key.known()) return key;
  if (digits.size() == 7 || digits.size() == 8) {
    if (digits[0] >= '2' && digits[0] <= '8') {
      if (context.home_area.empty()) return NumberKey::opaque(digits);
      return NumberKey::e164(value_of(digits, value_of(context.home_area, kChina)));
    }
  }
  if (digits.size() >= kPlusless || (digits.size() >= 5 && digits.substr(0, 2) == "86"))
    key = parse_international(t, digits);
  return key.known() ? key : invalid(digits);
}

// ---- text ----

struct Digits {
  std::array<char, kDigitsMax> bytes;
  std::size_t size = 0;
  bool plus = false, plain = true;  // plain: nothing but digits, one leading plus and separators
  std::string_view view() const { return {bytes.data(), size}; }
};

void collect(std::string_view text, Digits& out) {
  std::size_t dots = 0;
  for (const char c : text) {
    if (c >= '0' && c <= '9') {
      if (out.size == kDigitsMax) {
        out.plain = false;
        return;
      }
      out.bytes[out.size++] = c;
    } else if (c == '+' && out.size == 0 && !out.plus) {
      out.plus = true;
    } else if (c == '.') {
      ++dots;
    } else if (c != ' ' && c != '-' && c != '(' && c != ')' && c != '/' && c != '\t') {
      out.plain = false;
      return;
    }
  }
  // "13800138000.0": a column that went through floating point.
  if (dots == 1 && text.size() > 6 && text.substr(text.size() - 2) == ".0") --out.size;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '"' || text.front() == '\''))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '"' || text.back() == '\'' ||
                           text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

bool equal_fold(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

bool says_withheld(std::string_view text) {
  constexpr std::array<std::string_view, 18> kWords{
      "anonymous", "unknown", "private",   "withheld", "restricted", "unavailable", "null",     "none",   "nil",
      "n/a",       "(empty)", "undefined", "未知",     "匿名",       "未知号码",    "私人号码", "无主叫", "隐藏号码"};
  for (const std::string_view word : kWords)
    if (equal_fold(text, word)) return true;
  return text.find_first_not_of("-* ?.") == std::string_view::npos;
}

// tel: and sip: URIs (RFC 3966, RFC 3261 19.1): the part that names the number.
std::string_view inside_uri(std::string_view text) {
  for (const std::string_view scheme : {std::string_view("tel:"), std::string_view("sip:"), std::string_view("sips:")})
    if (text.size() > scheme.size() && equal_fold(text.substr(0, scheme.size()), scheme)) {
      text.remove_prefix(scheme.size());
      return text.substr(0, text.find_first_of(";@?"));
    }
  return text;
}

// Full-width digits, plus, hyphen, brackets and spaces as typed with a Chinese keyboard. Empty: it holds something else, or is too long.
std::string_view narrowed(std::string_view text, std::array<char, 64>& out) {
  std::size_t size = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    char narrow = text[i];
    std::size_t length = 1;
    if (c >= 0x80) {
      const std::string_view rest = text.substr(i);
      const auto third = rest.size() > 2 ? static_cast<unsigned char>(rest[2]) : 0U;
      if (rest.substr(0, 2) == "\xef\xbc" && third >= 0x81 && third <= 0xbf) {  // U+FF01…U+FF3F
        narrow = static_cast<char>(third - 0x60);
        length = 3;
      } else if (rest.substr(0, 2) == "\xc2\xa0") {
        narrow = ' ';
        length = 2;
      } else if (rest.substr(0, 3) == "\xe3\x80\x80") {
        narrow = ' ';
        length = 3;
      } else if (rest.substr(0, 2) == "\xe2\x80" && third >= 0x90 && third <= 0x95) {  // hyphens and dashes
        narrow = '-';
        length = 3;
      } else {
        return {};
      }
    }
    if (size == out.size()) return {};
    out[size++] = narrow;
    i += length;
  }
  return {out.data(), size};
}

NumberKey parse_slow(const Tables& t, std::string_view text, const NumberContext& context) {
  if (says_withheld(text)) return {};
  const std::string_view inside = inside_uri(text);
  if (says_withheld(inside)) return {};
  std::array<char, 64> buffer;
  const std::string_view narrow = narrowed(inside, buffer);
  Digits digits;
  if (!narrow.empty()) collect(narrow, digits);
  if (!narrow.empty() && digits.plain && digits.size != 0) return parse_digits(t, digits.view(), digits.plus, context);
  if (digits.size != 0 && text.find_first_not_of("0123456789+ -") == std::string_view::npos) return invalid(text);
  return NumberKey::opaque(text);
}

}  // namespace

NumberKey NumberingPlan::parse(std::string_view text, const NumberContext& context) const {
  if (context.opaque) {
    text = trim(text);
    return text.empty() ? NumberKey{} : NumberKey::opaque(text);
  }
  Digits digits;
  collect(text, digits);
  if (digits.plain && digits.size != 0) [[likely]]
    return parse_digits(*tables_, digits.view(), digits.plus, context);
  text = trim(text);
  return text.empty() ? NumberKey{} : parse_slow(*tables_, text, context);
}

// ---- facts ----

namespace {

NumberClass class_of(RuleKind kind) {
  switch (kind) {
    case RuleKind::kMobile:
      return NumberClass::kMobile;
    case RuleKind::kMobileVirtual:
      return NumberClass::kMobileVirtual;
    case RuleKind::kIot:
      return NumberClass::kIot;
    case RuleKind::kSatellite:
      return NumberClass::kSatellite;
    case RuleKind::kArea:
      return NumberClass::kFixed;
    case RuleKind::kEmergency:
      return NumberClass::kEmergency;
    case RuleKind::kShort:
      return NumberClass::kShort;
    case RuleKind::kService:
    case RuleKind::kDialPrefix:
      return NumberClass::kService;
    case RuleKind::kTollFree:
      return NumberClass::kTollFree;
  }
  return NumberClass::kInvalid;
}

void fill_country(const CountryRow& row, PhoneFacts& facts) {
  facts.country_code = row.code;
  facts.country = row.iso;
  facts.country_zh = row.zh;
  facts.country_en = row.en;
  facts.unverified = row.unverified;
}

void fill_rule(const Tables& t, const Rule& rule, std::string_view national, PhoneFacts& facts) {
  facts.kind = class_of(rule.kind);
  facts.carrier = rule.carrier;
  facts.service_zh = rule.zh;
  facts.service_en = rule.en;
  facts.unverified = rule.unverified;
  if (rule.kind != RuleKind::kArea) return;
  const AreaRow& area = t.area_rows[rule.area];
  if (national.size() - rule.digits < 7) facts.kind = NumberClass::kService;
  facts.area_code = area.code;
  facts.province_code = area.province;
  facts.province_zh = area.province_zh;
  facts.province_en = area.province_en;
  facts.region_zh = area.region_zh;
  facts.region_en = area.region_en;
}

// Decimal digits without allocation.
std::string_view decimal(std::uint64_t value, std::array<char, 20>& out) {
  std::size_t at = out.size();
  do out[--at] = static_cast<char>('0' + value % 10);
  while ((value /= 10) != 0);
  return {out.data() + at, out.size() - at};
}

}  // namespace

bool NumberingPlan::told_by_five(std::uint32_t first_five) const {
  const Tables& t = *tables_;
  CHECK(first_five < t.by_rule.size());
  for (const std::uint16_t* at = t.chains.data() + t.by_rule[first_five]; *at != kNoRow; ++at)
    if (t.rules[*at].digits > Tables::kRuleDigits) return false;
  return true;
}

PhoneFacts NumberingPlan::facts(NumberKey number) const {
  const Tables& t = *tables_;
  PhoneFacts facts;
  std::array<char, 20> buffer{};
  const std::string_view text = decimal(number.value(), buffer);
  switch (number.kind()) {
    case model::NumberKind::kWithheld:
      facts.kind = NumberClass::kWithheld;
      return facts;
    case model::NumberKind::kOpaque:
      facts.kind = NumberClass::kOpaque;
      return facts;
    case model::NumberKind::kInvalid:
      facts.kind = NumberClass::kInvalid;
      return facts;
    case model::NumberKind::kService: {
      const std::string_view national = text.substr(1);
      if (const CountryRow* home = t.home_row(kChina)) fill_country(*home, facts);
      facts.kind = NumberClass::kService;
      if (const Rule* rule = find_rule(t, national, Form::kBare)) fill_rule(t, *rule, national, facts);
      return facts;
    }
    case model::NumberKind::kE164:
      break;
  }
  const CountryRow* row = t.country(text);
  for (const std::uint16_t long_row : t.long_countries)
    if (text.substr(0, t.country_rows[long_row].prefix.size()) == t.country_rows[long_row].prefix) {
      row = &t.country_rows[long_row];
      break;
    }
  facts.kind = NumberClass::kInternational;
  if (row == nullptr) return facts;
  fill_country(*row, facts);
  if (row->code != kChina) return facts;
  const std::string_view national = text.substr(row->code_digits);
  if (const Rule* rule = find_rule(t, national, Form::kInternational))
    fill_rule(t, *rule, national, facts);
  else
    facts.kind = NumberClass::kFixed;
  return facts;
}

std::string_view name(NumberClass kind) {
  constexpr std::array<std::string_view, 13> kNames{
      "mobile", "mobile_virtual", "iot",           "satellite", "fixed",   "toll_free", "service",
      "short",  "emergency",      "international", "opaque",    "invalid", "withheld"};
  return kNames[static_cast<std::size_t>(kind)];
}

NumberingPlan::NumberingPlan() : tables_(std::make_unique<Tables>()) {}
NumberingPlan::~NumberingPlan() = default;
NumberingPlan::NumberingPlan(NumberingPlan&&) noexcept = default;
NumberingPlan& NumberingPlan::operator=(NumberingPlan&&) noexcept = default;
std::size_t NumberingPlan::countries() const {
  return tables_->country_rows.size();
}
std::size_t NumberingPlan::areas() const {
  return tables_->area_rows.size();
}

}  // namespace pandun::registry
