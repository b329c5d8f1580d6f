// Messages: short-message records in canonical CSV, or a carrier's own export by a column map. docs/inputs.md.
#include <charconv>

#include "sources/kit/csv.h"
#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"

namespace pandun::sources {
namespace {

enum Column : std::size_t {
  kTime,
  kSender,
  kRecipient,
  kSegments,
  kSenderDevice,
  kSenderCell,
  kRoute,
  kKind,
  kTemplate,
  kLinkDomain
};

const std::vector<std::string_view>& columns() {
  static const std::vector<std::string_view> names{"time",        "sender", "recipient", "segments", "sender_device",
                                                   "sender_cell", "route",  "kind",      "template", "link_domain"};
  return names;
}

const SourceSpec& spec() {
  static const SourceSpec value{
      "messages",
      "Message records (CSV)",
      "短信记录（CSV）",
      "CSV with a header, plain or .gz: time,sender,recipient,segments,sender_device,sender_cell,route,kind,template,"
      "link_domain; a column "
      "map reads "
      "a carrier's own export. Times: RFC 3339 with a zone, Unix seconds or milliseconds, one form a file. Numbers: "
      "E.164, "
      "national, or any opaque string.",
      "带表头的 CSV，可为 "
      ".gz：time,sender,recipient,segments,sender_device,sender_cell,route,kind,template,link_"
      "domain；列映射可读取运营商自有导出。"
      "时间：带时区的 RFC 3339、Unix 秒或毫秒，每个文件一种形式。号码：E.164、国内格式或任意不透明字符串。",
      {model::EventKind::kMessage},
      true};
  return value;
}

class MessagesDecoder final : public CsvDecoder {
 public:
  explicit MessagesDecoder(ColumnMap map) : CsvDecoder("messages", columns(), std::move(map)) { guarded_ = kTemplate; }

 protected:
  bool row(const CsvValues& values, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) override {
    std::int32_t segments = 1;
    const std::string_view text = values[kSegments];
    if (!text.empty()) {
      const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), segments);
      if (code != std::errc() || end != text.data() + text.size() || segments < 1 || segments > 255) {
        fault = {model::RejectReason::kBadValue, "segments is not a whole number from 1 to 255"};
        return false;
      }
    }
    // Both come from registered templates and reported samples; a text that strays in here must not get any further.
    if (!values[kTemplate].empty() && !csv_token(values[kTemplate], 128)) {
      fault = {model::RejectReason::kBadValue, "template is not a hash or an id: texts are never taken in"};
      return false;
    }
    if (!values[kLinkDomain].empty() && !csv_host(values[kLinkDomain])) {
      fault = {model::RejectReason::kBadValue, "link_domain is not a host name alone"};
      return false;
    }
    auto& message = add_event<model::Message>(sink, record, time);
    message.sender_text = values[kSender];
    message.recipient_text = values[kRecipient];
    message.sender_device = values[kSenderDevice];
    message.sender_cell = values[kSenderCell];
    message.route = values[kRoute];
    message.template_hash = values[kTemplate];
    message.link_domain = values[kLinkDomain];
    copy_into(*sink.arena, {&message.sender_text, &message.recipient_text, &message.sender_device, &message.sender_cell,
                            &message.route, &message.template_hash, &message.link_domain});
    message.segments = segments;
    message.international = !values[kKind].empty() && csv_international(values[kKind]);
    return true;
  }
};

bool takes_file(std::string_view name) {
  return is_csv_name(name) && !name_has(name, {"call", "cdr", "voice", "opening", "cell_report"});
}
std::chrono::milliseconds disorder(std::string_view) {
  return std::chrono::seconds(60);
}

Result<std::unique_ptr<LineDecoder>> open(const Input& input, std::string_view, std::string_view map_toml) {
  TRY_ASSIGN(auto map, column_map(input, map_toml, columns()));
  return std::unique_ptr<LineDecoder>(std::make_unique<MessagesDecoder>(std::move(map)));
}

}  // namespace

SourcePart messages_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
