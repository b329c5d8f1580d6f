// Tokens and masks: what a number or a device looks like outside the engine's memory (safeguards 3 and 4).
//
// Token    "n26-" + 32 hex digits: BLAKE2b-128 keyed with the site's key for (purpose, year); devices begin with "d26-".
//          One-way without the key; another year or another site gives another token for the same number.
// Mask     country code, the first three and the last two digits ("+86138******00"), never with fewer than six digits
//          hidden: the mask alone fits at least a million subscribers. Short service numbers (110, 10086) are not persons'
//          and stay clear; longer ones keep their first eight digits. Hashed numbers show six digits of their token.
// Threads  const methods are thread-safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "model/alert.h"
#include "model/number.h"
#include "platform/keyed_digest.h"
#include "platform/seal.h"

namespace pandun::guard {

int year_of(EventMs at);  // civil year at +08:00

class NumberTokens {
 public:
  explicit NumberTokens(const platform::SealKey& site_key) : site_key_(site_key) {}
  std::string number(model::NumberKey number, int year) const;
  // The same for many numbers of one year, whose key is made once.
  class Year {
   public:
    static constexpr std::size_t kBytes = 36, kMaskMax = 24;
    struct Shown {
      std::array<char, kBytes> token{};
      std::array<char, kMaskMax> mask{};
      std::size_t mask_size = 0;
    };
    // Token and mask of one known number, whose digits are written out once for both.
    void show(model::NumberKey number, Shown& out) const;

   private:
    friend class NumberTokens;
    Year(const platform::SealKey& key, int year) : digest_(key), year_(year) {}
    void write(std::string_view text, std::span<char, kBytes> out) const;
    platform::KeyedDigest digest_;
    int year_;
  };
  Year of_year(int year) const;
  std::string device(std::string_view device, int year) const;
  // For any entity: the token of a number or device, empty for what is not a person's.
  std::string of(const model::Entity& entity, int year) const;

 private:
  platform::SealKey site_key_;
};

// Whether a text has the form of a number's token, of whatever site and year. Nothing else does: a number in the clear, however it
// is written, must not be taken for one.
bool is_number_token(std::string_view text);

std::string mask_number(model::NumberKey number);
std::string mask_device(std::string_view device);

// True for the kinds that may name a person and so are tokenised, masked and sealed.
constexpr bool is_personal(model::EntityKind kind) {
  return kind == model::EntityKind::kNumber || kind == model::EntityKind::kDevice;
}

}  // namespace pandun::guard
