#include "sip/trunks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "base/toml.h"
#include "sip/text.h"
#include "sip/uri.h"

namespace pandun::sip {
namespace {

using model::IpAddress;

template <typename T, std::size_t kCount>
using Words = std::array<std::pair<std::string_view, T>, kCount>;

constexpr Words<Allow, 4> kAllow{{{"302", Allow::kRedirect},
                                  {"503", Allow::kServiceUnavailable},
                                  {"404", Allow::kNotFound},
                                  {"proxy", Allow::kProxy}}};
constexpr Words<Reject, 7> kReject{{{"603", Reject::kDecline},
                                    {"603+", Reject::kNetworkBlocked},
                                    {"608", Reject::kRejected},
                                    {"403", Reject::kForbidden},
                                    {"404", Reject::kNotFound},
                                    {"480", Reject::kUnavailable},
                                    {"486", Reject::kBusy}}};
constexpr Words<Direction, 4> kDirection{{{"unknown", Direction::kUnknown},
                                          {"international_in", Direction::kInternationalIn},
                                          {"inter_network", Direction::kInterNetwork},
                                          {"intra_network", Direction::kIntraNetwork}}};
constexpr Words<IdentityCheck, 3> kIdentity{
    {{"off", IdentityCheck::kOff}, {"check", IdentityCheck::kCheck}, {"require", IdentityCheck::kRequire}}};
constexpr std::array<std::string_view, 5> kPlaces{"LN", "TN", "RLN", "LPN", "RPN"};

IpAddress masked(const IpAddress& ip, unsigned bits) {
  const auto mask = [](unsigned n) { return n == 0 ? 0ULL : n >= 64 ? ~0ULL : ~0ULL << (64 - n); };
  return {ip.hi & mask(std::min(bits, 64U)), ip.lo & mask(bits > 64 ? bits - 64 : 0)};
}

std::optional<Hop> parse_hop(std::string_view text) {
  if (text.starts_with("sip:")) text.remove_prefix(4);
  std::string_view host;
  std::uint16_t port = 0;
  std::size_t used = 0;
  if (!parse_host_port(text, host, port, used) || used != text.size()) return std::nullopt;
  if (host.front() == '[') host = host.substr(1, host.size() - 2);
  const auto address = IpAddress::parse(host);
  if (!address) return std::nullopt;
  return Hop{*address, port == 0 ? std::uint16_t{5060} : port, std::string(text)};
}

bool good_header_text(std::string_view text) {
  for (const char c : text)
    if (static_cast<unsigned char>(c) < 0x21 || static_cast<unsigned char>(c) > 0x7e ||
        std::string_view("<>\";,\\").find(c) != std::string_view::npos)
      return false;
  return true;
}

}  // namespace

class TrunksReader {
 public:
  TrunksReader(std::string_view file, Trunks& out) : file_(file), out_(out) {}

  Result<> read(const toml::table& root) {
    for (const auto& [name, node] : root)
      if (name.str() != "trunk") fault(node, fmt::format("{} is not known; write [[trunk]]", name.str()));
    if (const toml::node* list = root.get("trunk")) {
      const toml::array* trunks = list->as_array();
      if (trunks == nullptr) {
        fault(*list, "trunk is a list of tables; write [[trunk]]");
      } else {
        for (const toml::node& item : *trunks) {
          const toml::table* table = item.as_table();
          if (table == nullptr)
            fault(item, "trunk is a list of tables; write [[trunk]]");
          else
            trunk(*table);
        }
      }
    }
    if (!faults_.empty()) return error(Errc::kBadConfig, std::string(file_), faults_);
    for (auto& width : out_.widths_)
      std::sort(width.nets.begin(), width.nets.end(), [](const auto& a, const auto& b) { return a.base < b.base; });
    std::sort(out_.widths_.begin(), out_.widths_.end(), [](const auto& a, const auto& b) { return a.bits > b.bits; });
    return {};
  }

 private:
  void fault(const toml::node& node, std::string_view message) {
    const auto at = node.source().begin;
    faults_ += fmt::format("{}{}:{}:{}: {}", faults_.empty() ? "" : "\n  ", file_, at.line, at.column, message);
  }

  void text(const toml::node& node, std::string_view key, std::string& out, bool header) {
    if (!node.is_string()) return fault(node, fmt::format("{} takes text", key));
    out = node.value_or(std::string());
    if (header && !good_header_text(out))
      fault(node, fmt::format("{} stands in a SIP header: printable ASCII without spaces, quotes, <, >, ; and ,", key));
  }
  void flag(const toml::node& node, std::string_view key, bool& out) {
    if (!node.is_boolean()) return fault(node, fmt::format("{} takes true or false", key));
    out = node.value_or(false);
  }
  std::int64_t whole(const toml::node& node, std::string_view key, std::int64_t max) {
    const std::int64_t value = node.is_integer() ? node.value_or(std::int64_t{-1}) : -1;
    if (value < 0 || value > max) {
      fault(node, fmt::format("{} takes a whole number from 0 to {}", key, max));
      return 0;
    }
    return value;
  }
  template <typename T, std::size_t kCount>
  void word(const toml::node& node, std::string_view key, const Words<T, kCount>& words, T& out) {
    const std::string value = node.value_or(std::string());
    std::string known;
    for (const auto& [name, meaning] : words) {
      if (name == value) {
        out = meaning;
        return;
      }
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    fault(node, fmt::format("{} is one of {}", key, known));
  }

  void trunk(const toml::table& table) {
    Trunk t;
    const toml::node* peers = nullptr;
    for (const auto& [name, node] : table) {
      const std::string_view key = name.str();
      if (key == "name")
        text(node, key, t.name, true);
      else if (key == "peers")
        peers = &node;
      else if (key == "direction")
        word(node, key, kDirection, t.direction);
      else if (key == "trusted")
        flag(node, key, t.trusted);
      else if (key == "allow")
        word(node, key, kAllow, t.allow);
      else if (key == "reject")
        word(node, key, kReject, t.reject);
      else if (key == "reject_fact")
        word(node, key, kReject, t.reject_fact);
      else if (key == "next_hop")
        hop(node, t.next);
      else if (key == "identity")
        word(node, key, kIdentity, t.identity);
      else if (key == "reply_to_source_port")
        flag(node, key, t.reply_to_source_port);
      else if (key == "country")
        t.country = static_cast<std::uint16_t>(whole(node, key, 999));
      else if (key == "area")
        text(node, key, t.area, true);
      else if (key == "rate")
        t.rate = static_cast<std::uint64_t>(whole(node, key, 1'000'000'000'000));
      else if (key == "burst")
        t.burst = static_cast<std::uint64_t>(whole(node, key, 1'000'000'000'000));
      else if (key == "redress_url")
        text(node, key, t.redress_url, true);
      else if (key == "redress_tel")
        text(node, key, t.redress_tel, true);
      else if (key == "redress_email")
        text(node, key, t.redress_email, true);
      else if (key == "jcard_url")
        text(node, key, t.jcard_url, true);
      else if (key == "blocked_at")
        place(node, t);
      else if (key == "dial")
        dial(node, t.dial);
      else
        fault(node, fmt::format("{} is not a setting of a trunk; docs/sip.md lists them", key));
    }
    whole_trunk(table, t);
    const auto index = static_cast<std::uint16_t>(out_.trunks_.size());
    if (peers == nullptr)
      fault(table, "a trunk needs peers = [\"ADDRESS\" or \"ADDRESS/BITS\", ...]");
    else
      read_peers(*peers, index);
    if (t.allow == Allow::kProxy) out_.next_hops_.push_back(t.next.address);
    if (out_.trunks_.size() >= 4096) return fault(table, "more than 4096 trunks");
    out_.trunks_.push_back(std::move(t));
  }

  void whole_trunk(const toml::table& table, Trunk& t) {
    if (t.name.empty()) fault(table, "a trunk needs a name");
    if (out_.named(t.name) != nullptr) fault(table, fmt::format("a second trunk is named {}", t.name));
    if ((t.allow == Allow::kRedirect || t.allow == Allow::kProxy) && t.next.text.empty())
      fault(table, "allow = \"302\" and \"proxy\" need next_hop = \"ADDRESS:PORT\"");
    const bool plus = t.reject == Reject::kNetworkBlocked || t.reject_fact == Reject::kNetworkBlocked;
    if (plus && t.redress_url.empty() && t.redress_tel.empty() && t.redress_email.empty())
      fault(table, "603+ needs at least one of redress_url, redress_tel, redress_email (ATIS-1000099)");
    if (!t.redress_url.empty() && !t.redress_url.starts_with("https://"))
      fault(table, "redress_url begins with https:// (ATIS-1000099)");
    const bool card = t.reject == Reject::kRejected || t.reject_fact == Reject::kRejected;
    if (card && !t.jcard_url.starts_with("https://"))
      fault(table, "608 needs jcard_url = \"https://...\" where the caller finds whom to ask (RFC 8688)");
    if (t.rate != 0 && t.burst == 0) t.burst = std::max<std::uint64_t>(t.rate / 10, 64);
  }

  void hop(const toml::node& node, Hop& out) {
    const auto parsed = parse_hop(node.value_or(std::string()));
    if (!parsed) return fault(node, "next_hop takes ADDRESS:PORT, IPv6 in brackets; names are not looked up");
    out = *parsed;
  }
  void place(const toml::node& node, Trunk& t) {
    const std::string value = node.value_or(std::string());
    if (std::find(kPlaces.begin(), kPlaces.end(), value) == kPlaces.end())
      return fault(node, "blocked_at is one of LN, TN, RLN, LPN, RPN (RFC 8606)");
    std::fill(std::begin(t.blocked_at), std::end(t.blocked_at), '\0');
    std::copy(value.begin(), value.end(), t.blocked_at);
  }

  void dial(const toml::node& node, std::vector<DialRule>& out) {
    const toml::array* rules = node.as_array();
    if (rules == nullptr) return fault(node, "dial is a list: dial = [{prefix = \"0\", strip = 1, add = \"+86\"}]");
    for (const toml::node& item : *rules) {
      const toml::table* table = item.as_table();
      if (table == nullptr) {
        fault(item, "a dial rule is a table: {prefix = \"0\", strip = 1, add = \"+86\"}");
        continue;
      }
      DialRule rule;
      for (const auto& [name, value] : *table) {
        const std::string_view key = name.str();
        if (key == "prefix")
          text(value, key, rule.prefix, true);
        else if (key == "add")
          text(value, key, rule.add, true);
        else if (key == "strip")
          rule.strip = static_cast<std::uint8_t>(whole(value, key, 32));
        else if (key == "length_min")
          rule.length_min = static_cast<std::uint8_t>(whole(value, key, 32));
        else if (key == "length_max")
          rule.length_max = static_cast<std::uint8_t>(whole(value, key, 32));
        else
          fault(value, "a dial rule has prefix, length_min, length_max, strip, add");
      }
      for (const std::string* digits : {&rule.prefix, &rule.add})
        if (digits->find_first_not_of("+0123456789*#") != std::string::npos || digits->size() > 32)
          fault(item, "prefix and add hold at most 32 of +, digits, * and #");
      out.push_back(std::move(rule));
    }
  }

  void read_peers(const toml::node& node, std::uint16_t trunk) {
    const toml::array* list = node.as_array();
    if (list == nullptr || list->empty()) return fault(node, "peers is a list of addresses");
    for (const toml::node& item : *list) {
      const std::string value = item.value_or(std::string());
      const std::size_t slash = value.find('/');
      const auto address = IpAddress::parse(value.substr(0, slash));
      std::uint64_t bits = 128;
      bool good = address.has_value();
      if (good && slash != std::string::npos) {
        const std::uint64_t widest = address->is_v4() ? 32 : 128;
        good = read_decimal(std::string_view(value).substr(slash + 1), widest, bits);
        if (good && address->is_v4()) bits += 96;
      }
      if (!good) {
        fault(item, "a peer is an address, or ADDRESS/BITS");
        continue;
      }
      add_peer(item, masked(*address, static_cast<unsigned>(bits)), static_cast<unsigned>(bits), trunk);
    }
  }

  void add_peer(const toml::node& item, const IpAddress& base, unsigned bits, std::uint16_t trunk) {
    auto width = std::find_if(out_.widths_.begin(), out_.widths_.end(), [&](const auto& w) { return w.bits == bits; });
    if (width == out_.widths_.end()) {
      out_.widths_.push_back({bits, {}});
      width = out_.widths_.end() - 1;
    }
    for (const auto& net : width->nets)
      if (net.base == base) return fault(item, "another trunk has this peer already");
    width->nets.push_back({base, trunk});
  }

  std::string_view file_;
  Trunks& out_;
  std::string faults_;
};

Result<Trunks> Trunks::load(std::string_view file, std::string_view text) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, fmt::format("{}:{}:{}", file, bad->line, bad->column), bad->message);
  Trunks out;
  TRY(TrunksReader(file, out).read(root));
  return out;
}

const Trunk* Trunks::find(const IpAddress& peer) const {
  for (const Width& width : widths_) {
    const IpAddress base = masked(peer, width.bits);
    const auto found = std::lower_bound(width.nets.begin(), width.nets.end(), base,
                                        [](const Net& net, const IpAddress& key) { return net.base < key; });
    if (found != width.nets.end() && found->base == base) return &trunks_[found->trunk];
  }
  return nullptr;
}

const Trunk* Trunks::named(std::string_view name) const {
  for (const Trunk& trunk : trunks_)
    if (trunk.name == name) return &trunk;
  return nullptr;
}

bool Trunks::any_identity() const {
  return std::any_of(trunks_.begin(), trunks_.end(),
                     [](const Trunk& trunk) { return trunk.identity != IdentityCheck::kOff; });
}

bool Trunks::is_next_hop(const IpAddress& address) const {
  return std::find(next_hops_.begin(), next_hops_.end(), address) != next_hops_.end();
}

std::string_view apply(const Trunk& trunk, std::string_view number, std::string& room) {
  if (trunk.dial.empty()) return number;
  const std::size_t digits = number.size() - (number.starts_with('+') ? 1 : 0);
  for (const DialRule& rule : trunk.dial) {
    if (!number.starts_with(rule.prefix) || digits < rule.length_min || digits > rule.length_max) continue;
    room.assign(rule.add);
    room.append(number.substr(std::min<std::size_t>(rule.strip, number.size())));
    return room;
  }
  return number;
}

}  // namespace pandun::sip
