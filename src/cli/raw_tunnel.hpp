#pragma once

#include <string>

#include "context.hpp"
#include "instatunnel/wire/itp_head.hpp"

namespace instatunnel::cli {

/// `instatunnel tcp TARGET` and `instatunnel tls TARGET`.
struct raw_tunnel_options {
    wire::itp::stream_kind kind = wire::itp::stream_kind::tcp;
    std::string target;
    std::string subdomain;
    std::string remote_port;     ///< tcp; empty: any
    std::string proxy_protocol;  ///< v1 or v2; empty: the local program gets the visitor's bytes alone
    bool quiet = false;
};
outcome<exit_code> run_raw_tunnel(const raw_tunnel_options& options, context& c);

}  // namespace instatunnel::cli
