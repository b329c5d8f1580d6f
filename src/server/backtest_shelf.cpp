#include "server/backtest_shelf.h"

#include <fmt/format.h>
#include <simdjson.h>

#include "guard/json_writer.h"

namespace pandun::server {
namespace {

constexpr const char* kIndex = "backtests";
namespace dom = simdjson::dom;

std::string key_of(const std::string& id) {
  return "backtest." + id;
}

std::string text_of(const dom::element& element, std::string_view key) {
  std::string_view value;
  return element[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
}
std::int64_t integer_of(const dom::element& element, std::string_view key) {
  std::int64_t value = 0;
  return element[key].get(value) == simdjson::SUCCESS ? value : 0;
}

api::BacktestEntry entry_of(const dom::element& line) {
  api::BacktestEntry out;
  out.id = text_of(line, "id");
  out.kind = text_of(line, "kind");
  out.subject = text_of(line, "subject");
  out.digest = text_of(line, "digest");
  out.by = text_of(line, "by");
  out.people = static_cast<std::uint64_t>(integer_of(line, "people"));
  out.in_protected = static_cast<std::uint64_t>(integer_of(line, "in_protected"));
  out.added = static_cast<std::uint64_t>(integer_of(line, "added"));
  out.removed = static_cast<std::uint64_t>(integer_of(line, "removed"));
  out.finished_at = {integer_of(line, "finished_ms")};
  out.from = {integer_of(line, "from_ms")};
  out.to = {integer_of(line, "to_ms")};
  return out;
}

Result<std::vector<api::BacktestEntry>> read_index(const store::View& view) {
  std::vector<api::BacktestEntry> out;
  TRY_ASSIGN(const auto kept, view.values().find(kIndex));
  if (!kept) return out;
  dom::parser parser;
  dom::array lines;
  if (parser.parse(*kept).get(lines) != simdjson::SUCCESS)
    return error(Errc::kCorrupt, kIndex, "the list of back-tests does not read; restore the records from a backup");
  for (const dom::element line : lines) out.push_back(entry_of(line));
  return out;
}

std::string write_index(const std::vector<api::BacktestEntry>& entries) {
  std::string out;
  guard::JsonWriter w(out);
  w.begin_array();
  for (const api::BacktestEntry& e : entries) {
    w.begin_object().field("id", e.id).field("kind", e.kind).field("subject", e.subject).field("digest", e.digest);
    w.field("by", e.by).field_integer("people", static_cast<std::int64_t>(e.people));
    w.field_integer("in_protected", static_cast<std::int64_t>(e.in_protected));
    w.field_integer("added", static_cast<std::int64_t>(e.added));
    w.field_integer("removed", static_cast<std::int64_t>(e.removed));
    w.field_integer("finished_ms", e.finished_at.ms).field_integer("from_ms", e.from.ms);
    w.field_integer("to_ms", e.to.ms).end_object();
  }
  w.end_array();
  return out;
}

}  // namespace

Result<> BacktestShelf::keep(const BacktestReport& report) const {
  return store_.write([&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(auto entries, read_index(tx));
    std::erase_if(entries, [&](const api::BacktestEntry& e) { return e.id == report.id; });
    for (const BacktestSubject& subject : report.subjects) {
      api::BacktestEntry entry{
          report.id,     subject.kind,    subject.id,         subject.digest, report.by, subject.people, 0,
          subject.added, subject.removed, report.finished_at, report.from,    report.to, false};
      for (const BacktestGroup& group : subject.groups)
        if (!group.id.empty()) entry.in_protected += group.people;
      entries.push_back(std::move(entry));
      TRY(audit_.record(tx, {report.by,
                             "rule.back_test",
                             subject.kind + ":" + subject.id,
                             {{"back_test", report.id},
                              {"digest", subject.digest},
                              {"from", rfc3339(report.from)},
                              {"to", rfc3339(report.to)},
                              {"people", fmt::to_string(subject.people)}}}));
    }
    while (entries.size() > kKept) {
      TRY(tx.values().put(key_of(entries.front().id), ""));
      entries.erase(entries.begin());
    }
    TRY(tx.values().put(key_of(report.id), report.to_json()));
    return tx.values().put(kIndex, write_index(entries));
  });
}

Result<std::vector<api::BacktestEntry>> BacktestShelf::list() const {
  return kept_back_tests(store_);
}

Result<std::string> BacktestShelf::find(const std::string& id) const {
  std::string out;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto kept, view.values().find(key_of(id)));
    if (kept) out = *kept;
    return {};
  }));
  if (out.empty()) return error(Errc::kNotFound, id, "there is no such back-test; the oldest are not kept");
  return out;
}

Result<std::vector<api::BacktestEntry>> kept_back_tests(const store::Store& store) {
  std::vector<api::BacktestEntry> out;
  TRY(store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, read_index(view));
    return {};
  }));
  return std::vector<api::BacktestEntry>(std::make_move_iterator(out.rbegin()), std::make_move_iterator(out.rend()));
}

}  // namespace pandun::server
