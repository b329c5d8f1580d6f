#include "api/principals.h"

namespace pandun::api {
namespace {

constexpr std::size_t kEntriesMax = 10'000;

// "b" and "c" keep a cookie from ever standing in for a token.
std::string key_of(const http::Request& request) {
  const std::string_view token = bearer_token(request);
  if (!token.empty()) return "b" + guard::secret_hash(token) + request.peer;
  const std::string_view cookie = request.cookie(kSessionCookie);
  if (!cookie.empty()) return "c" + guard::secret_hash(cookie) + request.peer;
  return {};
}

}  // namespace

std::string_view bearer_token(const http::Request& request) {
  const std::string_view field = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (field.size() <= kScheme.size()) return {};
  for (std::size_t i = 0; i < kScheme.size(); ++i) {
    if ((field[i] | 0x20) != kScheme[i]) return {};
  }
  return field.substr(kScheme.size());
}

std::shared_ptr<const Principal> Principals::peek(const http::Request& request) const {
  return known(key_of(request));
}

std::shared_ptr<const Principal> Principals::known(const std::string& key) const {
  if (key.empty()) return nullptr;
  const auto now = clock_.steady();
  const std::scoped_lock lock(mutex_);
  const auto it = entries_.find(key);
  return it != entries_.end() && now < it->second.until ? it->second.principal : nullptr;
}

Result<std::shared_ptr<const Principal>> Principals::look_up(const http::Request& request) const {
  auto out = std::make_shared<Principal>();
  const std::string token(bearer_token(request));
  if (!token.empty()) {
    TRY_ASSIGN(out->actor, identity_.token_actor(token, request.peer));
    return std::shared_ptr<const Principal>(std::move(out));
  }
  out->session_id = std::string(request.cookie(kSessionCookie));
  TRY_ASSIGN(out->session, sessions_.find(out->session_id, request.peer));
  out->actor = out->session->actor;
  return std::shared_ptr<const Principal>(std::move(out));
}

Result<std::shared_ptr<const Principal>> Principals::find(const http::Request& request) {
  const std::string key = key_of(request);
  if (key.empty()) return std::shared_ptr<const Principal>();
  if (auto here = known(key)) return here;
  std::uint64_t generation = 0;
  {
    const std::scoped_lock lock(mutex_);
    generation = generation_;
  }
  TRY_ASSIGN(auto found, look_up(request));
  const auto now = clock_.steady();
  const std::scoped_lock lock(mutex_);
  if (generation != generation_) return found;
  if (entries_.size() >= kEntriesMax) std::erase_if(entries_, [&](const auto& e) { return e.second.until <= now; });
  if (entries_.size() < kEntriesMax) entries_.insert_or_assign(key, Entry{found, now + keep_});
  return found;
}

void Principals::forget_all() {
  const std::scoped_lock lock(mutex_);
  ++generation_;
  entries_.clear();
}

}  // namespace pandun::api
