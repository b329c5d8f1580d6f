# Turns the files IN (divided by |) into a C++ source OUT that defines them as one constant, a literal for each line.
string(REPLACE "|" ";" files "${IN}")
set(text "")
foreach(file IN LISTS files)
  file(READ ${file} one)
  string(APPEND text "${one}\n")
endforeach()
string(REPLACE "\n" "\n)~~\"\nR\"~~(" text "${text}")
file(WRITE ${OUT} "#include \"server/shipped_rules.h\"
namespace pandun::server {
namespace {
constexpr char kText[] =
R\"~~(${text})~~\";
}
const std::string_view kShippedRulesText(kText, sizeof kText - 1);
}
")
