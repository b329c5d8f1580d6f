// The report as JSON: what is stored, printed and answered, field by field as openapi.json describes BackTest.
#include <cmath>

#include "guard/json_writer.h"
#include "server/backtest.h"

namespace pandun::server {
namespace {

using guard::JsonWriter;

void count(JsonWriter& w, std::string_view name, std::uint64_t value) {
  w.key(name).unsigned_integer(value);
}

void write_spread(JsonWriter& w, std::string_view name, const BacktestSpread& spread) {
  const auto tenth = [](double value) { return std::round(value * 10) / 10; };
  w.key(name).begin_object();
  count(w, "people", spread.people);
  w.key("median").number(tenth(spread.median)).key("p90").number(tenth(spread.p90));
  w.key("max").number(tenth(spread.max)).end_object();
}

void write_known(JsonWriter& w, const BacktestKnown& known) {
  w.key("known").begin_object();
  count(w, "checked", known.checked);
  count(w, "alerted", known.alerted);
  count(w, "in_case", known.in_case);
  count(w, "confirmed", known.confirmed);
  count(w, "dismissed", known.dismissed);
  count(w, "lifted", known.lifted);
  count(w, "verified", known.verified);
  count(w, "earlier", known.earlier);
  count(w, "later", known.later);
  write_spread(w, "lead_minutes", known.lead_minutes);
  w.key("found_by").begin_array();
  for (const auto& [detector, people] : known.found_by) {
    w.begin_object().field("detector", detector);
    count(w, "people", people);
    w.end_object();
  }
  w.end_array().end_object();
}

void write_counts(JsonWriter& w, const BacktestSubject& subject) {
  w.key("days").begin_array();
  for (const BacktestDay& day : subject.days) {
    w.begin_object().field("day", rfc3339(EventMs{day.start_ms}).substr(0, 10));
    count(w, "people", day.people);
    count(w, "new", day.fresh);
    count(w, "in_force", day.in_force);
    w.end_object();
  }
  w.end_array().key("groups").begin_array();
  for (const BacktestGroup& group : subject.groups) {
    w.begin_object().field("group", group.id).local("title", group.title.zh, group.title.en);
    count(w, "people", group.people);
    count(w, "added", group.added);
    count(w, "removed", group.removed);
    w.end_object();
  }
  w.end_array().key("overlaps").begin_array();
  for (const BacktestOverlap& overlap : subject.overlaps) {
    w.begin_object().field("rule", overlap.rule).local("title", overlap.title.zh, overlap.title.en);
    w.key("shadow").boolean(overlap.shadow);
    count(w, "people", overlap.people);
    count(w, "both", overlap.both);
    w.end_object();
  }
  w.end_array();
}

void write_samples(JsonWriter& w, const BacktestSubject& subject) {
  w.key("samples").begin_array();
  for (const BacktestSample& sample : subject.samples) {
    w.begin_object().field("kind", name(sample.entity.kind)).field("value", sample.entity.value);
    w.field("token", sample.entity.token).field("note", sample.entity.note).field("group", sample.group);
    w.field("first_hit", rfc3339(sample.first_hit)).key("evidence").begin_array();
    for (const model::Evidence& item : sample.evidence) {
      w.begin_object().field("feature", item.feature).key("value").number(item.value);
      w.key("threshold").number(item.threshold).field("unit", item.unit).end_object();
    }
    w.end_array().end_object();
  }
  w.end_array();
}

void write_subject(JsonWriter& w, const BacktestSubject& subject) {
  w.begin_object().field("kind", subject.kind).field("id", subject.id).field("digest", subject.digest);
  w.local("title", subject.title.zh, subject.title.en).field("entity", subject.entity_kind);
  count(w, "people", subject.people);
  count(w, "signals", subject.signals);
  w.key("compared").boolean(subject.in_force).field("in_force_digest", subject.in_force_digest);
  count(w, "in_force_people", subject.in_force_people);
  count(w, "added", subject.added);
  count(w, "removed", subject.removed);
  write_counts(w, subject);
  write_known(w, subject.known);
  write_spread(w, "acts_before", subject.acts_before);
  write_spread(w, "minutes_before", subject.minutes_before);
  write_samples(w, subject);
  w.end_object();
}

}  // namespace

std::string BacktestReport::to_json() const {
  std::string out;
  JsonWriter w(out);
  w.begin_object().field("id", id).field("from", rfc3339(from)).field("to", rfc3339(to));
  w.field("warm_from", rfc3339(warm_from)).key("short_warm_up").boolean(short_warm_up);
  count(w, "first_position", first_position);
  count(w, "last_position", last_position);
  count(w, "events", events);
  count(w, "lost_events", lost_events);
  w.key("elapsed_s").number(std::round(elapsed_s * 100) / 100).field("finished_at", rfc3339(finished_at));
  w.field("content_digest", content_digest).field("version", version).field("by", by);
  w.key("records_known").boolean(records_known).key("subjects").begin_array();
  for (const BacktestSubject& subject : subjects) write_subject(w, subject);
  w.end_array().end_object();
  return out;
}

}  // namespace pandun::server
