// The Zeek logs Pandun reads: their columns, and how a row of text becomes an event, whichever form the row came in.
//
// Source   Zeek 2 to 7 log reference (docs.zeek.org, "Logs"); conn_state in base/protocols/conn/main.zeek.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "sources/kit/record.h"

namespace pandun::sources::zeek {

inline constexpr std::size_t kSlots = 20;

// One record, by slot of its log; an unset or empty field is an empty view.
struct Row {
  std::array<std::string_view, kSlots> at{};
  char set_separator = ',';
  bool escaped = true;  // \xHH and \\ as Zeek's ASCII writer makes them
};

struct Fault {
  model::RejectReason reason{};
  std::string detail;
};

struct LogType {
  std::string_view name;
  std::vector<std::string_view> slots;  // slot 0 is always ts
  std::vector<std::string_view> also;   // columns that Zeek writes and Pandun does not use; "san.*" is a prefix
  bool (*build)(const Row& row, std::uint64_t record, EventMs time, DecodeSink& sink, Fault& fault);

  int slot_of(std::string_view column) const;  // -1 if it is not used
  bool knows(std::string_view column) const;
};

const std::vector<LogType>& log_types();
const LogType* log_type(std::string_view name);  // nullptr: a log that is not read

}  // namespace pandun::sources::zeek
