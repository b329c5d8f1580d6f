// Calls: call detail records in canonical CSV, or a carrier's own export by a column map. docs/inputs.md.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "sources/kit/csv.h"
#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"

namespace pandun::sources {
namespace {

enum Column : std::size_t {
  kTime,
  kCaller,
  kCallee,
  kDuration,
  kAnswered,
  kCallerDevice,
  kCallerCell,
  kCalleeCell,
  kRoute,
  kReleaseCause,
  kKind,
  kRing,
  kCalleeDevice
};

const std::vector<std::string_view>& columns() {
  static const std::vector<std::string_view> names{
      "time",        "caller", "callee",        "duration_s", "answered", "caller_device", "caller_cell",
      "callee_cell", "route",  "release_cause", "kind",       "ring_s",   "callee_device"};
  return names;
}

const SourceSpec& spec() {
  static const SourceSpec value{
      "calls",
      "Call records (CSV)",
      "通话记录（CSV）",
      "CSV with a header, plain or .gz: "
      "time,caller,callee,duration_s,answered,caller_device,caller_cell,callee_cell,route,"
      "release_cause,kind,ring_s,callee_device; a column map reads a carrier's own export. Times: RFC 3339 with a "
      "zone, Unix seconds or "
      "milliseconds, one form a file. Numbers: E.164, national, or any opaque string.",
      "带表头的 CSV，可为 .gz：time,caller,callee,duration_s,answered,caller_device,caller_cell,callee_cell,route,"
      "release_cause,kind,ring_s,callee_device；列映射可读取运营商自有导出。时间：带时区的 RFC 3339、Unix "
      "秒或毫秒，每个文件一种形式。"
      "号码：E.164、国内格式或任意不透明字符串。",
      {model::EventKind::kCall},
      true};
  return value;
}

class CallsDecoder final : public CsvDecoder {
 public:
  explicit CallsDecoder(ColumnMap map) : CsvDecoder("calls", columns(), std::move(map)) {}

 protected:
  bool row(const CsvValues& values, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) override {
    std::int32_t duration = -1;
    if (!values[kDuration].empty() && !csv_seconds(values[kDuration], duration)) {
      fault = {model::RejectReason::kBadValue, "duration_s is not a number of seconds"};
      return false;
    }
    auto answered = model::Answered::kUnknown;
    if (!csv_answered(values[kAnswered], answered)) {
      fault = {model::RejectReason::kBadValue, "answered is none of true, false, yes, no, 1, 0"};
      return false;
    }
    std::int16_t cause = -1;
    const std::string_view cause_text = values[kReleaseCause];
    if (!cause_text.empty()) {
      const auto [end, code] = std::from_chars(cause_text.data(), cause_text.data() + cause_text.size(), cause);
      if (code != std::errc() || end != cause_text.data() + cause_text.size() || cause < 0 || cause > 127) {
        fault = {model::RejectReason::kBadValue, "release_cause is not a Q.850 cause (0 to 127)"};
        return false;
      }
    }
    std::int32_t ring = -1;
    if (!values[kRing].empty() && !csv_seconds(values[kRing], ring)) {
      fault = {model::RejectReason::kBadValue, "ring_s is not a number of seconds"};
      return false;
    }
    // Conversation time without an answer cannot be.
    if (answered == model::Answered::kUnknown && duration > 0) answered = model::Answered::kYes;

    auto& call = add_event<model::Call>(sink, record, time);
    call.caller_text = values[kCaller];
    call.callee_text = values[kCallee];
    call.caller_device = values[kCallerDevice];
    call.caller_cell = values[kCallerCell];
    call.callee_cell = values[kCalleeCell];
    call.route = values[kRoute];
    call.callee_device = values[kCalleeDevice];
    copy_into(*sink.arena, {&call.caller_text, &call.callee_text, &call.caller_device, &call.caller_cell,
                            &call.callee_cell, &call.route, &call.callee_device});
    call.duration_s = duration;
    call.release_cause = cause;
    call.answered = answered;
    call.ring_s = static_cast<std::int16_t>(std::min(ring, 3600));  // nothing rings for an hour
    call.international = !values[kKind].empty() && csv_international(values[kKind]);
    call.roaming = !values[kKind].empty() && csv_roaming(values[kKind]);
    return true;
  }
};

bool takes_file(std::string_view name) {
  return is_csv_name(name) &&
         !name_has(name, {"message", "sms", "msg", "opening", "cell_report", "call_progress", "call-progress"});
}
std::chrono::milliseconds disorder(std::string_view) {
  return std::chrono::seconds(60);
}

Result<std::unique_ptr<LineDecoder>> open(const Input& input, std::string_view, std::string_view map_toml) {
  TRY_ASSIGN(auto map, column_map(input, map_toml, columns()));
  return std::unique_ptr<LineDecoder>(std::make_unique<CallsDecoder>(std::move(map)));
}

}  // namespace

SourcePart calls_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
