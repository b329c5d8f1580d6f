#include "detect/features/number_state.h"

#include <algorithm>

#include "detect/calling_code.h"
#include "detect/features/number_parts.h"

namespace pandun::detect {
namespace {

constexpr std::uint32_t kHour = 3600;
constexpr std::uint32_t kSweepCalls = 8, kSweepsACall = 2;  // so many calls of evict() go through the whole table once

constexpr std::uint64_t kPlaces = (1U << kPlaceBits) - 1;

std::uint16_t place_hash(std::string_view text) {
  return text.empty() ? std::uint16_t{0} : static_cast<std::uint16_t>(1 + hash64(text) % kPlaces);
}

Contact contact_of(model::NumberKey number, const NumberContact& c, std::uint32_t time_s, std::uint32_t peer,
                   std::chrono::seconds local_offset) {
  Contact out{};
  out.time_s = time_s;
  out.peer = short_hash(peer);
  out.device = place_hash(c.device);
  out.cell = place_hash(c.cell);
  out.lane = (c.message ? 2U : 0U) | (c.outgoing ? 0U : 1U);
  out.abroad = c.international || other_country(number, c.peer) ? 1U : 0U;
  out.roaming = c.roaming ? 1U : 0U;
  out.night = is_night(time_s, local_offset) ? 1U : 0U;
  if (c.message) return out;
  model::Answered answered = c.answered;
  if (answered == model::Answered::kUnknown && c.talk_s >= 0)
    answered = c.talk_s > 0 ? model::Answered::kYes : model::Answered::kNo;
  out.answered = static_cast<std::uint32_t>(answered) & 3U;
  if (answered == model::Answered::kYes && c.talk_s > 0)
    out.talk_s = std::min(static_cast<std::uint32_t>(c.talk_s), kTalkMaxS) & kTalkMaxS;
  if (c.outgoing) out.region = region_of(c.peer) & 1023U;
  return out;
}

}  // namespace

std::span<const Contact> NumberActivities::contacts(const NumberRecord& record) const {
  if (record.form != NumberRecord::kListed) return {};
  return {list(record), record.size};
}

const History* NumberActivities::history(const NumberRecord& record) const {
  const bool is_busy = record.form == NumberRecord::kBusy;
  if (is_busy ? busy(record).before.empty()
              : record.form != NumberRecord::kListed || (header(record).history_bytes == 0 && expired(record) == 0))
    return nullptr;
  const std::uint64_t of = is_busy ? (std::uint64_t{1} << 33) + record.block : record.block + std::uint64_t{1};
  for (const HistoryView& view : histories_)
    if (view.of == of) return &view.history;
  HistoryView& view = histories_[next_history_];
  next_history_ = (next_history_ + 1) % histories_.size();
  view.of = 0;
  if (is_busy) {
    const BusyNumber& b = busy(record);
    BitReader reader(b.before.data(), b.before.size() - kSpare);
    CHECK(view.history.unpack(reader));
  } else {
    read_history(record, view.history);
    fold(contacts(record), record.newest_s, view.history);
  }
  view.history.advance(record.newest_s);
  view.of = of;
  any_view_ = true;
  return &view.history;
}

void NumberActivities::forget_views(const NumberRecord& record) const {
  if (!any_view_) return;
  const bool is_busy = record.form == NumberRecord::kBusy;
  const std::uint64_t of = is_busy ? (std::uint64_t{1} << 33) + record.block : record.block + std::uint64_t{1};
  any_view_ = false;
  for (HistoryView& view : histories_) {
    if (view.of == of) view.of = 0;
    any_view_ |= view.of != 0;
  }
}

bool NumberActivities::fewer_than(const NumberRecord& record, std::uint32_t n, Window w) const {
  if (n == 0 || record.form == NumberRecord::kBusy) return false;
  if (record.form != NumberRecord::kListed) return true;
  if (w >= Window::k7d) return contacts_at_most(record) < n;
  return record.size < n || list(record)[record.size - n].time_s < start_s(w, record.newest_s);
}

std::uint32_t NumberActivities::contacts_at_most(const NumberRecord& record) const {
  if (record.form == NumberRecord::kBusy) return 0xffffffff;
  if (record.form != NumberRecord::kListed) return 0;
  const std::uint32_t before = decoded(record.history_contacts);
  return before > 0xffff0000 ? before : before + record.size;
}

void NumberActivities::prefetch_more(model::NumberKey number, std::uint64_t hash) const {
  const NumberRecord* record = table_.peek_hash(number, hash);
  if (record == nullptr || record->form == NumberRecord::kBare) return;
  if (record->form == NumberRecord::kBusy) return fetch_line(&busy(*record));
  const std::uint8_t* block = bytes_at(*record);
  fetch_line(block);
  if (record->form == NumberRecord::kPacked) {
    const std::uint32_t bytes = std::min<std::uint32_t>(BlockPool::size_of(record->size_class), 384);
    for (std::uint32_t at = 64; at < bytes; at += 64) fetch_line(block + at);
    return;
  }
  // The newest contacts, where the next one goes; a long list is read in order, which the processor foresees itself.
  constexpr std::uint32_t kLine = 64 / sizeof(Contact), kLines = 10;
  const std::uint32_t last = (record->size + 1U) / kLine, first = last < kLines ? 0 : last - kLines + 1;
  for (std::uint32_t line = std::max(1U, first); line <= last; ++line) fetch_line(block + line * 64);
}

const NumberRecord* NumberActivities::find(model::NumberKey number, std::uint64_t hash, EventMs watermark) {
  NumberRecord* record = table_.find_hash(number, hash, watermark);
  if (record != nullptr && record->form == NumberRecord::kPacked) {
    list_packed(*record);
    queue_.push_back(number);
  }
  return record;
}

void NumberActivities::update(model::NumberKey number, std::uint64_t hash, const NumberContact& c, EventMs watermark) {
  if (listed_ > options_.listed_most) pack_oldest();
  bool fresh = false;
  NumberRecord& record =
      table_.touch_hash(number, hash, watermark, &fresh, [this](NumberRecord& old) { release(old); });
  // Before its clock moves on: what is packed is told from there.
  if (record.form == NumberRecord::kPacked) {
    list_packed(record);
    queue_.push_back(number);
  }
  const std::uint32_t t = seconds32(c.time);
  if (fresh) {
    record.first_s = record.newest_s = t;
  } else if (t > record.newest_s) {
    const std::uint32_t silence = t - record.newest_s;
    if (silence >= kSilenceS) {
      record.silence_h = static_cast<std::uint16_t>(std::min<std::uint32_t>(silence / kHour, 0xffff));
      record.woke_h = (t / kHour) & 0xfff;
    } else if (record.silence_h != 0 && ((t / kHour - record.woke_h) & 0xfff) > 7 * 24) {
      record.silence_h = 0;
    }
    record.newest_s = t;
  } else {
    record.first_s = std::min(record.first_s, t);
  }
  forget_views(record);
  if (t < start_s(kLongest, record.newest_s)) {
    ++too_old_;
    return;
  }
  const std::uint32_t peer = peer_hash(hash_of(model::key_of(c.peer)));
  Contact contact = contact_of(number, c, t, peer, options_.local_offset);
  if (contact.is(Lane::kCallIn) && called_before(record, contact.peer, peer)) contact.returned = 1;
  if (record.form == NumberRecord::kBusy) return add_busy(record, contact, peer);
  if (record.form == NumberRecord::kBare) {
    new_list(record, {}, ListHeader{});
    ++listed_;
    queue_.push_back(number);
  } else {
    record.again = 1;
  }
  add_listed(record, contact, peer);
}

bool NumberActivities::called_before(const NumberRecord& record, std::uint16_t peer16, std::uint32_t peer) const {
  if (record.form == NumberRecord::kBare) return false;
  const std::uint32_t start = start_s(Window::k24h, record.newest_s);
  if (record.form != NumberRecord::kBusy) {
    const std::span<const Contact> all = contacts(record);
    return std::any_of(all.begin(), all.end(),
                       [=](const Contact& c) { return c.peer == peer16 && c.is(Lane::kCallOut) && c.time_s >= start; });
  }
  const BusyNumber& b = busy(record);
  if (b.met_before(Lane::kCallOut, peer16, start)) return true;
  return b.calls_out != nullptr && b.calls_out->peers.short_time.contains_since(peer, start);
}

void NumberActivities::add_listed(NumberRecord& record, const Contact& contact, std::uint32_t peer) {
  if (contact.time_s < record.newest_s && expired(record) > 0) fold(record);
  if (contact.time_s < start_s(Window::k24h, record.newest_s)) return add_late(record, contact);
  if (record.size >= std::min<std::size_t>(room_of(record), options_.busy_from - 1)) {
    const std::size_t gone = expired(record);
    const bool full = record.size >= options_.busy_from - 1;
    if (gone > 0 && (gone >= std::max<std::size_t>(4, record.size / 4U) || full)) fold(record);
    if (record.size >= options_.busy_from - 1) {
      make_busy(record);
      return add_busy(record, contact, peer);
    }
    const std::size_t room = room_of(record), size = record.size;
    if (size == room)
      resize_list(record, size + spare_room(size));
    else if (size * 2 + 8 < room)
      resize_list(record, size + spare_room(0));
  }
  insert_sorted(list(record), record.size, contact);
  ++record.size;
}

void NumberActivities::add_late(NumberRecord& record, const Contact& contact) {
  History history;
  read_history(record, history);
  history.advance(record.newest_s);
  history.add(contact);
  store_history(record, history);
}

void NumberActivities::release(NumberRecord& record) {
  forget_views(record);
  switch (record.form) {
    case NumberRecord::kBare:
      break;
    case NumberRecord::kListed:
      if (header(record).history_bytes != 0) blocks_.give_back(header(record).history);
      blocks_.give_back(record.block);
      --listed_;
      break;
    case NumberRecord::kPacked:
      blocks_.give_back(record.block);
      --packed_;
      break;
    default:
      busy_.give_back(record.block);
  }
  record.form = NumberRecord::kBare;
  record.size = 0;
  record.size_class = 0;
  record.block = 0;
  record.again = 0;
  record.history_contacts = 0;
}

void NumberActivities::evict(EventMs watermark) {
  if (sweeps_++ % kSweepCalls == 0) blocks_.thin();
  for (std::uint32_t i = 0; i < kSweepsACall; ++i)
    table_.evict(
        watermark, [this](NumberRecord& old) { release(old); }, [this](NumberRecord& record) { move_blocks(record); });
}

// Out of slabs that are to become empty.
void NumberActivities::move_blocks(NumberRecord& record) {
  if (record.form != NumberRecord::kListed && record.form != NumberRecord::kPacked) return;
  if (blocks_.leaving(record.block)) {
    forget_views(record);
    move_block(record.block, record.size_class);
  }
  // A list's history may lie in a slab that is to become empty too, but asking costs a miss of memory: only where room is short.
  if (record.form != NumberRecord::kListed || packed_ == 0) return;
  if (ListHeader& head = header(record); head.history_bytes != 0 && blocks_.leaving(head.history))
    move_block(head.history, head.history_class);
}

void NumberActivities::move_block(std::uint32_t& block, unsigned size_class) {
  const std::uint32_t from = block, to = blocks_.take(size_class);
  std::memcpy(blocks_.at(to, size_class), blocks_.at(from, size_class), BlockPool::size_of(size_class));
  block = to;
  blocks_.give_back(from);
}

NumberActivities::Memory NumberActivities::memory() const {
  Memory out{table_.bytes(), blocks_.used_bytes(), blocks_.bytes() + queue_.size() * sizeof(model::NumberKey), 0};
  busy_.for_each([&](const BusyNumber& b) { out.busy += b.bytes() + sizeof(void*); });
  return out;
}

std::uint64_t NumberActivities::bytes() const {
  const Memory m = memory();
  return m.table + m.blocks + m.busy;
}

std::uint64_t NumberActivities::bytes_of(const NumberRecord& record) const {
  if (record.form == NumberRecord::kBare) return 0;
  if (record.form == NumberRecord::kBusy) return busy(record).bytes();
  std::uint64_t bytes = BlockPool::size_of(record.size_class);
  if (record.form == NumberRecord::kListed && header(record).history_bytes != 0)
    bytes += BlockPool::size_of(header(record).history_class);
  return bytes;
}

}  // namespace pandun::detect
