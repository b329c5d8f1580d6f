#include "api/live_hub.h"

#include <algorithm>

#include "api/json.h"

namespace pandun::api {

void append_event(std::string& out, std::string_view event, std::int64_t id, std::string_view data) {
  if (id > 0) out.append("id: ").append(std::to_string(id)).append("\n");
  out.append("event: ").append(event).append("\ndata: ").append(data).append("\n\n");  // our JSON has no line breaks
}

LiveHub::~LiveHub() {
  end_all();
}

void LiveHub::alert(const casework::AlertSummary& alert) {
  publish("alert", alert.seq, to_json(alert));
}
void LiveHub::changed(const casework::CaseSummary& changed_case) {
  publish("case", 0, to_json(changed_case));
}
void LiveHub::stats(WallMs at, const EngineFigures& figures, std::uint64_t alerts_open) {
  publish("stats", 0, live_stats_json(at, figures, alerts_open));
  for (const auto& stream : live_streams()) {
    if (stream->until_ <= at) stream->end();
  }
}

void LiveHub::publish(std::string_view event, std::int64_t alert_seq, std::string_view data) {
  events_.fetch_add(1, std::memory_order_relaxed);
  auto text = std::make_shared<std::string>();
  {
    const std::scoped_lock lock(mutex_);
    newest_alert_ = std::max(newest_alert_, alert_seq);
    append_event(*text, event, alert_seq > 0 ? newest_alert_ : 0, data);
  }
  for (const auto& stream : live_streams()) stream->push(text);
}

std::vector<std::shared_ptr<LiveStream>> LiveHub::live_streams() const {
  std::vector<std::shared_ptr<LiveStream>> out;
  const std::scoped_lock lock(mutex_);
  for (const auto& weak : streams_) {
    if (auto stream = weak.lock()) out.push_back(std::move(stream));
  }
  return out;
}

std::shared_ptr<LiveStream> LiveHub::watch(StreamOwner owner, WallMs until) {
  auto stream = std::make_shared<LiveStream>(*this, std::move(owner), until, watcher_bytes_max_);
  const std::scoped_lock lock(mutex_);
  std::erase_if(streams_, [](const auto& weak) { return weak.expired(); });
  streams_.push_back(stream);
  return stream;
}

void LiveHub::end_streams_of(std::string_view user_or_session) {
  for (const auto& stream : live_streams()) {
    if (stream->owner_.user_id == user_or_session || stream->owner_.session == user_or_session) stream->end();
  }
}

void LiveHub::end_all() {
  for (const auto& stream : live_streams()) stream->end();
}

std::size_t LiveHub::watchers() const {
  return live_streams().size();
}

void LiveStream::attach(std::function<void()> wake) {
  const std::scoped_lock lock(mutex_);
  wake_ = std::move(wake);
}

void LiveStream::detach() {
  const std::scoped_lock lock(mutex_);
  wake_ = nullptr;
  ended_ = true;
  waiting_.clear();
}

void LiveStream::push(const std::shared_ptr<const std::string>& text) {
  const std::scoped_lock lock(mutex_);
  if (ended_ || overflowed_) return;
  if (bytes_ + text->size() > bytes_max_) {
    overflowed_ = true;
    hub_.overflows_.fetch_add(1, std::memory_order_relaxed);
    waiting_.clear();
  } else {
    waiting_.push_back(text);
    bytes_ += text->size();
  }
  if (wake_) wake_();
}

http::ByteStream::State LiveStream::take(std::string& out) {
  const std::scoped_lock lock(mutex_);
  for (const auto& text : waiting_) out += *text;
  waiting_.clear();
  bytes_ = 0;
  return ended_ ? State::kEnded : State::kOpen;
}

void LiveStream::quiet(std::string& out) {
  append_event(out, "ping", 0, "{}");
}

void LiveStream::end() {
  const std::scoped_lock lock(mutex_);
  ended_ = true;
  if (wake_) wake_();
}

}  // namespace pandun::api
