#include <algorithm>
#include <charconv>

#include "eventlog/archive/archive.h"
#include "eventlog/archive/partition.h"
#include "eventlog/archive/schema.h"

namespace pandun::eventlog {
namespace {

constexpr std::size_t kLimitMax = 1'000'000;

ColumnRole role_of(ArchiveEntity entity) {
  switch (entity) {
    case ArchiveEntity::kToken:
      return ColumnRole::kToken;
    case ArchiveEntity::kIp:
      return ColumnRole::kIp;
    case ArchiveEntity::kDomain:
      return ColumnRole::kDomain;
    case ArchiveEntity::kAny:
      break;
  }
  return ColumnRole::kPlain;
}

// The entity as it stands in the columns.
Result<std::string> canonical(const ArchiveQuery& query) {
  std::string text = query.entity;
  if (query.entity_kind == ArchiveEntity::kAny) return text;
  if (text.empty()) return error(Errc::kUsage, "entity", "is empty");
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }))
    return error(Errc::kUsage, "entity", "holds control characters");
  if (query.entity_kind == ArchiveEntity::kIp) {
    const auto ip = model::IpAddress::parse(text);
    if (!ip) return error(Errc::kUsage, "entity", "'" + text + "' is no IP address");
    return ip->text();
  }
  if (query.entity_kind == ArchiveEntity::kDomain) {
    for (char& c : text)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

// One condition for each column that may hold the entity, no row in two of them. Asked one by one, because a plain
// `column = value` lets the Parquet reader skip pages and leave the other columns unread; an OR does not.
std::vector<std::string> conditions(const ArchiveQuery& query, const std::string& entity,
                                    const std::vector<Column>& columns) {
  const std::string time = "time >= make_timestamp(" + std::to_string(query.from.ms * 1000) +
                           ") AND time < make_timestamp(" + std::to_string(query.to.ms * 1000) + ")";
  if (query.entity_kind == ArchiveEntity::kAny) return {time};
  std::vector<std::string> out;
  std::string not_before;
  for (const Column& column : columns) {
    if (column.role != role_of(query.entity_kind)) continue;
    const std::string name = '"' + column.name + '"', value = sql_text(entity);
    out.push_back(time + " AND " + name + " = " + value + not_before);
    not_before += " AND " + name + " IS DISTINCT FROM " + value;
  }
  return out;
}

std::string select(const std::vector<Part>& parts, const std::vector<Column>& columns) {
  std::string sql = "SELECT time AS t, position AS p, ";
  for (const Column& column : columns) {
    const std::string name = '"' + column.name + '"';
    sql += "CAST(" + (column.type == DuckType::kTimestamp ? "epoch_ms(" + name + ")" : name) + " AS VARCHAR), ";
  }
  sql.resize(sql.size() - 2);
  return sql + " FROM " + sql_parts(parts);
}

void append_json_text(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out.append("\\u00").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15U]);
    } else {
      out += c;
    }
  }
  out += '"';
}

class DuckReader final : public ArchiveReader {
 public:
  DuckReader(platform::FileSystem& files, ArchiveOptions options, std::unique_ptr<DuckConnection> duck)
      : files_(files), options_(std::move(options)), duck_(std::move(duck)) {
    for (std::size_t kind = 0; kind < model::kEventKinds; ++kind)
      columns_.push_back(columns_of(static_cast<model::EventKind>(kind)));
  }

  Result<ArchiveAnswer> query(const ArchiveQuery& query) override;

 private:
  Result<std::vector<Part>> parts_of(model::EventKind kind, const ArchiveQuery& query);
  Result<> ask(model::EventKind kind, const std::string& sql, ArchiveAnswer& answer);
  void take_chunk(model::EventKind kind, DuckApi::Handle chunk, ArchiveAnswer& answer);
  bool fits(model::EventKind kind, ArchiveEntity entity) const;

  platform::FileSystem& files_;
  ArchiveOptions options_;
  std::unique_ptr<DuckConnection> duck_;
  std::vector<std::vector<Column>> columns_;  // by kind
};

bool DuckReader::fits(model::EventKind kind, ArchiveEntity entity) const {
  if (entity == ArchiveEntity::kAny) return true;
  const auto& columns = columns_[static_cast<std::size_t>(kind)];
  return std::any_of(columns.begin(), columns.end(), [&](const Column& c) { return c.role == role_of(entity); });
}

Result<std::vector<Part>> DuckReader::parts_of(model::EventKind kind, const ArchiveQuery& query) {
  std::vector<Part> out;
  TRY_ASSIGN(const auto days, list_days(files_, options_.directory, kind));
  const std::int64_t first = day_of(query.from), last = day_of({query.to.ms - 1});
  for (const std::int64_t day : days) {
    if (day < first || day > last) continue;
    TRY_ASSIGN(const auto parts, list_parts(files_, partition_directory(options_.directory, kind, day), false));
    out.insert(out.end(), parts.begin(), parts.end());
  }
  return out;
}

Result<ArchiveAnswer> DuckReader::query(const ArchiveQuery& query) {
  if (query.from.ms >= query.to.ms) return error(Errc::kUsage, "time range", "'from' must lie before 'to'");
  constexpr std::int64_t kTimeMax = 253'402'300'800'000;  // the end of the year 9999
  if (query.from.ms < -kTimeMax || query.to.ms > kTimeMax)
    return error(Errc::kUsage, "time range", "is beyond the year 9999");
  if (query.limit == 0 || query.limit > kLimitMax) return error(Errc::kUsage, "limit", "must be 1 to 1000000");
  if (query.kind && !fits(*query.kind, query.entity_kind))
    return error(Errc::kUsage, "entity",
                 "events of kind '" + std::string(model::name(*query.kind)) + "' hold no such entity");
  TRY_ASSIGN(const std::string entity, canonical(query));

  ArchiveAnswer answer;
  for (std::size_t i = 0; i < model::kEventKinds; ++i) {
    const auto kind = static_cast<model::EventKind>(i);
    if ((query.kind && *query.kind != kind) || !fits(kind, query.entity_kind)) continue;
    TRY_ASSIGN(const auto parts, parts_of(kind, query));
    if (parts.empty()) continue;
    answer.parts += parts.size();
    std::string sql;
    for (const std::string& condition : conditions(query, entity, columns_[i]))
      sql += (sql.empty() ? "" : " UNION ALL ") + ("(" + select(parts, columns_[i]) + " WHERE " + condition + ")");
    TRY(ask(kind, "SELECT * FROM (" + sql + ") ORDER BY t, p LIMIT " + std::to_string(query.limit + 1), answer));
  }
  std::stable_sort(answer.rows.begin(), answer.rows.end(), [](const ArchiveRow& a, const ArchiveRow& b) {
    return std::pair(a.time, a.position) < std::pair(b.time, b.position);
  });
  answer.more = answer.rows.size() > query.limit;
  if (answer.more) answer.rows.resize(query.limit);
  return answer;
}

Result<> DuckReader::ask(model::EventKind kind, const std::string& sql, ArchiveAnswer& answer) {
  const DuckApi& api = duck_->api();
  DuckResult result{};
  Result<> out;
  if (api.query(duck_->get(), sql.c_str(), &result) != 0) {
    out = duck_error(options_.directory, api.result_error(&result));
  } else {
    for (DuckApi::Handle chunk = api.fetch_chunk(result); chunk != nullptr; chunk = api.fetch_chunk(result)) {
      take_chunk(kind, chunk, answer);
      api.destroy_data_chunk(&chunk);
    }
  }
  api.destroy_result(&result);
  return out;
}

void DuckReader::take_chunk(model::EventKind kind, DuckApi::Handle chunk, ArchiveAnswer& answer) {
  const DuckApi& api = duck_->api();
  const auto& columns = columns_[static_cast<std::size_t>(kind)];
  const std::uint64_t rows = api.data_chunk_get_size(chunk);
  const std::size_t base = answer.rows.size();
  answer.rows.resize(base + rows);
  for (std::size_t c = 0; c < columns.size(); ++c) {
    DuckApi::Handle vector = api.data_chunk_get_vector(chunk, c + 2);  // behind the sorting columns
    const auto* text = static_cast<const DuckString*>(api.vector_get_data(vector));
    const std::uint64_t* valid = api.vector_get_validity(vector);
    for (std::uint64_t r = 0; r < rows; ++r) {
      ArchiveRow& row = answer.rows[base + r];
      row.kind = kind;
      ArchiveField field{columns[c].name, {}, true, columns[c].type == DuckType::kVarchar};
      if (valid == nullptr || (valid[r / 64] >> (r % 64) & 1) != 0) {
        field.null = false;
        field.text = text[r].view();
      }
      const char* end = field.text.data() + field.text.size();
      if (columns[c].name == "position") std::from_chars(field.text.data(), end, row.position);
      if (columns[c].type == DuckType::kTimestamp) {
        std::from_chars(field.text.data(), end, row.time.ms);
        field.text = rfc3339(row.time);
        field.quoted = true;
      }
      row.fields.push_back(std::move(field));
    }
  }
}

}  // namespace

std::string ArchiveRow::json() const {
  std::string out = "{\"kind\":\"" + std::string(model::name(kind)) + '"';
  for (const ArchiveField& field : fields) {
    if (field.null) continue;
    out.append(",\"").append(field.name).append("\":");
    if (field.quoted)
      append_json_text(out, field.text);
    else
      out += field.text;
  }
  return out + "}";
}

Result<std::unique_ptr<ArchiveReader>> open_archive_reader(platform::FileSystem& files, ArchiveOptions options) {
  while (options.directory.size() > 1 && options.directory.back() == '/') options.directory.pop_back();
  TRY_ASSIGN(auto api, load_duckdb(options.duckdb_library));
  TRY_ASSIGN(auto duck, DuckConnection::open(std::move(api), options.directory, options.memory_mb));
  return std::unique_ptr<ArchiveReader>(std::make_unique<DuckReader>(files, std::move(options), std::move(duck)));
}

}  // namespace pandun::eventlog
