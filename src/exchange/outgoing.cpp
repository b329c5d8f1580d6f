// Our findings to a partner, and what became of leads, both ways.
#include <fmt/format.h>

#include <array>

#include "exchange/desk_parts.h"
#include "platform/random.h"

namespace pandun::exchange {

using guard::Actor;
using guard::Right;
using store::LeadFileRow;
using store::LeadPartnerRow;
using store::LeadRow;

namespace {

constexpr int kMeasuresPerRead = 2000;

// Two people agreed on it, it runs, and nobody has asked to have it undone.
bool confirmed(const store::MeasureRow& row, WallMs now) {
  const bool runs = row.state == "approved" || row.state == "ordered" || row.state == "in_force";
  return runs && row.category == "fraud" && !row.entity_token.empty() && row.expires_at > now &&
         row.check_result != "passed";
}
bool over(const store::MeasureRow& row) {
  return row.state == "lifted" || row.state == "lapsed" || row.state == "refused" || row.check_result == "passed";
}

class Export {
 public:
  Export(const LeadParts& parts, const LeadPartnerRow& partner, std::string purpose, std::string kind, OpenKey key,
         LeadFileRow file)
      : parts_(parts), partner_(partner), purpose_(std::move(purpose)), kind_(std::move(kind)), key_(std::move(key)) {
    view_.row = std::move(file);
  }

  Result<> run(platform::WritableFile& out) {
    TRY(append(out, "lead_id,kind,hash,observed_at,confidence,purpose,expires_at,key_id\n"));
    std::int64_t after = 0;
    bool more = true;
    while (more) {
      std::string text;
      TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
        TRY_ASSIGN(const auto rows, std::as_const(tx).measures().walk(after, kMeasuresPerRead));
        more = rows.size() == static_cast<std::size_t>(kMeasuresPerRead);
        for (const store::MeasureRow& row : rows) {
          after = row.seq;
          TRY(line_of(tx, row, text));
        }
        return {};
      }));
      TRY(append(out, text));
    }
    return out.sync();
  }
  FileView& view() { return view_; }
  std::string digest() { return digest_.hex(); }

 private:
  Result<> append(platform::WritableFile& out, std::string_view text) {
    digest_.add(text);
    return out.append(text);
  }

  Result<> line_of(store::Tx& tx, const store::MeasureRow& row, std::string& text) {
    const WallMs now = parts_.clock.wall();
    TRY_ASSIGN(auto given, std::as_const(tx).leads().lead_of(partner_.id, "out", row.id));
    if (given && given->purpose != purpose_) return {};
    // What was given and undone since is taken back: nobody stays suspected elsewhere for it.
    if (given && over(row) && given->state != "withdrawn") {
      given->state = "withdrawn";
      TRY(tx.leads().update_lead(*given));
      fmt::format_to(std::back_inserter(text), "{},withdrawn,,,,,,\n", row.id);
      ++view_.row.lines;
      ++view_.row.withdrawn;
      return {};
    }
    if (given || !confirmed(row, now)) return {};
    TRY_ASSIGN(const auto sealed, std::as_const(tx).vault().sealed(row.entity_token));
    if (!sealed) return {};
    const auto clear = parts_.vault.open_for_engine(*sealed);
    const auto hash = clear.ok() ? hash_number(key_.bytes, number_of(*clear)) : std::nullopt;
    if (!hash) return {};
    LeadRow lead;
    lead.id = "L-" + platform::random_hex(8);
    lead.partner_id = partner_.id;
    lead.direction = "out";
    lead.lead_id = row.id;
    lead.kind = kind_;
    lead.purpose = purpose_;
    lead.file_id = view_.row.id;
    lead.token = row.entity_token;
    lead.shown = row.entity_value;
    lead.case_id = row.case_id;
    lead.measure_id = row.id;
    lead.state = "open";
    lead.confidence = row.risk > 0 ? row.risk / 100.0 : 1.0;
    lead.observed_at = row.approved_at.value_or(row.proposed_at);
    lead.expires_at = row.expires_at;
    lead.at = now;
    TRY_ASSIGN(const bool fresh, tx.leads().insert_lead(lead));
    if (!fresh) return {};
    fmt::format_to(std::back_inserter(text), "{},{},{},{},{:.2f},{},{},{}\n", lead.lead_id, lead.kind, to_hex(*hash),
                   rfc3339(lead.observed_at), lead.confidence, purpose_, rfc3339(lead.expires_at), key_.id);
    ++view_.row.lines;
    ++view_.row.accepted;
    return {};
  }

  const LeadParts& parts_;
  const LeadPartnerRow& partner_;
  const std::string purpose_, kind_;
  const OpenKey key_;
  FileView view_;
  FileDigest digest_;
};

// lead_id,result,at
struct FeedbackLine {
  std::string lead_id, result;
  WallMs at;
};

std::optional<LineFault> read_feedback(std::string_view line, WallMs now, FeedbackLine& out) {
  std::array<std::string_view, 3> fields;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    const std::size_t comma = line.find(',');
    if ((comma == std::string_view::npos) != (i + 1 == fields.size()))
      return LineFault{"fields", "lead_id,result,at is needed"};
    fields[i] = line.substr(0, comma);
    line.remove_prefix(comma == std::string_view::npos ? line.size() : comma + 1);
  }
  if (!usable_lead_id(fields[0])) return LineFault{"lead_id", "not a lead id"};
  if (fields[1] != "confirmed" && fields[1] != "false" && fields[1] != "acted_on")
    return LineFault{"result", "the result is confirmed, false or acted_on"};
  const auto at = parse_rfc3339(fields[2]);
  if (!at || *at > now.ms + 300'000)
    return LineFault{"time", "'at' is not a time like 2026-11-22T08:00:00Z, or to come"};
  out = {std::string(fields[0]), std::string(fields[1]), WallMs{*at}};
  return std::nullopt;
}

Result<> keep_file(store::Tx& tx, const LeadParts& parts, const Actor& actor, const std::string& partner_id,
                   std::string_view direction, const std::string& name, LeadFileRow row) {
  row.id = "F-" + platform::random_hex(6);
  row.partner_id = partner_id;
  row.direction = direction;
  row.name = name.substr(0, 200);
  row.state = "done";
  row.created_by = actor.name;
  row.at = parts.clock.wall();
  row.ended_at = row.at;
  return tx.leads().insert_file(row);
}

}  // namespace

Result<FileView> LeadDesk::export_findings(const Actor& actor, const std::string& partner_id,
                                           const std::string& purpose, platform::WritableFile& out) {
  TRY(guard::require(actor, Right::kLeadExchange));
  LeadPartnerRow partner;
  LeadFileRow file;
  std::vector<OpenKey> keys;
  const Purpose* known = parts_.purposes.find(purpose);
  TRY(write_or_record(parts_, actor, "lead.export", "partner:" + partner_id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(partner, need_partner(tx, partner_id));
    TRY(need_active(parts_, partner));
    if (known == nullptr || agreed(read_purposes(partner.purposes), purpose) == nullptr)
      return error(Errc::kNotAllowed, "purpose",
                   fmt::format("'{}' is not agreed with this partner", purpose.substr(0, 60)));
    if (!known->given)
      return error(Errc::kNotAllowed, "purpose", fmt::format("our findings are not handed out for '{}'", purpose));
    TRY_ASSIGN(keys, good_keys(parts_, tx, partner_id));
    if (keys.empty()) return error(Errc::kConflict, "partner " + partner_id, "it has no key");
    file.id = "F-" + platform::random_hex(6);
    file.partner_id = partner_id;
    file.direction = "out";
    file.purpose = purpose;
    file.state = "reading";
    file.created_by = actor.name;
    file.faults = "[]";
    file.at = parts_.clock.wall();
    file.name = fmt::format("{}-{}.csv", partner_id, file.id);
    return tx.leads().insert_file(file);
  }));
  Export job(parts_, partner, purpose, known->kinds.front(), std::move(keys.back()), std::move(file));
  TRY(job.run(out));
  LeadFileRow& row = job.view().row;
  row.state = "done";
  row.ended_at = parts_.clock.wall();
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    TRY(tx.leads().update_file(row));
    return parts_.audit.record(tx, actor, "lead.export", "leadfile:" + row.id,
                               {{"partner", partner_id},
                                {"purpose", purpose},
                                {"given", fmt::to_string(row.accepted)},
                                {"withdrawn", fmt::to_string(row.withdrawn)},
                                {"digest", job.digest()}});
  }));
  return std::move(job.view());
}

Result<FeedbackReport> LeadDesk::import_feedback(const Actor& actor, const std::string& partner_id,
                                                 const std::string& name, const platform::ReadableFile& file) {
  TRY(guard::require(actor, Right::kLeadExchange));
  FeedbackReport report;
  TRY(write_or_record(parts_, actor, "lead.feedback_import", "partner:" + partner_id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(const LeadPartnerRow partner, need_partner(tx, partner_id));
    TRY(need_active(parts_, partner));
    report = {};
    const WallMs now = parts_.clock.wall();
    LineReader lines(file, 0);
    std::string_view text;
    bool too_long = false;
    const auto fault = [&](std::string_view code, std::string why) {
      ++report.faulty;
      if (report.faults.size() < kFaultsKept)
        report.faults.push_back({report.lines, std::string(code), std::move(why)});
    };
    while (true) {
      TRY_ASSIGN(const bool more, lines.next(text, too_long));
      if (!more) break;
      ++report.lines;
      if (text.empty() || (report.lines == 1 && text == "lead_id,result,at")) continue;
      if (report.lines > kLeadLinesMax) return error(Errc::kTooLarge, "file", "too many lines");
      FeedbackLine line;
      if (auto wrong = too_long ? LineFault{"too_long", "the line is too long"} : read_feedback(text, now, line)) {
        fault(wrong->code, std::move(wrong->why));
        continue;
      }
      TRY_ASSIGN(auto lead, std::as_const(tx).leads().lead_of(partner_id, "out", line.lead_id));
      if (!lead) {
        fault("lead_id", "this partner was given no finding of that id");
        continue;
      }
      if (lead->feedback == line.result) {
        ++report.unchanged;
        continue;
      }
      lead->feedback = line.result;
      lead->feedback_by = "partner:" + partner_id;
      lead->feedback_at = line.at;
      TRY(tx.leads().update_lead(*lead));
      ++report.taken;
      // A finding of ours that proves false elsewhere is evidence for the person it is about.
      if (line.result == "false" && !lead->case_id.empty())
        TRY(add_evidence(parts_, tx, lead->case_id, "合作单位反馈不属实 / found false by " + partner.name,
                         lead->measure_id));
    }
    LeadFileRow row;
    row.lines = report.lines;
    row.accepted = report.taken;
    row.duplicate = report.unchanged;
    row.faulty = report.faulty;
    row.faults = write_faults(report.faults);
    TRY(keep_file(tx, parts_, actor, partner_id, "feedback_in", name, std::move(row)));
    return parts_.audit.record(tx, actor, "lead.feedback_import", "partner:" + partner_id,
                               {{"lines", fmt::to_string(report.lines)},
                                {"taken", fmt::to_string(report.taken)},
                                {"faulty", fmt::to_string(report.faulty)}});
  }));
  return report;
}

Result<std::int64_t> LeadDesk::export_feedback(const Actor& actor, const std::string& partner_id,
                                               platform::WritableFile& out) {
  TRY(guard::require(actor, Right::kLeadExchange));
  std::int64_t written = 0;
  TRY(out.append("lead_id,result,at\n"));
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY(need_partner(view, partner_id));
    store::LeadFilter filter;
    filter.partner_id = partner_id;
    filter.direction = "in";
    store::PageRequest page{0, store::kPageMax, false};
    while (true) {
      TRY_ASSIGN(const auto rows, view.leads().leads(filter, page));
      std::string text;
      for (const LeadRow& row : rows.items) {
        if (row.feedback.empty() || !row.feedback_at) continue;
        fmt::format_to(std::back_inserter(text), "{},{},{}\n", row.lead_id, row.feedback, rfc3339(*row.feedback_at));
        ++written;
      }
      TRY(out.append(text));
      if (!rows.next) return {};
      page.cursor = *rows.next;
    }
  }));
  TRY(out.sync());
  TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
    LeadFileRow row;
    row.lines = row.accepted = written;
    row.faults = "[]";
    TRY(keep_file(tx, parts_, actor, partner_id, "feedback_out", "feedback.csv", std::move(row)));
    return parts_.audit.record(tx, actor, "lead.feedback_export", "partner:" + partner_id,
                               {{"lines", fmt::to_string(written)}});
  }));
  return written;
}

}  // namespace pandun::exchange
