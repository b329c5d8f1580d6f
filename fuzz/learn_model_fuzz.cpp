// Any bytes as a model file, and any body under a good seal: refused, or safe to walk and explain, and written again to the same bytes.
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "learn/digest.h"
#include "learn/scorer.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pandun;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)learn::read_model(text, "fuzz");
  // The digest is no secret: a stranger's body comes under a seal that fits.
  const std::size_t line = text.find('\n');
  const std::string_view body = text.starts_with("pandun-model ") && line != text.npos ? text.substr(line + 1) : text;
  std::string sealed = "pandun-model 1 " + learn::digest_hex(body) + " " + std::to_string(body.size()) + "\n";
  sealed.append(body);
  const auto scorer = learn::Scorer::load(sealed, "fuzz");
  if (!scorer.ok()) return 0;
  const std::size_t width = (*scorer)->features().size();
  for (const float value :
       {0.0F, -1.0F, 1e30F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    const std::vector<float> row(width, value);
    const float margin = (*scorer)->margin(row);
    CHECK(std::isfinite(margin));
    const double p = (*scorer)->score(row);
    CHECK(p >= 0 && p <= 1);
    std::vector<float> both(2);
    std::vector<float> rows(row);
    rows.insert(rows.end(), row.begin(), row.end());
    (*scorer)->margins(rows, both);
    CHECK(both[0] == margin && both[1] == margin);
    const learn::Explanation why = (*scorer)->explain(row);
    double sum = why.base, size_of = 1 + std::fabs(why.base);
    for (const learn::Contribution& part : why.contributions) sum += part.margin, size_of += std::fabs(part.margin);
    CHECK(std::isfinite(sum));
    CHECK(std::fabs(sum - why.margin) <= 1e-3 * size_of);
  }
  const auto again = learn::read_model(learn::write_model((*scorer)->model()), "fuzz");
  CHECK(again.ok());
  CHECK(learn::write_model(*again) == learn::write_model((*scorer)->model()));
  return 0;
}
