#include "sip/tcp_door.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <map>
#include <vector>

#include "sip/stream_framer.h"

namespace pandun::sip {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

model::IpAddress address_of(const asio::ip::address& address) {
  const auto bytes = address.is_v4() ? asio::ip::make_address_v6(asio::ip::v4_mapped, address.to_v4()).to_bytes()
                                     : address.to_v6().to_bytes();
  model::IpAddress out;
  for (std::size_t i = 0; i < 8; ++i) {
    out.hi = out.hi << 8 | bytes[i];
    out.lo = out.lo << 8 | bytes[i + 8];
  }
  return out;
}

tcp::endpoint endpoint_of(const model::IpAddress& to, std::uint16_t port) {
  asio::ip::address_v6::bytes_type bytes{};
  for (std::size_t i = 0; i < 8; ++i) {
    bytes[i] = static_cast<unsigned char>(to.hi >> (56 - 8 * i));
    bytes[i + 8] = static_cast<unsigned char>(to.lo >> (56 - 8 * i));
  }
  const asio::ip::address_v6 six(bytes);
  if (six.is_v4_mapped()) return {asio::ip::make_address_v4(asio::ip::v4_mapped, six), port};
  return {six, port};
}

}  // namespace

struct TcpDoor::Rooms {
  class Connection;
  Rooms(const TcpOptions& o, const DoorParts& p, std::shared_ptr<const Trunks> t, Figures& f)
      : options(o), clock(p.clock), trunks(t), figures(f), responder(o.responder, t, p.decider, p.numbering, f) {}
  void accept();
  // On the connection with that other end; for a request one is made where there is none.
  void pass(const model::IpAddress& to, std::uint16_t port, std::string_view message);

  TcpOptions options;
  platform::Clock& clock;
  std::shared_ptr<const Trunks> trunks;
  Figures& figures;
  Responder responder;
  std::size_t connections = 0;
  std::map<std::pair<model::IpAddress, std::uint16_t>, Connection*> by_end;
  asio::io_context context{1};
  tcp::acceptor acceptor{context};
  asio::steady_timer pause{context};
  platform::Thread thread;
};

class TcpDoor::Rooms::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Rooms& rooms, tcp::socket socket, const model::IpAddress& peer, std::uint16_t port)
      : rooms_(rooms),
        socket_(std::move(socket)),
        timer_(rooms.context),
        peer_(peer),
        port_(port),
        framer_(rooms.options.responder.limits.message_bytes) {
    ++rooms_.connections;
    rooms_.by_end[{peer_, port_}] = this;
  }
  ~Connection() {
    --rooms_.connections;
    forget();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void start() {
    watch();
    read();
  }

  // A connection of ours to a next hop; what is sent meanwhile waits.
  void connect() {
    connecting_ = true;
    watch();
    socket_.async_connect(endpoint_of(peer_, port_), [self = shared_from_this()](error_code bad) {
      self->connecting_ = false;
      if (bad) {
        self->rooms_.figures.add(Count::kTcpUnreachable);
        return self->close();
      }
      error_code ignored;
      self->socket_.set_option(tcp::no_delay(true), ignored);
      self->watch();
      self->read();
      self->write();
    });
  }

  void send(std::string_view message) {
    if (waiting_.size() + sending_.size() > rooms_.options.unsent_bytes_max) {
      rooms_.figures.add(Count::kTcpUnreachable);
      return close();
    }
    waiting_ += message;
    write();
  }

 private:
  // Runs from the last whole message, not from the last byte: dripping bytes does not help.
  void watch() {
    timer_.expires_after(midway_ || connecting_ ? rooms_.options.message : rooms_.options.idle);
    timer_.async_wait([self = shared_from_this()](error_code stopped) {
      if (!stopped) self->close();
    });
  }

  void read() {
    socket_.async_read_some(asio::buffer(in_), [self = shared_from_this()](error_code bad, std::size_t bytes) {
      if (bad) return self->close();
      self->framer_.feed({self->in_.data(), bytes});
      if (!self->take()) return self->close();
      self->write();
      self->read();
    });
  }

  bool take() {
    bool whole = false;
    for (;;) {
      switch (framer_.next()) {
        case StreamFramer::Found::kNeedMore:
          if (whole || framer_.midway() != midway_) {
            midway_ = framer_.midway();
            watch();
          }
          return true;
        case StreamFramer::Found::kPing:
          waiting_ += "\r\n";
          whole = true;
          break;
        case StreamFramer::Found::kBroken:
          rooms_.figures.add(Count::kTcpUnframed);
          return false;
        case StreamFramer::Found::kMessage:
          answer(framer_.message());
          whole = true;
          break;
      }
      if (waiting_.size() + sending_.size() > rooms_.options.unsent_bytes_max) return false;
    }
  }

  void answer(std::string_view message) {
    room_.resize(message.size() + 2048);
    const Arrival in{message, peer_, port_, Transport::kTcp, {}};
    const Departure out = rooms_.responder.answer(in, {rooms_.clock.wall(), rooms_.clock.steady()}, room_);
    if (out.bytes == 0) return;
    const std::string_view text(room_.data(), out.bytes);
    if (out.to == peer_ && out.port == port_)
      waiting_ += text;
    else
      rooms_.pass(out.to, out.port, text);
  }

  void write() {
    if (connecting_ || !sending_.empty() || waiting_.empty()) return;
    sending_.swap(waiting_);
    asio::async_write(socket_, asio::buffer(sending_), [self = shared_from_this()](error_code bad, std::size_t) {
      self->sending_.clear();
      if (bad) return self->close();
      self->write();
    });
  }

  void forget() {
    const auto found = rooms_.by_end.find({peer_, port_});
    if (found != rooms_.by_end.end() && found->second == this) rooms_.by_end.erase(found);
  }

  void close() {
    forget();
    error_code ignored;
    timer_.cancel();
    socket_.close(ignored);
  }

  Rooms& rooms_;
  tcp::socket socket_;
  asio::steady_timer timer_;
  model::IpAddress peer_;
  std::uint16_t port_;
  StreamFramer framer_;
  bool midway_ = false, connecting_ = false;
  std::array<char, 8192> in_{};
  std::vector<char> room_;
  std::string waiting_, sending_;
};

void TcpDoor::Rooms::accept() {
  acceptor.async_accept([this](error_code bad, tcp::socket socket) {
    if (bad == asio::error::operation_aborted) return;
    if (bad) {  // out of descriptors, most likely: look again shortly
      pause.expires_after(std::chrono::milliseconds(100));
      pause.async_wait([this](error_code stopped) {
        if (!stopped) accept();
      });
      return;
    }
    error_code unknown;
    const auto remote = socket.remote_endpoint(unknown);
    const model::IpAddress peer = unknown ? model::IpAddress{} : address_of(remote.address());
    if (unknown || trunks->find(peer) == nullptr) {
      figures.add(Count::kStrangers);
    } else if (connections < options.connections_max) {
      figures.add(Count::kTcpConnections);
      error_code ignored;
      socket.set_option(tcp::no_delay(true), ignored);
      std::make_shared<Connection>(*this, std::move(socket), peer, remote.port())->start();
    }
    accept();
  });
}

void TcpDoor::Rooms::pass(const model::IpAddress& to, std::uint16_t port, std::string_view message) {
  const auto found = by_end.find({to, port});
  if (found != by_end.end()) return found->second->send(message);
  // Nobody waits for an answer whose connection is gone; and the ends that we connect to are next hops alone.
  if (message.starts_with("SIP/") || connections >= options.connections_max) {
    figures.add(Count::kTcpUnreachable);
    return;
  }
  figures.add(Count::kTcpConnections);
  const auto made = std::make_shared<Connection>(*this, tcp::socket(context), to, port);
  made->connect();
  made->send(message);
}

TcpDoor::TcpDoor(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
TcpDoor::~TcpDoor() {
  stop();
}

Result<std::unique_ptr<TcpDoor>> TcpDoor::start(const TcpOptions& options, const DoorParts& parts,
                                                std::shared_ptr<const Trunks> trunks, Figures& figures) {
  auto rooms = std::make_unique<Rooms>(options, parts, std::move(trunks), figures);
  error_code bad;
  const auto address = asio::ip::make_address(options.address, bad);
  if (bad) return error(Errc::kBadConfig, fmt::format("tcp {}", options.address), "is not an address");
  const tcp::endpoint endpoint(address, options.port);
  error_code ignored;
  rooms->acceptor.open(endpoint.protocol(), bad);
  if (!bad) rooms->acceptor.set_option(tcp::acceptor::reuse_address(true), bad);
  if (!bad && address.is_v6()) rooms->acceptor.set_option(asio::ip::v6_only(false), ignored);
  if (!bad) rooms->acceptor.bind(endpoint, bad);
  if (!bad) rooms->acceptor.listen(asio::socket_base::max_listen_connections, bad);
  if (bad)
    return error(bad == asio::error::address_in_use ? Errc::kUnavailable : Errc::kIo,
                 fmt::format("tcp {}:{}", options.address, options.port), "cannot listen: " + bad.message());
  rooms->accept();
  rooms->thread = platform::start_thread("sip tcp", [r = rooms.get()](std::stop_token) { r->context.run(); });
  return std::unique_ptr<TcpDoor>(new TcpDoor(std::move(rooms)));
}

void TcpDoor::drain() {
  asio::post(rooms_->context, [r = rooms_.get()] { r->responder.drain(); });
}

void TcpDoor::stop() {
  rooms_->context.stop();
  if (rooms_->thread.joinable()) rooms_->thread.join();
}

std::uint16_t TcpDoor::port() const {
  error_code ignored;
  return rooms_->acceptor.local_endpoint(ignored).port();
}

}  // namespace pandun::sip
