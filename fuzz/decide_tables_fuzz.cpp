// Any bytes as what the decider answers from: policies, trunks, list manifests, lists of numbers and their compiled files. Refused
// with words, or safe to ask; nothing that rejects or holds is taken without two people. The first byte chooses.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "base/hash.h"
#include "decide/number_list.h"
#include "decide/policy.h"
#include "decide/trunk.h"
#include "fuzz_directory.h"
#include "registry/numbering_plan.h"
#include "sip/trunks.h"

namespace {

using namespace pandun;
using namespace pandun::decide;

constexpr WallMs kNow{1'795'395'600'000};

class Plan final : public NumberReader {
 public:
  model::NumberKey read(std::string_view text) const override { return plan_.parse(text); }

 private:
  registry::NumberingPlan plan_ =
      std::move(registry::NumberingPlan::load(platform::posix_files(), PANDUN_SOURCE_DIR "/content/numbering")).value();
};

const platform::SealKey& key() {
  static const platform::SealKey kKey{std::array<unsigned char, 32>{7}};
  return kKey;
}

bool two_people(const std::vector<std::string>& list) {
  const std::set<std::string> people(list.begin(), list.end());
  return people.size() >= 2 && !people.contains("");
}

void policies(std::string_view text) {
  const auto parsed = parse_policies("p.toml", text);
  if (!parsed.ok()) return;
  CHECK(parsed->size() <= kPoliciesMax);
  for (const Policy& policy : *parsed) {
    if (!policy.hold || !policy.enabled) continue;
    CHECK(two_people(policy.approved_by) && policy.hold_s >= 1 && policy.hold_s <= kHoldSecondsMax);
    CHECK(policy.holds_per_hour_max >= 1 && policy.approved_at < policy.expires_at);
  }
}

void trunks(std::string_view text) {
  if (const auto plan = parse_trunks("t.toml", text); plan.ok()) {
    for (const Trunk& trunk : plan->trunks) {
      for (const std::string_view number : {"+8613800138000", "13800138000", "0013800138000", "", "0", "17951110"}) {
        const std::string dialled = apply_dial_plan(trunk, number);
        CHECK(dialled.size() <= number.size() + trunk.add.size());
        CHECK(!number.starts_with('+') || dialled == number);
      }
    }
  }
  if (const auto loaded = sip::Trunks::load("s.toml", text); loaded.ok()) {
    for (const sip::Trunk& trunk : loaded->all()) CHECK(loaded->named(trunk.name) != nullptr);
    for (const char* peer : {"192.0.2.1", "10.0.0.1", "2001:db8::1", "0.0.0.0", "255.255.255.255", "::"}) {
      const auto address = model::IpAddress::parse(peer);
      CHECK(address.has_value());
      (void)loaded->find(*address);
      (void)loaded->is_next_hop(*address);
    }
  }
}

void manifest(std::string_view text) {
  const auto parsed = parse_list_manifest("l.toml", text);
  if (!parsed.ok()) return;
  const bool rejects = parsed->kind == ListKind::kReject || parsed->kind == ListKind::kDoNotOriginate;
  CHECK(!rejects || (two_people(parsed->approved_by) && !parsed->ground.empty()));
}

ListManifest any_manifest() {
  ListManifest out;
  out.name = "fuzz";
  out.expires_at = WallMs{kNow.ms + 1'000'000};
  return out;
}

void list(const FuzzDirectory& room, std::string_view text) {
  static const Plan kPlan;
  const std::string csv = room.write("l.csv", text);
  const auto compiled = compile_list(platform::posix_files(), csv, room.file("l.bin"), key(), kPlan);
  if (!compiled.ok()) return;
  const auto lines = static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  CHECK(compiled->entries + compiled->repeats + compiled->rejected <= lines);
  CHECK(compiled->rejects.size() == std::min<std::uint64_t>(20, compiled->rejected));
  const auto opened = NumberList::open(room.file("l.bin"), any_manifest(), key());
  CHECK(opened.ok() && (*opened)->entries() == compiled->entries);
  if (text.find_first_of(",\"#\xEF") != std::string_view::npos || text.find("number") != std::string_view::npos) return;
  for (std::size_t at = 0; at < text.size();) {  // one number a line
    const std::size_t stop = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, stop - at);
    at = stop + 1;
    const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r'; };
    while (!line.empty() && blank(line.front())) line.remove_prefix(1);
    while (!line.empty() && blank(line.back())) line.remove_suffix(1);
    if (line.empty()) continue;
    const model::NumberKey number = kPlan.read(line);
    const bool usable = number.kind() != model::NumberKind::kInvalid && number.kind() != model::NumberKind::kWithheld;
    CHECK((*opened)->find(number, kNow).found == usable);
    CHECK(!(*opened)->find(number, WallMs{kNow.ms + 1'000'000}).found);
  }
}

// The bytes are slots; the first eight say how many entries there are said to be, and whether the header is left as it should be.
void compiled_file(const FuzzDirectory& room, std::string_view bytes) {
  if (bytes.size() < 8) return;
  std::array<std::uint64_t, 8> header{};
  std::memcpy(header.data(), "PNDLIST1", 8);
  const std::string_view slots = bytes.substr(8);
  header[1] = slots.size() / 16;
  header[2] = static_cast<unsigned char>(bytes[0]);
  header[3] = hash64(slots);
  header[4] = platform::short_hash(platform::short_hash_key(key(), "decide:list"), {});
  if (const auto broken = static_cast<unsigned char>(bytes[1]); broken != 0)
    header[broken % 5] ^= static_cast<unsigned char>(bytes[2]) * 0x0101010101010101ULL;
  header[5] = hash64({reinterpret_cast<const char*>(header.data()), 40}, 1);
  std::string file(reinterpret_cast<const char*>(header.data()), sizeof header);
  file += slots;
  const auto opened = NumberList::open(room.write("f.bin", file), any_manifest(), key());
  if (!opened.ok()) return;
  for (const std::uint64_t number : {8613800138000ULL, 8613911112222ULL})
    (void)(*opened)->find(model::NumberKey::e164(number), kNow);
  std::uint64_t hash = 0;
  for (std::size_t i = 0; i + 16 <= slots.size(); i += 16) {
    std::memcpy(&hash, slots.data() + i, sizeof hash);
    (*opened)->prefetch(hash);
    (void)(*opened)->find_hash(hash, kNow);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const FuzzDirectory kRoom;
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'p':
      policies(text);
      break;
    case 't':
      trunks(text);
      break;
    case 'm':
      manifest(text);
      break;
    case 'f':
      compiled_file(kRoom, text);
      break;
    default:
      list(kRoom, text);
  }
  return 0;
}
