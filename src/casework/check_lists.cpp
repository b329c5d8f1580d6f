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
    std::string token = text.substr(0, comma);
    // What is no token may be a number in the clear: it is not repeated anywhere.
    if (!guard::is_number_token(token)) return reject(out_.lines, "the first field is no token", "");
    if (comma == std::string::npos) return reject(out_.lines, "token,result is needed", token);
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

namespace {

constexpr int kChunksPerRead = 100;

// Rows first as far as they went when it began; then the lists, where what got a row of its own meanwhile is told by that row.
// So each measure stands there once whatever happens beside it.
class Export {
 public:
  Export(const store::Store& store, const MeasureList& wish, platform::WritableFile& out)
      : store_(store), wish_(wish), out_(out) {}

  Result<std::uint64_t> run() {
    text_ = "token,measure,case,batch,kind,state,risk,expires_at,check_result,check_due\n";
    std::vector<store::CardBatchRow> lists;
    TRY(store_.read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(last_row_, view.measures().last_row());
      store::PageRequest page{0, store::kPageMax, false};
      while (true) {
        TRY_ASSIGN(auto rows, view.card_batches().list("done", page));
        for (store::CardBatchRow& row : rows.items)
          if (wanted_list(row)) lists.push_back(std::move(row));
        if (!rows.next) return {};
        page.cursor = *rows.next;
      }
    }));
    TRY(write_rows());
    for (const store::CardBatchRow& list : lists) TRY(write_list(list));
    TRY(flush());
    TRY(out_.sync());
    return written_;
  }

 private:
  bool wanted_list(const store::CardBatchRow& row) const {
    return (wish_.kind.empty() || row.kind == wish_.kind) && (wish_.batch.empty() || row.id == wish_.batch);
  }

  void write(const store::MeasureRow& row) {
    if (!wish_.kind.empty() && row.kind != wish_.kind) return;
    if (!wish_.state.empty() && row.state != wish_.state) return;
    if (!wish_.batch.empty() && row.batch_id != wish_.batch) return;
    fmt::format_to(std::back_inserter(text_), "{},{},{},{},{},{},{},{},{},{}\n", row.entity_token, row.id, row.case_id,
                   row.batch_id, row.kind, row.state, row.risk, rfc3339(row.expires_at), row.check_result,
                   row.check_due ? rfc3339(*row.check_due) : std::string());
    ++written_;
  }

  Result<> flush() {
    TRY(out_.append(text_));
    text_.clear();
    return {};
  }

  Result<> write_rows() {
    std::int64_t after = 0;
    while (after < last_row_) {
      TRY(store_.read([&](const store::View& view) -> Result<> {
        TRY_ASSIGN(const auto rows, view.measures().walk(after, kPerRead));
        for (const store::MeasureRow& row : rows)
          if (row.seq <= last_row_) write(row);
        after = rows.empty() ? last_row_ : rows.back().seq;
        return {};
      }));
      TRY(flush());
    }
    return {};
  }

  // What is the same for every number of the list is written once into a pattern.
  Result<> write_list(const store::CardBatchRow& list) {
    const std::string id = fmt::format(",M-{}-", std::string_view(list.id).substr(2));
    const std::string rest =
        fmt::format(",{},{},{},{},0,{},,{}\n", list.case_id, list.id, list.kind, list.rest_state,
                    rfc3339(list.expires_at), list.check_due ? rfc3339(*list.check_due) : std::string());
    const bool listed_wanted = wish_.state.empty() || wish_.state == list.rest_state;
    std::int64_t place = 0, last = 0;
    do {
      TRY(store_.read([&](const store::View& view) -> Result<> {
        std::vector<std::string> rows;
        TRY_ASSIGN(last, view.card_batches().members(list, place, kChunksPerRead, [&](const store::CardMember& member) {
          if (member.own_row > last_row_) rows.emplace_back(member.token);
          if (member.own_row != 0 || !listed_wanted) return;
          text_.append(member.token).append(id);
          fmt::format_to(std::back_inserter(text_), "{:07d}", member.place);
          text_ += rest;
          ++written_;
        }));
        for (const std::string& token : rows) {
          TRY_ASSIGN(const auto measures, view.measures().of_token(token));
          for (const store::MeasureRow& row : measures)
            if (row.batch_id == list.id) write(row);
        }
        return {};
      }));
      place = last;
      if (text_.size() >= kFlushBytes) TRY(flush());
    } while (last > 0);
    return {};
  }

  const store::Store& store_;
  const MeasureList& wish_;
  platform::WritableFile& out_;
  std::int64_t last_row_ = 0;
  std::uint64_t written_ = 0;
  std::string text_;
};

}  // namespace

Result<std::uint64_t> export_measures(const store::Store& store, const MeasureList& wish, platform::WritableFile& out) {
  return Export(store, wish, out).run();
}

}  // namespace pandun::casework
