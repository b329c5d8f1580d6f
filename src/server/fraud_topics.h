// The fraud topic library (content/fraud_topics.toml): 22 slots, the techniques of fraud, what an entry of a topic may hold.
//
// Errors   kBadConfig with every fault as file:line:column. Keys that are not known are faults: the form is a closed list.
// Quality  of every documented slot: words in both languages, stages, signs, known techniques and advice, as many as the
//          file's own [quality] demands. Of every technique: its detectors exist, and no detector names one that does not.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "detect/detector.h"
#include "model/signal.h"
#include "platform/file_system.h"

namespace pandun::server {

struct FraudTechnique {
  std::string id, stage;  // "PF-001"; resource, reach, bait, control or drain
  model::LocalText title, about;
  std::vector<std::string> detectors;
};

struct FraudSlot {
  struct Stage {
    std::string stage;
    model::LocalText text;
  };
  std::int64_t number = 0, revision = 0;
  std::string id;
  bool documented = false;  // else reserved: a title and nothing more
  model::LocalText title, about, advice;
  std::vector<Stage> stages;
  std::vector<model::LocalText> signs;
  std::vector<std::string> techniques;
};

struct FraudField {
  std::string id, type;
  bool required = false;
  model::LocalText title;
  std::vector<std::string> values;  // of a choice
};

struct FraudTopics {
  std::int64_t version = 0;
  std::string revised;  // a date
  std::vector<FraudSlot> slots;
  std::vector<FraudTechnique> techniques;
  std::vector<FraudField> fields;
};

Result<FraudTopics> read_fraud_topics(std::string_view text, const std::string& file,
                                      std::span<const detect::DetectorPart> detectors);
Result<FraudTopics> load_fraud_topics(platform::FileSystem& files, const std::string& content_directory,
                                      std::span<const detect::DetectorPart> detectors);

}  // namespace pandun::server
