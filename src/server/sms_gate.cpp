#include "server/sms_gate.h"

#include <fmt/format.h>

#include "server/listen_address.h"
#include "sms/cmpp_codec.h"
#include "sms/consents.h"
#include "sms/gate.h"
#include "sms/judge.h"
#include "sms/notifier.h"
#include "sms/smpp_codec.h"

namespace pandun::server {
namespace {

class PlanSmsNumbers final : public sms::NumberReader {
 public:
  explicit PlanSmsNumbers(const ingest::Numbering& numbering) : numbering_(numbering) {}
  model::NumberKey read(std::string_view text) const override { return numbering_.parse(text, false); }

 private:
  const ingest::Numbering& numbering_;
};

class DeskIndicators final : public sms::LinkIndicators {
 public:
  explicit DeskIndicators(const IndicatorDesk& desk) : desk_(desk) {}
  bool listed(std::string_view domain) const override { return desk_.port().domain(domain) != nullptr; }

 private:
  const IndicatorDesk& desk_;
};

Result<std::vector<ListenAddress>> addresses(const Settings& settings, const std::string& key) {
  std::vector<ListenAddress> out;
  const std::string text = settings.text(key);
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    std::string_view one = std::string_view(text).substr(from, comma - from);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    TRY_ASSIGN(ListenAddress parsed, listen_address(key, one, "127.0.0.1:2775; several are divided by commas"));
    out.push_back(std::move(parsed));
    from = comma + 1;
  }
  return out;
}

// One link for each listening address and the SMSC at the same place of the other list.
Result<> add_links(const Settings& settings, std::string_view protocol, const sms::Codec& codec,
                   std::vector<sms::LinkOptions>& out) {
  const std::string prefix = fmt::format("decide.{}.", protocol);
  TRY_ASSIGN(const std::vector<ListenAddress> listen, addresses(settings, prefix + "listen"));
  TRY_ASSIGN(const std::vector<ListenAddress> upstream, addresses(settings, prefix + "upstream"));
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

void add_judge_metrics(const sms::JudgeFigures& figures, std::vector<api::Metric>& out) {
  const auto add = [&out](const char* name, const char* help, std::uint64_t value,
                          std::vector<std::pair<std::string, std::string>> labels = {}) {
    out.push_back({name, help, api::MetricKind::kCounter, std::move(labels), static_cast<double>(value)});
  };
  for (std::size_t i = 0; i < sms::kBreaches; ++i)
    add("pandun_sms_breaches_total", "what spoke against business messages", figures.breaches[i],
        {{"breach", std::string(sms::name(static_cast<sms::Breach>(i)))}});
  add("pandun_sms_texts_compared_total", "texts of business senders compared with their templates",
      figures.texts_compared);
  add("pandun_sms_texts_registered_total", "of them, registered notices", figures.registered);
  add("pandun_sms_texts_verification_total", "of them, registered verification codes", figures.verification);
  add("pandun_sms_number_rejected_total", "messages rejected because of their numbers", figures.by_number_rejected);
  add("pandun_sms_contract_warned_total", "business messages warned about", figures.contract_warned);
  add("pandun_sms_contract_rejected_total", "business messages rejected under the approved policy",
      figures.contract_rejected);
  add("pandun_sms_would_reject_total", "business messages that an approved policy would reject", figures.would_reject);
  add("pandun_sms_verification_kept_total", "verification codes that passed in spite of their numbers",
      figures.verification_kept);
}

void add_notifier_metrics(const sms::Notifier::Figures& figures, std::vector<api::Metric>& out) {
  const std::pair<const char*, std::uint64_t> counts[] = {{"asked", figures.asked},
                                                          {"queued", figures.queued},
                                                          {"no_consent", figures.no_consent},
                                                          {"limited", figures.limited},
                                                          {"shed", figures.shed},
                                                          {"submitted", figures.submitted},
                                                          {"accepted", figures.accepted},
                                                          {"refused", figures.refused},
                                                          {"lost", figures.lost},
                                                          {"delivered", figures.delivered},
                                                          {"undelivered", figures.undelivered}};
  for (const auto& [state, count] : counts)
    out.push_back({"pandun_sms_warnings_total",
                   "warnings to people",
                   api::MetricKind::kCounter,
                   {{"state", state}},
                   static_cast<double>(count)});
}

}  // namespace

static Result<sms::Judge::Content> load(const SmsParts& parts) {
  const auto read = [&parts](const char* key, const char* shipped) -> Result<std::pair<std::string, std::string>> {
    std::string path = parts.settings.text(key);
    if (path.empty()) path = platform::join(platform::join(parts.content_directory, "sms"), shipped);
    TRY_ASSIGN(std::string text, platform::read_file(parts.files, path, 64U << 20));
    return std::pair(std::move(path), std::move(text));
  };
  sms::Judge::Content out;
  TRY_ASSIGN(const auto contracts, read("decide.sms.templates", "templates.toml"));
  TRY_ASSIGN(const auto names, read("decide.sms.sender_names", "sender_names.toml"));
  TRY_ASSIGN(const auto policy, read("decide.sms.policy", "policy.toml"));
  TRY_ASSIGN(out.contracts,
             sms::ContractBook::read(contracts.second, contracts.first, parts.key.derive("sms-template")));
  TRY_ASSIGN(out.names, sms::SenderNames::read(names.second, names.first));
  TRY_ASSIGN(out.policy, sms::ContractPolicy::parse(policy.second, policy.first));
  return out;
}

struct SmsGate::Rooms {
  Rooms(const SmsParts& p, sms::Judge::Content content)
      : reader(p.numbering),
        indicators(p.indicators),
        key(p.key.derive("sms-template")),
        smpp(sms::SmppOptions{static_cast<std::uint32_t>(p.settings.integer("decide.smpp.reject_status"))}),
        cmpp(sms::CmppOptions{static_cast<std::uint8_t>(p.settings.integer("decide.cmpp.reject_result"))}),
        judge({p.decider, reader, indicators, key}, std::move(content)) {}

  PlanSmsNumbers reader;
  DeskIndicators indicators;
  platform::SealKey key;
  sms::SmppCodec smpp;
  sms::CmppCodec cmpp;
  sms::Judge judge;
  std::unique_ptr<sms::Gate> gate;
  std::unique_ptr<sms::ListedConsent> consent;
  std::unique_ptr<sms::Notifier> notifier;
};

static Result<> start_notifier(const SmsParts& parts, const sms::NumberReader& reader,
                               std::unique_ptr<sms::ListedConsent>& consent, std::unique_ptr<sms::Notifier>& notifier) {
  const std::string smsc = parts.settings.text("decide.notify.smsc");
  if (smsc.empty()) return {};
  TRY_ASSIGN(const ListenAddress to, listen_address("decide.notify.smsc", smsc, "127.0.0.1:2775"));
  const std::string path = platform::join(platform::join(parts.content_directory, "sms"), "warnings.toml");
  TRY_ASSIGN(const std::string text, platform::read_file(parts.files, path, 1U << 20));
  TRY_ASSIGN(sms::Warnings warnings, sms::Warnings::read(text, path));
  TRY_ASSIGN(consent,
             sms::ListedConsent::open(parts.files, parts.settings.text("decide.notify.consents"), reader, parts.clock));
  sms::NotifierOptions options;
  options.address = to.host;
  options.port = to.port;
  options.system_id = parts.settings.text("decide.notify.system_id");
  options.sender = parts.settings.text("decide.notify.sender");
  options.rates.per_second = parts.settings.number("decide.notify.per_second");
  options.rates.again_after = std::chrono::hours(parts.settings.integer("decide.notify.again_h"));
  options.flash = parts.settings.flag("decide.notify.flash");
  if (const std::string secret = parts.settings.text("decide.notify.password_file"); !secret.empty()) {
    TRY_ASSIGN(options.password, platform::read_file(parts.files, secret, 4096));
    while (options.password.ends_with('\n') || options.password.ends_with('\r')) options.password.pop_back();
  }
  TRY_ASSIGN(notifier, sms::Notifier::start(std::move(options), std::move(warnings), *consent, parts.clock));
  return {};
}

SmsGate::SmsGate(std::unique_ptr<Rooms> rooms) : rooms_(std::move(rooms)) {}
SmsGate::~SmsGate() = default;

Result<std::unique_ptr<SmsGate>> SmsGate::start(const SmsParts& parts) {
  TRY_ASSIGN(sms::Judge::Content content, load(parts));
  auto rooms = std::make_unique<Rooms>(parts, std::move(content));
  std::vector<sms::LinkOptions> links;
  TRY(add_links(parts.settings, "smpp", rooms->smpp, links));
  TRY(add_links(parts.settings, "cmpp", rooms->cmpp, links));
  if (!links.empty()) {
    TRY_ASSIGN(rooms->gate, sms::Gate::start(std::move(links), rooms->judge, parts.clock));
  }
  TRY(start_notifier(parts, rooms->reader, rooms->consent, rooms->notifier));
  return std::unique_ptr<SmsGate>(new SmsGate(std::move(rooms)));
}

void SmsGate::begin_drain() {
  if (rooms_->gate) rooms_->gate->begin_drain();
}

void SmsGate::drain() {
  if (rooms_->gate) rooms_->gate->drain();
}

sms::Notifier* SmsGate::notifier() {
  return rooms_->notifier.get();
}

void SmsGate::add_metrics(std::vector<api::Metric>& out) const {
  if (rooms_->notifier) {
    add_notifier_metrics(rooms_->notifier->figures(), out);
    out.push_back({"pandun_sms_consents",
                   "people who agreed to be warned",
                   api::MetricKind::kGauge,
                   {},
                   static_cast<double>(rooms_->consent->people())});
    out.push_back({"pandun_sms_consents_unreadable_total",
                   "looks at the list of consents that found it unreadable: nobody was warned",
                   api::MetricKind::kCounter,
                   {},
                   static_cast<double>(rooms_->consent->unreadable())});
  }
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
  add_judge_metrics(rooms_->judge.figures(), out);
}

}  // namespace pandun::server
