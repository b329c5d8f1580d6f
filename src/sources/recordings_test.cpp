// Real recordings made by others: every file decodes, every record is accounted for, and a few counts are exact (taken with
// zcat, grep and wc). They are never part of this repository: PANDUN_TEST_DATA names the folder that holds them.
#include <gtest/gtest.h>

#include <filesystem>

#include "platform/process.h"
#include "sources/kit/testing.h"

namespace pandun::sources {
namespace {

struct Total {
  std::uint64_t streams = 0, records = 0, rejected = 0, unread = 0;
  std::map<std::string, std::uint64_t> events;
};

class Recordings : public ::testing::Test {
 protected:
  void SetUp() override {
    const auto root = platform::environment("PANDUN_TEST_DATA");
    if (!root) GTEST_SKIP() << "PANDUN_TEST_DATA is not set: no recordings to read";
    root_ = *root;
    if (!std::filesystem::exists(root_ + "/netsec")) GTEST_SKIP() << root_ << "/netsec is absent";
  }

  Total read(const std::string& kind, const std::string& path, const std::string& map = {}) {
    Total total;
    SourceNames names;
    const Input input{kind, root_ + "/" + path,
                      map.empty() ? "" : std::string(PANDUN_SOURCE_DIR) + "/content/maps/" + map, false};
    auto streams = open_input(platform::posix_files(), input, names);
    EXPECT_TRUE(streams.ok()) << (streams.ok() ? "" : streams.error().text());
    if (!streams) return total;
    for (const auto& stream : *streams) {
      Decoded out;
      std::uint64_t events = 0, rejects = 0;
      do {
        out = {};
        const auto result = stream->next(5000, out);
        EXPECT_TRUE(result.ok()) << stream->name();
        if (!result) break;
        events += out.batch.events.size();
        rejects += out.rejects.size();
        for (const auto& event : out.batch.events) ++total.events[std::string(name(event.kind()))];
      } while (!out.end);
      const Counts& counts = stream->counts();
      EXPECT_EQ(counts.records, events + rejects + counts.unread) << stream->name();
      EXPECT_EQ(counts.rejected, rejects) << stream->name();
      total.records += counts.records;
      total.rejected += rejects;
      total.unread += counts.unread;
      ++total.streams;
    }
    return total;
  }

  std::string root_;
};

TEST_F(Recordings, ZeekFormats) {
  const Total rita = read("zeek", "netsec/formats/rita");
  EXPECT_EQ(rita.streams, 63U);
  // 59 rows without a head, 5 lines of prose, 2 cut records, a row short of a column, a port above 65535.
  EXPECT_EQ(rita.rejected, 68U);
  read("zeek", "netsec/formats/zat");
  const Total wrccdc = read("zeek", "netsec/formats/zed_wrccdc");
  EXPECT_EQ(wrccdc.rejected, 0U);
  EXPECT_EQ(wrccdc.events.at("dns"), 2U * 53495);  // the same log in TSV and in JSON
  EXPECT_EQ(wrccdc.events.at("tls"), 2U * 49444);
}

TEST_F(Recordings, LabelledZeek) {
  const Total missing_host = read("zeek", "netsec/labelled/rita_missing_host");
  EXPECT_EQ(missing_host.events.at("flow"), 105918U);
  EXPECT_EQ(missing_host.rejected, 0U);
  std::uint64_t labelled = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root_ + "/netsec/labelled")) {
    const std::string folder = entry.path().filename();
    if (folder.starts_with("ctu-") || folder.starts_with("CTU-") || folder == "slips")
      labelled += read("zeek", "netsec/labelled/" + folder).records;
  }
  EXPECT_GT(labelled, 80'000U);
}

TEST_F(Recordings, Eve) {
  const Total eve = read("eve", "netsec/labelled/eve");
  EXPECT_EQ(eve.rejected, 0U);
  EXPECT_EQ(read("eve", "netsec/labelled/slips/test6-malicious.suricata.json").events.at("sighting"), 745U);
}

TEST_F(Recordings, ATruncatedGzipFile) {
  const Total corrupt = read("zeek", "netsec/formats/zat/data/http.log.corrupt.gz");
  EXPECT_EQ(corrupt.rejected, 1U);
  EXPECT_GT(corrupt.events.at("http"), 100U);
}

TEST_F(Recordings, CallsAndMessagesByTheShippedMaps) {
  EXPECT_EQ(read("calls", "fraud/copenhagen/calls.csv", "copenhagen_calls.toml").events.at("call"), 3600U);
  EXPECT_EQ(read("messages", "fraud/copenhagen/sms.csv", "copenhagen_messages.toml").events.at("message"), 24333U);
  const Total voice = read("calls", "fraud/simbox_cdr_sample/TEST_DATASET.CSV", "simbox_calls.toml");
  EXPECT_EQ(voice.records, 333U);
  EXPECT_EQ(voice.events.at("call"), 89U);
  EXPECT_EQ(read("messages", "fraud/simbox_cdr_sample/TEST_DATASET.CSV", "simbox_messages.toml").events.at("message"),
            86U);
}

}  // namespace
}  // namespace pandun::sources
