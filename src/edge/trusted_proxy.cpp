#include "trusted_proxy.hpp"

#include <arpa/inet.h>

#include "instatunnel/base/names.hpp"

namespace instatunnel::edge {
namespace {

constexpr int max_hops = 32;

// An address as proxies write it: bare, with a port, or in brackets.
net::peer_name parse_hop(std::string_view text) {
    if (text.starts_with('[')) {
        const auto end = text.find(']');
        text = end == std::string_view::npos ? std::string_view() : text.substr(1, end - 1);
    } else if (text.find('.') != std::string_view::npos) {
        text = text.substr(0, text.find(':'));
    }
    const std::string address(text.substr(0, INET6_ADDRSTRLEN));
    unsigned char bytes[16] = {};
    if (::inet_pton(AF_INET, address.c_str(), bytes) == 1) return net::make_peer_name(4, bytes, 0);
    if (::inet_pton(AF_INET6, address.c_str(), bytes) == 1) return net::make_peer_name(6, bytes, 0);
    return {};
}

}  // namespace

std::optional<told_visitor> read_forwarding(const wire::request_head& head, const trusted_proxies& proxies,
                                            const net::peer_name& proxy) {
    std::string hops;
    told_visitor told;
    for (const auto& f : head.fields) {
        if (iequals(f.name, "x-forwarded-for")) hops.append(hops.empty() ? "" : ",").append(f.value);
        if (iequals(f.name, "x-forwarded-proto"))
            told.https = !iequals(trim(f.value.substr(f.value.rfind(',') + 1)), "http");
    }
    told.chain = proxy.address;
    std::string_view rest = hops;
    for (int i = 0; i < max_hops && !rest.empty(); ++i) {
        const auto comma = rest.rfind(',');
        const auto hop = parse_hop(trim(comma == std::string_view::npos ? rest : rest.substr(comma + 1)));
        if (hop.family == 0) break;
        told.peer = hop;
        told.chain.insert(0, hop.address + ", ");
        if (!proxies.trusts(hop) || comma == std::string_view::npos) break;
        rest = rest.substr(0, comma);
    }
    if (told.peer.family == 0) return std::nullopt;
    return told;
}

}  // namespace instatunnel::edge
