#include "eventlog/archive/archive.h"

#include "eventlog/archive/duckdb_api.h"
#include "eventlog/archive/row_stage.h"
#include "eventlog/testing/ledger.h"
#include "platform/fault_files.h"

namespace pandun::eventlog {
namespace {

using model::EventKind;
using testing::TempDirectory;

constexpr std::int64_t kDay0 = 1'767'225'600'000;  // 2026-01-01

class HashTokens final : public Tokenizer {
 public:
  std::string number_token(model::NumberKey n) override { return platform::keyed_hash_hex(key_, n.text()); }
  std::string number_note(model::NumberKey) override { return "CN mobile"; }
  std::string device_token(std::string_view device) override { return platform::keyed_hash_hex(key_, device); }

 private:
  platform::SealKey key_{{7}};
};

class ArchiveTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (const auto api = load_duckdb(library_); !api.ok())
      GTEST_SKIP() << "SKIPPED, NOT TESTED: " << api.error().text();
    options_.directory = home_.path() + "/archive";
    options_.duckdb_library = library_;
  }
  std::unique_ptr<ArchiveWriter> writer() {
    auto out = open_archive_writer(files_, tokens_, options_);
    EXPECT_TRUE(out.ok()) << out.error().text();
    return std::move(*out);
  }
  std::vector<ArchiveRow> ask(ArchiveQuery query) {
    if (query.to.ms == 0) query.to.ms = kDay0 + 1000 * 86'400'000LL;
    auto reader = open_archive_reader(files_, options_);
    EXPECT_TRUE(reader.ok()) << reader.error().text();
    auto answer = (*reader)->query(query);
    EXPECT_TRUE(answer.ok()) << answer.error().text();
    return answer.ok() ? std::move(answer->rows) : std::vector<ArchiveRow>{};
  }
  std::size_t part_files() const {
    std::size_t out = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.directory))
      if (entry.is_regular_file()) ++out;
    return out;
  }

  static Record record(std::uint64_t first, const std::vector<model::Event>& events) {
    Record out;
    out.first_position = first;
    for (model::Event e : events) {
      e.position = first++;
      out.batch.events.push_back(e);
    }
    out.last_position = first - 1;
    return out;
  }
  static model::Event call(std::uint64_t caller, std::uint64_t callee, std::int64_t ms) {
    model::Event e;
    e.time.ms = ms;
    model::Call c;
    c.caller = model::NumberKey::e164(caller);
    c.callee = model::NumberKey::e164(callee);
    c.caller_device = "867322040123456";
    c.caller_cell = "460-00-1-2";
    c.duration_s = 61;
    c.answered = model::Answered::kYes;
    e.payload = c;
    return e;
  }
  static model::Event flow(std::uint32_t src, std::int64_t ms) {
    model::Event e;
    e.time.ms = ms;
    model::Flow f;
    f.src = model::IpAddress::v4(src);
    f.dst = *model::IpAddress::parse("2001:db8::7");
    f.dst_port = 443;
    f.bytes_out = 5'000'000'000;
    f.state = model::FlowState::kEstablished;
    e.payload = f;
    return e;
  }
  static model::Event dns(std::string_view query, std::string_view registrable, std::int64_t ms) {
    model::Event e;
    e.time.ms = ms;
    model::Dns d;
    d.client = model::IpAddress::v4(0x0a000001);
    d.query = query;
    d.registrable = registrable;
    d.rcode = 3;
    e.payload = d;
    return e;
  }

  std::string library_ = PANDUN_SOURCE_DIR "/tools/node/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";
  TempDirectory home_;
  platform::FaultFiles files_{platform::posix_files()};
  HashTokens tokens_;
  ArchiveOptions options_;
};

TEST(ArchiveLibrary, AbsenceSaysWhatToInstall) {
  const auto api = load_duckdb("/nowhere/libduckdb.so");
  ASSERT_FALSE(api.ok());
  EXPECT_EQ(api.error().code, Errc::kUnavailable);
  EXPECT_NE(api.error().message.find("npm ci"), std::string::npos);
}

TEST(ArchiveText, BadUtf8BecomesVisible) {
  EXPECT_TRUE(is_utf8("磐盾 ok"));
  EXPECT_FALSE(is_utf8("a\xff"));
  EXPECT_FALSE(is_utf8("\xed\xa0\x80"));
  EXPECT_FALSE(is_utf8("\xc0\x80"));
  EXPECT_EQ(as_utf8("磐\xe7盾\xff"), "磐\\xe7盾\\xff");
}

TEST_F(ArchiveTest, WritesAndAnswersByEntityAndTime) {
  auto archive = writer();
  ASSERT_TRUE(archive
                  ->write(record(1, {call(8613800138000, 8613900139000, kDay0 + 1000), flow(0xc0000201, kDay0 + 2000),
                                     call(8613900139000, 8613700137000, kDay0 + 90'000'000),
                                     dns("www.evil.example", "evil.example", kDay0 + 3000)}))
                  .ok());
  EXPECT_EQ(archive->durable_position(), 0U);
  ASSERT_TRUE(archive->flush().ok());
  EXPECT_EQ(archive->durable_position(), 4U);
  EXPECT_EQ(archive->stats().rows, 4U);
  EXPECT_EQ(part_files(), 4U);

  const std::string token = tokens_.number_token(model::NumberKey::e164(8613900139000));
  auto rows = ask({{}, ArchiveEntity::kToken, token, {kDay0}, {0}, 10});
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[0].position, 1U);
  EXPECT_EQ(rows[1].position, 3U);
  EXPECT_EQ(
      rows[0].json(),
      "{\"kind\":\"call\",\"position\":1,\"time\":\"2026-01-01T00:00:01Z\",\"record\":0,\"source\":0,\"late\":false,"
      "\"caller_token\":\"" +
          tokens_.number_token(model::NumberKey::e164(8613800138000)) +
          "\",\"caller_kind\":\"e164\",\"caller_note\":\"CN mobile\",\"callee_token\":\"" + token +
          "\",\"callee_kind\":\"e164\",\"callee_note\":\"CN mobile\",\"caller_device_token\":\"" +
          tokens_.device_token("867322040123456") +
          "\",\"caller_cell\":\"460-00-1-2\",\"duration_s\":61,\"answered\":\"yes\",\"international\":false}");
  EXPECT_EQ(ask({EventKind::kCall, ArchiveEntity::kToken, token, {kDay0}, {kDay0 + 86'400'000}, 10}).size(), 1U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kIp, "192.0.2.1", {kDay0}, {0}, 10}).size(), 1U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kIp, "2001:DB8:0::7", {kDay0}, {0}, 10}).size(), 1U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kDomain, "Evil.Example", {kDay0}, {0}, 10}).size(), 1U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kDomain, "www.evil.example.", {kDay0}, {0}, 10}).size(), 1U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kDomain, "o'evil", {kDay0}, {0}, 10}).size(), 0U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 10}).size(), 4U);
  EXPECT_EQ(ask({{}, ArchiveEntity::kAny, "", {kDay0}, {kDay0 + 2001}, 10}).size(), 2U);
  const auto all = ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 3});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(all[1].kind, EventKind::kFlow);
  EXPECT_NE(all[1].json().find("\"bytes_out\":5000000000"), std::string::npos);
  EXPECT_EQ(all[1].json().find("bytes_in"), std::string::npos);  // not said
}

TEST_F(ArchiveTest, EveryKindHasItsColumns) {
  auto archive = writer();
  std::vector<model::Event> events(model::kEventKinds);
  const auto fill = [&]<std::size_t... I>(std::index_sequence<I...>) {
    (events[I].payload.emplace<I>(), ...);
  };
  fill(std::make_index_sequence<model::kEventKinds>());
  for (model::Event& e : events) e.time.ms = kDay0;
  ASSERT_TRUE(archive->write(record(1, events)).ok());
  ASSERT_TRUE(archive->flush().ok());
  const auto rows = ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 100});
  ASSERT_EQ(rows.size(), model::kEventKinds);
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(static_cast<std::size_t>(rows[i].kind), i);
}

TEST_F(ArchiveTest, NoClearIdentityStandsInAnyFile) {
  auto archive = writer();
  std::vector<model::Event> events;
  for (std::uint64_t i = 0; i < 3000; ++i)
    events.push_back(call(8613800138000 + i % 50, 8613900139000 + i, kDay0 + static_cast<std::int64_t>(i)));
  ASSERT_TRUE(archive->write(record(1, events)).ok());
  ASSERT_TRUE(archive->flush().ok());
  std::size_t bytes = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(options_.directory)) {
    if (!entry.is_regular_file()) continue;
    const std::string content = *platform::read_file(files_, entry.path());
    bytes += content.size();
    for (const char* clear : {"8613800138", "13800138", "8613900139", "867322040123456"})
      EXPECT_EQ(content.find(clear), std::string::npos) << clear;
    for (const std::uint64_t value : {std::uint64_t{8613800138000}, model::NumberKey::e164(8613800138000).bits()})
      EXPECT_EQ(content.find(std::string(reinterpret_cast<const char*>(&value), 8)), std::string::npos);
  }
  EXPECT_GT(bytes, 10'000U);
  // Compressed pages could hide text from this search: the values themselves must be clean, too.
  for (const ArchiveRow& row : ask({EventKind::kCall, ArchiveEntity::kAny, "", {kDay0}, {0}, 5000}))
    for (const ArchiveField& field : row.fields) {
      EXPECT_EQ(field.text.find("13800138"), std::string::npos) << field.name;
      EXPECT_EQ(field.text.find("867322040123456"), std::string::npos) << field.name;
    }
}

TEST_F(ArchiveTest, FeedingAgainAfterARestartDoublesNothing) {
  std::vector<Record> records;
  for (std::uint64_t i = 0; i < 20; ++i)
    records.push_back(
        record(1 + i * 5,
               {call(8613800138000, 8613900139000, kDay0 + static_cast<std::int64_t>(i) * 10'000'000), flow(1, kDay0),
                flow(2, kDay0 + 86'400'000), call(8613800138001, 8613900139000, kDay0), flow(3, kDay0)}));
  options_.rows_per_part = 23;
  std::uint64_t durable = 0;
  {
    auto archive = writer();
    for (std::size_t i = 0; i < 13; ++i) ASSERT_TRUE(archive->write(records[i]).ok());
    durable = archive->durable_position();
    EXPECT_GT(durable, 20U);
    EXPECT_LT(durable, 65U);
  }
  for (const std::size_t from : {std::size_t{0}, static_cast<std::size_t>(durable / 5)}) {
    auto archive = writer();
    options_.rows_per_part = 31;  // other boundaries than the first time
    for (std::size_t i = from; i < records.size(); ++i) ASSERT_TRUE(archive->write(records[i]).ok());
    ASSERT_TRUE(archive->flush().ok());
    EXPECT_EQ(archive->durable_position(), 100U);
    EXPECT_GT(archive->stats().rows_already_there, 0U);
    const auto rows = ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 1000});
    EXPECT_EQ(rows.size(), 100U);
    std::set<std::uint64_t> positions;
    for (const ArchiveRow& row : rows) EXPECT_TRUE(positions.insert(row.position).second);
  }
}

// Each rename, directory sync and sync fails once in the middle of a flush; the flush is tried again.
TEST_F(ArchiveTest, AFlushThatFailsHalfwayIsRepeatedWithoutDoubles) {
  using platform::FileOp;
  for (const FileOp op : {FileOp::kRename, FileOp::kSyncDirectory, FileOp::kSync})
    for (std::uint64_t n = 1; n <= 3; ++n) {
      std::filesystem::remove_all(options_.directory);
      auto archive = writer();
      ASSERT_TRUE(archive->write(record(1, {flow(1, kDay0), call(1, 2, kDay0), flow(2, kDay0 + 86'400'000)})).ok());
      files_.fail_at(op, files_.count(op) + n);
      const bool failed = !archive->flush().ok();
      EXPECT_TRUE(failed);
      EXPECT_EQ(archive->durable_position(), 0U);
      files_.heal();
      ASSERT_TRUE(archive->write(record(4, {flow(3, kDay0), call(3, 4, kDay0)})).ok());
      ASSERT_TRUE(archive->flush().ok());
      EXPECT_EQ(archive->durable_position(), 5U);
      EXPECT_EQ(ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 1000}).size(), 5U);
    }
}

TEST_F(ArchiveTest, MergingADayChangesNoAnswer) {
  for (const bool killed : {false, true}) {
    std::filesystem::remove_all(options_.directory);
    options_.rows_per_part = 5;
    auto archive = writer();
    std::vector<Record> records;
    for (std::uint64_t i = 0; i < 12; ++i)
      records.push_back(record(
          1 + i * 5, {flow(1, kDay0), flow(2, kDay0), flow(3, kDay0 + 86'400'000), flow(4, kDay0), call(1, 2, kDay0)}));
    for (const Record& r : records) ASSERT_TRUE(archive->write(r).ok());
    ASSERT_TRUE(archive->flush().ok());
    EXPECT_EQ(part_files(), 36U);
    if (killed) files_.fail_at(platform::FileOp::kRemove, files_.count(platform::FileOp::kRemove) + 3);
    const auto merged = archive->merge_days({kDay0 + 86'400'000});
    EXPECT_EQ(merged.ok(), !killed);
    files_.heal();
    EXPECT_EQ(ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 1000}).size(), 60U);
    archive = writer();
    for (const Record& r : records) ASSERT_TRUE(archive->write(r).ok());
    ASSERT_TRUE(archive->flush().ok());
    EXPECT_EQ(*archive->merge_days({kDay0 + 86'400'000}), killed ? 1U : 0U);  // calls come before flows
    EXPECT_EQ(part_files(), 14U);
    const auto rows = ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 1000});
    ASSERT_EQ(rows.size(), 60U);
    EXPECT_EQ(ask({EventKind::kFlow, ArchiveEntity::kIp, "0.0.0.2", {kDay0}, {0}, 1000}).size(), 12U);
  }
}

TEST_F(ArchiveTest, HalfWrittenPartsAreNotReadAndAreTidied) {
  const std::string folder = options_.directory + "/flow/day=2026-01-01";
  std::filesystem::create_directories(folder);
  const std::string torn = folder + "/part-00000000000000000001-00000000000000000001.parquet.new";
  ASSERT_TRUE((*platform::posix_files().create(torn))->append("PAR1 half").ok());
  EXPECT_TRUE(ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 10}).empty());
  auto archive = writer();
  ASSERT_TRUE(archive->write(record(1, {flow(1, kDay0)})).ok());
  ASSERT_TRUE(archive->flush().ok());
  EXPECT_EQ(part_files(), 1U);
}

TEST_F(ArchiveTest, ADamagedPartIsNamed) {
  const std::string folder = options_.directory + "/flow/day=2026-01-01";
  std::filesystem::create_directories(folder);
  const std::string bad = folder + "/part-00000000000000000001-00000000000000000001.parquet";
  ASSERT_TRUE((*platform::posix_files().create(bad))->append(std::string(500, 'x')).ok());
  auto reader = std::move(*open_archive_reader(files_, options_));
  const auto answer = reader->query({{}, ArchiveEntity::kAny, "", {kDay0}, {kDay0 + 1}, 10});
  ASSERT_FALSE(answer.ok());
  EXPECT_EQ(answer.error().code, Errc::kCorrupt) << answer.error().text();
  EXPECT_NE(answer.error().message.find("part-"), std::string::npos);
}

TEST_F(ArchiveTest, RefusesQuestionsThatCannotBeMeant) {
  auto reader = std::move(*open_archive_reader(files_, options_));
  const auto code = [&](const ArchiveQuery& query) { return reader->query(query).error().code; };
  EXPECT_EQ(code({{}, ArchiveEntity::kIp, "300.1.1.1", {0}, {1}, 10}), Errc::kUsage);
  EXPECT_EQ(code({EventKind::kFlow, ArchiveEntity::kToken, "x", {0}, {1}, 10}), Errc::kUsage);
  EXPECT_EQ(code({{}, ArchiveEntity::kAny, "", {1}, {1}, 10}), Errc::kUsage);
  EXPECT_EQ(code({{}, ArchiveEntity::kAny, "", {0}, {1}, 0}), Errc::kUsage);
  EXPECT_EQ(code({{}, ArchiveEntity::kToken, "", {0}, {1}, 10}), Errc::kUsage);
}

TEST_F(ArchiveTest, OddTextComesBackReadable) {
  auto archive = writer();
  model::Event e;
  e.time.ms = kDay0;
  model::Http h;
  h.uri = "/a'b\"c\\\n\xff磐盾";
  e.payload = h;
  ASSERT_TRUE(archive->write(record(1, {e})).ok());
  ASSERT_TRUE(archive->flush().ok());
  const auto rows = ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 10});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_NE(rows[0].json().find("\"uri\":\"/a'b\\\"c\\\\\\u000a\\\\xff磐盾\""), std::string::npos) << rows[0].json();
}

TEST_F(ArchiveTest, RetentionTakesWholeDays) {
  auto archive = writer();
  ASSERT_TRUE(archive->write(record(1, {flow(1, kDay0), call(1, 2, kDay0 + 5), flow(2, kDay0 + 86'400'000)})).ok());
  ASSERT_TRUE(archive->flush().ok());
  EXPECT_EQ(*retire_archive_days(files_, options_.directory, {kDay0 + 86'399'999}), 0U);
  EXPECT_EQ(*retire_archive_days(files_, options_.directory, {kDay0 + 86'400'000}), 2U);
  const auto rows = ask({{}, ArchiveEntity::kAny, "", {kDay0}, {0}, 10});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].position, 3U);
}

}  // namespace
}  // namespace pandun::eventlog
