#include "api/http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include <algorithm>

namespace pandun::api::http {
namespace {

constexpr std::uint64_t kPemBytesMax = 1 << 20;

std::string openssl_words() {
  char buffer[256];
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  if (code == 0) return "no reason given";
  ERR_error_string_n(code, buffer, sizeof buffer);
  return buffer;
}

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

Bio memory_bio(const std::string& bytes) {
  return Bio(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size())));
}

struct X509Free {
  void operator()(X509* x) const { X509_free(x); }
};
struct KeyFree {
  void operator()(EVP_PKEY* k) const { EVP_PKEY_free(k); }
};

// The first certificate is the server's, the rest its chain.
Result<> use_certificates(SSL_CTX* context, const std::string& pem, const std::string& where) {
  const Bio bio = memory_bio(pem);
  int count = 0;
  while (X509* raw = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
    const std::unique_ptr<X509, X509Free> certificate(raw);
    const bool used = count == 0 ? SSL_CTX_use_certificate(context, raw) == 1
                                 : SSL_CTX_add1_chain_cert(context, raw) == 1;  // takes its own reference
    if (!used) return error(Errc::kBadConfig, where, "certificate refused: " + openssl_words());
    ++count;
  }
  ERR_clear_error();  // the end of the file leaves "no start line"
  if (count == 0) return error(Errc::kBadConfig, where, "no PEM certificate in this file");
  return {};
}

Result<> use_key(SSL_CTX* context, const std::string& pem, const std::string& where) {
  const Bio bio = memory_bio(pem);
  const std::unique_ptr<EVP_PKEY, KeyFree> key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return error(Errc::kBadConfig, where, "no unencrypted PEM private key in this file: " + openssl_words());
  if (SSL_CTX_use_PrivateKey(context, key.get()) != 1 || SSL_CTX_check_private_key(context) != 1) {
    return error(Errc::kBadConfig, where, "the key does not belong to the certificate: " + openssl_words());
  }
  return {};
}

}  // namespace

Result<std::string> TlsFiles::stamp() const {
  std::string out;
  for (const std::string* path : {&certificate_, &key_}) {
    TRY_ASSIGN(const platform::FileInfo info, files_.info(*path));
    out += std::to_string(info.inode) + ":" + std::to_string(info.size) + ":" + std::to_string(info.modified_ms) + ";";
  }
  return out;
}

Result<TlsContext> TlsFiles::read() const {
  TRY_ASSIGN(const std::string certificate, platform::read_file(files_, certificate_, kPemBytesMax));
  TRY_ASSIGN(std::string key, platform::read_file(files_, key_, kPemBytesMax));
  TlsContext context(SSL_CTX_new(TLS_server_method()), [](ssl_ctx_st* c) { SSL_CTX_free(c); });
  CHECK(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  // TLS 1.2: forward secrecy and authenticated encryption only.
  SSL_CTX_set_cipher_list(context.get(), "ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL");
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  TRY(use_certificates(context.get(), certificate, certificate_));
  const Result<> used = use_key(context.get(), key, key_);
  OPENSSL_cleanse(key.data(), key.size());
  TRY(used);
  return context;
}

Result<std::unique_ptr<TlsFiles>> TlsFiles::load(platform::FileSystem& files, std::string certificate,
                                                 std::string key) {
  std::unique_ptr<TlsFiles> out(new TlsFiles(files, std::move(certificate), std::move(key)));
  TRY_ASSIGN(out->stamp_, out->stamp());
  TRY_ASSIGN(out->context_, out->read());
  return out;
}

TlsContext TlsFiles::context() const {
  const std::scoped_lock lock(mutex_);
  return context_;
}

Result<bool> TlsFiles::reload_if_changed() {
  TRY_ASSIGN(std::string now, stamp());
  if (now == stamp_) return false;
  stamp_ = std::move(now);
  TRY_ASSIGN(TlsContext fresh, read());
  const std::scoped_lock lock(mutex_);
  context_ = std::move(fresh);
  return true;
}

TlsSession::TlsSession(const TlsContext& context) : ssl_(SSL_new(context.get())), context_(context) {
  CHECK(ssl_ != nullptr);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  CHECK(in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);  // an empty buffer means "later", not the end
  SSL_set_bio(ssl_, in, out);
  SSL_set_accept_state(ssl_);
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

bool TlsSession::established() const {
  return SSL_is_init_finished(ssl_) == 1;
}

void TlsSession::drain(std::string& wire) {
  BIO* out = SSL_get_wbio(ssl_);
  const std::size_t pending = BIO_ctrl_pending(out);
  if (pending == 0) return;
  const std::size_t before = wire.size();
  wire.resize(before + pending);
  const int got = BIO_read(out, wire.data() + before, static_cast<int>(pending));
  wire.resize(before + static_cast<std::size_t>(std::max(got, 0)));
}

bool TlsSession::receive(std::string_view bytes, std::string& clear, std::string& wire) {
  ERR_clear_error();
  if (!bytes.empty() && BIO_write(SSL_get_rbio(ssl_), bytes.data(), static_cast<int>(bytes.size())) <= 0) return false;
  char buffer[8192];
  for (;;) {
    const int got = SSL_read(ssl_, buffer, sizeof buffer);
    if (got > 0) {
      clear.append(buffer, static_cast<std::size_t>(got));
      continue;
    }
    const int why = SSL_get_error(ssl_, got);
    drain(wire);
    if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE) return true;
    closed_ = why == SSL_ERROR_ZERO_RETURN;
    ERR_clear_error();
    return false;
  }
}

bool TlsSession::send(std::string_view clear, std::string& wire) {
  constexpr std::size_t kPiece = 1 << 20;
  ERR_clear_error();
  while (!clear.empty()) {
    const std::size_t piece = std::min(clear.size(), kPiece);
    const int sent = SSL_write(ssl_, clear.data(), static_cast<int>(piece));
    drain(wire);
    if (sent <= 0) return false;
    clear.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

void TlsSession::goodbye(std::string& wire) {
  if (established()) SSL_shutdown(ssl_);
  ERR_clear_error();
  drain(wire);
}

}  // namespace pandun::api::http
