// Openings: lines of a carrier's card register, one for each number that was handed to somebody. docs/inputs.md.
#include "sources/kit/csv.h"
#include "sources/kit/csv_source.h"
#include "sources/kit/record.h"

namespace pandun::sources {
namespace {

enum Column : std::size_t { kTime, kNumber, kHolder, kAgent, kPlan };

const std::vector<std::string_view>& columns() {
  static const std::vector<std::string_view> names{"time", "number", "holder", "agent", "plan"};
  return names;
}

const SourceSpec& spec() {
  static const SourceSpec value{
      "openings",
      "Card openings (CSV)",
      "开卡记录（CSV）",
      "CSV with a header, plain or .gz: time,number,holder,agent,plan; a column map reads a carrier's own export. "
      "holder is the register's keyed token of the person or company, never a name or an identity number. plan: "
      "family, enterprise, iot or nothing. Times: RFC 3339 with a zone, Unix seconds or milliseconds, one form a file.",
      "带表头的 CSV，可为 .gz：time,number,holder,agent,plan；列映射可读取运营商自有导出。holder "
      "为登记系统生成的持有人令牌，不得为姓名或证件号码。plan：family、enterprise、iot 或空。时间：带时区的 RFC "
      "3339、Unix 秒或毫秒，每个文件一种形式。",
      {model::EventKind::kOpening},
      true};
  return value;
}

class OpeningsDecoder final : public CsvDecoder {
 public:
  explicit OpeningsDecoder(ColumnMap map) : CsvDecoder("openings", columns(), std::move(map)) { guarded_ = kHolder; }

 protected:
  bool row(const CsvValues& values, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault) override {
    const auto refuse = [&fault](const char* why) {
      fault = {model::RejectReason::kBadValue, why};
      return false;
    };
    if (looks_like_identity_number(values[kHolder]))
      return refuse("holder looks like an identity number: give the register's keyed token");
    if (!csv_token(values[kHolder], 128)) return refuse("holder is not a token");
    if (!values[kAgent].empty() && !csv_token(values[kAgent], 64)) return refuse("agent is not an id");
    if (!values[kPlan].empty() && !csv_token(values[kPlan], 32)) return refuse("plan is not a word");
    auto& opening = add_event<model::Opening>(sink, record, time);
    opening.number_text = values[kNumber];
    opening.holder = values[kHolder];
    opening.agent = values[kAgent];
    opening.plan = values[kPlan];
    copy_into(*sink.arena, {&opening.number_text, &opening.holder, &opening.agent, &opening.plan});
    return true;
  }
};

bool takes_file(std::string_view name) {
  return is_csv_name(name) && name_has(name, {"opening"});
}
std::chrono::milliseconds disorder(std::string_view) {
  return std::chrono::hours(1);
}

Result<std::unique_ptr<LineDecoder>> open(const Input& input, std::string_view, std::string_view map_toml) {
  TRY_ASSIGN(auto map, column_map(input, map_toml, columns()));
  return std::unique_ptr<LineDecoder>(std::make_unique<OpeningsDecoder>(std::move(map)));
}

}  // namespace

SourcePart openings_source() {
  return {spec, takes_file, disorder, open};
}

}  // namespace pandun::sources
