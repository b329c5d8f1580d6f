// The certificates that an operator keeps here for checking callers' signatures. Nothing is ever fetched: who fetches them, and
// when, is the operator's own affair; a call waits for nobody's web server.
//
// Format   DIRECTORY/index.toml: roots = ["roots.pem"], revoked = ["x.crl"] (PEM), [[certificate]] x5u = "https://…"
//          file = "x.pem" (the signer's first, then what stands between it and a root).
// Shape    each x5u is judged once, when loaded: chain to a root, P-256 key, dates, revocation, numbers it may sign for. Dates are
//          looked at again at every use.
// Errors   load(): kBadConfig with every fault of the index. A certificate that cannot be trusted is kept as such, with its
//          reason: its calls fail, they are not "unknown".
// Threads  immutable; verify() from any thread.
// Source   RFC 8226 (TNAuthList), RFC 5280, RFC 7518 section 3.4.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/file_system.h"

namespace pandun::passport {

class Credential {
 public:
  ~Credential();
  Credential(const Credential&) = delete;
  Credential& operator=(const Credential&) = delete;

  bool trusted(WallMs now) const;
  std::string_view fault() const { return fault_; }  // "" when its chain is good
  // What TNAuthList says of a number in canonical form: named, covered by a provider code as a whole, or out of its reach.
  enum class Authority : std::uint8_t { kNone, kProvider, kNumber };
  Authority over(std::string_view number) const;
  bool verify(std::string_view text, std::string_view raw_signature) const;

 private:
  friend class CertificatesReader;
  struct Key;
  struct Range {
    std::string first{}, last{};  // of equal length
  };
  Credential();
  std::unique_ptr<Key> key_;
  std::string fault_;
  std::int64_t from_ = 0, until_ = 0;  // seconds; of the whole chain
  bool listed_ = false, provider_ = false;
  std::vector<Range> ranges_;
};

class Certificates {
 public:
  static Result<std::shared_ptr<const Certificates>> load(platform::FileSystem& files, const std::string& directory,
                                                          WallMs now);
  ~Certificates();

  const Credential* find(std::string_view x5u) const;
  std::size_t size() const { return entries_.size(); }
  std::size_t untrusted() const;
  std::string report() const;  // one line for each that is not trusted: x5u and why

 private:
  friend class CertificatesReader;
  Certificates();
  struct Entry {
    std::string x5u;
    std::unique_ptr<Credential> credential;
  };
  std::vector<Entry> entries_;  // sorted by x5u
};

}  // namespace pandun::passport
