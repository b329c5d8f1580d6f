// Real sockets: UDP and TCP on one port.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include "platform/datagram_socket.h"
#include "platform/thread.h"
#include "sip/tcp_door.h"
#include "sip/test_rig.h"

namespace pandun::sip {
namespace {

using boost::asio::ip::tcp;

struct Doors {
  explicit Doors(unsigned threads = 1, std::string_view address = "127.0.0.1") {
    decider.publish({});
    auto loaded =
        Trunks::load("t", "[[trunk]]\nname=\"l\"\npeers=[\"127.0.0.0/8\",\"::1\"]\nnext_hop=\"127.0.0.1:5090\"\n");
    auto trunks = std::make_shared<const Trunks>(std::move(loaded).value());
    DoorOptions options;
    options.address = address;
    options.port = 0;
    options.threads = threads;
    options.responder.calls_remembered = 4096;
    auto started = UdpDoor::start(options, {decider, numbering, platform::system_clock()}, trunks, figures);
    EXPECT_TRUE(started.ok()) << (started.ok() ? "" : started.error().text());
    udp = std::move(started).value();
    TcpOptions tcp_options;
    tcp_options.address = address;
    tcp_options.port = 0;
    tcp_options.message = std::chrono::seconds(1);
    tcp_options.responder.calls_remembered = 4096;
    auto opened = TcpDoor::start(tcp_options, {decider, numbering, platform::system_clock()}, trunks, figures);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().text());
    tcp = std::move(opened).value();
  }
  decide::Decider decider;
  TestNumbering numbering;
  Figures figures;
  std::unique_ptr<UdpDoor> udp;
  std::unique_ptr<TcpDoor> tcp;
};

platform::SocketAddress loopback(std::uint16_t port) {
  platform::SocketAddress out;
  out.bytes[10] = out.bytes[11] = 0xff;
  out.bytes[12] = 127;
  out.bytes[15] = 1;
  out.port = port;
  return out;
}

TEST(UdpDoor, AnswersABatchFromTheSamePort) {
  for (const unsigned threads : {1U, 2U}) {
    Doors doors(threads);
    auto client = platform::DatagramSocket::open({});
    ASSERT_TRUE(client.ok());
    for (int i = 0; i < 20; ++i) {
      Invite invite;
      invite.call_id = "c" + std::to_string(i);
      invite.via = "SIP/2.0/UDP 127.0.0.1;rport";
      const std::string text = invite.text();
      const auto room = (*client)->room(text.size());
      std::copy(text.begin(), text.end(), room.begin());
      (*client)->send(text.size(), loopback(doors.udp->port()));
    }
    (*client)->flush();
    int answered = 0;
    while (answered < 20) {
      const std::size_t count = (*client)->receive();
      ASSERT_GT(count, 0U);
      for (std::size_t i = 0; i < count; ++i) {
        EXPECT_TRUE((*client)->at(i).bytes.starts_with("SIP/2.0 302 "));
        EXPECT_EQ((*client)->at(i).from.port, doors.udp->port());
        ++answered;
      }
    }
  }
}

TEST(UdpDoor, StopsWhileItWaits) {
  Doors doors(2);
  doors.udp->stop();
}

TEST(DatagramSocket, LooksForTheNextWhileTheyComeFastAndStillStops) {
  platform::DatagramOptions options;
  options.poll = std::chrono::milliseconds(1);
  auto server = platform::DatagramSocket::open(options);
  auto client = platform::DatagramSocket::open({});
  ASSERT_TRUE(server.ok() && client.ok());
  platform::Thread echo = platform::start_thread("echo", [&](const std::stop_token&) {
    while (const std::size_t count = (*server)->receive()) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto in = (*server)->at(i);
        const auto room = (*server)->room(in.bytes.size());
        std::copy(in.bytes.begin(), in.bytes.end(), room.begin());
        (*server)->send(in.bytes.size(), in.from);
      }
      (*server)->flush();
    }
  });
  for (int i = 0; i < 200; ++i) {
    const std::string text = "ping" + std::to_string(i);
    const auto room = (*client)->room(text.size());
    std::copy(text.begin(), text.end(), room.begin());
    (*client)->send(text.size(), loopback((*server)->port()));
    (*client)->flush();
    ASSERT_EQ((*client)->receive(), 1U);
    ASSERT_EQ((*client)->at(0).bytes, text);
  }
  (*server)->wake();
  echo.join();
}

std::string exchange(std::uint16_t port, const std::string& sent, std::size_t bytes_at_least) {
  boost::asio::io_context context;
  tcp::socket socket(context);
  socket.connect({boost::asio::ip::make_address("127.0.0.1"), port});
  boost::asio::write(socket, boost::asio::buffer(sent));
  std::string out(65536, '\0');
  boost::system::error_code bad;
  const std::size_t count =
      boost::asio::read(socket, boost::asio::buffer(out), boost::asio::transfer_at_least(bytes_at_least), bad);
  out.resize(count);
  return out;
}

TEST(TcpDoor, AnswersMessagesAndPings) {
  Doors doors;
  Invite invite;
  invite.via = "SIP/2.0/TCP 127.0.0.1";
  const std::string one = exchange(doors.tcp->port(), invite.text(), 1);
  EXPECT_TRUE(one.starts_with("SIP/2.0 302 "));
  const std::string more = exchange(doors.tcp->port(), "\r\n\r\n" + invite.text() + invite.text(), 2 + 2 * one.size());
  EXPECT_EQ(more, "\r\n" + one + one);
}

TEST(TcpDoor, ClosesWhatCannotBeFramedAndWhatNeverEnds) {
  Doors doors;
  EXPECT_EQ(exchange(doors.tcp->port(), "GET / HTTP/1.1\r\n\r\n", 1), "");
  EXPECT_EQ(doors.figures.of(Count::kTcpUnframed), 1U);
  EXPECT_EQ(exchange(doors.tcp->port(), "INVITE sip:a@b SIP/2.0\r\nVia: ", 1), "") << "one second, then closed";
}

}  // namespace
}  // namespace pandun::sip
