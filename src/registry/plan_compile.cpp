#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "registry/csv.h"
#include "registry/plan_tables.h"

namespace pandun::registry {
namespace {

using Tables = NumberingPlan::Tables;

constexpr std::array<std::string_view, 8> kCountryHeader{"prefix",  "code", "iso", "name_zh",
                                                         "name_en", "min",  "max", "mark"};
constexpr std::array<std::string_view, 7> kAreaHeader{"area",      "province",  "province_zh", "province_en",
                                                      "region_zh", "region_en", "mark"};
constexpr std::array<std::string_view, 5> kSegmentHeader{"prefix", "digits", "kind", "carrier", "mark"};
constexpr std::array<std::string_view, 7> kServiceHeader{"prefix", "min", "max", "kind", "name_zh", "name_en", "mark"};
constexpr std::array<std::string_view, 7> kCarriers{"",         "telecom",   "mobile", "unicom",
                                                    "broadnet", "satellite", "virtual"};
constexpr std::uint32_t kRuleDigitsMax = 20;  // the longest message port

class Compiler {
 public:
  explicit Compiler(Tables& tables) : t_(tables) {}

  void countries(const PlanSource& source) {
    std::map<std::string, std::size_t> lines;
    for (const CsvRow& row : read_csv(source.name, source.text, kCountryHeader, faults_)) {
      CountryRow country;
      country.prefix = row.fields[0];
      if (!prefix_ok(source, row, lines)) continue;
      const std::string& code = row.fields[1];
      if (!is_digits(code) || code.size() > 3 || country.prefix.compare(0, code.size(), code) != 0) {
        faults_.add(source.name, row.line,
                    fmt::format("code \"{}\" must be 1 to 3 digits that begin the prefix", code));
        continue;
      }
      country.code = static_cast<std::uint16_t>(leading(code, code.size()));
      country.code_digits = static_cast<std::uint8_t>(code.size());
      country.iso = row.fields[2];
      country.zh = row.fields[3];
      country.en = row.fields[4];
      country.min = static_cast<std::uint8_t>(whole(source.name, row, 5, "min", 1, 17, faults_));
      country.max = static_cast<std::uint8_t>(whole(source.name, row, 6, "max", country.min, 17, faults_));
      country.unverified = mark(source, row, 7);
      if (country.iso.empty() || country.zh.empty() || country.en.empty())
        faults_.add(source.name, row.line, "iso, name_zh and name_en must be given");
      t_.country_rows.push_back(std::move(country));
    }
  }

  void areas(const PlanSource& source) {
    std::map<std::string, std::size_t> lines;
    for (const CsvRow& row : read_csv(source.name, source.text, kAreaHeader, faults_)) {
      if (!prefix_ok(source, row, lines)) continue;
      AreaRow area{row.fields[0], row.fields[1], row.fields[2],       row.fields[3],
                   row.fields[4], row.fields[5], mark(source, row, 6)};
      if (area.code.size() < 2 || area.code.size() > 3 || area.code.front() == '0') {
        faults_.add(source.name, row.line,
                    fmt::format("area \"{}\" must be 2 or 3 digits without the trunk 0", area.code));
        continue;
      }
      Rule rule = rule_of(area.code, RuleKind::kArea);
      rule.area = static_cast<std::uint16_t>(t_.area_rows.size());
      rule.unverified = area.unverified;
      rule.min = static_cast<std::uint8_t>(area.code.size() + 5);  // a short number of the city
      rule.max = static_cast<std::uint8_t>(area.code.size() + 8);
      t_.rules.push_back(std::move(rule));
      t_.area_rows.push_back(std::move(area));
    }
  }

  void segments(const PlanSource& source) {
    std::map<std::string, std::size_t> lines;
    for (const CsvRow& row : read_csv(source.name, source.text, kSegmentHeader, faults_)) {
      if (!prefix_ok(source, row, lines)) continue;
      const auto kind = pick(source, row, 2,
                             {{"mobile", RuleKind::kMobile},
                              {"mobile_virtual", RuleKind::kMobileVirtual},
                              {"iot", RuleKind::kIot},
                              {"satellite", RuleKind::kSatellite}});
      if (!kind) continue;
      Rule rule = rule_of(row.fields[0], *kind);
      rule.min = rule.max = static_cast<std::uint8_t>(whole(source.name, row, 1, "digits", rule.digits, 13, faults_));
      rule.carrier = row.fields[3];
      if (std::find(kCarriers.begin(), kCarriers.end(), rule.carrier) == kCarriers.end())
        faults_.add(source.name, row.line,
                    fmt::format("carrier \"{}\" is none of{}", rule.carrier, fmt::join(kCarriers, " ")));
      rule.unverified = mark(source, row, 4);
      t_.rules.push_back(std::move(rule));
    }
  }

  void services(const PlanSource& source) {
    std::map<std::string, std::size_t> lines;
    for (const CsvRow& row : read_csv(source.name, source.text, kServiceHeader, faults_)) {
      if (!prefix_ok(source, row, lines)) continue;
      const auto kind = pick(source, row, 3,
                             {{"emergency", RuleKind::kEmergency},
                              {"short", RuleKind::kShort},
                              {"service", RuleKind::kService},
                              {"toll_free", RuleKind::kTollFree},
                              {"dial_prefix", RuleKind::kDialPrefix}});
      if (!kind) continue;
      Rule rule = rule_of(row.fields[0], *kind);
      rule.min = static_cast<std::uint8_t>(whole(source.name, row, 1, "min", rule.digits, kRuleDigitsMax, faults_));
      rule.max = static_cast<std::uint8_t>(whole(source.name, row, 2, "max", rule.min, kRuleDigitsMax, faults_));
      rule.zh = row.fields[4];
      rule.en = row.fields[5];
      rule.unverified = mark(source, row, 6);
      t_.rules.push_back(std::move(rule));
    }
  }

  void index() {
    index_countries();
    index_rules();
  }
  const Faults& faults() const { return faults_; }

 private:
  bool prefix_ok(const PlanSource& source, const CsvRow& row, std::map<std::string, std::size_t>& lines) {
    const std::string& prefix = row.fields[0];
    if (!is_digits(prefix) || prefix.size() > 8) {
      faults_.add(source.name, row.line, fmt::format("\"{}\" must be 1 to 8 digits", prefix));
      return false;
    }
    const auto [it, fresh] = lines.emplace(prefix, row.line);
    if (!fresh) faults_.add(source.name, row.line, fmt::format("{} stands in line {} already", prefix, it->second));
    return fresh;
  }

  // "withdrawn" rows stay readable; only "unverified" changes what is shown.
  bool mark(const PlanSource& source, const CsvRow& row, std::size_t column) {
    const std::string& text = row.fields[column];
    if (!text.empty() && text != "unverified" && text != "withdrawn")
      faults_.add(source.name, row.line, fmt::format("mark \"{}\" is neither unverified nor withdrawn", text));
    return text == "unverified";
  }

  std::optional<RuleKind> pick(const PlanSource& source, const CsvRow& row, std::size_t column,
                               const std::map<std::string_view, RuleKind>& kinds) {
    const auto it = kinds.find(row.fields[column]);
    if (it != kinds.end()) return it->second;
    faults_.add(source.name, row.line, fmt::format("kind \"{}\" is not known here", row.fields[column]));
    return std::nullopt;
  }

  static Rule rule_of(const std::string& prefix, RuleKind kind) {
    Rule rule;
    rule.prefix = leading(prefix, prefix.size());
    rule.digits = static_cast<std::uint8_t>(prefix.size());
    rule.kind = kind;
    rule.prefix_text = prefix;
    return rule;
  }

  // Calls f for each table index that begins with the prefix, as far as the table's digits go.
  template <typename F>
  static void each_index(std::string_view prefix, std::size_t table_digits, F f) {
    std::uint32_t first = leading(prefix, table_digits), count = 1;
    for (std::size_t i = prefix.size(); i < table_digits; ++i) count *= 10;
    for (std::uint32_t i = 0; i < count; ++i) f(first + i);
  }

  void index_countries() {
    t_.by_country.fill(kNoRow);
    std::vector<std::uint16_t> order(t_.country_rows.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint16_t>(i);
    const auto digits = [&](std::uint16_t i) { return t_.country_rows[i].prefix.size(); };
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return digits(a) < digits(b); });
    for (const std::uint16_t row : order) {
      if (digits(row) > Tables::kCountryDigits)
        t_.long_countries.insert(t_.long_countries.begin(), row);
      else
        each_index(t_.country_rows[row].prefix, Tables::kCountryDigits,
                   [&](std::uint32_t i) { t_.by_country[i] = row; });
    }
  }

  void index_rules() {
    std::vector<std::uint16_t> order(t_.rules.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint16_t>(i);
    std::stable_sort(order.begin(), order.end(),
                     [&](auto a, auto b) { return t_.rules[a].digits > t_.rules[b].digits; });
    std::vector<std::vector<std::uint16_t>> lists(100'000);
    for (const std::uint16_t rule : order)
      each_index(t_.rules[rule].prefix_text, Tables::kRuleDigits, [&](std::uint32_t i) { lists[i].push_back(rule); });
    std::map<std::vector<std::uint16_t>, std::uint16_t> starts;
    t_.by_rule.resize(lists.size());
    for (std::size_t i = 0; i < lists.size(); ++i) {
      const auto [it, fresh] = starts.emplace(std::move(lists[i]), static_cast<std::uint16_t>(t_.chains.size()));
      if (fresh) {
        t_.chains.insert(t_.chains.end(), it->first.begin(), it->first.end());
        t_.chains.push_back(kNoRow);
      }
      t_.by_rule[i] = it->second;
    }
    if (t_.chains.size() >= kNoRow) faults_.add("numbering plan", 0, "too many different prefixes");
  }

  Tables& t_;
  Faults faults_;
};

}  // namespace

const CountryRow* NumberingPlan::Tables::country(std::string_view e164) const {
  const std::uint16_t row = by_country[leading(e164, kCountryDigits)];
  return row == kNoRow ? nullptr : &country_rows[row];
}

const CountryRow* NumberingPlan::Tables::home_row(std::uint16_t code) const {
  for (const CountryRow& row : country_rows)
    if (row.code == code) return &row;
  return nullptr;
}

const std::uint16_t* NumberingPlan::Tables::chain(std::string_view national) const {
  return chains.data() + by_rule[leading(national, kRuleDigits)];
}

Result<NumberingPlan> NumberingPlan::compile(const PlanSource& countries, const PlanSource& areas,
                                             const PlanSource& segments, const PlanSource& services) {
  NumberingPlan plan;
  Compiler compiler(*plan.tables_);
  compiler.countries(countries);
  compiler.areas(areas);
  compiler.segments(segments);
  compiler.services(services);
  compiler.index();
  if (compiler.faults().any()) return error(Errc::kBadConfig, "numbering plan", compiler.faults().text());
  return plan;
}

Result<NumberingPlan> NumberingPlan::load(platform::FileSystem& files, const std::string& directory) {
  std::array<PlanSource, 4> sources;
  constexpr std::array<std::string_view, 4> kNames{"countries.csv", "cn_areas.csv", "cn_segments.csv",
                                                   "cn_services.csv"};
  for (std::size_t i = 0; i < sources.size(); ++i) {
    sources[i].name = platform::join(directory, std::string(kNames[i]));
    TRY_ASSIGN(sources[i].text, platform::read_file(files, sources[i].name, 16 << 20));
  }
  return compile(sources[0], sources[1], sources[2], sources[3]);
}

}  // namespace pandun::registry
