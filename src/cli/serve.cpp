#include "serve.hpp"

#include "count.hpp"
#include "duration.hpp"
#include "instatunnel/app/signals.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/names.hpp"
#include "json_line.hpp"
#include "stop_relay.hpp"

#include <csignal>
#include <filesystem>
#include <mutex>

namespace instatunnel::cli {
namespace {

constexpr std::size_t max_smtp_password = 512;

outcome<void> read_account_options(const serve_command_options& o, app::serve_options& s) {
    using policy = service::sign_up_policy;
    if (o.sign_up == "open" || (o.sign_up.empty() && o.dev))
        s.sign_up = policy::open;
    else if (o.sign_up == "invite")
        s.sign_up = policy::invite;
    else if (!o.sign_up.empty() && o.sign_up != "closed")
        return failure(errc::usage, "--sign-up is open, invite or closed", "Write it like --sign-up invite");
    const auto invites = parse_count(o.invites_per_account, "--invites-per-account");
    if (!invites) return invites.error();
    s.invites_per_account = *invites;
    const auto credit = parse_count(o.referral_credit, "--referral-credit");
    if (!credit) return credit.error();
    s.referral_credit = *credit;
    s.require_verified_email = o.require_verified_email;
    s.anonymous_tunnels = o.anonymous_tunnels;
    s.client_registration = !o.no_client_registration;
    s.client_documents = !o.no_client_documents;
    s.oidc = o.oidc;
    s.fetch_cacert = o.fetch_cacert;
    return {};
}

outcome<secret> read_password_file(const std::string& path) {
    auto text = read_private_file(path, max_smtp_password);
    if (!text) return text.error();
    const secret content(std::move(*text));
    return secret(std::string(trim(content.reveal())));
}

outcome<void> read_mail_options(const serve_command_options& o, context& c, app::serve_options& s) {
    s.oidc_secret = c.env.oidc_secret.clone();
    if (o.smtp_url.empty()) {
        if (o.smtp_password_file.empty() && o.smtp_cacert.empty() && o.mail_from.empty()) return {};
        return failure(errc::usage, "There is no mail server to use that for", "Name it: --smtp-url smtp://HOST:587");
    }
    auto server = mail::parse_smtp_url(o.smtp_url);
    if (!server) return server.error();
    if (!server->password.empty())
        c.term.notice(
            "The mail server's password on the command line can be seen by others on this machine: put it "
            "into INSTATUNNEL_SMTP_PASSWORD or --smtp-password-file");
    if (!o.smtp_password_file.empty()) {
        auto password = read_password_file(o.smtp_password_file);
        if (!password) return password.error();
        server->password = std::move(*password);
    } else if (!c.env.smtp_password.empty()) {
        server->password = c.env.smtp_password.clone();
    }
    server->cacert = o.smtp_cacert;
    s.smtp = std::move(*server);
    s.mail_from = o.mail_from;
    return {};
}

outcome<app::serve_options> to_serve_options(const serve_command_options& o, context& c) {
    const auto drain = parse_duration(o.drain);
    if (!drain) return failure(errc::usage, "--drain is not a time", "Write it like --drain 30s");
    const auto keep = o.audit_keep == "forever" ? std::optional(std::chrono::seconds(0)) : parse_days(o.audit_keep);
    if (!keep || (keep->count() > 0 && *keep < std::chrono::hours(24)))
        return failure(errc::usage, "--audit-keep is not a time of at least a day",
                       "Write it like --audit-keep 365d or --audit-keep forever");
    app::serve_options s;
    s.dev = o.dev;
    s.domain = o.domain;
    s.listen = o.listen;
    s.http_listen = o.http_listen;
    s.tcp_ports = o.tcp_ports;
    s.trusted_proxies = o.trusted_proxies;
    s.proxy_protocol = o.proxy_protocol;
    s.data = o.data;
    s.tls_cert = o.tls_cert;
    s.tls_key = o.tls_key;
    s.drain = *drain;
    s.limits = o.limits;
    s.cors_origins = o.cors_origins;
    s.audit_keep = std::chrono::duration_cast<std::chrono::hours>(*keep);
    s.support_contact = o.support_contact;
    s.home = c.env.home;
    if (auto done = read_account_options(o, s); !done) return done.error();
    if (auto done = read_mail_options(o, c, s); !done) return done.error();
    return s;
}

void print_ready(const app::serve_ready& ready, const serve_command_options& o, context& c) {
    if (c.term.json()) {
        c.term.result(ready_line(ready, o.dev));
        return;
    }
    c.term.result("🚀 InstaTunnel serves " + ready.domain);
    c.term.result("🔗 API: " + ready.api);
    if (o.dev) {
        c.term.result("📧 First user: " + ready.email + " (password and key are in dev.json of the data folder)");
        c.term.result("⚡ Ready! On this machine, type: instatunnel 3000 --subdomain demo");
    } else {
        c.term.result("⚡ Ready! Clients sign in with: instatunnel login --server " + ready.api);
    }
}

/// SIGHUP may come while the edge starts or after it has gone.
class reload_gate {
public:
    void open(app::edge_process& edge) {
        const std::lock_guard hold(mutex_);
        edge_ = &edge;
    }
    void close() {
        const std::lock_guard hold(mutex_);
        edge_ = nullptr;
    }
    void reload() {
        const std::lock_guard hold(mutex_);
        if (edge_ != nullptr) edge_->reload();
    }

private:
    std::mutex mutex_;
    app::edge_process* edge_ = nullptr;
};

}  // namespace

std::string ready_line(const app::serve_ready& ready, bool dev) {
    json_line line("serve.ready");
    line.with("url", ready.url).with("api", ready.api).with("domain", ready.domain);
    line.with("cacert", ready.cacert.empty() ? std::optional<std::string>() : ready.cacert);
    if (dev) line.with("email", ready.email).with("password", ready.password).with("api_key", ready.api_key);
    return line.text();
}

outcome<exit_code> run_serve(const serve_command_options& options, context& c) {
    auto serve_options = to_serve_options(options, c);
    if (!serve_options) return serve_options.error();
    stop_relay relay;
    reload_gate reloads;
    const app::signal_watcher watcher(
        [&](int signal) {
            if (signal == SIGHUP)
                reloads.reload();
            else
                relay.signal();
        },
        /*with_hup=*/true);
    auto edge = app::edge_process::start(std::move(*serve_options));
    if (!edge) return edge.error();
    relay.attach([&] { (*edge)->stop(); });
    reloads.open(**edge);
    print_ready((*edge)->ready(), options, c);
    const auto cut = (*edge)->wait();
    reloads.close();
    relay.detach();
    if (cut > 0) c.term.notice("Stopped; " + std::to_string(cut) + " requests did not finish in time");
    return exit_code::done;
}

}  // namespace instatunnel::cli
