#include "api/http/tls.h"

#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "api/http/server.h"
#include "api/testing/raw_client.h"
#include "platform/thread.h"

namespace pandun::api::http {
namespace {

using namespace std::chrono_literals;
using testing::RawClient;

std::string text_of(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

struct Pair {
  std::string certificate, key;
};

// Self-signed, P-256.
Pair make_pair_for(const std::string& name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(certificate, subject);
  X509_sign(certificate, key, EVP_sha256());
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(out, certificate);
  BIO* secret = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(secret, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {text_of(out), text_of(secret)};
}

class EchoHandler final : public Handler {
 public:
  Plan plan(const Request&) override {
    return {.body_bytes_max = 1 << 20, .on_io_thread = true, .refuse = std::nullopt};
  }
  Response handle(Request& request) override {
    Response out;
    out.body = request.tls ? request.body : "not tls";
    return out;
  }
  Response problem(int status, std::string detail, std::uint64_t) override {
    Response out;
    out.status = status;
    out.body = std::move(detail);
    return out;
  }
};

class TlsTest : public ::testing::Test {
 protected:
  TlsTest() {
    char name[] = "/tmp/pandun_tls_XXXXXX";
    directory_ = ::mkdtemp(name);
    certificate_ = directory_ + "/cert.pem";
    key_ = directory_ + "/key.pem";
    put(make_pair_for("first"));
  }
  ~TlsTest() override {
    server_.reset();
    for (const std::string& file : {certificate_, key_}) EXPECT_TRUE(files_.remove(file).ok());
    ::rmdir(directory_.c_str());
  }
  void put(const Pair& pair) {
    EXPECT_TRUE(platform::replace_file(files_, key_, pair.key).ok());
    EXPECT_TRUE(platform::replace_file(files_, certificate_, pair.certificate).ok());
  }
  Server& start() {
    ServerOptions options;
    options.port = 0;
    options.head_within = 500ms;
    options.certificate_file = certificate_;
    options.key_file = key_;
    auto server = Server::start(options, handler_, platform::system_clock(), files_);
    EXPECT_TRUE(server.ok()) << server.error().text();
    server_ = std::move(*server);
    return *server_;
  }
  platform::FileSystem& files_ = platform::posix_files();
  std::string directory_, certificate_, key_;
  EchoHandler handler_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, SpeaksTls13AndSendsHsts) {
  Server& server = start();
  RawClient client(server.port(), true);
  ASSERT_TRUE(client.connected());
  EXPECT_EQ(client.tls_version(), "TLSv1.3");
  EXPECT_EQ(client.peer_name(), "first");
  const auto answer = client.ask("POST", "/", "", "sealed");
  EXPECT_EQ(answer.body, "sealed");
  EXPECT_NE(answer.headers.at("strict-transport-security").find("max-age="), std::string::npos);
  const std::string large(300'000, 'z');
  EXPECT_EQ(client.ask("POST", "/", "", large).body, large);
}

TEST_F(TlsTest, PlainAndBrokenPeersAreClosedAndCounted) {
  Server& server = start();
  RawClient plain(server.port());
  plain.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
  plain.read_until("never");
  RawClient silent(server.port());
  EXPECT_TRUE(silent.at_end());  // after head_within
  EXPECT_EQ(server.stats().tls_failures, 1U);
  EXPECT_EQ(server.stats().requests, 0U);
}

TEST_F(TlsTest, ReloadsAChangedPairAndKeepsTheOldOneWhenTheNewIsBad) {
  auto loaded = TlsFiles::load(files_, certificate_, key_);
  ASSERT_TRUE(loaded.ok()) << loaded.error().text();
  TlsFiles& tls = **loaded;
  const TlsContext before = tls.context();
  EXPECT_FALSE(*tls.reload_if_changed());
  ASSERT_TRUE(platform::replace_file(files_, key_, make_pair_for("other").key).ok());
  const auto bad = tls.reload_if_changed();
  ASSERT_FALSE(bad.ok());
  EXPECT_EQ(bad.error().code, Errc::kBadConfig);
  EXPECT_EQ(tls.context(), before);
  put(make_pair_for("second"));
  EXPECT_TRUE(*tls.reload_if_changed());
  EXPECT_NE(tls.context(), before);
}

TEST_F(TlsTest, SaysWhatIsWrongWithTheFiles) {
  const auto code = [&](const std::string& certificate, const std::string& key) {
    return TlsFiles::load(files_, certificate, key).error().code;
  };
  EXPECT_EQ(code(directory_ + "/none.pem", key_), Errc::kNotFound);
  EXPECT_EQ(code(key_, key_), Errc::kBadConfig);
  EXPECT_EQ(code(certificate_, certificate_), Errc::kBadConfig);
  ServerOptions options;
  options.certificate_file = certificate_;
  EXPECT_EQ(Server::start(options, handler_, platform::system_clock(), files_).error().code, Errc::kUsage);
}

}  // namespace
}  // namespace pandun::api::http
