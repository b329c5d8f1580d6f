// Warnings to people: a shipped text with masked facts in it, to a person who agreed to be warned, not too often.
//
// Safety   the only things that can stand in a warning are a template's own words and MaskedFacts: no clear number, no text of
//          anybody's message can be put in.
// Shape    content/sms/warnings.toml: [[warning]] with id, zh, en; places {number}, {place}, {time}, {count}.
// Errors   read(): kBadConfig with the line.
// Threads  Warnings is immutable; WarningLimits has one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/number.h"

namespace pandun::sms {

enum class Language : std::uint8_t { kChinese, kEnglish };

// What may be said about a finding.
class MaskedFacts {
 public:
  MaskedFacts& number(
      model::NumberKey number);               // "138****8000"; short numbers stay as they are: they belong to no person
  MaskedFacts& place(std::string_view name);  // country or region; at most 40 bytes, letters only
  MaskedFacts& time(WallMs at, std::chrono::minutes zone);  // "14:05"
  MaskedFacts& count(std::uint64_t count);
  std::string_view find(std::string_view name) const;  // "" when it was not given

 private:
  void put(std::string_view name, std::string value);
  std::vector<std::pair<std::string_view, std::string>> facts_;
};

class Warnings {
 public:
  static Result<Warnings> read(std::string_view text, const std::string& file);
  bool has(std::string_view id) const { return find(id) != nullptr; }
  // "" for an unknown id, or when a fact that the template needs is missing.
  std::string render(std::string_view id, Language language, const MaskedFacts& facts) const;

 private:
  struct One {
    std::string id, zh, en;
  };
  const One* find(std::string_view id) const;
  std::vector<One> warnings_;
};

// One message as SMPP carries it: user data of each piece, with its header where there are several.
struct Encoded {
  std::uint8_t data_coding = 0;  // 0 or 8; of a flash message 0x10 or 0x18
  std::vector<std::string> pieces;
};
// Flash (闪信): message class 0 of GSM 03.38, shown at once and not kept.
Encoded encode_message(std::string_view utf8, std::uint8_t reference, bool flash = false);

struct WarningRates {
  double per_second = 10;
  std::chrono::milliseconds again_after = std::chrono::hours(24);  // to one person about one thing
  std::size_t per_person_a_day = 3;
  std::size_t people_max = 200'000;  // remembered; beyond it nobody new is warned until some are forgotten
};

class WarningLimits {
 public:
  enum class Answer : std::uint8_t { kGo, kTooSoon, kTooMany, kFull };
  explicit WarningLimits(const WarningRates& rates) : rates_(rates) {}
  Answer take(std::uint64_t person, std::uint64_t warning, WallMs now);

 private:
  struct Person {
    std::int64_t day = 0;
    std::size_t today = 0;
    std::vector<std::pair<std::uint64_t, std::int64_t>> last;  // by warning
  };
  WarningRates rates_;
  std::unordered_map<std::uint64_t, Person> people_;
  std::int64_t swept_ = 0;
};

}  // namespace pandun::sms
