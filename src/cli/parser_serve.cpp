#include "instatunnel/edge/limits.hpp"
#include "instatunnel/service/rate_limits.hpp"
#include "parser_parts.hpp"

namespace instatunnel::cli {
namespace {

void add_demo(CLI::App& root, invocation& out) {
    auto o = std::make_shared<demo_options>();
    auto& app =
        command(root, "demo", "Run an edge, a sample site and a tunnel between them on this machine",
                {"instatunnel demo", "instatunnel demo 3000", "instatunnel demo ./dist", "instatunnel demo --once"});
    text(app, "TARGET", "", o->target, "Forward this instead of the sample site");
    text(app, "--listen", "ADDR", o->listen,
         "Where the edge listens, 127.0.0.1:8443 unless said; the next free port if that one is busy");
    app.add_flag("--once", o->once, "Fetch the page through the tunnel once, then stop; exit code 0 if that worked");
    add_directory_flags(app, o->directory);
    deliver(app, std::move(o), out);
}

void add_account_flags(CLI::App& app, serve_command_options& o) {
    text(app, "--sign-up", "POLICY", o.sign_up,
         "Who may make an account through the API: open, invite or closed; default closed, with --dev open");
    text(app, "--invites-per-account", "N", o.invites_per_account,
         "How many people an account may bring in by invitations of its own; default 0");
    text(app, "--referral-credit", "N", o.referral_credit,
         "Credit for both sides when somebody comes by an account's invitation; default 0");
    text(app, "--smtp-url", "URL", o.smtp_url,
         "Mail server for links to verify addresses and choose passwords: smtp://USER@HOST:587 (STARTTLS) or "
         "smtps://USER@HOST:465; its password in INSTATUNNEL_SMTP_PASSWORD");
    text(app, "--smtp-password-file", "PATH", o.smtp_password_file, "Read the mail server's password from this file");
    text(app, "--smtp-cacert", "PATH", o.smtp_cacert,
         "Trust the certificate authorities in this PEM file for the mail server instead of the system's");
    text(app, "--mail-from", "SENDER", o.mail_from,
         "Sender of mails: ADDRESS or \"NAME <ADDRESS>\"; default InstaTunnel <no-reply@DOMAIN>");
    app.add_flag("--require-verified-email", o.require_verified_email,
                 "Only accounts whose email address is verified open tunnels");
    app.add_flag("--anonymous-tunnels", o.anonymous_tunnels,
                 "Published clients (protocol v1) without a key may open tunnels: random names, 3 an address, gone 2 h "
                 "after the last connection; with --dev always");
    app.add_flag("--no-client-registration", o.no_client_registration,
                 "OAuth apps cannot register themselves (RFC 7591): only accounts and the owner register them");
    app.add_flag("--no-client-documents", o.no_client_documents,
                 "An OAuth app's id cannot be the address of a document about it");
    text(app, "--oidc", "SETTINGS", o.oidc,
         "Let people sign in through an OpenID provider: issuer=URL,client_id=ID[,client_secret_file=PATH]"
         "[,domains=example.com;example.org][,name=TEXT]; the secret also in INSTATUNNEL_OIDC_SECRET");
    text(app, "--fetch-cacert", "PATH", o.fetch_cacert,
         "Trust the certificate authorities in this PEM file for the provider and for apps' documents instead of the "
         "system's");
}

void add_serve(CLI::App& root, invocation& out) {
    auto o = std::make_shared<serve_command_options>();
    auto& app =
        command(root, "serve", "Run the service: edge, API and accounts",
                {"instatunnel serve --dev",
                 "instatunnel serve --domain t.example.com --listen :443 --tls-cert chain.pem --tls-key key.pem"});
    app.add_flag("--dev", o->dev, "On this machine only: domain localhost, an authority and a first user of its own");
    text(app, "--domain", "NAME", o->domain, "Tunnels get names below it; the API is api.NAME");
    text(app, "--listen", "ADDR", o->listen, "HOST:PORT or :PORT; default :443, with --dev 127.0.0.1:8443");
    text(app, "--tls-cert", "PATH", o->tls_cert, "Certificate chain, PEM; read again when it changes and on SIGHUP");
    text(app, "--tls-key", "PATH", o->tls_key, "Private key of the certificate, PEM");
    text(app, "--data", "DIR", o->data,
         "Where everything is kept; default ~/.instatunnel/edge, with --dev ~/.instatunnel/dev");
    text(app, "--http-listen", "ADDR", o->http_listen, "Also answer plain HTTP here, with a redirect to https");
    text(app, "--tcp-ports", "FIRST-LAST", o->tcp_ports,
         "Public ports that tcp tunnels may have, like 20000-20999; none by default, with --dev 20000-20099");
    texts(app, "--trusted-proxy", "CIDR", o->trusted_proxies,
          "A load balancer in front of the server, like 10.0.0.0/8: its X-Forwarded-For and -Proto count; repeatable");
    app.add_flag("--proxy-protocol", o->proxy_protocol,
                 "Every connection of a trusted proxy begins with a PROXY header (v1 or v2)");
    text(app, "--drain", "TIME", o->drain, "How long requests in flight may go on after SIGTERM; default 30s");
    const auto limits =
        "Another value for a limit; repeatable. Of calls, a minute: " + service::rate_limit_names() +
        ". Of visitors and clients, times like 10s, sizes like 64k, rates a second: " + edge::limit_names() +
        ". Holds for callers of this machine too";
    texts(app, "--limit", "NAME=VALUE", o->limits, limits.c_str());
    texts(app, "--cors-origin", "ORIGIN", o->cors_origins,
          "Let web pages of this origin call the API, e.g. https://app.example.com; repeatable; none by default");
    text(app, "--audit-keep", "TIME", o->audit_keep,
         "Remove events of the audit log after this time; default 365d, or forever");
    text(app, "--support-contact", "TEXT", o->support_contact,
         "Text or https:// URL that limits and plan errors point to, in the API, in clients and on error pages");
    add_account_flags(app, *o);
    deliver(app, std::move(o), out);
}

}  // namespace

void add_serve_commands(CLI::App& root, invocation& out) {
    add_demo(root, out);
    add_serve(root, out);
}

}  // namespace instatunnel::cli
