#include "server/call_reports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "platform/fault_files.h"
#include "platform/random.h"

namespace pandun::server {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const platform::SealKey kKey{std::array<unsigned char, 32>{3}};

decide::CallReport report(std::string call, std::int32_t since_s = 60) {
  decide::CallReport out;
  out.call = std::move(call);
  out.caller = "+8613700137777";
  out.callee = "+8613900139000";
  out.route = "inter-1";
  out.told = {1'790'000'000'000};
  out.since_s = since_s;
  return out;
}

struct Reports : ::testing::Test {
  std::string directory = ::testing::TempDir() + "pandun_reports_" + platform::random_hex(6);
  platform::FaultFiles files{platform::posix_files()};
  std::vector<std::string> faults;
  std::unique_ptr<CallReports> reports;
  std::unique_ptr<sources::Stream> stream;

  void start(const std::string& from = {}) {
    stream.reset();
    reports =
        std::make_unique<CallReports>(files, directory, kKey, [this](const Error& e) { faults.push_back(e.text()); });
    sources::SourceNames names;
    sources::ProgressByName known;
    if (!from.empty()) known["call_progress:api"] = from;
    auto opened = reports->open(names, known);
    ASSERT_TRUE(opened.ok()) << opened.error().text();
    stream = std::move(*opened);
  }
  std::string progress;
  std::vector<std::string> next(std::size_t most = 100) {
    sources::Decoded out;
    EXPECT_TRUE(stream->next(most, out).ok());
    progress = out.progress;
    std::vector<std::string> calls;
    for (const model::Event& event : out.batch.events) calls.emplace_back(event.as<model::CallProgress>().call);
    return calls;
  }
};

TEST_F(Reports, GoThroughWhole) {
  start();
  EXPECT_FALSE(files.info(directory).ok()) << "nothing is made before the first report";
  auto sent = report("sw1/1", 0);
  sent.stage = model::CallStage::kAnswered;
  sent.international = true;
  ASSERT_TRUE(reports->add({sent, report("sw1/2", -1)}).ok());
  sources::Decoded out;
  ASSERT_TRUE(stream->next(10, out).ok());
  ASSERT_EQ(out.batch.events.size(), 2U);
  const auto& first = out.batch.events[0].as<model::CallProgress>();
  EXPECT_EQ(first.caller_text, "+8613700137777");
  EXPECT_EQ(first.callee_text, "+8613900139000");
  EXPECT_EQ(first.route, "inter-1");
  EXPECT_EQ(first.since_s, 0);
  EXPECT_EQ(first.stage, model::CallStage::kAnswered);
  EXPECT_TRUE(first.international);
  EXPECT_EQ(out.batch.events[0].time.ms, 1'790'000'000'000);
  EXPECT_EQ(out.batch.events[1].as<model::CallProgress>().since_s, -1);
  EXPECT_NE(out.batch.events[0].record, out.batch.events[1].record);
  EXPECT_EQ(reports->waiting_bytes(), 0U);
}

TEST_F(Reports, AreReadOnceOverRestarts) {
  start();
  for (const char* call : {"a", "b", "c"}) ASSERT_TRUE(reports->add({report(call)}).ok());
  EXPECT_THAT(next(2), ElementsAre("a", "b"));
  const std::string stored = progress;
  start(stored);
  EXPECT_THAT(next(), ElementsAre("c"));
  ASSERT_TRUE(reports->add({report("d")}).ok());  // a file of its own
  EXPECT_THAT(next(), ElementsAre("d"));
  EXPECT_EQ(files.list(directory)->size(), 2U);
  stream->stored(progress);
  EXPECT_EQ(files.list(directory)->size(), 1U) << "what is durable elsewhere goes";
  start(progress);
  EXPECT_THAT(next(), IsEmpty());
  start();  // progress was lost: again from what is there
  EXPECT_THAT(next(), ElementsAre("d"));
  EXPECT_THAT(faults, IsEmpty());
}

TEST_F(Reports, WhatWasAnsweredSurvivesAPowerCut) {
  start();
  ASSERT_TRUE(reports->add({report("a")}).ok());
  ASSERT_TRUE(reports->add({report("b")}).ok());
  ASSERT_TRUE(files.power_cut().ok());
  start();
  EXPECT_THAT(next(), ElementsAre("a", "b"));
}

TEST_F(Reports, AFailingDiskIsSaidAndTheNextRequestBeginsAnew) {
  start();
  ASSERT_TRUE(reports->add({report("a")}).ok());
  files.fail_at(platform::FileOp::kSync, files.count(platform::FileOp::kSync) + 1);
  EXPECT_FALSE(reports->add({report("b")}).ok());
  ASSERT_TRUE(reports->add({report("b")}).ok());
  EXPECT_THAT(next(), ElementsAre("a", "b"));
}

TEST_F(Reports, DamageIsToldAndPassed) {
  start();
  ASSERT_TRUE(reports->add({report("a")}).ok());
  start();
  ASSERT_TRUE(reports->add({report("b")}).ok());
  const std::string path = platform::join(directory, "00000001.frames");
  std::string bytes = *platform::read_file(files, path);
  bytes[50] = static_cast<char>(bytes[50] ^ 1);
  ASSERT_TRUE(platform::replace_file(files, path, bytes).ok());
  start();
  EXPECT_THAT(next(), ElementsAre("b"));
  EXPECT_EQ(faults.size(), 1U);
}

TEST(CallReports, DecodingRefusesWhatIsNotWhole) {
  const std::string whole = encode_call_reports({report("a"), report("b")});
  std::vector<decide::CallReport> out;
  EXPECT_TRUE(decode_call_reports(whole, out));
  EXPECT_EQ(out.size(), 2U);
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_FALSE(decode_call_reports(whole.substr(0, cut), out)) << cut;
  EXPECT_FALSE(decode_call_reports(whole + "x", out));
  EXPECT_EQ(out.size(), 2U);
}

}  // namespace
}  // namespace pandun::server
