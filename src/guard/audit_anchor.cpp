#include "guard/audit_anchor.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>

#include "guard/json_writer.h"

namespace pandun::guard {
namespace {

namespace bj = boost::json;

std::string bytes_of_hex(std::string_view hex, std::size_t bytes) {
  std::string out(bytes, '\0');
  std::size_t length = 0;
  if (hex.size() != bytes * 2 || sodium_hex2bin(reinterpret_cast<unsigned char*>(out.data()), bytes, hex.data(),
                                                hex.size(), nullptr, &length, nullptr) != 0) {
    return {};
  }
  return out;
}

std::string unsigned_text(const Anchor& anchor) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().field("day", anchor.day).field_integer("last_seq", anchor.last_seq);
  json.field("last_hash", anchor.last_hash).field("previous", anchor.previous).field("public_key", anchor.public_key);
  json.end_object();
  return out;
}

Result<bj::object> parse_object(std::string_view text, const std::string& where) {
  bj::error_code failure;
  bj::value document = bj::parse(bj::string_view(text.data(), text.size()), failure);
  if (failure || !document.is_object()) return error(Errc::kCorrupt, where, "this is not a JSON object");
  return std::move(document.get_object());
}

Result<std::string> text_field(const bj::object& object, std::string_view name, const std::string& where) {
  const bj::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_string()) {
    return error(Errc::kCorrupt, where, fmt::format("the field '{}' is missing or not text", name));
  }
  return std::string(value->get_string());
}

Result<std::int64_t> integer_field(const bj::object& object, std::string_view name, const std::string& where) {
  const bj::value* value = object.if_contains(name);
  if (value == nullptr || !value->is_int64()) {
    return error(Errc::kCorrupt, where, fmt::format("the field '{}' is missing or not a whole number", name));
  }
  return value->get_int64();
}

}  // namespace

std::string hex_of(std::string_view bytes) {
  std::string out(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  out.pop_back();
  return out;
}

std::string anchor_text(const Anchor& anchor) {
  std::string out = unsigned_text(anchor);
  out.pop_back();
  out.append(",\"signature\":");
  append_json_string(out, anchor.signature);
  out.push_back('}');
  return out;
}

std::string anchor_digest(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  crypto_generichash(digest.data(), digest.size(), reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                     nullptr, 0);
  return hex_of({reinterpret_cast<const char*>(digest.data()), digest.size()});
}

void sign_anchor(Anchor& anchor, const std::string& secret_key) {
  const std::string text = unsigned_text(anchor);
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                       reinterpret_cast<const unsigned char*>(secret_key.data()));
  anchor.signature = hex_of({reinterpret_cast<const char*>(signature.data()), signature.size()});
}

bool anchor_signed_by(const Anchor& anchor, const std::string& public_key_hex) {
  const std::string key = bytes_of_hex(public_key_hex, crypto_sign_PUBLICKEYBYTES);
  const std::string signature = bytes_of_hex(anchor.signature, crypto_sign_BYTES);
  if (key.empty() || signature.empty()) return false;
  const std::string text = unsigned_text(anchor);
  return crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                     reinterpret_cast<const unsigned char*>(text.data()), text.size(),
                                     reinterpret_cast<const unsigned char*>(key.data())) == 0;
}

Result<Anchor> parse_anchor(std::string_view json, const std::string& where) {
  TRY_ASSIGN(const bj::object object, parse_object(json, where));
  Anchor anchor;
  TRY_ASSIGN(anchor.day, text_field(object, "day", where));
  TRY_ASSIGN(anchor.last_seq, integer_field(object, "last_seq", where));
  TRY_ASSIGN(anchor.last_hash, text_field(object, "last_hash", where));
  TRY_ASSIGN(anchor.previous, text_field(object, "previous", where));
  TRY_ASSIGN(anchor.public_key, text_field(object, "public_key", where));
  TRY_ASSIGN(anchor.signature, text_field(object, "signature", where));
  return anchor;
}

void append_audit_line(std::string& out, const store::AuditRow& row) {
  std::string entry = canonical_audit_entry(row);
  entry.pop_back();
  out.append(entry).append(",\"prev_hash\":");
  append_json_string(out, row.prev_hash);
  out.append(",\"hash\":");
  append_json_string(out, row.hash);
  out.append("}\n");
}

Result<store::AuditRow> parse_audit_line(std::string_view line, const std::string& where) {
  TRY_ASSIGN(const bj::object object, parse_object(line, where));
  store::AuditRow row;
  TRY_ASSIGN(row.seq, integer_field(object, "seq", where));
  TRY_ASSIGN(const std::string at, text_field(object, "at", where));
  const auto time = parse_rfc3339(at);
  if (!time) return error(Errc::kCorrupt, where, "'at' is not a time");
  row.at = WallMs{*time};
  TRY_ASSIGN(row.actor, text_field(object, "actor", where));
  TRY_ASSIGN(row.action, text_field(object, "action", where));
  TRY_ASSIGN(row.object, text_field(object, "object", where));
  TRY_ASSIGN(row.prev_hash, text_field(object, "prev_hash", where));
  TRY_ASSIGN(row.hash, text_field(object, "hash", where));
  const bj::value* detail = object.if_contains("detail");
  if (detail == nullptr || !detail->is_object()) return error(Errc::kCorrupt, where, "'detail' is missing");
  AuditDetail pairs;
  for (const auto& [key, value] : detail->get_object()) {
    if (!value.is_string()) return error(Errc::kCorrupt, where, "'detail' holds something that is not text");
    pairs.emplace_back(std::string(key), std::string(value.get_string()));
  }
  row.detail = canonical_detail(std::move(pairs));
  return row;
}

ChainChecker::ChainChecker(std::vector<Anchor> anchors, std::string public_key_hex)
    : anchors_(std::move(anchors)), public_key_(std::move(public_key_hex)), last_hash_(64, '0') {
  std::sort(anchors_.begin(), anchors_.end(), [](const Anchor& a, const Anchor& b) { return a.last_seq < b.last_seq; });
}

bool ChainChecker::broken(std::int64_t seq, std::string reason) {
  report_.ok = false;
  report_.broken_at = seq;
  report_.reason = std::move(reason);
  return false;
}

bool ChainChecker::add(const store::AuditRow& row) {
  if (!report_.ok) return false;
  const std::int64_t expected = report_.last + 1;
  if (row.seq != expected) {
    return broken(expected, fmt::format("entry {} is missing; entry {} stands in its place", expected, row.seq));
  }
  if (row.prev_hash != last_hash_)
    return broken(row.seq, fmt::format("entry {} does not follow the one before it", row.seq));
  if (row.hash != audit_hash(row.prev_hash, canonical_audit_entry(row))) {
    return broken(row.seq, fmt::format("entry {} was changed: its content does not fit its hash", row.seq));
  }
  while (next_anchor_ < anchors_.size() && anchors_[next_anchor_].last_seq == row.seq) {
    const Anchor& anchor = anchors_[next_anchor_];
    if (!anchor_signed_by(anchor, public_key_)) {
      return broken(row.seq, fmt::format("the anchor of {} is not signed by the trusted key", anchor.day));
    }
    const std::string previous =
        next_anchor_ == 0 ? std::string(64, '0') : anchor_digest(anchor_text(anchors_[next_anchor_ - 1]));
    if (anchor.previous != previous) {
      return broken(
          row.seq, fmt::format("the anchor of {} does not follow the one before it: an anchor is missing", anchor.day));
    }
    if (anchor.last_hash != row.hash) {
      return broken(row.seq, fmt::format("the anchor of {} fixed another entry {}: the chain was rewritten", anchor.day,
                                         row.seq));
    }
    ++next_anchor_;
    ++report_.anchors;
  }
  if (report_.entries == 0) report_.first = row.seq;
  ++report_.entries;
  report_.last = row.seq;
  last_hash_ = row.hash;
  return true;
}

VerifyReport ChainChecker::finish() {
  if (report_.ok && next_anchor_ < anchors_.size()) {
    const Anchor& anchor = anchors_[next_anchor_];
    broken(report_.last + 1,
           fmt::format("the anchor of {} fixed entry {}, but the chain ends at {}: entries were cut off", anchor.day,
                       anchor.last_seq, report_.last));
  }
  return report_;
}

Result<VerifyReport> verify_audit_export(platform::FileSystem& files, const std::string& directory,
                                         const std::string& trusted_key) {
  std::string key = trusted_key;
  if (key.empty()) {
    TRY_ASSIGN(key, platform::read_file(files, platform::join(directory, "public_key"), 1024));
    while (!key.empty() && (key.back() == '\n' || key.back() == '\r' || key.back() == ' ')) key.pop_back();
  }
  const auto failed = [](const Error& why, std::int64_t at) {
    VerifyReport report;
    report.ok = false;
    report.broken_at = at;
    report.reason = why.text();
    return report;
  };
  std::vector<Anchor> anchors;
  const std::string anchors_directory = platform::join(directory, "anchors");
  if (files.info(anchors_directory).ok()) {
    TRY_ASSIGN(const auto names, files.list(anchors_directory));
    for (const std::string& name : names) {
      if (!name.ends_with(".json")) continue;
      const std::string path = platform::join(anchors_directory, name);
      TRY_ASSIGN(const std::string text, platform::read_file(files, path, 1 << 16));
      Result<Anchor> anchor = parse_anchor(text, path);
      if (!anchor.ok()) return failed(anchor.error(), 0);
      anchors.push_back(std::move(*anchor));
    }
  }
  const std::string path = platform::join(directory, "audit.jsonl");
  TRY_ASSIGN(const std::string text, platform::read_file(files, path, 8ULL << 30));
  ChainChecker checker(std::move(anchors), key);
  std::int64_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    ++number;
    Result<store::AuditRow> row =
        parse_audit_line(std::string_view(text).substr(begin, end - begin), fmt::format("{}:{}", path, number));
    if (!row.ok()) return failed(row.error(), number);
    if (!checker.add(*row)) break;
    begin = end + 1;
  }
  return checker.finish();
}

}  // namespace pandun::guard
