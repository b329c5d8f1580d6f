#include "detectors/fake_base_station/sightings.h"

#include <algorithm>

#include "base/hash.h"
#include "detect/state_table.h"

namespace pandun::detectors::fake_base_station {
namespace {

constexpr std::uint8_t bit(model::CellOddity oddity) {
  return static_cast<std::uint8_t>(1U << static_cast<unsigned>(oddity));
}
constexpr std::uint8_t kMessageBit = bit(model::CellOddity::kMessageFromIt),
                       kJumpBits = kMessageBit | bit(model::CellOddity::kLacJump),
                       kOddBits = kJumpBits | bit(model::CellOddity::kForced2g);

}  // namespace

void Sightings::add(const model::CellReport& report, bool beside, std::uint32_t time_s) {
  newest_s_ = std::max(newest_s_, time_s);
  std::erase_if(seen_, [this](const Seen& s) { return newest_s_ - s.last_s > kSightingsS; });
  if (newest_s_ - time_s > kSightingsS) return;
  const auto reporter = static_cast<std::uint32_t>(detect::state_hash(report.reporter) >> 32);
  if (report.sender.known()) sender_ = report.sender;
  auto at = std::find_if(seen_.begin(), seen_.end(),
                         [&](const Seen& s) { return s.reporter == reporter && s.beside == beside; });
  if (at == seen_.end()) {
    if (seen_.size() < kMost) {
      detect::grow(seen_, 4, kMost);
      at = seen_.insert(seen_.end(), Seen{});
    } else {
      at = std::min_element(seen_.begin(), seen_.end(),
                            [](const Seen& a, const Seen& b) { return a.last_s < b.last_s; });
      *at = {};
    }
    at->reporter = reporter;
    at->beside = beside;
    at->first_s = time_s;
  }
  at->first_s = std::min(at->first_s, time_s);
  at->last_s = std::max(at->last_s, time_s);
  at->cell = static_cast<std::uint32_t>(mix64(hash64(report.cell)) >> 32);
  at->oddities |= bit(report.oddity);
}

Sightings::Sum Sightings::sum(bool beside) const {
  Sum out;
  std::vector<std::uint32_t> cells;
  std::uint32_t last_s = 0;
  out.first_s = 0xffffffffU;
  for (const Seen& s : seen_) {
    if (s.beside != beside) continue;
    ++out.reporters;
    if ((s.oddities & kOddBits) != 0) ++out.odd;
    if ((s.oddities & kJumpBits) != 0) ++out.jumps;
    if ((s.oddities & kMessageBit) != 0) ++out.messages;
    out.first_s = std::min(out.first_s, s.first_s);
    last_s = std::max(last_s, s.first_s);
    cells.push_back(s.cell);
  }
  if (cells.empty()) return {};
  out.spread_s = last_s - out.first_s;
  std::sort(cells.begin(), cells.end());
  for (std::size_t i = 0, next = 0; i < cells.size(); i = next) {
    while (next < cells.size() && cells[next] == cells[i]) ++next;
    ++out.cells;
    out.most_of_one = std::max(out.most_of_one, static_cast<double>(next - i));
  }
  return out;
}

double Sightings::reporters(std::uint32_t now_s) const {
  std::vector<std::uint32_t> who;
  for (const Seen& s : seen_)
    if (now_s <= s.last_s || now_s - s.last_s <= kSightingsS) who.push_back(s.reporter);
  std::sort(who.begin(), who.end());
  return static_cast<double>(std::unique(who.begin(), who.end()) - who.begin());
}

void Sightings::save(detect::StateWriter& out) const {
  out.u32(newest_s_);
  out.u64(sender_.bits());
  said.save(out);
  said_beside.save(out);
  records.save(out);
  out.varint(seen_.size());
  for (const Seen& s : seen_) {
    for (const std::uint32_t v : {s.reporter, s.cell, s.first_s, s.last_s}) out.u32(v);
    out.u8(static_cast<std::uint8_t>((s.oddities & 0x1fU) | (s.beside ? 0x80U : 0U)));
  }
}

void Sightings::load(detect::StateReader& in) {
  newest_s_ = in.u32();
  sender_ = model::NumberKey::from_bits(in.u64());
  said.load(in);
  said_beside.load(in);
  records.load(in);
  const std::uint64_t size = in.varint();
  if (size > kMost) return in.fail("more reporters than a cell may have");
  for (std::uint64_t i = 0; i < size && in.ok(); ++i) {
    detect::grow(seen_, 4, kMost);
    Seen& s = seen_.emplace_back();
    for (std::uint32_t* v : {&s.reporter, &s.cell, &s.first_s, &s.last_s}) *v = in.u32();
    const std::uint8_t bits = in.u8();
    s.oddities = bits & 0x1fU;
    s.beside = (bits & 0x80U) != 0;
    if (s.first_s > s.last_s || s.last_s > newest_s_) return in.fail("a report before its first or after the newest");
  }
}

}  // namespace pandun::detectors::fake_base_station
