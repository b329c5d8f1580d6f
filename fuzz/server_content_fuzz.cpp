// Any bytes as a file that an operator or a publisher hands in: settings, scenarios, fraud topics, purposes of leads, the message
// gate's policy, names of senders, words of warnings, those who agreed to be warned, certificates. A report of faults or something
// whole, never a crash. The first byte chooses.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "detect/testing/memory_files.h"
#include "exchange/purposes.h"
#include "guard/law_library.h"
#include "passport/certificates.h"
#include "province/scenario.h"
#include "server/fraud_topics.h"
#include "server/settings.h"
#include "sms/consents.h"
#include "sms/policy.h"
#include "sms/sender_names.h"
#include "sms/warnings.h"

namespace {

using namespace pandun;

constexpr WallMs kNow{1'795'395'600'000};

class Plain final : public sms::NumberReader {
 public:
  model::NumberKey read(std::string_view text) const override {
    const bool digits = text.size() > 3 && text.size() < 16 && text.find_first_not_of("0123456789") == text.npos;
    return digits ? model::NumberKey::e164(std::stoull(std::string(text))) : model::NumberKey::opaque(text);
  }
};

std::string content(const char* path) {
  return platform::read_file(platform::posix_files(), std::string(PANDUN_SOURCE_DIR "/content/") + path).value();
}

void settings(const std::string& text) {
  detect::testing::MemoryFiles files;
  files.set_content("/p.toml", text);
  const auto loaded = server::load_settings(files, {"/p.toml", {}, false}, {});
  for (const server::Fault& fault : loaded.faults) CHECK(!fault.text().empty());
  for (const server::SettingSpec& spec : server::setting_specs()) {
    if (spec.type != server::SettingType::kInteger && spec.type != server::SettingType::kNumber) continue;
    if (!loaded.faults.empty()) continue;
    const double value = spec.type == server::SettingType::kInteger
                             ? static_cast<double>(loaded.settings.integer(spec.key))
                             : loaded.settings.number(spec.key);
    CHECK(value >= spec.min && value <= spec.max);
  }
}

void scenario(std::string_view text) {
  const auto parsed = province::parse_scenario("fuzz", text);
  if (!parsed.ok()) return;
  CHECK(parsed->activity >= 0 && parsed->hosts_per_number >= 0);
  for (const province::Planting* planting : {&parsed->fraud_ring, &parsed->sim_box, &parsed->beacon, &parsed->dga})
    CHECK(planting->per_day >= 0 && planting->strength >= 0);
}

void purposes(std::string_view text) {
  static const guard::LawLibrary kLaws =
      std::move(guard::LawLibrary::parse(content("grounds/standard.toml"), "g.toml")).value();
  const auto parsed = exchange::Purposes::parse(text, "p.toml", kLaws);
  if (!parsed.ok()) return;
  for (const exchange::Purpose& purpose : parsed->all()) CHECK(parsed->find(purpose.id) != nullptr);
}

void gate(std::string_view text) {
  if (const auto policy = sms::ContractPolicy::parse(text, "p.toml"); policy.ok() && policy->enforces(kNow)) {
    auto people = policy->approved_by;
    std::sort(people.begin(), people.end());
    CHECK(std::unique(people.begin(), people.end()) - people.begin() >= 2);
  }
  (void)sms::SenderNames::read(text, "n.toml").ok();
}

void warnings(std::string_view text) {
  const auto read = sms::Warnings::read(text, "w.toml");
  if (!read.ok()) return;
  sms::MaskedFacts facts;
  const bool written = text.find("13800138000") != std::string_view::npos;  // by whoever wrote the warning
  facts.number(model::NumberKey::e164(8613800138000)).place("浙江").time(kNow, std::chrono::minutes(480)).count(7);
  for (const char* id : {"suspected_call", "foreign_call", "at_risk", "a"}) {
    for (const auto language : {sms::Language::kChinese, sms::Language::kEnglish}) {
      const std::string words = read->render(id, language, facts);
      CHECK(written || words.find("13800138000") == std::string::npos);
      if (!words.empty()) CHECK(!sms::encode_message(words, 1).pieces.empty());
    }
  }
}

void consents(const std::string& text) {
  static const Plain kNumbers;
  detect::testing::MemoryFiles files;
  files.set_content("/c.txt", text);
  platform::ManualClock clock{kNow};
  const auto listed = sms::ListedConsent::open(files, "/c.txt", kNumbers, clock);
  if (!listed.ok()) return;
  CHECK((*listed)->people() <= text.size());
  CHECK(!(*listed)->may_warn(model::NumberKey::opaque("x")));
}

// The bytes are the index, or a file that the index names as root, certificate or list of the revoked.
void certificates(std::string_view text) {
  if (text.empty()) return;
  detect::testing::MemoryFiles files;
  const std::string bytes(text.substr(1));
  std::string index =
      "roots = [\"r.pem\"]\nrevoked = [\"x.crl\"]\n[[certificate]]\nx5u = \"https://a.example/s\"\nfile = \"s.pem\"\n";
  files.set_content("/d/r.pem", bytes);
  files.set_content("/d/s.pem", bytes);
  files.set_content("/d/x.crl", bytes);
  files.set_content("/d/index.toml", text[0] == 'i' ? bytes : index);
  const auto loaded = passport::Certificates::load(files, "/d", kNow);
  if (!loaded.ok()) return;
  CHECK((*loaded)->untrusted() <= (*loaded)->size());
  (void)(*loaded)->report();
  if (const auto* one = (*loaded)->find("https://a.example/s"); one != nullptr) {
    (void)one->over("8613800138000");
    CHECK(!one->verify("a.b", std::string(64, 's')));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 's':
      settings(text);
      break;
    case 'p':
      scenario(text);
      break;
    case 't':
      (void)server::read_fraud_topics(text, "t.toml", {}).ok();
      break;
    case 'l':
      purposes(text);
      break;
    case 'g':
      gate(text);
      break;
    case 'w':
      warnings(text);
      break;
    case 'c':
      consents(text);
      break;
    case 'x':
      certificates(text);
      break;
    default:
      break;
  }
  return 0;
}
