#pragma once

#include <filesystem>
#include <string>

#include "instatunnel/base/secret.hpp"

namespace instatunnel::cli {

/// The variables this program looks at, read once; an empty variable counts as unset.
struct environment {
    secret api_key;                     ///< INSTATUNNEL_API_KEY
    secret oidc_secret;                 ///< INSTATUNNEL_OIDC_SECRET
    secret smtp_password;               ///< INSTATUNNEL_SMTP_PASSWORD
    secret tunnel_password;             ///< INSTATUNNEL_TUNNEL_PASSWORD
    secret tunnel_auth;                 ///< INSTATUNNEL_TUNNEL_AUTH
    std::string server;                 ///< INSTATUNNEL_SERVER
    std::string profile;                ///< INSTATUNNEL_PROFILE
    std::filesystem::path home;         ///< INSTATUNNEL_HOME, else ~/.instatunnel
    std::filesystem::path legacy_file;  ///< ~/.instatunnel.yaml
    bool no_color = false;              ///< NO_COLOR is set to anything (no-color.org)
    bool dumb_terminal = false;         ///< TERM=dumb
    std::string browser;                ///< BROWSER
    bool graphical = false;      ///< a browser can be opened: DISPLAY, WAYLAND_DISPLAY or BROWSER is set, or macOS
    bool utf8 = false;           ///< the locale's characters are UTF-8: LC_ALL, else LC_CTYPE, else LANG
    std::string host_name;       ///< of this machine
    std::string proxy_variable;  ///< which variable names a proxy for https; empty: none
    std::string proxy;           ///< what it says; may hold a password
    std::string no_proxy;        ///< NO_PROXY

    static environment of_process();
};

}  // namespace instatunnel::cli
