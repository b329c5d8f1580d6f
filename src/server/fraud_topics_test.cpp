#include "server/fraud_topics.h"

#include <gtest/gtest.h>

#include "detectors/catalog.h"
#include "server/catalogues.h"

namespace pandun::server {
namespace {

std::string shipped_topics() {
  auto text = platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/content/fraud_topics.toml", 1 << 24);
  EXPECT_TRUE(text.ok());
  return text.ok() ? *text : "";
}
std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}
std::string faults(const std::string& text) {
  const auto read = read_fraud_topics(text, "f.toml", detectors::catalog());
  return read.ok() ? "" : read.error().message;
}

TEST(FraudTopics, TheShippedLibraryIsWhole) {
  const auto topics = load_fraud_topics(platform::posix_files(), PANDUN_SOURCE_DIR "/content", detectors::catalog());
  ASSERT_TRUE(topics.ok()) << topics.error().text();
  EXPECT_EQ(topics->slots.size(), 22U);
  int documented = 0;
  for (const FraudSlot& slot : topics->slots) documented += slot.documented ? 1 : 0;
  EXPECT_EQ(documented, 10);
  EXPECT_EQ(topics->slots[4].title.zh, "冒充公检法及政府机关");
  EXPECT_EQ(topics->techniques.front().detectors, std::vector<std::string>{"spoofed_caller"});
}

TEST(FraudTopics, TheCatalogueShowsItsTechniques) {
  const auto all = load_catalogues(platform::posix_files(), PANDUN_SOURCE_DIR "/content");
  ASSERT_TRUE(all.ok()) << all.error().text();
  bool found = false;
  for (const api::TechniqueEntry& t : all->techniques)
    found = found || (t.id == "PF-001" && t.name == "改号呼叫 Spoofed caller");
  EXPECT_TRUE(found);
}

TEST(FraudTopics, ADocumentedSlotIsATopicThatCasesAndListsMayBeAbout) {
  const auto all = load_catalogues(platform::posix_files(), PANDUN_SOURCE_DIR "/content");
  ASSERT_TRUE(all.ok()) << all.error().text();
  EXPECT_EQ(all->fraud.topics.size(), 22U);
  std::size_t slots = 0;
  for (const api::FraudTopicEntry& slot : all->fraud.topics) {
    const auto topic =
        std::find_if(all->topics.begin(), all->topics.end(), [&](const auto& t) { return t.id == slot.id; });
    EXPECT_EQ(topic != all->topics.end(), slot.documented) << slot.id;
    slots += topic != all->topics.end() ? 1U : 0U;
  }
  EXPECT_EQ(slots, 10U);
}

TEST(FraudTopics, EveryFaultIsNamedWithItsPlace) {
  const std::string good = shipped_topics();
  EXPECT_EQ(faults(good), "");
  EXPECT_NE(faults(replaced(good, "detectors = [\"spoofed_caller\"]", "detectors = [\"spofed_caller\"]"))
                .find("names no detector 'spofed_caller'"),
            std::string::npos);
  EXPECT_NE(faults(replaced(good, "detectors = [\"spoofed_caller\"]", "detectors = []"))
                .find("PF-001 does not name the detector spoofed_caller"),
            std::string::npos);
  EXPECT_NE(faults(replaced(good, "id = \"PF-001\"", "id = \"PF-1\"")).find("PF- and three digits"), std::string::npos);
  EXPECT_NE(
      faults(replaced(good, "techniques = [\"PF-007\"", "techniques = [\"PF-999\"")).find("names no technique PF-999"),
      std::string::npos);
  EXPECT_NE(faults(replaced(good, "number = 22", "number = 21")).find("number 21 is not free"), std::string::npos);
  EXPECT_NE(faults(replaced(good, "revised = \"2026-11-22\"", "revised = \"yesterday\"")).find("not a date"),
            std::string::npos);
  EXPECT_NE(faults(replaced(good, "signs_min = 2", "signs_min = 9")).find("signs, [quality] demands 9"),
            std::string::npos);
  EXPECT_NE(faults(replaced(good, "state = \"reserved\"", "state = \"documented\"")).find("lacks about_zh"),
            std::string::npos);
  EXPECT_NE(faults("x = [").find(""), std::string::npos);
  EXPECT_NE(faults("").find("has no [[slot]]"), std::string::npos);
}

// A list of words to watch for has no place here, whatever it is called.
TEST(FraudTopics, UnknownKeysAreRefused) {
  EXPECT_NE(faults(replaced(shipped_topics(), "state = \"reserved\"", "state = \"reserved\"\nkeywords = [\"x\"]"))
                .find("does not know 'keywords'"),
            std::string::npos);
}

}  // namespace
}  // namespace pandun::server
