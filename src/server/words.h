// The words of evidence: the feature catalogue's titles, then each detector's, as the console and the alerts' sentences say
// them.
//
// Threads  word() is safe for any reader; rests are fixed once made.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/platform_port.h"
#include "casework/words.h"
#include "detect/detector.h"
#include "registry/protected_groups.h"

namespace pandun::server {

class Words final : public casework::FeatureWords {
 public:
  // `groups`: what the rest of protected_group_* is called.
  Words(const std::vector<detect::DetectorPart>& detectors, const std::vector<registry::ProtectedGroup>& groups);

  casework::FeatureWord word(std::string_view feature) const override;
  // Every name once, the catalogue first. `lists`: the rests that list_* stands for now.
  std::vector<api::FeatureEntry> entries(const std::vector<std::string>& lists) const;

 private:
  struct Family {
    std::string stem;  // "list_"
    casework::FeatureWord word;
  };
  void add(std::string name, casework::FeatureWord word);
  void add_family(std::string stem, casework::FeatureWord word);

  std::map<std::string, casework::FeatureWord, std::less<>> words_;
  std::vector<std::string> order_;  // names as added
  std::vector<Family> families_;
};

}  // namespace pandun::server
