#include "server/sms_gate.h"

#include <fmt/format.h>

#include "sms/gate.h"
#include "sms/judge.h"
#include "sms/smpp_codec.h"

namespace pandun::server {
namespace {

class PlanReader final : public sms::NumberReader {
 public:
  explicit PlanReader(const ingest::Numbering& numbering) : numbering_(numbering) {}
  model::NumberKey read(std::string_view text) const override { return numbering_.parse(text, false); }

 private:
  const ingest::Numbering& numbering_;
};

struct Address {
  std::string host;
  std::uint16_t port = 0;
};

Result<Address> address(std::string_view key, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Address out;
  if (colon != std::string_view::npos) {
    out.host = text.substr(0, colon);
    if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
      out.host = out.host.substr(1, out.host.size() - 2);
    const std::string port(text.substr(colon + 1));
    if (model::IpAddress::parse(out.host) && !port.empty() && port.size() <= 5 &&
        port.find_first_not_of("0123456789") == std::string::npos && std::stoi(port) < 65536) {
      out.port = static_cast<std::uint16_t>(std::stoi(port));
      return out;
    }
  }
  return error(
      Errc::kBadConfig, std::string(key),
      fmt::format("\"{}\" is not ADDRESS:PORT, for example 127.0.0.1:2775; several are divided by commas", text));
}

Result<std::vector<Address>> addresses(const Settings& settings, const std::string& key) {
  std::vector<Address> out;
  const std::string text = settings.text(key);
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    std::string_view one = std::string_view(text).substr(from, comma - from);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    TRY_ASSIGN(Address parsed, address(key, one));
    out.push_back(std::move(parsed));
    from = comma + 1;
  }
  return out;
}

// One link for each listening address and the SMSC at the same place of the other list.
Result<> add_links(const Settings& settings, std::string_view protocol, const sms::Codec& codec,
                   std::vector<sms::LinkOptions>& out) {
  const std::string prefix = fmt::format("decide.{}.", protocol);
  TRY_ASSIGN(const std::vector<Address> listen, addresses(settings, prefix + "listen"));
  TRY_ASSIGN(const std::vector<Address> upstream, addresses(settings, prefix + "upstream"));
  if (listen.size() != upstream.size())
    return error(
        Errc::kBadConfig, prefix + "upstream",
        fmt::format("{} listening addresses need as many SMSCs, {} are named", listen.size(), upstream.size()));
  for (std::size_t i = 0; i < listen.size(); ++i) {
    sms::LinkOptions link;
    link.name = fmt::format("{}-{}", protocol, i + 1);
    link.codec = &codec;
    link.listen_address = listen[i].host;
    link.listen_port = listen[i].port;
    link.upstream_address = upstream[i].host;
    link.upstream_port = upstream[i].port;
    link.session.window = static_cast<std::size_t>(settings.integer(prefix + "window"));
    link.sessions_max = static_cast<std::size_t>(settings.integer(prefix + "sessions_max"));
    out.push_back(std::move(link));
  }
  return {};
}

struct Shown {
  std::string_view name, help;
  sms::LinkCounters::Counter sms::LinkCounters::*counter;
};
constexpr Shown kShown[] = {
    {"submitted", "messages that ESMEs handed in", &sms::LinkCounters::submitted},
    {"passed", "of them, carried on", &sms::LinkCounters::passed},
    {"warned", "of them, carried on with a warning", &sms::LinkCounters::warned},
    {"rejected", "of them, answered with an error", &sms::LinkCounters::rejected},
    {"acknowledged", "submits that the SMSC accepted", &sms::LinkCounters::acknowledged},
    {"refused", "submits that the SMSC refused", &sms::LinkCounters::refused_by_smsc},
    {"delivered", "messages towards ESMEs", &sms::LinkCounters::delivered},
    {"delivered_rejected", "of them, answered with an error", &sms::LinkCounters::delivered_rejected},
    {"receipts", "delivery receipts, which always pass", &sms::LinkCounters::receipts},
    {"sessions", "connections of ESMEs", &sms::LinkCounters::sessions},
    {"binds_accepted", "binds that the SMSC accepted", &sms::LinkCounters::binds_accepted},
    {"malformed", "messages that could not be read", &sms::LinkCounters::malformed},
    {"bad_streams", "connections closed because a length was impossible", &sms::LinkCounters::bad_streams},
    {"strays", "answers that nobody waited for", &sms::LinkCounters::strays},
    {"parked", "requests that waited for the window", &sms::LinkCounters::parked},
    {"throttled", "requests refused while draining", &sms::LinkCounters::throttled},
    {"timeouts", "requests that the far side did not answer in time", &sms::LinkCounters::timeouts},
    {"lost_requests", "requests whose far side went away", &sms::LinkCounters::lost_requests},
    {"upstream_lost", "connections that an SMSC broke", &sms::LinkCounters::upstream_lost},
    {"upstream_failed", "connections to an SMSC that could not be made", &sms::LinkCounters::upstream_failed},
    {"slow_peers", "connections closed because nothing was taken", &sms::LinkCounters::slow_peers},
    {"silent", "messages that no phone would show", &sms::LinkCounters::silent},
    {"port_addressed", "messages for programs on a phone", &sms::LinkCounters::port_addressed},
};

}  // namespace

struct SmsGate::Rooms {
  explicit Rooms(const SmsParts& p)
      : parts(p),
        reader(p.numbering),
        smpp(sms::SmppOptions{static_cast<std::uint32_t>(p.settings.integer("decide.smpp.reject_status"))}),
        judge(p.decider, reader) {}

  SmsParts parts;
  PlanReader reader;
  sms::SmppCodec smpp;
  sms::Judge judge;
  std::unique_ptr<sms::Gate> gate;
};

SmsGate::SmsGate(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
SmsGate::~SmsGate() = default;

Result<std::unique_ptr<SmsGate>> SmsGate::start(const SmsParts& parts) {
  auto rooms = std::make_unique<Rooms>(parts);
  std::vector<sms::LinkOptions> links;
  TRY(add_links(parts.settings, "smpp", rooms->smpp, links));
  if (!links.empty()) {
    TRY_ASSIGN(rooms->gate, sms::Gate::start(std::move(links), rooms->judge, parts.clock));
  }
  return std::unique_ptr<SmsGate>(new SmsGate(std::move(rooms)));
}

void SmsGate::drain() {
  if (rooms_->gate) rooms_->gate->drain();
}

void SmsGate::add_metrics(std::vector<api::Metric>& out) const {
  if (!rooms_->gate) return;
  for (const Shown& shown : kShown) {
    for (std::size_t i = 0; i < rooms_->gate->links(); ++i)
      out.push_back({fmt::format("pandun_sms_{}_total", shown.name),
                     std::string(shown.help),
                     api::MetricKind::kCounter,
                     {{"link", rooms_->gate->link(i).name}},
                     static_cast<double>((rooms_->gate->counters(i).*shown.counter).load())});
  }
  for (std::size_t i = 0; i < rooms_->gate->links(); ++i)
    out.push_back({"pandun_sms_sessions_open",
                   "connections of ESMEs now",
                   api::MetricKind::kGauge,
                   {{"link", rooms_->gate->link(i).name}},
                   static_cast<double>(rooms_->gate->counters(i).sessions_open.load())});
}

}  // namespace pandun::server
