// Nanoseconds a decision with long lists and counters on, the pause that a swap costs its readers, and memory under a flood of
// callers that never come back.
//   decide_bench [ENTRIES [DECISIONS [two]]]     default 1,000,000 and 2,000,000; two: by one thread and by two, in turns
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "base/hash.h"
#include "decide/decider.h"
#include "decide/number_list.h"
#include "decide/record_ring.h"
#include "platform/clock.h"
#include "platform/process.h"
#include "platform/thread.h"

namespace {

using namespace pandun;
using decide::Decider;
using model::NumberKey;

constexpr std::int64_t kNow = 1'790'000'000'000;
constexpr WallMs kLater{kNow + 86'400'000};

std::int64_t now_ns() {
  return platform::system_clock().steady().count();
}

// Of this thread alone: what the machine gave to others meanwhile is not counted.
std::int64_t cpu_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * 1'000'000'000LL + now.tv_nsec;
}

NumberKey mobile(std::uint64_t i) {
  return NumberKey::e164(8613000000000ULL + mix64(i) % 5'000'000'000ULL);
}

struct Spread {
  double mean = 0;
  std::int64_t p50 = 0, p99 = 0, p999 = 0, max = 0;
};
Spread spread(std::vector<std::int64_t>& ns) {
  Spread out;
  std::sort(ns.begin(), ns.end());
  for (const std::int64_t one : ns) out.mean += static_cast<double>(one);
  out.mean /= static_cast<double>(ns.size());
  const auto at = [&](double share) {
    return ns[static_cast<std::size_t>(share * static_cast<double>(ns.size() - 1))];
  };
  out.p50 = at(0.5);
  out.p99 = at(0.99);
  out.p999 = at(0.999);
  out.max = ns.back();
  return out;
}

decide::SnapshotInput input(std::uint64_t entries) {
  decide::SnapshotInput out;
  out.measures.reserve(entries);
  for (std::uint64_t i = 0; i < entries; ++i)
    out.measures.push_back({mobile(i), decide::Verdict::kReject, kLater, fmt::format("M-{:08}", i)});
  for (std::uint64_t i = 0; i < entries; ++i) out.scores.push_back({mobile(i + entries / 2), 70});
  out.emergency = {NumberKey::service("110"), NumberKey::service("120")};
  decide::Trunk intl, own;
  intl.name = "intl-1";
  intl.direction = decide::Direction::kInternationalIn;
  own.name = "intra-1";
  own.direction = decide::Direction::kIntraNetwork;
  own.trusted = true;
  out.trunks = {intl, own};
  decide::Policy warn, hold;
  warn.id = "warn";
  warn.enabled = true;
  warn.above = 30;
  hold = warn;
  hold.id = "hold";
  hold.measure = decide::Measured::kCallerSecond;
  hold.above = 10;
  hold.hold = true;
  hold.hold_s = 60;
  hold.holds_per_hour_max = 100;
  hold.expires_at = kLater;
  out.policies = {warn, hold};
  out.foreign_reminder = true;
  out.warn_at_score = 90;
  out.redress_base = "https://appeal.example/";
  return out;
}

decide::Question question(std::uint64_t i, std::uint64_t population) {
  decide::Question q;
  q.from = mobile(i * 2654435761 % population);
  q.to = mobile(i * 40503 % population + 7'000'000'000ULL);
  q.from_text = "+8613800138000";
  q.route = i % 8 == 0 ? "intl-1" : "intra-1";
  q.at = WallMs{kNow + static_cast<std::int64_t>(i / 50)};
  return q;
}

void empty_ring(Decider& decider) {
  decide::DecisionRecord record;
  while (decider.records().pop(record)) {
  }
}

// One at a time, clock included: its own cost is printed beside.
Spread each_alone(Decider& decider, std::uint64_t decisions, std::uint64_t population) {
  std::vector<std::int64_t> ns(decisions);
  for (std::uint64_t i = 0; i < decisions; ++i) {
    const decide::Question q = question(i, population);
    const std::int64_t begin = now_ns();
    const decide::Answer answer = decider.call(q);
    ns[i] = now_ns() - begin;
    if (answer.id == 0) std::abort();
    if (i % 8192 == 0) empty_ring(decider);
  }
  return spread(ns);
}

double together(Decider& decider, std::uint64_t decisions, std::uint64_t population) {
  const std::int64_t begin = now_ns();
  std::uint64_t sum = 0;
  for (std::uint64_t i = 0; i < decisions; ++i) {
    sum += decider.call(question(i, population)).id;
    if (i % 8192 == 0) empty_ring(decider);
  }
  if (sum == 0) std::abort();
  return static_cast<double>(now_ns() - begin) / static_cast<double>(decisions);
}

// Nanoseconds a decision where two threads decide at once, as the doors' threads do: each takes the next piece of the work when
// it is ready, for one of them also empties the ring of both.
double on_two_threads(Decider& decider, std::uint64_t decisions, std::uint64_t population) {
  constexpr std::uint64_t kPiece = 4096;
  const std::uint64_t pieces = 2 * decisions / kPiece;
  std::atomic<std::uint64_t> next{0};
  const auto decide_all = [&](bool empties) {
    std::uint64_t sum = 0;
    for (std::uint64_t piece = next++; piece < pieces; piece = next++) {
      for (std::uint64_t i = 0; i < kPiece; ++i) sum += decider.call(question(piece * kPiece + i, population)).id;
      if (empties) empty_ring(decider);
    }
    if (sum == 0) std::abort();
  };
  const std::int64_t begin = now_ns();
  {
    const platform::Thread other = platform::start_thread("other", [&](const std::stop_token&) { decide_all(false); });
    decide_all(true);
  }
  return static_cast<double>(now_ns() - begin) / static_cast<double>(pieces * kPiece);
}

struct Swap {
  Spread with, without, change;
  std::int64_t cpu_with_max = 0, cpu_without_max = 0;
  std::int64_t full_ms = 0;
};
// Readers decide all the while; small changes and one whole rebuild go on beside them.
Swap swaps(Decider& decider, std::uint64_t entries, std::uint64_t population) {
  Swap out;
  std::vector<std::int64_t> quiet, busy, change;
  std::atomic<bool> stop{false}, changing{false};
  {
    const platform::Thread reader = platform::start_thread("reader", [&](const std::stop_token&) {
      for (std::uint64_t i = 0; !stop; ++i) {
        const decide::Question q = question(i, population);
        const bool beside = changing;
        const std::int64_t cpu = cpu_ns(), begin = now_ns();
        decider.call(q);
        const std::int64_t took = now_ns() - begin, worked = cpu_ns() - cpu;
        (beside ? busy : quiet).push_back(took);
        std::int64_t& most = beside ? out.cpu_with_max : out.cpu_without_max;
        most = std::max(most, worked);
        if (i % 8192 == 0) empty_ring(decider);
      }
    });
    platform::pause({}, std::chrono::milliseconds(500));
    changing = true;
    for (std::uint64_t i = 0; i < 500; ++i) {
      const std::int64_t begin = now_ns();
      decide::Change lifted;
      lifted.measures.push_back({mobile(i), {}});
      decider.change(std::move(lifted));
      change.push_back(now_ns() - begin);
    }
    const std::int64_t begin = now_ns();
    decider.publish(input(entries));
    out.full_ms = (now_ns() - begin) / 1'000'000;
    stop = true;
  }
  out.without = spread(quiet);
  out.with = spread(busy);
  out.change = spread(change);
  return out;
}

std::string text(const Spread& s) {
  return fmt::format("{{\"mean_ns\":{:.0f},\"p50_ns\":{},\"p99_ns\":{},\"p999_ns\":{},\"max_ns\":{}}}", s.mean, s.p50,
                     s.p99, s.p999, s.max);
}

}  // namespace

int main(int argc, char** argv) {
  const std::uint64_t entries = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1'000'000;
  const std::uint64_t decisions = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 2'000'000;
  if (entries == 0 || decisions < 1000) return 2;
  decide::DeciderLimits limits;
  limits.callers = limits.pairs = 1U << 18;
  limits.records = 1U << 16;
  Decider decider(limits);
  std::vector<std::int64_t> clock(100'000);
  for (std::int64_t& one : clock) {
    const std::int64_t begin = now_ns();
    one = now_ns() - begin;
  }
  const std::int64_t begin = now_ns();
  decider.publish(input(entries));
  const std::int64_t built_ms = (now_ns() - begin) / 1'000'000;
  const std::uint64_t population = entries * 4;
  together(decider, decisions / 4, population);
  const double ns = together(decider, decisions, population);
  if (argc > 3) {
    std::vector<double> one{ns}, two;
    for (int i = 0; i < 3; ++i) {
      two.push_back(on_two_threads(decider, decisions, population));
      one.push_back(together(decider, decisions, population));
    }
    std::sort(one.begin(), one.end());
    std::sort(two.begin(), two.end());
    fmt::print("{{\"name\":\"decide_threads\",\"one_ns\":{:.0f},\"two_ns\":{:.0f}}}\n", one[1], two[1]);
    return 0;
  }
  const Spread alone = each_alone(decider, decisions, population);
  const Swap swap = swaps(decider, entries, population);

  const std::uint64_t rss_before = platform::rss_bytes();
  const std::uint64_t bytes_before = decider.figures().bytes;
  const std::uint64_t flood = 10'000'000;
  for (std::uint64_t i = 0; i < flood; ++i) {
    decide::Question q = question(i, population);
    q.from = NumberKey::e164(4400000000000ULL + i);
    decider.call(q);
    if (i % 8192 == 0) empty_ring(decider);
  }
  const std::uint64_t rss_after = platform::rss_bytes();
  fmt::print(
      "{{\"name\":\"decide\",\"entries\":{},\"decisions\":{},\"ns_per_decision\":{:.0f},\"one_at_a_time\":{},\"clock\":"
      "{},"
      "\"built_ms\":{},\"beside_swaps\":{},\"without_swaps\":{},\"beside_swaps_cpu_max_ns\":{},\"without_swaps_cpu_max_"
      "ns\":{},\"small_change\":{},\"whole_swap_ms\":{},"
      "\"flood_callers\":{},\"counter_bytes\":{},\"counter_bytes_after\":{},\"rss_grew_bytes\":{}}}\n",
      entries, decisions, ns, text(alone), text(spread(clock)), built_ms, text(swap.with), text(swap.without),
      swap.cpu_with_max, swap.cpu_without_max, text(swap.change), swap.full_ms, flood, bytes_before,
      decider.figures().bytes, static_cast<std::int64_t>(rss_after) - static_cast<std::int64_t>(rss_before));
  return 0;
}
