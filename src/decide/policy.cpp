#include "decide/policy.h"

#include <array>
#include <set>

#include "decide/table_reader.h"

namespace pandun::decide {
namespace {

constexpr std::array<std::string_view, kMeasuredKinds> kMeasured{"caller_second",   "caller_minute", "caller_hour",
                                                                 "caller_distinct", "callee_minute", "callee_hour",
                                                                 "callee_distinct", "pair_minute",   "pair_hour"};

std::optional<Measured> parse_measured(std::string_view text) {
  for (std::size_t i = 0; i < kMeasured.size(); ++i) {
    if (kMeasured[i] == text) return static_cast<Measured>(i);
  }
  return std::nullopt;
}

std::optional<Direction> parse_direction(std::string_view text) {
  for (const Direction d : {Direction::kInternationalIn, Direction::kInterNetwork, Direction::kIntraNetwork}) {
    if (name(d) == text) return d;
  }
  return std::nullopt;
}

void check_hold(const Policy& policy, TableReader& in) {
  if (static_cast<std::size_t>(policy.measure) > static_cast<std::size_t>(Measured::kCallerDistinct))
    in.fault("a hold needs a measure of the caller");
  if (policy.hold_s == 0) in.fault(fmt::format("a hold needs hold_s, 1 to {}", kHoldSecondsMax));
  if (policy.holds_per_hour_max == 0) in.fault("a hold needs holds_per_hour_max");
  const std::set<std::string> people(policy.approved_by.begin(), policy.approved_by.end());
  if (people.size() < 2 || people.contains(std::string())) in.fault("a hold needs approved_by: two different people");
  if (policy.approved_at.ms == 0 || policy.expires_at <= policy.approved_at)
    in.fault("a hold needs approved_at and a later expires_at");
}

Policy read_policy(TableReader& in) {
  Policy out;
  out.id = in.text("id", true);
  out.title_zh = in.text("title_zh", true);
  out.title_en = in.text("title_en", true);
  out.enabled = in.flag("enabled", false);
  out.measure = in.word<Measured>("measure", Measured::kCallerMinute, parse_measured,
                                  "caller_second, caller_minute, caller_hour, caller_distinct, callee_minute, "
                                  "callee_hour, callee_distinct, pair_minute, pair_hour",
                                  true);
  out.above = static_cast<std::uint32_t>(in.integer("above", 0, 1, 16'000, true));
  const bool distinct = out.measure == Measured::kCallerDistinct || out.measure == Measured::kCalleeDistinct;
  if (distinct && out.above > 400) in.fault("distinct numbers are counted up to 438: above takes at most 400");
  out.calls = out.messages = false;
  for (const std::string& service : in.texts("services")) {
    if (service != "call" && service != "message") in.fault("services takes \"call\" and \"message\"");
    (service == "call" ? out.calls : out.messages) = true;
  }
  if (!out.calls && !out.messages) in.fault("services names none");
  out.direction = in.word<Direction>("direction", Direction::kUnknown, parse_direction,
                                     "international_in, inter_network, intra_network");
  const std::string action = in.text("action", true);
  if (action != "warn" && action != "hold") in.fault("action takes \"warn\" or \"hold\"");
  out.hold = action == "hold";
  out.hold_s = static_cast<std::uint32_t>(in.integer("hold_s", 0, 1, kHoldSecondsMax));
  out.holds_per_hour_max = static_cast<std::uint32_t>(in.integer("holds_per_hour_max", 0, 1, 1'000'000));
  out.approved_by = in.texts("approved_by");
  out.approved_at = in.time("approved_at");
  out.expires_at = in.time("expires_at");
  if (out.id.empty() || out.id.size() > 63) in.fault("id takes one to 63 bytes");
  if (out.hold && out.enabled) check_hold(out, in);
  in.done();
  return out;
}

}  // namespace

std::string_view name(Measured what) {
  return kMeasured[static_cast<std::size_t>(what)];
}

Result<std::vector<Policy>> parse_policies(std::string_view file, std::string_view text) {
  toml::table root;
  Faults faults(file);
  if (const auto bad = read_toml(text, file, root)) {
    faults.add(bad->line, bad->column, bad->message);
    return faults.error();
  }
  only(root, {"policy"}, faults);
  std::vector<Policy> out;
  std::set<std::string> ids;
  each_table(root, "policy", faults, [&](const toml::table& table) {
    TableReader in(table, faults);
    out.push_back(read_policy(in));
    if (!ids.insert(out.back().id).second) in.fault(fmt::format("policy \"{}\" stands here twice", out.back().id));
  });
  if (out.size() > kPoliciesMax) faults.add(root, fmt::format("more than {} policies", kPoliciesMax));
  if (faults.any()) return faults.error();
  return out;
}

}  // namespace pandun::decide
