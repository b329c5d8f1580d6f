// The paper that must come with a data set before anything is trained on it (TOML): where it is from, under which licence, what it may be
// used for and on what ground, how people in it were made unrecognisable, and which impact assessment covers it (个保法 art. 55).
//
// Errors   kBadConfig with file:line:column; all missing or empty keys are named at once.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "learn/model.h"

namespace pandun::learn {

Result<DataManifest> read_manifest(std::string_view toml, const std::string& where);
// Which of the texts are missing; empty when the manifest is whole.
std::string missing_in(const DataManifest& manifest);

}  // namespace pandun::learn
