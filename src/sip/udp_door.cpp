#include "sip/udp_door.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <future>

namespace pandun::sip {
namespace {

constexpr std::size_t kRoomBeyondRequest = 2048;
// For how many decisions their writer is asked to take a turn; a decision takes it two thirds of a microsecond.
constexpr std::size_t kTurn = 16, kBunchTurn = 128, kTurnOverdue = 256;
constexpr std::size_t kBunch = 8;  // calls that come at once

std::uint64_t big_endian(const unsigned char* bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, bytes, 8);
  return __builtin_bswap64(value);
}

model::IpAddress address_of(const platform::SocketAddress& from) {
  return {big_endian(from.bytes.data()), big_endian(from.bytes.data() + 8)};
}

platform::SocketAddress socket_address(const model::IpAddress& to, std::uint16_t port) {
  platform::SocketAddress out;
  out.port = port;
  const std::uint64_t hi = __builtin_bswap64(to.hi), lo = __builtin_bswap64(to.lo);
  std::memcpy(out.bytes.data(), &hi, 8);
  std::memcpy(out.bytes.data() + 8, &lo, 8);
  return out;
}

}  // namespace

Result<std::unique_ptr<UdpDoor>> UdpDoor::start(const DoorOptions& options, const DoorParts& parts,
                                                std::shared_ptr<const Trunks> trunks, Figures& figures) {
  std::unique_ptr<UdpDoor> door(new UdpDoor(parts));
  platform::DatagramOptions socket;
  socket.address = options.address;
  socket.port = options.port;
  socket.reuse_port = options.threads > 1;
  socket.receive_buffer_bytes = options.receive_buffer_bytes;
  socket.poll = options.poll;
  socket.drop_acks = options.drop_acks && !trunks->any_proxy();
  for (unsigned i = 0; i < options.threads; ++i) {
    auto lane = std::make_unique<Lane>();
    TRY_ASSIGN(lane->socket, platform::DatagramSocket::open(socket));
    socket.port = lane->socket->port();
    lane->responder = std::make_unique<Responder>(options.responder, trunks, parts.decider, parts.numbering, figures);
    door->lanes_.push_back(std::move(lane));
  }
  for (auto& lane : door->lanes_) {
    std::promise<Result<>> ready;  // a thread can only speak for itself
    auto urgent = ready.get_future();
    lane->thread = platform::start_thread(
        "sip", [d = door.get(), l = lane.get(), &ready, urgency = options.urgency](const std::stop_token&) {
          Result<> done = platform::make_urgent(urgency);
          const bool go_on = done.ok();
          ready.set_value(std::move(done));
          if (go_on) d->run(*l);
        });
    TRY(urgent.get());
  }
  return door;
}

UdpDoor::~UdpDoor() {
  stop();
}

void UdpDoor::stop() {
  for (auto& lane : lanes_) lane->socket->wake();
  for (auto& lane : lanes_)
    if (lane->thread.joinable()) lane->thread.join();
}

void UdpDoor::run(Lane& lane) {
  platform::DatagramSocket& socket = *lane.socket;
  Responder& responder = *lane.responder;
  std::array<Arrival, platform::DatagramSocket::kBatch> arrivals;
  for (std::size_t last = 0;;) {
    // Where calls come in bunches they wait for one another anyway: fewer and longer turns then.
    const std::size_t turn = last < kBunch ? kTurn : kBunchTurn;
    std::size_t count = 0;
    if (decider_.turn_due(turn)) {
      count = socket.try_receive();
      if (count == 0 || decider_.turn_due(kTurnOverdue)) decider_.offer_turn(count == 0 ? turn : kTurnOverdue);
    }
    if (count == 0) count = socket.receive();
    if (count == 0) return;
    last = count;
    if (draining_.load(std::memory_order_relaxed)) responder.drain();
    const Now now{clock_.wall(), clock_.steady()};
    for (std::size_t i = 0; i < count; ++i) {
      const auto datagram = socket.at(i);
      arrivals[i] = {datagram.bytes, address_of(datagram.from), datagram.from.port, Transport::kUdp, datagram.age};
    }
    // A lone one is answered at once; of several, the next are read before each is answered.
    const std::size_t lead = std::min(count, Responder::kAhead) - 1;
    for (std::size_t i = 0; i < lead; ++i) responder.read_ahead(arrivals[i], i);
    for (std::size_t i = 0; i < count; ++i) {
      if (lead != 0 && i + lead < count) responder.read_ahead(arrivals[i + lead], i + lead);
      const Arrival& in = arrivals[i];
      const std::span<char> room = socket.room(in.bytes.size() + kRoomBeyondRequest);
      const Departure out = lead == 0 ? responder.answer(in, now, room) : responder.answer(in, now, room, i);
      if (out.bytes != 0) socket.send(out.bytes, socket_address(out.to, out.port));
    }
    socket.flush();
  }
}

}  // namespace pandun::sip
