// Prometheus text, written in a stable order.
//
// Source   Prometheus exposition formats, text format 0.0.4.
#pragma once

#include <string>
#include <vector>

#include "api/platform_port.h"

namespace pandun::api {

// Samples of one name must have one kind and help; they are gathered under one header, names in order. Of two samples with the
// same name and labels the first stays: a scraper would refuse the whole answer otherwise.
std::string prometheus_text(std::vector<Metric> metrics);

}  // namespace pandun::api
