#include "detect/rules/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace pandun::detect {
namespace {

constexpr std::uint32_t kFactCost = 12;
constexpr std::size_t kStackMax = 512;  // the parser's levels times the operands each can leave waiting; plan() checks

bool compare(NodeKind kind, double a, double b) {
  switch (kind) {
    case NodeKind::kEqual:
      return a == b;
    case NodeKind::kNotEqual:
      return a < b || a > b;  // false when either is not known
    case NodeKind::kLess:
      return a < b;
    case NodeKind::kLessEqual:
      return a <= b;
    case NodeKind::kGreater:
      return a > b;
    default:
      return a >= b;
  }
}
NodeKind mirrored(NodeKind kind) {
  switch (kind) {
    case NodeKind::kLess:
      return NodeKind::kGreater;
    case NodeKind::kLessEqual:
      return NodeKind::kGreaterEqual;
    case NodeKind::kGreater:
      return NodeKind::kLess;
    case NodeKind::kGreaterEqual:
      return NodeKind::kLessEqual;
    default:
      return kind;
  }
}
bool is_comparison(NodeKind kind) {
  return kind >= NodeKind::kEqual && kind <= NodeKind::kGreaterEqual;
}

double boolean_fact(Fact fact, const RuleSubject& s) {
  if (fact == Fact::kEmergencyOrService) return s.ports->numbers->emergency_or_service(s.number->number()) ? 1 : 0;
  return s.host->host().is_private() ? 1 : 0;
}
std::string_view text_fact(Fact fact, const RuleSubject& s) {
  if (fact == Fact::kProtectedGroup) return s.ports->numbers->protected_group(s.number->number());
  constexpr std::array<std::string_view, 7> kServices{"", "time", "update", "cdn", "resolver", "push", "monitoring"};
  return kServices[static_cast<std::size_t>(s.ports->services->address(s.host->host()))];
}

double arithmetic(Step::Op op, double a, double b) {
  switch (op) {
    case Step::kAdd:
      return a + b;
    case Step::kSubtract:
      return a - b;
    case Step::kMultiply:
      return a * b;
    case Step::kDivide:
      return b == 0 ? std::nan("") : a / b;
    case Step::kMin:
      return std::isnan(a) || std::isnan(b) ? std::nan("") : std::min(a, b);
    default:
      return std::isnan(a) || std::isnan(b) ? std::nan("") : std::max(a, b);
  }
}

double run(const std::vector<Step>& steps, const RuleSubject& subject) {
  std::array<double, kStackMax> stack;
  std::size_t top = 0;  // one past the newest
  for (std::size_t at = 0; at < steps.size(); ++at) {
    const Step& step = steps[at];
    switch (step.op) {
      case Step::kNumber:
        stack[top++] = step.value;
        break;
      case Step::kFeature:
        stack[top++] = subject.value(*step.feature);
        break;
      case Step::kFact:
        stack[top++] = boolean_fact(step.fact, subject);
        break;
      case Step::kTextTest: {
        const std::string_view text = text_fact(step.fact, subject);
        const bool found = std::find(step.texts.begin(), step.texts.end(), text) != step.texts.end();
        stack[top++] = found != step.negated ? 1 : 0;
        break;
      }
      case Step::kNegate:
        stack[top - 1] = -stack[top - 1];
        break;
      case Step::kNot:
        stack[top - 1] = stack[top - 1] != 0 ? 0 : 1;
        break;
      case Step::kCompare:
        --top;
        stack[top - 1] = compare(step.comparison, stack[top - 1], stack[top]) ? 1 : 0;
        break;
      case Step::kTest:
        stack[top++] = compare(step.comparison, subject.value(*step.feature), step.value) ? 1 : 0;
        break;
      case Step::kSkipIfFalse:
      case Step::kSkipIfTrue:
        if ((stack[top - 1] != 0) == (step.op == Step::kSkipIfTrue)) {
          at = step.target - 1;
        } else {
          --top;
        }
        break;
      default:
        --top;
        stack[top - 1] = arithmetic(step.op, stack[top - 1], stack[top]);
    }
  }
  return stack[0];
}

}  // namespace

class Planner {
 public:
  explicit Planner(const Tree& tree) : tree_(tree), costs_(tree.nodes.size()) {}

  Program plan() {
    Program program;
    program.cost_ = cost(tree_.root);
    program.bound_ = contacts_bound(tree_.root);
    emit(tree_.root, program.steps_);
    reasons(tree_.root, program.reasons_);
    CHECK(deepest_ < kStackMax);
    return program;
  }

 private:
  const Node& at(std::uint32_t i) const { return tree_.nodes[i]; }

  std::uint32_t cost(std::uint32_t i) {
    const Node& n = at(i);
    std::uint32_t sum = n.kind == NodeKind::kFeature ? n.feature->cost : n.kind == NodeKind::kFact ? kFactCost : 0;
    for (const std::uint32_t child : n.children) sum += cost(child);
    return costs_[i] = sum;
  }

  bool constant(std::uint32_t i) const {
    const Node& n = at(i);
    if (n.kind == NodeKind::kNumber) return true;
    if (n.kind < NodeKind::kNegate || n.kind == NodeKind::kNot || n.kind > NodeKind::kMax) return false;
    return std::all_of(n.children.begin(), n.children.end(), [this](std::uint32_t c) { return constant(c); });
  }
  double folded(std::uint32_t i) {
    std::vector<Step> steps;
    const int depth = std::exchange(depth_, 0);
    emit_plain(i, steps);
    depth_ = depth;
    return run(steps, RuleSubject{});
  }

  void push(Step step, std::vector<Step>& out, int change) {
    depth_ += change;
    deepest_ = std::max(deepest_, static_cast<std::size_t>(std::max(depth_, 0)));
    out.push_back(std::move(step));
  }

  void emit(std::uint32_t i, std::vector<Step>& out) {
    if (at(i).kind != NodeKind::kNumber && constant(i)) {
      Step step;
      step.op = Step::kNumber;
      step.value = folded(i);
      return push(std::move(step), out, 1);
    }
    emit_plain(i, out);
  }

  void emit_plain(std::uint32_t i, std::vector<Step>& out) {
    const Node& n = at(i);
    Step step;
    switch (n.kind) {
      case NodeKind::kNumber:
      case NodeKind::kBoolean:
        step.op = Step::kNumber;
        step.value = n.number;
        return push(std::move(step), out, 1);
      case NodeKind::kFeature:
        step.op = Step::kFeature;
        step.feature = n.feature;
        return push(std::move(step), out, 1);
      case NodeKind::kFact:
        step.op = Step::kFact;
        step.fact = n.fact;
        return push(std::move(step), out, 1);
      case NodeKind::kNegate:
      case NodeKind::kNot:
        emit(n.children[0], out);
        step.op = n.kind == NodeKind::kNot ? Step::kNot : Step::kNegate;
        return push(std::move(step), out, 0);
      case NodeKind::kAnd:
      case NodeKind::kOr:
        return chain(n, out);
      case NodeKind::kIn:
      case NodeKind::kNotIn:
        return text_test(at(n.children[0]), n.children.begin() + 1, n, out);
      default:
        break;
    }
    if (is_comparison(n.kind)) return comparison(n, out);
    emit(n.children[0], out);
    for (std::size_t c = 1; c < n.children.size(); ++c) {
      emit(n.children[c], out);
      step.op = static_cast<Step::Op>(Step::kAdd + (static_cast<int>(n.kind) - static_cast<int>(NodeKind::kAdd)));
      push(step, out, -1);
    }
  }

  void comparison(const Node& n, std::vector<Step>& out) {
    const std::uint32_t left = n.children[0], right = n.children[1];
    if (at(left).type == Type::kText) {
      const bool fact_left = at(left).kind == NodeKind::kFact;
      const auto text = fact_left ? n.children.begin() + 1 : n.children.begin();
      const Node& fact = at(fact_left ? left : right);
      if (fact.kind == NodeKind::kFact && at(*text).kind == NodeKind::kText)
        return text_test(fact, text, n, out, text + 1);
      Step step;  // two constants, or two facts: decided by their names
      step.op = Step::kNumber;
      step.value = (at(left).text == at(right).text) == (n.kind == NodeKind::kEqual) ? 1 : 0;
      return push(std::move(step), out, 1);
    }
    Step step;
    step.comparison = n.kind;
    if (at(left).kind == NodeKind::kFeature && constant(right)) {
      step.op = Step::kTest;
      step.feature = at(left).feature;
      step.value = folded(right);
      return push(std::move(step), out, 1);
    }
    if (at(right).kind == NodeKind::kFeature && constant(left)) {
      step.op = Step::kTest;
      step.comparison = mirrored(n.kind);
      step.feature = at(right).feature;
      step.value = folded(left);
      return push(std::move(step), out, 1);
    }
    emit(left, out);
    emit(right, out);
    step.op = Step::kCompare;
    push(std::move(step), out, -1);
  }

  using Children = std::vector<std::uint32_t>::const_iterator;
  void text_test(const Node& fact, Children from, const Node& n, std::vector<Step>& out) {
    text_test(fact, from, n, out, n.children.end());
  }
  void text_test(const Node& fact, Children from, const Node& n, std::vector<Step>& out, Children to) {
    Step step;
    step.negated = n.kind == NodeKind::kNotIn || n.kind == NodeKind::kNotEqual;
    for (; from != to; ++from) step.texts.emplace_back(at(*from).text);
    if (fact.kind != NodeKind::kFact) {  // a constant on the left
      step.op = Step::kNumber;
      step.value =
          (std::find(step.texts.begin(), step.texts.end(), fact.text) != step.texts.end()) != step.negated ? 1 : 0;
      step.texts.clear();
      return push(std::move(step), out, 1);
    }
    step.op = Step::kTextTest;
    step.fact = fact.fact;
    push(std::move(step), out, 1);
  }

  void chain(const Node& n, std::vector<Step>& out) {
    std::vector<std::uint32_t> order = n.children;
    std::stable_sort(order.begin(), order.end(),
                     [this](std::uint32_t a, std::uint32_t b) { return costs_[a] < costs_[b]; });
    std::vector<std::size_t> skips;
    for (std::size_t c = 0; c < order.size(); ++c) {
      emit(order[c], out);
      if (c + 1 == order.size()) break;
      Step skip;
      skip.op = n.kind == NodeKind::kAnd ? Step::kSkipIfFalse : Step::kSkipIfTrue;
      skips.push_back(out.size());
      push(std::move(skip), out, -1);
    }
    for (const std::size_t s : skips) out[s].target = static_cast<std::uint32_t>(out.size());
  }

  // Of two bounds that must both hold, the one that more entities fail: more contacts, or as many in less time.
  static ContactsBound both(ContactsBound a, ContactsBound b) {
    ContactsBound out = a.least > b.least || (a.least == b.least && a.window < b.window) ? a : b;
    out.outgoing = a.outgoing || b.outgoing;
    out.numbers = std::max(a.numbers, b.numbers);
    return out;
  }
  static ContactsBound either(ContactsBound a, ContactsBound b) {
    return {std::min(a.least, b.least), std::max(a.window, b.window), a.outgoing && b.outgoing,
            static_cast<std::uint8_t>(a.kinds | b.kinds), std::min(a.numbers, b.numbers)};
  }

  // How many contacts an entity must have before this can hold.
  ContactsBound contacts_bound(std::uint32_t i) {
    const Node& n = at(i);
    if (n.kind == NodeKind::kAnd || n.kind == NodeKind::kOr) {
      ContactsBound bound = contacts_bound(n.children[0]);
      for (const std::uint32_t child : n.children)
        bound = n.kind == NodeKind::kAnd ? both(bound, contacts_bound(child)) : either(bound, contacts_bound(child));
      return bound;
    }
    if (!is_comparison(n.kind)) return {};
    std::uint32_t feature = n.children[0], against = n.children[1];
    NodeKind kind = n.kind;
    if (at(feature).kind != NodeKind::kFeature) {
      std::swap(feature, against);
      kind = mirrored(kind);
    }
    if (at(feature).kind != NodeKind::kFeature || !constant(against)) return {};
    const Feature& counted = *at(feature).feature;
    const double limit = folded(against);
    if (!(limit >= 0) || limit > 1e9) return {};
    std::uint32_t least = 0;
    if (kind == NodeKind::kEqual || kind == NodeKind::kGreaterEqual) {
      least = static_cast<std::uint32_t>(std::ceil(limit));
    } else if (kind == NodeKind::kGreater) {
      least = static_cast<std::uint32_t>(std::floor(limit)) + 1;
    }
    ContactsBound bound;
    if (least == 0) return bound;
    if (counted.bounded_by_numbers) bound.numbers = least;
    if (!counted.bounded_by_contacts) return bound;
    bound.least = least;
    bound.window = counted.window.value_or(kLongest);
    bound.outgoing = counted.outgoing;
    bound.kinds = counted.kinds;
    return bound;
  }

  void reasons(std::uint32_t i, std::vector<Program::Reason>& out) {
    const Node& n = at(i);
    if (n.kind == NodeKind::kAnd || n.kind == NodeKind::kOr) {
      for (const std::uint32_t child : n.children) reasons(child, out);
    } else if (is_comparison(n.kind) && at(n.children[0]).type == Type::kNumber) {
      std::uint32_t feature = n.children[0], against = n.children[1];
      NodeKind kind = n.kind;
      if (at(feature).kind != NodeKind::kFeature) {
        std::swap(feature, against);
        kind = mirrored(kind);
      }
      if (at(feature).kind != NodeKind::kFeature) return;
      Program::Reason reason{at(feature).feature, kind, {}};
      depth_ = 0;
      emit(against, reason.against);
      out.push_back(std::move(reason));
    }
  }

  const Tree& tree_;
  std::vector<std::uint32_t> costs_;
  int depth_ = 0;
  std::size_t deepest_ = 0;
};

Program Program::compile(const Tree& tree) {
  return Planner(tree).plan();
}

bool Program::holds(const RuleSubject& subject) const {
  return !steps_.empty() && run(steps_, subject) != 0;
}

bool Program::asks_dialling() const {
  const auto asks = [](const Step& step) { return step.feature != nullptr && step.feature->dialling != nullptr; };
  return std::any_of(steps_.begin(), steps_.end(), asks);
}

std::vector<model::Evidence> Program::evidence(const RuleSubject& subject) const {
  std::vector<model::Evidence> out;
  for (const Reason& r : reasons_) {
    const double value = subject.value(*r.feature), against = run(r.against, subject);
    if (compare(r.comparison, value, against))
      out.push_back({r.feature->name, value, against, std::string(r.feature->unit)});
  }
  return out;
}

std::string Program::dump() const {
  constexpr std::array<std::string_view, 16> kOps{
      "number",   "feature", "fact", "text", "negate",  "not",  "add",           "subtract",
      "multiply", "divide",  "min",  "max",  "compare", "test", "skip_if_false", "skip_if_true"};
  constexpr std::array<std::string_view, 6> kComparisons{"==", "!=", "<", "<=", ">", ">="};
  constexpr std::array<std::string_view, 4> kFacts{"protected_group", "emergency_or_service", "known_service",
                                                   "is_private"};
  const auto sign = [&](NodeKind kind) {
    return kComparisons[static_cast<std::size_t>(kind) - static_cast<std::size_t>(NodeKind::kEqual)];
  };
  std::string out;
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& s = steps_[i];
    out += fmt::format("{} {}", i, kOps[s.op]);
    switch (s.op) {
      case Step::kNumber:
        out += fmt::format(" {}", s.value);
        break;
      case Step::kFeature:
        out += " " + s.feature->name;
        break;
      case Step::kFact:
        out += fmt::format(" {}", kFacts[static_cast<std::size_t>(s.fact)]);
        break;
      case Step::kTextTest:
        out += fmt::format(" {}{} in", kFacts[static_cast<std::size_t>(s.fact)], s.negated ? " not" : "");
        for (const std::string& text : s.texts) out += fmt::format(" \"{}\"", text);
        break;
      case Step::kCompare:
        out += fmt::format(" {}", sign(s.comparison));
        break;
      case Step::kTest:
        out += fmt::format(" {} {} {}", s.feature->name, sign(s.comparison), s.value);
        break;
      case Step::kSkipIfFalse:
      case Step::kSkipIfTrue:
        out += fmt::format(" to {}", s.target);
        break;
      default:
        break;
    }
    out += '\n';
  }
  return out + fmt::format("cost {}, contacts at least {} in {}{}{}\n", cost_, bound_.least, spec(bound_.window).name,
                           bound_.outgoing ? ", outgoing" : "",
                           bound_.numbers != 0 ? fmt::format(", numbers at least {}", bound_.numbers) : "");
}

}  // namespace pandun::detect
