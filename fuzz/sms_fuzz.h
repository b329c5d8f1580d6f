// A conversation out of fuzz bytes: pieces for both sides, losses, ticks and drains, against an engine with a contract that reads texts.
#pragma once

#include <cstdlib>
#include <memory>
#include <string>

#include "base/check.h"
#include "sms/judge.h"
#include "sms/session.h"

namespace pandun::sms {

class NoNumbers final : public NumberReader {
 public:
  model::NumberKey read(std::string_view text) const override { return model::NumberKey::opaque(text); }
};
class SomeListed final : public LinkIndicators {
 public:
  bool listed(std::string_view domain) const override { return domain.ends_with(".top"); }
};

struct FuzzRoom {
  platform::SealKey key{std::array<unsigned char, 32>{7}};
  decide::Decider decider;
  NoNumbers numbers;
  SomeListed listed;
  Judge judge{{decider, numbers, listed, key},
              {ContractBook::read(
                   "[[sender]]\nid=\"b\"\ncontract=\"c\"\naccounts=[\"b\"]\nsender_ids=[\"1*\"]\ndomains=[\"t.cn\"]\n"
                   "rate_per_minute=5\n[[sender.template]]\nid=\"t\"\nkind=\"verification\"\n"
                   "text=\"code {digits:4-8} {text:1-40} {url}\"\n",
                   "fuzz", key)
                   .value(),
               SenderNames::read("names = [\"95588\", \"ICBC\"]", "fuzz").value(),
               ContractPolicy::parse("enforce=true\napproved_by=[\"a\",\"b\"]\napproved_at=\"1970-01-01T00:00:00Z\"\n"
                                     "expires_at=\"2200-01-01T00:00:00Z\"\n",
                                     "fuzz")
                   .value()}};
};

// What stands in `out` must be whole frames that the codec itself can read: the gate never sends anything else.
inline void check_frames(const Codec& codec, std::string_view bytes) {
  while (!bytes.empty()) {
    const Framing framing = codec.framing(bytes);
    CHECK(!framing.bad && framing.size != 0 && framing.size <= bytes.size());
    bytes.remove_prefix(framing.size);
  }
}

inline int converse(const Codec& codec, std::string_view data) {
  static FuzzRoom& room = *new FuzzRoom;
  LinkCounters counters;
  SessionOptions options;
  options.window = 4;
  options.parked_bytes_max = 2000;
  options.out_bytes_max = 20'000;
  Moment now{std::chrono::seconds(1), {1'700'000'000'000}};
  Session session(codec, room.judge, counters, options, now);
  while (data.size() >= 3) {
    const auto what = static_cast<unsigned char>(data[0]);
    const std::size_t size = std::min<std::size_t>(
        static_cast<std::size_t>(static_cast<unsigned char>(data[1])) << 8 | static_cast<unsigned char>(data[2]),
        data.size() - 3);
    const std::string_view piece = data.substr(3, size);
    data.remove_prefix(3 + size);
    const Side side = (what & 1) != 0 ? Side::kSmsc : Side::kEsme;
    if ((what & 0xf0) == 0xf0) session.on_lost(side, now);
    if ((what & 0xf0) == 0xe0) session.drain(now);
    if ((what & 0xf0) == 0xd0) {
      now.steady += std::chrono::seconds(what & 0x0e) * 5;
      session.tick(now);
    }
    if (session.reads(side)) session.on_bytes(side, piece, now);
    for (const Side to : {Side::kEsme, Side::kSmsc}) {
      check_frames(codec, session.out(to));
      CHECK(session.out(to).size() < 4'000'000);
      if ((what & 2) == 0) session.out(to).clear();
    }
  }
  return 0;
}

}  // namespace pandun::sms
