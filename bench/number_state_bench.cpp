// What the state of a province's numbers costs after weeks: bytes a number by class of activity, nanoseconds of processor
// time an event with everything cold, and what left memory.
//   number_state_bench NUMBERS DAYS [EVENTS_PER_NUMBER_AND_DAY [LISTED_MOST [THINGS]]]
// default 500,000 numbers, 12 days, 20 events, 1 in 1,000 listed, no cards of machines among them
//
// The slice is bench/province_slice.h's. Numbers are busy from 512 contacts in 24 h on (engine.busy_from), as where memory
// counts. Each event counts for both of its sides, as in a shard. province_bench runs the whole engine on the same slice.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "bench/province_slice.h"
#include "detect/features/number_state.h"
#include "platform/process.h"

namespace {

using namespace pandun;
using namespace pandun::detect;
using bench::Dice;
using bench::Happening;
using bench::kStart;

model::NumberKey key_of_index(std::uint64_t i) {
  return model::NumberKey::e164(8613000000000ULL + i * 97);
}

constexpr std::uint64_t kMadeAhead = 65536;  // so that making events is not counted, and processor time is fine enough

// As a shard does it: everything fetched ahead, then counted for both sides.
void count_batch(NumberActivities& all, std::span<const Happening> batch, std::span<const std::uint32_t> times) {
  std::array<char, 8> from_cell{'c'}, to_cell{'c'}, device{'d'};
  const auto named = [](std::array<char, 8>& room, std::uint32_t n) {
    for (std::size_t i = 1; i < 5; ++i) room[i] = static_cast<char>('a' + (n >> (4 * (i - 1)) & 15));
    return std::string_view(room.data(), 5);
  };
  const std::size_t size = batch.size();
  std::uint64_t hashes[128];
  for (std::size_t i = 0; i < size; ++i) {
    hashes[2 * i] = hash_of(model::key_of(key_of_index(batch[i].from)));
    hashes[2 * i + 1] = hash_of(model::key_of(key_of_index(batch[i].to)));
  }
  for (unsigned stage = 0; stage < 3; ++stage)
    for (std::size_t i = 0; i < 2 * size; ++i) {
      if (stage < 2)
        all.prefetch(hashes[i], stage);
      else
        all.prefetch_more(key_of_index(i % 2 == 0 ? batch[i / 2].from : batch[i / 2].to), hashes[i]);
    }
  for (std::size_t i = 0; i < size; ++i) {
    const Happening& h = batch[i];
    const EventMs time{times[i] * 1000LL};
    const model::NumberKey from = key_of_index(h.from), to = key_of_index(h.to);
    all.update(from, hashes[2 * i],
               {time, to, true, h.message, model::Answered::kUnknown, h.talk_s, named(device, h.from),
                named(from_cell, h.from_cell)},
               time);
    all.update(to, hashes[2 * i + 1],
               {time, from, false, h.message, model::Answered::kUnknown, h.talk_s, {}, named(to_cell, h.to_cell)},
               time);
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto numbers = static_cast<std::uint32_t>(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 500'000);
  const auto days = static_cast<std::uint32_t>(argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 12);
  const double each = argc > 3 ? std::strtod(argv[3], nullptr) : 20;
  const double things = argc > 5 ? std::strtod(argv[5], nullptr) : 0;
  const bench::Province province(numbers, things);
  const std::uint64_t rss_before = platform::rss_bytes();
  NumberOptions options;
  options.listed_most = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : numbers / 1000;  // 100,000 of 100,000,000
  options.busy_from = 512;
  NumberActivities all{options};
  Dice dice(7);
  std::uint64_t events = 0, counted_ns = 0, counted = 0;
  std::vector<Happening> made_ahead;
  std::vector<std::uint32_t> made_times;
  for (std::uint32_t day = 0; day < days; ++day) {
    std::uint64_t day_events = 0;
    const std::uint64_t day_ns = counted_ns;
    for (std::uint32_t hour = 0; hour < 24; ++hour) {
      const std::uint64_t in_hour = bench::events_in_hour(numbers, each, day, hour);
      for (std::uint64_t made = 0; made < in_hour; made += kMadeAhead) {
        const std::uint64_t ahead = std::min<std::uint64_t>(kMadeAhead, in_hour - made);
        made_ahead.clear();
        made_times.clear();
        for (std::uint64_t i = 0; i < ahead; ++i) {
          made_ahead.push_back(province.next(dice, hour));
          made_times.push_back(kStart + day * 86400 + hour * 3600 +
                               static_cast<std::uint32_t>((made + i) * 3600 / in_hour));
        }
        const std::uint64_t started = platform::cpu_time_ms();
        for (std::size_t done = 0; done < ahead; done += 64) {
          const std::size_t size = std::min<std::size_t>(64, ahead - done);
          count_batch(all, {made_ahead.data() + done, size}, {made_times.data() + done, size});
        }
        counted_ns += (platform::cpu_time_ms() - started) * 1'000'000;
        counted += ahead;
        day_events += ahead;
      }
      const std::uint64_t started = platform::cpu_time_ms();
      for (int i = 0; i < 6; ++i) all.evict(EventMs{(kStart + day * 86400LL + hour * 3600 + i * 600) * 1000});
      counted_ns += (platform::cpu_time_ms() - started) * 1'000'000;
    }
    events += day_events;
    const NumberActivities::Memory m = all.memory();
    fmt::print(stderr,
               "day {:2}: {:.1f} bytes a number (table {:.1f}, blocks {:.1f} of which used {:.1f}, busy {:.1f}), "
               "{:.0f} ns an event, packed {} busy {}\n",
               day + 1, static_cast<double>(all.bytes()) / static_cast<double>(all.size()),
               static_cast<double>(m.table) / static_cast<double>(all.size()),
               static_cast<double>(m.blocks) / static_cast<double>(all.size()),
               static_cast<double>(m.blocks_used) / static_cast<double>(all.size()),
               static_cast<double>(m.busy) / static_cast<double>(all.size()),
               static_cast<double>(counted_ns - day_ns) / static_cast<double>(day_events), all.packed(), all.busy());
  }
  const NumberActivities::Memory m = all.memory();
  const std::uint64_t bytes = all.bytes(), listed = all.listed(), packed = all.packed();
  const std::uint64_t rss = platform::rss_bytes() - rss_before, peak = platform::peak_rss_bytes();
  // By contacts of 24 h at the end.
  struct Class {
    const char* name;
    double below;
    std::uint64_t numbers = 0, contacts = 0, bytes = 0, busy = 0;
  };
  std::array<Class, 6> classes{
      {{"quiet", 8}, {"ordinary", 32}, {"active", 128}, {"busy", 400}, {"very busy", 2000}, {"services", 1e18}}};
  const EventMs end{(kStart + days * 86400LL) * 1000};
  for (std::uint32_t i = 0; i < numbers + province.services(); ++i) {
    const model::NumberKey number = key_of_index(i);
    const std::uint64_t hash = hash_of(model::key_of(number));
    const NumberRecord* record = all.peek(number, hash);
    if (record == nullptr) continue;
    const std::uint64_t own = all.bytes_of(*record);
    record = all.find(number, hash, end);
    const NumberTally t = NumberActivity(all, *record, number).tally(Window::k24h);
    const double contacts = static_cast<double>(t.calls_out) + t.calls_in + t.messages_out + t.messages_in;
    Class& c = *std::find_if(classes.begin(), classes.end(), [&](const Class& k) { return contacts < k.below; });
    ++c.numbers;
    c.contacts += static_cast<std::uint64_t>(contacts);
    c.bytes += own;
    c.busy += record->form == NumberRecord::kBusy ? 1 : 0;
  }
  const double known = static_cast<double>(all.size());
  std::string by_class;
  for (const Class& c : classes) {
    if (c.numbers == 0) continue;
    by_class += fmt::format(
        "{}{{\"class\":\"{}\",\"numbers\":{},\"contacts_24h\":{:.1f},\"bytes_beside_table\":{:.1f},\"busy\":{}}}",
        by_class.empty() ? "" : ",", c.name, c.numbers,
        static_cast<double>(c.contacts) / static_cast<double>(c.numbers),
        static_cast<double>(c.bytes) / static_cast<double>(c.numbers), c.busy);
  }
  fmt::print(
      "{{\"numbers\":{},\"days\":{},\"events\":{},\"bytes_per_number\":{:.1f},\"table\":{:.1f},\"blocks\":{:.1f},"
      "\"blocks_used\":{:.1f},\"busy_part\":{:.1f},"
      "\"ns_per_event\":{:.0f},\"rss_per_number\":{:.1f},\"peak_rss_bytes\":{},\"listed\":{},\"packed\":{},\"busy\":{}"
      ",\"evicted\":{},\"too_old\":{},\"classes\":[{}]}}\n",
      all.size(), days, events, static_cast<double>(bytes) / known, static_cast<double>(m.table) / known,
      static_cast<double>(m.blocks) / known, static_cast<double>(m.blocks_used) / known,
      static_cast<double>(m.busy) / known, static_cast<double>(counted_ns) / static_cast<double>(counted),
      static_cast<double>(rss) / known, peak, listed, packed, all.busy(), all.evicted(), all.too_old(), by_class);
  return 0;
}
