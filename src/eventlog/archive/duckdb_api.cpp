#include "eventlog/archive/duckdb_api.h"

#include <dlfcn.h>

#include <cstring>
#include <vector>

#include "platform/file_system.h"
#include "platform/process.h"

namespace pandun::eventlog {
namespace {

constexpr const char* kAdvice =
    "the archive needs DuckDB's library; run 'npm ci --prefix tools/node' in the source folder, or put libduckdb.so "
    "into lib/ "
    "beside the program, or name it with archive.duckdb_library";

std::vector<std::string> places(const std::string& configured) {
  if (!configured.empty()) return {configured};
  const std::string home = platform::directory_of(platform::executable_path());
  const std::string package = "/tools/node/node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so";
  return {home + "/lib/libduckdb.so", home + "/../.." + package, home + "/../../.." + package, "libduckdb.so"};
}

// Fills one function pointer; false: the library lacks it.
template <typename F>
bool find(void* library, const char* name, F& out) {
  void* symbol = ::dlsym(library, name);
  static_assert(sizeof symbol == sizeof out);
  std::memcpy(&out, &symbol, sizeof out);
  return symbol != nullptr;
}

const char* bind(void* library, DuckApi& api) {
#define PANDUN_FIND(name) \
  if (!find(library, "duckdb_" #name, api.name)) return "duckdb_" #name
  PANDUN_FIND(library_version);
  PANDUN_FIND(create_config);
  PANDUN_FIND(set_config);
  PANDUN_FIND(destroy_config);
  PANDUN_FIND(open_ext);
  PANDUN_FIND(close);
  PANDUN_FIND(connect);
  PANDUN_FIND(disconnect);
  PANDUN_FIND(free);
  PANDUN_FIND(query);
  PANDUN_FIND(result_error);
  PANDUN_FIND(destroy_result);
  PANDUN_FIND(column_count);
  PANDUN_FIND(fetch_chunk);
  PANDUN_FIND(create_logical_type);
  PANDUN_FIND(destroy_logical_type);
  PANDUN_FIND(create_data_chunk);
  PANDUN_FIND(destroy_data_chunk);
  PANDUN_FIND(data_chunk_reset);
  PANDUN_FIND(data_chunk_set_size);
  PANDUN_FIND(data_chunk_get_size);
  PANDUN_FIND(data_chunk_get_vector);
  PANDUN_FIND(vector_get_data);
  PANDUN_FIND(vector_get_validity);
  PANDUN_FIND(vector_ensure_validity_writable);
  PANDUN_FIND(unsafe_vector_assign_string_element_len);
  PANDUN_FIND(vector_size);
  PANDUN_FIND(appender_create);
  PANDUN_FIND(appender_error);
  PANDUN_FIND(append_data_chunk);
  PANDUN_FIND(appender_destroy);
#undef PANDUN_FIND
  return nullptr;
}

}  // namespace

Result<std::shared_ptr<const DuckApi>> load_duckdb(const std::string& configured) {
  std::string tried;
  for (const std::string& path : places(configured)) {
    // Never unloaded: its own threads and exit handlers may outlive us.
    void* library = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      tried += (tried.empty() ? "" : ", ") + path;
      continue;
    }
    auto api = std::make_shared<DuckApi>();
    if (const char* missing = bind(library, *api); missing != nullptr)
      return error(Errc::kUnavailable, path, std::string("lacks ") + missing + "; " + kAdvice);
    return std::shared_ptr<const DuckApi>(std::move(api));
  }
  return error(Errc::kUnavailable, "libduckdb.so", "not found (tried " + tried + "): " + kAdvice);
}

Result<std::unique_ptr<DuckConnection>> DuckConnection::open(std::shared_ptr<const DuckApi> api,
                                                             const std::string& directory, std::uint32_t memory_mb) {
  std::unique_ptr<DuckConnection> out(new DuckConnection(std::move(api)));
  const DuckApi& duck = *out->api_;
  DuckApi::Handle config = nullptr;
  duck.create_config(&config);
  const std::string memory = std::to_string(memory_mb) + "MB";
  for (const auto& [name, value] :
       std::initializer_list<std::pair<const char*, const char*>>{{"threads", "1"},
                                                                  {"memory_limit", memory.c_str()},
                                                                  {"autoinstall_known_extensions", "false"},
                                                                  {"autoload_known_extensions", "false"},
                                                                  {"allow_community_extensions", "false"},
                                                                  {"preserve_insertion_order", "true"}})
    if (duck.set_config(config, name, value) != 0) {
      duck.destroy_config(&config);
      return error(Errc::kUnavailable, "libduckdb.so", std::string("refuses the setting ") + name);
    }
  char* words = nullptr;
  const int failed = duck.open_ext(nullptr, &out->database_, config, &words);
  duck.destroy_config(&config);
  if (failed != 0) {
    const Error refused = duck_error("libduckdb.so", words);
    duck.free(words);
    return refused;
  }
  if (duck.connect(out->database_, &out->connection_) != 0)
    return error(Errc::kUnavailable, "libduckdb.so", "gave no connection");
  TRY(out->run("SET temp_directory = ''"));
  TRY(out->run("SET allowed_directories = [" + sql_text(directory + "/") + "]"));
  TRY(out->run("SET enable_external_access = false"));
  TRY(out->run("SET lock_configuration = true"));
  return out;
}

DuckConnection::~DuckConnection() {
  if (connection_ != nullptr) api_->disconnect(&connection_);
  if (database_ != nullptr) api_->close(&database_);
}

Result<> DuckConnection::run(const std::string& sql) {
  DuckResult result{};
  Result<> out;
  if (api_->query(connection_, sql.c_str(), &result) != 0) out = duck_error("archive", api_->result_error(&result));
  api_->destroy_result(&result);
  return out;
}

Error duck_error(const std::string& where, const char* words) {
  const std::string text = words == nullptr ? "failed without a reason" : words;
  const bool damage = text.find("too small to be a Parquet") != std::string::npos ||
                      text.find("No magic bytes") != std::string::npos || text.find("corrupt") != std::string::npos;
  const bool full = text.find("No space left") != std::string::npos;
  return error(damage ? Errc::kCorrupt : Errc::kIo, where, text, full);
}

std::string sql_text(const std::string& text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') out += '\'';
    out += c;
  }
  return out + "'";
}

}  // namespace pandun::eventlog
