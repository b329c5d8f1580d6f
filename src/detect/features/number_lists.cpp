// Lists of contacts, packed and not, and the history of what left them.
#include <algorithm>
#include <cstring>

#include "detect/features/number_parts.h"
#include "detect/features/number_state.h"

namespace pandun::detect {
namespace {

constexpr std::uint32_t kHalfHour = spec(Window::k24h).step_s;
constexpr std::size_t kPackAtOnce = 4;  // lists packed by one update(), at most

}  // namespace

// history contacts (coded), length of the history (1 or 2 bytes), the history, the contacts.
std::size_t NumberActivities::pack(std::span<const Contact> contacts, std::span<const std::uint8_t> history,
                                   std::uint8_t history_contacts, std::uint32_t now_s) const {
  std::uint8_t* out = pack_room_.data();
  std::size_t at = 0;
  out[at++] = history_contacts;
  if (history.size() >= 128) out[at++] = static_cast<std::uint8_t>(history.size() & 127U) | 128U;
  out[at++] = static_cast<std::uint8_t>(history.size() < 128 ? history.size() : history.size() >> 7);
  std::copy(history.begin(), history.end(), out + at);
  at += history.size();
  BitWriter writer(out + at, pack_room_.size() - at - kSpare);
  pack_contacts(contacts, now_s, writer);
  const std::size_t bytes = writer.finish();
  CHECK(bytes != 0);
  return at + bytes;
}

bool NumberActivities::unpack(std::span<const std::uint8_t> bytes, std::uint32_t now_s, Unpacked& out) const {
  if (bytes.size() < 3) return false;
  std::size_t at = 1, history = bytes[at++];
  if (history >= 128) history = (history & 127U) | std::size_t{bytes[at++]} << 7;
  if (history > bytes.size() - at) return false;
  out.history = bytes.subspan(at, history);
  BitReader reader(bytes.data() + at + history, bytes.size() - at - history);
  return unpack_contacts(reader, now_s, options_.local_offset, out.contacts.data(), out.size);
}

void NumberActivities::new_list(NumberRecord& record, std::span<const Contact> contacts, const ListHeader& header_of) {
  const std::size_t room = std::min<std::size_t>(kPackedContacts, contacts.size() + spare_room(contacts.size()));
  record.form = NumberRecord::kListed;
  record.size = static_cast<std::uint16_t>(contacts.size());
  record.size_class = static_cast<std::uint8_t>(BlockPool::class_for((room + 1) * sizeof(Contact)));
  record.block = blocks_.take(record.size_class);
  header(record) = header_of;
  record.history_contacts = header_of.history_contacts;
  std::copy(contacts.begin(), contacts.end(), list(record));
}

void NumberActivities::list_packed(NumberRecord& record) {
  Unpacked packed;
  const std::uint8_t* block = bytes_at(record);
  CHECK(unpack({block, BlockPool::size_of(record.size_class)}, record.newest_s, packed));
  ListHeader head{};
  if (!packed.history.empty()) {
    head.history_bytes = static_cast<std::uint16_t>(packed.history.size());
    head.history_contacts = block[0];
    head.history_class = static_cast<std::uint8_t>(BlockPool::class_for(packed.history.size()));
    head.history = blocks_.take(head.history_class);
    std::copy(packed.history.begin(), packed.history.end(), blocks_.at(head.history, head.history_class));
  }
  blocks_.give_back(record.block);
  --packed_;
  ++listed_;
  new_list(record, {packed.contacts.data(), packed.size}, head);
}

void NumberActivities::pack_listed(NumberRecord& record) {
  if (expired(record) > 0) fold(record);
  const ListHeader head = header(record);
  forget_views(record);
  const std::uint8_t* history = head.history_bytes == 0 ? nullptr : blocks_.at(head.history, head.history_class);
  const bool bare = record.size == 0 && history == nullptr;
  const std::size_t bytes =
      bare ? 0
           : pack({list(record), record.size}, {history, head.history_bytes}, head.history_contacts, record.newest_s);
  if (history != nullptr) blocks_.give_back(head.history);
  blocks_.give_back(record.block);
  --listed_;
  record.form = bare ? NumberRecord::kBare : NumberRecord::kPacked;
  record.size = 0;
  record.block = 0;
  if (bare) return;
  ++packed_;
  record.size_class = static_cast<std::uint8_t>(BlockPool::class_for(bytes));
  record.block = blocks_.take(record.size_class);
  std::uint8_t* block = bytes_at(record);
  std::copy(pack_room_.begin(), pack_room_.begin() + static_cast<std::ptrdiff_t>(bytes), block);
  std::fill(block + bytes, block + BlockPool::size_of(record.size_class), std::uint8_t{0});
}

// Those touched longest ago, roughly: who was touched since it was queued gets another turn.
void NumberActivities::pack_oldest() {
  constexpr std::size_t kAhead = 12;
  for (std::size_t i = 0; i < kPackAtOnce && listed_ > options_.listed_most && !queue_.empty(); ++i) {
    const auto ahead = [&](std::size_t n) { return n < queue_.size() ? queue_[n] : queue_.back(); };
    const model::NumberKey first = queue_.front();
    table_.prefetch(ahead(2 * kAhead), 0);
    table_.prefetch(ahead(kAhead), 1);
    prefetch_more(ahead(kAhead / 2), StateTable<model::NumberKey, NumberRecord>::hash(ahead(kAhead / 2)));
    queue_.pop_front();
    NumberRecord* record = table_.find(first, EventMs{0});
    if (record == nullptr || record->form != NumberRecord::kListed) continue;
    if (record->again == 1) {
      record->again = 0;
      queue_.push_back(first);
    } else {
      pack_listed(*record);
    }
  }
}

// ---- what left the 24 h ----

std::size_t NumberActivities::expired(const NumberRecord& record) const {
  const std::uint32_t start = start_s(Window::k24h, record.newest_s);
  const Contact* contacts = list(record);
  std::size_t n = 0;
  while (n < record.size && contacts[n].time_s < start) ++n;
  return n;
}

// Each at the moment it left, so that it does not matter when this is done: who was met again before that moment comes with
// the later contact, as where it was packed in between. A contact that comes late is only listed after this.
void NumberActivities::fold(std::span<const Contact> contacts, std::uint32_t now_s, History& into) const {
  constexpr std::uint32_t kSteps = spec(Window::k24h).steps;
  const std::uint32_t start = start_s(Window::k24h, now_s);
  for (std::size_t i = 0; i < contacts.size() && contacts[i].time_s < start; ++i) {
    Contact c = contacts[i];
    const std::uint32_t left_s = (c.time_s / kHalfHour + kSteps) * kHalfHour;
    for (std::size_t at = i + 1; at < contacts.size() && contacts[at].time_s < left_s; ++at) {
      const Contact& later = contacts[at];
      if (later.peer == c.peer && later.lane == c.lane) c.peer = 0;
      if (later.device == c.device) c.device = 0;
      if (later.cell == c.cell) c.cell = 0;
      if (later.region == c.region) c.region = 0;
      if (c.peer == 0 && c.device == 0 && c.cell == 0 && c.region == 0) break;
    }
    into.advance(left_s);
    into.add(c);
  }
}

bool NumberActivities::read_history(const NumberRecord& record, History& out) const {
  const ListHeader& head = header(record);
  out.clear();
  if (head.history_bytes == 0) return false;
  BitReader reader(blocks_.at(head.history, head.history_class), head.history_bytes);
  CHECK(out.unpack(reader));
  return true;
}

void NumberActivities::store_history(NumberRecord& record, const History& history) {
  ListHeader head = header(record);
  forget_views(record);
  std::size_t bytes = 0;
  if (!history.empty()) {
    BitWriter writer(pack_room_.data(), pack_room_.size() - kSpare);
    history.pack(writer);
    bytes = writer.finish();
    CHECK(bytes != 0 && bytes < (1U << 14));
  }
  const auto size_class = static_cast<std::uint8_t>(BlockPool::class_for(bytes));
  if (head.history_bytes != 0 && (bytes == 0 || size_class != head.history_class)) {
    blocks_.give_back(head.history);
    head.history_bytes = 0;
  }
  if (bytes != 0 && head.history_bytes == 0) head.history = blocks_.take(size_class);
  if (bytes != 0) std::copy_n(pack_room_.begin(), bytes, blocks_.at(head.history, size_class));
  head.history_bytes = static_cast<std::uint16_t>(bytes);
  head.history_class = size_class;
  head.history_contacts = record.history_contacts = coded(history.contacts());
  header(record) = head;
}

void NumberActivities::fold(NumberRecord& record) {
  const std::size_t gone = expired(record);
  History history;
  read_history(record, history);
  fold({list(record), record.size}, record.newest_s, history);
  store_history(record, history);
  Contact* contacts = list(record);
  std::copy(contacts + gone, contacts + record.size, contacts);
  record.size = static_cast<std::uint16_t>(record.size - gone);
}

void NumberActivities::resize_list(NumberRecord& record, std::size_t room) {
  const auto size_class = static_cast<std::uint8_t>(
      BlockPool::class_for((std::min<std::size_t>(kPackedContacts, room) + 1) * sizeof(Contact)));
  if (size_class == record.size_class) return;
  const std::uint32_t to = blocks_.take(size_class);
  std::memcpy(blocks_.at(to, size_class), bytes_at(record), (record.size + 1U) * sizeof(Contact));
  blocks_.give_back(record.block);
  forget_views(record);
  record.block = to;
  record.size_class = size_class;
}

}  // namespace pandun::detect
