#include <gmock/gmock.h>

#include "sources/testing_input.h"

namespace pandun::sources {
namespace {

using testing::decode;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::MemoryFiles;

const std::string kCalls = "time,caller,callee\n1713484800,a,b\n1713484801,c,d\n";

TEST(OpenInput, KindsAreParsedAndUnknownOnesNamed) {
  const auto input = parse_input("zeek:/logs/conn.16:00:00.log");
  ASSERT_TRUE(input.ok());
  EXPECT_EQ(input->kind, "zeek");
  EXPECT_EQ(input->path, "/logs/conn.16:00:00.log");
  for (const char* bad : {"conn.log", "syslog:x", "calls:", ""}) {
    const auto wrong = parse_input(bad);
    ASSERT_FALSE(wrong.ok()) << bad;
    EXPECT_EQ(wrong.error().code, Errc::kUsage);
    EXPECT_THAT(wrong.error().message, HasSubstr("calls, messages, openings, cell_reports, call_progress, zeek, eve"));
  }
}

TEST(OpenInput, EveryPartSaysWhatItIs) {
  for (const SourcePart& part : catalog()) {
    const SourceSpec& spec = part.spec();
    EXPECT_FALSE(spec.kind.empty() || spec.title_en.empty() || spec.title_zh.empty() || spec.reads_en.empty() ||
                 spec.reads_zh.empty() || spec.gives.empty());
    EXPECT_THAT(spec.reads_en, HasSubstr("Times:"));
  }
}

TEST(OpenInput, ADirectoryGivesItsFilesInOrder) {
  MemoryFiles files;
  files.write("d/b/calls.csv.gz", testing::gzip(kCalls));
  files.write("d/a.csv", kCalls);
  files.write("d/sms.csv", "time,sender,recipient\n");
  files.write("d/notes.txt", "x");
  files.write("d/wrong.csv", "x,y\n1,2\n");
  SourceNames names;
  const auto streams = open_input(files, {"calls", "d", "", false}, names);
  ASSERT_TRUE(streams.ok());
  std::vector<std::string> seen;
  for (const auto& stream : *streams) {
    const auto got = testing::drain(*stream);
    EXPECT_TRUE(got.adds_up());
    seen.push_back(stream->name() + " " + std::to_string(got.events.size()) + " " + std::to_string(got.rejects.size()));
    EXPECT_EQ(names.name(stream->source()), stream->name());
  }
  EXPECT_THAT(seen, ElementsAre("d/a.csv 2 0", "d/b/calls.csv.gz 2 0", "d/wrong.csv 0 1"));
}

TEST(OpenInput, FaultsAreErrorsWithAdvice) {
  MemoryFiles files;
  files.write("calls.csv", "a,b\n");
  files.write("conn.log", "#separator \\x09\n#fields\tts\n");
  files.write("eve.json", R"({"timestamp":"2021-06-06T15:59:46+0200","event_type":"stats"})");
  files.write("d/readme", "x");
  files.write("bad.toml", "kind = [");
  SourceNames names;
  const auto code = [&](const Input& input) {
    const auto opened = open_input(files, input, names);
    return opened.ok() ? std::string("fine")
                       : std::string(info(opened.error().code).name) + " " + opened.error().text();
  };
  EXPECT_THAT(code({"calls", "none.csv", "", false}), HasSubstr("not_found"));
  EXPECT_THAT(code({"calls", "d", "", false}), HasSubstr("not_found"));
  EXPECT_THAT(code({"calls", "calls.csv", "", false}),
              HasSubstr("bad_input calls.csv: the header lacks time, caller, callee"));
  EXPECT_THAT(code({"calls", "conn.log", "", false}), HasSubstr("zeek:PATH"));
  EXPECT_THAT(code({"zeek", "eve.json", "", false}), HasSubstr("eve:PATH"));
  EXPECT_THAT(code({"eve", "conn.log", "", false}), HasSubstr("zeek:PATH"));
  EXPECT_THAT(code({"zeek", "conn.log", "bad.toml", false}), HasSubstr("usage"));
  EXPECT_THAT(code({"calls", "calls.csv", "bad.toml", false}), HasSubstr("bad_config bad.toml:1:"));
  EXPECT_THAT(code({"nosuch", "calls.csv", "", false}), HasSubstr("usage"));
}

TEST(Input, PlainAndGzipGiveTheSame) {
  EXPECT_EQ(decode("calls", "c.csv", kCalls).events, decode("calls", "c.csv.gz", testing::gzip(kCalls)).events);
  EXPECT_EQ(decode("calls", "c.csv.gz", testing::gzip(kCalls) + testing::gzip("1713484802,e,f\n")).events.size(), 3U);
}

TEST(Input, ATruncatedGzipKeepsWhatCameBefore) {
  std::string rows = "time,caller,callee\n";
  for (int i = 0; i < 20000; ++i)
    rows += std::to_string(1713484800 + i * 7 % 9999) + ",a" + std::to_string(i * 7919 % 100003) + ",b\n";
  const std::string zipped = testing::gzip(rows);
  const auto seen = decode("calls", "c.csv.gz", zipped.substr(0, zipped.size() / 2));
  EXPECT_GT(seen.events.size(), 1000U);
  EXPECT_THAT(seen.rejects.back(), HasSubstr("reject truncated"));
  EXPECT_THAT(seen.details.back(), HasSubstr("compressed byte"));
  EXPECT_TRUE(seen.adds_up());
}

TEST(Input, OddBytesAreRejectsOrRepairedNeverFatal) {
  const std::string head = "time,caller,callee,route\n";
  const auto nul = decode("calls", "c.csv", head + std::string("1713484800,a\0b,c,\n1713484800,a,b,r\n", 35));
  EXPECT_THAT(nul.rejects, ElementsAre("#2 reject binary"));
  EXPECT_EQ(nul.events.size(), 1U);
  const auto mixed = decode("calls", "c.csv", head + "1713484800,a,b,\xb3\xc9\n1713484800,a,b,中\n");
  EXPECT_THAT(mixed.events, ElementsAre(HasSubstr("route=\xef\xbf\xbd\xef\xbf\xbd "), HasSubstr("route=中 ")));
  EXPECT_EQ(mixed.counts.repaired, 1U);
  const auto wide = decode("calls", "c.csv", std::string("\xff\xfet\0i\0m\0e\0\n\0", 12));
  EXPECT_THAT(wide.rejects, ElementsAre("#1 reject encoding"));
  EXPECT_THAT(wide.details[0], HasSubstr("iconv"));
  const auto longer =
      decode("calls", "c.csv", head + "1713484800,a,b," + std::string(2'000'000, 'x') + "\n1713484800,a,b,r");
  EXPECT_THAT(longer.rejects, ElementsAre("#2 reject too_long"));
  EXPECT_EQ(longer.events.size(), 1U);
  EXPECT_THAT(decode("calls", "c.csv",
                     "\xef\xbb\xbf"
                     "time,caller,callee\r\n1713484800,a,b\r\n")
                  .rejects,
              IsEmpty());
}

// The examples of docs/inputs.md do what the page says.
TEST(Input, TheMapsInTheDocumentationWork) {
  const std::string page =
      platform::read_file(platform::posix_files(), std::string(PANDUN_SOURCE_DIR) + "/docs/inputs.md").value();
  std::vector<std::string> maps;
  for (std::size_t at = page.find("```toml\n"); at != std::string::npos; at = page.find("```toml\n", at)) {
    at += 8;
    maps.push_back(page.substr(at, page.find("```", at) - at));
  }
  ASSERT_EQ(maps.size(), 2U);
  EXPECT_THAT(decode("calls", "c.csv", "timestamp,caller,callee,duration\n9252,401,457,-1\n", maps[0]).events,
              ElementsAre(HasSubstr("2012-01-01T02:34:12Z call 401>457 dev= cells=/ route= s=0 cause=-1 answered=1")));
  const auto carrier = decode("calls", "c.csv",
                              "13800138000|10086|20240419080001|28|11|CONN|\xb3\xc9\xb6\xbc\n"
                              "13800138000|13900139000|20240419080105|0|21|FAIL|\xb3\xc9\xb6\xbc\n",
                              maps[1]);
  EXPECT_THAT(carrier.events, ElementsAre(HasSubstr("2024-04-19T00:00:01Z call 13800138000>10086 dev= cells=成都/ "
                                                    "route=north-exchange s=28 cause=-1 answered=2")));
  EXPECT_EQ(carrier.counts.unread_by.at("service=21"), 1U);
}

TEST(Input, StandardInputHasAName) {
  MemoryFiles files;
  SourceNames names;
  const auto streams = open_input(files, {"zeek", "-", "", false}, names);
  ASSERT_TRUE(streams.ok());
  EXPECT_EQ(streams->front()->name(), "zeek:-");
}

}  // namespace
}  // namespace pandun::sources
