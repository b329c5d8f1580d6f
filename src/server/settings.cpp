#include "server/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <tuple>

#include "base/toml.h"
#include "platform/process.h"

namespace pandun::server {

const std::vector<SettingSpec>& setting_specs() {
  using enum SettingType;
  static const std::vector<SettingSpec> kSpecs{
      {"data.directory", kPath, "", "./data", 0, 0, "where state is kept: event log, store, checkpoints, archive",
       "状态目录"},
      {"content.directory", kPath, "", "", 0, 0, "shipped content; empty = beside the program", "内容目录；空为程序旁"},
      {"server.listen", kText, "", "127.0.0.1:8480", 0, 0,
       "address and port of API and console; port 0 takes a free one", "接口与控制台监听地址"},
      {"server.console_directory", kPath, "", "", 0, 0, "the built console; empty = beside the program",
       "控制台文件目录"},
      {"server.threads", kInteger, "threads", "2", 1, 64, "threads that answer requests", "处理请求的线程数"},
      {"server.tls_certificate", kPath, "", "", 0, 0, "PEM chain; with tls_key, the server speaks TLS only",
       "TLS 证书链"},
      {"server.tls_key", kSecretPath, "", "", 0, 0, "PEM private key", "TLS 私钥"},
      {"server.secure_cookie", kBool, "", "false", 0, 0,
       "mark the session cookie Secure also without TLS of our own: a proxy in front has it",
       "会话 Cookie 标记 Secure（前置代理终结 TLS）"},
      {"server.trust_forwarded_for", kBool, "", "false", 0, 0,
       "believe the last entry of X-Forwarded-For from a proxy on loopback", "信任本机代理的 X-Forwarded-For"},
      {"guard.key_file", kSecretPath, "", "", 0, 0, "32-byte key that seals and tokenises; empty = DATA/keys/seal.key",
       "密封与令牌密钥文件"},
      {"ingest.home_country", kInteger, "", "86", 1, 999, "calling code that national numbers belong to", "本国国家码"},
      {"ingest.home_area", kText, "", "", 0, 0,
       "area code that local fixed numbers belong to; empty = they are not completed", "本地区号"},
      {"ingest.future_skew_s", kInteger, "s", "300", 0, 86400, "how far ahead of the clock a record may be dated",
       "允许的未来时间偏差"},
      {"engine.shards", kInteger, "threads", "1", 1, 64, "threads that own detection state; 1 runs without queues",
       "检测分片数"},
      {"engine.checkpoint_events", kInteger, "events", "2000000", 1000, 1e12,
       "write a checkpoint after this many events", "检查点间隔（事件）"},
      {"engine.checkpoint_s", kInteger, "s", "300", 1, 86400, "and after this time", "检查点间隔（秒）"},
      {"models.directory", kPath, "", "", 0, 0,
       "shelf of trained models whose champion and shadows score numbers; empty = DATA/models for serve, none for "
       "replay",
       "模型库目录"},
      {"models.threshold", kText, "", "fpr_0_1pct", 0, 0, "which of a model's own thresholds it speaks at",
       "模型告警所用阈值名称"},
      {"eventlog.segment_bytes", kInteger, "bytes", "134217728", 65536, 1e12, "size at which a segment is closed",
       "日志段大小"},
      {"eventlog.retention_bytes", kInteger, "bytes", "53687091200", 0, 1e15,
       "oldest segments go beyond this size; 0 = never", "日志保留大小"},
      {"eventlog.retention_days", kInteger, "days", "183", 0, 36500,
       "and beyond this age; the law asks six months for network logs", "日志保留天数"},
      {"decide.smpp.listen", kText, "", "", 0, 0,
       "where ESMEs connect by SMPP, ADDRESS:PORT, several divided by commas; empty = off", "SMPP 网关监听地址"},
      {"decide.smpp.upstream", kText, "", "", 0, 0, "the SMSC behind each of them, in the same order", "上游短信中心"},
      {"decide.smpp.window", kInteger, "requests", "256", 1, 100000,
       "requests of one connection that wait for the far side's answer", "窗口大小"},
      {"decide.smpp.sessions_max", kInteger, "connections", "256", 1, 100000, "connections of ESMEs for each link",
       "最大连接数"},
      {"decide.smpp.reject_status", kInteger, "", "69", 1, 2147483647,
       "command_status of a rejected message: 69 = ESME_RSUBMITFAIL, 11 = ESME_RINVDSTADR", "拒绝时的 SMPP 状态码"},
      {"decide.cmpp.listen", kText, "", "", 0, 0,
       "where service providers connect by CMPP 2.0 or 3.0, ADDRESS:PORT, several divided by commas; empty = off",
       "CMPP 网关监听地址"},
      {"decide.cmpp.upstream", kText, "", "", 0, 0, "the gateway behind each of them, in the same order",
       "上游短信网关"},
      {"decide.cmpp.window", kInteger, "requests", "16", 1, 100000,
       "requests of one connection that wait for the far side's answer", "窗口大小"},
      {"decide.cmpp.sessions_max", kInteger, "connections", "256", 1, 100000, "connections for each link",
       "最大连接数"},
      {"decide.cmpp.reject_result", kInteger, "", "9", 1, 255, "Result of a rejected message", "拒绝时的 CMPP 结果码"},
      {"decide.notify.smsc", kText, "", "", 0, 0,
       "SMSC that warnings to people are sent through, ADDRESS:PORT; empty = none are sent", "预警短信的短信中心地址"},
      {"decide.notify.system_id", kText, "", "", 0, 0, "account for its bind", "预警短信账号"},
      {"decide.notify.password_file", kSecretPath, "", "", 0, 0, "file with that account's password",
       "预警短信密码文件"},
      {"decide.notify.sender", kText, "", "96110", 0, 0, "sender id that people see", "预警短信发送号码"},
      {"decide.notify.consents", kPath, "", "", 0, 0,
       "numbers that agreed to be warned, one a line; empty = nobody is warned", "同意接收预警的号码文件"},
      {"decide.notify.per_second", kNumber, "messages/s", "10", 0.1, 10000, "warnings sent at most",
       "每秒预警短信上限"},
      {"decide.notify.again_h", kInteger, "h", "24", 1, 8760, "until one person is warned of the same thing again",
       "同一预警的最短间隔"},
      {"decide.notify.language", kText, "", "zh", 0, 0, "language of warnings: zh or en", "预警短信语言"},
      {"decide.notify.within_min", kInteger, "min", "120", 1, 10080,
       "nobody is warned of what happened longer ago: records may come late", "预警时效（分钟）"},
      {"decide.sms.templates", kPath, "", "", 0, 0,
       "business senders under contract and their templates; empty = content/sms/templates.toml", "行业短信模板文件"},
      {"decide.sms.sender_names", kPath, "", "", 0, 0,
       "names that senders imitate; empty = content/sms/sender_names.toml", "易被冒用的发送方名称文件"},
      {"decide.sms.policy", kPath, "", "", 0, 0,
       "what may be done about a breach of contract; empty = content/sms/policy.toml, which warns only",
       "违约短信处置策略文件"},
      {"rules.back_test_age_h", kInteger, "h", "168", 1, 8760,
       "a rule goes live with a back-test of exactly its text that is no older than this",
       "规则上线所依据回测的最长时效（小时）"},
      {"backtest.memory_mb", kInteger, "MiB", "2048", 64, 1e6, "most that the state of a back-test may take",
       "回测状态内存上限"},
      {"backtest.people_max", kInteger, "", "500000", 100, 1e8, "a back-test of a rule that touches more is given up",
       "回测可触及对象数上限"},
      {"archive.enabled", kBool, "", "true", 0, 0, "write Parquet with tokens instead of numbers (needs libduckdb)",
       "是否写 Parquet 归档"},
      {"archive.batch_events", kInteger, "events", "200000", 1000, 1e8, "events per Parquet file",
       "每个归档文件的事件数"},
      {"archive.retention_days", kInteger, "days", "365", 1, 36500, "older days are deleted", "归档保留天数"},
      {"decide.sip.enabled", kBool, "", "false", 0, 0, "answer switches that ask by SIP (docs/sip.md)",
       "是否开启 SIP 实时决策"},
      {"decide.sip.listen", kText, "", "127.0.0.1:5060", 0, 0, "UDP and TCP address and port of the SIP door",
       "SIP 决策监听地址"},
      {"decide.sip.trunks", kPath, "", "", 0, 0,
       "who may ask, and how each is answered; empty = content/decide/sip_trunks.toml", "中继配置文件"},
      {"decide.sip.threads", kInteger, "threads", "1", 1, 64, "UDP sockets with a thread each", "SIP 线程数"},
      {"decide.sip.calls_remembered", kInteger, "calls", "1048576", 1024, 1e8,
       "calls whose answers each thread keeps for 32 s; 32 bytes each", "每线程记住的呼叫数"},
      {"decide.sip.receive_buffer_bytes", kInteger, "bytes", "16777216", 65536, 1e9,
       "receive buffer asked of the kernel for each socket", "套接字接收缓冲"},
      {"decide.sip.queue_age_max_ms", kInteger, "ms", "100", 1, 10000,
       "a request that waited longer is dropped: its sender repeats it", "排队超时"},
      {"decide.sip.drop_acks", kBool, "", "true", 0, 0,
       "let the kernel drop ACK, which needs no answer; off where a trunk is proxied for", "由内核丢弃 ACK"},
      {"decide.sip.poll_us", kInteger, "us", "0", 0, 1000,
       "look for the next call this long before sleeping, while calls come that fast; takes a whole processor then",
       "忙轮询时长"},
      {"decide.sip.processors", kText, "", "", 0, 0, "processors for the SIP threads, as in 2,4-6; empty = any",
       "SIP 线程绑定的处理器"},
      {"decide.sip.realtime", kInteger, "priority", "0", 0, 90,
       "real-time priority (SCHED_RR) of the SIP threads; 0 = ordinary threads; needs CAP_SYS_NICE or LimitRTPRIO",
       "SIP 线程实时优先级"},
      {"decide.sip.identity_certificates", kPath, "", "", 0, 0,
       "certificates and roots for trunks with identity = check or require: a directory with index.toml (docs/sip.md)",
       "主叫签名证书目录"},
      {"decide.sip.identity_threads", kInteger, "threads", "1", 1, 64, "threads that verify callers' signatures",
       "主叫签名校验线程数"},
      {"decide.sip.identity_budget_us", kInteger, "us", "1000", 50, 100000,
       "what a call may wait for its signature since it was taken from the socket; then it is not checked, and passes",
       "主叫签名校验时限"},
      {"decide.sip.card_key_file", kSecretPath, "", "", 0, 0,
       "P-256 private key in PEM that signs the cards of 608; empty = none are served", "申诉名片签名私钥"},
      {"decide.sip.card_certificate_url", kText, "", "", 0, 0, "https address of that key's certificate (x5u)",
       "签名证书地址"},
      {"decide.sip.card_organisation", kText, "", "", 0, 0, "whose card it is", "名片单位名称"},
      {"decide.sip.card_url", kText, "", "", 0, 0,
       "where a rejected caller can ask; a trunk's own redress_url goes before it", "名片申诉网址"},
      {"decide.sip.card_email", kText, "", "", 0, 0, "by mail; a trunk's own redress_email goes before it",
       "名片申诉邮箱"},
      {"decide.sip.card_tel", kText, "", "", 0, 0, "by telephone; a trunk's own redress_tel goes before it",
       "名片申诉电话"},
      {"decide.trunks", kPath, "", "", 0, 0, "trunks and forms of false callers; empty = content/decide/trunks.toml",
       "中继与虚假主叫形式文件"},
      {"decide.policies", kPath, "", "", 0, 0, "policies on rates; empty = content/decide/policies.toml, all off",
       "频次策略文件；默认全部关闭"},
      {"decide.lists", kPath, "", "", 0, 0, "approved lists; empty = DATA/decide/lists", "经审批名单目录"},
      {"decide.redress_url", kText, "", "", 0, 0,
       "https address of the appeal page; the id of measure or decision is appended", "申诉页面地址"},
      {"decide.foreign_reminder", kBool, "", "true", 0, 0, "warn with country or region when a call comes from abroad",
       "境外来电提醒"},
      {"decide.warn_roaming_unknown", kBool, "", "true", 0, 0,
       "warn when an international trunk presents a domestic mobile and nobody knows whether it roams",
       "国际中继呈现境内手机号且漫游状态不明时提醒"},
      {"decide.warn_on_alert", kBool, "", "false", 0, 0,
       "warn while an alert about the caller is open or in a running case", "主叫有未结告警时提醒"},
      {"decide.warn_at_score", kInteger, "", "0", 0, 100, "warn from this model score on; 0 = never",
       "模型评分达到该值时提醒；0 为不提醒"},
      {"decide.rate_numbers", kInteger, "numbers", "262144", 1024, 1e9,
       "callers and called whose rates are kept at once; 168 bytes each, taken at the start", "同时统计频次的号码数"},
      {"decide.records_days", kInteger, "days", "183", 1, 36500, "how long decisions can be explained",
       "判定记录保留天数"},
      {"decide.records_bytes", kInteger, "bytes", "21474836480", 1048576, 1e15,
       "oldest days go beyond this size, today excepted", "判定记录保留大小"},
      {"simulate.enabled", kBool, "", "false", 0, 0, "feed the platform from the built-in province",
       "是否启用模拟省份"},
      {"simulate.numbers", kInteger, "numbers", "20000", 100, 1e8, "people and machines of the province", "模拟号码数"},
      {"simulate.seed", kInteger, "", "1", 0, 1e18, "the same seed gives the same province", "随机种子"},
      {"simulate.speed", kNumber, "x", "60", 0.1, 100000, "event seconds per second", "模拟加速倍数"},
      {"simulate.scenario", kPath, "", "", 0, 0, "scenario file; empty = content/scenarios/default.toml", "场景文件"},
  };
  return kSpecs;
}

std::string Fault::text() const {
  std::string out = file;
  if (line != 0) out += fmt::format(":{}:{}", line, column);
  out += fmt::format(": {}: {}", code, message);
  if (!advice.empty()) out += "; " + advice;
  return out;
}

Error as_error(const std::vector<Fault>& faults) {
  std::string message = fmt::format("{} fault{}", faults.size(), faults.size() == 1 ? "" : "s");
  for (const Fault& fault : faults) message += "\n  " + fault.text();
  return error(Errc::kBadConfig, "configuration", std::move(message));
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const std::string& candidate : candidates) {
    std::vector<std::size_t> row(candidate.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= word.size(); ++i) {
      std::size_t diagonal = row[0];
      row[0] = i;
      for (std::size_t j = 1; j < row.size(); ++j) {
        const std::size_t above = row[j];
        row[j] = std::min({row[j] + 1, row[j - 1] + 1, diagonal + (word[i - 1] == candidate[j - 1] ? 0 : 1)});
        diagonal = above;
      }
    }
    if (row.back() < best_distance) {
      best_distance = row.back();
      best = candidate;
    }
  }
  return best;
}

namespace {

bool number_of(std::string_view text, double& out) {
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), out);
  return code == std::errc() && end == text.data() + text.size();
}

}  // namespace

class SettingsLoader {
 public:
  SettingsLoader(platform::FileSystem& files, const std::vector<detect::DetectorPart>& detectors) : files_(files) {
    for (const SettingSpec& spec : setting_specs()) specs_.emplace(spec.key, spec);
    for (const detect::DetectorPart& part : detectors) {
      const detect::DetectorSpec& spec = part.spec();
      add_detector_key(fmt::format("detectors.{}.enabled", spec.name), SettingType::kBool, "true", 0, 0, {});
      for (const detect::OptionSpec& option : spec.options)
        add_detector_key(fmt::format("detectors.{}.{}", spec.name, option.name), SettingType::kNumber,
                         fmt::format("{}", option.fallback), option.min, option.max, option.unit);
    }
    for (const auto& [key, spec] : specs_)
      out_.settings.values_[std::string(key)] = {std::string(spec.fallback), "default"};
  }

  void file(const std::string& path, bool must_exist) {
    const auto content = platform::read_file(files_, path, 16U << 20);
    if (!content.ok()) {
      if (must_exist || content.error().code != Errc::kNotFound)
        fault(path, {}, "unreadable", content.error().message, "check the path");
      return;
    }
    try {
      const toml::table table = toml::parse(*content, path);
      walk(table, "", path);
    } catch (const toml::parse_error& bad) {
      const auto at = bad.source().begin;
      out_.faults.push_back(
          {path, at.line, at.column, "syntax", std::string(bad.description()), "see toml.io for the form"});
    }
  }

  void directory(const std::string& path) {
    const auto names = files_.list(path);
    if (!names.ok()) return;
    for (const std::string& name : *names)
      if (name.ends_with(".toml")) file(platform::join(path, name), true);
  }

  void environment() {
    for (const auto& [key, spec] : specs_) {
      std::string variable = "PANDUN_" + key;
      std::transform(variable.begin(), variable.end(), variable.begin(),
                     [](char c) { return c == '.' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 32 : c); });
      if (const auto value = platform::environment(variable))
        put(key, *value, "environment " + variable, {variable, 0, 0, {}, {}, {}});
    }
  }

  void flag(const std::string& key, const std::string& value) { put(key, value, "flag", {"flag", 0, 0, {}, {}, {}}); }

  LoadedSettings take() {
    // As a person reads the file, not as a table is walked.
    std::stable_sort(out_.faults.begin(), out_.faults.end(), [](const Fault& a, const Fault& b) {
      return std::tie(a.file, a.line, a.column) < std::tie(b.file, b.line, b.column);
    });
    return std::move(out_);
  }

 private:
  void add_detector_key(std::string key, SettingType type, std::string fallback, double min, double max,
                        std::string_view unit) {
    owned_.push_back(std::move(fallback));
    specs_.emplace(std::move(key), SettingSpec{{}, type, unit, owned_.back(), min, max, {}, {}});
  }

  void fault(const std::string& path, toml::source_position at, std::string code, std::string message,
             std::string advice) {
    out_.faults.push_back({path, at.line, at.column, std::move(code), std::move(message), std::move(advice)});
  }

  void walk(const toml::table& table, const std::string& prefix, const std::string& path) {
    for (const auto& [name, node] : table) {
      const std::string key = prefix.empty() ? std::string(name.str()) : prefix + "." + std::string(name.str());
      const toml::source_position at = node.source().begin;
      if (key == "source") {
        read_sources(node, path);
      } else if (const toml::table* inner = node.as_table()) {
        walk(*inner, key, path);
      } else {
        put(key, value_text(node), fmt::format("{}:{}:{}", path, at.line, at.column),
            {path, at.line, at.column, {}, {}, {}});
      }
    }
  }

  static std::string value_text(const toml::node& node) {
    if (const auto* text = node.as_string()) return text->get();
    if (const auto* truth = node.as_boolean()) return truth->get() ? "true" : "false";
    if (const auto* integer = node.as_integer()) return fmt::format("{}", integer->get());
    if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
    return "\x01";  // an array, date or the like: no setting takes one
  }

  void read_sources(const toml::node& node, const std::string& path) {
    const toml::array* list = node.as_array();
    if (list == nullptr)
      return fault(path, node.source().begin, "wrong_type", "source is a list of tables", "write [[source]]");
    for (const toml::node& item : *list) {
      const toml::table* table = item.as_table();
      const toml::source_position at = item.source().begin;
      if (table == nullptr) {
        fault(path, at, "wrong_type", "source is a list of tables", "write [[source]]");
        continue;
      }
      SourceSetting source;
      source.origin = fmt::format("{}:{}:{}", path, at.line, at.column);
      for (const auto& [name, value] : *table) {
        const std::string key(name.str());
        if (key == "follow" && value.is_boolean()) {
          source.follow = value.value_or(true);
        } else if ((key == "kind" || key == "path" || key == "map") && value.is_string()) {
          (key == "kind" ? source.kind : key == "path" ? source.path : source.map) = value.value_or(std::string());
        } else {
          const std::string near = nearest(key, {"kind", "path", "map", "follow"});
          fault(path, value.source().begin, "unknown_key",
                fmt::format("source.{} is not a setting or has another type", key),
                near.empty() ? "known: kind, path, map, follow" : fmt::format("did you mean {}?", near));
        }
      }
      if (source.kind.empty() || source.path.empty())
        fault(path, at, "missing_key", "a [[source]] needs kind and path",
              "for example kind = \"zeek\", path = \"/var/log/zeek\"");
      out_.settings.sources_.push_back(std::move(source));
    }
  }

  void put(const std::string& key, const std::string& value, std::string origin, Fault at) {
    const auto spec = specs_.find(key);
    if (spec == specs_.end()) {
      std::vector<std::string> known;
      for (const auto& [name, unused] : specs_) known.push_back(name);
      const std::string near = nearest(key, known);
      at.code = "unknown_key";
      at.message = fmt::format("{} is not a setting", key);
      at.advice = near.empty() ? "see pandun check --print" : fmt::format("did you mean {}?", near);
      out_.faults.push_back(std::move(at));
      return;
    }
    std::string problem;
    double number = 0;
    switch (spec->second.type) {
      case SettingType::kBool:
        if (value != "true" && value != "false") problem = "takes true or false";
        break;
      case SettingType::kInteger:
      case SettingType::kNumber:
        if (!number_of(value, number))
          problem = "takes a number";
        else if (number < spec->second.min || number > spec->second.max)
          problem = fmt::format("takes {} to {} {}", spec->second.min, spec->second.max, spec->second.unit);
        else if (spec->second.type == SettingType::kInteger && value.find_first_of(".eE") != std::string::npos)
          problem = "takes a whole number";
        break;
      default:
        if (value == "\x01") problem = "takes text";
    }
    if (!problem.empty()) {
      at.code = "bad_value";
      at.message = fmt::format("{} {}", key, problem);
      at.advice = fmt::format("its default is \"{}\"", spec->second.fallback);
      out_.faults.push_back(std::move(at));
      return;
    }
    out_.settings.values_[key] = {value, std::move(origin)};
  }

  platform::FileSystem& files_;
  std::map<std::string, SettingSpec, std::less<>> specs_;
  struct Stable {  // std::string storage that never moves
    std::vector<std::unique_ptr<std::string>> items;
    void push_back(std::string text) { items.push_back(std::make_unique<std::string>(std::move(text))); }
    const std::string& back() const { return *items.back(); }
  } owned_;
  LoadedSettings out_;
};

LoadedSettings load_settings(platform::FileSystem& files, const SettingsInput& input,
                             const std::vector<detect::DetectorPart>& detectors) {
  SettingsLoader loader(files, detectors);
  if (!input.file.empty()) {
    loader.file(input.file, true);
    loader.directory(platform::join(platform::directory_of(input.file), "conf.d"));
  }
  if (input.read_environment) loader.environment();
  for (const auto& [key, value] : input.flags) loader.flag(key, value);
  return loader.take();
}

namespace {
const Setting& find(const std::map<std::string, Setting, std::less<>>& values, std::string_view key) {
  const auto found = values.find(key);
  CHECK_MSG(found != values.end(), key);
  return found->second;
}
}  // namespace

std::string Settings::text(std::string_view key) const {
  return find(values_, key).value;
}
bool Settings::flag(std::string_view key) const {
  return find(values_, key).value == "true";
}
double Settings::number(std::string_view key) const {
  double out = 0;
  CHECK(number_of(find(values_, key).value, out));
  return out;
}
std::int64_t Settings::integer(std::string_view key) const {
  return static_cast<std::int64_t>(number(key));
}

bool Settings::detector_enabled(std::string_view detector) const {
  return flag(fmt::format("detectors.{}.enabled", detector));
}

std::vector<std::pair<std::string, double>> Settings::detector_options(std::string_view detector) const {
  const std::string prefix = fmt::format("detectors.{}.", detector);
  std::vector<std::pair<std::string, double>> out;
  for (const auto& [key, setting] : values_)
    if (key.starts_with(prefix) && setting.origin != "default" && !key.ends_with(".enabled"))
      out.emplace_back(key.substr(prefix.size()), number(key));
  return out;
}

}  // namespace pandun::server
