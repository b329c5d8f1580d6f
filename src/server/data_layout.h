// What stands where below the data directory. Everything that may hold a clear identity is sealed under keys derived from one key file.
#pragma once

#include <string>

namespace pandun::server {

inline std::string key_path(const std::string& data) {
  return data + "/keys/seal.key";
}
inline std::string log_directory(const std::string& data) {
  return data + "/eventlog";
}
inline std::string checkpoint_directory(const std::string& data) {
  return data + "/checkpoints";
}
inline std::string archive_directory(const std::string& data) {
  return data + "/archive";
}
inline std::string intel_directory(const std::string& data) {
  return data + "/intel";
}
inline std::string models_directory(const std::string& data) {
  return data + "/models";
}
// From which position on which models of the shelf held.
inline std::string model_history_path(const std::string& data) {
  return data + "/model-history";
}
// What switches told over HTTP of calls in progress, until it stands in the event log; sealed.
inline std::string call_reports_directory(const std::string& data) {
  return data + "/decide/call_reports";
}
inline std::string feed_directory(const std::string& data) {
  return data + "/feed";
}
inline std::string anchor_directory(const std::string& data) {
  return data + "/anchors";
}
inline std::string store_path(const std::string& data) {
  return data + "/pandun.db";
}
inline std::string source_names_path(const std::string& data) {
  return data + "/sources";
}

}  // namespace pandun::server
