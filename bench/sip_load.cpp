// Load for a SIP redirect server over loopback UDP: INVITE, its final answer, ACK.
//
//   sip_load --to 127.0.0.1:5060 [--window 16 | --rate 50000] [--seconds 3] [--sources 32] [--callers 100000]
//            [--blocked 50] [--blocked-numbers 1000000] [--no-ack] [--sleep] [--every US] [--seed 1]
//
// Closed loop keeps `window` calls unanswered; open loop sends at `rate` whatever comes back, and counts from the moment a call was due, so
// that a stall is not hidden by waiting for it. A call is lost when no answer came within 500 ms (T1: a real switch would repeat it).
// --sleep lets the processor go while no call is due: less exact by some 20 us, but others on the machine need not stop it.
// --every: with --rate, calls come due together once in so many us; with --sleep that leaves processor time to others.
// Also told: how many calls waited over 100 us, the slowest of them with when they were due (ms from `start_s`, CLOCK_MONOTONIC), and when the
// first verdict came that was not the expected one.
// Callers are random of `callers` different numbers; `blocked` per mille are of the list +8613900000000 and up, and must be
// answered 6xx; all others 3xx. Prints one JSON object. Loopback only.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/prng.h"

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000, kLost = kSecond / 2, kWarm = kSecond / 4, kSlow = 100'000;
constexpr std::size_t kBatch = 64, kSlots = 1U << 20, kBuffer = 4096;
constexpr std::string_view kSdp =
    "v=0\r\no=- 1616 1616 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 8 0 101\r\n"
    "a=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n";

std::uint64_t now() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * kSecond + static_cast<std::uint64_t>(t.tv_nsec);
}

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

// 64 buckets to each power of two: 1.6 % wide.
class Histogram {
 public:
  void add(std::uint64_t ns) {
    ++counts_[bucket(ns)];
    ++total_;
    max_ = std::max(max_, ns);
  }
  double us(double part) const {
    const auto wanted = static_cast<std::uint64_t>(part * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i)
      if ((seen += counts_[i]) > wanted) return static_cast<double>(floor(i)) / 1000;
    return static_cast<double>(max_) / 1000;
  }
  double max_us() const { return static_cast<double>(max_) / 1000; }

 private:
  static std::size_t bucket(std::uint64_t ns) {
    if (ns < 64) return ns;
    const auto power = static_cast<unsigned>(63 - __builtin_clzll(ns));
    return (power - 5U) * 64U + ((ns >> (power - 6U)) & 63U);
  }
  static std::uint64_t floor(std::size_t i) { return i < 64 ? i : (64 + i % 64) << (i / 64 - 1); }
  std::array<std::uint64_t, 64 * 60> counts_{};
  std::uint64_t total_ = 0, max_ = 0;
};

// A message with holes of fixed width: {i} the call (8 hex), {c} caller (11 digits), {d} called (11 digits).
class Template {
 public:
  explicit Template(std::string text) {
    for (std::size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '{' && at + 2 < text.size() && text[at + 2] == '}') {
        const char kind = text[at + 1];
        (kind == 'i' ? ids_ : kind == 'c' ? callers_ : callees_).push_back(text_.size());
        text_.append(kind == 'i' ? 8 : 11, '0');
        at += 2;
      } else {
        text_ += text[at];
      }
    }
  }
  std::size_t write(char* out, std::uint32_t id, std::uint64_t caller, std::uint64_t callee) const {
    std::memcpy(out, text_.data(), text_.size());
    char hex[8], number[11];
    for (int i = 7; i >= 0; --i, id >>= 4) hex[i] = "0123456789abcdef"[id & 15U];
    for (const std::size_t at : ids_) std::memcpy(out + at, hex, 8);
    digits(caller, number);
    for (const std::size_t at : callers_) std::memcpy(out + at, number, 11);
    digits(callee, number);
    for (const std::size_t at : callees_) std::memcpy(out + at, number, 11);
    return text_.size();
  }
  std::size_t size() const { return text_.size(); }

 private:
  static void digits(std::uint64_t value, char* out) {
    for (int i = 10; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
  }
  std::string text_;
  std::vector<std::size_t> ids_, callers_, callees_;
};

struct Source {
  int fd = -1;
  std::unique_ptr<Template> invite, ack_head, ack_tail;
};

struct Options {
  std::string host = "127.0.0.1";
  int port = 5060;
  std::uint32_t window = 16, sources = 32, blocked = 50;
  double rate = 0, seconds = 3, every_us = 0;
  std::uint64_t callers = 100'000, blocked_numbers = 1'000'000, seed = 1;
  bool ack = true, sleep = false;
};

Source make_source(const Options& options, std::uint32_t index, const std::string& run) {
  Source out;
  out.fd = socket(AF_INET, SOCK_DGRAM, 0);
  const int bytes = 16 << 20;
  setsockopt(out.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  setsockopt(out.fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes);
  sockaddr_in local{}, remote{};
  local.sin_family = remote.sin_family = AF_INET;
  local.sin_addr.s_addr = htonl(0x7f000001U + index);
  if (bind(out.fd, reinterpret_cast<const sockaddr*>(&local), sizeof local) != 0) fail("bind");
  socklen_t length = sizeof local;
  getsockname(out.fd, reinterpret_cast<sockaddr*>(&local), &length);
  remote.sin_port = htons(static_cast<std::uint16_t>(options.port));
  inet_pton(AF_INET, options.host.c_str(), &remote.sin_addr);
  if (connect(out.fd, reinterpret_cast<const sockaddr*>(&remote), sizeof remote) != 0) fail("connect");
  const std::string ip = "127.0.0." + std::to_string(1 + index), port = std::to_string(ntohs(local.sin_port));
  const std::string to = "127.0.0.1:" + std::to_string(options.port);
  const std::string via = "Via: SIP/2.0/UDP " + ip + ":" + port + ";branch=z9hG4bK-{i}" + run + ";rport\r\n";
  const std::string who = "From: \"+86{c}\" <sip:+86{c}@" + ip + ";user=phone>;tag={i}" + run + "\r\n";
  out.invite = std::make_unique<Template>(
      "INVITE sip:+86{d}@" + to + ";user=phone SIP/2.0\r\n" + via + "Max-Forwards: 68\r\n" + who + "To: <sip:+86{d}@" +
      to + ";user=phone>\r\nCall-ID: {i}-" + run + "-4f2a9c@" + ip + "\r\nCSeq: 1 INVITE\r\nContact: <sip:+86{c}@" +
      ip + ":" + port + ";transport=udp>\r\nP-Asserted-Identity: <sip:+86{c}@" + ip +
      ";user=phone>\r\nP-Charging-Vector: icid-value=AS-127.0.0.1-1714550400{i};orig-ioi=home1.net\r\n"
      "Allow: INVITE,ACK,CANCEL,OPTIONS,BYE,UPDATE,PRACK,INFO,REFER,NOTIFY\r\nSupported: 100rel,timer,replaces\r\n"
      "Session-Expires: 1800;refresher=uac\r\nMin-SE: 90\r\nUser-Agent: gw-trunk/1.0\r\nContent-Type: "
      "application/sdp\r\n"
      "Content-Length: " +
      std::to_string(kSdp.size()) + "\r\n\r\n" + std::string(kSdp));
  out.ack_head =
      std::make_unique<Template>("ACK sip:+86{d}@" + to + ";user=phone SIP/2.0\r\n" + via + "Max-Forwards: 68\r\n" +
                                 who + "To: <sip:+86{d}@" + to + ";user=phone>;tag=");
  out.ack_tail = std::make_unique<Template>("\r\nCall-ID: {i}-" + run + "-4f2a9c@" + ip +
                                            "\r\nCSeq: 1 ACK\r\nContent-Length: 0\r\n\r\n");
  return out;
}

struct Batch {
  std::vector<char> bytes = std::vector<char>(kBatch * kBuffer);
  std::array<mmsghdr, kBatch> heads{};
  std::array<iovec, kBatch> parts{};
  Batch() {
    for (std::size_t i = 0; i < kBatch; ++i) {
      parts[i] = {bytes.data() + i * kBuffer, kBuffer};
      heads[i].msg_hdr.msg_iov = &parts[i];
      heads[i].msg_hdr.msg_iovlen = 1;
    }
  }
  char* at(std::size_t i) { return bytes.data() + i * kBuffer; }
};

void send_all(int fd, Batch& batch, std::size_t count) {
  for (std::size_t sent = 0; sent < count;) {
    const int n = sendmmsg(fd, batch.heads.data() + sent, static_cast<unsigned>(count - sent), 0);
    if (n > 0)
      sent += static_cast<std::size_t>(n);
    else if (errno != EAGAIN && errno != ENOBUFS && errno != ECONNREFUSED && errno != EINTR)
      fail("sendmmsg");
  }
}

class Load {
 public:
  explicit Load(const Options& options)
      : o_(options), random_(options.seed ^ static_cast<std::uint64_t>(getpid()) << 32), calls_(kSlots) {
    char run[16];
    std::snprintf(run, sizeof run, "%08x", static_cast<unsigned>(random_.next()));
    for (std::uint32_t i = 0; i < o_.sources; ++i) sources_.push_back(make_source(o_, i, run));
  }

  void run() {
    start_ = now();
    const std::uint64_t end = start_ + static_cast<std::uint64_t>(o_.seconds * static_cast<double>(kSecond));
    for (;;) {
      const std::uint64_t t = now();
      expire(t);
      if (t >= end && (waiting_ == 0 || t >= end + kLost)) break;
      if (t < end) offer(t);
      if (!receive() && o_.sleep) doze();
    }
    lost_ += waiting_;
  }

  void print() {
    const double seconds = std::max(static_cast<double>(last_ - start_) / static_cast<double>(kSecond), 1e-9);
    std::printf(
        "{\"sent\":%u,\"answered\":%llu,\"lost\":%llu,\"wrong\":%llu,\"unexpected\":%llu,\"calls_per_s\":%.0f,"
        "\"invite_bytes\":%zu,\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f,\"p999_us\":%.1f,\"p9999_us\":%.1f,"
        "\"max_us\":%.1f,\"allowed\":%llu,\"rejected\":%llu",
        next_, static_cast<unsigned long long>(answered_), static_cast<unsigned long long>(lost_),
        static_cast<unsigned long long>(wrong_), static_cast<unsigned long long>(unexpected_),
        static_cast<double>(answered_) / seconds, sources_[0].invite->size(), latency_.us(0.5), latency_.us(0.9),
        latency_.us(0.99), latency_.us(0.999), latency_.us(0.9999), latency_.max_us(),
        static_cast<unsigned long long>(answered_ - rejected_), static_cast<unsigned long long>(rejected_));
    std::printf(",\"start_s\":%.6f,\"first_wrong_ms\":%.3f,\"over_100us\":%zu,\"slowest\":[",
                static_cast<double>(start_) * 1e-9, first_wrong_ == 0 ? -1 : ms(first_wrong_), slow_.size());
    std::sort(slow_.rbegin(), slow_.rend());
    for (std::size_t i = 0; i < std::min<std::size_t>(slow_.size(), 20); ++i)
      std::printf("%s[%.3f,%.1f]", i == 0 ? "" : ",", ms(slow_[i].second), static_cast<double>(slow_[i].first) / 1000);
    std::printf("]}\n");
  }

 private:
  double ms(std::uint64_t t) const { return (static_cast<double>(t) - static_cast<double>(start_)) * 1e-6; }

  struct Call {
    std::uint64_t due = 0, caller = 0, callee = 0;
    std::uint32_t id = 0;
    bool waiting = false;
  };

  void expire(std::uint64_t t) {
    while (oldest_ != next_) {
      Call& call = calls_[oldest_ % kSlots];
      if (call.waiting && t - call.due <= kLost) return;
      if (call.waiting) {
        call.waiting = false;
        --waiting_;
        ++lost_;
      }
      ++oldest_;
    }
  }

  void offer(std::uint64_t t) {
    std::uint64_t wanted = o_.window > waiting_ ? o_.window - waiting_ : 0;
    if (o_.rate > 0) {
      wanted = 0;
      while (wanted < kBatch && due_at(next_ + static_cast<std::uint32_t>(wanted)) <= t) ++wanted;
    }
    const std::size_t count = std::min<std::uint64_t>({wanted, kBatch, kSlots - 1 - (next_ - oldest_)});
    if (count == 0) return;
    source_ = (source_ + 1) % sources_.size();
    for (std::size_t i = 0; i < count; ++i) {
      Call& call = calls_[next_ % kSlots];
      const bool blocked = random_.below(1000) < o_.blocked;
      call.caller =
          blocked ? 13'900'000'000 + random_.below(o_.blocked_numbers) : 13'800'000'000 + random_.below(o_.callers);
      call.callee = 13'700'000'000 + random_.below(100'000'000);
      call.id = next_;
      call.waiting = true;
      call.due = o_.rate > 0 ? due_at(next_) : now();
      out_.parts[i].iov_len = sources_[source_].invite->write(out_.at(i), next_, call.caller, call.callee);
      ++next_;
      ++waiting_;
    }
    send_all(sources_[source_].fd, out_, count);
  }

  std::uint64_t due_at(std::uint32_t call) const {
    double us = (static_cast<double>(call) + 1) / o_.rate * 1e6;
    if (o_.every_us > 0) us = std::ceil(us / o_.every_us) * o_.every_us;
    return start_ + static_cast<std::uint64_t>(us * 1000);
  }

  bool receive() {
    for (std::size_t k = 0; k < sources_.size(); ++k) {
      looked_ = (looked_ + 1) % sources_.size();
      Source& source = sources_[looked_];
      for (auto& part : in_.parts) part.iov_len = kBuffer;
      const int count = recvmmsg(source.fd, in_.heads.data(), kBatch, MSG_DONTWAIT, nullptr);
      if (count <= 0) continue;
      const std::uint64_t t = now();
      std::size_t acks = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i)
        if (answer({in_.at(i), in_.heads[i].msg_len}, t, source, acks)) ++acks;
      if (o_.ack && acks != 0) send_all(source.fd, ack_, acks);
      return true;
    }
    return false;
  }

  // Until an answer comes or the next call is due.
  void doze() {
    if (dozing_.empty())
      for (const Source& source : sources_) dozing_.push_back({source.fd, POLLIN, 0});
    std::uint64_t rest_ns = waiting_ < o_.window ? 0 : kSecond / 10;
    if (o_.rate > 0) {
      const std::uint64_t due = due_at(next_), t = now();
      rest_ns = due > t ? std::min<std::uint64_t>(due - t, kSecond / 10) : 0;
    }
    const timespec rest{0, static_cast<long>(rest_ns)};
    if (rest_ns != 0) ppoll(dozing_.data(), dozing_.size(), &rest, nullptr);
  }

  bool answer(std::string_view text, std::uint64_t t, const Source& source, std::size_t slot) {
    constexpr std::string_view kMark = "branch=z9hG4bK-";
    const std::size_t at = text.find(kMark);
    if (!text.starts_with("SIP/2.0 ") || at == std::string_view::npos || text.size() < at + kMark.size() + 8) {
      ++unexpected_;
      return false;
    }
    if (text[8] == '1') return false;
    std::uint32_t id = 0;
    for (const char c : text.substr(at + kMark.size(), 8))
      id = id << 4 | static_cast<std::uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
    Call& call = calls_[id % kSlots];
    if (call.id != id || !call.waiting) {
      ++unexpected_;
      return false;
    }
    call.waiting = false;
    --waiting_;
    ++answered_;
    last_ = t;
    const bool rejected = text[8] == '6';
    rejected_ += rejected ? 1 : 0;
    if (o_.blocked_numbers != 0 && rejected != (call.caller >= 13'900'000'000) && wrong_++ == 0) first_wrong_ = t;
    if (t - start_ > kWarm) {
      latency_.add(t - call.due);
      if (t - call.due > kSlow) slow_.emplace_back(t - call.due, call.due);
    }
    if (!o_.ack) return false;
    char* const out = ack_.at(slot);
    std::size_t size = source.ack_head->write(out, id, call.caller, call.callee);
    const std::size_t to = text.find("\nTo:"), tag = text.find(";tag=", to == std::string_view::npos ? 0 : to);
    const std::size_t tag_end = text.find("\r\n", tag);
    if (tag != std::string_view::npos && tag_end != std::string_view::npos && tag_end - tag < 200) {
      std::memcpy(out + size, text.data() + tag + 5, tag_end - tag - 5);
      size += tag_end - tag - 5;
    }
    ack_.parts[slot].iov_len = size + source.ack_tail->write(out + size, id, 0, 0);
    return true;
  }

  Options o_;
  pandun::Prng random_;
  std::vector<Source> sources_;
  std::vector<Call> calls_;
  Batch out_, in_, ack_;
  Histogram latency_;
  std::uint64_t start_ = 0, last_ = 0, answered_ = 0, lost_ = 0, wrong_ = 0, unexpected_ = 0, rejected_ = 0;
  std::uint64_t waiting_ = 0, first_wrong_ = 0;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> slow_;  // waited, due
  std::vector<pollfd> dozing_;
  std::uint32_t next_ = 0, oldest_ = 0;
  std::size_t source_ = 0, looked_ = 0;
};

bool read_options(int count, char** words, Options& o) {
  for (int i = 1; i < count; ++i) {
    const std::string_view word = words[i];
    if (word == "--sleep") {
      o.sleep = true;
      continue;
    }
    if (word == "--no-ack") {
      o.ack = false;
      continue;
    }
    if (i + 1 == count) return false;
    const std::string value = words[++i];
    if (word == "--to") {
      const std::size_t colon = value.rfind(':');
      if (colon == std::string::npos) return false;
      o.host = value.substr(0, colon);
      o.port = std::atoi(value.c_str() + colon + 1);
    } else if (word == "--window")
      o.window = static_cast<std::uint32_t>(std::atoi(value.c_str()));
    else if (word == "--rate")
      o.rate = std::atof(value.c_str());
    else if (word == "--every")
      o.every_us = std::atof(value.c_str());
    else if (word == "--seconds")
      o.seconds = std::atof(value.c_str());
    else if (word == "--sources")
      o.sources = static_cast<std::uint32_t>(std::clamp(std::atoi(value.c_str()), 1, 200));
    else if (word == "--callers")
      o.callers = std::strtoull(value.c_str(), nullptr, 10);
    else if (word == "--blocked")
      o.blocked = static_cast<std::uint32_t>(std::atoi(value.c_str()));
    else if (word == "--blocked-numbers")
      o.blocked_numbers = std::strtoull(value.c_str(), nullptr, 10);
    else if (word == "--seed")
      o.seed = std::strtoull(value.c_str(), nullptr, 10);
    else
      return false;
  }
  return o.host.starts_with("127.") && o.port > 0 && o.port < 65536 && o.callers > 0 && o.callers <= 100'000'000 &&
         (o.blocked == 0 || o.blocked_numbers > 0) && o.seconds > 0 && o.seconds <= 600;
}

}  // namespace

int main(int count, char** words) {
  Options options;
  if (!read_options(count, words, options)) {
    std::fprintf(
        stderr,
        "sip_load --to 127.0.0.1:PORT [--window N | --rate N] [--seconds S] [--sources N] [--callers N]\n"
        "         [--blocked PER-MILLE] [--blocked-numbers N] [--no-ack] [--sleep] [--seed N]; loopback only\n");
    return 2;
  }
  Load load(options);
  load.run();
  load.print();
  return 0;
}
