#include "sms/consents.h"

#include <fmt/format.h>

#include <algorithm>

namespace pandun::sms {
namespace {

constexpr std::chrono::seconds kLook{10};

bool same(const platform::FileInfo& a, const platform::FileInfo& b) {
  return a.size == b.size && a.modified_ms == b.modified_ms && a.inode == b.inode && a.device == b.device;
}

}  // namespace

Result<std::unique_ptr<ListedConsent>> ListedConsent::open(platform::FileSystem& files, std::string path,
                                                           const NumberReader& numbers, platform::Clock& clock) {
  auto out = std::unique_ptr<ListedConsent>(new ListedConsent(files, std::move(path), numbers, clock));
  out->looked_ = clock.steady();
  if (out->path_.empty()) return out;
  TRY_ASSIGN(out->seen_, files.info(out->path_));
  TRY_ASSIGN(out->people_, out->read());
  out->good_ = true;
  return out;
}

Result<ListedConsent::People> ListedConsent::read() const {
  TRY_ASSIGN(const std::string text, platform::read_file(files_, path_));
  People out;
  std::size_t line = 1;
  for (std::size_t from = 0; from < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    std::string_view word = std::string_view(text).substr(from, end - from);
    word = word.substr(0, std::min(word.find('#'), word.size()));
    while (!word.empty() && (word.back() == ' ' || word.back() == '\r' || word.back() == '\t')) word.remove_suffix(1);
    from = end + 1;
    if (word.empty()) continue;
    const model::NumberKey number = numbers_.read(word);
    if (number.kind() != model::NumberKind::kE164)
      return error(Errc::kBadConfig, fmt::format("{}:{}", path_, line), "not a telephone number");
    out.insert(number.bits());
  }
  return out;
}

void ListedConsent::look() const {
  const std::chrono::nanoseconds now = clock_.steady();
  if (path_.empty() || now - looked_ < kLook) return;
  looked_ = now;
  const auto info = files_.info(path_);
  if (info.ok() && good_ && same(*info, seen_)) return;
  // Seen before it is read: what changes meanwhile is read at the next look.
  auto next = info.ok() ? read() : Result<People>(info.error());
  good_ = next.ok();
  people_.clear();
  if (!good_) {
    ++unreadable_;
    return;
  }
  seen_ = *info;
  people_ = std::move(next).value();
}

bool ListedConsent::may_warn(model::NumberKey person) const {
  const std::scoped_lock lock(mutex_);
  look();
  return people_.contains(person.bits());
}

std::size_t ListedConsent::people() const {
  const std::scoped_lock lock(mutex_);
  look();
  return people_.size();
}

}  // namespace pandun::sms
