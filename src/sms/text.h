// What a business sender's text says, reduced to three facts: which registered template it is, a hash, and the domain of its link.
//
// Safety   read() is the only way from a text to anything else, and a Finding is all that comes out: an enumerator, a keyed
//          64-bit hash and a host name. Texts are wiped when it returns.
// Threads  TextReader is immutable; Assembly has one owner.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/hash.h"
#include "platform/seal.h"
#include "sms/body.h"
#include "sms/contracts.h"

namespace pandun::sms {

// A host name that stood in a link: letters, digits, dots and hyphens, lower case, at most 253 bytes. Nothing else fits in.
class LinkDomain {
 public:
  LinkDomain() = default;
  std::string_view text() const { return {bytes_, size_}; }
  bool empty() const { return size_ == 0; }

 private:
  friend class TextReader;
  char bytes_[253] = {};
  std::uint8_t size_ = 0;
};

enum class Match : std::uint8_t {
  kIncomplete,    // pieces of a long message are missing; what is there fits a registered template
  kRegistered,    // one of the sender's templates
  kVerification,  // one of its templates for verification codes
  kUnregistered,
  kUnreadable,  // binary, or an alphabet that the gate does not know
};

struct Finding {
  Match match = Match::kUnreadable;
  std::uint64_t template_hash = 0;  // keyed; of the template, or of the text without its digits and links
  LinkDomain domain;                // of the first link; empty: none
  bool foreign_link = false;        // some link leads to a domain that is not registered
};
static_assert(std::is_trivially_copyable_v<Finding> && sizeof(Finding) <= 288, "nothing that could hold a text");

// Pieces of long messages, until all are there or their time is over. Counts its bytes and forgets the oldest beyond a bound.
class Assembly {
 public:
  explicit Assembly(std::size_t bytes_max = 4 << 20, std::chrono::milliseconds keep = std::chrono::minutes(5))
      : bytes_max_(bytes_max), keep_(keep) {}
  void expire(std::chrono::nanoseconds now);
  std::size_t messages() const { return messages_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  friend class TextReader;
  struct Message {
    std::vector<SecretText> parts;  // by number - 1; empty: not there
    std::vector<bool> here;
    std::chrono::nanoseconds since{0};
    std::size_t bytes = 0;
    bool condemned = false;  // one of its pieces fitted nothing
  };
  using Messages = std::map<Hash128, Message>;
  void forget(Messages::iterator message);

  Messages messages_;
  std::size_t bytes_ = 0, bytes_max_;
  std::chrono::milliseconds keep_;
};

class TextReader {
 public:
  explicit TextReader(const platform::SealKey& key) : key_(key) {}

  // `conversation` tells apart who writes to whom; pieces with one reference belong together only within it.
  Finding read(const Contract& contract, Body body, Hash128 conversation, Assembly& assembly,
               std::chrono::nanoseconds now) const;

  // A template's text as texts are compared: folded, without spaces, each link one character. For contracts.cpp.
  static std::vector<char32_t> folded_template(std::string_view utf8);
  static constexpr char32_t kLinkMark =
      0xe000;  // stands for a link in folded text; private use, so no text brings its own

 private:
  struct Folded;
  Finding compare(const Contract& contract, const SecretText& text, bool whole) const;
  static bool decode(const Body& body, SecretText& out);
  static void fold(const SecretText& text, Folded& out);
  static void take_links(Folded& text);
  std::uint64_t skeleton_hash(const Folded& text) const;

  platform::SealKey key_;
};

}  // namespace pandun::sms
