#include <fmt/format.h>

#include "casework/case_desk.h"

namespace pandun::casework {
namespace {

constexpr std::uint64_t kContentMax = 4 << 20;

struct File {
  std::string name, text;
};

Result<File> read(platform::FileSystem& files, const std::string& directory, const std::string& name) {
  TRY_ASSIGN(std::string text, platform::read_file(files, platform::join(directory, name), kContentMax));
  return File{"content/" + name, std::move(text)};
}

void gather(const Error& fault, std::string& faults) {
  if (!faults.empty()) faults.push_back('\n');
  faults.append(fault.where).append(": ").append(fault.message);
}

}  // namespace

Result<std::unique_ptr<CaseworkContent>> load_casework_content(platform::FileSystem& files,
                                                               const std::string& directory) {
  TRY_ASSIGN(const File flow, read(files, directory, "workflows/standard.toml"));
  TRY_ASSIGN(const File clocks, read(files, directory, "clocks/standard.toml"));
  TRY_ASSIGN(const File calendar, read(files, directory, "clocks/calendar_cn.toml"));
  TRY_ASSIGN(const File laws, read(files, directory, "grounds/standard.toml"));
  TRY_ASSIGN(const File grades, read(files, directory, "grades/standard.toml"));
  std::string faults;
  auto table = ClockTable::parse(clocks.text, clocks.name, calendar.text, calendar.name);
  auto library = guard::LawLibrary::parse(laws.text, laws.name);
  auto grade_table = GradeTable::parse(grades.text, grades.name);
  auto workflow = Workflow::parse(flow.text, flow.name, table.ok() ? table->ids() : std::vector<std::string>{});
  if (!table.ok()) gather(table.error(), faults);
  if (!library.ok()) gather(library.error(), faults);
  if (!grade_table.ok()) gather(grade_table.error(), faults);
  // Without the clock table every clock would look unknown.
  if (!workflow.ok() && table.ok()) gather(workflow.error(), faults);
  if (!faults.empty()) return error(Errc::kBadConfig, directory, faults);
  return std::make_unique<CaseworkContent>(
      CaseworkContent{std::move(*workflow), std::move(*table), std::move(*library), std::move(*grade_table)});
}

}  // namespace pandun::casework
