// The rule sets that were in force, from which position on: so that a restart, which goes back to a checkpoint, sees each event under the
// rules it was seen under the first time.
//
// Shape    DIR/history: one line "POSITION DIGEST" a change, oldest first; DIR/<digest>/*.toml: the texts.
// Managed  DIR/managed/managed-*.toml, written by the rule desk: its rules stand instead of the content's with the same ids.
// Reload   look() compiles the content directory's rules when their files changed; a bad set leaves the old one in force and is a fault.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "detect/rules/rule_set.h"
#include "platform/file_system.h"
#include "server/rule_text.h"

namespace pandun::server {

class RuleBook {
 public:
  struct Change {
    std::uint64_t position = 0;  // holds from this position on
    std::string digest;
    std::shared_ptr<const detect::RuleSet> rules;
  };

  // Reads the history; enters the content's present rules as a change at `next_position` if they are not the newest.
  static Result<RuleBook> open(platform::FileSystem& files, const std::string& directory,
                               const std::string& content_rules, std::uint64_t next_position);

  // In position order; the first is what held at `position`, the others came later.
  std::vector<Change> from(std::uint64_t position) const;
  const Change& newest() const { return changes_.back(); }

  // True: the rules changed and hold from `next_position` on. Errors: the new files are bad (kBadConfig); the old set stays.
  Result<bool> look(std::uint64_t next_position);

 private:
  RuleBook(platform::FileSystem& files, std::string directory, std::string content_rules)
      : files_(&files), directory_(std::move(directory)), content_rules_(std::move(content_rules)) {}
  Result<std::vector<detect::RuleSource>> present() const;
  Result<> read_history();
  Result<bool> enter(std::uint64_t position);
  Result<> keep_texts(const std::vector<detect::RuleSource>& sources, const std::string& digest);
  Result<std::string> signature() const;

  platform::FileSystem* files_;
  std::string directory_, content_rules_, seen_;
  std::vector<Change> changes_;
};

// Where the rule desk puts what it has put into force; below the book's directory.
std::string managed_rules_directory(const std::string& data);
inline constexpr std::string_view kManagedPrefix = "managed-";

// Each rule of content and desk, the desk's first where both have one: what a platform on this data would run.
Result<std::vector<RuleText>> rules_in_force(platform::FileSystem& files, const std::string& content_directory,
                                             const std::string& data);

// kBadConfig with every fault.
Result<std::shared_ptr<const detect::RuleSet>> compile_rules(const std::vector<detect::RuleSource>& sources,
                                                             const std::string& where);

}  // namespace pandun::server
