#pragma once

#include <string>
#include <vector>

#include "instatunnel/base/unique_fd.hpp"
#include "instatunnel/doctor/examination.hpp"
#include "instatunnel/doctor/report.hpp"
#include "instatunnel/net/dial.hpp"

/// From the server's name to a connection that can be trusted.
namespace instatunnel::doctor {

struct name_finding {
    check verdict;
    std::vector<net::socket_address> addresses;
};
name_finding look_up(const settings& s, const net::url_parts& server, std::chrono::milliseconds limit);

struct connection_finding {
    check verdict;
    unique_fd connected;  ///< to the first address that answered
};
/// Tries all of them at once.
connection_finding connect_to_all(const net::url_parts& server, const std::vector<net::socket_address>& addresses,
                                  std::chrono::milliseconds limit);

/// Shakes hands over a connection.
check check_tls(const settings& s, const net::url_parts& server, unique_fd connected, std::chrono::milliseconds limit);

}  // namespace instatunnel::doctor
