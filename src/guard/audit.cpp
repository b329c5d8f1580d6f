#include "guard/audit.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

#include "base/check.h"
#include "guard/audit_anchor.h"
#include "guard/json_writer.h"

namespace pandun::guard {
namespace {

const std::string kGenesis(64, '0');

}  // namespace

std::string canonical_detail(AuditDetail detail) {
  std::sort(detail.begin(), detail.end());
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [key, value] : detail) json.field(key, value);
  json.end_object();
  return out;
}

std::string canonical_audit_entry(const store::AuditRow& row) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field_integer("seq", row.seq).field("at", rfc3339(row.at)).field("actor", row.actor);
  json.field("action", row.action).field("object", row.object).key("detail").raw(row.detail).end_object();
  return out;
}

std::string audit_hash(std::string_view prev_hash_hex, std::string_view canonical) {
  std::array<unsigned char, 32> prev{};
  std::size_t length = 0;
  if (sodium_hex2bin(prev.data(), prev.size(), prev_hash_hex.data(), prev_hash_hex.size(), nullptr, &length, nullptr) !=
          0 ||
      length != prev.size()) {
    return {};
  }
  crypto_generichash_state state;
  std::array<unsigned char, 32> digest{};
  crypto_generichash_init(&state, nullptr, 0, digest.size());
  crypto_generichash_update(&state, prev.data(), prev.size());
  crypto_generichash_update(&state, reinterpret_cast<const unsigned char*>(canonical.data()), canonical.size());
  crypto_generichash_final(&state, digest.data(), digest.size());
  return hex_of({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

Audit::Audit(store::Store& store, const platform::Clock& clock, const platform::SealKey& site_key)
    : store_(store), clock_(clock) {
  CHECK(sodium_init() >= 0);
  const platform::SealKey seed = site_key.derive("audit-anchor");
  std::array<unsigned char, crypto_sign_PUBLICKEYBYTES> pk{};
  std::array<unsigned char, crypto_sign_SECRETKEYBYTES> sk{};
  static_assert(crypto_sign_SEEDBYTES == platform::SealKey::kBytes);
  crypto_sign_seed_keypair(pk.data(), sk.data(), reinterpret_cast<const unsigned char*>(seed.bytes().data()));
  public_key_.assign(reinterpret_cast<const char*>(pk.data()), pk.size());
  secret_key_.assign(reinterpret_cast<const char*>(sk.data()), sk.size());
  sodium_memzero(sk.data(), sk.size());
}

std::string Audit::public_key() const {
  return hex_of(public_key_);
}

Result<> Audit::record(store::Tx& tx, const AuditEntry& entry) const {
  TRY_ASSIGN(const auto last, std::as_const(tx).audit().last());
  store::AuditRow row;
  row.seq = last ? last->seq + 1 : 1;
  // Never behind the entry before, whatever the machine's clock does: anchors fix the chain by days.
  row.at = last ? std::max(clock_.wall(), last->at) : clock_.wall();
  row.actor = entry.actor;
  row.action = entry.action;
  row.object = entry.object;
  row.detail = canonical_detail(entry.detail);
  row.prev_hash = last ? last->hash : kGenesis;
  row.hash = audit_hash(row.prev_hash, canonical_audit_entry(row));
  CHECK(!row.hash.empty());
  return tx.audit().append(row);
}

Result<> Audit::record(store::Tx& tx, const Actor& actor, std::string_view action, std::string_view object,
                       AuditDetail detail) const {
  if (!actor.address.empty()) detail.emplace_back("address", actor.address);
  if (actor.token) detail.emplace_back("person", actor.person);
  return record(tx, AuditEntry{actor.name, std::string(action), std::string(object), std::move(detail)});
}

Result<> Audit::record_alone(const AuditEntry& entry) const {
  return store_.write([&](store::Tx& tx) { return record(tx, entry); });
}

Result<store::Page<store::AuditRow>> Audit::list(const store::AuditFilter& filter,
                                                 const store::PageRequest& page) const {
  store::Page<store::AuditRow> out;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(out, view.audit().list(filter, page));
    return {};
  }));
  return out;
}

Result<VerifyReport> Audit::verify() const {
  VerifyReport report;
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto anchors, view.audit().anchors());
    std::vector<Anchor> parsed;
    for (const store::AnchorRow& row : anchors) {
      Result<Anchor> anchor = parse_anchor(row.doc, row.day);
      if (!anchor.ok()) {
        report.ok = false;
        report.reason = anchor.error().text();
        return {};
      }
      parsed.push_back(std::move(*anchor));
    }
    ChainChecker checker(std::move(parsed), public_key());
    TRY(view.audit().walk(1, [&](const store::AuditRow& row) { return checker.add(row); }));
    report = checker.finish();
    return {};
  }));
  return report;
}

namespace {

constexpr std::int64_t kLocalOffsetMs = 8LL * 3600 * 1000, kDayMs = 86'400'000;
std::int64_t local_day(WallMs at) {
  return (at.ms + kLocalOffsetMs) / kDayMs;
}
std::string day_text(std::int64_t day) {
  return rfc3339(day * kDayMs).substr(0, 10);
}

}  // namespace

Result<int> Audit::anchor(platform::FileSystem& files, const std::string& directory) const {
  std::vector<Anchor> made;
  TRY(store_.write([&](store::Tx& tx) -> Result<> {
    const store::AuditRows& rows = std::as_const(tx).audit();
    TRY_ASSIGN(const auto anchors, rows.anchors());
    const std::int64_t today = local_day(clock_.wall());
    std::int64_t from_seq = anchors.empty() ? 1 : anchors.back().last_seq + 1;
    std::string previous = anchors.empty() ? kGenesis : anchor_digest(anchors.back().doc);
    while (true) {
      TRY_ASSIGN(const auto page, rows.list({}, {from_seq - 1, 1, false}));
      if (page.items.empty()) return {};
      const std::int64_t day = local_day(page.items.front().at);
      if (day >= today) return {};
      TRY_ASSIGN(const auto last, rows.last_before(WallMs{(day + 1) * kDayMs - kLocalOffsetMs}));
      CHECK(last && last->seq >= from_seq);
      Anchor anchor{day_text(day), last->seq, last->hash, previous, public_key(), ""};
      sign_anchor(anchor, secret_key_);
      TRY(tx.audit().insert_anchor({anchor.day, anchor.last_seq, anchor_text(anchor)}));
      previous = anchor_digest(anchor_text(anchor));
      from_seq = last->seq + 1;
      made.push_back(std::move(anchor));
    }
  }));
  TRY(files.make_directories(directory));
  // Every anchor whose file is not there is written (again): a disk that was full yesterday leaves no gap.
  TRY(store_.read([&](const store::View& view) -> Result<> {
    TRY_ASSIGN(const auto anchors, view.audit().anchors());
    for (const store::AnchorRow& row : anchors) {
      const std::string path = platform::join(directory, row.day + ".json");
      if (!files.info(path).ok()) TRY(platform::replace_file(files, path, row.doc + "\n", 0644));
    }
    return {};
  }));
  return static_cast<int>(made.size());
}

Result<> Audit::export_to(platform::FileSystem& files, const std::string& directory) const {
  const std::string anchors_directory = platform::join(directory, "anchors");
  TRY(files.make_directories(anchors_directory));
  const std::string path = platform::join(directory, "audit.jsonl");
  TRY_ASSIGN(const auto file, files.create(path + ".part"));
  TRY(store_.read([&](const store::View& view) -> Result<> {
    std::string lines;
    Result<> written;
    TRY(view.audit().walk(1, [&](const store::AuditRow& row) {
      append_audit_line(lines, row);
      if (lines.size() < (1U << 16)) return true;
      written = file->append(lines);
      lines.clear();
      return written.ok();
    }));
    TRY(std::move(written));
    TRY(file->append(lines));
    TRY_ASSIGN(const auto anchors, view.audit().anchors());
    for (const store::AnchorRow& row : anchors) {
      TRY(platform::replace_file(files, platform::join(anchors_directory, row.day + ".json"), row.doc + "\n", 0644));
    }
    return {};
  }));
  TRY(file->sync());
  TRY(files.rename(path + ".part", path));
  TRY(platform::replace_file(files, platform::join(directory, "public_key"), public_key() + "\n", 0644));
  return files.sync_directory(directory);
}

}  // namespace pandun::guard
