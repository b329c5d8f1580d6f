#include "detect/testing/case_ports.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <deque>
#include <optional>
#include <set>

#include "detect/calling_code.h"
#include "detect/features/catalog.h"
#include "detect/testing/event_line.h"

namespace pandun::detect::testing {
namespace {

struct Network {
  model::IpAddress base;
  int prefix = 128;  // counted in the 128-bit form
  bool holds(const model::IpAddress& ip) const {
    const auto masked = [](std::uint64_t bits, int keep) {
      return keep <= 0 ? 0 : keep >= 64 ? bits : bits >> (64 - keep);
    };
    return masked(ip.hi, prefix) == masked(base.hi, prefix) &&
           masked(ip.lo, prefix - 64) == masked(base.lo, prefix - 64);
  }
};

std::optional<Network> parse_network(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::optional<model::IpAddress> ip = model::IpAddress::parse(text.substr(0, slash));
  if (!ip) return std::nullopt;
  Network out{*ip, 128};
  if (slash == std::string_view::npos) return out;
  int bits = 0;
  const auto [end, failed] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
  if (failed != std::errc() || bits < 0 || bits > (ip->is_v4() ? 32 : 128)) return std::nullopt;
  out.prefix = ip->is_v4() ? bits + 96 : bits;
  return out;
}

// `name` itself or a parent of it.
template <typename Map>
auto find_parent(const Map& map, std::string_view name) {
  while (true) {
    const auto it = map.find(name);
    if (it != map.end()) return it;
    const std::size_t dot = name.find('.');
    if (dot == std::string_view::npos) return map.end();
    name.remove_prefix(dot + 1);
  }
}

// A small plan of the kit's own, home country 86; the real one is data that another room compiles.
NumberTraits home_traits(std::string_view national) {
  NumberTraits out{LineKind::kFixed, 86, 0, true, false};
  const auto begins = [&](std::string_view prefix) { return national.starts_with(prefix); };
  if (national.size() == 11 && national[0] == '1' && national[1] >= '3') {
    const bool rented = begins("170") || begins("171") || begins("162") || begins("165") || begins("167");
    out.kind = rented ? LineKind::kMobileVirtual : LineKind::kMobile;
  } else if (national.size() == 13 && begins("14")) {
    out.kind = LineKind::kIot;
  } else if (national.size() == 10 && (begins("400") || begins("800"))) {
    out.kind = LineKind::kTollFree;
  } else if (begins("0") || national.size() < 9 || national.size() > 12 || (begins("1") && !begins("10"))) {
    out.kind = LineKind::kInvalid;
    out.cannot_exist = true;
  } else {
    const std::size_t area = begins("10") || begins("2") ? 2 : 3;
    for (const char digit : national.substr(0, area))
      out.region = static_cast<std::uint16_t>(out.region * 10 + (digit - '0'));
  }
  return out;
}

NumberTraits plain_traits(model::NumberKey number, std::string_view text) {
  switch (number.kind()) {
    case model::NumberKind::kWithheld:
    case model::NumberKind::kOpaque:
      return {};
    case model::NumberKind::kInvalid:
      return {LineKind::kInvalid, 0, 0, false, true};
    case model::NumberKind::kService: {
      const bool emergency = text == "110" || text == "112" || text == "119" || text == "120" || text == "122";
      const bool brief = text.size() <= 3 || (text.size() == 5 && text[0] == '1');
      return {emergency ? LineKind::kEmergency : brief ? LineKind::kShort : LineKind::kService, 86, 0, true, false};
    }
    case model::NumberKind::kE164:
      break;
  }
  text.remove_prefix(1);
  const std::uint16_t code = calling_code(number);
  if (code == 0) return {LineKind::kInvalid, 0, 0, false, true};
  return code == 86 ? home_traits(text.substr(2)) : NumberTraits{LineKind::kInternational, code, 0, false, false};
}

}  // namespace

class CasePorts::Indicators final : public IndicatorMatch {
 public:
  explicit Indicators(const std::vector<CaseIndicator>& all) {
    for (const CaseIndicator& i : all) {
      const IndicatorHit hit{i.value, i.list, i.topic, i.severity, i.confidence};
      if (i.kind == "address") {
        if (const std::optional<Network> network = parse_network(i.value)) networks_.emplace_back(*network, hit);
      } else {
        (i.kind == "domain" ? domains_ : i.kind == "url" ? urls_ : hashes_).emplace(i.value, hit);
      }
    }
  }
  bool empty() const override { return networks_.empty() && domains_.empty() && urls_.empty() && hashes_.empty(); }
  const IndicatorHit* address(const model::IpAddress& ip) const override {
    const IndicatorHit* best = nullptr;
    int longest = -1;
    for (const auto& [network, hit] : networks_) {
      if (network.prefix <= longest || !network.holds(ip)) continue;
      best = &hit;
      longest = network.prefix;
    }
    return best;
  }
  const IndicatorHit* domain(std::string_view name) const override {
    const auto it = find_parent(domains_, name);
    return it == domains_.end() ? nullptr : &it->second;
  }
  const IndicatorHit* url(std::string_view host, std::string_view uri) const override {
    const std::string whole = std::string(host) + std::string(uri);
    for (const std::string_view scheme : {"", "http://", "https://"})
      if (const auto it = urls_.find(std::string(scheme) + whole); it != urls_.end()) return &it->second;
    return nullptr;
  }
  const IndicatorHit* hash(std::string_view hex) const override {
    const auto it = hashes_.find(hex);
    return it == hashes_.end() ? nullptr : &it->second;
  }

 private:
  std::deque<std::pair<Network, IndicatorHit>> networks_;
  std::map<std::string, IndicatorHit, std::less<>> domains_, urls_, hashes_;
};

class CasePorts::Services final : public KnownServices {
 public:
  explicit Services(const Case& c) {
    constexpr std::array<std::string_view, 7> kNames{"", "time", "update", "cdn", "resolver", "push", "monitoring"};
    for (const auto& [what, kind] : c.services) {
      for (std::size_t k = 1; k < kNames.size(); ++k) {
        if (kNames[k] != kind) continue;
        const auto service = static_cast<KnownService>(k);
        if (const std::optional<Network> network = parse_network(what)) {
          networks_.emplace_back(*network, service);
        } else {
          domains_.emplace(what, service);
        }
      }
    }
  }
  KnownService address(const model::IpAddress& ip) const override {
    for (const auto& [network, service] : networks_)
      if (network.holds(ip)) return service;
    return KnownService::kNone;
  }
  KnownService domain(std::string_view name) const override {
    const auto it = find_parent(domains_, name);
    return it == domains_.end() ? KnownService::kNone : it->second;
  }

 private:
  std::vector<std::pair<Network, KnownService>> networks_;
  std::map<std::string, KnownService, std::less<>> domains_;
};

class CasePorts::Facts final : public NumberFacts {
 public:
  explicit Facts(const Case& c) {
    for (const auto& [number, group] : c.protected_numbers) groups_.emplace(parse_number(number), group);
    for (const std::string& number : c.suspects) suspects_.insert(parse_number(number));
    for (const CaseTraits& t : c.traits) {
      if (t.prefix) {
        prefixes_.emplace_back(t.number, t.traits);
      } else {
        traits_.emplace(parse_number(t.number), t.traits);
      }
    }
    // The longest prefix speaks.
    std::stable_sort(prefixes_.begin(), prefixes_.end(),
                     [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
  }
  std::string_view protected_group(model::NumberKey number) const override {
    const auto it = groups_.find(number);
    return it == groups_.end() || it->second == "service" ? std::string_view{} : std::string_view(it->second);
  }
  bool emergency_or_service(model::NumberKey number) const override {
    const auto it = groups_.find(number);
    return it != groups_.end() && it->second == "service";
  }
  NumberTraits traits(model::NumberKey number) const override {
    if (const auto it = traits_.find(number); it != traits_.end()) return it->second;
    const std::string text = number.text();
    for (const auto& [prefix, traits] : prefixes_)
      if (text.starts_with(prefix)) return traits;
    return plain_traits(number, text);
  }
  bool suspected(model::NumberKey number) const override { return suspects_.contains(number); }

 private:
  std::set<model::NumberKey> suspects_;
  std::map<model::NumberKey, std::string> groups_;
  std::map<model::NumberKey, NumberTraits> traits_;
  std::vector<std::pair<std::string, NumberTraits>> prefixes_;
};

// A logistic model of the features that the case names; what is not known adds nothing.
class CasePorts::Models final : public NumberModels {
 public:
  explicit Models(const std::optional<CaseModel>& m) {
    if (!m) return;
    model_ = *m;
    for (const auto& [name, weight] : model_.weights)
      features_.push_back(find_feature(model::EntityKind::kNumber, name)->id);
  }
  std::string_view name() const override { return features_.empty() ? "" : "case"; }
  std::span<const std::uint16_t> features() const override { return features_; }
  ModelOpinion look(model::NumberKey, const model::Event&, std::span<const float> row) const override {
    double margin = model_.bias;
    for (const ModelReason& reason : reasons(row)) margin += reason.margin;
    return {1 / (1 + std::exp(-margin)), model_.threshold};
  }
  std::vector<ModelReason> explain(std::span<const float> row, std::size_t top) const override {
    std::vector<ModelReason> out = reasons(row);
    std::stable_sort(out.begin(), out.end(), [](const ModelReason& a, const ModelReason& b) {
      return std::abs(a.margin) > std::abs(b.margin);
    });
    out.resize(std::min(out.size(), top));
    return out;
  }

 private:
  std::vector<ModelReason> reasons(std::span<const float> row) const {
    std::vector<ModelReason> out;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const double value = static_cast<double>(row[i]);
      const auto& [name, weight] = model_.weights[i];
      out.push_back({name, value, std::isnan(value) ? 0 : weight * value});
    }
    return out;
  }
  CaseModel model_;
  std::vector<std::uint16_t> features_;
};

// A cell named "30.25/120.17" stands there.
class CasePorts::Cells final : public CellPlaces {
 public:
  CellPlace place(std::string_view cell) const override {
    const std::size_t slash = cell.find('/');
    if (slash == std::string_view::npos) return {};
    return {true, std::stof(std::string(cell.substr(0, slash))), std::stof(std::string(cell.substr(slash + 1)))};
  }
};

CasePorts::CasePorts(const Case& c)
    : indicators_(std::make_unique<Indicators>(c.indicators)),
      services_(std::make_unique<Services>(c)),
      facts_(std::make_unique<Facts>(c)),
      models_(std::make_unique<Models>(c.model)),
      cells_(std::make_unique<Cells>()) {}
CasePorts::~CasePorts() = default;
Ports CasePorts::ports() const {
  return {indicators_.get(), services_.get(), facts_.get(), models_.get(), cells_.get()};
}

}  // namespace pandun::detect::testing
