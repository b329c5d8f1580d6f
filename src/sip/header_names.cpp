#include "sip/header_names.h"

#include <cstring>

#include "sip/text.h"

namespace pandun::sip {
namespace {

template <typename T>
T folded(const char* at) {
  T out = 0;
  std::memcpy(&out, at, sizeof out);
  return out | static_cast<T>(0x2020202020202020ULL);
}

// Whole words at a time. The bit that makes capitals small would make a CR a '-', and nothing else what stands in a name; a CR ends
// the line, or begins a fold, whose LF stands in none.
bool same_token(std::string_view text, std::string_view word) {
  const std::size_t size = word.size();
  const char *a = text.data(), *b = word.data();
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8)
      if (folded<std::uint64_t>(a + i) != folded<std::uint64_t>(b + i)) return false;
    return folded<std::uint64_t>(a + size - 8) == folded<std::uint64_t>(b + size - 8);
  }
  if (size >= 4)
    return folded<std::uint32_t>(a) == folded<std::uint32_t>(b) &&
           folded<std::uint32_t>(a + size - 4) == folded<std::uint32_t>(b + size - 4);
  return same_word(text, word);
}

Name compact(char c) {
  switch (lower(c)) {
    case 'v':
      return Name::kVia;
    case 'f':
      return Name::kFrom;
    case 't':
      return Name::kTo;
    case 'i':
      return Name::kCallId;
    case 'l':
      return Name::kContentLength;
    case 'm':
      return Name::kContact;
    case 'y':
      return Name::kIdentity;
    default:
      return Name::kOther;  // s e k o u c a b d j r x n: read by nobody here
  }
}

}  // namespace

Name name_of(std::string_view text) {
  const auto same = [&](std::string_view word, Name name) { return same_token(text, word) ? name : Name::kOther; };
  switch (text.size()) {
    case 1:
      return compact(text[0]);
    case 2:
      return same("to", Name::kTo);
    case 3:
      return same("via", Name::kVia);
    case 4:
      return lower(text[0]) == 'f' ? same("from", Name::kFrom) : same("cseq", Name::kCSeq);
    case 5:
      return same("route", Name::kRoute);
    case 6:
      return same("reason", Name::kReason);
    case 7:
      switch (lower(text[0])) {
        case 'c':
          return lower(text[1]) == 'a' ? same("call-id", Name::kCallId) : same("contact", Name::kContact);
        case 'p':
          return same("privacy", Name::kPrivacy);
        default:
          return same("require", Name::kRequire);
      }
    case 8:
      return same("identity", Name::kIdentity);
    case 9:
      return lower(text[0]) == 'd' ? same("diversion", Name::kDiversion) : same("timestamp", Name::kTimestamp);
    case 12:
      switch (lower(text[0])) {
        case 'm':
          return same("max-forwards", Name::kMaxForwards);
        case 'h':
          return same("history-info", Name::kHistoryInfo);
        default:
          return same("feature-caps", Name::kFeatureCaps);
      }
    case 13:
      return same("proxy-require", Name::kProxyRequire);
    case 14:
      return same("content-length", Name::kContentLength);
    case 15:
      return same("remote-party-id", Name::kRemotePartyId);
    case 19:
      return same("p-asserted-identity", Name::kAssertedIdentity);
    case 20:
      return same("p-preferred-identity", Name::kPreferredIdentity);
    default:
      return Name::kOther;
  }
}

Method method_of(std::string_view text) {
  // Methods are case-sensitive (section 7.1).
  if (text == "INVITE") return Method::kInvite;
  if (text == "ACK") return Method::kAck;
  if (text == "CANCEL") return Method::kCancel;
  if (text == "BYE") return Method::kBye;
  if (text == "OPTIONS") return Method::kOptions;
  if (text == "MESSAGE") return Method::kMessage;
  if (text == "REGISTER") return Method::kRegister;
  if (text == "PRACK") return Method::kPrack;
  if (text == "UPDATE") return Method::kUpdate;
  if (text == "INFO") return Method::kInfo;
  if (text == "SUBSCRIBE") return Method::kSubscribe;
  if (text == "NOTIFY") return Method::kNotify;
  if (text == "REFER") return Method::kRefer;
  if (text == "PUBLISH") return Method::kPublish;
  return Method::kUnknown;
}

}  // namespace pandun::sip
