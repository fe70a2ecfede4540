#include "instatunnel/app/serve.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "data_lock.hpp"
#include "instatunnel/app/descriptor_limit.hpp"
#include "instatunnel/auth/email.hpp"
#include "instatunnel/base/file.hpp"
#include "instatunnel/base/log.hpp"
#include "instatunnel/base/names.hpp"
#include "instatunnel/base/version.hpp"
#include "instatunnel/config/profile_store.hpp"
#include "instatunnel/edge/server.hpp"
#include "instatunnel/fetch/fetcher.hpp"
#include "instatunnel/mail/mailer.hpp"
#include "instatunnel/net/listener.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/oidc/provider.hpp"
#include "instatunnel/service/origin.hpp"
#include "instatunnel/service/service.hpp"

namespace instatunnel::app {
namespace {

constexpr std::uint16_t ports_to_try = 100;
constexpr const char* dev_tcp_ports = "20000-20099";

bool is_domain(std::string_view domain) {
    while (!domain.empty()) {
        const auto dot = domain.find('.');
        if (!is_dns_label(domain.substr(0, dot))) return false;
        if (dot == std::string_view::npos) return true;
        domain.remove_prefix(dot + 1);
    }
    return false;
}

outcome<void> read_limits(const std::vector<std::string>& texts, service::rate_limits& calls, edge::edge_limits& edge) {
    for (const auto& text : texts) {
        const auto name = std::string_view(text).substr(0, text.find('='));
        auto set = edge::is_limit_name(name) ? edge::set_limit(edge, text) : service::set_rate_limit(calls, text);
        if (!set && !edge::is_limit_name(name) && !service::is_rate_limit_name(name))
            return failure(errc::usage, std::string(set.error().what()),
                           "Name one of: " + service::rate_limit_names() + ", " + edge::limit_names());
        if (!set) return set.error();
    }
    return {};
}

outcome<std::vector<std::string>> to_origins(const std::vector<std::string>& texts) {
    std::vector<std::string> origins;
    for (const auto& text : texts) {
        auto origin = service::check_origin(text);
        if (!origin) return origin.error();
        origins.push_back(std::move(*origin));
    }
    return origins;
}

// It ends up in terminals, JSON, protocol texts and HTML: one short line, and a URL only of a kind that opens a page.
bool is_contact(std::string_view text) {
    if (!auth::is_display_name(text)) return false;
    const bool is_url = text.find("://") != std::string_view::npos;
    if (!is_url) return true;
    return (text.starts_with("https://") || text.starts_with("http://")) &&
           text.find_first_of(" \"'<>\\`") == std::string_view::npos;
}

outcome<void> complete(serve_options& o) {
    if (!o.support_contact.empty() && !is_contact(o.support_contact))
        return failure(errc::usage, "--support-contact is neither a line of at most 120 bytes nor an https:// URL",
                       "Write it like --support-contact support@example.com");
    if (o.domain.empty() && o.dev) o.domain = "localhost";
    o.domain = to_lower(o.domain);
    if (o.domain.empty())
        return failure(
            errc::usage, "An edge needs the domain below which tunnels get their names",
            "Try it on this machine: instatunnel serve --dev. For real: instatunnel serve --domain t.example.com "
            "--tls-cert FILE --tls-key FILE");
    if (!is_domain(o.domain))
        return failure(errc::usage, "'" + o.domain + "' is no domain name", "Write it like t.example.com");
    if (!o.dev && (o.tls_cert.empty() || o.tls_key.empty()))
        return failure(errc::usage, "An edge needs a certificate for " + o.domain + " and *." + o.domain,
                       "Give it: --tls-cert FILE --tls-key FILE. On this machine alone: --dev");
    if (o.listen.empty()) o.listen = o.dev ? "127.0.0.1:8443" : ":443";
    if (o.tcp_ports.empty() && o.dev) o.tcp_ports = dev_tcp_ports;
    if (o.home.empty()) o.home = config::profile_store::default_home();
    if (o.data.empty()) o.data = o.home / (o.dev ? "dev" : "edge");
    return {};
}

// "20000-20999", or one port.
outcome<service::port_range> to_ports(const std::string& text) {
    if (text.empty() || text == "none") return service::port_range();
    const auto dash = text.find('-');
    const auto read = [](std::string_view digits) {
        std::uint16_t port = 0;
        const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
        return ec == std::errc() && end == digits.data() + digits.size() ? port : std::uint16_t{0};
    };
    const auto first = read(std::string_view(text).substr(0, dash));
    const auto last = dash == std::string::npos ? first : read(std::string_view(text).substr(dash + 1));
    if (first == 0 || last < first)
        return failure(errc::usage, "--tcp-ports is no range of ports", "Write it like --tcp-ports 20000-20999");
    return service::port_range{first, last};
}

outcome<unique_fd> listen_somewhere(net::listen_address at, bool next_free, bool& moved) {
    const auto wanted = at.port;
    for (;;) {
        auto fd = net::open_listener(at);
        if (fd || fd.error().code != errc::address_in_use || !next_free || at.port >= wanted + ports_to_try) return fd;
        ++at.port;
        moved = true;
    }
}

class edge_process_impl final : public edge_process {
public:
    explicit edge_process_impl(serve_options options) : options_(std::move(options)) {}
    ~edge_process_impl() override {
        stop_server(std::chrono::milliseconds(0));
        finish();
    }

    // Order: what can fail without harm first; the port last, since from then on visitors come.
    outcome<void> open() {
        service::service_options service_options;
        if (auto read = read_policies(service_options); !read) return read.error();
        if (auto made = make_private_directory(options_.data); !made) return made.error();
        auto lock = lock_data(options_.data);
        if (!lock) return lock.error();
        data_lock_ = std::move(*lock);
        auto at = net::parse_listen_address(options_.listen);
        if (!at) return at.error();
        const auto tcp_ports = to_ports(options_.tcp_ports);
        if (!tcp_ports) return tcp_ports.error();
        if (auto read = read_proxies(); !read) return read.error();
        if (auto loaded = load_certificates(); !loaded) return loaded.error();
        auto listener = listen_somewhere(*at, options_.next_free_port, ready_.port_moved);
        if (!listener) return listener.error();
        const auto port = net::local_port(listener->get());

        service_options.data = options_.data;
        service_options.domain = options_.domain;
        service_options.public_port = port;
        service_options.tcp_ports = *tcp_ports;
        service_options.dev = options_.dev;
        service_options.version = version();
        service_options.audit_keep = options_.audit_keep;
        service_options.support_contact = options_.support_contact;
        service_options.sign_up = options_.sign_up;
        service_options.invites_per_account = options_.invites_per_account;
        service_options.referral_credit = options_.referral_credit;
        service_options.require_verified_email = options_.require_verified_email;
        service_options.anonymous_tunnels = options_.anonymous_tunnels || options_.dev;
        service_options.client_registration = options_.client_registration;
        if (auto made = make_provider(); !made) return made.error();
        if (options_.client_documents) service_options.fetch = fetcher_.get();
        service_options.people = provider_.get();
        if (auto made = make_mailer(); !made) return made.error();
        service_options.mail = mailer_.get();
        auto opened = service::service::open(std::move(service_options));
        if (!opened) return opened.error();
        service_ = std::move(*opened);
        describe(port);
        if (options_.dev)
            if (auto user = describe_first_user(); !user) return user.error();
        return start_edge(std::move(*listener), port, at->host);
    }

    const serve_ready& ready() const noexcept override { return ready_; }

    void stop() override { stop_server(options_.drain); }

    void reload() override {
        if (files_ == nullptr) return;
        if (auto done = files_->reload(); !done)
            log::error("certificate.kept_old").with("reason", done.error().what());
        else
            log::info("certificate.reloaded");
    }

    std::size_t wait() override {
        const auto cut = server_ != nullptr ? server_->wait() : 0;
        finish();
        return cut;
    }

private:
    outcome<void> read_policies(service::service_options& into) {
        if (auto read = read_limits(options_.limits, into.limits, edge_limits_); !read) return read.error();
        auto origins = to_origins(options_.cors_origins);
        if (!origins) return origins.error();
        into.cors_origins = std::move(*origins);
        return {};
    }

    outcome<void> read_proxies() {
        for (const auto& text : options_.trusted_proxies) {
            auto range = net::parse_address_range(text);
            if (!range) return range.error();
            proxies_.push_back(*range);
        }
        if (!options_.proxy_protocol || !proxies_.empty()) return {};
        return failure(errc::usage, "--proxy-protocol needs to know who speaks it",
                       "Name the load balancers: --trusted-proxy 10.0.0.0/8");
    }

    outcome<void> make_mailer() {
        if (!options_.smtp) return {};
        auto from = mail::parse_mailbox(options_.mail_from.empty() ? "InstaTunnel <no-reply@" + options_.domain + ">"
                                                                   : options_.mail_from);
        if (!from) return from.error();
        mailer_ = mail::make_smtp_mailer(std::move(*options_.smtp), std::move(*from));
        return {};
    }

    outcome<void> make_provider() {
        fetch::fetcher_options fetching;
        fetching.cacert = options_.fetch_cacert;
        fetching.allows_loopback = options_.dev;
        if (options_.client_documents || !options_.oidc.empty()) fetcher_ = fetch::make_fetcher(fetching);
        if (options_.oidc.empty()) return {};
        const auto transport = options_.dev ? oidc::transport_rule::or_loopback : oidc::transport_rule::https_only;
        auto settings = oidc::parse_provider(options_.oidc, options_.oidc_secret, transport);
        if (!settings) return settings.error();
        provider_ = oidc::make_provider(std::move(*settings), *fetcher_);
        return {};
    }

    outcome<void> load_certificates() {
        if (!options_.tls_cert.empty()) {
            auto files = net::file_certificates::load(options_.tls_cert, options_.tls_key);
            if (!files) return files.error();
            files_ = *files;
            certificates_ = files_;
            return {};
        }
        auto authority = net::local_authority::open(options_.data, options_.domain);
        if (!authority) return authority.error();
        ready_.cacert = (*authority)->ca_path().string();
        certificates_ = *authority;
        return {};
    }

    void describe(std::uint16_t port) {
        const std::string suffix = port == 443 ? "" : ":" + std::to_string(port);
        ready_.url = "https://" + options_.domain + suffix;
        ready_.api = "https://api." + options_.domain + suffix;
        ready_.domain = options_.domain;
    }

    outcome<void> describe_first_user() {
        auto user = service_->ensure_first_user();
        if (!user) return user.error();
        ready_.email = user->email;
        ready_.password = user->password.reveal();
        ready_.api_key = user->api_key.reveal();
        if (!options_.write_dev_profile) return {};
        config::profile p;
        p.server = ready_.api;
        p.cacert = ready_.cacert;
        p.email = user->email;
        p.key = user->api_key.clone();
        if (auto saved = config::profile_store(options_.home).save("dev", p); !saved)
            log::warn("profile.not_saved").with("reason", saved.error().what());
        return {};
    }

    outcome<void> start_edge(unique_fd listener, std::uint16_t port, const std::string& port_host) {
        edge::server_options edge_options;
        edge_options.domain = options_.domain;
        edge_options.public_port = port;
        edge_options.support_contact = options_.support_contact;
        edge_options.limits = edge_limits_;
        // Files, tunnel clients and the database need some too.
        if (!edge_limits_.visitors_set)
            edge_options.limits.visitors = std::min(edge_limits_.visitors, descriptor_limit() / 4 * 3);
        edge_options.listener = std::move(listener);
        edge_options.certificates = certificates_;
        edge_options.port_host = port_host;
        edge_options.trusted_proxies = proxies_;
        edge_options.proxy_protocol = options_.proxy_protocol;
        if (!options_.http_listen.empty()) {
            auto at = net::parse_listen_address(options_.http_listen);
            if (!at) return at.error();
            auto plain = net::open_listener(*at);
            if (!plain) return plain.error();
            edge_options.http_listener = std::move(*plain);
        }
        if (files_ != nullptr)
            edge_options.on_tick = [this] {
                if (files_->changed_on_disk()) reload();
            };
        auto started = edge::server::start(std::move(edge_options), *service_);
        if (!started) return started.error();
        server_ = std::move(*started);
        service_->attach(*server_);
        return {};
    }

    void stop_server(std::chrono::milliseconds limit) {
        if (server_ != nullptr) server_->stop(limit);
    }

    // The service answers the edge's last questions, so it ends after it.
    void finish() {
        if (server_ != nullptr) server_->wait();
        if (fetcher_ != nullptr) fetcher_->stop();  // what it calls back goes through the service
        if (service_ != nullptr) service_->stop();
        if (mailer_ != nullptr) mailer_->stop();
    }

    serve_options options_;
    unique_fd data_lock_;  ///< before all that works with the data, so that it goes last
    edge::edge_limits edge_limits_;
    serve_ready ready_;
    std::vector<net::address_range> proxies_;
    std::shared_ptr<net::file_certificates> files_;
    std::shared_ptr<net::certificate_source> certificates_;
    std::unique_ptr<mail::mailer> mailer_;
    std::unique_ptr<fetch::fetcher> fetcher_;
    std::unique_ptr<oidc::provider> provider_;
    std::unique_ptr<service::service> service_;
    std::unique_ptr<edge::server> server_;
};

}  // namespace

outcome<std::unique_ptr<edge_process>> edge_process::start(serve_options options) {
    if (auto good = complete(options); !good) return good.error();
    raise_descriptor_limit();
    auto made = std::make_unique<edge_process_impl>(std::move(options));
    if (auto opened = made->open(); !opened) return opened.error();
    return std::unique_ptr<edge_process>(std::move(made));
}

}  // namespace instatunnel::app
