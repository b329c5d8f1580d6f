#include "sip/caller.h"

#include <algorithm>
#include <cstring>

#include "sip/text.h"

namespace pandun::sip {
namespace {

int hex(char c) {
  return is_digit(c) ? c - '0' : lower(c) - 'a' + 10;
}

bool number_char(char c) {
  return is_digit(c) || c == '*' || c == '#';
}

bool anonymous(const Uri& uri) {
  return same_word(uri.host, "anonymous.invalid") || (same_word(uri.user, "anonymous") && !uri.host.empty()) ||
         (!uri.has_user && uri.scheme != Scheme::kTel);
}

// All addresses of a header that may be repeated and comma-joined; stops when `each` says so.
template <typename Each>
void for_each_address(const Message& message, Name name, Each&& each) {
  const std::uint16_t first = message.first[static_cast<std::size_t>(name)];
  if (first == 0) return;
  for (std::size_t i = first - 1U; i < message.field_count; ++i) {
    if (message.fields[i].name != name) continue;
    std::string_view rest = message.fields[i].value;
    do {
      Address address;
      if (!parse_address(rest, address, &rest)) break;
      if (!each(address, message.fields[i].value)) return;
    } while (!rest.empty());
  }
}

Verstat verstat_of(const Uri& uri) {
  bool found = false;
  std::string_view value = parameter(uri.params, "verstat", found);
  if (!found) {  // the tel parameters of a sip URI stand in its user part
    const std::size_t semicolon = uri.user.find(';');
    if (semicolon != std::string_view::npos) value = parameter(uri.user.substr(semicolon + 1), "verstat", found);
  }
  if (same_word(value, "tn-validation-passed")) return Verstat::kPassed;
  return same_word(value, "tn-validation-failed") ? Verstat::kFailed : Verstat::kNone;
}

void read_diversion(const Message& message, Parties& out) {
  // The first Diversion is the last forwarder (RFC 5806 section 5).
  for_each_address(message, Name::kDiversion, [&](const Address& address, std::string_view) {
    if (out.diversions == 0) out.diverted_by.read(address.uri);
    out.diversions = static_cast<std::uint8_t>(std::min(out.diversions + 1, 255));
    return true;
  });
  if (out.diversions != 0) return;
  // History-Info lists every target in order; the last is where it goes now, the one before it sent it there.
  Uri last, before;
  std::size_t entries = 0;
  for_each_address(message, Name::kHistoryInfo, [&](const Address& address, std::string_view) {
    before = last;
    last = address.uri;
    ++entries;
    return true;
  });
  if (entries < 2) return;
  out.diversions = static_cast<std::uint8_t>(std::min<std::size_t>(entries - 1, 255));
  out.diverted_by.read(before);
}

}  // namespace

bool NumberText::copy_digits(std::string_view user) {
  const std::size_t plus = !user.empty() && user.front() == '+' ? 1 : 0;
  if (user.size() == plus || user.size() > kMax) return false;
  bool digits = true;
  for (const char c : user.substr(plus)) digits &= is_digit(c);
  if (!digits) return false;
  std::memcpy(text_.data(), user.data(), user.size());
  size_ = user.size();
  return true;
}

bool NumberText::put(char c) {
  if (size_ == kMax) return false;
  text_[size_++] = c;
  return true;
}

void NumberText::read(const Uri& uri) {
  clear();
  std::string_view user = uri.user, params = uri.scheme == Scheme::kTel ? uri.params : std::string_view();
  if (uri.scheme != Scheme::kTel) {
    if (const std::size_t semicolon = user.find(';'); semicolon != std::string_view::npos) {
      params = user.substr(semicolon + 1);
      user = user.substr(0, semicolon);
    }
  }
  // Nearly all are digits in international form, or have no parameters: ready as they are.
  if ((params.empty() || user.starts_with('+')) && copy_digits(user)) {
    number = true;
    return;
  }
  bool digits = !user.empty(), whole = true;
  std::array<char, kMax> decoded;
  std::size_t size = 0;
  for (std::size_t i = 0; i < user.size() && whole; ++i) {
    char c = user[i];
    if (c == '%' && user.size() - i >= 3) {
      c = static_cast<char>(hex(user[i + 1]) * 16 + hex(user[i + 2]));
      i += 2;
    }
    whole = size < kMax;
    if (whole) decoded[size++] = c;
  }
  // A name that does not fit stays a name: its end is not cut off silently, it is no number.
  bool plus = false;
  for (std::size_t i = 0; i < size; ++i) {
    const char c = decoded[i];
    if (c == '+' && i == 0) {
      plus = true;
    } else if (!number_char(c) && c != '-' && c != '.' && c != '(' && c != ')') {
      digits = false;
    }
  }
  number = digits && whole;
  if (!number) {
    for (std::size_t i = 0; i < size; ++i) put(decoded[i]);
    return;
  }
  bool found = false;
  const std::string_view context = plus ? std::string_view() : parameter(params, "phone-context", found);
  if (found && context.size() > 1 && context.front() == '+' &&
      std::all_of(context.begin() + 1, context.end(), is_digit)) {
    for (const char c : context.substr(0, 8)) put(c);
  }
  for (std::size_t i = 0; i < size; ++i)
    if (number_char(decoded[i]) || decoded[i] == '+') number = put(decoded[i]) && number;
  if (size_ == 0 || (size_ == 1 && plus)) number = false;
}

void Parties::clear() {
  caller.clear();
  callee.clear();
  diverted_by.clear();
  source = CallerFrom::kWithheld;
  verstat = Verstat::kNone;
  privacy = asserted_differs = false;
  diversions = 0;
}

void read_parties(const Message& message, const Trunk& trunk, Parties& out) {
  out.clear();
  out.callee.read(message.target);
  const std::string_view privacy = message.value(Name::kPrivacy);
  out.privacy = privacy.find("id") != std::string_view::npos || privacy.find("user") != std::string_view::npos;
  if (trunk.trusted) {
    // At most one sip and one tel (RFC 3325 section 9.1); the first that names a user is taken.
    for_each_address(message, Name::kAssertedIdentity, [&](const Address& address, std::string_view) {
      if (anonymous(address.uri)) return true;
      out.caller.read(address.uri);
      out.verstat = verstat_of(address.uri);
      out.source = CallerFrom::kAsserted;
      return !out.caller.number;  // a number is better than a name
    });
    if (out.source == CallerFrom::kAsserted) {
      NumberText from;
      if (!anonymous(message.from.uri)) from.read(message.from.uri);
      out.asserted_differs = from.view() != out.caller.view();
    }
  }
  if (out.source == CallerFrom::kWithheld && !anonymous(message.from.uri)) {
    out.caller.read(message.from.uri);
    out.source = CallerFrom::kFrom;
    if (trunk.trusted) out.verstat = verstat_of(message.from.uri);
  }
  if (out.source == CallerFrom::kWithheld && trunk.trusted) {
    for_each_address(message, Name::kRemotePartyId, [&](const Address& address, std::string_view) {
      if (anonymous(address.uri)) return true;
      out.caller.read(address.uri);
      out.source = CallerFrom::kRemoteParty;
      return false;
    });
  }
  if (message.find(Name::kDiversion) != nullptr || message.find(Name::kHistoryInfo) != nullptr)
    read_diversion(message, out);
}

}  // namespace pandun::sip
