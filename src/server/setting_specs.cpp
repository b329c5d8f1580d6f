// The table of settings: one line each. A setting that is not here is refused, and docs/configuration.md names every one.
#include "server/settings.h"

namespace pandun::server {
namespace {

// Words last: what it does, in English and Chinese.
SettingSpec text(std::string_view key, std::string_view fallback, std::string_view en, std::string_view zh) {
  return {key, SettingType::kText, "", fallback, 0, 0, en, zh};
}
SettingSpec path(std::string_view key, std::string_view fallback, std::string_view en, std::string_view zh) {
  return {key, SettingType::kPath, "", fallback, 0, 0, en, zh};
}
SettingSpec secret(std::string_view key, std::string_view fallback, std::string_view en, std::string_view zh) {
  return {key, SettingType::kSecretPath, "", fallback, 0, 0, en, zh};
}
SettingSpec flag(std::string_view key, std::string_view fallback, std::string_view en, std::string_view zh) {
  return {key, SettingType::kBool, "", fallback, 0, 0, en, zh};
}
SettingSpec whole(std::string_view key, std::string_view fallback, double min, double max, std::string_view unit,
                  std::string_view en, std::string_view zh) {
  return {key, SettingType::kInteger, unit, fallback, min, max, en, zh};
}
SettingSpec number(std::string_view key, std::string_view fallback, double min, double max, std::string_view unit,
                   std::string_view en, std::string_view zh) {
  return {key, SettingType::kNumber, unit, fallback, min, max, en, zh};
}

}  // namespace

const std::vector<SettingSpec>& setting_specs() {
  static const std::vector<SettingSpec> kSpecs{
      path("data.directory", "./data", "where state is kept: event log, store, checkpoints, archive", "状态目录"),

      path("content.directory", "", "shipped content; empty = beside the program", "内容目录；空为程序旁"),

      text("server.listen", "127.0.0.1:8480", "address and port of API and console; port 0 takes a free one",
           "接口与控制台监听地址"),
      path("server.console_directory", "", "the built console; empty = beside the program", "控制台文件目录"),
      whole("server.threads", "2", 1, 64, "threads", "threads that answer requests", "处理请求的线程数"),
      path("server.tls_certificate", "", "PEM chain; with tls_key, the server speaks TLS only", "TLS 证书链"),
      secret("server.tls_key", "", "PEM private key", "TLS 私钥"),
      flag("server.secure_cookie", "false",
           "mark the session cookie Secure also without TLS of our own: a proxy in front has it",
           "会话 Cookie 标记 Secure（前置代理终结 TLS）"),
      flag("server.trust_forwarded_for", "false", "believe the last entry of X-Forwarded-For from a proxy on loopback",
           "信任本机代理的 X-Forwarded-For"),

      secret("guard.key_file", "", "32-byte key that seals and tokenises; empty = DATA/keys/seal.key",
             "密封与令牌密钥文件"),

      whole("ingest.home_country", "86", 1, 999, "", "calling code that national numbers belong to", "本国国家码"),
      text("ingest.home_area", "", "area code that local fixed numbers belong to; empty = they are not completed",
           "本地区号"),
      whole("ingest.future_skew_s", "300", 0, 86400, "s", "how far ahead of the clock a record may be dated",
            "允许的未来时间偏差"),

      whole("engine.shards", "1", 1, 64, "threads", "threads that own detection state; 1 runs without queues",
            "检测分片数"),
      whole("engine.busy_from", "128", 16, 512, "contacts",
            "from so many contacts in 24 h a number is counted by counters; 128 is fastest, 512 takes least memory",
            "号码改用计数器的 24 小时联系次数"),
      whole("engine.listed_numbers", "1000000", 1000, 1e9, "numbers",
            "numbers whose contacts are kept unpacked, some 500 bytes each", "不压缩保存的号码数"),
      whole("engine.checkpoint_events", "2000000", 1000, 1e12, "events", "write a checkpoint after this many events",
            "检查点间隔（事件）"),
      whole("engine.checkpoint_s", "300", 1, 86400, "s", "and after this time", "检查点间隔（秒）"),

      path("models.directory", "",
           "shelf of trained models whose champion and shadows score numbers; empty = DATA/models for serve, none for "
           "replay",
           "模型库目录"),
      text("models.threshold", "fpr_0_1pct", "which of a model's own thresholds it speaks at", "模型告警所用阈值名称"),

      whole("eventlog.segment_bytes", "134217728", 65536, 1e12, "bytes", "size at which a segment is closed",
            "日志段大小"),
      whole("eventlog.retention_bytes", "53687091200", 0, 1e15, "bytes",
            "oldest segments go beyond this size; 0 = never", "日志保留大小"),
      whole("eventlog.retention_days", "183", 0, 36500, "days",
            "and beyond this age; the law asks six months for network logs", "日志保留天数"),

      text("decide.smpp.listen", "",
           "where ESMEs connect by SMPP, ADDRESS:PORT, several divided by commas; empty = off", "SMPP 网关监听地址"),
      text("decide.smpp.upstream", "", "the SMSC behind each of them, in the same order", "上游短信中心"),
      whole("decide.smpp.window", "256", 1, 100000, "requests",
            "requests of one connection that wait for the far side's answer", "窗口大小"),
      whole("decide.smpp.sessions_max", "256", 1, 100000, "connections", "connections of ESMEs for each link",
            "最大连接数"),
      whole("decide.smpp.reject_status", "69", 1, 2147483647, "",
            "command_status of a rejected message: 69 = ESME_RSUBMITFAIL, 11 = ESME_RINVDSTADR",
            "拒绝时的 SMPP 状态码"),

      text("decide.cmpp.listen", "",
           "where service providers connect by CMPP 2.0 or 3.0, ADDRESS:PORT, several divided by commas; empty = off",
           "CMPP 网关监听地址"),
      text("decide.cmpp.upstream", "", "the gateway behind each of them, in the same order", "上游短信网关"),
      whole("decide.cmpp.window", "16", 1, 100000, "requests",
            "requests of one connection that wait for the far side's answer", "窗口大小"),
      whole("decide.cmpp.sessions_max", "256", 1, 100000, "connections", "connections for each link", "最大连接数"),
      whole("decide.cmpp.reject_result", "9", 1, 255, "", "Result of a rejected message", "拒绝时的 CMPP 结果码"),

      text("decide.notify.smsc", "",
           "SMSC that warnings to people are sent through, ADDRESS:PORT; empty = none are sent",
           "预警短信的短信中心地址"),
      text("decide.notify.system_id", "", "account for its bind", "预警短信账号"),
      secret("decide.notify.password_file", "", "file with that account's password", "预警短信密码文件"),
      text("decide.notify.sender", "96110", "sender id that people see", "预警短信发送号码"),
      path("decide.notify.consents", "", "numbers that agreed to be warned, one a line; empty = nobody is warned",
           "同意接收预警的号码文件"),
      number("decide.notify.per_second", "10", 0.1, 10000, "messages/s", "warnings sent at most", "每秒预警短信上限"),
      whole("decide.notify.again_h", "24", 1, 8760, "h", "until one person is warned of the same thing again",
            "同一预警的最短间隔"),
      text("decide.notify.language", "zh", "language of warnings: zh or en", "预警短信语言"),
      flag("decide.notify.flash", "false", "as flash messages, shown at once and not kept by the telephone",
           "以闪信方式发送（即时显示、不存储）"),
      whole("decide.notify.within_min", "120", 1, 10080, "min",
            "nobody is warned of what happened longer ago: records may come late", "预警时效（分钟）"),

      path("decide.sms.templates", "",
           "business senders under contract and their templates; empty = content/sms/templates.toml",
           "行业短信模板文件"),
      path("decide.sms.sender_names", "", "names that senders imitate; empty = content/sms/sender_names.toml",
           "易被冒用的发送方名称文件"),
      path("decide.sms.policy", "",
           "what may be done about a breach of contract; empty = content/sms/policy.toml, which warns only",
           "违约短信处置策略文件"),

      whole("rules.back_test_age_h", "168", 1, 8760, "h",
            "a rule goes live with a back-test of exactly its text that is no older than this",
            "规则上线所依据回测的最长时效（小时）"),

      whole("backtest.memory_mb", "2048", 64, 1e6, "MiB", "most that the state of a back-test may take",
            "回测状态内存上限"),
      whole("backtest.people_max", "500000", 100, 1e8, "", "a back-test of a rule that touches more is given up",
            "回测可触及对象数上限"),

      flag("archive.enabled", "true", "write Parquet with tokens instead of numbers (needs libduckdb)",
           "是否写 Parquet 归档"),
      whole("archive.batch_events", "200000", 1000, 1e8, "events", "events per Parquet file", "每个归档文件的事件数"),
      whole("archive.retention_days", "365", 1, 36500, "days", "older days are deleted", "归档保留天数"),

      flag("decide.sip.enabled", "false", "answer switches that ask by SIP (docs/sip.md)", "是否开启 SIP 实时决策"),
      text("decide.sip.listen", "127.0.0.1:5060", "UDP and TCP address and port of the SIP door", "SIP 决策监听地址"),
      path("decide.sip.trunks", "", "who may ask, and how each is answered; empty = content/decide/sip_trunks.toml",
           "中继配置文件"),
      whole("decide.sip.threads", "1", 1, 64, "threads", "UDP sockets with a thread each", "SIP 线程数"),
      whole("decide.sip.calls_remembered", "1048576", 1024, 1e8, "calls",
            "calls whose answers each thread keeps for 32 s; 32 bytes each", "每线程记住的呼叫数"),
      whole("decide.sip.receive_buffer_bytes", "16777216", 65536, 1e9, "bytes",
            "receive buffer asked of the kernel for each socket", "套接字接收缓冲"),
      whole("decide.sip.queue_age_max_ms", "100", 1, 10000, "ms",
            "a request that waited longer is dropped: its sender repeats it", "排队超时"),
      flag("decide.sip.drop_acks", "true",
           "let the kernel drop ACK, which needs no answer; off where a trunk is proxied for", "由内核丢弃 ACK"),
      whole(
          "decide.sip.poll_us", "0", 0, 1000, "us",
          "look for the next call this long before sleeping, while calls come that fast; takes a whole processor then",
          "忙轮询时长"),
      text("decide.sip.processors", "", "processors for the SIP threads, as in 2,4-6; empty = any",
           "SIP 线程绑定的处理器"),
      whole("decide.sip.realtime", "0", 0, 90, "priority",
            "real-time priority (SCHED_RR) of the SIP threads; 0 = ordinary threads; needs CAP_SYS_NICE or LimitRTPRIO",
            "SIP 线程实时优先级"),
      path("decide.sip.identity_certificates", "",
           "certificates and roots for trunks with identity = check or require: a directory with index.toml "
           "(docs/sip.md)",
           "主叫签名证书目录"),
      whole("decide.sip.identity_threads", "1", 1, 64, "threads", "threads that verify callers' signatures",
            "主叫签名校验线程数"),
      whole("decide.sip.identity_budget_us", "1000", 50, 100000, "us",
            "what a call may wait for its signature since it was taken from the socket; then it is not checked, and "
            "passes",
            "主叫签名校验时限"),
      secret("decide.sip.card_key_file", "",
             "P-256 private key in PEM that signs the cards of 608; empty = none are served", "申诉名片签名私钥"),
      text("decide.sip.card_certificate_url", "", "https address of that key's certificate (x5u)", "签名证书地址"),
      text("decide.sip.card_organisation", "", "whose card it is", "名片单位名称"),
      text("decide.sip.card_url", "", "where a rejected caller can ask; a trunk's own redress_url goes before it",
           "名片申诉网址"),
      text("decide.sip.card_email", "", "by mail; a trunk's own redress_email goes before it", "名片申诉邮箱"),
      text("decide.sip.card_tel", "", "by telephone; a trunk's own redress_tel goes before it", "名片申诉电话"),

      path("decide.trunks", "", "trunks and forms of false callers; empty = content/decide/trunks.toml",
           "中继与虚假主叫形式文件"),
      path("decide.policies", "", "policies on rates; empty = content/decide/policies.toml, all off",
           "频次策略文件；默认全部关闭"),
      path("decide.lists", "", "approved lists; empty = DATA/decide/lists", "经审批名单目录"),
      text("decide.redress_url", "", "https address of the appeal page; the id of measure or decision is appended",
           "申诉页面地址"),
      flag("decide.foreign_reminder", "true", "warn with country or region when a call comes from abroad",
           "境外来电提醒"),
      flag("decide.warn_roaming_unknown", "true",
           "warn when an international trunk presents a domestic mobile and nobody knows whether it roams",
           "国际中继呈现境内手机号且漫游状态不明时提醒"),
      flag("decide.warn_on_alert", "false", "warn while an alert about the caller is open or in a running case",
           "主叫有未结告警时提醒"),
      whole("decide.warn_at_score", "0", 0, 100, "", "warn from this model score on; 0 = never",
            "模型评分达到该值时提醒；0 为不提醒"),
      whole("decide.rate_numbers", "262144", 1024, 1e9, "numbers",
            "callers and called whose rates are kept at once; 168 bytes each, taken at the start",
            "同时统计频次的号码数"),
      whole("decide.calls_in_progress", "131072", 1024, 1e8, "calls",
            "calls in progress remembered at most, about 350 bytes each, none where no switch reports any",
            "同时记录的进行中通话数上限"),
      whole("decide.records_days", "183", 1, 36500, "days", "how long decisions can be explained", "判定记录保留天数"),
      whole("decide.records_bytes", "21474836480", 1048576, 1e15, "bytes",
            "oldest days go beyond this size, today excepted", "判定记录保留大小"),

      flag("simulate.enabled", "false", "feed the platform from the built-in province", "是否启用模拟省份"),
      whole("simulate.numbers", "20000", 100, 1e8, "numbers", "people and machines of the province", "模拟号码数"),
      whole("simulate.seed", "1", 0, 1e18, "", "the same seed gives the same province", "随机种子"),
      number("simulate.speed", "60", 0.1, 100000, "x", "event seconds per second", "模拟加速倍数"),
      path("simulate.scenario", "", "scenario file; empty = content/scenarios/default.toml", "场景文件"),
  };
  return kSpecs;
}

}  // namespace pandun::server
