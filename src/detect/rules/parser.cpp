#include <fmt/format.h>

#include <array>

#include "detect/nearest.h"
#include "detect/rules/syntax.h"

namespace pandun::detect {
namespace {

constexpr unsigned kDepthMax = 128;  // a parenthesis is two levels, a function one

struct FactSpec {
  std::string_view name;
  Fact fact;
  Type type;
  model::EntityKind entity;
};
constexpr std::array<FactSpec, 4> kFacts{{
    {"protected_group", Fact::kProtectedGroup, Type::kText, model::EntityKind::kNumber},
    {"emergency_or_service", Fact::kEmergencyOrService, Type::kBoolean, model::EntityKind::kNumber},
    {"known_service", Fact::kKnownService, Type::kText, model::EntityKind::kIp},
    {"is_private", Fact::kPrivate, Type::kBoolean, model::EntityKind::kIp},
}};

struct Comparison {
  std::string_view text;
  NodeKind kind;
};
constexpr std::array<Comparison, 6> kComparisons{{{"==", NodeKind::kEqual},
                                                  {"!=", NodeKind::kNotEqual},
                                                  {"<", NodeKind::kLess},
                                                  {"<=", NodeKind::kLessEqual},
                                                  {">", NodeKind::kGreater},
                                                  {">=", NodeKind::kGreaterEqual}}};

class Parser {
 public:
  Parser(std::string_view expression, model::EntityKind entity, std::vector<ExpressionFault>& faults)
      : tokens_(tokenize(expression, faults)), entity_(entity), faults_(faults), broken_(!faults.empty()) {}

  Tree run() {
    if (peek().kind == TokenKind::kEnd) {
      fault(peek(), "empty", "the expression is empty", "say when the rule fires, as in calls_out_1h >= 100");
      tree_.root = node(NodeKind::kFaulty, Type::kFaulty, peek());
      return std::move(tree_);
    }
    tree_.root = either();
    if (!stopped_ && peek().kind != TokenKind::kEnd) {
      fault(peek(), "unexpected", fmt::format("'{}' is not expected here", peek().text),
            "join conditions with 'and' or 'or'");
      return std::move(tree_);
    }
    const Node& root = tree_.nodes[tree_.root];
    if (root.type != Type::kBoolean && root.type != Type::kFaulty)
      fault_at(root.offset, "type_mismatch", fmt::format("the rule must be a condition, this is a {}", name(root.type)),
               "compare it with something");
    return std::move(tree_);
  }

 private:
  const Token& peek(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is(std::string_view text) const {
    return peek().kind != TokenKind::kText && peek().text == text && !text.empty();
  }
  bool accept(std::string_view text) {
    if (!is(text)) return false;
    ++at_;
    return true;
  }
  void fault_at(std::uint32_t offset, std::string code, std::string message, std::string advice) {
    if (stopped_ || (broken_ && code != "unknown_feature")) return;
    faults_.push_back({offset, std::move(code), std::move(message), std::move(advice)});
  }
  void fault(const Token& token, std::string code, std::string message, std::string advice) {
    fault_at(token.offset, std::move(code), std::move(message), std::move(advice));
  }
  // What follows cannot be understood: no more faults, they would only be echoes.
  std::uint32_t stop(const Token& token) {
    stopped_ = true;
    at_ = tokens_.size() - 1;
    return node(NodeKind::kFaulty, Type::kFaulty, token);
  }
  std::uint32_t node(NodeKind kind, Type type, const Token& token, std::vector<std::uint32_t> children = {}) {
    Node n;
    n.kind = kind;
    n.type = type;
    n.offset = token.offset;
    n.children = std::move(children);
    tree_.nodes.push_back(std::move(n));
    return static_cast<std::uint32_t>(tree_.nodes.size() - 1);
  }
  bool want(std::uint32_t child, Type type, std::string_view what) {
    const Node& n = tree_.nodes[child];
    if (n.type == Type::kFaulty) return false;
    if (n.type == type) return true;
    fault_at(n.offset, "type_mismatch", fmt::format("{} needs a {}, this is a {}", what, name(type), name(n.type)),
             type == Type::kBoolean ? "compare it with something" : "use a feature or a number here");
    return false;
  }

  std::uint32_t chain(std::string_view word, NodeKind kind, std::uint32_t (Parser::*next)()) {
    const Token first = peek();
    std::vector<std::uint32_t> parts{(this->*next)()};
    while (accept(word)) parts.push_back((this->*next)());
    if (parts.size() == 1) return parts[0];
    for (const std::uint32_t part : parts) want(part, Type::kBoolean, fmt::format("'{}'", word));
    return node(kind, Type::kBoolean, first, std::move(parts));
  }
  std::uint32_t either() {
    if (++depth_ > kDepthMax) return too_deep();
    const std::uint32_t out = chain("or", NodeKind::kOr, &Parser::both);
    --depth_;
    return out;
  }
  std::uint32_t too_deep() {
    fault(peek(), "too_deep", "the expression is nested too deeply", "split it into several rules");
    return stop(peek());
  }
  std::uint32_t both() { return chain("and", NodeKind::kAnd, &Parser::negation); }

  std::uint32_t negation() {
    const Token first = peek();
    bool negated = false;
    bool any = false;
    while (accept("not")) {
      negated = !negated;
      any = true;
    }
    const std::uint32_t inner = comparison();
    if (!any) return inner;
    want(inner, Type::kBoolean, "'not'");
    return negated ? node(NodeKind::kNot, Type::kBoolean, first, {inner}) : inner;
  }

  std::uint32_t comparison() {
    const std::uint32_t left = sum();
    const Token op = peek();
    if (is("in") || (is("not") && peek(1).text == "in" && peek(1).kind == TokenKind::kName)) return membership(left);
    for (const Comparison& c : kComparisons) {
      if (op.kind != TokenKind::kOperator || op.text != c.text) continue;
      ++at_;
      const std::uint32_t right = sum();
      check_pair(c, op, left, right);
      for (const Comparison& again : kComparisons)
        if (peek().kind == TokenKind::kOperator && peek().text == again.text) {
          fault(peek(), "chained_comparison", "comparisons cannot be chained", "write a < b and b < c");
          return stop(peek());
        }
      return node(c.kind, Type::kBoolean, op, {left, right});
    }
    return left;
  }

  void check_pair(const Comparison& c, const Token& op, std::uint32_t left, std::uint32_t right) {
    const Type a = tree_.nodes[left].type, b = tree_.nodes[right].type;
    if (a == Type::kFaulty || b == Type::kFaulty) return;
    const bool equality = c.kind == NodeKind::kEqual || c.kind == NodeKind::kNotEqual;
    if (a != b) {
      fault(op, "type_mismatch", fmt::format("'{}' compares a {} with a {}", c.text, name(a), name(b)),
            "compare like with like");
    } else if (a == Type::kText && !equality) {
      fault(op, "type_mismatch", fmt::format("texts have no order: '{}' does not apply", c.text),
            "use ==, != or in (…)");
    } else if (a == Type::kBoolean) {
      fault(op, "type_mismatch", "conditions are not compared", "use them directly, or with 'not'");
    }
  }

  std::uint32_t membership(std::uint32_t left) {
    const Token op = peek();
    const NodeKind kind = accept("not") ? NodeKind::kNotIn : NodeKind::kIn;
    ++at_;
    want(left, Type::kText, "'in'");
    std::vector<std::uint32_t> children{left};
    if (!accept("(")) {
      fault(peek(), "expected", "'in' is followed by a list", R"(write in ("hospital", "courier"))");
      return stop(peek());
    }
    do {
      const Token item = peek();
      if (item.kind != TokenKind::kText) {
        fault(item, "expected", "the list of 'in' holds quoted texts", R"(write in ("hospital", "courier"))");
        return stop(item);
      }
      ++at_;
      children.push_back(text_node(item));
    } while (accept(","));
    if (!accept(")")) {
      fault(peek(), "expected", "the list of 'in' is not closed", "add ')'");
      return stop(peek());
    }
    return node(kind, Type::kBoolean, op, std::move(children));
  }

  std::uint32_t arithmetic(std::uint32_t left, NodeKind kind, const Token& op, std::uint32_t right) {
    const std::string what = fmt::format("'{}'", op.text);
    const bool left_ok = want(left, Type::kNumber, what), right_ok = want(right, Type::kNumber, what);
    const bool ok = left_ok && right_ok;
    return node(kind, ok ? Type::kNumber : Type::kFaulty, op, {left, right});
  }
  std::uint32_t sum() {
    if (++depth_ > kDepthMax) return too_deep();
    const std::uint32_t out = terms();
    --depth_;
    return out;
  }
  std::uint32_t terms() {
    std::uint32_t left = product();
    while (peek().kind == TokenKind::kOperator && (peek().text == "+" || peek().text == "-")) {
      const Token op = tokens_[at_++];
      const std::uint32_t right = product();
      left = arithmetic(left, op.text == "+" ? NodeKind::kAdd : NodeKind::kSubtract, op, right);
    }
    return left;
  }
  std::uint32_t product() {
    std::uint32_t left = unary();
    while (peek().kind == TokenKind::kOperator && (peek().text == "*" || peek().text == "/")) {
      const Token op = tokens_[at_++];
      const std::uint32_t right = unary();
      left = arithmetic(left, op.text == "*" ? NodeKind::kMultiply : NodeKind::kDivide, op, right);
    }
    return left;
  }
  std::uint32_t unary() {
    const Token op = peek();
    bool negative = false, any = false;
    while (peek().kind == TokenKind::kOperator && accept("-")) {
      negative = !negative;
      any = true;
    }
    const std::uint32_t inner = primary();
    if (!any) return inner;
    const bool ok = want(inner, Type::kNumber, "'-'");
    return negative ? node(NodeKind::kNegate, ok ? Type::kNumber : Type::kFaulty, op, {inner}) : inner;
  }

  std::uint32_t text_node(const Token& token) {
    const std::uint32_t out = node(NodeKind::kText, Type::kText, token);
    tree_.nodes[out].text = token.text;
    return out;
  }

  std::uint32_t primary() {
    const Token token = peek();
    if (token.kind == TokenKind::kNumber) {
      ++at_;
      const std::uint32_t out = node(NodeKind::kNumber, Type::kNumber, token);
      tree_.nodes[out].number = token.number;
      return out;
    }
    if (token.kind == TokenKind::kText) {
      ++at_;
      return text_node(token);
    }
    if (token.kind == TokenKind::kName && token.text != "and" && token.text != "or" && token.text != "in") {
      ++at_;
      return peek().kind == TokenKind::kOperator && is("(") ? call(token) : variable(token);
    }
    if (accept("(")) {
      const std::uint32_t inner = either();
      if (accept(")")) return inner;
      fault(peek(), "expected", "a parenthesis is not closed", fmt::format("close the one at offset {}", token.offset));
      return stop(peek());
    }
    fault(token, "expected",
          token.kind == TokenKind::kEnd ? "the expression ends too early"
                                        : fmt::format("'{}' is not expected here", token.text),
          "a feature, a number or a parenthesis belongs here");
    return stop(token);
  }

  std::uint32_t call(const Token& token) {
    const bool min = token.text == "min";
    if (!min && token.text != "max") {
      fault(token, "unknown_function", fmt::format("there is no function '{}'", token.text),
            "the functions are min and max");
      return stop(token);
    }
    ++at_;
    std::vector<std::uint32_t> children{sum()};
    while (accept(",")) children.push_back(sum());
    if (!accept(")")) {
      fault(peek(), "expected", fmt::format("the arguments of {} are not closed", token.text), "add ')'");
      return stop(peek());
    }
    bool ok = true;
    for (const std::uint32_t child : children) ok &= want(child, Type::kNumber, fmt::format("'{}'", token.text));
    if (children.size() < 2) {
      fault(token, "arguments", fmt::format("'{}' needs at least two arguments", token.text),
            "give it another, or leave it out");
      ok = false;
    }
    return node(min ? NodeKind::kMin : NodeKind::kMax, ok ? Type::kNumber : Type::kFaulty, token, std::move(children));
  }

  std::uint32_t variable(const Token& token) {
    if (token.text == "true" || token.text == "false") {
      const std::uint32_t out = node(NodeKind::kBoolean, Type::kBoolean, token);
      tree_.nodes[out].number = token.text == "true" ? 1 : 0;
      return out;
    }
    if (const Feature* feature = find_feature(entity_, token.text); feature != nullptr) {
      const std::uint32_t out = node(NodeKind::kFeature, Type::kNumber, token);
      tree_.nodes[out].feature = feature;
      tree_.nodes[out].text = feature->name;
      return out;
    }
    for (const FactSpec& f : kFacts) {
      if (f.name != token.text || f.entity != entity_) continue;
      const std::uint32_t out = node(NodeKind::kFact, f.type, token);
      tree_.nodes[out].fact = f.fact;
      tree_.nodes[out].text = f.name;
      return out;
    }
    fault(token, "unknown_feature", fmt::format("a rule about a {} knows no '{}'", name(entity_), token.text),
          advice_for(token.text));
    return node(NodeKind::kFaulty, Type::kFaulty, token);
  }

  std::string advice_for(std::string_view wrong) const {
    for (const model::EntityKind other :
         {model::EntityKind::kNumber, model::EntityKind::kIp, model::EntityKind::kDevice, model::EntityKind::kCell})
      if (other != entity_ && find_feature(other, wrong) != nullptr)
        return fmt::format("that one belongs to rules with entity = \"{}\"", name(other));
    std::vector<std::string_view> names;
    for (const Feature& f : features())
      if (f.entity == entity_) names.push_back(f.name);
    for (const FactSpec& f : kFacts)
      if (f.entity == entity_) names.push_back(f.name);
    const std::string_view meant = nearest(wrong, names);
    return meant.empty() ? "see 'pandun list features'" : fmt::format("did you mean '{}'?", meant);
  }

  std::vector<Token> tokens_;
  model::EntityKind entity_;
  std::vector<ExpressionFault>& faults_;
  Tree tree_;
  std::size_t at_ = 0;
  unsigned depth_ = 0;
  bool broken_;  // a token made no sense: only names can still be judged
  bool stopped_ = false;
};

constexpr std::array<std::string_view, 24> kKindNames{"",   "",  "",   "",    "",       "-",   "not", "+",
                                                      "-",  "*", "/",  "min", "max",    "==",  "!=",  "<",
                                                      "<=", ">", ">=", "in",  "not-in", "and", "or",  "faulty"};

void dump_node(const Tree& tree, std::uint32_t at, std::string& out) {
  const Node& n = tree.nodes[at];
  switch (n.kind) {
    case NodeKind::kNumber:
      out += fmt::format("{}", n.number);
      return;
    case NodeKind::kBoolean:
      out += n.number != 0 ? "true" : "false";
      return;
    case NodeKind::kText:
      out += fmt::format("\"{}\"", n.text);
      return;
    case NodeKind::kFeature:
    case NodeKind::kFact:
      out += n.text;
      return;
    default:
      break;
  }
  out += fmt::format("({}", kKindNames[static_cast<std::size_t>(n.kind)]);
  for (const std::uint32_t child : n.children) {
    out += ' ';
    dump_node(tree, child, out);
  }
  out += ')';
}

}  // namespace

std::string_view name(Type type) {
  constexpr std::array<std::string_view, 4> kNames{"number", "condition", "text", "fault"};
  return kNames[static_cast<std::size_t>(type)];
}

Tree parse(std::string_view expression, model::EntityKind entity, std::vector<ExpressionFault>& faults) {
  return Parser(expression, entity, faults).run();
}

std::string dump(const Tree& tree) {
  std::string out;
  dump_node(tree, tree.root, out);
  return out;
}

}  // namespace pandun::detect
