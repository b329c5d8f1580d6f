// Any bytes as a list of cards: every line is a number, a repetition or a fault that repeats nothing of it. Read in pieces, in
// runs of a few lines, with the process lost anywhere in between, the list that stands in the store is the one that a plain
// reading of the bytes gives. Nobody whose group the list does not tell is limited.
//
// The first four bytes say how: bytes a read, lines a run, which fault or statement fails, how many lines there may be.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "casework_fuzz.h"

namespace {

using namespace pandun;
using namespace pandun::casework;

constexpr std::size_t kListMax = 4096, kLineMax = 200;

class Pieces final : public platform::ReadableFile {
 public:
  Pieces(std::string_view bytes, std::size_t piece) : bytes_(bytes), piece_(piece) {}
  Result<std::size_t> read_at(std::uint64_t offset, char* out, std::size_t bytes) const override {
    if (offset >= bytes_.size()) return std::size_t{0};
    const std::size_t count = std::min({bytes, piece_, bytes_.size() - static_cast<std::size_t>(offset)});
    std::memcpy(out, bytes_.data() + offset, count);
    return count;
  }
  Result<platform::FileInfo> info() const override {
    platform::FileInfo out;
    out.size = bytes_.size();
    return out;
  }

 private:
  const std::string_view bytes_;
  const std::size_t piece_;
};

bool is_token(std::string_view text) {
  return text.size() == 36 && text[0] == 'n' && text.find_first_not_of("0123456789", 1) == 3 && text[3] == '-' &&
         text.find_first_not_of("0123456789abcdef", 4) == std::string_view::npos;
}

// Only what needs no table to tell; UTF-8 is asked of what the reader kept.
bool certainly_no_group(std::string_view text) {
  return text.size() > 40 || text.find(',') != std::string_view::npos || text.find('\x7f') != std::string_view::npos ||
         std::any_of(text.begin(), text.end(), [](char c) { return c >= 0 && c < ' '; }) ||
         std::count_if(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; }) > 4;
}

// The list as a plain reading of it: what each line is.
struct Plain {
  std::int64_t lines = 0, good = 0, faulty = 0;
  std::map<std::string, std::set<std::string>> groups;  // by token: what its good lines say; "" where they say nothing
  bool header = false;
  bool consistent = true;  // the faults are those that a plain reading finds

  explicit Plain(std::string_view text, const std::set<std::int64_t>& faults) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t stop = std::min(text.find('\n', at), text.size());
      take(text.substr(at, stop - at), faults);
      at = stop + 1;
    }
  }

 private:
  void take(std::string_view whole, const std::set<std::int64_t>& faults) {
    ++lines;
    std::string_view line = whole.substr(0, kLineMax);
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.remove_suffix(1);
    if (lines == 1 && line.starts_with("\xEF\xBB\xBF")) line.remove_prefix(3);
    const bool is_header = lines == 1 && (line == "token" || line == "token,protected_group");
    header = header || is_header;
    const bool faulty_said = faults.contains(lines);
    if (faulty_said) ++faulty;
    const std::size_t comma = line.find(',');
    const std::string_view token = line.substr(0, comma);
    const std::string_view group = comma == std::string_view::npos ? std::string_view() : line.substr(comma + 1);
    if (line.empty() || is_header) {
      consistent = consistent && !faulty_said;
    } else if (whole.size() > kLineMax || !is_token(token) || certainly_no_group(group)) {
      consistent = consistent && faulty_said;
    } else if (!faulty_said) {
      ++good;
      groups[std::string(token)].insert(std::string(group));
    } else {  // no UTF-8
      consistent = consistent && std::any_of(group.begin(), group.end(), [](char c) { return c < 0; });
    }
  }
};

// The group a number of the plain list is in; "unknown" where nobody says it.
std::string group_of(const FuzzDesk& desk, const std::string& token, const std::set<std::string>& said) {
  for (const std::string& one : said)
    if (!one.empty() && one != "none") return "listed";
  if (token == desk.token(OneHospital::kNumber)) return "hospital";
  if (token == desk.token(FuzzDesk::kPlain)) return "";
  return said.contains("none") ? "" : "unknown";
}

std::vector<std::string> members_of(const FuzzDesk& desk, const store::CardBatchRow& row) {
  std::vector<std::string> out;
  CHECK(desk.store
            ->read([&](const store::View& view) -> Result<> {
              std::int64_t place = 0, last = 0;
              do {
                TRY_ASSIGN(last, view.card_batches().members(row, place, 1, [&](const store::CardMember& member) {
                  CHECK(member.place == ++place);
                  out.emplace_back(member.token);
                }));
              } while (last > 0);
              return {};
            })
            .ok());
  return out;
}

void check_against(const FuzzDesk& desk, const CardBatchView& loaded, const Plain& plain) {
  std::vector<std::string> taken;
  std::int64_t aside = 0, unknown = 0, counted = 0;
  for (const auto& [token, said] : plain.groups) {
    const std::string group = group_of(desk, token, said);
    // The list itself may call it unknown; when it says several things, which of them is taken is not stated.
    if (group == "listed" && said.contains("unknown")) return;
    if (group == "unknown") ++unknown;
    if (group.empty() || group == "unknown") taken.push_back(token);
    if (!group.empty()) ++counted;
    if (!group.empty() && group != "unknown") ++aside;
  }
  CHECK(loaded.row.lines == plain.lines && loaded.row.faulty == plain.faulty);
  CHECK(loaded.row.duplicate == plain.good - static_cast<std::int64_t>(plain.groups.size()));
  CHECK(loaded.row.members == static_cast<std::int64_t>(taken.size()) && loaded.row.set_aside == aside);
  CHECK(members_of(desk, loaded.row) == taken);
  std::int64_t in_groups = 0, in_unknown = 0;
  for (const auto& [name, n] : loaded.groups) {
    in_groups += n;
    if (name == "unknown") in_unknown = n;
  }
  CHECK(in_groups == counted && in_unknown == unknown);
}

void decide(const FuzzStores& stores, FuzzDesk& desk, const CardBatchView& loaded) {
  const std::string& id = loaded.row.id;
  const bool unknown = std::any_of(loaded.groups.begin(), loaded.groups.end(),
                                   [](const auto& group) { return group.first == "unknown"; });
  const auto limit = desk.cards->propose(desk.analyst, id, desk.terms("limit"));
  CHECK(limit.ok() == (loaded.row.members > 0 && !unknown));
  if (!limit.ok() && !desk.cards->propose(desk.analyst, id, desk.terms("reverify")).ok()) {
    CHECK(loaded.row.members == 0);
    return;
  }
  must(desk.cards->approve(desk.approver, id));
  CHECK(must(desk.cards->work(std::chrono::milliseconds(0))).made == loaded.row.members);
  auto out = must(platform::posix_files().create(stores.home().file("out.csv")));
  CHECK(must(export_measures(*desk.store, {"", "", id}, *out)) == static_cast<std::uint64_t>(loaded.row.members));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FuzzStores kStores([](FuzzDesk&, const std::string&) {});
  if (size < 4 || size > kListMax) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 4, size - 4);
  const Pieces list(text, data[0] == '0' ? kListMax : data[0] + std::size_t{1});
  std::set<std::int64_t> faults;
  CardHooks hooks;
  hooks.lines_per_run = data[1] % 16 + std::size_t{1};
  hooks.merged_per_write = data[1] / 16 + std::size_t{1};
  hooks.fault = [&](std::int64_t line, std::string_view why) -> Result<> {
    CHECK(!why.empty() && why.size() < 60);
    faults.insert(line);
    return {};
  };
  if (data[3] != '0') hooks.lines_max = data[3];

  // Odd: the so many-th fault cannot be written down. Even: the so many-th statement fails.
  const unsigned fail = data[2] == '0' ? 0 : data[2] / 2U + 1;
  if (fail != 0) {
    CardHooks broken = hooks;
    unsigned asked = 0;
    bool armed = false;
    store::SqliteOptions options;
    if (data[2] % 2 == 0) {
      options.fault = [&](std::uint64_t) { return armed && ++asked == fail; };
    } else {
      broken.fault = [&](std::int64_t line, std::string_view why) -> Result<> {
        return ++asked == fail ? Result<>(error(Errc::kIo, "rejects", "disk full")) : hooks.fault(line, why);
      };
    }
    const auto desk = kStores.fresh(std::move(options));
    armed = true;
    (void)desk->cards->load(desk->analyst, kStores.case_id(), "list.csv", list, broken).ok();
    armed = false;
  }
  const auto desk = fail == 0 ? kStores.fresh() : kStores.again();
  const auto loaded = desk->cards->load(desk->analyst, kStores.case_id(), "list.csv", list, hooks);
  const Plain plain(text, faults);
  CHECK(loaded.ok() == (plain.lines <= hooks.lines_max + (plain.header ? 1 : 0)));
  if (!loaded.ok()) {
    CHECK(loaded.error().code == Errc::kTooLarge);
    return 0;
  }
  CHECK(plain.consistent);
  check_against(*desk, *loaded, plain);
  decide(kStores, *desk, *loaded);
  return 0;
}
