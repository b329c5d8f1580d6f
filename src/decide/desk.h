// What the API may ask of the decision room beyond deciding: why a decision was made, and what subscribers chose.
//
// Errors   kNotFound, kBadInput, kIo as the books behind it say.
// Threads  every call from any thread.
// Safety   explanations carry tokens and masks, never numbers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "decide/call_endings.h"
#include "decide/snapshot_input.h"

namespace pandun::decide {

struct ShownNumber {
  std::string mask{}, token{};  // both empty: withheld
};

struct Explanation {
  std::string id{}, service{};  // "call", "message", "call_ending"
  WallMs at{};
  Verdict verdict = Verdict::kAllow;
  Reason reason = Reason::kClear;
  ShownNumber from{}, to{}, diverted_by{};
  std::string trunk{}, direction{}, measure{};
  std::uint64_t snapshot = 0;
  unsigned score = 0, identity = 0, diversions = 0;
  std::vector<std::uint32_t> rates{};  // by Measured
};

struct CalleeSettings {
  model::NumberKey callee{};
  std::uint8_t choices = 0;
  std::vector<model::NumberKey> blocked{};
};

// What a switch tells of a call before its record is written; numbers as the switch writes them.
struct CallReport {
  std::string call{}, caller{}, callee{}, route{};
  EventMs told{};
  std::int32_t since_s = -1;
  model::CallStage stage = model::CallStage::kLasts;
  bool international = false;
};

class Desk {
 public:
  virtual ~Desk() = default;
  virtual Result<Explanation> explain(std::uint64_t id) = 0;

  virtual Result<CalleeSettings> callee(model::NumberKey callee) = 0;
  // All or none of them is stored; what is stored counts for the next call. No choices and nobody blocked: forgotten.
  virtual Result<> set_callees(const std::vector<CalleeSettings>& settings, std::string_view by) = 0;
  virtual Result<> set_labels(const std::vector<NumberLabel>& labels, std::string_view by) = 0;
  virtual Result<Label> label(model::NumberKey number) = 0;
  struct Totals {
    std::uint64_t callees = 0, labels = 0;
  };
  virtual Totals totals() = 0;

  // Durable when it returns; all or none. kUnavailable, to be tried again: more wait to be read than may.
  virtual Result<> report_calls(const std::vector<CallReport>& reports) = 0;
  virtual CallEndings::Page endings(std::uint64_t cursor, std::string_view call_prefix, std::size_t most) = 0;
  // How many of them were known and open.
  virtual Result<std::size_t> note_endings(const std::vector<EndingReceipt>& receipts, std::string_view by) = 0;
};

}  // namespace pandun::decide
