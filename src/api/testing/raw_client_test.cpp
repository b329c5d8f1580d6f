#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "api/testing/raw_client.h"

namespace pandun::api::testing {
namespace {
namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
}  // namespace

struct RawClient::State {
  asio::io_context io;
  Tcp::socket socket{io};
  SSL_CTX* context = nullptr;
  SSL* ssl = nullptr;
  bool connected = false, ended = false;
  std::string in;

  bool fill() {
    if (ended) return false;
    char buffer[16384];
    const auto got = ssl != nullptr ? static_cast<ssize_t>(SSL_read(ssl, buffer, sizeof buffer))
                                    : ::recv(socket.native_handle(), buffer, sizeof buffer, 0);
    if (got > 0) {
      in.append(buffer, static_cast<std::size_t>(got));
      return true;
    }
    if (got == 0 || (errno != EAGAIN && errno != EWOULDBLOCK)) ended = true;
    return false;
  }
};

RawClient::RawClient(std::uint16_t port, bool tls) : state_(std::make_unique<State>()) {
  State& s = *state_;
  boost::system::error_code ec;
  s.socket.connect(Tcp::endpoint(asio::ip::address_v4::loopback(), port), ec);
  if (ec) return;
  timeval wait{2, 0};
  ::setsockopt(s.socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  s.socket.set_option(Tcp::no_delay(true), ec);
  s.connected = true;
  if (!tls) return;
  s.context = SSL_CTX_new(TLS_client_method());
  s.ssl = SSL_new(s.context);
  SSL_set_fd(s.ssl, s.socket.native_handle());
  s.connected = SSL_connect(s.ssl) == 1;
}

RawClient::~RawClient() {
  if (!state_) return;
  SSL_free(state_->ssl);
  SSL_CTX_free(state_->context);
}
RawClient::RawClient(RawClient&&) noexcept = default;

bool RawClient::connected() const {
  return state_->connected;
}
std::string RawClient::tls_version() const {
  return state_->ssl != nullptr ? SSL_get_version(state_->ssl) : "";
}

std::string RawClient::peer_name() const {
  X509* certificate = SSL_get1_peer_certificate(state_->ssl);
  char name[128] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, name, sizeof name);
  X509_free(certificate);
  return name;
}

void RawClient::send(std::string_view bytes) {
  State& s = *state_;
  while (!bytes.empty()) {
    const auto sent = s.ssl != nullptr
                          ? static_cast<ssize_t>(SSL_write(s.ssl, bytes.data(), static_cast<int>(bytes.size())))
                          : ::send(s.socket.native_handle(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

std::string RawClient::read_until(std::string_view mark) {
  State& s = *state_;
  for (;;) {
    const std::size_t found = s.in.find(mark);
    if (found != std::string::npos) {
      std::string out = s.in.substr(0, found + mark.size());
      s.in.erase(0, found + mark.size());
      return out;
    }
    if (!s.fill()) return {};
  }
}

RawAnswer RawClient::read_answer(bool head_only) {
  RawAnswer out;
  const std::string head = read_until("\r\n\r\n");
  if (head.size() < 12) return out;
  out.status = std::atoi(head.c_str() + 9);
  std::size_t at = head.find("\r\n") + 2;
  while (at + 2 < head.size()) {
    const std::size_t end = head.find("\r\n", at);
    const std::string line = head.substr(at, end - at);
    const std::size_t colon = line.find(": ");
    std::string name = line.substr(0, colon);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (colon != std::string::npos) out.headers[name] = line.substr(colon + 2);
    at = end + 2;
  }
  if (head_only || !out.headers.contains("content-length")) return out;
  const auto length = static_cast<std::size_t>(std::stoul(out.headers["content-length"]));
  while (state_->in.size() < length && state_->fill()) {
  }
  out.body = state_->in.substr(0, length);
  state_->in.erase(0, length);
  return out;
}

bool RawClient::at_end() {
  while (state_->fill()) {
  }
  return state_->ended && state_->in.empty();
}

void RawClient::shutdown_send() {
  boost::system::error_code ignored;
  state_->socket.shutdown(Tcp::socket::shutdown_send, ignored);
}

void RawClient::reset() {
  boost::system::error_code ignored;
  state_->socket.set_option(asio::socket_base::linger(true, 0), ignored);
  state_->socket.close(ignored);
}

RawAnswer RawClient::ask(std::string_view method, std::string_view target, std::string_view headers,
                         std::string_view body) {
  std::string out;
  out.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: test\r\n").append(headers);
  if (!body.empty()) {
    if (headers.find("Content-Type") == std::string_view::npos) out.append("Content-Type: application/json\r\n");
    out.append("Content-Length: ").append(std::to_string(body.size())).append("\r\n");
  }
  out.append("\r\n").append(body);
  send(out);
  return read_answer(method == "HEAD");
}

}  // namespace pandun::api::testing
