// A big list of numbers in a file that is mapped, not read: ten million entries answer within a second of the start.
//
// Shape    64-byte header, name of the list, then an open-addressing table of 16-byte slots, at most two thirds full: a keyed
//          hash of the number, the second its entry expires, its row in the CSV. One cache miss a question.
// Safety   the file holds SipHash-2-4 of numbers under a key of the site, never numbers: without the key it says nothing.
// Errors   open(): kCorrupt when header, size or checksum do not fit; kUnsupported for another version.
//          compile_list(): kBadInput for a file that is no list; single bad lines are counted and reported, never fatal.
// Threads  a list is immutable; find() from any thread. The file is only ever replaced whole (rename), never changed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "model/number.h"
#include "platform/file_system.h"
#include "platform/mapped_file.h"
#include "platform/seal.h"
#include "platform/short_hash.h"

namespace pandun::decide {

enum class ListKind : std::uint8_t { kReject, kWarn, kDoNotOriginate, kRoaming, kProtected };
std::string_view name(ListKind kind);  // "reject", "warn", "do_not_originate", "roaming", "protected"

// What stands in NAME.toml beside NAME.csv: a list without these is not taken.
struct ListManifest {
  std::string name{};  // of the file; letters, digits, - and _
  ListKind kind = ListKind::kWarn;
  std::string title_zh{}, title_en{}, ground{};
  std::vector<std::string> approved_by{};  // reject and do_not_originate: two different people
  WallMs approved_at{}, expires_at{};      // after expires_at the list says nothing
};
Result<ListManifest> parse_list_manifest(std::string_view file, std::string_view toml);

class NumberReader {  // as ingest reads numbers
 public:
  virtual ~NumberReader() = default;
  virtual model::NumberKey read(std::string_view text) const = 0;
};

struct ListReject {
  std::uint64_t line = 0;
  std::string reason;
};
struct ListCompiled {
  std::uint64_t entries = 0, repeats = 0, rejected = 0;
  std::vector<ListReject> rejects;  // the first 20
};
// CSV: a header line with `number` and, if wanted, `expires` (RFC 3339); or one number a line without a header.
Result<ListCompiled> compile_list(platform::FileSystem& files, const std::string& csv, const std::string& out,
                                  const platform::SealKey& key, const NumberReader& reader);

class NumberList {
 public:
  static Result<std::unique_ptr<const NumberList>> open(const std::string& path, ListManifest manifest,
                                                        const platform::SealKey& key);
  struct Hit {
    bool found = false;
    std::uint32_t row = 0;  // line in the CSV
  };
  // Not found once entry or list has expired.
  Hit find(model::NumberKey number, WallMs at) const;
  // The same in two steps: lists of one site share their key, so that a number is hashed once for all of them.
  std::uint64_t hash(model::NumberKey number) const;
  void prefetch(std::uint64_t hash) const { __builtin_prefetch(slots_ + (hash & mask_) * 16); }
  Hit find_hash(std::uint64_t hash, WallMs at) const;

  const ListManifest& manifest() const { return manifest_; }
  ListKind kind() const { return manifest_.kind; }
  std::uint64_t entries() const { return entries_; }
  bool in_force(WallMs at) const { return at < manifest_.expires_at; }

 private:
  NumberList(platform::MappedFile file, ListManifest manifest, const platform::ShortHashKey& key);

  platform::MappedFile file_;
  ListManifest manifest_;
  platform::ShortHashKey key_;
  const char* slots_ = nullptr;
  std::uint64_t mask_ = 0, entries_ = 0;
};

}  // namespace pandun::decide
