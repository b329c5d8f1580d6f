// Which header a name is: long and compact forms, in any case.
// Source   RFC 3261 section 7.3.3 and 20; IANA's SIP header registry.
#pragma once

#include <string_view>

#include "sip/message.h"

namespace pandun::sip {

Name name_of(std::string_view text);

}  // namespace pandun::sip
