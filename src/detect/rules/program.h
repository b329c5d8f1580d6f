// A rule's condition as a flat list of steps: no tree, no allocation, no name look-up while the stream runs.
//
// Order    inside an 'and' or 'or' the cheapest test runs first and the rest only when it decides nothing; tests have no
//          side effects, so the order cannot change the outcome.
// Unknown  a feature that is not known (a ratio without a denominator) makes every comparison it stands in false.
// Threads  immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "detect/detector.h"
#include "detect/rules/syntax.h"
#include "detect/window.h"
#include "model/signal.h"

namespace pandun::detect {

// What a condition is asked about: one of these, and the ports.
struct RuleSubject {
  const NumberActivity* number = nullptr;
  const HostActivity* host = nullptr;
  const Ports* ports = nullptr;
  const DiallingActivity* dialling = nullptr;  // of the number; null: it does not dial at pace
  const DeviceActivity* device = nullptr;
  const CellActivity* cell = nullptr;
  double value(const Feature& feature) const {
    if (number != nullptr) return feature.of(*number, dialling);
    if (host != nullptr) return feature.host(*host);
    return device != nullptr ? feature.device(*device) : feature.cell(*cell);
  }
};

struct Step {
  enum Op : std::uint8_t {
    kNumber,
    kFeature,
    kFact,
    kTextTest,
    kNegate,
    kNot,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kMin,
    kMax,
    kCompare,  // pops two
    kTest,     // feature against a constant: the common case in one step
    kSkipIfFalse,
    kSkipIfTrue,  // jump to `target` and keep the value; else drop it and go on
  };
  Op op{};
  NodeKind comparison{};  // kCompare, kTest
  Fact fact{};
  bool negated = false;  // kTextTest
  std::uint32_t target = 0;
  double value = 0;
  const Feature* feature = nullptr;
  std::vector<std::string> texts;
};

// With fewer than `least` contacts in the window it cannot hold; 0: nothing is known. `outgoing`: it asks for so many calls
// or messages that the entity itself made, so only those can complete it.
struct ContactsBound {
  std::uint32_t least = 0;
  Window window = kLongest;
  bool outgoing = false;
  std::uint8_t kinds = kAnyContact;  // of a device or cell: which contacts these are, bits of ContactKind
  std::uint32_t numbers = 0;         // of a device: so many different numbers must have been on it
};

class Program {
 public:
  Program() = default;
  static Program compile(const Tree& tree);

  bool holds(const RuleSubject& subject) const;
  // Each test of a feature that holds now: its value and what it was measured against, in the order written.
  std::vector<model::Evidence> evidence(const RuleSubject& subject) const;

  bool asks_dialling() const;  // any feature of how a number dials
  std::uint32_t cost() const { return cost_; }
  std::uint32_t contacts_min() const { return bound_.least; }  // with fewer contacts it cannot hold
  const ContactsBound& contacts_bound() const { return bound_; }
  std::string dump() const;  // one step a line

 private:
  struct Reason {
    const Feature* feature = nullptr;
    NodeKind comparison{};
    std::vector<Step> against;
  };
  std::vector<Step> steps_;
  std::vector<Reason> reasons_;
  std::uint32_t cost_ = 0;
  ContactsBound bound_;
  friend class Planner;
};

}  // namespace pandun::detect
