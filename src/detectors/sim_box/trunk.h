// What sim_box keeps of a trunk: the home mobile numbers that call through it, while they are few.
//
// Units    seconds since 1970. Counts are those of the latest 12 to 24 hours.
// Shape    about 450 bytes a trunk; 800 and 40 for each of up to 128 numbers while no more than kOrdinaryCallers callers
//          are seen in 12 hours. Nothing is kept of a larger one's numbers: it is an ordinary trunk, and may have millions.
//          A number's different callees by 64 bits: within 5 % up to 20, 10 % up to 64 (1 sigma).
// Threads  plain values.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "detect/small_state.h"
#include "detect/state_table.h"
#include "model/number.h"

namespace pandun::detectors::sim_box {

inline constexpr std::uint32_t kTrunkSpanS = 12 * 3600;
inline constexpr std::size_t kTrunkNumbersMax = 128;
inline constexpr double kOrdinaryCallers = 600;

// A number in its stint on the trunk: from its first call to its latest, until it is silent for a day.
struct TrunkNumber {
  model::NumberKey number;
  std::uint32_t first_s = 0, last_s = 0;
  detect::TwoSpans<> calls, heard;  // made and received through the trunk
  detect::TwoSpansDistinct<64> callees;
};

class Trunk {
 public:
  void advance(std::uint32_t now_s);
  void add_abroad() { abroad_.add(); }
  // False for an ordinary trunk, whose numbers are not looked at.
  bool add_caller(std::uint64_t mixed_hash);
  bool ordinary() const { return ordinary_; }
  void hear(model::NumberKey callee);  // a call towards one of its numbers
  TrunkNumber& call(model::NumberKey caller, model::NumberKey callee, std::uint32_t now_s);

  double calls() const { return calls_.sum(); }
  double abroad() const { return abroad_.sum(); }
  const std::vector<TrunkNumber>& numbers() const { return near_->numbers; }
  double callees() const { return near_->callees.count(); }  // of those numbers; told up to some 8,000
  detect::Said& said() { return near_->said; }
  detect::LatestRecords<8>& records() { return near_->records; }

  std::uint64_t bytes() const;
  void save(detect::StateWriter& out) const;
  void load(detect::StateReader& in);

 private:
  struct Near {
    std::vector<TrunkNumber> numbers;
    detect::TwoSpansDistinct<2048> callees;
    detect::Said said;  // of the numbers that take turns
    detect::LatestRecords<8> records;
  };
  detect::SpanClock clock_;
  detect::TwoSpans<std::uint32_t> calls_, abroad_;  // from home, and from or to other countries
  detect::TwoSpansDistinct<1024> callers_;
  std::uint32_t looked_ = 0;
  bool ordinary_ = false;
  std::unique_ptr<Near> near_;  // null while ordinary, and until a first number calls
};

}  // namespace pandun::detectors::sim_box
