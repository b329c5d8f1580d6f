// The numbering plan: what a string of digits is, in E.164 and in China's national plan. The plan itself is data
// (content/numbering/*.csv); this compiles it into flat tables.
//
// Forms    accepted: "+86 138-0013-8000", "0086…", "86…", "0571-8888 8888", "(0571)88888888", "13800138000", 13-digit
//          machine numbers, "10086", "95588", "tel:…;ext=1", IP-dialling prefixes (17951…), full-width digits.
//          One number has one key, whatever its form: +8610086 and 10086 are the same.
// Kinds    withheld: empty, "-", "anonymous", "unknown", "private"… · opaque: anything else that is not digits, and a
// local
//          number of 7 or 8 digits when no home area is stated · invalid: digits that cannot be a number anywhere. A
//          home form wins over a foreign one: 15105550123 is China's 151 segment, not +1 510.
// Errors   load(): every fault at once, as file:line.
// Threads  immutable once loaded; any number of readers. parse() and facts() do not allocate.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "model/number.h"
#include "platform/file_system.h"

namespace pandun::registry {

struct NumberContext {
  std::uint16_t home_country = 86;  // calling code that national forms belong to
  std::string_view home_area;       // area code without 0 ("571"); lets 7 and 8 digit local numbers be completed
  bool opaque = false;              // the column holds hashes or ids: never read digits as a telephone number
};

enum class NumberClass : std::uint8_t {
  kMobile,
  kMobileVirtual,
  kIot,
  kSatellite,
  kFixed,
  kTollFree,
  kService,
  kShort,
  kEmergency,
  kInternational,
  kOpaque,
  kInvalid,
  kWithheld,
};
std::string_view name(NumberClass kind);  // "mobile", "mobile_virtual", "iot", …

// Views point into the plan. Empty = not known or does not apply. The carrier is the one the segment was given to:
// numbers are portable, so it does not prove the present carrier.
struct PhoneFacts {
  NumberClass kind = NumberClass::kWithheld;
  std::uint16_t country_code = 0;                    // E.164 calling code; 0 = none
  std::string_view country, country_zh, country_en;  // ISO 3166 alpha-2 ("001" for shared codes), names
  std::string_view area_code;                        // "571"
  std::string_view province_code;                    // GB/T 2260, two digits: "33"
  std::string_view province_zh, province_en, region_zh,
      region_en;                            // region: the city, or the province where the code spans it
  std::string_view carrier;                 // "telecom", "mobile", "unicom", "broadnet", "satellite", "virtual"
  std::string_view service_zh, service_en;  // what a service or short number is
  bool unverified = false;                  // the row is marked so in the data
};

struct PlanSource {
  std::string name;  // shown in faults
  std::string text;
};

class NumberingPlan {
 public:
  struct Tables;  // plan_tables.h, this folder's own
  NumberingPlan();
  ~NumberingPlan();
  NumberingPlan(NumberingPlan&&) noexcept;
  NumberingPlan& operator=(NumberingPlan&&) noexcept;

  // directory holds countries.csv, cn_areas.csv, cn_segments.csv and cn_services.csv.
  static Result<NumberingPlan> load(platform::FileSystem& files, const std::string& directory);
  static Result<NumberingPlan> compile(const PlanSource& countries, const PlanSource& areas, const PlanSource& segments,
                                       const PlanSource& services);

  model::NumberKey parse(std::string_view text, const NumberContext& context = {}) const;
  PhoneFacts facts(model::NumberKey number) const;
  // Whether facts() of China's numbers depend on nothing but their length and the first five digits of the national number,
  // for all that begin with these five: 10000 to 99999.
  bool told_by_five(std::uint32_t first_five) const;

  std::size_t countries() const;
  std::size_t areas() const;

 private:
  std::unique_ptr<Tables> tables_;
};

}  // namespace pandun::registry
