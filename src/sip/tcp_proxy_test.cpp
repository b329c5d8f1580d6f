// Calls that are passed on over TCP: to the next hop by a connection of ours, answers back on the one that the call came by.
#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "platform/thread.h"
#include "sip/tcp_door.h"
#include "sip/test_rig.h"

namespace pandun::sip {
namespace {

using boost::asio::ip::tcp;

struct End {
  boost::asio::io_context& io;
  tcp::socket socket{io};
  std::string kept{};
  void send(const std::string& text) { boost::asio::write(socket, boost::asio::buffer(text)); }
  std::string read() {
    const std::size_t size = boost::asio::read_until(socket, boost::asio::dynamic_buffer(kept), "\r\n\r\n");
    std::string out = kept.substr(0, size);
    kept.erase(0, size);
    return out;
  }
};

struct Passing {
  Passing() {
    decider.publish({});
    auto loaded =
        Trunks::load("t", "[[trunk]]\nname=\"l\"\npeers=[\"127.0.0.0/8\"]\nallow=\"proxy\"\nnext_hop=\"127.0.0.1:" +
                              std::to_string(next.local_endpoint().port()) + "\"\n");
    EXPECT_TRUE(loaded.ok());
    TcpOptions options;
    options.port = 0;
    options.responder.calls_remembered = 4096;
    options.responder.key = {3, 4};
    options.responder.self = {ip("127.0.0.1"), 5060, "127.0.0.1:5060"};
    auto opened = TcpDoor::start(options, {decider, numbering, platform::system_clock()},
                                 std::make_shared<const Trunks>(std::move(loaded).value()), figures);
    EXPECT_TRUE(opened.ok()) << (opened.ok() ? "" : opened.error().text());
    door = std::move(opened).value();
    switch_.socket.connect({boost::asio::ip::make_address("127.0.0.1"), door->port()});
  }
  Invite invite() {
    Invite out;
    out.via = "SIP/2.0/TCP 127.0.0.1:5099";
    return out;
  }
  decide::Decider decider;
  TestNumbering numbering;
  Figures figures;
  boost::asio::io_context io;
  tcp::acceptor next{io, tcp::endpoint(boost::asio::ip::make_address("127.0.0.1"), 0)};
  std::unique_ptr<TcpDoor> door;
  End switch_{io};
};

std::string vias_of(const std::string& message) {
  std::string out;
  for (std::size_t at = 0; (at = message.find("\r\nVia: ", at)) != std::string::npos; at += 2)
    out += message.substr(at + 2, message.find("\r\n", at + 2) - at);
  return out;
}

TEST(TcpProxy, PassesACallOnAndItsAnswersBack) {
  Passing site;
  Invite invite = site.invite();
  site.switch_.send(invite.text());
  End hop{site.io};
  hop.socket = site.next.accept();
  const std::string passed = hop.read();
  EXPECT_TRUE(passed.starts_with("INVITE sip:+8613900139000@"));
  EXPECT_NE(passed.find("\r\nVia: SIP/2.0/TCP 127.0.0.1:5060;branch=z9hG4bKpd"), std::string::npos) << passed;
  EXPECT_NE(passed.find("\r\nX-Pandun-Verdict: allow\r\n"), std::string::npos) << passed;

  const std::string tail =
      "From: <sip:+8613800138000@192.0.2.1>;tag=f1\r\nTo: <sip:x@y>;tag=9\r\nCall-ID: c1@x\r\nCSeq: 1 INVITE\r\n"
      "Content-Length: 0\r\n\r\n";
  hop.send("SIP/2.0 180 Ringing\r\n" + vias_of(passed) + tail);
  const std::string ringing = site.switch_.read();
  EXPECT_TRUE(ringing.starts_with("SIP/2.0 180 Ringing\r\n")) << ringing;
  EXPECT_EQ(vias_of(ringing).find("z9hG4bKpd"), std::string::npos) << "our own Via is gone";
  EXPECT_NE(vias_of(ringing).find("127.0.0.1:5099;branch=z9hG4bK1"), std::string::npos) << ringing;

  // A CANCEL follows it, on the same connection.
  invite.method = "CANCEL";
  invite.cseq = "1 CANCEL";
  site.switch_.send(invite.text());
  EXPECT_TRUE(hop.read().starts_with("CANCEL "));
  EXPECT_EQ(site.figures.of(Count::kPassedOn), 2U);
  EXPECT_EQ(site.figures.of(Count::kReturned), 1U);
}

TEST(TcpProxy, AnAnswerGoesToNobodyElse) {
  Passing site;
  site.switch_.send(site.invite().text());
  End hop{site.io};
  hop.socket = site.next.accept();
  const std::string passed = hop.read();
  // The caller's connection is gone: nobody else gets the answer, and the door lives.
  site.switch_.socket.close();
  End other{site.io};
  other.socket.connect({boost::asio::ip::make_address("127.0.0.1"), site.door->port()});
  other.send("\r\n\r\n");
  hop.send(
      "SIP/2.0 200 OK\r\n" + vias_of(passed) +
      "From: <sip:a@b>;tag=f1\r\nTo: <sip:x@y>;tag=9\r\nCall-ID: c1@x\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n");
  Invite options;
  options.method = "OPTIONS";
  options.cseq = "1 OPTIONS";
  options.via = "SIP/2.0/TCP 127.0.0.1:5099";
  options.call_id = "other@x";
  other.send(options.text());
  std::string got = other.read();
  if (got == "\r\n\r\n") got = other.read();
  EXPECT_NE(got.find("OPTIONS"), std::string::npos) << got;
}

TEST(TcpProxy, ANextHopThatCannotBeReachedIsCounted) {
  Passing site;
  site.next.close();
  site.switch_.send(site.invite().text());
  for (int i = 0; i < 500 && site.figures.of(Count::kTcpUnreachable) == 0; ++i)
    platform::pause({}, std::chrono::milliseconds(10));
  EXPECT_EQ(site.figures.of(Count::kTcpUnreachable), 1U);
}

}  // namespace
}  // namespace pandun::sip
