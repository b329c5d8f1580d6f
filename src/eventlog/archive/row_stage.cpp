#include "eventlog/archive/row_stage.h"

#include <algorithm>

namespace pandun::eventlog {
namespace {

// Length of the UTF-8 sequence at the front; 0 if there is none. Source: RFC 3629 section 4.
std::size_t sequence(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto tail = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned a = at(0), b = at(1);
  if (a < 0x80) return 1;
  if (a >= 0xc2 && a <= 0xdf) return tail(1) ? 2 : 0;
  if (a >= 0xe0 && a <= 0xef) {
    const bool fits = (a != 0xe0 || b >= 0xa0) && (a != 0xed || b <= 0x9f);
    return fits && tail(1) && tail(2) ? 3 : 0;
  }
  if (a >= 0xf0 && a <= 0xf4) {
    const bool fits = (a != 0xf0 || b >= 0x90) && (a != 0xf4 || b <= 0x8f);
    return fits && tail(1) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

}  // namespace

bool is_utf8(std::string_view text) {
  if (std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; })) return true;
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string as_utf8(std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    if (size == 0) {
      const auto byte = static_cast<unsigned char>(text[0]);
      out.append("\\x").append(1, kHex[byte >> 4]).append(1, kHex[byte & 15U]);
    } else {
      out.append(text.substr(0, size));
    }
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return out;
}

const TokenCache::Facts& TokenCache::number(model::NumberKey number) {
  if (const auto it = numbers_.find(number.bits()); it != numbers_.end()) return it->second;
  if (numbers_.size() >= kEntries) numbers_.clear();
  Facts facts;
  if (number.known()) facts = {tokenizer_->number_token(number), tokenizer_->number_note(number)};
  return numbers_.emplace(number.bits(), std::move(facts)).first->second;
}

const std::string& TokenCache::device(std::string_view device) {
  std::string key(device);
  if (const auto it = devices_.find(key); it != devices_.end()) return it->second;
  if (devices_.size() >= kEntries) devices_.clear();
  std::string token = device.empty() ? std::string() : tokenizer_->device_token(device);
  return devices_.emplace(std::move(key), std::move(token)).first->second;
}

RowStage::RowStage(DuckConnection& duck, model::EventKind kind, TokenCache& tokens)
    : duck_(duck),

      tokens_(tokens),
      columns_(columns_of(kind)),
      table_("staged_" + std::string(model::name(kind))),
      capacity_(duck.api().vector_size()) {
  const DuckApi& api = duck_.api();
  std::vector<DuckApi::Handle> types{api.create_logical_type(static_cast<int>(DuckType::kBigint))};
  for (const Column& column : columns_) types.push_back(api.create_logical_type(static_cast<int>(column.type)));
  chunk_ = api.create_data_chunk(types.data(), types.size());
  for (DuckApi::Handle& type : types) api.destroy_logical_type(&type);
  look_up_vectors();
}

RowStage::~RowStage() {
  if (appender_ != nullptr) (void)duck_.api().appender_destroy(&appender_);
  duck_.api().destroy_data_chunk(&chunk_);
}

void RowStage::look_up_vectors() {
  const DuckApi& api = duck_.api();
  vectors_.clear();
  data_.clear();
  validity_.clear();
  for (std::size_t i = 0; i <= columns_.size(); ++i) {
    DuckApi::Handle vector = api.data_chunk_get_vector(chunk_, i);
    api.vector_ensure_validity_writable(vector);
    vectors_.push_back(vector);
    data_.push_back(api.vector_get_data(vector));
    validity_.push_back(api.vector_get_validity(vector));
  }
}

Result<> RowStage::create_table() {
  std::string sql = "CREATE OR REPLACE TABLE " + table_ + "(day BIGINT";
  for (const Column& column : columns_) sql += ", \"" + column.name + "\" " + std::string(sql_name(column.type));
  TRY(duck_.run(sql + ")"));
  table_made_ = true;
  return {};
}

Result<> RowStage::stage(const model::Event& event, std::int64_t day) {
  if (row_ == capacity_) TRY(push_chunk());
  column_ = 0;
  put<std::int64_t>(day);
  put<std::int64_t>(static_cast<std::int64_t>(event.position));
  put<std::int64_t>(event.time.ms * 1000);
  put<std::int64_t>(static_cast<std::int64_t>(event.record));
  put<std::int64_t>(event.source);
  put<bool>(event.late);
  std::visit([this](const auto& payload) { describe(*this, payload); }, event.payload);
  CHECK(column_ == columns_.size() + 1);
  ++row_;
  ++rows_;
  days_.insert(day);
  return {};
}

Result<> RowStage::push_chunk() {
  if (row_ == 0) return {};
  const DuckApi& api = duck_.api();
  if (!table_made_) TRY(create_table());
  if (appender_ == nullptr && api.appender_create(duck_.get(), nullptr, table_.c_str(), &appender_) != 0)
    return duck_error("archive", api.appender_error(appender_));
  api.data_chunk_set_size(chunk_, row_);
  if (api.append_data_chunk(appender_, chunk_) != 0) return duck_error("archive", api.appender_error(appender_));
  api.data_chunk_reset(chunk_);
  look_up_vectors();
  row_ = 0;
  return {};
}

Result<> RowStage::settle() {
  TRY(push_chunk());
  if (appender_ == nullptr) return {};
  if (duck_.api().appender_destroy(&appender_) == 0) return {};
  appender_ = nullptr;
  return error(Errc::kIo, "archive",
               "rows could not be staged; raise archive.memory_mb or lower archive.rows_per_part");
}

std::string RowStage::select(std::int64_t day) const {
  return "SELECT * EXCLUDE (day) FROM " + table_ + " WHERE day = " + std::to_string(day);
}

Result<> RowStage::forget(std::int64_t day) {
  if (days_.size() > 1) TRY(duck_.run("DELETE FROM " + table_ + " WHERE day = " + std::to_string(day)));
  days_.erase(day);
  if (days_.empty()) return clear();
  return {};
}

Result<> RowStage::clear() {
  days_.clear();
  rows_ = 0;
  return create_table();  // a new one gives the memory back
}

void RowStage::null() {
  validity_[column_++][row_ / 64] &= ~(1ULL << (row_ % 64));
}

void RowStage::text(const char*, std::string_view value) {
  if (value.empty()) return null();
  const auto assign = [&](std::string_view text) {
    duck_.api().unsafe_vector_assign_string_element_len(vectors_[column_++], row_, text.data(), text.size());
  };
  if (is_utf8(value))
    assign(value);
  else
    assign(as_utf8(value));
}

void RowStage::count(const char*, std::int64_t value) {
  if (value < 0) return null();
  put<std::int64_t>(value);
}

void RowStage::flag(const char*, bool value) {
  put<bool>(value);
}

void RowStage::ip(const char* name, const model::IpAddress& value) {
  text(name, value.known() ? value.text() : std::string());
}

void RowStage::number(const char* name, model::NumberKey value) {
  const TokenCache::Facts& facts = tokens_.number(value);
  text(name, facts.token);
  text(name, number_kind_text(value.kind()));
  text(name, facts.note);
}

void RowStage::device(const char* name, std::string_view value) {
  text(name, tokens_.device(value));
}

}  // namespace pandun::eventlog
