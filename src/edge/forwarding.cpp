#include "forwarding.hpp"

#include <algorithm>
#include <charconv>

#include "instatunnel/base/names.hpp"

namespace instatunnel::edge {
namespace {

// Lower case, and '_' as '-': CGI and WSGI show X_Forwarded_For to an app under the very name of X-Forwarded-For.
bool begins_like(std::string_view name, std::string_view prefix) {
    if (name.size() < prefix.size()) return false;
    return std::equal(prefix.begin(), prefix.end(), name.begin(), [](char p, char c) {
        return p == (c == '_' ? '-' : c >= 'A' && c <= 'Z' ? c + 32 : c);
    });
}

bool reads_like(std::string_view name, std::string_view other) {
    return name.size() == other.size() && begins_like(name, other);
}

// Fields that say who a visitor is or where a request came in: only the edge may write them.
bool is_edge_field(std::string_view name) {
    switch (name.empty() ? '\0' : name.front() | 0x20) {
        case 'x':
            return begins_like(name, "x-forwarded-") || reads_like(name, "x-real-ip") ||
                   begins_like(name, "x-instatunnel-");
        case 'f':
            return reads_like(name, "forwarded");
        default:
            return false;
    }
}

void append_number(std::string& out, std::uint64_t value) {
    char digits[20];
    out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_status_line(std::string& out, int status) {
    if (status == 200) {
        out += "HTTP/1.1 200 OK\r\n";
        return;
    }
    out += "HTTP/1.1 ";
    append_number(out, static_cast<std::uint64_t>(status));
    out += ' ';
    out += wire::reason_phrase(status);
    out += "\r\n";
}

// A body length belongs to the framing, which this hop chooses.
bool is_framing_field(std::string_view name) {
    return name.size() == 14 && iequals(name, "content-length");
}

}  // namespace

bool may_be_trailer(std::string_view name) noexcept {
    return !wire::is_hop_by_hop(name) && !is_framing_field(name) && !is_edge_field(name) && !iequals(name, "host") &&
           !iequals(name, "authorization") && !iequals(name, "cookie") && !iequals(name, "set-cookie");
}

std::string_view host_of_authority(std::string_view authority, std::string& out) {
    out.clear();
    if (authority.starts_with('[')) {
        const auto end = authority.find(']');
        if (end == std::string_view::npos) return {};
        out.assign(authority.substr(1, end - 1));
    } else {
        out.assign(authority.substr(0, authority.find(':')));
    }
    std::ranges::transform(out, out.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    // "demo.example.com." names the same host (RFC 3986 §3.2.2).
    if (out.size() > 1 && out.back() == '.') out.pop_back();
    return out;
}

arrival make_arrival(const net::peer_name& peer, std::uint16_t public_port) {
    arrival from;
    from.forwarded_for = peer.address.empty() ? "unknown" : peer.address;
    from.forwarded_node = peer.family == 6 ? "\"[" + peer.address + "]\"" : from.forwarded_for;
    from.port = std::to_string(public_port);
    return from;
}

void forward_request_fields(const wire::request_head& head, const arrival& from, std::string& scratch,
                            std::vector<wire::field>& out) {
    out.clear();
    std::string_view connection;
    bool several_connections = false;
    for (const auto& f : head.fields) {
        if (f.name.size() == 10 && iequals(f.name, "connection")) {
            several_connections = several_connections || !connection.empty();
            connection = f.value;
        }
    }
    // Named by Connection: rare beyond keep-alive, close and upgrade, which the fixed list covers.
    const bool plain = !several_connections && (connection.empty() || iequals(connection, "keep-alive") ||
                                                iequals(connection, "close") || iequals(connection, "upgrade"));
    const auto is_named = [&](std::string_view name) {
        return std::ranges::any_of(head.fields, [&](const wire::field& f) {
            return iequals(f.name, "connection") && wire::list_has_token(f.value, name);
        });
    };
    for (const auto& f : head.fields) {
        if (wire::is_hop_by_hop(f.name) || is_framing_field(f.name) || is_edge_field(f.name)) continue;
        if (f.name.size() == 4 && iequals(f.name, "host")) continue;
        if (!plain && is_named(f.name)) continue;
        out.push_back(f);
    }
    scratch.assign("for=")
        .append(from.forwarded_node)
        .append(";host=\"")
        .append(head.authority)
        .append("\";proto=")
        .append(from.scheme);
    out.push_back({"X-Forwarded-For", from.forwarded_for});
    out.push_back({"X-Forwarded-Proto", from.scheme});
    out.push_back({"X-Forwarded-Host", head.authority});
    out.push_back({"X-Forwarded-Port", from.port});
    out.push_back({"Forwarded", scratch});
}

reply_framing choose_framing(const wire::itp::reply_head& head, const reply_plan& plan) noexcept {
    if (head.status < 200 || head.status == 204 || head.status == 304 || plan.head_request) return reply_framing::none;
    if (head.content_length >= 0) return reply_framing::length;
    if (plan.ended) return reply_framing::length;
    return plan.visitor_is_http10 ? reply_framing::close : reply_framing::chunked;
}

namespace {

// Browsers take one dot off the front; one that also takes quotes off, or a dot at the end, must not be let down.
std::string_view cookie_domain(std::string_view value) noexcept {
    static constexpr std::string_view around = " \t\".'";
    const auto first = value.find_first_not_of(around);
    if (first == std::string_view::npos) return {};
    return value.substr(first, value.find_last_not_of(around) - first + 1);
}

bool is_domain_or_above(std::string_view name, std::string_view domain) noexcept {
    if (name.empty() || name.size() > domain.size()) return false;
    const auto above = domain.substr(domain.size() - name.size());
    return iequals(name, above) && (above.size() == domain.size() || domain[domain.size() - name.size() - 1] == '.');
}

}  // namespace

bool sets_cookie_for(std::string_view set_cookie, std::string_view domain) noexcept {
    // Attributes follow the first semicolon; the last Domain counts (RFC 6265 §5.3), any that matches is enough to
    // refuse.
    for (auto rest = set_cookie; rest.find(';') != std::string_view::npos;) {
        rest.remove_prefix(rest.find(';') + 1);
        const auto attribute = rest.substr(0, rest.find(';'));
        const auto equals = attribute.find('=');
        if (equals == std::string_view::npos || !iequals(trim(attribute.substr(0, equals)), "domain")) continue;
        if (is_domain_or_above(cookie_domain(attribute.substr(equals + 1)), domain)) return true;
    }
    return false;
}

bool may_reach_visitor(const wire::field& f, std::string_view base_domain) noexcept {
    if (is_framing_field(f.name) || f.name == wire::itp::upgrade_field) return false;
    return f.name.size() != 10 || !iequals(f.name, "set-cookie") || !sets_cookie_for(f.value, base_domain);
}

namespace {

void append_fields(std::string& out, const std::vector<wire::field>& fields, std::string_view base_domain) {
    for (const auto& f : fields)
        if (may_reach_visitor(f, base_domain)) wire::append_field(out, f.name, f.value);
}

}  // namespace

void append_reply_head(std::string& out, const wire::itp::reply_head& head, const reply_plan& plan,
                       reply_framing framing, std::string_view base_domain) {
    append_status_line(out, head.status);
    append_fields(out, head.fields, base_domain);
    switch (framing) {
        case reply_framing::length:
            out += "Content-Length: ";
            append_number(out, head.content_length >= 0 ? static_cast<std::uint64_t>(head.content_length) : 0);
            out += "\r\n";
            break;
        case reply_framing::chunked:
            out += "Transfer-Encoding: chunked\r\n";
            break;
        case reply_framing::none:
            // What a GET would have brought is worth telling to HEAD, and 304 may carry it (RFC 9110 §8.6); 204 must
            // not.
            if (head.content_length >= 0 && head.status != 204 && head.status >= 200) {
                out += "Content-Length: ";
                append_number(out, static_cast<std::uint64_t>(head.content_length));
                out += "\r\n";
            }
            break;
        case reply_framing::close:
            break;
    }
    if (!plan.keep_alive)
        out += "Connection: close\r\n";
    else if (plan.visitor_is_http10)
        out += "Connection: keep-alive\r\n";
    out += "\r\n";
}

void append_interim_head(std::string& out, const wire::itp::reply_head& head, std::string_view upgrade,
                         std::string_view base_domain) {
    append_status_line(out, head.status);
    if (!upgrade.empty()) {
        wire::append_field(out, "Connection", "Upgrade");
        wire::append_field(out, "Upgrade", upgrade);
    }
    append_fields(out, head.fields, base_domain);
    out += "\r\n";
}

}  // namespace instatunnel::edge
