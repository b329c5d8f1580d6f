#include "api/http/server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <vector>

#include "api/http/connection.h"
#include "platform/thread.h"

namespace pandun::api::http {
namespace {

constexpr std::chrono::milliseconds kTick{50};
constexpr int kTicksPerTlsCheck = 100;

using Tcp = asio::ip::tcp;

std::string address_text(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).to_string();
  }
  return address.to_string();
}

bool is_loopback(const asio::ip::address& address) {
  if (address.is_v6() && address.to_v6().is_v4_mapped()) {
    return asio::ip::make_address_v4(asio::ip::v4_mapped, address.to_v6()).is_loopback();
  }
  return address.is_loopback();
}

}  // namespace

struct Server::State {
  State(ServerOptions options, Handler& handler, platform::Clock& clock) : shared(std::move(options), handler, clock) {}

  struct Room {  // an io thread and what keeps it turning
    explicit Room(Shared& shared) : loop(shared), timer(loop.io), guard(loop.io.get_executor()) {}
    Loop loop;
    asio::steady_timer timer;
    asio::executor_work_guard<asio::io_context::executor_type> guard;
    platform::Thread thread;
  };

  Result<> listen();
  void accept();
  void on_accept(Tcp::socket socket, std::size_t room);
  bool admit(const std::string& peer, bool loopback);
  void tick(Room& room, int count);
  void close_acceptor();
  void stop();

  Shared shared;
  std::vector<std::unique_ptr<Room>> rooms;
  std::unique_ptr<Tcp::acceptor> acceptor;
  std::unique_ptr<asio::steady_timer> accept_pause;
  std::size_t next_room = 0;
  std::uint16_t port = 0;
  mutable std::mutex fault_mutex;
  std::string tls_fault;
};

Result<> Server::State::listen() {
  const std::string where = shared.options.address + ":" + std::to_string(shared.options.port);
  boost::system::error_code ec;
  const auto address = asio::ip::make_address(shared.options.address, ec);
  if (ec) return error(Errc::kUsage, "server.address", "'" + shared.options.address + "' is not an IP address");
  const Tcp::endpoint endpoint(address, shared.options.port);
  acceptor = std::make_unique<Tcp::acceptor>(rooms.front()->loop.io);
  acceptor->open(endpoint.protocol(), ec);
  if (!ec) acceptor->set_option(Tcp::acceptor::reuse_address(true), ec);
  if (!ec) acceptor->bind(endpoint, ec);
  if (!ec) acceptor->listen(asio::socket_base::max_listen_connections, ec);
  if (ec) return error(Errc::kUnavailable, where, "cannot listen here: " + ec.message());
  port = acceptor->local_endpoint(ec).port();
  return {};
}

void Server::State::accept() {
  const std::size_t room = next_room;
  next_room = (next_room + 1) % rooms.size();
  acceptor->async_accept(rooms[room]->loop.io, [this, room](const boost::system::error_code& ec, Tcp::socket socket) {
    if (!acceptor->is_open()) return;
    if (ec) {  // out of file descriptors, most likely: wait for some to come back
      accept_pause->expires_after(kTick);
      accept_pause->async_wait([this](const boost::system::error_code& stopped) {
        if (!stopped) accept();
      });
      return;
    }
    on_accept(std::move(socket), room);
    accept();
  });
}

bool Server::State::admit(const std::string& peer, bool loopback) {
  const std::scoped_lock lock(shared.addresses_mutex);
  if (shared.counters.connections.load() >= shared.options.connections_max) return false;
  std::size_t& mine = shared.addresses[peer];
  if (!loopback && mine >= shared.options.connections_per_address_max) return false;  // mine > 0: no empty entry stays
  ++mine;
  shared.counters.connections.fetch_add(1);
  return true;
}

void Server::State::on_accept(Tcp::socket socket, std::size_t room) {
  boost::system::error_code ec;
  const Tcp::endpoint remote = socket.remote_endpoint(ec);
  if (ec) return;  // gone already
  shared.counters.accepted.fetch_add(1, std::memory_order_relaxed);
  const std::string peer = address_text(remote.address());
  const bool loopback = is_loopback(remote.address());
  if (!admit(peer, loopback)) {
    shared.counters.refused.fetch_add(1, std::memory_order_relaxed);
    return;  // the socket closes here
  }
  socket.set_option(Tcp::no_delay(true), ec);
  Loop& loop = rooms[room]->loop;
  auto shared_socket = std::make_shared<Tcp::socket>(std::move(socket));
  asio::post(loop.io, [&loop, shared_socket, peer, loopback] {
    loop.refresh();
    auto connection = std::make_shared<Connection>(std::move(*shared_socket), loop, peer, loopback);
    loop.connections.insert(connection);
    connection->start();
  });
}

void Server::State::tick(Room& room, int count) {
  room.timer.expires_after(kTick);
  room.timer.async_wait([this, &room, count](const boost::system::error_code& ec) {
    if (ec) return;
    room.loop.refresh();
    std::vector<std::shared_ptr<Connection>> due;  // apart, because a tick may close one
    for (const auto& connection : room.loop.connections) {
      if (connection->due()) due.push_back(connection);
    }
    for (const auto& connection : due) connection->tick();
    if (shared.tls && &room == rooms.front().get() && count % kTicksPerTlsCheck == 0) {
      const Result<bool> reloaded = shared.tls->reload_if_changed();
      if (!reloaded.ok() || *reloaded) {
        const std::scoped_lock lock(fault_mutex);
        tls_fault = reloaded.ok() ? "" : reloaded.error().text();
      }
    }
    tick(room, count + 1);
  });
}

void Server::State::close_acceptor() {
  asio::post(rooms.front()->loop.io, [this] {
    boost::system::error_code ignored;
    acceptor->close(ignored);
    accept_pause->cancel();
  });
}

void Server::State::stop() {
  close_acceptor();
  shared.workers->stop();  // finishes what it had; answers are posted to the loops
  for (auto& room : rooms) {
    asio::post(room->loop.io, [r = room.get()] {
      r->timer.cancel();
      const auto connections = r->loop.connections;
      for (const auto& connection : connections) connection->close();
      r->guard.reset();
      r->loop.io.stop();
    });
  }
  for (auto& room : rooms) room->thread = {};
}

Server::Server(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Server>> Server::start(ServerOptions options, Handler& handler, platform::Clock& clock,
                                              platform::FileSystem& files) {
  if (options.certificate_file.empty() != options.key_file.empty()) {
    return error(Errc::kUsage, "server.tls", "certificate_file and key_file are needed together");
  }
  auto state = std::make_unique<State>(std::move(options), handler, clock);
  Shared& shared = state->shared;
  if (!shared.options.certificate_file.empty()) {
    TRY_ASSIGN(shared.tls, TlsFiles::load(files, shared.options.certificate_file, shared.options.key_file));
  }
  const unsigned io_threads = std::max(shared.options.io_threads, 1U);
  for (unsigned i = 0; i < io_threads; ++i) state->rooms.push_back(std::make_unique<State::Room>(shared));
  TRY(state->listen());
  state->accept_pause = std::make_unique<asio::steady_timer>(state->rooms.front()->loop.io);
  shared.workers = std::make_unique<Workers>(std::max(shared.options.workers, 1U), shared.options.worker_queue_max);
  state->accept();
  for (std::size_t i = 0; i < state->rooms.size(); ++i) {
    State::Room& room = *state->rooms[i];
    state->tick(room, 1);
    room.thread =
        platform::start_thread("api-io-" + std::to_string(i), [&room](const std::stop_token&) { room.loop.io.run(); });
  }
  return std::unique_ptr<Server>(new Server(std::move(state)));
}

Server::~Server() {
  state_->stop();
}

std::uint16_t Server::port() const {
  return state_->port;
}
bool Server::tls() const {
  return state_->shared.tls != nullptr;
}

void Server::drain() {
  Shared& shared = state_->shared;
  shared.draining = true;
  state_->close_acceptor();
  for (auto& room : state_->rooms) {
    asio::post(room->loop.io, [&loop = room->loop] {
      loop.refresh();
      const auto connections = loop.connections;
      for (const auto& connection : connections) connection->drain();
    });
  }
  std::unique_lock lock(shared.addresses_mutex);
  shared.all_gone.wait_for(lock, shared.options.drain_within, [&] { return shared.addresses.empty(); });
}

ServerStats Server::stats() const {
  const Counters& c = state_->shared.counters;
  ServerStats out;
  out.accepted = c.accepted, out.refused = c.refused, out.connections = c.connections, out.requests = c.requests;
  out.bad_requests = c.bad_requests, out.timeouts = c.timeouts, out.overloaded = c.overloaded;
  out.tls_failures = c.tls_failures, out.streams = c.streams, out.streams_dropped = c.streams_dropped;
  out.answers_2xx = c.answers_2xx, out.answers_3xx = c.answers_3xx;
  out.answers_4xx = c.answers_4xx, out.answers_5xx = c.answers_5xx;
  const std::scoped_lock lock(state_->fault_mutex);
  out.tls_fault = state_->tls_fault;
  return out;
}

}  // namespace pandun::api::http
