// Any bytes as a partner's lead file: never a crash, every line a lead in range or a fault that repeats nothing of it; read in
// two parts it says the same as read at once.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "exchange/lead_lines.h"
#include "exchange/memory_file.h"

namespace {

using namespace pandun;

struct Told {
  std::vector<std::string> lines;
  std::vector<std::uint64_t> offsets;
};

Told read(const std::string& text, std::uint64_t from) {
  const exchange::MemoryInput file(text);
  exchange::LineReader reader(file, from);
  Told out;
  std::string_view line;
  bool too_long = false;
  while (true) {
    const auto more = reader.next(line, too_long);
    CHECK(more.ok());
    if (!*more) return out;
    CHECK(line.size() <= exchange::kLeadLineMax);
    out.lines.emplace_back(line);
    out.offsets.push_back(reader.offset());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Told whole = read(text, 0);
  if (whole.lines.empty()) return 0;
  if (whole.lines.size() > 1) {
    const Told rest = read(text, whole.offsets[0]);
    CHECK(rest.lines.size() + 1 == whole.lines.size());
    CHECK(rest.lines.back() == whole.lines.back());
  }
  exchange::LeadLineParser parser;
  bool is_lead = false;
  if (!parser.begin(whole.lines[0], is_lead).ok()) return 0;
  for (std::size_t i = is_lead ? 0 : 1; i < whole.lines.size(); ++i) {
    exchange::LeadLine lead;
    if (const auto fault = parser.parse(whole.lines[i], lead)) {
      CHECK(!fault->code.empty() && !fault->why.empty());
      continue;
    }
    CHECK(exchange::usable_lead_id(lead.lead_id));
    CHECK(lead.confidence >= 0 && lead.confidence <= 1);
    CHECK(lead.kind == "withdrawn" || exchange::parse_hash(exchange::to_hex(lead.hash)) == lead.hash);
  }
  return 0;
}
