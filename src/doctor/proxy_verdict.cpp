#include "proxy_verdict.hpp"

#include <algorithm>

#include "instatunnel/base/names.hpp"
#include "instatunnel/net/dial.hpp"
#include "parts.hpp"

namespace instatunnel::doctor {
namespace {

// A name and a password may stand in front of the host.
std::string proxy_place(const std::string& value) {
    const auto at = value.rfind('@');
    auto rest = at == std::string::npos ? value : value.substr(at + 1);
    if (at == std::string::npos)
        if (const auto scheme = rest.find("://"); scheme != std::string::npos) rest.erase(0, scheme + 3);
    const auto url = net::parse_url("http://" + rest);
    return url ? url->origin().substr(std::string_view("http://").size()) : std::string("something that is no URL");
}

}  // namespace

bool is_without_proxy(std::string_view no_proxy, std::string_view host) {
    while (!no_proxy.empty()) {
        const auto end = std::min(no_proxy.find(','), no_proxy.size());
        auto one = trim(no_proxy.substr(0, end));
        no_proxy.remove_prefix(std::min(end + 1, no_proxy.size()));
        if (one == "*") return true;
        if (one.starts_with('.')) one.remove_prefix(1);
        if (one.empty() || one.size() > host.size()) continue;
        const auto tail = host.substr(host.size() - one.size());
        if (iequals(tail, one) && (tail.size() == host.size() || host[host.size() - one.size() - 1] == '.'))
            return true;
    }
    return false;
}

check judge_proxy(const proxy_variables& variables, const std::string& host, bool is_reached) {
    auto c = make_check(step::proxy);
    if (variables.name.empty()) return well(std::move(c), "none is set; connections are direct");
    const auto found = variables.name + " is set (" + proxy_place(variables.value) + ")";
    if (is_without_proxy(variables.no_proxy, host))
        return well(std::move(c), found + ", and NO_PROXY takes " + host + " out; connections are direct");
    if (is_reached)
        return well(std::move(c), found + ", and is not used: InstaTunnel connects directly, which works here");
    return warned(std::move(c), found, "InstaTunnel connects directly and does not use HTTP proxies",
                  "Have direct connections to " + host + " allowed, or use another network", errc::server_unreachable);
}

}  // namespace instatunnel::doctor
