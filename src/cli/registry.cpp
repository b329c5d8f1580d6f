#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/configured.h"
#include "guard/json_writer.h"
#include "guard/number_tokens.h"
#include "server/content.h"

namespace pandun::cli {
namespace {

int run_owner(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  auto settings = configured(arguments);
  if (!settings.ok()) return fail(settings.error(), json);
  auto content = server::load_content(platform::posix_files(), *settings);
  if (!content.ok()) return fail(content.error(), json);
  const std::string area = settings->text("ingest.home_area");
  const registry::NumberContext context{static_cast<std::uint16_t>(settings->integer("ingest.home_country")), area,
                                        false};
  for (const std::string& text : arguments.rest()) {
    const model::NumberKey number = (*content)->plan.parse(text, context);
    const registry::PhoneFacts facts = (*content)->plan.facts(number);
    const std::string_view group = (*content)->groups.protected_group(number);
    if (json) {
      std::string out;
      guard::JsonWriter(out)
          .begin_object()
          .field("number", guard::mask_number(number))
          .field("kind", registry::name(facts.kind))
          .field("country", facts.country)
          .local("region", facts.region_zh, facts.region_en)
          .field("carrier", facts.carrier)
          .field("protected_group", group)
          .key("unverified")
          .boolean(facts.unverified)
          .end_object();
      fmt::print("{}\n", out);
    } else {
      fmt::print("{}  {}  {} {} {} {}{}{}\n", guard::mask_number(number), registry::name(facts.kind), facts.country,
                 facts.province_zh, facts.region_zh, facts.carrier,
                 group.empty() ? "" : fmt::format("  protected: {}", group), facts.unverified ? "  (unverified)" : "");
    }
  }
  return 0;
}

}  // namespace

const Command kRegistryOwner{"registry owner",
                             "what the numbering plan says of numbers: kind, region, carrier, protected group",
                             {kConfig, kJson},
                             "NUMBER",
                             "any written form",
                             1,
                             100000,
                             run_owner};

}  // namespace pandun::cli
