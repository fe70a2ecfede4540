#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "instatunnel/net/listener.hpp"
#include "instatunnel/wire/http1.hpp"
#include "instatunnel/wire/itp_head.hpp"

/// What the edge changes on heads that pass through, as pure functions.
namespace instatunnel::edge {

/// Host without the port, lower case, into `out` (kept by the caller for reuse). Empty for something that is no host.
std::string_view host_of_authority(std::string_view authority, std::string& out);

/// Where a request came in; texts that are the same for every request of a connection.
struct arrival {
    std::string forwarded_for;          ///< "203.0.113.7" or "2001:db8::7"
    std::string forwarded_node;         ///< the same as RFC 7239 §6 writes it: "\"[2001:db8::7]\"" for IPv6
    std::string port;                   ///< "443"
    std::string_view scheme = "https";  ///< or "http": how the visitor came to a proxy in front of the edge
};
arrival make_arrival(const net::peer_name& peer, std::uint16_t public_port);

/// Fills `out` with the fields of `head` that travel on: hop-by-hop ones and those that Connection names are left out,
/// a visitor's own forwarding fields and X-Instatunnel-* too; ours are added. `scratch` keeps the text of Forwarded and
/// lives as long as `out`'s views.
void forward_request_fields(const wire::request_head& head, const arrival& from, std::string& scratch,
                            std::vector<wire::field>& out);

/// Whether a trailer field may travel on (RFC 9110 §6.5.1).
bool may_be_trailer(std::string_view name) noexcept;

enum class reply_framing : std::uint8_t { none, length, chunked, close };

struct reply_plan {
    bool visitor_is_http10 = false;
    bool head_request = false;
    bool keep_alive = true;  ///< in: wanted; the caller sends Connection: close when it is not
    bool ended = false;      ///< no body follows
};

/// How the body of a reply is delimited towards a visitor (RFC 9112 §6).
reply_framing choose_framing(const wire::itp::reply_head& head, const reply_plan& plan) noexcept;

/// Whether a field of a reply is passed on: the length is the framing's, and a Set-Cookie that would reach every name
/// below `base_domain` is left out.
bool may_reach_visitor(const wire::field& f, std::string_view base_domain) noexcept;

/// Appends the whole HTTP/1.1 head. `base_domain`: a Set-Cookie that would reach every name below it is left out.
void append_reply_head(std::string& out, const wire::itp::reply_head& head, const reply_plan& plan,
                       reply_framing framing, std::string_view base_domain);
/// 1xx and 101 heads. `upgrade` is the protocol switched to (101), else empty.
void append_interim_head(std::string& out, const wire::itp::reply_head& head, std::string_view upgrade,
                         std::string_view base_domain);

/// Whether a Set-Cookie value carries Domain= with this domain or one above it, in any case, with dots or quotes around
/// (RFC 6265 §5.2.3): it would reach every name below.
bool sets_cookie_for(std::string_view set_cookie, std::string_view domain) noexcept;

}  // namespace instatunnel::edge
