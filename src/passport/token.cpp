#include "passport/token.h"

#include <simdjson.h>

#include <algorithm>
#include <optional>

#include "passport/base64url.h"

namespace pandun::passport {
namespace {

namespace dom = simdjson::dom;

bool space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
std::string_view trim(std::string_view text) {
  while (!text.empty() && space(text.front())) text.remove_prefix(1);
  while (!text.empty() && space(text.back())) text.remove_suffix(1);
  return text;
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}
bool same(std::string_view text, std::string_view word) {
  return text.size() == word.size() &&
         std::equal(text.begin(), text.end(), word.begin(), [](char a, char b) { return lower(a) == lower(b); });
}

// Takes one key of an object; false when it stands twice or is not of the wanted kind.
class Fields {
 public:
  explicit Fields(const dom::object& object) : object_(object) {}
  // Absent: nullopt and still good.
  std::optional<dom::element> one(std::string_view key) {
    std::optional<dom::element> found;
    for (const auto& field : object_) {
      if (field.key != key) continue;
      if (found) good_ = false;
      found = field.value;
    }
    return found;
  }
  std::string text(std::string_view key) {
    const auto element = one(key);
    if (!element) return {};
    std::string_view value;
    if (element->get(value) != simdjson::SUCCESS) good_ = false;
    return std::string(value);
  }
  bool good() const { return good_; }
  void spoil() { good_ = false; }

 private:
  const dom::object& object_;
  bool good_ = true;
};

bool add_text(const dom::element& element, std::vector<std::string>& out) {
  std::string_view text;
  if (element.get(text) != simdjson::SUCCESS) return false;
  out.emplace_back(text);
  return true;
}

// "tn": one text or a list of them; "uri" alike.
bool read_parties(const std::optional<dom::element>& element, std::vector<std::string>& numbers,
                  std::vector<std::string>& uris) {
  dom::object object;
  if (!element || element->get(object) != simdjson::SUCCESS) return false;
  Fields fields(object);
  bool good = true;
  const auto read = [&](std::string_view key, std::vector<std::string>& out) {
    const auto value = fields.one(key);
    if (!value) return;
    dom::array list;
    if (value->get(list) != simdjson::SUCCESS) {
      good = good && add_text(*value, out);
      return;
    }
    for (const dom::element item : list) good = good && add_text(item, out);
  };
  read("tn", numbers);
  read("uri", uris);
  for (std::string& number : numbers) {
    number = canonical_number(number);
    if (number.empty()) return false;
  }
  return good && fields.good();
}

bool read_party(const std::optional<dom::element>& element, Party& out) {
  std::vector<std::string> numbers, uris;
  if (!read_parties(element, numbers, uris) || numbers.size() + uris.size() != 1) return false;
  if (!numbers.empty()) out.number = std::move(numbers.front());
  if (!uris.empty()) out.uri = std::move(uris.front());
  return true;
}

bool read_time(const std::optional<dom::element>& element, std::int64_t& out) {
  if (!element) return false;
  if (element->get(out) == simdjson::SUCCESS) return out >= 0;
  std::string_view digits;
  if (element->get(digits) != simdjson::SUCCESS || digits.empty() || digits.size() > 12) return false;
  out = 0;
  for (const char c : digits) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + (c - '0');
  }
  return true;
}

Why read_protected(const dom::object& object, const Header& header, Token& out) {
  Fields fields(object);
  const std::string alg = fields.text("alg"), typ = fields.text("typ"), ppt = fields.text("ppt");
  out.x5u = fields.text("x5u");
  const bool critical = fields.one("crit").has_value();
  if (!fields.good() || !same(typ, "passport") || out.x5u.empty()) return Why::kMalformed;
  if (ppt.empty()) {
    out.kind = Kind::kBase;
  } else if (ppt == "shaken") {
    out.kind = Kind::kShaken;
  } else if (ppt == "div") {
    out.kind = Kind::kDiv;
  } else {
    return Why::kUnsupported;
  }
  if (alg != "ES256" || critical) return Why::kUnsupported;
  if (!header.alg.empty() && !same(header.alg, alg)) return Why::kMalformed;
  if (!header.ppt.empty() && !same(header.ppt, ppt)) return Why::kMalformed;
  return header.info == out.x5u ? Why::kGood : Why::kBadInfo;
}

bool read_claims(const dom::object& object, Token& out) {
  Fields fields(object);
  if (!read_time(fields.one("iat"), out.issued_at) || !read_party(fields.one("orig"), out.from) ||
      !read_parties(fields.one("dest"), out.to_numbers, out.to_uris) || out.to_numbers.size() + out.to_uris.size() == 0)
    return false;
  if (out.kind == Kind::kDiv && !read_party(fields.one("div"), out.diverted)) return false;
  if (out.kind == Kind::kShaken) {
    const std::string attest = fields.text("attest");
    out.origid = fields.text("origid");
    if (attest.size() != 1 || attest[0] < 'A' || attest[0] > 'C' || out.origid.empty() || out.to_numbers.empty())
      return false;
    out.attest = static_cast<Attest>(attest[0] - 'A' + 1);
  }
  return fields.good();
}

// Written as RFC 8225 section 9 asks, and only of bytes that need no escape: what a call cannot say so has no compact form.
bool plain(std::string_view text) {
  return std::none_of(text.begin(), text.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e || c == '"' || c == '\\';
  });
}
std::string party_json(const Party& party, bool list) {
  const std::string value = "\"" + (party.number.empty() ? party.uri : party.number) + "\"";
  return (party.number.empty() ? "{\"uri\":" : "{\"tn\":") + (list ? "[" + value + "]" : value) + "}";
}

}  // namespace

bool parse_header(std::string_view value, Header& out) {
  out = {};
  value = trim(value);
  std::size_t end = value.find(';');
  out.token = trim(value.substr(0, end));
  if (out.token.empty() || out.token.size() > kTokenBytesMax) return false;
  out.compact = out.token.starts_with("..");
  while (end != std::string_view::npos) {
    value.remove_prefix(end + 1);
    const std::size_t equals = value.find('='), next = value.find(';');
    if (equals == std::string_view::npos || next < equals) {  // a parameter without a value: not one of ours
      const std::string_view flag = trim(value.substr(0, next));
      if (flag.empty() || same(flag, "info") || same(flag, "alg") || same(flag, "ppt")) return false;
      end = next;
      continue;
    }
    const std::string_view key = trim(value.substr(0, equals));
    value.remove_prefix(equals + 1);
    value = trim(value);
    std::string_view text;
    const char close = value.starts_with('<') ? '>' : value.starts_with('"') ? '"' : '\0';
    if (close != '\0') {
      const std::size_t at = value.find(close, 1);
      if (at == std::string_view::npos) return false;
      text = value.substr(1, at - 1);
      end = value.find(';', at);
      if (!trim(value.substr(at + 1, end == std::string_view::npos ? end : end - at - 1)).empty()) return false;
    } else {
      end = value.find(';');
      text = trim(value.substr(0, end));
    }
    std::string_view* const known = same(key, "info")  ? &out.info
                                    : same(key, "alg") ? &out.alg
                                    : same(key, "ppt") ? &out.ppt
                                                       : nullptr;
    if (known == nullptr) continue;
    if (!known->empty() || text.empty()) return false;  // twice, or nothing
    *known = text;
  }
  return true;
}

Why read_token(const Header& header, Token& out) {
  out = {};
  if (header.compact) return Why::kMalformed;
  const std::size_t first = header.token.find('.');
  const std::size_t second = first == std::string_view::npos ? first : header.token.find('.', first + 1);
  if (second == std::string_view::npos || header.token.find('.', second + 1) != std::string_view::npos)
    return Why::kMalformed;
  const auto head = from_base64url(header.token.substr(0, first));
  const auto claims = from_base64url(header.token.substr(first + 1, second - first - 1));
  auto signature = from_base64url(header.token.substr(second + 1));
  if (!head.ok() || !claims.ok() || !signature.ok() || head->empty() || claims->empty()) return Why::kMalformed;

  dom::parser parser;
  dom::object object;
  if (parser.parse(simdjson::padded_string(*head)).get(object) != simdjson::SUCCESS) return Why::kMalformed;
  if (const Why why = read_protected(object, header, out); why != Why::kGood) return why;
  if (parser.parse(simdjson::padded_string(*claims)).get(object) != simdjson::SUCCESS || !read_claims(object, out) ||
      signature->size() != 64)
    return Why::kMalformed;
  out.signed_text = header.token.substr(0, second);
  out.signature = std::move(signature).value();
  return Why::kGood;
}

Why rebuild_token(const Header& header, const Party& from, const Party& to, std::int64_t date, Token& out) {
  out = {};
  if (!header.compact) return Why::kMalformed;
  // Extensions carry claims that the call does not say: only their full form exists (RFC 8588 section 3, RFC 8946 section 4).
  if (!header.ppt.empty() || (!header.alg.empty() && !same(header.alg, "ES256"))) return Why::kUnsupported;
  auto signature = from_base64url(header.token.substr(2));
  if (!signature.ok() || signature->size() != 64 || header.info.empty() || date <= 0) return Why::kMalformed;
  for (const std::string_view text : {std::string_view(from.number), std::string_view(from.uri),
                                      std::string_view(to.number), std::string_view(to.uri), header.info})
    if (!plain(text)) return Why::kMalformed;
  if ((from.number.empty() && from.uri.empty()) || (to.number.empty() && to.uri.empty())) return Why::kMalformed;
  out.x5u = header.info;
  out.issued_at = date;
  out.from = from;
  if (!to.number.empty()) {
    out.to_numbers.push_back(to.number);
  } else {
    out.to_uris.push_back(to.uri);
  }
  out.signed_text = base64url(R"({"alg":"ES256","typ":"passport","x5u":")" + out.x5u + "\"}") + "." +
                    base64url("{\"dest\":" + party_json(to, true) + ",\"iat\":" + std::to_string(date) +
                              ",\"orig\":" + party_json(from, false) + "}");
  out.signature = std::move(signature).value();
  return Why::kGood;
}

std::string canonical_number(std::string_view text) {
  std::string out;
  for (const char c : text)
    if ((c >= '0' && c <= '9') || c == '*' || c == '#') out += c;
  return out;
}

std::int64_t sip_date(std::string_view text) {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(3, 2) != ", " || text.substr(25) != " GMT" || text[7] != ' ' ||
      text[11] != ' ' || text[16] != ' ' || text[19] != ':' || text[22] != ':')
    return 0;
  bool good = true;
  const auto number = [&](std::size_t at, std::size_t size) {
    std::int64_t value = 0;
    for (const char c : text.substr(at, size)) {
      good = good && c >= '0' && c <= '9';
      value = value * 10 + (c - '0');
    }
    return value;
  };
  const std::size_t month_at = kMonths.find(text.substr(8, 3));
  const std::int64_t day = number(5, 2), hour = number(17, 2), minute = number(20, 2), second = number(23, 2);
  std::int64_t year = number(12, 4);
  if (!good || month_at == std::string_view::npos || month_at % 3 != 0 || year < 1970 || day < 1 || day > 31 ||
      hour > 23 || minute > 59 || second > 60)
    return 0;
  // Days since 1970 (Howard Hinnant, "chrono-compatible low-level date algorithms").
  const auto month = static_cast<std::int64_t>(month_at / 3 + 1);
  if (month <= 2) --year;
  const std::int64_t era = year / 400, of_era = year % 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  const std::int64_t days = era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
  return ((days * 24 + hour) * 60 + minute) * 60 + second;
}

}  // namespace pandun::passport
