// Builds a WHERE clause and its bound values side by side, so that a filter never pastes text into SQL.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "store/page.h"
#include "store/sqlite/connection.h"

namespace pandun::store {

class Where {
 public:
  // `condition` holds one '?'. The bound text must outlive the query.
  Where& add(std::string_view condition, Bind value) {
    add(condition);
    values_.push_back(value);
    return *this;
  }
  Where& add(std::string_view condition) {
    sql_.append(sql_.empty() ? " WHERE " : " AND ").append(condition);
    return *this;
  }
  Where& equals_unless_empty(std::string_view column, const std::string& text) {
    if (!text.empty()) add(std::string(column) + " = ?", text);
    return *this;
  }
  Where& page(const PageRequest& page) {
    if (page.cursor > 0) add(page.newest ? "seq < ?" : "seq > ?", page.cursor);
    return *this;
  }
  const std::string& sql() const { return sql_; }
  const std::vector<Bind>& values() const { return values_; }

 private:
  std::string sql_;
  std::vector<Bind> values_;
};

inline int clamp_limit(int limit) {
  return limit < 1 ? 1 : (limit > kPageMax ? kPageMax : limit);
}

// One row more than asked for tells whether there is a next page.
template <typename T>
Result<Page<T>> fetch_page(Connection& db, const std::string& select, const Where& where, const PageRequest& request,
                           T (*read)(const Row&)) {
  const int limit = clamp_limit(request.limit);
  std::vector<Bind> values = where.values();
  values.emplace_back(limit + 1);
  const std::string sql =
      select + where.sql() + (request.newest ? " ORDER BY seq DESC LIMIT ?" : " ORDER BY seq LIMIT ?");
  Page<T> page;
  bool more = false;
  TRY(db.query(sql, values, [&](const Row& row) {
    if (page.items.size() < static_cast<std::size_t>(limit)) {
      page.items.push_back(read(row));
    } else {
      more = true;
    }
  }));
  if (more) page.next = page.items.back().seq;
  return page;
}

template <typename T>
Result<std::vector<T>> fetch_all(Connection& db, std::string_view sql, std::initializer_list<Bind> values,
                                 T (*read)(const Row&)) {
  std::vector<T> out;
  TRY(db.query(sql, values, [&](const Row& row) { out.push_back(read(row)); }));
  return out;
}

template <typename T>
Result<std::optional<T>> fetch_one(Connection& db, std::string_view sql, std::initializer_list<Bind> values,
                                   T (*read)(const Row&)) {
  std::optional<T> out;
  TRY(db.query(sql, values, [&](const Row& row) { out = read(row); }));
  return out;
}

std::string join_words(const std::vector<std::string>& words);
std::vector<std::string> split_words(const std::string& text);
std::string fold_for_search(std::string_view text);        // ASCII letters in lower case; everything else as it is
Result<> need_one(Connection& db, std::string_view what);  // kNotFound when the last statement changed nothing

}  // namespace pandun::store
