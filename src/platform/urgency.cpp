#include "platform/urgency.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>

namespace pandun::platform {
namespace {

// An ordinary thread with short turns comes sooner when it wakes, and gets no more of the processor than its share
// (since Linux 6.12; what an older kernel makes of it does no harm).
constexpr std::uint64_t kTurnNs = 100'000;

// <linux/sched/types.h> clashes with glibc's <sched.h>.
struct SchedAttr {
  std::uint32_t size, policy;
  std::uint64_t flags;
  std::int32_t nice;
  std::uint32_t priority;
  std::uint64_t runtime, deadline, period;
};
static_assert(sizeof(SchedAttr) == 48);

Error refused(std::string_view what) {
  const int code = errno;
  return error(code == EPERM ? Errc::kNotAllowed : Errc::kBadConfig, "thread",
               fmt::format("{}: {}", what, std::strerror(code)));
}

void take_short_turns() {
  SchedAttr attr{};
  if (syscall(SYS_sched_getattr, 0, &attr, sizeof attr, 0) != 0 || attr.policy != SCHED_OTHER) return;
  attr.size = sizeof attr;
  attr.runtime = kTurnNs;
  (void)syscall(SYS_sched_setattr, 0, &attr, 0);
}

}  // namespace

Result<std::vector<unsigned>> parse_processors(std::string_view text) {
  std::vector<unsigned> out;
  const auto bad = [&] { return error(Errc::kBadConfig, fmt::format("processors \"{}\"", text), "write 2 or 2,4-6"); };
  for (std::string_view rest = text; !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
    const char* const end = part.data() + part.size();
    unsigned first = 0, last = 0;
    auto [at, code] = std::from_chars(part.data(), end, first);
    last = first;
    if (code == std::errc() && at != end && *at == '-') {
      const auto second = std::from_chars(at + 1, end, last);
      at = second.ptr;
      code = second.ec;
    }
    if (code != std::errc() || at != end || last < first || last >= CPU_SETSIZE) return bad();
    for (unsigned one = first; one <= last; ++one) out.push_back(one);
    if (rest.empty() && text.back() == ',') return bad();
  }
  return out;
}

Result<> make_urgent(const Urgency& urgency) {
  if (!urgency.processors.empty()) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned one : urgency.processors)
      if (one < CPU_SETSIZE) CPU_SET(one, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) return refused("cannot run on these processors");
  }
  if (urgency.realtime == 0) {
    take_short_turns();
    return {};
  }
  sched_param priority{};
  priority.sched_priority = urgency.realtime;
  if (sched_setscheduler(0, SCHED_RR, &priority) != 0)
    return refused("cannot run in real time; it needs CAP_SYS_NICE or LimitRTPRIO");
  return {};
}

}  // namespace pandun::platform
