// A platform for tests: small, fixed catalogues and lists that can be added to.
#pragma once

#include <algorithm>

#include "api/platform_port.h"

namespace pandun::api::testing {

class FakePlatform final : public Platform {
 public:
  EngineFigures figures() const override {
    EngineFigures out;
    out.events_per_s = 1234.5;
    out.events_total = 1'000'000;
    out.by_kind = {{"call", 900'000}, {"dns", 100'000}};
    out.engine.watermark = EventMs{1'700'000'000'000};
    out.engine.shards = 2;
    return out;
  }
  RateSeries rates(unsigned hours) const override {
    return {3600, WallMs{1'700'000'000'000}, std::vector<double>(hours, 10.0), std::vector<double>(hours, 1.0)};
  }
  std::vector<SourceState> sources() const override {
    return {{"day.csv", "calls", "running", 10, 1, EventMs{1'700'000'000'000}, ""},
            {"conn.log", "zeek", "waiting", 0, 0, {}, ""}};
  }
  SystemState system() const override {
    SystemState out;
    out.version = "0.1.0";
    out.content_digest = "abc";
    out.store = {{"adapter", "sqlite", {}}, {"bytes", "", 4096.0}};
    out.queues = {{"signals", 0, 100, "block", 0}};
    out.faults = {{WallMs{1'700'000'000'000}, "sources.calls", "cannot read"}};
    return out;
  }
  std::vector<Metric> metrics() const override {
    return {{"pandun_events_total", "events by kind", MetricKind::kCounter, {{"kind", "call"}}, 900'000}};
  }
  std::vector<std::string> waiting_for() const override { return waiting; }
  std::vector<DetectorEntry> detectors() const override {
    DetectorEntry out;
    out.name = "burst_calling";
    out.title = {"短时高频呼叫", "Burst calling"};
    out.finds = {"短时间大量呼出", "Many calls in a short time"};
    out.false_positives = {"快递、外卖", "couriers"};
    out.reads = {"call"};
    out.entity = "number";
    out.maturity = "stable";
    out.options = {{"calls_1h_min", "calls", 60, 60, 1, 1000, {"每小时呼叫数", "calls an hour"}}};
    return {out};
  }
  std::vector<SourceKindEntry> source_kinds() const override {
    return {{"calls", {"话单", "Call records"}, {"CSV", "CSV"}, {"call"}, true}};
  }
  std::vector<RuleEntry> rules() const override {
    return {
        {"r1", {"规则", "Rule"}, "fraud_call", 70, true, "calls_1h > 100", {"说明", "message"}, "afl-11", "r.toml:3"}};
  }
  std::vector<TopicEntry> topics() const override {
    return {{"fraud_call", {"诈骗电话", "Fraud call"}, "fraud", {"", ""}},
            {"fake_loan", {"虚假网络贷款", "Fake online loan"}, "fraud", {"", ""}}};
  }
  std::vector<TechniqueEntry> techniques() const override { return {{"T1566", "Phishing"}}; }
  FraudLibraryEntry fraud_library() const override {
    FraudTopicEntry topic;
    topic.number = topic.revision = 1;
    topic.id = "fake_loan";
    topic.documented = true;
    topic.title = {"虚假网络贷款", "Fake online loan"};
    topic.about = topic.advice = {"先收费", "a fee first"};
    topic.stages = {{"reach", {"群呼", "mass calls"}}};
    topic.signs = {{"高频短时外呼", "very many short calls"}};
    topic.techniques = {"PF-007"};
    topic.indicators = 2;
    topic.intel_lists = {"loans"};
    return {1, "2026-11-22", {topic}, {{"PF-007", "reach", {"群呼", "Mass calling"}, {"", ""}, {"burst_calling"}}}};
  }
  std::vector<FeatureEntry> features() const override { return {{"calls_1h", {"每小时呼叫数", "Calls in an hour"}}}; }

  Result<ArchiveAnswer> archive_events(const ArchiveQuery& query) const override {
    if (query.entity == "down.example") return error(Errc::kUnavailable, "archive", "the archive is not loaded");
    ArchiveAnswer out;
    model::ShownEntity entity;
    entity.kind = model::EntityKind::kDomain;
    entity.value = query.entity;
    out.events.push_back({EventMs{1'700'000'000'000}, "dns", 7, "dns.log", {entity}, {{"qtype", "A"}}});
    return out;
  }
  std::vector<IntelListEntry> intel_lists() const override { return lists; }
  Result<IntelImport> add_intel_list(const NewIntelList& wish) override {
    IntelListEntry entry{wish.name,       wish.topic,    wish.format, 2,         wish.severity,
                         wish.confidence, wish.added_by, WallMs{0},   WallMs{1}, {{"domain", 2}}};
    lists.push_back(entry);
    return IntelImport{entry, 2, 1, {{3, "not an indicator", "???"}}};
  }
  Result<> delete_intel_list(std::string_view name) override {
    const auto removed = std::erase_if(lists, [&](const IntelListEntry& list) { return list.name == name; });
    return removed > 0 ? Result<>() : Result<>(error(Errc::kNotFound, "intel", "there is no such list"));
  }
  model::NumberKey read_number(std::string_view text) const override {
    if (text.empty()) return {};
    if (text.size() <= 5) return model::NumberKey::service(text);
    if (text.size() > 20) return model::NumberKey::invalid(text);
    std::uint64_t digits = 0;
    for (const char c : text) {
      if (c >= '0' && c <= '9') digits = digits * 10 + static_cast<std::uint64_t>(c - '0');
    }
    return model::NumberKey::e164(digits);
  }

  std::vector<std::string> waiting;
  std::vector<IntelListEntry> lists;
};

}  // namespace pandun::api::testing
