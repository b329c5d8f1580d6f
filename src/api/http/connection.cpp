#include "api/http/connection.h"

#include <boost/asio/post.hpp>
#include <exception>

#include "api/http/head_writer.h"

namespace pandun::api::http {
namespace {

constexpr std::size_t kLingerBytesMax = 1 << 20;
constexpr std::chrono::milliseconds kLingerFor{1000};

}  // namespace

void Loop::refresh() {
  now = shared.clock.steady();
  const WallMs wall = shared.clock.wall();
  if (wall.ms / 1000 != date_s) {
    date_s = wall.ms / 1000;
    date = imf_fixdate(wall);
  }
}

Connection::Connection(asio::ip::tcp::socket socket, Loop& loop, std::string peer, bool loopback)
    : socket_(std::move(socket)), loop_(loop), shared_(loop.shared), peer_(std::move(peer)), loopback_(loopback) {
  if (shared_.tls) tls_ = std::make_unique<TlsSession>(shared_.tls->context());
}

Connection::~Connection() {
  if (stream_) stream_->detach();
}

void Connection::start() {
  parser_.emplace(shared_.options.header_bytes_max);
  deadline_in(shared_.options.head_within);
  read();
}

void Connection::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  release_body();
  if (stream_) {
    stream_->detach();
    shared_.counters.streams.fetch_sub(1, std::memory_order_relaxed);
    stream_.reset();
  }
  boost::system::error_code ignored;
  socket_.close(ignored);
  {
    const std::scoped_lock lock(shared_.addresses_mutex);
    const auto it = shared_.addresses.find(peer_);
    if (it != shared_.addresses.end() && --it->second == 0) shared_.addresses.erase(it);
    shared_.counters.connections.fetch_sub(1);
    if (shared_.addresses.empty()) shared_.all_gone.notify_all();
  }
  loop_.connections.erase(shared_from_this());
}

void Connection::drain() {
  keep_ = false;
  if (phase_ == Phase::kIdle) close();
  if (phase_ == Phase::kStreaming) linger();
}

// ---- bytes in ----

void Connection::read() {
  if (reading_ || phase_ == Phase::kClosed) return;
  reading_ = true;
  socket_.async_read_some(asio::buffer(chunk_),
                          [self = shared_from_this()](const boost::system::error_code& ec, std::size_t bytes) {
                            self->reading_ = false;
                            if (self->phase_ == Phase::kClosed) return;
                            if (ec) return self->close();
                            self->on_read(bytes);
                          });
}

void Connection::on_read(std::size_t bytes) {
  loop_.refresh();
  bool open = true;
  if (tls_) {
    open = tls_->receive({chunk_.data(), bytes}, in_, wire_);
    if (!open && !tls_->closed()) shared_.counters.tls_failures.fetch_add(1, std::memory_order_relaxed);
    was_established_ = was_established_ || tls_->established();
    if (!open) close_after_flush_ = true;
    pump();
  } else {
    in_.append(chunk_.data(), bytes);
  }
  if (phase_ == Phase::kStreaming || phase_ == Phase::kLingering) {
    lingered_ += bytes;
    in_.clear();
    if (!open || (phase_ == Phase::kLingering && lingered_ > kLingerBytesMax)) return close();
    return read();
  }
  if (!open) {
    if (!writing_) close();
    return;
  }
  process();
}

void Connection::process() {
  while (phase_ == Phase::kIdle || phase_ == Phase::kHead || phase_ == Phase::kBody) {
    std::size_t consumed = 0;
    const RequestParser::Status status = parser_->feed(in_, consumed);
    in_.erase(0, consumed);
    switch (status) {
      case RequestParser::Status::kNeedMore:
        if (phase_ == Phase::kIdle && parser_->started()) {
          phase_ = Phase::kHead;
          deadline_in(shared_.options.head_within);
        }
        return read();
      case RequestParser::Status::kHead:
        on_head();
        break;
      case RequestParser::Status::kDone:
        dispatch();
        break;
      case RequestParser::Status::kError:
        shared_.counters.bad_requests.fetch_add(1, std::memory_order_relaxed);
        refuse(parser_->status(), parser_->detail());
        break;
    }
  }
}

void Connection::on_head() {
  Request& request = parser_->request();
  request_id_ = shared_.next_request.fetch_add(1, std::memory_order_relaxed);
  shared_.counters.requests.fetch_add(1, std::memory_order_relaxed);
  request.id = request_id_;
  request.peer = peer_;
  request.peer_is_loopback = loopback_;
  request.tls = tls_ != nullptr;
  head_only_ = request.method == Method::kHead;
  plan_ = shared_.handler.plan(request);
  if (plan_.refuse) {
    // A body that nobody will read must not be taken for the next request.
    if (parser_->has_body()) plan_.refuse->close = true;
    return respond(std::move(*plan_.refuse));
  }
  if (!reserve_body()) return;
  parser_->body_bytes_max(plan_.body_bytes_max);
  phase_ = Phase::kBody;
  deadline_in(shared_.options.body_within);
  if (parser_->wants_continue() && in_.empty()) queue("HTTP/1.1 100 Continue\r\n\r\n");
}

// Many peers that each announce a large body must not add up to all memory.
bool Connection::reserve_body() {
  const std::size_t bytes = parser_->body_bytes_at_most(plan_.body_bytes_max);
  if (shared_.bodies_bytes.fetch_add(bytes) + bytes <= shared_.options.bodies_bytes_max) {
    body_bytes_ = bytes;
    return true;
  }
  shared_.bodies_bytes.fetch_sub(bytes);
  shared_.counters.overloaded.fetch_add(1, std::memory_order_relaxed);
  Response busy = shared_.handler.problem(503, "too many request bodies are on their way", request_id_);
  busy.with("Retry-After", "1");
  busy.close = true;
  respond(std::move(busy));
  return false;
}

void Connection::release_body() {
  shared_.bodies_bytes.fetch_sub(body_bytes_);
  body_bytes_ = 0;
}

// ---- handling ----

// Out of memory in a library must fail this request and no other.
Response Connection::handle(Request& request, std::uint64_t id) {
  try {
    return shared_.handler.handle(request);
  } catch (const std::exception& fault) {
    return shared_.handler.problem(500, fault.what(), id);
  }
}

void Connection::dispatch() {
  phase_ = Phase::kHandling;
  deadline_in(shared_.options.answer_within);
  if (plan_.on_io_thread) return respond(handle(parser_->request(), request_id_));
  auto request = std::make_shared<Request>(std::move(parser_->request()));
  const bool taken = shared_.workers->submit([self = shared_from_this(), request, id = request_id_] {
    asio::post(self->loop_.io,
               [self, id, response = self->handle(*request, id)]() mutable { self->answer(id, std::move(response)); });
  });
  if (taken) return;
  shared_.counters.overloaded.fetch_add(1, std::memory_order_relaxed);
  Response busy = shared_.handler.problem(503, "too many requests are waiting", request_id_);
  busy.with("Retry-After", "1");
  respond(std::move(busy));
}

void Connection::answer(std::uint64_t request_id, Response response) {
  if (phase_ != Phase::kHandling || request_id != request_id_) return;  // too late: 503 was said, or the peer is gone
  loop_.refresh();
  respond(std::move(response));
}

void Connection::count_answer(int status) {
  Counters& c = shared_.counters;
  std::atomic<std::uint64_t>& counter = status < 300   ? c.answers_2xx
                                        : status < 400 ? c.answers_3xx
                                        : status < 500 ? c.answers_4xx
                                                       : c.answers_5xx;
  counter.fetch_add(1, std::memory_order_relaxed);
}

void Connection::refuse(int status, std::string detail) {
  Response response = shared_.handler.problem(status, std::move(detail), request_id_);
  response.close = true;
  respond(std::move(response));
}

void Connection::respond(Response response) {
  phase_ = Phase::kWriting;
  release_body();
  deadline_in(shared_.options.write_within);
  count_answer(response.status);
  if (head_only_) response.stream.reset();
  keep_ = keep_ && !response.close && response.stream == nullptr && parser_->keep_alive() &&
          !shared_.draining.load(std::memory_order_relaxed);
  std::string clear;
  const HeadContext context{.tls = tls_ != nullptr,
                            .keep_alive = keep_,
                            .head_only = head_only_,
                            .request_id = request_id_,
                            .date = loop_.date};
  write_head(response, context, clear);
  if (!head_only_ && !bodiless(response.status)) {
    clear.append(response.shared_body ? *response.shared_body : response.body);
  }
  stream_ = std::move(response.stream);
  if (stream_) shared_.counters.streams.fetch_add(1, std::memory_order_relaxed);
  queue(clear);
}

void Connection::next_request() {
  phase_ = Phase::kIdle;
  head_only_ = false;
  parser_.emplace(shared_.options.header_bytes_max);
  deadline_in(shared_.options.idle_for);
  process();
}

// ---- streams ----

void Connection::begin_stream(std::shared_ptr<ByteStream> stream) {
  phase_ = Phase::kStreaming;
  last_sent_ = loop_.now;
  wake_posted_ = std::make_shared<std::atomic<bool>>(false);
  stream->attach([weak = weak_from_this(), &io = loop_.io, posted = wake_posted_] {
    if (posted->exchange(true)) return;  // one wake-up stands for many events
    asio::post(io, [weak, posted] {
      posted->store(false);
      if (const auto self = weak.lock(); self && self->phase_ == Phase::kStreaming) self->pull();
    });
  });
  read();  // only to notice that the peer left
  pull();
}

void Connection::pull() {
  if (stream_->overflowed()) {
    shared_.counters.streams_dropped.fetch_add(1, std::memory_order_relaxed);
    return close();
  }
  if (writing_) return;
  std::string clear;
  const bool ended = stream_->take(clear) == ByteStream::State::kEnded;
  if (!clear.empty()) {
    loop_.refresh();
    last_sent_ = loop_.now;
    deadline_in(shared_.options.write_within);
    queue(clear);
  }
  if (ended) linger();
}

// ---- bytes out ----

void Connection::queue(std::string_view clear) {
  if (tls_) {
    if (!tls_->send(clear, wire_)) close_after_flush_ = true;
  } else {
    wire_.append(clear);
  }
  pump();
}

void Connection::pump() {
  if (writing_ || phase_ == Phase::kClosed || wire_.empty()) return;
  out_.swap(wire_);
  wire_.clear();
  written_ = 0;
  writing_ = true;
  on_written(0);
}

void Connection::on_written(std::size_t bytes) {
  written_ += bytes;
  if (written_ < out_.size()) {
    if (bytes > 0 && (phase_ == Phase::kWriting || phase_ == Phase::kStreaming)) {
      loop_.refresh();
      deadline_in(shared_.options.write_within);
    }
    socket_.async_write_some(asio::buffer(out_.data() + written_, out_.size() - written_),
                             [self = shared_from_this()](const boost::system::error_code& ec, std::size_t n) {
                               if (self->phase_ == Phase::kClosed) return;
                               if (ec) return self->close();
                               self->on_written(n);
                             });
    return;
  }
  writing_ = false;
  out_.clear();
  if (out_.capacity() > 64 * 1024) out_.shrink_to_fit();
  if (!wire_.empty()) return pump();
  on_flushed();
}

void Connection::on_flushed() {
  if (close_after_flush_) return close();
  switch (phase_) {
    case Phase::kWriting:
      if (stream_ && shared_.draining.load(std::memory_order_relaxed))
        return linger();  // drain() came while the head went out
      if (stream_) return begin_stream(stream_);
      return keep_ ? next_request() : linger();
    case Phase::kStreaming:
      return pull();
    case Phase::kLingering: {
      boost::system::error_code ignored;
      socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      return read();
    }
    default:
      return;  // 100 Continue or a TLS record went out
  }
}

// Says goodbye, then reads on for a moment: closing with unread bytes would reset the connection under the answer.
void Connection::linger() {
  if (phase_ == Phase::kClosed || phase_ == Phase::kLingering) return;
  phase_ = Phase::kLingering;
  lingered_ = 0;
  in_.clear();
  deadline_in(kLingerFor);
  if (tls_) tls_->goodbye(wire_);
  if (writing_) return;
  if (wire_.empty()) return on_flushed();
  pump();
}

// ---- time ----

void Connection::tick() {
  if (phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kStreaming) {
    if (writing_ && loop_.now > deadline_) {
      shared_.counters.streams_dropped.fetch_add(1, std::memory_order_relaxed);
      return close();
    }
    if (!writing_ && quiet_too_long()) {
      std::string clear;
      stream_->quiet(clear);
      last_sent_ = loop_.now;
      deadline_in(shared_.options.write_within);
      if (!clear.empty()) queue(clear);
    }
    return;
  }
  if (loop_.now > deadline_) on_timeout();
}

void Connection::on_timeout() {
  switch (phase_) {
    case Phase::kHead:
    case Phase::kBody:
      shared_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
      return refuse(408, "the request did not arrive in time");
    case Phase::kHandling:
      shared_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
      return refuse(503, "the answer took too long; the request may still have taken effect");
    case Phase::kWriting:
      shared_.counters.timeouts.fetch_add(1, std::memory_order_relaxed);
      return close();
    default:
      return close();
  }
}

}  // namespace pandun::api::http
