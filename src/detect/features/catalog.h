// The feature catalogue: every feature's name, meaning and how it is worked out, once.
//
// Safety   names are content: rules, models and reports use them. Append; never rename, never change a meaning.
// Threads  immutable.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "detect/features/cell_activity.h"
#include "detect/features/contact_kind.h"
#include "detect/features/device_activity.h"
#include "detect/features/dialling_activity.h"
#include "detect/features/host_activity.h"
#include "detect/features/number_activity.h"
#include "model/entity.h"

namespace pandun::detect {

enum class Exactness : std::uint8_t {
  kExact,     // equal to a brute-force pass over the events
  kSketch,    // exact up to 8,192 things (peers in lists by 16 bits of hash), then within 3.3 % (1 sigma)
  kEstimate,  // the description says how far off it can be
  kSample,    // exact up to a few things a day, then a sample: number_history.h
};
std::string_view name(Exactness exactness);  // "exact", "exact, then sketch", "estimate", "exact, then sample"

struct Feature {
  std::uint16_t id = 0;   // index in the catalogue
  std::string name;       // "calls_out_1h"
  std::string_view unit;  // "calls", "ratio", "s", …
  model::EntityKind entity{};
  std::optional<Window> window;
  Exactness exactness{};
  std::uint8_t cost = 1;             // relative, for ordering the tests of a rule
  bool bounded_by_contacts = false;  // never more than contacts_at_most()
  bool outgoing = false;             // of those, it counts only what the number itself called or sent
  std::uint8_t kinds = kAnyContact;  // of a device's or cell's contacts, which it counts: bits of ContactKind
  bool bounded_by_numbers = false;   // never more than the different numbers on the device
  std::string doc_en, doc_zh;
  std::string title_en, title_zh;                     // a few words: "calls made in 1 h"
  double (*number)(const NumberActivity&) = nullptr;  // one of these
  double (*host)(const HostActivity&) = nullptr;
  double (*dialling)(const DiallingActivity&) = nullptr;  // of a number too
  double (*device)(const DeviceActivity&) = nullptr;
  double (*cell)(const CellActivity&) = nullptr;
  // A number's; `paced` null: it does not dial at pace, and nothing of that is known.
  double of(const NumberActivity& activity, const DiallingActivity* paced) const {
    if (number != nullptr) return number(activity);
    return paced == nullptr ? std::numeric_limits<double>::quiet_NaN() : dialling(*paced);
  }
};

std::string_view span_en(Window w);  // as titles say it: "1 h"
std::string_view span_zh(Window w);  // "1 小时"

std::span<const Feature> features();
const Feature* find_feature(model::EntityKind entity, std::string_view name);
// The closest name by edit distance, empty when none is close.
std::string_view nearest_feature(model::EntityKind entity, std::string_view name);

}  // namespace pandun::detect
