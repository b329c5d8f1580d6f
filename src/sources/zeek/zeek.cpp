// Zeek: any log file of a Zeek sensor, in TSV or JSON. docs/inputs.md says which logs are read and how.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"
#include "sources/kit/record_time.h"
#include "sources/kit/scan.h"
#include "sources/zeek/json.h"
#include "sources/zeek/logs.h"
#include "sources/zeek/tsv.h"

namespace pandun::sources {
namespace {

using model::RejectReason;
using zeek::Fault;
using zeek::JsonRows;
using zeek::LogType;
using zeek::Row;

const SourceSpec& spec() {
  using enum model::EventKind;
  static const SourceSpec value{
      "zeek",
      "Zeek logs",
      "Zeek 日志",
      "Zeek's TSV and JSON logs, plain or .gz: conn, dns, http, ssl, files, x509, notice, ssh; every other log is "
      "counted by name "
      "and not used. Times: Unix seconds, or ISO 8601 with a zone in JSON.",
      "Zeek 的 TSV 与 JSON 日志，可为 .gz：conn、dns、http、ssl、files、x509、notice、ssh；其他日志仅按名称计数。"
      "时间：Unix 秒，JSON 中也可为带时区的 ISO 8601。",
      {kFlow, kDns, kHttp, kTls, kFile, kSighting, kLogin},
      false};
  return value;
}

// "conn.16:00:00-17:00:00.log.gz" → "conn", "open_conn.log" → "open_conn".
std::string_view log_name_of(std::string_view file_name) {
  std::string_view stem = file_name.substr(0, file_name.find('.'));
  for (std::size_t i = 1; i + 1 < stem.size(); ++i)
    if ((stem[i] == '-' || stem[i] == '_') && is_digit(stem[i + 1])) return stem.substr(0, i);
  // A site's own addition, as in "conn_json"; these two are logs of another kind.
  const std::string_view first = stem.substr(0, stem.find_first_of("-_"));
  return stem == "conn-summary" || stem == "notice_alarm" || !zeek::log_type(first) ? stem : first;
}

// Reports that Zeek's own control scripts write beside the logs, as plain text.
bool is_plain_report(std::string_view name) {
  return name == "conn-summary" || name == "stdout" || name == "stderr";
}

class ZeekDecoder final : public LineDecoder {
 public:
  explicit ZeekDecoder(std::string_view file_name) : file_log_(log_name_of(file_name)) {
    // Snapshots of connections that are still open repeat what the closed log will say; some writers give them its path.
    snapshot_ = file_log_.starts_with("open_");
    name_log(file_log_);
  }

  void line(std::string_view text, std::uint64_t record, DecodeSink& sink) override {
    if (text.empty()) return;
    if (text[0] == '#') {
      if (head_.line(text)) use_head(&sink);
      return;
    }
    ++sink.counts->records;
    if (head_.ready()) {
      row_line(text, record, sink);
    } else if (text[0] == '{') {
      json_line(text, record, sink);
    } else if (is_plain_report(file_log_)) {
      unread(sink, file_log_);
    } else {
      reject(sink, record, RejectReason::kUnknownRecord, "no #fields line stands before it, and it is not JSON", text);
    }
  }

  void end(DecodeSink&) override {
    head_ = {};
    time_.forget();
    name_log(file_log_);
  }

  Result<> check_head(std::string_view first_line) const override {
    const auto has = [&](std::string_view key) { return first_line.find(key) != std::string_view::npos; };
    if (first_line.starts_with('{') && has("\"event_type\"") && has("\"timestamp\""))
      return error(Errc::kBadInput, {}, "this is Suricata EVE; give it as eve:PATH");
    return {};
  }

  std::string state() const override {
    return fmt::format("zeek1 {} {}\n{}", static_cast<int>(time_.form()), log_, head_.lines());
  }

  Result<> restore(std::string_view state) override {
    const std::size_t line_end = state.find('\n');
    if (!state.starts_with("zeek1 ") || line_end == std::string_view::npos || line_end < 8 || state[6] < '0' ||
        state[6] > '3')
      return error(Errc::kCorrupt, {}, "not a Zeek decoder's state");
    time_.learn(static_cast<TimeForm>(state[6] - '0'));
    name_log(state.substr(8, line_end - 8));
    for (std::string_view rest = state.substr(line_end + 1); !rest.empty();) {
      const std::size_t end = std::min(rest.find('\n'), rest.size() - 1);
      if (head_.line(rest.substr(0, end))) use_head(nullptr);
      rest.remove_prefix(end + 1);
    }
    return {};
  }

 private:
  void name_log(std::string_view name) {
    log_ = name;
    type_ = snapshot_ ? nullptr : zeek::log_type(name);
  }

  void use_head(DecodeSink* sink) {
    if (!head_.path().empty() && !(snapshot_ && !head_.path().starts_with("open_"))) name_log(head_.path());
    if (!type_) return;
    head_.plan(*type_);
    row_ = {};  // what another log left in slots that this one may not fill
    if (sink) sink->counts->extra_columns += head_.extra();
  }

  void row_line(std::string_view text, std::uint64_t record, DecodeSink& sink) {
    if (!type_) return unread(sink, log_);
    if (!head_.supported()) {
      reject(sink, record, RejectReason::kUnknownRecord, "the log's #separator is not one byte", text);
      return;
    }
    row_.escaped = true;
    std::size_t found = 0;
    if (!head_.split(text, row_, found)) {
      reject(sink, record, RejectReason::kFieldCount,
             fmt::format("{} fields, #fields names {}", found, head_.columns()), text);
      return;
    }
    build(text, record, sink);
  }

  void json_line(std::string_view text, std::uint64_t record, DecodeSink& sink) {
    auto got = json_.read(text, type_, log_, row_);
    if (got == JsonRows::Got::kOtherLog && !snapshot_) {
      const bool odd = std::any_of(json_.path().begin(), json_.path().end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20; });
      name_log(odd ? std::string_view("(odd name)") : json_.path());
      got = json_.read(text, type_, log_, row_);
    }
    if (got == JsonRows::Got::kBad) {
      reject(sink, record, RejectReason::kBadJson, "not one whole JSON object", text);
      return;
    }
    sink.counts->extra_columns += json_.take_extra();
    if (!type_ || got != JsonRows::Got::kRow) return unread(sink, log_);
    build(text, record, sink);
  }

  void build(std::string_view text, std::uint64_t record, DecodeSink& sink) {
    Fault fault;
    EventMs time;
    if (row_.at[0].empty()) {
      fault = {RejectReason::kMissingField, "ts is missing"};
    } else if (!time_.read(row_.at[0], time, fault.reason)) {
      fault.detail = "ts: " + time_.why(fault.reason);
    } else if (type_->build(row_, record, time, sink, fault)) {
      return;
    }
    reject(sink, record, fault.reason, std::move(fault.detail), text);
  }

  std::string file_log_, log_;     // by the file's name; of the records at hand
  const LogType* type_ = nullptr;  // nullptr: counted by name only
  bool snapshot_ = false;
  zeek::TsvHead head_;
  JsonRows json_;
  RecordTime time_;
  Row row_;
};

bool takes_file(std::string_view name) {
  name = base_name(name);
  if (name.starts_with("eve.") || name.starts_with("eve-")) return false;
  if (name.ends_with(".json") || name.ends_with(".ndjson")) return zeek::log_type(log_name_of(name)) != nullptr;
  const std::size_t at = name.rfind(".log");
  if (at == std::string_view::npos) return false;
  const std::string_view rest = name.substr(at + 4);
  return rest.empty() || rest == ".labeled" ||
         (rest.size() > 1 && (rest[0] == '-' || rest[0] == '.') && is_digit(rest[1]));
}

// A connection is written when it ends, so its start lies further back than other logs' times do.
std::chrono::milliseconds disorder(std::string_view name) {
  return std::chrono::seconds(name.find("conn") != std::string_view::npos ? 300 : 60);
}

Result<std::unique_ptr<LineDecoder>> open(const Input&, std::string_view file_name, std::string_view) {
  return std::unique_ptr<LineDecoder>(std::make_unique<ZeekDecoder>(file_name));
}

}  // namespace

SourcePart zeek_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
