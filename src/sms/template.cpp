#include "sms/template.h"

#include <charconv>

#include "sms/text.h"

namespace pandun::sms {
namespace {

struct PlaceInfo {
  std::string_view name;
  Pattern::Place place;
  unsigned least, most;  // characters, where the template does not say
};
constexpr PlaceInfo kPatternPlaces[] = {
    {"digits", Pattern::Place::kDigits, 1, 12}, {"amount", Pattern::Place::kAmount, 1, 16},
    {"date", Pattern::Place::kDate, 1, 24},     {"url", Pattern::Place::kUrl, 1, 1},
    {"name", Pattern::Place::kName, 1, 24},     {"text", Pattern::Place::kText, 1, 70},
};
constexpr unsigned kMostCharacters = 500;

bool digit(char32_t c) {
  return c >= U'0' && c <= U'9';
}

bool fits(const Pattern::Step& step, char32_t c) {
  switch (step.place) {
    case Pattern::Place::kLiteral:
      return c == step.literal;
    case Pattern::Place::kDigits:
      return digit(c);
    case Pattern::Place::kAmount:
      return digit(c) || c == U',' || c == U'.';
    case Pattern::Place::kDate:
      return digit(c) || std::u32string_view(U"-/:.年月日号时点分秒").find(c) != std::u32string_view::npos;
    case Pattern::Place::kUrl:
      return c == TextReader::kLinkMark;
    case Pattern::Place::kName:
      return c != TextReader::kLinkMark && !digit(c) &&
             (c >= 0x80 || (c >= U'a' && c <= U'z') || c == U'*' || c == U'.');
    case Pattern::Place::kText:
      return c != TextReader::kLinkMark;
  }
  return false;
}

bool number(std::string_view text, unsigned& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<> Pattern::add_place(std::string_view words) {
  const std::size_t colon = std::min(words.find(':'), words.size());
  for (const PlaceInfo& info : kPatternPlaces) {
    if (words.substr(0, colon) != info.name) continue;
    unsigned least = info.least, most = info.most;
    if (colon < words.size()) {
      const std::string_view bounds = words.substr(colon + 1);
      const std::size_t dash = bounds.find('-');
      const bool read = dash == std::string_view::npos
                            ? number(bounds, least) && number(bounds, most)
                            : number(bounds.substr(0, dash), least) && number(bounds.substr(dash + 1), most);
      if (!read || least > most || most == 0 || most > kMostCharacters)
        return error(Errc::kBadConfig, "template",
                     "{" + std::string(words) + "}: a length is N or N-M, at most " + std::to_string(kMostCharacters));
    }
    for (unsigned i = 0; i < most; ++i) steps_.push_back({info.place, i >= least, 0});
    return {};
  }
  return error(Errc::kBadConfig, "template",
               "{" + std::string(words) + "} is not a place; known: digits, amount, date, url, name, text");
}

Result<Pattern> Pattern::compile(std::string_view text) {
  Pattern out;
  std::size_t fixed = 0;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    for (const char32_t c : TextReader::folded_template(text.substr(0, open))) {
      out.steps_.push_back({c == TextReader::kLinkMark ? Place::kUrl : Place::kLiteral, false, c});
      ++fixed;
    }
    text.remove_prefix(open);
    if (text.empty()) break;
    const std::size_t close = text.find('}');
    if (close == std::string_view::npos) return error(Errc::kBadConfig, "template", "a { without its }");
    TRY(out.add_place(text.substr(1, close - 1)));
    text.remove_prefix(close + 1);
  }
  if (fixed < 2) return error(Errc::kBadConfig, "template", "fewer than two fixed characters: it would fit anything");
  return out;
}

bool Pattern::matches(const char32_t* text, std::size_t size, bool whole) const {
  std::vector<std::uint32_t> open, next, seen(steps_.size() + 1, 0);
  const auto add = [&](std::vector<std::uint32_t>& list, std::uint32_t at, std::uint32_t round) {
    for (;; ++at) {
      if (seen[at] == round) return;
      seen[at] = round;
      list.push_back(at);
      if (at == steps_.size() || !steps_[at].optional) return;
    }
  };
  add(open, 0, 1);
  for (std::size_t i = 0; i < size; ++i) {
    next.clear();
    for (const std::uint32_t at : open)
      if (at < steps_.size() && fits(steps_[at], text[i])) add(next, at + 1, static_cast<std::uint32_t>(i + 2));
    if (next.empty()) return false;
    open.swap(next);
  }
  if (!whole) return true;
  for (const std::uint32_t at : open)
    if (at == steps_.size()) return true;
  return false;
}

}  // namespace pandun::sms
