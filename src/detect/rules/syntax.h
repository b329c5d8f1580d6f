// The rule language's front: text → tokens → tree. docs/rules.md is its reference.
//
// Errors   every stage gathers ExpressionFaults (offset into the expression, stable code) and goes on where it can.
// Bounds   4,096 bytes, 64 levels of parentheses; both are faults, never a crash.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/features/catalog.h"

namespace pandun::detect {

struct ExpressionFault {
  std::uint32_t offset = 0;
  std::string code, message, advice;
};

enum class TokenKind : std::uint8_t { kNumber, kText, kName, kOperator, kEnd };
struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::uint32_t offset = 0;
  std::string_view text;  // as written; kText without its quotes
  double number = 0;
};
std::vector<Token> tokenize(std::string_view expression, std::vector<ExpressionFault>& faults);
std::string dump(const std::vector<Token>& tokens);  // one a line: "offset kind text"

enum class Type : std::uint8_t { kNumber, kBoolean, kText, kFaulty };
std::string_view name(Type type);

// What a rule may ask about an entity besides its features. Only append.
enum class Fact : std::uint8_t { kProtectedGroup, kEmergencyOrService, kKnownService, kPrivate };

enum class NodeKind : std::uint8_t {
  kNumber,
  kBoolean,
  kText,
  kFeature,
  kFact,
  kNegate,
  kNot,
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kMin,
  kMax,
  kEqual,
  kNotEqual,
  kLess,
  kLessEqual,
  kGreater,
  kGreaterEqual,
  kIn,
  kNotIn,
  kAnd,
  kOr,
  kFaulty,
};
struct Node {
  NodeKind kind = NodeKind::kFaulty;
  Type type = Type::kFaulty;
  std::uint32_t offset = 0;
  std::vector<std::uint32_t> children;
  double number = 0;      // kNumber, kBoolean
  std::string_view text;  // kText; the name of a feature or fact
  const Feature* feature = nullptr;
  Fact fact{};
};
struct Tree {
  std::vector<Node> nodes;
  std::uint32_t root = 0;
};

// Parses and type-checks; names are resolved for that kind of entity. Usable only when `faults` stayed empty.
Tree parse(std::string_view expression, model::EntityKind entity, std::vector<ExpressionFault>& faults);
std::string dump(const Tree& tree);  // "(and (>= calls_out_1h 100) …)"

}  // namespace pandun::detect
