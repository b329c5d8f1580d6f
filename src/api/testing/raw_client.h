// A peer for tests that sends exactly the bytes it is told to, over TCP or TLS, and reads answers with a deadline.
//
// Errors   read_*(): an empty result after two seconds without bytes, or at the end of the connection.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

namespace pandun::api::testing {

struct RawAnswer {
  int status = 0;                              // 0: no answer came
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
};

class RawClient {
 public:
  explicit RawClient(std::uint16_t port, bool tls = false);
  ~RawClient();
  RawClient(RawClient&&) noexcept;

  bool connected() const;  // with TLS: the handshake succeeded
  std::string tls_version() const;
  std::string peer_name() const;  // common name of the server's certificate
  void send(std::string_view bytes);
  RawAnswer read_answer(bool head_only = false);
  std::string read_until(std::string_view mark);  // everything up to and including the mark
  bool at_end();                                  // the server closed, and nothing more is to read
  void shutdown_send();
  void reset();  // closes with a RST, as a crashed peer does

  // One request on this connection.
  RawAnswer ask(std::string_view method, std::string_view target, std::string_view headers = {},
                std::string_view body = {});

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace pandun::api::testing
