// Cell reports: telephones that saw a cell which the network does not know, or one that is not as it should be. CSV or JSON
// lines, told by each line's first character. docs/inputs.md.
#include <algorithm>
#include <vector>

#include "sources/cell_reports/json.h"
#include "sources/kit/csv.h"
#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"
#include "sources/kit/record_time.h"

namespace pandun::sources {
namespace {

using namespace cell_reports;
using model::RejectReason;

constexpr std::size_t kCellMax = 64, kTokenMax = 64, kSenderMax = 21;

const std::vector<std::string_view>& columns() {
  static const std::vector<std::string_view> names{"time", "reporter", "cell", "reason", "near_cell", "sender"};
  return names;
}

const SourceSpec& spec() {
  static const SourceSpec value{
      "cell_reports",
      "Cell reports from telephones (CSV, JSON lines)",
      "终端基站异常上报（CSV、JSON 行）",
      "CSV with a header or JSON lines, plain or .gz: time,reporter,cell,reason,near_cell,sender; a column map reads "
      "another form of CSV. reporter is a number or the app's token, never an identity or a device's number. reason: "
      "unknown_cell, lac_jump, forced_2g, strong_signal or message_from_it. sender is the number a message showed, "
      "never its text. Times: RFC 3339 with a zone, in CSV also Unix seconds or milliseconds, one form a file.",
      "带表头的 CSV 或 JSON 行，可为 .gz：time,reporter,cell,reason,near_cell,sender；列映射可读取其他 CSV。reporter "
      "为号码或应用令牌，不得为证件号码或设备识别码。reason：unknown_cell、lac_jump、forced_2g、strong_signal 或 "
      "message_from_it。sender 为短信显示的号码，不得为短信内容。时间：带时区的 RFC 3339；CSV 亦可为 Unix "
      "秒或毫秒，每个文件一种形式。",
      {model::EventKind::kCellReport},
      true};
  return value;
}

bool oddity_of(std::string_view text, model::CellOddity& out) {
  using enum model::CellOddity;
  for (const model::CellOddity oddity : {kUnknownCell, kLacJump, kForced2g, kStrongSignal, kMessageFromIt}) {
    if (text != model::name(oddity)) continue;
    out = oddity;
    return true;
  }
  return false;
}

// What is wrong with a record whose time, reporter and cell are there; null: nothing.
const char* fault_of(const Values& v, model::CellOddity& oddity) {
  if (looks_like_identity_number(v[kReporter]))
    return "reporter looks like an identity or device number: give a telephone number or the app's token";
  if (!csv_token(v[kReporter], kTokenMax)) return "reporter is not a number or token";
  if (!csv_token(v[kCell], kCellMax)) return "cell is not an id such as 460-00-1234-56789";
  if (!v[kNear].empty() && !csv_token(v[kNear], kCellMax)) return "near_cell is not an id such as 460-00-1234-56789";
  if (!v[kSender].empty() && !csv_token(v[kSender], kSenderMax)) return "sender is not a number or a short name";
  if (!oddity_of(v[kReason], oddity))
    return "reason is one of: unknown_cell, lac_jump, forced_2g, strong_signal, message_from_it";
  return nullptr;
}

void add_report(const Values& v, model::CellOddity oddity, std::uint64_t record, EventMs time, DecodeSink& sink) {
  auto& report = add_event<model::CellReport>(sink, record, time);
  report.reporter_text = v[kReporter];
  report.sender_text = v[kSender];
  report.cell = v[kCell];
  report.near_cell = v[kNear];
  report.oddity = oddity;
  copy_into(*sink.arena, {&report.reporter_text, &report.sender_text, &report.cell, &report.near_cell});
}

class CsvReports final : public CsvDecoder {
 public:
  explicit CsvReports(ColumnMap map) : CsvDecoder("cell_reports", columns(), std::move(map)) { guarded_ = kSender; }

 protected:
  bool row(const CsvValues& values, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) override {
    Values v;
    std::copy_n(values.begin(), v.size(), v.begin());
    model::CellOddity oddity{};
    if (const char* why = fault_of(v, oddity)) {
      fault = {RejectReason::kBadValue, why};
      return false;
    }
    add_report(v, oddity, record, time, sink);
    return true;
  }
};

class ReportsDecoder final : public LineDecoder {
 public:
  ReportsDecoder(ColumnMap map, bool mapped) : csv_(std::move(map)), mapped_(mapped) {}

  void line(std::string_view text, std::uint64_t record, DecodeSink& sink) override {
    if (mapped_ || csv_.pending() || !text.starts_with('{')) return csv_.line(text, record, sink);
    ++sink.counts->records;
    Values v;
    EventMs time;
    model::CellOddity oddity{};
    RejectReason reason{};
    // The line itself is never shown: something may stand in it that must not.
    const auto refuse = [&](RejectReason why, std::string detail) { reject(sink, record, why, std::move(detail), {}); };
    if (!json_.read(text, v)) return refuse(RejectReason::kBadJson, "not one whole JSON object of texts");
    for (const Column needed : {kTime, kReporter, kCell, kReason})
      if (v[needed].empty()) return refuse(RejectReason::kMissingField, std::string(columns()[needed]) + " is missing");
    if (!time_.read(v[kTime], time, reason)) return refuse(reason, "time: " + time_.why(reason));
    if (const char* why = fault_of(v, oddity)) return refuse(RejectReason::kBadValue, why);
    add_report(v, oddity, record, time, sink);
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
  CsvReports csv_;
  bool mapped_;
  JsonReader json_;
  RecordTime time_ = RecordTime::stated(TimeForm::kRfc3339);
};

bool takes_file(std::string_view name) {
  const std::string_view base = base_name(name);
  const bool json = base.ends_with(".json") || base.ends_with(".jsonl") || base.ends_with(".ndjson");
  return (is_csv_name(name) || json) && name_has(name, {"cell_report", "cell-report"});
}
// An app tells when it is next on the air.
std::chrono::milliseconds disorder(std::string_view) {
  return std::chrono::hours(1);
}

Result<std::unique_ptr<LineDecoder>> open(const Input& input, std::string_view, std::string_view map_toml) {
  TRY_ASSIGN(auto map, column_map(input, map_toml, columns()));
  return std::unique_ptr<LineDecoder>(std::make_unique<ReportsDecoder>(std::move(map), !map_toml.empty()));
}

}  // namespace

SourcePart cell_reports_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
