#include "passport/certificates.h"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <limits>
#include <set>

#include "base/toml.h"
#include "passport/token.h"

namespace pandun::passport {
namespace {

template <typename T, void (*Free)(T*)>
struct Freed {
  void operator()(T* what) const { Free(what); }
};
using X509Ptr = std::unique_ptr<X509, Freed<X509, X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Freed<X509_CRL, X509_CRL_free>>;
using StorePtr = std::unique_ptr<X509_STORE, Freed<X509_STORE, X509_STORE_free>>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX, X509_STORE_CTX_free>>;
using DigestPtr = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;
using SignaturePtr = std::unique_ptr<ECDSA_SIG, Freed<ECDSA_SIG, ECDSA_SIG_free>>;
using ObjectPtr = std::unique_ptr<ASN1_OBJECT, Freed<ASN1_OBJECT, ASN1_OBJECT_free>>;
struct FreeBio {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct FreeStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};

constexpr std::uint64_t kFileBytesMax = 1U << 20;
constexpr std::size_t kCertificatesMax = 65536;

std::unique_ptr<BIO, FreeBio> memory(std::string_view pem) {
  return std::unique_ptr<BIO, FreeBio>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}
// No pass phrase is ever asked for on the terminal.
int refuse_phrase(char*, int, int, void*) {
  return -1;
}

std::vector<X509Ptr> read_certificates(std::string_view pem) {
  const auto bio = memory(pem);
  std::vector<X509Ptr> out;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, refuse_phrase, nullptr)) out.emplace_back(next);
  return out;
}

std::int64_t seconds(const ASN1_TIME* time) {
  const std::unique_ptr<ASN1_TIME, Freed<ASN1_TIME, ASN1_TIME_free>> epoch(ASN1_TIME_set(nullptr, 0));
  int days = 0, rest = 0;
  if (!epoch || ASN1_TIME_diff(&days, &rest, epoch.get(), time) != 1) return std::numeric_limits<std::int64_t>::min();
  return std::int64_t{days} * 86400 + rest;
}

// A reader of DER for the one structure that OpenSSL 3.0 does not know.
class Der {
 public:
  explicit Der(std::string_view bytes) : rest_(bytes) {}
  bool done() const { return rest_.empty(); }
  bool take(unsigned& tag, std::string_view& value) {
    if (rest_.size() < 2) return false;
    tag = static_cast<unsigned char>(rest_[0]);
    std::size_t size = static_cast<unsigned char>(rest_[1]), at = 2;
    if (size > 0x80) {
      const std::size_t bytes = size - 0x80;
      if (bytes > 2 || rest_.size() < 2 + bytes) return false;
      size = 0;
      for (std::size_t i = 0; i < bytes; ++i) size = size << 8 | static_cast<unsigned char>(rest_[at++]);
    } else if (size == 0x80) {
      return false;
    }
    if (rest_.size() - at < size) return false;
    value = rest_.substr(at, size);
    rest_.remove_prefix(at + size);
    return true;
  }
  bool take_only(unsigned wanted, std::string_view& value) {
    unsigned tag = 0;
    return take(tag, value) && tag == wanted;
  }

 private:
  std::string_view rest_;
};

constexpr unsigned kSequence = 0x30, kIa5 = 0x16, kInteger = 0x02;
constexpr unsigned kProviderTag = 0xa0, kRangeTag = 0xa1, kOneTag = 0xa2;

// first + count - 1 in decimal; "" when it needs more digits.
std::string last_of(std::string first, std::uint64_t count) {
  std::uint64_t carry = count - 1;
  for (std::size_t i = first.size(); i-- > 0 && carry != 0;) {
    const std::uint64_t digit = static_cast<std::uint64_t>(first[i] - '0') + carry % 10;
    first[i] = static_cast<char>('0' + digit % 10);
    carry = carry / 10 + digit / 10;
  }
  return carry == 0 ? first : std::string();
}

bool digits(std::string_view text) {
  return !text.empty() && text.size() <= 32 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

}  // namespace

struct Credential::Key {
  std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>> pkey;
};

Credential::Credential() : key_(std::make_unique<Key>()) {}
Credential::~Credential() = default;
Certificates::Certificates() = default;
Certificates::~Certificates() = default;

bool Credential::trusted(WallMs now) const {
  return fault_.empty() && now.ms / 1000 >= from_ && now.ms / 1000 <= until_;
}

Credential::Authority Credential::over(std::string_view number) const {
  // Without the list, the chain's root answers for what it signs: a private trust anchor may do without RFC 8226.
  if (!listed_) return Authority::kProvider;
  for (const Range& range : ranges_)
    if (number.size() == range.first.size() && number >= range.first && number <= range.last) return Authority::kNumber;
  return provider_ ? Authority::kProvider : Authority::kNone;
}

bool Credential::verify(std::string_view text, std::string_view raw_signature) const {
  if (raw_signature.size() != 64 || !key_->pkey) return false;
  const auto* raw = reinterpret_cast<const unsigned char*>(raw_signature.data());
  const SignaturePtr signature(ECDSA_SIG_new());
  BIGNUM* const r = BN_bin2bn(raw, 32, nullptr);
  BIGNUM* const s = BN_bin2bn(raw + 32, 32, nullptr);
  if (!signature || r == nullptr || s == nullptr || ECDSA_SIG_set0(signature.get(), r, s) != 1) {
    BN_free(r);
    BN_free(s);
    return false;
  }
  std::array<unsigned char, 80> der{};
  unsigned char* at = der.data();
  const int size = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (size <= 0 || static_cast<std::size_t>(size) > der.size() || i2d_ECDSA_SIG(signature.get(), &at) != size)
    return false;
  const DigestPtr context(EVP_MD_CTX_new());
  return context && EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key_->pkey.get()) == 1 &&
         EVP_DigestVerify(context.get(), der.data(), static_cast<std::size_t>(size),
                          reinterpret_cast<const unsigned char*>(text.data()), text.size()) == 1;
}

class CertificatesReader {
 public:
  CertificatesReader(platform::FileSystem& files, const std::string& directory, WallMs now)
      : files_(files), directory_(directory), index_(platform::join(directory, "index.toml")), now_(now) {}

  Result<std::shared_ptr<const Certificates>> read() {
    TRY_ASSIGN(const std::string text, platform::read_file(files_, index_, 16U << 20));
    toml::table root;
    if (const auto bad = read_toml(text, index_, root))
      return error(Errc::kBadConfig, fmt::format("{}:{}:{}", index_, bad->line, bad->column), bad->message);
    store_.reset(X509_STORE_new());
    const toml::array* list = nullptr;
    for (const auto& [name, node] : root) {
      if (name.str() == "roots")
        each_file(node, [&](const toml::node& item, const std::string& pem) { add_roots(item, pem); });
      else if (name.str() == "revoked")
        each_file(node, [&](const toml::node& item, const std::string& pem) { add_revoked(item, pem); });
      else if (name.str() == "certificate" && node.is_array())
        list = node.as_array();
      else
        fault(node, "an index has roots, revoked and [[certificate]]");
    }
    if (roots_ == 0) fault(root, "roots = [\"FILE.pem\"] must name at least one trusted certificate");
    if (list != nullptr)
      for (const toml::node& item : *list) certificate(item);
    if (!faults_.empty()) return error(Errc::kBadConfig, index_, faults_);
    std::sort(out_->entries_.begin(), out_->entries_.end(), [](const auto& a, const auto& b) { return a.x5u < b.x5u; });
    return std::shared_ptr<const Certificates>(std::move(out_));
  }

 private:
  void fault(const toml::node& node, std::string_view message) {
    const auto at = node.source().begin;
    faults_ += fmt::format("{}{}:{}:{}: {}", faults_.empty() ? "" : "\n  ", index_, at.line, at.column, message);
  }

  bool read_pem(const toml::node& node, std::string& out) {
    const std::string name = node.value_or(std::string());
    if (name.empty() || name.find('/') != std::string::npos || name.front() == '.') {
      fault(node, "takes the name of a file in the same directory");
      return false;
    }
    auto text = platform::read_file(files_, platform::join(directory_, name), kFileBytesMax);
    if (!text.ok()) {
      fault(node, text.error().text());
      return false;
    }
    out = std::move(text).value();
    return true;
  }

  template <typename Each>
  void each_file(const toml::node& node, Each&& each) {
    const toml::array* files = node.as_array();
    if (files == nullptr) return fault(node, "takes a list of file names");
    for (const toml::node& item : *files)
      if (std::string pem; read_pem(item, pem)) each(item, pem);
  }

  void add_roots(const toml::node& item, const std::string& pem) {
    const auto roots = read_certificates(pem);
    if (roots.empty()) fault(item, "holds no certificate in PEM");
    for (const X509Ptr& root : roots) roots_ += X509_STORE_add_cert(store_.get(), root.get()) == 1 ? 1U : 0U;
  }

  void add_revoked(const toml::node& item, const std::string& pem) {
    const auto bio = memory(pem);
    std::size_t found = 0;
    while (X509_CRL* next = PEM_read_bio_X509_CRL(bio.get(), nullptr, refuse_phrase, nullptr)) {
      const CrlPtr crl(next);
      found += X509_STORE_add_crl(store_.get(), crl.get()) == 1 ? 1U : 0U;
    }
    if (found == 0) fault(item, "holds no revocation list in PEM");
    revocation_ = revocation_ || found != 0;
  }

  void certificate(const toml::node& item) {
    const toml::table* table = item.as_table();
    std::string x5u, pem;
    const toml::node* file = nullptr;
    if (table != nullptr) {
      for (const auto& [name, node] : *table) {
        if (name.str() == "x5u")
          x5u = node.value_or(std::string());
        else if (name.str() == "file")
          file = &node;
        else
          fault(node, "a certificate has x5u and file");
      }
    }
    if (!x5u.starts_with("https://") || file == nullptr)
      return fault(item, "a certificate needs x5u = \"https://...\" and file = \"NAME.pem\"");
    if (out_->entries_.size() == kCertificatesMax) return fault(item, "more certificates than 65536");
    if (!seen_.insert(x5u).second) return fault(item, "the same x5u stands above");
    if (!read_pem(*file, pem)) return;
    auto credential = std::unique_ptr<Credential>(new Credential());
    judge(pem, *credential);
    out_->entries_.push_back({std::move(x5u), std::move(credential)});
  }

  // What is wrong with a certificate is its owner's fault, not the index's: it is kept as not trusted.
  void judge(const std::string& pem, Credential& out) {
    const auto chain = read_certificates(pem);
    if (chain.empty()) {
      out.fault_ = "holds no certificate in PEM";
      return;
    }
    out.key_->pkey.reset(X509_get_pubkey(chain.front().get()));
    std::array<char, 64> group{};
    std::size_t size = 0;
    if (!out.key_->pkey ||
        EVP_PKEY_get_utf8_string_param(out.key_->pkey.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.data(), group.size(),
                                       &size) != 1 ||
        std::string_view(group.data(), size) != "prime256v1") {
      out.fault_ = "its key is not P-256, so that it cannot sign ES256";
      return;
    }
    if (!read_authority(chain.front().get(), out)) {
      out.fault_ = "its TNAuthList cannot be read";
      return;
    }
    // A certificate of an authority must not sign calls, and one that may not sign at all must not either.
    if ((X509_get_extension_flags(chain.front().get()) & EXFLAG_CA) != 0 ||
        (X509_get_key_usage(chain.front().get()) & KU_DIGITAL_SIGNATURE) == 0) {
      out.fault_ = "it is not meant for signatures by a caller's carrier";
      return;
    }
    check_chain(chain, out);
  }

  void check_chain(const std::vector<X509Ptr>& chain, Credential& out) {
    const std::unique_ptr<STACK_OF(X509), FreeStack> between(sk_X509_new_null());
    for (std::size_t i = 1; i < chain.size(); ++i) sk_X509_push(between.get(), chain[i].get());
    const ContextPtr context(X509_STORE_CTX_new());
    if (!context || X509_STORE_CTX_init(context.get(), store_.get(), chain.front().get(), between.get()) != 1) {
      out.fault_ = "cannot be checked";
      return;
    }
    X509_VERIFY_PARAM* const param = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_time(param, static_cast<std::time_t>(now_.ms / 1000));
    unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN;
    if (revocation_) flags |= X509_V_FLAG_CRL_CHECK;
    X509_VERIFY_PARAM_set_flags(param, flags);
    X509_VERIFY_PARAM_set_depth(param, 8);
    if (X509_verify_cert(context.get()) != 1) {
      out.fault_ = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
      return;
    }
    out.from_ = std::numeric_limits<std::int64_t>::min();
    out.until_ = std::numeric_limits<std::int64_t>::max();
    STACK_OF(X509)* const whole = X509_STORE_CTX_get0_chain(context.get());
    for (int i = 0; i < sk_X509_num(whole); ++i) {
      const X509* const link = sk_X509_value(whole, i);
      out.from_ = std::max(out.from_, seconds(X509_get0_notBefore(link)));
      out.until_ = std::min(out.until_, seconds(X509_get0_notAfter(link)));
    }
  }

  static bool read_authority(const X509* certificate, Credential& out) {
    const ObjectPtr id(OBJ_txt2obj("1.3.6.1.5.5.7.1.26", 1));
    const int at = X509_get_ext_by_OBJ(certificate, id.get(), -1);
    if (at < 0) return true;
    const ASN1_OCTET_STRING* const data = X509_EXTENSION_get_data(X509_get_ext(certificate, at));
    Der outer({reinterpret_cast<const char*>(ASN1_STRING_get0_data(data)),
               static_cast<std::size_t>(ASN1_STRING_length(data))});
    std::string_view list;
    if (!outer.take_only(kSequence, list) || !outer.done()) return false;
    out.listed_ = true;
    for (Der entries(list); !entries.done();) {
      unsigned tag = 0;
      std::string_view value, text, count;
      if (!entries.take(tag, value)) return false;
      Der inner(value);
      if (tag == kProviderTag) {
        if (!inner.take_only(kIa5, text)) return false;
        out.provider_ = true;
      } else if (tag == kOneTag) {
        if (!inner.take_only(kIa5, text)) return false;
        if (const std::string number = canonical_number(text); digits(number)) out.ranges_.push_back({number, number});
      } else if (tag == kRangeTag) {
        if (!inner.take_only(kSequence, text)) return false;
        Der range(text);
        if (!range.take_only(kIa5, text) || !range.take_only(kInteger, count)) return false;
        if (count.empty() || count.size() > 8 || static_cast<unsigned char>(count[0]) > 0x7f) return false;
        std::uint64_t size = 0;
        for (const char c : count) size = size << 8 | static_cast<unsigned char>(c);
        const std::string first = canonical_number(text);
        if (!digits(first) || size == 0) return false;
        const std::string last = last_of(first, size);
        if (last.empty()) return false;
        out.ranges_.push_back({first, last});
      } else {
        return false;
      }
    }
    return true;
  }

  platform::FileSystem& files_;
  std::string directory_, index_;
  WallMs now_;
  StorePtr store_;
  std::size_t roots_ = 0;
  bool revocation_ = false;
  std::set<std::string> seen_;
  std::shared_ptr<Certificates> out_{new Certificates()};
  std::string faults_;
};

Result<std::shared_ptr<const Certificates>> Certificates::load(platform::FileSystem& files,
                                                               const std::string& directory, WallMs now) {
  return CertificatesReader(files, directory, now).read();
}

const Credential* Certificates::find(std::string_view x5u) const {
  const auto found = std::lower_bound(entries_.begin(), entries_.end(), x5u,
                                      [](const Entry& entry, std::string_view key) { return entry.x5u < key; });
  return found != entries_.end() && found->x5u == x5u ? found->credential.get() : nullptr;
}

std::size_t Certificates::untrusted() const {
  return static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.end(),
                                                [](const Entry& entry) { return !entry.credential->fault().empty(); }));
}

std::string Certificates::report() const {
  std::string out;
  for (const Entry& entry : entries_)
    if (!entry.credential->fault().empty()) out += fmt::format("{}: {}\n", entry.x5u, entry.credential->fault());
  return out;
}

}  // namespace pandun::passport
