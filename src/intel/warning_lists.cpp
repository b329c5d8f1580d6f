#include "intel/warning_lists.h"

#include <simdjson.h>

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/hash.h"
#include "base/toml.h"
#include "intel/address_map.h"
#include "intel/canonical.h"
#include "intel/text.h"

namespace pandun::intel {
namespace {

using model::IpAddress;

constexpr std::array<std::string_view, 8> kCategoryNames = {"none",         "time", "update",     "cdn",
                                                            "dns_resolver", "push", "monitoring", "popular"};
constexpr std::string_view kSpecial = "special_addresses";

std::optional<ServiceCategory> parse_category(std::string_view text) {
  for (std::size_t i = 1; i < kCategoryNames.size(); ++i)
    if (text == kCategoryNames[i]) return static_cast<ServiceCategory>(i);
  return std::nullopt;
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return static_cast<std::size_t>(hash64(text)); }
};

struct Entry {
  std::uint32_t list = 0;
  bool below = false;  // names below it too
  bool wide = false;   // a parent of a listed name: stops an indicator, says nothing of a service
};

std::string place(const std::string& file, std::uint32_t line, std::uint32_t column) {
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}
std::string place(const std::string& file, const toml::source_region& at) {
  return place(file, at.begin.line, at.begin.column);
}

}  // namespace

std::string_view name(ServiceCategory category) {
  return kCategoryNames[static_cast<std::size_t>(category)];
}

struct WarningLists::Parts {
  struct List {
    std::string name;
    ServiceCategory category;
  };
  struct Network {
    AddressRange range;
    std::uint32_t list;
  };
  std::vector<List> lists;
  std::unordered_map<std::string, Entry, TextHash, std::equal_to<>> names;           // domains and URLs
  std::unordered_map<std::string, std::uint32_t, TextHash, std::equal_to<>> others;  // hashes, mail addresses
  std::vector<Network> networks;                                                     // sorted by first address
  AddressMap addresses;                                                              // value: list + 1
  WarningCounts counts;

  std::uint32_t add_list(std::string list_name, ServiceCategory category) {
    lists.push_back({std::move(list_name), category});
    ++counts.lists;
    return static_cast<std::uint32_t>(lists.size() - 1);
  }
  void add_domain(const std::string& domain, std::uint32_t list, bool below, bool parents) {
    ++counts.domains;
    Entry& entry = names.try_emplace(domain, Entry{list, below, false}).first->second;
    if (entry.wide) entry = {list, below, false};
    entry.below = entry.below || below;
    if (!parents) return;
    for (std::size_t dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1))
      names.try_emplace(domain.substr(dot + 1), Entry{list, false, true});
  }
  void add_network(const AddressRange& range, std::uint32_t list) {
    ++counts.networks;
    networks.push_back({range, list});
  }
  void index() {
    std::sort(networks.begin(), networks.end(), [](const Network& a, const Network& b) {
      return std::pair(a.range.first, a.range.last) < std::pair(b.range.first, b.range.last);
    });
    addresses = {};
    for (const Network& network : networks) addresses.add(network.range, network.list + 1);
    addresses.finish();
  }
  // The entry for a name, or for the nearest parent that covers its subdomains.
  const Entry* find_name(std::string_view domain) const {
    if (const auto found = names.find(domain); found != names.end() && !found->second.wide) return &found->second;
    for (std::size_t dot = domain.find('.'); dot != std::string_view::npos; dot = domain.find('.', dot + 1)) {
      const auto found = names.find(domain.substr(dot + 1));
      if (found != names.end() && found->second.below) return &found->second;
    }
    return nullptr;
  }
  std::string_view stops_address(const AddressRange& range) const;
  bool add_any(std::string_view text, std::uint32_t list, bool below);
};

std::string_view WarningLists::Parts::stops_address(const AddressRange& range) const {
  if (range.first.is_private() || range.first.is_multicast() || !range.first.known() ||
      (range.first.is_v4() && (range.first.v4_bits() >> 24) == 0))
    return kSpecial;
  const std::uint32_t first = addresses.find(range.first), last = addresses.find(range.last);
  if (first != 0 && first == last) return lists[first - 1].name;
  if (range.first == range.last) return {};
  const auto inside = std::lower_bound(networks.begin(), networks.end(), range.first,
                                       [](const Network& n, const IpAddress& ip) { return n.range.first < ip; });
  return inside != networks.end() && inside->range.first <= range.last ? std::string_view(lists[inside->list].name)
                                                                       : std::string_view();
}

bool WarningLists::Parts::add_any(std::string_view text, std::uint32_t list, bool below) {
  if (const auto range = parse_range(trimmed(text))) {
    add_network(*range, list);
    return true;
  }
  if (!text.empty() && text.front() == '.') {
    below = true;
    text.remove_prefix(1);
  }
  auto one = canonical(refang(text));
  if (!one) return false;
  if (one->type == IndicatorType::kDomain)
    add_domain(one->value, list, below, false);
  else if (one->type == IndicatorType::kUrl)
    names.try_emplace(one->value, Entry{list, false, false});
  else
    others.try_emplace(one->value, list);
  return true;
}

WarningLists::WarningLists() : parts_(std::make_unique<Parts>()) {}
WarningLists::~WarningLists() = default;
WarningLists::WarningLists(WarningLists&&) noexcept = default;
WarningLists& WarningLists::operator=(WarningLists&&) noexcept = default;

Result<> WarningLists::add_known_services(std::string_view text, const std::string& file_name) {
  toml::table table;
  if (const auto bad = read_toml(text, file_name, table))
    return error(Errc::kBadConfig, place(file_name, bad->line, bad->column), bad->message);
  std::string faults;
  const auto fault = [&](const toml::node& node, const std::string& words) {
    faults += (faults.empty() ? "" : "; ") + place(file_name, node.source()) + ": " + words;
  };
  for (const auto& [key, node] : table)
    if (key.str() != "service" && key.str() != "version")
      fault(node, "unknown key '" + std::string(key.str()) + "', expected [[service]]");
  struct Pending {
    std::string name;
    ServiceCategory category = ServiceCategory::kNone;
    std::vector<std::pair<std::string, bool>> domains;
    std::vector<AddressRange> networks;
  };
  std::vector<Pending> pending;
  const toml::array* services = table["service"].as_array();
  for (std::size_t i = 0; services != nullptr && i < services->size(); ++i) {
    const toml::table* service = (*services)[i].as_table();
    if (service == nullptr) {
      fault((*services)[i], "a service must be a table");
      continue;
    }
    Pending& one = pending.emplace_back();
    one.name = (*service)["name"].value_or<std::string>("");
    if (one.name.empty()) fault(*service, "a service needs a name");
    const auto category = parse_category((*service)["category"].value_or<std::string_view>(""));
    if (!category)
      fault(*service, "category must be one of time, update, cdn, dns_resolver, push, monitoring, popular");
    else
      one.category = *category;
    for (const auto& [key, node] : *service) {
      const std::string_view word = key.str();
      if (word == "name" || word == "category" || word == "note") continue;
      const toml::array* values = node.as_array();
      if ((word != "domains" && word != "exact" && word != "networks") || values == nullptr) {
        fault(node, "unknown key '" + std::string(word) + "' or not a list; expected note, domains, exact, networks");
        continue;
      }
      for (const toml::node& value : *values) {
        const std::string entry = value.value_or<std::string>("");
        if (word == "networks") {
          if (const auto range = parse_range(entry))
            one.networks.push_back(*range);
          else
            fault(value, "'" + entry + "' is no network");
        } else if (auto domain = canonical_domain(entry); domain.ok()) {
          one.domains.emplace_back(*domain, word == "domains");
        } else {
          fault(value, "'" + entry + "' is no domain name");
        }
      }
    }
  }
  if (!faults.empty()) return error(Errc::kBadConfig, file_name, faults);
  for (const Pending& one : pending) {
    const std::uint32_t list = parts_->add_list(one.name, one.category);
    for (const auto& [domain, below] : one.domains) parts_->add_domain(domain, list, below, true);
    for (const AddressRange& range : one.networks) parts_->add_network(range, list);
  }
  parts_->index();
  return {};
}

Result<> WarningLists::add_misp(std::string_view json, const std::string& file_name, bool subdomains) {
  simdjson::dom::parser parser;
  const simdjson::padded_string padded(json);
  simdjson::dom::object list;
  const auto fault = parser.parse(padded).get_object().get(list);
  if (fault != simdjson::SUCCESS)
    return error(Errc::kBadConfig, file_name,
                 std::string("not a MISP warning list: ") + simdjson::error_message(fault));
  std::string_view list_name, type;
  simdjson::dom::array values;
  if (list["name"].get(list_name) != simdjson::SUCCESS || list["list"].get(values) != simdjson::SUCCESS)
    return error(Errc::kBadConfig, file_name, "not a MISP warning list: needs \"name\" and \"list\"");
  if (list["type"].get(type) != simdjson::SUCCESS) type = "string";
  if (type != "cidr" && type != "hostname" && type != "string") {
    ++parts_->counts.refused;
    return error(Errc::kUnsupported, file_name,
                 "warning lists of type '" + std::string(type) + "' are not applied: only cidr, hostname, string");
  }
  const std::uint32_t index = parts_->add_list(std::string(list_name), ServiceCategory::kPopular);
  const std::size_t networks_before = parts_->networks.size();
  for (const simdjson::dom::element value : values) {
    std::string_view text;
    if (value.get(text) != simdjson::SUCCESS || !parts_->add_any(text, index, subdomains)) ++parts_->counts.skipped;
  }
  if (parts_->networks.size() != networks_before) parts_->index();
  return {};
}

ServiceCategory WarningLists::address(const IpAddress& ip) const {
  const std::uint32_t list = parts_->addresses.find(ip);
  return list == 0 ? ServiceCategory::kNone : parts_->lists[list - 1].category;
}

ServiceCategory WarningLists::domain(std::string_view normalised) const {
  const Entry* entry = parts_->find_name(normalised);
  return entry == nullptr ? ServiceCategory::kNone : parts_->lists[entry->list].category;
}

std::string_view WarningLists::stops(IndicatorType type, std::string_view value) const {
  switch (type) {
    case IndicatorType::kIp:
    case IndicatorType::kNetwork: {
      const auto range = parse_range(value);
      return range ? parts_->stops_address(*range) : std::string_view();
    }
    case IndicatorType::kDomain: {
      if (const auto found = parts_->names.find(value); found != parts_->names.end())
        return parts_->lists[found->second.list].name;
      const Entry* entry = parts_->find_name(value);
      return entry == nullptr ? std::string_view() : std::string_view(parts_->lists[entry->list].name);
    }
    case IndicatorType::kUrl: {
      if (const auto found = parts_->names.find(value); found != parts_->names.end())
        return parts_->lists[found->second.list].name;
      // "host/" alone says no more than the host does.
      return value.find('/') + 1 == value.size() ? stops_host(value.substr(0, value.size() - 1)) : std::string_view();
    }
    default: {
      const auto found = parts_->others.find(value);
      return found == parts_->others.end() ? std::string_view() : std::string_view(parts_->lists[found->second].name);
    }
  }
}

std::string_view WarningLists::stops_host(std::string_view host) const {
  return stops(parse_range(host) ? IndicatorType::kIp : IndicatorType::kDomain, host);
}

const WarningCounts& WarningLists::counts() const {
  return parts_->counts;
}

}  // namespace pandun::intel
