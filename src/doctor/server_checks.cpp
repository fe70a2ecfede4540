#include "server_checks.hpp"

#include <cerrno>
#include <optional>
#include <thread>

#include "instatunnel/base/clock.hpp"
#include "instatunnel/net/tls.hpp"
#include "instatunnel/net/tls_probe.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t most_addresses = 8;

struct address_attempt {
    std::optional<result<unique_fd>> outcome;
    milliseconds took{0};
};

milliseconds since(steady_clock::time_point start) {
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - start);
}

std::string port_word(const net::url_parts& server) {
    return "port " + std::to_string(server.port);
}

// This machine has no way to that family: no fault of the server's.
bool is_absent_family(const boost::system::error_code& why) {
    return why.value() == ENETUNREACH || why.value() == EADDRNOTAVAIL || why.value() == EAFNOSUPPORT;
}

std::string attempt_text(const net::socket_address& address, const address_attempt& attempt) {
    auto text = net::address_text(address);
    if (attempt.outcome->has_value()) return text + " in " + to_human(attempt.took);
    const auto& why = attempt.outcome->error();
    if (why == errc::connect_timeout) return text + ": no answer within " + to_human(attempt.took);
    return text + ": " + why.message();
}

std::vector<address_attempt> try_all(const std::vector<net::socket_address>& addresses, milliseconds limit) {
    std::vector<address_attempt> attempts(addresses.size());
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        auto attempt = [&, i] {
            const auto start = steady_clock::now();
            attempts[i].outcome.emplace(net::dial_address(addresses[i], limit));
            attempts[i].took = since(start);
        };
        try {
            threads.emplace_back(attempt);
        } catch (const std::system_error&) {
            attempt();
        }
    }
    for (auto& one : threads)
        one.join();
    return attempts;
}

std::string start_hint(const net::url_parts& server) {
    if (server.host == "localhost" || server.host.ends_with(".localhost"))
        return "Start the edge: instatunnel serve --dev";
    return "Check that the server runs and that no firewall closes " + port_word(server) + ": curl -v " +
           server.origin() + "/v1/health";
}

failure untrusted_authority(failure why, const net::tls_view& seen) {
    if (!seen.issuer.empty()) why.detail += ", " + seen.issuer;
    why.detail += ". A gateway or virus scanner that opens TLS shows like this as well";
    why.next =
        "If that authority is to be trusted, name its file: instatunnel config set cacert FILE, or --cacert FILE";
    return why;
}

failure explain(failure why, const net::tls_view& seen, const net::url_parts& server) {
    if (seen.objection == net::distrust::unknown_authority) return untrusted_authority(std::move(why), seen);
    if (why.code != errc::tls_handshake_timeout) return why;
    why.detail += ": it is slow, something in between holds it up, or what listens there speaks no TLS";
    why.next = "Try again; then ask whoever runs the network whether a gateway opens TLS to " + server.origin();
    return why;
}

}  // namespace

name_finding look_up(const settings& s, const net::url_parts& server, milliseconds limit) {
    auto c = make_check(step::dns);
    auto found = net::resolve(server.host, server.port, steady_clock::now() + limit);
    if (!found) {
        failure why = found.error();
        why.next = (s.is_default_server ? "Name your server with --server URL, or check the network: getent hosts "
                                        : "Check the name of the server and the network: getent hosts ") +
                   server.host;
        return {failed(std::move(c), server.host, why), {}};
    }
    auto addresses = std::move(*found);
    if (addresses.size() > most_addresses) addresses.resize(most_addresses);
    std::string v4, v6;
    for (const auto& address : addresses) {
        auto& list = address.family() == AF_INET ? v4 : v6;
        list += (list.empty() ? "" : ", ") + net::address_text(address);
    }
    const auto text = server.host + ": " + (v4.empty() ? "no IPv4" : v4) + "; " + (v6.empty() ? "no IPv6" : v6);
    return {well(std::move(c), text), std::move(addresses)};
}

connection_finding connect_to_all(const net::url_parts& server, const std::vector<net::socket_address>& addresses,
                                  milliseconds limit) {
    auto c = make_check(step::tcp);
    auto attempts = try_all(addresses, limit);
    std::string text, silent;
    connection_finding finding;
    errc code = errc::connect_timeout;
    for (std::size_t i = 0; i < attempts.size(); ++i) {
        text += (text.empty() ? "" : ", ") + attempt_text(addresses[i], attempts[i]);
        auto& got = *attempts[i].outcome;
        if (got.has_value()) {
            if (!finding.connected) finding.connected = std::move(*got);
        } else {
            if (got.error() != errc::connect_timeout) code = errc::server_unreachable;
            if (!is_absent_family(got.error()))
                silent += (silent.empty() ? "" : ", ") + net::address_text(addresses[i]);
        }
    }
    text = port_word(server) + ": " + text;
    // An edge for this machine listens on one family as a rule, and the other is refused at once.
    const bool is_here = server.host == "localhost" || server.host.ends_with(".localhost");
    if (!finding.connected)
        finding.verdict = failed(std::move(c), text,
                                 {code, "No address of " + server.host + " accepts connections", start_hint(server)});
    else if (silent.empty() || is_here)
        finding.verdict = well(std::move(c), text);
    else
        finding.verdict =
            warned(std::move(c), text, "Connections are slower to open while " + silent + " does not answer",
                   "Ask the server's owner to serve it or to take it out of the name", errc::server_unreachable);
    return finding;
}

check check_tls(const settings& s, const net::url_parts& server, unique_fd connected, milliseconds limit) {
    auto c = make_check(step::tls);
    auto context = net::make_client_context(s.cacert, /*lanes_only=*/false);
    if (!context) return failed(std::move(c), "CA file " + s.cacert, context.error());
    const auto seen = net::probe_tls(context->get(), std::move(connected), server.host, limit);
    const auto by = seen.issuer.empty() ? std::string("nobody named") : seen.issuer;
    if (seen.refused) {
        const bool has_certificate = seen.objection != net::distrust::none;
        return failed(std::move(c), has_certificate ? "certificate issued by " + by : "no handshake",
                      explain(*seen.refused, seen, server));
    }
    const auto text = seen.version + ", certificate valid until " + seen.valid_until + ", issued by " + by;
    if (seen.version == "TLSv1.3") return well(std::move(c), text);
    return warned(std::move(c), text, "Tunnels need TLS 1.3; something in between, or the server, is older",
                  "Ask for a direct connection to " + server.origin() + ", or ask the server's owner for an update",
                  errc::tls_failed);
}

}  // namespace instatunnel::doctor
