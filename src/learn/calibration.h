// Margins to probabilities, fitted on rows that the trees had not seen.
// Source   Platt 1999 with the targets of its section 2.2 and Newton's method (Lin, Lin, Weng 2007); isotonic: pool adjacent violators.
#pragma once

#include <span>

#include "learn/model.h"

namespace pandun::learn {

Calibration fit_platt(std::span<const double> margins, std::span<const std::uint8_t> labels);
// How much of `beside` to add to the margins, so that the sum foretells the labels best: 0 when that brings no more than `gain_min` of
// log-loss for each row.
double fit_share(std::span<const double> margins, std::span<const double> beside, std::span<const std::uint8_t> labels,
                 double gain_min);
Calibration fit_isotonic(std::span<const double> margins, std::span<const std::uint8_t> labels);

}  // namespace pandun::learn
