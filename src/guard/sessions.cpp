#include "guard/sessions.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>

#include "platform/random.h"

namespace pandun::guard {
namespace {

constexpr std::int64_t kForgetMs = 24LL * 3600 * 1000;
constexpr std::int64_t kLongestMs = 15LL * 60 * 1000;
constexpr std::int64_t kTouchEveryMs = 60'000;
constexpr std::size_t kSessionIdChars = 64;

std::string csrf_of(const std::string& session_id) {
  return secret_hash("csrf:" + session_id);
}

Actor actor_of(const User& user, const std::string& address) {
  Actor actor;
  actor.name = actor.person = user.username;
  actor.user_id = user.id;
  actor.address = address;
  actor.roles = user.roles;
  return actor;
}

std::string user_subject(const std::string& username) {
  std::string folded = username.substr(0, 64);
  for (char& c : folded) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return folded;
}

}  // namespace

std::optional<std::chrono::seconds> Throttle::wait(const std::string& subject, WallMs now) const {
  const std::lock_guard lock(mutex_);
  const auto it = subjects_.find(subject);
  if (it == subjects_.end() || it->second.until_ms <= now.ms) return std::nullopt;
  return std::chrono::seconds((it->second.until_ms - now.ms + 999) / 1000);
}

void Throttle::failed(const std::string& subject, WallMs now) {
  const std::lock_guard lock(mutex_);
  if (subjects_.size() >= subjects_max_ && !subjects_.contains(subject)) make_room(now);
  State& state = subjects_[subject];
  if (now.ms - state.last_ms > kForgetMs) state.failures = 0;
  state.last_ms = now.ms;
  ++state.failures;
  if (state.failures <= free_tries_) return;
  const int doublings = std::min(state.failures - free_tries_ - 1, 20);
  state.until_ms = now.ms + std::min<std::int64_t>(kLongestMs, 1000LL << doublings);
}

void Throttle::passed(const std::string& subject) {
  const std::lock_guard lock(mutex_);
  subjects_.erase(subject);
}

// Drops what is forgotten anyway; failing that, the one that failed longest ago.
void Throttle::make_room(WallMs now) {
  const std::size_t before = subjects_.size();
  std::erase_if(subjects_, [&](const auto& entry) { return now.ms - entry.second.last_ms > kForgetMs; });
  if (subjects_.size() < before) return;
  const auto oldest = std::min_element(subjects_.begin(), subjects_.end(), [](const auto& a, const auto& b) {
    return a.second.last_ms < b.second.last_ms;
  });
  if (oldest != subjects_.end()) subjects_.erase(oldest);
}

std::optional<std::chrono::seconds> SessionDesk::retry_after(const std::string& username,
                                                             const std::string& address) const {
  const auto by_user = by_user_.wait(user_subject(username), clock_.wall());
  const auto by_address = by_address_.wait(address, clock_.wall());
  if (!by_user) return by_address;
  return by_address ? std::max(by_user, by_address) : by_user;
}

Result<SignedIn> SessionDesk::sign_in(const std::string& username, const std::string& password,
                                      const std::string& address) {
  if (const auto wait = retry_after(username, address)) {
    return error(Errc::kRateLimited, "sign-in", fmt::format("too many failures; try again in {} s", wait->count()),
                 true);
  }
  Result<User> user = identity_.check_password(username, password);
  if (!user.ok()) {
    if (user.error().code != Errc::kUnauthenticated) return std::move(user).error();
    by_user_.failed(user_subject(username), clock_.wall());
    by_address_.failed(address, clock_.wall());
    TRY(audit_.record_alone(
        {"anonymous", "session.refused", "user:" + username.substr(0, 64), {{"address", address}}}));
    return std::move(user).error();
  }
  by_user_.passed(user_subject(username));
  by_address_.passed(address);

  SignedIn in;
  in.session_id = platform::random_hex(32);
  in.info.id_hash = secret_hash(in.session_id);
  in.info.user = *user;
  in.info.actor = actor_of(*user, address);
  in.info.csrf_token = csrf_of(in.session_id);
  const WallMs now = clock_.wall();
  in.info.expires_at = WallMs{now.ms + std::chrono::milliseconds(times_.absolute).count()};
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    TRY(tx.sessions().insert({in.info.id_hash, user->id, address, now, now, in.info.expires_at}));
    return audit_.record(tx, in.info.actor, "session.open", "user:" + user->username);
  }));
  return in;
}

Result<SessionInfo> SessionDesk::find(const std::string& session_id, const std::string& address) {
  const Error no = error(Errc::kUnauthenticated, "session", "there is no such session, or it has ended");
  if (session_id.size() != kSessionIdChars) return no;
  SessionInfo info;
  info.id_hash = secret_hash(session_id);
  const WallMs now = clock_.wall();
  bool good = false, touch = false;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto row, view.sessions().find(info.id_hash));
    if (!row || row->expires_at <= now) return {};
    if (now.ms - row->seen_at.ms >= std::chrono::milliseconds(times_.idle).count()) return {};
    TRY_ASSIGN(const auto user, view.users().by_id(row->user_id));
    if (!user || user->disabled) return {};
    info.user = user_of(*user);
    info.expires_at = row->expires_at;
    touch = now.ms - row->seen_at.ms >= kTouchEveryMs;
    good = true;
    return {};
  }));
  if (!good) return no;
  if (touch) TRY(store_.write([&](store::Tx& tx) { return tx.sessions().touch(info.id_hash, now); }));
  info.actor = actor_of(info.user, address);
  info.csrf_token = csrf_of(session_id);
  return info;
}

Result<> SessionDesk::check_csrf(const std::string& session_id, const std::string& given) const {
  const std::string wanted = csrf_of(session_id);
  if (given.size() == wanted.size() && sodium_memcmp(given.data(), wanted.data(), wanted.size()) == 0) return {};
  return error(Errc::kNotAllowed, "X-CSRF-Token", "the header is missing or does not fit this session");
}

Result<> SessionDesk::sign_out(const std::string& session_id) {
  const std::string id_hash = secret_hash(session_id);
  return store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const auto row, std::as_const(tx).sessions().find(id_hash));
    if (!row) return {};
    TRY_ASSIGN(const auto user, std::as_const(tx).users().by_id(row->user_id));
    TRY(tx.sessions().remove(id_hash));
    const std::string name = user ? user->username : row->user_id;
    return audit_.record(tx, AuditEntry{name, "session.close", "user:" + name, {}});
  });
}

Result<std::int64_t> SessionDesk::remove_expired() {
  std::int64_t removed = 0;
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    const WallMs now = clock_.wall();
    TRY_ASSIGN(removed,
               tx.sessions().remove_expired(now, WallMs{now.ms - std::chrono::milliseconds(times_.idle).count()}));
    return {};
  }));
  return removed;
}

}  // namespace pandun::guard
