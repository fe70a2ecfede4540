#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "instatunnel/doctor/report.hpp"

/// What the checks are made of.
namespace instatunnel::doctor {

/// Every check there is, in the order of a report.
enum class step : std::uint8_t {
    version,
    configuration,
    key,
    dns,
    tcp,
    proxy,
    tls,
    api,
    clock,
    account,
    plan,
    transport,
    port,
    host,
    mcp,
};

/// With id and title, and nothing looked at yet.
check make_check(step which);

// Each gives the check with its verdict; texts of others are made printable and cut here.
check well(check c, std::string found);
check warned(check c, std::string found, std::string cause, std::string mend, errc code = errc::ok);
check failed(check c, std::string found, const failure& why);
check skipped(check c, std::string cause, std::string mend = {});

/// At most 300 bytes, control characters (also of Latin-1) replaced by '?', invalid UTF-8 left to whoever prints JSON.
std::string presentable(std::string text);

}  // namespace instatunnel::doctor
