#pragma once

#include <cstdint>
#include <string>

#include "instatunnel/base/secret.hpp"
#include "instatunnel/wire/http1.hpp"

namespace instatunnel::cli {

/// What only the answer to our own request can hold.
struct callback_expected {
    std::uint16_t port = 0;
    std::string state;
    std::string issuer;
};

/// The answer of an authorization server as a browser carries it to the loopback address (RFC 6749 §4.1.2, RFC 8252
/// §7.3, RFC 9207).
struct callback_answer {
    enum class kind : std::uint8_t {
        elsewhere,       ///< another path, method or host: nothing of ours is there
        wrong_state,     ///< not an answer to our request
        malformed,       ///< our state, but neither a code nor an error
        foreign_issuer,  ///< our state, but another server's answer: a mix-up that must not go on (RFC 9207 §2.4)
        refused,
        code,
    };
    kind what = kind::elsewhere;
    secret code;
    std::string error;        ///< "access_denied"; printable
    std::string description;  ///< of the server, for a person; printable, may be empty
};

/// `head`: of a whole request. State and issuer are compared in constant time.
callback_answer read_callback(const wire::request_head& head, const callback_expected& expected);

/// "127.0.0.1:PORT": the only host that a request may name. A page elsewhere whose name was made to point to us (DNS
/// rebinding) names another.
std::string callback_host(std::uint16_t port);
inline constexpr std::string_view callback_path = "/cb";

}  // namespace instatunnel::cli
