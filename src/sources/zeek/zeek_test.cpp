#include <gmock/gmock.h>

#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart zeek_source();
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines, std::string_view file = "x.log")
      : Decode(zeek_source(), lines, file) {}
};

std::vector<std::string> tsv(const std::string& path, const std::string& fields, std::vector<std::string> rows) {
  std::vector<std::string> out{"#separator \\x09",   "#set_separator\t,", "#empty_field\t(empty)",
                               "#unset_field\t-",    "#path\t" + path,    "#open\t2024-04-19-00-00-00",
                               "#fields\t" + fields, "#types\twhatever"};
  out.insert(out.end(), rows.begin(), rows.end());
  out.push_back("#close\t2024-04-19-01-00-00");
  return out;
}

const std::string kConn =
    "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\tservice\tduration\torig_bytes\tresp_bytes\tconn_"
    "state\torig_pkts\tresp_pkts";
std::string conn(const std::string& rest) {
  return "1713484795.943239\tC1\t10.0.0.1\t25320\t64.225.56.201\t6008\t" + rest;
}

TEST(ZeekTsv, ReadsAConnection) {
  const Lines run(tsv("conn", kConn, {conn("tcp\tssl\t1.5\t100\t2000\tSF\t7\t9")}));
  EXPECT_THAT(run.seen.events, ElementsAre("#9 2024-04-18T23:59:55.943Z flow 10.0.0.1:25320>64.225.56.201:6008/6 "
                                           "state=3 bytes=100/2000 pkts=7/9 ms=1500 ssl"));
}

TEST(ZeekTsv, UnsetFieldsAreUnknown) {
  const Lines run(tsv("conn", kConn, {conn("udp\t-\t-\t-\t-\tS0\t-\t-")}));
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("/17 state=1 bytes=-1/-1 pkts=-1/-1 ms=-1 ")));
}

TEST(ZeekTsv, ConnectionStates) {
  const std::vector<std::pair<std::string, int>> expected{
      {"S0\t0\t0", 1},   {"SH\t0\t0", 1},   {"SHR\t0\t0", 1},   {"RSTOS0\t0\t0", 1}, {"REJ\t0\t0", 2},
      {"RSTR\t0\t0", 2}, {"RSTO\t0\t0", 2}, {"RSTRH\t0\t0", 2}, {"S1\t0\t0", 3},     {"S2\t0\t0", 3},
      {"S3\t0\t0", 3},   {"SF\t0\t0", 3},   {"OTH\t0\t0", 4},   {"??\t0\t0", 0}};
  for (const auto& [state, number] : expected) {
    const Lines run(tsv("conn", kConn, {conn("tcp\t-\t-\t-\t-\t" + state)}));
    EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("state=" + std::to_string(number) + " "))) << state;
  }
  const Lines with_data(tsv("conn", kConn, {conn("tcp\t-\t1\t5\t0\tRSTO\t1\t1")}));
  EXPECT_THAT(with_data.seen.events, ElementsAre(HasSubstr("state=3 ")));
}

TEST(ZeekTsv, IcmpTypesAreNoPorts) {
  const Lines run(tsv("conn", kConn,
                      {"1\tC\t10.0.0.1\t8\t10.0.0.2\t0\ticmp\t-\t-\t-\t-\tOTH\t1\t1",
                       "1\tC\tfe80::1\t133\tff02::2\t134\ticmp\t-\t-\t-\t-\tOTH\t1\t0"}));
  EXPECT_THAT(run.seen.events,
              ElementsAre(HasSubstr("flow 10.0.0.1:0>10.0.0.2:0/1 "), HasSubstr("flow fe80::1:0>ff02::2:0/58 ")));
}

TEST(ZeekTsv, OnlyTheHeadSaysWhichColumnIsWhich) {
  const Lines run(tsv("conn", "label\tid.resp_h\tid.orig_h\tts\tcommunity_id", {"bad\t10.0.0.2\t10.0.0.1\t5.5\t1:x"}));
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("1970-01-01T00:00:05.500Z flow 10.0.0.1:0>10.0.0.2:0/0 ")));
  EXPECT_EQ(run.seen.counts.extra_columns, 2U);
}

TEST(ZeekTsv, OtherSeparatorsUnsetAndEmptyMarks) {
  const Lines run({"#separator ,", "#set_separator,|", "#empty_field,EMPTY", "#unset_field,NIL", "#path,dns",
                   "#fields,ts,id.orig_h,id.resp_h,query,qtype,rcode,answers",
                   "1,10.0.0.1,10.0.0.2,a.cn,1,0,1.2.3.4|5.6.7.8", "1,10.0.0.1,10.0.0.2,NIL,NIL,NIL,EMPTY"});
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("dns 10.0.0.1>10.0.0.2 a.cn type=1 rcode=0 [1.2.3.4 5.6.7.8]"),
                                           HasSubstr("dns 10.0.0.1>10.0.0.2  type=0 rcode=-1 []")));
}

TEST(ZeekTsv, EscapesBecomeTextAgain) {
  const Lines run(tsv("http", "ts\tid.orig_h\tid.resp_h\tmethod\thost\turi\tuser_agent\tstatus_code",
                      {"1\t10.0.0.1\t10.0.0.2\tGET\t\\xe4\\xb8\\xad.cn\t/a\\\\b\\x00\\x2c\tx\\xff\t200"}));
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("GET 中.cn /a\\b\\x00, agent=x\xef\xbf\xbd status=200")));
}

TEST(ZeekTsv, BadRowsAreRejectedAndTheRestGoesOn) {
  const Lines run(tsv("conn", kConn,
                      {conn("tcp\t-"), conn("tcp\t-\t-\t-\t-\tS0\t-\t-\textra"),
                       "x\tC\t10.0.0.1\t1\t10.0.0.2\t1\ttcp\t-\t-\t-\t-\tS0\t-\t-",
                       "1\tC\t10.0.0.256\t1\t10.0.0.2\t1\ttcp\t-\t-\t-\t-\tS0\t-\t-",
                       "1\tC\t-\t1\t10.0.0.2\t1\ttcp\t-\t-\t-\t-\tS0\t-\t-",
                       "1\tC\t10.0.0.1\t93145\t10.0.0.2\t1\ttcp\t-\t-\t-\t-\tS0\t-\t-",
                       conn("tcp\t-\t-\t12x\t-\tS0\t-\t-"), conn("tcp\t-\t-\t-\t-\tS0\t-\t-")}));
  EXPECT_THAT(run.seen.rejects, ElementsAre("#9 reject field_count", "#10 reject field_count", "#11 reject bad_time",
                                            "#12 reject bad_address", "#13 reject missing_field",
                                            "#14 reject bad_value", "#15 reject bad_value"));
  EXPECT_EQ(run.seen.events.size(), 1U);
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(ZeekTsv, JoinedLogsEachHaveTheirHead) {
  auto lines = tsv("conn", kConn, {conn("tcp\t-\t-\t-\t-\tS0\t-\t-")});
  const auto more = tsv("ssh", "ts\tid.orig_h\tid.resp_h\tid.resp_p\tauth_success\tauth_attempts",
                        {"2\t10.0.0.1\t10.0.0.2\t22\tF\t6"});
  lines.insert(lines.end(), more.begin(), more.end());
  const Lines run(lines);
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr(" flow "), HasSubstr("login 10.0.0.1>10.0.0.2:22 ssh ok=1 n=6")));
}

TEST(ZeekTsv, OtherLogsAreCountedByName) {
  const Lines run(tsv("weird", "ts\tname", {"1\ta", "2\tb"}));
  EXPECT_THAT(run.seen.events, IsEmpty());
  EXPECT_EQ(run.seen.counts.unread_by.at("weird"), 2U);
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(ZeekTsv, SnapshotsOfOpenConnectionsAreNotCountedTwice) {
  const Lines run(tsv("conn", kConn, {conn("tcp\t-\t-\t-\t-\tS1\t-\t-")}), "open_conn.log");
  EXPECT_THAT(run.seen.events, IsEmpty());
  EXPECT_EQ(run.seen.counts.unread_by.at("open_conn"), 1U);
}

TEST(ZeekTsv, RowsWithoutAHeadAreRefusedButPlainReportsAreNot) {
  EXPECT_THAT(Lines({conn("tcp\t-\t-\t-\t-\tS0\t-\t-")}, "conn.log").seen.rejects,
              ElementsAre("#1 reject unknown_record"));
  EXPECT_EQ(Lines({">== Total ==="}, "conn-summary.16:00:00-17:00:00.log").seen.counts.unread, 1U);
}

TEST(ZeekTsv, FilesCertificatesNoticesAndTls) {
  const Lines files(tsv("files",
                        "ts\ttx_hosts\trx_hosts\tmime_type\tfilename\tseen_bytes\ttotal_bytes\tmd5\tsha1\tsha256",
                        {"1\t1.1.1.1,1.0.0.1\t10.0.0.1\ttext/html\t-\t10\t-\tAB\tCD\tEF"}));
  EXPECT_THAT(files.seen.events,
              ElementsAre(HasSubstr("file 1.1.1.1>10.0.0.1 sha256=ef sha1=cd md5=ab mime=text/html name= bytes=10")));
  const Lines newer(tsv("files", "ts\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tis_orig\ttotal_bytes",
                        {"1\t10.0.0.1\t1\t1.1.1.1\t80\tF\t5", "1\t10.0.0.1\t1\t1.1.1.1\t80\tT\t5"}));
  EXPECT_THAT(newer.seen.events, ElementsAre(HasSubstr("file 1.1.1.1>10.0.0.1 "), HasSubstr("file 10.0.0.1>1.1.1.1 ")));
  const Lines x509(
      tsv("x509", "ts\tfingerprint\tcertificate.subject\tsan.dns", {"1\t" + std::string(64, 'A') + "\tCN=x\ta,b"}));
  EXPECT_THAT(x509.seen.events, ElementsAre(HasSubstr("sha256=" + std::string(64, 'a'))));
  EXPECT_EQ(x509.seen.counts.extra_columns, 0U);
  const Lines notice(
      tsv("notice", "ts\tid.orig_h\tid.resp_h\tid.resp_p\tnote\tmsg\tsrc\tdst\tp",
          {"1\t-\t-\t-\tScan::Port_Scan\tscanned\t10.0.0.1\t10.0.0.2\t22", "1\t-\t-\t-\t-\tx\t-\t-\t-"}));
  EXPECT_THAT(notice.seen.events,
              ElementsAre(HasSubstr("sighting 10.0.0.1>10.0.0.2:22 sev=-1 Scan::Port_Scan | zeek_notice | scanned")));
  EXPECT_THAT(notice.seen.rejects, ElementsAre("#10 reject missing_field"));
  const Lines ssl(tsv("ssl", "ts\tid.orig_h\tid.resp_h\tid.resp_p\tserver_name\tja3\tja3s\testablished\tcert_chain_fps",
                      {"1\t10.0.0.1\t10.0.0.2\t443\tA.cn\tj\tk\tT\tFF,EE"}));
  EXPECT_THAT(ssl.seen.events,
              ElementsAre(HasSubstr("tls 10.0.0.1>10.0.0.2:443 up=true sni=A.cn ja3=j ja3s=k cert=ff")));
}

const std::string kJsonConn =
    R"({"ts":1713484795.943239,"uid":"C1","id.orig_h":"10.0.0.1","id.orig_p":25320,"id.resp_h":"64.225.56.201","id.resp_p":6008,"proto":"tcp","service":"ssl","duration":1.5,"orig_bytes":100,"resp_bytes":2000,"conn_state":"SF","orig_pkts":7,"resp_pkts":9})";

TEST(ZeekJson, SaysTheSameAsTsv) {
  const Lines text(tsv("conn", kConn, {conn("tcp\tssl\t1.5\t100\t2000\tSF\t7\t9")})), json({kJsonConn}, "conn.log");
  ASSERT_EQ(text.seen.events.size(), 1U);
  ASSERT_EQ(json.seen.events.size(), 1U);
  EXPECT_EQ(text.seen.events[0].substr(text.seen.events[0].find(' ')),
            json.seen.events[0].substr(json.seen.events[0].find(' ')));
}

TEST(ZeekJson, ThePathInTheRecordNamesTheLogWhereverItStands) {
  const Lines run(
      {R"({"_path":"dns","ts":"2018-03-24T17:15:20.865716Z","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","query":"a.cn","qtype":28,"rcode":3,"answers":["x.cn","TXT 3 abc"]})",
       R"({"ts":"2018-03-24T17:15:21Z","id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","auth_success":true,"_path":"ssh"})",
       R"({"_path":"weird","ts":1})"});
  EXPECT_THAT(run.seen.events,
              ElementsAre("#1 2018-03-24T17:15:20.865Z dns 10.0.0.1>10.0.0.2 a.cn type=28 rcode=3 [x.cn TXT 3 abc]",
                          HasSubstr("ssh ok=2")));
  EXPECT_EQ(run.seen.counts.unread_by.at("weird"), 1U);
}

TEST(ZeekJson, KeysMayComeInAnyOrderAndBeEscaped) {
  const Lines run(
      {kJsonConn,
       R"({"conn_state":"S0","id.resp_h":"10.0.0.2","ts":5,"\u0069d.orig_h":"10.0.0.1","proto":"u\u0064p","service":null,"strange":{"a":[1,{}]}})",
       kJsonConn},
      "conn.log");
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("state=3"), HasSubstr("flow 10.0.0.1:0>10.0.0.2:0/17 state=1"),
                                           HasSubstr("state=3")));
}

TEST(ZeekJson, BrokenObjectsAreRefused) {
  const Lines run(
      {R"({"ts":1,"id.orig_h":"10.0.0.1)", R"({"ts":1,"id.orig_h")", R"({"ts":1} {"ts":2})", R"([1,2])", R"({"ts":1,})",
       R"({"ts":{"a":1}})", kJsonConn + "x", R"({"ts":true,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2"})",
       R"({"ts":1,"id.resp_h":"10.0.0.2"})"},
      "conn.log");
  EXPECT_THAT(run.seen.events, IsEmpty());
  EXPECT_EQ(run.seen.rejects.size(), 9U);
  EXPECT_THAT(run.seen.rejects[0], "#1 reject bad_json");
  EXPECT_THAT(run.seen.rejects[8], "#9 reject missing_field");
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(ZeekJson, ExtraKeysAreCountedOnceEach) {
  const std::string line =
      R"({"ts":1,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2","community_id":"1:x","label":"m","history":"S"})";
  EXPECT_EQ(Lines({line, line, line}, "conn.log").seen.counts.extra_columns, 2U);
}

TEST(ZeekJson, OneTimeFormAFile) {
  const std::string rest = R"(,"id.orig_h":"10.0.0.1","id.resp_h":"10.0.0.2"})";
  const Lines run({R"({"ts":"2018-03-24T17:15:20Z")" + rest, R"({"ts":1521911720.5)" + rest,
                   R"({"ts":"2018-03-24T17:15:20")" + rest},
                  "conn.log");
  EXPECT_THAT(run.seen.rejects, ElementsAre("#2 reject time_form", "#3 reject bad_time"));
}

TEST(Zeek, TakesLogFilesOfADirectory) {
  const auto takes = zeek_source().takes_file;
  for (const char* name : {"conn.log", "conn.16:00:00-17:00:00.log.gz", "conn.log.labeled", "weird.log", "conn.log.1",
                           "dns.json.gz", "conn.log-20240419.gz"})
    EXPECT_TRUE(takes(name)) << name;
  for (const char* name : {"README.md", "eve.json", "labels.config", "eve.log", "calls.csv", "other.json"})
    EXPECT_FALSE(takes(name)) << name;
  EXPECT_EQ(zeek_source().disorder("conn.log"), std::chrono::seconds(300));
  EXPECT_EQ(zeek_source().disorder("dns.log"), std::chrono::seconds(60));
}

}  // namespace
}  // namespace pandun::sources
