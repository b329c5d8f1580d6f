#include "server/settings.h"

#include <gtest/gtest.h>

#include "platform/random.h"

namespace pandun::server {
namespace {

std::string file_with(std::string_view content) {
  const std::string path = testing::TempDir() + "pandun_settings_" + platform::random_hex(6) + ".toml";
  EXPECT_TRUE(platform::replace_file(platform::posix_files(), path, content).ok());
  return path;
}

LoadedSettings load(std::string_view content, std::vector<std::pair<std::string, std::string>> flags = {}) {
  return load_settings(platform::posix_files(), {file_with(content), std::move(flags), false}, {});
}

TEST(Settings, FlagBeatsFileBeatsDefault) {
  const LoadedSettings loaded =
      load("[server]\nlisten = \"127.0.0.1:1\"\nthreads = 4\n", {{"server.listen", "127.0.0.1:2"}});
  ASSERT_TRUE(loaded.faults.empty());
  EXPECT_EQ(loaded.settings.text("server.listen"), "127.0.0.1:2");
  EXPECT_EQ(loaded.settings.all().at("server.listen").origin, "flag");
  EXPECT_EQ(loaded.settings.integer("server.threads"), 4);
  EXPECT_EQ(loaded.settings.integer("engine.shards"), 1);
}

TEST(Settings, ReportsEveryFaultWithItsPlace) {
  const LoadedSettings loaded =
      load("[server]\nlissten = \"x\"\nthreads = 0\n[engine]\nshards = \"two\"\n[[source]]\nkind = \"zeek\"\n");
  ASSERT_EQ(loaded.faults.size(), 4U);
  EXPECT_EQ(loaded.faults[0].code, "unknown_key");
  bool advised = false;
  for (const Fault& fault : loaded.faults) {
    EXPECT_GT(fault.line, 0U) << fault.text();
    advised = advised || fault.advice.find("server.listen") != std::string::npos;
  }
  EXPECT_TRUE(advised);
}

TEST(Settings, BrokenTomlNamesLineAndColumn) {
  const LoadedSettings loaded = load("[server\n");
  ASSERT_EQ(loaded.faults.size(), 1U);
  EXPECT_EQ(loaded.faults[0].code, "syntax");
  EXPECT_EQ(loaded.faults[0].line, 1U);
}

TEST(Settings, ReadsSources) {
  const LoadedSettings loaded = load("[[source]]\nkind = \"zeek\"\npath = \"/logs\"\nfollow = false\n");
  ASSERT_TRUE(loaded.faults.empty());
  ASSERT_EQ(loaded.settings.sources().size(), 1U);
  EXPECT_FALSE(loaded.settings.sources()[0].follow);
}

TEST(Settings, EveryOneStandsInItsPage) {
  const auto page = platform::read_file(platform::posix_files(), PANDUN_SOURCE_DIR "/docs/configuration.md");
  ASSERT_TRUE(page.ok());
  for (const SettingSpec& spec : setting_specs())
    EXPECT_NE(page->find("| `" + std::string(spec.key) + "` |"), std::string::npos) << spec.key;
}

}  // namespace
}  // namespace pandun::server
