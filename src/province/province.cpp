#include "province/province.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "province/plant.h"
#include "province/world.h"

namespace pandun::province {
namespace {

constexpr std::size_t kRing = 2048;  // slices the calendar sees ahead; more than a day
constexpr std::uint32_t kEnd = UINT32_MAX;

std::int64_t slice_start(std::int64_t ms) {
  return ms - ((ms % kSliceMs) + kSliceMs) % kSliceMs;
}

}  // namespace

std::string_view file_name(Feed feed) {
  constexpr std::array<std::string_view, kFeeds> kNames{"calls.csv",   "messages.csv", "conn.log",
                                                        "dns.log",     "http.log",     "ssl.log",
                                                        "truth.jsonl", "openings.csv", "cell_reports.csv"};
  return kNames[static_cast<std::size_t>(feed)];
}

std::string_view source_kind(Feed feed) {
  switch (feed) {
    case Feed::kCalls:
      return "calls";
    case Feed::kMessages:
      return "messages";
    case Feed::kOpenings:
      return "openings";
    case Feed::kCellReports:
      return "cell_reports";
    case Feed::kTruth:
      return {};
    default:
      return "zeek";
  }
}

// A calendar queue (R. Brown, CACM 1988): every entity waits in the bucket of the slice of its next act.
struct Province::State {
  struct Entity {
    std::uint64_t random = 0;
    std::int64_t next_ms = 0;
    std::uint32_t link = kEnd;
  };

  Config config;
  Counts counts;
  Slice slice;
  World world;
  std::vector<Entity> entities;
  std::vector<std::pair<std::uint32_t, Process>> processes;  // first entity of each process
  std::array<std::uint32_t, kRing> buckets{};
  std::int64_t next_slice_ms = 0, now_ms = 0;
  bool slice_open = false;
  std::vector<std::unique_ptr<Plant>> plants;
  std::int64_t planted_until_ms = 0;

  explicit State(const Config& c) : config(c), world(config, slice, counts) {
    buckets.fill(kEnd);
    now_ms = config.start.ms;
    next_slice_ms = slice_start(now_ms);
    planted_until_ms = now_ms;
    const std::uint32_t hosts = world.hosts();
    add(Process::kNumber, config.numbers);
    add(Process::kPort, ports_of(world));
    add(Process::kBrowse, hosts);
    add(Process::kTime, hosts);
    add(Process::kPush, hosts * 3 / 10);
    add(Process::kUpdate, hosts);
    add(Process::kMonitor, monitored_of(world));
    add(Process::kOpening, 1);
    add(Process::kRepairShop, repair_shops_of(world));
    add(Process::kSighting, 1);
    for (std::uint32_t i = 0; i < entities.size(); ++i) {
      Prng random(combine64(combine64(config.seed, 0xe417), i));
      const Duty duty = duty_of(i);
      // Without activity people are silent; machines and computers keep their clocks.
      const bool silent = config.scenario.activity <= 0 &&
                          (duty.process <= Process::kBrowse || duty.process >= Process::kOpening) &&
                          !(duty.process == Process::kNumber && world.people.role(duty.index) == Role::kMachine);
      entities[i].next_ms = silent ? kNever : first_act(world, duty, random);
      entities[i].random = random.state();
      if (!silent) wait(i);
    }
  }

  void add(Process process, std::uint32_t count) {
    processes.emplace_back(static_cast<std::uint32_t>(entities.size()), process);
    entities.resize(entities.size() + count);
  }
  Duty duty_of(std::uint32_t entity) const {
    std::size_t p = processes.size() - 1;
    while (processes[p].first > entity) --p;
    return {processes[p].second, entity - processes[p].first};
  }
  void wait(std::uint32_t i) {
    const std::int64_t at =
        std::min(slice_start(entities[i].next_ms), next_slice_ms + static_cast<std::int64_t>(kRing - 1) * kSliceMs);
    std::uint32_t& head = buckets[bucket_of(std::max(at, next_slice_ms))];
    entities[i].link = head;
    head = i;
  }
  static std::size_t bucket_of(std::int64_t ms) { return static_cast<std::size_t>(ms / kSliceMs) % kRing; }

  void plant_day(std::int64_t day);
  void act_plants();
  void benign_truth();
  void make_slice();
};

// The i-th of n things of a day begins in the i-th n-th of it. The very first of each kind begin within twenty minutes, so that a
// live feed soon has something to show; a few kinds wait for their hours.
void Province::State::plant_day(std::int64_t day) {
  for (std::size_t k = 0; k < kPlantKinds; ++k) {
    const auto kind = static_cast<PlantKind>(k);
    const Planting& wanted = planting(config.scenario, kind);
    Prng random(combine64(combine64(config.seed, 0x91a27 + k), static_cast<std::uint64_t>(day)));
    const double whole = std::floor(wanted.per_day);
    const auto count = static_cast<std::uint64_t>(whole) + (random.chance(wanted.per_day - whole) ? 1 : 0);
    for (std::uint64_t i = 0; i < count; ++i) {
      const double share = (static_cast<double>(i) + .02 + .2 * random.uniform()) / static_cast<double>(count);
      const auto spread = static_cast<std::int64_t>(share * static_cast<double>(kDay));
      const auto soon = static_cast<std::int64_t>(60'000 + k * 45'000 + random.below(30'000));
      const bool very_first = day == 0 && i == 0;
      const std::int64_t start = config.start.ms + day * kDay + (very_first ? std::min(soon, spread) : spread);
      const std::uint64_t seed = random.next();
      auto made = telephone_plant(kind, world, start, wanted.strength, seed);
      if (!made) made = network_plant(kind, world, start, wanted.strength, seed);
      CHECK(made != nullptr);
      plants.push_back(std::move(made));
    }
  }
}

void Province::State::act_plants() {
  while (planted_until_ms < slice.to()) {
    plant_day((planted_until_ms - config.start.ms) / kDay);
    planted_until_ms += kDay;
  }
  for (const auto& plant : plants)
    while (plant->next_ms() < slice.to()) plant->act(world);
  std::erase_if(plants, [](const auto& plant) { return plant->next_ms() == kNever; });
}

// The look-alikes: an alert about one of these is a false one.
void Province::State::benign_truth() {
  const std::int64_t last = config.start.ms + static_cast<std::int64_t>(config.hours * 3'600'000.0);
  const auto say = [&](std::string_view kind, std::string_view value, std::string_view pattern, std::string_view note) {
    world.truth(config.start.ms, "benign", kind, value, pattern, config.start.ms, last, note);
  };
  for (const Role role : {Role::kCourier, Role::kDriver, Role::kCallCentre, Role::kHospital, Role::kSchool})
    for (std::uint32_t i = 0; i < world.people.count(role); ++i) {
      std::string number;
      world.people.append_number(number, world.people.first(role) + i);
      say("number", number, name(role), "calls many people for its work");
    }
  for (std::uint32_t i = 0; i < ports_of(world); ++i) say("number", port_number(i), "message_port", "sends notices");
  for (std::uint32_t i = 0; i < repair_shops_of(world); ++i)
    say("device", repair_device(world, i), "repair_shop", "one telephone in which many customers' cards are tried");
  say("ip", "10.0.0.10", "monitoring", "polls its targets every minute");
}

void Province::State::make_slice() {
  slice.start(next_slice_ms);
  slice_open = true;
  next_slice_ms += kSliceMs;
  if (slice.from() <= config.start.ms) benign_truth();
  std::uint32_t i = std::exchange(buckets[bucket_of(slice.from())], kEnd);
  while (i != kEnd) {
    Entity& entity = entities[i];
    const std::uint32_t next = entity.link;
    const Duty duty = duty_of(i);
    Prng random(entity.random);
    while (entity.next_ms < slice.to())
      entity.next_ms = std::max(act(world, duty, entity.next_ms, random), entity.next_ms + 1);
    entity.random = random.state();
    wait(i);
    i = next;
  }
  act_plants();
  world.keep_promises(config.seed);
  slice.sort();
}

Province::Province(const Config& config) : state_(std::make_unique<State>(config)) {}
Province::~Province() = default;
Province::Province(Province&&) noexcept = default;
Province& Province::operator=(Province&&) noexcept = default;

std::string Province::header(Feed feed) const {
  switch (feed) {
    case Feed::kCalls:
      return "time,caller,callee,duration_s,answered,caller_device,caller_cell,callee_cell,route,release_cause,kind,"
             "ring_s,"
             "callee_device\n";
    case Feed::kMessages:
      return "time,sender,recipient,segments,sender_device,sender_cell,route,kind,template,link_domain\n";
    case Feed::kOpenings:
      return "time,number,holder,agent,plan\n";
    case Feed::kCellReports:
      return "time,reporter,cell,reason,near_cell,sender\n";
    case Feed::kTruth:
      return {};
    default:
      return zeek_header(feed);
  }
}

void Province::next(EventMs until, LineSink& sink) {
  State& s = *state_;
  while (s.now_ms < until.ms) {
    if (!s.slice_open) s.make_slice();
    const std::int64_t end = std::min(until.ms, s.slice.to());
    for (std::size_t f = 0; f < kFeeds; ++f) {
      const std::string_view text = s.slice.take(static_cast<Feed>(f), end);
      if (!text.empty()) sink.lines(static_cast<Feed>(f), text);
    }
    s.now_ms = end;
    if (end == s.slice.to()) s.slice_open = false;
  }
}

EventMs Province::now() const {
  return {state_->now_ms};
}
const Province::Counts& Province::counts() const {
  return state_->counts;
}

std::string Province::describe() const {
  const State& s = *state_;
  std::string out = fmt::format(
      "# What the simulator made. The same seed and configuration make the same bytes.\nseed = {}\nnumbers = {}\nhosts "
      "= {}\n"
      "start = \"{}\"\nhours = {}\n\n[scenario]\nname = \"{}\"\nactivity = {}\nhosts_per_number = {}\n",
      s.config.seed, s.config.numbers, s.world.hosts(), rfc3339(s.config.start), s.config.hours, s.config.scenario.name,
      s.config.scenario.activity, s.config.scenario.hosts_per_number);
  for (std::size_t k = 0; k < kPlantKinds; ++k) {
    const Planting& p = planting(s.config.scenario, static_cast<PlantKind>(k));
    out += fmt::format("plant.{} = {{ per_day = {}, strength = {} }}\n", name(static_cast<PlantKind>(k)), p.per_day,
                       p.strength);
  }
  out += "\n[roles]\n";
  for (std::size_t r = 0; r < kRoles; ++r)
    out += fmt::format("{} = {}\n", name(static_cast<Role>(r)), s.world.people.count(static_cast<Role>(r)));
  out += fmt::format(
      "\n[written]\ncalls = {}\nmessages = {}\nconn = {}\ndns = {}\nhttp = {}\nssl = {}\nplanted = {}\nopenings = "
      "{}\ncell_reports = {}\n",
      s.counts.calls, s.counts.messages, s.counts.conn, s.counts.dns, s.counts.http, s.counts.ssl, s.counts.planted,
      s.counts.openings, s.counts.cell_reports);
  return out;
}

}  // namespace pandun::province
