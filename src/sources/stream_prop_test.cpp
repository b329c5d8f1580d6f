// Properties of every kind: neither the size of reads and batches, nor compression, nor a restart changes what comes out.
#include <gmock/gmock.h>

#include <random>

#include "sources/kit/file_stream.h"
#include "sources/testing_input.h"

namespace pandun::sources {
namespace {

using testing::MemoryFiles;
using testing::Seen;

struct Sample {
  std::string kind, name, bytes;
};

std::string zeek_tsv() {
  std::string out =
      "#separator "
      "\\x09\n#path\tconn\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tconn_state\tlabel\n";
  for (int i = 0; i < 60; ++i) {
    if (i == 30) out += "#close\n#separator \\x09\n#path\tdns\n#fields\tid.resp_h\tts\tid.orig_h\tquery\n";
    out +=
        i < 30
            ? fmt::format("17134848{:02}.5\tC{}\t10.0.0.{}\t{}\t10.1.0.1\t80\ttcp\tS{}\tx\n", i, i, i, 1000 + i, i % 4)
            : fmt::format("10.0.0.9\t17134848{:02}.25\t10.0.0.{}\thost{}.cn{}\n", i, i, i, i % 7 == 0 ? "\textra" : "");
  }
  return out;
}

std::vector<Sample> samples() {
  std::string calls = "time,caller,callee,route,junk\r\n", messages = "sender,recipient,time\n", json, eve;
  for (int i = 0; i < 50; ++i) {
    const char* form =
        i % 9 == 8 ? "2024-04-19T00:00:{:02}Z,c{},\"d,{}\",r,j\r\n" : "17134848{:02},c{},\"d\n{}\",r,\xff\r\n";
    calls += fmt::format(fmt::runtime(form), i, i, i);
    messages += i % 11 == 10 ? "a,\"never closed\n" : fmt::format("s{},r{},2024-04-19T00:00:{:02}+08:00\n", i, i, i);
    json +=
        i % 13 == 12
            ? "{\"_path\":\"dns\",\n"
            : fmt::format(
                  R"({{"_path":"{}","ts":17134848{:02}.5,"id.orig_h":"10.0.0.{}","id.resp_h":"10.0.0.1","query":"q{}"}})"
                  "\n",
                  i % 3 ? "dns" : "weird", i, i, i);
    eve += fmt::format(
        R"({{"timestamp":"2024-04-19T00:00:{:02}.000000+0000","event_type":"{}","src_ip":"10.0.0.{}","src_port":{},"dest_ip":"10.0.0.1","dest_port":53,"dns":{{"type":"query","rrname":"q{}"}}}})"
        "\n",
        i, i % 5 ? "dns" : "stats", i, i % 17 == 16 ? 99999 : i, i);
  }
  const std::string wrong = "a,b,c\n" + calls.substr(0, 200) + "time,caller,callee\n1,2,3\n";
  return {{"calls", "wrong.csv", wrong}, {"calls", "calls.csv", calls}, {"messages", "sms.csv", messages},
          {"zeek", "x.log", zeek_tsv()}, {"zeek", "y.log", json},       {"eve", "eve.json", eve}};
}

std::unique_ptr<FileStream> open(MemoryFiles& files, const Sample& sample, const std::string& path,
                                 std::string_view progress, std::size_t block) {
  for (const SourcePart& part : catalog()) {
    if (part.spec().kind != sample.kind) continue;
    FileStreamOptions options;
    options.path = options.name = path;
    options.block_bytes = block;
    return FileStream::open(files, options, part.open({sample.kind, path, "", false}, sample.name, "").value(),
                            progress)
        .value();
  }
  return nullptr;
}

Seen whole(const Sample& sample) {
  MemoryFiles files;
  files.write("d/" + sample.name, sample.bytes);
  const auto stream = open(files, sample, "d/" + sample.name, "", 1024 * 1024);
  return testing::drain(*stream, 100'000);
}

TEST(Streams, CountsAddUp) {
  for (const Sample& sample : samples()) {
    const Seen seen = whole(sample);
    EXPECT_TRUE(seen.adds_up()) << sample.kind;
    if (sample.name != "wrong.csv") {
      EXPECT_GT(seen.events.size(), 20U) << sample.kind;
    }
  }
}

TEST(Streams, ReadsAndBatchesOfAnySizeGiveTheSame) {
  for (const Sample& sample : samples()) {
    const Seen expected = whole(sample);
    for (const std::size_t read_max : {1U, 2U, 3U, 5U, 17U, 64U, 100U}) {
      MemoryFiles files;
      files.read_max = read_max;
      files.write("d/" + sample.name, sample.bytes);
      const auto stream = open(files, sample, "d/" + sample.name, "", 1 + read_max * 3);
      const Seen seen = testing::drain(*stream, read_max);
      ASSERT_EQ(seen.events, expected.events) << sample.kind << " in reads of " << read_max;
      ASSERT_EQ(seen.rejects, expected.rejects);
      ASSERT_EQ(seen.counts.unread_by, expected.counts.unread_by);
    }
  }
}

TEST(Streams, GzipInMembersOfAnySizeGivesTheSame) {
  std::mt19937_64 random(4);
  for (const Sample& sample : samples()) {
    const Seen expected = whole(sample);
    std::string zipped;
    for (std::size_t at = 0; at < sample.bytes.size();) {
      const std::size_t size = 1 + random() % 900;
      zipped += testing::gzip(std::string_view(sample.bytes).substr(at, size));
      at += size;
    }
    const Seen seen = whole({sample.kind, sample.name + ".gz", zipped});
    EXPECT_EQ(seen.events, expected.events) << sample.kind;
    EXPECT_EQ(seen.rejects, expected.rejects) << sample.kind;
  }
}

TEST(Streams, ARestartFromAnyProgressGoesOnWhereItStood) {
  for (const Sample& sample : samples()) {
    const Seen expected = whole(sample);
    for (const bool zipped : {false, true}) {
      for (const std::size_t batch : {1U, 2U, 7U}) {
        MemoryFiles files;
        const std::string path = "d/" + sample.name + (zipped ? ".gz" : "");
        files.write(path, zipped ? testing::gzip(sample.bytes) : sample.bytes);
        Seen seen;
        Decoded out;
        std::string progress;
        for (int rounds = 0; !out.end && rounds < 1000; ++rounds) {
          out = {};
          ASSERT_TRUE(open(files, sample, path, progress, 256)->next(batch, out).ok());
          seen.add(out);
          progress = out.progress;
        }
        ASSERT_EQ(seen.events, expected.events) << sample.kind << " batch " << batch << " zipped " << zipped;
        ASSERT_EQ(seen.rejects, expected.rejects);
        out = {};
        ASSERT_TRUE(open(files, sample, path, progress, 256)->next(batch, out).ok());
        EXPECT_TRUE(out.end && out.batch.events.empty() && out.rejects.empty()) << "the end is remembered";
      }
    }
  }
}

TEST(Streams, AnyProgressTextIsSurvived) {
  std::mt19937_64 random(8);
  const Sample sample = samples()[3];
  MemoryFiles files;
  files.write("d/x.log", sample.bytes);
  Decoded first;
  ASSERT_TRUE(open(files, sample, "d/x.log", "", 256)->next(5, first).ok());
  for (int i = 0; i < 300; ++i) {
    std::string progress = first.progress;
    for (std::uint64_t k = 0; k <= random() % 3; ++k)
      progress[random() % progress.size()] = static_cast<char>(random() % 128);
    Decoded out;
    EXPECT_TRUE(open(files, sample, "d/x.log", progress, 256)->next(1000, out).ok());
  }
}

}  // namespace
}  // namespace pandun::sources
