#include "sms/gate.h"

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <set>

#include "platform/thread.h"

namespace pandun::sms {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Failure = boost::system::error_code;

constexpr std::chrono::milliseconds kGateTick{250};
constexpr std::chrono::milliseconds kLinger{1'000};
constexpr std::size_t kChunkBytes = 65'536;

struct OpenLink {
  OpenLink(LinkOptions o, asio::io_context& io) : options(std::move(o)), acceptor(io), pause(io) {}
  LinkOptions options;
  Tcp::acceptor acceptor;
  asio::steady_timer pause;
  Tcp::endpoint upstream;
  std::uint16_t port = 0;
  LinkCounters counters;
};

// A session with its two sockets.
class Pair : public std::enable_shared_from_this<Pair> {
 public:
  Pair(Tcp::socket esme, asio::io_context& io, OpenLink& link, Verdicts& verdicts, platform::Clock& clock)
      : link_(link),
        clock_(clock),
        session_(*link.options.codec, verdicts, link.counters, link.options.session, now()),
        peers_{Peer(std::move(esme)), Peer(Tcp::socket(io))} {
    peer(Side::kEsme).open = true;
  }

  void start() { pump(); }
  bool over() const { return over_; }
  void drain() {
    session_.drain(now());
    pump();
  }
  void tick();
  void close();

 private:
  struct Peer {
    explicit Peer(Tcp::socket s) : socket(std::move(s)) {}
    Tcp::socket socket;
    std::string writing;
    std::chrono::nanoseconds since{0};  // of the write or connect under way
    std::chrono::nanoseconds lingers_since{0};
    bool open = false, connecting = false, reading = false, busy = false, lingers = false;
    std::array<char, kChunkBytes> chunk;
  };

  Moment now() const { return {clock_.steady(), clock_.wall()}; }
  Peer& peer(Side side) { return peers_[static_cast<std::size_t>(side)]; }
  void pump();
  void pump(Side side);
  void read(Side side);
  void write(Side side);
  void dial();
  void lost(Side side);
  void linger(Side side);
  void shut(Side side);

  OpenLink& link_;
  platform::Clock& clock_;
  Session session_;
  std::array<Peer, 2> peers_;
  bool over_ = false;
};

void Pair::pump() {
  if (over_) return;
  if (session_.dials() && !peer(Side::kSmsc).open && !peer(Side::kSmsc).connecting && !session_.closes(Side::kSmsc))
    dial();
  for (const Side side : {Side::kEsme, Side::kSmsc}) pump(side);
  if (session_.ended() && !peer(Side::kEsme).open && !peer(Side::kSmsc).open && !peer(Side::kSmsc).connecting)
    over_ = true;
}

void Pair::pump(Side side) {
  Peer& mine = peer(side);
  if (mine.connecting && session_.closes(side)) return shut(side);
  if (!mine.open) return;
  if (!mine.busy && !session_.out(side).empty()) write(side);
  if (session_.closes(side)) {
    if (!mine.busy) linger(side);
  } else if (!mine.reading && session_.reads(side)) {
    read(side);
  }
}

void Pair::read(Side side) {
  Peer& mine = peer(side);
  mine.reading = true;
  mine.socket.async_read_some(asio::buffer(mine.chunk),
                              [self = shared_from_this(), side](const Failure& failure, std::size_t bytes) {
                                Peer& me = self->peer(side);
                                me.reading = false;
                                if (!me.open) return;
                                if (failure) return self->lost(side);
                                if (!me.lingers) self->session_.on_bytes(side, {me.chunk.data(), bytes}, self->now());
                                self->pump();
                              });
}

void Pair::write(Side side) {
  Peer& mine = peer(side);
  mine.busy = true;
  mine.since = clock_.steady();
  mine.writing.clear();
  mine.writing.swap(session_.out(side));
  asio::async_write(mine.socket, asio::buffer(mine.writing),
                    [self = shared_from_this(), side](const Failure& failure, std::size_t) {
                      Peer& me = self->peer(side);
                      me.busy = false;
                      if (!me.open) return;
                      if (failure) return self->lost(side);
                      self->pump();
                    });
}

void Pair::dial() {
  Peer& mine = peer(Side::kSmsc);
  mine.connecting = true;
  mine.since = clock_.steady();
  mine.socket.async_connect(link_.upstream, [self = shared_from_this()](const Failure& failure) {
    Peer& me = self->peer(Side::kSmsc);
    if (!me.connecting) return;
    me.connecting = false;
    if (failure) return self->lost(Side::kSmsc);
    me.open = true;
    Failure ignored;
    me.socket.set_option(Tcp::no_delay(true), ignored);
    self->pump();
  });
}

void Pair::lost(Side side) {
  shut(side);
  session_.on_lost(side, now());
  pump();
}

// Closing while bytes of the peer stand unread would make the kernel throw away what was sent to it last: the errors that
// say what became of its messages. So: say that no more comes, and read on until the peer closes, for a moment.
void Pair::linger(Side side) {
  Peer& mine = peer(side);
  if (!mine.lingers) {
    mine.lingers = true;
    mine.lingers_since = clock_.steady();
    Failure ignored;
    mine.socket.shutdown(Tcp::socket::shutdown_send, ignored);
  }
  if (!mine.reading) read(side);
}

void Pair::shut(Side side) {
  Peer& mine = peer(side);
  mine.open = mine.connecting = false;
  Failure ignored;
  mine.socket.shutdown(Tcp::socket::shutdown_both, ignored);
  mine.socket.close(ignored);
}

void Pair::tick() {
  if (over_) return;
  session_.tick(now());
  for (const Side side : {Side::kEsme, Side::kSmsc}) {
    Peer& mine = peer(side);
    const auto taken = clock_.steady() - mine.since;
    if (mine.connecting && taken > link_.options.connect_within) return lost(side);
    if (mine.open && mine.lingers && clock_.steady() - mine.lingers_since > kLinger) shut(side);
    if (mine.open && mine.busy && taken > link_.options.write_within) {
      count(link_.counters.slow_peers);
      return lost(side);
    }
  }
  pump();
}

void Pair::close() {
  over_ = true;
  shut(Side::kEsme);
  shut(Side::kSmsc);
}

}  // namespace

struct Gate::State {
  State(Verdicts& v, platform::Clock& c) : verdicts(v), clock(c), io(1), guard(io.get_executor()), timer(io) {}

  Result<> listen(OpenLink& link);
  void accept(OpenLink& link);
  void admit(OpenLink& link, Tcp::socket socket);
  void tick();
  void sweep();

  Verdicts& verdicts;
  platform::Clock& clock;
  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  asio::steady_timer timer;
  std::vector<std::unique_ptr<OpenLink>> links;
  std::set<std::pair<OpenLink*, std::shared_ptr<Pair>>> pairs;
  bool draining = false;
  std::mutex mutex;
  std::condition_variable all_gone;
  bool quiet = false;                             // with mutex: draining, and no session is left
  std::optional<std::chrono::nanoseconds> began;  // with mutex: the drain
  platform::Thread thread;
};

Result<> Gate::State::listen(OpenLink& link) {
  const LinkOptions& options = link.options;
  Failure failure;
  const auto upstream = asio::ip::make_address(options.upstream_address, failure);
  if (failure || options.upstream_port == 0)
    return error(Errc::kBadConfig, options.name,
                 "\"" + options.upstream_address + "\" with port " + std::to_string(options.upstream_port) +
                     " is not an SMSC's address");
  link.upstream = Tcp::endpoint(upstream, options.upstream_port);
  const auto address = asio::ip::make_address(options.listen_address, failure);
  if (failure) return error(Errc::kBadConfig, options.name, "\"" + options.listen_address + "\" is not an IP address");
  const Tcp::endpoint endpoint(address, options.listen_port);
  link.acceptor.open(endpoint.protocol(), failure);
  if (!failure) link.acceptor.set_option(Tcp::acceptor::reuse_address(true), failure);
  if (!failure) link.acceptor.bind(endpoint, failure);
  if (!failure) link.acceptor.listen(asio::socket_base::max_listen_connections, failure);
  if (failure)
    return error(Errc::kUnavailable, options.listen_address + ":" + std::to_string(options.listen_port),
                 "cannot listen here: " + failure.message());
  link.port = link.acceptor.local_endpoint(failure).port();
  return {};
}

void Gate::State::accept(OpenLink& link) {
  link.acceptor.async_accept([this, &link](const Failure& failure, Tcp::socket socket) {
    if (!link.acceptor.is_open()) return;
    if (failure) {  // out of file descriptors, most likely: wait for some to come back
      link.pause.expires_after(kGateTick);
      return link.pause.async_wait([this, &link](const Failure& stopped) {
        if (!stopped && link.acceptor.is_open()) accept(link);
      });
    }
    admit(link, std::move(socket));
    accept(link);
  });
}

void Gate::State::admit(OpenLink& link, Tcp::socket socket) {
  if (link.counters.sessions_open.load() >= link.options.sessions_max) return count(link.counters.refused_connections);
  count(link.counters.sessions);
  count(link.counters.sessions_open);
  Failure ignored;
  socket.set_option(Tcp::no_delay(true), ignored);
  auto pair = std::make_shared<Pair>(std::move(socket), io, link, verdicts, clock);
  pairs.emplace(&link, pair);
  pair->start();
}

void Gate::State::tick() {
  timer.expires_after(kGateTick);
  timer.async_wait([this](const Failure& stopped) {
    if (stopped) return;
    for (const auto& [link, pair] : pairs) pair->tick();
    sweep();
    tick();
  });
}

void Gate::State::sweep() {
  for (auto it = pairs.begin(); it != pairs.end();) {
    if (!it->second->over()) {
      ++it;
      continue;
    }
    it->first->counters.sessions_open.fetch_sub(1, std::memory_order_relaxed);
    it = pairs.erase(it);
  }
  if (!draining || !pairs.empty()) return;
  const std::scoped_lock lock(mutex);
  quiet = true;
  all_gone.notify_all();
}

Gate::Gate(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Gate>> Gate::start(std::vector<LinkOptions> links, Verdicts& verdicts, platform::Clock& clock) {
  auto state = std::make_unique<State>(verdicts, clock);
  for (LinkOptions& options : links) {
    CHECK(options.codec != nullptr);
    state->links.push_back(std::make_unique<OpenLink>(std::move(options), state->io));
    TRY(state->listen(*state->links.back()));
  }
  for (const auto& link : state->links) state->accept(*link);
  state->tick();
  state->thread = platform::start_thread("sms-gate", [s = state.get()](const std::stop_token&) { s->io.run(); });
  return std::unique_ptr<Gate>(new Gate(std::move(state)));
}

Gate::~Gate() {
  asio::post(state_->io, [s = state_.get()] {
    s->timer.cancel();
    for (const auto& link : s->links) {
      Failure ignored;
      link->acceptor.close(ignored);
      link->pause.cancel();
    }
    for (const auto& [link, pair] : s->pairs) pair->close();
    s->pairs.clear();
    s->guard.reset();
    s->io.stop();
  });
  state_->thread = {};
}

std::size_t Gate::links() const {
  return state_->links.size();
}
const LinkOptions& Gate::link(std::size_t i) const {
  return state_->links.at(i)->options;
}
std::uint16_t Gate::port(std::size_t link) const {
  return state_->links.at(link)->port;
}
const LinkCounters& Gate::counters(std::size_t link) const {
  return state_->links.at(link)->counters;
}

void Gate::begin_drain() {
  {
    const std::scoped_lock lock(state_->mutex);
    if (state_->began) return;
    state_->began = state_->clock.steady();
  }
  asio::post(state_->io, [s = state_.get()] {
    s->draining = true;
    for (const auto& link : s->links) {
      Failure ignored;
      link->acceptor.close(ignored);
    }
    for (const auto& [link, pair] : s->pairs) pair->drain();
    s->sweep();
  });
}

void Gate::drain() {
  begin_drain();
  std::chrono::milliseconds longest{0};
  for (const auto& link : state_->links)
    longest = std::max(longest, link->options.session.drain_within + kGateTick * 2);
  std::unique_lock lock(state_->mutex);
  const std::chrono::nanoseconds left = *state_->began + longest - state_->clock.steady();
  state_->all_gone.wait_for(lock, left, [&] { return state_->quiet; });
}

}  // namespace pandun::sms
