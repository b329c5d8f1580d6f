// Texts in every alphabet and in pieces against a sender's templates; and templates and sender lists themselves.
#include <algorithm>

#include "sms/text.h"
#include "sms/user_data_header.h"

namespace {

using namespace pandun;
using namespace pandun::sms;

struct Room {
  platform::SealKey key{std::array<unsigned char, 32>{3}};
  ContractBook book = ContractBook::read(
                          "[[sender]]\nid=\"b\"\ncontract=\"c\"\naccounts=[\"b\"]\ndomains=[\"t.cn\"]\n"
                          "[[sender.template]]\nid=\"a\"\ntext=\"ab{text:1-500}c{text:1-500}d{url}\"\n"
                          "[[sender.template]]\nid=\"b\"\ntext=\"{name}{amount}{date}{digits}ok\"\n",
                          "fuzz", key)
                          .value();
  TextReader reader{key};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static Room& room = *new Room;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (size < 5) return 0;
  if (data[0] == 0xff) {
    const auto pattern = Pattern::compile(bytes.substr(1, 2000));
    if (pattern.ok()) {
      const char32_t text[] = U"abc1234";
      pattern->matches(text, 7, (data[1] & 1) != 0);
    }
    static_cast<void>(ContractBook::read(bytes.substr(1), "fuzz", room.key));
    return 0;
  }
  const UserDataHeader header = read_user_data_header(bytes);
  CHECK(header.size <= size && header.part.number >= 1 && header.part.number <= header.part.total);
  Assembly assembly(20'000, std::chrono::seconds(5));
  std::string_view rest = bytes;
  std::chrono::nanoseconds now{0};
  while (rest.size() >= 5) {
    const auto byte = [&rest](std::size_t i) { return static_cast<unsigned char>(rest[i]); };
    Body body;
    body.alphabet = static_cast<Alphabet>(byte(0) % 8);
    body.part.total = static_cast<std::uint8_t>(std::max<unsigned>(1, byte(1) % 6));
    body.part.number = static_cast<std::uint8_t>(1 + byte(2) % body.part.total);
    body.part.reference = byte(3) % 4;
    const std::size_t length = std::min<std::size_t>(byte(4), rest.size() - 5);
    body.fill(rest.substr(5, length));
    rest.remove_prefix(5 + length);
    const Finding finding = room.reader.read(*room.book.find("b"), std::move(body), {1, 1}, assembly, now);
    for (const char c : finding.domain.text())
      CHECK((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-');
    now += std::chrono::milliseconds(500);
    assembly.expire(now);
    CHECK(assembly.bytes() < 200'000);
  }
  return 0;
}
