#include "server/rule_book.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace pandun::server {
namespace {

constexpr std::string_view kManagedFolder = "managed";

// The .toml files of a directory. In a book's own folder the desk's rules are told by their names.
Result<std::vector<detect::RuleSource>> read_sources(platform::FileSystem& files, const std::string& directory) {
  TRY_ASSIGN(const auto names, files.list(directory));
  std::vector<detect::RuleSource> sources;
  for (const std::string& name : names) {
    if (!name.ends_with(".toml")) continue;
    const std::string path = platform::join(directory, name);
    TRY_ASSIGN(std::string text, platform::read_file(files, path, 16U << 20));
    sources.push_back({path, std::move(text), name.starts_with(kManagedPrefix)});
  }
  return sources;
}

Result<std::vector<detect::RuleSource>> present_sources(platform::FileSystem& files, const std::string& content_rules,
                                                        const std::string& managed) {
  TRY_ASSIGN(auto sources, read_sources(files, content_rules));
  for (const detect::RuleSource& source : sources)
    if (source.overrides)
      return error(Errc::kBadConfig, source.file,
                   fmt::format("names of rule files do not begin with {}: rename it", kManagedPrefix));
  if (!files.info(managed).ok()) return sources;
  TRY_ASSIGN(auto more, read_sources(files, managed));
  for (detect::RuleSource& source : more)
    if (source.overrides) sources.push_back(std::move(source));
  return sources;
}

}  // namespace

Result<std::shared_ptr<const detect::RuleSet>> compile_rules(const std::vector<detect::RuleSource>& sources,
                                                             const std::string& where) {
  detect::RuleCompilation compiled = detect::RuleSet::compile(sources);
  if (compiled.faults.empty()) return std::move(compiled.rules);
  std::string faults;
  for (const detect::RuleFault& fault : compiled.faults) faults += (faults.empty() ? "" : "\n  ") + fault.text();
  return error(Errc::kBadConfig, where, faults);
}

Result<RuleBook> RuleBook::open(platform::FileSystem& files, const std::string& directory,
                                const std::string& content_rules, std::uint64_t next_position) {
  RuleBook book(files, directory, content_rules);
  TRY(files.make_directories(directory));
  TRY(book.read_history());
  TRY(book.enter(next_position));
  TRY_ASSIGN(book.seen_, book.signature());
  return book;
}

Result<> RuleBook::read_history() {
  const auto history = platform::read_file(*files_, platform::join(directory_, "history"), 16U << 20);
  if (!history.ok()) {
    if (history.error().code == Errc::kNotFound) return {};
    return history.error();
  }
  const std::string_view text = *history;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t space = line.find(' ');
    Change change;
    if (space == std::string_view::npos ||
        std::from_chars(line.data(), line.data() + space, change.position).ec != std::errc())
      return error(Errc::kCorrupt, platform::join(directory_, "history"),
                   fmt::format("\"{}\" is not POSITION DIGEST", line));
    change.digest = line.substr(space + 1);
    const std::string home = platform::join(directory_, change.digest);
    TRY_ASSIGN(const auto sources, read_sources(*files_, home));
    TRY_ASSIGN(change.rules, compile_rules(sources, home));
    changes_.push_back(std::move(change));
  }
  return {};
}

// Names, sizes and times: cheap to ask every few seconds.
Result<std::string> RuleBook::signature() const {
  std::string out;
  for (const std::string& directory : {content_rules_, platform::join(directory_, std::string(kManagedFolder))}) {
    if (directory != content_rules_ && !files_->info(directory).ok()) continue;
    TRY_ASSIGN(const auto names, files_->list(directory));
    for (const std::string& name : names) {
      if (!name.ends_with(".toml")) continue;
      TRY_ASSIGN(const platform::FileInfo info, files_->info(platform::join(directory, name)));
      out += fmt::format("{}:{}:{}:{};", name, info.size, info.modified_ms, info.inode);
    }
  }
  return out;
}

Result<std::vector<detect::RuleSource>> RuleBook::present() const {
  return present_sources(*files_, content_rules_, platform::join(directory_, std::string(kManagedFolder)));
}

// The same rules may have been in force before, out of other files: what stands there and says the same stays.
Result<> RuleBook::keep_texts(const std::vector<detect::RuleSource>& sources, const std::string& digest) {
  const std::string home = platform::join(directory_, digest);
  TRY(files_->make_directories(home));
  TRY_ASSIGN(const auto had, read_sources(*files_, home));
  if (const auto before = compile_rules(had, home); before.ok() && (*before)->digest() == digest) return {};
  for (const detect::RuleSource& source : had) TRY(files_->remove(source.file));
  for (const detect::RuleSource& source : sources)
    TRY(platform::replace_file(*files_, platform::join(home, platform::name_of(source.file)), source.text));
  return {};
}

Result<bool> RuleBook::enter(std::uint64_t position) {
  TRY_ASSIGN(const auto sources, present());
  TRY_ASSIGN(auto rules, compile_rules(sources, content_rules_));
  if (!changes_.empty() && changes_.back().digest == rules->digest()) return false;
  TRY(keep_texts(sources, rules->digest()));
  changes_.push_back({changes_.empty() ? 0 : position, rules->digest(), std::move(rules)});
  std::string history;
  for (const Change& change : changes_) history += fmt::format("{} {}\n", change.position, change.digest);
  TRY(platform::replace_file(*files_, platform::join(directory_, "history"), history));
  return true;
}

Result<bool> RuleBook::look(std::uint64_t next_position) {
  TRY_ASSIGN(std::string now, signature());
  if (now == seen_) return false;
  seen_ = std::move(now);
  return enter(next_position);
}

std::vector<RuleBook::Change> RuleBook::from(std::uint64_t position) const {
  std::size_t first = 0;
  for (std::size_t i = 0; i < changes_.size(); ++i)
    if (changes_[i].position <= position) first = i;
  return {changes_.begin() + static_cast<std::ptrdiff_t>(first), changes_.end()};
}

std::string managed_rules_directory(const std::string& data) {
  return data + "/rules/" + std::string(kManagedFolder);
}

Result<std::vector<RuleText>> rules_in_force(platform::FileSystem& files, const std::string& content_directory,
                                             const std::string& data) {
  TRY_ASSIGN(const auto sources,
             present_sources(files, platform::join(content_directory, "rules"), managed_rules_directory(data)));
  TRY(compile_rules(sources, "rules in force"));
  std::vector<RuleText> out;
  for (const bool overriding : {true, false})
    for (const detect::RuleSource& source : sources) {
      if (source.overrides != overriding) continue;
      TRY_ASSIGN(auto rules, split_rules(source.text, source.file));
      for (RuleText& rule : rules) {
        const bool known = std::any_of(out.begin(), out.end(), [&](const RuleText& had) { return had.id == rule.id; });
        if (!known) out.push_back(std::move(rule));
      }
    }
  return out;
}

}  // namespace pandun::server
