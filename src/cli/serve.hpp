#pragma once

#include <string>
#include <vector>

#include "context.hpp"
#include "instatunnel/app/serve.hpp"

namespace instatunnel::cli {

struct serve_command_options {
    bool dev = false;
    std::string domain;
    std::string listen;
    std::string tls_cert;
    std::string tls_key;
    std::string data;
    std::string http_listen;
    std::string tcp_ports;
    std::vector<std::string> trusted_proxies;
    bool proxy_protocol = false;
    std::string drain = "30s";
    std::vector<std::string> limits;
    std::vector<std::string> cors_origins;
    std::string audit_keep = "365d";
    std::string support_contact;
    std::string sign_up;              ///< empty: closed, with dev open
    std::string invites_per_account;  ///< whole numbers; empty: 0
    std::string referral_credit;
    bool require_verified_email = false;
    bool anonymous_tunnels = false;
    bool no_client_registration = false;
    bool no_client_documents = false;
    std::string oidc;
    std::string fetch_cacert;
    std::string smtp_url;  ///< empty: no mails
    std::string smtp_password_file;
    std::string smtp_cacert;
    std::string mail_from;  ///< empty: InstaTunnel <no-reply@DOMAIN>
};
outcome<exit_code> run_serve(const serve_command_options& options, context& c);

/// The one line of `serve --json`.
std::string ready_line(const app::serve_ready& ready, bool dev);

}  // namespace instatunnel::cli
