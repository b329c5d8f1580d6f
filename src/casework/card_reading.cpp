#include "casework/card_reading.h"

#include <fmt/format.h>
#include <simdjson.h>

#include <algorithm>
#include <memory>
#include <queue>

#include "base/hash.h"
#include "casework/case_rows.h"
#include "casework/list_lines.h"
#include "guard/json_writer.h"

namespace pandun::casework {
namespace {

using store::CardBatchRow;
using store::CardChunk;

constexpr std::size_t kBlock = 1U << 20, kGroupMax = 40, kGroupsMax = 200;
constexpr int kGroupDigitsMax = 4;
constexpr std::string_view kOtherGroups = "other";  // all beyond kGroupsMax
constexpr std::int64_t kLinesPerRunChunk = 500;
constexpr int kSealedPerRead = 64;

std::string write_groups(const Groups& groups) {
  std::string out;
  guard::JsonWriter w(out);
  w.begin_object();
  for (const auto& [name, n] : groups) w.field_integer(name, n);
  w.end_object();
  return out;
}

// What may stand as a protected group: a few digits at most, for it is shown and audited, and a column of numbers in the clear
// must not be.
bool is_word(std::string_view text) {
  int digits = 0;
  for (const char c : text) {
    if (c == ',' || c == '\x7f' || (c >= 0 && c < ' ')) return false;
    digits += c >= '0' && c <= '9' ? 1 : 0;
  }
  return text.size() <= kGroupMax && digits <= kGroupDigitsMax && simdjson::validate_utf8(text);
}

// Lines in order, as chunks of the store.
class ChunkWriter {
 public:
  ChunkWriter(store::Tx& tx, std::int64_t batch, std::int64_t run, std::int64_t first, std::int64_t lines_max)
      : tx_(tx), batch_(batch), run_(run), lines_max_(lines_max) {
    chunk_.first = first;
  }
  Result<> add(std::string_view line) {
    if (chunk_.members == 0) {
      chunk_.first_token = line;
      chunk_.tokens = "\n";
    }
    chunk_.tokens.append(line).push_back('\n');
    return ++chunk_.members < lines_max_ ? Result<>() : flush();
  }
  Result<> flush() {
    if (chunk_.members == 0) return {};
    TRY(tx_.card_batches().add_chunk(batch_, run_, chunk_));
    chunk_.first += chunk_.members;
    chunk_.members = 0;
    return {};
  }

 private:
  store::Tx& tx_;
  const std::int64_t batch_, run_, lines_max_;
  CardChunk chunk_;
};

// The first half: lines of the file into sorted runs.
class RunReader {
 public:
  RunReader(const DeskParts& parts, const CardHooks& hooks, CardBatchRow& row)
      : parts_(parts), hooks_(hooks), stored_(row), row_(row) {}

  Result<> read(const platform::ReadableFile& list, std::uint64_t size) {
    TRY(parts_.store.read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(run_, view.card_batches().runs(row_.seq));
      return {};
    }));
    std::string line;
    bool too_long = false;
    TRY(ListLines(list).next(line, too_long));
    tidy(line, 1);
    const std::int64_t lines_max = hooks_.lines_max + (is_header(line) ? 1 : 0);
    ListLines lines(list, static_cast<std::uint64_t>(row_.offset));
    std::size_t since = 0;
    while (true) {
      TRY_ASSIGN(const bool more, lines.next(line, too_long));
      if (!more) break;
      if (row_.lines >= lines_max) return refuse();
      ++row_.lines;
      TRY(take(line, too_long));
      row_.offset = static_cast<std::int64_t>(lines.offset());
      if (++since < hooks_.lines_per_run) continue;
      since = 0;
      TRY(flush());
      if (hooks_.progress) hooks_.progress(row_.lines, lines.offset(), size);
    }
    return flush();
  }

 private:
  struct Place {
    std::uint32_t at, size;
  };

  Result<> refuse() {
    row_ = stored_;
    row_.state = "refused";
    row_.refused_reason = fmt::format("more than {} lines", hooks_.lines_max);
    TRY(parts_.store.write([&](store::Tx& tx) { return tx.card_batches().update(row_); }));
    return error(Errc::kTooLarge, "list", fmt::format("more than {} lines; load it in parts", hooks_.lines_max));
  }

  Result<> fault(std::string_view why) {
    ++row_.faulty;
    return hooks_.fault ? hooks_.fault(row_.lines, why) : Result<>();
  }

  static void tidy(std::string& line, std::int64_t number) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (number == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  }
  static bool is_header(const std::string& line) { return line == "token" || line == "token,protected_group"; }

  Result<> take(std::string& line, bool too_long) {
    tidy(line, row_.lines);
    if (line.empty() || (row_.lines == 1 && is_header(line))) return {};
    if (too_long) return fault("the line is too long");
    const std::size_t comma = line.find(',');
    const std::string_view token = std::string_view(line).substr(0, comma);
    // What is no token may be a number in the clear: it is not repeated anywhere.
    if (!guard::is_number_token(token)) return fault("the first field is no token");
    if (comma != std::string::npos && !is_word(std::string_view(line).substr(comma + 1)))
      return fault("the group is no word in UTF-8");
    places_.push_back({static_cast<std::uint32_t>(text_.size()), static_cast<std::uint32_t>(line.size())});
    text_ += line;
    return {};
  }

  std::string_view at(const Place& place) const { return std::string_view(text_).substr(place.at, place.size); }

  Result<> flush() {
    // ',' comes before every character of a token, so that lines in order are tokens in order.
    std::sort(places_.begin(), places_.end(), [&](const Place& a, const Place& b) { return at(a) < at(b); });
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      ChunkWriter out(tx, row_.seq, run_ + 1, 1, kLinesPerRunChunk);
      for (const Place& place : places_) TRY(out.add(at(place)));
      TRY(out.flush());
      return tx.card_batches().update(row_);
    }));
    if (!places_.empty()) ++run_;
    places_.clear();
    text_.clear();
    stored_ = row_;
    return {};
  }

  const DeskParts& parts_;
  const CardHooks& hooks_;
  CardBatchRow stored_;  // as it stands in the store
  CardBatchRow& row_;
  std::int64_t run_ = 0;
  std::string text_;
  std::vector<Place> places_;
};

// The lines of one run, a chunk in memory at a time.
class Run {
 public:
  Run(const DeskParts& parts, std::int64_t batch, std::int64_t run) : parts_(parts), batch_(batch), run_(run) {}

  std::string_view line() const { return line_; }
  Result<bool> next() {
    const std::size_t stop = chunk_.tokens.find('\n', at_);
    if (stop == std::string::npos) {
      TRY_ASSIGN(const bool more, read());
      if (!more) return false;
      return next();
    }
    line_ = std::string_view(chunk_.tokens).substr(at_, stop - at_);
    at_ = stop + 1;
    return true;
  }

 private:
  Result<bool> read() {
    std::optional<CardChunk> found;
    TRY(parts_.store.read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(found, view.card_batches().chunk(batch_, run_, chunk_.first));
      return {};
    }));
    if (!found) return false;
    chunk_ = std::move(*found);
    at_ = 1;
    return true;
  }

  const DeskParts& parts_;
  const std::int64_t batch_, run_;
  CardChunk chunk_;
  std::size_t at_ = 0;
  std::string_view line_;
};

// Sealed numbers beside tokens that come in order: one look at the vault for many tokens.
class SealedBeside {
 public:
  explicit SealedBeside(const store::View& view) : view_(view) {}
  Result<const store::SealedRow*> find(const std::string& token) {
    while (at_ < rows_.size() && rows_[at_].token < token) ++at_;
    if (at_ == rows_.size() && !ended_) {
      TRY_ASSIGN(rows_, view_.vault().sealed_from(token, kSealedPerRead));
      ended_ = rows_.size() < static_cast<std::size_t>(kSealedPerRead);
      at_ = 0;
    }
    const bool found = at_ < rows_.size() && rows_[at_].token == token;
    return found ? &rows_[at_] : nullptr;
  }

 private:
  const store::View& view_;
  std::vector<store::SealedRow> rows_;
  std::size_t at_ = 0;
  bool ended_ = false;
};

// The second half: runs into the list itself, each number once, the protected set aside.
class Merge {
 public:
  Merge(const DeskParts& parts, std::size_t merged_per_write, CardBatchRow& row)
      : parts_(parts), merged_per_write_(merged_per_write), row_(row) {}

  Result<> run() {
    row_.members = row_.duplicate = row_.set_aside = 0;
    // What an interrupted merge left is made anew.
    std::int64_t runs = 0;
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      TRY(tx.card_batches().drop_list(row_.seq));
      TRY_ASSIGN(runs, std::as_const(tx).card_batches().runs(row_.seq));
      return {};
    }));
    for (std::int64_t i = 1; i <= runs; ++i) {
      auto run = std::make_unique<Run>(parts_, row_.seq, i);
      TRY_ASSIGN(const bool any, run->next());
      if (any) heads_.push(run.get());
      runs_.push_back(std::move(run));
    }
    while (!heads_.empty()) {
      Run* head = heads_.top();
      heads_.pop();
      take(head->line());
      TRY_ASSIGN(const bool more, head->next());
      if (more) heads_.push(head);
      if (items_.size() > merged_per_write_) TRY(flush(false));
    }
    TRY(flush(true));
    row_.groups = write_groups(groups_);
    return {};
  }

 private:
  struct Item {
    std::string token, group;  // the group that the list says; "none": it says that there is none
  };
  struct Later {
    bool operator()(const Run* a, const Run* b) const { return a->line() > b->line(); }
  };

  void take(std::string_view line) {
    const std::size_t comma = line.find(',');
    const std::string_view token = line.substr(0, comma);
    const std::string_view group = comma == std::string_view::npos ? std::string_view() : line.substr(comma + 1);
    if (items_.empty() || items_.back().token != token) {
      items_.push_back({std::string(token), std::string(group)});
      return;
    }
    ++row_.duplicate;
    std::string& known = items_.back().group;
    if (known.empty() || known == "none") known = group.empty() ? known : std::string(group);
  }

  // "" = no group; kUnknownGroup where nobody can say.
  Result<std::string> group_of(SealedBeside& vault, const Item& item) const {
    if (!item.group.empty() && item.group != "none") return item.group;
    if (parts_.protected_groups != nullptr) {
      TRY_ASSIGN(const store::SealedRow* sealed, vault.find(item.token));
      if (sealed != nullptr) {
        const auto clear = parts_.vault.open_for_engine(*sealed);
        if (clear.ok()) return parts_.protected_groups->group(model::Entity::of(number_of_text(*clear)));
      }
    }
    return item.group == "none" ? std::string() : std::string(kUnknownGroup);
  }

  void count(const std::string& group) {
    const bool room = group == kUnknownGroup || groups_.size() < kGroupsMax || groups_.contains(group);
    ++groups_[room ? group : std::string(kOtherGroups)];
  }

  // All but the last, whose lines may go on.
  Result<> flush(bool all) {
    std::vector<const std::string*> taken;
    const std::size_t ready = items_.size() - (all || items_.empty() ? 0 : 1);
    TRY(parts_.store.read([&](const store::View& view) -> Result<> {
      SealedBeside vault(view);
      for (std::size_t i = 0; i < ready; ++i) {
        TRY_ASSIGN(const std::string group, group_of(vault, items_[i]));
        if (!group.empty()) count(group);
        if (group.empty() || group == kUnknownGroup) {
          taken.push_back(&items_[i].token);
        } else {
          ++row_.set_aside;
        }
      }
      return {};
    }));
    TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
      ChunkWriter out(tx, row_.seq, 0, row_.members + 1, store::kCardsPerChunk);
      for (const std::string* token : taken) TRY(out.add(*token));
      return out.flush();
    }));
    row_.members += static_cast<std::int64_t>(taken.size());
    items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(ready));
    return {};
  }

  const DeskParts& parts_;
  const std::size_t merged_per_write_;
  CardBatchRow& row_;
  Groups groups_;
  std::vector<std::unique_ptr<Run>> runs_;
  std::priority_queue<Run*, std::vector<Run*>, Later> heads_;
  std::vector<Item> items_;
};

}  // namespace

Groups read_groups(const std::string& json) {
  Groups out;
  simdjson::dom::parser parser;
  simdjson::dom::object object;
  if (parser.parse(json).get(object) != simdjson::SUCCESS) return out;
  for (const auto member : object) {
    std::int64_t n = 0;
    if (member.value.get(n) == simdjson::SUCCESS) out[std::string(member.key)] = n;
  }
  return out;
}

Result<std::string> digest_of_list(const platform::ReadableFile& list, std::uint64_t& size) {
  std::vector<char> buffer(kBlock);
  Hash128 sum;
  size = 0;
  while (true) {
    TRY_ASSIGN(const std::size_t got, list.read_at(size, buffer.data(), buffer.size()));
    if (got == 0) return fmt::format("{:016x}{:016x}", sum.hi, sum.lo);
    const Hash128 block = hash128({buffer.data(), got}, sum.lo);
    sum = {combine64(sum.hi, block.hi), combine64(sum.lo, block.lo)};
    size += got;
  }
}

Result<> read_cards(const DeskParts& parts, const CardHooks& hooks, const platform::ReadableFile& list,
                    std::uint64_t size, store::CardBatchRow& row) {
  TRY(RunReader(parts, hooks, row).read(list, size));
  return Merge(parts, hooks.merged_per_write, row).run();
}

}  // namespace pandun::casework
