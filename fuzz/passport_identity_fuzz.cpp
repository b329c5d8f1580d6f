// Identity headers, the tokens in them and the number lists of certificates, as strangers write them: an answer for each, no token
// counts for another caller, and nothing counts without the signer's key.
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "passport/testing.h"
#include "passport/token.h"
#include "passport/verify.h"

using namespace pandun;
using namespace pandun::passport;

namespace {

void must(bool good) {
  if (!good) std::abort();
}

constexpr const char* kX5u = "https://c.example/s.pem";
constexpr WallMs kNow{1'700'000'000'000};

// A directory in memory, which can only be read.
class MemoryFiles final : public platform::FileSystem {
 public:
  std::map<std::string, std::string> files;
  class File final : public platform::ReadableFile {
   public:
    explicit File(std::string text) : text_(std::move(text)) {}
    Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
      if (offset >= text_.size()) return std::size_t{0};
      return text_.copy(out, bytes, static_cast<std::size_t>(offset));
    }
    Result<platform::FileInfo> info() const override {
      platform::FileInfo out;
      out.size = text_.size();
      return out;
    }

   private:
    std::string text_;
  };
  static Error refused() { return Error{Errc::kUnsupported, "memory", "is only read"}; }
  Result<std::unique_ptr<platform::ReadableFile>> open_read(const std::string& path) override {
    const auto found = files.find(path);
    if (found == files.end()) return Error{Errc::kNotFound, path, "is not there"};
    return std::unique_ptr<platform::ReadableFile>(std::make_unique<File>(found->second));
  }
  Result<platform::FileInfo> info(const std::string& path) override {
    platform::FileInfo out;
    out.size = files[path].size();
    return out;
  }
  Result<std::unique_ptr<platform::WritableFile>> open_append(const std::string&, unsigned) override {
    return refused();
  }
  Result<std::unique_ptr<platform::WritableFile>> create(const std::string&, unsigned) override { return refused(); }
  Result<std::vector<std::string>> list(const std::string&) override { return refused(); }
  Result<> make_directories(const std::string&) override { return refused(); }
  Result<> rename(const std::string&, const std::string&) override { return refused(); }
  Result<> remove(const std::string&) override { return refused(); }
  Result<> sync_directory(const std::string&) override { return refused(); }
  Result<std::uint64_t> free_bytes(const std::string&) override { return refused(); }
};

struct Site {
  Site() {
    files.files["d/index.toml"] =
        std::string("roots = [\"r.pem\"]\n[[certificate]]\nx5u = \"") + kX5u + "\"\nfile = \"s.pem\"\n";
    files.files["d/r.pem"] = testing::pem(issuer.root.get());
    files.files["d/s.pem"] = issuer.issue(signer, {});
    auto loaded = Certificates::load(files, "d", kNow);
    must(loaded.ok() && (*loaded)->untrusted() == 0);
    certificates = *loaded;
  }
  testing::Issuer issuer;
  testing::KeyPair signer;
  MemoryFiles files;
  std::shared_ptr<const Certificates> certificates;
};

std::vector<std::string> pieces(std::string_view bytes, char by) {
  std::vector<std::string> out;
  while (out.size() < 16) {
    const std::size_t at = bytes.find(by);
    out.emplace_back(bytes.substr(0, at));
    if (at == std::string_view::npos) break;
    bytes.remove_prefix(at + 1);
  }
  return out;
}

void one_verdict(const Site& site, const std::vector<std::string>& headers, bool may_pass) {
  Call call{{"8613800138000", ""}, {"8613900139000", ""}, {"8613900139000", ""}, 1'700'000'000};
  const Verdict verdict = verify(headers, call, *site.certificates, kNow);
  must(static_cast<std::size_t>(verdict.why) < kWhys && !name(verdict.why).empty());
  must(may_pass || verdict.outcome() != Outcome::kPassed);
  if (verdict.outcome() == Outcome::kPassed) {
    must(fresh(verdict.issued_at, kNow));
    call.caller.number = "8613800138001";
    must(verify(headers, call, *site.certificates, kNow).outcome() != Outcome::kPassed);
    call.caller.number = "8613800138000";
    must(verify(headers, call, *site.certificates, WallMs{kNow.ms + 200'000}).outcome() != Outcome::kPassed);
  }
  call.caller = {"", "sip:alice@example.com"};
  must(may_pass || verify(headers, call, *site.certificates, kNow).outcome() != Outcome::kPassed);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static Site site;
  if (size == 0 || size > 20'000) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0] % 4) {
    case 0:  // headers as they come, one a line
      one_verdict(site, pieces(bytes, '\n'), false);
      (void)sip_date(bytes);
      (void)canonical_number(bytes);
      break;
    case 1:
    case 2: {  // JSON of a token's two parts, a line each, wrapped as it should be: unsigned, or signed by the true key
      const bool real = data[0] % 4 == 2;
      const std::vector<std::string> lines = pieces(bytes, '\n');
      std::vector<std::string> headers;
      for (std::size_t i = 0; i + 1 < lines.size(); i += 2) {
        const std::string text = base64url(lines[i]) + "." + base64url(lines[i + 1]);
        headers.push_back(text + "." +
                          base64url(real ? testing::raw_signature(site.signer.key.get(), text) : std::string(64, 's')) +
                          ";info=<" + kX5u + ">;alg=ES256");
      }
      one_verdict(site, headers, real);
      break;
    }
    default: {  // the list of numbers that a certificate brings
      testing::CertificateWish wish;
      wish.numbers = bytes.substr(0, 4096);
      MemoryFiles files = site.files;
      files.files["d/s.pem"] = testing::pem(
          testing::make_certificate(site.signer, site.issuer.key, site.issuer.authority.get(), wish).get());
      files.files["d/s.pem"] += testing::pem(site.issuer.authority.get());
      const auto loaded = Certificates::load(files, "d", kNow);
      must(loaded.ok());
      const Credential* const credential = (*loaded)->find(kX5u);
      must(credential != nullptr);
      (void)credential->over("8613800138000");
      (void)(*loaded)->report();
      break;
    }
  }
  return 0;
}
