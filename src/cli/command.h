// One subcommand a file: each defines a Command; main.cpp lists them and is the only file that knows the argument library.
//
// Errors   arguments are checked before any I/O. run() returns an exit code of the one table (base/errors.cpp): 0 done; 2 usage;
//          3 bad configuration or content; 4 bad input; 5 not allowed; 6 unavailable; 70 our own bug.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace pandun::cli {

enum class FlagKind : std::uint8_t { kSwitch, kText, kInteger, kNumber, kMany };

struct Flag {
  std::string_view name;   // "--shards"
  std::string_view value;  // "N", shown in --help
  std::string_view help;
  FlagKind kind = FlagKind::kText;
  std::string_view fallback{};  // shown in --help; empty = none
  bool required = false;
};

class Arguments {
 public:
  bool has(std::string_view flag) const { return values_.find(flag) != values_.end(); }
  std::string text(std::string_view flag) const;  // fallback already applied; "" if none
  std::int64_t integer(std::string_view flag) const;
  double number(std::string_view flag) const;
  const std::vector<std::string>& many(std::string_view flag) const;
  const std::vector<std::string>& rest() const { return rest_; }  // positional arguments

  std::map<std::string, std::vector<std::string>, std::less<>> values_;
  std::vector<std::string> rest_;
};

struct Command {
  std::string_view name;  // "replay", "intel import"
  std::string_view help;
  std::vector<Flag> flags;
  std::string_view rest;  // "INPUT…"; empty = none are taken
  std::string_view rest_help;
  std::size_t rest_min = 0, rest_max = 0;
  int (*run)(const Arguments&) = nullptr;
};

// Prints the error as a person reads it (or as JSON) on standard error and gives its exit code.
int fail(const Error& error, bool json = false);

// `--name`: the flag most commands share.
inline constexpr Flag kJson{"--json", "", "print the answer as JSON", FlagKind::kSwitch};
inline constexpr Flag kData{"--data", "DIR", "the platform's data directory", FlagKind::kText};
inline constexpr Flag kConfig{"--config", "FILE", "configuration (TOML); see docs/configuration.md", FlagKind::kText};

}  // namespace pandun::cli
