// What the tests of this room share: a responder with a ready decider, and messages made line by line.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sip/responder.h"

namespace pandun::sip {

// Reads "+…" and China's national forms well enough for tests; the real plan is the registry's.
class TestNumbering final : public Numbering {
 public:
  model::NumberKey parse(std::string_view text, std::uint16_t, std::string_view) const override {
    std::string digits(text);
    bool global = digits.starts_with('+');
    if (global) digits.erase(0, 1);
    if (!global && digits.starts_with("00")) {
      digits.erase(0, 2);
      global = true;
    }
    if (digits.find_first_not_of("0123456789") != std::string::npos || digits.empty())
      return model::NumberKey::opaque(text);
    if (!global && digits.size() <= 6) return model::NumberKey::service(digits);
    if (!global && digits.starts_with("0")) digits.erase(0, 1);
    if (!global) digits.insert(0, "86");
    if (digits.size() > 15) return model::NumberKey::invalid(text);
    return model::NumberKey::e164(std::stoull(digits));
  }
};

inline model::IpAddress ip(std::string_view text) {
  return *model::IpAddress::parse(text);
}

struct Reply {
  std::string text{};
  Departure departure{};
  int status() const { return text.starts_with("SIP/2.0 ") ? std::stoi(text.substr(8, 3)) : 0; }
  std::string status_line() const { return text.substr(0, text.find("\r\n")); }
  bool has(std::string_view what) const { return text.find(what) != std::string::npos; }
  // The value of the first header of that name; "" if none.
  std::string header(std::string_view name) const {
    const std::size_t at = text.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const std::size_t begin = at + 4 + name.size();
    return text.substr(begin, text.find("\r\n", begin) - begin);
  }
};

struct Rig {
  static constexpr std::string_view kTrunk =
      "[[trunk]]\nname = \"t\"\npeers = [\"192.0.2.0/24\"]\ntrusted = true\nnext_hop = \"198.51.100.7:5062\"\n"
      "reply_to_source_port = true\n";

  explicit Rig(std::string_view toml = kTrunk, ResponderOptions options = {}) {
    auto loaded = Trunks::load("test.toml", toml);
    EXPECT_TRUE(loaded.ok()) << (loaded.ok() ? "" : loaded.error().text());
    trunks = std::make_shared<const Trunks>(std::move(loaded).value());
    options.key = {1, 2};
    options.calls_remembered = 4096;
    responder = std::make_unique<Responder>(options, trunks, decider, numbering, figures);
  }

  Reply send(std::string_view bytes, std::string_view from = "192.0.2.1", std::uint16_t port = 5999,
             Transport transport = Transport::kUdp) {
    std::vector<char> room(bytes.size() + 2048);
    Arrival in{bytes, ip(from), port, transport, age};
    const Departure out = responder->answer(in, now, room);
    return {std::string(room.data(), out.bytes), out};
  }

  // Each of `callers` is rejected by a measure in force.
  void reject(std::vector<model::NumberKey> callers, decide::Verdict verdict = decide::Verdict::kReject) {
    decide::SnapshotInput input;
    for (const auto& caller : callers) input.measures.push_back({caller, verdict, WallMs{4'000'000'000'000}, "m-7"});
    decider.publish(std::move(input));
  }

  decide::Decider decider;
  TestNumbering numbering;
  Figures figures;
  std::shared_ptr<const Trunks> trunks;
  std::unique_ptr<Responder> responder;
  Now now{WallMs{1'700'000'000'000}, std::chrono::seconds(1000)};
  std::chrono::nanoseconds age{0};
};

struct Invite {
  std::string method = "INVITE", target = "sip:+8613900139000@198.51.100.1;user=phone", call_id = "c1@x",
              branch = "z9hG4bK1";
  std::string from = "<sip:+8613800138000@192.0.2.1>;tag=f1", to = "<sip:+8613900139000@198.51.100.1>", more{}, body{};
  std::string cseq = "1 INVITE", via = "SIP/2.0/UDP 192.0.2.1:5060";

  std::string text() const {
    return method + " " + target + " SIP/2.0\r\nVia: " + via + ";branch=" + branch +
           "\r\nMax-Forwards: 70\r\nFrom: " + from + "\r\nTo: " + to + "\r\nCall-ID: " + call_id + "\r\nCSeq: " + cseq +
           "\r\n" + more + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
};

}  // namespace pandun::sip
