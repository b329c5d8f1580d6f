#include "sms/user_data_header.h"

#include "sms/bytes.h"

namespace pandun::sms {
namespace {

constexpr std::uint8_t kConcatenated8 = 0x00, kPorts8 = 0x04, kPorts16 = 0x05, kConcatenated16 = 0x08;

void take_part(Reader element, bool wide, Part& part) {
  Part read;
  read.reference = wide ? element.u16() : element.u8();
  read.total = element.u8();
  read.number = element.u8();
  if (!element.ok() || read.total == 0 || read.number == 0 || read.number > read.total) return;  // 9.2.3.24.1: ignored
  part = read;
}

}  // namespace

UserDataHeader read_user_data_header(std::string_view user_data) {
  UserDataHeader out;
  Reader whole(user_data);
  const std::string_view elements = whole.take(whole.u8());
  if (!whole.ok()) return out;
  Reader reader(elements);
  while (!reader.done()) {
    const std::uint8_t kind = reader.u8();
    const std::string_view value = reader.take(reader.u8());
    if (!reader.ok()) return out;
    if (kind == kConcatenated8 || kind == kConcatenated16) take_part(Reader(value), kind == kConcatenated16, out.part);
    if (kind == kPorts8 || kind == kPorts16) out.ports = true;
  }
  out.size = whole.at();
  return out;
}

}  // namespace pandun::sms
