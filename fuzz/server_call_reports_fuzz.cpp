// Reports of calls in progress as they wait on the disk: any bytes are refused or whole, and what is whole says the same again.
// What was read goes through the table of calls and the offers of endings, as a stranger's order of reports would.
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "decide/call_endings.h"
#include "decide/record_ring.h"
#include "server/call_reports.h"

namespace {

using namespace pandun;

constexpr WallMs kNow{1'790'000'000'000};

const decide::Decider& decider() {
  static const std::unique_ptr<decide::Decider> kDecider = [] {
    auto out = std::make_unique<decide::Decider>(decide::DeciderLimits{64, 64, 64, 1});
    decide::SnapshotInput input;
    for (std::uint64_t i = 0; i < 4; ++i)
      input.measures.push_back({model::NumberKey::e164(8613700000000 + i), decide::Verdict::kReject, {INT64_MAX}, "M"});
    out->publish(std::move(input));
    return out;
  }();
  return *kDecider;
}

void use(const std::vector<decide::CallReport>& reports) {
  decide::CallEndings endings(decider(), 8, kNow);
  std::uint64_t cursor = 0;
  for (const decide::CallReport& report : reports) {
    model::Event event;
    event.time = report.told;
    const auto caller = model::NumberKey::e164(8613700000000 + report.caller.size() % 8);
    const auto callee = model::NumberKey::e164(8613900000000 + report.callee.size() % 4);
    if (report.route.size() % 3 == 2) {
      model::Call call;
      call.caller = caller;
      call.callee = callee;
      call.duration_s = report.since_s;
      event.payload = call;
    } else {
      model::CallProgress progress;
      progress.caller = caller;
      progress.callee = callee;
      progress.call = report.call;
      progress.route = report.route;
      progress.since_s = report.since_s;
      progress.stage = report.stage;
      event.payload = progress;
    }
    endings.take({&event, 1}, kNow);
    const auto page = endings.after(cursor, {}, 2, kNow);
    if (report.international) cursor = page.next;
    if (!page.items.empty() && report.since_s % 5 == 4) {
      const decide::EndingReceipt receipt{page.items[0].call, decide::EndingOutcome::kEnded};
      CHECK(endings.note({&receipt, 1}) == 1);
    }
    const decide::CallEndings::Figures f = endings.figures();
    CHECK(f.in_progress <= 8 && f.open <= f.offered);
    endings.age({kNow.ms + report.since_s});
    decide::DecisionRecord written;
    while (!report.international && decider().records().pop(written)) CHECK(written.ending);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<decide::CallReport> reports;
  if (!server::decode_call_reports({reinterpret_cast<const char*>(data), size}, reports)) return 0;
  std::vector<decide::CallReport> again;
  CHECK(server::decode_call_reports(server::encode_call_reports(reports), again) && again.size() == reports.size());
  for (std::size_t i = 0; i < reports.size(); ++i) {
    CHECK(again[i].call == reports[i].call && again[i].told == reports[i].told &&
          again[i].since_s == reports[i].since_s);
    CHECK(again[i].stage == reports[i].stage && again[i].international == reports[i].international);
  }
  use(reports);
  return 0;
}
