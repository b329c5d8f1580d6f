#include "intel/canonical.h"

#include <idn2.h>
#include <libpsl.h>

#include <algorithm>
#include <array>
#include <bit>
#include <memory>
#include <utility>

#include "intel/text.h"

namespace pandun::intel {
namespace {

using model::IpAddress;

Error bad(std::string message) {
  return error(Errc::kBadInput, "", std::move(message));
}

struct Refang {
  std::string_view written, meant;
};
constexpr std::array<Refang, 14> kRefangs = {{{"[.]", "."},
                                              {"(.)", "."},
                                              {"{.}", "."},
                                              {"[dot]", "."},
                                              {"(dot)", "."},
                                              {"{dot}", "."},
                                              {"[:]", ":"},
                                              {"[://]", "://"},
                                              {"[/]", "/"},
                                              {"[at]", "@"},
                                              {"(at)", "@"},
                                              {"[@]", "@"},
                                              {"\\.", "."},
                                              {"[.", "."}}};

// One step of an address, so that ranges can be walked without 128-bit integers.
constexpr IpAddress masked_low(const IpAddress& ip, unsigned bits, bool ones) {
  IpAddress out = ip;
  if (bits >= 64) {
    out.lo = ones ? ~0ULL : 0;
    const std::uint64_t mask = bits >= 128 ? ~0ULL : (1ULL << (bits - 64)) - 1;
    out.hi = ones ? out.hi | mask : out.hi & ~mask;
  } else if (bits > 0) {
    const std::uint64_t mask = (1ULL << bits) - 1;
    out.lo = ones ? out.lo | mask : out.lo & ~mask;
  }
  return out;
}

std::optional<AddressRange> parse_prefix(std::string_view text, std::size_t slash) {
  const auto ip = IpAddress::parse(trimmed(text.substr(0, slash)));
  const auto bits = parse_integer<unsigned>(text.substr(slash + 1));
  if (!ip || !bits || *bits > (ip->is_v4() ? 32U : 128U)) return std::nullopt;
  const unsigned host_bits = (ip->is_v4() ? 32U : 128U) - *bits;
  return AddressRange{masked_low(*ip, host_bits, false), masked_low(*ip, host_bits, true)};
}

// The prefix length if the range is one, else nullopt.
std::optional<unsigned> prefix_of(const AddressRange& range) {
  const unsigned width = range.first.is_v4() ? 32 : 128;
  const std::uint64_t hi = range.first.hi ^ range.last.hi, lo = range.first.lo ^ range.last.lo;
  const unsigned host_bits = static_cast<unsigned>(hi != 0 ? 64 + std::bit_width(hi) : std::bit_width(lo));
  if (host_bits > width) return std::nullopt;
  if (masked_low(range.first, host_bits, false) != range.first ||
      masked_low(range.first, host_bits, true) != range.last)
    return std::nullopt;
  return width - host_bits;
}

bool label_ok(std::string_view label) {
  if (label.empty() || label.size() > 63 || label.front() == '-' || label.back() == '-') return false;
  return std::all_of(label.begin(), label.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_'; });
}

Result<std::string> ascii_domain(std::string_view text) {
  if (std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return lowered(text);
  char* out = nullptr;
  const std::string input(text);
  const int status = idn2_to_ascii_8z(input.c_str(), &out, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owned(out, idn2_free);
  if (status != IDN2_OK) return bad(std::string("not a domain name: ") + idn2_strerror(status));
  return lowered(out);
}

std::optional<std::string> address_with_port(std::string_view text) {
  if (!text.empty() && text.front() == '[') {
    const std::size_t close = text.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    const std::string_view rest = text.substr(close + 1);
    if (!rest.empty() && (rest.front() != ':' || !parse_integer<std::uint16_t>(rest.substr(1)))) return std::nullopt;
    const auto ip = IpAddress::parse(text.substr(1, close - 1));
    return ip ? std::optional(ip->text()) : std::nullopt;
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) return std::nullopt;
  const auto ip = IpAddress::parse(text.substr(0, colon));
  if (!ip || !parse_integer<std::uint16_t>(text.substr(colon + 1))) return std::nullopt;
  return ip->text();
}

Result<Canonical> canonical_ip(std::string_view text) {
  if (const auto ip = IpAddress::parse(text)) return Canonical{IndicatorType::kIp, ip->text(), false};
  if (auto with_port = address_with_port(text)) return Canonical{IndicatorType::kIp, std::move(*with_port), true};
  return bad("not an IP address");
}

Result<Canonical> canonical_network(std::string_view text) {
  const auto range = parse_range(text);
  if (!range) return bad("not a network: expected 192.0.2.0/24 or first-last");
  if (range->first == range->last) return Canonical{IndicatorType::kIp, range->first.text(), false};
  const bool too_wide = range->first.is_v4() ? range->last.v4_bits() - range->first.v4_bits() > 0x00ffffffU
                                             : ((range->last.hi - range->first.hi) >> 45) > 0;
  if (too_wide) return error(Errc::kTooLarge, "", "network wider than /8 (IPv4) or /19 (IPv6)");
  return Canonical{IndicatorType::kNetwork, range_text(*range), false};
}

Result<Canonical> canonical_hash(std::string_view text, IndicatorType type) {
  std::string hex;
  for (const char c : text)
    if (c != ':' || type != IndicatorType::kCertificate) hex.push_back(lower(c));
  if (!std::all_of(hex.begin(), hex.end(), is_hex)) return bad("not a hash: has something else than hex digits");
  if (hex.size() != 32 && hex.size() != 40 && hex.size() != 64)
    return bad("not an MD5, SHA-1 or SHA-256: wrong length");
  return Canonical{type, std::move(hex), false};
}

Result<Canonical> canonical_mail(std::string_view text) {
  const std::size_t at = text.rfind('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.find_first_of(" \t<>,;") != std::string_view::npos)
    return bad("not a mail address");
  TRY_ASSIGN(const std::string domain, canonical_domain(text.substr(at + 1)));
  return Canonical{IndicatorType::kMail, lowered(text.substr(0, at)) + "@" + domain, false};
}

Result<Canonical> canonical_number(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_digit(c))
      digits.push_back(c);
    else if (c != '+' && c != ' ' && c != '-' && c != '(' && c != ')')
      return bad("not a telephone number");
  }
  if (digits.size() < 3 || digits.size() > 15) return bad("not a telephone number: 3 to 15 digits expected");
  return Canonical{IndicatorType::kNumber, (text.front() == '+' ? "+" : "") + digits, false};
}

Result<Canonical> canonical_package(std::string_view text) {
  std::size_t dots = 0;
  for (const char c : text) {
    const char l = lower(c);
    if (c == '.')
      ++dots;
    else if (!(l >= 'a' && l <= 'z') && !is_digit(c) && c != '_' && c != '-')
      return bad("not an app package name");
  }
  if (text.size() > 200 || dots == 0 || text.front() == '.' || text.back() == '.')
    return bad("not an app package name");
  return Canonical{IndicatorType::kPackage, std::string(text), false};
}

Result<Canonical> wrap(IndicatorType type, Result<std::string> value) {
  if (!value) return std::move(value).error();
  return Canonical{type, *std::move(value), false};
}

Result<Canonical> guess(std::string_view text) {
  if (text.find("://") != std::string_view::npos) return wrap(IndicatorType::kUrl, canonical_url(text));
  if (auto ip = canonical_ip(text); ip.ok()) return ip;
  if (const std::size_t slash = text.find('/');
      slash != std::string_view::npos && IpAddress::parse(text.substr(0, slash)) &&
      text.find_first_not_of("0123456789", slash + 1) == std::string_view::npos)
    return canonical_network(text);
  if (parse_range(text)) return canonical_network(text);
  if (text.find('@') != std::string_view::npos && text.find('/') == std::string_view::npos) return canonical_mail(text);
  if (text.find('/') != std::string_view::npos) return wrap(IndicatorType::kUrl, canonical_url(text));
  if (text.find('.') == std::string_view::npos) {
    if (auto hash = canonical_hash(text, IndicatorType::kFileHash); hash.ok()) return hash;
    return bad("neither address, network, domain, URL, hash nor mail address");
  }
  return wrap(IndicatorType::kDomain, canonical_domain(text));
}

struct TypeWord {
  std::string_view word;
  IndicatorType type;
};
constexpr std::array<TypeWord, 52> kTypeWords = {{
    {"ip", IndicatorType::kIp},
    {"ipv4", IndicatorType::kIp},
    {"ipv6", IndicatorType::kIp},
    {"ip-src", IndicatorType::kIp},
    {"ip-dst", IndicatorType::kIp},
    {"ipv4-addr", IndicatorType::kIp},
    {"ipv6-addr", IndicatorType::kIp},
    {"address", IndicatorType::kIp},
    {"ip_address", IndicatorType::kIp},
    {"ip:port", IndicatorType::kIp},
    {"ip-dst|port", IndicatorType::kIp},
    {"addr", IndicatorType::kIp},
    {"network", IndicatorType::kNetwork},
    {"cidr", IndicatorType::kNetwork},
    {"netblock", IndicatorType::kNetwork},
    {"subnet", IndicatorType::kNetwork},
    {"range", IndicatorType::kNetwork},
    {"prefix", IndicatorType::kNetwork},
    {"domain", IndicatorType::kDomain},
    {"hostname", IndicatorType::kDomain},
    {"fqdn", IndicatorType::kDomain},
    {"domain-name", IndicatorType::kDomain},
    {"domain_name", IndicatorType::kDomain},
    {"host", IndicatorType::kDomain},
    {"url", IndicatorType::kUrl},
    {"uri", IndicatorType::kUrl},
    {"link", IndicatorType::kUrl},
    {"file_hash", IndicatorType::kFileHash},
    {"hash", IndicatorType::kFileHash},
    {"file", IndicatorType::kFileHash},
    {"md5", IndicatorType::kFileHash},
    {"sha1", IndicatorType::kFileHash},
    {"sha256", IndicatorType::kFileHash},
    {"filehash-md5", IndicatorType::kFileHash},
    {"filehash-sha1", IndicatorType::kFileHash},
    {"filehash-sha256", IndicatorType::kFileHash},
    {"sha-1", IndicatorType::kFileHash},
    {"sha-256", IndicatorType::kFileHash},
    {"certificate", IndicatorType::kCertificate},
    {"cert", IndicatorType::kCertificate},
    {"x509", IndicatorType::kCertificate},
    {"cert_hash", IndicatorType::kCertificate},
    {"x509-fingerprint-sha1", IndicatorType::kCertificate},
    {"mail", IndicatorType::kMail},
    {"email", IndicatorType::kMail},
    {"email-src", IndicatorType::kMail},
    {"email-addr", IndicatorType::kMail},
    {"number", IndicatorType::kNumber},
    {"phone", IndicatorType::kNumber},
    {"package", IndicatorType::kPackage},
    {"package name", IndicatorType::kPackage},
    {"app", IndicatorType::kPackage},
}};
constexpr std::array<std::string_view, 22> kRefusedWords = {
    "keyword", "keywords", "phrase", "topic_rule", "opinion", "text", "content", "regex", "regexp", "pattern", "image",
    "picture", "video",    "audio",  "speech",     "article", "news", "person",  "name",  "user",   "account", "rule3"};

}  // namespace

std::string refang(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  const auto scheme = trimmed(text);
  if (starts_with_nocase(scheme, "hxxp") || starts_with_nocase(scheme, "meow")) {
    out = "http";
    i = static_cast<std::size_t>(scheme.data() - text.data()) + 4;
  } else if (starts_with_nocase(scheme, "fxp:")) {
    out = "ftp";
    i = static_cast<std::size_t>(scheme.data() - text.data()) + 3;
  }
  while (i < text.size()) {
    const char c = text[i];
    bool replaced = false;
    if (c == '[' || c == '(' || c == '{' || c == '\\') {
      for (const Refang& rule : kRefangs) {
        if (!starts_with_nocase(text.substr(i), rule.written)) continue;
        out += rule.meant;
        i += rule.written.size();
        replaced = true;
        break;
      }
    }
    if (!replaced) {
      out.push_back(c);
      ++i;
    }
  }
  return out;
}

Result<std::string> canonical_domain(std::string_view text) {
  if (text.substr(0, 2) == "*.") text.remove_prefix(2);
  if (!text.empty() && text.front() == '.') text.remove_prefix(1);
  if (!text.empty() && text.back() == '.') text.remove_suffix(1);
  if (text.size() > 1000) return bad("domain name too long");
  TRY_ASSIGN(std::string domain, ascii_domain(text));
  if (domain.size() > 253) return bad("domain name longer than 253 bytes");
  bool good = true;
  std::string_view last;
  std::size_t labels = 0;
  split(domain, '.', [&](std::string_view label) {
    good = good && label_ok(label);
    last = label;
    ++labels;
  });
  if (!good || labels < 2) return bad("not a domain name");
  if (std::all_of(last.begin(), last.end(), is_digit)) return bad("not a domain name: its last label is a number");
  return domain;
}

Result<std::string> canonical_url(std::string_view text) {
  if (const std::size_t scheme = text.find("://"); scheme != std::string_view::npos) {
    const std::string word = lowered(text.substr(0, scheme));
    if (word != "http" && word != "https" && word != "ftp" && word != "ws" && word != "wss" && word != "tcp")
      return bad("URL of a scheme that is not http, https, ws, wss or ftp");
    text.remove_prefix(scheme + 3);
  }
  text = text.substr(0, text.find('#'));
  const std::size_t path_at = std::min(text.find_first_of("/?"), text.size());
  std::string_view authority = text.substr(0, path_at);
  const std::string_view path = text.substr(path_at);
  if (const std::size_t user = authority.rfind('@'); user != std::string_view::npos) authority.remove_prefix(user + 1);
  if (path.size() > 2000) return bad("URL longer than 2,000 bytes");
  std::string host;
  if (auto ip = canonical_ip(authority); ip.ok()) {
    host = ip->value;
  } else {
    if (const std::size_t colon = authority.rfind(':'); colon != std::string_view::npos) {
      if (!parse_integer<std::uint16_t>(authority.substr(colon + 1))) return bad("URL with a bad port");
      authority = authority.substr(0, colon);
    }
    TRY_ASSIGN(host, canonical_domain(authority));
  }
  if (path.empty() || path.front() != '/') host += '/';
  return host.append(path);
}

Result<Canonical> canonical(std::string_view text, std::optional<IndicatorType> type) {
  text = trimmed(text);
  if (text.empty()) return bad("empty");
  if (text.size() > 4000) return bad("longer than 4,000 bytes");
  if (!type) return guess(text);
  switch (*type) {
    case IndicatorType::kIp:
      return text.find('/') == std::string_view::npos && text.find('-') == std::string_view::npos
                 ? canonical_ip(text)
                 : canonical_network(text);
    case IndicatorType::kNetwork:
      return canonical_network(text);
    case IndicatorType::kDomain:
      return wrap(*type, canonical_domain(text));
    case IndicatorType::kUrl:
      return wrap(*type, canonical_url(text));
    case IndicatorType::kFileHash:
    case IndicatorType::kCertificate:
      return canonical_hash(text, *type);
    case IndicatorType::kMail:
      return canonical_mail(text);
    case IndicatorType::kNumber:
      return canonical_number(text);
    case IndicatorType::kPackage:
      return canonical_package(text);
  }
  return bad("unknown type");
}

std::optional<IndicatorType> parse_type(std::string_view text) {
  const std::string word = lowered(trimmed(text));
  for (const TypeWord& entry : kTypeWords)
    if (word == entry.word) return entry.type;
  return std::nullopt;
}

bool is_refused_type(std::string_view text) {
  const std::string word = lowered(trimmed(text));
  return std::find(kRefusedWords.begin(), kRefusedWords.end(), word) != kRefusedWords.end();
}

std::optional<AddressRange> parse_range(std::string_view text) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) return parse_prefix(text, slash);
  if (const std::size_t dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = IpAddress::parse(trimmed(text.substr(0, dash)));
    const auto last = IpAddress::parse(trimmed(text.substr(dash + 1)));
    if (!first || !last || first->is_v4() != last->is_v4() || *last < *first) return std::nullopt;
    return AddressRange{*first, *last};
  }
  const auto ip = IpAddress::parse(text);
  return ip ? std::optional(AddressRange{*ip, *ip}) : std::nullopt;
}

std::string range_text(const AddressRange& range) {
  if (range.first == range.last) return range.first.text();
  if (const auto bits = prefix_of(range)) return range.first.text() + "/" + std::to_string(*bits);
  return range.first.text() + "-" + range.last.text();
}

bool is_public_suffix(const std::string& domain) {
  // libpsl's compiled-in copy of publicsuffix.org; a name without a rule falls under "*", so a single label is a suffix.
  const psl_ctx_t* suffixes = psl_builtin();
  if (suffixes == nullptr) return domain.find('.') == std::string::npos;
  return psl_is_public_suffix(suffixes, domain.c_str()) != 0;
}

}  // namespace pandun::intel
