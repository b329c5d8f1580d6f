#include "sms/contracts.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "base/toml.h"

namespace pandun::sms {
namespace {

bool under(std::string_view name, std::string_view parent) {
  return name == parent ||
         (name.size() > parent.size() && name.ends_with(parent) && name[name.size() - parent.size() - 1] == '.');
}

// Collects every fault before any is told.
class Faults {
 public:
  explicit Faults(std::string file) : file_(std::move(file)) {}
  void add(const toml::node& at, const std::string& what) {
    const toml::source_position place = at.source().begin;
    text_ += "\n  " + file_ + ":" + std::to_string(place.line) + ":" + std::to_string(place.column) + ": " + what;
  }
  bool any() const { return !text_.empty(); }
  Error error() const { return pandun::error(Errc::kBadConfig, file_, "cannot be used:" + text_); }

 private:
  std::string file_, text_;
};

std::vector<std::string> words(const toml::table& table, std::string_view key, Faults& faults) {
  std::vector<std::string> out;
  const toml::node* const node = table.get(key);
  if (node == nullptr) return out;
  const toml::array* const list = node->as_array();
  if (list == nullptr) faults.add(*node, std::string(key) + " is a list of texts");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const auto text = (*list)[i].value<std::string>();
    if (!text || text->empty())
      faults.add((*list)[i], std::string(key) + " is a list of texts, none of them empty");
    else
      out.push_back(*text);
  }
  return out;
}

std::string word(const toml::table& table, std::string_view key, Faults& faults) {
  const auto text = table[key].value<std::string>();
  if (text && !text->empty()) return *text;
  faults.add(table, std::string(key) + " is missing");
  return {};
}

void only(const toml::table& table, std::initializer_list<std::string_view> known, Faults& faults) {
  for (const auto& [name, node] : table)
    if (std::find(known.begin(), known.end(), name.str()) == known.end())
      faults.add(node, std::string(name.str()) + " is not a key here");
}

std::uint64_t keyed(const platform::SealKey& key, const std::string& text) {
  const std::string hex = platform::keyed_hash_hex(key, text);
  std::uint64_t out = 0;
  std::from_chars(hex.data(), hex.data() + 16, out, 16);
  return out;
}

}  // namespace

bool Contract::owns(std::string_view sender_id) const {
  for (const std::string& mine : sender_ids_)
    if (mine.ends_with('*') ? sender_id.starts_with(std::string_view(mine).substr(0, mine.size() - 1))
                            : sender_id == mine)
      return true;
  return false;
}

bool Contract::registered_domain(std::string_view domain) const {
  for (const std::string& mine : domains_)
    if (under(domain, mine)) return true;
  return false;
}

const Contract* ContractBook::find(std::string_view account) const {
  for (const auto& contract : contracts_)
    for (const std::string& mine : contract->accounts_)
      if (mine == account) return contract.get();
  return nullptr;
}

Result<ContractBook> ContractBook::read(std::string_view text, const std::string& file, const platform::SealKey& key) {
  toml::table root;
  if (const auto bad = read_toml(text, file, root))
    return error(Errc::kBadConfig, file + ":" + std::to_string(bad->line) + ":" + std::to_string(bad->column),
                 bad->message);
  Faults faults(file);
  only(root, {"version", "sender"}, faults);
  ContractBook out;
  std::set<std::string> accounts, ids;
  const toml::node* const senders = root.get("sender");
  const toml::array* const list = senders == nullptr ? nullptr : senders->as_array();
  if (senders != nullptr && list == nullptr) faults.add(*senders, "write [[sender]]");
  for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
    const toml::table* const table = (*list)[i].as_table();
    if (table == nullptr) {
      faults.add((*list)[i], "write [[sender]]");
      continue;
    }
    only(*table, {"id", "contract", "accounts", "sender_ids", "domains", "gsm7", "rate_per_minute", "template"},
         faults);
    std::unique_ptr<Contract> contract(new Contract);
    contract->sender_ = word(*table, "id", faults);
    contract->reference_ = word(*table, "contract", faults);  // no contract, no reading
    contract->accounts_ = words(*table, "accounts", faults);
    contract->sender_ids_ = words(*table, "sender_ids", faults);
    contract->domains_ = words(*table, "domains", faults);
    const std::int64_t rate = (*table)["rate_per_minute"].value_or(std::int64_t{0});
    if (rate < 0 || rate > 100'000'000) faults.add(*table, "rate_per_minute is 0 (unbounded) to 100000000");
    contract->rate_per_minute_ = static_cast<std::uint64_t>(std::clamp<std::int64_t>(rate, 0, 100'000'000));
    const std::string gsm7 = (*table)["gsm7"].value_or(std::string("unpacked"));
    if (gsm7 != "packed" && gsm7 != "unpacked") faults.add(*table, "gsm7 is \"packed\" or \"unpacked\"");
    contract->packed_gsm7_ = gsm7 == "packed";
    if (contract->accounts_.empty()) faults.add(*table, "accounts names nobody");
    if (!ids.insert(contract->sender_).second) faults.add(*table, "id " + contract->sender_ + " stands twice");
    for (const std::string& account : contract->accounts_)
      if (!accounts.insert(account).second) faults.add(*table, "account " + account + " has two contracts");
    const toml::array* const templates =
        table->get("template") == nullptr ? nullptr : table->get("template")->as_array();
    for (std::size_t j = 0; templates != nullptr && j < templates->size(); ++j) {
      const toml::table* const entry = (*templates)[j].as_table();
      if (entry == nullptr) {
        faults.add((*templates)[j], "write [[sender.template]]");
        continue;
      }
      only(*entry, {"id", "kind", "text"}, faults);
      SenderTemplate one;
      one.id = word(*entry, "id", faults);
      const std::string kind = (*entry)["kind"].value_or(std::string("notice"));
      if (kind == "verification")
        one.kind = TemplateKind::kVerification;
      else if (kind == "marketing")
        one.kind = TemplateKind::kMarketing;
      else if (kind != "notice")
        faults.add(*entry, "kind is verification, notice or marketing");
      const std::string words_of_it = word(*entry, "text", faults);
      auto pattern = Pattern::compile(words_of_it);
      if (!pattern.ok()) {
        if (!words_of_it.empty()) faults.add(*entry, pattern.error().message);
        continue;
      }
      one.pattern = std::move(*pattern);
      one.hash = keyed(key, contract->sender_ + "\n" + one.id + "\n" + words_of_it);
      contract->templates_.push_back(std::move(one));
    }
    out.contracts_.push_back(std::move(contract));
  }
  if (faults.any()) return faults.error();
  return out;
}

}  // namespace pandun::sms
