// CMPP 2.0 and 3.0 from both sides, in any pieces, with losses and drains in between.
#include "sms/cmpp_codec.h"
#include "sms_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const pandun::sms::CmppCodec codec;
  return pandun::sms::converse(codec, {reinterpret_cast<const char*>(data), size});
}
