// Shipped knowledge, loaded whole or not at all: numbering plan, protected groups, known services, grades, rules.
//
// Digest   of every file's name and bytes below the content directory: stands in replay's summary, so that two results can be
//          told to rest on the same knowledge.
// Errors   kBadConfig with every fault of every file; kNotFound when the directory is absent.
// Threads  immutable once loaded.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "casework/case_desk.h"
#include "casework/incident_grouper.h"
#include "exchange/purposes.h"
#include "intel/warning_lists.h"
#include "platform/file_system.h"
#include "registry/cell_places.h"
#include "registry/numbering_plan.h"
#include "registry/protected_groups.h"
#include "server/settings.h"

namespace pandun::server {

// settings' content.directory, else the one beside the program (installed or built in the source tree).
std::string content_directory(platform::FileSystem& files, const Settings& settings);

struct Content {
  std::string directory, digest;
  registry::NumberingPlan plan;
  registry::ProtectedGroups groups;
  intel::WarningLists services;
  registry::CellPlaces cells;
  casework::GradeTable grades;
};
Result<std::unique_ptr<Content>> load_content(platform::FileSystem& files, const Settings& settings);

// Workflow, clocks, grounds and grades: what the case desk runs by. kBadConfig with every fault.
Result<std::unique_ptr<casework::CaseworkContent>> load_case_content(platform::FileSystem& files,
                                                                     const std::string& content_directory);

// What leads may be exchanged for: leads/purposes.toml.
Result<std::unique_ptr<exchange::Purposes>> load_lead_purposes(platform::FileSystem& files,
                                                               const std::string& content_directory,
                                                               const guard::LawLibrary& laws);

// Hex digest of the names and bytes of all files below the directory, in name order.
Result<std::string> directory_digest(platform::FileSystem& files, const std::string& directory);

}  // namespace pandun::server
