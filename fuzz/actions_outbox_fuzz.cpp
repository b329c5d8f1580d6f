// Any bytes as a carrier's receipt in the inbox: read or refused with a reason, and once it was dealt with it is out of the way.
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "actions/kit/action.h"
#include "fuzz_directory.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  static const FuzzDirectory kHome;
  static const std::unique_ptr<actions::Action> kOutbox = [] {
    const actions::ActionEnvironment environment{platform::posix_files(), kHome.path(),
                                                 platform::SealKey(std::array<unsigned char, 32>{7})};
    for (const actions::ActionPart& part : actions::catalog())
      if (part.spec().name == "outbox") return part.make(environment);
    return std::unique_ptr<actions::Action>();
  }();
  CHECK(kOutbox != nullptr && kOutbox->receipts().ok());
  auto& files = platform::posix_files();
  const std::string text(reinterpret_cast<const char*>(data), size);
  kHome.write("inbox/r.json", text);
  const auto receipts = kOutbox->receipts();
  CHECK(receipts.ok() && receipts->size() == 1);
  const actions::Receipt& receipt = receipts->front();
  CHECK(receipt.name == "r.json");
  CHECK(!receipt.fault.empty() || (!receipt.order.empty() && !receipt.state.empty()));
  if (receipt.fault.empty()) {
    CHECK(kOutbox->accepted(receipt).ok() && files.info(kHome.file("inbox/done/r.json")).ok());
  } else {
    CHECK(kOutbox->rejected(receipt, receipt.fault).ok() && files.info(kHome.file("inbox/bad/r.json.why")).ok());
  }
  const auto after = kOutbox->receipts();
  CHECK(after.ok() && after->empty());
  // An order under the name that the receipt gives is written inside the outbox, or refused.
  const actions::Order order{receipt.order, text};
  if (kOutbox->apply(order).ok()) {
    const std::string written = kHome.file("outbox/" + order.id + ".json");
    CHECK(order.id.find('/') == std::string::npos && files.info(written).ok() && files.remove(written).ok());
  }
  return 0;
}
