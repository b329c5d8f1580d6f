#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "province/plant.h"

namespace pandun::province {
namespace {

std::string ip_text(std::uint32_t ip) {
  std::string out;
  append_ip(out, ip);
  return out;
}
// Attackers and control servers live in the documentation ranges (RFC 5737).
std::uint32_t outside_ip(Prng& random) {
  constexpr std::array<std::uint32_t, 3> kRanges{0xc0000200U, 0xc6336400U, 0xcb007100U};
  return kRanges[random.below(kRanges.size())] + static_cast<std::uint32_t>(random.between(1, 254));
}

class NetworkPlant : public Plant {
 protected:
  NetworkPlant(const World& world, std::int64_t start, std::uint64_t seed) : Plant(start, seed), first_ms_(start) {
    host_ = world.host_ip(static_cast<std::uint32_t>(random_.below(world.hosts())));
  }
  void tell(World& world, std::string_view kind, const std::string& entity, std::string_view pattern,
            std::string_view note) {
    if (!told_) world.truth(next_ms_, "threat", kind, entity, pattern, first_ms_, end_ms_, note);
    told_ = true;
  }
  void move_on(std::int64_t gap_ms) {
    next_ms_ += std::max<std::int64_t>(gap_ms, 1);
    if (next_ms_ >= end_ms_) next_ms_ = kNever;
  }
  std::uint32_t host_ = 0;
  std::int64_t first_ms_, end_ms_ = 0;
  bool told_ = false;
};

// Regular contact with jitter: sleep and jitter as command-and-control frameworks offer them.
class Beacon : public NetworkPlant {
 public:
  Beacon(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : NetworkPlant(world, start, seed) {
    constexpr std::array<double, 5> kPeriods{60, 120, 300, 600, 900};
    constexpr std::array<double, 4> kJitters{.02, .05, .1, .2};
    period_ms_ = kPeriods[random_.below(kPeriods.size())] * 1000 / strength;
    jitter_ = kJitters[random_.below(kJitters.size())];
    server_ = outside_ip(random_);
    name_ = fmt::format("sync{}.example", random_.below(100'000));
    plain_ = random_.chance(.3);
    end_ms_ = start + 20 * kHour;
    bytes_out_ = 400 + random_.below(300);
    bytes_in_ = 250 + random_.below(300);
  }
  void act(World& world) override {
    const std::uint16_t port = plain_ ? 80 : 443;
    tell(world, "host_pair", fmt::format("{}>{}:{}/tcp", ip_text(host_), ip_text(server_), port), "beacon",
         fmt::format("period {:.0f} s, jitter {:.0f} %, {}", period_ms_ / 1000, jitter_ * 100, name_));
    if (contacts_++ % 12 == 0) world.dns(next_ms_, host_, name_, "NOERROR", ip_text(server_), random_);
    ConnRow row;
    row.src = host_;
    row.dst = server_;
    row.src_port = client_port(random_);
    row.dst_port = port;
    row.duration_s = .15 + random_.exponential() * .1;
    const bool order = random_.chance(.01);
    row.bytes_out = bytes_out_ + random_.below(8);
    row.bytes_in = order ? 20'000 + random_.below(50'000) : bytes_in_ + random_.below(8);
    row.packets_out = order ? 30 : 6;
    row.packets_in = order ? 50 : 5;
    row.service = plain_ ? "http" : "ssl";
    if (plain_)
      world.http(next_ms_, row, "GET", name_, "/q.php?id=7", "Mozilla/4.0 (compatible; MSIE 8.0)", 200, random_);
    else
      world.ssl(next_ms_, row, name_, random_);
    move_on(static_cast<std::int64_t>(period_ms_ * (1 + jitter_ * (2 * random_.uniform() - 1))));
  }

 private:
  double period_ms_ = 0, jitter_ = 0;
  std::uint32_t server_ = 0;
  std::string name_;
  bool plain_ = false;
  std::uint64_t contacts_ = 0, bytes_out_ = 0, bytes_in_ = 0;
};

// Rounds of names that do not exist, until one does.
class Dga : public NetworkPlant {
 public:
  Dga(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : NetworkPlant(world, start, seed), gap_ms_(3'500 / strength) {
    end_ms_ = start + 7 * kHour;
    left_ = round();
  }
  void act(World& world) override {
    tell(world, "ip", ip_text(host_), "dga", "runs of random names that do not resolve");
    constexpr std::array<std::string_view, 5> kEnds{".com", ".net", ".info", ".biz", ".org"};
    std::string name;
    for (std::uint64_t n = random_.between(12, 20); n > 0; --n)
      name.push_back(static_cast<char>('a' + random_.below(26)));
    name += kEnds[random_.below(kEnds.size())];
    const bool hit = left_ == 1;
    world.dns(next_ms_, host_, name, hit ? "NOERROR" : "NXDOMAIN", hit ? ip_text(outside_ip(random_)) : std::string(),
              random_);
    if (--left_ != 0) return move_on(static_cast<std::int64_t>(random_.exponential() * gap_ms_));
    left_ = round();
    move_on(2 * kHour + static_cast<std::int64_t>(random_.below(static_cast<std::uint64_t>(kHour))));
  }

 private:
  std::uint64_t round() { return random_.between(200, 500); }
  double gap_ms_;
  std::uint64_t left_ = 0;
};

class Scan : public NetworkPlant {
 public:
  Scan(PlantKind kind, const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : NetworkPlant(world, start, seed), kind_(kind) {
    constexpr std::array<std::uint16_t, 5> kScannedPorts{445, 3389, 22, 23, 6379};
    port_ = kScannedPorts[random_.below(kScannedPorts.size())];
    from_ = random_.chance(.5) ? host_ : outside_ip(random_);
    target_ = world.host_ip(static_cast<std::uint32_t>(random_.below(world.hosts())));
    const std::int64_t minutes = kind == PlantKind::kSlowScan ? 600 : kind == PlantKind::kVerticalScan ? 8 : 20;
    end_ms_ = start + minutes * kMinute;
    gap_ms_ = (kind == PlantKind::kSlowScan ? 35'000 : kind == PlantKind::kVerticalScan ? 350 : 700) / strength;
  }
  void act(World& world) override {
    tell(world, "ip", ip_text(from_), name(kind_),
         kind_ == PlantKind::kVerticalScan ? fmt::format("many ports of {}", ip_text(target_))
                                           : fmt::format("port {} of many hosts", port_));
    ConnRow row;
    row.src = from_;
    row.src_port = client_port(random_);
    if (kind_ == PlantKind::kVerticalScan) {
      row.dst = target_;
      row.dst_port = static_cast<std::uint16_t>(1 + tried_ * 7 % 10'000);
    } else {
      row.dst = 0x0a000100U + static_cast<std::uint32_t>(tried_ * 13 % 65'000);  // many of them are nobody
      row.dst_port = port_;
    }
    ++tried_;
    const double answer = random_.uniform();
    if (answer < .72) {
      row.state = "S0";
      row.history = "S";
      row.packets_in = 0;
    } else if (answer < .95) {
      row.state = "REJ";
      row.history = "Sr";
      row.duration_s = .002 + random_.exponential() * .01;
    } else {
      row.state = "RSTO";
      row.history = "ShR";
      row.packets_out = 2;
      row.duration_s = .01 + random_.exponential() * .05;
    }
    world.conn(next_ms_, row, random_);
    move_on(static_cast<std::int64_t>(random_.exponential() * gap_ms_));
  }

 private:
  PlantKind kind_;
  std::uint16_t port_ = 0;
  std::uint32_t from_ = 0, target_ = 0;
  double gap_ms_ = 0;
  std::uint64_t tried_ = 0;
};

class BruteForce : public NetworkPlant {
 public:
  BruteForce(const World& world, std::int64_t start, double strength, std::uint64_t seed)
      : NetworkPlant(world, start, seed), gap_ms_(2'500 / strength) {
    from_ = outside_ip(random_);
    end_ms_ = start + 30 * kMinute;
  }
  void act(World& world) override {
    tell(world, "ip", ip_text(from_), "brute_force", fmt::format("ssh log-ins at {}", ip_text(host_)));
    ConnRow row;
    row.src = from_;
    row.dst = host_;
    row.src_port = client_port(random_);
    row.dst_port = 22;
    row.service = "ssh";
    row.duration_s = 1.5 + random_.exponential();
    row.bytes_out = 1'400 + random_.below(400);
    row.bytes_in = 2'000 + random_.below(400);
    row.packets_out = 14;
    row.packets_in = 13;
    world.conn(next_ms_, row, random_);
    move_on(static_cast<std::int64_t>(random_.exponential() * gap_ms_));
  }

 private:
  double gap_ms_;
  std::uint32_t from_ = 0;
};

}  // namespace

std::unique_ptr<Plant> network_plant(PlantKind kind, const World& world, std::int64_t start, double strength,
                                     std::uint64_t seed) {
  switch (kind) {
    case PlantKind::kBeacon:
      return std::make_unique<Beacon>(world, start, strength, seed);
    case PlantKind::kDga:
      return std::make_unique<Dga>(world, start, strength, seed);
    case PlantKind::kHorizontalScan:
    case PlantKind::kVerticalScan:
    case PlantKind::kSlowScan:
      return std::make_unique<Scan>(kind, world, start, strength, seed);
    case PlantKind::kBruteForce:
      return std::make_unique<BruteForce>(world, start, strength, seed);
    default:
      return nullptr;
  }
}

}  // namespace pandun::province
