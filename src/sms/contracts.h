// Business senders: who has a contract under which the gate may compare texts, and with which templates.
//
// Shape    content/sms/templates.toml; every [[sender]] names the account it binds with, its contract, its sender ids (ports),
//          the link domains it may use and its registered templates.
// Safety   a Contract can be made here and nowhere else, and only from an entry that names a contract: holding one is the leave
//          to read text. There is none for traffic between people.
// Errors   read(): kBadConfig with every fault as file:line.
// Threads  immutable once read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "platform/seal.h"
#include "sms/template.h"

namespace pandun::sms {

enum class TemplateKind : std::uint8_t { kVerification, kNotice, kMarketing };

struct SenderTemplate {
  std::string id;
  TemplateKind kind = TemplateKind::kNotice;
  Pattern pattern;
  std::uint64_t hash = 0;  // keyed: says which template it was and nothing of its words
};

class Contract {
 public:
  const std::string& sender() const { return sender_; }
  const std::string& reference() const { return reference_; }
  const std::vector<SenderTemplate>& templates() const { return templates_; }
  bool packed_gsm7() const { return packed_gsm7_; }
  std::uint64_t rate_per_minute() const { return rate_per_minute_; }  // messages from one sender id; 0: unbounded
  // A registered sender id: exact, or below a registered prefix ("106912345*").
  bool owns(std::string_view sender_id) const;
  bool registered_domain(std::string_view domain) const;  // itself or below one

 private:
  friend class ContractBook;
  Contract() = default;
  std::string sender_, reference_;
  std::vector<std::string> accounts_, sender_ids_, domains_;
  std::vector<SenderTemplate> templates_;
  bool packed_gsm7_ = false;
  std::uint64_t rate_per_minute_ = 0;
};

class ContractBook {
 public:
  ContractBook() = default;
  static Result<ContractBook> read(std::string_view text, const std::string& file, const platform::SealKey& key);
  const Contract* find(std::string_view account) const;  // null: its texts are not read
  const std::vector<std::unique_ptr<const Contract>>& contracts() const { return contracts_; }

 private:
  std::vector<std::unique_ptr<const Contract>> contracts_;
};

}  // namespace pandun::sms
