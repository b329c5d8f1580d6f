// Call progress: switches and probes that tell of calls while they last. CSV or JSON lines, told by each line's first
// character. docs/inputs.md.
#include <algorithm>
#include <vector>

#include "sources/call_progress/json.h"
#include "sources/kit/csv.h"
#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"
#include "sources/kit/record_time.h"

namespace pandun::sources {
namespace {

using namespace call_progress;
using model::RejectReason;

constexpr std::size_t kCallMax = 64;

const std::vector<std::string_view>& columns() {
  static const std::vector<std::string_view> names{"time",   "call",    "state", "caller",
                                                   "callee", "since_s", "route", "kind"};
  return names;
}

const SourceSpec& spec() {
  static const SourceSpec value{
      "call_progress",
      "Calls in progress (CSV, JSON lines)",
      "进行中通话（CSV、JSON 行）",
      "CSV with a header or JSON lines, plain or .gz: time,call,state,caller,callee,since_s,route,kind; a column map "
      "reads another form of CSV. One line when a call is answered, if wanted one a minute while it lasts, and one at "
      "its end. state: answered, lasts or ended. call is the switch's own token of the call; since_s for how long it "
      "has been answered. Times: RFC 3339 with a zone, in CSV also Unix seconds or milliseconds, one form a file.",
      "带表头的 CSV 或 JSON 行，可为 .gz：time,call,state,caller,callee,since_s,route,kind；列映射可读取其他 CSV。"
      "通话接通时一行，通话中可每分钟一行，结束时一行。state：answered、lasts 或 ended。call 为交换机自有的呼叫令牌；"
      "since_s 为已接通秒数。时间：带时区的 RFC 3339；CSV 亦可为 Unix 秒或毫秒，每个文件一种形式。",
      {model::EventKind::kCallProgress},
      true};
  return value;
}

struct Read {
  model::CallStage stage{};
  std::int32_t since_s = -1;
};

// What is wrong with a record; null: nothing.
const char* fault_of(const Values& v, Read& out) {
  using enum model::CallStage;
  if (!csv_token(v[kCall], kCallMax)) return "call is not a token of at most 64 characters";
  if (v[kCallee].empty()) return "callee is missing";
  if (!v[kSince].empty() && !csv_seconds(v[kSince], out.since_s)) return "since_s is not a number of seconds";
  for (const model::CallStage stage : {kAnswered, kLasts, kEnded}) {
    if (v[kState] != model::name(stage)) continue;
    out.stage = stage;
    if (stage == kAnswered && out.since_s < 0) out.since_s = 0;
    return nullptr;
  }
  return "state is one of: answered, lasts, ended";
}

void add_report(const Values& v, const Read& read, std::uint64_t record, EventMs time, DecodeSink& sink) {
  auto& progress = add_event<model::CallProgress>(sink, record, time);
  progress.caller_text = v[kCaller];
  progress.callee_text = v[kCallee];
  progress.call = v[kCall];
  progress.route = v[kRoute];
  copy_into(*sink.arena, {&progress.caller_text, &progress.callee_text, &progress.call, &progress.route});
  progress.since_s = read.since_s;
  progress.stage = read.stage;
  progress.international = !v[kKind].empty() && csv_international(v[kKind]);
}

class CsvProgress final : public CsvDecoder {
 public:
  explicit CsvProgress(ColumnMap map) : CsvDecoder("call_progress", columns(), std::move(map)) {}

 protected:
  bool row(const CsvValues& values, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) override {
    Values v;
    std::copy_n(values.begin(), v.size(), v.begin());
    Read read;
    if (const char* why = fault_of(v, read)) {
      fault = {RejectReason::kBadValue, why};
      return false;
    }
    add_report(v, read, record, time, sink);
    return true;
  }
};

class ProgressDecoder final : public LineDecoder {
 public:
  ProgressDecoder(ColumnMap map, bool mapped) : csv_(std::move(map)), mapped_(mapped) {}

  void line(std::string_view text, std::uint64_t record, DecodeSink& sink) override {
    if (mapped_ || csv_.pending() || !text.starts_with('{')) return csv_.line(text, record, sink);
    ++sink.counts->records;
    Values v;
    EventMs time;
    Read read;
    RejectReason reason{};
    const auto refuse = [&](RejectReason why, std::string detail) {
      reject(sink, record, why, std::move(detail), text);
    };
    if (!json_.read(text, v)) return refuse(RejectReason::kBadJson, "not one whole JSON object of texts and numbers");
    for (const Column needed : {kTime, kCall, kState, kCallee})
      if (v[needed].empty()) return refuse(RejectReason::kMissingField, std::string(columns()[needed]) + " is missing");
    if (!time_.read(v[kTime], time, reason)) return refuse(reason, "time: " + time_.why(reason));
    if (const char* why = fault_of(v, read)) return refuse(RejectReason::kBadValue, why);
    add_report(v, read, record, time, sink);
  }
  void end(DecodeSink& sink) override { csv_.end(sink); }
  bool pending() const override { return csv_.pending(); }
  Result<> check_head(std::string_view first_line) const override {
    return !mapped_ && first_line.starts_with('{') ? Result<>() : csv_.check_head(first_line);
  }
  bool numbers_opaque() const override { return csv_.numbers_opaque(); }
  bool wants_raw_text() const override { return csv_.wants_raw_text(); }
  std::string state() const override { return csv_.state(); }
  Result<> restore(std::string_view state) override { return csv_.restore(state); }

 private:
  CsvProgress csv_;
  bool mapped_;
  JsonReader json_;
  RecordTime time_ = RecordTime::stated(TimeForm::kRfc3339);
};

bool takes_file(std::string_view name) {
  const std::string_view base = base_name(name);
  const bool json = base.ends_with(".json") || base.ends_with(".jsonl") || base.ends_with(".ndjson");
  return (is_csv_name(name) || json) && name_has(name, {"call_progress", "call-progress"});
}
std::chrono::milliseconds disorder(std::string_view) {
  return std::chrono::seconds(10);
}

Result<std::unique_ptr<LineDecoder>> open(const Input& input, std::string_view, std::string_view map_toml) {
  TRY_ASSIGN(auto map, column_map(input, map_toml, columns()));
  return std::unique_ptr<LineDecoder>(std::make_unique<ProgressDecoder>(std::move(map), !map_toml.empty()));
}

}  // namespace

SourcePart call_progress_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
