#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "platform/process.h"

namespace pandun::cli {
namespace {

struct Bound {
  const Command* command;
  CLI::App* app;
  Arguments arguments;
};

std::string help_of(const Flag& flag) {
  std::string help(flag.help);
  if (!flag.fallback.empty()) help.append(" [").append(flag.fallback).append("]");
  return help;
}

void bind_flag(Bound& bound, const Flag& flag) {
  const std::string name(flag.name);
  auto& values = bound.arguments.values_;
  CLI::Option* option = nullptr;
  if (flag.kind == FlagKind::kSwitch) {
    option = bound.app->add_flag_callback(
        name, [&values, name] { values[name] = {"1"}; }, help_of(flag));
  } else {
    const auto take = [&values, name](const CLI::results_t& got) {
      values[name] = got;
      return true;
    };
    option = bound.app->add_option(name, take, help_of(flag));
    option->type_name(std::string(flag.value));
    if (flag.kind == FlagKind::kMany)
      option->expected(1, -1);
    else
      option->expected(1);
    if (flag.kind == FlagKind::kInteger) option->check(CLI::TypeValidator<std::int64_t>("INT"));
    if (flag.kind == FlagKind::kNumber) option->check(CLI::Number);
    if (!flag.fallback.empty()) values[name] = {std::string(flag.fallback)};
  }
  if (flag.required) option->required();
}

CLI::App* app_for(CLI::App& root, std::string_view name, std::string_view help) {
  const std::size_t space = name.find(' ');
  if (space == std::string_view::npos) return root.add_subcommand(std::string(name), std::string(help));
  const std::string group(name.substr(0, space));
  CLI::App* parent = nullptr;
  for (CLI::App* known : root.get_subcommands([](CLI::App*) { return true; }))
    if (known->get_name() == group) parent = known;
  if (parent == nullptr) {
    parent = root.add_subcommand(group, "");
    parent->require_subcommand(1);
  }
  std::string described = parent->get_description();
  if (!described.empty()) described += "; ";
  parent->description(described + std::string(help));
  return parent->add_subcommand(std::string(name.substr(space + 1)), std::string(help));
}

int run(int argc, char** argv) {
  CLI::App root{"Pandun (磐盾): security and anti-fraud operations platform", "pandun"};
  root.require_subcommand(1);
  root.footer(
      "Exit codes: 0 done, 2 usage, 3 bad configuration or content, 4 bad input, 5 not allowed, 6 unavailable, 70 "
      "internal error.");
  std::vector<std::unique_ptr<Bound>> all;
  for (const Command* command : commands()) {
    auto bound = std::make_unique<Bound>(Bound{command, app_for(root, command->name, command->help), {}});
    for (const Flag& flag : command->flags) bind_flag(*bound, flag);
    if (!command->rest.empty())
      bound->app->add_option(std::string(command->rest), bound->arguments.rest_, std::string(command->rest_help))
          ->expected(static_cast<int>(command->rest_min), static_cast<int>(command->rest_max))
          ->required(command->rest_min > 0);
    all.push_back(std::move(bound));
  }
  try {
    root.parse(argc, argv);
  } catch (const CLI::ParseError& stop) {
    if (stop.get_exit_code() == 0) return root.exit(stop);
    std::fprintf(stderr, "pandun: %s\nSee pandun --help, or pandun COMMAND --help.\n", stop.what());
    return info(Errc::kUsage).exit_code;
  }
  for (const auto& bound : all)
    if (bound->app->parsed()) return bound->command->run(bound->arguments);
  return info(Errc::kUsage).exit_code;
}

}  // namespace
}  // namespace pandun::cli

int main(int argc, char** argv) {
  pandun::platform::map_blocks_from(1U << 20);
  try {
    return pandun::cli::run(argc, argv);
  } catch (const std::exception& bug) {
    std::fprintf(stderr, "pandun: internal error: %s\n", bug.what());
    return 70;
  }
}
