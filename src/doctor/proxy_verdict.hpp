#pragma once

#include <string>
#include <string_view>

#include "instatunnel/doctor/examination.hpp"
#include "instatunnel/doctor/report.hpp"

namespace instatunnel::doctor {

/// Whether NO_PROXY takes `host` out: "*", the name itself, or a domain that it is in (with or without a leading dot).
bool is_without_proxy(std::string_view no_proxy, std::string_view host);

/// This program connects directly, whatever the variables say: that is told, and whether it works.
check judge_proxy(const proxy_variables& variables, const std::string& host, bool is_reached);

}  // namespace instatunnel::doctor
