#include "server/content.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "platform/process.h"

namespace pandun::server {
namespace {

Result<> digest_below(platform::FileSystem& files, const std::string& directory, const std::string& shown,
                      Hash128& state) {
  TRY_ASSIGN(const auto names, files.list(directory));
  for (const std::string& name : names) {
    const std::string path = platform::join(directory, name), label = shown + "/" + name;
    TRY_ASSIGN(const platform::FileInfo info, files.info(path));
    if (info.directory) {
      TRY(digest_below(files, path, label, state));
      continue;
    }
    TRY_ASSIGN(const std::string bytes, platform::read_file(files, path, 64U << 20));
    const std::string text = fmt::format("{:016x}{:016x}{}:{}:", state.hi, state.lo, label, bytes.size()) + bytes;
    state = hash128(text);
  }
  return {};
}

// Collects every fault before giving up, so that a person mends all of them at once.
class Faults {
 public:
  template <typename T>
  bool add(const Result<T>& result) {
    if (result.ok()) return true;
    if (!text_.empty()) text_ += "\n  ";
    text_ += result.error().text();
    return false;
  }
  bool any() const { return !text_.empty(); }
  Error error(const std::string& directory) const { return pandun::error(Errc::kBadConfig, directory, text_); }

 private:
  std::string text_;
};

}  // namespace

std::string content_directory(platform::FileSystem& files, const Settings& settings) {
  if (const std::string set = settings.text("content.directory"); !set.empty()) return set;
  const std::string home = platform::directory_of(platform::executable_path());
  for (const char* near : {"/../../content", "/../share/pandun/content", "/content"})
    if (files.info(home + near + "/numbering").ok()) return home + near;
  return home + "/../share/pandun/content";
}

Result<std::unique_ptr<exchange::Purposes>> load_lead_purposes(platform::FileSystem& files,
                                                               const std::string& content_directory,
                                                               const guard::LawLibrary& laws) {
  TRY_ASSIGN(const std::string text,
             platform::read_file(files, platform::join(content_directory, "leads/purposes.toml"), 1U << 20));
  TRY_ASSIGN(exchange::Purposes purposes, exchange::Purposes::parse(text, "leads/purposes.toml", laws));
  return std::make_unique<exchange::Purposes>(std::move(purposes));
}

Result<std::string> directory_digest(platform::FileSystem& files, const std::string& directory) {
  Hash128 state;
  TRY(digest_below(files, directory, "", state));
  return fmt::format("{:016x}{:016x}", state.hi, state.lo);
}

Result<std::unique_ptr<Content>> load_content(platform::FileSystem& files, const Settings& settings) {
  auto content = std::make_unique<Content>();
  content->directory = content_directory(files, settings);
  TRY_ASSIGN(content->digest, directory_digest(files, content->directory));
  const auto path = [&](const char* name) { return platform::join(content->directory, name); };

  Faults faults;
  auto plan = registry::NumberingPlan::load(files, path("numbering"));
  if (faults.add(plan)) {
    content->plan = std::move(*plan);
    auto groups = registry::ProtectedGroups::load(files, path("protected_groups.toml"), content->plan);
    if (faults.add(groups)) content->groups = std::move(*groups);
  }
  auto cells = registry::CellPlaces::load(files, path("cells.csv"));
  if (faults.add(cells)) content->cells = std::move(*cells);
  const auto services = platform::read_file(files, path("known_services.toml"));
  if (faults.add(services)) faults.add(content->services.add_known_services(*services, path("known_services.toml")));
  const auto grades = platform::read_file(files, path("grades/standard.toml"));
  if (faults.add(grades)) {
    auto table = casework::GradeTable::parse(*grades, path("grades/standard.toml"));
    if (faults.add(table)) content->grades = std::move(*table);
  }
  if (faults.any()) return faults.error(content->directory);
  return content;
}

Result<std::unique_ptr<casework::CaseworkContent>> load_case_content(platform::FileSystem& files,
                                                                     const std::string& content_directory) {
  const auto read = [&](const char* name) {
    return platform::read_file(files, platform::join(content_directory, name), 16U << 20);
  };
  TRY_ASSIGN(const std::string clocks, read("clocks/standard.toml"));
  TRY_ASSIGN(const std::string calendar, read("clocks/calendar_cn.toml"));
  TRY_ASSIGN(const std::string laws, read("grounds/standard.toml"));
  TRY_ASSIGN(const std::string workflow, read("workflows/standard.toml"));
  TRY_ASSIGN(const std::string grades, read("grades/standard.toml"));

  auto content = std::make_unique<casework::CaseworkContent>();
  Faults faults;
  auto clock_table = casework::ClockTable::parse(clocks, "clocks/standard.toml", calendar, "clocks/calendar_cn.toml");
  if (faults.add(clock_table)) {
    content->clocks = std::move(*clock_table);
    auto flow = casework::Workflow::parse(workflow, "workflows/standard.toml", content->clocks.ids());
    if (faults.add(flow)) content->workflow = std::move(*flow);
  }
  auto library = guard::LawLibrary::parse(laws, "grounds/standard.toml");
  if (faults.add(library)) content->laws = std::move(*library);
  auto table = casework::GradeTable::parse(grades, "grades/standard.toml");
  if (faults.add(table)) content->grades = std::move(*table);
  if (faults.any()) return faults.error(content_directory);
  return content;
}

}  // namespace pandun::server
