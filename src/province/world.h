// What processes and plants write through: the slice, the population, the counts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "province/population.h"
#include "province/province.h"
#include "province/slice.h"

namespace pandun::province {

struct CallRow {
  std::string_view caller, callee, device, caller_cell, callee_cell, route;
  std::int32_t duration_s = 0;  // 0 = not answered
  std::int32_t cause = 16;      // ITU-T Q.850
  bool international = false;
  std::string_view callee_device{};  // told where the call reached it
  std::int32_t ring_s = kUsualRing;  // -1 = it never rang
  bool roaming = false;
  static constexpr std::int32_t kUsualRing = -2;
};

struct MessageRow {
  std::string_view sender, recipient, device, cell, route;
  int segments = 1;
  bool international = false;
  std::string_view message_template{}, link_domain{};
  bool roaming = false;
};

struct OpeningRow {
  std::string_view number, holder, agent, plan;
};

struct ReportRow {
  std::string_view reporter, cell, reason, near_cell, sender{};
};

// What telephones say of an odd cell, as shares; the rest is `strong_signal`.
struct Oddities {
  double message_from_it = 0, lac_jump = 0, forced_2g = 0, unknown_cell = 0;
};

struct ConnRow {
  std::uint32_t src = 0, dst = 0;
  std::uint16_t src_port = 0, dst_port = 0;
  std::string_view proto = "tcp", service, state = "SF", history = "ShADadFf";
  double duration_s = 0;
  std::uint64_t bytes_out = 0, bytes_in = 0, packets_out = 1, packets_in = 1;
};

// A later act of somebody else: a missed call is called back, a one-ring bait is fallen for.
struct Promise {
  std::int64_t ms = 0;
  std::uint32_t from = 0;
  std::uint32_t to = 0;  // in the population, unless `number` is given
  std::string number;
};

// What an operating system takes for the side that calls.
inline std::uint16_t client_port(Prng& random) {
  return static_cast<std::uint16_t>(random.between(32768, 60999));
}

class World {
 public:
  World(const Config& config, Slice& slice, Province::Counts& counts);

  const Config& config;
  const Population people;
  Slice& slice;
  Province::Counts& counts;

  void call(std::int64_t ms, const CallRow& row);
  void message(std::int64_t ms, const MessageRow& row);
  // Of what is sent with fraud, `reported` is the share whose recipients report it: their records name the text's hash and its link.
  void sample(std::int64_t ms, MessageRow row, std::string_view text, double reported);
  void opening(std::int64_t ms, const OpeningRow& row);
  void report(std::int64_t ms, const ReportRow& row);
  // Somebody with a telephone comes near an odd cell: few have what reports it. `sender` is what a message from the cell shows.
  void sighting(std::int64_t ms, std::string_view number, std::string_view cell, std::string_view near_cell,
                const Oddities& oddities, std::string_view sender = {});
  // For what goes with an event and is nobody's decision: the same for the same event, whatever else was drawn.
  Prng beside(std::int64_t ms, std::string_view a, std::string_view b) const;
  bool abroad(std::uint32_t i, std::int64_t ms) const;  // for that week
  // conn.log's line; the uid for the lines that go with it stays in uid().
  void conn(std::int64_t ms, const ConnRow& row, Prng& random);
  void dns(std::int64_t ms, std::uint32_t client, std::string_view query, std::string_view rcode,
           std::string_view answer, Prng& random);
  void http(std::int64_t ms, const ConnRow& row, std::string_view method, std::string_view host, std::string_view uri,
            std::string_view user_agent, int status, Prng& random);
  void ssl(std::int64_t ms, const ConnRow& row, std::string_view server_name, Prng& random);
  void truth(std::int64_t ms, std::string_view kind, std::string_view entity_kind, std::string_view entity,
             std::string_view pattern, std::int64_t first, std::int64_t last, std::string_view note);

  // One call of a number of the population to another number, with its devices, cells and a plausible end.
  // Returns whether it was answered.
  bool social_call(std::int64_t ms, std::uint32_t from, std::uint32_t to, Prng& random);
  void call_to(std::int64_t ms, std::uint32_t from, std::string_view to, std::int32_t duration_s, bool international,
               Prng& random);
  void promise(Promise promise);
  // Those due in this slice, also such as are added meanwhile.
  void keep_promises(std::uint64_t seed);

  std::uint32_t hosts() const { return hosts_; }
  std::uint32_t host_ip(std::uint32_t host) const { return 0x0a000100U + host; }
  static constexpr std::uint32_t kResolver = 0x0a000035U;  // 10.0.0.53

 private:
  void tuple(std::string& out, std::int64_t ms, const ConnRow& row, Prng* fresh_uid, bool micros_again);

  std::uint32_t hosts_;
  std::string uid_, micros_;
  std::string number_a_, number_b_, device_, device_b_, cell_a_, cell_b_;
  std::map<std::int64_t, std::vector<Promise>> promises_;  // by slice start
};

// ---- benign processes: entity e of `kind`, its next event, and what it does then ----

enum class Process : std::uint8_t {
  kNumber,
  kPort,
  kBrowse,
  kTime,
  kPush,
  kUpdate,
  kMonitor,
  kOpening,
  kRepairShop,
  kSighting
};

struct Duty {
  Process process{};
  std::uint32_t index = 0;  // within its process
};

std::int64_t first_act(const World& world, Duty duty, Prng& random);
// Acts at `ms` and returns the time of the next act.
std::int64_t act(World& world, Duty duty, std::int64_t ms, Prng& random);
std::uint32_t ports_of(const World& world);
std::string_view port_number(std::uint32_t index);
std::uint32_t monitored_of(const World& world);

std::uint32_t repair_shops_of(const World& world);
std::string repair_device(const World& world, std::uint32_t shop);
// A keyed token as a card register shows a holder, from something only the simulator knows.
std::string token_text(std::string_view what, std::uint64_t seed);

std::string zeek_header(Feed feed);

}  // namespace pandun::province
