#include "sms/notifier.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <mutex>
#include <thread>

#include "sms/bytes.h"
#include "sms/smpp_codec.h"

namespace pandun::sms {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

// Must outlive its client. An SMSC that accepts everything and sends a receipt for each message; drops the connection after `drop_after` submits.
class SmallSmsc {
 public:
  explicit SmallSmsc(int drop_after = -1)
      : acceptor_(io_, {asio::ip::make_address("127.0.0.1"), 0}), drop_after_(drop_after), thread_([this] { run(); }) {}
  ~SmallSmsc() {
    stopping_ = true;
    boost::system::error_code ignored;
    asio::ip::tcp::socket poke(io_);
    poke.connect(acceptor_.local_endpoint(), ignored);
  }
  std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
  std::vector<std::string> submits() {
    const std::scoped_lock lock(mutex_);
    return submits_;
  }

 private:
  void run() {
    while (!stopping_) {
      asio::ip::tcp::socket socket(io_);
      boost::system::error_code failure;
      acceptor_.accept(socket, failure);
      if (failure || stopping_) return;
      serve(socket);
    }
  }
  void serve(asio::ip::tcp::socket& socket) {
    const SmppCodec codec;
    std::string in;
    std::array<char, 4096> chunk;
    boost::system::error_code failure;
    for (;;) {
      const std::size_t got = socket.read_some(asio::buffer(chunk), failure);
      if (failure) return;
      in.append(chunk.data(), got);
      for (Framing framing = codec.framing(in); framing.size != 0 && framing.size <= in.size();
           framing = codec.framing(in)) {
        if (!answer(socket, codec.read(std::string_view(in).substr(0, framing.size)))) return;
        in.erase(0, framing.size);
      }
    }
  }
  bool answer(asio::ip::tcp::socket& socket, const Frame& frame) {
    if (frame.kind == Kind::kAnswer) return true;
    std::string out;
    write_smpp_header(out, 2, frame.command | smpp::kAnswerBit, 0, frame.sequence);
    out.append("1\0", 2);
    if (frame.kind == Kind::kSubmit) {
      {
        const std::scoped_lock lock(mutex_);
        submits_.emplace_back(frame.bytes);
      }
      if (drop_after_ >= 0 && drop_after_-- == 0) return false;
      std::string body;
      Writer(body)
          .text("")
          .u8(1)
          .u8(1)
          .text("8613800138000")
          .u8(0)
          .u8(1)
          .text("96110")
          .u8(4)
          .u8(0)
          .u8(0)
          .text("")
          .text("")
          .u8(0)
          .u8(0)
          .u8(0)
          .u8(0);
      Writer(body).u8(12).bytes("stat:DELIVRD");
      write_smpp_header(out, static_cast<std::uint32_t>(body.size()), smpp::kDeliver, 0, 77);
      out += body;
    }
    boost::system::error_code failure;
    asio::write(socket, asio::buffer(out), failure);
    return !failure;
  }

  asio::io_context io_;
  asio::ip::tcp::acceptor acceptor_;
  std::atomic<int> drop_after_;
  std::atomic<bool> stopping_{false};
  std::mutex mutex_;
  std::vector<std::string> submits_;
  std::jthread thread_;
};

class Agreed final : public Consent {
 public:
  bool may_warn(model::NumberKey person) const override { return person.value() % 2 == 0; }
};

Warnings two() {
  return Warnings::read(
             "[[warning]]\nid=\"a\"\nzh=\"提醒{number}\"\nen=\"call "
             "{number}\"\n[[warning]]\nid=\"b\"\nzh=\"二\"\nen=\"two\"\n",
             "w")
      .value();
}
NotifierOptions options_for(std::uint16_t port) {
  NotifierOptions out;
  out.port = port;
  out.system_id = "pandun";
  out.password = "secret";
  out.sender = "96110";
  out.rates.per_second = 1000;
  return out;
}
template <typename Condition>
bool within(std::chrono::seconds time, Condition&& condition) {
  for (const auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

TEST(Notifier, SendsToThoseWhoAgreedNotTooOftenAndCountsReceipts) {
  SmallSmsc smsc;
  const Agreed consent;
  auto notifier = Notifier::start(options_for(smsc.port()), two(), consent, platform::system_clock()).value();
  using Outcome = Notifier::Outcome;
  MaskedFacts facts;
  facts.number(model::NumberKey::e164(8613900139001));
  const auto person = [](std::uint64_t n) { return model::NumberKey::e164(8613800138000 + n); };
  EXPECT_EQ(notifier->warn(person(0), "a", Language::kEnglish, facts), Outcome::kQueued);
  EXPECT_EQ(notifier->warn(person(0), "a", Language::kChinese, facts), Outcome::kTooSoon);
  EXPECT_EQ(notifier->warn(person(0), "b", Language::kChinese, facts), Outcome::kQueued);
  EXPECT_EQ(notifier->warn(person(1), "a", Language::kChinese, facts), Outcome::kNoConsent);
  EXPECT_EQ(notifier->warn(model::NumberKey::service("10086"), "a", Language::kChinese, facts), Outcome::kNotANumber);
  EXPECT_EQ(notifier->warn(person(2), "c", Language::kChinese, facts), Outcome::kUnknownWarning);
  EXPECT_EQ(notifier->warn(person(2), "a", Language::kChinese, {}), Outcome::kUnknownWarning) << "a fact is missing";
  ASSERT_TRUE(within(10s, [&] { return notifier->figures().delivered == 2; }));
  const Notifier::Figures figures = notifier->figures();
  EXPECT_TRUE(figures.bound);
  EXPECT_EQ(figures.accepted, 2U);
  EXPECT_EQ(figures.no_consent, 1U);
  EXPECT_EQ(figures.limited, 1U);
  const auto sent = smsc.submits();
  ASSERT_EQ(sent.size(), 2U);
  EXPECT_NE(sent[0].find("call 139****9001"), std::string::npos);
  EXPECT_NE(sent[0].find("8613800138000"), std::string::npos);
}

// The data_coding of a submit_sm: behind six numbers and five texts of the mandatory fields.
std::uint8_t data_coding(const std::string& submit) {
  std::size_t at = 16;
  const auto text = [&] { at = submit.find('\0', at) + 1; };
  text();  // service_type
  at += 2;
  text();  // sender
  at += 2;
  text();  // recipient
  at += 3;
  text();  // schedule
  text();  // validity
  at += 2;
  return static_cast<std::uint8_t>(submit.at(at));
}

TEST(Notifier, FlashIsWhatTheSiteAsksFor) {
  for (const bool flash : {false, true}) {
    SmallSmsc smsc;
    const Agreed consent;
    NotifierOptions options = options_for(smsc.port());
    options.flash = flash;
    auto notifier = Notifier::start(options, two(), consent, platform::system_clock()).value();
    EXPECT_EQ(notifier->warn(model::NumberKey::e164(8613800138000), "b", Language::kChinese, {}),
              Notifier::Outcome::kQueued);
    ASSERT_TRUE(within(10s, [&] { return notifier->figures().accepted == 1; }));
    EXPECT_EQ(data_coding(smsc.submits().at(0)), flash ? 0x18 : 8);
  }
}

TEST(Notifier, AWarningWhoseAnswerWasLostIsNotSentTwiceAndTheRestGoOn) {
  SmallSmsc smsc(1);
  const Agreed consent;
  NotifierOptions options = options_for(smsc.port());
  options.window = 1;
  auto notifier = Notifier::start(options, two(), consent, platform::system_clock()).value();
  for (std::uint64_t n = 0; n < 8; n += 2)
    EXPECT_EQ(notifier->warn(model::NumberKey::e164(8613800138000 + n), "b", Language::kEnglish, {}),
              Notifier::Outcome::kQueued);
  ASSERT_TRUE(within(10s, [&] { return notifier->figures().accepted == 3; }));
  EXPECT_EQ(notifier->figures().lost, 1U);
  EXPECT_EQ(smsc.submits().size(), 4U);
}

TEST(Notifier, AQueueThatIsFullSaysSo) {
  const Agreed consent;
  NotifierOptions options = options_for(9);  // nobody listens there
  options.queue_max = 2;
  auto notifier = Notifier::start(options, two(), consent, platform::system_clock()).value();
  for (std::uint64_t n = 0; n < 6; n += 2)
    EXPECT_EQ(notifier->warn(model::NumberKey::e164(8613800138000 + n), "b", Language::kEnglish, {}),
              n < 4 ? Notifier::Outcome::kQueued : Notifier::Outcome::kFull);
  EXPECT_EQ(notifier->figures().shed, 1U);
}

}  // namespace
}  // namespace pandun::sms
