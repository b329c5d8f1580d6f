#include "casework/check_lists.h"

#include <fmt/format.h>

#include <vector>

#include "casework/list_lines.h"

namespace pandun::casework {
namespace {

constexpr std::size_t kPerWrite = 1000, kFlushBytes = 1U << 18;
constexpr int kPerRead = 5000;

class Import {
 public:
  Import(CaseDesk& desk, const guard::Actor& actor, platform::WritableFile* rejects)
      : desk_(desk), actor_(actor), rejects_(rejects) {}

  Result<> line(std::string& text, bool too_long) {
    ++out_.lines;
    while (!text.empty() && (text.back() == '\r' || text.back() == ' ')) text.pop_back();
    if (out_.lines == 1 && text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
    if (text.empty() || (out_.lines == 1 && text == "token,result")) return {};
    const std::size_t comma = text.find(',');
    if (too_long) return reject(out_.lines, "the line is too long", "");
    if (comma == std::string::npos) return reject(out_.lines, "token,result is needed", text);
    std::string token = text.substr(0, comma);
    // What is no token may be a number in the clear: it is not repeated anywhere.
    if (!token_like(token)) return reject(out_.lines, "the first field is no token", "");
    items_.push_back({"", std::move(token), text.substr(comma + 1)});
    numbers_.push_back(out_.lines);
    return items_.size() < kPerWrite ? Result<>() : flush();
  }

  Result<> flush() {
    if (!items_.empty()) {
      TRY_ASSIGN(const CheckReport report, desk_.record_checks(actor_, items_));
      out_.passed += report.passed;
      out_.failed += report.failed;
      out_.no_answer += report.no_answer;
      for (const CheckReport::Refused& refused : report.refused) {
        const CheckResult& item = items_[refused.index];
        TRY(reject(numbers_[refused.index], refused.why, item.token));
      }
      items_.clear();
      numbers_.clear();
    }
    if (rejects_ == nullptr || text_.empty()) return {};
    TRY(rejects_->append(text_));
    text_.clear();
    return {};
  }
  const CheckImport& report() const { return out_; }

 private:
  Result<> reject(std::uint64_t line, std::string_view why, std::string_view text) {
    ++out_.rejected;
    if (rejects_ == nullptr) return {};
    fmt::format_to(std::back_inserter(text_), "{},\"{}\",\"{}\"\n", line, why, text.substr(0, 64));
    if (text_.size() < kFlushBytes) return {};
    TRY(rejects_->append(text_));
    text_.clear();
    return {};
  }

  CaseDesk& desk_;
  const guard::Actor& actor_;
  platform::WritableFile* rejects_;
  CheckImport out_;
  std::vector<CheckResult> items_;
  std::vector<std::uint64_t> numbers_;
  std::string text_;
};

}  // namespace

Result<CheckImport> import_checks(platform::FileSystem& files, CaseDesk& desk, const guard::Actor& actor,
                                  const std::string& path, platform::WritableFile* rejects) {
  TRY(guard::require(actor, guard::Right::kTriage));
  TRY_ASSIGN(auto file, files.open_read(path));
  ListLines lines(*file);
  Import import(desk, actor, rejects);
  std::string line;
  bool too_long = false;
  while (true) {
    TRY_ASSIGN(const bool more, lines.next(line, too_long));
    if (!more) break;
    TRY(import.line(line, too_long));
  }
  TRY(import.flush());
  if (rejects != nullptr) TRY(rejects->sync());
  return import.report();
}

Result<std::uint64_t> export_measures(const store::Store& store, const MeasureList& wish, platform::WritableFile& out) {
  std::string text = "token,measure,case,batch,kind,state,risk,expires_at,check_result,check_due\n";
  std::uint64_t written = 0;
  std::int64_t after = 0;
  bool more = true;
  while (more) {
    TRY(store.read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(const auto rows, view.measures().walk(after, kPerRead));
      more = rows.size() == static_cast<std::size_t>(kPerRead);
      for (const store::MeasureRow& row : rows) {
        after = row.seq;
        if (!wish.kind.empty() && row.kind != wish.kind) continue;
        if (!wish.state.empty() && row.state != wish.state) continue;
        if (!wish.batch.empty() && row.batch_id != wish.batch) continue;
        fmt::format_to(std::back_inserter(text), "{},{},{},{},{},{},{},{},{},{}\n", row.entity_token, row.id,
                       row.case_id, row.batch_id, row.kind, row.state, row.risk, rfc3339(row.expires_at),
                       row.check_result, row.check_due ? rfc3339(*row.check_due) : std::string());
        ++written;
      }
      return {};
    }));
    TRY(out.append(text));
    text.clear();
  }
  TRY(out.sync());
  return written;
}

}  // namespace pandun::casework
