#include "sources/kit/source.h"

namespace pandun::sources {

std::uint32_t SourceNames::id(std::string_view name) {
  const auto found = ids_.find(name);
  if (found != ids_.end()) return found->second;
  const auto id = static_cast<std::uint32_t>(names_.size());
  names_.emplace_back(name);
  ids_.emplace(name, id);
  return id;
}

std::string_view SourceNames::name(std::uint32_t id) const {
  return id < names_.size() ? std::string_view(names_[id]) : std::string_view();
}

}  // namespace pandun::sources
