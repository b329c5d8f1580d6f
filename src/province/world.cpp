#include "province/world.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace pandun::province {
namespace {

constexpr std::string_view kLocal = "local", kTandem = "tandem-1";

std::string_view trunk_between(std::string_view a, std::string_view b) {
  return a.substr(0, 5) == b.substr(0, 5) ? kLocal : kTandem;
}

void append_seconds(std::string& out, double seconds) {
  const auto micros = static_cast<std::uint64_t>(seconds * 1e6);
  append_number(out, micros / 1'000'000);
  out.push_back('.');
  for (std::uint64_t unit = 100'000; unit != 0; unit /= 10) out.push_back(static_cast<char>('0' + micros / unit % 10));
}

std::string_view kind_of(bool international, bool roaming, std::string_view neither) {
  if (roaming) return international ? "international_roaming" : "roaming";
  return international ? "international" : neither;
}

// From the ringing to the answer or the end. Sources and assumptions: docs/simulator.md.
std::int32_t usual_ring(const CallRow& row, Prng random) {
  const auto seconds = [&](double median, double sigma, double least, double most) {
    return static_cast<std::int32_t>(std::clamp(random.log_normal(median, sigma), least, most));
  };
  if (row.duration_s > 0) return seconds(9, .55, 1, 58);
  if (row.cause == 19)
    return random.chance(.35) ? 60 : seconds(24, .5, 3, 59);  // the network's timer, or the caller gave up
  if (row.cause == 21) return seconds(7, .6, 1, 40);          // refused by hand
  return -1;
}

void field(std::string& out, std::string_view text) {
  out.push_back('\t');
  out += text.empty() ? std::string_view("-") : text;
}
void field(std::string& out, std::uint64_t value) {
  out.push_back('\t');
  append_number(out, value);
}

}  // namespace

World::World(const Config& config_in, Slice& slice_in, Province::Counts& counts_in)
    : config(config_in),
      people(config_in.numbers, combine64(config_in.seed, 0x9e0)),
      slice(slice_in),
      counts(counts_in),
      hosts_(std::max(50U, static_cast<std::uint32_t>(config_in.numbers * config_in.scenario.hosts_per_number))) {}

Prng World::beside(std::int64_t ms, std::string_view a, std::string_view b) const {
  return Prng(combine64(combine64(config.seed, static_cast<std::uint64_t>(ms)), combine64(hash64(a), hash64(b))));
}

// Some 0.15 % of the residents are, a week at a time.
bool World::abroad(std::uint32_t i, std::int64_t ms) const {
  if (people.role(i) != Role::kResident) return false;
  const auto week = static_cast<std::uint64_t>(ms / (7 * 86'400'000));
  return combine64(combine64(config.seed, 0xab0ad + week), i) % 100'000 < 150;
}

// time,caller,callee,duration_s,answered,caller_device,caller_cell,callee_cell,route,release_cause,kind,ring_s,callee_device
void World::call(std::int64_t ms, const CallRow& row) {
  std::string& out = slice.begin(Feed::kCalls, ms);
  slice.append_time(out, ms);
  for (const std::string_view text : {row.caller, row.callee}) out.append(",").append(text);
  out.push_back(',');
  append_number(out, static_cast<std::uint64_t>(row.duration_s));
  out += row.duration_s > 0 ? ",1" : ",0";
  for (const std::string_view text : {row.device, row.caller_cell, row.callee_cell, row.route})
    out.append(",").append(text);
  out.push_back(',');
  append_number(out, static_cast<std::uint64_t>(row.cause));
  out.append(",").append(kind_of(row.international, row.roaming, "voice")).push_back(',');
  const std::int32_t ring =
      row.ring_s == CallRow::kUsualRing ? usual_ring(row, beside(ms, row.caller, row.callee)) : row.ring_s;
  if (ring >= 0) append_number(out, static_cast<std::uint64_t>(ring));
  out.push_back(',');
  if (row.cause != 1 && row.cause != 20) out += row.callee_device;  // neither no such number nor out of reach
  slice.end(Feed::kCalls);
  ++counts.calls;
}

// time,sender,recipient,segments,sender_device,sender_cell,route,kind,template,link_domain
void World::message(std::int64_t ms, const MessageRow& row) {
  std::string& out = slice.begin(Feed::kMessages, ms);
  slice.append_time(out, ms);
  for (const std::string_view text : {row.sender, row.recipient}) out.append(",").append(text);
  out.push_back(',');
  append_number(out, static_cast<std::uint64_t>(row.segments));
  for (const std::string_view text : {row.device, row.cell, row.route}) out.append(",").append(text);
  for (const std::string_view text :
       {kind_of(row.international, row.roaming, "text"), row.message_template, row.link_domain})
    out.append(",").append(text);
  slice.end(Feed::kMessages);
  ++counts.messages;
}

void World::sample(std::int64_t ms, MessageRow row, std::string_view text, double reported) {
  const std::uint64_t hash = combine64(config.seed, hash64(text));
  const std::string sample = token_text("reported:", hash), link = token_text("s", hash + 1) + ".example";
  if (beside(ms, row.sender, row.recipient).chance(reported)) {
    row.message_template = sample;
    row.link_domain = link;
  }
  message(ms, row);
}

// time,number,holder,agent,plan
void World::opening(std::int64_t ms, const OpeningRow& row) {
  std::string& out = slice.begin(Feed::kOpenings, ms);
  slice.append_time(out, ms);
  for (const std::string_view text : {row.number, row.holder, row.agent, row.plan}) out.append(",").append(text);
  slice.end(Feed::kOpenings);
  ++counts.openings;
}

// time,reporter,cell,reason,near_cell,sender
void World::report(std::int64_t ms, const ReportRow& row) {
  std::string& out = slice.begin(Feed::kCellReports, ms);
  slice.append_time(out, ms);
  for (const std::string_view text : {row.reporter, row.cell, row.reason, row.near_cell, row.sender})
    out.append(",").append(text);
  slice.end(Feed::kCellReports);
  ++counts.cell_reports;
}

void World::sighting(std::int64_t ms, std::string_view number, std::string_view cell, std::string_view near_cell,
                     const Oddities& oddities, std::string_view sender) {
  constexpr std::uint64_t kOfThousand = 50;  // telephones with an app that reports
  constexpr double kNoticed = .8;            // it looks now and then
  const std::uint64_t app = combine64(combine64(config.seed, 0xa99), hash64(number));
  if (app % 1000 >= kOfThousand) return;
  Prng random = beside(ms, number, cell);
  if (!random.chance(kNoticed)) return;
  double which = random.uniform();
  const auto is = [&which](double share) { return (which -= share) < 0; };
  ReportRow row;
  const std::string token = token_text("app-", app);
  row.reporter = token;
  row.cell = cell;
  row.near_cell = near_cell;
  row.reason = is(oddities.message_from_it) ? "message_from_it"
               : is(oddities.lac_jump)      ? "lac_jump"
               : is(oddities.forced_2g)     ? "forced_2g"
               : is(oddities.unknown_cell)  ? "unknown_cell"
                                            : "strong_signal";
  if (row.reason == "message_from_it") row.sender = sender;
  report(ms, row);
}

void World::call_to(std::int64_t ms, std::uint32_t from, std::string_view to, std::int32_t duration_s,
                    bool international, Prng& random) {
  number_a_.clear();
  device_.clear();
  cell_a_.clear();
  people.append_number(number_a_, from);
  people.append_device(device_, from);
  people.append_cell(cell_a_, from, ms, random);
  CallRow row;
  row.caller = number_a_;
  row.callee = to;
  row.device = device_;
  row.caller_cell = cell_a_;
  row.route = international ? std::string_view("igw-1") : trunk_between(number_a_, to);
  row.duration_s = duration_s;
  row.cause = duration_s > 0 ? 16 : 19;
  row.international = international;
  if (abroad(from, ms)) {
    row.caller_cell = {};
    row.route = "igw-1";
    row.international = row.roaming = true;
  }
  call(ms, row);
}

bool World::social_call(std::int64_t ms, std::uint32_t from, std::uint32_t to, Prng& random) {
  const Profile& caller = profile(people.role(from));
  number_a_.clear();
  number_b_.clear();
  device_.clear();
  device_b_.clear();
  cell_a_.clear();
  cell_b_.clear();
  people.append_number(number_a_, from);
  people.append_number(number_b_, to);
  people.append_device(device_, from);
  people.append_cell(cell_a_, from, ms, random);
  people.append_cell(cell_b_, to, ms, random);
  if (abroad(to, ms))
    cell_b_.clear();
  else
    people.append_device(device_b_, to);
  CallRow row;
  row.caller = number_a_;
  row.callee = number_b_;
  row.device = device_;
  row.caller_cell = cell_a_;
  row.callee_cell = cell_b_;
  row.callee_device = device_b_;
  row.route = trunk_between(number_a_, number_b_);
  if (abroad(from, ms)) {
    row.caller_cell = {};
    row.route = "igw-1";
    row.international = row.roaming = true;
  }
  const bool answered = random.chance(caller.answered);
  if (answered) {
    row.duration_s = static_cast<std::int32_t>(
        std::clamp(random.log_normal(caller.duration_median_s, caller.duration_sigma), 1.0, 7200.0));
  } else {
    const double why = random.uniform();
    row.cause = why < .60 ? 19 : why < .82 ? 17 : why < .96 ? 20 : 1;
  }
  call(ms, row);
  return answered;
}

void World::promise(Promise promise) {
  const std::int64_t start = promise.ms - ((promise.ms % kSliceMs) + kSliceMs) % kSliceMs;
  promises_[start].push_back(std::move(promise));
}

void World::keep_promises(std::uint64_t seed) {
  for (auto it = promises_.begin(); it != promises_.end() && it->first < slice.to();) {
    for (std::size_t i = 0; i < it->second.size(); ++i) {
      const Promise due = it->second[i];
      Prng random(combine64(combine64(seed, static_cast<std::uint64_t>(due.ms)), combine64(due.from, i)));
      if (due.number.empty()) {
        social_call(due.ms, due.from, due.to, random);
      } else {
        call_to(due.ms, due.from, due.number, static_cast<std::int32_t>(random.between(8, 240)), true, random);
      }
    }
    it = promises_.erase(it);
  }
}

void World::truth(std::int64_t ms, std::string_view kind, std::string_view entity_kind, std::string_view entity,
                  std::string_view pattern, std::int64_t first, std::int64_t last, std::string_view note) {
  std::string& out = slice.begin(Feed::kTruth, ms);
  fmt::format_to(
      std::back_inserter(out),
      R"({{"kind":"{}","entity":{{"kind":"{}","value":"{}"}},"pattern":"{}","first":"{}","last":"{}","note":"{}"}})",
      kind, entity_kind, entity, pattern, rfc3339(first), rfc3339(last), note);
  slice.end(Feed::kTruth);
  if (kind != "benign") ++counts.planted;
}

// ---- Zeek ----

// ts, uid and the four of id.
void World::tuple(std::string& out, std::int64_t ms, const ConnRow& row, Prng* fresh, bool micros_again) {
  constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  if (fresh != nullptr) {
    uid_.assign(1, 'C');
    for (int half = 0; half < 2; ++half) {
      std::uint64_t bits = fresh->next();
      for (int i = 0; i < 8; ++i, bits /= 62) uid_.push_back(kBase62[bits % 62]);
    }
  }
  if (!micros_again) {
    micros_.clear();
    std::uint64_t micros = hash64(uid_) % 1000;
    for (std::uint64_t unit = 100; unit != 0; unit /= 10)
      micros_.push_back(static_cast<char>('0' + micros / unit % 10));
  }
  append_number(out, static_cast<std::uint64_t>(ms / 1000));
  out.push_back('.');
  for (const std::int64_t unit : {100, 10, 1}) out.push_back(static_cast<char>('0' + ms / unit % 10));
  out += micros_;
  field(out, uid_);
  out.push_back('\t');
  append_ip(out, row.src);
  field(out, row.src_port);
  out.push_back('\t');
  append_ip(out, row.dst);
  field(out, row.dst_port);
}

void World::conn(std::int64_t ms, const ConnRow& row, Prng& random) {
  std::string& out = slice.begin(Feed::kConn, ms);
  tuple(out, ms, row, &random, false);
  field(out, row.proto);
  field(out, row.service);
  const bool answered = row.packets_in != 0;
  if (answered || row.packets_out > 1) {
    out.push_back('\t');
    append_seconds(out, row.duration_s);
    field(out, row.bytes_out);
    field(out, row.bytes_in);
  } else {
    out += "\t-\t-\t-";
  }
  field(out, row.state);
  const auto inside = [](std::uint32_t ip) { return (ip >> 24) == 10 ? std::string_view("T") : std::string_view("F"); };
  field(out, inside(row.src));
  field(out, inside(row.dst));
  field(out, 0U);
  field(out, row.history);
  const std::uint64_t header = row.proto == "udp" ? 28 : 40;
  field(out, row.packets_out);
  field(out, row.bytes_out + header * row.packets_out);
  field(out, row.packets_in);
  field(out, row.bytes_in + header * row.packets_in);
  field(out, "-");
  slice.end(Feed::kConn);
  ++counts.conn;
}

void World::dns(std::int64_t ms, std::uint32_t client, std::string_view query, std::string_view rcode,
                std::string_view answer, Prng& random) {
  ConnRow row;
  row.src = client;
  row.dst = kResolver;
  row.src_port = static_cast<std::uint16_t>(random.between(32768, 60999));
  row.dst_port = 53;
  row.proto = "udp";
  row.service = "dns";
  row.history = "Dd";
  row.duration_s = .001 + random.exponential() * .02;
  row.bytes_out = 29 + query.size();
  row.bytes_in = answer.empty() ? row.bytes_out + 60 : row.bytes_out + 16;
  conn(ms, row, random);
  const bool missing = rcode == "NXDOMAIN";
  std::string& out = slice.begin(Feed::kDns, ms);
  tuple(out, ms, row, nullptr, true);
  out += "\tudp";
  field(out, random.below(65536));
  out.push_back('\t');
  append_seconds(out, row.duration_s);
  field(out, query);
  out += "\t1\tC_INTERNET\t1\tA\t";
  out += missing ? "3" : "0";
  field(out, rcode);
  out += "\tF\tF\tT\tT\t0";
  field(out, answer);
  out += answer.empty() ? "\t-" : "\t300.000000";
  out += "\tF";
  slice.end(Feed::kDns);
  ++counts.dns;
}

void World::http(std::int64_t ms, const ConnRow& row, std::string_view method, std::string_view host,
                 std::string_view uri, std::string_view user_agent, int status, Prng& random) {
  conn(ms, row, random);
  std::string& out = slice.begin(Feed::kHttp, ms);
  tuple(out, ms, row, nullptr, true);
  out += "\t1";
  for (const std::string_view text : {method, host, uri}) field(out, text);
  out += "\t-\t1.1";
  field(out, user_agent);
  out += "\t-";
  field(out, row.bytes_out > 300 ? row.bytes_out - 300 : 0);
  field(out, row.bytes_in > 200 ? row.bytes_in - 200 : 0);
  field(out, static_cast<std::uint64_t>(status));
  field(out, status == 200 ? "OK" : status == 304 ? "Not Modified" : "Not Found");
  out += "\t-\t-\t(empty)\t-\t-\t-\t-\t-\t-\t-\t-\t-";
  slice.end(Feed::kHttp);
  ++counts.http;
}

void World::ssl(std::int64_t ms, const ConnRow& row, std::string_view server_name, Prng& random) {
  conn(ms, row, random);
  std::string& out = slice.begin(Feed::kSsl, ms);
  tuple(out, ms, row, nullptr, true);
  out += "\tTLSv13\tTLS_AES_256_GCM_SHA384\tx25519";
  field(out, server_name);
  out += "\tF\t-\th2\tT\t-\t-\t-\t-\t-\t-\t-";
  slice.end(Feed::kSsl);
  ++counts.ssl;
}

std::string zeek_header(Feed feed) {
  struct Form {
    std::string_view path, fields, types;
  };
  constexpr std::string_view kId = "ts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p";
  constexpr std::string_view kIdTypes = "time\tstring\taddr\tport\taddr\tport";
  Form form;
  switch (feed) {
    case Feed::kConn:
      form = {"conn",
              "proto\tservice\tduration\torig_bytes\tresp_bytes\tconn_state\tlocal_orig\tlocal_resp\tmissed_"
              "bytes\thistory\torig_pkts\t"
              "orig_ip_bytes\tresp_pkts\tresp_ip_bytes\ttunnel_parents",
              "enum\tstring\tinterval\tcount\tcount\tstring\tbool\tbool\tcount\tstring\tcount\tcount\tcount\tcount\tset"
              "[string]"};
      break;
    case Feed::kDns:
      form = {"dns",
              "proto\ttrans_id\trtt\tquery\tqclass\tqclass_name\tqtype\tqtype_name\trcode\trcode_"
              "name\tAA\tTC\tRD\tRA\tZ\tanswers\tTTLs\t"
              "rejected",
              "enum\tcount\tinterval\tstring\tcount\tstring\tcount\tstring\tcount\tstring\tbool\tbool\tbool\tbool\tcoun"
              "t\tvector[string]\t"
              "vector[interval]\tbool"};
      break;
    case Feed::kHttp:
      form = {"http",
              "trans_depth\tmethod\thost\turi\treferrer\tversion\tuser_agent\torigin\trequest_body_len\tresponse_body_"
              "len\tstatus_code\t"
              "status_msg\tinfo_code\tinfo_msg\ttags\tusername\tpassword\tproxied\torig_fuids\torig_filenames\torig_"
              "mime_types\t"
              "resp_fuids\tresp_filenames\tresp_mime_types",
              "count\tstring\tstring\tstring\tstring\tstring\tstring\tstring\tcount\tcount\tcount\tstring\tcount\tstrin"
              "g\tset[enum]\t"
              "string\tstring\tset[string]\tvector[string]\tvector[string]\tvector[string]\tvector[string]\tvector["
              "string]\t"
              "vector[string]"};
      break;
    case Feed::kSsl:
      form = {"ssl",
              "version\tcipher\tcurve\tserver_name\tresumed\tlast_alert\tnext_protocol\testablished\tcert_chain_fuids\t"
              "client_cert_chain_fuids\tsubject\tissuer\tclient_subject\tclient_issuer\tvalidation_status",
              "string\tstring\tstring\tstring\tbool\tstring\tstring\tbool\tvector[string]\tvector[string]"
              "\tstring\tstring\tstring\t"
              "string\tstring"};
      break;
    case Feed::kCalls:
    case Feed::kMessages:
    case Feed::kOpenings:
    case Feed::kCellReports:
    case Feed::kTruth:
      return {};
  }
  return fmt::format(
      "#separator "
      "\\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{}\n#open\t2026-01-01-00-00-00\n"
      "#fields\t{}\t{}\n#types\t{}\t{}\n",
      form.path, kId, form.fields, kIdTypes, form.types);
}

}  // namespace pandun::province
