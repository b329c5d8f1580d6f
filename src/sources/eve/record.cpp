#include "sources/eve/record.h"

#include <utility>
#include <vector>

#include "sources/kit/json_text.h"

namespace pandun::sources::eve {
namespace {

namespace od = simdjson::ondemand;

struct Key {
  std::string_view name;
  Slot slot;
};

// Keys in the order in which Suricata mostly writes them: the search goes on where it last ended.
const std::vector<Key> kTop{{"timestamp", kTimestamp}, {"event_type", kType},    {"src_ip", kSrcIp},
                            {"src_port", kSrcPort},    {"dest_ip", kDestIp},     {"dest_port", kDestPort},
                            {"proto", kProto},         {"app_proto", kAppProto}, {"direction", kDirection}};
const std::vector<Key> kFlow{{"pkts_toserver", kPktsOut},  {"pkts_toclient", kPktsIn}, {"bytes_toserver", kBytesOut},
                             {"bytes_toclient", kBytesIn}, {"start", kStart},          {"end", kEnd},
                             {"state", kFlowState}};
const std::vector<Key> kTcp{{"tcp_flags_ts", kFlagsOut}, {"tcp_flags_tc", kFlagsIn}, {"state", kTcpState}};
const std::vector<Key> kAlert{{"action", kAction},       {"gid", kGid},           {"signature_id", kSid}, {"rev", kRev},
                              {"signature", kSignature}, {"category", kCategory}, {"severity", kSeverity}};
const std::vector<Key> kDns{
    {"type", kDnsType}, {"rrname", kRrname}, {"rrtype", kRrtype}, {"rcode", kRcode}, {"rdata", kRdata}};
const std::vector<Key> kQuery{{"rrname", kRrname}, {"rrtype", kRrtype}};
const std::vector<Key> kHttp{
    {"hostname", kHostname},  {"url", kUrl},       {"http_user_agent", kAgent}, {"http_content_type", kContentType},
    {"http_method", kMethod}, {"status", kStatus}, {"length", kLength}};
const std::vector<Key> kTls{{"fingerprint", kFingerprint}, {"sni", kSni}};
const std::vector<Key> kFile{{"filename", kFileName}, {"magic", kMagic},   {"md5", kMd5},
                             {"sha1", kSha1},         {"sha256", kSha256}, {"size", kFileSize}};

// Which nested objects a record of a type needs.
struct Nested {
  std::string_view name;
  const std::vector<Key>* keys;
  std::array<std::string_view, 2> types;
};
const std::vector<Nested> kNested{{"flow", &kFlow, {"flow"}},
                                  {"tcp", &kTcp, {"flow"}},
                                  {"alert", &kAlert, {"alert"}},
                                  {"dns", &kDns, {"dns"}},
                                  {"http", &kHttp, {"http", "fileinfo"}},
                                  {"tls", &kTls, {"tls"}},
                                  {"fileinfo", &kFile, {"fileinfo"}}};

constexpr std::size_t kAnswersMax = 4096;

const Key* find_key(const std::vector<Key>& keys, const char* raw, std::size_t& next) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Key& key = keys[next];
    next = next + 1 == keys.size() ? 0 : next + 1;
    if (key_is(raw, key.name)) return &key;
  }
  return nullptr;
}

}  // namespace

struct RecordReader::State {
  od::parser parser;
  std::string answers, grouped;

  bool top(od::object object, Record& out);
  bool object(od::object nested, const std::vector<Key>& keys, Record& out);
  bool other(od::field& field, const std::vector<Key>& keys, Record& out);
  bool queries(od::array list, Record& out);
  bool answer_list(od::array list);
  bool group_list(od::object groups);
  bool ja3(od::object object, std::string_view& out);
  static void add(std::string& to, std::string_view text) {
    if (to.size() + text.size() + 1 > kAnswersMax || text.empty()) return;
    if (!to.empty()) to += ' ';
    to += text;
  }
};

bool RecordReader::State::ja3(od::object object, std::string_view& out) {
  for (auto item : object) {
    od::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return false;
    if (key_is(field.key().raw(), "hash") && !scalar_of(field.value(), out)) return false;
  }
  return true;
}

bool RecordReader::State::queries(od::array list, Record& out) {
  bool first = true;
  for (auto item : list) {
    od::object query;
    if (item.get_object().get(query) != simdjson::SUCCESS) return false;
    if (std::exchange(first, false) && !object(query, kQuery, out)) return false;
  }
  return true;
}

bool RecordReader::State::answer_list(od::array list) {
  for (auto item : list) {
    od::object answer;
    if (item.get_object().get(answer) != simdjson::SUCCESS) return false;
    for (auto member : answer) {
      od::field field;
      std::string_view text;
      if (std::move(member).get(field) != simdjson::SUCCESS) return false;
      if (key_is(field.key().raw(), "rdata") && scalar_of(field.value(), text)) add(answers, text);
    }
  }
  return true;
}

bool RecordReader::State::group_list(od::object groups) {
  for (auto member : groups) {
    od::field field;
    od::array list;
    if (std::move(member).get(field) != simdjson::SUCCESS) return false;
    if (field.value().get_array().get(list) != simdjson::SUCCESS) continue;
    for (auto item : list) {
      od::value value;
      std::string_view text;
      if (std::move(item).get(value) != simdjson::SUCCESS) return false;
      if (scalar_of(value, text)) add(grouped, text);
    }
  }
  return true;
}

// Lists and objects inside a nested object.
bool RecordReader::State::other(od::field& field, const std::vector<Key>& keys, Record& out) {
  const char* raw = field.key().raw();
  od::array list;
  od::object inner;
  if (&keys == &kDns && key_is(raw, "queries"))
    return field.value().get_array().get(list) != simdjson::SUCCESS || queries(list, out);
  if (&keys == &kDns && key_is(raw, "answers"))
    return field.value().get_array().get(list) != simdjson::SUCCESS || answer_list(list);
  if (&keys == &kDns && key_is(raw, "grouped"))
    return field.value().get_object().get(inner) != simdjson::SUCCESS || group_list(inner);
  if (&keys == &kTls && key_is(raw, "ja3"))
    return field.value().get_object().get(inner) != simdjson::SUCCESS || ja3(inner, out[kJa3]);
  if (&keys == &kTls && key_is(raw, "ja3s"))
    return field.value().get_object().get(inner) != simdjson::SUCCESS || ja3(inner, out[kJa3s]);
  return true;
}

bool RecordReader::State::object(od::object nested, const std::vector<Key>& keys, Record& out) {
  std::size_t next = 0;
  for (auto item : nested) {
    od::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return false;
    if (const Key* key = find_key(keys, field.key().raw(), next)) {
      scalar_of(field.value(), out[key->slot]);  // of an odd shape: as if it were not there
    } else if (!other(field, keys, out)) {
      return false;
    }
  }
  return true;
}

bool RecordReader::State::top(od::object object_in, Record& out) {
  std::size_t next = 0;
  for (auto item : object_in) {
    od::field field;
    if (std::move(item).get(field) != simdjson::SUCCESS) return false;
    const char* raw = field.key().raw();
    if (const Key* key = find_key(kTop, raw, next)) {
      if (!scalar_of(field.value(), out[key->slot])) return false;
      continue;
    }
    for (const Nested& nested : kNested) {
      if (!key_is(raw, nested.name)) continue;
      const bool needed = out[kType].empty() || out[kType] == nested.types[0] || out[kType] == nested.types[1];
      od::object inner;
      if (needed && field.value().get_object().get(inner) == simdjson::SUCCESS && !object(inner, *nested.keys, out))
        return false;
      break;
    }
  }
  return true;
}

RecordReader::RecordReader() : state_(std::make_unique<State>()) {}
RecordReader::~RecordReader() = default;

bool RecordReader::read(std::string_view line, Record& out) {
  out.fill({});
  state_->answers.clear();
  state_->grouped.clear();
  od::document document;
  od::object object;
  if (state_->parser.iterate(line.data(), line.size(), line.size() + simdjson::SIMDJSON_PADDING).get(document) !=
      simdjson::SUCCESS)
    return false;
  if (document.get_object().get(object) != simdjson::SUCCESS) return false;
  if (!state_->top(object, out) || !at_end(document)) return false;
  out[kAnswers] = state_->answers.empty() ? state_->grouped : state_->answers;
  return true;
}

}  // namespace pandun::sources::eve
