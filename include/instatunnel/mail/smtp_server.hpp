#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "instatunnel/base/error.hpp"
#include "instatunnel/base/secret.hpp"

namespace instatunnel::mail {

/// Where mails are handed in.
struct smtp_server {
    bool implicit_tls = false;  ///< smtps://; else STARTTLS, which must be there unless the server is on this machine
    std::string host;
    std::uint16_t port = 587;
    std::string user;  ///< empty: no sign-in
    secret password;
    std::filesystem::path cacert;  ///< PEM authorities; empty: the system's

    bool is_local() const;  ///< localhost, 127.0.0.0/8 or ::1
};

/// smtp://[USER[:PASSWORD]@]HOST[:PORT] (587) or smtps://… (465); user and password may be percent-encoded.
/// Errors: usage, never with the text itself, which may hold a password.
outcome<smtp_server> parse_smtp_url(std::string_view url);

}  // namespace instatunnel::mail
