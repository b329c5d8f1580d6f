#include "server/decision_lists.h"

#include <fmt/format.h>

namespace pandun::server {
namespace {

constexpr std::string_view kNameCharacters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
constexpr std::size_t kNameMax = 40;

}  // namespace

Result<> DecisionLists::compile_csv(const std::string& name) {
  // Taken aside first: a newer list that is put there while this one is compiled is the next one's, not removed with it.
  const std::string csv = platform::join(directory_, name + ".csv"), taken = csv + ".taken";
  if (files_.info(csv).ok()) {
    TRY(files_.rename(csv, taken));
  } else if (!files_.info(taken).ok()) {
    return {};
  }
  TRY_ASSIGN(const decide::ListCompiled done,
             decide::compile_list(files_, taken, platform::join(directory_, name + ".list"), key_, reader_));
  std::string report = fmt::format("{{\"entries\":{},\"repeats\":{},\"rejected\":{},\"rejects\":[", done.entries,
                                   done.repeats, done.rejected);
  for (std::size_t i = 0; i < done.rejects.size(); ++i)
    report += fmt::format("{}{{\"line\":{},\"reason\":\"{}\"}}", i == 0 ? "" : ",", done.rejects[i].line,
                          done.rejects[i].reason);
  TRY(platform::replace_file(files_, platform::join(directory_, name + ".report.json"), report + "]}\n"));
  return files_.remove(taken);
}

Result<> DecisionLists::look(const std::string& name, Seen& seen, bool compile, bool& changed) {
  const std::string manifest_path = platform::join(directory_, name + ".toml");
  const std::string list_path = platform::join(directory_, name + ".list");
  TRY_ASSIGN(const platform::FileInfo manifest_info, files_.info(manifest_path));
  TRY_ASSIGN(const std::string text, platform::read_file(files_, manifest_path, 1U << 20));
  TRY_ASSIGN(decide::ListManifest manifest, decide::parse_list_manifest(manifest_path, text));
  manifest.name = name;
  if (compile) TRY(compile_csv(name));
  const auto list_info = files_.info(list_path);
  if (!list_info.ok()) {
    if (!compile) return {};
    return error(Errc::kNotFound, list_path, fmt::format("no list is compiled; put the numbers in {}.csv", name));
  }
  if (seen.list != nullptr && seen.manifest_ms == manifest_info.modified_ms && seen.list_ms == list_info->modified_ms &&
      seen.list_bytes == list_info->size)
    return {};
  TRY_ASSIGN(auto list, decide::NumberList::open(list_path, std::move(manifest), key_));
  seen.list = std::move(list);
  seen.manifest_ms = manifest_info.modified_ms;
  seen.list_ms = list_info->modified_ms;
  seen.list_bytes = list_info->size;
  changed = true;
  return {};
}

bool DecisionLists::refresh(bool compile) {
  faults_.clear();
  const auto names = files_.list(directory_);
  if (!names.ok()) {
    if (names.error().code != Errc::kNotFound) faults_.push_back(names.error());
    return false;
  }
  bool changed = false;
  std::map<std::string, Seen> now;
  for (const std::string& file : *names) {
    if (!file.ends_with(".toml")) continue;
    const std::string name = file.substr(0, file.size() - 5);
    if (name.empty() || name.size() > kNameMax || name.find_first_not_of(kNameCharacters) != std::string::npos) {
      faults_.push_back(error(Errc::kBadConfig, file, "a list's name takes letters, digits, - and _, up to 40"));
      continue;
    }
    const auto before = seen_.find(name);
    Seen seen = before == seen_.end() ? Seen{} : before->second;
    if (auto looked = look(name, seen, compile, changed); !looked.ok()) {
      faults_.push_back(looked.error());
      changed = changed || seen.list != nullptr;
      seen = {};
    }
    now.emplace(name, std::move(seen));
  }
  for (const auto& [name, seen] : seen_)
    if (seen.list != nullptr && !now.contains(name)) changed = true;
  seen_ = std::move(now);
  if (!changed) return false;
  lists_.clear();
  for (const auto& [name, seen] : seen_)
    if (seen.list != nullptr) lists_.push_back(seen.list);
  return true;
}

}  // namespace pandun::server
