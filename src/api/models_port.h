// What the API asks of the model desk: the shelf of trained models, and the way of one to being champion, by two people.
// `server` implements it.
//
// Errors   kNotFound, kConflict (the states do not allow it, another proposal waits), kNotAllowed (the second person is the first; an
//          API token), kCorrupt (a model that is not the one that entered), kIo.
// Threads  every call may come from any worker at once.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "guard/rights.h"

namespace pandun::api {

struct ModelEntry {
  std::uint32_t batch = 0;
  std::string name, digest, change_note, state;          // draft, shadow, champion, retired
  std::string entered, changed;                          // RFC 3339
  std::string by, approved_by;                           // of the last change
  std::uint64_t looked = 0, spoke = 0, spoke_alone = 0;  // of one that scores: since it holds
};

struct ModelProposal {
  std::string action;  // "champion", "retire" or "roll_back"
  std::uint32_t batch = 0;
  std::string by, reason;
  WallMs at, lapses;
};

struct ModelShelf {
  std::vector<ModelEntry> items;  // newest batch first
  std::optional<ModelProposal> waiting;
};

class ModelsPort {
 public:
  virtual ~ModelsPort() = default;
  virtual Result<ModelShelf> shelf() const = 0;
  virtual Result<ModelShelf> to_shadow(const guard::Actor& actor, std::uint32_t batch, const std::string& reason) = 0;
  virtual Result<ModelShelf> propose(const guard::Actor& actor, const std::string& action, std::uint32_t batch,
                                     const std::string& reason) = 0;
  virtual Result<ModelShelf> decide(const guard::Actor& actor, bool approve, const std::string& reason) = 0;
};

}  // namespace pandun::api
