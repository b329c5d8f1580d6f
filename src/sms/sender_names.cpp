#include "sms/sender_names.h"

#include <unicode/uspoof.h>

#include <algorithm>
#include <utility>

#include "base/toml.h"

namespace pandun::sms {
namespace {

constexpr std::size_t kLongestSenderId = 64;

bool letters(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return c < '0' || c > '9'; });
}

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

SenderNames::SenderNames() {
  UErrorCode code = U_ZERO_ERROR;
  checker_ = uspoof_open(&code);
  CHECK(U_SUCCESS(code) != 0);
}
SenderNames::~SenderNames() {
  if (checker_ != nullptr) uspoof_close(checker_);
}
SenderNames::SenderNames(SenderNames&& other) noexcept
    : checker_(std::exchange(other.checker_, nullptr)), names_(std::move(other.names_)) {}
SenderNames& SenderNames::operator=(SenderNames&& other) noexcept {
  std::swap(checker_, other.checker_);
  std::swap(names_, other.names_);
  return *this;
}

// As written, and in lower case: "lCBC" passes for the first form of ICBC, "icbс" with a Cyrillic s for the second.
SenderNames::Skeletons SenderNames::skeletons(std::string_view text) const {
  std::string plain, small;
  for (const char c : text) {
    if (c == ' ' || c == '-' || c == '_' || c == '.') continue;
    plain.push_back(c);
    small.push_back(lower(c));
  }
  return {skeleton(plain), skeleton(small)};
}

std::string SenderNames::skeleton(std::string_view text) const {
  char out[kLongestSenderId * 16];
  UErrorCode code = U_ZERO_ERROR;
  const std::int32_t size =
      uspoof_getSkeletonUTF8(checker_, 0, text.data(), static_cast<std::int32_t>(text.size()), out, sizeof out, &code);
  std::string made(text);
  if (U_SUCCESS(code) != 0 && size <= static_cast<std::int32_t>(sizeof out))
    made.assign(out, static_cast<std::size_t>(size));
  for (char& c : made) c = lower(c);
  return made;
}

std::string_view SenderNames::imitated(std::string_view sender_id) const {
  if (names_.empty() || sender_id.empty() || sender_id.size() > kLongestSenderId) return {};
  const Skeletons seen = skeletons(sender_id);
  for (const Name& name : names_)
    for (const std::string* form : {&seen.written, &seen.small})
      for (const std::string* known : {&name.skeletons.written, &name.skeletons.small})
        if (*form == *known || (name.inside && form->find(*known) != std::string::npos)) return name.name;
  return {};
}

Result<SenderNames> SenderNames::read(std::string_view text, const std::string& file) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, file + ":" + std::to_string(bad->line) + ":" + std::to_string(bad->column),
                 bad->message);
  SenderNames out;
  const toml::array* const list = root["names"].as_array();
  if (list == nullptr) return error(Errc::kBadConfig, file, "names is missing: a list of names that senders imitate");
  for (const toml::node& node : *list) {
    const auto name = node.value<std::string>();
    if (!name || name->size() < 3 || name->size() > kLongestSenderId)
      return error(Errc::kBadConfig, file + ":" + std::to_string(node.source().begin.line),
                   "a name is a text of 3 to 64 bytes");
    out.names_.push_back({*name, out.skeletons(*name), letters(*name) && name->size() >= 4});
  }
  return out;
}

}  // namespace pandun::sms
