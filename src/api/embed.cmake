# Turns the file IN into a C++ source OUT that defines it as one constant, a literal for each line.
file(READ ${IN} text)
string(REPLACE "\n" "\n)~~\"\nR\"~~(" text "${text}")
file(WRITE ${OUT} "#include <string_view>
namespace pandun::api {
extern const std::string_view kOpenApiText;
namespace {
constexpr char kText[] =
R\"~~(${text})~~\";
}
const std::string_view kOpenApiText(kText, sizeof kText - 1);
}
")
