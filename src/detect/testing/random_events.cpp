#include "detect/testing/random_events.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"

namespace pandun::detect::testing {
namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(mix64(seed + 1)) {}
  std::uint64_t below(std::uint64_t n) { return n == 0 ? 0 : mix64(state_ += 0x9e3779b97f4a7c15ULL) % n; }
  // Small results are far more likely: a few entities do most.
  std::uint64_t skewed(std::uint64_t n) { return std::min(below(n), std::min(below(n), below(n))) * below(4) / 3; }

 private:
  std::uint64_t state_;
};

model::NumberKey number(std::uint64_t n) {
  return model::NumberKey::e164(8613800000000 + n * 7919);
}
model::IpAddress host(std::uint64_t n) {
  return model::IpAddress::v4(0x0a000001U + static_cast<std::uint32_t>(n));
}

}  // namespace

model::EventBatch random_events(const StreamShape& shape) {
  Dice dice(shape.seed);
  model::EventBatch batch;
  auto arena = std::make_shared<model::Arena>();
  EventMs clock{1'772'416'800'000};
  for (std::size_t i = 0; i < shape.events; ++i) {
    clock = clock + std::chrono::milliseconds(dice.below(static_cast<std::uint64_t>(shape.gap_ms) + 1));
    model::Event e;
    e.position = i + 1;
    e.record = i + 1;
    e.source = 1;
    e.watermark = clock;
    e.time = dice.below(10) == 0
                 ? clock - std::chrono::milliseconds(dice.below(static_cast<std::uint64_t>(shape.late_ms) + 1))
                 : clock;
    const bool telephone = static_cast<double>(dice.below(1000)) < shape.calls_share * 1000;
    const std::uint64_t kind = dice.below(10);
    if (telephone && kind < 7) {
      model::Call c;
      c.caller = number(dice.skewed(shape.numbers));
      c.callee = number(dice.below(shape.numbers));
      c.answered = static_cast<model::Answered>(dice.below(3));
      c.duration_s = static_cast<std::int32_t>(dice.below(90));
      if (dice.below(2) == 0) c.caller_device = arena->copy(fmt::format("imei{}", dice.below(3)));
      if (dice.below(2) == 0) c.caller_cell = arena->copy(fmt::format("cell{}", dice.below(8)));
      if (i % 3 == 0) c.callee_device = arena->copy(fmt::format("imei{}", i % 5));
      c.ring_s = static_cast<std::int16_t>(i % 40);
      e.payload = c;
    } else if (telephone) {
      model::Message m;
      m.sender = number(dice.skewed(shape.numbers));
      m.recipient = number(dice.below(shape.numbers));
      e.payload = m;
    } else if (kind < 6) {
      model::Flow f;
      f.src = host(dice.skewed(shape.hosts));
      f.dst = model::IpAddress::v4(0xc6336400U + static_cast<std::uint32_t>(dice.below(250)));
      f.dst_port = static_cast<std::uint16_t>(dice.below(1000));
      f.protocol = 6;
      f.state = static_cast<model::FlowState>(dice.below(5));
      f.bytes_out = static_cast<std::int64_t>(dice.below(5000));
      f.bytes_in = static_cast<std::int64_t>(dice.below(50000));
      e.payload = f;
    } else if (kind < 9) {
      model::Dns d;
      d.client = host(dice.skewed(shape.hosts));
      d.server = host(999);
      d.query = arena->copy(fmt::format("n{}.example", dice.below(400)));
      d.rcode = dice.below(3) == 0 ? std::int16_t{3} : std::int16_t{0};
      e.payload = d;
    } else {
      model::Login l;
      l.client = host(dice.skewed(shape.hosts));
      l.server = host(998);
      l.succeeded = dice.below(2) == 0 ? model::Answered::kNo : model::Answered::kYes;
      e.payload = l;
    }
    batch.events.push_back(e);
  }
  batch.arenas.push_back(arena);
  return batch;
}

}  // namespace pandun::detect::testing
