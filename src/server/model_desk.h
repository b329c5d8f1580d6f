// The model desk: the shelf's changes as steps of people who signed in. One proposal waits at a time; it lapses after a day.
//
// Shape    the proposal is a file beside the platform's data, so that a restart keeps it. The shelf's journal names both people;
//          so does the audit chain.
// Threads  thread-safe; the shelf's own lock keeps the command line out meanwhile.
#pragma once

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "api/models_port.h"
#include "guard/audit.h"
#include "learn/shelf.h"
#include "platform/clock.h"
#include "platform/file_system.h"
#include "server/number_models.h"

namespace pandun::server {

struct ModelDeskParts {
  platform::FileSystem& files;
  platform::Clock& clock;
  const guard::Audit& audit;
  std::string shelf, proposal;  // directory; file
  std::function<std::vector<ModelFigures>()> figures;
};

class ModelDesk final : public api::ModelsPort {
 public:
  explicit ModelDesk(ModelDeskParts parts) : parts_(std::move(parts)) {}
  Result<api::ModelShelf> shelf() const override;
  Result<api::ModelShelf> to_shadow(const guard::Actor& actor, std::uint32_t batch, const std::string& reason) override;
  Result<api::ModelShelf> propose(const guard::Actor& actor, const std::string& action, std::uint32_t batch,
                                  const std::string& reason) override;
  Result<api::ModelShelf> decide(const guard::Actor& actor, bool approve, const std::string& reason) override;

 private:
  struct Waiting {
    api::ModelProposal said;
    std::string person;
  };
  Result<std::optional<Waiting>> waiting() const;
  Result<> carry_out(const guard::Actor& actor, const Waiting& proposal, const std::string& reason);
  Result<> note(const guard::Actor& actor, std::string_view what, const std::string& action, std::uint32_t batch,
                const std::string& reason) const;
  Result<api::ModelShelf> seen() const;

  ModelDeskParts parts_;
  mutable std::mutex mutex_;
};

}  // namespace pandun::server
