#include "server/sip_door.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <mutex>

#include "passport/verifier.h"
#include "server/listen_address.h"
#include "sip/jcard.h"
#include "sip/tcp_door.h"

namespace pandun::server {
namespace {

class PlanSipNumbering final : public sip::Numbering {
 public:
  PlanSipNumbering(const registry::NumberingPlan& plan, std::uint16_t country, std::string area)
      : plan_(plan), country_(country), area_(std::move(area)) {}
  model::NumberKey parse(std::string_view text, std::uint16_t country, std::string_view area) const override {
    return plan_.parse(text, {country == 0 ? country_ : country, area.empty() ? std::string_view(area_) : area, false});
  }

 private:
  const registry::NumberingPlan& plan_;
  std::uint16_t country_;
  std::string area_;
};

sip::HashKey hash_key(const platform::SealKey& key) {
  const platform::SealKey own = key.derive("sip");
  sip::HashKey out;
  std::memcpy(&out.k0, own.bytes().data(), 8);
  std::memcpy(&out.k1, own.bytes().data() + 8, 8);
  return out;
}

Result<sip::Hop> listen_hop(const std::string& text) {
  TRY_ASSIGN(const ListenAddress address, listen_address("decide.sip.listen", text, "127.0.0.1:5060 or [::1]:5060"));
  return sip::Hop{address.ip, address.port, text};
}

Result<std::unique_ptr<passport::Verifier>> open_verifier(const SipParts& parts, const sip::Trunks& trunks) {
  if (!trunks.any_identity()) return std::unique_ptr<passport::Verifier>();
  const std::string directory = parts.settings.text("decide.sip.identity_certificates");
  if (directory.empty())
    return error(Errc::kBadConfig, "decide.sip.identity_certificates",
                 "a trunk with identity = \"check\" or \"require\" needs a directory with index.toml");
  passport::VerifierOptions options;
  options.threads = static_cast<unsigned>(parts.settings.integer("decide.sip.identity_threads"));
  options.budget = std::chrono::microseconds(parts.settings.integer("decide.sip.identity_budget_us"));
  return passport::Verifier::start(options, parts.files, directory, parts.clock,
                                   platform::short_hash_key(parts.key, "identity"));
}

void add_identity_metrics(const passport::Verifier::Figures& figures, std::vector<api::Metric>& out) {
  const auto add = [&](const char* name, const char* what, std::vector<std::pair<std::string, std::string>> labels,
                       std::uint64_t value, bool gauge = false) {
    out.push_back({name, what, gauge ? api::MetricKind::kGauge : api::MetricKind::kCounter, std::move(labels),
                   static_cast<double>(value)});
  };
  for (std::size_t i = 0; i < passport::kWhys; ++i) {
    passport::Verdict verdict;
    verdict.why = static_cast<passport::Why>(i);
    add("pandun_sip_identity_total", "callers' signatures on trunks that look at them",
        {{"verstat", std::string(passport::verstat(verdict.outcome()))},
         {"why", std::string(passport::name(verdict.why))}},
        figures.by_why[i]);
  }
  constexpr std::array<const char*, 4> kAttest{"none", "A", "B", "C"};
  for (std::size_t i = 0; i < kAttest.size(); ++i)
    add("pandun_sip_identity_attested_total", "good signatures by what they attest", {{"attest", kAttest[i]}},
        figures.by_attest[i]);
  add("pandun_sip_identity_verified_total", "calls whose signatures were computed", {}, figures.verified);
  add("pandun_sip_identity_remembered_total", "calls answered from the verdicts of the last minute", {},
      figures.remembered);
  add("pandun_sip_identity_reloads_total", "changed certificates taken over", {{"result", "ok"}}, figures.reloads);
  add("pandun_sip_identity_reloads_total", "changed certificates taken over", {{"result", "failed"}},
      figures.reload_failures);
  add("pandun_sip_identity_certificates", "certificates kept here", {{"state", "trusted"}},
      figures.certificates - figures.untrusted, true);
  add("pandun_sip_identity_certificates", "certificates kept here", {{"state", "not_trusted"}}, figures.untrusted,
      true);
}

// Signs at most one card a second for each trunk: who fetches without end costs a copy.
class Cards {
 public:
  static Result<std::unique_ptr<Cards>> open(const SipParts& parts, std::shared_ptr<const sip::Trunks> trunks) {
    const std::string file = parts.settings.text("decide.sip.card_key_file");
    if (file.empty()) return std::unique_ptr<Cards>();
    TRY_ASSIGN(const std::string pem, platform::read_file(parts.files, file, 65'536));
    TRY_ASSIGN(auto signer, sip::CardSigner::load(pem, parts.settings.text("decide.sip.card_certificate_url")));
    auto cards = std::unique_ptr<Cards>(new Cards(parts.clock, std::move(trunks), std::move(signer)));
    cards->own_ = {parts.settings.text("decide.sip.card_organisation"),
                   parts.settings.text("decide.sip.card_url"),
                   parts.settings.text("decide.sip.card_email"),
                   parts.settings.text("decide.sip.card_tel"),
                   {}};
    // A card that nobody could use is a fault of the settings, not of whoever fetches it.
    for (const sip::Trunk& trunk : cards->trunks_->all())
      if (!trunk.jcard_url.empty()) TRY(cards->card(trunk.name));
    return cards;
  }

  Result<std::string> card(std::string_view name) {
    const sip::Trunk* const trunk = trunks_->named(name);
    if (trunk == nullptr || trunk->jcard_url.empty())
      return error(Errc::kNotFound, "card", "there is no card under this address");
    const WallMs now = clock_.wall();
    const std::scoped_lock lock(mutex_);
    Signed& last = signed_[trunk];
    if (last.jws.empty() || last.second != now.ms / 1000) {
      sip::CardContact contact = own_;
      if (!trunk->redress_url.empty()) contact.url = trunk->redress_url;
      if (!trunk->redress_email.empty()) contact.email = trunk->redress_email;
      if (!trunk->redress_tel.empty()) contact.tel = trunk->redress_tel;
      TRY_ASSIGN(last.jws, signer_->make_jcard(contact, now));
      last.second = now.ms / 1000;
    }
    return last.jws;
  }

 private:
  struct Signed {
    std::int64_t second = 0;
    std::string jws;
  };
  Cards(platform::Clock& clock, std::shared_ptr<const sip::Trunks> trunks, std::unique_ptr<sip::CardSigner> signer)
      : clock_(clock), trunks_(std::move(trunks)), signer_(std::move(signer)) {}

  platform::Clock& clock_;
  std::shared_ptr<const sip::Trunks> trunks_;
  std::unique_ptr<sip::CardSigner> signer_;
  sip::CardContact own_;
  std::mutex mutex_;
  std::map<const sip::Trunk*, Signed> signed_;  // under mutex_
};

}  // namespace

struct SipDoor::Rooms {
  Rooms(const SipParts& parts)
      : numbering(parts.plan, static_cast<std::uint16_t>(parts.settings.integer("ingest.home_country")),
                  parts.settings.text("ingest.home_area")) {}
  PlanSipNumbering numbering;
  sip::Figures figures;
  std::unique_ptr<Cards> cards;                  // null: none are served
  std::unique_ptr<passport::Verifier> verifier;  // null: no trunk wants it
  std::unique_ptr<sip::UdpDoor> udp;
  std::unique_ptr<sip::TcpDoor> tcp;
};

SipDoor::SipDoor(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
SipDoor::~SipDoor() = default;

Result<std::unique_ptr<SipDoor>> SipDoor::start(const SipParts& parts) {
  const Settings& settings = parts.settings;
  if (!settings.flag("decide.sip.enabled")) return std::unique_ptr<SipDoor>();
  TRY_ASSIGN(const sip::Hop listen, listen_hop(settings.text("decide.sip.listen")));
  std::string file = settings.text("decide.sip.trunks");
  if (file.empty()) file = platform::join(parts.content_directory, "decide/sip_trunks.toml");
  TRY_ASSIGN(const std::string text, platform::read_file(parts.files, file, 16U << 20));
  TRY_ASSIGN(sip::Trunks loaded, sip::Trunks::load(file, text));
  auto trunks = std::make_shared<const sip::Trunks>(std::move(loaded));
  if (trunks->any_proxy() && (listen.address == model::IpAddress{} || listen.address == model::IpAddress::v4(0)))
    return error(Errc::kBadConfig, "decide.sip.listen",
                 "a trunk with allow = \"proxy\" needs the address that answers come back to, not all addresses");

  sip::DoorOptions options;
  options.address = listen.address.text();
  options.port = listen.port;
  options.threads = static_cast<unsigned>(settings.integer("decide.sip.threads"));
  options.receive_buffer_bytes = static_cast<std::size_t>(settings.integer("decide.sip.receive_buffer_bytes"));
  options.drop_acks = settings.flag("decide.sip.drop_acks");
  options.poll = std::chrono::microseconds(settings.integer("decide.sip.poll_us"));
  options.urgency.realtime = static_cast<int>(settings.integer("decide.sip.realtime"));
  TRY_ASSIGN(options.urgency.processors, platform::parse_processors(settings.text("decide.sip.processors")));
  options.responder.key = hash_key(parts.key);
  options.responder.self = listen;
  options.responder.threads = options.threads;
  options.responder.calls_remembered = static_cast<std::size_t>(settings.integer("decide.sip.calls_remembered"));
  options.responder.queue_age_max = std::chrono::milliseconds(settings.integer("decide.sip.queue_age_max_ms"));

  auto rooms = std::make_unique<Rooms>(parts);
  TRY_ASSIGN(rooms->cards, Cards::open(parts, trunks));
  TRY_ASSIGN(rooms->verifier, open_verifier(parts, *trunks));
  options.responder.verifier = rooms->verifier.get();
  const sip::DoorParts shared{parts.decider, rooms->numbering, parts.clock};
  sip::TcpOptions tcp;
  tcp.address = options.address;
  tcp.responder = options.responder;
  tcp.responder.calls_remembered = std::min<std::size_t>(options.responder.calls_remembered, 1U << 16);
  tcp.responder.threads = 1;
  // Port 0 takes any that is free; the one that UDP got may be taken for TCP, and then it is given back.
  for (int left = listen.port == 0 ? 16 : 1;; --left) {
    TRY_ASSIGN(rooms->udp, sip::UdpDoor::start(options, shared, trunks, rooms->figures));
    tcp.port = rooms->udp->port();
    auto door = sip::TcpDoor::start(tcp, shared, trunks, rooms->figures);
    if (door.ok()) {
      rooms->tcp = std::move(*door);
      break;
    }
    if (left == 1 || door.error().code != Errc::kUnavailable) return door.error();
    rooms->udp->stop();
    rooms->udp.reset();
  }
  return std::unique_ptr<SipDoor>(new SipDoor(std::move(rooms)));
}

void SipDoor::drain() {
  rooms_->udp->drain();
  rooms_->tcp->drain();
}

void SipDoor::stop() {
  rooms_->udp->stop();
  rooms_->tcp->stop();
}

void SipDoor::add_metrics(std::vector<api::Metric>& out) const {
  for (std::size_t i = 0; i < sip::kCounts; ++i)
    out.push_back({"pandun_sip_total",
                   "what the SIP door has seen since the start",
                   api::MetricKind::kCounter,
                   {{"what", sip::kCountNames[i]}},
                   static_cast<double>(rooms_->figures.of(static_cast<sip::Count>(i)))});
  if (rooms_->verifier) add_identity_metrics(rooms_->verifier->figures(), out);
}

Result<std::string> SipDoor::card(std::string_view trunk) const {
  if (!rooms_->cards) return error(Errc::kNotFound, "card", "no cards are served here");
  return rooms_->cards->card(trunk);
}

std::uint16_t SipDoor::port() const {
  return rooms_->udp->port();
}

}  // namespace pandun::server
