#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace instatunnel::wire {

enum class hello_status : std::uint8_t {
    incomplete,  ///< so far it is one
    complete,
    other,  ///< no TLS ClientHello, or one that is malformed or longer than max_client_hello
};

/// What the first bytes of a TLS connection say about where it is going (RFC 8446 §4.1.2, RFC 6066 §3).
struct hello_peek {
    hello_status status = hello_status::incomplete;
    std::string_view server_name;  ///< as sent; empty: none was named
    std::string_view protocols;    ///< ALPN's list in wire form (RFC 7301 §3.1); empty: none were offered
};

inline constexpr std::size_t max_client_hello = 16 * 1024;

/// Looks at the beginning of a connection without taking anything from it. `joined` is the memory that the result's
/// views point into.
hello_peek peek_client_hello(std::string_view bytes, std::string& joined);

}  // namespace instatunnel::wire
