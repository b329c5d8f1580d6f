// The lists below DATA/decide/lists: NAME.toml says what a list is and who approved it, NAME.csv its numbers. The CSV is compiled
// into NAME.list, which holds keyed hashes, and then removed: clear numbers do not lie about.
//
// Errors   refresh(): never; what is wrong with a list is in faults(), and that list is not used.
// Threads  one owner.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "decide/number_list.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::server {

class DecisionLists {
 public:
  DecisionLists(platform::FileSystem& files, std::string directory, const platform::SealKey& key,
                const decide::NumberReader& reader)
      : files_(files), directory_(std::move(directory)), key_(key), reader_(reader) {}

  // Looks for what changed; true if lists() is another than before. `compile` false: only what is compiled already.
  bool refresh(bool compile);
  const std::vector<std::shared_ptr<const decide::NumberList>>& lists() const { return lists_; }
  const std::vector<Error>& faults() const { return faults_; }

 private:
  struct Seen {
    std::int64_t manifest_ms = -1, list_ms = -1;
    std::uint64_t list_bytes = 0;
    std::shared_ptr<const decide::NumberList> list;  // null: refused
  };
  Result<> compile_csv(const std::string& name);
  Result<> look(const std::string& name, Seen& seen, bool compile, bool& changed);

  platform::FileSystem& files_;
  std::string directory_;
  platform::SealKey key_;
  const decide::NumberReader& reader_;
  std::map<std::string, Seen> seen_;
  std::vector<std::shared_ptr<const decide::NumberList>> lists_;
  std::vector<Error> faults_;
};

}  // namespace pandun::server
