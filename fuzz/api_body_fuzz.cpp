// Any bytes as the body and the query of any operation: faults are reported, never a crash; what is accepted can be read.
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "api/contract.h"
#include "api/http/url.h"

namespace {

using namespace pandun::api;

const Contract& contract() {
  static const std::unique_ptr<Contract> kContract = std::move(Contract::parse(kOpenApiText)).value();
  return *kContract;
}

void check_query(const Operation& operation, const std::string& text) {
  const auto target = http::parse_target("/x?" + text);
  if (!target) return;
  std::vector<Fault> faults;
  contract().check_query(operation, target->query, faults);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto& operations = contract().operations();
  const Operation& operation = operations[data[0] % operations.size()];
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_query(operation, text);
  if (!operation.has_body) return 0;
  std::vector<Fault> faults;
  const auto body = contract().read_body(operation, text, faults);
  if (body.has_value() != faults.empty()) std::abort();
  if (!body) return 0;
  for (const char* key : {"reports", "receipts", "fields"})
    for (const Body& one : body->objects(key))
      if (one.text("call").size() > 64 || one.integer("since_s") < 0) std::abort();
  for (const char* key : {"username", "roles", "fields", "scope", "version", "confidence", "disabled"}) {
    if (body->text(key).find('\0') != std::string::npos) std::abort();
    static_cast<void>(body->texts(key).size() + body->text_map(key).size());
    static_cast<void>(body->object(key).texts("tokens").size());
    static_cast<void>(body->number(key) + static_cast<double>(body->integer(key)));
  }
  return 0;
}
