// Leads exchanged with banks and police, as files: beside a running platform or without one.
#include <fmt/format.h>
#include <unistd.h>

#include <chrono>

#include "cli/commands.h"
#include "cli/measures_office.h"
#include "guard/json_writer.h"

namespace pandun::cli {
namespace {

using guard::JsonWriter;

void write_receipt(JsonWriter& w, const exchange::FileView& file) {
  const store::LeadFileRow& row = file.row;
  const std::pair<const char*, std::int64_t> counts[] = {
      {"lines", row.lines},     {"accepted", row.accepted},   {"matched", row.matched},
      {"waiting", row.waiting}, {"duplicate", row.duplicate}, {"unknown_purpose", row.unknown_purpose},
      {"expired", row.expired}, {"faulty", row.faulty},       {"withdrawn", row.withdrawn}};
  w.begin_object().field("file", row.id).field("partner", row.partner_id).field("direction", row.direction);
  w.field("state", row.state).field("digest", row.digest);
  for (const auto& [name, n] : counts) w.field_integer(name, n);
  w.key("repeat").boolean(file.repeat).key("faults").begin_array();
  for (const exchange::Fault& fault : file.faults)
    w.begin_object().field_integer("line", fault.line).field("code", fault.code).field("why", fault.why).end_object();
  w.end_array().end_object();
}

void print_receipt(const exchange::FileView& file, bool json) {
  if (json) {
    std::string out;
    JsonWriter w(out);
    write_receipt(w, file);
    fmt::print("{}\n", out);
    return;
  }
  const store::LeadFileRow& row = file.row;
  fmt::print(
      "{}{}: {} lines, {} accepted ({} matched, {} wait), {} known before, {} of unknown purpose, {} expired, "
      "{} withdrawn, {} faulty\n",
      row.id, file.repeat ? " (this very file was taken before)" : "", row.lines, row.accepted, row.matched,
      row.waiting, row.duplicate, row.unknown_purpose, row.expired, row.withdrawn, row.faulty);
  constexpr std::size_t kShown = 20;
  for (std::size_t i = 0; i < file.faults.size() && i < kShown; ++i)
    fmt::print("  line {}: {} [{}]\n", file.faults[i].line, file.faults[i].why, file.faults[i].code);
  if (file.faults.size() > kShown) fmt::print("  … --faults FILE writes all of them\n");
}

// A line on a terminal, at most four times a second.
class Progress {
 public:
  void show(std::int64_t lines, std::uint64_t bytes, std::uint64_t total) {
    const auto now = platform::system_clock().steady();
    if (!terminal_ || now - last_ < std::chrono::milliseconds(250)) return;
    last_ = now;
    shown_ = true;
    fmt::print(stderr, "\r{:>3} %  {} lines", total > 0 ? bytes * 100 / total : 100, lines);
  }
  ~Progress() {
    if (shown_) fmt::print(stderr, "\r\033[K");
  }

 private:
  const bool terminal_ = ::isatty(2) == 1;
  bool shown_ = false;
  std::chrono::nanoseconds last_{0};
};

Result<exchange::FileView> import_leads(const Arguments& arguments) {
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  auto& files = platform::posix_files();
  TRY_ASSIGN(const auto file, files.open_read(arguments.rest().front()));
  std::unique_ptr<platform::WritableFile> faults;
  if (arguments.has("--faults")) {
    TRY_ASSIGN(faults, files.create(arguments.text("--faults")));
  }
  if (faults != nullptr) TRY(faults->append("line,code,why\n"));
  Progress progress;
  exchange::ImportHooks hooks;
  hooks.progress = [&](std::int64_t lines, std::uint64_t bytes, std::uint64_t total) {
    progress.show(lines, bytes, total);
  };
  if (faults != nullptr)
    hooks.fault = [&](const exchange::Fault& fault) {
      return faults->append(fmt::format("{},{},\"{}\"\n", fault.line, fault.code, fault.why));
    };
  TRY_ASSIGN(exchange::FileView taken,
             office->leads->import(actor, arguments.text("--partner"), platform::name_of(arguments.rest().front()),
                                   *file, hooks));
  if (faults != nullptr) TRY(faults->sync());
  return taken;
}

Result<exchange::FileView> export_findings(const Arguments& arguments) {
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  TRY_ASSIGN(auto out, platform::posix_files().create(arguments.text("--out"), 0600));
  return office->leads->export_findings(actor, arguments.text("--partner"), arguments.text("--purpose"), *out);
}

int run_leads_import(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto taken = import_leads(arguments);
  if (!taken.ok()) return fail(taken.error(), json);
  print_receipt(*taken, json);
  return 0;
}

int run_leads_export(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto made = export_findings(arguments);
  if (!made.ok()) return fail(made.error(), json);
  print_receipt(*made, json);
  return 0;
}

Result<> feedback(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  if (arguments.has("--in") == arguments.has("--out"))
    return error(Errc::kUsage, "leads feedback",
                 "one of --in FILE (theirs about ours) and --out FILE (ours about theirs)");
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  auto& files = platform::posix_files();
  const std::string partner = arguments.text("--partner");
  if (arguments.has("--out")) {
    TRY_ASSIGN(auto out, files.create(arguments.text("--out"), 0600));
    TRY_ASSIGN(const std::int64_t written, office->leads->export_feedback(actor, partner, *out));
    fmt::print(fmt::runtime(json ? "{{\"written\":{}}}\n" : "{} lines of feedback written\n"), written);
    return {};
  }
  TRY_ASSIGN(const auto file, files.open_read(arguments.text("--in")));
  TRY_ASSIGN(const exchange::FeedbackReport report,
             office->leads->import_feedback(actor, partner, platform::name_of(arguments.text("--in")), *file));
  fmt::print(fmt::runtime(json ? "{{\"lines\":{},\"taken\":{},\"unchanged\":{},\"faulty\":{}}}\n"
                               : "{} lines: {} taken, {} known before, {} faulty\n"),
             report.lines, report.taken, report.unchanged, report.faulty);
  if (!json)
    for (const exchange::Fault& fault : report.faults) fmt::print("  line {}: {}\n", fault.line, fault.why);
  return {};
}

int run_leads_feedback(const Arguments& arguments) {
  const auto done = feedback(arguments);
  return done.ok() ? 0 : fail(done.error(), arguments.has("--json"));
}

Result<std::vector<exchange::PartnerView>> partners(const Arguments& arguments) {
  TRY_ASSIGN(const auto office, open_office(arguments));
  TRY_ASSIGN(const guard::Actor actor, office->actor(arguments.text("--token-file")));
  TRY(guard::require(actor, guard::Right::kRead));
  return office->leads->partners(actor);
}

double share(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

void print_partner(const exchange::PartnerView& partner) {
  fmt::print("{}  {}  {}  {}  until {}\n", partner.row.id, partner.row.kind, partner.row.state, partner.row.name,
             rfc3339(partner.row.expires_at));
  for (const exchange::AgreedPurpose& item : partner.purposes) fmt::print("    {} on {}\n", item.purpose, item.ground);
  for (const exchange::KeyView& key : partner.keys)
    fmt::print("    key {}{}\n", key.id, key.valid_until ? " until " + rfc3339(*key.valid_until) : std::string());
}

int run_leads_partners(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto list = partners(arguments);
  if (!list.ok()) return fail(list.error(), json);
  if (!json) {
    for (const exchange::PartnerView& partner : *list) print_partner(partner);
    if (list->empty()) fmt::print("no partner; propose one in the console\n");
    return 0;
  }
  std::string out;
  JsonWriter w(out);
  w.begin_array();
  for (const exchange::PartnerView& partner : *list) {
    w.begin_object().field("id", partner.row.id).field("name", partner.row.name).field("kind", partner.row.kind);
    w.field("state", partner.row.state).field("expires_at", rfc3339(partner.row.expires_at));
    w.key("purposes").begin_array();
    for (const exchange::AgreedPurpose& item : partner.purposes)
      w.begin_object().field("purpose", item.purpose).field("ground", item.ground).end_object();
    w.end_array().end_object();
  }
  w.end_array();
  fmt::print("{}\n", out);
  return 0;
}

int run_leads_status(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const auto list = partners(arguments);
  if (!list.ok()) return fail(list.error(), json);
  std::string out;
  JsonWriter w(out);
  w.begin_array();
  for (const exchange::PartnerView& partner : *list) {
    const store::LeadFigures& f = partner.figures;
    const std::int64_t judged = f.confirmed + f.acted_on + f.refuted;
    if (!json) {
      fmt::print(
          "{}  {}: {} files, {} accepted, {} matched ({:.2f} %), {} wait; of {} judged {:.1f} % confirmed; {} given\n",
          partner.row.id, partner.row.name, f.files, f.accepted, f.matched, 100 * share(f.matched, f.accepted),
          f.waiting, judged, 100 * share(judged - f.refuted, judged), f.given);
      continue;
    }
    w.begin_object().field("id", partner.row.id).field("state", partner.row.state).field_integer("files", f.files);
    w.field_integer("accepted", f.accepted).field_integer("matched", f.matched).field_integer("waiting", f.waiting);
    w.field_integer("confirmed", f.confirmed).field_integer("refuted", f.refuted).field_integer("acted_on", f.acted_on);
    w.field_integer("given", f.given).field_integer("given_confirmed", f.given_confirmed);
    w.field_integer("given_refuted", f.given_refuted).field_integer("given_acted_on", f.given_acted_on);
    w.key("match_rate").number(share(f.matched, f.accepted));
    w.key("confirmation_rate").number(share(judged - f.refuted, judged)).end_object();
  }
  w.end_array();
  if (json) fmt::print("{}\n", out);
  return 0;
}

constexpr Flag kPartner{"--partner", "ID", "the partner, as `leads partners` lists it", FlagKind::kText, "", true};

}  // namespace

const Command kLeadsPartners{"leads partners",
                             "banks, police and carriers that leads are exchanged with",
                             {kOfficeToken, kOfficeData, kConfig, kJson},
                             "",
                             "",
                             0,
                             0,
                             run_leads_partners};
const Command kLeadsImport{"leads import",
                           "take in a file of hashed leads (CSV or JSON lines)",
                           {kPartner,
                            {"--faults", "FILE", "where every line goes that could not be used, and why"},
                            kOfficeToken,
                            kOfficeData,
                            kConfig,
                            kJson},
                           "FILE",
                           "lead_id,kind,hash,observed_at,confidence,purpose,expires_at[,key_id]; see docs/leads.md",
                           1,
                           1,
                           run_leads_import};
const Command kLeadsExport{"leads export",
                           "write our confirmed findings as hashed leads, for one purpose",
                           {kPartner,
                            {"--purpose", "ID", "what they are given for", FlagKind::kText, "", true},
                            {"--out", "FILE", "where to", FlagKind::kText, "", true},
                            kOfficeToken,
                            kOfficeData,
                            kConfig,
                            kJson},
                           "",
                           "",
                           0,
                           0,
                           run_leads_export};
const Command kLeadsFeedback{"leads feedback",
                             "what became of leads: theirs about ours (--in), ours about theirs (--out)",
                             {kPartner,
                              {"--in", "FILE", "lead_id,result,at a line: confirmed, false or acted_on"},
                              {"--out", "FILE", "where our own word about their leads goes"},
                              kOfficeToken,
                              kOfficeData,
                              kConfig,
                              kJson},
                             "",
                             "",
                             0,
                             0,
                             run_leads_feedback};
const Command kLeadsStatus{"leads status",
                           "how much was exchanged, matched and confirmed, by partner",
                           {kOfficeToken, kOfficeData, kConfig, kJson},
                           "",
                           "",
                           0,
                           0,
                           run_leads_status};

}  // namespace pandun::cli
