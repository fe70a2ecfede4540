#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "instatunnel/base/error.hpp"
#include "instatunnel/mail/smtp_server.hpp"
#include "instatunnel/service/service.hpp"

namespace instatunnel::app {

struct serve_options {
    bool dev = false;
    std::string domain;                        ///< required unless dev ("localhost")
    std::string listen;                        ///< "HOST:PORT" or ":PORT"; dev default 127.0.0.1:8443, else :443
    std::string http_listen;                   ///< plain HTTP that only redirects; empty: none
    std::string tcp_ports;                     ///< "20000-20999"; empty: none, dev: 20000-20099; "none": none
    std::vector<std::string> trusted_proxies;  ///< ranges of addresses
    bool proxy_protocol = false;               ///< trusted proxies speak the PROXY protocol
    std::string support_contact;               ///< text or http(s) URL that limits and errors point to; may be empty
    std::filesystem::path data;                ///< empty: ~/.instatunnel/edge or ~/.instatunnel/dev
    std::filesystem::path tls_cert;            ///< PEM chain; required unless dev
    std::filesystem::path tls_key;
    std::vector<std::string> limits;        ///< "NAME=VALUE", see service::set_rate_limit
    std::vector<std::string> cors_origins;  ///< whose pages may call the API, see service::check_origin
    std::chrono::milliseconds drain{30000};
    std::chrono::hours audit_keep{365 * 24};  ///< for how long the audit log goes back; zero: for ever
    bool next_free_port = false;              ///< demo: a busy port is no error
    bool write_dev_profile = true;            ///< keep the profile `dev` in ~/.instatunnel up to date (dev only)
    service::sign_up_policy sign_up = service::sign_up_policy::closed;
    std::uint64_t invites_per_account = 0;
    std::uint64_t referral_credit = 0;
    std::string oidc;                 ///< outside sign-in, see oidc::parse_provider; empty: none
    secret oidc_secret;               ///< from the environment
    std::string fetch_cacert;         ///< authorities for the provider's and apps' servers; empty: the system's
    bool client_documents = true;     ///< an OAuth client's id may be the address of its description
    bool client_registration = true;  ///< OAuth clients may register themselves
    bool require_verified_email = false;
    bool anonymous_tunnels = false;         ///< published clients without a key may open tunnels
    std::optional<mail::smtp_server> smtp;  ///< none: no mails
    std::string mail_from;                  ///< empty: InstaTunnel <no-reply@DOMAIN>
    std::filesystem::path home;             ///< client folder for the profile; empty: the default one
};

struct serve_ready {
    std::string url;  ///< "https://localhost:8443": base for people
    std::string api;  ///< "https://api.localhost:8443"
    std::string domain;
    std::string cacert;  ///< absolute path; empty when the certificate came from files
    std::string email;   ///< dev only, like the next two
    std::string password;
    std::string api_key;
    bool port_moved = false;  ///< next_free_port had to choose another port
};

/// A running edge. start() returns once everything listens; stop() drains.
class edge_process {
public:
    /// Errors: usage (missing options), address_in_use, store_failed, file_missing, file_permission, tls_failed.
    static outcome<std::unique_ptr<edge_process>> start(serve_options options);
    virtual ~edge_process() = default;

    virtual const serve_ready& ready() const noexcept = 0;
    /// First call drains for options.drain, a second one stops at once; from any thread.
    virtual void stop() = 0;
    /// Reads the certificate files again (SIGHUP). Keeps the old ones and logs if they are bad.
    virtual void reload() = 0;
    /// Blocks until stopped. Returns how many visitor requests a drain had to cut.
    virtual std::size_t wait() = 0;
};

}  // namespace instatunnel::app
