#include "decide/trunk.h"

#include <array>
#include <set>

#include "decide/table_reader.h"

namespace pandun::decide {
namespace {

constexpr std::array<std::string_view, 4> kDirections{"unknown", "international_in", "inter_network", "intra_network"};
constexpr std::string_view kKnownDirections = "international_in, inter_network, intra_network";

std::optional<Direction> parse_direction(std::string_view text) {
  for (std::size_t i = 1; i < kDirections.size(); ++i) {
    if (kDirections[i] == text) return static_cast<Direction>(i);
  }
  return std::nullopt;
}

bool is_digits(std::string_view text) {
  return text.find_first_not_of("0123456789") == std::string_view::npos;
}

Trunk read_trunk(TableReader& in) {
  Trunk out;
  out.name = in.text("name", true);
  out.title = in.text("title");
  out.direction = in.word<Direction>("direction", Direction::kUnknown, parse_direction, kKnownDirections, true);
  out.trusted = in.flag("trusted", false);
  out.country = static_cast<std::uint16_t>(in.integer("country", 0, 0, 999));
  out.area = in.text("area");
  out.strip = in.text("strip");
  out.add = in.text("add");
  if (out.name.size() > 31) in.fault("name is longer than 31 bytes");
  if (!is_digits(out.area) || out.area.size() > 6) in.fault("area takes up to six digits, without the leading 0");
  const std::string_view digits = std::string_view(out.add).substr(out.add.starts_with('+') ? 1 : 0);
  if (!is_digits(out.strip) || !is_digits(digits) || out.strip.size() > 12 || out.add.size() > 12)
    in.fault("strip and add take up to twelve digits; add may begin with +");
  in.done();
  return out;
}

}  // namespace

std::string_view name(Direction direction) {
  return kDirections[static_cast<std::size_t>(direction)];
}

Result<TrunkPlan> parse_trunks(std::string_view file, std::string_view text) {
  toml::table root;
  Faults faults(file);
  if (const auto bad = read_toml(text, file, root)) {
    faults.add(bad->line, bad->column, bad->message);
    return faults.error();
  }
  only(root, {"trunk", "false_form"}, faults);
  TrunkPlan out;
  std::set<std::string> names;
  each_table(root, "trunk", faults, [&](const toml::table& table) {
    TableReader in(table, faults);
    out.trunks.push_back(read_trunk(in));
    if (!names.insert(out.trunks.back().name).second)
      in.fault(fmt::format("trunk \"{}\" stands here twice", out.trunks.back().name));
  });
  each_table(root, "false_form", faults, [&](const toml::table& table) {
    TableReader in(table, faults);
    const std::string prefix = in.text("prefix", true);
    if (prefix.empty() || !is_digits(prefix) || prefix.size() > 12) in.fault("prefix takes one to twelve digits");
    for (const std::string& word : in.texts("directions")) {
      if (const auto direction = parse_direction(word)) {
        out.false_forms.push_back({prefix, *direction});
      } else {
        in.fault(fmt::format("direction \"{}\" is not known: {}", word, kKnownDirections));
      }
    }
    in.text("note");
    in.done();
  });
  if (faults.any()) return faults.error();
  return out;
}

std::string apply_dial_plan(const Trunk& trunk, std::string_view text) {
  if (text.starts_with('+')) return std::string(text);
  const bool cut = !trunk.strip.empty() && text.starts_with(trunk.strip);
  if (cut) text.remove_prefix(trunk.strip.size());
  return (cut || trunk.strip.empty() ? trunk.add : std::string()) + std::string(text);
}

}  // namespace pandun::decide
