// The header inside a message's user data: pieces of a long message, application ports. Source: 3GPP TS 23.040 9.2.3.24.
#pragma once

#include <string_view>

#include "sms/body.h"

namespace pandun::sms {

struct UserDataHeader {
  std::size_t size = 0;  // octets before the text, the length octet included; 0 when the header does not fit its octets
  Part part;
  bool ports = false;
};
UserDataHeader read_user_data_header(std::string_view user_data);

}  // namespace pandun::sms
