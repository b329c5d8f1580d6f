// TLS as a filter between bytes and bytes: no socket, so the connection code is the same with and without it.
//
// Shape    TlsFiles holds the server's certificate and key and looks now and then whether they changed on disk; a bad new
//          pair is reported and the old one stays in force. TlsSession is one peer.
// Errors   load: kNotFound, kIo, kBadConfig (not PEM, key and certificate do not fit).
// Threads  context(): any thread; reload_if_changed(): one thread. TlsSession: one owner.
// Source   TLS 1.2 and 1.3 (RFC 5246, RFC 8446); OpenSSL 3.0 with memory BIOs.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"
#include "platform/file_system.h"

struct ssl_ctx_st;
struct ssl_st;

namespace pandun::api::http {

using TlsContext = std::shared_ptr<ssl_ctx_st>;

class TlsFiles {
 public:
  static Result<std::unique_ptr<TlsFiles>> load(platform::FileSystem& files, std::string certificate, std::string key);
  TlsContext context() const;
  // True when a new pair came into force. A faulty one is an error each time it is seen anew, and changes nothing.
  Result<bool> reload_if_changed();

 private:
  TlsFiles(platform::FileSystem& files, std::string certificate, std::string key)
      : files_(files), certificate_(std::move(certificate)), key_(std::move(key)) {}
  Result<std::string> stamp() const;
  Result<TlsContext> read() const;

  platform::FileSystem& files_;
  std::string certificate_, key_, stamp_;
  mutable std::mutex mutex_;
  TlsContext context_;
};

class TlsSession {
 public:
  explicit TlsSession(const TlsContext& context);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // Bytes from the peer in; clear bytes appended to `clear`, bytes to send appended to `wire`. False: the peer's TLS is
  // broken (an alert may stand in `wire`), or it said goodbye (closed()).
  bool receive(std::string_view bytes, std::string& clear, std::string& wire);
  bool send(std::string_view clear, std::string& wire);
  void goodbye(std::string& wire);
  bool established() const;
  bool closed() const { return closed_; }

 private:
  void drain(std::string& wire);
  ssl_st* ssl_ = nullptr;
  TlsContext context_;
  bool closed_ = false;
};

}  // namespace pandun::api::http
