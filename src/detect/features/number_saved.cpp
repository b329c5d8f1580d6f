// Numbers in checkpoints: always packed, so that what was listed when does not show.
#include <algorithm>
#include <array>

#include "detect/features/number_parts.h"
#include "detect/features/number_state.h"

namespace pandun::detect {

void NumberActivities::save_record(StateWriter& out, const NumberRecord& record) const {
  out.u32(record.first_s);
  out.u32(record.newest_s);
  out.u16(record.silence_h);
  out.u16(record.woke_h);
  if (record.form == NumberRecord::kBusy) {
    out.u8(NumberRecord::kBusy);
    return busy(record).save(out);
  }
  if (record.form == NumberRecord::kBare) return out.u8(NumberRecord::kBare);
  out.u8(NumberRecord::kPacked);
  if (record.form == NumberRecord::kPacked)
    return save_bytes(out, {bytes_at(record), BlockPool::size_of(record.size_class)});
  const ListHeader& head = header(record);
  const std::size_t gone = expired(record);
  std::array<std::uint8_t, 4096> folded;
  std::span<const std::uint8_t> history;
  std::uint8_t history_contacts = head.history_contacts;
  if (gone > 0) {
    History now;
    read_history(record, now);
    fold({list(record), record.size}, record.newest_s, now);
    BitWriter writer(folded.data(), folded.size() - kSpare);
    now.pack(writer);
    if (!now.empty()) history = {folded.data(), writer.finish()};
    CHECK(now.empty() || !history.empty());
    history_contacts = coded(now.contacts());
  } else if (head.history_bytes != 0) {
    history = {blocks_.at(head.history, head.history_class), head.history_bytes};
  }
  const std::size_t bytes = pack({list(record) + gone, record.size - gone}, history, history_contacts, record.newest_s);
  save_bytes(out, {pack_room_.data(), bytes});
}

void NumberActivities::load_record(StateReader& in, NumberRecord& record) {
  record.first_s = in.u32();
  record.newest_s = in.u32();
  record.silence_h = in.u16();
  record.woke_h = in.u16() & 0xfff;
  const std::uint8_t form = in.u8();
  if (form == NumberRecord::kBare) return;
  const auto readable = [this](std::span<const std::uint8_t> bytes, std::uint32_t now_s) {
    std::copy(bytes.begin(), bytes.end(), pack_room_.begin());
    std::fill_n(pack_room_.begin() + static_cast<std::ptrdiff_t>(bytes.size()), kSpare, std::uint8_t{0});
    Unpacked packed;
    if (!unpack({pack_room_.data(), bytes.size()}, now_s, packed)) return false;
    BitReader reader(packed.history.data(), packed.history.size());
    History history;
    return packed.history.empty() || history.unpack(reader);
  };
  if (form == NumberRecord::kPacked) {
    const std::vector<std::uint8_t> bytes = load_bytes(in);
    if (!in.ok() || !readable(bytes, record.newest_s)) return in.fail("a number's packed contacts cannot be read");
    record.form = NumberRecord::kPacked;
    record.size_class = static_cast<std::uint8_t>(BlockPool::class_for(bytes.size()));
    record.block = blocks_.take(record.size_class);
    std::copy(bytes.begin(), bytes.end(), bytes_at(record));
    std::fill(bytes_at(record) + bytes.size(), bytes_at(record) + BlockPool::size_of(record.size_class),
              std::uint8_t{0});
    ++packed_;
  } else if (form == NumberRecord::kBusy) {
    record.form = NumberRecord::kBusy;
    record.block = busy_.take();
    BusyNumber& b = busy_.at(record.block);
    b.load(in);
    if (b.clock_s > record.newest_s) return in.fail("a busy number's clock is ahead of its newest event");
    if (b.before.empty()) return;
    if (b.before.size() <= kSpare) return in.fail("a busy number's history cannot be read");
    BitReader reader(b.before.data(), b.before.size() - kSpare);
    History history;
    if (!history.unpack(reader)) return in.fail("a busy number's history cannot be read");
  } else {
    in.fail("a number's record has an unknown form");
  }
}

void NumberActivities::save(StateWriter& out) const {
  out.u64(too_old_);
  table_.save(out, [this](StateWriter& o, const NumberRecord& record) { save_record(o, record); });
}

Result<> NumberActivities::load(StateReader& in) {
  const std::uint64_t too_old = in.u64();
  TRY(table_.load(
      in, [this](StateReader& i, NumberRecord& record) { load_record(i, record); },
      [this](NumberRecord& r) { release(r); }));
  too_old_ += too_old;
  return {};
}

}  // namespace pandun::detect
