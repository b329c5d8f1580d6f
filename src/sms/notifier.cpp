#include "sms/notifier.h"

#include <array>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <deque>
#include <mutex>
#include <unordered_set>

#include "platform/thread.h"
#include "sms/bytes.h"
#include "sms/smpp_codec.h"

namespace pandun::sms {
namespace {

namespace asio = boost::asio;
using Tcp = asio::ip::tcp;
using Failure = boost::system::error_code;

constexpr std::chrono::milliseconds kNotifierTick{100};
constexpr std::chrono::seconds kProbeAfter{30}, kSilenceMax{75}, kRetryFirst{1}, kRetryMost{60};
constexpr std::uint32_t kBindSequence = 1;

// A receipt says how it went in its text, "… stat:DELIVRD …" (SMPP 3.4 appendix B), or in the TLV message_state (5.3.2.35).
bool says_delivered(std::string_view frame) {
  return frame.find("stat:DELIVRD") != std::string_view::npos ||
         frame.find(std::string_view("\x04\x27\x00\x01\x02", 5)) != std::string_view::npos;
}

}  // namespace

struct Notifier::State {
  State(NotifierOptions o, Warnings w, const Consent& c, platform::Clock& k)
      : options(std::move(o)),
        warnings(std::move(w)),
        consent(c),
        clock(k),
        limits(options.rates),
        io(1),
        guard(io.get_executor()),
        timer(io),
        socket(io) {}

  void connect();
  void lost();
  void read();
  void take();
  void on_frame(const Frame& frame);
  void tick();
  void send_due();
  void flush();
  std::string submit(const std::string& to, const std::string& data, std::uint8_t coding, bool pieces);

  NotifierOptions options;
  Warnings warnings;
  const Consent& consent;
  platform::Clock& clock;
  SmppCodec codec;

  mutable std::mutex mutex;  // limits, queue and figures
  WarningLimits limits;
  std::deque<std::string> queue;  // submit_sm with sequence 0
  Figures figures;
  std::uint8_t reference = 0;

  asio::io_context io;
  asio::executor_work_guard<asio::io_context::executor_type> guard;
  asio::steady_timer timer;
  Tcp::socket socket;
  Tcp::endpoint smsc;
  std::array<char, 16'384> chunk{};
  std::string in, out, writing;
  std::unordered_set<std::uint32_t> waiting;  // submits without an answer
  std::uint32_t sequence = kBindSequence;
  bool connecting = false, open = false, bound = false, busy = false, probing = false, stopping = false;
  std::chrono::nanoseconds heard{0}, retry_at{0}, retry_after{kRetryFirst}, filled{0};
  double tokens = 1;
  std::uint64_t life = 0;  // of the connection: handlers of an older one do nothing
  platform::Thread thread;
};

void Notifier::State::connect() {
  connecting = true;
  socket = Tcp::socket(io);
  socket.async_connect(smsc, [this, mine = ++life](const Failure& failure) {
    if (mine != life || stopping) return;
    connecting = false;
    if (failure) return lost();
    open = true;
    heard = clock.steady();
    sequence = kBindSequence;
    std::string body;
    Writer(body).text(options.system_id).text(options.password).text("").u8(0x34).u8(0).u8(0).text("");
    write_smpp_header(out, static_cast<std::uint32_t>(body.size()), smpp::kBindTransceiver, 0, kBindSequence);
    out += body;
    flush();
    read();
  });
}

void Notifier::State::lost() {
  ++life;
  Failure ignored;
  socket.close(ignored);
  connecting = open = bound = busy = probing = false;
  in.clear(), out.clear(), writing.clear();
  retry_at = clock.steady() + retry_after;
  retry_after = std::min<std::chrono::nanoseconds>(retry_after * 2, kRetryMost);
  const std::scoped_lock lock(mutex);
  figures.lost += waiting.size();
  figures.bound = false;
  waiting.clear();
}

void Notifier::State::flush() {
  if (busy || out.empty() || !open) return;
  busy = true;
  writing.swap(out);
  out.clear();
  asio::async_write(socket, asio::buffer(writing), [this, mine = life](const Failure& failure, std::size_t) {
    if (mine != life || stopping) return;
    busy = false;
    if (failure) return lost();
    flush();
  });
}

void Notifier::State::read() {
  socket.async_read_some(asio::buffer(chunk), [this, mine = life](const Failure& failure, std::size_t bytes) {
    if (mine != life || stopping) return;
    if (failure) return lost();
    heard = clock.steady();
    probing = false;
    in.append(chunk.data(), bytes);
    take();
    if (mine == life) read();
  });
}

void Notifier::State::take() {
  std::size_t used = 0;
  const std::uint64_t mine = life;
  while (mine == life) {
    const std::string_view rest = std::string_view(in).substr(used);
    const Framing framing = codec.framing(rest);
    if (framing.bad) return lost();
    if (framing.size == 0 || framing.size > rest.size()) break;
    on_frame(codec.read(rest.substr(0, framing.size)));
    used += framing.size;
  }
  if (mine != life) return;
  in.erase(0, used);
  send_due();
  flush();
}

void Notifier::State::on_frame(const Frame& frame) {
  if (frame.kind == Kind::kLinkTest) return codec.answer_link_test(frame, out);
  if (frame.kind == Kind::kUnbind) {
    codec.answer_unbind(frame, out);
    bound = false;
    return;
  }
  if (frame.kind == Kind::kDeliver) {
    Message message;
    if (codec.message(frame, message) && message.receipt) {
      const std::scoped_lock lock(mutex);
      ++(says_delivered(frame.bytes) ? figures.delivered : figures.undelivered);
    }
    write_smpp_header(out, 1, smpp::kDeliver | smpp::kAnswerBit, 0, frame.sequence);
    out.push_back('\0');
    return;
  }
  if (frame.kind != Kind::kAnswer && frame.kind != Kind::kRefused) return codec.refuse(frame, Refusal::kNotBound, out);
  if (frame.command == (smpp::kBindTransceiver | smpp::kAnswerBit)) {
    bound = frame.status == 0;
    if (bound) retry_after = kRetryFirst;
    const std::scoped_lock lock(mutex);
    figures.bound = bound;
    return;
  }
  if (waiting.erase(frame.sequence) == 0) return;
  const std::scoped_lock lock(mutex);
  ++(frame.status == 0 ? figures.accepted : figures.refused);
}

void Notifier::State::send_due() {
  const std::chrono::nanoseconds now = clock.steady();
  tokens = std::min(std::max(1.0, options.rates.per_second),
                    tokens + std::chrono::duration<double>(now - filled).count() * options.rates.per_second);
  filled = now;
  const std::scoped_lock lock(mutex);
  while (bound && !queue.empty() && tokens >= 1 && waiting.size() < options.window) {
    tokens -= 1;
    sequence = sequence >= codec.sequence_max() ? kBindSequence + 1 : sequence + 1;
    codec.set_sequence(queue.front().data(), sequence);
    out += queue.front();
    queue.pop_front();
    waiting.insert(sequence);
    ++figures.submitted;
  }
}

void Notifier::State::tick() {
  timer.expires_after(kNotifierTick);
  timer.async_wait([this](const Failure& stopped) {
    if (stopped || stopping) return;
    const std::chrono::nanoseconds now = clock.steady();
    if (!open && !connecting && now >= retry_at) connect();
    if (open && now - heard > kSilenceMax) lost();
    if (bound && !probing && now - heard > kProbeAfter) {
      probing = true;
      sequence = sequence >= codec.sequence_max() ? kBindSequence + 1 : sequence + 1;
      codec.link_test(sequence, out);
    }
    if (open && !bound && now - heard > kProbeAfter) lost();
    send_due();
    flush();
    tick();
  });
}

std::string Notifier::State::submit(const std::string& to, const std::string& data, std::uint8_t coding, bool pieces) {
  std::string body, frame;
  Writer w(body);
  const bool digits = options.sender.find_first_not_of("0123456789") == std::string::npos;
  w.text("")
      .u8(digits ? 0 : kTonAlphanumeric)
      .u8(digits ? 1 : 0)
      .text(options.sender)
      .u8(kTonInternational)
      .u8(1)
      .text(to);
  w.u8(pieces ? 0x40 : 0).u8(0).u8(0).text("").text("").u8(1).u8(0).u8(coding).u8(0);
  w.u8(static_cast<std::uint8_t>(data.size())).bytes(data);
  write_smpp_header(frame, static_cast<std::uint32_t>(body.size()), smpp::kSubmit, 0, 0);
  return frame.append(body);
}

Notifier::Notifier(std::unique_ptr<State> state) : state_(std::move(state)) {}

Result<std::unique_ptr<Notifier>> Notifier::start(NotifierOptions options, Warnings warnings, const Consent& consent,
                                                  platform::Clock& clock) {
  Failure failure;
  const auto address = asio::ip::make_address(options.address, failure);
  if (failure || options.port == 0)
    return error(Errc::kBadConfig, "notify", "\"" + options.address + "\" is not an SMSC's address");
  if (options.sender.empty() || options.sender.size() > 20 || options.system_id.size() > 15 ||
      options.password.size() > 8)
    return error(Errc::kBadConfig, "notify",
                 "a sender id has 1 to 20 characters, a system_id at most 15, a password at most 8");
  auto state = std::make_unique<State>(std::move(options), std::move(warnings), consent, clock);
  state->smsc = Tcp::endpoint(address, state->options.port);
  state->tick();
  state->thread = platform::start_thread("sms-notify", [s = state.get()](const std::stop_token&) { s->io.run(); });
  return std::unique_ptr<Notifier>(new Notifier(std::move(state)));
}

Notifier::~Notifier() {
  asio::post(state_->io, [s = state_.get()] {
    s->stopping = true;
    s->timer.cancel();
    Failure ignored;
    s->socket.close(ignored);
    s->guard.reset();
    s->io.stop();
  });
  state_->thread = {};
}

Notifier::Outcome Notifier::warn(model::NumberKey person, std::string_view warning, Language language,
                                 const MaskedFacts& facts) {
  State& s = *state_;
  const std::string text = s.warnings.render(warning, language, facts);
  const bool consents = person.kind() == model::NumberKind::kE164 && s.consent.may_warn(person);
  const std::scoped_lock lock(s.mutex);
  ++s.figures.asked;
  if (person.kind() != model::NumberKind::kE164) return Outcome::kNotANumber;
  if (text.empty()) return Outcome::kUnknownWarning;
  if (!consents) {
    ++s.figures.no_consent;
    return Outcome::kNoConsent;
  }
  const Encoded encoded = encode_message(text, ++s.reference, s.options.flash);
  if (encoded.pieces.empty()) return Outcome::kUnknownWarning;
  if (s.queue.size() + encoded.pieces.size() > s.options.queue_max) {
    ++s.figures.shed;
    return Outcome::kFull;
  }
  switch (s.limits.take(person.bits(), hash64(warning), s.clock.wall())) {
    case WarningLimits::Answer::kGo:
      break;
    case WarningLimits::Answer::kTooSoon:
      ++s.figures.limited;
      return Outcome::kTooSoon;
    case WarningLimits::Answer::kTooMany:
      ++s.figures.limited;
      return Outcome::kTooMany;
    case WarningLimits::Answer::kFull:
      ++s.figures.shed;
      return Outcome::kFull;
  }
  for (const std::string& piece : encoded.pieces)
    s.queue.push_back(s.submit(std::to_string(person.value()), piece, encoded.data_coding, encoded.pieces.size() > 1));
  ++s.figures.queued;
  return Outcome::kQueued;
}

Notifier::Figures Notifier::figures() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->figures;
}

}  // namespace pandun::sms
