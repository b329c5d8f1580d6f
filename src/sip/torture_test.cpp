// The torture messages of RFC 4475 and RFC 5118, with the answers that a redirect server owes them.
#include <gtest/gtest.h>

#include <sstream>

#include "platform/file_system.h"
#include "platform/process.h"
#include "sip/test_rig.h"

namespace pandun::sip {
namespace {

// "-": silence; "INV": any final decision.
bool acceptable(const std::string& answers, int status) {
  std::stringstream list(answers);
  std::string one;
  while (std::getline(list, one, ',')) {
    if (one == "-" && status == 0) return true;
    if (one == "INV" && (status == 302 || status == 603 || status == 608 || status == 404 || status == 503))
      return true;
    if (one != "-" && one != "INV" && std::stoi(one) == status) return true;
  }
  return false;
}

void run_set(const std::string& set, std::size_t expected_count) {
  const auto data = platform::environment("PANDUN_TEST_DATA");
  if (!data) GTEST_SKIP() << "PANDUN_TEST_DATA is not set: the torture messages are not in this repository";
  auto& files = platform::posix_files();
  const std::string home = *data + "/sip/" + set + "/";
  const auto table = platform::read_file(files, home + "expect_redirect_uas.tsv");
  if (!table.ok()) GTEST_SKIP() << "no torture messages: " << table.error().text();
  std::stringstream lines(*table);
  std::string line;
  std::size_t count = 0;
  while (std::getline(lines, line)) {
    if (line.empty() || line.front() == '#') continue;
    std::stringstream columns(line);
    std::string name, answers;
    std::getline(columns, name, '\t');
    std::getline(columns, answers, '\t');
    const auto bytes = platform::read_file(files, home + name + ".dat");
    ASSERT_TRUE(bytes.ok()) << bytes.error().text();
    Rig rig;
    const Reply reply = rig.send(*bytes);
    EXPECT_TRUE(acceptable(answers, reply.status())) << name << ": expected " << answers << ", got " << reply.text;
    ++count;
  }
  EXPECT_EQ(count, expected_count);
}

TEST(Torture, Rfc4475) {
  run_set("rfc4475", 49);
}
TEST(Torture, Rfc5118) {
  run_set("rfc5118", 12);
}

}  // namespace
}  // namespace pandun::sip
