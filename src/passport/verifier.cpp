#include "passport/verifier.h"

#include <algorithm>
#include <bit>

namespace pandun::passport {
namespace {

constexpr std::chrono::seconds kLook{60};
constexpr std::int64_t kRememberSeconds = 60;

}  // namespace

Verifier::Verifier(const VerifierOptions& options, platform::FileSystem& files, std::string directory,
                   platform::Clock& clock, platform::ShortHashKey key)
    : options_(options),
      files_(files),
      directory_(std::move(directory)),
      clock_(clock),
      key_(key),
      queue_(options.waiting_max, WhenFull::kShed),
      slots_(std::bit_ceil(std::max<std::size_t>(options.remembered, 64))) {}

Result<std::unique_ptr<Verifier>> Verifier::start(const VerifierOptions& options, platform::FileSystem& files,
                                                  std::string directory, platform::Clock& clock,
                                                  platform::ShortHashKey key) {
  std::unique_ptr<Verifier> out(new Verifier(options, files, std::move(directory), clock, key));
  out->fingerprint_ = out->fingerprint();
  TRY_ASSIGN(out->certificates_, Certificates::load(files, out->directory_, clock.wall()));
  for (unsigned i = 0; i < std::max(options.threads, 1U); ++i)
    out->threads_.push_back(platform::start_thread("identity", [v = out.get()](std::stop_token) { v->work(); }));
  out->threads_.push_back(
      platform::start_thread("identity keys", [v = out.get()](std::stop_token stop) { v->watch(stop); }));
  return out;
}

Verifier::~Verifier() {
  queue_.close();
  for (platform::Thread& thread : threads_) thread.request_stop();
  threads_.clear();
}

std::shared_ptr<const Certificates> Verifier::certificates() const {
  const std::scoped_lock lock(certificates_mutex_);
  return certificates_;
}

std::string Verifier::fingerprint() const {
  const auto names = files_.list(directory_);
  std::string out;
  if (!names.ok()) return out;
  for (const std::string& name : *names) {
    const auto info = files_.info(platform::join(directory_, name));
    if (!info.ok()) continue;
    out += name + '\n' + std::to_string(info->size) + ' ' + std::to_string(info->modified_ms) + ' ' +
           std::to_string(info->inode) + '\n';
  }
  return out;
}

Result<bool> Verifier::reload() {
  std::string now = fingerprint();
  if (now == fingerprint_) return false;
  // Remembered before it is read: what changes while it is read is seen at the next look.
  fingerprint_ = std::move(now);
  auto next = Certificates::load(files_, directory_, clock_.wall());
  if (!next.ok()) {
    ++reload_failures_;
    return next.error();
  }
  {
    const std::scoped_lock lock(certificates_mutex_);
    certificates_ = std::move(next).value();
  }
  ++reloads_;
  const std::scoped_lock lock(mutex_);  // verdicts under other keys say nothing any more
  std::fill(slots_.begin(), slots_.end(), Slot{});
  return true;
}

void Verifier::watch(std::stop_token stop) {
  while (platform::pause(stop, kLook)) {
    if (const auto taken = reload(); !taken.ok()) continue;  // counted; shown by the metrics
  }
}

std::uint64_t Verifier::key_of(const Asked& asked) const {
  std::string text;
  const auto add = [&](std::string_view part) {
    text += std::to_string(part.size());
    text += ':';
    text += part;
  };
  for (const std::string& header : asked.headers) add(header);
  for (const Party* party : {&asked.call.caller, &asked.call.called, &asked.call.to}) {
    add(party->number);
    add(party->uri);
  }
  text += std::to_string(asked.call.date);
  return platform::short_hash(key_, text) | 1U;
}

Verifier::Slot* Verifier::find(std::uint64_t key) {
  const std::size_t first = (key >> 8) % slots_.size() / kWays * kWays;
  for (std::size_t i = first; i < first + kWays; ++i)
    if (slots_[i].key == key) return &slots_[i];
  return nullptr;
}

Verifier::Slot& Verifier::place(std::uint64_t key, std::int64_t second) {
  const std::size_t first = (key >> 8) % slots_.size() / kWays * kWays;
  std::size_t oldest = first;
  for (std::size_t i = first; i < first + kWays; ++i)
    if (slots_[i].second < slots_[oldest].second) oldest = i;
  slots_[oldest] = {key, second, false, {}};
  return slots_[oldest];
}

void Verifier::forget(std::uint64_t key) {
  if (Slot* const slot = find(key); slot != nullptr && !slot->ready) *slot = {};
}

Verdict Verifier::counted(Verdict verdict, WallMs now, bool remembered) {
  if (remembered) ++remembered_;
  if (verdict.why == Why::kGood && !fresh(verdict.issued_at, now)) verdict.why = Why::kStale;
  ++by_why_[static_cast<std::size_t>(verdict.why)];
  if (verdict.why == Why::kGood) ++by_attest_[static_cast<std::size_t>(verdict.attest)];
  return verdict;
}

Verdict Verifier::check(const Asked& asked, WallMs now, std::chrono::nanoseconds arrived) {
  Verdict none;
  if (asked.headers.empty()) return counted(none, now, false);
  const std::uint64_t key = key_of(asked);
  const std::int64_t second = now.ms / 1000;
  std::unique_lock lock(mutex_);
  Slot* slot = find(key);
  if (slot != nullptr && slot->ready && second - slot->second < kRememberSeconds)
    return counted(slot->verdict, now, true);
  const std::chrono::nanoseconds until = arrived + options_.budget;
  none.why = Why::kLate;
  if (clock_.steady() >= until) return counted(none, now, false);
  if (slot == nullptr || slot->ready) {
    if (slot != nullptr) *slot = {};
    place(key, second);
    lock.unlock();
    const bool taken = queue_.push({key, asked, now, until});
    lock.lock();
    if (!taken) {
      forget(key);
      none.why = Why::kBusy;
      return counted(none, now, false);
    }
  }
  for (;;) {
    slot = find(key);
    if (slot == nullptr) break;  // given up, or pushed out by others
    if (slot->ready) return counted(slot->verdict, now, false);
    const auto left = until - clock_.steady();
    if (left <= std::chrono::nanoseconds(0)) break;
    done_.wait_for(lock, left);
  }
  return counted(none, now, false);
}

void Verifier::work() {
  while (auto job = queue_.pop()) {
    if (clock_.steady() >= job->until) {  // its call has gone on
      const std::scoped_lock lock(mutex_);
      forget(job->key);
      continue;
    }
    const Verdict verdict = verify(job->asked.headers, job->asked.call, *certificates(), job->now);
    ++verified_;
    {
      const std::scoped_lock lock(mutex_);
      if (Slot* const slot = find(job->key)) {
        slot->ready = true;
        slot->verdict = verdict;
      }
    }
    done_.notify_all();
  }
}

Verifier::Figures Verifier::figures() const {
  Figures out;
  for (std::size_t i = 0; i < kWhys; ++i) out.by_why[i] = by_why_[i];
  for (std::size_t i = 0; i < out.by_attest.size(); ++i) out.by_attest[i] = by_attest_[i];
  out.verified = verified_;
  out.remembered = remembered_;
  const auto now = certificates();
  out.certificates = now->size();
  out.untrusted = now->untrusted();
  out.reloads = reloads_;
  out.reload_failures = reload_failures_;
  return out;
}

}  // namespace pandun::passport
