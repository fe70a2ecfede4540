#pragma once

#include <string_view>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/doctor/report.hpp"

namespace instatunnel::doctor {

/// Compares this machine's clock with a Date field. `took`: from the request to its answer, which blurs the
/// comparison, as does the field's whole second.
check judge_clock(std::string_view date, wall_time now, std::chrono::milliseconds took);

}  // namespace instatunnel::doctor
