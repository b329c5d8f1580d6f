#include <gmock/gmock.h>

#include "sources/kit/testing.h"

namespace pandun::sources {
SourcePart eve_source();
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Lines : testing::Decode {
  explicit Lines(const std::vector<std::string>& lines) : Decode(eve_source(), lines, "eve.json") {}
};

std::string record(const std::string& type, const std::string& rest,
                   const std::string& ends =
                       R"("src_ip":"10.0.0.1","src_port":4000,"dest_ip":"1.1.1.1","dest_port":443,"proto":"TCP")") {
  return R"({"timestamp":"2021-06-06T15:59:46.457984+0200","flow_id":1,"event_type":")" + type + R"(",)" + ends +
         (rest.empty() ? "" : "," + rest) + "}";
}

std::string flow(const std::string& counts, const std::string& tcp) {
  return record(
      "flow",
      R"("app_proto":"tls","flow":{)" + counts +
          R"(,"start":"2021-06-06T15:59:40.000000+0200","end":"2021-06-06T15:59:45.500000+0200","age":5,"state":"closed","reason":"timeout"},"tcp":{)" +
          tcp + "}");
}

TEST(Eve, AFlowStandsAtItsStart) {
  const Lines run({flow(R"("pkts_toserver":22,"pkts_toclient":28,"bytes_toserver":2595,"bytes_toclient":6365)",
                        R"("tcp_flags_ts":"1a","tcp_flags_tc":"1a","state":"closed")")});
  EXPECT_THAT(
      run.seen.events,
      ElementsAre(
          "#1 2021-06-06T13:59:40Z flow 10.0.0.1:4000>1.1.1.1:443/6 state=3 bytes=2595/6365 pkts=22/28 ms=5500 tls"));
}

TEST(Eve, FlowStates) {
  const auto state = [](const std::string& packets, const std::string& tcp) {
    const Lines run({flow(packets, tcp)});
    return run.seen.events.size() == 1 ? run.seen.events[0].substr(run.seen.events[0].find("state="), 7)
                                       : std::string();
  };
  EXPECT_EQ(state(R"("pkts_toserver":3,"pkts_toclient":0)", R"("tcp_flags_ts":"02","tcp_flags_tc":"00")"), "state=1");
  EXPECT_EQ(state(R"("pkts_toserver":1,"pkts_toclient":1)", R"("tcp_flags_ts":"02","tcp_flags_tc":"14")"), "state=2");
  EXPECT_EQ(state(R"("pkts_toserver":2,"pkts_toclient":1)", R"("tcp_flags_ts":"06","tcp_flags_tc":"12")"), "state=2");
  EXPECT_EQ(state(R"("pkts_toserver":9,"pkts_toclient":9)", R"("tcp_flags_ts":"1e","tcp_flags_tc":"1a")"), "state=3");
}

TEST(Eve, DnsInAllThreeVersions) {
  const std::string udp = R"("src_ip":"10.0.0.1","src_port":5000,"dest_ip":"8.8.8.8","dest_port":53,"proto":"UDP")";
  const std::string back = R"("src_ip":"8.8.8.8","src_port":53,"dest_ip":"10.0.0.1","dest_port":5000,"proto":"UDP")";
  const Lines run({
      record("dns", R"("dns":{"type":"query","id":2,"rrname":"a.cn","rrtype":"A","tx_id":0})", udp),
      record(
          "dns",
          R"("dns":{"type":"answer","id":2,"rcode":"NOERROR","rrname":"a.cn","rrtype":"A","ttl":60,"rdata":"1.2.3.4"})",
          back),
      record("dns", R"("dns":{"version":2,"type":"answer","rrname":"b.cn","rrtype":"AAAA","rcode":"NXDOMAIN"})", udp),
      record(
          "dns",
          R"("dns":{"version":2,"type":"answer","rrname":"b.cn","rrtype":"CNAME","rcode":"NOERROR","answers":[{"rrname":"b.cn","rrtype":"CNAME","rdata":"c.cn"},{"rrname":"c.cn","rrtype":"A","rdata":"5.6.7.8"}],"grouped":{"A":["5.6.7.8"]}})",
          back),
      record(
          "dns",
          R"("dns":{"version":2,"type":"answer","rrname":"b.cn","rrtype":"A","rcode":"NOERROR","grouped":{"A":["5.6.7.8","9.9.9.9"],"CNAME":["c.cn"]}})",
          udp),
      record(
          "dns",
          R"("dns":{"version":3,"type":"request","id":0,"rcode":"NOERROR","queries":[{"rrname":"d.cn","rrtype":"HTTPS"}]})",
          udp),
      record(
          "dns",
          R"("dns":{"version":3,"type":"response","rcode":"REFUSED","queries":[{"rrname":"d.cn","rrtype":"TYPE65400"}]})",
          udp),
  });
  EXPECT_THAT(run.seen.events,
              ElementsAre(HasSubstr("dns 10.0.0.1>8.8.8.8 a.cn type=1 rcode=-1 []"),
                          HasSubstr("dns 10.0.0.1>8.8.8.8 a.cn type=1 rcode=0 [1.2.3.4]"),
                          HasSubstr("dns 10.0.0.1>8.8.8.8 b.cn type=28 rcode=3 []"),
                          HasSubstr("dns 10.0.0.1>8.8.8.8 b.cn type=5 rcode=0 [c.cn 5.6.7.8]"),
                          HasSubstr("b.cn type=1 rcode=0 [5.6.7.8 9.9.9.9 c.cn]"),
                          HasSubstr("d.cn type=65 rcode=-1 []"), HasSubstr("d.cn type=65400 rcode=5 []")));
}

TEST(Eve, AlertsHttpTlsAndFiles) {
  const Lines run({
      record(
          "alert",
          R"("alert":{"action":"allowed","gid":1,"signature_id":2403388,"rev":66418,"signature":"ET CINS","category":"Misc Attack","severity":2,"metadata":{"tag":["x"]}},"http":{"hostname":"no"})"),
      record("alert",
             R"("direction":"to_client","alert":{"gid":1,"signature_id":1,"rev":1,"signature":"s","severity":1})"),
      record(
          "http",
          R"("http":{"hostname":"h.cn","url":"/a\"b","http_user_agent":"UA","http_method":"GET","status":200,"length":77})"),
      record(
          "tls",
          R"("tls":{"sni":"S.cn","version":"TLS 1.2","fingerprint":"AA:bb:0C","ja3":{"hash":"j","string":"1,2"},"ja3s":{"hash":"k"}})"),
      record(
          "fileinfo",
          R"("http":{"http_content_type":"text/html"},"fileinfo":{"filename":"/f","md5":"AB","sha256":"CD","size":9})",
          R"("src_ip":"1.1.1.1","src_port":80,"dest_ip":"10.0.0.1","dest_port":4000,"proto":"TCP")"),
  });
  EXPECT_THAT(
      run.seen.events,
      ElementsAre(HasSubstr("sighting 10.0.0.1>1.1.1.1:443 sev=2 ET CINS | Misc Attack | 1:2403388:66418 allowed"),
                  HasSubstr("sighting 1.1.1.1>10.0.0.1:4000 sev=1 s"),
                  HasSubstr("http 10.0.0.1>1.1.1.1:443 GET h.cn /a\"b agent=UA status=200 bytes=-1/77"),
                  HasSubstr("tls 10.0.0.1>1.1.1.1:443 up=true sni=S.cn ja3=j ja3s=k cert=aabb0c"),
                  HasSubstr("file 1.1.1.1>10.0.0.1 sha256=cd sha1= md5=ab mime=text/html name=/f bytes=9")));
}

TEST(Eve, OtherTypesAreCountedByName) {
  const Lines run({record("anomaly", ""), record("stats", ""), record("stats", "")});
  EXPECT_THAT(run.seen.events, IsEmpty());
  EXPECT_EQ(run.seen.counts.unread_by.at("stats"), 2U);
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Eve, BrokenRecordsAreRefused) {
  const std::string good = record("flow", "");
  const Lines run({"{", "not json", "[]", good.substr(0, good.size() - 9), good + "}",
                   R"({"timestamp":"2021-06-06T15:59:46+0200"})", record("flow", "", R"("src_ip":"10.0.0.1")"),
                   record("flow", "", R"("src_ip":"x","dest_ip":"1.1.1.1")"),
                   R"({"timestamp":"2021-06-06T15:59:46","event_type":"flow","src_ip":"1.1.1.1","dest_ip":"1.1.1.1"})",
                   R"({"event_type":"dns","src_ip":"1.1.1.1","dest_ip":"1.1.1.1"})",
                   record("flow", R"("flow":[1,2],"tcp":"x")")});
  EXPECT_THAT(run.seen.rejects,
              ElementsAre("#1 reject bad_json", "#2 reject bad_json", "#3 reject bad_json", "#4 reject bad_json",
                          "#5 reject bad_json", "#6 reject unknown_record", "#7 reject missing_field",
                          "#8 reject bad_address", "#9 reject bad_time", "#10 reject missing_field"));
  EXPECT_THAT(run.seen.events, ElementsAre(HasSubstr("#11 ")));  // objects of an odd shape are as good as absent
  EXPECT_TRUE(run.seen.adds_up());
}

TEST(Eve, TakesItsFilesOfADirectory) {
  const auto takes = eve_source().takes_file;
  for (const char* name : {"eve.json", "x.eve.json.gz", "eve.json.1", "test6.suricata.json"})
    EXPECT_TRUE(takes(name)) << name;
  for (const char* name : {"conn.log", "dns.json", "suricata.log", "eve.yaml"}) EXPECT_FALSE(takes(name)) << name;
}

}  // namespace
}  // namespace pandun::sources
