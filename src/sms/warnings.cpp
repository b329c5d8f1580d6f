#include "sms/warnings.h"

#include <unicode/utf8.h>

#include <algorithm>

#include "base/toml.h"

namespace pandun::sms {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kPiecesMax = 4;
constexpr std::string_view kWarningPlaces[] = {"number", "place", "time", "count"};
// The part of the GSM 7-bit alphabet that has ASCII's codes (3GPP TS 23.038 6.2.1).
constexpr std::string_view kPlain =
    "\n\r !\"#%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

std::string bad_place(std::string_view text) {
  for (std::size_t open = text.find('{'); open != std::string_view::npos; open = text.find('{', open + 1)) {
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) return "a { without its }";
    const std::string_view name = text.substr(open + 1, close - open - 1);
    if (std::find(std::begin(kWarningPlaces), std::end(kWarningPlaces), name) == std::end(kWarningPlaces))
      return "{" + std::string(name) + "} is not a place; known: number, place, time, count";
  }
  return {};
}

}  // namespace

void MaskedFacts::put(std::string_view name, std::string value) {
  facts_.emplace_back(name, std::move(value));
}

MaskedFacts& MaskedFacts::number(model::NumberKey number) {
  std::string text = number.text();
  if (number.kind() == model::NumberKind::kE164) {
    if (text.starts_with("+86")) text.erase(0, 3);
    const bool usual = text.size() >= 11;
    const std::size_t head = usual ? 3 : text.size() / 3, tail = usual ? 4 : text.size() / 3;
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(head), text.end() - static_cast<std::ptrdiff_t>(tail), '*');
  } else if (number.kind() != model::NumberKind::kService) {
    text = "***";
  }
  put("number", std::move(text));
  return *this;
}

MaskedFacts& MaskedFacts::place(std::string_view name) {
  const bool letters =
      name.size() <= 40 && std::none_of(name.begin(), name.end(), [](char c) {
        return (c >= '0' && c <= '9') || c == '{' || c == '}' || c == '/' || static_cast<unsigned char>(c) < ' ';
      });
  put("place", letters ? std::string(name) : std::string());
  return *this;
}

MaskedFacts& MaskedFacts::time(WallMs at, std::chrono::minutes zone) {
  const std::int64_t minutes = ((at.ms / 60'000 + zone.count()) % 1440 + 1440) % 1440;
  const auto two = [](std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); };
  put("time", two(minutes / 60) + ":" + two(minutes % 60));
  return *this;
}

MaskedFacts& MaskedFacts::count(std::uint64_t count) {
  put("count", std::to_string(count));
  return *this;
}

std::string_view MaskedFacts::find(std::string_view name) const {
  for (const auto& [known, value] : facts_)
    if (known == name) return value;
  return {};
}

Result<Warnings> Warnings::read(std::string_view text, const std::string& file) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, file + ":" + std::to_string(bad->line) + ":" + std::to_string(bad->column),
                 bad->message);
  Warnings out;
  const toml::array* const list = root["warning"].as_array();
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const toml::table* const table = (*list)[i].as_table();
    const std::string where = file + ":" + std::to_string((*list)[i].source().begin.line);
    if (table == nullptr) return error(Errc::kBadConfig, where, "write [[warning]]");
    One one{(*table)["id"].value_or(std::string()), (*table)["zh"].value_or(std::string()),
            (*table)["en"].value_or(std::string())};
    if (one.id.empty() || one.zh.empty() || one.en.empty())
      return error(Errc::kBadConfig, where, "a warning has id, zh and en");
    if (out.find(one.id) != nullptr) return error(Errc::kBadConfig, where, one.id + " stands twice");
    for (const std::string& words : {one.zh, one.en}) {
      if (const std::string bad = bad_place(words); !bad.empty()) return error(Errc::kBadConfig, where, bad);
      if (encode_message(words, 0).pieces.empty())
        return error(Errc::kBadConfig, where, one.id + " is longer than " + std::to_string(kPiecesMax) + " messages");
    }
    out.warnings_.push_back(std::move(one));
  }
  return out;
}

const Warnings::One* Warnings::find(std::string_view id) const {
  for (const One& one : warnings_)
    if (one.id == id) return &one;
  return nullptr;
}

std::string Warnings::render(std::string_view id, Language language, const MaskedFacts& facts) const {
  const One* const one = find(id);
  if (one == nullptr) return {};
  const std::string& words = language == Language::kChinese ? one->zh : one->en;
  std::string out;
  for (std::size_t at = 0; at < words.size();) {
    const std::size_t open = std::min(words.find('{', at), words.size());
    out.append(words, at, open - at);
    if (open == words.size()) break;
    const std::size_t close = words.find('}', open);
    const std::string_view fact = facts.find(std::string_view(words).substr(open + 1, close - open - 1));
    if (fact.empty()) return {};
    out.append(fact);
    at = close + 1;
  }
  return out;
}

Encoded encode_message(std::string_view utf8, std::uint8_t reference, bool flash) {
  Encoded out;
  const bool plain = utf8.find_first_not_of(kPlain) == std::string_view::npos;
  std::string octets;
  if (plain) {
    octets = utf8;
  } else {
    out.data_coding = 8;
    const auto put = [&octets](std::uint32_t unit) {
      octets.push_back(static_cast<char>(unit >> 8 & 0xff));
      octets.push_back(static_cast<char>(unit & 0xff));
    };
    for (std::int32_t i = 0, size = static_cast<std::int32_t>(utf8.size()); i < size;) {
      UChar32 character = 0;
      U8_NEXT_OR_FFFD(reinterpret_cast<const std::uint8_t*>(utf8.data()), i, size, character);
      const auto c = static_cast<std::uint32_t>(character);
      if (c > 0xffff)
        put(0xd7c0 + (c >> 10)), put(0xdc00 | (c & 0x3ff));
      else
        put(c);
    }
  }
  if (flash) out.data_coding = static_cast<std::uint8_t>(out.data_coding | 0x10);
  const std::size_t whole = plain ? 160 : 140, piece = plain ? 153 : 134;
  if (octets.size() <= whole) {
    out.pieces.push_back(std::move(octets));
    return out;
  }
  const std::size_t total = (octets.size() + piece - 1) / piece;
  if (total > kPiecesMax) return out;
  for (std::size_t i = 0; i < total; ++i) {
    std::string& data = out.pieces.emplace_back();
    for (const std::size_t byte :
         {std::size_t{5}, std::size_t{0}, std::size_t{3}, std::size_t{reference}, total, i + 1})
      data.push_back(static_cast<char>(byte));
    data.append(octets, i * piece, piece);
  }
  return out;
}

WarningLimits::Answer WarningLimits::take(std::uint64_t person, std::uint64_t warning, WallMs now) {
  const std::int64_t day = now.ms / kDayMs;
  if (people_.size() >= rates_.people_max && swept_ != day) {
    swept_ = day;
    std::erase_if(people_, [&](const auto& entry) {
      return entry.second.day != day &&
             std::all_of(entry.second.last.begin(), entry.second.last.end(),
                         [&](const auto& last) { return now.ms - last.second >= rates_.again_after.count(); });
    });
  }
  if (people_.size() >= rates_.people_max && !people_.contains(person)) return Answer::kFull;
  Person& mine = people_[person];
  if (mine.day != day) {
    mine.day = day;
    mine.today = 0;
  }
  const auto last =
      std::find_if(mine.last.begin(), mine.last.end(), [&](const auto& one) { return one.first == warning; });
  if (last != mine.last.end() && now.ms - last->second < rates_.again_after.count()) return Answer::kTooSoon;
  if (mine.today >= rates_.per_person_a_day) return Answer::kTooMany;
  ++mine.today;
  if (last == mine.last.end())
    mine.last.emplace_back(warning, now.ms);
  else
    last->second = now.ms;
  return Answer::kGo;
}

}  // namespace pandun::sms
