// Domain names: lower case, no trailing dot, A-labels (IDNA 2008 with UTS 46 mapping), and the registrable part by the
// public suffix list.
//
// Cache    a table of some 65,000 recent names; it changes speed only, never an answer.
// Errors   a name that is not a domain name is kept in lower case with an empty registrable part, and counted.
// Threads  one owner.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/arena.h"

namespace pandun::ingest {

struct NormalName {
  std::string_view name;         // the input itself where it was normal already, else bytes in the arena
  std::string_view registrable;  // a suffix of `name`; empty for addresses, single labels and bare public suffixes
};

class Domains {
 public:
  // psl_file: a public suffix list to use in place of the one libpsl was built with; kNotFound, kBadConfig.
  static Result<Domains> open(const std::string& psl_file = {});
  ~Domains();
  Domains(Domains&&) noexcept;
  Domains& operator=(Domains&&) noexcept;

  NormalName name(std::string_view raw, model::Arena& arena);
  NormalName host(std::string_view raw,
                  model::Arena& arena);  // the same, after cutting ":port" and [ ] of an IPv6 address

  std::uint64_t bad_names() const { return bad_names_; }

 private:
  struct Tables;
  explicit Domains(std::unique_ptr<Tables> tables);
  NormalName look_up(std::string_view name);
  NormalName international(std::string_view raw, model::Arena& arena);
  std::string_view registrable(std::string_view name);

  std::unique_ptr<Tables> tables_;
  std::uint64_t bad_names_ = 0;
};

}  // namespace pandun::ingest
