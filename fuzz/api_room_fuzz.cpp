// Any requests of people and programs that are signed in, one after another, at the whole API over real desks and a real store:
// never a crash, never an internal error, every answer as openapi.json says, and no number in the clear.
//
// Input    blocks between empty lines: "<who>METHOD target", then the body. Who: a (analyst), p (approver), b (administrator), else
//          nobody. $A, $C, $I … in target and body stand for the id last answered that begins so; $V for the version.
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/url.h"
#include "api/testing/stack.h"
#include "base/check.h"

namespace {

using namespace pandun;
using namespace pandun::api;

class Rig final : public api::testing::Stack {
 public:
  Rig() {
    ApiOptions options;
    options.per_address = options.per_user = {1e9, 1e9};
    build(options);
    seen_['A'] = raise(1);
    raise(2, 90);
    admin(), analyst(), approver();
  }
  void TestBody() override {}

  void block(std::string_view text) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    const std::size_t space = line.find(' ');
    if (line.size() < 4 || space == std::string_view::npos) return;
    const auto method = method_of(line.substr(1, space - 1));
    const std::string target = filled(line.substr(space + 1));
    if (!method || target.find("/api/v1/stream") != std::string::npos || !http::parse_target(target)) return;
    const std::string body = end < text.size() ? filled(text.substr(end + 1)) : std::string();
    clock_.advance(std::chrono::milliseconds(10));
    const http::Response answer = ask(who(line[0]), *method, target, body);
    if (answer.status == 500) ADD_FAILURE() << target << "\n" << body << "\n" << text_of(answer);
    learn(text_of(answer));
  }

 private:
  static std::optional<http::Method> method_of(std::string_view word) {
    constexpr std::pair<std::string_view, http::Method> kMethods[] = {{"GET", http::Method::kGet},
                                                                      {"POST", http::Method::kPost},
                                                                      {"PUT", http::Method::kPut},
                                                                      {"PATCH", http::Method::kPatch},
                                                                      {"DELETE", http::Method::kDelete}};
    for (const auto& [name, method] : kMethods)
      if (name == word) return method;
    return std::nullopt;
  }
  const api::testing::Who& who(char letter) {
    static const api::testing::Who kNobody;
    return letter == 'a' ? analyst() : letter == 'p' ? approver() : letter == 'b' ? admin() : kNobody;
  }
  std::string filled(std::string_view text) const {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
      const auto known = text[i] == '$' && i + 1 < text.size() ? seen_.find(text[i + 1]) : seen_.end();
      if (known == seen_.end()) {
        out.push_back(text[i]);
      } else {
        out += known->second;
        ++i;
      }
    }
    return out;
  }
  // Ids are a letter, '-' and hex digits; the newest of each letter is what a later block means.
  void learn(const std::string& answer) {
    constexpr std::string_view kMark = "\"id\":\"";
    for (std::size_t at = answer.find(kMark); at != std::string::npos; at = answer.find(kMark, at)) {
      at += kMark.size();
      const std::size_t end = answer.find('"', at);
      if (end != std::string::npos && end > at + 2 && answer[at + 1] == '-')
        seen_[answer[at]] = answer.substr(at, end - at);
    }
    constexpr std::string_view kVersion = "\"version\":";
    if (const std::size_t at = answer.find(kVersion); at != std::string::npos) {
      const std::size_t begin = at + kVersion.size();
      seen_['V'] = answer.substr(begin, std::min(answer.find_first_not_of("0123456789", begin), begin + 9) - begin);
    }
  }
  std::map<char, std::string> seen_;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kInputMax = 8192, kBlocksMax = 12;
  constexpr int kInputsPerRig = 500;
  static std::unique_ptr<Rig> rig;
  static int inputs = 0;
  ::testing::GTEST_FLAG(break_on_failure) = true;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // Whoever writes the number that is looked for may be told it.
  if (size > kInputMax || text.find("138001") != std::string_view::npos) return 0;
  if (rig == nullptr || ++inputs % kInputsPerRig == 0) rig = std::make_unique<Rig>();
  std::size_t at = 0;
  for (std::size_t blocks = 0; at < text.size() && blocks < kBlocksMax; ++blocks) {
    const std::size_t end = std::min(text.find("\n\n", at), text.size());
    rig->block(text.substr(at, end - at));
    at = end + 2;
  }
  return 0;
}
