#include "sms/alphabets.h"

#include <unicode/ucnv.h>

namespace pandun::sms {
namespace {

constexpr char32_t kGsm7[129] =
    U"@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1b"
    U"ÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
constexpr unsigned char kEscape = 0x1b;

char32_t extended(unsigned char septet) {
  switch (septet) {
    case 0x0a:
      return U'\f';
    case 0x14:
      return U'^';
    case 0x28:
      return U'{';
    case 0x29:
      return U'}';
    case 0x2f:
      return U'\\';
    case 0x3c:
      return U'[';
    case 0x3d:
      return U'~';
    case 0x3e:
      return U']';
    case 0x40:
      return U'|';
    case 0x65:
      return U'€';
    default:
      return U' ';  // 6.2.1.1: an unknown escape is shown as a space
  }
}

class SeptetSink {
 public:
  explicit SeptetSink(Characters& out) : out_(out) {}
  void put(unsigned char septet) {
    septet &= 0x7f;
    if (escaped_) {
      out_.push_back(extended(septet));
      escaped_ = false;
    } else if (septet == kEscape) {
      escaped_ = true;
    } else {
      out_.push_back(kGsm7[septet]);
    }
  }

 private:
  Characters& out_;
  bool escaped_ = false;
};

void decode_packed(std::string_view octets, Characters& out) {
  SeptetSink sink(out);
  unsigned carried = 0, bits = 0;
  for (const char c : octets) {
    carried |= static_cast<unsigned>(static_cast<unsigned char>(c)) << bits;
    for (bits += 8; bits >= 7; bits -= 7, carried >>= 7) sink.put(static_cast<unsigned char>(carried & 0x7f));
  }
}

void decode_utf16(std::string_view octets, Characters& out) {
  std::vector<UChar, WipingAllocator<UChar>> units;
  units.reserve(octets.size() / 2);
  for (std::size_t i = 0; i + 1 < octets.size(); i += 2)
    units.push_back(
        static_cast<UChar>(static_cast<unsigned char>(octets[i]) << 8 | static_cast<unsigned char>(octets[i + 1])));
  append_utf16(units, units.size(), out);
}

bool decode_gbk(std::string_view octets, Characters& out) {
  UErrorCode code = U_ZERO_ERROR;
  UConverter* converter = ucnv_open("gb18030", &code);
  if (U_FAILURE(code) != 0) return false;
  std::vector<UChar, WipingAllocator<UChar>> units(octets.size() * 2 + 2);
  const std::int32_t size = ucnv_toUChars(converter, units.data(), static_cast<std::int32_t>(units.size()),
                                          octets.data(), static_cast<std::int32_t>(octets.size()), &code);
  ucnv_close(converter);
  if (U_FAILURE(code) != 0) return false;
  append_utf16(units, static_cast<std::size_t>(size), out);
  return true;
}

}  // namespace

bool decode_octets(Alphabet alphabet, std::string_view octets, Characters& out) {
  out.reserve(out.size() + octets.size() * 8 / 7 + 1);
  switch (alphabet) {
    case Alphabet::kGsm7: {
      SeptetSink sink(out);
      for (const char c : octets) sink.put(static_cast<unsigned char>(c));
      return true;
    }
    case Alphabet::kGsm7Packed:
      decode_packed(octets, out);
      return true;
    case Alphabet::kAscii:
      for (const char c : octets) {
        if ((static_cast<unsigned char>(c) & 0x80) != 0) return false;
        out.push_back(static_cast<char32_t>(c));
      }
      return true;
    case Alphabet::kLatin1:
      for (const char c : octets) out.push_back(static_cast<unsigned char>(c));
      return true;
    case Alphabet::kUcs2:
      decode_utf16(octets, out);
      return true;
    case Alphabet::kGbk:
      return decode_gbk(octets, out);
    case Alphabet::kBinary:
    case Alphabet::kOther:
      break;
  }
  return false;
}

}  // namespace pandun::sms
