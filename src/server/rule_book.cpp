#include "server/rule_book.h"

#include <fmt/format.h>

#include <charconv>

namespace pandun::server {

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

Result<std::vector<detect::RuleSource>> RuleBook::read_sources(const std::string& directory) const {
  TRY_ASSIGN(const auto names, files_->list(directory));
  std::vector<detect::RuleSource> sources;
  for (const std::string& name : names) {
    if (!name.ends_with(".toml")) continue;
    const std::string path = platform::join(directory, name);
    TRY_ASSIGN(std::string text, platform::read_file(*files_, path, 16U << 20));
    sources.push_back({path, std::move(text)});
  }
  return sources;
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
    TRY_ASSIGN(const auto sources, read_sources(home));
    TRY_ASSIGN(change.rules, compile_rules(sources, home));
    changes_.push_back(std::move(change));
  }
  return {};
}

// Names, sizes and times: cheap to ask every few seconds.
Result<std::string> RuleBook::signature() const {
  TRY_ASSIGN(const auto names, files_->list(content_rules_));
  std::string out;
  for (const std::string& name : names) {
    TRY_ASSIGN(const platform::FileInfo info, files_->info(platform::join(content_rules_, name)));
    out += fmt::format("{}:{}:{}:{};", name, info.size, info.modified_ms, info.inode);
  }
  return out;
}

Result<bool> RuleBook::enter(std::uint64_t position) {
  TRY_ASSIGN(const auto sources, read_sources(content_rules_));
  TRY_ASSIGN(auto rules, compile_rules(sources, content_rules_));
  if (!changes_.empty() && changes_.back().digest == rules->digest()) return false;
  const std::string home = platform::join(directory_, rules->digest());
  TRY(files_->make_directories(home));
  for (const detect::RuleSource& source : sources)
    TRY(platform::replace_file(*files_, platform::join(home, platform::name_of(source.file)), source.text));
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

}  // namespace pandun::server
