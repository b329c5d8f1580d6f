// What the state of a province's numbers costs after weeks: bytes a number by class of activity, nanoseconds of processor
// time an event with everything cold, and what left memory.
//   number_state_bench NUMBERS DAYS [EVENTS_PER_NUMBER_AND_DAY [LISTED_MOST [THINGS]]]
// default 500,000 numbers, 12 days, 20 events, 1 in 100 listed, no cards of machines among them
//
// The slice: activity is lognormal (sigma 1) over numbers. 9 of 20 events are messages from 1 in 20,000 numbers, the services;
// 4 are messages between people, 7 are calls. People reach a circle of their own, its size by their activity, and strangers
// once in eight. THINGS of the numbers, 0 to 1, belong to machines that call and send a hundredth as often, so that the others
// carry the rest. Numbers are busy from 512 contacts in 24 h on (engine.busy_from), as where memory counts. Hours follow a day's rhythm and weekends are quieter. Each event counts for both of its sides, as in a shard.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

#include "base/hash.h"
#include "detect/features/number_state.h"
#include "platform/process.h"

namespace {

using namespace pandun;
using namespace pandun::detect;

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() { return mix64(state_ += 0x9e3779b97f4a7c15ULL); }
  std::uint32_t below(std::uint64_t n) { return static_cast<std::uint32_t>((next() >> 32) * n >> 32); }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

model::NumberKey key_of_index(std::uint64_t i) {
  return model::NumberKey::e164(8613000000000ULL + i * 97);
}

// Walker's alias method: a number with probability in proportion to its activity, at the cost of one look.
class Chooser {
 public:
  explicit Chooser(const std::vector<float>& weights) : keep_(weights.size()), other_(weights.size()) {
    double sum = 0;
    for (const float w : weights) sum += static_cast<double>(w);
    std::vector<std::uint32_t> small, large;
    std::vector<float> scaled(weights.size());
    for (std::size_t i = 0; i < weights.size(); ++i) {
      scaled[i] = static_cast<float>(static_cast<double>(weights[i]) * static_cast<double>(weights.size()) / sum);
      (scaled[i] < 1 ? small : large).push_back(static_cast<std::uint32_t>(i));
    }
    while (!small.empty() && !large.empty()) {
      const std::uint32_t s = small.back(), l = large.back();
      small.pop_back();
      keep_[s] = scaled[s];
      other_[s] = l;
      scaled[l] -= 1 - scaled[s];
      if (scaled[l] < 1) {
        large.pop_back();
        small.push_back(l);
      }
    }
    for (const auto* rest : {&small, &large})
      for (const std::uint32_t i : *rest) keep_[i] = 1;
  }
  std::uint32_t pick(Dice& dice) const {
    const std::uint32_t i = dice.below(keep_.size());
    return dice.unit() < static_cast<double>(keep_[i]) ? i : other_[i];
  }

 private:
  std::vector<float> keep_;
  std::vector<std::uint32_t> other_;
};

struct Happening {
  std::uint32_t from, to;
  bool message;
  std::int32_t talk_s;
  std::uint16_t from_cell, to_cell;
};

class Province {
 public:
  // `things` of the numbers are cards of machines.
  Province(std::uint32_t numbers, double things)
      : numbers_(numbers),
        people_(numbers - static_cast<std::uint32_t>(numbers * things)),
        services_(std::max(8U, numbers / 20000)),
        activity_(make_activity(numbers, people_)),
        chooser_(activity_) {}
  std::uint32_t numbers() const { return numbers_; }
  std::uint32_t services() const { return services_; }

  Happening next(Dice& dice, std::uint32_t hour) const {
    Happening h{};
    const std::uint32_t kind = dice.below(20);
    h.message = kind < 13;
    if (kind < 9) {
      // Services differ by far: the first ones send most.
      const double u = dice.unit();
      h.from = numbers_ + static_cast<std::uint32_t>(u * u * u * services_);
      h.to = chooser_.pick(dice);
    } else {
      h.from = chooser_.pick(dice);
      h.to = dice.below(8) == 0 ? chooser_.pick(dice) : friend_of(h.from, dice);
      const std::uint32_t answered = dice.below(10);
      h.talk_s = h.message ? -1 : answered < 3 ? 0 : static_cast<std::int32_t>(-70 * std::log(1 - dice.unit())) + 1;
    }
    h.from_cell = cell_of(h.from, hour, dice);
    h.to_cell = cell_of(h.to, hour, dice);
    return h;
  }

 private:
  static std::vector<float> make_activity(std::uint32_t numbers, std::uint32_t people) {
    Dice dice(20260302);
    std::vector<float> out(numbers);
    for (float& a : out) {
      const double r = std::sqrt(-2 * std::log(1 - dice.unit())), angle = 6.283185307179586 * dice.unit();
      a = static_cast<float>(std::exp(r * std::cos(angle)));
    }
    for (std::uint32_t i = people; i < numbers; ++i) out[i] *= 0.01F;
    return out;
  }
  std::uint32_t friend_of(std::uint32_t who, Dice& dice) const {
    const auto size = static_cast<std::uint32_t>(6 + 10 * std::sqrt(static_cast<double>(activity_[who])));
    const double u = dice.unit();  // some are called far more often than others
    const auto nth = static_cast<std::uint32_t>(u * u * size);
    return Dice((std::uint64_t{who} << 20) + nth).below(people_);
  }
  // Home by night, work by day, now and then elsewhere.
  static std::uint16_t cell_of(std::uint32_t who, std::uint32_t hour, Dice& dice) {
    const std::uint32_t where = dice.below(8) == 0 ? 2 + dice.below(6) : hour >= 9 && hour < 18 ? 1 : 0;
    return static_cast<std::uint16_t>(1 + mix64((std::uint64_t{who} << 3) + where) % 0xffff);
  }
  std::uint32_t numbers_, people_, services_;
  std::vector<float> activity_;
  Chooser chooser_;
};

constexpr std::array<double, 24> kRhythm{0.3, 0.2, 0.1, 0.1, 0.1, 0.2, 0.5, 1.0, 1.5, 1.7, 1.7, 1.6,
                                         1.4, 1.3, 1.4, 1.5, 1.5, 1.6, 1.6, 1.5, 1.4, 1.2, 0.9, 0.5};
constexpr std::uint32_t kStart = 1'772'380'800;  // 2026-03-02, a Monday, 00:00 in China

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
  const Province province(numbers, things);
  const std::uint64_t rss_before = platform::rss_bytes();
  NumberOptions options;
  options.listed_most = argc > 4 ? std::strtoull(argv[4], nullptr, 10) : numbers / 100;  // 1,000,000 of 100,000,000
  options.busy_from = 512;
  NumberActivities all{options};
  Dice dice(7);
  double rhythm = 0;
  for (const double h : kRhythm) rhythm += h;
  std::uint64_t events = 0, counted_ns = 0, counted = 0;
  std::vector<Happening> made_ahead;
  std::vector<std::uint32_t> made_times;
  for (std::uint32_t day = 0; day < days; ++day) {
    const double weight = day % 7 >= 5 ? 0.8 : 1.08;
    std::uint64_t day_events = 0;
    const std::uint64_t day_ns = counted_ns;
    for (std::uint32_t hour = 0; hour < 24; ++hour) {
      const auto in_hour = static_cast<std::uint64_t>(numbers * each * weight * kRhythm[hour] / rhythm);
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
