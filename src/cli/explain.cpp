#include <fmt/format.h>

#include <boost/json.hpp>

#include "cli/commands.h"
#include "detectors/catalog.h"
#include "platform/file_system.h"

namespace pandun::cli {
namespace {

namespace bj = boost::json;

std::string text_of(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

double number_of(const bj::object& object, std::string_view key) {
  const bj::value* value = object.if_contains(key);
  return value != nullptr && value->is_number() ? value->to_number<double>() : 0;
}

void explain(const bj::object& alert) {
  if (const bj::value* title = alert.if_contains("title"); title != nullptr && title->is_object())
    fmt::print("{}\n{}\n\n", text_of(title->get_object(), "en"), text_of(title->get_object(), "zh"));
  if (const bj::value* entity = alert.if_contains("entity"); entity != nullptr && entity->is_object())
    fmt::print("about       {} {}\n", text_of(entity->get_object(), "kind"), text_of(entity->get_object(), "value"));
  fmt::print("from, to    {}  {}\n", text_of(alert, "first"), text_of(alert, "last"));
  fmt::print("severity    {} of 100, confidence {:.2f}\n\nwhy\n", number_of(alert, "severity"),
             number_of(alert, "confidence"));
  if (const bj::value* evidence = alert.if_contains("evidence"); evidence != nullptr && evidence->is_array())
    for (const bj::value& item : evidence->get_array())
      if (item.is_object())
        fmt::print("  {:<28} {:>12.6g} {:<10} threshold {:.6g}\n", text_of(item.get_object(), "feature"),
                   number_of(item.get_object(), "value"), text_of(item.get_object(), "unit"),
                   number_of(item.get_object(), "threshold"));
  if (const bj::value* lines = alert.if_contains("source_lines"); lines != nullptr && lines->is_array()) {
    fmt::print("\nrecords\n");
    for (const bj::value& line : lines->get_array())
      if (line.is_string()) fmt::print("  {}\n", std::string_view(line.get_string()));
  }
  const std::string detector = text_of(alert, "detector");
  for (const detect::DetectorPart& part : detectors::catalog())
    if (part.spec().name == detector)
      fmt::print("\n{}: {}\n{}\n\nmay be harmless\n{}\n{}\n", detector, part.spec().finds_en, part.spec().finds_zh,
                 part.spec().false_positives_en, part.spec().false_positives_zh);
}

int run_explain(const Arguments& arguments) {
  const bool json = arguments.has("--json");
  const std::string id = arguments.rest().front(), path = platform::join(arguments.text("--in"), "alerts.jsonl");
  const auto content = platform::read_file(platform::posix_files(), path, 8ULL << 30);
  if (!content.ok()) return fail(content.error(), json);
  const std::string needle = "\"id\":\"" + id + "\"";
  const std::size_t at = content->find(needle);
  if (at == std::string::npos) return fail(error(Errc::kNotFound, path, "holds no alert " + id), json);
  const std::size_t begin = content->rfind('\n', at) + 1;
  const std::string line = content->substr(begin, content->find('\n', at) - begin);
  if (json) {
    fmt::print("{}\n", line);
    return 0;
  }
  boost::system::error_code bad;
  const bj::value alert = bj::parse(line, bad);
  if (bad || !alert.is_object()) return fail(error(Errc::kBadInput, path, "the alert's line is not JSON"), json);
  explain(alert.get_object());
  return 0;
}

}  // namespace

const Command kExplain{"explain",
                       "say in words why an alert of a replay was raised",
                       {{"--in", "DIR", "the replay's result directory", FlagKind::kText, "", true}, kJson},
                       "ALERT",
                       "the alert's id",
                       1,
                       1,
                       run_explain};

}  // namespace pandun::cli
