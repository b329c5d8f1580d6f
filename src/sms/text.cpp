#include "sms/text.h"

#include <unicode/unorm2.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <string>

#include "sms/alphabets.h"

namespace pandun::sms {

struct TextReader::Folded {
  Characters characters;
  std::vector<LinkDomain> links;
};

namespace {

constexpr std::size_t kMessageOverheadBytes = 512;
constexpr unsigned kPartsMax = 32;  // every piece is compared with all before it; phones stop at about ten

// Letters of other scripts that look like Latin ones, after case folding. From Unicode's confusables.txt (UTS 39), the part that
// is seen in fraud messages.
struct LookAlike {
  char32_t from, to;
};
constexpr LookAlike kLookAlikes[] = {
    {U'ɑ', U'a'}, {U'ɡ', U'g'},  {U'ı', U'i'}, {U'ο', U'o'}, {U'α', U'a'}, {U'ν', U'v'}, {U'ρ', U'p'},  {U'υ', U'u'},
    {U'χ', U'x'}, {U'ι', U'i'},  {U'κ', U'k'}, {U'а', U'a'}, {U'в', U'b'}, {U'е', U'e'}, {U'к', U'k'},  {U'м', U'm'},
    {U'н', U'h'}, {U'о', U'o'},  {U'р', U'p'}, {U'с', U'c'}, {U'т', U't'}, {U'у', U'y'}, {U'х', U'x'},  {U'ѕ', U's'},
    {U'і', U'i'}, {U'ј', U'j'},  {U'һ', U'h'}, {U'ԁ', U'd'}, {U'ԛ', U'q'}, {U'ԝ', U'w'}, {U'օ', U'o'},  {U'ո', U'n'},
    {U'ս', U'u'}, {U'。', U'.'}, {U'‐', U'-'}, {U'‑', U'-'}, {U'–', U'-'}, {U'—', U'-'}, {U'〜', U'~'}, {U'’', U'\''},
};
// Endings that make a bare name a link. With a scheme or a path any ending does.
constexpr std::string_view kEndings[] = {
    "com",  "cn",   "net",  "org",    "top",  "xyz",  "vip",  "cc",   "io",  "app", "info", "me",  "tv",
    "club", "shop", "site", "online", "work", "link", "live", "icu",  "fun", "pub", "ltd",  "biz", "tk",
    "ml",   "ga",   "cf",   "gq",     "ru",   "in",   "us",   "uk",   "hk",  "tw",  "gov",  "edu", "mobi",
    "asia", "pro",  "ink",  "ren",    "wang", "xin",  "so",   "la",   "co",  "ly",  "gl",   "gd",  "to",
    "be",   "pw",   "ws",   "store",  "tech", "win",  "bid",  "cyou", "sbs", "cfd", "buzz", "rest"};

char32_t unlike(char32_t c) {
  if (c < 0x80) return c;
  if (c == TextReader::kLinkMark) return 0xfffd;
  for (const LookAlike& pair : kLookAlikes)
    if (pair.from == c) return pair.to;
  return c;
}

bool space(char32_t c) {
  return c == U' ' || (c >= 9 && c <= 13) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
         c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}
bool alnum(char32_t c) {
  return (c >= U'0' && c <= U'9') || (c >= U'a' && c <= U'z');
}
bool host_character(char32_t c) {
  return alnum(c) || c == U'-' || c == U'.';
}
bool graphic(char32_t c) {
  return c > U' ' && c < 0x7f;
}

// NFKC with case folding; drops what is invisible (Default_Ignorable_Code_Point). Source: UAX 15, UTS 46 section 4.
Characters normalised(const Characters& text) {
  std::vector<UChar, WipingAllocator<UChar>> units;
  units.reserve(text.size() + 8);
  for (const char32_t c : text) {
    if (c > 0xffff) {
      units.push_back(static_cast<UChar>(0xd7c0 + (c >> 10)));
      units.push_back(static_cast<UChar>(0xdc00 | (c & 0x3ff)));
    } else {
      units.push_back(static_cast<UChar>(c));
    }
  }
  UErrorCode code = U_ZERO_ERROR;
  const UNormalizer2* const form = unorm2_getNFKCCasefoldInstance(&code);
  CHECK(U_SUCCESS(code) != 0);
  std::vector<UChar, WipingAllocator<UChar>> folded(units.size() * 4 + 64);
  std::int32_t size = unorm2_normalize(form, units.data(), static_cast<std::int32_t>(units.size()), folded.data(),
                                       static_cast<std::int32_t>(folded.size()), &code);
  if (code == U_BUFFER_OVERFLOW_ERROR) {
    code = U_ZERO_ERROR;
    folded = std::vector<UChar, WipingAllocator<UChar>>(static_cast<std::size_t>(size) + 1);
    size = unorm2_normalize(form, units.data(), static_cast<std::int32_t>(units.size()), folded.data(),
                            static_cast<std::int32_t>(folded.size()), &code);
  }
  Characters out;
  if (U_FAILURE(code) != 0) return out;
  out.reserve(static_cast<std::size_t>(size));
  append_utf16(folded, static_cast<std::size_t>(size), out);
  for (char32_t& c : out) c = unlike(c);
  return out;
}

struct FoundLink {
  std::size_t begin = 0, end = 0, host = 0, host_end = 0;  // host == host_end: a name that is not ASCII
};

bool starts(const Characters& text, std::size_t at, std::u32string_view words) {
  return text.size() - at >= words.size() &&
         std::equal(words.begin(), words.end(), text.begin() + static_cast<std::ptrdiff_t>(at));
}

bool known_ending(const Characters& text, std::size_t from, std::size_t to) {
  for (const std::string_view ending : kEndings)
    if (ending.size() == to - from &&
        std::equal(ending.begin(), ending.end(), text.begin() + static_cast<std::ptrdiff_t>(from),
                   [](char a, char32_t b) { return static_cast<char32_t>(a) == b; }))
      return true;
  return false;
}

// A host name that starts here, or an empty range.
bool read_host(const Characters& text, std::size_t from, bool certain, FoundLink& out) {
  std::size_t end = from;
  while (end < text.size() && host_character(text[end])) ++end;
  bool path = end < text.size() && (text[end] == U'/' || text[end] == U':' || text[end] == U'?');
  while (end > from && !alnum(text[end - 1])) --end, path = false;
  if (end - from < 4 || end - from > 253) return false;
  std::size_t label = from, labels = 1;
  bool numeric = true;
  for (std::size_t i = from; i < end; ++i) {
    if (text[i] == U'.') {
      if (i == label || i - label > 63) return false;
      label = i + 1;
      ++labels;
    } else if (text[i] < U'0' || text[i] > U'9') {
      numeric = false;
    }
  }
  if (labels < 2) return false;
  const bool letters =
      std::all_of(text.begin() + static_cast<std::ptrdiff_t>(label), text.begin() + static_cast<std::ptrdiff_t>(end),
                  [](char32_t c) { return c >= U'a' && c <= U'z'; });
  const bool name = letters && end - label >= 2 && (certain || path || known_ending(text, label, end));
  const bool address = numeric && labels == 4 && (certain || path);
  const bool punycode = starts(text, label, U"xn--");
  if (!name && !address && !punycode) return false;
  out.host = from;
  out.host_end = end;
  out.end = end;
  if (path)
    while (out.end < text.size() && graphic(text[out.end])) ++out.end;
  while (out.end > end && !alnum(text[out.end - 1]) && text[out.end - 1] != U'/') --out.end;
  return true;
}

bool find_link(const Characters& text, std::size_t from, FoundLink& out) {
  for (std::size_t i = from; i < text.size(); ++i) {
    out.begin = i;
    for (const std::u32string_view scheme : {std::u32string_view(U"http://"), std::u32string_view(U"https://")}) {
      if (!starts(text, i, scheme)) continue;
      if (read_host(text, i + scheme.size(), true, out)) return true;
      out.host = out.host_end = i;
      out.end = i + scheme.size();
      while (out.end < text.size() && !space(text[out.end])) ++out.end;
      return true;
    }
    if (!alnum(text[i]) || (i > 0 && (host_character(text[i - 1]) || text[i - 1] == U'@'))) continue;
    if (read_host(text, i, false, out)) return true;
  }
  return false;
}

void drop_spaces(Characters& text) {
  text.erase(std::remove_if(text.begin(), text.end(), space), text.end());
}

}  // namespace

void TextReader::fold(const SecretText& text, Folded& out) {
  out.characters = normalised(text.characters_);
  take_links(out);
  drop_spaces(out.characters);
}

void TextReader::take_links(Folded& text) {
  Characters kept;
  kept.reserve(text.characters.size());
  std::size_t at = 0;
  FoundLink link;
  while (find_link(text.characters, at, link)) {
    kept.insert(kept.end(), text.characters.begin() + static_cast<std::ptrdiff_t>(at),
                text.characters.begin() + static_cast<std::ptrdiff_t>(link.begin));
    kept.push_back(kLinkMark);
    LinkDomain& domain = text.links.emplace_back();
    for (std::size_t i = link.host; i < link.host_end; ++i)
      domain.bytes_[domain.size_++] = static_cast<char>(text.characters[i]);
    at = link.end;
  }
  kept.insert(kept.end(), text.characters.begin() + static_cast<std::ptrdiff_t>(at), text.characters.end());
  text.characters = std::move(kept);
}

std::vector<char32_t> TextReader::folded_template(std::string_view utf8) {
  SecretText text;
  for (std::int32_t i = 0, size = static_cast<std::int32_t>(utf8.size()); i < size;) {
    UChar32 c = 0;
    U8_NEXT_OR_FFFD(reinterpret_cast<const std::uint8_t*>(utf8.data()), i, size, c);
    text.characters_.push_back(static_cast<char32_t>(c));
  }
  Folded folded;
  fold(text, folded);
  return {folded.characters.begin(), folded.characters.end()};
}

std::uint64_t TextReader::skeleton_hash(const Folded& text) const {
  Characters skeleton;
  skeleton.reserve(text.characters.size());
  for (const char32_t c : text.characters) {
    const bool digit = c >= U'0' && c <= U'9';
    if (digit && !skeleton.empty() && skeleton.back() == U'0') continue;
    skeleton.push_back(digit ? U'0' : c);
  }
  const std::string hex = platform::keyed_hash_hex(
      key_, {reinterpret_cast<const char*>(skeleton.data()), skeleton.size() * sizeof(char32_t)});
  std::uint64_t out = 0;
  std::from_chars(hex.data(), hex.data() + 16, out, 16);
  return out;
}

Finding TextReader::compare(const Contract& contract, const SecretText& text, bool whole) const {
  Folded folded;
  if (whole) {
    fold(text, folded);
  } else {
    // The last word may go on in the next piece: a link cut in two would look like another one.
    SecretText sure;
    std::size_t size = text.characters_.size();
    while (size > 0 && (graphic(text.characters_[size - 1]) || U16_IS_SURROGATE(text.characters_[size - 1]))) --size;
    sure.characters_.assign(text.characters_.begin(), text.characters_.begin() + static_cast<std::ptrdiff_t>(size));
    fold(sure, folded);
  }
  Finding out;
  out.match = Match::kUnregistered;
  for (const LinkDomain& link : folded.links) {
    if (out.domain.empty()) out.domain = link;
    if (!contract.registered_domain(link.text())) {
      if (!out.foreign_link && !link.empty()) out.domain = link;  // the one that speaks against it
      out.foreign_link = true;
    }
  }
  for (const SenderTemplate& candidate : contract.templates()) {
    if (!candidate.pattern.matches(folded.characters.data(), folded.characters.size(), whole)) continue;
    out.template_hash = candidate.hash;
    out.match = !whole                                          ? Match::kIncomplete
                : candidate.kind == TemplateKind::kVerification ? Match::kVerification
                                                                : Match::kRegistered;
    return out;
  }
  out.template_hash = skeleton_hash(folded);
  return out;
}

bool TextReader::decode(const Body& body, SecretText& out) {
  return decode_octets(body.alphabet, {body.bytes_.data(), body.bytes_.size()}, out.characters_);
}

Finding TextReader::read(const Contract& contract, Body body, Hash128 conversation, Assembly& assembly,
                         std::chrono::nanoseconds now) const {
  SecretText text;
  if (body.part.total > kPartsMax || !decode(body, text)) return {};
  const Part part = body.part;
  if (part.total <= 1) return compare(contract, text, true);

  const std::uint64_t facts[] = {conversation.hi, conversation.lo, part.reference, part.total};
  const Hash128 id = hash128({reinterpret_cast<const char*>(facts), sizeof facts});
  auto [found, fresh] = assembly.messages_.try_emplace(id);
  Assembly::Message& message = found->second;
  if (fresh) {
    message.parts.resize(part.total);
    message.here.resize(part.total);
    message.since = now;
    message.bytes = kMessageOverheadBytes + part.total * sizeof(SecretText);
    assembly.bytes_ += message.bytes;
  }
  SecretText& place = message.parts[part.number - 1U];
  const std::size_t before = place.size() * sizeof(char32_t), after = text.size() * sizeof(char32_t);
  place = std::move(text);
  message.here[part.number - 1U] = true;
  message.bytes += after - before;  // wraps and unwraps: both are unsigned
  assembly.bytes_ += after - before;

  SecretText joined;
  bool whole = true;
  for (std::size_t i = 0; i < message.parts.size() && whole; ++i) {
    whole = message.here[i];
    append_utf16(message.parts[i].characters_, message.parts[i].characters_.size(), joined.characters_);
  }
  const bool all_here = std::all_of(message.here.begin(), message.here.end(), [](bool b) { return b; });
  Finding out = compare(contract, joined, whole);
  if (message.condemned) out.match = Match::kUnregistered;
  message.condemned = out.match == Match::kUnregistered;
  if (all_here) {
    assembly.forget(found);
  } else {
    while (assembly.bytes_ > assembly.bytes_max_ && !assembly.messages_.empty())
      assembly.forget(std::min_element(assembly.messages_.begin(), assembly.messages_.end(),
                                       [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
  return out;
}

void Assembly::forget(Messages::iterator message) {
  bytes_ -= message->second.bytes;
  messages_.erase(message);
}

void Assembly::expire(std::chrono::nanoseconds now) {
  for (auto it = messages_.begin(); it != messages_.end();) {
    const auto next = std::next(it);
    if (now - it->second.since > keep_) forget(it);
    it = next;
  }
}

}  // namespace pandun::sms
