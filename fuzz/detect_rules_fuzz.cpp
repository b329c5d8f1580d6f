// Any bytes as a rule file and as a condition: faults with a place, never a crash; what compiles can be dumped and asked.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "detect/features/host_state.h"
#include "detect/features/number_state.h"
#include "detect/rules/rule_set.h"

namespace {

using namespace pandun;
using namespace pandun::detect;

class Facts final : public NumberFacts {
 public:
  std::string_view protected_group(model::NumberKey) const override { return "courier"; }
  bool emergency_or_service(model::NumberKey) const override { return false; }
};
class Services final : public KnownServices {
 public:
  KnownService address(const model::IpAddress&) const override { return KnownService::kCdn; }
  KnownService domain(std::string_view) const override { return KnownService::kNone; }
};

struct Subjects {
  model::NumberKey number = model::NumberKey::e164(8613800000001);
  model::IpAddress host = model::IpAddress::v4(1);
  NumberActivities numbers{NumberOptions{}};
  HostActivities hosts{HostOptions{}};
  Facts facts;
  Services services;
  Ports ports{nullptr, &services, &facts};
  Subjects() {
    numbers.update(number, hash_of(model::key_of(number)),
                   {EventMs{1000}, number, true, false, model::Answered::kYes, 5, {}, {}}, EventMs{1000});
    hosts.update(host, hash_of(host), {1, 2, 3, 4, 5, HostContact::kFlow, 1}, EventMs{1000});
  }
};

void ask(const Program& program, model::EntityKind entity) {
  static Subjects subjects;
  const NumberActivity number(
      subjects.numbers, *subjects.numbers.find(subjects.number, hash_of(model::key_of(subjects.number)), EventMs{1000}),
      subjects.number);
  const HostActivity host(subjects.hosts, *subjects.hosts.find(subjects.host, hash_of(subjects.host), EventMs{1000}),
                          subjects.host);
  const bool about_number = entity == model::EntityKind::kNumber;
  const RuleSubject subject{about_number ? &number : nullptr, about_number ? nullptr : &host, &subjects.ports};
  if (program.holds(subject) && number.contacts_at_most() < program.contacts_min() && about_number) std::abort();
  (void)program.evidence(subject);
  if (program.dump().empty()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  for (const model::EntityKind entity : {model::EntityKind::kNumber, model::EntityKind::kIp}) {
    std::vector<ExpressionFault> faults;
    const Tree tree = parse(text, entity, faults);
    for (const ExpressionFault& f : faults)
      if (f.offset > text.size() || f.code.empty() || f.message.empty()) std::abort();
    if (faults.empty()) ask(Program::compile(tree), entity);
  }
  const RuleSource source{"f.toml", text};
  const RuleCompilation compiled = RuleSet::compile({&source, 1});
  if ((compiled.rules == nullptr) == compiled.faults.empty()) std::abort();
  if (compiled.rules != nullptr)
    for (const Rule& rule : compiled.rules->rules()) ask(rule.when, rule.entity);
  return 0;
}
