// Any bytes as a carrier's list of results of re-verification: each line is taken, refused with its number, or no result; what comes
// of it is what a plain reading gives, and nothing but tokens is repeated.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "casework_fuzz.h"

namespace {

using namespace pandun;
using namespace pandun::casework;

constexpr int kNumbers = 4;
constexpr std::size_t kListMax = 4096, kLineMax = 200;

std::string token_of(int i) {
  return "n26-" + std::string(31, '0') + std::to_string(i);
}

void prepare(FuzzDesk& desk, const std::string& case_id, const FuzzDirectory& home) {
  std::string list;
  for (int i = 0; i < kNumbers; ++i) list += token_of(i) + ",none\n";
  const auto file = must(platform::posix_files().open_read(home.write("cards.csv", list)));
  const std::string id = must(desk.cards->load(desk.analyst, case_id, "cards", *file)).row.id;
  must(desk.cards->propose(desk.analyst, id, desk.terms("reverify")));
  must(desk.cards->approve(desk.approver, id));
  CHECK(must(desk.cards->work(std::chrono::milliseconds(0))).made == kNumbers);
}

struct Plain {
  CheckImport report;
  std::map<std::string, std::string> known;  // by token: the result that stands

  void take(std::string_view whole) {
    ++report.lines;
    std::string_view line = whole.substr(0, kLineMax);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (report.lines == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    if (line.empty() || (report.lines == 1 && line == "token,result")) return;
    const std::size_t comma = line.find(',');
    const std::string_view result = comma == std::string_view::npos ? "" : line.substr(comma + 1);
    const auto it = known.find(std::string(line.substr(0, comma)));
    const bool after_failure = it != known.end() && it->second == "failed" && result == "no_answer";
    if (whole.size() > kLineMax || it == known.end() || it->second == "passed" || it->second == result ||
        after_failure || (result != "passed" && result != "failed" && result != "no_answer")) {
      ++report.rejected;
      return;
    }
    it->second = result;
    ++(result == "passed" ? report.passed : result == "failed" ? report.failed : report.no_answer);
  }
};

// Lines of "line,reason,token": told in order within each write, and nothing else in them.
void check_rejects(std::string_view text, std::uint64_t rejected) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at < text.size(); ++count) {
    const std::size_t stop = text.find('\n', at);
    CHECK(stop != std::string_view::npos);
    const std::string_view line = text.substr(at, stop - at);
    const std::size_t last = line.rfind(",\"");
    CHECK(last != std::string_view::npos && line.ends_with('"'));
    const std::string_view token = line.substr(last + 2, line.size() - last - 3);
    CHECK(token.empty() || guard::is_number_token(token));
    at = stop + 1;
  }
  CHECK(count == rejected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FuzzDirectory kHome;
  static const FuzzStores kStores([](FuzzDesk& desk, const std::string& id) { prepare(desk, id, kHome); });
  if (size > kListMax) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  auto& files = platform::posix_files();
  kHome.write("in.csv", text);
  Plain plain;
  for (int i = 0; i < kNumbers; ++i) plain.known[token_of(i)] = "";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    plain.take(text.substr(at, stop - at));
    at = stop + 1;
  }
  const auto desk = kStores.fresh();
  auto rejects = must(files.create(kHome.file("rejects.csv")));
  const CheckImport report =
      must(import_checks(files, *desk->desk, desk->analyst, kHome.file("in.csv"), rejects.get()));
  CHECK(report.lines == plain.report.lines && report.rejected == plain.report.rejected);
  CHECK(report.passed == plain.report.passed && report.failed == plain.report.failed);
  CHECK(report.no_answer == plain.report.no_answer);
  check_rejects(must(platform::read_file(files, kHome.file("rejects.csv"), 1U << 24)), report.rejected);
  return 0;
}
