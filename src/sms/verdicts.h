// What the session engine asks about each message.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "decide/decider.h"
#include "sms/codec.h"

namespace pandun::sms {

struct Ruling {
  decide::Verdict verdict = decide::Verdict::kAllow;
  std::vector<std::size_t>
      refused{};  // places of recipients that are rejected while others pass; only with kAllow and kWarn
};

class Verdicts {
 public:
  virtual ~Verdicts() = default;
  // `account` as the far side accepted it at bind. Called on the gate's one thread.
  virtual Ruling submitted(const Codec& codec, const Frame& frame, const Message& message, std::string_view account,
                           WallMs now) = 0;
  virtual Ruling delivered(const Message& message, WallMs now) = 0;
};

}  // namespace pandun::sms
