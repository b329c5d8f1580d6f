// A partner's file: streamed, checked line by line, matched, receipted.
#include <fmt/format.h>

#include <algorithm>

#include "base/hash.h"
#include "exchange/desk_parts.h"
#include "platform/random.h"

namespace pandun::exchange {

using guard::Actor;
using guard::Right;
using store::LeadFileRow;
using store::LeadPartnerRow;

namespace {

constexpr std::size_t kPerWrite = 2000, kNameMax = 200, kDigestBytes = 1U << 20;
constexpr std::int64_t kAgeDaysMax = 3 * 366, kLifeDaysMax = 366, kSkewMs = 300'000;
constexpr std::uint64_t kBytesMax = 4ULL << 30;

Result<std::string> digest_of(const platform::ReadableFile& file) {
  FileDigest digest;
  std::vector<char> buffer(kDigestBytes);
  std::uint64_t at = 0;
  while (true) {
    TRY_ASSIGN(const std::size_t got, file.read_at(at, buffer.data(), buffer.size()));
    if (got == 0) return digest.hex();
    digest.add({buffer.data(), got});
    at += got;
    if (at > kBytesMax) return error(Errc::kTooLarge, "file", "more than 4 GiB; send it in parts");
  }
}

struct TakenLine {
  LeadLine lead;
  std::int64_t line = 0;
};

class Import {
 public:
  Import(const LeadParts& parts, const Actor& actor, LeadPartnerRow partner, LeadFileRow file, const ImportHooks& hooks)
      : parts_(parts), actor_(actor), partner_(std::move(partner)), hooks_(hooks) {
    agreed_ = read_purposes(partner_.purposes);
    view_.row = std::move(file);
    view_.faults = read_faults(view_.row.faults);
  }

  Result<> open_keys() {
    TRY(parts_.store.read([&](const store::View& view) -> Result<> {
      TRY_ASSIGN(keys_, good_keys(parts_, view, partner_.id));
      return {};
    }));
    if (keys_.empty()) return error(Errc::kConflict, "partner " + partner_.id, "it has no key");
    for (const OpenKey& key : keys_) {
      TRY_ASSIGN(KnownNumbers known, KnownNumbers::make(parts_, key.bytes));
      known_.push_back(std::move(known));
    }
    return {};
  }

  Result<> run(const platform::ReadableFile& file) {
    TRY_ASSIGN(const platform::FileInfo info, file.info());
    LineReader lines(file, 0);
    std::string_view line;
    bool too_long = false, is_lead = false;
    TRY_ASSIGN(const bool any, lines.next(line, too_long));
    if (!any) return error(Errc::kBadInput, "line 1", "the file is empty");
    if (too_long) return error(Errc::kBadInput, "line 1", "the header is too long");
    TRY(parser_.begin(line, is_lead));
    std::uint64_t from = is_lead ? 0 : lines.offset();
    if (view_.row.offset > 0) from = static_cast<std::uint64_t>(view_.row.offset);
    header_lines_ = is_lead ? 0 : 1;
    LineReader rest(file, from);
    while (true) {
      TRY_ASSIGN(const bool more, rest.next(line, too_long));
      if (!more) break;
      if (view_.row.lines >= kLeadLinesMax) {
        TRY(flush());
        return stop(
            fmt::format("more than {} lines; what follows was not read: send it in a file of its own", kLeadLinesMax));
      }
      ++view_.row.lines;
      TRY(take(line, too_long));
      view_.row.offset = static_cast<std::int64_t>(rest.offset());
      if (batch_.size() + faults_since_ < kPerWrite) continue;
      TRY(flush());
      if (hooks_.progress) hooks_.progress(view_.row.lines, rest.offset(), info.size);
    }
    TRY(flush());
    return end("done", "");
  }

  FileView& view() { return view_; }

 private:
  std::int64_t line_number() const { return view_.row.lines + header_lines_; }

  Result<> fault(std::int64_t line, std::string_view code, std::string why) {
    ++(code == "purpose" ? view_.row.unknown_purpose : code == "expired" ? view_.row.expired : view_.row.faulty);
    ++faults_since_;
    Fault one{line, std::string(code), std::move(why)};
    if (hooks_.fault) TRY(hooks_.fault(one));
    if (view_.faults.size() < kFaultsKept) view_.faults.push_back(std::move(one));
    return {};
  }

  Result<> take(std::string_view line, bool too_long) {
    if (line.empty()) return {};
    if (too_long) return fault(line_number(), "too_long", fmt::format("longer than {} bytes", kLeadLineMax));
    TakenLine taken;
    taken.line = line_number();
    if (auto wrong = parser_.parse(line, taken.lead)) return fault(taken.line, wrong->code, std::move(wrong->why));
    if (taken.lead.kind != kWithdrawn) {
      if (auto wrong = check(taken.lead)) return fault(taken.line, wrong->code, std::move(wrong->why));
    }
    batch_.push_back(std::move(taken));
    return {};
  }

  std::optional<LineFault> check(const LeadLine& lead) const {
    const WallMs now = parts_.clock.wall();
    // Purpose binding begins here: what was not agreed is not taken in.
    if (agreed(agreed_, lead.purpose) == nullptr)
      return LineFault{"purpose", "this purpose is not agreed with the partner"};
    const Purpose* purpose = parts_.purposes.find(lead.purpose);
    if (purpose == nullptr) return LineFault{"purpose", "there is no such purpose any more"};
    if (!contains(purpose->kinds, lead.kind))
      return LineFault{"kind",
                       fmt::format("a lead for '{}' is of kind {}", purpose->id, fmt::join(purpose->kinds, " or "))};
    if (lead.expires_at <= now) return LineFault{"expired", "the lead has expired"};
    if (lead.expires_at.ms > now.ms + kLifeDaysMax * kDayMs)
      return LineFault{"time", fmt::format("expires_at is more than {} days ahead", kLifeDaysMax)};
    if (lead.observed_at.ms > now.ms + kSkewMs || lead.observed_at.ms < now.ms - kAgeDaysMax * kDayMs)
      return LineFault{"time", "observed_at is to come, or more than three years ago"};
    if (!lead.key_id.empty() && key_of(lead.key_id) == nullptr)
      return LineFault{"key_id", "the partner has no such key, or it is over"};
    return std::nullopt;
  }

  const OpenKey* key_of(std::string_view id) const {
    if (id.empty()) return &keys_.back();
    const auto it = std::find_if(keys_.begin(), keys_.end(), [&](const OpenKey& key) { return key.id == id; });
    return it == keys_.end() ? nullptr : &*it;
  }

  // One transaction: what it took, where it stands, and the receipt so far.
  Result<> flush() {
    if (batch_.empty() && faults_since_ == 0) return {};
    const LeadFileRow before = view_.row;
    const std::size_t alerts = view_.new_alerts.size(), cases = view_.changed_cases.size();
    const Result<> done = parts_.store.write([&](store::Tx& tx) -> Result<> {
      for (const TakenLine& taken : batch_) TRY(store(tx, taken));
      view_.row.faults = write_faults(view_.faults);
      return tx.leads().update_file(view_.row);
    });
    if (!done.ok()) {
      view_.row = before;
      view_.new_alerts.resize(alerts);
      view_.changed_cases.resize(cases);
      return done;
    }
    batch_.clear();
    faults_since_ = 0;
    return {};
  }

  Result<> store(store::Tx& tx, const TakenLine& taken) {
    const LeadLine& line = taken.lead;
    if (line.kind == kWithdrawn) return withdraw(tx, taken);
    const WallMs now = parts_.clock.wall();
    TRY_ASSIGN(const bool fresh, tx.leads().note_seen(partner_.id, hash64(line.lead_id), now));
    if (!fresh) {
      ++view_.row.duplicate;
      return {};
    }
    const OpenKey* key = key_of(line.key_id);
    CHECK(key != nullptr);
    ++view_.row.accepted;
    TRY_ASSIGN(const auto found, known_[static_cast<std::size_t>(key - keys_.data())].find(parts_, tx, line.hash));
    if (found) {
      store::LeadRow lead;
      lead.partner_id = partner_.id;
      lead.lead_id = line.lead_id;
      lead.kind = line.kind;
      lead.purpose = line.purpose;
      lead.file_id = view_.row.id;
      lead.token = found->token;
      lead.confidence = line.confidence;
      lead.observed_at = line.observed_at;
      lead.expires_at = line.expires_at;
      TRY_ASSIGN(const bool taken_in, take_match(parts_, tx, partner_, std::move(lead), found->number, view_.new_alerts,
                                                 view_.changed_cases));
      view_.row.matched += taken_in ? 1 : 0;
      return {};
    }
    if (partner_.keep_unmatched_hours == 0) return {};
    store::LeadWaitingRow row;
    row.partner_id = partner_.id;
    row.key_id = key->id;
    row.lead_id = line.lead_id;
    row.hash.assign(reinterpret_cast<const char*>(line.hash.data()), line.hash.size());
    row.kind = line.kind;
    row.purpose = line.purpose;
    row.file_id = view_.row.id;
    row.confidence = line.confidence;
    row.observed_at = line.observed_at;
    row.expires_at = line.expires_at;
    row.purge_at = std::min(line.expires_at, WallMs{now.ms + partner_.keep_unmatched_hours * kHourMs});
    ++view_.row.waiting;
    return tx.leads().insert_waiting(row);
  }

  // Its partner takes it back: what waits is forgotten, and whoever looks at the match or its case sees it.
  Result<> withdraw(store::Tx& tx, const TakenLine& taken) {
    ++view_.row.withdrawn;
    TRY(tx.leads().drop_waiting(partner_.id, taken.lead.lead_id));
    TRY_ASSIGN(auto lead, std::as_const(tx).leads().lead_of(partner_.id, "in", taken.lead.lead_id));
    if (!lead || lead->state == "withdrawn") return {};
    lead->state = "withdrawn";
    TRY(tx.leads().update_lead(*lead));
    if (!lead->case_id.empty()) {
      TRY(add_evidence(parts_, tx, lead->case_id, "合作单位撤回线索 / lead withdrawn by " + partner_.name, lead->id));
      view_.changed_cases.push_back(lead->case_id);
    }
    return parts_.audit.record(tx, Actor::system("leads"), "lead.withdrawn", "lead:" + lead->id,
                               {{"partner", partner_.id}});
  }

  Result<> stop(const std::string& why) {
    TRY(end("stopped", why));
    return error(Errc::kTooLarge, "file", why);
  }

  // Numbers that became known while the file was read were asked before its last hashes began to wait.
  Result<> look_again(store::Tx& tx) {
    if (view_.row.waiting == 0) return {};
    TRY_ASSIGN(const std::int64_t asked, std::as_const(tx).values().counter("leads.sealed_row"));
    const std::int64_t known = known_.front().last_row();
    return asked > known ? tx.values().put("leads.sealed_row", fmt::to_string(known)) : Result<>();
  }

  Result<> end(std::string_view state, const std::string& reason) {
    view_.row.state = state;
    view_.row.reason = reason;
    view_.row.ended_at = parts_.clock.wall();
    const LeadFileRow& row = view_.row;
    return parts_.store.write([&](store::Tx& tx) -> Result<> {
      TRY(tx.leads().update_file(row));
      TRY(look_again(tx));
      return parts_.audit.record(tx, actor_, "lead.import", "leadfile:" + row.id,
                                 {{"partner", partner_.id},
                                  {"digest", row.digest},
                                  {"state", row.state},
                                  {"lines", fmt::to_string(row.lines)},
                                  {"accepted", fmt::to_string(row.accepted)},
                                  {"matched", fmt::to_string(row.matched)},
                                  {"duplicate", fmt::to_string(row.duplicate)},
                                  {"unknown_purpose", fmt::to_string(row.unknown_purpose)},
                                  {"expired", fmt::to_string(row.expired)},
                                  {"faulty", fmt::to_string(row.faulty)}});
    });
  }

  const LeadParts& parts_;
  const Actor& actor_;
  const LeadPartnerRow partner_;
  const ImportHooks& hooks_;
  std::vector<AgreedPurpose> agreed_;
  std::vector<OpenKey> keys_;
  std::vector<KnownNumbers> known_;  // beside keys_
  LeadLineParser parser_;
  FileView view_;
  std::vector<TakenLine> batch_;
  std::size_t faults_since_ = 0;
  std::int64_t header_lines_ = 0;
};

}  // namespace

Result<FileView> LeadDesk::import(const Actor& actor, const std::string& partner_id, const std::string& name,
                                  const platform::ReadableFile& file, const ImportHooks& hooks) {
  TRY(guard::require(actor, Right::kLeadExchange));
  const std::lock_guard lock(import_mutex_);
  TRY_ASSIGN(const std::string digest, digest_of(file));
  LeadPartnerRow partner;
  FileView known;
  TRY(write_or_record(parts_, actor, "lead.import", "partner:" + partner_id, [&](store::Tx& tx) -> Result<> {
    TRY_ASSIGN(partner, need_partner(tx, partner_id));
    TRY(need_active(parts_, partner));
    TRY_ASSIGN(const auto before, std::as_const(tx).leads().file_of_digest(partner_id, "in", digest));
    if (before && before->state != "reading") {
      known.repeat = true;
      known.row = *before;
      known.faults = read_faults(before->faults);
      return parts_.audit.record(tx, actor, "lead.import_again", "leadfile:" + before->id, {{"digest", digest}});
    }
    if (before) {  // it stopped in the middle: go on behind what was taken
      known.row = *before;
      return {};
    }
    known.row.id = "F-" + platform::random_hex(6);
    known.row.partner_id = partner_id;
    known.row.direction = "in";
    known.row.name = name.substr(0, kNameMax);
    known.row.digest = digest;
    known.row.state = "reading";
    known.row.created_by = actor.name;
    known.row.faults = "[]";
    known.row.at = parts_.clock.wall();
    return tx.leads().insert_file(known.row);
  }));
  if (known.repeat) return known;
  Import import(parts_, actor, std::move(partner), known.row, hooks);
  Result<> done = import.open_keys();
  if (done.ok()) done = import.run(file);
  if (!done.ok()) {
    // A file that cannot be read at all leaves a receipt that says so, unless trying again may help.
    const Errc code = done.error().code;
    if (code == Errc::kBadInput) {
      store::LeadFileRow& row = import.view().row;
      row.state = "stopped";
      row.reason = done.error().text();
      row.ended_at = parts_.clock.wall();
      TRY(parts_.store.write([&](store::Tx& tx) -> Result<> {
        TRY(tx.leads().update_file(row));
        return parts_.audit.record(tx, actor, "lead.import", "leadfile:" + row.id,
                                   {{"partner", partner_id}, {"state", row.state}, {"reason", row.reason}});
      }));
    }
    return std::move(done).error();
  }
  return std::move(import.view());
}

Result<FileView> LeadDesk::file(const std::string& id) const {
  FileView out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(auto row, view.leads().file(id));
    if (!row) return error(Errc::kNotFound, "file " + id.substr(0, 40), "there is no such file");
    out.row = std::move(*row);
    out.faults = read_faults(out.row.faults);
    return {};
  }));
  return out;
}

Result<store::Page<LeadFileRow>> LeadDesk::files(const std::string& partner_id, const store::PageRequest& page) const {
  store::Page<LeadFileRow> out;
  TRY(parts_.store.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, view.leads().files(partner_id, page));
    return {};
  }));
  return out;
}

}  // namespace pandun::exchange
