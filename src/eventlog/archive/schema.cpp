#include "eventlog/archive/schema.h"

namespace pandun::eventlog {
namespace {

struct Collector {
  std::vector<Column> columns;

  void text(const char* name, std::string_view) { add(name, DuckType::kVarchar); }
  void count(const char* name, std::int64_t) { add(name, DuckType::kBigint); }
  void flag(const char* name, bool) { add(name, DuckType::kBoolean); }
  void ip(const char* name, const model::IpAddress&) { add(name, DuckType::kVarchar, ColumnRole::kIp); }
  void domain(const char* name, std::string_view) { add(name, DuckType::kVarchar, ColumnRole::kDomain); }
  void device(const char* name, std::string_view) { add(name, DuckType::kVarchar, ColumnRole::kToken); }
  void number(const std::string& name, model::NumberKey) {
    add(name + "_token", DuckType::kVarchar, ColumnRole::kToken);
    add(name + "_kind", DuckType::kVarchar);
    add(name + "_note", DuckType::kVarchar);
  }

 private:
  void add(std::string name, DuckType type, ColumnRole role = ColumnRole::kPlain) {
    columns.push_back({std::move(name), type, role});
  }
};

template <std::size_t I = 0>
void collect(Collector& out, std::size_t kind) {
  if constexpr (I < model::kEventKinds) {
    if (kind == I) return describe(out, std::variant_alternative_t<I, model::Payload>());
    collect<I + 1>(out, kind);
  }
}

}  // namespace

std::vector<Column> columns_of(model::EventKind kind) {
  Collector out;
  out.columns = {{"position", DuckType::kBigint},
                 {"time", DuckType::kTimestamp},
                 {"record", DuckType::kBigint},
                 {"source", DuckType::kBigint},
                 {"late", DuckType::kBoolean}};
  collect(out, static_cast<std::size_t>(kind));
  return std::move(out.columns);
}

std::string_view sql_name(DuckType type) {
  switch (type) {
    case DuckType::kBoolean:
      return "BOOLEAN";
    case DuckType::kInteger:
      return "INTEGER";
    case DuckType::kBigint:
      return "BIGINT";
    case DuckType::kTimestamp:
      return "TIMESTAMP";
    case DuckType::kVarchar:
      break;
  }
  return "VARCHAR";
}

}  // namespace pandun::eventlog
