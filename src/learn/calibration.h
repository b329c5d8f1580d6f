// Margins to probabilities, fitted on rows that the trees had not seen.
// Source   Platt 1999 with the targets of its section 2.2 and Newton's method (Lin, Lin, Weng 2007); isotonic: pool adjacent violators.
#pragma once

#include <span>

#include "learn/model.h"

namespace pandun::learn {

Calibration fit_platt(std::span<const double> margins, std::span<const std::uint8_t> labels);
Calibration fit_isotonic(std::span<const double> margins, std::span<const std::uint8_t> labels);

}  // namespace pandun::learn
