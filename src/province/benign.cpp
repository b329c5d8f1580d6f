// The benign province: what people, businesses, machines and computers do.
#include <algorithm>
#include <array>
#include <cmath>

#include "base/check.h"
#include "province/world.h"

namespace pandun::province {
namespace {

// ---- telephone ----

constexpr std::uint32_t kPorts = 60;
constexpr double kNoticesPerNumber = 4.5;  // a day
// The first are banks and operators, the rest message ports of shops, couriers and apps.
constexpr std::array<std::string_view, 12> kNamedPorts{"95588", "95533", "95599", "95566", "95555", "95559",
                                                       "10086", "10000", "10010", "95338", "95511", "95508"};
constexpr std::array<std::string_view, 10> kServiceLines{"10086", "10000", "10010",      "12345", "95588",
                                                         "12306", "95338", "4008123123", "120",   "114"};

void businesses(World& world, std::int64_t ms, std::uint32_t who, Prng& random) {
  const double which = random.uniform();
  if (which < .35) {
    world.call_to(ms, who, kServiceLines[random.below(kServiceLines.size())],
                  static_cast<std::int32_t>(random.between(20, 400)), false, random);
  } else {
    const Role role = which < .55   ? Role::kHospital
                      : which < .7  ? Role::kSchool
                      : which < .85 ? Role::kCourier
                                    : Role::kEnterprise;
    world.social_call(ms, who, world.people.one_of(role, random), random);
  }
}

void resident_call(World& world, std::int64_t ms, std::uint32_t who, Prng& random) {
  if (random.chance(.09)) return businesses(world, ms, who, random);
  const std::uint32_t to = world.people.contact(who, random);
  if (world.social_call(ms, who, to, random)) return;
  if (random.chance(.38)) {  // the missed call is returned, mostly within the hour
    world.promise({ms + 30'000 + static_cast<std::int64_t>(random.exponential() * 1'500'000), to, who, {}});
  }
}

void send_message(World& world, std::int64_t ms, std::uint32_t who, std::uint32_t to, Prng& random) {
  std::string sender, recipient, device, cell;
  world.people.append_number(sender, who);
  world.people.append_number(recipient, to);
  world.people.append_device(device, who);
  world.people.append_cell(cell, who, ms, random);
  MessageRow row{sender, recipient, device, cell, "local", random.chance(.12) ? 2 : 1, false};
  if (world.abroad(who, ms)) {
    row.cell = {};
    row.route = "igw-1";
    row.international = row.roaming = true;
  }
  world.message(ms, row);
}

// Meters and vehicles report at one of four fixed periods, from a phase of their own.
std::int64_t machine_period(std::uint32_t who) {
  constexpr std::array<std::int64_t, 10> kHours{1, 1, 1, 6, 6, 6, 24, 24, 24, 0};
  const std::int64_t hours = kHours[mix64(who) % kHours.size()];
  return hours == 0 ? 900'000 : hours * 3'600'000;
}

void machine_report(World& world, std::int64_t ms, std::uint32_t who, Prng& random) {
  std::string sender, device, cell;
  world.people.append_number(sender, who);
  world.people.append_device(device, who);
  append_cell_id(cell, mix64(who) % 1000);
  (void)random;
  world.message(ms, {sender, who % 2 == 0 ? "106550571001" : "106570571002", device, cell, "local", 1, false});
}

std::int64_t number_act(World& world, std::uint32_t who, std::int64_t ms, Prng& random) {
  const Role role = world.people.role(who);
  if (role == Role::kMachine) {
    machine_report(world, ms, who, random);
    return ms + machine_period(who) + static_cast<std::int64_t>(random.below(2000)) - 1000;
  }
  const Profile& p = profile(role);
  const double activity = world.config.scenario.activity;
  const bool calls = random.uniform() * (p.calls_per_day + p.messages_per_day) < p.calls_per_day;
  switch (role) {
    case Role::kResident:
    case Role::kElderly:
      if (calls)
        resident_call(world, ms, who, random);
      else
        send_message(world, ms, who, world.people.contact(who, random), random);
      break;
    case Role::kEnterprise:  // half inside the house, a quarter to other firms, the rest to people
      if (random.chance(.5)) {
        const std::uint32_t first = world.people.first(Role::kEnterprise),
                            count = world.people.count(Role::kEnterprise);
        const std::uint32_t house = (who - first) / 40 * 40;
        const std::uint32_t to = first + std::min(count - 1, house + static_cast<std::uint32_t>(random.below(40)));
        if (to != who) world.social_call(ms, who, to, random);
      } else {
        world.social_call(
            ms, who, random.chance(.5) ? world.people.one_of(Role::kEnterprise, random) : world.people.anyone(random),
            random);
      }
      break;
    default: {  // couriers, drivers, call centres, hospitals, schools call people, seldom the same ones
      const std::uint32_t to = world.people.anyone(random);
      if (!calls)
        send_message(world, ms, who, to, random);
      else if (!world.social_call(ms, who, to, random) && (role == Role::kCourier || role == Role::kDriver) &&
               random.chance(.35))
        world.promise({ms + 60'000 + static_cast<std::int64_t>(random.exponential() * 600'000), who, to, {}});
      break;
    }
  }
  return advance(p, (p.calls_per_day + p.messages_per_day) * activity, ms, random.exponential());
}

double port_per_day(const World& world, std::uint32_t index) {
  // Zipf over the ports, so that a few banks and operators send most.
  double sum = 0;
  for (std::uint32_t i = 0; i < kPorts; ++i) sum += 1.0 / (i + 1);
  return kNoticesPerNumber * world.config.numbers * world.config.scenario.activity / (index + 1) / sum;
}

std::int64_t port_act(World& world, std::uint32_t index, std::int64_t ms, Prng& random) {
  std::string recipient;
  world.people.append_number(recipient, world.people.anyone(random));
  MessageRow row{port_number(index), recipient, {}, {}, "smsc-1", random.chance(.3) ? 2 : 1, false};
  Prng beside = world.beside(ms, row.sender, recipient);
  // Each port has six registered templates, the first used most; a third of what shops and couriers send has a link.
  const auto which = static_cast<std::uint64_t>(std::exp(beside.uniform() * std::log(6.0)));
  const std::uint64_t text = combine64(combine64(world.config.seed, 0x7e3), index * 8 + which);
  std::string link;
  if (index >= kNamedPorts.size() && text % 3 == 0) {
    link = "m.shop";
    append_number(link, index);
    link += ".example";
  }
  // Somebody reports a notice that he did not want.
  const std::string sample = token_text(beside.chance(.0002) ? "reported:" : "registered:", text);
  row.message_template = sample;
  row.link_domain = link;
  world.message(ms, row);
  return advance(profile(Role::kResident), port_per_day(world, index), ms, random.exponential());
}

// ---- cards and repair ----

constexpr double kOpeningsPerNumber = .0005;  // a day; more than one card at a time counts once
constexpr std::uint32_t kNumbersPerShop = 20'000;
constexpr double kTriesPerDay = 12;  // cards tried in a shop

std::string outlet(Prng& random) {
  std::string out = "outlet-";
  append_number(out, 100 + random.below(300));
  return out;
}

// One holder opens a card; one in ten for the family, one in twelve for a company's staff, one in sixteen for machines.
std::int64_t opening_act(World& world, std::int64_t ms, Prng& random) {
  const double which = random.uniform();
  const std::string_view plan = which < .1 ? "family" : which < .183 ? "enterprise" : which < .245 ? "iot" : "";
  const std::uint64_t cards = plan.empty()           ? 1
                              : plan == "family"     ? random.between(2, 4)
                              : plan == "enterprise" ? random.between(5, 30)
                                                     : random.between(10, 60);
  const std::string holder = token_text("holder:", random.next()), agent = outlet(random);
  for (std::uint64_t n = 0; n < cards; ++n) {
    std::string number = "+861440";
    if (plan == "iot")
      append_number(number, random.between(100'000'000, 999'999'999));
    else
      number = Population::outsider("199", random);
    world.opening(std::min(ms + static_cast<std::int64_t>(n), world.slice.to() - 1), {number, holder, agent, plan});
  }
  const Profile& hours = profile(Role::kSchool);  // outlets are open as long as schools are
  return advance(hours, kOpeningsPerNumber * world.config.numbers * world.config.scenario.activity, ms,
                 random.exponential());
}

// A customer's card in the shop's own telephone: it rings the shop, or a service line.
std::int64_t repair_act(World& world, std::uint32_t shop, std::int64_t ms, Prng& random) {
  std::string number, cell, own = "+8657182";
  world.people.append_number(number, world.people.anyone(random));
  append_cell_id(cell, combine64(world.config.seed, 0x5e0 + shop) % world.people.cells());
  append_number(own, 100'000 + shop);
  const std::string device = repair_device(world, shop);
  CallRow row{number, own, device, cell, {}, "local", 0, 19, false};
  for (std::uint64_t n = 1 + random.below(2); n > 0; --n) {
    const std::string_view to = random.chance(.7) ? std::string_view(own) : std::string_view("10086");
    row.callee = to;
    row.duration_s = random.chance(.8) ? static_cast<std::int32_t>(random.between(2, 25)) : 0;
    row.cause = row.duration_s > 0 ? 16 : 19;
    world.call(ms, row);
    ms = std::min(ms + 20'000 + static_cast<std::int64_t>(random.below(40'000)), world.slice.to() - 1);
  }
  return advance(profile(Role::kSchool), kTriesPerDay * world.config.scenario.activity, ms, random.exponential());
}

constexpr double kSightingsPerNumber = .001;  // a day

// Telephones see odd cells where there are none: a cellar, a lift, a list that is out of date.
std::int64_t sighting_act(World& world, std::int64_t ms, Prng& random) {
  constexpr std::array<std::string_view, 10> kReasons{
      "strong_signal", "strong_signal", "strong_signal", "strong_signal", "strong_signal",
      "forced_2g",     "forced_2g",     "forced_2g",     "unknown_cell",  "lac_jump"};
  const std::uint32_t who = world.people.anyone(random);
  std::string cell, near;
  world.people.append_cell(cell, who, ms, random);
  world.people.append_cell(near, who, ms, random);
  const std::string token = token_text("app-", combine64(combine64(world.config.seed, 0xa9a), who));
  world.report(ms, {token, cell, kReasons[random.below(kReasons.size())], near});
  return advance(profile(Role::kResident), kSightingsPerNumber * world.config.numbers * world.config.scenario.activity,
                 ms, random.exponential());
}

// ---- computers ----

struct Site {
  std::string_view name;
  std::uint32_t ip;
};
constexpr std::uint32_t kBench = 0xc6120000U;  // 198.18.0.0/15, reserved for benchmarks (RFC 2544)
constexpr std::array<Site, 4> kTimeServers{{{"ntp.aliyun.com", kBench + 1},
                                            {"ntp.tencent.com", kBench + 2},
                                            {"time.windows.com", kBench + 3},
                                            {"cn.ntp.org.cn", kBench + 4}}};
constexpr std::array<Site, 3> kPushServers{
    {{"mtalk.google.com", kBench + 11}, {"courier.push.apple.com", kBench + 12}, {"push.jiguang.cn", kBench + 13}}};
constexpr std::array<Site, 4> kUpdateServers{{{"download.windowsupdate.com", kBench + 21},
                                              {"ctldl.windowsupdate.com", kBench + 22},
                                              {"mirrors.aliyun.com", kBench + 23},
                                              {"update.googleapis.com", kBench + 24}}};
constexpr std::uint32_t kSites = 2000;

std::string site_name(std::uint32_t site) {
  constexpr std::array<std::string_view, 6> kHeads{"www", "m", "img", "static", "api", "cdn"};
  std::string out(kHeads[site % kHeads.size()]);
  out += ".site";
  append_number(out, site / 3);
  out += site % 5 == 0 ? ".com.cn" : site % 5 == 1 ? ".cn" : ".com";
  return out;
}

void resolve(World& world, std::int64_t& ms, std::uint32_t client, std::string_view name, std::uint32_t ip,
             Prng& random) {
  std::string answer;
  append_ip(answer, ip);
  world.dns(ms, client, name, "NOERROR", answer, random);
  ms = std::min(ms + 5 + static_cast<std::int64_t>(random.below(60)), world.slice.to() - 1);
}

void browse(World& world, std::uint32_t host, std::int64_t ms, Prng& random) {
  const std::uint32_t ip = world.host_ip(host);
  if (random.chance(.015)) {  // a typing error
    std::string wrong = site_name(static_cast<std::uint32_t>(random.below(kSites)));
    wrong[wrong.find('.') + 2] = static_cast<char>('a' + random.below(26));
    return world.dns(ms, ip, wrong, "NXDOMAIN", {}, random);
  }
  const auto site = static_cast<std::uint32_t>(std::exp(random.uniform() * std::log(kSites)));  // Zipf
  const std::string name = site_name(site);
  ConnRow row;
  row.src = ip;
  row.dst = kBench + 256 + site;
  if (random.chance(.6)) resolve(world, ms, ip, name, row.dst, random);
  for (std::uint64_t n = 1 + random.below(3); n > 0; --n) {
    row.src_port = client_port(random);
    row.duration_s = random.log_normal(1.5, 1.6);
    row.bytes_out = static_cast<std::uint64_t>(random.log_normal(1400, .8)) + 300;
    row.bytes_in = static_cast<std::uint64_t>(std::min(random.log_normal(18'000, 1.7), 2e9)) + 200;
    row.packets_out = row.bytes_in / 2800 + 4;
    row.packets_in = row.bytes_in / 1400 + 3;
    if (random.chance(.88)) {
      row.dst_port = 443;
      row.service = "ssl";
      world.ssl(ms, row, name, random);
    } else {
      row.dst_port = 80;
      row.service = "http";
      world.http(ms, row, "GET", name, random.chance(.5) ? "/" : "/index.html",
                 "Mozilla/5.0 (Windows NT 10.0; Win64; x64)", 200, random);
    }
    ms = std::min(ms + static_cast<std::int64_t>(random.below(900)), world.slice.to() - 1);
  }
}

void small_talk(World& world, std::int64_t ms, std::uint32_t client, const Site& site, Prng& random) {
  ConnRow row;
  row.src = client;
  row.dst = site.ip;
  row.src_port = client_port(random);
  row.dst_port = 443;
  row.service = "ssl";
  row.duration_s = .2 + random.exponential() * .5;
  row.bytes_out = 900 + random.below(400);
  row.bytes_in = 3500 + random.below(1500);
  row.packets_out = 9;
  row.packets_in = 8;
  world.ssl(ms, row, site.name, random);
}

// NTP polls at powers of two (RFC 5905): 1024 s when settled.
std::int64_t time_act(World& world, std::uint32_t host, std::int64_t ms, Prng& random) {
  const Site& server = kTimeServers[host % kTimeServers.size()];
  if (random.chance(.02)) resolve(world, ms, world.host_ip(host), server.name, server.ip, random);
  ConnRow row;
  row.src = world.host_ip(host);
  row.dst = server.ip;
  row.src_port = 123;
  row.dst_port = 123;
  row.proto = "udp";
  row.service = "ntp";
  row.history = "Dd";
  row.duration_s = .008 + random.exponential() * .02;
  row.bytes_out = row.bytes_in = 48;
  world.conn(ms, row, random);
  return ms + 1'024'000 + static_cast<std::int64_t>(random.below(16'000)) - 8'000;
}

std::int64_t push_act(World& world, std::uint32_t host, std::int64_t ms, Prng& random) {
  small_talk(world, ms, world.host_ip(host), kPushServers[host % kPushServers.size()], random);
  return ms + 300'000 + static_cast<std::int64_t>(random.below(20'000)) - 10'000;
}

std::int64_t update_act(World& world, std::uint32_t host, std::int64_t ms, Prng& random) {
  const Site& server = kUpdateServers[host % kUpdateServers.size()];
  std::int64_t at = ms;
  resolve(world, at, world.host_ip(host), server.name, server.ip, random);
  small_talk(world, at, world.host_ip(host), server, random);
  return ms + 14'400'000 + static_cast<std::int64_t>(random.below(1'800'000));
}

// One monitoring server polls its targets every minute: as regular as any beacon.
std::int64_t monitor_act(World& world, std::uint32_t target, std::int64_t ms, Prng& random) {
  ConnRow row;
  row.src = 0x0a00000aU;  // 10.0.0.10
  row.dst = world.host_ip(target * 7 % world.hosts());
  row.src_port = client_port(random);
  row.dst_port = 10050;
  row.duration_s = .004 + random.exponential() * .01;
  row.bytes_out = 60;
  row.bytes_in = 90;
  row.packets_out = 5;
  row.packets_in = 4;
  world.conn(ms, row, random);
  return ms + 60'000 + static_cast<std::int64_t>(random.below(200)) - 100;
}

constexpr double kVisitsPerDay = 70;

}  // namespace

std::uint32_t ports_of(const World&) {
  return kPorts;
}

std::string_view port_number(std::uint32_t index) {
  static const std::array<std::string, kPorts> kNumbers = [] {
    std::array<std::string, kPorts> out;
    for (std::uint32_t i = 0; i < kPorts; ++i) {
      if (i < kNamedPorts.size())
        out[i] = kNamedPorts[i];
      else
        out[i] = "1069" + std::to_string(10'000'000 + i * 7'919);
    }
    return out;
  }();
  return kNumbers[index];
}

std::uint32_t repair_shops_of(const World& world) {
  return std::max(1U, world.config.numbers / kNumbersPerShop);
}

std::string repair_device(const World& world, std::uint32_t shop) {
  std::string out;
  append_imei(out, combine64(combine64(world.config.seed, 0x4e9a14), shop));
  return out;
}

std::string token_text(std::string_view what, std::uint64_t seed) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out(what);
  for (std::uint64_t bits = mix64(seed), n = 0; n < 16; ++n, bits >>= 4) out.push_back(kHex[bits & 15U]);
  return out;
}

std::uint32_t monitored_of(const World& world) {
  return std::min(40U, world.hosts());
}

std::int64_t first_act(const World& world, Duty duty, Prng& random) {
  const std::int64_t start = world.config.start.ms;
  const double activity = world.config.scenario.activity;
  const auto phase = [&](std::int64_t period) {
    return start + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(period)));
  };
  switch (duty.process) {
    case Process::kNumber: {
      const Role role = world.people.role(duty.index);
      if (role == Role::kMachine) return phase(machine_period(duty.index));
      const Profile& p = profile(role);
      return advance(p, (p.calls_per_day + p.messages_per_day) * activity, start, random.exponential());
    }
    case Process::kPort:
      return advance(profile(Role::kResident), port_per_day(world, duty.index), start, random.exponential());
    case Process::kBrowse:
      return advance(profile(Role::kResident), kVisitsPerDay * activity, start, random.exponential());
    case Process::kTime:
      return phase(1'024'000);
    case Process::kPush:
      return phase(300'000);
    case Process::kUpdate:
      return phase(14'400'000);
    case Process::kMonitor:
      return phase(60'000);
    case Process::kOpening:
      return advance(profile(Role::kSchool), kOpeningsPerNumber * world.config.numbers * activity, start,
                     random.exponential());
    case Process::kRepairShop:
      return advance(profile(Role::kSchool), kTriesPerDay * activity, start, random.exponential());
    case Process::kSighting:
      return advance(profile(Role::kResident), kSightingsPerNumber * world.config.numbers * activity, start,
                     random.exponential());
  }
  return start;
}

std::int64_t act(World& world, Duty duty, std::int64_t ms, Prng& random) {
  switch (duty.process) {
    case Process::kNumber:
      return number_act(world, duty.index, ms, random);
    case Process::kPort:
      return port_act(world, duty.index, ms, random);
    case Process::kBrowse:
      browse(world, duty.index, ms, random);
      return advance(profile(Role::kResident), kVisitsPerDay * world.config.scenario.activity, ms,
                     random.exponential());
    case Process::kTime:
      return time_act(world, duty.index, ms, random);
    case Process::kPush:
      return push_act(world, duty.index, ms, random);
    case Process::kUpdate:
      return update_act(world, duty.index, ms, random);
    case Process::kMonitor:
      return monitor_act(world, duty.index, ms, random);
    case Process::kOpening:
      return opening_act(world, ms, random);
    case Process::kRepairShop:
      return repair_act(world, duty.index, ms, random);
    case Process::kSighting:
      return sighting_act(world, ms, random);
  }
  CHECK_MSG(false, "a process without an act");
  return ms;
}

}  // namespace pandun::province
