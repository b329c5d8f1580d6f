// The action kit: how an approved and ordered measure reaches the outside, and how the answer comes back.
//
// Idempotent  an order's id is its key: apply() or undo() of the same order twice has the effect of once.
// Receipts    receipts() lists what has come in; each stays listed until accepted() or rejected() was called for it, so
//             that a crash in between loses none. The desk ignores a receipt it has seen (by digest).
// Errors      apply(), undo(): any; the order is tried again later. receipts(): the place cannot be read.
// Threads     one owner.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "platform/file_system.h"
#include "platform/seal.h"

namespace pandun::actions {

struct ActionSpec {
  std::string_view name;  // folder name
  std::string_view title_en, title_zh;
  std::string_view does_en, does_zh;        // one sentence
  std::string_view needs_right;             // what its user must have: a name from guard/rights.h
  std::string_view answers_en, answers_zh;  // how receipts come back
};

struct Order {
  std::string id;
  std::string doc;  // the order as JSON, made by casework
};

struct Receipt {
  std::string name;                  // the action's own handle
  std::string order, state, detail;  // state: acknowledged, done, failed
  std::string digest;                // of its bytes
  std::optional<WallMs> at;          // as the sender says
  std::string fault{};               // not empty: it could not be read, and why
  std::string carrier{};             // who answers, when the receipt says
};

class Action {
 public:
  virtual ~Action() = default;
  virtual Result<std::string> preview(const Order& order) const = 0;  // exactly what apply() would send
  virtual Result<> apply(const Order& order) = 0;
  virtual Result<> undo(const Order& order) = 0;  // the order's verb is "lift"
  virtual Result<std::vector<Receipt>> receipts() = 0;
  virtual Result<> accepted(const Receipt& receipt) = 0;
  virtual Result<> rejected(const Receipt& receipt, const std::string& why) = 0;
};

// What every action may stand on.
struct ActionEnvironment {
  platform::FileSystem& files;
  std::string data_directory;
  platform::SealKey site_key;
};

// One line of the garden's catalogue.
struct ActionPart {
  const ActionSpec& (*spec)();
  std::unique_ptr<Action> (*make)(const ActionEnvironment& environment);
};

const std::vector<ActionPart>& catalog();

}  // namespace pandun::actions
