#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "instatunnel/base/clock.hpp"

namespace instatunnel::oauth {

/// What all parts of the authorization server need to know.
struct server_settings {
    std::string issuer;  ///< "https://api.t.example.com", no slash at the end (RFC 8414 §2)
    std::string domain;  ///< tunnels are "https://NAME.domain": tokens may be made for them
    /// HMAC-SHA-256 with a key outside the database.
    std::function<std::string(std::string_view)> digest;
    std::function<wall_time()> now = wall_now;

    std::chrono::seconds code_life{120};
    std::chrono::seconds access_life{3600};
    std::chrono::seconds refresh_life{30 * 24 * 3600};  ///< from its last use
    std::chrono::seconds device_life{600};
    bool dynamic_registration = true;  ///< RFC 7591
    bool client_documents = true;      ///< a client's id may be the URL of its metadata
};

}  // namespace instatunnel::oauth
