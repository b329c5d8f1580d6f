// What telephones reported of one cell within the last hour: of the cell itself, or of odd cells beside it.
//
// Shape    280 bytes and 24 for each of up to 64 reporters; of more, who was silent longest gives way. Of a reporter 32 bits of
//          hash are kept, for an hour of reports' own time.
// Threads  plain value.
#pragma once

#include <cstdint>
#include <vector>

#include "detect/small_state.h"
#include "model/event.h"
#include "model/number.h"

namespace pandun::detectors::fake_base_station {

inline constexpr std::uint32_t kSightingsS = 3600;

class Sightings {
 public:
  static constexpr std::size_t kMost = 64;

  // `beside`: the report named this cell as the network's own one beside the odd one.
  void add(const model::CellReport& report, bool beside, std::uint32_t time_s);

  struct Sum {
    double reporters = 0;  // different ones
    double odd = 0;  // of these, who saw more than a new or a strong cell: a jump of area code, a fall to 2G, a message
    double jumps = 0;            // who saw a jump of area code or got a message
    double messages = 0;         // who got a message from it
    double cells = 0;            // different odd cells
    double most_of_one = 0;      // reporters of the cell that most reported
    std::uint32_t spread_s = 0;  // from the first reporter's first report to the last reporter's first
    std::uint32_t first_s = 0;
  };
  Sum sum(bool beside) const;
  double reporters(std::uint32_t now_s) const;         // of either kind, within the hour before
  model::NumberKey sender() const { return sender_; }  // shown by the latest message

  detect::Said said, said_beside;  // of the reporters
  detect::LatestRecords<8> records;

  std::uint64_t bytes() const { return sizeof(*this) + seen_.capacity() * sizeof(Seen); }
  void save(detect::StateWriter& out) const;
  void load(detect::StateReader& in);

 private:
  struct Seen {
    std::uint32_t reporter = 0, cell = 0, first_s = 0, last_s = 0;
    std::uint8_t oddities = 0;  // bits of model::CellOddity
    bool beside = false;
  };
  std::vector<Seen> seen_;
  std::uint32_t newest_s_ = 0;
  model::NumberKey sender_;
};

}  // namespace pandun::detectors::fake_base_station
